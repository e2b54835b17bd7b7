"""Notebook 30 on the sample and on awkward parameters."""

import numpy as np
import pandas as pd
import pytest

NOTEBOOK = "30_churn_markov.ipynb"
SAMPLE = {"segment": "industry"}


def test_every_cell_completes_silently_and_every_figure_has_alternative_text(sample_run):
    sample_run.check(n_figures=8)


def test_losses_and_money_are_those_of_plain_pandas(sample_run, sample_lines):
    """Quarters by hand: silent for k of them is lost; the mean margin of the last quarter's customers by class."""
    definition, markov = sample_run.results["churn_definition"], sample_run.results["markov_churn"]
    lines = sample_lines[sample_lines["amount"] > 0]
    last = lines.groupby("customer_id")["order_date"].max().dt.to_period("Q")
    silent = pd.Period("2025Q4").ordinal - last.map(lambda quarter: quarter.ordinal)
    now = markov.customers.set_index("customer_id")["state"]
    by_hand = silent.index[silent >= definition.k]
    assert abs(int((now == "lost").sum()) - len(by_hand)) <= 3, "orders that were cancelled in full are no orders"
    assert definition.n_lost == int((now == "lost").sum())
    assert sample_run.results["customer_value"].states["n_customers"].sum() == len(now)


def test_the_value_of_the_portfolio_is_that_of_its_states(sample_run):
    value = sample_run.results["customer_value"]
    states = value.states[value.states["state"] != "lost"]
    total = value.portfolio.set_index("term").loc["not_lost", "value_ahead"]
    assert total == pytest.approx((states["n_customers"] * states["value_ahead"]).sum())
    assert value.discount_rate == 0.08, "as the dataset says, not as the parameter does"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("months of recency", {"freq": "month", "states": "recency", "k": 6, "window": 1, "returns": "cut"}),
        (
            "years",
            {"freq": "year", "k": 1, "window": 1, "horizon": 2, "seed": 7, "states": "value", "discount_rate": 0.2},
        ),
    ],
)
def test_other_states_and_periods(execute, name, parameters):
    results = execute(**parameters).results
    assert results["markov_churn"].freq == parameters.get("freq", "quarter")
    assert results["churn_definition"].k == parameters["k"]
    assert results["customer_value"].discount_rate == parameters.get("discount_rate", 0.08), "a given rate wins"


def test_a_small_ledger_with_hostile_names_and_nothing_but_what_is_required(execute, hostile_names, write_dataset):
    rng = np.random.default_rng(3)
    rows = []
    for name in hostile_names + [f"c{i}" for i in range(60)]:
        day = pd.Timestamp("2021-01-04") + pd.Timedelta(days=int(rng.integers(0, 300)))
        while day < pd.Timestamp("2024-12-31") and rng.random() > 0.04:
            rows.append((name, day, round(float(rng.gamma(2, 100)), 2)))
            day += pd.Timedelta(days=int(rng.integers(10, 120)))
    orders = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount"])
    run = execute(dataset=write_dataset(orders, "as_of: 2024-12-31\n"), k=2)
    assert run.html and "<script>alert" not in run.html
    assert run.results["markov_churn"].money == "revenue" and "programme" not in run.results
