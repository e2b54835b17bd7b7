"""What is tested, and in which words it is said."""

import numpy as np
import pandas as pd
import pytest

from kam.churn.markov import fit_markov_churn
from tests.churn.worlds import TRUTH, simulate


def verdict(result, words):
    return next(check for check in result.checks if words in check.assumption)


def test_memory_longer_than_one_period_is_found_and_its_effect_is_large():
    """A customer who moved goes back: the state before matters."""
    rng = np.random.default_rng(1)
    n, periods = 600, 20
    state = np.zeros((n, periods), dtype=int)
    for t in range(2, periods):
        moved = state[:, t - 1] != state[:, t - 2]
        stay = np.where(moved, 0.3, 0.9)
        alive = state[:, t - 1] < 2
        u = rng.random(n)
        other = 1 - state[:, t - 1]
        new = np.where(u < stay, state[:, t - 1], np.where(u < stay + (1 - stay) * 0.9, other, 2))
        state[:, t] = np.where(alive, new, 2)
    panel = pd.DataFrame(
        {
            "customer_id": np.repeat(np.arange(n).astype(str), periods),
            "period": np.tile(np.arange(periods), n),
            "state": np.array(["A", "B", "lost"])[state.ravel()],
        }
    )
    result = fit_markov_churn(panel, n_resamples=100)
    order = result.tests.set_index("test").loc["order 1"]
    assert order["p_value"] < 1e-6 and abs(order["share_change"]) > 0.05
    assert verdict(result, "not on the one before").verdict == "does not hold"


def test_a_change_over_time_is_found():
    late = TRUTH.copy()
    late[0] = [0.6, 0.25, 0.15]
    one = simulate(1, n_customers=400, n_periods=12)
    two = simulate(2, p=late, n_customers=400, n_periods=12, start="2023-01-01")
    result = fit_markov_churn(
        pd.concat([one, two.assign(customer_id="x" + two["customer_id"])]), n_resamples=50, chain="pooled"
    )
    assert verdict(result, "same in all periods").verdict == "does not hold"
    assert result.tests.set_index("test").loc["time", "share_change"] < -0.1


def test_segments_that_differ_are_found():
    worse = TRUTH.copy()
    worse[0] = [0.6, 0.2, 0.2]
    one, two = simulate(1), simulate(2, p=worse).assign(customer_id=lambda f: "x" + f["customer_id"])
    segments = {c: "far" if c.startswith("x") else "near" for c in [*one["customer_id"], *two["customer_id"]]}
    result = fit_markov_churn(pd.concat([one, two]), segments=segments, n_resamples=50)
    check = verdict(result, "same in all segments")
    assert check.p_value == pytest.approx(1 / 500) and check.verdict in ("handled", "does not hold")


def test_customers_who_differ_widen_the_intervals():
    calm, wild = TRUTH.copy(), TRUTH.copy()
    calm[0], wild[0] = [0.97, 0.02, 0.01], [0.5, 0.4, 0.1]
    two = simulate(2, p=wild).assign(customer_id=lambda f: "x" + f["customer_id"])
    result = fit_markov_churn(pd.concat([simulate(1, p=calm), two]), n_resamples=200)
    assert verdict(result, "hang together").verdict == "handled"
    assert verdict(fit_markov_churn(simulate(1), n_resamples=400), "hang together").verdict == "holds"


def test_what_cannot_be_tested_says_so():
    panel = pd.DataFrame(
        {"customer_id": list("aabbcc"), "period": [1, 2] * 3, "state": ["x", "x", "x", "lost", "lost", "lost"]}
    )
    result = fit_markov_churn(panel, n_resamples=50)
    assert verdict(result, "same in all periods").verdict == "not testable"
    assert verdict(result, "not on the one before").verdict == "not testable"
    assert verdict(result, "no season").verdict == "not testable"
    assert verdict(result, "often enough").verdict == "does not hold"


def test_small_cells_get_simulated_p_values():
    result = fit_markov_churn(simulate(1, n_customers=25, n_periods=20), n_resamples=50)
    tests = result.tests.set_index("test")
    assert tests.loc["time", "p_from"] == "simulated" and tests.loc["order 0", "p_from"] == "chi-square"
    assert 0 < tests.loc["time", "p_value"] <= 1


@pytest.mark.parametrize(("drop", "words"), [(0.0, "already there in the first period"), (0.3, "not bridged")])
def test_where_sequences_break_off_is_counted(drop, words):
    panel = simulate(1).sample(frac=1 - drop, random_state=1)
    check = verdict(fit_markov_churn(panel, n_resamples=50, chain="pooled"), "break off")
    assert words in check.finding and check.verdict == ("handled" if drop else "holds")


def test_no_data_changes(panel):
    before = panel.copy()
    fit_markov_churn(panel, n_resamples=10)
    pd.testing.assert_frame_equal(panel, before)


# -- what looks like a finding and is none, and what hides -------------------------------------------------------------


def test_periods_that_differ_by_shocks_are_no_seasons():
    """Shocks that hit all customers of a period: the periods differ, the seasons do not."""
    found = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        n, periods = 800, 20
        state = np.zeros((n, periods), dtype=int)
        for t in range(1, periods):
            leave = 1 / (1 + np.exp(2.5 - rng.normal(0, 0.4)))
            back = rng.random(n) < 0.2
            state[:, t] = np.where(state[:, t - 1] == 0, rng.random(n) < leave, 1 - back)
        frame = pd.DataFrame(
            {
                "customer_id": np.repeat(np.arange(n).astype(str), periods),
                "period": np.tile(pd.date_range("2020-01-01", periods=periods, freq="QS"), n),
                "state": np.array(["A", "lost"])[state.ravel()],
            }
        )
        tests = fit_markov_churn(frame, n_resamples=20, chain="pooled").tests.set_index("test")["p_value"]
        assert tests["time"] < 0.001
        found.append(tests["season"] < 0.05)
    assert sum(found) <= 3


def test_labels_dealt_by_lot_are_no_segments_although_customers_differ():
    calm, wild = TRUTH.copy(), TRUTH.copy()
    calm[0], wild[0] = [0.97, 0.02, 0.01], [0.5, 0.4, 0.1]
    p_values, left_over = [], []
    for seed in range(10):
        two = simulate(100 + seed, p=wild, n_customers=100).assign(customer_id=lambda f: "x" + f["customer_id"])
        panel = pd.concat([simulate(seed, p=calm, n_customers=100), two])
        rng = np.random.default_rng(seed)
        labels = {c: str(rng.integers(4)) for c in panel["customer_id"].unique()}
        result = fit_markov_churn(panel, segments=labels, n_resamples=20, chain="pooled")
        p_values.append(result.tests.set_index("test").loc["segments", "p_value"])
        own = result.segment_matrices.merge(result.transitions, on=["from_state", "to_state"], suffixes=("", "_pooled"))
        left = (own["probability"] - own["probability_pooled"]).abs().sum()
        left_over.append(left / (own["p_raw"] - own["probability_pooled"]).abs().sum())
    assert sum(p < 0.05 for p in p_values) <= 2, p_values
    assert np.mean(left_over) < 0.1, (
        "of the differences little is left, though transitions differ more than chance has it"
    )


def test_cut_returns_are_not_tested():
    """Only lost customers change their ways: with lost as the end, nothing does."""
    panel = simulate(1, n_customers=600)
    late = TRUTH.copy()
    late[2] = [0.3, 0.3, 0.4]
    second = simulate(2, p=late, n_customers=600, start="2024-01-01").assign(
        customer_id=lambda f: "x" + f["customer_id"]
    )
    both = pd.concat([panel, second])
    kept = fit_markov_churn(both, n_resamples=20, chain="pooled").tests.set_index("test")
    cut = fit_markov_churn(both, n_resamples=20, chain="pooled", returns="cut").tests.set_index("test")
    assert kept.loc["time", "p_value"] < 1e-6 and cut.loc["time", "p_value"] > 0.001
    assert cut.loc["time", "df"] < kept.loc["time", "df"]


def test_accounts_that_are_unlike_survive_longer_than_the_chain_says():
    rng = np.random.default_rng(1)
    rows = []
    for customer in range(1500):
        gone = 8 * (customer % 2) + rng.geometric(rng.beta(0.5, 2))
        rows += [(str(customer), t, "A" if t < gone else "lost") for t in range(16)]
    panel = pd.DataFrame(rows, columns=["customer_id", "period", "state"])
    check = verdict(fit_markov_churn(panel, n_resamples=20), "as fast as")
    assert check.verdict == "does not hold"
    alike = verdict(fit_markov_churn(simulate(1, n_customers=1500), n_resamples=20, chain="pooled"), "as fast as")
    assert alike.verdict == "holds", alike.finding


def test_returns_that_get_rarer_are_named():
    rng = np.random.default_rng(1)
    rows = []
    for customer in range(600):
        lost_for = 0
        for period in pd.date_range("2020-01-01", periods=40, freq="MS"):
            if lost_for:
                lost_for = 0 if rng.random() < (0.2 if lost_for <= 12 else 0.01) else lost_for + 1
            else:
                lost_for = int(rng.random() < 0.1)
            rows.append((str(customer), period, "lost" if lost_for else "A"))
    frame = pd.DataFrame(rows, columns=["customer_id", "period", "state"])
    check = verdict(fit_markov_churn(frame, n_resamples=20, chain="pooled"), "come back as often")
    assert check.verdict == "does not hold" and "of those lost longer" in check.finding
    assert verdict(fit_markov_churn(simulate(3, n_periods=36), n_resamples=20), "come back as often").verdict == "holds"


def test_few_losses_are_said_in_the_answer():
    rows = [(str(c), t, "lost" if c < 3 and t > 5 else "A") for c in range(40) for t in range(12)]
    result = fit_markov_churn(pd.DataFrame(rows, columns=["customer_id", "period", "state"]), n_resamples=50)
    assert "Only 3 losses were seen" in result.answer()
    assert verdict(result, "enough losses").verdict == "does not hold"
