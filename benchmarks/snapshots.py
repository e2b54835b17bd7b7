"""What do snapshots cost? ``python -m benchmarks.snapshots [rows]`` (default 10 million).

Beside the floor, DuckDB's own customer × month group-by over the lines with the sum of the amounts and the number of distinct
orders: snapshots at four origins, at four and the one to score, and at twelve a month apart. Medians of three in one run, in
turn, so that what else the machine does hits all alike; seconds on the clock and of all threads. Aim: four origins take at most
three times the floor.
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

from benchmarks.transition_counts import run_floor
from kam.ledger import Ledger, open_ledger, snapshots
from kam.samples import write_ledger

N_TIMES = 3
AIM = 3.0


def measure(ledger: Ledger) -> dict[str, tuple[float, float]]:
    """Median seconds on the clock and of all threads, by what was done."""
    work: dict[str, Callable[[], object]] = {
        "floor: group-by of the lines": lambda: run_floor(ledger),
        "snapshots, 4 origins": lambda: snapshots(ledger, origins=4, k=6),
        "snapshots, 4 origins and scoring": lambda: snapshots(ledger, origins=4, k=6, score=True),
        "snapshots, 12 origins by 30 days": lambda: snapshots(ledger, origins=12, step_days=30, k=6),
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
        ledger = open_ledger(path, currency="EUR")
        print(f"{n_rows:,} rows, {ledger.audit.n_customers:,} customers\n")
        found = measure(ledger)
        ledger.close()
    floor = next(iter(found.values()))
    print(f"{'':40s} {'seconds':>8s} {'ratio':>6s}   {'threads':>8s} {'ratio':>6s}")
    for name, (clock, threads) in found.items():
        ratio, cpu_ratio = clock / floor[0], threads / floor[1]
        verdict = "" if name != "snapshots, 4 origins" else "holds" if ratio <= AIM else "does not hold"
        print(f"{name:40s} {clock:8.3f} {ratio:6.2f}   {threads:8.3f} {cpu_ratio:6.2f}   {verdict}")
    print(f"\nlargest resident set {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2:.1f} GB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
