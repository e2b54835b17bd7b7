"""A table or view of a database as a source: an address, and what the table is called there."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from kam.errors import DatabaseError
from kam.ledger.column_names import require_unique_names
from kam.ledger.engines import declare_instants, pull
from kam.ledger.frames import read_ibis_table
from kam.ledger.sources import DETECT, ReadOptions, SourceTable

if TYPE_CHECKING:
    from kam.ledger.sources import TemporaryDuckDB

_MAX_DECIMAL = 1e28  # PostgreSQL's NaN is larger than any number

POSTGRESQL = ("postgresql", "postgres")
SPARK = ("spark",)
ADDRESSES = "postgresql://user:${env:PGPASSWORD}@host:5432/database, spark://active, spark://local"
"""What addresses look like."""


@dataclass(frozen=True)
class Relation:
    """A table or view of a database.

    Parameters
    ----------
    address : str
        ``postgresql://user:password@host:port/database`` (a password may be left to ``PGPASSWORD`` or ``~/.pgpass``), or one of
        Spark. It is never shown.
    name : str
        The table or view, with its schema: ``"sales.order_lines"``; names with capital letters, dots or blanks in double quotes.
    folder : pathlib.Path, optional
        From where files are named, for an engine that reads some.

    Examples
    --------
    >>> Relation("postgresql://me:hunter2@db.example/warehouse", "sales.order_lines")
    Relation('sales.order_lines', postgresql://…)
    """

    address: str = field(repr=False)
    name: str
    folder: Path | None = field(default=None, repr=False)

    @property
    def scheme(self) -> str:
        """What stands before ``://``, in small letters."""
        return self.address.partition("://")[0].strip().lower()

    def __repr__(self) -> str:
        return f"Relation({self.name!r}, {self.scheme}://…)"


@dataclass(frozen=True)
class OpenedRelation:
    """A relation that was opened.

    Attributes
    ----------
    table : ibis.expr.types.Table
        On its engine.
    description : str
        The relation in a few words, for people, without user and password.
    """

    table: ir.Table
    description: str


def is_address(source: str) -> bool:
    """Whether a source is the address of a database, and no file.

    >>> is_address("postgres://db/warehouse"), is_address("C:/data/orders.csv")
    (True, False)
    """
    return re.match(r"\s*[A-Za-z][A-Za-z0-9+.-]*://", source) is not None


def find_address_fault(address: str) -> str:
    """What is wrong with the kind of an address; empty if it is one that can be read.

    >>> find_address_fault("mysql://db/shop").split(".")[0]
    "addresses that begin with 'mysql://' cannot be read"
    """
    scheme = address.partition("://")[0].strip().lower()
    if scheme in (*POSTGRESQL, *SPARK):
        return ""
    return f"addresses that begin with {scheme[:30] + '://'!r} cannot be read. Allowed: {ADDRESSES}, or a file."


def copy_relation(relation: Relation, con: Backend, *, options: ReadOptions = DETECT) -> SourceTable:
    """Read a relation of moderate size into the own DuckDB, where texts are read as dates and numbers like those of files.

    The rows are put in the order of their values: a database has none of its own. A decimal that is NaN is missing.

    Parameters
    ----------
    relation : Relation
        Table or view.
    con : ibis DuckDB backend
        Made by :func:`kam.ledger.reading.connect`.
    options : ReadOptions
        How its texts are to be read; what is None is detected.

    Returns
    -------
    SourceTable
        The copy.

    Raises
    ------
    DatabaseError
        As for :func:`open_relation`, or the connection is lost on the way.
    EmptyDataError
        It has no rows.
    """
    opened = open_relation(relation, con)
    require_unique_names(opened.table.columns, where=opened.description)
    decimals = {
        name: (opened.table[name].abs() < _MAX_DECIMAL).ifelse(opened.table[name], None)
        for name, type_ in opened.table.schema().items()
        if type_.is_decimal()
    }
    table = declare_instants(opened.table.mutate(**decimals) if decimals else opened.table)
    unordered = f"unordered_{uuid.uuid4().hex}"
    local = con.create_table(unordered, pull(table))
    fingerprint = read_ibis_table(local, where=opened.description)
    ordered = con.create_table(f"source_{uuid.uuid4().hex}", local.order_by(list(local.columns)))
    con.drop_table(unordered)
    return SourceTable(
        table=ordered, kind="ibis", options=options, description=opened.description, fingerprint=fingerprint
    )


def open_relation(relation: Relation, con: Backend) -> OpenedRelation:
    """Connect and find the relation, without looking at its rows; they stay where they are, where nothing is created.

    Parameters
    ----------
    relation : Relation
        Table or view.
    con : ibis DuckDB backend
        Made by :func:`kam.ledger.reading.connect`; the connection is kept with it, and closed with it.

    Returns
    -------
    OpenedRelation
        The table on its engine.

    Raises
    ------
    DatabaseError
        It cannot be reached, or does not let this user in or read; or there is no such relation.
    """
    engine = cast("TemporaryDuckDB", con)
    if fault := find_address_fault(relation.address):
        raise DatabaseError(f"The address cannot be used: {fault}", where=relation.name)
    if relation.scheme in POSTGRESQL:
        _require("psycopg", "PostgreSQL", "postgres")
        from kam.ledger.postgres import connect_postgres, find_relation

        # One connection for all relations of an address; two of them would be of two users.
        backend = engine.connections.get(relation.address)
        if backend is None or backend.con.closed:
            backend = engine.connections[relation.address] = connect_postgres(relation.address)
        return find_relation(backend, relation.name)
    _require("pyspark", "Spark", "spark")
    from kam.ledger.spark import open_spark

    return open_spark(relation, engine)


def _require(package: str, engine: str, extra: str) -> None:
    try:
        import_module(package)
    except ImportError as error:
        raise DatabaseError(
            f"{engine} needs the package {package}: {str(error).splitlines()[0]}.",
            hint=f"Install it with `pip install 'kam[{extra}]'`.",
        ) from None


def describe_address(address: str) -> str:
    """Database and host of an address, without user, password and options.

    >>> describe_address("postgresql://me:hunter2@db.example:5432/warehouse?sslmode=require")
    'warehouse on db.example:5432'
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname or "this machine"
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the address"
    database = parts.path.strip("/")
    return f"{database} on {host}{port}" if database else f"{host}{port}"
