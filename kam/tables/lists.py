"""Lists for other systems: a frame as CSV and Parquet beside the report, whole or one file per manager."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd

from kam.columns import require_columns
from kam.disclosure import WITHHELD
from kam.errors import DataError, ParameterError
from kam.results import Context
from kam.tables.files import write_csv
from kam.tables.reports import Notes, notes_list

LISTS = "lists"
"""Folder of the lists, in the folder of a step."""


def export_list(
    frame: pd.DataFrame,
    *,
    to: str | os.PathLike[str],
    name: str,
    accounts: pd.DataFrame | None = None,
    by: str = "",
    context: Context | None = None,
) -> Notes:
    """Write a frame as CSV and as Parquet into the folder ``lists`` of a step, for import into a CRM system or for its readers.

    The CSV is UTF-8 with a byte-order mark, its columns are named as in the glossary, identifiers stay text, and text that begins
    like a formula gets an apostrophe before it. The Parquet file has the texts as they are.

    Parameters
    ----------
    frame : pandas.DataFrame
        A row per account; it is not changed.
    to : path
        The step's folder, as ``results_dir`` in a notebook, so that the list is published with the run, or not at all. Empty:
        nothing is written.
    name : str
        Name of the files: letters, digits and ``_``.
    accounts : pandas.DataFrame, optional
        The account file, ``customer_id, name, manager``: for the columns of these that the frame lacks.
    by : str
        A column: each value also gets a CSV of its own rows, in a folder of the list's name. Left out where the frame lacks it.
    context : Context, optional
        Language.

    Returns
    -------
    kam.tables.reports.Notes
        What was written, to be shown in the notebook.

    Raises
    ------
    ParameterError
        The name is none for a file.
    DataError
        The files cannot be written.
    """
    say = (context or Context()).wording
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name):
        raise ParameterError(f"{name!r} is no name for a list.", hint="Use small letters, digits and _.")
    if not os.fspath(to):
        return notes_list([say.sentence("The list is written as a file where the notebook is run by kam.")])
    if WITHHELD in frame.attrs:
        return notes_list([str(frame.attrs[WITHHELD])])
    whole = _with_accounts(frame, accounts)
    folder = Path(to) / LISTS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_csv(whole, folder / f"{name}.csv")
        whole.to_parquet(folder / f"{name}.parquet", index=False)
        files = _write_parts(whole, folder / name, by) if by in whole else []
    except OSError as error:
        raise DataError(f"The list cannot be written: {error.strerror}.", where=str(folder)) from error
    told = say.plural(
        "One row, as {csv} and {parquet} beside this report.",
        "{n} rows, as {csv} and {parquet} beside this report.",
        len(whole),
        csv=f"{LISTS}/{name}.csv",
        parquet=f"{LISTS}/{name}.parquet",
    )
    if not files:
        return notes_list([told])
    parts = say.plural(
        "One file more, by {column}, in {folder}.",
        "{n} files more, one per {column}, in {folder}.",
        len(files),
        column=say.text(by),
        folder=f"{LISTS}/{name}/",
    )
    return notes_list([told, parts])


# -- inside ----------------------------------------------------------------------------------------------------------


def _with_accounts(frame: pd.DataFrame, accounts: pd.DataFrame | None) -> pd.DataFrame:
    """The frame with identifiers as text, and name and manager behind them, where the account file has them."""
    require_columns(frame, ["customer_id"], where="the list")
    whole = frame.reset_index(drop=True).copy()
    whole["customer_id"] = whole["customer_id"].astype("str")
    if accounts is not None:
        known = accounts.drop_duplicates("customer_id").set_index("customer_id")
        before = "customer_id"
        for column in ("name", "manager"):
            if column in known and column not in whole:
                whole.insert(list(whole.columns).index(before) + 1, column, whole["customer_id"].map(known[column]))
            before = column if column in whole else before
    return whole


def _write_parts(frame: pd.DataFrame, folder: Path, by: str) -> list[Path]:
    """One CSV per value, numbered in their order: no value makes a name that a file system does not take."""
    folder.mkdir(exist_ok=True)
    written = []
    values = sorted(frame[by].dropna().astype(str).unique())
    digits = len(str(len(values)))
    for n, value in enumerate(values, start=1):
        plain = re.sub(r"[^\w-]+", "_", value).strip("_")[:40]
        rows = frame[frame[by].astype("str") == value]
        written.append(write_csv(rows, folder / f"{n:0{digits}d}_{plain or 'unnamed'}.csv"))
    return written
