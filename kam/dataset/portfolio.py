"""The accounts of one manager as a dataset of their own: everything is then said of this portfolio, and of nobody else's."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property

import pandas as pd

from kam.dataset.answers import answer_columns
from kam.dataset.audience import blank_answers
from kam.dataset.derived import DerivedDataset
from kam.dataset.frames import TableData
from kam.dataset.opening import Dataset
from kam.dataset.yaml_files import nearest
from kam.disclosure import withhold
from kam.errors import DatasetError, ParameterError
from kam.ledger import Ledger
from kam.ledger.selection import select_customers

_OF_THE_WHOLE = {"survey": ("fpc",)}
"""Columns that count what is not the manager's."""


class PortfolioDataset(DerivedDataset):
    """The accounts of one manager, made by :func:`select_portfolio`.

    Parameters
    ----------
    dataset : Dataset
        All accounts.
    manager : str
        Whose accounts.
    """

    def __init__(self, dataset: Dataset, manager: str) -> None:
        name = f"{dataset.name[:40]}-{_folder(manager, dataset)}"
        title = dataset._wording.sentence("{title}, portfolio of {manager}", title=dataset.title, manager=manager)
        cleaning = dataset.file.cleaning.model_copy(update={"ledger_total": None})
        file = dataset.file.model_copy(update={"name": name, "title": title, "cleaning": cleaning})
        super().__init__(dataset, file, ["portfolio", manager])
        self.manager = manager

    @cached_property
    def owners(self) -> pd.Series:
        """Manager by account, of all accounts that have one."""
        accounts = self.base.accounts
        assert accounts is not None
        return accounts.dropna(subset=["manager"]).set_index("customer_id")["manager"].astype("str")

    @cached_property
    def customers(self) -> frozenset[str]:
        """The accounts of the manager."""
        return frozenset(self.owners.index[self.owners == self.manager])

    @cached_property
    def ledger(self) -> Ledger:
        """The rows of these accounts, as :func:`kam.ledger.selection.select_customers` takes them out.

        Raises
        ------
        DatasetError
            The dataset has no ledger.
        EmptyDataError
            None of the accounts has a row.
        """
        return select_customers(self.base.ledger, self.customers)

    def _derive(self, name: str, data: TableData) -> TableData:
        if "customer_id" not in data.frame or data.problems:
            return data
        frame, raw = data.frame, data.raw
        if name == "survey" and self.audience == "shared":
            frame, raw = self._guard_differences(frame, raw)
        own = frame["customer_id"].isin(self.customers)
        of_the_whole = list(_OF_THE_WHOLE.get(name, ()))
        frame = frame[own].drop(columns=of_the_whole, errors="ignore").reset_index(drop=True)
        raw = raw[own].drop(columns=of_the_whole, errors="ignore").reset_index(drop=True)
        if name == "accounts" and "parent_id" in frame:
            frame["parent_id"] = self._hide_parents(frame["parent_id"])
            raw["parent_id"] = frame["parent_id"].astype("str")
        return replace(data, frame=frame, raw=raw, warnings=())

    def _hide_parents(self, parents: pd.Series) -> pd.Series:
        """Parents outside the portfolio by a number: that accounts are of one group is still to be seen, of which one is not."""
        foreign = parents.dropna()[~parents.dropna().isin(self.customers)]
        names = {
            parent: self._wording.sentence("group {n}", n=str(n)) for n, parent in enumerate(foreign.unique(), start=1)
        }
        return parents.map(lambda parent: names.get(parent, parent)).astype("str")

    def _guard_differences(self, frame: pd.DataFrame, raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Without the answers to questions that too few of the portfolio, or of those that are left, have answered in a wave.

        Who has the reports of all portfolios and of the whole can take one from the other.
        """
        survey = self.file.tables.survey
        assert survey is not None
        asked = answer_columns(frame, survey)
        first = (
            self.owners.reset_index().groupby("manager")["customer_id"].min()
        )  # a name that is the same for every reader
        owner = frame["customer_id"].map(self.owners.map(first)).fillna("").astype("str")
        gone = pd.DataFrame(False, index=frame.index, columns=asked)
        for item in asked:
            answered = frame[item].notna()
            for wave, rows in frame[answered].groupby("wave").groups.items():
                counts = owner[rows].value_counts().sort_index()
                hidden = dict(zip(counts.index, withhold(counts.tolist()), strict=True))
                if hidden.get(first[self.manager], False):
                    gone.loc[frame["wave"] == wave, item] = True
        return blank_answers(frame, raw, gone)


def select_portfolio(dataset: Dataset, manager: str) -> PortfolioDataset:
    """The dataset of one manager's accounts.

    - ledger: the rows of these accounts, and an audit of these rows;
    - accounts, contacts, survey, sample, events, targets, overrides: the rows of these accounts; a parent that is none of them
      is "group 1": who belongs together is kept, with whom else is not;
    - programmes and external series: as they are;
    - where the report is shared, a question of a wave that fewer than five people of the portfolio answered is left out, and one
      more portfolio where their answers followed from the whole less all others.

    Parameters
    ----------
    dataset : Dataset
        With an account file that has ``manager``.
    manager : str
        As the account file has the name.

    Returns
    -------
    PortfolioDataset
        Its name ends in the manager's, so that no later run takes it for the whole.

    Raises
    ------
    DatasetError
        The dataset has no account file, or that has no managers.
    ParameterError
        No account has this manager; the nearest is named.

    Examples
    --------
    >>> from kam.dataset import open_dataset
    >>> own = select_portfolio(open_dataset("sample"), "Carla Thorne")
    >>> own.name, len(own.accounts)
    ('sample-Carla_Thorne', 74)
    """
    require_manager(dataset, manager)
    return PortfolioDataset(dataset, manager)


def require_manager(dataset: Dataset, manager: str) -> None:
    """Look for a manager in the account file.

    Raises
    ------
    DatasetError, ParameterError
        As :func:`select_portfolio`.
    """
    accounts = dataset.accounts
    if accounts is None or "manager" not in accounts or accounts["manager"].isna().all():
        raise DatasetError(
            "No account has a manager.",
            where=str(dataset.path),
            hint="Name the column under tables: accounts: columns: manager.",
        )
    known = sorted(accounts["manager"].dropna().astype("str").unique())
    if manager not in known:
        raise ParameterError(
            f"There is no manager {manager!r}.",
            where="accounts, column manager",
            hint=f"{nearest(manager, known)}There are {len(known)}, as {known[0]!r}.",
        )


def _folder(manager: str, dataset: Dataset) -> str:
    """The manager's name as a name of a dataset may have it, told apart from that of another who would be called the same."""
    plain = re.sub(r"[^\w.-]+", "_", manager)[:15].strip("._-") or "manager"
    accounts = dataset.accounts
    assert accounts is not None
    names = accounts["manager"].dropna().astype("str").unique()
    alike = [name for name in names if re.sub(r"[^\w.-]+", "_", name)[:15].strip("._-") == plain]
    return plain if len(alike) <= 1 else f"{plain}-{sorted(alike).index(manager) + 1}"
