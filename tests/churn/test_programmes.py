from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.churn.markov import fit_markov_churn
from kam.churn.programmes import compare_programmes
from kam.columns import GLOSSARY
from kam.errors import ParameterError
from kam.results import load_results, save_results
from kam.samples import simulate_chain
from tests.churn.campaigns import EUR, KEEPS, THREE, chain, only, programme, table

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
