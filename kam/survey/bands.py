"""Every measure of every wave at each delta, and the bands: how it could be read, whatever the silent think within a range."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import EmptyDataError
from kam.survey.cells import scale_of
from kam.survey.delta_adjustment import Shifted, interval_of, measures, share_silent, shift
from kam.survey.design import Design, Each
from kam.survey.responses import READING_NAMES, Responses
from kam.survey.tipping import Key

Floats = npt.NDArray[np.float64]

NEUTRAL, NO_OPINION = READING_NAMES["neutral"], READING_NAMES["no_opinion"]
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
    limits = scale_of(responses, outcome)
    five = limits == (1.0, 5.0)
    readings = [READING_NAMES[way] for way in responses.readings] if five else [NEUTRAL]
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
                opinion_only = level_3 == NO_OPINION
                for measure in measures(
                    answers, outcome, deltas=deltas, five_levels=five, opinion_only=opinion_only, limits=limits
                ):
                    if np.isnan(measure.values).all():
                        continue
                    found = shift(design, measure, quiet, deltas, each=each)
                    shifted[(wave, level_3, each, measure.name)] = found
                    low, high = interval_of(found, level)
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
        low, high = interval_of(found, level)
        part = pd.DataFrame({"delta": found.deltas, "estimate": found.estimate, "ci_low": low, "ci_high": high})
        part = part[part["delta"] <= largest + 1e-9]
        parts.append(part.assign(wave=wave, level_3=level_3, each=each, term=term))
    columns = ["wave", "level_3", "each", "term", "delta", "estimate", "ci_low", "ci_high"]
    return pd.concat(parts, ignore_index=True)[columns]
