"""The four criteria together: by hand, at the borders, by an invariant; what is not known; bad input."""

import numpy as np
import pandas as pd
import pytest

from kam.errors import EmptyDataError, MissingColumnError, ParameterError
from kam.identify import profile_accounts


def make_facts(n=40, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "customer_id": [f"{i:03}" for i in range(n)], "revenue_year": rng.lognormal(8, 1, n),
        "orders_per_year": rng.uniform(1, 30, n), "share_margin": rng.normal(0.3, 0.05, n),
        "tenure_years": rng.uniform(0, 10, n), "gap_cv": rng.uniform(0.1, 1.5, n), "n_silent_gaps": 1.0,
        "share_wallet": rng.uniform(0, 1, n),
    })  # fmt: skip


@pytest.fixture
def hand():
    """a is best in all; b large and frequent at a thin margin; c small and loyal; d silent; e bought nothing this year."""
    return pd.DataFrame({
        "customer_id": list("abcde"), "revenue_year": [500.0, 400.0, 50.0, 50.0, 0.0],
        "orders_per_year": [20.0, 18.0, 2.0, 3.0, 1.0], "share_margin": [0.4, 0.1, 0.3, 0.2, 0.9],
        "tenure_years": [9.0, 2.0, 8.0, 10.0, 1.0], "gap_cv": [0.1, 0.9, 0.2, 0.1, 0.1], "n_silent_gaps": [1.0, 1, 1, 3.1, 9],
    })  # fmt: skip


def test_by_hand(hand):
    found = profile_accounts(hand)
    profiles = found.accounts.set_index("customer_id")["profile"].to_dict()
    assert profiles == {
        "a": "all: frequency, volume, margin and loyalty",
        "b": "frequency and volume; not margin, loyalty",
        "c": "margin and loyalty; not frequency, volume",
        "d": "none",
    }
    loyalty = found.accounts.set_index("customer_id")["loyalty"]
    assert loyalty["a"] == pytest.approx(
        (0.75 + 0.875) / 2
    )  # third of four by tenure, shares the first rank by evenness
    assert loyalty["d"] == 0  # silent for more than three of its gaps
    assert (found.n_customers, found.n_all_met, found.n_large, found.n_large_missing) == (4, 1, 2, 1)
    assert found.share_all_met == pytest.approx(0.5)
    assert found.missed_most == "margin"
    assert found.answer().startswith(
        "One of 4 active accounts stands out in frequency, volume, margin and loyalty at once"
    )
    assert found.criteria["n_large"].tolist() == [2, 2, 1, 1]
    assert found.combinations["value"].sum() == 1000 and found.combinations["n_customers"].sum() == 4


def test_each_criterion_counts(hand):
    """Whoever falls below a border in one criterion does not meet all any more."""
    for column, worse in (
        ("orders_per_year", 0.1),
        ("revenue_year", 1.0),
        ("share_margin", 0.0),
        ("n_silent_gaps", 9.0),
    ):
        changed = hand.copy()
        changed.loc[0, column] = worse
        assert profile_accounts(changed).accounts.set_index("customer_id")["n_met"]["a"] < 4


def test_satisfaction_and_price_are_no_loyalty(hand):
    assert profile_accounts(hand.assign(overall=[1.0, 5, 5, 5, 5])).accounts.equals(profile_accounts(hand).accounts)


def test_naive_recomputation():
    facts = make_facts()
    found = profile_accounts(facts, share_below=0.6)
    ranks = (
        facts["tenure_years"].rank(pct=True) + (-facts["gap_cv"]).rank(pct=True) + facts["share_wallet"].rank(pct=True)
    ) / 3
    ordered = facts.sort_values("revenue_year", ascending=False)["revenue_year"]
    is_a = (ordered.cumsum() - ordered) < 0.8 * ordered.sum()
    met = is_a.reindex(facts.index) & (ranks >= np.quantile(ranks, 0.6, method="higher"))
    for column in ("orders_per_year", "share_margin"):
        met &= facts[column] >= np.quantile(facts[column], 0.6, method="higher")
    assert set(found.accounts.loc[found.accounts["n_met"] == 4, "customer_id"]) == set(facts.loc[met, "customer_id"])
    assert found.sensitivity.set_index("share_below").loc[0.6, "n_customers"] == met.sum()
    assert found.sensitivity["n_customers"].is_monotonic_decreasing


def test_borders_of_the_business(hand):
    found = profile_accounts(hand, cuts={"frequency": 19.0, "margin": 0.05})
    assert found.criteria.set_index("criterion")["cut"]["frequency"] == 19
    assert found.criteria.set_index("criterion")["n_customers"].to_dict() == {
        "frequency": 1,
        "volume": 2,
        "margin": 4,
        "loyalty": 2,
    }


def test_without_cost_three_are_judged(hand):
    found = profile_accounts(hand.drop(columns="share_margin"))
    assert found.criteria["criterion"].tolist() == ["frequency", "volume", "loyalty"]
    check = found.checks[0]
    assert check.verdict == "does not hold" and "three criteria" in check.finding
    alike = profile_accounts(hand.assign(share_margin=0.3))
    assert alike.checks[2].verdict == "does not hold" and "margin" in alike.checks[2].finding


def test_one_account(hand):
    found = profile_accounts(hand.head(1))
    assert found.n_all_met == 1 and found.missed_most is None
    assert next(c for c in found.checks if "enough accounts" in c.assumption).verdict == "does not hold"


def test_bad_input(hand):
    with pytest.raises(EmptyDataError, match="No account bought"):
        profile_accounts(hand.tail(1))
    with pytest.raises(ParameterError, match="share_below is 1"):
        profile_accounts(hand, share_below=1.0)
    with pytest.raises(ParameterError, match=r"no criterion 'price'.*frequency"):
        profile_accounts(hand, cuts={"price": 1.0})
    with pytest.raises(MissingColumnError, match="tenure_years"):
        profile_accounts(hand.drop(columns="tenure_years"))
