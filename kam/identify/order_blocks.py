"""The facts of a ledger as tables of accounts × months and accounts × blocks of three months."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MONTHS_IN_BLOCK = 3


def share_of(part: Floats, whole: Floats) -> Floats:
    """The share, missing where there is no whole."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


@dataclass(frozen=True, eq=False)
class OrderBlocks:
    """The months of a ledger, by account; blocks of three months end with the last month, so that the last is complete.

    Attributes
    ----------
    facts : pandas.DataFrame
        One row per account and month with any line, from :func:`kam.ledger.quality.quality_facts`.
    customers : pandas.Index
        The accounts, in the order of the rows of every table.
    months : pandas.DatetimeIndex
        First days of all months from the first to the last of the ledger.
    account, month : numpy.ndarray of int
        Row and month of each row of the facts.
    """

    facts: pd.DataFrame
    customers: pd.Index
    months: pd.DatetimeIndex
    account: Ints
    month: Ints

    @classmethod
    def of(cls, facts: pd.DataFrame) -> OrderBlocks:
        """The blocks of the facts of a ledger."""
        account, customers = pd.factorize(facts["customer_id"], sort=True)
        index = 12 * facts["month"].dt.year.to_numpy() + facts["month"].dt.month.to_numpy()
        months = pd.date_range(facts["month"].min(), facts["month"].max(), freq="MS")
        return cls(facts, pd.Index(customers), months, account.astype(np.int64), (index - index.min()).astype(np.int64))

    def __len__(self) -> int:
        return len(self.customers)

    def __contains__(self, name: str) -> bool:
        return name in self.facts

    @property
    def n_blocks(self) -> int:
        """Blocks of three months; the first may be shorter."""
        return -(-len(self.months) // MONTHS_IN_BLOCK)

    @property
    def block_starts(self) -> pd.DatetimeIndex:
        """First day of every block."""
        short = self.n_blocks * MONTHS_IN_BLOCK - len(self.months)
        return self.months[np.maximum(np.arange(self.n_blocks) * MONTHS_IN_BLOCK - short, 0)]

    def of_blocks(self, months: npt.NDArray[np.generic]) -> Ints:
        """The block of each month (an index)."""
        short = self.n_blocks * MONTHS_IN_BLOCK - len(self.months)
        return ((np.asarray(months, dtype=np.int64) + short) // MONTHS_IN_BLOCK).astype(np.int64)

    def dates(self, starts: Ints, known: npt.NDArray[np.bool_]) -> pd.DatetimeIndex:
        """First days of some blocks, missing where not known."""
        return pd.DatetimeIndex(self.block_starts[starts].where(known))

    def by_month(self, name: str) -> Floats:
        """One fact, shape (n_accounts, n_months)."""
        return self._table(self.facts[name].to_numpy(dtype=np.float64), self.month, len(self.months))

    def by_block(self, name: str, where: npt.NDArray[np.bool_] | None = None) -> Floats:
        """One fact, shape (n_accounts, n_blocks); only of the rows of the facts that are chosen."""
        values = self.facts[name].to_numpy(dtype=np.float64)
        return self._table(values if where is None else values * where, self.of_blocks(self.month), self.n_blocks)

    def last_year(self, name: str) -> Floats:
        """One fact over the last twelve months (all months where there are fewer), shape (n_accounts,)."""
        recent = self.month >= len(self.months) - 12
        values = self.facts[name].to_numpy(dtype=np.float64) * recent
        return np.bincount(self.account, values, minlength=len(self)).astype(np.float64)

    def _table(self, values: Floats, column: Ints, n_columns: int) -> Floats:
        at = self.account * n_columns + column
        sums = np.bincount(at, values, minlength=len(self) * n_columns).astype(np.float64)
        return sums.reshape(len(self), n_columns)
