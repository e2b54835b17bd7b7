"""Write a first ``dataset.yaml`` for files of data, with every guess and its reason in a comment."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import yaml
from ibis.backends.duckdb import Backend

from kam.dataset.conventions import guess_currency, guess_language
from kam.dataset.dictionary import TABLES
from kam.dataset.frame_checks import shorten
from kam.dataset.recognition import MIN_READABLE, TableMatch, match_table
from kam.dataset.secrets import exposes_secret, resolve
from kam.dataset.survey_items import GuessedItems, find_items
from kam.errors import DataError, DatasetError, KamError, ParameterError, SecretError, UnreadableFileError
from kam.ledger.databases import Relation, copy_relation, is_address, open_relation
from kam.ledger.description import describe_table
from kam.ledger.file_search import kind_of_file
from kam.ledger.reading import ColumnDescription, SourceDescription, connect, describe_source, type_columns
from kam.ledger.sources import ReadOptions
from kam.ledger.workbooks import find_tables
from kam.wording import Wording

_SAY = Wording()
_OPTIONS = ("encoding", "delimiter", "sheet", "header_row")
_MAX_COPIED = 1_000_000
_MARKS = ("decimal", "thousands", "date_format")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A first ``dataset.yaml``.

    Attributes
    ----------
    text : str
        The YAML, with comments.
    guesses : tuple of str
        What was guessed and why, a sentence each; they stand in the comments too.
    questions : tuple of str
        What could not be guessed. If there is one, the file may not open before it is answered.
    folder : pathlib.Path
        Where the file has to lie, for the sources are named from there.
    """

    text: str
    guesses: tuple[str, ...]
    questions: tuple[str, ...]
    folder: Path

    def write(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write the file; never over another one.

        Parameters
        ----------
        path : path, optional
            By default ``dataset.yaml`` in ``folder``.

        Raises
        ------
        DatasetError
            There is a file already.
        ParameterError
            The path is in another folder than the draft was made for.
        """
        target = Path(path) if path is not None else self.folder / "dataset.yaml"
        if target.parent.resolve() != self.folder.resolve():
            hint = f"Give folder={str(target.parent)!r} to draft_dataset."
            raise ParameterError("The sources are named from another folder.", where=str(self.folder), hint=hint)
        try:
            with target.open("x", encoding="utf-8", newline="\n") as file:
                file.write(self.text)
        except FileExistsError:
            hint = "Give another path, or take that file away."
            raise DatasetError(
                "There is a file already; it is not written over.", where=str(target), hint=hint
            ) from None
        except OSError as error:
            raise UnreadableFileError(f"The file cannot be written: {error.strerror}.", where=str(target)) from error
        return target


@dataclass
class _Found:
    """One file or table of a database, the table it holds, and what was found out."""

    source: str | Relation
    description: SourceDescription
    match: TableMatch
    items: GuessedItems | None = None
    facts: dict[str, str] = field(default_factory=dict)
    odd_products: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)


def draft_dataset(
    *files: str | os.PathLike[str] | Relation, name: str | None = None, folder: str | os.PathLike[str] | None = None
) -> Draft:
    """Look at files of data and write a first ``dataset.yaml``.

    Columns are recognized by their names in English, German, French, Spanish, Chinese, Korean and Japanese, and by what stands
    in them. The amount may be quantity × unit price. What is a guess stands in a comment with its reason; what cannot be
    guessed is a line to be filled in, and a question.

    Parameters
    ----------
    *files : path, glob or Relation
        CSV, Excel or Parquet, or tables of a database, with references to secrets in the address. Which one is the ledger, which
        the accounts, the survey, … is found out.
    name : str, optional
        Name of the dataset; by default that of the first file.
    folder : path, optional
        Where the ``dataset.yaml`` will lie; by default the working folder.

    Returns
    -------
    Draft
        For ordinary files its text opens as it is.

    Raises
    ------
    ParameterError
        No file is given, or one twice.
    UnreadableFileError, DatabaseError, EmptyDataError, DuplicateColumnError
        A file or a table of a database cannot be read, or holds no row.
    SecretError
        A password stands in an address, or a reference cannot be resolved.
    """
    paths = [file if isinstance(file, Relation) else os.fspath(file) for file in files]
    if not paths:
        raise ParameterError("No file is given.", hint="Give the file that holds the orders.")
    if len({path if isinstance(path, Relation) else os.path.abspath(path) for path in paths}) < len(paths):
        raise ParameterError("A file is given twice.", hint="Give each file once.")
    target = Path(folder) if folder is not None else Path.cwd()
    con = connect()
    try:
        described = [(path, one) for path in paths for one in _describe(path, con, target)]
        found, unknown = _assign(described)
        for entry in found:
            _look_closer(entry, con)
        used = {id(entry.description) for entry in found}
        left = [one for path, one in described if id(one) not in used and path not in unknown]
        return _compose(found, unknown, left, name=name, folder=target)
    finally:
        con.disconnect()


def _describe(source: str | Relation, con: Backend, folder: Path) -> list[SourceDescription]:
    """What a source holds: one table, or of a workbook one for each sheet; sheets with the same columns are one table."""
    if not isinstance(source, Relation):
        if _is_glob(source) or is_address(source):
            return [describe_source(source, con)]
        path = Path(source)
        has_sheets = path.is_file() and kind_of_file(path) == "excel"
        return _describe_sheets(path, con) if has_sheets else [describe_source(path, con)]
    if exposes_secret(source.address):
        raise SecretError(
            "A password stands in the address, and it would stand in dataset.yaml.",
            where=source.name,
            hint="Write ${env:NAME} in its place, or leave it to PGPASSWORD or ~/.pgpass.",
        )
    resolved = Relation(resolve(source.address, where=source.name), source.name, folder)
    opened = open_relation(resolved, con)
    n_rows = opened.table.count().to_pyarrow().as_py()
    # Texts are looked at in DuckDB only; what is too large to be copied should have better types.
    return [describe_table(copy_relation(resolved, con)) if n_rows <= _MAX_COPIED else describe_source(resolved, con)]


def _describe_sheets(path: Path, con: Backend) -> list[SourceDescription]:
    alike: dict[frozenset[str], list[str]] = {}
    described: dict[str, SourceDescription] = {}
    unreadable: DataError | None = None
    for sheet in find_tables(path):
        try:
            described[sheet] = describe_source(path, con, options=ReadOptions(sheet=sheet))
        except DataError as error:  # a sheet of notes need not be readable
            unreadable = error
            continue
        columns = frozenset(column.name.casefold() for column in described[sheet].columns)
        alike.setdefault(columns, []).append(sheet)
    if unreadable is not None and not described:
        raise unreadable
    tables = []
    for sheets in alike.values():
        asked = ReadOptions(sheet=tuple(sheets))
        found = described[sheets[0]] if len(sheets) == 1 else describe_source(path, con, options=asked)
        why = "sheets with the same columns, one below the other" if len(sheets) > 1 else "the sheet with these columns"
        findings = {**found.source.findings, "sheet": why if len(described) > 1 else "the only sheet with a table"}
        tables.append(replace(found, source=replace(found.source, findings=findings)))
    return tables


def _file_name(source: str | Relation) -> str:
    return source.name if isinstance(source, Relation) else Path(source).name


def _stem(source: str | Relation) -> str:
    return source.name.rpartition(".")[2].strip('"') if isinstance(source, Relation) else Path(source).stem


def _is_glob(path: str) -> bool:
    return not Path(path).exists() and any(sign in path for sign in "*?[")


# -- which file is which table ---------------------------------------------------------------------------------------


def _assign(
    described: Sequence[tuple[str | Relation, SourceDescription]],
) -> tuple[list[_Found], list[str | Relation]]:
    """The best file for each table; a ledger or a survey there has to be, even if not all of it was found."""
    pairs = [
        _Found(source=path, description=description, match=match_table(description, table, _stem(path)))
        for path, description in described
        for table in TABLES
    ]
    pairs.sort(key=lambda pair: -pair.match.score)
    chosen: list[_Found] = []
    for pair in pairs:
        if not pair.match.missing and not _taken(pair, chosen):
            chosen.append(pair)
    if not {"ledger", "survey"} & {pair.match.table for pair in chosen}:
        main = next(pair for pair in pairs if pair.match.table in ("ledger", "survey"))
        chosen = [main, *(pair for pair in chosen if pair.description is not main.description)]
    order = list(TABLES)
    chosen.sort(key=lambda pair: order.index(pair.match.table))
    return chosen, [path for path, _ in described if path not in {pair.source for pair in chosen}]


def _taken(pair: _Found, chosen: list[_Found]) -> bool:
    return any(pair.description is other.description or pair.match.table == other.match.table for other in chosen)


def _look_closer(found: _Found, con: Backend) -> None:
    """Facts that help to see whether a guess is right, and questions that reading the columns brings up."""
    match, source = found.match, found.description.source
    if match.table == "survey":
        found.items = find_items(found.description, match)
        found.questions += found.items.questions
        if not found.items.items and not {"overall", "recommend", "repurchase"} & match.matches.keys():
            found.questions.append("Which columns are the questions of the survey? Declare them under items:.")
    for name in match.missing:
        meaning = TABLES[match.table].columns[name].meaning
        found.questions.append(f"Which column of {shorten(_file_name(found.source))} is {name} ({meaning})?")
    if match.table != "ledger" or match.missing:
        return
    asked = ("customer_id", "order_date", "amount", "product_id")
    used = {name: m.column.name for name, m in match.matches.items() if name in asked}
    types: dict[str, Any] = {name: TABLES["ledger"].columns[name].type for name in used}
    try:
        table = type_columns(source, used, types).table
        measures = {
            "n_customers": table.customer_id.nunique(),
            "first": table.order_date.min(),
            "last": table.order_date.max(),
        }
        if "amount" in used:
            measures["n_negative"] = (table.amount < 0).sum()
        row = table.aggregate(**measures).to_pyarrow().to_pylist()[0]
        if "product_id" in used:
            found.odd_products = _odd_products(table)
    except KamError as error:
        found.questions.append(str(error))
        return
    found.facts["customer_id"] = f"{_SAY.count(row['n_customers'])} different"
    found.facts["order_date"] = f"{_day(row['first'])} to {_day(row['last'])}"
    if "amount" in used:
        negative = row["n_negative"] or 0
        found.facts["amount"] = f"{_SAY.count(negative)} negative (credit notes)" if negative else "none is negative"


def _odd_products(table: ir.Table) -> list[str]:
    """Product codes without a digit where nearly all have one: often postage, fees, corrections; the usual ones first."""
    odd = table.product_id.notnull() & ~table.product_id.re_search("[0-9]")
    share = table.aggregate(share=odd.mean()).to_pyarrow()["share"].to_pylist()[0]
    if not share or share > 1 - MIN_READABLE:
        return []
    counts = table.filter(odd).group_by("product_id").aggregate(n=lambda t: t.count())
    found: list[str] = counts.order_by([counts.n.desc(), "product_id"]).limit(12).to_pyarrow()["product_id"].to_pylist()
    return found


def _types(found: _Found) -> set[str]:
    """Types of the columns that were recognized."""
    specs = TABLES[found.match.table].columns
    return {specs[name].type for name in found.match.matches}


def _currency_columns(found: list[_Found]) -> list[ColumnDescription]:
    return [entry.match.matches["currency"].column for entry in found if "currency" in entry.match.matches]


def _money_columns(found: list[_Found]) -> list[ColumnDescription]:
    return [
        match.column
        for entry in found
        for name, match in entry.match.matches.items()
        if TABLES[entry.match.table].columns[name].type == "money" or name == "unit_price"
    ]


def _day(moment: datetime | date | None) -> str:
    return moment.strftime("%Y-%m-%d") if moment is not None else "no date"


# -- the text --------------------------------------------------------------------------------------------------------


@dataclass
class _Text:
    """Lines of YAML, and the guesses they make."""

    lines: list[str] = field(default_factory=list)
    guesses: list[str] = field(default_factory=list)

    def put(self, key: str, value: object, why: str = "", *, indent: int = 0, guess: bool = True) -> None:
        """``key: value  # why``."""
        comment = f"  # {why}" if why else ""
        self.lines.append(f"{' ' * indent}{key}: {_scalar(value)}{comment}")
        if why and guess:
            self.guesses.append(f"{key}: {_scalar(value)} ({why})")

    def note(self, text: str, *, indent: int = 0) -> None:
        """A line of comment."""
        self.lines.append(f"{' ' * indent}# {text}")


def _scalar(value: object) -> str:
    """A value as YAML: quoted where it has to be, on one line."""
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, width=10**9)
    return text.removesuffix("\n").removesuffix("\n...").strip()


def _compose(
    found: list[_Found],
    unknown: list[str | Relation],
    left: list[SourceDescription],
    *,
    name: str | None,
    folder: Path,
) -> Draft:
    text = _Text()
    columns = [column for entry in found for column in entry.description.columns]
    questions = [question for entry in found for question in entry.questions]
    tables = {entry.match.table for entry in found}
    questions += [f"What is {shorten(_file_name(path))}? It was not recognized." for path in unknown]
    currency, why_currency = guess_currency(_currency_columns(found), _money_columns(found))
    if currency is None and ("ledger" in tables or any("money" in _types(entry) for entry in found)):
        questions.append(f"Which currency? {why_currency[:1].upper()}{why_currency[1:]}.")

    text.note(
        "A first draft by `kam init`. Everything behind a # is a comment: guesses with their reasons, and what may be added."
    )
    text.note("`kam check` shows what a report would make of it.")
    for question in questions:
        text.note(f"QUESTION: {_one_line(question)}")
    text.lines.append("")
    text.put(
        "name",
        name_dataset(name or _stem(found[0].source)),
        "keep it: the same dataset has the same name",
        guess=False,
    )
    text.note("title: …  # the name for people")
    text.put(
        "currency", currency, why_currency if currency else f"{why_currency}; until it is filled in, money has no unit"
    )
    text.put("language", *guess_language(columns, [entry.description.options.encoding for entry in found]))
    text.put("time_zone", "UTC", "where days begin and end, as Europe/Berlin or Asia/Seoul", guess=False)
    text.put("fiscal_year_start", 1, "month", guess=False)
    text.put("as_of", None, "null: the last order that is not after the day of the run", guess=False)
    text.lines.append("")
    codes = [code for entry in found for code in entry.odd_products]
    if codes:
        text.note(
            "These product codes hold no digit, unlike nearly all. Which are no products (postage, fees, corrections)?"
        )
    rest = "duplicates: true, zero_amounts: true, cancellations: true, ledger_total: null"
    text.note(f"cleaning: {{non_product_codes: {_scalar(codes)}, {rest}}}")
    text.note("assumptions: {discount_rate: 0.08, saving_rate: 0.2, cost_of_visit: 350}")
    text.lines += ["", "tables:"]
    for entry in found:
        _write_table(text, entry, folder)
    others = [table for table in TABLES if table not in tables]
    text.note(f"Also possible: {', '.join(others)}.", indent=2)
    for one in left:
        told = (
            f"{_one_line(one.source.description)}: not read; it looks like none of these tables, or another was better"
        )
        text.note(told, indent=2)
        text.guesses.append(told)
    return Draft(
        text="\n".join(text.lines) + "\n", guesses=tuple(text.guesses), questions=tuple(questions), folder=folder
    )


def _write_table(text: _Text, found: _Found, folder: Path) -> None:
    match, description = found.match, found.description
    spec = TABLES[match.table]
    text.lines.append(f"  {match.table}:")
    source = found.source
    told = description.source.description  # of a file it begins with the name
    text.guesses.append(
        f"{match.table}: {source.name} ({told})" if isinstance(source, Relation) else f"{match.table}: {told}"
    )
    text.note(
        f"One row per {spec.one_row_per}. {_one_line(description.source.description)}; {_SAY.count(description.n_rows)} rows.",
        indent=4,
    )
    if isinstance(source, Relation):
        text.put("source", source.address, indent=4)
        text.put("relation", source.name, indent=4)
    else:
        text.put("source", _relative(source, folder), indent=4)
    for option in _OPTIONS:
        value = getattr(description.options, option)
        value = list(value) if isinstance(value, tuple) else value
        if value is not None and not (option == "header_row" and value == 1):
            why = _one_line(description.source.findings.get(option, "found in the file"))
            text.put(option, value, why, indent=4)
    for option in _MARKS:
        _write_marks(text, option, found)
    if found.items and found.items.items:
        found.items.write(text.lines, _scalar)
    text.lines.append("    columns:")
    for name, column in spec.columns.items():
        if name in match.matches:
            matched = match.matches[name]
            fact = f"; {found.facts[name]}" if name in found.facts else f"; e.g. {_examples(matched.column)}"
            text.put(name, matched.column.name, matched.why + fact, indent=6)
        elif name in match.missing:
            text.note(f"{name}: …  # QUESTION: {column.meaning}. Needed, and not recognized.", indent=6)
        elif name in (c.name for c in description.columns):
            text.put(name, None, "the column of this name does not fit, see below", indent=6)
    for name, (column_name, why) in (found.items.columns if found.items else {}).items():
        text.put(_scalar(name), column_name, why, indent=6)
    if match.table == "ledger" and "amount" not in match.matches and "amount" not in match.missing:
        text.note("amount: there is none, so quantity × unit_price is taken", indent=6)
        text.guesses.append("amount: quantity × unit_price")
    for line in match.rejected:
        text.note(_one_line(line), indent=6)
    used = {m.column.name for m in match.matches.values()} | (found.items.names if found.items else set())
    unused = [shorten(column.name) for column in description.columns if column.name not in used]
    if unused:
        text.note(f"Not used: {', '.join(unused[:40])}{', …' if len(unused) > 40 else ''}", indent=6)
    absent = [name for name in spec.columns if name not in match.matches and name not in match.missing]
    if match.table == "ledger" and "amount" not in match.matches:
        absent.remove("amount") if "amount" in absent else None
    if absent:
        text.note(f"Not found; add what the file has: {', '.join(absent)}", indent=6)


def _write_marks(text: _Text, option: str, found: _Found) -> None:
    """Decimal mark, thousands mark and date format, where the columns agree on one; else each column's is detected."""
    types = ("date",) if option == "date_format" else ("money", "number")
    specs = TABLES[found.match.table].columns
    columns = [
        m.column for name, m in found.match.matches.items() if specs[name].type in types and m.column.type == "text"
    ]
    values = {getattr(column, option) for column in columns} - {None}
    doubtful = [c for c in columns if (c.ambiguous_date if option == "date_format" else c.ambiguous_number)]
    if doubtful:
        names = ", ".join(shorten(column.name) for column in doubtful)
        text.note(f"{option}: …  # QUESTION: {names} can be read in two ways: {_examples(doubtful[0])}", indent=4)
    elif len(values) == 1:
        value = values.pop()
        shown = next(column for column in columns if getattr(column, option) == value)
        text.put(option, value, f"e.g. {_examples(shown)}", indent=4)
    elif values:
        text.note(f"{option}: differs between the columns, and is detected for each", indent=4)


def _examples(column: ColumnDescription) -> str:
    return ", ".join(shorten(example) for example in column.examples[:2]) or "nothing"


def _one_line(text: str) -> str:
    """Text that cannot leave its comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _relative(source: str, folder: Path) -> str:
    try:
        return Path(os.path.relpath(source, folder)).as_posix()
    except ValueError:  # another drive
        return Path(source).absolute().as_posix()


def name_dataset(text: str) -> str:
    """Make a name that a dataset may have.

    >>> name_dataset("My Company, Ltd."), name_dataset("매출 2025"), name_dataset("...")
    ('my_company_ltd', '매출_2025', 'dataset')
    """
    name = re.sub(r"[^\w.-]+", "_", text).strip("_.-")[:60].rstrip("_.-")
    return name.lower() or "dataset"
