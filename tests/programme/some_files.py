"""Account files put together by hand: what is not given is empty."""

import dataclasses
from datetime import date

import pandas as pd

from kam.programme import AccountFilesResult
from kam.results import Context

CONTEXT = Context(dataset="made", currency="EUR", as_of=date(2025, 12, 31), fingerprint="f")
EMPTY = {
    "answers": ["customer_id", "wave", "item", "question", "answer_mean", "n_respondents", "mean_others", "n_others"],
    "flags": ["customer_id", "flag", "measure", "figure", "reference", "finding", "since"],
    "events": ["customer_id", "event_date", "event", "outcome", "reason", "competitor"],
    "deliveries": ["customer_id", "period", "n_deliveries", "n_late"],
    "gaps": ["customer_id", "group_name", "value", "share_like"],
    "contacts": ["customer_id", "contact_id", "person", "role", "decides", "influence", "support", "last_met"],
}


def some_files(accounts, *, context=CONTEXT, knows=(), **frames):
    """Files of these accounts (rows or a frame), and the other frames by name."""
    accounts = pd.DataFrame(accounts)
    for name in ("satisfaction", "n_respondents"):
        if name not in accounts:
            accounts[name] = float("nan")
    fields = {field.name for field in dataclasses.fields(AccountFilesResult)}
    given = {name: pd.DataFrame(frame) for name, frame in frames.items()}
    tables = {
        field.name: given.get(field.name, pd.DataFrame(columns=EMPTY.get(field.name, ["customer_id"])))
        for field in dataclasses.fields(AccountFilesResult)
        if "DataFrame" in str(field.type) and field.name != "accounts"
    }
    assert set(given) <= fields
    return AccountFilesResult(
        context=context,
        accounts=accounts,
        **tables,
        n_key_accounts=len(accounts),
        n_lost=0,
        knows=tuple(knows),
    )


def account(customer_id="007", **facts):
    """A key account that orders every 20 days and gives no reason to do anything."""
    usual = {
        "name": f"Firm {customer_id}",
        "manager": "Ito",
        "sponsor": "Berg",
        "is_key_account": True,
        "is_lost": False,
        "tier": "A",
        "revenue": 90_000.0,
        "revenue_year": 30_000.0,
        "revenue_year_before": 30_000.0,
        "share_value": 0.1,
        "days_since_last_order": 10.0,
        "mean_gap_days": 20.0,
        "p_churn": 0.05,
        "p_churn_low": 0.02,
        "p_churn_high": 0.1,
        "value_ahead": 40_000.0,
        "ahead_low": 20_000.0,
        "ahead_high": 70_000.0,
    }
    return {"customer_id": customer_id, **usual, **facts}
