"""What chains are estimated from: panels and counts say the same."""

import numpy as np
import pandas as pd
import pytest

from kam.churn.markov_frames import flows_frame
from kam.churn.observed import n_gaps, observe
from kam.errors import DataError, EmptyDataError, MissingColumnError
from tests.churn.worlds import simulate


def test_entries_ends_and_gaps_by_hand():
    frame = pd.DataFrame({"customer_id": list("aaabb"), "period": [1, 2, 4, 3, 4], "state": list("xyxxy")})
    seen = observe(frame)
    assert seen.tables.sum() == 2 and seen.tables[0, 0, 1] == 1 and seen.tables[2, 0, 1] == 1
    assert np.argwhere(seen.entered).tolist() == [[0, 0], [2, 0], [3, 0]]
    assert np.argwhere(seen.ended).tolist() == [[1, 1], [3, 0], [3, 1]]
    assert n_gaps(seen) == 1
    assert seen.mix.tolist() == [[1, 0], [0, 1], [1, 0], [1, 1]]


def test_every_customer_period_begins_stays_or_ends(panel):
    seen = observe(panel.sample(frac=0.6, random_state=2))
    np.testing.assert_array_equal(seen.tables.sum(axis=2) + seen.ended, seen.mix)
    np.testing.assert_array_equal(seen.tables.sum(axis=1)[:-1] + seen.entered[1:], seen.mix[1:])


@pytest.mark.parametrize("freq", ["MS", "QS", "YS"])
def test_counts_that_a_panel_gives_are_read_back_as_the_same(freq):
    panel = simulate(3, n_customers=40, n_periods=7, freq=freq).sample(frac=0.8, random_state=1)
    seen = observe(panel)
    again = observe(flows_frame(seen), states=seen.states)
    assert again.freq == seen.freq and list(again.periods) == list(seen.periods)
    for name in ("tables", "mix", "entered", "ended"):
        np.testing.assert_array_equal(getattr(again, name), getattr(seen, name))


def test_counts_without_periods_are_one_table():
    seen = observe(pd.DataFrame({"from_state": ["x", "x"], "to_state": ["x", "y"], "n_transitions": [3, 1]}))
    assert seen.tables.tolist() == [[[3, 1], [0, 0]]] and seen.sequences is None and not seen.has_two_years


@pytest.mark.parametrize(("months", "two_years"), [(23, False), (24, False), (25, True), (30, True)])
def test_two_years_of_every_season_need_one_period_more(months, two_years):
    assert observe(simulate(1, n_customers=5, n_periods=months)).has_two_years is two_years


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"n_transitions": [3.5, 1]}, DataError, "whole number"),
        ({"n_transitions": [-3, 1]}, DataError, "whole number"),
        ({"to_state": ["x", "x"]}, DataError, "twice"),
        ({"n_transitions": [0, 0]}, EmptyDataError, "no transition"),
        ({"from_state": None}, MissingColumnError, "from_state"),
    ],
)
def test_bad_counts_are_refused(change, error, says):
    frame = pd.DataFrame({"from_state": ["x", "x"], "to_state": ["x", "y"], "n_transitions": [3, 1]} | change)
    frame = frame.drop(columns=[name for name, value in change.items() if value is None])
    with pytest.raises(error, match=says):
        observe(frame)
