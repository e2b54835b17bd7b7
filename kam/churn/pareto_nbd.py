"""Pareto/NBD: customers buy at random at a rate of their own, and stop at any time at a rate of their own.

The published likelihood is a difference of two hypergeometric functions, which overflow or cancel for customers who buy often.
Here the part of those who stopped stays the integral that it is, over when they stopped, ∫ s (α+τ)^−(r+x) (β+τ)^−(s+1) dτ
from t_x to T: in the logarithm of the time it is smooth, and Gauss's rule with 24 points gives it to ten digits or more.

References: Schmittlein, Morrison & Colombo (1987), Counting your customers: who are they and what will they do next?, Management
Science 33(1), 1–24; Fader & Hardie (2005), A note on deriving the Pareto/NBD model and related expressions.
"""

# ruff: noqa: N803

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, exprel, gammaln

from kam.churn.purchase_model import Histories, PurchaseModel, distinct_histories, fit_purchases

Floats = npt.NDArray[np.float64]

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_POINTS, _LOG_WEIGHTS = (_POINTS + 1) / 2, np.log(_WEIGHTS / 2)
_TAIL = 40.0  # what is below exp(−40) of an integral is left out
_CHUNK = 2048  # customers at a time: their points fit into the processor's cache


@dataclass(frozen=True, eq=False, kw_only=True)
class ParetoNbd(PurchaseModel):
    """A fitted Pareto/NBD model with the parameters ``r``, ``alpha``, ``s`` and ``beta``; alpha and beta are times.

    The rate of purchases among customers is Gamma(r, alpha), with mean r / alpha; the rate at which a customer stops is
    Gamma(s, beta), with mean s / beta.
    """

    label: ClassVar[str] = "Pareto/NBD"
    times: ClassVar[frozenset[str]] = frozenset({"alpha", "beta"})

    def _log_terms(self, x: Floats, t_x: Floats, t: Floats) -> tuple[Floats, Floats]:
        values = np.array(list(self.params.values()))
        shape = np.shape(t)
        x, t_x, t = (np.asarray(column).ravel() for column in (x, t_x, t))
        stopped = np.concatenate(
            [
                _log_stopped(values, x[i : i + _CHUNK], t_x[i : i + _CHUNK], t[i : i + _CHUNK])[0]
                for i in range(0, max(len(x), 1), _CHUNK)
            ]
        )
        return _log_alive(values, x, t).reshape(shape), stopped.reshape(shape)

    def _expected_if_alive(self, x: Floats, t_x: Floats, t: Floats, ahead: Floats) -> Floats:
        r, alpha, s, beta = self.params.values()
        longer = np.log1p(ahead / (beta + t))
        return np.asarray((r + x) * (beta + t) / (alpha + t) * longer * exprel(-(s - 1) * longer))


def fit_pareto_nbd(
    frequency: npt.ArrayLike,
    recency: npt.ArrayLike,
    T: npt.ArrayLike,
    *,
    penalty: float = 0.0,
) -> ParetoNbd:
    """Fit the Pareto/NBD model by maximum likelihood (Fader & Hardie 2005).

    Assumes (1) that a customer buys at random while active: the gaps between purchases are exponential, with a rate that does
    not change; (2) that the customer stops for good at a time that is exponential, whether buying or not; (3) that both rates are
    gamma distributed over customers, independently. Orders in a rhythm (quarterly, say) break (1): see
    :func:`kam.churn.rhythm.fit_rhythm`.

    Parameters
    ----------
    frequency, recency, T : array_like of shape (N,)
        Repeat purchases (days with a purchase, less 1), time from the first purchase to the last, and time from the first
        purchase to now; any unit of time, the same for both.
    penalty : float
        Times the sum of the squared parameters, added to the mean negative log-likelihood, with times counted in units of the
        longest T (as ``penalizer_coef`` of lifetimes). It keeps parameters from running to infinity and draws
        them down; with it a parameter that runs to 0 (nobody seems to stop) is held there, so that there is an answer.

    Raises
    ------
    NotConvergedError
        A parameter runs to infinity, or, without penalty, to 0: it is named.
    NoEventError
        Nobody bought a second time.
    ParameterError, EmptyDataError
        An impossible history; no customer.

    Examples
    --------
    >>> model = fit_pareto_nbd([0, 0, 2, 1, 0, 5, 3, 0, 1, 9], [0, 0, 20, 3, 0, 9, 30, 0, 9, 37], [39] * 10)
    >>> model.p_no_order(13, [0, 5], [0, 9], 39).round(3).tolist()
    [0.978, 0.993]
    """
    histories = distinct_histories(frequency, recency, T)
    start = {"r": 0.6, "alpha": 0.6 / histories.per_longest(), "s": 0.6, "beta": 0.4}
    return fit_purchases(ParetoNbd, _log_likelihood, histories, start, penalty=penalty)


def _log_alive(values: Floats, x: Floats, t: Floats) -> Floats:
    """Still active at t: the logarithm of (α+T)^−(r+x) (β+T)^−s; the factor that both terms share is left out."""
    r, alpha, s, beta = values
    return np.asarray(-(r + x) * np.log(alpha + t) - s * np.log(beta + t))


def _log_stopped(values: Floats, x: Floats, t_x: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Stopped at some τ between t_x and t: the logarithm of the integral, shape (H,), and its gradient, shape (4, H)."""
    r, alpha, s, beta = values
    low, high = min(alpha, beta), max(alpha, beta)
    # The integral of either factor alone ends, to within exp(−_TAIL), where this says; that of the product ends before.
    beyond = np.minimum(_TAIL / s, 600.0)
    end = np.minimum(t, (beta + t_x) * np.exp(beyond) - beta)
    beyond = np.minimum(_TAIL / np.maximum(r + x - 1, 1e-9), 600.0)
    end = np.minimum(end, (alpha + t_x) * np.exp(beyond) - alpha)
    length = np.log1p((end - t_x) / (low + t_x))[:, None]  # in the logarithm of low + τ
    near = (low + t_x)[:, None] * np.exp(length * _POINTS)
    far = near + (high - low)
    log_near, log_far = np.log(low + t_x)[:, None] + length * _POINTS, np.log(far)
    (of_alpha, log_alpha), (of_beta, log_beta) = ((near, log_near), (far, log_far))[:: 1 if alpha <= beta else -1]
    logs = _LOG_WEIGHTS + log_near - (r + x)[:, None] * log_alpha - (s + 1) * log_beta
    top = logs.max(axis=1, keepdims=True)
    weights = np.exp(logs - top)
    total = weights.sum(axis=1)
    with np.errstate(divide="ignore"):
        value = np.log(s * length[:, 0] * total) + top[:, 0]

    def mean(of: Floats) -> Floats:
        return np.asarray(np.einsum("ij,ij->i", weights, of) / total)

    gradient = np.array(
        [
            -mean(log_alpha),
            -(r + x) * mean(1 / of_alpha),
            1 / s - mean(log_beta),
            -(s + 1) * mean(1 / of_beta),
        ]
    )
    return value, gradient


def _log_likelihood(values: Floats, h: Histories) -> tuple[float, Floats]:
    """Log-likelihood of all customers and its gradient by r, alpha, s, beta."""
    r, alpha, s, beta = values
    counts, at = np.unique(h.x, return_inverse=True)
    shared = (gammaln(r + counts) - gammaln(r))[at] + r * np.log(alpha) + s * np.log(beta)
    of_rate = (digamma(r + counts) - digamma(r))[at]
    value, gradient = float(h.n @ shared), h.n.sum() * np.array([np.log(alpha), r / alpha, np.log(beta), s / beta])
    gradient[0] += h.n @ of_rate
    for i in range(0, len(h.n), _CHUNK):
        n, x, t_x, t = (column[i : i + _CHUNK] for column in (h.n, h.x, h.t_x, h.t))
        alive, (stopped, by_stopped) = _log_alive(values, x, t), _log_stopped(values, x, t_x, t)
        total = np.logaddexp(alive, stopped)
        p = np.exp(alive - total)
        by_alive = np.array([-np.log(alpha + t), -(r + x) / (alpha + t), -np.log(beta + t), -s / (beta + t)])
        value += float(n @ total)
        gradient += (p * by_alive + (1 - p) * by_stopped) @ n
    return value, gradient
