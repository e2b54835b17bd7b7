"""The accounts that a sample is drawn from, checked; which are the largest; and what tells one frame from another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import ColumnTypeError, DataError, MissingColumnError, ParameterError
from kam.survey.shown_names import name_first
from kam.wording import N_

CERTAINTY = N_("largest")
"""Name of the stratum of the largest accounts, all of which are drawn."""
ALL = "all"
"""Name of the stratum where there are no strata."""


def read_frame(frame: pd.DataFrame, strata: str | Sequence[str] | None, size: str, *, needs_size: bool) -> pd.DataFrame:
    """``customer_id, stratum, size`` and, if there, ``name``, sorted by id; size is missing where it is not known.

    Raises
    ------
    MissingColumnError, ColumnTypeError, DataError, ParameterError
        As :func:`~kam.survey.sampling.draw_sample` says.
    """
    columns = [strata] if isinstance(strata, str) else list(strata or [])
    for column in ["customer_id", *columns, *([size] if needs_size else [])]:
        if column not in frame.columns:
            raise MissingColumnError(
                f"There is no column {column!r}.",
                where="frame",
                hint=f"There are {', '.join(map(str, frame.columns))}.",
            )
    ids = frame["customer_id"]
    if ids.isna().any():
        raise DataError(f"{int(ids.isna().sum())} accounts have no customer_id.", where="frame", hint="Give each one.")
    if pd.api.types.infer_dtype(ids) != "string":
        raise ColumnTypeError(
            "customer_id is not text: leading zeros would be lost.", where="frame", hint="Read it as text."
        )
    if ids.duplicated().any():
        raise DataError(
            "An account stands twice in the frame.", where=_name(ids[ids.duplicated()]), hint="Keep one row of each."
        )
    for column in columns:
        missing = frame[column].isna()
        if missing.any():
            raise DataError(
                f"{int(missing.sum())} accounts have no {column}.",
                where=_name(ids[missing]),
                hint="Give them one, such as 'unknown': every account needs a stratum.",
            )
    stratum = frame[columns[0]].astype("str") if columns else pd.Series(ALL, index=frame.index)
    for column in columns[1:]:
        stratum = stratum + " / " + frame[column].astype("str")
    if (stratum == CERTAINTY).any():
        raise ParameterError(
            f"A stratum has the name {CERTAINTY!r}, which is that of the accounts drawn for certain.",
            hint="Give it another name.",
        )
    values = pd.Series(np.nan, index=frame.index)
    if size in frame.columns:
        values = pd.to_numeric(frame[size], errors="coerce").astype("float64").replace([np.inf, -np.inf], np.nan)
        if needs_size and values.isna().any():
            raise DataError(
                f"{int(values.isna().sum())} accounts have no {size} that is a number.",
                where=_name(ids[values.isna()]),
                hint="Give them one (0 where nothing was bought): who is among the largest depends on it.",
            )
    read = pd.DataFrame({"customer_id": ids, "stratum": stratum, "size": values})
    if "name" in frame.columns:
        read["name"] = frame["name"]
    return read.sort_values("customer_id", kind="stable").reset_index(drop=True)


def fingerprint_of(accounts: pd.DataFrame) -> str:
    """Digest of identifiers, strata and sizes; of accounts sorted by id, so the order of rows does not matter."""
    rows = zip(accounts["customer_id"], accounts["stratum"], map(repr, accounts["size"].tolist()), strict=True)
    return digest(json.dumps(list(rows)))


def digest(text: str) -> str:
    """Sixteen hexadecimal digits that tell one text from another."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def find_largest(
    accounts: pd.DataFrame, certainty: int | float | None, certainty_from: float | None
) -> npt.NDArray[np.bool_]:
    """Which accounts are drawn for certain, of accounts sorted by id; ties go by id.

    Raises
    ------
    ParameterError
        A number, share or size is out of range.
    """
    size = accounts["size"].to_numpy()
    largest_first = np.argsort(-size, kind="stable")
    chosen = np.zeros(len(size), dtype=bool)
    if certainty is not None:
        if isinstance(certainty, bool) or not isinstance(certainty, (int, float, np.integer, np.floating)):
            raise ParameterError(f"certainty is {certainty!r}.", hint="Give a whole number of accounts, or a share.")
        if isinstance(certainty, (int, np.integer)):
            if not 0 <= certainty <= len(size):
                raise ParameterError(
                    f"certainty is {certainty}, and there are {len(size)} accounts.", hint="Give 0 to all of them."
                )
            count = int(certainty)
        else:
            if not 0 < certainty < 1:
                raise ParameterError(
                    f"certainty is {certainty!r}.",
                    hint="Give a whole number of accounts, or a share of the size between 0 and 1.",
                )
            positive = np.clip(size[largest_first], 0, None)
            if not positive.sum() > 0:
                raise ParameterError(
                    "No account has a size above 0, so that a share of it has no meaning.", hint="Give another size."
                )
            count = int(np.searchsorted(np.cumsum(positive), (certainty - 1e-12) * positive.sum())) + 1
        chosen[largest_first[:count]] = True
    if certainty_from is not None:
        if not np.isfinite(certainty_from):
            raise ParameterError(f"certainty_from is {certainty_from!r}.", hint="Give a size.")
        chosen |= size >= certainty_from
    return chosen


def _name(ids: pd.Series) -> str:
    return "customers " + name_first([repr(x) for x in ids])
