"""Guess the currency and the language of files from what stands in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from kam.dataset.frame_checks import shorten
from kam.dataset.synonyms import CURRENCY_CODES, CURRENCY_SIGNS
from kam.ledger.reading import ColumnDescription

_ALONE = (r"(?:(?<![^\W\d_])|(?<=[천만백십억千万百億亿]))", r"(?![^\W\d_])")
"""What stands before and behind a sign that is a letter: no other letter, but for a unit of numbers before it."""


def guess_currency(
    currencies: Sequence[ColumnDescription], money: Sequence[ColumnDescription]
) -> tuple[str | None, str]:
    """Guess the currency of all money.

    Parameters
    ----------
    currencies : sequence of ColumnDescription
        Columns that hold a currency.
    money : sequence of ColumnDescription
        Columns that hold money, whose names and values may name one.

    Returns
    -------
    currency : str or None
        ISO 4217 code; None where nothing, or more than one, is named, or a sign may mean several.
    why : str
        Where it is named, or why there is none.
    """
    for column in currencies:
        code = column.examples[0].strip().upper() if column.examples else ""
        if column.n_distinct == 1 and code in CURRENCY_CODES:
            return _iso(code), f"all of {shorten(column.name)}"
    seen: dict[str, str] = {}
    doubt = ""
    for text, where in _texts(money):
        candidates = find_currencies(text)
        if len(candidates) == 1:
            seen.setdefault(candidates[0], f"{shorten(text)} {where}")
        elif candidates:
            doubt = doubt or f"{shorten(text)} {where} and may be {' or '.join(candidates)}"
    if len(seen) == 1:
        return next(iter(seen.items()))
    return None, f"several are named: {', '.join(seen)}" if seen else doubt or "none is named in the files"


def _texts(money: Sequence[ColumnDescription]) -> Iterator[tuple[str, str]]:
    for column in money:
        yield column.name, "is a column"
        for example in column.examples:
            yield example, f"stands in {shorten(column.name)}"


def find_currencies(text: str) -> tuple[str, ...]:
    """Currencies that a text names, by a code in capitals or a sign.

    >>> find_currencies("Net (EUR)"), find_currencies("매출액(원)"), find_currencies("$ 12"), find_currencies("Euro")
    (('EUR',), ('KRW',), ('USD', 'CAD', 'AUD', 'MXN'), ())

    A sign that is a letter stands alone or behind a number: 원가 is the cost, not won.

    >>> find_currencies("원가"), find_currencies("직원"), find_currencies("단위: 백만원"), find_currencies("1,200元")
    ((), (), ('KRW',), ('CNY',))
    """
    codes = [code for code in re.findall(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])", text) if code in CURRENCY_CODES]
    if codes:
        return (_iso(codes[0]),)
    for sign in sorted(CURRENCY_SIGNS, key=len, reverse=True):
        if re.search(rf"{_ALONE[0]}{re.escape(sign)}{_ALONE[1]}" if sign in "원円元" else re.escape(sign), text):
            return CURRENCY_SIGNS[sign]
    return ()


def _iso(code: str) -> str:
    return "CNY" if code == "RMB" else code


def guess_language(columns: Sequence[ColumnDescription], encodings: Collection[str | None] = ()) -> tuple[str, str]:
    """Guess the language of reports from the script of the columns' names, then of what stands in them, and say why.

    Names in Chinese characters alone are Japanese in a file of a Japanese encoding, or where kana stand among the values.
    """
    names = "".join(column.name for column in columns)
    if re.search(r"[\uac00-\ud7a3]", names):
        return "ko", "the columns have Korean names; en, zh, ko or ja"
    if re.search(r"[\u3040-\u30ff]", names):
        return "ja", "the columns have Japanese names; en, zh, ko or ja"
    if re.search(r"[\u4e00-\u9fff]", names):
        if {"cp932", "shift_jis", "euc_jp", "euc-jp", "iso2022_jp"} & {(e or "").casefold() for e in encodings}:
            return "ja", "the encoding of the file is Japanese; en, zh, ko or ja"
        if re.search(r"[\u3040-\u309f\u30a1-\u30fa]", "".join(text for column in columns for text in column.examples)):
            return "ja", "the values hold Japanese letters; en, zh, ko or ja"
        return "zh", "the columns have Chinese names; en, zh, ko or ja"
    return "en", "of reports: en, zh, ko or ja"
