"""Penalty and reward: what a low answer to an item costs the outcome, and what a high one adds, against the middle."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import t as student

from kam.stats.clusters import sandwich
from kam.survey.not_used import Drivers
from kam.wording import N_

Floats = npt.NDArray[np.float64]

MIN_ON_A_SIDE = 20
"""Low, or high, answers to an item without which it has no contrast."""
BASIC, PERFORMANCE, EXCITEMENT, UNCLEAR = N_("basic"), N_("performance"), N_("excitement"), N_("not clear")


def contrast_penalty_reward(drivers: Drivers, *, low: Floats, high: Floats, level: float) -> pd.DataFrame:
    """Regress the outcome on dummies of low and of high answers to every item, and name the kind of each.

    An item is **basic** if a low answer costs more than a high one adds, **excitement** if a high one adds more, **performance**
    if both count and neither is surely larger, and otherwise **not clear**: each with the interval of the level.

    Assumes (1) that what items add to the outcome adds up; (2) that accounts are independent of one another.

    Parameters
    ----------
    drivers : Drivers
    low, high : numpy.ndarray
        Shape (p,): answers up to ``low`` are low, from ``high`` on high.
    level : float
        Of intervals.

    Returns
    -------
    pandas.DataFrame
        One row per item: ``item, n_low_answers, n_high_answers, points_lost, points_lost_low, points_lost_high,
        points_gained, points_gained_low, points_gained_high, asymmetry, asymmetry_low, asymmetry_high, kind``, in points of the
        outcome; asymmetry is points gained less points lost. An item
        with fewer than :data:`MIN_ON_A_SIDE` low or high answers is missing in the numbers and "not clear".

    Notes
    -----
    Brandt (1987), penalty-reward contrast; with dummies of *not answered* for every item, lines in those beside, weights, and
    errors clustered by account (sandwich, G / (G − 1)), t with G − 1 degrees of freedom.
    """
    n, p = len(drivers.y), len(drivers.items)
    answers, beside = drivers.answers[:, :p], drivers.filled[:, p:]
    is_low, is_high, is_gone = answers <= low, answers >= high, np.isnan(answers)
    n_low_answers, n_high_answers = is_low.sum(axis=0), is_high.sum(axis=0)
    told = (n_low_answers >= MIN_ON_A_SIDE) & (n_high_answers >= MIN_ON_A_SIDE)
    columns = np.hstack([np.ones((n, 1)), is_low[:, told], is_high[:, told], is_gone, beside]).astype(np.float64)
    gram = (columns * drivers.weights[:, None]).T @ columns
    inverse = np.linalg.pinv(gram, rcond=1e-10, hermitian=True)
    theta = inverse @ (columns.T @ (drivers.weights * drivers.y))
    pull = columns * (drivers.weights * (drivers.y - columns @ theta))[:, None]
    covariance = sandwich(inverse, pull, drivers.account)
    reach = float(student.ppf((1 + level) / 2, max(len(np.unique(drivers.account)) - 1, 1)))
    found = {name: np.full(p, np.nan) for name in ("points_lost", "points_gained", "asymmetry")}
    errors = {name: np.full(p, np.nan) for name in found}
    at = np.flatnonzero(told)
    for place, j in enumerate(at):
        by_low, by_high = 1 + place, 1 + len(at) + place
        vectors = {
            "points_lost": {by_low: -1.0},
            "points_gained": {by_high: 1.0},
            "asymmetry": {by_low: 1.0, by_high: 1.0},
        }
        for name, parts in vectors.items():
            vector = np.zeros(columns.shape[1])
            vector[list(parts)] = list(parts.values())
            found[name][j] = vector @ theta
            errors[name][j] = np.sqrt(vector @ covariance @ vector)
    table: dict[str, object] = {
        "item": list(drivers.items),
        "n_low_answers": n_low_answers,
        "n_high_answers": n_high_answers,
    }
    for name in found:
        table |= {
            name: found[name],
            f"{name}_low": found[name] - reach * errors[name],
            f"{name}_high": found[name] + reach * errors[name],
        }
    frame = pd.DataFrame(table)
    frame["kind"] = np.select(
        [
            frame["asymmetry_high"] < 0,
            frame["asymmetry_low"] > 0,
            (frame["points_lost_low"] > 0) & (frame["points_gained_low"] > 0),
        ],
        [BASIC, EXCITEMENT, PERFORMANCE],
        UNCLEAR,
    )
    return frame


def low_and_high(lowest: npt.ArrayLike, highest: npt.ArrayLike) -> tuple[Floats, Floats]:
    """What is low and what is high on a scale: the lowest quarter of its length, and its last eighth (1–5: up to 2, and 5).

    Examples
    --------
    >>> [float(end[0]) for end in low_and_high([1.0], [5.0])]
    [2.0, 4.5]
    """
    start, end = np.asarray(lowest, dtype=np.float64), np.asarray(highest, dtype=np.float64)
    return start + (end - start) / 4, end - (end - start) / 8
