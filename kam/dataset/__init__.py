"""Datasets: a ``dataset.yaml`` that names a ledger, account file, survey and more, opened, checked, drafted.

>>> dataset = open_dataset("sample")
>>> dataset.name, dataset.file.currency
('sample', 'EUR')
"""

from kam.dataset.assumed import assume
from kam.dataset.checking import DatasetCheck, check_dataset, find_problems
from kam.dataset.drafting import Draft, draft_dataset
from kam.dataset.groups import group_accounts
from kam.dataset.names import name_accounts
from kam.dataset.opening import Dataset, input_files, open_dataset

__all__ = [
    "Dataset",
    "DatasetCheck",
    "Draft",
    "assume",
    "check_dataset",
    "draft_dataset",
    "find_problems",
    "group_accounts",
    "input_files",
    "name_accounts",
    "open_dataset",
]
