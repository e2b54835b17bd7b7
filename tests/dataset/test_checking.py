from datetime import date

import pandas as pd
import pytest

from kam.dataset import check_dataset, checking
from kam.errors import DatasetError

TODAY = date(2026, 1, 15)


def check(small):
    found = check_dataset(small.path, today=TODAY)
    assert found.ok == (not found.problems)
    for text in found.problems + found.warnings:
        assert any(text in line for line in found.lines)
    return found


def ledger(rows):
    return pd.DataFrame(rows, columns=["customer_id", "order_date", "amount", "order_id", "product_id", "note"])


def month_by_month(n=40):
    """Rows of 2025, each its own order, ten a month."""
    return [
        (f"{i % 3 + 1:03}", f"2025-{i // 10 % 12 + 1:02}-{i % 10 + 10}", "10.00", f"o{i}", f"p{i % 4}", "x")
        for i in range(n)
    ]


@pytest.fixture
def year(small):
    """A ledger alone, without as_of; ``write`` gives it rows and checks it."""
    small.path.write_text("name: year\ncurrency: EUR\ntables:\n  ledger: {source: ledger.csv}\n")

    def write(rows):
        ledger(rows).to_csv(small.folder / "ledger.csv", index=False)
        return check(small)

    small.write = write
    return small


def test_a_sound_dataset_is_ok_and_says_so(small):
    found = check(small)
    assert found.ok
    assert found.audit.n_rows_kept == 5
    text = "\n".join(found.lines)
    assert "ledger: ledger.csv" in text
    assert "Columns used: customer_id, order_date, amount, order_id, product_id." in text
    assert "Columns not used: 'note'." in text
    assert "accounts: accounts.csv" in text
    assert "3 rows" in text
    assert "Without contacts: no picture of who decides" in text
    assert found.lines[-1].startswith("A report could be trusted")


def test_columns_that_are_mapped_are_shown_with_their_name_in_the_source(small):
    small.change("accounts.csv", "name,", "Firma,")
    small.change("dataset.yaml", "accounts.csv}", "accounts.csv, columns: {name: Firma}}")
    assert any("name ('Firma')" in line for line in check(small).lines)


def test_an_unknown_dataset_and_a_wrong_file_are_errors(small):
    with pytest.raises(DatasetError, match="There is no dataset"):
        check_dataset("no_such_dataset_at_all")
    small.change("dataset.yaml", "EUR", "Euro")
    with pytest.raises(DatasetError, match="currency"):
        check_dataset(small.path)


def test_everything_wrong_is_told_at_once(small):
    (small.folder / "ledger.csv").write_text("customer_id,order_date\n1,2025-01-01\n")
    small.change("accounts.csv", "\n002,", "\n001,")
    (small.folder / "survey.csv").unlink()
    found = check(small)
    assert not found.ok
    assert found.audit is None
    assert len(found.problems) == 3
    assert "amount" in found.problems[0]
    assert "'001' in rows 2 and 3" in found.problems[1]
    assert "survey.csv" in found.problems[2]
    assert "NOT be trusted: 3 problems" in found.lines[-1]


def test_as_of_in_the_future_is_a_problem(small):
    small.change("dataset.yaml", "2025-03-31", "2026-01-16")
    assert "as_of is 16 January 2026, which is in the future." in check(small).problems
    small.change("dataset.yaml", "2026-01-16", "2026-01-15")
    assert not any("future" in problem for problem in check(small).problems)


def test_the_constants_say_why():
    limits = ["MAX_SHARE_UNREADABLE", "MAX_SHARE_REMOVED", "MAX_SHARE_WITHOUT_CUSTOMER", "MIN_COMPLETE_MONTHS"]
    assert [getattr(checking, name) for name in limits] == [0.01, 0.20, 0.50, 2]


def test_a_year_of_sound_rows_is_ok(year):
    assert year.write(month_by_month()).ok


@pytest.mark.parametrize(("n_without", "ok", "warned"), [(1, True, False), (9, True, True), (21, False, False)])
def test_rows_without_customer_warn_from_5_percent_and_stop_above_half(year, n_without, ok, warned):
    rows = month_by_month()
    rows[1 : 1 + n_without] = [("", *row[1:]) for row in rows[1 : 1 + n_without]]
    found = year.write(rows)
    assert found.ok == ok
    assert any("without customer" in text for text in found.warnings) == warned
    if not ok:
        assert "52.5% of the rows" in found.problems[0]
        assert "The limit is 50%." in found.problems[0]


def test_money_without_customer_counts_as_well(year):
    rows = month_by_month()
    rows[5] = ("", rows[5][1], "1000.00", *rows[5][3:])
    assert "of the money" in year.write(rows).problems[0]


@pytest.mark.parametrize(("column", "rule"), [(1, "without date"), (2, "without amount")])
def test_more_than_one_percent_unreadable_is_a_problem(year, column, rule):
    rows = [list(row) for row in month_by_month(120)]
    rows[7][column] = "?"
    assert year.write(rows).ok, "1 of 120 is below 1 %"
    rows[8][column] = "?"
    found = year.write(rows)
    assert not found.ok
    assert f"1.7% of the rows are {rule}" in found.problems[0]


def test_copies_of_a_fifth_of_the_rows_are_a_problem(year):
    rows = month_by_month()
    assert year.write([*rows, *rows[:9]]).ok
    found = year.write([*rows, *rows[:11]])
    assert not found.ok
    assert "exact duplicates" in found.problems[0]
    assert "21.6% of the rows" in found.problems[0]


def test_what_was_chosen_is_no_problem(year):
    rows = [(*row[:2], "0.00", *row[3:]) if i % 2 else row for i, row in enumerate(month_by_month())]
    assert year.write(rows).ok, "half of the rows have the amount 0, which the cleaning names"
    year.change("dataset.yaml", "currency: EUR", "currency: EUR\nas_of: 2025-02-28")
    assert year.write(month_by_month()).ok, "half of the rows are after the as_of that was given"


def test_a_date_far_ahead_is_counted_and_not_taken_as_today(year):
    rows = month_by_month()
    rows[3] = (rows[3][0], "2099-01-01", *rows[3][2:])
    found = year.write(rows)
    assert found.ok
    assert found.audit.as_of.year == 2025


def test_a_difference_from_the_general_ledger_is_a_problem(year):
    year.change("dataset.yaml", "currency: EUR", "currency: EUR\ncleaning: {ledger_total: 401}")
    found = year.write(month_by_month())
    assert "The ledger differs from the general ledger by €1.00." in found.problems
    year.change("dataset.yaml", "401", "400")
    assert year.write(month_by_month()).ok


def test_two_currencies_are_a_problem(year):
    year.change("dataset.yaml", "ledger.csv}", "ledger.csv, columns: {currency: note}}")
    rows = month_by_month()
    rows = [(*row[:5], "EUR") for row in rows]
    assert year.write(rows).ok
    rows[3] = (*rows[3][:5], "USD")
    assert "USD" in year.write(rows).problems[0]


def test_less_than_two_complete_months_are_a_problem(year):
    found = year.write([row for row in month_by_month() if row[1] < "2025-02-01"])
    assert not found.ok
    assert any("complete months; 2 are needed" in problem for problem in found.problems)
    assert year.write([row for row in month_by_month() if row[1] < "2025-03-32"]).ok


def test_customers_without_account_are_told_and_above_a_third_warned_of(small):
    small.change("accounts.csv", "\n003,", "\n009,")
    found = check(small)
    line = "1 of 3 customers of the ledger are not among the accounts ('003')."
    assert any(line in text for text in found.lines)
    assert not found.warnings
    small.change("accounts.csv", "\n002,", "\n008,")
    assert any(text.startswith("2 of 3 customers") for text in check(small).warnings)


def test_lost_leading_zeros_are_recognized(small):
    text = (small.folder / "accounts.csv").read_text()
    (small.folder / "accounts.csv").write_text(text.replace("\n00", "\n").replace(",001,", ",1,"))
    found = check(small)
    assert any("leading zeros" in warning for warning in found.warnings)


def test_respondents_of_unknown_customers_are_warned_of(small):
    small.change("survey.csv", "r2,2024,002", "r2,2024,777")
    assert any(
        "survey: 1 of 2 customers are neither" in warning and "'777'" in warning for warning in check(small).warnings
    )


def test_a_table_nobody_uses_yet_is_checked(small):
    small.add("programmes", "programme,from_state,to_state,effect,effect_sd,source,cost\nv,A,B,5,0.1,judged,1\n")
    assert any("effect is out of range in row 2 ('5')" in problem for problem in check(small).problems)


def test_a_survey_alone_is_a_dataset(small):
    small.change("dataset.yaml", "  ledger: {source: ledger.csv}\n", "")
    found = check(small)
    assert found.ok
    assert found.audit is None
    assert any("Without a ledger" in line for line in found.lines)


def test_lines_speak_the_language_of_the_dataset(small):
    small.change("dataset.yaml", "currency: EUR", "currency: KRW\nlanguage: ko")
    assert check(small).ok


def test_the_sample_is_sound():
    found = check_dataset("sample")
    assert found.ok, found.problems
    assert found.audit.is_balanced
    assert [line for line in found.lines if line.startswith("Without")] == []
