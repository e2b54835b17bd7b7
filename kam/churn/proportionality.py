"""Are ratios of hazards the same at all times? The test of Grambsch & Therneau, as a score test with Efron's ties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Proportionality:
    """Test of proportional hazards.

    Attributes
    ----------
    statistic, p_value : numpy.ndarray, shape (P,)
        Of each column, with one degree of freedom.
    global_statistic, global_p_value : float
        Of all columns together, with P degrees of freedom.
    """

    statistic: Floats
    p_value: Floats
    global_statistic: float
    global_p_value: float


def check_proportionality(
    x: Floats, entry: Floats, duration: Floats, event: npt.NDArray[np.bool_], beta: Floats
) -> Proportionality:
    """Test whether columns times a function of time would have a coefficient in a Cox regression.

    The function of time is 1 − S(t−), with S the Kaplan–Meier curve of all; then outlying times have no leverage.

    Assumes (1) that the accounts are independent of one another, and (2) the coefficients are the maximum of Efron's partial
    likelihood.

    Parameters
    ----------
    x : numpy.ndarray, shape (n, P)
    entry, duration : numpy.ndarray, shape (n,)
        At risk in (entry, duration].
    event : numpy.ndarray of bool
    beta : numpy.ndarray, shape (P,)

    Notes
    -----
    Grambsch & Therneau (1994), Biometrika 81(3); the score test that ``cox.zph`` of R's survival computes since version 3.0:
    U' (I22 − I21 I11⁻¹ I12)⁻¹ U with the scores and the information of the columns times the function of time.
    """
    n_columns = x.shape[1]
    x = x - x.mean(axis=0)
    risk = np.exp(x @ beta)
    score = np.zeros(n_columns)
    information = np.zeros((3, n_columns, n_columns))  # times 1, g and g²
    survival = 1.0
    for time in np.unique(duration[event]):
        at_risk, dies = (entry < time) & (duration >= time), event & (duration == time)
        n_deaths, g = int(dies.sum()), 1 - survival
        all_0, all_1, all_2 = _moments(x[at_risk], risk[at_risk])
        own_0, own_1, own_2 = _moments(x[dies], risk[dies])
        mean_sum, variance = np.zeros(n_columns), np.zeros((n_columns, n_columns))
        for share in np.arange(n_deaths) / n_deaths:
            weight = all_0 - share * own_0
            mean = (all_1 - share * own_1) / weight
            mean_sum += mean
            variance += (all_2 - share * own_2) / weight - np.outer(mean, mean)
        score += g * (x[dies].sum(axis=0) - mean_sum)
        information += np.array([1.0, g, g * g])[:, None, None] * variance
        survival *= 1 - n_deaths / at_risk.sum()
    left = information[2] - information[1] @ np.linalg.solve(information[0], information[1])
    statistic = score**2 / np.diag(left)
    together = float(score @ np.linalg.solve(left, score))
    return Proportionality(
        statistic=statistic,
        p_value=np.asarray(chdtrc(1, statistic)),
        global_statistic=together,
        global_p_value=float(chdtrc(n_columns, together)),
    )


def _moments(x: Floats, risk: Floats) -> tuple[float, Floats, Floats]:
    weighted = x * risk[:, None]
    return float(risk.sum()), weighted.sum(axis=0), weighted.T @ x
