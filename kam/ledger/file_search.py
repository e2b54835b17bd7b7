"""Find the files that a path or a pattern names, and what kind they are."""

from __future__ import annotations

import difflib
import glob
import os
from pathlib import Path
from typing import Literal

from kam.errors import UnreadableFileError

FileKind = Literal["csv", "parquet", "excel"]

_SUFFIXES: dict[str, FileKind] = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".tab", ".psv", ".dat"), "csv"),
    **dict.fromkeys((".parquet", ".parq", ".pq"), "parquet"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), "excel"),
}
_KNOWN = "CSV (.csv, .tsv, .txt, also .gz), Parquet (.parquet) or Excel (.xlsx, .xlsm, .xlsb, .xls, .ods)"


def find_files(source: str | Path) -> tuple[Path, ...]:
    """The files that a path or a pattern such as ``"2024/*.csv"`` names, sorted by name.

    Raises
    ------
    UnreadableFileError
        Nothing is there, or a folder is; the name that comes nearest is suggested.

    Examples
    --------
    >>> find_files("no-such-file.csv")
    Traceback (most recent call last):
        ...
    kam.errors.UnreadableFileError: There is no file 'no-such-file.csv'...
    """
    path = Path(source).expanduser()
    if path.is_dir():
        raise UnreadableFileError(
            "This is a folder, not a file.",
            where=str(source),
            hint=f"Name a file, or a pattern such as {path.name}/*.csv.",
        )
    if path.is_file():
        if not os.access(path, os.R_OK):
            raise UnreadableFileError("The file may not be read.", where=str(source), hint="Check its permissions.")
        return (path,)
    if glob.has_magic(str(path)):
        found = tuple(Path(name) for name in sorted(glob.glob(str(path), recursive=True)) if Path(name).is_file())
        if found:
            return found
        raise UnreadableFileError(
            "No file fits the pattern.", where=str(source), hint="Check the folder and the ending."
        )
    if path.exists():  # a pipe, a device
        raise UnreadableFileError(
            "This is not an ordinary file.", where=str(source), hint="Save the data to a file first."
        )
    raise UnreadableFileError(f"There is no file {path.name!r}.", where=str(path.parent), hint=_suggest(path))


def _suggest(path: Path) -> str:
    if not path.parent.is_dir():
        return "The folder is not there either; paths are relative to the working folder. Check both."
    names = {name.casefold(): name for name in sorted(os.listdir(path.parent))}
    near = difflib.get_close_matches(path.name.casefold(), names, n=1, cutoff=0.5)
    return f"Did you mean {names[near[0]]!r}?" if near else "Check the name."


def kind_of_file(path: Path) -> FileKind:
    """What a file is, by its ending; its first bytes must not say otherwise.

    Raises
    ------
    UnreadableFileError
        The ending is not known, or the content is of another kind.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    ending = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else (suffixes[-1] if suffixes else "")
    with path.open("rb") as file:
        first = file.read(8)
    content = _kind_of_bytes(first)
    kind = _SUFFIXES.get(ending)
    if kind is None:
        raise UnreadableFileError(
            f"Files ending in {ending!r} are not known.",
            where=path.name,
            hint=f"Use {_KNOWN}, and name it accordingly.",
        )
    if first and content != kind and not (kind == "csv" and content is None):
        looks = {"csv": "text", "parquet": "Parquet", "excel": "an Excel workbook", None: "something else"}[content]
        named = {"csv": "text", "parquet": "Parquet", "excel": "Excel"}[kind]
        raise UnreadableFileError(
            f"The name says {named}, the content is {looks}.",
            where=path.name,
            hint="If it is what it looks like, rename it; otherwise it is damaged: copy or export it again.",
        )
    return kind


def _kind_of_bytes(first: bytes) -> FileKind | None:
    if first.startswith(b"PAR1"):
        return "parquet"
    if first.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
        return "excel"
    if first.startswith(b"\x1f\x8b"):
        return None
    return "csv"
