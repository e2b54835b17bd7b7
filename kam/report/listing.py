"""What ``kam list``, ``kam runs`` and ``kam show`` print: notebooks, plans and runs in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from kam.report.catalog import Catalog, own_parameters
from kam.report.console import print_facts, print_head, print_json, print_lines, print_table
from kam.report.history import Record
from kam.report.manifest import Step
from kam.report.plan import PlannedFan, PlannedStep
from kam.results import Context, KeyFigure
from kam.wording import Wording

_HEADS = ("run", "plan", "started (UTC)", "duration", "status", "steps", "dataset", "as of", "fingerprint")
_TOLD = {"run_id", "plan", "started", "finished", "dataset", "steps", "schema_version"}
_CONTEXT_TOLD = {"dataset", "title", "currency", "language", "as_of", "fingerprint"}
_STEP_TOLD = {"name", "title", "status", "seconds", "context", "dataset", "adopted_from"}


def print_catalog(catalog: Catalog, *, json: bool = False) -> None:
    """Notebooks with their parameters, plans with their steps, and what is wrong with others."""
    if json:
        print_json(catalog.to_json())
        return
    print_head(f"Notebooks: {len(catalog.notebooks)}")
    for notebook in catalog.notebooks:
        print_lines([""])
        print_head(f"{notebook.step}: {notebook.title}")
        parameters = [
            (p.name, p.annotation, "must be given" if p.default is None else p.default, p.help)
            for p in own_parameters(notebook)
        ]
        if parameters:
            print_table(("parameter", "type", "default", "meaning"), parameters)
        else:
            print_lines(["It has no parameters."])
    print_lines([""])
    print_head(f"Plans: {len(catalog.plans)}")
    for path, plan in catalog.plans.items():
        print_lines([""])
        steps: list[PlannedStep | PlannedFan] = [*plan.steps, *plan.fans]
        print_head(f"{path}: {len(steps)} steps")
        print_table(("step", "notebook", "parameters", "after"), [_planned(step) for step in steps])
    if catalog.problems:
        print_lines([""])
        print_head(f"Cannot be run: {len(catalog.problems)}")
        print_lines(f"- {problem}" for problem in catalog.problems)


def print_history(records: Sequence[Record], *, root: Path, newest: int, json: bool = False) -> None:
    """A line per run, the newest first, up to a number."""
    shown = records[:newest]
    if json:
        runs = [record.to_json() for record in shown]
        print_json({"schema_version": 1, "reports": str(root), "number_of_runs": len(records), "runs": runs})
        return
    if not shown:
        print_lines(["No run yet."])
        return
    print_table(_HEADS, [_line(record) for record in shown], right=("duration",), blocks=True)
    if len(records) > len(shown):
        print_lines([f"{len(records) - len(shown)} older runs are not listed: -n {len(records)} lists all."])


def print_run(record: Record, *, json: bool = False) -> None:
    """Everything that is known of one run."""
    if json:
        print_json({"schema_version": 1, **record.to_json(), "manifest": record.manifest, "files": _files(record)})
        return
    print_head(f"{record.run_id}: {_outcome(record)}")
    print_facts(_run_facts(record))
    for step in record.steps:
        print_lines([""])
        print_head(f"{step.name}: {step.title}")
        print_facts(_step_facts(step, record), indent=2)


def _planned(step: PlannedStep | PlannedFan) -> tuple[str, str, str, str]:
    parameters = _value(step.parameters)
    if isinstance(step, PlannedFan):
        chosen = f" where {step.rows.where}" if step.rows.where else ""
        parameters = f"{parameters}; {step.parameter}: each of {step.rows.table}{chosen}"
    return step.name, step.notebook.step, parameters, ", ".join(step.after) or "–"


def _line(record: Record) -> tuple[str, ...]:
    context = record.dataset or Context()
    return (
        record.run_id,
        record.plan,
        f"{record.started:%Y-%m-%d %H:%M}" if record.started else "–",
        Wording().duration(record.seconds),
        record.state,
        "–" if record.error else _counted(record),
        context.dataset or "–",
        _value(context.as_of),
        (context.fingerprint or "–")[:8],
    )


def _counted(record: Record) -> str:
    """``2 ok, 1 failed``; what did not happen is not said."""
    counts = record.counts
    told = [f"{counts['succeeded']} ok"]
    told += [f"{counts[name]} {name.replace('_', ' ')}" for name in ("failed", "skipped", "taken_over") if counts[name]]
    return ", ".join(told)


def _outcome(record: Record) -> str:
    if record.state == "succeeded":
        return "succeeded."
    if record.state == "failed":
        return f"failed; {_counted(record)}."
    done = f"{_counted(record)} so far" if record.state == "at work" else f"{_counted(record)}, not published"
    more = "." if record.state == "at work" else "; the next run of the plan takes over what is finished."
    return f"{record.state}; {done}{more}"


def _run_facts(record: Record) -> list[tuple[str, str]]:
    facts = [
        ("plan", record.plan),
        ("started", _value(record.started)),
        ("finished", _value(record.finished)),
        ("duration", Wording().duration(record.seconds)),
        ("steps", _counted(record)),
        ("data", _value(record.dataset)),
    ]
    if record.manifest:
        facts += _others(record.manifest, _TOLD)
    return [*facts, *((name, path) for name, path in _files(record).items() if isinstance(path, str))]


def _step_facts(step: Step, record: Record) -> list[tuple[str, str]]:
    how: str = step.status
    if step.status != "skipped":
        how += f" {'in' if step.status == 'succeeded' else 'after'} {Wording().duration(step.seconds)}"
    if step.adopted_from:
        how += f", taken over from {step.adopted_from}, which was cut off"
    facts = [("status", how)]
    facts.append(("data", _value(step.context) if step.context else step.dataset or "–"))
    facts += _others(step, _STEP_TOLD)
    return [*facts, *_files(record)["steps"].get(step.name, {}).items()]


def _others(entry: Any, told: set[str]) -> list[tuple[str, str]]:
    """Every other field that holds something, by its name."""
    values = [(field.name, getattr(entry, field.name)) for field in fields(entry) if field.name not in told]
    return [(name.replace("_", " "), _value(value)) for name, value in values if value not in (None, (), {})]


def _value(value: object) -> str:
    """A value in words."""
    if value is None or value == {}:
        return "–"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Context):
        named = f"{value.dataset or 'no name'} ({value.title})" if value.title else value.dataset or "no name"
        rest = {"as of": value.as_of, "fingerprint": value.fingerprint, **dict(_others(value, _CONTEXT_TOLD))}
        more = [f"{name} {said}" for name, said in rest.items() if said]
        return ", ".join([named, *filter(None, [value.currency]), *more])
    if isinstance(value, KeyFigure):
        return f"{value.label} {value.value}" + (f" ({value.note})" if value.note else "")
    if isinstance(value, dict):
        return ", ".join(f"{name}={_value(item)}" for name, item in value.items())
    if isinstance(value, tuple):
        return "; ".join(map(_value, value))
    return str(value)


def _files(record: Record) -> dict[str, Any]:
    """Where things lie, as far as they are there."""
    root = record.folder.parent
    places = {"folder": record.folder, "workbook": record.folder / "tables.xlsx", "index": root / "index.html"}
    there: dict[str, Any] = {name: str(path) for name, path in places.items() if path.exists()}
    names = {
        "report": "report.html",
        "notebook": "notebook.ipynb",
        "results": "results.json",
        "failed notebook": "failed.ipynb",
        "error file": "error.txt",
    }
    there["steps"] = {}
    for step in record.steps:
        folder = record.folder / step.name
        there["steps"][step.name] = {
            name: str(folder / file) for name, file in names.items() if (folder / file).is_file()
        }
    return there
