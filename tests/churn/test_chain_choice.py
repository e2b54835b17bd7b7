"""One chain for all periods or one per season: chosen by a known truth, and with a reason."""

import numpy as np
import pytest

from kam.churn.chain_choice import choose_chain
from kam.churn.forecast import forecast_mix
from kam.churn.sequences import read_sequences
from kam.errors import ParameterError
from tests.churn.worlds import TRUTH, from_states, quarterly, seasonal, walk


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


def test_bad_choices_are_named():
    sequences = read_sequences(quarterly(n_customers=60, n_periods=8))
    with pytest.raises(ParameterError, match="'gone'"):
        choose_chain(sequences, lost="gone")
    with pytest.raises(ParameterError, match="At most"):
        choose_chain(sequences, lost="lost", n_origins=9)
