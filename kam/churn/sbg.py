"""Shifted beta-geometric: how many of a cohort renew, and will, when each customer leaves at a rate of their own.

Retention rises with age although no customer becomes more loyal: those with a high rate leave first.

Reference: Fader & Hardie (2007), How to project customer retention, Journal of Interactive Marketing 21(1), 76–90.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaln

from kam.churn.likelihood import maximize
from kam.errors import EmptyDataError, NoEventError, ParameterError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class ShiftedBetaGeometric:
    """A fitted shifted beta-geometric model.

    Attributes
    ----------
    params : dict of float
        ``alpha`` and ``beta``: the probability to leave at a renewal is Beta(alpha, beta) over customers.
    std_errors : dict of float
        Their standard errors, from the curvature of the (penalized) log-likelihood at the estimates.
    log_likelihood : float
        Of all customers, without the penalty.
    n_customers : int
        Customers at the start of all cohorts.
    penalty : float
        What was added to the mean negative log-likelihood, times the sum of squared parameters; 0: nothing.
    """

    params: dict[str, float]
    std_errors: dict[str, float]
    log_likelihood: float
    n_customers: int
    penalty: float

    def survival(self, t: npt.ArrayLike) -> Floats:
        """Share of a cohort that is there after t renewals, t = 0, 1, …: B(α, β + t) / B(α, β)."""
        return self.p_kept(t, 0)

    def retention(self, t: npt.ArrayLike) -> Floats:
        """Share of those before the t-th renewal that renews, t = 1, 2, …: (β + t − 1) / (α + β + t − 1)."""
        alpha, beta = self.params.values()
        before = _whole(t, 1) - 1
        return np.asarray((beta + before) / (alpha + beta + before))

    def p_kept(self, t: npt.ArrayLike, age: npt.ArrayLike) -> Floats:
        """Probability to be there after t more renewals, for a customer who has renewed ``age`` times."""
        alpha, beta = self.params.values()
        now, ahead = _whole(age, 0), _whole(t, 0)
        return np.asarray(np.exp(betaln(alpha, beta + now + ahead) - betaln(alpha, beta + now)))


def fit_sbg(n_kept: npt.ArrayLike, *, penalty: float = 0.0) -> ShiftedBetaGeometric:
    """Fit the shifted beta-geometric model to a retention table by maximum likelihood (Fader & Hardie 2007).

    Assumes (1) that each customer leaves at any renewal with a probability that does not change; (2) that these probabilities are
    beta distributed; (3) that all cohorts are alike; (4) that who has left does not return.

    Parameters
    ----------
    n_kept : array_like of shape (periods + 1,) or (cohorts, periods + 1)
        Customers at the start, then those still there after 1, 2, … renewals; missing after the end of what a cohort has seen.
        Numbers of customers, not shares: the standard errors depend on them.
    penalty : float
        Times the sum of the squared parameters, added to the mean negative log-likelihood.

    Raises
    ------
    NotConvergedError
        A parameter runs to 0 or to infinity: it is named. Both do where retention does not rise with age.
    NoEventError
        Nobody left, or everybody did at once.
    ParameterError
        Numbers rise, are negative, or are missing before the end; the cohort is named by position.
    EmptyDataError
        No cohort has come to a renewal.

    Examples
    --------
    >>> high_end = fit_sbg([1000, 869, 743, 653, 593, 551, 517, 491])
    >>> {name: round(value, 3) for name, value in high_end.params.items()}
    {'alpha': 0.668, 'beta': 3.806}
    >>> high_end.survival(12).round(3).item()
    0.378
    """
    lost, kept = _renewals(n_kept)
    if not lost.any() or not kept.any():
        raise NoEventError(
            "Nobody left at any renewal." if kept.any() else "Everybody left at the first renewal.",
            hint="Retention cannot be projected from that: take more cohorts or a longer table.",
        )
    n = lost[0] + kept[0]
    found = maximize(
        lambda values: _log_likelihood(values, lost, kept),
        {"alpha": 1.0, "beta": 2.0},
        n=float(n),
        penalty=penalty,
        model="The shifted beta-geometric model",
    )
    params, std_errors = found.named(np.ones(2))
    return ShiftedBetaGeometric(
        params=params,
        std_errors=std_errors,
        log_likelihood=_log_likelihood(found.values, lost, kept)[0],
        n_customers=int(n),
        penalty=penalty,
    )


def _renewals(n_kept: npt.ArrayLike) -> tuple[Floats, Floats]:
    """How many left and how many renewed at the 1st, 2nd, … renewal, over all cohorts; shape (periods,) each."""
    table = np.atleast_2d(np.asarray(n_kept, dtype=np.float64))
    if table.ndim != 2:
        raise ParameterError(f"The retention table has the shape {table.shape}.", hint="Give one row per cohort.")
    seen = np.isfinite(table)
    for bad, what in (
        (np.isinf(table) | (table < 0), "a number below 0 or infinite"),
        (seen[:, 1:] & ~seen[:, :-1], "a number missing before the end"),
        (np.diff(table, axis=1) > 0, "more customers after a renewal than before"),
    ):
        if bad.any():
            raise ParameterError(
                f"The retention table has {what}.",
                where=f"cohort {int(np.flatnonzero(bad.any(axis=1))[0])}, counted from 0",
                hint="Give customers at the start, then those still there after each renewal.",
            )
    both = seen[:, 1:]
    kept = np.where(both, table[:, 1:], 0).sum(axis=0)
    lost = np.where(both, table[:, :-1], 0).sum(axis=0) - kept
    if not (kept + lost).any():
        raise EmptyDataError("No cohort has come to a renewal.", hint="Give at least two columns.")
    return lost, kept


def _log_likelihood(values: Floats, lost: Floats, kept: Floats) -> tuple[float, Floats]:
    """Log-likelihood of all customers and its gradient by alpha, beta."""
    alpha, beta = values
    before = np.arange(len(lost))
    total = alpha + beta + before
    value = lost @ np.log(alpha / total) + kept @ np.log((beta + before) / total)
    at = (lost + kept) @ (1 / total)
    return float(value), np.array([lost.sum() / alpha - at, kept @ (1 / (beta + before)) - at])


def _whole(t: npt.ArrayLike, least: int) -> Floats:
    numbers = np.asarray(t, dtype=np.float64)
    if not (np.isfinite(numbers) & (numbers >= least) & (numbers == np.floor(numbers))).all():
        raise ParameterError("The number of renewals is impossible.", hint=f"Give whole numbers of {least} or more.")
    return numbers
