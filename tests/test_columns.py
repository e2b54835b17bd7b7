import re
import typing

import numpy as np
import pandas as pd
import pytest

from kam.columns import GLOSSARY, Format, is_number, read_numbers, require_columns
from kam.errors import ColumnTypeError, DuplicateColumnError, MissingColumnError


@pytest.mark.parametrize("name", GLOSSARY)
def test_names_follow_the_conventions(name):
    entry = GLOSSARY[name]
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    assert entry.label and entry.meaning and entry.unit
    assert entry.format in typing.get_args(Format)
    if name.startswith("n_"):
        assert entry.format == "count"
    if name.startswith("share_"):
        assert entry.format == "share"


def test_the_glossary_is_in_alphabetical_order():
    assert list(GLOSSARY) == sorted(GLOSSARY)


@pytest.mark.parametrize(
    "values", [[1, 2.5, None], pd.array([1, 2.5, None], dtype="Float64"), pd.Series([1, 2.5, None], dtype=object)]
)
def test_numbers_are_read_and_missing_ones_are_nan(values):
    np.testing.assert_array_equal(read_numbers(pd.Series(values), "x", where="there"), [1, 2.5, np.nan])


@pytest.mark.parametrize("values", [["1", "2"], [1, "2"], [True, False], pd.to_datetime(["2024-01-01"]), [[1], [2]]])
def test_texts_dates_and_flags_are_no_numbers(values):
    with pytest.raises(ColumnTypeError, match=r"'x' holds no numbers.*there"):
        read_numbers(pd.Series(values), "x", where="there")


def test_one_number_is_told_from_what_looks_like_it():
    assert all(is_number(one) for one in (1, 0.5, np.int64(3), np.float64(2), np.nan))
    assert not any(is_number(one) for one in ("1", None, True, np.bool_(1), pd.NA, [1], pd.Timestamp(0)))


def test_frames_without_a_column_or_with_it_twice_are_named():
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", "b", "b"])
    require_columns(frame, ["a"], where="there")
    with pytest.raises(MissingColumnError, match=r"'c'.*there, which has a, b, b"):
        require_columns(frame, iter(["a", "c"]), where="there")
    with pytest.raises(DuplicateColumnError, match=r"'b' stands twice.*there"):
        require_columns(frame, iter(["a", "b"]), where="there")
    for wrong in (None, [1], {"a": 1}):
        with pytest.raises(ColumnTypeError, match=r"no data frame.*there"):
            require_columns(wrong, ["a"], where="there")
