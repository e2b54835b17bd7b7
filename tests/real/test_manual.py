"""The manual, built as `make docs` does and opened from the disk in a browser: strict, offline, links that lead somewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from docs.hooks import methods
from kam import plots
from tests.real.test_report_browser import CHROMIUM, Visit, browser  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # of playwright's own event loop
]
ROOT = Path(__file__).parents[2]
LOADS = {"script": ["src"], "link": ["href"], "img": ["src", "srcset"], "source": ["src", "srcset"], "iframe": ["src"]}
"""Attributes that make a browser load something."""


class Page(HTMLParser):
    """What a page loads, where it leads, and what can be led to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        self.loads += [given[name] for name in LOADS.get(tag, ()) if name in given]
        if tag == "a" and "href" in given:
            self.links.append(given["href"])


@pytest.fixture(scope="module")
def sources(tmp_path_factory, sample_reports: Path) -> Path:
    """What the manual is made from, elsewhere, with the figures of the reports that the tests share."""
    folder = tmp_path_factory.mktemp("manual")
    for name in ("docs", "kam"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("mkdocs.yml", "README.md"):
        shutil.copy(ROOT / name, folder)
    (run,) = {path.parents[1] for path in sample_reports.glob("*/10_*/notebook.ipynb")}
    command = [sys.executable, "docs/gallery.py", str(run)]
    subprocess.run(command, cwd=folder, env=offline(folder), check=True, timeout=600)
    return folder


@pytest.fixture(scope="module")
def site(sources: Path) -> Path:
    done = build(sources)
    assert done.returncode == 0, done.stdout + done.stderr
    return sources / "build" / "manual"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html")}


def offline(folder: Path) -> dict[str, str]:
    """No network, as far as settings go: whatever asks for one gets nowhere."""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    return os.environ | nowhere | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(folder)}


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build"]
    return subprocess.run(command, cwd=folder, env=offline(folder), capture_output=True, text=True, timeout=600)


def test_it_is_built_without_a_warning(site: Path) -> None:
    assert (site / "index.html").exists() and (site / "search" / "search_index.js").exists()


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        assert page.loads, "nothing was read"
        outside = [one for one in page.loads if re.match(r"(?:[a-z]+:)?//", one, re.IGNORECASE)]
        assert not outside, path.relative_to(site)
    for path in site.rglob("*.css"):
        style = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r"@import|url\(\s*[\"']?(?:https?:)?//", style), path.relative_to(site)


def test_every_link_inside_leads_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    n_links, broken = 0, []
    for path, page in pages.items():
        if path.name == "404.html":  # its links begin at the root of a server
            continue
        for link in [*page.links, *page.loads]:
            if re.match(r"[a-z][a-z0-9+.-]*:", link, re.IGNORECASE):
                continue
            n_links += 1
            address, anchor = urldefrag(link)
            target = (path.parent / unquote(address)).resolve() if address else path
            if not target.is_file() or (anchor and target in pages and unquote(anchor) not in pages[target].anchors):
                broken.append(f"{path.relative_to(site)}: {link}")
    assert n_links > 5000
    assert not broken


def test_every_public_function_has_its_place(site: Path, pages: dict[Path, Page]) -> None:
    for page in methods.pages():
        anchors = pages[site / Path(page.path).with_suffix(".html")].anchors
        assert page.home in anchors
        for name in page.functions:
            assert f"{page.home}.{name}" in anchors


def test_numbers_checked_stand_on_the_page(site: Path) -> None:
    for method, rows in methods.checked().items():
        (page,) = [page for page in methods.pages() if methods.documented()[method].startswith(f"{page.home}.")]
        text = (site / page.path).with_suffix(".html").read_text(encoding="utf-8")
        for row in rows:
            assert row["value"] in text and row["test"].partition("::")[2] in text


def test_every_figure_is_in_the_gallery(site: Path) -> None:
    page = (site / "gallery.html").read_text(encoding="utf-8")
    for name in plots.__all__:
        assert not name.startswith("plot_") or re.search(rf"<h3[^>]*>[^<]*\b{name}\b", page), name
    pictures = re.findall(r'<img src="(gallery/[^"]+)" alt="([^"]+)"', page)
    assert len(pictures) > 50 and all((site / file).stat().st_size > 5000 for file, _ in pictures)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_asks_for_nothing_outside(site: Path, browser, scheme: str) -> None:  # noqa: F811
    for name in ("index.html", "gallery.html", "methods/churn/bg_nbd.html"):
        visit = Visit(browser, site / name, scheme=scheme)
        color = visit.page.evaluate("document.body.getAttribute('data-md-color-scheme')")
        visit.page.set_viewport_size({"width": 400, "height": 800})
        visit.page.wait_for_timeout(200)
        width = visit.page.evaluate("document.documentElement.scrollWidth")
        visit.context.close()
        assert not visit.outside and not visit.errors, name
        assert color == {"light": "default", "dark": "slate"}[scheme]
        assert width == 400, f"{name} is wider than a phone"


def test_the_search_finds_without_a_server(site: Path, browser) -> None:  # noqa: F811
    visit = Visit(browser, site / "index.html")
    visit.page.fill("input.md-search__input", "Herfindahl", force=True)
    visit.page.wait_for_selector(".md-search-result__item a", state="attached", timeout=20_000)
    found = visit.page.locator(".md-search-result__item a").evaluate_all("links => links.map(link => link.href)")
    visit.context.close()
    assert any("methods/identify/concentration.html" in link for link in found)
    assert not visit.outside


def test_a_formula_is_mathml(site: Path) -> None:
    page = (site / "methods" / "churn" / "sbg.html").read_text(encoding="utf-8")
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">' in page and "arithmatex" not in page


def test_what_leads_nowhere_stops_the_build(sources: Path, tmp_path: Path) -> None:
    for name in ("docs", "kam", "build/gallery"):
        shutil.copytree(sources / name, tmp_path / name, ignore=shutil.ignore_patterns("reports"))
    for name in ("mkdocs.yml", "README.md"):
        shutil.copy(sources / name, tmp_path)
    with (tmp_path / "docs" / "index.md").open("a", encoding="utf-8") as page:
        page.write("\n[a](no_page.md) [b](runs.md#no-anchor) [c][kam.no_function]\n")
    (tmp_path / "docs" / "not_in_nav.md").write_text("# Not in the navigation\n", encoding="utf-8")
    done = build(tmp_path)
    assert done.returncode != 0
    for complaint in ("no_page.md", "no-anchor", "kam.no_function", "not_in_nav.md"):
        assert complaint in done.stderr
    assert "Aborted with 4 warnings in strict mode" in done.stderr + done.stdout
