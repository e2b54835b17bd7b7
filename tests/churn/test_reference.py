"""What R says (tests/reference/markov.json, made by markov.R beside it), recomputed with kam alone."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import expm

from kam.churn.chain import (
    absorption_probabilities,
    as_cycle,
    n_step,
    periods_to_loss,
    stationary_distribution,
)
from kam.churn.chain_tests import count_triples, homogeneity_test, order_one_test, order_zero_test
from kam.churn.estimation import count_cells, estimate
from kam.churn.sequences import read_sequences

R = json.loads((Path(__file__).parents[1] / "reference" / "markov.json").read_text())


def read(part):
    """Sequences written as words, a letter per period: as a panel, and read."""
    rows = [(i, t, state) for i, word in enumerate(part["sequences"]) for t, state in enumerate(word)]
    panel = pd.DataFrame(rows, columns=["customer_id", "period", "state"])
    return read_sequences(panel, states=part["states"])


def test_where_the_figures_come_from():
    assert R["made_by"] == "Rscript tests/reference/markov.R"
    assert set(R["versions"]) == {"R", "markovchain", "msm", "jsonlite"}
    assert all(part["call"] for name, part in R.items() if isinstance(part, dict) and name != "versions")


def test_markovchain_estimates_and_absorption():
    part = R["absorption"]
    counts = count_cells(read(part)).sum(axis=0)
    p = estimate(counts)
    assert p == pytest.approx(np.array(part["estimate"]), abs=1e-12)
    ends = absorption_probabilities(p, [part["states"].index(state) for state in part["absorbing"]])
    assert ends[:2] == pytest.approx(np.array(part["absorption_probabilities"]), abs=1e-12)
    joined = as_cycle(np.block([[p[:2, :2], p[:2, 2:].sum(axis=1, keepdims=True)], [np.zeros((1, 2)), 1]]))
    assert periods_to_loss(joined, 2)[0, :2] == pytest.approx(part["mean_absorption_time"], abs=1e-12)


def test_markovchain_estimates_and_stationary():
    part = R["order"]
    p = estimate(count_cells(read(part)).sum(axis=0))
    assert p == pytest.approx(np.array(part["estimate"]), abs=1e-12)
    assert stationary_distribution(p) == pytest.approx(part["stationary"], abs=1e-12)


def test_loglin_order_tests():
    sequences = read(R["order"])
    for name, test in (
        ("order_zero", order_zero_test(count_cells(sequences).sum(axis=0))),
        ("order_one", order_one_test(count_triples(sequences))),
    ):
        expected = R["order"][name]
        assert (test.g2, test.x2, test.df) == pytest.approx((expected["g2"], expected["x2"], expected["df"]))


def test_loglin_homogeneity():
    expected = R["homogeneity"]
    test = homogeneity_test(expected["tables"])
    assert (test.g2, test.x2, test.df) == pytest.approx((expected["g2"], expected["x2"], expected["df"]))


def test_msm_statetable():
    """CAV: visits of heart transplant patients, numbered as periods; death (4) is seen once and never left."""
    part = R["panel"]
    sequences = read(part)
    assert len(sequences.customers) == 622 and len(sequences.state) == 2846
    counts = count_cells(sequences).sum(axis=0)
    assert counts.tolist() == [*part["statetable"], [0, 0, 0, 0]]
    assert part["statetable"] == [[1367, 204, 44, 148], [46, 134, 54, 48], [4, 13, 107, 55]]


def test_msm_pmatrix():
    """Transition probabilities of a process in continuous time are a chain from year to year."""
    part = R["panel"]
    assert part["minus2loglik"] == pytest.approx(3968.798, abs=5e-4)  # as printed in msm's manual
    year = expm(np.array(part["q"]))
    assert year == pytest.approx(np.array(part["pmatrix_1"]), abs=1e-10)
    assert n_step(as_cycle(part["pmatrix_1"]), 5) == pytest.approx(np.array(part["pmatrix_5"]), abs=1e-10)
    assert n_step(as_cycle(year), 5) == pytest.approx(np.array(part["pmatrix_5"]), abs=1e-10)
