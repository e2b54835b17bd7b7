import pandas as pd

from kam.dataset import name_accounts

FRAME = pd.DataFrame({"rank": [1, 2], "customer_id": ["007", "7"], "value": [2.0, 1.0]})


def test_names_stand_beside_the_number_and_numbers_where_there_is_none():
    accounts = pd.DataFrame({"customer_id": ["7", "007", "9"], "name": [None, "華遠", "nobody here"]})
    before = FRAME.copy()
    named = name_accounts(FRAME, accounts)
    assert named.columns.tolist() == ["rank", "customer_id", "name", "value"]
    assert named["name"].tolist() == ["華遠", "7"]
    pd.testing.assert_frame_equal(FRAME, before)


def test_without_an_account_file_or_a_name_column_numbers_are_shown():
    assert name_accounts(FRAME, None)["name"].tolist() == ["007", "7"]
    assert name_accounts(FRAME, pd.DataFrame({"customer_id": ["7"]}))["name"].tolist() == ["007", "7"]
