"""Partial churn: by hand, chance by enumeration, what follows, bad input."""

import dataclasses
from itertools import product

import numpy as np
import pandas as pd
import pytest

from kam.churn import churn_definition, partial_churn
from kam.errors import EmptyDataError, ParameterError

MONTHS = pd.date_range("2021-01-01", periods=60, freq="MS")


def panel_of(accounts: dict[str, list[float]]) -> pd.DataFrame:
    """Monthly revenue by account; 0: no order."""
    rows = [(name, MONTHS[t], 1, x) for name, values in accounts.items() for t, x in enumerate(values) if x]
    return pd.DataFrame(rows, columns=["customer_id", "period", "n_orders", "revenue"])


def test_by_hand():
    accounts = {
        "steady": [10.0] * 27,
        "halved": [10.0] * 15 + [5.0] * 12,
        "a little less": [10.0] * 15 + [5.1] * 12,
        "risen": [4.0] * 15 + [8.0] * 12,
        "young": [0.0] * 4 + [10.0] * 11 + [1.0] * 12,
        "lost": [10.0] * 20 + [0.0] * 7,
        "silent, not lost": [10.0] * 22 + [0.0] * 5,
    }
    result = partial_churn(panel_of(accounts), 6)
    assert result.accounts["customer_id"].tolist() == ["halved"]
    row = result.accounts.iloc[0]
    assert (row["revenue_before"], row["revenue"], row["share_change"], row["money_drop"]) == (120, 60, -0.5, 60)
    assert (result.n_customers, result.n_partial, result.n_short) == (5, 1, 1)
    assert (result.money_before, result.money_drop) == (120, 60)
    last = result.quarters.iloc[-1]
    assert (last["n_customers"], last["n_partial"], last["n_rise"], last["money_drop"]) == (5, 1, 1, 60)
    assert last["period"] == MONTHS[26]
    lower = partial_churn(panel_of(accounts), 6, drop=0.4)
    assert set(lower.accounts["customer_id"]) == {"halved", "a little less", "silent, not lost"}
    assert "1 of 5" not in result.answer() and "One of 5 accounts that still order" in result.answer()


def test_chance_is_the_share_of_all_ways_to_change_places():
    rng = np.random.default_rng(2)
    values = np.where(rng.random((30, 25)) < 0.25, rng.integers(10, 99, (30, 25)), 0).astype(float)
    values[:, [0, -1]] = 5.0
    result = partial_churn(panel_of({f"{i:02d}": list(v) for i, v in enumerate(values)}), 20)
    expected, p_values = 0.0, {}
    for i, v in enumerate(values):
        before, after = (v[a : a + 12].reshape(4, 3).sum(axis=1) for a in (1, 13))
        if before.sum() <= 0:
            continue
        ratios = []
        for swap in product((False, True), repeat=4):
            b, a = np.where(swap, after, before).sum(), np.where(swap, before, after).sum()
            ratios.append(a / b if b > 0 else np.inf)
        expected += np.mean(np.array(ratios) <= 0.5 + 1e-12)
        p_values[f"{i:02d}"] = np.mean(np.array(ratios) <= ratios[0] + 1e-12)
    assert result.n_chance == pytest.approx(expected)
    assert result.n_partial > 3
    for row in result.accounts.itertuples():
        assert row.p_chance == pytest.approx(p_values[row.customer_id])


def company(effect: float, seed: int = 1, n: int = 500) -> pd.DataFrame:
    """Accounts that order every month; a third falls to a third in the third year, and leaves more often after that."""
    rng = np.random.default_rng(seed)
    falls = np.arange(n) % 3 == 0
    revenue = rng.uniform(80, 120, (n, 60))
    revenue[falls, 24:] *= 0.3
    hazard = np.where(falls, effect, 0.01)[:, None] * (np.arange(60) >= 36)
    revenue[np.cumsum(rng.random((n, 60)) < hazard, axis=1) > 0] = 0
    return panel_of({f"{i:03d}": list(v) for i, v in enumerate(revenue)})


def test_an_early_sign_is_found_and_none_is_not_made_up():
    sign = partial_churn(company(0.06), 3, n_resamples=100).early_sign
    assert (sign["ci_low"] > 0).all()
    row = sign.iloc[0]
    assert row["ci_low"] <= row["share_partial_lost"] - row["share_others_lost"] == row["estimate"] <= row["ci_high"]
    none = partial_churn(company(0.01), 3, n_resamples=100)
    assert none.early_sign.iloc[-1]["ci_low"] <= 0 <= none.early_sign.iloc[-1]["ci_high"]
    assert "no sure early sign" in none.answer()


def test_followed_long_enough():
    panel = company(0.06)
    definition = churn_definition(panel, k=3, n_resamples=20)
    by_definition = partial_churn(panel, definition, n_resamples=20)
    pd.testing.assert_frame_equal(by_definition.accounts, partial_churn(panel, 3, n_resamples=20).accounts)
    assert by_definition.follow_months == 12
    assert partial_churn(panel, 9, n_resamples=20).follow_months == 15
    short = partial_churn(panel[panel["period"] < MONTHS[30]], 3, n_resamples=20)
    assert short.early_sign["ci_low"].isna().all()
    assert "cannot be told" in short.answer()


def test_a_definition_by_quarter_counts_three_months_each():
    panel = company(0.05, n=60)
    by_quarter = dataclasses.replace(churn_definition(panel, k=3, n_resamples=5), k=2, freq="quarter")
    assert partial_churn(panel, by_quarter, n_resamples=5).accounts.equals(
        partial_churn(panel, 6, n_resamples=5).accounts
    )


def test_bad_input():
    panel = panel_of({"a": [1.0] * 30})
    with pytest.raises(ParameterError, match="drop is 0"):
        partial_churn(panel, 3, drop=0)
    with pytest.raises(ParameterError, match="definition is 0"):
        partial_churn(panel, 0)
    with pytest.raises(ParameterError, match="of other data"):
        partial_churn(panel, churn_definition(company(0.05, n=30), k=3, n_resamples=5))
    with pytest.raises(EmptyDataError, match="no two complete years"):
        partial_churn(panel[panel["period"] < MONTHS[23]], 3)
    with pytest.raises(EmptyDataError, match="no revenue"):
        partial_churn(panel.drop(columns="revenue"), 3)
    with pytest.raises(EmptyDataError, match="No account"):
        partial_churn(panel, 3, min_revenue=1e9)
