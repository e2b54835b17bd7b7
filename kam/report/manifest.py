"""The manifest of a run, ``run.json``: what ran, on what, with what, and how it ended.

``schema_version`` 1. Times are UTC, ISO 8601. ``steps`` has one entry per notebook, in the order they were asked for, each with
its ``status``; ``error`` says in plain words why a step failed. The manifest is the last file of a run to be written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kam.disclosure import Audience
from kam.errors import ParameterError, ResultsError
from kam.redaction import redact_all
from kam.report.notebook import folder_name
from kam.results import Context, KeyFigure

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA_VERSION = 1
Status = Literal["succeeded", "failed", "skipped"]

_PACKAGES = (
    "kam", "pandas", "numpy", "ibis-framework", "duckdb", "scipy", "statsmodels", "scikit-learn", "matplotlib",
    "great-tables", "papermill", "nbconvert", "ipykernel",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Step:
    """One notebook of a run and how it ended.

    Attributes
    ----------
    name : str
        The folder of the step in the run's folder; ``<values>/<notebook>`` where a notebook ran once per value.
    title : str
        The report's question.
    notebook_sha256 : str
        Digest of the notebook that ran.
    status : {"succeeded", "failed", "skipped"}
        A failed step has no report; one that waited for a failed one was skipped.
    seconds : float
        How long it took.
    parameters : dict
        What was asked for, as JSON has it; what a notebook's own default gave stands in the notebook.
    after : tuple of str
        The steps that it waited for.
    attempts : int
        How often it was tried.
    inputs_sha256 : str, optional
        Digest of the files that its dataset read.
    adopted_from : str, optional
        The run that was cut off in which it was made.
    dataset : str, optional
        The dataset's name: the notebook's results name it; where there are none, the parameter does.
    context : kam.results.Context, optional
        Where the results come from.
    answer : str, optional
        What the answer card says.
    key_figures : tuple of kam.results.KeyFigure
        The figures of the answer card.
    labels : dict of str to str
        By what the index finds it among many like it: the first names it, the others group it.
    error : str, optional
        Why it failed, in plain words.
    warnings : tuple of str
        What the reader of the manifest should know: a report that is too large, a figure without a description.
    """

    name: str
    title: str
    notebook_sha256: str
    status: Status
    seconds: float = 0.0
    dataset: str | None = None
    context: Context | None = None
    answer: str | None = None
    key_figures: tuple[KeyFigure, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    error: str | None = None
    warnings: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    attempts: int = 1
    inputs_sha256: str | None = None
    adopted_from: str | None = None

    @property
    def audience(self) -> Audience:
        """Who may read its report: as its results say, or as was asked for where there are none."""
        if self.context:
            return self.context.audience
        return "shared" if self.parameters.get("audience") == "shared" else "internal"

    @property
    def report(self) -> tuple[str, str | None, str]:
        """Which report it makes: of several with the same name, dataset and audience the newest counts."""
        return self.name, self.dataset, self.audience


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One run.

    Attributes
    ----------
    run_id : str
        The run's folder: a sortable UTC stamp and the plan's name.
    plan : str
        Name of the plan; a run of one notebook has the notebook's.
    started, finished : datetime.datetime
        UTC.
    parameters : dict
        What was asked for of every step that has the parameter, as JSON has it; what differs stands with each step.
    dataset : kam.results.Context, optional
        Name, as-of date and fingerprint of the data, from the first step with results.
    seed : int, optional
        The seed of the steps, where they have one.
    versions : dict of str to str
        Of Python, kam and what computes and renders.
    steps : tuple of Step
        The notebooks.
    warnings : tuple of str
        What is missing though no step failed: the workbook.
    """

    run_id: str
    plan: str
    started: datetime
    finished: datetime
    parameters: dict[str, Any]
    dataset: Context | None
    seed: int | None
    versions: dict[str, str]
    steps: tuple[Step, ...]
    warnings: tuple[str, ...] = ()
    schema_version: int = SCHEMA_VERSION

    @property
    def status(self) -> Literal["succeeded", "failed"]:
        """A run succeeded when every step did."""
        return "succeeded" if all(step.status == "succeeded" for step in self.steps) else "failed"


def agreed_parameters(steps: Iterable[Step]) -> dict[str, Any]:
    """Those that have the same value in every step that has them: what differs from step to step belongs to no run.

    >>> steps = [Step(name=n, title=n, notebook_sha256="", status="succeeded", parameters={"k": 3, "id": n}) for n in "ab"]
    >>> agreed_parameters(steps)
    {'k': 3}
    """
    values: dict[str, list[Any]] = {}
    for step in steps:
        for name, value in step.parameters.items():
            values.setdefault(name, []).append(value)
    return {name: given[0] for name, given in values.items() if all(value == given[0] for value in given)}


def installed_versions() -> dict[str, str]:
    """Version of Python, of kam and of the packages that compute and render."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def write_step(step: Step, file: Path) -> None:
    """Write one step as JSON, in one move."""
    from pydantic_core import to_json

    part = file.with_suffix(".part")
    part.write_bytes(to_json(redact_all(asdict(step)), indent=1))
    part.replace(file)


def read_step(file: Path) -> Step:
    """The step that :func:`write_step` wrote.

    Raises
    ------
    kam.errors.ResultsError
        It is missing or damaged.
    """
    from pydantic import ValidationError

    try:
        step: Step = _adapter(Step).validate_python(json.loads(file.read_text(encoding="utf-8")))
        return step
    except (OSError, ValueError, ValidationError) as error:
        raise ResultsError("The record of a step cannot be read.", where=str(file)) from error


def write_manifest(manifest: Manifest, folder: Path) -> Path:
    """Write ``run.json`` into the folder of a run."""
    from pydantic_core import to_json

    file = folder / "run.json"
    part = folder / "run.json.part"
    part.write_bytes(to_json(redact_all({"status": manifest.status, **asdict(manifest)}), indent=1))
    part.replace(file)
    return file


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the run in a folder.

    Raises
    ------
    kam.errors.ResultsError
        It is missing, damaged, or of another schema version.
    """
    from pydantic import ValidationError

    file = folder / "run.json"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema version {content['schema_version']}; this kam reads {SCHEMA_VERSION}")
        manifest: Manifest = _adapter(Manifest).validate_python(content)
        if manifest.run_id != folder.name or any(not _is_tame(step.name) for step in manifest.steps):
            raise ValueError("it names other folders than its own")
        if manifest.started.tzinfo is None or manifest.finished.tzinfo is None:
            raise ValueError("its times have no time zone")
        for context in (manifest.dataset, *(step.context for step in manifest.steps)):
            _ = context and context.wording  # a language that nobody speaks is an error here, not on the index
        return manifest
    except (OSError, ValueError, KeyError, TypeError, ParameterError) as error:
        reason = f"{error.error_count()} fields are wrong" if isinstance(error, ValidationError) else str(error)
        raise ResultsError(
            f"The record of a run cannot be read ({reason}).",
            where=str(file),
            hint="Move the folder away, or run it again.",
        ) from error


def read_runs(root: Path) -> tuple[list[Manifest], dict[str, ResultsError]]:
    """The published runs of a reports folder.

    Returns
    -------
    list of Manifest
        Newest first.
    dict of str to ResultsError
        What is wrong with those that cannot be read, by the name of their folder, newest first.
    """
    runs, damaged = [], {}
    for folder in sorted((path.parent for path in root.glob("[!.]*/run.json")), reverse=True):
        try:
            runs.append(read_manifest(folder))
        except ResultsError as error:
            damaged[folder.name] = error
    return sorted(runs, key=lambda run: (run.started, run.run_id), reverse=True), damaged


@lru_cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _is_tame(name: str) -> bool:
    """Whether a step's name leads to a folder in the run's, or in one of its folders."""
    parts = name.split("/")
    return len(parts) <= 2 and all(part == folder_name(part) for part in parts)
