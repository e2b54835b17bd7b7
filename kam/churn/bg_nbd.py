"""BG/NBD: customers buy at random at a rate of their own, and stop after a purchase with a probability of their own.

References: Fader, Hardie & Lee (2005), "Counting your customers" the easy way: an alternative to the Pareto/NBD model, Marketing
Science 24(2), 275–284; Fader, Hardie & Lee (2008), Computing P(alive) using the BG/NBD model, note.
"""

# ruff: noqa: N803

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, digamma, expit, gammaln, hyp2f1

from kam.churn.purchase_model import Histories, PurchaseModel, distinct_histories, fit_purchases

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class BgNbd(PurchaseModel):
    """A fitted BG/NBD model with the parameters ``r``, ``alpha`` (a time, in the caller's unit), ``a`` and ``b``.

    The rate of purchases among customers is Gamma(r, alpha), with mean r / alpha; the probability to stop after a purchase is
    Beta(a, b). One who never bought again cannot have stopped: the first purchase is not followed by a drop-out.
    """

    label: ClassVar[str] = "BG/NBD"
    times: ClassVar[frozenset[str]] = frozenset({"alpha"})

    def _log_terms(self, x: Floats, t_x: Floats, t: Floats) -> tuple[Floats, Floats]:
        r, alpha, a, b = self.params.values()
        return _log_terms(r, alpha, a, b, x, t_x, t)

    def _expected_if_alive(self, x: Floats, t_x: Floats, t: Floats, ahead: Floats) -> Floats:
        r, alpha, a, b = self.params.values()
        # The formula divides by a − 1, where it is smooth in a: the mean of two neighbors.
        if abs(a - 1) < 1e-5:
            return (_expected(r, alpha, 1 - 1e-4, b, x, t, ahead) + _expected(r, alpha, 1 + 1e-4, b, x, t, ahead)) / 2
        return _expected(r, alpha, a, b, x, t, ahead)


def fit_bg_nbd(
    frequency: npt.ArrayLike,
    recency: npt.ArrayLike,
    T: npt.ArrayLike,
    *,
    penalty: float = 0.0,
) -> BgNbd:
    """Fit the BG/NBD model by maximum likelihood (Fader, Hardie & Lee 2005, equation 6).

    Assumes (1) that a customer buys at random while active: the gaps between purchases are exponential, with a rate that does
    not change; (2) that after any repeat purchase the customer stops for good with a fixed probability; (3) that rates are
    gamma and probabilities beta distributed over customers, independently. Orders in a rhythm (quarterly, say) break (1):
    see :func:`kam.churn.rhythm.fit_rhythm`.

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
    >>> model = fit_bg_nbd([0, 0, 2, 1, 0, 5, 3, 0, 1, 9], [0, 0, 20, 3, 0, 9, 30, 0, 9, 37], [39] * 10)
    >>> model.p_no_order(13, [0, 5], [0, 9], 39).round(3).tolist()
    [0.901, 0.993]
    """
    histories = distinct_histories(frequency, recency, T)
    start = {"r": 0.5, "alpha": 0.5 / histories.per_longest(), "a": 0.7, "b": 2.0}
    return fit_purchases(BgNbd, _log_likelihood, histories, start, penalty=penalty)


def _log_terms(r: float, alpha: float, a: float, b: float, x: Floats, t_x: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Still active at t; stopped after the last purchase. The factor that both share is left out."""
    alive = -(r + x) * np.log(alpha + t)
    stopped = np.log(a) - np.log(np.maximum(b + x - 1, b)) - (r + x) * np.log(alpha + t_x)
    return alive, np.where(x > 0, stopped, -np.inf)


def _log_likelihood(values: Floats, h: Histories) -> tuple[float, Floats]:
    """Log-likelihood of all customers and its gradient by r, alpha, a, b."""
    r, alpha, a, b = values
    counts, at = np.unique(h.x, return_inverse=True)
    alive, stopped = _log_terms(r, alpha, a, b, h.x, h.t_x, h.t)
    shared = gammaln(r + counts) - gammaln(r) + r * np.log(alpha) + betaln(a, b + counts) - betaln(a, b)
    value = h.n @ (shared[at] + np.logaddexp(alive, stopped))
    p = expit(alive - stopped)
    by_r = (
        (digamma(r + counts) - digamma(r))[at]
        + np.log(alpha)
        - p * np.log(alpha + h.t)
        - (1 - p) * np.log(alpha + h.t_x)
    )
    by_alpha = r / alpha - (r + h.x) * (p / (alpha + h.t) + (1 - p) / (alpha + h.t_x))
    either = digamma(a + b) - digamma(a + b + counts)
    by_a = either[at] + (1 - p) / a
    by_b = (either + digamma(b + counts) - digamma(b))[at] - (1 - p) / np.maximum(b + h.x - 1, b)
    return float(value), np.array([h.n @ by_r, h.n @ by_alpha, h.n @ by_a, h.n @ by_b])


def _expected(r: float, alpha: float, a: float, b: float, x: Floats, t: Floats, ahead: Floats) -> Floats:
    """Equation 10 without P(alive), after Euler's transformation of 2F1: what is left stays moderate for any x."""
    z = ahead / (alpha + t + ahead)
    c = a + b + x - 1
    return np.asarray(c / (a - 1) * (1 - (1 - z) ** (a - 1) * hyp2f1(a + b - 1 - r, a - 1, c, z)))
