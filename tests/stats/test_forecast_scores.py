"""Scores of forecasts: by hand, against scikit-learn, and with weights against repeated rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from kam.errors import DataError, ParameterError, UndefinedMeasureError
from kam.stats.forecast_scores import (
    auc,
    brier,
    called,
    gains,
    log_loss,
    observed_over_expected,
    placements,
    top_buyers_named,
)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    p = rng.uniform(0, 1, 300).round(2)  # with ties
    return (rng.random(300) < p).astype(float), p, rng.integers(0, 4, (5, 300))


def _named(truth, score):
    """As in btyd_peers.py."""
    k = int(np.ceil(0.2 * (truth > 0).sum()))
    top = truth.sort_values(ascending=False).index[:k]
    cut = score.sort_values(ascending=False).iloc[k - 1]
    sure, tied = score.index[score > cut], score.index[score == cut]
    credit = pd.Series(0.0, score.index)
    credit[sure] = 1.0
    credit[tied] = (k - len(sure)) / len(tied)
    return credit[top].sum() / k


def test_by_hand():
    # Events at .4 and .8, others at .4, .3 and .5: of six pairs 4 are right and one is tied.
    event, p = [1, 1, 0, 0, 0], [0.4, 0.8, 0.4, 0.3, 0.5]
    assert auc(event, p) == pytest.approx(4.5 / 6)
    assert placements(event, p) == pytest.approx([0.5, 1, 0.75, 1, 0.5])
    assert brier(event, p) == pytest.approx((0.36 + 0.04 + 0.16 + 0.09 + 0.25) / 5)
    assert log_loss(event, p) == pytest.approx(-np.log([0.4, 0.8, 0.6, 0.7, 0.5]).mean())
    assert observed_over_expected(event, p) == pytest.approx(2 / 2.4)


def test_as_scikit_learn(data):
    event, p, weights = data
    said = p.clip(0.01, 0.99)
    for row in weights:
        assert auc(event, p, row) == pytest.approx(roc_auc_score(event, p, sample_weight=row))
        assert brier(event, p, row) == pytest.approx(brier_score_loss(event, p, sample_weight=row))
        assert log_loss(event, said, row) == pytest.approx(sklearn_log_loss(event, said, sample_weight=row))


@pytest.mark.parametrize("score", [auc, log_loss, brier, observed_over_expected, top_buyers_named])
def test_a_weight_is_a_repeated_row(data, score):
    event, p, weights = data
    repeated = [score(np.repeat(event, row), np.repeat(p, row)).item() for row in weights]
    assert score(event, p, weights) == pytest.approx(repeated)


def test_certainty_that_fails_costs_much_but_not_all():
    assert log_loss([1, 0], [0.0, 1.0]) == pytest.approx(-np.log(1e-6))


@given(st.integers(0, 10_000))
def test_placements_average_to_the_auc(seed):
    rng = np.random.default_rng(seed)
    p = rng.integers(0, 5, 20) / 5
    event = np.arange(20) < rng.integers(1, 20)
    placed = placements(event, p)
    assert placed[event].mean() == pytest.approx(auc(event, p).item())
    assert placed[~event].mean() == pytest.approx(auc(event, p).item())


@pytest.mark.parametrize("digits", [0, 1, 6])
def test_top_buyers_named_as_the_peers(digits):
    rng = np.random.default_rng(digits)
    revenue = pd.Series(np.where(rng.random(203) < 0.5, 0, rng.lognormal(3, 1, 203)))
    expected = pd.Series((np.log1p(revenue) + rng.normal(0, 1, 203)).clip(lower=0).round(digits))
    assert top_buyers_named(revenue, expected) == pytest.approx(_named(revenue, expected))


def test_calls_share_what_is_left_at_a_tie():
    assert called([3, 2, 2, 2, 1], 2).tolist() == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3, 0])
    assert called([3, 2, 1], [1, 2], [[1, 1, 1], [0, 3, 1]]).tolist() == [[1, 0, 0], [0, 2 / 3, 0]]


def test_gains_by_hand():
    amount, score = [0, 10, 30, 60], [4, 3, 2, 2]
    assert gains(amount, score, [0, 0.25, 0.5, 0.75, 1]).tolist() == pytest.approx([0, 0, 0.1, 0.55, 1])


@pytest.mark.parametrize("score", [auc, placements])
@pytest.mark.parametrize("event", [[0, 0], [1, 1]])
def test_nobody_or_everybody_is_undefined(score, event):
    with pytest.raises(UndefinedMeasureError, match="or everybody"):
        score(event, [0.1, 0.2])


def test_bad_input():
    with pytest.raises(DataError, match=r"1\.5.*place 1"):
        log_loss([0, 1], [0.5, 1.5])
    with pytest.raises(DataError, match="missing"):
        auc([0, 1], [0.5, np.nan])
    with pytest.raises(DataError, match="shape"):
        brier([0, 1], [0.5])
    with pytest.raises(UndefinedMeasureError):
        brier([], [])
    with pytest.raises(UndefinedMeasureError, match="bought"):
        top_buyers_named([0, 0], [1, 2])
    with pytest.raises(UndefinedMeasureError, match="find"):
        gains([0, 0], [1, 2], 0.2)
    with pytest.raises(DataError, match="negative"):
        gains([1, -1], [1, 2], 0.2)
    with pytest.raises(ParameterError, match="share"):
        gains([1, 1], [1, 2], 1.2)
