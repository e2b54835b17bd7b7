"""What a source of data is once it was opened: options, table, fingerprint; and the engine that holds it."""

from __future__ import annotations

import io
import os
import re
import shutil
import tempfile
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import ibis.expr.types as ir
import sqlglot
from ibis.backends.duckdb import Backend
from ibis.backends.sql import SQLBackend

from kam.errors import ParameterError

Kind = Literal["csv", "parquet", "excel", "frame", "ibis"]


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How a file is to be read; what is None is detected.

    Parameters
    ----------
    encoding : str, optional
        Any encoding that Python knows, for instance ``"cp949"``.
    delimiter : str, optional
        The one character between two fields.
    decimal : {".", ","}, optional
        Decimal mark of numbers that are text.
    thousands : str, optional
        Mark between groups of three digits.
    date_format : str, optional
        As for ``strptime``, for instance ``"%d.%m.%Y"``.
    sheet : str, int or a list of them, optional
        Excel: name of the sheet, or its number (1 is the first); several are read one below the other.
    header_row : int, optional
        Number of the row (text files: of the line) that holds the column names; 1 is the first.
    """

    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    date_format: str | None = None
    sheet: str | int | tuple[str | int, ...] | None = None
    header_row: int | None = None

    def __post_init__(self) -> None:
        if self.encoding is not None:
            try:
                io.TextIOWrapper(io.BytesIO(), encoding=self.encoding)  # refuses what is no encoding of text
            except LookupError:
                raise ParameterError(
                    f"Encoding {self.encoding!r} is not known.", hint="Use utf-8, gb18030, cp949, cp932, cp1252, …"
                ) from None
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise ParameterError(
                f"Delimiter {self.delimiter!r} is not one character.", hint="Use , ; | or a tab, for instance."
            )
        if self.decimal not in (None, ".", ","):
            raise ParameterError(f"Decimal mark {self.decimal!r} is not known.", hint='Use "." or ",".')
        if self.thousands is not None and (
            len(self.thousands) > 1 or self.thousands.isalnum() or self.thousands == "-"
        ):
            raise ParameterError(
                f"Thousands mark {self.thousands!r} is not known.", hint='Use ".", ",", " ", "\'" or "" for none.'
            )
        if self.thousands and self.thousands == self.decimal:
            raise ParameterError(f"Decimal and thousands mark are both {self.decimal!r}.", hint="Correct one of them.")
        if self.date_format is not None and "%" not in self.date_format:
            raise ParameterError(
                f"Date format {self.date_format!r} holds no %.", hint="Write it as for strptime, such as %d.%m.%Y."
            )
        if self.header_row is not None and self.header_row < 1:
            raise ParameterError(f"header_row is {self.header_row}.", hint="1 is the first row.")
        if isinstance(self.sheet, (list, tuple)):
            object.__setattr__(self, "sheet", tuple(self.sheet))  # a list of a YAML file
        for sheet in self.sheets:
            if isinstance(sheet, int) and sheet < 1:
                raise ParameterError(f"sheet is {sheet}.", hint="1 is the first sheet; or give its name.")
        if self.sheet == ():
            raise ParameterError("sheet names none.", where="sheet", hint="Name the sheets, or leave it out.")

    @property
    def sheets(self) -> tuple[str | int | None, ...]:
        """The sheets that are named; where none is, one that is None."""
        return self.sheet if isinstance(self.sheet, tuple) else (self.sheet,)


DETECT = ReadOptions()
"""Everything is detected."""


@dataclass(frozen=True, kw_only=True)
class SourceTable:
    """A source that was opened.

    Attributes
    ----------
    table : ibis.expr.types.Table
        The columns under the names they have in the source; of text files every column is text.
    kind : {"csv", "parquet", "excel", "frame", "ibis"}
        What the source is.
    options : ReadOptions
        As given, completed by what was detected.
    description : str
        The source in a few words, for people: file names and how they were read.
    fingerprint : str
        64 hexadecimal digits that change when the content changes.
    findings : dict of str to str
        How each detected option was decided; under ``"notes"`` what else a reader should know.
    """

    table: ir.Table
    kind: Kind
    options: ReadOptions
    description: str
    fingerprint: str
    findings: dict[str, str] = field(default_factory=dict)


class TemporaryDuckDB(Backend):
    """DuckDB in a temporary file that is removed with the connection.

    Attributes
    ----------
    connections : dict of str to backend
        Connections to databases by their address, which are closed with this one.
    """

    def do_connect(self, **config: Any) -> None:
        """Make the file, and no connections yet."""
        self.connections: dict[str, SQLBackend] = {}
        folder = tempfile.mkdtemp(prefix="kam-")
        self.folder = Path(folder)
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        config |= _limit_memory()
        super().do_connect(
            self.folder / "ledger.duckdb",
            temp_directory=str(self.folder / "spill"),
            autoinstall_known_extensions=False,
            autoload_known_extensions=False,
            **config,
        )
        self.raw_sql(
            "PRAGMA disable_progress_bar"
        )  # else printed into notebooks; SET fails in a kernel without ipywidgets

    def create_table(self, name: str, /, obj: Any = None, *, temp: bool = False, **options: Any) -> ir.Table:
        """As Ibis does it, but an expression is compiled to SQL only once: small ledgers take as long as that takes."""
        if not isinstance(obj, ir.Table) or options or obj.schema().null_fields:
            return super().create_table(name, obj, temp=temp, **options)
        self._run_pre_execute_hooks(obj)
        columns = [column.sql(self.dialect) for column in obj.schema().to_sqlglot_column_defs(self.dialect)]
        target = sqlglot.to_identifier(name, quoted=True).sql(self.dialect)
        self.raw_sql(f"CREATE {'TEMP ' if temp else ''}TABLE {target} ({', '.join(columns)})")
        self.raw_sql(f"INSERT INTO {target} {self.compile(obj)}")
        return self.table(name, database=("temp", "main") if temp else None)

    def disconnect(self) -> None:
        """Close everything, and remove the file."""
        for other in self.connections.values():
            other.disconnect()
        super().disconnect()
        self._remove()


MEMORY_LIMIT = "KAM_MEMORY_LIMIT"
"""Environment variable with the memory that a ledger's DuckDB may take, such as 2GB or 512MiB; beyond, it spills to disk."""


def _limit_memory() -> dict[str, str]:
    limit = os.environ.get(MEMORY_LIMIT, "").strip()
    if not limit:
        return {}  # DuckDB's own: 80 % of the machine's
    if not re.fullmatch(r"(?!0+(\.0+)? ?[A-Z])\d+(\.\d+)? ?([KMGT]i?B)", limit, re.IGNORECASE):
        raise ParameterError(f"{MEMORY_LIMIT} is {limit!r}.", hint="Give a size such as 2GB or 512MiB, or none.")
    return {"memory_limit": limit}


def connect() -> Backend:
    """A DuckDB backend of Ibis for one ledger.

    Its database is a temporary file, so that what does not fit in memory (:data:`MEMORY_LIMIT`) spills to disk; the file is
    removed when the backend is closed (``disconnect``), forgotten, or when Python ends. Extensions are never downloaded.

    Raises
    ------
    ParameterError
        :data:`MEMORY_LIMIT` names no size.

    >>> con = connect()
    >>> con.raw_sql("SELECT 1").fetchone()
    (1,)
    >>> con.disconnect()
    """
    backend = TemporaryDuckDB()
    backend.reconnect()
    return backend
