import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.churn.backtest import YEAR_AGO
from kam.churn.forecast import forecast_mix
from kam.columns import GLOSSARY
from kam.errors import DataError, EmptyDataError, EmptyStateError, MissingColumnError, ParameterError
from kam.ledger import open_ledger, state_panel
from kam.results import Context, load_results, save_results
from kam.samples import simulate_chain
from tests.churn.worlds import STATES, TRUTH, from_states, numbers, quarterly, seasonal, walk

# -- by hand ---------------------------------------------------------------------------------------------------------


def test_two_states_by_hand():
    """20 buy: 16 stay, 4 are lost; 5 are lost: 2 come back. P = .8 .2 / .4 .6; now 18 buy and 7 are lost."""
    was = ["buys"] * 20 + ["lost"] * 5
    now = ["buys"] * 16 + ["lost"] * 4 + ["buys"] * 2 + ["lost"] * 3
    panel = pd.DataFrame({"customer_id": [*range(25), *range(25)], "period": [1] * 25 + [2] * 25, "state": was + now})
    result = forecast_mix(panel, horizon=2)
    assert numbers(result, "all").to_numpy() == pytest.approx(np.array([[17.2, 7.8], [16.88, 8.12]]))
    assert numbers(result, "present").equals(numbers(result, "all"))
    assert numbers(result, "active").to_numpy() == pytest.approx(np.array([[14.4, 3.6], [12.96, 5.04]]))
    assert result.forecast["period"].unique().tolist() == [3, 4]
    assert (result.n_now, result.n_active, result.entrants["n_expected"].sum()) == (25, 18, 0)
    last = result.totals[result.totals["scope"] == "active"].iloc[-1]
    assert last["n_expected"] == pytest.approx(12.96)
    assert result.answer() == (
        "Of the 18 customers not lost today, 13 are expected to be there still in period 4 "
        f"(95% prediction interval {last['n_low']:.0f} to {last['n_high']:.0f}), 5 to be lost. "
        "Nothing says how good this is: too few periods were seen to hold some out."
    )
    assert [check.verdict for check in result.checks] == ["not testable"] * 4


# -- a known truth ---------------------------------------------------------------------------------------------------


def test_a_simulated_ledger_is_forecast():
    names = ["large", "small", "lost"]
    _, months = simulate_chain(
        pd.DataFrame(TRUTH, index=names, columns=names),
        {"large": 1000.0, "small": 200.0, "lost": 0.0},
        seed=2,
        n_customers=4000,
        n_months=30,
    )
    panel = months.rename(columns={"month": "period"})
    known = panel[panel["period"] < "2025-07-01"]
    result = forecast_mix(known, horizon=6)
    truth = known.groupby("period")["state"].value_counts().unstack()[names].iloc[-1].to_numpy(dtype=float)
    happened = panel.groupby("period")["state"].value_counts().unstack()[names]
    for h in range(1, 7):
        truth = truth @ TRUTH
        expected = numbers(result, "all").loc[h, names]
        assert expected.to_numpy(dtype=float) == pytest.approx(truth, rel=0.05)
    inside = (numbers(result, "all", "n_low")[names].to_numpy() <= happened.iloc[-6:].to_numpy()) & (
        happened.iloc[-6:].to_numpy() <= numbers(result, "all", "n_high")[names].to_numpy()
    )
    assert inside.mean() >= 0.8
    assert result.variation == pytest.approx(1, abs=0.4)
    assert result.checks[0].verdict == "holds"
    assert 0.85 <= result.coverage() <= 1


def coverage_of_new_periods(seed, tilt, n_customers, n_periods, n_reps, horizon=3):
    """Coverage of periods to come, that of an interval that holds chance alone, and the width over one that knows the truth.

    The probabilities of a period are those of TRUTH, tilted towards staying or leaving by a normal number.
    """
    rng = np.random.default_rng(seed)
    every = TRUTH * np.exp(rng.normal(0, tilt, (4000, 1, 1)) * np.array([1.0, 0.0, -1.0]))
    every /= every.sum(axis=2, keepdims=True)
    inside, inside_chance, ratio = [], [], []
    for rep in range(n_reps):
        states = walk(rng, every[rng.integers(4000, size=n_periods + horizon - 1)], n_customers)
        result = forecast_mix(from_states(states[:, :n_periods]), horizon=horizon, n_origins=1, n_draws=200, seed=rep)
        low, high = (numbers(result, "present", column).to_numpy() for column in ("n_low", "n_high"))
        known, chance = (np.tile(np.bincount(states[:, n_periods - 1], minlength=3), (400, 1)) for _ in range(2))
        for h in range(horizon):
            happened = np.bincount(states[:, n_periods + h], minlength=3)
            known = rng.multinomial(known, every[rng.integers(4000, size=400)]).sum(axis=1)
            chance = rng.multinomial(chance, every.mean(axis=0)).sum(axis=1)
            ends = np.quantile(chance, [0.025, 0.975], axis=0)
            inside.append((low[h] <= happened) & (happened <= high[h]))
            inside_chance.append((ends[0] <= happened) & (happened <= ends[1]))
            ratio.append((high[h] - low[h]) / np.subtract(*np.quantile(known, [0.975, 0.025], axis=0)))
    return np.mean(inside), np.mean(inside_chance), np.median(ratio)


def test_intervals_cover_new_periods_when_no_two_are_alike():
    covered, by_chance_alone, ratio = coverage_of_new_periods(11, 0.3, 1500, 20, 50)
    assert 0.90 <= covered <= 0.98
    assert by_chance_alone < 0.6
    assert ratio < 1.5


def test_intervals_are_not_too_wide_when_all_periods_are_alike():
    covered, by_chance_alone, ratio = coverage_of_new_periods(12, 0.0, 600, 20, 50)
    assert 0.90 <= covered <= 0.99
    assert by_chance_alone > 0.85
    assert ratio < 1.5


# -- which chain -----------------------------------------------------------------------------------------------------


def test_the_chosen_chain_forecasts():
    panel = quarterly(2, p=seasonal(0.8), n_customers=2000, n_periods=20, late=False)
    result = forecast_mix(panel)
    assert (result.chain, result.why_chain) == ("cyclic", "a chain for each season missed by less in the back-test")
    assert "same season of every year" in result.checks[0].assumption
    cycle = panel.assign(next=panel.groupby("customer_id")["state"].shift(-1)).dropna(subset="next")
    now = panel[panel["period"] == panel["period"].max()]["state"].value_counts()[list(STATES)].to_numpy(dtype=float)
    for h, quarter in enumerate((4, 1, 2, 3), start=1):  # the last period is a fourth quarter
        rows = cycle[cycle["period"].dt.quarter == quarter]
        p = pd.crosstab(rows["state"], rows["next"], normalize="index").loc[list(STATES), list(STATES)].to_numpy()
        now = now @ p
        assert numbers(result, "all").loc[h, list(STATES)].to_numpy(dtype=float) == pytest.approx(now)
    error = result.backtest.set_index(["scope", "term", "n_ahead"])["error"]
    assert error["active", "cyclic chain", 2] < error["active", "pooled chain", 2]


# -- what the answer says --------------------------------------------------------------------------------------------


def test_the_answer_says_when_the_chain_is_better_worse_or_no_better():
    better = forecast_mix(quarterly(1, n_customers=3000, late=False), lost="lost", horizon=2)
    row = better.hardest()
    assert row["ci_high"] < 1
    assert (
        f"In {row['n_origins']} back-tests the forecast of how many are in each state missed by {row['error']:.1%}, "
        in better.answer()
    )
    assert better.checks[3].verdict == "holds"
    swings = quarterly(1, p=seasonal(1.2), n_customers=3000, late=False)
    worse = forecast_mix(swings, chain="pooled", horizon=2)
    assert worse.hardest()["ci_low"] > 1
    assert "It is worse than taking the numbers of a year before: in 5 back-tests it missed " in worse.answer()
    assert worse.checks[0].verdict == "handled"
    assert worse.checks[3].verdict == "does not hold"
    slow = np.array([[0.98, 0.01, 0.01], [0.01, 0.98, 0.01], [0.01, 0.01, 0.98]])
    still = forecast_mix(from_states(walk(np.random.default_rng(5), [slow] * 15, 900)), horizon=1)
    assert still.hardest()["ci_low"] <= 1 <= still.hardest()["ci_high"]
    assert "It is no better than assuming no change" in still.answer()


def test_without_a_lost_state_the_fullest_state_is_named():
    result = forecast_mix(quarterly(2), lost=None, horizon=2, n_draws=200)
    assert result.lost == ""
    assert numbers(result, "active").equals(numbers(result, "present"))
    last = numbers(result, "all").loc[2]
    total = result.totals[(result.totals["scope"] == "all") & (result.totals["n_ahead"] == 2)]["n_expected"].iloc[0]
    assert result.answer().startswith(
        f"In Q2 2026 {total:,.0f} customers are expected, new ones included, {last.max():,.0f} of them in {last.idxmax()}"
    )
    assert set(result.backtest_points["state"]) == set(STATES)


def test_nothing_moved_and_nothing_is_compared():
    panel = from_states(np.tile(np.array([[0], [1], [2]]), (20, 10)))
    result = forecast_mix(panel, horizon=1)
    assert numbers(result, "all").to_numpy().tolist() == [[20, 20, 20]]
    assert result.checks[3].verdict == "not testable"
    assert "no better than assuming no change" in result.answer()


# -- bad input -------------------------------------------------------------------------------------------------------


PANEL = quarterly(n_customers=60, n_periods=8)
ONE = PANEL[PANEL["customer_id"] == "00001"]


@pytest.mark.parametrize(
    ("panel", "arguments", "error", "says"),
    [
        (PANEL[PANEL["period"] == "2022-01-01"], {}, EmptyDataError, "one period, 2022-01-01"),
        (PANEL.drop(columns="state"), {}, MissingColumnError, "state"),
        (PANEL, {"horizon": 0}, ParameterError, "horizon is 0"),
        (PANEL, {"lost": "gone"}, ParameterError, "no state 'gone'.*A, B, lost"),
        (PANEL, {"states": ["A", "lost"]}, ParameterError, "no state 'B'"),
        (PANEL, {"states": ["A", "B", "C", "lost"]}, EmptyStateError, "'C'"),
        (PANEL, {"chain": "seasonal"}, ParameterError, "no chain 'seasonal'"),
        (PANEL, {"chain": "cyclic"}, ParameterError, "two years.*8 periods, 4 in a year"),
        (PANEL, {"n_origins": 5}, ParameterError, "At most 4"),
        (PANEL, {"n_origins": 0}, ParameterError, "from 0 origins"),
        (PANEL, {"n_draws": 10}, ParameterError, "n_draws is 10"),
        (PANEL, {"level": 1.0}, ParameterError, "level"),
        (PANEL.drop(ONE.index[3]), {}, DataError, "1 customers are missing.*'00001', period 2022-10-01"),
        (PANEL.drop(ONE.index[-1]), {}, DataError, "1 customers are missing.*'00001', period 2023-10-01"),
        (pd.concat([PANEL, ONE.head(1)]), {}, DataError, "stands twice"),
        (
            PANEL.assign(state=PANEL["state"].where(PANEL.index != ONE.index[-1], "new")),
            {},
            EmptyStateError,
            "'new'",
        ),
    ],
)
def test_bad_input_is_named(panel, arguments, error, says):
    with pytest.raises(error, match=says):
        forecast_mix(panel, **arguments)


# -- always ----------------------------------------------------------------------------------------------------------


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.integers(5, 60), st.integers(2, 14), st.integers(1, 5))
def test_numbers_add_up_whatever_the_panel(seed, n_customers, n_periods, horizon):
    panel = quarterly(seed, n_customers=n_customers, n_periods=n_periods)
    panel = panel[panel["customer_id"].isin(panel.loc[panel["period"] == panel["period"].min(), "customer_id"])]
    before = panel.copy(deep=True)
    lost = "lost" if "lost" in set(panel["state"]) else None
    try:
        result = forecast_mix(panel, horizon=horizon, lost=lost, n_draws=100)
    except EmptyStateError:  # somebody is where nobody was before
        return
    pd.testing.assert_frame_equal(panel, before)
    assert numbers(result, "present").sum(axis=1).to_numpy() == pytest.approx(result.n_now)
    assert numbers(result, "active").sum(axis=1).to_numpy() == pytest.approx(result.n_active)
    assert (result.forecast["n_low"] <= result.forecast["n_high"]).all()
    assert (result.forecast["n_low"] >= 0).all()
    assert np.isfinite(result.forecast["n_expected"]).all()
    shuffled = forecast_mix(panel.sample(frac=1, random_state=seed), horizon=horizon, lost=lost, n_draws=100)
    for name, frame in result.tables().items():
        pd.testing.assert_frame_equal(frame, shuffled.tables()[name])
    other = forecast_mix(panel, horizon=horizon, lost=lost, n_draws=100, seed=2)
    assert other.forecast["n_expected"].equals(result.forecast["n_expected"])


def test_scopes_and_totals_add_up():
    result = forecast_mix(quarterly(7), horizon=3, n_draws=200)
    for scope in ("all", "present", "active"):
        alive = numbers(result, scope)[["A", "B"]].sum(axis=1)
        totals = result.totals[result.totals["scope"] == scope].set_index("n_ahead")
        assert totals["n_expected"].to_numpy() == pytest.approx(alive.to_numpy())
    grown = (numbers(result, "all") - numbers(result, "present")).sum(axis=1)
    assert grown.to_numpy() == pytest.approx(result.entrants["n_expected"].cumsum().to_numpy())
    lost, kept = numbers(result, "active", "n_low")["lost"], result.totals[result.totals["scope"] == "active"]
    assert (result.n_active - kept["n_high"]).tolist() == lost.tolist()
    assert result.forecast["period"].unique().tolist() == pd.date_range("2026-01-01", periods=3, freq="QS").tolist()


def test_the_result_can_be_saved_and_its_columns_are_known(tmp_path):
    for panel in (quarterly(8), quarterly(8, n_periods=5)):
        result = forecast_mix(panel, n_draws=100, context=Context(dataset="test"))
        for name, frame in result.tables().items():
            assert not set(frame.columns) - set(GLOSSARY), name
            assert frame.index.equals(pd.RangeIndex(len(frame)))
            for column in frame:
                if GLOSSARY[column].format in ("count", "share", "number"):
                    assert pd.api.types.is_numeric_dtype(frame[column]), f"{name}.{column}"
        assert 3 <= len(result.answer().key_figures) <= 5
        assert all(figure.note for figure in result.answer().key_figures)
        save_results(result, to=tmp_path)
        again = load_results(tmp_path)["mix_forecast"]
        assert again.answer() == result.answer()
        pd.testing.assert_frame_equal(again.backtest, result.backtest)


def test_a_panel_of_the_ledger_gives_the_same():
    orders, _ = simulate_chain(
        pd.DataFrame([[0.6, 0.4], [0.5, 0.5]], index=["buys", "silent"], columns=["buys", "silent"]),
        {"buys": 100.0, "silent": 0.0},
        seed=1,
        n_customers=200,
        n_months=18,
    )
    panel = state_panel(open_ledger(orders, currency="EUR"), states="recency", k=3)
    result = forecast_mix(panel, n_draws=100)
    assert tuple(result.forecast["state"].iloc[:4]) == panel.states == ("bought", "silent 1", "silent 2", "lost")
    plain = panel.rows[["customer_id", "period", "state"]].astype({"customer_id": str, "state": str})
    pd.testing.assert_frame_equal(result.forecast, forecast_mix(plain, n_draws=100).forecast)
    odd = PANEL.assign(state=PANEL["state"].replace({"A": "x", "lost": "a lost"}))
    assert forecast_mix(odd, lost="a lost", n_draws=100).forecast["state"].iloc[:3].tolist() == ["B", "x", "a lost"]


# -- real data -------------------------------------------------------------------------------------------------------


def test_online_retail_by_month_is_seasonal_and_a_year_ago_beats_the_chain(real_data):
    orders = pd.read_parquet(real_data("online_retail_ii/orders_2009_2011.parquet"))
    orders = orders[(orders["amount"] > 0) & ~orders["cancelled"] & (orders["date"] < "2011-12-01")]
    month = orders["date"].dt.to_period("M")
    bought = pd.crosstab(orders["customer_id"].astype(str), month).to_numpy() > 0
    place = np.arange(bought.shape[1])
    silent = place - np.maximum.accumulate(np.where(bought, place, -100), axis=1)
    states = np.where(silent > 50, -1, np.minimum(silent, 3))
    panel = from_states(states, ("bought", "silent 1", "silent 2", "lost"))
    panel["period"] = pd.date_range("2009-12-01", periods=24, freq="MS")[panel["period"]]
    result = forecast_mix(panel, horizon=6, n_draws=200)
    assert (result.chain, result.n_origins, result.variation > 10) == ("pooled", 8, True)
    row = result.hardest()
    assert row["term"] == YEAR_AGO
    mix = np.stack([(states == s).sum(axis=0) for s in range(3)], axis=1)
    cases = [(o, h) for o in range(15, 23) for h in range(1, min(6, 23 - o) + 1)]
    off = sum(np.abs(mix[o + h - 12] - mix[o + h]).sum() for o, h in cases)
    assert row["error_naive"] == pytest.approx(off / sum(mix[o + h].sum() for o, h in cases))
    assert (round(row["error"], 3), round(row["error_naive"], 3)) == (0.160, 0.067)
    assert "It is worse than taking the numbers of a year before" in result.answer()


def test_the_lost_who_were_never_followed_stay_lost():
    """Lost for the first time in the last period: nobody was seen to leave that state, and nobody is expected to."""
    rows = [(c, t, "lost" if t == 5 and c < 10 else "ab"[c % 2]) for c in range(40) for t in range(6)]
    panel = pd.DataFrame(rows, columns=["customer_id", "period", "state"])
    result = forecast_mix(panel, horizon=2, n_draws=100)
    lost = result.forecast[(result.forecast["scope"] == "present") & (result.forecast["state"] == "lost")]
    assert (lost["n_expected"] >= 10).all()
