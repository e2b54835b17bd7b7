"""How much of the money is still there, and how many of the customers: step by step, and where the two differ."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from kam.churn.customer_value import customer_value
from kam.churn.markov import fit_markov_churn
from tests.churn.worlds import MONEY, simulate


@pytest.fixture(scope="module")
def value(panel):
    chain = fit_markov_churn(panel, n_resamples=20, chain="pooled")
    return customer_value(chain, None, discount_rate=0.1, horizon=12, n_paths=100)


def test_money_retention_by_brute_force(panel, value):
    rows = panel.sort_values(["customer_id", "period"], ignore_index=True)
    by_customer = rows.groupby("customer_id")
    rows["next"] = by_customer["state"].shift(-1)
    rows["share_money"] = by_customer["revenue"].rolling(12, min_periods=1).sum().to_numpy()  # of the year up to then
    rows["share_heads"] = 1.0
    now = by_customer.agg(state=("state", "last"), share_money=("revenue", "mean")).assign(share_heads=1.0)
    moved = rows.dropna(subset="next")
    for column in ("share_money", "share_heads"):
        weight = moved[column]
        left = weight.groupby(moved["state"]).sum()
        p = {
            (a, b): weight[(moved["state"] == a) & (moved["next"] == b)].sum() / left[a] for a, b in product("AB", "AB")
        }
        one = {s: p[s, "A"] + p[s, "B"] for s in "AB"}
        two = {s: p[s, "A"] * one["A"] + p[s, "B"] * one["B"] for s in "AB"}
        table = value.money_retention.set_index(["state", "n_ahead"])[column]
        for s in "AB":
            assert [table[s, 0], table[s, 1], table[s, 2]] == pytest.approx([1, one[s], two[s]])
        held = now.groupby("state")[column].sum()
        expected = sum(held[s] * two[s] for s in "AB") / (held["A"] + held["B"])
        assert value.portfolio_retention.set_index("n_ahead").at[2, column] == pytest.approx(expected)
    assert set(value.money_retention["state"]) == {"A", "B"}
    assert value.money_retention["n_ahead"].max() == 12


def test_large_customers_who_stay_longer_are_noticed():
    loyal = np.array([[0.90, 0.10, 0.0], [0.60, 0.39, 0.01], [0.02, 0.03, 0.95]])
    fickle = np.array([[0.60, 0.20, 0.20], [0.20, 0.40, 0.40], [0.02, 0.03, 0.95]])
    large = simulate(1, p=loyal, money=10 * MONEY, n_customers=200)
    small = simulate(2, p=fickle, n_customers=200).assign(customer_id=lambda rows: "s" + rows["customer_id"])
    chain = fit_markov_churn(pd.concat([large, small]), n_resamples=20, chain="pooled")
    worth = customer_value(chain, None, discount_rate=0.1, horizon=12, n_paths=100)
    after = worth.portfolio_retention.set_index("n_ahead").loc[12]
    assert after["share_money"] > after["share_heads"] + 0.1
    check = next(c for c in worth.checks if "leave alike" in c.assumption)
    assert check.verdict == "does not hold" and "points more" in check.finding
