"""When the customers of a chain are lost: how many in the next period, after how long, how many are left meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.chain import can_reach, half_life, loss_times, periods_to_loss, survival
from kam.churn.observed import Observed
from kam.errors import NoAbsorbingStateError
from kam.stats.resampling import interval_among

Floats = npt.NDArray[np.float64]

_AHEAD = {"month": 36, "quarter": 20, "year": 10, "period": 20}


def need_loss(states: Sequence[str], p: Floats, lost: int) -> None:
    """Raise unless every state leads to the loss; ``p`` (S, S)."""
    safe = ~can_reach(p[None], lost)
    if safe.any():
        names = [name for name, never in zip(states, safe, strict=True) if never]
        raise NoAbsorbingStateError(
            f"From the state {names[0]!r} nobody was ever lost, not even by way of other states: "
            "the expected time to loss is infinite.",
            where=f"states {', '.join(names)}",
            hint="Join the state with another, give a prior, or use absorbing=None.",
        )


def loss_now(
    seen: Observed, p: Floats, draws: Floats, lost: int | None, season: int, level: float
) -> tuple[float, float, float]:
    """Probability that a customer of today who is not lost is so in the next period; the mix is as it is now."""
    if lost is None:
        return 0.0, 0.0, 0.0
    mix = np.where(np.arange(len(seen.states)) == lost, 0, seen.mix[-1]).astype(float)
    if mix.sum() == 0:  # all are lost: as in all periods together
        mix = np.where(np.arange(len(seen.states)) == lost, 0, seen.mix.sum(axis=0)).astype(float)
    mix /= mix.sum()
    low, high = interval_among(draws[:, season, :, lost] @ mix, level)
    return float(p[season, :, lost] @ mix), float(low), float(high)


def loss_frames(
    seen: Observed, p: Floats, draws: Floats, lost: int | None, season: int, level: float
) -> tuple[dict[str, Floats], pd.DataFrame]:
    """Columns of ``states`` on loss, and the survival curves, from the season now."""
    if lost is None:
        empty = pd.DataFrame({"state": pd.Series([], dtype="str"), "n_ahead": pd.Series([], dtype="int64")})
        return {}, empty.assign(probability=0.0, ci_low=0.0, ci_high=0.0)
    n = len(seen.states)
    times = loss_times(draws, lost)[:, season]
    low, high = interval_among(times, level)
    ahead = _AHEAD[seen.freq]
    long_curve = survival(p, lost, 1000, season=season)
    columns = {
        "p_loss": p[season, :, lost],
        "periods_to_loss": periods_to_loss(p, lost)[season],
        "loss_low": low,
        "loss_high": high,
        "half_life": half_life(long_curve.T),
    }
    curve_low, curve_high = interval_among(survival(draws, lost, ahead, season=season), level)
    alive = [i for i in range(n) if i != lost]
    columns["p_loss"] = np.where(np.arange(n) == lost, 0.0, columns["p_loss"])
    state, n_ahead = (index.ravel() for index in np.indices((len(alive), ahead + 1)))
    curves = pd.DataFrame(
        {
            "state": pd.Series(np.asarray(seen.states, object)[alive][state], dtype="str"),
            "n_ahead": n_ahead,
            "probability": long_curve[: ahead + 1][:, alive].T.ravel(),
            "ci_low": curve_low[:, alive].T.ravel(),
            "ci_high": curve_high[:, alive].T.ravel(),
        }
    )
    return columns, curves
