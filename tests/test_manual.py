"""The manual, as far as it can be looked at without building it; tests/real/test_manual.py builds it."""

from __future__ import annotations

import ast
import csv
import inspect
import re
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from docs.hooks import formulas, methods, roles, words
from kam.columns import GLOSSARY
from kam.dataset.dictionary import TABLES
from kam.dataset.schema import DatasetFile

ROOT = Path(__file__).parents[1]
ANALYSES = ("identify", "churn", "survey", "programme")
with methods.CHECKED.open(encoding="utf-8", newline="") as file:
    CHECKED = list(csv.DictReader(file))


# -- methods ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", ANALYSES)
def test_every_public_name_has_one_page(package):
    on_pages = [name for page in methods.pages() if page.package == package for name in page.members]
    assert sorted(on_pages) == sorted(import_module(f"kam.{package}").__all__)


@pytest.mark.parametrize("page", methods.pages(), ids=lambda page: page.home)
def test_a_page_shows_what_stands_in_its_module(page):
    module = import_module(page.home)
    for name in page.names:
        assert hasattr(module, name)
    assert set(page.functions) == {name for name in page.names if inspect.isfunction(getattr(module, name))}
    text = "\n".join(methods.write_page(page))
    assert text.startswith(f"# {page.title} {{ #{page.home} }}\n\n::: {page.home}\n")
    assert "## Numbers checked" in text


def test_titles_are_of_pages_and_differ():
    assert set(methods.TRIED) <= {f"{page.package}.{page.module}" for page in methods.pages()}
    assert set(methods.TITLES) <= {page.module for page in methods.pages()}
    titles = [page.title for page in methods.pages()]
    assert len(titles) == len(set(titles))


def test_roles_become_links_where_there_is_a_page():
    text = ":func:`gini` and :class:`~kam.errors.DataError`, :func:`~kam.churn.fit_sbg`, :mod:`kam.churn.sbg`"
    assert roles.link_roles(text, "kam.identify.concentration") == (
        "[`gini`][kam.identify.concentration.gini] and `DataError`, [`fit_sbg`][kam.churn.sbg.fit_sbg], "
        "[`kam.churn.sbg`][kam.churn.sbg]"
    )


# -- navigation ------------------------------------------------------------------------------------------------------


def test_every_written_page_is_in_the_navigation():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:\n")[1].split("\n\n")[0]
    nav = yaml.safe_load(text)
    places = set(re.findall(r"'([^']+(?:\.md|/))'", str(nav)))
    written = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert written
    missing = {page for page in written if page not in places and f"{Path(page).parent}/" not in places}
    assert not missing, "add it to nav in mkdocs.yml"


def test_a_folder_in_the_navigation_stands_for_its_pages(tmp_path):
    (tmp_path / "questions").mkdir()
    for name in ("who.md", "index.md", "a.md"):
        (tmp_path / "questions" / name).touch()
    config = SimpleNamespace(docs_dir=str(tmp_path), nav=[{"Questions": "questions/"}, {"Methods": "methods/"}])
    methods.on_config(config)
    assert config.nav[0] == {"Questions": ["questions/index.md", "questions/a.md", "questions/who.md"]}
    assert config.nav[1]["Methods"][0] == "methods/index.md" and len(str(config.nav[1])) > 2000


# -- numbers checked -------------------------------------------------------------------------------------------------


def test_the_numbers_are_many_and_each_stands_once():
    assert list(CHECKED[0]) == ["method", "what", "value", "source", "test"]
    assert len(CHECKED) >= 40
    assert len({(row["method"], row["what"]) for row in CHECKED}) == len(CHECKED)
    assert all(all(value.strip() for value in row.values()) for row in CHECKED)


@pytest.mark.parametrize("row", CHECKED, ids=lambda row: f"{row['method']}-{row['what']}")
def test_the_number_stands_in_the_test(row):
    assert row["method"] in methods.documented()
    path, _, name = row["test"].partition("::")
    numbers = numbers_of_test((ROOT / path).read_text(encoding="utf-8"), name)
    values = re.findall(NUMBER, row["value"])
    assert values
    for value in values:
        assert is_among(value, numbers), f"{value} is not in {row['test']}"


NUMBER = r"(?<![\w.])-?(?:\d[\d_]*)?\.?\d+(?:e-?\d+)?"


def numbers_of_test(source: str, name: str) -> set[float]:
    """The numbers in a test, in the constants of its module, and in the figures of other programs that these read."""
    lines = source.splitlines()
    found = ""
    for node in ast.parse(source).body:
        is_the_test = isinstance(node, ast.FunctionDef) and node.name == name
        if is_the_test or isinstance(node, (ast.Assign, ast.AnnAssign)):
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
            found += "\n".join(lines[first - 1 : node.end_lineno]) + "\n"
        if is_the_test:
            name = ""
    assert not name, f"there is no test {name}"
    for file in re.findall(r"(\w+\.json)\"", found):
        found += (ROOT / "tests" / "reference" / file).read_text(encoding="utf-8")
    return {float(number) for number in re.findall(NUMBER, found)}


def is_among(value: str, numbers: set[float]) -> bool:
    """Whether a number is the value, to the digits that the value has."""
    digits = len(value.partition(".")[2])
    return any(f"{number:.{digits}f}" == value for number in numbers)


@pytest.mark.parametrize(
    ("value", "number", "same"),
    [("0.462", 0.4620911, True), ("-0.50", -0.5, True), ("0.463", 0.4620911, False), ("1353", 1353.0, True)],
)
def test_numbers_are_compared_to_the_digits_given(value, number, same):
    assert is_among(value, {number}) is same


def test_only_the_test_its_constants_and_what_they_read_count():
    source = "A = 1.25\n\ndef test_a():\n    assert a == 2.5\n\ndef test_b():\n    assert b == 3.5\n"
    assert numbers_of_test(source, "test_a") == {1.25, 2.5}
    with pytest.raises(AssertionError, match="no test"):
        numbers_of_test(source, "test_c")


# -- words -----------------------------------------------------------------------------------------------------------


def test_the_glossary_has_every_column_and_every_word():
    page = "\n".join(words.write_glossary())
    for name, column in GLOSSARY.items():
        assert f"| `{name}` | {words.cell(column.label)} | {words.cell(column.meaning)} |" in page
    assert "| **key account** |" in page


def test_the_data_dictionary_has_every_key_and_every_column():
    page = "\n".join(words.write_dictionary())
    schema = DatasetFile.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        for key, value in model["properties"].items():
            assert re.search(
                rf"^\| `{key}` \| [^|]+\| .*{re.escape(words.cell(value['description']))} \|$", page, re.M
            ), key
    for name, table in TABLES.items():
        section = page.split(f"\n### {name}\n")[1].split("\n### ")[0]
        assert all(f"| `{column}` |" in section for column in table.columns)


# -- formulas, front matter ------------------------------------------------------------------------------------------


def test_formulas_become_mathml():
    line = formulas.on_page_content(r'<p>So <span class="arithmatex">\(p &lt; \frac{1}{n}\)</span>.</p>')
    assert line.startswith("<p>So <math") and "<mfrac>" in line and "arithmatex" not in line
    block = formulas.on_page_content('<div class="arithmatex">\\[\nG = 1\n\\]</div>')
    assert 'display="block"' in block and "arithmatex" not in block


@pytest.mark.parametrize("module", methods.formulas())
def test_formulas_are_of_pages_and_can_be_shown(module):
    assert f"kam.{module}" in {page.home for page in methods.pages()}
    found = re.findall(r"\$\$(.+?)\$\$|\$([^$]+)\$", methods.formulas()[module], re.DOTALL)
    assert found
    for block, line in found:
        shown = formulas.convert(block or line)
        assert "\\" not in shown, "a command that is not known is left as it is"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_they_name_the_command(name):
    assert "`make docs`" in (ROOT / name).read_text(encoding="utf-8")
