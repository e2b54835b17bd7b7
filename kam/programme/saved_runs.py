"""Runs that are to be compared: what they found, and how it was made.

The record of a run, ``run.json``, says which notebooks ran, with which parameters and versions; a run at work has a record
of each step that is finished. Either may be missing, and a result may be damaged or written by another version: what cannot be
read is listed with its reason and stops nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import Any

from kam.errors import KamError, ResultsError
from kam.programme.run_results import read_contexts
from kam.results import Context, Result, load_result, published_runs, read_results_json

COMPARED = (
    "key_accounts",
    "tier_migration",
    "churn_forecast",
    "customer_value",
    "sales_quality",
    "risks",
    "estimates",
    "abc_xyz",
    "rfm",
)
"""Results that two runs are compared by; the last two only say which accounts there are."""

RECORD_VERSION = 1
"""Schema version of ``run.json`` that is read."""

_COMPUTING = (
    *("python", "kam", "pandas", "numpy", "ibis-framework", "duckdb", "scipy", "statsmodels", "scikit-learn"),
)
_OF_THE_DATA = ("dataset", "audience", "manager", "results_dir", "run_dir", "history")


@dataclass(frozen=True, kw_only=True)
class StepMaking:
    """How a step was made: the name of its own folder, the digest of its notebook, and the parameters that it was given."""

    name: str
    notebook_sha256: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class SavedRun:
    """What a run found, and how.

    Attributes
    ----------
    run : str
        Name of its folder.
    results : dict of str to Result
        Those that runs are compared by, by key.
    steps : dict of str to StepMaking
        The step that made each.
    versions : dict of str to str
        Of what computes; empty where there is no record.
    problems : tuple of (str, str)
        Key of a result, or name of a step, that cannot be read, and why.
    """

    run: str
    results: dict[str, Result]
    steps: dict[str, StepMaking]
    versions: dict[str, str]
    problems: tuple[tuple[str, str], ...] = ()


def read_run(run_dir: str | os.PathLike[str], *, context: Context | None = None) -> SavedRun:
    """Read of a run, or of one of its steps, what it can be compared by.

    Parameters
    ----------
    run_dir : path
        The folder of a run, published or at work, or of one step.
    context : Context, optional
        Only results of its dataset and audience; by default all.

    Returns
    -------
    SavedRun

    Raises
    ------
    ResultsError
        There is no such folder, or no results are in it; or none that this kam reads, and the reason is that of the first.
    """
    folder = Path(run_dir)
    files = [folder / "results.json"] if (folder / "results.json").is_file() else sorted(folder.glob("*/results.json"))
    if context is not None and not any(_is_about(file, context) for file in files):
        deeper = sorted(folder.glob("*/*/results.json"))  # where a run has a folder for every manager
        files += [file for file in deeper if _is_about(file, context)]
    if not files:
        raise ResultsError("There are no results.", where=str(folder), hint="Give the folder of a run that has ended.")
    is_step = files[0].parent == folder
    root = folder.parent if is_step else folder
    record, versions, problems = _read_record(root)
    results: dict[str, Result] = {}
    steps: dict[str, StepMaking] = {}
    errors: list[KamError] = []
    for file in files:
        step = file.parent.name
        try:
            keys = [key for key in read_results_json(file)["results"] if key in COMPARED]
        except ResultsError as error:
            errors.append(error)
            problems.append((step, error.what))
            continue
        for key in keys:
            try:
                result = load_result(file.parent, key)
            except ResultsError as error:
                errors.append(error)
                problems.append((key, error.what))
                continue
            if context is None or _is_alike(result.context, context):
                made = record.get(file.parent.relative_to(root).as_posix(), StepMaking(name=step))
                results[key], steps[key] = result, made
    if not results and errors:
        raise errors[0]
    return SavedRun(run=folder.name, results=results, steps=steps, versions=versions, problems=tuple(problems))


def find_previous_run(history: str | os.PathLike[str], *, now: SavedRun, context: Context) -> SavedRun | None:
    """The run to compare with: the newest with the same notebooks and dataset, for the same readers, up to an earlier day.

    Where no run counts the data up to an earlier day, the newest one of the same day; where none has all of the notebooks, the
    newest that has one. Runs that cannot be read are passed over.

    Parameters
    ----------
    history : path
        The reports folder; empty: none.
    now : SavedRun
        The run that is compared; it is not its own predecessor.
    context : Context
        Dataset, audience and as-of day.

    Returns
    -------
    SavedRun or None
        None: there is no such run.
    """
    wanted = {step.name for step in now.steps.values()}
    today = context.as_of.isoformat() if context.as_of else "~"
    best: tuple[bool, bool] | None = None
    chosen = None
    for folder in reversed(published_runs(history)):
        days = {} if folder.name == now.run else _days_of(folder, wanted, context)
        shared = [day for name, day in days.items() if name in wanted]
        if not shared or max(shared) > today:
            continue
        rank = (len(shared) == len(wanted), max(shared) < today)
        if best is None or rank > best:
            try:
                best, chosen = rank, read_run(folder, context=context)
            except ResultsError:
                continue  # damaged, or of another version
        if best == (True, True):
            break
    return chosen


def method_settings(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that say how, not of what and not where to.

    >>> method_settings({"dataset": "sample", "min_certainty": 0.6})
    {'min_certainty': 0.6}
    """
    return {name: value for name, value in parameters.items() if name not in _OF_THE_DATA}


# -- inside ----------------------------------------------------------------------------------------------------------


def _is_alike(one: Context, other: Context) -> bool:
    return (one.dataset, one.audience) == (other.dataset, other.audience)


def _is_about(file: Path, context: Context) -> bool:
    try:
        return (context.dataset, context.audience) in read_contexts(file)
    except ResultsError:
        return False  # what is wrong with it is said where it is read


def _days_of(folder: Path, steps: Collection[str], context: Context) -> dict[str, str]:
    """The as-of day of each of these steps that has something to compare, of this dataset and for these readers."""
    days = {}
    for file in [
        file
        for name in steps
        for file in (*folder.glob(f"{name}/results.json"), *folder.glob(f"*/{name}/results.json"))
    ]:
        try:
            entries = read_results_json(file)["results"]
            for key, entry in entries.items():
                said = entry["context"]
                if key in COMPARED and (said["dataset"], said["audience"]) == (context.dataset, context.audience):
                    days[file.parent.name] = str(said["as_of"]["date"]) if said["as_of"] else ""
        except (ResultsError, KeyError, TypeError, AttributeError):
            continue  # such a run is no predecessor
    return days


def _read_record(folder: Path) -> tuple[dict[str, StepMaking], dict[str, str], list[tuple[str, str]]]:
    """Each step by its folder's name, versions of what computes, and what is wrong with the record."""
    try:
        if (folder / "run.json").is_file():
            content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            if content["schema_version"] != RECORD_VERSION:
                said = content["schema_version"]
                return {}, {}, [("run.json", f"It has schema version {said}; this kam reads version {RECORD_VERSION}.")]
            versions = {name: str(content["versions"][name]) for name in _COMPUTING if name in content["versions"]}
            return _by_name(content["steps"]), versions, []
        records = [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob(".finished/*.json")]
        return _by_name(records), _installed() if records else {}, []
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}, {}, [("run.json", "The record of the run cannot be read.")]


def _by_name(records: list[dict[str, Any]]) -> dict[str, StepMaking]:
    return {
        one["name"]: StepMaking(
            name=Path(one["name"]).name, notebook_sha256=one["notebook_sha256"], parameters=dict(one["parameters"])
        )
        for one in records
    }


def _installed() -> dict[str, str]:
    found = {"python": python_version()}
    for package in _COMPUTING[1:]:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
