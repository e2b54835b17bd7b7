"""The forecasts that a regression has to beat: models of purchases, recency alone, and a Markov chain, on rows of snapshots.

Models of purchases are fitted at each origin to what was known there; recency and chain count what came of earlier origins.
All say with which probability an account places no order within the horizon, and how much gross revenue it may bring.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.bg_nbd import fit_bg_nbd
from kam.churn.pareto_nbd import fit_pareto_nbd
from kam.churn.purchase_model import PurchaseModel
from kam.churn.rhythm import fit_rhythm
from kam.errors import KamError, NotConvergedError

Floats = npt.NDArray[np.float64]

WEEK = 7.0
"""Models of purchases count in weeks."""
PENALTIES = (0.0, 0.001, 0.01, 0.1)
"""Tried in this order until the estimates settle."""
SILENT = 5
"""Windows of silence after which the chain takes all accounts for alike."""
BUSY = 3
"""Purchase days in the last window after which the chain takes all accounts for alike."""

Fit = Callable[..., PurchaseModel]
CANDIDATES = ("BG/NBD", "Pareto/NBD")
"""Models of purchases that the regression takes in; the others only stand beside it."""
PURCHASE_MODELS: dict[str, Fit] = {"BG/NBD": fit_bg_nbd, "Pareto/NBD": fit_pareto_nbd, "rhythm": fit_rhythm}


@dataclass(frozen=True, eq=False)
class PeerForecast:
    """What a model says of the accounts at one origin: ``p_no_order`` and ``expected_revenue``, shape (N,) each."""

    p_no_order: Floats
    expected_revenue: Floats


def forecast_purchases(name: str, rows: pd.DataFrame, horizon_days: int) -> tuple[PeerForecast, float]:
    """Fit a model of purchases to the accounts known at one origin, and forecast them.

    Returns
    -------
    PeerForecast, float
        The forecast, and the penalty with which the estimates settled.

    Raises
    ------
    NotConvergedError
        They do not settle with any of :data:`PENALTIES`.
    """
    frequency, recency, observed = (rows[c].to_numpy(dtype=np.float64) for c in ("frequency", "recency", "T"))
    history = (frequency, recency / WEEK, observed / WEEK)
    ahead = horizon_days / WEEK
    value = rows["monetary_value"].to_numpy(dtype=np.float64)
    reason: KamError | None = None
    for penalty in PENALTIES:
        try:
            model = PURCHASE_MODELS[name](*history, penalty=penalty)
        except KamError as error:
            reason = error
            continue
        p = model.p_no_order(ahead, *history)
        revenue = model.expected_purchases(ahead, *history) * value
        if np.isfinite(p).all() and np.isfinite(revenue).all():
            return PeerForecast(p, revenue), penalty
    raise NotConvergedError(
        f"{name} does not settle on these accounts, with a penalty of {PENALTIES[-1]} either.",
        where=None if reason is None else str(reason),
        hint="Do without it, or take a longer history.",
    )


def forecast_recency(training: pd.DataFrame, rows: pd.DataFrame, horizon_days: int) -> PeerForecast:
    """Recency alone: the share without an order among the accounts that had been silent about as long at earlier origins."""
    edges = np.r_[0, np.geomspace(horizon_days / 13, 8 * horizon_days, 14)]
    return _forecast_states(
        training, rows, lambda frame: np.searchsorted(edges, frame["days_since_last_order"], side="right")
    )


def forecast_chain(training: pd.DataFrame, rows: pd.DataFrame, horizon_days: int) -> PeerForecast:
    """A Markov chain of silence and frequency: one step of the transitions counted at earlier origins.

    The state of an account is for how many windows it has been silent and, if for none, on how many days of the last window
    it bought.
    """

    def state(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
        silent = np.minimum(frame["days_since_last_order"].to_numpy(dtype=np.int64) // horizon_days, SILENT)
        busy = np.minimum(frame["n_days_recent"].to_numpy(dtype=np.int64), BUSY)
        return np.where(busy > 0, -busy, silent)

    return _forecast_states(training, rows, state)


def _forecast_states(
    training: pd.DataFrame, rows: pd.DataFrame, state: Callable[[pd.DataFrame], npt.NDArray[np.int64]]
) -> PeerForecast:
    """Shares by state at earlier origins, each drawn toward the share of all by one account."""
    event = training["no_order"].to_numpy(dtype=np.float64)
    everyone = float(event.mean())
    counts = pd.DataFrame({"state": state(training), "event": event}).groupby("state")["event"].agg(["sum", "size"])
    share = (counts["sum"] + everyone) / (counts["size"] + 1)
    p = pd.Series(state(rows)).map(share).fillna(everyone).to_numpy(dtype=np.float64)
    return PeerForecast(p, (1 - p) * rows["monetary_value"].to_numpy(dtype=np.float64))
