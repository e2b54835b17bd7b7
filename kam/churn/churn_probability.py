"""From "no order in the window" to "lost": the probability that a silence of k periods is completed or begun in the window.

Whether a silence begun in a window reaches k periods is known only k periods later. With origins old enough, the event is learned
as any other; without, the chance of no order is multiplied by the share of such silences that last, from the waits between
purchases (Kaplan–Meier), which leaves out silences that begin after an order within the window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression

from kam.churn.blending import probability_of
from kam.churn.definition import ChurnDefinitionResult
from kam.churn.level import fit_level, predict_level
from kam.churn.predictors import read_predictors
from kam.errors import NoEventError
from kam.ledger import Snapshots
from kam.ledger.periods import MONTHS_IN

Floats = npt.NDArray[np.float64]

FEWEST_EVENTS = 30
"""Customers that were lost, and as many that were not, before the event is learned directly."""
DAYS_A_MONTH = 365.25 / 12


@dataclass(frozen=True, eq=False)
class ChurnProbability:
    """``p`` of the rows scored, with ``level_error``, the expected error of the log-odds that all share, and ``std_error``, of
    each in all; shape (N,). ``basis``: ``learned`` or ``waits``.

    ``n_origins`` and ``n_events``: what it was learned from; 0 with ``waits``.
    """

    p: Floats
    level_error: Floats
    std_error: Floats
    basis: str
    n_origins: int
    n_events: int


def churn_probability(
    snapshots: Snapshots,
    p_no_order: Floats,
    level_error: Floats,
    std_error: Floats,
    origin: pd.Timestamp,
    definition: ChurnDefinitionResult | None,
) -> ChurnProbability:
    """Probability of being lost, of the rows at an origin.

    Parameters
    ----------
    snapshots : Snapshots
        With origins before ``origin``.
    p_no_order, level_error, std_error : numpy.ndarray, shape (N,)
        Of the rows at the origin, in their order: probability of no order, and the errors of its log-odds, common and in all.
    origin : pandas.Timestamp
        The day from which to look ahead.
    definition : ChurnDefinitionResult, optional
        Needed where too few losses have been seen: the waits between purchases.

    Raises
    ------
    NoEventError
        Too few losses were seen, and there is no definition to fall back on.
    """
    rows = snapshots.rows
    months = snapshots.k * MONTHS_IN[snapshots.freq]
    over = pd.Timedelta(days=snapshots.horizon_days)
    known = rows["at_risk"] & rows["churned"].notna()
    settled = [o for o in rows["origin"].unique() if o + over + pd.DateOffset(months=months) <= origin]
    learn = (known & rows["origin"].isin(settled)).to_numpy()
    event = rows["churned"].to_numpy(dtype=np.float64, na_value=np.nan)
    lost = rows["customer_id"][learn & (event == 1)].nunique()
    stayed = rows["customer_id"][learn & (event == 0)].nunique()
    here = (rows["origin"] == origin).to_numpy()
    if min(lost, stayed) >= FEWEST_EVENTS:
        return _learn(snapshots, learn, here, event, origin)
    if definition is None:
        raise NoEventError(
            f"Too few customers are known to be lost after {snapshots.k} silent periods ({lost:,}) to learn who will be.",
            hint="Give definition=churn_definition(ledger): the waits between purchases then say which silences last.",
        )
    share = lasting_share(rows["days_since_last_order"].to_numpy(dtype=float)[here] + over.days, snapshots, definition)
    return ChurnProbability(p_no_order * share, level_error, std_error, "waits", 0, 0)


def lasting_share(silent_days: Floats, snapshots: Snapshots, definition: ChurnDefinitionResult) -> Floats:
    """Of silences that have lasted so many days, the share that reaches k periods: S(k) / S(periods so far)."""
    curve = definition.return_shares
    period_days = MONTHS_IN[snapshots.freq] * DAYS_A_MONTH
    survival = np.r_[1.0, curve["survival"].to_numpy(dtype=np.float64)]
    at = np.r_[0.0, curve["k"].to_numpy(dtype=np.float64)]
    so_far = np.interp(np.minimum(silent_days / period_days, snapshots.k), at, survival)
    reached = float(np.interp(snapshots.k, at, survival))
    return np.asarray(np.clip(reached / np.maximum(so_far, 1e-9), 0, 1))


def _learn(
    snapshots: Snapshots, learn: npt.NDArray[np.bool_], here: npt.NDArray[np.bool_], event: Floats, origin: pd.Timestamp
) -> ChurnProbability:
    """A ridge regression with a level for each origin, as for "no order"."""
    rows = snapshots.rows
    used = learn | here
    x = read_predictors(
        rows[used], learn[used], horizon_days=snapshots.horizon_days, covariates=tuple(snapshots.covariates["term"])
    ).values
    day = rows["origin"].to_numpy().astype("datetime64[D]").astype(np.int64)
    days = np.unique(day[learn])
    own = (day[learn][:, None] == days[None, :]) * 3.0
    fit = LogisticRegression(C=0.05, max_iter=500).fit(np.column_stack([x[learn[used]], own]), event[learn])
    slopes = fit.coef_[0][: x.shape[1]]
    score = x @ slopes
    known, scored = score[learn[used]], score[here[used]]
    levels = np.array([fit_level(known[day[learn] == d], event[learn][day[learn] == d]) for d in days])
    at = int(np.datetime64(origin, "D").astype(np.int64))
    level = predict_level(days, levels, np.full(len(days), np.nan), at, None, horizon_days=snapshots.horizon_days)
    p = probability_of(scored + level.estimate)
    spread = _coefficient_error(x[learn[used]], known, event[learn], rows["customer_id"][learn], x[here[used]])
    common = np.full(len(p), np.sqrt(level.mean_squared_error))
    return ChurnProbability(p, common, np.hypot(common, spread), "learned", len(days), int(np.nansum(event[learn])))


def _coefficient_error(x: Floats, score: Floats, event: Floats, customers: pd.Series, scored: Floats) -> Floats:
    """Standard error of the scored log-odds from the slopes: sandwich by customer, with the ridge penalty."""
    p = probability_of(score + fit_level(score, event))
    curvature = (x * (p * (1 - p))[:, None]).T @ x + np.eye(x.shape[1]) / 0.05
    codes, ids = pd.factorize(customers)
    sums = np.zeros((len(ids), x.shape[1]))
    np.add.at(sums, codes, x * (event - p)[:, None])
    inverse = np.linalg.inv(curvature)
    covariance = inverse @ (sums.T @ sums) @ inverse
    return np.asarray(np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", scored, covariance, scored), 0)))
