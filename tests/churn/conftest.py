"""What several tests use."""

import pytest

from kam.churn.definition import ChurnDefinitionResult, churn_definition
from kam.churn.rolling import RolledForecasts, roll_forecasts, rolling_origins
from kam.ledger import Snapshots, open_ledger, snapshots
from tests.churn.purchases import simulate_panel
from tests.churn.seasonal_buyers import START, simulate_orders
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
    ledger = open_ledger(simulate_orders(days=1100, season=0.5))
    origins = rolling_origins(START.date(), ledger.as_of, horizon_days=91, per_window=2)
    taken = snapshots(ledger, origins=origins, horizon_days=91, k=6)
    return taken, roll_forecasts(taken)
