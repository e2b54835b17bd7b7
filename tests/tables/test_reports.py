import re
from datetime import date
from decimal import Decimal
from html import unescape

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from kam.errors import MissingColumnError, ParameterError
from kam.results import Assumed, Check, Context, Result
from kam.tables import assumed_table, audit_table, checks_table, notes_list, provenance_table, report_table

EUR = Context(dataset="demo", title="Demo Ltd", currency="EUR", as_of=date(2024, 12, 31), fingerprint="ab12")

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"quotes\" and 'more' & so on",
    "a | b",
    "**bold** _it_ `code` [x](javascript:y)",
    "{{x}} {x} %s",
    "x" * 400,
    "שלום <b>עולם</b> (Ltd)",
    "\u202eevil",
]


@pytest.fixture
def accounts():
    return pd.DataFrame(
        {
            "rank": [1, 2, 3],
            "customer_id": ["0007", "0008", "0009"],
            "name": ["Müller & Söhne", "한빛포장 유통", "東和商事"],
            "is_key_account": [True, False, True],
            "revenue": [1234567.891, -50.0, np.nan],
            "share_value": [0.77394, 0.0, np.nan],
            "n_orders": [1234, 1, 0],
            "gap_cv": [0.5, np.nan, 1.25],
            "last_order": pd.to_datetime(["2024-12-09", "2024-01-01", None]),
            "warning": ["returns 5%; silent", "", "a <b>"],
        }
    )


def _page(table):
    return BeautifulSoup(table.as_raw_html(), "html.parser")


def _cells(table):
    return [[cell.get_text() for cell in row.find_all(["td", "th"])] for row in _page(table).tbody.find_all("tr")]


def _heads(table):
    return [cell.get_text() for cell in _page(table).find_all("th", scope="col")]


class _Said(Result):
    main = "none"

    def _sentence(self) -> str:
        return ""


# -- report_table ----------------------------------------------------------------------------------------------------


def test_heads_and_cells_follow_the_glossary(accounts):
    table = report_table(
        accounts, context=EUR, columns=["name", "revenue", "share_value", "n_orders", "is_key_account"]
    )
    assert _heads(table) == ["name", "net revenue (EUR)", "share (%)", "orders", "key account"]
    assert _cells(table) == [
        ["Müller & Söhne", "1,234,568", "77.4", "1,234", "yes"],
        ["한빛포장 유통", "-50", "0.0", "1", "no"],
        ["東和商事", "–", "–", "0", "yes"],
    ]


def test_numbers_stand_right_and_words_left(accounts):
    page = _page(report_table(accounts, context=EUR))
    sides = dict(zip(accounts.columns, page.tbody.tr.find_all("td"), strict=True))
    for name, cell in sides.items():
        side = "gt_left" if name in ("customer_id", "name", "is_key_account", "warning") else "gt_right"
        assert side in cell["class"], name
    heads = page.find_all("th", scope="col")
    assert ["gt_right" in head["class"] for head in heads] == ["gt_right" in c["class"] for c in sides.values()]


def test_dates_and_decimals(accounts):
    cells = _cells(report_table(accounts, context=EUR, columns=["last_order", "gap_cv"]))
    assert cells == [["9 Dec 2024", "0.50"], ["1 Jan 2024", "–"], ["–", "1.25"]]


def test_language_and_no_currency(accounts):
    table = report_table(accounts, context=Context(language="ja"), columns=["last_order", "revenue"])
    assert _cells(table)[0] == ["2024/12/09", "1,234,568"]
    assert _heads(table)[1] == "純売上"


def test_estimates_are_formatted_by_their_term():
    frame = pd.DataFrame(
        {
            "term": ["gini", "top_share", "n_customers_for_share", "share_customers_for_share", "my_own"],
            "estimate": [0.77394, 0.774, 1353.0, 0.228, 2.5],
            "ci_low": [0.7, np.nan, 1262.0, 0.2, 2.0],
        }
    )
    assert _cells(report_table(frame, context=EUR)) == [
        ["Gini coefficient", "0.77", "0.70"],
        ["share of the largest customers", "77.4%", "–"],
        ["customers that bring the bulk", "1,353", "1,262"],
        ["the same, as a share of customers", "22.8%", "20.0%"],
        ["my own", "2.50", "2.00"],
    ]


def test_numbers_that_are_all_whole_have_no_decimals():
    assert _cells(report_table(pd.DataFrame({"low": [1.0, 2.0], "high": [1.0, 2.5]}), context=EUR)) == [
        ["1", "1.00"],
        ["2", "2.50"],
    ]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("column", ["name", "customer_id", "why", "warning", "segment"])
def test_text_from_data_stays_text(text, column):
    frame = pd.DataFrame({column: [text], "n_orders": [1], "value": [2.0], "rank": [1], "share_value": [0.5]})
    html = report_table(frame, context=EUR, flags=[column] if column == "warning" else ()).as_raw_html()
    page = BeautifulSoup(html, "html.parser")
    cell = page.tbody.tr.td
    assert cell.get_text() == text
    assert {tag.name for tag in cell.find_all()} <= {"b", "span", "bdi"}
    assert not re.search(r"<(script|img)", html)
    assert all(not name.startswith("on") for tag in page.find_all() for name in tag.attrs)


def test_right_to_left_text_is_kept_to_itself():
    frame = pd.DataFrame({"segment": ["שלום", "plain", "\u202eevil"]})
    cells = _page(report_table(frame, context=EUR)).tbody.find_all("td")
    assert [cell.bdi is not None for cell in cells] == [True, False, True]


def test_account_is_bold_and_flags_are_set_off(accounts):
    page = _page(report_table(accounts, context=EUR, flags=["warning"]))
    first, second, third = (row.find_all("td") for row in page.tbody.find_all("tr"))
    assert first[2].b.get_text() == "Müller & Söhne"
    assert first[1].b is None
    assert [flag.get_text() for flag in first[-1].find_all("span", class_="kam-flag")] == ["returns 5%", "silent"]
    assert second[-1].find("span") is None
    assert third[-1].span.get_text() == "a <b>"


def test_rows_are_limited_with_a_note(accounts):
    table = report_table(accounts, context=EUR, rows=2)
    assert len(_cells(table)) == 2
    assert "The first 2 of 3 rows." in table.as_raw_html()
    assert "The first" not in report_table(accounts, context=EUR, rows=3).as_raw_html()


def test_empty_frame_says_so(accounts):
    table = report_table(accounts.head(0), context=EUR)
    assert _cells(table) == []
    assert len(_heads(table)) == accounts.shape[1]
    assert "None." in table.as_raw_html()


def test_same_frame_same_html_other_frame_other_id(accounts):
    one, again = (report_table(accounts, context=EUR, caption="The list").as_raw_html() for _ in range(2))
    assert one == again
    other = report_table(accounts, context=EUR, caption="Another list").as_raw_html()
    assert re.search(r'id="(\w+)"', one).group(1) != re.search(r'id="(\w+)"', other).group(1)


def test_caption_is_escaped(accounts):
    assert "The &lt;b&gt; list" in report_table(accounts, context=EUR, caption="The <b> list").as_raw_html()


def test_frame_is_not_changed(accounts):
    before = accounts.copy()
    report_table(accounts, context=EUR, rows=2, flags=["warning"])
    pd.testing.assert_frame_equal(accounts, before)


def test_missing_values_of_every_kind():
    frame = pd.DataFrame({"name": [None], "value": [float("inf")], "n_orders": pd.array([pd.NA], dtype="Int64")})
    assert _cells(report_table(frame, context=EUR)) == [["–", "∞", "–"]]


def test_wrong_arguments(accounts):
    with pytest.raises(MissingColumnError, match="no column 'nme'"):
        report_table(accounts, context=EUR, columns=["nme"])
    with pytest.raises(MissingColumnError, match="no column 'flag'"):
        report_table(accounts, context=EUR, flags=["flag"])
    with pytest.raises(MissingColumnError, match="glossary has no column 'my_score'"):
        report_table(accounts.assign(my_score=1), context=EUR)
    with pytest.raises(ParameterError, match="rows is 0"):
        report_table(accounts, context=EUR, rows=0)


# -- the others ------------------------------------------------------------------------------------------------------


def test_checks_of_results_and_single_checks():
    holds = Check(assumption="a <i>", finding="f", verdict="holds")
    fails = Check(assumption="b", finding="g & h", verdict="does not hold")
    open_ = Check(assumption="c", finding="i", verdict="not testable")
    table = checks_table(holds, _Said(context=EUR, checks=(fails, open_)), _Said(context=EUR, checks=(fails,)))
    assert _heads(table) == ["what is assumed", "finding", "verdict"]
    assert _cells(table) == [["a <i>", "f", "holds"], ["b", "g & h", "does not hold"], ["c", "i", "not testable"]]
    marks = [cell.find_all("td")[2].span for cell in _page(table).tbody.find_all("tr")]
    assert [mark and mark["class"] for mark in marks] == [["kam-ok"], ["kam-no"], None]


def test_no_checks():
    assert "None." in checks_table().as_raw_html()


def test_assumed_of_several_results():
    rate = Assumed(what="rate", value="10% <b>", would_change="more")
    table = assumed_table(_Said(context=EUR, assumed=(rate,)), _Said(context=EUR, assumed=(rate,)))
    assert _heads(table) == ["what is assumed", "assumed", "what would change the answer"]
    assert _cells(table) == [["rate", "10% <b>", "more"]]


class _Audit:
    """What a ledger's audit has, in small."""

    n_rows_in, n_rows_kept = 1000, 990
    amount_in, amount_kept = Decimal("12345.6789"), Decimal("12000.5")
    rules = pd.DataFrame(
        {
            "rule": ["without customer", "zero amounts"],
            "action": ["removed", "switched off"],
            "n_rows": [10, 0],
            "amount": [345.1789, 0.0],
        }
    )

    def lines(self, wording):
        return ["all of it", f"a remark <b> in {wording.currency}"]


def test_audit_runs_from_rows_in_to_rows_kept():
    table = audit_table(_Audit(), context=EUR)
    assert _heads(table) == ["rule", "action", "rows", "amount (EUR)"]
    assert _cells(table) == [
        ["rows of the source", "", "1,000", "12,346"],
        ["without customer", "removed", "10", "345"],
        ["zero amounts", "switched off", "0", "0"],
        ["rows kept", "", "990", "12,000"],
    ]
    notes = unescape(_page(table).tfoot.get_text())
    assert "a remark <b> in EUR" in notes
    assert "all of it" not in notes


def test_audit_of_a_ledger():
    from kam.ledger import open_ledger

    frame = pd.DataFrame(
        {
            "customer_id": ["a", "b", None, "a"],
            "order_date": pd.to_datetime(["2024-01-05", "2024-02-05", "2024-02-06", "2024-03-07"]),
            "amount": [10.0, 20.0, 5.0, 0.0],
            "order_id": ["1", "2", "3", "4"],
        }
    )
    cells = _cells(audit_table(open_ledger(frame, today=date(2024, 4, 1)).audit, context=EUR))
    assert cells[0][2:] == ["4", "35"]
    assert cells[1] == ["without customer", "removed", "1", "5"]
    assert cells[-1] == ["rows kept", "", "2", "30"]


def test_provenance_names_data_parameters_and_versions():
    cells = dict(_cells(provenance_table(EUR, parameters={"seed": 1, "value": "<i>"})))
    assert cells["dataset"] == "Demo Ltd"
    assert cells["as of"] == "31 December 2024"
    assert cells["fingerprint of the data"] == "ab12"
    assert cells["seed"] == "1"
    assert cells["value"] == "<i>"
    assert {"Python", "kam", "pandas", "duckdb"} <= cells.keys()
    assert "as of" not in dict(_cells(provenance_table(Context())))


def test_notes_are_a_list_of_escaped_sentences():
    notes = notes_list(["Without accounts: <b>no</b> names.", "Without survey: שלום."])
    page = BeautifulSoup(notes._repr_html_(), "html.parser")
    assert [item.get_text() for item in page.ul.find_all("li")] == list(notes)
    assert page.b is None
    assert repr(notes).splitlines() == list(notes)
    assert repr(notes_list([])) == "None."


def test_what_a_report_keeps_is_enough(accounts):
    """The report's filter takes styles and ids away; alignment, flags and verdicts travel as classes and plain elements."""
    sanitize = pytest.importorskip("kam.report.sanitize")
    table = report_table(accounts, context=EUR, flags=["warning"])
    page = BeautifulSoup(sanitize.clean_html(table._repr_html_()), "html.parser")
    assert [[c.get_text() for c in row.find_all("td")] for row in page.tbody.find_all("tr")] == _cells(table)
    assert page.find("span", class_="kam-flag")
    assert page.find("td", class_="gt_right")
    assert len(str(page)) < 8000


def test_the_ends_of_an_interval_are_shown_as_what_they_belong_to():
    frame = pd.DataFrame({"share_customers": [0.5], "ci_low": [0.4], "ci_high": [0.61], "value": [1234.5]})
    frame["boot_low"] = 1000.0  # a share by the glossary, whatever stands before it
    html = report_table(frame[["share_customers", "ci_low", "ci_high"]], context=Context(currency="EUR")).as_raw_html()
    assert ">40.0<" in html and ">61.0<" in html and "to (%)" in html
    money = report_table(frame[["value", "ci_low"]], context=Context(currency="EUR")).as_raw_html()
    assert "from (EUR)" in money and ">0<" in money


@pytest.mark.parametrize(("freq", "shown"), [("month", "April 2024"), ("quarter", "Q2 2024"), ("year", "2024")])
def test_periods_are_named_by_their_length(freq, shown):
    frame = pd.DataFrame({"period": [pd.Timestamp("2024-04-01")], "n_orders": [1]})
    assert f">{shown}<" in report_table(frame, context=Context(), freq=freq).as_raw_html()


def test_the_ends_of_a_share_beside_a_term_are_shares():
    frame = pd.DataFrame({"term": ["returns"], "share_notable": [0.25], "ci_low": [0.11], "ci_high": [0.47]})
    assert re.findall(r">([\d.]+)<", report_table(frame, context=Context()).as_raw_html())[-3:] == [
        "25.0",
        "11.0",
        "47.0",
    ]


def test_a_small_p_value_is_not_shown_as_zero():
    html = report_table(pd.DataFrame({"p_value": [0.00002, 0.5, None]}), context=Context()).as_raw_html()
    assert "&lt; 0.001" in html and "0.50" in html and "0.0000" not in html
