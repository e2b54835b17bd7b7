import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kam.errors import DataError, EmptyDataError, ParameterError, UndefinedMeasureError
from kam.identify.concentration import concentration, gini, hhi, number_for_share, top_share
from kam.results import Context

TEXTBOOK = [541, 1463, 2445, 3438, 4437, 5401, 6392, 8304, 11904, 22261]
values = st.lists(st.floats(0, 1e6).map(lambda x: round(x, 2)), min_size=1, max_size=40).filter(lambda x: sum(x) > 0)


def test_published_gini_and_hhi():
    assert round(gini(TEXTBOOK), 7) == 0.4620911
    assert round(hhi(TEXTBOOK), 5) == 0.18408


def test_worked_by_hand():
    # 6, 3, 1: cumulated 60 %, 90 %, 100 %; Gini (−2·1 + 0·3 + 2·6) / (3·10) = 1/3; HHI .36 + .09 + .01
    assert gini([3, 1, 6]) == pytest.approx(1 / 3)
    assert hhi([3, 1, 6]) == pytest.approx(0.46)
    assert top_share([3, 1, 6], 1 / 3) == pytest.approx(0.6)
    assert top_share([3, 1, 6], 0.34) == pytest.approx(
        0.9
    )  # two of three customers are the smallest number that is 34 %
    assert [number_for_share([3, 1, 6], s) for s in (0.6, 0.61, 0.9, 0.95)] == [1, 2, 2, 3]


def test_a_negative_customer_counts_as_nothing_or_is_netted():
    assert top_share([6, 4, -5], 1 / 3) == pytest.approx(0.6)
    assert top_share([6, 4, -5], 1 / 3, base="net") == pytest.approx(1.2)


def test_result_on_a_hand_case():
    result = concentration(pd.Series({"a": 6.0, "b": 3.0, "c": 1.0, "d": -2.0}), context=Context(currency="EUR"))
    assert result.curve["customer_id"].tolist() == ["a", "b", "c", "d"]
    assert result.curve["cum_share_value"].tolist() == pytest.approx([0.6, 0.9, 1, 1])
    assert result.curve["share_value"].tolist() == pytest.approx([0.6, 0.3, 0.1, 0])
    assert (result.n_negative, result.negative_total, result.net_total, result.total) == (1, -2, 8, 10)
    assert (result.dependence["share_value"] >= 0.1).sum() == 3
    assert result.measures["ci_low"].isna().all()  # four customers: no interval, and a check says so
    assert [check.verdict for check in result.checks] == ["handled", "not testable", "does not hold"]
    assert "no interval: see the checks" in result.answer()
    assert "-€2.00" in result.checks[0].finding


def test_no_interval_where_the_total_is_undefined_in_some_resamples():
    shaky = [100, 50, 20, 10, 10, 5, 5, 5, 5, 5, -60, -70, -80]
    result = concentration(shaky, base="net")
    assert result.measures["ci_low"].isna().all()
    assert result.checks[1].verdict == "does not hold" and "no interval" in result.checks[1].finding
    assert concentration([100] + 9 * [-1], n_resamples=1, seed=6).measures["ci_low"].isna().all()


def test_the_answer_does_not_claim_exactly_the_share():
    assert (
        concentration([990, 5, 3, 1, 1])
        .answer()
        .startswith("One of 5 customers brings at least 80% of positive net revenue")
    )


def test_online_retail(real_data):
    lines = pd.read_parquet(real_data("online_retail_ii/lines_2009_2011.parquet"))
    lines = lines[lines["customer_id"].notna()].drop_duplicates()
    lines["amount"] = lines["quantity"].astype("int64") * np.round(lines["unit_price"] * 1e4).astype(
        "int64"
    )  # exact, in 1e-4
    lines = lines[lines["amount"] != 0]
    revenue = lines.groupby(lines["customer_id"].astype(str))["amount"].sum() / 1e4
    net, positive = concentration(revenue, base="net"), concentration(revenue)
    assert net.n_customers == 5939
    assert round(net.total, 2) == 16289973.29
    assert (net.n_negative, net.n_zero) == (81, 21)
    assert round(100 * net.estimate("top_share"), 2) == 77.39
    assert net.estimate("n_customers_for_share") == 1353
    assert round(100 * positive.estimate("top_share"), 2) == 76.96
    assert positive.estimate("n_customers_for_share") == 1384
    assert (positive.curve.at[0, "customer_id"], positive.curve.at[0, "value"]) == ("18102", 570380.61)


def test_interval_covers_the_share_of_the_process_that_made_the_portfolio():
    # lognormal with sigma 1: the true top-20 % share is Phi(sigma - z_.8) = 0.563
    covered = 0
    for seed in range(100):
        x = np.random.default_rng(seed).lognormal(0, 1, 300)
        row = concentration(x, n_resamples=300, seed=seed).measures.set_index("term").loc["top_share"]
        covered += row["ci_low"] <= 0.5629 <= row["ci_high"]
    assert 85 <= covered <= 100


def test_seed_decides_the_interval_and_nothing_else():
    x = np.random.default_rng(0).lognormal(0, 1, 100)
    one, same, other = concentration(x, seed=1), concentration(x, seed=1), concentration(x, seed=2)
    pd.testing.assert_frame_equal(one.measures, same.measures)
    assert one.measures["estimate"].equals(other.measures["estimate"])
    assert not one.measures["ci_low"].equals(other.measures["ci_low"])


def test_ties_do_not_depend_on_the_order_of_rows():
    tied = pd.Series(1.0, index=["c", "a", "b"])
    assert concentration(tied).curve["customer_id"].tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        ([], EmptyDataError, "no customer"),
        ([1.0, np.nan], DataError, "positions"),
        ([0.0, -1.0], UndefinedMeasureError, "not positive|no meaning"),
        (pd.Series([1.0, 2.0], index=["a", "a"]), DataError, "stands twice"),
    ],
)
def test_bad_values_are_named(bad, error, says):
    with pytest.raises(error, match=says):
        concentration(bad)


def test_net_base_needs_a_positive_total():
    with pytest.raises(UndefinedMeasureError, match="base='positive'"):
        concentration([5.0, -9.0], base="net")


@pytest.mark.parametrize(
    "parameter", [{"top": 0}, {"share": 1}, {"breadwinner": 20}, {"base": "gross"}, {"n_resamples": 0}]
)
def test_parameters_out_of_range_are_named(parameter):
    with pytest.raises(ParameterError, match=next(iter(parameter))):
        concentration([1.0, 2.0], **parameter)


def test_one_customer_has_everything():
    result = concentration(pd.Series([7.0], index=["007"]))
    assert (result.estimate("gini"), result.estimate("hhi"), result.estimate("top_share")) == (0, 1, 1)
    assert result.answer().startswith("The only customer brings all")


@given(values)
def test_measures_agree_with_their_definitions(x):
    ascending = np.sort(x)
    n, i = len(x), np.arange(1, len(x) + 1)
    assert gini(x) == pytest.approx(((2 * i - n - 1) * ascending).sum() / (n * ascending.sum()), abs=1e-9)
    assert hhi(x) == pytest.approx(((ascending / ascending.sum()) ** 2).sum())
    k = number_for_share(x, 0.8)
    descending = ascending[::-1]
    assert descending[:k].sum() >= 0.8 * sum(x) * (1 - 1e-9)
    assert k == 1 or descending[: k - 1].sum() < 0.8 * sum(x) * (1 + 1e-9)


@given(values, st.floats(0.01, 1e4))
def test_measures_do_not_depend_on_the_currency_unit(x, unit):
    assert gini(np.array(x) * unit) == pytest.approx(gini(x), abs=1e-9)
    assert top_share(np.array(x) * unit) == pytest.approx(top_share(x))


@given(values)
def test_a_transfer_from_poor_to_rich_raises_concentration(x):
    x = sorted([*x, 1.0, 2.0])
    moved = [x[0] * 0.5, *x[1:-1], x[-1] + x[0] * 0.5]
    assert gini(moved) >= gini(x) - 1e-12 and hhi(moved) >= hhi(x) - 1e-12
