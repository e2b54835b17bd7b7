"""Corrections for looking at many things at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from statsmodels.stats.multitest import multipletests

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
    Holm (1979), Scandinavian Journal of Statistics 6.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, np.nan, 0.03])).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    adjusted = np.full(len(p_values), np.nan)
    known = ~np.isnan(p_values)
    if known.any():
        adjusted[known] = multipletests(p_values[known], method="holm")[1]
    return adjusted
