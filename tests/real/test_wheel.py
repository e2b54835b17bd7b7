"""The wheel holds what kam needs outside its checkout, and no more; installed, `kam` answers from there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def run(*command: object, cwd: Path) -> str:
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    env["JUPYTER_PATH"] = str(Path(sys.prefix, "share", "jupyter"))  # borrowed too: the templates of nbconvert
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    building = ["-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, ROOT]
    run(sys.executable, *building, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a new environment: kam from the wheel, all else borrowed from this environment."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    # Added as plain paths, behind kam's own: the .pth file of an editable kam in there is not followed.
    Path(site, "borrowed.pth").write_text("\n".join(borrowed) + "\n", encoding="utf-8")
    installing = ["-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--ignore-installed", wheel]
    run(sys.executable, *installing, cwd=folder)
    return folder


def list_sources(folder: str, target: str) -> set[str]:
    """The files of a folder, under the names that the wheel gives them."""
    paths = [path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*") if path.is_file()]
    return {f"{target}/{path}" for path in paths if not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts)}


def test_file_list(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    info = f"kam-{VERSION}.dist-info/"
    folders = {"data/sample": "kam/_sample", "notebooks": "kam/_notebooks", "plans": "kam/_plans"}
    moved = {path for folder, target in folders.items() for path in list_sources(folder, target)}
    assert {name for name in names if not name.startswith(info)} == list_sources("kam", "kam") | moved
    assert {f"{info}METADATA", f"{info}entry_points.txt", f"{info}licenses/LICENSE"} <= names


@pytest.mark.parametrize(
    "pattern",
    [r"kam/py\.typed", r"kam/report/template/.*\.j2", r"kam/_sample/dataset\.yaml", r"kam/_notebooks/.*\.ipynb"],
)
def test_what_is_not_python_is_there(wheel, pattern):
    assert [name for name in zipfile.ZipFile(wheel).namelist() if re.fullmatch(pattern, name)]


def test_wheel_is_small(wheel):
    assert wheel.stat().st_size < 5_000_000


def test_kam_answers_outside_the_checkout(installed, tmp_path):
    where = run(installed / "bin" / "python", "-c", "import kam; print(kam.__file__, kam.__version__)", cwd=tmp_path)
    assert where.startswith(str(installed))
    assert where.split()[-1] == VERSION
    said = run(installed / "bin" / "kam", "--help", cwd=tmp_path)
    for command in ("run", "init", "check"):
        assert re.search(rf"\b{command}\b", said)


def test_sample_is_carried(installed, tmp_path):
    code = "import kam; print(len(kam.open_dataset('sample').accounts))"
    assert int(run(installed / "bin" / "python", "-c", code, cwd=tmp_path)) > 500


def test_a_new_workspace_is_whole(installed, tmp_path):
    """What lies in the checkout lies in the folder, and every notebook and plan in it can be run there."""
    run(installed / "bin" / "kam", "new", "work", cwd=tmp_path)
    for folder in ("notebooks", "plans", "data/sample"):
        assert list_sources(folder, folder) == {
            path.relative_to(tmp_path / "work").as_posix()
            for path in (tmp_path / "work" / folder).rglob("*")
            if path.is_file()
        }
    said = json.loads(run(installed / "bin" / "kam", "list", "--json", cwd=tmp_path / "work"))
    assert len(said["plans"]) == len(list((ROOT / "plans").glob("*.yaml"))) and said["problems"] == []
    assert {Path(one["path"]).parent for one in said["notebooks"]} == {tmp_path / "work" / "notebooks"}


def test_a_report_is_made_outside_the_checkout(installed, tmp_path):
    said = run(installed / "bin" / "kam", "run", "10", "--out", tmp_path / "reports", cwd=tmp_path)
    assert "done" in said
    assert (tmp_path / "reports" / "index.html").is_file()
    (report,) = (tmp_path / "reports").glob("*/10_customer_identification/report.html")
    assert "key accounts" in report.read_text(encoding="utf-8")
