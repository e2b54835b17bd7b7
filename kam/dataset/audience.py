"""A dataset for a report that is shared: nobody is named in it, and nothing can be traced to a single person.

Every column of the dictionary says what is to become of it (:attr:`kam.dataset.dictionary.ColumnSpec.personal`):

- a **colleague** (account manager, sponsor, who set a tier, the new manager of a handover) is "colleague 7", the same one
  everywhere; the manager whose accounts the report is about keeps the name;
- a **person** (contact, respondent, sampling unit) is "person 12" of the table;
- what is **private** (names of contacts, what a respondent wrote) is not there;
- of a **note** (role, reason, outcome, status, the groups of respondents) stays what at least five different accounts have in
  common, such as "late delivery"; what was written only here and there is taken for free text, and is missing.

Pseudonyms are numbers given in a shuffled order, not digests: nobody can find out a number by hashing a list of likely names. The
order follows from all cells of the table, answers and remarks among them, and so is the same whenever the table is, and not to be
had without the table: it does not follow from the fingerprint, which reports show. Rows stand in the order of the pseudonyms.

Of the survey, a question of a wave with fewer than five answers is left out, and so is a wave of which nothing is left. Names of
accounts stay: an account may be called like the person who owns it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property

import pandas as pd

from kam.dataset.answers import answer_columns
from kam.dataset.derived import DerivedDataset
from kam.dataset.dictionary import TABLES, Personal
from kam.dataset.frames import TableData
from kam.dataset.opening import Dataset
from kam.disclosure import FEWEST
from kam.ledger import Ledger


class SharedDataset(DerivedDataset):
    """A dataset as a shared report may know it.

    Of the problems and warnings of a table it tells only how many there are.

    Parameters
    ----------
    dataset : Dataset
        With names.
    manager : str
        The manager who reads it and keeps the name; empty: nobody does.
    """

    def __init__(self, dataset: Dataset, *, manager: str = "") -> None:
        super().__init__(dataset, dataset.file, ["shared", manager])
        self.audience = "shared"
        self._reader = manager

    @property
    def ledger(self) -> Ledger:
        """The ledger, which knows no persons.

        Raises
        ------
        DatasetError
            The dataset has no ledger.
        """
        return self.base.ledger

    @cached_property
    def colleagues(self) -> dict[str, str]:
        """Pseudonyms of managers, sponsors and others of ours, by name."""
        names: list[pd.Series] = []
        seeds = []
        for table in ("accounts", "overrides", "events"):
            if table not in self.tables:
                continue
            data = self.base.read(table)
            seeds.append(_digest(data.raw))
            columns = [c for c in data.frame if _personal(self, table, str(c)) == "colleague"]
            names += [data.frame[column] for column in columns]
            if {"kind", "outcome"} <= set(data.frame):
                names.append(data.frame.loc[data.frame["kind"] == "handover", "outcome"])
        if not names:
            return {}
        found = _number(pd.concat(names), "".join(seeds), self._wording.sentence("colleague"))
        return found | ({self._reader: self._reader} if self._reader else {})

    def _derive(self, name: str, data: TableData) -> TableData:
        if data.problems:
            return _count_problems(data, name)
        frame, raw = data.frame.copy(), data.raw.copy()
        marks: dict[str, Personal] = {str(column): _personal(self, name, str(column)) for column in frame}
        gone = [column for column, mark in marks.items() if mark == "private"]
        frame, raw = frame.drop(columns=gone), raw.drop(columns=gone, errors="ignore")
        handover = frame["kind"] == "handover" if name == "events" else pd.Series(False, index=frame.index)
        owner = frame["customer_id"] if "customer_id" in frame else pd.Series(frame.index, index=frame.index)
        people = []
        for column, mark in marks.items():
            if mark == "colleague":
                frame[column] = _rename(frame[column], self.colleagues)
            elif mark == "person":
                known = _number(frame[column], _digest(data.raw) + column, self._wording.sentence("person"))
                frame[column] = _rename(frame[column], known)
                people.append(column)
            elif mark == "note":
                said = _common(frame[column].mask(handover), owner)
                frame[column] = said.mask(handover, _rename(frame[column], self.colleagues))
                if TABLES[name].columns.get(column) and TABLES[name].columns[column].required:
                    frame[column] = frame[column].fillna(self._wording.sentence("not in a shared report"))
            else:
                continue
            if column in raw:
                raw[column] = frame[column].astype("str")
        if name == "survey":
            frame, raw = self._drop_rare_questions(frame, raw)
        if people:
            order = frame.sort_values([*people[:1], *(c for c in ("wave",) if c in frame)], kind="stable").index
            frame, raw = frame.loc[order].reset_index(drop=True), raw.loc[order].reset_index(drop=True)
        return replace(data, frame=frame, raw=raw, warnings=())

    def _drop_rare_questions(self, frame: pd.DataFrame, raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        survey = self.file.tables.survey
        assert survey is not None
        asked = answer_columns(frame, survey)
        few = frame[asked].notna().groupby(frame["wave"]).transform("sum") < FEWEST
        return blank_answers(frame, raw, few)


def blank_answers(frame: pd.DataFrame, raw: pd.DataFrame, gone: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A survey and its texts without some answers, and without the rows of which no answer is left.

    Parameters
    ----------
    frame, raw : pandas.DataFrame
        The survey and the same rows as they stand in the source; they are not changed.
    gone : pandas.DataFrame of bool
        Same rows, columns of answers: true where the answer is to go.
    """
    asked = list(gone.columns)
    had = frame[asked].notna().any(axis=1)
    frame, raw = frame.copy(), raw.copy()
    frame[asked] = frame[asked].mask(gone)
    raw[asked] = raw[asked].mask(gone)
    stays = ~(had & frame[asked].isna().all(axis=1))
    return frame[stays].reset_index(drop=True), raw[stays].reset_index(drop=True)


# -- inside ----------------------------------------------------------------------------------------------------------


def _personal(dataset: Dataset, table: str, column: str) -> Personal:
    survey = dataset.file.tables.survey
    if table == "survey" and survey is not None and column in survey.groups:
        return "note"
    spec = TABLES[table].columns.get(column)
    return spec.personal if spec and not _is_item(dataset, table, column) else ""


def _is_item(dataset: Dataset, table: str, column: str) -> bool:
    survey = dataset.file.tables.survey
    return table == "survey" and survey is not None and column in {item.name for item in survey.items}


def _digest(raw: pd.DataFrame) -> str:
    """Of all cells of a table."""
    rows = raw.fillna("").to_csv(index=False)
    return hashlib.sha256(rows.encode("utf-8", "surrogatepass")).hexdigest()


def _number(values: Iterable[object], seed: str, word: str) -> dict[str, str]:
    """A number for each value, in an order that only who has the seed can tell."""
    known = {str(value) for value in values if not pd.isna(value)}  # type: ignore[call-overload]
    key = seed.encode()
    order = sorted(known, key=lambda value: hmac.digest(key, value.encode("utf-8", "surrogatepass"), "sha256"))
    width = len(str(len(order)))
    return {value: f"{word} {n:0{width}d}" for n, value in enumerate(order, start=1)}


def _rename(values: pd.Series, names: Mapping[str, str]) -> pd.Series:
    return values.map(lambda value: value if pd.isna(value) else names.get(str(value))).astype("str")


def _common(values: pd.Series, owner: pd.Series) -> pd.Series:
    """What at least :data:`~kam.disclosure.FEWEST` different accounts have in common; the rest is missing."""
    n = owner.groupby(values).nunique()
    return values.where(values.isin(n.index[n >= FEWEST])).astype("str")


def _count_problems(data: TableData, name: str) -> TableData:
    """The same table, which cannot be used, without what stands in its cells."""
    problem = f"It has problems: {len(data.problems)}. `kam check` names them; a shared report does not."
    return replace(data, frame=data.frame.iloc[:0], raw=data.raw.iloc[:0], problems=(problem,), warnings=())
