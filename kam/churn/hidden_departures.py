"""Departures that nobody sees: when did an account leave that has been silent since its last order, if it left at all?

A silence is a departure or a long gap. Two regressions are fitted together, each period of an account being a row: the hazard h
of leaving in it, and, for who has not left, the probability q of an order in it, by the account's own rhythm, how long it has
been silent, and the season. An account that ordered last in period L left in period T > L with a probability proportional to

    h_T  Π_{L < t < T} (1 − h_t) (1 − q_t),

or is still there, Π_{L < t} (1 − h_t) (1 − q_t). Before L it was there. This is the likelihood that EM (Dempster, Laird & Rubin
1977) raises: those probabilities weight the rows, and both regressions are fitted to the weighted rows, until nothing moves. The
errors are those of the likelihood of what was seen, clustered by account (its score is the expected score, Louis 1982).

No number of silent periods is needed. It is the idea of Pareto/NBD (Schmittlein, Morrison & Colombo 1987), in periods and with
covariates that change. Each step is one of Fisher scoring on the weighted rows in place of a whole fit (EM gradient, Lange 1995).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import linalg
from scipy.special import expit, logit
from threadpoolctl import threadpool_limits

from kam.errors import NotConvergedError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Link = Literal["cloglog", "logit"]

MAX_STEPS = 500
TOLERANCE = 1e-6
BOUNDARY = 25.0
"""A coefficient that grows beyond this has no finite estimate."""
_RENEW = 5  # steps between two computations of the information that scales them
_WIDTH = 1e-4  # of the steps of numerical derivatives
_CLIP = 30.0  # of linear predictors: probabilities of 1e-13
_PRIOR_PERIODS = 2.0  # of the portfolio's rhythm that each account's own record begins with


def probabilities(eta: Floats, link: Link) -> tuple[Floats, Floats]:
    """Probability and its derivative by the linear predictor."""
    eta = np.clip(eta, -_CLIP, _CLIP if link == "logit" else 3.5)
    if link == "logit":
        p = expit(eta)
        return p, p * (1 - p)
    rate = np.exp(eta)
    return -np.expm1(-rate), rate * np.exp(-rate)


@dataclass(frozen=True, eq=False, kw_only=True)
class Silences:
    """Rows of person-periods, sorted by account and period.

    Attributes
    ----------
    start : numpy.ndarray
        Position of the first row of each account.
    account : numpy.ndarray
        Number of the account of each row.
    is_open : numpy.ndarray of bool
        After the last order of the account.
    ordered : numpy.ndarray of bool
    rhythm : numpy.ndarray, shape (rows, R)
        What the probability of an order is regressed on, see :func:`describe_rhythm`.
    """

    start: Ints
    account: Ints
    is_open: Flags
    ordered: Flags
    rhythm: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class HiddenFit:
    """Hazard and rhythm fitted together.

    Attributes
    ----------
    hazard, rhythm : numpy.ndarray
        Coefficients of the two regressions.
    cov : numpy.ndarray
        Covariance of the coefficients of the hazard, clustered by account; that of the rhythm is accounted for.
    left : numpy.ndarray
        By row: probability that the account left in this period.
    there : numpy.ndarray
        By row: probability that it was still there when the period began.
    p_order : numpy.ndarray
        By row: probability of an order, as seen from the end of the period before: from the silence so far alone.
    log_likelihood : float
        Of what was seen.
    n_steps : int
        Of EM.
    """

    hazard: Floats
    rhythm: Floats
    cov: Floats
    left: Floats
    there: Floats
    p_order: Floats
    log_likelihood: float
    n_steps: int


def describe_rhythm(account: Ints, n_silent: Ints, ordered: Flags, season: Ints) -> Floats:
    """What the probability of an order is regressed on: own rate, length of the silence, their product and squares, season.

    The own rate is the share of periods with an order from the first to the last one, begun with two periods at the portfolio's
    rate; the silence counts in periods and in own gaps.
    """
    n_accounts = int(account[-1]) + 1
    last = np.zeros(n_accounts, dtype=np.int64)  # periods from the first order to the last
    place = np.arange(len(account)) - np.searchsorted(account, account) + 1
    np.maximum.at(last, account[ordered], place[ordered])
    n_orders = np.bincount(account[ordered], minlength=n_accounts)
    pooled = n_orders.sum() / max(last.sum(), 1)
    rate = np.clip((n_orders + _PRIOR_PERIODS * pooled) / (last + _PRIOR_PERIODS), 0.01, 0.99)[account]
    own, silence = logit(rate), np.log(n_silent + 1.0)
    in_gaps = silence + np.log(-np.log1p(-rate))
    at_once = (n_silent == 0).astype(np.float64)
    seasons = np.unique(season)[1:]
    columns = [np.ones(len(own)), own, silence, in_gaps**2, own * silence, silence**2, at_once, at_once * own]
    return np.column_stack([*columns, *((season == s).astype(np.float64) for s in seasons)])


@threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator]  # small matrices: cores would wait for one another
def fit_hidden(silences: Silences, design: Floats, *, link: Link) -> HiddenFit:
    """Fit hazard and rhythm by EM; ``design`` (rows, P) has the intercept first.

    Raises
    ------
    NotConvergedError
        EM does not settle, or the information is singular.
    """
    x, z = design, silences.rhythm
    seen, n = ~silences.is_open, design.shape[1]
    theta = np.zeros(n + z.shape[1])
    theta[0] = np.log(max(0.5 * len(np.unique(silences.account[silences.is_open])) / len(x), 1e-6))
    theta[n:] = _start_rhythm(z[seen], silences.ordered[seen].astype(np.float64))
    for n_steps in range(1, MAX_STEPS + 1):
        expected = _expect(silences, x, z, theta, link)
        if n_steps % _RENEW == 1:
            inverse = _invert(linalg.block_diag(_weigh(x, expected.hazard_weight), _weigh(z, expected.rhythm_weight)))
        step = inverse @ expected.score(x, z)
        theta = theta + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < TOLERANCE:
            break
        if not np.abs(theta[:n]).max() < BOUNDARY:
            break
    else:
        raise NotConvergedError(
            f"The hazard did not settle in {MAX_STEPS} steps.", hint="Use fewer terms, or departures='silence'."
        )
    expected = _expect(silences, x, z, theta, link)
    return HiddenFit(
        hazard=theta[:n],
        rhythm=theta[n:],
        cov=_covariance(silences, x, z, theta, expected, link)[:n, :n],
        left=expected.left,
        there=expected.there,
        p_order=_foresee(silences, x, z, theta, link),
        log_likelihood=expected.log_likelihood,
        n_steps=n_steps,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class _Expected:
    """What is expected given what was seen; scores and weights are those of the linear predictors."""

    left: Floats
    there: Floats
    hazard_score: Floats
    rhythm_score: Floats
    hazard_weight: Floats
    rhythm_weight: Floats
    log_likelihood: float

    def score(self, x: Floats, z: Floats) -> Floats:
        """Of all coefficients."""
        return np.concatenate([self.hazard_score @ x, self.rhythm_score @ z])


def _expect(silences: Silences, x: Floats, z: Floats, theta: Floats, link: Link) -> _Expected:
    """The E step: when each account left, given what was seen."""
    h, slope = probabilities(x @ theta[: x.shape[1]], link)
    q = probabilities(z @ theta[x.shape[1] :], "logit")[0]
    is_open, start, account = silences.is_open, silences.start, silences.account
    stays = np.log1p(-h)
    log_silent = np.where(is_open, stays + np.log1p(-q), 0.0)
    reached = np.exp(_cumulate(log_silent, start, account) - log_silent)
    weight = np.where(is_open, reached * h, 0.0)
    gone = _cumulate(weight, start, account)
    still = np.exp(np.add.reduceat(log_silent, start))
    total = np.add.reduceat(weight, start) + still
    left = weight / total[account]
    there = np.where(is_open, 1 - (gone - weight) / total[account], 1.0)
    seen = np.where(is_open, 0.0, stays + np.where(silences.ordered, np.log(q), np.log1p(-q)))
    return _Expected(
        left=left,
        there=there,
        hazard_score=(left - there * h) * slope / (h * (1 - h)),
        rhythm_score=(there - left) * (silences.ordered - q),
        hazard_weight=there * slope**2 / (h * (1 - h)),
        rhythm_weight=(there - left) * q * (1 - q),
        log_likelihood=float(seen.sum() + np.log(total).sum()),
    )


def _foresee(silences: Silences, x: Floats, z: Floats, theta: Floats, link: Link) -> Floats:
    """Probability of an order in each period, given the silence so far."""
    h = probabilities(x @ theta[: x.shape[1]], link)[0]
    q = probabilities(z @ theta[x.shape[1] :], "logit")[0]
    begins = np.append(True, silences.ordered[:-1])
    begins[silences.start] = True
    start, silence = np.flatnonzero(begins), np.cumsum(begins) - 1
    log_silent = np.log1p(-h) + np.log1p(-q)
    reached = np.exp(_cumulate(log_silent, start, silence) - log_silent)
    gone = _cumulate(reached * h, start, silence) - reached * h
    return np.asarray(reached * (1 - h) * q / (reached + gone))


def _cumulate(values: Floats, start: Ints, account: Ints) -> Floats:
    """Cumulative sums within accounts."""
    total = np.cumsum(values)
    return np.asarray(total - (total[start] - values[start])[account])


def _weigh(x: Floats, weight: Floats) -> Floats:
    return np.asarray((x * weight[:, None]).T @ x)


def _invert(information: Floats) -> Floats:
    try:
        return np.asarray(np.linalg.inv(information))
    except np.linalg.LinAlgError as error:
        raise NotConvergedError(
            "The terms of the hazard cannot be told from one another.", hint="Leave out terms that say the same."
        ) from error


def _start_rhythm(z: Floats, y: Floats) -> Floats:
    """Logistic regression of orders while it is sure that nobody has left."""
    gamma = np.zeros(z.shape[1])
    for _ in range(8):
        q = probabilities(z @ gamma, "logit")[0]
        information = _weigh(z, q * (1 - q))
        information[np.diag_indices_from(information)] += 1e-6
        gamma = gamma + np.clip(np.linalg.solve(information, z.T @ (y - q)), -2, 2)
    return gamma


def _covariance(silences: Silences, x: Floats, z: Floats, theta: Floats, at: _Expected, link: Link) -> Floats:
    """Sandwich over accounts: the score of each, and the observed information.

    Of rows up to the last order the information is that of two regressions; of open rows, where the weights depend on the
    coefficients, it is taken by central differences.
    """
    is_open = silences.is_open
    h = probabilities(x @ theta[: x.shape[1]], link)[0]
    curvature = h * (1 - h) if link == "logit" else -np.log1p(-h)
    information = linalg.block_diag(
        _weigh(x, np.where(is_open, 0.0, curvature)), _weigh(z, np.where(is_open, 0.0, at.rhythm_weight))
    )
    if is_open.any():
        account = np.unique(silences.account[is_open], return_inverse=True)[1]
        tail = Silences(
            start=np.flatnonzero(np.append(True, account[1:] != account[:-1])),
            account=account,
            is_open=is_open[is_open],
            ordered=silences.ordered[is_open],
            rhythm=z[is_open],
        )
        moves = np.eye(len(theta)) * _WIDTH
        x_open, z_open = x[is_open], z[is_open]
        information += [
            (
                _expect(tail, x_open, z_open, theta - move, link).score(x_open, z_open)
                - _expect(tail, x_open, z_open, theta + move, link).score(x_open, z_open)
            )
            / (2 * _WIDTH)
            for move in moves
        ]
    inverse = _invert((information + information.T) / 2)
    parts = (x * at.hazard_score[:, None], z * at.rhythm_score[:, None])
    each = np.column_stack([np.add.reduceat(part, silences.start, axis=0) for part in parts])
    n = len(each)
    return np.asarray(inverse @ (each.T @ each) @ inverse) * n / max(n - 1, 1)
