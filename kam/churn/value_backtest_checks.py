"""What the money of held-out periods says of the value, and how far it can be trusted: the verdicts in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy import stats

from kam.churn.periods import PERIODS_A_YEAR
from kam.results import Assumed, Check, Context, Verdict

if TYPE_CHECKING:
    from kam.churn.value_backtest import ValueBacktestResult

BORNE_OUT = 0.1
"""By so much may the money that came differ from what was expected."""
STATE_OFF = 0.2
"""By so much may it differ in a single state."""
TOO_WIDE = 0.25
"""An interval that reaches farther from 1 cannot bear the value out."""


def check_value_backtest(result: ValueBacktestResult, cuts: bool | None) -> tuple[Check, ...]:
    """Say of each assumption whether the data bear it out; ``cuts``: limits of classes come from the ledger (None: not known)."""
    return (
        _check_value(result),
        _check_states(result),
        _check_interval(result),
        _check_skill(result),
        _check_cuts(result.context, cuts),
        _check_season(result),
        _check_followed(result),
    )


def _check_value(result: ValueBacktestResult) -> Check:
    say = result.context.wording
    what = say.sentence("the value ahead is borne out by money of periods held out")
    if result.ratio is None or result.ratio_low is None or result.ratio_high is None:
        return Check(assumption=what, finding=say.text(result.untested), verdict="not testable")
    low, high = result.ratio_low, result.ratio_high
    surely_off = not low <= 1 <= high
    verdict: Verdict = "holds"
    if abs(result.ratio - 1) > BORNE_OUT:
        verdict = "does not hold" if surely_off else "not testable"
    elif max(high - 1, 1 - low) > TOO_WIDE:
        verdict = "not testable"
    values = {
        "share": say.share(result.ratio),
        "interval": say.interval(say.share(low), say.share(high), result.level),
    }
    finding = say.plural(
        "{share} of what was expected came ({interval}), from one origin",
        "{share} of what was expected came ({interval}), from {n} origins",
        result.n_origins,
        **values,
    )
    if verdict == "not testable":
        finding = say.sentence("{finding}: too few data to tell", finding=finding)
    return Check(assumption=what, finding=finding, verdict=verdict, statistic=result.ratio)


def _check_states(result: ValueBacktestResult) -> Check:
    say = result.context.wording
    what = say.sentence("the value of each state is borne out, too")
    if result.untested:
        return Check(assumption=what, finding=say.text(result.untested), verdict="not testable")
    row = result.worst_state()
    if row is None:
        return Check(
            assumption=what,
            finding=say.sentence("none missed by more than {much} beyond chance", much=say.share(STATE_OFF, 0)),
            verdict="holds",
        )
    return Check(
        assumption=what,
        finding=say.sentence(
            "of what was expected of customers in {state} {share} came ({interval}, over customers)",
            state=say.state(row["state"]),
            share=say.share(row["ratio"]),
            interval=say.interval(say.share(row["ci_low"]), say.share(row["ci_high"]), result.level),
        ),
        verdict="does not hold",
        statistic=float(row["ratio"]),
    )


def _check_interval(result: ValueBacktestResult) -> Check:
    say = result.context.wording
    what = say.sentence("the prediction interval covered the money that came")
    if result.coverage is None:
        return Check(assumption=what, finding=say.text(result.untested), verdict="not testable")
    outside = round((1 - result.coverage) * result.n_origins)
    chance = float(stats.binom.sf(outside - 1, result.n_origins, 1 - result.level))  # of so many, or more
    return Check(
        assumption=what,
        finding=say.sentence(
            "{inside} of {n} sums lay within the {level} interval",
            inside=say.count(result.n_origins - outside),
            n=say.count(result.n_origins),
            level=say.share(result.level, 0),
        ),
        verdict="does not hold" if chance <= 1 - result.level + 1e-9 else "holds",
        statistic=result.coverage,
    )


def _check_skill(result: ValueBacktestResult) -> Check:
    say = result.context.wording
    what = say.sentence("the chain says more of the money to come than the money before does")
    if result.error is None or result.error_before is None:
        return Check(
            assumption=what,
            finding=say.text(result.untested) or say.sentence("no money came"),
            verdict="not testable",
        )
    return Check(
        assumption=what,
        finding=say.sentence(
            "it missed by {error}; as much as the same customers brought in the {time} before, by {naive}",
            error=say.share(result.error),
            time=say.periods(result.horizon, result.freq),
            naive=say.share(result.error_before),
        ),
        verdict="holds" if result.error < result.error_before else "does not hold",
        statistic=result.error - result.error_before,
    )


def _check_cuts(context: Context, cuts: bool | None) -> Check:
    say = context.wording
    what = say.sentence("nothing later than an origin is in what was expected there")
    if cuts is None:
        return Check(
            assumption=what,
            finding=say.sentence("moves and money are not; how the states were made is not known"),
            verdict="not testable",
        )
    if not cuts:
        return Check(
            assumption=what,
            finding=say.sentence("moves, money and states are those known at the origin"),
            verdict="holds",
        )
    return Check(
        assumption=what,
        finding=say.sentence(
            "moves and money are not; but the limits between the classes come from the whole ledger, unless they were given"
        ),
        verdict="does not hold",
    )


def _check_season(result: ValueBacktestResult) -> Check:
    say = result.context.wording
    what = say.sentence("seasons do not blur the comparison")
    year = PERIODS_A_YEAR[result.freq]
    if result.untested:
        return Check(assumption=what, finding=say.text(result.untested), verdict="not testable")
    if year == 1:
        return Check(assumption=what, finding=say.sentence("a period has no season"), verdict="holds")
    if result.chain == "cyclic":
        return Check(assumption=what, finding=say.sentence("each season has its own chain"), verdict="handled")
    time = say.periods(result.horizon, result.freq)
    if not result.season_blurs:
        return Check(
            assumption=what, finding=say.sentence("the time tested, {time}, is whole years", time=time), verdict="holds"
        )
    return Check(
        assumption=what,
        finding=say.sentence(
            "the time tested, {time}, is no whole year, and the chain knows no seasons: a good or bad season counts as a miss",
            time=time,
        ),
        verdict="does not hold",
    )


def _check_followed(result: ValueBacktestResult) -> Check:
    say = result.context.wording
    what = say.sentence("customers are followed to the end of the time tested")
    if result.untested:
        return Check(assumption=what, finding=say.text(result.untested), verdict="not testable")
    return Check(
        assumption=what,
        finding=say.plural(
            "one period of a customer is missing, and counts as without money",
            "{n} periods of customers are missing, and count as without money",
            result.n_missing,
        )
        if result.n_missing
        else say.sentence("each has a row in every period"),
        verdict="does not hold" if result.n_missing else "holds",
    )


def assumed_in_value_backtest(result: ValueBacktestResult) -> tuple[Assumed, ...]:
    """What was assumed, and what would change it."""
    say = result.context.wording
    rate = say.share(result.discount_rate)
    wanted = say.periods(result.horizon_wanted, result.freq)
    facts = [
        Assumed(
            what=say.sentence("discount rate"),
            value=say.sentence("{rate} a period" if result.freq == "period" else "{rate} a year", rate=rate),
            would_change=say.sentence("hardly anything: what came is discounted like what was expected"),
        )
    ]
    if result.untested:
        return tuple(facts)
    return (
        *facts,
        Assumed(
            what=say.sentence("time tested"),
            value=say.sentence(
                "{time} instead of {wanted}: the data allow no more",
                time=say.periods(result.horizon, result.freq),
                wanted=wanted,
            )
            if result.horizon < result.horizon_wanted
            else wanted,
            would_change=say.sentence("a longer history; what lies beyond the time tested is not borne out by this"),
        ),
        Assumed(
            what=say.sentence("what the interval of the ratio covers"),
            value=say.sentence("chance from one time to the next, over the origins")
            if result.spread_over == "origins"
            else say.sentence("chance of single customers; not a good or bad time for all"),
            would_change=say.sentence("more origins: a longer history, or a shorter time tested"),
        ),
        Assumed(
            what=say.sentence("origins"),
            value=say.plural("one", "{n}", 1)
            if result.n_origins == 1
            else say.sentence(
                "{n}, overlapping" if result.overlapping else "{n}, not overlapping", n=say.count(result.n_origins)
            ),
            would_change=say.plural(
                "one was left out, where a state had not yet been seen to be left",
                "{n} were left out, where a state had not yet been seen to be left",
                result.n_left_out,
            )
            if result.n_left_out
            else say.sentence("a longer history"),
        ),
    )
