"""Names in a message: the first few, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence

from kam.wording import Wording

MOST = 5


def name_first(names: Sequence[str]) -> str:
    """The first five names, for the place of an error.

    Examples
    --------
    >>> name_first(list("abcdefg"))
    'a, b, c, d, e and 2 more'
    """
    return ", ".join(names[:MOST]) + (f" and {len(names) - MOST} more" if len(names) > MOST else "")


def list_first(say: Wording, names: Sequence[str], most: int = MOST) -> str:
    """The first names, in a sentence.

    Examples
    --------
    >>> list_first(Wording(), list("abcdefg"), 3)
    'a, b, c and 4 more'
    """
    shown, more = list(names[:most]), len(names) - most
    return say.listing([*shown, say.plural("one more", "{n} more", more)] if more > 0 else shown)
