"""A ledger of a known chain: what is counted in it is what it was made from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kam.errors import ParameterError
from kam.samples import simulate_chain

NAMES = ["large", "small", "silent"]
CHAIN = pd.DataFrame([[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.02, 0.13, 0.85]], index=NAMES, columns=NAMES)
AMOUNTS = {"large": 1000.0, "small": 200.0, "silent": 0.0}


def test_states_are_seen_in_the_ledger():
    ledger, states = simulate_chain(CHAIN, AMOUNTS, seed=3, n_customers=300)
    month = ledger["order_date"].dt.to_period("M").dt.to_timestamp()
    spent = ledger.groupby(["customer_id", month])["amount"].sum()
    seen = spent.reindex(pd.MultiIndex.from_frame(states[["customer_id", "month"]])).fillna(0).to_numpy()
    shown = np.where(seen == 0, "silent", np.where(seen < 500, "small", "large"))
    assert (shown == states["state"].to_numpy()).all()
    assert not ledger.duplicated(["customer_id", "order_date"]).any() and ledger["order_id"].is_unique
    assert ledger["order_date"].between("2024-01-01", "2025-12-31").all()


def test_transitions_are_found():
    _, states = simulate_chain(CHAIN, AMOUNTS, seed=4, n_customers=3000)
    counts = pd.crosstab(states["state"], states.groupby("customer_id")["state"].shift(-1)).loc[NAMES, NAMES]
    n = counts.sum(axis="columns")
    error = np.sqrt(CHAIN * (1 - CHAIN)).div(np.sqrt(n), axis="index")
    assert (abs(counts.div(n, axis="index") - CHAIN) / error).to_numpy().max() < 3.5
    assert states.groupby("customer_id").head(1)["state"].eq("large").all()


def test_the_same_seed_gives_the_same_ledger():
    one, other = simulate_chain(CHAIN, AMOUNTS, seed=5), simulate_chain(CHAIN, AMOUNTS, seed=5)
    assert one[0].equals(other[0]) and one[1].equals(other[1])
    assert not one[0].equals(simulate_chain(CHAIN, AMOUNTS, seed=6)[0])


@pytest.mark.parametrize(
    ("chain", "amounts", "named"),
    [
        (CHAIN * 2, AMOUNTS, "probabilities"),
        (CHAIN[["small", "large", "silent"]], AMOUNTS, "probabilities"),
        (CHAIN, {"large": 1.0}, "amounts"),
        (CHAIN, dict.fromkeys(NAMES, 0.0), "amounts"),
    ],
)
def test_what_is_no_chain(chain, amounts, named):
    with pytest.raises(ParameterError, match=named):
        simulate_chain(chain, amounts, seed=1)
