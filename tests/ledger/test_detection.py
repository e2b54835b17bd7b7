"""The layout of text and grids: delimiter, header, names."""

from __future__ import annotations

from itertools import product

import pytest

from kam.errors import DuplicateColumnError, UnreadableFileError
from kam.ledger.detection import clean_names, find_header, find_text_layout, looks_like_data

ROWS = {
    ",": 'id,name,city,day,amount\n1,"Meyer, Söhne",A,2024-01-31,1.5\n2,x;y,B,2024-02-01,2.5\n',
    ";": "id;name;city;day;amount\n1;Meyer, Söhne;A;31.1.2024;1,5\n2;a,b;B;1.2.2024;2,5\n",
    "\t": "id\tname\tcity\tday\tamount\n1\tMeyer, Söhne\tA\t31.1.2024\t1,5\n2\ta;b\tB\t1.2.2024\t2,5\n",
    "|": "id|name|city|day|amount\n1|Meyer, Söhne|A|31.1.2024|1,5\n2|a;b|B|1.2.2024|2,5\n",
}


@pytest.mark.parametrize("delimiter", ROWS)
@pytest.mark.parametrize("above", ["", "Sales 2024\n\n", "Report; created by X, on Monday\n", "\n\n"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_delimiter_and_header(delimiter: str, above: str, line_end: str) -> None:
    layout = find_text_layout((above + ROWS[delimiter]).replace("\n", line_end), where="a.csv")
    assert layout.delimiter == delimiter
    assert layout.names == ("id", "name", "city", "day", "amount")
    assert layout.header_line == layout.header_end == above.count("\n") + 1


def test_semicolons_with_one_decimal_comma_in_every_row() -> None:
    """Split by commas, all rows but the header have two fields."""
    layout = find_text_layout("id;amount\n" + "".join(f"{i};{i},5\n" for i in range(200)), where="a.csv")
    assert (layout.delimiter, layout.names) == (";", ("id", "amount"))


def test_first_line_that_names_the_delimiter() -> None:
    layout = find_text_layout("sep=;\nid;amount\n1;1,5\n", where="a.csv")
    assert (layout.delimiter, layout.header_line) == (";", 2)
    assert "named" in layout.findings["delimiter"]


def test_one_column() -> None:
    layout = find_text_layout("note\na, b\nc\n", where="a.csv")
    assert layout.names == ("note",)
    assert layout.delimiter not in "a, bnote"


def test_header_over_two_lines() -> None:
    layout = find_text_layout('id,"net\namount"\n1,2\n', where="a.csv")
    assert (layout.names, layout.header_line, layout.header_end) == (("id", "net amount"), 1, 2)


def test_given_header_row() -> None:
    layout = find_text_layout("a;b;c\nid;date;amount\n1;2;3\n", where="a.csv", header_row=2)
    assert layout.names == ("id", "date", "amount")
    with pytest.raises(UnreadableFileError, match="header_row is 9"):
        find_text_layout("a;b\n1;2\n", where="a.csv", header_row=9)


def test_a_damaged_row_does_not_hide_the_header() -> None:
    rows = "".join(f"{i},x,y\n" for i in range(50))
    layout = find_text_layout(f"id,name,place\n{rows}1,b,c,d,e,f,g,h,i,j\n{rows}", where="a.csv")
    assert (layout.header_line, layout.names) == (1, ("id", "name", "place"))


def test_no_header() -> None:
    with pytest.raises(UnreadableFileError, match=r"no row with column names.*007.*header_row:"):
        find_text_layout("007,2024-01-01,5.5\n008,2024-01-02,6\n", where="a.csv")


def test_header_with_years_is_a_header() -> None:
    assert find_header([["customer", "region", "2023", "2024"], ["A", "B", 1.0, 2.0]], where="a") == 0
    assert looks_like_data(["2024-01-31 10:00", "-1,5", "(3)"])
    assert not looks_like_data(["a", "1"])


def test_merged_group_names_above_the_names() -> None:
    grid = [
        ["Sales", "", "", "", ""],
        ["Customer", "", "Money", "", ""],
        ["id", "name", "net", "gross", "tax"],
        ["1", "x", 2.0, 3.0, 1.0],
    ]
    assert find_header(grid, where="a") == 2


@pytest.mark.parametrize(("first", "second"), [*product(["amount", " Amount"], ["amount", "AMOUNT "])])
def test_doubled_names(first: str, second: str) -> None:
    with pytest.raises(DuplicateColumnError, match=r"\(column 1\).*\(column 3\)") as raised:
        clean_names([first, "id", second], where="a.csv, line 1")
    assert raised.value.where == "a.csv, line 1"
