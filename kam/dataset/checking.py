"""Check a dataset before a report is made of it: the audit in words, table by table, and whether a report could be trusted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import pandas as pd

from kam.dataset.fieldwork import check_fieldwork
from kam.dataset.frame_checks import shorten
from kam.dataset.frames import TableData, choose_columns, specs_of
from kam.dataset.notes import Notes, name_some
from kam.dataset.opening import Dataset, open_dataset
from kam.errors import KamError
from kam.ledger import Audit, Ledger
from kam.ledger.cleaning import AFTER_AS_OF, DUPLICATES, NO_AMOUNT, NO_CUSTOMER, NO_DATE, REMOVED
from kam.wording import N_, Wording

# -- where a report stops being one ----------------------------------------------------------------------------------

MAX_SHARE_UNREADABLE = 0.01
"""Of the rows, without a date or without an amount. More is no typing error but a wrong format or a wrong column."""

MAX_SHARE_REMOVED = 0.20
"""Of rows or money, by rules that nobody chose: no date, no amount, a date after the last day, a copy of another row. What is
left is then no longer the ledger. Zero amounts, codes that are no products, cancellations and a given as_of are choices."""

MAX_SHARE_WITHOUT_CUSTOMER = 0.50
"""Of rows or money. Sales over the counter often have no customer (22 % of the rows of Online Retail II); when they are the
larger part, shares of the total no longer speak of the business."""

SHARE_WITHOUT_CUSTOMER_TO_MENTION = 0.05
"""Of rows: above it, a warning."""

SHARE_WITHOUT_ACCOUNT_TO_MENTION = 1 / 3
"""Of the ledger's customers that the accounts lack: above it the two may have different identifiers, so a warning."""

TOTALS = frozenset(
    (
        *(
            "total",
            "totals",
            "grand total",
            "subtotal",
            "sum",
            "summe",
            "gesamt",
            "gesamtsumme",
            "somme",
            "suma",
            "totale",
        ),
        *("합계", "총계", "소계", "合计", "总计", "小计", "合計", "総計", "小計"),
    )
)
"""Customers that are called so are rows of totals: counted with the others, they double the ledger."""

MIN_COMPLETE_MONTHS = 2
"""Fewer complete months show neither rhythm nor change."""


@dataclass(frozen=True, kw_only=True)
class DatasetCheck:
    """What `kam check` says.

    Attributes
    ----------
    ok : bool
        Whether a report could be trusted: there is no problem.
    lines : tuple of str
        Everything, in order, for people.
    problems : tuple of str
        Why a report could not be trusted.
    warnings : tuple of str
        What a reader of reports should know.
    audit : Audit or None
        Of the ledger, where it could be opened.
    """

    ok: bool
    lines: tuple[str, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    audit: Audit | None


def check_dataset(name_or_path: str | os.PathLike[str], *, today: date | None = None) -> DatasetCheck:
    """Read all of a dataset and say whether a report on it could be trusted.

    Every declared table is read and checked, also those that no report uses. The limits are the constants of this module.

    Parameters
    ----------
    name_or_path : str or path
        As for :func:`open_dataset`.
    today : datetime.date, optional
        For a check that does not depend on the clock.

    Returns
    -------
    DatasetCheck
        The audit in words, with problems and warnings.

    Raises
    ------
    DatasetError, UnreadableFileError
        There is no such dataset, or its ``dataset.yaml`` is wrong. What is wrong with its tables is in the result.
    """
    dataset = open_dataset(name_or_path)
    say = Wording(dataset.file.language, dataset.file.currency)
    notes = Notes(say)
    notes.lines.append(f"{dataset.title} ({dataset.path})")
    if dataset.file.as_of is not None and dataset.file.as_of > (today or date.today()):
        notes.problem(say.sentence("as_of is {day}, which is in the future.", day=say.date(dataset.file.as_of)))

    ledger = _check_ledger(dataset, notes) if "ledger" in dataset.tables else None
    tables = dict(_check_tables(dataset, notes))
    _check_customers(ledger, tables, notes)
    check_fieldwork(dataset.file.tables.survey, ledger, tables, notes)

    for line in _unavailable(dataset, ledger):
        notes.lines.append(line)
    notes.lines.append(_verdict(notes))
    return DatasetCheck(
        ok=not notes.problems,
        lines=tuple(notes.lines),
        problems=tuple(notes.problems),
        warnings=tuple(notes.warnings),
        audit=ledger.audit if ledger is not None else None,
    )


def _verdict(notes: Notes) -> str:
    say, n_warnings = notes.say, len(notes.warnings)
    warned = say.plural("{n} warning", "{n} warnings", n_warnings)
    if notes.problems:
        found = say.plural("{n} problem", "{n} problems", len(notes.problems))
        return say.sentence("A report could NOT be trusted: {problems}, {warnings}.", problems=found, warnings=warned)
    return say.sentence("A report could be trusted; {warnings}.", warnings=warned)


def _unavailable(dataset: Dataset, ledger: Ledger | None) -> list[str]:
    if ledger is None and "ledger" in dataset.tables:  # it could not be opened, which was said
        return []
    return dataset.unavailable


# -- the ledger ------------------------------------------------------------------------------------------------------


def _check_ledger(dataset: Dataset, notes: Notes) -> Ledger | None:
    try:
        ledger = dataset.ledger
    except KamError as error:
        notes.head("ledger", notes.say.sentence("it cannot be opened."))
        notes.problem(str(error))
        return None
    notes.head("ledger", ledger.description)
    _add_columns(dataset, ledger, notes)
    audit = ledger.audit
    warned = [remark.say(notes.say) for remark in audit.warning_remarks]
    for line in audit.lines(notes.say):
        if line in warned:
            notes.warn(line)
        else:
            notes.add(line)
    _judge_ledger(dataset, notes)
    return ledger


def _judge_ledger(dataset: Dataset, notes: Notes) -> None:
    judge_audit(dataset.ledger.audit, as_of_is_given=dataset.file.as_of is not None, notes=notes)
    _judge_signs(dataset.ledger, notes)
    _judge_ids(dataset.ledger, notes)
    _judge_span(dataset.ledger, notes)


def find_problems(dataset: Dataset) -> tuple[str, ...]:
    """Why a report on this ledger could not be trusted, in sentences; none if it could.

    Parameters
    ----------
    dataset : Dataset
        With a ledger.

    Returns
    -------
    tuple of str
        What :func:`check_dataset` calls a problem of the ledger, in the language and currency of the dataset.

    Examples
    --------
    >>> from kam.dataset import open_dataset
    >>> find_problems(open_dataset("sample"))
    ()
    """
    notes = Notes(dataset.context.wording)
    _judge_ledger(dataset, notes)
    return tuple(notes.problems)


def _add_columns(dataset: Dataset, ledger: Ledger, notes: Notes) -> None:
    """Columns used and not used; of the ledger they are matched by the ledger itself, by the same rule."""
    table = dataset.file.tables.ledger
    assert table is not None
    available, specs = ledger.source_columns, specs_of(dataset.file, "ledger")
    used = choose_columns(table, specs, available, name="ledger", where=table.source, required=False)
    _say_columns(used, [column for column in available if column not in used.values()], notes)


def _say_columns(used: dict[str, str], ignored: Iterable[str], notes: Notes) -> None:
    named = [name if name == origin else f"{name} ({shorten(origin)})" for name, origin in used.items()]
    notes.add(notes.say.sentence("Columns used: {columns}.", columns=", ".join(named)))
    left = [shorten(name) for name in ignored]
    if left:
        notes.add(notes.say.sentence("Columns not used: {columns}.", columns=", ".join(left)))


def judge_audit(audit: Audit, *, as_of_is_given: bool, notes: Notes) -> None:
    """Note where cleaning removed so much, or so much for no chosen reason, that a report could not be trusted.

    Parameters
    ----------
    audit : Audit
        Of the ledger.
    as_of_is_given : bool
        Whether ``dataset.yaml`` says the last day: rows after it are then left out by choice.
    notes : Notes
        Where it is noted.
    """
    say = notes.say
    if not audit.is_balanced:
        notes.problem(say.sentence("Rows in are not rows kept and removed: this is an error of the program."))
    counts = {count.rule: count for count in audit.counts if count.action == REMOVED}

    def shares(*rules: str) -> tuple[float, float]:
        """Shares of the rows and of the money that rules removed."""
        there = [counts[rule] for rule in rules if rule in counts]
        rows = sum(count.n_rows for count in there) / max(audit.n_rows_in, 1)
        money = float(sum(abs(count.amount) for count in there) / abs(audit.amount_in)) if audit.amount_in else 0.0
        return rows, money

    for rule in (NO_DATE, NO_AMOUNT):
        rows, _ = shares(rule)
        if rows > MAX_SHARE_UNREADABLE:
            notes.problem(
                say.sentence(
                    "{share} of the rows are {rule}; more than {limit} is a wrong format or a wrong column.",
                    share=say.share(rows),
                    rule=say.sentence(rule),
                    limit=say.share(MAX_SHARE_UNREADABLE),
                )
            )
    rows, money = shares(NO_CUSTOMER)
    if max(rows, money) > MAX_SHARE_WITHOUT_CUSTOMER:
        notes.problem(_removed(say, NO_CUSTOMER, rows, money, MAX_SHARE_WITHOUT_CUSTOMER))
    elif rows > SHARE_WITHOUT_CUSTOMER_TO_MENTION:
        notes.warn(_removed(say, NO_CUSTOMER, rows, money, None))
    unchosen = [NO_DATE, NO_AMOUNT, DUPLICATES] + ([] if as_of_is_given else [AFTER_AS_OF])
    rows, money = shares(*unchosen)
    if max(rows, money) > MAX_SHARE_REMOVED:
        notes.problem(
            _removed(say, say.listing([say.sentence(rule) for rule in unchosen]), rows, money, MAX_SHARE_REMOVED)
        )
    books = audit.reconciliation
    if books is not None and not books.is_explained:
        message = N_("The ledger differs from the general ledger by {difference}.")
        notes.problem(say.sentence(message, difference=say.money(float(books.difference))))


def _removed(say: Wording, rule: str, rows: float, money: float, limit: float | None) -> str:
    text = say.sentence(
        "Removed ({rule}): {rows} of the rows and {money} of the money.",
        rule=say.sentence(rule),
        rows=say.share(rows),
        money=say.share(money),
    )
    return say.join([text, "" if limit is None else say.sentence("The limit is {limit}.", limit=say.share(limit, 0))])


def _judge_signs(ledger: Ledger, notes: Notes) -> None:
    if not (ledger.rollup.months.gross > 0).any().execute():
        notes.problem(notes.say.sentence("No row has an amount above zero. Are the signs turned round?"))


def _judge_ids(ledger: Ledger, notes: Notes) -> None:
    """A line of totals taken for a customer, and ids that lost their leading zeros in a part of the file."""
    ids = [str(value) for value in ledger.rollup.months.customer_id.to_pyarrow().unique().to_pylist()]
    totals = sorted(value for value in ids if value.strip(" :.").casefold() in TOTALS)
    if totals:
        notes.problem(notes.say.sentence("A row of totals seems to be taken for a customer: {id}.", id=repr(totals[0])))
    n_alike = len(ids) - len({value.lstrip("0") for value in ids})
    if n_alike:
        notes.warn(
            notes.say.plural(
                "One pair of customers differs only by leading zeros and is kept apart.",
                "{n} pairs of customers differ only by leading zeros and are kept apart.",
                n_alike,
            )
        )


def _judge_span(ledger: Ledger, notes: Notes) -> None:
    first = ledger.rollup.months.month.min().execute()
    last = ledger.last_complete_month
    n_months = 0 if last is None else (last.year - first.year) * 12 + last.month - first.month + 1
    if n_months < MIN_COMPLETE_MONTHS:
        message = N_("The ledger has {n} complete months; {least} are needed to see rhythm and change.")
        say = notes.say
        notes.problem(say.sentence(message, n=say.count(max(n_months, 0)), least=say.count(MIN_COMPLETE_MONTHS)))


# -- the other tables ------------------------------------------------------------------------------------------------


def _check_tables(dataset: Dataset, notes: Notes) -> Iterator[tuple[str, TableData]]:
    for name in dataset.tables:
        if name == "ledger":
            continue
        try:
            data = dataset.read(name)
        except KamError as error:
            notes.head(name, notes.say.sentence("it cannot be read."))
            notes.problem(str(error))
            continue
        rows = notes.say.plural("{n} row", "{n} rows", len(data.frame))
        notes.head(name, f"{data.description}; {rows}")
        _say_columns(data.used, data.ignored, notes)
        for problem in data.problems:
            notes.problem(f"{name}: {problem}")
        for warning in data.warnings:
            notes.warn(f"{name}: {warning}")
        yield name, data


def _check_customers(ledger: Ledger | None, tables: dict[str, TableData], notes: Notes) -> None:
    """Whether the tables speak of the same customers."""
    buyers = pd.Series(dtype="str")
    if ledger is not None:
        buyers = ledger.rollup.months.select("customer_id").distinct().to_pandas()["customer_id"].astype("str")
    accounts = tables["accounts"].frame["customer_id"].dropna() if "accounts" in tables else pd.Series(dtype="str")
    say = notes.say
    if ledger is not None and "accounts" in tables:
        absent = sorted(buyers[~buyers.isin(accounts)])
        if absent:
            text = say.sentence(
                "{n} of {all} customers of the ledger are not among the accounts ({named}).",
                n=say.count(len(absent)),
                all=say.count(len(buyers)),
                named=name_some(absent, say),
            )
            text = say.join([text, _zeros_hint(absent, accounts, say)])
            if len(absent) > SHARE_WITHOUT_ACCOUNT_TO_MENTION * len(buyers):
                notes.warn(text)
            else:
                notes.add(text)
    known = pd.concat([buyers, accounts])
    for name, data in tables.items():
        if name == "accounts" or "customer_id" not in data.frame.columns or known.empty:
            continue
        there = data.frame["customer_id"].dropna().drop_duplicates()
        strange = sorted(there[~there.isin(known)])
        if strange:
            text = say.sentence(
                "{table}: {n} of {all} customers are neither in the ledger nor among the accounts ({named}).",
                table=name,
                n=say.count(len(strange)),
                all=say.count(len(there)),
                named=name_some(strange, say),
            )
            if name == "survey" and len(strange) == len(there):
                text = say.sentence(
                    "survey: no account that answered is in the ledger or among the accounts ({named}); are the ids written "
                    "alike?",
                    named=name_some(strange, say),
                )
                notes.problem(say.join([text, _zeros_hint(strange, known, say)]))
            else:
                notes.warn(say.join([text, _zeros_hint(strange, known, say)]))


def _zeros_hint(absent: list[str], known: pd.Series, say: Wording) -> str:
    """Identifiers that a spreadsheet robbed of their leading zeros."""
    bare = set(known.str.lstrip("0"))
    if sum(customer.lstrip("0") in bare for customer in absent) <= len(absent) / 2:
        return ""
    return say.sentence("Most of them would be, but for leading zeros: one of the files has lost them.")
