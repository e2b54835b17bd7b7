"""The design of a regression: from rows of snapshots to columns of numbers, and again for rows that come later.

What was learnt from the training rows (means that stand for missing values, levels and which of them are pooled, columns that
say nothing new) is kept in the :class:`Design`, so that training, back-test and scoring use one code path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.design_parts import DesignColumn, LevelPart, NumberPart, Part, formula_part, level_part, number_part
from kam.churn.terms import Term, default_terms, find_term
from kam.errors import ModelError, ParameterError
from kam.wording import Wording

Floats = npt.NDArray[np.float64]

_TOLERANCE = 1e-8  # of a column's variance: less is left by the columns before it


@dataclass(frozen=True, kw_only=True)
class Design:
    """Columns of numbers made from snapshots, without the intercept.

    Attributes
    ----------
    columns : tuple of DesignColumn
        In the order of the matrix.
    parts : tuple of Part
        What makes them, and those left out.
    kept : tuple of int
        Which columns of the parts, taken together, are in the design.
    left_out : pandas.DataFrame
        ``term, level, reason``: columns that say nothing, or nothing new.
    missing : pandas.DataFrame
        ``term, n_missing``: training rows in which a mean stands for what is not known.
    pooled : pandas.DataFrame
        ``term, n_levels``: terms whose rare levels are pooled, and how many.
    """

    columns: tuple[DesignColumn, ...]
    parts: tuple[Part, ...]
    kept: tuple[int, ...]
    left_out: pd.DataFrame
    missing: pd.DataFrame
    pooled: pd.DataFrame

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def apply(self, rows: pd.DataFrame) -> Floats:
        """Make the columns from rows, the training rows or others.

        A value that is missing is the mean of the training rows (and its indicator, if the design has one, is 1). A level that
        training did not see is among the other levels or, where there is no such column, stands midway: each level has its share
        of the training rows.

        Returns
        -------
        numpy.ndarray, shape (rows, columns)

        Raises
        ------
        MissingColumnError
            A column is not there.
        DataError
            With a formula: a value is missing, or a level was not there in training.
        """
        return np.column_stack([part.apply(rows) for part in self.parts])[:, list(self.kept)]


def build_design(
    rows: pd.DataFrame,
    *,
    terms: Sequence[str] | None = None,
    formula: str | None = None,
    declared: Mapping[str, str] | None = None,
    scaling: Literal["step", "sd"] = "step",
    say: Wording | None = None,
) -> Design:
    """Build the columns of a regression from training rows.

    Numbers are in steps of natural units (:data:`kam.churn.terms.TERMS` says which) or in standard deviations. A missing number
    is the mean, with an indicator if 20 customers or more lack it; but for shares of what was ordered (delivered late, returned,
    discounted), which are missing where nothing was: their indicator would be silence by another name, so the mean stands alone.
    A missing level is a level. The most frequent level is the reference; levels of fewer than 20 customers are pooled into
    "other levels" or, if these have fewer than 20 together, stand midway between the levels. Columns with one value, and those
    that the columns before them determine, are left out and named.

    Assumes (1) that what is not known is like the mean, but for the indicator; (2) that every column was known at the origin:
    outcomes are refused by name.

    Parameters
    ----------
    rows : pandas.DataFrame
        Snapshots, with ``customer_id``.
    terms : sequence of str, optional
        Names of terms or columns. Default: :func:`kam.churn.terms.default_terms`.
    formula : str, optional
        Right-hand side in Wilkinson's notation, in place of terms: ``GPA + np.log(TUCE) + C(PSI)``; units are those of the
        columns, and no value may be missing.
    declared : mapping, optional
        Columns that join the default terms, and what they tell about: static facts of accounts, external series.
    scaling : {"step", "sd"}
        Natural steps, or standard deviations around the mean.
    say : Wording, optional
        How it is said.

    Returns
    -------
    Design

    Raises
    ------
    LeakageError
        A term is known only after the origin.
    MissingColumnError
        A column is not there; similar ones are named.
    ModelError
        No column is left.
    ParameterError
        Terms and a formula are given, a formula cannot be read, or a term stands twice.

    Examples
    --------
    >>> rows = pd.DataFrame({"customer_id": range(80), "n_complaints": 0})
    >>> rows["satisfaction"] = [1.0, 2.0, None, 3.0] * 20
    >>> design = build_design(rows, terms=["satisfaction", "n_complaints"])
    >>> design.names, design.left_out["term"].tolist()
    (('satisfaction', 'satisfaction: not known'), ['n_complaints'])
    >>> design.apply(rows.head(4)).tolist()
    [[1.0, 0.0], [2.0, 0.0], [2.0, 1.0], [3.0, 0.0]]
    """
    say = say or Wording()
    if terms is not None and formula is not None:
        raise ParameterError("There are terms and a formula.", hint="Give one of them.")
    if formula is not None:
        parts: list[Part] = [formula_part(rows, formula)]
    else:
        if terms is not None and len(set(terms)) < len(terms):
            raise ParameterError("A term stands twice.", where=", ".join(terms), hint="Name each once.")
        chosen = default_terms(rows, declared) if terms is None else tuple(find_term(rows, name) for name in terms)
        if not chosen:
            raise ModelError("There is no term.", hint="Name columns of the snapshots: terms=['frequency', …].")
        parts = [_part(rows, term, scaling, say) for term in chosen]
    columns = tuple(column for part in parts for column in part.columns)
    matrix = np.column_stack([part.apply(rows) for part in parts])
    kept, left_out = _choose(matrix, columns, say)
    if not kept:
        raise ModelError(
            "No term is left: each has one value only.",
            where=", ".join(sorted({column.term for column in columns})),
            hint="Add terms that differ between accounts.",
        )
    return Design(
        columns=tuple(columns[i] for i in kept),
        parts=tuple(parts),
        kept=tuple(kept),
        left_out=left_out,
        missing=_counted("n_missing", [(p.term.name, p.n_missing) for p in parts if isinstance(p, NumberPart)]),
        pooled=_counted("n_levels", [(p.term.name, p.n_pooled) for p in parts if isinstance(p, LevelPart)]),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _part(rows: pd.DataFrame, term: Term, scaling: str, say: Wording) -> Part:
    return level_part(rows, term, say) if term.kind == "text" else number_part(rows, term, scaling, say)


def _choose(matrix: Floats, columns: Sequence[DesignColumn], say: Wording) -> tuple[list[int], pd.DataFrame]:
    """Columns that vary and that those before them do not determine, and why the others are left out."""
    centered = matrix - matrix.mean(axis=0)
    size = np.sqrt((centered**2).mean(axis=0))
    varies = size > 1e-12 * np.maximum(np.abs(matrix).max(axis=0), 1e-300)
    centered[:, varies] /= size[varies]
    gram = centered.T @ centered / len(matrix)
    kept: list[int] = []
    out: list[tuple[str, str, str]] = []
    for i, column in enumerate(columns):
        if not varies[i]:
            out.append((column.term, column.level, say.sentence("has one value only")))
            continue
        if kept:
            weights = np.linalg.solve(gram[np.ix_(kept, kept)], gram[kept, i])
            if 1 - gram[kept, i] @ weights < _TOLERANCE:
                of = [columns[j].name for j, w in zip(kept, weights, strict=True) if abs(w) > 1e-4]
                out.append(
                    (column.term, column.level, say.sentence("says the same as {columns}", columns=say.listing(of)))
                )
                continue
        kept.append(i)
    return kept, pd.DataFrame(out, columns=["term", "level", "reason"], dtype=object)


def _counted(name: str, counts: Sequence[tuple[str, int]]) -> pd.DataFrame:
    return pd.DataFrame([one for one in counts if one[1]], columns=["term", name])
