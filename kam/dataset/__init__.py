"""Datasets: a ``dataset.yaml`` that names a ledger, account file, survey and more, opened, checked, drafted.

Every name below is loaded on first use: reading a plan takes no engine.

>>> import kam
>>> dataset = kam.open_dataset("sample")
>>> dataset.name, dataset.file.currency
('sample', 'EUR')
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kam.dataset.assumed import assume
    from kam.dataset.checking import DatasetCheck, check_dataset, find_problems
    from kam.dataset.drafting import Draft, draft_dataset
    from kam.dataset.groups import group_accounts
    from kam.dataset.names import name_accounts
    from kam.dataset.opening import Dataset, fingerprint_relations, input_files, open_dataset

_HOME = {
    "Dataset": "opening",
    "DatasetCheck": "checking",
    "Draft": "drafting",
    "assume": "assumed",
    "check_dataset": "checking",
    "draft_dataset": "drafting",
    "find_problems": "checking",
    "fingerprint_relations": "opening",
    "group_accounts": "groups",
    "input_files": "opening",
    "name_accounts": "names",
    "open_dataset": "opening",
}

__all__ = [
    "Dataset",
    "DatasetCheck",
    "Draft",
    "assume",
    "check_dataset",
    "draft_dataset",
    "find_problems",
    "fingerprint_relations",
    "group_accounts",
    "input_files",
    "name_accounts",
    "open_dataset",
]


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"kam.dataset.{_HOME[name]}"), name)
    raise AttributeError(f"module 'kam.dataset' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
