"""What weights were estimated from, as tidy frames that can be saved, and back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

_TERM_COLUMNS = ["wave", "customer_id", "term", "level", "term_value"]


def store_terms(wave: str, customers: pd.Series, names: list[tuple[str, str]], terms: Floats | None) -> pd.DataFrame:
    """Terms as a tidy frame: ``wave, customer_id, term, level, term_value``."""
    n, q = len(customers), 0 if terms is None else terms.shape[1]
    values = np.empty(0) if terms is None else terms.T.ravel()
    table = pd.DataFrame(
        {
            "wave": [wave] * (n * q),
            "customer_id": np.tile(customers.to_numpy(dtype=object), q),
            "term": np.repeat(np.array([term for term, _ in names], dtype=object), n) if q else [],
            "level": np.repeat(np.array([level for _, level in names], dtype=object), n) if q else [],
            "term_value": values,
        }
    )
    return table.astype(dict.fromkeys(_TERM_COLUMNS[:4], "str"))


def store_cells(wave: str, customers: pd.Series, cells: pd.DataFrame) -> pd.DataFrame:
    """Cells as a tidy frame: the level of each account in each margin, with the value 1."""
    parts = [
        pd.DataFrame(
            {"wave": wave, "customer_id": customers.to_numpy(), "term": name, "level": cells[name].to_numpy()}
        ).assign(term_value=1.0)
        for name in cells.columns
    ]
    empty = pd.DataFrame({name: [] for name in _TERM_COLUMNS})
    return pd.concat([empty, *parts], ignore_index=True)[_TERM_COLUMNS].astype(
        dict.fromkeys(_TERM_COLUMNS[:4], "str") | {"term_value": "float64"}
    )


def restore_terms(long: pd.DataFrame, wave: str, customers: pd.Series) -> Floats | None:
    """The terms of a wave as a matrix, shape (customers, terms); None: there are none."""
    rows = long[long["wave"] == wave]
    if rows.empty:
        return None
    place = pd.Series(np.arange(len(customers)), index=customers.to_numpy())
    column = rows.groupby(["term", "level"], sort=False).ngroup().to_numpy()
    matrix = np.zeros((len(customers), int(column.max()) + 1))
    matrix[place.loc[rows["customer_id"]].to_numpy(), column] = rows["term_value"].to_numpy()
    return matrix
