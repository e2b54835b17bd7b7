"""What there is more than one row of for an account: months, events, deliveries, products, flags, reasons, answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import pandas as pd

from kam.errors import DataError
from kam.ledger import summarize_deliveries, summarize_mix
from kam.results import Result
from kam.survey import read_survey
from kam.wording import Wording

if TYPE_CHECKING:
    from kam.dataset import Dataset

MOST_PRODUCTS = 8
"""Groups or products that are named of an account; the rest is one row."""
_FLAG = ("customer_id", "flag", "measure", "figure", "reference", "finding", "since")
_EVENT = ("customer_id", "event_date", "event", "outcome", "reason", "competitor")
_PARTS = ("price", "volume", "mix", "new_products", "dropped_products", "without_quantity")
COLUMNS: dict[str, dict[str, str]] = {
    "flags": {
        "customer_id": "str", "flag": "str", "measure": "str", "figure": "float64", "reference": "float64", "finding": "str",
        "since": "datetime64[us]",
    },
    "months": {
        "customer_id": "str", "period": "datetime64[us]", "revenue": "float64", "margin": "float64", "n_orders": "int64",
        "tier": "str",
    },
    "events": {
        "customer_id": "str", "event_date": "datetime64[us]", "event": "str", "outcome": "str", "reason": "str",
        "competitor": "str",
    },
    "deliveries": {"customer_id": "str", "period": "datetime64[us]", "n_deliveries": "int64", "n_late": "int64"},
    "products": {
        "customer_id": "str", "group_name": "str", "revenue_year": "float64", "revenue_year_before": "float64"
    },
    "mix": {"customer_id": "str", "revenue_part": "str", "revenue_change": "float64"},
    "gaps": {"customer_id": "str", "group_name": "str", "value": "float64", "share_like": "float64"},
    "reasons": {"customer_id": "str", "term": "str", "seen": "str", "contribution": "float64"},
    "answers": {
        "customer_id": "str", "wave": "str", "item": "str", "question": "str", "answer_mean": "float64",
        "n_respondents": "int64", "mean_others": "float64", "n_other_people": "int64",
    },
}  # fmt: skip
"""Columns and their types of every frame with several rows per account."""


def gather_lines(
    data: Dataset, results: Mapping[str, Result], ids: Sequence[str], *, panel: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """The frames of :data:`COLUMNS` for some accounts, by account; and why a frame is empty where the data do not allow it.

    Parameters
    ----------
    data : Dataset
    results : mapping of str to Result
        By key; any may be missing.
    ids : sequence of str
        The accounts.
    panel : pandas.DataFrame
        As from :func:`kam.ledger.activity_panel` by month.
    """
    say = data.context.wording
    found: dict[str, pd.DataFrame | None] = {
        "flags": _flags(results),
        "months": _months(panel, results, ids, pd.Timestamp(data.ledger.last_complete_month or data.ledger.as_of)),
        "events": _events(data.events),
        "gaps": _table(results, "white_space", "gaps"),
        "reasons": _table(results, "churn_forecast", "contributions"),
        "mix": _mix(_table(results, "price_volume_mix", "accounts")),
    }
    lacking: dict[str, str] = {}
    for name, read in (("deliveries", _deliveries), ("products", _products), ("answers", _answers)):
        try:
            found[name] = read(data, ids, say)
        except DataError as error:
            lacking[name] = error.what.rstrip(".")
    return {name: shape_lines(found.get(name), types, ids) for name, types in COLUMNS.items()}, lacking


def shape_lines(frame: pd.DataFrame | None, types: Mapping[str, str], ids: Sequence[str]) -> pd.DataFrame:
    """The rows of some accounts, by account, with the columns and types of a frame of :data:`COLUMNS`.

    Parameters
    ----------
    frame : pandas.DataFrame or None
        Rows in their order; columns that are not there are missing.
    types : mapping of str to str
        Type by column.
    ids : sequence of str
        The accounts.
    """
    if frame is None:
        frame = pd.DataFrame({name: [] for name in types})
    own = frame[frame["customer_id"].isin(list(ids))].reindex(columns=list(types)).astype(dict(types))
    return own.sort_values("customer_id", kind="stable", ignore_index=True)


def _table(results: Mapping[str, Result], key: str, table: str) -> pd.DataFrame | None:
    return results[key].tables().get(table) if key in results else None


def _flags(results: Mapping[str, Result]) -> pd.DataFrame | None:
    found = [table for key in ("sales_quality", "risks") if (table := _table(results, key, "flags")) is not None]
    return (
        pd.concat([table[list(_FLAG)] for table in found if len(table)], ignore_index=True)
        if any(map(len, found))
        else None
    )


def _months(panel: pd.DataFrame, results: Mapping[str, Result], ids: Sequence[str], last: pd.Timestamp) -> pd.DataFrame:
    """Every month from the first with an order on, silent ones with zeros."""
    own = panel[panel["customer_id"].isin(list(ids))]
    span = own.groupby("customer_id")["period"].min()
    every = [
        pd.DataFrame({"customer_id": customer, "period": pd.date_range(first, last, freq="MS", unit="us")})
        for customer, first in span.items()
    ]
    if not every:
        return panel.iloc[:0]
    months = pd.concat(every, ignore_index=True).merge(own, on=["customer_id", "period"], how="left")
    filled = [name for name in ("revenue", "margin", "n_orders") if name in months]
    months[filled] = months[filled].fillna(0)
    tiers = _table(results, "tier_migration", "tiers")
    if tiers is not None:
        months = months.merge(tiers[["customer_id", "period", "tier"]], on=["customer_id", "period"], how="left")
    return months


def _events(events: pd.DataFrame | None) -> pd.DataFrame | None:
    if events is None:
        return None
    return events.rename(columns={"date": "event_date", "kind": "event"}).sort_values(["customer_id", "event_date"])


def _deliveries(data: Dataset, ids: Sequence[str], say: Wording) -> pd.DataFrame:
    return summarize_deliveries(data.ledger, freq="month", customers=list(ids))


def _products(data: Dataset, ids: Sequence[str], say: Wording) -> pd.DataFrame:
    """Groups (or products), those with most money in two years first, and the rest in one row."""
    by: Literal["product_group", "product_id"] = (
        "product_group" if "product_group" in data.ledger.columns else "product_id"
    )
    bought = summarize_mix(data.ledger, by=by, freq="last_years", customers=list(ids))
    if bought.empty:
        return pd.DataFrame({name: [] for name in COLUMNS["products"]})
    last = pd.Timestamp(data.ledger.last_complete_month or data.ledger.as_of) - pd.DateOffset(months=11)
    years = {"revenue_year": last, "revenue_year_before": last - pd.DateOffset(months=12)}
    bought["group"] = bought["group"].astype("str").fillna(say.sentence("not named"))
    sums = pd.DataFrame(
        {
            name: bought[bought["period"] == start].groupby(["customer_id", "group"])["revenue"].sum()
            for name, start in years.items()
        }
    ).fillna(0.0)
    order = sums.abs().max(axis=1).groupby(level="customer_id").rank(ascending=False, method="first")
    rows = sums.reset_index().assign(rank=order.to_numpy())
    rest = rows["rank"] > MOST_PRODUCTS
    rows["group"] = rows["group"].mask(rest, say.sentence("all others"))
    rows["rank"] = rows["rank"].clip(upper=MOST_PRODUCTS + 1)
    together = rows.groupby(["customer_id", "rank", "group"], sort=True)[list(years)].sum().reset_index()
    return together.rename(columns={"group": "group_name"})


def _mix(accounts: pd.DataFrame | None) -> pd.DataFrame | None:
    if accounts is None or accounts.empty:
        return None
    parts = [name for name in _PARTS if name in accounts]
    own = accounts[["customer_id", *parts]]
    long = own.melt(id_vars="customer_id", var_name="revenue_part", value_name="revenue_change")
    return long.assign(revenue_part=long["revenue_part"].str.replace("_", " "))


def _answers(data: Dataset, ids: Sequence[str], say: Wording) -> pd.DataFrame:
    """Mean of the people of each account and weighted mean of the people of all others, by wave and question."""
    if data.survey is None:
        raise DataError(say.sentence("not in the dataset"))
    responses = read_survey(data)
    if not responses.has_accounts:
        raise DataError(say.sentence("The survey does not say of which account a respondent is."))
    asked = responses.answer_columns
    long = responses.rows.melt(
        id_vars=["customer_id", "wave", "weight"], value_vars=asked, var_name="item", value_name="answer"
    ).dropna(subset=["answer"])
    long = long.assign(weighed=long["weight"] * long["answer"])
    whole = long.groupby(["wave", "item"]).agg(
        n_all=("answer", "size"), w_all=("weight", "sum"), x_all=("weighed", "sum")
    )
    own = (
        long[long["customer_id"].isin(list(ids))]
        .groupby(["customer_id", "wave", "item"], as_index=False)
        .agg(
            answer_mean=("answer", "mean"), n_respondents=("answer", "size"), w=("weight", "sum"), x=("weighed", "sum")
        )
    )
    both = own.merge(whole.reset_index(), on=["wave", "item"])
    both["n_other_people"] = both["n_all"] - both["n_respondents"]
    left = (both["w_all"] - both["w"]).where(both["n_other_people"] > 0)
    both["mean_others"] = (both["x_all"] - both["x"]) / left
    texts = dict(zip(responses.items["item"], responses.items["text"], strict=True))
    both["question"] = [texts.get(item) or item for item in both["item"]]
    wave_order = {wave: place for place, wave in enumerate(responses.waves)}
    item_order = {item: place for place, item in enumerate(asked)}
    both["place"] = both["wave"].map(wave_order) * 1000 + both["item"].map(item_order)
    return both.sort_values(["customer_id", "place"])
