"""The command ``kam``: arguments only; what it does is in the modules that it names."""

from __future__ import annotations

import io
import shlex
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kam.errors import KamError, ParameterError, UnreadableFileError
from kam.redaction import RedactedStream

if TYPE_CHECKING:
    from kam.ledger import Relation

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="A research workbench for key-account management: notebooks into reports.",
)

_FOR_MACHINES = "As JSON, for machines."


def main() -> None:
    """Run the command; an error of kam's is one line on standard error and status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a name is no reason to lose a run
    with redirect_stdout(RedactedStream(sys.stdout)), redirect_stderr(RedactedStream(sys.stderr)):
        try:
            app(prog_name="kam")
        except KamError as error:
            _print_errors(f"kam: {error}", *(f"Note: {note}" for note in getattr(error, "__notes__", ())))
            raise SystemExit(2) from None
        except Exception:
            _print_errors(*traceback.format_exc().splitlines())  # here, where no secret gets through
            raise SystemExit(1) from None


def _print_errors(*lines: str) -> None:
    from kam.report.console import print_lines

    print_lines(lines, errors=True)


def _show_version(asked: bool) -> None:
    if asked:
        from kam import __version__

        typer.echo(f"kam {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    pass


@app.command("run")
def _run(
    what: Annotated[
        list[str],
        typer.Argument(metavar="PLAN|NOTEBOOK…", help="A plan (.yaml), or notebooks: paths, names or numbers."),
    ],
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="A parameter of the notebooks.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("-f", "--file", metavar="PARAMS.YAML", help="Parameters by name.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="How many notebooks run at the same time; 2 if the plan is silent.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the reports go.")] = Path("reports"),
    plan_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the run, if not the notebook's.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for another run of the plan instead of refusing.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Take nothing over from a run of the plan that was cut off.")
    ] = False,
    notify: Annotated[
        str | None,
        typer.Option(metavar="COMMAND", help="Command that is told of a failure, as JSON; not that of the plan."),
    ] = None,
) -> None:
    """Run a plan or notebooks and publish their reports; status 1 if one of them failed."""
    from kam.report import is_plan, plan_notebooks, read_plan, run_plan
    from kam.report.console import print_lines
    from kam.report.notification import parse_command, tell_if_refused
    from kam.report.parameters import read_parameter_file
    from kam.report.progress import watch_run

    notification = parse_command(notify) if notify is not None else None
    with tell_if_refused(what, notification, root=out.absolute(), name=plan_name):
        texts = _split(parameter or [])
        if any(is_plan(name) for name in what):
            if len(what) > 1 or file or plan_name:
                raise ParameterError(
                    "A plan is run by itself.", hint="Give one plan; parameters stand in it, or as -p."
                )
            plan = read_plan(what[0], texts=texts, jobs=jobs)
        else:
            given = read_parameter_file(file) if file else {}
            plan = plan_notebooks(what, parameters=given, texts=texts, name=plan_name, jobs=jobs or 2)
    plan = replace(plan, wait=wait or plan.wait, notify=notification or plan.notify)
    try:
        with watch_run() as watcher:
            run = run_plan(plan, out=out, adopt=not fresh, watcher=watcher)
    except KeyboardInterrupt:
        _print_errors("kam: The run was interrupted. The next run of the plan takes over what was finished.")
        raise typer.Exit(130) from None
    _print_errors(*(f"Note: {note}" for note in run.notes))
    print_lines([*(f"Note: {warning}" for warning in run.manifest.warnings), f"The reports: {run.index}"])
    if run.manifest.status == "failed":
        raise typer.Exit(1)


@app.command("schedule")
def _schedule(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan (.yaml).")],
    at: Annotated[str, typer.Option(metavar="HH:MM", help="The time of the day.")],
    every: Annotated[str, typer.Option(metavar="day|weekday|week|month", help="How often.")],
    systemd: Annotated[bool | None, typer.Option("--systemd/--cron", help="What is to start it.")] = None,
    on: Annotated[
        str | None, typer.Option(metavar="DAY", help="With week its name, else monday; with month 1 to 28, else 1.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(metavar="NAME", help="As Europe/Berlin; else the machine's time.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the reports go.")] = Path("reports"),
    to: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write the files there instead of printing them.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Print what lets systemd or cron run a plan by the clock; nothing on the machine is changed."""
    from kam.report import read_plan
    from kam.report.schedule import explain_enabling, read_timing, save_files, write_crontab, write_units

    if systemd is None:
        raise ParameterError("Say what is to start it.", hint="Give --systemd or --cron.")
    timing = read_timing(at=at, every=every, on=on, time_zone=time_zone)
    write = write_units if systemd else write_crontab
    files = write(read_plan(plan), plan, timing, out=out)
    if to:
        for path in save_files(files, to, force=force):
            typer.echo(f"Wrote {path}")
    else:
        for name, text in files.items():
            typer.echo(f"# ---- {name}\n{text}")
    for line in explain_enabling(files, to):
        typer.echo(line)


@app.command("list")
def _list(
    as_json: Annotated[bool, typer.Option("--json", help=_FOR_MACHINES)] = False,
) -> None:
    """List notebooks with their parameters, and plans with their steps; status 1 if one of them cannot be run."""
    from kam.report.catalog import read_catalog
    from kam.report.listing import print_catalog

    catalog = read_catalog()
    print_catalog(catalog, json=as_json)
    if catalog.problems:
        raise typer.Exit(1)


@app.command("runs")
def _runs(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the reports are.")] = Path("reports"),
    plan: Annotated[str | None, typer.Option(metavar="NAME", help="Only runs of this plan.")] = None,
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="How many.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help=_FOR_MACHINES)] = False,
) -> None:
    """List the runs, newest first, those at work and those that were cut off among them."""
    from kam.report.history import read_history
    from kam.report.listing import print_history

    print_history(read_history(out.absolute(), plan=plan), root=out.absolute(), newest=number, json=as_json)


@app.command("show")
def _show(
    run: Annotated[str, typer.Argument(metavar="RUN|latest", help="The id of a run, or the beginning of one.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the reports are.")] = Path("reports"),
    as_json: Annotated[bool, typer.Option("--json", help=_FOR_MACHINES)] = False,
) -> None:
    """Show all that is known of a run; status 1 if it failed or was cut off."""
    from kam.report.history import find_run
    from kam.report.listing import print_run

    record = find_run(out.absolute(), run)
    print_run(record, json=as_json)
    if record.state in ("failed", "cut off"):
        raise typer.Exit(1)


@app.command("diff")
def _diff(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[EARLIER LATER]",
            help="Two runs: ids, beginnings of ids or folders; none: the last two of a plan that succeeded.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the reports are.")] = Path("reports"),
    plan: Annotated[str | None, typer.Option(metavar="NAME", help="The plan, where no run is named.")] = None,
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="How many changes of each kind.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help=_FOR_MACHINES)] = False,
) -> None:
    """Say what moved between two runs, and apart what only the method or the data moved."""
    from kam.report.diff import choose_runs, compare_runs, print_changes

    before, now = choose_runs(runs or [], root=out.absolute(), plan=plan)
    changes = compare_runs(before, now)
    print_changes(changes, before=before, now=now, newest=number, json=as_json)


@app.command("new")
def _new(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that is not there yet.")],
) -> None:
    """Make a folder to work in: notebooks, plans and the sample; nothing is overwritten."""
    from kam.report.console import print_lines
    from kam.report.workspace import make_workspace

    written = make_workspace(folder)
    parts = sorted({path.rpartition("/")[0] or path for path in written})
    print_lines([f"Made {folder}: {', '.join(parts)}.", f"Next: cd {shlex.quote(str(folder))} && kam run 10"])


@app.command("init")
def _init(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE…", help="CSV, Parquet or Excel files; or the address of a database.")
    ],
    relation: Annotated[
        list[str] | None,
        typer.Option(metavar="SCHEMA.TABLE", help="Table or view of the database; can be given several times."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the dataset; by default the first file's.")] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder of datasets.")] = Path("data"),
) -> None:
    """Look at data and write a first data/<name>/dataset.yaml with the guesses explained; nothing is overwritten."""
    from kam.dataset import draft_dataset
    from kam.report.console import print_lines
    from kam.report.notebook import folder_name

    sources = _name_relations(files, relation or [])
    first = sources[0] if isinstance(sources[0], Path) else Path(sources[0].name.rpartition(".")[2].strip('"'))
    named = folder_name(name or first.stem)
    draft = draft_dataset(*sources, name=named, folder=out / named)
    try:
        draft.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnreadableFileError(f"The folder cannot be made: {error.strerror}.", where=str(draft.folder)) from error
    written = draft.write()
    asked = named if out == Path("data") else shlex.quote(str(written))
    print_lines([*(f"- {guess}" for guess in draft.guesses), *(f"? {question}" for question in draft.questions)])
    print_lines([f"Wrote {written}. Read its comments, then: kam check {asked}"])


@app.command("check")
def _check(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="A name under data/, or the path of a dataset.yaml.")
    ],
) -> None:
    """Print the audit of a dataset; status 1 where a report on it could not be trusted."""
    from kam.dataset import check_dataset
    from kam.report.console import print_lines

    check = check_dataset(dataset)
    print_lines(check.lines)
    if not check.ok:
        raise typer.Exit(1)


def _name_relations(files: list[str], relations: list[str]) -> list[Path | Relation]:
    """Files as they are, and of the one address among them each table that is named."""
    from kam.ledger import Relation
    from kam.ledger.databases import is_address

    addresses = [file for file in files if is_address(file)]
    if len(addresses) != bool(relations):
        raise ParameterError(
            f"{len(addresses)} addresses of databases are given, and {len(relations)} tables of them.",
            hint="As in: kam init 'postgresql://me:${env:PGPASSWORD}@host/warehouse' --relation sales.order_lines",
        )
    return [Path(file) for file in files if not is_address(file)] + [
        Relation(addresses[0], relation) for relation in relations
    ]


def _split(pairs: list[str]) -> dict[str, str]:
    """``name=value`` by name.

    >>> _split(["customer=007", "formula=a=b"])
    {'customer': '007', 'formula': 'a=b'}
    """
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ParameterError(f"-p {pair} is no name=value.", hint="Write it as -p dataset=sample.")
        if name in values:
            raise ParameterError(f"Parameter {name!r} is given twice.")
        values[name] = value
    return values


if __name__ == "__main__":
    main()
