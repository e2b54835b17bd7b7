r"""Read ``dataset.yaml``; say what is wrong with it by key, line, what stands there and what may stand there.

>>> parse_dataset_file("name: x\ntables: {ledger: {source: a.csv, decimal: ;}}", where="dataset.yaml")
Traceback (most recent call last):
    ...
kam.errors.DatasetError: tables.ledger.decimal (line 2) is ';'. Allowed: '.', ','. Where: dataset.yaml.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kam.dataset.conflicts import Key, find_conflicts
from kam.dataset.dictionary import TABLES
from kam.dataset.schema import SECRET_URL, Assumptions, CleaningRules, DatasetFile, TableFile, Tables, nearest
from kam.errors import DatasetError, UnreadableFileError


class _Loader(yaml.SafeLoader):
    """Safe, and by the rules of YAML 1.2: 007, no, 12:30 and 2025-13-01 are texts; only true and false are flags."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - that is PyYAML's interface


_SCALARS = {
    "null": (r"~|null|Null|NULL|", "~nN\0"),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    "float": (r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", "-+.0123456789"),
}
for _tag, (_pattern, _first) in _SCALARS.items():
    _firsts = ["" if sign == "\0" else sign for sign in _first]
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^({_pattern})$"), _firsts)

MAX_BYTES = 1_000_000
"""A larger file is no dataset.yaml; data files are given to it by mistake."""

_SECRET_KEY = re.compile(r"passw|passwd|pwd|secret|token|api_?key|credential", re.IGNORECASE)


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
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnreadableFileError(
                "The file is too large for a dataset.yaml.",
                where=str(path),
                hint=f"Give the dataset.yaml, not the data; for a file of data, `kam init {path.name}` writes one.",
            )
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        hint = f"Save dataset.yaml as UTF-8; for a file of data, `kam init {path.name}` writes one."
        raise UnreadableFileError("The file is not UTF-8 text.", where=str(path), hint=hint) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError(f"The file cannot be read: {reason}.", where=str(path)) from error
    return parse_dataset_file(text, where=str(path))


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
    root = _compose(text, where)
    places = dict(_walk(root, (), where))
    try:
        content = _Loader(text).construct_document(root)
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise DatasetError(f"A value cannot be read: {_yaml_problem(error)}.", where=where) from error
    try:
        file = DatasetFile.model_validate(content)
    except ValidationError as error:
        found = [_describe(entry, places) for entry in error.errors(include_url=False)]
        raise _as_error(list(dict.fromkeys(found)), where) from None
    conflicts = [f"{_name(key, places)}: {sentence}" for key, sentence in find_conflicts(file)]
    if conflicts:
        raise _as_error(conflicts, where)
    return file


def digest_meaning(file: DatasetFile) -> str:
    """Digest of what the file says, whatever its comments, order and layout; title and language do not count."""
    content = file.model_dump(mode="json", exclude={"title", "language"})
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def _as_error(sentences: list[str], where: str) -> DatasetError:
    shown = sentences[:8]
    if len(sentences) > len(shown):
        shown.append(f"And {len(sentences) - len(shown)} more.")
    return DatasetError(" ".join(shown), where=where)


# -- YAML ------------------------------------------------------------------------------------------------------------


def _compose(text: str, where: str) -> Node:
    """The tree of nodes, with the place and the raw text of each; no aliases, so that it is no larger than the file."""
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent):
                raise DatasetError(f"There is an alias, *{event.anchor}.", where=where, hint="Write the value out.")
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        problem = f"This is no YAML: {_yaml_problem(error)}."
        raise DatasetError(problem, where=where, hint=_yaml_hint(error, text)) from None
    except RecursionError:
        raise DatasetError("The file is nested too deeply.", where=where) from None
    if root is None:
        raise DatasetError("The file is empty.", where=where, hint="`kam init FILE` writes a first dataset.yaml.")
    if not isinstance(root, MappingNode):
        hint = "Begin with `name: …`; `kam init FILE` writes a first dataset.yaml."
        raise DatasetError("The file holds no keys.", where=where, hint=hint)
    return root


def _yaml_problem(error: Exception) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        code = error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "\0")
        return f"the character U+{code:04X} is not allowed in it"
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    problem = problem.replace("'\\t'", "a tab").replace("\t", " ")
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark else problem


def _yaml_hint(error: Exception, text: str) -> str | None:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return None
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return f"Line {mark.line + 1} is indented with a tab; use spaces."
    if "%" in line or "@" in line or "`" in line or ": " in line.partition(": ")[2]:
        return "Put values with special signs in quotes, as '%d.%m.%Y'."
    return None


def _walk(node: Node, key: Key, where: str) -> Iterator[tuple[Key, Node]]:
    """Every key with its node; a key that stands twice is an error, for YAML would keep the last in silence."""
    yield key, node
    if isinstance(node, MappingNode):
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            name = str(key_node.value) if isinstance(key_node, ScalarNode) else "?"
            line = key_node.start_mark.line + 1
            if name in seen:
                twice = f"{_dotted((*key, name))} stands twice, in lines {seen[name]} and {line}."
                raise DatasetError(twice, where=where, hint="Keep one.")
            seen[name] = line
            yield from _walk(value_node, (*key, name), where)
    elif isinstance(node, SequenceNode):
        for i, child in enumerate(node.value):
            yield from _walk(child, (*key, i), where)


# -- wording of what pydantic found ----------------------------------------------------------------------------------


def _dotted(key: Key) -> str:
    """``tables.survey.items[0].name``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".")


def _place(key: Key, places: dict[Key, Node]) -> tuple[Key, Node]:
    """The longest beginning of the key that stands in the file (pydantic adds names of union branches)."""
    key = tuple(part if isinstance(part, int) and key[:i] else str(part) for i, part in enumerate(key))
    for end in range(len(key), -1, -1):
        if key[:end] in places:
            return key[:end], places[key[:end]]
    return (), places[()]


def _name(key: Key, places: dict[Key, Node]) -> str:
    key, node = _place(key, places)
    return f"{_dotted(key)} (line {node.start_mark.line + 1}){_shown(key, node)}" if key else "The file"


def _shown(key: Key, node: Node) -> str:
    """What stands there, unless it is a secret or a whole section."""
    if any(isinstance(part, str) and _SECRET_KEY.search(part) for part in key) or not isinstance(node, ScalarNode):
        return ""
    if SECRET_URL.match(str(node.value)):
        return ""
    text = " ".join(str(node.value).split())
    return f" is {text[:60] + '…' if len(text) > 60 else text!r}" if text else " is empty"


def _section(key: Key) -> type[BaseModel] | None:
    """The model of the section that the key is in."""
    model: Any = DatasetFile
    for part in key:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        if field is None:
            return None
        model = next(iter(_models(field.annotation)), None)
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


_KINDS: dict[str, str] = {
    "string": "a text; one that looks like a number or like true and false has to stand in quotes",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "model": "keys with values",
    "dict": "keys with values",
    "tuple": "a list, as [a, b]",
    "decimal": "a number",
}

_LIMITS: dict[str, Callable[[dict[str, Any]], str]] = {
    "greater_than": lambda c: f"numbers above {c['gt']:g}",
    "greater_than_equal": lambda c: f"numbers from {c['ge']:g} on",
    "less_than": lambda c: f"numbers below {c['lt']:g}",
    "less_than_equal": lambda c: f"numbers up to {c['le']:g}",
    "finite_number": lambda _: "finite numbers",
    "string_too_short": lambda _: "a text that is not empty",
    "string_too_long": lambda c: f"a text of at most {c['max_length']} characters",
    "too_long": lambda c: f"a list of {c['max_length']} values",
}


def _describe(entry: Any, places: dict[Key, Node]) -> str:
    """One finding of pydantic as sentences for people."""
    kind, key, context = entry["type"], entry["loc"], entry.get("ctx", {})
    if kind == "missing":
        return _describe_missing(key, places)
    if kind in ("extra_forbidden", "invalid_key"):
        return _describe_unknown(key, places)
    name = _name(key, places)
    if kind == "value_error":
        sentence = f"{name}: it {context['error']}"
    elif kind == "literal_error":
        expected = context["expected"].replace(" or ", ", ")
        sentence = f"{name}. {_nearest_of(key, expected, places)}Allowed: {expected}."
    elif kind == "string_pattern_mismatch":
        sentence = f"{name}. Allowed: {_pattern_words(key)}."
    elif kind in _LIMITS:
        sentence = f"{name}. Allowed: {_LIMITS[kind](context)}."
    else:
        allowed = _KINDS.get(kind.removesuffix("_type").removesuffix("_parsing").removesuffix("_from_float"))
        sentence = f"{name}. Allowed: {allowed}." if allowed else f"{name}: {entry['msg'].lower()}."
    return sentence


def _describe_missing(key: Key, places: dict[Key, Node]) -> str:
    parent, node = _place(key[:-1], places)
    inside = f"{_dotted(parent)} (line {node.start_mark.line + 1})" if parent else "The file"
    model = _section(key[:-1])
    field = model.model_fields.get(str(key[-1])) if model else None
    meaning = f": {field.description}" if field and field.description else "."
    return f"{inside} has no key {str(key[-1])!r}, which is needed{meaning}"


def _describe_unknown(key: Key, places: dict[Key, Node]) -> str:
    key, node = _place(key, places)
    line = f"(line {node.start_mark.line + 1})"
    if key and isinstance(key[-1], str) and _SECRET_KEY.search(key[-1]):
        return f"{_dotted(key)} {line}: secrets do not belong in dataset.yaml; keep it in the environment."
    model = _section(key[:-1])
    known = list(model.model_fields) if model else []
    elsewhere = _home_of(str(key[-1])) if key else ""
    guess = nearest(str(key[-1]), known) if key else ""
    return f"{_dotted(key)} {line} is no key. {guess or elsewhere}Allowed: {', '.join(known)}."


def _home_of(name: str) -> str:
    """Where a key belongs that stands in the wrong place."""
    homes: dict[str, type[BaseModel]] = {"cleaning": CleaningRules, "assumptions": Assumptions, "tables": Tables}
    for home, model in homes.items():
        if name in model.model_fields:
            return f"It belongs under {home}:. "
    if name in TableFile.model_fields:
        return "It belongs under a table. "
    return "Columns are named under columns: of their table. " if name in TABLES["ledger"].columns else ""


def _nearest_of(key: Key, expected: str, places: dict[Key, Node]) -> str:
    node = _place(key, places)[1]
    return nearest(str(node.value), re.findall(r"'([^']+)'", expected)) if isinstance(node, ScalarNode) else ""


def _pattern_words(key: Key) -> str:
    if key == ("name",):
        return "letters, digits, '_', '-' and '.', beginning with a letter or a digit"
    return "a text without control characters and without spaces at its ends"
