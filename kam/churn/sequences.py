"""Customers' sequences of states, as arrays: read from a panel, checked, and every way in which they break off counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.periods import Calendar, name_period, read_periods
from kam.errors import (
    ColumnTypeError,
    DataError,
    EmptyDataError,
    EmptyStateError,
    MissingColumnError,
    ParameterError,
)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Sequences(Calendar):
    """The states of all customers, sorted by customer and period; ``periods`` and ``freq`` are those of the calendar.

    Attributes
    ----------
    states : tuple of str
        Names, in the order of the matrix.
    customers : numpy.ndarray
        Identifiers, as text, in order.
    customer, period, state : numpy.ndarray
        One entry per customer and period seen: indices into ``customers``, ``periods`` and ``states``.
    money : numpy.ndarray or None
        What the customer brought in the period.
    segment : numpy.ndarray or None
        Index into ``segments`` per customer.
    segments : tuple of str
        Names of the segments.
    """

    states: tuple[str, ...]
    customers: npt.NDArray[np.object_]
    customer: Ints
    period: Ints
    state: Ints
    money: Floats | None = None
    segment: Ints | None = None
    segments: tuple[str, ...] = ()

    @property
    def moves(self) -> Ints:
        """Rows that begin a transition: the next row is the same customer's, one period later."""
        same = self.customer[1:] == self.customer[:-1]
        return np.flatnonzero(same & (self.period[1:] == self.period[:-1] + 1))

    def index(self, state: str) -> int:
        """Position of a state; raises :class:`~kam.errors.ParameterError` for one that is not known."""
        if state not in self.states:
            raise ParameterError(f"There is no state {state!r}.", hint=f"The states are {', '.join(self.states)}.")
        return self.states.index(state)

    def until(self, period: int) -> Sequences:
        """What was known at the end of a period (an index): later rows are gone, customers not yet seen too."""
        seen = self.period <= period
        customer = self.customer[seen]
        present = np.unique(customer)
        return Sequences(
            states=self.states,
            customers=self.customers[present],
            periods=self.periods[: period + 1],
            freq=self.freq,
            customer=np.searchsorted(present, customer),
            period=self.period[seen],
            state=self.state[seen],
            money=None if self.money is None else self.money[seen],
            segment=None if self.segment is None else self.segment[present],
            segments=self.segments,
        )


def read_sequences(
    panel: pd.DataFrame,
    *,
    states: Sequence[str] | None = None,
    money: str | None = None,
    segments: Mapping[str, str] | None = None,
) -> Sequences:
    """Read and check a panel of states.

    Parameters
    ----------
    panel : pandas.DataFrame
        One row per customer and period, in any order: ``customer_id``, ``period`` (dates, periods or whole numbers),
        ``state``, and the column of money if one is named. A period without a row is a gap: no transition leads over it.
    states : sequence of str, optional
        Names of the states in order. Default: the categories of the column, else in alphabetical order.
    money : str, optional
        Column of money.
    segments : mapping of str to str, optional
        Segment by customer; customers without one are in the segment ``"not known"``.

    Raises
    ------
    MissingColumnError, ColumnTypeError
        A column is missing, or periods are neither dates nor whole numbers, or money is no number.
    DataError
        A customer stands twice in a period, or a value is missing.
    ParameterError
        A state of the panel is not among ``states``.
    EmptyStateError
        A state that was named is never seen.
    EmptyDataError
        The panel is empty, or has one period.
    """
    needed = ["customer_id", "period", "state", *([money] if money else [])]
    missing = [name for name in needed if name not in panel.columns]
    if missing:
        raise MissingColumnError(f"The panel lacks {', '.join(missing)}.", where=f"columns {list(panel.columns)}")
    if panel.empty:
        raise EmptyDataError("The panel has no rows.", hint="Look at the audit of the ledger.")
    for name in needed:
        holes = panel[name].isna()
        if holes.any():
            raise DataError(f"{name} is missing in {int(holes.sum())} rows of the panel.", where=_rows(panel[holes]))
    periods, period, freq = read_periods(panel["period"])
    customer, customers = _codes(panel["customer_id"])
    names, state = read_states(panel["state"], states)
    order = np.lexsort((period, customer)) if not _is_sorted(customer, period) else slice(None)
    customer, period, state = customer[order], period[order], state[order]
    twice = np.flatnonzero((customer[1:] == customer[:-1]) & (period[1:] == period[:-1]))
    if len(twice):
        raise DataError(
            f"{len(twice)} times a customer stands twice in a period.",
            where=f"customer {customers[customer[twice[0]]]!r}, period {name_period(periods[period[twice[0]]])}",
            hint="Give one row per customer and period.",
        )
    if len(periods) < 2:
        raise EmptyDataError(
            f"The panel has one period, {name_period(periods[0])}: nobody can be seen to move.",
            hint="Use a shorter period, or more data.",
        )
    amount = None
    if money:
        try:
            amount = panel[money].to_numpy(dtype=np.float64)[order]
        except (TypeError, ValueError) as error:
            raise ColumnTypeError(f"{money} is no number.", where="the panel") from error
        if not np.isfinite(amount).all():
            raise DataError(f"{money} is not finite in some rows.", where="the panel")
    segment, segment_names = _read_segments(customers, segments)
    return Sequences(
        states=names,
        customers=customers,
        periods=periods,
        freq=freq,
        customer=customer,
        period=period,
        state=state,
        money=amount,
        segment=segment,
        segments=segment_names,
    )


def read_states(column: pd.Series, states: Sequence[str] | None) -> tuple[tuple[str, ...], Ints]:
    """Read a column of states: their names in order, and the position of each row.

    Raises
    ------
    ParameterError, EmptyStateError
        A state is not among those given, or one of these is never seen.
    """
    codes, seen = _codes(column)
    if states is None:
        order = seen if isinstance(column.dtype, pd.CategoricalDtype) else sorted(seen)
        names = tuple(str(name) for name in order)
    else:
        names = tuple(str(name) for name in states)
    unknown = [name for name in seen if name not in names]
    if unknown:
        raise ParameterError(f"There is no state {unknown[0]!r}.", hint=f"The states are {', '.join(names)}.")
    unseen = [name for name in names if name not in set(seen)]
    if unseen:
        raise EmptyStateError(
            f"No customer is ever in the state {unseen[0]!r}.",
            hint="Leave the state out, or use other limits between the states.",
        )
    place = np.array([names.index(name) for name in seen], dtype=np.int64)
    return names, place[codes]


# -- inside ----------------------------------------------------------------------------------------------------------


def _codes(column: pd.Series) -> tuple[Ints, npt.NDArray[np.object_]]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        used = column.cat.remove_unused_categories()
        codes, unique = used.cat.codes.to_numpy(), used.cat.categories
    else:
        codes, unique = pd.factorize(column, sort=False)
    return np.asarray(codes, dtype=np.int64), np.asarray(pd.Index(unique).astype(str), dtype=object)


def _read_segments(
    customers: npt.NDArray[np.object_], segments: Mapping[str, str] | None
) -> tuple[Ints | None, tuple[str, ...]]:
    if segments is None:
        return None, ()
    column = pd.Series(customers).map(segments)
    column = column.where(column.notna(), "not known").astype(str)
    codes, names = pd.factorize(column, sort=True)
    return codes.astype(np.int64), tuple(str(name) for name in names)


def _is_sorted(customer: Ints, period: Ints) -> bool:
    step = np.diff(customer)
    return bool(((step > 0) | ((step == 0) & (np.diff(period) >= 0))).all())


def _rows(frame: pd.DataFrame) -> str:
    return f"rows {frame.index[:3].tolist()}"
