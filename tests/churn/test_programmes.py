import itertools
from dataclasses import replace
from functools import cache
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.churn.markov import fit_markov_churn
from kam.churn.programmes import _Problem, compare_programmes, split_programmes
from kam.columns import GLOSSARY
from kam.dataset.dictionary import TABLES
from kam.errors import ColumnTypeError, DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.results import Context, load_results, save_results
from kam.samples import simulate_chain

EUR = Context(currency="EUR")
KEEPS = [[0.9, 0.1], [0, 1]]
THREE = [[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.02, 0.03, 0.95]]


@cache
def fitted():
    moves = [("A", "A", 9), ("A", "lost", 1), ("lost", "lost", 1)]
    return fit_markov_churn(pd.DataFrame(moves, columns=["from_state", "to_state", "n_transitions"]), n_resamples=2)


def chain(p, money, *, names=None, n_customers=None, draws=None, freq="period", season_now=0):
    """A fitted chain with these probabilities (S, S) or (C, S, S) and money, and, if given, these draws of both."""
    p = np.asarray(p, dtype=float)
    p = p[None] if p.ndim == 2 else p
    money = np.broadcast_to(np.asarray(money, dtype=float), p.shape[:-1])
    names = names or [*"ABC"[: p.shape[-1] - 1], "lost"]
    n_customers = [100] * len(names) if n_customers is None else n_customers
    drawn_p, drawn_money = (p[None], money[None]) if draws is None else draws
    states = pd.DataFrame({"state": names, "n_customers": n_customers, "reward": money[0]})
    return replace(
        fitted(),
        context=EUR,
        states=states,
        transitions=pd.DataFrame({"probability": p[0].ravel()}),
        cycle=pd.DataFrame({"probability": p.ravel()}),
        cycle_rewards=pd.DataFrame({"reward": money.ravel()}),
        resamples=pd.DataFrame({"probability": np.ravel(drawn_p)}),
        reward_resamples=pd.DataFrame({"reward": np.ravel(drawn_money)}),
        chain="cyclic" if len(p) > 1 else "pooled",
        money="revenue",
        freq=freq,
        season_now=season_now,
    )


def programme(name="calls", origin="A", target="lost", effect=-0.03, sd=0.0, cost=10.0, source="experiment", **other):
    return {
        "programme": name,
        "from_state": origin,
        "to_state": target,
        "effect": effect,
        "effect_sd": sd,
        "source": source,
        "cost": cost,
        **other,
    }


def table(*rows):
    return pd.DataFrame(list(rows))


def only(result):
    assert len(result.programmes) == 1
    return result.programmes.iloc[0]


# -- by hand ---------------------------------------------------------------------------------------------------------


def test_two_states_by_hand():
    # V = 1000 / (1 − .9/1.2) = 4000; with the programme 990 / (1 − .93/1.2) = 4400.
    result = compare_programmes(chain(KEEPS, [1000, 0]), table(programme()), discount_rate=0.2)
    row = only(result)
    assert row["delta_value"] == pytest.approx(400)
    assert row["delta_low"] == row["delta_high"] == pytest.approx(400)
    assert row["break_even"] == pytest.approx(10 * 1.2 / (0 - 4000))
    assert row["needed"] == "-0.30 points"
    assert row["gain"] == result.gain == pytest.approx(40_000)
    assert (row["p_positive"], row["p_best"], row["share_clipped"]) == (1, 1, 0)
    assert (row["taken_from"], row["n_treated"], row["n_planned"]) == ("A", 100, 100)
    assert result.states["recommended"].tolist() == ["calls", "nothing"]
    assert result.states["delta_value"].tolist() == pytest.approx([400, 0])
    assert (result.cost_now, result.regret) == (pytest.approx(1000), 0)
    assert result.answer() == (
        "The programme calls can be recommended for A: it is worth €400.00 per account and €40,000 in all "
        "(95% interval €40,000 to €40,000), and it is best in 100% of draws."
    )


def test_a_horizon_by_hand():
    # One period ahead: 990 + .93 × 990 / 1.2 against 1000 + .9 × 1000 / 1.2.
    row = only(compare_programmes(chain(KEEPS, [1000, 0]), table(programme()), discount_rate=0.2, horizon=1))
    assert row["delta_value"] == pytest.approx(990 + 0.93 * 990 / 1.2 - 1000 - 0.9 * 1000 / 1.2)
    # At the break-even x: 990 + (.9 − x) × 990 / 1.2 = 1750.
    assert row["break_even"] == pytest.approx(0.9 - 760 * 1.2 / 990)


def test_the_discount_rate_is_a_year():
    monthly = only(
        compare_programmes(chain(KEEPS, [1000, 0], freq="month"), table(programme()), discount_rate=1.2**12 - 1)
    )
    assert monthly["delta_value"] == pytest.approx(400)


def test_the_probability_is_taken_from_the_state_that_is_named():
    two = table(
        programme("from staying", "A", "B", 0.05, cost=1),
        programme("from loss", "A", "B", 0.05, cost=1, taken_from="lost"),
    )
    result = compare_programmes(chain(THREE, [100, 300, 0]), two, discount_rate=0.1)
    p, money = np.array(THREE), np.array([100.0, 300, 0])
    before = np.linalg.solve(np.eye(3) - p / 1.1, money)
    for k, taken in enumerate((0, 2)):
        changed, paid = p.copy(), money - [1, 0, 0]
        changed[0, 1] += 0.05
        changed[0, taken] -= 0.05
        after = np.linalg.solve(np.eye(3) - changed / 1.1, paid)
        assert result.programmes["delta_value"][k] == pytest.approx(after[0] - before[0])
        assert result.programmes["break_even"][k] == pytest.approx(1.1 / (before[1] - before[taken]))
    assert result.programmes["taken_from"].tolist() == ["A", "lost"]


def test_a_missing_taken_from_is_staying():
    both = table(programme("a", taken_from=None), programme("b", taken_from="A"))
    result = compare_programmes(chain(KEEPS, [1000, 0]), both, discount_rate=0.2)
    assert result.programmes["delta_value"].nunique() == 1


def test_break_even_where_none_is_possible_and_where_it_costs_nothing():
    rows = table(programme("dear", cost=2000.0), programme("free", cost=0.0))
    result = compare_programmes(chain(KEEPS, [1000, 0]), rows, discount_rate=0.2).programmes.set_index("programme")
    assert np.isnan(result.loc["dear", "break_even"])
    assert result.loc["dear", "needed"] == "none within what is possible"
    assert result.loc["free", "break_even"] == 0
    assert result.loc["free", "needed"] == "any: it costs nothing"


def test_break_even_is_found_on_the_other_side_of_zero():
    # A programme that makes a loss more likely: it would have to do the opposite.
    row = only(compare_programmes(chain(KEEPS, [1000, 0]), table(programme(effect=0.01)), discount_rate=0.2))
    assert row["break_even"] == pytest.approx(-0.003)


@pytest.mark.parametrize("horizon", [None, 7])
def test_at_the_break_even_the_gain_is_zero_with_seasons_too(horizon):
    markov = chain([THREE, np.roll(THREE, 1, axis=1)], [[100, 300, 0], [500, 50, 0]], freq="quarter", season_now=1)
    first = only(
        compare_programmes(markov, table(programme(target="B", effect=0.02)), discount_rate=0.1, horizon=horizon)
    )
    again = compare_programmes(
        markov, table(programme(target="B", effect=first["break_even"])), discount_rate=0.1, horizon=horizon
    )
    assert abs(first["delta_value"]) > 0.1
    assert abs(first["break_even"]) < 0.05, "within what is possible in both seasons"
    assert only(again)["delta_value"] == pytest.approx(0, abs=1e-8)


# -- the best policy -------------------------------------------------------------------------------------------------


def problems(n_seasons):
    """Random chains with draws, money and programmes whose effects are possible in every draw."""

    @st.composite
    def build(draw):
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        n = draw(st.integers(2, 4))
        p = rng.dirichlet(np.ones(n), size=(4, n_seasons, n)) * 0.4 + 0.6 / n
        money = rng.normal(0, 100, (4, n_seasons, n))
        rows = []
        for k in range(draw(st.integers(1, 5))):
            origin = rng.integers(n)
            target = (origin + rng.integers(1, n)) % n
            effect = rng.uniform(-0.6, 0.6) / n
            rows.append(programme(f"p{k}", f"s{origin}", f"s{target}", effect, cost=rng.uniform(0, 20)))
        names = [f"s{i}" for i in range(n)]
        markov = chain(p[0], money[0], names=names, n_customers=rng.integers(0, 50, n), draws=(p[1:], money[1:]))
        return markov, table(*rows), p, money

    return build()


def enumerate_values(p, money, rows, discount, horizon):
    """Value at season 0 of every policy, by solving for all seasons at once or stepping through time; (policies, S)."""
    n_seasons, n = money.shape
    origins = [int(name[1:]) for name in rows["from_state"]]
    actions = [[None, *(k for k, o in enumerate(origins) if o == s)] for s in range(n)]
    policies = list(itertools.product(*actions))
    values = []
    for policy in policies:
        changed, paid = p.copy(), money.copy()
        for s, k in enumerate(policy):
            if k is not None:
                changed[:, s, int(rows["to_state"][k][1:])] += rows["effect"][k]
                changed[:, s, s] -= rows["effect"][k]
                paid[:, s] -= rows["cost"][k]
        if horizon is None:
            big = np.zeros((n_seasons * n, n_seasons * n))
            for c in range(n_seasons):
                following = (c + 1) % n_seasons
                big[c * n : c * n + n, following * n : following * n + n] = changed[c] / (1 + discount)
            values.append(np.linalg.solve(np.eye(len(big)) - big, paid.ravel())[:n])
        else:
            total, reached = np.zeros(n), np.eye(n)
            for t in range(horizon + 1):
                total += reached @ paid[t % n_seasons] / (1 + discount) ** t
                reached = reached @ changed[t % n_seasons]
            values.append(total)
    return policies, np.array(values)


@settings(max_examples=25, deadline=None)
@given(problems(1), st.sampled_from([0.05, 0.3]))
def test_policy_iteration_finds_what_trying_all_policies_finds(problem, discount):
    markov, rows, p, money = problem
    result = compare_programmes(markov, rows, discount_rate=discount, n_draws=3)
    found = [enumerate_values(p[b], money[b], rows, discount, None) for b in range(4)]
    policies = found[0][0]
    values = np.array([value for _, value in found])  # draw, policy, state
    best = values.max(axis=1)
    at_estimates = int(values[0].sum(axis=1).argmax())
    np.testing.assert_allclose(values[0, at_estimates], best[0])  # best in all states at once
    chosen = ["nothing" if k is None else f"p{k}" for k in policies[at_estimates]]
    assert result.states["chosen"].tolist() == chosen
    gains = (values[1:, at_estimates] - values[1:, 0]).mean(axis=0)
    regret = (best - values[:, at_estimates])[1:].mean(axis=0)
    np.testing.assert_allclose(result.states["delta_value"], gains, atol=1e-6)
    np.testing.assert_allclose(result.states["regret"], regret, atol=1e-6)
    winners = [policies[int(values[b].sum(axis=1).argmax())] for b in range(1, 4)]
    p_best = np.mean([[w == c for w, c in zip(one, policies[at_estimates], strict=True)] for one in winners], axis=0)
    np.testing.assert_allclose(result.states["p_best"], p_best)


@settings(max_examples=25, deadline=None)
@given(problems(3), st.sampled_from([None, 5]))
def test_with_seasons_and_horizons_too(problem, horizon):
    markov, rows, p, money = problem
    result = compare_programmes(markov, rows, discount_rate=0.1, horizon=horizon, n_draws=3)
    weights = markov.states["n_customers"].to_numpy() + 1.0
    policies, values = enumerate_values(p[0], money[0], rows, 0.1, horizon)
    best = policies[int((values @ weights).argmax())]
    assert result.states["chosen"].tolist() == ["nothing" if k is None else f"p{k}" for k in best]
    others = [enumerate_values(p[b], money[b], rows, 0.1, horizon)[1] for b in range(1, 4)]
    gains = np.mean([value[policies.index(best)] - value[0] for value in others], axis=0)
    np.testing.assert_allclose(result.states["delta_value"], gains, atol=1e-6)


@pytest.mark.parametrize(("n_seasons", "horizon"), [(1, None), (3, None), (3, 7)])
def test_no_change_of_a_single_state_improves_the_policy(n_seasons, horizon):
    rng = np.random.default_rng(8)
    n, n_draws = 3, 400
    origin, target = np.array([0, 0, 1, 1, 2, 2]), np.array([1, 2, 0, 2, 0, 1])
    p = rng.dirichlet(np.ones(n) * 0.4, size=(n_draws, n_seasons, n))
    effect = np.clip(rng.normal(0, 0.4, (n_draws, 1, 6)), -p[:, :, origin, target], p[:, :, origin, origin])
    problem = _Problem(
        p=p, r=rng.normal(0, 100, (n_draws, n_seasons, n)), effect=effect, origin=origin, target=target, taken=origin,
        cost=rng.uniform(0, 20, 6), discount=0.1, horizon=horizon,
    )  # fmt: skip
    weights = np.array([0.2, 0.3, 0.5])
    policy = problem.best_policy(weights, least=1e-8)
    worth = problem.value(policy)[:, 0] @ weights
    assert 0.1 < (policy == -1).mean() < 0.9
    for state in range(n):
        for action in (-1, 2 * state, 2 * state + 1):
            other = policy.copy()
            other[:, state] = action
            assert (problem.value(other)[:, 0] @ weights <= worth + 2e-8).all()


def test_with_a_horizon_it_matters_where_customers_are():
    # Who is in B now stays long enough for its cost to come back within two periods; who comes from A first does not.
    p, rows = [[0, 1, 0], [0, 0.5, 0.5], [0, 0, 1]], table(programme("keep", "B", "lost", -0.4, cost=30.0))
    in_a, in_b = (
        compare_programmes(chain(p, [0, 100, 0], n_customers=n), rows, discount_rate=0.0, horizon=2)
        for n in ([100, 0, 0], [0, 100, 0])
    )
    assert in_a.states["chosen"].tolist() == ["nothing"] * 3
    assert in_b.states["chosen"].tolist() == ["nothing", "keep", "nothing"]
    assert in_b.states["delta_value"].tolist() == pytest.approx([70 * 1.9 - 150, 70 * 2.71 - 175, 0])
    # What draws would rather do for those in B is worse for those in A: no negative regret is shown.
    nearly = rows.assign(effect=-0.3, effect_sd=0.05)
    regret = compare_programmes(chain(p, [0, 100, 0], n_customers=[0, 100, 0]), nearly, discount_rate=0.0, horizon=2)
    assert regret.states["chosen"].tolist() == ["nothing"] * 3
    assert regret.states["regret"][[0, 2]].tolist() == [0, 0]
    assert regret.states["regret"][1] > 0.5


DIFFERENT = [(None, 1), (None, 2), (40, 1), (40, 2)]


@pytest.mark.parametrize(("horizon", "n_seasons"), DIFFERENT)
def test_a_programme_that_pays_only_beside_another_is_found(horizon, n_seasons):
    # Who is moved from A to B is lost at once there and does not bring the 5 back, unless B is kept.
    p = np.tile([[1.0, 0, 0], [0, 0, 1], [0, 0, 1]], (n_seasons, 1, 1))
    rows = table(
        programme("move", "A", "B", 0.5, cost=5.0, taken_from="A"),
        programme("keep", "B", "lost", -0.9, cost=1.0),
    )
    result = compare_programmes(chain(p, [0, 10, 0]), rows, discount_rate=0.2, horizon=horizon)
    assert result.programmes["delta_value"][0] < 0
    assert result.states["recommended"].tolist() == ["move", "keep", "nothing"]
    if horizon is None:  # V_B = 9 / (1 − .9/1.2) = 36, V_A = (−5 + .5 × 36/1.2) / (1 − .5/1.2)
        assert result.states["delta_value"].tolist() == pytest.approx([10 / (1 - 0.5 / 1.2), 26, 0])


@pytest.mark.parametrize(("horizon", "n_seasons"), DIFFERENT)
def test_a_programme_that_pays_only_without_another_is_dropped(horizon, n_seasons):
    # Keeping is worth .05/1.2 × 400 = 16.7 a period when who is lost is gone, and 4.2 when nearly all are won back.
    rows = table(
        programme("keep", effect=-0.05, cost=8.0),
        programme("win back", "lost", "A", 0.9, cost=0.0),
    )
    p = np.tile(KEEPS, (n_seasons, 1, 1))
    result = compare_programmes(chain(p, [100, 0]), rows, discount_rate=0.2, horizon=horizon)
    assert (result.programmes["delta_value"] > 0).all()
    assert result.states["recommended"].tolist() == ["nothing", "win back"]
    if horizon is None:  # V_A = 100 / (1 − (.9 + .1 × 9/11)/1.2) = 550 against 400
        assert result.states["delta_value"].tolist() == pytest.approx([150, 450])


def test_the_season_now_is_where_it_begins():
    p, money = np.array([THREE, np.roll(THREE, 1, axis=1)]), np.array([[100.0, 300, 0], [500, 50, 0]])
    rows = table(programme(target="B", effect=0.02, cost=1))
    options = {"discount_rate": 0.1}
    rows["effect"] = 0.12  # more than is possible in one season
    first = only(compare_programmes(chain(p, money, season_now=1), rows, **options))["delta_value"]
    turned = only(compare_programmes(chain(p[::-1], money[::-1]), rows, **options))["delta_value"]
    other = only(compare_programmes(chain(p, money), rows, **options))["delta_value"]
    assert first == pytest.approx(turned)
    assert first != pytest.approx(other, rel=0.01)


@given(effect=st.floats(0.001, 0.04), rate=st.floats(0.01, 1), sd=st.floats(0, 0.0003))
@settings(max_examples=10, deadline=None)
def test_what_costs_nothing_and_helps_is_always_chosen(effect, rate, sd):
    rows = table(programme(effect=-effect, sd=sd, cost=0.0))
    result = compare_programmes(chain(KEEPS, [1000, 0]), rows, discount_rate=rate, n_draws=50)
    assert result.states["recommended"].tolist() == ["calls", "nothing"]
    assert only(result)["p_best"] == 1


def test_two_equal_programmes_give_no_recommendation():
    rows = table(programme("one", sd=0.005), programme("two", sd=0.005))
    result = compare_programmes(chain(KEEPS, [1000, 0]), rows, discount_rate=0.2)
    p = result.programmes["p_best"]
    assert p.sum() == pytest.approx(1)
    assert 0.45 < p[0] < 0.55
    assert result.states["recommended"].tolist() == ["no recommendation", "nothing"]
    assert (result.gain, result.gain_low, result.gain_high) == (0, 0, 0)
    assert result.states["regret"][0] > 5
    assert "can be recommended" in result.answer()
    assert compare_programmes(chain(KEEPS, [1000, 0]), rows, discount_rate=0.2, min_p_best=0.4).gain > 0


def test_how_sure_follows_from_the_normal_effect():
    # The gain is above 0 exactly where the effect is beyond the break-even, −.003.
    row = only(compare_programmes(chain(KEEPS, [1000, 0]), table(programme(effect=-0.01, sd=0.01)), discount_rate=0.2))
    expected = NormalDist(-0.01, 0.01).cdf(-0.003)
    assert row["p_positive"] == row["p_best"] == pytest.approx(expected, abs=0.04)


def test_no_regret_where_everything_is_certain():
    rows = table(programme("one", effect=-0.05), programme("two", effect=-0.06, cost=12.0))
    result = compare_programmes(chain(KEEPS, [1000, 0]), rows, discount_rate=0.2)
    assert (result.states["regret"] == 0).all()
    assert result.regret == 0
    assert result.states["recommended"][0] == "two"


def test_the_gain_is_that_of_the_chosen_and_not_of_the_best_of_each_draw():
    rng = np.random.default_rng(1)
    rows = table(*(programme(f"p{k}", effect=-0.004, sd=0.01) for k in range(5)))
    result = compare_programmes(chain(KEEPS, [1000, 0]), rows, discount_rate=0.2, min_p_best=0)
    first = result.states.iloc[0]
    row = result.programmes.set_index("programme").loc[first["chosen"]]
    assert first["delta_value"] == pytest.approx(row["delta_value"])
    effects = np.clip(rng.normal(-0.004, 0.01, (20_000, 5)), -0.1, 0.9)
    gains = 990 / (1 - (0.9 - effects) / 1.2) - 4000
    assert row["delta_value"] == pytest.approx(gains.mean(), abs=25)
    assert first["delta_value"] + first["regret"] == pytest.approx(gains.max(axis=1).clip(0).mean(), abs=25)
    assert result.regret == pytest.approx(100 * first["regret"], rel=0.05)


# -- capacity --------------------------------------------------------------------------------------------------------


def test_half_the_capacity_is_half_the_gain():
    markov = chain(KEEPS, [1000, 0])
    whole, half = (
        compare_programmes(markov, table(programme(sd=0.005, capacity=capacity)), discount_rate=0.2)
        for capacity in (None, 50.9)
    )
    assert (half.gain, half.gain_low, half.gain_high) == pytest.approx(
        (whole.gain / 2, whole.gain_low / 2, whole.gain_high / 2)
    )
    assert half.cost_now == whole.cost_now / 2
    assert only(half)[["n_treated", "n_planned"]].tolist() == [50, 50]
    for name in ("delta_value", "break_even", "p_best"):
        assert only(half)[name] == only(whole)[name]
    assert any(check.finding == "calls reaches 50 of 100 in A" for check in half.checks)


def test_the_rest_gets_the_next_best():
    rows = table(
        programme("third", effect=-0.02, capacity=1000.0),
        programme("best", effect=-0.05, capacity=30.0),
        programme("second", effect=-0.04, capacity=20.0),
        programme("dear", effect=-0.04, cost=900.0),
    )
    result = compare_programmes(chain(KEEPS, [1000, 0], n_customers=[80, 5]), rows, discount_rate=0.2)
    frame = result.programmes.set_index("programme")
    assert frame["n_planned"].to_dict() == {"third": 30, "best": 30, "second": 20, "dear": 0}
    assert frame["is_recommended"].tolist() == [True, True, True, False]
    assert result.states["n_treated"].tolist() == [80, 0]
    assert result.gain == pytest.approx((frame["n_planned"] * frame["delta_value"]).sum())
    assert "third for the rest of A" in result.answer()


def test_the_rest_gets_nothing_when_the_next_best_is_not_sure():
    rows = table(programme("best", effect=-0.06, capacity=30.0), programme("doubtful", effect=-0.004, sd=0.006))
    result = compare_programmes(chain(KEEPS, [1000, 0]), rows, discount_rate=0.2)
    assert result.programmes["n_planned"].tolist() == [30, 0]


# -- against the data ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def panel():
    p = pd.DataFrame(THREE, index=["A", "B", "lost"], columns=["A", "B", "lost"])
    _, states = simulate_chain(p, {"A": 1000, "B": 400, "lost": 0}, seed=3, n_customers=300)
    return states.rename(columns={"month": "period"}).assign(
        revenue=states["state"].map({"A": 1000.0, "B": 400.0, "lost": 0.0})
    )


def test_gains_equal_a_plain_loop_over_the_draws(panel):
    markov = fit_markov_churn(panel, n_resamples=40, chain="pooled", context=EUR)
    rows = table(programme(effect=-0.02, sd=0.0), programme("offer", "lost", "B", 0.01, cost=3.0, source="assumed"))
    result = compare_programmes(markov, rows, discount_rate=0.1, n_draws=40)
    p, money = markov.draws()
    per_month = 1.1 ** (1 / 12)
    for k, (origin, target, effect, cost) in enumerate([(0, 2, -0.02, 10.0), (2, 1, 0.01, 3.0)]):
        gains = []
        for b in range(40):
            before = np.linalg.solve(np.eye(3) - p[b, 0] / per_month, money[b, 0])
            changed, paid = p[b, 0].copy(), money[b, 0].copy()
            changed[origin, target] += effect
            changed[origin, origin] -= effect
            paid[origin] -= cost
            gains.append(np.linalg.solve(np.eye(3) - changed / per_month, paid)[origin] - before[origin])
        row = result.programmes.iloc[k]
        assert row["delta_value"] == pytest.approx(np.mean(gains))
        assert row["delta_low"] == pytest.approx(np.quantile(gains, 0.025))
        assert row["n_customers"] == markov.states["n_customers"][origin]


def test_what_is_promised_comes_when_the_programme_is_run():
    amounts = {"A": 1000, "B": 400, "lost": 0}
    names, money = list(amounts), np.array([1000.0, 400, 0])
    with_calls = np.array([[0.84, 0.15, 0.01], *THREE[1:]])
    brought = []
    for p, cost in ((np.array(THREE), 0.0), (with_calls, 50.0)):
        frame = pd.DataFrame(p, index=names, columns=names)
        _, states = simulate_chain(frame, amounts, seed=5, n_customers=6000, n_months=13)
        paid = states["state"].map(dict(zip(names, money - [cost, 0, 0], strict=True)))
        brought.append(paid.groupby(states["customer_id"]).sum())
    rows = table(programme(effect=-0.04, cost=50.0))
    promised = only(compare_programmes(chain(THREE, money, freq="month"), rows, discount_rate=0.0, horizon=12))[
        "delta_value"
    ]
    error = np.sqrt(sum(one.var() / 6000 for one in brought))
    assert abs(brought[1].mean() - brought[0].mean() - promised) < 3 * error
    assert promised > 6 * error


def test_rewards_that_are_given_take_the_place_of_those_of_the_chain(panel):
    counts = fit_markov_churn(panel.drop(columns="revenue"), n_resamples=20, chain="pooled", context=EUR)
    options = {"discount_rate": 0.1, "n_draws": 20}
    with pytest.raises(ParameterError, match="knows no money"):
        compare_programmes(counts, table(programme()), **options)
    by_name = compare_programmes(counts, table(programme()), rewards={"lost": 0, "B": 5, "A": 9}, **options)
    by_place = compare_programmes(counts, table(programme()), rewards=[9, 5, 0], **options)
    pd.testing.assert_frame_equal(by_name.programmes, by_place.programmes)
    assert any("given by the user" in one.value for one in by_name.assumed)


# -- what is said ----------------------------------------------------------------------------------------------------


def test_effects_beyond_what_is_possible_are_cut_and_counted():
    row = only(compare_programmes(chain(KEEPS, [1000, 0]), table(programme(effect=-0.08, sd=0.02)), discount_rate=0.2))
    assert row["share_clipped"] == pytest.approx(NormalDist(-0.08, 0.02).cdf(-0.1), abs=0.03)
    assert row["delta_high"] == pytest.approx(990 / (1 - 1 / 1.2) - 4000), "nobody is lost"
    result = compare_programmes(chain(KEEPS, [1000, 0]), table(programme(effect=-0.08, sd=0.02)), discount_rate=0.2)
    check = next(check for check in result.checks if "possible" in check.assumption)
    assert check.verdict == "does not hold"
    assert check.statistic == row["share_clipped"]


def test_with_seasons_an_effect_is_cut_in_the_seasons_where_less_is_possible():
    p = np.array([[[0.99, 0.01], [0, 1]], [[0.81, 0.19], [0, 1]]])
    row = only(compare_programmes(chain(p, [1000, 0]), table(programme(effect=-0.03)), discount_rate=0.2))
    assert row["share_clipped"] == 0.5
    q = np.array([[1.0, 0.84], [1, 1]])[0]  # staying, with the programme
    kept = 990 * (1 + q[0] / 1.2) / (1 - q[0] * q[1] / 1.44)
    left = 1000 * (1 + 0.99 / 1.2) / (1 - 0.99 * 0.81 / 1.44)
    assert row["delta_value"] == pytest.approx(kept - left)


def test_what_the_gain_rests_on():
    rows = table(
        programme("measured", "A", "lost", -0.03),
        programme("judged", "B", "lost", -0.1, source="judged"),
        programme("assumed", "lost", "A", 0.05, source="assumed"),
    )
    result = compare_programmes(chain(THREE, [500, 300, 0]), rows, discount_rate=0.2)
    gain = result.programmes.set_index("source")["gain"]
    assert result.programmes["is_recommended"].all()
    assert result.share_assumed == pytest.approx(gain["assumed"] / gain.sum())
    assert result.share_judged == pytest.approx(gain["judged"] / gain.sum())
    check = next(check for check in result.checks if "measured" in check.assumption)
    assert check.verdict == "does not hold"
    measured = compare_programmes(chain(THREE, [500, 300, 0]), rows.iloc[:1], discount_rate=0.2)
    assert (measured.share_assumed, measured.share_judged) == (0, 0)
    assert next(check for check in measured.checks if "measured" in check.assumption).verdict == "holds"
    assert "Of 3 programmes 3 can be recommended: measured for A (€" in result.answer()


def test_states_that_the_chain_lacks_are_named():
    rows = table(
        programme(), programme("offer", "Z", "A"), programme("review", "A", "Y"), programme("last", taken_from="X")
    )
    result = compare_programmes(chain(KEEPS, [1000, 0]), rows, discount_rate=0.2)
    assert result.not_used.to_dict("list") == {
        "programme": ["offer", "review", "last"],
        "from_state": ["Z", "A", "A"],
        "reason": [f"the chain has no state '{name}'" for name in "ZYX"],
    }
    assert result.programmes["programme"].tolist() == ["calls"]
    check = result.checks[0]
    assert (check.verdict, check.finding) == ("handled", "not used: offer, review and last")
    with pytest.raises(ParameterError, match="No programme is for a state") as caught:
        compare_programmes(chain(KEEPS, [1000, 0]), rows.iloc[1:], discount_rate=0.2)
    assert "'Z'" in str(caught.value)


def test_programmes_that_do_not_fit_the_chain_are_set_aside_with_the_reason():
    markov = chain(KEEPS, [1000, 0])
    rows = table(
        programme(), programme("offer", "Z", "A"), programme("miracle", effect=-0.9), programme("last", taken_from="X")
    )
    usable, left_out = split_programmes(markov, rows)
    assert usable["programme"].tolist() == ["calls"]
    assert left_out["programme"].tolist() == ["offer", "miracle", "last"]
    assert left_out["reason"].tolist()[::2] == ["the chain has no state 'Z'", "the chain has no state 'X'"]
    assert left_out["reason"][1].startswith("the probability from A to lost is ")
    compare_programmes(markov, usable, discount_rate=0.2, n_draws=50)
    assert split_programmes(markov, rows.iloc[1:])[0] is None
    none, nothing = split_programmes(markov, None)
    assert none is None and nothing.empty and list(nothing) == list(left_out)
    assert split_programmes(markov, rows.iloc[:0])[0] is None
    assert split_programmes(markov, rows.iloc[:1].assign(taken_from=None))[0] is not None


def test_when_nothing_pays_it_says_so():
    # At 400 a period the break-even is 400 × 1.2 / −4000.
    rows = table(programme(cost=40.0, effect=-0.004), programme("visits", cost=400.0, source="judged"))
    result = compare_programmes(chain(KEEPS, [1000, 0]), rows, discount_rate=0.2)
    loss = 960 / (1 - 0.904 / 1.2) - 4000
    assert result.answer() == (
        f"None of 2 programmes pays: the nearest, calls for A, would change the value of an account by -€{-loss:.2f} "
        f"(95% interval -€{-loss:.2f} to -€{-loss:.2f}). It needs a change of -1.2 points, -0.40 points was measured."
    )
    assert result.states["recommended"].tolist() == ["nothing", "nothing"]
    one = compare_programmes(chain(KEEPS, [1000, 0]), rows.iloc[1:], discount_rate=0.2)
    assert one.answer().startswith("The programme visits does not pay for A: it would change")
    assert one.answer().endswith("It costs too much for any effect that is possible.")
    assert len(one.answer().key_figures) == 3


def test_what_pays_what_does_not_and_what_is_not_sure_are_told_apart():
    rows = table(
        programme("good", "A", "lost", -0.03, sd=0.002),
        programme("dear", "B", "A", 0.01, cost=100.0, source="assumed"),
        programme("doubtful", "lost", "A", 0.011, sd=0.03, cost=10.0, source="judged"),
    )
    result = compare_programmes(chain(THREE, [500, 300, 0]), rows, discount_rate=0.2)
    assert result.states["recommended"].tolist() == ["good", "nothing", "no recommendation"]
    answer = result.answer()
    assert answer.startswith("Of 3 programmes one can be recommended: good for A, worth €")
    needed = result.programmes["needed"][1]
    assert f"For B nothing pays: dear needs a change of {needed}, 1.0 points is assumed." in answer
    p = result.programmes["p_best"][2]
    assert (
        f"For lost none can be recommended: the surest, doubtful for lost, is best in {100 * p:.1f}% of draws" in answer
    )
    unsure = compare_programmes(chain(THREE, [500, 300, 0]), rows.iloc[1:], discount_rate=0.2)
    assert "None of 2 programmes can be recommended: the best, doubtful for lost, is worth" in unsure.answer()
    assert "For B nothing pays" in unsure.answer()


def test_one_programme_for_two_states():
    rows = table(programme("calls", "A", "lost", -0.03), programme("calls", "B", "lost", -0.1))
    result = compare_programmes(chain(THREE, [500, 300, 0]), rows, discount_rate=0.2)
    assert result.states["recommended"].tolist() == ["calls", "calls", "nothing"]
    assert result.answer().startswith("The programme can be recommended: calls for A (€")


# -- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"effect": -0.2}, ["'calls'", "from A to lost is 0.1 ", "would be -0.1", "from -0.1 to 0.9"]),
        ({"effect": 0.95}, ["'calls'", "from A to lost is 0.1 ", "would be 1.05"]),
        (
            {"from_state": "lost", "to_state": "A", "effect": -0.01},
            ["'calls'", "from lost to A is 0 ", "would be -0.01"],
        ),
        ({"effect": np.inf}, ["not finite", "'calls'"]),
        ({"effect_sd": -0.1}, ["effect_sd is negative", "'calls'"]),
        ({"cost": -1.0}, ["cost is negative", "'calls'"]),
        ({"capacity": -1.0}, ["capacity is negative", "'calls'"]),
        ({"source": "guess"}, ["source is not known", "'calls'", "judged"]),
        ({"programme": "nothing"}, ["'nothing'"]),
        ({"to_state": "A"}, ["taken from where it is given", "'calls'"]),
        ({"taken_from": "lost"}, ["taken from where it is given", "'calls'"]),
    ],
)
def test_programmes_that_cannot_be(change, words):
    with pytest.raises(ParameterError) as caught:
        compare_programmes(chain(KEEPS, [1000, 0]), table({**programme(), **change}), discount_rate=0.2)
    for word in words:
        assert word in str(caught.value)


def test_the_probability_that_is_taken_from_is_named():
    rows = table(programme(target="B", effect=0.06, taken_from="lost"))
    with pytest.raises(ParameterError, match=r"from A to lost is 0\.05 in a period, and would be -0\.01"):
        compare_programmes(chain(THREE, [500, 300, 0]), rows, discount_rate=0.2)


@pytest.mark.parametrize(
    ("rows", "kind", "words"),
    [
        (table(programme()).drop(columns=["cost", "source"]), MissingColumnError, "lack source, cost"),
        (table(programme()).iloc[:0], EmptyDataError, "no programmes"),
        (table(programme(), programme("b", effect=None)), DataError, "effect is missing.*'b'"),
        (table(programme(), programme("b", origin=None)), DataError, "from_state is missing.*'b'"),
        (table(programme(cost="much")), ColumnTypeError, "cost is no number"),
        (table(programme(), programme()), ParameterError, "stands twice.*'calls'"),
    ],
)
def test_tables_that_cannot_be(rows, kind, words):
    with pytest.raises(kind, match=words):
        compare_programmes(chain(KEEPS, [1000, 0]), rows, discount_rate=0.2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"discount_rate": -0.1}, "discount_rate is -0.1"),
        ({"discount_rate": 0.0}, "no limit"),
        ({"discount_rate": np.nan}, "discount_rate is nan"),
        ({"horizon": 0}, "horizon is 0"),
        ({"min_p_best": 1.2}, "min_p_best is 1.2"),
        ({"n_draws": 0}, "n_draws is 0"),
        ({"rewards": [1, 2, 3]}, "shape"),
        ({"rewards": {"A": 1}}, "do not fit the states.*'lost'"),
        ({"rewards": [1, np.nan]}, "not finite.*'lost'"),
    ],
)
def test_arguments_that_cannot_be(options, words):
    with pytest.raises(ParameterError, match=words):
        compare_programmes(chain(KEEPS, [1000, 0]), table(programme()), **{"discount_rate": 0.2, **options})


# -- the house rules -------------------------------------------------------------------------------------------------


def unsure():
    return table(programme(sd=0.01, capacity=40.0), programme("two", effect=-0.02, sd=0.01, taken_from="A"))


def test_the_same_seed_gives_the_same_and_another_does_not():
    markov = chain(KEEPS, [1000, 0])
    first, again, other = (
        compare_programmes(markov, unsure(), discount_rate=0.2, n_draws=200, seed=seed) for seed in (1, 1, 2)
    )
    for name, frame in first.tables().items():
        pd.testing.assert_frame_equal(frame, again.tables()[name])
    assert (first.programmes["delta_value"] != other.programmes["delta_value"]).all()


def test_one_more_programme_changes_no_draw_of_the_others():
    more = compare_programmes(
        chain(KEEPS, [1000, 0]), pd.concat([unsure(), table(programme("three", sd=0.01))]), discount_rate=0.2
    )
    fewer = compare_programmes(chain(KEEPS, [1000, 0]), unsure(), discount_rate=0.2)
    assert more.programmes["delta_value"][:2].tolist() == fewer.programmes["delta_value"].tolist()


def test_nothing_that_was_given_is_changed():
    markov, rows, rewards = chain(THREE, [500, 300, 0]), unsure(), np.array([500.0, 300, 0])
    frames = {name: frame.copy() for name, frame in markov.tables().items()}
    before = rows.copy()
    compare_programmes(markov, rows, rewards=rewards, discount_rate=0.2, n_draws=20)
    pd.testing.assert_frame_equal(rows, before)
    assert rewards.tolist() == [500, 300, 0]
    for name, frame in markov.tables().items():
        pd.testing.assert_frame_equal(frame, frames[name])


def test_the_result_keeps_the_rules_of_the_house(tmp_path):
    result = compare_programmes(chain(KEEPS, [1000, 0]), unsure(), discount_rate=0.2, horizon=12, n_draws=50)
    for frame in result.tables().values():
        assert set(frame.columns) <= set(GLOSSARY)
        assert frame.index.equals(pd.RangeIndex(len(frame)))
    assert 3 <= len(result.answer().key_figures) <= 5
    assert all(figure.note for figure in result.answer().key_figures)
    save_results(result, to=tmp_path)
    loaded = load_results(tmp_path)["programme"]
    assert loaded.answer() == result.answer()
    assert loaded.horizon == 12


def test_the_table_of_a_dataset_is_what_is_read():
    spec = TABLES["programmes"]
    assert set(spec.required) == set(programme())
    assert set(spec.columns["source"].allowed) == {"experiment", "judged", "assumed"}
