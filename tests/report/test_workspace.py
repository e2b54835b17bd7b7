"""A folder to work in: whole or not there, and nothing overwritten."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from kam.errors import DataError, UnreadableFileError
from kam.report.catalog import read_catalog
from kam.report.workspace import find_carried, make_workspace

ROOT = Path(__file__).parents[2]


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_holds_what_kam_brings_along(tmp_path):
    written = make_workspace(tmp_path / "work")
    there = files_in(tmp_path / "work")
    assert written == sorted(there)
    for place in ("notebooks", "plans", "data/sample"):
        brought = {
            f"{place}/{name}": content for name, content in files_in(ROOT / place).items() if "/." not in f"/{name}"
        }
        assert brought and brought.items() <= there.items()
    assert [path.name for path in tmp_path.iterdir()] == ["work"], "nothing lies beside it"
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "work").stat().st_mode) == 0o777 & ~umask


def test_all_in_it_can_be_run_from_there(tmp_path):
    make_workspace(tmp_path / "work")
    catalog = read_catalog(start=tmp_path / "work")
    assert catalog.problems == ()
    assert {notebook.path.parent for notebook in catalog.notebooks} == {tmp_path / "work" / "notebooks"}
    assert len(catalog.plans) == len(list((ROOT / "plans").glob("*.yaml")))


@pytest.mark.parametrize("name", ["work", "a folder/두 번째", "-rf", "<script>"])
def test_any_name_will_do(tmp_path, name):
    make_workspace(tmp_path / name)
    assert (tmp_path / name / "notebooks").is_dir()


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "work").mkdir()
    make_workspace(tmp_path / "work")
    assert (tmp_path / "work" / "data" / "sample" / "dataset.yaml").is_file()


@pytest.mark.parametrize("kind", ["file", "folder with a file", "link to nowhere"])
def test_nothing_is_overwritten(tmp_path, kind):
    place = tmp_path / "work"
    if kind == "file":
        place.write_text("mine")
    elif kind == "link to nowhere":
        place.symlink_to(tmp_path / "nowhere")
    else:
        place.mkdir()
        (place / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="something already"):
        make_workspace(place)
    assert [path.name for path in tmp_path.iterdir()] == ["work"]
    assert list(files_in(tmp_path).values()) == ([] if kind == "link to nowhere" else [b"mine"])


def test_a_copy_that_fails_leaves_nothing(tmp_path, monkeypatch):
    copy = shutil.copytree

    def fail_at_the_sample(source, place, **options):
        copy(source, place, **options)
        if "sample" in str(source):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", fail_at_the_sample)
    with pytest.raises(UnreadableFileError, match="No space left"):
        make_workspace(tmp_path / "work")
    assert list(tmp_path.iterdir()) == []


def test_a_place_below_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnreadableFileError, match="cannot be made"):
        make_workspace(tmp_path / "file" / "work")


def test_what_is_carried_is_the_checkouts_here():
    assert find_carried("data/sample") == ROOT / "data" / "sample"
