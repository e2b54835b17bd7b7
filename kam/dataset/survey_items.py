"""Guess which columns of a survey are its questions, and which numbers are codes rather than answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from kam.dataset.dictionary import TABLES
from kam.ledger.reading import SourceDescription

MAX_LEVELS = 15
"""A column with more different values is no question on a scale."""

ALL_LEVELS_FROM = 200
"""With so many rows every level of a scale has been used; a column that lacks one is no question (an age group, a region)."""

_SCALES = ((0, 10), (1, 10), (1, 7), (1, 5))


@dataclass(frozen=True, kw_only=True)
class GuessedItems:
    """Items with their range, and the codes that stand beside their answers."""

    items: dict[str, tuple[int, int]]
    codes: tuple[int, ...]

    @property
    def names(self) -> set[str]:
        """Columns of the source that are items."""
        return set(self.items)

    def write(self, lines: list[str], scalar: Callable[[object], str]) -> None:
        """Add the keys of the survey that declare them."""
        lines.append("    level_3: neutral  # or no_opinion: what the third of five levels means")
        lines.append(
            "    items:  # columns on one scale; add text:, theme:, and reversed: true where a low answer is good"
        )
        for name, limits in self.items.items():
            range_ = "" if limits == (1, 5) else f", range: [{limits[0]}, {limits[1]}]"
            lines.append(f"      - {{name: {_in_flow(name, scalar)}{range_}}}")
        if self.codes:
            codes = ", ".join(map(str, self.codes))
            lines.append(
                f'    no_answer: [{codes}]  # not on the scale; move what means "does not apply" to not_applicable:'
            )


def _in_flow(name: str, scalar: Callable[[object], str]) -> str:
    """A scalar that also stands inside braces."""
    return scalar([name])[1:-1]


def guess_items(description: SourceDescription, taken: set[str]) -> GuessedItems:
    """Find the questions among the columns that are nothing else.

    Parameters
    ----------
    description : SourceDescription
        The survey's file.
    taken : set of str
        Columns that are something else.

    Returns
    -------
    GuessedItems
        Columns of whole numbers that fill the scale most of them are on, apart from codes such as 0 or 99.
    """
    levels: dict[str, set[int]] = {}
    scales: dict[str, tuple[int, int]] = {}
    reserved = {*TABLES["survey"].columns, "item", "answer"}
    for column in description.columns:
        is_number = column.type == "number" or column.share_numbers >= 0.9
        if column.name in taken | reserved or not is_number or not 2 <= column.n_distinct <= MAX_LEVELS:
            continue
        if column.name != column.name.strip() or not column.name.isprintable() or len(column.name) > 100:
            continue
        levels[column.name] = _levels(description, column.name)
        scale = _scale(levels[column.name], complete=description.n_rows >= ALL_LEVELS_FROM)
        if scale is not None:
            scales[column.name] = scale
    usual = Counter(scales.values()).most_common(1)
    items = {name: scale for name, scale in scales.items() if scale == usual[0][0]}
    codes = {level for name, (low, high) in items.items() for level in levels[name] if not low <= level <= high}
    return GuessedItems(items=items, codes=tuple(sorted(codes)))


def _levels(description: SourceDescription, column: str) -> set[int]:
    """The different whole numbers of a column; empty if it holds others."""
    values = description.source.table[column].cast("string").name("level")
    found = values.as_table().distinct().limit(4 * MAX_LEVELS).to_pyarrow()["level"].to_pylist()
    levels: set[int] = set()
    for text in found:
        if text is None or not text.strip():
            continue
        try:
            number = float(text)
        except ValueError:
            return set()
        if not number.is_integer():
            return set()
        levels.add(int(number))
    return levels


def _scale(levels: set[int], *, complete: bool) -> tuple[int, int] | None:
    """The longest scale that the levels fill; where not every level need have been used, one to five is filled by three."""
    for low, high in _SCALES:
        if set(range(low, high + 1)) <= levels:
            return low, high
    return (1, 5) if not complete and len(levels & {1, 2, 3, 4, 5}) >= 3 else None
