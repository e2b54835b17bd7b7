"""Reading panels of states."""

import numpy as np
import pandas as pd
import pytest

from kam.churn.sequences import read_sequences
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
