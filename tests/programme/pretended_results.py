"""Results made by hand, for what compares runs: four accounts, two last months."""

from dataclasses import MISSING, fields, replace
from datetime import date

import pandas as pd

from kam.churn import ChurnForecastResult, CustomerValueResult
from kam.identify import AbcXyzResult, KeyAccountsResult, RisksResult, TierMigrationResult
from kam.results import Context, Result
from kam.survey import EstimatesResult

SEPTEMBER = Context(dataset="tiny", currency="EUR", as_of=date(2025, 9, 30), fingerprint="f09")
DECEMBER = replace(SEPTEMBER, as_of=date(2025, 12, 31), fingerprint="f12")
NAMES = {"001": "Ada AB", "002": "Bo GmbH", "003": "Cid Ltd", "004": "Dee SA"}


def make(kind: type[Result], context: Context, **given) -> Result:
    """A result of which only what is given means something."""
    blank = {"str": "", "int": 0, "float": 0.0, "bool": False, "tuple": (), "pd.DataFrame": pd.DataFrame()}
    needed = [f for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING and f.name != "context"]
    values = {f.name: next((v for k, v in blank.items() if str(f.type).startswith(k)), None) for f in needed}
    return kind(context=context, **{**values, **given})


def key_accounts(context, on, *, p=0.9, min_certainty=0.8):
    frame = pd.DataFrame({"customer_id": list(NAMES), "name": list(NAMES.values())})
    frame = frame.assign(is_key_account=frame["customer_id"].isin(on), p_same_class=p, why="orders every 9 days")
    return make(KeyAccountsResult, context, accounts=frame, min_certainty=min_certainty, measure="revenue")


def tiers(context, months, **given):
    """``months``: by month and account the tier, the money of the month, and that of twelve."""
    rows = [(one, pd.Timestamp(month), *told) for month, accounts in months.items() for one, told in accounts.items()]
    frame = pd.DataFrame(rows, columns=["customer_id", "period", "tier", "revenue", "value"]).assign(n_orders=1)
    return make(TierMigrationResult, context, tiers=frame, measure="revenue", freq="month", window=12, **given)


def register(context, ids):
    return make(AbcXyzResult, context, customers=pd.DataFrame({"customer_id": list(ids)}))


def forecast(context, chances, *, k=4, horizon_days=91):
    """``chances``: by account the chance of loss with its ends; None: the account is lost."""
    rows = [(one, p is not None, *(p or (None, None, None))) for one, p in chances.items()]
    frame = pd.DataFrame(rows, columns=["customer_id", "at_risk", "p_churn", "p_churn_low", "p_churn_high"])
    frame = frame.assign(days_since_last_order=74, mean_gap_days=21.0)
    for end in ("", "_low", "_high"):
        frame[f"p_churn{end}"] = frame[f"p_churn{end}"].astype(float)
        frame[f"p_no_order{end}"] = frame[f"p_churn{end}"] + 0.1
    return make(ChurnForecastResult, context, customers=frame, k=k, freq="month", horizon_days=horizon_days, level=0.95)


def values(context, ahead):
    rows = [(one, "A", *told) for one, told in ahead.items()]
    frame = pd.DataFrame(rows, columns=["customer_id", "state", "own_value", "own_low", "own_high"])
    return make(CustomerValueResult, context, customers=frame, level=0.95)


def flags(context, carried, *, judged=("overdue", "dependence")):
    frame = pd.DataFrame(carried, columns=["customer_id", "flag"]).assign(finding="30 days late")
    facts = pd.DataFrame({"customer_id": list(NAMES), "name": list(NAMES.values())})
    return make(RisksResult, context, flags=frame, facts=facts, counts=pd.DataFrame({"flag": list(judged)}))


def satisfaction(context, waves):
    """``waves``: by wave and group the mean with its ends."""
    rows = [
        (wave, "all" if group == "all" else "region", group, *told)
        for wave, groups in waves.items()
        for group, told in groups.items()
    ]
    frame = pd.DataFrame(rows, columns=["wave", "by", "group_name", "estimate", "ci_low", "ci_high"])
    frame = frame.assign(item="overall", measure="mean", each="account", level_3="neutral")
    return make(EstimatesResult, context, measures=frame, level=0.95)


def both(ids=NAMES, ids_before=NAMES):
    """What an earlier and a later run found of the same accounts, in which nothing moved."""
    month = dict.fromkeys(ids, ("A", 10.0, 120.0))
    before = dict.fromkeys(ids_before, ("A", 10.0, 120.0))
    earlier = {
        "abc_xyz": register(SEPTEMBER, ids_before),
        "tier_migration": tiers(SEPTEMBER, {"2025-08": before, "2025-09": before}),
    }
    later = {
        "abc_xyz": register(DECEMBER, ids),
        "tier_migration": tiers(DECEMBER, {"2025-08": month, "2025-09": month, "2025-12": month}),
    }
    return later, earlier
