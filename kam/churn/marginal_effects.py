"""Average marginal effects of a logistic regression: by how many points the probability differs for one step of a covariate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from scipy.stats import norm

from kam.churn.design_parts import DesignColumn
from kam.churn.logit import LogitFit

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class MarginalEffects:
    """One entry per column of the design; not a number where a column does not stand alone.

    Attributes
    ----------
    effect, std_error, low, high : numpy.ndarray
        Change of the probability with one step, averaged over the rows.
    without, with_step : numpy.ndarray
        Mean probability of all rows without (or, of a number, as it is) and with one step more, all else as it is.
    """

    effect: Floats
    std_error: Floats
    low: Floats
    high: Floats
    without: Floats
    with_step: Floats


def marginal_effects(
    fit: LogitFit, matrix: Floats, columns: Sequence[DesignColumn], level: float = 0.95
) -> MarginalEffects:
    """Average, over the rows, by how much the probability differs for one step of each column.

    For a number it is the mean derivative; for a flag, a level or an indicator the mean difference between all rows with it and
    all rows without it (levels: all rows at the reference). Errors are the delta method's on the covariance of the fit, which is
    clustered by customer; they take the rows as given.

    Assumes (1) that one covariate can differ while the others stay as they are.

    Parameters
    ----------
    fit : LogitFit
    matrix : numpy.ndarray, shape (rows, columns)
        Of the rows to average over.
    columns : sequence of DesignColumn
        Those of the design.
    level : float
        Of the intervals.

    Notes
    -----
    Greene (2012), Econometric Analysis, section 17.3.2.

    Examples
    --------
    >>> fit = LogitFit(params=np.zeros(2), covariance=np.eye(2), low=None, high=None, p_value=None, log_likelihood=0, intercept=0)
    >>> column = DesignColumn(term="x", label="x", group="other", kind="number", unit="per unit", more="one more")
    >>> effects = marginal_effects(fit, np.ones((4, 1)), [column])
    >>> effects.effect.tolist(), effects.std_error.tolist()
    ([0.0], [0.25])
    """
    log_odds = fit.log_odds(matrix)
    slopes = fit.params[1:]
    p = expit(log_odds)
    n = len(matrix)
    variance = p * (1 - p)
    bent = np.concatenate([[np.mean(variance * (1 - 2 * p))], (variance * (1 - 2 * p)) @ matrix / n])
    out = np.full((4, len(columns)), np.nan)
    for j, column in enumerate(columns):
        if not column.alone:
            continue
        if column.kind == "number":
            gradient = slopes[j] * bent
            gradient[1 + j] += variance.mean()
            out[:, j] = slopes[j] * variance.mean(), 0.0, p.mean(), expit(log_odds + slopes[j]).mean()
        else:
            own = [i for i, other in enumerate(columns) if other.term == column.term and other.kind == column.kind]
            base = log_odds - matrix[:, own] @ slopes[own]
            without, with_it = expit(base), expit(base + slopes[j])
            at_0, at_1 = without * (1 - without), with_it * (1 - with_it)
            gradient = np.concatenate([[(at_1 - at_0).mean()], (at_1 - at_0) @ matrix / n])
            gradient[[1 + i for i in own]] = 0.0
            gradient[1 + j] = at_1.mean()
            out[:, j] = (with_it - without).mean(), 0.0, without.mean(), with_it.mean()
        out[1, j] = np.sqrt(gradient @ fit.covariance @ gradient)
    effect, std_error, without_it, with_step = out
    half = norm.ppf((1 + level) / 2) * std_error
    return MarginalEffects(
        effect=effect,
        std_error=std_error,
        low=effect - half,
        high=effect + half,
        without=without_it,
        with_step=with_step,
    )
