from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from kam.columns import GLOSSARY
from kam.ledger.audit import Audit, IncompletePeriod, Remark, RuleCount, reconcile
from kam.ledger.cleaning import DUPLICATES, NO_CUSTOMER, REMOVED, WARNED, ZERO_AMOUNTS
from kam.results import Context
from kam.wording import Wording

AUDIT = Audit(
    counts=(
        RuleCount(NO_CUSTOMER, REMOVED, 2, Decimal("1500.50")),
        RuleCount(DUPLICATES, WARNED, 3, Decimal(30)),
        RuleCount(ZERO_AMOUNTS, REMOVED, 0, Decimal(0)),
    ),
    n_rows_in=1010,
    n_rows_kept=1008,
    amount_in=Decimal("5000.55"),
    amount_kept=Decimal("3500.05"),
    as_of=date(2024, 3, 9),
    n_customers=40,
)
EUR = Wording("en", "EUR")


def test_the_first_line_is_the_whole_audit() -> None:
    assert AUDIT.lines(EUR) == ["1,010 rows in; 1,008 kept; removed: 2 without customer (€1,500)."]
    nothing = replace(AUDIT, counts=(), n_rows_kept=1010)
    assert nothing.lines(EUR) == ["1,010 rows in; 1,010 kept; none removed."]


def test_a_printed_audit_is_its_sentences() -> None:
    assert str(AUDIT) == "1,010 rows in; 1,008 kept; removed: 2 without customer (1,500)."


def test_rows_and_money_must_add_up() -> None:
    assert AUDIT.is_balanced
    assert (AUDIT.n_rows_removed, AUDIT.amount_removed) == (2, Decimal("1500.50"))  # what is only warned of stays
    assert AUDIT.check(Context(currency="EUR")).verdict == "holds"
    assert "1,010 rows in, 1,008 kept, 2 removed" in AUDIT.check(Context()).finding
    assert replace(AUDIT, n_rows_in=1011).check(Context()).verdict == "does not hold"
    assert replace(AUDIT, amount_in=Decimal("5000.5501")).check(Context()).verdict == "does not hold"


def test_rules_are_a_frame_of_glossary_columns() -> None:
    rules = AUDIT.rules
    assert rules.loc[0].to_list() == ["without customer", "removed", 2, 1500.5]
    assert len(rules) == 3
    assert set(rules.columns) <= set(GLOSSARY)


@pytest.mark.parametrize(
    ("total", "verdict", "words"),
    [
        ("3500.05", "holds", "€3,500: they agree"),
        ("5000.55", "handled", "difference of €1,500 is what the cleaning rules removed"),
        ("3600.05", "does not hold", "difference of €100.00 that the cleaning rules do not explain"),
        ("3500.06", "does not hold", "difference of €0.01"),
    ],
)
def test_the_ledger_reconciles_to_the_books(total: str, verdict: str, words: str) -> None:
    audit = replace(AUDIT, reconciliation=reconcile(AUDIT, Decimal(total)))
    context = Context(currency="EUR")
    assert [check.verdict for check in audit.checks(context)] == ["holds", verdict]
    assert words in audit.checks(context)[1].finding
    assert audit.checks(context)[1].finding in audit.lines(EUR)
    assert audit.reconciliation is not None
    assert audit.reconciliation.difference == Decimal(total) - Decimal("3500.05")
    assert len(AUDIT.checks(context)) == 1


def test_periods_and_beginnings_are_told() -> None:
    last = IncompletePeriod(
        month=date(2024, 3, 1), n_rows=12, n_customers=5, amount=Decimal("1234.5"), n_customers_before=20
    )
    lines = replace(AUDIT, incomplete=last, n_customers_left_censored=7).lines(EUR)
    assert lines[1].startswith(
        "March 2024 is taken as incomplete and left out of every measure by period: 12 rows (€1,234)"
    )
    assert "5 customers with orders against 20 in the month before" in lines[1]
    assert lines[2] == "7 of 40 customers ordered already in the first month: when they began is not known."


def test_remarks_show_counts_money_dates_and_text() -> None:
    values = {"n": 1234, "sum": Decimal("5.5"), "day": date(2024, 3, 9), "text": "a {brace} % 007"}
    remark = Remark("{n}, {sum}, {day}, {text}", values)
    assert remark.say(EUR) == "1,234, €5.50, 9 March 2024, a {brace} % 007"
    audit = replace(AUDIT, warning_remarks=(remark,), note_remarks=(Remark("Plain."),))
    assert audit.lines(EUR)[1:] == [remark.say(EUR), "Plain."]
    assert (audit.warnings, audit.notes) == (("1,234, 5.5, 9 March 2024, a {brace} % 007",), ("Plain.",))
