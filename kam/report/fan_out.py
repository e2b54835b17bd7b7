"""The values for which a notebook runs once each, where a step before it finds them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kam.errors import PlanError
from kam.report.plan import PlannedFan, PlannedStep
from kam.results import read_results_json


def spread_fan(fan: PlannedFan, part: Path, before: Sequence[str]) -> tuple[PlannedStep, ...]:
    """The steps of a notebook that runs once per value.

    Parameters
    ----------
    fan : PlannedFan
        Of a plan.
    part : pathlib.Path
        The folder of the run at work; the steps that the fan waits for are finished.
    before : sequence of str
        The names of the steps in whose results the table is looked for, in this order.

    Returns
    -------
    tuple of PlannedStep
        One per different value, in the order of the table, at most as many as its limit; none where no row is left.

    Raises
    ------
    PlanError
        There is no such table or column, or the rows cannot be chosen by ``where``.
    """
    import pandas as pd

    result, _, table = fan.rows.table.partition(".")
    column = fan.rows.column or fan.parameter
    there = []
    for name in before:
        file = part / name / "results.json"
        entries = read_results_json(file)["results"] if file.is_file() else {}
        there += [f"{key}.{table}" for key, entry in entries.items() for table in entry["tables"]]
        if result in entries and table in entries[result]["tables"]:
            frame = pd.read_parquet(part / name / "tables" / entries[result]["tables"][table])
            break
    else:
        raise PlanError(
            f"No step before {fan.name!r} has the table {fan.rows.table!r}.",
            where=", ".join(before),
            hint=f"Tables: {', '.join(there[:20]) or 'none'}.",
        )
    if column not in frame:
        raise PlanError(
            f"The table {fan.rows.table!r} has no column {column!r}.",
            where=f"for_each of {fan.name}",
            hint=f"Columns: {', '.join(map(str, frame.columns))}.",
        )
    if fan.rows.where:
        try:
            frame = frame.query(fan.rows.where, engine="python")
        except Exception as error:  # pandas raises nearly any
            raise PlanError(
                f"The rows of {fan.rows.table!r} cannot be chosen by {fan.rows.where!r}: {error}.",
                where=f"for_each of {fan.name}",
                hint=f"Columns: {', '.join(map(str, frame.columns))}.",
            ) from error
    return fan.spread(list(dict.fromkeys(frame[column].dropna().astype(str)))[: fan.rows.limit])
