import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kam.churn.chain import (
    absorption_probabilities,
    as_cycle,
    can_reach,
    discounted_value,
    fundamental_matrix,
    half_life,
    loss_times,
    n_step,
    periods_to_loss,
    stationary_distribution,
    survival,
)
from kam.errors import ModelError, NoAbsorbingStateError, ParameterError


def recency(*p):
    """Pfeifer & Carraway: who bought 1, 2, … periods ago buys with probability p; else moves on; the last state is the end."""
    n = len(p) + 1
    matrix = np.zeros((n, n))
    for i, buys in enumerate(p):
        matrix[i, 0] += buys
        matrix[i, i + 1] += 1 - buys
    matrix[-1, -1] = 1
    return as_cycle(matrix)


PC = recency(0.3, 0.2, 0.15, 0.05)
R = np.array([36.0, -4, -4, -4, 0])


def seasons(seed=1, n_seasons=4, n_states=4, draws=()):
    """A seasonal chain with a lost state that is left now and then."""
    return np.random.default_rng(seed).dirichlet(np.ones(n_states), size=(*draws, n_seasons, n_states))


@st.composite
def chains(draw, max_seasons=4, min_states=2):
    c, s = draw(st.integers(1, max_seasons)), draw(st.integers(min_states, 5))
    weights = draw(st.lists(st.integers(1, 20), min_size=c * s * s, max_size=c * s * s))
    w = np.array(weights, dtype=float).reshape(c, s, s)
    return w / w.sum(axis=-1, keepdims=True)


# -- published values


def test_pfeifer_and_carraway_within_four_periods():
    assert discounted_value(PC, R, 0.2, horizon=4)[0] == pytest.approx([50.115, 4.220, 0.592, -1.980, 0], abs=5e-4)


def test_pfeifer_and_carraway_without_end():
    assert discounted_value(PC, R, 0.2, horizon=None)[0] == pytest.approx([52.320, 5.554, 1.251, -1.820, 0], abs=5e-4)


def test_pfeifer_and_carraway_without_contact_after_recency_3():
    p, r = recency(0.3, 0.2, 0.15, 0.0), np.array([36.0, -4, -4, 0, 0])
    assert discounted_value(p, r, 0.2, horizon=None)[0] == pytest.approx([53.149, 6.621, 2.644, 0, 0], abs=5e-4)


def test_pfeifer_and_carraway_periods_to_absorption():
    expected = [6.05042, 4.62185, 3.01471, 1.30252, 0]
    assert periods_to_loss(PC, 4)[0] == pytest.approx(expected, abs=5e-6)
    assert fundamental_matrix(PC, 4).sum(axis=1) == pytest.approx(expected, abs=5e-6)


def test_four_states_at_ten_percent():
    value = discounted_value(recency(0.5, 0.2, 0.1), np.array([100.0, 0, 0, 0]), 0.1, horizon=None)
    assert value[0] == pytest.approx([231.08, 57.29, 21.01, 0], abs=5e-3)


def test_craig_and_sendi_stationary():
    counts = np.array([[682, 33, 25], [154, 64, 47], [19, 19, 43]])
    stationary = stationary_distribution(counts / counts.sum(axis=1, keepdims=True))
    assert stationary == pytest.approx([0.83437, 0.07659, 0.08904], abs=5e-6)


def test_kemeny_and_snell_drunkard():
    """Finite Markov Chains, example 3.2: a walk between two absorbing ends."""
    p = np.array([[1, 0, 0, 0, 0], [0.5, 0, 0.5, 0, 0], [0, 0.5, 0, 0.5, 0], [0, 0, 0.5, 0, 0.5], [0, 0, 0, 0, 1]])
    expected = [[1, 0], [0.75, 0.25], [0.5, 0.5], [0.25, 0.75], [0, 1]]
    assert absorption_probabilities(p, [0, 4]) == pytest.approx(np.array(expected))
    assert absorption_probabilities(p, [4, 0]) == pytest.approx(np.array(expected)[:, ::-1])
    joined = p.copy()
    joined[4] = [1, 0, 0, 0, 0]  # both ends as one
    assert fundamental_matrix(as_cycle(joined), 0)[1:4, 1:4] == pytest.approx(
        np.array([[1.5, 1, 0.5], [1, 2, 1], [0.5, 1, 1.5]])
    )


# -- naive recomputation


def brute_value(p, rewards, discount, n, season):
    """Sum over periods, one matrix after the other."""
    n_seasons, total, weight = len(p), 0, np.eye(p.shape[-1])
    for t in range(n + 1):
        total = total + weight @ rewards[(season + t) % n_seasons]
        weight = weight @ p[(season + t) % n_seasons] / (1 + discount)
    return total


@pytest.mark.parametrize("n_seasons", [1, 2, 4, 12])
def test_values_are_the_sum_over_periods(n_seasons):
    p = seasons(n_seasons=n_seasons)
    rewards = np.random.default_rng(2).normal(10, 5, size=(n_seasons, 4))
    for season in range(n_seasons):
        for horizon in (0, 1, 7):
            expected = brute_value(p, rewards, 0.02, horizon, season)
            assert discounted_value(p, rewards, 0.02, horizon=horizon)[season] == pytest.approx(expected)
        expected = brute_value(p, rewards, 0.02, 2000, season)
        assert discounted_value(p, rewards, 0.02, horizon=None)[season] == pytest.approx(expected)


@pytest.mark.parametrize("n_seasons", [1, 3, 12])
def test_undiscounted_value_is_the_sum_over_periods(n_seasons):
    p = seasons(n_seasons=n_seasons)
    p[:, 3] = [0, 0, 0, 1]
    rewards = np.tile([5.0, 3.0, -1.0, 0.0], (n_seasons, 1))
    value = discounted_value(p, rewards, 0.0, horizon=None)
    for season in range(n_seasons):
        assert value[season] == pytest.approx(brute_value(p, rewards, 0.0, 2000, season))


def test_the_rate_is_per_period_and_this_period_counts_in_full():
    p = as_cycle([[1.0]])
    assert discounted_value(p, np.array([10.0]), 0.25, horizon=2) == pytest.approx(10 + 8 + 6.4)
    assert discounted_value(p, np.array([10.0]), 0.25, horizon=None) == pytest.approx(50)
    assert discounted_value(p, np.array([10.0]), 0.0, horizon=3) == pytest.approx(40)


@pytest.mark.parametrize("n_seasons", [1, 4])
def test_survival_is_n_step_with_an_absorbing_row(n_seasons):
    p = seasons(n_seasons=n_seasons)
    ends = p.copy()
    ends[:, 2] = [0, 0, 1, 0]
    for season in range(n_seasons):
        curve = survival(p, 2, 9, season=season)
        assert curve.shape == (10, 4)
        for n in range(10):
            assert curve[n] == pytest.approx(1 - n_step(ends, n, season=season)[:, 2])
    assert curve[0].tolist() == [1, 1, 0, 1]


def test_n_step_multiplies_the_seasons_in_their_order():
    p = seasons(n_seasons=3)
    assert n_step(p, 4, season=2) == pytest.approx(p[2] @ p[0] @ p[1] @ p[2])
    assert n_step(p, 0, season=1) == pytest.approx(np.eye(4))


@pytest.mark.parametrize("n_seasons", [1, 4])
def test_periods_to_loss_are_the_area_under_survival(n_seasons):
    p = seasons(n_seasons=n_seasons)
    expected = periods_to_loss(p, 1)
    for season in range(n_seasons):
        assert expected[season] == pytest.approx(survival(p, 1, 2000, season=season).sum(axis=0))
    assert (expected[:, 1] == 0).all()


def test_fundamental_matrix_is_the_sum_of_powers():
    p = seasons(n_seasons=1)
    q = np.delete(np.delete(p[0], 2, 0), 2, 1)
    power, total = np.eye(3), np.zeros((3, 3))
    for _ in range(500):
        total, power = total + power, power @ q
    found = fundamental_matrix(p, 2)
    assert np.delete(np.delete(found, 2, 0), 2, 1) == pytest.approx(total)
    assert (found[2] == 0).all() and (found[:, 2] == 0).all()


def test_absorption_and_stationary_are_the_limit_of_powers():
    p = seasons(n_seasons=1)[0]
    assert stationary_distribution(p) == pytest.approx(np.linalg.matrix_power(p, 200)[0])
    p[[1, 3]] = np.eye(4)[[1, 3]]
    assert absorption_probabilities(p, [1, 3]) == pytest.approx(np.linalg.matrix_power(p, 400)[:, [1, 3]])


def test_stationary_distribution_of_a_chain_with_a_period():
    assert stationary_distribution([[0, 1], [1, 0]]) == pytest.approx([0.5, 0.5])


def test_simulated_customers_are_lost_as_expected():
    p, rng = seasons(seed=3, n_seasons=4), np.random.default_rng(4)
    p[:, 3] = [0, 0, 0, 1]
    state, lived = np.zeros(20_000, dtype=int), np.zeros(20_000)
    for t in range(2, 400):  # begun in season 2
        lived += state != 3
        state = (rng.random(len(state))[:, None] > p[t % 4, state].cumsum(axis=1)).sum(axis=1).clip(max=3)
        if t == 4:
            assert survival(p, 3, 3, season=2)[3, 0] == pytest.approx((state != 3).mean(), abs=0.015)
    assert periods_to_loss(p, 3)[2, 0] == pytest.approx(lived.mean(), rel=0.03)


def test_half_life_by_hand():
    assert half_life(np.array([1, 0.75, 0.25])) == pytest.approx(1.5)
    assert half_life(np.array([1, 0.5, 0.1])) == 1
    assert half_life(np.array([1, 0.5, 0.5])) == 1
    assert half_life(np.array([0.0, 0.0])) == 0  # lost already
    assert half_life(np.array([1, 0.9, 0.8])) == np.inf
    assert half_life(np.array([[1, 0.75, 0.25], [1, 0.2, 0.0]])) == pytest.approx([1.5, 0.625])


def test_half_life_on_a_survival_curve():
    curve = survival(as_cycle([[0.5, 0.5], [0, 1]]), 1, 10)
    assert half_life(curve.T) == pytest.approx([1, 0])


# -- seasons and draws


def test_a_cycle_of_equal_seasons_is_a_chain_without():
    p, rewards = seasons(n_seasons=1), np.array([4.0, 2, 1, 0])
    cycle = np.repeat(p, 12, axis=0)
    for horizon in (None, 5):
        value = discounted_value(p, rewards, 0.01, horizon=horizon)
        assert discounted_value(cycle, rewards, 0.01, horizon=horizon) == pytest.approx(np.repeat(value, 12, axis=0))
    assert periods_to_loss(cycle, 3) == pytest.approx(np.repeat(periods_to_loss(p, 3), 12, axis=0))
    assert survival(cycle, 3, 30, season=7) == pytest.approx(survival(p, 3, 30))
    assert n_step(cycle, 30, season=7) == pytest.approx(n_step(p, 30))


@pytest.mark.parametrize("draws", [(3,), (2, 3)])
def test_leading_axes_are_draws(draws):
    p = seasons(n_seasons=4, draws=draws)
    rewards = np.random.default_rng(5).normal(size=(*draws, 4, 4))
    at = (1,) * len(draws)
    for horizon in (None, 6):
        value = discounted_value(p, rewards, 0.1, horizon=horizon)
        assert value.shape == (*draws, 4, 4)
        assert value[at] == pytest.approx(discounted_value(p[at], rewards[at], 0.1, horizon=horizon))
    same = discounted_value(p, rewards[at], 0.1, horizon=None)  # one set of rewards for all draws
    assert same[at] == pytest.approx(discounted_value(p[at], rewards[at], 0.1, horizon=None))
    assert periods_to_loss(p, 0)[at] == pytest.approx(periods_to_loss(p[at], 0))
    assert survival(p, 0, 5, season=1)[at] == pytest.approx(survival(p[at], 0, 5, season=1))
    assert n_step(p, 5, season=3)[at] == pytest.approx(n_step(p[at], 5, season=3))
    one = p[..., :1, :, :]
    assert fundamental_matrix(one, 0)[at] == pytest.approx(fundamental_matrix(one[at], 0))
    assert stationary_distribution(p[..., 0, :, :])[at] == pytest.approx(stationary_distribution(p[(*at, 0)]))


def test_nothing_given_is_changed():
    p, rewards = seasons(), np.ones((4, 4))
    kept, kept_rewards = p.copy(), rewards.copy()
    for call in (
        lambda: discounted_value(p, rewards, 0.1, horizon=3),
        lambda: discounted_value(p, rewards, 0.1, horizon=None),
        lambda: periods_to_loss(p, 3),
        lambda: loss_times(p[None], 3),
        lambda: survival(p, 3, 4),
        lambda: n_step(p, 3),
        lambda: stationary_distribution(p[0]),
    ):
        call()
        assert (p == kept).all() and (rewards == kept_rewards).all()


# -- who can be lost


def trap(n_seasons=1):
    """From 0 and 1 the end (2) is never reached, from 3 perhaps."""
    p = np.array([[0.3, 0.7, 0, 0], [0.6, 0.4, 0, 0], [0, 0, 1, 0], [0.1, 0, 0.4, 0.5]])
    return np.repeat(p[None], n_seasons, axis=0)


@pytest.mark.parametrize("n_seasons", [1, 3])
@pytest.mark.parametrize("call", [periods_to_loss, fundamental_matrix])
def test_no_way_to_the_loss_is_named(call, n_seasons):
    error = NoAbsorbingStateError if call is periods_to_loss or n_seasons == 1 else ModelError
    with pytest.raises(error, match=r"states \[0, 1\]|seasons"):
        call(trap(n_seasons), 2)


def test_who_can_reach_what():
    assert can_reach(trap(), 2).tolist() == [False, False, True, True]
    assert can_reach(trap(), 0).tolist() == [True, True, False, True]
    two = np.stack([trap(), seasons(n_seasons=1)])  # of every draw
    assert can_reach(two, 2).tolist() == [False, False, True, True]


def out_of_step():
    """Two seasons: 0 and 3 lead to 1 and 2 and back; the end (4) can be reached from 0 and 3 in the second season only."""
    first = [[0, 0.3, 0.7, 0, 0], [1 / 3, 0, 0, 2 / 3, 0], [0.1, 0, 0, 0.9, 0], [0, 0.37, 0.63, 0, 0], [0, 0, 0, 0, 1]]
    second = [
        [0, 0.2, 0.3, 0, 0.5],
        [0.15, 0, 0, 0.85, 0],
        [0.7, 0, 0, 0.3, 0],
        [0, 0.1, 0.63, 0, 0.27],
        [0, 0, 0, 0, 1],
    ]
    return np.array([first, second])


def test_a_loss_that_the_season_makes_impossible_is_named():
    """Each state has a way to the loss, but who is there in the wrong season never takes it."""
    p = out_of_step()
    with pytest.raises(NoAbsorbingStateError, match="loss is impossible"):
        periods_to_loss(p, 4)
    with pytest.raises(ParameterError, match="no limit"):
        discounted_value(p, np.array([1.0, 1, 1, 1, 0]), 0.0, horizon=None)
    times = loss_times(p[None], 4)[0]
    assert np.isinf(times).tolist() == [[True, False, False, True, False], [False, True, True, False, False]]
    area = np.array([survival(p, 4, 2000, season=c).sum(axis=0) for c in range(2)])
    assert times[np.isfinite(times)] == pytest.approx(area[np.isfinite(times)])


def test_loss_times_of_many_draws():
    ends = seasons(n_seasons=2, draws=(5,))
    never = np.stack([trap(2)] * 5)
    times = loss_times(np.concatenate([ends, never]), 2)
    assert times[:5] == pytest.approx(periods_to_loss(ends, 2))
    assert np.isinf(times[5:, :, [0, 1, 3]]).all()  # 3 may get caught
    assert (times[:, :, 2] == 0).all()
    back = trap()
    back[0, 3], back[0, 2] = [0, 0, 0.4, 0.6], [1, 0, 0, 0]  # what follows the loss does not matter
    assert loss_times(back[None], 2)[0, 0] == pytest.approx([np.inf, np.inf, 0, 2.5])


def test_absorbing_states_are_checked():
    p = np.array([[0.1, 0.2, 0.7, 0], [0.3, 0.3, 0.4, 0], [0.15, 0.25, 0.6, 0], [0, 0, 0, 1]])
    with pytest.raises(NoAbsorbingStateError, match="No state is absorbing"):
        absorption_probabilities(p, [])
    with pytest.raises(NoAbsorbingStateError, match="is left"):
        absorption_probabilities(p, [0])
    with pytest.raises(NoAbsorbingStateError, match=r"no absorbing state can be reached.*\[0, 1, 2\]"):
        absorption_probabilities(p, [3])


@pytest.mark.parametrize("p", [np.eye(2), [[0.5, 0.5, 0], [0.5, 0.5, 0], [0.2, 0.2, 0.6]], [[0.9, 0.1], [0, 1]]])
def test_a_long_run_that_depends_on_the_start_is_named(p):
    with pytest.raises(ModelError, match="stationary"):
        stationary_distribution(p)


# -- bad input


@pytest.mark.parametrize(
    ("p", "message"),
    [
        ([0.5, 0.5], "shape"),
        ([[0.5, 0.5, 0], [0, 1, 0]], "shape"),
        ([[0.5, 0.4], [0, 1]], r"\(0,\)"),
        ([[1, 0], [1.5, -0.5]], r"\(1,\)"),
        ([[1, 0], [np.nan, 1]], r"\(1,\)"),
        ([[[1, 0], [0, 1]], [[1, 0], [0.2, 0.2]]], r"\(1, 1\)"),
    ],
)
def test_what_is_no_transition_matrix_is_named(p, message):
    with pytest.raises(ParameterError, match=message):
        as_cycle(p)


def test_as_cycle_gives_a_matrix_its_season_axis():
    assert as_cycle([[1, 0], [0.5, 0.5]]).shape == (1, 2, 2)
    assert as_cycle(seasons()).shape == (4, 4, 4)


@pytest.mark.parametrize("rate", [-0.1, np.nan, np.inf])
def test_bad_discount_rates_are_named(rate):
    with pytest.raises(ParameterError, match="discount rate"):
        discounted_value(PC, R, rate, horizon=None)


def test_bad_horizons_and_rewards_are_named():
    with pytest.raises(ParameterError, match="horizon is -1"):
        discounted_value(PC, R, 0.1, horizon=-1)
    with pytest.raises(ParameterError, match="4 rewards for 5 states"):
        discounted_value(PC, R[:4], 0.1, horizon=None)
    with pytest.raises(ParameterError, match=r"shape \(3, 5\)"):
        discounted_value(np.repeat(PC, 2, axis=0), np.ones((3, 5)), 0.1, horizon=None)


@pytest.mark.parametrize(
    ("p", "rewards"),
    [
        (seasons(n_seasons=1), np.ones(4)),  # nobody is ever lost for good
        (PC, np.array([36.0, -4, -4, -4, 1])),  # money goes on after the end
        (trap(), np.array([1.0, 1, 0, 1])),  # some never come to the end
    ],
)
def test_without_discount_and_end_there_is_no_value(p, rewards):
    with pytest.raises(ParameterError, match="no limit"):
        discounted_value(p, rewards, 0.0, horizon=None)


# -- what always holds


@given(chains(), st.integers(0, 30), st.integers(0, 3))
def test_rows_of_n_step_are_distributions(p, n, season):
    moved = n_step(p, n, season=season)
    assert (moved >= 0).all() and moved.sum(axis=-1) == pytest.approx(1)


@given(chains(), st.integers(0, 3))
def test_survival_falls_and_half_life_lies_on_it(p, season):
    curve = survival(p, 0, 200, season=season)
    assert (np.diff(curve, axis=0) <= 1e-15).all() and ((curve >= 0) & (curve <= 1)).all()
    half = half_life(curve.T)
    on_curve = [np.interp(half[i], np.arange(201), curve[:, i]) for i in range(1, p.shape[-1])]
    assert on_curve == pytest.approx([0.5] * (p.shape[-1] - 1))
    assert (periods_to_loss(p, 0)[:, 1:] >= 1).all()


@given(chains(), st.floats(-3, 3), st.sampled_from([None, 0, 5]), st.integers(0, 99))
def test_values_are_linear_in_the_rewards(p, factor, horizon, seed):
    a, b = np.random.default_rng(seed).normal(size=(2, *p.shape[:-1]))
    together = discounted_value(p, a + factor * b, 0.05, horizon=horizon)
    apart = discounted_value(p, a, 0.05, horizon=horizon) + factor * discounted_value(p, b, 0.05, horizon=horizon)
    assert together == pytest.approx(apart)
    assert discounted_value(p, np.ones(p.shape[-1]), 0.25, horizon=None) == pytest.approx(5)


@given(chains(), st.floats(0.001, 0.5))
def test_values_fall_with_the_rate_and_grow_with_the_horizon(p, rate):
    rewards = np.arange(p.shape[-1], dtype=float)
    short, long, ever = (discounted_value(p, rewards, rate, horizon=n) for n in (2, 9, None))
    assert (short <= long + 1e-9).all() and (long <= ever + 1e-9).all()
    assert (discounted_value(p, rewards, 2 * rate, horizon=None) <= ever).all()


@given(chains(max_seasons=1))
def test_stationary_stays(p):
    pi = stationary_distribution(p[0])
    assert (pi > 0).all() and pi.sum() == pytest.approx(1)
    assert pi @ p[0] == pytest.approx(pi)


@given(chains(max_seasons=1, min_states=3))
def test_somebody_ends_somewhere(p):
    matrix = p[0].copy()
    matrix[[0, 2]] = np.eye(len(matrix))[[0, 2]]
    ends = absorption_probabilities(matrix, [0, 2])
    assert ends.sum(axis=1) == pytest.approx(1)
    assert matrix @ ends == pytest.approx(ends)
