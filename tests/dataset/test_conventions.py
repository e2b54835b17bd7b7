import pytest

from kam.dataset.conventions import find_currencies, guess_currency, guess_language
from kam.ledger.description import ColumnDescription


def column(name, *examples, n_distinct=40):
    return ColumnDescription(
        name=name, type="text", examples=examples, share_missing=0, n_distinct=n_distinct, date_format=None, share_dates=0,
        ambiguous_date=False, decimal=None, thousands=None, share_numbers=1, ambiguous_number=False, leading_zeros=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Amount (EUR)", ("EUR",)), ("USD_net", ("USD",)), ("€ 12,00", ("EUR",)), ("金额（元）", ("CNY",)),
        ("売上(円)", ("JPY",)), ("₩1,000", ("KRW",)), ("US$ 5", ("USD",)), ("NT$5", ("TWD",)), ("RMB", ("CNY",)),
        ("$5", ("USD", "CAD", "AUD", "MXN")), ("¥5", ("JPY", "CNY")),
        ("EUROPE", ()), ("Total", ()), ("ALL", ()), ("eur", ()),
    ],
)  # fmt: skip
def test_codes_and_signs(text, found):
    assert find_currencies(text) == found


def test_a_column_of_one_currency_goes_first():
    assert guess_currency([column("Währung", "chf", n_distinct=1)], [column("EUR")]) == ("CHF", "all of 'Währung'")


def test_a_name_or_a_value_may_name_it():
    assert guess_currency([], [column("Betrag", "5 €"), column("Kosten", "4")]) == ("EUR", "'5 €' stands in 'Betrag'")
    assert guess_currency([], [column("Net (GBP)", "5")]) == ("GBP", "'Net (GBP)' is a column")


@pytest.mark.parametrize(
    ("money", "why"),
    [
        ([], "none is named"),
        ([column("Amount", "5")], "none is named"),
        ([column("Amount", "$5")], "'$5' stands in 'Amount' and may be USD or CAD"),
        ([column("EUR"), column("USD")], "several are named: EUR, USD"),
    ],
)
def test_what_is_in_doubt_is_not_guessed(money, why):
    currency, reason = guess_currency([], money)
    assert currency is None
    assert why in reason


def test_a_column_of_several_currencies_says_nothing():
    assert guess_currency([column("currency", "EUR", "USD", n_distinct=2)], [])[0] is None


@pytest.mark.parametrize(("name", "language"), [("매출", "ko"), ("売上げ", "ja"), ("金额", "zh"), ("Umsatz", "en")])
def test_the_script_tells_the_language(name, language):
    assert guess_language([column("id"), column(name)])[0] == language


@pytest.mark.parametrize(
    ("header", "currencies"),
    [
        ("원가", ()),
        ("회원번호", ()),
        ("매출액(원)", ("KRW",)),
        ("단위: 천원", ("KRW",)),
        ("金额(万元)", ("CNY",)),
        ("元の金額", ()),
    ],
)
def test_a_sign_that_is_a_letter_stands_alone(header, currencies):
    assert find_currencies(header) == currencies
