"""Tables as files for people: an Excel workbook and CSV, in which text from data stays text.

A cell that begins like a formula is written as text in a workbook, and with an apostrophe before it in CSV.
"""

from __future__ import annotations

import csv
import math
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pandas as pd

from kam.columns import GLOSSARY
from kam.errors import DataError, ParameterError
from kam.results import Context
from kam.wording import show_hidden

if TYPE_CHECKING:
    from kam.wording import Wording

MAX_ROWS = 1_048_576
"""Rows of an Excel sheet, the head among them."""

_MAX_TEXT = 32_767
_FORMATS = {
    "count": "#,##0",
    "date": "yyyy-mm-dd",
    "days": "#,##0",
    "money": "#,##0.00",
    "number": "#,##0.00",
    "period": "yyyy-mm",
    "share": "0.0%",
    "text": "@",
    "word": "@",
    "flag": "General",
}
_FORMULA = re.compile(r"[=+\-@\t\r＝＋－＠]")  # full-width ones count in East Asian versions of Excel


def write_workbook(tables: Mapping[str, pd.DataFrame], path: str | os.PathLike[str], *, context: Context) -> Path:
    """Write frames as one Excel workbook, a sheet each.

    Each sheet has heads from the glossary, number formats, a filter, and a head that stays in view. The same frames give the
    same bytes. The file appears complete or not at all.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        By name; the name of the sheet is as near to it as Excel allows.
    path : path
        The ``.xlsx`` to write, in a folder that exists.
    context : Context
        Currency and language of the heads.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ParameterError
        There is no table.
    DataError
        A table has more rows than an Excel sheet holds (1,048,576, the head among them).
    """
    import xlsxwriter

    if not tables:
        raise ParameterError("There is no table to write.", hint="Give at least one frame.")
    for name, frame in tables.items():
        if len(frame) >= MAX_ROWS:
            raise DataError(
                f"Table {name!r} has {len(frame):,} rows; an Excel sheet holds {MAX_ROWS - 1:,} below its head.",
                hint="Write it as CSV, or read its Parquet file.",
            )
    target = Path(path)
    created = datetime.combine(context.as_of or date(2000, 1, 1), datetime.min.time())
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with (
        tempfile.TemporaryDirectory() as temporary,  # where a workbook that cannot be finished would leave its sheets
        _beside(target) as part,
        xlsxwriter.Workbook(str(part), {**options, "tmpdir": temporary}) as book,
    ):
        book.set_properties({"title": show_hidden(context.title or context.dataset or "kam"), "created": created})
        taken: set[str] = set()
        for name, frame in tables.items():
            _write_sheet(book, _sheet_name(name, taken), frame, context.wording)
    return target


def write_csv(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a frame as CSV that Excel opens as it is: UTF-8 with a byte-order mark, column names as in the glossary.

    Text that begins like a formula (``= + - @``, a tab or a carriage return) gets an apostrophe before it.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any frame; it is not changed, and its index is not written.
    path : path
        The file to write, in a folder that exists; it appears complete or not at all.

    Returns
    -------
    pathlib.Path
        The file.
    """
    target = Path(path)
    safe = frame.rename(columns=_guarded)
    for i, (_, column) in enumerate(frame.items()):
        if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)):
            safe.isetitem(i, [_guarded(value) for value in column])
    with _beside(target) as part:
        # Quoted: an unquoted carriage return would begin a row, and with it perhaps a formula.
        safe.to_csv(
            part, index=False, encoding="utf-8-sig", lineterminator="\n", errors="replace", quoting=csv.QUOTE_NONNUMERIC
        )
    return target


# -- inside ----------------------------------------------------------------------------------------------------------


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A file beside the target that takes its place when all went well, with the rights that any new file has here."""
    part = target.with_name(f".{target.stem[:20]}-{token_hex(4)}.part")
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _guarded(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _sheet_name(name: str, taken: set[str]) -> str:
    """At most 31 characters, none that Excel forbids, no apostrophe at the ends, unlike the others whatever the case."""
    plain = re.sub(r"[\[\]:*?/\\\x00-\x1f\x7f]", "_", name).strip("' ") or "table"
    plain = f"{plain}_" if plain.casefold() == "history" else plain  # a name that Excel keeps for itself
    sheet, n = plain[:31].rstrip("' "), 1
    while sheet.casefold() in taken:
        n += 1
        sheet = f"{plain[: 30 - len(str(n))]}~{n}"
    taken.add(sheet.casefold())
    return sheet


def _write_sheet(book: Any, name: str, frame: pd.DataFrame, say: Wording) -> None:
    sheet = book.add_worksheet(name)
    n_rows, n_columns = frame.shape
    names = [str(column) for column in frame.columns]
    heads = [say.label(column) if column in GLOSSARY else column for column in names]
    head_format = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "num_format": "@"})
    formats = [
        book.add_format({"num_format": _number_format(column, frame.iloc[:, i])}) for i, column in enumerate(names)
    ]
    for i, head in enumerate(heads):
        sheet.set_column(i, i, _width(head, frame.iloc[:, i]))
        sheet.write_string(0, i, head, head_format)
    fixed = next((names.index(column) + 1 for column in ("name", "customer_id") if column in names[:3]), 0)
    sheet.freeze_panes(1, fixed)
    if n_columns:
        sheet.autofilter(0, 0, max(n_rows, 1), n_columns - 1)
        sheet.ignore_errors({"number_stored_as_text": f"A1:{_letters(n_columns)}{n_rows + 1}"})
    worded = [
        column in GLOSSARY and (GLOSSARY[column].format == "word" or bool(GLOSSARY[column].words)) for column in names
    ]
    for row, values in enumerate(frame.itertuples(index=False, name=None), start=1):
        for i, value in enumerate(values):
            if worded[i] and isinstance(value, str):
                value = say.word(value, names[i])
            _write_cell(sheet, row, i, value, formats[i])


def _write_cell(sheet: Any, row: int, column: int, value: Any, form: Any) -> None:
    if value is None or value is pd.NaT or value is pd.NA:
        return
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value, form)
    elif isinstance(value, (int, float, Decimal)):
        number = float(value)
        if math.isfinite(number):
            sheet.write_number(row, column, number, form)
        elif not math.isnan(number):
            sheet.write_string(row, column, "∞" if number > 0 else "−∞", form)
    elif isinstance(value, date) and value.year >= 1900 and form.num_format.startswith("yyyy"):
        moment = datetime(*value.timetuple()[:6])  # without a time zone, which a cell cannot hold
        sheet.write_datetime(row, column, moment, form)
    else:
        text = show_hidden(str(value))
        if len(text) > _MAX_TEXT:
            text = text[: _MAX_TEXT - 1] + "…"
        sheet.write_string(row, column, text, form)


def _number_format(name: str, column: pd.Series[Any]) -> str:
    if name in GLOSSARY:
        entry = GLOSSARY[name]
        return "General" if entry.unit.startswith("as the ") else _FORMATS[entry.format]
    if pd.api.types.is_datetime64_any_dtype(column):
        return _FORMATS["date"]
    return "General" if pd.api.types.is_numeric_dtype(column) else _FORMATS["text"]


def _width(head: str, column: pd.Series[Any]) -> float:
    """Wide enough for the head in two lines and for most values."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        longest = 12
    else:
        longest = max((len(str(value)) for value in column.head(200)), default=0)
    return float(min(max(longest + 2, len(head) / 2 + 3, 8), 60))


def _letters(n: int) -> str:
    """The letters of the n-th column of a sheet: 1 is A, 27 is AA."""
    return (_letters((n - 1) // 26) if n > 26 else "") + chr(65 + (n - 1) % 26)
