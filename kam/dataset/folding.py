"""Texts without what does not tell them apart: case, accents, width, spaces and signs."""

from __future__ import annotations

import re
import unicodedata


def fold(text: str) -> str:
    """A text without case, accents, spaces and signs.

    >>> fold("N° Client"), fold("Kd.-Nr."), fold("고객 번호")
    ('nclient', 'kdnr', '고객번호')
    """
    return "".join(split_words(text))


def split_words(text: str) -> list[str]:
    """The words of a text, folded; ``CustomerID`` has two."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c) or "\u3099" <= c <= "\u309a")
    folded = unicodedata.normalize("NFKC", plain).casefold().replace("ß", "ss")
    return re.findall(r"[^\W_]+", folded)
