"""The plain form of cells that are text, and functions of DuckDB that Ibis has no name for.

Whole columns are tidied, and most of them need nothing: so what a column needs is found first, in one pass, and only that
is done. Replacing every odd letter in every cell would take seconds for a million rows.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from kam.ledger.engines import BLANKS, GARBLED, strip_blanks, text_literal, trim

_PLAIN = dict(
    zip("０１２３４５６７８９．，：；（）＋－／％￥＄￦−–﹣’`´", "0123456789.,:;()+-/%¥$₩---'''", strict=True)
)
_PLAIN |= dict.fromkeys(BLANKS, " ")
_TIDY = r"^[!-~]([ -~]*[!-~])?$"


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def regexp_extract_all(text: str, pattern: str) -> dt.Array(dt.string):  # type: ignore[valid-type]
    """Everything in the text that fits the pattern."""


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def try_strptime(text: str, formats: dt.Array(dt.string)) -> datetime.datetime:  # type: ignore[empty-body, valid-type]
    """The text read by the first format that fits, or null."""


def is_one_of(column: ir.StringValue, texts: Iterable[str]) -> ir.BooleanValue:
    """Whether a cell is one of these texts, whatever they hold."""
    wanted = list(texts)
    if not wanted:
        return ibis.literal(False)
    return column.isin([text if set(GARBLED).isdisjoint(text) else text_literal(text) for text in wanted])


def strip_text(text: ir.StringValue) -> ir.StringValue:
    """Without blanks of any kind at its ends; null if nothing is left."""
    return strip_blanks(text).nullif("")


def as_text(raw: ir.Value) -> ir.StringValue:
    """A column as stripped text; whole numbers without a decimal point, missing and infinite ones null."""
    type_ = raw.type()
    if type_.is_string():
        return strip_text(raw)
    if type_.is_floating():
        whole = ibis.ifelse(raw.abs() < 1e18, raw, None).round()
        text = (whole == raw).ifelse(whole.cast("int64").cast("string"), raw.cast("string"))
        return (raw.isnan() | raw.isinf()).ifelse(ibis.null("string"), text)
    if type_.is_decimal() and type_.scale != 0:
        return raw.cast("string").re_replace(r"\.0+$", "")
    return raw.cast("string")


def tidy_columns(table: ir.Table, columns: Mapping[str, ir.StringValue]) -> dict[str, ir.StringValue]:
    """Columns of dates and numbers in plain letters: digits, signs and blanks of East Asian and typographic kinds as ASCII.

    Blanks at the ends are cut off, and what is empty is null.

    Parameters
    ----------
    table : ibis.expr.types.Table
        Of DuckDB.
    columns : mapping of str to ibis string column
        Columns of the table.

    Returns
    -------
    dict of str to ibis string column
        A column that is plain already is handed back as it is.
    """
    if not columns:
        return {}
    untidy = {f"u{i}": ~column.re_search(_TIDY) for i, column in enumerate(columns.values())}
    found = table.aggregate(**{key: condition.any() for key, condition in untidy.items()}).to_pyarrow().to_pylist()[0]
    tidied = {}
    for i, (name, column) in enumerate(columns.items()):
        tidied[name] = column
        if not found[f"u{i}"]:
            continue
        letters = table.filter(untidy[f"u{i}"]).select(one=regexp_extract_all(column, "[^!-~]").unnest()).distinct()
        for letter in sorted(set(letters.limit(10_000).to_pyarrow()["one"].to_pylist()) & _PLAIN.keys() - {" "}):
            tidied[name] = tidied[name].replace(letter, _PLAIN[letter])
        tidied[name] = trim(tidied[name], " ").nullif("")
    return tidied
