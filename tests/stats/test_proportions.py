import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.proportion import multinomial_proportions_confint, proportion_confint

from kam.errors import ParameterError, UndefinedMeasureError
from kam.stats.proportions import goodman_interval, jeffreys_interval, wilson_interval

LEVELS = [0.8, 0.95, 0.99]


# -- one proportion


@pytest.mark.parametrize("level", LEVELS)
def test_wilson_is_that_of_statsmodels(level):
    x, n = np.meshgrid(np.arange(41), [41, 60, 1000])
    assert np.allclose(wilson_interval(x, n, level), proportion_confint(x, n, 1 - level, "wilson"), atol=1e-12)


@pytest.mark.parametrize("level", LEVELS)
def test_jeffreys_is_that_of_statsmodels_between_the_ends(level):
    x, n = np.meshgrid(np.arange(1, 41), [41, 60, 1000])
    assert np.allclose(jeffreys_interval(x, n, level), proportion_confint(x, n, 1 - level, "jeffreys"), atol=1e-12)


def test_wilson_by_hand():
    # 2 of 10, z² = 4 at the level 95.45 %: (2 + 2 ± √(4 (1 + 2 · 8/10))) / 14.
    low, high = wilson_interval(2, 10, 0.9544997361036416)
    assert (low, high) == pytest.approx(((4 - np.sqrt(10.4)) / 14, (4 + np.sqrt(10.4)) / 14))


@pytest.mark.parametrize("interval", [wilson_interval, jeffreys_interval])
def test_ends_are_exact_when_none_or_all_succeed(interval):
    low, high = interval([0, 10], 10)
    assert low[0] == 0 and high[1] == 1
    assert 0 < high[0] < 0.35 and high[0] == pytest.approx(1 - low[1])


@pytest.mark.parametrize("interval", [wilson_interval, jeffreys_interval])
@pytest.mark.parametrize("p", [0.03, 0.2, 0.5])
def test_mean_coverage_over_sizes_is_the_level(interval, p):
    covered = []
    for n in range(60, 140):
        x = np.arange(n + 1)
        low, high = interval(x, n)
        covered.append(binom.pmf(x, n, p)[(low <= p) & (p <= high)].sum())  # exact, no simulation
    assert np.mean(covered) == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize("interval", [wilson_interval, jeffreys_interval])
@given(n=st.integers(1, 10_000), data=st.data())
def test_interval_holds_the_share_and_mirrors(interval, n, data):
    x = data.draw(st.integers(0, n))
    low, high = interval(x, n, 0.9)
    assert 0 <= low <= x / n <= high <= 1
    wide_low, wide_high = interval(x, n, 0.99)
    assert wide_low <= low and high <= wide_high
    mirror_low, mirror_high = interval(n - x, n, 0.9)
    assert np.allclose([1 - mirror_high, 1 - mirror_low], [low, high])


@pytest.mark.parametrize("interval", [wilson_interval, jeffreys_interval])
def test_bad_counts_are_named(interval):
    with pytest.raises(ParameterError, match=r"\(1,\)"):
        interval([1, 5], [2, 4])
    with pytest.raises(ParameterError, match="negative"):
        interval(-1, 4)
    with pytest.raises(ParameterError, match="missing"):
        interval(np.nan, 4)
    with pytest.raises(ParameterError, match="level"):
        interval(1, 4, 95)
    with pytest.raises(UndefinedMeasureError, match=r"no trials.*\(0, 1\)"):
        interval([[1, 0]], [[2, 0]])


# -- all cells of a multinomial


def test_goodman_is_that_of_statsmodels_unless_counts_are_small():
    counts = np.array([56, 72, 73, 59, 62, 87, 58])  # May & Johnson (1995), as in statsmodels's own tests
    expected = multinomial_proportions_confint(counts, 0.05, method="goodman")
    assert np.allclose(np.column_stack(goodman_interval(counts)), expected, atol=1e-12)


def test_a_matrix_shares_the_level_among_all_comparisons():
    counts = np.array([[500, 300, 200, 0], [300, 400, 0, 0], [90, 80, 70, 60], [0, 0, 0, 50]])
    allowed = counts > 0
    low, high = goodman_interval(counts, allowed=allowed)
    # Three cells, two cells that are one comparison, four cells, one cell that is none: 8 comparisons.
    for row, cells in ((0, [0, 1, 2]), (2, [0, 1, 2, 3])):
        expected = multinomial_proportions_confint(counts[row, cells], 0.05 * len(cells) / 8, method="goodman")
        assert np.allclose(np.column_stack([low, high]).reshape(4, 2, 4)[row][:, cells].T, expected, atol=1e-12)
    assert np.allclose([low[1, 0], high[1, 0]], wilson_interval(300, 700, 1 - 0.05 / 8))
    assert [low[1, 1], high[1, 1]] == pytest.approx([1 - high[1, 0], 1 - low[1, 0]])
    assert (low[3] == [0, 0, 0, 1]).all() and (high[3] == [0, 0, 0, 1]).all()
    assert (high[~allowed] == 0).all()


def test_zeros_that_are_not_declared_are_comparisons():
    counts = np.array([[50, 50, 0, 0]])
    low, high = goodman_interval(counts)
    assert low[0, 2] == 0 and high[0, 2] > 0.04
    assert low[0, 0] < goodman_interval(counts, allowed=counts > 0)[0][0, 0]


def test_small_counts_get_the_exact_limit():
    # One of 1000 in a row of three cells: risk .05/3; 1 − (1 − p)^1000 = risk.
    low, high = goodman_interval([1, 499, 500])
    assert low[0] == pytest.approx(1 - (1 - 0.05 / 3) ** (1 / 1000))
    assert low[0] < multinomial_proportions_confint([1, 499, 500], 0.05, method="goodman")[0, 0] / 5
    assert high[0] == pytest.approx(multinomial_proportions_confint([1, 499, 500], 0.05, method="goodman")[0, 1])
    _, high = goodman_interval([999, 1, 0])
    assert high[0] == pytest.approx((1 - 0.05 / 3) ** (1 / 1000))


def transitions(rng, p, n_customers, n_periods):
    """Counts of customers that begin evenly in all states but the last and move by the chain p."""
    now = np.bincount(np.arange(n_customers) % (len(p) - 1), minlength=len(p))
    counts = np.zeros(p.shape, dtype=int)
    for _ in range(n_periods):
        moves = rng.multinomial(now, p)
        counts += moves
        now = moves.sum(axis=0)
    return counts


RECENCY = np.array(
    [[0.3, 0.7, 0, 0, 0], [0.2, 0, 0.8, 0, 0], [0.15, 0, 0, 0.85, 0], [0.05, 0, 0, 0, 0.95], [0, 0, 0, 0, 1]]
)
TIERS = np.array([[0.8, 0.15, 0.04, 0.01], [0.1, 0.7, 0.15, 0.05], [0.02, 0.1, 0.7, 0.18], [0, 0, 0, 1]])


@pytest.mark.parametrize("p", [RECENCY, TIERS], ids=["recency", "tiers"])
@pytest.mark.parametrize(("n_customers", "n_periods"), [(100, 12), (500, 12), (5000, 6)])
def test_joint_coverage_of_a_transition_matrix(p, n_customers, n_periods):
    rng = np.random.default_rng(n_customers)
    covered = []
    for _ in range(1000):
        low, high = goodman_interval(transitions(rng, p, n_customers, n_periods), allowed=p > 0)
        covered.append(((low <= p) & (p <= high)).all())
    assert 0.93 <= np.mean(covered) <= 0.975  # 0.95 … 0.97, and twice the error of 1,000 simulations


@given(
    counts=st.lists(st.lists(st.integers(0, 300), min_size=3, max_size=3), min_size=1, max_size=4),
    level=st.floats(0.5, 0.999),
)
def test_joint_intervals_hold_the_shares_and_contain_the_pointwise_ones(counts, level):
    x = np.add(counts, [1, 0, 0])
    share = x / x.sum(axis=1, keepdims=True)
    low, high = goodman_interval(x, level)
    assert ((low <= share) & (share <= high) & (low >= 0) & (high <= 1)).all()
    one_low, one_high = wilson_interval(x, x.sum(axis=1, keepdims=True), level)
    assert (low <= one_low + 1e-12).all() and (one_high <= high + 1e-12).all()


def test_bad_matrices_are_named():
    with pytest.raises(UndefinedMeasureError, match=r"\(1, 0\)"):
        goodman_interval([[1, 2], [0, 0]])
    with pytest.raises(ParameterError, match=r"structural zero.*\(0, 1\)"):
        goodman_interval([[1, 2]], allowed=[[True, False]])
    with pytest.raises(ParameterError, match="shape"):
        goodman_interval([[1, 2]], allowed=[True, True])
    with pytest.raises(ParameterError, match="shape"):
        goodman_interval(np.ones((2, 2, 2)))
    with pytest.raises(ParameterError, match="level"):
        goodman_interval([1, 2], 0)
    with pytest.raises(ParameterError, match="negative"):
        goodman_interval([3, -1])
