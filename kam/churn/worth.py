"""By how much an assumption matters: one number per customer of today, under one chain and under another."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kam.churn.chain import can_reach, discounted_value, n_step, periods_to_loss
from kam.churn.estimation import estimate, ratio
from kam.churn.periods import PERIODS_A_YEAR
from kam.churn.sequences import Sequences
from kam.errors import ParameterError

Floats = npt.NDArray[np.float64]


def rate_per_period(discount_rate: float, freq: str) -> float:
    """Discount rate per period from one a year: (1 + d)^(1 / periods a year) − 1; numbered periods are their own year.

    Raises
    ------
    ParameterError
        The rate is negative or no number.

    Examples
    --------
    >>> round(rate_per_period(0.1, "quarter"), 5), rate_per_period(0.2, "period")
    (0.02411, 0.2)
    """
    if not (np.isfinite(discount_rate) and discount_rate >= 0):
        raise ParameterError(f"discount_rate is {discount_rate}.", hint="Give a rate a year of 0 or more, such as 0.1.")
    n = PERIODS_A_YEAR[freq]
    return float((1 + discount_rate) ** (1 / n) - 1) if n > 1 else float(discount_rate)


@dataclass(frozen=True, eq=False, kw_only=True)
class Worth:
    """What is compared: value per customer where money is known, else expected periods to loss, else the mix after a year.

    Attributes
    ----------
    mix : numpy.ndarray
        Customers in each state now, shape (S,).
    rewards : numpy.ndarray or None
        Money per period, shape (S,).
    lost : int or None
        Index of the lost state.
    discount : float
        Per period; where it is 0 value is taken over ten years.
    n_seasons : int
        Periods in a year.
    """

    mix: Floats
    rewards: Floats | None
    lost: int | None
    discount: float
    n_seasons: int

    @property
    def unit(self) -> str:
        """``money``, ``periods`` or ``share``."""
        return "money" if self.rewards is not None else "share" if self.lost is None else "periods"

    def of(self, p: Floats, *, season: int = 0) -> float:
        """Worth of one customer of today under a chain (C, S, S); missing where a loss cannot be reached."""
        states = np.arange(p.shape[-1])
        return self._of(p, states, self.mix, season, lost=self.lost)

    def of_second_order(self, triples: npt.ArrayLike, p: Floats, pairs: Floats) -> float:
        """Worth when the next state depends on the last two.

        Parameters
        ----------
        triples : array_like
            Counts of (before, now, next), shape (S, S, S); a pair never seen moves as ``p`` says.
        p : numpy.ndarray
            First-order probabilities, shape (S, S).
        pairs : numpy.ndarray
            Customers of today by (before, now), shape (S, S).
        """
        n_states = len(p)
        counts = np.asarray(triples, dtype=float)
        total = counts.sum(axis=2, keepdims=True)
        rows = np.where(total > 0, ratio(counts, total), p)
        before, now = (index.ravel() for index in np.indices((n_states, n_states)))
        chain = np.zeros((n_states**2, n_states**2))
        for j in range(n_states):  # (before, now) → (now, j)
            chain[np.arange(n_states**2), now * n_states + j] = rows[before, now, j]
        lost = None
        if self.lost is not None and (self.rewards is None or p[self.lost, self.lost] == 1):
            gone = now == self.lost
            chain[gone] = 0  # only the first loss counts: lost is one state, whatever was before
            lost = int(self.lost * n_states + self.lost)
            for j in range(n_states):
                chain[gone, self.lost * n_states + j] = p[self.lost, j]
            into = chain[:, gone].sum(axis=1)
            chain[:, gone] = 0
            chain[:, lost] = into
        return self._of(chain[None], now, pairs.ravel(), 0, lost=lost)

    def _of(self, p: Floats, state: npt.NDArray[np.int64], mix: Floats, season: int, *, lost: int | None) -> float:
        share = mix / mix.sum()
        if self.rewards is not None:
            r = np.broadcast_to(self.rewards[state], p.shape[:-1])
            horizon = 10 * self.n_seasons if self.discount == 0 else None
            value = discounted_value(p, r, self.discount, horizon=horizon) - r
            return float(value[season] @ share)
        if lost is None:
            return float((share @ n_step(p, self.n_seasons, season=season))[state == 0].sum())
        alive = state != self.lost
        seen = can_reach(p, lost) | (share == 0) | ~alive
        if not seen.all() or share[alive].sum() == 0:
            return float("nan")
        reachable = can_reach(p, lost)
        closed = p.copy()
        closed[:, ~reachable] = 0
        closed[:, ~reachable, lost] = 1
        return float(periods_to_loss(closed, lost)[season][alive] @ share[alive] / share[alive].sum())


def pairs_now(sequences: Sequences) -> Floats:
    """Customers of the last period by (state before, state now), shape (S, S).

    Who was not seen before is spread over the states before as the others in the same state are.
    """
    n, last = len(sequences.states), len(sequences.periods) - 1
    counts = np.zeros((n, n))
    moves = sequences.moves[sequences.period[sequences.moves] == last - 1]
    np.add.at(counts, (sequences.state[moves], sequences.state[moves + 1]), 1)
    now = np.bincount(sequences.state[sequences.period == last], minlength=n)
    known = counts.sum(axis=0)
    before = np.where(known > 0, counts / np.where(known > 0, known, 1), np.eye(n))
    return np.asarray(counts + before * (now - known))


def segment_worth(worth: Worth, p: Floats, mixes: Floats) -> Floats:
    """Worth of one customer of today in each segment, under its own matrix: ``p`` (G, S, S), ``mixes`` (G, S)."""
    return np.array([replace(worth, mix=mix).of(own[None]) for own, mix in zip(p, mixes, strict=True)])


def recent_matrix(tables: npt.ArrayLike, n_periods: int, fallback: Floats) -> Floats:
    """Probabilities of the last ``n_periods`` tables (T, S, S); a state not left then moves as the fallback says."""
    counts = np.asarray(tables, dtype=float)[-n_periods:].sum(axis=0)
    empty = counts.sum(axis=1) == 0
    return estimate(np.where(empty[:, None], fallback, counts))
