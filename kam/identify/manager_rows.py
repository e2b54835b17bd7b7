"""What managers are compared by: account-months in which an account could be lost, account-years with a margin.

A row counts from the day on which the account's manager took over; who held the account before is not on file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.columns import require_columns
from kam.errors import ColumnTypeError, EmptyDataError, MissingColumnError, NoEventError
from kam.identify.staffing import check_accounts, clean_names

HANDOVER_MONTHS = 6
YEAR = 12
TRIM = 0.005
"""Margin shares beyond this share of the account-years at either end count as the limit."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_NEVER = 10**9


@dataclass(frozen=True, eq=False, kw_only=True)
class Portfolio:
    """The accounts of the ledger, who holds them since when, and their months; arrays by account, or account × month.

    ``manager`` and ``known_from`` (a month, counted from the first of the ledger) are -1 and :data:`_NEVER` where nobody is on
    file or it is not said since when. ``handed_over`` marks the six months that begin after a handover.
    """

    customer_id: pd.Index
    names: list[str]
    manager: Ints
    known_from: Ints
    began: Ints
    active: Flags
    revenue: Floats
    n_orders: Floats
    margin: Floats | None
    handed_over: Flags
    n_handovers: int
    facts: pd.DataFrame
    n_without_manager: int
    n_undated: int


@dataclass(frozen=True, eq=False, kw_only=True)
class ManagerRows:
    """The rows of the comparison: ``frame`` with ``account, manager`` (codes)``, y, weight, size, frequency, tenure, handover``;
    how many more were left out because the manager was not known; ``n_lost`` counts accounts lost in all, and
    ``n_returned`` those of them that ordered again later.
    """

    frame: pd.DataFrame
    n_unknown: int
    n_lost: int
    n_returned: int


def read_portfolio(
    panel: pd.DataFrame, accounts: pd.DataFrame, handovers: pd.DataFrame | None, static: tuple[str, ...]
) -> Portfolio:
    """Bring the months of every account together with who holds it.

    Raises
    ------
    MissingColumnError
        The account file lacks ``manager``, ``manager_since`` or a fact.
    ColumnTypeError
        ``manager_since``, ``since`` or the days of the handovers are no dates.
    DataError
        An account stands twice.
    EmptyDataError
        No account of the ledger has a manager whose first day is known.
    """
    check_accounts(accounts)
    if "manager_since" not in accounts:
        raise MissingColumnError(
            "The account file does not say since when a manager holds an account: there is no column 'manager_since'.",
            where=f"accounts, which has {', '.join(map(str, accounts.columns))}",
            hint="Add the day on which the manager took over; without it past losses would count for who came after.",
        )
    lacking = [name for name in static if name not in accounts]
    if lacking:
        raise MissingColumnError(
            f"There is no column {lacking[0]!r}.",
            where="accounts",
            hint="Name columns of the account file in 'static'.",
        )
    dated = ("manager_since", *(("since",) if "since" in accounts else ()))
    require_columns(accounts, [*dated, *static], where="accounts")
    for name in dated:
        if accounts[name].dtype.kind != "M" and accounts[name].notna().any():
            raise ColumnTypeError(
                f"The column {name!r} holds no dates.", where="accounts", hint="Convert it with pandas.to_datetime."
            )
    bought = panel[panel["n_orders"] > 0]
    if bought.empty:
        raise EmptyDataError("No account has an order in a complete month.", hint="Look at the audit of the ledger.")
    month = months_of(panel["period"])
    ids = pd.Index(np.sort(bought["customer_id"].unique()))
    first, n_months = int(month.min()), int(month.max() - month.min() + 1)
    row = ids.get_indexer(pd.Index(panel["customer_id"]))
    inside = row >= 0
    cell = row[inside] * n_months + month[inside] - first

    def spread(name: str) -> Floats:
        sums = np.bincount(cell, panel.loc[inside, name].astype(float), len(ids) * n_months)
        return np.asarray(sums, dtype=np.float64).reshape(-1, n_months)

    known = accounts.set_index("customer_id").reindex(ids)
    names = clean_names(known["manager"])
    since = pd.to_datetime(known["manager_since"])
    codes, levels = pd.factorize(names.where(since.notna()), sort=True)
    if not len(levels):
        raise EmptyDataError(
            "No account of the ledger has a manager whose first day is known.",
            where="accounts, columns manager and manager_since",
            hint="Fill them in, or look whether the account numbers are those of the ledger.",
        )
    n_orders = spread("n_orders")
    active = n_orders > 0
    first_active = active.argmax(axis=1)
    took_over = np.where(since.notna(), months_of(since.fillna(pd.Timestamp(0))) - first, -_NEVER)
    known_from = np.where(codes >= 0, took_over + (since.dt.day > 1).to_numpy(), _NEVER)
    began = first_active
    if "since" in accounts and accounts["since"].dtype.kind == "M":
        told = np.where(known["since"].notna(), months_of(known["since"].fillna(pd.Timestamp(0))) - first, first_active)
        began = np.minimum(told, first_active)
    handed_over, n_handovers = _handovers(ids, took_over, first_active, n_months, first, handovers)
    return Portfolio(
        customer_id=ids,
        names=[str(name) for name in levels],
        manager=codes.astype(np.int64),
        known_from=known_from.astype(np.int64),
        began=began.astype(np.int64),
        active=active,
        revenue=spread("revenue"),
        n_orders=n_orders,
        margin=spread("margin") if "margin" in panel else None,
        handed_over=handed_over,
        n_handovers=n_handovers,
        facts=known[list(static)].reset_index(drop=True),
        n_without_manager=int(names.isna().sum()),
        n_undated=int((names.notna() & since.isna()).sum()),
    )


def months_of(days: pd.Series) -> Ints:
    """Months since the year 0, by day."""
    return np.asarray(12 * days.dt.year + days.dt.month - 1, dtype=np.int64)


def loss_rows(portfolio: Portfolio, k: int) -> ManagerRows:
    """One row per account and month at risk of being lost under a known manager; ``y`` is 1 in the month of the loss.

    An account is lost when it orders nothing for ``k`` months; the first such silence counts. It is dated half a usual gap after
    the last order, and not before the first month without one. At risk is every month after the first order up to the loss, as
    far as ``k`` more months are known. ``size, frequency, tenure`` are of the months before.

    Raises
    ------
    EmptyDataError
        There are too few months, or no account was at risk under a known manager.
    NoEventError
        No account was lost under a known manager.
    """
    active = portfolio.active
    n, n_months = active.shape
    every = np.arange(n_months)
    if n_months <= k + 1:
        raise EmptyDataError(
            f"The ledger has {n_months} complete months, too few to see {k} silent ones.", hint="Give a smaller k."
        )
    first = active.argmax(axis=1)
    following = np.where(active, every, n_months)[:, ::-1]
    following = np.minimum.accumulate(following, axis=1)[:, ::-1]
    following = np.append(following[:, 1:], np.full((n, 1), n_months), axis=1)
    ends = active & (following - every - 1 >= k)
    lost = ends.any(axis=1)
    last = np.where(lost, ends.argmax(axis=1), n_months - 1)
    n_active = np.cumsum(active, axis=1)[np.arange(n), last]
    gap = np.where(n_active > 1, (last - first) / np.maximum(n_active - 1, 1), 1.0)
    loss = np.where(lost, np.maximum(last + 1, np.floor(last + 0.5 + gap / 2).astype(np.int64)), _NEVER)
    at_risk = (every > first[:, None]) & (every <= np.minimum(loss, n_months - k)[:, None])
    known = at_risk & (every >= portfolio.known_from[:, None])
    if not known.any():
        raise EmptyDataError(
            "No account could be lost under a manager who is known.", hint="Look at manager_since in the account file."
        )
    account, month = np.nonzero(known)
    begin = np.maximum(month - YEAR, first[account])
    n_before = month - begin
    sums = np.cumsum(np.pad(portfolio.revenue, ((0, 0), (1, 0))), axis=1)
    orders = np.cumsum(np.pad(active, ((0, 0), (1, 0))), axis=1)
    y = month == loss[account]
    if not y.any():
        raise NoEventError(
            f"No account was lost (silent for {k} months) under a manager who is known.", hint="Give a smaller k."
        )
    frame = pd.DataFrame(
        {
            "account": account,
            "manager": portfolio.manager[account],
            "y": y.astype(float),
            "weight": 1.0,
            "size": np.log(np.maximum((sums[account, month] - sums[account, begin]) / n_before, 1.0)),
            "frequency": np.log((orders[account, month] - orders[account, begin] + 0.5) / (n_before + 0.5)),
            "tenure": np.log1p(month - portfolio.began[account]),
            "handover": portfolio.handed_over[account, month].astype(float),
        }
    )
    return ManagerRows(
        frame=frame,
        n_unknown=int((at_risk & (portfolio.manager >= 0)[:, None]).sum() - len(frame)),
        n_lost=int(lost.sum()),
        n_returned=int((lost & (following[np.arange(n), last] < n_months)).sum()),
    )


def margin_rows(portfolio: Portfolio) -> ManagerRows:
    """One row per account and year with positive revenue under a known manager; ``y`` is margin over revenue, in points.

    Years are of twelve months and end with the last complete month. ``weight`` is the number of orders, at most twelve: more
    orders make a margin surer.

    Raises
    ------
    MissingColumnError
        The ledger has no cost.
    EmptyDataError
        No account has revenue under a known manager.
    """
    if portfolio.margin is None:
        raise MissingColumnError(
            "The ledger has no cost, so that there is no margin to compare.", hint="Name the column of the cost."
        )
    n_months = portfolio.active.shape[1]
    every = np.arange(n_months)
    year = (n_months - 1 - every) // YEAR
    n_years = int(year.max()) + 1
    member = np.zeros((n_months, n_years))
    member[every, year] = 1.0
    known = every >= portfolio.known_from[:, None]
    revenue = (portfolio.revenue * known) @ member
    orders = (portfolio.n_orders * known) @ member
    used = (revenue > 0) & (orders > 0)
    if not used.any():
        raise EmptyDataError(
            "No account has revenue under a manager who is known.", hint="Look at manager_since in the account file."
        )
    seen = portfolio.active & known
    n_active = np.maximum(seen @ member, 1.0)
    account, at = np.nonzero(used)
    share = 100 * ((portfolio.margin * known) @ member)[used] / revenue[used]
    low, high = np.quantile(share, [TRIM, 1 - TRIM])
    end = n_months - 1 - YEAR * at
    frame = pd.DataFrame(
        {
            "account": account,
            "manager": portfolio.manager[account],
            "y": np.clip(share, low, high),
            "weight": np.minimum(orders[used], YEAR),
            "size": np.log(np.maximum(revenue[used] / n_active[used], 1.0)),
            "frequency": np.log(orders[used] / n_active[used]),
            "tenure": np.log1p(np.maximum(end - portfolio.began[account], 0)),
            "handover": ((seen & portfolio.handed_over) @ member)[used] / n_active[used],
        }
    )
    assigned = (portfolio.manager >= 0)[:, None]
    n_all = int((((portfolio.revenue @ member) > 0) & ((portfolio.n_orders @ member) > 0) & assigned).sum())
    return ManagerRows(frame=frame, n_unknown=n_all - len(frame), n_lost=0, n_returned=0)


# -- inside ----------------------------------------------------------------------------------------------------------


def _handovers(
    ids: pd.Index, took_over: Ints, first_active: Ints, n_months: int, first: int, handovers: pd.DataFrame | None
) -> tuple[Flags, int]:
    """The six months that begin after a handover, by account and month, and how many accounts had one in the data.

    A handover is the first day of a manager at an account that had ordered before, or an event of that kind.
    """
    later = np.flatnonzero((took_over > first_active) & (took_over < n_months))
    account, month = later, took_over[later]
    if handovers is not None:
        require_columns(
            handovers, ["customer_id", "date"], where="handovers", hint="Give events of the kind 'handover'."
        )
        if handovers["date"].dtype.kind != "M" or handovers["date"].isna().any():
            raise ColumnTypeError("The column 'date' holds no dates, or lacks some.", where="handovers")
        told = handovers if "kind" not in handovers else handovers[handovers["kind"] == "handover"]
        row, when = ids.get_indexer(pd.Index(told["customer_id"])), months_of(told["date"]) - first
        inside = (row >= 0) & (when >= 0) & (when < n_months)
        account, month = np.append(account, row[inside]), np.append(month, when[inside])
    recent = np.zeros((len(ids), n_months), dtype=bool)
    for ahead in range(1, HANDOVER_MONTHS + 1):
        there = month + ahead < n_months
        recent[account[there], month[there] + ahead] = True
    return recent, len(np.unique(account * n_months + month))
