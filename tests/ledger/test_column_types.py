"""Types of columns: ids, dates, money, numbers, texts, flags; worked by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from kam.errors import ColumnTypeError, MissingColumnError, MixedCurrencyError, ParameterError
from kam.ledger import date_texts
from kam.ledger.reading import DETECT, ReadOptions, TypedTable, connect, read_source, type_columns

Type = Callable[..., TypedTable]


@pytest.fixture(scope="module")
def type_frame() -> Iterator[Type]:
    """Type all columns of a frame."""
    con = connect()

    def type_frame(
        types: dict[str, Any], time_zone: str = "UTC", options: ReadOptions = DETECT, **columns: Any
    ) -> TypedTable:
        source = read_source(pd.DataFrame(columns), con, options=options)
        return type_columns(source, {name: name for name in columns}, types, time_zone=time_zone)

    yield type_frame
    con.disconnect()


def values(typed: TypedTable, name: str = "x") -> list[Any]:
    return typed.table[name].to_pyarrow().to_pylist()  # type: ignore[no-any-return]


# -- numbers ---------------------------------------------------------------------------------------------------------------

POINT = {
    "1234.56": "1234.56",
    "1,234.56": "1234.56",
    "1,234,567.8": "1234567.8",
    "12,34,567.8": "1234567.8",
    "1'234.5": "1234.5",
    "1’234.5": "1234.5",
    "1 234.5": "1234.5",
    "1\u00a0234.5": "1234.5",
    "1\u202f234.5": "1234.5",
    " 7.5 ": "7.5",
    "+7.5": "7.5",
    "-7.5": "-7.5",
    "- 7.5": "-7.5",
    "−7.5": "-7.5",
    "7.5-": "-7.5",
    "(7.5)": "-7.5",
    "( 1,007.5 )": "-1007.5",
    ".5": "0.5",
    "5.": "5",
    "1e5": "100000",
    "1.5E-3": "0.0015",
    "１２３．５": "123.5",
    "（１２．５）": "-12.5",
    "0.00005": "0.0001",
    "-0.00005": "-0.0001",
    "1.23455": "1.2346",
    "99999999999999.9999": "99999999999999.9999",
}
UNREADABLE = [
    "1,23.4",
    "1.2.3",
    "--5.1",
    "(-5.1)",
    "5,000,00.1",
    "1 23.4",
    "12%",
    "5 kg",
    "NaN",
    "inf",
    "1e",
    "€",
    "1€50",
    "x",
]


def test_numbers_with_a_decimal_point(type_frame: Type) -> None:
    typed = type_frame({"x": "money"}, x=[*POINT, *UNREADABLE, None, " "])
    n = len(POINT)
    assert values(typed)[:n] == [Decimal(number) for number in POINT.values()]
    assert values(typed)[n:] == [None] * (len(UNREADABLE) + 2)
    assert typed.notes == [
        f"x: {len(UNREADABLE)} values cannot be read with decimal mark '.', such as '(-5.1)', '--5.1', '1 23.4', "
        "and count as missing."
    ]
    floats = values(type_frame({"x": "number"}, x=[*POINT, *UNREADABLE]))
    exact = [
        1.23455 if text == "1.23455" else 5e-5 * np.sign(float(number)) if "00005" in text else float(number)
        for text, number in POINT.items()
    ]
    assert floats[:n] == pytest.approx(exact, rel=1e-15)
    assert floats[n:] == [None] * len(UNREADABLE)


def test_numbers_with_a_decimal_comma(type_frame: Type) -> None:
    typed = type_frame(
        {"x": "money"}, x=["1.234,56", "1.234.567", "1 234,5", "-7,5", "7,5-", "(0,5)", ",5", "12", "1,2,3"]
    )
    assert values(typed)[:-1] == [
        Decimal(x) for x in ("1234.56", "1234567", "1234.5", "-7.5", "-7.5", "-0.5", "0.5", "12")
    ]
    assert values(typed)[-1] is None
    assert typed.formats == {"x": "decimal mark ','"}


@pytest.mark.parametrize(
    ("texts", "currency", "expected"),
    [
        (["€ 1,200.50", "-€5", "€-5", "5 €", "(€ 5)", "7"], "EUR", ["1200.5", "-5", "-5", "5", "-5", "7"]),
        (["EUR 5.5", "5.5 eur", "5.5EUR", "€5"], "EUR", ["5.5", "5.5", "5.5", "5"]),
        (["₩1,200", "￦1,200,000", "1,200원"], "KRW", ["1200", "1200000", "1200"]),
        (["¥1,200.5", "￥5"], "¥", ["1200.5", "5"]),
        (["$1,200.5", "$.50"], "$", ["1200.5", "0.5"]),
        (["US$ 5.25", "5.25 USD"], "USD", ["5.25", "5.25"]),
        (["Fr. 12.05", "CHF 5"], "CHF", ["12.05", "5"]),
        (["12,50 zł", "1 000,5 PLN"], "PLN", ["12.5", "1000.5"]),
        (["12,50 kr.", "5 kr"], "kr", ["12.5", "5"]),
    ],
)
def test_currencies_beside_numbers(type_frame: Type, texts: list[str], currency: str, expected: list[str]) -> None:
    typed = type_frame({"x": "money"}, x=texts)
    assert values(typed) == [Decimal(number) for number in expected]
    assert typed.currency == currency


def test_two_currencies(type_frame: Type) -> None:
    with pytest.raises(MixedCurrencyError, match=r"EUR beside 2, \$ beside 1"):
        type_frame({"x": "money", "y": "money"}, x=["€ 5.5", "5.5 EUR", "3"], y=["$ 1.2", "1", "2"])
    assert type_frame({"x": "money"}, x=["1.5", "2"]).currency is None


def test_decimal_mark_that_only_other_columns_tell(type_frame: Type) -> None:
    with pytest.raises(ColumnTypeError, match=r"'x' can be read in two ways: '1,234'.*decimal:"):
        type_frame({"x": "money"}, x=["1,234", "12", "2,345"])
    with pytest.raises(ColumnTypeError, match=r"two ways: '-2\.345'"):
        type_frame({"x": "money"}, x=["1.234", "12", "-2.345"])
    typed = type_frame({"x": "money", "y": "number"}, x=["1,234", "12"], y=["1.5", "2"])
    assert values(typed) == [1234, 12]
    assert "as in the other columns" in typed.notes[0]
    with pytest.raises(ColumnTypeError, match="two ways"):
        type_frame({"x": "money", "y": "number", "z": "number"}, x=["1,234", "12"], y=["1.5", "2"], z=["1,5", "2"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (ReadOptions(decimal="."), "1234"),
        (ReadOptions(decimal=","), "1.234"),
        (ReadOptions(thousands=","), "1234"),
        (ReadOptions(thousands="."), "1.234"),
    ],
)
def test_decimal_mark_given(type_frame: Type, options: ReadOptions, expected: str) -> None:
    assert values(type_frame({"x": "money"}, options=options, x=["1,234", "12"])) == [Decimal(expected), 12]


def test_leading_zero_is_no_thousands_group(type_frame: Type) -> None:
    assert values(type_frame({"x": "number"}, x=["0.125", "0.250"])) == [0.125, 0.25]
    assert values(type_frame({"x": "number"}, x=["0,125", "0,250", "none"])) == [0.125, 0.25, None]


def test_two_decimal_marks_in_one_column(type_frame: Type) -> None:
    with pytest.raises(ColumnTypeError, match=r"decimal point \(2\).*decimal comma \(2\)"):
        type_frame({"x": "money"}, x=["1.5", "2,5", "3.5", "4,5"])
    typed = type_frame({"x": "money"}, x=["1.5"] * 30 + ["2,5"])
    assert values(typed) == [Decimal("1.5")] * 30 + [None]
    assert "'2,5'" in typed.notes[0]
    with pytest.raises(ColumnTypeError, match=r"No value of 'x' can be read with decimal mark ','.*'1\.5'"):
        type_frame({"x": "money"}, options=ReadOptions(decimal=","), x=["1.5", "2.5"])


def test_no_numbers(type_frame: Type) -> None:
    with pytest.raises(ColumnTypeError, match=r"No value of 'x' is a number, for instance 'a'.*Map x"):
        type_frame({"x": "money"}, x=["b", "a", None])
    with pytest.raises(ColumnTypeError, match="no numbers"):
        type_frame({"x": "money"}, x=[date(2024, 1, 1)])
    assert values(type_frame({"x": "money"}, x=pd.Series([None, " "], dtype="str"))) == [None, None]


def test_money_from_stored_numbers(type_frame: Type) -> None:
    floats = [0.1 + 0.2, -1.00005, 2.5e-5, 1e14, -1e14, float("inf"), float("nan"), 99999999999999.0, 5e-5]
    typed = type_frame({"x": "money"}, x=floats)
    assert [str(amount) for amount in values(typed)] == [
        "0.3000", "-1.0001", "0.0000", "None", "None", "None", "None", "99999999999999.0000", "0.0001",
    ]  # fmt: skip
    assert "3 values cannot be read" in typed.notes[0]
    assert values(type_frame({"x": "number"}, x=[1.5, float("inf"), None])) == [1.5, None, None]
    assert values(type_frame({"x": "money"}, x=[2**60, 7])) == [None, 7]
    exact = [Decimal("1.23455"), Decimal("-0.00005"), Decimal("12345678901234567.8")]
    assert values(type_frame({"x": "money"}, x=exact)) == [Decimal("1.2346"), Decimal("-0.0001"), None]


# -- dates -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date_format", "texts"),
    [
        ("%Y-%m-%d", ["2024-03-05", "2024-3-25"]),
        ("%Y/%m/%d", ["2024/03/05", "2024/3/25"]),
        ("%Y.%m.%d", ["2024.03.05", "2024.3.25"]),
        ("%Y%m%d", ["20240305", "20240325"]),
        ("%d.%m.%Y", ["05.03.2024", "25.3.2024"]),
        ("%d/%m/%Y", ["05/03/2024", "25/3/2024"]),
        ("%m/%d/%Y", ["03/05/2024", "3/25/2024"]),
        ("%d-%m-%Y", ["05-03-2024", "25-3-2024"]),
        ("%d.%m.%y", ["05.03.24", "25.3.24"]),
        ("%m/%d/%y", ["3/5/24", "3/25/24"]),
        ("%y/%m/%d", ["24/03/05", "24/03/25"]),
        ("%d-%b-%Y", ["05-Mar-2024", "25-MAR-2024"]),
        ("%d %B %Y", ["5 March 2024", "25 March 2024"]),
        ("%b %d, %Y", ["Mar 5, 2024", "Mar 25, 2024"]),
        ("%Y年%m月%d日", ["2024年3月5日", "2024年03月25日"]),
        ("%Y년 %m월 %d일", ["2024년 3월 5일", "2024년 03월 25일"]),
        ("%Y. %m. %d.", ["2024. 3. 5.", "2024. 03. 25."]),
        ("%Y-%m-%d", ["２０２４－０３－０５", "2024-03-25\u3000"]),
    ],
)
def test_date_formats(type_frame: Type, date_format: str, texts: list[str]) -> None:
    typed = type_frame({"x": "date"}, x=[*texts, None, ""])
    assert typed.formats == {"x": date_format}
    assert values(typed) == [datetime(2024, 3, 5), datetime(2024, 3, 25), None, None]
    assert typed.notes == []


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (
            ["2024-03-05 14:05:06", "2024-03-05T14:05", "2024-03-05 14:05:06.25"],
            [(14, 5, 6, 0), (14, 5, 0, 0), (14, 5, 6, 250_000)],
        ),
        (["25.03.2024 14:05:06", "25.3.2024 14:05"], [(14, 5, 6, 0), (14, 5, 0, 0)]),
        (
            ["3/25/2024 2:05 PM", "3/25/2024 2:05:06 pm", "3/25/2024 14:05"],
            [(14, 5, 0, 0), (14, 5, 6, 0), (14, 5, 0, 0)],
        ),
        (["2024-03-25 오후 2:05:06", "2024-03-25 오전 2:05"], [(14, 5, 6, 0), (2, 5, 0, 0)]),
        (["2024/3/25 下午 2:05:06", "2024/3/25 上午 2:05"], [(14, 5, 6, 0), (2, 5, 0, 0)]),
        (["20240325140506"] * 2, [(14, 5, 6, 0)] * 2),
    ],
)
def test_times_of_day(type_frame: Type, texts: list[str], expected: list[tuple[int, ...]]) -> None:
    found = values(type_frame({"x": "date"}, x=texts))
    assert [(at.hour, at.minute, at.second, at.microsecond) for at in found] == expected


def test_moments_with_a_zone_are_moved(type_frame: Type) -> None:
    texts = [
        "2024-07-01T22:30:00Z",
        "2024-01-01 22:30+00:00",
        "2024-07-01 10:00:00.5 -0500",
        "2024-07-01 12:00:00 UTC",
        "2024-07-01 09:00",
    ]
    expected = [
        datetime(2024, 7, 2, 0, 30), datetime(2024, 1, 1, 23, 30), datetime(2024, 7, 1, 17, 0, 0, 500_000),
        datetime(2024, 7, 1, 14), datetime(2024, 7, 1, 9),
    ]  # fmt: skip
    assert values(type_frame({"x": "date"}, "Europe/Berlin", x=texts)) == expected
    aware = pd.to_datetime(["2024-07-01T22:30:00Z"])
    assert values(type_frame({"x": "date"}, "Asia/Seoul", x=aware)) == [datetime(2024, 7, 2, 7, 30)]
    assert values(type_frame({"x": "date"}, "Asia/Seoul", x=aware.tz_localize(None))) == [datetime(2024, 7, 1, 22, 30)]
    given = ReadOptions(date_format="%d/%m/%Y %H:%M %z")
    assert values(type_frame({"x": "date"}, "Asia/Seoul", given, x=["01/07/2024 22:30 +0000"])) == [
        datetime(2024, 7, 2, 7, 30)
    ]
    with pytest.raises(ParameterError, match="Mars/Olympus"):
        type_frame({"x": "date"}, "Mars/Olympus", x=texts)


def test_day_and_month_cannot_be_told_apart(type_frame: Type) -> None:
    texts = ["03/04/2024", "05/06/2024", "07/07/2024"]
    with pytest.raises(
        ColumnTypeError, match=r"2 values can be read as %d/%m/%Y and as %m/%d/%Y.*'03/04/2024'.*date_format:"
    ):
        type_frame({"x": "date"}, x=texts)
    given = type_frame({"x": "date"}, options=ReadOptions(date_format="%m/%d/%Y"), x=texts)
    assert values(given)[0] == datetime(2024, 3, 4)
    assert values(type_frame({"x": "date"}, x=["07/07/2024"] * 3)) == [datetime(2024, 7, 7)] * 3
    with pytest.raises(ColumnTypeError, match="not certain"):
        type_frame({"x": "date"}, x=["05.03.24", "05.04.24"])  # 5 March 2024, 3 May 2024, 24 March 2005


def test_one_slip_does_not_decide_the_order(type_frame: Type) -> None:
    """A thousand days up to 12 and one 13: more likely a slip than a year of first twelve days."""
    texts = [f"{1 + i % 12:02d}/{1 + i // 12 % 12:02d}/2024" for i in range(1000)]
    with pytest.raises(ColumnTypeError, match="1 tell which"):
        type_frame({"x": "date"}, x=[*texts, "13/01/2024"])
    assert values(type_frame({"x": "date"}, x=[*texts, *["13/01/2024"] * 50]))[-1] == datetime(2024, 1, 13)


def test_both_orders_in_one_column(type_frame: Type) -> None:
    with pytest.raises(ColumnTypeError, match=r"1 values can only be read as|values can only be read as"):
        type_frame({"x": "date"}, x=["13/01/2024", "01/14/2024", "02/03/2024", "25/03/2024"])


def test_mixed_formats(type_frame: Type) -> None:
    typed = type_frame({"x": "date"}, x=["2024-01-31"] * 30 + ["31.12.2024", "2024-02-30", "soon"])
    assert values(typed) == [datetime(2024, 1, 31)] * 30 + [None] * 3
    assert typed.notes == [
        "x: 3 values cannot be read with %Y-%m-%d, such as '2024-02-30', '31.12.2024', 'soon', and count as missing."
    ]
    with pytest.raises(ColumnTypeError, match=r"3 of 5 values can be read as %Y-%m-%d, 2 as %d\.%m\.%Y"):
        type_frame({"x": "date"}, x=["2024-01-31"] * 3 + ["31.12.2024"] * 2)


def test_format_that_the_first_rows_do_not_show(type_frame: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = type_frame({"x": "date"}, x=[f"no. {i}" for i in range(80_000)] + ["31.12.2024"] * 5)
    assert typed.formats == {"x": "%d.%m.%Y"}
    assert values(typed)[-1] == datetime(2024, 12, 31)
    monkeypatch.setattr(date_texts, "_SAMPLE", 3)
    many = pd.Series(pd.date_range("2000-01-01", periods=300)).astype(str)
    with pytest.raises(ColumnTypeError, match=r"200 as %d\.%m\.%Y"):
        type_frame({"x": "date"}, x=[*many, *["31.12.2024"] * 200])


def test_years_of_two_digits_are_not_years_of_four(type_frame: Type) -> None:
    typed = type_frame({"x": "date"}, x=["25.03.2024"] * 9 + ["25.03.24"])
    assert values(typed)[-1] is None


def test_no_dates(type_frame: Type) -> None:
    with pytest.raises(
        ColumnTypeError, match=r"No value of 'x' can be read as a date, for instance '45000', 'tomorrow'"
    ):
        type_frame({"x": "date"}, x=["tomorrow", "45000"])
    with pytest.raises(ColumnTypeError, match=r"no dates such as 20240131, for instance 45000"):
        type_frame({"x": "date"}, x=[45000, 45001])
    with pytest.raises(ColumnTypeError, match="no dates"):
        type_frame({"x": "date"}, x=[True])
    assert values(type_frame({"x": "date"}, x=pd.Series([None, ""], dtype="str"))) == [None, None]


def test_given_format(type_frame: Type) -> None:
    typed = type_frame(
        {"x": "date", "y": "date"},
        options=ReadOptions(date_format="%d/%m/%Y"),
        x=["03/04/2024", "bad"],
        y=["2024-05-06"] * 2,
    )
    assert values(typed) == [datetime(2024, 4, 3), None]
    assert values(typed, "y") == [datetime(2024, 5, 6)] * 2
    assert typed.formats == {"x": "%d/%m/%Y", "y": "%Y-%m-%d"}
    assert "y: the date format %d/%m/%Y reads no value" in typed.notes[0]
    with pytest.raises(ParameterError, match="%Q"):
        type_frame({"x": "date"}, options=ReadOptions(date_format="%Q"), x=["03/04/2024"])


def test_stored_dates(type_frame: Type) -> None:
    assert values(type_frame({"x": "date"}, x=[date(2024, 1, 31), None])) == [datetime(2024, 1, 31), None]
    assert values(type_frame({"x": "date"}, x=[20240131, 20240201])) == [datetime(2024, 1, 31), datetime(2024, 2, 1)]
    typed = type_frame({"x": "date"}, x=[20240131.0, 20241399.0, np.nan])
    assert values(typed) == [datetime(2024, 1, 31), None, None]
    assert "1 value cannot be read" in typed.notes[0]
    for unit in ("s", "ms", "us", "ns"):
        assert values(type_frame({"x": "date"}, x=pd.array([np.datetime64("2024-01-31T10:11", unit)]))) == [
            datetime(2024, 1, 31, 10, 11)
        ]


# -- ids, texts, flags -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (["007", " 7 ", "\u3000A-1\u00a0", ""], ["007", "7", "A-1", None]),
        (["12346.0", "8.0", None], ["12346", "8", None]),
        (["12346.0", "8.5", "x"], ["12346.0", "8.5", "x"]),
        ([12346.0, np.nan, 1.5, np.inf], ["12346", None, "1.5", None]),
        ([2**53, 7], ["9007199254740992", "7"]),
        ([1, "a", 2.0, None], ["1", "a", "2", None]),
        ([Decimal("7.00"), Decimal("7.50")], ["7", "7.50"]),
        (["NULL", "nan", "N/A", "Null & Co", "NA"], [None, None, None, "Null & Co", "NA"]),
        ([True, False], ["true", "false"]),
    ],
)
def test_ids(type_frame: Type, stored: list[object], expected: list[str | None]) -> None:
    assert values(type_frame({"x": "id"}, x=stored)) == expected


def test_what_was_changed_in_ids_is_noted(type_frame: Type) -> None:
    assert "every id ended in .0" in type_frame({"x": "id"}, x=["7.0", "8.0"]).notes[0]
    assert "2 values such as 'NULL'" in type_frame({"x": "id"}, x=["NULL", "NULL", "7"]).notes[0]
    assert type_frame({"x": "id"}, x=["007", "8"]).notes == []


def test_texts(type_frame: Type) -> None:
    assert values(type_frame({"x": "text"}, x=["  <b>  ", "NULL", "", None])) == ["<b>", "NULL", None, None]
    assert values(type_frame({"x": "text"}, x=pd.Categorical(["a", None, "b"]))) == ["a", None, "b"]


def test_flags(type_frame: Type) -> None:
    typed = type_frame({"x": "flag"}, x=["Yes", "no", "1", "false", "예", "maybe", None])
    assert values(typed) == [True, False, True, False, True, None, None]
    assert "'maybe'" in typed.notes[0]
    assert values(type_frame({"x": "flag"}, x=[1.0, 0.0, None])) == [True, False, None]
    assert values(type_frame({"x": "flag"}, x=[True, False])) == [True, False]
    with pytest.raises(ColumnTypeError, match="yes or no"):
        type_frame({"x": "flag"}, x=["red", "blue"])


# -- the whole -------------------------------------------------------------------------------------------------------------


def test_names_and_expressions() -> None:
    con = connect()
    frame = pd.DataFrame({"Kunde": ["007"], "customer_id": ["other"], "Betrag": ["1,5"]})
    source = read_source(frame, con)
    typed = type_columns(source, {"customer_id": "Kunde", "amount": "Betrag"}, {"customer_id": "id", "amount": "money"})
    assert typed.table.columns == ("customer_id", "amount")
    beside = source.table.select(typed.columns["amount"].name("amount"), source=source.table.customer_id)
    assert beside.to_pyarrow().to_pylist() == [{"amount": Decimal("1.5"), "source": "other"}]
    assert typed.table.schema() == ibis.schema({"customer_id": "string", "amount": "decimal(18, 4)"})
    with pytest.raises(MissingColumnError, match=r"no column 'Datum' for order_date; there are 'Kunde'"):
        type_columns(source, {"order_date": "Datum"}, {"order_date": "date"})
    with pytest.raises(ParameterError, match="type of amount is 'euro'"):
        type_columns(source, {"amount": "Betrag"}, {"amount": "euro"})  # type: ignore[dict-item]
    con.disconnect()


def test_types_of_parquet_and_arrow() -> None:
    con = connect()
    table = con.create_table(
        "t",
        pa.table(
            {
                "n": pa.array([1, None], pa.int8()),
                "d": pa.array([Decimal("1.23456789"), None]),
                "t": pa.array([datetime(2024, 7, 1), None], pa.timestamp("ns", "UTC")),
                "s": pa.array(["2024-07-01", None], pa.large_string()),
            }
        ),
    )
    names = {name: name for name in table.columns}
    typed = type_columns(
        read_source(table, con), names, {"n": "money", "d": "money", "t": "date", "s": "date"}, time_zone="Asia/Tokyo"
    )
    first = typed.table.to_pyarrow().to_pylist()[0]
    assert first == {"n": 1, "d": Decimal("1.2346"), "t": datetime(2024, 7, 1, 9), "s": datetime(2024, 7, 1)}
    con.disconnect()


def test_dates_that_only_an_engine_knows(tmp_path):
    """Infinity and the year 262143: nothing above the engine can hold them, and to_pylist() fell over them."""
    path = tmp_path / "orders.parquet"
    rows = ("2024-01-31", "infinity", "262143-01-01", "0004-01-01 (BC)")
    values = ", ".join(f"('{row}'::TIMESTAMP)" for row in rows)
    con = connect()
    con.raw_sql(f"COPY (FROM (VALUES {values}) t(day)) TO '{path}' (FORMAT parquet)")
    typed = type_columns(read_source(path, con), {"day": "day"}, {"day": "date"}, time_zone="UTC")
    assert typed.table.day.to_pyarrow().to_pylist() == [datetime(2024, 1, 31), None, None, None]
    assert "3 values cannot be read" in " ".join(typed.notes)
    con.disconnect()
