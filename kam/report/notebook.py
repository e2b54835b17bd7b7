"""A notebook as a file: found by path, name or number, and read without starting anything."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from kam.errors import KamError, NotebookError, UnreadableFileError
from kam.report.parameters import Parameter, read_parameters
from kam.report.workspace import find_carried

SET_BY_RUNNER = ("results_dir", "run_dir", "history")
"""Parameters that a run sets where a notebook declares them; nobody else may."""

_INJECTED = "injected-parameters"


@dataclass(frozen=True)
class Notebook:
    """A notebook that can be run.

    Attributes
    ----------
    path : pathlib.Path
        Where it was read.
    text : str
        Its content, JSON; what is checked is what is run.
    """

    path: Path
    text: str

    @property
    def step(self) -> str:
        """The name of its step in a run: the file's name as a folder may have it."""
        return folder_name(self.path.stem)

    @property
    def sha256(self) -> str:
        """Digest of the content."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def cells(self) -> list[dict[str, Any]]:
        """Its cells as they stand in the file."""
        cells: list[dict[str, Any]] = json.loads(self.text)["cells"]
        return cells

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """What its first cell with the tag ``parameters`` declares; none without such a cell."""
        for cell in self.cells:
            if cell["cell_type"] == "code" and "parameters" in cell.get("metadata", {}).get("tags", []):
                return read_parameters(_source(cell), where=self.path.name)
        return ()

    @property
    def title(self) -> str:
        """Its first heading, else the name of its step."""
        for cell in self.cells:
            if cell["cell_type"] == "markdown" and (found := re.search(r"^# +(.+)$", _source(cell), re.MULTILINE)):
                return found.group(1).strip()
        return self.step


def find_notebook(name: str | os.PathLike[str], *, start: Path | None = None) -> Notebook:
    """The notebook that a path, a name or a number means.

    Parameters
    ----------
    name : str or path
        The path of an ``.ipynb`` file; or the name of a notebook, or the number it begins with, in the first folder
        ``notebooks`` from the working folder upwards that has it, else among those that kam brings.
    start : pathlib.Path, optional
        The working folder.

    Raises
    ------
    UnreadableFileError
        There is no such notebook (the nearest names are given), or it is a folder.
    NotebookError
        The file is no notebook of format 4.

    Examples
    --------
    >>> find_notebook("no_such_notebook", start=Path("/"))
    Traceback (most recent call last):
    kam.errors.UnreadableFileError: There is no notebook 'no_such_notebook'. ...
    """
    start = (start or Path.cwd()).resolve()
    path = start / name
    if path.suffix == ".ipynb" or path.is_file():
        return _read(path)
    near: list[str] = []
    for folder in _notebook_folders(start):
        there = sorted(folder.glob("*.ipynb"))
        for file in there:
            if os.fspath(name) in (file.stem, file.stem.partition("_")[0]):
                return _read(file)
        near += [file.stem for file in there]
    known = difflib.get_close_matches(os.fspath(name), near, n=1) or near
    if plan := next((f"{os.fspath(name)}{end}" for end in (".yaml", ".yml") if Path(f"{path}{end}").is_file()), None):
        raise UnreadableFileError(f"There is no notebook {os.fspath(name)!r}.", hint=f"Did you mean the plan {plan}?")
    raise UnreadableFileError(
        f"There is no notebook {os.fspath(name)!r}.",
        hint=f"Give a path, or one of: {', '.join(sorted(set(known)))}."
        if known
        else "Give the path of an .ipynb file.",
    )


def find_notebooks(*, start: Path | None = None) -> tuple[list[Notebook], list[KamError]]:
    """Every notebook that a name can mean (:func:`find_notebook`), by name, and what is wrong with those that cannot be read."""
    found: dict[str, Path] = {}
    for folder in _notebook_folders((start or Path.cwd()).resolve()):
        for file in folder.glob("*.ipynb"):
            found.setdefault(file.stem, file)
    notebooks, problems = [], []
    for _, path in sorted(found.items()):
        try:
            notebook = _read(path)
            _ = notebook.parameters  # read only here
            notebooks.append(notebook)
        except KamError as error:
            problems.append(error)
    return notebooks, problems


def inject_parameters(content: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    r"""The notebook with a cell that assigns these values behind its ``parameters`` cell, as papermill does it.

    A cell injected before is replaced; without values there is none. The notebook given is not changed.

    >>> bare = {"nbformat": 4, "nbformat_minor": 5, "cells": []}
    >>> inject_parameters(bare, {"day": date(2026, 11, 21), "n": 3})["cells"][0]["source"]
    '# Parameters\nday = __import__("datetime").date(2026, 11, 21)\nn = 3'
    """
    cells = [cell for cell in content["cells"] if _INJECTED not in cell.get("metadata", {}).get("tags", [])]
    if values:
        source = "\n".join(["# Parameters", *(f"{name} = {_literal(value)}" for name, value in values.items())])
        cell: dict[str, Any] = {
            "cell_type": "code",
            "metadata": {"tags": [_INJECTED]},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        if content["nbformat_minor"] >= 5:
            cell["id"] = _INJECTED
        declared = [i for i, c in enumerate(cells) if "parameters" in c.get("metadata", {}).get("tags", [])]
        before = [c for c in content["cells"] if _INJECTED in c.get("metadata", {}).get("tags", [])]
        cells.insert(declared[0] + 1 if declared else 0, {**before[0], "source": source} if before else cell)
    return {**content, "cells": cells}


def release_notebook(
    content: dict[str, Any], *, name: str, parameters: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """An executed notebook as it is kept: with what was asked for, without what the runner set over it for its own use.

    Who opens it and runs it again reads the same data, and writes nothing into the folder of a run that is over. Where an output
    names such a folder, it names the parameter now: the same data give the same notebook and report. All that differs between
    two runs on the same data, the times, stands in one block: ``metadata.papermill`` of the notebook, which also has the seconds
    of every cell in their order.
    """
    text = json.dumps(inject_parameters(content, parameters))
    for setting in ("results_dir", "run_dir"):  # the first lies in the second
        if setting in settings:
            text = text.replace(json.dumps(settings[setting])[1:-1], setting)
    released: dict[str, Any] = json.loads(text)
    record = released["metadata"].setdefault("papermill", {})
    record |= {"input_path": name, "parameters": json.loads(json.dumps(dict(parameters), default=str))}
    record.pop("output_path", None)
    for cell in released["cells"]:
        _drop_addresses(cell)
    seconds = [_take_times(cell) for cell in released["cells"]]
    if any(seconds):
        record["cell_seconds"] = seconds
    return released


def _drop_addresses(cell: dict[str, Any]) -> None:
    """Take out of the plain form of outputs where in memory an object was: ``<Body object at 0x7f0c>``."""
    for output in cell.get("outputs", []):
        plain = output.get("data", {}).get("text/plain")
        if plain:
            text = "".join(plain)  # a string, or lines
            output["data"]["text/plain"] = re.sub(r" at 0x[0-9a-fA-F]{6,16}\b", "", text)


def _take_times(cell: dict[str, Any]) -> float | None:
    """Take the times out of a cell; how long it took, if it was run, is handed back."""
    cell["metadata"].pop("execution", None)
    record = cell["metadata"].get("papermill", {})
    seconds: float | None = record.pop("duration", None)
    for name in ("start_time", "end_time"):
        record.pop(name, None)
    return seconds


def folder_name(text: str) -> str:
    """The text as the name of a folder: letters, digits, ``_``, ``-`` and inner dots, at most 80 characters.

    It is none of Windows' own, and none that a file of a run has.

    >>> folder_name("../Q4 report: <final>"), folder_name("CON"), folder_name("run.json")
    ('Q4_report_final', 'CON_', 'run.json_')
    """
    name = re.sub(r"[^\w.-]+", "_", text).strip("._-")[:80].rstrip("._-") or "unnamed"
    taken = r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?|run\.json(\.part)?|index\.html|tables\.xlsx"
    return f"{name}_" if re.fullmatch(taken, name) else name


def _notebook_folders(start: Path) -> list[Path]:
    folders = [*(parent / "notebooks" for parent in (start, *start.parents)), find_carried("notebooks")]
    return [folder for folder in folders if folder.is_dir()]


def _read(path: Path) -> Notebook:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        there = [file.name for file in path.parent.glob("*.ipynb")] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, there, n=1)
        raise UnreadableFileError(
            "There is no such notebook.",
            where=str(path),
            hint=f"Did you mean {near[0]!r}?" if near else "Check the path.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"The notebook cannot be read: {error}.", where=str(path)) from error
    try:
        content = json.loads(text)
        _require_form(content)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotebookError(
            "The file is no Jupyter notebook of format 4.",
            where=str(path),
            hint="Open it in JupyterLab and save it again.",
        ) from error
    return Notebook(path=path, text=text)


def _require_form(content: Any) -> None:
    """What the runner relies on: nbformat's own check takes a second to load, and comes when the notebook is run.

    Raises
    ------
    ValueError, KeyError, TypeError
        It is no notebook of format 4.
    """
    if content["nbformat"] != 4 or not isinstance(content["nbformat_minor"], int):
        raise ValueError(f"format {content['nbformat']}")
    if not isinstance(content["cells"], list):
        raise TypeError("cells that are no list")
    for cell in content["cells"]:
        if cell["cell_type"] not in ("code", "markdown", "raw"):
            raise ValueError(f"a cell of type {cell['cell_type']!r}")
        _source(cell)
    for one in (content, *content["cells"]):
        metadata = one.get("metadata", {})
        if not isinstance(metadata, dict) or not isinstance(metadata.get("tags", []), list):
            raise TypeError("metadata of another form")


def _literal(value: Any) -> str:
    """The value as an expression that needs no import of the notebook's."""
    if isinstance(value, (date, datetime)):
        return f'__import__("datetime").{repr(value).removeprefix("datetime.")}'
    if isinstance(value, (list, tuple)):
        inner = ", ".join(_literal(item) for item in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner},)"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(key)}: {_literal(item)}" for key, item in value.items()) + "}"
    return repr(value)


def _source(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)
