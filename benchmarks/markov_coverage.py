"""Do the intervals of the Markov chain hold the truth? ``python -m benchmarks.markov_coverage [simulations per world]``.

In every world customers move by a known chain and bring money at a known mean; each world is simulated 1,000 times at 100, 500
and 5,000 customers, over 24 months or 20 quarters, and fitted. Shown is how often each 95 % interval holds the truth, in percent:
of the probabilities pointwise (the mean over all cells, and the worst one), of all of them jointly (Goodman), over customers
(bootstrap), of the expected time to loss, of the value of an account (chain and money estimated), and of the portfolio of the
accounts as they are at the end. Aim: 93 to 97.
"""
# ruff: noqa: T201

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import perf_counter

import numpy as np
import numpy.typing as npt

from kam.churn import customer_value, fit_markov_churn
from kam.churn.chain import discounted_value, periods_to_loss
from kam.churn.worth import rate_per_period
from tests.churn.worlds import MONEY, TRUTH, simulate

Floats = npt.NDArray[np.float64]

SIZES = (100, 500, 5000)
RATE, HORIZON = 0.1, 24
COLUMNS = ("cells", "worst", "joint", "boot", "time", "value", "portf.")


@dataclass(frozen=True)
class World:
    """A truth: probabilities (C, S, S), the length of its periods, and how much customers differ in money."""

    name: str
    p: Floats
    freq: str
    n_periods: int
    level: float


def _absorbing() -> Floats:
    p = TRUTH.copy()
    p[2] = [0, 0, 1]
    return p[None]


def _seasonal() -> Floats:
    return np.array([[[q, 0.9 - q, 0.1], [0.3, 0.5, 0.2], [0.05, 0.05, 0.9]] for q in (0.8, 0.7, 0.3, 0.75)])


WORLDS = (
    World("lost is the end", _absorbing(), "MS", 24, 0.0),
    World("lost customers come back", TRUTH[None], "MS", 24, 0.0),
    World("customers differ in money", TRUTH[None], "MS", 24, 0.7),
    World("seasons, one matrix each", _seasonal(), "QS", 20, 0.0),
)


def try_once(world: World, n_customers: int, seed: int) -> Floats:
    """Which intervals of one simulation hold the truth: one number per column, the worst cell kept apart."""
    panel = simulate(
        seed, p=world.p, n_customers=n_customers, n_periods=world.n_periods, freq=world.freq, level=world.level
    )
    cyclic = len(world.p) > 1
    end = world.name == "lost is the end"
    zeros = [("lost", "A"), ("lost", "B")] if end else []
    result = fit_markov_churn(
        panel,
        chain="cyclic" if cyclic else "pooled",
        structural_zeros=zeros,
        discount_rate=RATE,
        n_resamples=499,
        seed=seed,
    )
    value = customer_value(result, None, discount_rate=RATE, horizon=HORIZON, n_paths=100, seed=seed).states
    truth = discounted_value(world.p, MONEY, rate_per_period(RATE, result.freq), horizon=HORIZON)[result.season_now]
    times = periods_to_loss(world.p, 2)[result.season_now]
    draws, _ = result.draws()
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    boot = ((low <= world.p) & (world.p <= high))[..., :2, :]
    loss = ((result.states["loss_low"] <= times) & (times <= result.states["loss_high"]))[:2]
    worth = ((value["ci_low"] <= truth) & (truth <= value["ci_high"]))[:2]
    total = (value["n_customers"] * truth).sum()
    portfolio = _portfolio(result, value["n_customers"].to_numpy())
    t, p = result.cycle if cyclic else result.transitions, world.p.ravel()
    free = (p > 0) & (p < 1)
    cells = np.where(free, (t["ci_low"] <= p) & (p <= t["ci_high"]), np.nan)
    joint = float(((t["joint_low"] <= p) & (p <= t["joint_high"]))[free].all())
    held = float(portfolio[0] <= total <= portfolio[1])
    return np.concatenate([[joint, boot.mean(), loss.mean(), worth.mean(), held], cells])


def _portfolio(result: object, n_customers: npt.NDArray[np.int64]) -> tuple[float, float]:
    p, r = result.draws()  # type: ignore[attr-defined]
    rate = rate_per_period(RATE, result.freq)  # type: ignore[attr-defined]
    total = discounted_value(p, r, rate, horizon=HORIZON)[:, result.season_now] @ n_customers  # type: ignore[attr-defined]
    low, high = np.quantile(total, [0.025, 0.975])
    return float(low), float(high)


def main(n_simulations: int) -> None:
    """Print one row per world and size."""
    print(f"{'':>36}" + "".join(f"{name:>8}" for name in COLUMNS) + f"{'s each':>8}", flush=True)
    with ProcessPoolExecutor(2) as pool:
        for world in WORLDS:
            for size in SIZES:
                start = perf_counter()
                outcomes = np.array(list(pool.map(partial(try_once, world, size), range(n_simulations), chunksize=5)))
                each = (perf_counter() - start) / n_simulations
                rates = 100 * outcomes.mean(axis=0)
                cells = rates[5:][np.isfinite(rates[5:])]
                row = [cells.mean(), cells[np.abs(cells - 95).argmax()], *rates[:5]]
                shown = "".join(f"{x:8.1f}" for x in row)
                print(f"{world.name:>28}{size:>8}{shown}{each:8.2f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
