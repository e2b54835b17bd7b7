"""The workbooks of a run, written while its last step is at work: they are seconds in which a slot would be idle.

What was written ahead is only taken where the steps that it was written from are, in the end, all that have tables; else, and
wherever anything went wrong, it is dropped, and the workbooks are written as if there had been none.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType

from kam.redaction import RedactedStream
from kam.report.execution import end_with_parent
from kam.report.manifest import Step

FOLDER = ".tables"
"""Folder in the folder of a run at work, where workbooks lie until they are taken."""

Tables = Mapping[Path, Sequence[Step]]
"""Where a workbook belongs: the steps whose tables it has."""


class TablesAhead:
    """Workbooks that are written beside a run. Leaving the ``with`` ends what is still at work, and leaves nothing behind.

    Parameters
    ----------
    part : pathlib.Path
        The folder in which the run is written.
    """

    def __init__(self, part: Path) -> None:
        self._part = part
        self._tables: dict[Path, list[Step]] = {}
        self._process: BaseProcess | None = None

    def __enter__(self) -> TablesAhead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def is_begun(self) -> bool:
        """Whether workbooks are written, or were."""
        return self._process is not None

    def follow(self, process: BaseProcess | None, tables: Tables) -> None:
        """Hold on to the process, if there is one, that does :func:`write_ahead` for these steps."""
        if process is not None:
            self._process, self._tables = process, {folder: list(steps) for folder, steps in tables.items()}

    def take(self, tables: Tables) -> bool:
        """Put the workbooks into their places, if they are of just these steps.

        Returns
        -------
        bool
            False where they have to be written.
        """
        if self._process is None:
            return False
        written = False
        if self._tables == {folder: list(steps) for folder, steps in tables.items()}:
            self._process.join()
            written = self._process.exitcode == 0
        if written:
            for n, folder in enumerate(self._tables):
                if (ahead := self._part / FOLDER / f"{n}.xlsx").exists():  # no step of the folder had a table else
                    ahead.replace(folder / "tables.xlsx")
        self._end()
        return written

    def _end(self) -> None:
        """End the process and remove its folder; the process may be ended anywhere, for it writes nowhere else."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None
            shutil.rmtree(self._part / FOLDER, ignore_errors=True)


def write_ahead(part: Path, tables: Tables) -> None:
    """Write the workbooks into ``FOLDER``, by number; the status of this process, which is its own, is not 0 where one fails."""
    from kam.report.publish import write_workbook_of

    sys.stderr = RedactedStream(sys.stderr)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the runner ends this process, also when someone presses Ctrl-C
    threading.Thread(target=end_with_parent, daemon=True).start()
    place = part / FOLDER
    try:
        place.mkdir()
        tempfile.tempdir = str(place)  # so that nothing is left elsewhere when it is ended
        reasons = [
            why
            for n, (folder, steps) in enumerate(tables.items())
            for why in write_workbook_of(folder, steps, part, to=place / f"{n}.xlsx")
        ]
    except Exception:  # it is written once more, and then told
        sys.exit(1)
    if reasons:
        sys.exit(1)
