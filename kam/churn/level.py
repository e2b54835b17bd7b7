"""The level of a forecast: how many orders the next window brings, apart from who places them.

A model that ranks customers well can still be far off in how many of them order, because the coming season is not the last one.
Who is likelier than whom is learned from all origins together, each with a level of its own; the level of a new origin is
a mean of simple forecasts of it, weighted by how well each did before (Bates & Granger 1969, eq. 4, errors taken as
uncorrelated).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PRIOR_ERROR = 0.08
"""Mean squared error, in log-odds squared, of a forecast of the level of which nothing is known yet."""
PRIOR_WEIGHT = 1.0
"""Windows that the prior counts for."""
SEASON_ERROR = 0.4
"""Added to the error of a mean over windows that cover no part of the year; in proportion for those that cover a part."""
SEASON_DAYS = 364
SEASON_TOLERANCE = 16


@dataclass(frozen=True)
class Level:
    """The level of one origin.

    Attributes
    ----------
    estimate, mean_squared_error : float
        The level in log-odds, and its expected squared error.
    forecasts, weights : dict of str to float
        What it is a mean of: the mean over the last ``year``, the same ``season`` a year or two before, and what the
        ``structural`` models say.
    """

    estimate: float
    mean_squared_error: float
    forecasts: dict[str, float]
    weights: dict[str, float]


def fit_level(log_odds: Floats, outcome: Floats) -> float:
    """The constant that, added to log-odds of shape (N,), makes the expected events equal those observed.

    ``outcome`` is 0 or 1, or probabilities whose mean is to be met. An outcome that is the same for all is taken half a
    customer short of it.
    """
    n = len(outcome)
    mean = float(np.clip(outcome.mean(), 0.5 / (n + 1), 1 - 0.5 / (n + 1)))
    level = 0.0
    for _ in range(60):
        p = expit(log_odds + level)
        step = float(np.clip((mean - p.mean()) / max(float((p * (1 - p)).mean()), 1e-9), -1, 1))
        level += step
        if abs(step) < 1e-8:
            break
    return level


def predict_level(
    origins: Ints,
    levels: Floats,
    structural: Floats,
    new_origin: int,
    new_structural: float | None,
    *,
    horizon_days: int,
) -> Level:
    """The level of a new origin from those of earlier ones.

    Parameters
    ----------
    origins : numpy.ndarray of int, shape (O,)
        Days of the earlier origins, ascending; windows may overlap.
    levels : numpy.ndarray, shape (O,)
        Their levels in log-odds.
    structural : numpy.ndarray, shape (O,)
        What the structural models said of them; not-a-number where they say nothing.
    new_origin : int
        The day of the new origin.
    new_structural : float or None
        What the structural models say of it.
    horizon_days : int
        Length of the windows. A level counts as known once its window is over.

    Returns
    -------
    Level
    """
    errors: dict[str, list[float]] = {}
    for i, origin in enumerate(origins):
        before = origins + horizon_days <= origin
        said = _forecast(origins[before], levels[before], int(origin), float(structural[i]))
        for name, value in said.items():
            errors.setdefault(name, []).append((value - levels[i]) ** 2)
    known = origins + horizon_days <= new_origin
    forecasts = _forecast(
        origins[known], levels[known], new_origin, np.nan if new_structural is None else new_structural
    )
    if not forecasts:
        return Level(0.0, PRIOR_ERROR + SEASON_ERROR, {}, {})
    span = int(origins[known].max() - origins[known].min()) + horizon_days if known.any() else 0
    uncovered = 1 - min(1.0, span / SEASON_DAYS)
    windows_per_origin = min(1.0, float(np.median(np.diff(origins))) / horizon_days) if len(origins) > 1 else 1.0
    expected = {}
    for name in forecasts:
        past = errors.get(name, [])
        n = len(past) * windows_per_origin
        expected[name] = (PRIOR_WEIGHT * PRIOR_ERROR + sum(past) * windows_per_origin) / (PRIOR_WEIGHT + n)
        if name == "year":
            expected[name] += SEASON_ERROR * uncovered
    precision = {name: 1 / error for name, error in expected.items()}
    total = sum(precision.values())
    weights = {name: value / total for name, value in precision.items()}
    estimate = sum(weights[name] * forecasts[name] for name in forecasts)
    error = sum(weights[name] * expected[name] for name in forecasts)
    return Level(estimate, error, forecasts, weights)


def _forecast(origins: Ints, levels: Floats, origin: int, structural: float) -> dict[str, float]:
    said = {}
    if len(origins):
        said = {"year": float(levels[origins > origins[-1] - SEASON_DAYS].mean())}
        back = origin - origins
        years = np.maximum(np.rint(back / SEASON_DAYS), 1)
        same = np.abs(back - years * SEASON_DAYS) <= SEASON_TOLERANCE
        same &= years <= 2
        if same.any():
            said["season"] = float(levels[same].mean())
    if np.isfinite(structural):
        said["structural"] = structural
    return said
