"""Chains whose probabilities vary from period to period: by how much, and what is drawn for periods to come."""

import numpy as np
import pytest

from kam.churn.varying_chain import draw_deviations, draw_matrices, fit_chain
from tests.churn.worlds import TRUTH


def test_variation_beyond_chance_is_estimated():
    """Dirichlet rows with concentration 99 have the intraclass correlation 1 / 100."""
    rng = np.random.default_rng(13)
    p = np.array([[rng.dirichlet(99 * row) for row in TRUTH] for _ in range(400)])
    tables = rng.multinomial(np.array([300, 200, 800]), p)
    chain = fit_chain(tables, np.zeros(400, dtype=np.int64), 1)
    assert (chain.deviations**2).mean(axis=(0, 2)) == pytest.approx([0.01] * 3, rel=0.2)
    assert chain.surely_varies and abs(chain.persistence) < 0.1
    tables = rng.multinomial(np.array([300, 200, 800]), np.broadcast_to(TRUTH, (400, 3, 3)))
    same = fit_chain(tables, np.zeros(400, dtype=np.int64), 1)
    assert same.variation == pytest.approx(1, abs=0.1)
    assert (same.deviations**2).mean() < 0.0005
    assert not same.surely_varies


def test_draws_hold_that_probabilities_are_not_known_exactly():
    rng = np.random.default_rng(16)
    tables = np.array([[[60, 30, 10], [8, 10, 2], [1, 1, 38]]] * 2)  # twice the same: no variation beyond chance
    chain = fit_chain(tables, np.zeros(2, dtype=np.int64), 1)
    assert not chain.deviations.any()
    drawn = draw_matrices(rng, chain, np.zeros(3, dtype=np.int64), 8000)
    expected = np.sqrt(chain.p[0] * (1 - chain.p[0]) / (2 * tables[0].sum(axis=1, keepdims=True) + 1))  # Dirichlet
    assert drawn[:, 0].std(axis=0) == pytest.approx(expected, rel=0.05)
    assert np.array_equal(drawn[:, 0], drawn[:, 2])  # not known, but the same in all periods


def test_few_periods_widen_the_interval_as_student_does():
    """Eight tables of many customers: a new period is off by s √(1 + 1/8) times Student's t of 7 degrees of freedom."""
    rng = np.random.default_rng(17)
    stay = np.array([0.70, 0.62, 0.71, 0.66, 0.60, 0.69, 0.64, 0.66])
    tables = np.rint(1e7 * np.stack([[[q, 1 - q], [0.5, 0.5]] for q in stay])).astype(np.int64)
    chain = fit_chain(tables, np.zeros(8, dtype=np.int64), 1)
    assert chain.persistence == 0  # neighbors differ by more than others
    drawn = draw_matrices(rng, chain, np.zeros(1, dtype=np.int64), 20_000)[:, 0, 0, 0]
    assert drawn.mean() == pytest.approx(stay.mean(), abs=0.002)
    assert drawn.std() == pytest.approx(stay.std(ddof=1) * np.sqrt(9 / 8 * 7 / 5), rel=0.05)
    assert np.quantile(drawn, 0.975) - stay.mean() == pytest.approx(2.365 * stay.std(ddof=1) * np.sqrt(9 / 8), rel=0.15)


def test_neighboring_periods_that_are_alike_are_seen():
    rng = np.random.default_rng(14)
    level = np.zeros(300)
    for t in range(1, 300):
        level[t] = 0.7 * level[t - 1] + rng.normal(0, 0.3)
    p = TRUTH * np.exp(level[:, None, None] * np.array([1.0, 0.0, -1.0]))
    tables = rng.multinomial(5000, p / p.sum(axis=2, keepdims=True))
    chain = fit_chain(tables, np.zeros(300, dtype=np.int64), 1)
    assert chain.persistence == pytest.approx(0.7, abs=0.1)
    drawn = draw_deviations(rng, chain, 4000, 3)[:, :, 0, 2]
    assert drawn.std(axis=0) == pytest.approx([chain.deviations[:, 0, 2].std()] * 3, rel=0.05)
    assert np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1] == pytest.approx(chain.persistence, abs=0.05)
    assert np.corrcoef(drawn[:, 0], drawn[:, 2])[0, 1] == pytest.approx(chain.persistence**2, abs=0.05)
