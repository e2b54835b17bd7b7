"""Clean a ledger by named rules, and account for every row.

Each row is given the first rule that removes it, or none; so *rows in = rows kept + rows removed by rule*, in rows and in
money. The rules, in their order:

1. ``without customer``;
2. ``without date``: missing, or not readable as a date;
3. ``after the as-of date``;
4. ``without amount``: missing, not a number, or not finite;
5. ``exact duplicates``: all columns *of the source* are equal; the first occurrence stays. Where the source has neither line
   numbers nor products two equal rows may well be two purchases: then they are only counted;
6. ``zero amounts``;
7. ``non-product codes``, as configured;
8. ``orders with their cancellation``: same customer, product, quantity and price (so the same amount with the other sign), the
   order earlier; one to one, the latest order first. Partial returns stay as returns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import ibis
import ibis.expr.types as ir
from ibis import _

from kam.errors import ParameterError
from kam.ledger.cell_texts import is_one_of
from kam.ledger.storage import Storage

NO_CUSTOMER = "without customer"
NO_DATE = "without date"
AFTER_AS_OF = "after the as-of date"
NO_AMOUNT = "without amount"
DUPLICATES = "exact duplicates"
ZERO_AMOUNTS = "zero amounts"
NON_PRODUCTS = "non-product codes"
CANCELLATIONS = "orders with their cancellation"
RULES = (NO_CUSTOMER, NO_DATE, AFTER_AS_OF, NO_AMOUNT, DUPLICATES, ZERO_AMOUNTS, NON_PRODUCTS, CANCELLATIONS)

REMOVED = "removed"
WARNED = "only warned: the source has neither line numbers nor products"
OFF = "switched off"
NO_CODES = "not applicable: no codes are configured"
NO_PRODUCT = "not applicable: the ledger has no product_id"
NO_QUANTITY = "not applicable: the ledger has no product_id or no quantity"


@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """Which of the cleaning rules are used, and what the books say.

    Parameters
    ----------
    non_product_codes : tuple of str
        Values of ``product_id`` that are no products: postage, bank charges, manual corrections.
    duplicates : bool
        Remove exact duplicates.
    zero_amounts : bool
        Remove rows with an amount of zero.
    cancellations : bool
        Remove an order together with its own cancellation.
    ledger_total : decimal.Decimal, optional
        Net revenue according to the general ledger, to which the audit reconciles.

    Raises
    ------
    ParameterError
        ``non_product_codes`` is one text rather than several.
    """

    non_product_codes: tuple[str, ...] = ()
    duplicates: bool = True
    zero_amounts: bool = True
    cancellations: bool = True
    ledger_total: Decimal | None = None

    def __post_init__(self) -> None:
        if isinstance(self.non_product_codes, str):
            raise ParameterError(
                f"non_product_codes is the text {self.non_product_codes!r}.", hint="Give a list of codes."
            )
        object.__setattr__(self, "non_product_codes", tuple(self.non_product_codes))
        if self.ledger_total is not None:
            object.__setattr__(self, "ledger_total", Decimal(str(self.ledger_total)))

    def actions(self, *, has_lines: bool, columns: Sequence[str]) -> dict[str, str]:
        """What each rule does with the rows it names.

        Parameters
        ----------
        has_lines : bool
            The source has line numbers or products, so that equal rows are copies.
        columns : sequence of str
            The ledger's columns.
        """
        actions = dict.fromkeys(RULES, REMOVED)
        if not self.duplicates:
            actions[DUPLICATES] = OFF
        elif not has_lines:
            actions[DUPLICATES] = WARNED
        if not self.zero_amounts:
            actions[ZERO_AMOUNTS] = OFF
        if not self.non_product_codes:
            actions[NON_PRODUCTS] = NO_CODES
        elif "product_id" not in columns:
            actions[NON_PRODUCTS] = NO_PRODUCT
        if not self.cancellations:
            actions[CANCELLATIONS] = OFF
        elif not {"product_id", "quantity"} <= set(columns):
            actions[CANCELLATIONS] = NO_QUANTITY
        return actions


def tag_lines(
    table: ir.Table,
    values: Mapping[str, ir.Value],
    actions: Mapping[str, str],
    *,
    alike: Sequence[str],
    codes: Sequence[str],
    as_of: date,
    compute: bool,
    storage: Storage,
) -> tuple[ir.Table, ir.Table | None]:
    """Give each row the first rule that removes it.

    Parameters
    ----------
    table : ibis.expr.types.Table
        The source.
    values : mapping of str to ibis.expr.types.Value
        The columns of the ledger, typed, over ``table``; among them ``order_day``.
    actions : mapping of str to str
        See :meth:`Cleaning.actions`.
    alike : sequence of str
        The columns of the source from which customer, date and amount are taken.
    codes : sequence of str
        Product codes that are no products.
    as_of : datetime.date
        The last day that counts.
    compute : bool
        Compute the outcome once, because reading the source again takes longer. Without it this is done only if a rule
        compares rows with one another.
    storage : Storage
        Where tables are kept.

    Returns
    -------
    ibis.expr.types.Table
        The columns of the ledger, and ``rule`` (null: kept).
    ibis.expr.types.Table or None
        Where duplicates are only warned of: the rows that are copies.
    """
    lines, copies = table.select(**values), None
    if actions[DUPLICATES] == REMOVED:
        compute = True
        others, suspects = split_alike(table, values, alike=alike, storage=storage)
        lines = others if storage.holds_nothing("suspects") else ibis.union(others, suspects)
    elif actions[DUPLICATES] == WARNED:
        copies = split_alike(table, values, alike=alike, storage=storage)[1]
        copies = copies.filter(copies.is_copy & ~ibis.or_(*(removed for removed, _rule in _row_rules(copies, as_of))))
    rules = _row_rules(lines, as_of)
    if actions[DUPLICATES] == REMOVED:
        rules.append((lines.is_copy, DUPLICATES))
    if actions[ZERO_AMOUNTS] == REMOVED:
        rules.append((lines.amount == 0, ZERO_AMOUNTS))
    if actions[NON_PRODUCTS] == REMOVED:
        rules.append((is_one_of(lines.product_id, codes), NON_PRODUCTS))
    tagged = lines.select(*values, rule=ibis.cases(*rules, else_=ibis.null("string")))
    if actions[CANCELLATIONS] == REMOVED:
        tagged = storage.keep("tagged", tagged)
        netted = net_cancellations(tagged, storage=storage)
        if netted is tagged:
            return tagged, copies
        netted = storage.keep("lines", netted)
        storage.drop("tagged")
        return netted, copies
    return (storage.keep("lines", tagged) if compute else tagged), copies


def _row_rules(lines: ir.Table, as_of: date) -> list[tuple[ir.BooleanValue, str]]:
    """The rules before the duplicates: each looks at one row."""
    return [
        (lines.customer_id.isnull() | (lines.customer_id == ""), NO_CUSTOMER),
        (lines.order_day.isnull(), NO_DATE),
        (lines.order_day > as_of, AFTER_AS_OF),
        (lines.amount.isnull(), NO_AMOUNT),
    ]


def split_alike(
    table: ir.Table, values: Mapping[str, ir.Value], *, alike: Sequence[str], storage: Storage
) -> tuple[ir.Table, ir.Table]:
    """Split the rows into those that cannot be copies and those that may be, both with ``is_copy``.

    A copy has all columns of the source in common with an earlier row. Only rows that share customer, date and amount with
    another row are compared in full: comparing all of them takes several times as long. A row in which one of these is missing
    is removed by an earlier rule, copy or not.
    """
    suspects = table.filter([table[name].notnull() for name in alike]).group_by(alike).having(_.count() > 1).agg()
    suspects = storage.keep("suspects", suspects)
    copy = ibis.row_number().over(group_by=[table[name] for name in table.columns], order_by=table[alike[0]]) > 0
    others = table if storage.holds_nothing("suspects") else table.anti_join(suspects, alike)
    others = others.select(**values, is_copy=ibis.literal(False))
    return others, table.semi_join(suspects, alike).select(**values, is_copy=copy)


def net_cancellations(tagged: ir.Table, *, storage: Storage) -> ir.Table:
    """Tag orders and their own cancellations, one to one, latest order first.

    Within one customer, product, quantity and amount, in order of time (cancellations first where the time is the same, because
    an order must be earlier than its cancellation), every order raises a level by one and every cancellation lowers it by one.
    A stack of open orders pairs those two that cross the same edge between two levels, upwards and then next downwards: so two
    windows do what otherwise takes a loop, on any engine.
    """
    is_sale = tagged.rule.isnull() & (tagged.quantity > 0) & (tagged.amount > 0)
    is_cancellation = tagged.rule.isnull() & (tagged.quantity < 0) & (tagged.amount < 0)
    step = ibis.cases((is_sale, 1), (is_cancellation, -1), else_=0)
    columns = tagged.columns
    # A key that is null where a row is neither, so that such rows take no part in the joins.
    stepped = tagged.mutate(
        step=step, size=ibis.ifelse(step != 0, tagged.quantity.abs(), None), price=tagged.amount.abs()
    )
    key = ["customer_id", "product_id", "size", "price"]
    both = stepped.filter(stepped.step != 0).group_by(key).having((_.step.min() < 0) & (_.step.max() > 0)).agg()
    both = storage.keep("both_ways", both)
    if storage.holds_nothing("both_ways"):
        return tagged
    # Beyond the time the order of rows is arbitrary; all columns make it the same in every run.
    order = ["order_date", "step", *(name for name in columns if name != "order_date")]
    alike = stepped.semi_join(both, key)
    level = alike.step.sum().over(ibis.window(group_by=key, order_by=order, preceding=None, following=0))
    alike = alike.mutate(edge=ibis.ifelse(alike.step > 0, level - 1, level))
    crossing = ibis.window(group_by=[*key, "edge"], order_by=order)
    alike = alike.mutate(before=alike.step.lag().over(crossing), after=alike.step.lead().over(crossing))
    is_netted = ((alike.step > 0) & (alike.after < 0)) | ((alike.step < 0) & (alike.before > 0))
    netted = alike.mutate(rule=ibis.ifelse(is_netted, CANCELLATIONS, ibis.null("string")))
    return stepped.anti_join(both, key).select(columns).union(netted.select(columns))
