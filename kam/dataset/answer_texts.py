"""The different texts of a column of answers: numbers, levels in words, codes and what nobody knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kam.dataset.level_texts import find_code, find_level, is_blank, split_number
from kam.ledger.reading import ColumnDescription, SourceDescription

MAX_LEVELS = 15
"""A column with more different values is no question on a scale."""


@dataclass(frozen=True, kw_only=True)
class AnswerTexts:
    """The different texts of a question.

    Attributes
    ----------
    numbers : set of int
        Whole numbers, those of labels included.
    labels, words, unknown : set of str
        Texts with a number and words, levels in words, and the rest; codes and blanks are in none of them.
    """

    numbers: set[int]
    labels: set[str]
    words: set[str]
    unknown: set[str]

    @property
    def is_plain(self) -> bool:
        """Whether nothing but numbers and codes stand there."""
        return not self.words and not self.labels


def holds_levels(description: SourceDescription, column: ColumnDescription) -> bool:
    """Whether the texts of a column are levels of a scale, or numbers with words beside them, most of them."""
    if column.type != "text" or not 2 <= column.n_distinct <= 2 * MAX_LEVELS:
        return False
    texts = sort_texts(different_texts(description, column.name))
    n_levels = len(texts.words) + len(texts.labels)
    return n_levels >= 1 and len(texts.numbers) + len(texts.words) >= max(2, 2 * len(texts.unknown))


def different_texts(description: SourceDescription, column: str) -> list[str]:
    """The different texts of a column, as many as a question on a scale can have."""
    values = description.source.table[column].cast("string").name("level")
    found = values.as_table().distinct().limit(4 * MAX_LEVELS).to_pyarrow()["level"].to_pylist()
    return [text.strip() for text in found if text is not None and text.strip()]


def sort_texts(texts: Iterable[str]) -> AnswerTexts:
    """Tell numbers, levels, codes and the rest apart."""
    numbers: set[int] = set()
    labels, words, unknown = set(), set(), set()
    for text in texts:
        number = _as_number(text)
        if number is not None:
            value, said = number
            if not value.is_integer():
                unknown.add(text)
                continue
            numbers.add(int(value))
            if said:
                labels.add(text)
        elif is_blank(text) or find_code(text):
            continue
        elif find_level(text):
            words.add(text)
        else:
            unknown.add(text)
    return AnswerTexts(numbers=numbers, labels=labels, words=words, unknown=unknown)


def _as_number(text: str) -> tuple[float, str] | None:
    try:
        return float(text), ""
    except ValueError:
        return split_number(text)
