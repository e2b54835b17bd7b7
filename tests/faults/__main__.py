"""Every fault again and again, processes killed at random moments, and 200 runs in a row: ``make soak``, ``make soak ARGS="60"``.

Prints what was tried, and writes how often into docs/reliability.md. ``ARGS="60 500"`` gives the minutes and the number
of runs in a row; none of either with 0.
"""

from __future__ import annotations

import itertools
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests.faults.company import Company
from tests.faults.row import run_in_a_row
from tests.faults.table import FAULTS, NotHereError, try_fault

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- written by make soak -->\n", "<!-- end of what make soak writes -->"
RANDOM = "any process of a run killed (-9) or ended (SIGTERM) at a random moment"
IN_A_ROW = "runs in a row in one process"
TEST = "tests/real/test_faults.py::test_fault"
LONGEST = 20.0


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def try_random(folder: Path) -> None:
    """Kill or end one process of a run, whichever, whenever; then the next run."""
    chance, company = random.SystemRandom(), Company(folder)
    try:
        company.publish_first()
        command = company.start()
        time.sleep(chance.uniform(0, LONGEST))
        if processes := company.processes():
            with suppress(psutil.Error):
                chance.choice(processes).send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM]))
        command.wait()
        company.good = {path: content for path, content in company.good.items() if path.name != "index.html"}
        company.check(killed=True)
        done = company.run()
        assert done.status == 0, done.output
        company.check(at_rest=True)
    finally:
        company.end()


def soak(minutes: float) -> tuple[dict[str, int], dict[str, int]]:
    """Try faults in turn until the time is up; how often each was tried, and how often it did not end as promised."""
    tries: dict[str, Callable[[Path], None]] = {
        fault.name: lambda folder, fault=fault: try_fault(fault, folder) for fault in FAULTS
    }
    tried, failed = dict.fromkeys([*tries, RANDOM], 0), dict.fromkeys([*tries, RANDOM], 0)
    order = random.sample(sorted(tries), len(tries))
    turns = itertools.cycle(itertools.chain.from_iterable((name, RANDOM) for name in order))
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        name = next(turns)
        folder = Path(tempfile.mkdtemp(prefix="kf-soak-"))
        try:
            tries.get(name, try_random)(folder)
            tried[name] += 1
        except NotHereError:
            pass
        except Exception:
            tried[name] += 1
            failed[name] += 1
            say(f"\n== {name}\n{traceback.format_exc()}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        say(f"{name}: {tried[name]} tried, {failed[name]} failed")
    return tried, failed


def write_page(tried: dict[str, int], failed: dict[str, int], n_in_a_row: int, leaks: list[str] | None) -> None:
    """Put the table, with these counts, into docs/reliability.md."""
    counts = {name: _count(tried.get(name, 0), failed.get(name, 0)) for name in [*(f.name for f in FAULTS), RANDOM]}
    lines = [
        f"Last soak: {datetime.now(UTC):%d %B %Y}.\n",
        "| fault | what is promised | test | tried |",
        "|---|---|---|---|",
    ]
    lines += [f"| {f.name} | {f.promised} | `{TEST}[{f.name}]` | {counts[f.name]} |" for f in FAULTS]
    lines.append(
        f"| {RANDOM} | the next run ends well and nothing is left of the last | `make soak` | {counts[RANDOM]} |"
    )
    found = "not tried" if leaks is None else f"{n_in_a_row}: {'; '.join(leaks) or 'nothing leaked'}"
    test = "tests/real/test_faults.py::test_runs_in_a_row_leak_nothing"
    lines.append(f"| {IN_A_ROW} | no processes, threads, open files, sockets or memory are left | `{test}` | {found} |")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(before + BEGIN + "\n".join(lines) + "\n\n" + END + after, encoding="utf-8")


def _count(tried: int, failed: int) -> str:
    return f"{tried}, {failed} failed" if failed else str(tried)


def main(minutes: str = "60", n_in_a_row: str = "200") -> int:
    tried, failed = soak(float(minutes))
    leaks = None
    if n := int(n_in_a_row):
        folder = Path(tempfile.mkdtemp(prefix="kf-soak-"))
        row = run_in_a_row(n, folder)
        shutil.rmtree(folder, ignore_errors=True)
        leaks = [*row.leaks(), *([f"{n - row.succeeded} failed"] if row.succeeded < n else [])]
        for name, value in row.before.items():
            say(f"{name}: {value} after 2 runs, {row.after[name]} after {n}")
    say("")
    for name, times in tried.items():
        say(f"{times:4} tried {failed[name]:4} failed  {name}")
    say(f"{sum(tried.values()):4} tried {sum(failed.values()):4} failed  all")
    write_page(tried, failed, n, leaks)
    return 1 if any(failed.values()) or leaks else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
