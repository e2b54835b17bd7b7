"""pyproject.toml, requirements.lock and environment.yml say the same, and the lock names no place."""

from __future__ import annotations

import contextlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import kam

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
REQUIREMENTS = [
    Requirement(line)
    for line in PROJECT["dependencies"] + EXTRAS["dev"] + EXTRAS["docs"] + EXTRAS["scheduler"] + EXTRAS["postgres"]
]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
SPARK_LOCK = (ROOT / "requirements-spark.lock").read_text(encoding="utf-8")


def read_pins(lock: str) -> list[tuple[Requirement, list[str]]]:
    """One pin is a line `name==version ; marker \\`, then its hashes, then comments."""
    return [
        (Requirement(line.rstrip(" \\")), re.findall(r"--hash=sha256:([0-9a-f]{64})\b", block))
        for block in re.split(r"\n(?=\w)", lock)
        if not block.startswith("#")
        for line in [block.splitlines()[0]]
    ]


PINS = read_pins(LOCK)
CONDA_NAMES = {"duckdb": "python-duckdb", "ibis-framework": "ibis-duckdb"}


def find_pins(name: str) -> list[Requirement]:
    return [pin for pin, _ in PINS if canonicalize_name(pin.name) == canonicalize_name(name)]


def test_lock_was_read():
    assert len(PINS) == len(re.findall(r"(?m)^\w\S*==", LOCK)) > 100


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: requirement.name)
def test_lock_pins_what_is_required(requirement):
    pins = find_pins(requirement.name)
    assert pins, f"{requirement.name} is not in requirements.lock: python3 dev.py lock"
    for pin in pins:
        (specifier,) = pin.specifier
        assert specifier.operator == "=="
        assert Version(specifier.version) in requirement.specifier


def test_every_pin_has_hashes():
    assert [pin.name for pin, hashes in PINS if not hashes] == []


def test_lock_serves_the_oldest_python():
    oldest = {"python_version": "3.11", "python_full_version": "3.11.0", "sys_platform": "linux"}
    pins = [pin for pin, _ in PINS if pin.marker is None or pin.marker.evaluate(oldest)]
    assert len(pins) == len({pin.name for pin in pins}), "two versions of one package for one machine"
    for pin in pins:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            here = importlib.metadata.distribution(pin.name)
            if here.version in pin.specifier and (needed := here.metadata.get("Requires-Python")):
                assert "3.11.0" in SpecifierSet(needed), pin.name


@pytest.mark.parametrize("lock", [LOCK, SPARK_LOCK], ids=["all", "spark"])
def test_lock_names_no_place(lock):
    assert not re.search(r"://|file:|--index|--find-links|--trusted|(?m:^-)| @ |(?<!\w)/\w|[A-Z]:\\", lock)


def test_the_lock_for_spark_adds_spark_and_changes_nothing():
    pins = read_pins(SPARK_LOCK)
    assert all(hashes for _, hashes in pins)
    # Not the whole lines: of a package that others need too, the machines may differ.
    ours = {(pin.name, str(pin.specifier)) for pin, _ in PINS}
    added = {pin.name: pin for pin, _ in pins if (pin.name, str(pin.specifier)) not in ours}
    assert set(added) == {"pyspark", "py4j"}, "python3 dev.py lock"
    (wanted,) = (Requirement(line) for line in EXTRAS["spark"] if line.startswith("pyspark"))
    assert Version(next(iter(added["pyspark"].specifier)).version) in wanted.specifier


def test_environment_yml_is_made_from_pyproject(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    program = Path(sys.executable).parent / "pyproject2conda"
    subprocess.run([program, "project", "--envs", "environment"], cwd=tmp_path, check=True, capture_output=True)
    made = (tmp_path / "environment.yml").read_text(encoding="utf-8")
    assert made == (ROOT / "environment.yml").read_text(encoding="utf-8"), "python3 dev.py lock"


def test_environment_yml_requires_what_pyproject_does():
    content = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = [line for line in content["dependencies"] if isinstance(line, str)]
    (by_pip,) = (line["pip"] for line in content["dependencies"] if not isinstance(line, str))
    assert "-e ." in by_pip
    lines = [Requirement(line) for line in conda + by_pip if line not in ("pip", "-e .")]
    found = {canonicalize_name(line.name): line.specifier for line in lines}
    wanted = {CONDA_NAMES.get(line.name, canonicalize_name(line.name)): line.specifier for line in REQUIREMENTS}
    assert found == wanted | {"python": Requirement("python" + PROJECT["requires-python"]).specifier}


def test_version_is_one():
    assert kam.__version__ == PROJECT["version"] == importlib.metadata.version("kam")
