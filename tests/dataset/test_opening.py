from datetime import date
from pathlib import Path

import pandas as pd
import pytest

import kam
from kam.dataset import open_dataset
from kam.errors import DataError, DatasetError, EmptyDataError, MissingColumnError, UnreadableFileError

# -- finding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inside", ["", "data", "data/small", "notebooks/deep/down"])
def test_a_name_is_found_from_any_folder_below(small, inside):
    start = small.folder.parents[1] / inside
    start.mkdir(parents=True, exist_ok=True)
    assert open_dataset("small", start=start).path.samefile(small.path)


def test_the_nearest_folder_counts(small, tmp_path):
    nearer = tmp_path / "project" / "data" / "small"
    nearer.mkdir(parents=True)
    (nearer / "dataset.yaml").write_text("name: nearer\ntables: {ledger: {source: x.csv}}\n")
    assert open_dataset("small", start=tmp_path / "project").name == "nearer"
    assert open_dataset("small", start=tmp_path).name == "small"


def test_the_working_folder_is_where_the_search_begins(small, monkeypatch):
    monkeypatch.chdir(small.folder)
    assert open_dataset("small").name == "small"
    assert open_dataset(".").name == "small"
    assert open_dataset("dataset.yaml").name == "small"


@pytest.mark.parametrize(
    "path", [lambda s: s.path, lambda s: s.folder, lambda s: str(s.path), lambda s: f"{s.folder}/"]
)
def test_a_path_is_a_file_or_its_folder(small, path):
    assert open_dataset(path(small)).name == "small"


def test_a_relative_path_begins_at_start(small):
    assert open_dataset("data/small", start=small.folder.parents[1]).name == "small"


def test_the_sample_is_found_from_anywhere(tmp_path):
    dataset = open_dataset("sample", start=tmp_path)
    assert dataset.name == "sample"
    assert dataset.path.name == "dataset.yaml"


def test_the_package_carries_the_sample(tmp_path, monkeypatch):
    from kam.dataset import opening

    package = tmp_path / "site-packages" / "kam"
    (package / "_sample").mkdir(parents=True)
    (package / "_sample" / "dataset.yaml").write_text("name: sample\ntables: {ledger: {source: x.csv}}\n")
    monkeypatch.setattr(opening, "_PACKAGE", package)
    assert open_dataset("sample", start=tmp_path).path == package / "_sample" / "dataset.yaml"
    with pytest.raises(DatasetError, match="Datasets there: sample"):
        open_dataset("other", start=tmp_path)


def test_an_unknown_name_lists_what_is_there_and_where_was_looked(small):
    with pytest.raises(DatasetError) as caught:
        open_dataset("smal", start=small.folder)
    text = str(caught.value)
    assert "There is no dataset 'smal'" in text
    assert str(small.folder.parent) in text
    assert "Did you mean 'small'?" in text
    assert "Datasets there: small" in text


def test_nothing_there_says_how_to_begin(tmp_path, monkeypatch):
    from kam.dataset import opening

    monkeypatch.setattr(opening, "_PACKAGE", tmp_path / "elsewhere" / "kam")
    with pytest.raises(DatasetError, match=r"No dataset is there. `kam init FILE`"):
        open_dataset("x", start=tmp_path)


@pytest.mark.parametrize(
    ("given", "fragment"),
    [
        ("no/such/dataset.yaml", "There is no 'no/such/dataset.yaml'"),
        ("data/smal", "Did you mean 'small'?"),
        ("./data", "has no dataset.yaml"),
        ("data/small/ledger.csv", "`kam init ledger.csv`"),
        ("", "needs a name or a path"),
        ("a\0b", "neither a name nor a path"),
        ("x" * 5000, "There is no dataset"),
        (None, "needs a name or a path"),
        (7, "needs a name or a path"),
    ],
)
def test_what_is_no_dataset_is_a_named_error(small, given, fragment):
    with pytest.raises(DatasetError) as caught:
        open_dataset(given, start=small.folder.parents[1])
    assert fragment in str(caught.value)


@pytest.mark.parametrize("given", ["a/" + "x" * 5000, "~nobody_at_all/x", "loop/x.yaml"])
def test_what_cannot_be_looked_for_is_a_named_error(tmp_path, given):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(DataError):
        open_dataset(given, start=tmp_path)


def test_a_file_of_another_name_is_pointed_at(small):
    small.path.rename(small.folder / "dataset.yml")
    with pytest.raises(DatasetError, match=r"There is dataset.yml: rename it"):
        open_dataset(small.folder)
    assert open_dataset(small.folder / "dataset.yml").name == "small"


def test_a_wrong_file_is_named(small):
    small.change("dataset.yaml", "EUR", "euro")
    with pytest.raises(DatasetError, match=r"currency \(line 3\) is 'euro'"):
        open_dataset(small.path)


# -- what it says ----------------------------------------------------------------------------------------------------


def test_it_knows_what_the_file_says(small):
    dataset = open_dataset(small.path)
    assert (dataset.name, dataset.title, dataset.path) == ("small", "A small dataset", small.path)
    assert dataset.tables == ("ledger", "accounts", "survey")
    assert dataset.criteria[0].name == "ability"
    assert dataset.assumptions.discount_rate is None
    assert dataset.cleaning.duplicates
    assert repr(dataset).startswith("Dataset 'small': ledger, accounts, survey")


def test_opening_reads_no_table(small):
    for name in ("ledger", "accounts", "survey"):
        (small.folder / f"{name}.csv").unlink()
    assert open_dataset(small.path).name == "small"


def test_context_tells_results_where_they_come_from(small):
    context = open_dataset(small.path).context
    assert (context.dataset, context.title, context.currency, context.language) == (
        "small",
        "A small dataset",
        "EUR",
        "en",
    )
    assert context.as_of == date(2025, 3, 31)
    assert context.fingerprint
    assert isinstance(context, kam.Context)


def test_the_currency_may_stand_in_the_ledger(small):
    small.change("dataset.yaml", "currency: EUR\n", "")
    text = (small.folder / "ledger.csv").read_text().replace(",x\n", ",KRW\n").replace("note", "currency")
    (small.folder / "ledger.csv").write_text(text)
    assert open_dataset(small.path).context.currency == "KRW"


# -- the ledger ------------------------------------------------------------------------------------------------------


def test_the_ledger_is_opened_as_the_file_says(small):
    small.change("dataset.yaml", "{source: ledger.csv}", "{source: ledger.csv, columns: {product_id: null}}")
    small.change("dataset.yaml", "as_of: 2025-03-31", "as_of: 2025-03-15\ncleaning: {duplicates: false}")
    dataset = open_dataset(small.path)
    assert dataset.ledger is dataset.ledger
    assert dataset.ledger.as_of == date(2025, 3, 15)
    assert set(dataset.ledger.columns) == {"customer_id", "order_date", "amount", "order_id"}
    assert dataset.ledger.audit.n_rows_kept == 4
    assert set(dataset.ledger.table.customer_id.execute()) == {"001", "002"}
    assert dataset.ledger.audit.rules.set_index("rule").loc["exact duplicates", "action"] == "switched off"


def test_a_glob_lies_in_the_folder_even_if_that_is_called_like_one(small, tmp_path):
    odd = tmp_path / "a [1] *"
    small.folder.rename(odd)
    (odd / "ledger.csv").rename(odd / "ledger_1.csv")
    (odd / "ledger_2.csv").write_text(
        "customer_id,order_date,amount,order_id,product_id,note\n009,2025-03-01,1,b1,p1,x\n"
    )
    path = odd / "dataset.yaml"
    path.write_text(path.read_text().replace("source: ledger.csv", "source: 'ledger_*.csv'"))
    assert open_dataset(path).ledger.audit.n_rows_kept == 6


def test_without_a_ledger_its_use_is_a_named_error(small):
    small.change("dataset.yaml", "  ledger: {source: ledger.csv}\n", "")
    dataset = open_dataset(small.path)
    with pytest.raises(DatasetError, match="has no ledger"):
        _ = dataset.ledger
    assert dataset.as_of == date(2025, 3, 31)
    assert dataset.context.fingerprint
    small.change("dataset.yaml", "as_of: 2025-03-31\n", "")
    assert open_dataset(small.path).as_of == date(2025, 11, 1)


def test_a_missing_file_is_named(small):
    (small.folder / "ledger.csv").unlink()
    with pytest.raises(UnreadableFileError, match=r"ledger\.csv"):
        _ = open_dataset(small.path).ledger


# -- the tables ------------------------------------------------------------------------------------------------------


def test_accounts_have_their_types(small):
    accounts = open_dataset(small.path).accounts
    expected = pd.DataFrame(
        {
            "customer_id": ["001", "002", "003"],
            "name": ["Größe GmbH", "株式会社テスト", '<b>O\'Neill | "Co"</b>'],
            "parent_id": [None, "001", "001"],
            "since": pd.to_datetime(["2020-05-01", "2021-06-30", None]),
            "credit_limit": [1000.5, None, 0],
            "ability": [4.0, 5.0, 1.0],
        }
    )
    pd.testing.assert_frame_equal(accounts, expected, check_dtype=False)
    assert str(accounts["customer_id"].dtype) == "str"
    assert accounts["credit_limit"].dtype == "float64"


def test_a_frame_is_the_callers_own(small):
    dataset = open_dataset(small.path)
    mine = dataset.accounts
    mine.loc[0, "name"] = "changed"
    assert dataset.accounts.loc[0, "name"] == "Größe GmbH"


def test_the_survey_is_wide_and_its_answers_are_tidy(small):
    dataset = open_dataset(small.path)
    survey = dataset.survey
    assert survey["wave"].tolist() == ["2024", "2024", "2025"]
    assert survey["recommend"].tolist() == [10, 8, 9]
    assert survey["delivery"].isna().tolist() == [False, True, True]
    answers = dataset.answers.set_index(["item", "respondent_id", "wave"])
    assert answers.loc[("delivery", "r2", "2024"), "status"] == "not applicable"
    assert answers.loc[("price", "r2", "2024"), "status"] == "no answer"
    assert answers.loc[("delivery", "r1", "2025"), "status"] == "blank"
    assert answers.loc[("recommend", "r2", "2024")].tolist() == [8, "answered"]
    assert len(answers) == 3 * 4


def test_tables_that_are_not_there_are_none(small):
    dataset = open_dataset(small.path)
    for name in ("contacts", "sample", "events", "targets", "overrides", "programmes", "external"):
        assert getattr(dataset, name) is None
    small.change("dataset.yaml", (text := small.path.read_text())[text.index("  survey:") :], "")
    assert open_dataset(small.path).survey is None
    assert open_dataset(small.path).answers is None


def test_every_other_table_is_read(small):
    small.add(
        "contacts",
        "customer_id,contact_id,influence,support,decides,last_met\n001,1,5,-2,yes,2025-01-01\n001,2,1,2,no,\n",
    )
    small.add(
        "sample",
        "customer_id,wave,probability,certainty,status\n001,2024,1,true,answered\n002,2024,0.25,false,refused\n",
    )
    small.add("events", "customer_id,date,kind,reason\n001,2025-01-01,Complaint,late\n002,2025-02-01,lost,price\n")
    small.add("targets", "customer_id,period,revenue_target\n001,2025-Q1,1000\n001,2025-Q2,1100.5\n")
    small.add("overrides", "customer_id,tier,reason,set_on,until\n001,A,reference,2025-01-01,\n")
    small.add(
        "programmes",
        "programme,from_state,to_state,effect,effect_sd,source,cost\nvisit,A,lost,-0.01,0.005,Judged,100\n",
    )
    small.add("external", "series,month,value,region\npmi,2025-01,51.5,\npmi,2025-02,50,\npmi,2025-01,49,north\n")
    dataset = open_dataset(small.path)
    assert dataset.contacts["decides"].tolist() == [True, False]
    assert dataset.contacts["support"].tolist() == [-2, 2]
    assert dataset.sample["certainty"].tolist() == [True, False]
    assert dataset.events["kind"].tolist() == ["complaint", "lost"]
    assert dataset.targets["period"].tolist() == [pd.Timestamp("2025-01-01"), pd.Timestamp("2025-04-01")]
    assert dataset.targets["freq"].tolist() == ["quarter", "quarter"]
    assert dataset.overrides["set_on"].tolist() == [pd.Timestamp("2025-01-01")]
    assert dataset.programmes["source"].tolist() == ["judged"]
    assert dataset.external["month"].tolist()[1] == pd.Timestamp("2025-02-01")
    assert dataset.warnings == []


@pytest.mark.parametrize(
    ("name", "old", "new", "kind", "fragments"),
    [
        ("accounts", "\n002,", "\n001,", DataError, ["customer_id has to be different", "'001' in rows 2 and 3", "accounts.csv"]),
        ("accounts", "\n002,", "\n,", DataError, ["customer_id is empty in row 3"]),
        ("accounts", ",5\n", ",6\n", DataError, ["ability is out of range in row 3 ('6'). Allowed: 1 to 5."]),
        ("accounts", "1000.50", "-1", DataError, ["credit_limit is out of range in row 2 ('-1')"]),
        ("accounts", "GmbH,,", "GmbH,003,", DataError, ["Parents go round in a circle: '001' → '003' → '001'"]),
        ("accounts", "customer_id", "Kunde", MissingColumnError, ["needs a column 'customer_id'", "tables.accounts.columns"]),
        ("accounts", "ability", "abilty", MissingColumnError, ["needs a column 'ability'", "Did you mean 'abilty'?"]),
        ("survey", ",4,2,", ",6,2,", DataError, ["delivery is out of range in row 2 ('6'). Allowed: 1 to 5."]),
        ("survey", ",5,10,", ",5,11,", DataError, ["recommend is out of range in row 2 ('11'). Allowed: 0 to 10."]),
        ("survey", "r1,2025", "r1,2024", DataError, ["respondent_id + wave has to be different", "rows 2 and 4"]),
        ("survey", "1,4,9", "0,4,9", DataError, []),
        ("survey", "price", "prize", MissingColumnError, ["needs a column 'price'", "Did you mean 'prize'?"]),
        ("survey", "segment", "segm", MissingColumnError, ["needs a column 'segment'"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_table_is_named(small, name, old, new, kind, fragments):
    if fragments:
        small.change(f"{name}.csv", old, new)
    else:
        small.change("survey.csv", "1.5,4", "0,4")
        fragments = ["weight is out of range in row 4 ('0'). Allowed: above 0."]
    dataset = open_dataset(small.path)
    with pytest.raises(kind) as caught:
        getattr(dataset, name)
    for fragment in fragments:
        assert fragment in str(caught.value)


@pytest.mark.parametrize(
    ("table", "text", "fragment"),
    [
        (
            "events",
            "customer_id,date,kind\n001,2025-01-01,party\n",
            "kind is out of range in row 2 ('party'). Allowed: complaint",
        ),
        (
            "events",
            "customer_id,date,kind\n001,soon,visit\n001,2025-01-01,visit\n",
            "date cannot be read as a date in row 2 ('soon')",
        ),
        (
            "contacts",
            "customer_id,contact_id,influence\n001,1,9\n",
            "influence is out of range in row 2 ('9'). Allowed: 1 to 5.",
        ),
        ("contacts", "customer_id,contact_id\n001,1\n001,1\n", "customer_id + contact_id has to be different"),
        ("sample", "customer_id,wave,probability\n001,1,0\n", "probability is out of range"),
        (
            "targets",
            "customer_id,period,revenue_target\n001,2025-Q5,1\n",
            "period cannot be read as a month in row 2 ('2025-Q5')",
        ),
        (
            "overrides",
            "customer_id,tier,reason,set_on,until\n001,A,x,2025-02-01,2025-01-01\n",
            "until is before set_on in row 2",
        ),
        (
            "programmes",
            "programme,from_state,to_state,effect,effect_sd,source,cost\nv,A,B,0.1,0.1,guess,1\n",
            "experiment, judged",
        ),
        ("external", "series,month,value\npmi,2025-01,1\npmi,2025-01,2\n", "series + month has to be different"),
    ],
)
def test_what_is_wrong_with_other_tables_is_named(small, table, text, fragment):
    small.add(table, text)
    with pytest.raises(DataError) as caught:
        getattr(open_dataset(small.path), table)
    assert fragment in str(caught.value)
    assert f"{table}.csv" in str(caught.value)


@pytest.mark.parametrize(("content", "kind"), [("", EmptyDataError), ("customer_id,name\n", EmptyDataError)])
def test_an_empty_table_is_named(small, content, kind):
    (small.folder / "accounts.csv").write_text(content)
    with pytest.raises(kind, match=r"accounts\.csv"):
        _ = open_dataset(small.path).accounts


def test_columns_map_to_other_names(small):
    small.change("accounts.csv", "customer_id,name", "Kd: Nr.,'Name'")
    small.change(
        "dataset.yaml",
        "accounts.csv}",
        "accounts.csv, columns: {customer_id: 'Kd: Nr.', name: \"'Name'\", since: null}}",
    )
    accounts = open_dataset(small.path).accounts
    assert accounts["customer_id"].tolist() == ["001", "002", "003"]
    assert "since" not in accounts.columns


def test_a_column_that_is_named_has_to_be_there(small):
    small.change("dataset.yaml", "accounts.csv}", "accounts.csv, columns: {name: Nmae}}")
    with pytest.raises(
        MissingColumnError, match=r"tables.accounts.columns.name names the column 'Nmae'.*Did you mean 'name'\?"
    ):
        _ = open_dataset(small.path).accounts


def test_a_survey_may_be_long(small):
    (small.folder / "survey.csv").write_text(
        "respondent_id,wave,segment,item,answer\nr1,1,big,delivery,5\nr1,1,big,price,8\nr1,1,big,recommend,8\n"
        "r2,1,small,delivery,1\n"
    )
    small.change("dataset.yaml", "source: survey.csv", "source: survey.csv\n    form: long")
    dataset = open_dataset(small.path)
    assert dataset.survey["delivery"].tolist() == [5, 1]
    assert dataset.survey["recommend"].tolist()[0] == 8
    answers = dataset.answers.set_index(["item", "respondent_id"])["status"]
    assert answers["price"].to_dict() == {"r1": "not applicable", "r2": "blank"}


def test_what_is_read_as_missing_is_told(small):
    small.change("accounts.csv", "1000.50", "n.a.?")
    dataset = open_dataset(small.path)
    assert dataset.accounts["credit_limit"].isna().tolist() == [True, True, False]
    assert dataset.warnings == [
        "accounts: credit_limit cannot be read as a sum of money in row 2 ('n.a.?'); these count as missing."
    ]


# -- fingerprint and what is missing ---------------------------------------------------------------------------------


def fingerprint(small):
    return open_dataset(small.path).fingerprint


def test_the_same_data_have_the_same_fingerprint_wherever_they_lie(small, tmp_path):
    before = fingerprint(small)
    small.change("dataset.yaml", "title: A small dataset", "# a comment\ntitle: Renamed")
    moved = tmp_path / "moved"
    small.folder.rename(moved)
    assert open_dataset(moved).fingerprint == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("accounts.csv", "Größe", "Groesse"),
        ("survey.csv", "2024,002", "2024,003"),
        ("dataset.yaml", "currency: EUR", "currency: EUR\ncleaning: {zero_amounts: false}"),
        ("dataset.yaml", "reversed: true", "reversed: false"),
    ],
)
def test_other_data_or_another_meaning_have_another_fingerprint(small, name, old, new):
    small.change("dataset.yaml", "  ledger: {source: ledger.csv}\n", "")
    before = fingerprint(small)
    small.change(name, old, new)
    assert fingerprint(small) != before


def test_another_ledger_has_another_fingerprint(small):
    before = fingerprint(small)
    small.change("ledger.csv", "70.50", "70.51")
    assert fingerprint(small) != before


def test_what_a_report_could_not_do_is_a_line_each(small):
    lines = open_dataset(small.path).unavailable
    assert "Without contacts: no picture of who decides, and no list of accounts without a supporter." in lines
    assert "Without cost in the ledger: no margin, no whale curve; value is net revenue." in lines
    assert not any(line.startswith(("Without accounts", "Without a survey", "Without products")) for line in lines)
    assert len(lines) == len(set(lines)) == 7 + 3


def test_it_is_the_packages_face():
    assert kam.open_dataset is open_dataset
    assert Path(kam.dataset.__file__).parent.name == "dataset"
