import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.dataset.dictionary import TABLES, ColumnSpec
from kam.dataset.frame_checks import (
    Findings,
    check_accounts,
    check_columns,
    check_key,
    check_overrides,
    find_cycle,
    in_domain,
    shorten,
)
from kam.wording import Wording


def findings(first_row=2):
    return Findings(say=Wording(), first_row=first_row)


def test_rows_are_counted_as_in_the_file_and_only_the_first_are_named():
    found = findings()
    assert found.rows(pd.Series([False, True])) == "row 3"
    assert found.rows(pd.Series([True, False, True])) == "rows 2 and 4"
    assert found.rows(pd.Series([True] * 7)) == "rows 2, 3, 4, 5, 6 and 2 more"
    assert found.rows(pd.Series([True, True]), pd.Series(["a", "<b>"])) == "rows 2 ('a') and 3 ('<b>')"


def test_a_cell_is_shown_on_one_line():
    assert shorten("a\u2028b\x85c\td") == "'a b c d'"
    assert len(shorten("x" * 400)) == 43


SPECS = {
    "who": ColumnSpec(type="id", meaning="", required=True),
    "when": ColumnSpec(type="date", meaning="", required=True),
    "score": ColumnSpec(type="number", meaning="", low=1, high=5),
    "share": ColumnSpec(type="number", meaning="", above=0, high=1),
    "kind": ColumnSpec(type="text", meaning="", allowed=("a", "b")),
}


def check(**columns):
    """Columns as (typed, text)."""
    found = findings()
    frame = pd.DataFrame({name: pair[0] for name, pair in columns.items()})
    raw = pd.DataFrame({name: pd.Series(pair[1], dtype="str") for name, pair in columns.items()})
    check_columns(frame, raw, SPECS, found)
    return found.problems, found.warnings


def test_sound_cells_pass():
    day = pd.to_datetime(["2025-01-01", "2025-01-02"])
    good = check(
        who=(["1", "2"], ["1", "2"]), when=(day, ["x", "y"]), score=([1.0, 5.0], ["1", "5"]),
        share=([0.1, 1.0], ["1", "1"]), kind=(["a", "b"], ["a", "b"]),
    )  # fmt: skip
    assert good == ([], [])


def test_a_required_cell_is_not_empty():
    assert check(who=(["1", None, None], ["1", None, "  "])) == (["who is empty in rows 3 and 4."], [])


def test_a_cell_that_is_not_required_may_be_empty():
    assert check(score=([1.0, None], ["1", None])) == ([], [])


def test_what_cannot_be_read_is_a_problem_where_it_is_required_and_else_a_warning():
    day = pd.to_datetime(["2025-01-01", None])
    assert check(when=(day, ["2025-01-01", "soon"])) == (["when cannot be read as a date in row 3 ('soon')."], [])
    assert check(score=([1.0, None], ["1", "n/a"])) == (
        [],
        ["score cannot be read as a number in row 3 ('n/a'); these count as missing."],
    )


@pytest.mark.parametrize(
    ("columns", "fragment"),
    [
        ({"score": ([0.0, 5.0], ["0", "5"])}, "score is out of range in row 2 ('0'). Allowed: 1 to 5."),
        ({"score": ([1.0, 5.5], ["1", "5.5"])}, "row 3 ('5.5')"),
        ({"share": ([0.0, 1.1], ["0", "1.1"])}, "rows 2 ('0') and 3 ('1.1'). Allowed: above 0, at most 1."),
        ({"kind": (["a", "c"], ["a", "C"])}, "kind is out of range in row 3 ('C'). Allowed: a, b."),
    ],
)
def test_a_value_out_of_its_domain_is_named(columns, fragment):
    problems, warnings = check(**columns)
    assert fragment in problems[0]
    assert not warnings


@given(st.lists(st.one_of(st.none(), st.floats(-10, 10)), min_size=1, max_size=20))
def test_domain_holds_exactly_where_comparisons_do(values):
    inside = in_domain(pd.Series(values, dtype="float64"), SPECS["share"])
    assert list(inside) == [value is None or 0 < value <= 1 for value in values]


def test_a_key_stands_once():
    found = findings()
    check_key(pd.DataFrame({"a": ["x", "y", "x", "y"], "b": [1, 1, 1, 2]}), ("a", "b"), found)
    assert found.problems == ["a + b has to be different in every row, and is not: 'x', '1' in rows 2 and 4."]


def test_of_many_double_keys_the_first_are_named():
    found = findings()
    check_key(pd.DataFrame({"a": list("abcdefg") * 2}), ("a",), found)
    assert found.problems[0].endswith("'e' in rows 6 and 13 and 2 more.")


def test_missing_parts_of_a_key_are_alike():
    found = findings()
    check_key(pd.DataFrame({"a": ["x", "y", "x", "y"], "b": [None] * 4}), ("a", "b"), found)
    assert "'x', 'None' in rows 2 and 4 and 'y', 'None' in rows 3 and 5" in found.problems[0]


def test_rows_without_a_key_may_be_equal_with_a_warning():
    found = findings()
    check_key(pd.DataFrame({"a": ["x", "x", "y"]}), (), found)
    assert found.problems == []
    assert found.warnings == ["Some rows are equal in every column: rows 2 and 3. They are kept."]


# -- parents ---------------------------------------------------------------------------------------------------------


def accounts(**parents):
    return pd.DataFrame(
        {
            "customer_id": pd.Series(list(parents), dtype="str"),
            "parent_id": pd.Series(list(parents.values()), dtype="str"),
        }
    )


def test_a_tree_of_parents_is_sound():
    found = findings()
    check_accounts(accounts(a=None, b="a", c="b", d="a"), found)
    assert (found.problems, found.warnings) == ([], [])


def test_a_parent_that_is_its_own_grandparent_is_named():
    found = findings()
    check_accounts(accounts(z="a", a="b", b="c", c="a", d=None), found)
    assert found.problems == ["Parents go round in a circle: 'a' → 'b' → 'c' → 'a'."]


def test_the_head_of_a_group_may_name_itself():
    frame, found = accounts(a="a", b="a"), findings()
    check_accounts(frame, found)
    assert found.problems == []
    assert found.warnings == ["1 account names itself as its parent and is taken to have none."]
    assert frame["parent_id"].isna().tolist() == [True, False]


def test_a_parent_outside_the_table_is_noted():
    found = findings()
    check_accounts(accounts(a=None, b="holding"), found)
    assert found.problems == []
    assert "row 3 ('holding')" in found.warnings[0]


def test_a_manager_without_a_day_is_noted():
    found = findings()
    check_accounts(pd.DataFrame({"customer_id": ["a"], "manager": ["m"]}), found)
    assert "manager_since" in found.warnings[0]


def naive_is_cyclic(parents):
    for start in parents:
        seen, at = set(), start
        while at in parents and at not in seen:
            seen.add(at)
            at = parents[at]
        if at in seen:
            return True
    return False


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("abcdefghXY"), min_size=1))
def test_circles_are_found_as_by_walking(parents):
    circle = find_cycle(pd.Series(list(parents)), pd.Series(list(parents.values())))
    assert bool(circle) == naive_is_cyclic(parents)
    for child, parent in zip(circle, circle[1:] + circle[:1], strict=True):
        assert parents[child] == parent


def test_a_long_chain_is_no_circle():
    n = 100_000
    ids = pd.Series([f"{i}" for i in range(n)])
    assert find_cycle(ids, ids.shift(1)) == []


def test_an_override_does_not_end_before_it_begins():
    found = findings()
    days = pd.to_datetime(["2025-01-02", "2025-01-01"])
    frame = pd.DataFrame({"customer_id": ["a", "b"], "tier": "A", "set_on": days, "until": days[::-1]})
    check_overrides(frame, found)
    assert found.problems == ["until is before set_on in row 2 ('a')."]


def test_an_override_sets_a_tier_that_there_is():
    found = findings()
    check_overrides(pd.DataFrame({"customer_id": ["a", "b"], "tier": ["A", "Z"]}), found)
    assert found.problems == ["tier is none of A, B and C in row 3 ('Z')."]


def test_domains_of_the_dictionary_are_what_the_tables_say():
    assert TABLES["survey"].columns["recommend"].domain == "0 to 10"
    assert TABLES["contacts"].columns["support"].domain == "-2 to 2"
    assert TABLES["events"].columns["kind"].domain == "complaint, contact, visit, tender, offer, handover, lost"
