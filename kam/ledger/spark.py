"""Tables of Spark: those of the session that is there, or of a small one of kam's own, for trying.

Only ``SELECT`` is sent. kam works in a session of its own beside the user's (:meth:`~pyspark.sql.SparkSession.newSession`): the
same catalog and the same executors, but settings, functions and temporary views apart, so that the user's stay as they are.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from glob import glob
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
import sqlglot
from ibis import pyspark as _pyspark  # noqa: F401  (to be named here makes its options known to Ibis)
from ibis.backends.pyspark import Backend
from ibis.formats.pandas import PandasData
from py4j.protocol import Py4JError
from pyspark import SparkContext
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from sqlglot.errors import SqlglotError

from kam.errors import DatabaseError, TooLargeError
from kam.ledger.databases import OpenedRelation, Relation
from kam.ledger.sources import TemporaryDuckDB

ACTIVE, LOCAL = "spark://active", "spark://local"

_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",  # else bars are printed into notebooks
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.session.timeZone": "UTC",
    "spark.log.level": "ERROR",
}


class _Backend(Backend):
    """A session of kam's own, which ends without the one that it stands beside; what comes back comes as Arrow."""

    def to_pyarrow(self, expr: ir.Expr, /, **options: Any) -> Any:
        """See :func:`collect`."""
        assert options.pop("limit", None) in (None, "default") and not options.get("params")
        return expr.__pyarrow_result__(collect(expr.as_table()))

    def execute(self, expr: ir.Expr, /, **options: Any) -> Any:
        """See :func:`collect`."""
        assert options.pop("limit", None) in (None, "default") and not options.get("params")
        table = expr.as_table()
        return expr.__pandas_result__(PandasData.convert_table(collect(table).to_pandas(), table.schema()))

    def disconnect(self) -> None:
        """Nothing to close: Spark counts no sessions. What kam itself started ends with Python."""


def open_spark(relation: Relation, engine: TemporaryDuckDB) -> OpenedRelation:
    """Find a table of Spark, without looking at its rows.

    Parameters
    ----------
    relation : Relation
        ``spark://active``, the session there is, or ``spark://local``, one of kam's own on this machine. Its name is a table or
        view of the catalog (no temporary view: these belong to the user's session), or a path or pattern of Parquet files.
    engine : TemporaryDuckDB
        Keeps the connection.

    Returns
    -------
    OpenedRelation
        The table on Spark.

    Raises
    ------
    DatabaseError
        There is no session, or it ended; no Java, no such table or file, or Spark does not read it.

    Notes
    -----
    Assumes that the tables do not change while they are used: Spark reads them again for every step.
    """
    backend = engine.connections.get(relation.address)
    with named_errors():
        if backend is None or _has_ended(backend._session.sparkContext):
            backend = engine.connections[relation.address] = _connect(relation.address)
    described = f"{relation.name} (Spark)"
    path = _find_path(relation)
    query = f"SELECT * FROM parquet.{_quote(path)}" if path else f"SELECT * FROM {_read_name(relation.name)}"
    try:
        with named_errors(lost_only=True):
            return OpenedRelation(backend.sql(query), described)
    except PySparkException as error:
        raise _explain(error, relation, backend) from error
    except NotImplementedError as error:
        raise DatabaseError(
            f"Spark has a column of a type that is not known here: {error}", where=described, hint="Cast it in a view."
        ) from error


def collect(expression: ir.Table) -> pa.Table:
    """Compute an expression on Spark and bring what comes of it here, as Arrow.

    Ibis takes the rows one by one, as Python's objects, in which a missing whole number is NaN.

    Raises
    ------
    DatabaseError
        The session ended on the way, a file or a table is gone, or Spark broke the query off.
    TooLargeError
        It is more than Spark's driver may take.
    """
    backend = expression.get_backend()
    with named_errors():
        found = backend.raw_sql(backend.compile(expression)).toArrow()
    return found.cast(expression.schema().to_pyarrow())


def _connect(address: str) -> Backend:
    session = SparkSession.getActiveSession()
    kind = address.strip().rstrip("/").lower()
    if kind == ACTIVE and session is None:
        raise DatabaseError(
            "There is no active Spark session.",
            where=ACTIVE,
            hint=f"Make one before the dataset is opened, or write {LOCAL} to try it on this machine.",
        )
    if kind not in (ACTIVE, LOCAL):
        raise DatabaseError(
            f"{address!r} is no address of Spark.",
            where="Spark",
            hint=f"Write {ACTIVE} or {LOCAL}; a cluster is where the session is made.",
        )
    backend = _Backend()
    backend.do_connect((session or _start()).newSession())
    return backend


def _start() -> SparkSession:
    """A Spark of kam's own on this machine, which ends with Python, and its folder with it."""
    home = os.environ.get("JAVA_HOME")
    if not (shutil.which("java") or (home and (Path(home) / "bin" / "java").exists())):
        raise DatabaseError(
            "Spark needs Java, and there is none.", where=LOCAL, hint="Install Java 17, or set JAVA_HOME to it."
        )
    folder = tempfile.mkdtemp(prefix="kam-")
    n = os.cpu_count() or 1
    builder = SparkSession.builder.master(f"local[{n}]").appName("kam")
    settings = _SETTINGS | {"spark.sql.warehouse.dir": folder, "spark.sql.shuffle.partitions": str(2 * n)}
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except (PySparkException, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise DatabaseError(
            f"Spark does not start: {_first_line(error)}", where=LOCAL, hint="It needs Java 17; see JAVA_HOME."
        ) from error
    weakref.finalize(session, shutil.rmtree, folder, ignore_errors=True)
    return session


def _find_path(relation: Relation) -> str | None:
    """The path or pattern of Parquet files that the name is, from the folder; None: it is the name of a table."""
    name = relation.name.strip()
    if not (name.lower().endswith(".parquet") or "/" in name or "*" in name):
        return None
    if "://" in name:  # another file system of the cluster
        return name
    path = str((relation.folder or Path()).absolute() / name)
    if not glob(path):
        raise DatabaseError(f"There is no file {name!r}.", where=str(relation.folder or Path().absolute()))
    return path


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _read_name(name: str) -> str:
    """The name of a table with each part in quotes, whatever it holds."""
    try:
        table = sqlglot.exp.to_table(name.strip(), dialect="postgres" if '"' in name else "spark")
        parts = [part.name for part in table.parts]
    except (SqlglotError, AttributeError, ValueError):
        parts = []
    if not 1 <= len(parts) <= 3:
        raise DatabaseError(
            f"{name!r} is no name of a table.",
            where="Spark",
            hint="Write it as schema.table, or as a path of Parquet files.",
        )
    return ".".join(map(_quote, parts))


@contextmanager
def named_errors(*, lost_only: bool = False) -> Iterator[None]:
    """Give what Spark, its driver and the socket to it raise while they compute one name.

    Parameters
    ----------
    lost_only : bool
        Name only the end of the session; what else Spark says stays as it is.
    """
    try:
        yield
    except (PySparkException, Py4JError, OSError, EOFError, AttributeError) as error:
        # What asks a session that was stopped meets None, files that are no more, or catalogs without their formats.
        is_lost = _has_ended(SparkContext._active_spark_context)
        if not is_lost and (lost_only or not isinstance(error, (PySparkException, Py4JError))):
            raise
        raise _explain_midway(error, is_lost=is_lost) from error


def _has_ended(context: SparkContext | None) -> bool:
    if context is None:
        return True
    try:
        return bool(context._jsc.sc().isStopped())
    except (Py4JError, OSError, AttributeError, TypeError):  # stopped by Python; or there is no driver any more
        return True


def _explain_midway(error: BaseException, *, is_lost: bool) -> DatabaseError | TooLargeError:
    said = str(error)
    if "spark.driver.maxResultSize" in said or "OutOfMemoryError" in said:
        return TooLargeError(
            f"What should come back is more than Spark's driver may take: {_find_cause(error)}",
            where="Spark",
            hint="Make the session with more spark.driver.maxResultSize (1 GB unless set) and spark.driver.memory.",
        )
    if is_lost:
        return DatabaseError(
            "The Spark session ended on the way.",
            where="Spark",
            hint="It was stopped, or its driver died, of too little memory for instance. Make one and run it again.",
        )
    if "PATH_NOT_FOUND" in said or "TABLE_OR_VIEW_NOT_FOUND" in said or "FILE_NOT_EXIST" in said:
        return DatabaseError(
            f"The table was changed meanwhile: {_find_cause(error)}", where="Spark", hint="Run it again."
        )
    return DatabaseError(f"Spark broke a query off: {_find_cause(error)}", where="Spark")


def _explain(error: PySparkException, relation: Relation, backend: Backend) -> DatabaseError:
    condition = error.getCondition() or ""
    if condition.startswith(("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND")):
        return DatabaseError(
            f"There is no table or view {relation.name!r}.", where="Spark", hint=_suggest(relation.name, backend)
        )
    return DatabaseError(f"Spark cannot read {relation.name!r}: {_first_line(error)}", where="Spark")


def _suggest(name: str, backend: Backend) -> str:
    """The nearest names of the catalog."""
    sessions: Any = backend.raw_sql("SHOW SCHEMAS").collect()
    names = {}
    for (schema,) in sessions:
        for row in backend.raw_sql(f"SHOW TABLES IN {_quote(schema)}").collect():
            if not row.isTemporary:
                names[f"{schema}.{row.tableName}".casefold()] = f"{schema}.{row.tableName}"
    near = get_close_matches(name.casefold(), names, n=3, cutoff=0.5)
    if near:
        return f"Did you mean {', '.join(names[one] for one in near)}?"
    return "Check the schema and the name; temporary views of your session are not seen."


def _find_cause(error: BaseException) -> str:
    """What went wrong at first, of all that Java tells."""
    told = [line.strip() for line in str(error).splitlines() if line.strip() and not line.lstrip().startswith("at ")]
    causes = [line for line in told if line.startswith("Caused by: ")] or told[1:2] or told
    if not causes:
        return type(error).__name__
    return re.sub(r"^(?:Caused by: |: )?(?:[\w.$]+(?:Exception|Error): )?", "", causes[-1])[:300]


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
