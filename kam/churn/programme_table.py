"""The table of programmes: read and checked, and which of them fit the states of a chain."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.markov import MarkovChurnResult
from kam.errors import ColumnTypeError, DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.wording import N_, Wording

SOURCES = ("experiment", "judged", "assumed")
"""Where an effect is known from."""
NOTHING, NO_RECOMMENDATION = N_("nothing"), N_("no recommendation")
"""What is recommended for a state that gets no programme."""
_TEXTS = ["programme", "from_state", "to_state", "source"]
_NUMBERS = ["effect", "effect_sd", "cost"]


def split_programmes(
    markov: MarkovChurnResult, programmes: pd.DataFrame | None
) -> tuple[pd.DataFrame | None, pd.DataFrame]:
    """The programmes that fit a chain, and why the others do not: for a report that goes on without them.

    Parameters
    ----------
    markov : MarkovChurnResult
        From :func:`~kam.churn.markov.fit_markov_churn`.
    programmes : pandas.DataFrame or None
        As :func:`~kam.churn.programmes.compare_programmes` needs them; None: there are none.

    Returns
    -------
    usable : pandas.DataFrame or None
        Those for states of the chain whose effect is possible; None: there are none.
    left_out : pandas.DataFrame
        ``programme, from_state, reason`` of the others.

    Raises
    ------
    MissingColumnError, ColumnTypeError, DataError, ParameterError
        The table is not one of programmes, see :func:`~kam.churn.programmes.compare_programmes`.
    """
    nothing = pd.DataFrame({"programme": [], "from_state": [], "reason": []}, dtype="str")
    if programmes is None or programmes.empty:
        return None, nothing
    twice = _stands_twice(programmes)
    again = programmes.loc[twice, ["programme", "from_state"]].assign(
        reason=markov.context.wording.sentence("it stands twice for this state")
    )
    programmes = programmes[~twice]
    if programmes.empty:
        return None, again.reset_index(drop=True).astype("str")
    table, say = _read_table(programmes), markov.context.wording
    p = pd.DataFrame(markov.matrix().mean(axis=0), index=list(markov.names), columns=list(markov.names))
    reasons = np.array(
        [_unknown_state(row, markov.names, say) or _impossible(row, p, say)[0] for row in table.to_dict("records")]
    )
    fits = reasons == ""
    left_out = pd.concat([again, table.loc[~fits, ["programme", "from_state"]].assign(reason=reasons[~fits])])
    return (programmes[fits] if fits.any() else None), left_out.reset_index(drop=True).astype("str")


def _stands_twice(programmes: pd.DataFrame) -> npt.NDArray[np.bool_]:
    columns = ["programme", "from_state"]
    if not set(columns) <= set(programmes.columns):
        return np.zeros(len(programmes), dtype=bool)
    return programmes.duplicated(columns, keep=False).to_numpy()


def read_programmes(
    programmes: pd.DataFrame, names: tuple[str, ...], say: Wording
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The programmes that the chain has states for, checked, and those that it has none for."""
    table = _read_table(programmes)
    reasons = [_unknown_state(row, names, say) for row in table.to_dict("records")]
    unknown = np.array([bool(reason) for reason in reasons])
    if unknown.all():
        raise ParameterError(
            "No programme is for a state of this chain.",
            where=f"{table['programme'].iloc[0]}: {reasons[0]}",
            hint=f"The states are {', '.join(names)}.",
        )
    not_used = table.loc[unknown, ["programme", "from_state"]].assign(reason=[text for text in reasons if text])
    return table[~unknown].reset_index(drop=True), not_used.reset_index(drop=True)


def check_possible(table: pd.DataFrame, p: pd.DataFrame) -> None:
    """Raise if an effect cannot be, at the estimates (S, S)."""
    for row in table.to_dict("records"):
        why, hint = _impossible(row, p, Wording())
        if why:
            raise ParameterError(
                f"The effect of {row['programme']!r}, {row['effect']:+g}, is not possible: {why}.",
                where=f"programme {row['programme']!r}, from {row['from_state']} to {row['to_state']}",
                hint=hint,
            )


# -- inside ----------------------------------------------------------------------------------------------------------


def _read_table(programmes: pd.DataFrame) -> pd.DataFrame:
    """The programmes with all columns, checked."""
    missing = [name for name in [*_TEXTS, *_NUMBERS] if name not in programmes.columns]
    if missing:
        raise MissingColumnError(
            f"The programmes lack {', '.join(missing)}.", where=f"columns {list(programmes.columns)}"
        )
    if programmes.empty:
        raise EmptyDataError("There are no programmes.", hint="Give one row per programme and state.")
    table = programmes[[*_TEXTS, *_NUMBERS]].reset_index(drop=True)
    holes = table.columns[table.isna().any()].tolist()
    if holes:
        rows = table.loc[table.isna().any(axis=1), "programme"].head(3).tolist()
        raise DataError(f"{', '.join(holes)} is missing for some programmes.", where=f"programmes {rows}")
    table[_TEXTS] = table[_TEXTS].astype(str)
    for column in ("taken_from", "capacity"):
        given = programmes[column].reset_index(drop=True) if column in programmes.columns else None
        table[column] = np.nan if given is None else given
    table["taken_from"] = table["taken_from"].where(table["taken_from"].notna(), table["from_state"]).astype(str)
    for column in [*_NUMBERS, "capacity"]:
        try:
            table[column] = table[column].astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ColumnTypeError(f"{column} is no number for some programmes.", where="the programmes") from error
    _check_values(table)
    return table


def _check_values(table: pd.DataFrame) -> None:
    numbers = table[[*_NUMBERS, "capacity"]].to_numpy()
    rules = [
        (
            np.isinf(numbers).any(axis=1),
            "a number is not finite",
            "Give finite numbers; a missing capacity is no limit.",
        ),
        (table["effect_sd"] < 0, "effect_sd is negative", "Give a standard deviation of 0 or more."),
        (table["cost"] < 0, "cost is negative", "Give the cost per customer and period, 0 or more."),
        (table["capacity"] < 0, "capacity is negative", "Give the customers it can reach in a period, or nothing."),
        (~table["source"].isin(SOURCES), "source is not known", f"Use one of {', '.join(SOURCES)}."),
        (table["programme"].isin([NOTHING, NO_RECOMMENDATION]), "the name is kept for another use", "Rename it."),
        (table.duplicated(["programme", "from_state"]), "it stands twice for a state", "Give one row for each state."),
        (
            table["taken_from"] == table["to_state"],
            "the probability is taken from where it is given",
            "Name in taken_from another state than in to_state.",
        ),
    ]
    for wrong, what, hint in rules:
        bad = np.flatnonzero(wrong)
        if len(bad):
            row = table.iloc[bad[0]]
            where = f"programme {row['programme']!r}, from {row['from_state']} to {row['to_state']}"
            raise ParameterError(f"A programme cannot be used: {what}.", where=where, hint=hint)


def _unknown_state(row: Mapping[Hashable, Any], names: tuple[str, ...], say: Wording) -> str:
    unknown = [row[column] for column in ("from_state", "to_state", "taken_from") if row[column] not in names]
    return say.sentence("the chain has no state {state}", state=repr(say.state(str(unknown[0])))) if unknown else ""


def _impossible(row: Mapping[Hashable, Any], p: pd.DataFrame, say: Wording) -> tuple[str, str]:
    """Why the effect of a programme cannot be, and which could; empty if it can. ``p`` by state left and state reached."""
    origin, effect = row["from_state"], row["effect"]
    there, from_there = float(p.loc[origin, row["to_state"]]), float(p.loc[origin, row["taken_from"]])
    for state, before, after in (
        (row["to_state"], there, there + effect),
        (row["taken_from"], from_there, from_there - effect),
    ):
        if not -1e-12 <= after <= 1 + 1e-12:
            why = say.sentence(
                "the probability from {origin} to {state} is {before} in a period, and would be {after}",
                origin=origin,
                state=state,
                before=f"{before:.4g}",
                after=f"{after:.4g}",
            )
            return why, f"Give an effect from {-there:.4g} to {from_there:.4g}, or another taken_from."
    return "", ""
