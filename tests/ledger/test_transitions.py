from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kam.columns import GLOSSARY
from kam.errors import ColumnTypeError, DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.identify import SEGMENTS
from kam.ledger import Ledger, open_ledger, state_panel, transition_counts
from kam.ledger.periods import add_months
from tests.ledger.test_states import CHOICE, LINE, MONTHS, NO_SHRINKING, hand, open_orders, walk

__all__ = ["hand"]  # a fixture

Count = dict[tuple[Any, str | None, str | None], int]


def read(counts: pd.DataFrame) -> Count:
    """(period, from, to) → transitions; dates as month and day, None where a state is missing."""
    frame = counts.astype({"from_state": object, "to_state": object})
    frame = frame.where(frame.notna(), None)
    return {
        (f"{period:%m-%d}" if isinstance(period, pd.Timestamp) else period, start, end): n
        for period, start, end, n in frame.itertuples(index=False)
    }


def count_naively(panel: pd.DataFrame, months: int) -> Count:
    """Row by row: who is in which state next."""
    found: Count = Counter()
    at = {(row.customer_id, row.period.date()): row.state for row in panel.itertuples()}
    for (customer, day), state in at.items():
        before, after = add_months(day, -months), add_months(day, months)
        found[day, state, at.get((customer, after))] += 1
        if (customer, before) not in at:
            found[before, None, state] += 1
    return found


def as_dates(counts: pd.DataFrame) -> Count:
    frame = counts.assign(period=[day.date() for day in counts["period"]])
    return read(frame)


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_recency_by_hand(hand: Ledger) -> None:
    counts = transition_counts(hand, states="recency", k=2)
    # a: bought, silent, lost, bought, silent, lost; b from February: bought, silent, lost, lost, lost
    assert read(counts) == {
        ("12-01", None, "bought"): 1,
        ("01-01", None, "bought"): 1,
        ("01-01", "bought", "silent 1"): 1,
        ("02-01", "bought", "silent 1"): 1,
        ("02-01", "silent 1", "lost"): 1,
        ("03-01", "silent 1", "lost"): 1,
        ("03-01", "lost", "bought"): 1,
        ("04-01", "bought", "silent 1"): 1,
        ("04-01", "lost", "lost"): 1,
        ("05-01", "silent 1", "lost"): 1,
        ("05-01", "lost", "lost"): 1,
        ("06-01", "lost", None): 2,
    }
    assert list(counts) == ["period", "from_state", "to_state", "n_transitions"]
    assert set(counts) <= set(GLOSSARY)
    assert counts["from_state"].cat.categories.tolist() == ["bought", "silent 1", "lost"]
    assert counts["period"].iloc[0] == pd.Timestamp("2023-12-01")
    assert counts.index.equals(pd.RangeIndex(len(counts)))
    ordered = counts.sort_values(["period", "from_state", "to_state"], na_position="first", kind="stable")
    assert ordered.index.equals(counts.index)


def test_states_that_are_known_later_begin_later(hand: Ledger) -> None:
    counts = transition_counts(hand, states="value", k=2, window=3, cuts=(50, 29))
    # From March on: a lost, B in April; b in class A of February's 98 in two months, lost in April.
    assert read(counts) == {
        ("02-01", None, "A"): 1,
        ("02-01", None, "lost"): 1,
        ("03-01", "A", "lost"): 1,
        ("03-01", "lost", "B"): 1,
        ("04-01", "B", "B"): 1,
        ("04-01", "lost", "lost"): 1,
        ("05-01", "B", "lost"): 1,
        ("05-01", "lost", "lost"): 1,
        ("06-01", "lost", None): 2,
    }
    assert counts["to_state"].cat.categories.tolist() == ["A", "B", "lost"]


def test_a_gap_in_a_panel_is_no_transition() -> None:
    panel = pd.DataFrame(
        [("a", 7, "x"), ("a", 9, "y"), ("a", 10, "x"), ("b", 8, "y"), ("b", 7, "y")],
        columns=["customer_id", "period", "state"],
    )
    before = panel.copy()
    assert read(transition_counts(panel)) == {
        (6, None, "x"): 1,
        (6, None, "y"): 1,
        (7, "x", None): 1,
        (7, "y", "y"): 1,
        (8, None, "y"): 1,  # a is back
        (8, "y", None): 1,
        (9, "y", "x"): 1,
        (10, "x", None): 1,
    }
    pd.testing.assert_frame_equal(panel, before)


@pytest.mark.parametrize(("length", "freq"), [("month", "MS"), ("quarter", "QS-FEB"), ("year", "YS-APR")])
def test_the_length_of_a_period_is_found_from_the_dates(length: str, freq: str) -> None:
    first, second, third = pd.date_range("2023-01-01", periods=4, freq=freq)[1:]
    panel = pd.DataFrame({"customer_id": ["a", "a", "b", "b"], "period": [first, second, second, third], "state": "x"})
    counts = transition_counts(panel)
    assert counts.loc[counts["from_state"].notna() & counts["to_state"].notna(), "period"].tolist() == [first, second]
    assert counts["period"].min() == first - pd.DateOffset(months=MONTHS[length])
    periods = panel.assign(period=panel["period"].dt.to_period("M"))
    pd.testing.assert_frame_equal(transition_counts(periods), counts)


def test_the_order_of_the_states_is_kept() -> None:
    panel = pd.DataFrame({"customer_id": ["a", "a"], "period": [1, 2], "state": ["small", "big"]})
    assert transition_counts(panel)["from_state"].cat.categories.tolist() == ["big", "small"]
    panel["state"] = pd.Categorical(panel["state"], categories=["small", "medium", "big"], ordered=True)
    assert transition_counts(panel)["from_state"].cat.categories.tolist() == ["small", "big"]


# -- whichever way -----------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=5, phases=NO_SHRINKING)
@given(
    st.lists(LINE, min_size=1, max_size=60),
    st.integers(1, 12),
    st.lists(st.fixed_dictionaries(CHOICE), min_size=6, max_size=6),
)
def test_the_engine_the_panel_and_a_plain_loop_agree(
    rows: list[tuple], fiscal_year_start: int, choices: list[dict[str, Any]]
) -> None:
    ledger = open_orders(rows, as_of="2024-06-30", fiscal_year_start=fiscal_year_start)
    for choice in choices:
        found = walk(rows, ledger, **choice)
        if len({day for _, day in found}) < 2:
            with pytest.raises(EmptyDataError):
                transition_counts(ledger, **choice)
            continue
        walked = [(customer, pd.Timestamp(day), state) for (customer, day), (state, _, _) in found.items()]
        frame = pd.DataFrame(walked, columns=["customer_id", "period", "state"])
        counts = transition_counts(ledger, **choice)
        assert as_dates(counts) == count_naively(frame, MONTHS[choice["freq"]])
        panel = state_panel(ledger, **choice)
        pd.testing.assert_frame_equal(transition_counts(panel), counts)
        if 1 in np.diff(sorted({12 * day.year + day.month for _, day in found})) // MONTHS[choice["freq"]]:
            shuffled = panel.rows.sample(frac=1, random_state=1)
            pd.testing.assert_frame_equal(transition_counts(shuffled), counts)


def test_default_cuts_are_those_of_the_panel() -> None:
    rng = np.random.default_rng(3)
    rows = [
        (f"c{int(rng.gamma(2, 5))}", str(day.date()), round(float(rng.lognormal(3, 1.5)), 2))
        for day in pd.date_range("2023-01-01", "2024-12-31")
    ]
    ledger = open_orders(rows)
    for window in (1, 4):
        for states in ("value", "value_activity"):
            counts = transition_counts(ledger, states=states, k=3, window=window)  # type: ignore[arg-type]
            panel = state_panel(ledger, states=states, k=3, window=window)  # type: ignore[arg-type]
            pd.testing.assert_frame_equal(transition_counts(panel), counts)
            assert as_dates(counts) == count_naively(panel.rows, 1)
            leaves = counts.groupby(["period", "from_state"])["n_transitions"].sum()
            stock = panel.rows.groupby(["period", "state"], observed=True).size()
            assert leaves.to_dict() == stock.to_dict()
    scored = transition_counts(ledger, states="rfm", k=2, window=3, rules=SEGMENTS)
    panel = state_panel(ledger, states="rfm", k=2, window=3, rules=SEGMENTS)
    assert as_dates(scored) == count_naively(panel.rows, 1)
    assert scored["from_state"].cat.categories.tolist() == list(panel.states)


STATES = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 6), st.sampled_from("xyz")),
    min_size=2,
    unique_by=lambda row: row[:2],
).filter(lambda rows: len({period for _, period, _ in rows}) > 1)


@given(STATES)
def test_a_panel_with_any_gaps(rows: list[tuple[str, int, str]]) -> None:
    panel = pd.DataFrame(rows, columns=["customer_id", "period", "state"])
    at = {(customer, period): state for customer, period, state in rows}
    expected: Count = Counter()
    for (customer, period), state in at.items():
        expected[period, state, at.get((customer, period + 1))] += 1
        if (customer, period - 1) not in at:
            expected[period - 1, None, state] += 1
    assert read(transition_counts(panel)) == expected


# -- bad input -----------------------------------------------------------------------------------------------------------

PANEL = pd.DataFrame({"customer_id": ["a", "a"], "period": [1, 2], "state": ["x", "y"]})


@pytest.mark.parametrize(
    ("panel", "error", "message"),
    [
        (PANEL.drop(columns="state"), MissingColumnError, "The panel lacks state"),
        (PANEL[:0], EmptyDataError, "no rows"),
        (PANEL[:1], EmptyDataError, "one period only.*period 1"),
        (pd.concat([PANEL, PANEL[:1]]), DataError, "1 times a customer stands twice.*customer 'a', period 1"),
        (PANEL.assign(state=["x", None]), DataError, r"state is missing in 1 rows of the panel.*rows \[1\]"),
        (PANEL.assign(period=["1", "2"]), ColumnTypeError, "neither dates nor whole numbers"),
        (PANEL.assign(period=[1.0, 2.5]), ColumnTypeError, "neither dates nor whole numbers"),
        (PANEL.assign(period=pd.to_datetime(["2024-01-01", "2024-01-15"])), ColumnTypeError, "2024-01-15"),
        (PANEL.assign(period=pd.Timestamp("2024-01-01"), customer_id=["a", "b"]), EmptyDataError, "one period only"),
    ],
)
def test_bad_panels_are_named(panel: pd.DataFrame, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        transition_counts(panel)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "There are no states None"),
        ({"states": "recency"}, "k is None"),
        ({"states": "recency", "k": 0}, "k is 0"),
        ({"states": "recency", "k": 1.5}, "k is 1.5"),
        ({"states": "recency", "k": 1, "freq": "day"}, "no frequency 'day'"),
        ({"states": "value", "k": 1, "window": 0}, "window is 0"),
        ({"states": "value", "k": 1, "cuts": (1, 2)}, "do not descend"),
        ({"states": "value", "k": 1, "value": "margin"}, "no margin"),
        ({"states": "rfm", "k": 1, "window": 2}, "need rules"),
    ],
)
def test_bad_arguments_are_named(hand: Ledger, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        transition_counts(hand, **options)


@pytest.mark.parametrize(
    "options", [{"states": "recency"}, {"k": 2}, {"freq": "year"}, {"window": 2}, {"cuts": (2, 1)}]
)
def test_a_panel_has_its_states_already(options: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=f"{next(iter(options))} is given beside a panel"):
        transition_counts(PANEL, **options)


def test_ledgers_in_which_nobody_moves_are_named() -> None:
    one = open_orders([("a", "2024-01-31", 5.0), ("b", "2024-01-30", 5.0)])
    with pytest.raises(EmptyDataError, match=r"one period only.*period 2024-01-01"):
        transition_counts(one, states="recency", k=1)
    with pytest.raises(EmptyDataError, match="No month of the ledger is complete"):
        transition_counts(open_orders([("a", "2024-01-05", 5.0)]), states="recency", k=1)
    with pytest.raises(EmptyDataError, match="Nobody bought anything in a complete month"):
        transition_counts(open_orders([("a", "2024-01-31", -5.0)]), states="value", k=1, cuts=(2, 1))


# -- Online Retail II ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def orders(real_data: Callable[[str], Path]) -> pd.DataFrame:
    frame = pd.read_parquet(real_data("online_retail_ii/orders_2009_2011.parquet"))
    frame = frame[(frame["amount"] > 0) & ~frame["cancelled"] & frame["customer_id"].notna()]
    return frame[["invoice", "date", "customer_id", "amount"]].astype({"customer_id": "int64"})


def open_retail(orders: pd.DataFrame, **options: Any) -> Ledger:
    return open_ledger(orders, columns={"order_id": "invoice", "order_date": "date"}, **options)


def activity(orders: pd.DataFrame, freq: str, first: str, last: str) -> pd.DataFrame:
    """Customer × period: bought or not; customers who bought in any of them."""
    period = orders["date"].dt.to_period(freq)
    bought = pd.crosstab(orders["customer_id"].astype(str), period) > 0
    bought = bought.reindex(columns=pd.period_range(first, last, freq=freq))
    return bought[bought.any(axis=1)]


def test_monthly_recency_equals_pandas(orders: pd.DataFrame) -> None:
    ledger = open_retail(orders)
    counts = transition_counts(ledger, states="recency", k=3)
    bought = activity(orders, "M", "2009-12", "2011-11")
    state = pd.DataFrame("lost", index=bought.index, columns=bought.columns)
    recent = {"silent 2": bought.shift(2, axis=1), "silent 1": bought.shift(1, axis=1), "bought": bought}
    for name, was in recent.items():
        state = state.mask(was.fillna(False).astype(bool), name)
    state = state.where(bought.cummax(axis=1))  # not before the first purchase
    moves = counts.dropna()
    for before, after in zip(bought.columns[:-1], bought.columns[1:], strict=True):
        table = pd.crosstab(state[before], state[after])
        cells = {(row, column): n for row, line in table.iterrows() for column, n in line.items() if n}
        found = moves[moves["period"] == before.start_time]
        assert cells == {(row.from_state, row.to_state): row.n_transitions for row in found.itertuples()}
    assert moves["n_transitions"].sum() == int(state.iloc[:, :-1].notna().sum().sum())
    assert counts.loc[counts["from_state"].isna(), "n_transitions"].sum() == len(bought)
    last = counts[counts["to_state"].isna()]
    assert set(last["period"]) == {pd.Timestamp("2011-11-01")}
    stock = state.iloc[:, -1].value_counts()
    assert dict(zip(last["from_state"], last["n_transitions"], strict=True)) == stock.to_dict()
    pd.testing.assert_frame_equal(transition_counts(state_panel(ledger, states="recency", k=3)), counts)


@pytest.mark.parametrize(
    ("fiscal_year_start", "freq", "first", "last", "lowest", "highest"),
    [(1, "Q-DEC", "2010Q1", "2011Q3", 0.42, 0.63), (12, "Q-NOV", "2010Q1", "2011Q4", 0.42, 0.69)],
)
def test_active_again_in_the_next_quarter(
    orders: pd.DataFrame, fiscal_year_start: int, freq: str, first: str, last: str, lowest: float, highest: float
) -> None:
    ledger = open_retail(orders, fiscal_year_start=fiscal_year_start)
    moves = transition_counts(ledger, states="recency", k=1, freq="quarter").dropna()
    bought = activity(orders, freq, first, last)
    shares = []
    for before, after in zip(bought.columns[:-1], bought.columns[1:], strict=True):
        table = pd.crosstab(bought[before], bought[after])
        found = moves[moves["period"] == before.start_time].set_index(["from_state", "to_state"])["n_transitions"]
        assert found["bought", "bought"] == table.loc[True, True]
        assert found["bought", "lost"] == table.loc[True, False]
        shares.append(found["bought", "bought"] / found["bought"].sum())
    assert len(shares) == moves["period"].nunique()
    assert (round(min(shares), 2), round(max(shares), 2)) == (lowest, highest)
