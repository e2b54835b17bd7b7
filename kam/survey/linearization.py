"""Many weighted means at once, with their scores: what :meth:`Design.mean` gives for one, for columns of a matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from kam.errors import ParameterError
from kam.survey.design import Design, Each, one_phase_designs
from kam.survey.responses import Responses

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_CELLS = 2_000_000  # numbers in one matrix at a time
_AT_ONCE = 128  # variances in one call: the library's time grows with the square of their number


@dataclass(frozen=True, eq=False, kw_only=True)
class Linearizations:
    """Weighted means with their scores, one per column.

    Attributes
    ----------
    estimate, spread : numpy.ndarray
        Shape (k,): the mean, and the weighted mean square of the answers about it; missing where nobody in the domain counts.
    scores, within : numpy.ndarray
        Shape (units, k): as in :class:`kam.survey.Linearized`.
    n_respondents, n_accounts : numpy.ndarray
        Shape (k,): answers, and accounts with one.
    n_kish : numpy.ndarray
        Shape (k,): (Σ weights)² / Σ weights² over the accounts.
    df : numpy.ndarray
        Shape (k,): primary sampling units in the domain less strata; where each stratum has but one, the strata are taken
        together, and it is the units less one.
    """

    estimate: Floats
    spread: Floats
    scores: Floats
    within: Floats
    n_respondents: Ints
    n_accounts: Ints
    n_kish: Floats
    df: Ints


def linearize(design: Design, values: Floats, *, each: Each) -> Linearizations:
    """Weighted means of the columns of a matrix of answers, with their scores.

    Parameters
    ----------
    design : Design
        One wave.
    values : numpy.ndarray
        Shape (respondents, k), in the order of ``design.responses.rows``; missing: not answered, or not in the domain.
    each : {"account", "revenue", "respondent"}
        What counts alike.

    Returns
    -------
    Linearizations

    Raises
    ------
    MissingColumnError
        Revenue is to count, and is not known.
    """
    m, k = values.shape
    unit_of, n = design.unit_of, len(design.units)
    total_by_unit = csr_array((np.ones(m), (unit_of, np.arange(m))), shape=(n, m))
    base = design.shares_of_answers(np.ones(m, dtype=bool), each)
    step = max(_CELLS // max(m, 1), 1)
    parts = [
        _linearize_some(design, values[:, start : start + step], base, unit_of, total_by_unit, each)
        for start in range(0, max(k, 1), step)
    ]
    return Linearizations(
        **{
            name: np.concatenate([getattr(part, name) for part in parts], axis=-1)
            for name in Linearizations.__dataclass_fields__
        }
    )


def variances(design: Design, found: Linearizations) -> Floats:
    """Variance of each of many estimates; shape (k,); of no use where the estimate is missing."""
    k = found.scores.shape[1]
    parts = [
        design.variance_of(
            np.nan_to_num(found.scores[:, start : start + _AT_ONCE]),
            np.nan_to_num(found.within[:, start : start + _AT_ONCE]),
        )
        for start in range(0, k, _AT_ONCE)
    ]
    return np.concatenate(parts)


def account_means(design: Design, values: Floats) -> Floats:
    """Mean answer of each unit of a design, its people by their own weights; shape (units, k); missing where nobody answered."""
    m, n = len(values), len(design.units)
    total_by_unit = csr_array((np.ones(m), (design.unit_of, np.arange(m))), shape=(n, m))
    own = design.responses.rows["weight"].to_numpy(dtype=np.float64)[:, None] * ~np.isnan(values)
    there = total_by_unit @ own
    return np.asarray((total_by_unit @ (own * np.nan_to_num(values))) / np.where(there > 0, there, np.nan))


def match_answers(responses: Responses, design: Design) -> pd.DataFrame:
    """The rows of a wave's responses in the order of a design's, so that both may read level 3 in their own way."""
    wave = design.responses.rows["wave"].iloc[0]
    rows = responses.rows[responses.rows["wave"] == wave].set_index("respondent_id")
    return rows.reindex(design.responses.rows["respondent_id"]).reset_index()


def require_designs(responses: Responses, designs: Mapping[str, Design] | None) -> dict[str, Design]:
    """The design of each wave, earliest first; those of who answered where none are given.

    Raises
    ------
    ParameterError
        A wave has no design.
    """
    if designs is None:
        return one_phase_designs(responses)
    without = [wave for wave in responses.waves if wave not in designs]
    if without:
        raise ParameterError(
            f"There is no design for wave {without[0]!r}.",
            where="designs",
            hint=f"Give one for each of {', '.join(responses.waves)}.",
        )
    return {wave: designs[wave] for wave in responses.waves}


# -- inside ----------------------------------------------------------------------------------------------------------


def _linearize_some(
    design: Design, values: Floats, base: Floats, unit_of: Ints, total_by_unit: csr_array, each: Each
) -> Linearizations:
    has = ~np.isnan(values)
    shares = base[:, None] * has
    if each != "respondent":  # the people of an account who answered this share what all of its people had
        there = total_by_unit @ shares
        whole = (total_by_unit @ base)[:, None]
        shares *= np.divide(whole, there, out=np.zeros_like(there), where=there > 0)[unit_of]
    w = design.units["weight"].to_numpy(dtype=np.float64)
    counted = w[unit_of][:, None] * shares
    total = counted.sum(axis=0)
    total = np.where(total > 0, total, np.nan)
    y = np.where(has, values, 0.0)
    estimate = (counted * y).sum(axis=0) / total
    residual = np.where(has, (y - estimate) / total, 0.0)
    answered = total_by_unit @ has.astype(np.float64)
    size = (total_by_unit @ shares) * w[:, None]
    return Linearizations(
        estimate=estimate,
        spread=(counted * residual**2).sum(axis=0) * total,
        scores=total_by_unit @ (shares * residual),
        within=_within(design, shares, residual, has, answered, unit_of, total_by_unit),
        n_respondents=has.sum(axis=0).astype(np.int64),
        n_accounts=(answered > 0).sum(axis=0).astype(np.int64),
        n_kish=size.sum(axis=0) ** 2 / np.where(total > 0, (size**2).sum(axis=0), np.nan),
        df=_degrees_of_freedom(design, answered > 0),
    )


def _within(
    design: Design,
    shares: Floats,
    residual: Floats,
    has: npt.NDArray[np.bool_],
    asked: Floats,
    unit_of: Ints,
    total_by_unit: csr_array,
) -> Floats:
    """Variance of each unit's score from having asked m of its M people: (1 − m / M) times the pooled variance of one."""
    people = design.units["n_people"].to_numpy(dtype=np.float64)[:, None]
    if not (people > 0).any():
        return np.zeros_like(asked)
    unasked = np.nan_to_num(np.clip(1 - asked / np.where(people > 0, people, np.nan), 0.0, 1.0), nan=0.0)
    mean = (total_by_unit @ residual) / np.maximum(asked, 1)
    deviation = np.where(has, residual - mean[unit_of], 0.0)
    several = asked[unit_of] > 1
    df = np.where(asked > 1, asked - 1, 0.0).sum(axis=0)
    squares = (np.where(several, deviation, 0.0) ** 2).sum(axis=0)
    pooled = np.divide(squares, df, out=np.zeros_like(df), where=df > 0)
    return np.asarray((total_by_unit @ shares**2) * unasked * pooled)


def _degrees_of_freedom(design: Design, there: npt.NDArray[np.bool_]) -> Ints:
    strata, psus = stratum_and_psu(design)
    n_psus = (_any_by(psus, there)).sum(axis=0)
    n_strata = (_any_by(strata, there)).sum(axis=0)
    return np.where(n_psus > n_strata, n_psus - n_strata, np.maximum(n_psus - 1, 0)).astype(np.int64)


def stratum_and_psu(design: Design) -> tuple[Ints, Ints]:
    """Codes of the strata, and of the primary sampling units within them; shape (units,) each."""
    strata = pd.factorize(design.units["stratum"])[0].astype(np.int64)
    psus = pd.factorize(design.units["psu"])[0].astype(np.int64)
    return strata, np.unique(np.column_stack([strata, psus]), axis=0, return_inverse=True)[1].ravel().astype(np.int64)


def _any_by(codes: Ints, there: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    n = len(codes)
    by_code = csr_array((np.ones(n), (codes, np.arange(n))), shape=(int(codes.max(initial=-1)) + 1, n))
    return np.asarray(by_code @ there.astype(np.float64) > 0)
