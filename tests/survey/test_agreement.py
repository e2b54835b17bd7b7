import json
from pathlib import Path

import numpy as np
import pytest

from kam.errors import ParameterError, UndefinedMeasureError
from kam.survey.agreement import agree_within, spread_beyond_chance

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "psych.json").read_text(encoding="utf-8"))["icc"]


def test_unequal_accounts_equal_the_analysis_of_variance_of_r():
    found = agree_within(REFERENCE["y"], REFERENCE["account"])
    assert found.icc == pytest.approx(REFERENCE["icc"], abs=1e-9)
    assert found.within_variance == pytest.approx(REFERENCE["within"], abs=1e-9)
    assert found.low < found.icc < found.high


def test_equal_accounts_have_searles_interval_as_psych_has():
    equal = np.array(REFERENCE["equal"])
    found = agree_within(equal.ravel(), np.repeat(np.arange(len(equal)), equal.shape[1]))
    assert found.icc == pytest.approx(REFERENCE["equal_icc"], abs=1e-9)
    assert [found.low, found.high] == pytest.approx(REFERENCE["equal_interval"], abs=1e-6)
    assert found.design_effect == pytest.approx(1 + 2 * found.icc)


def test_by_hand():
    """Two of (4, 5), (2, 2), (1, 2), (5, 5): MSB 2 · 9.25 / 3, MSW (0.5 + 0.5) / 4."""
    found = agree_within([4, 5, 2, 2, 1, 2, 5, 5], list("aabbccdd"))
    between, within = 18.5 / 3, 0.25
    assert found.icc == pytest.approx((between - within) / (between + within))
    assert found.mean_size == 2.0


def test_intervals_hold_the_truth():
    """60 surveys of 60 accounts with 1 to 5 people."""
    rng, held = np.random.default_rng(1), 0
    for _ in range(60):
        account = np.repeat(np.arange(60), rng.choice([1, 2, 5], 60))
        y = np.sqrt(0.4) * rng.normal(size=60)[account] + np.sqrt(0.6) * rng.normal(size=len(account))
        found = agree_within(y, account)
        held += found.low <= 0.4 <= found.high
    assert held >= 53


def test_answers_more_different_within_than_between_have_no_design_effect():
    found = agree_within([1, 5, 1, 5, 5, 1], list("aabbcc"))
    assert found.icc < 0 and found.design_effect == 1


def test_missing_answers_do_not_count_and_identical_people_agree_wholly():
    found = agree_within([1, 1, 5, 5, 3, np.nan], list("aabbcc"))
    assert (found.icc, found.low, found.high) == (1, 1, 1)


@pytest.mark.parametrize(
    ("values", "account", "fragment"),
    [
        ([3, 3, 3, 3], list("aabb"), "All answers are equal"),
        ([1, 2, 3], list("abc"), "No two people"),
        ([1, 2, 3], list("aaa"), "only one account"),
        ([], [], "No two people"),
    ],
)
def test_what_has_no_value_is_named(values, account, fragment):
    with pytest.raises(UndefinedMeasureError, match=fragment):
        agree_within(values, account)


def test_the_level_is_checked():
    with pytest.raises(ParameterError, match="level"):
        agree_within([1, 2, 3, 4], list("aabb"), level=95)


def test_spread_is_compared_with_that_of_all_others():
    values = np.array([1.0, 5, 3, 3, 2, 3, 4, 4, 3])
    table = spread_beyond_chance(values, np.array([0, 0, 1, 1, 2, 2, 3, 3, 4]))
    from scipy.stats import f

    assert table["p_value"].iloc[0] == pytest.approx(4 * f.sf(8 / (0.5 / 3), 1, 3))
    assert np.isnan(table["p_value"].iloc[4]) and np.isnan(table["answer_sd"].iloc[4])
    assert table["answer_high"].sub(table["answer_low"]).tolist() == [4, 0, 1, 0, 0]


def test_chance_alone_is_rarely_beyond_chance():
    """100 surveys in which nobody disagrees: at most a few name an account."""
    rng, named = np.random.default_rng(2), 0
    for _ in range(100):
        account = np.repeat(np.arange(80), rng.choice([1, 2, 3], 80))
        values = rng.normal(size=80)[account] + 0.6 * rng.normal(size=len(account))
        named += (spread_beyond_chance(values, account)["p_value"] < 0.05).any()
    assert named <= 12
