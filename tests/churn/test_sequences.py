"""Reading panels of states."""

import numpy as np
import pandas as pd
import pytest

from kam.churn.sequences import read_sequences, seasons_of
from kam.errors import (
    ColumnTypeError,
    DataError,
    EmptyDataError,
    EmptyStateError,
    MissingColumnError,
    ParameterError,
)


def tiny(**columns):
    base = {"customer_id": ["b", "a", "b", "a"], "period": [1, 2, 3, 1], "state": ["x", "y", "x", "x"]}
    return pd.DataFrame(base | columns)


def test_rows_come_in_any_order_and_a_gap_is_no_transition():
    sequences = read_sequences(tiny())
    order = {name: i for i, name in enumerate(sequences.customers)}
    rows = sorted(zip(sequences.customer, sequences.period, sequences.state, strict=True))
    assert rows == sorted([(order["a"], 0, 0), (order["a"], 1, 1), (order["b"], 0, 0), (order["b"], 2, 0)])
    assert sequences.states == ("x", "y") and len(sequences.periods) == 3
    assert len(sequences.moves) == 1 and sequences.customer[sequences.moves[0]] == order["a"]


def test_nothing_is_changed():
    frame = tiny()
    before = frame.copy()
    read_sequences(frame)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("periods", "freq", "n"),
    [
        (["2024-01-01", "2024-02-01", "2024-05-01", "2024-01-01"], "month", 5),
        (["2024-01-01", "2024-04-01", "2024-10-01", "2024-01-01"], "quarter", 4),
        (["2024-07-01", "2025-07-01", "2027-07-01", "2024-07-01"], "year", 4),
        (["2024-01-01", "2024-07-01", "2025-01-01", "2024-01-01"], "quarter", 5),
    ],
)
def test_the_length_of_a_period_is_what_all_steps_are_multiples_of(periods, freq, n):
    sequences = read_sequences(tiny(period=pd.to_datetime(periods)))
    assert (sequences.freq, len(sequences.periods)) == (freq, n)


def test_periods_of_pandas_are_dates_too():
    sequences = read_sequences(tiny(period=pd.PeriodIndex(["2024-01", "2024-02", "2024-03", "2024-01"], freq="M")))
    assert sequences.freq == "month" and sequences.periods[0] == pd.Timestamp("2024-01-01")


def test_seasons_are_those_of_the_calendar():
    assert seasons_of(pd.date_range("2023-11-01", periods=4, freq="MS"), "month").tolist() == [10, 11, 0, 1]
    assert seasons_of(pd.date_range("2023-10-01", periods=3, freq="QS"), "quarter").tolist() == [3, 0, 1]
    assert seasons_of(pd.RangeIndex(3), "period").tolist() == [0, 0, 0]


def test_until_forgets_what_came_later():
    sequences = read_sequences(tiny(money=[1.0, 2, 3, 4]), money="money", segments={"a": "s", "b": "t"})
    early = sequences.until(0)
    assert len(early.periods) == 1 and len(early.customer) == 2 and early.money is not None
    late = read_sequences(pd.concat([tiny(), tiny(customer_id=["c"] * 4, period=[9, 8, 7, 6])])).until(2)
    assert set(late.customers) == {"a", "b"}


def test_customers_without_a_segment_have_one():
    sequences = read_sequences(tiny(), segments={"a": "north"})
    assert sequences.segments == ("north", "not known")


def test_categories_keep_their_order_and_ids_their_zeros():
    frame = tiny(customer_id=["007", "7", "007", "7"])
    frame["state"] = pd.Categorical(frame["state"], categories=["y", "x"], ordered=True)
    frame["customer_id"] = frame["customer_id"].astype("category")
    sequences = read_sequences(frame)
    assert sequences.states == ("y", "x") and set(sequences.customers) == {"007", "7"}


@pytest.mark.parametrize(
    ("frame", "options", "error", "says"),
    [
        (tiny().drop(columns="state"), {}, MissingColumnError, "state"),
        (tiny().iloc[:0], {}, EmptyDataError, "no rows"),
        (tiny(period=[1, 1, 1, 1], customer_id=list("abcd")), {}, EmptyDataError, "one period"),
        (tiny(period=[1, 1, 1, 2]), {}, DataError, "customer 'b', period 1"),
        (tiny(state=["x", None, "x", "x"]), {}, DataError, "state is missing in 1"),
        (tiny(period=["soon"] * 4), {}, ColumnTypeError, "neither dates nor whole numbers"),
        (tiny(period=pd.to_datetime(["2024-01-15"] * 4)), {}, ColumnTypeError, "does not begin with a month"),
        (tiny(), {"states": ["x"]}, ParameterError, "no state 'y'"),
        (tiny(), {"states": ["x", "y", "z"]}, EmptyStateError, "'z'"),
        (tiny(money=["1", "2", "three", "4"]), {"money": "money"}, ColumnTypeError, "money"),
        (tiny(money=[1, np.inf, 3, 4]), {"money": "money"}, DataError, "finite"),
    ],
)
def test_bad_panels_are_refused_by_name(frame, options, error, says):
    with pytest.raises(error, match=says):
        read_sequences(frame, **options)
