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
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from ibis import _

from kam.errors import ParameterError
from kam.ledger.cell_texts import is_one_of
from kam.ledger.engines import in_order
from kam.ledger.storage import ROW, Storage
from kam.wording import N_

NO_CUSTOMER = N_("without customer")
NO_DATE = N_("without date")
AFTER_AS_OF = N_("after the as-of date")
NO_AMOUNT = N_("without amount")
DUPLICATES = N_("exact duplicates")
ZERO_AMOUNTS = N_("zero amounts")
NON_PRODUCTS = N_("non-product codes")
CANCELLATIONS = N_("orders with their cancellation")
RULES = (NO_CUSTOMER, NO_DATE, AFTER_AS_OF, NO_AMOUNT, DUPLICATES, ZERO_AMOUNTS, NON_PRODUCTS, CANCELLATIONS)

REMOVED = N_("removed")
WARNED = N_("only warned: the source has neither line numbers nor products")
OFF = N_("switched off")
NO_CODES = N_("not applicable: no codes are configured")
NO_PRODUCT = N_("not applicable: the ledger has no product_id")
NO_QUANTITY = N_("not applicable: the ledger has no product_id or no quantity")


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
        The source; see :meth:`Storage.number_rows`.
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
        Compute the outcome once, because reading the source again takes longer.
    storage : Storage
        Where tables are kept.

    Returns
    -------
    ibis.expr.types.Table
        The columns of the ledger, and ``rule`` (null: kept).
    ibis.expr.types.Table or None
        Where duplicates are only warned of: the rows that are copies.
    """
    copies = None
    lines = table.select(*([ROW] if storage.is_local else []), **values)
    rules = _row_rules(lines, as_of)
    is_early = ibis.or_(*(removed for removed, _rule in rules))
    if storage.is_local and actions[DUPLICATES] in (REMOVED, WARNED):
        rows = find_copies(table, alike=alike, storage=storage)
        if actions[DUPLICATES] == WARNED:
            copies = lines.filter(~is_early).semi_join(rows, lines[ROW] == rows.copy)
        elif not storage.holds_nothing("copies"):
            lines = lines.left_join(rows, lines[ROW] == rows.copy)
            rules = [*_row_rules(lines, as_of), (lines.copy.notnull(), DUPLICATES)]
    elif actions[DUPLICATES] in (REMOVED, WARNED):
        # In one pass: without tables in between, every join would begin again from the source.
        copy = ibis.row_number().over(group_by=[table[name] for name in table.columns], order_by=table[alike[0]]) > 0
        lines = table.select(**values, is_copy=copy)
        rules = _row_rules(lines, as_of)
        if actions[DUPLICATES] == WARNED:
            copies = lines.filter(lines.is_copy & ~ibis.or_(*(removed for removed, _rule in rules)))
        else:
            rules.append((lines.is_copy, DUPLICATES))
    if actions[ZERO_AMOUNTS] == REMOVED:
        rules.append((lines.amount == 0, ZERO_AMOUNTS))
    if actions[NON_PRODUCTS] == REMOVED:
        rules.append((is_one_of(lines.product_id, codes), NON_PRODUCTS))
    tagged = lines.mutate(rule=ibis.cases(*rules, else_=ibis.null("string")))
    if actions[CANCELLATIONS] == REMOVED and storage.is_local:
        tagged = _tag_netted(tagged.select(ROW, *values, "rule"), storage=storage)
    elif actions[CANCELLATIONS] == REMOVED:
        tagged = net_cancellations(tagged.select(*values, "rule"), storage=storage)
    tagged = tagged.select(*values, "rule")
    return (storage.keep("lines", tagged, compress=True) if compute else tagged), copies


def _row_rules(lines: ir.Table, as_of: date) -> list[tuple[ir.BooleanValue, str]]:
    """The rules before the duplicates: each looks at one row."""
    return [
        (lines.customer_id.isnull() | (lines.customer_id == ""), NO_CUSTOMER),
        (lines.order_day.isnull(), NO_DATE),
        (lines.order_day > as_of, AFTER_AS_OF),
        (lines.amount.isnull(), NO_AMOUNT),
    ]


_MOST_KEYS = 2**26
"""Hashes of rows that are held at once: half a gigabyte, twice while they are read."""


@ibis.udf.scalar.builtin(name="hash")  # type: ignore[untyped-decorator]
def _hash(values) -> dt.uint64:  # type: ignore[no-untyped-def]
    """One number for a row of values. DuckDB's."""


def find_copies(table: ir.Table, *, alike: Sequence[str], storage: Storage) -> ir.Table:
    """The rows that have all columns of the source in common with an earlier row: the table ``copies``, one column ``copy``.

    Only rows that share the hash of customer, date and amount with another row are compared in full: comparing all of them
    takes several times as long. A row in which one of these is missing is removed by an earlier rule, copy or not.
    """
    hashed = table.filter([table[name].notnull() for name in alike])
    hashed = hashed.mutate(key=_hash(ibis.struct({name: hashed[name] for name in alike})))
    suspects = storage.con.create_table("suspects", pa.table({"key": _repeated_keys(hashed)}), temp=True)
    same = hashed.semi_join(suspects, "key")
    number = ibis.row_number().over(group_by=[name for name in table.columns if name != ROW], order_by=ROW)
    copies = same.mutate(number=number).filter(_.number > 0).select(copy=ROW)
    copies = storage.keep("copies", copies)
    storage.drop("suspects")
    return copies


def _repeated_keys(hashed: ir.Table) -> npt.NDArray[np.uint64]:
    """The keys that more than one row has. To sort numbers takes a fifth of the time of a group-by with almost as many groups as
    rows, and a fifth of its memory; of a large ledger it is done in parts.
    """
    n_parts = -(-int(hashed.count().to_pyarrow().as_py()) // _MOST_KEYS)
    repeated = [np.empty(0, dtype=np.uint64)]
    for part in range(n_parts):
        rows = hashed if n_parts == 1 else hashed.filter(hashed.key % n_parts == part)
        keys = np.concatenate([chunk.to_numpy() for chunk in rows.select("key").to_pyarrow()["key"].chunks])
        keys.sort()
        repeated.append(np.unique(keys[1:][keys[1:] == keys[:-1]]))
    return np.concatenate(repeated)


def _tag_netted(tagged: ir.Table, *, storage: Storage) -> ir.Table:
    """:func:`net_cancellations` where rows have numbers: of the orders only those that a cancellation may mean are looked at."""
    kept = tagged.filter(tagged.rule.isnull())
    signs = ((kept.quantity > 0) & (kept.amount > 0)) | ((kept.quantity < 0) & (kept.amount < 0))
    kept = kept.filter(signs).mutate(size=_.quantity.abs(), price=_.amount.abs())
    key = ["customer_id", "product_id", "size", "price"]
    cancelled = storage.keep("cancelled", kept.filter(kept.amount < 0).select(key).distinct())
    events = storage.keep("events", kept.semi_join(cancelled, key).drop("size", "price"))
    netted = net_cancellations(events, storage=storage)
    if netted is not events:
        rows = storage.keep("netted", netted.filter(netted.rule == CANCELLATIONS).select(netted=ROW))
        joined = tagged.left_join(rows, tagged[ROW] == rows.netted)
        tagged = joined.mutate(rule=joined.netted.notnull().ifelse(CANCELLATIONS, joined.rule))
    for name in ("cancelled", "events"):
        storage.drop(name)
    return tagged


def net_cancellations(tagged: ir.Table, *, storage: Storage) -> ir.Table:
    """Tag orders and their own cancellations, one to one, latest order first.

    Within one customer, product, quantity and amount, in order of time (cancellations first where the time is the same, because
    an order must be earlier than its cancellation), every order raises a level by one and every cancellation lowers it by one.
    A stack of open orders pairs those two that cross the same edge between two levels, upwards and then next downwards: so two
    windows do what otherwise takes a loop, on any engine.
    """
    takes_part = tagged.rule.isnull() & tagged.product_id.notnull()
    is_sale = takes_part & (tagged.quantity > 0) & (tagged.amount > 0)
    is_cancellation = takes_part & (tagged.quantity < 0) & (tagged.amount < 0)
    step = ibis.cases((is_sale, 1), (is_cancellation, -1), else_=0)
    columns = tagged.columns
    # A key that is null where a row is neither, so that such rows take no part in the joins.
    stepped = tagged.mutate(
        step=step, size=ibis.ifelse(step != 0, tagged.quantity.abs(), None), price=tagged.amount.abs()
    )
    key = ["customer_id", "product_id", "size", "price"]
    alike = stepped
    if storage.is_local:
        both = stepped.filter(stepped.step != 0).group_by(key).having((_.step.min() < 0) & (_.step.max() > 0)).agg()
        both = storage.keep("both_ways", both)
        if storage.holds_nothing("both_ways"):
            return tagged
        alike = stepped.semi_join(both, key)
    # Beyond the time the order of rows is arbitrary; all columns make it the same in every run.
    order = in_order(
        alike[name] for name in ("order_date", "step", *(name for name in columns if name != "order_date"))
    )
    level = alike.step.sum().over(ibis.window(group_by=key, order_by=order, preceding=None, following=0))
    alike = alike.mutate(edge=ibis.ifelse(alike.step > 0, level - 1, level))
    crossing = ibis.window(group_by=[*key, "edge"], order_by=order)
    alike = alike.mutate(before=alike.step.lag().over(crossing), after=alike.step.lead().over(crossing))
    is_netted = ((alike.step > 0) & (alike.after < 0)) | ((alike.step < 0) & (alike.before > 0))
    netted = alike.mutate(rule=is_netted.ifelse(CANCELLATIONS, alike.rule)).select(columns)
    return stepped.anti_join(both, key).select(columns).union(netted) if storage.is_local else netted
