"""How R² is divided: Attitude by hand of R, by all orders, by definition; what always holds; how fast."""

import json
from itertools import permutations
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.errors import ModelError, ParameterError
from kam.survey.importance import johnson, lmg

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "drivers.json").read_text(encoding="utf-8"))["rating"]
NAMES = [*REFERENCE["drivers"], "rating"]
ATTITUDE = np.array([REFERENCE["columns"][name] for name in NAMES], dtype=float)  # 7 × 30, Chatterjee & Price (1977)


def random_covariance(seed, p, n=40):
    rng = np.random.default_rng(seed)
    return np.cov(rng.normal(size=(p + 1, n)) + rng.normal(size=n))


def lmg_by_definition(covariance):
    """All orders, each increase of R² from a regression of its own."""
    p = len(covariance) - 1

    def r_squared(inside):
        if not inside:
            return 0.0
        slopes = np.linalg.solve(covariance[np.ix_(inside, inside)], covariance[list(inside), p])
        return slopes @ covariance[list(inside), p] / covariance[p, p]

    orders = list(permutations(range(p)))
    total = np.zeros(p)
    for order in orders:
        for k, j in enumerate(order):
            total[j] += r_squared(order[: k + 1]) - r_squared(order[:k])
    return total / len(orders)


def test_attitude():
    """R's data `attitude`, rating on the six others."""
    covariance = np.cov(ATTITUDE)
    found, weights = lmg(covariance), johnson(covariance)
    assert found.round(6).tolist() == [0.370816, 0.050904, 0.155766, 0.120345, 0.006589, 0.028182]
    assert weights.round(6).tolist() == [0.362760, 0.056002, 0.163611, 0.121780, 0.008255, 0.020193]
    assert found.sum() == pytest.approx(0.73260, abs=5e-6) == weights.sum()


def test_equal_to_r():
    np.testing.assert_allclose(lmg(np.cov(ATTITUDE)), REFERENCE["lmg"], rtol=1e-10)
    np.testing.assert_allclose(johnson(np.cov(ATTITUDE)), REFERENCE["johnson"], rtol=1e-10)
    weighted = np.cov(ATTITUDE, aweights=REFERENCE["weights"])
    np.testing.assert_allclose(lmg(weighted), REFERENCE["lmg_weighted"], rtol=1e-10)


@pytest.mark.parametrize("p", [1, 2, 3, 5])
def test_by_definition(p):
    covariance = random_covariance(p, p)
    np.testing.assert_allclose(lmg(covariance), lmg_by_definition(covariance), rtol=1e-9)


def test_uncorrelated_drivers_have_their_squared_correlations():
    covariance = np.eye(4)
    covariance[3, :3] = covariance[:3, 3] = [0.5, -0.4, 0.1]
    np.testing.assert_allclose(lmg(covariance), [0.25, 0.16, 0.01])
    np.testing.assert_allclose(johnson(covariance), [0.25, 0.16, 0.01])


def test_a_stack_is_its_matrices_one_by_one():
    stack = np.array([[random_covariance(10 * i + j, 4) for j in range(3)] for i in range(2)])
    for divide in (lmg, johnson):
        found = divide(stack)
        assert found.shape == (2, 3, 4)
        np.testing.assert_allclose(found[1, 2], divide(stack[1, 2]))


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_what_always_holds(seed, p):
    covariance = random_covariance(seed, p)
    r_squared = 1 - 1 / (np.linalg.inv(covariance)[p, p] * covariance[p, p])
    rng = np.random.default_rng(seed)
    order = np.append(rng.permutation(p), p)
    scale = rng.uniform(0.1, 10, p + 1) * rng.choice([-1, 1], p + 1)
    for divide in (lmg, johnson):
        found = divide(covariance)
        assert (found >= -1e-12).all()
        assert found.sum() == pytest.approx(r_squared)
        np.testing.assert_allclose(divide(covariance[np.ix_(order, order)]), found[order[:-1]], atol=1e-9)
        np.testing.assert_allclose(divide(covariance * np.outer(scale, scale)), found, atol=1e-9)


def test_fifteen_drivers_a_thousand_times_take_under_two_seconds():
    rng = np.random.default_rng(1)
    draws = rng.normal(size=(1000, 60, 16)) + rng.normal(size=(1000, 60, 1))
    covariance = np.swapaxes(draws, 1, 2) @ draws / 60
    start = process_time()  # seconds of work: other tests share the cores
    found = lmg(covariance)
    assert process_time() - start < 2
    assert found.shape == (1000, 15)


def test_bad_input():
    with pytest.raises(ModelError, match="combination"):
        lmg([[1, 1, 0.5], [1, 1, 0.5], [0.5, 0.5, 1]])
    with pytest.raises(ModelError, match="does not vary"):
        johnson([[0.0, 0, 0], [0, 1, 0.5], [0, 0.5, 1]])
    with pytest.raises(ParameterError, match="shape"):
        lmg([1.0, 2.0])
    with pytest.raises(ParameterError, match="19 drivers"):
        lmg(np.eye(20))
