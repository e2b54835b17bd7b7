"""What a prediction looks at: the columns of snapshots as numbers that every learner can take.

Days, purchases and money enter as logarithms, since the tenth purchase says less than the second. What is missing becomes the
mean, with a column beside it that says so; a text becomes one column per frequent level, and a level that was not seen in
training is none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import MissingColumnError

Floats = npt.NDArray[np.float64]

MOST_LEVELS = 12
"""Levels of a text that get a column of their own."""
FEWEST_ROWS = 30
"""Rows that a level needs to get a column of its own."""
KNOWS_LATER = ("manager",)
"""Covariates that are known at a past origin only if nothing changed since: who took over later would be recognized by it."""
EVEN, MOST_SPREADS = 0.2, 12.0
"""A silence beyond the usual gap is set against how much the account's gaps vary, at least so much of their mean, and counts at
most so many times that."""
MOST_GAPS = 10.0
"""A silence is counted up to so many of the account's own gaps."""
WIDEST = 6.0
"""Standardized values are held within this many standard deviations of the training mean."""
_NEEDED = (
    *("frequency", "recency", "T", "monetary_value", "days_since_last_order", "mean_gap_days", "gap_cv"),
    *("n_days_recent", "n_days_before", "n_days_year", "n_days_year_before", "n_days_season"),
    *("revenue_recent", "revenue_before", "revenue_year", "revenue_year_before", "revenue_season"),
)
_LOGS = ("monetary_value", "n_days_recent", "n_days_before", "n_days_year", "n_days_year_before", "n_days_season")
_MONEY = ("revenue_recent", "revenue_before", "revenue_year", "revenue_year_before", "revenue_season")


@dataclass(frozen=True, eq=False)
class Predictors:
    """The rows of snapshots as numbers.

    Attributes
    ----------
    values : numpy.ndarray, shape (N, F)
        Standardized by the mean and standard deviation of the training rows.
    terms : tuple of str
        For each of the F columns the column of the snapshots that it tells of.
    """

    values: Floats
    terms: tuple[str, ...]


def read_predictors(
    rows: pd.DataFrame,
    training: npt.NDArray[np.bool_],
    *,
    horizon_days: int,
    covariates: tuple[str, ...] = (),
    structural: Mapping[str, Floats] | None = None,
    money: bool = False,
) -> Predictors:
    """Turn rows of snapshots into predictors, standardized on the training rows.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of :class:`kam.ledger.Snapshots`.
    training : numpy.ndarray of bool, shape (N,)
        The rows that means, spreads and frequent levels are taken from.
    horizon_days : int
        Days ahead.
    covariates : tuple of str
        Further columns to take in: numbers, flags or texts.
    structural : mapping of str to numpy.ndarray of shape (N,), optional
        Probabilities of no order from models of purchases; they enter as log-odds.
    money : bool
        Take in what was spent in each window, too.

    Raises
    ------
    MissingColumnError
        A column is not there.
    """
    missing = [name for name in (*_NEEDED, *covariates) if name not in rows]
    if missing:
        raise MissingColumnError(
            f"There is no column {missing[0]!r} in the snapshots.", hint="Take them from kam.ledger.snapshots."
        )
    columns = _history(rows, horizon_days)
    if money:
        columns += [(name, np.log1p(_numbers(rows[name]).clip(min=0))) for name in _MONEY]
        gross = _numbers(rows["monetary_value"]) * (_numbers(rows["frequency"]) + 1)
        columns.append(("revenue_year", np.log((gross + 1) / (_numbers(rows["T"]) + horizon_days / 3))))
    for p in (structural or {}).values():
        p = np.clip(p, 1e-4, 1 - 1e-4)
        columns.append(("days_since_last_order", np.log(p / (1 - p))))
    for name in covariates:
        if name in KNOWS_LATER:
            continue
        columns += _covariate(rows[name], name, training)
    terms, values = zip(
        *[(name, column) for name, given in columns for column in _filled(given, training)], strict=True
    )
    matrix = np.column_stack(values)
    center, spread = matrix[training].mean(axis=0), matrix[training].std(axis=0)
    varies = spread > 1e-9
    scaled = (matrix[:, varies] - center[varies]) / spread[varies]
    kept = tuple(term for term, takes_part in zip(terms, varies, strict=True) if takes_part)
    return Predictors(np.clip(scaled, -WIDEST, WIDEST), kept)


def _history(rows: pd.DataFrame, horizon_days: int) -> list[tuple[str, Floats]]:
    """How long ago, how often, how regularly."""
    since, gap, n = (_numbers(rows[name]) for name in ("days_since_last_order", "mean_gap_days", "frequency"))
    observed, variation = _numbers(rows["T"]), _numbers(rows["gap_cv"])
    has_gap = n > 0
    week = 7.0
    columns = [
        ("days_since_last_order", np.log1p(since)),
        ("days_since_last_order", np.minimum(since, horizon_days) / horizon_days),
        ("T", np.log1p(observed)),
        ("frequency", np.log1p(n)),
        ("frequency", (n == 0).astype(float)),
        ("gap_ratio", np.where(has_gap, np.log((since + week) / (np.where(has_gap, gap, 0) + week)), 0.0)),
        ("mean_gap_days", np.where(has_gap, np.log1p(np.where(has_gap, gap, 0)), 0.0)),
        # While an account buys at random, the odds that it has stopped grow by the same factor with each of its gaps.
        ("gap_ratio", np.where(has_gap, np.minimum(since / np.where(has_gap, np.maximum(gap, 1), 1), MOST_GAPS), 0.0)),
        (
            "gap_ratio",
            np.where(n > 1, np.clip((since - gap) / (gap * np.maximum(variation, EVEN) + 1), -3, MOST_SPREADS), 0.0),
        ),
        ("gap_ratio", np.where(has_gap, np.tanh((np.where(has_gap, gap, 0) - since) / horizon_days), 0.0)),
        ("gap_cv", np.where(n > 1, np.where(n > 1, variation, 0), 0.0)),
        ("gap_cv", (n <= 1).astype(float)),
        ("frequency", np.log((n + 0.3) / (observed + horizon_days / 3))),
    ]
    return columns + [(name, np.log1p(_numbers(rows[name]).clip(min=0))) for name in _LOGS]


def _covariate(values: pd.Series, name: str, training: npt.NDArray[np.bool_]) -> list[tuple[str, Floats]]:
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
        numbers = _numbers(values)
        seen = numbers[training & np.isfinite(numbers)]
        if len(seen) and seen.min() >= 0 and seen.max() > 10:
            numbers = np.log1p(np.clip(numbers, 0, None))
        return [(name, numbers)]
    texts = values.astype("str")
    counts = texts[training & values.notna().to_numpy()].value_counts()
    levels = counts[counts >= FEWEST_ROWS].index[:MOST_LEVELS]
    return [(name, (texts == level).to_numpy(dtype=float)) for level in levels]


def _filled(column: Floats, training: npt.NDArray[np.bool_]) -> list[Floats]:
    """The column with its training mean where it is missing, and, if it ever is, where that was."""
    unknown = ~np.isfinite(column)
    if not unknown.any():
        return [column]
    known = column[training & ~unknown]
    return [np.where(unknown, known.mean() if len(known) else 0.0, column), unknown.astype(float)]


def _numbers(values: pd.Series) -> Floats:
    return values.to_numpy(dtype=np.float64, na_value=np.nan)
