"""What is published is whole, or it is not published: every place at which publishing can fail, and clocks that are set back."""

from __future__ import annotations

import errno
import os
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kam.errors import RunError
from kam.report import publish as publish_module
from kam.report import run as run_module
from kam.report.manifest import read_runs
from kam.report.publish import open_run, start_of
from kam.report.run import run_plan
from kam.report.scratch import PREFIX, remove_own_scratch, scratch_folder, sweep_scratch
from tests.faults.__main__ import BEGIN, END, IN_A_ROW, Soak
from tests.faults.__main__ import main as main_of_soak
from tests.faults.table import BY_NAME, FAULTS
from tests.faults.tries import RANDOM
from tests.report.pretended_runs import plan_of, pretend_workers


@pytest.fixture(autouse=True)
def pretended(monkeypatch):
    pretend_workers(monkeypatch)


def listing(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt(), RuntimeError("template")]
)
@pytest.mark.parametrize("at", ["write_tables", "write_manifest", "_settle", "render_index", "drop_records"])
def test_wherever_publishing_fails_nothing_is_half_published_and_the_next_run_goes_on(tmp_path, monkeypatch, at, error):
    run_plan(plan_of(), out=tmp_path)
    before, page = listing(tmp_path), (tmp_path / "index.html").read_bytes()

    def fail(*_, **__):
        raise error

    module = run_module if at == "write_tables" else publish_module
    with monkeypatch.context() as patched:
        patched.setattr(module, at, fail)
        with pytest.raises((RunError, KeyboardInterrupt, RuntimeError, OSError)):
            run_plan(plan_of(), out=tmp_path)
    if at != "drop_records":  # it was published before
        assert [name for name in listing(tmp_path) if not name.startswith(".part-")] == before
        assert (tmp_path / "index.html").read_bytes() == page
    after = run_plan(plan_of(), out=tmp_path)
    assert all(step.adopted_from for step in after.manifest.steps) == (at != "drop_records")
    assert not [name for name in listing(tmp_path) if name.startswith((".part-", ".index")) or ".finished" in name]


def test_what_is_published_was_brought_onto_the_disk_before(tmp_path, monkeypatch):
    settled = []

    def note(path):
        settled.append(path.name)
        assert path.exists()

    monkeypatch.setattr(publish_module, "_settle", note)
    run = run_plan(plan_of(), out=tmp_path)
    files = {path.name for path in run.folder.rglob("*")}
    assert files <= set(settled) and settled.index("run.json") < settled.index(".index.html.part")
    assert settled[-1] == tmp_path.name


def test_runs_stay_in_order_though_the_clock_is_set_back(tmp_path, monkeypatch):
    now = datetime(2026, 11, 22, 3, tzinfo=UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return now

    for module in (run_module, publish_module):
        monkeypatch.setattr(module, "datetime", Clock)
    runs = []
    for change in (timedelta(), timedelta(hours=-1), timedelta(hours=-1), timedelta(days=-400), timedelta(hours=1)):
        now = datetime(2026, 11, 22, 3, tzinfo=UTC) + change
        runs.append(run_plan(plan_of(), out=tmp_path).manifest)
    assert [run.run_id[:16] for run in runs] == [
        "20261122T030000Z", "20261122T030001Z", "20261122T030002Z", "20261122T030003Z", "20261122T040000Z",
    ]  # fmt: skip
    assert [run.run_id for run in reversed(read_runs(tmp_path)[0])] == [run.run_id for run in runs]
    assert all(run.finished >= run.started for run in runs)
    assert [len(run.warnings) for run in runs] == [0, 1, 1, 1, 0]
    assert runs[1].warnings[0].startswith("The clock is 3601 s behind")


def test_a_run_that_waited_for_its_turn_begins_when_it_has_it(tmp_path):
    begun = datetime.now(UTC).replace(microsecond=0)
    with open_run(tmp_path, "night") as part:
        assert begun <= start_of(part) <= datetime.now(UTC)


def test_folders_of_the_user_with_a_date_for_a_name_do_no_harm(tmp_path):
    for name in ("20260199T000000Z-x", "99999999T999999Z-y", "2026"):
        (tmp_path / name).mkdir(parents=True)
    assert run_plan(plan_of(), out=tmp_path).folder.is_dir()


# -- temporary folders -----------------------------------------------------------------------------------------------


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("kam.report.scratch._own", set())  # those of this process are not the test's to remove
    return tmp_path


def test_no_room_for_temporary_files_is_named(monkeypatch):
    def refuse():
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("tempfile._get_default_tempdir", refuse)
    monkeypatch.setenv("TMPDIR", "/full")
    with (
        pytest.raises(RunError, match=r"No usable temporary directory.*Where: /full\. What to do: Set TMPDIR"),
        scratch_folder(),
    ):
        pass
    sweep_scratch()


def test_only_folders_of_the_dead_are_swept(temporary):
    dead = temporary / f"{PREFIX}dead"
    dead.mkdir()
    (dead / "owner.lock").write_text("")
    begun = temporary / f"{PREFIX}begun"  # its owner has made it just now
    begun.mkdir()
    (temporary / "kam-other").mkdir()
    with scratch_folder() as own:
        sweep_scratch()
        assert sorted(os.listdir(temporary)) == sorted(["kam-other", begun.name, Path(own).name])
        hour_ago = time.time() - 3700
        os.utime(begun, (hour_ago, hour_ago))
        sweep_scratch()
        assert not begun.exists()
    assert os.listdir(temporary) == ["kam-other"]


def test_a_folder_of_another_process_that_lives_is_not_swept(temporary):
    pid = os.fork() if hasattr(os, "fork") else pytest.skip("cannot fork")
    if pid == 0:
        with scratch_folder():
            (temporary / "ready").touch()
            while not (temporary / "done").exists():
                time.sleep(0.02)
            os._exit(0)  # as if it was killed
    while not (temporary / "ready").exists():
        time.sleep(0.02)
    sweep_scratch()
    assert len(list(temporary.glob(f"{PREFIX}*"))) == 1
    (temporary / "done").touch()
    os.waitpid(pid, 0)
    sweep_scratch()
    assert not list(temporary.glob(f"{PREFIX}*"))


def test_a_process_that_is_about_to_end_removes_its_own(temporary):
    with scratch_folder() as own:
        remove_own_scratch()
        assert not os.path.exists(own)


# -- the manual ------------------------------------------------------------------------------------------------------


def test_the_table_of_faults_names_tests_that_are_there_and_all_faults():
    root = Path(__file__).parents[2]
    page = (root / "docs" / "reliability.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.*?) \| (.*?) \| `tests/real/test_faults\.py::test_fault\[(.*?)\]` \|", page, re.MULTILINE)
    assert rows == [(fault.name, fault.promised, fault.name) for fault in FAULTS], "run: make soak"
    sources = "".join(path.read_text(encoding="utf-8") for path in (root / "tests").glob("re*/test_*.py"))
    for name in re.findall(r"\btest_(?!fault\b|faults\b)\w+(?!\.py)\b(?!\.py|/)", page):
        assert f"def {name}(" in sources or f"{name}.py" in page, name


def test_the_table_of_faults_states_a_soak_that_tried_each_often_enough():
    page = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text(encoding="utf-8")
    counts = {
        name: int(n)
        for name, n in re.findall(r"^\| ([^|]*?) \|.*\| (\d+)(?:: nothing leaked)? \|$", page, re.MULTILINE)
    }
    assert Soak(tried=counts, n_in_a_row=counts.get(IN_A_ROW, 0)).missing() == []


def test_a_short_soak_leaves_the_table_as_it_is(monkeypatch, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}the table of a longer one\n{END}after\n", encoding="utf-8")
    monkeypatch.setattr("tests.faults.__main__.ROOT", tmp_path)
    monkeypatch.setattr("tests.faults.__main__.PAGE", page)
    enough = Soak(tried={**dict.fromkeys(BY_NAME, 3), RANDOM: 40}, n_in_a_row=200)
    once = Soak(tried=enough.tried | {"a notebook raises": 2}, n_in_a_row=200)
    monkeypatch.setattr("tests.faults.__main__.soak", lambda *asked: once)
    assert main_of_soak() == 0 and "the table of a longer one" in page.read_text(encoding="utf-8")
    assert "stays as it is, too little was tried:\n  a notebook raises: 2 of 3" in capsys.readouterr().out
    monkeypatch.setattr("tests.faults.__main__.soak", lambda *asked: enough)
    assert main_of_soak() == 0
    written = page.read_text(encoding="utf-8")
    assert written.startswith("before\n") and written.endswith("after\n") and "200: nothing leaked" in written
    assert "the table of a longer one" not in written
