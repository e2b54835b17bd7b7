"""The table of criteria as a matrix of accounts × criteria, its weights, and what each account leaves in money; checked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from kam.columns import is_number, read_numbers, require_columns, require_distinct
from kam.errors import ColumnTypeError, DataError, EmptyDataError, ParameterError
from kam.identify.scorecard_frames import Floats, Texts

_WHERE = "the table of criteria"


def to_matrix(criteria: pd.DataFrame) -> tuple[pd.DataFrame, Texts, Texts, Floats, Floats]:
    """One row per criterion; ids and names of the accounts in order of the id; levels and errors, accounts × criteria."""
    needed = ("customer_id", "criterion", "weight", "criterion_level")
    require_columns(criteria, needed, where=_WHERE, hint="Use criteria_table.")
    if criteria.empty:
        raise EmptyDataError("There is no account to score.", hint="Look at the audit of the ledger.")
    for name in ("customer_id", "criterion"):
        if criteria[name].isna().any():
            raise DataError(
                f"The column {name!r} has no value in {int(criteria[name].isna().sum())} rows.",
                where=_WHERE,
                hint="Fill them in, or leave the rows out.",
            )
    weight = read_numbers(criteria["weight"], "weight", where=_WHERE)
    codes, ids = pd.factorize(criteria["customer_id"].astype("str"), sort=True)
    of_criterion, names = pd.factorize(criteria["criterion"].astype("str"))
    cell = codes * len(names) + of_criterion
    if np.bincount(cell).max() > 1:
        twice = np.flatnonzero(np.bincount(cell) > 1)[0]
        raise DataError(
            f"The criterion {names[twice % len(names)]!r} stands twice.", where=f"customer {ids[twice // len(names)]!r}"
        )
    facts = criteria.iloc[np.unique(of_criterion, return_index=True)[1]].reset_index(drop=True)
    facts["criterion"], facts["weight"] = names, weight[np.unique(of_criterion, return_index=True)[1]]
    usual = {"criterion_kind": "measured", "direction": "higher", "scale": "given"}
    for name, value in usual.items():
        facts[name] = facts[name].astype("str") if name in facts else value
    if "is_declared" not in facts:
        facts["is_declared"] = True
    differs = weight != facts["weight"].to_numpy()[of_criterion]
    if differs.any():
        at = np.flatnonzero(differs)[0]
        raise DataError(
            f"The criterion {names[of_criterion[at]]!r} has two weights, or one is missing.", where="criteria"
        )
    levels, errors = np.full(len(ids) * len(names), np.nan), np.zeros(len(ids) * len(names))
    levels[cell] = read_numbers(criteria["criterion_level"], "criterion_level", where=_WHERE)
    if "level_error" in criteria:
        given = read_numbers(criteria["level_error"], "level_error", where=_WHERE)
        errors[cell] = np.where(np.isnan(given), 0.0, given)
    for values, bad, what in (
        (levels, (levels < 0) | (levels > 1), "A level is not between 0 and 1"),
        (errors, ~(np.isfinite(errors) & (errors >= 0)), "The error of a level is negative or not finite"),
    ):
        if bad.any():
            at = np.flatnonzero(bad)[0]
            raise DataError(
                f"{what}: {values[at]:g}.", where=f"customer {ids[at // len(names)]!r}, {names[at % len(names)]!r}"
            )
    shown = np.asarray(ids, dtype=object).copy()
    if "name" in criteria:
        shown[codes] = criteria["name"].to_numpy()
    shape = (len(ids), len(names))
    return facts, np.asarray(ids, dtype=object), shown, levels.reshape(shape), errors.reshape(shape)


def money_left(criteria: pd.DataFrame, profit: pd.Series | None) -> pd.Series | None:
    """What each account leaves in money, by customer id: as given, else as measured, else None."""
    if profit is not None:
        if not isinstance(profit, pd.Series):
            raise ColumnTypeError(f"The profit is a {type(profit).__name__}.", hint="Give a series by customer_id.")
        ids = profit.index.astype("str")
        require_distinct(ids, where="the profit")
        return pd.Series(read_numbers(profit, "profit", where="the profit"), index=ids)
    if not {"criterion_value", "criterion_kind"} <= set(criteria.columns):
        return None
    for name in ("contribution", "margin"):
        own = criteria[(criteria["criterion"] == name) & (criteria["criterion_kind"] == "measured")]
        if own["criterion_value"].notna().any():
            value = read_numbers(own["criterion_value"], "criterion_value", where=f"{_WHERE}, {name!r}")
            return pd.Series(value, index=own["customer_id"].astype("str"))
    return None


def choose_weights(facts: pd.DataFrame, weights: Mapping[str, float] | None) -> Floats:
    """The weight of each criterion: as given, else that of the table; not yet brought to a sum of 1."""
    chosen = facts.set_index("criterion")["weight"].astype(float)
    if weights is not None and not isinstance(weights, (Mapping, pd.Series)):
        raise ParameterError(f"weights is {weights!r}.", hint="Give a weight by criterion, such as {'revenue': 0.4}.")
    for name, weight in ({} if weights is None else weights).items():
        if name not in chosen.index:
            raise ParameterError(
                f"There is no criterion {name!r} to weigh.", hint=f"There are {', '.join(chosen.index)}."
            )
        if not is_number(weight):
            raise ParameterError(f"The weight of {name!r} is {weight!r}.", hint="Give a number of 0 or more.")
        chosen[name] = weight
    bad = chosen[~(np.isfinite(chosen) & (chosen >= 0))]
    if len(bad):
        raise ParameterError(
            f"The weight of {bad.index[0]!r} is {bad.iloc[0]}.", hint="Give 0 or more; a direction is declared apart."
        )
    if not chosen.sum() > 0:
        raise ParameterError(
            "The weights sum to 0.", where=", ".join(chosen.index), hint="Weigh at least one criterion."
        )
    return np.asarray(chosen, dtype=np.float64)
