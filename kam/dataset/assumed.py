"""Numbers that are assumed: what the report was told, else what the dataset says, else a default."""

from __future__ import annotations

NOT_GIVEN = -1.0
"""Value of a notebook's parameter that means: as the dataset assumes."""


def assume(given: float, of_dataset: float | None, default: float) -> float:
    """The number to assume: the one given, unless it is −1; else the dataset's, unless it has none; else the default.

    Examples
    --------
    >>> assume(0.3, 0.2, 0.1), assume(-1, 0.2, 0.1), assume(-1, None, 0.1)
    (0.3, 0.2, 0.1)
    """
    if given != NOT_GIVEN:
        return given
    return default if of_dataset is None else of_dataset
