"""Recognize which column of a file is which: by what it is called in seven languages, and by what stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from kam.dataset.answer_texts import holds_levels
from kam.dataset.dictionary import TABLES, ColumnSpec
from kam.dataset.folding import fold, split_words
from kam.dataset.frame_checks import shorten
from kam.dataset.synonyms import ALL_SIGNS, ALL_WORDS, FILES, HEADERS, PER_PIECE, RATE_SIGNS
from kam.ledger.reading import ColumnDescription, SourceDescription

MIN_READABLE = 0.9
"""A column is of a type if this share of its values can be read so."""

MIN_SCORE = 0.35
"""A name that contains a known one counts if it is at least so much of it."""

MAX_ID_SHARE = 0.9
"""A column whose values hardly repeat is no customer of a ledger: customers order more than once."""


ASKED_SCORE = 0.85
"""Score of a header that is a whole question in one of its usual wordings."""

RECOMMEND_QUESTIONS = (
    r"\b(likely|likelihood|willing|probab\w*|would you|scale)\b.*\brecommend",
    r"\brecommend\w*\b.*\b(likely|likelihood|colleague|friend|0\s*(-|–|to)\s*10)",
    r"wahrscheinlich.*(weiter)?empfehlen",
    r"(probable|probabilité).*recommand",
    r"(probable|probabilidad).*recom(i?e)nd",
    r"추천.{0,12}(의향|의사|가능성|하시겠|정도|시겠|나요|습니까)",
    r"(愿意|可能|意愿|願意|多大).*(推荐|推薦)|(推荐|推薦).{0,12}(可能|意愿|程度|意願|吗|嗎)",
    r"(お?すすめ|お?勧め|お?薦め|推薦|推奨).{0,10}(思|可能性|意向|たい|ます|度|する)",
)
"""Wordings of the question how likely one is to recommend, in small letters."""

_ZERO_TO_TEN = r"(?<!\d)[0０]\s*(-|–|—|~|～|〜|to|bis|à|a|至|到|から|에서)\s*(10|１０)(?!\d)"


EXPECTED_OF_SURVEY = ("respondent_id", "wave")
"""What nearly every survey has, though it can do without."""

_SCORES = ("overall", "recommend", "repurchase")


@dataclass(frozen=True, kw_only=True)
class Match:
    """One column that was recognized: which, and why."""

    canonical: str
    column: ColumnDescription
    score: float
    why: str


@dataclass
class TableMatch:
    """How well a file fits a table.

    Attributes
    ----------
    table : str
        Name of the table.
    matches : dict of str to Match
        By canonical name.
    rejected : list of str
        Columns that were called like a canonical one, and why they are not it.
    score : float
        Larger is better; below 0: a required column was not found.
    is_named : bool
        The file is called as files of this table are.
    """

    table: str
    matches: dict[str, Match] = field(default_factory=dict)
    rejected: list[str] = field(default_factory=list)
    score: float = 0.0
    is_named: bool = False

    @property
    def missing(self) -> list[str]:
        """Required columns that were not found, the amount of a ledger among them; or what makes a file a survey."""
        if self.table == "survey":
            is_survey = any(name in self.matches for name in _SCORES) or (
                self.is_named and "respondent_id" in self.matches
            )
            return [] if is_survey else [name for name in EXPECTED_OF_SURVEY if name not in self.matches]
        missing = [name for name in TABLES[self.table].required if name not in self.matches]
        derivable = {"quantity", "unit_price"} <= self.matches.keys()
        return (
            [*missing, "amount"]
            if self.table == "ledger" and "amount" not in self.matches and not derivable
            else missing
        )


# -- names -----------------------------------------------------------------------------------------------------------


def score_name(header: str, canonical: str) -> float:
    """How much a header is called like a canonical column: 1 exactly, 0 not at all, between them it contains a known name.

    >>> score_name("customer no.", "customer_id") > 0.9, score_name("Sales Order Date", "order_date") > 0.35
    (True, True)
    >>> score_name("Delivery date", "order_date") < score_name("Delivery date", "delivered_date")
    True
    """
    asked = ASKED_SCORE if canonical == "recommend" and asks_to_recommend(header) else 0.0
    without_unit = re.sub(r"[(\[（【].*?[)\]）】]", " ", header)
    return max(
        asked,
        *(
            _score_one(split_words(text), canonical)
            for text in {header, without_unit}
            if text.strip() or text is header
        ),
    )


def asks_to_recommend(header: str) -> bool:
    """Whether a header is the question how likely one is to recommend, in one of its usual wordings.

    >>> asks_to_recommend("How likely are you to recommend us to a colleague? (0-10)"), asks_to_recommend("Recommended by")
    (True, False)
    """
    text = header.casefold().strip()
    return not re.match(r"(why|which)\b", text) and any(re.search(pattern, text) for pattern in RECOMMEND_QUESTIONS)


def _score_one(tokens: list[str], canonical: str) -> float:
    whole = "".join(tokens)
    if not whole:
        return 0.0
    best = 1.0 if whole == canonical.replace("_", "") else 0.0
    for rank, words in enumerate(_known_names(canonical)):
        known = "".join(words)
        if known == whole:
            best = max(best, 1.0 if rank == 0 else 1.0 - 0.001 * rank)  # what is listed first is the most usual
        elif _contains(tokens, words, known):
            best = max(best, 0.9 * len(known) / len(whole))
    return best


@cache
def _known_names(canonical: str) -> tuple[list[str], ...]:
    """The words of each header that a column is known by: the same for every header that is scored."""
    return tuple(split_words(synonym) for synonym in HEADERS.get(canonical, ()))


def _contains(tokens: list[str], words: list[str], known: str) -> bool:
    if not known.isascii():  # Chinese, Japanese and Korean do not part words
        return len(known) >= 2 and known in "".join(tokens)
    n = len(words)
    return len(known) >= 3 and any(tokens[i : i + n] == words for i in range(len(tokens) - n + 1))


# -- contents --------------------------------------------------------------------------------------------------------


def is_readable(column: ColumnDescription, spec: ColumnSpec) -> bool:
    """Whether the values can be what the column should hold."""
    if column.share_missing >= 1:
        return False
    is_date = column.type == "date" or column.share_dates >= MIN_READABLE
    is_number = column.type == "number" or column.share_numbers >= MIN_READABLE
    if spec.type == "date":
        return is_date and not (column.type == "number" and not column.date_format)
    if spec.type in ("money", "number"):
        return is_number and column.type not in ("date", "flag")
    if spec.type == "id":
        return column.type != "flag" and not (is_date and not is_number) and not _has_decimals(column)
    if spec.type == "flag":
        return column.type == "flag" or column.n_distinct <= 3
    if spec.type == "period":
        return True
    return column.type in ("text", "number", "flag")


def _has_decimals(column: ColumnDescription) -> bool:
    marks = [text for text in column.examples if re.fullmatch(r"-?\d+[.,]\d+", text.strip())]
    return bool(marks) and not all(re.fullmatch(r"-?\d+\.0", text.strip()) for text in marks)


def is_rate(column: ColumnDescription) -> bool:
    """Whether the header says that the numbers are rates."""
    tokens = split_words(column.name)
    return "%" in column.name or any(
        sign in tokens or (not sign.isascii() and sign in column.name) for sign in RATE_SIGNS
    )


# -- tables ----------------------------------------------------------------------------------------------------------


def match_table(description: SourceDescription, table: str, stem: str) -> TableMatch:
    """Find the columns of a table in a file.

    Parameters
    ----------
    description : SourceDescription
        The file, column by column.
    table : str
        Which table.
    stem : str
        Name of the file, which may say what it holds.

    Returns
    -------
    TableMatch
        Each column of the file is used once at most; the better name goes first.
    """
    found = TableMatch(table)
    specs = TABLES[table].columns
    used: set[str] = set()
    candidates = sorted(_candidates(description, table), key=lambda c: -c[0])
    for score, canonical, column in candidates:
        if canonical in found.matches or column.name in used:
            continue
        reason = _reason_against(column, canonical, specs[canonical], description, table)
        if reason:
            if score > 0.8:
                found.rejected.append(reason)
            continue
        how = "by its name" if score > 0.8 else "its name contains it"
        alike = [c.name for other, n, c in candidates if n == canonical and other <= 0.8 and c.name != column.name]
        if canonical in _SCORES and score <= 0.8 and alike:
            how = f"a guess: {len(alike) + 1} columns are called like it"
            found.rejected.append(
                f"{shorten(column.name)} is taken for {canonical}, but so could be {shorten(alike[0])}."
            )
        found.matches[canonical] = Match(canonical=canonical, column=column, score=score, why=how)
        used.add(column.name)
    if table == "ledger":
        for match in _by_content(description, found, used):
            found.matches[match.canonical] = match
            used.add(match.column.name)
    found.score = _score_table(found, stem)
    return found


def _candidates(description: SourceDescription, table: str) -> Iterator[tuple[float, str, ColumnDescription]]:
    for canonical in TABLES[table].columns:
        for column in description.columns:
            score = score_name(column.name, canonical)
            if canonical == "overall" and 0 < score <= 0.5 and _names_the_whole(column.name):
                score += 0.3  # of questions that are called alike, this one
            if score >= MIN_SCORE:
                yield score, canonical, column


def _names_the_whole(header: str) -> bool:
    words = [part for word in split_words(header) for part in re.findall(r"[a-z]+|[^\W_a-z]+", word)]
    return any(word in ALL_WORDS or any(sign in word for sign in ALL_SIGNS) for word in words)


def _reason_against(
    column: ColumnDescription, canonical: str, spec: ColumnSpec, description: SourceDescription, table: str
) -> str:
    """Why a column is not what its name says; empty if it may be."""
    name = shorten(column.name)
    in_words = table == "survey" and spec.high is not None and holds_levels(description, column)
    if not in_words and not is_readable(column, spec):
        if column.share_missing >= 1:
            return f"{name} is called like {canonical}, but is empty."
        kinds = {
            "date": "dates",
            "money": "sums of money",
            "number": "numbers",
            "id": "identifiers",
            "flag": "yes or no",
        }
        return f"{name} is called like {canonical}, but its values are not {kinds.get(spec.type, 'text')}."
    if (spec.type == "money" or canonical == "unit_price") and is_rate(column):
        return f"{name} is a rate; {canonical} has to be a sum of money."
    if canonical == "cost" and any(fold(column.name) == fold(word) for word in PER_PIECE):
        return f"{name} is the cost of one piece; cost has to be the sum of the row."
    if spec.allowed and not {text.strip().lower() for text in column.examples} & set(spec.allowed):
        return f"{name} is called like {canonical}, but does not hold {', '.join(spec.allowed)}."
    asked = canonical == "recommend" and score_name(column.name, canonical) == ASKED_SCORE
    if asked and column.n_distinct <= 5 and not re.search(_ZERO_TO_TEN, column.name.casefold()):
        return f"{name} asks whether one would recommend, but its answers seem to be on fewer levels than 0 to 10."
    unique = column.n_distinct >= MAX_ID_SHARE * description.n_rows and description.n_rows > 20
    if table == "ledger" and canonical == "customer_id" and unique:
        return f"{name} is called like customer_id, but hardly any value stands twice."
    if table == "accounts" and canonical == "customer_id" and not unique and column.n_distinct < description.n_rows - 1:
        return f"{name} is called like customer_id, but is not different in every row."
    return ""


def _by_content(description: SourceDescription, found: TableMatch, used: set[str]) -> Iterator[Match]:
    """What is still required of a ledger and only one column can be."""
    free = [column for column in description.columns if column.name not in used and column.share_missing < 1]
    dates = [c for c in free if c.type == "date" or (c.type == "text" and c.share_dates >= MIN_READABLE)]
    numbers = [c for c in free if c not in dates and (c.type == "number" or c.share_numbers >= MIN_READABLE)]
    sums = [c for c in numbers if _has_decimals(c) or any(text.strip().startswith("-") for text in c.examples)]
    repeated = [
        c
        for c in free
        if c not in dates
        and not _has_decimals(c)
        and is_readable(c, TABLES["ledger"].columns["customer_id"])
        and 2 <= c.n_distinct < MAX_ID_SHARE * description.n_rows
    ]
    if "order_date" not in found.matches and len(dates) == 1:
        yield Match(canonical="order_date", column=dates[0], score=0.3, why="the only column of dates")
    if "amount" in found.missing and len(sums) == 1:
        yield Match(canonical="amount", column=sums[0], score=0.3, why="the only column of decimal or negative numbers")
        repeated = [c for c in repeated if c is not sums[0]]
    if "customer_id" not in found.matches and len(repeated) == 1:
        why = "the only column whose values repeat as those of customers do"
        yield Match(canonical="customer_id", column=repeated[0], score=0.3, why=why)


def _score_table(found: TableMatch, stem: str) -> float:
    """Required columns first, then the name of the file, then how much of the table was found."""
    words = "".join(split_words(stem))
    found.is_named = any(fold(word) in words for word in FILES[found.table])
    spec = TABLES[found.table]
    expected = EXPECTED_OF_SURVEY if found.table == "survey" else spec.required
    n_missing = sum(name not in found.matches for name in expected) if found.table == "survey" else len(found.missing)
    share_found = 1 - n_missing / (len(expected) + (found.table == "ledger"))
    optional = sum(match.score for name, match in found.matches.items() if name not in expected)
    score = 3 * share_found + 0.1 * (found.table == "ledger") + 0.75 * found.is_named + 0.15 * optional
    return score - 3 if found.missing else score
