"""One notebook executed by papermill and rendered, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from html import escape
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kam.errors import KamError, NotebookError
from kam.redaction import RedactedStream, redact, redact_all
from kam.report.inputs import Inputs
from kam.report.manifest import Step
from kam.report.notebook import Notebook, inject_parameters, release_notebook
from kam.report.parameters import raise_for_secrets
from kam.report.redaction import raise_for_secret_files, redact_file, redact_notebook, redact_results
from kam.report.scratch import remove_own_scratch, sweep_scratch
from kam.results import Context, KeyFigure, read_results_json

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from nbformat import NotebookNode

LARGEST_REPORT = 1_000_000
"""Bytes; a larger report is still published, with a warning."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A notebook to run.

    Attributes
    ----------
    name : str
        Of the step: its folder in the run's.
    notebook : Notebook
        What to run.
    parameters : dict
        What was asked for: these stay in the notebook that is kept.
    settings : dict
        What the runner sets over them for this run only: folders, and where the dataset lies.
    dataset : str, optional
        Name of the dataset, as far as the runner knows it.
    folder : pathlib.Path
        The step's folder; it is there and empty.
    started : datetime.datetime
        When the run began.
    after : tuple of str
        Names of the steps that have to succeed first.
    even_if_failed : bool
        They need only be over.
    inputs : Inputs, optional
        The files of the dataset as they were when the run began.
    cell_seconds : float, optional
        Limit of every cell.
    memory_bytes : int, optional
        Limit of the kernel's memory.
    """

    name: str
    notebook: Notebook
    parameters: dict[str, Any]
    settings: dict[str, Any]
    dataset: str | None
    folder: Path
    started: datetime
    after: tuple[str, ...] = ()
    even_if_failed: bool = False
    inputs: Inputs | None = None
    cell_seconds: float | None = None
    memory_bytes: int | None = None

    def release(self, executed: dict[str, Any]) -> dict[str, Any]:
        """The executed notebook as it is kept: without secrets, and as :func:`release_notebook` says."""
        released = release_notebook(
            executed, name=self.notebook.path.name, parameters=self.parameters, settings=self.settings
        )
        return redact_notebook(released)

    @property
    def is_shared(self) -> bool:
        """Whether the report is for readers who must not see names; as asked, or by the notebook's own default."""
        own = {p.name: p.value for p in self.notebook.parameters}
        return self.parameters.get("audience", own.get("audience")) == "shared"

    @property
    def saves_results(self) -> bool:
        """Whether the notebook has to leave a ``results.json``."""
        return "results_dir" in self.settings


def serve(connection: Connection, warm: bool = False) -> None:
    """Do the job that comes from the other end of a connection, if one comes.

    Sends ``("cell", done, total)`` after each code cell and ``("step", Step)`` at the end.

    Parameters
    ----------
    connection : multiprocessing.connection.Connection
        Gives the job and the environment to do it in.
    warm : bool
        This process was forked with everything imported (:mod:`kam.report.warm`), and so shall the kernel be.
    """
    if warm and "kam.report.warm" in sys.modules:  # before anything starts a thread
        from kam.report.kernel import ForkedKernel

        ForkedKernel.waiting = ForkedKernel(connection)
    sys.stderr = RedactedStream(sys.stderr)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the runner ends this process, also when someone presses Ctrl-C
    threading.Thread(target=end_with_parent, daemon=True).start()
    logging.getLogger().addHandler(logging.NullHandler())  # what goes wrong is told in the manifest
    # One second of every start: a grammar for a URI format that no notebook is checked against; jsonschema does without.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    with contextlib.suppress(EOFError, OSError):
        job, environment = connection.recv()
        os.environ.clear()
        os.environ.update(environment)
        connection.send(("step", run_job(job, on_cell=lambda *cells: connection.send(("cell", *cells)))))


def run_job(job: Job, *, on_cell: Callable[[int, int], None] = lambda done, total: None) -> Step:
    """Execute, verify and render one notebook into its folder.

    Returns
    -------
    Step
        Failed with the reason in plain words, or succeeded with ``report.html``, ``notebook.ipynb`` and the results written.
    """
    begun = time.monotonic()
    facts: dict[str, Any] = {}
    try:
        _learn_secrets(job)
        if job.inputs:
            job.inputs.require_unchanged(tables=False)  # it may be hours since the run began
        executed = _execute(job, on_cell)
        _raise_for_fault(executed)
        if job.inputs:
            job.inputs.require_unchanged()
        redact_results(job.folder)
        raise_for_secret_files(job.folder)
        results = _read_results(job)
        _raise_for_names(job, results)
        facts |= _describe(results, executed)
        from kam.report.render import render_report

        context = facts.get("context") or Context()
        name = next(iter(facts.get("labels", {}).values()), "")
        report = render_report(executed, context=context, started=job.started, title=job.notebook.title, name=name)
        (job.folder / "report.html").write_text(report.html, encoding="utf-8")
        warnings = list(report.warnings)
        if (size := (job.folder / "report.html").stat().st_size) > LARGEST_REPORT:
            warnings.append(
                f"The report has {size / 1e6:.1f} MB; a report should stay under {LARGEST_REPORT / 1e6:.0f} MB."
            )
        facts |= {"title": report.title, "warnings": tuple(warnings), "status": "succeeded"}
    except KamError as error:
        facts = {"error": _tell_nobody(error) if job.is_shared else str(error)}
    except Exception as error:
        _keep_traceback(job)
        said = f"The report could not be made: {type(error).__name__}: {error}"
        facts = {"error": _tell_nobody(error) if job.is_shared else said}
    if facts.get("status") != "succeeded":
        with contextlib.suppress(OSError):
            redact_file(job.folder / "notebook.ipynb")
    return redact_all(replace(begin_step(job), seconds=round(time.monotonic() - begun, 2), **facts))


def _learn_secrets(job: Job) -> None:
    """Know what only the kernel will use, so that it can be taken out of what the notebook shows.

    Raises
    ------
    SecretError
        A reference cannot be resolved, or what it stands for is a parameter, too.
    """
    if "dataset" in job.settings:
        from kam.dataset.secrets import resolve_all

        resolve_all(Path(job.settings["dataset"]))
    raise_for_secrets(job.parameters, where=job.notebook.path.name)


def begin_step(job: Job) -> Step:
    """What is known of a step before it ran; failed until it has succeeded."""
    from pydantic_core import to_jsonable_python

    notebook = job.notebook
    return Step(
        name=job.name,
        title=notebook.title,
        notebook_sha256=notebook.sha256,
        dataset=job.dataset,
        status="failed",
        parameters=to_jsonable_python(job.parameters),
        after=job.after,
        inputs_sha256=job.inputs.sha256 if job.inputs else None,
    )


def _execute(job: Job, on_cell: Callable[[int, int], None]) -> NotebookNode:
    """The executed notebook, also written to the step's folder, with the parameters that were asked for."""
    import nbformat
    import papermill
    from nbclient.exceptions import CellTimeoutError
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    from kam.report.kernel import RunKernelManager, kernel_folder

    threading.Thread(target=import_module, args=("kam.report.render",), daemon=True).start()
    content = inject_parameters(json.loads(job.notebook.text), job.parameters | job.settings)
    node = nbformat.from_dict(content)
    code = [index for index, cell in enumerate(node.cells) if cell.cell_type == "code"]

    begun: dict[int, NotebookNode] = {}

    def note_cell(cell: NotebookNode, cell_index: int, **_: object) -> None:
        begun[cell_index] = cell

    def tell_cell(cell: NotebookNode, cell_index: int, **_: object) -> None:
        on_cell(code.index(cell_index) + 1, len(code))

    kept = job.folder / "notebook.ipynb"
    nbformat.write(node, kept)
    with kernel_folder() as folder:
        try:
            executed = papermill.execute_notebook(
                node,
                str(kept).replace("{", "{{").replace("}", "}}"),  # papermill fills in what stands in braces
                kernel_name="python3",
                language="python",
                progress_bar=False,
                kernel_manager_class=RunKernelManager,
                config=Config({"RunKernelManager": {"folder": folder, "memory_bytes": job.memory_bytes or 0}}),
                execution_timeout=math.ceil(job.cell_seconds) if job.cell_seconds else None,
                on_cell_execute=note_cell,
                on_cell_executed=tell_cell,
                request_save_on_cell_execute=False,  # a second for every notebook, to write what is written at the end
                autosave_cell_every=0,  # nor while a cell runs: what it prints is redacted at the end
            )
        except PapermillExecutionError as error:
            hint = _tell_limit(job) if "Memory" in str(error.ename) else ""
            raise NotebookError(_tell(error), hint=hint) from error
        except CellTimeoutError as error:
            _write_as_far(node, begun, kept)
            raise NotebookError(_tell_timeout(begun, job)) from error
        except Exception as error:
            _write_as_far(node, begun, kept)
            log = Path(folder, "kernel.log")
            said = log.read_text(encoding="utf-8", errors="replace").strip() if log.is_file() else ""
            _keep_traceback(job, said)
            last = said.splitlines()[-1:] or [""]
            raise NotebookError(
                f"The notebook's kernel ended before the notebook did: {str(error).strip() or type(error).__name__}."
                + (f" It said: {last[0]}" if last[0] else ""),
                hint="See error.txt beside the notebook; a kernel that is killed has often run out of memory.",
            ) from error
    released = nbformat.from_dict(job.release(executed))
    nbformat.write(released, kept)
    return released


def _tell(error: Any) -> str:
    """What stopped the notebook, and in which cell."""
    first = _first_line(str(error.source))
    said = str(error.evalue).strip()
    what = said if _is_kam_error(error.ename) and said else f"{error.ename}: {said}".rstrip(": ")
    return f"The notebook stopped in cell [{error.exec_count}], which begins `{first}`: {what.rstrip('.')}."


def _tell_limit(job: Job) -> str:
    """What to do about a notebook that asked for more memory than it may have."""
    own = f"The plan gives each kernel {job.memory_bytes / 1024**3:.3g} GB (memory_gb)" if job.memory_bytes else ""
    return f"{own or 'The machine has no more memory'}. Give it more, run fewer at a time, or take less data."


def _write_as_far(node: NotebookNode, begun: dict[int, NotebookNode], kept: Path) -> None:
    """Write the notebook with the cells as far as they came: papermill writes nothing when a kernel dies or is too slow."""
    import nbformat

    cells = [begun.get(index, cell) for index, cell in enumerate(node.cells)]
    with contextlib.suppress(OSError):  # the disk may be what is wrong
        nbformat.write(nbformat.from_dict(redact_notebook({**node, "cells": cells})), kept)


def _tell_nobody(error: Exception) -> str:
    """Where a shared report failed, and nothing that could name an account or a person."""
    cause: Any = error.__cause__
    if isinstance(error, NotebookError) and hasattr(cause, "ename"):
        where = f"in cell [{cause.exec_count}], which begins `{_first_line(str(cause.source))}`: {cause.ename}"
    else:
        where = f"({type(error).__name__})"
    return (
        f"The shared report could not be made {where}. What was said there may name accounts or people, and is not kept. "
        "What to do: run it with audience=internal, or open the notebook in JupyterLab with these parameters."
    )


def _tell_timeout(begun: dict[int, NotebookNode], job: Job) -> str:
    """Which cell took longer than it may; papermill marks it as completed, and is not believed."""
    first = _first_line(begun[max(begun)].source) if begun else ""
    named = f"The cell that begins `{first}`" if first else "A cell"
    return f"{named} took longer than it may: {(job.cell_seconds or 0) / 60:g} minutes. The notebook was ended there."


def _first_line(source: str) -> str:
    return next((line for line in source.splitlines() if line.strip()), "").strip()[:80]


def _keep_traceback(job: Job, said: str = "") -> None:
    """Write ``error.txt``: what the kernel's process said, and the traceback of the exception at hand."""
    with contextlib.suppress(OSError):  # the disk may be what is wrong
        (job.folder / "error.txt").write_text(redact(f"{said}\n\n{traceback.format_exc()}".lstrip()), encoding="utf-8")


def _is_kam_error(name: str) -> bool:
    kind = getattr(import_module("kam.errors"), name, None)
    return isinstance(kind, type) and issubclass(kind, KamError)


def _raise_for_fault(executed: NotebookNode) -> None:
    """papermill returns also when a cell called ``sys.exit(0)`` and the rest was not run: look at every cell.

    Raises
    ------
    NotebookError
        A code cell is not completed, was not run, or shows an error.
    """
    for cell in executed.cells:
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        first = _first_line(cell.source)
        for output in cell.outputs:
            if output.output_type == "error":
                what = f"{output.ename}: {output.evalue}".rstrip(": ")
                raise NotebookError(
                    f"The notebook stopped in cell [{cell.execution_count}], which begins `{first}`: {what}."
                )
        if cell.metadata.get("papermill", {}).get("status") != "completed" or cell.execution_count is None:
            raise NotebookError(
                f"The notebook did not run to its end: the cell that begins `{first}` was not completed."
            )


def _read_results(job: Job) -> dict[str, Any]:
    """The entries of the step's ``results.json`` by key; none where the notebook saves none."""
    if not job.saves_results:
        return {}
    if not (job.folder / "results.json").is_file():
        raise NotebookError("The notebook saved no results.", hint="End it with kam.save_results(…, to=results_dir).")
    results: dict[str, Any] = read_results_json(job.folder / "results.json")["results"]
    return results


def _raise_for_names(job: Job, results: dict[str, Any]) -> None:
    """A notebook that was asked for a shared report has to have opened its dataset for one.

    Raises
    ------
    NotebookError
        A result is not of a shared dataset, or there is none that could tell.
    """
    audiences = {entry["context"].get("audience", "internal") for entry in results.values()}
    if job.is_shared and audiences != {"shared"}:
        raise NotebookError("The notebook was asked for a shared report and made another.")


def _describe(results: dict[str, Any], executed: NotebookNode) -> dict[str, Any]:
    """What the manifest says about the results: context, answer, key figures and labels of the one on the answer card."""
    if not results:
        return {}
    cards = [
        str(output.data["text/html"])
        for cell in executed.cells
        for output in cell.get("outputs", [])
        if "kam-answer" in str(output.get("data", {}).get("text/html", ""))
    ]
    shown = [entry for card in cards for entry in results.values() if f"<p>{escape(entry['answer'])}</p>" in card]
    entry = (shown or list(results.values()))[0]
    context = read_context(entry["context"])
    return {
        "dataset": context.dataset,
        "context": context,
        "answer": entry["answer"],
        "key_figures": tuple(KeyFigure(**figure) for figure in entry["key_figures"]),
        "labels": entry.get("labels", {}),
    }


def read_context(entry: dict[str, Any]) -> Context:
    """The context as ``results.json`` holds it."""
    as_of = entry.get("as_of")
    return Context(**{**entry, "as_of": date.fromisoformat(as_of["date"]) if as_of else None})


def end_with_parent() -> None:
    """End this process when the runner is gone, with its kernel and what that has started; leave no temporary folder."""
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    for kernel in multiprocessing.active_children():
        kernel.kill()
        with contextlib.suppress(OSError):
            os.killpg(kernel.pid or os.getpid(), signal.SIGKILL)  # it has a group of its own
    remove_own_scratch()
    time.sleep(0.1)  # what the runner had is given back one by one
    sweep_scratch()
    os._exit(1)
