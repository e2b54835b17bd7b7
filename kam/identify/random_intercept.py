"""A random intercept per group on top of a regression: effects drawn toward the mean, their spread, and how sure it is.

The model is g(E y) = X β + z u[group], u ~ N(0, σ²). For each σ of a grid, β and u are where the penalized likelihood is
highest (Newton); the likelihood of σ is Laplace's approximation, exact for a normal outcome (Breslow & Clayton 1993). Effects
and their intervals are averaged over σ, by its likelihood times a half-normal prior, so that an estimate of σ of 0 does not make
the intervals vanish (Gelman 2006).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array
from scipy.special import expit, ndtr
from scipy.stats import chi2

from kam.errors import NotConvergedError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

GRID = np.concatenate([[0.02], np.arange(0.1, 1.05, 0.1), np.arange(1.2, 2.1, 0.2), [2.5, 3.0]])
"""Standard deviations that are tried, in units of the scale of the prior."""
_FINE = 2001
_MOST_STEPS = 60
_TOLERANCE = 1e-8


@dataclass(frozen=True, eq=False, kw_only=True)
class RandomIntercept:
    """Fixed coefficients, effects of groups, and the spread of the effects, on the scale of the linear predictor.

    ``effect``, ``low`` and ``high`` are the mean and the 95 % interval of each group's effect, over what σ may be; ``beta`` and
    ``beta_error`` those of the fixed coefficients. ``sigma`` is where its likelihood (β averaged out) is highest,
    ``sigma_low`` and ``sigma_high`` are its 95 % profile interval.

    ``statistic`` is twice the gain of that log-likelihood over no effects at all, ``p_value`` that of the even mixture of a point
    at 0 and a chi-square with one degree of freedom (Self & Liang 1987).
    """

    effect: Floats
    low: Floats
    high: Floats
    effect_error: Floats
    beta: Floats
    beta_error: Floats
    sigma: float
    sigma_low: float
    sigma_high: float
    statistic: float
    p_value: float


def fit_random_intercept(
    y: Floats,
    design: Floats,
    group: Ints,
    *,
    n_groups: int,
    family: Literal["binomial", "gaussian"],
    scale: float,
    loading: Floats | None = None,
    offset: Floats | None = None,
    sigma: float | None = None,
) -> RandomIntercept:
    """Fit a random intercept.

    Assumes (1) that rows are independent given the effect of their group and the design; (2) that effects are draws from one
    normal distribution, unrelated to the design.

    Parameters
    ----------
    y : array, shape (n_rows,)
        0 or 1; or, for ``gaussian``, numbers with residual variance 1.
    design : array, shape (n_rows, n_terms)
        With the column of ones.
    group : array, shape (n_rows,)
        From 0 to ``n_groups`` − 1; every group has a row.
    n_groups : int
        Number of groups.
    family : {"binomial", "gaussian"}
        Logit link, or identity.
    scale : float
        Scale of the half-normal prior of σ.
    loading : array, shape (n_rows,), optional
        What the effect of the group is multiplied by in a row; by default 1.
    offset : array, shape (n_rows,), optional
        Added to the linear predictor.
    sigma : float, optional
        The standard deviation of the effects where it is known; then nothing is averaged.

    Raises
    ------
    NotConvergedError
        Newton's steps do not settle.
    """
    model = _Model(y, design, group, n_groups, family, loading, offset)
    null = model.solve(0.0, model.start())
    grid = GRID * scale if sigma is None else np.array([sigma])
    found, state = [], null.state
    for one in grid:
        found.append(model.solve(float(one), state))
        state = found[-1].state
    reml = np.array([one.restricted for one in found])
    if sigma is None:
        fine = np.linspace(0.0, grid[-1], _FINE)
        nodes = np.append(0.0, grid)
        # Even in sigma: its slope at 0 is 0.
        restricted = CubicSpline(nodes, np.append(null.restricted, reml), bc_type=((1, 0.0), "not-a-knot"))(fine)
        best = int(restricted.argmax())
        within = fine[restricted >= restricted[best] - chi2.ppf(0.95, 1) / 2]
        sigma_hat, sigma_low, sigma_high = float(fine[best]), float(within[0]), float(within[-1])
        statistic = 2 * float(restricted[best] - restricted[0])
        p_value = 0.5 * float(chi2.sf(statistic, 1)) if statistic > 0 else 1.0
        weights = np.exp(reml - reml.max() - 0.5 * GRID**2) * np.gradient(grid)
        weights /= weights.sum()
    else:
        sigma_hat = sigma_low = sigma_high = sigma
        statistic, p_value, weights = 0.0, 1.0, np.ones(1)
    effects, errors = np.array([one.effect for one in found]), np.array([one.effect_error for one in found])
    betas, beta_errors = np.array([one.beta for one in found]), np.array([one.beta_error for one in found])
    effect, effect_error = _mix(effects, errors, weights)
    beta, beta_error = _mix(betas, beta_errors, weights)
    return RandomIntercept(
        effect=effect,
        low=_quantile(effects, errors, weights, 0.025),
        high=_quantile(effects, errors, weights, 0.975),
        effect_error=effect_error,
        beta=beta,
        beta_error=beta_error,
        sigma=sigma_hat,
        sigma_low=sigma_low,
        sigma_high=sigma_high,
        statistic=statistic,
        p_value=p_value,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Solution:
    """Where the penalized likelihood is highest at one σ, and Laplace's likelihood of it."""

    state: Floats
    beta: Floats
    beta_error: Floats
    effect: Floats
    effect_error: Floats
    restricted: float


class _Model:
    """The sums that Newton's steps need; rows are touched once a step."""

    def __init__(
        self,
        y: Floats,
        design: Floats,
        group: Ints,
        n_groups: int,
        family: str,
        loading: Floats | None,
        offset: Floats | None,
    ) -> None:
        self.y, self.x, self.group, self.m = y, design, group, n_groups
        self.family = family
        self.loading = np.ones(len(y)) if loading is None else loading
        self.offset = np.zeros(len(y)) if offset is None else offset
        self.z = csr_array((self.loading, (group, np.arange(len(y)))), shape=(n_groups, len(y)))
        self.fixed = self._sums(np.ones(len(y))) if family == "gaussian" else None

    def start(self) -> Floats:
        """No effects; of a binary outcome the intercept is the log-odds of its mean."""
        state = np.zeros(self.x.shape[1] + self.m)
        if self.family == "binomial":
            mean = self.y.mean()
            state[0] = np.log(mean / (1 - mean)) - self.offset.mean()
        return state

    def _sums(self, weight: Floats) -> tuple[Floats, Floats, Floats]:
        weighted = self.x * weight[:, None]
        by_group = np.bincount(self.group, weight * self.loading**2, self.m).astype(np.float64)
        return weighted.T @ self.x, self.z @ weighted, by_group

    def _value(self, state: Floats, sigma: float) -> tuple[float, Floats]:
        """Penalized log-likelihood and the linear predictor."""
        p = self.x.shape[1]
        eta = self.x @ state[:p] + self.offset
        penalty = 0.0
        if sigma > 0:
            eta += self.loading * state[p:][self.group]
            penalty = float(state[p:] @ state[p:]) / (2 * sigma**2)
        if self.family == "gaussian":
            return -0.5 * float(((self.y - eta) ** 2).sum()) - penalty, eta
        return float(self.y @ eta - np.logaddexp(0, eta).sum()) - penalty, eta

    def solve(self, sigma: float, state: Floats) -> _Solution:
        """Newton's steps from a state, halved where they overshoot."""
        p = self.x.shape[1]
        state = state.copy()
        if sigma == 0:
            state[p:] = 0.0
        value, eta = self._value(state, sigma)
        for _ in range(_MOST_STEPS):
            mean = expit(eta) if self.family == "binomial" else eta
            xx, zx, zz = self.fixed or self._sums(mean * (1 - mean))
            residual = self.y - mean
            slope = self.x.T @ residual
            zz = zz + 1 / sigma**2 if sigma > 0 else np.full(self.m, np.inf)
            pull = self.z @ residual - (state[p:] / sigma**2 if sigma > 0 else 0.0)
            try:
                factor = cho_factor(xx - zx.T @ (zx / zz[:, None]))
            except np.linalg.LinAlgError as error:
                raise NotConvergedError(
                    "The covariates of the accounts are tied to each other or to the outcome.",
                    hint="Leave one of the covariates out.",
                ) from error
            d_beta = cho_solve(factor, slope - zx.T @ (pull / zz))
            step = np.append(d_beta, (pull - zx @ d_beta) / zz)
            gain = float(np.append(slope, np.where(np.isinf(zz), 0.0, pull)) @ step)
            if gain < _TOLERANCE:
                break
            shrink = 1.0
            while shrink > 1e-6:
                new_value, new_eta = self._value(state + shrink * step, sigma)
                if new_value > value:
                    break
                shrink /= 2
            else:
                break  # no step gains: the top is reached within rounding
            state, value, eta = state + shrink * step, new_value, new_eta
        else:
            raise NotConvergedError(
                "The model of managers does not settle.", hint="Leave out covariates that few accounts have."
            )
        covariance = cho_solve(factor, np.eye(p))
        restricted, spread = value - float(np.log(np.diag(factor[0])).sum()), np.zeros(self.m)
        if sigma > 0:
            restricted -= 0.5 * float(np.log(sigma**2 * zz).sum())
            tied = zx / zz[:, None]
            spread = np.sqrt(1 / zz + np.einsum("ij,jk,ik->i", tied, covariance, tied))
        return _Solution(state, state[:p], np.sqrt(np.diag(covariance)), state[p:], spread, restricted)


def _mix(means: Floats, errors: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of mixtures of normals; shapes (n_components, n)."""
    mean = weights @ means
    return mean, np.sqrt(weights @ (errors**2 + means**2) - mean**2)


def _quantile(means: Floats, errors: Floats, weights: Floats, q: float) -> Floats:
    """The quantile of mixtures of normals, by bisection."""
    low, high = (means - 9 * errors).min(axis=0), (means + 9 * errors).max(axis=0)
    for _ in range(60):
        middle = (low + high) / 2
        above = weights @ ndtr((middle - means) / errors) > q
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.asarray((low + high) / 2)
