"""Back-test of the value ahead: by hand, against a naive recomputation, and in worlds whose truth is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kam.churn.value_backtest import ValueBacktestResult, backtest_value
from kam.columns import GLOSSARY
from kam.errors import EmptyDataError, MissingColumnError, NoAbsorbingStateError, ParameterError
from kam.ledger.states import StatePanel
from kam.results import Context, load_results, save_results
from tests.churn.worlds import STATES, simulate

EUR = Context(currency="EUR")


def _rows(customers):
    """A panel from {customer: (states, money)}, periods numbered from 0."""
    return pd.DataFrame(
        [
            {"customer_id": name, "period": t, "state": state, "revenue": float(amount)}
            for name, (states, money) in customers.items()
            for t, (state, amount) in enumerate(zip(states, money, strict=True))
        ]
    )


def _by_hand(**others):
    """Up to period 3 who buys stays with 3/4 and brings 10; then a brings 10 and 5, and b, lost, comes back with 25."""
    b, lost = "buys", "lost"
    return _rows(
        {"a": ([b] * 6, [10, 10, 10, 10, 10, 5]), "b": ([b, lost, lost, lost, lost, b], [10, 0, 0, 0, 0, 25]), **others}
    )


def _verdicts(result):
    return {check.assumption: check.verdict for check in result.checks}


def _value_verdict(result):
    return _verdicts(result)["the value ahead is borne out by money of periods held out"]


@pytest.fixture(scope="module")
def steady():
    return backtest_value(simulate(1, n_customers=2000, n_periods=48), discount_rate=0.1, horizon=12, context=EUR)


# -- by hand ---------------------------------------------------------------------------------------------------------


def test_by_hand():
    result = backtest_value(_by_hand(), discount_rate=0.25, horizon=2)
    rows = result.origins.set_index("term")
    assert (result.n_origins, result.horizon, result.spread_over) == (1, 2, "customers")
    assert rows["origin"].tolist() == [3, 3, 3]
    assert rows["n_customers"].to_dict() == {"not_lost": 1, "lost": 1, "all": 2}
    assert rows["value_ahead"].to_dict() == pytest.approx({"not_lost": 9.6, "lost": 0, "all": 9.6})  # 10 (.6 + .6²)
    assert rows["money_came"].to_dict() == pytest.approx({"not_lost": 11.2, "lost": 16, "all": 27.2})
    assert rows["money_before"].to_dict() == pytest.approx({"not_lost": 14.4, "lost": 0, "all": 14.4})
    assert rows["ratio"].isna().to_dict() == {"not_lost": False, "lost": True, "all": False}
    assert result.ratio == pytest.approx(11.2 / 9.6)
    assert result.ratio_before == pytest.approx(11.2 / 14.4)
    assert (result.error, result.error_before) == pytest.approx((1.6 / 11.2, 3.2 / 11.2))
    assert result.states["money_came"].tolist() == pytest.approx([11.2, 16])


def test_the_lost_state_is_last_wherever_it_stands():
    panel = _by_hand().assign(state=lambda d: d["state"].replace({"lost": "gone"}))
    result = backtest_value(panel, discount_rate=0.25, horizon=2, absorbing="gone")
    assert result.origins["value_ahead"].tolist() == pytest.approx([9.6, 0, 9.6])
    nobody = backtest_value(panel, discount_rate=0.25, horizon=2, absorbing=None)
    assert nobody.origins["term"].tolist() == ["not_lost", "all"]
    assert nobody.origins["money_came"].tolist() == pytest.approx([27.2, 27.2])


def test_after_a_cut_nothing_is_expected_not_even_credit_notes():
    panel = _by_hand()
    panel.loc[(panel["customer_id"] == "b") & (panel["period"] == 2), "revenue"] = -9  # -3 per period lost
    kept, cut = (
        backtest_value(panel, discount_rate=0.25, horizon=2, returns=returns).origins["value_ahead"].tolist()
        for returns in ("kept", "cut")
    )
    assert kept == pytest.approx([9.6 - 3 * (0.2 + 0.28), -3 * (0.8 + 0.64), 9.6 - 3 * (0.2 + 0.28 + 0.8 + 0.64)])
    assert cut == pytest.approx([9.6, 0, 9.6])


def test_what_comes_as_expected_of_every_customer_leaves_no_doubt():
    panel = _rows({f"{i}": (["A" if i % 2 else "B"] * 8, [100 if i % 2 else 1] * 8) for i in range(20)})
    result = backtest_value(panel, discount_rate=0.1, horizon=4, absorbing=None)
    assert (result.ratio_low, result.ratio_high) == pytest.approx((1, 1))  # whoever is drawn
    assert result.coverage == 1


def test_new_customers_count_on_neither_side():
    before = backtest_value(_by_hand(), discount_rate=0, horizon=2).origins["money_came"]
    late = _rows({"new": (["buys"] * 2, [1000, 1000])}).assign(period=[4, 5])
    after = backtest_value(pd.concat([_by_hand(), late]), discount_rate=0, horizon=2).origins
    assert after["money_came"].tolist() == before.tolist()
    assert after["n_customers"].tolist() == [1, 1, 2]


# -- naive recomputation ---------------------------------------------------------------------------------------------


def _naive(panel, origin, horizon, discount, *, by_season=False, cut=False):
    """Expected and came by state at an origin, with pandas, one step at a time."""
    rows = panel.sort_values(["customer_id", "period"])
    periods = sorted(rows["period"].unique())
    known = rows[rows["period"] <= origin].copy()
    known["to"] = known.groupby("customer_id")["state"].shift(-1)
    now = known[known["period"] == origin]
    at = periods.index(origin)
    value = dict.fromkeys(STATES, 0.0)
    for start in STATES:
        share = pd.Series({s: float(s == start) for s in STATES})
        for t in range(1, horizon + 1):
            moves = known[known["period"].dt.month == periods[at + t - 1].month] if by_season else known
            p = pd.crosstab(moves["state"], moves["to"], normalize="index").reindex(
                index=STATES, columns=STATES, fill_value=0
            )
            seen = known[known["period"].dt.month == periods[at + t].month] if by_season else known
            r = seen.groupby("state")["revenue"].mean().reindex(STATES)
            if cut:
                p.loc["lost"], r["lost"] = [0, 0, 1], 0.0
            share = share @ p
            value[start] += float(share @ r) / (1 + discount) ** t
    later = rows[(rows["period"] > origin) & rows["customer_id"].isin(now["customer_id"])].copy()
    later["t"] = later["period"].map(periods.index) - at
    later = later[later["t"] <= horizon].assign(money=lambda d: d["revenue"] / (1 + discount) ** d["t"])
    came = later.groupby("customer_id")["money"].sum()
    return (
        {s: value[s] * int((now["state"] == s).sum()) for s in STATES},
        now.assign(came=now["customer_id"].map(came)).groupby("state")["came"].sum().to_dict(),
    )


@pytest.mark.parametrize(
    ("settings", "naive"),
    [({}, {}), ({"chain": "cyclic"}, {"by_season": True}), ({"returns": "cut"}, {"cut": True})],
)
def test_by_brute_force(settings, naive):
    panel = simulate(4, n_periods=36, n_customers=200).sample(frac=1, random_state=1)  # in any order
    result = backtest_value(panel, discount_rate=0.1, horizon=6, n_origins=1, **settings)
    origin = result.origins["origin"].iloc[0]
    assert origin == pd.Timestamp("2024-06-01")
    expected, came = _naive(panel, origin, 6, 1.1 ** (1 / 12) - 1, **naive)
    states = result.states.set_index("state")
    assert states["value_ahead"].to_dict() == pytest.approx(expected)
    assert states["money_came"].to_dict() == pytest.approx(came)
    assert result.ratio == pytest.approx((came["A"] + came["B"]) / (expected["A"] + expected["B"]))


# -- what was known --------------------------------------------------------------------------------------------------


def test_nothing_later_is_in_what_was_expected():
    panel = simulate(5, n_periods=30)
    before = backtest_value(panel, discount_rate=0.1, horizon=6)
    last = before.origins["origin"].max()
    later = panel["period"] > last
    other = panel.assign(
        revenue=panel["revenue"].where(~later, 7 * panel["revenue"]),
        state=panel["state"].where(~later, panel["state"].sample(frac=1, random_state=1).to_numpy()),
    )
    after = backtest_value(other, discount_rate=0.1, horizon=6)
    known = ["origin", "term", "n_customers", "value_ahead", "ci_low", "ci_high", "money_before"]
    pd.testing.assert_frame_equal(before.origins[known], after.origins[known])
    changed = before.origins["money_came"] != after.origins["money_came"]
    assert (changed == (before.origins["origin"] == last)).all()


def test_a_state_that_comes_up_after_the_origin_changes_nothing():
    panel = _by_hand()
    renamed = panel.assign(state=panel["state"].where((panel["period"] < 5) | (panel["customer_id"] == "b"), "new"))
    one, two = (backtest_value(rows, discount_rate=0, horizon=2).origins["value_ahead"] for rows in (panel, renamed))
    assert one.tolist() == two.tolist()


# -- known truths ----------------------------------------------------------------------------------------------------


def test_a_steady_world_is_borne_out(steady):
    assert steady.ratio == pytest.approx(1, abs=0.04)
    assert steady.ratio_low < 1 < steady.ratio_high
    assert _value_verdict(steady) == "holds"
    assert steady.worst_state() is None
    assert steady.error < 0.05 < 0.1 < steady.error_before  # the first origin follows a start from which many were lost
    assert steady.spread_over == "origins"
    assert "Values of this report" not in steady.answer()


def test_intervals_cover_in_steady_worlds():
    results = [
        backtest_value(
            simulate(seed, n_periods=24, n_customers=400, level=0.7), discount_rate=0.1, horizon=12, n_resamples=100
        )
        for seed in range(60)
    ]
    assert all(result.spread_over == "customers" for result in results)
    assert np.mean([result.ratio_low <= 1 <= result.ratio_high for result in results]) >= 0.88
    assert np.mean([result.coverage for result in results]) >= 0.9


@pytest.mark.parametrize(
    ("n_periods", "variance"), [(12, 400 * 4 + 1600**2 / 3200), (8, 400 * 3 * (4 / 3) ** 2 + 1600)]
)
def test_width_of_the_prediction_interval(n_periods, variance):
    """400 customers in one state, money with variance 1: their own totals of 4 periods, and the mean over the periods before."""
    rng = np.random.default_rng(1)
    panel = pd.DataFrame(
        {
            "customer_id": np.repeat([f"{i}" for i in range(400)], n_periods),
            "period": np.tile(range(n_periods), 400),
            "state": "buys",
            "revenue": rng.uniform(10, 10 + 12**0.5, 400 * n_periods),
        }
    )
    result = backtest_value(panel, discount_rate=0, horizon=4, n_origins=1, absorbing=None, n_resamples=5000)
    row = result.origins.iloc[0]
    assert row["ci_high"] - row["ci_low"] == pytest.approx(2 * 1.96 * variance**0.5, rel=0.06)


def _silent_leavers(seed, n_customers=600, n_periods=20, k=6, leaves=0.08):
    """All begin in the first period and leave without a word; the class is carried on until k periods of silence."""
    rng = np.random.default_rng(seed)
    gone = rng.geometric(leaves, n_customers)[:, None]
    t = np.arange(n_periods)[None]
    silent = np.maximum(t - gone + 1, 0)
    state = np.where(silent >= k, "lost", np.where(np.arange(n_customers)[:, None] % 2, "A", "B"))
    money = (silent == 0) * np.where(np.arange(n_customers)[:, None] % 2, 100.0, 20.0)
    return pd.DataFrame(
        {
            "customer_id": np.repeat([f"{i:04d}" for i in range(n_customers)], n_periods),
            "period": np.tile(pd.date_range("2022-01-01", periods=n_periods, freq="MS"), n_customers),
            "state": state.ravel(),
            "revenue": money.ravel(),
        }
    )


def test_classes_carried_through_silence_that_overstate_are_caught():
    result = backtest_value(_silent_leavers(1), discount_rate=0.1, horizon=8, n_origins=1, context=EUR)
    assert result.ratio_high < 0.9
    assert _value_verdict(result) == "does not hold"
    assert f"too high: about {1 - result.ratio:.0%} of what they say did not come" in result.answer()
    assert "because of the season, since 8 months are no whole year" in result.answer()
    assert result.coverage == 0
    assert _verdicts(result)["the prediction interval covered the money that came"] == "does not hold"


def test_values_that_understate_are_caught():
    panel = simulate(2, n_customers=1000, n_periods=24)
    panel.loc[panel["period"] >= "2023-01-01", "revenue"] *= 1.5
    result = backtest_value(panel, discount_rate=0.1, horizon=12)
    assert result.ratio == pytest.approx(1.5, abs=0.1)
    assert "too low: about" in result.answer()
    assert "season" not in result.answer()
    part = backtest_value(panel[panel["period"] < "2023-07-01"], discount_rate=0.1, horizon=6)
    assert "too low: about" in part.answer() and "since 6 months are no whole year" in part.answer()
    panel = simulate(2, n_customers=1000, n_periods=30)
    panel.loc[panel["period"] >= "2024-02-01", "revenue"] *= 1.5
    by_season = backtest_value(panel, discount_rate=0.1, horizon=5, chain="cyclic")
    assert "too low: about" in by_season.answer() and "no whole year" not in by_season.answer()


def test_a_state_that_is_off_is_named_though_the_whole_is_right():
    panel = simulate(2, n_customers=2000, n_periods=24, p=np.array([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0, 0, 1.0]]))
    at = panel[panel["period"] == "2022-12-01"].set_index("customer_id")["state"]
    later, start = panel["period"] >= "2023-01-01", panel["customer_id"].map(at)
    panel.loc[later & (start == "B"), "revenue"] *= 2
    result = backtest_value(panel, discount_rate=0.1, horizon=12)
    assert result.worst_state()["state"] == "B"
    assert "customers in B brought" in result.answer()
    assert _verdicts(result)["the value of each state is borne out, too"] == "does not hold"


def test_few_customers_are_not_enough_to_tell():
    results = [
        backtest_value(simulate(seed, n_customers=12, n_periods=24, level=1.5), discount_rate=0.1, horizon=12)
        for seed in range(6)
    ]
    unsure = [result for result in results if _value_verdict(result) == "not testable"]
    assert len(unsure) >= 4
    assert all(result.ratio_high - result.ratio_low > 0.25 for result in unsure)
    off = next(result for result in unsure if abs(result.ratio - 1) > 0.1)
    assert "too few data to tell it from chance" in off.answer()


# -- origins ---------------------------------------------------------------------------------------------------------


def test_origins_do_not_overlap_and_the_horizon_fits(steady):
    assert steady.origins["origin"].drop_duplicates().dt.strftime("%Y-%m").tolist() == ["2022-12", "2023-12", "2024-12"]
    assert not steady.overlapping
    short = backtest_value(simulate(1, n_periods=13), discount_rate=0.1, horizon=12)
    assert (short.horizon, short.horizon_wanted, short.n_origins) == (6, 12, 1)
    assert any("6 months instead of 12 months" in fact.value for fact in short.assumed)
    assert backtest_value(simulate(1), discount_rate=0.1, horizon=1).n_origins == 6
    dense = backtest_value(simulate(1, n_periods=30), discount_rate=0.1, horizon=12, n_origins=4)
    assert dense.origins["origin"].drop_duplicates().dt.strftime("%Y-%m").tolist() == [
        "2022-12", "2023-02", "2023-04", "2023-06",
    ]  # fmt: skip
    assert (dense.overlapping, dense.spread_over) == (True, "customers")


def test_interval_over_origins(steady):
    rows = steady.origins[steady.origins["term"] == "not_lost"]
    came, expected = rows["money_came"].to_numpy(), rows["value_ahead"].to_numpy()
    over = came.sum() / expected.sum()
    std_error = np.std(came - over * expected, ddof=1) * np.sqrt(3) / expected.sum()
    reach = 4.302653 * std_error / over  # t, 2 degrees of freedom
    assert (steady.ratio_low, steady.ratio_high) == pytest.approx((over * np.exp(-reach), over * np.exp(reach)))


def test_cyclic_needs_two_years_before_the_origin():
    panel = simulate(1, n_periods=30)
    result = backtest_value(panel, discount_rate=0.1, horizon=12, chain="cyclic")
    assert (result.horizon, result.origins["origin"].iloc[0]) == (5, pd.Timestamp("2024-01-01"))
    assert _verdicts(result)["seasons do not blur the comparison"] == "handled"
    none = backtest_value(simulate(1, n_periods=25), discount_rate=0.1, horizon=12, chain="cyclic")
    assert none.untested == "too few periods were seen to hold some out"


def test_an_origin_with_a_state_never_left_is_left_out():
    b = ["buys"] * 10
    panel = _rows({"a": (b, [10] * 10), "b": (b[:5] + ["VIP"] * 5, [10] * 10)})  # origins 3, 5 and 7
    result = backtest_value(panel, discount_rate=0, horizon=2, absorbing=None)
    assert (result.n_origins, result.n_left_out, result.n_missing) == (2, 1, 0)
    assert any("left out" in fact.would_change for fact in result.assumed)
    only = backtest_value(panel[panel["period"] <= 7], discount_rate=0, horizon=2, n_origins=1, absorbing=None)
    assert only.untested == "at the past origins some state had not yet been seen to be left"


def test_customers_who_are_not_followed_are_counted():
    panel = _by_hand()
    result = backtest_value(
        panel[~((panel["customer_id"] == "a") & (panel["period"] == 5))], discount_rate=0.25, horizon=2
    )
    assert result.n_missing == 1
    assert result.origins["money_came"].iloc[0] == pytest.approx(8)
    assert _verdicts(result)["customers are followed to the end of the time tested"] == "does not hold"


# -- look-ahead of classes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cuts", "verdict"), [((100.0, 10.0), "does not hold"), (None, "holds")])
def test_limits_of_classes_from_the_whole_ledger_are_said(cuts, verdict):
    panel = StatePanel(
        rows=simulate(1),
        states=STATES,
        lost="lost",
        impossible=(),
        freq="month",
        k=3,
        cuts=cuts,
        left_out=pd.DataFrame({"term": [], "n_cases": []}),
    )
    what = "nothing later than an origin is in what was expected there"
    assert _verdicts(backtest_value(panel, discount_rate=0.1, horizon=12))[what] == verdict
    assert _verdicts(backtest_value(panel.rows, discount_rate=0.1, horizon=12))[what] == "not testable"


# -- not testable ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("panel", "reason"),
    [
        (simulate(1, n_periods=4), "too few periods were seen to hold some out"),
        (
            simulate(1).assign(revenue=0.0),
            "no money was expected of the customers who were not lost at the past origins",
        ),
    ],
)
def test_not_testable_is_a_result(panel, reason, tmp_path):
    result = backtest_value(panel, discount_rate=0.1, horizon=3, context=EUR)
    assert result.untested == reason
    assert result.ratio is None
    assert result.origins.empty and result.states.empty
    assert (result.n_origins, result.horizon) == (0, 0)
    time = panel["period"].nunique()
    assert result.answer() == (
        f"Nothing says whether customers bring what their value says: {reason} ({time} months of 300 customers)."
    )
    assert 3 <= len(result.answer().key_figures) <= 5
    assert set(_verdicts(result).values()) == {"not testable"}
    save_results(result, to=tmp_path)
    assert load_results(tmp_path)["value_backtest"].answer() == result.answer()


# -- contract --------------------------------------------------------------------------------------------------------


def test_answer_of_one_and_of_several_origins(steady):
    assert steady.answer().startswith("At the end of 3 past periods the chain expected €")
    one = backtest_value(simulate(1, n_customers=2000, n_periods=24), discount_rate=0.1, horizon=12, context=EUR)
    assert one.answer().startswith("At the end of December 2022 the chain expected €")
    assert "over the next 12 months from the customers of that time; €" in one.answer()
    assert all(4 <= len(result.answer().key_figures) <= 5 for result in (one, steady))
    assert one.answer().key_figures[0].value == f"{one.ratio:.1%}"


def test_columns_save_and_load(steady, tmp_path):
    assert set().union(*(frame.columns for frame in steady.tables().values())) <= set(GLOSSARY)
    for frame in steady.tables().values():
        assert isinstance(frame.index, pd.RangeIndex)
    save_results(steady, to=tmp_path)
    loaded = load_results(tmp_path)["value_backtest"]
    assert isinstance(loaded, ValueBacktestResult)
    assert loaded.answer() == steady.answer()
    pd.testing.assert_frame_equal(loaded.origins, steady.origins, check_dtype=False)


def test_same_seed_same_numbers_and_no_change_of_the_input():
    panel = simulate(1, n_customers=50)
    kept = panel.copy()
    first, again, other = (backtest_value(panel, discount_rate=0.1, horizon=12, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first.origins, again.origins)
    assert (first.origins["ci_low"] != other.origins["ci_low"]).all()
    assert first.ratio == other.ratio
    pd.testing.assert_frame_equal(panel, kept)


def test_margin_before_revenue():
    panel = _by_hand().assign(margin=lambda d: 2 * d["revenue"])
    assert backtest_value(panel, discount_rate=0.25, horizon=2).money == "margin"
    assert backtest_value(panel, discount_rate=0.25, horizon=2, money="revenue").origins["value_ahead"].iloc[
        0
    ] == pytest.approx(9.6)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"horizon": 0}, ParameterError, "horizon is 0"),
        ({"horizon": 1.5}, ParameterError, "horizon is 1.5"),
        ({"n_origins": 0}, ParameterError, "n_origins is 0"),
        ({"n_origins": 30}, ParameterError, "At most 9 are possible"),
        ({"returns": "no"}, ParameterError, "returns is 'no'"),
        ({"chain": "auto"}, ParameterError, "chain is 'auto'"),
        ({"n_resamples": 9}, ParameterError, "n_resamples is 9"),
        ({"level": 1}, ParameterError, "level is 1"),
        ({"discount_rate": -0.1}, ParameterError, "discount_rate is -0.1"),
        ({"absorbing": "gone"}, NoAbsorbingStateError, "'gone'"),
        ({"money": "profit"}, MissingColumnError, "profit"),
    ],
)
def test_bad_arguments_are_named(panel, settings, error, message):
    with pytest.raises(error, match=message):
        backtest_value(panel, **{"discount_rate": 0.1, "horizon": 8, **settings})


def test_bad_panels_are_named(panel):
    with pytest.raises(ParameterError, match="no money"):
        backtest_value(panel.drop(columns="revenue"), discount_rate=0.1, horizon=2)
    with pytest.raises(ParameterError, match="no seasons"):
        backtest_value(_by_hand(), discount_rate=0.1, horizon=2, chain="cyclic")
    with pytest.raises(EmptyDataError):
        backtest_value(panel.iloc[:0], discount_rate=0.1, horizon=2)
    with pytest.raises(EmptyDataError, match="one period"):
        backtest_value(panel[panel["period"] == "2022-01-01"], discount_rate=0.1, horizon=2)


def test_no_interval_without_a_test():
    untested = backtest_value(simulate(1, n_periods=4), discount_rate=0.1, horizon=3)
    with pytest.raises(ParameterError, match="no interval"):
        replace(untested, ratio=1.0).answer()
