"""Lists for other systems: files beside the report that another program reads as they were meant."""

import csv

import pandas as pd
import pytest

from kam.disclosure import WITHHELD
from kam.errors import DataError, ParameterError
from kam.tables import export_list

LIST = pd.DataFrame(
    {"customer_id": ["007", "=1+1", "../x"], "value": [1.5, 2.0, None], "since": pd.to_datetime(["2024-02-03"] * 3)}
)
ACCOUNTS = pd.DataFrame(
    {
        "customer_id": ["007", "=1+1", "../x", "9"],
        "name": ["Ä, GmbH", "@SUM(A1)", "مثال", "other"],
        "manager": ["Ana/../B", "CON", None, "nobody's"],
    }
)


def read(file):
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


def test_the_list_is_text_that_stays_text_and_parquet_has_it_as_it_is(tmp_path):
    before = LIST.copy()
    told = export_list(LIST, to=tmp_path, name="key_accounts", accounts=ACCOUNTS)
    rows = read(tmp_path / "lists" / "key_accounts.csv")
    assert list(rows[0]) == ["customer_id", "name", "manager", "value", "since"]
    assert [row["customer_id"] for row in rows] == ["007", "'=1+1", "../x"]
    assert [row["name"] for row in rows] == ["Ä, GmbH", "'@SUM(A1)", "مثال"]
    assert rows[0]["value"] == "1.5" and rows[0]["since"] == "2024-02-03" and rows[2]["manager"] == ""
    saved = pd.read_parquet(tmp_path / "lists" / "key_accounts.parquet")
    assert saved["customer_id"].tolist() == ["007", "=1+1", "../x"] and saved["name"][1] == "@SUM(A1)"
    assert pd.api.types.is_datetime64_dtype(saved["since"])
    pd.testing.assert_frame_equal(LIST, before)
    assert told == ("3 rows, as lists/key_accounts.csv and lists/key_accounts.parquet beside this report.",)


def test_one_file_per_manager_whatever_the_manager_is_called(tmp_path):
    told = export_list(LIST, to=tmp_path, name="call_list", accounts=ACCOUNTS, by="manager")
    parts = sorted((tmp_path / "lists" / "call_list").iterdir())
    assert [part.name for part in parts] == ["1_Ana_B.csv", "2_CON.csv"]
    assert [row["customer_id"] for row in read(parts[0])] == ["007"]
    assert told[1] == "2 files more, one per manager, in lists/call_list/."
    assert not list(tmp_path.glob("**/*.part"))


def test_without_accounts_there_is_the_whole_list_alone(tmp_path):
    export_list(LIST, to=tmp_path, name="call_list", by="manager")
    assert sorted(path.name for path in (tmp_path / "lists").iterdir()) == ["call_list.csv", "call_list.parquet"]


def test_nothing_is_written_where_nothing_may_be(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "run by kam" in export_list(LIST, to="", name="x")[0]
    kept_back = LIST.iloc[:0].copy()
    kept_back.attrs[WITHHELD] = "Not in a shared report."
    assert export_list(kept_back, to=tmp_path, name="x") == ("Not in a shared report.",)
    assert not list(tmp_path.iterdir())


def test_bad_names_and_places_are_named(tmp_path):
    for name in ("../x", "", "CON.csv", "A"):
        with pytest.raises(ParameterError, match="no name for a list"):
            export_list(LIST, to=tmp_path, name=name)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        export_list(LIST, to=tmp_path / "file", name="x")
    with pytest.raises(DataError, match="customer_id"):
        export_list(LIST[["value"]], to=tmp_path, name="x")
