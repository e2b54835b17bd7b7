"""What the list of key accounts rests on: one row per account with all that a criterion, a reason or a warning needs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kam.dataset.names import name_accounts
from kam.identify.abc_xyz import AbcXyzResult
from kam.identify.migration import TierMigrationResult
from kam.identify.profitability import ProfitabilityResult
from kam.identify.rfm import RfmResult
from kam.identify.risks import RisksResult
from kam.identify.sales_quality import SalesQualityResult
from kam.identify.scorecard import ScorecardResult
from kam.results import NotPossible
from kam.wording import N_

MIN_PURCHASE_DAYS = 4
"""With fewer days of purchase nobody is steady: three gaps are the least that can be told from chance."""
HOLDS = N_("holds")
"""Status of a tier set by hand that is in force."""
NO_SPONSOR = N_("no sponsor")


def collect_facts(
    summary: pd.DataFrame,
    panel: pd.DataFrame,
    classes: AbcXyzResult,
    rfm: RfmResult | NotPossible,
    accounts: pd.DataFrame | None,
    last: pd.Timestamp,
) -> pd.DataFrame:
    """One row per customer, largest first: its classes, rhythm, silence, returns, largest month and change within a year.

    Parameters
    ----------
    summary, panel : pandas.DataFrame
        As from :func:`kam.ledger.summarize_customers`, and :func:`kam.ledger.activity_panel` by month.
    classes : AbcXyzResult
    rfm : RfmResult or NotPossible
        Segments, where there are enough accounts for scores.
    accounts : pandas.DataFrame or None
        The account file, for names.
    last : pandas.Timestamp
        The last complete month.
    """
    own = [
        "customer_id",
        "days_since_last_order",
        "n_purchase_days",
        "n_periods",
        "n_active_periods",
        "returns",
        "revenue",
        "median_gap_days",
    ]
    taken = ["customer_id", "value", "share_value", "abc_class", "xyz_class", "n_orders", "gap_cv", "p_same_class"]
    frame = classes.customers[taken].merge(summary[own], on="customer_id", validate="one_to_one")
    frame = frame.sort_values(["value", "customer_id"], ascending=[False, True], ignore_index=True)
    frame.insert(0, "rank", np.arange(1, len(frame) + 1))
    if isinstance(rfm, RfmResult):
        frame["segment"] = frame["customer_id"].map(rfm.customers.set_index("customer_id")["segment"]).fillna("")
    frame["active_share"] = frame["n_active_periods"] / frame["n_periods"].where(frame["n_periods"] > 0)
    gross = frame["revenue"] + frame["returns"]
    frame["share_returns"] = frame["returns"] / gross.where(gross > 0)
    by_month = panel[panel["revenue"] > 0].groupby("customer_id")["revenue"]
    frame["share_largest_month"] = frame["customer_id"].map(by_month.max() / by_month.sum())
    if "margin" in panel:
        year = panel[panel["period"] > last - pd.DateOffset(months=12)]
        frame["margin_year"] = frame["customer_id"].map(year.groupby("customer_id")["margin"].sum()).fillna(0.0)
    frame["change_year"] = frame["customer_id"].map(_change_over_a_year(panel, last))
    return name_accounts(frame, accounts)


def add_findings(
    frame: pd.DataFrame,
    profit: ProfitabilityResult,
    scorecard: ScorecardResult | NotPossible,
    migration: TierMigrationResult | NotPossible,
    flags: Sequence[SalesQualityResult | RisksResult | NotPossible],
) -> pd.DataFrame:
    """The facts with what other analyses found: ``profit, tier, p_tier_a, hangs_on_weights, set_by_hand, flags``.

    ``tier`` is the one in force after hysteresis and tiers set by hand; without a history of tiers it is the ABC class.
    ``set_by_hand`` says who set it and why, ``flags`` joins the findings of all flags but the missing sponsor, which most large
    accounts carry and staffing lists; both are empty where there is none.
    """
    ids = frame["customer_id"]
    found = frame.copy()
    if profit.pieces:
        found["profit"] = ids.map(profit.accounts.set_index("customer_id")["profit"]).to_numpy()
    found["tier"], found["set_by_hand"] = found["abc_class"], ""
    if not isinstance(migration, NotPossible):
        last = migration.tiers[migration.tiers["period"] == migration.tiers["period"].max()]
        found["tier"] = ids.map(last.set_index("customer_id")["tier"]).fillna(found["abc_class"]).to_numpy()
        log = migration.overrides[migration.overrides["status"] == HOLDS].drop_duplicates("customer_id", keep="last")
        said = log["reason"].fillna("").astype("str") + log["set_by"].map(
            lambda by: f" ({by})" if by == by and by else ""
        )
        by_hand = said.set_axis(log["customer_id"]).to_dict()
        found["set_by_hand"] = [by_hand.get(customer, "") for customer in ids]
    found["p_tier_a"], found["hangs_on_weights"] = np.nan, False
    if not isinstance(scorecard, NotPossible):
        scored = scorecard.accounts.set_index("customer_id")
        found["p_tier_a"] = ids.map(scored["p_tier_a"]).to_numpy(dtype=float)
        found["hangs_on_weights"] = ids.map(scored["hangs_on_weights"]).fillna(False).to_numpy(dtype=bool)
    raised = [
        result.flags.loc[result.flags["flag"] != NO_SPONSOR, ["customer_id", "finding"]]
        for result in flags
        if not isinstance(result, NotPossible)
    ]
    findings = pd.concat(raised) if raised else pd.DataFrame({"customer_id": [], "finding": []}, dtype="str")
    findings["finding"] = findings["finding"].str.replace(
        "; |；", ", ", regex=True
    )  # "; " parts one warning from the next
    joined = findings.groupby("customer_id")["finding"].agg("; ".join).to_dict()
    found["flags"] = [joined.get(customer, "") for customer in ids]
    return found


def judge(frame: pd.DataFrame, min_certainty: float, max_gap_cv: float, min_active_share: float) -> pd.DataFrame:
    """Which criteria each account meets, one column per criterion in their order; ``profitable`` only where a cost is known."""
    met = pd.DataFrame(
        {
            "large": frame["abc_class"] == "A",
            "surely_large": (frame["abc_class"] == "A") & (frame["p_same_class"] >= min_certainty),
            "steady": (frame["n_purchase_days"] >= MIN_PURCHASE_DAYS)
            & ((frame["active_share"] >= min_active_share) | (frame["gap_cv"] <= max_gap_cv)),
            "still_buying": ~frame["xyz_class"].isin(["ended"]) & (frame["n_orders"] > 0),
        }
    )
    if "profit" in frame:
        met["profitable"] = (frame["profit"] > 0) & (frame["margin_year"] >= 0 if "margin_year" in frame else True)
    return met


def portfolio_returns(summary: pd.DataFrame) -> float:
    """Returns over gross revenue of all accounts together; 0 without any."""
    gross = float((summary["revenue"] + summary["returns"]).sum())
    return float(summary["returns"].sum()) / gross if gross > 0 else 0.0


# -- inside ----------------------------------------------------------------------------------------------------------


def _change_over_a_year(panel: pd.DataFrame, last: pd.Timestamp) -> pd.Series:
    """Revenue of the last twelve complete months over the twelve before, minus 1, for who had revenue before."""
    if panel.empty:
        return pd.Series(dtype=float)
    year, before = last - pd.DateOffset(months=11), last - pd.DateOffset(months=23)
    if panel["period"].min() > before:
        return pd.Series(dtype=float)
    this = panel[panel["period"] >= year].groupby("customer_id")["revenue"].sum()
    previous = panel[panel["period"].between(before, year, inclusive="left")].groupby("customer_id")["revenue"].sum()
    return this.reindex(previous[previous > 0].index, fill_value=0.0) / previous[previous > 0] - 1
