"""Groups from the account file."""

import pandas as pd
import pytest

from kam.dataset import group_accounts
from kam.errors import MissingColumnError

ACCOUNTS = pd.DataFrame({"customer_id": ["007", "7", "8"], "region": ["북부", None, "south"]})


def test_groups_by_customer_leave_out_who_has_none():
    assert group_accounts(ACCOUNTS, "region") == {"007": "북부", "8": "south"}


@pytest.mark.parametrize(("accounts", "column"), [(None, "region"), (ACCOUNTS, "")])
def test_without_a_file_or_a_column_there_are_no_groups(accounts, column):
    assert group_accounts(accounts, column) is None


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(MissingColumnError, match="'industry'"):
        group_accounts(ACCOUNTS, "industry")
