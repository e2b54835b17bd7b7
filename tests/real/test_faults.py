"""Faults, tried for real on runs of the command: nothing is lost, nothing half-published, and the next run goes on from there."""

from __future__ import annotations

import re
import sys

import pytest

from tests.faults.company import Company
from tests.faults.row import run_in_a_row
from tests.faults.table import FAULTS, Fault, NotHereError, try_fault

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.name) for fault in FAULTS])
def test_fault(fault: Fault, tmp_path):
    try:
        try_fault(fault, tmp_path)
    except NotHereError as reason:
        pytest.skip(str(reason))


@pytest.fixture
def company(tmp_path):
    made = Company(tmp_path)
    yield made
    made.end()


def test_two_runs_of_one_plan_at_once(company):
    (company.scripts / "second.py").write_text("time.sleep(15)")
    first = company.start()
    company.pids("first")
    refused = company.run()
    assert refused.status == 2 and "Another run of 'night' is at work" in refused.output
    waiting = company.start("--wait")
    assert first.wait().status == 0 and waiting.wait().status == 0
    assert company.ran() == ["first", "second"] * 2  # one after the other
    assert len(company.runs()) == 2
    company.check(at_rest=True)


def test_two_plans_at_once_in_one_folder(company):
    company.write_plan("day")
    both = [company.start(plan=name) for name in ("night", "day")]
    assert [command.wait().status for command in both] == [0, 0]
    page = (company.root / "index.html").read_text(encoding="utf-8")
    assert {run.plan for run in company.runs()} == {"night", "day"}
    table = re.sub(r"<[^>]+>", " ", page[page.rindex("<table") :])  # of all runs
    assert " night " in table and " day " in table
    company.check(at_rest=True)


def test_a_lock_of_a_dead_process(company):
    (company.root / ".locks").mkdir(parents=True)
    for name in ("plan-night.lock", "index.lock"):
        (company.root / ".locks" / name).write_text("999999999\nelsewhere\n")
    assert company.run().status == 0
    company.check(at_rest=True)


def test_a_reports_folder_with_an_odd_and_a_very_long_path(company):
    odd = company.folder / "보고서 {0} %s 'x'" / "$HOME"
    company.root = odd.joinpath(*["long" * 50] * 12)
    done = company.run()
    assert done.status == 0, done.output
    assert [step.status for step in company.runs()[0].steps] == ["succeeded", "succeeded"]
    company.check(at_rest=True)


def test_runs_in_a_row_leak_nothing(tmp_path):
    found = run_in_a_row(8, tmp_path)
    assert found.succeeded == 8
    assert found.leaks() == []
