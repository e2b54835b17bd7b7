"""Figures that are not shown, and why: too few have answered, or there is nothing to count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.wording import Wording

Flags = npt.NDArray[np.bool_]


def few_answers(say: Wording, min_n: int) -> str:
    """Why what so few answered is not shown."""
    return say.sentence("fewer than {n} answers", n=say.count(min_n))


def few_accounts(say: Wording, min_n: int) -> str:
    """Why what is known of so few accounts is not shown."""
    return say.sentence("fewer than {n} accounts", n=say.count(min_n))


def no_revenue(say: Wording) -> str:
    """Why nothing that counts accounts by their revenue is shown."""
    return say.sentence("the accounts have no revenue")


def first_reason(reasons: Sequence[tuple[Flags | pd.Series, str]]) -> npt.NDArray[np.str_]:
    """Of each row the first reason that holds; empty where none does.

    Examples
    --------
    >>> first_reason([(np.array([True, False, False]), "nobody"), (np.array([True, True, False]), "few")]).tolist()
    ['nobody', 'few', '']
    """
    return np.select([np.asarray(holds) for holds, _ in reasons], [text for _, text in reasons], default="")
