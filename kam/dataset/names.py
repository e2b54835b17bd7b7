"""Names for people where the ledger has numbers only."""

from __future__ import annotations

import pandas as pd


def name_accounts(frame: pd.DataFrame, accounts: pd.DataFrame | None) -> pd.DataFrame:
    """Put the account's name beside its number.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per customer, with ``customer_id``; it is not changed.
    accounts : pandas.DataFrame or None
        The account file: ``customer_id`` and ``name``; None, or no column ``name``, means that no name is known.

    Returns
    -------
    pandas.DataFrame
        The same rows with ``name`` after ``customer_id``; the number itself where no name is known.

    Examples
    --------
    >>> accounts = pd.DataFrame({"customer_id": ["007"], "name": ["한빛포장 유통"]})
    >>> name_accounts(pd.DataFrame({"customer_id": ["007", "8"]}), accounts)["name"].tolist()
    ['한빛포장 유통', '8']
    """
    names = frame["customer_id"]
    if accounts is not None and "name" in accounts:
        names = names.map(accounts.set_index("customer_id")["name"]).fillna(names)
    named = frame.copy()
    named.insert(list(named.columns).index("customer_id") + 1, "name", names)
    return named
