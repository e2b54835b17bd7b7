"""What an estimate would be if those who did not answer were less satisfied than comparable ones who did, by how much one likes.

The pattern-mixture model of a mean: who answered has mean θ̂; who did not has what comparable respondents have, less delta.
With φ the weighted share that did not answer

    θ(delta) = θ̂ − φ · delta.

Nothing in the answers tells delta: it is fixed beforehand (Little 1993).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import t as student

from kam.errors import EmptyDataError
from kam.survey.design import Design, Each
from kam.survey.linearization import linearize
from kam.survey.nps import net

Floats = npt.NDArray[np.float64]

STEP = 0.05
"""Points between two deltas of the table."""
FARTHEST = 2.0
"""Tipping points are looked for up to here, in points."""
_ANYWHERE = (-np.inf, np.inf)


@dataclass(frozen=True, eq=False, kw_only=True)
class Measure:
    """What is estimated, and what it becomes where answers are lower.

    Attributes
    ----------
    name : str
        ``mean``, ``share satisfied`` or ``NPS``.
    values : numpy.ndarray
        Shape (respondents,): what a respondent adds to the measure; missing: not answered.
    lowered : numpy.ndarray
        Shape (respondents, deltas): the same where the answer is lower by each delta.
    limits : tuple of float
        The least and the most that the measure can be.
    """

    name: str
    values: Floats
    lowered: Floats
    limits: tuple[float, float] = _ANYWHERE


@dataclass(frozen=True, eq=False, kw_only=True)
class Silence:
    """Who did not answer, among all who were drawn.

    Attributes
    ----------
    share : float
        φ: weighted share of who did not.
    parts : numpy.ndarray or None
        Shape (units of the design,): share of each drawn unit in the weighted whole. None: the design holds only who answered;
        the share is then taken as known.
    """

    share: float
    parts: Floats | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Shifted:
    """A measure at each delta; arrays of shape (deltas,). It cannot lie outside the limits."""

    deltas: Floats
    estimate: Floats
    std_error: Floats
    df: int
    n_respondents: int
    n_accounts: int
    limits: tuple[float, float] = _ANYWHERE


def deltas_up_to(largest: float) -> Floats:
    """Deltas from 0 by :data:`STEP` to the farthest at which tipping is looked for, the largest of the table among them.

    Examples
    --------
    >>> deltas_up_to(0.12)[:4].tolist()
    [0.0, 0.05, 0.1, 0.12]
    """
    steps = np.arange(0.0, max(FARTHEST, largest) + STEP / 2, STEP)
    return np.unique(np.append(steps, largest).round(9))


def measures(
    rows: pd.DataFrame,
    outcome: str,
    *,
    deltas: Floats,
    five_levels: bool,
    opinion_only: bool,
    limits: tuple[float, float] = _ANYWHERE,
) -> list[Measure]:
    """The measures that can be shifted: the mean of the outcome, and what follows for the share satisfied and the NPS.

    - ``mean``: the mean is delta lower.
    - ``share satisfied`` (4 or 5 of five levels): answers are lower by delta on average, in whole levels. With delta = 0.3 three
      in ten comparable answers are one level lower: of those who say 4, three in ten no longer are satisfied.
    - ``NPS`` (where ``recommend`` was asked): the recommendation is lower by delta times the points of it that go with one point
      of the outcome among those who answered (:func:`points_of_recommendation`), again in whole points.

    Parameters
    ----------
    rows : pandas.DataFrame
        Answers of one wave.
    outcome : str
        Column of the mean.
    deltas : numpy.ndarray
        Points of the outcome.
    five_levels : bool
        Whether the outcome is on 1 to 5.
    opinion_only : bool
        Whether a 3 is no answer.
    limits : tuple of float
        The lowest and the highest answer.
    """
    y = rows[outcome].to_numpy(dtype=np.float64)
    if opinion_only:
        y = np.where(y == 3, np.nan, y)
    made = [Measure(name="mean", values=y, lowered=y[:, None] - deltas, limits=limits)]
    if five_levels:
        made.append(
            _in_whole_levels("share satisfied", y, deltas, (0, 1), lambda level: (level >= 4).astype(np.float64))
        )
    slope = points_of_recommendation(rows, outcome)
    if slope is not None and not opinion_only:
        score = rows["recommend"].to_numpy(dtype=np.float64)
        made.append(_in_whole_levels("NPS", score, deltas * slope, (-100, 100), lambda points: 100.0 * net(points)))
    return made


def points_of_recommendation(rows: pd.DataFrame, outcome: str) -> float | None:
    """Points of ``recommend`` that go with one point of the outcome, by least squares; None: not asked, or no such line.

    Examples
    --------
    >>> points_of_recommendation(pd.DataFrame({"overall": [2, 3, 4], "recommend": [4, 6, 8]}), "overall")
    2.0
    """
    if outcome == "recommend" or "recommend" not in rows.columns:
        return None
    both = rows[[outcome, "recommend"]].dropna().to_numpy(dtype=np.float64)
    if len(both) < 3 or np.ptp(both[:, 0]) == 0:
        return None
    slope = float(np.polyfit(both[:, 0], both[:, 1], 1)[0])
    return round(slope, 12) if slope > 0 else None


def share_silent(design: Design, silent: pd.DataFrame, each: Each) -> Silence:
    """The weighted share that did not answer.

    Parameters
    ----------
    design : Design
        Of one wave.
    silent : pandas.DataFrame
        The drawn accounts that did not answer: ``base_weight, revenue``. Used where the design holds only who answered.
    each : {"account", "revenue"}
        What counts alike.

    Raises
    ------
    EmptyDataError
        Nothing was drawn that counts.
    """
    units = design.units
    size = units["base_weight"].to_numpy(dtype=np.float64) * _counted(units, each)
    out = ~units["answered"].to_numpy(dtype=bool)
    is_known = out.any() or silent.empty
    of_silent = (
        silent["base_weight"].to_numpy(dtype=np.float64) * _counted(silent, each) if not is_known else np.zeros(1)
    )
    total = float(size.sum()) + float(of_silent.sum())
    if not total > 0:
        raise EmptyDataError("No account that was drawn counts.", hint="Check the revenue of the accounts.")
    if is_known:
        return Silence(share=float((size / total)[out].sum()), parts=size / total)
    return Silence(share=float(of_silent.sum()) / total, parts=None)


def shift(design: Design, measure: Measure, silence: Silence, deltas: Floats, *, each: Each) -> Shifted:
    """The measure at each delta, with its standard error.

    θ(delta) = Σ w s (g − φ h) / Σ w s, with g what a respondent adds, and h by how much less if the answer is lower by delta. To
    first order an error of θ(delta) is one of g − φ h, as of any weighted mean (:class:`Design`), less the mean of h times one of
    φ = Σ d s m / Σ d s over all who were drawn (m: did not answer), which is known once they are drawn and asked.

    Parameters
    ----------
    design : Design
        Of one wave.
    measure : Measure
    silence : Silence
        From :func:`share_silent`, with the same ``each``.
    deltas : numpy.ndarray
        As in the measure.
    each : {"account", "revenue"}
        What counts alike.

    Returns
    -------
    Shifted
    """
    drops = measure.values[:, None] - measure.lowered
    mixed = linearize(design, measure.values[:, None] - silence.share * drops, each=each)
    drawn, answering = design.two_phases(mixed.scores)
    if silence.parts is not None:  # the share that did not answer has an error, too
        lost = silence.parts[:, None] * linearize(design, drops, each=each).estimate
        counts = design.units["weight"].to_numpy(dtype=np.float64) > 0
        out = ~design.units["answered"].to_numpy(dtype=bool)
        drawn = drawn - (out - silence.share)[:, None] * lost
        answering = answering + np.where(counts[:, None], lost, 0.0)
    return Shifted(
        deltas=deltas,
        estimate=mixed.estimate,
        std_error=np.sqrt(design.variance_of_phases(drawn, answering, mixed.within)),
        df=design.df,
        n_respondents=int(mixed.n_respondents[0]),
        n_accounts=int(mixed.n_accounts[0]),
        limits=measure.limits,
    )


def half_width(shifted: Shifted, level: float) -> Floats:
    """Half the interval at each delta: t with the design's degrees of freedom."""
    return np.asarray(student.ppf((1 + level) / 2, shifted.df) * shifted.std_error)


def interval_of(shifted: Shifted, level: float) -> tuple[Floats, Floats]:
    """The interval at each delta, within the limits of the measure."""
    half = half_width(shifted, level)
    return np.clip(shifted.estimate - half, *shifted.limits), np.clip(shifted.estimate + half, *shifted.limits)


def first_at_or_below(deltas: Floats, values: Floats, limit: float) -> float | None:
    """The first delta at which values, linear between the deltas, are at or below a limit; None: not within reach.

    Examples
    --------
    >>> first_at_or_below(np.array([0.0, 0.5, 1.0]), np.array([4.0, 3.6, 3.2]), 3.5)
    0.625
    """
    below = np.flatnonzero(values <= limit)
    if not below.size:
        return None
    j = int(below[0])
    if j == 0:
        return float(deltas[0])
    share = (values[j - 1] - limit) / (values[j - 1] - values[j])
    return round(float(deltas[j - 1] + share * (deltas[j] - deltas[j - 1])), 9)


# -- inside ----------------------------------------------------------------------------------------------------------


def _in_whole_levels(
    name: str, answers: Floats, drops: Floats, limits: tuple[float, float], value: Callable[[Floats], Floats]
) -> Measure:
    """Answers lowered by whole levels, so many that the mean drop is as asked: the value between two whole drops is between."""
    base = np.floor(drops + 1e-9)
    part = drops - base
    lowered = np.column_stack(
        [
            (1 - p) * value(answers - b) + (p * value(answers - b - 1) if p > 1e-9 else 0.0)
            for b, p in zip(base, part, strict=True)
        ]
    )
    missing = np.isnan(answers)
    return Measure(
        name=name,
        values=np.where(missing, np.nan, value(answers)),
        lowered=np.where(missing[:, None], np.nan, lowered),
        limits=limits,
    )


def _counted(units: pd.DataFrame, each: Each) -> Floats:
    if each == "revenue":
        return np.maximum(units["revenue"].fillna(0.0).to_numpy(dtype=np.float64), 0.0)
    return np.ones(len(units))
