"""Files of a dataset, held to what they were."""

from __future__ import annotations

import os

import pytest

import kam
from kam.errors import RunError
from kam.report.inputs import take_inputs


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "dataset.yaml").write_text("name: tiny\ntables: {ledger: {source: orders.csv}}\n")
    (tmp_path / "orders.csv").write_text("customer_id,order_date,amount\na,2025-01-01,1\n")
    return tmp_path


@pytest.fixture
def inputs(folder):
    return take_inputs(kam.open_dataset(folder / "dataset.yaml"))


def replace_content(file, old, new):
    file.write_text(file.read_text().replace(old, new))


def test_files_that_are_touched_copied_back_or_written_anew_are_the_same(folder, inputs):
    inputs.require_unchanged()
    orders = folder / "orders.csv"
    os.utime(orders)
    inputs.require_unchanged()
    content = orders.read_bytes()
    orders.unlink()
    orders.write_bytes(content)
    inputs.require_unchanged()


@pytest.mark.parametrize("name", ["orders.csv", "dataset.yaml"])
def test_another_content_is_told(folder, inputs, name):
    with (folder / name).open("a") as file:
        file.write("\n")
    with pytest.raises(RunError, match=f"data were changed while the run was at work.*{name}"):
        inputs.require_unchanged()


def test_as_many_bytes_with_the_time_set_back_are_told(folder, inputs):
    orders = folder / "orders.csv"
    before = orders.stat()
    replace_content(orders, "a,2025", "b,2025")
    os.utime(orders, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert orders.stat().st_size == before.st_size and orders.stat().st_ino == before.st_ino
    with pytest.raises(RunError, match="data were changed"):
        inputs.require_unchanged()


def test_a_file_that_is_gone_is_told(folder, inputs):
    (folder / "orders.csv").unlink()
    with pytest.raises(RunError, match="data were changed"):
        inputs.require_unchanged()


def test_the_digest_is_of_the_content_alone(folder, inputs):
    os.utime(folder / "orders.csv", (1, 1))
    again = take_inputs(kam.open_dataset(folder / "dataset.yaml"))
    assert again.sha256 == inputs.sha256
    replace_content(folder / "orders.csv", "a,2025", "b,2025")
    assert take_inputs(kam.open_dataset(folder / "dataset.yaml")).sha256 != inputs.sha256
