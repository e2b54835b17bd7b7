"""A PostgreSQL server of Debian's package, started for the tests on loopback, in a temporary folder.

Passwords are asked for (scram-sha-256), as on a real server. ``analyst`` may read what is loaded with
:meth:`PostgresServer.load`, and nothing else: not write, not create, not even a temporary table.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PASSWORD = "adm1n-for-tests"
ANALYST_PASSWORD = "an@lyst/for tests"
"""Of ``analyst``: signs that an address has to quote."""


def find_binaries() -> Path | None:
    """The newest folder with the server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


def why_not() -> str | None:
    """Why no server can be started here; None if it can."""
    if find_binaries() is None:
        return "PostgreSQL's server is not installed (Debian: postgresql)"
    if hasattr(os, "geteuid") and os.geteuid() == 0 and _other_user() is None:
        return "PostgreSQL does not run as root, and there is neither a user postgres nor nobody"
    return None


@dataclass(frozen=True)
class PostgresServer:
    """A running server.

    Attributes
    ----------
    folder : pathlib.Path
        Its own, with data and log.
    port : int
        On 127.0.0.1.
    """

    folder: Path
    port: int

    def address(self, database: str = "postgres", *, user: str = "analyst", password: str | None = None) -> str:
        """The address for ``dataset.yaml``; without a password, as ``postgresql://user@host…``, if that is empty."""
        from urllib.parse import quote

        given = password if password is not None else PASSWORD if user == "admin" else ANALYST_PASSWORD
        return f"postgresql://{user}{':' if given else ''}{quote(given, safe='')}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres", *, user: str = "admin", password: str | None = None) -> Any:
        """A connection of psycopg in which each statement counts at once; ``admin`` may do everything."""
        import psycopg

        given = password if password is not None else PASSWORD if user == "admin" else ANALYST_PASSWORD
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=user, password=given, dbname=database, autocommit=True
        )

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement as admin; its rows, if it has any."""
        with self.connect(database) as con, con.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def create_database(self, name: str, *, options: str = "") -> str:
        """A database of this name, which is made anew; analyst may connect to it, and neither create nor have TEMP."""
        self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self.run(f'CREATE DATABASE "{name}" {options}')
        self.run(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
        self.run(f'GRANT CONNECT ON DATABASE "{name}" TO analyst')
        return name

    def load(
        self, relation: str, types: Mapping[str, str], rows: Iterable[tuple[Any, ...]], *, database: str = "postgres"
    ) -> None:
        """Make a table, named with its schema, from columns with types of PostgreSQL and rows; analyst may read it."""
        schema, name = relation.split(".")
        target = f'"{schema}"."{name}"'
        with self.connect(database) as con, con.cursor() as cursor:
            cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"; GRANT USAGE ON SCHEMA "{schema}" TO analyst')
            cursor.execute(f"DROP TABLE IF EXISTS {target} CASCADE")
            cursor.execute(f"CREATE TABLE {target} ({', '.join(f'{_quote(k)} {v}' for k, v in types.items())})")
            with cursor.copy(f"COPY {target} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute(f"GRANT SELECT ON {target} TO analyst; ANALYZE {target}")

    def objects(self, database: str = "postgres") -> set[tuple[str, str, str]]:
        """Everything that somebody can create: tables, views, sequences, indexes, functions, types, schemas (temporary
        ones too), as kind, schema and name.
        """
        return {
            tuple(row)
            for row in self.run(
                """
                SELECT 'class ' || c.relkind::text, n.nspname::text, c.relname::text
                  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                UNION ALL SELECT 'function', n.nspname::text, p.proname::text || p.oid::text
                  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
                UNION ALL SELECT 'type', n.nspname::text, t.typname::text
                  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
                UNION ALL SELECT 'schema', nspname::text, '' FROM pg_catalog.pg_namespace
                UNION ALL SELECT 'extension', '', extname::text FROM pg_catalog.pg_extension
                """,
                database,
            )
        }

    def control(self, *arguments: str) -> None:
        """``pg_ctl`` with these arguments: ``control("stop", "--mode=fast")``, ``control("start")``."""
        binaries = find_binaries()
        assert binaries is not None
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=256MB"
        extra = ["--options", options, "--log", str(self.folder / "log")] if arguments[0] == "start" else []
        command = [str(binaries / "pg_ctl"), "--pgdata", str(self.folder / "data"), "--wait", *extra, *arguments]
        _run(command, self.folder)


@contextlib.contextmanager
def run_postgres() -> Iterator[PostgresServer]:
    """A server as long as the block runs; its folder is removed."""
    binaries = find_binaries()
    assert binaries is not None and why_not() is None, why_not()
    folder = Path(tempfile.mkdtemp(prefix="kam-pg-"))
    try:
        (folder / "password").write_text(PASSWORD, encoding="utf-8")
        if (user := _other_user()) is not None:
            for path in (folder, folder / "password"):
                os.chown(path, user.pw_uid, user.pw_gid)
        init = [str(binaries / "initdb"), "--pgdata", str(folder / "data"), "--username=admin", "--auth=scram-sha-256"]
        _run(
            [*init, f"--pwfile={folder / 'password'}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
            folder,
        )
        server = PostgresServer(folder, _free_port())
        server.control("start")
        try:
            server.run(f"CREATE ROLE analyst LOGIN PASSWORD '{ANALYST_PASSWORD}'")
            server.run("REVOKE ALL ON DATABASE postgres FROM PUBLIC; GRANT CONNECT ON DATABASE postgres TO analyst")
            yield server
        finally:
            server.control("stop", "--mode=immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _other_user() -> pwd.struct_passwd | None:
    """The user to run as where this is root, as which the server refuses to."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return None


def _run(command: list[str], folder: Path) -> None:
    user = _other_user()
    others = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    with (folder / "output").open("w+b") as output:  # not a pipe: the server that is started would hold it open
        done = subprocess.run(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **others
        )
        output.seek(0)
        if done.returncode:
            log = folder / "log"
            said = output.read().decode(errors="replace") + (log.read_text(errors="replace") if log.exists() else "")
            raise RuntimeError(f"{' '.join(command)}: {said[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
