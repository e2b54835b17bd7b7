"""The account's own level: how far its record is believed against that of all who were in the same states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Levels:
    """Lasting differences of money between customers of the same state, from :func:`customer_levels`.

    Attributes
    ----------
    between : float
        a, variance of the customers' lasting factors, whose mean is 1.
    within : float
        v, variance of the passing factor of one period, whose mean is 1.
    credibility : numpy.ndarray, shape (n_customers,)
        Z, how far a customer's own record is believed: 0 not at all, 1 wholly.
    factor : numpy.ndarray, shape (n_customers,)
        1 + Z (money / expected money − 1).
    variance : numpy.ndarray, shape (n_customers,)
        Of the lasting factor around ``factor``, given the record.
    """

    between: float
    within: float
    credibility: Floats
    factor: Floats
    variance: Floats


def customer_levels(
    money_sum: npt.ArrayLike,
    money_expected: npt.ArrayLike,
    money_squares: npt.ArrayLike,
    expected_squares: npt.ArrayLike,
) -> Levels | None:
    """How much more or less each customer brings than others who were in the same states (Bühlmann–Straub credibility).

    Money of customer i in a period in state s is r_s θ_i ε: the mean of the state, a lasting factor of the customer with mean 1
    and variance a, a passing factor with mean 1 and variance v. With the money S_i, the money expected M_i = Σ r_s, its squares
    E_i = Σ r_s² and Q_i = Σ (money − r_s)² over the customer's periods, the ratio X_i = S_i / M_i and the exposure
    k_i = M_i² / E_i (the number of periods with money, if all rewards are alike), where k_i > 1 for w:

        w = Σ k_i [Q_i / E_i − (X_i − 1)²] / Σ (k_i − 1)        a = (Σ k_i (X_i − 1)² − n w) / Σ k_i, at least 0
        v = w / (1 + a)        Z_i = k_i / (k_i + w / a)        f_i = 1 + Z_i (X_i − 1)
        variance_i = f_i² / (1 / a + k_i / v) + (f_i − X_i)²

    Z makes the best linear estimate whatever the distributions are. The first part of the variance is exact for gamma passing and
    inverse gamma lasting factors, under which Z is exact, too (the gamma–gamma model of Fader & Hardie 2013); the second is what
    pulling toward 1 may do to a customer who is far from it.

    Assumes (1) that passing factors of different periods are independent; (2) that the lasting factor says nothing about where
    the customer goes next; (3) that both variances are the same in all states.

    Parameters
    ----------
    money_sum, money_expected, money_squares, expected_squares : array_like, shape (n_customers,)
        S, M, Q and E, in money, money, money squared and money squared.

    Returns
    -------
    Levels or None
        None: no customer was seen in two periods with money, so that lasting and passing differences cannot be told apart.

    References
    ----------
    Bühlmann, H. and Straub, E. (1970). Glaubwürdigkeit für Schadensätze. Mitteilungen der VSVM 70.
    Jewell, W. S. (1974). Credible means are exact Bayesian for exponential families. ASTIN Bulletin 8.

    Examples
    --------
    Two customers, two periods each, 10 expected in each: one brings 14 and 16, one 4 and 6.

    >>> levels = customer_levels([30, 10], [20, 20], [16 + 36, 36 + 16], [200, 200])
    >>> round(levels.between, 4), round(levels.within, 4), levels.factor.round(3).tolist()
    (0.24, 0.0161, [1.48, 0.52])
    """
    s, m, q, e = (np.asarray(x, dtype=np.float64) for x in (money_sum, money_expected, money_squares, expected_squares))
    seen = (m > 0) & (e > 0)
    ratio = np.divide(s, m, out=np.ones(m.size), where=seen)
    k = np.divide(m**2, e, out=np.zeros(m.size), where=seen)
    squares = np.divide(q, e, out=np.zeros(m.size), where=seen)
    spare = np.maximum(k - 1, 0)
    if not spare.sum() > 1e-9:
        return None
    noise = max(float((k * (squares - (ratio - 1) ** 2))[spare > 0].sum() / spare.sum()), 0.0)
    between = max(float((k @ (ratio - 1) ** 2 - seen.sum() * noise) / k.sum()), 0.0)
    within = noise / (1 + between)
    believed, known = np.zeros(m.size), np.zeros(m.size)
    if between > 0:
        believed = np.divide(k, k + noise / between, out=believed, where=k > 0)
        known = np.divide(between * within, within + between * k, out=np.full(m.size, between), where=k > 0)
    factor = 1 + believed * (ratio - 1)
    return Levels(
        between=between,
        within=within,
        credibility=believed,
        factor=factor,
        variance=factor**2 * known + (believed > 0) * (factor - ratio) ** 2,
    )


def levels_of(customers: pd.DataFrame) -> Levels | None:
    """Levels of the frame ``customers`` of a chain; None where only counts are known, or nobody was seen twice."""
    if customers.empty or "money_sum" not in customers.columns:
        return None
    return customer_levels(
        customers["money_sum"], customers["money_expected"], customers["money_squares"], customers["expected_squares"]
    )


def gamma_interval(mean: Floats, variance: Floats, level: float) -> tuple[Floats, Floats]:
    """Between these ends lies a gamma distribution of this mean and variance; a normal one where the mean is not above 0."""
    fits = (mean > 0) & (variance > 0)
    shape = mean[fits] ** 2 / variance[fits]
    ends = []
    for q in ((1 - level) / 2, (1 + level) / 2):
        end = mean + special.ndtri(q) * np.sqrt(variance)
        end[fits] = special.gammaincinv(shape, q) * mean[fits] / shape
        ends.append(end)
    return ends[0], ends[1]
