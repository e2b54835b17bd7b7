"""MBG/CNBD-k: customers buy in a rhythm, more regular than at random, at a rate of their own, and stop after some purchase.

Gaps between purchases are Gamma(k, λ). With k = 1 a customer buys at random, as in BG/NBD; with k = 2 in the "condensed" way;
the larger k, the more like clockwork: the coefficient of variation of gaps is 1/√k. k is the same for all, λ the customer's own,
and so is the probability to stop, which counts from the first purchase on. Reutterer et al. take whole k; here it is any number
above 0, because how much longer a gap may last, over all rates, is a regularized incomplete beta function.

References: Reutterer, Platzer & Schröder (2021), Leveraging purchase regularity for predicting customer behavior the easy way,
International Journal of Research in Marketing 38(1), 194–215; Chatfield & Goodhardt (1973), A consumer purchasing model with
Erlang inter-purchase times, Journal of the American Statistical Association 68, 828–835; Batislam, Denizel & Filiztekin (2007),
Empirical validation and comparison of models for customer base analysis, International Journal of Research in Marketing 24(3),
201–209 (stopping right after the first purchase).
"""

# ruff: noqa: N803

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaln, digamma, expit, gammaln, xlogy

from kam.churn.purchase_model import Histories, PurchaseModel, distinct_histories, fit_purchases

Floats = npt.NDArray[np.float64]

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_POINTS, _WEIGHTS = (_POINTS + 1) / 2, _WEIGHTS / 2
_ENOUGH = 10_000  # customers to fit on
_TAIL = 30.0  # what is below about exp(−30) of an integral is left out
_NEGLIGIBLE = 1e-7  # purchases; the sum over the 1st, 2nd, … next one ends there
_MOST = 10_000  # and in any case here


@dataclass(frozen=True, eq=False, kw_only=True)
class Rhythm(PurchaseModel):
    """A fitted MBG/CNBD-k model with the parameters ``k``, ``r``, ``alpha`` (a time, in the caller's unit), ``a`` and ``b``.

    Gaps between purchases are Gamma(k, λ); λ among customers is Gamma(r, alpha), so that the gaps are k alpha / r long, roughly;
    the probability to stop after a purchase, the first included, is Beta(a, b).
    """

    label: ClassVar[str] = "rhythm"
    times: ClassVar[frozenset[str]] = frozenset({"alpha"})

    def _log_terms(self, x: Floats, t_x: Floats, t: Floats) -> tuple[Floats, Floats]:
        k, r, alpha, a, b = self.params.values()
        return _log_terms(_p_still_waiting(k, r, alpha, x, t_x, t), a, b, x)

    def _expected_if_alive(self, x: Floats, t_x: Floats, t: Floats, ahead: Floats) -> Floats:
        """The sum over n of the probability that the n-th next purchase comes in time and that none before was the last."""
        rows, at = np.unique(
            np.column_stack([column.ravel() for column in (x, t_x, t, ahead)]), axis=0, return_inverse=True
        )
        return np.asarray(_expected(tuple(self.params.values()), *rows.T)[at.ravel()].reshape(np.shape(x)))


def fit_rhythm(
    frequency: npt.ArrayLike,
    recency: npt.ArrayLike,
    T: npt.ArrayLike,
    *,
    penalty: float = 0.001,
) -> Rhythm:
    """Fit the MBG/CNBD-k model by maximum likelihood, k included.

    Assumes (1) that the gaps between purchases of a customer are gamma distributed, independently, at a rate that does not
    change, and equally regular for all; (2) that after any purchase the customer stops for good with a fixed probability; (3)
    that rates are gamma and probabilities beta distributed over customers, independently.

    The likelihood is that of frequency and recency. How regular customers are is thus seen in how long they have been silent
    against how often they bought; with single gaps at hand it could be seen better. Of more than 10,000 customers so many are
    taken, evenly in the order of their histories (``n_customers`` says how many), because the incomplete beta function is slow.

    Parameters
    ----------
    frequency, recency, T : array_like of shape (N,)
        Repeat purchases (days with a purchase, less 1), time from the first purchase to the last, and time from the first
        purchase to now; any unit of time, the same for both.
    penalty : float
        Times the sum of the squared parameters, added to the mean negative log-likelihood, with times counted in units of the
        longest T. Not 0 by default: where all accounts have one and the same rhythm, as with quarterly orders, the likelihood
        alone grows until r is infinite.

    Raises
    ------
    NotConvergedError
        A parameter runs to 0 or to infinity: it is named.
    NoEventError
        Nobody bought a second time.
    ParameterError, EmptyDataError
        An impossible history; no customer.

    Notes
    -----
    With A = α + t_x and u = T − t_x the likelihood of a history is D · { B(a, b+x+1) S(u) + B(a+1, b+x) } / B(a, b), where
    D = Γ(r+kx) / (Γ(kx) Γ(r)) · α^r t_x^(kx−1) / A^(r+kx) is the density of t_x (1 for x = 0), and S(u), the probability that
    the next gap is longer than u, is the regularized incomplete beta function I at A / (A + u) with parameters r + kx and k:
    given the history λ is Gamma(r + kx, A), and the ratio of two gamma variables of one rate is a beta variable.

    Examples
    --------
    Eleven accounts that order each quarter, one of them silent for a year:

    >>> model = fit_rhythm([8] * 10 + [4], [24, 24, 25, 24, 23, 24, 24, 24, 25, 24, 12], [25] * 11)
    >>> model.p_no_order(3, [8, 4], [24, 12], 25).round(2).tolist()
    [0.19, 1.0]
    """
    histories = distinct_histories(frequency, recency, T).thinned(_ENOUGH)
    start = {"k": 1.0, "r": 1.0, "alpha": 1 / histories.per_longest(), "a": 0.5, "b": 2.0}
    return fit_purchases(Rhythm, _log_likelihood, histories, start, penalty=penalty)


def _p_still_waiting(k: float, r: float, alpha: float, x: Floats, t_x: Floats, t: Floats) -> Floats:
    """Probability that the gap since t_x is longer than t − t_x, of one who has not stopped."""
    return np.asarray(betainc(r + k * x, k, (alpha + t_x) / (alpha + t)))


def _log_terms(waiting: Floats, a: float, b: float, x: Floats) -> tuple[Floats, Floats]:
    """Not stopped and still waiting; stopped after the last purchase. The factor that both share is left out."""
    with np.errstate(divide="ignore"):
        return np.log(b + x) + np.log(waiting), np.full(np.shape(x), np.log(a))


def _log_likelihood(values: Floats, h: Histories) -> tuple[float, Floats]:
    """Log-likelihood of all customers and its gradient by k, r, alpha, a, b."""
    k, r, alpha, a, b = values
    waiting, by_k, by_r, by_alpha = _waiting_and_slopes(k, r, alpha, h)
    alive, stopped = _log_terms(waiting, a, b, h.x)
    p = expit(alive - stopped)
    counts, at = np.unique(h.x, return_inverse=True)
    total = a + b + counts
    shared = (betaln(a, b + counts) - betaln(a, b) - np.log(total))[at]
    either = digamma(a + b) - digamma(total) - 1 / total
    again = h.x > 0
    n, x, t_x = h.n[again], h.x[again], h.t_x[again]
    shape = r + k * x  # of the rate, given the purchases
    when = (gammaln(r + k * counts) - gammaln(np.maximum(k * counts, k)) - gammaln(r))[at][again]
    when += r * np.log(alpha) + (k * x - 1) * np.log(t_x) - shape * np.log(alpha + t_x)
    of_shape = digamma(r + k * counts)
    when_by_r = (of_shape - digamma(r))[at][again] + np.log(alpha) - np.log(alpha + t_x)
    when_by_k = x * ((of_shape - digamma(np.maximum(k * counts, k)))[at][again] + np.log(t_x) - np.log(alpha + t_x))
    when_by_alpha = r / alpha - shape / (alpha + t_x)
    gradient = [
        h.n @ (p * by_k) + n @ when_by_k,
        h.n @ (p * by_r) + n @ when_by_r,
        h.n @ (p * by_alpha) + n @ when_by_alpha,
        h.n @ (either[at] + (1 - p) / a),
        h.n @ ((either + digamma(b + counts) - digamma(b))[at] + p / (b + h.x)),
    ]
    return float(h.n @ (shared + np.logaddexp(alive, stopped)) + n @ when), np.array(gradient)


def _waiting_and_slopes(k: float, r: float, alpha: float, h: Histories) -> tuple[Floats, Floats, Floats, Floats]:
    """The probability of still waiting, and how its logarithm moves with k, r and alpha."""
    shape, y = r + k * h.x, (alpha + h.t_x) / (alpha + h.t)
    waiting = betainc(shape, k, y)
    step = 1e-6
    by_shape = (betainc(shape * (1 + step), k, y) - waiting) / (step * shape)  # no formula; forward difference
    by_k = (betainc(shape, k * (1 + step), y) - waiting) / (step * k)
    silent = np.flatnonzero(h.t > h.t_x)
    by_y = np.zeros(len(y))
    s, ys = shape[silent], y[silent]
    by_y[silent] = np.exp((s - 1) * np.log(ys) + (k - 1) * np.log1p(-ys) - betaln(s, k))
    by_alpha = by_y * (h.t - h.t_x) / (alpha + h.t) ** 2
    of_log = 1 / np.maximum(waiting, 1e-300)
    return waiting, (by_k + h.x * by_shape) * of_log, by_shape * of_log, by_alpha * of_log


def _expected(values: tuple[float, ...], x: Floats, t_x: Floats, t: Floats, ahead: Floats) -> Floats:
    """Expected purchases in (t, t + ahead] of those who have not stopped; all arguments of shape (N,).

    The gap g under way ends in time with the density of a beta prime variable; given g, the next n − 1 gaps fit into what is
    left with probability I, at (u + ahead − g) / (α + t + ahead), with the parameters (n − 1) k and r + k (x + 1).
    """
    k, r, alpha, a, b = values
    shape = r + k * x
    # In B = g / (α + t_x + g), which is Beta(k, shape); for k < 1 in B^k, where the density stays finite.
    power = min(k, 1.0)
    low, high = (t - t_x) / (alpha + t), (t - t_x + ahead) / (alpha + t + ahead)
    high = np.minimum(high, 1 - (1 - low) * np.exp(-(_TAIL + k + 8 * np.sqrt(k)) / shape))
    width = (high**power - low**power)[:, None]
    at = (low[:, None] ** power + width * _POINTS) ** (1 / power)
    waiting = np.maximum(betainc(shape, k, 1 - low), 1e-300)
    log_density = xlogy(k - power, at) + (shape[:, None] - 1) * np.log1p(-at) - betaln(shape, k)[:, None]
    weights = np.exp(log_density - np.log(waiting)[:, None]) * _WEIGHTS * width / power
    first = 1 - betainc(shape, k, (alpha + t_x) / (alpha + t + ahead)) / waiting
    gap = (alpha + t_x)[:, None] * at / (1 - at)
    left = np.clip(((t - t_x + ahead)[:, None] - gap) / (alpha + t + ahead)[:, None], 0, 1)
    expected, going_on, open_ = first.copy(), np.ones(len(x)), np.arange(len(x))
    for n in range(1, _MOST):
        going_on[open_] *= (b + x[open_] + n) / (a + b + x[open_] + n)
        fits = betainc(n * k, shape[open_, None] + k, left[open_])
        more = going_on[open_] * np.einsum("ij,ij->i", weights[open_], fits)
        expected[open_] += more
        open_ = open_[more > _NEGLIGIBLE]
        if not len(open_):
            break
    return expected
