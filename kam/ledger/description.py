"""Describe a source column by column, for the first draft of a dataset."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir

from kam.ledger.cell_texts import as_text, strip_text, tidy_columns
from kam.ledger.date_texts import DateReading, find_date_format
from kam.ledger.engines import is_duckdb
from kam.ledger.number_texts import NumberColumn, find_numbers
from kam.ledger.sources import ReadOptions, SourceTable

_SAMPLE = 20_000
_EXACT = 20_000_000
_EXAMPLE_ROWS = 1_000
_THOUSANDS = (",", ".", "'", " ")


@dataclass(frozen=True, kw_only=True)
class ColumnDescription:
    """One column of a source.

    Attributes
    ----------
    name : str
        As in the source.
    type : str
        Type of the values: ``"text"``, ``"number"``, ``"date"``, ``"flag"`` (as stored; text files hold text only).
    examples : tuple of str
        Up to five different values.
    share_missing : float
        Share of all rows without a value.
    n_distinct : int
        Number of different values; approximate (within a few percent) in tables of more than 20 million rows.
    date_format : str or None
        The ``strptime`` format that reads most values (``"date"`` for a column stored as dates); None: no format reads any.
    share_dates : float
        Share of the values in the sample that it reads.
    ambiguous_date : bool
        Day-month and month-day both read every value, with different results.
    decimal : str or None
        Decimal mark of numbers held as text; None where none was seen.
    thousands : str or None
        Thousands mark, likewise.
    share_numbers : float
        Share of the values in the sample that are numbers.
    ambiguous_number : bool
        The only marks seen may be decimal or thousands marks ("1,234").
    leading_zeros : bool
        Some values are digits with a zero in front, such as "007".
    """

    name: str
    type: str
    examples: tuple[str, ...]
    share_missing: float
    n_distinct: int
    date_format: str | None
    share_dates: float
    ambiguous_date: bool
    decimal: str | None
    thousands: str | None
    share_numbers: float
    ambiguous_number: bool
    leading_zeros: bool


@dataclass(frozen=True, kw_only=True)
class SourceDescription:
    """A source and its columns.

    Attributes
    ----------
    source : SourceTable
        The opened source; ``source.options`` are the options found, ``source.findings`` how each was decided.
    n_rows : int
        Number of rows.
    columns : tuple of ColumnDescription
        In the order of the source.
    """

    source: SourceTable
    n_rows: int
    columns: tuple[ColumnDescription, ...]

    @property
    def options(self) -> ReadOptions:
        """The options found."""
        return self.source.options


def describe_table(source: SourceTable) -> SourceDescription:
    """Describe the columns of an opened source.

    Rows, missing values and different values are counted over the whole table; formats, marks and zeros in front are
    looked for in the first 20,000 rows.

    Parameters
    ----------
    source : SourceTable
        What :func:`kam.ledger.reading.read_source` returned.
    """
    table = source.table
    n_rows = int(table.count().to_pyarrow().as_py())
    facts: dict[str, ir.Scalar] = {}
    for position, name in enumerate(table.columns):
        column = table[name]
        facts[f"n{position}"] = as_text(column).count()
        facts[f"d{position}"] = column.nunique() if n_rows <= _EXACT else column.approx_nunique()
    found = table.aggregate(**facts).to_pyarrow().to_pylist()[0]
    sample = table.limit(_SAMPLE)
    texts = [name for name in table.columns if table[name].type().is_string() and is_duckdb(table)]
    written = {name: sample[name] for name in texts}
    numbers, tidied = find_numbers(sample, written), tidy_columns(sample, written)
    shapes = _look_at_shapes(sample, numbers)
    head = table.limit(_EXAMPLE_ROWS).select(**{name: as_text(table[name]) for name in table.columns}).to_pyarrow()
    columns = []
    for position, name in enumerate(table.columns):
        first = head[name].to_pylist()
        if found[f"n{position}"] < n_rows:
            filled = table.select(value=as_text(table[name]))
            first = filled.filter(filled.value.notnull()).limit(_EXAMPLE_ROWS).to_pyarrow()["value"].to_pylist()
        common = {
            "name": name,
            "examples": tuple(dict.fromkeys(first))[:5],
            "share_missing": 1 - found[f"n{position}"] / n_rows,
            "n_distinct": int(found[f"d{position}"]),
        }
        columns.append(
            _describe_texts(
                find_date_format(sample, written[name], is_tidy=tidied[name] is written[name]),
                numbers[name],
                shapes[name],
                common,
            )
            if name in texts
            else _describe_values(table, name, common)
        )
    return SourceDescription(source=source, n_rows=n_rows, columns=tuple(columns))


def _describe_values(table: ir.Table, name: str, common: dict[str, Any]) -> ColumnDescription:
    type_ = table[name].type()
    kind = (
        "flag"
        if type_.is_boolean()
        else "date"
        if type_.is_timestamp() or type_.is_date()
        else "number"
        if type_.is_numeric()
        else "text"
    )
    return ColumnDescription(
        **common,
        type=kind,
        date_format="date" if kind == "date" else None,
        share_dates=float(kind == "date"),
        ambiguous_date=False,
        decimal=None,
        thousands=None,
        share_numbers=float(kind == "number"),
        ambiguous_number=False,
        leading_zeros=False,
    )


def _look_at_shapes(sample: ir.Table, numbers: Mapping[str, NumberColumn]) -> dict[str, dict[str, bool | None]]:
    """Of every column of texts, whether zeros stand in front, and which marks stand before three digits; in one pass."""
    facts: dict[str, ir.Scalar] = {}
    for position, (name, column) in enumerate(numbers.items()):
        facts[f"zeros{position}"] = strip_text(sample[name]).re_search(r"^0\d+$").any()
        for i, mark in enumerate(_THOUSANDS):
            facts[f"t{i} {position}"] = column.bare.re_search(rf"\d{re.escape(mark)}\d{{3}}").any()
    row = sample.aggregate(**facts).to_pyarrow().to_pylist()[0] if facts else {}
    return {
        name: {
            "zeros": row[f"zeros{position}"],
            **{mark: row[f"t{i} {position}"] for i, mark in enumerate(_THOUSANDS)},
        }
        for position, name in enumerate(numbers)
    }


def _describe_texts(
    dates: DateReading, numbers: NumberColumn, shapes: Mapping[str, bool | None], common: dict[str, Any]
) -> ColumnDescription:
    try:
        mark = numbers.decide()
    except ValueError:  # both marks: the more frequent one
        mark = "." if numbers.n_point > numbers.n_comma else ","
    has_marks = numbers.n_point or numbers.n_comma
    thousands = next((one for one in _THOUSANDS if shapes[one] and one != mark), None)
    return ColumnDescription(
        **common,
        type="text",
        date_format=dates.date_format,
        share_dates=dates.n_read / dates.n if dates.n else 0.0,
        ambiguous_date=bool(dates.date_format and dates.ambiguous),
        decimal=mark or None,
        thousands=thousands if mark and has_marks else None,
        share_numbers=numbers.share_read,
        ambiguous_number=mark is None,
        leading_zeros=bool(shapes["zeros"]),
    )
