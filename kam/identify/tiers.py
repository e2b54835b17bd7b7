"""Tiers by period: classes of a trailing window that hold until an account is clearly past a border, and tiers set by hand.

An account that stands near a border would change its class with every period. It keeps its tier until it is past the border by a
margin (hysteresis), or has been on the other side for some periods in a row (patience).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.columns import require_columns
from kam.errors import (
    ColumnTypeError,
    DataError,
    EmptyDataError,
    MissingColumnError,
    ParameterError,
    UndefinedMeasureError,
)
from kam.identify.value_classes import ABC, Base, class_limits

Frequency = Literal["month", "quarter", "year"]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]

TIERS = (*ABC, "none")
"""Names of the tiers by code; ``none``: no order in the window."""
NONE = 3
MONTHS_IN: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}
MONEY_SCALE = 10_000
"""Money is summed in whole ten-thousandths, so that sums are exact."""
OVERRIDE_COLUMNS = ("customer_id", "tier", "reason", "set_on")


@dataclass(frozen=True, eq=False, kw_only=True)
class Activity:
    """What every customer did in every period, silent ones too, and in the window that ends with it.

    Attributes
    ----------
    customers : pandas.Index
        Identifiers, in order.
    periods : pandas.DatetimeIndex
        Every period from the first to the last, by its first day.
    freq : {"month", "quarter", "year"}
        Length of the periods.
    window : int
        Periods in a window.
    money, orders : numpy.ndarray, shape (n_periods, n_customers)
        Of the period; money in whole ten-thousandths.
    first : numpy.ndarray, shape (n_customers,)
        Position of the first period with an order; ``len(periods)``: there is none.
    """

    customers: pd.Index
    periods: pd.DatetimeIndex
    freq: Frequency
    window: int
    money: Ints
    orders: Ints
    first: Ints

    @property
    def ends(self) -> pd.DatetimeIndex:
        """Last day of every period."""
        return self.periods + pd.DateOffset(months=MONTHS_IN[self.freq]) - pd.Timedelta(days=1)

    def in_windows(self, values: Ints) -> Ints:
        """Sums over the windows that are full, shape (n_periods − window + 1, n_customers)."""
        sums = np.cumsum(values, axis=0)
        sums[self.window :] = sums[self.window :] - sums[: -self.window]
        return sums[self.window - 1 :]


def read_activity(panel: pd.DataFrame, *, value: str, freq: Frequency | None, window: int | None) -> Activity:
    """Read and check a panel of active periods, and spread it over all periods.

    Parameters
    ----------
    panel : pandas.DataFrame
        ``customer_id, period, n_orders`` and the column that ``value`` names.
    value : str
        Column of money.
    freq : {"month", "quarter", "year"}, optional
        Length of the periods; default: as they lie.
    window : int, optional
        Periods in a window; default: a year.
    """
    require_columns(
        panel,
        ["customer_id", "period", "n_orders", value],
        where="the panel",
        hint="Use activity_panel; a margin needs the cost in the ledger.",
    )
    if panel.empty:
        raise EmptyDataError("The panel has no rows.", hint="Look at the audit of the ledger.")
    if panel["period"].dtype.kind != "M":
        raise ColumnTypeError("The periods are no dates.", where="panel, column period", hint="Use activity_panel.")
    try:
        numbers = panel[["n_orders", value]].to_numpy(dtype=float)
    except (TypeError, ValueError):
        raise ColumnTypeError(
            f"The n_orders or the {value} of the panel are no numbers.", where="panel", hint="Use activity_panel."
        ) from None
    bad = panel[["customer_id", "period"]].isna().any(axis=1).to_numpy() | ~np.isfinite(numbers).all(axis=1)
    if bad.any():
        where = f"panel, customers {panel.loc[bad, 'customer_id'].head(3).tolist()}"
        raise DataError("A value is missing or not finite.", where=where, hint="Mend or drop these rows.")
    months = panel["period"].to_numpy().astype("datetime64[M]").astype(np.int64)
    apart = int(np.gcd.reduce(pd.unique(months) - months.min()))
    if freq is None:
        freq = "year" if apart and apart % 12 == 0 else "quarter" if apart and apart % 3 == 0 else "month"
    if freq not in MONTHS_IN:
        raise ParameterError(f"There is no frequency {freq!r}.", hint=f"Use one of {', '.join(MONTHS_IN)}.")
    step = MONTHS_IN[freq]
    if apart % step:
        raise ParameterError(
            f"The periods of the panel are no {freq}s: some lie {apart} months apart.",
            where="panel, column period",
            hint=f"Use activity_panel(ledger, freq={freq!r}), or leave freq out.",
        )
    t = (months - months.min()) // step
    customer, customers = pd.factorize(panel["customer_id"].astype(str), sort=True)
    key = t * len(customers) + customer
    if np.bincount(key).max() > 1:
        twice = panel.loc[panel.duplicated(["customer_id", "period"]), "customer_id"].head(3).tolist()
        raise DataError("A customer's period stands twice.", where=f"panel, customers {twice}", hint="Sum them first.")
    shape = (int(t.max()) + 1, len(customers))
    money, orders = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    money[t, customer] = np.rint(numbers[:, 1] * MONEY_SCALE)
    orders[t, customer] = numbers[:, 0]
    bought = orders > 0
    starts = (months.min() + step * np.arange(shape[0])).astype("datetime64[M]").astype("datetime64[us]")
    return Activity(
        customers=pd.Index(customers, dtype="str"),
        periods=pd.DatetimeIndex(starts),
        freq=freq,
        window=12 // step if window is None else window,
        money=money,
        orders=orders,
        first=np.where(bought.any(axis=0), bought.argmax(axis=0), shape[0]),
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class TierHistory:
    """Tiers by period from the first full window on, as codes of :data:`TIERS`, shape (n_windows, n_customers).

    Attributes
    ----------
    plain : numpy.ndarray
        Classes without hysteresis.
    held : numpy.ndarray
        With hysteresis.
    borders : numpy.ndarray, shape (2, n_windows)
        Money that separates A from B and B from C, in ten-thousandths: halfway between the least of the better class and the
        largest of the one below (at least 0), as in :func:`kam.ledger.value_cuts`.
    delays : numpy.ndarray
        For every move between two classes: for how many periods the account had been past the border before.
    """

    plain: Codes
    held: Codes
    borders: Floats
    delays: Ints

    @property
    def n_moves(self) -> int:
        """Moves between two classes, with hysteresis."""
        return _count_moves(self.held)

    @property
    def n_moves_plain(self) -> int:
        """Moves there would have been without it."""
        return _count_moves(self.plain)


def hold_tiers(
    money: Ints, orders: Ints, *, base: Base, cuts: tuple[float, float], hysteresis: float, patience: int
) -> TierHistory:
    """Classes of every window, held until an account is past a border by a margin or for some periods in a row.

    Who comes, or comes back, gets the class of its value at once; who has no order in a window is in none.

    Parameters
    ----------
    money, orders : numpy.ndarray, shape (n_windows, n_customers)
        Of the windows.
    base, cuts
        As in :func:`kam.identify.abc_classes`; equal values share the better class.
    hysteresis : float
        Share of the border's value by which an account must be past it.
    patience : int
        Or periods in a row on the other side.

    Examples
    --------
    >>> money = np.array([[600, 210, 190], [600, 195, 205], [600, 195, 205]])
    >>> tiers = hold_tiers(money, money, base="positive", cuts=(0.8, 0.95), hysteresis=0.1, patience=2)
    >>> tiers.plain.tolist(), tiers.held.tolist()
    ([[0, 0, 1], [0, 1, 0], [0, 1, 0]], [[0, 0, 1], [0, 0, 1], [0, 1, 0]])
    """
    values = money.astype(np.float64)
    least = np.stack(class_limits(values, base=base, cuts=(cuts[0] * (1 - 1e-10), cuts[1] * (1 - 1e-10))))
    if not np.isfinite(least).all():
        raise UndefinedMeasureError(
            f"The {base} total of a window is not above zero, so that no share of it exists.",
            where=f"windows {np.flatnonzero(~np.isfinite(least).all(axis=0))[:3].tolist()} from the first full one on",
            hint="Use base='positive', or look at the sign of the amounts.",
        )
    border = np.stack([_halfway(values, limits) for limits in least])
    plain, held = np.empty(values.shape, dtype=np.int8), np.empty(values.shape, dtype=np.int8)
    now = np.full(values.shape[1], NONE, dtype=np.int8)
    better, worse = np.zeros(len(now), dtype=np.int64), np.zeros(len(now), dtype=np.int64)
    delays = []
    for t, value in enumerate(values):
        is_here = orders[t] > 0
        plain[t] = np.where(is_here, _classes(value, least[:, t]), NONE)
        stays = is_here & (now != NONE)
        up, down = stays & (plain[t] < now), stays & (plain[t] > now)
        better, worse = np.where(up, better + 1, 0), np.where(down, worse + 1, 0)
        surely_up = np.minimum(now, np.maximum(plain[t], _classes(value, border[:, t] * (1 + hysteresis))))
        surely_down = np.maximum(now, np.minimum(plain[t], _classes(value, border[:, t] * (1 - hysteresis))))
        moved = np.where(up, surely_up, np.where(down, surely_down, now))
        moved = np.where((better >= patience) | (worse >= patience), plain[t], moved)
        held[t] = np.where(stays, moved, plain[t])
        has_moved = stays & (held[t] != now)
        delays.append((better + worse)[has_moved] - 1)
        better[has_moved], worse[has_moved] = 0, 0
        now = held[t]
    return TierHistory(plain=plain, held=held, borders=border, delays=np.concatenate(delays))


def apply_overrides(held: Codes, activity: Activity, overrides: pd.DataFrame | None) -> tuple[Codes, pd.DataFrame]:
    """Put tiers set by hand in the place of those computed, and log each.

    A tier set by hand holds in a period if on its last day it was set and not over; of several, the one set last.

    Parameters
    ----------
    held : numpy.ndarray, shape (n_windows, n_customers)
        Tiers computed.
    activity : Activity
        Whose last windows they are.
    overrides : pandas.DataFrame or None
        ``customer_id, tier, reason, set_on`` and, where there are, ``set_by, until``.

    Returns
    -------
    numpy.ndarray
        Tiers in force.
    pandas.DataFrame
        One row per override: ``customer_id, tier_computed`` (now; missing for an unknown account) ``, tier_set, status, reason,
        set_by, set_on, until``. ``status``: holds, expired, replaced (a later one holds), not yet, no order so far, unknown
        account.
    """
    log = _read_overrides(overrides).sort_values("set_on", kind="stable", ignore_index=True)
    tiers = held.copy()
    ends = activity.ends[activity.window - 1 :]
    place = activity.customers.get_indexer(pd.Index(log["customer_id"]))
    known = place >= 0
    here = np.append(activity.first, len(activity.periods))[place] < len(activity.periods)
    holder = np.full(len(activity.customers), -1)
    starts = ends.searchsorted(pd.DatetimeIndex(log["set_on"]))  # the first period that ends on that day or later
    stops = np.where(log["until"].isna(), len(ends), ends.searchsorted(pd.DatetimeIndex(log["until"]), side="right"))
    for row in np.flatnonzero(known & here):
        seen = max(int(starts[row]), int(activity.first[place[row]]) - activity.window + 1, 0)
        if seen < stops[row]:
            tiers[seen : stops[row], place[row]] = TIERS.index(log["tier_set"].iloc[row])
        if starts[row] < len(ends) <= stops[row]:
            holder[place[row]] = row
    holds = np.zeros(len(log), dtype=bool)
    holds[holder[holder >= 0]] = True
    log["status"] = np.select(
        [~known, ~here, holds, starts >= len(ends), stops < len(ends)],
        ["unknown account", "no order so far", "holds", "not yet", "expired"],
        "replaced",
    )
    now = pd.Series([TIERS[code] for code in held[-1][place]], index=log.index, dtype="str")
    log["tier_computed"] = now.where(known)
    return tiers, log[["customer_id", "tier_computed", "tier_set", "status", "reason", "set_by", "set_on", "until"]]


# -- inside ----------------------------------------------------------------------------------------------------------


def _classes(values: Floats, least: Floats) -> Codes:
    return (2 - (values >= least[0]).astype(np.int8) - (values >= least[1]).astype(np.int8)).astype(np.int8)


def _halfway(values: Floats, least: Floats) -> Floats:
    """Between the least value of a class and the next smaller one of the same window."""
    below = np.where(values < least[:, None], values, 0.0).max(axis=1)
    return (least + np.maximum(below, 0.0)) / 2


def _count_moves(tiers: Codes) -> int:
    before, after = tiers[:-1], tiers[1:]
    return int(((before != after) & (before != NONE) & (after != NONE)).sum())


def _read_overrides(overrides: pd.DataFrame | None) -> pd.DataFrame:
    columns = [*OVERRIDE_COLUMNS, "set_by", "until"]
    frame = pd.DataFrame(columns=columns) if overrides is None else overrides
    missing = [name for name in OVERRIDE_COLUMNS if name not in frame]
    if missing:
        raise MissingColumnError(
            f"The overrides lack {', '.join(missing)}.", where=f"columns {', '.join(map(str, frame.columns))}"
        )
    log = frame.reindex(columns=columns).reset_index(drop=True)
    for name in ("customer_id", "tier", "reason", "set_by"):
        log[name] = log[name].astype("str")
    for name in ("set_on", "until"):
        log[name] = _read_days(log[name])
    log["tier"] = log["tier"].str.strip().str.upper()
    strange = log[~log["tier"].isin(ABC)]
    if len(strange):
        raise DataError(
            "A tier was set by hand that does not exist.",
            where=f"overrides, {strange['tier'].iloc[0]!r} of customer {strange['customer_id'].iloc[0]!r}",
            hint=f"Use {', '.join(ABC)}.",
        )
    if log["set_on"].isna().any():
        where = f"overrides, customers {log.loc[log['set_on'].isna(), 'customer_id'].head(3).tolist()}"
        raise DataError("The day on which a tier was set is missing.", where=where)
    both = log.drop_duplicates(["customer_id", "set_on", "tier"])
    at_odds = both.loc[both.duplicated(["customer_id", "set_on"]), "customer_id"]
    if len(at_odds):
        raise DataError(
            "Two different tiers were set for an account on one day.",
            where=f"overrides, customers {at_odds.head(3).tolist()}",
            hint="Keep the one that is meant.",
        )
    return log.rename(columns={"tier": "tier_set"})


def _read_days(days: pd.Series) -> pd.Series:
    """Days that are dates, or texts as 2024-12-31; a bare number would be read as nanoseconds since 1970."""
    given = days[days.notna()]
    try:
        if pd.api.types.is_numeric_dtype(given) and len(given):
            raise ValueError
        return pd.to_datetime(days, format=None if days.dtype.kind == "M" else "ISO8601").astype("datetime64[us]")
    except (TypeError, ValueError):
        raise ColumnTypeError(
            f"A day of {days.name} is no date.",
            where=f"overrides, column {days.name}, {given.head(3).astype('str').tolist()}",
            hint="Give dates, or texts as 2024-12-31.",
        ) from None
