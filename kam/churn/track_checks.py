"""What a track record assumes, and whether the data bear it out, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kam.results import Assumed, Check, Verdict

if TYPE_CHECKING:
    from kam.churn.track_record import TrackRecordResult


def check_track(result: TrackRecordResult, *, n_new: int, n_lists: int) -> tuple[Check, ...]:
    """Say of each assumption of a track record whether the data bear it out.

    Parameters
    ----------
    result : TrackRecordResult
    n_new : int
        Accounts, counted once per scored forecast, that the ledger has at that day and the forecast had not.
    n_lists : int
        Call lists among the scored forecasts.
    """
    say = result.context.wording
    history = Check(
        assumption=say.sentence("earlier forecasts of this dataset are there"),
        finding=say.sentence("there is no folder with earlier runs")
        if not result.has_history
        else say.sentence(
            "{scored} scored, {waiting} waiting, {other} of other datasets",
            scored=say.count(result.n_scored),
            waiting=say.count(result.n_waiting),
            other=say.count(result.n_other),
        ),
        verdict="holds" if result.n_scored else "not testable",
    )
    readable = Check(
        assumption=say.sentence("every earlier forecast can be read"),
        finding=say.plural(
            "one cannot: it is listed with the reason",
            "{n} cannot: they are listed with the reason",
            result.n_unreadable,
        )
        if result.n_unreadable
        else say.sentence("none is damaged or of another version"),
        verdict="handled" if result.n_unreadable else "holds",
    )
    checks = [history, readable]
    if result.n_replaced:
        checks.append(
            Check(
                assumption=say.sentence("each day was forecast once"),
                finding=say.plural(
                    "one forecast was made again later from the same day: the latest counts",
                    "{n} forecasts were made again later from the same day: the latest counts",
                    result.n_replaced,
                ),
                verdict="handled",
            )
        )
    if result.n_scored:
        checks += [_check_chance(result), _check_identifiers(result, n_new), _check_calls(result, n_lists)]
    return tuple(checks)


def assumed_of_track(result: TrackRecordResult) -> tuple[Assumed, ...]:
    """What a track record takes for given."""
    say = result.context.wording
    return (
        Assumed(
            what=say.sentence("who was called"),
            value=say.sentence("everybody on the list to call, nobody who was held out"),
            would_change=say.sentence("calls that were not made make calling look weaker than it is"),
        ),
        Assumed(
            what=say.sentence("an account is the same if its identifier is"),
            value=say.sentence("matched by identifier"),
            would_change=say.sentence("a renamed account counts as vanished and is not scored"),
        ),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_chance(result: TrackRecordResult) -> Check:
    say = result.context.wording
    rows = result.scores[result.scores["scope"] == "at risk"]
    rows = rows if len(rows) else result.scores
    within = ((rows["n_low"] <= rows["n_actual"]) & (rows["n_actual"] <= rows["n_high"])).to_numpy()
    ratio = float(rows["n_actual"].sum() / rows["n_expected"].sum()) if rows["n_expected"].sum() else None
    return Check(
        assumption=say.sentence("as many placed no order as was expected"),
        finding=say.sentence(
            "in {within} of {n} forecasts the number lies within the interval ({stated} as stated by the forecast, {chance} of "
            "chance alone)",
            within=say.count(within.sum()),
            n=say.count(len(within)),
            stated=say.count((rows["covers"] == "as stated").sum()),
            chance=say.count((rows["covers"] != "as stated").sum()),
        )
        + (
            say.sentence("; over all, {ratio} times as many as expected", ratio=say.number(ratio))
            if ratio is not None
            else ""
        ),
        verdict="holds" if np.mean(within) >= 0.8 else "does not hold",
        statistic=ratio,
    )


def _check_identifiers(result: TrackRecordResult, n_new: int) -> Check:
    say = result.context.wording
    n_gone = len(result.vanished)
    n_all = int(result.scores.loc[result.scores["scope"] == "all", "n_customers"].sum()) + n_gone
    verdict: Verdict = "holds"
    if n_gone or n_new:
        verdict = "handled" if n_gone + n_new <= 0.05 * n_all else "does not hold"
    return Check(
        assumption=say.sentence("accounts are the same in the forecast and in the ledger of today"),
        finding=say.sentence(
            "of {n_all} forecasts of accounts, {gone} are of accounts that the ledger does not have any more; {new} accounts "
            "were there, by the ledger of today, and had no forecast",
            n_all=say.count(n_all),
            gone=say.count(n_gone),
            new=say.count(n_new),
        ),
        verdict=verdict,
        statistic=(n_gone + n_new) / n_all if n_all else None,
    )


def _check_calls(result: TrackRecordResult, n_lists: int) -> Check:
    say = result.context.wording
    assumption = say.sentence("enough accounts were held out to say what calls save")
    if result.calls.empty:
        finding = (
            say.sentence(
                "the call lists of scored forecasts have no account on one side: {n} lists", n=say.count(n_lists)
            )
            if n_lists
            else say.sentence("no scored forecast has a call list")
        )
        return Check(assumption=assumption, finding=finding, verdict="not testable")
    row = result.calls.iloc[0]
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "{called} called and {held} held out in {n} lists",
            called=say.count(row["n_calls"]),
            held=say.count(row["n_held_out"]),
            n=say.count(n_lists),
        ),
        verdict="holds" if row["n_held_out"] >= 30 else "does not hold",
        statistic=float(row["n_held_out"]),
    )
