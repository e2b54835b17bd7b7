"""Panels that several tests use."""

import pytest

from tests.churn.worlds import simulate


@pytest.fixture(scope="session")
def panel():
    """300 customers, 24 months, three states."""
    return simulate(1)
