import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kam.errors import ParameterError, UndefinedMeasureError
from kam.stats import bootstrap_weights, percentile_interval
from kam.stats.resampling import CELLS, block_variance, chunk_sizes, interval_among


def all_weights(n, n_resamples, seed=1):
    return np.concatenate(list(bootstrap_weights(n, n_resamples, seed)))


# -- weights


@given(n=st.integers(1, 50), n_resamples=st.integers(1, 50))
def test_every_resample_draws_n_units(n, n_resamples):
    weights = all_weights(n, n_resamples)
    assert weights.shape == (n_resamples, n)
    assert (weights >= 0).all()
    assert (weights.sum(axis=1) == n).all()


def test_weights_are_multinomial():
    weights = all_weights(20, 20_000)
    assert np.allclose(weights.mean(axis=0), 1, atol=0.05)
    assert np.allclose(weights.var(axis=0), 1 - 1 / 20, atol=0.06)
    assert np.corrcoef(weights[:, 0], weights[:, 1])[0, 1] == pytest.approx(-1 / 19, abs=0.03)


def test_standard_error_of_a_mean_is_recovered():
    values = np.random.default_rng(3).normal(size=400)
    means = all_weights(400, 4000) @ values / 400
    assert means.std() == pytest.approx(values.std() / 20, rel=0.05)


def test_same_seed_same_draws():
    assert (all_weights(30, 10, seed=7) == all_weights(30, 10, seed=7)).all()
    assert (all_weights(30, 10, seed=7) != all_weights(30, 10, seed=8)).any()


def test_memory_is_bounded():
    chunks = [chunk.shape for chunk in bootstrap_weights(300_000, 20, seed=1)]
    assert sum(rows for rows, _ in chunks) == 20
    assert max(rows * n for rows, n in chunks) <= CELLS
    assert chunk_sizes(3, 10 * CELLS) == [1, 1, 1]


@pytest.mark.parametrize(("n", "n_resamples"), [(0, 5), (5, 0)])
def test_nothing_to_draw_is_an_error_at_the_call(n, n_resamples):
    with pytest.raises(ParameterError, match="at least 1"):
        bootstrap_weights(n, n_resamples, seed=1)


# -- intervals


def test_percentile_interval_is_that_of_numpy():
    draws = np.random.default_rng(1).normal(size=1000)
    assert percentile_interval(draws) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])))
    assert percentile_interval(draws, level=0.5) == pytest.approx(tuple(np.quantile(draws, [0.25, 0.75])))


@pytest.mark.parametrize("draws", [[], [1.0, np.nan], [np.inf, 1.0]])
def test_interval_of_nothing_is_undefined(draws):
    with pytest.raises(UndefinedMeasureError):
        percentile_interval(draws)


@pytest.mark.parametrize(("draws", "level"), [([1.0, 2.0], 1.0), ([1.0, 2.0], 0.0), ([[1.0], [2.0]], 0.9)])
def test_wrong_interval_parameters(draws, level):
    with pytest.raises(ParameterError):
        percentile_interval(draws, level=level)


def test_ends_among_the_draws_may_be_infinite():
    draws = np.array([[1.0, 5.0], [2.0, np.inf], [3.0, 6.0], [4.0, 7.0]])
    low, high = interval_among(draws, 0.5)
    assert low.tolist() == [1, 5] and high.tolist() == [3, 7]
    assert interval_among(draws, 0.9)[1].tolist() == [4, np.inf]


# -- blocks


def whole(series, length):
    n, periods = series.shape
    return block_variance(series, np.zeros(n, dtype=int), np.full(n, periods), np.full(n, length))


def test_block_variance_by_hand():
    # Blocks of two from 1 2 4 | 3 0 5: sums 3 6 7 3 5; differences two apart: 4 -3 -2; half the mean square 29/6; times 3 blocks.
    variance, n_blocks = whole(np.array([[1.0, 2, 4, 3, 0, 5]]), 2)
    assert variance[0] == pytest.approx(29 / 6 * 3)
    assert n_blocks[0] == 3


@pytest.mark.parametrize("length", [1, 3, 6])
def test_block_variance_of_independent_months(length):
    series = np.random.default_rng(2).normal(5, 2, size=(4000, 36))
    assert whole(series, length)[0].mean() == pytest.approx(36 * 4, rel=0.05)


def test_a_trend_and_a_slow_season_are_no_noise_but_dependence_is():
    months = np.arange(48)
    smooth = 100 + months + 10 * np.sin(2 * np.pi * months / 48)
    batch_means = 16 * smooth.reshape(16, 3).sum(axis=1).var()  # what deviations from the mean would say
    assert whole(smooth[None], 3)[0][0] < 0.1 * batch_means
    rng = np.random.default_rng(4)
    steps = rng.normal(size=(3000, 49))
    dependent = steps[:, 1:] + steps[:, :-1]
    # Variance of a block, less the covariance of neighbors, times blocks; the sum has variance 190.
    assert whole(dependent, 1)[0].mean() == pytest.approx(48 * (2 - 1), rel=0.05)
    assert whole(dependent, 6)[0].mean() == pytest.approx(8 * (22 - 1), rel=0.05)


def test_only_the_window_counts():
    series = np.random.default_rng(5).normal(size=(1, 30))
    outside = series.copy()
    outside[:, :6] = 1e6
    outside[:, 24:] = -1e6
    window = np.array([6]), np.array([24]), np.array([3])
    assert block_variance(outside, *window)[0] == pytest.approx(block_variance(series, *window)[0])
    assert block_variance(series, *window)[0] == pytest.approx(whole(series[:, 6:24], 3)[0])


def test_fewer_than_two_blocks_say_nothing():
    series = np.ones((3, 12))
    start, stop = np.array([0, 8, 12]), np.array([12, 12, 12])
    variance, n_blocks = block_variance(series, start, stop, np.array([6, 3, 3]))
    assert np.isnan(variance).tolist() == [False, True, True]
    assert n_blocks.tolist() == [2, 4 / 3, 0]


def test_many_series_go_through_in_chunks():
    series = np.random.default_rng(6).normal(size=(90_000, 30))  # more than one chunk
    variance, _ = whole(series, 3)
    assert variance[[0, 45_000, 89_999]] == pytest.approx(whole(series[[0, 45_000, 89_999]], 3)[0])
    assert block_variance(series[:0], *[np.array([], dtype=int)] * 3)[0].size == 0
