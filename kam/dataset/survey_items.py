"""Guess which columns of a survey are its questions, and which numbers are codes rather than answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kam.dataset.dictionary import TABLES
from kam.ledger.reading import SourceDescription

MAX_LEVELS = 15
"""A column with more different values is no question on a scale."""

_SCALES = ((1, 5), (1, 7), (0, 10), (1, 10))


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
            "    items:  # columns of whole numbers on a scale; add text:, theme:, and reversed: true where low is good"
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
        Columns of whole numbers that fill a scale of five, seven, ten or eleven levels, apart from codes such as 0 or 99.
    """
    items: dict[str, tuple[int, int]] = {}
    codes: set[int] = set()
    reserved = {*TABLES["survey"].columns, "item", "answer"}
    for column in description.columns:
        is_number = column.type == "number" or column.share_numbers >= 0.9
        if column.name in taken | reserved or not is_number or not 2 <= column.n_distinct <= MAX_LEVELS:
            continue
        if column.name != column.name.strip() or not column.name.isprintable() or len(column.name) > 100:
            continue
        levels = _levels(description, column.name)
        limits = _scale(levels)
        if limits is not None:
            items[column.name] = limits
            codes |= {level for level in levels if not limits[0] <= level <= limits[1]}
    on_scale = {level for low, high in items.values() for level in range(low, high + 1)}
    return GuessedItems(items=items, codes=tuple(sorted(codes - on_scale)))


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


def _scale(levels: set[int]) -> tuple[int, int] | None:
    """The scale that the levels fill; one to five unless they go on beyond six."""
    for low, high in sorted(_SCALES, key=lambda scale: scale[0] - scale[1]):
        scale = set(range(low, high + 1))
        if high > 5 and len(levels & scale) >= len(scale) - 1 and max(levels & scale) == high:
            return low, high
    return (1, 5) if len(levels & {1, 2, 3, 4, 5}) >= 3 else None
