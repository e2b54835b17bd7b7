"""How much less satisfied the silent would have to be for a conclusion to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import t as student

from kam.survey.delta_adjustment import Shifted, first_at_or_below, half_width, interval_of
from kam.survey.suppression import few_accounts, few_answers
from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Key = tuple[str, str, str, str]
"""Wave, reading of level 3, what counts alike, measure."""


def tipping_points(
    say: Wording,
    shifted: Mapping[Key, Shifted],
    *,
    waves: Sequence[str],
    threshold: float | None,
    largest_delta: float,
    min_n: int,
    level: float,
) -> pd.DataFrame:
    """Each conclusion that lower answers of the silent could change, and the delta from which they do.

    Conclusions are: the mean is above the threshold, more than half are satisfied, promoters outnumber detractors, and the
    rise or fall of the mean from one wave to the next. A rise is put in question where the silent of the later wave alone are
    lower (the harder test), or those of both waves; a fall where those of the earlier are. A change that is not beyond chance is
    neither a rise nor a fall and says so, without a delta. Of what fewer than ``min_n`` answered nothing is concluded. Waves are
    taken as independent, which makes the interval of a change too wide rather than too narrow where the same accounts answer.

    Parameters
    ----------
    say : Wording
    shifted : mapping
        Measures at each delta.
    waves : sequence of str
        Earliest first.
    threshold : float or None
        Of the mean; None: none.
    largest_delta : float
        The largest delta thought possible.
    min_n : int
        Where fewer answered, or fewer accounts, nothing is concluded.
    level : float
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row per conclusion and whose silent are lower: ``level_3, each, term, wave``; ``conclusion``; ``lower_in``;
        ``estimate, ci_low, ci_high`` of what it is about, at delta 0; ``is_sure``, it then holds beyond chance;
        ``delta_unsure``, from which it no longer does (missing: it never did, or not within 2 points); ``delta_turned``, from
        which the estimate itself says otherwise (missing: not within 2 points); ``tips``, either happens at a delta thought
        possible; ``why`` nothing is concluded (else empty): the conclusion is then the question, without a number.
    """
    rows: list[tuple[object, ...]] = []
    for (wave, level_3, each, term), found in shifted.items():
        limit = {"mean": threshold, "share satisfied": 0.5, "NPS": 0.0}[term]
        made = [] if limit is None else _levels(say, term, found, limit, largest_delta, min_n, level)
        place = list(waves).index(wave)
        earlier = shifted.get((waves[place - 1], level_3, each, term)) if place else None
        if term == "mean" and earlier is not None:
            made += _changes(say, earlier, found, waves[place - 1], wave, largest_delta, min_n, level)
        rows += [(level_3, each, term, wave, *row) for row in made]
    columns = (
        *("level_3", "each", "term", "wave", "conclusion", "lower_in", "estimate", "ci_low", "ci_high", "is_sure"),
        *("delta_unsure", "delta_turned", "tips", "why"),
    )
    table = pd.DataFrame(rows, columns=columns)
    return table.astype(dict.fromkeys(columns[6:9] + columns[10:12], "float64") | {"is_sure": "bool", "tips": "bool"})


# -- inside ----------------------------------------------------------------------------------------------------------


_NOTHING = (None, None, None, False, None, None, False)


def _too_few(say: Wording, found: Shifted, min_n: int) -> str:
    """Why nothing is concluded; empty: enough answered."""
    if found.n_respondents < min_n:
        return few_answers(say, min_n)
    return few_accounts(say, min_n) if found.n_accounts < min_n else ""


def _levels(
    say: Wording, term: str, found: Shifted, limit: float, largest: float, min_n: int, level: float
) -> list[tuple[object, ...]]:
    here, why = say.sentence("this wave"), _too_few(say, found, min_n)
    conclusion, question = _above(say, term, limit)
    if why:
        return [(question, here, *_NOTHING, why)]
    if found.estimate[0] <= limit:
        return []
    size, _, _, *tip = _tip(found.deltas, found.estimate, half_width(found, level), limit, largest, sign=1.0)
    low, high = interval_of(found, level)
    return [(conclusion, here, size, float(low[0]), float(high[0]), *tip, "")]


def _changes(
    say: Wording, earlier: Shifted, later: Shifted, then: str, now: str, largest: float, min_n: int, level: float
) -> list[tuple[object, ...]]:
    why = _too_few(say, earlier, min_n) or _too_few(say, later, min_n)
    if why:
        question = say.sentence("how the mean changed from {then} to {now}", then=then, now=now)
        return [(question, say.sentence("neither wave"), *_NOTHING, why)]
    change = float(later.estimate[0] - earlier.estimate[0])
    sign = 1.0 if change > 0 else -1.0
    moved = later if sign > 0 else earlier
    words = say.sentence("the mean rose from {then} to {now}", then=then, now=now)
    if sign < 0:
        words = say.sentence("the mean fell from {then} to {now}", then=then, now=now)
    t = float(student.ppf((1 + level) / 2, earlier.df + later.df))
    still = earlier if sign > 0 else later
    alone = moved.estimate - still.estimate[0]
    alone_half = t * np.hypot(moved.std_error, still.std_error[0])
    both = sign * (later.estimate - earlier.estimate)
    both_half = t * np.hypot(later.std_error, earlier.std_error)
    change_half = float(both_half[0])
    if abs(change) <= change_half:
        words = say.sentence("the mean did not change beyond chance from {then} to {now}", then=then, now=now)
        ends = (change, change - change_half, change + change_half)
        return [(words, say.sentence("neither wave"), *ends, False, None, None, False, "")]
    scenarios = (
        (say.sentence("{wave} alone", wave=now if sign > 0 else then), alone, alone_half),
        (say.sentence("both waves"), both, both_half),
    )
    return [(words, who, *_tip(later.deltas, size, half, 0.0, largest, sign=sign), "") for who, size, half in scenarios]


def _tip(
    deltas: Floats, size: Floats, half: Floats, limit: float, largest: float, *, sign: float
) -> tuple[float, float, float, bool, float | None, float | None, bool]:
    """Estimate, interval, whether it is sure, the two deltas, whether one is possible; ``sign`` −1: size is of a fall."""
    ends = sorted((sign * (size[0] - half[0]), sign * (size[0] + half[0])))
    is_sure = bool(size[0] - half[0] > limit)
    unsure = first_at_or_below(deltas, size - half, limit) if is_sure else None
    turned = first_at_or_below(deltas, size, limit)
    tips = any(delta is not None and delta <= largest + 1e-9 for delta in (unsure, turned))
    return float(sign * size[0]), float(ends[0]), float(ends[1]), is_sure, unsure, turned, tips


def _above(say: Wording, term: str, limit: float) -> tuple[str, str]:
    """What is concluded, and as a question."""
    if term == "mean":
        shown = say.number(limit, 1)
        return (
            say.sentence("the mean is above {limit}", limit=shown),
            say.sentence("whether the mean is above {limit}", limit=shown),
        )
    if term == "NPS":
        return say.sentence("promoters outnumber detractors"), say.sentence("whether promoters outnumber detractors")
    return say.sentence("more than half are satisfied"), say.sentence("whether more than half are satisfied")
