"""Accounts that could be let go: each criterion changes who is named, and the sums are those of the list."""

import numpy as np
import pandas as pd
import pytest

from kam.errors import DataError, MissingColumnError, ParameterError
from kam.identify import release
from kam.results import Context

SIZES = {"big": 9000.0, "mid": 900.0, "s1": 20.0, "s2": 30.0, "s3": 40.0}


def months(values, n_months=24):
    start = pd.date_range("2023-01-01", periods=n_months, freq="MS")
    return pd.DataFrame(
        {
            "customer_id": np.repeat(list(values), n_months),
            "period": np.tile(start, len(values)),
            "revenue": np.repeat(list(values.values()), n_months),
            "n_orders": 1,
        }
    )


@pytest.fixture
def panel():
    return months(SIZES)


@pytest.fixture
def money():
    """Contribution and cost to serve a year: s3 earns its keep."""
    return pd.DataFrame(
        {
            "customer_id": list(SIZES),
            "profit": [20000.0, 2000.0, -50.0, -20.0, 400.0],
            "cost_to_serve": [5000.0, 900.0, 100.0, 120.0, 60.0],
        }
    )


def named(*args, **options):
    return release(*args, **options).candidates["customer_id"].tolist()


def test_by_hand(panel, money):
    result = release(panel, contribution=money, acquisition_cost=500.0, context=Context(currency="EUR"))
    assert result.candidates["customer_id"].tolist() == ["s1", "s2"]
    assert result.revenue_lost == 12 * 50
    assert result.share_lost == pytest.approx(600 / (12 * 9990))
    assert (result.contribution_lost, result.keeping_cost, result.replacement_cost) == (-70, 220, 1000)
    assert result.candidates["years_to_replace"].tolist() == pytest.approx([500 / 50, 500 / 20])  # over the loss a year
    assert result.candidates["n_small"].tolist() == [5, 5]
    answer = result.answer()
    assert answer.startswith(
        "2 of 5 accounts have shown no potential for 4 quarters in a row; they bring €600.00 of revenue a year (0.5%), "
        "cost €220.00 a year to serve and lose €70.00: leaving would save €70.00 a year. To win as many new ones"
    )
    assert "would be gone" not in answer and "-€" not in answer
    assert answer.key_figures[2].value == "€70.00" and answer.key_figures[2].label == "leaving would save, a year"
    assert "only indirectly" in answer
    assert result.candidates["why"].str.contains("let go only indirectly").all()


def test_without_costs_it_is_by_size_alone_and_said(panel):
    result = release(panel)
    assert result.candidates["customer_id"].tolist() == ["s1", "s2", "s3"]
    assert result.contribution_lost is None and result.keeping_cost is None
    assert "no_contribution" in result.left_out
    assert result.checks[0].verdict == "does not hold" and "no cost is known" in result.checks[0].finding
    assert result.candidates["why"].str.contains("contribution not known").all()


def test_the_cost_to_serve_is_not_counted_twice(panel, money):
    """What is left is after the cost to serve: who leaves 70 after a cost of 100 earns money, and is kept."""
    money.loc[[2, 3], "profit"] = [70.0, -20.0]
    result = release(panel, contribution=money, acquisition_cost=500.0, context=Context(currency="EUR"))
    assert result.candidates["customer_id"].tolist() == ["s2"]
    assert result.candidates["years_to_replace"].tolist() == pytest.approx([25])
    assert "loses €20.00 a year" in result.candidates["why"][0]
    unserved = release(panel, contribution=money.drop(columns="cost_to_serve"), context=Context(currency="EUR"))
    assert unserved.keeping_cost is None and " and lose €20.00 a year: leaving would save that." in unserved.answer()


def test_sums_of_different_accounts_never_meet(panel, money):
    money.loc[2, "cost_to_serve"] = np.nan
    result = release(panel, contribution=money)
    assert (result.contribution_lost, result.keeping_cost) == (-70, None)


def test_who_leaves_nothing_after_the_cost_of_serving(panel, money):
    money.loc[4, "profit"] = 0.0
    assert "s3" in named(panel, contribution=money)
    money.loc[4, "profit"] = 0.01
    assert "s3" not in named(panel, contribution=money)


def test_an_account_whose_contribution_is_not_known_is_kept(panel, money):
    assert named(panel, contribution=money[money["customer_id"] != "s1"]) == ["s2"]


def test_tracked_over_time_and_not_at_one_moment(panel, money):
    """Large until nine months ago: small now, but not in each of the last four quarters."""
    was = panel.copy()
    was.loc[(was["customer_id"] == "s1") & (was["period"] < "2024-01-01"), "revenue"] = 900.0
    assert named(was, contribution=money, n_quarters=1) == ["s1", "s2"]
    assert named(was, contribution=money) == ["s2"]


def test_growing_accounts_are_kept(panel, money):
    grown = panel.copy()
    grown.loc[(grown["customer_id"] == "s2") & (grown["period"] >= "2024-06-01"), "revenue"] = 50.0
    assert named(grown, contribution=money) == ["s1"]


def test_new_and_silent_accounts_are_no_candidates(panel, money):
    new = panel[(panel["customer_id"] != "s1") | (panel["period"] >= "2024-03-01")]
    assert named(new, contribution=money) == ["s2"]
    silent = panel[(panel["customer_id"] != "s1") | (panel["period"] < "2023-12-01")]
    assert named(silent, contribution=money) == ["s2"]


def test_demand_worth_having_keeps_an_account(panel, money):
    accounts = pd.DataFrame({"customer_id": ["s1", "s2"], "potential": [500000.0, 400.0]})
    result = release(panel, contribution=money, accounts=accounts)
    assert result.candidates["customer_id"].tolist() == ["s2"]


def test_a_chance_of_class_a_keeps_an_account(panel, money):
    chances = pd.DataFrame({"customer_id": ["s1", "s2"], "p_become_a": [0.2, np.nan]})
    assert named(panel, contribution=money, growth_candidates=chances) == ["s2"]
    assert named(panel, contribution=money, growth_candidates=chances, max_p=0.3) == ["s1", "s2"]


def test_groups_with_a_key_account_are_kept_however_deep(panel, money):
    accounts = pd.DataFrame({"customer_id": ["s1", "x", "big"], "parent_id": ["x", "top", "top"]})
    assert named(panel, contribution=money, accounts=accounts) == ["s2"]
    assert named(panel, contribution=money, accounts=accounts, key_accounts=["s2"]) == ["s1"]
    ring = pd.DataFrame({"customer_id": ["s1", "s2", "mid"], "parent_id": ["s2", "s1", None]})
    assert named(panel, contribution=money, accounts=ring) == ["s1", "s2"]


def test_tiers_set_by_hand_are_kept_until_they_end(panel, money):
    overrides = pd.DataFrame({"customer_id": ["s1", "s2"], "until": [pd.NaT, pd.Timestamp("2024-06-30")]})
    assert named(panel, contribution=money, overrides=overrides) == ["s2"]


def test_criteria_count_down_to_the_list(panel, money):
    result = release(panel, contribution=money)
    counts = result.criteria["n_all_so_far"]
    assert counts.is_monotonic_decreasing and counts.iloc[-1] == result.n_candidates
    assert (result.criteria["n_customers"] >= counts).all()


def test_more_quarters_name_fewer(panel):
    rng = np.random.default_rng(1)
    many = months({f"{i:03d}": v for i, v in enumerate(rng.lognormal(4, 2, 80))}, 36)
    many["revenue"] *= rng.lognormal(0, 1, len(many))
    found = [set(named(many, n_quarters=n)) for n in (1, 4, 8)]
    assert len(found[0]) >= len(found[1]) >= len(found[2]) > 0


def test_nobody_to_let_go(panel):
    result = release(panel, overrides=pd.DataFrame({"customer_id": list(SIZES)}))
    assert result.n_candidates == 0 and result.candidates.empty
    assert "none is to be let go" in result.answer()


def test_the_account_file_prices_an_account_before_the_keyword(panel, money):
    accounts = pd.DataFrame({"customer_id": ["s1"], "acquisition_cost": [50.0], "name": ["Small & Sons"]})
    result = release(panel, contribution=money, accounts=accounts, acquisition_cost=500.0)
    assert result.candidates["replacement_cost"].tolist() == [50, 500]
    assert result.candidates["name"].tolist() == ["Small & Sons", "s2"]


def test_bad_input_is_named(panel, money):
    with pytest.raises(DataError, match="4 quarters of tracking need 21"):
        release(panel[panel["period"] >= "2023-06-01"])
    with pytest.raises(MissingColumnError, match="contribution"):
        release(panel, contribution=money[["customer_id"]])
    with pytest.raises(DataError, match="stands twice"):
        release(panel, contribution=pd.concat([money, money.head(1)]))
    with pytest.raises(DataError, match="s1"):
        release(panel, accounts=pd.DataFrame({"customer_id": ["s1"], "service_cost": [-5.0]}))
    with pytest.raises(ParameterError, match="max_p"):
        release(panel, max_p=1.2)
    with pytest.raises(ParameterError, match="acquisition_cost"):
        release(panel, acquisition_cost=-1.0)
