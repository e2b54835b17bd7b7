import pandas as pd
import pytest

from kam.dataset.survey_items import guess_items
from kam.ledger.reading import connect, describe_source


def guess(taken=(), **columns):
    con = connect()
    try:
        return guess_items(describe_source(pd.DataFrame(columns), con), set(taken))
    finally:
        con.disconnect()


FIVE = [1, 2, 3, 4, 5] * 60


def test_columns_on_the_scale_most_are_on_are_items():
    found = guess(
        a=FIVE, b=FIVE[::-1], group=[1, 2, 3] * 100, seven=list(range(1, 7)) * 50, x=[f"t{i}" for i in range(300)]
    )
    assert found.items == {"a": (1, 5), "b": (1, 5), "seven": (1, 5)}
    assert found.codes == (6,)


def test_usual_numbers_off_the_scale_that_are_not_alone_are_codes():
    found = guess(a=[*FIVE, 99, 0, 8], b=[*FIVE, 5, 8, 99], c=[*FIVE, 0, 1, 2])
    assert (list(found.items), found.codes, found.questions) == (["a", "b", "c"], (0, 8, 99), ())
    assert guess(a=[*FIVE, 9, 9], b=[*FIVE, 1, 1]).codes == (9,), "several rows of one item will do"


@pytest.mark.parametrize(("column", "fragment"), [([*FIVE, 7], "7 in one row"), ([*FIVE, 7, 7], "7 in 2 rows"),
                                                  ([*FIVE, 99], "99 in one row")])  # fmt: skip
def test_other_numbers_off_the_scale_are_asked_about_and_not_written(column, fragment):
    found = guess(q1=column, q2=(FIVE * 2)[: len(column)])
    assert found.codes == () and list(found.items) == ["q1", "q2"]
    (question,) = found.questions
    assert f"'q1' has the value {fragment}, outside of 1 to 5" in question
    lines = []
    found.write(lines, str)
    assert not any("no_answer" in line for line in lines)


def test_columns_among_the_items_that_fill_no_scale_are_asked_about():
    found = guess(region=[1, 2] * 150, q1=FIVE, q2=[3] * 300, q3=[4, 5] + [None] * 298, q4=FIVE, size=[1, 2] * 150)
    assert list(found.items) == ["q1", "q4"]
    assert [question.split(" a question")[0] for question in found.questions] == ["Is 'q2'", "Is 'q3'"]


def test_items_whose_name_is_taken_get_another_and_a_question():
    found = guess(item=FIVE, answer=FIVE, q=FIVE, **{"x" * 120: FIVE})
    assert list(found.items) == ["item (question)", "answer (question)", "q", "x" * 80]
    assert {name: column for name, (column, _) in found.columns.items()}["item (question)"] == "item"
    assert found.names == {"item", "answer", "q", "x" * 120}
    assert len(found.questions) == 3


@pytest.mark.parametrize(("low", "high"), [(1, 7), (0, 10), (1, 10)])
def test_longer_scales_are_known(low, high):
    values = list(range(low, high + 1)) * 40
    assert guess(a=values, b=values).items == {"a": (low, high), "b": (low, high)}


def test_few_rows_need_not_use_every_level():
    assert list(guess(a=[5, 4, 4, 2], b=[1, 1, 1, 2]).items) == ["a"]


def test_what_is_taken_reserved_or_no_whole_number_is_no_item():
    found = guess(
        taken=["a"], a=FIVE, overall=FIVE, half=[x + 0.5 for x in FIVE], text=["1", "2", "3", "4", "n/a"] * 60
    )
    assert found.items == {}
    assert found.codes == ()


def test_names_are_written_so_that_braces_do_not_end_them():
    lines = []
    guess(**{"q, {1}": FIVE}).write(lines, lambda value: str(value).replace('"', "'"))
    assert "{name: 'q, {1}'}" in lines[-1]
