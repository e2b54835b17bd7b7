"""Every measure of every wave at each delta, and the bands: how it could be read, whatever the silent think within a range."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import EmptyDataError
from kam.survey.delta_adjustment import Shifted, half_width, measures, share_silent, shift
from kam.survey.design import Design, Each
from kam.survey.responses import SCORES, Responses
from kam.survey.tipping import Key

Floats = npt.NDArray[np.float64]

NEUTRAL, NO_OPINION = "neutral", "no opinion"
_COUNTED: tuple[Each, ...] = ("account", "revenue")


def shift_all(
    responses: Responses,
    designs: Mapping[str, Design],
    drawn: pd.DataFrame,
    outcome: str,
    deltas: Floats,
    largest: float,
    level: float,
) -> tuple[dict[Key, Shifted], pd.DataFrame]:
    """Every measure of every wave at each delta, and the bands."""
    five = limits_of(responses, outcome) == (1.0, 5.0)
    readings = [NEUTRAL, NO_OPINION] if five else [NEUTRAL]
    if five and responses.level_3 == "no_opinion":
        readings = [NO_OPINION]
    at = int(np.flatnonzero(np.isclose(deltas, largest))[0])
    shifted: dict[Key, Shifted] = {}
    rows = []
    for wave, design in designs.items():
        silent = drawn[(drawn["wave"] == wave) & ~drawn["answered"]]
        answers = design.responses.rows
        if answers[outcome].isna().all():
            raise EmptyDataError(f"Nobody answered {outcome!r} in wave {wave}.", hint="Take another outcome.")
        for each in _COUNTED:
            if each == "revenue" and "revenue" not in design.units.columns:
                continue
            quiet = share_silent(design, silent, each)
            for level_3 in readings:
                for measure in measures(
                    answers, outcome, deltas=deltas, five_levels=five, opinion_only=level_3 == NO_OPINION
                ):
                    if np.isnan(measure.values).all():
                        continue
                    found = shift(design, measure, quiet, deltas, each=each)
                    half = half_width(found, level)
                    shifted[(wave, level_3, each, measure.name)] = found
                    low, high = found.estimate - half, found.estimate + half
                    rows.append(
                        (
                            *(wave, level_3, each, measure.name, found.n_accounts, found.n_respondents, len(silent)),
                            *(quiet.share, found.estimate[0], low[0], high[0]),
                            *(low[: at + 1].min(), high[: at + 1].max()),
                        )
                    )
    columns = (
        *("wave", "level_3", "each", "term", "n_accounts", "n_respondents", "n_unanswered", "share_silent"),
        *("estimate", "ci_low", "ci_high", "band_low", "band_high"),
    )
    return shifted, pd.DataFrame(rows, columns=columns)


def delta_table(shifted: Mapping[Key, Shifted], largest: float, level: float) -> pd.DataFrame:
    """Every measure by delta, up to the largest thought possible."""
    parts = []
    for (wave, level_3, each, term), found in shifted.items():
        half = half_width(found, level)
        part = pd.DataFrame(
            {
                "delta": found.deltas,
                "estimate": found.estimate,
                "ci_low": found.estimate - half,
                "ci_high": found.estimate + half,
            }
        )
        part = part[part["delta"] <= largest + 1e-9]
        parts.append(part.assign(wave=wave, level_3=level_3, each=each, term=term))
    columns = ["wave", "level_3", "each", "term", "delta", "estimate", "ci_low", "ci_high"]
    return pd.concat(parts, ignore_index=True)[columns]


def limits_of(responses: Responses, outcome: str) -> tuple[float, float]:
    """The lowest and the highest answer that there is."""
    if outcome in SCORES:
        return SCORES[outcome]
    row = responses.items[responses.items["item"] == outcome]
    return float(row["low"].iloc[0]), float(row["high"].iloc[0])
