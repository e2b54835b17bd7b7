"""The best policy: against trying all of them, and by hand where programmes need or spoil one another."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.churn.policy import DecisionProblem
from kam.churn.programmes import compare_programmes
from tests.churn.campaigns import KEEPS, THREE, chain, only, programme, table


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
    problem = DecisionProblem(
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
