"""What is known of accounts besides their orders: region, industry, manager at a time, main product group, what was logged."""

from __future__ import annotations

import pandas as pd

from kam.errors import DataError, MissingColumnError
from kam.ledger import Ledger, summarize_mix
from kam.ledger.mix import By
from kam.wording import N_

UNKNOWN = N_("not known")
"""The row of accounts of which something is not known."""
MAX_DAYS = 365
"""A tender that was lost longer ago than this has no part in a loss."""


def text_of(accounts: pd.DataFrame | None, column: str, ids: pd.Series) -> pd.Series | None:
    """A text column of the accounts in the order of ``ids``; None where there is no such column, or nothing in it.

    Raises
    ------
    MissingColumnError
        The accounts have no ``customer_id``.
    DataError
        An account stands twice.
    """
    if accounts is None:
        return None
    if "customer_id" not in accounts.columns:
        raise MissingColumnError("The accounts have no customer_id.", where=f"columns {list(accounts.columns)}")
    if column not in accounts.columns or accounts[column].isna().all():
        return None
    known = accounts.set_index(accounts["customer_id"].astype(str))[column]
    if known.index.has_duplicates:
        twice = known.index[known.index.duplicated()][0]
        raise DataError("An account stands twice.", where=f"accounts, customer {twice!r}", hint="Give one row each.")
    found = known.reindex(ids.astype(str)).set_axis(ids.index)
    return found.astype(object).where(found.notna(), UNKNOWN).astype(str)


def manager_at(accounts: pd.DataFrame | None, ids: pd.Series, days: pd.Series) -> pd.Series | None:
    """The manager of each account on a day; not known before ``manager_since``, and without it."""
    manager = text_of(accounts, "manager", ids)
    if manager is None or accounts is None or "manager_since" not in accounts.columns:
        return None
    since = accounts.set_index(accounts["customer_id"].astype(str))["manager_since"].reindex(ids.astype(str))
    return manager.where((since.to_numpy() <= days.to_numpy()), UNKNOWN)


def main_of(ledger: Ledger, by: By, ids: pd.Series) -> pd.Series | None:
    """Of what each account bought most in all its history, by gross revenue; None: the ledger does not say."""
    if by not in ledger.columns:
        return None
    rows = summarize_mix(ledger, by=by, freq="month")
    rows = rows[rows["group"].notna()]
    gross = (rows["revenue"] + rows["returns"]).groupby([rows["customer_id"], rows["group"]]).sum()
    if gross.empty:
        return None
    largest = gross.sort_values(ascending=False, kind="stable").reset_index().drop_duplicates("customer_id")
    found = largest.set_index("customer_id")["group"].reindex(ids.astype(str)).set_axis(ids.index)
    return found.astype(object).where(found.notna(), UNKNOWN).astype(str)


def logged_losses(events: pd.DataFrame | None, ids: pd.Series, last_order: pd.Series) -> pd.DataFrame | None:
    """What was logged of each loss: ``logged_reason``, ``competitor``; missing where nothing was. None: there are no events.

    From the last event ``lost`` on or after the day of the last order; where there is none from the last tender that was lost, at
    most a year before it.
    """
    if events is None:
        return None
    missing = [name for name in ("customer_id", "date", "kind") if name not in events.columns]
    if missing:
        raise MissingColumnError(f"The events lack {', '.join(missing)}.", where=f"columns {list(events.columns)}")
    rows = events.assign(customer_id=events["customer_id"].astype(str))
    for name in ("reason", "competitor", "outcome"):
        if name not in rows.columns:
            rows[name] = None
    ended = pd.Series(last_order.to_numpy(), index=ids.astype(str).to_numpy())
    after = (rows["date"] - rows["customer_id"].map(ended)).dt.days
    rows = rows.assign(is_lost=rows["kind"] == "lost", after=after)
    tender = (rows["kind"] == "tender") & (rows["outcome"] == "lost") & (after >= -MAX_DAYS)
    rows = rows[(rows["is_lost"] & (after >= 0)) | tender]
    rows = rows.sort_values(["is_lost", "date"], kind="stable").drop_duplicates("customer_id", keep="last")
    found = rows.set_index("customer_id")[["reason", "competitor"]].reindex(ids.astype(str))
    found = found.rename(columns={"reason": "logged_reason"}).reset_index(drop=True)
    return found.astype(object).where(found.notna(), None).set_index(ids.index)
