"""Find the table in a grid of cells or in delimited text: the delimiter, the row with the column names, the names."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time

from kam.errors import UnreadableFileError
from kam.ledger.column_names import require_unique_names

DELIMITERS = (",", ";", "\t", "|")
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}

# A title or a line of notes fills fewer cells than the head of the table.
_HEAD_SHARE = 0.6
_SAMPLE_RECORDS = 300
_DATA_LIKE = re.compile(r"[-+(]?[\d][\d.,:/' \-]*\)?([eE][-+]?\d+)?|\d{4}-\d\d-\d\d[T ].*")


@dataclass(frozen=True, kw_only=True)
class TextLayout:
    """How delimited text is laid out.

    Attributes
    ----------
    delimiter : str
        The character between two fields.
    header_line, header_end : int
        Line where the head of the table begins and the line where it ends; 1 is the first.
    names : tuple of str
        Column names, cleaned.
    findings : dict of str to str
        How delimiter and header were decided.
    """

    delimiter: str
    header_line: int
    header_end: int
    names: tuple[str, ...]
    findings: dict[str, str]


def find_header(rows: Sequence[Sequence[object]], *, where: str) -> int:
    """Find the row that holds the column names.

    Parameters
    ----------
    rows : sequence of sequences
        The first rows of a sheet or a text, from its very beginning; cells are texts, numbers, dates or empty.
    where : str
        The file, for the error.

    Returns
    -------
    int
        Position in ``rows``, 0 is the first.

    Raises
    ------
    UnreadableFileError
        The row that should hold the names holds numbers or dates: the table has no header.

    Notes
    -----
    Assumes that (1) titles and notes above a table fill less than 60 % of the cells that its full rows fill; (2) at least
    half of the column names do not look like a number or a date.

    Examples
    --------
    >>> find_header([["Sales 2024", "", ""], ["", "", ""], ["id", "date", "amount"], ["7", "2024-01-01", 5.0]], where="a")
    2
    """
    filled = [sum(not is_blank(cell) for cell in row) for row in rows]
    counts = sorted(count for count in filled if count)
    full = counts[int(0.9 * (len(counts) - 1))] if counts else 0  # a few damaged rows may hold more
    for position, row in enumerate(rows):
        if filled[position] < max(1, _HEAD_SHARE * full):
            continue
        if not looks_like_data(row):
            return position
        if filled[position] >= full:
            shown = ", ".join(str(cell) for cell in row if not is_blank(cell))[:80]
            raise UnreadableFileError(
                f"There is no row with column names: the first full row holds values ({shown}).",
                where=f"{where}, row {position + 1}",
                hint="Put a row with the names above the table, or give its number under options: header_row:.",
            )
    raise UnreadableFileError("No row with column names was found.", where=where, hint="Give options: header_row:.")


def is_blank(cell: object) -> bool:
    """Whether a cell holds nothing."""
    return cell is None or (isinstance(cell, str) and not cell.strip("\ufeff\x1a \t\r\n\u00a0\u3000"))


def looks_like_data(row: Iterable[object]) -> bool:
    """Whether more than half of the filled cells are numbers, dates or flags.

    >>> looks_like_data(["12346", "2024-01-01", "note"]), looks_like_data(["id", "2023", "2024", "name"])
    (True, False)
    """
    cells = [cell for cell in row if not is_blank(cell)]
    data = sum(
        bool(_DATA_LIKE.fullmatch(cell.strip()))
        if isinstance(cell, str)
        else isinstance(cell, int | float | date | time)
        for cell in cells
    )
    return 2 * data > len(cells)


def clean_names(cells: Iterable[object], *, where: str) -> tuple[str, ...]:
    r"""Column names without surrounding and repeated blanks; a nameless column is called after its position.

    Raises
    ------
    DuplicateColumnError
        A name stands twice (capital and small letters are not told apart, as in every database).

    Examples
    --------
    >>> clean_names([" Customer\nID", "", "amount"], where="a.csv")
    ('Customer ID', 'column_2', 'amount')
    """
    names = tuple(
        f"column_{position}" if is_blank(cell) else " ".join(str(cell).replace("\ufeff", "").split())
        for position, cell in enumerate(cells, start=1)
    )
    require_unique_names(names, where=where)
    return names


def find_text_layout(
    text: str, *, where: str, delimiter: str | None = None, header_row: int | None = None
) -> TextLayout:
    r"""Find delimiter and header of delimited text.

    Parameters
    ----------
    text : str
        The first lines, complete ones.
    where : str
        The file, for errors.
    delimiter : str, optional
        Given instead of found.
    header_row : int, optional
        Line of the header, given instead of found; 1 is the first.

    Returns
    -------
    TextLayout
        The layout.

    Raises
    ------
    UnreadableFileError
        There is no row with column names.
    DuplicateColumnError
        A name stands twice.

    Examples
    --------
    >>> layout = find_text_layout("Report\n\nid;amount\n007;1,5\n008;2,5\n", where="a.csv")
    >>> layout.delimiter, layout.header_line, layout.names
    (';', 3, ('id', 'amount'))
    """
    lines = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = [line + "\n" for line in lines]
    if header_row is not None and header_row > len(lines):
        raise UnreadableFileError(
            f"header_row is {header_row}, but the first part of the file has {len(lines)} lines.",
            where=where,
            hint="Correct options: header_row:; 1 is the first line.",
        )
    findings: dict[str, str] = {}
    if delimiter is None:
        if match := re.fullmatch(r'"?sep=(.)"?\n', lines[0], re.IGNORECASE):
            delimiter, findings["delimiter"] = match[1], "named in the first line of the file"
        else:
            fits = {one: fit for one in DELIMITERS if (fit := _fit(lines, one, header_row))}
            if not fits:  # one column: a delimiter that nothing in the file uses
                delimiter = next((one for one in ("\t", "|", ";", ",") if one not in text), "\t")
                findings["delimiter"] = "no character splits the lines into columns: one column"
            else:
                delimiter = max(fits, key=lambda one: fits[one].rank)
                share = f"{fits[delimiter].share:.0%} of the first lines have as many fields as the header"
                findings["delimiter"] = f"{DELIMITER_NAMES[delimiter]}: {share}"
    records = _records(lines, delimiter, header_row)
    if not records:
        raise UnreadableFileError("There is no row with column names.", where=where, hint="Check the file.")
    position = 0 if header_row is not None else find_header([fields for _, _, fields in records], where=where)
    first, last, fields = records[position]
    if header_row is None:
        filling = f"line {first} is the first that fills the columns of the table"
        findings["header_row"] = "the first row" if first == 1 else filling
    names = clean_names(fields, where=f"{where}, line {first}")
    return TextLayout(delimiter=delimiter, header_line=first, header_end=last, names=names, findings=findings)


def _records(lines: list[str], delimiter: str, header_row: int | None = None) -> list[tuple[int, int, list[str]]]:
    """The first records with the lines where they begin and end."""
    skipped = (header_row or 1) - 1
    reader = csv.reader(iter(lines[skipped:]), delimiter=delimiter, skipinitialspace=True)
    records = []
    begin = 1
    try:
        for fields in reader:
            records.append((skipped + begin, skipped + reader.line_num, fields))
            begin = reader.line_num + 1
            if len(records) >= _SAMPLE_RECORDS:
                break
    except csv.Error:  # a field longer than the module allows: what came before it is sample enough
        pass
    return records


@dataclass(frozen=True)
class _Fit:
    """How well a delimiter splits."""

    share: float
    """Of the rows: as wide as the header."""
    header_line: int
    width: int

    @property
    def rank(self) -> tuple[bool, int, float, int]:
        """A wrong delimiter finds its "header" below the true one, which it does not split."""
        return self.share >= 0.9, -self.header_line, self.share, self.width


def _fit(lines: list[str], delimiter: str, header_row: int | None) -> _Fit | None:
    records = _records(lines, delimiter, header_row)
    rows = [fields for _, _, fields in records]
    try:
        position = 0 if header_row is not None else find_header(rows, where="")
    except UnreadableFileError:
        return None
    if not rows or len(rows[position]) < 2:
        return None
    body = [row for row in rows[position + 1 :] if not all(is_blank(cell) for cell in row)]
    share = sum(len(row) == len(rows[position]) for row in body) / len(body) if body else 1.0
    return _Fit(share, records[position][0], len(rows[position]))
