"""Guess which columns of a survey are its questions, what its levels are, and which numbers are codes rather than answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from kam.dataset.answer_texts import MAX_LEVELS, AnswerTexts, different_texts, holds_levels, sort_texts
from kam.dataset.dictionary import TABLES
from kam.dataset.level_texts import read_levels
from kam.dataset.recognition import TableMatch, score_name
from kam.ledger.reading import ColumnDescription, SourceDescription

ALL_LEVELS_FROM = 200
"""With so many rows every level of a scale has been used; a column that lacks one is no question (an age group, a region)."""

SURE = 0.8
"""A name that scores more is one of those known."""

SCORES = ("overall", "recommend", "repurchase")

MAX_ITEMS = 300
"""A column with more different values names no items."""

_SCALES = ((0, 10), (1, 10), (1, 7), (1, 5))
Scale = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class GuessedItems:
    """Items with their range, and the codes that stand beside their answers.

    Attributes
    ----------
    items : dict of str to (int, int)
        Name of the item: lowest and highest answer.
    codes : tuple of int
        Numbers that are no answer.
    unknown : tuple of str
        Texts among the answers whose level is not known.
    says_no_opinion : bool
        The middle of the levels is written as no opinion.
    is_long : bool
        The items stand in rows, not in columns.
    columns : dict of str to (str, str)
        In long form: what ``columns:`` has to say of ``item``, ``answer`` and the scores among the items, and why.
    """

    items: dict[str, Scale]
    codes: tuple[int, ...]
    unknown: tuple[str, ...] = ()
    says_no_opinion: bool = False
    is_long: bool = False
    columns: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """Columns of the source that are items."""
        return {"item", "answer", *(name for name, _ in self.columns.values())} if self.is_long else set(self.items)

    @property
    def question(self) -> str:
        """What has to be asked about the answers; empty if nothing."""
        if not self.unknown:
            return ""
        named = ", ".join(repr(text) for text in self.unknown[:8])
        return f"Which levels are {named}? Write levels: with each text and its number, or put it under no_answer:."

    def write(self, lines: list[str], scalar: Callable[[object], str]) -> None:
        """Add the keys of the survey that declare them."""
        if self.is_long:
            lines.append("    form: long  # a row per answer")
        if self.says_no_opinion:
            lines.append("    level_3: no_opinion  # the middle level is written as no opinion")
        else:
            lines.append("    level_3: neutral  # or no_opinion: what the third of five levels means")
        if self.unknown:
            lines.append(
                f"    # levels: {{{_in_flow(self.unknown[0], scalar)}: …}}  # QUESTION: the number of each text"
            )
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


def find_items(description: SourceDescription, match: TableMatch) -> GuessedItems:
    """Find the questions of a survey: in columns, or in rows where a column names them and respondents repeat.

    Parameters
    ----------
    description : SourceDescription
        The survey's file.
    match : TableMatch
        The columns that were recognized.

    Returns
    -------
    GuessedItems
        As from :func:`guess_items`.
    """
    named = {name: found.column.name for name, found in match.matches.items()}
    free = [column for column in description.columns if column.name not in named.values()]
    item = max(free, key=lambda column: score_name(column.name, "item"), default=None)
    answer = max((c for c in free if c is not item), key=lambda c: score_name(c.name, "answer"), default=None)
    respondent = match.matches.get("respondent_id")
    items: list[str] = []
    if item is not None and answer is not None and respondent is not None:
        sure = min(score_name(item.name, "item"), score_name(answer.name, "answer")) > SURE
        repeats = respondent.column.n_distinct * 2 <= description.n_rows
        if sure and repeats and (_is_number(answer) or holds_levels(description, answer)):
            items = _different_items(description, item.name)
    if not items or item is None or answer is None:
        return guess_items(description, set(named.values()), scores=sorted(named[n] for n in SCORES if n in named))
    scores: dict[str, str] = {}
    for score in SCORES:
        like = max(items, key=lambda text: score_name(text, score))
        if score_name(like, score) > SURE and like not in scores.values():
            scores[score] = like
    found = _guess_long(description, item.name, answer.name, set(scores.values()))
    columns = {name: (column.name, "by its name") for name, column in (("item", item), ("answer", answer))}
    columns |= {score: (like, "a value of the column of items") for score, like in scores.items()}
    return replace(found, columns={name: entry for name, entry in columns.items() if entry[0] != name})


def guess_items(description: SourceDescription, taken: set[str], *, scores: Iterable[str] = ()) -> GuessedItems:
    """Find the questions among the columns that are nothing else.

    Parameters
    ----------
    description : SourceDescription
        The survey's file.
    taken : set of str
        Columns that are something else.
    scores : iterable of str
        Those of them that hold answers on a scale of their own (overall, …): their texts are looked at, too.

    Returns
    -------
    GuessedItems
        Columns of whole numbers that fill the scale most of them are on, apart from codes such as 0 or 99; and columns of texts
        that are levels.
    """
    answers: dict[str, AnswerTexts] = {}
    reserved = {*TABLES["survey"].columns, "item", "answer"}
    for column in description.columns:
        if column.name in taken | reserved or not 2 <= column.n_distinct <= MAX_LEVELS:
            continue
        if not _can_be_named(column.name):
            continue
        if _is_number(column) or holds_levels(description, column):
            answers[column.name] = sort_texts(different_texts(description, column.name))
    also = [sort_texts(different_texts(description, name)) for name in scores]
    return _guess(answers, also, complete=description.n_rows >= ALL_LEVELS_FROM)


# -- inside ----------------------------------------------------------------------------------------------------------


def _guess_long(description: SourceDescription, item: str, answer: str, scores: set[str]) -> GuessedItems:
    """The questions among the rows, each on the scale that its own answers fill."""
    table = description.source.table
    pairs = table.select(item=table[item].cast("string"), answer=table[answer].cast("string")).distinct()
    texts: dict[str, list[str]] = {}
    for row in pairs.limit(MAX_ITEMS * 4 * MAX_LEVELS).to_pyarrow().to_pylist():
        if row["item"] is not None and row["item"].strip():
            texts.setdefault(row["item"].strip(), []).append(row["answer"] or "")
    answers = {name: sort_texts(texts[name]) for name in sorted(texts) if name not in scores and _can_be_named(name)}
    also = [sort_texts(texts[name]) for name in scores if name in texts]
    found = _guess(answers, also, complete=False)
    every = {
        name: found.items.get(name) or _scale(one.numbers, complete=False) or (1, 5) for name, one in answers.items()
    }
    return GuessedItems(
        items=every,
        codes=found.codes,
        unknown=found.unknown,
        says_no_opinion=found.says_no_opinion,
        is_long=True,
    )


def _different_items(description: SourceDescription, item: str) -> list[str]:
    """The different values of a column of items; none if there are too many."""
    table = description.source.table
    values = table[item].cast("string").name("item").as_table().distinct().limit(MAX_ITEMS + 1).to_pyarrow()
    names = sorted({text.strip() for text in values["item"].to_pylist() if text is not None and text.strip()})
    return names if len(names) <= MAX_ITEMS else []


def _can_be_named(name: str) -> bool:
    return name == name.strip() and name.isprintable() and len(name) <= 100


def _is_number(column: ColumnDescription) -> bool:
    return column.type == "number" or column.share_numbers >= 0.9


def _guess(answers: dict[str, AnswerTexts], also: list[AnswerTexts], *, complete: bool) -> GuessedItems:
    """Items among columns of answers: those on the scale that most are on."""
    scales: dict[str, Scale] = {}
    for name, one in answers.items():
        if one.is_plain and one.unknown:
            continue
        scale = _scale(one.numbers, complete=complete and one.is_plain)
        if scale is None and not one.is_plain:
            scale = _span(one.numbers) if not one.words else (1, 5)
        if scale is not None:
            scales[name] = scale
    usual = Counter(scales.values()).most_common(1)
    items = {name: scale for name, scale in scales.items() if scale == usual[0][0]}
    codes = {
        number for name, (low, high) in items.items() for number in answers[name].numbers if not low <= number <= high
    }
    five = (1.0, 5.0)
    in_words = [answers[name] for name in items] + [one for one in also if not one.is_plain]
    keys = {
        (tuple(map(float, items.get(name, five))), text)
        for name, one in answers.items()
        if name in items
        for text in one.words | one.labels
    } | {(five, text) for one in also for text in one.words | one.labels}
    reading = read_levels([((low, high), text) for (low, high), text in sorted(keys)])
    open_texts = {text for one in in_words for text in one.unknown if not one.is_plain} | {
        t for _, t in reading.unknown
    }
    return GuessedItems(
        items=items,
        codes=tuple(sorted(codes)),
        unknown=tuple(sorted(open_texts)),
        says_no_opinion=reading.says_no_opinion,
    )


def _span(numbers: set[int]) -> Scale | None:
    """The shortest scale that labels with numbers fit in, where not every level need have been used."""
    fitting = [(low, high) for low, high in _SCALES if numbers and low <= min(numbers) and max(numbers) <= high]
    return min(fitting, key=lambda scale: scale[1] - scale[0]) if fitting else None


def _scale(levels: set[int], *, complete: bool) -> Scale | None:
    """The longest scale that the levels fill; where not every level need have been used, one to five is filled by three."""
    for low, high in _SCALES:
        if set(range(low, high + 1)) <= levels:
            return low, high
    return (1, 5) if not complete and len(levels & {1, 2, 3, 4, 5}) >= 3 else None
