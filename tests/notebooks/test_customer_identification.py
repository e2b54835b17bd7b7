"""Notebook 10 on the sample and on awkward parameters."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

NOTEBOOK = "10_customer_identification.ipynb"
SAMPLE: dict[str, Any] = {}


def test_every_cell_completes_silently_and_every_figure_has_alternative_text(sample_run):
    sample_run.check(n_figures=6)


def test_the_results_are_those_of_plain_pandas(sample_run, sample_lines):
    results = sample_run.results
    assert list(results) == ["key_accounts", "concentration", "abc_xyz", "rfm"]
    lines = sample_lines.drop_duplicates()
    revenue = lines.groupby("customer_id")["amount"].sum()  # an order and its cancellation add up to nothing
    curve = results["concentration"].curve.set_index("customer_id")["value"]
    assert curve.to_dict() == pytest.approx(revenue[curve.index].to_dict())
    assert set(curve.index) == set(revenue.index)
    ranked = revenue.sort_values(ascending=False)
    before = ranked.cumsum().shift(fill_value=0) / ranked.sum()
    classes = results["abc_xyz"].customers.set_index("customer_id")["abc_class"]
    assert (classes == "A").sum() == (before < 0.8).sum()
    assert set(results["key_accounts"].accounts["customer_id"]) == set(before.index[before < 0.8])


def test_profit_instead_of_revenue_and_the_net_base(execute):
    results = execute(value="margin", base="net", min_certainty=0.5, seed=7).results
    assert "concentration_margin" in results
    assert results["concentration_margin"].base == "net"
    assert results["key_accounts"].min_certainty == 0.5


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
