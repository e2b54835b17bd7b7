"""The audit of a ledger: what came in, what each cleaning rule did, what stayed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import ibis.expr.types as ir
import pandas as pd
from ibis import _

from kam.ledger.cleaning import CANCELLATIONS, DUPLICATES, REMOVED
from kam.ledger.rollup import MEASURES
from kam.results import Check, Context
from kam.wording import N_, Wording


@dataclass(frozen=True)
class RuleCount:
    """What one cleaning rule did.

    Attributes
    ----------
    rule : str
        Its name.
    action : str
        What it does with the rows it names: removed, only warned, switched off, not applicable and why.
    n_rows : int
        The rows it names.
    amount : decimal.Decimal
        Sum of their finite amounts, exact.
    """

    rule: str
    action: str
    n_rows: int = 0
    amount: Decimal = Decimal(0)


@dataclass(frozen=True)
class Remark:
    """A sentence with the values it names: numbers are counts, Decimals are money."""

    message: str
    values: Mapping[str, int | Decimal | date | str] = field(default_factory=dict)

    def say(self, wording: Wording) -> str:
        """The sentence in the language and currency of the wording."""
        shown: dict[str, str] = {}
        for name, value in self.values.items():
            if isinstance(value, Decimal):
                shown[name] = wording.money(float(value))
            elif isinstance(value, date):
                shown[name] = wording.date(value)
            else:
                shown[name] = wording.count(value) if isinstance(value, int) else value
        return wording.sentence(self.message, **shown)


@dataclass(frozen=True, kw_only=True)
class IncompletePeriod:
    """The last month, when it is not complete and so left out of every measure by period.

    Attributes
    ----------
    month : datetime.date
        Its first day.
    n_rows, n_customers, amount : int, int, decimal.Decimal
        Rows in it, customers with an order in it, sum of their amounts.
    n_customers_before : int
        Customers with an order in the month before.
    """

    month: date
    n_rows: int
    n_customers: int
    amount: Decimal
    n_customers_before: int


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """The ledger beside the general ledger.

    Attributes
    ----------
    ledger_total : decimal.Decimal
        Net revenue according to the general ledger.
    difference : decimal.Decimal
        ``ledger_total`` minus the amount of the rows kept.
    is_explained : bool
        The cleaning rules removed exactly the difference.
    """

    ledger_total: Decimal
    difference: Decimal
    is_explained: bool


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What came in, what each rule did, what stayed.

    Rows in are counted in the source, apart from the rows that the rules tag: that they are the rows kept and removed is a
    check of the cleaning, not true by construction. Sums of money are over finite amounts and exact.

    Attributes
    ----------
    counts : tuple of RuleCount
        One per rule, in the order of the rules.
    n_rows_in, n_rows_kept : int
        Rows of the source, rows kept.
    amount_in, amount_kept : decimal.Decimal
        Sums of their amounts.
    as_of : datetime.date
        The last day that counts.
    n_customers : int
        Customers that are left.
    n_customers_left_censored : int
        Those who ordered already in the first month: when they began is not known.
    incomplete : IncompletePeriod or None
        The last month, if it is not complete.
    reconciliation : Reconciliation or None
        When the general-ledger total was given.
    warning_remarks, note_remarks : tuple of Remark
        What may be wrong with the results, and what a reader should know.
    """

    counts: tuple[RuleCount, ...]
    n_rows_in: int
    n_rows_kept: int
    amount_in: Decimal
    amount_kept: Decimal
    as_of: date
    n_customers: int = 0
    n_customers_left_censored: int = 0
    incomplete: IncompletePeriod | None = None
    reconciliation: Reconciliation | None = None
    warning_remarks: tuple[Remark, ...] = ()
    note_remarks: tuple[Remark, ...] = ()

    @property
    def rules(self) -> pd.DataFrame:
        """One row per rule in order: ``rule``, ``action``, ``n_rows``, ``amount`` (as float; exact in ``counts``)."""
        rows = [(count.rule, count.action, count.n_rows, float(count.amount)) for count in self.counts]
        return pd.DataFrame(rows, columns=["rule", "action", "n_rows", "amount"])

    @property
    def n_rows_removed(self) -> int:
        """Rows that the rules removed."""
        return sum(count.n_rows for count in self.counts if count.action == REMOVED)

    @property
    def amount_removed(self) -> Decimal:
        """Sum of the amounts that the rules removed."""
        return sum((count.amount for count in self.counts if count.action == REMOVED), Decimal(0))

    @property
    def is_balanced(self) -> bool:
        """Rows in = rows kept + rows removed, in rows and in money."""
        return (self.n_rows_in, self.amount_in) == (
            self.n_rows_kept + self.n_rows_removed,
            self.amount_kept + self.amount_removed,
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What may be wrong with the results, in English and without a currency."""
        return tuple(remark.say(Wording()) for remark in self.warning_remarks)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know, in English and without a currency."""
        return tuple(remark.say(Wording()) for remark in self.note_remarks)

    def __str__(self) -> str:
        """The sentences of the audit in English, money without its currency."""
        return "\n".join(self.lines(Wording()))

    def lines(self, wording: Wording) -> list[str]:
        """The audit in sentences; the first is the whole of it in one line.

        Parameters
        ----------
        wording : kam.wording.Wording
            Language and currency.
        """
        say = wording
        lines = [self._summary(say)]
        if self.incomplete is not None:
            last = self.incomplete
            lines.append(
                say.sentence(
                    "{month} is taken as incomplete and left out of every measure by period: {rows} rows ({amount}), {n}"
                    " customers with orders against {before} in the month before.",
                    month=say.period(last.month),
                    rows=say.count(last.n_rows),
                    amount=say.money(float(last.amount)),
                    n=say.count(last.n_customers),
                    before=say.count(last.n_customers_before),
                )
            )
        if self.n_customers_left_censored:
            lines.append(
                say.sentence(
                    "{n} of {all} customers ordered already in the first month: when they began is not known.",
                    n=say.count(self.n_customers_left_censored),
                    all=say.count(self.n_customers),
                )
            )
        if self.reconciliation is not None:
            lines.append(self._reconciliation(say, self.reconciliation))
        return lines + [remark.say(say) for remark in (*self.warning_remarks, *self.note_remarks)]

    def check(self, context: Context) -> Check:
        """Whether every row is accounted for.

        Parameters
        ----------
        context : kam.results.Context
            Language and currency.
        """
        say = context.wording
        finding = say.sentence(
            "{rows_in} rows in, {kept} kept, {removed} removed; in money {amount_in}, {amount_kept} and {amount_removed}.",
            rows_in=say.count(self.n_rows_in),
            kept=say.count(self.n_rows_kept),
            removed=say.count(self.n_rows_removed),
            amount_in=say.money(float(self.amount_in)),
            amount_kept=say.money(float(self.amount_kept)),
            amount_removed=say.money(float(self.amount_removed)),
        )
        return Check(
            assumption=say.sentence("Rows in = rows kept + rows removed by rule, in rows and in money"),
            finding=finding,
            verdict="holds" if self.is_balanced else "does not hold",
        )

    def checks(self, context: Context) -> tuple[Check, ...]:
        """:meth:`check`, and whether the ledger agrees with the general ledger where its total was given.

        Parameters
        ----------
        context : kam.results.Context
            Language and currency.
        """
        if self.reconciliation is None:
            return (self.check(context),)
        books = Check(
            assumption=context.wording.sentence("The ledger agrees with the general ledger"),
            finding=self._reconciliation(context.wording, self.reconciliation),
            verdict="does not hold"
            if not self.reconciliation.is_explained
            else "handled"
            if self.reconciliation.difference
            else "holds",
        )
        return (self.check(context), books)

    def _summary(self, say: Wording) -> str:
        removed = [
            say.sentence(
                "{n} {rule} ({amount})",
                n=say.count(count.n_rows),
                rule=say.sentence(count.rule),
                amount=say.money(float(count.amount)),
            )
            for count in self.counts
            if count.action == REMOVED and count.n_rows
        ]
        rows, kept = say.count(self.n_rows_in), say.count(self.n_rows_kept)
        if not removed:
            return say.sentence("{rows} rows in; {kept} kept; none removed.", rows=rows, kept=kept)
        return say.sentence(
            "{rows} rows in; {kept} kept; removed: {removed}.", rows=rows, kept=kept, removed=say.listing(removed)
        )

    def _reconciliation(self, say: Wording, books: Reconciliation) -> str:
        message = N_("The general ledger says {total}, the rows kept add up to {kept}: they agree.")
        if books.difference and books.is_explained:
            message = N_(
                "The general ledger says {total}, the rows kept add up to {kept}: the difference of {difference} is what the"
                " cleaning rules removed."
            )
        elif books.difference:
            message = N_(
                "The general ledger says {total}, the rows kept add up to {kept}: a difference of {difference} that the"
                " cleaning rules do not explain."
            )
        return say.sentence(
            message,
            total=say.money(float(books.ledger_total)),
            kept=say.money(float(self.amount_kept)),
            difference=say.money(float(books.difference)),
        )


def count_rules(
    lines: ir.Table,
    actions: Mapping[str, str],
    *,
    copies: ir.Table | None,
    n_rows_in: int,
    amount_in: Decimal | None,
    as_of: date,
) -> Audit:
    """Count what each rule did.

    Parameters
    ----------
    lines : ibis.expr.types.Table
        All rows, with ``rule``.
    actions : mapping of str to str
        What each rule does, in the order of the rules.
    copies : ibis.expr.types.Table, optional
        The rows that are copies, where duplicates are only warned of.
    n_rows_in, amount_in : int, decimal.Decimal
        Rows of the source and the sum of their amounts, counted apart.
    as_of : datetime.date
        The last day that counts.
    """
    sums = {"n": _.count(), "amount": _.amount.sum(), "sales": _.amount.sum(where=_.amount > 0)}
    optional = [name for name in ("order_id", "currency", *MEASURES) if name in lines.columns]
    sums |= {f"no_{name}": lines[name].isnull().sum() for name in optional}
    tally = {row["rule"]: row for row in lines.group_by("rule").agg(**sums).to_pyarrow().to_pylist()}
    found = {rule: (row["n"], row["amount"] or Decimal(0)) for rule, row in tally.items()}
    if copies is not None:
        row = copies.agg(n=_.count(), amount=_.amount.sum()).to_pyarrow().to_pylist()[0]
        found[DUPLICATES] = (row["n"], row["amount"] or Decimal(0))
    kept, netted = tally.get(None, {}), tally.get(CANCELLATIONS)
    warnings, notes = [], []
    if copies is not None and found[DUPLICATES][0]:
        message = N_(
            "{n} rows ({amount}) equal another row; they stay, because the source has neither line numbers nor products by"
            " which copies and repeated purchases could be told apart."
        )
        warnings.append(Remark(message, dict(zip(("n", "amount"), found[DUPLICATES], strict=True))))
    for name in MEASURES:
        if kept.get(f"no_{name}"):
            message = (
                N_(
                    "{n} of the rows kept have no value for cost; the amount counts as cost there, so that they earn nothing."
                )
                if name == "cost"
                else N_("{n} of the rows kept have no value for {column}; it counts as zero there.")
            )
            warnings.append(Remark(message, {"n": kept[f"no_{name}"], "column": name}))
    if kept.get("no_currency"):
        warnings.append(Remark(N_("{n} of the rows kept have no currency."), {"n": kept["no_currency"]}))
    if kept.get("no_order_id"):
        message = N_("{n} of the rows kept have no order number: what a customer bought on one day is one order.")
        notes.append(Remark(message, {"n": kept["no_order_id"]}))
    if netted:
        message = N_("{n} cancellations were netted with their orders of {amount}.")
        notes.append(Remark(message, {"n": netted["n"] // 2, "amount": netted["sales"]}))
    return Audit(
        counts=tuple(RuleCount(rule, action, *found.get(rule, (0, Decimal(0)))) for rule, action in actions.items()),
        n_rows_in=n_rows_in,
        n_rows_kept=kept.get("n", 0),
        amount_in=amount_in or Decimal(0),
        amount_kept=kept.get("amount") or Decimal(0),
        as_of=as_of,
        warning_remarks=tuple(warnings),
        note_remarks=tuple(notes),
    )


def reconcile(audit: Audit, ledger_total: Decimal) -> Reconciliation:
    """Put a ledger beside the total of the general ledger.

    Parameters
    ----------
    audit : Audit
        The ledger's audit.
    ledger_total : decimal.Decimal
        Net revenue according to the general ledger.
    """
    difference = ledger_total - audit.amount_kept
    return Reconciliation(
        ledger_total=ledger_total, difference=difference, is_explained=difference in (0, audit.amount_removed)
    )
