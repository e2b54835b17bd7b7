"""Variances of design-based totals by Taylor linearization, and raking of weights: the one place that talks to ``svy``.

An estimate that is a smooth function of weighted totals has, to first order, the error of one total: that of its scores (its
linearized values). So all that a survey analysis asks of the library for its variances is that of totals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
from svy import Design as SvyDesign
from svy import PopSize, SvyError
from svy import Sample as SvySample

from kam.errors import NotConvergedError

Floats = npt.NDArray[np.float64]


def total_variance(
    scores: Floats,
    *,
    stratum: npt.NDArray[np.generic],
    psu: npt.NDArray[np.generic],
    population: Floats | None = None,
    ssu: npt.NDArray[np.generic] | None = None,
    population_in_psu: Floats | None = None,
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

    ssu : numpy.ndarray, optional
        Shape (n,): secondary sampling unit within the primary one, where there are two stages.
    population_in_psu : numpy.ndarray, optional
        Shape (n,): secondary units in the population of the primary one; given with `population` and `ssu`.

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
    strata, units = _number(stratum), _number(stratum, psu)
    rows = pl.DataFrame({"stratum": strata, "psu": units, "weight": np.ones(len(strata))}).with_columns(
        pl.Series(name, scores[:, j]) for j, name in enumerate(columns)
    )
    size: str | PopSize | None = None
    if population is not None and bool(np.isfinite(population).any()):
        rows = rows.with_columns(pl.Series("population", np.where(np.isfinite(population), population, 1e15)))
        size = "population"
        if ssu is not None and population_in_psu is not None:
            rows = rows.with_columns(
                pl.Series("ssu", _number(stratum, psu, ssu)), pl.Series("population_in_psu", population_in_psu)
            )
            size = PopSize(psu="population", ssu="population_in_psu")
    second = "ssu" if isinstance(size, PopSize) else None
    design = SvyDesign(stratum="stratum", psu="psu", ssu=second, wgt="weight", pop_size=size, singleton="center")
    found: Any = SvySample(rows, design).estimation.total(columns)
    return np.array([estimate.estimates[0].se for estimate in found]) ** 2


def rake_weights(weights: Floats, cells: pd.DataFrame, totals: Mapping[str, Mapping[str, float]]) -> Floats:
    """Weights that reproduce known totals of every margin: post-stratification with one margin, raking with several.

    Parameters
    ----------
    weights : numpy.ndarray
        Shape (n,), above 0.
    cells : pandas.DataFrame
        Shape (n, margins): the level of each row in each margin, as text.
    totals : mapping of str to mapping of str to float
        By margin and level; every level of ``cells`` and no other, and the same sum in all margins.

    Returns
    -------
    numpy.ndarray
        Shape (n,).

    Raises
    ------
    NotConvergedError
        No weights meet all margins.

    Notes
    -----
    Deming & Stephan (1940), Annals of Mathematical Statistics 11; computed by ``svy``.

    Examples
    --------
    >>> cells = pd.DataFrame({"region": ["north", "north", "south"]})
    >>> rake_weights(np.ones(3), cells, {"region": {"north": 10, "south": 6}})
    array([5., 5., 6.])
    """
    rows = pl.DataFrame({name: cells[name].astype("str").tolist() for name in totals} | {"weight": weights})
    sample = SvySample(rows, SvyDesign(wgt="weight"))
    controls: Any = {name: {level: float(x) for level, x in margin.items()} for name, margin in totals.items()}
    try:
        if len(controls) == 1:
            name = next(iter(controls))
            raked: Any = sample.weighting.poststratify(controls[name], cells=name, wgt_name="raked")
        else:
            raked = sample.weighting.rake(controls=controls, tol=1e-10, max_iter=1000, wgt_name="raked")
    except SvyError as error:
        raise NotConvergedError(
            f"No weights meet the margins {', '.join(controls)} together.",
            where="margins",
            hint="Join levels in which few answered, or leave a margin out.",
        ) from error
    return np.asarray(raked.data["raked"].to_numpy(), dtype=np.float64)


def _number(*names: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Number the combinations of names from 0 on; shape (n,)."""
    numbers = np.column_stack([np.unique(each, return_inverse=True)[1] for each in names])
    return np.asarray(np.unique(numbers, axis=0, return_inverse=True)[1].ravel(), dtype=np.int64)
