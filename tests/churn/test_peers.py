import numpy as np
import pandas as pd
import pytest

from kam.churn.peers import forecast_chain, forecast_purchases, forecast_recency
from kam.errors import NotConvergedError


def frame(days, recent, event=None, value=10.0):
    rows = pd.DataFrame({"days_since_last_order": days, "n_days_recent": recent, "monetary_value": value})
    return rows if event is None else rows.assign(no_order=pd.array(event, dtype="boolean"))


def test_chain_by_hand():
    training = frame([5, 5, 5, 100, 100, 400], [1, 1, 1, 0, 0, 0], [False, False, True, True, False, True])
    everyone = 0.5
    said = forecast_chain(training, frame([9, 120, 420, 9], [1, 0, 0, 3], value=20.0), 91)
    # One day in the last window: 1 of 3; silent for one window: 1 of 2; for four: 1 of 1; a state never seen: the share of all.
    assert said.p_no_order == pytest.approx([(1 + everyone) / 4, (1 + everyone) / 3, (1 + everyone) / 2, everyone])
    assert said.expected_revenue == pytest.approx(20 * (1 - said.p_no_order))


def test_recency_knows_the_silence_alone():
    training = frame([1, 1, 300, 300], [9, 1, 0, 0], [False, False, True, True])
    said = forecast_recency(training, frame([1, 1, 300], [9, 1, 0]), 91)
    assert said.p_no_order.tolist() == pytest.approx([0.5 / 3, 0.5 / 3, 2.5 / 3])


def test_purchases_are_counted_in_weeks(seasonal):
    taken, _ = seasonal
    rows = taken.rows[taken.rows["origin"] == taken.rows["origin"].max()]
    said, penalty = forecast_purchases("BG/NBD", rows, 91)
    assert penalty == 0
    slow, fast = (forecast_purchases("BG/NBD", rows, days)[0].p_no_order.mean() for days in (30, 180))
    assert fast < said.p_no_order.mean() < slow
    assert np.corrcoef(said.p_no_order, rows["days_since_last_order"])[0, 1] > 0.5


def test_a_model_that_settles_nowhere_is_named():
    once = pd.DataFrame({"frequency": [0, 0, 0], "recency": 0, "T": 100, "monetary_value": 5.0})
    with pytest.raises(NotConvergedError, match="BG/NBD does not settle"):
        forecast_purchases("BG/NBD", once, 91)
