"""A dataset made of another one: by parent group, of one manager's accounts, or without names."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from functools import cached_property

from kam.dataset.frames import TableData
from kam.dataset.opening import Dataset
from kam.dataset.schema import DatasetFile
from kam.ledger.reading import SourceTable


class DerivedDataset(Dataset, ABC):
    """What every dataset that is made of another one has in common; each kind says what becomes of a table.

    Parameters
    ----------
    base : Dataset
        What it is made of.
    file : DatasetFile
        What its own ``dataset.yaml`` would say.
    identity : list
        What it was made by, as JSON may have it: part of the fingerprint.
    """

    def __init__(self, base: Dataset, file: DatasetFile, identity: list[object]) -> None:
        super().__init__(base.path, file)
        self.audience = base.audience
        self.base = base
        self._identity = identity

    def read(self, name: str) -> TableData:
        """One table other than the ledger with what was found out about it, made of the table of the other dataset.

        Raises
        ------
        DataError
            It cannot be read.
        DatasetError
            The dataset has no such table.
        """
        if name not in self._read:
            self._read[name] = self._derive(name, self.base.read(name))
        return self._read[name]

    def source(self, name: str) -> SourceTable:
        """The source of a table, with all that stands in it: for its digest only."""
        return self.base.source(name)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the other dataset and of what this one was made by."""
        parts = [self.base.fingerprint, *self._identity]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    @abstractmethod
    def _derive(self, name: str, data: TableData) -> TableData:
        """The table of this dataset, made of the other's, which may have problems."""
