"""New customers to come: the rule, how far it was off, and the interval around it."""

import numpy as np
import pandas as pd
import pytest

from kam.churn.forecast import forecast_mix
from tests.churn.worlds import from_states, numbers, quarterly


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


def test_a_rule_for_new_customers_that_failed_is_said_to_have():
    first = np.repeat(np.arange(16), [50, *[5] * 11, *[40] * 4])
    states = np.where(np.arange(16) >= first[:, None], (np.arange(16) + np.arange(len(first))[:, None]) % 3, -1)
    check = forecast_mix(from_states(states), horizon=1).checks[1]
    assert check.verdict == "does not hold"
    assert check.finding.startswith("in the last 4 periods 160 came where the rule expected ")
    assert forecast_mix(quarterly(3)).checks[1].verdict == "holds"
