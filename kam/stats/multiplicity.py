"""Corrections for looking at many things at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def holm(p_values: Floats) -> Floats:
    """Adjust p-values so that the chance of even one false finding is kept, whatever their dependence.

    Parameters
    ----------
    p_values : numpy.ndarray
        Shape (n,); missing ones stay missing and do not count.

    Returns
    -------
    numpy.ndarray
        Adjusted p-values, shape (n,).

    Notes
    -----
    Holm (1979), Scandinavian Journal of Statistics 6: the smallest of n times n, the next times n - 1, and so on, none below the
    one before it. Not statsmodels' ``multipletests``, which collects all of Python's garbage each time it is called.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, np.nan, 0.03])).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    adjusted = np.full(len(p_values), np.nan)
    order = np.argsort(p_values)[: int((~np.isnan(p_values)).sum())]  # missing ones come last
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * np.arange(len(order), 0, -1)), 1.0)
    return adjusted
