"""Is the stated class stability right? ``python -m benchmarks.class_stability [companies per process]``.

For every process, companies are drawn and run once; the method sees that run alone. Then each company runs 20 times more, and
the probability that was stated for an account is set beside how often it got its class again: by deciles of the stated
probability, in points (+ overstated). Beside it the plain circular block bootstrap (blocks of three months around the observed
total). Aim: every decile within ±5 where the assumptions hold; the last block shows how far off it is where they do not.
"""
# ruff: noqa: T201

from __future__ import annotations

import sys
from collections.abc import Callable
from time import process_time

import numpy as np
import pandas as pd

from kam.identify import classify_abc_xyz
from tests.identify.ordering_processes import (
    BEYOND,
    PROCESSES,
    by_decile,
    compare_process,
    compare_sample,
    frames,
    plain_classes,
    run,
)

N_RERUNS = 20


def state_ours(summary: pd.DataFrame, panel: pd.DataFrame) -> pd.Series:
    """What kam states."""
    return classify_abc_xyz(summary, panel).customers.set_index("customer_id")["p_same_class"].sort_index()


def state_plain(summary: pd.DataFrame, panel: pd.DataFrame) -> pd.Series:
    """Circular block bootstrap of each account's months since its first order, around its own total."""
    rng = np.random.default_rng(1)
    wide = panel.pivot(index="customer_id", columns="period", values="revenue").fillna(0.0)
    months = wide.to_numpy()
    first = (
        np.searchsorted(wide.columns, summary.set_index("customer_id").loc[wide.index, "first_order"], side="right") - 1
    )
    draws = np.empty((200, len(wide)))
    for i, start in enumerate(np.maximum(first, 0)):
        own = months[i, start:]
        size = min(3, own.size)
        sums = np.convolve(np.concatenate([own, own[: size - 1]]), np.ones(size), "valid")
        n_blocks = -(-own.size // size)
        draws[:, i] = sums[rng.integers(own.size, size=(200, n_blocks))].sum(axis=1) * own.size / (n_blocks * size)
    classes = plain_classes(months.sum(axis=1))
    return pd.Series(np.mean([plain_classes(draw) == classes for draw in draws], axis=0), index=wide.index)


def show(name: str, compared: Callable[[Callable[..., pd.Series], int], pd.DataFrame], n_companies: int) -> None:
    """One line per method: points by decile, lowest stated stability first, the worst of them, means stated and observed."""
    for label, state in (("kam", state_ours), ("plain", state_plain)):
        rows = pd.concat([compared(state, seed) for seed in range(n_companies)], ignore_index=True)
        table = by_decile(rows)
        cells = " ".join(f"{off:+5.1f}" for off in table["off"])
        worst = table["off"].abs().max()
        print(
            f"{name if label == 'kam' else '':18s} {label:6s} {cells}   worst {worst:4.1f}   "
            f"stated {rows['stated'].mean():.3f} observed {rows['observed'].mean():.3f}   n {len(rows):,}",
            flush=True,
        )


def main(n_companies: int) -> None:
    """Print the tables."""
    for title, processes in (("assumptions hold", PROCESSES), ("beyond the assumptions", BEYOND)):
        print(f"\n{title}: stated minus observed, points, by decile of stated stability")
        for name, draw in processes.items():
            times = 10 if name == "12 accounts" else 4 if name == "300 accounts" else 1
            show(
                name,
                lambda state, seed, draw=draw: compare_process(draw(seed), state, N_RERUNS, seed),  # type: ignore[misc]
                n_companies * times,
            )
        states = "kept" if processes is PROCESSES else "redrawn"
        show(
            f"sample, {states}",
            lambda state, seed, states=states: compare_sample(state, N_RERUNS, seed + 1, states=states),  # type: ignore[misc]
            n_companies,
        )
    print("\nCPU seconds of classify_abc_xyz with 500 re-runs")
    for n in (1_200, 6_000, 100_000):
        summary, panel = frames(run(PROCESSES["6,000 accounts"](1) if n == 6_000 else _of_size(n), 1))
        start = process_time()
        classify_abc_xyz(summary, panel)
        print(f"{n:>8,} accounts {process_time() - start:6.2f}")


def _of_size(n: int):  # type: ignore[no-untyped-def]
    from tests.identify.ordering_processes import draw_company

    return draw_company(1, n=n, rate=(0.2, 0.9))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8)
