import pandas as pd
import pytest

from kam.dataset.answers import check_long, hide_codes, require_items, spread_long, tidy_answers
from kam.dataset.frame_checks import Findings
from kam.dataset.parsing import parse_dataset_file
from kam.errors import MissingColumnError
from kam.wording import Wording


def survey(options):
    return parse_dataset_file(f"name: x\ntables: {{survey: {{source: s.csv, {options}}}}}", where="x").tables.survey


def frames(**columns):
    """Typed numbers, and the text they were read from."""
    raw = pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in columns.items()})
    texts = ("respondent_id", "wave", "item", "region")
    return raw.apply(lambda c: c if c.name in texts else pd.to_numeric(c, errors="coerce")), raw


CODED = survey("items: [{name: delivery}], not_applicable: [8], no_answer: [9, k.A.]")


def test_codes_are_no_answers_and_say_why():
    frame, raw = frames(
        respondent_id=list("abcde"),
        wave=["1"] * 5,
        delivery=["5", "8", "9.0", " K.A. ", None],
        overall=["1", "2", "3", "4", "8"],
    )
    hidden, without = hide_codes(frame, raw, CODED)
    assert hidden["delivery"].tolist()[0] == 5
    assert hidden["delivery"].isna().tolist() == [False, True, True, True, True]
    assert hidden["overall"].isna().tolist() == [False] * 4 + [True]
    assert without["delivery"].isna().tolist() == [False, True, True, True, True]
    tidy = tidy_answers(hidden, raw, CODED).query("item == 'delivery'")
    assert tidy["status"].tolist() == ["answered", "not applicable", "no answer", "no answer", "blank"]
    assert frame["delivery"].tolist()[1] == 8, "the input is left alone"


def test_eight_is_an_answer_from_zero_to_ten():
    frame, raw = frames(respondent_id=list("abc"), wave=["1"] * 3, recommend=["8", "9", "99"])
    hidden, _ = hide_codes(frame, raw, survey("items: [], not_applicable: [8], no_answer: [9, 99]"))
    assert hidden["recommend"].tolist()[:2] == [8, 9]
    assert hidden["recommend"].isna().tolist() == [False, False, True]
    assert tidy_answers(hidden, raw, CODED)["status"].tolist()[:2] == ["answered", "answered"]


def test_no_scale_at_all_is_an_error():
    frame, _ = frames(respondent_id=["a"], wave=["1"])
    with pytest.raises(MissingColumnError, match="items:"):
        require_items(frame, survey("items: []"))


LONG = survey(
    "form: long, items: [{name: delivery}, {name: price, range: [1, 7]}], groups: [region], not_applicable: [8]"
)


def long_frames(**changes):
    return frames(**{
        "respondent_id": list("aabb"),
        "wave": ["1"] * 4,
        "region": ["n", "n", "s", "s"],
        "item": ["delivery", "price", "delivery", "overall"],
        "answer": ["5", "7", "8", "2"],
    } | changes)  # fmt: skip


def test_long_form_turns_wide():
    frame, raw = long_frames()
    hidden, _ = hide_codes(frame, raw, LONG)
    found = Findings(say=Wording(), first_row=2)
    check_long(hidden, raw, LONG, found)
    wide, texts = spread_long(hidden, raw, LONG, found)
    assert (found.problems, found.warnings) == ([], [])
    expected = pd.DataFrame({
        "respondent_id": ["a", "b"], "wave": ["1", "1"], "region": ["n", "s"],
        "overall": [None, 2.0], "delivery": [5.0, None], "price": [7.0, None],
    })  # fmt: skip
    pd.testing.assert_frame_equal(wide, expected, check_dtype=False)
    tidy = tidy_answers(wide, texts, LONG)
    assert tidy.set_index(["respondent_id", "item"])["status"].to_dict() == {
        ("a", "overall"): "blank", ("b", "overall"): "answered", ("a", "delivery"): "answered",
        ("b", "delivery"): "not applicable", ("a", "price"): "answered", ("b", "price"): "blank",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "fragment"),
    [
        ({"answer": ["6", "7", "8", "2"]}, "out of the range of its item in row 2 ('delivery=6')"),
        ({"item": ["delivery", "price", "delivery", "speed"]}, "not declared under items: 'speed'"),
        ({"item": ["delivery", "delivery", "delivery", "overall"]}, "No row answers these declared items: 'price'"),
        (
            {"region": ["n", "s", "s", "s"]},
            "region differs between the rows of one respondent and wave: rows 2 ('a') and 3 ('a')",
        ),
    ],
)
def test_what_is_wrong_in_long_form_is_named(changes, fragment):
    frame, raw = long_frames(**changes)
    hidden, _ = hide_codes(frame, raw, LONG)
    found = Findings(say=Wording(), first_row=2)
    check_long(hidden, raw, LONG, found)
    spread_long(hidden, raw, LONG, found)
    assert any(fragment in problem for problem in found.problems), found.problems
