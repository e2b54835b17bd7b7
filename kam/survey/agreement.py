"""Whether people of one account answer alike: the intraclass correlation, what it costs, and accounts that disagree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import f as f_distribution

from kam.errors import UndefinedMeasureError
from kam.survey.intervals import check_level

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIN_SHARED = 10
"""With fewer accounts of two respondents or more, nothing is said about how alike they answer."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How alike people of one account answer: one-way random effects, y = mean + account + person.

    Attributes
    ----------
    icc : float
        ICC(1): share of the variance of a single answer that lies between accounts; below 0 where answers within an account
        differ more than those of different accounts.
    low, high : float
        Its interval.
    within_variance : float
        Variance of people within an account.
    mean_size : float
        Σ n² / Σ n: respondents of the account of a respondent, on average.
    """

    icc: float
    low: float
    high: float
    within_variance: float
    mean_size: float

    @property
    def design_effect(self) -> float:
        """Variance of a mean over respondents, over that of as many accounts of one: 1 + (mean_size − 1) ICC (Kish 1965).

        An ICC below 0 counts as 0.
        """
        return 1 + (self.mean_size - 1) * max(self.icc, 0.0)


def agree_within(values: npt.ArrayLike, account: npt.ArrayLike, *, level: float = 0.95) -> Agreement:
    """Estimate the intraclass correlation of answers within accounts.

    Assumes (1) that accounts are independent, and people of one account exchangeable; (2) for the interval, that both parts of
    the variance are normal.

    Parameters
    ----------
    values : array_like
        Shape (respondents,): answers; missing ones are left out.
    account : array_like
        Shape (respondents,): the account of each.
    level : float
        Level of the interval, between 0 and 1.

    Returns
    -------
    Agreement

    Raises
    ------
    ParameterError
        The level is not between 0 and 1.
    UndefinedMeasureError
        Fewer than two accounts answered, no account has two respondents, or all answers are equal.

    Notes
    -----
    The estimate is that of the analysis of variance, (MSB − MSW) / (MSB + (n₀ − 1) MSW), n₀ = (N − Σn²/N) / (A − 1) (Donner
    1986, International Statistical Review 54(1)). The interval is that of Thomas & Hultquist (1978), Annals of
    Statistics 6(3), with the unweighted mean square between account means and the harmonic mean of their sizes: with accounts of
    the same size it is Searle's exact one.

    Examples
    --------
    >>> found = agree_within([4, 5, 2, 2, 1, 2, 5, 5], list("aabbccdd"))
    >>> round(found.icc, 3), round(found.low, 3), round(found.high, 3), found.mean_size
    (0.922, 0.424, 0.995, 2.0)
    """
    check_level(level)
    y = np.asarray(values, dtype=np.float64)
    code = pd.factorize(np.asarray(account, dtype=object)[~np.isnan(y)])[0]
    y = y[~np.isnan(y)]
    size = np.bincount(code).astype(np.float64)
    n, n_accounts = len(y), len(size)
    if n_accounts < 2 or n == n_accounts:
        raise UndefinedMeasureError(
            "No two people of one account answered, or only one account did.",
            hint="Ask several people of an account, or name the accounts.",
        )
    mean = np.bincount(code, y) / size
    within = float(((y - mean[code]) ** 2).sum()) / (n - n_accounts)
    between = float((size * (mean - y.mean()) ** 2).sum()) / (n_accounts - 1)
    if between <= 0 and within <= 0:
        raise UndefinedMeasureError("All answers are equal.", hint="Take a question that people answer differently.")
    usual = (n - float((size**2).sum()) / n) / (n_accounts - 1)
    low, high = _interval(mean, size, within, n - n_accounts, level)
    return Agreement(
        icc=(between - within) / (between + (usual - 1) * within),
        low=low,
        high=high,
        within_variance=within,
        mean_size=float((size**2).sum()) / n,
    )


def _interval(mean: Floats, size: Floats, within: float, df: int, level: float) -> tuple[float, float]:
    """Where the ratio of the unweighted mean square between accounts to that within is between the quantiles of F."""
    if within <= 0:
        return 1.0, 1.0
    harmonic = len(size) / float((1 / size).sum())
    ratio = harmonic * float(mean.var(ddof=1)) / within
    tail = (1 - level) / 2
    ends = []
    for quantile in f_distribution.ppf([1 - tail, tail], len(size) - 1, df):
        parts = (ratio / float(quantile) - 1) / harmonic  # variance between accounts over that within
        ends.append(parts / (1 + parts))
    return ends[0], ends[1]


def spread_beyond_chance(values: Floats, account: Ints) -> pd.DataFrame:
    """Compare the spread of answers in each account with that in all others.

    Parameters
    ----------
    values : numpy.ndarray
        Shape (respondents,): answers, none missing.
    account : numpy.ndarray of int
        Shape (respondents,): from 0, every account there.

    Returns
    -------
    pandas.DataFrame
        One row per account, in order: ``n_respondents, answer_low, answer_high, answer_sd`` (missing with one respondent) and
        ``p_value``: of F, the account's variance over the pooled one of the others, times the number of accounts with two
        respondents or more (Bonferroni); missing where there is no other to compare with.
    """
    size = np.bincount(account).astype(np.float64)
    mean = np.bincount(account, values) / size
    squares = np.bincount(account, (values - mean[account]) ** 2)
    low, high = np.full(len(size), np.inf), np.full(len(size), -np.inf)
    np.minimum.at(low, account, values)
    np.maximum.at(high, account, values)
    df, n_shared = size - 1, int((size > 1).sum())
    rest, df_rest = squares.sum() - squares, df.sum() - df
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = squares / df
        p = n_shared * f_distribution.sf(variance / (rest / df_rest), df, df_rest)
    known = (df > 0) & (df_rest > 0) & (rest > 1e-12)
    return pd.DataFrame(
        {
            "n_respondents": size.astype(np.int64),
            "answer_low": low,
            "answer_high": high,
            "answer_sd": np.sqrt(np.where(df > 0, variance, np.nan)),
            "p_value": np.where(known, np.minimum(p, 1.0), np.nan),
        }
    )
