"""The accounts of which some were lost: dated losses, who was there at a wave, and what each had said by then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import ColumnTypeError, DataError, EmptyDataError, MissingColumnError, NoEventError
from kam.survey.design import Design
from kam.survey.frame import ANSWERS_ONLY, TAKEN_AS_ASKED
from kam.survey.loyalty_rows import account_scores
from kam.survey.responses import Responses

Floats = npt.NDArray[np.float64]

ANSWERED, EARLIER, SILENT, NOT_ASKED, NEVER = (
    "answered in the wave",
    "answered in an earlier wave only",
    "asked, never answered",
    "never asked",
    "never answered",
)
"""What an account at risk had said by the end of a wave; the last one where nobody knows who was asked."""
_SHORTEST, _LONGEST = 91, 364


def dated_losses(losses: pd.DataFrame) -> pd.DataFrame:
    """Accounts with the day of their loss: ``customer_id, lost_on`` (missing: stayed), and what is there of the rest.

    Raises
    ------
    MissingColumnError
        There is neither ``lost_on`` nor ``is_lost`` with the last order.
    ColumnTypeError
        A date is none.
    DataError
        An account stands twice, or one that is lost has no date.
    """
    columns = ", ".join(map(str, losses.columns))
    if "customer_id" not in losses.columns:
        raise MissingColumnError("There is no column 'customer_id'.", where=f"losses, which has {columns}")
    last = next((name for name in ("last_order", "last_active") if name in losses.columns), None)
    if "lost_on" not in losses.columns and (last is None or "is_lost" not in losses.columns):
        raise MissingColumnError(
            "Losses cannot be dated.",
            where=f"losses, which has {columns}",
            hint="Give lost_on, or is_lost with last_order.",
        )
    dates = [name for name in ("lost_on", last, "first_order") if name is not None and name in losses.columns]
    for name in dates:
        if not pd.api.types.is_datetime64_any_dtype(losses[name]):
            raise ColumnTypeError(f"The column {name!r} of losses holds no dates.", where=f"type {losses[name].dtype}")
    kept = [name for name in ("first_order", "revenue") if name in losses.columns]
    found = losses[["customer_id", *kept]].astype({"customer_id": "str"})
    if "lost_on" in losses.columns:
        found["lost_on"] = losses["lost_on"]
    else:
        is_lost = losses["is_lost"].astype("bool")
        undated = is_lost & losses[last].isna()
        if undated.any():
            raise DataError(
                f"{int(undated.sum())} accounts are lost and have no last order.",
                where=", ".join(found.loc[undated, "customer_id"].head(5)),
            )
        found["lost_on"] = losses[last].where(is_lost)
    twice = found["customer_id"].duplicated()
    if twice.any():
        raise DataError(
            "An account stands twice in losses.",
            where=f"customer {found.loc[twice, 'customer_id'].iloc[0]}",
            hint="Give one row per account.",
        )
    return found.reset_index(drop=True)


def checked_asked(asked: pd.DataFrame) -> pd.DataFrame:
    """Who was asked, with texts as keys; raises :class:`~kam.errors.MissingColumnError` without them."""
    for column in ("wave", "customer_id"):
        if column not in asked.columns:
            raise MissingColumnError(
                f"There is no column {column!r}.", where=f"asked, which has {', '.join(map(str, asked.columns))}"
            )
    return asked.assign(wave=asked["wave"].astype("str"), customer_id=asked["customer_id"].astype("str"))


def end_of(accounts: pd.DataFrame, followed_to: date | None) -> date:
    """Day to which losses are known: as given, else that of the latest; raises :class:`~kam.errors.NoEventError` without any."""
    if followed_to is not None:
        return followed_to
    if accounts["lost_on"].isna().all():
        raise NoEventError("Nobody was lost: there is nobody to compare.", hint="Check losses, or give a later ledger.")
    return pd.Timestamp(accounts["lost_on"].max()).date()


def followed_waves(responses: Responses, end: date, horizon_days: int | None) -> tuple[tuple[str, ...], int]:
    """The waves that were followed for long enough, and for how long all of them are."""
    field = responses.field
    last = pd.to_datetime(field["last_answer"])
    followed = (pd.Timestamp(end) - last).dt.days.to_numpy()
    until_next = np.append((last.to_numpy()[1:] - last.to_numpy()[:-1]).astype("timedelta64[D]").astype(int), 10**6)
    needed = horizon_days or _SHORTEST
    enough = followed >= needed
    if not enough.any():
        raise EmptyDataError(
            f"No wave was followed for {needed} days.",
            where=f"last answer {last.max().date()}, losses known to {end}",
            hint="Give a shorter horizon_days, or a later ledger.",
        )
    horizon = horizon_days or int(min(_LONGEST, followed[enough].min(), until_next[enough].min()))
    return tuple(field.loc[enough, "wave"]), horizon


def accounts_at_risk(responses: Responses, accounts: pd.DataFrame, waves: Sequence[str], horizon: int) -> pd.DataFrame:
    """One row per wave and account that was there when its field ended: ``wave, customer_id, is_lost`` …"""
    ends = responses.field.set_index("wave")["last_answer"]
    parts = []
    for wave in waves:
        end = pd.Timestamp(ends[wave])
        there = accounts["lost_on"].isna() | (accounts["lost_on"] > end)
        if "first_order" in accounts.columns:
            there &= accounts["first_order"].isna() | (accounts["first_order"] <= end)
        part = accounts[there]
        parts.append(part.assign(wave=wave, is_lost=part["lost_on"] <= end + timedelta(days=horizon)))
    return pd.concat(parts, ignore_index=True)


def check_events(at_risk: pd.DataFrame, horizon: int) -> None:
    """Raise :class:`~kam.errors.NoEventError` where nobody was lost within the horizon, or everybody."""
    if not at_risk["is_lost"].any() or at_risk["is_lost"].all():
        who = "Nobody" if not at_risk["is_lost"].any() else "Everybody"
        raise NoEventError(
            f"{who} was lost within {horizon} days after a wave: there is nobody to compare.",
            where=f"{len(at_risk)} accounts that were there",
            hint="Give another horizon_days, or more waves.",
        )


def add_revenue(at_risk: pd.DataFrame, asked: pd.DataFrame | None) -> pd.DataFrame:
    """Revenue before the wave if the frame of the asked has it, else that of losses, else none."""
    if asked is None or "revenue" not in asked.columns:
        return at_risk
    before = asked.drop_duplicates(["wave", "customer_id"])[["wave", "customer_id", "revenue"]]
    return at_risk.drop(columns="revenue", errors="ignore").merge(before, on=["wave", "customer_id"], how="left")


def add_answers(
    at_risk: pd.DataFrame,
    responses: Responses,
    items: Sequence[str],
    satisfied_from: int,
    designs: Mapping[str, Design],
) -> pd.DataFrame:
    """The accounts at risk who answered, with ``score, share_satisfied`` (of their people) ``, n_people, weight``."""
    scores = account_scores(responses, items, designs, satisfied_from=satisfied_from).dropna(subset="score")
    return at_risk.merge(scores[scores["weight"] > 0], on=["wave", "customer_id"])


def is_known_who_was_asked(asked: pd.DataFrame | None, waves: Sequence[str]) -> bool:
    """Whether who was asked up to the last of the waves stands in a list, and was not supposed (``status``)."""
    if asked is None or not set(waves) <= set(asked["wave"]):
        return False
    return (
        "status" not in asked.columns
        or not asked.loc[asked["wave"].isin(waves), "status"].isin((TAKEN_AS_ASKED, ANSWERS_ONLY)).any()
    )


def status_of(at_risk: pd.DataFrame, responses: Responses, asked: pd.DataFrame | None) -> pd.Series:
    """What each account at risk had said up to the wave, or that it was never asked."""
    order = {wave: i for i, wave in enumerate(responses.waves)}

    def first_of(frame: pd.DataFrame) -> Floats:
        first = frame["wave"].map(order).groupby(frame["customer_id"]).min()
        return np.asarray(at_risk["customer_id"].map(first).fillna(np.inf), dtype=np.float64)

    now = at_risk["wave"].map(order).to_numpy(dtype=np.float64)
    answers = pd.MultiIndex.from_frame(responses.rows[["wave", "customer_id"]])
    here = pd.MultiIndex.from_frame(at_risk[["wave", "customer_id"]]).isin(answers)
    earlier = first_of(responses.rows) < now
    if asked is None:
        return pd.Series(np.select([here, earlier], [ANSWERED, EARLIER], NEVER), index=at_risk.index)
    drawn = asked[asked["drawn"].astype("bool")] if "drawn" in asked.columns else asked
    drawn = drawn[drawn["wave"].isin(list(order))]
    was_asked = first_of(drawn) <= now
    return pd.Series(np.select([here, earlier, was_asked], [ANSWERED, EARLIER, SILENT], NOT_ASKED), index=at_risk.index)
