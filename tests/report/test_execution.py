"""What becomes of an executed notebook; the execution itself is tried in test_run.py."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kam.report import execution
from kam.report.execution import Job, run_job
from kam.report.notebook import Notebook
from kam.results import Answer, Context, KeyFigure

CONTEXT = {
    "dataset": "tiny",
    "title": "Tiny",
    "currency": "EUR",
    "language": "en",
    "as_of": {"date": "2025-12-31"},
    "fingerprint": "f",
}


@pytest.fixture
def job(tmp_path):
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [{"cell_type": "markdown", "source": "# Q?"}],
    }
    notebook = Notebook(Path("10_q.ipynb"), json.dumps(content))
    now = datetime(2026, 11, 21, tzinfo=UTC)
    return Job(
        name="10_q", notebook=notebook, parameters={}, settings={}, dataset="asked", folder=tmp_path, started=now
    )


def ran(source="x", *outputs, status="completed", count=1):
    return new_code_cell(
        source, execution_count=count, outputs=list(outputs), metadata={"papermill": {"status": status}}
    )


def run(job, monkeypatch, *cells, **settings):
    monkeypatch.setattr(
        execution, "_execute", lambda job, on_cell: new_notebook(cells=[new_markdown_cell("# Q?"), *cells])
    )
    job.settings.update(settings)
    return run_job(job)


def test_a_notebook_that_ran_to_its_end_has_a_report(job, monkeypatch):
    step = run(job, monkeypatch, ran(), new_code_cell("  "))
    assert (step.status, step.title, step.name, step.dataset, step.error) == ("succeeded", "Q?", "10_q", "asked", None)
    assert (job.folder / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (ran("a = 1\nb", status="pending"), "the cell that begins `a = 1` was not completed"),
        (ran(status="running"), "not completed"),
        (ran(count=None), "not completed"),
        (new_code_cell("x", execution_count=1), "not completed"),
        (
            ran("go()", new_output("error", ename="SystemExit", evalue="0", traceback=[])),
            "begins `go()`: SystemExit: 0.",
        ),
        (ran("go()", new_output("error", ename="E", evalue="", traceback=[])), "`go()`: E."),
    ],
)
def test_a_notebook_that_did_not_has_none(job, monkeypatch, cell, said):
    step = run(job, monkeypatch, ran(), cell)
    assert step.status == "failed" and said in step.error
    assert not (job.folder / "report.html").exists()


def entry(answer, **figure):
    figures = [{"value": "1", "label": "of", "note": ""} | figure]
    return {"type": "x:Y", "answer": answer, "key_figures": figures, "context": CONTEXT, "tables": {}}


def save(folder, **results):
    (folder / "results.json").write_text(json.dumps({"schema_version": 1, "results": results}), encoding="utf-8")


def test_the_manifest_has_the_answer_that_is_on_the_card(job, monkeypatch):
    save(job.folder, first=entry("One."), second=entry("Two & <b>.", value="2"))
    card = Answer("Two & <b>.", (KeyFigure(value="2", label="of"),))._repr_html_()
    step = run(job, monkeypatch, ran("x", new_output("execute_result", data={"text/html": card})), results_dir="r")
    assert step.answer == "Two & <b>." and step.key_figures == (KeyFigure(value="2", label="of"),)
    assert step.context == Context(**CONTEXT | {"as_of": date(2025, 12, 31)}) and step.dataset == "tiny"


def test_without_a_card_it_has_the_first(job, monkeypatch):
    save(job.folder, first=entry("One."), second=entry("Two."))
    assert run(job, monkeypatch, ran(), results_dir="r").answer == "One."


def test_results_that_are_declared_have_to_be_there_and_readable(job, monkeypatch):
    assert "saved no results" in run(job, monkeypatch, ran(), results_dir="r").error
    (job.folder / "results.json").write_text('{"schema_version": 99}', encoding="utf-8")
    assert "schema version 99" in run(job, monkeypatch, ran(), results_dir="r").error


def test_a_large_report_is_published_with_a_warning(job, monkeypatch):
    picture = base64.b64encode(bytes(800_000)).decode()
    step = run(
        job, monkeypatch, ran("x", new_output("display_data", data={"image/png": picture}, metadata={"alt": "a"}))
    )
    assert step.status == "succeeded"
    assert step.warnings == ("The report has 1.1 MB; a report should stay under 1 MB.",)


def test_what_nobody_thought_of_is_told_and_kept(job, monkeypatch):
    def break_down(*_, **__):
        raise RuntimeError("nobody thought of it")

    monkeypatch.setattr("kam.report.render.render_report", break_down)
    step = run(job, monkeypatch, ran())
    assert step.status == "failed" and step.error == "The report could not be made: RuntimeError: nobody thought of it"
    assert "Traceback" in (job.folder / "error.txt").read_text(encoding="utf-8")
