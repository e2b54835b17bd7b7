"""The importance–performance map: what is important and weak is to be looked at first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.wording import N_

Floats = npt.NDArray[np.float64]

LOOK, KEEP, LOW, LESS = N_("look at first"), N_("keep up"), N_("low priority"), N_("possible overkill")
QUADRANTS = (LOOK, KEEP, LOW, LESS)
"""Important and weak, important and strong, unimportant and weak, unimportant and strong."""
MIN_CERTAINTY = 0.8
"""A quadrant is called where at least this share of the resamples has it."""


def place_on_map(importance: Floats, performance: Floats) -> npt.NDArray[np.int64]:
    """Which quadrant each item lies in, by the means of the items; shape (..., p), places in :data:`QUADRANTS`.

    What is at a mean counts as important, and as strong.

    Examples
    --------
    >>> [QUADRANTS[i] for i in place_on_map(np.array([0.7, 0.2, 0.1]), np.array([3.0, 5.0, 3.5]))]
    ['look at first', 'possible overkill', 'low priority']
    """
    important = importance >= importance.mean(axis=-1, keepdims=True) - 1e-12
    strong = performance >= performance.mean(axis=-1, keepdims=True) - 1e-12
    return np.where(important, np.where(strong, 1, 0), np.where(strong, 3, 2)).astype(np.int64)


def map_of(importance: Floats, performance: Floats, draws: tuple[Floats, Floats]) -> pd.DataFrame:
    """The quadrant of each item, or theme, and how sure it is.

    Parameters
    ----------
    importance : numpy.ndarray
        Shape (p,): share of what is explained.
    performance : numpy.ndarray
        Shape (p,): mean answer, on one scale.
    draws : tuple of two numpy.ndarray
        The same on resamples, shape (B, p) each; the cut lines move with them.

    Returns
    -------
    pandas.DataFrame
        One row per item: ``share_importance, mean_answer, quadrant, p_quadrant`` (share of the resamples with that quadrant)
        ``, is_called``.

    Notes
    -----
    Martilla & James (1977), Journal of Marketing 41(1), with importance derived rather than asked, and cut lines at the means.
    """
    at = place_on_map(importance, performance)
    probability = (place_on_map(*draws) == at).mean(axis=0)
    return pd.DataFrame(
        {
            "share_importance": importance,
            "mean_answer": performance,
            "quadrant": [QUADRANTS[i] for i in at],
            "p_quadrant": probability,
            "is_called": probability >= MIN_CERTAINTY,
        }
    )


def gather_themes(themes: Sequence[str], importance: Floats, performance: Floats) -> tuple[list[str], Floats, Floats]:
    """Themes in order of appearance: the sum of their items' importance, the mean of their items' performance.

    Items and draws in the last axis, and the first, of both arrays.
    """
    names = list(dict.fromkeys(themes))
    member = np.array([[theme == name for name in names] for theme in themes], dtype=np.float64)
    return names, importance @ member, performance @ (member / member.sum(axis=0))
