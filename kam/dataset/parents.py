"""Parent and branches: which accounts are of one group of companies."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from kam.errors import DataError


def find_heads(
    customers: pd.Series, parents: Mapping[str, str] | pd.Series, *, refuse_circles: bool = False
) -> pd.Series:
    """The head of the group of each customer: the last parent of its parents, through any number of levels.

    Parameters
    ----------
    customers : pandas.Series of str
        Customer ids.
    parents : mapping or pandas.Series
        Customer id → id of its parent, which need not be a customer; missing, empty or itself: none.
    refuse_circles : bool
        Whether parents that go round in a circle are an error; else who stands in or below a circle is its own head.

    Returns
    -------
    pandas.Series of str
        Aligned to ``customers``; who has no parent is its own head.

    Raises
    ------
    DataError
        A customer has two parents, or parents go round in a circle where that is refused.

    Examples
    --------
    >>> find_heads(pd.Series(["a", "b", "c"]), {"b": "a", "a": "holding"}).tolist()
    ['holding', 'holding', 'c']
    """
    known = (parents if isinstance(parents, pd.Series) else pd.Series(parents, dtype=object)).dropna()
    known = pd.Series(known.astype(str).to_numpy(), index=known.index.astype(str), dtype=object)
    if known.index.has_duplicates:
        twice = known.index[known.index.duplicated()][:3].tolist()
        raise DataError("An account has two parents.", where=f"accounts {twice}", hint="Keep one row for each.")
    known = known[(known != known.index) & (known.str.strip() != "")]
    heads = known
    for _ in range(len(known).bit_length()):  # each step looks twice as far up
        heads = heads.map(heads).astype(object).fillna(heads)
    circling = heads.isin(known.index)
    if refuse_circles and circling.any():
        where = heads.index[circling][:3].tolist()
        raise DataError("Parents go round in a circle.", where=f"accounts {where}", hint="Correct parent_id.")
    heads = heads[~circling]
    own = customers.astype(str).astype(object)
    return own.map(heads.to_dict()).astype(object).fillna(own).astype("str")
