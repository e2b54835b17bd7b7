"""The pages of the questions name the parameters of their notebook as they are.

What they quote of the reports is looked up in tests/real/test_question_pages.py.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest

from kam.report.parameters import read_parameters

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "questions"
PAGES = {
    "key_accounts": "10_customer_identification",
    "call_list": "20_churn_regression",
    "value_of_keeping": "30_churn_markov",
    "satisfaction": "40_satisfaction_survey",
    "one_account": "50_account_dossier",
    "programme": "60_programme_overview",
}
COMMON = {"dataset", "audience", "manager", "seed"}
OF_THE_RUN = {"results_dir", "run_dir", "history"}
SECTIONS = ["Section by section", "Parameters that matter", "When not to believe it", "Next"]


def declared(notebook: str) -> dict[str, object]:
    """Name and default of each parameter."""
    cells = nbformat.read(ROOT / "notebooks" / f"{notebook}.ipynb", as_version=4).cells
    (cell,) = [one for one in cells if "parameters" in one.metadata.get("tags", [])]
    return {one.name: one.value for one in read_parameters(cell.source, where=notebook)}


def listed(page: str) -> dict[str, object]:
    """Name and default of each row of the table of parameters."""
    text = (FOLDER / f"{page}.md").read_text(encoding="utf-8")
    table = re.split(r"^## Parameters.*$", text, flags=re.MULTILINE)[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", table, re.MULTILINE)
    return {name: ast.literal_eval(default) for name, default in rows}


@pytest.mark.parametrize(("page", "notebook"), PAGES.items(), ids=PAGES)
def test_the_parameters_are_those_of_the_notebook(page, notebook):
    expected = {name: default for name, default in declared(notebook).items() if name not in COMMON | OF_THE_RUN}
    assert listed(page) == expected


def test_the_common_parameters_are_those_of_every_notebook():
    found = listed("index")
    assert set(found) == COMMON
    for notebook in PAGES.values():
        assert found | declared(notebook) == declared(notebook) | {"seed": found["seed"]}


@pytest.mark.parametrize("page", PAGES)
def test_each_page_has_the_same_sections_and_quotes_the_report(page):
    text = (FOLDER / f"{page}.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert re.search(r"^> ", text, re.MULTILINE)
