import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, norm

from kam.identify.smaa import (
    draw_weights,
    largest,
    not_dominated,
    prepare,
    rank_acceptability,
    tier_acceptability,
    weighted_scores,
)

# Scores on the line of weights (w, 1 - w): a has w, b has 1 - w, c has 0.6 everywhere.
THREE = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.6]])


def ranks_of(levels, weights, *, errors=0.0, n_first=3, seed=1):
    levels = np.asarray(levels, dtype=float)
    return rank_acceptability(
        prepare(levels, np.broadcast_to(errors, levels.shape)),
        weights,
        n_first=n_first,
        rng=np.random.default_rng(seed),
    )


@pytest.fixture(scope="module")
def flat():
    return draw_weights(np.ones(2), 20_000, np.random.default_rng(3))


def test_ranks_of_three_accounts_on_two_criteria_by_hand(flat):
    """c is first between 0.4 and 0.6, a above 0.6, b below 0.4; a beats b above 0.5."""
    p = ranks_of(THREE, flat).p_rank
    np.testing.assert_allclose(p, [[0.4, 0.1, 0.5], [0.4, 0.1, 0.5], [0.2, 0.8, 0.0]], atol=0.012)
    np.testing.assert_allclose(p.sum(axis=1), 1)


def test_central_weights_by_hand(flat):
    """The means of w on (0.6, 1), (0, 0.4) and (0.4, 0.6)."""
    np.testing.assert_allclose(ranks_of(THREE, flat).central, [[0.8, 0.2], [0.2, 0.8], [0.5, 0.5]], atol=0.005)


@pytest.mark.parametrize(("c", "w"), [(4, 0.3), (50, 0.55), (50, 0.3)])
def test_first_ranks_are_those_of_the_beta_distribution(c, w):
    """With two criteria the first weight is Beta(c w, c (1 - w))."""
    drawn = draw_weights(np.array([w, 1 - w]), 20_000, np.random.default_rng(1), concentration=c)
    of = beta(c * w, c * (1 - w))
    expected = [of.sf(0.6), of.cdf(0.4), of.cdf(0.6) - of.cdf(0.4)]
    np.testing.assert_allclose(ranks_of(THREE, drawn).p_rank[:, 0], expected, atol=0.012)


def test_errors_are_those_of_the_normal_distribution():
    """Two accounts 0.1 apart, error 0.1: the better one is first with Φ(0.1 / sqrt(0.02)); of two criteria w² counts."""
    one = np.ones((20_000, 1))
    assert ranks_of([[0.5], [0.4]], one, errors=0.1).p_rank[0, 0] == pytest.approx(norm.cdf(0.1 / 0.02**0.5), abs=0.01)
    half = np.full((20_000, 2), 0.5)
    p = ranks_of([[0.5, 0.5], [0.4, 0.4]], half, errors=0.1).p_rank[0, 0]
    assert p == pytest.approx(norm.cdf(0.1 / (4 * 0.25 * 0.01) ** 0.5), abs=0.01)


def test_equal_accounts_take_their_turns():
    p = ranks_of([[0.5, 0.5]] * 3 + [[0.1, 0.1]], draw_weights(np.ones(2), 9_000, np.random.default_rng(1))).p_rank
    np.testing.assert_allclose(p, [[1 / 3] * 3] * 3 + [[0, 0, 0]], atol=0.02)


def test_quantiles_of_ranks(flat):
    quantiles = ranks_of(THREE, flat).quantiles
    assert quantiles[2].tolist() == [1, 2, 2]
    assert quantiles[0, [0, 2]].tolist() == [1, 3]


def test_weights_have_the_mean_and_the_spread_of_the_dirichlet_distribution():
    w = np.array([0.5, 0.3, 0.2])
    drawn = draw_weights(w, 50_000, np.random.default_rng(1), concentration=50)
    np.testing.assert_allclose(drawn.sum(axis=1), 1)
    np.testing.assert_allclose(drawn.mean(axis=0), w, atol=0.002)
    np.testing.assert_allclose(drawn.std(axis=0), np.sqrt(w * (1 - w) / 51), rtol=0.02)
    every = draw_weights(w, 50_000, np.random.default_rng(1))
    np.testing.assert_allclose(every.mean(axis=0), 1 / 3, atol=0.003)
    np.testing.assert_allclose(every.std(axis=0), np.sqrt(1 / 18), rtol=0.02)


def test_tiers_equal_a_plain_loop_over_draws():
    """40 accounts, some levels missing, errors of their own; the same draws of chance."""
    rng = np.random.default_rng(5)
    levels = rng.random((40, 4))
    levels[rng.random(levels.shape) < 0.2] = np.nan
    levels[:, 0] = np.linspace(0, 1, 40)
    errors = 0.1 * rng.random((40, 4))
    weights = draw_weights(np.ones(4), 300, rng)
    got = tier_acceptability(prepare(levels, errors), [weights], (8, 20), np.random.default_rng(9))[0]
    z = np.random.default_rng(9).standard_normal((300, 40), dtype=np.float32)
    expected = np.zeros((40, 3))
    for draw in range(300):
        score = np.empty(40)
        for i in range(40):
            k = ~np.isnan(levels[i])
            w = weights[draw, k]
            score[i] = w @ levels[i, k] / w.sum() + z[draw, i] * np.sqrt(w**2 @ errors[i, k] ** 2) / w.sum()
        for place, i in enumerate(np.argsort(-score)):
            expected[i, 0 if place < 8 else 1 if place < 20 else 2] += 1 / 300
    np.testing.assert_allclose(got, expected, atol=1.5 / 300)  # a difference in the seventh digit may turn one draw
    assert np.abs(got - expected).mean() < 1e-3


@settings(max_examples=40)
@given(st.lists(st.floats(-5, 5, width=32), min_size=1, max_size=60), st.data())
def test_the_largest_is_that_of_a_sort(values, data):
    places = tuple(data.draw(st.lists(st.integers(1, len(values)), min_size=1, max_size=3)))
    ordered = sorted(np.array(values, dtype=np.float32), reverse=True)
    assert largest(np.array(values, dtype=np.float32), places) == [float(ordered[k - 1]) for k in places]


@settings(max_examples=40)
@given(st.integers(1, 60), st.integers(1, 4), st.integers(0, 10**6))
def test_not_dominated_equals_every_pair(n, m, seed):
    levels = np.random.default_rng(seed).integers(0, 5, (n, m)) / 4
    expected = {
        k
        for k in range(n)
        if not any((levels[i] >= levels[k]).all() and (levels[i] > levels[k]).any() for i in range(n))
    }
    assert set(not_dominated(levels, levels.mean(axis=1), most=n).tolist()) == expected


@settings(max_examples=40)
@given(st.integers(2, 30), st.integers(0, 10**6))
def test_who_is_dominated_is_never_first_also_where_levels_are_missing(n, seed):
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 5, (n, 3)) / 4
    levels[rng.random((n, 3)) < 0.3] = np.nan
    levels[np.isnan(levels).all(axis=1), 0] = 0.5
    kept = not_dominated(levels, weighted_scores(levels, np.ones(3) / 3), most=n)
    for w in draw_weights(np.ones(3), 50, rng):
        scores = weighted_scores(levels, w)
        assert scores[kept].max() >= scores.max() - 1e-9


def test_many_accounts_are_walked_through_by_score_until_enough_are_found():
    levels = np.random.default_rng(1).random((3000, 5))
    scores = levels.mean(axis=1)
    some = not_dominated(levels, scores, most=40)
    every = not_dominated(levels, scores, most=3000)
    assert len(some) == 40
    assert some.tolist() == every[:40].tolist()
    assert (np.diff(scores[every]) <= 0).all()
