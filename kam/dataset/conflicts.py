"""What one key of ``dataset.yaml`` says about another: columns no table has, names used twice, ambiguous codes."""

from __future__ import annotations

from collections.abc import Iterator

from kam.columns import GLOSSARY
from kam.dataset.dictionary import LONG_SURVEY, TABLES
from kam.dataset.folding import fold
from kam.dataset.schema import DatasetFile, SurveyFile, TableFile
from kam.dataset.yaml_files import Key, nearest
from kam.ledger.databases import ADDRESSES, find_address_fault, is_address

_FILE_OPTIONS = ("encoding", "delimiter", "sheet", "header_row")

MEASURES = tuple(
    dict.fromkeys(
        [name for name, column in GLOSSARY.items() if column.format in ("money", "count", "number", "share", "days")]
        + [name for name, spec in TABLES["accounts"].columns.items() if spec.type in ("money", "number")]
    )
)
"""What a measured criterion may be: a measure of the glossary, or a column of numbers of the accounts."""


def find_conflicts(file: DatasetFile) -> Iterator[tuple[Key, str]]:
    """Every key that contradicts another, with a sentence about it."""
    tables = file.tables
    if tables.ledger is None and tables.survey is None:
        yield ("tables",), "there is neither a ledger nor a survey, and one of them is needed."
    for name in type(tables).model_fields:
        table = getattr(tables, name)
        if table is not None:
            yield from _column_conflicts(name, table, file.columns_of(name))
    yield from _criteria_conflicts(file)
    if tables.survey is not None:
        yield from _survey_conflicts(tables.survey)
    if tables.accounts is not None:
        known = file.columns_of("accounts")
        for i, column in enumerate(tables.accounts.static):
            if column not in known:
                key = ("tables", "accounts", "static", i)
                yield key, f"it is no column of the accounts. {nearest(column, known)}Allowed: {', '.join(known)}."


def _column_conflicts(name: str, table: TableFile, known: tuple[str, ...]) -> Iterator[tuple[Key, str]]:
    at: Key = ("tables", name)
    yield from _source_conflicts(at, table)
    if table.decimal is not None and table.decimal == table.thousands:
        yield (*at, "thousands"), "it is the decimal mark too. One of the two has to be another."
    if table.decimal is not None and table.decimal == table.delimiter:
        yield (*at, "decimal"), "it is the delimiter too. One of the two has to be another."
    by_source: dict[str, str] = {}
    required, in_rows = TABLES[name].required, set[str]()
    if isinstance(table, SurveyFile) and table.form == "long":
        required, in_rows = (*required, "respondent_id"), {item.name for item in table.items}
    for canonical, source in table.columns.items():
        if canonical not in known:
            guess = nearest(canonical, known)
            if not guess and source in known:
                guess = f"Canonical names stand on the left: write `{source}: {canonical}`. "
            yield (*at, "columns", canonical), f"the key names no column of {name}. {guess}Allowed: {', '.join(known)}."
        elif source is None and canonical in required:
            yield (*at, "columns", canonical), "it cannot be left out: the column is required."
        elif (
            canonical not in in_rows
            and source in by_source
            and not _may_share(name, canonical, by_source[source or ""])
        ):
            yield (*at, "columns", canonical), f"it is {by_source[source]} already."
        if source is not None and canonical not in in_rows:  # of those it says what stands in the column of items
            by_source.setdefault(source, canonical)


def _source_conflicts(at: Key, table: TableFile) -> Iterator[tuple[Key, str]]:
    """A file with the options of a database, and the other way round; what a reference stands for is not known yet."""
    if is_address(table.source):
        if fault := find_address_fault(table.source):
            yield (*at, "source"), f"it cannot be read: {fault}"
        if table.relation is None:
            yield (
                (*at, "source"),
                "it is an address; the table or view there is needed too, as `relation: schema.table`.",
            )
        for option in _FILE_OPTIONS:
            if getattr(table, option) is not None:
                yield (*at, option), "it is an option of files, and the source is a database."
    elif table.relation is not None and "${" not in table.source:
        yield (
            (*at, "relation"),
            f"it is for a database, and the source is a file. Allowed as the source then: {ADDRESSES}.",
        )


def _may_share(table: str, first: str, second: str) -> bool:
    """One column may identify two things (the respondent is the customer), but it is not both a sum and a date."""
    types = [TABLES[table].columns[name].type for name in (first, second) if name in TABLES[table].columns]
    return len(types) == 2 and set(types) <= {"id", "text"}


def _criteria_conflicts(file: DatasetFile) -> Iterator[tuple[Key, str]]:
    seen: set[str] = set()
    for i, criterion in enumerate(file.criteria):
        key = ("criteria", i, "name")
        if criterion.name.casefold() in seen:
            yield key, "it stands twice; each criterion has a name of its own."
        seen.add(criterion.name.casefold())
        if criterion.kind == "judged" and criterion.name.casefold() in TABLES["accounts"].columns:
            yield key, "it is a column of the accounts already; give it another name, or kind: measured."
        if criterion.kind == "measured" and criterion.name not in MEASURES:
            guess = nearest(criterion.name, MEASURES)
            yield key, f"it is nothing that is measured. {guess}Allowed: {', '.join(MEASURES)}."
    if file.criteria and not sum(criterion.weight for criterion in file.criteria) > 0:
        yield ("criteria",), "the weights add up to 0; at least one has to be above 0."
    if file.judged and file.tables.accounts is None:
        yield ("criteria",), "judged criteria are columns of the accounts, but there is no table accounts."


def _survey_conflicts(survey: SurveyFile) -> Iterator[tuple[Key, str]]:
    at: Key = ("tables", "survey")
    taken = dict.fromkeys([*TABLES["survey"].columns, *LONG_SURVEY], "a column of the survey")
    named = [((*at, "items", i, "name"), item.name, "an item") for i, item in enumerate(survey.items)]
    named += [((*at, "groups", i), group, "a group") for i, group in enumerate(survey.groups)]
    for key, name, what in named:
        if name.casefold() in taken:  # engines do not tell Q1 from q1
            yield key, f"it is {taken[name.casefold()]} already; {what} needs a name of its own."
        taken.setdefault(name.casefold(), what)
    scales = [item.range for item in survey.items] or [(1.0, 5.0)]
    yield from _level_conflicts(survey, scales)
    for option in ("not_applicable", "no_answer"):
        for i, code in enumerate(getattr(survey, option)):
            if any(isinstance(code, int) and low <= code <= high for low, high in scales):
                yield (*at, option, i), "it is an answer on the scale of an item too. Allowed: codes outside it."
            if option == "no_answer" and code in survey.not_applicable:
                yield (*at, option, i), "it is a code for not applicable too; it can mean only one of them."


def _level_conflicts(survey: SurveyFile, scales: list[tuple[float, float]]) -> Iterator[tuple[Key, str]]:
    """Levels off every scale, and texts that are declared as something else, too."""
    own = [(spec.low, spec.high) for spec in TABLES["survey"].columns.values() if spec.high is not None]
    on_scale = [*scales, *((low or 0.0, high) for low, high in own)]
    codes = {fold(str(code)) for code in (*survey.not_applicable, *survey.no_answer)}
    seen: dict[str, str] = {}
    for text, value in survey.levels.items():
        key = ("tables", "survey", "levels", text)
        if not any(low <= value <= high for low, high in on_scale):
            yield (
                key,
                "the number is on the scale of no question. Allowed: a number from the lowest to the highest answer.",
            )
        if fold(text) in codes:
            yield key, "it is a code for no answer or not applicable too; it can mean only one of them."
        if fold(text) in seen:
            yield key, f"it is the same text as {seen[fold(text)]!r}: case, spaces and signs do not count."
        seen.setdefault(fold(text), text)
