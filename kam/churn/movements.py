"""What moved at an account before a day: each measure in the window before it against the account's own earlier level.

All measures are turned so that a larger score is worse. How surprising a change is against the account's own level is a one-sided
mid-p value of an exact conditional test (shares, counts) or of a normal one (money); nothing here says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from kam.churn.timelines import History, Window
from kam.wording import N_

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

HANDOVER_DAYS = 183
"""A handover is looked for in the half year before the end of the window."""
MIN_DAYS = 3
"""A share of fewer deliveries, or an interval from fewer purchase days, says nothing."""
MIN_SPREAD = 0.001
"""Discounts of one account are taken to differ by at least this from order to order."""
GIVEN_UP = 0.05
"""A product group is given up when buying it none of the time would be this rare at the earlier habit."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Spans:
    """Windows of accounts: the window is the days from ``middle`` to before ``end``, the level those from ``start`` to before
    ``middle``; arrays of shape (n,).
    """

    account: Ints
    start: Ints
    middle: Ints
    end: Ints

    @property
    def share(self) -> Floats:
        """Length of the window over that of window and level."""
        return np.asarray((self.end - self.middle) / (self.end - self.start))

    @property
    def ratio(self) -> Floats:
        """Length of the window over that of the level."""
        return np.asarray((self.end - self.middle) / (self.middle - self.start))


@dataclass(frozen=True, eq=False)
class Change:
    """One measure at every account; arrays of shape (n,), missing where it is not known.

    Attributes
    ----------
    before, level : numpy.ndarray
        In the window, and what was usual: in the level, counts and money brought to the length of the window.
    score : numpy.ndarray
        Standardized change, larger is worse; missing where the measure is not known.
    p_value : numpy.ndarray
        How often chance alone would change it as much for the worse, against the account's own level.
    """

    before: Floats
    level: Floats
    score: Floats
    p_value: Floats


@dataclass(frozen=True)
class Measure:
    """A thing to look at: its name, unit, where it is known from, and how it is measured; without data, why not."""

    term: str
    unit: str
    source: str
    take: Callable[[History, Spans], Change]
    is_there: Callable[[History], bool]
    without: str


def _masked(known: Flags, *arrays: Floats) -> Change:
    before, level, score, p_value = (np.where(known, a, np.nan) for a in arrays)
    return Change(before, level, score, p_value)


def share_risen(late: Floats, n: Floats, late_before: Floats, n_before: Floats) -> tuple[Floats, Floats]:
    """Standardized rise of a share from the level to the window, and its mid-p value.

    The p-value is that of Fisher's exact test against a smaller or equal share, with half the probability of what was seen
    (Lancaster 1961).

    >>> score, p = share_risen(np.array([4.0]), np.array([5.0]), np.array([1.0]), np.array([10.0]))
    >>> round(float(p[0]), 4)
    0.0087
    """
    total, hits = n + n_before, late + late_before
    pooled = (hits + 0.5) / (total + 1)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / np.maximum(n, 1) + 1 / np.maximum(n_before, 1)))
    score = (late / np.maximum(n, 1) - late_before / np.maximum(n_before, 1)) / spread
    drawn = stats.hypergeom(np.maximum(total, 1), hits, n)
    return score, drawn.sf(late) + 0.5 * drawn.pmf(late)


def count_risen(n: Floats, n_before: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Standardized rise of a rate of events, and its mid-p value given how many there are in all.

    Given ``n + n_before`` events at an unchanged rate, those in the window are binomial with probability ``share``, its part of
    the time (Przyborowski & Wilenski 1940).

    >>> score, p = count_risen(np.array([3.0]), np.array([0.0]), np.array([0.25]))
    >>> round(float(p[0]), 4)
    0.0078
    """
    total = n + n_before
    score = (n - total * share) / np.sqrt(total * share * (1 - share) + 0.25)
    high = np.minimum(n, np.maximum(total - 1, 0)).astype(np.int64)
    above = np.where(n < total, special.bdtrc(high, np.maximum(total, 1).astype(np.int64), share), 0.0)
    return score, above + 0.5 * np.exp(stats.binom.logpmf(n, total, share))


def _late(history: History, at: Spans) -> Change:
    assert history.deliveries is not None
    now, then = _windows(history.deliveries.between, at)
    n, n_then = now.sum("n"), then.sum("n")
    late, late_then = now.sum("late"), then.sum("late")
    score, p_value = share_risen(late, n, late_then, n_then)
    known = (n >= MIN_DAYS) & (n_then >= MIN_DAYS)
    return _masked(known, late / np.maximum(n, 1), late_then / np.maximum(n_then, 1), score, p_value)


def _complaints(history: History, at: Spans) -> Change:
    n, usual, score, p_value = _events(history, at, N_("complaints"))
    return _masked(np.ones(len(n), dtype=bool), n, usual, score, p_value)


def _contacts(history: History, at: Spans) -> Change:
    now, then = _windows(history.events["contacts"].between, at)
    n, n_then = now.n.astype(float), then.n.astype(float)
    score, p_value = count_risen(n_then, n, 1 - at.share)  # fewer in the window is more in the level
    return _masked(n_then > 0, n, n_then * at.ratio, score, p_value)


def _events(history: History, at: Spans, kind: str) -> tuple[Floats, Floats, Floats, Floats]:
    now, then = _windows(history.events[kind].between, at)
    n, n_then = now.n.astype(float), then.n.astype(float)
    return n, n_then * at.ratio, *count_risen(n, n_then, at.share)


def _spend(history: History, at: Spans) -> Change:
    now, then = _windows(history.purchases.between, at)
    gross, usual = now.sum("gross"), then.sum("gross") * at.ratio
    spread = np.sqrt(now.sum("squares") + then.sum("squares") * at.ratio**2)
    score = (usual - gross) / np.where(spread > 0, spread, 1.0)
    return _masked((then.n >= MIN_DAYS) & (spread > 0), gross, usual, score, special.ndtr(-score))


def _interval(history: History, at: Spans) -> Change:
    now, then = _windows(history.purchases.between, at)
    n, n_then = now.n.astype(float), then.n.astype(float)
    score, p_value = count_risen(n_then, n, 1 - at.share)
    days = (at.end - at.middle) / np.maximum(n, 1)
    return _masked(
        (n >= 1) & (n_then >= MIN_DAYS), days, (at.middle - at.start) / np.maximum(n_then, 1), score, p_value
    )


def _returns(history: History, at: Spans) -> Change:
    now, then = _windows(history.credits.between, at)
    bought, bought_then = _windows(history.purchases.between, at)
    gross, gross_then = bought.sum("gross"), bought_then.sum("gross")
    share = now.sum(N_("returns")) / np.where(gross > 0, gross, 1.0)
    usual = then.sum(N_("returns")) / np.where(gross_then > 0, gross_then, 1.0)
    # The test is on days with credit notes among purchase days: amounts of a few credit notes have no spread of their own.
    n, n_then = bought.n.astype(float), bought_then.n.astype(float)
    score, p_value = share_risen(np.minimum(now.n, n), n, np.minimum(then.n, n_then), n_then)
    known = (n >= MIN_DAYS) & (n_then >= MIN_DAYS) & (gross > 0) & (gross_then > 0)
    worse = share > usual
    return _masked(known, share, usual, np.where(worse, score, np.minimum(score, 0.0)), np.where(worse, p_value, 1.0))


def _discount(history: History, at: Spans) -> Change:
    now, then = _windows(history.purchases.between, at)
    listed, listed_then = now.sum("listed"), then.sum("listed")
    known = (now.n >= MIN_DAYS) & (then.n >= MIN_DAYS) & (listed > 0) & (listed_then > 0)
    one, one_then = np.where(known, listed, 1.0), np.where(known, listed_then, 1.0)
    share, usual = now.sum(N_("discount")) / one, then.sum(N_("discount")) / one_then
    both = one + one_then
    mean = (share * one + usual * one_then) / both
    spread = np.maximum((now.sum("discount_squares") + then.sum("discount_squares")) / both - mean**2, MIN_SPREAD**2)
    weight = now.sum("listed_squares") / one**2 + then.sum("listed_squares") / one_then**2
    score = (usual - share) / np.sqrt(spread * np.maximum(weight, 1e-12))
    return _masked(known, share, usual, score, special.ndtr(-score))


def _groups(history: History, at: Spans) -> Change:
    given, regular, surprise, p_value = np.zeros((4, len(at.account)))
    p_value[:] = 1.0
    n, n_then = (window.n for window in _windows(history.purchases.between, at))
    for absent, habit in _absent(history, at, n, n_then):
        p_absent = np.where(habit > 0, np.power(1 - np.minimum(habit, 1 - 1e-9), n), 1.0)
        regular += habit > 0
        given += absent & (p_absent <= GIVEN_UP)
        surprise -= np.where(absent, np.log(p_absent), 0.0)
        p_value = np.where(absent, np.minimum(p_value, p_absent), p_value)
    return _masked(
        (n >= MIN_DAYS) & (regular > 0),
        regular - given,
        regular,
        surprise,
        np.minimum(p_value * np.maximum(regular, 1), 1.0),
    )


def groups_given_up(history: History, at: Spans) -> list[list[str]]:
    """Names of the product groups that each account gave up, the most usual first."""
    n, n_then = (window.n for window in _windows(history.purchases.between, at))
    found: list[list[tuple[float, str]]] = [[] for _ in at.account]
    for name, (absent, habit) in zip(history.groups, _absent(history, at, n, n_then), strict=True):
        for i in np.flatnonzero(absent & (np.power(1 - np.minimum(habit, 1 - 1e-9), n) <= GIVEN_UP)):
            found[i].append((-float(habit[i]), name))
    return [[name for _, name in sorted(pairs)] for pairs in found]


def _absent(history: History, at: Spans, n: Ints, n_then: Ints) -> list[tuple[Flags, Floats]]:
    """By group: whether it was bought on at least two days of the level and on none of the window, and on which share of the
    purchase days of the level it was bought (0 below two).
    """
    assert history.bought is not None
    found = []
    for g in range(len(history.groups)):
        key = at.account * len(history.groups) + g
        then = history.bought.between(key, at.start, at.middle).n
        now = history.bought.between(key, at.middle, at.end).n
        habit = np.where(then >= 2, then / np.maximum(n_then, 1), 0.0)
        found.append(((now == 0) & (habit > 0) & (n > 0), habit))
    return found


def _handover(history: History, at: Spans) -> Change:
    window = history.events["handovers"].between(at.account, at.end - HANDOVER_DAYS, at.end)
    happened = (window.n > 0).astype(float)
    return Change(happened, np.zeros(len(happened)), happened, np.where(happened > 0, 0.0, 1.0))


def _windows(between: Callable[..., Window], at: Spans) -> tuple[Window, Window]:
    return between(at.account, at.middle, at.end), between(at.account, at.start, at.middle)


MEASURES = (
    Measure(
        N_("late deliveries"),
        N_("share of deliveries"),
        N_("ledger"),
        _late,
        lambda h: h.deliveries is not None,
        N_("the ledger has no promised and delivered dates"),
    ),
    Measure(
        N_("complaints"),
        N_("number"),
        N_("events"),
        _complaints,
        lambda h: "complaints" in h.events,
        N_("no complaint is logged"),
    ),
    Measure(N_("spend"), N_("money"), N_("ledger"), _spend, lambda h: True, ""),
    Measure(N_("order interval"), N_("days"), N_("ledger"), _interval, lambda h: True, ""),
    Measure(
        N_("returns"),
        N_("share of gross revenue"),
        N_("ledger"),
        _returns,
        lambda h: bool(len(h.credits.key)),
        N_("the ledger has no credit notes of these accounts"),
    ),
    Measure(
        N_("product groups bought"),
        N_("number"),
        N_("ledger"),
        _groups,
        lambda h: h.bought is not None,
        N_("the ledger names no product groups, or one"),
    ),
    Measure(
        N_("discount"),
        N_("share of list price"),
        N_("ledger"),
        _discount,
        lambda h: "discount" in h.purchases.running,
        N_("the ledger has no discounts"),
    ),
    Measure(
        N_("manager handover"),
        N_("yes or no"),
        N_("events or accounts"),
        _handover,
        lambda h: "handovers" in h.events,
        N_("no handover is logged, and accounts have no manager_since"),
    ),
    Measure(
        N_("contacts"),
        N_("number"),
        N_("events"),
        _contacts,
        lambda h: "contacts" in h.events,
        N_("no contact or visit is logged"),
    ),
)
"""All that a post-mortem looks at, in this order."""
