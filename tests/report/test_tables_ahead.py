"""Workbooks that are written beside the last step of a run: those that would have been written after it, or none."""

from pathlib import Path

import pytest

from kam.report import publish as publish_module
from kam.report.plan import read_plan
from kam.report.publish import steps_with_tables, write_tables
from kam.report.run import run_plan
from kam.report.tables_ahead import FOLDER, TablesAhead, write_ahead
from kam.report.workers import Workers
from tests.report.pretended_runs import NOTEBOOK

LAST = NOTEBOOK.with_name("succeeds.ipynb")  # which saves no results


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose last step waits and has no tables; its workbook cannot be written by this process."""
    folder = tmp_path_factory.mktemp("run")
    text = f"steps: [{{notebook: {NOTEBOOK}}}, {{notebook: {LAST}, after: [answers]}}]"
    (folder / "night.yaml").write_text(text, encoding="utf-8")

    def refuse(*_, **__):
        raise AssertionError("It was to be written beside the last step.")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(publish_module, "write_workbook_of", refuse)
        return run_plan(read_plan("night.yaml", start=folder), out=folder / "reports")


class Process:
    """A process that is over, or is ended."""

    def __init__(self, exitcode=0):
        self.exitcode, self.calls = exitcode, []

    def join(self):
        self.calls.append("join")

    def kill(self):
        self.calls.append("kill")


@pytest.fixture
def part(run, tmp_path):
    """The folder of a run at work, with a step that has a table, and what was written ahead of it."""
    name = run.manifest.steps[0].name
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "0.xlsx").write_bytes(b"ahead")
    (tmp_path / name).symlink_to(run.folder / name)
    return tmp_path


def test_a_workbook_written_ahead_is_the_one_that_would_have_been_written_after(run):
    workbook = run.folder / "tables.xlsx"
    ahead = workbook.read_bytes()
    workbook.unlink()
    assert write_tables(run.folder, run.manifest.steps) == ()
    assert workbook.read_bytes() == ahead and run.manifest.warnings == ()
    assert not list(run.folder.glob(".*"))


@pytest.mark.parametrize(("exitcode", "taken"), [(0, True), (1, False), (-9, False)])
def test_only_what_was_finished_is_taken(run, part, exitcode, taken):
    tables = steps_with_tables(part, run.manifest.steps)
    with TablesAhead(part) as ahead:
        ahead.follow(Process(exitcode), tables)
        assert write_tables(part, run.manifest.steps, ahead) == ()
    assert ((part / "tables.xlsx").read_bytes() == b"ahead") == taken
    assert not (part / FOLDER).exists()


def test_what_was_written_from_other_steps_is_dropped(run, part):
    process = Process()
    with TablesAhead(part) as ahead:
        ahead.follow(process, {part: []})
        assert ahead.is_begun and not ahead.take(steps_with_tables(part, run.manifest.steps))
        assert not ahead.is_begun
    assert process.calls[0] == "kill" and not (part / FOLDER).exists() and not (part / "tables.xlsx").exists()


def test_what_is_at_work_when_the_run_breaks_off_is_ended_and_leaves_nothing(run, part):
    process = Process(None)

    def broken_off():
        with TablesAhead(part) as ahead:
            ahead.follow(process, steps_with_tables(part, run.manifest.steps))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert process.calls == ["kill", "join"] and not (part / FOLDER).exists()


def test_a_folder_that_cannot_be_written_is_told_by_the_status_alone(run, tmp_path):
    with Workers(2) as workers:
        workers._busy = {object(): None}  # as beside the last step
        process = workers.beside(write_ahead, tmp_path / "nowhere", steps_with_tables(run.folder, run.manifest.steps))
        workers._busy = {}
        assert process is not None
        process.join()
    assert process.exitcode == 1 and not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(("n", "n_busy"), [(1, 1), (2, 0), (2, 2)])
def test_nothing_is_done_beside_where_no_slot_is_idle(n, n_busy):
    with Workers(n, warm=False) as workers:
        workers._warm, workers._busy = True, {object(): None for _ in range(n_busy)}
        assert workers.beside(write_ahead, Path(), {}) is None
        workers._busy = {}
