"""Early against late answers: do those who had to be waited for say something else?

Who answers late is taken to be more like who does not answer (continuum of resistance: Lin & Schaeffer 1995). That is a
hint at most: the silent may be like neither.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.survey.design import Design
from kam.survey.fact_effects import Effect, effect_beside, fact_matrix
from kam.survey.intervals import t_interval

Floats = npt.NDArray[np.float64]

PARTS = ("early", "late", "late less early")
DAYS = 10
"""The trend is per so many days."""


def compare_early_late(designs: Mapping[str, Design], outcome: str, *, level: float) -> pd.DataFrame:
    """Means of who answered in the first and in the second half of each wave's answers, by day, and their difference.

    Days up to the median day of the answers are early; those of the median day itself therefore are. The difference has the
    variance of the design, in which both halves are domains.

    Parameters
    ----------
    designs : mapping of str to Design
        By wave.
    outcome : str
        Column of the answers.
    level : float
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        Three rows per wave whose days are known: ``wave``; ``part`` (:data:`PARTS`); ``n_respondents, n_accounts``; ``estimate,
        ci_low, ci_high``, points.
    """
    rows = []
    for wave, design in designs.items():
        days = days_of(design)
        if days is None:
            continue
        y = design.responses.rows[outcome].to_numpy(dtype=np.float64)
        has = ~np.isnan(y) & ~np.isnan(days)
        early = has & (days <= np.median(days[has])) if has.any() else has
        late = has & ~early
        if not (early.any() and late.any()):
            continue
        first, last = design.mean(y, where=early), design.mean(y, where=late)
        scores = np.column_stack([first.scores, last.scores, last.scores - first.scores])
        within = np.column_stack([first.within, last.within, first.within + last.within])
        estimates = (first.estimate, last.estimate, last.estimate - first.estimate)
        low, high = t_interval(estimates, design.variance_of(scores, within), df=design.df, level=level)
        counts = (
            (first.n_respondents, first.n_accounts),
            (last.n_respondents, last.n_accounts),
            (int(has.sum()), len(np.unique(design.unit_of[has]))),
        )
        for part, n, *found in zip(PARTS, counts, estimates, low, high, strict=True):
            rows.append((wave, part, *n, *found))
    columns = ["wave", "part", "n_respondents", "n_accounts", "estimate", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=columns).astype({"n_respondents": "int64", "n_accounts": "int64"})


def trend_of_answers(
    designs: Mapping[str, Design], outcome: str, frame: pd.DataFrame, *, level: float, beside_facts: bool
) -> Effect | None:
    """Points by which answers differ per ten more days until they came, all waves together.

    Parameters
    ----------
    designs : mapping of str to Design
        By wave.
    outcome : str
        Column of the answers.
    frame : pandas.DataFrame
        One row per wave and account: ``wave, customer_id`` and facts.
    level : float
        Of the interval.
    beside_facts : bool
        Whether accounts alike in the facts are compared: who is large may answer sooner and be more satisfied.

    Returns
    -------
    Effect or None
        None: days are not known, or too few accounts answered.
    """
    parts = []
    for wave, design in designs.items():
        days = days_of(design)
        if days is None:
            continue
        rows = design.responses.rows
        unit_weight = design.units["weight"].to_numpy(dtype=np.float64)[design.unit_of]
        y = rows[outcome].to_numpy(dtype=np.float64)
        has = ~np.isnan(y) & ~np.isnan(days)
        counted = unit_weight * design.shares_of_answers(has, "account")
        part = pd.DataFrame({"wave": wave, "customer_id": rows["customer_id"], "y": y, "days": days, "weight": counted})
        parts.append(part[has & (counted > 0)])
    if not parts:
        return None
    table = pd.concat(parts, ignore_index=True).merge(frame, on=["wave", "customer_id"], how="left", suffixes=("", "_"))
    facts = facts_and_waves(table, beside_facts=beside_facts)
    return effect_beside(
        table["y"].to_numpy(),
        table["days"].to_numpy() / DAYS,
        facts,
        weights=table["weight"].to_numpy(),
        clusters=table["customer_id"].to_numpy(dtype=object).astype(str),
        level=level,
    )


def days_of(design: Design) -> Floats | None:
    """Shape (respondents,): days from the first answer of the wave; None: not known."""
    rows = design.responses.rows
    if "answered_on" not in rows.columns or rows["answered_on"].isna().all():
        return None
    waited = rows["answered_on"] - rows["answered_on"].min()
    return np.asarray(waited / np.timedelta64(1, "D"), dtype=np.float64)


def facts_and_waves(table: pd.DataFrame, *, beside_facts: bool, without: tuple[str, ...] = ()) -> Floats:
    """Indicators of the waves and, if wanted, the facts, as columns of a regression."""
    waves = pd.get_dummies(table["wave"], drop_first=True).to_numpy(dtype=np.float64)
    if not beside_facts:
        return waves
    return np.column_stack([waves, fact_matrix(table, without=without)])
