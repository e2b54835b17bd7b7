"""Read a table out of an Excel workbook (xlsx, xlsm, xlsb, xls, ods)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import python_calamine

from kam.errors import EmptyDataError, UnreadableFileError
from kam.ledger.detection import clean_names, find_header, is_blank
from kam.ledger.sources import ReadOptions

_SAMPLE_ROWS = 300
Row = Sequence[object]


@dataclass(frozen=True, kw_only=True)
class SheetTable:
    """A table that was read from a sheet.

    Attributes
    ----------
    cells : dict of str to list
        Column name → its cells: texts, numbers, dates, flags or None.
    options : ReadOptions
        Sheet and header row as used.
    findings : dict of str to str
        How they were decided.
    where : str
        File and sheet, for messages.
    """

    cells: dict[str, list[object]]
    options: ReadOptions
    findings: dict[str, str]
    where: str


def read_sheet(path: Path, options: ReadOptions) -> SheetTable:
    """Read the table of a workbook.

    Parameters
    ----------
    path : pathlib.Path
        The workbook.
    options : ReadOptions
        ``sheet``, one of them, and ``header_row``; without them the sheet with the largest table, and its first full row.

    Returns
    -------
    SheetTable
        The table and where it was found.

    Raises
    ------
    UnreadableFileError
        The workbook is damaged or protected by a password, the sheet is not there, or there is no row with names.
    EmptyDataError
        There is no row below the names.
    DuplicateColumnError
        A column name stands twice.

    Notes
    -----
    Assumes that (1) there is one table a sheet, its names in one row; (2) rows and columns without any value do not
    belong to it. Excel keeps numbers as binary floating-point numbers: an id such as 007 that was typed as a number has
    lost its zeros in the file already. Cells with an error (#N/A) are empty.
    """
    where = path.name
    book = _open(path)
    findings: dict[str, str] = {}
    (asked,) = options.sheets
    if asked is None:
        name, rows, others = _find_sheet(book, where)
        findings["sheet"] = "the only sheet with a table" if not others else "the sheet with the largest table"
        if others:
            findings["notes"] = f"Sheets not read: {', '.join(map(repr, others))}."
    else:
        name = _name_sheet(book.sheet_names, asked, where)
        rows = _rows(book, name, where)
        findings["sheet"] = "given"
    where = f"{where}, sheet {name!r}"
    if not any(not is_blank(cell) for row in rows for cell in row):
        raise EmptyDataError("The sheet is empty.", where=where, hint="Name another one under options: sheet:.")
    if options.header_row is None:
        header = find_header(rows[:_SAMPLE_ROWS], where=where)
        findings["header_row"] = (
            "the first row" if header == 0 else f"row {header + 1} is the first that fills the columns of the table"
        )
    elif options.header_row > len(rows):
        raise UnreadableFileError(
            f"header_row is {options.header_row}, the sheet has {len(rows)} rows.", where=where, hint="Correct it."
        )
    else:
        header = options.header_row - 1
        findings["header_row"] = "given"
    cells = _take_cells(rows, header, where)
    n_merged = _count_merged(book.get_sheet_by_name(name), header)
    if n_merged:
        merged = f"{n_merged} merged cells below the header: only the first row of each has the value."
        findings["notes"] = f"{findings.get('notes', '')} {merged}".strip()
    used = replace(options, sheet=name, header_row=header + 1)
    return SheetTable(cells=cells, options=used, findings=findings, where=where)


def find_tables(path: Path) -> list[str]:
    """Names of the sheets with a table, as they stand in the workbook.

    Raises
    ------
    UnreadableFileError
        The workbook is damaged or protected by a password.
    EmptyDataError
        No sheet holds a table.
    """
    book = _open(path)
    best, _, others = _find_sheet(book, path.name)
    return sorted([best, *others], key=book.sheet_names.index)


def _open(path: Path) -> python_calamine.CalamineWorkbook:
    try:
        return python_calamine.load_workbook(str(path))
    except Exception as error:  # calamine raises several unrelated kinds
        reason = "it is protected by a password" if "password" in str(error).lower() else str(error).splitlines()[0]
        raise UnreadableFileError(
            f"The workbook cannot be read: {reason}.",
            where=path.name,
            hint="Open it in Excel and save it again as .xlsx.",
        ) from error


def _name_sheet(names: list[str], sheet: str | int, where: str) -> str:
    if isinstance(sheet, int) and sheet <= len(names):
        return names[sheet - 1]
    for name in names:
        if name.strip().casefold() == str(sheet).strip().casefold():
            return name
    raise UnreadableFileError(
        f"There is no sheet {sheet!r}; there are {', '.join(map(repr, names))}.",
        where=where,
        hint="Name one of these under options: sheet:.",
    )


def _rows(book: python_calamine.CalamineWorkbook, name: str, where: str) -> list[Row]:
    """All rows from A1 on, so that row numbers are Excel's."""
    try:
        return list(book.get_sheet_by_name(name).to_python(skip_empty_area=False))
    except Exception as error:  # see above; chart sheets raise too
        raise UnreadableFileError(
            f"Sheet {name!r} cannot be read: {error}.", where=where, hint="Name another one under options: sheet:."
        ) from error


def _find_sheet(book: python_calamine.CalamineWorkbook, where: str) -> tuple[str, list[Row], list[str]]:
    """The visible sheet with the largest table: its name, its rows, and the names of the other sheets with a table."""
    tables: dict[str, list[Row]] = {}
    n_cells: dict[str, int] = {}
    sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet]
    visible = [sheet for sheet in sheets if sheet.visible == python_calamine.SheetVisibleEnum.Visible]
    for sheet in visible or sheets:
        rows = _rows(book, sheet.name, where)
        filled = [sum(not is_blank(cell) for cell in row) for row in rows]
        if max(filled, default=0) > 1:
            tables[sheet.name], n_cells[sheet.name] = rows, sum(filled)
    if not tables:
        raise EmptyDataError(
            "No sheet of the workbook holds a table.", where=where, hint="Name it under options: sheet:."
        )
    best = max(n_cells, key=lambda name: n_cells[name])
    return best, tables[best], [name for name in tables if name != best]


def _count_merged(sheet: python_calamine.CalamineSheet, header: int) -> int:
    """Cells that are merged over several rows below the header."""
    ranges = sheet.merged_cell_ranges or ()
    return sum(last[0] > first[0] > header for first, last in ranges)


def _take_cells(rows: list[Row], header: int, where: str) -> dict[str, list[object]]:
    body = [row for row in rows[header + 1 :] if not all(is_blank(cell) for cell in row)]
    if not body:
        raise EmptyDataError(
            "There are no rows below the column names.",
            where=f"{where}, row {header + 1}",
            hint="Name the right sheet.",
        )
    heads = rows[header]
    used = [
        position
        for position in range(len(heads))
        if not is_blank(heads[position]) or any(not is_blank(row[position]) for row in body)
    ]
    names = clean_names([heads[position] for position in used], where=f"{where}, row {header + 1}")
    return {
        name: [None if is_blank(row[position]) else row[position] for row in body]
        for name, position in zip(names, used, strict=True)
    }


def make_table(cells: dict[str, list[object]]) -> pa.Table:
    """Columns of numbers (float64), dates (timestamp), flags (bool) or, where a column holds several kinds, texts.

    >>> make_table({"id": ["A1", 7.0], "day": [date(2024, 1, 31), None]}).to_pydict()
    {'id': ['A1', '7'], 'day': [datetime.datetime(2024, 1, 31, 0, 0), None]}
    """
    return pa.table({name: _make_column(column) for name, column in cells.items()})


def _make_column(cells: list[object]) -> pa.Array:
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds and kinds <= {int, float}:
        return pa.array(cells, pa.float64())
    if kinds and kinds <= {date, datetime}:
        days = [datetime(cell.year, cell.month, cell.day) if type(cell) is date else cell for cell in cells]
        return pa.array(days, pa.timestamp("us"))
    if kinds == {bool}:
        return pa.array(cells, pa.bool_())
    has_comma = any(isinstance(cell, str) and re.search(r"\d,\d", cell) for cell in cells)
    return pa.array([None if cell is None else _as_text(cell, has_comma) for cell in cells], pa.string())


def _as_text(cell: object, has_comma: bool) -> str:
    """A cell of a column of several kinds, so that its text can be read in one way only."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else _number_as_text(cell, has_comma)
    if isinstance(cell, date | datetime | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell.total_seconds() / 86400)
    return str(cell)


def _number_as_text(number: float, has_comma: bool) -> str:
    """With a decimal point; among texts with a decimal comma as 1234e-3, which needs no mark.

    1.234 becomes 1.2340, for 1.234 might be taken for 1234 with a thousands mark.
    """
    text = repr(number)
    if has_comma:
        sign, digits, exponent = Decimal(text).as_tuple()
        return f"{'-' * sign}{''.join(map(str, digits))}e{exponent}"
    return text + "0" if "e" not in text and len(text.partition(".")[2]) == 3 else text
