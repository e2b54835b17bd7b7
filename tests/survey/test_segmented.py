import numpy as np
import pytest

from kam.errors import EmptyDataError
from kam.survey.segmented import fit_segmented


def bent(seed, n=600):
    rng = np.random.default_rng(seed)
    x = rng.uniform(1, 5, n)
    return x, np.clip(x, 2, 4), rng.normal(size=n) * 0.3


def test_bends_and_slopes_are_recovered():
    x, y, noise = bent(1)
    fit = fit_segmented(x, y + noise, np.ones(600), np.arange(600) // 2, n_resamples=100, seed=1)
    assert fit.breakpoints == pytest.approx([2, 4], abs=0.3)
    assert fit.slopes == pytest.approx([0, 1, 0], abs=0.2)
    assert fit.p_value <= 0.01
    low, high = np.quantile(fit.break_draws, [0.025, 0.975], axis=0)
    assert (low <= [2.0, 4.0]).all() and (high >= [2.0, 4.0]).all()


def test_the_fit_is_the_least_squares_one():
    x, y, noise = bent(2, 200)
    w = np.tile([1.0, 2.0], 100)
    fit = fit_segmented(x, y + noise, w, np.arange(200), n_resamples=2, seed=1)
    design = np.column_stack([np.ones(200), x, *(np.maximum(x - b, 0) for b in fit.breakpoints)])
    root = np.sqrt(w)
    beta = np.linalg.lstsq(design * root[:, None], (y + noise) * root, rcond=None)[0]
    assert fit.slopes == pytest.approx(np.cumsum(beta[1:]), abs=1e-5)


def test_a_line_is_seldom_bent():
    p = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x = rng.uniform(1, 5, 150)
        p.append(
            fit_segmented(x, x + rng.normal(size=150), np.ones(150), np.arange(150), n_resamples=39, seed=seed).p_value
        )
    assert np.mean(np.array(p) <= 0.05) <= 0.15


def test_too_few_values_have_no_bends():
    with pytest.raises(EmptyDataError, match="2 different values"):
        fit_segmented(np.tile([1.0, 2.0], 20), np.arange(40.0), np.ones(40), np.arange(40), n_resamples=2, seed=1)
