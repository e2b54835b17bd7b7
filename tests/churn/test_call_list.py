import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.churn.call_list import build_call_list
from kam.errors import DataError, ParameterError
from kam.results import Context, load_results, save_results
from tests.churn.accounts_at_risk import STRANGE, forecast, simulated

TERMS = {"horizon_days": 91, "k": 3, "saving_rate": 0.2, "cost_of_visit": 100.0, "discount_rate": 0.1}


def build(frame, **terms):
    return build_call_list(frame, **(TERMS | terms))


@pytest.fixture(scope="module")
def many():
    return build(simulated(400), context=Context(currency="EUR"))


def test_worked_by_hand():
    """All at p = 0.5 and without loss in the two years: value 2 × margin needs p = 0 later, so take the horizon of the forecast.

    A horizon of 0.1 years lies within the 91 days in which the account surely stays: value = 0.1 × margin.
    Expected loss = 0.5 × 0.1 × margin; gain = loss × 0.2 − 100. 30,000 → 1,500 → 200; 20,000 → 1,000 → 100; 10,000 → 0.
    """
    frame = forecast(p_churn=0.5, margin_year=[10_000.0, 30_000.0, 20_000.0, -5000.0])
    found = build(frame, discount_rate=0, horizon_years=0.1)
    assert found.accounts["customer_id"].tolist() == ["b", "c", "a", "d"]
    np.testing.assert_allclose(found.accounts["expected_loss"], [1500, 1000, 500, -250])
    np.testing.assert_allclose(found.accounts["expected_gain"], [200, 100, 0, -150], atol=1e-9)
    assert found.accounts["list_part"].tolist() == ["call", "call", "no gain", "no gain"]
    assert found.gain == pytest.approx(300) and found.n_calls == 2 and found.n_worth == 2
    assert found.loss_at_risk == pytest.approx(3000)
    assert found.break_even == pytest.approx(200 / 2500)
    np.testing.assert_allclose(found.calls["break_even_rate"], [100 / 1500, 0.1])


def test_ordered_cut_to_capacity_and_only_with_gain(many):
    accounts, calls = many.accounts, many.calls
    assert accounts["expected_gain"].is_monotonic_decreasing
    assert (many.n_calls, many.n_held_out, len(calls)) == (20, 2, 22)
    assert calls["customer_id"].tolist() == accounts["customer_id"].head(22).tolist()
    assert (calls["expected_gain"] > 0).all()
    waits = accounts["list_part"] == "waits"
    assert waits.sum() == many.n_worth - 22 and (accounts.loc[waits, "expected_gain"] > 0).all()
    assert many.n_at_risk + many.n_lapsed == 400 and len(accounts) == many.n_at_risk
    np.testing.assert_allclose(accounts["expected_loss"], accounts["p_churn"] * accounts["value_if_stays"])


def test_the_long_lapsed_are_never_called():
    frame = forecast(p_churn=[0.1, 0.9], margin_year=[5000.0, 1e9], at_risk=[True, False])
    found = build(frame)
    assert found.accounts["customer_id"].tolist() == ["a"] and found.n_lapsed == 1


def test_facts_stay_with_their_account_where_lost_ones_stand_between():
    frame = forecast(
        p_churn=[0.9, 0.1, 0.2],
        margin_year=[1e9, 5000.0, 90000.0],
        at_risk=[False, True, True],
        days_since_last_order=[900.0, 11.0, 22.0],
    )
    calls = build(frame).calls.set_index("customer_id")
    assert calls["days_since_last_order"].to_dict() == {"c": 22.0, "b": 11.0}


def test_holdout_is_drawn_at_random_among_the_selected():
    frame = simulated(60)
    out = np.zeros(11)
    for seed in range(40):
        calls = build(frame, capacity=10, seed=seed, n_draws=100).calls
        out += (calls["list_part"] == "hold-out").to_numpy()
    assert out.sum() == 40 and out.max() < 12  # 3.6 expected of each place, sd 1.8
    assert (out > 0).sum() >= 9


@pytest.mark.parametrize(
    ("n", "capacity", "share", "n_calls", "n_out"),
    [
        (60, 20, 0.1, 20, 2), (60, 9, 0.1, 9, 1), (60, 20, 0, 20, 0), (60, 20, 0.5, 20, 20), (21, 20, 0.1, 19, 2),
        (10, 20, 0.1, 9, 1), (5, 20, 0.1, 4, 1), (4, 20, 0.1, 4, 0), (4, 2, 0.1, 2, 0), (60, 1, 0.1, 1, 0), (1, 20, 0.1, 1, 0),
        (60, 4, 0.1, 4, 1),
    ],
)  # fmt: skip
def test_size_of_the_holdout(n, capacity, share, n_calls, n_out):
    frame = forecast(customer_id=[f"{i}" for i in range(n)], p_churn=0.3, margin_year=1e5)
    found = build(frame, capacity=capacity, holdout_share=share)
    assert (found.n_calls, found.n_held_out) == (n_calls, n_out)


def test_the_order_of_the_rows_does_not_matter_and_nothing_is_changed():
    frame = simulated(100)
    before = frame.copy()
    one, other = build(frame), build(frame.sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(one.calls, other.calls)
    assert (one.gain_low, one.gain_high) == (other.gain_low, other.gain_high)


def test_excluded_accounts_are_not_selected(many):
    first = many.calls["customer_id"].head(3).tolist()
    found = build(simulated(400), exclude=[*first, "nobody", "<script>"])
    assert not set(first) & set(found.calls["customer_id"])
    assert found.n_excluded == 3 and found.unknown == ("<script>", "nobody") and found.n_calls == 20
    assert any("nobody" in check.finding and check.verdict == "does not hold" for check in found.checks)


def test_ranks_have_no_gaps_where_accounts_are_excluded(many):
    found = build(simulated(400), exclude=many.calls["customer_id"][[0, 4]].tolist(), n_draws=100)
    assert found.calls["rank"].tolist() == list(range(1, 23))
    assert found.accounts["rank"].tolist() == list(range(1, found.n_at_risk + 1))


def test_accounts_called_before_are_never_held_out():
    frame = simulated(60)
    plain = build(frame, capacity=10, n_draws=100)
    before = plain.calls["customer_id"][::2].tolist()
    drawn = set()
    for seed in range(30):
        found = build(frame, capacity=10, seed=seed, called_before=[*before, "nobody"], n_draws=100)
        calls = found.calls.set_index("customer_id")
        assert (found.n_calls, found.n_held_out, found.n_called_before) == (10, 1, len(before))
        assert set(calls.index[calls["called_before"]]) == set(before)
        drawn |= set(calls.index[calls["list_part"] == "hold-out"])
    assert drawn == set(plain.calls["customer_id"]) - set(before)
    check = next(c for c in found.checks if "nobody is held out who" in c.assumption)
    assert check.verdict == "handled" and check.finding.startswith(f"{len(before)} accounts on the list")
    check = next(c for c in found.checks if "large enough" in c.assumption)
    assert check.finding.startswith(f"with {10 - len(before)} called and 1 held out")


@pytest.mark.parametrize(
    ("places", "capacity", "share", "n_calls", "n_out"),
    [
        (range(60), 20, 0.1, 20, 0), (range(1, 60), 20, 0.1, 20, 0), ([], 20, 0.1, 20, 2), (range(17), 20, 0.1, 20, 0),
        (range(16), 20, 0.1, 20, 1), (range(10), 20, 0.5, 20, 10), (range(50), 50, 0.5, 50, 0),
    ],
)  # fmt: skip
def test_capacity_stands_where_too_few_can_be_held_out(places, capacity, share, n_calls, n_out):
    """Equal accounts come by identifier. The first 16 called before: of 21, five can be held out, and one is; with 17, four."""
    ids = [f"{i:02d}" for i in range(60)]
    frame = forecast(customer_id=ids, p_churn=0.3, margin_year=1e5)
    found = build(frame, capacity=capacity, holdout_share=share, called_before=[ids[i] for i in places], n_draws=100)
    assert (found.n_calls, found.n_held_out) == (n_calls, n_out)
    assert found.calls["customer_id"].tolist() == ids[: n_calls + n_out]


def test_interval_covers_what_will_happen():
    """20 accounts worth the same: the number saved is binomial(20, p s)."""
    frame = forecast(customer_id=[f"{i:02d}" for i in range(20)], p_churn=0.5, margin_year=30_000.0)
    found = build(frame, saving_rate=0.6, holdout_share=0, n_draws=20_000)
    value = found.accounts["value_if_stays"][0]
    from scipy.stats import binom

    low, high = binom.ppf([0.025, 0.975], 20, 0.3)
    assert found.gain_low == pytest.approx(low * value - 2000)
    assert found.gain_high == pytest.approx(high * value - 2000)
    assert found.covers == "chance" and found.gain_low < found.gain < found.gain_high


def test_interval_is_wider_with_unsure_probabilities():
    frame = simulated(400)
    unsure = frame.assign(p_churn_low=frame["p_churn"] * 0.3, p_churn_high=1 - (1 - frame["p_churn"]) * 0.3)
    sure, wide = build(frame, n_draws=5000), build(unsure, n_draws=5000)
    assert wide.covers == "chance and probabilities" and wide.gain == sure.gain
    assert wide.gain_high - wide.gain_low > 1.1 * (sure.gain_high - sure.gain_low)
    exact = build(frame.assign(p_churn_low=frame["p_churn"], p_churn_high=frame["p_churn"]), n_draws=5000)
    assert exact.gain_high == pytest.approx(sure.gain_high, rel=0.15)
    with pytest.raises(DataError, match="does not hold its estimate"):
        build(unsure.assign(p_churn_low=0.99))


def test_interval_holds_the_expectation_where_hardly_anybody_is_saved():
    found = build(forecast(p_churn=[0.02], margin_year=1e6))
    assert found.gain_low == -100 and found.gain_high == found.gain > 0


def test_sensitivity_holds_the_list_itself_and_moves_as_it_should(many):
    table = many.sensitivity
    base = table[(table["saving_rate"] == 0.2) & (table["visit_cost"] == 100)].iloc[0]
    assert len(table) == 9 and base["expected_gain"] == pytest.approx(many.gain) and base["n_calls"] == 20
    by = table.pivot(index="saving_rate", columns="visit_cost", values="expected_gain").to_numpy()
    assert (np.diff(by, axis=0) > 0).all() and (np.diff(by, axis=1) < 0).all()
    assert build(simulated(50), saving_rate=0.8).sensitivity["saving_rate"].max() == 1.0
    assert len(build(simulated(50), cost_of_visit=0).sensitivity) == 3


def test_at_the_break_even_rate_the_calls_bring_nothing(many):
    calls = many.calls[many.calls["list_part"] == "call"]
    gain = (calls["expected_loss"] * many.break_even - 100).sum()
    assert gain == pytest.approx(0, abs=1e-6)


def test_no_call_pays():
    found = build(forecast(p_churn=[0.1, 0.2], margin_year=[1.0, 500.0]))
    assert found.calls.empty and (found.gain, found.gain_low, found.gain_high) == (0, 0, 0)
    assert found.break_even == pytest.approx(100 / found.accounts["expected_loss"].max()) and found.break_even < 1
    assert found.answer().startswith("No call pays: of 2 accounts at risk")
    for margin in (-1.0, 1e-170, 1.0):
        nothing = build(forecast(p_churn=[0.1], margin_year=[margin]))
    assert nothing.break_even is None and nothing.answer().key_figures[-1].value == "–"
    assert nothing.break_even is None and len(nothing.answer().key_figures) == 4
    assert build(forecast(p_churn=[0.5], margin_year=[1e6]), saving_rate=0).n_calls == 0


def test_reasons_in_words_for_the_selected():
    frame = forecast(p_churn=[0.5, 0.4], margin_year=1e5, days_since_last_order=[94, 10], mean_gap_days=21.0)
    rows = [("a", "days_since_last_order", 94, 1.0), ("a", "n_complaints", 2, 0.4), ("b", "n_complaints", 0, -0.3)]
    contributions = pd.DataFrame(rows, columns=["customer_id", "term", "seen", "contribution"])
    found = build(frame, contributions=contributions).calls.set_index("customer_id")["reason"]
    assert found["a"] == "last order 94 days ago, usual gap 21 days; 2 complaints"
    assert found["b"] == "nothing stands out: large rather than in danger"
    without = build(frame).calls.set_index("customer_id")["reason"]
    assert without["a"] == "last order 94 days ago, usual gap 21 days"
    assert without["b"] == "nothing stands out: large rather than in danger", "its usual gap is not over"


def test_strange_names_go_through_and_come_back(tmp_path):
    frame = forecast(customer_id=STRANGE, name=STRANGE[::-1], p_churn=0.5, margin_year=1e5)
    found = build(frame, exclude=["007"], context=Context(dataset="x", currency="KRW"))
    assert set(found.accounts["customer_id"]) == set(STRANGE) and "7" in set(found.calls["customer_id"])
    save_results(found, to=tmp_path)
    back = load_results(tmp_path)["call_list"]
    assert back.calls["customer_id"].tolist() == found.calls["customer_id"].tolist()
    assert back.calls["name"].tolist() == found.calls["name"].tolist()
    assert back.answer() == found.answer() and back.unknown == ()


def test_answer_says_what_is_assumed(many):
    assert many.answer().startswith("Call 20 accounts: together that is expected to bring €")
    assert "if a call saves 20.0% of those lost or leaving and costs €100.00" in many.answer()
    assert "Leave 2 more alone" in many.answer()
    assert all(figure.note for figure in many.answer().key_figures)
    said = [figure.note for figure in many.answer().key_figures] + [check.finding for check in many.checks]
    assert not any("track record" in text and "money" not in text for text in said), "it does not score p_churn"
    assumed = {a.what: a.value for a in many.assumed}
    assert assumed["share of the accounts lost or leaving that a call saves"] == "20.0%"
    assert not any("no cost" in what for what in assumed)
    without = build(simulated(50).rename(columns={"margin_year": "revenue_year"}))
    assert any("the ledger has no cost" in a.what and a.value == "30.0%" for a in without.assumed)


def test_a_holdout_of_two_cannot_show_what_calls_save(many):
    check = next(c for c in many.checks if "hold-out is large enough" in c.assumption)
    assert check.verdict == "does not hold"
    large = forecast(customer_id=[f"{i}" for i in range(4000)], p_churn=0.5, margin_year=1e5)
    found = build(large, capacity=2000, holdout_share=0.5, saving_rate=0.4, n_draws=100)
    assert next(c for c in found.checks if "hold-out is large enough" in c.assumption).verdict == "holds"


@pytest.mark.parametrize(
    "terms",
    [
        {"saving_rate": 1.1}, {"saving_rate": np.nan}, {"cost_of_visit": -1}, {"capacity": 0}, {"capacity": 2.0},
        {"holdout_share": 0.95}, {"holdout_share": -0.1}, {"level": 1}, {"n_draws": 10}, {"seed": -1}, {"exclude": "abc"},
        {"called_before": "abc"},
        {"k": 0}, {"horizon_days": 0},
    ],
)  # fmt: skip
def test_parameters_out_of_range(terms):
    with pytest.raises(ParameterError, match=next(iter(terms))):
        build(simulated(5), **terms)


@settings(max_examples=30)
@given(
    margins=st.lists(st.floats(-1e5, 1e6), min_size=1, max_size=40),
    capacity=st.integers(1, 30),
    share=st.floats(0, 0.9),
    cost=st.floats(0, 1e4),
    before=st.sets(st.integers(0, 40).map(str)),
)
def test_invariants(margins, capacity, share, cost, before):
    frame = forecast(customer_id=[f"{i}" for i in range(len(margins))], p_churn=0.3, margin_year=margins)
    terms = {
        "capacity": capacity,
        "holdout_share": share,
        "cost_of_visit": cost,
        "called_before": before,
        "n_draws": 100,
    }
    found = build(frame, **terms)
    assert not before & set(found.calls.loc[found.calls["list_part"] == "hold-out", "customer_id"])
    assert found.n_calls <= capacity and found.n_calls + found.n_held_out <= found.n_worth
    assert found.n_calls > 0 or found.n_worth == 0
    noise = 1e-12 * abs(found.gain)  # sums of the same gains in another order
    assert (found.calls["expected_gain"] > 0).all() and found.gain_low - noise <= found.gain <= found.gain_high + noise
    assert found.answer()
