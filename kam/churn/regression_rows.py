"""The rows of a churn regression: whose they are, what happened, and which of them can be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.design import Design
from kam.churn.separation import find_separation, finite_estimates
from kam.churn.terms import to_floats
from kam.errors import ColumnTypeError, DataError, EmptyDataError, ModelError, NoEventError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class ChosenRows:
    """The rows to fit, and how many were left out for what."""

    rows: pd.DataFrame
    event: Floats
    n_unknown: int
    n_incomplete: int
    n_lacking: int


@dataclass(frozen=True, eq=False, kw_only=True)
class RegressionData:
    """What was fitted: the design, its matrix, what happened, and whose rows they are.

    Attributes
    ----------
    design : Design
    matrix : numpy.ndarray, shape (rows, columns)
    event : numpy.ndarray
        1 with the event.
    cluster : numpy.ndarray of int
        Customer of each row, from 0 on.
    customers : numpy.ndarray
        Their names.
    origin : numpy.ndarray of int
        Origin of each row, from 0 on.
    n_with, n_without : int
        Distinct customers with the event in some row, and without it in some row.
    separated : tuple of str
        Columns whose maximum-likelihood estimate is infinite.
    start : numpy.ndarray or None
        Maximum-likelihood estimates, intercept first, if found.
    n_unknown : int
        Rows left out since their outcome is not known.
    n_incomplete : int
        Rows left out since their origin knows the outcome of some customers only.
    n_lacking : int
        Rows left out since a formula needs a value that they lack.
    """

    design: Design
    matrix: Floats
    event: Floats
    cluster: Ints
    customers: npt.NDArray[np.object_]
    origin: Ints
    n_with: int
    n_without: int
    separated: tuple[str, ...]
    start: Floats | None
    n_unknown: int
    n_incomplete: int
    n_lacking: int

    @property
    def per_parameter(self) -> float:
        """Distinct customers with the event (or without, if fewer) per estimate."""
        return min(self.n_with, self.n_without) / (self.matrix.shape[1] + 1)


def choose_rows(rows: pd.DataFrame, event: str, population: str, needed: Sequence[str]) -> ChosenRows:
    """Take the rows of the population whose outcome is known; raise what the callers of a regression should know.

    ``needed`` are columns of a formula: rows that lack one are left out.
    """
    for key in ("customer_id", "origin"):
        if rows[key].isna().any():
            raise DataError(f"Column {key!r} lacks {int(rows[key].isna().sum())} values.", hint="Each row needs one.")
    if rows.duplicated(["customer_id", "origin"]).any():
        twice = rows.loc[rows.duplicated(["customer_id", "origin"]), "customer_id"].iloc[0]
        raise DataError(f"Customer {twice!r} stands twice at an origin.", hint="Give one row per customer and origin.")
    if population == "at risk" and "at_risk" in rows.columns:
        rows = rows[rows["at_risk"].fillna(False).astype(bool)]
    outcome = _outcome(rows, event)
    known = ~np.isnan(outcome)
    n_incomplete = 0
    if event == "churned":  # who ordered again and may still fall silent is not known: the rest is a selection
        complete = pd.Series(known).groupby(rows["origin"].to_numpy()).transform("all").to_numpy(dtype=bool)
        n_incomplete = int((known & ~complete).sum())
        known &= complete
    n_unknown = int((~known).sum()) - n_incomplete
    rows, outcome = rows[known], outcome[known]
    lacking = rows[list(needed)].isna().any(axis=1).to_numpy() if needed else np.zeros(len(rows), dtype=bool)
    rows, outcome = rows[~lacking].reset_index(drop=True), outcome[~lacking]
    if rows.empty:
        raise EmptyDataError(
            f"No row with a known {event!r} is left.",
            where=f"{n_unknown + n_incomplete} rows whose outcome is not known, {int(lacking.sum())} that lack a value",
            hint="Take earlier origins.",
        )
    if rows["customer_id"].nunique() < 2:
        raise EmptyDataError(
            "There is one customer: a regression compares several.", where=str(rows["customer_id"].iloc[0])
        )
    if outcome.min() == outcome.max():
        raise NoEventError(
            f"Nobody had the event {event!r}." if not outcome[0] else f"Everybody had the event {event!r}.",
            where=f"{len(rows)} rows of {rows['customer_id'].nunique()} customers",
            hint="Take more origins, or another horizon.",
        )
    return ChosenRows(
        rows=rows, event=outcome, n_unknown=n_unknown, n_incomplete=n_incomplete, n_lacking=int(lacking.sum())
    )


def regression_data(chosen: ChosenRows, design: Design) -> RegressionData:
    """Make the matrix, count customers and look for separation."""
    rows = chosen.rows
    matrix = design.apply(rows)
    cluster, customers = pd.factorize(rows["customer_id"])
    n_estimates = matrix.shape[1] + 1
    if n_estimates >= len(customers):
        raise ModelError(
            f"There are {n_estimates} estimates and {len(customers)} customers.",
            hint="Use fewer terms, or more customers.",
        )
    had = np.bincount(cluster, weights=chosen.event) > 0
    had_not = np.bincount(cluster, weights=1 - chosen.event) > 0
    start = finite_estimates(matrix, chosen.event)
    return RegressionData(
        design=design,
        matrix=matrix,
        event=chosen.event,
        cluster=np.asarray(cluster, dtype=np.int64),
        customers=np.asarray(customers, dtype=object),
        origin=np.asarray(pd.factorize(rows["origin"], sort=True)[0], dtype=np.int64),
        n_with=int(had.sum()),
        n_without=int(had_not.sum()),
        separated=find_separation(matrix, chosen.event, design.names) if start is None else (),
        start=start,
        n_unknown=chosen.n_unknown,
        n_incomplete=chosen.n_incomplete,
        n_lacking=chosen.n_lacking,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _outcome(rows: pd.DataFrame, event: str) -> Floats:
    try:
        outcome = to_floats(rows[event])
    except (ValueError, TypeError) as error:
        raise ColumnTypeError(
            f"The outcome {event!r} is not 0 or 1.", hint="Give 0 and 1, or true and false."
        ) from error
    known = outcome[~np.isnan(outcome)]
    if not np.isin(known, (0.0, 1.0)).all():
        other = known[~np.isin(known, (0.0, 1.0))][0]
        raise ColumnTypeError(
            f"The outcome {event!r} is not 0 or 1.", where=f"{other:g}", hint="Give 0 and 1, or true and false."
        )
    return outcome
