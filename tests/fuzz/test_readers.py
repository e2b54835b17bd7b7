"""Readers on hundreds of damaged files; `make fuzz` tries tens of thousands."""

from __future__ import annotations

import gc
import itertools
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.readers import READERS, attempt

EXAMPLES = {
    "text files": 30,
    "workbooks": 25,
    "Parquet files": 20,
    "dataset.yaml": 20,
    "tables of a dataset": 5,
    "plans": 60,
    "notebooks": 40,
    "files of parameters": 60,
}


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """The folder of temporary files, for this test alone."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("kind", READERS)
def test_only_named_errors(kind, tmp_path, temporary):
    numbers = itertools.count()

    @settings(
        max_examples=EXAMPLES[kind],
        derandomize=True,  # the same files every time: what chance finds is for `make fuzz`
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(READERS[kind][1])
    def read(content):
        attempt(kind, tmp_path / f"file{next(numbers)}", content)

    read()
    gc.collect()
    assert os.listdir(temporary) == [], "files are left"
