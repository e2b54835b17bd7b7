"""How many customers were in each state, period by period, and what was known of it at past origins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kam.churn.entrants import expect_one_ahead
from kam.churn.estimation import count_cells, count_states, sum_by
from kam.churn.periods import Calendar
from kam.churn.sequences import Sequences
from kam.errors import ParameterError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MIN_ORIGINS = 3
"""A back-test of fewer origins says nothing."""
FIRST_ORIGIN = 3
"""Three tables of transitions, so that how much they vary can be estimated at the first origin."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MixHistory(Calendar):
    """A panel as counts by period; what was known at the end of period o is ``tables[:o]``, ``mix[:o + 1]``.

    Attributes
    ----------
    states : tuple of str
    tables : numpy.ndarray
        Transitions by the period that is left, shape (T, S, S).
    mix : numpy.ndarray
        Customers in each state by period, shape (T, S).
    entered : numpy.ndarray
        Customers seen for the first time, shape (T, S); those of the first period are not new.
    one_ahead : numpy.ndarray
        New customers that the rule expected one period before, shape (T,).
    alive : numpy.ndarray of bool
        States that are not lost, shape (S,).
    """

    states: tuple[str, ...]
    tables: Ints
    mix: Ints
    entered: Ints
    one_ahead: Floats
    alive: Bools

    @property
    def last(self) -> int:
        """The last period."""
        return len(self.mix) - 1

    def can_pool(self, origin: int) -> bool:
        """Every state that anybody was in has a row of probabilities; who is lost, and was never followed, stays so."""
        left, seen = self.tables[:origin].sum(axis=(0, 2)) > 0, self.mix[: origin + 1].sum(axis=0) > 0
        return bool((left | ~seen | ~self.alive).all())

    def can_cycle(self, origin: int) -> bool:
        """Every season has transitions in two years, and every state that anybody was in a row in every season."""
        if self.n_seasons == 1 or not self.can_pool(origin):
            return False
        known, season = self.tables[:origin], self.season[:origin]
        years = np.bincount(season[known.sum(axis=(1, 2)) > 0], minlength=self.n_seasons)
        counts = sum_by(known, season, self.n_seasons)
        used = self.mix[: origin + 1].sum(axis=0) > 0
        return bool((years >= 2).all() and (counts.sum(axis=2)[:, used] > 0).all())


def read_history(sequences: Sequences, lost: str | None) -> MixHistory:
    """Count what sequences show; ``lost`` names the lost state."""
    entered = count_states(sequences, np.append(True, sequences.customer[1:] != sequences.customer[:-1]))
    alive = np.ones(len(sequences.states), dtype=bool)
    if lost is not None:
        alive[sequences.index(lost)] = False
    return MixHistory(
        periods=sequences.periods,
        freq=sequences.freq,
        states=sequences.states,
        tables=count_cells(sequences),
        mix=count_states(sequences),
        entered=entered,
        one_ahead=expect_one_ahead(entered, sequences.season, sequences.n_seasons),
        alive=alive,
    )


def follow_customers(sequences: Sequences, origins: Ints, horizon: int) -> Ints:
    """Customers in state i at an origin and in j so many periods later, shape (T, horizon, S, S); 0 where not asked for."""
    n, n_periods = len(sequences.states), len(sequences.periods)
    panel = np.full((n_periods, len(sequences.customers)), n, dtype=np.int32)
    panel[sequences.period, sequences.customer] = sequences.state
    pairs = np.zeros((n_periods, horizon, n, n), dtype=np.int64)
    for o in origins:
        begin = panel[o] * (n + 1)
        for h in range(1, min(horizon, n_periods - 1 - o) + 1):
            both = np.bincount(begin + panel[o + h], minlength=(n + 1) ** 2).reshape(n + 1, n + 1)
            pairs[o, h - 1] = both[:n, :n]
    return pairs


def past_origins(history: MixHistory, n_origins: int | None) -> Ints:
    """The last periods from which one period ahead can be checked; by default as many as a third of the periods, at least 3."""
    possible = np.arange(FIRST_ORIGIN, history.last)
    if n_origins is None:
        return possible[-max(MIN_ORIGINS, len(history.mix) // 3) :]
    if not 1 <= n_origins <= len(possible):
        raise ParameterError(
            f"A back-test from {n_origins} origins was asked for.",
            where=f"{len(history.mix)} periods",
            hint=f"At most {len(possible)} are possible; by default there are as many as a third of the periods.",
        )
    return possible[-n_origins:]


def with_years_before(history: MixHistory, origins: Ints) -> Ints:
    """The origins, and those whole years before them."""
    if not len(origins) or history.n_seasons == 1:
        return origins
    years = origins[:, None] - history.n_seasons * np.arange(history.last // history.n_seasons + 1)
    return np.unique(years[years >= 0])
