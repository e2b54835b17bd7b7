import pytest

from kam.dataset.dictionary import TABLES
from kam.dataset.recognition import MIN_SCORE, fold, match_table, score_name
from kam.dataset.synonyms import HEADERS
from kam.ledger.description import ColumnDescription, SourceDescription
from kam.ledger.sources import ReadOptions, SourceTable


def best(header, table):
    score, name = max((score_name(header, name), name) for name in TABLES[table].columns)
    return name if score >= MIN_SCORE else None


@pytest.mark.parametrize(
    ("table", "canonical", "headers"),
    [
        ("ledger", "customer_id", "CustomerID|Kunden-Nr.|KdNr|N° client|Código de cliente|客户编号|고객번호|得意先コード"),
        ("ledger", "order_date", "InvoiceDate|order_dt|Auftragsdatum|Date facture|Fecha de pedido|订单日期|주문일자|受注日"),
        ("ledger", "amount", "Nettobetrag (EUR)|Montant HT|Importe neto|销售金额（元）|매출액(원)|売上金額|net_sales_usd"),
        ("ledger", "order_id", "Invoice No|Auftragsnr.|N° commande|Número de pedido|订单号|주문번호|伝票番号|SalesOrderNumber"),
        ("ledger", "unit_price", "Price|Einzelpreis|Prix unitaire|Precio unitario|单价|단가|単価"),
        ("ledger", "quantity", "Qty|Menge|Quantité|Cantidad|数量|수량|Order Quantity"),
        ("ledger", "product_id", "StockCode|Artikelnr|Référence|Código de producto|商品编号|상품코드|品番"),
        ("ledger", "delivered_date", "Delivery date|Lieferdatum|Date de livraison|交货日期|납품일|納品日"),
        ("ledger", "due_date", "DueDate|Fälligkeit|Échéance|到期日|만기일|支払期日"),
        ("ledger", "ship_region", "Ship-to Country|Lieferland|배송지역"),
        ("accounts", "name", "Customer Name|Kundenname|Raison sociale|Nombre|客户名称|고객명|得意先名|Reseller Name"),
        ("accounts", "manager", "Account Manager|Betreuer|客户经理|담당자|営業担当"),
        ("accounts", "industry", "Industry|Branche|行业|업종|業種"),
        ("survey", "respondent_id", "Respondent ID|Teilnehmer|受访者编号|응답자번호|回答者ID"),
        ("survey", "overall", "Overall satisfaction|Gesamtzufriedenheit|总体满意度|종합만족도|総合満足度"),
        ("events", "kind", "Event type|Ereignis|事件类型|유형|種別"),
    ],
)  # fmt: skip
def test_headers_are_recognized_in_seven_languages(table, canonical, headers):
    assert {header: best(header, table) for header in headers.split("|")} == dict.fromkeys(
        headers.split("|"), canonical
    )


@pytest.mark.parametrize("header", ["Description", "TaxAmt", "cancelled", "", "---", "note 1"])
def test_other_headers_are_not(header):
    assert best(header, "ledger") is None


def test_case_signs_and_accents_do_not_count():
    assert fold("  N° CLIENT ") == fold("n_client")
    assert fold("Größe") == fold("grösse")
    assert fold("ガ") != fold("カ")


def test_no_name_means_two_columns_of_one_table():
    for table, spec in TABLES.items():
        names = [
            (fold(name), column) for column in spec.columns for name in {column.replace("_", " "), *HEADERS[column]}
        ]
        twice = {name for name, column in names for other, another in names if name == other and column != another}
        assert not twice, table


def column(name, type="text", examples=("a", "b"), **changes):
    facts = {
        "share_missing": 0.0, "n_distinct": 40, "date_format": None, "share_dates": 0.0, "ambiguous_date": False,
        "decimal": None, "thousands": None, "share_numbers": 0.0, "ambiguous_number": False, "leading_zeros": False,
    }  # fmt: skip
    return ColumnDescription(name=name, type=type, examples=examples, **(facts | changes))


def dates(name, **changes):
    return column(name, examples=("2025-01-31",), date_format="%Y-%m-%d", share_dates=1.0, **changes)


def numbers(name, examples=("12.50", "3.00"), **changes):
    return column(name, examples=examples, share_numbers=1.0, decimal=".", **changes)


def match(*columns, table="ledger", n_rows=1000):
    source = SourceTable(table=None, kind="csv", options=ReadOptions(), description="", fingerprint="")
    return match_table(SourceDescription(source=source, n_rows=n_rows, columns=columns), table, "file")


def chosen(found):
    return {name: matched.column.name for name, matched in found.matches.items()}


def test_the_better_name_wins():
    found = match(column("Customer"), column("Customer ID"), dates("Order Date"), dates("Due Date"), numbers("Amount"))
    assert chosen(found) == {
        "customer_id": "Customer ID", "order_date": "Order Date", "due_date": "Due Date", "amount": "Amount",
    }  # fmt: skip
    assert found.missing == []
    assert found.score > 3


def test_a_name_does_not_help_against_the_contents():
    found = match(column("Customer ID"), column("Date"), numbers("Amount"))
    assert found.missing == ["order_date"]
    assert "'Date' is called like order_date, but its values are not dates." in found.rejected


@pytest.mark.parametrize(
    ("bad", "fragment"),
    [
        (numbers("Discount %"), "is a rate"),
        (numbers("割引率"), "is a rate"),
        (numbers("Unit cost"), "the cost of one piece"),
        (numbers("Cost", share_missing=1.0), "is empty"),
    ],
)
def test_what_is_near_to_a_column_and_not_it_is_told(bad, fragment):
    found = match(column("Customer ID"), dates("Date"), numbers("Amount"), bad)
    assert bad.name not in chosen(found).values()
    assert not found.rejected or fragment in found.rejected[0]


def test_an_id_that_hardly_repeats_is_no_customer():
    found = match(column("Customer", n_distinct=990), dates("Date"), numbers("Amount"))
    assert found.missing == ["customer_id"]
    assert "hardly any value stands twice" in found.rejected[0]


def test_amount_may_be_quantity_times_price():
    found = match(column("Customer"), dates("Date"), numbers("Qty", examples=("1", "2")), numbers("Price"))
    assert found.missing == []
    assert "amount" not in found.matches


def test_names_that_say_nothing_leave_the_contents():
    found = match(column("a"), dates("b"), numbers("c"))
    assert chosen(found) == {"customer_id": "a", "order_date": "b", "amount": "c"}
    assert "the only column" in found.matches["order_date"].why


def test_where_two_could_be_it_none_is_taken():
    found = match(column("a"), column("b"), dates("c"), dates("d"), numbers("e"), numbers("f"))
    assert found.matches == {}
    assert found.missing == ["customer_id", "order_date", "amount"]


def test_accounts_have_each_customer_once():
    assert match(column("Customer ID", n_distinct=40), column("Name"), table="accounts").missing == ["customer_id"]
    assert match(column("Customer ID", n_distinct=1000), column("Name"), table="accounts").missing == []


def test_events_are_of_known_kinds():
    known = column("Kind", examples=("complaint", "Visit"))
    assert match(column("Customer ID"), dates("Date"), known, table="events").missing == []
    assert match(column("Customer ID"), dates("Date"), column("Kind"), table="events").missing == ["kind"]


@pytest.mark.parametrize(
    "header",
    [
        "How likely are you to recommend us to a colleague? (0-10)",
        "How likely is it that you would recommend Acme to a friend or colleague?",
        "On a scale of 0 to 10, how likely are you to recommend our company?",
        "귀하께서는 당사를 동료에게 추천하시겠습니까? (0~10)",
        "저희 회사를 주변에 추천할 의향이 어느 정도입니까?",
        "您有多大可能向同事推荐我们？（0-10分）",
        "您願意推薦我們嗎",
        "当社を友人や同僚に薦める可能性はどのくらいありますか（0～10）",
        "知人におすすめしたいと思いますか",
        "おすすめ度",
        "Wie wahrscheinlich ist es, dass Sie uns weiterempfehlen?",
    ],
)
def test_the_question_to_recommend_is_known_in_its_usual_wordings(header):
    assert score_name(header, "recommend") > 0.8


@pytest.mark.parametrize(
    "header",
    ["Recommended by", "Recommendation reason", "Why would you recommend us?", "추천인", "추천 이유", "推荐理由"],
)
def test_what_only_speaks_of_recommending_is_not_the_question(header):
    assert score_name(header, "recommend") < 0.8


@pytest.mark.parametrize(
    ("headers", "overall"),
    [
        (["artの満足度", "foodの満足度", "allの満足度"], "allの満足度"),
        (["배송 만족도", "전반 서비스 만족도", "가격 만족도"], "전반 서비스 만족도"),
        (["Delivery satisfaction score", "Overall service satisfaction score"], "Overall service satisfaction score"),
    ],
)
def test_of_questions_called_alike_the_overall_one_is_taken_and_said_to_be_a_guess(headers, overall):
    answers = [numbers(name, ("1", "4", "5"), type="number", n_distinct=5) for name in headers]
    found = match(column("respondent_id"), *answers, table="survey")
    assert found.matches["overall"].column.name == overall
    assert found.matches["overall"].why.startswith("a guess: ")
    assert any("is taken for overall, but so could be" in line for line in found.rejected)
