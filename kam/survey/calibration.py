"""Weights brought to known margins of the population, and kept from running off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import DataError, MissingColumnError, ParameterError
from kam.survey.frame import levels_of
from kam.survey.taylor import rake_weights

Floats = npt.NDArray[np.float64]
Margins = dict[str, dict[str, float]]

TOLERANCE = 1e-6
_ROUNDS = 50


@dataclass(frozen=True, eq=False, kw_only=True)
class Calibrated:
    """Weights of those who answered.

    Attributes
    ----------
    weights : numpy.ndarray
        Shape (answered,).
    trimmed : numpy.ndarray of bool
        Shape (answered,): held at the limit.
    settled : bool
        Both the margins and the limit are kept.
    """

    weights: Floats
    trimmed: npt.NDArray[np.bool_]
    settled: bool


def read_margins(margins: pd.DataFrame, drawn: pd.DataFrame, wave: str, n_population: float) -> Margins:
    """Check margins that were given against the accounts drawn in a wave.

    Parameters
    ----------
    margins : pandas.DataFrame
        One row per level: ``term`` (a column of the frame), ``level``, and ``n_population`` (accounts) or ``share``; ``wave``
        where the waves differ.
    drawn : pandas.DataFrame
        Rows of the frame that were drawn, ``answered`` among the columns.
    wave : str
        The wave.
    n_population : float
        Accounts that the shares are of.

    Returns
    -------
    dict
        Totals by term and level.

    Raises
    ------
    MissingColumnError
        A column is missing, of the margins or of the frame.
    ParameterError
        A level stands twice, or a size is not above 0.
    DataError
        Margins do not add up to the same, shares not to 1, a level of the frame is missing, or nobody answered in one.
    """
    size = next((name for name in ("n_population", "share") if name in margins.columns), None)
    for column in ("term", "level", size or "n_population"):
        if column not in margins.columns:
            raise MissingColumnError(
                f"The margins have no column {column!r}.",
                where="margins",
                hint="Give term, level, and n_population or share.",
            )
    here = margins if "wave" not in margins.columns else margins[margins["wave"].astype("str") == wave]
    if here.empty:
        raise DataError(f"There are no margins for wave {wave}.", where="margins", hint="Give them for every wave.")
    found: Margins = {}
    for term, part in here.groupby("term", sort=False):
        found[str(term)] = _read_margin(str(term), part, str(size), drawn, wave)
    sums = {term: sum(levels.values()) for term, levels in found.items()}
    first = next(iter(sums))
    target = 1.0 if size == "share" else sums[first]
    for term, total in sums.items():
        if abs(total - target) > 1e-6 * target:
            told = "1" if size == "share" else f"{target:g}, as those of {first!r} do"
            raise DataError(
                f"The margins of {term!r} in wave {wave} add up to {total:g}, and not to {told}.",
                where="margins",
                hint="Give every level, and sizes of one and the same population.",
            )
    if size == "share":
        return {term: {level: x * n_population for level, x in levels.items()} for term, levels in found.items()}
    return found


def calibrate(base: Floats, weights: Floats, cells: pd.DataFrame, totals: Margins, max_ratio: float) -> Calibrated:
    """Bring weights to margins while no factor, weight over design weight, is above ``max_ratio`` times the median factor.

    What is cut off goes to the others in proportion to their weights; then the margins are met again, and so on until both hold.

    Parameters
    ----------
    base, weights : numpy.ndarray
        Shape (answered,): design weights, and weights after the response model.
    cells : pandas.DataFrame
        Shape (answered, margins): the level of each.
    totals : dict
        By margin and level; empty: the sum of the weights is kept.
    max_ratio : float
        At least 1; infinite: nothing is cut.
    """
    trimmed = np.zeros(len(base), dtype=bool)
    for _ in range(_ROUNDS):
        cut = trim(base, weights, max_ratio)
        trimmed |= cut < weights * (1 - TOLERANCE)
        weights = rake_weights(cut, cells, totals) if totals else cut
        factor = weights / base
        if (factor <= max_ratio * np.median(factor) * (1 + 1e-3)).all():
            return Calibrated(weights=weights, trimmed=trimmed, settled=True)
    return Calibrated(weights=weights, trimmed=trimmed, settled=False)


def trim(base: Floats, weights: Floats, max_ratio: float) -> Floats:
    """Weights whose factor, weight over design weight, is at most ``max_ratio`` times the median; the sum is kept.

    Examples
    --------
    The median factor is 1; of the fourth, 5 are cut off, and the others get them in proportion.

    >>> trim(np.ones(4), np.array([1.0, 1.0, 1.0, 8.0]), 3.0).round(3).tolist()
    [2.667, 2.667, 2.667, 3.0]
    """
    limit = max_ratio * float(np.median(weights / base)) * base
    held = weights > limit
    total, kept = float(weights.sum()), weights
    while held.any() and not held.all():
        free = float(weights[~held].sum())
        kept = np.where(held, limit, weights * (total - float(limit[held].sum())) / free)
        more = ~held & (kept > limit * (1 + 1e-12))
        if not more.any():
            return np.asarray(kept, dtype=np.float64)
        held = held | more
    return np.asarray(kept if not held.any() else limit * total / limit.sum(), dtype=np.float64)


# -- inside ----------------------------------------------------------------------------------------------------------


def _read_margin(term: str, part: pd.DataFrame, size: str, drawn: pd.DataFrame, wave: str) -> dict[str, float]:
    if term not in drawn.columns:
        raise MissingColumnError(
            f"There is no column {term!r} in the frame.", where="margins", hint="Name a column of survey_frame."
        )
    levels = part["level"].astype("str")
    values = pd.to_numeric(part[size], errors="coerce").to_numpy(dtype=np.float64)
    if levels.duplicated().any():
        twice = levels[levels.duplicated()].iloc[0]
        raise ParameterError(f"The level {twice!r} of {term!r} stands twice.", where="margins", hint="Name it once.")
    if not ((values > 0) & np.isfinite(values)).all():
        bad = levels[~((values > 0) & np.isfinite(values))].iloc[0]
        raise ParameterError(f"The size of {bad!r} of {term!r} is not above 0.", where="margins", hint="Give its size.")
    of = levels_of(drawn[term])
    lacking = sorted(set(of) - set(levels))
    if lacking:
        raise DataError(
            f"The margins of {term!r} miss {', '.join(lacking[:5])}, which was drawn in wave {wave}.",
            where="margins",
            hint="Give the size of every level.",
        )
    silent = sorted(set(levels) - set(of[drawn["answered"].to_numpy(dtype=bool)]))
    if silent:
        raise DataError(
            f"Nobody answered in {', '.join(silent[:5])} of {term!r} in wave {wave}.",
            where="margins",
            hint="Join it with another level, in the frame and in the margins.",
        )
    return dict(zip(levels, values.tolist(), strict=True))
