"""Which runs stay: the newest of their plan, and whatever the index leads to.

A run is removed by a rename to ``.gone-<run-id>``, after which nobody sees it, and then file by file. What is left of one whose
removal was cut off is swept by the next run of any plan.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from kam.report.manifest import Manifest
from kam.report.plan import Retention

_DAY = 24 * 60 * 60

GONE = ".gone-"
"""What the name of a folder begins with that is being removed."""


def choose_runs(runs: Sequence[Manifest], *, newest: Manifest, keep: Retention) -> list[str]:
    """The runs of a plan that go.

    A run goes when there are ``keep.runs`` newer ones of its plan, or when it ended more than ``keep.days`` before the newest.
    It stays all the same when it is the last that succeeded, or the last at all, of any report: a step on a dataset for
    an audience, as the index counts it, over the runs of all plans.

    Parameters
    ----------
    runs : sequence of Manifest
        Every run of the reports folder that can be read; the others are not known, and stay.
    newest : Manifest
        The run that was just published; it stays, whatever the clock said then.
    keep : Retention
        The rule of its plan.

    Returns
    -------
    list of str
        Ids, newest first.
    """
    ordered = sorted(runs, key=_age, reverse=True)
    own = [run for run in ordered if run.plan == newest.plan and run.run_id != newest.run_id]
    shown = _shown(ordered)
    going = []
    for newer, run in enumerate(own, start=1):
        many = keep.runs is not None and newer >= keep.runs
        seconds = (newest.finished - run.finished).total_seconds()
        old = keep.days is not None and seconds > keep.days * _DAY
        if (many or old) and run.run_id not in shown:
            going.append(run.run_id)
    return going


def remove_runs(root: Path, names: Sequence[str]) -> tuple[str, ...]:
    """Remove runs; the caller holds the lock of the index, which leads to none of them.

    Returns
    -------
    tuple of str
        Why one could not be removed.
    """
    problems = []
    for name in names:
        try:
            if (root / name).is_symlink():
                raise OSError("its folder is a link to another place")
            (root / name).rename(root / f"{GONE}{name}")
        except OSError as error:
            problems.append(f"The old run {name} could not be removed: {error.strerror or error}.")
    sweep_gone(root)
    return tuple(problems)


def sweep_gone(root: Path) -> None:
    """Remove what is left of runs whose removal was cut off."""
    for folder in root.glob(f"{GONE}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _shown(ordered: Sequence[Manifest]) -> set[str]:
    """The runs that the index leads to: of each report the last that succeeded, and the last at all."""
    last: dict[tuple[str, str | None, str], str] = {}
    good: dict[tuple[str, str | None, str], str] = {}
    for run in ordered:
        for step in run.steps:
            last.setdefault(step.report, run.run_id)
            if step.status == "succeeded":
                good.setdefault(step.report, run.run_id)
    return {*last.values(), *good.values()}


def _age(run: Manifest) -> tuple[object, str]:
    return run.started, run.run_id
