"""How a run says how far it is: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from kam.report.console import print_lines, printable
from kam.report.manifest import Step

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Watcher(Protocol):
    """Who is told how far the steps of a run are."""

    def started(self, step: str) -> None:
        """A step's notebook has begun."""

    def advanced(self, step: str, done: int, total: int) -> None:
        """So many of its code cells are done."""

    def ended(self, step: Step, report: Path) -> None:
        """It succeeded, and its report will lie there once the run is published; or it failed."""


class Silence:
    """Tells nobody."""

    def started(self, step: str) -> None:
        """Nothing."""

    def advanced(self, step: str, done: int, total: int) -> None:
        """Nothing."""

    def ended(self, step: Step, report: Path) -> None:
        """Nothing."""


class _Lines:
    """One line when a step begins and one when it ends."""

    def started(self, step: str) -> None:
        print_lines([f"{step}: started"])

    def advanced(self, step: str, done: int, total: int) -> None:
        pass

    def ended(self, step: Step, report: Path) -> None:
        print_lines(_outcome(step, report))


class _Bars:
    """A bar per step that is at work; what has ended stands as a line above."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def started(self, step: str) -> None:
        self._tasks[step] = self._progress.add_task(step, total=None)

    def advanced(self, step: str, done: int, total: int) -> None:
        self._progress.update(self._tasks[step], completed=done, total=total)

    def ended(self, step: Step, report: Path) -> None:
        if step.name in self._tasks:
            self._progress.remove_task(self._tasks.pop(step.name))
        for line in _outcome(step, report):
            self._progress.console.print(printable(line), markup=False, highlight=False, soft_wrap=True)


@contextmanager
def watch_run() -> Iterator[Watcher]:
    """The watcher that fits where standard output goes."""
    if not sys.stdout.isatty():
        yield _Lines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, transient=True) as progress:
        yield _Bars(progress)


def _outcome(step: Step, report: Path) -> list[str]:
    if step.status == "failed":
        return [f"{step.name}: FAILED after {step.seconds:.0f} s: {step.error}"]
    if step.status == "skipped":
        return [f"{step.name}: skipped: {step.error}"]
    if step.adopted_from:
        return [f"{step.name}: taken over from {step.adopted_from}, which was cut off → {report}"]
    return [
        f"{step.name}: done in {step.seconds:.0f} s → {report}",
        *(f"{step.name}: note: {note}" for note in step.warnings),
    ]
