import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.churn import forecast
from kam.churn.forecast import choose_chain, forecast_mix
from kam.churn.sequences import read_sequences
from kam.columns import GLOSSARY
from kam.errors import DataError, EmptyDataError, EmptyStateError, MissingColumnError, ParameterError
from kam.ledger import open_ledger, state_panel
from kam.results import Context, load_results, save_results
from kam.samples import simulate_chain
from tests.churn.worlds import STATES, TRUTH, simulate


def seasonal(strength, p=TRUTH, n_seasons=4):
    """A matrix per season: more are lost in the one half of the year, fewer in the other."""
    tilt = strength * np.cos(2 * np.pi * np.arange(n_seasons) / n_seasons)
    cycle = p * np.exp(tilt[:, None, None] * np.array([1.0, 0.0, -1.0]))
    return cycle / cycle.sum(axis=2, keepdims=True)


def quarterly(seed=1, *, p=TRUTH, n_customers=300, n_periods=16, late=True):
    """A panel by quarter in which every third customer comes later."""
    panel = simulate(seed, p=p, n_customers=n_customers, n_periods=n_periods, freq="QS")
    if not late:
        return panel
    customer, period = panel["customer_id"].astype(int), panel.groupby("customer_id").cumcount()
    return panel[(customer % 3 > 0) | (period >= customer % n_periods)].reset_index(drop=True)


def from_states(states, names=STATES):
    """A panel of numbered periods from an array (customers, periods); -1: not there."""
    customer, period = np.nonzero(states >= 0)
    codes = states[customer, period]
    ids = np.array([f"{i:05d}" for i in range(len(states))])
    columns = {"customer_id": ids[customer], "period": period, "state": np.array(names, dtype=object)[codes]}
    return pd.DataFrame(columns)


def walk(rng, matrices, n):
    """States (n, T + 1) under one matrix per step."""
    state = np.empty((n, len(matrices) + 1), dtype=int)
    state[:, 0] = rng.integers(3, size=n)
    for t, p in enumerate(matrices):
        state[:, t + 1] = (rng.random((n, 1)) > p.cumsum(axis=1)[state[:, t], :-1]).sum(axis=1)
    return state


def numbers(result, scope, column="n_expected"):
    frame = result.forecast[result.forecast["scope"] == scope]
    return frame.pivot(index="n_ahead", columns="state", values=column)


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
        "Of the 18 customers that still buy, 13 are expected still to buy in period 4 "
        f"(95% prediction interval {last['n_low']:.0f} to {last['n_high']:.0f}), 5 to be lost. "
        "Nothing says how good this is: too few periods were seen to hold some out."
    )
    assert [check.verdict for check in result.checks] == ["not testable"] * 4


def test_new_customers_come_as_in_the_same_season_after_the_first_year():
    """Quarters: 9 new in each of the first year, then 4, 2, 6, 0 and 10, 4, 4, 0; 18 in the last year, 15 on average."""
    new = [5, 9, 9, 9, 4, 2, 6, 0, 10, 4, 4, 0]
    first = np.repeat(np.arange(12), new)
    states = np.where(np.arange(12) >= first[:, None], first[:, None] % 2, -1)
    states = np.vstack([states, np.tile([2], (3, 12))])
    panel = from_states(states)
    panel["period"] = pd.date_range("2020-01-01", periods=12, freq="QS")[panel["period"]]
    result = forecast_mix(panel, horizon=5)
    assert result.entrants_rule == "season"
    assert result.entrants["n_expected"].to_numpy() == pytest.approx(np.array([7, 3, 5, 0, 7]) * 18 / 15)
    grows = numbers(result, "all") - numbers(result, "present")
    assert grows["A"].to_numpy() == pytest.approx(np.array([7, 7, 12, 12, 19]) * 18 / 15)
    assert grows["B"].to_numpy() == pytest.approx(np.array([0, 3, 3, 3, 3]) * 18 / 15)
    assert grows["lost"].tolist() == [0] * 5
    numbered = forecast_mix(from_states(states), horizon=1)  # no calendar: the mean of all periods but the first
    assert (numbered.entrants_rule, numbered.entrants["n_expected"].tolist()) == ("mean", [57 / 11])


def test_seasons_not_seen_after_the_first_year_take_the_mean_of_what_came_after_it():
    new = [5, 9, 9, 9, 4, 2, 6]
    first = np.repeat(np.arange(7), new)
    panel = from_states(np.where(np.arange(7) >= first[:, None], first[:, None] % 3, -1))
    panel["period"] = pd.date_range("2020-01-01", periods=7, freq="QS")[panel["period"]]
    result = forecast_mix(panel, horizon=2)
    assert result.entrants["n_expected"].to_numpy() == pytest.approx(
        [4, 4]
    )  # the fourth quarter: (4 + 2 + 6) / 3; the first: 4
    assert result.entrants_rule == "mean"


# -- recomputed ------------------------------------------------------------------------------------------------------


def naive_forecasts(panel, horizon, n_origins):
    """Loops over customers' dictionaries: expected numbers of both chains, and what happened."""
    periods = sorted(panel["period"].unique())
    where = {c: dict(zip(g["period"], g["state"], strict=True)) for c, g in panel.groupby("customer_id")}
    rows = []
    for o in range(len(periods) - 1 - n_origins, len(periods) - 1):
        known = {c: {t: s for t, s in path.items() if t <= periods[o]} for c, path in where.items()}
        for term in ("pooled chain", "cyclic chain"):
            count = np.zeros((4, 3, 3))
            for path in known.values():
                for t in range(o):
                    if periods[t] in path:
                        season = t % 4 if term == "cyclic chain" else slice(None)
                        count[season, STATES.index(path[periods[t]]), STATES.index(path[periods[t + 1]])] += 1
            p = count / count.sum(axis=2, keepdims=True)
            starts = np.zeros((2, 3))
            for path in known.values():
                if periods[o] in path:
                    starts[int(path[periods[o]] == "lost"), STATES.index(path[periods[o]])] += 1
            new = np.zeros((o + 1, 3))
            for path in known.values():
                if path and periods.index(min(path)) > 0:
                    new[periods.index(min(path)), STATES.index(path[min(path)])] += 1
            now = starts.copy()
            for h in range(1, min(horizon, len(periods) - 1 - o) + 1):
                now = now @ p[(o + h - 1) % 4]
                years = {c: np.mean([new[t] for t in range(4, o + 1) if t % 4 == c], axis=0) for c in range(4)}
                now[1] += years[(o + h) % 4] * new[o - 3 : o + 1].sum() / np.sum(list(years.values()))
                there = [path[periods[o + h]] for path in where.values() if periods[o + h] in path]
                stayed = [path[periods[o + h]] for path in where.values() if path.get(periods[o], "lost") != "lost"]
                for j, state in enumerate(STATES[:2]):
                    rows.append(("all", term, o, h, state, now[:, j].sum(), there.count(state), starts[:, j].sum()))
                    rows.append(("active", term, o, h, state, now[0, j], stayed.count(state), starts[0, j]))
    return pd.DataFrame(rows, columns=["scope", "term", "origin", "n_ahead", "state", "forecast", "actual", "now"])


def test_the_back_test_equals_a_naive_recomputation():
    panel = quarterly(3)
    result = forecast_mix(panel, horizon=3, chain="cyclic", n_draws=100)
    naive = naive_forecasts(panel, 3, 5)
    assert (result.n_origins, result.n_left_out) == (5, 0)
    mine = result.backtest_points.sort_values(["scope", "origin", "n_ahead", "state"])
    cyclic = naive[naive["term"] == "cyclic chain"].sort_values(["scope", "origin", "n_ahead", "state"])
    assert mine["n_expected"].to_numpy() == pytest.approx(cyclic["forecast"].to_numpy())
    assert mine["n_actual"].tolist() == cyclic["actual"].tolist()
    assert mine["state"].tolist() == cyclic["state"].tolist()
    none = naive[naive["term"] == "pooled chain"].assign(term="no change", forecast=lambda frame: frame["now"])
    for key, group in pd.concat([naive, none]).groupby(["scope", "term", "n_ahead"]):
        row = result.backtest.set_index(["scope", "term", "n_ahead"]).loc[key]
        off = group["forecast"] - group["actual"]
        assert row["error"] == pytest.approx(off.abs().sum() / group["actual"].sum())
        assert row["bias"] == pytest.approx(off.sum() / group["actual"].sum())
        assert row["n_cases"] == len(group)
    inside = mine["n_actual"].between(mine["n_low"], mine["n_high"])[mine["scope"] == "all"]
    assert result.coverage() == pytest.approx(inside.mean())
    assert result.backtest.loc[result.backtest["term"] == "no change", "coverage"].isna().all()


def test_a_year_ago_is_the_mix_of_a_year_ago_and_the_fate_of_those_who_bought_then():
    panel = quarterly(4)
    result = forecast_mix(panel, horizon=5, n_draws=100)
    wide = panel.pivot(index="customer_id", columns="period", values="state")
    rows = {"all": [], "active": []}
    for o in range(10, 15):
        for h in range(1, min(5, 15 - o) + 1):
            then = o - 4 * (1 if h <= 4 else 2)
            bought = wide[wide.iloc[:, then].isin(["A", "B"])]
            buys = wide[wide.iloc[:, o].isin(["A", "B"])]
            for state in ("A", "B"):
                rows["all"].append((h, (wide.iloc[:, then + h] == state).sum(), (wide.iloc[:, o + h] == state).sum()))
                share = (bought.iloc[:, then + h] == state).mean()
                rows["active"].append((h, share * len(buys), (buys.iloc[:, o + h] == state).sum()))
    for scope, cases in rows.items():
        frame = pd.DataFrame(cases, columns=["n_ahead", "forecast", "actual"])
        error = frame.groupby("n_ahead").apply(lambda g: (g["forecast"] - g["actual"]).abs().sum() / g["actual"].sum())
        mine = result.backtest[(result.backtest["scope"] == scope) & (result.backtest["term"] == forecast.YEAR_AGO)]
        assert mine["error"].to_numpy() == pytest.approx(error.to_numpy())


@pytest.mark.parametrize("chain", ["pooled", "cyclic"])
def test_at_a_past_origin_nothing_is_known_of_what_came_later(chain):
    panel = quarterly(5, n_periods=14)
    result = forecast_mix(panel, horizon=2, chain=chain, n_draws=100)
    for origin, points in result.backtest_points.groupby("origin"):
        then = forecast_mix(panel[panel["period"] <= origin], horizon=2, chain=chain, n_draws=100)
        both = points.merge(then.forecast, on=["scope", "n_ahead", "period", "state"], suffixes=("", "_then"))
        assert len(both) == len(points)
        assert both["n_expected"].to_numpy() == pytest.approx(both["n_expected_then"].to_numpy())


def test_skill_is_error_over_error_on_the_same_cases():
    result = forecast_mix(quarterly(6), horizon=2, n_draws=100)
    points = result.backtest_points[result.backtest_points["scope"] == "all"]
    row = result.skill[(result.skill["scope"] == "all") & (result.skill["term"] == "no change")].iloc[0]
    assert row["error"] == pytest.approx(
        (points["n_expected"] - points["n_actual"]).abs().sum() / points["n_actual"].sum()
    )
    assert row["estimate"] == pytest.approx(row["error"] / row["error_naive"])
    assert row["ci_low"] <= row["estimate"] <= row["ci_high"]
    assert (result.skill.groupby("scope", sort=False)["estimate"].diff().dropna() <= 0).all()
    assert result.hardest().equals(result.skill[result.skill["scope"] == "all"].iloc[0])


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


def test_variation_beyond_chance_is_estimated():
    """Dirichlet rows with concentration 99 have the intraclass correlation 1 / 100."""
    rng = np.random.default_rng(13)
    p = np.array([[rng.dirichlet(99 * row) for row in TRUTH] for _ in range(400)])
    tables = rng.multinomial(np.array([300, 200, 800]), p)
    fit = forecast._fit(tables, np.zeros(400, dtype=np.int64), 1)
    assert (fit.deviations**2).mean(axis=(0, 2)) == pytest.approx([0.01] * 3, rel=0.2)
    assert fit.surely_varies and abs(fit.persistence) < 0.1
    tables = rng.multinomial(np.array([300, 200, 800]), np.broadcast_to(TRUTH, (400, 3, 3)))
    same = forecast._fit(tables, np.zeros(400, dtype=np.int64), 1)
    assert same.variation == pytest.approx(1, abs=0.1)
    assert (same.deviations**2).mean() < 0.0005
    assert not same.surely_varies


def test_draws_hold_that_probabilities_are_not_known_exactly():
    rng = np.random.default_rng(16)
    tables = np.array([[[60, 30, 10], [8, 10, 2], [1, 1, 38]]] * 2)  # twice the same: no variation beyond chance
    fit = forecast._fit(tables, np.zeros(2, dtype=np.int64), 1)
    assert not fit.deviations.any()
    drawn = forecast._draw_matrices(rng, fit, np.zeros(3, dtype=np.int64), 8000)
    expected = np.sqrt(fit.p[0] * (1 - fit.p[0]) / (2 * tables[0].sum(axis=1, keepdims=True) + 1))  # Dirichlet
    assert drawn[:, 0].std(axis=0) == pytest.approx(expected, rel=0.05)
    assert np.array_equal(drawn[:, 0], drawn[:, 2])  # not known, but the same in all periods


def test_few_periods_widen_the_interval_as_student_does():
    """Eight tables of many customers: a new period is off by s √(1 + 1/8) times Student's t of 7 degrees of freedom."""
    rng = np.random.default_rng(17)
    stay = np.array([0.70, 0.62, 0.71, 0.66, 0.60, 0.69, 0.64, 0.66])
    tables = np.rint(1e7 * np.stack([[[q, 1 - q], [0.5, 0.5]] for q in stay])).astype(np.int64)
    fit = forecast._fit(tables, np.zeros(8, dtype=np.int64), 1)
    assert fit.persistence == 0  # neighbors differ by more than others
    drawn = forecast._draw_matrices(rng, fit, np.zeros(1, dtype=np.int64), 20_000)[:, 0, 0, 0]
    assert drawn.mean() == pytest.approx(stay.mean(), abs=0.002)
    assert drawn.std() == pytest.approx(stay.std(ddof=1) * np.sqrt(9 / 8 * 7 / 5), rel=0.05)
    assert np.quantile(drawn, 0.975) - stay.mean() == pytest.approx(2.365 * stay.std(ddof=1) * np.sqrt(9 / 8), rel=0.15)


def test_neighboring_periods_that_are_alike_are_seen():
    rng = np.random.default_rng(14)
    level = np.zeros(300)
    for t in range(1, 300):
        level[t] = 0.7 * level[t - 1] + rng.normal(0, 0.3)
    p = TRUTH * np.exp(level[:, None, None] * np.array([1.0, 0.0, -1.0]))
    tables = rng.multinomial(5000, p / p.sum(axis=2, keepdims=True))
    fit = forecast._fit(tables, np.zeros(300, dtype=np.int64), 1)
    assert fit.persistence == pytest.approx(0.7, abs=0.1)
    drawn = forecast._draw_deviations(rng, fit, 4000, 3)[:, :, 0, 2]
    assert drawn.std(axis=0) == pytest.approx([fit.deviations[:, 0, 2].std()] * 3, rel=0.05)
    assert np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1] == pytest.approx(fit.persistence, abs=0.05)
    assert np.corrcoef(drawn[:, 0], drawn[:, 2])[0, 1] == pytest.approx(fit.persistence**2, abs=0.05)


@pytest.mark.parametrize("variance", [0.0, 0.15])
def test_intervals_cover_new_customers_to_come(variance):
    rng = np.random.default_rng(15)
    inside, widths = [], []
    for rep in range(50):
        new = rng.poisson(40 * (rng.gamma(1 / variance, variance, 16) if variance else 1), 16)
        first = np.repeat(np.arange(14), new[:14])
        states = np.where(np.arange(14) >= first[:, None], np.arange(len(first))[:, None] % 3, -1)
        result = forecast_mix(from_states(states), horizon=2, n_origins=1, n_draws=200, seed=rep)
        low, high = (result.entrants[name].to_numpy() for name in ("n_low", "n_high"))
        inside.append((low <= new[14:]) & (new[14:] <= high))
        widths.append(high - low)
    assert 0.90 <= np.mean(inside) <= 0.99
    assert np.median(widths) < 1.5 * 2 * 1.96 * np.sqrt(40 + 1600 * variance)


# -- which chain -----------------------------------------------------------------------------------------------------


def test_a_seasonal_truth_asks_for_a_chain_per_season_and_a_homogeneous_one_does_not():
    chosen = {0.0: 0, 0.5: 0}
    for strength in chosen:
        for seed in range(100, 112):
            panel = quarterly(seed, p=seasonal(strength), n_customers=600, n_periods=20, late=False)
            choice = choose_chain(read_sequences(panel), lost="lost")
            chosen[strength] += choice.chain == "cyclic"
            assert choice.errors.groupby("term")["n_ahead"].max().tolist() == [4, 4]
            assert choice.reason.startswith("a chain for each season ")
    assert chosen[0.5] == 12
    assert chosen[0.0] <= 3  # measured: 8 to 13 %


def test_a_lead_that_chance_explains_does_not_choose_the_chain_per_season():
    panel = quarterly(144, p=TRUTH, n_customers=600, n_periods=20, late=False)
    choice = choose_chain(read_sequences(panel), lost="lost")
    errors = choice.errors.pivot(index="n_ahead", columns="term", values="error")
    assert (errors["cyclic chain"] < errors["pooled chain"]).all()
    assert choice.chain == "pooled"


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


def test_choices_that_need_no_comparison_say_why():
    numbered = from_states(walk(np.random.default_rng(1), [TRUTH] * 11, 100))
    assert choose_chain(read_sequences(numbered), lost=None).reason == "the periods have no seasons"
    short = choose_chain(read_sequences(quarterly(n_periods=7)), lost="lost")
    assert (short.chain, short.errors.empty) == ("pooled", True)
    assert short.reason == "not every season and state was seen in two years"
    barely = choose_chain(read_sequences(quarterly(n_periods=10)), lost="lost")
    assert barely.reason == "too few periods were held out to compare it with a chain for each season"
    asked = forecast_mix(quarterly(), chain="pooled", n_draws=100)
    assert (asked.chain, asked.why_chain) == ("pooled", "it was asked for")


def test_gaps_are_no_obstacle_to_the_choice():
    panel = quarterly(3, p=seasonal(0.8), n_customers=600, n_periods=20, late=False)
    keep = np.random.default_rng(1).random(len(panel)) < 0.9
    assert choose_chain(read_sequences(panel[keep]), lost="lost").chain == "cyclic"


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


def test_what_cannot_be_tested_says_why():
    assert forecast_mix(quarterly(n_periods=6)).untested == "too few periods were seen to hold some out"
    assert forecast_mix(quarterly(n_periods=6), n_origins=2).n_origins == 2
    states = 2 * np.random.default_rng(1).integers(2, size=(100, 8))
    states[:9, 5:] = 1  # in B for the first time in the sixth period of eight
    late = forecast_mix(from_states(states))
    assert late.untested == "at the past origins some state had not yet been seen to be left"
    assert (late.n_origins, late.n_left_out, late.backtest.empty, late.skill.empty) == (0, 1, True, True)
    assert [check.verdict for check in late.checks[2:]] == ["not testable"] * 2
    cyclic = forecast_mix(quarterly(n_periods=9), chain="cyclic")
    assert cyclic.untested == "at the past origins not every season and state had been seen in two years"
    with pytest.raises(ParameterError, match="no back-test"):
        late.coverage()
    with pytest.raises(ParameterError, match="no back-test"):
        late.hardest()


def test_a_rule_for_new_customers_that_failed_is_said_to_have():
    first = np.repeat(np.arange(16), [50, *[5] * 11, *[40] * 4])
    states = np.where(np.arange(16) >= first[:, None], (np.arange(16) + np.arange(len(first))[:, None]) % 3, -1)
    check = forecast_mix(from_states(states), horizon=1).checks[1]
    assert check.verdict == "does not hold"
    assert check.finding.startswith("in the last 4 periods 160 came where the rule expected ")
    assert forecast_mix(quarterly(3)).checks[1].verdict == "holds"


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


def test_bad_choices_are_named():
    sequences = read_sequences(PANEL)
    with pytest.raises(ParameterError, match="'gone'"):
        choose_chain(sequences, lost="gone")
    with pytest.raises(ParameterError, match="At most"):
        choose_chain(sequences, lost="lost", n_origins=9)


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
    assert row["term"] == forecast.YEAR_AGO
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
