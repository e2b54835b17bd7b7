"""From a fresh clone to an environment, with the network; then nothing is done twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FILES = ["CHANGELOG.md", "LICENSE", "Makefile", "README.md", "dev.py", "kam", "pyproject.toml", "requirements.lock"]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("fresh") / "a clone"
    folder.mkdir()
    for name in FILES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder)
    yield folder
    shutil.rmtree(folder)  # an environment is more than a gigabyte


def start_dev(clone: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start dev.py as a user would, outside of the environment that these tests run in."""
    inside = str(Path(sys.executable).parent)
    path = os.pathsep.join(folder for folder in os.environ["PATH"].split(os.pathsep) if folder != inside)
    env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"} | {"PATH": path}
    command = [getattr(sys, "_base_executable", sys.executable), str(clone / "dev.py"), *arguments]
    return subprocess.Popen(
        command, cwd=clone.parent, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_environment_is_made_once_and_whole(clone):
    # Ended without a chance to clean up, while uv is at work.
    interrupted = start_dev(clone, "test", "--version")
    deadline = time.monotonic() + 120
    while not (clone / ".venv" / "uv.txt").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(3)
    interrupted.send_signal(signal.SIGKILL)
    interrupted.communicate()
    assert (clone / ".venv").exists()
    assert not (clone / ".venv" / "made.json").exists()

    second = start_dev(clone, "test", "--version")
    output, _ = second.communicate(timeout=600)
    assert second.returncode == 0, output
    assert "Making .venv" in output
    assert output.splitlines()[-1].startswith("pytest ")

    script = clone / ".venv" / "bin" / "kam"
    said = subprocess.run([script, "--help"], cwd=clone.parent, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert "run" in said.stdout

    made = (clone / ".venv" / "made.json").read_bytes()
    assert json.loads(made)["folder"] == str(clone / ".venv")
    started = time.monotonic()
    third = start_dev(clone, "test", "--version")
    output, _ = third.communicate(timeout=60)
    assert third.returncode == 0
    assert len(output.splitlines()) == 1, "nothing to do"
    assert time.monotonic() - started < 10
    assert (clone / ".venv" / "made.json").read_bytes() == made
