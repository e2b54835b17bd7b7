"""Shared reports: what must not be there is nowhere in what a run leaves, and what must be there is."""

import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from kam.report import read_plan, run_plan
from tests.report.planted_company import find_people, find_strangers, manager, plant_company

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "shared.ipynb"
PLAN = """
parameters: {{dataset: {dataset}, audience: shared}}
steps:
  - notebook: {notebook}
    for_each: {{manager: [{one}, {other}]}}
  - notebook: {notebook}
    name: everybody
  - notebook: {notebook}
    name: named
    parameters: {{audience: internal, manager: ""}}
  - notebook: {notebook}
    name: stopped
    for_each: {{leak: [raise, forget]}}
jobs: 2
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return plant_company(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def run(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plans")
    text = PLAN.format(dataset=dataset, notebook=NOTEBOOK, one=manager(1), other=manager(2))
    (folder / "shared.yaml").write_text(text)
    return run_plan(read_plan(folder / "shared.yaml"), out=tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="module")
def steps(run):
    return {step.name: step for step in run.manifest.steps}


def test_what_was_planted_is_found_in_a_report_with_names(run):
    """The search sees: parquet, workbook-like tables, notebook and page of the internal report hold names."""
    found = {word.partition(":")[0] for word in find_people(run.folder / "named")}
    assert {"report.html", "notebook.ipynb", "sample_draw.call_list.parquet", "reliability.people.parquet"} <= found
    assert find_strangers(run.folder / "named", None) and find_strangers(run.folder / "named", 1)


@pytest.mark.parametrize("n", [1, 2])
def test_the_folder_of_a_manager_names_nobody_and_no_account_of_others(run, n):
    folder = run.folder / manager(n).replace(" ", "_")
    assert find_people(folder) == set()
    assert find_strangers(folder, n) == set()
    page = (folder / "shared" / "report.html").read_text(encoding="utf-8")
    assert f"portfolio of {manager(n)}" in page
    assert "shared: nobody is named" in page
    assert f"Zf{n:02d}" in page and "person " in page


@pytest.mark.parametrize("n", [1, 2])
def test_the_folder_of_a_manager_stands_by_itself(run, n):
    folder = run.folder / manager(n).replace(" ", "_")
    assert {path.name for path in folder.iterdir()} == {"index.html", "tables.xlsx", "shared"}
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert 'href="shared/report.html"' in index and 'href="tables.xlsx"' in index
    assert "../" not in index and "Content-Security-Policy" in index
    assert manager(3 - n) not in index


def test_a_shared_report_on_all_accounts_names_no_manager_but_every_firm(run):
    assert find_people(run.folder / "everybody") == set()
    assert find_strangers(run.folder / "everybody", None) == set()
    page = (run.folder / "everybody" / "report.html").read_text(encoding="utf-8")
    assert "Firm" in page and "colleague" in page


def test_no_single_answer_is_shown_and_the_table_says_why(run):
    tables = run.folder / "everybody" / "tables"
    measures = pd.read_parquet(tables / "estimates.measures.parquet")
    few = measures[measures["n_respondents"] < 5]
    assert measures["estimate"].notna().any() and few["estimate"].isna().all()
    for name in ("sample_draw.call_list", "reliability.people", "reliability.disagreeing"):
        assert pd.read_parquet(tables / f"{name}.parquet").empty
    page = (run.folder / "everybody" / "report.html").read_text(encoding="utf-8")
    assert "Each row would be about one person" in page
    book = zipfile.ZipFile(run.folder / "tables.xlsx").read("xl/workbook.xml").decode()
    assert "estimates.measures" in book and "reliability.people" not in book and "call_list" not in book


def test_a_workbook_is_not_of_reports_with_names_and_without(run):
    """``named`` and ``everybody`` lie side by side."""
    (run.folder / "named").rename(run.folder.parent / "named")
    assert find_people(run.folder) == set()
    (run.folder.parent / "named").rename(run.folder / "named")
    assert "shared reports only" in run.manifest.warnings[0]


def test_what_failed_leaves_nothing_and_says_nothing(run, steps):
    for leak in ("raise", "forget"):
        step = steps[f"{leak}/stopped"]
        assert step.status == "failed"
        assert not (run.folder / leak / "stopped").exists() or not list((run.folder / leak / "stopped").iterdir())
        assert step.error.startswith("The shared report could not be made")
    assert "ValueError" in steps["raise/stopped"].error and "audience=internal" in steps["raise/stopped"].error
    manifest = (run.folder / "run.json").read_text(encoding="utf-8")
    assert "Zq" not in manifest and "survey.csv" not in manifest


def test_the_results_and_the_manifest_say_who_may_read_them(run, steps):
    content = json.loads((run.folder / "everybody" / "results.json").read_text(encoding="utf-8"))
    assert {entry["context"]["audience"] for entry in content["results"].values()} == {"shared"}
    assert steps["everybody"].context.audience == "shared"
    assert steps["named"].context.audience == "internal"
