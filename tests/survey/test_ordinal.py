"""The ordinal logit: as R's polr with weights, as statsmodels without; proportional odds that hold, and that do not."""

import json
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit
from statsmodels.miscmodels.ordinal_model import OrderedModel

from kam.errors import NotConvergedError, UndefinedMeasureError
from kam.survey.ordinal import fit_ordinal, split_at_cuts

HOUSING = json.loads((Path(__file__).parents[1] / "reference" / "drivers.json").read_text(encoding="utf-8"))["housing"]


def simulate(n=800, seed=1, bend=0.0):
    """Four levels; with a bend the second item counts at the upper cut points only."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    luck = rng.uniform(size=n)
    cuts = np.array([-1.5, 0.0, 1.5])
    slopes = np.array([[1.0, 0.5 - bend], [1.0, 0.5], [1.0, 0.5 + bend]])
    at_most = np.sort(expit(cuts - x @ slopes.T), axis=1)
    return (luck[:, None] > at_most).sum(axis=1) + 1.0, x


def test_equal_to_polr_with_weights():
    levels, x, weights = (np.array(HOUSING[name], dtype=float) for name in ("levels", "x", "weights"))
    fit = fit_ordinal(levels, x, weights=weights, account=np.arange(len(levels)))
    np.testing.assert_allclose(fit.slopes, HOUSING["slopes"], rtol=2e-5)
    np.testing.assert_allclose(fit.cuts, HOUSING["cuts"], rtol=2e-5)
    assert -2 * fit.log_likelihood == pytest.approx(HOUSING["deviance"], rel=1e-9)


def test_equal_to_statsmodels_without_weights():
    levels, x = simulate(300)
    fit = fit_ordinal(levels, x, weights=np.ones(300), account=np.arange(300))
    other = OrderedModel(levels, x, distr="logit").fit(method="bfgs", disp=False)
    np.testing.assert_allclose(fit.slopes, other.params[:2], rtol=1e-3)
    assert fit.log_likelihood == pytest.approx(other.llf, rel=1e-8)
    np.testing.assert_allclose(fit.std_errors, other.bse[:2], rtol=0.2)  # a sandwich, of a model that is true


def test_a_weight_is_so_many_answers():
    levels, x = simulate(200)
    times = np.random.default_rng(2).integers(1, 4, 200)
    account = np.arange(200) // 2
    once = fit_ordinal(levels, x, weights=times.astype(float), account=account)
    often = fit_ordinal(
        np.repeat(levels, times),
        np.repeat(x, times, axis=0),
        weights=np.ones(times.sum()),
        account=np.repeat(account, times),
    )
    np.testing.assert_allclose(once.slopes, often.slopes, rtol=1e-6)
    np.testing.assert_allclose(once.std_errors, often.std_errors, rtol=1e-6)


def test_people_of_one_account_are_not_independent():
    levels, x = simulate(200)
    alone = fit_ordinal(levels, x, weights=np.ones(200), account=np.arange(200))
    twins = fit_ordinal(
        np.tile(levels, 2), np.tile(x, (2, 1)), weights=np.ones(400), account=np.tile(np.arange(200), 2)
    )
    np.testing.assert_allclose(twins.std_errors, alone.std_errors, rtol=1e-6)


def test_a_split_is_a_logit_at_each_cut():
    levels, x = simulate(500)
    cuts, slopes, _, p = split_at_cuts(levels, x, weights=np.ones(500), account=np.arange(500))
    assert cuts.tolist() == [1, 2, 3]
    logit = sm.Logit(levels > 2, sm.add_constant(x)).fit(disp=False)
    np.testing.assert_allclose(slopes[1], logit.params[1:], rtol=1e-6)
    assert p.shape == (3,)


def test_proportional_odds():
    straight = [split_at_cuts(*simulate(seed=s), weights=np.ones(800), account=np.arange(800))[3] for s in range(40)]
    assert (np.array(straight)[:, -1] < 0.05).mean() <= 0.15
    levels, x = simulate(3000, bend=0.5)
    p = split_at_cuts(levels, x, weights=np.ones(3000), account=np.arange(3000))[3]
    assert p[1] < 0.001 and p[2] < 0.001 < p[0]


def test_bad_input():
    x = simulate(100)[1]
    ones, account = np.ones(100), np.arange(100)
    with pytest.raises(UndefinedMeasureError, match="two levels"):
        fit_ordinal(ones, x, weights=ones, account=account)
    with pytest.raises(NotConvergedError, match="without error"):
        fit_ordinal((x[:, 0] > 0).astype(float), x, weights=ones, account=account)
    with pytest.raises(UndefinedMeasureError, match="0 cut points"):
        split_at_cuts(np.where(np.arange(100) < 3, 1.0, 2.0), x, weights=ones, account=account)
