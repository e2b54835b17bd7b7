"""One row per account of the programme: what each analysis found of it, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kam.dataset.names import name_accounts
from kam.dataset.parents import find_heads
from kam.results import Result

if TYPE_CHECKING:
    from kam.dataset import Dataset

Results = Mapping[str, Result]

_TAKEN: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("abc_xyz", "customers", ("abc_class", "xyz_class", "p_same_class", "share_value")),
    ("key_accounts", "accounts", ("is_key_account", "why", "warning")),
    ("scorecard", "accounts", ("weighted_score", "p_tier_a")),
    ("rfm", "customers", ("segment",)),
    ("profitability", "accounts", ("profit", "cost_to_serve", "quadrant")),
    ("plan", "accounts", ("revenue_target", "target_gap", "share_of_target")),
    ("wallet", "accounts", ("potential", "share_wallet", "elsewhere")),
    ("growth", "candidates", ("p_become_a", "is_named")),
    ("churn_forecast", "customers", (
        "at_risk", "p_churn", "p_churn_low", "p_churn_high", "p_no_order", "p_no_order_low", "p_no_order_high",
        "expected_revenue",
    )),
    ("churn_definition", "customers", ("is_lost", "last_active")),
    ("call_list", "calls", ("list_part",)),
    ("call_list", "accounts", ("expected_loss",)),
    ("post_mortem", "accounts", ("status", "reason")),
    ("win_back", "accounts", ("p_return", "value_if_returns")),
)  # fmt: skip
"""Which columns of which result, one row per account each."""
_TEXTS = (
    "parent_id", "parent_name", "industry", "region", "manager", "sponsor", "competitors", "tier", "why", "warning", "abc_class",
    "xyz_class", "segment", "account_types", "quadrant", "state", "list_part", "status", "reason", "wave",
)  # fmt: skip
ACCOUNT_COLUMNS = (
    "customer_id", "name", "parent_id", "parent_name", "n_in_group", "industry", "region", "manager", "sponsor",
    "customer_since", "competitors",
    "rank", "is_key_account", "tier", "tier_since", "why", "warning", "abc_class", "xyz_class", "p_same_class",
    "weighted_score", "p_tier_a", "segment", "account_types", "share_value", "share_our_revenue",
    "revenue", "revenue_year", "revenue_year_before", "margin_year", "profit", "cost_to_serve", "quadrant",
    "n_orders", "first_order", "last_order", "days_since_last_order", "mean_gap_days",
    "revenue_target", "target_gap", "share_of_target",
    "potential", "share_wallet", "elsewhere", "p_become_a", "is_named",
    "at_risk", "p_churn", "p_churn_low", "p_churn_high", "p_no_order", "p_no_order_low", "p_no_order_high",
    "expected_revenue", "expected_loss", "state", "value_ahead", "ahead_low", "ahead_high",
    "is_lost", "last_active", "status", "reason", "p_return", "value_if_returns", "list_part",
    "satisfaction", "n_respondents", "wave", "n_contacts", "n_allies", "n_deciders", "n_deciders_not_met",
)  # fmt: skip
"""What is said of each account, in this order."""
_FLAGS = ("is_key_account", "is_named", "at_risk", "is_lost")
_DATES = ("customer_since", "tier_since", "first_order", "last_order", "last_active")
_ON_FILE = {"since": "customer_since"} | dict.fromkeys(
    ("parent_id", "industry", "region", "manager", "sponsor", "competitors")
)


def choose_accounts(results: Results) -> list[str]:
    """The accounts of the programme: key accounts, accounts named to grow, large ones to be called, large ones lost.

    Parameters
    ----------
    results : mapping of str to Result
        Of a run, by key.
    """
    listed = _frame(results, "key_accounts", "accounts")
    chosen = [] if listed is None else [listed.loc[listed["is_key_account"].astype(bool), "customer_id"]]
    growing = _frame(results, "growth", "candidates")
    if growing is not None:
        chosen.append(growing.loc[growing["is_named"].astype(bool), "customer_id"])
    for key, table in (("call_list", "calls"), ("post_mortem", "accounts"), ("win_back", "accounts")):
        frame = _frame(results, key, table)
        if frame is not None:
            chosen.append(frame["customer_id"])
    return sorted(set(pd.concat(chosen).astype(str))) if chosen else []


def gather_rows(data: Dataset, results: Results, *, panel: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """One row per customer of the ledger or of the account file, by ``customer_id``; see :class:`AccountFilesResult`.

    Parameters
    ----------
    data : Dataset
    results : mapping of str to Result
        By key; any may be missing.
    panel, summary : pandas.DataFrame
        As from :func:`kam.ledger.activity_panel` by month and :func:`kam.ledger.summarize_customers`.
    """
    on_file = data.accounts
    rows = _orders(summary, panel, pd.Timestamp(data.ledger.last_complete_month or data.ledger.as_of))
    if on_file is not None:
        missing = on_file.loc[~on_file["customer_id"].isin(rows["customer_id"]), ["customer_id"]]
        rows = pd.concat([rows, missing], ignore_index=True)
    rows = name_accounts(rows, on_file)
    if on_file is not None:
        filed = on_file.set_index("customer_id")
        for column, called in _ON_FILE.items():
            if column in filed:
                rows[called or column] = rows["customer_id"].map(filed[column])
        rows = _add_group(rows)
    for key, table, columns in _TAKEN:
        found = _frame(results, key, table)
        if found is None or (key == "profitability" and not getattr(results[key], "pieces", ())):
            continue
        own = found.drop_duplicates("customer_id").set_index("customer_id")
        if key == "post_mortem":
            own["reason"] = own["reason"].where(own["n_notable"] > 0)
        for column in columns:
            if column in own:
                rows[column] = rows["customer_id"].map(own[column])
    listed = _frame(results, "key_accounts", "accounts")
    if listed is not None:
        rows["is_key_account"] = rows["is_key_account"].astype("boolean").fillna(False)
    rows = _add_tier(rows, results)
    rows = _add_types(rows, results)
    rows = _add_value(rows, results)
    return complete_rows(rows).sort_values("customer_id", ignore_index=True)


def _frame(results: Results, key: str, table: str) -> pd.DataFrame | None:
    result = results.get(key)
    return None if result is None else result.tables().get(table)


def _orders(summary: pd.DataFrame, panel: pd.DataFrame, last: pd.Timestamp) -> pd.DataFrame:
    """What the ledger says of each customer: orders, rhythm, and the money of the last twelve months and the twelve before."""
    kept = ["customer_id", "first_order", "last_order", "n_orders", "days_since_last_order", "revenue"]
    rows = summary.sort_values(["revenue", "customer_id"], ascending=[False, True], ignore_index=True)
    gaps = (rows["n_purchase_days"] - 1).where(rows["n_purchase_days"] > 1)
    between = (pd.to_datetime(rows["last_order"]) - pd.to_datetime(rows["first_order"])).dt.days / gaps
    rows = rows[kept].assign(rank=np.arange(1, len(rows) + 1), mean_gap_days=between)
    year, before = last - pd.DateOffset(months=11), last - pd.DateOffset(months=23)
    this = panel[panel["period"] >= year].groupby("customer_id")
    rows["revenue_year"] = rows["customer_id"].map(this["revenue"].sum()).fillna(0.0)
    if "margin" in panel:
        rows["margin_year"] = rows["customer_id"].map(this["margin"].sum()).fillna(0.0)
    if len(panel) and panel["period"].min() <= before:
        previous = (
            panel[panel["period"].between(before, year, inclusive="left")].groupby("customer_id")["revenue"].sum()
        )
        rows["revenue_year_before"] = rows["customer_id"].map(previous).fillna(0.0)
    total = rows["revenue_year"].sum()
    rows["share_our_revenue"] = rows["revenue_year"] / total if total > 0 else np.nan
    return rows


def _add_group(rows: pd.DataFrame) -> pd.DataFrame:
    if "parent_id" not in rows:
        return rows
    parents = rows.set_index("customer_id")["parent_id"]
    heads = find_heads(rows["customer_id"], parents)
    names = rows.set_index("customer_id")["name"]
    has_parent = parents.notna().to_numpy()
    return rows.assign(
        parent_name=rows["parent_id"].map(names).fillna(rows["parent_id"]).where(has_parent),
        n_in_group=heads.map(heads.value_counts()).astype("float64"),
    )


def _add_tier(rows: pd.DataFrame, results: Results) -> pd.DataFrame:
    """The tier in force and since when, or else the class."""
    tiers = _frame(results, "tier_migration", "tiers")
    if tiers is not None and len(tiers):
        ordered = tiers.sort_values(["customer_id", "period"])
        own = ordered.groupby("customer_id")["tier"]
        begins = (
            ordered[ordered["tier"] != own.shift()].drop_duplicates("customer_id", keep="last").set_index("customer_id")
        )
        last = ordered[ordered["period"] == ordered["period"].max()].set_index("customer_id")["tier"]
        return rows.assign(
            tier=rows["customer_id"].map(last),
            tier_since=rows["customer_id"].map(begins["period"]).where(rows["customer_id"].isin(last.index)),
        )
    listed = _frame(results, "key_accounts", "accounts")
    if listed is not None:
        return rows.assign(tier=rows["customer_id"].map(listed.set_index("customer_id")["tier"]))
    return rows


def _add_types(rows: pd.DataFrame, results: Results) -> pd.DataFrame:
    typed = _frame(results, "typology", "accounts")
    if typed is None:
        return rows
    joined = typed.groupby("customer_id", sort=False)["account_type"].agg(lambda types: "; ".join(dict.fromkeys(types)))
    return rows.assign(account_types=rows["customer_id"].map(joined))


def _add_value(rows: pd.DataFrame, results: Results) -> pd.DataFrame:
    """The state of the chain, and the value ahead at the account's own level (of its state where no level is known)."""
    valued = _frame(results, "customer_value", "customers")
    if valued is None:
        chain = _frame(results, "markov_churn", "customers")
        if chain is None or "state" not in chain:
            return rows
        return rows.assign(state=rows["customer_id"].map(chain.set_index("customer_id")["state"]))
    own = valued.set_index("customer_id")
    taken = {"state": "state", "value_ahead": "own_value", "ahead_low": "own_low", "ahead_high": "own_high"}
    for name, column in taken.items():
        values = own[column] if column in own else own[name]
        rows[name] = rows["customer_id"].map(values)
    return rows


def complete_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """All columns there, in their order, each of one type; what is not known is missing."""
    rows = rows.reindex(columns=list(ACCOUNT_COLUMNS))
    for column in rows.columns:
        if column in ("customer_id", "name", *_TEXTS):
            rows[column] = rows[column].astype("str")
        elif column in _FLAGS:
            rows[column] = rows[column].astype("boolean")
        elif column in _DATES:
            rows[column] = pd.to_datetime(rows[column])
        else:
            rows[column] = rows[column].astype("float64")
    return rows
