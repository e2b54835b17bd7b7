"""What every analysis hands back, and how the results of a run travel.

An analysis is a function that returns a frozen :class:`Result`: tidy frames whose columns stand in :mod:`kam.columns`, the
:class:`Check` of each assumption, what was :class:`Assumed`, and an answer in words. ``save_results`` writes results to a
folder and ``load_results`` reads them back, as the same classes.

The file ``results.json`` (``schema_version`` 1) holds an object ``results``, by key: ``type`` (module and class), ``answer``,
``key_figures`` (value, label, note), ``labels`` (what the index finds it by), ``checks`` (assumption, finding, verdict,
statistic, p_value), ``assumed``, ``context``, ``fields`` (the scalars of the class) and ``tables`` (name of a frame → Parquet
file under ``tables/``).
"""

from __future__ import annotations

import json
import math
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import date, datetime
from html import escape
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, ParamSpec, TypeVar

from kam.disclosure import Audience, OneByOne, RestsOn, protect_frame
from kam.errors import DataError, KamError, ModelError, ParameterError, ResultsError
from kam.wording import Wording

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1
Verdict = Literal["holds", "handled", "does not hold", "not testable"]


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a result says about where it comes from, and how it speaks.

    Attributes
    ----------
    dataset : str, optional
        Name of the dataset; the same dataset means the same name.
    title : str, optional
        The dataset's name for people.
    currency : str, optional
        ISO 4217 code; None means plain numbers.
    language : str
        Language of answers and reports.
    as_of : datetime.date, optional
        The day up to which the data count.
    fingerprint : str, optional
        Digest of the data and of how they were cleaned.
    audience : {"internal", "shared"}
        Who reads it; shared: nobody is named, and no single person's answer shown.
    """

    dataset: str | None = None
    title: str | None = None
    currency: str | None = None
    language: str = "en"
    as_of: date | None = None
    fingerprint: str | None = None
    audience: Audience = "internal"

    @property
    def wording(self) -> Wording:
        """How this context speaks."""
        return Wording(self.language, self.currency)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One assumption of a method, what the data say about it, and the verdict in a word."""

    assumption: str
    finding: str
    verdict: Verdict
    statistic: float | None = None
    p_value: float | None = None


@dataclass(frozen=True, kw_only=True)
class Assumed:
    """A number that was not estimated but assumed: what, how much, and what would change the answer."""

    what: str
    value: str
    would_change: str


@dataclass(frozen=True, kw_only=True)
class KeyFigure:
    """A figure of the answer card: formatted value with unit, what it is, and its interval or why there is none."""

    value: str
    label: str
    note: str = ""


class Answer(str):
    """One or two sentences, which a notebook shows as a card with three to five figures."""

    key_figures: tuple[KeyFigure, ...]

    def __new__(cls, text: str, key_figures: tuple[KeyFigure, ...] = ()) -> Answer:
        """Make the text, and put the figures beside it."""
        answer = super().__new__(cls, text)
        answer.key_figures = key_figures
        return answer

    def _repr_html_(self) -> str:
        figures = "".join(
            f"<div><dt>{escape(f.label)}</dt><dd><b>{escape(f.value)}</b> <small>{escape(f.note)}</small></dd></div>"
            for f in self.key_figures
        )
        figures = f'<dl class="kam-figures">{figures}</dl>' if figures else ""
        return f'<section class="kam-answer"><p>{escape(self)}</p>{figures}</section>'


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Result(ABC):
    """Base of all results: frozen, keyword-only, compared by identity.

    A subclass lives beside the function that returns it, adds its frames and scalars as fields, names in ``main`` the frame
    to show first, and implements ``_sentence`` and ``_key_figures``. One that is made of people's answers says in ``rests_on`` of
    each frame how many they rest on: in the context of a shared report, what too few said is taken out when the result is made,
    so that no sentence, table, figure or file of it can tell, and a frame of which it says nothing is emptied.

    Attributes
    ----------
    context : Context
        Dataset, currency, language and as-of date.
    checks : tuple of Check
        The assumptions of the method, each with its verdict.
    assumed : tuple of Assumed
        What was assumed rather than estimated.
    """

    main: ClassVar[str]
    rests_on: ClassVar[Mapping[str, RestsOn | OneByOne | None] | None] = None

    context: Context
    checks: tuple[Check, ...] = ()
    assumed: tuple[Assumed, ...] = ()

    def __post_init__(self) -> None:
        if self.context.audience == "shared":
            for name, frame in self.tables().items():
                rests_on = None if self.rests_on is None else self.rests_on.get(name, OneByOne())
                object.__setattr__(self, name, protect_frame(frame, rests_on, self.context.wording))

    @property
    def key(self) -> str:
        """The name under which this result is saved: the class name in snake case without ``Result``."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__.removesuffix("Result")).lower()

    def answer(self) -> Answer:
        """One or two sentences with number, unit and interval, in the language and currency of the context."""
        return Answer(self._sentence(), self._key_figures())

    @abstractmethod
    def _sentence(self) -> str:
        """The answer, through ``self.context.wording``."""

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        return ()

    def labels(self) -> dict[str, str]:
        """By what the index of reports finds a report of this result among many like it: ``account``, ``manager``, ``tier``, …

        The first names the report, the others group it; empty: it is one of its kind.
        """
        return {}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every frame of the result, by attribute name."""
        import pandas as pd

        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, pd.DataFrame)}

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self._sentence()}"

    def _repr_html_(self) -> str:
        frame = self.tables()[self.main]
        say = self.context.wording
        shown = frame.copy()
        for name in shown.columns if say.language != "en" else ():
            shown[name] = [say.word(one, name) if isinstance(one, str) else one for one in shown[name]]
        shown = shown.rename(columns={name: say.label(name) for name in frame.columns})
        table = shown.to_html(index=False, escape=True, max_rows=12, border=0, na_rep="–")
        return f"{self.answer()._repr_html_()}{table}"


# -- what the data do not allow --------------------------------------------------------------------------------------

P = ParamSpec("P")
R = TypeVar("R", bound=Result)


@dataclass(frozen=True)
class NotPossible:
    """What stands in the place of a result that the data do not allow: it is false, and says why.

    Attributes
    ----------
    name : str
        The analysis.
    error : KamError
        Why it could not be made.
    """

    name: str
    error: KamError

    def __bool__(self) -> bool:
        return False

    def answer(self) -> Answer:
        """Why there is no answer."""
        return Answer(f"This could not be said: {self.error.what}")


def attempt(analysis: Callable[P, R], /, *data: P.args, **options: P.kwargs) -> R | NotPossible:
    """Make a result that a report can do without; where the data do not allow it, say why in its place.

    Only errors of :mod:`kam.errors` about data and models are taken for that; a wrong parameter is an error all the same.

    Parameters
    ----------
    analysis : callable
        A function that returns a result.
    *data, **options
        What it takes.

    Returns
    -------
    Result or NotPossible

    Examples
    --------
    >>> from kam.identify import concentration
    >>> attempt(concentration, [-5.0, -1.0]).answer().partition(":")[0]
    'This could not be said'
    """
    try:
        return analysis(*data, **options)
    except (DataError, ModelError) as error:
        return NotPossible(analysis.__name__, error)


def possible(*results: Result | NotPossible) -> list[Result]:
    """Those that could be made."""
    return [result for result in results if isinstance(result, Result)]


# -- save and load ---------------------------------------------------------------------------------------------------


def save_results(*results: Result, to: str | os.PathLike[str]) -> Path | None:
    """Write results as ``results.json`` and ``tables/*.parquet`` into a folder.

    Parameters
    ----------
    *results : Result
        At least one; their keys must differ.
    to : path
        The folder, made if needed. Empty: nothing is written (a notebook that was not started by ``kam run``).

    Returns
    -------
    pathlib.Path or None
        The folder's ``results.json``, written last.

    Raises
    ------
    ParameterError
        Two results have the same key.
    """
    if not os.fspath(to):
        return None
    keys = [result.key for result in results]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ParameterError(f"Two results have the key {twice[0]!r}.", hint="Save each result once.")
    folder = Path(to)
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    content = {"schema_version": SCHEMA_VERSION, "results": {r.key: _to_json(r, folder / "tables") for r in results}}
    part = folder / "results.json.part"
    part.write_text(json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False), encoding="utf-8")
    part.replace(folder / "results.json")
    return folder / "results.json"


def load_results(run_dir: str | os.PathLike[str]) -> dict[str, Result]:
    """Read the results of a run back, as the classes that were saved.

    Parameters
    ----------
    run_dir : path
        A folder with a ``results.json``, or a run's folder whose steps have one each.

    Returns
    -------
    dict of str to Result
        By key, over all steps.

    Raises
    ------
    ResultsError
        Nothing there, damaged, or written by an unknown schema version.
    """
    folder = Path(run_dir)
    files = [folder / "results.json"] if (folder / "results.json").is_file() else sorted(folder.glob("*/results.json"))
    if not files:
        raise ResultsError(
            "There are no results.", where=str(folder), hint="Give the folder of a run, or of one of its steps."
        )
    loaded: dict[str, Result] = {}
    for file in files:
        for key, entry in read_results_json(file)["results"].items():
            loaded[key] = _from_json(entry, file)
    return loaded


def published_runs(reports_dir: str | os.PathLike[str]) -> list[Path]:
    """The folders of the runs in a reports folder, oldest first; those still at work, or cut off, are left aside.

    Parameters
    ----------
    reports_dir : path
        The reports folder; empty, or not there: no run.
    """
    root = Path(reports_dir)
    if not os.fspath(reports_dir) or not root.is_dir():
        return []
    return sorted((run for run in root.glob("[!.]*") if run.is_dir()), key=lambda run: _in_order(run.name))


def load_result(step_dir: str | os.PathLike[str], key: str, *, customer_id: str = "") -> Result:
    """Read one result of a step back, of one account if asked for: then only its rows of the frames are read.

    Assumes (1) that frames with accounts name them in ``customer_id``.

    Parameters
    ----------
    step_dir : path
        A folder with a ``results.json``.
    key : str
        The name under which the result was saved.
    customer_id : str
        Only the rows of this account, in the frames that have accounts; empty: all rows.

    Returns
    -------
    Result

    Raises
    ------
    ResultsError
        It is not there, damaged, or written by an unknown schema version.
    """
    file = Path(step_dir) / "results.json"
    saved = read_results_json(file)["results"]
    if key not in saved:
        raise ResultsError(f"There is no result {key!r}.", where=str(file), hint=f"There are {', '.join(saved)}.")
    return _from_json(saved[key], file, customer_id=customer_id)


def read_results_json(file: Path) -> dict[str, Any]:
    """The content of a ``results.json``, its schema version checked.

    Raises
    ------
    ResultsError
        The file cannot be read or its schema version is not known.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        version = content["schema_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResultsError("The results cannot be read.", where=str(file), hint="Run the report again.") from error
    if version != SCHEMA_VERSION:
        raise ResultsError(
            f"The results have schema version {version}; this kam reads version {SCHEMA_VERSION}.",
            where=str(file),
            hint="Run the report again with this version of kam.",
        )
    return dict(content)


def _in_order(run: str) -> list[tuple[int, str]]:
    """A key by which runs of one second stand in the order of their numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", run)]


_OWN = {"context", "checks", "assumed"}


def _to_json(result: Result, folder: Path) -> dict[str, Any]:
    answer = result.answer()
    tables = {}
    for name, frame in result.tables().items():
        file = f"{result.key}.{name}.parquet"
        frame.to_parquet(folder / file, index=False)
        tables[name] = file
    scalars = {
        f.name: _plain(getattr(result, f.name)) for f in fields(result) if f.name not in _OWN and f.name not in tables
    }
    return {
        "type": f"{type(result).__module__}:{type(result).__qualname__}",
        "answer": str(answer),
        "key_figures": [asdict(figure) for figure in answer.key_figures],
        "labels": result.labels(),
        "checks": [_plain(asdict(check)) for check in result.checks],
        "assumed": [asdict(assumed) for assumed in result.assumed],
        "context": _plain(asdict(result.context)),
        "fields": scalars,
        "tables": tables,
    }


def _from_json(entry: Mapping[str, Any], file: Path, *, customer_id: str = "") -> Result:
    try:
        module, _, name = entry["type"].partition(":")
        if not module.startswith("kam."):
            raise ValueError(f"{entry['type']!r} is not a result of kam")
        kind = getattr(import_module(module), name)
        if not (isinstance(kind, type) and issubclass(kind, Result)):
            raise ValueError(f"{entry['type']!r} is not a result")
        values: dict[str, Any] = {name: _rich(value) for name, value in entry["fields"].items()}
        for table, parquet in entry["tables"].items():
            if parquet != Path(parquet).name:
                raise ValueError(f"table {table!r} lies outside its folder")
            values[table] = _read_table(file.parent / "tables" / parquet, customer_id)
        values["context"] = Context(**{k: _rich(v) for k, v in entry["context"].items()})
        values["checks"] = tuple(Check(**check) for check in entry["checks"])
        values["assumed"] = tuple(Assumed(**assumed) for assumed in entry["assumed"])
        known = {f.name for f in fields(kind)}
        needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
        if needed - values.keys() or values.keys() - known:
            raise ValueError(f"fields differ: {sorted((needed - values.keys()) | (values.keys() - known))}")
        return kind(**values)
    except KamError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        raise ResultsError(
            f"The results cannot be read: {error}.", where=str(file), hint="Run the report again."
        ) from error


def _read_table(file: Path, customer_id: str) -> pd.DataFrame:
    import pandas as pd
    from pyarrow.parquet import read_schema

    if customer_id and "customer_id" in read_schema(file).names:
        return pd.read_parquet(file, filters=[("customer_id", "==", customer_id)])
    return pd.read_parquet(file)


def _plain(value: Any) -> Any:
    """Python, numpy and pandas scalars and containers as JSON; dates as ``{"date": …}``; not-a-number is refused."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, (datetime, date)):
        return {"date": value.isoformat()}
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(
            "A result holds a number that is not finite.", hint="Report undefined measures by a named error."
        )
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ParameterError(f"A result holds a {type(value).__name__}, which cannot be saved.")


def _rich(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"date"}:
            text = value["date"]
            return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
        return {k: _rich(v) for k, v in value.items()}
    if isinstance(value, list):
        return tuple(_rich(v) for v in value)
    return value
