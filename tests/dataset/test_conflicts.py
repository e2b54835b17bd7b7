"""Files and databases as sources in ``dataset.yaml``: what belongs to the one is refused at the other."""

from __future__ import annotations

import pytest
import yaml

from kam.dataset import open_dataset
from kam.errors import DatasetError, SecretError


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "it is an address; the table or view there is needed too"),
        ({"relation": "a.b", "encoding": "utf-8"}, "it is an option of files, and the source is a database"),
        ({"relation": "a.b", "source": "orders.csv"}, "it is for a database, and the source is a file"),
        ({"relation": "a.b", "source": "oracle://db/x"}, "addresses that begin with 'oracle://' cannot be read"),
        ({"relation": "a.b", "source": "postgresql://me:hunter2@db/x"}, "password"),
    ],
)
def test_what_a_dataset_may_not_say(tmp_path, table, said):
    path = tmp_path / "dataset.yaml"
    ledger = {"source": "postgresql://me@db/x"} | table
    path.write_text(yaml.safe_dump({"name": "x", "tables": {"ledger": ledger}}), encoding="utf-8")
    with pytest.raises((DatasetError, SecretError), match=said) as error:
        open_dataset(path)
    assert "hunter2" not in str(error.value)
