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
    one wave and in the other are as alike within a stratum as the number that answered both times says; (3) that most accounts
    are in the population of both waves: N is the larger of the two, which makes the covariance too small, and the error of a
    change too large, where many come and go.

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
    u, rest, _ = design.two_phases(scores)
    answering = design.units["weight"].to_numpy(dtype=np.float64)[:, None] * rest
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
    a, size_a = _centered(first, there, values)
    b, size_b = _centered(second, there_second, values_second)
    shared = a.index.intersection(b.index)
    if not len(shared):
        return np.zeros(values.shape[1])
    stratum = a.loc[shared, "stratum"]
    n_shared = stratum.map(stratum.value_counts()).to_numpy(dtype=np.float64)
    sizes = size_a.join(size_b.add_suffix("_second"), how="left").reindex(stratum)
    n, n_second = (sizes[name].fillna(0).to_numpy(dtype=np.float64) for name in ("n", "n_second"))
    population, population_second = (
        sizes[name].fillna(np.inf).to_numpy(dtype=np.float64) for name in ("population", "population_second")
    )
    expected = n * n_second / np.fmax(population, population_second)
    whole = (n >= population) | (n_second >= population_second)  # nothing was left to chance
    factor = np.where(whole, 0.0, 1 - expected / n_shared)
    # s₁₂ is taken about the means of all of the stratum, with the divisors of the two variances
    factor *= np.sqrt(n / np.maximum(n - 1, 1) * np.maximum(n_second, 2) / np.maximum(n_second - 1, 1))
    product = a.loc[shared].drop(columns="stratum").to_numpy() * b.loc[shared].drop(columns="stratum").to_numpy()
    return np.asarray((factor[:, None] * product).sum(axis=0))


def _centered(design: Design, there: npt.NDArray[np.bool_], values: Floats) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sums of primary sampling units less the mean of their stratum, by unit; and n and N by stratum."""
    units = design.units.loc[there, ["stratum", "psu", "n_population"]].astype({"stratum": "str", "psu": "str"})
    table = pd.DataFrame(values[there], index=units.index)
    sums = table.groupby([units["stratum"], units["psu"]]).sum()
    sums = sums - sums.groupby(level="stratum").transform("mean")
    n = sums.groupby(level="stratum").size()
    population = units.groupby("stratum")["n_population"].first().fillna(np.inf)
    sizes = pd.DataFrame({"n": n, "population": population})
    # A unit that is in two strata of a wave (it should not) is told apart by the first.
    flat = sums.reset_index(level="stratum")
    return flat[~flat.index.duplicated()], sizes
