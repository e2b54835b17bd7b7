"""Plans: what to run, on what, with which parameters, and what to do when something goes wrong.

A plan is a YAML file, by custom ``plans/<name>.yaml``::

    parameters: {dataset: sample, seed: 7}     # to every notebook that declares them
    steps:
      - notebook: 10                           # a path, a name or a number
      - notebook: 20
        after: [10_customer_identification]    # starts when those have succeeded
      - notebook: 10
        name: by_region
        parameters: {segment: region}
        for_each: {by_group: [true, false]}    # once per value, each in a folder of its own
      - notebook: 50
        after: [10_customer_identification]
        for_each: key_accounts                 # once per key account, as that step finds them
    run_minutes: 60                            # limits: of the run, of each cell, of a kernel's memory
    cell_minutes: 10
    memory_gb: 4
    on_failure: continue                       # or stop: no step starts after one has failed
    retries: 1
    if_running: wait                           # or refuse
    keep: {runs: 12}                           # older runs go, never the last good report
    notify: {command: ["mail-to", "kam@example.com"]}

Everything in it is checked before a kernel starts: keys, notebooks, parameters and their types, circles.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from kam.dataset.secrets import find_exposed
from kam.dataset.yaml_files import Key, Kind, Section, nearest, read_sections
from kam.errors import ParameterError, PlanError, UnreadableFileError
from kam.report.notebook import SET_BY_RUNNER, Notebook, find_notebook, folder_name
from kam.report.parameters import bind_parameters, raise_for_secrets, unknown_parameter

ALL = "all"
"""As the value of ``for_each: {manager: all}``: every manager of the account file."""
KEY_ACCOUNTS = "key_accounts"
"""As ``for_each:``, or as the value of one of its parameters: every key account that a step before it finds."""
FOR_EVERY_NOTEBOOK = ("audience", "manager")
"""Parameters that say who may read a report: a notebook that does not know them is refused, not run without."""

Number = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Retention(Section):
    """Which runs of the plan stay."""

    runs: Count | None = Field(default=None, description="How many of the newest runs stay.")
    days: Number | None = Field(default=None, description="Runs that ended longer ago than so many days go.")


class Notification(Section):
    """Whom to tell."""

    command: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = Field(
        description="Program and arguments, as a list; it gets the facts as JSON on its standard input."
    )
    on: Literal["failure", "always"] = Field(default="failure", description="When it is called.")


def _check_table(name: str) -> str:
    if not re.fullmatch(r"\w+\.\w+", name):
        raise ValueError("is no table of a result. Allowed: result and table, as key_accounts.accounts.")
    return name


class Rows(Section):
    """Values that a step before it finds: a column of a table of its results."""

    table: Annotated[str, AfterValidator(_check_table)] = Field(
        description="Result and table, as key_accounts.accounts: the names that results.json has."
    )
    column: str | None = Field(default=None, description="The column; by default it is called like the parameter.")
    where: str | None = Field(
        default=None, description="Which rows, as pandas' query has it: \"tier == 'A' and profit < 0\"; by default all."
    )
    limit: Count | None = Field(
        default=None, description="How many values at most, the first in the order of the table; by default all."
    )


def _spell_out(for_each: Any) -> Any:
    if isinstance(for_each, str) and for_each != KEY_ACCOUNTS:
        raise ValueError("is nothing to run it for. Allowed: key_accounts, or parameters with their values.")
    return {"customer_id": KEY_ACCOUNTS} if for_each == KEY_ACCOUNTS else for_each


def _form(values: Any) -> str:
    return "list" if isinstance(values, list) else "rows" if isinstance(values, (dict, Rows)) else "word"


Values = Annotated[
    Annotated[list[Any], Tag("list")]
    | Annotated[Literal["all", "key_accounts"], Tag("word")]
    | Annotated[Rows, Tag("rows")],
    Discriminator(_form),
]


class StepFile(Section):
    """One notebook of the plan."""

    notebook: str | int = Field(description="A path, a name or a number.")
    name: str | None = Field(default=None, description="Name of the step; by default the notebook's.")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Values by name; they go before the plan's.")
    for_each: Annotated[dict[str, Values], BeforeValidator(_spell_out)] = Field(
        default_factory=dict,
        description="Parameters with a list of values: one run of the notebook per combination; or key_accounts.",
    )
    after: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(), description="Names of steps that have to succeed first."
    )
    even_if_failed: bool = Field(
        default=False, description="Start also where one of them failed: a page that says itself what it lacks."
    )


class PlanFile(Section):
    """A plan as it is written."""

    name: str | None = Field(default=None, description="Name of the plan; by default the file's.")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="Values by name, for all steps that have them."
    )
    steps: Annotated[tuple[StepFile, ...], Field(strict=False, min_length=1)] = Field(description="The notebooks.")
    jobs: Count | None = Field(default=None, description="How many notebooks run at the same time.")
    run_minutes: Number | None = Field(default=None, description="Limit of the whole run.")
    cell_minutes: Number | None = Field(default=None, description="Limit of every cell.")
    memory_gb: Number | None = Field(default=None, description="Limit of each kernel's memory (Linux).")
    on_failure: Literal["continue", "stop"] = Field(default="continue", description="Whether other steps still start.")
    retries: Annotated[int, Field(ge=0, le=10)] = Field(
        default=0, description="How often a failed step is tried again."
    )
    if_running: Literal["refuse", "wait"] = Field(default="refuse", description="While another run of it is at work.")
    keep: Retention = Field(default=Retention(), description="Which runs stay.")
    notify: Notification | None = Field(default=None, description="Whom to tell.")


@dataclass(frozen=True, kw_only=True)
class PlannedStep:
    """One notebook with its parameters.

    Attributes
    ----------
    name : str
        Its folder in the run's folder: the notebook's, or ``<values>/<notebook>`` where a notebook runs once per value.
    notebook : Notebook
        What to run.
    parameters : dict
        Checked values.
    after : tuple of str
        Names of the steps that have to succeed first.
    even_if_failed : bool
        They need only be over.
    """

    name: str
    notebook: Notebook
    parameters: dict[str, Any]
    after: tuple[str, ...] = ()
    even_if_failed: bool = False

    def __post_init__(self) -> None:
        raise_for_secrets({"name": self.name}, where="a step")


@dataclass(frozen=True, kw_only=True)
class PlannedFan:
    """A notebook that runs once per value, where the values are known only when other steps have found them.

    Attributes
    ----------
    name : str
        As that of a step; the folder of each run is ``<value>/<name>``.
    notebook : Notebook
        What to run.
    parameters : dict
        Checked values, without the one that varies.
    parameter : str
        The one that varies.
    rows : Rows
        Where its values stand.
    after : tuple of str
        Names of the steps that have to succeed first; one of them finds the values.
    """

    name: str
    notebook: Notebook
    parameters: dict[str, Any]
    parameter: str
    rows: Rows
    after: tuple[str, ...]

    def spread(self, values: Iterable[str]) -> tuple[PlannedStep, ...]:
        """One step per value, each with a folder that any system can have."""
        return tuple(
            PlannedStep(
                name=f"{folder}/{self.name}",
                notebook=self.notebook,
                parameters=self.parameters | {self.parameter: value},
                after=self.after,
            )
            for folder, (value,) in _folders((value,) for value in values)
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run: the steps, and the rules of the run.

    Attributes
    ----------
    name : str
        Name of the plan, as a folder may have it.
    steps : tuple of PlannedStep
        In the order in which they are written.
    fans : tuple of PlannedFan
        What runs after them, once per value that they find.
    jobs : int
        How many run at the same time.
    run_seconds, cell_seconds : float, optional
        Limits.
    memory_bytes : int, optional
        Limit of each kernel's memory.
    stop_on_failure : bool
        Whether no step starts after one has failed.
    retries : int
        How often a failed step is tried again.
    wait : bool
        Whether to wait for another run of the plan.
    keep : Retention
        Which runs stay.
    notify : Notification, optional
        Whom to tell.
    """

    name: str
    steps: tuple[PlannedStep, ...]
    fans: tuple[PlannedFan, ...] = ()
    jobs: int = 2
    run_seconds: float | None = None
    cell_seconds: float | None = None
    memory_bytes: int | None = None
    stop_on_failure: bool = False
    retries: int = 0
    wait: bool = False
    keep: Retention = field(default_factory=Retention)
    notify: Notification | None = None

    def __post_init__(self) -> None:
        raise_for_secrets({"name": self.name}, where="the plan")


def plan_notebooks(
    notebooks: Sequence[str | os.PathLike[str]],
    *,
    parameters: Mapping[str, object] | None = None,
    texts: Mapping[str, str] | None = None,
    name: str | None = None,
    jobs: int = 2,
    start: Path | None = None,
) -> Plan:
    """The plan that runs notebooks side by side.

    Parameters
    ----------
    notebooks : sequence of str or path
        Paths, names or numbers (:func:`kam.report.notebook.find_notebook`).
    parameters : mapping, optional
        Typed values, as from YAML. Each goes to the notebooks that declare it; one that none declares is an error.
    texts : mapping, optional
        Values as typed on a command line, read by the declared type; they go before ``parameters``.
    name : str, optional
        Name of the plan; by default the notebook's, of several ``adhoc``.
    jobs : int
        How many notebooks run at the same time.
    start : pathlib.Path, optional
        The folder from which relative paths and datasets are looked for; by default the working folder.

    Raises
    ------
    ParameterError
        A parameter is unknown, missing or of the wrong type, or there is no notebook, or one stands twice.
    DataError
        A notebook cannot be found or read.
    """
    start = (start or Path.cwd()).resolve()
    if jobs < 1:
        raise ParameterError(f"At least one notebook has to run at a time, not {jobs}.")
    if not notebooks:
        raise ParameterError("There is no notebook to run.", hint="Name one, as in `kam run 10`.")
    found = [find_notebook(notebook, start=start) for notebook in notebooks]
    names = [notebook.step for notebook in found]
    if twice := sorted({step for step in names if names.count(step) > 1}):
        raise ParameterError(
            f"Two notebooks are named {twice[0]!r}.", hint="Run them one after the other, or rename one."
        )
    raise_for_secrets({**(parameters or {}), **(texts or {})}, where="the parameters")
    _raise_for_strangers(found, [*(parameters or {}), *(texts or {})])
    steps = tuple(
        PlannedStep(name=notebook.step, notebook=notebook, parameters=_bind(notebook, parameters or {}, texts or {}))
        for notebook in found
    )
    return Plan(name=folder_name(name or (names[0] if len(names) == 1 else "adhoc")), steps=steps, jobs=jobs)


def is_plan(name: str) -> bool:
    """Whether what was typed means a plan rather than a notebook.

    >>> is_plan("plans/monthly.yaml"), is_plan("10")
    (True, False)
    """
    return Path(name).suffix.lower() in (".yaml", ".yml")


def read_plan(
    path: str | os.PathLike[str],
    *,
    texts: Mapping[str, str] | None = None,
    jobs: int | None = None,
    start: Path | None = None,
) -> Plan:
    """Read and check a plan.

    Parameters
    ----------
    path : path
        The YAML file.
    texts : mapping, optional
        Values as typed on a command line, for all steps that have the parameter; they go before those of the file.
    jobs : int, optional
        How many notebooks run at the same time, instead of what the file says.
    start : pathlib.Path, optional
        The folder from which relative paths and datasets are looked for; by default the working folder.

    Returns
    -------
    Plan

    Raises
    ------
    UnreadableFileError
        The file, or a notebook that it names, cannot be read.
    PlanError
        A key or value is wrong, two steps have one name, or steps wait for one another.
    ParameterError
        A parameter is unknown, missing or of the wrong type.
    """
    start = (start or Path.cwd()).resolve()
    file = start / path
    if not file.is_file():
        there = sorted(near.name for near in file.parent.glob("*.y*ml")) if file.parent.is_dir() else []
        guess = nearest(file.name, there) or (f"Plans there: {', '.join(there[:8])}." if there else "Check the path.")
        raise UnreadableFileError("There is no such plan.", where=str(file), hint=guess.strip())
    content = read_sections(
        file, _PLAN, not_utf8="Save the plan as UTF-8.", too_large="Give a plan, not a file of data."
    )
    texts = texts or {}
    raise_for_secrets(texts, where="the parameters")
    found = [find_notebook(str(step.notebook), start=start) for step in content.steps]
    _raise_for_strangers(found, [*content.parameters, *texts])
    where = file.name
    groups: dict[str, list[str]] = {}
    steps: list[PlannedStep] = []
    fans: list[PlannedFan] = []
    for written, notebook in zip(content.steps, found, strict=True):
        name = folder_name(written.name) if written.name else notebook.step
        if name in groups or any(name == fan.name for fan in fans):
            raise PlanError(f"Two steps are named {name!r}.", where=where, hint="Give one of them another name:.")
        _raise_for_strangers([notebook], [*written.parameters, *written.for_each])
        own = {p.name for p in notebook.parameters}
        common = {key: value for key, value in content.parameters.items() if key in own}
        if found_later := next(
            ((key, rows) for key, value in written.for_each.items() if (rows := _rows(value))), None
        ):
            parameter, rows = found_later
            bound = _bind(notebook, common | written.parameters | {parameter: ""}, texts)
            del bound[parameter]
            fans.append(
                PlannedFan(
                    name=name, notebook=notebook, parameters=bound, parameter=parameter, rows=rows, after=written.after
                )
            )
            continue
        groups[name] = []
        for folder, values in _combinations(written, common | written.parameters, start, where):
            full = f"{folder}/{name}" if folder else name
            groups[name].append(full)
            bound = _bind(notebook, common | written.parameters | values, texts)
            steps.append(
                PlannedStep(
                    name=full,
                    notebook=notebook,
                    parameters=bound,
                    after=written.after,
                    even_if_failed=written.even_if_failed,
                )
            )
    _raise_for_shared_folders([step.name for step in steps], where)
    resolved = _resolve(steps, groups, [fan.name for fan in fans], where)
    return Plan(
        name=folder_name(content.name or file.stem),
        steps=resolved,
        fans=tuple(
            replace(fan, after=_written_out(fan.name, fan.after, groups, [other.name for other in fans], where))
            for fan in fans
        ),
        jobs=jobs or content.jobs or 2,
        run_seconds=content.run_minutes and 60 * content.run_minutes,
        cell_seconds=content.cell_minutes and 60 * content.cell_minutes,
        memory_bytes=int(content.memory_gb * 1024**3) if content.memory_gb else None,
        stop_on_failure=content.on_failure == "stop",
        retries=content.retries,
        wait=content.if_running == "wait",
        keep=content.keep,
        notify=content.notify,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _contradictions(file: PlanFile) -> Iterator[tuple[Key, str]]:
    given: list[tuple[Key, Mapping[str, Any]]] = [(("parameters",), file.parameters)]
    for i, step in enumerate(file.steps):
        given += [(("steps", i, "parameters"), step.parameters), (("steps", i, "for_each"), step.for_each)]
    for at, own in given:
        for name, value in own.items():
            if next(find_exposed(name, value), None):
                yield (*at, name), "a secret does not belong in a plan: it would stand in the notebook and the report."
    for i, step in enumerate(file.steps):
        for name, values in step.for_each.items():
            if values == ALL and name != "manager":
                yield ("steps", i, "for_each", name), "only manager can be all. Give a list of values."
            if _rows(values) and len(step.for_each) > 1:
                yield ("steps", i, "for_each", name), "what a step finds goes with no other parameter. Keep one."
            if _rows(values) and not step.after:
                yield ("steps", i, "for_each", name), "no step finds its values. Name one under after:."
            if values == []:
                yield ("steps", i, "for_each", name), "it is an empty list. Give at least one value."
            if name in step.parameters:
                yield ("steps", i, "parameters", name), "it stands under for_each: too. Keep one."


_PLAN = Kind(
    model=PlanFile,
    name="plan",
    error=PlanError,
    first_key="steps",
    hint="See plans/monthly.yaml for one.",
    find_conflicts=_contradictions,
    references_at=("notify", "command"),
)


def _raise_for_strangers(notebooks: Sequence[Notebook], names: Sequence[str]) -> None:
    """Each name has to be declared by one of the notebooks; what guards a report, by all."""
    where = ", ".join(dict.fromkeys(notebook.path.name for notebook in notebooks))
    declared = [{p.name for p in notebook.parameters} for notebook in notebooks]
    known = set().union(*declared) - set(SET_BY_RUNNER)
    for name in names:
        if name in SET_BY_RUNNER:
            raise ParameterError(
                f"Parameter {name!r} is set by the run itself.", hint="Give --out to choose the folder."
            )
        if name not in known:
            raise unknown_parameter(name, known, where=where)
        if name in FOR_EVERY_NOTEBOOK and not all(name in own for own in declared):
            without = next(n.path.name for n, own in zip(notebooks, declared, strict=True) if name not in own)
            raise ParameterError(
                f"A notebook does not know {name!r}, and would show what it must not.",
                where=without,
                hint="Leave the notebook out, or run it by itself.",
            )


def _bind(notebook: Notebook, values: Mapping[str, object], texts: Mapping[str, str]) -> dict[str, Any]:
    """The checked values that the notebook declares."""
    own = {p.name for p in notebook.parameters}
    bound = bind_parameters(
        [p for p in notebook.parameters if p.name not in SET_BY_RUNNER],
        texts={name: text for name, text in texts.items() if name in own},
        values={name: value for name, value in values.items() if name in own},
        where=notebook.path.name,
    )
    raise_for_secrets(bound, where=notebook.path.name)
    return bound


def _combinations(
    step: StepFile, parameters: Mapping[str, Any], start: Path, where: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The folder and the values of each run of a notebook; one without a folder where there is nothing to vary."""
    if not step.for_each:
        yield "", {}
        return
    lists = [
        list(values) if isinstance(values, list) else _managers(parameters, start, where)
        for values in step.for_each.values()
    ]
    for folder, values in _folders(itertools.product(*lists)):
        yield folder, dict(zip(step.for_each, values, strict=True))


def _folders(combinations: Iterable[tuple[Any, ...]]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """A folder for each combination of values; no two alike, where capital letters do not count either."""
    taken: set[str] = set()
    for values in combinations:
        base = folder_name("-".join(str(value) for value in values))
        folder, n = base, 1
        while folder.casefold() in taken:
            n += 1
            folder = f"{base}.{n}"
        taken.add(folder.casefold())
        yield folder, values


def _rows(values: list[Any] | str | Rows) -> Rows | None:
    """Where the values will stand, if they are not known yet."""
    if values == KEY_ACCOUNTS:
        return Rows(table="key_accounts.accounts", where="is_key_account")
    return values if isinstance(values, Rows) else None


def _managers(parameters: Mapping[str, Any], start: Path, where: str) -> list[str]:
    """Every manager of the account file."""
    from kam.dataset import open_dataset

    dataset = open_dataset(str(parameters.get("dataset", "sample")), start=start)
    accounts = dataset.accounts
    if accounts is None or "manager" not in accounts or accounts["manager"].isna().all():
        raise PlanError(
            "No account has a manager, so there is none to run for.",
            where=f"{where}, dataset {dataset.name}",
            hint="Name the column under tables: accounts: columns: manager.",
        )
    return sorted(accounts["manager"].dropna().astype(str).unique())


def _raise_for_shared_folders(names: Sequence[str], where: str) -> None:
    """A step with the name of a value's folder would have the other's reports in its own."""
    folders = {folder.casefold(): step for folder, _, step in (name.rpartition("/") for name in names)}
    for name in names:
        if name.casefold() in folders:
            raise PlanError(
                f"Step {name!r} is named like a value of for_each of {folders[name.casefold()]!r}, which has a folder.",
                where=where,
                hint="Give the step another name:.",
            )


def _resolve(
    steps: Sequence[PlannedStep], groups: Mapping[str, list[str]], fans: Sequence[str], where: str
) -> tuple[PlannedStep, ...]:
    """The steps with what they wait for written out; none waits, by others, for itself."""
    resolved = [replace(step, after=_written_out(step.name, step.after, groups, fans, where)) for step in steps]
    try:
        TopologicalSorter({step.name: step.after for step in resolved}).prepare()
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        raise PlanError(f"Steps wait for one another: {circle}.", where=where, hint="Take one after: out.") from error
    return tuple(resolved)


def _written_out(
    step: str, after: Sequence[str], groups: Mapping[str, list[str]], fans: Sequence[str], where: str
) -> tuple[str, ...]:
    """The names of all steps that a step waits for."""
    known = {**groups, **{name: [name] for names in groups.values() for name in names}}
    for name in after:
        if name in fans:
            raise PlanError(
                f"Step {step!r} waits for {name!r}, of which it is known only later how often it runs.",
                where=where,
                hint="Let it wait for the step before.",
            )
        if name not in known:
            raise PlanError(
                f"Step {step!r} waits for {name!r}, which is no step.",
                where=where,
                hint=f"{nearest(name, known)}Steps: {', '.join(groups)}.",
            )
    return tuple(dict.fromkeys(full for name in after for full in known[name]))
