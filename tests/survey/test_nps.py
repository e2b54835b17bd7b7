"""The net promoter score: the published case, weights, and scores that are none."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.errors import DataError, EmptyDataError, ParameterError
from kam.results import Context
from kam.survey import nps

SCORES = [10] * 70 + [9] * 50 + [8] * 25 + [7] * 20 + [6] * 10 + [0] * 20
"""120 promoters, 45 passives, 30 detractors."""


def test_the_published_case():
    result = nps(SCORES)
    assert round(result.nps, 3) == 46.154
    wald, adjusted = result.intervals.set_index("method").loc[["Wald", "adjusted Wald"], ["ci_low", "ci_high"]].values
    assert wald.round(2).tolist() == [35.69, 56.62]
    assert adjusted.round(2).tolist() == [35.04, 55.86]
    assert (round(result.nps_low, 2), round(result.nps_high, 2)) == (35.04, 55.86)
    assert result.shares["n_respondents"].tolist() == [120, 45, 30]


def test_the_answer_leads_with_the_adjusted_interval():
    answer = nps(SCORES, context=Context(dataset="x")).answer()
    assert "46.2 points (95% interval 35.0 to 55.9), from 195 answers" in answer
    assert [figure.value for figure in answer.key_figures] == ["46.2", "61.5%", "15.4%"]


def test_weights_by_hand():
    """3 of 10 promoters' weight 2, the rest 1: p = 6/13, d = 4/13; variance Σ w² (x − θ)² / (Σ w)²."""
    scores, weights = [9, 9, 9, 8, 8, 8, 1, 1, 1, 1], [2, 2, 2, 1, 1, 1, 1, 1, 1, 1]
    result = nps(scores, weights=weights)
    theta = 2 / 13
    assert result.nps == pytest.approx(100 * theta)
    variance = (3 * 4 * (1 - theta) ** 2 + 3 * theta**2 + 4 * (1 + theta) ** 2) / 13**2
    assert result.n_effective == pytest.approx((10 / 13 - theta**2) / variance)
    wald = result.intervals.iloc[0]
    assert wald["ci_high"] - wald["estimate"] == pytest.approx(100 * 1.959964 * variance**0.5, rel=1e-6)


def test_weights_that_are_all_alike_change_nothing():
    plain, weighted = nps(SCORES), nps(SCORES, weights=np.full(len(SCORES), 7.0))
    assert (weighted.nps_low, weighted.nps_high) == pytest.approx((plain.nps_low, plain.nps_high))


def test_all_promoters_still_have_an_interval():
    result = nps([10] * 20)
    assert (result.nps, result.nps_high) == (100, 100)
    p, d = 20.75 / 23, 0.75 / 23
    assert result.nps_low == pytest.approx(100 * (p - d - 1.959964 * ((p + d - (p - d) ** 2) / 23) ** 0.5), abs=1e-4)


def test_missing_scores_are_counted():
    result = nps(pd.Series([10, None, 8, np.nan, 0]))
    assert (result.n_respondents, result.n_missing) == (3, 2)
    assert result.checks[3].verdict == "handled" and "2 are missing" in result.checks[3].finding


@pytest.mark.parametrize(
    ("scores", "named"),
    [([9, 11], "11 at 1"), ([-1, 9], "-1 at 0"), ([8.5, 9], "8.5 at 0"), (["often", 9], "often at 0")],
)
def test_scores_out_of_the_scale_are_named(scores, named):
    with pytest.raises(DataError, match="out of the scale from 0 to 10") as error:
        nps(scores)
    assert named in str(error.value)


def test_other_bad_input():
    with pytest.raises(EmptyDataError):
        nps([None, None])
    with pytest.raises(DataError, match="not above 0"):
        nps([9, 8], weights=[1, 0])
    with pytest.raises(DataError, match="3 weights for 2"):
        nps([9, 8], weights=[1, 1, 1])
    with pytest.raises(ParameterError, match="level"):
        nps([9, 8], level=95)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 10), min_size=1, max_size=60))
def test_it_lies_in_its_interval_and_in_its_scale(scores):
    result = nps(scores)
    assert -100 <= result.nps_low <= result.nps_high <= 100
    assert result.nps == pytest.approx(100 * np.mean([(s >= 9) - (s <= 6) for s in scores]))
    turned = nps([10 - s if s in (0, 10) else s for s in scores if s in (0, 7, 8, 10)] or [8])
    kept = nps([s for s in scores if s in (0, 7, 8, 10)] or [8])
    assert turned.nps == pytest.approx(-kept.nps)
