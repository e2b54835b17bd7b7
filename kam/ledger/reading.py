"""Open a source of data: text files, Parquet, Excel, a pandas frame, an Ibis table.

The door to this layer: the names that others need of its modules stand here too.
"""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path

import ibis.expr.types as ir
import pandas as pd
from ibis.backends.duckdb import Backend

from kam.errors import ParameterError, UnreadableFileError
from kam.ledger.column_names import require_same_columns
from kam.ledger.column_types import ColumnType, TypedTable, type_columns
from kam.ledger.databases import Relation, is_address, open_relation
from kam.ledger.description import ColumnDescription, SourceDescription, describe_table
from kam.ledger.detection import DELIMITER_NAMES
from kam.ledger.engines import declare_instants
from kam.ledger.file_search import find_files, kind_of_file
from kam.ledger.frames import read_frame, read_ibis_table
from kam.ledger.parquet_files import read_parquet_files
from kam.ledger.sources import DETECT, ReadOptions, SourceTable, connect
from kam.ledger.text_files import read_text_file
from kam.ledger.workbooks import make_table, read_sheet

__all__ = [
    "DETECT",
    "ColumnDescription",
    "ColumnType",
    "ReadOptions",
    "SourceDescription",
    "SourceTable",
    "TypedTable",
    "connect",
    "describe_source",
    "read_source",
    "type_columns",
]


def read_source(
    source: str | Path | pd.DataFrame | ir.Table | Relation, con: Backend, *, options: ReadOptions = DETECT
) -> SourceTable:
    """Open a source.

    Parameters
    ----------
    source : str, pathlib.Path, pandas.DataFrame, ibis.expr.types.Table or Relation
        The path of a CSV (also compressed with gzip), Parquet or Excel file, a pattern such as ``"2024/*.csv"`` for several
        of the same kind and with the same columns, a data frame, an Ibis table, which stays in its own backend, or a table
        of a database, which stays there.
    con : ibis DuckDB backend
        Made by :func:`connect`; holds what is read from text, Excel and frames.
    options : ReadOptions
        How to read; what is None is detected.

    Returns
    -------
    SourceTable
        The columns under their names in the source.

    Raises
    ------
    UnreadableFileError
        Missing, a folder, damaged, of an unknown kind or encoding, or with rows of too many or too few fields.
    EmptyDataError
        No rows.
    DuplicateColumnError
        A name stands twice.
    MissingColumnError
        The files of a pattern have different columns.

    Notes
    -----
    Assumes that (1) a text file has its column names in one row, and one delimiter; (2) an empty field is a missing value;
    (3) a file does not change while it is used: text and Excel are copied into the engine, Parquet is read where it is.

    The fingerprint is the SHA-256 of the content (of a pattern: of the SHA-256 of each file, in the order of their names;
    of a frame: of its values; of an Ibis table: of counts, sums and extremes).

    Examples
    --------
    >>> con = connect()
    >>> source = read_source(pd.DataFrame({"customer": ["007", "008"], "amount": [1.5, 2.5]}), con)
    >>> source.kind, source.table.columns
    ('frame', ('customer', 'amount'))
    >>> con.disconnect()
    """
    if isinstance(source, pd.DataFrame):
        table, fingerprint = read_frame(source, con)
        return SourceTable(
            table=table, kind="frame", options=options, description="a pandas data frame", fingerprint=fingerprint
        )
    if isinstance(source, Relation):
        opened = open_relation(source, con)
        return _read_ibis(opened.table, options, opened.description)
    if isinstance(source, ir.Table):
        return _read_ibis(source, options, "an Ibis table")
    if is_address(str(source)):
        raise ParameterError(
            "This is the address of a database, and no table of it is named.",
            hint="Give Relation(address, 'schema.table'); in dataset.yaml, `relation: schema.table` beside `source:`.",
        )
    paths = find_files(source)
    kinds = {path: kind_of_file(path) for path in paths}
    if len(set(kinds.values())) > 1:
        raise UnreadableFileError(
            f"The pattern names files of several kinds: {', '.join(sorted(set(kinds.values())))}.",
            where=str(source),
            hint="End the pattern in .csv, .parquet or .xlsx.",
        )
    kind = kinds[paths[0]]
    if kind == "parquet":
        table = con.table(read_parquet_files(paths, con))
        return SourceTable(
            table=table,
            kind=kind,
            options=options,
            description=_name(paths),
            fingerprint=_digest([_sha256(p) for p in paths]),
        )
    return _read_texts(paths, con, options) if kind == "csv" else _read_sheets(paths, con, options)


def describe_source(
    source: str | Path | pd.DataFrame | ir.Table | Relation, con: Backend, *, options: ReadOptions = DETECT
) -> SourceDescription:
    """Open a source and describe it column by column, for a first ``dataset.yaml``.

    Parameters
    ----------
    source, con, options
        As for :func:`read_source`.

    Returns
    -------
    SourceDescription
        The opened source, its number of rows, and every column: examples, share missing, dates, numbers, leading zeros.

    Raises
    ------
    DataError
        As for :func:`read_source`.

    Examples
    --------
    >>> con = connect()
    >>> description = describe_source(pd.DataFrame({"id": ["007", "008"], "day": ["31.01.2024", "1.2.2024"]}), con)
    >>> description.columns[0].leading_zeros, description.columns[1].date_format
    (True, '%d.%m.%Y')
    >>> con.disconnect()
    """
    return describe_table(read_source(source, con, options=options))


def _read_ibis(table: ir.Table, options: ReadOptions, description: str) -> SourceTable:
    table = declare_instants(table)
    fingerprint = read_ibis_table(table, where=description)
    return SourceTable(table=table, kind="ibis", options=options, description=description, fingerprint=fingerprint)


def _read_texts(paths: tuple[Path, ...], con: Backend, options: ReadOptions) -> SourceTable:
    first, digests = None, []
    with tempfile.TemporaryDirectory(prefix="kam-") as folder:
        for path in paths:
            text = read_text_file(path, con, Path(folder), options)
            digests.append(text.sha256)
            if first is None:
                first = text
                continue
            require_same_columns(first.names, text.names, first=paths[0].name, other=path.name)
            con.raw_sql(f"INSERT INTO {first.relation} BY NAME FROM {text.relation}")
            con.drop_table(text.relation)
    assert first is not None
    delimiter = DELIMITER_NAMES.get(first.options.delimiter or "", repr(first.options.delimiter))
    return SourceTable(
        table=con.table(first.relation),
        kind="csv",
        options=first.options,
        description=f"{_name(paths)} (text, {first.options.encoding}, {delimiter})",
        fingerprint=_digest(digests),
        findings=first.findings,
    )


def _read_sheets(paths: tuple[Path, ...], con: Backend, options: ReadOptions) -> SourceTable:
    first, *others = [read_sheet(path, replace(options, sheet=name)) for path in paths for name in options.sheets]
    cells = {name: list(column) for name, column in first.cells.items()}
    for sheet in others:
        require_same_columns(list(cells), list(sheet.cells), first=first.where, other=sheet.where)
        columns = {name.casefold(): column for name, column in sheet.cells.items()}
        for name, column in cells.items():
            column.extend(columns[name.casefold()])
    used, findings = first.options, dict(first.findings)
    if notes := " ".join(
        dict.fromkeys(sheet.findings["notes"] for sheet in (first, *others) if "notes" in sheet.findings)
    ):
        findings["notes"] = notes
    if isinstance(options.sheet, tuple):
        names = tuple(str(sheet.options.sheet) for sheet in (first, *others)[: len(options.sheet)])
        if len(set(names)) < len(names):
            raise ParameterError("A sheet is named twice.", where=first.where, hint="Name each sheet once.")
        same = {sheet.options.header_row for sheet in others} <= {used.header_row}
        used = replace(used, sheet=names, header_row=used.header_row if same else None)
    return SourceTable(
        table=con.create_table(f"source_{uuid.uuid4().hex}", make_table(cells)),
        kind="excel",
        options=used,
        description=f"{_name(paths)} (sheet {', '.join(map(repr, used.sheets))})",
        fingerprint=_digest([_sha256(path) for path in paths]),
        findings=findings,
    )


def _name(paths: tuple[Path, ...]) -> str:
    return paths[0].name if len(paths) == 1 else f"{len(paths)} files from {paths[0].name} to {paths[-1].name}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(digests: list[str]) -> str:
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
