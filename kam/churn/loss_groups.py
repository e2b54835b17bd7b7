"""Where losses are and where they went: by region, industry, manager, product group, competitor and reason."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from kam.churn.account_facts import UNKNOWN, logged_losses, main_of, text_of
from kam.churn.definition import ChurnDefinitionResult
from kam.churn.periods import PERIODS_A_YEAR
from kam.churn.waiting import Activity, _money_before
from kam.ledger import Ledger
from kam.stats.multiplicity import holm
from kam.stats.proportions import wilson_interval

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Exposure:
    """One entry per wait: the account, the periods from ``start`` to before ``end`` in which it was at risk, whether it was lost
    in the last of them, and what it brought in the year before.
    """

    customer: Ints
    start: Ints
    end: Ints
    lost: npt.NDArray[np.bool_]
    money: Floats | None


def yearly(share: npt.ArrayLike, freq: str) -> Floats:
    """A share per period as a share per year."""
    return np.asarray(1 - (1 - np.asarray(share, dtype=np.float64)) ** PERIODS_A_YEAR[freq])


def find_exposure(activity: Activity, k: Ints) -> Exposure:
    """When each wait of each account put it at risk, where account i is lost after ``k[i]`` silent periods."""
    waits = activity.waits
    own = k[waits.customer]
    lost = np.where(waits.ended, waits.length > own, waits.length >= own)
    start = waits.start + 1
    return Exposure(
        customer=waits.customer,
        start=start,
        end=start + np.minimum(waits.length, own),
        lost=lost,
        money=None if activity.money is None else np.where(lost, _money_before(activity, waits), 0.0),
    )


def compare_groups(
    activity: Activity,
    risk: Exposure,
    ledger: Ledger | pd.DataFrame,
    accounts: pd.DataFrame | None,
    freq: str,
    level: float,
) -> pd.DataFrame:
    """Losses over account-periods at risk, by group, each group against all others; see ``groups`` of the result."""
    ids = pd.Series(activity.names)
    region = text_of(accounts, "region", ids)
    texts = {
        "region": main_of(ledger, "region", ids) if region is None and isinstance(ledger, Ledger) else region,
        "industry": text_of(accounts, "industry", ids),
        "main product group": main_of(ledger, "product_group", ids) if isinstance(ledger, Ledger) else None,
    }
    parts = [
        _count(name, values.to_numpy()[risk.customer], risk, risk.start)
        for name, values in texts.items()
        if values is not None
    ]
    manager = text_of(accounts, "manager", ids)
    if manager is not None and accounts is not None and "manager_since" in accounts:
        parts.append(_count_managers(activity, risk, manager, accounts))
    columns = [
        "by",
        "group_name",
        "n_customers",
        "n_at_risk",
        "n_lost",
        "share_year",
        "ci_low",
        "ci_high",
        "share_rest",
        "p_value",
    ]
    columns += ["p_holm", "stands_out", *(["revenue_before"] if risk.money is not None else [])]
    if not parts:
        kinds = {
            name: "str" if name in ("by", "group_name") else "bool" if name == "stands_out" else "float64"
            for name in columns
        }
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
    frame = pd.concat(parts, ignore_index=True)
    low, high = wilson_interval(frame["n_lost"], frame["n_at_risk"], level)
    lost, exposed = (frame.groupby("by")[name].transform("sum") for name in ("n_lost", "n_at_risk"))
    rest_lost, rest = lost - frame["n_lost"], exposed - frame["n_at_risk"]
    some = (rest > 0).to_numpy()
    p_value = np.full(len(frame), np.nan)
    tested = some & (frame["group_name"] != UNKNOWN).to_numpy()
    p_value[tested] = [
        stats.fisher_exact([[a, n - a], [b, m - b]])[1]
        for a, n, b, m in zip(
            frame["n_lost"][tested], frame["n_at_risk"][tested], rest_lost[tested], rest[tested], strict=True
        )
    ]
    adjusted = holm(p_value)
    share_rest = np.full(len(frame), np.nan)
    share_rest[some] = yearly((rest_lost / rest.where(rest > 0))[some], freq)
    frame = frame.assign(
        share_year=yearly(frame["n_lost"] / frame["n_at_risk"], freq),
        ci_low=yearly(low, freq),
        ci_high=yearly(high, freq),
        share_rest=share_rest,
        p_value=p_value,
        p_holm=adjusted,
        stands_out=np.nan_to_num(adjusted, nan=1.0) <= 1 - level,
    )
    return frame[columns]


def _count(name: str, group: npt.NDArray[np.object_], risk: Exposure, start: Ints) -> pd.DataFrame:
    """Account-periods at risk from ``start`` on and losses in them, by group."""
    exposed = risk.end - start
    there = exposed > 0
    rows = pd.DataFrame({"group_name": group, "customer": risk.customer, "n_at_risk": exposed, "n_lost": risk.lost})
    if risk.money is not None:
        rows["revenue_before"] = risk.money
    sums = (
        rows[there]
        .groupby("group_name")
        .agg(
            n_customers=("customer", "nunique"),
            **{column: (column, "sum") for column in ("n_at_risk", "n_lost", "revenue_before") if column in rows},
        )
    )
    return sums.reset_index().assign(by=name).sort_values(["n_customers", "group_name"], ascending=[False, True])


def _count_managers(activity: Activity, risk: Exposure, manager: pd.Series, accounts: pd.DataFrame) -> pd.DataFrame:
    """A manager has the account from the first whole period on; what was before is of nobody known."""
    since = accounts.set_index(accounts["customer_id"].astype(str))["manager_since"].reindex(activity.names)
    begins = np.searchsorted(activity.days.to_numpy(), since.to_numpy().astype("datetime64[ns]"))
    begins = np.where(since.isna(), activity.n_periods, begins)[risk.customer]
    names = manager.to_numpy()[risk.customer]
    held = np.maximum(risk.start, begins)
    late = risk.end <= begins  # all of it, with its loss, before the manager came
    theirs = Exposure(
        customer=risk.customer, start=held, end=risk.end, lost=risk.lost & ~late, money=_part(risk.money, ~late)
    )
    others = Exposure(
        customer=risk.customer,
        start=risk.start,
        end=np.minimum(risk.end, np.maximum(begins, risk.start)),
        lost=risk.lost & late,
        money=_part(risk.money, late),
    )
    unknown = np.full(len(names), UNKNOWN, dtype=object)
    both = pd.concat([_count("manager", names, theirs, held), _count("manager", unknown, others, others.start)])
    columns = [name for name in both if name not in ("by", "group_name")]
    return both.groupby(["by", "group_name"], sort=False)[columns].sum().reset_index()


def _part(money: Floats | None, which: npt.NDArray[np.bool_]) -> Floats | None:
    return None if money is None else np.where(which, money, 0.0)


def count_went_to(
    activity: Activity, risk: Exposure, events: pd.DataFrame | None, definition: ChurnDefinitionResult, level: float
) -> pd.DataFrame:
    """Competitor and reason of the accounts that are lost today, as logged."""
    columns = [
        "by",
        "group_name",
        "n_lost",
        "share_lost",
        "ci_low",
        "ci_high",
        *(["revenue_before"] if risk.money is not None else []),
    ]
    now = definition.customers["is_lost_own" if "is_lost_own" in definition.customers else "is_lost"].to_numpy()
    ids = definition.customers.loc[now, "customer_id"]
    logged = logged_losses(events, ids, definition.customers.loc[now, "last_active"])
    if logged is None or not len(ids):
        return pd.DataFrame({n: pd.Series(dtype="str" if n in ("by", "group_name") else "float64") for n in columns})
    parts = []
    last = np.flatnonzero(~activity.waits.ended)
    for name, column in {"competitor": "competitor", "logged reason": "logged_reason"}.items():
        rows = pd.DataFrame(
            {"group_name": logged[column].astype(object).where(logged[column].notna(), UNKNOWN).to_numpy(), "n_lost": 1}
        )
        if risk.money is not None:
            rows["revenue_before"] = risk.money[last][now]
        parts.append(
            rows.groupby("group_name")
            .sum()
            .reset_index()
            .assign(by=name)
            .sort_values("n_lost", ascending=False, kind="stable")
        )
    frame = pd.concat(parts, ignore_index=True)
    low, high = wilson_interval(frame["n_lost"], len(ids), level)
    return frame.assign(share_lost=frame["n_lost"] / len(ids), ci_low=low, ci_high=high)[columns]
