"""Every way to get dataset.yaml wrong, and that the message names the key, the line, what stands there and what may."""

from datetime import date
from decimal import Decimal

import pytest

from kam.dataset.parsing import digest_meaning, parse_dataset_file, read_dataset_file
from kam.dataset.yaml_files import MAX_BYTES
from kam.errors import DatasetError, UnreadableFileError

BASE = "name: x\ntables:\n  ledger:\n    source: a.csv\n"


def parse(text):
    return parse_dataset_file(text, where="dataset.yaml")


def message(text):
    with pytest.raises(DatasetError) as caught:
        parse(text)
    assert "dataset.yaml" in str(caught.value)
    assert "pydantic" not in str(caught.value)
    return str(caught.value)


def test_least_that_is_needed_has_documented_defaults():
    file = parse(BASE)
    assert (file.name, file.title, file.currency, file.language, file.time_zone) == ("x", None, None, "en", "UTC")
    assert (file.fiscal_year_start, file.as_of, file.criteria) == (1, None, ())
    assert file.cleaning.duplicates and file.cleaning.zero_amounts and file.cleaning.cancellations
    assert file.cleaning.non_product_codes == () and file.cleaning.ledger_total is None
    assert file.tables.survey is None


def test_all_keys_are_taken_as_written():
    file = parse(
        """
name: sample
title: Packaging, “GmbH”
currency: EUR
language: ko
time_zone: Europe/Berlin
fiscal_year_start: 4
as_of: 2025-12-31
cleaning: {non_product_codes: [007, POST], duplicates: false, ledger_total: 16289973.29}
criteria:
  - {name: management_philosophy, kind: judged, direction: higher, range: [1, 5], weight: 0.1}
assumptions: {discount_rate: 0.08, saving_rate: 0.2, cost_of_visit: 350}
tables:
  ledger: {source: l.csv, columns: {customer_id: N, discount: null}, decimal: ",", delimiter: ;, sheet: 2, header_row: 3}
  accounts: {source: accounts.csv, static: [industry]}
  survey:
    source: s.csv
    level_3: no_opinion
    items: [{name: delivery, text: "On time?", theme: logistics, reversed: false}]
    not_applicable: [8]
    no_answer: [9, k.A.]
"""
    )
    assert file.cleaning.non_product_codes == ("007", "POST")
    assert file.cleaning.ledger_total == Decimal("16289973.29")
    assert file.as_of == date(2025, 12, 31)
    assert file.criteria[0].range == (1, 5)
    assert file.judged == ("management_philosophy",)
    assert file.tables.ledger.columns == {"customer_id": "N", "discount": None}
    assert (file.tables.ledger.decimal, file.tables.ledger.sheet, file.tables.ledger.header_row) == (",", 2, 3)
    assert file.tables.survey.no_answer == (9, "k.A.")
    assert file.columns_of("accounts")[-1] == "management_philosophy"
    assert file.columns_of("survey")[-1] == "delivery"


def test_judged_criteria_need_accounts():
    assert "no table accounts" in message(BASE + "criteria: [{name: a, kind: judged}]\n")


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        # -- values
        ("currency: Eur", ["currency (line 5) is 'Eur'", "Did you mean 'EUR'?", "ISO 4217"]),
        ("currency: €", ["Did you mean 'EUR'?"]),
        ("currency: 5", ["currency (line 5) is '5'", "text", "quotes"]),
        ("language: de", ["language (line 5) is 'de'", "'en', 'zh', 'ko', 'ja'"]),
        ("language: no", ["language (line 5) is 'no'", "'en', 'zh', 'ko', 'ja'"]),
        ("time_zone: Berlin", ["Did you mean 'Europe/Berlin'?", "IANA"]),
        ("time_zone: Europe/Berln", ["Did you mean 'Europe/Berlin'?"]),
        ("as_of: 2025", ["as_of (line 5) is '2025'", "2025-12-31"]),
        ("as_of: 31.12.2025", ["as_of (line 5) is '31.12.2025'", "2025-12-31"]),
        ("as_of: 2025-13-01", ["as_of (line 5) is '2025-13-01'", "a day that exists"]),
        ("as_of: 2025-12-31 10:00:00", ["is no day"]),
        ("fiscal_year_start: 13", ["fiscal_year_start (line 5) is '13'", "up to 12"]),
        ("fiscal_year_start: 0", ["from 1 on"]),
        ("fiscal_year_start: April", ["a whole number"]),
        ("fiscal_year_start: true", ["a whole number"]),
        ("cleaning: yes", ["cleaning (line 5) is 'yes'", "keys with values"]),
        ("cleaning: {duplicates: maybe}", ["cleaning.duplicates (line 5) is 'maybe'", "true or false"]),
        ("cleaning: {duplicates: 1}", ["true or false"]),
        ("cleaning: {non_product_codes: POST}", ["cleaning.non_product_codes (line 5) is 'POST'", "a list"]),
        ("cleaning: {non_product_codes: [7]}", ["cleaning.non_product_codes[0] (line 5) is '7'", "quotes"]),
        ("cleaning: {ledger_total: 1.234.567}", ["cleaning.ledger_total", "without thousands separators"]),
        ("cleaning: {ledger_total: true}", ["cleaning.ledger_total"]),
        ("assumptions: {discount_rate: 8}", ["assumptions.discount_rate (line 5) is '8'", "up to 1"]),
        ("assumptions: {discount_rate: 8%}", ["a number"]),
        ("assumptions: {discount_rate: .nan}", ["a number"]),
        ("assumptions: {accounts_per_manager: 0}", ["above 0"]),
        ("assumptions: {interest: 1}", ["assumptions.interest (line 5) is no key", "discount_rate"]),
        ("criteria: {name: a}", ["criteria (line 5)", "a list"]),
        (
            "criteria: [{name: a, kind: judget}]",
            ["criteria[0].kind (line 5) is 'judget'", "Did you mean 'judged'?", "'measured'"],
        ),
        ("criteria: [{name: a}]", ["criteria[0] (line 5) has no key 'kind'"]),
        ("criteria: [{name: a, kind: measured, range: [5, 1]}]", ["criteria[0].range", "the smaller first"]),
        ("criteria: [{name: a, kind: measured, range: [1, 2, 3]}]", ["criteria[0].range", "a list of 2 values"]),
        ("criteria: [{name: a, kind: measured, weight: -1}]", ["criteria[0].weight (line 5) is '-1'", "from 0 on"]),
        (
            "criteria: [{name: margn, kind: measured}]",
            ["criteria[0].name (line 5) is 'margn'", "Did you mean 'margin'?"],
        ),
        ("criteria: [{name: margin, kind: measured, weight: 0}]", ["criteria (line 5)", "add up to 0"]),
        (
            "criteria: [{name: margin, kind: measured}, {name: margin, kind: measured}]",
            ["criteria[1].name (line 5) is 'margin'", "twice"],
        ),
        (
            "criteria: [{name: region, kind: judged}]",
            ["criteria[0].name (line 5) is 'region'", "a column of the accounts already"],
        ),
        # -- keys
        ("nmae: y", ["nmae (line 5) is no key", "Did you mean 'name'?", "Allowed: name, title"]),
        ("1: 2", ["1 (line 5) is no key"]),
        ("accounts: {source: a.csv}", ["accounts (line 5) is no key", "under tables:"]),
        ("discount_rate: 1", ["under assumptions:"]),
        ("duplicates: true", ["under cleaning:"]),
        ("encoding: utf-8", ["under a table"]),
        ("customer_id: KdNr", ["under columns:"]),
        ("name: y", ["name stands twice, in lines 1 and 5"]),
    ],
)
def test_wrong_key_or_value_is_named(text, fragments):
    found = message(BASE + text + "\n")
    for fragment in fragments:
        assert fragment in found


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        ("encodng: utf-8", ["tables.ledger.encodng (line 5) is no key", "Did you mean 'encoding'?"]),
        ("encoding: ut8", ["tables.ledger.encoding (line 5) is 'ut8'", "Did you mean 'utf-8'?", "cp949"]),
        ("encoding: base64", ["is no encoding"]),
        ("decimal: ;", ["tables.ledger.decimal (line 5) is ';'", "'.', ','"]),
        ("delimiter: |", ["tables.ledger.delimiter (line 5) is empty", "in quotes"]),
        ("delimiter: ab", ["is no delimiter"]),
        ("date_format: dd.mm.yyyy", ["tables.ledger.date_format", "'%d.%m.%Y'"]),
        ("date_format: %d.%m.%Y", ["no YAML", "line 5", "in quotes"]),
        ("sheet: 2.5", ["tables.ledger.sheet (line 5) is '2.5'", "a whole number"]),
        ("header_row: 0", ["tables.ledger.header_row (line 5) is '0'", "from 1 on"]),
        ("columns: [a]", ["tables.ledger.columns (line 5)", "keys with values"]),
        ("columns: {customer_id: 12}", ["tables.ledger.columns.customer_id (line 5) is '12'", "quotes"]),
        (
            "columns: {Kunde: customer_id}",
            ["tables.ledger.columns.Kunde", "write `customer_id: Kunde`", "Allowed: customer_id"],
        ),
        ("columns: {order_data: x}", ["Did you mean 'order_date'?"]),
        ("columns: {customer_id: null}", ["cannot be left out"]),
        ("columns: {amount: a, cost: a}", ["tables.ledger.columns.cost (line 5) is 'a'", "amount already"]),
        ("decimal: ','\n    thousands: ','", ["tables.ledger.thousands", "decimal mark too"]),
        ("decimal: ','\n    delimiter: ','", ["tables.ledger.decimal", "delimiter too"]),
        ("static: [a]", ["tables.ledger.static (line 5) is no key"]),
        ("source: b.csv", ["tables.ledger.source stands twice, in lines 4 and 5"]),
    ],
)
def test_wrong_option_of_a_table_is_named(text, fragments):
    found = message(BASE + f"    {text}\n")
    for fragment in fragments:
        assert fragment in found


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        ("level_3: neutal", ["tables.survey.level_3", "'neutral', 'no_opinion'"]),
        ("form: tall", ["'wide', 'long'"]),
        ("items: q1", ["tables.survey.items (line 6) is 'q1'", "a list"]),
        ("items: [q1]", ["tables.survey.items[0] (line 6) is 'q1'", "keys with values"]),
        ("items: [{text: a}]", ["tables.survey.items[0] (line 6) has no key 'name'"]),
        ("items: [{name: overall}]", ["is a column of the survey already"]),
        ("items: [{name: q}, {name: q}]", ["tables.survey.items[1].name (line 6) is 'q'", "an item already"]),
        ("items: [{name: Overall}]", ["is a column of the survey already"]),
        ("items: [{name: q}, {name: Q}]", ["an item already"]),
        ("items: [{name: ' q'}]", ["without control characters and without spaces at its ends"]),
        ("items: [{name: q}]\n    groups: [q]", ["tables.survey.groups[0] (line 7) is 'q'"]),
        (
            "items: [{name: q}]\n    not_applicable: [5]",
            ["tables.survey.not_applicable[0] (line 7) is '5'", "an answer"],
        ),
        ("not_applicable: [8]\n    no_answer: [8]", ["tables.survey.no_answer[0] (line 7) is '8'", "only one"]),
        ("no_answer: [2.5]", ["tables.survey.no_answer[0]", "a whole number"]),
    ],
)
def test_wrong_option_of_the_survey_is_named(text, fragments):
    found = message(BASE + f"  survey:\n    {text}\n    source: s.csv\n")
    for fragment in fragments:
        assert fragment in found


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("", "The file is empty"),
        ("# only a comment\n", "The file is empty"),
        ("- a\n- b\n", "holds no keys"),
        ("just text", "holds no keys"),
        (BASE + "\tas_of: null", "line 5 is indented with a tab"),
        ("name: x\x00", "U+0000"),
        ("a: " + "[" * 300, "no YAML"),
        (BASE + "a: &x 1\nb: *x\n", "alias"),
        (BASE + "---\nname: y\n", "another document"),
        (BASE + "? [a, b]\n: 2\n", "line 5"),
        (BASE + "currency: !!python/object/apply:os.system [ls]\n", "line 5"),
        ("name: x\n", "no key 'tables'"),
        ("name: x\ntables: {}\n", "neither a ledger nor a survey"),
        ("name: x\ntables: {accounts: {source: a.csv}}\n", "neither a ledger nor a survey"),
        ("name: x\ntables: {ledger: {}}\n", "tables.ledger (line 2) has no key 'source'"),
        ("name: x\ntables: {legder: {source: a}}\n", "Did you mean 'ledger'?"),
        ("tables: {ledger: {source: a}}\n", "no key 'name'"),
        ("name: a/b\ntables: {ledger: {source: a}}\n", "letters, digits, '_', '-' and '.'"),
        ("name: ''\ntables: {ledger: {source: a}}\n", "name (line 1) is empty"),
        ("name:\ntables: {ledger: {source: a}}\n", "name (line 1) is empty"),
        ("name: x\ntables: {ledger: {source: ''}}\n", "a text that is not empty"),
        (
            "name: x\ntables: {accounts: {source: a, static: [industri]}, ledger: {source: b}}\n",
            "Did you mean 'industry'?",
        ),
    ],
)
def test_what_is_no_dataset_is_named(text, fragment):
    assert fragment.lower() in message(text).lower()


@pytest.mark.parametrize(
    "text",
    [
        BASE + "password: hunter2\n",
        BASE + "    api_key: hunter2\n",
        BASE.replace("a.csv", "postgres://me:hunter2@host/db"),
    ],
)
def test_a_secret_is_refused_and_not_repeated(text):
    found = message(text)
    assert "hunter2" not in found
    assert "not belong in dataset.yaml" in found


def test_the_value_of_a_key_that_is_called_like_a_secret_is_not_shown():
    found = message(BASE + "    columns: {password: hunter2}\n")
    assert "tables.ledger.columns.password" in found
    assert "hunter2" not in found


def test_all_that_is_wrong_is_told_at_once_but_not_without_end():
    found = message(BASE + "currency: Eur\nlanguage: de\n" + "".join(f"key{i}: 1\n" for i in range(20)))
    assert "currency (line 5)" in found
    assert "language (line 6)" in found
    assert "And 14 more." in found
    assert len(found) < 3000


def test_a_long_value_is_cut():
    assert "x" * 61 not in message(BASE + f"language: {'x' * 5000}\n")


def test_the_meaning_counts_not_the_layout():
    plain = digest_meaning(parse(BASE))
    assert plain == digest_meaning(
        parse("# c\ntables: {ledger: {'source': \"a.csv\"}}\ntitle: y\nname: x\nlanguage: zh\n")
    )
    assert plain != digest_meaning(parse(BASE + "cleaning: {duplicates: false}\n"))
    assert plain != digest_meaning(parse(BASE + "    columns: {amount: Net}\n"))


def test_reading_from_disk(tmp_path):
    path = tmp_path / "dataset.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + BASE.replace("x", "é").encode())
    assert read_dataset_file(path).name == "é"


@pytest.mark.parametrize(
    ("content", "fragment"),
    [("name: é".encode("latin-1"), "UTF-8"), (BASE.encode("utf-16"), "UTF-8"), (b"#" * (MAX_BYTES + 1), "too large")],
)
def test_a_file_that_is_no_text_is_named(tmp_path, content, fragment):
    path = tmp_path / "dataset.yaml"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=fragment) as caught:
        read_dataset_file(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UnreadableFileError, match="No such file"):
        read_dataset_file(tmp_path / "dataset.yaml")
