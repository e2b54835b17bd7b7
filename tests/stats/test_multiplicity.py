import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from kam.stats.multiplicity import holm


def step_down(p):
    """Holm's correction in a plain loop."""
    expected = np.empty(len(p))
    largest = 0.0
    for place, i in enumerate(np.argsort(p)):
        largest = max(largest, (len(p) - place) * p[i])
        expected[i] = min(largest, 1.0)
    return expected


def test_it_is_that_of_statsmodels():
    p = np.random.default_rng(1).random(40) ** 4  # once: each call of theirs collects all garbage
    assert holm(p).tolist() == multipletests(p, method="holm")[1].tolist()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_it_is_a_plain_loop_and_missing_ones_do_not_count(p_values):
    p = np.array(p_values)
    np.testing.assert_allclose(holm(p), step_down(p))
    known = holm(np.insert(p, len(p) // 2, np.nan))
    assert np.isnan(known[len(p) // 2])
    assert np.delete(known, len(p) // 2).tolist() == holm(p).tolist()


def test_missing_ones_stay_missing():
    assert np.isnan(holm(np.array([np.nan]))).all()
    assert len(holm(np.array([]))) == 0
