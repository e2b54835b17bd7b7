"""Person-periods: one row per account and period in which it could leave, with what was known of it before that period.

Nobody sees an account leave; only silence is seen. An account is *lost* when it has been silent for k periods for the first time
(event time = last order + k). The event is dated at the period in which that silence *begins*, the one after the
last order: what is known k periods later, of deliveries above all, is made of the silence itself. The silence is completed
k − 1 periods later, and ``customers`` counts to there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from kam.churn.periods import PERIODS_A_YEAR
from kam.churn.waiting import MIN_GAPS, Activity, median_gaps, read_activity
from kam.errors import EmptyDataError, ParameterError
from kam.ledger import Covariates
from kam.ledger.covariates import Gathered, History, Places, day_numbers, gather, tenure_of
from kam.ledger.engines import pull
from kam.ledger.limits import DELIVERY_BYTES, require_memory_of
from kam.ledger.purchase_windows import RECENT_DAYS
from kam.stats.resampling import check_whole

if TYPE_CHECKING:
    from kam.ledger import Ledger
    from kam.ledger.periods import Frequency

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

BANDS = ((2.5, "low"), (4.5, "middle"), (np.inf, "high"))
"""Satisfaction below the first number is low, below the second middle."""
KEYS = ("customer_id", "period", "tenure", "start_known", "n_silent", "ordered", "at_risk", "event")
"""Columns of the rows that are no covariates."""
_NEVER = 10**9
_HANDOVER = {"month": 3, "quarter": 1, "year": 0}  # periods for which a handover counts after its own 91 days


@dataclass(frozen=True, eq=False, kw_only=True)
class PersonPeriods:
    """What :func:`person_periods` made.

    Attributes
    ----------
    rows : pandas.DataFrame
        One row per customer and complete period from the one after the first order to the last of the data, ordered:
        ``customer_id`` (categorical); ``period``, its first day; ``tenure``, periods since the relationship began (that of
        ``since`` or of the first order is 0); ``start_known``; ``n_silent``, silent periods just before; ``ordered``, whether
        there is an order in it; ``at_risk``, whether a first silence of k periods could begin in it and be seen to its end;
        ``event``, whether one does; then the covariates, as known before the first day of the period.
    customers : pandas.DataFrame
        One row per customer with an order: ``customer_id``; ``start_known``; ``duration``, periods from the beginning of the
        relationship to the k-th silent one or, if not lost, to the last of the data; ``entry``, where that begins to be followed:
        0, or, if the relationship is older than the first order in the ledger, k − 1 periods after that order, since nobody can
        be seen lost earlier; ``is_lost``; then the covariates as known before the period after the first order.
    terms : pandas.DataFrame
        ``term, source, unit, n_missing, why``: every covariate, where it is from, and in how many rows it is not known.
    k : int
        Silent periods after which an account is lost (with ``gap_multiple``: one without a rhythm of its own).
    freq : str
        ``month``, ``quarter`` or ``year``.
    first_period, last_period : pandas.Timestamp
        First period with an order, and the last complete one.
    gap_multiple : float or None
        Own median gaps after which an account is lost.
    n_without_order : int
        Customers left out without an order.
    """

    rows: pd.DataFrame
    customers: pd.DataFrame
    terms: pd.DataFrame
    k: int
    freq: str
    first_period: pd.Timestamp
    last_period: pd.Timestamp
    gap_multiple: float | None
    n_without_order: int


def person_periods(
    ledger: Ledger | pd.DataFrame,
    *,
    k: int,
    freq: Frequency = "month",
    covariates: Covariates | None = None,
    gap_multiple: float | None = None,
) -> PersonPeriods:
    """Make one row per account and period in which it could leave, with covariates known before the period.

    The first silence of k periods is the event; win-back and later silences are not ``at_risk``. Neither are the last k − 1
    periods of the data: who orders in them is known to stay, but nobody can be known to have left.

    Covariates are those of :func:`kam.ledger.snapshots`, taken at the first day of each period, through the same code: what is
    given in ``covariates``, but for external series, which are the same for all. Other than in snapshots a handover counts for
    half a year; there is ``satisfaction_band``, low below 2.5 and high from 4.5; and if the ledger has promised and delivered
    dates, ``share_late`` is of the deliveries that came in the 91 days before (or were due and have not come): it is 0 where
    there was none, since what is not ordered cannot be late.

    Assumes (1) that what is declared static has been so all along; (2) that nothing is missing from the events; (3) that an
    account whose first order lies in the first k periods of the ledger, and of which ``since`` is not known, may have begun
    before: its tenure is too short, and ``start_known`` is false.

    Parameters
    ----------
    ledger : Ledger or pandas.DataFrame
        A ledger, or a panel as from :func:`kam.ledger.activity_panel` (then there are no deliveries).
    k : int
        Silent periods after which an account is lost, at least 1 and less than the data have.
    freq : {"month", "quarter", "year"}
        Length of a period.
    covariates : Covariates, optional
        What else is known of the accounts, see :class:`kam.ledger.Covariates`.
    gap_multiple : float, optional
        An account with at least 3 gaps is lost after this many of its own median gaps, the others after k, as in
        :func:`kam.churn.churn_definition`.

    Returns
    -------
    PersonPeriods

    Raises
    ------
    ParameterError
        k or the multiple is out of range.
    EmptyDataError
        Nobody has an order in a complete period, there is one period, or nobody was there before the last one.
    MissingColumnError, ColumnTypeError, DataError
        A panel is not as :func:`kam.ledger.activity_panel` makes it.

    Examples
    --------
    Account a buys for three months and is silent for three; b comes back after two.

    >>> month = pd.date_range("2024-01-01", periods=6, freq="MS")
    >>> bought = [("a", month[t]) for t in (0, 1, 2)] + [("b", month[t]) for t in (0, 3, 5)]
    >>> panel = pd.DataFrame(bought, columns=["customer_id", "period"]).assign(n_orders=1)
    >>> made = person_periods(panel, k=3)
    >>> made.rows.loc[made.rows["at_risk"], ["customer_id", "tenure", "event"]].to_numpy().tolist()
    [['a', 1, False], ['a', 2, False], ['a', 3, True], ['b', 1, False], ['b', 2, False], ['b', 3, False]]
    >>> made.customers[["customer_id", "duration", "is_lost"]].to_numpy().tolist()
    [['a', 5, True], ['b', 5, False]]
    """
    check_whole("k", k, at_least=1)
    if gap_multiple is not None and not gap_multiple > 0:
        raise ParameterError(f"gap_multiple is {gap_multiple}.", hint="Give a number above 0, such as 3, or None.")
    activity = read_activity(ledger, freq)
    n_periods, names = activity.n_periods, activity.names
    if k >= n_periods:
        raise ParameterError(
            f"k is {k}; the data have {n_periods} {freq}s.", hint="Give fewer silent periods than the data have."
        )
    active = np.zeros((len(names), n_periods), dtype=bool)
    active[activity.waits.customer, activity.waits.start] = True
    first = active.argmax(axis=1)
    n_rows = n_periods - 1 - first
    if not n_rows.any():
        raise EmptyDataError(
            f"Nobody had an order before the last {freq}: nobody can be seen to leave.", hint="Use more data."
        )
    customer = np.repeat(np.arange(len(names)), n_rows)
    t = np.arange(len(customer)) - np.repeat(n_rows.cumsum() - n_rows, n_rows) + first[customer] + 1
    k_own = _own_k(activity, k, gap_multiple)
    begun = _begun(activity, k_own)
    begin, start_known = _begin(covariates, activity, first, k)

    opening = np.minimum(first + 1, n_periods - 1)  # the first row, or the last period where there is none
    places = np.append(customer, np.arange(len(names))), np.append(t, opening)
    found = _gather(ledger, covariates, activity, first, *places)
    known = pd.DataFrame(found.columns)
    last_active = np.maximum.accumulate(np.where(active, np.arange(n_periods), -1), axis=1)
    at_risk = t <= np.minimum(begun, n_periods - k_own)[customer]
    rows = pd.DataFrame(
        {
            "customer_id": pd.Categorical.from_codes(customer, dtype=pd.CategoricalDtype(pd.Index(names, dtype="str"))),
            "period": activity.days[t],
            "tenure": t - begin[customer],
            "start_known": start_known[customer],
            "n_silent": t - 1 - last_active[customer, t - 1],
            "ordered": active[customer, t],
            "at_risk": at_risk,
            "event": at_risk & (t == begun[customer]),
        }
    )
    is_lost = begun + k_own - 1 < n_periods
    customers = pd.DataFrame(
        {
            "customer_id": names.astype(str),
            "start_known": start_known,
            "entry": np.where(first > begin, first - begin + k_own - 1, 0),
            "duration": np.where(is_lost, begun + k_own - 1, n_periods - 1) - begin,
            "is_lost": is_lost,
        }
    )
    return PersonPeriods(
        rows=pd.concat([rows, _halve_a_year(known.iloc[: len(rows)], customer, freq)], axis=1),
        customers=pd.concat([customers, known.iloc[len(rows) :].reset_index(drop=True)], axis=1),
        terms=found.sources,
        k=int(k),
        freq=freq,
        first_period=activity.days[0],
        last_period=activity.days[-1],
        gap_multiple=gap_multiple,
        n_without_order=activity.n_without_order,
    )


# -- when ------------------------------------------------------------------------------------------------------------


def _own_k(activity: Activity, k: int, gap_multiple: float | None) -> Ints:
    k_own = np.full(len(activity.names), k, dtype=np.int64)
    if gap_multiple is not None:
        n_gaps, median = median_gaps(activity)
        own = n_gaps >= MIN_GAPS
        k_own[own] = np.clip(np.ceil(gap_multiple * median[own] - 1e-9), 1, activity.n_periods)
    return k_own


def _begun(activity: Activity, k_own: Ints) -> Ints:
    """The first period of the first silence of k periods; never, if there is none."""
    waits, own = activity.waits, k_own[activity.waits.customer]
    lost = np.where(waits.ended, waits.length > own, waits.length >= own)
    begun = np.full(len(activity.names), _NEVER)
    np.minimum.at(begun, waits.customer[lost], waits.start[lost] + 1)
    return begun


def _begin(covariates: Covariates | None, activity: Activity, first: Ints, k: int) -> tuple[Ints, Flags]:
    """The period in which each relationship began, and whether that is known."""
    starts = _starts(activity, activity.n_periods + 1)
    ends = starts[1:] - 1
    at = Places(
        ids=pd.Index(activity.names.astype(str)),
        customer=np.arange(len(first)),
        origin=ends[first],
        first=ends[first],
    )
    days, left_censored = tenure_of(covariates, at, start=int(starts[0]), horizon=int(starts[k] - starts[0]))
    month = (ends[first] - days).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    step = 12 // PERIODS_A_YEAR[activity.freq]
    return (month - (12 * (activity.first.year - 1970) + activity.first.month - 1)) // step, ~left_censored


def _starts(activity: Activity, n: int) -> Ints:
    """Day numbers of the first days of n periods."""
    step = pd.DateOffset(months=12 // PERIODS_A_YEAR[activity.freq])
    return pd.date_range(activity.first, periods=n, freq=step).to_numpy().astype("datetime64[D]").astype(np.int64)


# -- what was known --------------------------------------------------------------------------------------------------


def _gather(
    ledger: Ledger | pd.DataFrame,
    covariates: Covariates | None,
    activity: Activity,
    first: Ints,
    customer: Ints,
    t: Ints,
) -> Gathered:
    """The covariates before period t of each customer."""
    starts = _starts(activity, activity.n_periods + 1)
    at = Places(
        ids=pd.Index(activity.names.astype(str)),
        customer=customer,
        origin=starts[t],
        first=(starts[1:] - 1)[first][customer],  # a manager who comes in the period of the first order is no handover
    )
    found = Gathered()
    if not isinstance(ledger, pd.DataFrame) and {"promised_date", "delivered_date"} <= set(ledger.columns):
        share = _share_late(ledger, at)
        found.add("share_late", share, source="ledger", unit=f"{RECENT_DAYS} days; 0 without a delivery")
    if covariates is not None:
        gather(replace(covariates, external=None), at, found)  # a series is the same for all: it is the calendar's
    if "satisfaction" in found.columns:
        scores = np.asarray(found.columns["satisfaction"], dtype=np.float64)
        band = np.select([scores < limit for limit, _ in BANDS], [name for _, name in BANDS], default="")
        found.add(
            "satisfaction_band",
            pd.Series(band, dtype="str").mask(np.isnan(scores)),
            source="survey",
            unit="low, middle or high",
            why="no answer before the period",
        )
    return found


def _share_late(ledger: Ledger, at: Places) -> Floats:
    """Share of the deliveries of the 91 days before that were late; 0 where there was none.

    A delivery counts on the day it came, or, if it has not come, on the day for which it was promised.
    """
    lines = ledger.table
    lines = lines.filter((lines.amount > 0) & lines.promised_date.notnull())
    promised, delivered = lines.promised_date.date(), lines.delivered_date.date()
    came = delivered.notnull() & (delivered <= ledger.as_of)
    late = ~came | (delivered > promised)
    orders: Any = lines.group_by("customer_id", "order_id").agg(
        day=came.ifelse(delivered, promised).max(), late=late.any()
    )
    days = (
        orders.filter(orders.day <= ledger.as_of).group_by("customer_id", "day").agg(n=_.count(), n_late=_.late.sum())
    )
    require_memory_of(
        days,
        at_most=ledger.audit.n_rows_kept,
        bytes_per_row=DELIVERY_BYTES,
        what="The days on which customers' deliveries came",
        where=ledger.description,
        hint="Select customers, or use a machine with more memory.",
    )
    known = pull(days).to_pandas()
    owner = at.ids.get_indexer(known["customer_id"].astype("str")).astype(np.int64)
    found = owner >= 0
    owner, day = owner[found], day_numbers(pd.to_datetime(known["day"]))[found]
    start = at.origin - RECENT_DAYS
    counts = [
        History(np.repeat(owner, n), np.repeat(day, n)).count(at.customer, start, at.origin)
        for n in (known["n"].to_numpy(np.int64)[found], known["n_late"].to_numpy(np.int64)[found])
    ]
    return np.asarray(counts[1] / np.maximum(counts[0], 1))


def _halve_a_year(known: pd.DataFrame, customer: Ints, freq: str) -> pd.DataFrame:
    """Let a handover, which gather counts for 91 days, count for half a year."""
    if "handover" not in known:
        return known
    counts = known["handover"].to_numpy(dtype=bool)
    longer = counts.copy()
    for lag in range(1, _HANDOVER[freq] + 1):
        longer[lag:] |= counts[:-lag] & (customer[lag:] == customer[:-lag])
    return known.assign(handover=longer)
