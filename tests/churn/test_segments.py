"""Shrinkage of segment matrices."""

import numpy as np

from kam.churn.segments import shrink_to_pooled
from tests.churn.worlds import TRUTH


def draw(rng, p, n):
    return np.array([rng.multinomial(n, row) for row in p])


def test_segments_that_are_alike_get_the_pooled_matrix():
    rng = np.random.default_rng(1)
    counts = np.array([draw(rng, TRUTH, n) for n in (20, 50, 1000, 1000, 200)])
    p, _strength = shrink_to_pooled(counts)
    pooled = counts.sum(axis=0) / counts.sum(axis=(0, 2))[:, None]
    raw = counts / counts.sum(axis=2, keepdims=True)
    assert np.abs(p - pooled).max() < 0.5 * np.abs(raw - pooled).max()
    np.testing.assert_allclose(p.sum(axis=2), 1)


def test_large_segments_that_differ_keep_their_own():
    rng = np.random.default_rng(2)
    truth = np.array([rng.dirichlet(20 * row, size=1)[0] for _ in range(12) for row in TRUTH]).reshape(12, 3, 3)
    counts = np.array([draw(rng, own, 5000 if g else 5) for g, own in enumerate(truth)])
    p, strength = shrink_to_pooled(counts)
    assert np.abs(p[1:] - truth[1:]).max() < 0.05
    assert ((strength > 5) & (strength < 100)).all(), "about 20, as simulated"
    pooled = counts.sum(axis=0) / counts.sum(axis=(0, 2))[:, None]
    raw = counts[0] / 5
    assert np.abs(p[0] - pooled).sum() < np.abs(raw - pooled).sum(), "five transitions say little"


def test_shrinking_beats_both_extremes():
    """Mean squared error over many small, differing segments: less than raw, less than pooled."""
    rng = np.random.default_rng(3)
    truth = np.array([rng.dirichlet(15 * row) for _ in range(40) for row in TRUTH]).reshape(40, 3, 3)
    counts = np.array([draw(rng, own, 25) for own in truth])
    p, _ = shrink_to_pooled(counts)
    pooled = counts.sum(axis=0) / counts.sum(axis=(0, 2))[:, None]
    errors = [((x - truth) ** 2).mean() for x in (p, counts / 25, np.broadcast_to(pooled, truth.shape))]
    assert errors[0] < min(errors[1:])


def test_a_state_that_no_segment_left_stays_empty():
    p, _ = shrink_to_pooled([[[3, 1], [0, 0]], [[1, 3], [0, 0]]])
    assert (p[:, 1] == 0).all()
