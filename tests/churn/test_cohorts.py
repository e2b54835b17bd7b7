"""Cohorts: worked by hand, recounted by plain pandas, a known decline recovered, and bad input named."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kam.churn import churn_definition, cohort_retention
from kam.churn.cohorts import _compare_halves, _test_alike
from kam.errors import EmptyDataError, ParameterError
from kam.ledger import activity_panel
from tests.churn.purchases import find_check

QUARTERS = pd.date_range("2021-01-01", periods=16, freq="QS")
HAND = {"old": range(16), "a": (4, 5, 8), "b": (4, 5, 6, 7, 8), "c": (4, 5), "d": (4,), "e": (6, 7, 10), "f": (6, 10)}


def make_panel(orders, revenue=10.0):
    rows = [(name, QUARTERS[t]) for name, periods in orders.items() for t in periods]
    return pd.DataFrame(rows, columns=["customer_id", "period"]).assign(n_orders=1, revenue=revenue)


def follow(orders, k=3, **options):
    panel = make_panel(orders)
    return cohort_retention(panel, churn_definition(panel, freq="quarter", k=k, n_resamples=20), **options)


def test_by_hand():
    result = follow(HAND)
    assert result.n_customers == 6 and result.n_before == 1 and result.compared_at == 4
    table = result.cohorts.set_index(["cohort", "n_since_first"])
    assert table.loc[(QUARTERS[4], 1), ["n_customers", "n_active"]].tolist() == [4, 3]
    assert table.loc[(QUARTERS[4], 4), "share_active"] == 2 / 4
    assert table.loc[(QUARTERS[6], 4), "n_active"] == 2 and table.loc[(QUARTERS[6], 4), "revenue"] == 20.0
    # Sixteen quarters: the first cohort is followed for 11, the second for 9.
    assert result.ages["n_customers"].tolist() == [6] * 10 + [4, 4]
    assert result.ages.loc[4, ["n_cohorts", "n_active"]].tolist() == [2, 4]
    assert (result.share_older, result.share_younger, result.difference) == (0.5, 1.0, 0.5)
    assert "66.7%" in result.answer() and "cannot be told from older ones: 100.0% against 50.0%" in result.answer()
    assert find_check(result, "began with it").verdict == "handled"


def test_newcombes_interval_is_the_published_one():
    """Newcombe (1998), table II: 56/70 less 48/80, method 10: 0.0524 to 0.3339."""
    then = pd.DataFrame({"n_active": [48, 56], "n_customers": [80, 70]})
    older, younger, low, high = _compare_halves(then, 0.95)
    assert (older, younger) == (0.6, 0.8)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_the_halves_are_as_even_as_cohorts_allow():
    then = pd.DataFrame({"n_active": [1, 1, 1, 1], "n_customers": [10, 2, 2, 2]})
    assert _compare_halves(then, 0.95)[:2] == (1 / 10, 3 / 6)


def test_few_accounts_are_compared_earlier():
    """A year on the younger half would have 4 accounts; half a year on it has 12."""
    orders = {"old": range(16)} | {f"a{i}": (9, 12) for i in range(12)} | {f"b{i}": (11,) for i in range(4)}
    assert follow(orders).compared_at == 4  # nowhere ten: as late as two cohorts have come
    assert follow(orders | {f"c{i}": (13,) for i in range(8)}).compared_at == 2


def test_small_cohorts_are_put_together_before_they_are_compared():
    from scipy.stats import chi2_contingency

    then = pd.DataFrame({"n_active": [2, 3, 9, 1], "n_customers": [5, 6, 12, 2]})
    # Share 15/25: five expected of each kind take 12.5 accounts: the first three cohorts, and what is left over with them.
    assert _test_alike(then) is None
    larger = then * 4
    # Now 20 + 24 = 44 … each of the first three is large enough alone, the last (8) goes to the third.
    p = chi2_contingency([[8, 12], [12, 12], [40, 16]], correction=False).pvalue
    assert _test_alike(larger) == pytest.approx(p)


def test_plain_pandas_on_the_sample(sample_company):
    panel = activity_panel(sample_company.ledger, freq="quarter")
    definition = churn_definition(activity_panel(sample_company.ledger, freq="month"), n_resamples=20)
    result = cohort_retention(sample_company.ledger, definition)
    bought = panel[panel["n_orders"] > 0]
    number = bought["period"].dt.year * 4 + bought["period"].dt.quarter
    first = number.groupby(bought["customer_id"]).transform("min")
    silence = -(-definition.k // 3)
    new = first >= number.min() + silence
    age = (number - first)[new]
    last = number.max()
    for t in (1, 4, 8):
        can = first[new] + t <= last
        n_customers = bought.loc[new][can]["customer_id"].nunique()
        n_active = bought.loc[new][can & (age == t)]["customer_id"].nunique()
        row = result.ages.set_index("n_since_first").loc[t]
        assert (row["n_customers"], row["n_active"]) == (n_customers, n_active)
    known = panel.merge(
        first[new].rename("first").to_frame().assign(customer_id=bought["customer_id"]).drop_duplicates()
    )
    assert result.cohorts["revenue"].sum() == pytest.approx(
        known.loc[known["period"].dt.year * 4 + known["period"].dt.quarter >= known["first"], "revenue"].sum()
    )


def simulate(share_older, share_younger, n=150, seed=1):
    """Cohorts of n accounts in quarters 4 to 11; each then orders in any quarter with its cohort's chance."""
    rng = np.random.default_rng(seed)
    orders = {"old": range(16)}
    for cohort in range(4, 12):
        p = share_older if cohort < 8 else share_younger
        for i in range(n):
            later = [t for t in range(cohort + 1, 16) if rng.random() < p]
            orders[f"{cohort}-{i}"] = (cohort, *later)
    return orders


@pytest.mark.parametrize(("younger", "words"), [(0.4, "stay less often"), (0.8, "stay more often")])
def test_a_known_change_is_recovered(younger, words):
    result = follow(simulate(0.6, younger))
    assert words in result.answer()
    assert result.difference_low < younger - 0.6 < result.difference_high
    assert find_check(result, "one curve").verdict == "does not hold"


def test_no_change_is_seldom_taken_for_one():
    wrong = sum(
        not r.difference_low <= 0 <= r.difference_high for r in (follow(simulate(0.6, 0.6, 30, s)) for s in range(40))
    )
    assert wrong <= 5  # 2 expected; more than 5 has a chance of 1 %


@given(
    st.dictionaries(
        st.text("abc", min_size=1, max_size=3), st.sets(st.integers(0, 15), min_size=1), min_size=2, max_size=12
    )
)
def test_invariants(orders):
    try:
        result = follow(orders | {"old": range(16)}, k=2)
    except EmptyDataError:
        return
    table = result.cohorts
    assert (table.loc[table["n_since_first"] == 0, "share_active"] == 1).all(), "everyone orders in the first period"
    assert table["share_active"].between(table["ci_low"] - 1e-12, table["ci_high"] + 1e-12).all()
    assert result.ages["n_customers"].is_monotonic_decreasing
    assert result.n_customers + result.n_before <= len(orders) + 1


def test_one_cohort_is_not_compared():
    result = follow({"old": range(16), "a": (4, 5, 8), "b": (4, 8)})
    assert result.difference is None and result.p_alike is None
    assert "cannot be told from one cohort" in result.answer()
    assert find_check(result, "one curve").verdict == "not testable"


def test_bad_input():
    with pytest.raises(EmptyDataError, match="from its first order on"):
        follow({"old": range(16), "new": (0, 3)})
    with pytest.raises(EmptyDataError, match="from its first order on"):
        follow({"old": range(16), "too late": (15,)})
    with pytest.raises(ParameterError, match="level"):
        follow(HAND, level=1.0)
    with pytest.raises(ParameterError, match="frequency"):
        follow(HAND, freq="week")
