"""Formulas (``$…$`` in a line, ``$$…$$`` on their own) become MathML when the manual is built: no script, no font."""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\s*\\[(\[](.*?)\\[)\]]\s*</\1>', re.DOTALL)


def on_page_content(content: str, **_: Any) -> str:
    """Replace what ``pymdownx.arithmatex`` marked in a page."""
    return _FORMULA.sub(_to_mathml, content)


def _to_mathml(found: re.Match[str]) -> str:
    tag, latex = found.groups()
    return convert(html.unescape(latex).strip(), display="block" if tag == "div" else "inline")
