"""Every fault again and again, processes killed at random moments, and 200 runs in a row: ``make soak``, about an hour.

Prints what was tried and writes how often into docs/reliability.md. ``ARGS="10 100 500"`` asks for more: how often each fault,
how many processes killed at random, how many runs in a row. With fewer than the 3, 40 and 200 of ``make soak`` the page stays
as it is.
"""

from __future__ import annotations

import multiprocessing
import random
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import kam
from tests.faults.row import Row, run_in_a_row
from tests.faults.table import BY_NAME, FAULTS
from tests.faults.tries import RANDOM, attempt

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- written by make soak -->\n", "<!-- end of what make soak writes -->"
IN_A_ROW = "runs in a row in one process"
TEST = "tests/real/test_faults.py::test_fault"
TRIES, N_RANDOM, N_IN_A_ROW = 3, 40, 200
"""The least that the page is written for."""
AT_ONCE = 4
"""Most of a try is waiting."""


@dataclass
class Soak:
    """What was tried.

    Attributes
    ----------
    tried, failed : dict of str to int
        How often, and how often it did not end as promised, by name of the fault.
    n_in_a_row : int
        Runs in a row.
    leaks : list of str
        What they left, and how many failed.
    """

    tried: dict[str, int] = field(default_factory=lambda: dict.fromkeys([*BY_NAME, RANDOM], 0))
    failed: dict[str, int] = field(default_factory=lambda: dict.fromkeys([*BY_NAME, RANDOM], 0))
    n_in_a_row: int = 0
    leaks: list[str] = field(default_factory=list)

    def count(self, name: str, outcome: str | None) -> None:
        """Add one try: what did not end as promised, or ''; None where it cannot be tried here."""
        if outcome is None:
            say(f"{name}: cannot be tried here")
            return
        self.tried[name] += 1
        self.failed[name] += bool(outcome)
        say(f"{name}: {self.tried[name]} tried, {self.failed[name]} failed")
        if outcome:
            say(f"\n{outcome}")

    def count_row(self, row: Row, n: int) -> None:
        """Add what came of so many runs in a row."""
        self.n_in_a_row = n
        self.leaks = [*row.leaks(), *([f"{n - row.succeeded} failed"] if row.succeeded < n else [])]
        for name, value in row.before.items():
            say(f"{name}: {value} after 2 runs, {row.after[name]} after {n}")

    def missing(self) -> list[str]:
        """What was tried less often than the page needs."""
        least = {**dict.fromkeys(BY_NAME, TRIES), RANDOM: N_RANDOM, IN_A_ROW: N_IN_A_ROW}
        tried = {**self.tried, IN_A_ROW: self.n_in_a_row}
        return [f"{name}: {tried[name]} of {n}" for name, n in least.items() if tried[name] < n]


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def soak(tries: int, n_random: int, n_in_a_row: int) -> Soak:
    """Try each fault so often, in an order by chance, four at a time, and do so many runs in a row beside them."""
    found = Soak()
    turns = [*(name for name in BY_NAME for _ in range(tries)), *[RANDOM] * n_random]
    random.SystemRandom().shuffle(turns)
    with (
        tempfile.TemporaryDirectory(prefix="kf-soak-") as folder,
        ProcessPoolExecutor(AT_ONCE, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        try:
            row = pool.submit(run_in_a_row, n_in_a_row, Path(folder)) if n_in_a_row else None
            begun = {pool.submit(attempt, name): name for name in turns}
            for n, turn in enumerate(as_completed(begun), 1):
                found.count(begun[turn], turn.result())
                say(f"{n} of {len(turns)}")
            if row:
                found.count_row(row.result(), n_in_a_row)
        except BaseException:  # Ctrl-C, which the processes have heard, too
            pool.shutdown(cancel_futures=True)
            raise
    return found


def write_table(found: Soak, page: str, day: datetime) -> str:
    """The page with the table of these counts in it."""
    counts = {name: f"{n}, {found.failed[name]} failed" if found.failed[name] else n for name, n in found.tried.items()}
    lines = [
        f"Last soak: {day:%d %B %Y}, kam {kam.__version__}.\n",
        "| fault | what is promised | test | tried |",
        "|---|---|---|---|",
        *(f"| {f.name} | {f.promised} | `{TEST}[{f.name}]` | {counts[f.name]} |" for f in FAULTS),
        f"| {RANDOM} | the next run ends well and nothing is left of the last | `make soak` | {counts[RANDOM]} |",
        f"| {IN_A_ROW} | no processes, threads, open files, sockets or memory are left "
        "| `tests/real/test_faults.py::test_runs_in_a_row_leak_nothing` "
        f"| {found.n_in_a_row}: {'; '.join(found.leaks) or 'nothing leaked'} |",
    ]
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + "\n".join(lines) + "\n\n" + END + rest.partition(END)[2]


def main(tries: str = str(TRIES), n_random: str = str(N_RANDOM), n_in_a_row: str = str(N_IN_A_ROW)) -> int:
    found = soak(int(tries), int(n_random), int(n_in_a_row))
    say("")
    for name, times in found.tried.items():
        say(f"{times:4} tried {found.failed[name]:4} failed  {name}")
    say(f"{sum(found.tried.values()):4} tried {sum(found.failed.values()):4} failed  all")
    if missing := found.missing():
        say(f"\n{PAGE.relative_to(ROOT)} stays as it is, too little was tried:\n  " + "\n  ".join(missing))
    else:
        PAGE.write_text(write_table(found, PAGE.read_text(encoding="utf-8"), datetime.now(UTC)), encoding="utf-8")
    return 1 if any(found.failed.values()) or found.leaks else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
