"""One account put together by hand, and the files of the sample with what is quickly computed."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd

from kam.programme import AccountFilesResult, gather_accounts, map_contacts
from kam.programme.account_lines import COLUMNS, shape_lines
from kam.programme.account_rows import complete_rows
from kam.results import Context, Result
from tests.sample_company import open_sample

CONTEXT = Context(dataset="test", currency="EUR", as_of=pd.Timestamp("2025-12-31").date())
USUAL = {
    "customer_id": "a1",
    "name": "Alba Boxes",
    "rank": 1,
    "is_key_account": True,
    "tier": "A",
    "abc_class": "A",
    "xyz_class": "X",
    "p_same_class": 0.97,
    "n_orders": 20,
    "first_order": "2023-01-05",
    "last_order": "2025-12-20",
    "days_since_last_order": 11,
    "mean_gap_days": 21.0,
    "revenue": 300.0,
    "revenue_year": 120.0,
    "revenue_year_before": 100.0,
    "share_our_revenue": 0.25,
}


def by_hand(*rows: dict[str, Any], context: Context = CONTEXT, **given: Any) -> AccountFilesResult:
    """Files of accounts, each a usual one but for what its row says; frames and scalars as given, the others empty."""
    accounts = complete_rows(pd.DataFrame([USUAL | row for row in rows or ({},)]))
    ids = list(accounts["customer_id"])
    lines = {name: shape_lines(given.pop(name, None), types, ids) for name, types in COLUMNS.items()}
    contacts = map_contacts(given.pop("contacts", None))
    lacks = given.pop("lacks", pd.DataFrame({"part": [], "reason": []}, dtype="str"))
    counts = {"n_key_accounts": int(accounts["is_key_account"].fillna(False).sum()), "n_lost": 0} | given
    return AccountFilesResult(context=context, accounts=accounts, **lines, contacts=contacts, lacks=lacks, **counts)


def months(customer_id: str = "a1", n: int = 36, revenue: float = 10.0, silent: int = 0) -> pd.DataFrame:
    """So many months up to December 2025, the last ones silent."""
    periods = pd.date_range(end="2025-12-01", periods=n, freq="MS", unit="us")
    buys = [i < n - silent for i in range(n)]
    return pd.DataFrame(
        {
            "customer_id": customer_id,
            "period": periods,
            "revenue": [revenue if one else 0.0 for one in buys],
            "n_orders": [int(one) for one in buys],
            "tier": "A",
        }
    )


@cache
def sample_results() -> dict[str, Result]:
    """Results of the sample that take little time."""
    from kam import identify, ledger

    data = open_sample()
    said: dict[str, Any] = {"context": data.context}
    summary, panel = ledger.summarize_customers(data.ledger), ledger.activity_panel(data.ledger, freq="month")
    classes = identify.classify_abc_xyz(summary, panel, n_resamples=20, **said)
    profit = identify.profitability(summary, data.accounts, credit_rate=0.06, **said)
    tiers = identify.tier_migration(panel, overrides=data.overrides, **said)
    quality = identify.sales_quality(data.ledger, accounts=data.accounts, **said)
    scorecard = identify.score_accounts(
        identify.criteria_table(summary, data.accounts, declared=data.file.criteria), n_draws=20, **said
    )
    found = {"classes": classes, "profit": profit, "migration": tiers, "scorecard": scorecard}
    results = [
        *found.values(),
        quality,
        identify.identify_key_accounts(data, **found, flags=[quality]),
        identify.compare_plan(data.ledger, data.targets, accounts=data.accounts, **said),
        identify.price_volume_mix(ledger.summarize_mix(data.ledger, by="product_id", freq="last_years"), **said),
    ]
    return {result.key: result for result in results}


@cache
def sample_files() -> AccountFilesResult:
    """Three accounts of the sample: the largest, one that was lost after late deliveries, one with many answers."""
    return gather_accounts(open_sample(), sample_results(), customers=["001073", "002046", "000149"])
