"""Excel: any sheet, titles above the table, dates, ids, damage."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from ibis.backends.duckdb import Backend

from kam.errors import DuplicateColumnError, EmptyDataError, UnreadableFileError
from kam.ledger.reading import ReadOptions, SourceTable, connect, read_source, type_columns

COLUMNS = {"customer_id": "id", "order_date": "day", "amount": "net amount"}
TYPES: dict[str, Any] = {"customer_id": "id", "order_date": "date", "amount": "money"}


@pytest.fixture
def con() -> Iterator[Backend]:
    backend = connect()
    yield backend
    backend.disconnect()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write sheets of rows; a cell that is a datetime gets a date format."""

    def write(sheets: dict[str, list[list[object]]], *, merge: dict[str, str] | None = None, hide: str = "") -> Path:
        path = tmp_path / "book.xlsx"
        with xlsxwriter.Workbook(path) as book:
            day = book.add_format({"num_format": "dd.mm.yyyy"})
            for name, rows in sheets.items():
                sheet = book.add_worksheet(name)
                if name == hide:
                    sheet.hide()
                for place, title in (merge or {}).items() if name != "Cover" else ():
                    sheet.merge_range(place, title)
                for r, row in enumerate(rows):
                    for c, cell in enumerate(row):
                        if isinstance(cell, datetime):
                            sheet.write_datetime(r, c, cell, day)
                        elif cell is not None:
                            sheet.write(r, c, cell)
        return path

    return write


TABLE: list[list[object]] = [
    ["id", "day", "net amount"],
    [12346, datetime(2024, 1, 31), 1.5],
    [7, datetime(2024, 2, 1, 10, 30), -0.1],
    [None, None, None],
    ["A01", datetime(2024, 2, 2), 1234.567],
]
EXPECTED = [
    ("12346", datetime(2024, 1, 31), "1.5000"),
    ("7", datetime(2024, 2, 1, 10, 30), "-0.1000"),
    ("A01", datetime(2024, 2, 2), "1234.5670"),
]


def typed(source: SourceTable, columns: dict[str, str] = COLUMNS) -> list[tuple[object, ...]]:
    rows = type_columns(source, columns, TYPES).table.to_pyarrow().to_pylist()
    return [(row["customer_id"], row["order_date"], str(row["amount"])) for row in rows]


def test_table_in_the_corner(write: Callable[..., Path], con: Backend) -> None:
    source = read_source(write({"Orders": TABLE}), con)
    assert (source.kind, source.options.sheet, source.options.header_row) == ("excel", "Orders", 1)
    assert typed(source) == EXPECTED


def test_second_sheet_with_title_and_empty_columns(write: Callable[..., Path], con: Backend) -> None:
    shifted = [[None] * 5, [None] * 5, [None] * 5, *[[None, None, *row] for row in TABLE]]
    source = read_source(
        write({"Cover": [["Sales report"], ["by X"]], "Data": shifted}, merge={"C1:E1": "Sales 2024"}), con
    )
    assert (source.options.sheet, source.options.header_row) == ("Data", 4)
    assert source.table.columns == ("id", "day", "net amount")
    assert "only sheet" in source.findings["sheet"]
    assert "row 4" in source.findings["header_row"]
    assert typed(source) == EXPECTED


def test_the_largest_visible_table_is_read_and_the_others_are_named(write: Callable[..., Path], con: Backend) -> None:
    small = [["id", "name"], ["1", "x"]]
    hidden = [["a", "b"], *[["1", "2"]] * 20]
    path = write({"Names": small, "Orders": TABLE, "Pivot": hidden}, hide="Pivot")
    source = read_source(path, con)
    assert source.options.sheet == "Orders"
    assert "'Names'" in source.findings["notes"]
    for sheet in ("names ", 1):
        assert read_source(path, con, options=ReadOptions(sheet=sheet)).table.columns == ("id", "name")
    with pytest.raises(UnreadableFileError, match=r"no sheet 'Order'; there are 'Names', 'Orders'"):
        read_source(path, con, options=ReadOptions(sheet="Order"))


def test_given_header_row(write: Callable[..., Path], con: Backend) -> None:
    path = write({"S": [["x", "y", "z"], *TABLE]})
    assert typed(read_source(path, con, options=ReadOptions(header_row=2))) == EXPECTED
    with pytest.raises(UnreadableFileError, match="header_row is 99"):
        read_source(path, con, options=ReadOptions(header_row=99))


def test_a_column_of_several_kinds(write: Callable[..., Path], con: Backend) -> None:
    """1.234 as a number cell is 1.234, also beside text cells that use a decimal comma or a thousands mark."""
    rows = [
        ["id", "day", "net amount"],
        [1, "2024-01-31", 1.234],
        [2, datetime(2024, 2, 1), "1.234,56"],
        [3, 45324, "2,5"],
    ]
    source = read_source(write({"S": rows}), con)
    found = type_columns(source, COLUMNS, TYPES)
    assert [str(amount) for amount in found.table.amount.to_pyarrow().to_pylist()] == ["1.2340", "1234.5600", "2.5000"]
    days = found.table.order_date.to_pyarrow().to_pylist()
    assert days == [datetime(2024, 1, 31), datetime(2024, 2, 1), None]
    assert "45324" in " ".join(found.notes)
    rows = [["id", "day", "net amount"], [1, "2024-01-31", 1.234], [2, "2024-01-31", "USD 5"]]
    source = read_source(write({"S": rows}), con)
    assert [row[2] for row in typed(source)] == ["1.2340", "5.0000"]


def test_serial_days_and_calendar_numbers(write: Callable[..., Path], con: Backend) -> None:
    serial = read_source(write({"S": [["id", "day", "net amount"], [1, 45322, 1], [2, 45323.4375, 2]]}), con)
    assert [row[1] for row in typed(serial)] == [datetime(2024, 1, 31), datetime(2024, 2, 1, 10, 30)]
    calendar = read_source(write({"S": [["id", "day", "net amount"], [1, 20240131, 1], [2, 20240201, 2]]}), con)
    assert [row[1] for row in typed(calendar)] == [datetime(2024, 1, 31), datetime(2024, 2, 1)]


def test_merged_cells_below_the_header_are_noted(write: Callable[..., Path], con: Backend) -> None:
    rows = [["id", "day"], [None, "a"], [None, "b"]]
    source = read_source(write({"S": rows}, merge={"A2:A3": "7"}), con)
    assert "1 merged cells below the header" in source.findings["notes"]


def test_nothing_or_damage(write: Callable[..., Path], con: Backend, tmp_path: Path) -> None:
    with pytest.raises(EmptyDataError, match="no rows below"):
        read_source(write({"S": [["id", "day", "net amount"]]}), con)
    with pytest.raises(EmptyDataError, match="No sheet"):
        read_source(write({"S": []}), con)
    with pytest.raises(EmptyDataError, match="sheet is empty"):
        read_source(write({"S": []}), con, options=ReadOptions(sheet="S"))
    with pytest.raises(DuplicateColumnError, match=r"'Day' \(column 2\).*row 1"):
        read_source(write({"S": [["day", "Day"], [1, 2]]}), con)
    with pytest.raises(UnreadableFileError, match="no row with column names"):
        read_source(write({"S": [[1, 45322, 2.5], [2, 45323, 3.5]]}), con)
    (tmp_path / "bad.xlsx").write_bytes(write({"S": TABLE}).read_bytes()[:-500])
    with pytest.raises(UnreadableFileError, match="workbook cannot be read"):
        read_source(tmp_path / "bad.xlsx", con)
    (tmp_path / "text.xls").write_text("id,day\n1,2\n")
    with pytest.raises(UnreadableFileError, match="name says Excel, the content is text"):
        read_source(tmp_path / "text.xls", con)


def test_open_document(con: Backend, tmp_path: Path) -> None:
    """The least that a spreadsheet of LibreOffice holds."""
    cells = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{x}</text:p></table:table-cell>' for x in ("id", "net")
    )
    values = '<table:table-cell office:value-type="string"><text:p>007</text:p></table:table-cell>'
    values += '<table:table-cell office:value-type="float" office:value="1.5"><text:p>1,5</text:p></table:table-cell>'
    row = "<table:table-row>{}</table:table-row>".format
    content = (
        '<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="T">{row(cells)}{row(values)}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(tmp_path / "book.ods", "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        manifest = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
        book.writestr("META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{manifest}"/>')
        book.writestr("content.xml", content)
    source = read_source(tmp_path / "book.ods", con)
    assert source.table.to_pyarrow().to_pylist() == [{"id": "007", "net": 1.5}]


def test_files_of_one_pattern(write: Callable[..., Path], con: Backend, tmp_path: Path) -> None:
    write({"S": TABLE}).rename(tmp_path / "part1.xlsx")
    write({"S": [["net amount", "ID", "day"], [5, "B", datetime(2024, 3, 1)]]}).rename(tmp_path / "part2.xlsx")
    assert typed(read_source(tmp_path / "part*.xlsx", con)) == [*EXPECTED, ("B", datetime(2024, 3, 1), "5.0000")]
