"""How long do all reports on the sample take? ``python -m benchmarks.reports [times]``.

Side by side, in turns: ``kam run plans/monthly.yaml`` into an empty folder, and the same notebooks by ``papermill`` and
``jupyter nbconvert --to html`` on the command line, one notebook after the other. Each is timed by the clock, from
the command to its end; the medians and their ratio are printed. Aim: at most a third. Writes docs/reports_speed.md.
"""
# ruff: noqa: T201

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PAGE = ROOT / "docs" / "reports_speed.md"


def run_kam(folder: Path, notebooks: list[Path]) -> None:
    """All reports by kam."""
    _call([BIN / "kam", "run", ROOT / "plans" / "monthly.yaml", "--jobs", os.cpu_count() or 1, "--out", folder])


def run_peer(folder: Path, notebooks: list[Path]) -> None:
    """All reports by papermill and nbconvert."""
    for notebook in notebooks:
        executed = folder / notebook.name
        _call([BIN / "papermill", notebook, executed, "--no-progress-bar"])
        _call([BIN / "jupyter", "nbconvert", "--to", "html", executed])


def _call(command: list[object]) -> None:
    subprocess.run([str(part) for part in command], cwd=ROOT, check=True, capture_output=True)


def measure(work: Callable[[Path, list[Path]], None], notebooks: list[Path]) -> float:
    """Seconds by the clock."""
    with tempfile.TemporaryDirectory() as folder:
        begun = perf_counter()
        work(Path(folder), notebooks)
        return perf_counter() - begun


def main(times: int = 3) -> None:
    """Measure in turns and write the page."""
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    seconds: dict[str, list[float]] = {"kam run": [], "papermill + nbconvert": []}
    for turn in range(times):
        for name, work in (("kam run", run_kam), ("papermill + nbconvert", run_peer)):
            seconds[name].append(measure(work, notebooks))
            print(f"{turn + 1}/{times} {name}: {seconds[name][-1]:.1f} s", flush=True)
    clock = {name: statistics.median(found) for name, found in seconds.items()}
    ratio = clock["kam run"] / clock["papermill + nbconvert"]
    lines = [
        "# All reports on the sample, beside papermill and nbconvert",
        "",
        f"{len(notebooks)} notebooks on {os.cpu_count()} cores, medians of {times} turns; written by `make bench ARGS=reports`.",
        "",
        "| | clock, s |",
        "|---|---:|",
        *(f"| {name} | {clock[name]:.1f} |" for name in seconds),
        f"| ratio | {ratio:.2f} |",
        "",
        f"Aim: at most 0.33: {'met' if ratio <= 1 / 3 else 'not met'}.",
        "",
        "What helps: notebooks side by side; kernels forked from a process that has imported everything, whose objects no kernel",
        "looks through for garbage; a page rendered where its notebook ran; no saving after each cell; data checked while that",
        "process imports; the workbook written beside the last notebook. What does not: the computing itself, which both do",
        "alike and which is most of the time: on two cores it can at best be halved.",
        "",
    ]
    PAGE.write_text("\n".join(lines), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
