"""One run that the tests of reports for people share: every notebook on the sample, and all that an index can have to tell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.real.postgres_server import PostgresServer, run_postgres, why_not

NOTEBOOKS = ("10_customer_identification", "20_churn_regression", "30_churn_markov", "40_satisfaction_survey")


@pytest.fixture(scope="session")
def sample_reports(tmp_path_factory) -> Path:
    """A reports folder: the four reports on the sample, a notebook once per value, one that fails and one that waits for it."""
    folder = tmp_path_factory.mktemp("people")
    answers = str(Path(__file__).parents[1] / "notebooks" / "answers.ipynb")
    steps = [
        {"notebook": "20_churn_regression"},
        {"notebook": "10_customer_identification"},
        {"notebook": "40_satisfaction_survey"},
        {"notebook": "30_churn_markov"},
        {"notebook": answers, "for_each": {"name": ["Kim", "山田 太郎"]}},
        {"notebook": answers, "name": "fails", "parameters": {"fail": True}},
        {"notebook": answers, "name": "waits", "after": ["fails"]},
    ]
    plan = folder / "people.yaml"
    plan.write_text(yaml.safe_dump({"steps": steps, "jobs": 2}, allow_unicode=True), encoding="utf-8")
    command = [sys.executable, "-m", "kam", "run", str(plan), "--out", "reports"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1200)
    reports = folder / "reports"
    found = {path.parent.name for path in reports.glob("*/*/report.html")}
    assert done.returncode == 1 and found >= set(NOTEBOOKS), done.stdout + done.stderr
    return reports


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL on loopback; the tests that need it are skipped where there is none."""
    if reason := why_not():
        pytest.skip(reason)
    with run_postgres() as server:
        yield server
