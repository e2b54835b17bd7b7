import numpy as np
import pandas as pd
import pytest

from kam.errors import DataError, EmptyDataError
from kam.identify.whale_curve import whale_curve


def test_by_hand():
    whale = whale_curve(pd.Series({"a": 60.0, "b": -45.0, "c": 40.0, "d": 0.0}))
    assert whale.curve["customer_id"].tolist() == ["a", "c", "d", "b"]
    assert whale.curve["cum_profit"].tolist() == [60, 100, 100, 55]
    assert (whale.peak, whale.n_at_peak, whale.n_losing, whale.total, whale.lost) == (100, 2, 1, 55, -45)
    assert whale.share_left == 0.55


def test_more_lost_than_earned_is_in_money_and_a_share_below_zero():
    whale = whale_curve(pd.Series({"a": 10.0, "b": -30.0}))
    assert (whale.peak, whale.total, whale.share_left) == (10, -20, -2)


def test_nobody_earns():
    whale = whale_curve(pd.Series({"a": -1.0, "b": 0.0}))
    assert (whale.peak, whale.n_at_peak, whale.share_left, whale.lost) == (0, 0, None, -1)


def test_equal_accounts_stand_by_id():
    assert whale_curve(pd.Series(1.0, index=["c", "a", "b"])).curve["customer_id"].tolist() == ["a", "b", "c"]
    assert whale_curve(pd.Series(1.0, index=["a", "b", "c"])).curve["customer_id"].tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        (pd.Series(dtype=float), EmptyDataError, "no account"),
        (pd.Series({"a": np.nan}), DataError, r"not finite.*\['a'\]"),
        (pd.Series([1.0, 2.0], index=["a", "a"]), DataError, "stands twice"),
    ],
)
def test_bad_values_are_named(bad, error, says):
    with pytest.raises(error, match=says):
        whale_curve(bad)
