"""Online Retail II, by hand in pandas: who is lost, what states are worth, and the season that a pooled chain leaves out."""

import numpy as np
import pandas as pd
import pytest

from kam.churn import customer_value, fit_markov_churn
from kam.ledger import open_ledger, state_panel


@pytest.fixture(scope="module")
def orders(real_data):
    frame = pd.read_parquet(real_data("online_retail_ii/orders_2009_2011.parquet"))
    frame = frame[(frame["amount"] > 0) & ~frame["cancelled"] & frame["customer_id"].notna()]
    return frame[["invoice", "date", "customer_id", "amount"]].astype({"customer_id": "int64"})


def by_hand(orders, freq, first, last, k):
    """States and money of every customer and period from the first purchase on: periods since the last purchase, k for lost."""
    money = orders.assign(period=orders["date"].dt.to_period(freq)).pivot_table(
        index="customer_id", columns="period", values="amount", aggfunc="sum"
    )
    money = money.reindex(columns=pd.period_range(first, last, freq=freq))
    bought = money.notna().to_numpy()
    state = np.full(bought.shape, -1)
    for t in range(bought.shape[1]):
        before = state[:, t - 1] if t else np.full(len(state), -1)
        state[:, t] = np.where(bought[:, t], 0, np.where(before < 0, -1, np.minimum(before + 1, k)))
    return state, money.fillna(0).to_numpy()


@pytest.mark.parametrize(
    ("freq", "letter", "first", "last", "k"),
    [("month", "M", "2009-12", "2011-11", 3), ("quarter", "Q", "2010Q1", "2011Q3", 3)],
)
def test_who_is_lost_and_what_each_state_is_worth(orders, freq, letter, first, last, k):
    ledger = open_ledger(orders, columns={"order_id": "invoice", "order_date": "date"})
    markov = fit_markov_churn(state_panel(ledger, states="recency", k=k, freq=freq), n_resamples=20, chain="pooled")
    value = customer_value(markov, None, discount_rate=0.1, horizon=8, n_paths=100)
    state, money = by_hand(orders, letter, first, last, k)
    now = np.bincount(state[:, -1][state[:, -1] >= 0], minlength=k + 1)
    assert markov.states["n_customers"].tolist() == now.tolist()
    from_, to = state[:, :-1].ravel(), state[:, 1:].ravel()
    counts = np.array([[((from_ == i) & (to == j)).sum() for j in range(k + 1)] for i in range(k + 1)])
    assert markov.n_returned == counts[k, :k].sum()
    p = counts / counts.sum(axis=1, keepdims=True)
    reward = np.array([money[state == i].mean() for i in range(k + 1)])
    rate = 1.1 ** (1 / (12 if freq == "month" else 4)) - 1
    worth, step = np.zeros(k + 1), np.eye(k + 1)
    for _ in range(8):
        step = step @ p / (1 + rate)
        worth += step @ reward
    assert value.states["value_ahead"].tolist() == pytest.approx(worth.tolist())


def test_the_report_says_that_a_pooled_chain_leaves_the_season_out(orders):
    """Two years show no season of transitions twice, so that there is no chain of seasons; the answer says what that hides."""
    ledger = open_ledger(orders, columns={"order_id": "invoice", "order_date": "date"})
    result = fit_markov_churn(state_panel(ledger, states="recency", k=3, freq="quarter"), n_resamples=20)
    assert result.chain == "pooled" and result.cycle.empty
    assert "From season to season 42.1% to 63.2% of those that are bought stay so" in result.answer()
    check = next(check for check in result.checks if check.assumption == "no season is unlike the others")
    assert check.verdict == "does not hold" and "where this season showed" in check.finding
