"""Return shares with their intervals, and the k that follows from them."""

import numpy as np
import pandas as pd
import pytest

from kam.churn.definition import ChurnDefinitionResult, churn_definition
from kam.errors import UndefinedChurnError
from tests.churn.purchases import make_panel, simulate_panel


def test_the_smallest_k_within_the_limit() -> None:
    # 20 buy again in the 3rd month after, 4 in the 6th, one in the 9th, and all 25 are silent then for 10 months or more.
    active = {f"a{i}": [0, 3] for i in range(20)} | {f"b{i}": [0, 6] for i in range(4)} | {"c": [0, 9], "end": [19]}
    panel = make_panel(active | {f"d{i}": [0] for i in range(15)})
    shares = churn_definition(panel, n_resamples=1).return_shares.set_index("k")["return_share"]
    expected = {2: 25 / 65, 3: 5 / 45, 5: 5 / 45, 6: 1 / 41, 8: 1 / 41, 9: 0, 15: 0}
    assert {k: shares[k] for k in expected} == pytest.approx(expected)
    for limit, k in ((0.385, 1), (0.12, 3), (5 / 45, 3), (0.11, 6), (0.02, 9)):
        assert churn_definition(panel, max_return_share=limit, n_resamples=1).k == k


def test_counting_recent_silences_as_final_is_too_low(simulated: ChurnDefinitionResult) -> None:
    table = simulated.return_shares
    assert (table["share_naive"] <= table["return_share"] + 1e-12).all()
    assert (table["return_share"] - table["share_naive"]).max() > 0.03


def test_intervals_cover_the_truth() -> None:
    """Small version of a simulation (300 per size) in which they covered 92 to 96 %, and the k of the data 93 to 100 %."""
    truth = churn_definition(simulate_panel(40_000, 99), n_resamples=1, max_return_share=0.1)
    share = truth.return_shares.set_index("k")["return_share"]
    covered, covered_k = [], []
    for seed in range(60):
        result = churn_definition(simulate_panel(400, seed), n_resamples=100, seed=seed, k=8)
        rows = result.return_shares.set_index("k").loc[[2, 5, 8]]
        covered += ((rows["ci_low"] <= share[rows.index]) & (share[rows.index] <= rows["ci_high"])).tolist()
        assert result.k_low is not None
        covered_k.append(result.k_low <= truth.k <= (result.k_high or 99))
    assert 0.88 <= np.mean(covered) <= 0.99
    assert np.mean(covered_k) >= 0.88


def test_a_higher_level_is_wider() -> None:
    panel = simulate_panel(500, 6)
    ends = [churn_definition(panel, k=4, n_resamples=50, level=level) for level in (0.5, 0.95)]
    half, wide = (np.log(r.return_high / (1 - r.return_high)) - np.log(r.return_low / (1 - r.return_low)) for r in ends)
    assert wide / half == pytest.approx(1.959964 / 0.67449, rel=1e-4)  # the normal quantiles, on the scale of log odds


def test_waits_of_one_customer_go_together() -> None:
    """The same panel with every customer doubled has the same shares, and intervals narrower by √2."""
    panel = simulate_panel(600, 5)
    twins = pd.concat([panel, panel.assign(customer_id="x" + panel["customer_id"])])
    one, two = (churn_definition(p, k=5, n_resamples=800).return_shares.iloc[:6] for p in (panel, twins))
    np.testing.assert_allclose(one["return_share"], two["return_share"])
    ratio = (one["ci_high"] - one["ci_low"]) / (two["ci_high"] - two["ci_low"])
    np.testing.assert_allclose(ratio, np.sqrt(2), rtol=0.12)


def test_where_nobody_came_back_the_interval_is_not_empty() -> None:
    active = {f"a{i}": [0, 2, 4] for i in range(40)} | {"z": [*list(range(0, 20, 2)), 19]}
    result = churn_definition(make_panel(active), n_resamples=50)
    assert (result.k, result.return_share, result.return_low) == (2, 0.0, 0.0)
    assert result.return_high == pytest.approx(1.96**2 / (40 + 1.96**2), rel=1e-3)  # Wilson, 0 of 40


def test_the_interval_of_k_is_where_the_band_crosses_the_limit(simulated: ChurnDefinitionResult) -> None:
    table = simulated.return_shares.set_index("k")
    low, high = simulated.k_low, simulated.k_high
    assert low is not None and high is not None and low <= simulated.k <= high
    assert table["ci_low"][low] <= 0.2 < table["ci_low"][low - 1]
    assert table["ci_high"][high] <= 0.2 < table["ci_high"][high - 1]


def test_what_resamples_choose_adds_up(simulated: ChurnDefinitionResult) -> None:
    choices = simulated.choices
    assert choices["share_resamples"].sum() == pytest.approx(1)
    assert simulated.k in choices["k"].dropna().tolist()


def test_no_k_within_the_data_shows_the_table() -> None:
    panel = make_panel({f"a{i}": [0, 5, 10, 15, 20, 24] for i in range(10)})
    message = r"at most 10\.0%\. Return share by silent months: 1: 100\.0%, .*, 4: 100\.0%\. .* What to do: Give k"
    with pytest.raises(UndefinedChurnError, match=message):
        churn_definition(panel)
    # Three who never came back make it definite: nobody ever came back from five silent months.
    assert churn_definition(pd.concat([panel, make_panel({f"b{i}": [0] for i in range(3)})])).k == 5


@pytest.mark.parametrize(
    ("active", "message"),
    [
        ({"a": [0, 3, 9]}, "There is one customer"),
        ({"a": [0], "b": [2], "c": [9]}, "no silence ever ended"),
        ({c: list(range(10)) for c in "abc"}, "Nobody was seen silent for longer than one month"),
    ],
)
def test_data_that_cannot_tell_need_a_given_k(active: dict[str, list[int]], message: str) -> None:
    with pytest.raises(UndefinedChurnError, match=message):
        churn_definition(make_panel(active))
    result = churn_definition(make_panel(active), k=3)
    assert (result.k, result.k_data) == (3, None)
    assert any(character.isdigit() for character in result.answer())
