"""Run a plan: notebooks into reports."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from kam.errors import KamError, RunError
from kam.report.adoption import adopt_steps, keep_record, key_of_step
from kam.report.execution import Job, begin_step
from kam.report.fan_out import spread_fan
from kam.report.history import published_record, read_part
from kam.report.inputs import Inputs, take_inputs
from kam.report.manifest import Manifest, Step, agreed_parameters, installed_versions
from kam.report.notification import Notifier
from kam.report.plan import Plan, PlannedFan, PlannedStep, plan_notebooks
from kam.report.progress import Silence, Watcher
from kam.report.publish import (
    keep_failed,
    left_behind,
    open_run,
    publish_run,
    remove_old_runs,
    run_id,
    start_of,
    steps_with_tables,
    sweep,
    write_folder_pages,
    write_tables,
)
from kam.report.tables_ahead import TablesAhead, write_ahead
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
    notes : tuple of str
        What went wrong after it was published: an old run could not be removed, nobody was notified.
    """

    manifest: Manifest
    folder: Path
    index: Path
    notes: tuple[str, ...] = ()


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
    """Run notebooks side by side and publish their reports: :func:`run_plan` of :func:`kam.report.plan.plan_notebooks`."""
    planned = plan_notebooks(notebooks, parameters=parameters, texts=texts, name=plan, jobs=jobs, start=start)
    return run_plan(planned, out=out, start=start, watcher=watcher)


def run_plan(
    plan: Plan,
    *,
    out: str | os.PathLike[str] = "reports",
    start: Path | None = None,
    adopt: bool = True,
    watcher: Watcher | None = None,
) -> Run:
    """Run the steps of a plan and publish their reports, all of a report or nothing.

    It assumes that

    1. a notebook that declares ``results_dir`` saves its results there, and one that declares ``dataset`` reads that dataset;
    2. a notebook that needs another's results says so in the plan, and reads them from ``run_dir``;
    3. a script that calls it does so under ``if __name__ == "__main__":``, for each worker process imports the script anew.

    Parameters
    ----------
    plan : Plan
        From :func:`kam.report.plan.read_plan` or :func:`kam.report.plan.plan_notebooks`.
    out : path
        The reports folder; made if needed.
    start : pathlib.Path, optional
        The folder from which relative paths and datasets are looked for; by default the working folder. The kernels themselves
        work in empty folders of their own.
    adopt : bool
        Take over the finished steps of a run of the plan that was cut off, where notebook, parameters, data and versions are
        the same; else they are swept.
    watcher : Watcher, optional
        Who is told how far it is.

    Returns
    -------
    Run
        Also where steps failed: look at ``manifest.status``. Failed steps have no report; the index goes on to lead to their last
        good one.

    Raises
    ------
    DataError
        The dataset, or a file of it, cannot be found or read. No kernel was started.
    LockedError
        A run of the same plan is at work.
    RunError
        The reports folder cannot be written, or the run was asked to end (SIGTERM, SIGHUP).
    """
    start = (start or Path.cwd()).resolve()
    root = (start / out).absolute()
    notifier = Notifier(plan.notify, plan=plan.name, root=root)
    try:
        try:
            with _ended_by_signals():
                run = _run_plan(plan, root, start, adopt, _Careful(watcher or Silence()), notifier)
        except _Ended as ended:
            how = f"The run was ended from outside ({signal.Signals(ended.number).name})"
            if notifier.run_id and (root / notifier.run_id).is_dir():
                raise RunError(f"{how} when it was published already.", where=str(root / notifier.run_id)) from None
            raise RunError(
                f"{how}, and nothing of it was published.",
                hint="Run it again: it takes over the steps that were finished.",
            ) from None
    except Exception as error:
        if not (notifier.run_id and (root / notifier.run_id).is_dir()):  # else the next run of the plan tells of it
            notifier.tell_error(error)
        raise
    notifier.tell_run(published_record(run.manifest, root))
    return replace(run, notes=(*run.notes, *notifier.notes))


def _run_plan(plan: Plan, root: Path, start: Path, adopt: bool, watcher: Watcher, notifier: Notifier) -> Run:
    with open_run(root, plan.name, wait=plan.wait) as part, _workers(plan) as workers, TablesAhead(part) as ahead:
        begun = start_of(part)
        slow = begun - datetime.now(UTC)
        versions = installed_versions()
        done = _Done(plan, part, _Datasets(start), versions, watcher, ahead)
        work = done.plan_work(plan.steps)
        notifier.tell_earlier()
        left = left_behind(root, plan.name, part)
        for cut_off in left:
            notifier.tell_cut_off(read_part(cut_off))
        notifier.run_id = run_id(part)
        done.do(work, left if adopt else [], workers)
        for fan in plan.fans:
            done.do(done.plan_work(done.spread(fan)), left if adopt else [], workers)
        for cut_off in left:
            sweep(cut_off)
        ordered = done.steps
        warnings = (*done.warnings, *write_tables(part, ordered, ahead))
        if slow > timedelta():
            warnings = (
                *warnings,
                f"The clock is {slow.total_seconds():.0f} s behind that of the run before; this run is dated after it.",
            )
        write_folder_pages(part, ordered, begun)
        manifest = Manifest(
            run_id=run_id(part),
            plan=plan.name,
            started=begun,
            finished=max(datetime.now(UTC).replace(microsecond=0), begun),
            parameters=agreed_parameters(ordered),
            dataset=next((step.context for step in ordered if step.context), None),
            seed=_seed(plan.steps),
            versions=versions,
            steps=ordered,
            warnings=tuple(warnings),
        )
        notifier.prepare(part)
        folder = publish_run(part, manifest)
    return Run(manifest, folder, root / "index.html", remove_old_runs(root, manifest, plan.keep))


class _Done:
    """What a run has done so far: it takes over what a run that was cut off has finished, and does the rest."""

    def __init__(
        self,
        plan: Plan,
        part: Path,
        datasets: _Datasets,
        versions: Mapping[str, str],
        watcher: Watcher,
        ahead: TablesAhead,
    ) -> None:
        self._plan, self._part, self._datasets, self._versions = plan, part, datasets, versions
        self._watcher, self._ahead = watcher, ahead
        self._work: dict[str, Job] = {}
        self._keys: dict[str, str] = {}
        self._steps: dict[str, Step] = {}
        self.warnings: list[str] = []

    @property
    def steps(self) -> tuple[Step, ...]:
        """Those that are over, in the order of the plan."""
        return tuple(self._steps[name] for name in self._work)

    def plan_work(self, planned: Sequence[PlannedStep]) -> list[str]:
        """The names of the jobs to be done; their datasets are looked for now."""
        new = {step.name: _job(step, self._plan, self._part, self._datasets) for step in planned}
        self._work |= new
        self._keys |= _keys(new, self._work, self._versions)
        return list(new)

    def spread(self, fan: PlannedFan) -> tuple[PlannedStep, ...]:
        """The steps of a notebook that runs once per value that other steps have found."""
        itself = PlannedStep(name=fan.name, notebook=fan.notebook, parameters=fan.parameters, after=fan.after)
        if any(self._steps[name].status != "succeeded" for name in fan.after):
            return (itself,)  # which is not started, and says why
        try:
            steps = spread_fan(fan, self._part, self._before(fan.after))
        except KamError as error:
            self._work[fan.name] = job = _job(itself, self._plan, self._part, self._datasets)
            self._end(job, replace(begin_step(job), error=str(error), attempts=0))
            return ()
        if not steps:
            self.warnings.append(f"{fan.name} was run for nobody: no row of {fan.rows.table} is one to run it for.")
        return steps

    def do(self, names: Sequence[str], left: Sequence[Path], workers: Workers) -> None:
        """Take over what was finished in the runs that were cut off, and run the rest."""
        for cut_off in left:
            for late in (False, True):  # what was made although others failed only where all of them are there now
                wanted = {
                    name: self._keys[name]
                    for name in names
                    if name not in self._steps
                    and (job := self._work[name]).even_if_failed == late
                    and (not late or all(other in self._steps for other in job.after))
                }
                for name, step in adopt_steps(cut_off, self._part, wanted).items():
                    self._end(self._work[name], replace(step, adopted_from=step.adopted_from or run_id(cut_off)))
        jobs = [self._work[name] for name in names if name not in self._steps]
        for job in jobs:
            job.folder.mkdir(parents=True)
        outcome = {name: step.status for name, step in self._steps.items()}
        for job, kind, content in workers.run(jobs, before=outcome):
            if kind == "started":
                self._watcher.started(job.name)
                if job is jobs[-1] and job.after:  # it waited: what has no other work has none till the end
                    self._begin_tables(workers)
            elif kind == "cell":
                self._watcher.advanced(job.name, *content)
            else:
                if content.status == "succeeded":
                    keep_record(self._part, content, self._keys[job.name])
                else:
                    keep_failed(job)
                self._end(job, content)

    def _begin_tables(self, workers: Workers) -> None:
        """Write the workbooks beside the last step, from all others."""
        others = [self._steps[name] for name in self._work if name in self._steps]
        if not self._ahead.is_begun and (tables := steps_with_tables(self._part, others)):
            self._ahead.follow(workers.beside(write_ahead, self._part, tables), tables)

    def _before(self, names: Sequence[str]) -> list[str]:
        """Steps, and those that they waited for, the nearest first."""
        found = list(names)
        for name in found:  # which grows
            found += [other for other in self._work[name].after if other not in found]
        return found

    def _end(self, job: Job, step: Step) -> None:
        self._steps[job.name] = step
        self._watcher.ended(step, self._part.parent / run_id(self._part) / job.name / "report.html")


class _Ended(BaseException):
    """A signal asked the run to end; nothing that handles errors holds it up."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """End in order, kernels first, where this process would have been ended at once; another's handling stays."""

    def end(number: int, frame: FrameType | None) -> None:
        raise _Ended(number)

    ours = threading.current_thread() is threading.main_thread()
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)] if ours else []
    numbers = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    try:
        for number in numbers:
            signal.signal(number, end)
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


class _Careful:
    """Tells a watcher; one that cannot write, for its terminal is gone or its disk full, does not end the run."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def started(self, step: str) -> None:
        with suppress(OSError):
            self._watcher.started(step)

    def advanced(self, step: str, done: int, total: int) -> None:
        with suppress(OSError):
            self._watcher.advanced(step, done, total)

    def ended(self, step: Step, report: Path) -> None:
        with suppress(OSError):
            self._watcher.ended(step, report)


def _workers(plan: Plan) -> Workers:
    return Workers(
        plan.jobs if plan.fans else min(plan.jobs, len(plan.steps)),
        stop_on_failure=plan.stop_on_failure,
        retries=plan.retries,
        seconds=plan.run_seconds,
        warm=len(plan.steps) > 1 or bool(plan.fans),
    )


class _Datasets:
    """The datasets of a run: each looked for, and its files read, once and before any kernel starts."""

    def __init__(self, start: Path) -> None:
        self._start = start
        self._found: dict[tuple[str, str, str], tuple[Path, str, Inputs]] = {}

    def find(self, given: str, *, audience: str, manager: str) -> tuple[Path, str, Inputs]:
        """Path, name and files of a dataset for an audience, of all accounts or of a manager's."""
        key = (given, audience, manager)
        if key not in self._found:
            from kam.dataset import open_dataset

            dataset = open_dataset(given, audience=audience, manager=manager, start=self._start)
            same = next((inputs for path, _, inputs in self._found.values() if path == dataset.path), None)
            self._found[key] = (dataset.path, dataset.name, same or take_inputs(dataset))
        return self._found[key]


def _job(step: PlannedStep, plan: Plan, part: Path, datasets: _Datasets) -> Job:
    """What to do for one step."""
    folder = part / step.name
    settings: dict[str, str] = {"results_dir": str(folder), "run_dir": str(part), "history": str(part.parent)}
    declared = {p.name: p for p in step.notebook.parameters}
    dataset, inputs = None, None
    if "dataset" in declared and isinstance(given := step.parameters.get("dataset", declared["dataset"].value), str):
        asked = {name: parameter.value for name, parameter in declared.items()} | step.parameters
        audience, manager = str(asked.get("audience", "internal")), str(asked.get("manager", ""))
        path, dataset, inputs = datasets.find(given, audience=audience, manager=manager)
        settings["dataset"] = str(path)
    return Job(
        name=step.name,
        notebook=step.notebook,
        parameters=step.parameters,
        settings={name: value for name, value in settings.items() if name in declared},
        dataset=dataset,
        folder=folder,
        started=start_of(part),
        after=step.after,
        even_if_failed=step.even_if_failed,
        inputs=inputs,
        cell_seconds=plan.cell_seconds,
        memory_bytes=plan.memory_bytes,
    )


def _keys(jobs: Mapping[str, Job], work: Mapping[str, Job], versions: Mapping[str, str]) -> dict[str, str]:
    """What the outcome of each job depends on, in a digest; ``work`` has also those that they wait for."""
    keys: dict[str, str] = {}

    def key_of(job: Job) -> str:
        if job.name not in keys:
            step = begin_step(job)
            keys[job.name] = key_of_step(
                notebook_sha256=step.notebook_sha256,
                parameters=step.parameters,
                inputs_sha256=step.inputs_sha256,
                versions=versions,
                before={name: key_of(work[name]) for name in job.after},
            )
        return keys[job.name]

    for job in jobs.values():
        key_of(job)
    return keys


def _seed(steps: Sequence[PlannedStep]) -> int | None:
    """The seed of the first step that has one: what was asked for, else its notebook's default."""
    for step in steps:
        for parameter in step.notebook.parameters:
            if parameter.name == "seed" and isinstance(seed := step.parameters.get("seed", parameter.value), int):
                return seed
    return None
