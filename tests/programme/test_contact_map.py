import pandas as pd
import pytest

from kam.errors import MissingColumnError
from kam.programme import map_contacts
from kam.programme.contact_map import count_contacts

PEOPLE = pd.DataFrame(
    {
        "customer_id": ["b", "a", "a", "a", "a"],
        "contact_id": ["5", "4", "3", "2", "1"],
        "name": [None, "Ada", "Bo", "Cy", "Di"],
        "influence": [5, 2, 4, 5, None],
        "support": [1, 0, 2, None, -1],
        "decides": [True, False, False, True, True],
        "last_met": ["2025-01-01", None, "2025-02-02", None, "2025-03-03"],
    }
)


def test_deciders_first_then_by_influence():
    mapped = map_contacts(PEOPLE)
    assert mapped["person"].tolist() == ["Cy", "Di", "Bo", "Ada", "5"]
    assert mapped["is_ally"].tolist() == [False, False, True, False, True]


def test_allies_and_deciders_are_counted():
    counted = count_contacts(map_contacts(PEOPLE)).set_index("customer_id")
    assert counted.loc["a"].to_dict() == {"n_contacts": 4, "n_allies": 1, "n_deciders": 2, "n_deciders_not_met": 1}
    assert counted.loc["b"].to_dict() == {"n_contacts": 1, "n_allies": 1, "n_deciders": 1, "n_deciders_not_met": 0}


def test_nobody_and_nothing_but_identifiers():
    assert map_contacts(None).empty and count_contacts(map_contacts(None)).empty
    one = map_contacts(PEOPLE[["customer_id", "contact_id"]])
    assert not one[["decides", "is_ally", "is_met"]].any().any()
    with pytest.raises(MissingColumnError, match="contact_id"):
        map_contacts(PEOPLE[["customer_id"]])
