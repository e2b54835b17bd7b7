"""Notebook 20 on awkward parameters; tests/real/test_sample_forecast.py has the sample, for it takes half a minute."""

import numpy as np
import pandas as pd

NOTEBOOK = "20_churn_regression.ipynb"


def test_a_small_ledger_with_hostile_names_and_nothing_but_what_is_required(execute, hostile_names, write_dataset):
    rng = np.random.default_rng(3)
    rows = []
    for name in hostile_names + [f"c{i}" for i in range(80)]:
        day = pd.Timestamp("2021-01-04") + pd.Timedelta(days=int(rng.integers(0, 300)))
        while day < pd.Timestamp("2024-12-31") and rng.random() > 0.05:
            rows.append((name, day, round(float(rng.gamma(2, 100)), 2)))
            day += pd.Timedelta(days=int(rng.integers(10, 120)))
    orders = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount"])
    run = execute(
        dataset=write_dataset(orders, "as_of: 2024-12-31\n"), k=4, horizon_days=60, n_origins=3, saving_rate=0.5
    )
    assert run.html and "<script>alert" not in run.html
    assert run.results["call_list"].saving_rate == 0.5
    assert run.results["churn_forecast"].horizon_days == 60
