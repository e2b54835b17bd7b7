"""What several tests use."""

import pytest

from kam.churn.definition import ChurnDefinitionResult, churn_definition
from kam.churn.rolling import RolledForecasts
from kam.ledger import Snapshots
from tests.churn.purchases import simulate_panel
from tests.churn.seasonal_buyers import roll, simulate_orders
from tests.churn.worlds import simulate


@pytest.fixture(scope="session")
def panel():
    """300 customers, 24 months, three states."""
    return simulate(1)


@pytest.fixture(scope="session")
def simulated() -> ChurnDefinitionResult:
    """Of 1,500 customers who are gone for good, 1 in 20 a month."""
    return churn_definition(simulate_panel(1500, 3), max_return_share=0.2, n_resamples=200)


@pytest.fixture(scope="session")
def seasonal() -> tuple[Snapshots, RolledForecasts]:
    """Snapshots of 400 seasonal buyers over two and a half years, the last origin to be scored, and forecasts at each."""
    return roll(simulate_orders(days=1100, season=0.5))
