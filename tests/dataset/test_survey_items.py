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


def test_numbers_off_the_scale_are_codes():
    found = guess(a=[*FIVE, 99, 0], b=[*FIVE, 5, 8])
    assert (list(found.items), found.codes) == (["a", "b"], (0, 8, 99))


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
