"""How who answered differs from who was drawn, in what is known of both."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.survey.response_model import Term, describe_accounts

Floats = npt.NDArray[np.floating[Any]]


def compare_accounts(
    wave: str,
    drawn: pd.DataFrame,
    base: Floats,
    answered: npt.NDArray[np.bool_],
    weight: Floats,
    own: Floats | None = None,
) -> pd.DataFrame:
    """How who answered differs from who was drawn, before and after; ``own``: weights before, by default design weights."""
    before = np.where(answered, base if own is None else own, 0.0)
    rows = []
    described: list[Term] = describe_accounts(drawn) if len(drawn) and before.sum() > 0 else []
    for term in described:
        for level, x in zip(term.all_levels, term.everything.T, strict=True):
            mean = float(np.average(x, weights=base))
            sd = float(np.sqrt(np.average((x - mean) ** 2, weights=base)))
            means = [float(np.average(x, weights=w)) for w in (before, weight)]
            if sd > 0:
                rows.append((wave, term.name, level, mean, *means, *((m - mean) / sd for m in means)))
    columns = ["wave", "term", "level", "mean_drawn", "mean_answered", "mean_weighted"]
    columns += ["difference_before", "difference_after"]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype(dict.fromkeys(columns[:3], "str") | dict.fromkeys(columns[3:], "float64"))
