"""Notebooks run for real, a few seconds each: what a run leaves, and what it leaves alone when something fails."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import ClassVar

import pandas as pd
import psutil
import pytest

from kam.errors import DataError, LockedError, NotebookError, ParameterError, RunError, UnreadableFileError
from kam.report import run as run_module
from kam.report import run_notebooks
from kam.report.execution import begin_step
from kam.report.manifest import read_manifest
from kam.report.publish import open_run

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


class Recorder:
    def __init__(self):
        self.events = []

    def started(self, step):
        self.events.append((step, "started"))

    def advanced(self, step, done, total):
        self.events.append((step, done, total))

    def ended(self, step, report):
        self.events.append((step.name, step.status))


@pytest.fixture(scope="module")
def recorder():
    return Recorder()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("reports {0}")  # papermill fills in what stands in braces


@pytest.fixture(scope="module")
def good(root, recorder, tmp_path_factory):
    return run_notebooks(
        [NOTEBOOKS / "answers.ipynb", NOTEBOOKS / "succeeds.ipynb"],
        parameters={"day": date(2025, 6, 30), "count": 9},
        texts={"name": "007", "count": "3", "codes": "[007, no]"},
        out=root,
        start=tmp_path_factory.mktemp("work"),
        watcher=recorder,
    )


@pytest.fixture(scope="module")
def failing(root, good):
    names = ["answers", "exits", "kernel_dies", "runner_dies", "saves_nothing", "succeeds"]
    return run_notebooks(
        [NOTEBOOKS / f"{name}.ipynb" for name in names], texts={"fail": "true"}, out=root, plan="night"
    )


def listing(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def outputs(folder):
    cells = json.loads((folder / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    return [
        "".join(o.get("text", o.get("data", {}).get("text/plain", ""))) for c in cells for o in c.get("outputs", [])
    ]


# -- a good run ------------------------------------------------------------------------------------------------------


def test_a_run_leaves_what_is_documented_and_nothing_else(good, root):
    assert listing(good.folder) == [
        "answers/notebook.ipynb",
        "answers/report.html",
        "answers/results.json",
        "answers/tables/size.sizes.parquet",
        "run.json",
        "succeeds/notebook.ipynb",
        "succeeds/report.html",
        "tables.xlsx",
    ]
    assert good.folder.parent == root and good.index == root / "index.html"


def test_the_manifest_says_what_ran_on_what(good):
    manifest = read_manifest(good.folder)
    assert manifest == good.manifest
    assert manifest.status == "succeeded" and manifest.plan == "adhoc"
    assert manifest.run_id == good.folder.name == f"{manifest.started:%Y%m%dT%H%M%SZ}-adhoc"
    assert manifest.started.tzinfo is not None and manifest.finished >= manifest.started
    assert manifest.parameters == {"name": "007", "count": 3, "day": "2025-06-30", "codes": ["007", "no"]}
    assert manifest.seed == 7
    assert {"python", "kam", "pandas", "papermill", "nbconvert"} <= manifest.versions.keys()
    answers, succeeds = manifest.steps
    assert (answers.name, answers.title, answers.dataset) == ("answers", "How many are there?", "tiny")
    assert answers.context.as_of == date(2025, 6, 30) and answers.context.fingerprint == "f00"
    assert answers.answer == "3 customers of 007 <b>count</b>." and answers.key_figures[0].value == "3"
    assert manifest.dataset == answers.context
    assert succeeds.answer is None and succeeds.context is None and succeeds.error is None
    raw = json.loads((good.folder / "run.json").read_text(encoding="utf-8"))
    assert raw["schema_version"] == 1 and raw["status"] == "succeeded"


def test_the_report_shows_the_answer_and_the_data(good):
    html = (good.folder / "answers" / "report.html").read_text(encoding="utf-8")
    assert "3 customers of 007 &lt;b&gt;count&lt;/b&gt;." in html
    assert "Tiny &amp; Co" in html and "30 June 2025" in html and f"{good.manifest.started:%Y-%m-%d %H:%M} UTC" in html


def test_the_kernel_is_this_interpreter_behind_files_in_an_empty_folder(good):
    python, transport, there, _ = outputs(good.folder / "succeeds")[0].splitlines()
    assert os.path.samefile(python, sys.executable)
    assert transport == ("tcp" if sys.platform == "win32" else "ipc")
    assert there == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
def test_a_forked_kernel_looks_for_garbage_in_its_own_objects_only(good):
    enabled, n_frozen = outputs(good.folder / "succeeds")[0].splitlines()[-1].split()
    assert enabled == "True" and int(n_frozen) > 100_000


def test_parameters_arrive_with_their_types(good):
    assert outputs(good.folder / "succeeds")[-1] == "(3, ['007', 'no'])"


def test_what_is_kept_names_no_folder_of_the_run(good, root):
    for path in good.folder.rglob("*"):
        if path.suffix in (".html", ".ipynb", ".json"):
            content = path.read_text(encoding="utf-8")
            assert ".part" not in content and str(root) not in content, path
    cells = json.loads((good.folder / "answers" / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    injected = [cell for cell in cells if "injected-parameters" in cell["metadata"]["tags"]]
    assert "".join(injected[0]["source"]).splitlines() == [
        "# Parameters", "name = '007'", "count = 3", 'day = __import__("datetime").date(2025, 6, 30)',
    ]  # fmt: skip


def test_the_workbook_holds_the_tables(good):
    sheets = pd.read_excel(good.folder / "tables.xlsx", sheet_name=None, engine="calamine", dtype=str)
    assert [frame.iloc[:, 0].tolist() for frame in sheets.values() if "000" in frame.iloc[:, 0].tolist()] == [
        ["000", "001", "002"]
    ]


def test_the_watcher_hears_of_every_cell(good, recorder):
    for name, cells in (("answers", 6), ("succeeds", 4)):
        heard = [event[1:] for event in recorder.events if event[0] == name]
        assert heard == [("started",), *((done, cells) for done in range(1, cells + 1)), ("succeeded",)]


def test_nothing_is_left_beside_the_run(good, failing, root):
    assert sorted(path.name for path in root.iterdir()) == sorted(
        [".locks", "index.html", good.folder.name, failing.folder.name]
    )


# -- a failing run ---------------------------------------------------------------------------------------------------


def test_each_failure_is_told_in_plain_words(failing):
    errors = {step.name: step.error for step in failing.manifest.steps}
    assert failing.manifest.status == "failed"
    assert errors["answers"] == (
        "The notebook stopped in cell [4], which begins `if fail:`: ValueError: sample was asked to fail."
    )
    assert errors["exits"] == "The notebook stopped in cell [1], which begins `import sys`: SystemExit: 0."
    assert errors["kernel_dies"].startswith("The notebook's kernel ended before the notebook did")
    assert "(signal 9)" in errors["runner_dies"]
    assert errors["saves_nothing"].startswith("The notebook saved no results.")
    assert errors["succeeds"] is None


def test_the_others_are_published(failing):
    assert [step.name for step in failing.manifest.steps if step.status == "succeeded"] == ["succeeds"]
    assert (failing.folder / "succeeds" / "report.html").is_file()


def test_a_failed_step_leaves_its_notebook_and_no_report(failing):
    assert [name for name in listing(failing.folder) if not name.startswith("succeeds/")] == [
        "answers/failed.ipynb",
        "exits/failed.ipynb",
        "kernel_dies/error.txt",
        "kernel_dies/failed.ipynb",
        "run.json",
        "runner_dies/failed.ipynb",
        "saves_nothing/failed.ipynb",
    ]
    failed = (failing.folder / "answers" / "failed.ipynb").read_text(encoding="utf-8")
    assert "was asked to fail" in failed and ".part" not in failed


def test_the_last_good_report_stays_and_the_index_says_what_failed(good, failing):
    index = failing.index.read_text(encoding="utf-8")
    assert f'href="{good.folder.name}/answers/report.html"' in index
    assert (good.folder / "answers" / "report.html").is_file()
    assert f'href="{failing.folder.name}/succeeds/report.html"' in index
    assert "ValueError: sample was asked to fail" in index


def test_no_process_and_no_folder_of_a_kernel_is_left(failing):
    time.sleep(0.5)
    names = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
    assert not [name for name in names if "ipykernel" in name or "spawn_main" in name]


# -- before a kernel starts ------------------------------------------------------------------------------------------


@pytest.fixture
def no_kernel(monkeypatch):
    def refuse(*_):
        raise AssertionError("a worker was started")

    monkeypatch.setattr(run_module.Workers, "run", refuse)


@pytest.mark.parametrize(
    ("notebooks", "given", "error", "said"),
    [
        (["answers"], {"texts": {"nmae": "x"}}, ParameterError, "Did you mean 'name'"),
        (["answers"], {"parameters": {"nmae": "x"}}, ParameterError, "Did you mean 'name'"),
        (["answers", "succeeds"], {"texts": {"x": "1"}}, ParameterError, "It has: .*codes, count"),
        (["answers"], {"texts": {"count": "two"}}, ParameterError, "declared as int"),
        (["answers"], {"parameters": {"count": "2"}}, ParameterError, "declared as int"),
        (["answers"], {"texts": {"results_dir": "x"}}, ParameterError, "set by the run itself"),
        (["answers", "answers"], {}, ParameterError, "Two notebooks are named 'answers'"),
        ([], {}, ParameterError, "no notebook"),
        (["answers"], {"jobs": 0}, ParameterError, "At least one"),
        (["answer"], {}, UnreadableFileError, "Did you mean 'answers"),
    ],
)
def test_what_cannot_run_is_refused_at_once(no_kernel, tmp_path, notebooks, given, error, said):
    with pytest.raises(error, match=said):
        run_notebooks([NOTEBOOKS / f"{name}.ipynb" for name in notebooks], out=tmp_path / "reports", **given)
    assert not (tmp_path / "reports").exists()


def write_notebook(path, *sources, tags=()):
    cells = [
        {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": s, "outputs": [], "execution_count": None}
        for s in sources
    ]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}), encoding="utf-8")
    return path


def test_a_dataset_that_is_not_there_is_refused_at_once(no_kernel, tmp_path):
    notebook = write_notebook(tmp_path / "x.ipynb", 'dataset: str = "sample"', tags=["parameters"])
    with pytest.raises(DataError, match="no_such"):
        run_notebooks([notebook], texts={"dataset": "no_such"}, out=tmp_path / "reports", start=tmp_path)
    assert not list((tmp_path / "reports").glob("[!.]*"))


def test_a_file_that_is_no_notebook_is_refused(tmp_path):
    (tmp_path / "x.ipynb").write_text("{}", encoding="utf-8")
    with pytest.raises(NotebookError):
        run_notebooks([tmp_path / "x.ipynb"], out=tmp_path / "reports")


# -- publishing, with workers that only pretend ----------------------------------------------------------------------


@pytest.fixture
def pretend(monkeypatch):
    """Workers that write a report in no time; a parameter ``fail`` makes the step fail."""
    from dataclasses import replace

    class Pretending:
        jobs: ClassVar = []

        def __init__(self, n, **_):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def run(self, jobs, before=None):
            for job in jobs:
                self.jobs.append(job)
                (job.folder / "notebook.ipynb").write_text(job.notebook.text, encoding="utf-8")
                (job.folder / "report.html").write_text("report", encoding="utf-8")
                failed = job.parameters.get("fail")
                status = {"status": "failed", "error": "It was asked to."} if failed else {"status": "succeeded"}
                yield job, "step", replace(begin_step(job), **status)

    monkeypatch.setattr(run_module, "Workers", Pretending)
    return Pretending


def test_what_the_runner_sets_and_where_the_dataset_is_looked_for(pretend, tmp_path, monkeypatch):
    monkeypatch.setattr(pretend, "jobs", [])
    folder = tmp_path / "mine" / "data" / "acme"
    folder.mkdir(parents=True)
    (folder / "dataset.yaml").write_text("name: acme\ntables: {ledger: {source: orders.csv}}\n", encoding="utf-8")
    (folder / "orders.csv").write_text("customer_id,order_date,amount\na,2025-01-01,1\n", encoding="utf-8")
    source = 'dataset: str = "acme"\nresults_dir: str = ""\nrun_dir: str = ""\nhistory: str = ""'
    notebook = write_notebook(tmp_path / "x.ipynb", source, tags=["parameters"])
    run = run_notebooks([notebook], out="out", start=tmp_path / "mine")
    (job,) = pretend.jobs
    part = tmp_path / "mine" / "out" / f".part-{run.folder.name}"
    assert job.settings == {
        "dataset": str(folder / "dataset.yaml"),
        "results_dir": str(part / "x"),
        "run_dir": str(part),
        "history": str(part.parent),
    }
    assert job.parameters == {} and run.manifest.steps[0].dataset == "acme"
    assert run.folder.parent == tmp_path / "mine" / "out"


@pytest.mark.parametrize("step", ["rename", "index"])
def test_a_run_that_is_cut_off_leaves_what_was_published(pretend, tmp_path, monkeypatch, step):
    first = run_notebooks([NOTEBOOKS / "answers.ipynb"], out=tmp_path)
    before, page = listing(first.folder), first.index.read_bytes()

    def break_down(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        if step == "rename":
            patched.setattr(Path, "rename", break_down)
        else:
            patched.setattr("kam.report.publish.write_index", break_down)
        with pytest.raises(RunError, match="No space left on device"):
            run_notebooks([NOTEBOOKS / "answers.ipynb"], out=tmp_path)
    assert listing(first.folder) == before and first.index.read_bytes() == page
    again = run_notebooks([NOTEBOOKS / "answers.ipynb"], out=tmp_path)
    assert again.folder.name in again.index.read_text(encoding="utf-8")


def test_an_index_is_written_whole_or_not_at_all(pretend, tmp_path, monkeypatch):
    first = run_notebooks([NOTEBOOKS / "answers.ipynb"], out=tmp_path)
    page = first.index.read_bytes()
    write_text = Path.write_text

    def half(self, content, **options):
        if "index.html" in self.name:
            write_text(self, content[: len(content) // 2], **options)
            raise OSError(28, "No space left on device")
        return write_text(self, content, **options)

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(RunError):
        run_notebooks([NOTEBOOKS / "answers.ipynb"], out=tmp_path)
    assert first.index.read_bytes() == page


def test_runs_in_the_same_second_have_ids_of_their_own(pretend, tmp_path):
    runs = [run_notebooks([NOTEBOOKS / "answers.ipynb"], out=tmp_path) for _ in range(3)]
    assert len({run.folder for run in runs}) == 3 and all(run.folder.is_dir() for run in runs)
    assert sorted(run.folder.name for run in runs) == [run.folder.name for run in runs]


def test_a_second_run_of_the_plan_is_refused_while_the_first_is_at_work(pretend, tmp_path):
    with open_run(tmp_path, "answers", datetime.now(UTC)):
        with pytest.raises(LockedError, match="'answers'"):
            run_notebooks([NOTEBOOKS / "answers.ipynb"], out=tmp_path)
        other = run_notebooks([NOTEBOOKS / "answers.ipynb"], out=tmp_path, plan="index")
        assert other.manifest.plan == "index"
    assert run_notebooks([NOTEBOOKS / "answers.ipynb"], out=tmp_path).folder.is_dir()


def test_a_plan_cannot_leave_the_reports_folder(pretend, tmp_path):
    run = run_notebooks([NOTEBOOKS / "answers.ipynb"], out=tmp_path / "reports", plan="../../x <y>")
    assert run.manifest.plan == "x_y" and run.folder.parent == tmp_path / "reports"


def test_what_a_cut_off_run_of_the_plan_left_is_swept(pretend, tmp_path):
    for name in (
        ".part-20260101T000000Z-answers",
        ".part-20260101T000000Z-answers.2",
        ".part-20260101T000000Z-my-answers",
    ):
        (tmp_path / name / "x").mkdir(parents=True)
    run_notebooks([NOTEBOOKS / "answers.ipynb"], out=tmp_path)
    assert [path.name for path in tmp_path.glob(".part-*")] == [".part-20260101T000000Z-my-answers"]


def test_a_target_that_cannot_be_written_is_a_named_error(pretend, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RunError, match="cannot be written"):
        run_notebooks([NOTEBOOKS / "answers.ipynb"], out=tmp_path / "file" / "reports")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_target_is_a_named_error(pretend, tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(RunError, match="cannot be written"):
        run_notebooks([NOTEBOOKS / "answers.ipynb"], out=tmp_path)


def test_a_full_disk_is_a_named_error(pretend, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pretend, "jobs", [])
    with monkeypatch.context() as patched:
        patched.setattr(run_module, "write_tables", full)
        with pytest.raises(RunError, match="No space left on device"):
            run_notebooks([NOTEBOOKS / "answers.ipynb"], out=tmp_path)
    assert not list(tmp_path.glob("[!.]*"))
    (left,) = tmp_path.glob(".part-*")  # its finished step is not lost
    run = run_notebooks([NOTEBOOKS / "answers.ipynb"], out=tmp_path)
    assert run.manifest.steps[0].adopted_from == left.name.removeprefix(".part-") and len(pretend.jobs) == 1
    assert not list(tmp_path.glob(".part-*")) and (run.folder / "answers" / "report.html").is_file()


def test_a_table_too_large_for_a_sheet_costs_only_the_workbook(tmp_path, monkeypatch, good):
    from kam import tables
    from kam.report.publish import write_tables

    def refuse(*_, **__):
        raise DataError("Table 'x' is too large.")

    monkeypatch.setattr(tables, "write_workbook", refuse)
    assert write_tables(good.folder, good.manifest.steps) == ("There is no workbook: Table 'x' is too large.",)
