"""Arguments of the wrong type end in an error that says what was expected and what came, in place of one of Python's own.

The annotations of a public function say what it takes. They are looked at when it has failed with an error that is none of
kam's: what can stand in for what is asked for may do so, and a good call costs nothing. Each package of analyses has its
functions guarded, by one line behind its ``__all__``:

    guard_functions(__name__)

Kinds are looked at, not ranges: numbers of NumPy are numbers, a list will do for a tuple, a text will not for a list of texts.

>>> from kam.identify import whale_curve
>>> whale_curve(None)
Traceback (most recent call last):
kam.errors.ParameterError: whale_curve() takes as 'profit' a pandas Series, and was given None.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Sized
from functools import cache, wraps
from importlib import import_module
from numbers import Integral, Real
from os import PathLike
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from kam.errors import KamError, ParameterError

_SHOWN = 40
_WORDS: dict[Any, str] = {
    NoneType: "None",
    bool: "True or False",
    float: "a number",
    int: "a whole number",
    str: "a text",
    PathLike: "a path",
}


class _Array:
    """Stands for ``npt.ArrayLike``, the union of all that NumPy would take, texts among it."""


def guard_functions(package: str) -> None:
    """Have every function of a package's ``__all__`` say it where it fails on an argument that its annotations do not allow.

    Parameters
    ----------
    package : str
        Its name; the functions are replaced in it, and in the modules where they were written.
    """
    module = sys.modules[package]
    for name in module.__all__:
        function = getattr(module, name)
        if inspect.isfunction(function):
            guarded = _guard(function)
            for place in (module, sys.modules[function.__module__]):
                setattr(place, name, guarded)


def _guard(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def guarded(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except KamError:
            raise
        except Exception as error:
            if misfit := _find_misfit(function, arguments, options):
                raise misfit from error
            raise

    return guarded


def _find_misfit(function: Callable[..., Any], arguments: Any, options: Any) -> ParameterError | None:
    """The error for the first argument that is not what the annotations say."""
    try:
        given = inspect.signature(function).bind(*arguments, **options).arguments
    except TypeError:  # one is missing, or not known, which Python has said
        return None
    for name, value in given.items():
        kind = _kinds(function)[name]
        if not _fits(value, kind):
            what = f"{_name_kind(kind)}, and was given {_name_value(value)}{_name_misfit(value, kind)}"
            return ParameterError(f"{function.__name__}() takes as {name!r} {what}.", hint=_advise(value, kind))
    return None


@cache
def _kinds(function: Callable[..., Any]) -> dict[str, Any]:
    """What each argument may be, by name."""
    module = sys.modules[function.__module__]
    names = {**_imported_for_types(module), **vars(module)}
    return {
        name: _simplify(eval(parameter.annotation, names))
        for name, parameter in inspect.signature(function).parameters.items()
    }


@cache
def _imported_for_types(module: ModuleType) -> dict[str, Any]:
    """What a module imports under ``if TYPE_CHECKING:``."""
    blocks = [
        node
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom) and node.module]
    return {
        alias.asname or alias.name: getattr(import_module(str(node.module)), alias.name)
        for node in imports
        for alias in node.names
    }


def _simplify(kind: Any) -> Any:
    """The kind with one name for whatever NumPy takes as an array."""
    import numpy.typing as npt

    arms, arrays = set(get_args(kind)), set(get_args(npt.ArrayLike))
    if not _is_union(kind) or not arms >= arrays:
        return kind
    return Union[tuple(arm for arm in (_Array, *get_args(kind)) if arm not in arrays)]  # noqa: UP007


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType)


def _fits(value: object, kind: Any) -> bool:
    """Whether a value is of a kind; a kind that cannot be told from a value fits."""
    if _is_union(kind):
        return any(_fits(value, arm) for arm in get_args(kind))
    plain = get_origin(kind) or kind
    if plain is Literal:
        return isinstance(value, str)  # which of them, the function says
    if plain in (int, float):
        return isinstance(value, Integral if plain is int else Real) and not _is_truth(value)
    if plain is bool:
        return _is_truth(value)
    if plain is _Array:
        return _is_several(value) and _are_numbers(value)
    if plain is tuple or _is_collection(plain):
        return _is_several(value) and all(_fits(item, _item_kind(kind)) for item in _items(value))
    if plain is Mapping:
        of = (get_args(kind) or (Any, Any))[1]
        return isinstance(value, Mapping) and all(_fits(item, of) for item in value.values())
    return not isinstance(plain, type) or plain is object or isinstance(value, plain)


def _is_collection(kind: Any) -> bool:
    return kind in (Sequence, Collection, Iterable)


def _item_kind(kind: Any) -> Any:
    return (get_args(kind) or (Any,))[0]


def _items(value: Any) -> Iterable[object]:
    """What is looked at one by one: not what an iterator would have given away, nor the numbers of an array."""
    return value if isinstance(value, Collection) and not hasattr(value, "dtype") else ()


def _is_truth(value: object) -> bool:
    return isinstance(value, bool) or (type(value).__name__ == "bool" and hasattr(value, "dtype"))


def _is_several(value: object) -> bool:
    """Many things in a row: no text, no table, no names with values."""
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)) and not _is_table(value)


def _are_numbers(value: Any) -> bool:
    import numpy as np

    try:
        np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return False
    return True


def _is_table(value: object) -> bool:
    return hasattr(value, "columns")


# -- in words --------------------------------------------------------------------------------------------------------


def _name_kind(kind: Any) -> str:
    if _is_union(kind):
        return " or ".join(dict.fromkeys(_name_kind(arm) for arm in get_args(kind)))
    plain = get_origin(kind) or kind
    if plain is Literal:
        return "one of " + ", ".join(repr(value) for value in get_args(kind))
    if plain in _WORDS:
        return _WORDS[plain]
    if plain is _Array or plain.__module__.startswith("numpy"):
        return "several numbers"
    if plain is tuple or _is_collection(plain):
        return {str: "several texts", int: "several whole numbers", float: "several numbers"}.get(
            _item_kind(kind), f"several, each {_name_kind(_item_kind(kind))}"
        )
    if plain is Mapping:
        return f"names with {_name_kind(get_args(kind)[1])} each"
    if plain.__module__.startswith("pandas"):
        return f"a pandas {plain.__name__}"
    return f"{'an' if plain.__name__[0] in 'AEIOU' else 'a'} {plain.__name__}"


def _name_value(value: object) -> str:
    if value is None or isinstance(value, (bool, Real)):
        return repr(value)
    if isinstance(value, str):
        return f"the text {value[:_SHOWN]!r}"
    name = type(value).__name__
    said = f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
    return f"{said} of {len(value)}" if isinstance(value, Sized) and not _is_table(value) else said


def _name_misfit(value: object, kind: Any) -> str:
    """Which of many things does not fit, where many may be given."""
    arms = get_args(kind) if _is_union(kind) else (kind,)
    for arm in arms:
        if _is_several(value) and (get_origin(arm) is tuple or _is_collection(get_origin(arm))):
            wrong = [item for item in _items(value) if not _fits(item, _item_kind(arm))]
            return f" with {_name_value(wrong[0])} in it" if wrong else ""
    return ""


def _advise(value: object, kind: Any) -> str | None:
    arms = get_args(kind) if _is_union(kind) else (kind,)
    if isinstance(error := getattr(value, "error", None), KamError):
        return f"It could not be made: {error.what}"
    if isinstance(value, str) and any(_is_collection(get_origin(arm)) and _item_kind(arm) is str for arm in arms):
        return f"Put it into a list: [{value[:_SHOWN]!r}]."
    if "DataFrame" in [getattr(arm, "__name__", "") for arm in arms] and callable(
        tables := getattr(value, "tables", None)
    ):
        return f"Give one of its tables: {', '.join(tables())}."
    return None
