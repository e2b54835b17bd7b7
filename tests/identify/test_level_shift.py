import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kam.identify.level_shift import excess, mean_shift


def test_a_shift_is_the_best_welch_test_of_scipy():
    rng = np.random.default_rng(1)
    values = [rng.normal(0.1 if block < 6 else 0.14, 0.03, 5) for block in range(12)]
    n, sums, squares = (np.array([[f(v) for v in values]]) for f in (len, np.sum, lambda v: np.sum(v**2)))
    found = mean_shift(n.astype(float), sums, squares, floor=0.0)
    p = {
        s: stats.ttest_ind(
            np.concatenate(values[s:]), np.concatenate(values[:s]), equal_var=False, alternative="greater"
        ).pvalue
        for s in range(2, 9)  # two blocks before for eight orders, four after
    }
    best = min(p, key=p.get)
    assert found.start[0] == best
    assert found.p_value[0] == pytest.approx(p[best] * len(p))
    assert found.after[0] == pytest.approx(np.concatenate(values[best:]).mean())
    assert (found.n_before[0], found.n_after[0]) == (5 * best, 5 * (12 - best))


def test_an_excess_is_the_exact_binomial_tail():
    k, n = np.array([[0, 0, 0, 0, 2, 1, 2, 1.0]]), np.full((1, 8), 3.0)
    found = excess(k, n, np.full(8, 0.1))
    windows = {4: stats.binom.sf(5, 12, 0.1), 6: stats.binom.sf(5, 18, 0.1), 8: stats.binom.sf(5, 24, 0.1)}
    assert found.start[0] == 4
    assert found.p_value[0] == pytest.approx(3 * min(windows.values()))
    assert (found.before[0], found.after[0]) == pytest.approx((0.1, 0.5))


def test_too_few_orders_are_not_judged():
    one = np.ones((1, 12))
    assert not mean_shift(one / 2, one * 0.05, one * 0.005).judged[0]
    assert not excess(one / 4, one / 4, np.full(12, 0.1)).judged[0]
    assert not mean_shift(one[:, :3], one[:, :3], one[:, :3]).judged[0]  # nothing recent can be told from before
    assert mean_shift(one * 9, one * 0.9, one * 0.09).judged[0]


def test_a_window_does_not_begin_before_the_first_order():
    n = np.array([[0, 0, 0, 0, 0, 0, 3, 3, 3, 3, 3, 3.0]])
    assert excess(n, n, np.full(12, 0.1)).start[0] >= 6


def test_of_accounts_to_which_nothing_happened_few_are_called_shifted():
    rng = np.random.default_rng(2)
    n = np.full((4000, 16), 4.0)
    x = rng.normal(0.1, 0.03, (4000, 16, 4))
    assert (mean_shift(n, x.sum(axis=2), (x**2).sum(axis=2)).p_value <= 0.05).mean() <= 0.05
    k = rng.binomial(4, 0.1, (4000, 16)).astype(float)
    assert (excess(k, n, np.full(16, 0.1)).p_value <= 0.05).mean() <= 0.05


@given(st.lists(st.integers(0, 5), min_size=8, max_size=16), st.floats(0.01, 0.9))
def test_more_events_are_never_less_sure(events, expected):
    n = np.full((1, len(events)), 5.0)
    k = np.array([events], dtype=float)
    more = np.minimum(k + 1, n)
    level = np.full(len(events), expected)
    assert excess(more, n, level).p_value[0] <= excess(k, n, level).p_value[0] + 1e-12
