"""What is in the repository: no place on a machine, no address of a registry, no outputs, nothing big."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# In pieces, for this file is looked through too.
MACHINE = re.compile("|".join(f"(?<![\\w.])/{folder}/" for folder in ("work", "root")))
REGISTRY = re.compile("|".join(["pypi" + r"\.org/simple", "files" + r"\.pythonhosted", "registry" + r"\.npmjs"]))
BIGGEST = 1_000_000


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Every file that is in the repository or would be with the next `git add`."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def list_matches(files: list[Path], pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in files:
        content = path.read_bytes()
        if b"\0" in content[:8000]:
            continue
        for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1):
            if match := pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match.group()}")
    return found


def test_files_are_found(files):
    assert {"dev.py", "Makefile", "pyproject.toml"} <= {path.name for path in files}


@pytest.mark.parametrize(
    ("pattern", "bad", "good"),
    [
        (MACHINE, 'open("/' + 'work/main/a.csv")', "a/work/b.csv and root/x"),
        (REGISTRY, "https://pypi" + ".org/simple/kam", "https://pypi" + ".org/project/kam"),
    ],
)
def test_patterns_tell_bad_from_good(pattern, bad, good):
    assert pattern.search(bad)
    assert not pattern.search(good)


def test_no_machine_path(files):
    assert list_matches(files, MACHINE) == []


def test_no_registry_address(files):
    assert list_matches(files, REGISTRY) == []


def test_no_notebook_has_outputs(files):
    for path in files:
        if path.suffix == ".ipynb":
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            dirty = [number for number, cell in enumerate(cells) if cell.get("outputs") or cell.get("execution_count")]
            assert not dirty, f"{path.relative_to(ROOT)}: cells {dirty} have outputs: make fix"


def test_no_big_file(files):
    big = {str(path.relative_to(ROOT)): size for path in files if (size := path.stat().st_size) > BIGGEST}
    assert big == {}
