"""Types by a table of conditions: by hand, each fact changes its type, a table of one's own, what is missing."""

import numpy as np
import pandas as pd
import pytest

from kam.errors import EmptyDataError, MissingColumnError, ParameterError
from kam.identify import TYPES, classify_types

CORE = {
    "revenue_year": 100.0, "tenure_years": 0.5, "partnership_wish": 1.0, "gap_cv": 2.0, "n_competitors": 1.0,
    "share_profit": 0.01, "growth": 0.0, "share_wallet": 0.9, "reputation": 1.0, "management_philosophy": 1.0,
}  # fmt: skip


@pytest.fixture
def facts():
    """Ten plain accounts, the first of which is changed by the tests."""
    frame = pd.DataFrame([CORE] * 10)
    frame["revenue_year"] = np.arange(1000.0, 0.0, -100.0)
    return frame.assign(customer_id=[f"c{i}" for i in range(10)])


def types_of(facts, customer="c0"):
    found = classify_types(facts).accounts
    return found.loc[found["customer_id"] == customer, "account_type"].tolist()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, ["ordinary", "selective"]),
        ({"tenure_years": 3.0, "partnership_wish": 4.0}, ["strategic", "selective"]),
        ({"tenure_years": 3.0, "gap_cv": 1.0}, ["partner", "selective"]),
        ({"tenure_years": 3.0, "gap_cv": 1.0, "partnership_wish": 5.0}, ["strategic", "partner", "selective"]),
        ({"n_competitors": 0.0}, ["ordinary", "monopoly"]),
        ({"n_competitors": 3.0}, ["ordinary", "intensive"]),
        ({"share_profit": 0.1}, ["ordinary", "selective", "breadwinner"]),
        ({"share_profit": 0.0999}, ["ordinary", "selective"]),
        ({"reputation": 4.0}, ["ordinary", "selective", "image maker"]),
        ({"management_philosophy": 5.0}, ["ordinary", "selective", "expert"]),
        ({"growth": 0.5, "share_wallet": 0.2}, ["ordinary", "selective"]),  # too large for a prospect
        ({"n_competitors": np.nan}, ["ordinary"]),
    ],
)
def test_types_by_hand(facts, changed, expected):
    for column, value in changed.items():
        facts.loc[0, column] = value
    assert types_of(facts) == expected


def test_a_small_growing_account_is_a_prospect(facts):
    facts.loc[9, ["growth", "share_wallet"]] = [0.2, 0.5]
    found = classify_types(facts)
    assert "prospect" in types_of(facts, "c9")
    reason = found.of("prospect")["reason"].tolist()
    assert reason == ["growth within the year 20.0%; share of wallet 50.0%; share of larger accounts 90.0%"]


def test_counts_and_answer(facts):
    facts.loc[0, "share_profit"] = 0.5
    found = classify_types(facts)
    table = found.types.set_index("account_type")
    assert table.loc["breadwinner", ["n_customers", "value"]].tolist() == [1, 1000.0]
    assert table.loc["breadwinner", "share_value"] == pytest.approx(1000 / 5500)
    assert table["n_customers"].to_dict()["ordinary"] == 10
    assert found.answer().endswith("10 ordinary (100%), 10 selective (100%), 1 breadwinner (18%).")
    assert found.n_several == 0
    assert table.loc["breadwinner", "meaning"] == "share of profit at least 10.0%"


def test_a_table_of_ones_own(facts):
    own = pd.DataFrame({"scheme": "size", "account_type": ["giant", "rest"], "fact": ["revenue_year", ""],
                        "at_least": [900.0, np.nan], "at_most": np.nan})  # fmt: skip
    found = classify_types(facts, types=own)
    assert found.types["n_customers"].tolist() == [2, 8]
    assert found.types["meaning"].tolist() == ["revenue year at least 900", "none of the others"]


def test_facts_that_are_not_there(facts):
    found = classify_types(facts.drop(columns=["reputation", "partnership_wish"]).assign(tenure_years=5.0))
    assert found.not_judged == ("image maker",)
    check = found.checks[0]
    assert check.verdict == "does not hold"
    assert check.finding == "not in the data: partnership wish and reputation; not judged at all: image maker"
    assert found.of("strategic")["customer_id"].tolist() == ["c0", "c1", "c2"]  # judged by what is there
    facts.loc[:3, "n_competitors"] = np.nan
    assert classify_types(facts).types.set_index("account_type")["n_unknown"]["monopoly"] == 4


def test_bad_input(facts):
    with pytest.raises(MissingColumnError, match="no column 'revenue_year'"):
        classify_types(facts.drop(columns="revenue_year"))
    with pytest.raises(EmptyDataError, match="no account"):
        classify_types(facts.head(0))
    without = TYPES.assign(at_least=np.nan, at_most=np.nan)
    with pytest.raises(ParameterError, match="'share_larger' has no border"):
        classify_types(facts, types=without)
    with pytest.raises(ParameterError, match=r"borders turned round.*selective"):
        classify_types(
            facts, types=TYPES.assign(at_most=TYPES["at_most"].where(TYPES["account_type"] != "selective", 0.5))
        )
