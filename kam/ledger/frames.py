"""Take data frames and Ibis tables as sources."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.backends.duckdb import Backend
from ibis.common.exceptions import IbisError

from kam.errors import ColumnTypeError, EmptyDataError
from kam.ledger.column_names import require_unique_names

_FRAME = "the data frame"
_EXACT = 1e14  # of larger numbers ten-thousandths are no 64-bit integers; NaN is not below it either


def read_frame(frame: pd.DataFrame, con: Backend) -> tuple[ir.Table, str]:
    """Copy a data frame into the engine; its index is left out.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any types; a column that holds several kinds of values becomes text, whole numbers without a decimal point.
    con : ibis DuckDB backend
        Where the table is made.

    Returns
    -------
    tuple of ibis table and str
        The table, and a hash of names, types and values.

    Raises
    ------
    EmptyDataError
        It has no rows or no columns.
    DuplicateColumnError
        A name stands twice.
    ColumnTypeError
        A column is of a type that DuckDB does not have.
    """
    if not len(frame) or not len(frame.columns):
        raise EmptyDataError("There are no rows.", where=_FRAME, hint="Check how it was made.")
    names = [str(name) or f"column_{i}" for i, name in enumerate(frame.columns, start=1)]
    require_unique_names(names, where=_FRAME)
    arrays = [_make_array(frame.iloc[:, i]) for i in range(len(names))]
    table = pa.table(arrays, names=names)
    digest = hashlib.sha256(repr([(name, str(array.type)) for name, array in zip(names, arrays, strict=True)]).encode())
    for array in arrays:
        values = array.to_pandas()
        values = values.astype(str) if pa.types.is_nested(array.type) else values  # lists cannot be hashed
        digest.update(pd.util.hash_pandas_object(values, index=False).to_numpy().tobytes())
    try:
        return con.create_table(f"source_{uuid.uuid4().hex}", table), digest.hexdigest()
    except (IbisError, duckdb.Error, pa.ArrowException, KeyError) as error:  # KeyError: Ibis does not know the type
        raise ColumnTypeError(
            f"The data frame cannot be taken into DuckDB: {str(error).splitlines()[0]}",
            where=_FRAME,
            hint="Convert the column to texts, numbers or dates.",
        ) from error


def _make_array(values: pd.Series) -> pa.Array:
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    try:
        array = pa.Array.from_pandas(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        array = pa.array(_as_texts(values), pa.string())
    array = array.cast(pa.string()) if pa.types.is_null(array.type) else array
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _as_texts(values: Iterable[object]) -> list[str | None]:
    return [
        None
        if value is None or value != value or value is pd.NaT or value is pd.NA
        else str(int(value))
        if isinstance(value, float) and value.is_integer()
        else str(value)
        for value in values
    ]


def read_ibis_table(table: ir.Table, *, where: str = "the table") -> str:
    """Check an Ibis table and take its fingerprint in one scan; the table itself is used as it is, in its own backend.

    Parameters
    ----------
    table : ibis.expr.types.Table
        Of any backend.
    where : str
        What to call it in messages.

    Returns
    -------
    str
        A hash of schema, counts, sums, smallest and largest values. It is weaker than that of a file: values exchanged
        between rows do not change it.

    Raises
    ------
    EmptyDataError
        It has no rows.
    DuplicateColumnError
        Two names differ in capital letters only.
    """
    schema = table.schema()
    require_unique_names(schema.names, where=where)
    facts: dict[str, ir.Scalar] = {"n": table.count()}
    for position, (name, type_) in enumerate(schema.items()):
        column = table[name]
        facts[f"n{position}"] = column.count()
        if type_.is_numeric() and not type_.is_boolean():
            # Whole numbers of ten-thousandths where possible: sums of doubles differ from run to run.
            whole = (column * 10_000).round().cast("decimal(38, 0)") if type_.is_floating() else column
            facts[f"sum{position}"] = (
                ibis.ifelse(column.abs() < _EXACT, whole, None) if type_.is_floating() else whole
            ).sum()
        if type_.is_string():
            facts[f"sum{position}"] = column.length().sum()
        if type_.is_numeric() or type_.is_temporal() or type_.is_string():
            facts[f"min{position}"], facts[f"max{position}"] = column.min(), column.max()
    # As texts: Python has no dates before the year 1 or after 9999, and Arrow no decimals of any scale.
    odd = {key: fact for key, fact in facts.items() if fact.type().is_decimal() or fact.type().is_temporal()}
    facts |= {key: fact.cast("string") for key, fact in odd.items()}
    found = table.aggregate(**facts).to_pyarrow().to_pylist()[0]
    if not found["n"]:
        raise EmptyDataError("There are no rows.", where=where, hint="Check the query that made it.")
    return hashlib.sha256(repr((str(schema), sorted(found.items()))).encode()).hexdigest()
