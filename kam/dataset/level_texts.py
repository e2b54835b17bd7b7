"""Levels of a scale that are written as texts: which number each stands for.

``very satisfied`` is the top of most scales and the second of some, ``satisfied`` is the second level beside ``very satisfied``
and the top beside ``somewhat satisfied``. So texts are read together: what stands in all columns of a survey says which levels
there are. A text that holds a number (``5 - Very satisfied``, ``⑤``, ``5점``) stands for that number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from kam.dataset import level_words
from kam.dataset.folding import fold
from kam.dataset.level_words import BARE, LADDERS, RATINGS, WHOLE_TEXTS

Range = tuple[float, float]

_COUNTERS = r"(?:점|分|点|點|級|级|stars?|points?|pts?)?"
_NUMBER_FIRST = re.compile(
    rf"^[(\[【]?\s*(\d{{1,2}})\s*[)\]】]?\s*{_COUNTERS}\s*"
    r"(?:[-–—−:.,=、·)|/]\s*(\D*)|[(\[【]\s*(\D*?)\s*[)\]】])?$",
    re.IGNORECASE,
)
_NUMBER_THEN_LEVEL = re.compile(rf"^(\d{{1,2}})\s*{_COUNTERS}\s*(\D+)$", re.IGNORECASE)
_NUMBER_LAST = re.compile(rf"^(\D+?)[\s\-–—:=(\[【]+(\d{{1,2}})\s*{_COUNTERS}\s*[)\]】]?$", re.IGNORECASE)
_SAYS_NO = ("않음", "않다", "않는다", "않습니다", "ない", "ません")
_PLAIN = re.compile(r"^[-+]?\d+(?:[.,]\d+)?$")


class Level(NamedTuple):
    """What a text says of a level: which scale, good (1), bad (−1) or the middle (0), how much, and whether it is no opinion."""

    family: str
    side: int
    degree: int
    is_no_opinion: bool = False


@lru_cache
def _levels() -> dict[str, Level]:
    """Folded text → level."""
    found: dict[str, Level] = {}
    for ladder in LADDERS:
        for degree, forms in ladder.degrees:
            for form in forms:
                for side, words in ((1, ladder.good), (-1, ladder.bad)):
                    for word in words:
                        found.setdefault(fold(form.format(word)), Level(ladder.family, side, degree))
        for degree, forms in ladder.bad_only:
            for form in forms:
                for word in ladder.good:
                    found[fold(form.format(word))] = Level(ladder.family, -1, degree)
                for word in ladder.bad:  # "별로 만족하지 않음", "あまり満足していない": the word itself says no
                    if word.endswith(_SAYS_NO):
                        found.setdefault(fold(form.format(word)), Level(ladder.family, -1, degree))
    found |= {fold(text): Level(*level) for text, level in WHOLE_TEXTS.items()}
    found |= {fold(text): Level("", 0, 0) for text in level_words.NEUTRAL}
    return found | {fold(text): Level("", 0, 0, True) for text in level_words.NO_OPINION}


@lru_cache
def _codes() -> dict[str, str]:
    return {fold(text): "not applicable" for text in level_words.NOT_APPLICABLE} | {
        fold(text): "no answer" for text in level_words.NO_ANSWER
    }


_BLANK = frozenset(map(fold, level_words.BLANK))


def find_level(text: str) -> Level | None:
    """The level that a text stands for; None: it is no level that is known.

    >>> find_level("Very satisfied"), find_level("매우 불만족")
    (Level(family='satisfaction en', side=1, degree=3, is_no_opinion=False), Level(family='satisfaction ko', side=-1, degree=3, is_no_opinion=False))
    """  # noqa: E501
    return _levels().get(fold(text))


def find_code(text: str) -> str | None:
    """``not applicable`` or ``no answer``, where a text says so.

    >>> find_code("해당 없음"), find_code("k.A."), find_code("satisfied")
    ('not applicable', 'no answer', None)
    """
    folded = fold(text)
    return _codes().get(folded) if folded else ("no answer" if text.strip() else None)


def is_blank(text: str) -> bool:
    """Whether a text is what programs write where there is nothing."""
    return not text.strip() or fold(text) in _BLANK


def is_plain_number(text: str) -> bool:
    """Whether a text is a number and nothing else."""
    return _PLAIN.match(text.strip()) is not None


def split_number(text: str) -> tuple[float, str] | None:
    """The number of a label and what else stands there; None: there is no number, or not one.

    >>> split_number("5 - Very satisfied"), split_number("⑤"), split_number("5점"), split_number("만족 (4)")
    ((5.0, 'Very satisfied'), (5.0, ''), (5.0, ''), (4.0, '만족'))
    >>> split_number("10 - extremely likely"), split_number("4.5"), split_number("3 of 4")
    ((10.0, 'extremely likely'), (4.5, ''), None)
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if _PLAIN.match(plain):
        return float(plain.replace(",", ".")), ""
    first = _NUMBER_FIRST.match(plain)
    if first:
        return float(first[1]), next((part for part in first.groups()[1:] if part), "").strip()
    beside = _NUMBER_THEN_LEVEL.match(plain)
    if beside and find_level(beside[2]):
        return float(beside[1]), beside[2].strip()
    last = _NUMBER_LAST.match(plain)
    return (float(last[2]), last[1].strip(" -–—:=([【")) if last else None


@dataclass(frozen=True, kw_only=True)
class LevelReading:
    """Which number each text stands for, on its scale.

    Attributes
    ----------
    values : dict of (range, text) to float
        Texts that were read; also numbers out of their range.
    unknown : dict of (range, text) to str
        Texts that were not, and why, in a word: ``unknown``, ``two levels`` (it could be more than one).
    guessed : dict of (range, text) to float
        Texts of ``values`` whose number is the usual one, but nothing else in the survey says so.
    against : set of (range, text)
        Labels whose number is low where their words are good, or high where they are bad.
    says_no_opinion : bool
        A text that means no opinion stands for the middle.
    """

    values: dict[tuple[Range, str], float] = field(default_factory=dict)
    unknown: dict[tuple[Range, str], str] = field(default_factory=dict)
    guessed: dict[tuple[Range, str], float] = field(default_factory=dict)
    against: set[tuple[Range, str]] = field(default_factory=set)
    says_no_opinion: bool = False


def read_levels(texts: Iterable[tuple[Range, str]], declared: Mapping[str, float] | None = None) -> LevelReading:
    """Read all texts of a survey together.

    Assumes (1) that a survey asks in the same words throughout: if ``very satisfied`` and ``satisfied`` both occur, they are two
    levels wherever they stand.

    Parameters
    ----------
    texts : iterable of (range, text)
        Different texts, each with the lowest and highest answer of the questions it answers; no codes, none empty.
    declared : mapping of str to float, optional
        Text → number; goes before everything else.

    Returns
    -------
    LevelReading

    Examples
    --------
    >>> five = (1.0, 5.0)
    >>> read_levels([(five, "satisfied"), (five, "very satisfied")]).values
    {((1.0, 5.0), 'satisfied'): 4.0, ((1.0, 5.0), 'very satisfied'): 5.0}
    >>> read_levels([(five, "satisfied"), (five, "somewhat satisfied")]).values
    {((1.0, 5.0), 'satisfied'): 5.0, ((1.0, 5.0), 'somewhat satisfied'): 4.0}
    """
    own = {fold(text): float(value) for text, value in (declared or {}).items()}
    found = LevelReading()
    words: dict[Range, dict[str, Level]] = {}
    no_opinion = False
    for scale, text in texts:
        number = split_number(text)
        if fold(text) in own:
            found.values[scale, text] = own[fold(text)]
        elif number is not None:
            found.values[scale, text] = number[0]
            level = find_level(number[1]) if number[1] else None
            if level is not None:
                no_opinion |= level.is_no_opinion
                if level.side * (number[0] - sum(scale) / 2) < 0:
                    found.against.add((scale, text))
        elif (level := find_level(text)) is not None:
            words.setdefault(scale, {})[text] = level
        elif fold(text) in _rating_words():
            words.setdefault(scale, {})[text] = Level("rating", 0, 0)
        else:
            found.unknown[scale, text] = "unknown"
    for scale, levels in words.items():
        no_opinion |= any(level.is_no_opinion for level in levels.values())
        _place(scale, levels, found)
    return LevelReading(
        values=found.values,
        unknown=found.unknown,
        guessed=found.guessed,
        against=found.against,
        says_no_opinion=no_opinion,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


@lru_cache
def _rating_words() -> frozenset[str]:
    return frozenset(fold(text) for rating in RATINGS for text in rating)


def _place(scale: Range, levels: dict[str, Level], found: LevelReading) -> None:
    """Give each text of one scale its number."""
    low, high = scale
    n_side = int(high - low + 1) // 2
    middle = (low + high) / 2 if (high - low) % 2 == 0 else None
    families = {level.family for level in levels.values() if level.side}
    placed: set[str] = set()
    for family in sorted(families):
        of_family = {text: level for text, level in levels.items() if level.family == family or not level.side}
        rating = _find_rating(of_family, scale)
        if rating:
            placed |= set(of_family)
            found.values.update({(scale, text): rating[fold(text)] for text in of_family})
            continue
        degrees = {
            side: {level.degree for level in levels.values() if level.family == family and level.side == side}
            for side in (1, -1)
        }
        for text, level in levels.items():
            if level.family != family or not level.side:
                continue
            placed.add(text)
            steps, is_guess = _steps_from_end(level.degree, degrees[level.side], degrees[-level.side], n_side)
            if steps is None:
                found.unknown[scale, text] = "two levels"
                continue
            found.values[scale, text] = high - steps if level.side > 0 else low + steps
            if is_guess:
                found.guessed[scale, text] = found.values[scale, text]
    for text, level in levels.items():
        if text in placed:
            continue
        if level.family == "rating" or middle is None:
            found.unknown[scale, text] = "two levels" if level.family == "rating" else "unknown"
        else:
            found.values[scale, text] = middle


def _find_rating(levels: Mapping[str, Level], scale: Range) -> dict[str, float] | None:
    """The scale of five, not the same on both sides, that all texts fit, where the usual reading would not part them."""
    if scale != (1.0, 5.0):
        return None
    texts = {fold(text) for text in levels}
    sides = [{level.degree for level in levels.values() if level.side == side} for side in (1, -1)]
    if max(map(len, sides)) <= 2 and not any({3, 4} <= side for side in sides):
        return None
    for rating in RATINGS:
        known = [fold(text) for text in rating]
        if texts <= set(known):
            return {text: float(place + 1) for place, text in enumerate(known)}
    return None


def _steps_from_end(degree: int, own: set[int], other: set[int], n_side: int) -> tuple[int | None, bool]:
    """How many levels a degree is from the end of its side, and whether that is only the usual reading; None: it is open."""
    order = sorted(own, reverse=True)
    if n_side == 2:
        if len(order) > 2 or (len(order) == 2 and order[0] < BARE):
            return None, False
        if len(order) == 2:
            return order.index(degree), order[1] > BARE
        if degree != BARE:
            return int(degree < BARE), False
        if any(d > BARE for d in other) or not any(d < BARE for d in other):
            return 1, not other - {BARE}
        return 0, False
    if n_side == 3:
        kinds = [(d < BARE) - (d > BARE) for d in order]
        return (None, False) if len(set(kinds)) < len(kinds) else ((degree < BARE) - (degree > BARE) + 1, False)
    return (0, False) if n_side == 1 and len(order) == 1 else (None, False)
