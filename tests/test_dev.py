"""dev.py, run as a user runs it: what stops the set-up ends in one line that says what to do, and status 2."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OFFLINE = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",  # nothing listens there
    "PIP_FIND_LINKS": "",
    "PIP_NO_CACHE_DIR": "1",
    "PIP_RETRIES": "1",
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone that was never used, as far as the set-up looks, in a folder with a space in its name."""
    folder = tmp_path / "a clone"
    folder.mkdir()
    for name in ("dev.py", "Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    return folder


def run_dev(clone: Path, *arguments: str, before: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """Run dev.py from another folder by this Python, after the statements `before`."""
    path = str(clone / "dev.py")
    code = (
        f"import runpy, sys; sys.argv = {[path, *arguments]!r}; {before}; runpy.run_path({path!r}, run_name='__main__')"
    )
    command = [sys.executable, "-c", code] if before else [sys.executable, path, *arguments]
    return subprocess.run(
        command, cwd=clone.parent, env=os.environ | settings, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def read_complaint(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2
    assert done.stderr.startswith("dev.py: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_old_python_can_read_dev():
    ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_python_too_old(clone):
    done = run_dev(clone, "report", before="sys.version_info = (3, 9, 2)")
    complaint = read_complaint(done)
    assert "Python 3.11 or newer is needed, this is 3.9." in complaint
    assert re.search(r"python3\.\d\d dev\.py report \(or: make report PYTHON=python3\.\d\d\)", complaint)
    assert done.stdout == ""
    assert not (clone / ".venv").exists()


def test_python_that_is_really_too_old(clone):
    pyenv = Path(os.environ.get("PYENV_ROOT", os.devnull), "versions")
    found = [shutil.which(f"python3.{minor}") for minor in range(6, 11)] + [*pyenv.glob("3.[6-9].*/bin/python3")]
    pythons = [python for python in found if python and not subprocess.run([python, "-c", ""]).returncode]
    if not pythons:
        pytest.skip("no Python 3.6 to 3.10 here")
    for python in pythons:
        done = subprocess.run([python, clone / "dev.py", "test"], capture_output=True, text=True)
        assert "Python 3.11 or newer is needed, this is 3." in read_complaint(done)


@pytest.mark.parametrize("module", ["ensurepip", "venv"])
def test_no_venv_module(clone, module):
    done = run_dev(clone, "test", before=f"sys.modules[{module!r}] = None")
    assert "apt install python3-venv" in read_complaint(done)


def test_no_network_and_an_interrupted_set_up(clone):
    leftover = clone / ".venv" / "bin" / "leftover"
    leftover.parent.mkdir(parents=True)
    leftover.touch()
    done = run_dev(clone, "report", **OFFLINE)
    complaint = read_complaint(done)
    assert "the package index cannot be reached" in complaint
    assert "PIP_INDEX_URL" in complaint
    assert not leftover.exists(), "a half-made .venv is made anew"
    assert not (clone / ".venv" / "made.json").exists(), "and is still half made"
    log = Path(complaint[complaint.index("details: ") + 9 : complaint.rindex(")")])
    assert "pip install" in log.read_text(encoding="utf-8")


def test_file_in_the_way(clone):
    (clone / ".venv").write_text("a file in the way")
    assert str(clone / ".venv") in read_complaint(run_dev(clone, "test"))


def test_unknown_command(clone):
    assert "there is no command reprot" in read_complaint(run_dev(clone, "reprot"))


def test_command_without_arguments(clone):
    assert "check takes no arguments" in read_complaint(run_dev(clone, "check", "kam"))


def test_help_lists_the_targets_of_make():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    done = run_dev(ROOT, "help")
    assert done.returncode == 0
    assert re.findall(r"^  (\S+)", done.stdout, re.MULTILINE) == targets
    assert f"\n{' '.join(targets)}:\n" in makefile, "each target is a rule"


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
def test_make_alone_prints_the_help():
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # not what `make test` set
    done = subprocess.run(["make", "-s", "-C", ROOT], env=env, capture_output=True, text=True)
    assert done.stdout == run_dev(ROOT, "help").stdout
