"""The command ``kam``: arguments only; what it does is in the modules that it names."""

from __future__ import annotations

import io
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from kam.errors import KamError, ParameterError, UnreadableFileError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="A research workbench for key-account management: notebooks into reports.",
)


def main() -> None:
    """Run the command; an error of kam's is one line on standard error and status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a name is no reason to lose a run
    try:
        app(prog_name="kam")
    except KamError as error:
        print(f"kam: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None


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
) -> None:
    """Run a plan or notebooks and publish their reports; status 1 if one of them failed."""
    from kam.report import is_plan, plan_notebooks, read_plan, run_plan
    from kam.report.parameters import read_parameter_file
    from kam.report.progress import watch_run

    texts = _split(parameter or [])
    if any(is_plan(name) for name in what):
        if len(what) > 1 or file or plan_name:
            raise ParameterError("A plan is run by itself.", hint="Give one plan; parameters stand in it, or as -p.")
        plan = read_plan(what[0], texts=texts, jobs=jobs)
    else:
        given = read_parameter_file(file) if file else {}
        plan = plan_notebooks(what, parameters=given, texts=texts, name=plan_name, jobs=jobs or 2)
    with watch_run() as watcher:
        run = run_plan(replace(plan, wait=wait or plan.wait), out=out, adopt=not fresh, watcher=watcher)
    for warning in run.manifest.warnings:
        typer.echo(f"Note: {warning}")
    typer.echo(f"The reports: {run.index}")
    if run.manifest.status == "failed":
        raise typer.Exit(1)


@app.command("init")
def _init(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV, Parquet or Excel files.")],
    name: Annotated[str | None, typer.Option(help="Name of the dataset; by default the first file's.")] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder of datasets.")] = Path("data"),
) -> None:
    """Look at data and write a first data/<name>/dataset.yaml with the guesses explained; nothing is overwritten."""
    from kam.dataset import draft_dataset
    from kam.report.notebook import folder_name

    named = folder_name(name or files[0].stem)
    draft = draft_dataset(*files, name=named, folder=out / named)
    try:
        draft.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnreadableFileError(f"The folder cannot be made: {error.strerror}.", where=str(draft.folder)) from error
    written = draft.write()
    for guess in draft.guesses:
        typer.echo(f"- {guess}")
    for question in draft.questions:
        typer.echo(f"? {question}")
    asked = named if out == Path("data") else shlex.quote(str(written))
    typer.echo(f"Wrote {written}. Read its comments, then: kam check {asked}")


@app.command("check")
def _check(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="A name under data/, or the path of a dataset.yaml.")
    ],
) -> None:
    """Print the audit of a dataset; status 1 where a report on it could not be trusted."""
    from kam.dataset import check_dataset

    check = check_dataset(dataset)
    for line in check.lines:
        typer.echo(line)
    if not check.ok:
        raise typer.Exit(1)


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
