"""Files as nobody should write them: tables in every encoding and layout, damaged files, YAML and JSON with parts exchanged."""

from __future__ import annotations

import functools
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter
import yaml
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
ENCODINGS = (
    *(
        "utf-8",
        "utf-8-sig",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "latin-1",
        "cp1252",
        "cp1250",
        "cp1251",
        "koi8-r",
    ),
    *("gb18030", "big5", "cp949", "cp932", "euc-jp", "iso2022_jp", "hz", "utf-7", "cp037"),
)
_PIECES = (
    *(
        b"\0",
        b'"',
        b"'",
        b'""',
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b",",
        b";",
        b"\t",
        b"|",
        b"\\",
        b"\x1a",
        b"\xff",
        b"\xfe",
    ),
    *(
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\xff\xfe\0\0",
        b"\x1f\x8b",
        b"PK\x03\x04",
        b"PAR1",
        b"\x80",
        b"\xc3(",
        b"\xed\xa0\x80",
    ),
    *(
        b"#",
        b"=1+1",
        b"<",
        b">",
        b"&",
        b"]]>",
        b"{",
        b"}",
        b"[",
        b"]",
        b": ",
        b"- ",
        b"&a",
        b"*a",
        b"!!python/object",
        b"%",
        b"@",
    ),
    *(
        "\u202e".encode(),
        "한국".encode(),
        "中".encode("gb18030"),
        b"1e999",
        b"-1",
        b"99999999999999999999",
        b"NaN",
        b"null",
        b"\x85",
    ),
)
_HEADS = (
    *("customer_id", "order_date", "amount", "order_id", "quantity", "unit_price", "product_id", "currency", "cost"),
    *(
        "Kunde",
        "Datum",
        "Betrag",
        "거래처",
        "日付",
        "金额",
        "客户编号",
        "customer_id",
        "Customer_ID",
        "",
        " ",
        "a" * 300,
        "name",
    ),
    *(
        "x\ny",
        'q"q',
        "respondent_id",
        "wave",
        "overall",
        "comment",
        "item",
        "answer",
        "Q1",
        "Q2",
        "a,b",
        "a;b",
        "2024",
        "NaN",
        "date",
    ),
)
_CELLS = (
    *(
        "007",
        "7",
        "A-1",
        "",
        " ",
        "nan",
        "NULL",
        "N/A",
        "-",
        "–",
        "0",
        "1",
        "-1",
        "1.5",
        "1,5",
        "1.234,56",
        "1,234.56",
        "1 234,56",
    ),
    *(
        "(12)",
        "12-",
        "€ 5",
        "$1,000",
        "1e5",
        "1e400",
        "∞",
        "9" * 40,
        "0.00005",
        "1/2",
        "50%",
        "１２３",
        "十二",
        "true",
        "no",
    ),
    *(
        "2024-01-31",
        "31.01.2024",
        "01/31/2024",
        "31/1/24",
        "2024-02-30",
        "20240131",
        "2024/1/5 13:00",
        "1.1.1",
        "9999-12-31",
        "0001-01-01",
    ),
    *(
        "2024年1月5日",
        "2024-01-31T10:00:00Z",
        "2024-01-31 25:61",
        "45000",
        "Jan 5, 2024",
        "5. Januar 2024",
        "-4712-01-01",
        "262143-01-01",
    ),
    *(
        "매우 만족",
        "非常满意",
        "やや不満",
        "very satisfied",
        "8",
        "9",
        "5",
        "3",
        "EUR",
        "USD",
        "Müller & Söhne",
        "=1+1",
        "\u202ex",
        "x" * 5000,
    ),
    *(
        'say "hi"',
        "a\nb",
        "a\r\nb",
        "a,b",
        "a;b",
        "a\tb",
        "'; DROP TABLE x; --",
        "<script>",
        "../../x",
        "\x01",
        "\ufeff",
        "\ud7ff",
        "🙂",
    ),
)


def one_of(values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(list(values))


# -- bytes -----------------------------------------------------------------------------------------------------------------

_STEPS = st.lists(
    st.tuples(
        one_of(["cut", "flip", "insert", "remove", "repeat", "swap", "zero", "random"]),
        st.floats(0, 1),
        st.floats(0, 1),
        one_of(_PIECES) | st.binary(min_size=1, max_size=12),
    ),
    min_size=1,
    max_size=5,
)


def damage(content: bytes, steps: list[tuple[str, float, float, bytes]]) -> bytes:
    """The content after each step: a place, a length and what comes there."""
    for kind, place, length, piece in steps:
        at = int(place * len(content))
        end = min(len(content), at + 1 + int(length**4 * 200))
        if kind == "cut":
            content = content[:at]
        elif kind == "flip" and at < len(content):
            content = content[:at] + bytes([content[at] ^ (piece[0] or 1)]) + content[at + 1 :]
        elif kind == "insert":
            content = content[:at] + piece + content[at:]
        elif kind == "remove":
            content = content[:at] + content[end:]
        elif kind == "repeat":
            content = content[:end] + content[at:end] * 3 + content[end:]
        elif kind == "swap":
            content = content[end:] + content[:end]
        elif kind == "zero":
            content = content[:at] + b"\0" * (end - at) + content[end:]
        elif kind == "random":
            content = content[:at] + piece + content[at + len(piece) :]
    return content


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    return _STEPS.map(lambda steps: damage(content, steps))


# -- tables of text --------------------------------------------------------------------------------------------------------


@st.composite
def text_files(draw: st.DrawFn) -> bytes:
    """CSV: any encoding, delimiter, line end, quoting and raggedness; often damaged."""
    delimiter, end = draw(one_of([",", ";", "\t", "|", " ", ":"])), draw(one_of(["\n", "\r\n", "\r"]))
    width = draw(st.integers(1, 6) | st.just(3))
    useful = draw(st.integers(0, 3)) > 0
    heads = ["customer_id", "order_date", "amount"][:width] if useful else []
    heads += draw(st.lists(one_of(_HEADS), min_size=width - len(heads), max_size=width - len(heads)))
    cells = one_of(_CELLS) | st.text(max_size=8)
    typed = [
        one_of(["007", "8", "A"]) if head in ("customer_id", "Kunde") else
        one_of(["2024-01-31", "2024-02-01", "31.12.2023"]) if head in ("order_date", "Datum") else
        one_of(["1.5", "2", "1,5", "-3"]) if head in ("amount", "Betrag") else cells
        for head in heads
    ]  # fmt: skip
    loose = draw(st.integers(0, 3)) == 0
    rows = draw(
        st.lists(
            st.tuples(*(cells if loose else kind for kind in typed)), min_size=draw(one_of([0, 1, 4])), max_size=12
        )
    )
    ragged = loose and draw(st.booleans())
    quoting = draw(one_of(["where needed", "always", "never"]))

    def write(cell: str) -> str:
        if quoting == "always" or (quoting == "where needed" and any(c in cell for c in (delimiter, '"', "\n", "\r"))):
            return '"' + cell.replace('"', '""') + '"'
        return cell

    lines = [delimiter.join(map(write, heads))]
    for n, row in enumerate(rows):
        cut = n % (len(row) + 1) if ragged else len(row)
        lines.append(delimiter.join(map(write, row[:cut] if n % 3 else row)))
    if draw(st.integers(0, 3)) == 0:
        lines = draw(st.lists(one_of(["", "Report of the month", delimiter * 3, "sep=;"]), max_size=3)) + lines
    if draw(st.integers(0, 2)) == 0:
        lines.append(draw(one_of(["", "Total" + delimiter + "12", '"', "\x1a"])))
    content = end.join(lines).encode(draw(one_of(ENCODINGS) | st.just("utf-8")), "replace")
    if draw(st.integers(0, 2)) == 0:
        content = draw(damaged(content))
    if draw(st.integers(0, 15)) == 7:
        import gzip

        content = gzip.compress(content, mtime=0)
        content = draw(damaged(content) | st.just(content))
    return content


# -- workbooks -------------------------------------------------------------------------------------------------------------


@functools.cache
def workbook() -> bytes:
    """A small workbook with numbers, dates, merged cells, several sheets, an error and a formula."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        notes, sheet = book.add_worksheet("notes"), book.add_worksheet("orders")
        notes.write_row(0, 0, ["a note"])
        sheet.write_row(2, 0, ["customer_id", "order_date", "amount", "text"])
        for n in range(8):
            sheet.write_row(3 + n, 0, [f"C{n % 3}"])
            sheet.write_datetime(3 + n, 1, pd.Timestamp(2024, 1 + n, 5).to_pydatetime(), day)
            sheet.write_row(3 + n, 2, [10.5 * n, "é" * n])
        sheet.write_formula(11, 2, "=1/0", None, "#DIV/0!")
        sheet.merge_range(12, 0, 13, 0, "C1")
        sheet.write_boolean(12, 3, True)
        hidden = book.add_worksheet("hidden")
        hidden.hide()
    return target.getvalue()


@functools.cache
def open_document() -> bytes:
    """A small spreadsheet of LibreOffice."""
    rows = "".join(
        f'<table:table-row><table:table-cell office:value-type="string"><text:p>C{n}</text:p></table:table-cell>'
        f'<table:table-cell office:value-type="date" office:date-value="2024-0{n + 1}-05"><text:p>x</text:p></table:table-cell>'
        f'<table:table-cell office:value-type="float" office:value="{n}.5"><text:p>{n}</text:p></table:table-cell>'
        "</table:table-row>"
        for n in range(6)
    )
    head = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{name}</text:p></table:table-cell>'
        for name in ("customer_id", "order_date", "amount")
    )
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces} office:version="1.2"><office:body>'
        f'<office:spreadsheet><table:table table:name="orders"><table:table-row>{head}</table:table-row>{rows}'
        '<table:table-row table:number-rows-repeated="3"><table:table-cell table:number-columns-repeated="3"/></table:table-row>'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>'
    )
    return _pack(
        {"mimetype": kind.encode(), "content.xml": content.encode(), "META-INF/manifest.xml": manifest.encode()}
    )


def _pack(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return target.getvalue()


def _unpack(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


_XML = (
    *(
        b"<c",
        b"</c>",
        b'r="XFD1048576"',
        b't="s"',
        b't="e"',
        b"<v>99999999</v>",
        b"<v>-1</v>",
        b"<v>1e400</v>",
        b'r=""',
        b"<row",
    ),
    *(
        b"</sheetData>",
        b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]>",
        b"&a;",
        b"<![CDATA[",
        b"--",
        b'ref="A1:ZZZ9"',
        b'ref="B9:A1"',
    ),
    *(b'count="4000000000"', b"&#0;", b"&#x10FFFF;", b"<is><t>", b's="9999"', b'table:number-columns-repeated="1000"'),
)


@st.composite
def workbooks(draw: st.DrawFn) -> tuple[str, bytes]:
    """The name's ending and the bytes of a workbook whose archive, or one part of it, is damaged."""
    ending, content = draw(one_of([(".xlsx", workbook()), (".ods", open_document())]))
    if draw(st.integers(0, 2)) == 0:
        content = draw(damaged(content))
    else:
        members = _unpack(content)
        name = draw(one_of([*members, *[name for name in members if "sheet" in name or "content" in name] * 4]))
        pieces = one_of(_XML) | one_of(_PIECES)
        for place, length, piece in draw(
            st.lists(st.tuples(st.floats(0, 1), one_of([0, 0, 0, 0.2, 0.5, 0.7]), pieces), min_size=1, max_size=4)
        ):
            part = members[name]
            at = int(place * len(part))
            if draw(st.booleans()):  # at a border of an element, where it hurts most
                at = max(part.rfind(b"<", 0, at), 0)
            members[name] = part[:at] + piece + part[at + int(length**4 * 200) :]
        if draw(st.integers(0, 9)) == 0:
            del members[draw(one_of(members))]
        content = _pack(members)
    return draw(one_of([ending] * 8 + [".xls", ".xlsb", ".xlsm", ".csv", ".parquet"])), content


# -- Parquet ---------------------------------------------------------------------------------------------------------------


@functools.cache
def parquet(compression: str) -> bytes:
    """A small Parquet file."""
    frame = pd.DataFrame(
        {
            "customer_id": ["007", "8", None, "A\0B"] * 10,
            "order_date": pd.date_range("2024-01-05", periods=40, freq="7D"),
            "amount": [1.5, -2.0, None, 3e300] * 10,
            "quantity": range(40),
            "flag": [True, False, None, True] * 10,
            "group": pd.Categorical(["a", "b"] * 20),
        }
    )
    target = io.BytesIO()
    frame.to_parquet(target, compression=compression)
    return target.getvalue()


@st.composite
def parquet_files(draw: st.DrawFn) -> bytes:
    """A Parquet file that is damaged, half the time in its footer, which describes it."""
    content = parquet(draw(one_of(["none", "snappy", "gzip", "zstd"])))
    if draw(st.booleans()):
        return draw(damaged(content))
    length = int.from_bytes(content[-8:-4], "little")
    footer = draw(damaged(content[-8 - length : -8]))
    return content[: -8 - length] + footer + len(footer).to_bytes(4, "little") + b"PAR1"


# -- YAML and JSON ---------------------------------------------------------------------------------------------------------

_LEAVES = (
    st.none() | st.booleans() | st.integers(-(10**6), 10**20) | st.floats() | st.text(max_size=12) | one_of(_CELLS)
    | one_of(
        ["sample", "customer_id", "orders.csv", "../x", "*.csv", "/", "[", "\0", "2025-12-31",
         "UTC", "utf-8", "EUR", "en", "wide", "long"]
    )
)  # fmt: skip
VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


def _places(content: Any) -> list[tuple[Any, Any]]:
    """Every ``(container, key)`` of nested dicts and lists."""
    found = []
    if isinstance(content, (dict, list)):
        for key in list(content) if isinstance(content, dict) else range(len(content)):
            found += [(content, key), *_places(content[key])]
    return found


@st.composite
def exchanged(draw: st.DrawFn, content: Any) -> Any:
    """A copy of nested dicts and lists with one to three parts exchanged, taken out or added."""
    content = json.loads(json.dumps(content))
    for _ in range(draw(st.integers(1, 3))):
        places = _places(content)
        if not places:
            break
        inside, key = draw(one_of(range(len(places))).map(places.__getitem__))
        kind = draw(one_of(["exchange", "exchange", "remove", "add", "copy"]))
        if kind == "exchange":
            inside[key] = draw(VALUES)
        elif kind == "remove":
            del inside[key]
        elif kind == "add" and isinstance(inside, dict):
            inside[draw(st.text(max_size=8) | one_of(["password", "source", "columns", "name", "items"]))] = draw(
                VALUES
            )
        elif kind == "copy":
            other, from_key = places[draw(st.integers(0, len(places) - 1))]
            if isinstance(other, dict) == (from_key in other if isinstance(other, dict) else False):
                inside[key] = json.loads(json.dumps(other[from_key], default=str))
    return content


@st.composite
def yaml_files(draw: st.DrawFn, text: str) -> bytes:
    """YAML whose values are exchanged, or whose bytes are damaged."""
    if draw(st.booleans()):
        return draw(damaged(text.encode()))
    content = draw(exchanged(yaml.safe_load(text.replace("2025-12-31", "'2025-12-31'"))))
    return yaml.safe_dump(content, allow_unicode=draw(st.booleans())).encode("utf-8", "replace")


@st.composite
def notebook_files(draw: st.DrawFn, text: str) -> bytes:
    """A notebook whose JSON is exchanged or damaged, often in the cell of its parameters."""
    kind = draw(one_of(["bytes", "parts", "parameters"]))
    if kind == "bytes":
        return draw(damaged(text.encode()))
    content = json.loads(text)
    if kind == "parts":
        return json.dumps(draw(exchanged(content))).encode("utf-8", "replace")
    for cell in content["cells"]:
        if "parameters" in cell.get("metadata", {}).get("tags", []):
            source = "".join(cell["source"]).encode()
            cell["source"] = draw(damaged(source)).decode("utf-8", "replace")
    return json.dumps(content).encode()
