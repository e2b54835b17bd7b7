"""Run notebooks into reports."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kam.errors import ParameterError
from kam.report.execution import Job
from kam.report.manifest import Manifest, Step, installed_versions
from kam.report.notebook import SET_BY_RUNNER, Notebook, find_notebook, folder_name
from kam.report.parameters import bind_parameters, unknown_parameter
from kam.report.progress import Silence, Watcher
from kam.report.publish import keep_failed, open_run, publish_run, run_id, write_tables
from kam.report.workers import Workers


@dataclass(frozen=True)
class Run:
    """A run that is over.

    Attributes
    ----------
    manifest : Manifest
        What ran and how it ended.
    folder : pathlib.Path
        Where it lies.
    index : pathlib.Path
        The page that leads to all reports.
    """

    manifest: Manifest
    folder: Path
    index: Path


def run_notebooks(
    notebooks: Sequence[str | os.PathLike[str]],
    *,
    parameters: Mapping[str, object] | None = None,
    texts: Mapping[str, str] | None = None,
    out: str | os.PathLike[str] = "reports",
    jobs: int = 2,
    plan: str | None = None,
    start: Path | None = None,
    watcher: Watcher | None = None,
) -> Run:
    """Run notebooks side by side and publish their reports.

    It assumes that

    1. a notebook that declares ``results_dir`` saves its results there, and one that declares ``dataset`` reads that dataset;
    2. notebooks of one run do not wait for one another;
    3. a script that calls it does so under ``if __name__ == "__main__":``, for each worker process imports the script anew.

    Parameters
    ----------
    notebooks : sequence of str or path
        Paths, names or numbers (:func:`kam.report.notebook.find_notebook`).
    parameters : mapping, optional
        Typed values, as from YAML. Each goes to the notebooks that declare it; one that none declares is an error.
    texts : mapping, optional
        Values as typed on a command line, read by the declared type; they go before ``parameters``.
    out : path
        The reports folder; made if needed.
    jobs : int
        How many notebooks run at the same time.
    plan : str, optional
        Name of the run; by default the notebook's, of several ``adhoc``.
    start : pathlib.Path, optional
        The folder from which relative paths and datasets are looked for; by default the working folder. The kernels themselves
        work in empty folders of their own.
    watcher : Watcher, optional
        Who is told how far it is.

    Returns
    -------
    Run
        Also where steps failed: look at ``manifest.status``. Failed steps have no report; the index goes on to lead to their last
        good one.

    Raises
    ------
    ParameterError
        A parameter is unknown, missing or of the wrong type. No kernel was started.
    DataError
        A notebook or the dataset cannot be found or read. No kernel was started.
    LockedError
        A run of the same plan is at work.
    RunError
        The reports folder cannot be written.
    """
    from pydantic_core import to_jsonable_python

    start = (start or Path.cwd()).resolve()
    found = [find_notebook(name, start=start) for name in notebooks]
    if jobs < 1:
        raise ParameterError(f"At least one notebook has to run at a time, not {jobs}.")
    _raise_for_doubles(found)
    bound = _bind(found, parameters or {}, texts or {})
    plan = folder_name(plan or (found[0].step if len(found) == 1 else "adhoc"))
    root = (start / out).absolute()
    watcher = watcher or Silence()
    begun = datetime.now(UTC).replace(microsecond=0)
    with open_run(root, plan, begun) as part, Workers(min(jobs, len(found))) as workers:
        work = [_job(notebook, values, part, root, start, begun) for notebook, values in zip(found, bound, strict=True)]
        steps: dict[str, Step] = {}
        for job, kind, content in workers.run(work):
            name = job.notebook.step
            if kind == "started":
                watcher.started(name)
            elif kind == "cell":
                watcher.advanced(name, *content)
            else:
                steps[name] = content
                if content.status == "failed":
                    keep_failed(job)
                watcher.ended(content, root / run_id(part) / name / "report.html")
        ordered = tuple(steps[notebook.step] for notebook in found)
        warnings = write_tables(part, ordered)
        manifest = Manifest(
            run_id=run_id(part),
            plan=plan,
            started=begun,
            finished=datetime.now(UTC).replace(microsecond=0),
            parameters=to_jsonable_python({name: value for values in bound for name, value in values.items()}),
            dataset=next((step.context for step in ordered if step.context), None),
            seed=_seed(found, bound),
            versions=installed_versions(),
            steps=ordered,
            warnings=warnings,
        )
        folder = publish_run(part, manifest)
    return Run(manifest, folder, root / "index.html")


def _raise_for_doubles(notebooks: Sequence[Notebook]) -> None:
    if not notebooks:
        raise ParameterError("There is no notebook to run.", hint="Name one, as in `kam run 10`.")
    names = [notebook.step for notebook in notebooks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ParameterError(
            f"Two notebooks are named {twice[0]!r}.", hint="Run them one after the other, or rename one."
        )


def _bind(
    notebooks: Sequence[Notebook], parameters: Mapping[str, object], texts: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The checked values for each notebook; each name has to be declared by one of them."""
    where = ", ".join(notebook.path.name for notebook in notebooks)
    known = {p.name for notebook in notebooks for p in notebook.parameters} - set(SET_BY_RUNNER)
    for name in [*parameters, *texts]:
        if name in SET_BY_RUNNER:
            raise ParameterError(
                f"Parameter {name!r} is set by the run itself.", hint="Give --out to choose the folder."
            )
        if name not in known:
            raise unknown_parameter(name, known, where=where)
    bound = []
    for notebook in notebooks:
        own = {p.name for p in notebook.parameters}
        bound.append(
            bind_parameters(
                [p for p in notebook.parameters if p.name not in SET_BY_RUNNER],
                texts={name: text for name, text in texts.items() if name in own},
                values={name: value for name, value in parameters.items() if name in own},
                where=notebook.path.name,
            )
        )
    return bound


def _job(notebook: Notebook, values: dict[str, Any], part: Path, root: Path, start: Path, begun: datetime) -> Job:
    """What to do for one notebook; its dataset is looked for before any kernel starts."""
    folder = part / notebook.step
    settings: dict[str, Any] = {"results_dir": str(folder), "run_dir": str(part), "history": str(root)}
    declared = {p.name: p for p in notebook.parameters}
    dataset = None
    if "dataset" in declared and isinstance(given := values.get("dataset", declared["dataset"].value), str):
        from kam.dataset import open_dataset

        opened = open_dataset(given, start=start)
        settings["dataset"], dataset = str(opened.path), opened.name
    folder.mkdir()
    settings = {name: value for name, value in settings.items() if name in declared}
    return Job(notebook=notebook, parameters=values, settings=settings, dataset=dataset, folder=folder, started=begun)


def _seed(notebooks: Sequence[Notebook], bound: Sequence[dict[str, Any]]) -> int | None:
    """The seed of the first notebook that has one: what was asked for, else its default."""
    for notebook, values in zip(notebooks, bound, strict=True):
        for parameter in notebook.parameters:
            if parameter.name == "seed" and isinstance(seed := values.get("seed", parameter.value), int):
                return seed
    return None
