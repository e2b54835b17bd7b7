"""A part of a report that some accounts have and others do not: a table, or a line that says what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kam.tables.reports import notes_list, report_table

if TYPE_CHECKING:
    import pandas as pd

    from kam.results import Context


def show_part(
    frame: pd.DataFrame | None,
    *notes: str,
    context: Context,
    columns: Sequence[str] | None = None,
    rows: int | None = None,
) -> None:
    """Show a frame as a table, if it has a row, and lines below it, if there are any; nothing where there is neither.

    Parameters
    ----------
    frame : pandas.DataFrame, optional
        As for :func:`report_table`.
    *notes : str
        What is missing, or anything else to say in a line; those that are empty are left out.
    context : Context
        Currency and language.
    columns, rows : optional
        As for :func:`report_table`; columns that are not there, or of which no row has a value, are left out.
    """
    from IPython import display

    if frame is not None and len(frame):
        wanted = list(frame.columns if columns is None else columns)
        shown = [name for name in wanted if name in frame and (frame[name].notna() & (frame[name] != "")).any()]
        display.display(report_table(frame, context=context, columns=shown, rows=rows))
    said = [note for note in notes if note.strip()]
    if said:
        display.display(notes_list(said, context=context))
