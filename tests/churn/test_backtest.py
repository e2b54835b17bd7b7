"""The forecast at past origins: recomputed in loops, from what was known there alone."""

import numpy as np
import pandas as pd
import pytest

from kam.churn.backtest import YEAR_AGO
from kam.churn.forecast import forecast_mix
from kam.errors import ParameterError
from tests.churn.worlds import STATES, from_states, quarterly


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
        mine = result.backtest[(result.backtest["scope"] == scope) & (result.backtest["term"] == YEAR_AGO)]
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
