"""From which state to which, and how often: counted in the engine, without a row for any silent period."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import ColumnTypeError, DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.ledger.opening import Ledger
from kam.ledger.periods import MONTHS_IN, Frequency
from kam.ledger.states import Ints, StateKind, StatePanel, StateSpace, Value, month_starts, state_panel


def transition_counts(
    data: Ledger | StatePanel | pd.DataFrame,
    *,
    states: StateKind | None = None,
    k: int | None = None,
    freq: Frequency = "month",
    window: int = 1,
    cuts: Sequence[float] | None = None,
    value: Value = "revenue",
    rules: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """How many customers went from which state to which, by period.

    For a ledger and the states ``recency``, ``value`` and ``value_activity`` the engine pairs every active period of a customer
    with the next one and counts the pairs; the silent periods between are told from these few counts. ``rfm``, where the score
    of a silent customer depends on all others, and panels are counted row by row. The outcome is the same either way.

    Assumes what :func:`state_panel` does; of a panel, that a period without a row is a gap: no transition leads into it, out of
    it or over it.

    Parameters
    ----------
    data : Ledger, StatePanel or pandas.DataFrame
        A data frame has one row per customer and period, in any order: ``customer_id``, ``period`` (dates on which a month
        begins, or whole numbers), ``state``.
    states, k, freq, window, cuts, value, rules
        For a ledger only, see :func:`state_panel`.

    Returns
    -------
    pandas.DataFrame
        Ordered by all of its columns: ``period``, the first day (or number) of the one that is left; ``from_state``,
        ``to_state``, ordered categoricals; ``n_transitions``, customers. ``from_state`` is missing for customers who were not
        seen in the period that is left but are in the next: new, back after a gap, or in a state that was not known before. For
        the first period of the data the one that is left is the one before it. ``to_state`` is missing for customers who are not
        seen in the next period: the data end there, or have a gap. Thus the sum over ``from_state`` is the number of customers
        in a state in the next period, the sum over ``to_state`` that in this one.

    Raises
    ------
    ParameterError
        An argument is out of range, or stands beside a panel, which has its states already.
    EmptyDataError
        Nobody bought in a complete period, the panel is empty, or all states are those of one period.
    MissingColumnError, ColumnTypeError
        A column of the panel is missing, or its periods are neither starts of months nor whole numbers.
    DataError
        A value of the panel is missing, or a customer stands twice in a period.
    MissingColumnError, UndefinedMeasureError
        See :func:`state_panel`.

    Examples
    --------
    >>> panel = pd.DataFrame({"customer_id": list("aabbb"), "period": [1, 2, 1, 2, 4], "state": list("xyxxy")})
    >>> print(transition_counts(panel).to_string(index=False, na_rep="-"))
     period from_state to_state  n_transitions
          0          -        x              2
          1          x        x              1
          1          x        y              1
          2          x        -              1
          2          y        -              1
          3          -        y              1
          4          y        -              1
    """
    if not isinstance(data, Ledger):
        given = {"states": states, "k": k, "cuts": cuts, "rules": rules}
        named = [name for name, argument in given.items() if argument is not None]
        defaults = {"freq": freq != "month", "window": window != 1, "value": value != "revenue"}
        named += [name for name, is_set in defaults.items() if is_set]
        if named:
            raise ParameterError(f"{named[0]} is given beside a panel.", hint="A panel has its states already.")
        return _count_rows(data.rows, MONTHS_IN[data.freq]) if isinstance(data, StatePanel) else _count_rows(data, None)
    space = StateSpace.of(data, states=states, k=k, freq=freq, window=window, cuts=cuts, value=value, rules=rules)
    if space.kind == "rfm":
        panel = state_panel(data, states="rfm", k=space.k, freq=freq, window=window, rules=rules)
        return _count_rows(panel.rows, space.periods.step)
    return _count_sparsely(data, space)


# -- inside ----------------------------------------------------------------------------------------------------------


def _count_sparsely(ledger: Ledger, space: StateSpace) -> pd.DataFrame:
    active = space.active(ledger)
    if space.has_classes and space.cuts is None:
        active = active.cache() if space.window > 1 else active
        values = active.select("t", "worth").to_pyarrow()
        space = space.with_cuts(values["t"].to_numpy(), values["worth"].to_numpy())
        del values  # a row per customer and period, not needed beside what follows
    # A period and the class in it as one number: 4 t + 1 to 4 t + 3.
    rank = ibis.literal(0)
    if space.cuts is not None:
        rank = 2 - (active.worth > space.cuts[0]).cast("int8") - (active.worth > space.cuts[1]).cast("int8")
    steps = active.select("customer", step=(4 * active.t + 1 + rank).cast("int16"))
    pairs = steps.mutate(next=steps.step.lead().over(group_by="customer", order_by="step"))
    counted = pairs.group_by("step", "next").agg(n=pairs.count()).to_pyarrow()
    space.require_rows(counted.num_rows > 0, ledger)
    n, end = counted["n"].to_numpy(), 4 * space.periods.n
    step, following = (counted[name].fill_null(end).to_numpy().astype(np.int64) for name in ("step", "next"))

    # Every pair in its periods, the last of which leads to the next active one, or to the end of the data.
    length = following // 4 - step // 4
    pair = np.repeat(np.arange(len(n)), length)
    silence = np.arange(len(pair)) - np.repeat(np.cumsum(length) - length, length)
    t = step[pair] // 4 + silence
    rank, next_rank = step % 4 - 1, following % 4 - 1
    is_next = silence + 1 == length[pair]
    origin = space.codes(rank[pair], silence, t)
    target = space.codes(np.where(is_next, next_rank[pair], rank[pair]), np.where(is_next, 0, silence + 1), t + 1)
    target[t + 1 == space.periods.n] = -1
    # Who has an active period to which none leads is new in it.
    size = end + 4
    entries = np.bincount(step, n, size) - np.bincount(following, n, size)
    entries[end:] = 0
    entry = np.flatnonzero(entries)
    first = space.codes(entry % 4 - 1, np.zeros_like(entry), entry // 4)
    return _tabulate(
        np.append(t, entry // 4 - 1),
        np.append(origin, np.full(len(entry), -1)),
        np.append(target, first),
        np.append(n[pair], entries[entry]).astype(np.int64),
        space.names,
        space.periods.starts,
    )


def _count_rows(panel: pd.DataFrame, step: int | None) -> pd.DataFrame:
    missing = [name for name in ("customer_id", "period", "state") if name not in panel.columns]
    if missing:
        raise MissingColumnError(f"The panel lacks {', '.join(missing)}.", where=f"columns {list(panel.columns)}")
    if panel.empty:
        raise EmptyDataError("The panel has no rows.", hint="Look at the audit of the ledger.")
    for name in ("customer_id", "period", "state"):
        holes = panel[name].isna()
        if holes.any():
            where = f"rows {panel.index[holes][:3].tolist()}"
            raise DataError(f"{name} is missing in {int(holes.sum())} rows of the panel.", where=where)
    t, first, step = _number_periods(panel["period"], step)
    customer = pd.factorize(panel["customer_id"])[0]
    column = panel["state"]
    column = column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype(str).astype("category")
    state = column.cat.codes.to_numpy().astype(np.int64)
    order = np.lexsort((t, customer))
    t, customer, state = t[order], customer[order], state[order]
    same = customer[1:] == customer[:-1]
    twice = np.flatnonzero(same & (t[1:] == t[:-1]))
    if len(twice):
        row = panel.iloc[order[twice[0]]]
        raise DataError(
            f"{len(twice)} times a customer stands twice in a period.",
            where=f"customer {row['customer_id']!r}, period {row['period']}",
            hint="Give one row per customer and period.",
        )
    leads = same & (t[1:] == t[:-1] + 1)
    target = np.where(np.append(leads, False), np.append(state[1:], -1), -1)
    enters = ~np.append(False, leads)
    return _tabulate(
        np.append(t, t[enters] - 1),
        np.append(state, np.full(enters.sum(), -1)),
        np.append(target, state[enters]),
        np.ones(len(t) + enters.sum(), dtype=np.int64),
        tuple(column.cat.categories.astype(str)),
        lambda t: month_starts(first + step * t) if step else first + t,
    )


def _number_periods(column: pd.Series, step: int | None) -> tuple[Ints, int, int | None]:
    """Periods from 0; the first one, as a number or as its month counted from year 0; months in a period, None: no calendar."""
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if pd.api.types.is_integer_dtype(column):
        numbers = column.to_numpy(dtype=np.int64)
        return numbers - numbers.min(), int(numbers.min()), None
    if not pd.api.types.is_datetime64_dtype(column):
        raise ColumnTypeError(
            "The periods are neither dates nor whole numbers.",
            where=f"column period, {column.dtype}, such as {column.iloc[0]!r}",
            hint="Give the first day of each period, or number the periods.",
        )
    inside = column[column.to_numpy() != column.to_numpy().astype("datetime64[M]")]
    if len(inside):
        raise ColumnTypeError(
            "A period does not begin with a month.",
            where=f"period {inside.iloc[0]}",
            hint="Give the first day of each month, quarter or year, or number the periods.",
        )
    months = column.to_numpy().astype("datetime64[M]").astype(np.int64) + 12 * 1970
    first = int(months.min())
    months -= first
    if step is None:
        apart = int(np.gcd.reduce(np.unique(months)))
        step = next(length for length in (12, 3, 1) if apart % length == 0) if apart else 1
    return months // step, first, step


def _tabulate(
    t: Ints,
    origin: Ints,
    target: Ints,
    n: Ints,
    names: tuple[str, ...],
    label: Callable[[Ints], npt.NDArray[Any]],
) -> pd.DataFrame:
    """The counts by period left, state left and state reached, by position; −1: not known, not seen."""
    moved = (origin >= 0) | (target >= 0)
    t, origin, target, n = t[moved], origin[moved], target[moved], n[moved]
    seen = np.unique(np.append(t[origin >= 0], t[target >= 0] + 1))
    if len(seen) < 2:
        raise EmptyDataError(
            "There are states of one period only: nobody can be seen to move.",
            where=f"period {label(seen)[0]}" if len(seen) else None,
            hint="Use a shorter period, a shorter window, or more data.",
        )
    size = len(names) + 1
    key, cell = np.unique(((t + 1) * size + origin + 1) * size + target + 1, return_inverse=True)
    origin, target = key // size % size - 1, key % size - 1
    used = np.union1d(origin, target)
    used = used[used >= 0]
    position = np.full(size, -1)
    position[used] = np.arange(len(used))
    dtype = pd.CategoricalDtype([names[i] for i in used], ordered=True)
    return pd.DataFrame(
        {
            "period": label(key // size**2 - 1),
            "from_state": pd.Categorical.from_codes(position[origin], dtype=dtype),
            "to_state": pd.Categorical.from_codes(position[target], dtype=dtype),
            "n_transitions": np.bincount(cell, n).astype(np.int64),  # exact below 2**53
        }
    )
