import gc
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest
from ibis.backends.duckdb import Backend

from kam.errors import EmptyDataError, MissingColumnError, MixedCurrencyError, ParameterError
from kam.ledger import Cleaning, Ledger, activity_panel, open_ledger, opening, summarize_customers
from kam.wording import Wording

TODAY = date(2025, 1, 1)
ORDERS = pd.DataFrame(
    {
        "customer_id": ["a", "a", "b", "b"],
        "order_date": pd.to_datetime(["2024-01-31 23:30", "2024-02-10", "2024-02-11", "2024-03-31"], format="ISO8601"),
        "amount": [10.0, 20.0, 30.0, -5.0],
    }
)


def open_orders(**options: Any) -> Ledger:
    """The orders with other columns; unless they are options."""
    columns = {name: options.pop(name) for name in list(options) if isinstance(options[name], list)}
    return open_ledger(ORDERS.assign(**columns), **{"today": TODAY} | options)


# -- the table -------------------------------------------------------------------------------------------------------------


def test_the_table_has_the_columns_of_the_ledger_and_no_others() -> None:
    before = ORDERS.copy()
    ledger = open_orders(order_id=["1", "2", None, "4"], note=[1, 2, 3, 4], unit_price=[1.0, 2.0, 3.0, 4.0])
    assert {name: str(kind) for name, kind in ledger.table.schema().items()} == {
        "customer_id": "string",
        "order_date": "timestamp(6)",
        "order_day": "date",
        "amount": "decimal(18, 4)",
        "order_id": "string",
        "unit_price": "float64",
    }
    assert ledger.columns == ("customer_id", "order_date", "amount", "order_id", "unit_price")
    rows = ledger.table.order_by("order_date").to_pyarrow().to_pylist()
    assert [row["order_id"] for row in rows] == ["1", "2", "b 2024-02-11", "4"]
    assert (rows[0]["order_day"], rows[0]["amount"]) == (date(2024, 1, 31), Decimal("10.0000"))
    assert (
        "1 of the rows kept have no order number: what a customer bought on one day is one order." in ledger.audit.notes
    )
    pd.testing.assert_frame_equal(ORDERS, before)


def test_without_order_numbers_an_order_is_a_customers_day() -> None:
    frame = pd.concat([ORDERS, ORDERS.head(1).assign(order_date=pd.Timestamp("2024-01-31 08:00"), amount=1.0)])
    ledger = open_ledger(frame, today=TODAY)
    assert sorted(set(ledger.table.to_pandas()["order_id"])) == [
        "a 2024-01-31",
        "a 2024-02-10",
        "b 2024-02-11",
        "b 2024-03-31",
    ]
    assert summarize_customers(ledger)["n_orders"].tolist() == [2, 1]


@pytest.mark.parametrize(
    ("quantity", "price", "amount"),
    [
        (3, 0.33335, "1.0001"),  # 1.00005, half away from zero
        (-3, 0.33335, "-1.0001"),
        (100_000, 0.00125, "125"),  # a price with five decimals is not rounded before
        (3, 0.1, "0.3"),
        (7, 1.15, "8.05"),
        (1.5, 0.5, "0.75"),
    ],
)
def test_the_amount_is_the_exact_product(quantity: float, price: float, amount: str) -> None:
    frame = ORDERS.drop(columns="amount").assign(quantity=quantity, unit_price=price)
    ledger = open_ledger(frame, today=TODAY, cleaning=Cleaning(duplicates=False))
    assert set(ledger.table.to_pandas()["amount"]) == {Decimal(amount)}
    assert "The amount is quantity × unit price, rounded to four decimals." in ledger.audit.notes
    assert "amount" in ledger.columns


def test_an_amount_beyond_all_money_is_none() -> None:
    frame = ORDERS.drop(columns="amount").assign(quantity=[1.0, 1e9, 1e200, 1e10], unit_price=[2.0, 1e9, 1.0, 1e-5])
    audit = open_ledger(frame, today=TODAY).audit
    assert {count.rule: count.n_rows for count in audit.counts if count.n_rows} == {"without amount": 3}
    assert (audit.amount_in, audit.amount_kept) == (2, 2)


def test_days_are_those_of_the_time_zone() -> None:
    moments = ORDERS.assign(order_date=ORDERS["order_date"].dt.tz_localize("UTC"))
    assert summarize_customers(open_ledger(moments, today=TODAY))["first_order"].iloc[0] == pd.Timestamp("2024-01-31")
    seoul = summarize_customers(open_ledger(moments, today=TODAY, time_zone="Asia/Seoul"))
    assert seoul["first_order"].iloc[0] == pd.Timestamp("2024-02-01")


# -- currency --------------------------------------------------------------------------------------------------------------


def test_two_currencies_are_an_error_with_counts() -> None:
    with pytest.raises(MixedCurrencyError, match="EUR in 3 rows, USD in 1 rows"):
        open_orders(currency=["EUR", "usd", "EUR", "eur "])


def test_the_currency_is_found_or_given() -> None:
    assert open_orders().currency is None
    assert open_orders(currency=["eur", " EUR", "EUR", "EUR"]).currency == "EUR"
    assert open_ledger(ORDERS, today=TODAY, currency="gbp").currency == "GBP"
    frame = ORDERS.assign(currency="EUR")
    assert open_ledger(frame, today=TODAY, currency="EUR").currency == "EUR"
    with pytest.raises(MixedCurrencyError, match="EUR in 4 rows, but GBP was given"):
        open_ledger(frame, today=TODAY, currency="GBP")
    assert open_ledger(frame, today=TODAY, currency="GBP", columns={"currency": None}).currency == "GBP"


def test_the_currency_of_removed_rows_does_not_matter() -> None:
    ledger = open_orders(currency=["EUR", "EUR", "USD", "EUR"], customer_id=["a", "a", None, "b"])
    assert ledger.currency == "EUR"


def test_missing_currencies_are_warned_of() -> None:
    ledger = open_orders(currency=["EUR", None, "EUR", "EUR"])
    assert ledger.currency == "EUR"
    assert "1 of the rows kept have no currency." in ledger.audit.warnings


def test_a_missing_cost_is_warned_of() -> None:
    ledger = open_orders(cost=[1.0, None, 3.0, 0.0])
    assert (
        "1 of the rows kept have no value for cost; the amount counts as cost there, so that they earn nothing."
        in ledger.audit.warnings
    )
    assert summarize_customers(ledger)["margin"].tolist() == [9, 22]


# -- periods and the as-of date --------------------------------------------------------------------------------------------


def test_the_as_of_date_is_a_day_in_any_form() -> None:
    for day in (date(2024, 2, 10), "2024-02-10", datetime(2024, 2, 10, 23), pd.Timestamp("2024-02-10")):
        ledger = open_ledger(ORDERS, as_of=day, today=TODAY)
        assert (ledger.as_of, ledger.audit.as_of, ledger.audit.n_rows_kept) == (date(2024, 2, 10), date(2024, 2, 10), 2)
    with pytest.raises(ParameterError, match="yesterday"):
        open_ledger(ORDERS, as_of="yesterday")


def test_wrong_arguments_are_errors() -> None:
    with pytest.raises(ParameterError, match="fiscal_year_start"):
        open_ledger(ORDERS, fiscal_year_start=0)
    with pytest.raises(ParameterError, match="Mars/Olympus"):
        open_ledger(ORDERS, time_zone="Mars/Olympus")
    with pytest.raises(MissingColumnError, match="'customer_id': 'client'"):
        open_ledger(ORDERS.rename(columns={"customer_id": "client"}))


def test_an_incomplete_last_month_is_left_out_and_counted() -> None:
    ledger = open_orders(as_of="2024-02-20")
    assert ledger.last_complete_month == date(2024, 1, 1)
    incomplete = ledger.audit.incomplete
    assert incomplete is not None
    assert (incomplete.month, incomplete.n_rows, incomplete.amount) == (date(2024, 2, 1), 2, 50)
    assert (incomplete.n_customers, incomplete.n_customers_before) == (2, 1)
    assert activity_panel(ledger)[["customer_id", "revenue"]].to_numpy().tolist() == [["a", 10.0]]
    assert summarize_customers(ledger)["revenue"].tolist() == [30, 30]
    complete = open_orders()
    assert (complete.as_of, complete.last_complete_month) == (date(2024, 3, 31), date(2024, 3, 1))
    assert complete.audit.incomplete is None


def test_silence_after_the_last_row_is_no_incomplete_month() -> None:
    ledger = open_orders(as_of="2024-05-15")
    assert (ledger.last_complete_month, ledger.audit.incomplete) == (date(2024, 4, 1), None)


def test_a_month_that_ends_with_days_of_rest_is_complete() -> None:
    weekdays = pd.bdate_range("2024-08-01", "2024-11-29")
    frame = pd.DataFrame({"customer_id": "a", "order_date": weekdays, "amount": 1.0})
    assert open_ledger(frame, today=TODAY).last_complete_month == date(2024, 11, 1)
    assert open_ledger(frame, today=TODAY, as_of="2024-11-29").last_complete_month == date(2024, 10, 1)


def test_customers_of_the_first_month_are_left_censored() -> None:
    credit_note = ORDERS.head(1).assign(customer_id="c", order_date=pd.Timestamp("2023-12-31"), amount=-1.0)
    frame = pd.concat([ORDERS, credit_note])
    audit = open_ledger(frame, today=TODAY).audit
    assert (audit.n_customers, audit.n_customers_left_censored) == (3, 1)  # c has a credit note only


def test_the_books_are_reconciled() -> None:
    frame = pd.concat([ORDERS, ORDERS.head(1).assign(customer_id=None)])
    audit = open_ledger(frame, today=TODAY, cleaning=Cleaning(ledger_total=Decimal(65))).audit
    assert audit.reconciliation is not None
    assert (audit.reconciliation.difference, audit.reconciliation.is_explained) == (10, True)
    assert any("general ledger" in line for line in audit.lines(Wording()))


# -- sources and what they leave behind ------------------------------------------------------------------------------------


def test_csv_parquet_and_frame_are_one(tmp_path: Path) -> None:
    ORDERS.to_csv(tmp_path / "orders.csv", index=False)
    ORDERS.to_parquet(tmp_path / "orders.parquet")
    expected = open_orders()
    for name in ("orders.csv", "orders.parquet"):
        for cleaning in (Cleaning(), Cleaning(duplicates=False, cancellations=False)):
            ledger = open_ledger(tmp_path / name, today=TODAY, cleaning=cleaning)
            pd.testing.assert_frame_equal(summarize_customers(ledger), summarize_customers(expected))
            assert ledger.audit.n_rows_kept == 4
            assert name in ledger.description
            assert name in repr(ledger)


def test_a_table_stays_in_its_database() -> None:
    other = ibis.duckdb.connect()
    frame = ORDERS.assign(product_id="p", quantity=[1.0, 1.0, 1.0, -1.0], order_id=["1", "2", "2", "4"])
    frame = pd.concat([frame, frame.head(1), frame.head(1).assign(customer_id=None)])
    table = other.create_table("orders", frame)
    [table_before] = other.raw_sql("SHOW ALL TABLES").fetchall()
    ledger = open_ledger(table, today=TODAY)
    local = open_ledger(frame, today=TODAY)
    pd.testing.assert_frame_equal(summarize_customers(ledger), summarize_customers(local))
    pd.testing.assert_frame_equal(activity_panel(ledger, freq="quarter"), activity_panel(local, freq="quarter"))
    assert ledger.audit.counts == local.audit.counts
    assert ledger.table.get_backend() is other
    assert other.raw_sql("SHOW ALL TABLES").fetchall() == [table_before]
    # Copies that are only warned of are counted there too.
    assert "2 rows (10) equal" not in open_ledger(table.drop("product_id"), today=TODAY).audit.warnings[0]
    assert "1 rows (10) equal" in open_ledger(table.drop("product_id"), today=TODAY).audit.warnings[0]


def test_the_fingerprint_follows_data_and_cleaning() -> None:
    first = open_orders().fingerprint
    assert len(first) == 64
    assert open_orders().fingerprint == first
    others = [
        open_orders(amount=[10.0, 20.0, 30.0, -5.01]),
        open_orders(as_of="2024-03-30"),
        open_orders(cleaning=Cleaning(zero_amounts=False)),
        open_ledger(ORDERS.assign(net=1.0), columns={"amount": "net"}, today=TODAY),
    ]
    assert len({first, *(ledger.fingerprint for ledger in others)}) == 5


def test_closing_or_forgetting_a_ledger_removes_its_files() -> None:
    closed, forgotten = open_orders(), open_orders()
    folders: list[Path] = [ledger.con.folder for ledger in (closed, forgotten)]  # type: ignore[attr-defined]
    assert all(folder.is_dir() for folder in folders)
    closed.close()
    assert not folders[0].exists()
    del forgotten
    gc.collect()
    assert not folders[1].exists()


def test_a_failed_opening_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Backend] = []
    connect = opening.connect
    monkeypatch.setattr(opening, "connect", lambda: opened.append(connect()) or opened[0])
    with pytest.raises(EmptyDataError):
        open_ledger(ORDERS, as_of="2000-01-01")
    assert not opened[0].folder.exists()  # type: ignore[attr-defined]
