"""The fitted chain: by hand, against naive recomputation, and against a known truth."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import kam
from kam.churn.chain import survival
from kam.churn.markov import MarkovChurnResult, fit_markov_churn
from kam.errors import EmptyStateError, NoAbsorbingStateError, ParameterError
from kam.results import Context
from tests.churn.worlds import MONEY, STATES, TRUTH, simulate


@pytest.fixture(scope="module")
def result(panel):
    segments = {customer: "ns"[int(customer) % 2] for customer in panel["customer_id"].unique()}
    return fit_markov_churn(panel, segments=segments, n_resamples=200, context=Context(currency="EUR"))


def counts_of(rows):
    return pd.DataFrame(rows, columns=["from_state", "to_state", "n_transitions"])


# -- estimates -------------------------------------------------------------------------------------------------------


def test_estimates_and_rewards_are_those_of_pandas(panel, result):
    after = panel.groupby("customer_id")["state"].shift(-1)
    table = pd.crosstab(panel["state"], after)
    frame = result.transitions.pivot(index="from_state", columns="to_state", values="n_transitions")
    assert (frame.to_numpy() == table.to_numpy()).all()
    p = table.div(table.sum(axis=1), axis=0).to_numpy()
    np.testing.assert_allclose(result.matrix()[0], p)
    n = table.sum(axis=1).to_numpy()[:, None]
    np.testing.assert_allclose(result.transitions["std_error"], np.sqrt(p * (1 - p) / n).ravel())
    np.testing.assert_allclose(result.rewards()[0], panel.groupby("state")["revenue"].mean().loc[list(STATES)])
    year = panel.groupby("customer_id")["revenue"].rolling(12, min_periods=1).sum().droplevel(0)
    year = year.where(panel["revenue"] > 0).groupby(panel["customer_id"]).ffill()  # up to the last period with money
    weighted = (
        panel.assign(to=after, year=year)
        .dropna()
        .pivot_table(index="state", columns="to", values="year", aggfunc="sum")
    )
    money = result.transitions.pivot(index="from_state", columns="to_state", values="p_money")
    np.testing.assert_allclose(money, weighted.div(weighted.sum(axis=1), axis=0))


def test_money_that_leaves_like_the_heads_weighs_nothing():
    """Lost after three silent periods, whatever a customer brings: weighted by money as by heads."""
    rng = np.random.default_rng(1)
    rows = []
    for customer in range(1500):
        gone, level, silence = rng.geometric(0.1), rng.gamma(1), 0
        for t in range(16):
            bought = t < gone
            silence = 0 if bought else silence + 1
            rows.append((str(customer), t, "A" if silence < 3 else "lost", level * bought))
    frame = pd.DataFrame(rows, columns=["customer_id", "period", "state", "revenue"])
    t = fit_markov_churn(frame, n_resamples=50).transitions.iloc[1]
    assert t["p_money"] == pytest.approx(t["probability"], rel=0.1)


def test_who_brought_money_before_the_panel_only_weighs_like_the_others():
    """Thirty silent customers are lost, seventy stay and bring ten each: those thirty are not worth nothing."""
    rows = [
        (str(c), t, "lost" if c < 30 and t > 1 else "A", 0.0 if c < 30 else 10.0) for c in range(100) for t in range(4)
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "period", "state", "revenue"])
    t = fit_markov_churn(frame, n_resamples=20).transitions.iloc[1]
    assert t["p_money"] == pytest.approx(t["probability"])


def test_what_follows_is_that_of_the_matrix(result):
    p = result.matrix()[0]
    times = np.linalg.solve(np.eye(2) - p[:2, :2], np.ones(2))
    np.testing.assert_allclose(result.states["periods_to_loss"], [*times, 0])
    np.testing.assert_allclose(result.states["p_loss"], [*p[:2, 2], 0])
    np.testing.assert_allclose(result.visits["visits"].to_numpy().reshape(2, 2), np.linalg.inv(np.eye(2) - p[:2, :2]))
    long_run = np.linalg.matrix_power(p, 500)[0]
    np.testing.assert_allclose(result.states["share_stationary"], long_run, rtol=1e-6)
    curve = survival(p[None], 2, 36)
    np.testing.assert_allclose(result.survival["probability"], curve[:, :2].T.ravel())
    assert ((result.survival["ci_low"] <= result.survival["probability"]) | (result.survival["n_ahead"] == 0)).all()
    now = result.states["n_customers"].to_numpy()[:2]
    assert result.p_loss == pytest.approx(now @ p[:2, 2] / now.sum())
    assert result.p_loss_low < result.p_loss < result.p_loss_high
    half = result.states["half_life"][0]
    low, high = np.interp([half - 0.01, half + 0.01], np.arange(37), curve[:, 0])
    assert high < 0.5 < low


def test_customers_carry_what_they_brought_and_what_was_expected(panel, result):
    row = result.customers[result.customers["customer_id"] == "00007"].iloc[0]
    own = panel[panel["customer_id"] == "00007"]
    expected = own["state"].map(dict(zip(STATES, result.rewards()[0], strict=True)))
    assert row["n_periods"] == 24 and row["state"] == own["state"].iloc[-1]
    assert row["money_sum"] == pytest.approx(own["revenue"].sum())
    assert row["money_expected"] == pytest.approx(expected.sum())
    assert row["expected_squares"] == pytest.approx((expected**2).sum())
    assert row["money_squares"] == pytest.approx(((own["revenue"] - expected) ** 2).sum())


def test_returns_are_counted_and_listed_and_may_be_cut(panel, result):
    after = panel.groupby("customer_id")["state"].shift(-1)
    back = panel[(panel["state"] == "lost") & after.isin(["A", "B"])]
    assert result.n_returned == len(result.returned) == len(back)
    assert set(result.returned["customer_id"]) == set(back["customer_id"])
    assert (result.returned["period"].min() - pd.DateOffset(months=1)) == back["period"].min()
    cut = fit_markov_churn(panel, returns="cut", n_resamples=50)
    assert cut.n_returned == result.n_returned
    assert cut.matrix()[0, 2].tolist() == [0, 0, 1] and (cut.draws()[0][:, :, 2] == [0, 0, 1]).all()
    assert (cut.matrix(returns="kept")[0] == result.matrix()[0]).all()
    assert "share_stationary" in cut.states, "the transitions themselves stay as they were seen"


def test_draws_are_of_the_chain_in_use_and_reproducible(panel, result):
    p, r = result.draws()
    assert p.shape == (200, 1, 3, 3) and r.shape == (200, 1, 3)
    np.testing.assert_allclose(p.sum(axis=-1), 1)
    again = fit_markov_churn(panel, n_resamples=200)
    pd.testing.assert_frame_equal(again.resamples, result.resamples)
    other = fit_markov_churn(panel, n_resamples=200, seed=2)
    assert not other.resamples["probability"].equals(result.resamples["probability"])


def test_a_panel_its_shuffle_and_its_counts_say_the_same(panel, result):
    shuffled = fit_markov_churn(panel.sample(frac=1, random_state=1), n_resamples=20)
    assert (shuffled.matrix() == result.matrix()).all()
    counted = fit_markov_churn(result.flows, absorbing="lost", n_resamples=20)
    np.testing.assert_allclose(counted.matrix(), result.matrix())
    assert (
        counted.n_customers == 0
        and counted.money == ""
        and counted.tests["test"].tolist() == ["order 0", "time", "season"]
    )
    pd.testing.assert_frame_equal(counted.flows, result.flows)
    assert (counted.states["n_customers"] == result.states["n_customers"]).all()


def test_the_lost_state_stands_last_and_segments_have_matrices(panel, result):
    renamed = fit_markov_churn(panel.replace({"state": {"lost": "0 gone"}}), absorbing="0 gone", n_resamples=20)
    assert renamed.names == ("A", "B", "0 gone")
    assert result.segment_matrices["segment"].unique().tolist() == ["n", "s"]
    both = result.segment_matrices.groupby(["from_state", "to_state"])["n_transitions"].sum()
    assert both.sum() == result.n_transitions


def test_priors_and_structural_zeros():
    counts = counts_of([("A", "A", 8), ("A", "lost", 2), ("lost", "lost", 5), ("B", "A", 1)])
    counts = pd.concat([counts, counts_of([("A", "B", 0)])])
    with_prior = fit_markov_churn(counts, prior=1.0, structural_zeros=[("lost", "A"), ("lost", "B")], n_resamples=50)
    assert with_prior.matrix()[0].tolist() == [[9 / 13, 1 / 13, 3 / 13], [0.5, 0.25, 0.25], [0, 0, 1]]
    zero = with_prior.transitions[with_prior.transitions["from_state"] == "lost"].iloc[0]
    assert zero[["probability", "ci_high", "joint_high", "boot_high"]].tolist() == [0, 0, 0, 0]
    with pytest.raises(ParameterError, match="2 transitions from 'A' to 'lost'"):
        fit_markov_churn(counts, structural_zeros=[("A", "lost")])
    with pytest.raises(ParameterError, match="no state 'Z'"):
        fit_markov_churn(counts, structural_zeros=[("A", "Z")])


@pytest.mark.parametrize("intervals", ["wilson", "jeffreys"])
def test_intervals_hold_the_estimate_and_joint_ones_are_wider(panel, intervals):
    t = fit_markov_churn(panel, intervals=intervals, n_resamples=200).transitions
    for low, high in (("ci_low", "ci_high"), ("joint_low", "joint_high"), ("boot_low", "boot_high")):
        assert ((t[low] <= t["probability"]) & (t["probability"] <= t[high])).all()
    assert ((t["joint_high"] - t["joint_low"]) > (t["ci_high"] - t["ci_low"])).all()


# -- seasons ---------------------------------------------------------------------------------------------------------

SEASONAL = np.array([[[q, 0.9 - q, 0.1], [0.3, 0.5, 0.2], [0.05, 0.05, 0.9]] for q in (0.8, 0.7, 0.3, 0.75)])


def test_a_seasonal_truth_gets_a_matrix_per_season():
    panel = simulate(5, p=SEASONAL, n_customers=800, n_periods=20, freq="QS")
    result = fit_markov_churn(panel, n_resamples=100)
    assert result.chain == "cyclic" and result.matrix().shape == (4, 3, 3) and result.draws()[0].shape == (100, 4, 3, 3)
    np.testing.assert_allclose(result.matrix(), SEASONAL, atol=0.05)
    assert result.season_now == 3
    naive = panel[panel["period"].dt.month == 7]
    later = panel.assign(period=panel["period"] - pd.DateOffset(months=3)).set_index(["customer_id", "period"])["state"]
    table = pd.crosstab(
        naive["state"], naive.join(later.rename("to"), on=["customer_id", "period"])["to"], normalize="index"
    )
    np.testing.assert_allclose(result.matrix()[2], table)
    verdicts = {check.assumption: check.verdict for check in result.checks}
    assert verdicts["no season is unlike the others"] == "handled"
    low, high = (
        panel[panel["state"] == "A"].groupby(panel["period"].dt.month)["revenue"].mean().agg(f) for f in ("min", "max")
    )
    in_a = result.cycle_rewards.query("state == 'A'")["reward"]
    assert (in_a.min(), in_a.max()) == pytest.approx((low, high))


def test_seasons_that_were_not_seen_twice_are_named_not_modelled():
    panel = simulate(5, p=SEASONAL, n_customers=800, n_periods=7, freq="QS")
    result = fit_markov_churn(panel, n_resamples=50)
    assert result.chain == "pooled" and result.cycle.empty
    check = next(check for check in result.checks if check.assumption == "no season is unlike the others")
    assert check.verdict == "does not hold" and "needs every season in two years" in check.finding
    stays = panel.assign(to=panel.groupby("customer_id")["state"].shift(-1)).dropna().query("state == 'A'")
    share = (stays["to"] == "A").groupby(stays["period"].dt.quarter).mean()
    said = f"From season to season {share.min():.1%} to {share.max():.1%} of those that are A stay so"
    assert said in result.answer()
    with pytest.raises(ParameterError, match="at least two years"):
        fit_markov_churn(panel, chain="cyclic")


def test_an_answer_that_rests_on_few_periods_says_so(panel, result):
    short = panel[panel["period"] < "2022-03-01"]
    assert "It rests on 1 month of moves only" in fit_markov_churn(short, n_resamples=20).answer()
    assert "rests on" not in result.answer() and "season to season" not in result.answer()


def test_a_truth_without_seasons_stays_pooled(panel, result):
    assert result.chain == "pooled"
    long = simulate(1, n_periods=30)
    assert fit_markov_churn(long, n_resamples=20).chain == "pooled"
    assert fit_markov_churn(long, chain="cyclic", n_resamples=20).matrix().shape == (12, 3, 3)


# -- recovery of the truth -------------------------------------------------------------------------------------------


def test_intervals_cover_the_truth():
    """60 worlds of 100 customers: each interval covers in about 95 % of them."""
    times = np.linalg.solve(np.eye(2) - TRUTH[:2, :2], np.ones(2))
    hits = []
    for seed in range(60):
        r = fit_markov_churn(simulate(seed, n_customers=100, n_periods=18), n_resamples=199, chain="pooled")
        t, s = r.transitions, r.states[:2]
        truth = TRUTH.ravel()
        inside = [(t[f"{kind}_low"] <= truth) & (truth <= t[f"{kind}_high"]) for kind in ("ci", "boot", "joint")]
        loss = (s["loss_low"] <= times) & (times <= s["loss_high"])
        reward = (r.states["reward_low"] <= MONEY) & (r.states["reward_high"] >= MONEY)
        hits.append([inside[0].mean(), inside[1].mean(), inside[2].all(), loss.mean(), reward[:2].mean()])
    rates = np.mean(hits, axis=0)
    assert (rates > 0.89).all() and rates[2] > 0.9, rates


# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "error", "says"),
    [
        ([("A", "A", 9), ("A", "B", 1), ("B", "A", 2)], NoAbsorbingStateError, "nobody is lost"),
        (
            [("A", "A", 9), ("A", "lost", 1), ("B", "B", 2)],
            NoAbsorbingStateError,
            "From the state 'B' nobody was ever lost",
        ),
        ([("A", "B", 9), ("A", "lost", 1)], EmptyStateError, "from the state 'B'"),
    ],
)
def test_chains_that_cannot_be_estimated_name_the_state(rows, error, says):
    with pytest.raises(error, match=says):
        fit_markov_churn(counts_of(rows), n_resamples=10)


def test_a_panel_of_the_lost_alone_is_refused():
    with pytest.raises(NoAbsorbingStateError, match="All customers are in the state 'lost'"):
        fit_markov_churn(counts_of([("lost", "lost", 9)]))


def test_without_a_lost_state_nothing_is_said_of_loss():
    result = fit_markov_churn(counts_of([("A", "A", 9), ("A", "B", 1), ("B", "A", 2)]), absorbing=None, n_resamples=10)
    assert result.lost == "" and result.survival.empty and "p_loss" not in result.states
    assert "90.0% of the accounts in A" in result.answer()


def test_a_lost_state_that_nobody_was_followed_in_is_the_end():
    result = fit_markov_churn(counts_of([("A", "A", 9), ("A", "lost", 1)]), n_resamples=10)
    assert result.matrix()[0, 1].tolist() == [0, 1] and result.n_returned == 0


def test_resamples_without_any_loss_leave_the_upper_end_open():
    result = fit_markov_churn(counts_of([("A", "A", 30), ("A", "lost", 1)]), n_resamples=200)
    assert np.isinf(result.states["loss_high"][0]) and "at least" in result.answer()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"returns": "both"}, "returns"),
        ({"intervals": "wald"}, "intervals"),
        ({"chain": "long"}, "chain"),
        ({"prior": -1}, "prior"),
        ({"n_resamples": 0}, "n_resamples"),
        ({"n_resamples": 2.5}, "n_resamples"),
        ({"seed": -1}, "seed"),
        ({"seed": "a"}, "seed"),
        ({"level": 95}, "level"),
        ({"discount_rate": -0.1}, "discount_rate"),
    ],
)
def test_arguments_out_of_range_are_named(panel, options, says):
    with pytest.raises(ParameterError, match=says):
        fit_markov_churn(panel, **options)


# -- travel and words ------------------------------------------------------------------------------------------------


def test_a_result_survives_saving(result, tmp_path):
    kam.save_results(result, to=tmp_path)
    loaded = kam.load_results(tmp_path)["markov_churn"]
    assert isinstance(loaded, MarkovChurnResult) and loaded.answer() == result.answer()
    np.testing.assert_allclose(loaded.draws()[0], result.draws()[0])


def test_the_answer_says_loss_and_stay_with_intervals(result):
    answer = str(result.answer())
    assert f"{result.p_loss:.1%} are lost per month" in answer and answer.count("95% interval") == 3
    assert "An account that is A today is lost after" in answer and len(result.answer().key_figures) == 5
    korean = replace(result, states=result.states.replace({"state": {"A": "핵심"}}))
    assert "핵심" in korean.answer()


def test_tests_come_with_their_effect(panel, result):
    tests = result.tests.set_index("test")
    assert tests.index.tolist() == ["order 0", "order 1", "time", "season", "segments"]
    assert tests.loc["order 0", "verdict"] == "holds", "the state now does matter"
    assert (tests.loc["order 1":, "p_value"] > 0.001).all() and (tests["df"] > 0).all()
    assert (tests.loc["order 1":, "share_change"].abs() < 0.1).all()
    assert tests.loc["order 0", "share_change"] > 0.2
