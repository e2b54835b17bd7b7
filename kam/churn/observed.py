"""What a chain is estimated from: transitions by period, read from customers' sequences or from a table of counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.estimation import count_cells, count_states, sum_by, sum_money
from kam.churn.periods import Calendar, read_periods
from kam.churn.sequences import Sequences, read_sequences, read_states
from kam.errors import DataError, EmptyDataError, MissingColumnError

if TYPE_CHECKING:
    from kam.ledger.states import StatePanel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Observed(Calendar):
    """Transitions, and where sequences begin and break off, by the periods of the calendar.

    Attributes
    ----------
    states : tuple of str
    tables : numpy.ndarray
        Transitions by the period that is left, shape (T, S, S).
    mix : numpy.ndarray
        Customers in each state by period, shape (T, S).
    entered, ended : numpy.ndarray
        Sequences that begin in, or break off after, a period and state; shape (T, S).
    money : numpy.ndarray or None
        Money by period and state.
    sequences : Sequences or None
        The customers; None when only counts were given.
    """

    states: tuple[str, ...]
    tables: Ints
    mix: Ints
    entered: Ints
    ended: Ints
    money: Floats | None
    sequences: Sequences | None

    @property
    def by_season(self) -> Ints:
        """Transitions by the season that is left, shape (C, S, S)."""
        return sum_by(self.tables, self.season, self.n_seasons)

    @property
    def has_two_years(self) -> bool:
        """Every season has transitions in at least two years."""
        years = np.bincount(self.season[self.tables.sum(axis=(1, 2)) > 0], minlength=self.n_seasons)
        return self.n_seasons > 1 and bool((years >= 2).all())


def observe(
    panel: pd.DataFrame | StatePanel,
    *,
    states: Sequence[str] | None = None,
    money: str | None = None,
    segments: Mapping[str, str] | None = None,
) -> Observed:
    """Read a panel of states, a ``StatePanel``, or counts (``from_state, to_state, n_transitions`` [, ``period``]).

    Columns and errors of a panel are those of :func:`~kam.churn.sequences.read_sequences`. In a table of counts a missing
    ``from_state`` is a sequence that begins in the next period, a missing ``to_state`` one that breaks off, as in
    :func:`kam.ledger.transition_counts`.
    """
    rows = panel if isinstance(panel, pd.DataFrame) else panel.rows
    if not isinstance(panel, pd.DataFrame):
        states = states or panel.states
    if "from_state" in rows.columns or "to_state" in rows.columns:
        return _observe_counts(rows, states)
    return observe_sequences(read_sequences(rows, states=states, money=money, segments=segments))


def observe_sequences(sequences: Sequences) -> Observed:
    """The same from sequences that were read before."""
    same = sequences.customer[1:] == sequences.customer[:-1]
    step = same & (sequences.period[1:] == sequences.period[:-1] + 1)
    return Observed(
        states=sequences.states,
        periods=sequences.periods,
        freq=sequences.freq,
        tables=count_cells(sequences),
        mix=count_states(sequences),
        entered=count_states(sequences, np.append(True, ~step)),
        ended=count_states(sequences, np.append(~step, True)),
        money=sum_money(sequences) if sequences.money is not None else None,
        sequences=sequences,
    )


def until_lost(seen: Observed, lost: int) -> Observed:
    """What was observed up to each customer's first loss: nobody leaves the lost state, nothing after a return counts."""
    if seen.sequences is None:
        tables = seen.tables.copy()
        tables[:, lost] = 0
        return replace(seen, tables=tables)
    sequences = seen.sequences
    is_lost = sequences.state == lost
    so_far = np.cumsum(is_lost) - is_lost  # of all rows before
    first = np.flatnonzero(np.diff(sequences.customer, prepend=-1))
    kept = so_far == so_far[first][sequences.customer]
    cut = replace(
        sequences,
        customer=sequences.customer[kept],
        period=sequences.period[kept],
        state=sequences.state[kept],
        money=None if sequences.money is None else sequences.money[kept],
    )
    return observe_sequences(cut)


def n_gaps(seen: Observed) -> int:
    """How often a customer was not seen for some periods and came back."""
    sequences = seen.sequences
    if sequences is None:
        return 0
    same = sequences.customer[1:] == sequences.customer[:-1]
    return int((same & (sequences.period[1:] > sequences.period[:-1] + 1)).sum())


# -- inside ----------------------------------------------------------------------------------------------------------


def _observe_counts(rows: pd.DataFrame, states: Sequence[str] | None) -> Observed:
    missing = [name for name in ("from_state", "to_state", "n_transitions") if name not in rows.columns]
    if missing:
        raise MissingColumnError(f"The counts lack {', '.join(missing)}.", where=f"columns {list(rows.columns)}")
    n = pd.to_numeric(rows["n_transitions"], errors="coerce").to_numpy(dtype=float)
    if not (np.isfinite(n) & (n >= 0) & (n == np.round(n))).all():
        raise DataError("A number of transitions is no whole number of 0 or more.", where="column n_transitions")
    keys = [name for name in ("period", "from_state", "to_state") if name in rows.columns]
    twice = rows.duplicated(keys)
    if twice.any():
        raise DataError("A transition stands twice in the counts.", where=f"rows {rows.index[twice][:3].tolist()}")
    both = pd.concat([rows["from_state"], rows["to_state"]], ignore_index=True)
    if isinstance(rows["from_state"].dtype, pd.CategoricalDtype) and rows["from_state"].dtype == rows["to_state"].dtype:
        both = both.astype(rows["from_state"].dtype)
    names, codes = read_states(both[both.notna()], states)
    code = np.full(len(both), -1)
    code[both.notna().to_numpy()] = codes
    origin, target = code[: len(rows)], code[len(rows) :]
    if "period" in rows.columns:
        periods, period, freq = read_periods(rows["period"])
        first = origin < 0
        if first.any() and period[~first].size and period[first].min() < period[~first].min():
            periods, period = periods[1:], period - 1  # who begins in the first period left the one before it
    else:
        periods, period, freq = pd.RangeIndex(1), np.zeros(len(rows), dtype=np.int64), "period"
    n_periods, n_states, whole = len(periods), len(names), n.astype(np.int64)
    if not ((origin >= 0) & (target >= 0) & (n > 0)).any():
        raise EmptyDataError("There is no transition among the counts.")
    tables = np.zeros((n_periods, n_states, n_states), dtype=np.int64)
    entered, ended = (np.zeros((n_periods, n_states), dtype=np.int64) for _ in range(2))
    moved, begins, ends = (origin >= 0) & (target >= 0), (origin < 0) & (target >= 0), (origin >= 0) & (target < 0)
    np.add.at(tables, (period[moved], origin[moved], target[moved]), whole[moved])
    late = begins & (period + 1 >= n_periods)
    if late.any():
        raise DataError("A sequence begins after the last period.", where=f"rows {rows.index[late][:3].tolist()}")
    np.add.at(entered, (period[begins] + 1, target[begins]), whole[begins])
    np.add.at(ended, (period[ends], origin[ends]), whole[ends])
    return Observed(
        states=names,
        periods=periods,
        freq=freq,
        tables=tables,
        mix=tables.sum(axis=2) + ended,
        entered=entered,
        ended=ended,
        money=None,
        sequences=None,
    )
