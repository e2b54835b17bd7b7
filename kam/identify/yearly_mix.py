"""What each account bought of each product or group in the last year and in the one before."""

from __future__ import annotations

import pandas as pd

from kam.errors import DataError, EmptyDataError


def last_two_years(mix: pd.DataFrame) -> tuple[pd.Timestamp, pd.Timestamp, pd.DataFrame]:
    """The first days of the last year and of the one before, and their rows.

    Parameters
    ----------
    mix : pandas.DataFrame
        As from ``summarize_mix`` by year: ``customer_id, period, group, revenue``.

    Raises
    ------
    EmptyDataError
        There is no row.
    DataError
        The periods are no years, a product or group of an account stands twice in a year, or a revenue is missing.
    """
    if mix.empty:
        raise EmptyDataError("There is no year to look at.", where="the mix", hint="It takes 12 complete months.")
    last = mix["period"].max()
    before = last - pd.DateOffset(years=1)
    if ((mix["period"] > before) & (mix["period"] < last)).any():
        raise DataError(
            "The periods are no years.", where="the mix, column period", hint="Use freq='last_years' or freq='year'."
        )
    rows = mix[mix["period"].isin([last, before])]
    for trouble, what in (
        (rows.duplicated(["customer_id", "period", "group"]), "A group of an account stands twice in a year."),
        (rows["revenue"].isna(), "A revenue is missing."),
    ):
        if trouble.any():
            row = rows[trouble].iloc[0]
            raise DataError(
                what,
                where=f"account {row['customer_id']}, group {row['group']!r}, {row['period']:%Y-%m-%d}",
                hint="Take what summarize_mix gives: one row per account, year and group.",
            )
    return last, before, rows
