"""What does counting cost once the rollup is there? ``python -m benchmarks.transition_counts [rows]`` (default 10 million).

Beside the floor, DuckDB's own customer × month group-by over the lines with the sum of the amounts and the number of distinct
orders: transition counts for states by recency and by value, and the panel with a row for every customer and month. Medians of
three in one run, in turn, so that what else the machine does hits all alike; seconds on the clock and of all threads. Aim:
counting takes at most half of the floor.
"""
# ruff: noqa: T201

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from kam.ledger import Ledger, open_ledger, state_panel, transition_counts, value_cuts
from kam.samples import write_ledger

N_TIMES = 3
AIM = 0.5


def run_floor(ledger: Ledger) -> object:
    """The group-by alone, over the rows that cleaning kept; only its size comes back."""
    lines = ledger.table
    month = lines.order_day.truncate("M")
    groups = lines.group_by("customer_id", month=month).agg(
        amount=lines.amount.sum(), n_orders=lines.order_id.nunique()
    )
    return groups.agg(n=groups.count(), amount=groups.amount.sum(), n_orders=groups.n_orders.sum()).to_pyarrow()


def measure(ledger: Ledger) -> dict[str, tuple[float, float]]:
    """Median seconds on the clock and of all threads, by what was done."""
    cuts = {window: value_cuts(ledger, window=window) for window in (1, 12)}
    work: dict[str, Callable[[], object]] = {
        "floor: group-by of the lines": lambda: run_floor(ledger),
        "counts, recency": lambda: transition_counts(ledger, states="recency", k=3),
        "counts, value, cuts given": lambda: transition_counts(ledger, states="value", k=3, cuts=cuts[1]),
        "counts, value": lambda: transition_counts(ledger, states="value", k=3),
        "counts, value of 12 months, cuts given": lambda: transition_counts(
            ledger, states="value", k=3, window=12, cuts=cuts[12]
        ),
        "counts, value of 12 months": lambda: transition_counts(ledger, states="value", k=3, window=12),
        "panel, recency": lambda: state_panel(ledger, states="recency", k=3),
        "panel, value of 12 months": lambda: state_panel(ledger, states="value", k=3, window=12),
    }
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    for _ in range(N_TIMES):
        for name, do in work.items():
            clock, threads = perf_counter(), process_time()
            do()
            seconds[name].append((perf_counter() - clock, process_time() - threads))
    return {name: tuple(np.median(times, axis=0)) for name, times in seconds.items()}


def main(n_rows: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_ledger(Path(folder) / "ledger.parquet", n_rows=n_rows, seed=1)
        clock, threads = perf_counter(), process_time()
        ledger = open_ledger(path, currency="EUR")
        print(
            f"{n_rows:,} rows, opened in {perf_counter() - clock:.1f} s ({process_time() - threads:.1f} s of all threads)"
        )
        print(
            f"{ledger.rollup.months.count().execute():,} rows in the rollup, {ledger.audit.n_customers:,} customers\n"
        )
        found = measure(ledger)
        ledger.close()
    floor = next(iter(found.values()))
    print(f"{'':40s} {'seconds':>8s} {'ratio':>6s}   {'threads':>8s} {'ratio':>6s}")
    for name, (clock, threads) in found.items():
        ratio, cpu_ratio = clock / floor[0], threads / floor[1]
        verdict = "" if not name.startswith("counts") else "holds" if ratio <= AIM else "does not hold"
        print(f"{name:40s} {clock:8.3f} {ratio:6.2f}   {threads:8.3f} {cpu_ratio:6.2f}   {verdict}")
    print(f"\nlargest resident set {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2:.1f} GB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
