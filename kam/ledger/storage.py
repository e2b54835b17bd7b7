"""Where the intermediate tables of a ledger are kept: in its own DuckDB, never in a user's database."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from kam.ledger import engines

ROW = "kam_row_of_the_source"
"""Column with the number of a row in a source that is in the ledger's own DuckDB: the same in every scan."""


def numbered(name: str) -> str:
    """Name of the view of a source that has :data:`ROW` beside its columns.

    Parameters
    ----------
    name : str
        Of the source's table or view.
    """
    return f"{name}_numbered"


@dataclass(frozen=True)
class Storage:
    """The ledger's own DuckDB, and whether the ledger's rows are in it.

    Attributes
    ----------
    con : ibis.backends.duckdb.Backend
        The ledger's own DuckDB.
    is_local : bool
        The rows are on it too. If not, they are in a user's database, where nothing is created.
    """

    con: Backend
    is_local: bool

    def number_rows(self, source: ir.Table) -> ir.Table:
        """A source with :data:`ROW` beside its columns; in a user's database it stays as it is."""
        if not self.is_local:
            return source
        name = source.op().name
        view = numbered(name)
        known = self.con.raw_sql(f"SELECT 1 FROM duckdb_views() WHERE view_name = '{view}'").fetchone()
        if known is None:  # Parquet files have theirs
            self.con.raw_sql(f'CREATE VIEW "{view}" AS SELECT *, rowid AS {ROW} FROM "{name}"')
        return self.con.table(view)

    def keep(self, name: str, expression: ir.Table, *, compress: bool = False) -> ir.Table:
        """Compute an expression over rows once, as a table; in a user's database it stays an expression.

        Parameters
        ----------
        name : str
            Of the table.
        expression : ibis.expr.types.Table
            Its rows.
        compress : bool
            It is about as large as the source: written to the file of the database, which takes several times as long as a
            temporary table, which is in memory until there is too little of it.
        """
        return self.con.create_table(name, expression, temp=not compress) if self.is_local else expression

    def holds_nothing(self, name: str) -> bool:
        """A table that was kept has no rows. What stays an expression is not asked: False."""
        return self.is_local and self.con.raw_sql(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone() is None

    def drop(self, name: str) -> None:
        """Forget a table that was kept."""
        if self.is_local:
            self.con.raw_sql(f'DROP TABLE "{name}"')

    def pull(self, name: str, expression: ir.Table) -> ir.Table:
        """Compute an expression on its engine and put the outcome, which fits in memory, into the ledger's own DuckDB."""
        return self.con.create_table(name, expression if self.is_local else engines.pull(expression), temp=True)
