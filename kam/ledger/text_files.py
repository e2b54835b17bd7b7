"""Read delimited text into the engine: encoding, layout, and no row lost without a word.

The file passes through this process once, block by block, for its fingerprint and for the proof that it is UTF-8; DuckDB
then reads it itself. Only what DuckDB cannot read as it is (another encoding, lines above the header, line ends of several
kinds, gzip) is first copied as UTF-8 into the temporary folder of the connection, again block by block.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb
from ibis.backends.duckdb import Backend

from kam.errors import EmptyDataError, UnreadableFileError
from kam.ledger.detection import TextLayout, find_text_layout, is_blank
from kam.ledger.encodings import decide_encoding
from kam.ledger.sources import ReadOptions

_BLOCK = 1 << 20
_HEAD = 1 << 20
_FOREIGN = 1 << 18
_MAX_LINE = 4000
_MAX_REJECTS = 1000
_BOMS = (  # the longer ones first
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WRONG = {
    "MISSING COLUMNS": "too few fields",
    "TOO MANY COLUMNS": "too many fields",
    "UNQUOTED VALUE": "a quotation mark that is not closed, or stands inside a field",
    "LINE SIZE OVER MAXIMUM": "a line of more than 2 MB: is a quotation mark not closed?",
    "INVALID ENCODING": "bytes that are no text",
    "INVALID STATE": "quotation marks that do not follow the rules",
}


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """A text file that was read.

    Attributes
    ----------
    relation : str
        Name of the table in the engine.
    names : tuple of str
        Its columns.
    options : ReadOptions
        Encoding, delimiter and header row as used.
    findings : dict of str to str
        How they were decided.
    sha256 : str
        Of the content.
    """

    relation: str
    names: tuple[str, ...]
    options: ReadOptions
    findings: dict[str, str]
    sha256: str


@dataclass
class _Scan:
    """What one pass through the bytes found."""

    sha256: str = ""
    head: bytes = b""
    foreign: bytes = b""
    n_bytes: int = 0
    n_lf: int = 0
    n_cr: int = 0
    n_crlf: int = 0
    broken_line: int | None = None
    nul_line: int | None = None

    @property
    def mixed_line_ends(self) -> bool:
        return sum(count > 0 for count in (self.n_crlf, self.n_lf - self.n_crlf, self.n_cr - self.n_crlf)) > 1


def read_text_file(path: Path, con: Backend, folder: Path, options: ReadOptions) -> TextTable:
    """Read a delimited text file into a table of the engine; every column is text.

    Parameters
    ----------
    path : pathlib.Path
        The file, may be compressed with gzip.
    con : ibis DuckDB backend
        Where the table is made.
    folder : pathlib.Path
        For copies in UTF-8; they are removed after reading.
    options : ReadOptions
        What is known; the rest is detected.

    Returns
    -------
    TextTable
        The table and how it was read.

    Raises
    ------
    UnreadableFileError
        Unknown or damaged encoding, NUL bytes, no header, rows with too many or too few fields.
    EmptyDataError
        The file is empty, or has a header only.
    DuplicateColumnError
        A column name stands twice.
    """
    where = path.name
    scan = _scan(path)
    if not scan.head.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n\x1a"):
        raise EmptyDataError("The file is empty.", where=where, hint="Export it again.")
    encoding, reason = _find_encoding(scan, options.encoding, where)
    layout = find_text_layout(
        _decode_head(scan, encoding, where), where=where, delimiter=options.delimiter, header_row=options.header_row
    )
    plain = encoding in ("utf-8", "utf-8-sig") and layout.header_end == 1 and not scan.mixed_line_ends
    source, dropped = (
        (path, 0) if plain and not _is_gzip(path) else (folder / f"{uuid.uuid4().hex}.csv", layout.header_end)
    )
    try:
        if dropped:
            _copy_as_utf8(path, source, encoding, skip_lines=dropped)
        relation = _load(source, con, layout, dropped=dropped, where=where)
    finally:
        if dropped:
            source.unlink(missing_ok=True)
    found = ReadOptions(
        encoding=encoding,
        delimiter=layout.delimiter,
        header_row=layout.header_line,
        decimal=options.decimal,
        thousands=options.thousands,
        date_format=options.date_format,
    )
    findings = {"encoding": reason} | layout.findings
    for name in ("encoding", "delimiter", "header_row"):
        if getattr(options, name) is not None:
            findings[name] = "given"
    return TextTable(relation=relation, names=layout.names, options=found, findings=findings, sha256=scan.sha256)


# -- bytes -----------------------------------------------------------------------------------------------------------------


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path) if _is_gzip(path) else path.open("rb")  # type: ignore[return-value]


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with _open(path) as file:
            while block := file.read(_BLOCK):
                yield block
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableFileError(
            "The compressed file is damaged or cut off.", where=path.name, hint="Copy or export it again."
        ) from error


def _scan(path: Path) -> _Scan:
    scan, digest = _Scan(), hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    foreign: list[bytes] = []
    wide = False
    pending_cr = clean = False
    for block in _blocks(path):
        digest.update(block)
        if not scan.n_bytes:
            wide = block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _guess_wide(block) is not None
        if len(scan.head) < _HEAD:
            scan.head += block
        if not wide and scan.nul_line is None and b"\0" in block:
            scan.nul_line = scan.n_lf + block[: block.index(b"\0")].count(b"\n") + 1
        is_ascii = block.isascii()
        if scan.broken_line is None and not (is_ascii and clean):
            try:
                decoder.decode(block)
                clean = not decoder.getstate()[0]
            except UnicodeDecodeError as error:
                scan.broken_line = scan.n_lf + block[: max(error.start, 0)].count(b"\n") + 1
        if not is_ascii and sum(map(len, foreign)) < _FOREIGN:
            lines = block.splitlines()
            whole = lines[1 if scan.n_bytes else 0 : len(lines) - (len(block) == _BLOCK)]
            foreign += [_cut_line(line) for line in whole if not line.isascii()][:400]
        scan.n_crlf += block.count(b"\r\n") + (pending_cr and block.startswith(b"\n"))
        scan.n_cr += block.count(b"\r")
        scan.n_lf += block.count(b"\n")
        pending_cr = block.endswith(b"\r")
        scan.n_bytes += len(block)
    if scan.broken_line is None:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            scan.broken_line = scan.n_lf + 1
    scan.sha256, scan.foreign = digest.hexdigest(), b"\n".join(foreign)
    return scan


def _cut_line(line: bytes) -> bytes:
    """Not too much of a long line, cut where no letter of several bytes is torn."""
    if len(line) <= _MAX_LINE:
        return line
    end = max(line.rfind(mark, 0, _MAX_LINE) for mark in (b",", b";", b"\t", b" "))
    return line[: end + 1]


def _guess_wide(head: bytes) -> str | None:
    """UTF-16 without a byte order mark: every second byte of Latin text is zero."""
    sample = head[:4000]
    n = len(sample) // 2
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if n >= 4 and max(even, odd) > 0.4 * n and min(even, odd) < 0.05 * n:
        return "utf-16-le" if odd > even else "utf-16-be"
    return None


def _find_encoding(scan: _Scan, given: str | None, where: str) -> tuple[str, str]:
    bom = next((name for mark, name in _BOMS if scan.head.startswith(mark)), None)
    if given is not None:
        name = codecs.lookup(given).name
        return (bom if bom and name in ("utf-8", "utf-16", "utf-32") else name), "given"
    if bom:
        if bom == "utf-8-sig" and scan.broken_line is not None:
            raise _damaged_utf8(scan, where)
        return bom, "the file begins with a byte order mark"
    if wide := _guess_wide(scan.head):
        return wide, "every second byte is zero"
    if scan.nul_line is not None:
        raise UnreadableFileError(
            "The file holds NUL bytes: it is damaged, or not a text file.",
            where=f"{where}, line {scan.nul_line}",
            hint="Export it again as CSV in UTF-8.",
        )
    if scan.broken_line is None:
        return "utf-8", "every byte of the file fits UTF-8"
    if _is_mostly_utf8(scan.foreign):
        raise _damaged_utf8(scan, where)
    return decide_encoding(scan.foreign, where=where)


def _damaged_utf8(scan: _Scan, where: str) -> UnreadableFileError:
    return UnreadableFileError(
        "The file is UTF-8, but some bytes in it are not.",
        where=f"{where}, line {scan.broken_line}",
        hint="Correct that line, or export the file again; if it is in another encoding, name it under options: encoding:.",
    )


def _is_mostly_utf8(foreign: bytes) -> bool:
    """Letters above 127 that are UTF-8 outnumber the ones that are not: chance makes few such pairs and hardly a triple."""
    text = foreign.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(not letter.isascii() for letter in text) - bad
    return good >= 3 * bad


def _decode_head(scan: _Scan, encoding: str, where: str) -> str:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(scan.head, final=scan.n_bytes == len(scan.head))
    except UnicodeDecodeError as error:
        raise _undecodable(encoding, where, scan.head[: error.start].count(b"\n") + 1) from error
    if scan.n_bytes > len(scan.head):  # leave the cut line out, if there is a whole one
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    return text


def _undecodable(encoding: str, where: str, line: int) -> UnreadableFileError:
    return UnreadableFileError(
        f"The text cannot be read as {encoding}.",
        where=f"{where}, about line {line}",
        hint="Name the right encoding under options: encoding:, or correct that line.",
    )


def _copy_as_utf8(path: Path, target: Path, encoding: str, *, skip_lines: int) -> None:
    """Copy without the first lines; every kind of line end becomes a line feed."""
    n_lines = 0
    try:
        with (
            _open(path) as raw,
            io.TextIOWrapper(raw, encoding=encoding, newline=None) as text,
            target.open("w", encoding="utf-8", newline="\n") as copy,
        ):
            for _ in range(skip_lines):
                text.readline()
                n_lines += 1
            while chunk := text.read(_BLOCK):
                copy.write(chunk)
                n_lines += chunk.count("\n")
    except UnicodeError as error:
        raise _undecodable(encoding, path.name, n_lines + 1) from error


# -- rows ------------------------------------------------------------------------------------------------------------------


def quote_literal(text: str) -> str:
    """A text as a literal of SQL.

    >>> quote_literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def escape_glob(path: Path) -> str:
    """A path as a literal of SQL that DuckDB does not take for a pattern.

    >>> escape_glob(Path("orders [1].csv"))
    "'orders [[]1].csv'"
    """
    return quote_literal("".join(f"[{letter}]" if letter in "[*?" else letter for letter in str(path)))


def _load(source: Path, con: Backend, layout: TextLayout, *, dropped: int, where: str) -> str:
    relation = f"source_{uuid.uuid4().hex}"
    columns = ", ".join(f"{quote_literal(name)}: 'VARCHAR'" for name in layout.names)
    read = (
        f"CREATE TABLE {relation} AS FROM read_csv({escape_glob(source)}, auto_detect = false, columns = {{{columns}}}, "
        f"delim = {quote_literal(layout.delimiter)}, quote = '\"', escape = '\"', header = {not dropped}, "
        "compression = 'none', hive_partitioning = false, strict_mode = true"
    )
    try:
        con.raw_sql(f"{read})")
    except duckdb.Error as error:
        _explain(con, read, relation, layout, dropped=dropped, where=where, error=error)
    if con.table(relation).count().to_pyarrow().as_py() == 0:
        con.drop_table(relation)
        raise EmptyDataError("The file holds a header and no rows.", where=where, hint="Export it again.")
    return relation


def _explain(
    con: Backend, read: str, relation: str, layout: TextLayout, *, dropped: int, where: str, error: duckdb.Error
) -> None:
    """Read again, now collecting what is wrong, and raise it; blank lines that hold spaces are no fault."""
    rejects, scans = f"rejects_{relation}", f"scans_{relation}"
    try:
        con.raw_sql(
            f"{read}, ignore_errors = true, store_rejects = true, rejects_table = '{rejects}', "
            f"rejects_scan = '{scans}', rejects_limit = {_MAX_REJECTS})"
        )
        rows = con.raw_sql(
            f"SELECT DISTINCT line, error_type::VARCHAR, csv_line FROM {rejects} ORDER BY line"
        ).fetchall()
    except duckdb.Error:
        rows = []
    finally:
        con.raw_sql(f"DROP TABLE IF EXISTS {rejects}")
        con.raw_sql(f"DROP TABLE IF EXISTS {scans}")
    faults = {line: (kind, text) for line, kind, text in rows if not is_blank(text)}
    if rows and not faults and len(rows) < _MAX_REJECTS:
        return
    con.raw_sql(f"DROP TABLE IF EXISTS {relation}")
    if not faults:
        raise UnreadableFileError(
            f"The rows cannot be split into fields: {str(error).splitlines()[0]}",
            where=where,
            hint="Open the file in a text editor and check its quotation marks, or export it again.",
        ) from error
    first = next(iter(faults))
    kinds = {_WRONG.get(kind, kind.lower()) for kind, _ in faults.values()}
    many = "At least " if len(rows) >= _MAX_REJECTS else ""
    shown = [str(line + (layout.header_end if dropped else 0)) for line in list(faults)[:5]]
    raise UnreadableFileError(
        f"{many}{len(faults)} {'row has' if len(faults) == 1 else 'rows have'} {' or '.join(sorted(kinds))} "
        f"(the header has {len(layout.names)} fields): {(faults[first][1] or '')[:120]!r}.",
        where=f"{where}, {'row' if len(shown) == 1 else 'rows'} {', '.join(shown)}{', …' if len(faults) > 5 else ''}",
        hint=f"Correct them, or put fields that hold {layout.delimiter!r} or quotation marks into quotation marks.",
    ) from error
