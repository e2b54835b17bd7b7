"""Dossiers by a real plan: a run that is ended midway and started again, and an account with 20,000 order lines on paper."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from kam.results import Context, save_results
from tests.programme.account_by_hand import by_hand, months
from tests.real.test_report_browser import CHROMIUM, Visit, browser  # noqa: F401 - a fixture

N_ACCOUNTS, N_LINES = 6, 20_000
FILES = """import kam
from kam.results import load_result

kam.save_results(load_result(source, "account_files"), to=results_dir);"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A plan: a step that finds six accounts, and a dossier of each, one at a time."""
    context = Context(dataset="sample", currency="EUR", as_of=date(2025, 12, 31))
    ids = [f"a{n}" for n in range(N_ACCOUNTS)]
    files = by_hand(
        *({"customer_id": one, "name": f"Firm {one}", "revenue": 9.0 - n} for n, one in enumerate(ids)),
        months=pd.concat([months(one) for one in ids]),
        context=context,
    )
    save_results(files, to=tmp_path / "given")
    parameters = f'dataset: str = "sample"\nsource: str = {str(tmp_path / "given")!r}\nresults_dir: str = ""'
    cells = [
        nbformat.v4.new_markdown_cell("# Which accounts?"),
        nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(FILES),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "finds.ipynb")
    (tmp_path / "programme.yaml").write_text(
        "steps:\n"
        f"  - {{notebook: {tmp_path / 'finds.ipynb'}, name: finds}}\n"
        "  - notebook: 50_account_dossier\n"
        "    after: [finds]\n"
        "    for_each: {customer_id: {table: account_files.accounts}}\n"
        "jobs: 1\n",
        encoding="utf-8",
    )
    return tmp_path


def begin(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kam", "run", *arguments, "--out", "reports"]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def finished(folder: Path) -> dict[str, int]:
    """When the report of each finished dossier of the run at work was written."""
    records = [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("reports/.part-*/.finished/*.json")]
    reports = [(one["name"], folder.glob(f"reports/.part-*/{one['name']}/report.html")) for one in records]
    return {name: next(iter(found)).stat().st_mtime_ns for name, found in reports if "50_account_dossier" in name}


@pytest.mark.skipif(sys.platform != "linux", reason="signals, and processes that end with their parent")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_finished_dossiers_of_a_run_that_was_ended_midway_are_kept_and_it_is_said(folder, ending):
    run = begin(folder, "programme.yaml")
    end = time.monotonic() + 300
    while len(finished(folder)) < 2 and run.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    os.kill(run.pid, ending)
    run.communicate(timeout=120)
    kept = finished(folder)
    assert run.returncode != 0 and 2 <= len(kept) < N_ACCOUNTS
    assert not list(folder.glob("reports/[!.]*/run.json"))  # nothing of it is published
    again = begin(folder, "programme.yaml")
    said, _ = again.communicate(timeout=600)
    assert again.returncode == 0, said
    (published,) = folder.glob("reports/[!.]*/run.json")
    steps = {step["name"]: step for step in json.loads(published.read_text(encoding="utf-8"))["steps"]}
    assert [step["status"] for step in steps.values()] == ["succeeded"] * (N_ACCOUNTS + 1)
    assert {name for name, step in steps.items() if step["adopted_from"]} == {"finds", *kept}
    page = (published.parent / "a0" / "50_account_dossier" / "report.html").read_text(encoding="utf-8")
    assert "<title>Firm a0 (a0) · What do we know" in page and "<h1>Firm a0 (a0) · What do we know" in page
    for name, written in kept.items():
        assert f"{name}: taken over from " in said
        assert (published.parent / name / "report.html").stat().st_mtime_ns == written
    assert not list(folder.glob("reports/.part-*"))


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_an_account_with_20_000_order_lines_is_told_on_two_pages(tmp_path, browser):  # noqa: F811
    days = pd.date_range("2022-01-03", "2025-12-30", periods=N_LINES).floor("D")
    large = pd.DataFrame({"customer_id": "a1", "order_date": days, "order_id": [f"o{n // 4}" for n in range(N_LINES)]})
    large["order_date"] = large.groupby("order_id")["order_date"].transform("first")
    large["product_id"] = [f"product {n % 400}" for n in range(N_LINES)]
    large["amount"] = [10.0 + n % 7 for n in range(N_LINES)]
    small = large.iloc[:: N_LINES // 200].assign(customer_id="a2", order_id=lambda frame: "s" + frame["order_id"])
    pd.concat([large, small]).to_csv(tmp_path / "orders.csv", index=False)
    (tmp_path / "dataset.yaml").write_text("name: large\ntables:\n  ledger: {source: orders.csv}\n", encoding="utf-8")
    run = begin(tmp_path, "50_account_dossier", "-p", f"dataset={tmp_path / 'dataset.yaml'}", "-p", "customer_id=a1")
    said, _ = run.communicate(timeout=600)
    assert run.returncode == 0, said
    (report,) = tmp_path.glob("reports/*/50_account_dossier/report.html")
    orders = pd.read_parquet(report.parent / "tables" / "dossier.account.parquet")["n_orders"]
    assert orders.tolist() == [N_LINES // 4] and report.stat().st_size < 700_000
    printed = Visit(browser, report).page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) in (1, 2)
