"""How many customers will be in each state: expected numbers, and draws that hold what is not known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kam.churn.entrants import entrants_variance, expect_entrants
from kam.churn.mix_history import MixHistory
from kam.churn.varying_chain import VaryingChain, draw_matrices
from kam.wording import N_

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ALL, PRESENT, ACTIVE = N_("all"), N_("present"), N_("active")
"""Whose numbers: all customers, today's, and those of today who are not lost."""
GROUPS: dict[str, list[int]] = {ALL: [0, 1, 2], PRESENT: [0, 1], ACTIVE: [0]}
"""Which groups of customers make a scope: not lost today, lost today, new."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Future:
    """The seasons of the H periods that are left from an origin on, and who enters: means (H, S), variances relative to them."""

    season: Ints
    entrants: Floats
    by_season: bool
    variance: float
    variance_lasting: float


def look_ahead(history: MixHistory, origin: int, horizon: int) -> Future:
    """The periods after an origin, by what was known then."""
    entrants, by_season = expect_entrants(history.entered[: origin + 1], history.season, history.n_seasons, horizon)
    variance, lasting = entrants_variance(history.entered[: origin + 1], history.one_ahead, history.n_seasons)
    return Future(
        season=(history.season[origin] + np.arange(horizon)) % history.n_seasons,
        entrants=entrants,
        by_season=by_season,
        variance=variance,
        variance_lasting=lasting,
    )


def expect_numbers(chain: VaryingChain, starts: Ints, future: Future) -> Floats:
    """Expected numbers (H, K, S) of K groups of customers; new ones join the last group."""
    numbers = starts.astype(float)
    path = np.empty((len(future.season), *numbers.shape))
    for h, season in enumerate(future.season):
        numbers = numbers @ chain.p[season % len(chain.p)]
        numbers[-1] += future.entrants[h]
        path[h] = numbers
    return path


def draw_numbers(
    rng: np.random.Generator, chain: VaryingChain, starts: Ints, future: Future, n_draws: int
) -> tuple[Ints, Ints]:
    """Draws (B, H, K, S) of the numbers, and (B, H) of the new customers; everything that the interval holds is in them."""
    horizon = len(future.season)
    lasting = _gamma_of_mean_one(rng, future.variance_lasting, (n_draws, 1))
    passing = _gamma_of_mean_one(rng, future.variance - future.variance_lasting, (n_draws, horizon))
    entrants = rng.poisson(future.entrants * (lasting * passing)[:, :, None])
    p = draw_matrices(rng, chain, future.season, n_draws)
    numbers = np.broadcast_to(starts, (n_draws, *starts.shape))
    path = np.empty((n_draws, horizon, *starts.shape), dtype=np.int64)
    for h in range(horizon):
        numbers = rng.multinomial(numbers, p[:, h, None]).sum(axis=-2)
        numbers[:, -1] += entrants[:, h]
        path[:, h] = numbers
    return path, entrants.sum(axis=2)


def prediction_limits(draws: npt.ArrayLike, level: float) -> tuple[Floats, Floats]:
    """Whole numbers between which the level lies, over the first axis."""
    tail = round((1 - level) / 2, 12)
    low, high = np.quantile(np.asarray(draws), [tail, 1 - tail], axis=0)
    return np.floor(low), np.ceil(high)


def _gamma_of_mean_one(rng: np.random.Generator, variance: float, shape: tuple[int, int]) -> Floats:
    return rng.gamma(1 / variance, variance, shape) if variance > 1e-12 else np.ones(shape)
