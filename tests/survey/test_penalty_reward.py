"""What low answers cost and high ones add: three planted kinds, the regression of statsmodels, too few answers."""

import numpy as np
import pytest
import statsmodels.api as sm

from kam.survey.not_used import Drivers
from kam.survey.penalty_reward import contrast_penalty_reward, low_and_high

LOW, HIGH = low_and_high([1.0] * 4, [5.0] * 4)


@pytest.fixture(scope="module")
def drivers():
    rng = np.random.default_rng(1)
    n = 1500
    answers = rng.integers(1, 6, (n, 4)).astype(float)
    low, high = answers <= 2, answers == 5
    y = 4 - 0.9 * low[:, 0] + 0.8 * high[:, 1] - 0.5 * low[:, 2] + 0.5 * high[:, 2] + rng.normal(0, 0.8, n)
    answers[rng.random((n, 4)) < 0.1] = np.nan
    return Drivers(
        items=("must", "delights", "both", "nothing"),
        beside=(),
        y=y,
        answers=answers,
        filled=np.nan_to_num(answers, nan=3.0),
        unused=np.empty((n, 0)),
        unused_items=(),
        weights=rng.uniform(0.5, 2, n),
        account=np.arange(n) // 2,
        n_no_answer=0,
        n_unused=0,
    )


def test_the_kinds_are_found(drivers):
    table = contrast_penalty_reward(drivers, low=LOW, high=HIGH, level=0.95)
    assert table["kind"].tolist() == ["basic", "excitement", "performance", "not clear"]
    for name, truth in (("points_lost", [0.9, 0, 0.5, 0]), ("points_gained", [0, 0.8, 0.5, 0])):
        np.testing.assert_allclose(table[name], truth, atol=0.15)
        assert (table[f"{name}_low"] < table[name]).all() and (table[name] < table[f"{name}_high"]).all()
    np.testing.assert_allclose(table["asymmetry"], table["points_gained"] - table["points_lost"])


def test_equal_to_statsmodels(drivers):
    table = contrast_penalty_reward(drivers, low=LOW, high=HIGH, level=0.9)
    x = np.hstack([drivers.answers <= 2, drivers.answers == 5, np.isnan(drivers.answers)]).astype(float)
    fit = sm.WLS(drivers.y, sm.add_constant(x), weights=drivers.weights).fit()
    fit = fit.get_robustcov_results("cluster", groups=drivers.account, use_correction=False, use_t=False)
    np.testing.assert_allclose(table["points_lost"], -fit.params[1:5])
    np.testing.assert_allclose(table["points_gained"], fit.params[5:9])
    factor = np.sqrt(750 / 749) * 1.646957  # G / (G − 1), t with 749 degrees of freedom
    np.testing.assert_allclose(table["points_gained_high"] - table["points_gained"], factor * fit.bse[5:9], rtol=1e-4)


def test_too_few_low_answers_have_no_contrast(drivers):
    answers = drivers.answers.copy()
    answers[answers[:, 0] <= 2, 0] = 3.0
    answers[:19, 0] = 1.0
    few = Drivers(**{**vars(drivers), "answers": answers})
    table = contrast_penalty_reward(few, low=LOW, high=HIGH, level=0.95)
    assert table.loc[0, "kind"] == "not clear" and np.isnan(table.loc[0, "points_lost"])
    assert table.loc[0, "n_low_answers"] == 19
    assert table.loc[1, "kind"] == "excitement"


def test_what_is_low_and_high():
    low, high = low_and_high([1.0, 0.0], [5.0, 10.0])
    assert [level for level in range(1, 6) if level <= low[0]] == [1, 2]
    assert [level for level in range(1, 6) if level >= high[0]] == [5]
    assert [level for level in range(11) if level <= low[1]] == [0, 1, 2]
    assert [level for level in range(11) if level >= high[1]] == [9, 10]
