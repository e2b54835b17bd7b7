"""All notebooks on a planted company, shared: for two managers, and on all accounts; and one with names, to be found."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from kam.report import read_plan, run_plan
from kam.results import load_result
from tests.report.planted_company import find_people, find_strangers, manager, plant_company, texts_below

ANALYSES = ["10_customer_identification", "20_churn_regression", "30_churn_markov", "40_satisfaction_survey"]
AFTER = {"60_programme_overview": ANALYSES, "50_account_dossier": ["60_programme_overview"]}
NOTEBOOKS = [*ANALYSES, *AFTER]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    dataset = plant_company(tmp_path_factory.mktemp("planted"))
    lines = [f"parameters: {{dataset: '{dataset}', audience: shared, n_resamples: 100}}", "jobs: 2", "steps:"]
    for notebook in NOTEBOOKS:
        before = AFTER.get(notebook, [])
        own, others = ", ".join(before), ", ".join(f"all_{name[:2]}" for name in before)
        managers = f"{{manager: ['{manager(1)}', '{manager(2)}']}}"
        lines.append(f"  - {{notebook: {notebook}, for_each: {managers}, after: [{own}]}}")
        lines.append(f"  - {{notebook: {notebook}, name: all_{notebook[:2]}, after: [{others}]}}")
    lines.append("  - {notebook: 40, name: named, parameters: {audience: internal}}")
    plan = tmp_path_factory.mktemp("plans") / "shared.yaml"
    plan.write_text("\n".join(lines))
    return run_plan(read_plan(plan), out=tmp_path_factory.mktemp("reports"))


def test_every_report_could_be_made(run):
    assert {step.name: step.error for step in run.manifest.steps if step.status != "succeeded"} == {}


@pytest.mark.parametrize("n", [1, 2])
def test_the_folder_of_a_manager_names_nobody_and_no_account_of_others(run, n):
    folder = run.folder / manager(n).replace(" ", "_")
    assert {path.name for path in folder.iterdir()} == {"index.html", "tables.xlsx", *NOTEBOOKS}
    assert find_people(folder) == set()
    assert find_strangers(folder, n) == set()
    for notebook in NOTEBOOKS:
        page = (folder / notebook / "report.html").read_text(encoding="utf-8")
        assert f"portfolio of {manager(n)}" in page and "shared: nobody is named" in page
    assert f"q{n:02d}x" in (folder / NOTEBOOKS[0] / "report.html").read_text(encoding="utf-8")


def test_reports_on_all_accounts_name_no_person_and_no_manager(run):
    for notebook in NOTEBOOKS:
        folder = run.folder / f"all_{notebook[:2]}"
        assert find_people(folder) == set()
        assert find_strangers(folder, None) == set()


@pytest.mark.parametrize("n", [1, 2])
def test_overview_and_dossier_of_a_manager_rest_on_the_manager_s_own_results(run, n):
    """They lie one folder deeper than the results on all accounts, which have the same names."""
    folder = run.folder / manager(n).replace(" ", "_")
    files = load_result(folder / "60_programme_overview", "account_files")
    dossier = load_result(folder / "50_account_dossier", "dossier")
    assert {"key_accounts", "churn_forecast", "customer_value", "tier_migration"} <= set(files.sources)
    assert len(files.accounts) > 1 and files.accounts["customer_id"].str.startswith(f"q{n:02d}x").all()
    assert dossier.customer_id in set(files.accounts["customer_id"]) and len(dossier.actions)
    page = (folder / "50_account_dossier" / "report.html").read_text(encoding="utf-8")
    assert f"<h1>{dossier.name} ({dossier.customer_id}) · " in page


def test_no_frame_has_a_row_per_person_and_no_estimate_rests_on_fewer_than_five(run):
    seen = 0
    for file in run.folder.rglob("*.parquet"):
        if "named" in file.parts:
            continue
        frame = pd.read_parquet(file)
        if {"respondent_id", "contact_id", "person"} & set(frame):
            assert frame.empty, file.name
        if "estimate" in frame and "n_respondents" in frame:
            few = frame[frame["n_respondents"] < 5]
            assert few[["estimate", "ci_low", "ci_high"]].isna().all(axis=None), file.name
            seen += 1
    assert seen > 10


def test_no_account_has_a_figure_from_the_survey(run):
    """What an account's people said must be neither in lists of the silent nor in the reasons of a forecast."""
    for folder in (run.folder / "all_40", run.folder / manager(1).replace(" ", "_") / NOTEBOOKS[3]):
        assert not {"last_score", "scored_in"} & set(pd.read_parquet(folder / "tables" / "nonresponse.silent.parquet"))
    contributions = pd.read_parquet(run.folder / "all_20" / "tables" / "churn_forecast.contributions.parquet")
    assert not contributions["term"].str.contains("satisf|overall|score").any()


def test_the_search_finds_what_is_there(run):
    """The same notebook with names, so that a search that finds nothing means something."""
    found = {word.partition(":")[0] for word in find_people(run.folder / "named")}
    assert {"reliability.people.parquet", "sample_draw.call_list.parquet"} <= found


def test_what_a_manager_gets_leads_nowhere_else(run):
    folder = run.folder / manager(1).replace(" ", "_")
    for path, text in texts_below(folder):
        if path.suffix == ".html":
            links = re.findall(r'href="([^"]+)"', text)
            assert all(link.startswith("#") or (path.parent / link).is_file() for link in links), path.name
    with zipfile.ZipFile(folder / "tables.xlsx") as book:
        assert "person" not in book.read("xl/workbook.xml").decode()


def test_the_pages_say_when_too_few_answered(run):
    measures = [
        pd.read_parquet(f) for f in Path(run.folder).rglob("estimates.measures.parquet") if "named" not in f.parts
    ]
    assert any(frame["why"].str.contains("fewer than").any() for frame in measures)
