"""Ledgers of any size: the size asked for, exact money, the same rows from the same seed, and little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kam.errors import ParameterError
from kam.samples import scale, write_ledger


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return write_ledger(tmp_path_factory.mktemp("scale") / "ledger.parquet", n_rows=500_000, seed=1)


@pytest.fixture(scope="module")
def rows(path) -> pd.DataFrame:
    return pq.read_table(path).to_pandas().astype({"amount": float, "cost": float})


def test_size_and_types(path, rows):
    file = pq.ParquetFile(path)
    assert file.metadata.num_rows == 500_000
    assert [file.metadata.row_group(g).num_rows for g in range(file.metadata.num_row_groups)] == [250_000, 250_000]
    schema = file.schema_arrow
    assert schema.field("amount").type == schema.field("cost").type == pa.decimal128(18, 4)
    assert schema.field("customer_id").type == pa.string() and schema.field("order_date").type == pa.date32()
    assert rows["customer_id"].nunique() == 10_000
    assert rows.groupby("order_id").size().mean() == pytest.approx(4, abs=0.05)


def test_orders(rows):
    orders = rows.groupby("order_id")
    assert (orders["customer_id"].nunique() == 1).all() and (orders["order_date"].nunique() == 1).all()
    day = pd.to_datetime(rows["order_date"])
    assert day.is_monotonic_increasing
    assert day.min() == pd.Timestamp("2023-01-01") and day.max() == pd.Timestamp("2025-12-31")
    assert day.dt.to_period("M").nunique() == 36
    # No locality: neighboring rows of different orders rarely belong to neighboring customers.
    number = rows["customer_id"].str[1:].astype(int).to_numpy()
    assert abs(np.corrcoef(number[:-8], number[8:])[0, 1]) < 0.02


def test_blocks_are_drawn_independently(rows):
    first, second = rows["quantity"].iloc[:250_000], rows["quantity"].iloc[250_000:]
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02


def test_money(rows):
    assert (rows["amount"] != 0).all()
    assert rows["amount"].abs().between(0.5, 1e7).all()
    assert (rows["amount"] < 0).mean() == pytest.approx(0.02, abs=0.002)
    assert ((rows["cost"] / rows["amount"]).between(0.5, 0.9)).mean() > 0.99
    assert (np.sign(rows["quantity"]) == np.sign(rows["amount"])).all()
    value = rows.groupby("customer_id")["amount"].sum().sort_values(ascending=False)
    assert 0.65 < value.iloc[:2000].sum() / value.sum() < 0.9


def test_the_same_seed_gives_the_same_rows(path, tmp_path):
    again = write_ledger(tmp_path / "again.parquet", n_rows=500_000, seed=1)
    assert pq.read_table(again).equals(pq.read_table(path))
    other = write_ledger(tmp_path / "other.parquet", n_rows=500_000, seed=2)
    assert not pq.read_table(other).equals(pq.read_table(path))


@pytest.mark.parametrize("n_rows", [1, 2, 3, 49, 51, 260, 999])
def test_small_ledgers(n_rows, tmp_path):
    table = pq.read_table(write_ledger(tmp_path / "small.parquet", n_rows=n_rows, seed=n_rows))
    assert table.num_rows == n_rows
    assert len(set(table["customer_id"].to_pylist())) == -(-n_rows // 50)


def test_a_ledger_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "ledger.parquet"
    write_ledger(target, n_rows=100, seed=1)
    before = target.read_bytes()

    def fail(*arguments):
        assert any(name.name.endswith(".partial") for name in tmp_path.iterdir())
        raise OSError("disk full")

    monkeypatch.setattr(scale, "_draw_block", fail)
    with pytest.raises(OSError, match="disk full"):
        write_ledger(target, n_rows=200, seed=1)
    assert target.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["ledger.parquet"]


@pytest.mark.parametrize("arguments", [{"n_rows": 0}, {"n_rows": 10, "n_months": 0}])
def test_nothing_to_write(arguments, tmp_path):
    with pytest.raises(ParameterError, match="nothing"):
        write_ledger(tmp_path / "ledger.parquet", seed=1, **arguments)


MEASURE = """
import sys
from pathlib import Path
from kam.samples import write_ledger
write_ledger(sys.argv[1], n_rows=int(sys.argv[2]), seed=1)
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much memory a process took")
def test_memory_does_not_grow_with_the_rows(tmp_path):
    peak = []
    for n_rows in (500_000, 2_000_000):
        command = [sys.executable, "-c", MEASURE, str(tmp_path / "ledger.parquet"), str(n_rows)]
        peak.append(int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) / 1024)
    assert peak[1] < 500
    assert peak[1] - peak[0] < 60
