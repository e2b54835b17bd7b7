import csv
import io
import os
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from kam.errors import DataError, ParameterError
from kam.results import Context
from kam.tables import files, write_csv, write_workbook

EUR = Context(dataset="demo", title="Demo Ltd", currency="EUR", as_of=date(2024, 12, 31))

INJECTIONS = ["=1+1", '=HYPERLINK("http://x","y")', "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "＝1+1"]


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "customer_id": ["007", "=1+1", "http://x.example/"],
            "name": ["Müller", "한빛포장", "x" * 400],
            "revenue": [1234.5678, -5.0, np.nan],
            "share_value": [0.5, 0.25, 0.25],
            "n_orders": [3, 2, 1],
            "is_key_account": [True, False, True],
            "last_order": pd.to_datetime(["2024-12-09", "2024-01-01", None]),
        }
    )


def _sheet(path, name):
    return CalamineWorkbook.from_path(path).get_sheet_by_name(name).to_python()


def _xml(path):
    with zipfile.ZipFile(path) as book:
        return {name: book.read(name).decode() for name in book.namelist() if name.endswith((".xml", ".rels"))}


# -- workbook --------------------------------------------------------------------------------------------------------


def test_sheets_heads_and_values(tmp_path, frame):
    path = write_workbook({"accounts": frame, "second": frame.head(1)}, tmp_path / "tables.xlsx", context=EUR)
    assert path == tmp_path / "tables.xlsx"
    assert CalamineWorkbook.from_path(path).sheet_names == ["accounts", "second"]
    heads, *rows = _sheet(path, "accounts")
    assert heads == ["account", "name", "net revenue (EUR)", "share (%)", "orders", "key account", "last order"]
    assert rows[0] == ["007", "Müller", 1234.5678, 0.5, 3, True, date(2024, 12, 9)]
    assert rows[1] == ["=1+1", "한빛포장", -5, 0.25, 2, False, date(2024, 1, 1)]
    assert rows[2] == ["http://x.example/", "x" * 400, "", 0.25, 1, True, ""]


def test_numbers_filters_and_panes(tmp_path, frame):
    xml = _xml(write_workbook({"accounts": frame}, tmp_path / "t.xlsx", context=EUR))
    sheet = xml["xl/worksheets/sheet1.xml"]
    assert 'autoFilter ref="A1:G4"' in sheet
    assert 'topLeftCell="C2"' in sheet
    assert 'state="frozen"' in sheet
    styles = xml["xl/styles.xml"]
    assert "0.0%" in styles
    assert "yyyy\\-mm\\-dd" in styles or "yyyy-mm-dd" in styles


def test_no_formula_and_no_link_comes_from_data(tmp_path):
    hostile = [
        *INJECTIONS,
        "http://x.example/",
        "mailto:a@b.example",
        "internal:Sheet1!A1",
        "external:c:\\x.xlsx",
        "{=1+1}",
    ]
    frame = pd.DataFrame({"name": hostile, "=1+1": hostile})
    path = write_workbook({"=cmd|x": frame}, tmp_path / "t.xlsx", context=Context())
    for name, xml in _xml(path).items():
        assert "<f>" not in xml, name
        assert "<hyperlink" not in xml, name
        assert "relationships/hyperlink" not in xml, name
        assert "externalLink" not in xml, name
    (sheet,) = CalamineWorkbook.from_path(path).sheet_names
    assert [row[0] for row in _sheet(path, sheet)[1:]] == hostile
    assert _sheet(path, sheet)[0] == ["name", "=1+1"]


def test_same_frames_same_bytes(tmp_path, frame):
    one = write_workbook({"a": frame}, tmp_path / "one.xlsx", context=EUR).read_bytes()
    two = write_workbook({"a": frame.copy()}, tmp_path / "two.xlsx", context=EUR).read_bytes()
    assert one == two
    core = _xml(tmp_path / "one.xlsx")["docProps/core.xml"]
    assert core.count("2024-12-31T00:00:00Z") == 2  # created and changed: the as-of day, not now


def test_names_of_sheets(tmp_path, frame):
    names = ["a/b:c*d?e[f]\\g", "A_B_C_D_E_F__G", "x" * 40, "x" * 41, "'quoted'", "History", "", "이름"]
    path = write_workbook(dict.fromkeys(names, frame.head(1)), tmp_path / "t.xlsx", context=EUR)
    sheets = CalamineWorkbook.from_path(path).sheet_names
    assert sheets == [
        "a_b_c_d_e_f__g",
        "A_B_C_D_E_F__G~2",
        "x" * 31,
        "x" * 29 + "~2",
        "quoted",
        "History_",
        "table",
        "이름",
    ]


def test_odd_values(tmp_path):
    odd = [
        Decimal("1.25"), np.int64(3), float("inf"), None, pd.NA, pd.NaT, date(1850, 1, 2),
        datetime(2024, 5, 6, 7, 8, tzinfo=UTC), "y" * 40_000, "bad \ud800 surrogate", "nul \0 and bell \7", ("a", 1),
    ]  # fmt: skip
    path = write_workbook(
        {"odd": pd.DataFrame({"thing": pd.Series(odd, dtype=object)})}, tmp_path / "t.xlsx", context=EUR
    )
    values = [row[0] for row in _sheet(path, "odd")[1:]]
    assert values[:7] == [1.25, 3, "∞", "", "", "", "1850-01-02"]
    assert values[7] == "2024-05-06 07:08:00+00:00"
    assert len(values[8]) == 32_767
    assert values[8].endswith("…")
    assert values[9:11] == ["bad ⟨U+D800⟩ surrogate", "nul ⟨U+0000⟩ and bell ⟨U+0007⟩"]
    assert values[11] == "('a', 1)"


def test_many_columns_and_no_rows(tmp_path):
    wide = pd.DataFrame([range(60)], columns=[f"c{i}" for i in range(60)])
    path = write_workbook(
        {"wide": wide, "none": wide.head(0), "nothing": pd.DataFrame()}, tmp_path / "t.xlsx", context=EUR
    )
    assert _sheet(path, "wide")[1] == list(range(60))
    assert len(_sheet(path, "none")) == 1
    assert 'ref="A1:BH2"' in _xml(path)["xl/worksheets/sheet1.xml"]


def test_too_many_rows(tmp_path, monkeypatch, frame):
    old = tmp_path / "t.xlsx"
    old.write_bytes(b"the last good one")
    monkeypatch.setattr(files, "MAX_ROWS", 3)
    with pytest.raises(DataError, match="'big' has 3 rows; an Excel sheet holds 2"):
        write_workbook({"big": frame}, old, context=EUR)
    write_workbook({"fits": frame.head(2)}, tmp_path / "other.xlsx", context=EUR)
    assert old.read_bytes() == b"the last good one"


def test_no_table(tmp_path):
    with pytest.raises(ParameterError, match="no table"):
        write_workbook({}, tmp_path / "t.xlsx", context=EUR)


@pytest.mark.parametrize("write", ["workbook", "csv"])
def test_failure_leaves_the_last_good_file_and_no_scraps(tmp_path, monkeypatch, frame, write):
    target = tmp_path / "t.out"
    target.write_bytes(b"the last good one")

    def fail(*_, **__):
        raise OSError("disk full")

    if write == "workbook":
        monkeypatch.setattr(files, "_write_cell", fail)
        with pytest.raises(OSError, match="disk full"):
            write_workbook({"a": frame}, target, context=EUR)
    else:
        monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
        with pytest.raises(OSError, match="disk full"):
            write_csv(frame, target)
    assert [path.name for path in tmp_path.iterdir()] == ["t.out"]
    assert target.read_bytes() == b"the last good one"


# -- CSV -------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="rights of Unix")
@pytest.mark.parametrize(("umask", "rights"), [(0o077, 0o600), (0o002, 0o664)])
def test_files_have_the_rights_that_the_user_gives_new_files(tmp_path, frame, umask, rights):
    before = os.umask(umask)
    try:
        written = [
            write_workbook({"table": frame}, tmp_path / "x.xlsx", context=Context()),
            write_csv(frame, tmp_path / "x.csv"),
        ]
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in written] == [rights, rights]


def test_csv_guards_text_and_leaves_numbers(tmp_path):
    frame = pd.DataFrame({"name": [*INJECTIONS, "plain", None], "value": [-1.5, 2, 3, 4, 5, 6, 7, 8, 9, np.nan]})
    before = frame.copy()
    content = write_csv(frame, tmp_path / "t.csv").read_bytes()
    pd.testing.assert_frame_equal(frame, before)
    assert content.startswith(b'\xef\xbb\xbf"name","value"\n')
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [row[0] for row in rows[1:]] == [*(f"'{text}" for text in INJECTIONS), "plain", ""]
    assert rows[1][1] == "-1.5"


def test_csv_guards_heads_and_categories(tmp_path):
    frame = pd.DataFrame({"=x": pd.Categorical(["=1", "b"]), "day": pd.to_datetime(["2024-01-02", "2024-01-03"])})
    assert write_csv(frame, tmp_path / "t.csv").read_text("utf-8-sig") == (
        '"\'=x","day"\n"\'=1","2024-01-02"\n"b","2024-01-03"\n'
    )


@settings(max_examples=60)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_no_cell_of_a_file_begins_like_a_formula(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("files")
    frame = pd.DataFrame({"name": pd.Series(texts, dtype=object)})
    content = write_csv(frame, folder / "t.csv").read_text("utf-8-sig")
    for row in list(csv.reader(io.StringIO(content, newline="")))[1:]:
        assert not row or not row[0].startswith(("=", "+", "-", "@", "\t", "\r"))
    path = write_workbook({"t": frame}, folder / "t.xlsx", context=EUR)
    assert all("<f>" not in xml for xml in _xml(path).values())
    assert len(CalamineWorkbook.from_path(path).get_sheet_by_name("t").to_python(skip_empty_area=False)) >= 1
