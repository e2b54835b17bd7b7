"""What happened at accounts on which day, laid out so that sums over any window of any account are two look-ups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import MissingColumnError
from kam.ledger import Ledger, summarize_deliveries, summarize_mix

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SPAN = 1 << 20
"""More days than any ledger has."""
MAX_GROUPS = 40
"""Product groups that are told apart; what is bought of smaller ones counts as one more."""
_EPOCH = np.datetime64("1970-01-01")


def day_numbers(days: pd.Series) -> Ints:
    """Days since 1970-01-01; none may be missing."""
    return np.asarray((days.to_numpy().astype("datetime64[D]") - _EPOCH).astype(np.int64))


def to_days(numbers: Ints) -> pd.DatetimeIndex:
    """The days with these numbers."""
    return pd.DatetimeIndex(_EPOCH + np.asarray(numbers).astype("timedelta64[D]"))


@dataclass(frozen=True, eq=False)
class Tally:
    """Things that happened at accounts, sorted by account and day, with running sums.

    Attributes
    ----------
    key : numpy.ndarray
        ``account × SPAN + day``, ascending.
    running : mapping of str to numpy.ndarray
        Running sums from 0 on, one entry longer than ``key``; wider floats, since large sums are subtracted from one another.
    """

    key: Ints
    running: Mapping[str, npt.NDArray[np.longdouble]]

    @classmethod
    def of(cls, account: Ints, day: Ints, values: Mapping[str, npt.ArrayLike] | None = None) -> Tally:
        """Lay out; without values only the things themselves are counted."""
        key = account * SPAN + day
        order = np.argsort(key, kind="stable")
        named = {name: np.asarray(v, dtype=np.longdouble)[order] for name, v in (values or {}).items()}
        return cls(key[order], {name: np.append(np.longdouble(0), v.cumsum()) for name, v in named.items()})

    def between(self, account: Ints, start: Ints, end: Ints) -> Window:
        """What lies in ``start <= day < end``, for every account."""
        low, high = (np.searchsorted(self.key, account * SPAN + np.clip(day, 0, SPAN - 1)) for day in (start, end))
        return Window(self, low.astype(np.int64), np.maximum(low, high).astype(np.int64))


@dataclass(frozen=True, eq=False)
class Window:
    """What lies in one window per account."""

    tally: Tally
    low: Ints
    high: Ints

    @property
    def n(self) -> Ints:
        """How many things."""
        return self.high - self.low

    def sum(self, name: str) -> Floats:
        """Sum of a value over them; sums that should be 0 are."""
        running = self.tally.running[name]
        total = (running[self.high] - running[self.low]).astype(np.float64)
        return np.where(np.abs(total) < 1e-6, 0.0, total)


@dataclass(frozen=True, eq=False, kw_only=True)
class History:
    """Days of some accounts.

    Attributes
    ----------
    names : numpy.ndarray
        The accounts, ascending; indices of accounts point here.
    purchases : Tally
        Days with a positive amount: ``gross``, ``squares`` of it; if the ledger has discounts also ``listed`` (money at list
        price), ``listed_squares``, ``discount`` and ``discount_squares`` (squared discount share times ``listed``).
    credits : Tally
        Days with credit notes: ``returns``.
    deliveries : Tally or None
        By day of the order: ``n``, ``late``.
    groups : tuple of str
        Product groups, the last may be those too small to tell apart; empty: not known.
    bought : Tally or None
        ``account × (number of groups) + group`` by day: ``gross``.
    events : mapping of str to Tally
        Complaints, contacts (with visits), handovers; those of which there is any.
    first, last : numpy.ndarray
        Day of the first and of the last purchase.
    as_of : int
        Last day that counts.
    """

    names: npt.NDArray[np.object_]
    purchases: Tally
    credits: Tally
    deliveries: Tally | None
    groups: tuple[str, ...]
    bought: Tally | None
    events: Mapping[str, Tally]
    first: Ints
    last: Ints
    as_of: int


KINDS = {"complaint": "complaints", "contact": "contacts", "visit": "contacts", "handover": "handovers"}


def read_history(
    ledger: Ledger, customers: pd.Series, events: pd.DataFrame | None, accounts: pd.DataFrame | None
) -> History:
    """Read the days of some accounts; all of them have a purchase.

    Handovers are those logged; without any logged, the days since when accounts have their manager, where that is after the
    first purchase.

    Raises
    ------
    MissingColumnError
        The events lack a column.
    """
    ids = customers.astype(str).drop_duplicates().sort_values()
    names = ids.to_numpy(dtype=object)
    index = pd.Series(np.arange(len(names)), index=ids.to_numpy())
    days = summarize_mix(ledger, by=None, freq="day", customers=list(names))
    account, day = index[days["customer_id"]].to_numpy(), day_numbers(days["period"])
    gross = (days["revenue"] + days["returns"]).to_numpy()
    values: dict[str, npt.ArrayLike] = {"gross": gross, "squares": gross**2}
    if "discount" in days:
        discount = days["discount"].fillna(0.0).to_numpy()
        listed = np.maximum(days["revenue"].to_numpy() + discount, 0.0)
        discount = np.where(listed > 0, discount, 0.0)
        values |= {"listed": listed, "listed_squares": listed**2, "discount": discount}
        values["discount_squares"] = discount**2 / np.where(listed > 0, listed, 1.0)
    bought = gross > 0
    purchases = Tally.of(account[bought], day[bought], {k: np.asarray(v)[bought] for k, v in values.items()})
    credit = days["returns"].to_numpy() > 0
    first = np.full(len(names), SPAN - 1)
    last = np.zeros(len(names), dtype=np.int64)
    np.minimum.at(first, account[bought], day[bought])
    np.maximum.at(last, account[bought], day[bought])
    groups, by_group = _read_groups(ledger, index)
    return History(
        names=names,
        purchases=purchases,
        credits=Tally.of(account[credit], day[credit], {"returns": days["returns"].to_numpy()[credit]}),
        deliveries=_read_deliveries(ledger, index),
        groups=groups,
        bought=by_group,
        events=_read_events(events, accounts, index, first),
        first=first,
        last=last,
        as_of=int(day_numbers(pd.Series([pd.Timestamp(ledger.as_of)]))[0]),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _read_deliveries(ledger: Ledger, index: pd.Series) -> Tally | None:
    if not {"promised_date", "delivered_date"} <= set(ledger.columns):
        return None
    rows = summarize_deliveries(ledger, freq="day", customers=list(index.index))
    if rows.empty:
        return None
    values = {"n": rows["n_deliveries"], "late": rows["n_late"]}
    return Tally.of(index[rows["customer_id"]].to_numpy(), day_numbers(rows["period"]), values)


def _read_groups(ledger: Ledger, index: pd.Series) -> tuple[tuple[str, ...], Tally | None]:
    if "product_group" not in ledger.columns:
        return (), None
    rows = summarize_mix(ledger, by="product_group", freq="day", customers=list(index.index))
    rows["gross"] = rows["revenue"] + rows["returns"]
    rows = rows[rows["group"].notna() & (rows["gross"] > 0)]
    largest = rows.groupby("group")["gross"].sum().sort_values(ascending=False, kind="stable").index.astype(str)
    if len(largest) < 2:
        return (), None
    told = tuple(largest[:MAX_GROUPS])
    groups = (*told, "all others") if len(largest) > MAX_GROUPS else told
    place = pd.Series(np.arange(len(told)), index=list(told))
    code = rows["group"].astype(str).map(place).fillna(len(told)).to_numpy(dtype=np.int64)
    key = index[rows["customer_id"]].to_numpy() * len(groups) + code
    summed = (
        pd.DataFrame({"key": key, "day": day_numbers(rows["period"]), "gross": rows["gross"].to_numpy()})
        .groupby(["key", "day"], as_index=False)
        .sum()
    )
    return groups, Tally.of(summed["key"].to_numpy(), summed["day"].to_numpy(), {"gross": summed["gross"]})


def _read_events(
    events: pd.DataFrame | None, accounts: pd.DataFrame | None, index: pd.Series, first: Ints
) -> dict[str, Tally]:
    found: dict[str, Tally] = {}
    if events is not None:
        missing = [name for name in ("customer_id", "date", "kind") if name not in events.columns]
        if missing:
            raise MissingColumnError(f"The events lack {', '.join(missing)}.", where=f"columns {list(events.columns)}")
        what = events["kind"].map(KINDS)
        known = events[what.notna() & events["date"].notna()]
        what = what[known.index]
        for name in dict.fromkeys(KINDS.values()):
            if not (what == name).any():
                continue
            rows = known[(what == name) & known["customer_id"].astype(str).isin(index.index)]
            found[name] = Tally.of(index[rows["customer_id"].astype(str)].to_numpy(), day_numbers(rows["date"]))
    if "handovers" not in found and accounts is not None and "manager_since" in accounts.columns:
        rows = accounts[accounts["manager_since"].notna() & accounts["customer_id"].astype(str).isin(index.index)]
        account, day = index[rows["customer_id"].astype(str)].to_numpy(), day_numbers(rows["manager_since"])
        new = day > first[account]
        if new.any():
            found["handovers"] = Tally.of(account[new], day[new])
    return found
