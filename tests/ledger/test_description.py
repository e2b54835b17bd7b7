"""What a first look at a source says of its columns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ibis.backends.duckdb import Backend

from kam.ledger.reading import ColumnDescription, connect, describe_source


@pytest.fixture(scope="module")
def con() -> Iterator[Backend]:
    backend = connect()
    yield backend
    backend.disconnect()


def describe(con: Backend, **columns: Any) -> dict[str, ColumnDescription]:
    return {column.name: column for column in describe_source(pd.DataFrame(columns), con).columns}


def test_a_file(con: Backend, tmp_path: Path) -> None:
    rows = "고객번호;주문일;금액;비고\n007;31.01.2024;1.234,56;a\n18;01.02.2024;5,5;\n18;01.02.2024;7;b\n"
    (tmp_path / "a.csv").write_bytes(rows.encode("cp949"))
    found = describe_source(tmp_path / "a.csv", con)
    assert found.n_rows == 3
    assert (found.options.encoding, found.options.delimiter, found.options.header_row) == ("cp949", ";", 1)
    assert set(found.source.findings) == {"encoding", "delimiter", "header_row"}
    assert found.columns == (
        ColumnDescription(
            name="고객번호", type="text", examples=("007", "18"), share_missing=0, n_distinct=2, date_format=None, share_dates=0,
            ambiguous_date=False, decimal=None, thousands=None, share_numbers=1, ambiguous_number=False, leading_zeros=True,
        ),
        ColumnDescription(
            name="주문일", type="text", examples=("31.01.2024", "01.02.2024"), share_missing=0, n_distinct=2,
            date_format="%d.%m.%Y", share_dates=1, ambiguous_date=False, decimal=None, thousands=None, share_numbers=0,
            ambiguous_number=False, leading_zeros=False,
        ),
        ColumnDescription(
            name="금액", type="text", examples=("1.234,56", "5,5", "7"), share_missing=0, n_distinct=3, date_format=None,
            share_dates=0, ambiguous_date=False, decimal=",", thousands=".", share_numbers=1, ambiguous_number=False,
            leading_zeros=False,
        ),
        ColumnDescription(
            name="비고", type="text", examples=("a", "b"), share_missing=pytest.approx(1 / 3), n_distinct=2, date_format=None,
            share_dates=0, ambiguous_date=False, decimal=None, thousands=None, share_numbers=0, ambiguous_number=False,
            leading_zeros=False,
        ),
    )  # fmt: skip


def test_what_is_not_certain(con: Backend) -> None:
    found = describe(
        con,
        day=["03/04/2024", "05/06/2024", "x", None],
        number=["1,234", "12", None, None],
        both=["1.5", "2,5", "1.5", "2,5"],
        mostly=["1.5", "2.5", "x", "3"],
    )
    assert (found["day"].ambiguous_date, found["day"].share_dates) == (True, pytest.approx(2 / 3))
    assert (found["number"].ambiguous_number, found["number"].decimal, found["number"].share_missing) == (
        True,
        None,
        0.5,
    )
    assert found["both"].share_numbers == 0.5
    assert (found["mostly"].share_numbers, found["mostly"].decimal) == (0.75, ".")


def test_stored_types(con: Backend) -> None:
    found = describe(
        con, id=[12346.0, None], day=[datetime(2024, 1, 31)] * 2, flag=[True, False], empty=[None, None], net=[1, 2]
    )
    assert {name: column.type for name, column in found.items()} == {
        "id": "number", "day": "date", "flag": "flag", "empty": "text", "net": "number",
    }  # fmt: skip
    assert found["id"].examples == ("12346",)
    assert (found["day"].date_format, found["day"].share_dates) == ("date", 1.0)
    assert (found["net"].share_numbers, found["flag"].share_numbers) == (1.0, 0.0)
    assert (found["empty"].share_missing, found["empty"].n_distinct) == (1.0, 0)


@pytest.mark.parametrize(
    ("texts", "decimal", "thousands"),
    [
        (["1,234.5", "7"], ".", ","),
        (["1'234.5", "7"], ".", "'"),
        (["1\u00a0234,5", "7"], ",", " "),
        (["1.5", "7"], ".", None),
        (["1", "7"], None, None),
        (["1,234,567", "7"], ".", ","),
    ],
)
def test_marks(con: Backend, texts: list[str], decimal: str | None, thousands: str | None) -> None:
    found = describe(con, x=texts)["x"]
    assert (found.decimal, found.thousands) == (decimal, thousands)
