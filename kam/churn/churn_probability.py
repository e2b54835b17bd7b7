"""From "no order in the window" to "lost": how likely a silence of k periods runs at the origin or begins in the window.

Whether a silence reaches k periods is known only k periods after its last order. With origins old enough, the event is learned as
any other. Without, it is put together from the chance of no order and the waits between purchases (Kaplan–Meier): a silence that
lasts through the window goes on to k periods as often as waits of that length do; and each of an account's active periods in the
window is followed by k silent ones as often as active periods are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.blending import pooled_spread, probability_of
from kam.churn.definition import ChurnDefinitionResult
from kam.churn.learners import ridge, trees
from kam.churn.level import fit_level, predict_level
from kam.churn.predictors import read_predictors
from kam.errors import NoEventError
from kam.ledger import Snapshots
from kam.ledger.periods import MONTHS_IN

Floats = npt.NDArray[np.float64]

FEWEST_EVENTS = 30
"""Customers that were lost, and as many that were not, before the event is learned directly."""
FEWEST_WINDOWS = 2
"""Windows that the origins must span, too."""
DAYS_A_MONTH = 365.25 / 12


@dataclass(frozen=True, eq=False)
class ChurnProbability:
    """``p`` of the rows scored, with ``level_error``, the expected error of the log-odds that all share, and ``std_error``, of
    each in all; shape (N,). ``basis``: ``learned`` or ``waits``.

    ``n_origins`` and ``n_lost``: origins and lost customers that it was learned from; 0 with ``waits``.
    """

    p: Floats
    level_error: Floats
    std_error: Floats
    basis: str
    n_origins: int
    n_lost: int


def churn_probability(
    snapshots: Snapshots,
    p_no_order: Floats,
    level_error: Floats,
    std_error: Floats,
    origin: pd.Timestamp,
    definition: ChurnDefinitionResult | None,
    *,
    seed: int = 1,
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
    period = pd.DateOffset(months=months)
    first = (rows["origin"] - pd.to_timedelta(rows["T"], unit="D")).min()
    # Before a silence of k periods is possible at all, losses are fewer than they will be.
    settled = [o for o in rows["origin"].unique() if o + over + period <= origin and o >= first + period]
    learn = (known & rows["origin"].isin(settled)).to_numpy()
    event = rows["churned"].to_numpy(dtype=np.float64, na_value=np.nan)
    lost = rows["customer_id"][learn & (event == 1)].nunique()
    stayed = rows["customer_id"][learn & (event == 0)].nunique()
    here = (rows["origin"] == origin).to_numpy()
    spans = bool(settled) and max(settled) - min(settled) >= FEWEST_WINDOWS * over
    if spans and min(lost, stayed) >= FEWEST_EVENTS:
        known_after = snapshots.horizon_days + round(months * DAYS_A_MONTH)
        return _learn(snapshots, learn, here, event, origin, known_after=known_after, n_lost=lost, seed=seed)
    if definition is None:
        raise NoEventError(
            f"Too few customers are known to be lost after {snapshots.k} silent periods ({lost:,}) to learn who will be.",
            hint="Give definition=churn_definition(ledger): the waits between purchases then say which silences last.",
        )
    share = lasting_share(rows["days_since_last_order"].to_numpy(dtype=float)[here] + over.days, snapshots, definition)
    active = rows["n_days_recent"].to_numpy(dtype=float)[here]
    begun = 1 - (1 - lasting_share(np.zeros(1), snapshots, definition)) ** np.clip(active, 1, periods_in(snapshots))
    p = p_no_order * share + (1 - p_no_order) * begun
    return ChurnProbability(p, level_error, std_error, "waits", 0, 0)


def periods_in(snapshots: Snapshots) -> float:
    """Periods within the horizon, at least 1."""
    return max(1.0, snapshots.horizon_days / (MONTHS_IN[snapshots.freq] * DAYS_A_MONTH))


@dataclass(frozen=True)
class ChurnTest:
    """Losses at the latest origin at which all are known: ``origin``, ``n_expected`` by the same code then, ``n_actual``."""

    origin: pd.Timestamp
    n_expected: float
    n_actual: int


def check_churn(
    snapshots: Snapshots, forecasts: pd.DataFrame, definition: ChurnDefinitionResult | None
) -> ChurnTest | None:
    """Forecast the losses at the latest origin at which they are all known by now; None where there is no such origin.

    ``forecasts`` has ``origin, p_no_order, level_error`` of the accounts at each origin, in the order of the snapshots.
    """
    rows = snapshots.rows
    months = pd.DateOffset(months=snapshots.k * MONTHS_IN[snapshots.freq])
    end = pd.Timestamp(snapshots.as_of) + pd.Timedelta(days=1)
    over = pd.Timedelta(days=snapshots.horizon_days)
    settled = [origin for origin in forecasts["origin"].unique() if origin + over + months <= end]
    if not settled:
        return None
    origin = max(settled)
    said = forecasts[forecasts["origin"] == origin]
    error = said["level_error"].to_numpy()
    try:
        then = churn_probability(snapshots, said["p_no_order"].to_numpy(), error, error, origin, definition)
    except NoEventError:
        return None
    here = rows[rows["origin"] == origin]
    risk = here["at_risk"].to_numpy(dtype=bool)
    return ChurnTest(origin, float(then.p[risk].sum()), int(here.loc[risk, "churned"].sum()))


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
    snapshots: Snapshots,
    learn: npt.NDArray[np.bool_],
    here: npt.NDArray[np.bool_],
    event: Floats,
    origin: pd.Timestamp,
    *,
    known_after: int,
    n_lost: int,
    seed: int,
) -> ChurnProbability:
    """The mean log-odds of a ridge regression and of boosted trees, with a level for each origin, as for "no order"."""
    rows = snapshots.rows
    used = learn | here
    training, scored = learn[used], here[used]
    x = read_predictors(
        rows[used], training, horizon_days=snapshots.horizon_days, covariates=tuple(snapshots.covariates["term"])
    ).values
    day = rows["origin"].to_numpy().astype("datetime64[D]").astype(np.int64)
    days = np.unique(day[learn])
    candidates = [ridge(x, training, event[learn], day[learn]), trees(x, training, event[learn], seed=seed)]
    together = np.column_stack(candidates)
    pooled = together.mean(axis=1)
    levels = np.array([fit_level(pooled[training][day[learn] == d], event[learn][day[learn] == d]) for d in days])
    at = int(np.datetime64(origin, "D").astype(np.int64))
    level = predict_level(days, levels, np.full(len(days), np.nan), at, None, horizon_days=known_after)
    spread = pooled_spread(together[scored], np.ones(2))
    common = np.full(int(scored.sum()), np.sqrt(level.mean_squared_error))
    p = probability_of(pooled[scored] + level.estimate)
    return ChurnProbability(p, common, np.hypot(common, spread), "learned", len(days), n_lost)
