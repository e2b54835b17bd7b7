import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kam.errors import DataError, EmptyDataError, MissingColumnError, ParameterError, UndefinedMeasureError
from kam.identify.relationship_levels import LEVELS, relationship_levels
from kam.results import Context

ORDER = ["basic", "reactive", "accountable", "proactive", "partnership"]


def _portfolio(sizes, means, spread=0.0, seed=1):
    """Customers of segments s0, s1, … with these sizes and mean margins."""
    rng = np.random.default_rng(seed)
    segment = np.repeat([f"s{i}" for i in range(len(sizes))], sizes)
    noise = rng.normal(size=len(segment)) * spread
    values = pd.Series(
        np.repeat(np.array(means, dtype=float), sizes) + noise, index=[f"c{i}" for i in range(len(segment))]
    )
    return values, pd.Series(segment, index=values.index)


def test_by_hand():
    """20, 40 and 60 customers: cuts at 30 and 50; 900, 300 and 60 each: cuts at 180 and 600."""
    values, segments = _portfolio([20, 40, 60], [900, 300, 60])
    result = relationship_levels(values, segments)
    assert (result.customer_cuts, result.margin_cuts) == ((30, 50), (180, 600))
    table = result.segments.set_index("segment")
    assert table["relationship_level"].to_dict() == {"s0": "partnership", "s1": "accountable", "s2": "basic"}
    assert table["value"].to_dict() == {"s0": 18000, "s1": 12000, "s2": 3600}
    assert table.at["s0", "share_value"] == pytest.approx(18 / 33.6)
    assert table["is_same_level"].all()


def test_the_table_rises_with_margin_and_falls_with_number():
    rank = LEVELS.assign(rank=LEVELS["relationship_level"].map(ORDER.index)).pivot(
        index="customers_band", columns="margin_band", values="rank"
    )
    assert (rank["low"] < rank["medium"]).all() and (rank["medium"] < rank["high"]).all()
    assert (rank.loc["many"] < rank.loc["medium"]).all() and (rank.loc["medium"] < rank.loc["few"]).all()
    assert set(LEVELS["relationship_level"]) == set(ORDER)


def test_more_customers_or_less_margin_lower_the_level():
    values, segments = _portfolio([20, 40, 60], [900, 300, 60])
    cuts = {"customer_cuts": (30, 50), "margin_cuts": (180, 600)}
    level = relationship_levels(values, segments, **cuts).segments.set_index("segment")["relationship_level"]
    poorer = relationship_levels(values / 2, segments, **cuts).segments.set_index("segment")["relationship_level"]
    assert (level["s0"], poorer["s0"]) == ("partnership", "proactive")
    twice = relationship_levels(
        pd.concat([values, values.add_prefix("x")]), pd.concat([segments, segments.add_prefix("x")]), **cuts
    ).segments.set_index("segment")["relationship_level"]
    assert twice["s0"] == "proactive"


def test_the_interval_is_student_s_and_decides_who_is_sure():
    values, segments = _portfolio([12, 30, 60], [900, 300, 60], spread=400)
    result = relationship_levels(values, segments, margin_cuts=(180, 800), customer_cuts=(20, 50))
    row = result.segments.set_index("segment").loc["s0"]
    own = values[segments == "s0"]
    low, high = stats.t.interval(0.95, len(own) - 1, own.mean(), stats.sem(own))
    assert (row["margin_each_low"], row["margin_each_high"]) == pytest.approx((low, high))
    assert row["is_same_level"] == (low > 800)
    assert result.checks[1].verdict == "does not hold"


def test_small_segments_have_no_interval():
    result = relationship_levels(*_portfolio([2, 5, 9], [900, 300, 60]))
    assert result.segments[["margin_each_low", "margin_each_high"]].isna().all(axis=None)
    assert not result.segments["is_same_level"].any()
    assert result.checks[1].verdict == "not testable"
    assert result.answer().startswith("The level of none of the 3 segments can be told.")


def test_a_segment_that_loses_is_low():
    result = relationship_levels(*_portfolio([20, 40, 60], [-1, -5, -9]), context=Context(currency="EUR"))
    assert set(result.segments["margin_band"]) == {"low"} and result.segments["share_value"].isna().all()
    assert result.margin_cuts == (0, 0)
    given = relationship_levels(*_portfolio([20, 40, 60], [-1, -5, -9]), margin_cuts=(-8, -2))
    assert set(given.segments["margin_band"]) == {"low"}
    assert set(result.segments["relationship_level"]) == {
        "basic"
    }  # few customers with a low margin would be accountable
    assert result.answer().startswith(
        "The levels of 3 of 3 segments are sure. For s0 it is “basic”, with 20 customers and -€1.00 of"
    )
    told = " ".join(f"{figure.label} {figure.note}" for figure in result._key_figures())
    assert "best" not in told and "no segment earns anything" in told


def test_a_level_is_stated_only_where_the_whole_interval_gives_it():
    values, segments = _portfolio([12, 30, 60], [900, 300, 60], spread=400)
    result = relationship_levels(values, segments, margin_cuts=(180, 1000), customer_cuts=(20, 50))
    unsure = result.segments[~result.segments["is_same_level"]]
    assert len(unsure) and unsure[["relationship_level", "advice"]].isna().all(axis=None)
    assert unsure["why"].str.startswith("cannot be told (interval reaches “").all()
    sure = result.segments[result.segments["is_same_level"]]
    assert sure["relationship_level"].notna().all() and (sure["why"] == "").all()
    row = result.segments.set_index("segment").loc["s0"]
    assert row["margin_each_low"] < 1000 < row["margin_each_high"]
    assert row["why"] == "cannot be told (interval reaches “proactive” and “partnership”)"
    assert "over the time of the ledger" in result.answer() and "beyond doubt" not in str(result._key_figures())


def test_an_interval_over_zero_reaches_the_lowest_level():
    values, segments = _portfolio([12, 30, 60], [50, 300, 900], spread=400)
    result = relationship_levels(values, segments, margin_cuts=(2000, 3000), customer_cuts=(20, 50))
    row = result.segments.set_index("segment").loc["s0"]
    assert row["margin_each_low"] < 0 < row["margin_each_high"]
    assert row["why"] == "cannot be told (interval reaches “basic” and “accountable”)"


def test_the_answer_leads_with_how_many_are_sure():
    none = relationship_levels(*_portfolio([20, 40, 60], [900, 800, 700], spread=4000))
    assert none.answer().startswith("The level of none of the 3 segments can be told. ")
    assert none._key_figures()[0].value == "0"
    every = relationship_levels(*_portfolio([20, 40, 60], [900, 300, 60]))
    assert every.answer().startswith(
        "The levels of 3 of 3 segments are sure. For s0 it is “partnership”, with 20 customers"
    )


def test_customers_without_a_segment_are_counted():
    values, segments = _portfolio([20, 40, 60], [900, 300, 60])
    result = relationship_levels(values, segments.iloc[5:].to_dict())
    assert (result.n_without_segment, result.n_customers) == (5, 115)
    assert result.checks[0].finding == "5 of 120 are not, and are left out"


def test_an_own_table_of_levels():
    own = LEVELS.assign(relationship_level="the same")
    result = relationship_levels(*_portfolio([20, 40, 60], [900, 300, 60]), levels=own)
    assert set(result.segments["relationship_level"]) == {"the same"}
    assert result.checks[2].verdict == "does not hold"


def test_bad_input_is_named():
    values, segments = _portfolio([20, 40, 60], [900, 300, 60])
    with pytest.raises(UndefinedMeasureError, match="2 segments have no thirds"):
        relationship_levels(*_portfolio([20, 40], [900, 300]))
    with pytest.raises(EmptyDataError, match="No customer has a segment"):
        relationship_levels(values, {"nobody": "s0"})
    with pytest.raises(DataError, match="not finite"):
        relationship_levels(values.mask(values == 900), segments)
    with pytest.raises(DataError, match="two segments"):
        relationship_levels(values, pd.concat([segments, segments]))
    with pytest.raises(DataError, match="stands twice"):
        relationship_levels(pd.concat([values, values]), segments)
    with pytest.raises(ParameterError, match="margin_cuts"):
        relationship_levels(values, segments, margin_cuts=(5, 1))
    with pytest.raises(ParameterError, match="one row for each pair"):
        relationship_levels(values, segments, levels=LEVELS.head(8))
    with pytest.raises(MissingColumnError, match="advice"):
        relationship_levels(values, segments, levels=LEVELS.drop(columns="advice"))
