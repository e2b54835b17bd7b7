import time

import pandas as pd
import pytest

from kam.dataset.parents import find_heads
from kam.errors import DataError


def test_heads_of_long_chains():
    ids = pd.Series([f"{i:05d}" for i in range(3000)])
    start = time.perf_counter()
    assert (find_heads(ids, dict(zip(ids[1:], ids[:-1], strict=True))) == "00000").all()
    assert time.perf_counter() - start < 2


def test_who_has_no_parent_is_its_own_head():
    ids = pd.Series(["1", "2", "3", "4", "5"])
    parents = {"1": "1", "2": None, "3": "", "4": " ", "5": "elsewhere"}
    assert find_heads(ids, parents).tolist() == ["1", "2", "3", "4", "elsewhere"]


def test_a_parent_that_is_no_customer_leads_on_to_its_own():
    assert find_heads(pd.Series(["a", "b"]), {"a": "x", "b": "y", "x": "y"}).tolist() == ["y", "y"]


def test_who_stands_in_or_below_a_circle_stands_alone_or_is_named():
    parents = pd.Series({"a": "b", "b": "c", "c": "b", "d": "e"})
    assert find_heads(pd.Series(list("abcd")), parents).tolist() == ["a", "b", "c", "e"]
    with pytest.raises(DataError, match=r"Parents go round in a circle.*'a', 'b', 'c'"):
        find_heads(pd.Series(list("abcd")), parents, refuse_circles=True)


def test_two_parents_are_named():
    with pytest.raises(DataError, match="two parents"):
        find_heads(pd.Series(["a"]), pd.Series(["x", "y"], index=["a", "a"]))
