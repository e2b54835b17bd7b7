"""Whether a forecast of churn can be trusted: what it rests on, and how the same forecast did before."""

from __future__ import annotations

import pandas as pd

from kam.churn.churn_probability import ChurnProbability, ChurnTest
from kam.churn.rolling import RolledForecasts
from kam.ledger import Snapshots
from kam.results import Assumed, Check
from kam.wording import Wording

CLOSE = 0.1
"""Observed over expected, less 1, that is still close."""
CLOSE_LOSSES = 0.25
"""The same for losses, of which there are fewer."""
FEW_WINDOWS = 4
FEW_MISSES = 0.85
"""Share of the windows that must lie within their 95 % interval."""
WELL_EXPLAINED = 0.7


def check_prediction(
    say: Wording,
    snapshots: Snapshots,
    rolled: RolledForecasts,
    record: pd.DataFrame,
    churn: ChurnProbability,
    tested: ChurnTest | None,
    explained: float,
) -> tuple[Check, ...]:
    """The assumptions of :func:`kam.churn.predict_churn`, each with what the data say."""
    return (
        _check_windows(say, snapshots),
        *_check_record(say, record),
        _check_season(say, rolled),
        _check_settled(say, rolled),
        _check_basis(say, snapshots, churn),
        _check_losses(say, tested),
        _check_contributions(say, explained),
        _check_missing(say, snapshots),
    )


def assumed_of_prediction(say: Wording, snapshots: Snapshots, churn: ChurnProbability) -> tuple[Assumed, ...]:
    """What was taken as given."""
    said = [
        Assumed(
            what=say.sentence("silence that means lost"),
            value=say.periods(snapshots.k, snapshots.freq),
            would_change=say.sentence("a shorter silence makes more accounts lost, of whom more come back"),
        ),
        Assumed(
            what=say.sentence("days looked ahead"),
            value=say.count(snapshots.horizon_days),
            would_change=say.sentence("the longer the window, the fewer accounts place no order in it"),
        ),
    ]
    if churn.basis == "waits":
        said.append(
            Assumed(
                what=say.sentence("how many silences last"),
                value=say.sentence("as many as among all accounts"),
                would_change=say.sentence(
                    "a longer history, from which the losses of each kind of account can be learned"
                ),
            )
        )
    return tuple(said)


def _check_windows(say: Wording, snapshots: Snapshots) -> Check:
    rows = snapshots.rows
    over = rows.loc[rows["no_order"].notna(), "origin"]
    span = (over.max() - over.min()).days / snapshots.horizon_days + 1
    return Check(
        assumption=say.sentence("There are enough windows to learn from"),
        finding=say.sentence(
            "{n} origins, which cover {w} windows of {h} days",
            n=say.count(over.nunique()),
            w=say.number(span, 1),
            h=say.count(snapshots.horizon_days),
        ),
        verdict="holds" if span >= FEW_WINDOWS else "does not hold",
    )


def _check_record(say: Wording, record: pd.DataFrame) -> tuple[Check, ...]:
    over = record[record["n_actual"].notna()].tail(FEW_WINDOWS)
    assumption = say.sentence("As many placed no order as the same forecast expected before")
    single = say.sentence("Each earlier window fell into its interval")
    if over.empty:
        reason = say.sentence("no earlier window has been forecast yet")
        return (
            Check(assumption=assumption, finding=reason, verdict="not testable"),
            Check(assumption=single, finding=reason, verdict="not testable"),
        )
    ratio = float(over["n_actual"].sum() / over["n_expected"].sum())
    every = record[record["n_actual"].notna()]
    inside = every["n_actual"].between(every["n_low"], every["n_high"])
    came, hoped = float(over["money_came"].sum()), float(over["expected_revenue"].sum())
    return (
        Check(
            assumption=assumption,
            finding=say.sentence(
                "{o} did, {e} were expected, over {n} earlier windows (ratio {r})",
                o=say.count(float(over["n_actual"].sum())),
                e=say.count(round(float(over["n_expected"].sum()))),
                n=say.count(len(over)),
                r=say.number(ratio),
            ),
            verdict="holds" if abs(ratio - 1) <= CLOSE else "does not hold",
            statistic=ratio,
        ),
        Check(
            assumption=single,
            finding=say.sentence("{k} of {n} did", k=say.count(int(inside.sum())), n=say.count(len(every))),
            verdict="holds" if float(inside.mean()) >= FEW_MISSES else "does not hold",
        ),
        Check(
            assumption=say.sentence("As much revenue came as the same forecast expected before"),
            finding=say.sentence("{c} came, {e} was expected", c=say.money_short(came), e=say.money_short(hoped)),
            verdict="holds" if abs(came - hoped) <= CLOSE * hoped else "does not hold",
            statistic=came / hoped if hoped else None,
        ),
    )


def _check_season(say: Wording, rolled: RolledForecasts) -> Check:
    levels = rolled.levels
    last = levels[(levels["origin"] == levels["origin"].max()) & (levels["group"] == "recent")]
    season = last[last["forecast"] == "season"]
    assumption = say.sentence("The season of the coming window has been seen before")
    if season.empty:
        return Check(
            assumption=assumption,
            finding=say.sentence(
                "the data hold no full window of the same season: how many will order is less certain"
            ),
            verdict="does not hold",
        )
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "it has, and makes {w} of the level of the forecast", w=say.share(float(season["weight"].iloc[0]), 0)
        ),
        verdict="handled",
    )


def _check_settled(say: Wording, rolled: RolledForecasts) -> Check:
    failed = sorted(set(rolled.not_fitted["model"]))
    return Check(
        assumption=say.sentence("The models of purchases settle on these accounts"),
        finding=say.sentence("{models} did not, and take no part", models=say.listing(failed))
        if failed
        else say.sentence("they do"),
        verdict="handled" if failed else "holds",
    )


def _check_basis(say: Wording, snapshots: Snapshots, churn: ChurnProbability) -> Check:
    assumption = say.sentence("Enough losses have been seen to learn who will be lost")
    if churn.basis == "learned":
        return Check(
            assumption=assumption,
            finding=say.sentence(
                "{n} lost customers, at {o} origins whose silences could be followed for {k}",
                n=say.count(churn.n_lost),
                o=say.count(churn.n_origins),
                k=say.periods(snapshots.k, snapshots.freq),
            ),
            verdict="holds",
        )
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "no: a silence of {k} is too long for these data, so the chance of no order is combined with the share of "
            "silences that last so long among all accounts",
            k=say.periods(snapshots.k, snapshots.freq),
        ),
        verdict="handled",
    )


def _check_losses(say: Wording, tested: ChurnTest | None) -> Check:
    assumption = say.sentence("As many were lost as the same forecast expected before")
    if tested is None or tested.n_expected == 0:
        return Check(
            assumption=assumption,
            finding=say.sentence("at no earlier origin are all losses known by now and enough before it to learn from"),
            verdict="not testable",
        )
    ratio = tested.n_actual / tested.n_expected
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "from {day} on {o} were lost, {e} were expected (ratio {r})",
            day=say.date(tested.origin),
            o=say.count(tested.n_actual),
            e=say.count(round(tested.n_expected)),
            r=say.number(ratio),
        ),
        verdict="holds" if abs(ratio - 1) <= CLOSE_LOSSES else "does not hold",
        statistic=ratio,
    )


def _check_contributions(say: Wording, explained: float) -> Check:
    return Check(
        assumption=say.sentence("The reasons given for an account add up to its forecast"),
        finding=say.sentence("they explain {r} of the differences between accounts", r=say.share(explained, 0)),
        verdict="holds" if explained >= WELL_EXPLAINED else "does not hold",
        statistic=explained,
    )


def _check_missing(say: Wording, snapshots: Snapshots) -> Check:
    known = snapshots.covariates
    gaps = known[known["n_missing"] > 0] if len(known) else known
    n_rows = len(snapshots.rows)
    listed = [
        say.sentence("{term} {share}", term=term, share=say.share(float(n) / n_rows, 0))
        for term, n in zip(gaps["term"], gaps["n_missing"], strict=True)
    ]
    return Check(
        assumption=say.sentence("Every covariate is known for every account"),
        finding=say.sentence("not known: {list}", list=say.listing(listed))
        if listed
        else say.sentence("yes, of {n}", n=say.count(len(known)))
        if len(known)
        else say.sentence("there are none besides the orders"),
        verdict="handled" if listed else "holds" if len(known) else "not testable",
    )
