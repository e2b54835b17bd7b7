"""What a forecast of states assumes, and whether the data bear it out, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kam.churn.backtest import AS_IF, TESTED
from kam.churn.mix_history import MixHistory
from kam.churn.projection import ALL
from kam.churn.varying_chain import VaryingChain
from kam.results import Assumed, Check, Verdict

if TYPE_CHECKING:
    from kam.churn.forecast import MixForecastResult

ENTRANTS_OFF = 0.2
"""The rule for new customers holds if in the last year it was off by no more, or by no more than chance would have it."""
GOOD_COVERAGE = (0.10, 0.05)
"""How far the coverage of the back-test may lie below and above the level of the interval."""


def check_forecast(result: MixForecastResult, chain: VaryingChain, history: MixHistory) -> tuple[Check, ...]:
    """Say of each assumption of a forecast whether the data bear it out."""
    return (
        _check_periods(result, chain),
        _check_entrants(result, history),
        _check_coverage(result),
        _check_skill(result),
    )


def assumed_of_forecast(result: MixForecastResult) -> tuple[Assumed, ...]:
    """What a forecast takes for given."""
    say = result.context.wording
    return (
        Assumed(
            what=say.sentence("new customers"),
            value=say.sentence(
                "{n} in {time}, as in the same seasons before"
                if result.entrants_rule == "season"
                else "{n} in {time}, as on average before",
                n=say.count(result.entrants["n_expected"].sum()),
                time=say.periods(result.horizon, result.freq),
            ),
            would_change=say.sentence(
                "more or less advertising, a new market; the customers of today are forecast without it"
            ),
        ),
        Assumed(
            what=say.sentence("periods to come"),
            value=say.sentence("differ from each other as those seen did"),
            would_change=say.sentence("a change that was not seen before: a competitor, a price, a law"),
        ),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_periods(result: MixForecastResult, chain: VaryingChain) -> Check:
    say = result.context.wording
    assumption = (
        say.sentence("the probabilities are the same in every period")
        if result.chain == "pooled"
        else say.sentence("the probabilities are the same in the same season of every year")
    )
    if not result.variation:
        return Check(assumption=assumption, finding=say.sentence("too few periods to tell"), verdict="not testable")
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "they differ {x} times as much as chance alone would have it; the interval holds that",
            x=say.number(result.variation, 1),
        ),
        verdict="handled" if chain.surely_varies else "holds",
        statistic=result.variation,
    )


def _check_entrants(result: MixForecastResult, history: MixHistory) -> Check:
    say = result.context.wording
    assumption = say.sentence("new customers come as before")
    used = np.arange(len(history.mix))[-min(history.n_seasons if history.n_seasons > 1 else 4, len(history.mix)) :]
    used = used[np.isfinite(history.one_ahead[used])]
    if not len(used):
        return Check(assumption=assumption, finding=say.sentence("too few periods to tell"), verdict="not testable")
    came, rule = int(history.entered[used].sum()), float(history.one_ahead[used].sum())
    verdict: Verdict = "holds" if abs(came - rule) <= max(ENTRANTS_OFF * rule, 2 * np.sqrt(rule)) else "does not hold"
    return Check(
        assumption=assumption,
        finding=say.plural(
            "in the last period {came} came where the rule expected {rule}",
            "in the last {n} periods {came} came where the rule expected {rule}",
            len(used),
            came=say.count(came),
            rule=say.count(rule),
        ),
        verdict=verdict,
        statistic=float(came - rule),
    )


def _check_coverage(result: MixForecastResult) -> Check:
    say = result.context.wording
    assumption = say.sentence("the interval covered what happened")
    if result.untested:
        return Check(assumption=assumption, finding=say.text(result.untested), verdict="not testable")
    covered = [result.coverage(scope) for scope in TESTED]
    low, high = result.level - GOOD_COVERAGE[0], result.level + GOOD_COVERAGE[1]
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "{covered} of {n} numbers lay within the {level} interval, from {origins} origins; without new and once lost "
            "customers {covered_active}",
            covered=say.share(covered[0]),
            n=say.count((result.backtest_points["scope"] == ALL).sum()),
            level=say.share(result.level, 0),
            origins=say.count(result.n_origins),
            covered_active=say.share(covered[1]),
        ),
        verdict="holds" if all(low <= share <= high for share in covered) else "does not hold",
        statistic=covered[0],
    )


def _check_skill(result: MixForecastResult) -> Check:
    say = result.context.wording
    assumption = say.sentence("the chain forecasts better than no model")
    if result.untested:
        return Check(assumption=assumption, finding=say.text(result.untested), verdict="not testable")
    row = result.hardest()
    if not np.isfinite(row["estimate"]):
        return Check(
            assumption=assumption,
            finding=say.sentence("{name} missed by nothing: nothing moved", name=say.text(AS_IF[row["term"]])),
            verdict="not testable",
        )
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "its error is {x} of that of {name} ({interval}, origins resampled)",
            x=say.share(row["estimate"], 0),
            name=say.text(AS_IF[row["term"]]),
            interval=say.interval(say.share(row["ci_low"], 0), say.share(row["ci_high"], 0), result.level),
        ),
        verdict="holds" if row["ci_high"] < 1 else "does not hold",
        statistic=float(row["estimate"]),
    )
