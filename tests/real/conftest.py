"""One run that the tests of reports for people share: every notebook on the sample, and all that an index can have to tell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml
from filelock import FileLock

from tests.notebooks.conftest import Run, read_sample_lines
from tests.real.postgres_server import PostgresServer, run_postgres, why_not

NOTEBOOKS = (
    "10_customer_identification",
    "20_churn_regression",
    "30_churn_markov",
    "40_satisfaction_survey",
    "50_account_dossier",
    "60_programme_overview",
)
EVERY_REPORT: list[dict[str, object]] = [
    *({"notebook": name} for name in NOTEBOOKS[:4]),
    {"notebook": "60_programme_overview", "after": list(NOTEBOOKS[:4])},
    {"notebook": "50_account_dossier", "after": ["60_programme_overview"]},
]
"""Steps of a plan."""


@pytest.fixture(scope="session")
def sample_reports(tmp_path_factory, worker_id) -> Path:
    """A reports folder: every report on the sample, a notebook once per value, one that fails and one that waits for it.

    It is made once for all test processes.
    """
    folder = tmp_path_factory.getbasetemp() / "people"
    if worker_id != "master":
        folder = tmp_path_factory.getbasetemp().parent / "people"
    with FileLock(f"{folder}.lock"):
        if not (folder / "reports" / "index.html").exists():
            folder.mkdir()
            _make_reports(folder)
    return folder / "reports"


def _make_reports(folder: Path) -> None:
    answers = str(Path(__file__).parents[1] / "notebooks" / "answers.ipynb")
    steps = [
        *EVERY_REPORT,
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


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL on loopback; the tests that need it are skipped where there is none."""
    if reason := why_not():
        pytest.skip(reason)
    with run_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def sample_run(request: pytest.FixtureRequest, sample_reports: Path) -> Run:
    """The NOTEBOOK of the module that asks, as it ran on the sample."""
    (step,) = sample_reports.glob(f"*/{request.module.NOTEBOOK}")
    return Run(nbformat.read(step / "notebook.ipynb", as_version=4), step)


@pytest.fixture(scope="session")
def sample_lines() -> pd.DataFrame:
    """See :func:`tests.notebooks.conftest.read_sample_lines`."""
    return read_sample_lines()
