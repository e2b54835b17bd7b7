"""The runs of a reports folder: published, at work, or cut off."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from kam.dataset.yaml_files import nearest
from kam.errors import ResultsError
from kam.report.adoption import RECORDS
from kam.report.manifest import Manifest, Step, read_manifest, read_runs, read_step
from kam.report.notebook import folder_name
from kam.report.plan import is_plan
from kam.report.publish import STAMP, plan_lock, run_id, unpublished
from kam.results import Context

LATEST = "latest"
"""As the name of a run: the newest that was published."""

State = Literal["succeeded", "failed", "at work", "cut off", "unreadable"]

_ID = re.compile(rf"({STAMP})-(.+)")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Record:
    """A run as far as it is known.

    Attributes
    ----------
    run_id : str
        Its id.
    plan : str
        Name of its plan.
    state : {"succeeded", "failed", "at work", "cut off", "unreadable"}
        A run that was cut off holds no lock and was never published; its finished steps wait for the next run of the plan. An
        unreadable one has a damaged manifest.
    folder : pathlib.Path
        Where it lies.
    started, finished : datetime.datetime, optional
        UTC.
    steps : tuple of Step
        How its steps ended; of a run that was not published those that succeeded.
    manifest : Manifest, optional
        Of a published run.
    error : str, optional
        Why it is unreadable.
    """

    run_id: str
    plan: str
    state: State
    folder: Path
    started: datetime | None
    finished: datetime | None = None
    steps: tuple[Step, ...] = ()
    manifest: Manifest | None = None
    error: str | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took, or has taken by now."""
        if self.started is None:
            return None
        end = datetime.now(UTC) if self.state == "at work" else self.finished
        return (end - self.started).total_seconds() if end else None

    @property
    def dataset(self) -> Context | None:
        """The data: of the first step that says."""
        if self.manifest:
            return self.manifest.dataset
        return next((step.context for step in self.steps if step.context), None)

    @property
    def counts(self) -> dict[str, int]:
        """How many steps succeeded (among them those taken over), failed, were skipped, were taken over from another run."""
        status = [step.status for step in self.steps]
        return {
            "succeeded": status.count("succeeded"),
            "failed": status.count("failed"),
            "skipped": status.count("skipped"),
            "taken_over": sum(step.adopted_from is not None for step in self.steps),
        }

    def to_json(self) -> dict[str, Any]:
        """What ``kam runs --json`` says of it."""
        context = self.dataset
        return {
            "run_id": self.run_id,
            "plan": self.plan,
            "state": self.state,
            "started": self.started,
            "finished": self.finished,
            "seconds": None if self.seconds is None else round(self.seconds, 1),
            "steps": self.counts,
            "dataset": context and context.dataset,
            "as_of": context and context.as_of,
            "fingerprint": context and context.fingerprint,
            "folder": str(self.folder),
            "error": self.error,
        }


def read_history(root: Path, *, plan: str | None = None) -> list[Record]:
    """Every run, newest first.

    Parameters
    ----------
    root : pathlib.Path
        The reports folder.
    plan : str, optional
        Only runs of this plan; a name, or the path of its file.

    Raises
    ------
    ResultsError
        There is no such folder, or it has no run of the plan.
    """
    if not root.is_dir():
        raise ResultsError(
            "There is no reports folder.", where=str(root), hint="Give --out, or begin with `kam run 10`."
        )
    found = {record.run_id: record for record in _unpublished(root)}  # first, for one may be published just now
    runs, damaged = read_runs(root)
    found |= {run.run_id: published_record(run, root) for run in runs}
    found |= {name: _unreadable(root / name, error) for name, error in damaged.items()}
    records = sorted(found.values(), key=lambda record: (record.started or _LONG_AGO, record.run_id), reverse=True)
    if plan is None:
        return records
    wanted = folder_name(Path(plan).stem if is_plan(plan) else plan)
    own = [record for record in records if record.plan == wanted]
    if not own:
        raise ResultsError(
            f"There is no run of plan {wanted!r}.",
            where=str(root),
            hint=_guess(wanted, {record.plan for record in records}, "Plans with runs"),
        )
    return own


def find_run(root: Path, name: str) -> Record:
    """The run that an id, the beginning of one, or ``latest`` means.

    Raises
    ------
    ResultsError
        There is none, or more than one; or its manifest is damaged.
    """
    records = read_history(root)
    if name == LATEST:
        found = [record for record in records if record.manifest][:1]
    else:
        found = [record for record in records if record.run_id == name] or [
            record for record in records if name and record.run_id.startswith(name)
        ]
    if not found:
        ids = [record.run_id for record in records]
        raise ResultsError(
            "There is no run that was published." if name == LATEST else f"There is no run {name!r}.",
            where=str(root),
            hint=_guess(name, ids[:200], "Newest runs") if name != LATEST else "Begin with `kam run 10`.",
        )
    if len(found) > 1:
        names = ", ".join(record.run_id for record in found[:8])
        raise ResultsError(f"More than one run begins with {name!r}.", where=str(root), hint=f"Give one of {names}.")
    if found[0].state == "unreadable":
        read_manifest(found[0].folder)  # says what is wrong
    return found[0]


def read_part(part: Path, *, state: State = "cut off") -> Record:
    """What is known of a run from the folder in which it was, or is, written."""
    name = run_id(part)
    steps = []
    for file in sorted((part / RECORDS).glob("*.json")):
        try:
            steps.append(read_step(file))
        except ResultsError:  # it was cut off while it was written
            continue
    return Record(
        run_id=name,
        plan=_plan_of(part.parent, name),
        state=state,
        folder=part,
        started=_stamp_of(name),
        steps=tuple(sorted(steps, key=lambda step: step.name)),
    )


def is_at_work(root: Path, plan: str) -> bool:
    """Whether a run of the plan holds its lock; looking does not take it from a run that begins just now."""
    file = plan_lock(root, plan)
    try:
        import fcntl
    except ImportError:  # Windows
        return _is_held(file)
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: several may look at the same time
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _is_held(file: Path) -> bool:
    from filelock import FileLock, Timeout

    if not file.exists():
        return False
    try:
        with FileLock(file, timeout=0):
            return False
    except (Timeout, OSError):
        return True


def published_record(run: Manifest, root: Path) -> Record:
    """What is known of a published run."""
    return Record(
        run_id=run.run_id,
        plan=run.plan,
        state=run.status,
        folder=root / run.run_id,
        started=run.started,
        finished=run.finished,
        steps=run.steps,
        manifest=run,
    )


def _unreadable(folder: Path, error: ResultsError) -> Record:
    return Record(
        run_id=folder.name,
        plan=_plan_of(folder.parent, folder.name),
        state="unreadable",
        folder=folder,
        started=_stamp_of(folder.name),
        error=error.what,
    )


def _unpublished(root: Path) -> list[Record]:
    """Runs at work, and those that were cut off; of a plan whose lock is held the newest is at work."""
    seen: set[str] = set()
    records = []
    for part in unpublished(root):
        plan = _plan_of(root, run_id(part))
        held = plan not in seen and is_at_work(root, plan)
        seen.add(plan)
        records.append(read_part(part, state="at work" if held else "cut off"))
    return records


def _plan_of(root: Path, name: str) -> str:
    """The plan in the id of a run; of two runs in one second the later has a number behind it."""
    found = _ID.fullmatch(name)
    if not found:
        return name
    bare = re.sub(r"\.\d+$", "", found[2])
    return bare if plan_lock(root, bare).exists() and not plan_lock(root, found[2]).exists() else found[2]


def _stamp_of(name: str) -> datetime | None:
    found = _ID.fullmatch(name)
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def _guess(name: str, known: Collection[str], heading: str) -> str:
    listed = sorted(known, reverse=True)[:8]
    beginnings = {long[: len(name)]: long for long in sorted(known)}
    if not (guess := nearest(name, known)) and (near := get_close_matches(name, beginnings, n=1)):
        guess = f"Did you mean {beginnings[near[0]]!r}? "
    return (guess or (f"{heading}: {', '.join(listed)}." if listed else "There is none yet.")).strip()
