"""Read Parquet files as a view of the engine: nothing is copied."""

from __future__ import annotations

import uuid
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet
from ibis.backends.duckdb import Backend

from kam.errors import ColumnTypeError, EmptyDataError, UnreadableFileError
from kam.ledger.column_names import require_same_columns, require_unique_names
from kam.ledger.storage import ROW, numbered
from kam.ledger.text_files import escape_glob

_DAMAGED = "Copy or export it again."


def read_parquet_files(paths: tuple[Path, ...], con: Backend) -> str:
    """Make a view of Parquet files with the same columns.

    Parameters
    ----------
    paths : tuple of pathlib.Path
        The files.
    con : ibis DuckDB backend
        Where the view is made.

    Returns
    -------
    str
        Name of the view.

    Raises
    ------
    UnreadableFileError
        A file is damaged; every column is decoded once to see that.
    EmptyDataError
        There are no rows.
    DuplicateColumnError, MissingColumnError
        A column stands twice, or the files have different columns.
    ColumnTypeError
        The same column has types in two files that do not go together.
    """
    schemas = {path: _read_schema(path) for path in paths}
    for path, schema in schemas.items():
        require_unique_names(schema.names, where=path.name)
    first = schemas[paths[0]]
    for path, schema in schemas.items():
        require_same_columns(first.names, schema.names, first=paths[0].name, other=path.name)
        types = {name.casefold(): type_ for name, type_ in zip(schema.names, schema.types, strict=True)}
        for name, type_ in zip(first.names, first.types, strict=True):
            if _family(type_) != _family(types[name.casefold()]):
                raise ColumnTypeError(
                    f"Column {name!r} is {type_} in {paths[0].name} and {types[name.casefold()]} in {path.name}.",
                    where=path.name,
                    hint="Write both files with the same types.",
                )
    view = f"source_{uuid.uuid4().hex}"
    files = ", ".join(escape_glob(path) for path in paths)
    con.raw_sql(
        f"CREATE VIEW {numbered(view)} AS SELECT *, file_index::BIGINT << 40 | file_row_number AS {ROW} FROM "
        f"read_parquet([{files}], union_by_name = true, binary_as_string = true, hive_types_autocast = false)"
    )
    con.raw_sql(f"CREATE VIEW {view} AS SELECT * EXCLUDE ({ROW}) FROM {numbered(view)}")
    _check_content(view, con, paths)
    return view


def _read_schema(path: Path) -> pa.Schema:
    try:
        return pyarrow.parquet.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFileError(
            f"The Parquet file is damaged: {str(error).splitlines()[0]}", where=path.name, hint=_DAMAGED
        ) from error


def _family(type_: pa.DataType) -> str:
    if pa.types.is_dictionary(type_):
        return _family(type_.value_type)
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "number"
    if pa.types.is_timestamp(type_):
        return "time with zone" if type_.tz else "time"
    if pa.types.is_date(type_):
        return "time"
    if pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_binary(type_):
        return "text"
    return str(type_)


def _check_content(view: str, con: Backend, paths: tuple[Path, ...]) -> None:
    try:  # a hash of whole rows: mere counts are answered without decoding anything
        n_rows = con.raw_sql(f"SELECT count(*), bit_xor(hash(t)) FROM {view} AS t").fetchone()[0]
    except duckdb.Error as error:
        raise UnreadableFileError(
            f"A Parquet file is damaged: {str(error).splitlines()[0]}", where=_names(paths), hint=_DAMAGED
        ) from error
    if not n_rows:
        raise EmptyDataError("There are no rows.", where=_names(paths), hint="Export it again.")


def _names(paths: tuple[Path, ...]) -> str:
    return paths[0].name if len(paths) == 1 else f"{paths[0].name} and {len(paths) - 1} more"
