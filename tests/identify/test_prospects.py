"""Need, solvency, power to decide: each by hand; what is not known counts as not met; bad input."""

import numpy as np
import pandas as pd
import pytest

from kam.errors import EmptyDataError, MissingColumnError, ParameterError
from kam.identify import screen_prospects

FACTS = pd.DataFrame({"customer_id": ["a", "b"], "revenue_year": [800.0, 100.0]})
ACCOUNTS = pd.DataFrame({
    "customer_id": ["a", "b", "new", "unknown"], "potential": [1000.0, 1000.0, 2000.0, np.nan],
    "credit_rating": ["A", "B", "A", "A"], "receivable": [100.0, 100, 0, 0], "overdue": [0.0, 20, 0, 0],
})  # fmt: skip
CONTACTS = pd.DataFrame({
    "customer_id": ["b", "b", "new"], "decides": [True, False, True], "support": [0.0, 2, 1],
    "last_met": pd.to_datetime(["2025-01-01"] * 3),
})  # fmt: skip


def screen(accounts=ACCOUNTS, contacts=CONTACTS, **options):
    return screen_prospects(FACTS, accounts, min_need=500.0, contacts=contacts, **options)


def test_by_hand():
    found = screen()
    assert found.accounts["customer_id"].tolist() == ["new", "b"]  # a buys only 200 elsewhere
    assert found.accounts["elsewhere"].tolist() == [2000.0, 900.0]
    assert found.accounts["n_met"].tolist() == [3, 3]
    assert (found.n_prospects, found.elsewhere, found.n_unknown) == (2, 2900.0, 1)
    assert found.steps["n_customers"].tolist() == [2, 2, 2]
    assert found.answer().startswith("2 accounts need what we sell, can pay and have a decider we know; they buy 3K")


@pytest.mark.parametrize(
    ("changed", "solvent"),
    [({"credit_rating": "D"}, "no"), ({"overdue": 21.0}, "no"), ({"credit_rating": None}, "yes"),
     ({"credit_rating": None, "overdue": np.nan}, "not known")],
)  # fmt: skip
def test_solvency(changed, solvent):
    accounts = ACCOUNTS.copy()
    for column, value in changed.items():
        accounts.loc[1, column] = value
    row = screen(accounts).accounts.set_index("customer_id").loc["b"]
    assert (row["can_pay"], row["n_met"]) == (solvent, 2 + (solvent == "yes"))
    assert ("credit" in row["why"]) == (solvent != "yes") or row["why"] == "need, credit and decider"


@pytest.mark.parametrize(
    ("changed", "power"),
    [({"decides": False}, "no"), ({"support": -1.0}, "no"), ({"last_met": pd.NaT}, "no"), ({"support": np.nan}, "yes")],
)
def test_power_to_decide(changed, power):
    contacts = CONTACTS.copy()
    for column, value in changed.items():
        contacts.loc[0, column] = value
    assert screen(contacts=contacts).accounts.set_index("customer_id")["decider_known"]["b"] == power


def test_what_is_not_known_is_not_met():
    found = screen(contacts=None)
    assert (found.accounts["decider_known"] == "not known").all() and found.n_prospects == 0
    assert found.steps["n_unknown"].tolist() == [1, 0, 2]
    assert found.checks[-1].verdict == "does not hold"
    alone = screen(ACCOUNTS[["customer_id", "potential"]])
    assert (alone.accounts["can_pay"] == "not known").all()
    assert alone.checks[-1].finding == "no credit rating and nothing overdue in the account file"


def test_the_steps_narrow_down():
    """One can pay and has no decider, one has a decider and cannot pay: the third step holds neither."""
    accounts = pd.DataFrame(
        {"customer_id": ["both", "payer", "powerful"], "potential": 900.0, "credit_rating": ["A", "A", "E"]}
    )
    contacts = pd.DataFrame({"customer_id": ["both", "powerful"], "decides": True})
    found = screen(accounts, contacts)
    assert found.steps["n_customers"].tolist() == [3, 2, 1] and found.n_prospects == 1
    assert found.steps["n_unknown"].tolist() == [0, 0, 1]  # of who can pay, one without contacts


def test_key_accounts_are_left_out_counted_and_said():
    found = screen(key_accounts={"b", "not on file"})
    assert found.accounts["customer_id"].tolist() == ["new"]
    assert (found.n_key_accounts, found.n_accounts) == (1, 4)
    assert "One account that is a key account already is left out." in found.answer()
    assert next(c for c in found.checks if "key account" in c.assumption).verdict == "handled"
    without = screen()
    assert without.n_key_accounts is None and "left out" not in without.answer()
    assert next(c for c in without.checks if "key account" in c.assumption).verdict == "not testable"
    with pytest.raises(EmptyDataError, match="key accounts already"):
        screen(key_accounts=ACCOUNTS["customer_id"].tolist())
    with pytest.raises(ParameterError, match="key_accounts"):
        screen(key_accounts="b")


def test_who_buys_is_told_from_who_is_silent_and_who_never_bought():
    facts = pd.DataFrame({"customer_id": ["b", "silent"], "revenue_year": [100.0, 0.0]})
    accounts = pd.DataFrame({"customer_id": ["b", "silent", "new"], "potential": 900.0, "credit_rating": "A"})
    contacts = pd.DataFrame({"customer_id": ["b", "silent", "new"], "decides": True})
    found = screen_prospects(facts, accounts, min_need=500.0, contacts=contacts)
    status = found.accounts.set_index("customer_id")["status"].to_dict()
    assert status == {"b": "buys", "silent": "silent for a year", "new": "never bought"}
    assert (found.n_buying, found.n_silent, found.n_never) == (1, 1, 1)
    assert "1 bought in the last twelve months, 1 did not but had before, 1 never bought" in found.answer()


def test_nobody_has_the_need():
    found = screen_prospects(FACTS, ACCOUNTS, min_need=1e6)
    assert found.accounts.empty and found.answer().startswith("No account buys 1,000,000")


def test_bad_input():
    with pytest.raises(ParameterError, match="min_need is 0"):
        screen_prospects(FACTS, ACCOUNTS, min_need=0)
    with pytest.raises(MissingColumnError, match="no column 'potential'"):
        screen_prospects(FACTS, ACCOUNTS.drop(columns="potential"), min_need=1.0)
    with pytest.raises(EmptyDataError, match="demand of no account"):
        screen_prospects(FACTS, ACCOUNTS.assign(potential=np.nan), min_need=1.0)
