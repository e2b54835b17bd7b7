"""Accounts that two waves share, and the covariance that they give to estimates of the two.

The answers of a wave are those of accounts that were drawn and answered. In a stratum of N units of which n₁ are in one wave,
n₂ in the other and n_c in both, totals of u₁ and u₂ have, given these numbers, the covariance

    (n_c − n₁ n₂ / N) s₁₂,

with s₁₂ the covariance of u₁ and u₂ over the units in both (Tam 1984; for more general designs Berger 2004). Waves that are drawn
and answered independently share n₁ n₂ / N units in the mean: no covariance. A panel shares n: the whole variance. In a stratum
that was drawn whole, answering alone makes the covariance, and the same accounts answering twice is what makes it.

What the facts of the ledger explain (the part d b of :mod:`kam.survey.design`) varies with who is drawn, the rest w (e − b) with
who is drawn and answers; each part has its own n.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.survey.design import Design

Floats = npt.NDArray[np.float64]


def covariance(first: Design, second: Design, scores: Floats, scores_second: Floats) -> Floats:
    """Covariance of estimates of two waves with these scores.

    Assumes (1) that the names of accounts, primary sampling units and strata mean the same in both waves; (2) that answering in
    one wave and in the other are as alike within a stratum as the number that answered both times says; (3) that all
    accounts of the smaller population are in both: n₁ n₂ / N is then with the larger N. Where many come and go there are fewer,
    the covariance is larger than this says, and the error of a change too large: it errs to the safe side.

    Parameters
    ----------
    first, second : Design
        Of the two waves.
    scores, scores_second : numpy.ndarray
        Shapes (units of the first, k) and (units of the second, k).

    Returns
    -------
    numpy.ndarray
        Shape (k,).

    References
    ----------
    Tam, S. M. (1984). On covariances from overlapping samples. The American Statistician 38(4).
    Berger, Y. G. (2004). Variance estimation for measures of change in probability sampling. Canadian Journal of Statistics
    32(4).
    """
    parts, parts_second = _two_parts(first, scores), _two_parts(second, scores_second)
    total = np.zeros(scores.shape[1])
    for (there, values), (there_second, values_second) in zip(parts, parts_second, strict=True):
        if values.any() and values_second.any():
            total += _tam(first, second, there, there_second, values, values_second)
    return total


# -- inside ----------------------------------------------------------------------------------------------------------


def _two_parts(design: Design, scores: Floats) -> list[tuple[npt.NDArray[np.bool_], Floats]]:
    """Who is in the wave, and the linearized values: of answering, w (e − b), and of drawing alone, d b."""
    u, answering = design.two_phases(scores)
    answered = design.units["answered"].to_numpy(dtype=bool)
    return [(answered, answering), (np.ones(len(answered), dtype=bool), u - answering)]


def _tam(
    first: Design,
    second: Design,
    there: npt.NDArray[np.bool_],
    there_second: npt.NDArray[np.bool_],
    values: Floats,
    values_second: Floats,
) -> Floats:
    a, b = _Units(first, there, values), _Units(second, there_second, values_second)
    _, at, at_second = np.intersect1d(a.psu, b.psu, return_indices=True)
    if not len(at):
        return np.zeros(values.shape[1])
    stratum = a.stratum[at]
    n_shared = np.bincount(stratum, minlength=len(a.n))[stratum]
    n, population = a.n[stratum], a.population[stratum]
    of_second = pd.Index(b.strata).get_indexer(pd.Index(a.strata))[stratum]
    known = of_second >= 0
    n_second = np.where(known, b.n[of_second], 0.0)
    population_second = np.where(known, b.population[of_second], np.inf)
    expected = n * n_second / np.fmax(population, population_second)
    whole = (n >= population) | (n_second >= population_second)  # nothing was left to chance
    factor = np.where(whole, 0.0, 1 - expected / n_shared)
    # s₁₂ is taken about the means of all of the stratum, with the divisors of the two variances
    factor *= np.sqrt(n / np.maximum(n - 1, 1) * np.maximum(n_second, 2) / np.maximum(n_second - 1, 1))
    return np.asarray((factor[:, None] * a.sums[at] * b.sums[at_second]).sum(axis=0))


class _Units:
    """Primary sampling units of a wave: their sums less the mean of their stratum, and n and N by stratum.

    Attributes
    ----------
    psu, stratum, sums : numpy.ndarray
        By unit, shapes (units,), (units,) and (units, k): its name, the place of its stratum in ``strata``, its centered sums.
    strata, n, population : numpy.ndarray
        By stratum: its name, units that are there, and N, infinite where it is not known.
    """

    def __init__(self, design: Design, there: npt.NDArray[np.bool_], values: Floats) -> None:
        units = design.units.loc[there]
        of_stratum, self.strata = pd.factorize(units["stratum"].astype("str").to_numpy(), sort=True)
        of_psu, names = pd.factorize(units["psu"].astype("str").to_numpy(), sort=True)
        of_unit, unit = pd.factorize(of_stratum * len(names) + of_psu, sort=True)
        sums = np.zeros((len(unit), values.shape[1]))
        np.add.at(sums, of_unit, values[there])
        stratum = unit // max(len(names), 1)
        self.n = np.bincount(stratum, minlength=len(self.strata)).astype(np.float64)
        totals = np.zeros((len(self.strata), values.shape[1]))
        np.add.at(totals, stratum, sums)
        sums -= (totals / self.n[:, None])[stratum]
        self.population = np.full(len(self.strata), np.inf)
        size = units["n_population"].to_numpy(dtype=np.float64)
        known = np.flatnonzero(~np.isnan(size))[::-1]
        self.population[of_stratum[known]] = size[known]
        # A unit that is in two strata of a wave (it should not) is told apart by the first.
        _, once = np.unique(unit % max(len(names), 1), return_index=True)
        self.psu, self.stratum, self.sums = names[unit[once] % max(len(names), 1)], stratum[once], sums[once]
