"""What a comparison of churn models assumes, and whether the data bear it out, in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri

from kam.churn.comparison_scores import CALLED, MIN_ORIGINS, OBSERVED, OBSERVED_ORDERS, SLOPE
from kam.churn.scored_forecasts import AT_RISK, Scored
from kam.results import Assumed, Check, Verdict
from kam.wording import Wording

OFF = 0.1
"""Observed over expected is off by more than this."""
MIN_EVENTS = 100
"""Accounts with and without the event that a comparison should have at each origin (Vergouwe et al. 2005, J Clin Epi 58)."""


def check_comparison(say: Wording, scored: Scored, scores: pd.DataFrame, level: float) -> tuple[Check, ...]:
    """Say of each assumption of a comparison whether the data bear it out; calibration is that of the reference, at risk."""
    own = scores[(scores["model"] == scored.models[0]) & (scores["population"] == AT_RISK)]
    pooled = {str(row["measure"]): row for _, row in own[own["origin"] == "pooled"].iterrows()}
    return (
        _check_before(say, scored),
        _check_same(say, scored),
        _check_events(say, scored),
        _check_origins(say, scored),
        _check_slope(say, pooled[SLOPE], level),
        _check_number(say, pooled),
        _check_single(say, *off_origins(scores, scored.models[0], level)),
        _check_defined(say, scores),
    )


def assumed_of_comparison(say: Wording, n_others: int, level: float) -> tuple[Assumed, ...]:
    """What a comparison takes for given."""
    return (
        Assumed(
            what=say.sentence("score that decides"),
            value=say.sentence("log loss of accounts at risk, origins counted alike"),
            would_change=say.sentence(
                "by another score, or among all accounts, models may stand differently: see the differences"
            ),
        ),
        Assumed(
            what=say.sentence("intervals of differences"),
            value=say.plural(
                "{level} for the one other model",
                "{level} for each of {n} other models alone",
                n_others,
                level=say.share(level, 0),
            ),
            would_change=say.sentence("intervals that hold for all models at once would be wider"),
        ),
        Assumed(
            what=say.sentence("money at risk"),
            value=say.sentence(
                "revenue of the last year; {share} of the accounts are called", share=say.share(CALLED, 0)
            ),
            would_change=say.sentence("margin in place of revenue, or another capacity, may change who finds most"),
        ),
    )


def off_origins(scores: pd.DataFrame, reference: str, level: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Observed over expected of the reference at single origins, at risk; and those of them that are off beyond chance.

    Off is more than a tenth from 1, and beyond an interval that holds for all origins at once (Bonferroni, by its normal width).
    """
    rows = scores[
        (scores["model"] == reference)
        & (scores["measure"] == OBSERVED)
        & (scores["population"] == AT_RISK)
        & (scores["origin"] != "pooled")
    ].reset_index(drop=True)
    tail = (1 - level) / 2
    wider = float(ndtri(tail / max(len(rows), 1)) / ndtri(tail))
    away = rows["estimate"] - 1
    reach = (rows["estimate"] - rows["ci_low"]).where(away > 0, rows["ci_high"] - rows["estimate"]) * wider
    return rows, rows[(away.abs() > OFF) & (away.abs() > reach)].reset_index(drop=True)


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_before(say: Wording, scored: Scored) -> Check:
    assumption = say.sentence("forecasts were made before the outcome")
    if scored.made_before is None:
        return Check(
            assumption=assumption,
            finding=say.sentence("the forecasts do not say up to which day they knew the data"),
            verdict="not testable",
        )
    late = int((~scored.made_before).sum())
    return Check(
        assumption=assumption,
        finding=say.plural("one knew its origin or later", "{n} knew their origin or later", late)
        if late
        else say.sentence("all knew only days before their origin"),
        verdict="does not hold" if late else "holds",
        statistic=float(late),
    )


def _check_same(say: Wording, scored: Scored) -> Check:
    missing = scored.missing
    if missing.empty:
        finding = say.sentence(
            "{models} models, {accounts} accounts, {origins} origins",
            models=say.count(len(scored.models)),
            accounts=say.count(scored.n_customers),
            origins=say.count(len(scored.origins)),
        )
        verdict: Verdict = "holds"
    else:
        first = missing.iloc[0]
        finding = say.plural(
            "one forecast is missing: {model} at {origin} ({reason}); compared at the origins that both have",
            "{n} are missing, such as {model} at {origin} ({reason}); compared at the origins that both have",
            len(missing),
            model=say.text(first["model"]),
            origin=say.date(first["origin"]),
            reason=first["reason"],
        )
        verdict = "handled"
    return Check(
        assumption=say.sentence("all models are scored on the same accounts and origins"),
        finding=finding,
        verdict=verdict,
        statistic=float(len(missing)),
    )


def _check_events(say: Wording, scored: Scored) -> Check:
    fewest = []
    for o in range(len(scored.origins)):
        events = scored.event[scored.rows(AT_RISK, o)]
        fewest.append(min(events.sum(), len(events) - events.sum()))
    worst = int(np.argmin(fewest))
    return Check(
        assumption=say.sentence("each origin has enough accounts with and without an order"),
        finding=say.sentence(
            "fewest at {origin}: {n} of the rarer kind, where {needed} are wanted",
            origin=say.date(scored.origins[worst].date()),
            n=say.count(fewest[worst]),
            needed=say.count(MIN_EVENTS),
        ),
        verdict="holds" if fewest[worst] >= MIN_EVENTS else "does not hold",
        statistic=float(fewest[worst]),
    )


def _check_origins(say: Wording, scored: Scored) -> Check:
    n = len(scored.origins)
    return Check(
        assumption=say.sentence("there are enough origins to see how far they differ"),
        finding=say.plural(
            "one: the intervals hold for other accounts at the same time, not for another time",
            "{n}: with fewer than {needed}, the intervals hold for other accounts at the same times, not for other times",
            n,
            needed=say.count(MIN_ORIGINS),
        )
        if n < MIN_ORIGINS
        else say.sentence("{n}, which makes intervals over origins possible but rough", n=say.count(n)),
        verdict="holds" if n >= MIN_ORIGINS else "does not hold",
        statistic=float(n),
    )


def _check_slope(say: Wording, row: pd.Series, level: float) -> Check:
    assumption = say.sentence("probabilities are neither too extreme nor too timid (calibration slope 1)")
    if not np.isfinite(row["ci_low"]):
        finding = say.sentence("the slope has no value: the probabilities are equal, or separate the accounts")
        return Check(assumption=assumption, finding=finding, verdict="not testable")
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "the slope is {slope} ({interval})",
            slope=say.number(row["estimate"]),
            interval=say.interval(say.number(row["ci_low"]), say.number(row["ci_high"]), level),
        ),
        verdict="holds" if row["ci_low"] <= 1 <= row["ci_high"] else "does not hold",
        statistic=float(row["estimate"]),
    )


def _check_number(say: Wording, pooled: dict[str, pd.Series]) -> Check:
    without, with_order = (float(pooled[name]["estimate"]) for name in (OBSERVED, OBSERVED_ORDERS))
    return Check(
        assumption=say.sentence("over all origins as many accounts place no order as expected, within 10 %"),
        finding=say.sentence(
            "{without} of the expected number placed none, {with_order} of the expected number placed one",
            without=say.share(without),
            with_order=say.share(with_order),
        ),
        verdict="holds" if max(abs(without - 1), abs(with_order - 1)) <= OFF else "does not hold",
        statistic=without,
    )


def _check_single(say: Wording, rows: pd.DataFrame, off: pd.DataFrame) -> Check:
    ordered = rows.sort_values("estimate", kind="stable")
    low, high = ordered.iloc[0], ordered.iloc[-1]
    return Check(
        assumption=say.sentence("the same holds at single origins, whatever the season"),
        finding=say.sentence(
            "observed over expected runs from {low} ({first}) to {high} ({last}); {n} of {n_all} origins are off beyond chance",
            low=say.share(low["estimate"]),
            first=say.date(pd.Timestamp(low["origin"]).date()),
            high=say.share(high["estimate"]),
            last=say.date(pd.Timestamp(high["origin"]).date()),
            n=say.count(len(off)),
            n_all=say.count(len(rows)),
        ),
        verdict="holds" if off.empty else "does not hold",
        statistic=float((rows["estimate"] - 1).abs().max()),
    )


def _check_defined(say: Wording, scores: pd.DataFrame) -> Check:
    empty = scores[scores["estimate"].isna() | scores["ci_low"].isna()]
    first = "" if empty.empty else f"{empty.iloc[0]['measure']}, {empty.iloc[0]['model']}, {empty.iloc[0]['origin']}"
    return Check(
        assumption=say.sentence("every score has a value and an interval"),
        finding=say.sentence("all {n} have", n=say.count(len(scores)))
        if empty.empty
        else say.sentence(
            "{n} of {n_all} lack one, such as {first}: all probabilities are equal, nothing is to be found, or too few accounts",
            n=say.count(len(empty)),
            n_all=say.count(len(scores)),
            first=first,
        ),
        verdict="holds" if empty.empty else "handled",
        statistic=float(len(empty)),
    )
