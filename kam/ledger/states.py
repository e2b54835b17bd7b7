"""The states of customers, period by period: how long ago they bought, what they are worth, which segment they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from kam.errors import EmptyDataError, MissingColumnError, ParameterError, UndefinedMeasureError
from kam.ledger.limits import PANEL_BYTES, require_memory
from kam.ledger.opening import Ledger
from kam.ledger.periods import MONTHS_IN, Frequency, add_months, check_frequency, first_month_index

StateKind = Literal["recency", "value", "value_activity", "rfm"]
Value = Literal["revenue", "margin"]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

KINDS = ("recency", "value", "value_activity", "rfm")
LOST = "lost"
CLASSES = ("A", "B", "C")
SHARES = (0.80, 0.95)
"""A while the cumulative share before is below the first, B while it is below the second."""

SCORES = 5
_LIMITS = [f"{score}_{end}" for score in "rfm" for end in ("min", "max")]

LEFT_OUT = (
    "incomplete last period",
    "incomplete first period",
    "before the window is full and a loss can be seen",
    "money before the first purchase",
    "customers without a purchase",
)


@dataclass(frozen=True, eq=False, kw_only=True)
class StatePanel:
    """The state of every customer in every period, silent ones too.

    Attributes
    ----------
    rows : pandas.DataFrame
        One row per customer and complete period from the customer's first active one on, ordered: ``customer_id``
        (categorical), ``period`` (its first day), ``state`` (ordered categorical), ``revenue`` (net, in the ledger's currency),
        ``n_orders``, and ``margin`` where the ledger has the cost. There are no gaps.
    states : tuple of str
        Names of the states that occur, in order, the lost one last.
    lost : str
        Name of the lost state; empty where nobody ever is.
    impossible : tuple of (str, str)
        Moves from one period to the next that the definition of the states rules out.
    freq : {"month", "quarter", "year"}
        Length of the periods.
    k : int
        Silent periods after which a customer is lost.
    cuts : tuple of float, or None
        Money above which a customer is A, and above which B; None for states without classes of value.
    left_out : pandas.DataFrame
        ``term``, ``n_cases``: rows of the rollup (one per customer and month) that are in no row of the panel, by reason. With
        the rows that are in it they make all of the rollup.
    """

    rows: pd.DataFrame
    states: tuple[str, ...]
    lost: str
    impossible: tuple[tuple[str, str], ...]
    freq: Frequency
    k: int
    cuts: tuple[float, float] | None
    left_out: pd.DataFrame


def state_panel(
    ledger: Ledger,
    *,
    states: StateKind,
    k: int,
    freq: Frequency = "month",
    window: int = 1,
    cuts: Sequence[float] | None = None,
    value: Value = "revenue",
    rules: pd.DataFrame | None = None,
) -> StatePanel:
    """The state of every customer in every complete period from the first purchase on.

    A customer is active in a period with an order that has a positive line; one with credit notes only is silent, but its money
    counts there. Who is silent for `k` periods in a row is lost from the k-th on, until the next purchase. The states:

    - ``recency`` (Pfeifer & Carraway 2000): ``bought``, ``silent 1``, …, ``silent k-1``, ``lost``;
    - ``value``: ``A``, ``B`` or ``C`` by the money of the `window` periods up to the last active one, carried through silence;
      ``lost``;
    - ``value_activity``: the same, with ``A silent``, ``B silent`` and ``C silent`` apart (if `k` > 1);
    - ``rfm``: in every period, all customers who are not lost are scored 1 to 5 on recency (periods since the last order),
      frequency (orders) and monetary value (net revenue) of the last `window` periods; the first of the `rules` that fits names
      the segment; ``lost``.

    Assumes that (1) the ledger is complete from its first month on; a first quarter or year that begins before it is left out;
    (2) who was silent before the ledger begins is no customer before the first purchase in it; (3) classes and segments are
    known from the first period on in which a window is full *and* somebody can have been silent for `k` periods, since before
    that nobody can be lost; all who have bought by then have a row from then on; (4) what a customer brought since a first
    purchase that is not as long ago as the window goes on as it began: it is scaled up to a whole window, so that a new customer
    does not seem to grow into a class; money before the first purchase counts in the window, but has no row; (5) with scores,
    that fifths of the customers of each period are meant, so that a customer moves when others do.

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`.
    states : {"recency", "value", "value_activity", "rfm"}
        Which states.
    k : int
        Silent periods after which a customer is lost, at least 1.
    freq : {"month", "quarter", "year"}
        Length of the periods; quarters and years begin with the ledger's ``fiscal_year_start``.
    window : int
        Periods whose money makes the class or the scores, at least 1 (``rfm``: 2); ``recency`` does not use it.
    cuts : sequence of two floats, optional
        Money of the window above which a customer is A, and above which B, descending. Default: :func:`value_cuts`.
    value : {"revenue", "margin"}
        Which money makes the class, net.
    rules : pandas.DataFrame, optional
        For ``rfm``: ``segment, r_min, r_max, f_min, f_max, m_min, m_max``, like ``kam.identify.SEGMENTS``.

    Returns
    -------
    StatePanel

    Raises
    ------
    EmptyDataError
        No period is complete, no window is full, or nobody bought in one.
    ParameterError
        The states or the frequency are not known, `k` or `window` is no whole number or too small, the cuts do not descend, the
        margin is not known, the rules are missing or have no row for some scores, or call a segment "lost".
    MissingColumnError
        The rules lack a column.
    UndefinedMeasureError
        Without `cuts`: no customer has a positive value.
    TooLargeError
        It would not fit in memory.

    References
    ----------
    Pfeifer, P. E., & Carraway, R. L. (2000). Modeling customer relationships as Markov chains. Journal of Interactive Marketing
    14(2), 43–55.

    Examples
    --------
    >>> from kam.ledger import open_ledger
    >>> orders = pd.DataFrame({"customer_id": list("aab"), "amount": 10.0,
    ...     "order_date": ["2024-01-05", "2024-04-09", "2024-03-02"]})
    >>> panel = state_panel(open_ledger(orders, as_of="2024-04-30"), states="recency", k=2)
    >>> panel.rows["state"].tolist()
    ['bought', 'silent 1', 'lost', 'bought', 'bought', 'silent 1']
    >>> panel.states, panel.lost
    (('bought', 'silent 1', 'lost'), 'lost')
    """
    space = StateSpace.of(ledger, states=states, k=k, freq=freq, window=window, cuts=cuts, value=value, rules=rules)
    require_memory(
        ledger.audit.n_customers * space.periods.n,
        bytes_per_row=PANEL_BYTES,
        what="The state panel, a row for every customer and period at most,",
        where=ledger.description,
        hint="Count transitions from the ledger itself, which takes no panel; use longer periods, or select customers.",
    )
    table = _pull(space.table(ledger))
    bought = table["n_orders"] > 0
    active = np.flatnonzero(bought)
    last_active = np.cumsum(bought) - 1  # of the same customer, or of one before
    follows = last_active >= 0
    follows[follows] = table["customer"][active[last_active[follows]]] == table["customer"][follows]
    if "worth" in table:
        space = space.with_cuts(table["t"][active], table["worth"][active])

    # Every active period, and the silence until the next one.
    begin, owner = table["t"][active], table["customer"][active]
    is_last = np.append(owner[1:] != owner[:-1], [True] * (len(active) > 0))
    length = np.where(is_last, space.periods.n, np.roll(begin, -1)) - begin
    first_row = np.cumsum(length) - length
    spell = np.repeat(np.arange(len(active)), length)
    silence = np.arange(len(spell)) - first_row[spell]
    t = begin[spell] + silence
    place = first_row[last_active[follows]] + table["t"][follows] - begin[last_active[follows]]
    columns = {name: table[name] for name in ("revenue", "n_orders", "margin") if name in table}
    for name, values in columns.items():
        columns[name] = np.zeros(len(spell), values.dtype)
        columns[name][place] = values[follows]

    if space.kind == "rfm":
        code = space.score(table, owner[spell], t, silence)
    else:
        rank = space.classify(table["worth"][active]) if "worth" in table else np.zeros(len(active), np.int64)
        code = space.codes(rank[spell], silence, t)
    kept = code >= 0
    space.require_rows(bool(kept.any()), ledger)
    names, code = space.only_seen(code[kept])
    customer, customers = _name_customers(ledger, owner[spell[kept]])
    rows = pd.DataFrame(
        {
            "customer_id": pd.Categorical.from_codes(customer, dtype=pd.CategoricalDtype(customers)),
            "period": space.periods.starts(np.arange(space.periods.n))[t[kept]],
            "state": pd.Categorical.from_codes(code, dtype=pd.CategoricalDtype(list(names), ordered=True)),
        }
        | {name: values[kept] for name, values in columns.items()},
        copy=False,
    )
    is_in = np.zeros(len(bought), dtype=bool)
    is_in[follows] = kept[place]
    return StatePanel(
        rows=rows,
        states=names,
        lost=LOST if LOST in names else "",
        impossible=tuple(pair for pair in space.impossible if set(pair) <= set(names)),
        freq=freq,
        k=int(k),
        cuts=space.cuts,
        left_out=_left_out(ledger, space.periods, table, is_in),
    )


def value_cuts(
    ledger: Ledger, *, freq: Frequency = "month", window: int = 1, value: Value = "revenue"
) -> tuple[float, float]:
    """Money that separates the classes A, B and C of all active periods of all customers together.

    All customer-periods with a purchase are sorted by the money of the `window` periods up to and with them, largest first: A
    while the cumulative share *before* one is below 80 % of the sum of the positive ones, B while it is below 95 %, else C. A
    cut lies halfway between the smallest value of a class and the next smaller one (at least 0), so that ``value > cut`` gives
    the classes again; equal values share the better class, and where none is left for B, the two cuts are equal.

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`.
    freq : {"month", "quarter", "year"}
        Length of the periods.
    window : int
        Periods that are summed, at least 1; the first window of the ledger must be full.
    value : {"revenue", "margin"}
        Which money, net.

    Returns
    -------
    tuple of float
        Money above which a customer-period is A, and above which it is B.

    Raises
    ------
    EmptyDataError
        No period is complete, or nobody bought in one that ends a full window.
    ParameterError
        The frequency is not known, `window` is too small, or the margin is not known.
    UndefinedMeasureError
        No value is positive.

    Examples
    --------
    >>> from kam.ledger import open_ledger
    >>> orders = pd.DataFrame({"customer_id": list("abc"), "order_date": "2024-01-31", "amount": [80.0, 15.0, 5.0]})
    >>> value_cuts(open_ledger(orders))
    (47.5, 10.0)
    """
    space = StateSpace.of(ledger, states="value", k=1, freq=freq, window=window, cuts=None, value=value, rules=None)
    active = space.active(ledger).to_pyarrow()
    cuts = space.with_cuts(active["t"].to_numpy(), active["worth"].to_numpy()).cuts
    assert cuts is not None
    return cuts


# -- shared with transitions -----------------------------------------------------------------------------------------


def month_starts(months: Ints) -> npt.NDArray[np.datetime64]:
    """First days of months that are counted from year 0."""
    return (months - 12 * 1970).astype("datetime64[M]").astype("datetime64[us]")


@dataclass(frozen=True)
class PeriodRange:
    """The complete periods of a ledger, numbered from 0.

    Attributes
    ----------
    first : int
        The first month of the first one, months counted from year 0.
    step : int
        Months in a period.
    n : int
        Number of periods.
    """

    first: int
    step: int
    n: int

    @classmethod
    def of(cls, ledger: Ledger, freq: Frequency) -> PeriodRange:
        """From the first period that begins in the ledger to the last that is complete."""
        check_frequency(freq, ledger.fiscal_year_start)
        step = MONTHS_IN[freq]
        earliest = ledger.rollup.months.month.min().to_pyarrow().as_py()
        month = 12 * earliest.year + earliest.month - 1
        first = first_month_index(month, freq, ledger.fiscal_year_start)
        first += step if first < month else 0
        last = ledger.last_complete_month
        after = add_months(last, 1) if last else earliest
        end = first_month_index(12 * after.year + after.month - 1, freq, ledger.fiscal_year_start)
        if end <= first:
            raise EmptyDataError(
                f"No {freq} of the ledger is complete: it begins with {earliest:%Y-%m}, and was read on {ledger.as_of}.",
                where=ledger.description,
                hint="Use a shorter period, more data, or a later as_of if the data do reach further.",
            )
        return cls(first, step, (end - first) // step)

    def starts(self, t: Ints) -> npt.NDArray[np.datetime64]:
        """First days of periods."""
        return month_starts(self.first + self.step * t)

    def before(self, month: ir.DateColumn) -> ir.BooleanColumn:
        """Months before the first complete period."""
        return month < self._start(0)

    def after(self, month: ir.DateColumn) -> ir.BooleanColumn:
        """Months after the last complete period."""
        return month >= self._start(self.n)

    def _start(self, t: int) -> ir.DateScalar:
        index = self.first + self.step * t
        return ibis.literal(date(index // 12, index % 12 + 1, 1))

    def number(self, table: ir.Table) -> ir.Table:
        """The rows of the rollup that lie in a complete period, with its number ``t`` and that of the customer's ``first``."""
        inside = table.filter(~self.before(table.month) & ~self.after(table.month))
        return inside.mutate(t=self._number(inside.month), first=ibis.greatest(self._number(inside.first_month), 0))

    def _number(self, month: ir.DateColumn) -> ir.IntegerColumn:
        months = 12 * month.year() + month.month() - 1 - self.first
        return (months if self.step == 1 else months // self.step).cast("int16")


@dataclass(frozen=True, eq=False, kw_only=True)
class StateSpace:
    """Which states there are, and how a customer gets into them.

    Attributes
    ----------
    kind : {"recency", "value", "value_activity", "rfm"}
    k : int
        Silent periods after which a customer is lost.
    freq : {"month", "quarter", "year"}
    periods : PeriodRange
    window : int
        Periods that are summed for classes and scores; 1 for ``recency``.
    cuts : tuple of float, or None
        Money above which a customer is A, and above which B; None while they are not known.
    value : {"revenue", "margin"}
        Which money makes the class.
    rules : pandas.DataFrame or None
        Segments by scores.
    """

    kind: StateKind
    k: int
    freq: Frequency
    periods: PeriodRange
    window: int
    cuts: tuple[float, float] | None
    value: Value
    rules: pd.DataFrame | None

    @classmethod
    def of(
        cls,
        ledger: Ledger,
        *,
        states: StateKind | None,
        k: int | None,
        freq: Frequency,
        window: int,
        cuts: Sequence[float] | None,
        value: Value,
        rules: pd.DataFrame | None,
    ) -> StateSpace:
        """Check the arguments of :func:`state_panel`."""
        if states not in KINDS:
            raise ParameterError(f"There are no states {states!r}.", hint=f"Use one of {', '.join(KINDS)}.")
        has_classes = states in ("value", "value_activity")
        if has_classes and value not in ("revenue", "margin"):
            raise ParameterError(f"value is {value!r}.", hint="Use 'revenue' or 'margin'.")
        if has_classes and value == "margin" and "cost" not in ledger.columns:
            raise ParameterError(
                "There is no margin in this ledger.", hint="Name the column of the cost, or make classes by revenue."
            )
        return cls(
            kind=states,
            k=_check_whole("k", k, at_least=1),
            freq=freq,
            window=1 if states == "recency" else _check_whole("window", window, at_least=2 if states == "rfm" else 1),
            cuts=_check_cuts(cuts) if has_classes and cuts is not None else None,
            value=value,
            rules=_check_rules(rules) if states == "rfm" else None,
            periods=PeriodRange.of(ledger, freq),
        )

    @property
    def has_classes(self) -> bool:
        """The states tell classes of value apart."""
        return self.kind in ("value", "value_activity")

    @property
    def names(self) -> tuple[str, ...]:
        """All states in order, the lost one last."""
        if self.rules is not None:
            return (*dict.fromkeys(self.rules["segment"]), LOST)
        if self.kind == "recency":
            return ("bought", *(f"silent {n}" for n in range(1, self.k)), LOST)
        if self.kind == "value" or self.k == 1:
            return (*CLASSES, LOST)
        return (*(f"{name}{silent}" for name in CLASSES for silent in ("", " silent")), LOST)

    @property
    def impossible(self) -> tuple[tuple[str, str], ...]:
        """Moves that cannot happen: silence grows by one period at a time, and ends with a purchase."""
        bought = ("bought",) if self.kind == "recency" else CLASSES
        silent = [name for name in self.names if name not in (*bought, LOST)]
        if self.kind == "rfm" or (self.kind == "value" and self.k > 1):
            return ()
        possible = {(name, to) for name in self.names for to in bought} | {(LOST, LOST)}
        if self.kind == "recency":
            chain = ["bought", *silent, LOST]
            possible |= set(pairwise(chain))
        else:
            for name in CLASSES:
                possible.add((name, f"{name} silent" if self.k > 1 else LOST))
                if self.k > 1:
                    possible.add((f"{name} silent", LOST))
                if self.k > 2:
                    possible.add((f"{name} silent", f"{name} silent"))
        return tuple((a, b) for a in self.names for b in self.names if (a, b) not in possible)

    @property
    def n_unknown(self) -> int:
        """Periods at the beginning that have no states: the first window is not full, or nobody can have been silent for k."""
        return 0 if self.kind == "recency" else max(self.window, self.k) - 1

    def table(self, ledger: Ledger) -> ir.Table:
        """:func:`sum_by_period`, for classes with ``worth``: the money of the window up to and with the period.

        Where the customer's first purchase is not as long ago as the window, its money is scaled up to a whole one.
        """
        sums = sum_by_period(ledger, self.periods)
        if not self.has_classes:
            return sums
        money = sums.revenue - sums.cost if self.value == "margin" else sums.revenue
        if self.window == 1:
            return sums.mutate(worth=money.cast("float64"))
        recent = ibis.range_window(preceding=self.window - 1, following=0, group_by="customer", order_by="t")
        total, seen = (
            money.sum().over(recent).cast("float64"),
            sums.t - sums["first"] + 1,
        )  # the nearest to the exact sum
        # Of a customer of fewer periods, and where the ledger does not reach back, as much as in a whole window.
        return sums.mutate(worth=ibis.ifelse(seen < self.window, total * self.window / seen, total))

    def active(self, ledger: Ledger) -> ir.Table:
        """One row per customer and active period: ``customer``, ``t``, for classes ``worth``."""
        table = self.table(ledger)
        return table.filter(table.n_orders > 0).select("customer", "t", *(["worth"] if self.has_classes else []))

    def with_cuts(self, t: Ints, worth: Floats) -> StateSpace:
        """The same with the cuts that :func:`value_cuts` describes, from all active periods, unless they are known."""
        if self.cuts is not None:
            return self
        worth = worth[t >= self.window - 1]
        descending = np.sort(worth)[::-1]
        positive = np.maximum(descending, 0)
        up_to = np.cumsum(positive)
        if not len(worth) or not up_to[-1] > 0:
            raise UndefinedMeasureError(
                f"Nobody has a positive {self.value} in a full window of {self.window}: there are no classes of value.",
                hint="Look at the sign of the amounts, use a shorter window, or give the cuts.",
            )
        cuts = []
        for share in SHARES:
            # A share that equals the limit but for the rounding of the sum is not below it.
            n_in = int(((descending > 0) & (up_to - positive < share * up_to[-1] * (1 - 1e-10))).sum())
            below = descending[np.searchsorted(-descending, -descending[n_in - 1], side="right") :]
            cuts.append(round((descending[n_in - 1] + max(below[0] if len(below) else 0.0, 0.0)) / 2, 5))
        return replace(self, cuts=(float(cuts[0]), float(cuts[1])))

    def classify(self, worth: Floats) -> Ints:
        """Class of active periods, 0 for A."""
        assert self.cuts is not None
        return 2 - (worth > self.cuts[1]).astype(np.int64) - (worth > self.cuts[0])

    def codes(self, rank: Ints, silence: Ints, t: Ints) -> Ints:
        """Positions in :attr:`names`; −1 where the state is not known. Not for ``rfm``.

        Parameters
        ----------
        rank : numpy.ndarray
            Class of the last active period, from :meth:`classify`; 0 for states without classes.
        silence : numpy.ndarray
            Periods since then.
        t : numpy.ndarray
            Periods.
        """
        if self.kind == "recency":
            return np.minimum(silence, self.k)
        step = 1 if self.kind == "value" or self.k == 1 else 2
        code = step * rank + (step == 2) * (silence > 0)
        return np.where(t < self.n_unknown, -1, np.where(silence < self.k, code, len(self.names) - 1))

    def score(self, table: Mapping[str, Any], customer: Ints, t: Ints, silence: Ints) -> Ints:
        """Positions of the segments in :attr:`names`; −1 in the periods that have no states. For ``rfm``.

        Parameters
        ----------
        table : mapping of str to numpy.ndarray
            What :meth:`table` says, by customer and period.
        customer, t, silence : numpy.ndarray
            Customers, periods from the first active one on, and periods since the last active one.
        """
        frequency = self._sum_recent(table, table["n_orders"], customer, t)
        monetary = self._sum_recent(table, np.rint(10_000 * table["revenue"]).astype(np.int64), customer, t)  # exact
        scored = np.flatnonzero((silence < self.k) & (t >= self.n_unknown))
        scored = scored[np.argsort(t[scored], kind="stable")]
        steps = np.arange(1, SCORES) / SCORES
        scores = np.zeros((3, len(t)), dtype=np.int64)
        for rows in np.split(scored, np.flatnonzero(np.diff(t[scored])) + 1):
            for i, values in enumerate((silence[rows], frequency[rows], monetary[rows]) if len(rows) else ()):
                above = np.searchsorted(np.quantile(values, steps, method="inverted_cdf"), values, side="left")
                scores[i, rows] = SCORES - above if i == 0 else above + 1
        code = np.where(silence < self.k, self._segment(scores), len(self.names) - 1)
        return np.where(t < self.n_unknown, -1, code)

    def _sum_recent(self, table: Mapping[str, Any], values: Ints, customer: Ints, t: Ints) -> Ints:
        """Sum over the periods of the window up to and with `t`."""
        stride = self.periods.n + self.window
        key, now = stride * table["customer"] + table["t"], stride * customer + t
        up_to = np.append(0, np.cumsum(values))
        return (
            up_to[np.searchsorted(key, now, side="right")]
            - up_to[np.searchsorted(key, now - self.window, side="right")]
        )

    def _segment(self, scores: Ints) -> Ints:
        """Position of the first rule's segment by recency, frequency and monetary score, shape (3, n); 0: not scored."""
        assert self.rules is not None
        grid = np.full((SCORES + 1,) * 3, -1)
        for segment, *limits in self.rules[["segment", *_LIMITS]].iloc[::-1].itertuples(index=False):
            low, high = np.clip(np.ceil(limits[::2]), 0, None), np.clip(np.floor(limits[1::2]), -1, None)
            box = tuple(slice(int(a), int(b) + 1) for a, b in zip(low, high, strict=True))
            grid[box] = self.names.index(segment)
        segment = grid[tuple(scores)]
        without = (segment < 0) & (scores[0] > 0)
        if without.any():
            raise ParameterError(
                "The rules have no row for some scores.",
                where=f"R, F, M = {np.unique(scores[:, without], axis=1).T[:3].tolist()}",
                hint="Add a last row 1–5.",
            )
        return segment

    def only_seen(self, code: Ints) -> tuple[tuple[str, ...], Ints]:
        """The names that occur, in order, and the positions in them; −1 stays."""
        counts = np.bincount(code[code >= 0], minlength=len(self.names))
        position = np.append(np.cumsum(counts > 0) - 1, -1)
        return tuple(name for name, n in zip(self.names, counts, strict=True) if n), position[code]

    def require_rows(self, found: bool, ledger: Ledger) -> None:
        """Raise :class:`~kam.errors.EmptyDataError` unless there is anything."""
        if not found:
            full = f" with a full window of {self.window}" if self.n_unknown else ""
            raise EmptyDataError(
                f"Nobody bought anything in a complete {self.freq}{full}.",
                where=ledger.description,
                hint="Use a shorter window, or more data." if self.n_unknown else "Look at the audit of the ledger.",
            )


def sum_by_period(ledger: Ledger, periods: PeriodRange) -> ir.Table:
    """What :func:`kam.ledger.activity_panel` says, as an expression over the rollup; periods by number.

    ``customer`` (its number in the rollup), ``t``, ``first`` (the period of its first purchase), ``n_months`` (rows of the
    rollup), ``revenue``, ``n_orders``, ``cost`` where the ledger has it.
    """
    months = periods.number(ledger.rollup.months)
    money = {"revenue": months.gross - months.returns, **({"cost": months.cost} if "cost" in months.columns else {})}
    if periods.step == 1:  # an order that spans months counts once in each
        return months.select("customer", "t", "first", "n_orders", n_months=ibis.literal(1, "int64"), **money)
    sums = months.group_by("customer", "t").agg(
        first=months["first"].min(),
        n_months=months.count(),
        n_all=months.n_orders.sum(),
        **{name: column.sum() for name, column in money.items()},
    )
    spanning = ledger.rollup.spanning.inner_join(months, ["customer_id", "month"])
    orders = spanning.group_by("customer", "order_id", "t").agg(n=_.count() - 1)
    repeats = orders.group_by("customer", "t").agg(n_repeats=_.n.sum())
    joined = sums.left_join(repeats, ["customer", "t"])
    return joined.select(
        "customer", "t", "first", "n_months", *money, n_orders=joined.n_all - joined.n_repeats.fill_null(0)
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_whole(name: str, number: object, *, at_least: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < at_least:
        raise ParameterError(f"{name} is {number!r}.", hint=f"Give a whole number of periods, at least {at_least}.")
    return int(number)


def _check_cuts(cuts: Sequence[float]) -> tuple[float, float]:
    try:
        upper, lower = (float(cut) for cut in cuts)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"The cuts are {cuts!r}.", hint="Give two sums of money, the larger first.") from error
    if not (np.isfinite([upper, lower]).all() and upper >= lower):
        raise ParameterError(f"The cuts {upper:g} and {lower:g} do not descend.", hint="Give the larger first.")
    return upper, lower


def _check_rules(rules: pd.DataFrame | None) -> pd.DataFrame:
    if rules is None:
        raise ParameterError("The states rfm need rules.", hint="Give a table such as kam.identify.SEGMENTS.")
    missing = [name for name in ("segment", *_LIMITS) if name not in rules.columns]
    if missing:
        raise MissingColumnError(f"The rules lack {', '.join(missing)}.", where=f"columns {list(rules.columns)}")
    if rules[["segment", *_LIMITS]].isna().any(axis=None):
        raise ParameterError("A segment or a score of the rules is missing.", hint="Fill in every cell.")
    if (rules["segment"] == LOST).any():
        raise ParameterError(
            f"The rules name a segment {LOST!r}.", hint="Call it something else: so is the last state."
        )
    return rules.reset_index(drop=True)


def _pull(table: ir.Table) -> dict[str, Any]:
    """The columns as arrays, by customer and period; money as the nearest floats."""
    values = {"revenue": table.revenue.cast("float64")}
    if "cost" in table.columns:
        values["margin"] = (table.revenue - table.cost).cast("float64")
    names = [name for name in table.columns if name not in ("cost", *values)]
    pulled = table.select(*names, **values).to_pyarrow()
    customer, t = (pulled[name].to_numpy().astype(np.int64) for name in ("customer", "t"))
    order = np.argsort(customer * (t.max(initial=0) + 1) + t)
    arrays = {name: pulled[name].to_numpy()[order] for name in pulled.column_names}
    return arrays | {"customer": customer[order], "t": t[order]}


def _name_customers(ledger: Ledger, customer: Ints) -> tuple[Ints, pd.Index]:
    """Customers numbered anew without those that are missing, and their identifiers in that order."""
    known = ledger.rollup.months.select("customer", "customer_id").distinct().order_by("customer").to_pandas()
    present = np.zeros(len(known), dtype=bool)
    present[customer] = True
    return (np.cumsum(present) - 1)[customer], pd.Index(known.loc[present, "customer_id"], name=None)


def _left_out(
    ledger: Ledger, periods: PeriodRange, table: Mapping[str, Any], is_in: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    """Rows of the rollup that are in no row of the panel, by reason."""
    months = ledger.rollup.months
    outside = months.agg(
        after=periods.after(months.month).sum(), before=periods.before(months.month).sum()
    ).to_pyarrow()
    counts = {LEFT_OUT[0]: outside["after"][0].as_py(), LEFT_OUT[1]: outside["before"][0].as_py()}
    customer, t, bought = table["customer"], table["t"], table["n_orders"] > 0
    first = np.full(customer.max(initial=-1) + 1, periods.n)
    np.minimum.at(first, customer[bought], t[bought])
    first = first[customer]
    reasons = (first <= t, (t < first) & (first < periods.n), first == periods.n)
    for term, hit in zip(LEFT_OUT[2:], reasons, strict=True):
        counts[term] = table["n_months"][hit & ~is_in].sum()
    return pd.DataFrame({"term": list(counts), "n_cases": [int(n) for n in counts.values()]})
