"""HTML that comes from a notebook, made harmless: nothing in it can run, load or leave.

Text from data, such as a customer's name, may reach a report as HTML through ``display(HTML(…))``, ``display(Markdown(…))`` or a
pandas Styler. What passes here is a list of elements and attributes; everything else goes, text stays. The report's
Content-Security-Policy stops the same things a second time; each holds alone.

>>> clean_html('<b onclick="x()">Ä</b><script>alert(1)</script><img src="https://x/y.png"><a href="javascript:x()">go</a>')
'<b>Ä</b>go'
>>> clean_html('<td title="<table onmouseover=x()>">1</td>')
'1'
"""

from __future__ import annotations

import re

import nh3

from kam.wording import show_hidden

_TAGS = frozenset(
    ["a", "abbr", "b", "bdi", "bdo", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del", "details",
     "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins",
     "kbd", "li", "mark", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "section", "small", "span", "strong",
     "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "u", "ul", "var", "wbr"]
)  # fmt: skip
_DROPPED_WITH_CONTENT = frozenset(
    {"iframe", "math", "noscript", "object", "script", "style", "svg", "template", "textarea"}
)
_ATTRIBUTES = {
    "*": {"class", "dir", "lang"},
    "a": {"href"},
    "col": {"span"},
    "colgroup": {"span"},
    "img": {"alt", "src"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*")
_LINK = re.compile(r"(https?://|mailto:|#)[^\s]*", re.IGNORECASE)
_BARE_PICTURE = re.compile(r'<img(?:\s+(?:alt|class|dir|lang)="[^"]*")*>')
_WIDE = 9
_CELL = re.compile(r"<(t[dh])\b([^>]*)>((?:[^<]|<(?!/?t[dhr]\b))*)</\1>")
_TABLE = re.compile(r"<(/?)table\b[^>]*>")
_ASIDE = r"<title>.*?</title>|<style>.*?</style>|<code>[^<]*</code>|<bdi>[^<]*</bdi>|<[^>]*>"  # no text of the page, or settled
_RIGHT = "\u0590-\u08ff\u200f\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
_RIGHT_TO_LEFT = re.compile(rf"({_ASIDE})|[{_RIGHT}](?:[^{_RIGHT}<>&\w]*[{_RIGHT}])*", re.DOTALL)
_ENDLESS = re.compile(rf"({_ASIDE})|(\w{{120}})\w{{80,}}", re.DOTALL)
_LENGTHY = re.compile(rf"(<pre[^>]*>[^<]*</pre>|{_ASIDE})|([^<]{{800}})[^<]{{900,}}([^<]{{300}})", re.DOTALL)


def _filter_attribute(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "src":
        return value if _PICTURE.fullmatch(value) else None
    if attribute == "href":
        return value if _LINK.fullmatch(value) and not set("<>\"'") & set(value) else None
    # No attribute keeps an angle bracket: what follows may then find elements by their brackets.
    return re.sub("[<>]", "", value)


_CLEANER = nh3.Cleaner(
    tags=set(_TAGS),
    clean_content_tags=set(_DROPPED_WITH_CONTENT),
    attributes=_ATTRIBUTES,
    attribute_filter=_filter_attribute,
    url_schemes={"http", "https", "mailto", "data"},
    link_rel="noopener noreferrer",
)
_CLEANER_OF_OUTPUT = nh3.Cleaner(
    tags=set(_TAGS - {"a"}),
    clean_content_tags=set(_DROPPED_WITH_CONTENT),
    attributes={tag: names for tag, names in _ATTRIBUTES.items() if tag != "a"},
    attribute_filter=_filter_attribute,
    url_schemes={"data"},
    link_rel=None,
)


def clean_html(html: str, *, links: bool = False) -> str:
    """The fragment without anything that could run, load or leave, its elements balanced.

    Parameters
    ----------
    html : str
        A fragment from anywhere.
    links : bool
        Keep links to http, https and mailto and within the page (for text by the notebook's author; not for output).

    Returns
    -------
    str
        Only known elements; of attributes ``class``, ``lang``, ``dir``, those of tables and lists, ``alt``, and ``src`` with an
        embedded picture. No ids, no styles. A picture from elsewhere is taken out.
    """
    cleaned = (_CLEANER if links else _CLEANER_OF_OUTPUT).clean(show_hidden(html))
    return _BARE_PICTURE.sub("", cleaned)


def settle_text(page: str) -> str:
    r"""A whole page of kam's templates, its texts such that none changes how what stands around it is read.

    Hidden characters are shown (:func:`kam.wording.show_hidden`), writing from right to left is kept to itself, so that it does
    not reorder its neighbors, and a word of 200 letters or more is cut, as is the middle of a text of 2,000: the whole is in the
    tables of the run.

    >>> settle_text("<td>\u202egpj.exe</td>")
    '<td>⟨U+202E⟩gpj.exe</td>'
    >>> settle_text("<p>Of مرحبا, 12%</p><td><bdi>مرحبا</bdi></td>")
    '<p>Of <bdi>مرحبا</bdi>, 12%</p><td><bdi>مرحبا</bdi></td>'
    """
    page = show_hidden(page)
    page = _ENDLESS.sub(lambda found: found[1] or f"{found[2]}…", page)
    page = _LENGTHY.sub(lambda found: found[1] or _cut_middle(found[2], found[3]), page)
    if not re.search(f"[{_RIGHT}]", page):
        return page
    return _RIGHT_TO_LEFT.sub(lambda found: found[1] or f"<bdi>{found[0]}</bdi>", page)


def _cut_middle(first: str, last: str) -> str:
    """Both ends of an escaped text, no character reference torn."""
    return f"{re.sub('&[^;]*$', '', first)} … {re.sub('^[^&;]{0,9};', '', last)}"


def mark_long_cells(html: str) -> str:
    """Classes on the cells of cleaned HTML that ask for width: ``kam-long`` on a sentence or a long head, ``kam-some`` on a name.

    >>> mark_long_cells('<td>short</td><td class="a"><b>A rather long name</b></td><th>days since the last order</th>')
    '<td>short</td><td class="kam-some a"><b>A rather long name</b></td><th class="kam-long">days since the last order</th>'
    """

    def mark(cell: re.Match[str]) -> str:
        tag, attributes, content = cell.groups()
        length = len(re.sub(r"<[^>]*>", "", content).strip())
        long, some = (15, 99) if tag == "th" else (36, 18)
        if length < min(long, some):
            return cell[0]
        kind = "kam-long" if length >= long else "kam-some"
        if 'class="' in attributes:
            attributes = attributes.replace('class="', f'class="{kind} ', 1)
        else:
            attributes += f' class="{kind}"'
        return f"<{tag}{attributes}>{content}</{tag}>"

    return _CELL.sub(mark, html)


def wrap_tables(html: str, *, label: str) -> str:
    """A box around every outermost table of cleaned HTML, in which a wide one scrolls, also by keyboard.

    The box of a table with more than nine columns has the class ``kam-wide``: on paper it is set smaller.

    >>> print(wrap_tables("<p>a</p><table><tr><td>1</td></tr></table>", label='"Q"'))
    <p>a</p><div class="kam-scroll" role="region" tabindex="0" aria-label="&quot;Q&quot;"><table>...</table></div>
    """
    from html import escape

    parts, depth, end = [], 0, 0
    rest = f'role="region" tabindex="0" aria-label="{escape(label)}"'
    for tag in _TABLE.finditer(html):
        if tag.group(1):
            depth -= 1
            if depth == 0:
                table = html[end : tag.end()]
                kind = "kam-scroll kam-wide" if _count_columns(table) > _WIDE else "kam-scroll"
                parts += [f'<div class="{kind}" {rest}>', table, "</div>"]
                end = tag.end()
        else:
            if depth == 0:
                parts.append(html[end : tag.start()])
                end = tag.start()
            depth += 1
    return "".join([*parts, html[end:]])


def _count_columns(table: str) -> int:
    """The most cells that a row has."""
    return max((len(re.findall(r"<t[dh]\b", row)) for row in table.split("<tr")), default=0)
