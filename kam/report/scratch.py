"""Temporary folders of which one can tell whether their process is alive: what one that was killed has left is swept.

The owner holds a lock on a file in its folder; the system gives it back when the process ends, however it ends.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kam.errors import RunError

PREFIX = "kam-run-"
"""What the name of such a folder begins with."""

_OWNER = "owner.lock"
_HALF_MADE = 3600.0  # seconds after which a folder without a lock was not made to its end
_own: set[str] = set()


@contextmanager
def scratch_folder(parent: str | None = None) -> Iterator[str]:
    """A new folder of this process, removed at the end.

    Parameters
    ----------
    parent : str, optional
        Where it is made; by default the folder for temporary files.

    Raises
    ------
    RunError
        It cannot be made.
    """
    from filelock import FileLock

    try:
        folder = tempfile.mkdtemp(prefix=PREFIX, dir=parent)
    except OSError as error:
        raise RunError(
            f"There is no room for temporary files: {error.strerror}.",
            where=parent or os.environ.get("TMPDIR"),
            hint="Set TMPDIR to a folder that you may write and that has room.",
        ) from error
    _own.add(folder)
    lock = FileLock(Path(folder, f"{_OWNER}.new"))
    try:
        lock.acquire()
        if sys.platform != "win32":  # seen by others only once it is held
            Path(folder, f"{_OWNER}.new").rename(Path(folder, _OWNER))
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)
        _own.discard(folder)


def remove_own_scratch() -> None:
    """Remove the folders of this process, which is about to end without leaving them."""
    for folder in list(_own):
        shutil.rmtree(folder, ignore_errors=True)


def sweep_scratch() -> None:
    """Remove the folders of this user's processes that are no more (not on Windows)."""
    if sys.platform == "win32":
        return
    from filelock import FileLock, Timeout

    places = {"/tmp"}
    with suppress(OSError):  # there is none that may be written
        places.add(tempfile.gettempdir())
    for place in places:
        for folder in Path(place).glob(f"{PREFIX}*"):
            with suppress(OSError, Timeout):
                if str(folder) in _own or folder.is_symlink() or folder.stat().st_uid != os.getuid():
                    continue
                if (folder / _OWNER).is_file():
                    with FileLock(folder / _OWNER, timeout=0):
                        pass
                elif time.time() - folder.stat().st_mtime < _HALF_MADE:
                    continue
                shutil.rmtree(folder, ignore_errors=True)
