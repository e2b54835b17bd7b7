"""Sold at a loss: by hand, with freight and trade terms, only of the last twelve months."""

import numpy as np
import pandas as pd
import pytest

from kam.identify import sales_quality
from kam.ledger import open_ledger
from kam.results import Context

MONTHS = pd.date_range("2023-01-01", periods=24, freq="MS") + pd.Timedelta(days=4)


def lines(customer, cost, freight=0.0):
    """A hundred a month; the cost of the first and of the second year."""
    costs = np.repeat(cost, 12)
    return pd.DataFrame(
        {"customer_id": customer, "order_date": MONTHS, "amount": 100.0, "cost": costs, "freight": freight}
    )


def below_cost(*parts):
    found = sales_quality(open_ledger(pd.concat(parts), as_of="2024-12-31"), context=Context(currency="EUR"))
    return found.flags[found.flags["flag"] == "below cost"].set_index("customer_id"), found


def test_by_hand():
    flags, _ = below_cost(
        lines("good", [60.0, 60.0]),
        lines("now", [60.0, 105.0]),
        lines("then", [105.0, 60.0]),
        lines("freight", [60.0, 95.0], freight=6.0),
        lines("edge", [60.0, 95.0], freight=5.0),
    )
    assert sorted(flags.index) == ["freight", "now"]  # what leaves exactly nothing loses nothing
    assert flags.at["now", "figure"] == pytest.approx(-0.05)
    usual = (40 - 5 + 40 - 1 + 0) / 500
    assert flags.at["now", "reference"] == pytest.approx(usual)
    assert flags.at["now", "finding"] == (
        "€60.00 lost in the last twelve months, 5.0% of its revenue, where the portfolio keeps 14.8%"
    )


def test_more_sent_back_than_bought():
    bad = lines("back", [60.0, 60.0])
    bad = pd.concat(
        [bad, bad.tail(12).assign(amount=-150.0, cost=-60.0, order_date=MONTHS[-12:] + pd.Timedelta(days=3))]
    )
    flags, _ = below_cost(lines("good", [60.0, 60.0]), bad)
    assert flags.at["back", "finding"].endswith("more sent back than bought") and np.isnan(flags.at["back", "figure"])


def test_without_a_cost_it_is_said():
    flags, found = below_cost(lines("a", [60.0, 105.0]).drop(columns="cost"))
    assert flags.empty
    assert found.counts.set_index("flag").at["below cost", "reason"] == "no cost in this ledger"
