"""The dataset that comes with kam, opened once in a process: its ledger takes a second."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kam.dataset import Dataset


@cache
def open_sample(audience: str = "internal") -> Dataset:
    """The sample for these readers; do not change it."""
    from kam.dataset import open_dataset  # not above: kam is imported once all settings are made

    return open_dataset("sample", audience=audience)
