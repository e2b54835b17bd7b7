"""Guess which columns of a survey are its questions, what its levels are, and which numbers are codes rather than answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import count

from kam.dataset.answer_texts import MAX_LEVELS, AnswerTexts, different_texts, holds_levels, sort_texts
from kam.dataset.dictionary import LONG_SURVEY, TABLES
from kam.dataset.frame_checks import shorten
from kam.dataset.level_texts import read_levels
from kam.dataset.recognition import TableMatch, asks_to_recommend, score_name
from kam.ledger.reading import ColumnDescription, SourceDescription

ALL_LEVELS_FROM = 200
"""With so many rows every level of a scale has been used; a column that lacks one is no question (an age group, a region)."""

SURE = 0.8
"""A name that scores more is one of those known."""

SCORES = ("overall", "recommend", "repurchase")

MAX_ITEMS = 300
"""A column with more different values names no items."""

USUAL_CODES = frozenset(
    (
        0,
        6,
        8,
        9,
        66,
        77,
        88,
        96,
        97,
        98,
        99,
        777,
        888,
        996,
        997,
        998,
        999,
        8888,
        9998,
        9999,
        -1,
        -2,
        -8,
        -9,
        -88,
        -99,
        -999,
    )
)
"""Numbers that surveys write for no answer. Any other one off the scale is a question, not a code."""

_RESERVED = frozenset((*TABLES["survey"].columns, *LONG_SURVEY))
"""Names that no item can have."""

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
        What ``columns:`` has to say of items whose name is taken, in long form also of ``item``, ``answer`` and the scores
        among the items, and why.
    doubts : tuple of str
        What has to be asked about single numbers and columns.
    """

    items: dict[str, Scale]
    codes: tuple[int, ...]
    unknown: tuple[str, ...] = ()
    says_no_opinion: bool = False
    is_long: bool = False
    columns: dict[str, tuple[str, str]] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()

    @property
    def names(self) -> set[str]:
        """Columns of the source that are items."""
        if self.is_long:
            return {"item", "answer", *(name for name, _ in self.columns.values())}
        return {self.columns[name][0] if name in self.columns else name for name in self.items}

    @property
    def questions(self) -> tuple[str, ...]:
        """What has to be asked about the answers."""
        if not self.unknown:
            return self.doubts
        named = ", ".join(repr(text) for text in self.unknown[:8])
        asked = f"Which levels are {named}? Write levels: with each text and its number, or put it under no_answer:."
        return (asked, *self.doubts)

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
    texts = _texts_of_items(description, item.name, answer.name)
    like = scores.get("recommend", "")
    if asks_to_recommend(like) and len(sort_texts(texts.get(like, ())).numbers) <= 5:
        del scores["recommend"]  # asked on a shorter scale than 0 to 10
    found = _guess_long(texts, set(scores.values()))
    found = _add_doubts(found, description, item=item.name, answer=answer.name)
    columns = {name: (column.name, "by its name") for name, column in (("item", item), ("answer", answer))}
    columns |= {score: (like, "a value of the column of items") for score, like in scores.items()}
    columns = {name: entry for name, entry in columns.items() if entry[0] != name}
    return replace(found, columns=columns | found.columns)


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
    for column in description.columns:
        if column.name in taken | set(TABLES["survey"].columns) or not 2 <= column.n_distinct <= MAX_LEVELS:
            continue
        if _is_number(column) or holds_levels(description, column):
            answers[column.name] = sort_texts(different_texts(description, column.name))
    also = [sort_texts(different_texts(description, name)) for name in scores]
    found = _guess(answers, also, complete=description.n_rows >= ALL_LEVELS_FROM)
    left = _left_out(description, found.items, taken)
    found = _add_doubts(found, description)
    return replace(found, doubts=(*found.doubts, *left))


# -- inside ----------------------------------------------------------------------------------------------------------


def _texts_of_items(description: SourceDescription, item: str, answer: str) -> dict[str, list[str]]:
    """The different answers to each item of the long form."""
    table = description.source.table
    pairs = table.select(item=table[item].cast("string"), answer=table[answer].cast("string")).distinct()
    texts: dict[str, list[str]] = {}
    for row in pairs.limit(MAX_ITEMS * 4 * MAX_LEVELS).to_pyarrow().to_pylist():
        if row["item"] is not None and row["item"].strip():
            texts.setdefault(row["item"].strip(), []).append(row["answer"] or "")
    return texts


def _guess_long(texts: dict[str, list[str]], scores: set[str]) -> GuessedItems:
    """The questions among the rows, each on the scale that its own answers fill."""
    answers = {name: sort_texts(texts[name]) for name in sorted(texts) if name not in scores}
    also = [sort_texts(texts[name]) for name in scores if name in texts]
    found = _guess(answers, also, complete=False)
    every = {
        name: found.items.get(name) or _scale(one.numbers, complete=False) or (1, 5) for name, one in answers.items()
    }
    return replace(found, items=every, is_long=True)


def _add_doubts(
    found: GuessedItems, description: SourceDescription, *, item: str | None = None, answer: str | None = None
) -> GuessedItems:
    """Keep the codes that are usual and not alone, ask about the other numbers off the scale, and rename what has to be."""
    rows: dict[int, dict[str, int]] = {}
    for name, (low, high) in found.items.items():
        for number, n in _count_numbers(description, name, item, answer).items():
            if not low <= number <= high:
                rows.setdefault(number, {})[name] = n
    codes = tuple(n for n in sorted(rows) if n in USUAL_CODES and (len(rows[n]) > 1 or sum(rows[n].values()) > 1))
    codes = tuple(n for n in codes if not any(low <= n <= high for low, high in found.items.values()))
    doubts = []
    for number in sorted(set(rows) - set(codes)):
        for name, n in rows[number].items():
            low, high = found.items[name]
            where = "in one row" if n == 1 else f"in {n} rows"
            doubts.append(
                f"{shorten(name)} has the value {number} {where}, outside of {low} to {high}: a typing error, or a code? "
                f"Correct it, or write no_answer: {[*codes, number]} or not_applicable: [{number}]."
            )
    items: dict[str, Scale] = {}
    columns: dict[str, tuple[str, str]] = {}
    taken = {name.casefold() for name in _RESERVED}
    for name, scale in found.items.items():
        called = _name_item(name, taken)
        taken.add(called.casefold())
        items[called] = scale
        if called != name:
            columns[called] = (name, "an item needs a name of its own, of at most 100 characters")
            doubts.append(f"What should the item {shorten(name)} be called? It is {shorten(called)} for now.")
    return replace(found, items=items, codes=codes, columns=columns, doubts=tuple(doubts))


def _name_item(name: str, taken: set[str]) -> str:
    """A name that an item can have: that of the column, unless something else is called so, or it is too long."""
    if _can_be_named(name) and name.casefold() not in taken:
        return name
    short = " ".join("".join(c if c.isprintable() else " " for c in name).split())[:80].strip()
    if short.casefold() not in taken and short.casefold() != name.casefold():
        return short
    made = (f"{short} (question{'' if i == 1 else f' {i}'})" for i in count(1))
    return next(text for text in made if text.casefold() not in taken)


def _count_numbers(description: SourceDescription, name: str, item: str | None, answer: str | None) -> dict[int, int]:
    """Whole numbers among the answers to an item: number → rows; of labels, what their number is."""
    table = description.source.table
    if item is not None and answer is not None:
        chosen = table.filter(table[item].cast("string").strip() == name)
        column = answer
    else:
        chosen, column = table, name
    texts = chosen.select(level=chosen[column].cast("string")).group_by("level").aggregate(n=lambda t: t.count())
    counts: Counter[int] = Counter()
    for row in texts.limit(4 * MAX_LEVELS).to_pyarrow().to_pylist():
        for number in sort_texts([row["level"].strip()]).numbers if row["level"] else ():
            counts[number] += row["n"]
    return dict(counts)


def _left_out(description: SourceDescription, items: dict[str, Scale], taken: set[str]) -> list[str]:
    """Questions about columns of numbers that stand among the items, but fill no scale."""
    names = [column.name for column in description.columns]
    places = [i for i, name in enumerate(names) if name in items]
    if not places:
        return []
    low, high = next(iter(items.values()))
    doubts = []
    for column in description.columns[places[0] : places[-1] + 1]:
        if column.name in items or column.name in taken | set(TABLES["survey"].columns) or column.share_missing >= 1:
            continue
        texts = sort_texts(different_texts(description, column.name)) if _is_number(column) else None
        if texts is None or texts.unknown or not texts.numbers or not all(low <= n <= high for n in texts.numbers):
            continue
        values = ", ".join(map(str, sorted(texts.numbers)))
        doubts.append(
            f"Is {shorten(column.name)} a question, too? It stands among the items, but holds only {values}. If it is, add "
            "it under items:."
        )
    return doubts


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
        codes=(),
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
