"""An executed notebook as one HTML page: self-contained, without script, harmless, readable.

nbconvert renders it by the template beside this module. The order of the page is the reader's: the question, the data, the
answer card and its figure; then, small, what the notebook says before its answer; then its sections. Sections whose heading's
cell has the tag ``fold``, and those named "Method and limits" or "Provenance", are folded; so are the outputs of a code cell
with that tag. All code stands folded at the end. Where the first cell has the tag ``brief``, the page is printed close and
without what stands before its answer or is folded. A markdown cell with the tag ``caption`` is set as the caption of the figure
or table above it.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING

from nbconvert.exporters.html import HTMLExporter
from nbconvert.exporters.templateexporter import TemplateExporter
from nbconvert.filters.ansi import strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from kam.report.page import HTML_LANGUAGE, POLICY
from kam.report.sanitize import clean_html, mark_long_cells, settle_text, wrap_tables
from kam.report.typesetting import close_up, hold_amounts, mark_languages, number_tables
from kam.results import Context
from kam.wording import N_

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from kam.wording import Wording

TEMPLATE = Path(__file__).parent / "template"
_FOLDED = ("Method and limits", "Provenance")  # as the notebook has it, whatever the language of the page
_LABELS = (N_("Contents"), N_("Answer"), N_("Code"), N_("In detail"), N_("Skip to the report"))
_LONGEST_NAME = 80  # characters
_HEADING = re.compile(r"^(#{1,2})\s+(.*?)\s*#*\s*$")
_SHOWN = ("text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/latex", "text/plain")
_PICTURES = ("image/svg+xml", "image/png", "image/jpeg")


@dataclass(frozen=True)
class Report:
    """A rendered report: the page, its title, and what should be mended."""

    html: str
    title: str
    warnings: tuple[str, ...]


@dataclass
class _Section:
    """A heading and the cells up to the next."""

    title: str = ""  # HTML, cleaned
    id: str = ""
    fold: bool = False
    cells: list[NotebookNode] = field(default_factory=list)

    @property
    def text(self) -> str:
        return _text(self.title)


@dataclass
class _Page:
    """What the template lays out."""

    title: str
    name: str
    language: str
    policy: str
    meta: list[str]
    run: str
    answer: list[NotebookNode]
    preamble: list[_Section]
    sections: list[_Section]
    code: list[NotebookNode]
    label: dict[str, str]
    brief: bool


def render_report(
    executed: NotebookNode, *, context: Context, started: datetime, title: str = "Report", name: str = ""
) -> Report:
    """The report of an executed notebook.

    Parameters
    ----------
    executed : nbformat.NotebookNode
        The notebook with its outputs.
    context : kam.results.Context
        Dataset, currency, as-of date and language.
    started : datetime.datetime
        When the run began, UTC; it stands in the element with the id ``run`` and nowhere else, so that the same notebook gives
        the same bytes outside it.
    title : str
        The title of a notebook that has no heading.
    name : str
        What this report is about, of many by one notebook: it stands before the title, so that tabs and prints can be told apart.

    Returns
    -------
    Report
        The page, and what should be mended in the notebook (a figure without a description).
    """
    executed = deepcopy(executed)
    say = context.wording
    sections = _split_into_sections(executed, say)
    page_title = next((_text(s.title) for s in sections[:1] if s.title), "") or title
    warnings = list(_describe_pictures(sections, page_title))
    answer, preamble, rest = _order(sections)
    meta = [context.title or context.dataset, context.currency]
    if context.as_of:
        meta.append(say.sentence("as of {date}", date=say.date(context.as_of)))
    if context.audience == "shared":
        meta.append(say.sentence("shared: nobody is named"))
    page = _Page(
        title=page_title,
        name=name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…",
        language=HTML_LANGUAGE[context.language],
        policy=POLICY,
        meta=[part for part in meta if part],
        run=say.sentence("run {time} UTC", time=f"{started:%Y-%m-%d %H:%M}"),
        answer=answer,
        preamble=preamble,
        sections=rest,
        code=[cell for cell in executed.cells if cell.cell_type == "code" and cell.source.strip()],
        label={word: say.text(word) for word in _LABELS},
        brief=any("brief" in cell.metadata.get("tags", []) for cell in executed.cells[:1]),
    )
    html, _ = _exporter().from_notebook_node(executed, resources={"page": page})
    return Report(_typeset(html, context), page_title, tuple(warnings))


def _typeset(html: str, context: Context) -> str:
    form = context.wording.text("{section}, table {n}")
    page = mark_languages(close_up(hold_amounts(settle_text(html)), context.language), context.language)
    return number_tables(page, escape(form))


class _ReportExporter(HTMLExporter):
    """The HTML exporter without its second parse of the page: what was cleaned is not serialised anew."""

    def from_notebook_node(self, nb, resources=None, **options):  # type: ignore[no-untyped-def]
        resources = self._init_resources(resources)
        return TemplateExporter.from_notebook_node(self, nb, resources, **options)


@cache
def _exporter() -> HTMLExporter:
    exporter = _ReportExporter(extra_template_basedirs=[str(TEMPLATE)], template_name="report")
    filters = {
        "best_type": _best_type,
        "clean_output": clean_output,
        "clean_markdown": clean_markdown,
        "picture": _picture,
        "plain": lambda text: escape(strip_ansi(text)),
    }
    for name, function in filters.items():
        exporter.register_filter(name, function)
    return exporter


def clean_output(html: str, label: str) -> str:
    """HTML from an output, cleaned, its tables in boxes that scroll."""
    return wrap_tables(mark_long_cells(clean_html(html)), label=label)


def clean_markdown(source: str, label: str, links: bool = False) -> str:
    """Markdown as cleaned HTML; ``$`` is a dollar sign, formulas are not set."""
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    return wrap_tables(clean_html(MarkdownWithMath(renderer=renderer).render(source), links=links), label=label)


def _best_type(output: NotebookNode) -> str:
    """The richest form of an output that a page without script can show."""
    return next((kind for kind in _SHOWN if kind in output.data), "")


def _picture(output: NotebookNode, kind: str) -> str:
    """The source of a picture that lies in the page; one that cannot be read is empty, its alternative text is seen."""
    if kind == "image/svg+xml":
        content = str(output.data[kind]).encode()
    else:
        try:
            content = b64decode("".join(output.data[kind].split()), validate=True)
        except ValueError:
            content = b""
    return f"data:{kind};base64,{b64encode(content).decode()}"


# -- the order of the page -------------------------------------------------------------------------------------------


def _split_into_sections(executed: NotebookNode, say: Wording) -> list[_Section]:
    """The first section begins with the title, each other with a heading of the second level; ids are unique."""
    sections = [_Section()]
    used: set[str] = {"answer", "run", "report"}
    for cell in executed.cells:
        if cell.cell_type == "code":
            sections[-1].cells.append(cell)
        if cell.cell_type != "markdown":
            continue
        tags = cell.metadata.get("tags", [])
        headings = [heading for _, heading, _ in _split_at_headings(cell.source)]
        for i, (level, heading, text) in enumerate(_split_at_headings(say.text(cell.source))):
            if level == 1 and len(sections) == 1 and not sections[0].title:
                sections[0].title = _inline(heading)
            elif level:
                title = _inline(heading)
                fold = "fold" in tags or (headings[i : i + 1] or [""])[0] in _FOLDED
                sections.append(_Section(title, _unique_id(_text(title), used), fold))
            if text.strip():
                label = sections[-1].text
                html = clean_markdown(text, label, links=True)
                part = cell.copy()
                part["metadata"] = {"html": html, "caption": "caption" in tags}
                sections[-1].cells.append(part)
    return sections


def _split_at_headings(source: str) -> Iterator[tuple[int, str, str]]:
    """``(level, heading, text below)`` for each heading of level 1 and 2 outside code; level 0 for text before the first."""
    level, heading, lines, fence = 0, "", list[str](), ""
    for line in source.splitlines():
        mark = re.match(r"\s{0,3}(```+|~~~+)", line)
        if mark and not fence:
            fence = mark.group(1)
        elif mark and fence and mark.group(1).startswith(fence):
            fence = ""
        found = None if fence else _HEADING.match(line)
        if found:
            yield level, heading, "\n".join(lines)
            level, heading, lines = len(found.group(1)), found.group(2), []
        else:
            lines.append(line)
    yield level, heading, "\n".join(lines)


def _order(sections: list[_Section]) -> tuple[list[NotebookNode], list[_Section], list[_Section]]:
    """The cells of the answer, the sections that the notebook has before it, and those after it."""
    first = sections[0]
    at = next((i for i, cell in enumerate(first.cells) if _is_answer(cell)), None)
    if at is not None:
        return first.cells[at:], [replace(first, cells=first.cells[:at])], sections[1:]
    for i, section in enumerate(sections):
        if not section.fold and any(_is_answer(cell) for cell in section.cells):
            return section.cells, sections[:i], sections[i + 1 :]
    return [], [first], sections[1:]


def _is_answer(cell: NotebookNode) -> bool:
    outputs = cell.get("outputs", [])
    return any('class="kam-answer"' in str(output.get("data", {}).get("text/html", "")) for output in outputs)


def _describe_pictures(sections: list[_Section], title: str) -> Iterator[str]:
    """Give every picture an alternative text; yield what to mend where the notebook gave none."""
    for section in sections:
        for cell in section.cells:
            for output in cell.get("outputs", []):
                kind = _best_type(output) if "data" in output else ""
                if kind not in _PICTURES:
                    continue
                given = output.metadata.get(kind, {}).get("alt") or output.metadata.get("alt")
                where = section.text or title
                output.metadata["alt"] = given or where
                output.metadata["caption"] = output.metadata.get(kind, {}).get("caption") or output.metadata.get(
                    "caption", ""
                )
                if not given:
                    yield f"A figure in {where!r} has no alternative text."


def _inline(heading: str) -> str:
    """One line of markdown as cleaned HTML without its paragraph."""
    html = clean_markdown(heading, "").strip()
    return html.removeprefix("<p>").removesuffix("</p>")


def _text(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html)).strip()


def _unique_id(text: str, used: set[str]) -> str:
    base = re.sub(r"\W+", "-", text.lower()).strip("-")[:60] or "section"
    name, n = base, 1
    while name in used:
        n += 1
        name = f"{base}-{n}"
    used.add(name)
    return name
