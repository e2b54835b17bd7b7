"""How many rows the steps that hold their outcome in memory can take, and the error where they would not fit."""

from __future__ import annotations

import os
from pathlib import Path

import ibis.expr.types as ir

from kam.errors import TooLargeError
from kam.ledger.engines import pull

SUMMARY_BYTES = 1000
ACTIVITY_BYTES = 250
PANEL_BYTES = 250
SNAPSHOT_DAY_BYTES = 100
SNAPSHOT_BYTES = 450
MIX_BYTES = 250
QUALITY_BYTES = 300
ORDER_BYTES = 200
DELIVERY_BYTES = 150
"""Bytes of memory at the peak per row of a summary, an activity panel, a state panel; per day of a customer and per row of
snapshots; per row of a mix and of facts of quality; per order of which these are made, and per day of a customer's deliveries.
Measured and rounded up, but for mix, quality by month and deliveries, which are estimated from their columns."""

SHARE = 0.8
"""Of the machine's memory, what one step may take."""


def require_memory(n_rows: int, *, bytes_per_row: int, what: str, where: str, hint: str) -> None:
    """Stop before memory runs out.

    Parameters
    ----------
    n_rows : int
        Rows of the outcome.
    bytes_per_row : int
        What a row takes while it is computed.
    what : str
        The outcome, such as "the state panel".
    where, hint : str
        Of the error.

    Raises
    ------
    TooLargeError
        It would take more than :data:`SHARE` of the machine's memory; the message says how many rows there may be.

    Examples
    --------
    >>> require_memory(10**12, bytes_per_row=100, what="The panel", where="orders", hint="Take fewer.")
    Traceback (most recent call last):
    ...
    kam.errors.TooLargeError: The panel would have ...
    """
    if not fits(n_rows, bytes_per_row=bytes_per_row):
        limit = int(SHARE * memory_of_machine())
        raise TooLargeError(
            f"{what} would have {n_rows:,} rows and take {n_rows * bytes_per_row / 1e9:,.1f} GB of memory; on this machine "
            f"up to {limit // bytes_per_row:,} rows are possible ({limit / 1e9:,.1f} GB).",
            where=where,
            hint=hint,
        )


def require_memory_of(rows: ir.Table, *, at_most: int, bytes_per_row: int, what: str, where: str, hint: str) -> None:
    """:func:`require_memory` for rows that are not computed yet. Their engine counts them first, if so many could be too many.

    Parameters
    ----------
    rows : ibis.expr.types.Table
        The outcome.
    at_most : int
        There are no more rows than that.
    bytes_per_row, what, where, hint : int, str
        As there.

    Raises
    ------
    TooLargeError
        As there.
    """
    if not fits(at_most, bytes_per_row=bytes_per_row):
        n_rows = int(pull(rows.agg(n=rows.count()))["n"][0].as_py())
        require_memory(n_rows, bytes_per_row=bytes_per_row, what=what, where=where, hint=hint)


def fits(n_rows: int, *, bytes_per_row: int) -> bool:
    """Whether so many rows take no more than :data:`SHARE` of the machine's memory."""
    return n_rows * bytes_per_row <= int(SHARE * memory_of_machine())


def memory_of_machine() -> int:
    """Bytes of memory of the machine, or of the container if it is allowed less."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")] if hasattr(os, "sysconf") else []
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = Path(file).read_text().strip() if Path(file).exists() else ""
        found += [int(text)] if text.isdigit() and int(text) else []
    return min(found, default=2**63)
