"""What the ledger knew at the waves: days within it only, and nothing from after the day."""

from datetime import date

import pandas as pd
import pytest

import kam
from kam.survey import gather_facts


@pytest.fixture
def dataset(tmp_path):
    orders = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "a"],
            "order_date": ["2023-01-10", "2023-06-01", "2023-06-20", "2024-03-01"],
            "amount": [100.0, 50.0, 70.0, 30.0],
        }
    )
    orders.to_csv(tmp_path / "orders.csv", index=False)
    yaml = "name: x\nas_of: 2024-12-31\ntables:\n  ledger: {source: orders.csv}\n"
    (tmp_path / "dataset.yaml").write_text(yaml, encoding="utf-8")
    return kam.open_dataset(tmp_path / "dataset.yaml")


def test_facts_are_of_before_the_day_and_outcomes_of_after(dataset):
    facts = gather_facts(dataset, [date(2023, 6, 10)], k=3, horizon_days=364)
    assert facts[["customer_id", "revenue_year", "days_since_last_order"]].values.tolist() == [["a", 150.0, 9]]
    assert facts["revenue_next"].tolist() == [30.0] and facts["no_order"].tolist() == [False]


def test_days_outside_of_the_ledger_are_in_no_row(dataset):
    facts = gather_facts(dataset, [date(2020, 1, 1), date(2024, 1, 1), date(2030, 1, 1)], k=3)
    assert facts["origin"].astype(str).unique().tolist() == ["2024-01-01"]
    assert gather_facts(dataset, [date(2020, 1, 1)], k=3) is None
    assert gather_facts(dataset, k=3)["origin"].astype(str).unique().tolist() == ["2025-01-01"], (
        "the day after the data"
    )


def test_without_a_ledger_there_are_none(tmp_path):
    (tmp_path / "s.csv").write_text("respondent_id,wave,overall\na,1,4\n", encoding="utf-8")
    (tmp_path / "dataset.yaml").write_text("name: x\ntables:\n  survey: {source: s.csv}\n", encoding="utf-8")
    assert gather_facts(kam.open_dataset(tmp_path / "dataset.yaml"), [date(2024, 1, 1)], k=3) is None
