"""What was known of each customer on some days, and what came of it: the rows that models of churn learn from and score.

Features come from before the origin, outcomes from the origin on; one code path for training, back-test and scoring.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import EmptyDataError, MissingColumnError, ParameterError
from kam.ledger.covariates import Bools, Covariates, Gathered, Ints, Places, gather, leakage, tenure_of
from kam.ledger.limits import SNAPSHOT_BYTES, SNAPSHOT_DAY_BYTES, require_memory
from kam.ledger.opening import Ledger
from kam.ledger.periods import Frequency, check_frequency
from kam.ledger.purchase_windows import YEAR, count_deliveries, count_windows, day_number, number_day, read_purchases

Counts = dict[str, npt.NDArray[Any]]

_WINDOWS = ("recent", "before", "year", "season", "year_before")
_REACH = {"season": YEAR, "year_before": 2 * YEAR}
"""Windows that are missing unless the ledger reaches back so many days."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Snapshots:
    """Customers as they were known at some origins, with what came of it.

    Attributes
    ----------
    rows : pandas.DataFrame
        One row per origin and customer with an order before it; see :func:`snapshots`.
    horizon_days : int
        Days from the origin in which outcomes lie.
    k, freq : int, {"month", "quarter", "year"}
        Silent periods after which a customer has churned.
    as_of : datetime.date
        The last day of the data.
    origins : tuple of datetime.date
        The origins, ascending.
    covariates : pandas.DataFrame
        One row per column of `rows` that is a covariate: ``term``, its name; ``source``, the table; ``unit``; ``n_missing``,
        rows without a value; ``why`` they have none.
    left_out : pandas.DataFrame
        What was given or asked for and is in no row: ``term``, ``source``, ``n_cases``, ``why``.
    """

    rows: pd.DataFrame
    horizon_days: int
    k: int
    freq: Frequency
    as_of: date
    origins: tuple[date, ...]
    covariates: pd.DataFrame
    left_out: pd.DataFrame

    def apart(self) -> Snapshots:
        """The origins that lie whole horizons before the last, so that no two share an outcome."""
        kept = tuple(day for day in self.origins if (self.origins[-1] - day).days % self.horizon_days == 0)
        rows = self.rows[self.rows["origin"].isin([pd.Timestamp(day) for day in kept])].reset_index(drop=True)
        return replace(self, rows=rows, origins=kept)

    def require(self, terms: Iterable[str]) -> None:
        """Raise unless all terms are features.

        Raises
        ------
        LeakageError
            A term is an outcome, or an account fact that is known only as of today.
        MissingColumnError
            There is no such column.
        """
        undated = set(self.left_out.loc[self.left_out["source"] == "accounts", "term"])
        for term in terms:
            if term in OUTCOMES or (term in undated and term not in self.rows.columns):
                raise leakage(term, is_outcome=term in OUTCOMES)
            if term not in self.rows.columns:
                raise MissingColumnError(
                    f"There is no feature {term!r}.",
                    where="snapshots",
                    hint=f"There are {', '.join(self.rows.columns)}.",
                )


OUTCOMES = ("n_days_next", "revenue_next", "margin_next", "no_order", "churned")
"""Columns that lie on or after the origin."""


def snapshots(
    ledger: Ledger,
    *,
    origins: int | Sequence[date] = 4,
    horizon_days: int = 91,
    k: int,
    freq: Frequency = "month",
    step_days: int | None = None,
    score: bool = False,
    covariates: Covariates | None = None,
) -> Snapshots:
    """Customers as they were known at some origins, and what came of it.

    The engine sums the ledger up by customer and day, once for all origins. Features use only
    days before the origin, outcomes only days from the origin on (``churned`` looks beyond the horizon, for silences that begin
    within it). A purchase day is a day with a positive line; several orders of one day are one. Orders that were cancelled
    only on or after an origin count as orders at it, since nobody could know; as outcomes they do not count.

    Assumes that (1) the ledger is complete up to its as-of date; (2) the lines of a day were known on the next; (3) what is
    declared static was the same in the past; (4) who bought within the first `horizon_days` of the ledger may have bought
    before, unless ``since`` is known.

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`.
    origins : int or sequence of datetime.date
        Days at whose start one looks back and ahead. A number: so many, the last of them `horizon_days` before the end of the
        data, none earlier than two horizons after the first order; if the data allow fewer, ``left_out`` says so.
    horizon_days : int
        Days of the outcome, 1 to 364.
    k, freq : int, {"month", "quarter", "year"}
        A customer has churned after so many periods without an order, by the calendar: who ordered last on 31 January has, with
        one month, on 28 or 29 February.
    step_days : int, optional
        Days from one origin to the next if `origins` is a number. Default: `horizon_days`.
    score : bool
        Add the day after the as-of date, whose outcomes are missing.
    covariates : Covariates, optional
        See :class:`Covariates`.

    Returns
    -------
    Snapshots
        Its ``rows``, ordered by origin and customer, have (h: `horizon_days`; o: the origin; days are whole days; money is in
        the ledger's currency, exact sums given as floats):

        - ``customer_id``, ``origin``;
        - ``at_risk``: last order + k periods is after o, so that the customer has not churned yet;
        - ``frequency``, purchase days after the first; ``recency``, days from the first to the last; ``T``, from the first to
          o; ``monetary_value``, mean gross revenue of a purchase day (as in buy-till-you-die models, in days);
        - ``tenure_days``, days since ``since`` where accounts have it and it is not after the first order, else ``T``;
          ``left_censored``, the tenure may be longer: first order within the first h days of the ledger, no such ``since``;
        - ``days_since_last_order``; ``mean_gap_days``, of the days between purchase days (missing with one of these);
          ``gap_cv``, their standard deviation (ddof 0) over their mean (missing with fewer than two gaps); ``gap_ratio``, days
          since the last order over the mean gap;
        - purchase days and gross revenue in counts: ``n_days_recent``, ``revenue_recent`` in [o − h, o); ``…_before`` in
          [o − 2h, o − h); ``…_year`` in [o − 364, o); ``…_season`` in [o − 364, o − 364 + h), the same season a year ago;
          ``…_year_before`` in [o − 728, o − 364); the last two are missing where the ledger does not reach back that far;
        - of the 364 days: ``margin_year``, net amounts less cost, if the ledger has it (a row without a cost earns nothing);
          ``share_returned``, returns over gross revenue, and, if the ledger has it, ``discount_share``, discounts over gross
          revenue before discounts; both missing without gross revenue;
        - if the ledger has promised and delivered dates: ``n_deliveries`` promised for one of the 91 days before o (an order's
          lines promised for one day are a delivery); ``share_late`` of them, delivered after that day or not before o (missing
          without any);
        - the covariates: ``n_complaints`` and ``n_offers`` in the 91 days before o, ``days_since_contact`` (or visit),
          ``handover`` in these 91 days, by events or by a ``manager_since`` after the first order; the static columns;
          ``manager``, where ``manager_since`` is before o; ``satisfaction``, the mean of ``overall`` over the answers from
          before o of the latest wave from which the account has any, ``days_since_survey`` since the last of them; a column
          per external series, the log change over a year up to the latest month with ``known_on`` before o;
        - outcomes, missing where the data end before o + h: ``n_days_next``, ``revenue_next`` (gross), ``margin_next`` in
          [o, o + h); ``no_order`` in them; ``churned``, of those at risk: a silence of k periods runs at o, or begins
          with an order in [o, o + h). It may end after the data do: ``churned`` is then missing, unless another order came in
          time. Near the end of the data those with a value are therefore a selection; all at risk have one at origins with
          o + h + k periods not after the day after the as-of date.

    Raises
    ------
    ParameterError
        An argument is of a wrong type or out of range, the horizon is longer than the history allows, an origin is outside of
        the data, or a covariate is called as another column.
    EmptyDataError
        Nobody ever ordered, or nobody before an origin.
    TooLargeError
        The customers' days, or the rows, would not fit in memory.
    LeakageError, MissingColumnError, ColumnTypeError, DataError
        See :class:`Covariates`.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). "Counting your customers" the easy way. Marketing Science 24, 275–284:
    frequency, recency and T.

    Examples
    --------
    >>> from kam.ledger import open_ledger
    >>> days = ["2024-01-01", "2024-01-11", "2024-02-10", "2024-03-31"]
    >>> orders = pd.DataFrame({"customer_id": "a", "order_date": days, "amount": [10, 30, -10, 20]})
    >>> found = snapshots(open_ledger(orders), origins=[date(2024, 3, 1)], horizon_days=30, k=2)
    >>> columns = ["frequency", "recency", "T", "monetary_value", "share_returned", "no_order", "churned"]
    >>> found.rows[columns].to_dict("records")[0]  # doctest: +NORMALIZE_WHITESPACE
    {'frequency': 1, 'recency': 10, 'T': 60, 'monetary_value': 20.0, 'share_returned': 0.25, 'no_order': True,
     'churned': True}
    """
    _check_count("k", k)
    _check_count("horizon_days", horizon_days, YEAR)
    step = horizon_days if step_days is None else step_days
    _check_count("step_days", step)
    check_frequency(freq, ledger.fiscal_year_start)
    if covariates is not None and not isinstance(covariates, Covariates):
        raise ParameterError(f"covariates is a {type(covariates).__name__}.", hint="Give kam.ledger.Covariates.")
    _require_days(ledger)
    purchases = read_purchases(ledger)
    if purchases.first_order is None:
        raise EmptyDataError("Nobody ever ordered: there are no positive amounts.", where=ledger.description)
    end = day_number(ledger.as_of) + 1
    chosen = _choose_origins(origins, purchases.first_order, end, horizon_days, step, where=ledger.description)
    chosen = sorted({*chosen, end}) if score else chosen
    require_memory(
        len(chosen) * ledger.audit.n_customers,
        bytes_per_row=SNAPSHOT_BYTES,
        what="The snapshots",
        where=ledger.description,
        hint="Take fewer origins, select customers, or use a machine with more memory.",
    )
    counts = count_windows(purchases, chosen, end=end, horizon=horizon_days, k=k, freq=freq)
    deliveries = count_deliveries(ledger, purchases.ids, chosen)
    at = Places(ids=purchases.ids, **{name: counts[name] for name in ("customer", "origin", "first")})
    found = Gathered()
    if isinstance(origins, int):
        n = origins - (len(chosen) - score)
        found.leave_out("origins", n, source="ledger", why="less than two horizons after the first order")
    n_without = len(at.ids) - len(np.unique(at.customer))
    found.leave_out("customers", n_without, source="ledger", why="no order before the last origin")
    if deliveries is not None:
        _add_deliveries(deliveries, at, found)
    if covariates is not None:
        gather(covariates, at, found)
    since = tenure_of(covariates, at, start=purchases.first_day, horizon=horizon_days)
    features = _features(counts, at, start=purchases.first_day, tenure=since)
    outcomes = _outcomes(counts, at, end=end, horizon=horizon_days)
    twice = [name for name in found.columns if name in features or name in OUTCOMES]
    if twice:
        raise ParameterError(
            f"A covariate is called {twice[0]!r}, as another column of the snapshots.",
            hint="Rename the column or the series.",
        )
    return Snapshots(
        rows=pd.DataFrame(features | found.columns | outcomes),
        horizon_days=horizon_days,
        k=k,
        freq=freq,
        as_of=ledger.as_of,
        origins=tuple(number_day(day) for day in chosen),
        covariates=found.sources,
        left_out=found.left_out,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _require_days(ledger: Ledger) -> None:
    """Stop before more days of customers are read than fit; days with nothing but credit notes are not counted."""
    days = ledger.con.raw_sql("SELECT sum(bit_count(day_mask)) FROM rollup").fetchone()
    require_memory(
        int(days[0] or 0),
        bytes_per_row=SNAPSHOT_DAY_BYTES,
        what="The days on which customers bought, of which snapshots are made,",
        where=ledger.description,
        hint="Select customers, or use a machine with more memory.",
    )


def _check_count(name: str, value: object, high: int | None = None) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1 or (high is not None and value > high):
        limits = f"1 to {high}" if high else "1 or more"
        raise ParameterError(f"{name} is {value!r}.", hint=f"Give a whole number, {limits}.")


def _choose_origins(
    origins: int | Sequence[date], first: int, end: int, horizon: int, step: int, *, where: str
) -> list[int]:
    """Day numbers of the origins, ascending; `end` is the day after the data."""
    if isinstance(origins, int):
        _check_count("origins", origins)
        chosen = [day for day in range(end - horizon - (origins - 1) * step, end, step) if day <= end - horizon]
        chosen = [day for day in chosen if day >= first + 2 * horizon]
        if not chosen:
            raise ParameterError(
                f"A horizon of {horizon} days needs {3 * horizon} days of data, and there are {end - first}.",
                where=where,
                hint="Take a shorter horizon_days, or name the origins.",
            )
        return chosen
    if isinstance(origins, str) or not isinstance(origins, Iterable):
        raise ParameterError(f"origins is {origins!r}.", hint="Give a number or a list of days.")
    chosen = sorted(_read_origin(day) for day in origins)
    if not chosen:
        raise ParameterError("There are no origins.", hint="Give a number or a list of days.")
    if len(set(chosen)) < len(chosen):
        twice = next(day for day in chosen if chosen.count(day) > 1)
        raise ParameterError(f"The origin {number_day(twice)} is named twice.")
    if chosen[-1] > end:
        raise ParameterError(
            f"The origin {number_day(chosen[-1])} is outside of the data, which end on {number_day(end - 1)}.",
            where=where,
            hint=f"The last origin there can be is the day after, {number_day(end)}.",
        )
    if chosen[0] <= first:
        raise EmptyDataError(
            f"No customer ordered before the origin {number_day(chosen[0])}: the first order is of {number_day(first)}.",
            where=where,
            hint="Take later origins.",
        )
    return chosen


def _read_origin(day: object) -> int:
    if isinstance(day, datetime) and day == datetime.combine(day.date(), datetime.min.time()):
        day = day.date()
    if not isinstance(day, date) or isinstance(day, datetime):
        raise ParameterError(f"The origin {day!r} is no day.", hint="Give one as datetime.date(2025, 1, 1).")
    return day_number(day)


def _features(counts: Counts, at: Places, *, start: int, tenure: tuple[Ints, Bools]) -> dict[str, Any]:
    last, n_gaps = counts["last"], counts["n_days"] - 1
    recency, since = last - at.first, at.origin - last
    has_gap = n_gaps > 0
    mean_gap = np.divide(recency, n_gaps, out=_missing(at.origin), where=has_gap)
    squares = counts["gap_squares"].astype(np.float64)
    spread = np.divide(squares * n_gaps, recency.astype(np.float64) ** 2, out=_missing(at.origin), where=n_gaps > 1)
    columns: dict[str, Any] = {
        "customer_id": at.ids.take(at.customer).array,
        "origin": at.origin.astype("datetime64[D]").astype("datetime64[us]"),
        "at_risk": counts["due"] > at.origin,
        "frequency": n_gaps,
        "recency": recency,
        "T": at.origin - at.first,
        "tenure_days": tenure[0],
        "left_censored": tenure[1],
        "monetary_value": counts["gross"] / counts["n_days"],
        "days_since_last_order": since,
        "mean_gap_days": mean_gap,
        "gap_cv": np.sqrt(np.maximum(spread - 1, 0)),
        "gap_ratio": since / mean_gap,
    }
    for measure in ("n_days", "revenue"):
        for name in _WINDOWS:
            values = counts[f"{measure}_{name}"]
            if name in _REACH:
                values = np.where(at.origin - _REACH[name] >= start, values, np.nan)
            columns[f"{measure}_{name}"] = values
    if "margin_year" in counts:
        columns["margin_year"] = counts["margin_year"]
    gross = counts["revenue_year"]
    columns["share_returned"] = np.divide(counts["returns_year"], gross, out=_missing(gross), where=gross > 0)
    if "discount_year" in counts:
        full = gross + counts["discount_year"]
        columns["discount_share"] = np.divide(
            counts["discount_year"], full, out=_missing(full), where=(gross > 0) & (full > 0)
        )
    return columns


def _outcomes(counts: Counts, at: Places, *, end: int, horizon: int) -> dict[str, Any]:
    is_over = at.origin + horizon <= end
    columns: dict[str, Any] = {
        name: np.where(is_over, counts[name], np.nan)
        for name in ("n_days_next", "revenue_next", "margin_next")
        if name in counts
    }
    columns["no_order"] = pd.arrays.BooleanArray(counts["n_days_next"] == 0, ~is_over)
    is_known = is_over & (counts["due"] > at.origin) & (counts["silent"] | ~counts["unknown"])
    columns["churned"] = pd.arrays.BooleanArray(counts["silent"] & is_known, ~is_known)
    return columns


def _add_deliveries(deliveries: Counts, at: Places, found: Gathered) -> None:
    size = len(at.ids)
    key = deliveries["origin"] * size + deliveries["customer"]
    place = np.searchsorted(at.origin * size + at.customer, key)  # the rows are ordered by both
    n, late = np.zeros(len(at.origin), dtype=np.int64), np.zeros(len(at.origin))
    n[place], late[place] = deliveries["n_deliveries"], deliveries["n_late"]
    found.add("n_deliveries", n, source="ledger", unit="91 days")
    share = np.divide(late, n, out=_missing(late), where=n > 0)
    found.add("share_late", share, source="ledger", unit="share", why="no delivery was due in the 91 days before")


def _missing(like: Ints | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.full(len(like), np.nan)
