from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from kam.columns import GLOSSARY
from kam.errors import EmptyDataError, MissingColumnError, ParameterError, UndefinedMeasureError
from kam.identify import SEGMENTS, abc_classes, score_rfm
from kam.ledger import Cleaning, Ledger, StatePanel, activity_panel, open_ledger, state_panel, value_cuts

TODAY = date(2026, 1, 1)
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # each example opens ledgers, which takes its time
AS_IS = Cleaning(duplicates=False, zero_amounts=False, cancellations=False)
MONTHS = {"month": 1, "quarter": 3, "year": 12}


def open_orders(rows: list[tuple[Any, ...]], **options: Any) -> Ledger:
    """Rows of customer, day, amount and perhaps order_id and cost."""
    frame = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount", "order_id", "cost"][: len(rows[0])])
    frame["order_date"] = pd.to_datetime(frame["order_date"], format="ISO8601")
    frame = frame.astype({name: kind for name, kind in {"order_id": "str", "cost": "float64"}.items() if name in frame})
    return open_ledger(frame, **{"today": TODAY, "cleaning": AS_IS} | options)


def read(panel: StatePanel) -> dict[str, list[str]]:
    """Customer → "month state" in order."""
    said = panel.rows["period"].dt.strftime("%m ") + panel.rows["state"].astype(str)
    return {str(name): texts.tolist() for name, texts in said.groupby(panel.rows["customer_id"], observed=True)}


def left_out(panel: StatePanel) -> list[int]:
    """Incomplete last, incomplete first, before states are known, before the first purchase, without a purchase."""
    return panel.left_out["n_cases"].tolist()


HAND = [
    ("b", "2024-01-05", -2.0),  # a credit note before the first purchase
    ("b", "2024-02-05", 100.0),
    ("a", "2024-01-10", 40.0),
    ("a", "2024-02-10", -10.0),  # no purchase
    ("a", "2024-04-10", 30.0),
    ("a", "2024-04-11", 30.0),
    ("b", "2024-05-05", -7.0),  # after it was lost
    ("b", "2024-07-05", 20.0),  # not complete
    ("c", "2024-03-01", -1.0),  # never bought anything
    ("c", "2024-04-01", -1.0),
    ("d", "2024-07-02", 5.0),  # in the incomplete month only
]


@pytest.fixture(scope="module")
def hand() -> Ledger:
    return open_orders(HAND)


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_recency_by_hand(hand: Ledger) -> None:
    panel = state_panel(hand, states="recency", k=2)
    assert read(panel) == {
        "a": ["01 bought", "02 silent 1", "03 lost", "04 bought", "05 silent 1", "06 lost"],
        "b": ["02 bought", "03 silent 1", "04 lost", "05 lost", "06 lost"],
    }
    assert panel.rows["revenue"].tolist() == [40, -10, 0, 60, 0, 0, 100, 0, 0, -7, 0]
    assert panel.rows["n_orders"].tolist() == [1, 0, 0, 2, 0, 0, 1, 0, 0, 0, 0]
    assert (panel.states, panel.lost, panel.freq, panel.k) == (("bought", "silent 1", "lost"), "lost", "month", 2)
    assert panel.cuts is None
    assert panel.left_out["term"].tolist() == [
        "incomplete last period",
        "incomplete first period",
        "before the window is full and a loss can be seen",
        "money before the first purchase",
        "customers without a purchase",
    ]
    assert left_out(panel) == [2, 0, 0, 1, 2]


def test_lost_after_one_silent_period(hand: Ledger) -> None:
    panel = state_panel(hand, states="recency", k=1)
    assert panel.states == ("bought", "lost")
    assert read(panel)["a"] == ["01 bought", "02 lost", "03 lost", "04 bought", "05 lost", "06 lost"]


def test_states_that_never_occur_are_not_named(hand: Ledger) -> None:
    panel = state_panel(hand, states="recency", k=9)
    assert panel.states == ("bought", "silent 1", "silent 2", "silent 3", "silent 4")
    assert panel.lost == ""
    assert panel.rows["state"].dtype == pd.CategoricalDtype(list(panel.states), ordered=True)


def test_value_is_carried_through_silence(hand: Ledger) -> None:
    panel = state_panel(hand, states="value", k=2, cuts=(60, 40))
    assert read(panel) == {  # 40 is not above 40, nor 60 above 60
        "a": ["02 C", "03 lost", "04 B", "05 B", "06 lost"],  # in January nobody can have been silent for two months
        "b": ["02 A", "03 A", "04 lost", "05 lost", "06 lost"],
    }
    assert left_out(panel) == [2, 0, 1, 1, 2]
    assert (panel.states, panel.cuts) == (("A", "B", "C", "lost"), (60, 40))


def test_activity_beside_value(hand: Ledger) -> None:
    panel = state_panel(hand, states="value_activity", k=3, cuts=(60, 40))
    assert read(panel) == {
        "a": ["03 C silent", "04 B", "05 B silent", "06 B silent"],
        "b": ["03 A silent", "04 A silent", "05 lost", "06 lost"],
    }
    assert panel.states == ("A silent", "B", "B silent", "C silent", "lost")
    short = state_panel(hand, states="value_activity", k=1, cuts=(60, 40))
    assert short.states == ("A", "B", "C", "lost")
    assert read(short) == read(state_panel(hand, states="value", k=1, cuts=(60, 40)))


def test_a_window_must_be_full_for_a_state_and_is_scaled_up_for_a_class(hand: Ledger) -> None:
    panel = state_panel(hand, states="value", k=3, window=3, cuts=(119, 50))
    assert read(panel) == {
        # a bought for 40 in January, the only month of its window: 120 in three. In April the window holds -10 + 60.
        "a": ["03 A", "04 C", "05 C", "06 C"],
        "b": ["03 A", "04 A", "05 lost", "06 lost"],  # 98, with a credit note, since its first purchase: 294 in three
    }
    assert panel.rows["revenue"].sum() == 60 - 7
    assert left_out(panel) == [2, 0, 3, 1, 2]
    assert read(state_panel(hand, states="value", k=3, window=3, cuts=(120, 49)))["a"][:2] == ["03 B", "04 B"]
    assert read(state_panel(hand, states="value", k=3, window=3, cuts=(294, 50)))["b"][:2] == ["03 B", "04 B"]
    assert read(state_panel(hand, states="value", k=3, window=3, cuts=(293.9, 50)))["b"][:2] == ["03 A", "04 A"]


def test_a_new_customer_is_classed_by_what_it_brings_from_the_start() -> None:
    """Ten a month from May on: 40 in a window of four from the first month on, so that no class is climbed."""
    rows = [("old", f"2024-{month:02}-15", 10.0) for month in range(1, 11)]
    rows += [("new", f"2024-{month:02}-15", 10.0) for month in range(5, 11)]
    panel = state_panel(open_orders(rows, as_of="2024-10-31"), states="value", k=2, window=4, cuts=(39, 15))
    assert set(panel.rows["state"]) == {"A"}


def test_who_is_silent_when_states_begin_is_there_and_can_be_lost() -> None:
    """Four customers bought in the first months; the one who never came back is lost as soon as a loss can be seen."""
    rows = [
        (name, f"2024-0{month}-15", 10.0)
        for name, months in (("a", "13579"), ("b", "1"), ("c", "2"))
        for month in months
    ]
    panel = state_panel(open_orders(rows, as_of="2024-09-30"), states="value", k=3, window=2, cuts=(5, 1))
    assert read(panel)["b"][:2] == ["03 A", "04 lost"] and read(panel)["c"][:3] == ["03 A", "04 A", "05 lost"]
    assert panel.rows["period"].min() == pd.Timestamp("2024-03-01")


def moves(panel: StatePanel) -> set[tuple[str, str]]:
    """From where to where anybody went."""
    after = panel.rows.groupby("customer_id", observed=True)["state"].shift(-1)
    pairs = zip(panel.rows["state"].astype(str), after.astype("object"), strict=True)
    return {(a, str(b)) for a, b in pairs if isinstance(b, str)}


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("states", ["recency", "value", "value_activity"])
def test_impossible_moves_are_all_that_nobody_ever_makes(states: Any, k: int) -> None:
    """Three hundred customers who buy at random make every possible move, and no impossible one."""
    rng = np.random.default_rng(1)
    rows = [
        (f"c{name}", f"20{22 + month // 12}-{month % 12 + 1:02}-15", float(rng.choice([1, 10, 100])))
        for name in range(300)
        for month in range(24)
        if rng.random() < 0.4
    ]
    panel = state_panel(
        open_orders(rows, as_of="2023-12-31"), states=states, k=k, cuts=(50, 5) if states != "recency" else None
    )
    every = {(a, b) for a in panel.states for b in panel.states}
    assert set(panel.impossible) == every - moves(panel)


def test_margin_is_carried_and_makes_classes() -> None:
    rows = [
        ("a", "2024-01-31", 100.0, "1", 90.0),
        ("b", "2024-01-30", 50.0, "2", 10.0),
        ("a", "2024-02-29", 5.0, "3", 1.0),
    ]
    panel = state_panel(open_orders(rows), states="value", k=1, cuts=(20, 5), value="margin")
    assert read(panel) == {"a": ["01 B", "02 C"], "b": ["01 A", "02 lost"]}
    assert panel.rows["margin"].tolist() == [10, 4, 40, 0]
    assert list(panel.rows) == ["customer_id", "period", "state", "revenue", "n_orders", "margin"]
    assert set(panel.rows) | set(panel.left_out) <= set(GLOSSARY)


def test_a_quarter_that_the_ledger_does_not_cover_is_left_out() -> None:
    rows = [
        ("a", "2023-12-10", 10.0),
        ("a", "2024-02-10", 20.0),
        ("a", "2024-08-10", 30.0),
        ("b", "2023-12-20", 5.0),
        ("c", "2024-12-05", 1.0),
    ]
    panel = state_panel(open_orders(rows), states="recency", k=2, freq="quarter")
    assert read(panel) == {"a": ["01 bought", "04 silent 1", "07 bought"]}
    assert left_out(panel) == [1, 2, 0, 0, 0]
    fiscal = state_panel(open_orders(rows, fiscal_year_start=12), states="recency", k=2, freq="quarter")
    assert read(fiscal) == {
        "a": ["12 bought", "03 silent 1", "06 bought", "09 silent 1"],
        "b": ["12 bought", "03 silent 1", "06 lost", "09 lost"],
    }
    assert fiscal.rows["period"].min() == pd.Timestamp("2023-12-01")
    assert left_out(fiscal) == [1, 0, 0, 0, 0]


def test_an_order_over_months_counts_once_in_a_quarter() -> None:
    rows = [
        ("a", f"2024-{month}-28", 1.0, order) for month, order in (("01", "7"), ("02", "7"), ("03", "8"), ("04", "7"))
    ]
    ledger = open_orders([*rows, ("a", "2024-06-30", 1.0, "9")])
    panel = state_panel(ledger, states="recency", k=1, freq="quarter")
    assert panel.rows["n_orders"].tolist() == [2, 2]
    assert state_panel(ledger, states="recency", k=1).rows["n_orders"].tolist() == [1, 1, 1, 1, 0, 1]


def test_a_ledger_in_another_database_gives_the_same() -> None:
    rows = [(name, f"2024-0{month}-28", 10.0 * month) for month, name in enumerate(["é", "Z", "a", "10", "9"], start=1)]
    frame = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount"])
    own = state_panel(open_ledger(frame, as_of="2024-05-31", today=TODAY), states="recency", k=2)
    table = ibis.duckdb.connect().create_table("orders", frame)
    other = state_panel(open_ledger(table, as_of="2024-05-31", today=TODAY), states="recency", k=2)
    pd.testing.assert_frame_equal(other.rows, own.rows)
    assert own.rows["customer_id"].cat.categories.tolist() == ["10", "9", "Z", "a", "é"]


def test_the_sum_of_the_window_is_exact() -> None:
    rows = [("a", "2024-01-31", 0.1), ("a", "2024-02-29", 0.2), ("a", "2024-03-31", 0.3)]
    panel = state_panel(open_orders(rows), states="value", k=1, window=3, cuts=(0.6, 0.1))
    assert read(panel) == {"a": ["03 B"]}  # 0.1 + 0.2 + 0.3 as doubles is above 0.6


# -- default cuts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [1, 3])
def test_default_cuts_give_the_classes_of_identify(window: int) -> None:
    rng = np.random.default_rng(1)
    days = pd.date_range("2024-01-01", "2024-12-31")
    rows = [
        (f"c{rng.integers(40)}", str(day.date()), round(float(rng.lognormal(3, 1.5)), 2) * rng.choice([1, 1, 1, -1]))
        for day in days.append(days)
    ]
    ledger = open_orders(rows)
    panel = activity_panel(ledger)
    money = panel.pivot(index="period", columns="customer_id", values="revenue").fillna(0).rolling(window).sum()
    bought = panel.pivot(index="period", columns="customer_id", values="n_orders").fillna(0) > 0
    seen = np.arange(1, len(money) + 1)[:, None] - bought.to_numpy().argmax(axis=0)
    money *= np.where(seen < window, window / np.maximum(seen, 1), 1)  # customers of fewer months than the window has
    worth = money.where(bought).iloc[window - 1 :].stack().dropna().round(6)
    worth = worth.set_axis([f"{period:%Y-%m} {customer}" for period, customer in worth.index])
    upper, lower = value_cuts(ledger, window=window)
    found = pd.Series(np.select([worth > upper, worth > lower], ["A", "B"], "C"), worth.index)
    pd.testing.assert_series_equal(found, abc_classes(worth), check_dtype=False, check_names=False)
    states = state_panel(ledger, states="value", k=2, window=window)
    assert states.cuts == (upper, lower)
    active = states.rows[states.rows["n_orders"] > 0]
    found = found[found.index.str[:7] >= f"{active['period'].min():%Y-%m}"]
    names = active["period"].dt.strftime("%Y-%m ") + active["customer_id"].astype(str)
    assert active["state"].astype(str).set_axis(names).to_dict() == found.to_dict()


@pytest.mark.parametrize(
    ("amounts", "cuts"),
    [
        ([80.0, 15.0, 5.0], (47.5, 10.0)),
        ([10.0, 10.0, 10.0, 10.0], (5.0, 5.0)),  # equal ones share the better class
        ([50.0, 30.0, 30.0, 5.0], (17.5, 17.5)),
        ([90.0, 8.0, 2.0, -5.0], (49.0, 5.0)),
        ([90.0, -5.0], (45.0, 45.0)),
        ([1.0, 0.0], (0.5, 0.5)),
    ],
)
def test_a_cut_lies_between_the_classes(amounts: list[float], cuts: tuple[float, float]) -> None:
    # A credit note beside a purchase, so that everyone is active.
    rows = [(f"c{i}", "2024-01-31", part) for i, x in enumerate(amounts) for part in (x + 10, -10.0)]
    assert value_cuts(open_orders(rows)) == cuts


def test_cuts_of_nothing_are_undefined() -> None:
    with pytest.raises(UndefinedMeasureError, match="Nobody has a positive revenue in a full window of 1"):
        value_cuts(open_orders([("a", "2024-01-31", 1.0), ("a", "2024-01-31", -3.0)]))
    with pytest.raises(UndefinedMeasureError, match="full window of 2"):
        state_panel(open_orders([("a", "2024-01-31", 1.0)]), states="value", k=1, window=2)


# -- segments ------------------------------------------------------------------------------------------------------------


def score_naively(ledger: Ledger, k: int, window: int, freq: Any = "month") -> dict[tuple[str, pd.Timestamp], str]:
    """Each period's customers scored by kam.identify."""
    panel = activity_panel(ledger, freq=freq)
    periods = pd.date_range(panel["period"].min(), panel["period"].max(), freq=f"{MONTHS[freq]}MS")
    found = {}
    for now, period in enumerate(periods):
        if now < max(window, k) - 1:
            continue
        scored = []
        for customer, rows in panel.groupby("customer_id"):
            bought = rows.loc[(rows["n_orders"] > 0) & (rows["period"] <= period), "period"]
            if bought.empty:
                continue
            silent = now - periods.get_loc(bought.max())
            recent = rows[
                (rows["period"] <= period)
                & (rows["period"] > periods[now] - pd.DateOffset(months=MONTHS[freq] * window))
            ]
            if silent >= k:
                found[customer, period] = "lost"
            else:
                scored.append((customer, silent, 1 + recent["n_orders"].sum(), 1e4 + recent["revenue"].sum().round(6)))
        if scored:
            # Frequency and value are moved so that nobody is without an order or worth nothing: ranks stay as they are.
            frame = pd.DataFrame(scored, columns=["customer_id", "days_since_last_order", "n_orders", "revenue"])
            for row in score_rfm(frame, min_accounts=1).customers.itertuples():
                found[row.customer_id, period] = row.segment
    return found


@pytest.mark.parametrize(("k", "window", "freq"), [(2, 3, "month"), (4, 2, "month"), (1, 3, "quarter")])
def test_segments_are_those_of_identify(k: int, window: int, freq: Any) -> None:
    rng = np.random.default_rng(k)
    rows = [
        (
            f"c{int(rng.gamma(2, 5)):02}",
            str(day.date()),
            round(float(rng.lognormal(3, 1)), 2) * rng.choice([1, 1, 1, -1]),
        )
        for day in pd.date_range("2024-01-01", "2024-12-31", freq="2D")
    ]
    ledger = open_orders(rows)
    panel = state_panel(ledger, states="rfm", k=k, window=window, freq=freq, rules=SEGMENTS)
    found = panel.rows.set_index(["customer_id", "period"])["state"].astype(str).to_dict()
    assert found == score_naively(ledger, k, window, freq)
    assert panel.states == tuple(name for name in (*SEGMENTS["segment"], "lost") if name in set(found.values()))
    assert len(panel.states) > 3


RULES = pd.DataFrame(
    [("best", 4, 5, 1, 5, 1, 5), ("rest", 1, 5, 1, 5, 1, 5)],
    columns=["segment", "r_min", "r_max", "f_min", "f_max", "m_min", "m_max"],
)


def test_the_first_rule_wins() -> None:
    ledger = open_orders([("a", "2024-01-15", 1.0), ("b", "2024-02-10", 2.0), ("a", "2024-03-31", 1.0)])
    panel = state_panel(ledger, states="rfm", k=2, window=2, rules=RULES)
    # February: a was silent, which is the lowest of two fifths; b is above it. March: the other way round.
    assert read(panel) == {"a": ["02 rest", "03 best"], "b": ["02 best", "03 rest"]}
    assert read(state_panel(ledger, states="rfm", k=2, window=2, rules=RULES.iloc[::-1])) == {
        "a": ["02 rest", "03 rest"],
        "b": ["02 rest", "03 rest"],
    }


# -- against a plain loop ------------------------------------------------------------------------------------------------


def walk(
    rows: list[tuple[Any, ...]], ledger: Ledger, *, states: str, k: int, freq: str, window: int, cuts: Any, value: str
) -> dict[tuple[str, date], tuple[str, float, int]]:
    """State, revenue and orders of every customer and period, one after the other."""
    length, end = MONTHS[freq], ledger.last_complete_month
    month_of = [12 * int(day[:4]) + int(day[5:7]) - 1 for _, day, *_ in rows]
    offset = (ledger.fiscal_year_start - 1) % length
    first = next(m for m in range(min(month_of), min(month_of) + 12) if m % length == offset)
    n = max(0, (12 * end.year + end.month - first) // length) if end else 0
    sums: dict[str, list[list[Any]]] = {}
    before = {row[0] for row, month in zip(rows, month_of, strict=True) if month < first and row[2] > 0}
    for (customer, _, amount, order, cost), month in zip(rows, month_of, strict=True):
        t = (month - first) // length
        if month >= first and t < n:
            cells = sums.setdefault(customer, [[Decimal(0), Decimal(0), set()] for _ in range(n)])
            cost = amount if cost is None else cost
            cells[t][0] += Decimal(str(amount))
            cells[t][1] += Decimal(str(amount)) - Decimal(str(cost))
            if amount > 0:
                cells[t][2].add(order)
    found = {}
    for customer, cells in sums.items():
        last, rank = None, ""
        for t, cell in enumerate(cells):
            if cell[2]:
                last, begun = t, 0 if customer in before else next(u for u, c in enumerate(cells) if c[2])
                worth = float(sum(c[value == "margin"] for c in cells[max(0, t - window + 1) : t + 1]))
                worth = worth * window / (t - begun + 1) if t - begun + 1 < window else worth
                rank = "A" if worth > cuts[0] else "B" if worth > cuts[1] else "C"
            if last is None or (states != "recency" and t < max(window, k) - 1):
                continue
            silent = t - last
            if silent >= k:
                state = "lost"
            elif states == "recency":
                state = f"silent {silent}" if silent else "bought"
            else:
                state = f"{rank} silent" if silent and states == "value_activity" else rank
            month = first + t * length
            found[customer, date(month // 12, month % 12 + 1, 1)] = (state, float(cell[0]), len(cell[2]))
    return found


LINE = st.tuples(
    st.sampled_from(["a", "b", "007", "7", "김철수", "O'Hara; DROP"]),
    st.dates(date(2022, 11, 1), date(2024, 6, 30)).map(str),
    st.integers(-3000, 9000).map(lambda n: n / 100),
    st.sampled_from(["1", "2", "3"]),
    st.one_of(st.none(), st.integers(0, 100).map(float)),
)
CHOICE: Mapping[str, Any] = {
    "states": st.sampled_from(["recency", "value", "value_activity"]),
    "k": st.integers(1, 5),
    "freq": st.sampled_from(["month", "quarter", "year"]),
    "window": st.integers(1, 4),
    "cuts": st.sampled_from([(60, 20), (10, -5), (30.5, 30.5)]),
    "value": st.sampled_from(["revenue", "margin"]),
}


@settings(deadline=None, max_examples=5, phases=NO_SHRINKING)
@given(
    st.lists(LINE, min_size=1, max_size=60),
    st.integers(1, 12),
    st.lists(st.fixed_dictionaries(CHOICE), min_size=6, max_size=6),
)
def test_the_panel_equals_a_plain_loop(
    rows: list[tuple], fiscal_year_start: int, choices: list[dict[str, Any]]
) -> None:
    ledger = open_orders(rows, as_of="2024-06-30", fiscal_year_start=fiscal_year_start)
    for choice in choices:
        expected = walk(rows, ledger, **choice)
        if not expected:
            with pytest.raises(EmptyDataError):
                state_panel(ledger, **choice)
            continue
        panel = state_panel(ledger, **choice)
        assert {
            (row.customer_id, row.period.date()): (row.state, row.revenue, row.n_orders)
            for row in panel.rows.itertuples()
        } == expected
        order = pd.MultiIndex.from_frame(panel.rows[["customer_id", "period"]].astype({"customer_id": str}))
        assert order.is_monotonic_increasing and order.is_unique
        assert panel.rows["customer_id"].cat.categories.tolist() == sorted({name for name, _ in expected})
        # What is in and what is out make the rollup; months by hand, longer periods from activity_panel.
        activity = activity_panel(ledger, freq=choice["freq"]).set_index(["customer_id", "period"])
        same = panel.rows.astype({"customer_id": str}).set_index(["customer_id", "period"])[list(activity)]
        is_in = activity.index.isin(same.index)
        pd.testing.assert_frame_equal(activity[is_in], same.loc[activity.index[is_in]], check_exact=True)
        assert (same.drop(activity.index[is_in]) == 0).all(axis=None)
        assert panel.left_out["n_cases"].min() >= 0
        if choice["freq"] == "month":
            assert panel.left_out["n_cases"].sum() + is_in.sum() == ledger.rollup.months.count().execute()


# -- bad input -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"states": "tier"}, r"no states 'tier'.*recency, value, value_activity, rfm"),
        ({"freq": "week"}, "no frequency 'week'"),
        ({"k": 0}, "k is 0"),
        ({"k": 2.5}, "k is 2.5"),
        ({"k": True}, "k is True"),
        ({"k": None}, "k is None"),
        ({"states": "value", "window": 0}, "window is 0"),
        ({"states": "value", "window": 1.0}, "window is 1.0"),
        ({"states": "rfm", "window": 1, "rules": SEGMENTS}, "window is 1.*at least 2"),
        ({"states": "value", "cuts": (1, 2)}, "The cuts 1 and 2 do not descend"),
        ({"states": "value", "cuts": (1, float("nan"))}, "do not descend"),
        ({"states": "value", "cuts": (3, 2, 1)}, "The cuts are"),
        ({"states": "value", "cuts": "AB"}, "The cuts are 'AB'"),
        ({"states": "value", "value": "profit"}, "value is 'profit'"),
        ({"states": "value", "value": "margin"}, "no margin in this ledger"),
        ({"states": "rfm", "window": 2}, "need rules"),
        ({"states": "rfm", "window": 2, "rules": RULES.replace("rest", "lost")}, "segment 'lost'"),
        ({"states": "rfm", "window": 2, "rules": RULES.replace({"f_max": {5: np.nan}})}, "is missing"),
        ({"states": "rfm", "window": 2, "rules": RULES[:1]}, "no row for some scores.*R, F, M ="),
    ],
)
def test_bad_arguments_are_named(hand: Ledger, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        state_panel(hand, **{"states": "recency", "k": 2} | options)


def test_bad_rules_and_empty_ledgers_are_named(hand: Ledger) -> None:
    with pytest.raises(MissingColumnError, match="The rules lack m_max"):
        state_panel(hand, states="rfm", k=2, window=2, rules=RULES.drop(columns="m_max"))
    with pytest.raises(EmptyDataError, match="No year of the ledger is complete: it begins with 2024-01"):
        state_panel(hand, states="recency", k=2, freq="year")
    with pytest.raises(EmptyDataError, match="No month of the ledger is complete"):
        state_panel(open_orders([("a", "2024-01-10", 1.0)]), states="recency", k=2)
    with pytest.raises(EmptyDataError, match="Nobody bought anything in a complete month"):
        state_panel(open_orders([("a", "2024-01-31", -1.0)]), states="recency", k=2)
    with pytest.raises(EmptyDataError, match="with a full window of 3"):
        state_panel(open_orders([("a", "2024-01-31", 1.0)]), states="value", k=2, window=3, cuts=(2, 1))
    with pytest.raises(ParameterError, match="window is 0"):
        value_cuts(hand, window=0)
