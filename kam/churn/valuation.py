"""What a chain with money is worth from the next period on: the expectation, and what single customers may bring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kam.churn.chain import discounted_value
from kam.churn.credibility import Levels
from kam.churn.markov import MarkovChurnResult
from kam.errors import KamError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MAX_PERIODS = 1000
"""Without end, a path is followed until less than 0.1 % of the value is left, at most so long; the rest is its expectation."""
_REST, _TINY = 0.001, 1e-12


@dataclass(frozen=True, eq=False, kw_only=True)
class ValuedChain:
    """Probabilities (C, S, S) and rewards (C, S), and their draws (B, …)."""

    p: Floats
    rewards: Floats
    p_draws: Floats
    reward_draws: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class Price:
    """Discount per period, horizon, and the season now."""

    discount: float
    horizon: int | None
    season: int

    def ahead(self, p: Floats, rewards: Floats) -> Floats:
        """Value from the next period on, shape (..., S), for who is in the state now."""
        r = np.broadcast_to(rewards, p.shape[:-1])
        return np.asarray((discounted_value(p, r, self.discount, horizon=self.horizon) - r)[..., self.season, :])

    def endless(self, p: Floats, rewards: Floats) -> Floats | None:
        """Value without end, this period included, shape (S,); None: it has no limit."""
        try:
            value = discounted_value(p, rewards, self.discount, horizon=None)
        except KamError:
            return None
        return np.asarray(value[self.season])


def value_chain(markov: MarkovChurnResult, known: Floats | None, returns: str) -> ValuedChain:
    """The chain with its own money, or with known rewards (S,); lost customers' returns ``kept`` or ``cut``."""
    p = markov.matrix(returns=returns)
    p_draws, reward_draws = markov.draws(returns=returns)
    if known is not None:
        rewards, reward_draws = np.broadcast_to(known, p.shape[:-1]), np.broadcast_to(known, p_draws.shape[:-1])
    else:
        rewards = markov.rewards()
        if returns == "cut" and markov.lost:  # what came after a loss came with a return, or was a credit note
            alive = np.array([name != markov.lost for name in markov.names], dtype=float)
            rewards, reward_draws = rewards * alive, reward_draws * alive
    return ValuedChain(p=p, rewards=rewards, p_draws=p_draws, reward_draws=reward_draws)


def simulate_customers(
    chain: ValuedChain, price: Price, levels: Levels | None, place: Ints, n_paths: int, seed: int
) -> Floats:
    """What one customer brings from the next period on, shape (n_paths, S) by state now; ``place``: state of each customer."""
    rng = np.random.default_rng(seed)
    n_draws, n_seasons, n_states = chain.reward_draws.shape
    draw = rng.integers(n_draws, size=(n_paths, n_states))
    state = np.broadcast_to(np.arange(n_states), draw.shape)
    steps = chain.p_draws.cumsum(axis=-1)[..., :-1]
    total, factor, season = np.zeros(draw.shape), 1.0, price.season
    rest: Floats | None = None
    if price.horizon is None:
        r = chain.reward_draws
        rest = discounted_value(chain.p_draws, r, price.discount, horizon=None) - r
    enough = _REST * np.abs(rest[draw, season, state]).mean(axis=0) if rest is not None else 0.0
    for _ in range(MAX_PERIODS if price.horizon is None else price.horizon):
        state = (rng.random(draw.shape)[..., None] >= steps[draw, season, state]).sum(axis=-1)
        season = (season + 1) % n_seasons
        factor /= 1 + price.discount
        money = factor * chain.reward_draws[draw, season, state]
        total += money * rng.gamma(1 / levels.within, levels.within, draw.shape) if levels and levels.within else money
        if rest is not None and (factor * np.abs(rest[draw, season, state]).mean(axis=0) <= enough).all():
            break
    if rest is not None:
        total += factor * rest[draw, season, state]
    if levels and levels.between:
        for s in range(n_states):
            there = np.flatnonzero(place == s)
            mean, variance = np.ones(n_paths), np.full(n_paths, levels.between)
            if there.size:
                who = rng.choice(there, n_paths)
                mean, variance = levels.factor[who], levels.variance[who]
            shape = np.maximum(mean**2, _TINY) / np.maximum(variance, _TINY)
            total[:, s] *= mean * rng.gamma(shape) / shape
    return total
