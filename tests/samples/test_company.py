"""The sample company: the same from the same seed, of the size it should have, and without contradictions."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from kam.dataset.dictionary import TABLES
from kam.errors import ParameterError
from kam.ledger.cleaning import RULES
from kam.samples import SampleCompany, simulate_company, simulate_rerun
from kam.samples.answers import ITEMS


def frames(company: SampleCompany) -> dict[str, pd.DataFrame]:
    truth = {f.name: getattr(company.truth, f.name) for f in dataclasses.fields(company.truth)}
    return company.tables() | {f"truth {n}": frame for n, frame in truth.items() if isinstance(frame, pd.DataFrame)}


def test_the_same_seed_gives_the_same_company(company):
    again = frames(simulate_company(seed=101))
    for name, frame in frames(company).items():
        assert_frame_equal(frame, again[name], obj=name)


def test_another_seed_gives_another_company(companies):
    one, other = (frames(company) for company in companies[:2])
    fixed = {"programmes", "truth transitions", "truth effects", "truth drivers", "truth loyalty"}
    for name in set(one) - fixed:
        assert not one[name].equals(other[name]), name
    assert all(one[name].equals(other[name]) for name in fixed)


def test_size(companies):
    for company in companies:
        ledger = company.ledger
        assert len(company.accounts) == company.accounts["customer_id"].nunique() == 1200
        assert 54_000 <= len(ledger) <= 66_000
        assert ledger["order_date"].dt.to_period("M").nunique() == 48
        assert ledger["order_date"].min() >= pd.Timestamp("2022-01-01")
        assert pd.Timestamp("2025-12-24") <= ledger["order_date"].max() <= pd.Timestamp("2025-12-31")


def test_every_table_has_every_column(company):
    assert set(company.tables()) == set(TABLES)
    items = {item.name for item in ITEMS}
    for name, table in company.tables().items():
        known = set(TABLES[name].columns)
        judged = {"management_philosophy", "partnership_wish", "financial_strength", "price_sensitivity", "reputation"}
        more = {"accounts": judged, "survey": items | {"role"}}.get(name, set())
        assert set(table.columns) == (known | more) - ({"industry"} if name == "external" else set())
        assert table[list(TABLES[name].required)].notna().all().all() or name == "ledger"
        key = list(TABLES[name].key)
        assert not key or not table.duplicated([column for column in key if column in table]).any()


def test_values_are_in_their_ranges(company):
    for name, table in company.tables().items():
        for column, spec in TABLES[name].columns.items():
            values = table[column].dropna() if column in table else pd.Series(dtype=float)
            if spec.low is not None:
                assert (values >= spec.low).all(), (name, column)
            if spec.high is not None:
                assert (values <= spec.high).all(), (name, column)
            if spec.above is not None:
                assert (values > spec.above).all(), (name, column)
            if spec.allowed:
                assert set(values) <= set(spec.allowed), (name, column)
    for criterion in ("management_philosophy", "reputation"):
        assert set(company.accounts[criterion].dropna()) == {1, 2, 3, 4, 5}
        assert 0.03 < company.accounts[criterion].isna().mean() < 0.15


def test_tables_refer_to_accounts_that_are_there(company):
    known = set(company.accounts["customer_id"])
    for name, table in company.tables().items():
        if "customer_id" in table:
            assert set(table["customer_id"].dropna()) <= known, name
    assert set(company.accounts["parent_id"].dropna()) <= known
    parents = company.accounts.dropna(subset=["parent_id"])
    assert len(parents) > 100 and not set(parents["customer_id"]) & set(parents["parent_id"])
    assert set(company.survey["respondent_id"]) <= set(company.contacts["contact_id"])
    assert company.accounts["customer_id"].str.match(r"^00\d{4}$").all()
    assert set(company.overrides["set_by"]) <= set(company.accounts["manager"].dropna())


def test_dates_follow_one_another(company, ledger):
    orders = ledger[ledger["amount"] > 0]
    assert (orders["promised_date"] >= orders["order_date"]).all()
    delivered = orders.dropna(subset=["delivered_date"])
    assert (delivered["delivered_date"] >= delivered["order_date"]).all()
    paid = orders.dropna(subset=["paid_date"])
    assert (paid["paid_date"] >= paid["delivered_date"]).all()
    last = pd.Timestamp(company.as_of)
    for column in ("order_date", "delivered_date", "paid_date"):
        assert ledger[column].max() <= last
    assert company.events["date"].max() <= last
    assert company.contacts["last_met"].max() <= last
    assert np.is_busday(orders["order_date"].to_numpy().astype("datetime64[D]")).all()
    left = company.truth.accounts.set_index("customer_id")["left"].reindex(orders["customer_id"]).to_numpy()
    assert not (orders["order_date"].to_numpy() >= left).any()


def test_money_adds_up(company, ledger):
    exact = (ledger["unit_price"] * 10_000).round().astype("int64") * ledger["quantity"]
    assert ((ledger["amount"] * 10_000).round().astype("int64") == exact).all()
    orders = ledger[ledger["amount"] > 0]
    assert (orders["cost"] > 0).all() and (orders["discount"] >= 0).all() and (orders["freight"] >= 0).all()
    returned = ledger[ledger["amount"] < 0]
    assert 0.015 < len(returned) / len(ledger) < 0.05
    assert (returned["cost"] < 0).all()
    accounts = company.accounts.set_index("customer_id")
    last = pd.Timestamp(company.as_of)
    unpaid = orders[orders["paid_date"].isna() & orders["delivered_date"].notna()]
    expected = unpaid.groupby("customer_id")["amount"].sum().reindex(accounts.index).fillna(0)
    np.testing.assert_allclose(accounts["receivable"], expected, atol=0.006)
    overdue = unpaid[unpaid["due_date"] < last].groupby("customer_id")["amount"].sum().reindex(accounts.index).fillna(0)
    np.testing.assert_allclose(accounts["overdue"], overdue, atol=0.006)
    assert 0 < accounts["overdue"].sum() < accounts["receivable"].sum()


def test_value_is_concentrated(ledgers):
    for ledger in ledgers:
        value = ledger.groupby("customer_id")["amount"].sum().sort_values(ascending=False)
        assert 0.7 < value.iloc[:240].sum() / value.sum() < 0.9


def test_names_in_four_scripts(company):
    scripts = {
        "Chinese": r"[\u4e00-\u9fff]+(有限公司|股份有限公司|集团)",
        "Korean": r"[\uac00-\ud7af]",
        "Japanese": r"株式会社|有限会社",
        "English": r"^[A-Z][a-z]+ [A-Z]",
    }
    names = company.accounts["name"]
    assert names.is_unique
    for script, pattern in scripts.items():
        assert names.str.contains(pattern.replace("(", "(?:")).sum() > 50, script
    people = company.contacts["name"]
    for pattern in (r"[\u4e00-\u9fff]", r"[\uac00-\ud7af]", r"[A-Za-z]", "[äöüéáøń]"):
        assert people.str.contains(pattern).sum() > 50
    products = pd.concat([company.ledger["product_id"], company.ledger["product_group"]]).dropna().unique()
    assert all(re.fullmatch(r"[A-Za-z\- ]+", name) for name in products)


def test_blemishes_are_what_the_audit_says(companies):
    for company in companies[:2]:
        rows, found = company.ledger, {}
        rules = [
            ("without customer", lambda d: d["customer_id"].isna()),
            ("exact duplicates", lambda d: d.duplicated()),
            ("zero amounts", lambda d: d["amount"] == 0),
            ("non-product codes", lambda d: d["product_id"].isin(["BANK CHARGES", "MANUAL", "POSTAGE", "SAMPLES"])),
            ("orders with their cancellation", find_cancellations),
        ]
        for rule, finds in rules:
            is_found = finds(rows)
            found[rule] = (int(is_found.sum()), round(float(rows.loc[is_found, "amount"].sum()), 4))
            rows = rows[~is_found]
        audit = company.truth.audit
        assert found == {row.rule: (row.n_rows, row.amount) for row in audit.itertuples()}
        assert set(audit["rule"]) <= set(RULES)
        assert (audit["n_rows"] > 30).all()


def find_cancellations(rows: pd.DataFrame) -> pd.Series:
    """Order and cancellation, one to one, the latest earlier order first."""
    netted = pd.Series(False, index=rows.index)
    orders: dict[tuple[str, str, float, int], list[tuple[pd.Timestamp, int]]] = {}
    key = ["customer_id", "product_id", "unit_price"]
    back = (
        rows.loc[rows["quantity"] < 0, [*key, "quantity"]].assign(quantity=lambda d: -d["quantity"]).drop_duplicates()
    )
    sold = rows[rows["quantity"] > 0].reset_index().merge(back).set_index("index")
    for row in sold.sort_values("order_date").itertuples():
        orders.setdefault((row.customer_id, row.product_id, row.unit_price, row.quantity), []).append(
            (row.order_date, row.Index)
        )
    for row in rows[rows["quantity"] < 0].sort_values("order_date").itertuples():
        alike = orders.get((row.customer_id, row.product_id, row.unit_price, -row.quantity), [])
        earlier = [pair for pair in alike if pair[0] < row.order_date]
        if earlier:
            alike.remove(earlier[-1])
            netted[[row.Index, earlier[-1][1]]] = True
    return netted


def test_firms_under_two_identifiers(company):
    names = company.accounts.set_index("customer_id")["name"]

    def plain(name: str) -> str:
        return re.sub(r"\b(ltd|limited|co|company)\b\.?", "", name.casefold()).strip()

    pairs = company.truth.duplicates
    assert len(pairs) == 4
    for pair in pairs.itertuples():
        assert names[pair.customer_id] != names[pair.duplicate_of]
        assert plain(names[pair.customer_id]) == plain(names[pair.duplicate_of])


def test_other_sizes():
    company = simulate_company(seed=5, n_accounts=150, n_months=36)
    assert company.ledger["order_date"].min() >= pd.Timestamp("2023-01-01")
    assert company.ledger["order_date"].dt.to_period("M").nunique() == 36
    assert company.accounts["name"].is_unique


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"n_accounts": 20}, "20 accounts"),
        ({"n_months": 12}, "12 months"),
        ({"non_response": "weather"}, "weather"),
        ({"trap_scale": -1.0}, "trap_scale"),
        ({"trap_scale": float("nan")}, "trap_scale"),
    ],
)
def test_arguments_out_of_range(arguments, named):
    with pytest.raises(ParameterError, match=named):
        simulate_company(seed=1, **arguments)


# -- the same process again ------------------------------------------------------------------------------------------


def abc_classes(ledger: pd.DataFrame, accounts: pd.Series) -> pd.Series:
    value = ledger.groupby("customer_id")["amount"].sum().reindex(accounts).fillna(0).sort_values(ascending=False)
    positive = value.clip(lower=0)
    before = (positive.cumsum() - positive) / positive.sum()
    return pd.Series(
        np.where((before < 0.8) & (value > 0), "A", np.where((before < 0.95) & (value > 0), "B", "C")), value.index
    )


def test_a_rerun_is_the_same_process(company, ledger):
    ids = company.accounts["customer_id"]
    one, other = simulate_rerun(company, seed=1), simulate_rerun(company, seed=2)
    assert_frame_equal(one, simulate_rerun(company, seed=1))
    assert not one.equals(other)
    value = pd.DataFrame(
        {k: d.groupby("customer_id")["amount"].sum() for k, d in enumerate((ledger, one, other))}
    ).fillna(0)
    np.testing.assert_allclose(value.sum(), value[0].sum(), rtol=0.03)
    for k in (1, 2):
        correlation = np.corrcoef(np.log(value.clip(lower=1)[0]), np.log(value.clip(lower=1)[k]))[0, 1]
        assert 0.9 < correlation < 0.999
        # As far from the ledger as the runs are from each other: the ledger is a run like any other.
    classes = [abc_classes(d, ids) for d in (ledger, one, other)]
    agreement = [(classes[a] == classes[b].reindex(classes[a].index)).mean() for a, b in ((0, 1), (0, 2), (1, 2))]
    assert min(agreement) > 0.85 and max(agreement) < 0.99
    assert max(agreement) - min(agreement) < 0.03


def test_a_rerun_ends_where_the_accounts_left(company):
    left = company.truth.accounts.set_index("customer_id")["left"]
    again = simulate_rerun(company, seed=3)
    orders = again[again["amount"] > 0]
    assert not (orders["order_date"].to_numpy() >= left.reindex(orders["customer_id"]).to_numpy()).any()


def test_a_rerun_with_other_states_agrees_less(company):
    ids = company.accounts["customer_id"]
    runs = {
        states: [abc_classes(simulate_rerun(company, seed=seed, states=states), ids) for seed in (1, 2)]
        for states in ("kept", "redrawn")
    }
    agreement = {states: (one == other.reindex(one.index)).mean() for states, (one, other) in runs.items()}
    assert agreement["redrawn"] < agreement["kept"] - 0.02
