"""A dataset by parent group: every table under the group's head, so that every analysis runs on groups as on accounts."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import pandas as pd

from kam.dataset.derived import DerivedDataset
from kam.dataset.frames import TableData
from kam.dataset.group_tables import group_accounts_file, group_contacts, group_overrides, group_sample, group_targets
from kam.dataset.opening import Dataset
from kam.dataset.parents import find_heads
from kam.dataset.schema import DatasetFile
from kam.errors import DataError, DatasetError, MissingColumnError
from kam.ledger import Ledger
from kam.ledger.grouping import group_customers


class GroupedDataset(DerivedDataset):
    """A dataset by parent group, made by :func:`roll_up`.

    Its tables have the group's head as ``customer_id``: the parent that has no parent. Facts of the account file are those of
    the head, or of the group's largest account where the head has none; sums of money are over all accounts of the group.

    Parameters
    ----------
    dataset : Dataset
        By account.
    heads : pandas.Series
        Head of the group by account, for all accounts with a parent.
    """

    def __init__(self, dataset: Dataset, heads: pd.Series) -> None:
        super().__init__(dataset, _rename(dataset), ["groups", sorted(heads.to_dict().items())])
        self.heads = heads

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger by group, as :func:`kam.ledger.grouping.group_customers` makes it.

        Raises
        ------
        DatasetError
            The dataset has no ledger.
        """
        return group_customers(self.base.ledger, dict(zip(self.heads.index, self.heads, strict=True)))

    @cached_property
    def _revenue(self) -> pd.Series:
        """Net revenue by account, in all; empty without a ledger."""
        if "ledger" not in self.base.tables:
            return pd.Series(dtype="float64")
        months = self.base.ledger.rollup.months
        sums = months.group_by("customer_id").agg(revenue=(months.gross - months.returns).sum().cast("float64"))
        return sums.to_pandas().set_index("customer_id")["revenue"]

    def _derive(self, name: str, data: TableData) -> TableData:
        if "customer_id" not in data.frame or data.problems:
            return data
        frame = data.frame.copy(deep=False)
        own = frame["customer_id"]
        frame["customer_id"] = own.map(self.heads).fillna(own).astype("str").where(own.notna())
        say, warnings = self._wording, list(data.warnings)
        if name == "accounts":
            frame, found = group_accounts_file(frame, own, self._revenue, say)
        elif name == "contacts":
            frame, found = group_contacts(frame, own), []
        elif name == "targets":
            frame, found = group_targets(frame), []
        elif name == "overrides":
            frame, found = group_overrides(frame, own, say)
        elif name == "sample":
            frame, found = group_sample(frame), []
        else:
            return replace(data, frame=frame, raw=data.raw.assign(customer_id=frame["customer_id"]))
        return replace(data, frame=frame, raw=frame.astype("str"), warnings=(*warnings, *found))


def roll_up(dataset: Dataset) -> GroupedDataset:
    """The same dataset by parent group: what holds for accounts is then said of groups.

    The head of a group is the parent without a parent, through any number of levels; a parent that is no account of the table
    makes a group too. Accounts without a parent, and customers of the ledger that the account file lacks, stay as they are.

    - ledger: the rows, and so all sums, stay; orders and customers are counted by group;
    - accounts: one row per group: name, industry, region, manager, … of the head, or of the largest account (by revenue) where
      the head has none; ``since`` the earliest; ``service_cost``, ``acquisition_cost``, ``credit_limit``, ``receivable``,
      ``overdue`` and ``potential`` are sums of those known; ``payment_days`` their mean by revenue;
    - contacts, events, survey: under the head; a contact's id that two accounts of a group share gets the account before it;
    - targets: sums; sample: one row per group and wave; overrides: where two accounts of a group have different tiers at the
      same time, that of the head holds, else the one set last: the others are left out.

    What was summed over a part of a group, and which overrides were left out, stands in ``warnings``.

    Parameters
    ----------
    dataset : Dataset
        With an account file that has ``parent_id``.

    Returns
    -------
    GroupedDataset
        Its name ends in ``-groups``, so that no later run takes groups for the accounts of an earlier one.

    Raises
    ------
    DatasetError
        The dataset has no account file, or is by group already.
    MissingColumnError
        The account file has no ``parent_id``.
    DataError
        No account names a parent, the parents go round in a circle, or the account file has other problems.

    Examples
    --------
    >>> from kam.dataset import open_dataset
    >>> groups = roll_up(open_dataset("sample"))
    >>> groups.name, len(groups.heads)
    ('sample-groups', 150)
    """
    if isinstance(dataset, GroupedDataset):
        raise DatasetError("The dataset is by parent group already.", where=str(dataset.path))
    accounts = dataset.accounts
    if accounts is None:
        raise DatasetError(
            f"The dataset {dataset.name!r} has no account file, so that nobody's parent is known.",
            where=str(dataset.path),
            hint="Name one under tables:, with a column parent_id.",
        )
    if "parent_id" not in accounts:
        raise MissingColumnError(
            "The account file has no column parent_id.",
            where=f"columns {', '.join(accounts.columns)}",
            hint="Name the column of the group's parent under tables.accounts.columns.",
        )
    own = accounts.set_index("customer_id")
    heads = find_heads(accounts["customer_id"], own["parent_id"]).set_axis(own.index)
    heads = heads[heads != heads.index]
    if heads.empty:
        raise DataError("No account names a parent: there are no groups.", where="accounts, column parent_id")
    return GroupedDataset(dataset, heads)


def _rename(dataset: Dataset) -> DatasetFile:
    title = dataset._wording.sentence("{title}, by parent group", title=dataset.title)
    return dataset.file.model_copy(update={"name": f"{dataset.name[:53]}-groups", "title": title})
