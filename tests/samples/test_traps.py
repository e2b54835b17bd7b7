"""Every trap can be seen with plain pandas by somebody who does not know where it is, the better the larger it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kam.errors import ParameterError
from kam.samples import TRAPS, SampleCompany, simulate_company
from kam.samples.traps import count_traps

END = pd.Timestamp("2026-01-01")


def measure_accounts(ledger: pd.DataFrame) -> pd.DataFrame:
    """Naive measures per account: the last twelve months, against the first twelve where that says something."""
    last = ledger[ledger["order_date"] >= END - pd.DateOffset(months=12)]
    first = ledger[ledger["order_date"] < pd.Timestamp("2023-01-01")]
    orders, early = last[last["amount"] > 0], first[first["amount"] > 0]
    money = ["amount", "cost", "discount", "freight", "trade_terms"]
    now, then = (part.groupby("customer_id")[money].sum() for part in (last, first))
    gross = orders.groupby("customer_id")["amount"].sum()

    days_left = (orders["order_date"] + pd.offsets.QuarterEnd(0) - orders["order_date"]).dt.days
    at_end = orders["amount"].where(days_left < 7, 0.0).groupby(orders["customer_id"]).sum()
    away = orders["amount"].where(orders["region"] != orders["ship_region"], 0.0).groupby(orders["customer_id"]).sum()

    lines_then, lines_now = (
        part.pivot_table(index="customer_id", columns="product_group", values="amount", aggfunc="count").fillna(0)
        for part in (early, orders)
    )
    lines_now = lines_now.reindex(lines_then.index).fillna(0)
    expected = lines_then.div(lines_then.sum(axis=1), axis=0).mul(lines_now.sum(axis=1), axis=0)
    gone = (lines_now == 0) & (expected >= 6)
    money_then = early.pivot_table(index="customer_id", columns="product_group", values="amount", aggfunc="sum").fillna(
        0
    )
    return pd.DataFrame(
        {
            "n_orders": orders.groupby("customer_id")["order_id"].nunique(),
            "n_orders_first": early.groupby("customer_id")["order_id"].nunique(),
            "revenue": now["amount"],
            "negative_margin": -(1 - now["cost"] / now["amount"]),
            "dumping": now["discount"] / (now["amount"] + now["discount"]),
            "share_away": away / gross,
            "period_end_loading": at_end / gross,
            "own_brand": money_then.where(gone, 0.0).sum(axis=1) / money_then.sum(axis=1),
            "rising_cost_to_serve": (now["freight"] + now["trade_terms"]) / now["amount"]
            - (then["freight"] + then["trade_terms"]) / then["amount"],
            "small_becomes_large": now["amount"] / then["amount"],
        }
    )


def find_accounts(measures: pd.DataFrame, trap: str) -> set[str]:
    """The accounts that a simple rule finds."""
    m = measures[measures["n_orders"] >= 8]
    rules = {
        "negative_margin": m["negative_margin"] > 0,
        "dumping": (m["dumping"] > 0.10) & (m["share_away"] > 0.12),
        "period_end_loading": (m["period_end_loading"] > 0.35) & (m["n_orders"] >= 10),
        "own_brand": m["own_brand"] > 0,
        "rising_cost_to_serve": m["rising_cost_to_serve"] > 0.04,
        "small_becomes_large": (m["small_becomes_large"] > 5)
        & (m["n_orders_first"] >= 4)
        & (m["revenue"] > measures["revenue"].quantile(0.8)),
    }
    return set(m.index[rules[trap]])


SEEN = [trap for trap in TRAPS if trap not in ("key_account_lost", "manager_handover")]


@pytest.fixture(scope="module")
def measured(companies: list[SampleCompany], ledgers: list[pd.DataFrame]) -> list[tuple[SampleCompany, pd.DataFrame]]:
    return [(company, measure_accounts(ledger)) for company, ledger in zip(companies, ledgers, strict=True)]


def planted(company: SampleCompany, trap: str) -> pd.DataFrame:
    traps = company.truth.traps
    return traps[traps["trap"] == trap].set_index("customer_id")


@pytest.mark.parametrize("trap", SEEN)
def test_a_simple_rule_finds_the_trap(trap, measured):
    hits = n_found = n_planted = 0
    for company, measures in measured:
        found, there = find_accounts(measures, trap), set(planted(company, trap).index)
        hits, n_found, n_planted = hits + len(found & there), n_found + len(found), n_planted + len(there)
    assert n_planted == TRAPS[trap] * len(measured)
    assert hits / n_planted >= 0.85
    assert hits / n_found >= 0.6


@pytest.mark.parametrize("trap", SEEN)
def test_other_accounts_do_not_show_it(trap, measured):
    for company, measures in measured:
        there = planted(company, trap).index
        busy = measures[measures["n_orders"] >= 8]
        others = busy.loc[
            ~busy.index.isin(company.truth.traps.query("trap != 'manager_handover'")["customer_id"]), trap
        ]
        assert busy.loc[busy.index.isin(there), trap].median() > others.quantile(0.95)


@pytest.fixture(scope="module")
def by_scale() -> dict[float, list[tuple[SampleCompany, pd.DataFrame]]]:
    counts = dict.fromkeys(SEEN, 12) | {"manager_handover": 6}
    drawn = {}
    for scale in (0.0, 1.0, 2.0):
        companies = [simulate_company(seed=seed, n_accounts=700, traps=counts, trap_scale=scale) for seed in (111, 112)]
        drawn[scale] = [
            (company, measure_accounts(company.ledger.dropna(subset=["customer_id", "product_group"])))
            for company in companies
        ]
    return drawn


@pytest.mark.parametrize("trap", SEEN)
def test_the_larger_the_trap_the_more_of_it_is_seen(trap, by_scale):
    shown = {
        scale: np.nanmedian(np.concatenate([m.loc[planted(c, trap).index, trap] for c, m in drawn]))
        for scale, drawn in by_scale.items()
    }
    assert shown[0.0] < shown[1.0] < shown[2.0]


def test_sizes_follow_the_scale(by_scale):
    for scale, drawn in by_scale.items():
        for company, _ in drawn:
            sizes = company.truth.traps["size"]
            assert sizes.between(0.6 * scale, 1.4 * scale).all()


def test_loaded_goods_come_back_in_the_next_quarter(companies, ledgers):
    shares: dict[bool, list[float]] = {True: [], False: []}
    for company, ledger in zip(companies, ledgers, strict=True):
        late = ledger[ledger["order_date"] >= pd.Timestamp("2024-07-01")]
        back = (
            late[(late["amount"] < 0) & (late["order_date"].dt.month % 3 == 1)].groupby("customer_id")["amount"].sum()
        )
        sold = late[late["amount"] > 0].groupby("customer_id")["amount"].sum()
        share = (-back / sold).fillna(0.0)
        there = planted(company, "period_end_loading").index
        shares[True] += share[share.index.isin(there)].tolist()
        shares[False] += share[~share.index.isin(there)].tolist()
    assert np.median(shares[True]) > 0.05 > 10 * np.mean(shares[False])


def test_an_own_brand_grows_in_what_is_left(companies, ledgers):
    growth = []
    for company, ledger in zip(companies, ledgers, strict=True):
        sold = ledger[ledger["amount"] > 0]
        for customer, trap in planted(company, "own_brand").iterrows():
            mine = sold[sold["customer_id"] == customer]
            before, after = mine[mine["order_date"] < trap["start"]], mine[mine["order_date"] >= trap["start"]]
            gone = set(before["product_group"]) - set(after["product_group"])
            rest = mine[~mine["product_group"].isin(gone)]
            last_year = rest[rest["order_date"] >= END - pd.DateOffset(months=12)]["amount"].sum()
            months = (trap["start"] - pd.Timestamp("2022-01-01")).days / 30.4
            growth.append(last_year / 12 / (rest[rest["order_date"] < trap["start"]]["amount"].sum() / months))
            assert gone
    assert np.median(growth) > 1.1


def test_key_accounts_are_lost_in_the_fourth_year_after_missed_days_and_complaints(companies, ledgers):
    n_complaints, late_before, late_else = [], [], []
    for company, ledger in zip(companies, ledgers, strict=True):
        sold = ledger[ledger["amount"] > 0]
        revenue = sold[sold["order_date"] < pd.Timestamp("2025-01-01")].groupby("customer_id")["amount"].sum()
        is_late = sold["delivered_date"] > sold["promised_date"]
        events = company.events
        for customer, trap in planted(company, "key_account_lost").iterrows():
            start, left = trap["start"], trap["start"] + pd.DateOffset(months=4)
            mine = sold["customer_id"] == customer
            assert pd.Timestamp("2025-01-01") < start
            assert revenue.rank(ascending=False)[customer] <= 0.1 * len(revenue)
            last = sold.loc[mine, "order_date"].max()
            assert start <= last < left
            declining = mine & (sold["order_date"] >= start)
            late_before.append(is_late[declining].mean())
            late_else.append(is_late[mine & ~declining].mean())
            theirs = events[(events["customer_id"] == customer)]
            n_complaints.append(((theirs["kind"] == "complaint") & (theirs["date"] >= start)).sum())
            lost = theirs[theirs["kind"] == "lost"]
            assert (lost["date"] >= left).all() and len(lost) <= 1
    assert np.mean(late_before) > 0.5 > 2 * np.mean(late_else)
    assert np.mean(n_complaints) > 2


def test_a_handover_drives_accounts_away(companies):
    left = stayed = 0.0
    for company in companies:
        hazards = company.truth.hazards
        handed = hazards["handover"] > 0
        left += hazards.loc[handed, "left"].sum() / handed.sum()
        stayed += hazards.loc[~handed, "left"].mean()
        events = company.events.query("kind == 'handover'")
        there = planted(company, "manager_handover")
        assert set(events["customer_id"]) == set(there.index)
        assert (events.set_index("customer_id")["date"] == there["start"].reindex(events["customer_id"])).all()
        accounts = company.accounts.set_index("customer_id").loc[events["customer_id"]]
        assert (accounts["manager"].to_numpy() == events["outcome"].to_numpy()).all()
        assert (accounts["manager_since"].to_numpy() == events["date"].to_numpy()).all()
    assert left > 1.4 * stayed


def test_only_the_traps_that_are_asked_for():
    company = simulate_company(seed=1, n_accounts=200, traps={"dumping": 3})
    assert company.truth.traps["trap"].tolist() == ["dumping"] * 3
    assert (company.events["kind"] != "handover").all()
    assert not simulate_company(seed=1, n_accounts=200, traps={}).truth.traps["trap"].any()


def test_traps_in_proportion_to_the_accounts():
    assert count_traps(None, 1200) == TRAPS
    assert count_traps(None, 5000) == TRAPS
    assert count_traps(None, 300)["dumping"] == 2
    assert count_traps(None, 150)["key_account_lost"] == 1


@pytest.mark.parametrize(
    ("traps", "named"),
    [
        ({"dumpling": 1}, "dumpling"),
        ({"dumping": -1}, "-1"),
        ({"key_account_lost": 50}, "50"),
        ({"manager_handover": 99}, "99"),
    ],
)
def test_traps_that_cannot_be_planted(traps, named):
    with pytest.raises(ParameterError, match=named):
        simulate_company(seed=1, n_accounts=200, traps=traps)
