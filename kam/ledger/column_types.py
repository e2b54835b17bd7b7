"""Give the columns of a source their types: ids, dates, money, numbers, texts, flags.

What cannot be read becomes null, and is counted in a note: the cleaning rules remove such rows and count them again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import duckdb
import ibis
import ibis.expr.types as ir

from kam.errors import ColumnTypeError, MissingColumnError, ParameterError
from kam.ledger.cell_texts import as_text
from kam.ledger.date_texts import find_date_format, read_dates, require_one_format, tidy_dates
from kam.ledger.engines import is_duckdb, is_filled, local_time
from kam.ledger.number_texts import decide_marks, find_currency, find_numbers, read_number
from kam.ledger.sources import SourceTable

ColumnType = Literal["id", "date", "money", "number", "text", "flag"]

MONEY = "decimal(18, 4)"
_MAX_MONEY = 1e14
_MISSING = ("NULL", "NAN", "<NA>", "NONE", "N/A", "#N/A", "#REF!", "#VALUE!", "\\N")
_TRUE = ("true", "t", "yes", "y", "1", "x", "ja", "oui", "sí", "si", "是", "예", "はい")
_FALSE = ("false", "f", "no", "n", "0", "nein", "non", "否", "아니오", "아니요", "いいえ")
_CALENDAR = (datetime.min, datetime.max)
_EXCEL_EPOCH = 25_569  # days from 1899-12-30 to 1970-01-01
_LAST_SERIAL = 2_958_465  # 9999-12-31


@dataclass(frozen=True, kw_only=True)
class TypedTable:
    """The canonical columns of a source, typed.

    Attributes
    ----------
    table : ibis.expr.types.Table
        The canonical columns only. An expression: texts are parsed whenever it is executed, so cache it.
    columns : dict of str to ibis.expr.types.Value
        The same columns as expressions over the source's table, for who needs the source's columns beside them.
    notes : list of str
        What a reader should know: values that could not be read, which format was found.
    formats : dict of str to str
        Column → the date format or decimal mark that was used, for columns of text.
    currency : str or None
        The currency that stands beside numbers in text columns: an ISO 4217 code, or "$", "¥", "kr", which name several.
    """

    table: ir.Table
    columns: dict[str, ir.Value]
    notes: list[str]
    formats: dict[str, str]
    currency: str | None = None


@dataclass
class _Work:
    """The columns as they get their types."""

    source: SourceTable
    names: dict[str, str]
    time_zone: str
    typed: dict[str, ir.Value] = field(default_factory=dict)
    filled: dict[str, ir.BooleanValue] = field(default_factory=dict)
    unguarded: dict[str, ir.Value] = field(default_factory=dict)  # does as well where nothing is lost, in less time
    formats: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    currency: str | None = None

    def raw(self, name: str) -> ir.Value:
        return self.source.table[self.names[name]]

    def place(self, name: str) -> str:
        return f"{self.source.description}, column {self.names[name]!r}"

    def aggregate(self, facts: Mapping[str, ir.Value]) -> dict[str, Any]:
        """Facts about the whole table, in one pass."""
        return dict(self.source.table.aggregate(**facts).to_pyarrow().to_pylist()[0]) if facts else {}

    def examples(self, values: ir.Value, condition: ir.BooleanValue, n: int = 3) -> list[str]:
        found = self.source.table.filter(condition).select(value=values.cast("string")).limit(1000).distinct()
        return found.order_by("value").limit(n).to_pyarrow()["value"].to_pylist()


def type_columns(
    source: SourceTable,
    columns: Mapping[str, str],
    types: Mapping[str, ColumnType],
    *,
    time_zone: str = "UTC",
) -> TypedTable:
    """Type columns of a source under their canonical names.

    Parameters
    ----------
    source : SourceTable
        What :func:`kam.ledger.reading.read_source` returned.
    columns : mapping of str to str
        Canonical name → name in the source. Columns that are not named are left out.
    types : mapping of str to str
        Canonical name → ``"id"`` (text, stripped; zeros in front stay; 12346.0 becomes "12346"; null, NaN, N/A and the like
        are missing), ``"date"`` (timestamp, naive, in ``time_zone``), ``"money"`` (decimal(18, 4)), ``"number"`` (float64),
        ``"text"`` (text, stripped), ``"flag"`` (boolean).
    time_zone : str
        IANA name of the dataset's zone; moments with a zone are moved into it, others are taken as they are.

    Returns
    -------
    TypedTable
        Table, expressions, notes, formats.

    Raises
    ------
    MissingColumnError
        A column is not in the source.
    ColumnTypeError
        No value of a column is of its type, or the order of day and month or the decimal mark is not certain.
    MixedCurrencyError
        Several currencies stand beside the numbers of text columns.
    ParameterError
        The type, the time zone or the date format is not known.

    Notes
    -----
    Assumes that (1) a column of text has one date format and one decimal mark: what fits another is null; (2) all columns
    of one source use the same decimal mark where one alone leaves it open; (3) numbers that stand for dates are YYYYMMDD,
    or Excel's serial days in a workbook; (4) ``options.date_format`` holds for every column of which it reads anything.

    Money is exact from texts, whole numbers and decimals, and rounded half away from zero at the fourth decimal; from
    binary floating-point numbers it is rounded by the same rule as the number stored (1.00005 may be stored as a little
    less). Of 10^14 and more, infinite and NaN are null.

    Examples
    --------
    >>> import pandas as pd
    >>> from kam.ledger.reading import connect, read_source
    >>> con = connect()
    >>> frame = pd.DataFrame({"id": ["007", "8"], "day": ["31.01.2024", "01.02.2024"], "net": ["1.234,56", "(5,00)"]})
    >>> columns = {"customer_id": "id", "order_date": "day", "amount": "net"}
    >>> typed = type_columns(read_source(frame, con), columns, {"customer_id": "id", "order_date": "date", "amount": "money"})
    >>> typed.table.to_pyarrow().to_pylist()[0]
    {'customer_id': '007', 'order_date': datetime.datetime(2024, 1, 31, 0, 0), 'amount': Decimal('1234.5600')}
    >>> typed.formats
    {'order_date': '%d.%m.%Y', 'amount': "decimal mark ','"}
    >>> con.disconnect()
    """
    _check_arguments(source, columns, types, time_zone)
    work = _Work(source, dict(columns), time_zone)
    by_type = {kind: [name for name in columns if types[name] == kind] for kind in set(types.values())}
    _type_texts(work, by_type.get("id", []), by_type.get("text", []))
    for name in by_type.get("flag", ()):
        work.typed[name], work.filled[name] = _type_flag(work, name)
    for name in by_type.get("date", ()):
        work.typed[name], work.filled[name] = _type_date(work, name)
    _type_numbers(work, by_type.get("money", []), by_type.get("number", []))
    _count_lost(work)
    typed = {name: work.typed[name] for name in columns}
    return TypedTable(
        table=source.table.select(**typed),
        columns=typed,
        notes=work.notes,
        formats={name: work.formats[name] for name in columns if name in work.formats},
        currency=work.currency,
    )


def _check_arguments(
    source: SourceTable, columns: Mapping[str, str], types: Mapping[str, ColumnType], time_zone: str
) -> None:
    kinds = ("id", "date", "money", "number", "text", "flag")
    for name, column in columns.items():
        if column not in source.table.columns:
            raise MissingColumnError(
                f"There is no column {column!r} for {name}; there are {', '.join(map(repr, source.table.columns))}.",
                where=source.description,
                hint="Correct the name under columns:.",
            )
        if types.get(name) not in kinds:
            raise ParameterError(f"The type of {name} is {types.get(name)!r}.", hint=f"Use one of {', '.join(kinds)}.")
    try:
        ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError) as error:
        raise ParameterError(
            f"Time zone {time_zone!r} is not known.", hint="Use a name such as Europe/Berlin."
        ) from error


# -- ids, texts, flags -----------------------------------------------------------------------------------------------------


def _type_texts(work: _Work, ids: Sequence[str], others: Sequence[str]) -> None:
    """Texts are stripped only where that changes anything: to look for blanks in every scan would take longer than the scan.

    One pass over all of them, and a second one over ids that did have blanks.
    """
    texts = {name: as_text(work.raw(name)) for name in (*ids, *others)}
    asked = [name for name in texts if work.raw(name).type().is_string()]
    odd = set(asked)
    found: dict[str, int | None] = {}
    if is_duckdb(work.source.table):
        facts: dict[str, ir.Value] = {}
        for name in asked:
            cell = work.raw(name)  # DuckDB compares texts byte by byte
            is_plain = (cell >= "!") & (cell < "\x7f") & cell.right(1).between("!", "~")
            facts |= {f"odd {name}": (~is_plain).any()} | (_id_facts(name, cell) if name in ids else {})
        found = work.aggregate(facts)
        odd = {name for name in asked if found[f"odd {name}"]}
        texts |= {name: work.raw(name) for name in asked if name not in odd}
    again = [_id_facts(name, texts[name]) for name in ids if name in odd]
    found |= work.aggregate({key: fact for facts in again for key, fact in facts.items()})
    for name in (name for name in ids if name in asked):
        text, n_missing, n_pointed = texts[name], found[f"missing {name}"] or 0, found[f"pointed {name}"]
        if n_missing:
            shown = ", ".join(repr(one) for one in work.examples(text, text.upper().isin(_MISSING)))
            work.notes.append(f"{name}: {n_missing:,} values such as {shown} stand for a missing id.")
            text = text.upper().isin(_MISSING).ifelse(ibis.null("string"), text)
        if n_pointed and n_pointed == (found[f"n {name}"] or 0) - n_missing:
            work.notes.append(f"{name}: every id ended in .0, which was cut off.")
            text = text.re_replace(r"\.0$", "")
        texts[name] = text
    work.typed |= texts


def _id_facts(name: str, text: ir.StringValue) -> dict[str, ir.Value]:
    """What is asked of the texts of a column of ids: how many, how many say that there is none, how many end in .0."""
    short = text.length() <= max(map(len, _MISSING))  # the cheap condition first: few ids are so short, or end so
    return {
        f"n {name}": text.count(),
        f"missing {name}": short.ifelse(text.upper().isin(_MISSING), False).sum(),
        f"pointed {name}": text.endswith(".0").ifelse(text.re_search(r"^\d+\.0$"), False).sum(),
    }


def _type_flag(work: _Work, name: str) -> tuple[ir.BooleanValue, ir.BooleanValue]:
    raw = work.raw(name)
    if raw.type().is_boolean():
        return raw, raw.notnull()
    text = as_text(raw).lower()
    flag = ibis.cases((text.isin(_TRUE), True), (text.isin(_FALSE), False), else_=ibis.null("boolean"))
    facts = work.source.table.aggregate(n=text.count(), n_read=flag.count()).to_pyarrow().to_pylist()[0]
    if facts["n"] and not facts["n_read"]:
        shown = ", ".join(repr(one) for one in work.examples(text, text.notnull()))
        raise ColumnTypeError(
            f"No value of {work.names[name]!r} is yes or no, for instance {shown}.",
            where=work.place(name),
            hint=f"Map {name} to another column, or write true and false.",
        )
    return flag, text.notnull()


def _require_duckdb(work: _Work, name: str, kind: str) -> None:
    if not is_duckdb(work.source.table):
        raise ColumnTypeError(
            f"{work.names[name]!r} holds {kind}, which only DuckDB reads here.",
            where=work.place(name),
            hint="Cast the column in a view of the database, or in the table that you pass.",
        )


# -- dates -----------------------------------------------------------------------------------------------------------------


def _type_date(work: _Work, name: str) -> tuple[ir.TimestampValue, ir.BooleanValue]:
    raw = work.raw(name)
    type_ = raw.type()
    if type_.is_timestamp() or type_.is_date():
        has_zone = type_.is_timestamp() and type_.timezone is not None
        moment = local_time(work.time_zone, raw) if has_zone else raw.cast("timestamp")
        if is_duckdb(work.source.table):
            work.unguarded[name] = moment
        # Infinity, and years that only an engine knows, are no dates: nothing above the engine could hold them.
        return moment.between(*_CALENDAR).ifelse(moment, ibis.null("timestamp")), raw.notnull()
    if type_.is_string():
        return _type_date_text(work, name)
    if type_.is_numeric() and not type_.is_boolean():
        return _type_date_number(work, name)
    raise ColumnTypeError(
        f"{work.names[name]!r} holds {type_}, no dates.", where=work.place(name), hint=f"Map {name} to another column."
    )


def _type_date_text(work: _Work, name: str) -> tuple[ir.TimestampValue, ir.BooleanValue]:
    _require_duckdb(work, name, "dates as text")
    raw, table = work.raw(name), work.source.table
    text = tidy_dates(table, raw)
    given = work.source.options.date_format
    if given is not None:
        dates = read_dates(text, given, work.time_zone)
        try:
            row = table.aggregate(n=text.count(), n_read=dates.count()).to_pyarrow().to_pylist()[0]
        except duckdb.Error as error:
            raise ParameterError(
                f"Date format {given!r} cannot be used: {str(error).splitlines()[0]}", hint="Write it as %d.%m.%Y."
            ) from error
        if row["n_read"] or not row["n"]:
            work.formats[name] = given
            return dates, text.notnull()
        work.notes.append(f"{name}: the date format {given} reads no value; the column's own format was looked for.")
    reading = find_date_format(table, raw, is_tidy=text is raw)
    if not reading.n:
        return ibis.null("timestamp"), text.notnull()
    date_format = require_one_format(
        reading,
        column=work.names[name],
        name=name,
        where=work.source.description,
        examples=lambda: work.examples(text, text.notnull()),
    )
    work.formats[name] = date_format
    return read_dates(text, date_format, work.time_zone), text.notnull()


def _type_date_number(work: _Work, name: str) -> tuple[ir.TimestampValue, ir.BooleanValue]:
    raw = work.raw(name)
    if raw.type().is_floating():
        raw = (raw.isnan() | raw.isinf()).ifelse(ibis.null(raw.type()), raw)
    elif raw.type().is_decimal():
        raw = raw.cast("float64")
    in_calendar = raw.between(1000_01_01, 9999_12_31)
    row = work.source.table.aggregate(n=raw.count(), n_calendar=in_calendar.sum()).to_pyarrow().to_pylist()[0]
    if not row["n"]:
        return ibis.null("timestamp"), raw.notnull()
    if row["n_calendar"]:
        _require_duckdb(work, name, "dates as numbers such as 20240131")
        day = in_calendar.ifelse(raw, None).cast("int64").cast("string")
        work.formats[name] = "%Y%m%d"
        return read_dates(day, "%Y%m%d"), raw.notnull()
    if work.source.kind == "excel":
        serial = raw.between(1, _LAST_SERIAL).ifelse(raw, None)
        work.notes.append(f"{name}: Excel's serial days were read as dates.")
        work.formats[name] = "Excel serial day"
        return ((serial - _EXCEL_EPOCH) * 86_400).round().cast("int64").as_timestamp("s").cast(
            "timestamp"
        ), raw.notnull()
    shown = ", ".join(work.examples(raw, raw.notnull()))
    raise ColumnTypeError(
        f"{work.names[name]!r} holds numbers that are no dates such as 20240131, for instance {shown}.",
        where=work.place(name),
        hint=f"Map {name} to another column, or convert it to dates.",
    )


# -- money and numbers -----------------------------------------------------------------------------------------------------


def _type_numbers(work: _Work, money: Sequence[str], numbers: Sequence[str]) -> None:
    texts = {}
    for name in (*money, *numbers):
        raw = work.raw(name)
        if raw.type().is_string():
            _require_duckdb(work, name, "numbers as text")
            texts[name] = raw
        elif raw.type().is_numeric() and not raw.type().is_boolean():
            work.typed[name] = _cast_number(raw, MONEY if name in money else "float64")
            work.filled[name] = is_filled(raw)
        else:
            raise ColumnTypeError(
                f"{work.names[name]!r} holds {raw.type()}, no numbers.",
                where=work.place(name),
                hint=f"Map {name} to another column.",
            )
    found = find_numbers(work.source.table, texts)
    marks, notes = decide_marks(found, work.names, work.source.options, where=work.source.description)
    work.notes += notes
    work.currency = find_currency(found, where=work.source.description)
    for name, column in found.items():
        number = read_number(column, marks[name]).try_cast(MONEY if name in money else "float64")
        work.typed[name] = number if name in money else _drop_infinite(number)
        work.filled[name] = column.bare.notnull()
        if column.n:
            work.formats[name] = str(marks[name])


def _cast_number(raw: ir.NumericValue, target: str) -> ir.NumericValue:
    type_ = raw.type()
    if target == "float64":
        return _drop_infinite(raw.cast(target)) if type_.is_floating() else raw.cast(target)
    if type_.is_decimal() and (type_.scale or 0) <= 4 and (type_.precision or 38) - (type_.scale or 0) <= 14:
        return raw.cast(target)  # it fits whatever it is: not to be looked at in every scan
    if not type_.is_floating():
        return (raw.abs() < _MAX_MONEY).ifelse(raw, ibis.null(raw.type())).cast(target)
    # The engine multiplies by 10^4, which is exact only up to 2^53.
    whole = raw.abs().floor() * raw.sign()
    return ibis.cases(
        (raw.isnan(), ibis.null(target)),
        (raw.abs() < 2**53 / 1e4, raw.cast(target)),
        (raw.abs() < _MAX_MONEY, (whole.cast("int64").cast(target) + (raw - whole).cast(target)).cast(target)),
        else_=ibis.null(target),
    )


def _drop_infinite(number: ir.Value) -> ir.NumericValue:
    return (number.isnan() | number.isinf()).ifelse(ibis.null("float64"), number)


def _count_lost(work: _Work) -> None:
    """Note how many values could not be read, with examples; none of many is an error."""
    lost = {name: work.filled[name] & work.typed[name].isnull() for name in work.filled}
    if not lost:
        return
    facts = {f"lost{position}": condition.sum() for position, condition in enumerate(lost.values())}
    facts |= {f"all{position}": work.filled[name].sum() for position, name in enumerate(lost)}
    row = work.source.table.aggregate(**facts).to_pyarrow().to_pylist()[0]
    for position, name in enumerate(lost):
        n_lost, n_all = row[f"lost{position}"], row[f"all{position}"]
        if not n_lost:
            work.typed[name] = work.unguarded.get(name, work.typed[name])
            continue
        shown = ", ".join(repr(one) for one in work.examples(work.raw(name), lost[name]))
        how = f" with {work.formats[name]}" if name in work.formats else ""
        if n_lost == n_all:
            raise ColumnTypeError(
                f"No value of {work.names[name]!r} can be read{how}, for instance {shown}.",
                where=work.place(name),
                hint=f"Map {name} to another column, or correct options:.",
            )
        values = "1 value" if n_lost == 1 else f"{n_lost:,} values"
        work.notes.append(f"{name}: {values} cannot be read{how}, such as {shown}, and count as missing.")
