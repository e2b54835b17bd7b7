"""What ``kam diff`` prints: what moved between two runs, and, apart, what moved without the customers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kam.errors import ParameterError, ResultsError
from kam.report.console import print_facts, print_head, print_json, print_lines, print_table
from kam.report.history import find_run, read_history

if TYPE_CHECKING:
    import pandas as pd

    from kam.programme import ChangesResult

_MOVES = ("measure", "name", "customer_id", "told_before", "told_now", "why")
_HEADS = {
    "conditions": ("In what the runs differ", ("setting", "touches", "told_before", "told_now")),
    "moved": ("What moved", (*_MOVES, "cause")),
    "recomputed": ("What moved without the customers", (*_MOVES, "cause")),
    "accounts": (
        "Accounts that only one run has, or has otherwise",
        ("movement", "name", "customer_id", "told_before", "told_now", "why"),
    ),
    "not_compared": ("Not compared", ("measure", "reason")),
}  # fmt: skip
"""What is told of each frame: a head and its columns."""


def choose_runs(names: Sequence[str], *, root: Path, plan: str | None = None) -> tuple[Path, Path]:
    """The folders of two runs, the earlier first.

    Parameters
    ----------
    names : sequence of str
        Two runs, the earlier first: an id, the beginning of one, ``latest``, or a folder of a run or of one of its steps. None:
        the last two runs of a plan that succeeded.
    root : pathlib.Path
        The reports folder.
    plan : str, optional
        Where no run is named: the plan; by default the one that ran last and has two runs that succeeded.

    Raises
    ------
    ParameterError
        One run is named, or three, or runs and a plan.
    ResultsError
        There is no such run, or there are no two of the plan.
    """
    if len(names) == 2 and plan is None:
        return _folder(names[0], root), _folder(names[1], root)
    if names:
        raise ParameterError(
            "To compare takes two runs.", hint="Give two, the earlier first; or none, and --plan if there are several."
        )
    good = [record for record in read_history(root, plan=plan) if record.state == "succeeded"]
    pairs = [
        [record for record in good if record.plan == name] for name in dict.fromkeys(record.plan for record in good)
    ]
    same = next((own for own in pairs if len(own) > 1), pairs[0] if pairs else [])
    if len(same) < 2:
        raise ResultsError(
            "There are no two runs of one plan that succeeded.",
            where=f"plan {same[0].plan!r}, {root}" if same else str(root),
            hint="Run it again, or give two runs: kam diff EARLIER LATER.",
        )
    return same[1].folder, same[0].folder


def compare_runs(before: Path, now: Path) -> ChangesResult:
    """Read two runs and say what changed.

    Assumes what :func:`kam.programme.changes` assumes.

    Parameters
    ----------
    before, now : pathlib.Path
        Folders of runs or of steps.

    Returns
    -------
    kam.programme.ChangesResult

    Raises
    ------
    ResultsError
        A run has no results, or none that this kam reads.
    DataError, ParameterError
        The runs cannot be compared.
    """
    from kam.programme import changes, read_run

    return changes(read_run(now), read_run(before))


def print_changes(changes: ChangesResult, *, before: Path, now: Path, newest: int, json: bool = False) -> None:
    """What changed: the answer, and a table of each kind with at most so many rows; as JSON all rows."""
    if json:
        print_json(
            {
                "schema_version": 1,
                "before": {"run": before.name, "folder": str(before), "as_of": changes.day_before},
                "now": {"run": now.name, "folder": str(now), "as_of": changes.context.as_of},
                "answer": str(changes.answer()),
                "checks": changes.checks,
                **{name: _records(frame) for name, frame in changes.tables().items()},
            }
        )
        return
    print_head(str(changes.answer()))
    print_facts([("before", _told(before, changes.day_before)), ("now", _told(now, changes.context.as_of))])
    tables = changes.tables()
    for name, (head, columns) in _HEADS.items():
        frame = tables[name]
        if frame.empty:
            continue
        print_lines([""])
        print_head(f"{head}: {len(frame)}")
        shown = _first(frame, newest)
        labels = [changes.context.wording.label(column) for column in columns]
        print_table(labels, [[_text(value) for value in row] for row in shown[list(columns)].to_numpy()], blocks=True)
        if len(shown) < len(frame):
            print_lines([f"{len(frame) - len(shown)} more rows: -n {len(frame)} shows all, --json too."])


# -- inside ----------------------------------------------------------------------------------------------------------


def _folder(name: str, root: Path) -> Path:
    path = Path(name)
    if (path / "run.json").is_file() or (path / "results.json").is_file():
        return path.absolute()
    return find_run(root, name).folder


def _first(frame: pd.DataFrame, newest: int) -> pd.DataFrame:
    """At most so many rows of each kind."""
    if "cause" in frame:
        return frame.groupby("measure", sort=False).head(newest)
    return frame.head(newest) if "movement" in frame else frame


def _told(folder: Path, day: object) -> str:
    return f"{folder.name}, data up to {day}" if day else folder.name


def _text(value: object) -> str:
    return "" if value is None or value != value else str(value)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): None if value is None or value != value else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]
