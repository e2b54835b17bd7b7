"""Cronbach's alpha and what goes with it, from the covariances of the items; and how sure each of these numbers is.

Whatever is a function f of the covariances S has, to first order, the error Σ_i ψ_i with ψ_i = Σ_jk (∂f/∂s_jk) (one row's part of
s_jk). Parts of one account are added before they are squared, so that people of one account need not answer independently, and
nothing need be normal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import f as f_distribution
from scipy.stats import t as t_distribution

from kam.errors import ParameterError, UndefinedMeasureError
from kam.survey.intervals import check_level

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Covariances:
    """Covariances of items, each pair over all rows that answer both.

    Attributes
    ----------
    values : numpy.ndarray
        Shape (rows, items); NaN where there is no answer.
    account : numpy.ndarray of int
        Shape (rows,): which account the row is of, from 0.
    matrix : numpy.ndarray
        Shape (items, items): covariances with n − 1.
    n : numpy.ndarray
        Shape (items, items): rows that answer both.
    """

    values: Floats
    account: Ints
    matrix: Floats
    n: Floats

    @classmethod
    def of(cls, values: Floats, account: Ints) -> Covariances:
        """Covariances of these answers.

        Raises
        ------
        UndefinedMeasureError
            Fewer than two rows answer a pair.
        """
        _, _, _, matrix, n = _parts(values)
        return cls(values=values, account=account, matrix=matrix, n=n)

    @property
    def correlations(self) -> Floats:
        """Shape (items, items); as ``cov2cor`` of R."""
        sd = np.sqrt(np.diag(self.matrix))
        return self.matrix / np.outer(sd, sd)

    def pick(self, items: Ints) -> Covariances:
        """Some of the items, over the same rows."""
        return Covariances(
            values=self.values[:, items],
            account=self.account,
            matrix=self.matrix[np.ix_(items, items)],
            n=self.n[np.ix_(items, items)],
        )

    def std_error(self, gradient: Floats) -> float:
        """Standard error, over accounts, of what has this derivative by the covariances; see the module.

        Parameters
        ----------
        gradient : numpy.ndarray
            Shape (items, items), symmetric.

        Returns
        -------
        float
            NaN with fewer than two accounts.
        """
        u, v, mean, _, _ = _parts(self.values)
        part = gradient / (self.n - 1)
        of_row = (
            ((u @ part) * u).sum(axis=1)
            - 2 * ((v @ (part * mean)) * u).sum(axis=1)
            + ((v @ (part * (mean * mean.T - self.matrix * (self.n - 1) / self.n))) * v).sum(axis=1)
        )
        by_account = np.bincount(self.account, of_row)
        n = self.n_accounts
        return float(np.sqrt((by_account**2).sum() * n / (n - 1))) if n > 1 else float("nan")

    @property
    def n_accounts(self) -> int:
        """Accounts with a row in which something is answered."""
        return int(np.unique(self.account[~np.isnan(self.values).all(axis=1)]).size)

    def by_correlations(self, gradient: Floats) -> Floats:
        """The derivative by the covariances of what has this derivative by the correlations (symmetric, its diagonal 0)."""
        variance = np.diag(self.matrix)
        by_covariance = gradient / np.sqrt(np.outer(variance, variance))
        np.fill_diagonal(by_covariance, -(gradient * self.correlations).sum(axis=1) / variance)
        return by_covariance


def _parts(values: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Centered answers u (0: none), answered v, mean of item j among those who answer k, covariances, and n of each pair."""
    has = ~np.isnan(values)
    v = has.astype(np.float64)
    n = v.T @ v
    if (n < 2).any():
        raise UndefinedMeasureError(
            "Two items have fewer than two respondents in common.", hint="Leave out items that hardly anybody answers."
        )
    center = np.nansum(values, axis=0) / np.diag(n)
    u = np.where(has, values - center, 0.0)
    mean = (u.T @ v) / n
    matrix = (u.T @ u - n * mean * mean.T) / (n - 1)
    return u, v, mean, matrix, n


# -- the measures ----------------------------------------------------------------------------------------------------


def cronbach_alpha(covariances: Floats) -> float:
    """Alpha: k / (k − 1) · (1 − Σ variances / variance of the sum); −∞ where the sum does not vary.

    Examples
    --------
    >>> cronbach_alpha(np.array([[2.0, 1.0], [1.0, 2.0]])).__round__(4)
    0.6667
    """
    k, total = len(covariances), float(covariances.sum())
    return k / (k - 1) * (1 - float(np.trace(covariances)) / total) if total > 0 else -np.inf


def alpha_gradient(covariances: Floats) -> Floats:
    """Derivative of alpha by the covariances; shape (items, items)."""
    k, total, trace = len(covariances), float(covariances.sum()), float(np.trace(covariances))
    return k / (k - 1) * (trace / total**2 - np.eye(k) / total)


def feldt_interval(alpha: float, n: int, k: int, level: float = 0.95) -> tuple[float, float]:
    """Interval of alpha by Feldt.

    Assumes (1) that rows are independent; (2) that answers are normal; (3) that all items measure the same, each as well.

    Parameters
    ----------
    alpha : float
        Of complete answers.
    n, k : int
        Respondents and items, at least 2 of each.
    level : float
        Level of the interval, between 0 and 1.

    Returns
    -------
    low, high : float

    Raises
    ------
    ParameterError
        The level is not between 0 and 1, or there are fewer than two respondents or items.

    Notes
    -----
    Feldt (1965), Psychometrika 30(3): (1 − α) / (1 − alpha) is F with n − 1 and (n − 1)(k − 1) degrees of freedom.

    Examples
    --------
    >>> low, high = feldt_interval(0.84314, 30, 7)
    >>> round(low, 4), round(high, 4)
    (0.7394, 0.9158)
    """
    check_level(level)
    if n < 2 or k < 2:
        raise ParameterError(f"There are {n} respondents and {k} items.", hint="Take two of each or more.")
    tail = (1 - level) / 2
    low, high = f_distribution.ppf([1 - tail, tail], n - 1, (n - 1) * (k - 1))
    return 1 - (1 - alpha) * float(low), 1 - (1 - alpha) * float(high)


def mean_correlation(correlations: Floats) -> float:
    """Mean correlation between two items."""
    k = len(correlations)
    return float((correlations.sum() - k) / (k * (k - 1)))


def mean_correlation_gradient(k: int) -> Floats:
    """Derivative of the mean correlation by the correlations."""
    return (1 - np.eye(k)) / (k * (k - 1))


def standardized_alpha(mean_r: float, k: int) -> float:
    """Alpha of items brought to the same variance: k r̄ / (1 + (k − 1) r̄)."""
    return k * mean_r / (1 + (k - 1) * mean_r)


def item_total(covariances: Floats, item: int) -> tuple[float, Floats]:
    """Correlation of one item with the sum of the others, and its derivative by the covariances.

    Raises
    ------
    UndefinedMeasureError
        The sum of the others does not vary.
    """
    others = np.ones(len(covariances))
    others[item] = 0.0
    own, rest = float(covariances[item, item]), float(others @ covariances @ others)
    if rest <= 0 or own <= 0:
        raise UndefinedMeasureError("The sum of the other items does not vary.", hint="Look for items that cancel out.")
    one = 1 - others
    size = np.sqrt(own * rest)
    r = float(one @ covariances @ others) / size
    both = np.outer(one, others)
    gradient = (both + both.T) / (2 * size) - r / 2 * (np.outer(one, one) / own + np.outer(others, others) / rest)
    return r, gradient


# -- intervals over accounts -----------------------------------------------------------------------------------------


def interval_below_one(estimate: float, std_error: float, n_accounts: int, level: float) -> tuple[float, float]:
    """Interval of a reliability, on the scale of log(1 − estimate), where it is nearly symmetric."""
    half = _quantile(n_accounts, level) * std_error / (1 - estimate) if estimate < 1 else 0.0
    return 1 - (1 - estimate) * float(np.exp(half)), 1 - (1 - estimate) * float(np.exp(-half))


def interval_of_correlation(r: float, std_error: float, n_accounts: int, level: float) -> tuple[float, float]:
    """Interval of a correlation, on Fisher's scale."""
    if abs(r) >= 1 - 1e-12:
        return r, r
    half = _quantile(n_accounts, level) * std_error / (1 - r * r)
    return float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half))


def interval_of_difference(estimate: float, std_error: float, n_accounts: int, level: float) -> tuple[float, float]:
    """Interval that is symmetric around the estimate."""
    half = _quantile(n_accounts, level) * std_error
    return estimate - half, estimate + half


def _quantile(n_accounts: int, level: float) -> float:
    return float(t_distribution.ppf((1 + level) / 2, max(n_accounts - 1, 1)))
