"""The last hand on a page: which language a name is in, which amounts stay on one line, which table is which.

It works on whole pages of kam's templates, where no attribute holds an angle bracket.
"""

from __future__ import annotations

import re

from kam.report.page import HTML_LANGUAGE
from kam.wording import ASIAN_RUN, name_language

_ASIDE = r"<head>.*?</head>|<code>[^<]*</code>|<[^>]*>"
_NAME = re.compile(rf"({_ASIDE})|{ASIAN_RUN}", re.DOTALL)
_AMOUNT = re.compile(rf"({_ASIDE})|(?<![\w-])-[€$£¥₩₹][\d.,]*\d[A-Z%]?", re.DOTALL)
_CLOSE = re.compile(rf"({_ASIDE})|(?<=[。！？；，、]) +", re.DOTALL)
_BOX = re.compile(r'(<div class="kam-scroll[^"]*" role="region" tabindex="0" aria-label=")([^"]*)(")')


def close_up(page: str, language: str) -> str:
    """Sentences without a space between them, as Chinese and Japanese set them.

    >>> close_up("<p>一。 二； 三</p>", "zh"), close_up("<p>One. Two</p>", "en")
    ('<p>一。二；三</p>', '<p>One. Two</p>')
    """
    if language not in ("zh", "ja"):
        return page
    return _CLOSE.sub(lambda found: found[1] or "", page)


def mark_languages(page: str, language: str) -> str:
    """Names in Chinese, Japanese and Korean with a ``lang`` where it is not the page's: it decides shapes and pronunciation.

    Parameters
    ----------
    page : str
        HTML.
    language : str
        The language of the report: en, zh, ko or ja.

    >>> mark_languages("<b>한빛포장 유통</b>, 华远礼品", "en")
    '<b><span lang="ko">한빛포장 유통</span></b>, <span lang="zh-Hans">华远礼品</span>'
    >>> mark_languages("<b>한빛포장 유통</b>, 华远礼品", "zh")
    '<b><span lang="ko">한빛포장 유통</span></b>, 华远礼品'
    """

    def mark(found: re.Match[str]) -> str:
        if found[1]:
            return found[1]
        own = name_language(found[0], language)
        return found[0] if own == language else f'<span lang="{HTML_LANGUAGE[own]}">{found[0]}</span>'

    return _NAME.sub(mark, page)


def hold_amounts(page: str) -> str:
    """Negative amounts that no line end takes apart: browsers break between a minus and a currency sign.

    >>> hold_amounts("<p>profit is -€4,318.</p>")
    '<p>profit is <span class="kam-whole">-€4,318</span>.</p>'
    """
    return _AMOUNT.sub(lambda found: found[1] or f'<span class="kam-whole">{found[0]}</span>', page)


def number_tables(page: str, form: str) -> str:
    """Boxes of tables with labels of their own: where a section has several tables, each has its number.

    Parameters
    ----------
    page : str
        HTML.
    form : str
        How a label with a number reads, with ``{section}`` and ``{n}``.
    """
    labels = [found[2] for found in _BOX.finditer(page)]
    seen: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        label = found[2]
        if labels.count(label) > 1:
            seen[label] = seen.get(label, 0) + 1
            label = form.replace("{n}", str(seen[label])).replace("{section}", label)
        return f"{found[1]}{label}{found[3]}"

    return _BOX.sub(number, page)
