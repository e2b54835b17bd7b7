"""kam: a research workbench for key-account management.

``import kam`` is light; every name below is loaded on first use.

>>> import kam
>>> dataset = kam.open_dataset("sample")
>>> dataset.context.currency
'EUR'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kam.dataset import Dataset, open_dataset
    from kam.ledger import Ledger, open_ledger
    from kam.results import Check, Context, Result, load_results, save_results

_HOME = {
    "Check": "kam.results",
    "Context": "kam.results",
    "Dataset": "kam.dataset",
    "Ledger": "kam.ledger",
    "Result": "kam.results",
    "load_results": "kam.results",
    "open_dataset": "kam.dataset",
    "open_ledger": "kam.ledger",
    "save_results": "kam.results",
}
__version__ = "0.1.0"
_MODULES = (
    "churn",
    "columns",
    "dataset",
    "errors",
    "identify",
    "ledger",
    "plots",
    "report",
    "results",
    "samples",
    "survey",
    "tables",
    "wording",
)

__all__ = [
    "Check",
    "Context",
    "Dataset",
    "Ledger",
    "Result",
    "load_results",
    "open_dataset",
    "open_ledger",
    "save_results",
]


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in _MODULES:
        return import_module(f"kam.{name}")
    raise AttributeError(f"module 'kam' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
