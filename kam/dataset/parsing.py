r"""Read ``dataset.yaml``.

>>> parse_dataset_file("name: x\ntables: {ledger: {source: a.csv, decimal: ;}}", where="dataset.yaml")
Traceback (most recent call last):
    ...
kam.errors.DatasetError: tables.ledger.decimal (line 2) is ';'. Allowed: '.', ','. Where: dataset.yaml.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pydantic import BaseModel

from kam.dataset.conflicts import find_conflicts
from kam.dataset.dictionary import TABLES
from kam.dataset.schema import Assumptions, CleaningRules, DatasetFile, TableFile, Tables
from kam.dataset.yaml_files import Key, Kind, parse_sections, read_sections
from kam.errors import DatasetError


def read_dataset_file(path: Path) -> DatasetFile:
    """Read and check one ``dataset.yaml``.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    DatasetFile
        All keys, with their defaults.

    Raises
    ------
    UnreadableFileError
        The file is missing, a directory, too large, or not UTF-8 text.
    DatasetError
        It is no YAML, or a key or a value is wrong.
    """
    init = f"for a file of data, `kam init {path.name}` writes one."
    return read_sections(
        path,
        _DATASET,
        not_utf8=f"Save dataset.yaml as UTF-8; {init}",
        too_large=f"Give the dataset.yaml, not the data; {init}",
    )


def parse_dataset_file(text: str, *, where: str) -> DatasetFile:
    """Check the text of a ``dataset.yaml``.

    Parameters
    ----------
    text : str
        YAML.
    where : str
        What to call the file in messages.

    Returns
    -------
    DatasetFile
        All keys, with their defaults.

    Raises
    ------
    DatasetError
        It is no YAML, or a key or a value is wrong.
    """
    return parse_sections(text, _DATASET, where=where)


def digest_meaning(file: DatasetFile) -> str:
    """Digest of what the file says, whatever its comments, order and layout; title and language do not count."""
    content = file.model_dump(mode="json", exclude={"title", "language"})
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def _home_of(name: str) -> str:
    """Where a key belongs that stands in the wrong place."""
    homes: dict[str, type[BaseModel]] = {"cleaning": CleaningRules, "assumptions": Assumptions, "tables": Tables}
    for home, model in homes.items():
        if name in model.model_fields:
            return f"It belongs under {home}:. "
    if name in TableFile.model_fields:
        return "It belongs under a table. "
    return "Columns are named under columns: of their table. " if name in TABLES["ledger"].columns else ""


def _pattern_words(key: Key) -> str:
    if key == ("name",):
        return "letters, digits, '_', '-' and '.', beginning with a letter or a digit"
    return "a text without control characters and without spaces at its ends"


_DATASET = Kind(
    model=DatasetFile,
    name="dataset.yaml",
    error=DatasetError,
    first_key="name",
    hint="`kam init FILE` writes a first dataset.yaml.",
    home_of=_home_of,
    pattern_words=_pattern_words,
    find_conflicts=find_conflicts,
    references_at=("tables", None, "source"),
)
