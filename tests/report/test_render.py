import base64
import gettext
import re
from datetime import UTC, date, datetime
from html import escape
from html.parser import HTMLParser

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kam import wording
from kam.report.page import POLICY
from kam.report.render import render_report
from kam.results import Answer, Context, KeyFigure
from tests.report.live_html import find_live

STARTED = datetime(2026, 11, 21, 7, tzinfo=UTC)
CONTEXT = Context(dataset="tiny", title="Tiny & Co", currency="GBP", as_of=date(2011, 12, 9))
PNG = base64.b64encode(b"\x89PNG not really").decode()
CARD = Answer("Two of <b>three</b>.", (KeyFigure(value="66%", label="of all", note="exact"),))._repr_html_()


def shows(data, metadata=None, source="x", tags=()):
    output = new_output("display_data", data=data, metadata=metadata or {})
    return new_code_cell(source, outputs=[output], metadata={"tags": list(tags)})


def says(text, name="stdout"):
    return new_code_cell("x", outputs=[new_output("stream", name=name, text=text)])


def text(source, *tags):
    return new_markdown_cell(source, metadata={"tags": list(tags)})


def body(html):
    return html[html.index("<main") :]


def make(*cells, context=CONTEXT, started=STARTED):
    return render_report(new_notebook(cells=list(cells)), context=context, started=started, title="unnamed")


class Outline(HTMLParser):
    """Start tags in order, and whether all elements are closed in order."""

    VOID = frozenset({"meta", "img", "br", "hr", "col", "wbr"})

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.ids, self.links = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name == "href"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"


def test_a_page_has_what_every_page_has():
    report = make(text("# Who *are* they?"))
    outline = Outline(report.html)
    assert report.title == "Who are they?"
    assert "<title>Who are they? · Tiny &amp; Co</title>" in report.html
    assert outline.tags[0] == ("html", {"lang": "en"})
    metas = {
        attributes.get("http-equiv"): attributes.get("content") for tag, attributes in outline.tags if tag == "meta"
    }
    assert metas["Content-Security-Policy"] == POLICY
    assert POLICY.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:")
    # The policy stands before anything that it has to stop.
    assert report.html.index("Content-Security-Policy") < report.html.index("<style>")
    head = re.sub(r"<[^>]*>", "", report.html[report.html.index("<header>") : report.html.index("</header>")])
    assert head.split("\n")[1] == "Tiny &amp; Co · GBP · as of 9 December 2011 · run 2026-11-21 07:00 UTC"


def test_nothing_comes_from_elsewhere():
    html = make(
        text("# Q"), shows({"text/html": CARD}), shows({"image/png": PNG}), text("See [it](https://example.org).")
    ).html
    assert find_live(html) == []
    for word in ("src=", "url(", "@import"):
        for found in re.finditer(re.escape(word), html):
            assert html[found.end() : found.end() + 6] == '"data:', html[found.start() : found.end() + 60]
    assert re.findall(r'href="(?!#)[^"]*"', html) == ['href="https://example.org"']


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("Alba Boxes (a1)", "Alba Boxes (a1) · Who?"),
        ("</title><script>alert(1)</script>", "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt; · Who?"),
        ("\u202egpj.exe", "⟨U+202E⟩gpj.exe · Who?"),
        ("long name " * 30, "long name " * 7 + "long name… · Who?"),
        ("", "Who?"),
    ],
)
def test_what_a_report_is_about_stands_before_its_title_so_that_tabs_and_prints_can_be_told_apart(name, head):
    notebook = new_notebook(cells=[text("# Who?")])
    report = render_report(notebook, context=CONTEXT, started=STARTED, name=name)
    assert f"<title>{head} · Tiny &amp; Co</title>" in report.html and f"<h1>{head}</h1>" in report.html
    assert report.title == "Who?" and Outline(report.html).open == []


def test_a_name_from_right_to_left_stays_by_itself():
    notebook = new_notebook(cells=[text("# Who?")])
    html = render_report(notebook, context=CONTEXT, started=STARTED, name="شركة النور (7)").html
    assert "<h1><bdi>شركة النور</bdi> (7) · Who?</h1>" in html


def test_the_title_falls_back_to_what_is_given():
    report = make(new_code_cell("x"), context=Context())
    assert report.title == "unnamed" and "<h1>unnamed</h1>" in report.html


def test_the_answer_comes_first_whatever_the_notebook_has_before_it():
    html = make(
        text("# Q?\n\n**Decides** it."),
        text("## Data"),
        says("12 rows in"),
        text("## Answer"),
        shows({"text/html": CARD}),
        shows({"image/png": PNG}, {"image/png": {"alt": "a curve"}}),
        text("Read: so.", "caption"),
        text("## Evidence"),
        says("evidence"),
    ).html
    page = body(html)
    order = [
        "<h1>Q?</h1>",
        'id="answer"',
        "kam-answer",
        'alt="a curve"',
        "kam-caption",
        "Decides",
        'id="data"',
        "12 rows in",
        'id="evidence"',
    ]
    places = [page.index(part) for part in order]
    assert places == sorted(places)
    assert re.findall(r'<a href="#([^"]*)">', html) == ["answer", "data", "evidence"]
    assert "Two of &lt;b&gt;three&lt;/b&gt;." in html


def test_a_card_without_a_heading_of_its_own_comes_first_too():
    html = make(text("# Q?\n\nlead"), says("audit"), shows({"text/html": CARD}), text("## Evidence"), says("x")).html
    html = body(html)
    assert (
        html.index('<section class="kam-answer">')
        < html.index("lead")
        < html.index("audit")
        < html.index('id="evidence"')
    )


def test_a_notebook_without_an_answer_keeps_its_order():
    html = body(make(text("# Q?\n\nlead"), says("first"), text("## Two\n\nsecond")).html)
    assert html.index("lead") < html.index("first") < html.index('id="two"') < html.index("second")
    assert 'href="#answer"' not in html


def test_ids_are_unique_and_every_link_of_the_contents_leads_somewhere():
    outline = Outline(
        make(text("# Q"), text("## Same"), text("## Same\n\n## Report\n\n## 한국어 & <i>more</i>"), text("## !!!")).html
    )
    assert len(outline.ids) == len(set(outline.ids))
    targets = [link[1:] for link in outline.links if link.startswith("#")]
    assert set(targets) <= set(outline.ids)
    assert targets == ["report", "same", "same-2", "report-2", "한국어-more", "section"]


def test_headings_in_code_and_in_outputs_are_not_contents():
    html = make(
        text("# Q\n\n```\n## no\n```\n\n~~~~\n```\n## no\n~~~~\n\n## Yes"),
        shows({"text/markdown": "## No", "text/plain": ""}),
    ).html
    assert re.findall(r'<li><a href="#([^"]*)">', html) == ["yes"]
    assert "<h2>No</h2>" in html


def test_sections_are_folded_by_tag_and_by_name():
    html = make(
        text("# Q"),
        text("## Open\n\na"),
        text("## Closed\n\nb", "fold"),
        text("## Method and limits\n\nc"),
        text("## Provenance"),
    ).html
    assert re.findall(r"<summary><h2>(.*?)</h2>", html) == ["Closed", "Method and limits", "Provenance"]
    assert '<details class="kam-fold">' in html and "<details open" not in html
    assert '<h2 id="open">' in html


def test_a_brief_page_says_so_to_the_printer():
    assert '<main id="report" class="kam-brief">' in make(text("# Title", "brief"), text("## Data")).html
    assert '<main id="report">' in make(text("# Title"), text("## Data", "brief")).html


def test_outputs_of_a_cell_are_folded_by_its_tag():
    tagged = shows({"text/html": "<p>rows</p>", "text/plain": ""})
    tagged.metadata.tags = ["fold"]
    html = make(text("# Q"), text("## Open"), tagged).html
    assert re.search(
        r'<details class="kam-more">\s*<summary>In detail</summary>\s*<div class="kam-output"><p>rows</p>', html
    )
    inside = make(text("# Q"), text("## Closed", "fold"), tagged).html
    assert "kam-more" not in inside.partition("<main")[2]  # already folded


def test_all_code_stands_folded_at_the_end_with_what_went_to_stderr():
    html = make(
        text("# Q"), new_code_cell("a < 1  # first"), says("careful <b>", "stderr"), text("## End"), new_code_cell("  ")
    ).html
    code = html[html.index('class="kam-fold kam-code"') :]
    assert html.index("kam-fold kam-code") > html.index('id="end"')
    assert "a &lt; 1  # first" in code and "careful &lt;b&gt;" in code
    assert code.count("<code>") == 2
    assert "careful" not in html[: html.index('class="kam-fold kam-code"')]


def test_figures_have_a_description_or_it_is_said_that_they_have_none():
    report = make(
        text("# Q"),
        text("## Curve"),
        shows(
            {"image/png": PNG, "text/plain": "<Figure>"},
            {"image/png": {"alt": 'a "curve" <b>'}, "caption": "Read <so>"},
        ),
        shows({"image/jpeg": "AAAA\n"}),
        shows({"image/svg+xml": "<svg onload='x()'></svg>"}, {"alt": "drawn"}),
    )
    images = [attributes for tag, attributes in Outline(report.html).tags if tag == "img"]
    assert [image["alt"] for image in images] == ['a "curve" <b>', "Curve", "drawn"]
    assert images[0]["src"] == f"data:image/png;base64,{PNG}"
    assert images[1]["src"] == "data:image/jpeg;base64,AAAA"
    assert base64.b64decode(images[2]["src"].partition(",")[2]).decode() == "<svg onload='x()'></svg>"
    assert "<figcaption>Read &lt;so&gt;</figcaption>" in report.html
    assert report.warnings == ("A figure in 'Curve' has no alternative text.",)
    assert "&lt;Figure&gt;" not in report.html


def test_tables_scroll_in_a_box_named_by_their_section():
    html = make(text("# Q"), text("## A & B"), shows({"text/html": "<table><tr><td>1</td></tr></table>"})).html
    assert '<div class="kam-scroll" role="region" tabindex="0" aria-label="A &amp; B"><table>' in html


def test_dollar_signs_are_dollar_signs():
    html = make(text("# Q"), text("A costs $5 and B $6, *each*: $x_1$ and \\$7.")).html
    assert "A costs $5 and B $6, <em>each</em>" in html or "A costs $5 and B $6" in html
    assert "MathJax" not in html


@pytest.mark.parametrize("kind", ["text/html", "text/markdown", "text/latex", "text/plain"])
def test_outputs_are_harmless(kind):
    attack = "<script>x()</script><img src=x onerror=x()>[a](javascript:x()) ![b](https://example.invalid/b.png)"
    html = make(text("# Q"), shows({kind: attack}), says(attack), says(attack, "stderr")).html
    assert find_live(html) == []
    Outline(html)


def test_headings_and_text_of_the_author_are_harmless_too():
    html = make(
        text("# <script>x()</script>Q <img src=x onerror=x()>"),
        text("## A <svg onload=x()>b</svg>\n\n<iframe src=x></iframe>"),
    ).html
    assert find_live(html) == []
    assert "<h1>Q</h1>" in html


def test_what_cannot_be_shown_without_script_is_shown_as_text():
    html = make(
        text("# Q"), shows({"application/javascript": "x()", "text/plain": "instead"}), shows({"application/x": "y"})
    ).html
    assert "instead" in html and "x()" not in html


def test_a_traceback_is_text():
    cell = new_code_cell(
        "x", outputs=[new_output("error", ename="E", evalue="v", traceback=["\x1b[31m<script>\x1b[0m", "end"])]
    )
    assert "&lt;script&gt;\nend" in make(text("# Q"), cell).html


def test_the_same_notebook_gives_the_same_bytes_outside_the_run():
    def cells():
        return (text("# Q"), shows({"text/html": CARD}), shows({"image/png": PNG}), text("## S\n\nx"), says("y"))

    one, two = make(*cells()).html, make(*cells(), started=datetime(2027, 1, 2, 3, 4, tzinfo=UTC)).html
    run = re.compile(r'<span id="run">[^<]*</span>')
    assert one == make(*cells()).html
    assert one != two and run.sub("", one) == run.sub("", two)


def test_rendering_leaves_the_outputs_of_the_notebook_alone():
    notebook = new_notebook(cells=[text("# Q"), shows({"image/png": PNG}), text("## S", "fold")])
    before = nbformat.writes(notebook)
    render_report(notebook, context=CONTEXT, started=STARTED)
    assert nbformat.writes(notebook) == before


def test_markdown_is_looked_up_in_the_catalog_of_the_language(monkeypatch):
    class Catalog(gettext.NullTranslations):
        def gettext(self, message):
            return {"# Who?\n\nText.": "# 누구?\n\n본문.", "## Provenance": "## 출처"}.get(message, message)

    catalogs = {"ko": Catalog(), "en": gettext.NullTranslations()}
    monkeypatch.setattr(wording, "_catalog", catalogs.__getitem__)
    html = make(
        text("# Who?\n\nText."), text("## Provenance", "fold"), text("## Other"), context=Context(language="ko")
    ).html
    assert "<h1>누구?</h1>" in html and "본문." in html and "<summary><h2>출처</h2>" in html and 'id="other"' in html
    assert '<html lang="ko">' in html


def test_names_in_the_meta_line_are_escaped():
    hostile = "<script>x()</script>"
    html = make(text("# Q"), context=Context(title=hostile, currency="GBP")).html
    assert find_live(html) == [] and escape(hostile) in html


def test_a_page_without_figures_is_small():
    assert len(make(text("# Q"), shows({"text/html": CARD})).html) < 20_000
