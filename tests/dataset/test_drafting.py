"""Files as they come, through draft, dataset and ledger."""

import gzip
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import yaml

from kam.dataset import draft_dataset, open_dataset
from kam.dataset.drafting import name_dataset
from kam.dataset.parsing import parse_dataset_file
from kam.errors import DatasetError, EmptyDataError, KamError, ParameterError, UnreadableFileError
from kam.ledger.sources import ReadOptions

DAYS = pd.date_range("2025-01-06", periods=60, freq="3D")


def orders(n=60):
    """60 orders of 7 customers with leading zeros; every tenth is a credit note."""
    rng = np.random.default_rng(1)
    amount = np.round(rng.lognormal(6, 1, n), 2) * np.where(np.arange(n) % 10 == 9, -1, 1)
    return pd.DataFrame(
        {"who": [f"{i % 7:05}" for i in range(n)], "when": DAYS[:n], "how_much": amount, "order": range(n)}
    )


def draft(tmp_path, *files, **options):
    return draft_dataset(*files, folder=tmp_path, **options)


def opened(tmp_path, *files, **options):
    """The draft, and the dataset that opens from it as it is."""
    made = draft(tmp_path, *files, **options)
    return made, open_dataset(made.write())


def german(path, encoding="cp1252"):
    frame = orders().set_axis(["Kunden-Nr.", "Auftragsdatum", "Nettobetrag (EUR)", "Auftragsnr."], axis=1)
    frame["Auftragsdatum"] = frame["Auftragsdatum"].dt.strftime("%d.%m.%Y")
    frame["Nettobetrag (EUR)"] = frame["Nettobetrag (EUR)"].map(lambda x: f"{x:.2f}".replace(".", ","))
    frame["Größe"] = "groß"
    path.write_bytes(frame.to_csv(index=False, sep=";").encode(encoding))
    return path


def test_a_plain_csv_opens_as_it_is(tmp_path):
    frame = orders().set_axis(["customer_id", "order_date", "amount", "order_id"], axis=1)
    frame.to_csv(tmp_path / "Orders 2025.csv", index=False)
    made, dataset = opened(tmp_path, tmp_path / "Orders 2025.csv")
    assert dataset.name == "orders_2025"
    assert dataset.ledger.audit.n_rows_kept == 60
    assert dataset.ledger.audit.amount_kept == sum(Decimal(str(x)) for x in frame["amount"].round(2))
    assert set(dataset.ledger.table.customer_id.execute()) == set(frame["customer_id"])
    assert dataset.ledger.as_of == date(2025, 7, 2)
    assert dataset.file.currency is None
    assert any("currency" in question for question in made.questions)
    assert "money has no unit" in made.text


def test_a_german_csv(tmp_path):
    _, dataset = opened(tmp_path, german(tmp_path / "auftraege.csv"))
    table = dataset.file.tables.ledger
    assert (table.delimiter, table.decimal, table.date_format) == (";", ",", "%d.%m.%Y")
    assert table.columns["customer_id"] == "Kunden-Nr."
    assert dataset.file.currency == "EUR"
    assert dataset.ledger.audit.amount_kept == sum(Decimal(str(x)) for x in orders()["how_much"])
    assert dataset.ledger.as_of == date(2025, 7, 2)


def test_a_korean_export_in_cp949(tmp_path):
    frame = orders().set_axis(["고객번호", "주문일자", "매출액(원)", "주문번호"], axis=1)
    frame["고객명"] = [f"주식회사 테스트{i % 7}" for i in range(60)]
    frame["주문일자"] = frame["주문일자"].dt.strftime("%Y/%m/%d")
    frame["매출액(원)"] = frame["매출액(원)"].map(lambda x: f"{x:.2f}".replace(".", ","))
    path = tmp_path / "매출내역.csv"
    path.write_bytes(frame.to_csv(index=False, sep=";").encode("cp949"))
    made, dataset = opened(tmp_path, path)
    assert (dataset.name, dataset.file.currency, dataset.file.language) == ("매출내역", "KRW", "ko")
    table = dataset.file.tables.ledger
    assert table.encoding.lower().replace("-", "") in ("cp949", "euckr", "uhc")
    assert (table.delimiter, table.decimal) == (";", ",")
    assert table.columns["amount"] == "매출액(원)"
    assert dataset.ledger.audit.amount_kept == sum(Decimal(str(x)) for x in orders()["how_much"])
    assert sorted(set(dataset.ledger.table.customer_id.execute())) == [f"{i:05}" for i in range(7)]
    assert not made.questions


@pytest.mark.parametrize(
    ("encoding", "names", "language"),
    [
        ("gb18030", ["客户编号", "订单日期", "销售金额", "订单号"], "zh"),
        ("cp932", ["得意先コード", "受注日", "売上金額", "伝票番号"], "ja"),
        ("utf-8-sig", ["Código de cliente", "Fecha", "Importe neto", "Nº pedido"], "en"),
        ("utf-8", ["N° client", "Date facture", "Montant HT", "N° commande"], "en"),
    ],
)
def test_other_languages_and_encodings(tmp_path, encoding, names, language):
    frame = orders().set_axis(names, axis=1)
    frame["備考" if encoding == "cp932" else "x"] = (
        "株式会社の受注です" if encoding == "cp932" else "客户名称公司" if language == "zh" else "é"
    )
    path = tmp_path / "f.csv"
    path.write_bytes(frame.to_csv(index=False).encode(encoding))
    _, dataset = opened(tmp_path, path)
    assert dataset.file.tables.ledger.columns["customer_id"] == names[0]
    assert dataset.file.language == language
    assert dataset.ledger.audit.n_rows_kept == 60


def test_excel_with_the_table_on_the_second_sheet(tmp_path):
    path = tmp_path / "report.xlsx"
    with pd.ExcelWriter(path) as writer:
        pd.DataFrame({"Read me": ["Sales report"]}).to_excel(writer, sheet_name="Info", index=False)
        frame = orders().set_axis(["Customer No", "Order Date", "Net Amount", "Order No"], axis=1)
        frame.to_excel(writer, sheet_name="#1 'lines', net", index=False, startrow=3)
    _, dataset = opened(tmp_path, path)
    table = dataset.file.tables.ledger
    assert (table.sheet, table.header_row) == ("#1 'lines', net", 4)
    assert dataset.ledger.audit.n_rows_kept == 60
    assert sorted(set(dataset.ledger.table.customer_id.execute()))[0] == "00000"


def years_and_accounts(path):
    """A workbook as it is kept in offices: a sheet per year with heads in other rows, one of accounts, one of remarks."""
    frame = orders().set_axis(["Customer No", "Order Date", "Net Amount", "Order No"], axis=1)
    accounts = pd.DataFrame(
        {"Customer No": [f"{i:05}" for i in range(7)], "Name": [f"Firm {i}" for i in range(7)], "Industry": "food"}
    )
    with pd.ExcelWriter(path) as writer:
        frame[:25].to_excel(writer, sheet_name="2024", index=False)
        accounts.to_excel(writer, sheet_name="Customers", index=False)
        frame[25:].to_excel(writer, sheet_name="2025", index=False, startrow=2)
        pd.DataFrame({"Remark": ["paid late"], "By": ["Kim"]}).to_excel(writer, sheet_name="Remarks", index=False)
    return frame


def test_excel_with_a_sheet_per_year_and_one_of_accounts(tmp_path):
    frame = years_and_accounts(tmp_path / "sales.xlsx")
    made, dataset = opened(tmp_path, tmp_path / "sales.xlsx")
    tables = dataset.file.tables
    assert tables.ledger.sheet == ["2024", "2025"] and tables.accounts.sheet == "Customers"
    assert dataset.ledger.audit.n_rows_kept == 60
    assert dataset.ledger.audit.amount_kept == sum(Decimal(str(x)) for x in frame["Net Amount"].round(2))
    assert dataset.accounts.loc[0, "name"] == "Firm 0"
    assert any("Remarks" in guess and "not read" in guess for guess in made.guesses)


def test_sheets_with_other_columns_are_refused_by_name(tmp_path):
    years_and_accounts(tmp_path / "sales.xlsx")
    path = draft(tmp_path, tmp_path / "sales.xlsx").write()
    path.write_text(path.read_text().replace("sheet: ['2024', '2025']", "sheet: ['2024', Customers]"))
    with pytest.raises(KamError, match="Customers"):
        open_dataset(path).ledger  # noqa: B018


@pytest.mark.parametrize("sheet", [[], [0]])
def test_no_sheet_is_refused(sheet):
    with pytest.raises(ParameterError, match="sheet"):
        ReadOptions(sheet=sheet)


@pytest.mark.parametrize("twice", ["['2024', '2024']", "['2024', 1]"])
def test_a_sheet_is_not_read_twice(tmp_path, twice):
    years_and_accounts(tmp_path / "sales.xlsx")
    path = draft(tmp_path, tmp_path / "sales.xlsx").write()
    path.write_text(path.read_text().replace("sheet: ['2024', '2025']", f"sheet: {twice}"))
    with pytest.raises(ParameterError, match="named twice"):
        open_dataset(path).ledger  # noqa: B018


def test_parquet(tmp_path):
    frame = orders().set_axis(["CustomerKey", "OrderDateKey", "SalesAmount", "SalesOrderNumber"], axis=1)
    frame.to_parquet(tmp_path / "fact.parquet")
    made, dataset = opened(tmp_path, tmp_path / "fact.parquet")
    assert dataset.ledger.audit.n_rows_kept == 60
    assert "encoding" not in made.text.replace("# ", "")
    assert dataset.file.tables.ledger.columns["customer_id"] == "CustomerKey"


def test_compressed_text_and_a_glob(tmp_path):
    frame = orders().set_axis(["customer_id", "order_date", "amount", "order_id"], axis=1)
    for part, rows in (("a", frame[:30]), ("b", frame[30:])):
        with gzip.open(tmp_path / f"sales_{part}.csv.gz", "wt", encoding="utf-8") as file:
            rows.to_csv(file, index=False)
    made, dataset = opened(tmp_path, str(tmp_path / "sales_*.csv.gz"), name="both")
    assert "ledger: 2 files from sales_a.csv.gz to sales_b.csv.gz (text, utf-8, comma)" in made.guesses
    assert dataset.ledger.audit.n_rows_kept == 60


def test_quantity_times_price(tmp_path):
    frame = (
        orders().assign(qty=2, unit=1.25).set_axis(["Customer", "Date", "x", "Invoice", "Quantity", "Price"], axis=1)
    )
    frame.drop(columns="x").to_csv(tmp_path / "lines.csv", index=False)
    made, dataset = opened(tmp_path, tmp_path / "lines.csv")
    assert "quantity × unit_price is taken" in made.text
    assert dataset.ledger.audit.amount_kept == Decimal(150)


def test_several_files_find_their_tables(tmp_path):
    german(tmp_path / "a.csv")
    ids = [f"{i:05}" for i in range(7)]
    pd.DataFrame({"KdNr": ids, "Kundenname": [f"Firma {i}" for i in ids], "Branche": "x"}).to_csv(
        tmp_path / "b.csv", index=False
    )
    pd.DataFrame(
        {"Teilnehmer": range(30), "Welle": "2025", "KdNr": [ids[i % 7] for i in range(30)],
         "Lieferung": [i % 5 + 1 for i in range(30)], "Preis": [(i * 2) % 5 + 1 if i % 6 else 9 for i in range(30)],
         "Weiterempfehlung": [i % 11 for i in range(30)]}
    ).to_csv(tmp_path / "c.csv", index=False)  # fmt: skip
    pd.DataFrame({"Kundennummer": ids, "Datum": "2025-01-05", "Art": ["visit", "complaint"] * 3 + ["lost"]}).to_csv(
        tmp_path / "d.csv", index=False
    )
    _, dataset = opened(tmp_path, *(tmp_path / f"{name}.csv" for name in "dcba"), name="x")
    sources = {name: getattr(dataset.file.tables, name).source for name in dataset.tables}
    assert sources == {"ledger": "a.csv", "accounts": "b.csv", "survey": "c.csv", "events": "d.csv"}
    assert dataset.accounts["name"].tolist()[0] == "Firma 00000"
    assert dataset.events["kind"].tolist()[-1] == "lost"
    assert [item.name for item in dataset.file.tables.survey.items] == ["Lieferung", "Preis"]
    assert dataset.file.tables.survey.no_answer == (9,)
    assert dataset.survey["Preis"].isna().sum() == 5
    assert dataset.survey["recommend"].max() == 10


def test_names_that_yaml_could_take_for_something_else(tmp_path):
    odd = ["Customer: # no 'x' \"y\"", "- Date", "{Amount}, [EUR] & *", "yes"]
    orders().set_axis(odd, axis=1).to_csv(tmp_path / "odd name's: #1.csv", index=False)
    made, dataset = opened(tmp_path, tmp_path / "odd name's: #1.csv")
    assert list(dataset.file.tables.ledger.columns.values())[:3] == odd[:3]
    assert dataset.ledger.audit.n_rows_kept == 60
    assert dataset.file.tables.ledger.source == "odd name's: #1.csv"
    assert yaml.safe_load(made.text)["tables"]["ledger"]["columns"]["customer_id"] == odd[0]


def test_no_name_or_value_leaves_its_comment(tmp_path):
    frame = orders().set_axis(["customer_id", "order_date", "amount", "order_id"], axis=1)
    frame["x\nname: evil\n\u2028title: evil"] = "y\nlanguage: zh"
    frame["product_id"] = ["p1"] * 59 + ["\nname: evil"]
    frame.to_parquet(tmp_path / "f.parquet")
    made, dataset = opened(tmp_path, tmp_path / "f.parquet")
    assert (dataset.name, dataset.file.title, dataset.file.language) == ("f", None, "en")
    assert not any(line.startswith(("name: evil", "title", "language: zh")) for line in made.text.splitlines())


def test_what_cannot_be_guessed_is_a_question_and_a_line_to_fill_in(tmp_path):
    frame = orders().assign(other=list("abcdefghijkl") * 5, then=DAYS).set_axis(["a", "b", "c", "d", "e", "f"], axis=1)
    frame.to_csv(tmp_path / "x.csv", index=False)
    made = draft(tmp_path, tmp_path / "x.csv")
    assert any("order_date (when it was ordered" in question for question in made.questions)
    assert "# order_date: …  # QUESTION" in made.text
    with pytest.raises(Exception, match="order_date"):
        _ = open_dataset(made.write()).ledger


def test_dates_that_can_be_read_in_two_ways_are_a_question(tmp_path):
    frame = orders().set_axis(["customer", "date", "amount", "order"], axis=1)
    frame["date"] = [f"{i % 12 + 1:02}/{i % 11 + 1:02}/2025" for i in range(60)]
    frame.to_csv(tmp_path / "x.csv", index=False)
    made = draft(tmp_path, tmp_path / "x.csv")
    assert "# date_format: …  # QUESTION" in made.text
    assert any("date_format" in question for question in made.questions)


def test_a_sign_that_means_several_currencies_is_a_question(tmp_path):
    frame = orders().set_axis(["customer", "date", "amount", "order"], axis=1)
    frame["amount"] = frame["amount"].map(lambda x: f"${x:.2f}")
    frame.to_csv(tmp_path / "x.csv", index=False)
    made = draft(tmp_path, tmp_path / "x.csv")
    assert "currency: null" in made.text
    assert any("USD or CAD" in question for question in made.questions)


def test_a_column_called_like_another_does_not_slip_in(tmp_path):
    frame = orders().set_axis(["customer_id", "order_date", "amount", "order_id"], axis=1)
    frame["cost"] = "n/a"
    frame.to_csv(tmp_path / "x.csv", index=False)
    _, dataset = opened(tmp_path, tmp_path / "x.csv")
    assert dataset.file.tables.ledger.columns["cost"] is None
    assert "cost" not in dataset.ledger.columns


def test_codes_that_are_no_products_are_pointed_at(tmp_path):
    frame = orders().set_axis(["customer_id", "order_date", "amount", "order_id"], axis=1)
    frame["product_id"] = ["POST", "Bank fee"] + [f"{i % 9}a" for i in range(58)]
    frame.to_csv(tmp_path / "x.csv", index=False)
    made, dataset = opened(tmp_path, tmp_path / "x.csv")
    assert "non_product_codes: [Bank fee, POST]" in made.text
    assert dataset.file.cleaning.non_product_codes == (), "it is only said"


def test_every_guess_has_its_reason(tmp_path):
    made = draft(tmp_path, german(tmp_path / "a.csv"))
    for part in (
        "customer_id: Kunden-Nr. (by its name; 7 different)",
        "order_date: Auftragsdatum (by its name; 2025-01-06 to 2025-07-02)",
    ):
        assert part in made.guesses
    assert any("6 negative" in guess for guess in made.guesses)
    assert "ledger: a.csv (text, cp1252, semicolon)" in made.guesses
    for line in made.text.splitlines():
        if line.startswith("      ") and ":" in line and not line.strip().startswith("#"):
            assert "#" in line, line


def test_sources_are_named_from_where_the_file_will_lie(tmp_path):
    frame = orders().set_axis(["customer_id", "order_date", "amount", "order_id"], axis=1)
    frame.to_csv(tmp_path / "x.csv", index=False)
    inside = tmp_path / "data" / "x"
    inside.mkdir(parents=True)
    made = draft_dataset(tmp_path / "x.csv", folder=inside)
    assert open_dataset(made.write()).file.tables.ledger.source == "../../x.csv"
    with pytest.raises(ParameterError, match="another folder"):
        made.write(tmp_path / "dataset.yaml")


def test_a_file_that_is_there_is_never_written_over(tmp_path):
    made = draft(tmp_path, german(tmp_path / "a.csv"))
    path = made.write()
    path.write_text("mine")
    with pytest.raises(DatasetError, match="not written over"):
        made.write()
    assert path.read_text() == "mine"
    assert made.write(tmp_path / "other.yaml").name == "other.yaml"


@pytest.mark.parametrize(
    ("files", "kind", "fragment"),
    [
        ([], ParameterError, "No file is given"),
        (["a.csv", "./a.csv"], ParameterError, "given twice"),
        (["none.csv"], UnreadableFileError, "none.csv"),
        (["."], UnreadableFileError, ""),
        (["empty.csv"], EmptyDataError, "empty.csv"),
        (["head.csv"], EmptyDataError, "head.csv"),
        (["broken.parquet"], UnreadableFileError, "broken.parquet"),
    ],
)
def test_what_is_no_file_of_data_is_a_named_error(tmp_path, monkeypatch, files, kind, fragment):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("customer_id,order_date,amount\n1,2025-01-01,1\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "head.csv").write_text("customer_id,order_date,amount\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no PAR1")
    with pytest.raises(kind) as caught:
        draft_dataset(*files)
    assert fragment in str(caught.value)


@pytest.mark.parametrize("text", ["My Company, Ltd.", "매출 2025", "...", "a" * 99, "-x_.", "é́́.csv", "한글"])
def test_the_name_is_one_that_a_dataset_may_have(text):
    name = name_dataset(text)
    assert parse_dataset_file(f"name: '{name}'\ntables: {{ledger: {{source: x}}}}", where="").name == name
