"""Variances of design-based totals by Taylor linearization: the one place that talks to ``svy``.

An estimate that is a smooth function of weighted totals has, to first order, the error of one total: that of its scores (its
linearized values). So everything a survey analysis asks of the library is the variance of totals.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from svy import Design as SvyDesign
from svy import Sample as SvySample

Floats = npt.NDArray[np.float64]


def total_variance(
    scores: Floats,
    *,
    stratum: npt.NDArray[np.generic],
    psu: npt.NDArray[np.generic],
    population: Floats | None = None,
) -> Floats:
    """Variance of the totals of weighted scores under a stratified design of primary sampling units.

    Within a stratum h the variance is (1 − n_h / N_h) n_h / (n_h − 1) Σ (z_i − z̄_h)², with z_i the sum of a unit's scores. A
    stratum with a single unit is centred at the mean of all units, which errs on the side of too much.

    Parameters
    ----------
    scores : numpy.ndarray
        Weighted scores, shape (n, k): one row per unit, one column per estimate.
    stratum, psu : numpy.ndarray
        Shape (n,): stratum, and primary sampling unit within it.
    population : numpy.ndarray, optional
        Shape (n,): primary sampling units in the population of the stratum; infinite: no correction. None: nowhere.

    Returns
    -------
    numpy.ndarray
        Shape (k,).

    Notes
    -----
    Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, section 5.5; computed by ``svy``.

    Examples
    --------
    Three of six drawn: (1 − 3/6) · 3/2 · ((1 − 2)² + (2 − 2)² + (3 − 2)²) = 1.5.

    >>> total_variance(np.array([[1.0], [2.0], [3.0]]), stratum=np.zeros(3), psu=np.arange(3), population=np.full(3, 6.0))
    array([1.5])
    """
    columns = [f"score_{j}" for j in range(scores.shape[1])]
    strata = np.unique(stratum, return_inverse=True)[1]
    units = np.unique(np.column_stack([strata, np.unique(psu, return_inverse=True)[1]]), axis=0, return_inverse=True)[1]
    rows = pl.DataFrame({"stratum": strata, "psu": units.ravel(), "weight": np.ones(len(strata))}).with_columns(
        pl.Series(name, scores[:, j]) for j, name in enumerate(columns)
    )
    has_correction = population is not None and bool(np.isfinite(population).any())
    if has_correction and population is not None:
        rows = rows.with_columns(pl.Series("population", np.where(np.isfinite(population), population, 1e15)))
    design = SvyDesign(
        stratum="stratum",
        psu="psu",
        wgt="weight",
        pop_size="population" if has_correction else None,
        singleton="center",
    )
    found: Any = SvySample(rows, design).estimation.total(columns)
    return np.array([estimate.estimates[0].se for estimate in found]) ** 2
