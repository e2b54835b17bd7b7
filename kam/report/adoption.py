"""Finished steps of a run that was cut off: kept beside it, and taken over by the next run of the plan.

A step is taken over only where its *key* is the same: the notebook, its parameters, the content of every input file, the
versions of what computes and renders, and the keys of the steps that it waited for; and where its files are those that it
left, byte for byte: a machine that loses power may forget the last of what was written.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kam.errors import ResultsError
from kam.report.manifest import Step, read_step, write_step

RECORDS = ".finished"
"""Folder in the folder of a run at work: one file per finished step."""


def key_of_step(
    *,
    notebook_sha256: str,
    parameters: Mapping[str, Any],
    inputs_sha256: str | None,
    versions: Mapping[str, str],
    before: Mapping[str, str],
) -> str:
    """Digest of all that a step's outcome depends on.

    Parameters
    ----------
    notebook_sha256 : str
        Of the notebook.
    parameters : mapping
        As JSON has them.
    inputs_sha256 : str, optional
        Of the files of its dataset.
    versions : mapping
        By package.
    before : mapping
        Keys of the steps that it waited for, by name.
    """
    identity = [notebook_sha256, dict(parameters), inputs_sha256, dict(versions), dict(before)]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def keep_record(part: Path, step: Step, key: str) -> None:
    """Write down that a step is finished; its folder is complete."""
    folder = part / RECORDS
    folder.mkdir(exist_ok=True)
    write_step(step, folder / f"{key}-{_digest_folder(part / step.name)}.json")


def has_records(part: Path) -> bool:
    """Whether a step is finished in the folder of a run at work."""
    return any((part / RECORDS).glob("*.json"))


def adopt_steps(left: Path, part: Path, keys: Mapping[str, str]) -> dict[str, Step]:
    """Move the finished steps of a run that was cut off into the folder of this one.

    Parameters
    ----------
    left, part : pathlib.Path
        The folders of the two runs.
    keys : mapping
        Key of every step of this run, by name.

    Returns
    -------
    dict of str to Step
        Those taken over, by name.
    """
    adopted = {}
    for name, key in keys.items():
        record = left / RECORDS / f"{key}-{_digest_folder(left / name)}.json"
        try:
            step = read_step(record)
        except ResultsError:  # it is not there, or was cut off while it was written
            continue
        if step.name != name or not (left / name / "report.html").is_file() or (part / name).exists():
            continue
        (part / name).parent.mkdir(parents=True, exist_ok=True)
        (left / name).rename(part / name)
        keep_record(part, step, key)
        adopted[name] = step
    return adopted


def drop_records(folder: Path) -> None:
    """Take the records away once the run is published."""
    shutil.rmtree(folder / RECORDS, ignore_errors=True)


def _digest_folder(folder: Path) -> str:
    """Of the names and contents of all files."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{path.relative_to(folder).as_posix()}\n{content}\n".encode())
    return digest.hexdigest()[:32]
