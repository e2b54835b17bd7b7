"""The history of an account in periods of twelve months, counted back from the last complete month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from kam.programme.account_files import AccountFilesResult

MOST_YEARS = 4
_SUMMED = ("revenue", "margin", "n_orders")


def sum_years(own: AccountFilesResult) -> pd.DataFrame:
    """At most four times twelve months, the earliest first; the first may begin before the account did.

    Parameters
    ----------
    own : AccountFilesResult
        Of one account.

    Returns
    -------
    pandas.DataFrame
        As ``years`` of :class:`DossierResult`.
    """
    months = own.months
    columns = ["year_from", "n_orders", "revenue"]
    if months.empty:
        return pd.DataFrame({name: [] for name in columns}).astype({"year_from": "datetime64[us]"})
    last = months["period"].max()
    frame = months.assign(year=_year(months["period"], last))
    years = frame.groupby("year")[[name for name in _SUMMED if frame[name].notna().any()]].sum()
    if frame["tier"].notna().any():
        years["tier"] = frame.dropna(subset=["tier"]).groupby("year")["tier"].last()
    deliveries = own.deliveries
    if len(deliveries):
        sums = (
            deliveries.assign(year=_year(deliveries["period"], last)).groupby("year")[["n_deliveries", "n_late"]].sum()
        )
        years = years.join(sums)
    events = own.events
    if len(events):
        of_year = _year(events["event_date"].dt.to_period("M").dt.to_timestamp().astype("datetime64[us]"), last)
        what = events["event"]
        counted = {
            "n_complaints": what == "complaint",
            "n_visits": what == "visit",
            "n_won": (what == "tender") & (events["outcome"] == "won"),
            "n_not_won": (what == "tender") & (events["outcome"] == "lost"),
        }
        for name, chosen in counted.items():
            if name.startswith("n_complaints") or chosen.any():
                years[name] = chosen.groupby(of_year).sum()
    counts = [str(name) for name in years if str(name).startswith("n_")]
    years[counts] = years[counts].fillna(0).astype("int64")
    order = [name for name in (*columns[1:], "margin", "n_deliveries", "n_late", "n_complaints", "n_visits", "n_won",
                               "n_not_won", "tier") if name in years]  # fmt: skip
    tail = years.loc[years.index >= 0, order].sort_index().head(MOST_YEARS).iloc[::-1]
    starts = [last - pd.DateOffset(months=12 * int(back) + 11) for back in tail.index]
    tail.insert(0, "year_from", pd.Series(starts, index=tail.index, dtype="datetime64[us]"))
    return tail.reset_index(drop=True)


def _year(months: pd.Series, last: pd.Timestamp) -> pd.Series:
    """How many times twelve months a month lies back, 0 for the last twelve."""
    back = (last.year - months.dt.year) * 12 + last.month - months.dt.month
    return (back // 12).rename("year")
