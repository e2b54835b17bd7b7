"""The frames of :class:`kam.survey.reliability.ReliabilityResult`: their columns, and the type of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

COEFFICIENTS = [
    "theme", "basis", "measure", "method", "estimate", "ci_low", "ci_high", "feldt_low", "feldt_high", "n_items",
    "n_respondents", "n_accounts", "reason",
]  # fmt: skip
ITEMS = [
    "theme", "item", "question", "basis", "n_respondents", "answer_mean", "answer_sd", "item_total", "ci_low", "ci_high",
    "loading", "alpha_if_dropped", "alpha_change", "change_low", "change_high", "runs_against", "alpha_if_turned", "reason",
]  # fmt: skip
AGREEMENT = [
    "wave", "measure", "estimate", "ci_low", "ci_high", "design_effect", "within_sd", "n_respondents", "n_accounts",
    "n_shared", "reason",
]  # fmt: skip
DISAGREEING = [
    "wave", "customer_id", "n_respondents", "answer_low", "answer_high", "answer_sd", "p_value", "reason",
]  # fmt: skip
PEOPLE = ["wave", "customer_id", "respondent_id", "role", "answer"]
_TEXTS = {
    "theme", "basis", "measure", "method", "reason", "item", "question", "wave", "customer_id", "respondent_id", "role",
}  # fmt: skip


def typed_frame(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a frame with these columns: texts, counts, flags and numbers, each of its type also without a row."""
    frame = pd.DataFrame(rows, columns=list(columns))
    kinds: dict[str, Any] = {
        name: "str" if name in _TEXTS else "bool" if name == "runs_against" else "float64" for name in columns
    }
    return frame.astype(kinds | {name: "int64" for name in columns if name.startswith("n_")})
