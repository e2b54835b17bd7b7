"""Customer value: by state, customer and portfolio, against papers, brute force and known truths."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from kam.churn.customer_value import CustomerValueResult, customer_value
from kam.churn.markov import fit_markov_churn
from kam.columns import GLOSSARY
from kam.errors import ParameterError
from kam.ledger import state_panel
from kam.results import Context, load_results, save_results
from tests.churn.worlds import MONEY, TRUTH, simulate

MONTHLY = 1.1 ** (1 / 12) - 1


def _counts(matrix, names, n=100):
    rows = [
        (names[i], names[j], round(n * matrix[i][j]))
        for i, j in product(range(len(names)), repeat=2)
        if matrix[i][j] > 0
    ]
    return pd.DataFrame(rows, columns=["from_state", "to_state", "n_transitions"])


def _recency_chain(again, *, keep=True):
    """Pfeifer & Carraway's chain: bought k periods ago → buys again with probability ``again[k]``, else k + 1; then lost."""
    names = [f"r{k}" for k in range(1, len(again) + 1)] + ["lost"]
    matrix = np.zeros((len(names), len(names)))
    for k, p in enumerate(again):
        matrix[k, 0] += p
        matrix[k, k + 1] += 1 - p
    matrix[-1, -1] = 1
    return fit_markov_churn(_counts(matrix, names), n_resamples=60)


@pytest.fixture(scope="module")
def markov(panel):
    return fit_markov_churn(panel, n_resamples=200, chain="pooled", context=Context(currency="EUR"))


@pytest.fixture(scope="module")
def value(markov):
    return customer_value(markov, None, discount_rate=0.1, horizon=12)


@pytest.fixture(scope="module")
def uneven():
    """Customers whose lasting levels differ: standard deviation 0.7; passing ones vary by 1 / √12."""
    panel = simulate(3, level=0.7, n_customers=500)
    return fit_markov_churn(panel, n_resamples=200, chain="pooled", context=Context(currency="EUR"))


# -- published -------------------------------------------------------------------------------------------------------


def test_pfeifer_and_carraway():
    chain = _recency_chain([0.3, 0.2, 0.15, 0.05])
    rewards = [36, -4, -4, -4, 0]
    over_four = customer_value(chain, rewards, discount_rate=0.2, horizon=4, n_paths=100).states
    endless = customer_value(chain, rewards, discount_rate=0.2, n_paths=100).states
    assert over_four["value"].round(3).tolist() == [50.115, 4.220, 0.592, -1.980, 0]
    assert endless["value"].round(3).tolist() == [52.320, 5.554, 1.251, -1.820, 0]
    assert over_four["value_infinite"].tolist() == pytest.approx(endless["value"].tolist())
    assert (over_four["value"] - over_four["value_ahead"]).tolist() == pytest.approx(rewards)


def test_pfeifer_and_carraway_no_contact_after_recency_three():
    chain = _recency_chain([0.3, 0.2, 0.15, 0.0])
    states = customer_value(chain, [36, -4, -4, 0, 0], discount_rate=0.2, n_paths=100).states
    assert states["value"].round(3).tolist() == [53.149, 6.621, 2.644, 0, 0]


def test_pfeifer_and_carraway_three_periods():
    chain = _recency_chain([0.5, 0.2, 0.1])
    states = customer_value(chain, [100, 0, 0, 0], discount_rate=0.1, n_paths=100).states
    assert states["value"].round(2).tolist() == [231.08, 57.29, 21.01, 0]


# -- brute force -----------------------------------------------------------------------------------------------------


def _brute(panel, n_periods, discount, *, seasons=1, resample=None):
    """Value ahead by state, step by step in plain Python, from the rows of a panel."""
    names = ["A", "B", "lost"]
    rows = panel.sort_values(["customer_id", "period"])
    rows = rows.assign(next=rows.groupby("customer_id")["state"].shift(-1))
    season = (rows["period"].dt.month - 1) % 12 if seasons == 12 else rows["period"].dt.month * 0
    p = {
        (c, a, b): ((season == c) & (rows["state"] == a) & (rows["next"] == b)).sum()
        / ((season == c) & (rows["state"] == a) & rows["next"].notna()).sum()
        for c, a, b in product(range(seasons), names, names)
    }
    r = {
        (c, a): rows.loc[(season == c) & (rows["state"] == a), "revenue"].mean()
        for c, a in product(range(seasons), names)
    }
    now = int(season[rows["period"] == rows["period"].max()].iloc[0])
    worth = []
    for start in names:
        share, total = dict.fromkeys(names, 0.0) | {start: 1.0}, 0.0
        for t in range(1, n_periods + 1):
            c = (now + t - 1) % seasons
            share = {b: sum(share[a] * p[c, a, b] for a in names) for b in names}
            total += sum(share[b] * r[(c + 1) % seasons, b] for b in names) / (1 + discount) ** t
        worth.append(total)
    return worth


def test_value_by_brute_force(panel, markov, value):
    assert value.states["value_ahead"].tolist() == pytest.approx(_brute(panel, 12, MONTHLY))
    by_quarter = simulate(5, freq="QS", n_periods=10)
    chain = fit_markov_churn(by_quarter, n_resamples=20, chain="pooled")
    worth = customer_value(chain, None, discount_rate=0.1, horizon=3, n_paths=100).states["value_ahead"]
    assert worth.tolist() == pytest.approx(_brute(by_quarter, 3, 1.1**0.25 - 1))


def test_value_with_seasons_begins_in_the_season_now():
    cycle = np.array([TRUTH, *[np.array([[0.5, 0.4, 0.1], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])] * 11])
    panel = simulate(2, p=cycle, n_periods=29, n_customers=400)  # ends in May
    chain = fit_markov_churn(panel, n_resamples=20, chain="cyclic")
    assert chain.season_now == 4
    worth = customer_value(chain, None, discount_rate=0.1, horizon=14, n_paths=100)
    assert worth.states["value_ahead"].tolist() == pytest.approx(_brute(panel, 14, MONTHLY, seasons=12))
    reward = panel[(panel["period"].dt.month == 5) & (panel["state"] == "A")]["revenue"].mean()
    assert worth.states.at[0, "reward"] == pytest.approx(reward)
    assert np.isfinite(worth.states.select_dtypes("number")).all(axis=None)


def test_intervals_are_those_of_the_resamples(markov, value):
    p, r = markov.draws()
    worth = np.zeros((len(p), 3))
    for b in range(len(p)):
        step = np.eye(3)
        for _ in range(12):
            step = step @ p[b, 0] / (1 + MONTHLY)
            worth[b] += step @ r[b, 0]
    low, high = np.quantile(worth, [0.025, 0.975], axis=0)
    assert value.states["ahead_low"].tolist() == pytest.approx(low)
    assert value.states["ahead_high"].tolist() == pytest.approx(high)
    low, high = np.quantile(worth + r[:, 0], [0.025, 0.975], axis=0)
    assert value.states["ci_low"].tolist() == pytest.approx(low)
    n = value.states["n_customers"].to_numpy()
    row = value.portfolio.set_index("term").loc["all"]
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(np.quantile(worth @ n, [0.025, 0.975]))
    alive = n * [1, 1, 0]
    row = value.portfolio.set_index("term").loc["not_lost"]
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(np.quantile(worth @ alive, [0.025, 0.975]))


def test_level_of_the_intervals(markov, value):
    narrow = customer_value(markov, None, discount_rate=0.1, horizon=12, level=0.8)
    for low, high in (("ci_low", "ci_high"), ("ahead_low", "ahead_high"), ("pi_low", "pi_high")):
        assert (narrow.states[low] >= value.states[low]).all() and (narrow.states[high] <= value.states[high]).all()
    assert "80% interval" in narrow.answer()
    assert value.level == markov.level == 0.95


def test_the_interval_from_transitions_alone_is_narrower(markov, value):
    p, r = markov.draws()
    n = value.states["n_customers"].to_numpy()
    both, alone = ([], [])
    for b in range(len(p)):
        for rewards, worth in ((r[b, 0], both), (markov.rewards()[0], alone)):
            v, step = 0, np.eye(3)
            for _ in range(12):
                step = step @ p[b, 0] / (1 + MONTHLY)
                v = v + step @ rewards
            worth.append(v @ n)
    share = np.diff(np.quantile(alone, [0.025, 0.975]))[0] / np.diff(np.quantile(both, [0.025, 0.975]))[0]
    assert value.share_width_transitions == pytest.approx(share)
    check = value.checks[0]
    assert check.verdict == "handled" and f"would be {100 * share:.0f}% as wide" in check.finding


def test_uneven_customers_make_the_chain_alone_too_narrow(uneven):
    assert customer_value(uneven, None, discount_rate=0.1, horizon=12).share_width_transitions < 0.8


def test_the_portfolio_is_the_sum(value):
    states, portfolio = value.states, value.portfolio.set_index("term")
    assert portfolio.loc["all", "value_ahead"] == pytest.approx(states["value_ahead"] @ states["n_customers"])
    assert portfolio.loc["all", "value_ahead"] == pytest.approx(value.customers["value_ahead"].sum())
    assert portfolio.loc["all", "n_customers"] == len(value.customers) == 300
    parts = portfolio.loc[["not_lost", "lost"], ["n_customers", "value_ahead"]].sum()
    assert parts.tolist() == pytest.approx(portfolio.loc["all", ["n_customers", "value_ahead"]].tolist())


# -- horizon, rate ---------------------------------------------------------------------------------------------------


def test_discount_rate_is_a_year_except_for_numbered_periods(panel):
    numbered = panel.assign(period=panel["period"].dt.month + 12 * panel["period"].dt.year)
    chain = fit_markov_churn(numbered, n_resamples=20)
    worth = customer_value(chain, None, discount_rate=MONTHLY, horizon=12, n_paths=100)
    assert worth.states["value_ahead"].tolist() == pytest.approx(_brute(panel, 12, MONTHLY))
    assert "0.8% a period" in worth.answer()


def test_a_long_horizon_comes_to_the_value_without_end(markov):
    endless = customer_value(markov, None, discount_rate=0.3, n_paths=100)
    long = customer_value(markov, None, discount_rate=0.3, horizon=600, n_paths=100)
    assert long.states["value_ahead"].tolist() == pytest.approx(endless.states["value_ahead"].tolist(), rel=1e-4)
    assert endless.horizon is None
    assert "over all time to come" in endless.answer()
    assert endless.states["value"].tolist() == pytest.approx(endless.states["value_infinite"].tolist())


def test_no_discount(markov, panel):
    short = customer_value(markov, None, discount_rate=0, horizon=2, n_paths=100)
    assert short.states["value_ahead"].tolist() == pytest.approx(_brute(panel, 2, 0))
    assert "value_infinite" not in short.states  # lost customers come back: money never ends
    with pytest.raises(ParameterError, match="no limit"):
        customer_value(markov, None, discount_rate=0, n_paths=100)
    cut = fit_markov_churn(panel, returns="cut", n_resamples=20, chain="pooled")
    endless = customer_value(cut, None, discount_rate=0, n_paths=100)
    p, r = cut.matrix()[0], cut.rewards()[0]
    v = np.linalg.solve(np.eye(2) - p[:2, :2], r[:2])
    assert endless.states["value"].tolist() == pytest.approx([*v, 0])
    assert endless.treatments.empty  # with returns kept the value has no limit
    assert len(endless.answer().key_figures) >= 3


def test_horizon_zero_is_this_period_alone(markov):
    now = customer_value(markov, None, discount_rate=0.1, horizon=0, n_paths=100)
    assert now.states["value"].tolist() == pytest.approx(markov.rewards()[0].tolist())
    assert (now.states[["value_ahead", "ahead_low", "ahead_high", "pi_low", "pi_high"]] == 0).all(axis=None)
    assert (now.customers[["own_value", "own_low", "own_high"]] == 0).all(axis=None)


# -- returns ---------------------------------------------------------------------------------------------------------


def test_what_returns_add_worked_by_hand():
    # buys 100 a period, is lost with .2, comes back with .1, one period at 0 %: next period buys .8 or .1
    counts = _counts([[0.8, 0.2], [0.1, 0.9]], ["buys", "lost"])
    chain = fit_markov_churn(counts, n_resamples=200)
    worth = customer_value(chain, [100, 0], discount_rate=0, horizon=2, n_paths=100)
    kept, cut = worth.treatments["value_kept"], worth.treatments["value_cut"]
    # buys: 80 + (.64 + .2 · .1) 100 = 146, cut 80 + 64 = 144; lost: 10 + (.1 · .8 + .9 · .1) 100 = 27, cut 0
    assert kept.tolist() == pytest.approx([146, 27]) and cut.tolist() == pytest.approx([144, 0])
    assert worth.treatments["delta_value"].tolist() == pytest.approx([2, 27])
    assert worth.states["value_ahead"].tolist() == pytest.approx([146, 27])
    n = worth.states["n_customers"].to_numpy()
    assert worth.returns_value == pytest.approx(n @ [2, 27])
    assert worth.returns_low < worth.returns_value < worth.returns_high
    assert (worth.treatments["delta_low"] < worth.treatments["delta_value"]).all()
    assert worth.answer().key_figures[-1].label.endswith(": in the value")


def test_returns_cut(panel, value):
    chain = fit_markov_churn(panel, returns="cut", n_resamples=200, chain="pooled")
    cut = customer_value(chain, None, discount_rate=0.1, horizon=12)
    assert cut.states["value_ahead"].tolist() == pytest.approx(value.treatments["value_cut"].tolist())
    pd.testing.assert_frame_equal(cut.treatments, value.treatments)
    lost = cut.states.set_index("state").loc["lost"]
    assert lost["value_ahead"] == lost["pi_high"] == 0
    assert "that are lost" not in cut.answer() and "that are lost" in value.answer()
    assert "not in the value" in cut.answer().key_figures[-1].label


def test_without_a_lost_state(panel):
    chain = fit_markov_churn(panel, absorbing=None, n_resamples=20, chain="pooled")
    worth = customer_value(chain, None, discount_rate=0.1, horizon=12, n_paths=100)
    assert worth.treatments.empty and worth.money_retention.empty and worth.portfolio_retention.empty
    assert worth.returns_value == 0
    assert worth.portfolio["term"].tolist() == ["not_lost", "all"]
    assert worth.answer().startswith("The 300 customers of today are worth")


# -- the account's own level -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gamma", "inverse gamma", "lognormal"])
def test_own_value_is_closer_to_the_truth_than_that_of_the_state(kind):
    rng = np.random.default_rng(4)
    level = {
        "gamma": rng.gamma(2, 0.5, 500),
        "inverse gamma": 3 / rng.gamma(4, size=500),
        "lognormal": rng.lognormal(-0.2, 0.4**0.5, 500),
    }[kind]
    panel = simulate(4, n_customers=500)
    panel["revenue"] *= np.repeat(level / level.mean(), 24)
    worth = customer_value(fit_markov_churn(panel, n_resamples=60, chain="pooled"), None, discount_rate=0.1, horizon=12)
    truth = _true_ahead(12)
    customers = worth.customers
    expected = customers["state"].map(truth) * (level / level.mean())[customers["customer_id"].astype(int)]
    error, of_state = (
        (customers["own_value"] - expected).abs().mean(),
        (customers["value_ahead"] - expected).abs().mean(),
    )
    assert error < 0.5 * of_state
    covered = (customers["own_low"] <= expected) & (expected <= customers["own_high"])
    assert 0.9 <= covered.mean() <= 0.99


def test_own_value_of_customers(uneven):
    worth = customer_value(uneven, None, discount_rate=0.1, horizon=12)
    customers = worth.customers
    assert worth.between_variance == pytest.approx(0.49, abs=0.15)
    assert worth.within_variance == pytest.approx(1 / 12, abs=0.02)
    assert customers["own_value"].is_monotonic_decreasing
    assert customers["own_value"].tolist() == pytest.approx(
        (customers["level_factor"] * customers["value_ahead"]).tolist()
    )
    ahead = customers["state"].map(worth.states.set_index("state")["value_ahead"])
    assert customers["value_ahead"].tolist() == pytest.approx(ahead.tolist())
    seen = uneven.customers.set_index("customer_id").loc[customers["customer_id"]]
    ratio = (seen["money_sum"] / seen["money_expected"]).to_numpy()
    factor = 1 + customers["credibility"] * (ratio - 1)
    assert customers["level_factor"].tolist() == pytest.approx(factor.tolist())
    assert customers["credibility"].between(0, 1).all()
    check = next(c for c in worth.checks if "bring alike" in c.assumption)
    assert check.verdict == "handled" and check.statistic == worth.between_variance
    assert next(c for c in worth.checks if "add up" in c.assumption).verdict == "holds"


# -- coverage --------------------------------------------------------------------------------------------------------


def _true_ahead(horizon):
    step, worth = np.eye(3), np.zeros(3)
    for _ in range(horizon):
        step = step @ TRUTH / (1 + MONTHLY)
        worth = worth + step @ MONEY
    return pd.Series(worth, index=["A", "B", "lost"])


def test_intervals_cover_the_truth_and_new_customers():
    """50 worlds of 300 customers whose lasting levels differ: the expectation by state and in all, and single new customers."""
    rng = np.random.default_rng(7)
    horizon, level, covered, inside, in_all = 6, 0.5, [], [], []
    truth = _true_ahead(horizon)
    for seed in range(50):
        chain = fit_markov_churn(simulate(seed, n_periods=8, level=level), n_resamples=60, chain="pooled", seed=seed)
        worth = customer_value(chain, None, discount_rate=0.1, horizon=horizon, n_paths=500, seed=seed)
        states = worth.states.set_index("state")
        covered.append((states["ahead_low"] <= truth) & (truth <= states["ahead_high"]))
        every = worth.portfolio.iloc[-1]
        in_all.append(every["ci_low"] <= truth @ states["n_customers"] <= every["ci_high"])
        now, brought = np.tile(np.arange(3), (40, 1)), 0.0
        for t in range(1, horizon + 1):
            now = (rng.random(now.shape)[..., None] > TRUTH.cumsum(1)[now][..., :-1]).sum(-1)
            brought = brought + MONEY[now] * rng.uniform(0.5, 1.5, now.shape) / (1 + MONTHLY) ** t
        brought = brought * rng.gamma(1 / level**2, level**2, now.shape)
        inside.append(((brought >= states["pi_low"].to_numpy()) & (brought <= states["pi_high"].to_numpy())).mean(0))
    assert (np.mean(covered, axis=0) >= 0.86).all()
    assert np.mean(in_all) >= 0.86 and np.mean(covered) <= 0.99
    share = np.mean(inside, axis=0)
    assert (share[:2] >= 0.90).all() and (share[:2] <= 0.98).all()
    assert 0.93 <= share[2] <= 1  # most of the lost bring nothing, which lies within


def test_one_customer_without_end_is_followed_until_little_is_left(panel):
    chain = fit_markov_churn(panel, n_resamples=40, chain="pooled")
    endless = customer_value(chain, None, discount_rate=1.0)
    long = customer_value(chain, None, discount_rate=1.0, horizon=150)
    for end in ("pi_low", "pi_high"):
        assert endless.states[end].tolist() == pytest.approx(long.states[end].tolist(), rel=0.1)


# -- rewards that are given ------------------------------------------------------------------------------------------


def test_given_rewards_are_known(markov, uneven):
    forms = [
        {"lost": 0, "A": 100, "B": 30},
        pd.Series({"A": 100.0, "B": 30.0, "lost": 0.0}),
        [100, 30, 0],
        (100, 30, 0),
    ]
    results = [customer_value(uneven, form, discount_rate=0.1, horizon=12) for form in forms]
    for one in results[1:]:
        pd.testing.assert_frame_equal(one.states, results[0].states)
    one = results[0]
    assert one.rewards == "given" and one.money == "" and one.share_width_transitions == 1
    assert one.states["reward"].tolist() == [100, 30, 0]
    assert (one.states["value"] - one.states["ci_low"]).tolist() == pytest.approx(
        (one.states["value_ahead"] - one.states["ahead_low"]).tolist()
    )
    assert (one.customers["own_value"] == one.customers["value_ahead"]).all() and one.between_variance == 0
    assert (
        one.states.at[0, "pi_high"] <= 100 * sum((1 + MONTHLY) ** -t for t in range(1, 13)) + 1e-9
    )  # only states are random
    assert [check.verdict for check in one.checks[:3]] == 3 * ["not testable"]
    assert any("given by the user" in fact.value for fact in one.assumed)
    assert " of net revenue" not in one.answer()


@pytest.mark.parametrize(
    ("rewards", "says"),
    [
        ([1, 2], "There are 2 rewards for 3 states.*A, B, lost"),
        ({"A": 1, "B": 2}, "no reward for the state 'lost'"),
        ({"A": 1, "B": 2, "lost": 0, "Z": 3}, "reward for 'Z', which is no state"),
        ({"A": 1, "B": float("nan"), "lost": 0}, "reward of the state 'B' is no finite"),
        ([1, 2, float("inf")], "reward of the state 'lost' is no finite"),
    ],
)
def test_bad_rewards_are_named(markov, rewards, says):
    with pytest.raises(ParameterError, match=says):
        customer_value(markov, rewards, discount_rate=0.1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"discount_rate": -0.1}, "discount_rate is -0.1"),
        ({"discount_rate": float("nan")}, "discount_rate is nan"),
        ({"discount_rate": 0.1, "horizon": -1}, "horizon is -1"),
        ({"discount_rate": 0.1, "horizon": 2.5}, "horizon is 2.5"),
        ({"discount_rate": 0.1, "n_paths": 10}, "n_paths is 10"),
        ({"discount_rate": 0.1, "level": 1.0}, "level of an interval is 1.0"),
    ],
)
def test_bad_arguments_are_named(markov, arguments, says):
    with pytest.raises(ParameterError, match=says):
        customer_value(markov, None, **arguments)


def test_without_money_rewards_are_needed(panel):
    chain = fit_markov_churn(panel.drop(columns="revenue"), n_resamples=20)
    with pytest.raises(ParameterError, match="without money"):
        customer_value(chain, None, discount_rate=0.1)
    worth = customer_value(chain, MONEY, discount_rate=0.1, horizon=12, n_paths=100)
    assert len(worth.customers) == 300 and worth.money_retention.empty


# -- checks, answer --------------------------------------------------------------------------------------------------


def test_rewards_that_grow_are_noticed(panel, value):
    steady = next(c for c in value.checks if "steady" in c.assumption)
    assert steady.verdict == "holds" and abs(steady.statistic) < 0.05
    growing = panel.assign(revenue=panel["revenue"] * np.where(panel["period"].dt.year == 2023, 1.5, 1))
    worth = customer_value(
        fit_markov_churn(growing, n_resamples=20, chain="pooled"), None, discount_rate=0.1, horizon=6, n_paths=100
    )
    check = next(c for c in worth.checks if "steady" in c.assumption)
    assert check.verdict == "does not hold" and check.statistic == pytest.approx(0.5, abs=0.06)
    assert "more than in the first" in check.finding
    short = fit_markov_churn(panel[panel["period"] < "2023-06-01"], n_resamples=20)
    worth = customer_value(short, None, discount_rate=0.1, horizon=6, n_paths=100)
    assert next(c for c in worth.checks if "steady" in c.assumption).verdict == "not testable"


def test_a_horizon_beyond_what_was_seen_is_noticed(markov, value):
    assert next(c for c in value.checks if "as long as was seen" in c.assumption).verdict == "holds"
    endless = customer_value(markov, None, discount_rate=0.05, n_paths=100)
    near = customer_value(markov, None, discount_rate=0.05, horizon=24, n_paths=100)
    check = next(c for c in endless.checks if "as long as was seen" in c.assumption)
    total, seen = (one.portfolio.iloc[-1]["value_ahead"] for one in (endless, near))
    assert check.statistic == pytest.approx(1 - seen / total)
    assert check.verdict == "does not hold" and "24 months were seen" in check.finding


def test_the_answer(value):
    now = value.portfolio.iloc[0]
    a, b = value.states["value_ahead"][:2]
    answer = value.answer()
    assert answer.startswith(
        f"The {now['n_customers']} customers of today are worth €{now['value_ahead']:,.0f} of net revenue over the next "
        f"12 months (95% interval €{now['ci_low']:,.0f} to €{now['ci_high']:,.0f}), discounted at 10.0% a year; "
        f"one customer in A is worth €{a:.2f}, one in B €{b:.2f}."
    )
    assert 3 <= len(answer.key_figures) <= 5 and all(figure.note for figure in answer.key_figures)
    assert answer.key_figures[0].label == "net revenue from the customers of today, over the next 12 months"
    covers = next(fact.value for fact in value.assumed if "cover" in fact.what)
    assert "interval of the expectation" in covers and "one customer" in covers
    assert "neither covers a change of regime" in covers
    assert any("change of regime" in check.finding for check in value.checks)


def test_one_state_and_one_customer():
    panel = pd.DataFrame(
        {"customer_id": list("aabb"), "period": [1, 2, 1, 2], "state": ["buys", "buys", "buys", "lost"],
         "margin": [10.0, 20.0, 10.0, 0.0]}
    )  # fmt: skip
    worth = customer_value(fit_markov_churn(panel, n_resamples=30), None, discount_rate=0.1, horizon=1, n_paths=100)
    assert worth.answer().startswith("The only customer of today is worth 6.06 of margin over the next 1 period")
    assert ", one in" not in worth.answer()
    assert 3 <= len(worth.answer().key_figures) <= 5


def test_frames_are_tidy_and_in_the_glossary(value, uneven):
    for result in (value, customer_value(uneven, None, discount_rate=0.1)):
        for name, frame in result.tables().items():
            assert frame.index.equals(pd.RangeIndex(len(frame))), name
            assert set(frame.columns) <= set(GLOSSARY), name
            assert not frame.isna().any(axis=None), name


def test_saved_and_read_back(value, tmp_path):
    save_results(value, to=tmp_path)
    back = load_results(tmp_path)["customer_value"]
    assert isinstance(back, CustomerValueResult) and back.answer() == value.answer()
    pd.testing.assert_frame_equal(back.states, value.states)


def test_ten_times_the_money_is_ten_times_the_value(panel, value):
    rich = panel.assign(revenue=10 * panel["revenue"]).sample(frac=1, random_state=0)  # and the rows in any order
    chain = fit_markov_churn(rich, n_resamples=200, chain="pooled")
    tenfold = customer_value(chain, None, discount_rate=0.1, horizon=12)
    money = [name for name in value.states if GLOSSARY[name].format == "money"]
    assert len(money) == 8
    for name in [*money, "ci_low", "ci_high"]:
        assert tenfold.states[name].tolist() == pytest.approx((10 * value.states[name]).tolist(), rel=0.02), name
    one, ten = (result.customers.set_index("customer_id").sort_index() for result in (value, tenfold))
    assert ten["own_value"].tolist() == pytest.approx((10 * one["own_value"]).tolist())
    assert ten["credibility"].tolist() == pytest.approx(one["credibility"].tolist(), abs=1e-6)
    assert tenfold.returns_value == pytest.approx(10 * value.returns_value)


def test_seed_decides_single_customers_and_nothing_else(markov, value):
    same, other = (customer_value(markov, None, discount_rate=0.1, horizon=12, seed=seed) for seed in (1, 2))
    pd.testing.assert_frame_equal(same.states, value.states)
    apart = ["pi_low", "pi_high"]
    pd.testing.assert_frame_equal(other.states.drop(columns=apart), value.states.drop(columns=apart))
    assert not other.states["pi_high"].equals(value.states["pi_high"])


def test_nothing_that_was_given_is_changed(markov):
    before = {name: frame.copy() for name, frame in markov.tables().items()}
    rewards = {"A": 1, "B": 2, "lost": 0}
    customer_value(markov, rewards, discount_rate=0.1, horizon=3, n_paths=100)
    customer_value(markov, None, discount_rate=0.1, horizon=3, n_paths=100)
    assert rewards == {"A": 1, "B": 2, "lost": 0}
    for name, frame in markov.tables().items():
        pd.testing.assert_frame_equal(frame, before[name])


# -- real data -------------------------------------------------------------------------------------------------------


def test_online_retail_own_levels_foretell_the_next_year(online_retail_lines):
    """Fitted to the first year, the own values come closer to what each customer brought in the second than those by state."""
    rows = state_panel(online_retail_lines, states="recency", k=4, freq="month").rows
    rows = rows.astype({"customer_id": str, "revenue": float})
    past, future = rows[rows["period"] <= "2010-11-01"], rows[rows["period"] > "2010-11-01"]
    chain = fit_markov_churn(past, n_resamples=200, chain="pooled")
    worth = customer_value(chain, None, discount_rate=0.1, horizon=12)
    n_ahead = 12 * (future["period"].dt.year - 2010) + future["period"].dt.month - 11
    discounted = future["revenue"] / (1 + MONTHLY) ** n_ahead
    customers = worth.customers.set_index("customer_id")
    brought = discounted.groupby(future["customer_id"]).sum().reindex(customers.index)
    assert brought.notna().all()
    by_state, own = ((brought - customers[name]).abs().mean() for name in ("value_ahead", "own_value"))
    assert own < 0.8 * by_state
    assert brought.corr(customers["own_value"]) > 0.8 > 0.3 > brought.corr(customers["value_ahead"])
    states = worth.states.set_index("state")
    low, high = customers["state"].map(states["pi_low"]), customers["state"].map(states["pi_high"])
    assert 0.94 <= brought.between(low, high).mean() <= 0.99

    # by hand: the matrix and the means from the rows
    moved = past.sort_values(["customer_id", "period"])
    moved = moved.assign(next=moved.groupby("customer_id")["state"].shift(-1)).dropna(subset="next")
    p = pd.crosstab(moved["state"].astype(str), moved["next"].astype(str), normalize="index")
    r = past.groupby(past["state"].astype(str))["revenue"].mean().loc[p.index]
    total, step = pd.Series(0.0, index=p.index), p.loc[:, p.index]
    for t in range(1, 13):
        total += step @ r / (1 + MONTHLY) ** t
        step = step @ p.loc[:, p.index]
    assert states["value_ahead"].to_dict() == pytest.approx(total.to_dict())
