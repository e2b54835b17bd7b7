"""Notebook 10 on awkward parameters; tests/real/test_sample_identification.py has the sample."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

NOTEBOOK = "10_customer_identification.ipynb"


def test_margin_and_the_net_base_by_group_and_region(execute):
    awkward = {"by_group": True, "value": "margin", "base": "net", "segment": "region", "horizon": 6, "n_named": 5}
    results = execute(**awkward, min_certainty=0.5, n_resamples=50, seed=7).results
    assert results["concentration_margin"].base == "net"
    assert results["key_accounts"].min_certainty == 0.5
    assert results["key_accounts"].n_customers < 1200  # groups
    assert results["relationship_levels"].by == "region"
    assert results["growth"].horizon == 6 and results["growth"].candidates["is_named"].sum() == 5


def test_a_small_ledger_with_nothing_but_what_is_required(execute, hostile_names, write_dataset):
    rng, n = np.random.default_rng(3), 300
    orders = pd.DataFrame(
        {
            "customer_id": rng.choice(hostile_names, n),
            "order_date": pd.Timestamp("2023-01-02") + pd.to_timedelta(rng.integers(0, 500, n), unit="D"),
            "amount": rng.normal(100, 80, n).round(2),
        }
    )
    run = execute(dataset=write_dataset(orders))
    assert set(run.results["concentration"].curve["customer_id"]) == set(hostile_names)
    assert run.html and "<script>alert" not in run.html
    assert len(hostile_names) < 20 and "rfm" not in run.results and "scores of five take 20" in run.html
