"""The parts of a design: numbers and flags, levels, and formulas, each with what it learnt from the training rows."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from formulaic import Formula, ModelSpec
from formulaic.errors import DataMismatchWarning, FormulaicError

from kam.churn.terms import Term, refuse_outcomes, require_columns
from kam.errors import DataError, ParameterError
from kam.wording import Wording

Floats = npt.NDArray[np.float64]
ColumnKind = Literal["number", "flag", "level", "missing"]

MIN_LEVEL = 20
"""Levels of fewer customers than this are pooled; what fewer customers lack, or have together, has no column of its own."""


@dataclass(frozen=True, kw_only=True)
class DesignColumn:
    """One column of the design: its term, its level if any, and the words for one step of it.

    ``alone`` is false where another column of a formula is made of the same variables: it cannot differ while they stay.
    """

    term: str
    level: str = ""
    label: str
    group: str
    kind: ColumnKind
    unit: str
    more: str
    alone: bool = True

    @property
    def name(self) -> str:
        """Term and level: unlike all others of the design."""
        return f"{self.term}: {self.level}" if self.level else self.term


class Part(Protocol):
    """What makes columns of a design from rows."""

    @property
    def columns(self) -> tuple[DesignColumn, ...]:
        """The columns it makes."""

    def apply(self, rows: pd.DataFrame) -> Floats:
        """The columns, shape (rows, columns)."""


@dataclass(frozen=True, kw_only=True)
class NumberPart:
    """A number or a flag, with an indicator of what is not known if training rows lack some and its term allows one."""

    term: Term
    columns: tuple[DesignColumn, ...]
    fill: float
    center: float
    scale: float
    n_missing: int
    indicator: bool

    def apply(self, rows: pd.DataFrame) -> Floats:
        """The columns, shape (rows, columns)."""
        require_columns(rows, self.term.columns)
        values = self.term.values(rows)
        missing = np.isnan(values)
        column = (np.where(missing, self.fill, values) - self.center) / self.scale
        return np.column_stack([column, missing]) if self.indicator else column[:, None]


@dataclass(frozen=True, kw_only=True)
class LevelPart:
    """Levels against the most frequent one."""

    term: Term
    columns: tuple[DesignColumn, ...]
    code: dict[str, int]
    other: int | None
    unknown: int | None
    shares: Floats
    n_pooled: int

    def apply(self, rows: pd.DataFrame) -> Floats:
        """The columns, shape (rows, columns)."""
        require_columns(rows, self.term.columns)
        levels = self.term.levels(rows)
        code = np.array(levels.map(self.code).to_numpy(dtype=np.float64, na_value=np.nan))
        unseen = np.isnan(code)
        if self.unknown is not None:
            code[unseen & levels.isna().to_numpy()] = self.unknown
            unseen = np.isnan(code)
        if self.other is not None:
            code[unseen & levels.notna().to_numpy()] = self.other
            unseen = np.isnan(code)
        matrix = (code[:, None] == np.arange(1, len(self.columns) + 1)).astype(np.float64)
        matrix[unseen] = self.shares
        return matrix


@dataclass(frozen=True, kw_only=True)
class FormulaPart:
    """The columns of a formula; levels are against the first one in the order of the alphabet."""

    columns: tuple[DesignColumn, ...]
    needed: tuple[str, ...]
    spec: ModelSpec
    places: tuple[int, ...]

    def apply(self, rows: pd.DataFrame) -> Floats:
        """The columns, shape (rows, columns)."""
        require_columns(rows, self.needed)
        frame = _plain(rows, self.needed)
        lacking = [name for name in self.needed if frame[name].isna().any()]
        if lacking:
            raise DataError(
                f"Column {lacking[0]!r} lacks {int(frame[lacking[0]].isna().sum())} values.",
                hint="A formula takes complete rows; terms= takes missing values, too.",
            )
        with warnings.catch_warnings():
            warnings.simplefilter("error", DataMismatchWarning)
            try:
                matrix = self.spec.get_model_matrix(frame)
            except DataMismatchWarning as error:
                raise DataError(
                    f"A level was not there when the formula was fitted: {error}",
                    hint="A formula takes levels that it has seen; terms= takes others, too.",
                ) from error
        return np.asarray(matrix, dtype=np.float64)[:, list(self.places)]


def number_part(rows: pd.DataFrame, term: Term, scaling: str, say: Wording) -> NumberPart:
    """Learn the mean and the spread of a number, or what a flag is."""
    values = term.values(rows)
    missing = np.isnan(values)
    known = values[~missing]
    fill = float(known.mean()) if known.size else 0.0
    spread = float(known.std()) if known.size else 0.0
    flag = term.kind == "flag"
    by_sd = not flag and (scaling == "sd" or term.step is None)
    label, unit, more = (say.text(text) for text in (term.label, term.unit, term.more))
    if flag:
        unit, more = say.sentence("yes against no"), more or label
    elif by_sd:
        unit = say.sentence("per standard deviation ({sd})", sd=say.number(spread, _digits(spread)))
        more = say.sentence("{sd} more of {label}", sd=say.number(spread, _digits(spread)), label=label)
    columns = [
        DesignColumn(
            term=term.name,
            label=label,
            group=term.group,
            kind="flag" if flag else "number",
            unit=unit,
            more=more,
        )
    ]
    indicator = term.indicator and rows["customer_id"][missing].nunique() >= MIN_LEVEL
    if indicator:
        columns.append(
            DesignColumn(
                term=term.name,
                level=say.sentence("not known"),
                label=label,
                group=term.group,
                kind="missing",
                unit=say.sentence("not known against known"),
                more=say.sentence("{label} not known", label=label),
            )
        )
    return NumberPart(
        term=term,
        columns=tuple(columns),
        fill=fill,
        center=fill if by_sd and scaling == "sd" else 0.0,
        scale=(spread or 1.0) if by_sd else (term.step or 1.0),
        n_missing=int(missing.sum()),
        indicator=indicator,
    )


def level_part(rows: pd.DataFrame, term: Term, say: Wording) -> LevelPart:
    """Learn the levels, the reference and which are pooled."""
    label, unknown, other = say.text(term.label), say.sentence("not known"), say.sentence("other levels")
    levels = term.levels(rows)
    filled = levels.fillna(unknown) if term.indicator else levels
    frame = pd.DataFrame({"level": filled.to_numpy(), "customer_id": rows["customer_id"].to_numpy()})
    by_level = frame.groupby("level", sort=True)["customer_id"].agg(["size", "nunique"])
    rare = set() if term.group == "origin" else set(by_level.index[by_level["nunique"] < MIN_LEVEL])
    rare = rare if len(rare) < len(by_level) else set()  # a small ledger has small levels only
    pooled = frame.loc[frame["level"].isin(rare), "customer_id"].nunique() >= MIN_LEVEL
    sizes = by_level.loc[[level for level in by_level.index if level not in rare], "size"]
    names = [str(name) for name in sizes.sort_values(ascending=False, kind="stable").index] + [other] * pooled
    place = {name: i for i, name in enumerate(names)}
    code = {name: i for name, i in place.items() if name not in (unknown, other)}
    code |= dict.fromkeys(rare - {unknown}, place[other]) if pooled else {}
    at_unknown = place.get(unknown, place.get(other) if unknown in rare else None)
    own = frame["level"].map({**code, unknown: at_unknown}).dropna().to_numpy(dtype=np.float64)
    columns = [
        DesignColumn(
            term=term.name,
            level=name,
            label=label,
            group=term.group,
            kind="level",
            unit=say.sentence("{level} against {reference}", level=name, reference=names[0]),
            more=say.sentence("{label} {level} instead of {reference}", label=label, level=name, reference=names[0]),
        )
        for name in names[1:]
    ]
    return LevelPart(
        term=term,
        columns=tuple(columns),
        code=code,
        other=place.get(other),
        unknown=at_unknown,
        shares=np.array([(own == i).mean() for i in range(1, len(names))]),
        n_pooled=len(rare),
    )


def formula_part(rows: pd.DataFrame, formula: str) -> FormulaPart:
    """Learn the columns of a formula."""
    _, right, needed = formula_columns(formula)
    refuse_outcomes(needed)
    require_columns(rows, needed)
    try:
        spec: Any = Formula(right).get_model_matrix(_plain(rows, needed), na_action="ignore").model_spec
    except (FormulaicError, SyntaxError, ValueError, TypeError, AttributeError, NameError) as error:
        raise ParameterError(f"The formula cannot be used: {error}.", where=formula) from error
    variables = {str(term): {str(name) for name in names} & set(needed) for term, names in spec.term_variables.items()}
    shared = {
        term
        for term, own in variables.items()
        if ":" in term or any(own & others for other, others in variables.items() if other != term)
    }
    found = [
        (place, str(term), str(name))
        for term, places in spec.term_indices.items()
        for place, name in ((i, spec.column_names[i]) for i in places)
        if str(term) != "1"
    ]
    columns = [
        DesignColumn(
            term=term,
            level="" if name == term else name.removeprefix(term),
            label=name,
            group="other",
            kind="level" if "[T." in name and ":" not in term else "number",
            unit="yes against no" if "[T." in name and ":" not in term else "per unit",
            more=name if "[T." in name and ":" not in term else f"one unit more of {name}",
            alone=term not in shared,
        )
        for _, term, name in found
    ]
    return FormulaPart(columns=tuple(columns), needed=needed, spec=spec, places=tuple(place for place, _, _ in found))


def formula_columns(formula: str) -> tuple[str | None, str, tuple[str, ...]]:
    """Split a formula: its outcome (None without ``~``), its right-hand side, and the columns that this needs.

    >>> formula_columns("GRADE ~ GPA + np.log(TUCE)")
    ('GRADE', 'GPA + np.log(TUCE)', ('GPA', 'TUCE'))
    """
    left, tilde, right = formula.partition("~")
    if not tilde:
        left, right = "", left
    try:
        needed = tuple(sorted(str(name) for name in Formula(right.strip()).required_variables))
    except (FormulaicError, SyntaxError, ValueError, TypeError, AttributeError) as error:
        raise ParameterError(
            f"The formula cannot be read: {error}.",
            where=formula,
            hint="Write it like no_order ~ frequency + np.log(T).",
        ) from error
    return left.strip() or None, right.strip(), needed


# -- inside ----------------------------------------------------------------------------------------------------------


def _plain(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The columns with numpy types, which formulas need: numbers as floats, the rest as text."""
    frame = {}
    for name in names:
        column = rows[name]
        if pd.api.types.is_numeric_dtype(column):
            frame[name] = pd.Series(column.to_numpy(dtype=np.float64, na_value=np.nan))
        elif pd.api.types.is_datetime64_any_dtype(column):
            frame[name] = column.dt.strftime("%Y-%m-%d").reset_index(drop=True)
        else:
            frame[name] = column.reset_index(drop=True)
    return pd.DataFrame(frame, index=pd.RangeIndex(len(rows)))


def _digits(x: float) -> int:
    return 0 if x >= 100 else 1 if x >= 10 else 2
