import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.errors import DataError, EmptyDataError, MissingColumnError, ParameterError, UndefinedMeasureError
from kam.identify.rfm import SEGMENTS, score_rfm
from kam.results import Context

FIVE = pd.DataFrame(
    {
        "customer_id": list("abcde"),
        "days_since_last_order": [400, 200, 60, 20, 3],
        "n_orders": [1, 2, 5, 20, 60],
        "revenue": [10.0, 90.0, 400.0, 2000.0, 9000.0],
    }
)


def portfolio(n, seed):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": [f"{i:05d}" for i in range(n)],
            "days_since_last_order": rng.integers(0, 400, n),
            "n_orders": rng.geometric(0.3, n),
            "revenue": rng.lognormal(6, 1.5, n).round(2),
        }
    )


def test_five_accounts_by_hand():
    result = score_rfm(FIVE, min_accounts=5, context=Context(currency="EUR"))
    assert result.customers["customer_id"].tolist() == list("edcba")
    for score in ("r_score", "f_score", "m_score"):
        assert result.customers[score].tolist() == [5, 4, 3, 2, 1]
    assert result.customers["segment"].tolist() == ["champions", "champions", "cooling", "dormant", "dormant"]
    champions = result.segments.set_index("segment").loc["champions"]
    assert (champions["n_customers"], champions["value"]) == (2, 11000)
    assert champions["share_value"] == pytest.approx(11000 / 11500)
    assert result.answer() == (
        "2 of 5 accounts are recent, frequent and large at once and bring 95.7% of the value. "
        "No frequent buyer is among those who ordered longest ago."
    )


def test_who_is_slipping():
    silent = FIVE.assign(days_since_last_order=[3, 20, 60, 200, 400])
    result = score_rfm(silent, min_accounts=5, context=Context(currency="EUR"))
    assert result.slipping["customer_id"].tolist() == ["e", "d"]
    assert result.slipping["segment"].unique().tolist() == ["cannot lose"]
    assert (
        "2 that used to order often have not ordered for 200 days or more; they were worth €11,000." in result.answer()
    )


def test_scores_equal_a_plain_pandas_recomputation():
    frame = portfolio(997, 3)
    result = score_rfm(frame).customers.set_index("customer_id").sort_index()
    naive = frame.set_index("customer_id").sort_index()

    def fifths(values):
        ordered = sorted(values)
        cuts = [ordered[int(np.ceil(len(ordered) * k / 5)) - 1] for k in range(1, 5)]
        return values.map(lambda v: 1 + sum(v > cut for cut in cuts))

    assert result["f_score"].equals(fifths(naive["n_orders"]))
    assert result["m_score"].equals(fifths(naive["revenue"]))
    assert result["r_score"].equals(6 - fifths(naive["days_since_last_order"]))


def test_cross_tables_equal_pandas_and_add_up():
    result = score_rfm(portfolio(500, 4))
    for table, other in ((result.fm_table, "m_score"), (result.fr_table, "r_score")):
        expected = pd.crosstab(result.customers["f_score"], result.customers[other]).reindex(
            index=range(1, 6), columns=range(1, 6), fill_value=0
        )
        got = table.pivot(index="f_score", columns=other, values="n_customers")
        assert (got.to_numpy() == expected.to_numpy()).all()
        assert table["value"].sum() == pytest.approx(result.customers["value"].sum())
        assert len(table) == 25
    assert result.segments["share_customers"].sum() == pytest.approx(1)
    assert result.segments["share_value"].sum() == pytest.approx(1)
    assert result.cuts.groupby("term")["n_customers"].sum().tolist() == [500] * 3


def test_business_cut_points():
    cuts = {"recency": [30, 90, 180, 365], "frequency": [1, 3, 10, 30], "monetary": [50, 100, 1000, 5000]}
    customers = score_rfm(FIVE, bins=cuts).customers.set_index("customer_id")
    assert customers.loc[list("abcde"), "r_score"].tolist() == [1, 2, 4, 5, 5]
    assert customers.loc[list("abcde"), "f_score"].tolist() == [1, 2, 3, 4, 5]
    assert customers.loc[list("abcde"), "m_score"].tolist() == [1, 2, 3, 4, 5]


def test_the_segment_table_covers_every_score_and_can_be_replaced():
    every = pd.DataFrame(itertools.product(range(1, 6), repeat=3), columns=["r_score", "f_score", "m_score"])
    for _, row in every.iterrows():
        hits = SEGMENTS[
            SEGMENTS["r_min"].le(row["r_score"]) & SEGMENTS["r_max"].ge(row["r_score"])
            & SEGMENTS["f_min"].le(row["f_score"]) & SEGMENTS["f_max"].ge(row["f_score"])
            & SEGMENTS["m_min"].le(row["m_score"]) & SEGMENTS["m_max"].ge(row["m_score"])
        ]  # fmt: skip
        assert len(hits) >= 1, row.tolist()
    own = pd.DataFrame(
        [("큰손", 1, 5, 1, 5, 4, 5, "m", "a"), ("rest", 1, 5, 1, 5, 1, 5, "m", "a")], columns=SEGMENTS.columns
    )
    assert score_rfm(FIVE, min_accounts=5, segments=own).customers["segment"].tolist() == [
        "큰손",
        "큰손",
        "rest",
        "rest",
        "rest",
    ]
    with pytest.raises(ParameterError, match="no row for some scores"):
        score_rfm(FIVE, min_accounts=5, segments=own.head(1))
    with pytest.raises(MissingColumnError, match="advice"):
        score_rfm(FIVE, min_accounts=5, segments=own.drop(columns="advice"))


def test_equal_values_share_a_score_and_the_check_says_so():
    frame = portfolio(100, 5).assign(n_orders=1)
    result = score_rfm(frame)
    assert result.customers["f_score"].nunique() == 1
    assert [check.verdict for check in result.checks] == ["does not hold", "holds", "not testable"]


def test_customers_without_an_order_are_left_out_and_counted():
    frame = FIVE.assign(n_orders=[0, 2, 5, 20, 60], days_since_last_order=[np.nan, 200, 60, 20, 3])
    result = score_rfm(frame, min_accounts=1)
    assert (result.n_customers, result.n_without_order) == (4, 1)
    assert result.checks[1].verdict == "handled"


def test_one_customer():
    result = score_rfm(FIVE.tail(1), min_accounts=1)
    assert result.customers[["r_score", "f_score", "m_score"]].to_numpy().tolist() == [[5, 1, 1]]
    assert result.checks[-1].verdict == "not testable"


@pytest.mark.parametrize(
    ("frame", "error", "says"),
    [
        (FIVE.drop(columns="n_orders"), MissingColumnError, "n_orders"),
        (FIVE.head(0), EmptyDataError, "No customer"),
        (pd.concat([FIVE, FIVE]), DataError, "stands twice"),
        (FIVE.assign(revenue=np.nan), DataError, "value"),
        (FIVE.assign(revenue=-1.0), UndefinedMeasureError, "positive"),
    ],
)
def test_bad_summaries_are_named(frame, error, says):
    with pytest.raises(error, match=says):
        score_rfm(frame)


@pytest.mark.parametrize(
    "bins",
    [
        "deciles",
        {"recency": [1, 2, 3, 4]},
        {"recency": [4, 3, 2, 1], "frequency": [1, 2, 3, 4], "monetary": [1, 2, 3, 4]},
    ],
)
def test_bad_cut_points_are_named(bins):
    with pytest.raises(ParameterError):
        score_rfm(FIVE, bins=bins)


@settings(max_examples=20)
@given(st.integers(2, 60), st.integers(0, 10_000))
def test_scores_follow_the_order_of_the_values_whatever_the_rows(n, seed):
    frame = portfolio(n, seed)
    before = frame.copy(deep=True)
    result = score_rfm(frame, min_accounts=1).customers
    pd.testing.assert_frame_equal(frame, before)
    shuffled = score_rfm(frame.sample(frac=1, random_state=seed), min_accounts=1).customers
    pd.testing.assert_frame_equal(result, shuffled)
    assert result.sort_values("value")["m_score"].is_monotonic_increasing
    assert result.sort_values("days_since_last_order")["r_score"].is_monotonic_decreasing


def test_fewer_than_twenty_accounts_have_no_fifths_but_may_have_business_cut_points():
    with pytest.raises(UndefinedMeasureError, match=r"Fifths of 19 accounts .* Look at the stability of each class"):
        score_rfm(portfolio(19, 1))
    assert score_rfm(portfolio(20, 1)).n_customers == 20
    cuts = {"recency": [30, 90, 180, 365], "frequency": [1, 3, 10, 30], "monetary": [50, 100, 1000, 5000]}
    assert score_rfm(portfolio(19, 1), bins=cuts).n_customers == 19
