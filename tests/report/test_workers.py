import dataclasses
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kam.report import workers as workers_module
from kam.report.execution import Job, begin_step
from kam.report.notebook import Notebook
from kam.report.workers import Workers


def serve(connection, warm):
    """Stands for a notebook: what it does is the parameter ``does``."""
    try:
        job, _ = connection.recv()
    except EOFError:
        return
    begun = time.monotonic()
    does = job.parameters.get("does")
    tried = job.folder.parent / f"tried-{job.name}"
    tried.write_text(tried.read_text() + "x" if tried.exists() else "x")
    (job.folder / "half").mkdir()
    connection.send(("cell", 1, 2))
    if does == "die":
        os._exit(3)
    if does == "sleep":
        time.sleep(60)
    failed = does == "fail" or (does == "fail once" and len(tried.read_text()) == 1)
    status = "failed" if failed else "succeeded"
    connection.send(("step", dataclasses.replace(begin_step(job), status=status, seconds=time.monotonic() - begun)))


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.setattr(workers_module, "serve", serve)
    content = json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": []})

    def make(name, does="", after=()):
        (tmp_path / name).mkdir()
        return Job(
            name=name, notebook=Notebook(Path("x.ipynb"), content), parameters={"does": does}, settings={}, dataset=None,
            folder=tmp_path / name, started=datetime(2026, 11, 22, tzinfo=UTC), after=tuple(after),
        )  # fmt: skip

    return make


def outcome(jobs, n=2, **options):
    with Workers(n, **options) as workers:
        events = list(workers.run(jobs))
    steps = {job.name: content for job, kind, content in events if kind == "step"}
    assert set(steps) == {job.name for job in jobs}
    return steps, [(job.name, kind) for job, kind, _ in events]


def test_a_job_starts_when_those_it_waits_for_have_succeeded(job):
    steps, events = outcome([job("c", after=["a", "b"]), job("a"), job("b")])
    assert {step.status for step in steps.values()} == {"succeeded"}
    assert events.index(("c", "started")) > max(events.index(("a", "step")), events.index(("b", "step")))
    assert events.index(("b", "started")) < events.index(("a", "step"))


def test_what_waits_for_a_failed_job_is_skipped_and_the_others_run(job):
    steps, _ = outcome([job("a", "fail"), job("b", after=["a"]), job("c", after=["b"]), job("d")])
    assert {name: step.status for name, step in steps.items()} == {
        "a": "failed", "b": "skipped", "c": "skipped", "d": "succeeded",
    }  # fmt: skip
    assert steps["b"].error == "It was not started, for it needs a, which failed."
    assert steps["c"].error == "It was not started, for it needs b, which was not started either."


def test_a_plan_that_stops_starts_nothing_more(job):
    steps, _ = outcome([job("a", "fail"), job("b"), job("c")], n=1, stop_on_failure=True)
    assert [steps[name].status for name in "abc"] == ["failed", "skipped", "skipped"]
    assert "the plan stops at a failure" in steps["c"].error


@pytest.mark.skipif(sys.platform != "linux", reason="there is no server elsewhere")
def test_while_the_server_imports_nobody_waits_for_it(monkeypatch):
    monkeypatch.setattr(Workers, "_start", lambda _: pytest.fail("It would wait for the server."))
    with Workers(2):
        pass


def test_what_was_done_before_counts_as_done(job):
    with Workers(1) as workers:
        events = list(workers.run([job("b", after=["a"])], before={"a": "succeeded"}))
    assert events[-1][2].status == "succeeded"


def test_a_failed_job_is_tried_again_in_an_empty_folder(job):
    steps, events = outcome([job("a", "fail once"), job("b", "fail")], retries=2)
    assert (steps["a"].status, steps["a"].attempts) == ("succeeded", 2)
    assert (steps["b"].status, steps["b"].attempts) == ("failed", 3)
    assert events.count(("a", "started")) == 1 and events.count(("a", "step")) == 1


def test_a_process_that_dies_takes_its_job_with_it_and_no_other(job):
    steps, _ = outcome([job("a", "die"), job("b")])
    assert steps["a"].status == "failed" and "(status 3)" in steps["a"].error
    assert steps["b"].status == "succeeded"


def test_the_limit_of_the_run_ends_what_is_at_work_and_starts_nothing_more(job):
    begun = time.monotonic()
    steps, _ = outcome([job("a", "sleep"), job("b")], n=1, seconds=3)
    assert time.monotonic() - begun < 20
    assert steps["a"].status == "failed" and steps["a"].error.startswith("It was ended, for the run has taken the time")
    assert steps["b"].status == "skipped" and "0.05 minutes" in steps["b"].error
