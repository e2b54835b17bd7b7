import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kam.survey.partitions import (
    bands_of,
    explained_by_line,
    explained_by_steps,
    list_partitions,
    weigh_partitions,
)
from tests.survey.loyal_respondents import level_rows


def test_five_points_allow_four_and_six_partitions():
    assert len(list_partitions(5, 1)) == 4
    assert len(list_partitions(5, 2)) == 6


def naive_rss(level, y, w, band):
    return sum(
        (w[band == b] * (y[band == b] - np.average(y[band == b], weights=w[band == b])) ** 2).sum() for b in set(band)
    )


def test_explained_is_the_total_less_the_residual_sum_of_squares():
    rng = np.random.default_rng(3)
    at, y, w = rng.integers(0, 5, 80), rng.normal(size=80), rng.uniform(0.5, 2, 80)
    rows = level_rows(at + 1, y, weight=w)
    family = list_partitions(5, 2)
    explained = explained_by_steps(rows.sizes.sum(axis=0), rows.totals.sum(axis=0), family)
    for partition, value in zip(family, explained, strict=True):
        band = bands_of(partition, 5)[at]
        assert (w * y**2).sum() - value == pytest.approx(naive_rss(at, y, w, band))
    slope, start = np.polyfit(at + 1, y, 1, w=np.sqrt(w))
    line = explained_by_line(rows.sizes.sum(axis=0), rows.totals.sum(axis=0), rows.level)
    assert (w * y**2).sum() - line == pytest.approx((w * (y - start - slope * (at + 1)) ** 2).sum())


def test_weights_are_shares_of_resamples_that_a_plain_loop_finds_too():
    rng = np.random.default_rng(5)
    cluster = np.repeat(np.arange(25), 3)
    at = rng.integers(0, 5, 75)
    y = at * 0.3 + rng.normal(size=75)
    rows = level_rows(at + 1, y, cluster=cluster)
    found = weigh_partitions(rows, n_resamples=200, seed=7)
    from kam.stats.resampling import bootstrap_weights

    chosen = np.zeros(6)
    for drawn in np.concatenate(list(bootstrap_weights(25, 200, 7))):
        w = drawn[cluster].astype(float)
        rss = [naive_rss(at[w > 0], y[w > 0], w[w > 0], bands_of(p, 5)[at[w > 0]]) for p in found[2].partitions]
        chosen[int(np.argmin(rss))] += 1
    assert found[2].share == pytest.approx(chosen / 200, abs=0.011)
    assert found[1].share.sum() == pytest.approx(1) and found[2].share.sum() == pytest.approx(1)


@given(st.integers(0, 10_000), st.floats(0.1, 10), st.floats(-5, 5))
def test_the_best_partition_does_not_depend_on_the_unit(seed, scale, shift):
    rng = np.random.default_rng(seed)
    at, y = np.append(np.arange(5), rng.integers(0, 5, 30)), rng.normal(size=35)
    one = weigh_partitions(level_rows(at, y), n_resamples=3, seed=1)[2].best
    other = weigh_partitions(level_rows(at, y * scale + shift), n_resamples=3, seed=1)[2].best
    assert one == other
