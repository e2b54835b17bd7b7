"""What is known of each account, from ledger and account file, in the units in which people speak of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kam.columns import read_numbers, require_columns
from kam.errors import DataError

DAYS_PER_YEAR = 365.25
FACTS = {
    "revenue_year": "net revenue of the last twelve complete months, in money",
    "profit": "profit over the whole ledger, in money",
    "share_margin": "profit over net revenue",
    "share_profit": "profit over the sum of the positive profits",
    "orders_per_year": "orders a year since the first order; the first year counts whole",
    "tenure_years": "years since the relationship began: since the account file's date, or the first order",
    "gap_cv": "variation of the gaps between purchase days",
    "n_silent_gaps": "days since the last order over the account's own median gap",
    "growth": "last twelve complete months over the twelve before, less 1",
    "potential": "whole demand a year, from whomever bought, in money",
    "share_wallet": "revenue of the last twelve complete months over the whole demand",
    "n_competitors": "competitors named in the account file",
    "overdue": "money overdue",
}
"""Facts by name, with what they are; what the data do not hold is not a column. Judged criteria come under their own names."""


def account_facts(
    summary: pd.DataFrame,
    panel: pd.DataFrame,
    *,
    accounts: pd.DataFrame | None = None,
    profit: pd.Series | None = None,
    judged: tuple[str, ...] = (),
) -> pd.DataFrame:
    """One row per customer of the ledger with the facts of :data:`FACTS` that the data hold.

    Parameters
    ----------
    summary : pandas.DataFrame
        As from :func:`kam.ledger.summarize_customers`.
    panel : pandas.DataFrame
        As from :func:`kam.ledger.activity_panel` by month.
    accounts : pandas.DataFrame, optional
        The account file; customers whom it lacks have missing facts.
    profit : pandas.Series, optional
        Profit of each customer, by ``customer_id``; by default the margin of the summary, where there is one.
    judged : tuple of str
        Judged criteria: columns of the account file that are handed on.

    Returns
    -------
    pandas.DataFrame
        In the order of the summary: ``customer_id, revenue``, then the facts.

    Raises
    ------
    MissingColumnError
        The summary or the panel lacks a column.
    DataError
        Profit is not known of every customer.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-01"])
    >>> summary = pd.DataFrame({"customer_id": ["a"], "revenue": [120.0], "margin": [30.0], "n_orders": [12],
    ...     "tenure_days": [365.25], "gap_cv": [0.1], "days_since_last_order": [60.0], "median_gap_days": [30.0]})
    >>> panel = pd.DataFrame({"customer_id": ["a"], "period": days, "revenue": [120.0]})
    >>> account_facts(summary, panel).loc[0, ["orders_per_year", "share_margin", "n_silent_gaps"]].tolist()
    [12.0, 0.25, 2.0]
    """
    for frame, name, needed in (
        (summary, "summary", ["customer_id", "revenue", "n_orders", "tenure_days", "gap_cv", "days_since_last_order"]),
        (panel, "panel", ["customer_id", "period", "revenue"]),
    ):
        require_columns(
            frame, needed, where=f"the {name}", hint="Give what summarize_customers and activity_panel return."
        )
    ids = summary["customer_id"].astype(str)
    facts = pd.DataFrame({"customer_id": ids, "revenue": summary["revenue"].astype(float)}).reset_index(drop=True)
    this, before = _last_two_years(panel)
    facts["revenue_year"] = ids.map(this).fillna(0.0).to_numpy()
    if profit is None and "margin" in summary:
        profit = pd.Series(summary["margin"].to_numpy(dtype=float), index=ids)
    if profit is not None:
        facts["profit"] = ids.map(profit).to_numpy(dtype=float)
        unknown = facts.loc[~np.isfinite(facts["profit"]), "customer_id"]
        if len(unknown):
            raise DataError(
                "Profit is not known of every customer.",
                where=f"customers {unknown.head(3).tolist()}",
                hint="Give the profit of all, by customer_id.",
            )
        facts["share_margin"] = facts["profit"] / facts["revenue"].where(facts["revenue"] > 0)
        total = facts["profit"].clip(lower=0).sum()
        facts["share_profit"] = facts["profit"] / total if total > 0 else np.nan
    known = summary.reset_index(drop=True)
    years = (known["tenure_days"].astype(float) / DAYS_PER_YEAR).clip(lower=1)
    facts["orders_per_year"] = (known["n_orders"] / years).fillna(0.0)
    facts["tenure_years"] = known["tenure_days"].astype(float) / DAYS_PER_YEAR
    facts["gap_cv"] = known["gap_cv"].astype(float)
    gaps = known.get("median_gap_days", pd.Series(np.nan, index=known.index)).astype(float)
    facts["n_silent_gaps"] = known["days_since_last_order"].astype(float) / gaps.clip(lower=1)
    if before is not None:
        earlier = ids.map(before).to_numpy(dtype=float)
        facts["growth"] = facts["revenue_year"] / np.where(earlier > 0, earlier, np.nan) - 1
    return facts if accounts is None else _add_account_file(facts, accounts, known, judged)


def _last_two_years(panel: pd.DataFrame) -> tuple[pd.Series, pd.Series | None]:
    """Revenue by customer of the last twelve months of the panel and of the twelve before; None: the panel is shorter."""
    if panel.empty:
        return pd.Series(dtype=float), None
    last = panel["period"].max()
    year, before = last - pd.DateOffset(months=11), last - pd.DateOffset(months=23)
    this = panel[panel["period"] >= year].groupby("customer_id")["revenue"].sum()
    if panel["period"].min() > before:
        return this, None
    return this, panel[panel["period"].between(before, year, inclusive="left")].groupby("customer_id")["revenue"].sum()


def _add_account_file(
    facts: pd.DataFrame, accounts: pd.DataFrame, known: pd.DataFrame, judged: tuple[str, ...]
) -> pd.DataFrame:
    own = accounts.drop_duplicates("customer_id").set_index("customer_id")
    listed = facts["customer_id"].isin(own.index)
    own = own.reindex(facts["customer_id"]).reset_index(drop=True)
    if "since" in own and "first_order" in known:
        as_of = known["first_order"] + pd.to_timedelta(known["tenure_days"], unit="D")
        since = (as_of - pd.to_datetime(own["since"])).dt.days / DAYS_PER_YEAR
        facts["tenure_years"] = np.fmax(facts["tenure_years"], since)
    if "potential" in own:
        facts["potential"] = read_numbers(own["potential"], "potential", where="the account file")
        facts["share_wallet"] = facts["revenue_year"] / facts["potential"].where(facts["potential"] > 0)
    if "competitors" in own:
        named = own["competitors"].fillna("").astype("str").str.split(r"[;,/|、，；]", regex=True)
        facts["n_competitors"] = named.map(lambda names: float(sum(bool(name.strip()) for name in names))).where(listed)
    for name in ("overdue", *judged):
        if name in own:
            facts[name] = read_numbers(own[name], name, where="the account file")
    return facts
