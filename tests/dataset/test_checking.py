from dataclasses import replace
from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

from kam.dataset import check_dataset, checking
from kam.dataset.checking import Notes, judge_audit
from kam.errors import DatasetError
from kam.ledger.audit import Audit, RuleCount, reconcile
from kam.wording import Wording

TODAY = date(2026, 1, 15)


def check(small):
    found = check_dataset(small.path, today=TODAY)
    assert found.ok == (not found.problems)
    for text in found.problems + found.warnings:
        assert any(text in line for line in found.lines)
    return found


def without_ledger(small):
    small.change("dataset.yaml", "  ledger: {source: ledger.csv}\n", "")
    return small


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
    without_ledger(small).change("accounts.csv", "name,", "Firma,")
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
    without_ledger(small).change("dataset.yaml", "2025-03-31", "2026-01-16")
    assert "as_of is 16 January 2026, which is in the future." in check(small).problems
    small.change("dataset.yaml", "2026-01-16", "2026-01-15")
    assert check(small).problems == ()


def test_the_constants_say_why():
    limits = ["MAX_SHARE_UNREADABLE", "MAX_SHARE_REMOVED", "MAX_SHARE_WITHOUT_CUSTOMER", "MIN_COMPLETE_MONTHS"]
    assert [getattr(checking, name) for name in limits] == [0.01, 0.20, 0.50, 2]


def judge(n_rows_in=1000, amount_in=100_000, as_of_is_given=False, total=None, **removed):
    """Problems and warnings about an audit; ``removed`` is rule → (rows, money), its spaces as underscores."""
    counts = tuple(
        RuleCount(rule=rule, action="removed", n_rows=rows, amount=Decimal(money))
        for rule, (rows, money) in ((name.replace("_", " "), pair) for name, pair in removed.items())
    )
    audit = Audit(
        counts=counts,
        as_of=TODAY,
        n_rows_in=n_rows_in,
        n_rows_kept=n_rows_in - sum(count.n_rows for count in counts),
        amount_in=Decimal(amount_in),
        amount_kept=Decimal(amount_in) - sum(count.amount for count in counts),
    )
    audit = replace(audit, reconciliation=reconcile(audit, Decimal(total)) if total is not None else None)
    notes = Notes(Wording(currency="EUR"))
    judge_audit(audit, as_of_is_given=as_of_is_given, notes=notes)
    return notes.problems, notes.warnings


def test_nothing_removed_is_fine():
    assert judge() == ([], [])


@pytest.mark.parametrize(
    ("rows", "money", "problem", "warning"),
    [
        (50, 0, False, False),
        (51, 0, False, True),
        (225, 15_000, False, True),
        (500, 50_000, False, True),
        (501, 0, True, False),
        (10, 50_001, True, False),
        (10, -50_001, True, False),
    ],
)
def test_rows_without_customer_warn_from_5_percent_and_stop_above_half(rows, money, problem, warning):
    problems, warnings = judge(without_customer=(rows, money))
    assert (bool(problems), bool(warnings)) == (problem, warning)
    if problem:
        assert "The limit is 50%." in problems[0]


@pytest.mark.parametrize("rule", ["without_date", "without_amount"])
def test_more_than_one_percent_unreadable_is_a_problem(rule):
    assert judge(**{rule: (10, 0)}) == ([], [])
    problems, _ = judge(**{rule: (17, 0)})
    assert f"1.7% of the rows are {rule.replace('_', ' ')}" in problems[0]


def test_a_fifth_lost_for_no_chosen_reason_is_a_problem():
    assert judge(exact_duplicates=(200, 20_000)) == ([], [])
    assert "20.1% of the rows" in judge(exact_duplicates=(201, 0))[0][0]
    assert "20.1% of the money" in judge(exact_duplicates=(1, 20_100))[0][0]
    assert "The limit is 20%" in judge(**{"exact_duplicates": (150, 0), "after_the_as-of_date": (60, 0)})[0][0]


def test_what_was_chosen_is_no_problem():
    chosen = {"zero_amounts": (400, 0), "non-product_codes": (300, 60_000), "orders_with_their_cancellation": (200, 0)}
    assert judge(**chosen) == ([], [])
    late = {"after_the_as-of_date": (600, 60_000)}
    assert judge(**late, as_of_is_given=True) == ([], [])
    assert len(judge(**late)[0]) == 1


def test_money_that_adds_up_to_nothing_has_no_shares():
    assert judge(amount_in=0, without_customer=(10, 5)) == ([], [])


def test_a_difference_from_the_general_ledger_is_a_problem():
    assert judge(total=100_000) == ([], [])
    assert judge(total=100_000, without_customer=(1, 500)) == ([], []), "the rule explains it"
    assert judge(total=100_001)[0] == ["The ledger differs from the general ledger by €1.00."]


def test_rows_that_do_not_add_up_are_a_problem():
    notes = Notes(Wording())
    judge_audit(
        Audit(counts=(), as_of=TODAY, n_rows_in=2, n_rows_kept=1, amount_in=Decimal(0), amount_kept=Decimal(0)),
        as_of_is_given=False,
        notes=notes,
    )
    assert "an error of the program" in notes.problems[0]


def test_rules_are_called_as_the_ledger_calls_them(year):
    """Thresholds are by the names of rules: each of those named above does occur."""
    rows = [list(row) for row in month_by_month()]
    rows[1][0], rows[2][1], rows[3][2], rows[4][2] = "", "?", "?", "0"
    found = year.write([*rows, rows[0], ["001", "2099-01-01", "1", "o", "p", "x"]])
    assert found.audit.rules.set_index("rule")["n_rows"].to_dict() == {
        "without customer": 1, "without date": 1, "after the as-of date": 1, "without amount": 1, "exact duplicates": 1,
        "zero amounts": 1, "non-product codes": 0, "orders with their cancellation": 0,
    }  # fmt: skip
    assert found.audit.as_of.year == 2025, "a date in 2099 is not taken as today"
    assert len(found.problems) == 2, "one of 42 is above 1 %, twice"


def test_two_currencies_are_a_problem(year):
    year.change("dataset.yaml", "ledger.csv}", "ledger.csv, columns: {currency: note}}")
    rows = month_by_month()
    rows = [(*row[:5], "EUR") for row in rows]
    assert year.write(rows).ok
    rows[3] = (*rows[3][:5], "USD")
    assert "USD" in year.write(rows).problems[0]


def test_amounts_that_are_all_negative_are_a_problem(year):
    found = year.write([(*row[:2], "-10.00", *row[3:]) for row in month_by_month()])
    assert not found.ok
    assert "No row has an amount above zero" in found.problems[0]


def test_a_row_of_totals_is_a_problem_and_ids_alike_but_for_zeros_a_warning(year):
    rows = month_by_month()
    assert "totals" in year.write([*rows, ("합계", "2025-04-19", "400.00", "", "", "")]).problems[0]
    found = year.write([*rows, ("1", "2025-04-19", "4.00", "z", "p", "")])
    assert found.ok and any("differs only by leading zeros" in warning for warning in found.warnings)


def test_less_than_two_complete_months_are_a_problem(year):
    found = year.write([row for row in month_by_month() if row[1] < "2025-03-01"])
    assert not found.ok
    assert any("complete months; 2 are needed" in problem for problem in found.problems)
    assert year.write([row for row in month_by_month() if row[1] < "2025-03-32"]).ok


def test_customers_without_account_are_told_and_above_a_third_warned_of(small):
    small.change("accounts.csv", "\n003,", "\n009,")
    found = check(small)
    line = "1 of 3 customers of the ledger are not among the accounts ('003')."
    assert any(line in text for text in found.lines)
    assert not any("accounts" in text for text in found.warnings)
    small.change("accounts.csv", "\n002,", "\n008,")
    assert any(text.startswith("2 of 3 customers") for text in check(small).warnings)


def test_lost_leading_zeros_are_recognized(small):
    text = (small.folder / "accounts.csv").read_text()
    (small.folder / "accounts.csv").write_text(text.replace("\n00", "\n").replace(",001,", ",1,"))
    found = check(small)
    assert any("leading zeros" in warning for warning in found.warnings)


def test_respondents_of_unknown_customers_are_warned_of(small):
    without_ledger(small).change("survey.csv", "r2,2024,002", "r2,2024,777")
    assert any(
        "survey: 1 of 2 customers are neither" in warning and "'777'" in warning for warning in check(small).warnings
    )


def test_a_table_nobody_uses_yet_is_checked(small):
    without_ledger(small).add(
        "programmes", "programme,from_state,to_state,effect,effect_sd,source,cost\nv,A,B,5,0.1,judged,1\n"
    )
    assert any("effect is out of range in row 2 ('5')" in problem for problem in check(small).problems)


def test_a_survey_alone_is_a_dataset(small):
    found = check(without_ledger(small))
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
