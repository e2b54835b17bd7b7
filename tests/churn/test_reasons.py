import numpy as np
import pandas as pd
import pytest

from kam.churn.reasons import STANDING, STORIES, say_reasons
from kam.churn.terms import OUTCOMES
from kam.errors import DataError, MissingColumnError
from kam.ledger import open_ledger, snapshots
from kam.wording import Wording
from tests.churn.accounts_at_risk import STRANGE

SAY = Wording("en", "EUR")


def say(*rows, who="a", facts=None):
    """Rows of term, seen, contribution."""
    frame = pd.DataFrame(rows, columns=["term", "seen", "contribution"]).assign(customer_id=who)
    return say_reasons(frame, [who], horizon_days=91, say=SAY, facts=facts)[who]


def test_the_example_of_the_brief():
    assert say(
        ("days_since_last_order", 94, 1.0), ("mean_gap_days", 21.0, 0.2), ("share_late", 0.375, 0.6), ("n_deliveries", 8, 0.0),
        ("days_since_contact", 210, 0.3), ("revenue_year", 5000, -0.9),
    ) == "last order 94 days ago, usual gap 21 days; 3 of 8 deliveries late; no contact for 210 days"  # fmt: skip


def test_terms_of_one_story_count_together_and_are_said_once():
    """Apart, 0.3 and 0.3 would come after 0.5; together they lead."""
    said = say(("n_complaints", 2, 0.5), ("days_since_last_order", 50, 0.3), ("gap_ratio", 5.0, 0.3))
    assert said == "last order 50 days ago, usual gap 10 days; 2 complaints"
    assert say(("days_since_last_order", 50, 0.5), ("gap_ratio", 5.0, -0.6)) == ""


def test_three_at_most_the_largest_first_and_nothing_that_hardly_matters():
    said = say(("x", 1, 0.4), ("y", 2.5, 0.9), ("z", "Nord", 0.15), ("w", 4, 0.2), ("v", 5, 0.04))
    assert said == "y: 2.50; x: 1; w: 4"
    assert say(("x", 1, 0.04)) == ""


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("handover", True, 1.0)], "handed over to another manager"),
        ([("handover", False, 1.0)], "no handover"),
        ([("n_complaints", 0, 1.0)], "no complaint"),
        ([("n_complaints", 1, 1.0)], "one complaint"),
        ([("satisfaction", 2.3, 1.0)], "satisfaction 2.3 of 5 in the latest survey"),
        ([("satisfaction", np.nan, 1.0)], ""),
        ([("n_deliveries", 0, 1.0)], ""),
        ([("n_days_year", 4, 1.0), ("n_days_year_before", 0, 0)], ""),
        ([("revenue_recent", 5000.0, 1.0), ("revenue_before", 3000.0, 1.0)], ""),
        ([("n_days_recent", 3, 1.0), ("n_days_before", 1, 0)], ""),
        ([("days_since_last_order", 2, 1.0), ("mean_gap_days", 18.0, 0.1)], ""),
        ([("revenue_recent", 0.0, 1.0), ("revenue_before", 0.0, 1.0)], ""),
        ([("monetary_value", 90000.0, 1.0), ("T", 1441, 1.0)], ""),
        ([("satisfaction_missing", 1.0, 1.0)], "satisfaction: not known"),
        ([("days_since_contact", None, 1.0)], "no contact on record"),
        ([("share_late", 1.0, 1.0), ("n_deliveries", 1, 0)], "1 of one delivery late"),
        ([("revenue_recent", 100.0, 0.5), ("revenue_before", 5000.0, 0.5)], "€100.00 in the last 91 days, €5K before"),
        ([("n_days_recent", 1, 1.0)], "one day with an order in the last 91 days"),
        ([("n_days_year", 3, 1.0), ("n_days_year_before", 9, 0)], "3 days with an order in the last year, 9 the year before"),
        ([("frequency", 0, 1.0)], "bought on one day only"),
        ([("gap_ratio", 4.2, 1.0)], "silent for 4.2 times the usual gap"),
        ([("region", "남부", 1.0)], "region: 남부"),
        ([("region", "007", 1.0)], "region: 007"),
        ([("market", "-0.0312345678", 1.0)], "market: -0.03"),
        ([("handover", "1", 1.0)], "handed over to another manager"),
        ([("days_since_last_order", "94", 1.0), ("mean_gap_days", "21.25", 0.1)], "last order 94 days ago, usual gap 21 days"),
        ([("manager", "<b>Kim</b> {0}", 1.0)], "manager: <b>Kim</b> {0}"),
    ],
)  # fmt: skip
def test_phrases(rows, said):
    assert say(*rows) == said


def test_every_feature_of_snapshots_has_a_phrase_without_error():
    days = pd.to_datetime(["2024-01-01", "2024-02-01", "2024-05-01"])
    orders = pd.DataFrame({"customer_id": "a", "order_date": days, "amount": 10.0, "cost": 5.0})
    row = snapshots(open_ledger(orders), origins=[pd.Timestamp("2024-04-15").date()], horizon_days=10, k=1).rows.iloc[0]
    features = [name for name in row.index if name not in (*OUTCOMES, "customer_id", "origin", "at_risk")]
    for name in {*features, *(term for _, terms in STORIES.values() for term in terms)}:
        for value in (row.get(name), 3, 0.5, None, np.nan, "text"):
            assert isinstance(say((name, value, 1.0)), str)
    known = {term for _, terms in STORIES.values() for term in terms}
    assert set(features) <= known | set(STANDING), "a snapshot's own column is said in words, or not at all"


def test_facts_complete_a_phrase():
    facts = pd.DataFrame({"customer_id": ["a", "b"], "mean_gap_days": [7.0, 99.0]})
    assert say(("days_since_last_order", 30, 1.0), facts=facts) == "last order 30 days ago, usual gap 7 days"


def test_only_those_asked_for_and_strange_names():
    frame = pd.DataFrame({"customer_id": [*STRANGE, "other"], "term": "n_complaints", "seen": 2, "contribution": 1.0})
    said = say_reasons(frame, STRANGE, horizon_days=91, say=SAY)
    assert said == dict.fromkeys(STRANGE, "2 complaints")
    assert say_reasons(frame, ["nobody"], horizon_days=91, say=SAY) == {"nobody": ""}


def test_bad_contributions():
    with pytest.raises(MissingColumnError, match="lack seen"):
        say_reasons(pd.DataFrame({"customer_id": [], "term": [], "contribution": []}), [], horizon_days=91, say=SAY)
    with pytest.raises(DataError, match="a: x"):
        say(("x", 1, np.nan))
