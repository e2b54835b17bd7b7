"""Every notebook on a company whose every text is an attack, in a real browser: nothing runs, nothing leaves, all is seen."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
import yaml

from kam.report import render
from kam.report.execution import read_context
from kam.report.page import POLICY
from kam.results import read_results_json
from kam.wording import show_hidden
from tests.real.conftest import EVERY_REPORT, NOTEBOOKS
from tests.real.test_report_browser import CHROMIUM, Visit, browser  # noqa: F401 - a fixture
from tests.report.hostile_company import ATTACKS, CODE, FORMULAS, MARKUP, SIGNS, write_hostile_company
from tests.report.live_html import find_live

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]
HIDDEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u206f\ufffe\uffff]")


def kam_run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kam", "run", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=900)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """The reports of all notebooks, and after that a run in which one of them fails."""
    folder = tmp_path_factory.mktemp("hostile")
    dataset = write_hostile_company(folder / "data" / "hostile")
    plan = {"steps": EVERY_REPORT, "parameters": {"dataset": str(dataset)}, "jobs": 2}
    (folder / "hostile.yaml").write_text(yaml.safe_dump(plan, allow_unicode=True), encoding="utf-8")
    done = kam_run("hostile.yaml", "--out", "reports", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    fails = folder / "fails.ipynb"
    message = f"{MARKUP['handler']}{SIGNS['override']}{SIGNS['terminal']}{MARKUP['script after an end']}"
    cells = [
        nbformat.v4.new_markdown_cell(f"# Fails {html.escape(MARKUP['script'])}"),
        nbformat.v4.new_code_cell(f"raise ValueError({message!r})"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), fails)
    failed = kam_run("fails.ipynb", "--out", "reports", cwd=folder)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    return folder / "reports"


@pytest.fixture(scope="module")
def pages(root) -> dict[str, Path]:
    found = {path.parent.name: path for path in root.glob("*/*/report.html")}
    assert sorted(found) == sorted(NOTEBOOKS)
    return {**found, "index": root / "index.html"}


def render_again(page: Path, target: Path) -> Path:
    """The report of an executed notebook, rendered with whatever of it was taken away."""
    executed = nbformat.read(page.parent / "notebook.ipynb", as_version=4)
    results = read_results_json(page.parent / "results.json")["results"]
    context = read_context(next(iter(results.values()))["context"])
    report = render.render_report(executed, context=context, started=datetime(2026, 11, 22, tzinfo=UTC))
    target.write_text(report.html, encoding="utf-8")
    return target


def rouse(visit: Visit) -> Visit:
    """Do what a reader does: open what is folded, move over it, print."""
    visit.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    visit.page.mouse.move(400, 400)
    visit.page.mouse.wheel(0, 5000)
    visit.page.keyboard.press("Tab")
    visit.page.emulate_media(media="print")
    visit.page.wait_for_timeout(200)
    visit.page.emulate_media(media="screen")
    return visit


def is_quiet(visit: Visit) -> bool:
    return visit.hacked is None and not visit.dialogs and not visit.outside


@pytest.mark.parametrize("name", [*NOTEBOOKS, "index"])
def test_nothing_runs_and_nothing_leaves(browser, pages, name):  # noqa: F811
    visit = rouse(Visit(browser, pages[name]))
    assert is_quiet(visit) and visit.errors == []
    assert visit.page.url == pages[name].as_uri(), "the page was left"
    assert visit.page.locator("meta[http-equiv='Content-Security-Policy']").get_attribute("content") == POLICY
    assert visit.page.locator("script, iframe, object, embed, svg, math, form, input, base, video, link").count() == 0
    assert visit.page.locator("main").count() == 1 and visit.page.locator("h1").count() == 1
    assert find_live(pages[name].read_text(encoding="utf-8").replace(POLICY, "")) == []


@pytest.mark.parametrize("name", [*NOTEBOOKS, "index"])
def test_the_sanitizer_holds_alone(browser, pages, tmp_path, monkeypatch, name):  # noqa: F811
    monkeypatch.setattr(render, "POLICY", "")
    text = pages[name].read_text(encoding="utf-8").replace(POLICY, "")
    page = tmp_path / "open.html"
    page.write_text(text, encoding="utf-8")
    visit = rouse(Visit(browser, page))
    assert POLICY not in text and visit.page.content().count("default-src") == 0
    assert is_quiet(visit) and visit.errors == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_policy_holds_alone_where_every_text_is_alive(browser, pages, tmp_path, monkeypatch, name):  # noqa: F811
    monkeypatch.setattr(render, "clean_html", lambda text, *, links=False: html.unescape(text))
    page = render_again(pages[name], tmp_path / "policy.html")
    text = page.read_text(encoding="utf-8")
    assert "<script>window.hacked=" in text
    visit = rouse(Visit(browser, page))
    assert is_quiet(visit)
    assert any("Content Security Policy" in error for error in visit.errors), "it had something to stop"
    page.write_text(text.replace(POLICY, ""), encoding="utf-8")
    assert not is_quiet(Visit(browser, page)), "without either, the attacks work"


def test_names_are_seen_as_they_are(browser, pages):  # noqa: F811
    seen = {name: Visit(browser, path).page.evaluate("document.body.textContent") for name, path in pages.items()}
    everything = " ".join(" ".join(text.split()) for text in seen.values())
    shown = {name: " ".join(show_hidden(attack.strip()).split())[:60] for name, attack in ATTACKS.items()}
    missing = [name for name, text in shown.items() if text not in everything]
    assert len(missing) <= 3, f"of accounts that no list names: {missing}"
    for name, text in seen.items():
        assert MARKUP["script"] in text, name


@pytest.mark.parametrize("name", [*NOTEBOOKS, "index"])
def test_no_hidden_character_is_left(browser, pages, name):  # noqa: F811
    text = pages[name].read_text(encoding="utf-8")
    assert not HIDDEN.search(text)
    assert "⟨U+202E⟩" in text


def test_what_stands_beside_a_name_keeps_its_place(browser, pages, tmp_path, monkeypatch):  # noqa: F811
    """Letters from left to right stand from left to right, whatever stands before them in the same block."""
    order = """() => {
      const wrong = [];
      for (const block of document.querySelectorAll('td, th, p, li, dt, b, h1, .kam-meta span')) {
        const walk = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
        for (let node = walk.nextNode(); node; node = walk.nextNode()) {
          for (const found of node.data.matchAll(/[A-Za-z0-9]{2,30}/g)) {
            const at = document.createRange();
            const boxes = [0, found[0].length - 1].map(i => {
              at.setStart(node, found.index + i); at.setEnd(node, found.index + i + 1);
              return at.getBoundingClientRect(); });
            if (boxes[0].width && boxes[0].top === boxes[1].top && boxes[1].left < boxes[0].left) wrong.push(found[0]);
          }
        }
      }
      return wrong;
    }"""
    for path in pages.values():
        visit = Visit(browser, path)
        visit.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert visit.page.evaluate(order) == []
    monkeypatch.setattr(render, "settle_text", lambda page: page)
    visit = Visit(browser, render_again(pages[NOTEBOOKS[0]], tmp_path / "unsettled.html"))
    assert visit.page.evaluate(order) != [], "the look finds an override"


@pytest.mark.parametrize("name", [*NOTEBOOKS, "index"])
def test_ten_thousand_letters_do_not_break_the_page(browser, pages, name):  # noqa: F811
    page = Visit(browser, pages[name], width=360).page
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tallest = page.evaluate("Math.max(0, ...[...document.querySelectorAll('tr, p, li')].map(one => one.offsetHeight))")
    assert tallest < 4000
    page.set_viewport_size({"width": 688, "height": 900})
    page.emulate_media(media="print")
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= 688
    assert pages[name].stat().st_size < 1_000_000


def test_the_workbook_holds_text_and_nothing_that_works(root):
    import python_calamine

    books = sorted(root.rglob("*.xlsx"))
    assert books
    for path in books:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                text = archive.read(member).decode("utf-8")
                assert "<f>" not in text and "<f " not in text and "<hyperlink" not in text, member
                assert 'TargetMode="External"' not in text and not HIDDEN.search(text), member
        book = python_calamine.load_workbook(str(path))
        names = book.sheet_names
        assert all(0 < len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in names)
        assert len({name.casefold() for name in names}) == len(names)
        cells = {str(cell) for name in names for row in book.get_sheet_by_name(name).to_python() for cell in row}
        for text in (*FORMULAS.values(), *MARKUP.values(), CODE["sql"], CODE["path"], SIGNS["right to left"]):
            assert text in cells
        assert not any("\u202e" in cell for cell in cells) and any("⟨U+202E⟩" in cell for cell in cells)
        assert any(len(cell) >= 10_000 for cell in cells), "the whole of a long name"


def test_files_and_folders_have_safe_names(root):
    for path in root.rglob("*"):
        assert re.fullmatch(r"[\w.-]+", path.name, re.ASCII), path
    outside = [
        path for path in root.parent.iterdir() if path.name not in ("data", "reports", "fails.ipynb", "hostile.yaml")
    ]
    assert outside == [] and not Path("/tmp/hacked").exists()
    assert sorted(os.listdir(root.parent / "data")) == ["hostile"]


def test_what_a_failed_notebook_said_is_text(browser, root):  # noqa: F811
    visit = rouse(Visit(browser, root / "index.html"))
    assert MARKUP["handler"] in visit.page.inner_text("body")
    assert is_quiet(visit)
