"""The files that a run reads, held to what they were when it began."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kam.errors import RunError

if TYPE_CHECKING:
    from kam.dataset import Dataset

_State = tuple[int, int, int, int]


@dataclass(frozen=True)
class Inputs:
    """The files of a dataset as they were at one moment.

    Attributes
    ----------
    files : dict of pathlib.Path to tuple of int
        Size, times of the last change (of the content, which a copy may set back, and of the entry) and inode of each; a file
        is only read again where one of them differs.
    digests : dict of pathlib.Path to str
        SHA-256 of the content of each.
    """

    files: dict[Path, _State]
    digests: dict[Path, str]

    @property
    def sha256(self) -> str:
        """One digest for all of them."""
        lines = "\n".join(f"{path.name} {digest}" for path, digest in sorted(self.digests.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    def require_unchanged(self) -> None:
        """Look at the files again.

        Raises
        ------
        RunError
            One is gone or has another content.
        """
        for path, state in self.files.items():
            try:
                same = _state(path) == state or _digest(path) == self.digests[path]
            except OSError:
                same = False
            if not same:
                raise RunError(
                    "The data were changed while the run was at work, so that its numbers may not fit together.",
                    where=str(path),
                    hint="Run it again; replace files before a run, or write them beside and rename them.",
                )


def take_inputs(dataset: Dataset) -> Inputs:
    """The state of every file that a dataset reads.

    Raises
    ------
    RunError
        A file cannot be read.
    """
    from kam.dataset import input_files

    files, digests = {}, {}
    for path in input_files(dataset):
        try:
            files[path] = _state(path)
            digests[path] = _digest(path)
        except OSError as error:
            raise RunError(f"A file of the dataset cannot be read: {error.strerror}.", where=str(path)) from error
    return Inputs(files, digests)


def _state(path: Path) -> _State:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
