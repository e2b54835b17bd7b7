"""Read a YAML file against a model; say what is wrong with it by key, line, what stands there and what may stand there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kam.dataset.secrets import exposes_secret, find_fault
from kam.errors import KamError, UnreadableFileError
from kam.redaction import is_secret_name

Key = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)

MAX_BYTES = 1_000_000
"""A larger file is no such file; data files are given to it by mistake."""

_ANY_REFERENCE = re.compile(r"\$\{(env|keyring):")


class Section(BaseModel):
    """Base of every part of the file: unknown keys are errors, values are taken as written, nothing changes later."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def _no_home(name: str) -> str:
    return ""


def _plain_pattern(key: Key) -> str:
    return "a text without control characters and without spaces at its ends"


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[M]):
    """A kind of file.

    Attributes
    ----------
    model : type
        What it holds: a :class:`Section`.
    name : str
        What it is called, as ``dataset.yaml``.
    error : type
        The error that says what is wrong with one.
    first_key : str
        The key it usually begins with.
    hint : str
        How to come by one.
    home_of : callable
        Where a key belongs that nobody knows: a sentence, or nothing.
    pattern_words : callable
        What a text must look like at a key.
    find_conflicts : callable
        Every key that contradicts another, with a sentence about it.
    references_at : tuple
        The key at which references to secrets may stand; None in it is any name.
    """

    model: type[M]
    name: str
    error: type[KamError]
    first_key: str
    hint: str
    home_of: Callable[[str], str] = _no_home
    pattern_words: Callable[[Key], str] = _plain_pattern
    find_conflicts: Callable[[M], Iterator[tuple[Key, str]]] = lambda _: iter(())
    references_at: tuple[str | None, ...]


def read_sections(path: Path, kind: Kind[M], *, not_utf8: str, too_large: str) -> M:
    """Read and check one file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    kind : Kind
        What kind it is.
    not_utf8, too_large : str
        What to do about a file that is no text in UTF-8, or larger than :data:`MAX_BYTES`.

    Returns
    -------
    pydantic.BaseModel
        All keys, with their defaults.

    Raises
    ------
    UnreadableFileError
        The file is missing, a directory, too large, or not UTF-8 text.
    KamError
        It is no YAML, or a key or a value is wrong: the kind's error.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnreadableFileError(f"The file is too large for a {kind.name}.", where=str(path), hint=too_large)
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableFileError("The file is not UTF-8 text.", where=str(path), hint=not_utf8) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError(f"The file cannot be read: {reason}.", where=str(path)) from error
    return parse_sections(text, kind, where=str(path))


def parse_sections(text: str, kind: Kind[M], *, where: str) -> M:
    """Check the text of a file.

    Parameters
    ----------
    text : str
        YAML.
    kind : Kind
        What kind of file it is.
    where : str
        What to call the file in messages.

    Returns
    -------
    pydantic.BaseModel
        All keys, with their defaults.

    Raises
    ------
    KamError
        It is no YAML, or a key or a value is wrong: the kind's error.
    """
    root = _compose(text, kind, where)
    places = dict(_walk(root, (), kind, where))
    if secrets := list(_misplaced_secrets(places, kind)):
        raise _as_error(secrets, kind, where)
    try:
        content = Loader(text).construct_document(root)
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise kind.error(f"A value cannot be read: {_yaml_problem(error)}.", where=where) from error
    try:
        file = kind.model.model_validate(content)
    except ValidationError as error:
        found = [
            _describe(entry, places, kind)
            for entry in error.errors(include_url=False)
            if not (
                entry["type"] == "too_short" and _holds(_place(entry["loc"], places)[1])
            )  # what is wrong in it is said already
        ]
        raise _as_error(list(dict.fromkeys(found)), kind, where) from None
    conflicts = [f"{_name(key, places)}: {sentence}" for key, sentence in kind.find_conflicts(file)]
    if conflicts:
        raise _as_error(conflicts, kind, where)
    return file


def nearest(word: str, known: Iterable[str]) -> str:
    """``Did you mean 'x'? `` for the known word that is nearest, else nothing.

    >>> nearest("encodng", ["source", "encoding"])
    "Did you mean 'encoding'? "
    """
    by_folded = {name.casefold(): name for name in known}
    found = get_close_matches(word.strip().casefold(), by_folded, n=1, cutoff=0.6)
    return f"Did you mean {by_folded[found[0]]!r}? " if found else ""


# -- YAML ------------------------------------------------------------------------------------------------------------


class Loader(yaml.SafeLoader):
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
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^({_pattern})$"), _firsts)


def _as_error(sentences: list[str], kind: Kind[Any], where: str) -> KamError:
    shown = sentences[:8]
    if len(sentences) > len(shown):
        shown.append(f"And {len(sentences) - len(shown)} more.")
    return kind.error(" ".join(shown), where=where)


def _compose(text: str, kind: Kind[Any], where: str) -> MappingNode:
    """The tree of nodes, with the place and the raw text of each; no aliases, so that it is no larger than the file."""
    try:
        for event in yaml.parse(text, Loader=Loader):
            if isinstance(event, yaml.AliasEvent):
                raise kind.error(f"There is an alias, *{event.anchor}.", where=where, hint="Write the value out.")
        root = yaml.compose(text, Loader=Loader)
    except yaml.YAMLError as error:
        problem = f"This is no YAML: {_yaml_problem(error)}."
        raise kind.error(problem, where=where, hint=_yaml_hint(error, text)) from None
    except RecursionError:
        raise kind.error("The file is nested too deeply.", where=where) from None
    if root is None:
        raise kind.error("The file is empty.", where=where, hint=kind.hint)
    if not isinstance(root, MappingNode):
        hint = f"Begin with `{kind.first_key}: …`; {kind.hint}"
        raise kind.error("The file holds no keys.", where=where, hint=hint)
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


def _walk(node: Node, key: Key, kind: Kind[Any], where: str) -> Iterator[tuple[Key, Node]]:
    """Every key with its node; a key that stands twice is an error, for YAML would keep the last in silence."""
    yield key, node
    if isinstance(node, MappingNode):
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            name = str(key_node.value) if isinstance(key_node, ScalarNode) else "?"
            line = key_node.start_mark.line + 1
            if name in seen:
                twice = f"{_dotted((*key, name))} stands twice, in lines {seen[name]} and {line}."
                raise kind.error(twice, where=where, hint="Keep one.")
            seen[name] = line
            yield from _walk(value_node, (*key, name), kind, where)
    elif isinstance(node, SequenceNode):
        for i, child in enumerate(node.value):
            yield from _walk(child, (*key, i), kind, where)


# -- secrets ---------------------------------------------------------------------------------------------------------


def _misplaced_secrets(places: dict[Key, Node], kind: Kind[Any]) -> Iterator[str]:
    """Passwords themselves, references that are written wrong, and references where none is resolved."""
    allowed = kind.references_at
    for key, node in places.items():
        if not isinstance(node, ScalarNode):
            continue
        text, name = str(node.value), _name(key, places)
        if exposes_secret(text):
            yield f"{name}: a password does not belong in {kind.name}. Write ${{env:NAME}} in its place."
        elif len(key) >= len(allowed) and all(a in (None, k) for a, k in zip(allowed, key, strict=False)):
            if fault := find_fault(text):
                yield f"{name}: {fault}"
        elif _ANY_REFERENCE.search(text):
            at = ".".join(part or "*" for part in allowed)
            yield f"{name}: a reference is resolved only in {at}."


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
    if any(isinstance(part, str) and is_secret_name(part) for part in key) or not isinstance(node, ScalarNode):
        return ""
    if exposes_secret(str(node.value)):
        return ""
    text = " ".join(str(node.value).split())
    return f" is {text[:60] + '…' if len(text) > 60 else text!r}" if text else " is empty"


def _section(key: Key, root: type[BaseModel]) -> type[BaseModel] | None:
    """The model of the section that the key is in."""
    model: Any = root
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
    "list": "a list, as [a, b]",
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
    "too_short": lambda c: f"a list of at least {c['min_length']}",
}


def _describe(entry: Any, places: dict[Key, Node], kind: Kind[Any]) -> str:
    """One finding of pydantic as sentences for people."""
    fault, key, context = entry["type"], entry["loc"], entry.get("ctx", {})
    if fault == "missing":
        return _describe_missing(key, places, kind)
    if fault in ("extra_forbidden", "invalid_key"):
        return _describe_unknown(key, places, kind)
    name = _name(key, places)
    if fault == "value_error":
        sentence = f"{name}: it {context['error']}"
    elif fault == "literal_error":
        expected = context["expected"].replace(" or ", ", ")
        sentence = f"{name}. {_nearest_of(key, expected, places)}Allowed: {expected}."
    elif fault == "string_pattern_mismatch":
        sentence = f"{name}. Allowed: {kind.pattern_words(key)}."
    elif fault in _LIMITS:
        sentence = f"{name}. Allowed: {_LIMITS[fault](context)}."
    else:
        allowed = _KINDS.get(fault.removesuffix("_type").removesuffix("_parsing").removesuffix("_from_float"))
        sentence = f"{name}. Allowed: {allowed}." if allowed else f"{name}: {entry['msg'].lower()}."
    return sentence


def _holds(node: Node) -> bool:
    """Whether anything stands in a list."""
    return isinstance(node, SequenceNode) and bool(node.value)


def _describe_missing(key: Key, places: dict[Key, Node], kind: Kind[Any]) -> str:
    parent, node = _place(key[:-1], places)
    inside = f"{_dotted(parent)} (line {node.start_mark.line + 1})" if parent else "The file"
    model = _section(key[:-1], kind.model)
    field = model.model_fields.get(str(key[-1])) if model else None
    meaning = f": {field.description}" if field and field.description else "."
    return f"{inside} has no key {str(key[-1])!r}, which is needed{meaning}"


def _describe_unknown(key: Key, places: dict[Key, Node], kind: Kind[Any]) -> str:
    key, node = _place(key, places)
    line = f"(line {node.start_mark.line + 1})"
    if key and isinstance(key[-1], str) and is_secret_name(key[-1]):
        return f"{_dotted(key)} {line}: secrets do not belong in {kind.name}; keep it in the environment."
    model = _section(key[:-1], kind.model)
    known = list(model.model_fields) if model else []
    elsewhere = kind.home_of(str(key[-1])) if key else ""
    guess = nearest(str(key[-1]), known) if key else ""
    return f"{_dotted(key)} {line} is no key. {guess or elsewhere}Allowed: {', '.join(known)}."


def _nearest_of(key: Key, expected: str, places: dict[Key, Node]) -> str:
    node = _place(key, places)[1]
    return nearest(str(node.value), re.findall(r"'([^']+)'", expected)) if isinstance(node, ScalarNode) else ""
