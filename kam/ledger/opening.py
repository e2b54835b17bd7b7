"""Open a ledger: read it, name and type its columns, clean it, and sum it up by customer and month."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis import _
from ibis.backends.duckdb import Backend

from kam.errors import EmptyDataError, MixedCurrencyError, ParameterError
from kam.ledger.audit import Audit, IncompletePeriod, Remark, count_rules, reconcile
from kam.ledger.cell_texts import is_one_of
from kam.ledger.cleaning import NON_PRODUCTS, REMOVED, Cleaning, tag_lines
from kam.ledger.databases import Relation
from kam.ledger.matching import COLUMNS, has_lines, match_columns
from kam.ledger.periods import check_frequency, last_complete_month
from kam.ledger.progress import step
from kam.ledger.reading import ReadOptions, SourceTable, connect, read_source, type_columns
from kam.ledger.rollup import MonthTotal, Rollup, build_rollup, count_customers, month_totals
from kam.ledger.storage import Storage
from kam.wording import N_, Wording

_NUMBER = "order_number"  # the order_id of the source, where that is a whole number

_DEFAULT_CLEANING = Cleaning()
_DEFAULT_OPTIONS = ReadOptions()


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Ledger:
    """A cleaned ledger.

    It holds a temporary DuckDB, which goes when the ledger does, or with :meth:`close`.

    Attributes
    ----------
    lines : ibis.expr.types.Table
        Every row of the source, typed, with ``order_day`` and ``rule``: the cleaning rule that removes it (null: kept).
    audit : Audit
        Rows in, kept, and removed by rule.
    as_of : datetime.date
        The last day that counts.
    last_complete_month : datetime.date or None
        First day of the last month that period-based measures cover; None when no month is complete.
    fiscal_year_start : int
        The month with which years and quarters begin.
    fingerprint : str
        64 hexadecimal digits that change when the data or their cleaning change.
    currency : str or None
        ISO 4217 code, as given or as found in the column ``currency``.
    columns : tuple of str
        The columns of :data:`~kam.ledger.matching.COLUMNS` that the ledger has; ``amount`` also when it was derived.
    source_columns : tuple of str
        All columns of the source, as they are called there.
    description : str
        The source in a few words, for people.
    rollup : Rollup
        The customer × month table that everything period-based derives from.
    con : ibis.backends.duckdb.Backend
        The temporary DuckDB.
    """

    lines: ir.Table
    audit: Audit
    as_of: date
    last_complete_month: date | None
    fiscal_year_start: int
    fingerprint: str
    currency: str | None
    columns: tuple[str, ...]
    source_columns: tuple[str, ...]
    description: str
    rollup: Rollup
    con: Backend

    @property
    def table(self) -> ir.Table:
        """The rows kept: ``customer_id``, ``order_date`` (timestamp), ``order_day`` (date), ``amount`` (decimal, four
        places), ``order_id`` (default: customer and day), then the other columns that the ledger has.
        """
        return _keep_lines(self.lines)

    def close(self) -> None:
        """Remove the temporary database; the ledger's tables cannot be used after that."""
        self.con.disconnect()

    def __repr__(self) -> str:
        return f"Ledger, {self.description}: {self.audit.lines(Wording(currency=self.currency))[0]}"


def open_ledger(
    source: str | Path | pd.DataFrame | ir.Table | Relation,
    *,
    columns: Mapping[str, str | None] | None = None,
    as_of: date | str | None = None,
    currency: str | None = None,
    time_zone: str = "UTC",
    cleaning: Cleaning = _DEFAULT_CLEANING,
    fiscal_year_start: int = 1,
    options: ReadOptions = _DEFAULT_OPTIONS,
    today: date | None = None,
) -> Ledger:
    """Open a ledger of orders or order lines, clean it, and account for every row.

    Assumes that (1) one row is an order or a line of one; (2) credit notes have a negative amount; (3) all amounts are in one
    currency, and net of tax; (4) nothing is missing between the first day and the as-of date.

    Parameters
    ----------
    source : path, glob, pandas.DataFrame, ibis Table or Relation
        CSV, Parquet or Excel files, or a table. An Ibis table and a :class:`~kam.ledger.databases.Relation`, as
        ``Relation("postgresql://host/warehouse", "sales.lines")``, stay in their database, where nothing is created.
    columns : mapping of str to str, optional
        Ledger column (:data:`~kam.ledger.matching.COLUMNS`) → its name in the source. A column that is not named is the
        source's column of the same name, if there is one; None: not used. Needed are ``customer_id``, ``order_date``, and
        ``amount`` or both ``quantity`` and ``unit_price``, of which the amount is then the product, rounded to four places.
    as_of : datetime.date or str, optional
        The last day that counts (ISO format); later rows are removed and counted. Default: the last day not after ``today``
        with a row of a known customer.
    currency : str, optional
        ISO 4217 code. Default: what the column ``currency`` says.
    time_zone : str
        Time zone of the calendar days.
    cleaning : Cleaning
        Which rules are used.
    fiscal_year_start : int
        The month with which years and quarters begin.
    options : ReadOptions
        How files are read; what is not given is detected.
    today : datetime.date, optional
        For a default of ``as_of`` that does not depend on the clock.

    Returns
    -------
    Ledger
        The cleaned table, its audit and its rollup.

    Raises
    ------
    UnreadableFileError, DuplicateColumnError, ColumnTypeError
        The source cannot be read; see :func:`kam.ledger.reading.read_source` and :func:`kam.ledger.reading.type_columns`.
    MissingColumnError
        A needed column is not there.
    MixedCurrencyError
        The rows kept are in more than one currency, or not in the one given.
    EmptyDataError
        Nothing is left after cleaning; the message holds the audit.
    ParameterError
        An argument is out of range.

    Examples
    --------
    >>> orders = pd.DataFrame({"customer_id": ["007", "7", None], "order_date": "2024-01-31", "amount": [10, 5, 1]})
    >>> ledger = open_ledger(orders, currency="EUR")
    >>> ledger.audit.lines(Wording(currency="EUR"))[0]
    '3 rows in; 2 kept; removed: 1 without customer (€1.00).'
    """
    check_frequency("month", fiscal_year_start)
    _check_time_zone(time_zone)
    con = connect()
    try:
        with step("reading the ledger"):
            read = read_source(source, con, options=options)
        return _open(
            read,
            con,
            columns=columns or {},
            as_of=_to_date(as_of),
            currency=currency.strip().upper() if currency else None,
            time_zone=time_zone,
            cleaning=cleaning,
            fiscal_year_start=fiscal_year_start,
            today=today or date.today(),
        )
    except BaseException:
        con.disconnect()
        raise


def _open(
    source: SourceTable,
    con: Backend,
    *,
    columns: Mapping[str, str | None],
    as_of: date | None,
    currency: str | None,
    time_zone: str,
    cleaning: Cleaning,
    fiscal_year_start: int,
    today: date,
) -> Ledger:
    storage = Storage(con, source.table.get_backend() is con)
    names = match_columns(source.table.columns, columns, where=source.description)
    rows = replace(source, table=storage.number_rows(source.table))
    with step(f"typing the columns of {source.description}"):
        typed = type_columns(rows, names, {name: COLUMNS[name] for name in names}, time_zone=time_zone)
    values = _complete_values(typed.columns)
    present = tuple(name for name in COLUMNS if name in values)
    if storage.is_local and "order_id" in names and rows.table[names["order_id"]].type().is_integer():
        values[_NUMBER] = rows.table[names["order_id"]]

    lines = rows.table.select(**values)
    known = lines.customer_id.notnull() & (lines.order_day <= today)
    totals = lines.agg(
        n=lines.count(),
        amount=lines.amount.sum(),
        last_day=lines.order_day.max(where=known),
        **({"n_numbers": lines[_NUMBER].count()} if _NUMBER in values else {}),
    )
    totals = totals.to_pyarrow().to_pylist()[0]
    last_day = as_of or totals["last_day"] or today

    actions = cleaning.actions(has_lines=has_lines(source.table.columns, present), columns=present)
    alike = [names[name] for name in ("customer_id", "order_date", "amount", "quantity", "unit_price") if name in names]
    with step(f"cleaning {source.description}"):
        tagged, copies = tag_lines(
            rows.table,
            values,
            actions,
            alike=list(dict.fromkeys(alike if "amount" not in names else alike[:3])),
            codes=cleaning.non_product_codes,
            as_of=last_day,
            compute=source.kind != "parquet" or bool(typed.formats),  # texts would be parsed in every scan
            storage=storage,
        )
        audit = count_rules(
            tagged, actions, copies=copies, n_rows_in=totals["n"], amount_in=totals["amount"], as_of=last_day
        )
    if not audit.n_rows_kept:
        raise EmptyDataError(
            f"No row is left after cleaning. {audit.lines(Wording(currency=currency))[0]}",
            where=source.description,
            hint="Look at the rule that removed most, and at columns, as_of and cleaning.",
        )
    currency = _find_currency(tagged, given=currency, beside=typed.currency, where=source.description)

    with step(f"summing {source.description} up by customer and month"):
        kept = _keep_lines(tagged)
        if totals.get("n_numbers") == totals["n"]:
            kept = kept.mutate(order_id=kept[_NUMBER])  # to group by numbers is faster than to group by their texts
        rollup = build_rollup(kept, by_order="order_id" in present, storage=storage)
    months = month_totals(rollup)
    order_days = [day for month in months for day in month.order_days]
    complete = last_complete_month(last_day, order_days=() if as_of else order_days)
    has_month = complete >= months[0].month
    notes = [Remark("{text}", {"text": text}) for text in typed.notes]
    audit = replace(
        audit,
        n_customers=count_customers(storage),
        n_customers_left_censored=next((month.n_customers for month in months if month.n_customers), 0),
        incomplete=_find_incomplete(months, last_day) if complete < last_day.replace(day=1) else None,
        reconciliation=None if cleaning.ledger_total is None else reconcile(audit, cleaning.ledger_total),
        warning_remarks=(*audit.warning_remarks, *_warn(tagged, cleaning, actions, has_month=has_month)),
        note_remarks=(*notes, *_note(names), *audit.note_remarks),
    )
    identity = [
        source.fingerprint,
        names,
        asdict(source.options),
        typed.formats,
        str(last_day),
        time_zone,
        repr(cleaning),
    ]
    return Ledger(
        lines=tagged.select(*(name for name in tagged.columns if name != _NUMBER)),
        audit=audit,
        as_of=last_day,
        last_complete_month=complete if has_month else None,
        fiscal_year_start=fiscal_year_start,
        fingerprint=hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest(),
        currency=currency,
        columns=present,
        source_columns=source.table.columns,
        description=source.description,
        rollup=rollup,
        con=con,
    )


def _complete_values(typed: Mapping[str, ir.Value]) -> dict[str, ir.Value]:
    """The typed columns in their order, the amount derived if need be, and the calendar day."""
    values = dict(typed)
    if "amount" not in values:
        values["amount"] = _multiply(values["quantity"], values["unit_price"])
    if "currency" in values:
        values["currency"] = values["currency"].upper()
    return {name: values[name] for name in COLUMNS if name in values} | {"order_day": values["order_date"].date()}


def _multiply(quantity: ir.Value, price: ir.Value) -> ir.Value:
    """Quantity × unit price in exact decimals: prices keep eight places, the product is rounded to four; too large is null."""
    fits = (quantity.abs() < 1e10) & (price.abs() < 1e10) & ((quantity * price).abs() < 1e14)
    quantity, price = ibis.ifelse(fits, quantity, None), ibis.ifelse(fits, price, None)
    return (quantity.cast("decimal(18, 4)") * price.cast("decimal(18, 8)")).round(4).cast("decimal(18, 4)")


def _keep_lines(lines: ir.Table) -> ir.Table:
    kept = lines.filter(lines.rule.isnull()).drop("rule")
    by_day = kept.customer_id + " " + kept.order_day.cast("string")
    order_id = kept.order_id.fill_null(by_day) if "order_id" in kept.columns else by_day
    return kept.mutate(order_id=order_id).relocate("customer_id", "order_date", "order_day", "amount", "order_id")


def _find_currency(lines: ir.Table, *, given: str | None, beside: str | None, where: str) -> str | None:
    """The one currency of the rows kept: as given, in the column ``currency``, or beside the numbers."""
    found = {}
    if "currency" in lines.columns:
        counts = lines.filter(lines.rule.isnull() & lines.currency.notnull()).group_by("currency").agg(n=_.count())
        found = {row["currency"]: f"{row['n']:,} rows" for row in counts.order_by("currency").to_pyarrow().to_pylist()}
    if beside is not None and len(beside) == 3:  # a code; a sign such as $ names several
        found.setdefault(beside, "its numbers")
    if len(found) > 1 or (given and found and given not in found):
        named = ", ".join(f"{code} in {what}" for code, what in found.items())
        raise MixedCurrencyError(
            f"The ledger names the currency {named}{f', but {given} was given' if given else ''}.",
            where=where,
            hint="Convert the amounts to one currency, or open one ledger per currency.",
        )
    return given or next(iter(found), None)


def _find_incomplete(months: Sequence[MonthTotal], as_of: date) -> IncompletePeriod | None:
    """What is in the month of the as-of date, which is not complete."""
    *earlier, last = months
    if last.month != as_of.replace(day=1):
        return None
    return IncompletePeriod(
        month=last.month,
        n_rows=last.n_rows,
        n_customers=last.n_customers,
        amount=last.amount,
        n_customers_before=earlier[-1].n_customers if earlier else 0,
    )


def _warn(lines: ir.Table, cleaning: Cleaning, actions: Mapping[str, str], *, has_month: bool) -> list[Remark]:
    remarks = []
    codes = set(cleaning.non_product_codes)
    if codes and actions[NON_PRODUCTS] != REMOVED:
        remarks.append(Remark(N_("Codes that are no products are configured, but the ledger has no product_id.")))
    elif codes:
        found = lines.filter(is_one_of(lines.product_id, sorted(codes))).select("product_id").distinct().to_pyarrow()
        message = N_("No row has the product code {code}, which is configured as no product.")
        remarks += [Remark(message, {"code": code}) for code in sorted(codes - set(found["product_id"].to_pylist()))]
    if not has_month:
        remarks.append(Remark(N_("No month is complete: there are no measures by period.")))
    return remarks


def _note(names: Mapping[str, str]) -> list[Remark]:
    remarks = []
    if "amount" not in names:
        remarks.append(Remark(N_("The amount is quantity × unit price, rounded to four decimals.")))
    if "order_id" not in names:
        remarks.append(Remark(N_("There are no order numbers: what a customer bought on one day is one order.")))
    return remarks


def _to_date(day: date | str | None) -> date | None:
    if day is None:
        return None
    try:
        day = date.fromisoformat(day) if isinstance(day, str) else day
    except ValueError as error:
        raise ParameterError(f"as_of is {day!r}.", hint="Give a day such as 2024-12-31.") from error
    return day.date() if isinstance(day, datetime) else day


def _check_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ParameterError(f"There is no time zone {name!r}.", hint="Give one such as Europe/Berlin.") from error
