"""Reports and the index in a real browser: nothing runs, nothing is asked for, nothing is cut off."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest

from kam.report import render, run_notebooks
from kam.report.page import POLICY
from kam.results import Context

playwright = pytest.importorskip("playwright.sync_api")
NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
    # Of playwright's own event loop, when the browser is closed.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]


class Visit:
    """One page opened, and everything it tried."""

    def __init__(self, browser, path: Path, *, width=1280, scheme="light") -> None:
        self.outside: list[str] = []
        self.errors: list[str] = []
        self.dialogs: list[str] = []
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.context.route(lambda url: urlsplit(url).scheme not in ("file", "data"), self._stop)
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", self._note_dialog)
        self.page.goto(path.as_uri())
        self.page.wait_for_timeout(300)

    def _note_dialog(self, dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _stop(self, route) -> None:
        """A request that the browser was about to send: for anything but the page and what lies in it."""
        self.outside.append(route.request.url)
        route.abort()

    @property
    def hacked(self):
        return self.page.evaluate("window.hacked")


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = run_notebooks(
        [NOTEBOOKS / "hostile.ipynb", NOTEBOOKS / "answers.ipynb"],
        texts={"name": "<script>window.hacked='index'</script><img src=x onerror=window.hacked=1>"},
        out=tmp_path_factory.mktemp("reports"),
    )
    assert run.manifest.status == "succeeded", run.manifest
    return run


@pytest.fixture(scope="module")
def hostile(run):
    return nbformat.read(run.folder / "hostile" / "notebook.ipynb", as_version=4)


def render_to(path: Path, notebook) -> Path:
    report = render.render_report(notebook, context=Context(), started=datetime(2026, 11, 21, tzinfo=UTC))
    path.write_text(report.html, encoding="utf-8")
    return path


# -- nothing runs ----------------------------------------------------------------------------------------------------


def test_nothing_runs_and_nothing_is_asked_for(browser, run):
    for path in (run.index, *run.folder.glob("*/report.html")):
        visit = Visit(browser, path)
        visit.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        visit.page.wait_for_timeout(200)
        assert visit.hacked is None and visit.dialogs == [], path
        assert visit.outside == [] and visit.errors == [], path


def test_the_attacks_would_work_without_either(browser, hostile, tmp_path, monkeypatch):
    monkeypatch.setattr(render, "clean_html", lambda html, *, links=False: html)
    monkeypatch.setattr(render, "POLICY", "")
    visit = Visit(browser, render_to(tmp_path / "open.html", hostile))
    assert visit.hacked is not None and visit.outside != []


def test_the_policy_holds_alone(browser, hostile, tmp_path, monkeypatch):
    monkeypatch.setattr(render, "clean_html", lambda html, *, links=False: html)
    visit = Visit(browser, render_to(tmp_path / "policy.html", hostile))
    assert "<script>window.hacked" in (tmp_path / "policy.html").read_text(encoding="utf-8")
    assert visit.hacked is None and visit.dialogs == [] and visit.outside == []
    assert any("Content Security Policy" in error for error in visit.errors), "it had something to stop"


def test_the_sanitizer_holds_alone(browser, hostile, tmp_path, monkeypatch):
    monkeypatch.setattr(render, "POLICY", "")
    visit = Visit(browser, render_to(tmp_path / "sanitized.html", hostile))
    assert POLICY not in (tmp_path / "sanitized.html").read_text(encoding="utf-8")
    assert visit.hacked is None and visit.dialogs == [] and visit.outside == [] and visit.errors == []


def test_names_are_seen_as_they_are(browser, run):
    visit = Visit(browser, run.folder / "hostile" / "report.html")
    text = visit.page.inner_text("main")
    for name in (
        "<img src=x onerror=\"window.hacked='img'\">",
        "<script>window.hacked='script'</script>",
        "| \"quoted\" 'single'",
    ):
        assert name in text


# -- everything is seen ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wide(tmp_path_factory) -> Path:
    """A report with a wide table, a long one, a figure and folded sections."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    head = "".join(f"<th scope=col class=gt_right>{'long head of column'} {i}</th>" for i in range(14))
    row = (
        "<tr><th scope=row>"
        + "Unbreakable" * 20
        + "</th>"
        + "".join(f"<td class=gt_right>{i},234,567</td>" for i in range(14))
        + "</tr>"
    )
    table = f"<table class=gt_table><thead><tr><th></th>{head}</tr></thead><tbody>{row * 60}</tbody></table>"
    output = new_output("display_data", data={"text/html": table})
    card = (
        '<section class="kam-answer"><p>Two of three.</p><dl class="kam-figures">'
        + "<div><dt>label</dt><dd><b>12,345</b> <small>95% interval</small></dd></div>" * 4
        + "</dl></section>"
    )
    cells = [
        new_markdown_cell("# Which ones?\n\n**Decides** it."),
        new_markdown_cell("## Answer"),
        new_code_cell("x", outputs=[new_output("display_data", data={"text/html": card})]),
        *(new_markdown_cell(f"## Section {i}\n\n{'word ' * 80}") for i in range(3)),
        new_code_cell("x", outputs=[output]),
        new_markdown_cell("## Provenance\n\nfingerprint of the data"),
    ]
    return render_to(tmp_path_factory.mktemp("wide") / "report.html", new_notebook(cells=cells))


@pytest.mark.parametrize("width", [360, 390, 768, 1280, 1920])
@pytest.mark.parametrize("page", ["report", "index"])
def test_no_page_scrolls_sideways(browser, wide, run, width, page):
    visit = Visit(browser, wide if page == "report" else run.index, width=width)
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_prose_is_at_most_75_characters_wide_and_tables_wider(browser, wide):
    page = Visit(browser, wide, width=1600).page
    prose = page.evaluate("document.querySelector('.kam-first ~ section .kam-prose p').getBoundingClientRect().width")
    digits = page.evaluate(
        "(() => { const s = document.createElement('span'); s.textContent = '0'.repeat(75); s.style.whiteSpace = 'nowrap';"
        " document.querySelector('.kam-first ~ section .kam-prose').append(s); return s.getBoundingClientRect().width })()"
    )
    assert prose <= digits + 1
    assert page.evaluate("document.querySelector('.kam-scroll').getBoundingClientRect().width") > prose


def test_a_wide_table_scrolls_by_keyboard(browser, wide):
    page = Visit(browser, wide, width=390).page
    box = page.locator(".kam-scroll")
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert box.evaluate("one => one.scrollLeft") > 0


def test_everything_is_reached_by_keyboard_and_seen_to_be(browser, wide):
    page = Visit(browser, wide).page
    seen = []
    for _ in range(20):
        page.keyboard.press("Tab")
        found = page.evaluate(
            "(() => { const e = document.activeElement, s = getComputedStyle(e);"
            " return [e.tagName, e.getAttribute('href'), s.outlineStyle] })()"
        )
        seen.append(found)
    assert seen[0][:2] == ["A", "#report"]
    assert {"SUMMARY", "A", "DIV"} <= {tag for tag, _, _ in seen}
    assert all(outline != "none" for tag, _, outline in seen if tag != "BODY")


def test_a_link_to_a_folded_section_opens_it(browser, wide):
    page = Visit(browser, wide).page
    assert not page.is_visible("text=fingerprint of the data")
    page.click("nav a[href='#provenance']")
    page.wait_for_timeout(200)
    assert page.is_visible("text=fingerprint of the data")


def test_dark_mode_has_contrast(browser, wide):
    for scheme in ("light", "dark"):
        page = Visit(browser, wide, scheme=scheme).page
        colors = page.evaluate(
            "(() => { const s = getComputedStyle(document.body); return [s.color, s.backgroundColor] })()"
        )
        ink, back = (luminance(color) for color in colors)
        assert (ink > back) == (scheme == "dark")
        assert (max(ink, back) + 0.05) / (min(ink, back) + 0.05) > 7
        soft = luminance(page.evaluate("getComputedStyle(document.querySelector('.kam-meta')).color"))
        assert (max(soft, back) + 0.05) / (min(soft, back) + 0.05) > 4.5


def luminance(color: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_print_hides_the_contents_opens_what_is_folded_and_cuts_no_cell(browser, wide, tmp_path):
    page = Visit(browser, wide, width=688).page  # A4 within its margins, at 96 dots per inch
    page.emulate_media(media="print")
    page.wait_for_timeout(200)
    assert not page.is_visible("nav")
    assert page.is_visible("text=fingerprint of the data")
    assert not page.is_visible(".kam-code")
    assert page.evaluate(
        "[...document.querySelectorAll('tr')].every(row => getComputedStyle(row).breakInside === 'avoid')"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 688
    assert page.evaluate(
        "[...document.querySelectorAll('td, th')].every(cell => cell.scrollWidth <= cell.clientWidth + 1)"
    ), "a cell is cut"
    page.emulate_media(media="screen")
    printed = page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert len(printed) > 5_000
