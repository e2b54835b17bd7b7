"""Effects beside what the ledger knew of an account before the field: is there more to it than that?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import f as fisher
from scipy.stats import t as student
from statsmodels.regression.linear_model import WLS

from kam.survey.frame import levels_of

Floats = npt.NDArray[np.float64]

MIN_ACCOUNTS = 30
"""With fewer accounts nothing is tested."""
SKEWED = ("revenue", "days_since_last_order", "n_days_year", "tenure_days")
"""Facts that enter by the logarithm of one more than them, with their squares."""
PLAIN = ("share_late", "n_complaints")
_MOST_LEVELS, _LEAST_ROWS, _ROWS_PER_COLUMN = 15, 10, 5
_NOT_FACTS = frozenset(
    ("customer_id", "wave", "name", "status", "origin", "psu", "why", "response_class", "each", "level_3", "manager")
)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """An effect with its interval; ``n_accounts`` accounts are behind it."""

    estimate: float
    low: float
    high: float
    p_value: float
    n_accounts: int


def fact_columns(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """The facts of a survey frame: those in numbers, and those in words with few levels.

    Examples
    --------
    >>> fact_columns(pd.DataFrame({"customer_id": ["a", "b"], "revenue": [1.0, 2.0], "region": ["N", "S"]}))
    (['revenue'], ['region'])
    """
    numbers = [c for c in (*SKEWED, *PLAIN) if c in frame.columns and frame[c].notna().any()]
    words = [
        c
        for c in frame.columns
        if c not in _NOT_FACTS
        and (isinstance(frame[c].dtype, (pd.StringDtype, pd.CategoricalDtype)) or frame[c].dtype == object)
        and 2 <= frame[c].nunique() <= _MOST_LEVELS
    ]
    return numbers, words


def fact_matrix(frame: pd.DataFrame, *, without: Sequence[str] = ()) -> Floats:
    """The facts as columns of a regression, without a constant and without what says nothing or the same again.

    Skewed numbers enter as log(1 + x) with the square, standardized; words as indicators, levels of fewer than ten rows
    together; a missing number is the mean, with an indicator. Where there are more columns than a fifth of the rows, words (but
    the stratum) and squares stay out.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of a survey frame.
    without : sequence of str
        Facts that stay out.

    Returns
    -------
    numpy.ndarray
        Shape (rows, columns).
    """
    numbers, words = ([c for c in some if c not in without] for some in fact_columns(frame))
    few, many = ([_number(frame[c], c in SKEWED, squares=squares) for c in numbers] for squares in (False, True))
    indicators = {c: _indicators(frame[c]) for c in words}
    rows = len(frame)
    full = _independent(np.column_stack([np.zeros((rows, 0)), *many, *indicators.values()]))
    if full.shape[1] <= rows / _ROWS_PER_COLUMN:
        return full
    stratum = [indicators["stratum"]] if "stratum" in indicators else []
    return _independent(np.column_stack([np.zeros((rows, 0)), *few, *stratum]))


def effect_beside(
    y: Floats,
    term: Floats,
    facts: Floats,
    *,
    weights: Floats,
    clusters: npt.NDArray[np.generic],
    level: float,
    limit: float = np.inf,
) -> Effect | None:
    """The change of y with one more of the term among accounts alike in the facts, by weighted least squares.

    Errors are those of the jackknife over accounts (Bell & McCaffrey 2002, "CR3"), since with many facts beside few accounts the
    plain clustered ones are too small; t with as many degrees of freedom as accounts less columns. For a y of 0 and 1 the
    estimate is a difference of shares (linear probability model), which is at most 1: with that ``limit`` neither it nor an end
    of its interval is farther from 0, which takes nothing from the chance that the interval covers the truth.

    Assumes (1) that accounts are independent; (2) that y is linear in the columns of facts, as far as it matters here.

    Parameters
    ----------
    y, term, weights : numpy.ndarray
        Shape (rows,).
    facts : numpy.ndarray
        Shape (rows, columns), from :func:`fact_matrix`; no column: nothing is held alike.
    clusters : numpy.ndarray
        Shape (rows,): the account.
    level : float
        Of the interval.
    limit : float
        The largest effect that there can be.

    Returns
    -------
    Effect or None
        None: fewer than 30 accounts, or y or the term do not vary, beside the facts.
    """
    accounts, number = np.unique(clusters, return_inverse=True)
    n = accounts.size
    x = np.column_stack([np.ones(y.size), term, facts])
    if n < MIN_ACCOUNTS or n <= x.shape[1] + 1 or np.ptp(y) == 0 or _rest_of(term, facts) < 1e-6:
        return None
    estimate, variance = _jackknifed(y, x, weights, number)
    if not (np.isfinite(variance) and variance > 0):
        return None
    error, df = float(np.sqrt(variance)), n - x.shape[1]
    reach = float(student.ppf((1 + level) / 2, df)) * error
    return Effect(
        estimate=float(np.clip(estimate, -limit, limit)),
        low=float(np.clip(estimate - reach, -limit, limit)),
        high=float(np.clip(estimate + reach, -limit, limit)),
        p_value=float(2 * student.sf(abs(estimate) / error, df)),
        n_accounts=n,
    )


def joint_p_value(y: Floats, facts: Floats, *, weights: Floats, clusters: npt.NDArray[np.generic]) -> float | None:
    """p of the Wald test that y has nothing to do with any of the facts; None: not testable."""
    accounts, number = np.unique(clusters, return_inverse=True)
    k = facts.shape[1]
    if accounts.size < MIN_ACCOUNTS or accounts.size <= k + 1 or k == 0 or np.ptp(y) == 0:
        return None
    x = np.column_stack([np.ones(y.size), facts])
    fit = WLS(y, x, weights=weights).fit(cov_type="cluster", cov_kwds={"groups": number})
    beta, cov = fit.params[1:], fit.cov_params()[1:, 1:]
    statistic = float(beta @ np.linalg.pinv(cov) @ beta) / k
    return float(fisher.sf(statistic, k, accounts.size - 1))


# -- inside ----------------------------------------------------------------------------------------------------------


def _jackknifed(y: Floats, x: Floats, weights: Floats, number: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Coefficient of the second column, and its variance if each cluster is left out in turn."""
    root = np.sqrt(weights)[:, None]
    inverse = np.linalg.pinv((x * root).T @ (x * root))
    beta = inverse @ (x.T @ (weights * y))
    residual, pull = y - x @ beta, inverse[1] @ x.T  # what one more of y does to the coefficient, before its weight
    order = np.argsort(number, kind="stable")
    total, n_clusters = 0.0, 0
    for rows in np.split(order, np.flatnonzero(np.diff(number[order])) + 1):
        hat = (x[rows] @ inverse @ x[rows].T) * weights[rows]
        left_out = np.linalg.lstsq(np.eye(len(rows)) - hat, residual[rows], rcond=1e-9)[0]
        total += float((pull[rows] * weights[rows]) @ left_out) ** 2
        n_clusters += 1
    return float(beta[1]), total * (n_clusters - 1) / n_clusters


def _number(values: pd.Series, skewed: bool, *, squares: bool) -> Floats:
    x = values.to_numpy(dtype=np.float64)
    missing = np.isnan(x)
    x = np.log1p(np.maximum(x, 0.0)) if skewed else x
    x = np.where(missing, 0.0, x - x[~missing].mean()) if (~missing).any() else np.zeros_like(x)
    spread = float(x.std())
    x = x / spread if spread > 0 else x
    columns = [x, *([x**2] if skewed and squares else []), *([missing.astype(np.float64)] if missing.any() else [])]
    return np.column_stack(columns)


def _indicators(values: pd.Series) -> Floats:
    named = levels_of(values)
    counts = named.value_counts()
    named = named.where(named.map(counts) >= _LEAST_ROWS, "other")
    return pd.get_dummies(named, drop_first=True).to_numpy(dtype=np.float64)


def _independent(x: Floats) -> Floats:
    """The columns that neither are constant nor follow from those before, a constant included."""
    n = len(x)
    kept: list[Floats] = []
    basis = np.full((n, 1), 1 / np.sqrt(max(n, 1)))
    for column in x.T:
        rest = column - basis @ (basis.T @ column)
        size = float(np.linalg.norm(rest))
        if size > 1e-6 * max(float(np.linalg.norm(column)), 1e-12):
            kept.append(column)
            basis = np.column_stack([basis, rest / size])
    return np.column_stack([np.zeros((n, 0)), *kept])


def _rest_of(term: Floats, facts: Floats) -> float:
    """Share of the term's spread that the facts do not explain."""
    centered = term - term.mean()
    size = float(np.linalg.norm(centered))
    if size == 0:
        return 0.0
    x = np.column_stack([np.ones(term.size), facts])
    return float(np.linalg.norm(term - x @ np.linalg.lstsq(x, term, rcond=None)[0])) / size
