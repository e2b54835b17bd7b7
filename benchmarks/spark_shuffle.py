"""What does a ledger cost on Spark? ``python -m benchmarks.spark_shuffle [millions of rows …]`` (default ``1 10``).

A ledger of ``kam.samples.write_ledger`` is opened on a Spark of this machine, which writes its event log into a temporary
folder. From the log, by statement of kam: lines read, bytes and records that go through a shuffle, bytes spilled, seconds of all
tasks; and, counted where they arrive, rows and bytes that come back. The tables of ``docs/spark_at_scale.md`` are written anew
with all sizes measured so far (``build/spark_shuffle.json``); the prose around them is kept.

``make bench ARGS="spark_shuffle 10"``: one size.
"""
# ruff: noqa: T201

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import wraps
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

from kam.ledger import open_ledger, snapshots
from kam.ledger.databases import Relation
from kam.ledger.quality import quality_facts
from kam.ledger.storage import Storage
from kam.samples import write_ledger

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "spark_at_scale.md"
CACHE = ROOT / "build" / "peers"
FOUND = ROOT / "build" / "spark_shuffle.json"
SIZES = (1, 10)
BILLIONS = 10
"""Billions of rows to which the largest ledger measured is scaled."""

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "8g",
    "spark.driver.maxResultSize": "0",  # what comes back is measured, not refused
    "spark.sql.shuffle.partitions": "32",
    "spark.sql.session.timeZone": "UTC",
    "spark.log.level": "ERROR",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "false",
    "spark.eventLog.rolling.enabled": "false",
}
STEP = "kam.step"  # a local property of the jobs

READING, TOTALS, TYPES, CLEANING = (
    "fingerprint of the table",
    "rows and totals",
    "types of the columns",
    "cleaning, audit",
)
ROLLUP, SPANNING, DAYS = "rollup by customer and month", "orders that span months", "snapshots: customers and days"
PAIRS, QUALITY = "snapshots: orders cancelled later", "quality by customer and month"
OPENING = (READING, TYPES, TOTALS, CLEANING, ROLLUP, SPANNING)
STEPS = (*OPENING, DAYS, PAIRS, QUALITY)
"""What is measured, in its order; :data:`OPENING` is :func:`kam.open_ledger`."""

WITHIN = {
    "kam.ledger.opening.read_source": READING,
    "kam.ledger.opening.type_columns": TYPES,
    "kam.ledger.opening.count_rules": CLEANING,
}
PULLED = {"unnumbered": ROLLUP, "spanning": SPANNING, "snapshot_days": DAYS}

Cost = dict[str, float]


# -- one ledger ------------------------------------------------------------------------------------------------------


def measure(path: Path) -> dict[str, Cost]:
    """Open a ledger on Spark, take snapshots and facts of quality, and say what each statement cost."""
    from pyspark.sql import SparkSession
    from pyspark.sql.classic.dataframe import DataFrame

    with tempfile.TemporaryDirectory(prefix="spark-") as folder:
        builder = SparkSession.builder.master("local[*]").appName("kam")
        own = {"spark.local.dir": folder, "spark.sql.warehouse.dir": folder, "spark.eventLog.dir": folder}
        for name, value in (SETTINGS | own).items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        context = session.sparkContext
        log = Path(folder) / str(context.applicationId)
        came: dict[str, Cost] = {name: {"rows_back": 0, "bytes_back": 0, "seconds": 0} for name in STEPS}

        @contextmanager
        def step(name: str) -> Iterator[None]:
            before = context.getLocalProperty(STEP)
            context.setLocalProperty(STEP, name)
            try:
                yield
            finally:
                context.setLocalProperty(STEP, before)

        def within(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(work)
            def stepping(*arguments: Any, **options: Any) -> Any:
                with step(name):
                    return work(*arguments, **options)

            return stepping

        def counting(work: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(work)
            def counted(*arguments: Any, **options: Any) -> Any:
                begun = perf_counter()
                back = work(*arguments, **options)
                cost = came[context.getLocalProperty(STEP)]
                cost["seconds"] += perf_counter() - begun
                cost["rows_back"] += len(back)
                cost["bytes_back"] += getattr(back, "nbytes", 100 * len(back))
                return back

            return counted

        plain = Storage.pull

        def pull(self: Storage, name: str, expression: Any) -> Any:
            with step(PULLED[name]):
                return plain(self, name, expression)

        with ExitStack() as stack:
            for place, name in WITHIN.items():
                module, _, function = place.rpartition(".")
                stack.enter_context(patch(place, within(name, getattr(sys.modules[module], function))))
            stack.enter_context(patch.object(Storage, "pull", pull))
            for name in ("toArrow", "collect"):
                stack.enter_context(patch.object(DataFrame, name, counting(getattr(DataFrame, name))))
            with step(TOTALS):
                ledger = open_ledger(Relation("spark://active", path.name, path.parent), currency="EUR")
            with step(PAIRS):
                snapshots(ledger, origins=4, k=6)
            with step(QUALITY):
                quality_facts(ledger)
            ledger.close()
        session.stop()
        costs = read_log(log)
    return {name: costs.get(name, {}) | came[name] for name in STEPS}


def read_log(log: Path) -> dict[str, Cost]:
    """What the tasks of each step did, from Spark's event log."""
    steps: dict[int, str] = {}
    costs: dict[str, Cost] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["Event"] == "SparkListenerStageSubmitted":
            steps[event["Stage Info"]["Stage ID"]] = event["Properties"].get(STEP, TOTALS)
        elif event["Event"] == "SparkListenerTaskEnd":
            told = event["Task Metrics"]
            cost = costs.setdefault(steps[event["Stage ID"]], {})
            for name, n in {
                "rows_read": told["Input Metrics"]["Records Read"],
                "bytes_read": told["Input Metrics"]["Bytes Read"],
                "bytes_shuffled": told["Shuffle Write Metrics"]["Shuffle Bytes Written"],
                "records_shuffled": told["Shuffle Write Metrics"]["Shuffle Records Written"],
                "bytes_spilled": told["Disk Bytes Spilled"],
                "task_seconds": told["Executor CPU Time"] / 1e9,
            }.items():
                cost[name] = cost.get(name, 0) + n
    return costs


# -- the page --------------------------------------------------------------------------------------------------------


def tabulate(found: dict[str, dict[str, Cost]]) -> list[str]:
    """One table per size, and the largest scaled to :data:`BILLIONS`."""
    lines = []
    for millions in sorted(map(int, found)):
        lines += [f"**{millions} million lines**", "", *_rows(found[str(millions)], 1.0), ""]
    largest = max(map(int, found))
    factor = BILLIONS * 1000 / largest
    return [*lines, f"**{BILLIONS} billion lines**, {factor:,.0f} times the largest measured", "",
            *_rows(found[str(largest)], factor), ""]  # fmt: skip


def _rows(costs: dict[str, Cost], factor: float) -> list[str]:
    def row(name: str, parts: list[Cost]) -> str:
        total = {key: factor * sum(part.get(key, 0) for part in parts) for key in _COLUMNS}
        # A handful of rows or bytes is the same at any size.
        small = [key for key in ("rows_back", "bytes_back", "bytes_shuffled") if total[key] / factor < 10_000]
        total |= {key: total[key] / factor for key in small}
        cells = [
            f"{total['rows_read'] / 1e6:,.0f}",
            _size(total["bytes_read"]),
            f"{total['records_shuffled'] / 1e6:,.0f}",
            _size(total["bytes_shuffled"]),
            _size(total["bytes_spilled"]),
            f"{total['task_seconds'] / 3600:,.1f} h" if factor > 1 else f"{total['task_seconds']:,.0f} s",
            f"{total['rows_back']:,.0f}",
            _size(total["bytes_back"]),
        ]
        return f"| {name} | {' | '.join(cells)} |"

    head = [
        "step",
        "lines read, million",
        "bytes read",
        "records shuffled, million",
        "bytes shuffled",
        "spilled",
        "processor time",
    ]
    head += ["rows back", "bytes back"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [row(name, [costs[name]]) for name in OPENING]
    lines += [row("**opening, all**", [costs[name] for name in OPENING])]
    return lines + [row(name, [costs[name]]) for name in STEPS if name not in OPENING]


_COLUMNS = (
    "rows_read", "bytes_read", "records_shuffled", "bytes_shuffled", "bytes_spilled", "task_seconds", "rows_back", "bytes_back",
)  # fmt: skip


def _size(n: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n >= size:
            return f"{n / size:,.1f} {unit}"
    return f"{n:,.0f} B" if n else "–"


def write_page(found: dict[str, dict[str, Cost]]) -> None:
    """Write the tables anew, between their marks; the prose around them is kept."""
    begin, end = "<!-- written by make bench ARGS=spark_shuffle -->", "<!-- end -->"
    page = PAGE.read_text(encoding="utf-8")
    tables = "\n".join([begin, "", *tabulate(found), end])
    PAGE.write_text(re.sub(f"{begin}.*?{end}", lambda _: tables, page, flags=re.DOTALL), encoding="utf-8")


def main(*sizes: int) -> None:
    """Measure ledgers of so many million lines and write the page."""
    if find_spec("pyspark") is None or shutil.which("java") is None:
        print("Nothing is measured: it needs Java 17 and `pip install 'kam[spark]'`.")
        return
    found = json.loads(FOUND.read_text(encoding="utf-8")) if FOUND.exists() else {}
    CACHE.mkdir(parents=True, exist_ok=True)
    for millions in sizes or SIZES:
        path = CACHE / f"ledger_{millions}.parquet"
        if not path.exists():
            write_ledger(path, n_rows=millions * 1_000_000, seed=1)
        # A process of its own: Spark keeps the settings with which its first session began.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            found[str(millions)] = pool.submit(measure, path).result()
        FOUND.write_text(json.dumps(found, indent=1), encoding="utf-8")
    write_page(found)
    print("\n".join(tabulate(found)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
