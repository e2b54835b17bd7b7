"""No secret in what a step leaves: taken out of notebooks and answers, refused in tables and other files.

A table is not rewritten: what stands in it is data, and a key that is gone from one table would be missed in another.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kam.errors import SecretError
from kam.redaction import find_secret, known_secrets, redact, redact_all

if TYPE_CHECKING:
    import pyarrow as pa

_REDACTED = ("notebook.ipynb", "failed.ipynb", "report.html", "results.json", "error.txt")
"""Files of a step that are written without secrets."""


def redact_notebook(content: dict[str, Any]) -> dict[str, Any]:
    """A notebook, as JSON has it, without secrets in sources, outputs and metadata."""
    redacted = redact_all(content)
    for cell, given in zip(redacted["cells"], content["cells"], strict=True):
        if "outputs" in cell:
            cell["outputs"] = redact_outputs(given["outputs"])
    return redacted


def redact_outputs(outputs: list[Any]) -> list[Any]:
    """The outputs of a cell without secrets; what was printed in pieces is put into the first where a secret goes across."""
    redacted: list[Any] = []
    for name, group in itertools.groupby(outputs, key=lambda output: output.get("name")):
        run = list(group)
        if name and len(run) > 1:
            joined = redact("".join(_text(output) for output in run))
            if joined != "".join(redact(_text(output)) for output in run):
                redacted += [{**run[0], "text": joined}, *({**output, "text": ""} for output in run[1:])]
                continue
        redacted += redact_all(run)
    return redacted


def redact_file(file: Path) -> None:
    """Take secrets out of a notebook on disk; one that was cut off while it was written is removed."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        redacted = redact_notebook(content)
        if redacted != content:
            file.write_text(json.dumps(redacted, ensure_ascii=False, indent=1), encoding="utf-8")
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError, AttributeError):
        file.unlink()


def redact_results(folder: Path) -> None:
    """Take secrets out of the ``results.json`` of a step; one that cannot be read is left for others to refuse."""
    file = folder / "results.json"
    with contextlib.suppress(OSError, ValueError):
        content = json.loads(file.read_text(encoding="utf-8"))
        redacted = redact_all(content)
        if redacted != content:
            part = folder / "results.json.part"
            part.write_text(json.dumps(redacted, ensure_ascii=False, indent=1), encoding="utf-8")
            part.replace(file)


def raise_for_secret_files(folder: Path) -> None:
    """Look through tables and whatever else a notebook left.

    Raises
    ------
    SecretError
        A secret stands in a text cell, a column's name or the metadata of a table, in another file, or in a file's name.
    """
    if not known_secrets():
        return
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = file.relative_to(folder).as_posix()
        if name in _REDACTED:
            continue
        for place, content in itertools.chain([("a file's name", name)], _contents(file)):
            if source := find_secret(content):
                raise SecretError(
                    f"A secret would have been left behind: what {source} holds stands in {place}.",
                    where=redact(name),
                    hint="Take it out of the data, or leave the column out of the result; tables are not rewritten.",
                )


def _contents(file: Path) -> Iterator[tuple[str, str | bytes]]:
    if file.suffix == ".parquet":
        yield from _parquet_texts(file)
    elif zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            for member in archive.namelist():
                yield "a part of it", archive.read(member)
    else:
        yield "it", file.read_bytes()


def _parquet_texts(file: Path) -> Iterator[tuple[str, str | bytes]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        opened = parquet.ParquetFile(file)
    except (pa.ArrowException, OSError):
        yield "it", file.read_bytes()
        return
    with opened:
        schema = opened.schema_arrow
        yield "the name of a column", "\n".join(schema.names)
        for key, value in (schema.metadata or {}).items():
            yield "its metadata", key + b"\n" + value
        for field in schema:
            if _holds_text(field.type):
                texts: set[str] = set()
                for column in opened.read(columns=[field.name]).itercolumns():
                    _add_texts((column if pa.types.is_nested(field.type) else column.unique()).to_pylist(), texts)
                yield f"column {redact(field.name)!r}", "\n".join(texts)


def _holds_text(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    if types.is_dictionary(kind):
        return _holds_text(kind.value_type)
    plain = (types.is_integer, types.is_floating, types.is_boolean, types.is_temporal, types.is_decimal, types.is_null)
    return not any(is_kind(kind) for is_kind in plain)


def _add_texts(value: Any, texts: set[str]) -> None:
    if isinstance(value, str):
        texts.add(value)
    elif isinstance(value, bytes):
        texts.add(value.decode("utf-8", "replace"))
    elif isinstance(value, dict):
        _add_texts([*value.keys(), *value.values()], texts)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _add_texts(item, texts)


def _text(output: dict[str, Any]) -> str:
    text = output.get("text", "")
    return text if isinstance(text, str) else "".join(text)
