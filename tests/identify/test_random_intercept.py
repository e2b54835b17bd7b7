import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import expit, log_expit
from statsmodels.regression.mixed_linear_model import MixedLM

from kam.errors import NotConvergedError
from kam.identify.random_intercept import GRID, fit_random_intercept


def draw(seed, sigma, *, n_groups=25, n=60, rate=-2.5):
    """Groups of unlike size with a known effect on the log-odds."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), rng.integers(n // 4, 2 * n, n_groups))
    u, x = rng.normal(0, sigma, n_groups), rng.standard_normal(len(group))
    y = (rng.random(len(group)) < expit(rate + 0.5 * x + u[group])).astype(float)
    return y, np.column_stack([np.ones(len(y)), x]), group, u


def fit(y, design, group, **options):
    options = {"family": "binomial", "scale": 0.5} | options
    return fit_random_intercept(y, design, group, n_groups=group.max() + 1, **options)


def test_with_a_known_spread_a_group_is_the_peak_of_its_penalized_likelihood():
    """One group with a fixed offset: 3 of 10, prior normal(0, 0.5²); the mode solves 3 − 10 p(u) = u / 0.25."""
    y, group = np.array([1.0] * 3 + [0.0] * 7 + [1.0] * 500 + [0.0] * 500), np.repeat([0, 1], [10, 1000])
    found = fit(y, np.ones((1010, 1)), group, sigma=0.5)
    u, beta = found.effect[0], found.beta[0]
    assert 3 - 10 * expit(beta + u) == pytest.approx(u / 0.25, abs=1e-4)
    assert 500 - 1000 * expit(beta + found.effect[1]) == pytest.approx(found.effect[1] / 0.25, abs=1e-4)


def test_laplace_is_close_to_the_integral_over_the_effect():
    """The mean of an effect given spread and intercept, by quadrature; the mode of Laplace lies within a tenth of its error."""
    y, design, group, _ = draw(3, 0.6)
    found = fit(y, design, group, sigma=0.6)
    eta = design @ found.beta
    for j in (0, 1, 2):
        own, offset = y[group == j], eta[group == j]

        def density(u, own=own, offset=offset):
            signs = 2 * own - 1
            return np.exp(log_expit(signs * (offset + u)).sum() - u**2 / 0.72 + 20)

        total = quad(density, -4, 4)[0]
        mean = quad(lambda u, f=density: u * f(u), -4, 4)[0] / total
        assert abs(found.effect[j] - mean) < 0.25 * found.effect_error[j]


def test_a_normal_outcome_equals_statsmodels():
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(12), rng.integers(8, 30, 12))
    x = rng.standard_normal(len(group))
    y = 2 + 0.7 * x + rng.normal(0, 0.8, 12)[group] + rng.standard_normal(len(group))
    design = np.column_stack([np.ones(len(y)), x])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = MixedLM(y, design, groups=group).fit(reml=True)
    error = np.sqrt(peer.scale)  # ours takes residuals of variance 1
    spread = np.sqrt(peer.cov_re[0, 0]) / error
    known = fit(
        y / error, design / error, group, family="gaussian", scale=1.0, sigma=spread, loading=np.full(len(y), 1)
    )
    effects = np.array([peer.random_effects[j].iloc[0] for j in range(12)])
    np.testing.assert_allclose(known.beta, peer.fe_params, atol=1e-4)
    np.testing.assert_allclose(known.effect * error, effects, atol=1e-3)
    np.testing.assert_allclose(known.beta_error[1], peer.bse_fe[1], rtol=0.01)
    free = fit(y / error, design / error, group, family="gaussian", scale=1.0)
    assert free.sigma == pytest.approx(spread, rel=0.03)


def test_planted_effects_are_held_whether_managers_differ_or_not():
    """The rule, small: intervals hold 90 to 98 % over groups drawn from the distribution; the test is no more than nominal."""
    held, width, false = [], [], []
    for seed in range(16):
        y, design, group, u = draw(seed, 0.4)
        free, known = fit(y, design, group), fit(y, design, group, sigma=0.4)
        held += ((free.low <= u) & (u <= free.high)).tolist()
        width.append(np.median(free.high - free.low) / np.median(known.high - known.low))
        y, design, group, _ = draw(1000 + seed, 0.0)
        none = fit(y, design, group)
        false.append(none.p_value < 0.05)
        assert none.sigma_low == 0 or none.p_value < 0.05
    assert 0.90 <= np.mean(held) <= 0.98
    assert np.median(width) <= 1.5
    assert np.mean(false) <= 0.15


def test_effects_shrink_by_how_little_a_group_tells():
    y = np.concatenate([[1, 1, 0, 0], np.tile([1, 1, 0, 0], 50), np.tile([1, 0, 0, 0], 60), np.tile([1, 0, 0, 0], 60)])
    group = np.repeat([0, 1, 2, 3], [4, 200, 240, 240])
    found = fit(y.astype(float), np.ones((len(y), 1)), group)
    assert 0 < found.effect[0] < found.effect[1]  # the same share, fifty times the rows
    assert found.high[0] - found.low[0] > found.high[1] - found.low[1]
    assert found.low[0] < 0 < found.high[0]


def test_an_estimate_of_zero_does_not_make_the_intervals_vanish():
    y, group = np.tile([1.0, 0.0, 0.0, 0.0], 50), np.repeat(np.arange(10), 20)
    found = fit(y, np.ones((200, 1)), group)
    assert (found.sigma, found.sigma_low, found.p_value) == (0.0, 0.0, 1.0)
    assert (found.high - found.low > 0.3).all()
    np.testing.assert_allclose(found.effect, 0, atol=1e-6)


def test_tied_covariates_are_an_error():
    y, design, group, _ = draw(1, 0.3)
    with pytest.raises(NotConvergedError):
        fit(y, np.column_stack([design, design[:, 1]]), group)


def test_the_grid_reaches_from_nothing_to_thrice_the_scale():
    assert (np.diff(GRID) > 0).all()
    assert GRID[0] < 0.05
    assert GRID[-1] == 3
    assert pd.Series(GRID).is_unique
