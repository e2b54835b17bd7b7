"""The accounts that were asked, as an assessment of non-response needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from kam.errors import EmptyDataError
from kam.survey.design import Design
from kam.survey.frame import TAKEN_AS_ASKED
from kam.survey.responses import Responses


def drawn_accounts(responses: Responses, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str], list[str], int]:
    """Drawn accounts of the waves in which somebody is silent; these waves; the others; who answered without being drawn."""
    answered = frame["answered"].astype(bool)
    is_drawn = frame["drawn"].astype(bool)
    if "status" in frame.columns:
        is_drawn &= ~frame["status"].isin([TAKEN_AS_ASKED])  # nobody knows who was asked
    drawn = frame[is_drawn].assign(answered=answered[is_drawn]).reset_index(drop=True)
    silent = set(drawn.loc[~drawn["answered"], "wave"])
    waves = [wave for wave in responses.waves if wave in silent]
    if not waves:
        raise EmptyDataError(
            "No account is known that was asked and did not answer.",
            where="frame",
            hint="Make the frame by survey_frame(responses, sample=…), with everybody who was drawn.",
        )
    drawn = drawn[drawn["wave"].isin(waves)].reset_index(drop=True)
    if not drawn["answered"].any():
        raise EmptyDataError(
            "No account that was drawn is among those that answered.",
            where="customer_id",
            hint="Check that accounts are written alike in the sample and in the survey.",
        )
    if "stratum" not in drawn.columns:
        drawn["stratum"] = ""
    drawn["stratum"] = drawn["stratum"].fillna("").astype("str")
    p = drawn["probability"] if "probability" in drawn.columns else pd.Series(np.nan, index=drawn.index)
    drawn["base_weight"] = 1 / p.astype("float64").fillna(1.0)
    drawn["status"] = drawn["status"] if "status" in drawn.columns else "not answered"
    n = int((answered & ~is_drawn & frame["wave"].isin(waves)).sum())
    return drawn, waves, [wave for wave in responses.waves if wave not in silent], n


def with_revenue(design: Design, drawn: pd.DataFrame, wave: str) -> Design:
    """The design with the revenue of the frame where it has none."""
    if "revenue" in design.units.columns or "revenue" not in drawn.columns:
        return design
    revenue = drawn[drawn["wave"] == wave].set_index("customer_id")["revenue"]
    return replace(design, units=design.units.assign(revenue=design.units["customer_id"].map(revenue)))


def moves_of_weights(designs: Mapping[str, Design], outcome: str) -> dict[str, float]:
    """By wave, points by which the final weights move the mean against the design weights."""
    moves = {}
    for wave, design in designs.items():
        y = design.responses.rows[outcome].to_numpy(dtype=np.float64)
        units = design.units
        plain = replace(design, units=units.assign(weight=units["base_weight"] * units["answered"]))
        moves[wave] = design.mean(y).estimate - plain.mean(y).estimate
    return moves
