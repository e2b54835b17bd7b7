"""Which finished steps of a run that was cut off are taken over: those that are what they were, whole, and no others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kam.report.adoption import adopt_steps, has_records, keep_record, key_of_step
from kam.report.manifest import Step

STEP = Step(name="x/10_what", title="What?", notebook_sha256="n", status="succeeded")
KEY = {
    "notebook_sha256": "n",
    "parameters": {"a": 1},
    "inputs_sha256": "i",
    "versions": {"kam": "1"},
    "before": {"s": "k"},
}


@pytest.fixture
def left(tmp_path):
    """A run that was cut off with one finished step."""
    folder = tmp_path / ".part-1" / STEP.name
    (folder / "tables").mkdir(parents=True)
    (folder / "report.html").write_text("report")
    (folder / "tables" / "t.parquet").write_bytes(b"table")
    keep_record(tmp_path / ".part-1", STEP, "key")
    return tmp_path / ".part-1"


@pytest.fixture
def part(tmp_path):
    (tmp_path / ".part-2").mkdir()
    return tmp_path / ".part-2"


def test_a_finished_step_is_moved_and_recorded_anew(left, part):
    assert adopt_steps(left, part, {STEP.name: "key"}) == {STEP.name: STEP}
    assert (part / STEP.name / "tables" / "t.parquet").read_bytes() == b"table"
    assert not (left / STEP.name).exists()
    assert has_records(part)
    assert adopt_steps(part, left, {STEP.name: "key"}) == {STEP.name: STEP}  # should this run be cut off too


@pytest.mark.parametrize("what", ["another key", "another name", "no record", "half a record"])
def test_a_step_that_is_not_the_one_wanted_stays(left, part, what):
    (record,) = (left / ".finished").glob("*.json")
    if what == "no record":
        record.unlink()
    elif what == "half a record":
        record.write_text(record.read_text()[:40])
    wanted = {"another key": {STEP.name: "other"}, "another name": {"10_what": "key"}}.get(what, {STEP.name: "key"})
    assert adopt_steps(left, part, wanted) == {}
    assert (left / STEP.name).is_dir() and not has_records(part)


@pytest.mark.parametrize("what", ["changed", "emptied", "lost", "added"])
def test_a_step_whose_files_are_not_those_that_it_left_stays(left, part, what):
    table = left / STEP.name / "tables" / "t.parquet"
    if what == "changed":
        table.write_bytes(b"TABLE")
    elif what == "emptied":  # what a machine that lost power makes of a file that was never on the disk
        table.write_bytes(b"")
    elif what == "lost":
        table.unlink()
    else:
        (table.parent / "more").write_text("")
    assert adopt_steps(left, part, {STEP.name: "key"}) == {}


def test_nothing_is_moved_over_what_is_there(left, part):
    (part / STEP.name).mkdir(parents=True)
    assert adopt_steps(left, part, {STEP.name: "key"}) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"notebook_sha256": "m"},
        {"parameters": {"a": 2}},
        {"inputs_sha256": None},
        {"versions": {}},
        {"before": {"s": "l"}},
    ],
)
def test_the_key_depends_on_all_that_the_outcome_depends_on(change):
    assert key_of_step(**KEY) == key_of_step(**KEY)
    assert key_of_step(**KEY | change) != key_of_step(**KEY)


def test_two_steps_with_the_same_files_are_told_apart(left, part):
    assert adopt_steps(left, part, {"other": "key", STEP.name: "key"}) == {STEP.name: STEP}
    assert replace(STEP, name="other") != STEP
