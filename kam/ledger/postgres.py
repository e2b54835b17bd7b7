"""Tables and views of PostgreSQL, read only.

Every statement runs in a transaction that PostgreSQL itself holds to reading, and nothing is created, not even a temporary table:
a role that may do nothing but SELECT is enough. What PostgreSQL and its client say when something is wrong becomes a
:class:`~kam.errors.DatabaseError`, without passwords.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.schema as sch
import ibis.expr.types as ir
import psycopg
from ibis.backends.postgres import Backend
from psycopg import conninfo, errors

from kam.errors import DatabaseError
from kam.ledger.databases import OpenedRelation, describe_address
from kam.redaction import redact, remember

_SETTINGS = {"application_name": "kam", "connect_timeout": "15"}
_NUMERIC = "decimal(38, 9)"
_NAME = re.compile(r'(?:"((?:[^"]|"")+)"|([^".\s]+))(\.|$)')

# What stands in a message of the client, what was wrong, what to do about it. {host}, {user} and {database} are of the address.
_REFUSALS = (
    ("password authentication failed|no password supplied", "PostgreSQL does not accept the password of {user!r}.",
     "Give the right one: ${{env:NAME}} in the address, PGPASSWORD, or ~/.pgpass."),
    ('role ".*" does not exist', "PostgreSQL knows no user {user!r}.", "Correct the name before the @ of the address."),
    ('database ".*" does not exist', "There is no database {database!r} on {host}.", "Correct the name behind the last /."),
    ("permission denied for database", "The user {user!r} may not connect to the database {database!r}.",
     "Ask for CONNECT on it."),
    ("no pg_hba.conf entry|no encryption", "The server on {host} does not let {user!r} connect from this machine.",
     "Ask its administrator for an entry in pg_hba.conf; some servers need ?sslmode=require at the end of the address."),
    ("Name or service not known|not known|could not translate host|nodename nor servname|No address|failed to resolve",
     "There is no machine called {host!r}.", "Correct the name behind the @ of the address; a VPN may be needed."),
    ("[Cc]onnection refused", "Nothing answers on {host}: the server is down, or listens elsewhere.",
     "Check that it runs, and its port."),
    ("timeout|timed out|unreachable", "{host} does not answer.", "Check the network, a VPN, a firewall."),
    ("the database system is (starting up|shutting down|in recovery)|not yet accepting", "The server on {host} is starting or "
     "stopping.", "Try again in a minute."),
    ("too many (clients|connections)|remaining connection slots", "The server on {host} has too many connections.",
     "Try again later, or ask its administrator."),
    ("SSL|certificate", "No safe connection to {host} comes about.", "Look at sslmode and sslrootcert in the address."),
)  # fmt: skip

_FIND = """
SELECT n.nspname::text, c.relname::text, c.oid::bigint, pg_catalog.pg_table_is_visible(c.oid),
       pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
# The type under a domain; whether it is an enumeration or otherwise one of the database's own.
_COLUMNS = """
WITH RECURSIVE base AS (
    SELECT a.attnum, a.attname::text AS name, a.atttypid AS type, a.atttypmod AS modifier, NOT a.attnotnull AS nullable,
           pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS readable
      FROM pg_catalog.pg_attribute a WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT b.attnum, b.name, t.typbasetype, CASE WHEN b.modifier = -1 THEN t.typtypmod ELSE b.modifier END, b.nullable, b.readable
      FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type WHERE t.typtype = 'd'
)
SELECT b.name, pg_catalog.format_type(b.type, b.modifier), b.nullable, b.readable
  FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type WHERE t.typtype <> 'd' ORDER BY b.attnum
"""


@ibis.udf.scalar.builtin(name="text")  # type: ignore[untyped-decorator]
def _text(value: str) -> str:  # type: ignore[empty-body]
    """A value of any type as PostgreSQL writes it."""


def connect_postgres(address: str) -> Backend:
    """Connect, to read only, with UTC as the zone of the session.

    Parameters
    ----------
    address : str
        ``postgresql://user:password@host:port/database``, also with parameters such as ``?sslmode=require``. What is not in it
        comes from ``PGPASSWORD`` and the like, and from ``~/.pgpass``, as for every program that uses PostgreSQL's client.

    Returns
    -------
    ibis PostgreSQL backend
        Its connection is closed with ``disconnect``, or when nothing uses it any more.

    Raises
    ------
    DatabaseError
        The server is not there, or does not let this user in.
    """
    where = describe_address(address)
    try:
        given: dict[str, Any] = conninfo.conninfo_to_dict(address.strip())
    except psycopg.Error:  # whose message may hold a part of a password
        raise DatabaseError(
            "The address of the database cannot be read.",
            where=where,
            hint="Write it as postgresql://user:${env:PGPASSWORD}@host:5432/database; signs such as @ / ? # % in a name are "
            "%40 %2F %3F %23 %25.",
        ) from None
    if password := given.get("password"):
        remember(str(password), "the address of a database")
    try:
        con = _Connection.connect(conninfo.make_conninfo(**{**_SETTINGS, **given}))
    except psycopg.Error as error:
        raise _explain_refusal(error, given, where) from None
    con.read_only = True
    con.place = where
    try:
        backend: Backend = Backend.from_connection(con)
    except BaseException:
        con.close()
        raise
    weakref.finalize(backend, con.close)
    return backend


def find_relation(backend: Backend, name: str) -> OpenedRelation:
    """Find a table or view that this user may read.

    Parameters
    ----------
    backend : ibis PostgreSQL backend
        Made by :func:`connect_postgres`.
    name : str
        With its schema, or without if that is on the search path. As in SQL, names with capital letters, dots or blanks stand in
        double quotes; without quotes, capital letters count only where there is no such name in small ones.

    Returns
    -------
    OpenedRelation
        The columns that the user may read. Those of types that are no numbers, dates, times, texts or flags are texts.

    Raises
    ------
    DatabaseError
        There is none of this name, there are several, or it may not be read.
    """
    place = backend.con.place
    parts = _split_name(name, place)
    with backend.con.cursor() as cursor, backend.con.transaction():
        relations = cursor.execute(_FIND).fetchall()
    oid, schema, relation, usable = _choose(relations, parts, name, place)
    described = f"{schema}.{relation} (PostgreSQL, {place})"
    refused = DatabaseError(
        f"This user may not read {schema}.{relation}.",
        where=described,
        hint=f'Ask for GRANT USAGE ON SCHEMA "{schema}" and GRANT SELECT ON "{schema}"."{relation}".',
    )
    if not usable:
        raise refused
    with backend.con.cursor() as cursor, backend.con.transaction():
        columns = cursor.execute(_COLUMNS, [oid]).fetchall()
    readable = [(column, type_, nullable) for column, type_, nullable, may_read in columns if may_read]
    if not readable:
        raise refused
    mapper = backend.compiler.type_mapper
    types = {column: mapper.from_string(type_, nullable=nullable) for column, type_, nullable in readable}
    odd = {column for column, type_, _ in readable if not _is_known(types[column], type_)}
    schema_of_table = sch.Schema({column: dt.string if column in odd else type_ for column, type_ in types.items()})
    table: ir.Table = ops.DatabaseTable(
        relation, schema=schema_of_table, source=backend, namespace=ops.Namespace(database=schema)
    ).to_expr()
    values = {column: _text(table[column]) for column in odd} | {
        column: table[column].cast(_NUMERIC) for column, type_ in types.items() if _is_open_ended(type_)
    }
    return OpenedRelation(table.mutate(**values) if values else table, described)


# -- names -----------------------------------------------------------------------------------------------------------------


def _split_name(name: str, place: str) -> list[tuple[str, bool]]:
    """The parts of a name, and whether each is quoted."""
    parts, at, ended = [], 0, False
    while not ended and (match := _NAME.match(name.strip(), at)):
        quoted, bare, dot = match.groups()
        parts.append((quoted.replace('""', '"'), True) if quoted else (bare, False))
        at, ended = match.end(), not dot
    if not ended or not 1 <= len(parts) <= 3:
        raise DatabaseError(
            f"{name!r} is no name of a table.", where=place, hint='Write it as schema.table, or "My Schema"."My Table".'
        )
    return parts


def _choose(
    relations: list[tuple[Any, ...]], parts: list[tuple[str, bool]], name: str, place: str
) -> tuple[int, str, str, bool]:
    """The one relation of this name; without a schema, the one on the search path, or the only one."""
    wanted = parts[-2:]  # a database before the schema can only be the connected one, and is not looked at
    for fold in (str.lower, str):
        asked = [text if quoted else fold(text) for text, quoted in wanted]
        found = [row for row in relations if list(row[:2])[-len(asked) :] == asked]
        found = [row for row in found if row[3]] or found if len(asked) == 1 else found
        if len(found) == 1:
            schema, relation, oid, _, usable = found[0]
            return oid, schema, relation, usable
        if found:
            raise DatabaseError(
                f"There are several tables {name!r}: {', '.join(sorted(f'{row[0]}.{row[1]}' for row in found))}.",
                where=place,
                hint="Name the schema too.",
            )
    names = {f"{row[0]}.{row[1]}".casefold(): f"{row[0]}.{row[1]}" for row in relations}
    alone = {str(row[1]).casefold(): f"{row[0]}.{row[1]}" for row in relations}
    text = ".".join(part for part, _ in wanted).casefold()
    near = [names[one] for one in get_close_matches(text, names, n=3, cutoff=0.6)]
    near += [alone[one] for one in get_close_matches(wanted[-1][0].casefold(), alone, n=3, cutoff=0.6)]
    hint = f"Did you mean {', '.join(dict.fromkeys(near[:3]))}?" if near else "Check the schema and the name."
    raise DatabaseError(f"There is no table or view {name!r}.", where=place, hint=hint)


# -- types -----------------------------------------------------------------------------------------------------------------


def _is_known(type_: dt.DataType, name: str) -> bool:
    """Whether kam computes with values of the type; ``name`` is how PostgreSQL calls it."""
    if type_.is_string():
        return name.startswith(("text", "character"))  # and no enumeration, no network address, no XML
    numeric = type_.is_numeric() and name != "money"
    return bool(numeric or type_.is_boolean() or type_.is_date() or type_.is_timestamp())


def _is_open_ended(type_: dt.DataType) -> bool:
    """Numbers without a declared number of digits, or with more than the 38 that Arrow holds."""
    return bool(type_.is_decimal() and (type_.precision or 39) > 38)


# -- errors ----------------------------------------------------------------------------------------------------------------


class _Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose errors have names. Ibis does all its work within :meth:`transaction`."""

    place = "PostgreSQL"

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        with _named_errors(self.place):
            return super().cursor(*arguments, **options)

    @contextmanager
    def transaction(self, *arguments: Any, **options: Any) -> Iterator[psycopg.Transaction]:
        with _named_errors(self.place), super().transaction(*arguments, **options) as transaction:
            yield transaction


@contextmanager
def _named_errors(place: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        named = _explain(error, place)
        if named is None:
            raise
        raise named from error


def _explain(error: psycopg.Error, place: str) -> DatabaseError | None:
    """What went wrong while reading; None where it is an error of the program."""
    said = _first_line(error)
    if isinstance(error, errors.InsufficientPrivilege):
        return DatabaseError(
            f"The database does not let this user read: {said}.", where=place, hint="Ask for GRANT SELECT on it."
        )
    if isinstance(error, (errors.UndefinedTable, errors.UndefinedColumn)):
        return DatabaseError(f"The table was changed meanwhile: {said}.", where=place, hint="Run it again.")
    if isinstance(error, errors.QueryCanceled):
        return DatabaseError(
            f"The database broke a query off: {said}.",
            where=place,
            hint="Its administrator may allow more time (statement_timeout), or give a view with fewer rows.",
        )
    if error.sqlstate is not None and error.sqlstate.startswith("53"):
        return DatabaseError(f"The database has not enough room: {said}.", where=place, hint="Tell its administrator.")
    lost = error.sqlstate is None or error.sqlstate.startswith(("08", "57"))
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)) and lost:
        return DatabaseError(
            f"The connection to the database was lost: {said}.", where=place, hint="Nothing was written. Run it again."
        )
    if isinstance(error, (psycopg.OperationalError, psycopg.DataError)):
        return DatabaseError(
            f"The database cannot compute with these values: {said}.",
            where=place,
            hint="Make a view that leaves such values out, and name it as the relation.",
        )
    return None


def _explain_refusal(error: psycopg.Error, given: dict[str, Any], where: str) -> DatabaseError:
    said = str(error)
    known = {
        "user": given.get("user", ""),
        "database": given.get("dbname", ""),
        "host": given.get("host", "this machine"),
    }
    known["host"] = f"{known['host']}:{given['port']}" if "port" in given else known["host"]
    for pattern, what, hint in _REFUSALS:
        if re.search(pattern, said):
            return DatabaseError(what.format(**known), where=where, hint=hint.format(**known))
    return DatabaseError(f"The database cannot be connected to: {_first_line(error)}.", where=where)


def _first_line(error: psycopg.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return redact(lines[0]).rstrip(".") if lines else type(error).__name__
