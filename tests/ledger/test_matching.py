import pytest

from kam.errors import MissingColumnError, ParameterError
from kam.ledger.matching import COLUMNS, has_lines, match_columns


def test_columns_are_named_or_taken_by_their_own_name() -> None:
    available = ["kunde", "order_date", "amount", "cost", "note"]
    assert match_columns(available, {"customer_id": "kunde", "cost": None}, where="a.csv") == {
        "customer_id": "kunde",
        "order_date": "order_date",
        "amount": "amount",
    }


def test_an_amount_may_be_quantity_and_price() -> None:
    available = ["customer_id", "order_date", "quantity", "unit_price"]
    assert list(match_columns(available, {}, where="a.csv")) == ["customer_id", "order_date", "quantity", "unit_price"]


@pytest.mark.parametrize(
    ("available", "missing", "guess"),
    [
        (["Customer ID", "order_date", "amount"], "needs 'customer_id';", "{'customer_id': 'Customer ID'}"),
        (["Client no", "order_date", "amount"], "needs 'customer_id';", "{'customer_id': 'Client no'}"),
        (
            ["고객번호", "주문일자", "금액"],
            "needs 'customer_id' and 'order_date' and 'amount'",
            "'order_date': '주문일자'",
        ),
        (["customer_id", "InvoiceDate", "amount"], "needs 'order_date';", "{'order_date': 'InvoiceDate'}"),
        (["customer_id", "order_date", "net sales"], "(or quantity and unit_price)", "{'amount': 'net sales'}"),
        (["customer_id", "order_date", "quantity"], "needs 'amount'", "Name the column in columns."),
        (["x", "y"], "there are 'x', 'y'.", "Name the column in columns."),
    ],
)
def test_a_missing_column_is_named_with_a_likely_one(available: list[str], missing: str, guess: str) -> None:
    with pytest.raises(MissingColumnError) as caught:
        match_columns(available, {}, where="a.csv")
    assert missing in str(caught.value)
    assert guess in str(caught.value)
    assert "a.csv" in str(caught.value)


def test_a_guess_is_not_a_column_that_is_taken() -> None:
    with pytest.raises(MissingColumnError) as caught:
        match_columns(
            ["date", "customer"], {"order_date": "date", "amount": None, "customer_id": "customer"}, where="a"
        )
    assert "perhaps" not in str(caught.value)


def test_a_name_that_is_not_in_the_source_is_an_error_with_the_nearest() -> None:
    with pytest.raises(MissingColumnError, match=r"'custmer'.*customer_id.*Did you mean 'customer'\?"):
        match_columns(["customer", "order_date", "amount"], {"customer_id": "custmer"}, where="a.csv")


def test_a_ledger_has_no_other_columns() -> None:
    with pytest.raises(ParameterError, match=r"'customer'.*customer_id, order_date, amount"):
        match_columns(["customer"], {"customer": "customer"}, where="a.csv")


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        (["date", "customer", "amount"], False),
        (["date", "customer", "line"], True),
        (["date", "customer", "Line No"], True),
        (["date", "customer", "Stock_Code"], True),
        (["date", "customer", "商品コード"], True),
        (["date", "customer", "pipeline"], False),
    ],
)
def test_lines_are_told_apart_by_number_or_product(available: list[str], expected: bool) -> None:
    assert has_lines(available, ["customer_id"]) is expected
    assert has_lines(["ware"], ["product_id"])


def test_the_needed_columns_come_first() -> None:
    assert list(COLUMNS)[:3] == ["customer_id", "order_date", "amount"]
