"""Who is told what, when; and commands that do not do what they should."""

import json
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from kam.errors import DataError, LockedError, ParameterError, RunError
from kam.report import notification as notification_module
from kam.report import run as run_module
from kam.report.history import published_record
from kam.report.notification import Notifier, call_command, parse_command, tell_if_refused
from kam.report.plan import Notification, plan_notebooks
from kam.report.publish import open_run
from kam.report.run import run_plan
from tests.report.pretended_runs import plan_of, pretend_workers
from tests.report.test_manifest import make

KEYS = [
    "schema_version", "event", "summary", "run_id", "plan", "status", "started", "finished", "seconds", "dataset", "as_of",
    "fingerprint", "steps", "failed", "error", "warnings", "folder", "index",
]  # fmt: skip
ALWAYS = Notification(command=("tell",), on="always")
FAILURE = Notification(command=("tell",))


@pytest.fixture
def told(monkeypatch):
    """The facts that the command would have got; nothing is started."""
    heard = []

    def hear(command, content):
        assert list(command) == ["tell"]
        heard.append(json.loads(content))
        return ""

    pretend_workers(monkeypatch)
    monkeypatch.setattr(notification_module, "call_command", hear)
    return heard


# -- what is told ----------------------------------------------------------------------------------------------------


def test_a_run_that_succeeded_is_told_where_asked(told, tmp_path):
    run_plan(plan_of(notify=FAILURE), out=tmp_path)
    run_plan(plan_of(), out=tmp_path)
    assert told == []
    run = run_plan(plan_of(notify=ALWAYS), out=tmp_path)
    (facts,) = told
    assert list(facts) == KEYS
    assert facts["seconds"] >= 0 and facts["started"].endswith("Z") and facts["finished"] >= facts["started"]
    assert {name: facts[name] for name in KEYS if name not in ("started", "finished", "seconds")} == {
        "schema_version": 1,
        "event": "finished",
        "summary": "kam: night succeeded, 1 report.",
        "run_id": run.folder.name,
        "plan": "night",
        "status": "succeeded",
        "dataset": None,
        "as_of": None,
        "fingerprint": None,
        "steps": {"succeeded": 1, "failed": 0, "skipped": 0, "taken_over": 0},
        "failed": [],
        "error": None,
        "warnings": [],
        "folder": str(run.folder),
        "index": str(tmp_path / "index.html"),
    }


@pytest.mark.parametrize("notify", [ALWAYS, FAILURE])
def test_a_run_that_failed_is_told_with_the_reason_of_each_step(told, tmp_path, notify):
    run = run_plan(plan_of(fail=True, notify=notify), out=tmp_path)
    (facts,) = told
    assert (facts["event"], facts["status"], facts["error"]) == ("finished", "failed", None)
    assert facts["summary"] == "kam: the only report of night failed."
    assert facts["failed"] == [
        {"step": "answers", "title": "How many are there?", "status": "failed", "error": "It was asked to."}
    ]
    assert facts["folder"] == str(run.folder) and run.manifest.status == "failed" and run.notes == ()


def test_a_dataset_that_is_missing_is_told(told, tmp_path):
    cell = {
        "cell_type": "code",
        "metadata": {"tags": ["parameters"]},
        "source": 'dataset: str = "nowhere"',
        "outputs": [],
    }
    content = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]}
    (tmp_path / "x.ipynb").write_text(json.dumps(content), encoding="utf-8")
    plan = replace(plan_notebooks(["x.ipynb"], start=tmp_path), notify=FAILURE)
    with pytest.raises(DataError):
        run_plan(plan, out="reports", start=tmp_path)
    (facts,) = told
    assert list(facts) == KEYS
    assert (facts["event"], facts["status"], facts["run_id"], facts["steps"]) == ("not started", "failed", None, None)
    assert "nowhere" in facts["error"] and facts["summary"].startswith("kam: x did not start: There is no dataset")
    assert facts["folder"] is facts["index"] is None and facts["failed"] == []


def test_a_run_that_is_refused_or_finds_no_place_is_told(told, tmp_path, monkeypatch):
    with open_run(tmp_path, "night", run_module.datetime.now(run_module.UTC)), pytest.raises(LockedError):
        run_plan(plan_of(notify=FAILURE), out=tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RunError):
        run_plan(plan_of(notify=FAILURE), out=tmp_path / "file" / "x")

    def full(self, *_, **__):
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(RunError):
        run_plan(plan_of(notify=FAILURE), out=tmp_path)
    assert [facts["event"] for facts in told] == ["not started"] * 3
    for facts, said in zip(told, ["at work", "cannot be written", "No space left on device"], strict=True):
        assert said in facts["error"] and facts["finished"]


def test_a_run_that_breaks_off_is_told_and_the_error_goes_on(told, tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "write_tables", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_plan(plan_of(notify=FAILURE), out=tmp_path)
    (facts,) = told
    assert (facts["event"], facts["error"]) == ("broken off", "ZeroDivisionError: division by zero")
    assert facts["run_id"].endswith("-night") and facts["summary"].startswith("kam: night was broken off: Zero")


def test_the_next_run_tells_of_one_that_was_killed(told, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(run_module, "publish_run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run_plan(plan_of(notify=FAILURE), out=tmp_path)
    assert told == []  # who is killed tells nothing
    (left,) = tmp_path.glob(".part-*")
    run = run_plan(plan_of(notify=FAILURE), out=tmp_path)
    (facts,) = told
    assert list(facts) == KEYS
    assert (facts["event"], facts["status"], facts["plan"]) == ("cut off", "failed", "night")
    assert facts["run_id"] == left.name.removeprefix(".part-") and facts["finished"] is facts["seconds"] is None
    assert facts["steps"]["succeeded"] == 1 and facts["folder"] is None and facts["started"]
    assert run.manifest.steps[0].adopted_from == facts["run_id"]
    run_plan(plan_of(notify=FAILURE), out=tmp_path)
    assert len(told) == 1  # once


def test_the_next_run_tells_of_one_that_was_killed_between_publishing_and_telling(told, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(run_module, "remove_old_runs", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run_plan(plan_of(notify=FAILURE, fail=True), out=tmp_path)
        with pytest.raises(KeyboardInterrupt):
            run_plan(plan_of("day", notify=FAILURE, fail=True), out=tmp_path)
        assert told == []
        with pytest.raises(
            KeyboardInterrupt
        ):  # tells of the one before, and is killed itself; of what succeeded nobody is told
            run_plan(plan_of(notify=FAILURE), out=tmp_path)
    (facts,) = told
    assert list(facts) == KEYS and (facts["event"], facts["status"], facts["plan"]) == ("finished", "failed", "night")
    assert [step["error"] for step in facts["failed"]] == ["It was asked to."] and Path(facts["folder"]).is_dir()
    run_plan(plan_of(notify=FAILURE), out=tmp_path)
    assert len(told) == 1  # once
    run_plan(plan_of("day", notify=FAILURE), out=tmp_path)
    assert [facts["plan"] for facts in told] == ["night", "day"]
    assert not list(tmp_path.glob("*/.untold"))


@pytest.mark.parametrize("waits", ["remove_old_runs", "write_tables"])
def test_a_run_that_is_ended_after_it_was_published_does_not_pass_for_one_that_was_not(
    told, tmp_path, monkeypatch, waits
):
    with monkeypatch.context() as patched:
        patched.setattr(run_module, waits, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(RunError) as ended:
            run_plan(plan_of(notify=ALWAYS), out=tmp_path)
    published = waits == "remove_old_runs"
    assert ("published already" in ended.value.what) == published == (len(list(tmp_path.glob("[!.]*/run.json"))) == 1)
    assert [facts["event"] for facts in told] == ([] if published else ["broken off"])
    run_plan(plan_of(notify=ALWAYS), out=tmp_path)
    assert [facts["event"] for facts in told][-2:] == ["finished" if published else "cut off", "finished"]


@pytest.mark.parametrize(
    ("plan", "told_of"),
    [
        ("notify: {command: [tell], on: failure}\nsteps: [{notebook: nowhere}]", "night"),
        ("name: Q 4\nnotify: {command: [tell]}\nstepz: []", "Q_4"),
        ("notify: {command: [tell]}\nsteps: [{notebook: 10, parameters: {seed: x}}]", "night"),
        ("notify: {command: tell}\nsteps: []", None),
        ("notify: [", None),
        ("- notify", None),
    ],
)
def test_a_plan_that_cannot_be_run_is_told_where_it_says_whom(told, tmp_path, plan, told_of):
    (tmp_path / "night.yaml").write_text(plan, encoding="utf-8")
    with pytest.raises(ParameterError), tell_if_refused([str(tmp_path / "night.yaml")], None, root=tmp_path):
        raise ParameterError("It is wrong.")
    assert [(facts["event"], facts["plan"], facts["error"]) for facts in told] == (
        [("not started", told_of, "It is wrong.")] if told_of else []
    )


def test_a_command_that_was_typed_goes_before_the_plans(told, tmp_path):
    (tmp_path / "night.yaml").write_text("notify: {command: [other]}", encoding="utf-8")
    with pytest.raises(ParameterError), tell_if_refused([str(tmp_path / "night.yaml")], FAILURE, root=tmp_path):
        raise ParameterError("It is wrong.")
    with pytest.raises(ParameterError), tell_if_refused(["a/10.ipynb"], FAILURE, root=tmp_path, name="x y"):
        raise ParameterError("It is wrong.")
    with tell_if_refused(["a/10.ipynb"], FAILURE, root=tmp_path):
        pass
    assert [facts["plan"] for facts in told] == ["night", "x_y"]


# -- a command that fails --------------------------------------------------------------------------------------------


def test_a_command_that_fails_changes_nothing_but_is_noted(monkeypatch, tmp_path):
    pretend_workers(monkeypatch)
    nowhere = Notification(command=("no-such-program-anywhere",), on="always")
    run = run_plan(plan_of(notify=nowhere), out=tmp_path)
    assert run.manifest.status == "succeeded"
    said = "Nobody was notified: no-such-program-anywhere could not be started: No such file or directory."
    assert run.notes == (said,)
    with open_run(tmp_path, "night", run.manifest.started), pytest.raises(LockedError) as refused:
        run_plan(plan_of(notify=nowhere), out=tmp_path)
    assert refused.value.__notes__ == [said]


def script(tmp_path, text):
    path = tmp_path / "command.py"
    path.write_text(text, encoding="utf-8")
    return sys.executable, "-S", str(path)


def test_the_command_gets_the_facts_and_the_environment_and_no_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("KAM_TEST_WORD", "고객")
    text = "import os, sys\nopen(sys.argv[1], 'wb').write(sys.stdin.buffer.read() + os.environb[b'KAM_TEST_WORD'])\n"
    odd = str(tmp_path / "$HOME; echo `x` > y")
    assert call_command([*script(tmp_path, text), odd], "é {}\n".encode()) == ""
    assert Path(odd).read_text(encoding="utf-8") == "é {}\n고객"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import sys; print('first'); sys.exit('The server is away.')", r"ended with status 1: The server is away\.$"),
        ("import sys; sys.exit(3)", r"ended with status 3\.$"),
        ("import os; os.kill(os.getpid(), 9)", r"ended with status -9\.$"),
        ("import sys; sys.stdout.buffer.write(bytes([255]) * 900); sys.exit(1)", r"status 1: \ufffd{300}\.$"),
        ("import sys; sys.stdin.close()", "^$"),
        ("pass", "^$"),
    ],
)
def test_what_goes_wrong_with_the_command_is_one_line(tmp_path, text, said):
    import re

    assert re.search(said, call_command(script(tmp_path, text), b"x" * 1_000_000))


@pytest.mark.parametrize("command", [["/"], ["a\0b"], [""]])
def test_a_command_that_cannot_be_started_is_told(command):
    assert "could not be started" in call_command(command, b"")


@pytest.mark.skipif(os.name != "posix", reason="needs process groups")
def test_a_command_that_takes_too_long_is_ended_with_all_it_started(tmp_path):
    begun = time.monotonic()
    command = ["/bin/sh", "-c", f"sleep 100 & echo $! > '{tmp_path}/pid'; wait"]
    assert call_command(command, b"x" * 1_000_000, seconds=0.5) == "/bin/sh took longer than it may: 0.5 seconds."
    assert time.monotonic() - begun < 20
    sleeper = int((tmp_path / "pid").read_text(encoding="utf-8"))
    for _ in range(100):
        if not psutil.pid_exists(sleeper) or psutil.Process(sleeper).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.05)
    else:
        raise AssertionError("it is still there")


@pytest.mark.parametrize(("text", "said"), [("", "There is no command"), ("mail 'x", "no closing quotation")])
def test_a_command_that_cannot_be_read_is_refused(text, said):
    with pytest.raises(ParameterError, match=said):
        parse_command(text)


def test_the_data_are_told_and_the_whole_way_works(monkeypatch, tmp_path):
    pretend_workers(monkeypatch)
    text = f"import sys\nopen({str(tmp_path / 'facts.json')!r}, 'wb').write(sys.stdin.buffer.read())\n"
    notify = Notification(command=script(tmp_path, text), on="always")
    assert run_plan(plan_of(notify=notify), out=tmp_path / "reports").notes == ()
    assert json.loads((tmp_path / "facts.json").read_text(encoding="utf-8"))["event"] == "finished"
    manifest = make(tmp_path / "20261121T070000Z-p", warnings=("There is no workbook.",))
    notifier = Notifier(notify, plan="p", root=tmp_path)
    (tmp_path / manifest.run_id).mkdir()
    notifier.prepare(tmp_path / manifest.run_id)
    notifier.tell_run(published_record(manifest, tmp_path))
    facts = json.loads((tmp_path / "facts.json").read_text(encoding="utf-8"))
    assert (facts["dataset"], facts["as_of"], facts["fingerprint"]) == ("tiny", "2011-12-09", "f00")
    assert (facts["seconds"], facts["warnings"], notifier.notes) == (60.0, ["There is no workbook."], [])
