"""How a run reaches its readers: written beside its place, moved there in one step, the index last.

A reports folder holds ``index.html``, one folder per run, and for the runner's own use ``.part-<run-id>`` (a run at work, or
one that was cut off), ``.gone-<run-id>`` (a run that is being removed) and ``.locks``.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from kam.disclosure import WITHHELD
from kam.errors import KamError, LockedError, RunError
from kam.report.adoption import RECORDS, drop_records, has_records
from kam.report.execution import Job
from kam.report.index import render_folder, render_index
from kam.report.manifest import Manifest, Step, read_runs, write_manifest
from kam.report.plan import Retention
from kam.report.retention import GONE, choose_runs, remove_runs, sweep_gone

if TYPE_CHECKING:
    from kam.report.tables_ahead import TablesAhead

LONGEST_PANEL = 10_000
"""Rows up to which a panel of accounts by period or term is a sheet of the workbook."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_GRACE = 0.3  # seconds: `kam runs` may have a look at the lock just then

PART = ".part-"
"""What the name of a folder begins with in which a run is written; the run's id follows."""
STAMP = r"\d{8}T\d{6}Z"
"""What the id of a run begins with; its plan's name follows."""


@contextmanager
def open_run(root: Path, plan: str, started: datetime | None = None, *, wait: bool = False) -> Iterator[Path]:
    """The folder in which a run of this plan is written, its name ``.part-`` and the run's id.

    Unless it is published it is removed; but where steps are finished it stays, and the next run of the plan takes them over.

    Parameters
    ----------
    root : pathlib.Path
        The reports folder.
    plan : str
        Name of the plan.
    started : datetime.datetime, optional
        When the run began, UTC; by default the moment at which it has its turn. Where a run is there that began later, for the
        clock was set back, a second after that one: the newest run is always the last by name.
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

    lock = FileLock(plan_lock(root, plan), timeout=-1 if wait else _GRACE)
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
        try:
            _sweep_rest(root)
            part = root / f"{PART}{_unused_id(root, plan, _not_before(root, started or datetime.now(UTC)))}"
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


def plan_lock(root: Path, plan: str) -> Path:
    """The file that a run of the plan holds while it is at work."""
    return root / ".locks" / f"plan-{plan}.lock"


def left_behind(root: Path, plan: str, part: Path) -> list[Path]:
    """Folders of earlier runs of the plan that were cut off, newest first; the caller holds the plan's lock."""
    form = re.compile(re.escape(PART) + STAMP + "-" + re.escape(plan) + r"(\.\d+)?")
    return [path for path in unpublished(root) if form.fullmatch(path.name) and path != part]


def unpublished(root: Path) -> list[Path]:
    """Folders of runs at work, and of those that were cut off, newest first; a link to another place is none."""
    return sorted((path for path in root.glob(f"{PART}*") if path.is_dir() and not path.is_symlink()), reverse=True)


def sweep(left: Path) -> None:
    """Remove what is left of a run that was cut off."""
    shutil.rmtree(left, ignore_errors=True)


def run_id(part: Path) -> str:
    """The id of the run that is written in this folder."""
    return part.name.removeprefix(PART)


def start_of(part: Path) -> datetime:
    """When the run that is written in this folder began, to the second, UTC."""
    return _read_stamp(run_id(part))


def publish_run(part: Path, manifest: Manifest) -> Path:
    """Move a finished run into its place and bring the index up to date.

    Readers see the run before or after, never in between; where anything fails, what was published before stays as it was, and
    the run's folder is what it was, for the next run to take over.

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
        with ThreadPoolExecutor(8) as pool:  # a disk that is asked for many at once takes a quarter of the time
            list(pool.map(_settle, part.rglob("*")))
        _settle(part)
        with FileLock(root / ".locks" / "index.lock"):
            part.rename(place)
            try:
                write_index(root)
            except BaseException:  # also when someone ends it just then
                place.rename(part)
                raise
    except OSError as error:
        raise _unwritable(root, error) from error
    drop_records(place)  # not before: until it is published they are what the next run takes over
    return place


def remove_old_runs(root: Path, manifest: Manifest, keep: Retention) -> tuple[str, ...]:
    """Remove what a plan does not keep, after a run of it was published.

    First the index is written without these runs, then they are put aside: it never leads to what is not there.

    Returns
    -------
    tuple of str
        Why a run could not be removed: the next run of the plan tries again.
    """
    from filelock import FileLock

    if keep.runs is None and keep.days is None:
        return ()
    try:
        with FileLock(root / ".locks" / "index.lock"):
            going = choose_runs(read_runs(root)[0], newest=manifest, keep=keep)
            if going:
                write_index(root, without=going)
            return remove_runs(root, going)
    except OSError as error:
        return (f"Old runs could not be removed: {error.strerror or error}.",)


def write_index(root: Path, *, without: Collection[str] = ()) -> Path:
    """Write ``index.html`` anew from the manifests of all runs, or all but some, in one step."""
    written = root / ".index.html.part"
    try:
        written.write_text(render_index(root, without=without), encoding="utf-8")
        _settle(written)
        index = written.replace(root / "index.html")
    except BaseException:
        with suppress(OSError):
            written.unlink()
        raise
    _settle(root)
    return index


def _settle(path: Path) -> None:
    """Have what was written on the disk, so that also a machine that loses power has all of a run or nothing."""
    if sys.platform == "win32":  # which cannot open a folder
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keep_failed(job: Job) -> None:
    """Leave of a failed step its notebook, as far as it came, and ``error.txt``: half results are no results.

    Of one that was to be shared nothing is left: what it said may name whom it must not.
    """
    for path in job.folder.iterdir():
        if job.is_shared and path.is_file():
            path.unlink()
        elif path.name == "notebook.ipynb":
            _release(path, job)
            path.rename(job.folder / "failed.ipynb")
        elif path.is_dir():
            shutil.rmtree(path)
        elif path.name != "error.txt":
            path.unlink()
    if not any(job.folder.iterdir()):  # it was never started, or nothing of it is to be seen
        job.folder.rmdir()
        if "/" in job.name and not any(job.folder.parent.iterdir()):
            job.folder.parent.rmdir()


def write_tables(part: Path, steps: tuple[Step, ...], ahead: TablesAhead | None = None) -> tuple[str, ...]:
    """Write one workbook ``tables.xlsx`` with every table that the steps saved, and one into each folder of a plan's values.

    Reports of a register (:meth:`kam.results.Result.labels`) get none: there are many, and what they show stands in the others'.
    Resamples, and long panels of accounts by period or term, stay in their Parquet files: they are material for further
    computing, not to be read.

    Parameters
    ----------
    part : pathlib.Path
        The folder in which the run is written.
    steps : tuple of Step
        Those that are over.
    ahead : TablesAhead, optional
        What may have been written already.

    Returns
    -------
    tuple of str
        Why there is no workbook, if a table does not fit into one: the reports stand without it.
    """
    tables = steps_with_tables(part, steps)
    if ahead is not None and ahead.take(tables):
        return ()
    return tuple(
        reason
        for folder, own in tables.items()
        for reason in write_workbook_of(folder, own, part, to=folder / "tables.xlsx")
    )


def steps_with_tables(part: Path, steps: Iterable[Step]) -> dict[Path, list[Step]]:
    """The steps that have tables to be read, by the folder in which their workbook belongs."""
    folders: dict[Path, list[Step]] = {}
    for step in steps:
        if step.status == "succeeded" and not step.labels and (part / step.name / "results.json").is_file():
            folders.setdefault((part / step.name).parent, []).append(step)
    return folders


def is_material(columns: Collection[str], n_rows: int) -> bool:
    """Whether a table is material for further computing rather than to be read.

    >>> is_material(["customer_id", "period", "tier"], 40_000), is_material(["customer_id", "tier"], 40_000)
    (True, False)
    """
    is_panel = "customer_id" in columns and bool({"period", "term"} & set(columns))
    return "resample" in columns or (is_panel and n_rows > LONGEST_PANEL)


def write_folder_pages(part: Path, steps: tuple[Step, ...], started: datetime) -> None:
    """Write an ``index.html`` into each folder of a plan's values, so that it can be handed over by itself.

    A report of a register is alone in its folder and needs none.
    """
    folders: dict[Path, list[Step]] = {}
    for step in steps:
        if (part / step.name / "report.html").is_file() and (part / step.name).parent != part and not step.labels:
            folders.setdefault((part / step.name).parent, []).append(step)
    for folder, own in folders.items():
        (folder / "index.html").write_text(render_folder(folder, own, started), encoding="utf-8")


def write_workbook_of(folder: Path, steps: Sequence[Step], part: Path, *, to: Path) -> Iterator[str]:
    """Write the workbook of the steps of this folder; yield what a reader should know, or why there is none."""
    import pandas as pd
    from pyarrow.parquet import read_metadata
    from xlsxwriter.exceptions import FileCreateError

    from kam.results import read_results_json
    from kam.tables import write_workbook

    shared = [step for step in steps if step.context and step.context.audience == "shared"]
    if shared and len(shared) < len(steps):
        yield "The workbook has the tables of the shared reports only: those with names do not belong beside them."
        steps = shared
    files: dict[str, Path] = {}
    for step in steps:
        for key, entry in read_results_json(part / step.name / "results.json")["results"].items():
            files |= {f"{key}.{table}": part / step.name / "tables" / file for table, file in entry["tables"].items()}
    context = next((step.context for step in steps if step.context), None)
    if not files or context is None:
        return
    try:
        tables = {
            name: pd.read_parquet(file)
            for name, file in files.items()
            if not is_material((found := read_metadata(file)).schema.to_arrow_schema().names, found.num_rows)
        }
        tables = {name: frame for name, frame in tables.items() if WITHHELD not in frame.attrs}
        write_workbook(tables, to, context=context)
    except KamError as error:
        to.unlink(missing_ok=True)
        yield f"There is no workbook: {error}"
    except FileCreateError as error:  # an OSError in another dress
        raise error.args[0] from None


def _release(path: Path, job: Job) -> None:
    try:
        content = job.release(json.loads(path.read_text(encoding="utf-8")))
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    except (ValueError, KeyError, TypeError):
        path.write_text(job.notebook.text, encoding="utf-8")  # it was cut off while it was written


def _sweep_rest(root: Path) -> None:
    """Remove what runs that were cut off while they were published, or while they removed old ones, have left."""
    sweep_gone(root)
    for records in root.glob(f"[!.]*/{RECORDS}"):
        drop_records(records.parent)


def _not_before(root: Path, moment: datetime) -> datetime:
    """This moment, or a second after the latest run began: the clock may have been set back."""
    latest = [_read_stamp(path.name) for path in root.iterdir() if re.match(rf"{STAMP}-", path.name)]
    moment = moment.replace(microsecond=0)
    return max(latest) + timedelta(seconds=1) if latest and max(latest) > moment else moment


def _read_stamp(name: str) -> datetime:
    try:
        return datetime.strptime(name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:  # digits, and yet no time
        return datetime.min.replace(tzinfo=UTC)


def _unused_id(root: Path, plan: str, started: datetime) -> str:
    name = f"{started:%Y%m%dT%H%M%SZ}-{plan}"
    form = re.compile(f"({re.escape(PART)}|{re.escape(GONE)})?{re.escape(name)}(?:\\.(\\d+))?", re.IGNORECASE)
    taken = [int(found[2] or 1) for path in root.iterdir() if (found := form.fullmatch(path.name))]
    return (
        f"{name}.{max(taken) + 1}" if taken else name
    )  # one that was removed is not given again: the newest sorts last


def _unwritable(root: Path, error: OSError) -> RunError:
    return RunError(
        f"The reports folder cannot be written: {error.strerror or error}.",
        where=str(error.filename or root),
        hint="Check its permissions and the space on the disk, or give another --out.",
    )
