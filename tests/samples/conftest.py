"""Companies that several tests look at; drawn once per session."""

from __future__ import annotations

import pandas as pd
import pytest

from kam.samples import SampleCompany, simulate_company

SEEDS = (101, 102, 103, 104, 105)


def clean(company: SampleCompany) -> pd.DataFrame:
    """The ledger without its blemishes, by the prefixes of the order numbers and plain pandas."""
    ledger = company.ledger.dropna(subset=["customer_id", "product_group"])
    ledger = ledger[(ledger["amount"] != 0) & ~ledger["order_id"].str.startswith(("SX", "CX"))]
    return ledger.drop_duplicates(ignore_index=True)


@pytest.fixture(scope="session")
def companies() -> list[SampleCompany]:
    return [simulate_company(seed=seed) for seed in SEEDS]


@pytest.fixture(scope="session")
def company(companies: list[SampleCompany]) -> SampleCompany:
    return companies[0]


@pytest.fixture(scope="session")
def ledger(company: SampleCompany) -> pd.DataFrame:
    return clean(company)


@pytest.fixture(scope="session")
def ledgers(companies: list[SampleCompany]) -> list[pd.DataFrame]:
    return [clean(company) for company in companies]
