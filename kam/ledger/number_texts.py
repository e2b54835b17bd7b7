r"""Numbers that are text: which mark is the decimal mark, and their values.

What is read: ``1234.56 1,234.56 1.234,56 1 234,56 1'234.56 12,34,567.8 (123.45) 123.45- −5 € 12 ₩1,200 12 EUR 1e5``. One
column has one decimal mark. The reading is exact: texts become texts in the engine's own notation, which it turns into
decimals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import ibis
import ibis.expr.types as ir

from kam.errors import ColumnTypeError, MixedCurrencyError
from kam.ledger.cell_texts import tidy_columns
from kam.ledger.sources import ReadOptions

_SIMPLE = r"^[-+]?\d+(\.\d+)?$"
# 1.234 is simple too, and may mean 1234.
_EITHER = r"^[-+]?[1-9]\d{0,2}\.\d{3}$"
_WRAPPED = r"\(|-$"
_UNIT = r"[^-+()0-9., ']+"
_MIXED_SHARE = 0.05
_SIGNS = {
    "€": "EUR", "£": "GBP", "₩": "KRW", "원": "KRW", "円": "JPY", "元": "CNY", "圆": "CNY", "RMB": "CNY", "CN¥": "CNY",
    "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "Fr": "CHF", "R$": "BRL", "US$": "USD", "HK$": "HKD", "NT$": "TWD",
    "₹": "INR", "₽": "RUB", "₺": "TRY", "₫": "VND", "฿": "THB", "₪": "ILS", "₴": "UAH",
}  # fmt: skip
"""Signs that name one currency; $, ¥ and kr do not."""
_POINTED = ("Fr", "Rs", "kr", "лв", "руб", "р")
"""Abbreviations with or without a point."""


@dataclass(frozen=True, kw_only=True)
class NumberColumn:
    """A text column, and how many of its values each decimal mark reads.

    Attributes
    ----------
    bare : ibis string column
        Without currency, in plain letters, a minus in front.
    n, n_simple : int
        Values; those of digits with at most a sign and a decimal point.
    n_point, n_comma, n_both, n_either : int
        Values that are numbers with a decimal point, with a decimal comma, with both, with both but not the same.
    example, first : str or None
        One of ``n_either``; any value.
    currencies : dict of str to int
        Currencies that stand beside the values, and how often.
    """

    bare: ir.StringValue
    n: int
    n_simple: int
    n_point: int
    n_comma: int
    n_both: int
    n_either: int
    example: str | None
    first: str | None
    currencies: dict[str, int] = field(default_factory=dict)

    @property
    def share_read(self) -> float:
        """Share of the values that are numbers under the better mark."""
        return max(self.n_point, self.n_comma) / self.n if self.n else 0.0

    def decide(self) -> str | None:
        """The decimal mark the values prove: "." or ","; "" when either will do; None when they leave it open.

        Raises
        ------
        ValueError
            Both are proved by many values.
        """
        point, comma = self.n_point - self.n_both, self.n_comma - self.n_both
        if not point and not comma:
            return None if self.n_either else ""
        if min(point, comma) > _MIXED_SHARE * (point + comma):
            raise ValueError
        return "." if point >= comma else ","


@dataclass(frozen=True)
class NumberMarks:
    """Decimal and thousands mark of a column; ``thousands`` None: any that fits, ``""``: none."""

    decimal: str
    thousands: str | None = None

    def __str__(self) -> str:
        return f"decimal mark {self.decimal!r}"


def find_numbers(table: ir.Table, columns: Mapping[str, ir.StringValue]) -> dict[str, NumberColumn]:
    """Count what each decimal mark reads; columns of digits and points are settled by cheap patterns in one pass.

    Parameters
    ----------
    table : ibis.expr.types.Table
        Of DuckDB.
    columns : mapping of str to ibis string column
        Columns of the table.
    """
    if not columns:
        return {}
    texts = tidy_columns(table, columns)
    facts: dict[str, ir.Scalar] = {}
    for i, text in enumerate(texts.values()):
        simple, either = text.re_search(_SIMPLE), text.re_search(_EITHER)
        facts |= {
            f"n{i}": text.count(),
            f"simple{i}": simple.sum(),
            f"points{i}": (simple & text.contains(".")).sum(),
            f"either{i}": either.sum(),
            f"wrapped{i}": text.re_search(_WRAPPED).any(),
            f"units{i}": text.re_search(_UNIT).any(),
            f"example{i}": text.min(where=either),
            f"first{i}": text.min(),
        }
    row: dict[str, Any] = {
        key: value or 0 for key, value in table.aggregate(**facts).to_pyarrow().to_pylist()[0].items()
    }
    found = {}
    for i, (name, text) in enumerate(texts.items()):
        n, n_simple, n_either = row[f"n{i}"], row[f"simple{i}"], row[f"either{i}"]
        if n_simple < n:
            units = _find_units(table, text) if row[f"units{i}"] else {}
            bare = _strip_units(text, units)
            bare = _put_minus_in_front(bare) if row[f"wrapped{i}"] else bare
            found[name] = _count(table, bare, n_simple, row[f"first{i}"], _name_currencies(units))
        else:
            both = n - row[f"points{i}"] + n_either
            found[name] = NumberColumn(
                bare=text,
                n=n,
                n_simple=n,
                n_point=n,
                n_comma=both,
                n_both=both,
                n_either=n_either,
                example=row[f"example{i}"] or None,
                first=row[f"first{i}"] or None,
            )
    return found


def _count(
    table: ir.Table, bare: ir.StringValue, n_simple: int, first: str, currencies: dict[str, int]
) -> NumberColumn:
    texts = table.select(bare=bare)
    texts = texts.select(
        "bare",
        point=texts.bare.re_search(number_pattern(".", None)),
        comma=texts.bare.re_search(number_pattern(",", None)),
    )
    either = texts.point & texts.comma & texts.bare.re_search("[.,]")
    facts = texts.aggregate(
        n=texts.bare.count(),
        n_point=texts.point.sum(),
        n_comma=texts.comma.sum(),
        n_both=(texts.point & texts.comma).sum(),
        n_either=either.sum(),
        example=texts.bare.min(where=either),
    )
    row: dict[str, Any] = {key: value or 0 for key, value in facts.to_pyarrow().to_pylist()[0].items()}
    row["example"] = row["example"] or None
    return NumberColumn(bare=bare, n_simple=n_simple, first=first or None, currencies=currencies, **row)


# -- what stands beside a number -------------------------------------------------------------------------------------------


def _find_units(table: ir.Table, text: ir.StringValue) -> dict[str, int]:
    """The currencies, as written, that stand beside values of a column, and how often."""
    texts = table.filter(text.re_search(_UNIT)).select(unit=text.re_extract(_UNIT, 0))
    counted = texts.group_by("unit").aggregate(n=lambda t: t.count())
    rows = counted.order_by(ibis.desc("n"), "unit").limit(1000).to_pyarrow().to_pylist()
    return {row["unit"]: row["n"] for row in rows if _is_currency(row["unit"])}


def _is_currency(unit: str) -> bool:
    return unit.upper() in _currency_codes() or unit in _SIGNS or unit in _POINTED or _SIGN.fullmatch(unit) is not None


_SIGN = re.compile(r"[A-Z]{0,3}[$¢£¤¥֏؋৳฿៛₠-⃀]")


@lru_cache
def _currency_codes() -> frozenset[str]:
    from babel.numbers import list_currencies

    return frozenset(list_currencies()) - {"XXX"} | {"RMB"}


def _strip_units(text: ir.StringValue, units: Iterable[str]) -> ir.StringValue:
    words = [re.escape(unit) + r"\.?" * (unit in _POINTED) for unit in sorted(units, key=len, reverse=True)]
    if not words:
        return text
    unit = f"(?:{'|'.join(words)})"
    return text.re_replace(rf"^([-+(]?) *{unit} *| *{unit}( *[-)]?)$", r"\1\2")


def _put_minus_in_front(text: ir.StringValue) -> ir.StringValue:
    """(5) and 5- as -5."""
    return text.re_replace(r"^\( *([^()+-]*[^()+ -]) *\)$|^([^()+-]*[^()+ -]) *-$", r"-\1\2")


def _name_currencies(units: Mapping[str, int]) -> dict[str, int]:
    named: dict[str, int] = {}
    for unit, n in units.items():
        code = _SIGNS.get(unit) or (unit.upper() if unit.upper() in _currency_codes() else unit)
        code = _SIGNS.get(code, code)
        named[code] = named.get(code, 0) + n
    return named


def find_currency(columns: Mapping[str, NumberColumn], *, where: str) -> str | None:
    """The currency that stands beside the numbers, if any: an ISO 4217 code, or the sign where it names no single one.

    Raises
    ------
    MixedCurrencyError
        There are several.
    """
    counts: dict[str, int] = {}
    for column in columns.values():
        for code, n in column.currencies.items():
            counts[code] = counts.get(code, 0) + n
    if len(counts) > 1:
        listed = ", ".join(f"{code} beside {n:,}" for code, n in counts.items())
        raise MixedCurrencyError(
            f"The numbers are in several currencies: {listed}.",
            where=f"{where}, columns {', '.join(columns)}",
            hint="Convert them to one currency, or split the source.",
        )
    return next(iter(counts), None)


# -- marks -----------------------------------------------------------------------------------------------------------------


def decide_marks(
    columns: Mapping[str, NumberColumn], names: Mapping[str, str], options: ReadOptions, *, where: str
) -> tuple[dict[str, NumberMarks], list[str]]:
    """Decide the marks of each column; a column that leaves it open follows the others of the same source.

    Parameters
    ----------
    columns : mapping of str to NumberColumn
        By canonical name.
    names : mapping of str to str
        Canonical name → name in the source.
    options : ReadOptions
        ``decimal`` and ``thousands``, where given, are not questioned.
    where : str
        The source, for errors.

    Returns
    -------
    tuple
        Marks by column, and notes on what followed from other columns.

    Raises
    ------
    ColumnTypeError
        No value is a number, both marks are used, or the marks seen may be either ("1,234").
    """
    given = options.decimal or {",": ".", ".": ","}.get(options.thousands or "")
    proved: dict[str, str | None] = {}
    for name, column in columns.items():
        place = f"{where}, column {names[name]!r}"
        if column.n and not max(column.n_point, column.n_comma):
            raise ColumnTypeError(
                f"No value of {names[name]!r} is a number, for instance {column.first!r}.",
                where=place,
                hint=f"Map {name} to another column.",
            )
        try:
            proved[name] = given or column.decide()
        except ValueError:
            raise ColumnTypeError(
                f"{names[name]!r} holds numbers with a decimal point ({column.n_point - column.n_both:,}) and numbers with a "
                f"decimal comma ({column.n_comma - column.n_both:,}).",
                where=place,
                hint="Write all numbers in one way, or set options: decimal: to count the others as missing.",
            ) from None
    common = {mark for mark in proved.values() if mark}
    notes = []
    for name, mark in proved.items():
        if mark is not None:
            continue
        example = columns[name].example
        if len(common) != 1:
            raise ColumnTypeError(
                f"{names[name]!r} can be read in two ways: {example!r} may have a decimal or a thousands mark, and no value "
                "tells which.",
                where=f"{where}, column {names[name]!r}",
                hint='Set decimal: for this table, "." or ",".',
            )
        (proved[name],) = common
        notes.append(
            f"{name}: decimal mark {proved[name]!r}, as in the other columns ({example!r} alone could be read in two ways)."
        )
    return {name: NumberMarks(mark or ".", options.thousands) for name, mark in proved.items()}, notes


def read_number(column: NumberColumn, marks: NumberMarks) -> ir.StringValue:
    """The numbers as text in the notation of the engine ("-1234.56"); null where there is none."""
    if column.n == column.n_simple and marks.decimal == ".":
        return column.bare
    readable = column.bare.re_search(number_pattern(marks.decimal, marks.thousands))
    plain = column.bare
    for mark in ".,' ":
        if mark != marks.decimal:
            plain = plain.replace(mark, "")
    plain = plain.replace(",", ".") if marks.decimal == "," else plain
    return readable.ifelse(plain, ibis.null("string"))


@lru_cache
def number_pattern(decimal: str, thousands: str | None) -> str:
    r"""A pattern of numbers with the decimal mark; groups of digits are set apart by one mark throughout.

    >>> [bool(re.search(number_pattern(",", None), text)) for text in ("1.234,56", "12,5", "1,234.5", "0.5", "1.23.456")]
    [True, True, False, False, False]
    """
    if thousands is None:
        marks = [mark for mark in (".", ",", " ", "'") if mark != decimal]
    else:
        marks = [{"\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'"}.get(thousands, thousands)] if thousands else []
    groups = [rf"[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+" for mark in marks]
    groups += [r"[1-9]\d?(?:,\d\d)+,\d{3}"] * ("," in marks)  # India
    whole, point = "|".join([r"\d+", *groups]), re.escape(decimal)
    return rf"^[-+]? ?(?:(?:{whole})(?:{point}\d*)?|{point}\d+)(?:[eE][-+]?\d{{1,3}})?$"
