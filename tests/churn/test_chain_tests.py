from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom, chi2, chi2_contingency, kstest

from kam.churn import chain_tests
from kam.churn.chain_tests import (
    _Flow,
    _freedom,
    bootstrap_homogeneity,
    bootstrap_order_one,
    bootstrap_order_zero,
    count_segments,
    count_triples,
    homogeneity_test,
    order_one_test,
    order_zero_test,
    specified_test,
)
from kam.churn.estimation import count_cells
from kam.churn.sequences import Sequences, read_sequences
from kam.errors import ParameterError
from tests.churn import worlds

ERIE = np.array(
    [
        [[125, 5, 16], [7, 106, 15], [11, 18, 142]],
        [[124, 3, 16], [6, 109, 14], [22, 9, 142]],
        [[146, 2, 4], [6, 111, 4], [40, 36, 96]],
        [[184, 1, 7], [4, 140, 5], [10, 12, 82]],
        [[192, 1, 5], [2, 146, 5], [11, 12, 71]],
    ]
)
CHAIN = np.array([[0.6, 0.3, 0.1], [0.3, 0.4, 0.3], [0.1, 0.3, 0.6]])


def simulate(rng, p, n=40, n_periods=8, *, entrants=0.3, leaving=(0.0, 0.0, 0.2), segment=None, p2=None, weight=0.0):
    """Sequences of n customers, some of whom enter later; in state j they go out of sight with the chance ``leaving[j]``.

    ``p`` (S, S), or (n, S, S) per customer, or (T, 1, S, S) per period. With ``p2`` (S, S) the next state is drawn, with the
    chance ``weight``, from p2's row of the state **before**.
    """
    n_states = np.shape(p)[-1]
    start = np.where(rng.random(n) < entrants, rng.integers(1, n_periods - 1, size=n), 0)
    state = np.full((n, n_periods), -1)
    here = np.arange(n)
    for t in range(n_periods):
        old = state[:, t - 1] if t else np.full(n, -1)
        older = state[:, t - 2] if t > 1 else np.full(n, -1)
        rows = np.broadcast_to(np.asarray(p)[t] if np.ndim(p) == 4 else p, (n, n_states, n_states))[here, old]
        if p2 is not None:
            second = (rng.random(n) < weight) & (older >= 0)
            rows = np.where(second[:, None], np.asarray(p2)[older], rows)
        drawn = np.minimum((rng.random(n)[:, None] > rows.cumsum(axis=1)).sum(axis=1), n_states - 1)
        stays = (old >= 0) & (rng.random(n) >= np.asarray(leaving)[old])
        state[:, t] = np.where(start == t, rng.integers(n_states, size=n), np.where(stays, drawn, -1))
    customer, period = np.nonzero(state >= 0)
    return Sequences(
        states=tuple("abcdefgh"[:n_states]),
        customers=np.arange(n).astype(str).astype(object),
        periods=pd.RangeIndex(n_periods, name="period"),
        freq="period",
        customer=customer,
        period=period,
        state=state[customer, period],
        segment=segment,
        segments=() if segment is None else tuple("xyz"[: segment.max() + 1]),
    )


# -- published and naive


def test_erie_county_is_not_stationary():
    test = homogeneity_test(ERIE)
    assert (test.x2, test.g2) == pytest.approx((103.346, 101.507), abs=5e-4)
    assert test.df == 24 and test.p_x2 < 1e-10 and test.p_g2 < 1e-10
    assert test.p == test.p_x2
    assert not test.is_sparse and test.n_small == 8 and test.n_cells == 45  # 17.8 %


def test_kullback_kupperman_and_ku():
    counts = [[51, 11, 8], [12, 31, 9], [6, 11, 10]]
    p0 = [[5 / 8, 1 / 4, 1 / 8], [1 / 4, 1 / 2, 1 / 4], [1 / 4, 3 / 8, 3 / 8]]
    test = specified_test(counts, p0)
    assert test.g2 == pytest.approx(6.518384, abs=5e-7)
    assert test.df == 6 and test.p_g2 == pytest.approx(chi2.sf(6.518384, 6), abs=1e-6)
    assert test.x2 == pytest.approx(((np.array(counts) - (e := [[70], [52], [27]] * np.array(p0))) ** 2 / e).sum())


def contingency(table):
    """G², X² and df of a table, without its empty rows and columns, by scipy."""
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if 1 in table.shape or table.size == 0:
        return np.zeros(3)
    g2, x2 = (chi2_contingency(table, correction=False, lambda_=kind) for kind in ("log-likelihood", "pearson"))
    return np.array([g2.statistic, x2.statistic, x2.dof])


tables = arrays(np.int64, (4, 3, 3), elements=st.sampled_from([0, 0, 1, 2, 5, 30]))


@given(tables)
def test_homogeneity_is_a_contingency_table_per_row(n):
    test = homogeneity_test(n)
    assert (test.g2, test.x2, test.df) == pytest.approx(sum(contingency(n[:, i]) for i in range(3)), abs=1e-9)
    assert (test.p_g2 is None) == (test.df == 0)


@given(tables)
def test_order_one_is_a_contingency_table_per_state_now(n):
    test = order_one_test(n[:3])
    assert (test.g2, test.x2, test.df) == pytest.approx(sum(contingency(n[:3, j]) for j in range(3)), abs=1e-9)


@given(tables)
def test_order_zero_is_one_contingency_table(n):
    test = order_zero_test(n[0])
    assert (test.g2, test.x2, test.df) == pytest.approx(contingency(n[0]), abs=1e-9)


def test_degrees_of_freedom_count_what_was_attainable():
    # Row 0 goes to two states and is empty in one of three tables: 1 × 1. Row 1 goes to one state: 0. Row 2 to three: 2 × 2.
    tables = [
        [[5, 5, 0], [0, 9, 0], [1, 2, 3]],
        [[0, 0, 0], [0, 7, 0], [3, 2, 1]],
        [[9, 1, 0], [0, 4, 0], [2, 2, 2]],
    ]
    assert homogeneity_test(tables).df == 1 + 0 + 4


@pytest.mark.parametrize(
    "test",
    [
        homogeneity_test([[[1, 2], [3, 4]]]),  # one table
        homogeneity_test([[[0, 3], [0, 4]], [[0, 9], [0, 1]]]),  # every row has one target
        order_zero_test([[0, 7], [0, 3]]),
        order_one_test(np.zeros((3, 3, 3))),  # nobody was seen three times
        specified_test([[4, 0], [0, 0]], [[1, 0], [0.5, 0.5]]),
    ],
)
def test_no_degree_of_freedom_is_not_testable(test):
    assert (test.df, test.p_g2, test.p_x2, test.p_bootstrap, test.p) == (0, None, None, None, None)
    assert test.g2 == pytest.approx(0) and test.x2 == pytest.approx(0)


def test_specified_leaves_out_rows_never_seen_and_cells_declared_impossible():
    test = specified_test([[6, 4, 0], [0, 0, 0], [1, 2, 3]], [[0.5, 0.5, 0], [1, 0, 0], [0.2, 0.3, 0.5]])
    assert test.df == 1 + 2
    assert test.x2 == pytest.approx(1 / 5 + 1 / 5 + 0.2**2 / 1.2 + 0.2**2 / 1.8 + 0)


def test_specified_refuses_what_is_refuted():
    with pytest.raises(ParameterError, match=r"probability 0.*from state 1 to state 0, counted from 0: 2 times"):
        specified_test([[5, 5], [2, 8]], [[0.5, 0.5], [0, 1]])
    with pytest.raises(ParameterError, match="no distribution"):
        specified_test([[5, 5], [2, 8]], [[0.5, 0.6], [0, 1]])
    with pytest.raises(ParameterError, match=r"\(1, 2\) for counts \(2, 2\)"):
        specified_test([[5, 5], [2, 8]], [[0.5, 0.5]])


@pytest.mark.parametrize("call", [homogeneity_test, order_one_test, order_zero_test])
@pytest.mark.parametrize("counts", [[1, 2], [[[1, 2, 3], [4, 5, 6]]], [[-1, 2], [3, 4]], [[np.nan, 2], [3, 4]]])
def test_bad_counts_are_named(call, counts):
    if call is not order_zero_test and np.ndim(counts) == 2:
        counts = [counts] * 2
    with pytest.raises(ParameterError, match=r"shape|negative or missing"):
        call(counts)


def test_cells_are_sparse_by_cochrans_rule():
    # Expected counts are 12.5 and, in the last row, 2.5 each: 2 of 10 cells are not more than 20 %.
    even = np.full((2, 5, 5), 0)
    even[:, :4, :2] = 12
    even[:, 4, :2] = 2
    test = homogeneity_test(even)
    assert (test.n_cells, test.n_small, test.is_sparse) == (20, 4, False)
    even[:, 3, :2] = [[3, 9], [12, 36]]  # one more
    test = homogeneity_test(even)
    assert (test.n_cells, test.n_small, test.is_sparse) == (20, 5, True)


# -- triples and segments


def gapped():
    return pd.DataFrame(
        {
            "customer_id": list("111112222233"),
            "period": [1, 2, 3, 4, 6, 2, 3, 4, 5, 6, 1, 6],
            "state": list("abbaababbbab"),
        }
    )


def test_triples_are_those_of_a_loop():
    panel = gapped()
    states = {(row.customer_id, row.period): row.state for row in panel.itertuples()}
    naive = Counter()
    for customer, period in states:
        three = [states.get((customer, period + step)) for step in range(3)]
        if None not in three:
            naive["".join(three)] += 1
    found = count_triples(read_sequences(panel.sample(frac=1, random_state=1)))
    assert {"".join("ab"[i] for i in cell): found[tuple(cell)] for cell in np.argwhere(found)} == naive
    assert found.sum() == sum(naive.values()) == 5


def test_triples_hold_the_moves_that_have_one_before():
    sequences = simulate(np.random.default_rng(1), CHAIN, leaving=(0, 0, 0), entrants=0)
    cells = count_cells(sequences)
    assert (count_triples(sequences).sum(axis=0) == cells[1:].sum(axis=0)).all()
    assert (count_triples(sequences).sum(axis=2) == cells[:-2].sum(axis=0)).all()


def test_segments_add_up():
    panel = gapped()
    sequences = read_sequences(panel, segments={"1": "north", "2": "south", "3": "south"})
    by_segment = count_segments(sequences)
    assert sequences.segments == ("north", "south")
    assert (by_segment.sum(axis=0) == count_cells(sequences).sum(axis=0)).all()
    assert (by_segment[0] == count_cells(read_sequences(panel[panel["customer_id"] == "1"])).sum(axis=0)).all()
    with pytest.raises(ParameterError, match="no segments"):
        count_segments(read_sequences(panel))


# -- the parametric bootstrap


def by_segment(sequences, **options):
    return bootstrap_homogeneity(sequences, by="segment", **options)


BOOTSTRAPS = {
    "time": (bootstrap_homogeneity, CHAIN),
    "segment": (by_segment, CHAIN),
    "order_zero": (bootstrap_order_zero, np.tile([0.5, 0.3, 0.2], (3, 1))),
    "order_one": (bootstrap_order_one, CHAIN),
}


@pytest.mark.parametrize("name", BOOTSTRAPS)
def test_p_values_are_uniform_when_the_hypothesis_is_true(name):
    """Small cells, customers that enter late, and a state in which they tend to go out of sight."""
    bootstrap, p = BOOTSTRAPS[name]
    n_simulations = 300
    p_values = []
    for seed in range(n_simulations):
        rng = np.random.default_rng([seed, 5])
        sequences = simulate(rng, p, n=30, n_periods=7, segment=np.arange(30) % 3)
        p_values.append(bootstrap(sequences, n_resamples=99, seed=seed).p_bootstrap)
    for threshold in (0.05, 0.2, 0.5):
        low, high = binom.interval(0.999, n_simulations, threshold)
        assert low <= (np.array(p_values) <= threshold).sum() <= high, threshold
    # Multiples of 1/100: spread evenly within, they are uniform.
    spread = np.array(p_values) - np.random.default_rng(1).random(n_simulations) / 100
    assert kstest(spread, "uniform").pvalue > 0.001


def test_the_bootstrap_is_right_where_the_chi_square_is_not():
    p = np.array([[0.9, 0.08, 0.02], [0.05, 0.9, 0.05], [0.02, 0.08, 0.9]])
    asymptotic, simulated = [], []
    for seed in range(200):
        sequences = simulate(np.random.default_rng([seed, 6]), p, n=25, n_periods=12)
        test = bootstrap_homogeneity(sequences, n_resamples=99, seed=seed)
        assert test.is_sparse and test.p == test.p_bootstrap
        asymptotic.append(test.p_g2)
        simulated.append(test.p_bootstrap)
    assert np.mean(np.array(asymptotic) <= 0.5) < 0.15  # should be a half
    assert np.mean(np.array(simulated) <= 0.5) == pytest.approx(0.5, abs=0.12)


@pytest.mark.parametrize("name", BOOTSTRAPS)
def test_bootstrap_agrees_with_the_chi_square_on_large_counts(name):
    bootstrap, p = BOOTSTRAPS[name]
    segment = np.arange(20_000) % 3
    for seed in range(3):
        sequences = simulate(np.random.default_rng([seed, 7]), p, n=20_000, n_periods=6, segment=segment)
        test = bootstrap(sequences, n_resamples=999, seed=seed)
        assert not test.is_sparse
        assert test.p_bootstrap == pytest.approx(test.p_x2, abs=0.06)


def test_power_against_a_seasonal_chain():
    buys, rests = np.array([[0.8, 0.2], [0.6, 0.4]]), np.array([[0.4, 0.6], [0.3, 0.7]])
    seasonal = np.array([buys if t % 2 else rests for t in range(8)])[:, None]
    rejected = []
    for seed in range(40):
        sequences = simulate(np.random.default_rng([seed, 8]), seasonal, n=50, leaving=(0, 0.05))
        rejected.append(bootstrap_homogeneity(sequences, n_resamples=99, seed=1).p_bootstrap <= 0.05)
    assert np.mean(rejected) > 0.9


def test_power_against_a_chain_of_order_two():
    rejected, homogeneous = [], []
    for seed in range(40):
        rng = np.random.default_rng([seed, 9])
        sequences = simulate(rng, CHAIN, n=40, n_periods=8, p2=np.eye(3), weight=0.5)
        rejected.append(bootstrap_order_one(sequences, n_resamples=99, seed=1).p_bootstrap <= 0.05)
        homogeneous.append(bootstrap_homogeneity(sequences, n_resamples=99, seed=1).p_bootstrap <= 0.05)
    assert np.mean(rejected) > 0.9
    assert np.mean(homogeneous) < 0.5  # it is the order that is wrong


def test_power_against_segments_that_differ():
    rejected = []
    segment = np.arange(60) % 2
    loyal = np.array([[0.85, 0.1, 0.05], [0.5, 0.4, 0.1], [0.3, 0.3, 0.4]])
    for seed in range(40):
        p = np.where(segment[:, None, None] == 0, loyal, CHAIN)
        sequences = simulate(np.random.default_rng([seed, 10]), p, n=60, segment=segment)
        rejected.append(by_segment(sequences, n_resamples=99, seed=1).p_bootstrap <= 0.05)
    assert np.mean(rejected) > 0.9


def test_power_against_independence():
    rejected = []
    for seed in range(40):
        sequences = simulate(np.random.default_rng([seed, 11]), CHAIN, n=30, n_periods=5)
        rejected.append(bootstrap_order_zero(sequences, n_resamples=99, seed=1).p_bootstrap <= 0.05)
    assert np.mean(rejected) > 0.9


@pytest.mark.parametrize("name", BOOTSTRAPS)
def test_bootstrap_changes_nothing_but_its_p_value(name):
    bootstrap, p = BOOTSTRAPS[name]
    sequences = simulate(np.random.default_rng(12), p, segment=np.arange(40) % 2)
    test = bootstrap(sequences, n_resamples=50, seed=1)
    assert test == bootstrap(sequences, n_resamples=50, seed=1)
    plain = {
        "time": lambda: homogeneity_test(count_cells(sequences)),
        "segment": lambda: homogeneity_test(count_segments(sequences)),
        "order_zero": lambda: order_zero_test(count_cells(sequences).sum(axis=0)),
        "order_one": lambda: order_one_test(count_triples(sequences)),
    }[name]()
    assert (test.g2, test.x2, test.df, test.n_small) == (plain.g2, plain.x2, plain.df, plain.n_small)
    assert test.p_bootstrap * 51 == pytest.approx(round(test.p_bootstrap * 51)) and test.p_bootstrap >= 1 / 51
    assert bootstrap(sequences, n_resamples=1999, seed=2).p_bootstrap == pytest.approx(
        bootstrap(sequences, n_resamples=1999, seed=3).p_bootstrap, abs=0.06
    )


@pytest.mark.parametrize("remember", [False, True])
def test_customers_come_and_go_as_observed(remember):
    """Under a chain that is true, simulated counts scatter around what was seen, period by period, by group."""
    segment = np.arange(60_000) % 2
    sequences = simulate(
        np.random.default_rng(14), CHAIN, n=60_000, n_periods=5, leaving=(0, 0.1, 0.5), segment=segment
    )
    flow = _Flow.of(sequences, 2)
    cells = count_cells(sequences)
    by_segment = np.zeros((2, 3, 3))
    for t, moves in flow.simulate(np.random.default_rng(1), 5, CHAIN, remember=remember):
        assert np.allclose(moves.sum(axis=(1, 2)).mean(axis=0), cells[t], rtol=0.06, atol=30)
        by_segment += moves.sum(axis=2).mean(axis=0)
        if remember and t == 0:
            assert (moves[:, :, 1:] == 0).all()  # nobody was there before
    assert np.allclose(by_segment, count_segments(sequences), rtol=0.03)
    if remember:
        total = sum(
            moves[:, 0, 1:].mean(axis=0)
            for _, moves in _Flow.of(sequences).simulate(np.random.default_rng(1), 5, CHAIN, remember=True)
        )
        assert np.allclose(total, count_triples(sequences), rtol=0.1, atol=50)


def words(*sequences, segments=None):
    """Sequences written as words, a letter per period from the first on."""
    rows = [(i, t, state) for i, word in enumerate(sequences) for t, state in enumerate(word)]
    return read_sequences(pd.DataFrame(rows, columns=["customer_id", "period", "state"]), segments=segments)


def test_nobody_goes_out_of_sight_whom_the_data_keep():
    """State b is not seen in the second period: who is there by chance stays in sight as others do later."""
    sequences = words(*["aabb", "aaba", "aaab"] * 10)
    for _, moves in _Flow.of(sequences).simulate(np.random.default_rng(1), 50, np.full((2, 2), 0.5)):
        assert (moves.sum(axis=(1, 2, 3, 4)) == 30).all()


def test_a_state_that_is_never_left_ends_every_run():
    """State b is where some go out of sight; c is seen in the last period only."""
    sequences = words(*["aaaa", "ab", "aab", "aaac"] * 10)
    for _, moves in _Flow.of(sequences).simulate(np.random.default_rng(1), 50, np.full((3, 3), 1 / 3)):
        assert (moves[..., 1:, :] == 0).all() and (moves[..., 0, :] > 0).any()


@pytest.mark.parametrize("name", BOOTSTRAPS)
def test_what_is_simulated_is_what_is_counted(name, monkeypatch):
    """The tables that are compared: with many customers and a true hypothesis, close to the observed ones."""
    bootstrap, p = BOOTSTRAPS[name]
    segment = np.arange(30_000) % 3
    sequences = simulate(np.random.default_rng(15), p, n=30_000, n_periods=5, leaving=(0, 0, 0.5), segment=segment)
    compared = []
    monkeypatch.setattr(chain_tests, "_freedom", lambda n: compared.append(n) or _freedom(n))
    bootstrap(sequences, n_resamples=5, seed=1)
    observed, simulated = compared
    assert simulated.shape == (5, *observed.shape)
    assert np.allclose(simulated.mean(axis=0), observed, rtol=0.1, atol=60)


def test_segments_are_simulated_with_the_pooled_chain(monkeypatch):
    segment = np.arange(30_000) % 2
    chains = np.where(segment[:, None, None] == 0, CHAIN, CHAIN[::-1])
    sequences = simulate(np.random.default_rng(16), chains, n=30_000, n_periods=5, segment=segment)
    compared = []
    monkeypatch.setattr(chain_tests, "_freedom", lambda n: compared.append(n) or _freedom(n))
    by_segment(sequences, n_resamples=5, seed=1)
    observed, simulated = (tables.sum(axis=-3) for tables in compared)
    shares = simulated.sum(axis=0) / simulated.sum(axis=(0, 2))[:, None]
    assert shares == pytest.approx(observed / observed.sum(axis=1, keepdims=True), abs=0.01)


def test_tables_that_agree_in_full_are_the_least_extreme():
    sequences = words(*["ab", "ba", "aa", "bb"] * 6, segments={str(i): "xy"[i // 12] for i in range(24)})
    test = by_segment(sequences, n_resamples=50, seed=1)
    assert (test.x2, test.df, test.p_x2, test.p_bootstrap) == (0, 2, 1, 1)


def test_not_testable_is_not_simulated():
    frame = pd.DataFrame({"customer_id": [1, 1, 2, 2], "period": [1, 2, 1, 2], "state": list("abba")})
    sequences = read_sequences(frame, segments={"1": "x", "2": "x"})
    for test in (
        bootstrap_homogeneity(sequences, seed=1),
        by_segment(sequences, seed=1),
        bootstrap_order_one(sequences, seed=1),
    ):
        assert (test.df, test.p_bootstrap, test.p) == (0, None, None)


def test_bootstrap_parameters_are_checked():
    sequences = simulate(np.random.default_rng(13), CHAIN)
    with pytest.raises(ParameterError, match="no segments"):
        by_segment(sequences, seed=1)
    with pytest.raises(ParameterError, match="no tables by 'region'"):
        bootstrap_homogeneity(sequences, by="region", seed=1)
    for bootstrap in (bootstrap_homogeneity, bootstrap_order_zero, bootstrap_order_one):
        with pytest.raises(ParameterError, match="0 resamples"):
            bootstrap(sequences, n_resamples=0, seed=1)


def test_seasons_are_compared_as_seasons():
    """A chain that differs by quarter is rejected, one that does not is not; the statistic is that of the season tables."""
    alike = read_sequences(worlds.simulate(4, n_customers=15, n_periods=16, freq="QS"))
    season = alike.season
    tables = np.array([count_cells(alike)[season == c].sum(axis=0) for c in range(4)])
    test = bootstrap_homogeneity(alike, by="season", n_resamples=199, seed=1)
    assert test.x2 == pytest.approx(homogeneity_test(tables).x2) and test.p_bootstrap > 0.01
    p = np.array([[[q, 0.9 - q, 0.1], [0.3, 0.5, 0.2], [0.05, 0.05, 0.9]] for q in (0.8, 0.7, 0.1, 0.75)])
    unlike = read_sequences(worlds.simulate(4, p=p, n_customers=40, n_periods=16, freq="QS"))
    assert bootstrap_homogeneity(unlike, by="season", n_resamples=199, seed=1).p_bootstrap < 0.01
