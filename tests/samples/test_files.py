"""The sample company as files: what is in the repository is what the command makes, and what was simulated."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pandas.testing import assert_frame_equal

from kam.dataset import check_dataset
from kam.dataset.conflicts import find_conflicts
from kam.dataset.schema import DatasetFile
from kam.samples import SAMPLE_SEED, simulate_company, write_company
from kam.samples.__main__ import main
from kam.samples.ledger_table import MONEY

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    assert main([str(folder)]) == 0
    return folder


def test_the_repository_holds_what_the_command_makes(written):
    names = sorted(path.name for path in written.iterdir())
    assert sorted(path.name for path in SAMPLE.iterdir()) == names
    for name in names:
        if name.endswith(".parquet"):
            assert pq.read_table(SAMPLE / name).equals(pq.read_table(written / name))
        else:
            assert (SAMPLE / name).read_bytes() == (written / name).read_bytes(), name


def test_files_hold_what_was_simulated(written):
    company = simulate_company(seed=SAMPLE_SEED)
    for name, table in company.tables().items():
        if name == "ledger":
            stored = pq.read_table(written / "ledger.parquet").to_pandas()
            dates = [column for column in stored if column.endswith("_date")]
            stored[dates] = stored[dates].apply(lambda column: pd.to_datetime(column).astype("datetime64[s]"))
            stored = stored.astype(dict.fromkeys(MONEY, float) | {"quantity": "int64"})
        else:
            texts = {c: "str" for c in table if c.endswith("_id") or c in ("wave", "period", "psu")}
            dates = [c for c in table if pd.api.types.is_datetime64_any_dtype(table[c])]
            stored = pd.read_csv(written / f"{name}.csv", dtype=texts, parse_dates=dates)
            stored[dates] = stored[dates].astype("datetime64[s]")
        assert_frame_equal(stored, table, check_dtype=False, obj=name)


def test_money_is_exact_and_the_file_small(written):
    file = pq.ParquetFile(written / "ledger.parquet")
    assert all(file.schema_arrow.field(name).type == pa.decimal128(18, 4) for name in MONEY)
    table = pq.read_table(written / "ledger.parquet").to_pandas()
    derived = table["unit_price"] * table["quantity"].map(int)
    assert (table["amount"] == derived).all()
    assert (written / "ledger.parquet").stat().st_size < 920_000


def test_the_description_is_valid(written):
    text = (written / "dataset.yaml").read_text(encoding="utf-8")
    described = yaml.safe_load(text)
    described["as_of"] = str(described["as_of"])
    file = DatasetFile.model_validate(described)
    assert list(find_conflicts(file)) == []
    assert sum(criterion.weight for criterion in file.criteria) == pytest.approx(1)
    for name, table in described["tables"].items():
        assert (written / table["source"]).is_file(), name
    assert set(described["tables"]) == {path.stem for path in written.iterdir() if path.name != "dataset.yaml"}
    assert "kam.samples" in text.splitlines()[1]


def test_writing_twice_gives_the_same_bytes(written, tmp_path):
    write_company(simulate_company(seed=SAMPLE_SEED), tmp_path / "new" / "folder")
    for path in written.iterdir():
        assert (tmp_path / "new" / "folder" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--help"]])
def test_the_command_asks_for_one_folder(arguments, capsys):
    assert main(arguments) == 2
    assert "python -m kam.samples FOLDER" in capsys.readouterr().err


def test_the_audit_of_the_dataset_is_what_was_planted(written):
    audit = check_dataset(written / "dataset.yaml").audit
    found = {count.rule: (count.n_rows, float(count.amount)) for count in audit.counts if count.n_rows}
    planted = simulate_company(seed=SAMPLE_SEED).truth.audit
    assert found == {row.rule: (row.n_rows, row.amount) for row in planted.itertuples()}
    assert audit.n_customers == 1200 and audit.incomplete is None
