"""Where engines differ: every difference is one function here, with its reason.

All else in this layer is one Ibis expression for all of them. A difference is told by the name that Ibis gives the engine:
``duckdb``, ``postgres``, ``pyspark``.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa

from kam.errors import ParameterError

BLANKS = " \t\n\r\v\f\u00a0\u2007\u2009\u202f\u3000\ufeff\u200b"
"""Letters that show nothing. Every engine has its own idea of what to strip, Spark only the first of them."""

GARBLED = "\0\a\v\f"
"""Letters that cannot stand in a literal of some engine; see :func:`text_literal`."""

_BLANK_END = rf"^[{BLANKS}]|[{BLANKS}]$"

# Letters that no identifier has; the first two that occur nowhere in the texts at hand part them.
_SEPARATORS = tuple(chr(code) for code in (*range(28, 32), *range(1, 7), *range(14, 26)))


@ibis.udf.scalar.builtin(name="chr")  # type: ignore[untyped-decorator]
def _letter(code: int) -> str:  # type: ignore[empty-body]
    """The letter with this number."""


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def trim(text: str, letters: str) -> str:  # type: ignore[empty-body]
    """The text without any of the letters at its ends. DuckDB's."""


@ibis.udf.scalar.builtin(name="btrim")  # type: ignore[untyped-decorator]
def _btrim(text: str, letters: str) -> str:  # type: ignore[empty-body]
    """The same of PostgreSQL and Spark."""


@ibis.udf.scalar.builtin(  # type: ignore[untyped-decorator]
    name="timezone", signature=((dt.string, dt.Timestamp(timezone="UTC")), dt.timestamp)
)
def _timezone(zone: str, moment: datetime.datetime) -> datetime.datetime:  # type: ignore[empty-body]
    """What clocks in the zone show at that moment. DuckDB's and PostgreSQL's."""


@ibis.udf.scalar.builtin(  # type: ignore[untyped-decorator]
    name="from_utc_timestamp", signature=((dt.Timestamp(timezone="UTC"), dt.string), dt.timestamp)
)
def _from_utc(moment: datetime.datetime, zone: str) -> datetime.datetime:  # type: ignore[empty-body]
    """The same of Spark, in a session whose zone is UTC."""


@ibis.udf.scalar.builtin(name="convert_to")  # type: ignore[untyped-decorator]
def _bytes_of(text: str, encoding: str) -> dt.binary:
    """The bytes of a text. PostgreSQL's."""


def is_duckdb(values: ir.Expr) -> bool:
    """Whether a table or column lives in DuckDB, which alone reads dates and numbers from texts here."""
    return _engine(values) == "duckdb"


def _engine(values: ir.Expr) -> str:
    return str(values.get_backend().name)


def strip_blanks(text: ir.StringValue) -> ir.StringValue:
    """Without :data:`BLANKS` at its ends."""
    if not is_duckdb(text):
        return _btrim(text, text_literal(BLANKS))
    return text.re_search(_BLANK_END).ifelse(trim(text, BLANKS), text)  # few need it: several times as fast


def declare_instants(table: ir.Table) -> ir.Table:
    """The table with those of its columns marked that hold moments rather than what a clock showed.

    Ibis does not tell Spark's ``TIMESTAMP``, a moment, from its ``TIMESTAMP_NTZ``. All engines but Spark: as it is.

    Raises
    ------
    ParameterError
        The zone of the Spark session is not UTC, on which the arithmetic with moments relies. Ibis sets it when it connects.
    """
    if _engine(table) != "pyspark":
        return table
    from kam.ledger.spark import named_errors

    backend = table.get_backend()
    with named_errors():
        zone = backend.raw_sql("SELECT current_timezone()").toArrow()[0][0].as_py()
    if zone not in ("UTC", "Etc/UTC"):
        raise ParameterError(
            f"The time zone of the Spark session is {zone}.",
            where="the Spark session",
            hint="Leave spark.sql.session.timeZone at UTC, as Ibis sets it; the calendar's zone is time_zone.",
        )
    with named_errors():
        fields = backend.raw_sql(backend.compile(table)).schema.fields
    instants = [field.name for field in fields if field.dataType.typeName() == "timestamp"]
    return table.cast(dict.fromkeys(instants, dt.Timestamp(timezone="UTC"))) if instants else table


def local_time(zone: str, moment: ir.TimestampValue) -> ir.TimestampValue:
    """What clocks in the zone show at a moment."""
    return _from_utc(moment, zone) if _engine(moment) == "pyspark" else _timezone(zone, moment)


def is_filled(values: ir.Value) -> ir.BooleanValue:
    """Whether a value is there, readable or not: for Ibis on Spark NaN is a missing value, elsewhere it is there."""
    if values.type().is_floating() and _engine(values) == "pyspark":
        values = values.cast("string")
    return values.notnull()


def in_order(columns: Iterable[ir.Value]) -> list[ir.Value]:
    """Columns to order by, texts by their letters' numbers: PostgreSQL orders them as the collation of the database has it."""
    return [
        _bytes_of(column, "UTF8") if column.type().is_string() and _engine(column) == "postgres" else column
        for column in columns
    ]


def pull(expression: ir.Table) -> pa.Table:
    """Compute an expression and bring what comes of it here; from Spark in a way of its own, see there."""
    if _engine(expression) != "pyspark":
        return expression.to_pyarrow()
    from kam.ledger.spark import collect

    return collect(expression)


def text_literal(text: str) -> ir.StringValue:
    """A text as a constant, whatever it holds: a literal of SQL ends where DuckDB meets a NUL in it, and Spark reads the escapes
    that stand for a bell, a vertical tab or a form feed as a, v and f.
    """
    first, *others = re.split(f"([{GARBLED}])", text)
    value: ir.StringValue = ibis.literal(first)
    for letter, part in zip(others[::2], others[1::2], strict=True):
        value = value + _letter(ibis.literal(ord(letter))) + part
    return value


def table_of(texts: Mapping[str, Sequence[str]]) -> ir.Table:
    """A small table of texts that any engine can join, within the statement: it creates nothing there.

    A table in memory (``ibis.memtable``) becomes a temporary table on PostgreSQL, for which a role may have no privilege, and a
    temporary view on Spark. Here all texts are one literal, which the engine takes apart.

    Parameters
    ----------
    texts : mapping of str to sequence of str
        Columns of the same length, without missing values.

    Raises
    ------
    ParameterError
        The texts hold all of the control characters by which they could be parted.

    Examples
    --------
    >>> table_of({"a": ["1", "2"], "b": ["x", ""]}).order_by("a").to_pyarrow().to_pylist()
    [{'a': '1', 'b': 'x'}, {'a': '2', 'b': ''}]
    """
    used = {letter for column in texts.values() for text in column for letter in text}
    free = [letter for letter in _SEPARATORS if letter not in used]
    if len(free) < 2:
        raise ParameterError("The identifiers hold all control characters.", hint="Look at where they come from.")
    between_rows, mark = free[:2]
    # Every cell begins with a mark, so that the text before the first row can be told from a row: without it, nothing is a row.
    rows = "".join(between_rows + "".join(mark + cell for cell in row) for row in zip(*texts.values(), strict=True))
    table = text_literal(rows).split(between_rows).unnest().name("row").as_table()
    cells = table.filter(table.row != "").select(cells=ibis._.row.split(mark))
    return cells.select(**{name: cells.cells[position] for position, name in enumerate(texts, start=1)})
