"""Delimited text: encodings, line ends, quotation marks, damage. No row is lost without a word."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from kam.errors import DuplicateColumnError, EmptyDataError, UnreadableFileError
from kam.ledger.sources import DETECT, ReadOptions, connect
from kam.ledger.text_files import TextTable, read_text_file


@pytest.fixture(scope="module")
def con() -> Iterator[Backend]:
    backend = connect()
    yield backend
    backend.disconnect()


def read(
    content: bytes, con: Backend, folder: Path, options: ReadOptions = DETECT, name: str = "a.csv"
) -> tuple[TextTable, list[tuple[str | None, ...]]]:
    path = folder / name
    path.write_bytes(content)
    copies = folder / "copies"
    copies.mkdir(exist_ok=True)
    text = read_text_file(path, con, copies, options)
    assert not list(copies.iterdir()), "copies are removed"
    return text, con.raw_sql(f"FROM {text.relation}").fetchall()


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("cp949", "cp949"),
        ("utf-32", "utf-32"),
    ],
)
def test_encodings_of_one_text(encoding: str, found: str, con: Backend, tmp_path: Path) -> None:
    content = "고객번호;금액\n007;1,5\n한빛포장;2\n".encode(encoding)
    text, rows = read(content, con, tmp_path)
    assert text.options.encoding == found
    assert text.names == ("고객번호", "금액")
    assert rows == [("007", "1,5"), ("한빛포장", "2")]
    assert text.sha256 == hashlib.sha256(content).hexdigest()


def test_utf_16_without_byte_order_mark(con: Backend, tmp_path: Path) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        text, rows = read("id;name\n007;Söhne\n".encode(encoding), con, tmp_path)
        assert (text.options.encoding, rows) == (encoding, [("007", "Söhne")])


def test_letters_far_behind_the_beginning(con: Backend, tmp_path: Path) -> None:
    """Three megabytes of ASCII say nothing about the encoding of what follows."""
    content = "id;name\n" + "1;aaaaaaaaaaaaaaaaaaaa\n" * 130_000
    text, rows = read((content + "2;삼성전자\n").encode("cp949"), con, tmp_path)
    assert text.options.encoding == "cp949"
    assert rows[-1] == ("2", "삼성전자")
    text, rows = read((content + "2;삼성전자\n").encode(), con, tmp_path)
    assert (text.options.encoding, rows[-1]) == ("utf-8", ("2", "삼성전자"))


def test_blocks_that_end_within_a_letter(con: Backend, tmp_path: Path) -> None:
    """The file is looked at in blocks of a megabyte, and long lines are looked at in part."""
    for shift in range(2):
        line = "한국" * 1500
        lines = [f"{'x' * shift};{line};{line}"] * 120
        content = ("고객;하나;둘\n" + "\n".join(lines) + "\n").encode("cp949")
        assert len(content) > 1 << 20
        text, rows = read(content, con, tmp_path)
        assert text.options.encoding == "cp949"
        assert rows == [("x" * shift or None, line, line)] * 120
    content = "고객;b\n".encode("cp949") + b"1;a\n" * 262_142
    assert len(content) == (1 << 20) - 1
    assert read(content + "한국;x\n".encode("cp949"), con, tmp_path)[0].options.encoding == "cp949"


@pytest.mark.parametrize(
    "content",
    [
        b'a,b\r\n1,"x\ny"\r\n2,z\r\n',
        b'a,b\n1,"x\ny"\n2,z\n',
        b'a,b\n1,"x\r\ny"\n2,z\n',
        b'a,b\r1,"x\ny"\r2,z\r',
        b'a,b\r\n1,"x\ny"\n2,z\r\n',
        b'\xef\xbb\xbfa,b\n1,"x\ny"\n2,z',
        b'a,b\n1,"x\ny"\n2,z\n\n\r\n\n',
        b'\n\na,b\n1,"x\ny"\n\n2,z\n  \n\x1a',
    ],
)
def test_line_ends_and_blank_lines(content: bytes, con: Backend, tmp_path: Path) -> None:
    _, rows = read(content, con, tmp_path)
    assert [(one, two.replace("\r\n", "\n")) for one, two in rows] == [("1", "x\ny"), ("2", "z")]


def test_quotation_marks(con: Backend, tmp_path: Path) -> None:
    _, rows = read(b'a,b,c\n"say ""hi""","1,5",\n5" disk,"",x\n', con, tmp_path)
    assert rows == [('say "hi"', "1,5", None), ('5" disk', None, "x")]


@pytest.mark.parametrize(
    ("content", "what", "where"),
    [
        (b"a,b,c\n1,2,3\n4,5\n7,8,9\n", "1 row has too few fields (the header has 3 fields): '4,5'", "row 3"),
        (b"a,b,c\n1,2,3\n4,5,6,7\n8,9,1,2\n", "2 rows have too many fields", "rows 3, 4"),
        (b'a,b\n1,"open\n2,3\n', "a quotation mark that is not closed", "row 2"),
        (b'a,b\n1,"Big" Co\n', "stands inside a field", "row 2"),
        (b"Title\n\na,b\n1,2\n1,2,3\n", "1 row has too many fields", "row 5"),
        (b"id,amount\n1,1,5\n2,2,5\n", "2 rows have too many fields", "rows 2, 3"),
        (b"a,b\n1,\x002\n", "NUL", "line 2"),
        ("ä,ö\nü,ß\n".encode() + b"x,\xfc\n", "UTF-8, but some bytes in it are not", "line 3"),
        (b"\xef\xbb\xbfa,b\n\xfc,2\n", "UTF-8, but some bytes in it are not", "line 2"),
        (b"007,1.5\n008,2.5\n", "no row with column names", "row 1"),
    ],
)
def test_damage_is_named(content: bytes, what: str, where: str, con: Backend, tmp_path: Path) -> None:
    before = con.raw_sql("SHOW ALL TABLES").fetchall()
    with pytest.raises(UnreadableFileError) as raised:
        read(content, con, tmp_path)
    assert what in raised.value.what
    assert raised.value.where is not None
    assert raised.value.where.startswith("a.csv")
    assert raised.value.where.endswith(where)
    assert raised.value.hint
    assert con.raw_sql("SHOW ALL TABLES").fetchall() == before


def test_a_row_that_is_damaged_far_behind_the_sample(con: Backend, tmp_path: Path) -> None:
    content = "id;name\n" + "1;a\n" * 100_000 + "2;b;c\n" + "1;a\n" * 100_000
    with pytest.raises(UnreadableFileError, match=r"1 row has too many fields.*row 100002"):
        read(content.encode(), con, tmp_path)


def test_wrong_encoding_given(con: Backend, tmp_path: Path) -> None:
    content = "größe;b\n1;2\n".encode("cp1252")
    with pytest.raises(UnreadableFileError, match=r"cannot be read as utf-8.*line 1"):
        read(content, con, tmp_path, ReadOptions(encoding="utf-8"))
    text, _ = read(content, con, tmp_path, ReadOptions(encoding="latin-1", delimiter=";", header_row=1))
    assert text.names == ("größe", "b")
    assert set(text.findings.values()) == {"given"}


def test_late_bytes_that_the_encoding_does_not_have(con: Backend, tmp_path: Path) -> None:
    content = "고객;금액\n".encode("cp949") + b"1;2\n" * 400_000 + b"\xff\xff;2\n"
    with pytest.raises(UnreadableFileError, match="cp949") as raised:
        read(content, con, tmp_path, ReadOptions(encoding="cp949"))
    assert "line" in str(raised.value.where)


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"\xef\xbb\xbf", b"a,b\n", b"a,b", b"a,b\n\n  \n", gzip.compress(b"", mtime=0)]
)
def test_nothing_in_it(content: bytes, con: Backend, tmp_path: Path) -> None:
    with pytest.raises(EmptyDataError, match=r"empty|no rows"):
        read(content, con, tmp_path)


def test_doubled_column(con: Backend, tmp_path: Path) -> None:
    with pytest.raises(DuplicateColumnError, match=r"'id' \(column 1\), 'ID' \(column 3\).*a.csv, line 1"):
        read(b"id,amount,ID\n1,2,3\n", con, tmp_path)


def test_gzip(con: Backend, tmp_path: Path) -> None:
    content = "id;name\n007;삼성\n".encode("cp949") * 1
    text, rows = read(gzip.compress(content), con, tmp_path, name="a.csv.gz")
    assert rows == [("007", "삼성")]
    assert text.sha256 == hashlib.sha256(content).hexdigest()
    with pytest.raises(UnreadableFileError, match="damaged or cut off"):
        read(gzip.compress(b"id;name\n" + b"1;2\n" * 9999)[:-20], con, tmp_path, name="a.csv.gz")


def test_names_that_are_patterns_or_sql(con: Backend, tmp_path: Path) -> None:
    for name in ("orders [1].csv", "what?.csv", "a*b.csv", "it's.csv"):
        _, rows = read(b'i\'d,"am""ount"\n1,2\n', con, tmp_path, name=name)
        assert rows == [("1", "2")]


def test_names_of_columns(con: Backend, tmp_path: Path) -> None:
    text, _ = read(b'Customer  ID , <b>x</b>,,"a|b\'c"\n1,2,3,4\n', con, tmp_path)
    assert text.names == ("Customer ID", "<b>x</b>", "column_3", "a|b'c")


LETTERS = st.sampled_from("aZ09 .,;|'\"\t\n\ré€한客ア")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.text(LETTERS, max_size=8), st.text(LETTERS, max_size=8), st.text(LETTERS)), min_size=1, max_size=12
    ),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_every_row_comes_back(
    rows: list[tuple[str, str, str]], delimiter: str, line_end: str, encoding: str, con: Backend, tmp_path: Path
) -> None:
    """What Python's csv module writes is read as it reads it, whatever stands in it, or a named error is raised."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([("one", "two", "three"), *rows])
    options = ReadOptions(delimiter=delimiter, header_row=1)
    try:
        _, found = read(buffer.getvalue().encode(encoding), con, tmp_path, options)
    except EmptyDataError:
        assert not any("".join(row).strip() for row in rows)
        return

    def plain(row: tuple[str | None, ...]) -> tuple[str | None, ...]:
        return tuple((cell or "").replace("\r\n", "\n").replace("\r", "\n") or None for cell in row)

    assert sorted(map(str, map(plain, found))) == sorted(map(str, map(plain, rows)))
