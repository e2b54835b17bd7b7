"""How fast are customers resampled? ``python -m benchmarks.markov_bootstrap [customers]``.

100,000 customers, 36 months, 5 states. Every resample counts transitions, customer-periods and money again. Beside it the
obvious way, which draws customers, gathers their rows and counts (10 resamples, scaled up). Medians of three. Goal: 1,000
resamples within 3 seconds.
"""
# ruff: noqa: T201

from __future__ import annotations

import sys
from statistics import median
from time import perf_counter

import numpy as np

from kam.churn.estimation import bootstrap_cells
from kam.churn.sequences import read_sequences
from tests.churn.worlds import simulate

N_RESAMPLES, N_NAIVE, N_PERIODS = 1000, 10, 36
STATES = ("A", "B", "C", "silent", "lost")


def main(n_customers: int) -> None:
    """Print seconds for 1,000 resamples, and the ratio."""
    rng = np.random.default_rng(1)
    p = 0.7 * np.eye(5) + 0.3 * rng.dirichlet(np.ones(5), size=5)
    money = np.array([100.0, 40, 10, 0, 0])
    panel = simulate(1, p=p, n_customers=n_customers, n_periods=N_PERIODS, states=STATES, money=money)
    sequences = read_sequences(panel, money="revenue")
    state, amount = sequences.state.reshape(-1, N_PERIODS), panel["revenue"].to_numpy().reshape(-1, N_PERIODS)

    def ours() -> None:
        bootstrap_cells(sequences, n_resamples=N_RESAMPLES, seed=1)

    def naive() -> None:
        for _ in range(N_NAIVE):
            drawn = rng.integers(n_customers, size=n_customers)
            rows, sums = state[drawn], amount[drawn]
            np.bincount((rows[:, :-1] * 5 + rows[:, 1:]).ravel(), minlength=25)
            np.bincount(rows.ravel(), minlength=5)
            np.bincount(rows.ravel(), weights=sums.ravel(), minlength=5)

    seconds: dict[str, list[float]] = {"kam": [], "naive": []}
    for _ in range(3):
        for name, work, scale in (("kam", ours, 1), ("naive", naive, N_RESAMPLES / N_NAIVE)):
            start = perf_counter()
            work()
            seconds[name].append((perf_counter() - start) * scale)
    kam, other = median(seconds["kam"]), median(seconds["naive"])
    print(
        f"{n_customers:,} customers, {N_RESAMPLES:,} resamples: kam {kam:.2f} s, naive {other:.1f} s, ratio {kam / other:.3f}"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
