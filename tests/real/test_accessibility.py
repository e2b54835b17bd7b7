"""Reports and the index for everybody: by axe-core, by keyboard, on paper, on a phone, in the dark."""

from __future__ import annotations

import importlib.resources
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.real.conftest import NOTEBOOKS
from tests.real.test_report_browser import CHROMIUM, browser  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]
PAGES = [*NOTEBOOKS, "index", "per value"]
A4 = 688  # its width between the margins, at 96 dots per inch
OPEN = "document.querySelectorAll('details').forEach(one => one.open = true)"


@pytest.fixture(scope="module")
def pages(sample_reports) -> dict[str, Path]:
    found = {path.parent.name: path for path in sample_reports.glob("*/*/report.html")}
    (per_value,) = sample_reports.glob("*/Kim/answers/report.html")
    return {**found, "index": sample_reports / "index.html", "per value": per_value}


@pytest.fixture(scope="module")
def axe() -> str:
    package = pytest.importorskip("axe_playwright_python")
    return importlib.resources.files(package).joinpath("axe.min.js").read_text(encoding="utf-8")


@contextmanager
def opened(browser, path: Path, *, width=1280, scheme="light", bypass=False) -> Iterator[object]:  # noqa: F811
    """The page in a window of its own; ``bypass`` lets scripts in that the policy stops."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=bypass)
    try:
        page = context.new_page()
        page.goto(path.as_uri())
        yield page
    finally:
        context.close()


# -- axe-core --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_violation(browser, pages, axe, name, scheme, width):  # noqa: F811
    with opened(browser, pages[name], width=width, scheme=scheme, bypass=True) as page:
        page.evaluate(OPEN)
        page.add_script_tag(content=axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert len(found["passes"]) > 10
    told = [f"{one['impact']}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in found["violations"]]
    assert told == [], "of any impact, serious and critical among them"


def test_axe_finds_what_is_wrong(browser, pages, axe, tmp_path):  # noqa: F811
    """A page made worse on purpose: without a language, pale, a picture without a description."""
    text = pages["30_churn_markov"].read_text(encoding="utf-8")
    text = text.replace("--soft: #59616c", "--soft: #c9ced6").replace('<html lang="en">', "<html>")
    text = re.sub(r' alt="[^"]*"', "", text)
    worse = tmp_path / "worse.html"
    worse.write_text(text, encoding="utf-8")
    with opened(browser, worse, bypass=True) as page:
        page.add_script_tag(content=axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert {one["id"] for one in found["violations"]} >= {"html-has-lang", "color-contrast", "image-alt"}


# -- by keyboard -----------------------------------------------------------------------------------------------------

FOCUSED = """() => {
  const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
  return [[...document.querySelectorAll('a, summary, .kam-scroll')].indexOf(e),
          s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2,
          r.width > 0 && r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth];
}"""


@pytest.mark.parametrize("name", PAGES)
def test_everything_that_acts_is_reached_in_its_order(browser, pages, name):  # noqa: F811
    with opened(browser, pages[name]) as page:
        page.evaluate(OPEN)
        n = page.evaluate("document.querySelectorAll('a, summary, .kam-scroll').length")
        seen = []
        for _ in range(n):
            page.keyboard.press("Tab")
            seen.append(page.evaluate(FOCUSED))
    assert [place for place, _, _ in seen] == list(range(n))
    assert all(outlined and visible for _, outlined, visible in seen)


@pytest.mark.parametrize("name", [*NOTEBOOKS, "per value"])
def test_the_skip_link_is_first_and_leads_past_the_contents(browser, pages, name):  # noqa: F811
    with opened(browser, pages[name]) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


@pytest.mark.parametrize("name", [*NOTEBOOKS, "index"])
def test_what_is_folded_opens_and_closes_by_keyboard(browser, pages, name):  # noqa: F811
    with opened(browser, pages[name]) as page:
        first = page.locator("summary").first
        for key, is_open in (("Enter", True), ("Enter", False), ("Space", True)):
            first.focus()
            page.keyboard.press(key)
            assert first.evaluate("one => one.parentElement.open") is is_open


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_entry_of_the_contents_leads_to_what_is_then_seen(browser, pages, name):  # noqa: F811
    with opened(browser, pages[name]) as page:
        links = page.locator("nav a")
        assert links.count() > 5
        for i in range(links.count()):
            links.nth(i).focus()
            page.keyboard.press("Enter")
            place = links.nth(i).get_attribute("href").removeprefix("#")
            page.wait_for_function(
                "id => { const r = document.getElementById(id).getBoundingClientRect();"
                " return r.height > 0 && r.top < innerHeight && r.bottom > 0 }",
                arg=place,
            )


# -- on paper and on a phone -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_on_a4(browser, pages, name):  # noqa: F811
    with opened(browser, pages[name], width=A4) as page:
        page.emulate_media(media="print")
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= A4
        beyond = page.evaluate(
            "w => [...document.querySelectorAll('table, td, th, img, p, pre, dl, h1, h2, h3')]"
            ".filter(one => one.getBoundingClientRect().right > w + 1 && !one.closest('.kam-hidden, .kam-skip'))"
            ".map(one => one.outerHTML.slice(0, 120))",
            A4,
        )
        assert beyond == []
        cut = page.evaluate(
            "[...document.querySelectorAll('td, th')].filter(one => one.scrollWidth > one.clientWidth + 1)"
            ".map(one => one.outerHTML.slice(0, 120))"
        )
        assert cut == []
        together = page.evaluate(
            "[['tr', 'breakInside'], ['figure', 'breakInside'], ['h2', 'breakAfter'], ['thead', 'breakAfter']].every("
            "([tag, rule]) => [...document.querySelectorAll(`main ${tag}:not(.kam-code *)`)].every("
            "one => getComputedStyle(one)[rule] === 'avoid'))"
        )
        assert together, "rows and figures stay whole, headings with what follows"
        tall = page.evaluate(
            "Math.max(0, ...[...document.querySelectorAll('tr, figure')].map(one => one.offsetHeight))"
        )
        assert tall < 1000, "what stays whole fits on a page"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_paper_shows_what_is_folded_but_the_code(browser, pages, name):  # noqa: F811
    with opened(browser, pages[name], width=A4) as page:
        page.emulate_media(media="print")
        page.wait_for_timeout(200)
        folded = page.locator("details:not(.kam-code)")
        assert folded.count() > 1
        if page.locator(".kam-brief").count():  # two pages, without what is folded
            assert not any(one.is_visible() for one in folded.all())
            return
        for i in range(folded.count()):
            assert folded.nth(i).locator(":scope > :not(summary)").first.is_visible()
        assert not page.locator(".kam-code").is_visible() and not page.locator("nav").is_visible()


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_shows_all_without_scrolling_sideways(browser, pages, name):  # noqa: F811
    with opened(browser, pages[name], width=360) as page:
        page.evaluate(OPEN)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        beyond = page.evaluate(
            "[...document.querySelectorAll('img, p, h1, h2, h3, dl, pre, .kam-scroll')]"
            ".filter(one => !one.closest('.kam-scroll table, .kam-skip, .kam-hidden'))"
            ".filter(one => one.getBoundingClientRect().right > 361)"
            ".map(one => one.outerHTML.slice(0, 120))"
        )
        assert beyond == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_on_a_phone_names_stay_in_view_while_a_table_scrolls(browser, pages, name):  # noqa: F811
    with opened(browser, pages[name], width=360) as page:
        page.evaluate(OPEN)
        seen = page.evaluate(
            """() => [...document.querySelectorAll('.kam-scroll')].filter(one => one.scrollWidth > one.clientWidth + 60)
            .map(box => {
              box.scrollLeft = 9999;
              const left = box.getBoundingClientRect().left, right = left + box.clientWidth;
              const rows = [...box.querySelectorAll('tbody tr')].filter(row => row.children.length > 1);
              return rows.every(row => [...row.children].some(cell => {
                const r = cell.getBoundingClientRect();
                return getComputedStyle(cell).position === 'sticky' && r.left >= left - 1 && r.right <= right + 1
                  && r.width < 0.7 * box.clientWidth && getComputedStyle(cell).backgroundColor !== 'rgba(0, 0, 0, 0)';
              }));
            })"""
        )
    assert seen and all(seen)


# -- languages -------------------------------------------------------------------------------------------------------


def test_names_carry_the_language_that_decides_their_shapes(browser, pages, tmp_path):  # noqa: F811
    with opened(browser, pages["10_customer_identification"]) as page:
        for language, form in (("ko", "[\uac00-\ud7a3]"), ("ja", "[\u30a0-\u30ff]"), ("zh-Hans", "[\u4e00-\u9fff]")):
            names = page.locator(f"[lang='{language}']").all_text_contents()
            assert names and all(re.search(form, name) or language == "ja" for name in names)
    shapes = tmp_path / "shapes.html"
    style = re.search(r"<style>.*?</style>", pages["index"].read_text(encoding="utf-8"), re.DOTALL)[0]
    spans = "".join(f"<p><span lang='{tag}' style='font-size:80px'>骨直</span>" for tag in ("zh-Hans", "ja", "ja"))
    shapes.write_text(f"<!doctype html><meta charset=utf-8>{style}<body>{spans}", encoding="utf-8")
    with opened(browser, shapes) as page:
        drawn = [page.locator("span").nth(i).screenshot() for i in range(3)]
    assert drawn[1] == drawn[2]
    listing = shutil.which("fc-list")
    if (
        not listing
        or "Noto Sans CJK" not in subprocess.run([listing, ":lang=ja"], capture_output=True, text=True).stdout
    ):
        pytest.skip("the machine has no font with regional forms")
    assert drawn[0] != drawn[1]


# -- the index -------------------------------------------------------------------------------------------------------


def test_the_index_tells_what_failed_what_was_not_run_and_what_stands_in_a_folder(browser, pages):  # noqa: F811
    with opened(browser, pages["index"]) as page:
        text = page.inner_text("main")
        assert "10 reports" in text and "1 failed" in text and "1 not run" in text
        assert re.search(r"Not run on 20.*It was not started, for it needs fails, which failed\.", text)
        assert page.locator("h2", has_text="Kim").count() == 1 and page.locator("h2", has_text="山田 太郎").count() == 1
        assert page.locator("h2 ~ article h3").count() == 2
        for link in page.locator("main a").all():
            target = link.evaluate("a => decodeURIComponent(a.getAttribute('href'))")
            if target.startswith("#"):
                assert page.locator(f"[id='{target[1:]}']").count() == 1
            else:
                assert (pages["index"].parent / target).is_file()
