"""McDonald's omega total: how much of the sum of several questions is the one thing that they all measure.

One factor is fitted to the correlations, R ≈ λλ' + diag(1 − λ²). The error Σ(1 − λ²) is then set against the variance of the sum,
and there are two of these: the one seen, ΣR, as R's psych takes it, or the one that the model implies, (Σλ)² + Σ(1 − λ²), as
McDonald (1999, eq. 6.20) writes it. They are the same where the model holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from kam.errors import NotConvergedError, ParameterError, UndefinedMeasureError

Floats = npt.NDArray[np.float64]
Estimator = Literal["minres", "ml"]
ESTIMATORS: tuple[Estimator, ...] = ("minres", "ml")
"""Minimum residuals (unweighted least squares of what is off the diagonal), or maximum likelihood."""

MIN_ITEMS = 3
"""Two correlate once: that is one number for two loadings."""

MAX_LOADING = float(np.sqrt(0.995))
"""psych's limit: beyond it a question would have no error of its own (a Heywood case)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class OneFactor:
    """One factor fitted to correlations.

    Attributes
    ----------
    correlations : numpy.ndarray
        Shape (items, items): what was fitted.
    loadings : numpy.ndarray
        Shape (items,): correlation of each item with the factor; their sum is not negative.
    estimator : {"minres", "ml"}
        What was minimized.
    """

    correlations: Floats
    loadings: Floats
    estimator: Estimator

    @property
    def _error(self) -> float:
        return float((1 - self.loadings**2).sum())

    @property
    def omega(self) -> float:
        """Omega total, error over the variance seen: 1 − Σ(1 − λ²) / ΣR."""
        return 1 - self._error / float(self.correlations.sum())

    @property
    def omega_implied(self) -> float:
        """Omega total, by the variance that the model implies: (Σλ)² / ((Σλ)² + Σ(1 − λ²))."""
        common = float(self.loadings.sum()) ** 2
        return common / (common + self._error)

    @property
    def is_heywood(self) -> bool:
        """Whether a loading runs to its limit."""
        return bool((np.abs(self.loadings) > MAX_LOADING - 1e-6).any())

    @property
    def rmsr(self) -> float:
        """Root mean square of the residual correlations off the diagonal."""
        below = np.tril_indices(len(self.loadings), -1)
        return float(np.sqrt(np.mean((self.correlations - np.outer(self.loadings, self.loadings))[below] ** 2)))

    @property
    def gradient(self) -> Floats:
        """Derivative of omega by the correlations; shape (items, items), symmetric, each pair counted in both halves.

        From Σ_k (r_jk − λ_j λ_k) λ_k = 0 for every j (k ≠ j), which the loadings of minres satisfy, by the theorem on implicit
        functions.

        Raises
        ------
        ParameterError
            The estimator is not minres.
        """
        if self.estimator != "minres":
            raise ParameterError("The derivative of omega is known for minres only.", hint="Take estimator='minres'.")
        loadings, variance = self.loadings, float(self.correlations.sum())
        squares = loadings**2
        by_loading = 2 * loadings / variance
        bend = self.correlations - 2 * np.outer(loadings, loadings)
        np.fill_diagonal(bend, -(squares.sum() - squares))
        pull = -np.linalg.solve(bend, by_loading)
        half = np.outer(pull, loadings)
        slope = (half + half.T) / 2 + self._error / variance**2
        np.fill_diagonal(slope, 0.0)
        return slope


def fit_one_factor(correlations: npt.ArrayLike, *, estimator: Estimator = "minres") -> OneFactor:
    """Fit one factor to a matrix of correlations.

    Assumes (1) that one thing is behind the answers to all items, and that what else is in them is each item's own.

    Parameters
    ----------
    correlations : array_like
        Shape (items, items), at least three items.
    estimator : {"minres", "ml"}
        Minres minimizes the squared residuals off the diagonal, Σ_{j<k} (r_jk − λ_j λ_k)²: the minimum that ``psych::fa(fm =
        "minres")`` and unweighted least squares share. Ml minimizes log |Σ| + tr(R Σ⁻¹).

    Returns
    -------
    OneFactor

    Raises
    ------
    ParameterError
        The estimator is not known.
    UndefinedMeasureError
        There are fewer than three items, or a correlation is missing.
    NotConvergedError
        The minimum is not found.

    References
    ----------
    Harman, H. H. & Jones, W. H. (1966). Psychometrika 31(3), 351–368. McDonald, R. P. (1999). Test Theory.

    Examples
    --------
    >>> true = np.array([0.9, 0.8, 0.7, 0.6])
    >>> correlations = np.outer(true, true) + np.diag(1 - true**2)
    >>> fit = fit_one_factor(correlations)
    >>> fit.loadings.round(4).tolist(), round(fit.omega, 4)
    ([0.9, 0.8, 0.7, 0.6], 0.8411)
    """
    if estimator not in ESTIMATORS:
        raise ParameterError(f"The estimator is {estimator!r}.", hint=f"Take {' or '.join(ESTIMATORS)}.")
    observed = np.asarray(correlations, dtype=np.float64)
    if len(observed) < MIN_ITEMS:
        raise UndefinedMeasureError(
            f"One factor of {len(observed)} items has no unique loadings.", hint=f"Take {MIN_ITEMS} items or more."
        )
    if not np.isfinite(observed).all():
        raise UndefinedMeasureError("A correlation is missing.", hint="Leave out items whose answers are all equal.")
    values, vectors = np.linalg.eigh(observed)
    start = np.clip(vectors[:, -1] * np.sqrt(values[-1]), -0.9, 0.9)
    found = minimize(
        _residuals if estimator == "minres" else _deviance,
        start,
        args=(observed,),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-MAX_LOADING, MAX_LOADING)] * len(observed),
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 5000},
    )
    if not np.isfinite(found.fun) or found.status == 1:
        raise NotConvergedError("The factor of these items does not settle.", hint="Take items that correlate.")
    loadings = np.asarray(found.x, dtype=np.float64)
    return OneFactor(correlations=observed, loadings=-loadings if loadings.sum() < 0 else loadings, estimator=estimator)


# -- inside ----------------------------------------------------------------------------------------------------------


def _residuals(loadings: Floats, observed: Floats) -> tuple[float, Floats]:
    """Half the sum of squared residuals off the diagonal, and its derivative."""
    rest = observed - np.outer(loadings, loadings)
    np.fill_diagonal(rest, 0.0)
    return float((rest**2).sum()) / 4, -rest @ loadings


def _deviance(loadings: Floats, observed: Floats) -> tuple[float, Floats]:
    """Minus the log-likelihood per answer (but for constants), and its derivative."""
    implied = np.outer(loadings, loadings) + np.diag(1 - loadings**2)
    inverse = np.linalg.inv(implied)
    pull = inverse @ (implied - observed) @ inverse
    value = float(np.linalg.slogdet(implied)[1] + np.trace(observed @ inverse))
    return value, 2 * (pull @ loadings - np.diag(pull) * loadings)
