"""What a shared report keeps back, worked by hand."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kam.disclosure import FEWEST, WITHHELD, OneByOne, RestsOn, protect_frame, withhold
from kam.wording import Wording

SAY = Wording()
GROUPS = RestsOn(people=("n_respondents",), parts="group_name", whole=("by", "all"))


def cells(*rows):
    return pd.DataFrame(rows, columns=["by", "group_name", "estimate", "n_respondents", "why"])


@given(st.lists(st.integers(0, 30), max_size=8), st.integers(0, 12))
def test_what_is_kept_back_is_nobody_or_enough(counts, strangers):
    whole = sum(counts) + strangers
    hidden = withhold(counts, of=whole)
    assert all(hide for n, hide in zip(counts, hidden, strict=True) if n < FEWEST)
    rest = whole - sum(n for n, hide in zip(counts, hidden, strict=True) if not hide)
    assert rest == 0 or rest >= FEWEST or all(hidden)


def test_a_small_group_goes_and_the_next_smallest_with_it():
    frame = cells(
        ("all", "all", 3.5, 60, ""), ("role", "a", 3.0, 40, ""), ("role", "b", 4.0, 12, ""), ("role", "c", 1.0, 3, ""),
        ("role", "d", 5.0, 5, ""),
    )  # fmt: skip
    before = frame.copy()
    kept = protect_frame(frame, GROUPS, SAY)
    assert kept["estimate"].isna().tolist() == [False, False, False, True, True]
    assert kept["why"].tolist()[3:] == [
        "fewer than 5 people answered", "it would tell, by a difference, what fewer than 5 people answered"
    ]  # fmt: skip
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(protect_frame(kept, GROUPS, SAY), kept)


def test_who_is_in_no_group_counts_as_what_is_left_of_the_whole():
    frame = cells(("all", "all", 3.5, 43, ""), ("role", "a", 3.0, 30, ""), ("role", "b", 4.0, 10, ""))
    assert protect_frame(frame, GROUPS, SAY)["estimate"].isna().tolist() == [False, False, True]
    told = cells(("all", "all", 3.5, 45, ""), ("role", "a", 3.0, 30, ""), ("role", "b", 4.0, 10, ""))
    assert protect_frame(told, GROUPS, SAY) is told


def test_a_group_that_is_small_enough_to_be_missing_already_needs_no_other():
    frame = cells(("all", "all", 3.5, 57, ""), ("role", "a", 3.0, 50, ""), ("role", "b", float("nan"), 7, "few"))
    assert protect_frame(frame, GROUPS, SAY) is frame


def test_a_difference_goes_with_what_it_is_of():
    rests_on = RestsOn(people=("n_accounts",), parts="group_name", contrasts=("difference",))
    frame = pd.DataFrame(
        {"group_name": ["lost", "stayed", "difference"], "estimate": [0.2, 0.8, -0.6], "n_accounts": [3, 90, 93]}
    )
    assert protect_frame(frame, rests_on, SAY)["estimate"].isna().all()
    assert protect_frame(frame.assign(n_accounts=[9, 90, 99]), rests_on, SAY)["estimate"].notna().all()


@pytest.mark.parametrize(("n_both", "hidden"), [(50, False), (3, True), (97, True), (100, False)])
def test_who_answered_twice_and_who_did_not_are_both_enough(n_both, hidden):
    rests_on = RestsOn(people=("n_from", "n_to"), both=("n_both", "compared", "both"))
    frame = pd.DataFrame(
        {"compared": ["all", "both"], "estimate": [1.0, 2.0], "n_from": 100, "n_to": 100, "n_both": n_both}
    )
    assert protect_frame(frame, rests_on, SAY)["estimate"].isna().tolist() == [False, hidden]


def test_a_frame_with_a_row_per_person_is_emptied_whatever_it_says_of_itself():
    people = pd.DataFrame({"respondent_id": ["1"], "overall": [5.0]})
    for rests_on in (None, OneByOne()):
        kept = protect_frame(people, rests_on, SAY)
        assert list(kept) == list(people) and kept.empty
        assert kept.attrs[WITHHELD] == "Each row would be about one person: not in a shared report."
    assert list(protect_frame(people.assign(x=1), OneByOne(columns=("x",)), SAY)) == ["respondent_id", "overall"]
    assert protect_frame(pd.DataFrame({"person": ["Kim"]}), None, SAY).empty
