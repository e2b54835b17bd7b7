"""Every rule by hand, and all of them against a recomputation in pandas and a stack in plain Python."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from math import inf, isfinite, nan
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from kam.errors import EmptyDataError, ParameterError
from kam.ledger import Cleaning, Ledger, open_ledger
from kam.ledger.cleaning import (
    AFTER_AS_OF,
    CANCELLATIONS,
    DUPLICATES,
    NO_AMOUNT,
    NO_CODES,
    NO_CUSTOMER,
    NO_DATE,
    NO_PRODUCT,
    NO_QUANTITY,
    NON_PRODUCTS,
    OFF,
    REMOVED,
    RULES,
    WARNED,
    ZERO_AMOUNTS,
    net_cancellations,
)
from kam.ledger.storage import Storage
from kam.results import Context

TODAY = date(2025, 1, 1)
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # each example opens ledgers, which takes its time
GOOD: dict[str, Any] = {
    "customer_id": "a",
    "order_date": "2024-03-05",
    "amount": 10.0,
    "order_id": "1",
    "product_id": "p",
    "quantity": 1.0,
}
OTHER = GOOD | {"customer_id": "b", "order_date": "2024-04-30", "amount": 20.0, "order_id": "2"}


def open_rows(rows: Iterable[dict[str, Any]], **options: Any) -> Ledger:
    frame = pd.DataFrame(list(rows))
    if "soon" not in frame["order_date"].tolist():  # reading texts is not what is tested here, and takes long
        frame["order_date"] = pd.to_datetime(frame["order_date"], format="ISO8601", errors="coerce")
    return open_ledger(frame, **{"today": TODAY} | options)


def found(ledger: Ledger) -> dict[str, tuple[int, Decimal]]:
    """Rule → rows and money, of the rules that found anything."""
    assert [count.rule for count in ledger.audit.counts] == list(RULES)
    return {count.rule: (count.n_rows, count.amount) for count in ledger.audit.counts if count.n_rows}


# -- each rule by hand -----------------------------------------------------------------------------------------------------


CASES: list[tuple[dict[str, Any], str, Any]] = [
    ({"customer_id": None}, NO_CUSTOMER, 10),
    ({"customer_id": "  "}, NO_CUSTOMER, 10),
    ({"customer_id": None, "order_date": None, "amount": 7.25}, NO_CUSTOMER, "7.25"),
    ({"customer_id": None, "amount": nan}, NO_CUSTOMER, 0),
    ({"order_date": None}, NO_DATE, 10),
    ({"order_date": "soon"}, NO_DATE, 10),
    ({"order_date": "2024-02-30"}, NO_DATE, 10),
    ({"order_date": "soon", "amount": nan}, NO_DATE, 0),
    ({"order_date": "2099-01-01"}, AFTER_AS_OF, 10),
    ({"order_date": "2099-01-01", "amount": 0.0}, AFTER_AS_OF, 0),
    ({"amount": nan}, NO_AMOUNT, 0),
    ({"amount": inf}, NO_AMOUNT, 0),
    ({"amount": -inf}, NO_AMOUNT, 0),
    ({"amount": 0.0}, ZERO_AMOUNTS, 0),
    ({"product_id": "POST"}, NON_PRODUCTS, 10),
    ({"product_id": "POST", "amount": 0.0}, ZERO_AMOUNTS, 0),
]


@pytest.fixture(scope="module")
def ledger_of_cases() -> Ledger:
    bad = [GOOD | change | {"order_id": f"case {n}"} for n, (change, _rule, _amount) in enumerate(CASES)]
    return open_rows([GOOD, OTHER, *bad, GOOD], cleaning=Cleaning(non_product_codes=("POST",)))


@pytest.mark.parametrize("n", range(len(CASES)))
def test_a_row_is_counted_under_the_first_rule_that_removes_it(ledger_of_cases: Ledger, n: int) -> None:
    lines = ledger_of_cases.lines
    assert lines.filter(lines.order_id == f"case {n}").to_pandas()["rule"].tolist() == [CASES[n][1]]


def test_rows_and_money_are_summed_by_rule(ledger_of_cases: Ledger) -> None:
    expected = {DUPLICATES: (1, Decimal(10))}
    for _change, rule, amount in CASES:
        n_rows, money_so_far = expected.get(rule, (0, Decimal(0)))
        expected[rule] = (n_rows + 1, money_so_far + Decimal(amount))
    audit = ledger_of_cases.audit
    assert found(ledger_of_cases) == expected
    assert (audit.n_rows_in, audit.n_rows_kept, audit.amount_kept) == (len(CASES) + 3, 2, 30)
    assert audit.is_balanced
    assert ledger_of_cases.table.count().execute() == 2


def test_a_date_in_2099_is_removed_and_not_taken_as_today() -> None:
    ledger = open_rows([GOOD, OTHER, GOOD | {"order_date": "2099-12-31"}])
    assert ledger.as_of == date(2024, 4, 30)
    assert found(ledger) == {AFTER_AS_OF: (1, Decimal(10))}
    assert open_rows([GOOD, OTHER], as_of="2024-04-01").audit.n_rows_kept == 1


def test_the_day_of_the_run_itself_counts() -> None:
    rows = [GOOD, OTHER, GOOD | {"order_date": "2024-12-31"}, GOOD | {"order_date": "2025-01-01"}]
    assert open_rows(rows, today=date(2024, 12, 31)).as_of == date(2024, 12, 31)
    assert open_rows(rows, today=date(2025, 1, 1)).as_of == date(2025, 1, 1)


def test_days_of_nobody_do_not_make_the_as_of_date() -> None:
    ledger = open_rows([GOOD, OTHER, GOOD | {"customer_id": None, "order_date": "2024-12-31"}])
    assert ledger.as_of == date(2024, 4, 30)


def test_duplicates_are_equal_in_every_column_of_the_source() -> None:
    rows = [GOOD | {"note": note} for note in ("x", "x", "y", None, None, "x")]
    ledger = open_rows([*rows, OTHER])
    assert found(ledger) == {DUPLICATES: (3, Decimal(30))}  # two of x, one of none; the note is no ledger column
    assert "note" not in ledger.table.columns


def test_copies_of_a_row_that_an_earlier_rule_removes_count_there() -> None:
    nobody = GOOD | {"customer_id": None}
    assert found(open_rows([GOOD, OTHER, nobody, nobody])) == {NO_CUSTOMER: (2, Decimal(20))}


def test_without_lines_or_products_copies_are_only_counted() -> None:
    rows = [{name: row[name] for name in ("customer_id", "order_date", "amount")} for row in (GOOD, GOOD, GOOD, OTHER)]
    nobody, late = rows[0] | {"customer_id": None}, rows[0] | {"order_date": "2099-01-01"}
    ledger = open_rows([*rows, nobody, nobody, late, late])
    assert found(ledger) == {NO_CUSTOMER: (2, 20), AFTER_AS_OF: (2, 20), DUPLICATES: (2, 20)}
    assert ledger.audit.n_rows_kept == 4
    assert ledger.audit.is_balanced
    assert dict(zip(ledger.audit.rules["rule"], ledger.audit.rules["action"], strict=True))[DUPLICATES] == WARNED
    assert "2 rows (20) equal another row" in ledger.audit.warnings[0]
    line_numbers = [row | {"Line No.": n} for n, row in enumerate(rows)]
    assert found(open_rows(line_numbers)) == {}
    assert found(open_rows([row | {"Line No.": 1} for row in rows])) == {DUPLICATES: (2, Decimal(20))}
    assert found(open_rows([row | {"货号": "x"} for row in rows])) == {DUPLICATES: (2, Decimal(20))}


def test_rules_can_be_switched_off() -> None:
    rows = [
        GOOD,
        GOOD,
        GOOD | {"amount": 0.0},
        OTHER,
        OTHER | {"order_date": "2024-04-30T12:00", "amount": -20.0, "quantity": -1.0},
    ]
    assert set(found(open_rows(rows))) == {DUPLICATES, ZERO_AMOUNTS, CANCELLATIONS}
    off = Cleaning(duplicates=False, zero_amounts=False, cancellations=False)
    ledger = open_rows(rows, cleaning=off)
    assert found(ledger) == {}
    actions = {count.rule: count.action for count in ledger.audit.counts}
    assert actions == dict.fromkeys(RULES, REMOVED) | dict.fromkeys((DUPLICATES, ZERO_AMOUNTS, CANCELLATIONS), OFF) | {
        NON_PRODUCTS: NO_CODES
    }
    assert ledger.audit.n_rows_kept == 5


def test_rules_that_cannot_apply_say_why() -> None:
    rows = [{name: row[name] for name in ("customer_id", "order_date", "amount")} for row in (GOOD, OTHER)]
    ledger = open_rows(rows, cleaning=Cleaning(non_product_codes=("POST",)))
    actions = {count.rule: count.action for count in ledger.audit.counts}
    assert (actions[NON_PRODUCTS], actions[CANCELLATIONS]) == (NO_PRODUCT, NO_QUANTITY)
    assert "no product_id" in ledger.audit.warnings[0]


def test_a_code_that_occurs_nowhere_is_warned_of() -> None:
    ledger = open_rows(
        [GOOD, OTHER, GOOD | {"product_id": "POST"}], cleaning=Cleaning(non_product_codes=("POST", "post"))
    )
    assert [warning for warning in ledger.audit.warnings if "code" in warning] == [
        "No row has the product code post, which is configured as no product."
    ]


def test_cleaning_arguments() -> None:
    with pytest.raises(ParameterError, match="POST"):
        Cleaning(non_product_codes="POST")  # type: ignore[arg-type]
    assert Cleaning(ledger_total=1.1).ledger_total == Decimal("1.1")  # type: ignore[arg-type]
    assert Cleaning(non_product_codes=["M"]).non_product_codes == ("M",)  # type: ignore[arg-type]


def test_nothing_left_is_an_error_with_the_audit() -> None:
    with pytest.raises(EmptyDataError, match=r"2 rows in; 0 kept; removed: 2 without customer \(€30.00\)"):
        open_rows([GOOD | {"customer_id": ""}, OTHER | {"customer_id": None}], currency="EUR")
    with pytest.raises(EmptyDataError, match="2 after the as-of date"):
        open_rows([GOOD, OTHER], as_of=date(2020, 1, 1))


# -- orders and their cancellation -----------------------------------------------------------------------------------------


def sale(day: str, quantity: float, **change: Any) -> dict[str, Any]:
    """A line at a price of 2."""
    row = GOOD | {"order_date": day, "quantity": quantity, "amount": 2.0 * quantity} | change
    return row | {"order_id": f"{day} {quantity}"}


LATE = sale("2024-12-01", 99, customer_id="b")  # so that something is always left


NETTING: list[tuple[list[dict[str, Any]], list[str]]] = [
    # The latest order first.
    ([sale("2024-01-01", 5), sale("2024-02-01", 5), sale("2024-03-01", -5)], ["2024-01-01 5"]),
    # One to one.
    ([sale("2024-01-01", 5), sale("2024-02-01", -5), sale("2024-03-01", -5)], ["2024-03-01 -5"]),
    ([sale("2024-01-01", 5), sale("2024-02-01", 5), sale("2024-03-01", -5), sale("2024-04-01", -5)], []),
    # The order must be earlier.
    ([sale("2024-01-01", -5), sale("2024-02-01", 5)], ["2024-01-01 -5", "2024-02-01 5"]),
    ([sale("2024-01-01", -5), sale("2024-01-01", 5)], ["2024-01-01 -5", "2024-01-01 5"]),
    ([sale("2024-01-01", -5), sale("2024-01-01", 5), sale("2024-01-02", -5)], ["2024-01-01 -5"]),
    ([sale("2024-01-01T10:00", 5), sale("2024-01-01T10:01", -5)], []),
    # After a cancellation without an order, the next pair is still one.
    ([sale("2024-01-01", -5), sale("2024-02-01", 5), sale("2024-03-01", -5)], ["2024-01-01 -5"]),
    # Partial returns stay.
    ([sale("2024-01-01", 5), sale("2024-02-01", -2)], ["2024-01-01 5", "2024-02-01 -2"]),
    # Another price, product, customer, or no product at all.
    ([sale("2024-01-01", 5), sale("2024-02-01", -5, amount=-9.0)], ["2024-01-01 5", "2024-02-01 -5"]),
    ([sale("2024-01-01", 5), sale("2024-02-01", -5, product_id="q")], ["2024-01-01 5", "2024-02-01 -5"]),
    ([sale("2024-01-01", 5), sale("2024-02-01", -5, customer_id="c")], ["2024-01-01 5", "2024-02-01 -5"]),
    (
        [sale("2024-01-01", 5, product_id=None), sale("2024-02-01", -5, product_id=None)],
        ["2024-01-01 5", "2024-02-01 -5"],
    ),
    # A negative price is no cancellation.
    ([sale("2024-01-01", 5), sale("2024-02-01", 5, amount=-10.0)], ["2024-01-01 5", "2024-02-01 5"]),
    # Rows that other rules remove take no part.
    ([sale("2024-01-01", 5), sale("2024-01-01", 5), sale("2024-02-01", -5)], []),
]


@pytest.fixture(scope="module")
def netted() -> pd.DataFrame:
    """All cases in one ledger; they do not meet, because each has customers of its own."""
    cases = enumerate(NETTING)
    rows = [row | {"customer_id": f"{n} {row['customer_id']}"} for n, (lines, _kept) in cases for row in lines]
    ledger = open_rows([*rows, LATE])
    assert ledger.audit.is_balanced
    assert found(ledger)[CANCELLATIONS] == (sum(len(lines) - len(kept) for lines, kept in NETTING) - 1, Decimal(0))
    return ledger.table.order_by("order_date", "amount").to_pandas()


@pytest.mark.parametrize("n", range(len(NETTING)))
def test_cancellations_by_hand(netted: pd.DataFrame, n: int) -> None:
    assert netted.loc[netted["customer_id"].str.startswith(f"{n} "), "order_id"].tolist() == NETTING[n][1]


def test_the_effect_of_cancellations_is_told() -> None:
    ledger = open_rows([sale("2024-01-01", 5), sale("2024-03-01", -5), sale("2024-05-01", 7), LATE])
    assert found(ledger) == {CANCELLATIONS: (2, Decimal(0))}
    assert "1 cancellations were netted with their orders of 10." in ledger.audit.notes
    assert ledger.audit.n_customers == 2


EVENTS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from(["p", "q", None]),
        st.integers(0, 20),
        st.sampled_from([-2, -1, 1, 2]),
        st.integers(1, 2),
    ),
    max_size=100,
)


@pytest.fixture(scope="module")
def con() -> Backend:
    return ibis.duckdb.connect()


def net_naively(events: list[tuple]) -> list[int]:
    """Positions of the orders and cancellations that go: a stack of open orders per customer, product, quantity and price."""
    gone: list[int] = []
    stacks: dict[tuple, list[int]] = defaultdict(list)
    for position, (customer, product, _day, quantity, price) in sorted(
        enumerate(events), key=lambda event: (event[1][2], event[1][3] > 0, event[0])
    ):
        if product is None:
            continue
        stack = stacks[customer, product, abs(quantity), price]
        if quantity > 0:
            stack.append(position)
        elif stack:
            gone += [stack.pop(), position]
    return sorted(gone)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS)
@example([("a", "p", 1, -1, 1), ("a", "p", 1, 1, 1), ("a", "p", 2, -1, 1), ("a", "p", 2, 1, 1), ("a", "p", 3, -1, 1)])
def test_two_windows_net_like_a_stack(con: Backend, events: list[tuple]) -> None:
    frame = pd.DataFrame(events, columns=["customer_id", "product_id", "day", "quantity", "price"])
    frame["customer_id"], frame["product_id"] = frame["customer_id"].astype("str"), frame["product_id"].astype("str")
    frame["order_date"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(frame.pop("day").astype("int64"), unit="D")
    frame["amount"] = frame["quantity"].astype("float64") * frame.pop("price").astype("float64")
    frame["order_id"] = range(len(frame))  # the order of arrival, as the stack has it
    table = ibis.memtable(frame.astype({"quantity": "float64"})).mutate(rule=ibis.null("string"))
    netted = net_cancellations(con.create_table("events", table, overwrite=True), storage=Storage(con, is_local=False))
    result = con.to_pandas(netted)
    assert len(result) == len(events)
    assert sorted(result.loc[result["rule"] == CANCELLATIONS, "order_id"]) == net_naively(events)


# -- everything against a recomputation ------------------------------------------------------------------------------------

ROW = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(["a", "b", "007", "7", "김철수", None, " "]),
        "order_date": st.sampled_from(["2024-01-31", "2024-02-01", "2024-02-29", "2024-03-01", "2098-01-01", None]),
        "amount": st.one_of(
            st.sampled_from([nan, inf, -inf, 0.0, 5.0, -5.0]), st.integers(-20000, 20000).map(lambda n: n / 100)
        ),
        "order_id": st.sampled_from(["1", "2"]),
        "product_id": st.sampled_from(["p", "q", "POST", None]),
        "quantity": st.sampled_from([-1.0, 1.0]),
        "note": st.sampled_from(["x", None]),
    }
)
FRAMES = st.lists(ROW, min_size=10, max_size=80).flatmap(
    lambda rows: st.lists(st.sampled_from(rows), max_size=8).map(lambda copies: rows + copies)
)
CLEANING = Cleaning(non_product_codes=("POST",))


def clean_naively(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, tuple[int, Decimal]]]:
    """Rule by rule, in pandas."""
    counts: dict[str, tuple[int, Decimal]] = {}

    def remove(rule: str, bad: pd.Series) -> None:
        nonlocal frame
        counts[rule] = (int(bad.sum()), money(frame.loc[bad, "amount"]))
        frame = frame[~bad]

    frame = frame.reset_index(drop=True)
    days = pd.to_datetime(frame["order_date"])
    remove(NO_CUSTOMER, frame["customer_id"].isna() | (frame["customer_id"].fillna("").str.strip() == ""))
    as_of = days[frame.index][days <= pd.Timestamp(TODAY)].max()
    remove(NO_DATE, days[frame.index].isna())
    remove(AFTER_AS_OF, days[frame.index] > as_of)
    remove(NO_AMOUNT, ~frame["amount"].map(isfinite))
    remove(DUPLICATES, frame.duplicated())
    remove(ZERO_AMOUNTS, frame["amount"] == 0)
    remove(NON_PRODUCTS, frame["product_id"] == "POST")
    events = []
    for row in frame.itertuples():
        takes_part = (row.amount > 0) == (row.quantity > 0)
        product = row.product_id if takes_part and not pd.isna(row.product_id) else None
        events.append((row.customer_id, product, row.order_date, row.quantity, abs(row.amount)))
    gone = net_naively(events)
    remove(CANCELLATIONS, pd.Series(range(len(frame)), index=frame.index).isin(gone))
    return frame, counts


def money(amounts: pd.Series) -> Decimal:
    return sum((Decimal(str(amount)) for amount in amounts if isfinite(amount)), Decimal(0))


@settings(deadline=None, max_examples=6, phases=NO_SHRINKING)
@given(FRAMES, st.randoms(use_true_random=False))
def test_every_row_is_accounted_for(rows: list[dict], random: Any) -> None:
    rows = [*rows, OTHER | {"note": "y"}]
    kept, counts = clean_naively(pd.DataFrame(rows))
    ledger = open_rows(rows, cleaning=CLEANING)
    audit = ledger.audit
    assert {count.rule: (count.n_rows, count.amount) for count in audit.counts} == counts
    assert (audit.n_rows_in, audit.n_rows_kept) == (len(rows), len(kept))
    assert (audit.amount_in, audit.amount_kept) == (money(pd.DataFrame(rows)["amount"]), money(kept["amount"]))
    assert audit.n_rows_in == audit.n_rows_kept + audit.n_rows_removed
    assert audit.amount_in == audit.amount_kept + audit.amount_removed
    assert audit.check(Context()).verdict == "holds"
    # The rows that are kept are these, and their order in the source does not matter.
    columns = ["customer_id", "order_id", "amount", "product_id"]
    left = ledger.table.to_pandas().astype({"amount": float})[columns]
    assert sorted(map(str, left.to_numpy().tolist())) == sorted(map(str, kept[columns].to_numpy().tolist()))
    random.shuffle(rows)
    again = open_rows(rows, cleaning=CLEANING)
    assert again.audit == audit


def test_copies_of_many_rows_are_looked_for_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [GOOD | {"order_id": str(n), "amount": float(n)} for n in range(1, 40)]
    monkeypatch.setattr("kam.ledger.cleaning._MOST_KEYS", 8)
    ledger = open_rows([*rows, rows[3], rows[30], rows[30], rows[38]])
    assert found(ledger) == {DUPLICATES: (4, Decimal(4 + 31 + 31 + 39))}


def test_parquet_files_are_cleaned_like_a_frame_and_are_not_copied(tmp_path: Path) -> None:
    back = GOOD | {"order_date": "2024-03-09", "amount": -10.0, "quantity": -1.0, "order_id": "3"}
    rows = [GOOD, OTHER, OTHER, GOOD | {"customer_id": " c "}, back, GOOD | {"amount": 0.0}, GOOD | {"order_id": "4"}]
    frame = pd.DataFrame(rows)
    frame["order_date"] = pd.to_datetime(frame["order_date"])
    frame.iloc[:3].to_parquet(tmp_path / "1.parquet", index=False)
    frame.iloc[[1, 3, 4, 5, 6]].to_parquet(
        tmp_path / "2.parquet", index=False
    )  # a copy in another file, at the same place
    ledger = open_ledger(str(tmp_path / "*.parquet"), today=TODAY)
    same = open_ledger(pd.concat([frame.iloc[:3], frame.iloc[[1, 3, 4, 5, 6]]], ignore_index=True), today=TODAY)
    assert found(ledger) == found(same) == {DUPLICATES: (2, Decimal(40)), ZERO_AMOUNTS: (1, 0), CANCELLATIONS: (2, 0)}
    ledgers = [
        one.lines.to_pandas().fillna("-").sort_values(["customer_id", "order_id", "rule"]) for one in (ledger, same)
    ]
    pd.testing.assert_frame_equal(*(lines.reset_index(drop=True) for lines in ledgers))
    assert {"a", "b", "c"} == set(ledgers[0]["customer_id"])  # stripped where it must be
    kept = {row[0] for row in ledger.con.raw_sql("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert not kept & {"lines", "tagged", "suspects", "events"}
