"""The recipes of docs/recipes.md: Python runs on the sample, YAML goes through kam's own readers, the notebook can be run."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml

import kam
from kam import survey
from kam.dataset.parsing import parse_dataset_file
from kam.report.parameters import read_parameters
from kam.report.plan import read_plan

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
RECIPES = {part.partition("\n")[0]: part for part in PAGE.split("\n## ")[1:]}


def blocks(recipe: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", RECIPES[recipe], re.MULTILINE | re.DOTALL)


def own_notebook() -> nbformat.NotebookNode:
    """The cells of the recipe, the first with its tag, below a heading that puts the answer on top."""
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in blocks("Own notebook", "python")]
    cells[0]["metadata"]["tags"] = ["parameters"]
    cells.insert(0, nbformat.v4.new_markdown_cell("# How does one region stand?"))
    cells.insert(3, nbformat.v4.new_markdown_cell("## Answer"))
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("notebooks", "plans", "data"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_lines(folder, capsys):
    names: dict[str, object] = {}
    for recipe in RECIPES:
        for block in blocks(recipe, "python"):
            exec(compile(block, f"docs/recipes.md: {recipe}", "exec"), names)
    assert "contribution: " in capsys.readouterr().out
    assert "often" in str(names["own"].answer())  # type: ignore[attr-defined]
    assert names["actions"].actions["action"].ne("Name a sponsor among the executives").all()  # type: ignore[attr-defined]
    assert (folder / "rules.csv").is_file()


def test_every_block_is_of_a_known_kind():
    kinds = re.findall(r"^```(\w*)\n.*?^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert kinds and set(kinds) == {"python", "yaml", ""}


def test_the_yaml_is_read(folder):
    n_plans = n_datasets = 0
    for recipe in RECIPES:
        for block in blocks(recipe, "yaml"):
            declared = yaml.safe_load(block)
            if "steps" in declared:
                path = folder / "own.yaml"
                path.write_text(block, encoding="utf-8")
                assert len(read_plan(path).steps) >= 2
                n_plans += 1
            else:
                whole = {
                    "name": "x",
                    "tables": {"ledger": {"source": "x.csv"}, "accounts": {"source": "y.csv"}},
                } | declared
                read = parse_dataset_file(yaml.safe_dump(whole), where="recipes.md")
                assert read.criteria or read.tables.survey
                n_datasets += 1
    assert (n_plans, n_datasets) == (2, 2)


def test_the_survey_is_read_as_the_recipe_says(tmp_path):
    texts = ["delighted", "fine", "so-so", "let down", "angry"]
    frame = pd.DataFrame(
        {
            "respondent_id": range(50),
            "wave": "2025",
            "overall": [texts[i % 5] for i in range(50)],
            "delivery": [[*texts, "refused"][i % 6] for i in range(50)],
            "service": [[1, 7, 97][i % 3] for i in range(50)],
            "waiting": [[1, 2, 99, 4, 5][i % 5] for i in range(50)],
        }
    )
    frame.to_csv(tmp_path / "survey.csv", index=False)
    (block,) = blocks("A survey with your own scale", "yaml")
    (tmp_path / "dataset.yaml").write_text(f"name: own\n{block}", encoding="utf-8")
    read = kam.open_dataset(tmp_path / "dataset.yaml")
    assert read.survey is not None
    assert read.survey["overall"].iloc[:5].tolist() == [5, 4, 3, 2, 1]
    assert read.survey["delivery"].isna().sum() == 8
    assert read.survey["service"].max() == 7
    assert survey.read_survey(read).items.set_index("item")["reversed"].to_dict()["waiting"]


def test_the_notebook_has_what_a_run_asks_for(tmp_path):
    cells = own_notebook().cells
    declared = read_parameters(cells[1]["source"], where="15_one_region.ipynb")
    assert [(one.name, one.annotation) for one in declared] == [
        (n, "str") for n in ("dataset", "region", "results_dir")
    ]
    assert all(one.help for one in declared)
    assert cells[-1]["source"].startswith("kam.save_results(")
