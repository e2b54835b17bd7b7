"""How many rows the steps that hold their outcome in memory can take, and the error where they would not fit."""

from __future__ import annotations

import os
from pathlib import Path

from kam.errors import TooLargeError

SUMMARY_BYTES = 1000
ACTIVITY_BYTES = 250
PANEL_BYTES = 250
"""Bytes of memory at the peak per row of a summary, an activity panel, a state panel: measured, and rounded up."""

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
    limit = int(SHARE * memory_of_machine())
    if n_rows * bytes_per_row > limit:
        raise TooLargeError(
            f"{what} would have {n_rows:,} rows and take {n_rows * bytes_per_row / 1e9:,.1f} GB of memory; on this machine "
            f"up to {limit // bytes_per_row:,} rows are possible ({limit / 1e9:,.1f} GB).",
            where=where,
            hint=hint,
        )


def memory_of_machine() -> int:
    """Bytes of memory of the machine, or of the container if it is allowed less."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")] if hasattr(os, "sysconf") else []
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = Path(file).read_text().strip() if Path(file).exists() else ""
        found += [int(text)] if text.isdigit() and int(text) else []
    return min(found, default=2**63)
