import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.errors import (
    ColumnTypeError,
    DataError,
    DuplicateColumnError,
    EmptyDataError,
    MissingColumnError,
    ParameterError,
)
from kam.identify import staffing
from kam.results import Context

ACCOUNTS = pd.DataFrame(
    {
        "customer_id": list("abcdefg"),
        "manager": ["Ito", "Ito", "Ito ", "Berg", None, "", "Berg"],
        "sponsor": ["CEO", None, " ", "CFO", "CEO", None, None],
    }
)
KEY = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d", "e", "z"],
        "name": ["A", "B", "C", "D", "E", "Z"],
        "value": [60.0, 50.0, 40.0, 30.0, 20.0, 10.0],
        "tier": "A",
    }
)
EURO = Context(currency="EUR")


def test_seven_accounts_by_hand():
    summary = pd.DataFrame({"customer_id": list("abcdg"), "revenue": [60.0, 50.0, 40.0, 30.0, 5.0]})
    result = staffing(ACCOUNTS, KEY, accounts_per_manager=2, summary=summary, context=EURO)
    assert (result.n_needed, result.n_managers, result.n_with_key_accounts, result.n_above) == (3, 2, 2, 1)
    ito, berg = result.managers.to_dict("records")
    assert (ito["manager"], ito["n_accounts"], ito["n_key_accounts"], ito["revenue"]) == ("Ito", 3, 3, 150.0)
    assert (ito["load"], ito["share_capacity"], ito["is_above"]) == (3.0, 1.5, True)
    assert (berg["n_accounts"], berg["n_key_accounts"], berg["revenue"], berg["is_above"]) == (2, 1, 35.0, False)
    assert result.unassigned[["customer_id", "why"]].to_numpy().tolist() == [
        ["e", "no manager in the account file"],
        ["z", "not in the account file"],
    ]
    assert result.unsponsored["customer_id"].tolist() == ["b", "c", "z"]
    assert (result.n_unassigned, result.n_unsponsored, result.n_not_on_file) == (2, 3, 1)
    assert result.value_unassigned == 30.0
    assert result.answer() == (
        "6 key accounts need 3 managers at 2 key accounts a manager; 2 of the 2 managers hold key accounts today. "
        "One manager carries more than that, 2 key accounts (€30.00) have no manager and 3 have no sponsor."
    )


def test_xerox_had_250_key_accounts_and_needed_28_managers_at_nine_each():
    accounts = pd.DataFrame({"customer_id": [f"{i:03}" for i in range(250)], "manager": "Xu"})
    result = staffing(accounts, accounts[["customer_id"]])
    assert (result.n_needed, result.capacity) == (28, 9.0)
    assert result.n_unsponsored is None
    assert any(check.verdict == "not testable" and "sponsor" in check.finding for check in result.checks)


@pytest.mark.parametrize("unit", ["hours", "visits"])
def test_effort_in_place_of_numbers(unit):
    effort = pd.DataFrame({"customer_id": ["a", "b", "d", "g"], unit: [100.0, 20.0, 60.0, 40.0]})
    result = staffing(ACCOUNTS, KEY, effort=effort, effort_per_manager=100)
    load = result.managers.set_index("manager")["load"]
    assert load["Ito"] == 100 + 20 + 60  # c is not given: the mean of the key accounts that are, (100 + 20 + 60) / 3
    assert load["Berg"] == 60 + 40  # with the ordinary account
    assert result.n_needed == 4  # 180 for a, b and d; 60 for each of c, e and z
    assert (result.measured_in, result.n_without_effort) == (unit, 3)
    assert f"at 100 {unit} a year a manager" in result.answer()


def test_another_capacity_or_manager_changes_the_answer():
    base = staffing(ACCOUNTS, KEY)
    assert staffing(ACCOUNTS, KEY, accounts_per_manager=1).n_needed == 6 != base.n_needed
    given_to_berg = ACCOUNTS.assign(manager=ACCOUNTS["manager"].fillna("Berg"))
    assert staffing(given_to_berg, KEY).n_unassigned == base.n_unassigned - 1


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"accounts": ACCOUNTS.drop(columns="manager")}, MissingColumnError, "manager_since"),
        ({"accounts": pd.concat([ACCOUNTS, ACCOUNTS.head(1)])}, DataError, r"\['a'\]"),
        ({"key_accounts": KEY.head(0)}, EmptyDataError, "no key account"),
        ({"key_accounts": KEY.drop(columns="customer_id")}, MissingColumnError, "customer_id"),
        ({"key_accounts": pd.concat([KEY, KEY.tail(1)])}, DataError, r"\['z'\]"),
        ({"accounts_per_manager": 0}, ParameterError, "about 9"),
        ({"effort": pd.DataFrame({"customer_id": ["a"], "hours": [1.0]})}, ParameterError, "effort_per_manager"),
        ({"effort": pd.DataFrame({"customer_id": ["a"]}), "effort_per_manager": 9}, MissingColumnError, "visits"),
        (
            {"effort": pd.DataFrame({"customer_id": ["a"], "hours": [-1.0]}), "effort_per_manager": 9},
            DataError,
            "negative",
        ),
        (
            {"effort": pd.DataFrame({"customer_id": ["a"], "hours": ["1"]}), "effort_per_manager": 9},
            ColumnTypeError,
            "hours",
        ),
        (
            {"effort": pd.DataFrame({"customer_id": ["q"], "hours": [1.0]}), "effort_per_manager": 9},
            DataError,
            "each key",
        ),
        ({"summary": pd.DataFrame({"customer_id": ["a"]})}, MissingColumnError, "revenue"),
        ({"summary": pd.DataFrame({"customer_id": ["a"], "revenue": ["5"]})}, ColumnTypeError, "revenue"),
        ({"summary": pd.DataFrame({"customer_id": ["a", "a"], "revenue": 5.0})}, DataError, "stands twice"),
        ({"summary": [1]}, ColumnTypeError, "summary"),
        ({"accounts": None}, ColumnTypeError, "accounts"),
        ({"accounts": pd.concat([ACCOUNTS, ACCOUNTS[["manager"]]], axis=1)}, DuplicateColumnError, "'manager'"),
        ({"key_accounts": ["a"]}, ColumnTypeError, "key accounts"),
        ({"key_accounts": KEY.assign(value="dear")}, ColumnTypeError, "'value'"),
        ({"key_accounts": KEY.assign(value=["5", *KEY["value"][1:]])}, ColumnTypeError, "'value'"),
        ({"accounts_per_manager": "9"}, ParameterError, "accounts_per_manager"),
        ({"accounts_per_manager": True}, ParameterError, "accounts_per_manager"),
        ({"effort": ["a"], "effort_per_manager": 9}, ColumnTypeError, "effort"),
        (
            {"effort": pd.DataFrame({"customer_id": ["a"], "hours": [1.0]}), "effort_per_manager": "9"},
            ParameterError,
            "effort_per_manager",
        ),
    ],
)
def test_bad_input_is_named(change, error, says):
    given_frames = {"accounts": ACCOUNTS, "key_accounts": KEY} | change
    with pytest.raises(error, match=says):
        staffing(given_frames.pop("accounts"), given_frames.pop("key_accounts"), **given_frames)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["Ito", "Berg", None]), min_size=1, max_size=30), st.integers(1, 12))
def test_every_key_account_is_somebodys_or_listed(managers, each):
    accounts = pd.DataFrame({"customer_id": [f"c{i}" for i in range(len(managers))], "manager": managers}, dtype=object)
    before = accounts.copy()
    result = staffing(accounts, accounts[["customer_id"]], accounts_per_manager=each)
    pd.testing.assert_frame_equal(accounts, before)
    assert result.managers["n_key_accounts"].sum() + result.n_unassigned == len(managers)
    assert (result.n_needed - 1) * each < len(managers) <= result.n_needed * each
    assert result.n_above == sum(managers.count(name) > each for name in ("Ito", "Berg"))
