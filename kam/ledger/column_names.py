"""Checks of column names before an engine sees them: DuckDB would rename a double in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kam.errors import DuplicateColumnError, MissingColumnError


def require_unique_names(names: Sequence[str], *, where: str) -> None:
    """Raise where a name stands twice; capital and small letters are not told apart, as in databases.

    Raises
    ------
    DuplicateColumnError
        Names and positions are listed.

    Examples
    --------
    >>> require_unique_names(["id", "amount", "Amount"], where="a.csv")
    Traceback (most recent call last):
        ...
    kam.errors.DuplicateColumnError: A column name stands more than once: 'amount' (column 2), 'Amount' (column 3)...
    """
    counts = Counter(name.casefold() for name in names)
    doubled = [f"{name!r} (column {i})" for i, name in enumerate(names, start=1) if counts[name.casefold()] > 1]
    if doubled:
        raise DuplicateColumnError(
            f"A column name stands more than once: {', '.join(doubled[:6])}.",
            where=where,
            hint="Give every column its own name (capital and small letters count as the same).",
        )


def require_same_columns(names: Sequence[str], others: Sequence[str], *, first: str, other: str) -> None:
    """Raise where two files have different columns; their order does not matter.

    Raises
    ------
    MissingColumnError
        Says which file differs and by what.

    Examples
    --------
    >>> require_same_columns(["id", "amount"], ["amount", "ID"], first="a.csv", other="b.csv")
    """
    known, found = {name.casefold(): name for name in names}, {name.casefold(): name for name in others}
    lacking = [repr(name) for key, name in known.items() if key not in found]
    extra = [repr(name) for key, name in found.items() if key not in known]
    if lacking or extra:
        parts = [f"lacks {', '.join(lacking[:6])}"] * bool(lacking) + [f"has {', '.join(extra[:6])} besides"] * bool(
            extra
        )
        raise MissingColumnError(
            f"The files do not have the same columns: {other} {' and '.join(parts)}.",
            where=f"{other}, compared with {first}",
            hint="Give all files of one table the same columns, or read them apart.",
        )
