r"""The parameters of a notebook: what its ``parameters`` cell declares, and whether given values fit.

papermill warns of an unknown parameter and goes on, and it does not look at annotations. Here a notebook is not started unless
every value fits what its ``parameters`` cell declares, one ``name: type = default  # meaning, unit`` a line.

>>> declared = read_parameters("dataset: str = 'sample'  # a name\nhorizon: int | None = None  # days", where="x.ipynb")
>>> [(p.name, p.annotation, p.default, p.help) for p in declared]
[('dataset', 'str', "'sample'", 'a name'), ('horizon', 'int | None', 'None', 'days')]
>>> declared[0].parse("007"), declared[1].parse("90"), declared[1].parse("null")
('007', 90, None)
>>> declared[1].parse("soon")
Traceback (most recent call last):
kam.errors.ParameterError: Parameter 'horizon' cannot be 'soon': it is declared as int | None. Where: x.ipynb.
"""

from __future__ import annotations

import ast
import difflib
import io
import json
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Optional, Union, get_args, get_origin

from kam.dataset.secrets import find_exposed, find_references
from kam.errors import ParameterError, SecretError, UnreadableFileError
from kam.redaction import find_secret

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_TYPES = {
    "Any": Any,
    "Literal": Literal,
    "Optional": Optional,
    "Union": Union,
    "bool": bool,
    "date": date,
    "datetime": datetime,
    "dict": dict,
    "float": float,
    "int": int,
    "list": list,
    "str": str,
    "tuple": tuple,
}
_NOTHING = ("null", "None")


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of a notebook.

    Attributes
    ----------
    name : str
        Its name.
    annotation : str
        Its type as written; empty if the cell gives none, then the type of the default counts.
    default : str, optional
        The expression of its default; None: a value must be given.
    help : str
        The comment behind it: meaning and unit.
    where : str
        The notebook, for messages.
    """

    name: str
    annotation: str
    default: str | None
    help: str
    where: str

    @property
    def value(self) -> Any:
        """The default as a value; None where it is no literal or there is none."""
        try:
            return ast.literal_eval(self.default or "None")
        except ValueError:
            return None

    def parse(self, text: str) -> Any:
        """The value that a text from the command line means: ``007`` stays text where the type is ``str``.

        Lists and tables of names are written as YAML (``[A, B]``); ``null`` or ``None`` means None where the type has it.

        Raises
        ------
        ParameterError
            The text does not fit the annotation.
        """
        import yaml
        from pydantic import ValidationError

        adapter, kind = self._adapter()
        if text in _NOTHING and _admits_none(kind):
            return None
        if kind is Any:
            return yaml.safe_load(text)
        value: Any = text
        if _is_container(kind):
            try:
                value = yaml.load(text, yaml.BaseLoader)  # texts only: the type says what they are
            except yaml.YAMLError as error:
                raise self._misfit(text) from error
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            hint = "Write a list as [A, B], names with values as {A: 1, B: 2}." if _is_container(kind) else None
            raise self._misfit(text, hint=hint) from error

    def check(self, value: object) -> Any:
        """A typed value, from Python or YAML, if it fits the annotation: an ``int`` may stand for a ``float``, no other may.

        Raises
        ------
        ParameterError
            The value does not fit the annotation.
        """
        from pydantic import ValidationError

        adapter, kind = self._adapter()
        if kind is Any:
            return value
        try:
            return adapter.validate_json(json.dumps(value, default=_isoformat), strict=True)
        except (ValidationError, TypeError) as error:
            hint = "Put it in quotes." if kind is str and not isinstance(value, str) else None
            raise self._misfit(value, hint=hint) from error

    def _adapter(self) -> tuple[TypeAdapter[Any], Any]:
        from pydantic import ConfigDict, TypeAdapter

        if self.annotation:
            try:
                kind = eval(self.annotation, {"__builtins__": {}}, dict(_TYPES))
            except Exception as error:
                raise ParameterError(
                    f"Parameter {self.name!r} is declared as {self.annotation}, which cannot be checked.",
                    where=self.where,
                    hint=f"Use {', '.join(sorted(_TYPES))}, and | None.",
                ) from error
        else:
            kind = Any if self.value is None else type(self.value)
        return TypeAdapter(kind, config=ConfigDict(allow_inf_nan=False)), kind

    def _misfit(self, value: object, hint: str | None = None) -> ParameterError:
        declared = self.annotation or type(self.value).__name__
        return ParameterError(
            f"Parameter {self.name!r} cannot be {value!r}: it is declared as {declared}.", where=self.where, hint=hint
        )


def read_parameters(source: str, *, where: str) -> tuple[Parameter, ...]:
    """The parameters that the source of a ``parameters`` cell declares, in its order.

    Parameters
    ----------
    source : str
        Assignments, with or without annotation; imports and bare annotations (a value must be given) may stand among them.
    where : str
        The notebook, for messages.

    Raises
    ------
    ParameterError
        The cell is not plain Python, or holds something else than declarations.
    """
    try:
        tree = ast.parse(source)
        comments = {
            token.start[0]: token.string.lstrip("# ").strip()
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type == tokenize.COMMENT
        }
    except (SyntaxError, tokenize.TokenError) as error:
        raise ParameterError("The parameters cell is not plain Python.", where=where) from error
    found: dict[str, Parameter] = {}
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)) or _is_text(node):
            continue
        annotation, default = "", None
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=kind, value=value):
                annotation = (
                    kind.value if isinstance(kind, ast.Constant) and isinstance(kind.value, str) else ast.unparse(kind)
                )
                default = ast.unparse(value) if value else None
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                default = ast.unparse(value)
            case _:
                raise ParameterError(
                    f"Line {node.lineno} of the parameters cell declares no parameter.",
                    where=where,
                    hint="Write one `name: type = default  # meaning` a line, and nothing else.",
                )
        line = node.end_lineno or node.lineno
        found[name] = Parameter(
            name=name, annotation=annotation, default=default, help=comments.get(line, ""), where=where
        )
    return tuple(found.values())


def read_parameter_file(path: Path) -> dict[str, Any]:
    """The parameters that a YAML file gives by name.

    Raises
    ------
    UnreadableFileError
        The file cannot be read.
    ParameterError
        It is no YAML mapping of names to values.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"The file of parameters cannot be read: {error}.", where=str(path)) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""  # and not what stands there
        raise ParameterError(f"The file of parameters is no YAML{line}.", where=str(path)) from None
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise ParameterError(
            "The file of parameters has no names.", where=str(path), hint="Write one `name: value` a line."
        )
    return content


def bind_parameters(
    declared: Iterable[Parameter], *, texts: Mapping[str, str], values: Mapping[str, object], where: str
) -> dict[str, Any]:
    """What to hand to the notebook: every value checked against its declaration; a text goes before a value.

    Raises
    ------
    ParameterError
        A name is not declared (the nearest is named), a value does not fit, or one that must be given is missing.
    """
    known = {parameter.name: parameter for parameter in declared}
    for name in [*values, *texts]:
        if name not in known:
            raise unknown_parameter(name, known, where=where)
    bound = {name: known[name].check(value) for name, value in values.items() if name not in texts}
    bound |= {name: known[name].parse(text) for name, text in texts.items()}
    missing = [p.name for p in known.values() if p.default is None and p.name not in bound]
    if missing:
        raise ParameterError(f"Parameter {missing[0]!r} must be given.", where=where, hint=f"Add -p {missing[0]}=….")
    return {name: bound[name] for name in known if name in bound}


def raise_for_secrets(values: Mapping[str, object], *, where: str) -> None:
    """Refuse secrets as parameters: they would be written into the notebook and the report.

    Raises
    ------
    SecretError
        A name is that of a secret, or a value is an address with a password, a secret of the environment or a reference to one.
    """
    for name, value in values.items():
        exposed = next(find_exposed(name, value), None)
        known = find_secret(str(value))
        if exposed or known:
            what = f"is the secret of {known}" if known and not exposed else "is or holds a secret"
            raise SecretError(
                f"Parameter {name!r} {what}: it would stand in the notebook and the report.",
                where=where,
                hint="Keep it in the environment, and write ${env:NAME} in dataset.yaml or os.environ[…] in the notebook.",
            )
        if any(reference.startswith(("env:", "keyring:")) for reference in find_references(str(value))):
            raise SecretError(
                f"Parameter {name!r} refers to a secret, and what it refers to would stand in the notebook.",
                where=where,
                hint="References are resolved in dataset.yaml only.",
            )


def unknown_parameter(name: str, known: Iterable[str], *, where: str) -> ParameterError:
    """The error for a name that is not declared: it names the nearest one, or all."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"It has: {', '.join(names) or 'none'}."
    return ParameterError(f"There is no parameter {name!r}.", where=where, hint=hint)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _admits_none(kind: Any) -> bool:
    return kind is None or type(None) in get_args(kind)


def _is_container(kind: Any) -> bool:
    if get_origin(kind) in (list, tuple, dict) or kind in (list, tuple, dict):
        return True
    return get_origin(kind) is not Literal and any(_is_container(argument) for argument in get_args(kind))


def _isoformat(value: object) -> str:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no type for a parameter")
