"""Gamma-Gamma: what a customer spends per purchase, the average so far drawn towards that of all customers.

Reference: Fader & Hardie (2013), The Gamma-Gamma model of monetary value, note; Fader, Hardie & Lee (2005), RFM and CLV: using
iso-value curves for customer base analysis, Journal of Marketing Research 42(4), 415–430.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln

from kam.churn.likelihood import maximize
from kam.errors import EmptyDataError, ModelError, ParameterError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class GammaGamma:
    """A fitted Gamma-Gamma model.

    Attributes
    ----------
    params : dict of float
        ``p``, ``q`` and ``gamma``, an amount in the caller's currency: spend per purchase is Gamma(p, ν), ν is Gamma(q, gamma).
    std_errors : dict of float
        Their standard errors, from the curvature of the (penalized) log-likelihood at the estimates.
    log_likelihood : float
        Of all customers fitted on, without the penalty.
    n_customers : int
        Customers fitted on.
    penalty : float
        What was added to the mean negative log-likelihood, times the sum of squared parameters; 0: nothing.
    """

    params: dict[str, float]
    std_errors: dict[str, float]
    log_likelihood: float
    n_customers: int
    penalty: float

    def expected_spend(self, frequency: npt.ArrayLike, monetary_value: npt.ArrayLike) -> Floats:
        """Expected spend per purchase, p (γ + x z) / (p x + q − 1), a weighted mean of the customer's and that of all.

        Parameters
        ----------
        frequency : array_like
            Purchases that ``monetary_value`` is the mean of; 0: the mean of all customers is given.
        monetary_value : array_like
            Mean spend per purchase, above 0; not looked at where the frequency is 0.

        Raises
        ------
        ModelError
            A mean does not exist: q is 1 or less and some customer has too few purchases to make up for it.
        ParameterError
            A frequency or a mean is impossible.
        """
        x, z = np.broadcast_arrays(
            np.asarray(frequency, dtype=np.float64), np.asarray(monetary_value, dtype=np.float64)
        )
        z = np.where(x == 0, 1.0, z)
        _check(x, z)
        p, q, gamma = self.params.values()
        weight = p * x + q - 1
        if (weight <= 0).any():
            raise ModelError(
                f"The expected spend of {int((weight <= 0).sum()):,} customers is infinite: q is {q:.3g}.",
                hint="Single purchases vary too much for a mean: look for a few amounts that dwarf all others.",
            )
        return np.asarray(p * (gamma + x * z) / weight)


def fit_gamma_gamma(frequency: npt.ArrayLike, monetary_value: npt.ArrayLike, *, penalty: float = 0.0) -> GammaGamma:
    """Fit the Gamma-Gamma model by maximum likelihood on customers with a frequency above 0 (Fader & Hardie 2013, equation 1a).

    Assumes (1) that what a customer spends varies at random around a mean of the customer's own, at all times the same; (2) that
    its coefficient of variation is the same for all; (3) that means differ as an inverse gamma distribution says; (4) that they
    have nothing to do with how often a customer buys.

    Parameters
    ----------
    frequency : array_like of shape (N,)
        Purchases that ``monetary_value`` is the mean of: repeat purchases x in the paper, which leaves the first out; x + 1
        where the first is in the mean, too.
    monetary_value : array_like of shape (N,)
        Mean spend per purchase, in one currency; not looked at where the frequency is 0.
    penalty : float
        Times the sum of the squared parameters, added to the mean negative log-likelihood, with amounts in units of the mean
        over customers. It keeps parameters from running to infinity, and draws them down.

    Raises
    ------
    NotConvergedError
        A parameter runs to 0 or to infinity: it is named.
    ParameterError
        A frequency is no whole number of 0 or more, or a mean is missing or not above 0; named by position.
    EmptyDataError
        No customer has a frequency above 0.

    Examples
    --------
    >>> model = fit_gamma_gamma([2, 1, 4, 3, 1, 6, 2, 5], [20.0, 35, 18, 60, 12, 25, 90, 31])
    >>> model.expected_spend([0, 1, 20], [0, 90, 90]).round(1).tolist()
    [36.5, 67.0, 88.1]
    """
    x, z = np.asarray(frequency, dtype=np.float64), np.asarray(monetary_value, dtype=np.float64)
    if x.ndim != 1 or x.shape != z.shape:
        raise ParameterError(
            f"frequency and monetary_value have the shapes {x.shape} and {z.shape}.",
            hint="Give one number per customer in each.",
        )
    _check(x, np.where(x == 0, 1.0, z))
    x, z = x[x > 0], z[x > 0]
    if not len(x):
        raise EmptyDataError("No customer has a purchase to learn the spend from.")
    unit = float(z.mean())
    start = {"p": 3.0, "q": 3.0, "gamma": 1.0}
    found = maximize(lambda v: _log_likelihood(v, x, z / unit), start, n=len(x), penalty=penalty, model="Gamma-Gamma")
    back = np.array([1.0, 1.0, unit])
    params, std_errors = found.named(back)
    return GammaGamma(
        params=params,
        std_errors=std_errors,
        log_likelihood=_log_likelihood(found.values * back, x, z)[0],
        n_customers=len(x),
        penalty=penalty,
    )


def _check(x: Floats, z: Floats) -> None:
    for bad, what, values in (
        (~(np.isfinite(x) & (x >= 0) & (x == np.floor(x))), "a frequency that is no whole number of 0 or more", x),
        (~(np.isfinite(z) & (z > 0)), "a mean spend that is missing or not above 0", z),
    ):
        if bad.any():
            i = int(np.flatnonzero(bad)[0])
            raise ParameterError(
                f"{int(bad.sum()):,} of {bad.size:,} customers have {what}.",
                where=f"position {i}, counted from 0: {values.flat[i]:g}",
                hint="Give the mean of the purchases above zero, returns left out, or a frequency of 0.",
            )


def _log_likelihood(values: Floats, x: Floats, z: Floats) -> tuple[float, Floats]:
    """Log-likelihood of all customers and its gradient by p, q, gamma."""
    p, q, gamma = values
    px, total = p * x, gamma + x * z
    log_total, log_sum, of_sum = np.log(total), np.log(x * z), digamma(px + q)
    value = (
        gammaln(px + q) - gammaln(px) - gammaln(q) + q * np.log(gamma) + px * log_sum - np.log(z) - (px + q) * log_total
    )
    by_p = x * (of_sum - digamma(px) + log_sum - log_total)
    by_q = of_sum - digamma(q) + np.log(gamma) - log_total
    by_gamma = q / gamma - (px + q) / total
    return float(value.sum()), np.array([by_p.sum(), by_q.sum(), by_gamma.sum()])
