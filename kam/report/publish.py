"""How a run reaches its readers: written beside its place, moved there in one step, the index last.

A reports folder holds ``index.html``, one folder per run, and for the runner's own use ``.part-<run-id>`` (a run at work, or
one that was cut off) and ``.locks``.
"""

from __future__ import annotations

import errno
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from kam.errors import KamError, LockedError, RunError
from kam.report.adoption import drop_records, has_records
from kam.report.execution import Job
from kam.report.index import render_index
from kam.report.manifest import Manifest, Step, write_manifest

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_PART = ".part-"
_STAMP = r"\d{8}T\d{6}Z"


@contextmanager
def open_run(root: Path, plan: str, started: datetime, *, wait: bool = False) -> Iterator[Path]:
    """The folder in which a run of this plan is written, its name ``.part-`` and the run's id.

    Unless it is published it is removed; but where steps are finished it stays, and the next run of the plan takes them over.

    Parameters
    ----------
    root : pathlib.Path
        The reports folder.
    plan : str
        Name of the plan.
    started : datetime.datetime
        When the run began, UTC.
    wait : bool
        Wait for another run of the plan to end.

    Raises
    ------
    LockedError
        Another run of the plan is at work in the same reports folder.
    RunError
        Nothing can be written there.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(root / ".locks" / f"plan-{plan}.lock", timeout=-1 if wait else 0)
    try:
        (root / ".locks").mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise LockedError(
            f"Another run of {plan!r} is at work.",
            where=str(root),
            hint="Wait for it to end (--wait), or give another --out.",
        ) from error
    except OSError as error:
        raise _unwritable(root, error) from error
    try:
        part = root / f"{_PART}{_unused_id(root, plan, started)}"
        try:
            part.mkdir()
        except OSError as error:
            raise _unwritable(root, error) from error
        try:
            yield part
        except OSError as error:
            if error.errno in _NO_ROOM or str(root) in str(error.filename):
                raise _unwritable(root, error) from error
            raise
        finally:
            if not has_records(part):
                shutil.rmtree(part, ignore_errors=True)
    finally:
        lock.release()


def left_behind(root: Path, plan: str, part: Path) -> list[Path]:
    """Folders of earlier runs of the plan that were cut off, newest first; the caller holds the plan's lock."""
    form = re.compile(re.escape(_PART) + _STAMP + "-" + re.escape(plan) + r"(\.\d+)?")
    return sorted((path for path in root.glob(f"{_PART}*") if form.fullmatch(path.name) and path != part), reverse=True)


def sweep(left: Path) -> None:
    """Remove what is left of a run that was cut off."""
    shutil.rmtree(left, ignore_errors=True)


def run_id(part: Path) -> str:
    """The id of the run that is written in this folder."""
    return part.name.removeprefix(_PART)


def publish_run(part: Path, manifest: Manifest) -> Path:
    """Move a finished run into its place and bring the index up to date.

    Readers see the run before or after, never in between; where anything fails, what was published before stays as it was.

    Returns
    -------
    pathlib.Path
        The run's folder.

    Raises
    ------
    RunError
        Nothing can be written there.
    """
    from filelock import FileLock

    root = part.parent
    place = root / run_id(part)
    try:
        write_manifest(manifest, part)
        drop_records(part)
        with FileLock(root / ".locks" / "index.lock"):
            part.rename(place)
            write_index(root)
    except OSError as error:
        raise _unwritable(root, error) from error
    return place


def write_index(root: Path) -> Path:
    """Write ``index.html`` anew from the manifests of all runs, in one step."""
    written = root / ".index.html.part"
    written.write_text(render_index(root), encoding="utf-8")
    return written.replace(root / "index.html")


def keep_failed(job: Job) -> None:
    """Leave of a failed step its notebook, as far as it came, and ``error.txt``: half results are no results."""
    for path in job.folder.iterdir():
        if path.name == "notebook.ipynb":
            _release(path, job)
            path.rename(job.folder / "failed.ipynb")
        elif path.is_dir():
            shutil.rmtree(path)
        elif path.name != "error.txt":
            path.unlink()
    if not any(job.folder.iterdir()):  # it was never started
        job.folder.rmdir()


def write_tables(part: Path, steps: tuple[Step, ...]) -> tuple[str, ...]:
    """Write one workbook ``tables.xlsx`` with every table that the steps saved, and one into each folder of a plan's values.

    Resamples stay in their Parquet files: they are material for further computing, not to be read.

    Returns
    -------
    tuple of str
        Why there is no workbook, if a table does not fit into one: the reports stand without it.
    """
    folders: dict[Path, list[Step]] = {}
    for step in steps:
        if step.status == "succeeded" and (part / step.name / "results.json").is_file():
            folders.setdefault((part / step.name).parent, []).append(step)
    return tuple(reason for folder, own in folders.items() for reason in _write_workbook(folder, own, part))


def _write_workbook(folder: Path, steps: list[Step], part: Path) -> Iterator[str]:
    import pandas as pd
    from pyarrow.parquet import read_schema

    from kam.results import read_results_json
    from kam.tables import write_workbook

    files: dict[str, Path] = {}
    for step in steps:
        for key, entry in read_results_json(part / step.name / "results.json")["results"].items():
            files |= {f"{key}.{table}": part / step.name / "tables" / file for table, file in entry["tables"].items()}
    context = next((step.context for step in steps if step.context), None)
    if not files or context is None:
        return
    try:
        tables = {
            name: pd.read_parquet(file) for name, file in files.items() if "resample" not in read_schema(file).names
        }
        write_workbook(tables, folder / "tables.xlsx", context=context)
    except KamError as error:
        (folder / "tables.xlsx").unlink(missing_ok=True)
        yield f"There is no workbook: {error}"


def _release(path: Path, job: Job) -> None:
    try:
        content = job.release(json.loads(path.read_text(encoding="utf-8")))
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    except (ValueError, KeyError, TypeError):
        path.write_text(job.notebook.text, encoding="utf-8")  # it was cut off while it was written


def _unused_id(root: Path, plan: str, started: datetime) -> str:
    name = f"{started:%Y%m%dT%H%M%SZ}-{plan}"
    n, free = 1, name
    while (root / free).exists() or (root / f"{_PART}{free}").exists():
        n += 1
        free = f"{name}.{n}"
    return free


def _unwritable(root: Path, error: OSError) -> RunError:
    return RunError(
        f"The reports folder cannot be written: {error.strerror or error}.",
        where=str(root),
        hint="Check its permissions and the space on the disk, or give another --out.",
    )
