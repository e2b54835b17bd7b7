"""The comparison of managers: a design from the portfolio, a random intercept per manager, and what each would expect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit
from scipy.stats import norm, poisson

from kam.errors import UndefinedMeasureError
from kam.identify.manager_rows import HANDOVER_MONTHS, YEAR, ManagerRows, Portfolio
from kam.identify.random_intercept import RandomIntercept, fit_random_intercept

Outcome = Literal["churn", "margin"]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_ROWS = 100_000
"""Of more months without a loss a random part is taken, which leaves all effects but the general level as they are."""
MIN_CASES = 5
"""Levels of a fact with fewer losses (accounts, for the margin) are taken together; so many are needed per term."""
CHURN_SCALE = 0.5
"""Scale of the prior of the spread of managers, in log-odds."""
NAMED_BELOW: dict[Outcome, float] = {"churn": 0.05, "margin": 0.005}
"""A manager stands out whose p-value, adjusted for all comparisons, is below: chosen in simulation, docs/manager_effects.md."""
_BINS = 5000
NUMBERS = ("size", "size_squared", "frequency", "tenure", "handover")
MEANS = {"size_account": "size", "frequency_account": "frequency"}
"""For the margin: the mean of a number over an account's years, beside that of the year (Mundlak 1978)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Compared:
    """What was seen of each manager, and what was to be expected with the average manager.

    ``observed`` and ``expected`` are yearly shares of accounts lost, or margins as shares. ``points`` is the effect in points
    with its ends; ``raw`` is what the funnel shows, lost over expected, or the difference in points, not drawn toward
    the mean; ``size`` is how wide the funnel is there: expected losses, or accounts, with ``account_error`` the standard error of
    one in points. ``p_value`` is that of chance alone. ``base`` is the yearly share, or the margin in the average account-year;
    ``swing`` the points between a manager one standard deviation above and one below the mean, with its ends; ``handover`` the
    points that go with a recent handover, with its ends, or empty: for losses those of the accounts handed over, in its six
    months. ``handover_shares`` is the share of these lost in six months without and with it, empty for the margin.
    """

    n_events: Ints
    n_expected: Floats
    observed: Floats
    expected: Floats
    points: Floats
    points_low: Floats
    points_high: Floats
    raw: Floats
    size: Floats
    p_value: Floats
    account_error: float
    base: float
    swing: Floats
    handover: Floats
    handover_shares: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class ManagerFit:
    """The fit, its terms, and per manager what was compared; ``codes`` are those of the portfolio that have a row."""

    fit: RandomIntercept
    terms: list[str]
    compared: Compared
    codes: Ints
    n_accounts: Ints
    n_rows: Ints
    n_handover_rows: int
    n_handover_accounts: int
    n_handover_events: int
    n_fitted: int


def fit_managers(rows: ManagerRows, portfolio: Portfolio, outcome: Outcome, seed: int) -> ManagerFit:
    """Fit the random intercepts and say what the average manager would have seen in each portfolio.

    Raises
    ------
    UndefinedMeasureError
        There are fewer than two managers.
    NotConvergedError
        The fit does not settle.
    """
    frame = rows.frame
    codes, group = np.unique(frame["manager"].to_numpy(), return_inverse=True)
    m = len(codes)
    if m < 2:
        raise UndefinedMeasureError(
            "There is one manager only, and nobody to compare with.", hint="Look at the column manager of the accounts."
        )
    y, account = frame["y"].to_numpy(), frame["account"].to_numpy()
    design, terms = _design(frame, portfolio.facts, y if outcome == "churn" else None)
    if outcome == "churn":
        used, offset = _thin_out(y, seed)
        fit = fit_random_intercept(
            y[used],
            design[used],
            group[used],
            n_groups=m,
            family="binomial",
            scale=CHURN_SCALE,
            offset=np.full(len(used), offset),
        )
        n_fitted = len(used)
        seen = _compare_losses(fit, y, design, group, terms)
    else:
        weight = frame["weight"].to_numpy()
        within, between = variances(y, design, group, account, weight)
        white = Whitening(account, within / weight, between)
        z = white(np.ones(len(y)))
        fit = fit_random_intercept(
            white(y),
            np.column_stack([white(column) for column in design.T]),
            group,
            n_groups=m,
            family="gaussian",
            scale=max(np.sqrt(between), np.sqrt(within / YEAR)),
            loading=z,
        )
        n_fitted = len(y)
        seen = _compare_margins(fit, y, design, group, white, z, account, terms)
    pairs = np.unique(group * (account.max() + 1) + account)
    recent = frame["handover"].to_numpy() > 0
    return ManagerFit(
        fit=fit,
        terms=terms,
        compared=seen,
        codes=codes,
        n_accounts=np.bincount(pairs // (account.max() + 1), minlength=m),
        n_rows=np.bincount(group, minlength=m),
        n_handover_rows=int(recent.sum()),
        n_handover_accounts=len(np.unique(account[recent])),
        n_handover_events=int(y[recent].sum()) if outcome == "churn" else 0,
        n_fitted=n_fitted,
    )


def funnel_limits(outcome: Outcome, size: Floats, error: float, level: float) -> tuple[Floats, Floats]:
    """The limits within which the share ``level`` of managers would lie by chance alone (Spiegelhalter 2005).

    For losses the exact Poisson limits of lost over expected, interpolated between whole numbers; for margins normal
    limits around 0, with ``error`` the standard error in points of one account.
    """
    tail = (1 - level) / 2
    if outcome == "margin":
        half = norm.isf(tail) * error / np.sqrt(size)
        return -half, half
    return _poisson_limit(size, tail), _poisson_limit(size, 1 - tail)


# -- inside ----------------------------------------------------------------------------------------------------------


def _poisson_limit(expected: Floats, p: float) -> Floats:
    r = poisson.ppf(p, expected)
    excess = (poisson.cdf(r, expected) - p) / poisson.pmf(r, expected)
    return np.asarray(np.maximum(r - excess, 0.0) / expected)


def _design(frame: pd.DataFrame, facts: pd.DataFrame, events: Floats | None) -> tuple[Floats, list[str]]:
    """Columns around their means, after the column of ones, with their names; only those that the data can carry.

    What an account is differs less by year than the numbers of a year say. So the slope of a year is flatter than that between
    accounts, and without their means (Mundlak 1978) who holds the large accounts would pass for a good or bad manager.
    """
    account = frame["account"].to_numpy()
    cases = np.ones(len(frame)) if events is None else events
    most = int((len(np.unique(account)) if events is None else cases.sum()) // MIN_CASES)
    columns, terms = [np.ones(len(frame))], ["intercept"]
    for name in NUMBERS:
        values = frame["size" if name == "size_squared" else name].to_numpy(dtype=float)
        if name == "size_squared":
            values = (values - values.mean()) ** 2
        if name == "handover":
            marked = values > 0
            few = min(cases[marked].sum(), cases[~marked].sum()) < MIN_CASES
        else:
            few = False
        if not few and np.ptp(values) > 1e-9 and len(terms) < most:
            columns.append(values)
            terms.append(name)
    for name, of in () if events is not None else MEANS.items():
        mean = _mean_of_account(frame[of].to_numpy(dtype=float), account, frame["weight"].to_numpy())
        varies = np.unique(account[np.abs(frame[of].to_numpy() - mean) > 1e-9])
        if len(varies) >= MIN_CASES and np.ptp(mean) > 1e-9 and len(terms) < most:
            columns.append(mean)
            terms.append(name)
    for fact in facts:
        texts = facts[fact].astype("string").fillna("").to_numpy(dtype=object)[account]
        level, names = pd.factorize(texts, sort=True)
        counts = (
            np.bincount(level, cases) if events is not None else pd.Series(account).groupby(level).nunique().to_numpy()
        )
        kept = np.flatnonzero(counts >= MIN_CASES)
        rest = counts.sum() - counts[kept].sum()
        if len(kept) > 1 or (len(kept) and rest >= MIN_CASES):
            usual = kept[counts[kept].argmax()]
            for one in kept[kept != usual]:
                if len(terms) < most:
                    columns.append((level == one).astype(float))
                    terms.append(f"{fact}: {names[one] or '–'}")
            others = ~np.isin(level, kept)
            if rest >= MIN_CASES and len(terms) < most:
                columns.append(others.astype(float))
                terms.append(f"{fact}: …")
    design = np.column_stack(columns)
    design[:, 1:] -= design[:, 1:].mean(axis=0)
    return design, terms


def _mean_of_account(values: Floats, account: Ints, weight: Floats) -> Floats:
    """The weighted mean over the rows of its account, by row."""
    return np.asarray(
        (np.bincount(account, weight * values) / np.maximum(np.bincount(account, weight), 1e-12))[account]
    )


def _thin_out(y: Floats, seed: int) -> tuple[Ints, float]:
    """All rows with a loss and a random part of the others; what that adds to the log-odds (case-control sampling)."""
    others = np.flatnonzero(y == 0)
    if len(others) <= MOST_ROWS:
        return np.arange(len(y)), 0.0
    drawn = np.random.default_rng(seed).choice(others, MOST_ROWS, replace=False)
    return np.sort(np.append(np.flatnonzero(y == 1), drawn)), float(np.log(len(others) / MOST_ROWS))


def _yearly(monthly: Floats) -> Floats:
    return np.asarray(1 - (1 - monthly) ** YEAR)


def _compare_losses(fit: RandomIntercept, y: Floats, design: Floats, group: Ints, terms: list[str]) -> Compared:
    m = len(fit.effect)
    eta = design @ fit.beta
    n_rows = np.bincount(group, minlength=m).astype(float)

    def mean_loss(shift: Floats | float) -> Floats:
        by_row = shift[group] if isinstance(shift, np.ndarray) else shift
        return np.bincount(group, expit(eta + by_row), m) / n_rows

    plain = mean_loss(0.0)
    expected = _yearly(plain)
    n_expected, n_events = plain * n_rows, np.bincount(group, y, m)
    upper = poisson.sf(n_events - 1, n_expected) - 0.5 * poisson.pmf(n_events, n_expected)
    points = [100 * (_yearly(mean_loss(shift)) - expected) for shift in (fit.effect, fit.low, fit.high)]

    counts, edges = np.histogram(eta, _BINS)  # so many rows with nearly the same log-odds are one

    def overall(shift: float) -> float:
        return float(_yearly(np.array(counts @ expit((edges[1:] + edges[:-1]) / 2 + shift) / len(eta))))

    # the accounts handed over, with their own log-odds: what of them is lost in the six months that the effect lasts
    at = terms.index("handover") if "handover" in terms else -1
    recent = np.flatnonzero(design[:, at] > 0) if at > 0 else np.zeros(0, dtype=np.int64)
    beta = float(fit.beta[at]) if at > 0 else 0.0

    def after_handover(shift: float) -> float:
        return float(1 - (1 - expit(eta[recent] - beta + shift).mean()) ** HANDOVER_MONTHS)

    spread = (fit.sigma, fit.sigma_low, fit.sigma_high)
    return Compared(
        n_events=n_events.astype(np.int64),
        n_expected=n_expected,
        observed=_yearly(n_events / n_rows),
        expected=expected,
        points=points[0],
        points_low=points[1],
        points_high=points[2],
        raw=n_events / n_expected,
        size=n_expected,
        p_value=2 * np.minimum(np.minimum(upper, 1 - upper), 0.5),
        account_error=0.0,
        base=overall(0.0),
        swing=np.array([100 * (overall(s) - overall(-s)) for s in spread]),
        handover=_handover(fit, terms, lambda b: 100 * (after_handover(b) - after_handover(0.0))),
        handover_shares=np.array([after_handover(b) for b in (0.0, beta)]) if len(recent) else np.zeros(0),
    )


def _compare_margins(
    fit: RandomIntercept,
    y: Floats,
    design: Floats,
    group: Ints,
    white: Whitening,
    z: Floats,
    account: Ints,
    terms: list[str],
) -> Compared:
    m = len(fit.effect)
    n_rows = np.bincount(group, minlength=m)
    mean = design @ fit.beta
    information = np.bincount(group, z**2, m)
    raw = np.bincount(group, z * white(y - mean), m) / information
    of_account = np.bincount(account, z**2)
    one = float(np.median(of_account[of_account > 0]))
    return Compared(
        n_events=np.zeros(m, dtype=np.int64),
        n_expected=np.zeros(m),
        observed=np.bincount(group, y, m) / n_rows / 100,
        expected=np.bincount(group, mean, m) / n_rows / 100,
        points=fit.effect,
        points_low=fit.low,
        points_high=fit.high,
        raw=raw,
        size=information / one,
        p_value=2 * norm.sf(np.abs(raw) * np.sqrt(information)),
        account_error=one**-0.5,
        base=float(y.mean()) / 100,
        swing=2 * np.array([fit.sigma, fit.sigma_low, fit.sigma_high]),
        handover=_handover(fit, terms, lambda b: b),
        handover_shares=np.zeros(0),
    )


def _handover(fit: RandomIntercept, terms: list[str], in_points: Callable[[float], float]) -> Floats:
    """Estimate, low and high of the effect of a recent handover, in points; empty where it is not in the model."""
    if "handover" not in terms:
        return np.zeros(0)
    at = terms.index("handover")
    ends = fit.beta[at] + np.array([0.0, -1.0, 1.0]) * norm.isf(0.025) * fit.beta_error[at]
    return np.array([in_points(float(one)) for one in ends])


def variances(y: Floats, design: Floats, group: Ints, account: Ints, weight: Floats) -> tuple[float, float]:
    """Variance of a year with one order, and between accounts of one manager (the ANOVA estimate, at least 0)."""
    of_group = np.bincount(group, weight)

    def centered(values: Floats) -> Floats:  # around the mean of its manager, which leaves the managers' levels out
        return np.asarray(values - (np.bincount(group, weight * values) / of_group)[group])

    root, outcome = np.sqrt(weight), centered(y)
    columns = np.column_stack([centered(column) for column in design.T[1:]]) if design.shape[1] > 1 else design[:, :0]
    solved = np.linalg.lstsq(columns * root[:, None], outcome * root, rcond=None)
    residual, rank = outcome - columns @ solved[0], int(solved[2]) + len(of_group)
    _, row = np.unique(account, return_inverse=True)
    total = np.bincount(row, weight)
    mean = np.bincount(row, weight * residual) / total
    n = len(total)
    squares = float((weight * (residual - mean[row]) ** 2).sum())
    within = squares / max(len(y) - n, 1)
    if len(y) == n or within <= 0:  # one year of each account: what differs between accounts cannot be told apart
        within = max(float((weight * residual**2).sum()) / max(n - rank, 1), 1e-12)
    free = max(n - rank, 1)
    between = (float(total @ mean**2) - free * within) / (float(total.sum()) * free / n)
    return within, max(between, 0.0)


class Whitening:
    """Brings rows to residual variance 1 and no correlation: variance of each row, plus one shared within an account."""

    def __init__(self, account: Ints, variance: Floats, shared: float) -> None:
        _, self.row = np.unique(account, return_inverse=True)
        self.q = variance**-0.5
        length = np.bincount(self.row, self.q**2)
        self.c = (1 - (1 + shared * length) ** -0.5) / length

    def __call__(self, values: Floats) -> Floats:
        """Whiten one column."""
        scaled = values * self.q
        return np.asarray(scaled - self.q * (self.c * np.bincount(self.row, self.q * scaled))[self.row])
