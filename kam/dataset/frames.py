"""Read one table of a dataset into a pandas frame with canonical columns, and find what is wrong with it.

The ledger is not read here: it stays in the engine (:mod:`kam.ledger`).
"""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
from ibis.backends.duckdb import Backend

from kam.dataset.answers import (
    SCORES,
    answer_columns,
    check_long,
    hide_codes,
    needs_reading,
    read_answers,
    require_items,
    scales,
    spread_long,
)
from kam.dataset.dictionary import LONG_SURVEY, TABLES, ColumnSpec
from kam.dataset.frame_checks import (
    Findings,
    check_accounts,
    check_columns,
    check_key,
    check_overrides,
    shorten,
)
from kam.dataset.periods import ALLOWED, Freq, parse_periods
from kam.dataset.schema import DatasetFile, SurveyFile, TableFile
from kam.dataset.secrets import resolve
from kam.dataset.yaml_files import nearest
from kam.errors import DataError, DatasetError, MissingColumnError
from kam.ledger.databases import Relation, copy_relation, is_address
from kam.ledger.reading import ColumnType, ReadOptions, SourceTable, read_source, type_columns
from kam.wording import Wording

_RAW = "what stands in the source for "


@dataclass(frozen=True, kw_only=True)
class TableData:
    """One table as it was read.

    Attributes
    ----------
    frame : pandas.DataFrame
        Canonical columns, in the order of the dictionary; money and numbers are float64, dates datetime64, flags boolean.
    raw : pandas.DataFrame
        The same columns as text, as they stand in the source.
    description : str
        The source in a few words.
    used : dict of str to str
        Canonical column → column of the source.
    ignored : tuple of str
        Columns of the source that nothing uses.
    problems : tuple of str
        What makes the table unusable, in sentences.
    warnings : tuple of str
        What a reader should know, in sentences.
    """

    frame: pd.DataFrame
    raw: pd.DataFrame
    description: str
    used: dict[str, str]
    ignored: tuple[str, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    def require_sound(self, name: str) -> TableData:
        """Return the table itself, or raise what is wrong with it.

        Raises
        ------
        DataError
            The table has problems.
        """
        if not self.problems:
            return self
        more = f" And {len(self.problems) - 5} more." if len(self.problems) > 5 else ""
        raise DataError(
            f"The table {name} cannot be used. {' '.join(self.problems[:5])}{more}",
            where=self.description,
            hint="Correct the source; `kam check` lists everything at once.",
        )


# -- the source ------------------------------------------------------------------------------------------------------


def read_options(table: TableFile) -> ReadOptions:
    """How ``dataset.yaml`` says the table is read."""
    return ReadOptions(**{field.name: getattr(table, field.name) for field in fields(ReadOptions)})


def locate_source(table: TableFile, folder: Path) -> Path | str | Relation:
    """The path of the source, or the glob, from the folder of ``dataset.yaml``; or a table of a database.

    References to secrets are resolved. A file that is there is taken by its name, even if that holds signs of a glob.

    Raises
    ------
    SecretError
        A reference cannot be resolved.
    DatasetError
        A reference stands for an address, and there is no ``relation``; or for none, and there is one.
    """
    where = str(folder / "dataset.yaml")
    source = resolve(table.source, where=where)
    if is_address(source) != (table.relation is not None):
        what = "is the address of a database, and there is no relation" if is_address(source) else "is no address"
        hint = "An address and `relation: schema.table` belong together; a file has neither."
        raise DatasetError(f"What {table.source!r} stands for {what}.", where=where, hint=hint)
    if table.relation is not None:
        return Relation(source, table.relation, folder)
    path = folder / source
    if path.exists() or not glob.has_magic(source):
        return path
    return str(Path(glob.escape(str(folder))) / source)


def open_source(table: TableFile, folder: Path, con: Backend) -> SourceTable:
    """Open the source of a table other than the ledger, its columns as they are; one of a database is copied."""
    located = locate_source(table, folder)
    if isinstance(located, Relation):
        return copy_relation(located, con, options=read_options(table))
    return read_source(located, con, options=read_options(table))


# -- the columns -----------------------------------------------------------------------------------------------------


def specs_of(file: DatasetFile, name: str) -> dict[str, ColumnSpec]:
    """Every canonical column that the table may have in this dataset, with its type and domain."""
    specs = dict(TABLES[name].columns)
    if name == "accounts":
        for criterion in file.criteria:
            if criterion.kind == "judged":
                low, high = sorted(criterion.range or (1.0, 5.0))
                specs[criterion.name] = _declared("number", "judged criterion", low, high)
    if name == "survey" and (survey := file.tables.survey) is not None:
        specs |= {group: _declared("text", "group of respondents") for group in survey.groups}
        if survey.form == "long":
            specs |= LONG_SURVEY
            specs["respondent_id"] = replace(specs["respondent_id"], required=True)
        else:
            limits = scales(survey)
            specs |= {item.name: _declared("number", item.text or "item", *limits[item.name]) for item in survey.items}
    return specs


def _declared(type: Any, meaning: str, low: float | None = None, high: float | None = None) -> ColumnSpec:
    return ColumnSpec(type=type, meaning=meaning, declared=True, low=low, high=high)


def choose_columns(
    table: TableFile,
    specs: dict[str, ColumnSpec],
    available: Sequence[str],
    *,
    name: str,
    where: str,
    required: bool = True,
) -> dict[str, str]:
    """Which column of the source is which: as ``columns:`` says, else the column of the same name.

    Raises
    ------
    MissingColumnError
        A column that is named, required or declared is not there.
    """
    chosen: dict[str, str] = {}
    for canonical, spec in specs.items():
        named = table.columns.get(canonical, canonical)
        if named is None:
            continue
        if named in available:
            chosen[canonical] = named
        elif canonical in table.columns:
            what = f"tables.{name}.columns.{canonical} names the column {named!r}"
            raise _missing(what, named, available, where)
        elif required and (spec.required or spec.declared):
            hint = f" Say which it is under tables.{name}.columns, as `{canonical}: <name in the source>`."
            raise _missing(f"The table {name} needs a column {canonical!r}", named, available, where, hint)
    return chosen


def _missing(what: str, column: str, available: Sequence[str], where: str, hint: str = "") -> MissingColumnError:
    there = ", ".join(repr(name) for name in available[:40]) + (", …" if len(available) > 40 else "")
    return MissingColumnError(
        f"{what}, which is not there.",
        where=where,
        hint=f"{nearest(column, available)}The source has {there}.{hint}",
    )


# -- the rows --------------------------------------------------------------------------------------------------------


def read_table(file: DatasetFile, name: str, source: SourceTable, *, say: Wording) -> TableData:
    """Read one table other than the ledger, and check it.

    Parameters
    ----------
    file : DatasetFile
        What ``dataset.yaml`` says.
    name : str
        Which table.
    source : SourceTable
        The table's source, opened.
    say : Wording
        The language of problems and warnings.

    Returns
    -------
    TableData
        The frame and what was found; a survey is wide whatever its form was.

    Raises
    ------
    DataError
        A column is missing, or cannot be read at all.
    """
    table: TableFile = getattr(file.tables, name)
    specs = specs_of(file, name)
    among_items = _scores_among_items(table, source.table.columns) if isinstance(table, SurveyFile) else {}
    specs = {column: spec for column, spec in specs.items() if column not in among_items}
    used = choose_columns(table, specs, source.table.columns, name=name, where=source.description)
    worded = _worded_columns(source, used, table) if isinstance(table, SurveyFile) else []
    frame, raw = _fetch(source, used, specs, file.time_zone, worded)

    in_rows_of_file = source.kind in ("csv", "excel") and not glob.has_magic(table.source)
    found = Findings(say=say, first_row=(source.options.header_row or 1) + 1 if in_rows_of_file else 1)
    if isinstance(table, SurveyFile):
        frame, raw = _prepare_survey(frame, raw, specs, table, worded, among_items, found)
    else:
        _prepare(file, name, frame, raw, specs, found)
    return TableData(
        frame=frame,
        raw=raw,
        description=source.description,
        used=used,
        ignored=tuple(column for column in source.table.columns if column not in used.values()),
        problems=tuple(found.problems),
        warnings=tuple(found.warnings),
    )


def _fetch(
    source: SourceTable, used: dict[str, str], specs: dict[str, ColumnSpec], time_zone: str, worded: Sequence[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The typed columns and, beside them, what stands in the source; worded answers stay text."""
    types: dict[str, ColumnType] = {}
    for column in used:
        kind = specs[column].type
        types[column] = "text" if column in worded else "id" if kind == "period" else kind
    typed = type_columns(source, used, types, time_zone=time_zone).columns
    values = {column: value.cast("float64") if types[column] == "money" else value for column, value in typed.items()}
    texts = {_RAW + column: source.table[origin].cast("string") for column, origin in used.items()}
    both = source.table.select(**values, **texts).to_pandas()
    raw = both[[_RAW + column for column in used]].set_axis(list(used), axis=1).astype("str")
    frame = both[list(used)].copy()
    for column, kind in types.items():
        if kind in ("id", "text"):
            frame[column] = frame[column].astype("str")
        elif kind == "flag":
            frame[column] = frame[column].astype("boolean")
    return frame, raw


def _scores_among_items(survey: SurveyFile, available: Sequence[str]) -> dict[str, str]:
    """In long form, scores and items that ``columns:`` names by what stands in the column item: name → name there."""
    if survey.form == "wide":
        return {}
    named = {score: survey.columns.get(score) for score in SCORES}
    scores = {score: name for score, name in named.items() if name is not None and name not in available}
    called = {item.name: survey.columns.get(item.name) for item in survey.items}
    return scores | {item: name for item, name in called.items() if name is not None}


def _worded_columns(source: SourceTable, used: dict[str, str], survey: SurveyFile) -> list[str]:
    """Columns of answers in which something other than numbers stands."""
    worded = []
    for column in answer_columns(pd.DataFrame(columns=list(used)), survey):
        values = source.table[used[column]]
        if values.type().is_string():
            texts = values.name("text").as_table().distinct().to_pyarrow()["text"].to_pylist()
            if needs_reading(texts, survey):
                worded.append(column)
    return worded


def _prepare_survey(
    frame: pd.DataFrame,
    raw: pd.DataFrame,
    specs: dict[str, ColumnSpec],
    survey: SurveyFile,
    worded: Sequence[str],
    among_items: dict[str, str],
    found: Findings,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read what is written in words, take codes out, check, and turn the long form wide; the text keeps words and codes."""
    if survey.form == "long":
        for score, item in among_items.items():
            if not (frame["item"] == item).any():
                found.problem(
                    "columns: says that {score} is {item}, which is neither a column nor an item of the source.",
                    score=score,
                    item=shorten(item),
                )
        frame["item"] = frame["item"].replace(dict(zip(among_items.values(), among_items, strict=True)))
    frame, raw = _add_keys(frame, raw)
    specs = specs | {key: replace(specs[key], required=True) for key in TABLES["survey"].key}
    known = raw
    if worded:
        frame, known = read_answers(frame, raw, worded, survey, found)
    frame, without_codes = hide_codes(frame, known, survey)
    check_columns(frame, without_codes, specs, found)
    if survey.form == "long":
        check_long(frame, raw, survey, found)
        check_key(frame, ("respondent_id", "wave", "item"), found)
        frame, raw = spread_long(frame, raw, survey, found)
    else:
        check_key(frame, TABLES["survey"].key, found)
    if "weight" in frame.columns and frame["weight"].isna().any():
        lacking = frame["weight"].isna()
        found.problem(
            "weight is missing in {rows}. Give every answer one, or leave the column out: then all count alike.",
            rows=found.rows(lacking, frame["respondent_id"]),
        )
    require_items(frame, survey)
    return frame, raw


def _add_keys(frame: pd.DataFrame, raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make each row a respondent, and all of them one wave, where the source does not say which they are."""
    made: dict[str, pd.Series] = {}
    if "respondent_id" not in frame.columns:
        made["respondent_id"] = pd.Series([f"row {i + 1}" for i in range(len(frame))], index=frame.index, dtype="str")
    if "wave" not in frame.columns:
        first = frame["answered_on"].min() if "answered_on" in frame.columns else pd.NaT
        made["wave"] = pd.Series("1" if pd.isna(first) else f"{first:%Y-%m}", index=frame.index, dtype="str")
    order = [*TABLES["survey"].key, *(column for column in frame.columns if column not in TABLES["survey"].key)]
    return frame.assign(**made)[order], raw.assign(**made)[order]


def _prepare(
    file: DatasetFile,
    name: str,
    frame: pd.DataFrame,
    raw: pd.DataFrame,
    specs: dict[str, ColumnSpec],
    found: Findings,
) -> None:
    """Check the frame, and change in it what is written in several ways: kinds in lower case, periods as their first day."""
    for column in frame.columns:
        if specs[column].allowed:
            frame[column] = frame[column].str.strip().str.lower()
    check_columns(frame, raw, specs, found)
    if name == "accounts":
        check_accounts(frame, found)
    elif name == "overrides":
        check_overrides(frame, found)
    elif name == "targets":
        freq = file.tables.targets.freq if file.tables.targets else None
        frame["period"], frame["freq"] = _read_periods(file, frame["period"], freq, found)
    elif name == "external":
        frame["month"], _ = _read_periods(file, frame["month"], None, found)
    check_key(frame, TABLES[name].key, found)


def _read_periods(file: DatasetFile, texts: pd.Series, freq: Freq | None, found: Findings) -> tuple[pd.Series, str]:
    parsed = parse_periods(texts, freq=freq, fiscal_year_start=file.fiscal_year_start)
    if parsed.unreadable.any():
        found.problem(
            "{column} cannot be read as a {freq} in {rows}. Allowed: {allowed}.",
            column=texts.name,
            freq=parsed.freq,
            rows=found.rows(parsed.unreadable, texts),
            allowed=ALLOWED,
        )
    return parsed.start, parsed.freq
