"""Groups of customers: what a column of the account file says of each."""

from __future__ import annotations

import pandas as pd

from kam.errors import MissingColumnError


def group_accounts(accounts: pd.DataFrame | None, column: str) -> dict[str, str] | None:
    """The group of each customer, such as its industry or region.

    Parameters
    ----------
    accounts : pandas.DataFrame or None
        The account file, with ``customer_id``.
    column : str
        Which column makes the groups; empty: none.

    Returns
    -------
    dict of str to str, or None
        Group by customer; customers for whom nothing is said are left out. None without an account file or a column.

    Raises
    ------
    MissingColumnError
        The account file has no such column.

    Examples
    --------
    >>> accounts = pd.DataFrame({"customer_id": ["007", "8"], "industry": ["food", None]})
    >>> group_accounts(accounts, "industry")
    {'007': 'food'}
    """
    if accounts is None or not column:
        return None
    if column not in accounts.columns:
        raise MissingColumnError(
            f"The account file has no column {column!r}.",
            where=f"columns {', '.join(accounts.columns)}",
            hint="Name another one, or none.",
        )
    known = accounts.dropna(subset=[column]).drop_duplicates("customer_id")
    return dict(zip(known["customer_id"].astype(str), known[column].astype(str), strict=True))
