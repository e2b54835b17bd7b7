"""Find a dataset by name or path, and open what its ``dataset.yaml`` names."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import date
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

import pandas as pd
from ibis.backends.duckdb import Backend

from kam.dataset.answers import tidy_answers
from kam.dataset.dictionary import LEDGER_WITHOUT, TABLES
from kam.dataset.frames import TableData, locate_source, open_source, read_options, read_table
from kam.dataset.parsing import digest_meaning, read_dataset_file
from kam.dataset.schema import Assumptions, Criterion, DatasetFile, TableFile
from kam.dataset.yaml_files import nearest
from kam.disclosure import AUDIENCES, Audience
from kam.errors import DatasetError, ParameterError, UnreadableFileError
from kam.ledger import Cleaning, Covariates, Ledger, open_ledger
from kam.ledger.databases import Relation
from kam.ledger.file_search import find_files
from kam.ledger.reading import SourceTable, connect, read_source
from kam.results import Context
from kam.wording import Wording

FILE_NAME = "dataset.yaml"
_PACKAGE = Path(__file__).resolve().parents[1]


class Dataset:
    """What a ``dataset.yaml`` names, opened when it is first asked for.

    Tables are pandas frames with the canonical columns of :mod:`kam.dataset.dictionary`; a table that the dataset does not have
    is None. Each read raises a named error if the source cannot be read, a column is missing or a value is out of range.

    Parameters
    ----------
    path : pathlib.Path
        The ``dataset.yaml``.
    file : DatasetFile
        Its content, checked.

    Attributes
    ----------
    audience : {"internal", "shared"}
        Who reads what is made of it.
    """

    audience: Audience = "internal"

    def __init__(self, path: Path, file: DatasetFile) -> None:
        self.path = path
        self.file = file
        self._sources: dict[str, SourceTable] = {}
        self._read: dict[str, TableData] = {}

    def by_group(self) -> Dataset:
        """The same dataset by parent group, for whatever is said of accounts; see :func:`kam.dataset.roll_up.roll_up`."""
        from kam.dataset.roll_up import roll_up

        return roll_up(self)

    # -- what the file says ------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name of the dataset; the same dataset keeps its name."""
        return self.file.name

    @property
    def title(self) -> str:
        """Name for people."""
        return self.file.title or self.file.name

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """Criteria by which accounts are scored."""
        return self.file.criteria

    @property
    def assumptions(self) -> Assumptions:
        """What is assumed; None where the file is silent."""
        return self.file.assumptions

    @property
    def cleaning(self) -> Cleaning:
        """Which cleaning rules apply to the ledger."""
        return Cleaning(**self.file.cleaning.model_dump())

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that the file names."""
        return tuple(name for name in TABLES if getattr(self.file.tables, name) is not None)

    # -- the tables --------------------------------------------------------------------------------------------------

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, cleaned and audited.

        Raises
        ------
        DatasetError
            The dataset has no ledger.
        """
        table = self.file.tables.ledger
        if table is None:
            raise DatasetError(
                f"The dataset {self.name!r} has no ledger.",
                where=str(self.path),
                hint="Name one under tables:, as `ledger: {source: orders.csv}`.",
            )
        return open_ledger(
            locate_source(table, self.path.parent),
            columns=table.columns,
            as_of=self.file.as_of,
            currency=self.file.currency,
            time_zone=self.file.time_zone,
            cleaning=self.cleaning,
            fiscal_year_start=self.file.fiscal_year_start,
            options=read_options(table),
        )

    @property
    def accounts(self) -> pd.DataFrame | None:
        """One row per customer; judged criteria are columns."""
        return self._frame("accounts")

    @property
    def contacts(self) -> pd.DataFrame | None:
        """One row per person at a customer."""
        return self._frame("contacts")

    @property
    def survey(self) -> pd.DataFrame | None:
        """One row per respondent and wave, one column per item; coded and blank answers are missing."""
        return self._frame("survey")

    @property
    def answers(self) -> pd.DataFrame | None:
        """The survey as one row per respondent, wave and item: ``answer`` and ``status``, why there is none."""
        survey = self.file.tables.survey
        if survey is None:
            return None
        data = self.read("survey").require_sound("survey")
        return tidy_answers(data.frame, data.raw, survey)

    @property
    def sample(self) -> pd.DataFrame | None:
        """One row per account drawn for the survey and wave."""
        return self._frame("sample")

    @property
    def events(self) -> pd.DataFrame | None:
        """One row per thing that happened."""
        return self._frame("events")

    @property
    def targets(self) -> pd.DataFrame | None:
        """One row per customer and period; ``period`` is its first day, ``freq`` says whether month, quarter or year."""
        return self._frame("targets")

    @property
    def overrides(self) -> pd.DataFrame | None:
        """One row per tier that was set by hand."""
        return self._frame("overrides")

    @property
    def programmes(self) -> pd.DataFrame | None:
        """One row per thing that could be done and change of state."""
        return self._frame("programmes")

    @property
    def external(self) -> pd.DataFrame | None:
        """One row per series and month; ``month`` is its first day."""
        return self._frame("external")

    @cached_property
    def covariates(self) -> Covariates:
        """What may explain churn beside the ledger: accounts with the columns declared static, events, external, survey.

        Where a report is shared, the survey is not among them: what is known of an account from it is mostly one person's answer,
        and any forecast of the account would tell it.
        """
        accounts = self.file.tables.accounts
        survey = self.survey if self.audience == "internal" else None
        return Covariates(
            accounts=self.accounts,
            static=() if accounts is None else accounts.static,
            events=self.events,
            external=self.external,
            survey=survey if survey is not None and {"customer_id", "overall"} <= set(survey.columns) else None,
        )

    def read(self, name: str) -> TableData:
        """One table other than the ledger with all that was found out about it, also if it has problems.

        Raises
        ------
        DataError
            It cannot be read at all.
        DatasetError
            The dataset has no such table.
        """
        if name not in self.tables or name == "ledger":
            named = ", ".join(table for table in self.tables if table != "ledger") or "none"
            raise DatasetError(f"There is no table {name!r}.", where=str(self.path), hint=f"Tables there: {named}.")
        if name not in self._read:
            self._read[name] = read_table(self.file, name, self.source(name), say=self._wording)
        return self._read[name]

    def source(self, name: str) -> SourceTable:
        """The source of a table, opened, its columns as they stand there.

        Raises
        ------
        DataError
            It cannot be read.
        """
        if name not in self._sources:
            table: TableFile = getattr(self.file.tables, name)
            self._sources[name] = open_source(table, self.path.parent, self._engine)
        return self._sources[name]

    def _frame(self, name: str) -> pd.DataFrame | None:
        if getattr(self.file.tables, name) is None:
            return None
        return (
            self.read(name).require_sound(name).frame.copy(deep=False)
        )  # under copy-on-write a caller changes his own

    @cached_property
    def _engine(self) -> Backend:
        return connect()

    # -- what it says about itself -----------------------------------------------------------------------------------

    @property
    def _wording(self) -> Wording:
        return Wording(self.file.language, self.file.currency)

    @property
    def as_of(self) -> date | None:
        """Day up to which the data count: the ledger's; without a ledger as given, else the last day of the survey."""
        if self.file.tables.ledger is not None:
            return self.ledger.as_of
        if self.file.as_of is not None:
            return self.file.as_of
        survey = self.survey
        if survey is None or "answered_on" not in survey.columns or survey["answered_on"].isna().all():
            return None
        return pd.Timestamp(survey["answered_on"].max()).date()

    @property
    def currency(self) -> str | None:
        """Currency of all money: as given, else what the ledger's column ``currency`` says."""
        if self.file.currency is None and self.file.tables.ledger is not None:
            return self.ledger.currency
        return self.file.currency

    @cached_property
    def context(self) -> Context:
        """What every result says about where it comes from."""
        return Context(
            dataset=self.name,
            title=self.title,
            currency=self.currency,
            language=self.file.language,
            as_of=self.as_of,
            fingerprint=self.fingerprint,
            audience=self.audience,
        )

    @cached_property
    def fingerprint(self) -> str:
        """Digest of what ``dataset.yaml`` means (not of its comments or title) and of the content of every table.

        A cell that changes, a rule of cleaning that changes, a column that is read as another: another fingerprint.
        """
        parts = [digest_meaning(self.file)]
        for name in self.tables:
            opened = self.ledger if name == "ledger" else self.source(name)
            parts.append(f"{name} {opened.fingerprint}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    @property
    def unavailable(self) -> list[str]:
        """One line per thing that is not there: what a report could not do without it."""
        say = self._wording
        lines = [say.sentence(spec.without) for name, spec in TABLES.items() if name not in self.tables]
        if "ledger" in self.tables:
            there = self.ledger.columns
            lines += [say.sentence(line) for column, line in LEDGER_WITHOUT.items() if column not in there]
        if self.audience == "shared" and "survey" in self.tables:
            lines.append(
                say.sentence(
                    "Shared: no account is judged by answers to the survey, which would tell what one person said."
                )
            )
        return lines

    @property
    def warnings(self) -> list[str]:
        """What a reader should know about the tables other than the ledger; reads them all."""
        return [f"{name}: {line}" for name in self.tables if name != "ledger" for line in self.read(name).warnings]

    def __repr__(self) -> str:
        return f"Dataset {self.name!r}: {', '.join(self.tables)} ({self.path})"


def input_files(dataset: Dataset) -> tuple[Path, ...]:
    """Every file that the dataset reads, its ``dataset.yaml`` first; those of a glob by name. Tables of databases are none.

    Raises
    ------
    DataError
        A source is not there.
    """
    files = [dataset.path]
    for name in dataset.tables:
        source = locate_source(getattr(dataset.file.tables, name), dataset.path.parent)
        if not isinstance(source, Relation):
            files += find_files(source)
    return tuple(dict.fromkeys(files))


def fingerprint_relations(dataset: Dataset) -> dict[str, str]:
    """The fingerprint of every table that lies in a database; each takes one scan there.

    Returns
    -------
    dict of str to str
        Name of the table in the dataset: digest of its content.

    Raises
    ------
    DataError
        A database cannot be reached, a table is not there or has no rows.
    """
    digests: dict[str, str] = {}
    con = None
    try:
        for name in dataset.tables:
            source = locate_source(getattr(dataset.file.tables, name), dataset.path.parent)
            if isinstance(source, Relation):
                con = con or connect()
                digests[name] = read_source(source, con).fingerprint
    finally:
        if con is not None:
            con.disconnect()
    return digests


# -- finding ---------------------------------------------------------------------------------------------------------


def open_dataset(
    name_or_path: str | os.PathLike[str],
    *,
    audience: str = "internal",
    manager: str = "",
    start: str | os.PathLike[str] | None = None,
) -> Dataset:
    """Open a dataset by its name or by the path of its ``dataset.yaml``.

    Parameters
    ----------
    name_or_path : str or path
        A name is looked for as ``data/<name>/dataset.yaml``, from the working folder upwards, then where the package lies; the
        name ``sample`` is at last the sample that the package carries. A path is a ``dataset.yaml`` or the folder it is in.
    audience : {"internal", "shared"}
        Who reads what is made of it. Shared: people are not named in it (:mod:`kam.dataset.audience`).
    manager : str
        Only the accounts of this manager of the account file (:mod:`kam.dataset.portfolio`); empty: all.
    start : path, optional
        The folder to begin in; by default the working folder.

    Returns
    -------
    Dataset
        Its ``dataset.yaml`` is read and checked; tables are opened when they are asked for.

    Raises
    ------
    DatasetError
        There is no such dataset (the message lists those there are), or its ``dataset.yaml`` is wrong.
    UnreadableFileError
        The file cannot be read.
    ParameterError
        The audience is not known, or no account has this manager.

    Examples
    --------
    >>> open_dataset("sample").name
    'sample'
    """
    if audience not in AUDIENCES:
        known = " or ".join(repr(one) for one in AUDIENCES)
        raise ParameterError(f"There is no audience {audience!r}.", hint=f"{nearest(audience, AUDIENCES)}Give {known}.")
    if not isinstance(name_or_path, (str, os.PathLike)) or not os.fspath(name_or_path):
        raise DatasetError("A dataset needs a name or a path.", hint="As 'sample', or 'data/sample/dataset.yaml'.")
    folder = Path(start) if start is not None else Path.cwd()
    text = os.fspath(name_or_path)
    if isinstance(text, bytes) or "\0" in text:
        raise DatasetError(f"{text!r} is neither a name nor a path.")
    try:
        path = _find_by_path(text, folder) if _is_path(name_or_path) else _find_by_name(text, folder.resolve())
    except (OSError, RuntimeError) as error:  # no permission, a name too long, a circle of links, ~ of nobody
        raise UnreadableFileError(f"It cannot be looked for: {error}.", where=text[:200]) from error
    dataset = Dataset(path, read_dataset_file(path))
    if manager:  # looked for by name, before names are gone
        from kam.dataset.portfolio import require_manager

        require_manager(dataset, manager)
    if audience == "shared":
        from kam.dataset.audience import SharedDataset

        dataset = SharedDataset(dataset, manager=manager)
    if manager:
        from kam.dataset.portfolio import select_portfolio

        dataset = select_portfolio(dataset, manager)
    return dataset


def _is_path(given: str | os.PathLike[str]) -> bool:
    text = os.fspath(given)
    return (
        not isinstance(given, str)
        or text in (".", "..")
        or "/" in text
        or "\\" in text
        or Path(text).suffix in (".yaml", ".yml")
    )


def _find_by_path(text: str, folder: Path) -> Path:
    path = (folder / Path(text).expanduser()).absolute()
    if path.is_dir():
        inside = path / FILE_NAME
        if inside.is_file():
            return inside
        others = sorted(p.name for p in path.iterdir() if p.suffix in (".yaml", ".yml"))
        hint = f"There is {', '.join(others[:5])}: rename it, or give its path." if others else _INIT
        raise DatasetError(f"The folder {text!r} has no {FILE_NAME}.", where=str(path), hint=hint)
    if not path.exists():
        near = get_close_matches(path.name, [p.name for p in path.parent.iterdir()], 3) if path.parent.is_dir() else []
        hint = f"Did you mean {' or '.join(repr(name) for name in near)}?" if near else _INIT
        raise DatasetError(f"There is no {text!r}.", where=str(path), hint=hint)
    if path.suffix.lower() not in (".yaml", ".yml"):
        hint = f"`kam init {path.name}` writes a {FILE_NAME} for a file of data."
        raise DatasetError(f"{path.name!r} is no {FILE_NAME}.", where=str(path), hint=hint)
    return path


_INIT = f"`kam init FILE` writes a first {FILE_NAME} for a file of data."


def _find_by_name(name: str, folder: Path) -> Path:
    roots = list(_roots(folder))
    for root in roots:
        path = root / name / FILE_NAME
        if _is_file(path):
            return path
    carried = _PACKAGE / "_sample" / FILE_NAME
    if name == "sample" and carried.is_file():
        return carried
    beside = folder / name / FILE_NAME
    if _is_file(beside):
        return beside
    found = {path.parent.name: None for root in roots for path in sorted(root.glob(f"*/{FILE_NAME}"))}
    found |= {"sample": None} if carried.is_file() else {}
    near = get_close_matches(name, found, 1)
    guess = f"Did you mean {near[0]!r}? " if near else ""
    there = f"Datasets there: {', '.join(found)}." if found else f"No dataset is there. {_INIT}"
    looked = ", ".join(str(root) for root in roots if root.is_dir()) or f"no folder data/ in {folder} or above"
    raise DatasetError(f"There is no dataset {name!r}.", where=looked, hint=guess + there)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _roots(folder: Path) -> Iterator[Path]:
    """Every ``data/`` from the folder upwards, then the one beside the package."""
    yield from dict.fromkeys([*(above / "data" for above in (folder, *folder.parents)), _PACKAGE.parent / "data"])
