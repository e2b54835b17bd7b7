"""What ran: states told apart, runs found by name, and what is printed."""

import io
import json
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kam.errors import LockedError, ResultsError
from kam.report.adoption import keep_record
from kam.report.catalog import read_catalog
from kam.report.history import find_run, is_at_work, read_history
from kam.report.listing import print_catalog, print_history, print_run
from kam.report.manifest import read_manifest
from kam.report.publish import left_behind, open_run, plan_lock
from tests.report.test_index import add_run
from tests.report.test_manifest import make
from tests.report.test_plan import NOTEBOOK

NOW = datetime(2026, 11, 20, 7, tzinfo=UTC)
ATTACK = "x\x1b]0;owned\x07\x1b[2J\u202ecba\r\n[red]b[/red]"


def step(root, **changes):
    return replace(make(root).steps[0], **changes)


@pytest.fixture
def root(tmp_path):
    """One run of each state: the plan ``night`` at work, ``day`` cut off."""
    add_run(tmp_path, 1, plan="night")
    failed = {"status": "failed", "answer": None, "error": "The file is gone."}
    steps = (
        step(tmp_path),
        step(tmp_path, name="x/20_why", adopted_from="20261101T000000Z-night"),
        step(tmp_path, name="30_when", **failed),
        step(tmp_path, name="40_so", **failed | {"status": "skipped"}),
    )
    add_run(tmp_path, 2, plan="night", steps=steps)
    (tmp_path / "20261103T070000Z-night").mkdir()
    (tmp_path / "20261103T070000Z-night" / "run.json").write_text("{", encoding="utf-8")
    cut_off = tmp_path / ".part-20261104T070000Z-day"
    cut_off.mkdir()
    (tmp_path / ".gone-20261105T070000Z-day").mkdir()
    keep_record(cut_off, step(tmp_path), "k")
    (cut_off / ".finished" / "half.json").write_text("{", encoding="utf-8")
    with open_run(tmp_path, "night", NOW):
        yield tmp_path


def printed(capsys, show, *arguments, **options):
    show(*arguments, **options)
    return capsys.readouterr().out


# -- what there is ---------------------------------------------------------------------------------------------------


def test_runs_come_newest_first_and_their_states_are_told_apart(root):
    records = read_history(root)
    assert [(record.run_id, record.plan, record.state) for record in records] == [
        ("20261120T070000Z-night", "night", "at work"),
        ("20261104T070000Z-day", "day", "cut off"),
        ("20261103T070000Z-night", "night", "unreadable"),
        ("20261102T070000Z-p", "night", "failed"),
        ("20261101T070000Z-p", "night", "succeeded"),
    ]
    at_work, cut_off, damaged, failed, good = records
    assert failed.counts == {"succeeded": 2, "failed": 1, "skipped": 1, "taken_over": 1}
    assert cut_off.counts["succeeded"] == 1 and cut_off.dataset.fingerprint == "f00" and cut_off.seconds is None
    assert cut_off.started == datetime(2026, 11, 4, 7, tzinfo=UTC)
    assert at_work.steps == () and at_work.seconds == pytest.approx((datetime.now(UTC) - NOW).total_seconds(), abs=60)
    assert "cannot be read" in damaged.error and good.dataset.dataset == "tiny" and good.seconds == 0


def test_of_a_plan_at_work_only_the_newest_folder_is_at_work(root):
    (root / ".part-20261119T070000Z-night").mkdir()
    (root / ".part-20261119T070000Z-night.2").mkdir()
    states = {record.run_id: record.state for record in read_history(root)}
    assert states["20261120T070000Z-night"] == "at work"
    assert states["20261119T070000Z-night"] == states["20261119T070000Z-night.2"] == "cut off"
    assert {record.plan for record in read_history(root)} == {"night", "day"}


def test_a_plan_may_have_a_number_behind_a_dot(tmp_path):
    with open_run(tmp_path, "v1.2", NOW), open_run(tmp_path, "v1.2-x", NOW):
        assert {(record.plan, record.state) for record in read_history(tmp_path)} == {
            ("v1.2", "at work"),
            ("v1.2-x", "at work"),
        }


def test_runs_of_one_plan(root):
    assert {record.plan for record in read_history(root, plan="night")} == {"night"}
    assert [record.run_id for record in read_history(root, plan="plans/day.yaml")] == ["20261104T070000Z-day"]
    with pytest.raises(ResultsError, match=r"no run of plan 'nigth'.*Did you mean 'night'"):
        read_history(root, plan="nigth")


def test_a_folder_that_is_not_there_is_an_error_and_an_empty_one_is_not(tmp_path):
    assert read_history(tmp_path) == []
    with pytest.raises(ResultsError, match="no reports folder"):
        read_history(tmp_path / "x")


def test_looking_takes_the_lock_from_nobody(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    with open_run(tmp_path, "night", NOW):
        assert is_at_work(tmp_path, "night")
    assert not is_at_work(tmp_path, "night") and not is_at_work(tmp_path, "never")
    with plan_lock(tmp_path, "night").open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)  # as long as somebody looks
        assert not is_at_work(tmp_path, "night")  # others may look, too
        threading.Timer(0.1, lambda: fcntl.flock(looking, fcntl.LOCK_UN)).start()
        with open_run(tmp_path, "night", NOW):  # and a run begins none the less
            begun = time.monotonic()
            with pytest.raises(LockedError), open_run(tmp_path, "night", NOW):
                pass
            assert time.monotonic() - begun < 2


# -- one run ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("latest", "20261102T070000Z-p"),
        ("20261101T070000Z-p", "20261101T070000Z-p"),
        ("20261104", "20261104T070000Z-day"),
        ("20261120T070000Z-night", "20261120T070000Z-night"),
    ],
)
def test_a_run_is_found_by_id_beginning_or_as_the_latest(root, name, found):
    assert find_run(root, name).run_id == found


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("202611", "More than one run begins with '202611'.*20261104T070000Z-day"),
        ("20261101T070000Z-q", "no run '20261101T070000Z-q'.*Did you mean '20261101T070000Z-p'"),
        ("20261104T0800", "no run '20261104T0800'.*Did you mean '20261104T070000Z-day'"),
        ("nonsense", "no run 'nonsense'.*Newest runs: 20261120T070000Z-night, 20261104T070000Z-day"),
        ("", "There is no run ''"),
        ("../x", "There is no run"),
        ("20261103T070000Z-night", r"record of a run cannot be read.*run\.json"),
    ],
)
def test_a_run_that_cannot_be_shown_is_a_named_error(root, name, said):
    with pytest.raises(ResultsError, match=said):
        find_run(root, name)


def test_latest_needs_a_run_that_was_published(tmp_path):
    with open_run(tmp_path, "night", NOW), pytest.raises(ResultsError, match="no run that was published"):
        find_run(tmp_path, "latest")


# -- printed ---------------------------------------------------------------------------------------------------------


def test_runs_are_plain_aligned_lines(root, capsys):
    lines = printed(capsys, print_history, read_history(root), root=root, newest=4).splitlines()
    assert len(lines) == 6 and lines[-1] == "1 older runs are not listed: -n 5 lists all."
    column = lines[0].index("status")
    assert [line[column:].split("  ")[0] for line in lines[1:5]] == ["at work", "cut off", "unreadable", "failed"]
    assert "2 ok, 1 failed, 1 skipped, 1 taken over" in lines[4] and lines[4].endswith("2011-12-09  f00")
    assert printed(capsys, print_history, [], root=root, newest=1) == "No run yet.\n"


def test_runs_as_json(root, capsys):
    content = json.loads(printed(capsys, print_history, read_history(root), root=root, newest=4, json=True))
    assert (content["schema_version"], content["number_of_runs"], len(content["runs"])) == (1, 5, 4)
    assert content["runs"][3] == {
        "run_id": "20261102T070000Z-p",
        "plan": "night",
        "state": "failed",
        "started": "2026-11-02T07:00:00Z",
        "finished": "2026-11-02T07:00:00Z",
        "seconds": 0.0,
        "steps": {"succeeded": 2, "failed": 1, "skipped": 1, "taken_over": 1},
        "dataset": "tiny",
        "as_of": "2011-12-09",
        "fingerprint": "f00",
        "folder": str(root / "20261102T070000Z-p"),
        "error": None,
    }


def leaves(content):
    """Every text and number in JSON."""
    if isinstance(content, dict):
        return [leaf for value in content.values() for leaf in leaves(value)]
    if isinstance(content, list):
        return [leaf for value in content for leaf in leaves(value)]
    return [] if content is None else [str(content)]


def test_a_run_is_shown_with_everything_in_its_manifest(tmp_path, capsys):
    steps = (
        step(tmp_path, warnings=("It is large.",), parameters={"n": 3, "codes": ["a", "b"]}, after=("0",), attempts=2),
        step(
            tmp_path, name="20_why", status="failed", error="The file is gone.", inputs_sha256="ab" * 32, context=None
        ),
        step(tmp_path, name="30_so", adopted_from="20261101T000000Z-p", seconds=61.0),
    )
    name = add_run(tmp_path, 2, steps=steps, warnings=("There is no workbook.",), parameters={"dataset": "007"})
    shown = printed(capsys, print_run, find_run(tmp_path, name))
    assert shown.startswith(f"{name}: failed; 2 ok, 1 failed, 1 taken over.\n")
    raw = json.loads((tmp_path / name / "run.json").read_text(encoding="utf-8"))
    told_otherwise = {"1.5": "1.5 s", "61.0": "1 min 01 s", "en": "", "Tiny & Co": "tiny (Tiny & Co)", "1": ""}
    for leaf in leaves(raw):
        said = told_otherwise.get(leaf, leaf.replace("T07:00:00Z", " 07:00:00 UTC"))
        assert said in shown, leaf
    assert f"report           {tmp_path / name / '10_who' / 'report.html'}" in shown
    assert str(tmp_path / name / "20_why" / "failed.ipynb") in shown and "\nseed        1\n" in shown
    content = json.loads(printed(capsys, print_run, find_run(tmp_path, name), json=True))
    assert content["manifest"] == {key: value for key, value in raw.items() if key != "status"}
    assert content["files"]["steps"]["10_who"] == {"report": str(tmp_path / name / "10_who" / "report.html")}
    assert content["state"] == "failed" and read_manifest(tmp_path / name).status == "failed"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("20261120", "at work; 0 ok so far."),
        ("20261104", "cut off; 1 ok, not published; the next run of the plan takes over what is finished."),
    ],
)
def test_a_run_that_was_not_published_is_shown_as_far_as_it_is_known(root, capsys, name, said):
    shown = printed(capsys, print_run, find_run(root, name))
    assert said in shown and ("10_who: Who?" in shown) == (name == "20261104")
    assert json.loads(printed(capsys, print_run, find_run(root, name), json=True))["manifest"] is None


def test_what_comes_from_data_moves_no_cursor_and_is_no_markup(tmp_path, capsys, monkeypatch):
    context = replace(make(tmp_path).dataset, dataset=ATTACK, title=ATTACK)
    name = add_run(tmp_path, 2, plan=ATTACK, dataset=context, steps=(step(tmp_path, title=ATTACK, answer=ATTACK),))
    for terminal in (False, True):
        page = Page() if terminal else io.StringIO()
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", page)
            patched.setenv("NO_COLOR", "1")
            patched.setenv("TERM", "dumb")
            print_history(read_history(tmp_path), root=tmp_path, newest=3)
            print_run(find_run(tmp_path, name))
        text = page.getvalue()
        assert "[red]b[/red]" in text and "]0;owned" in text
        assert not [letter for letter in text if not letter.isprintable() and letter != "\n"]


class Page(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("width", [60, 200])
def test_on_a_terminal_no_id_is_broken_and_nothing_is_lost(root, monkeypatch, width):
    page = Page()
    monkeypatch.setattr(sys, "stdout", page)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    print_history(read_history(root), root=root, newest=9)
    for word in ("20261120T070000Z-night", "20261102T070000Z-p", "at work", "cut off", "unreadable", "f00"):
        assert word in page.getvalue()
    assert ("fingerprint" in page.getvalue()) == (width == 200)


# -- what can be run -------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "plans").mkdir()
    source = 'n: int  # how many\nregion: str = ""  # where\nresults_dir: str = ""'
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": "# Who is it?"},
        {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source, "outputs": []},
    ]
    (tmp_path / "notebooks" / "50_mine.ipynb").write_text(json.dumps(NOTEBOOK | {"cells": cells}), encoding="utf-8")
    (tmp_path / "notebooks" / "60_half.ipynb").write_text("{", encoding="utf-8")
    plan = "steps: [{notebook: 50, parameters: {n: 3}}, {notebook: 50, name: b, parameters: {n: 4}, after: [50_mine]}]"
    (tmp_path / "plans" / "night.yaml").write_text(plan, encoding="utf-8")
    (tmp_path / "plans" / "bad.yaml").write_text("stepz: []", encoding="utf-8")
    return tmp_path


def test_notebooks_and_plans_are_listed_with_what_they_take(folder, capsys):
    catalog = read_catalog(start=folder)
    shown = printed(capsys, print_catalog, catalog)
    assert (
        "50_mine: Who is it?\nparameter  type  default        meaning\nn          int   must be given  how many\n"
        in shown
    )
    assert "10_customer_identification: Who are our key accounts?" in shown  # those that come with kam, too
    assert "results_dir" not in shown and "60_half" in shown
    assert "b        50_mine   n=4         50_mine\n" in shown
    assert "\n- plans/bad.yaml: " in shown and "stepz (line 1) is no key." in shown
    content = json.loads(printed(capsys, print_catalog, catalog, json=True))
    assert next(one for one in content["notebooks"] if one["name"] == "50_mine")["parameters"] == [
        {"name": "n", "type": "int", "default": None, "required": True, "help": "how many"},
        {"name": "region", "type": "str", "default": "''", "required": False, "help": "where"},
    ]
    assert [(plan["name"], plan["path"], len(plan["steps"])) for plan in content["plans"]] == [
        ("night", "plans/night.yaml", 2)
    ]
    assert len(content["problems"]) == 2


def test_plans_are_found_from_a_folder_below(folder):
    (folder / "deep").mkdir()
    assert [str(path) for path in read_catalog(start=folder / "deep").plans] == ["../plans/night.yaml"]


def test_a_link_that_is_called_like_a_run_that_was_cut_off_is_none(tmp_path):
    (tmp_path / "outside" / ".finished").mkdir(parents=True)
    root = tmp_path / "reports"
    root.mkdir()
    (root / ".part-20250101T000000Z-night").symlink_to(tmp_path / "outside")
    (root / ".part-20250102T000000Z-night").write_text("a file", encoding="utf-8")
    assert read_history(root) == [] and left_behind(root, "night", root / "other") == []
