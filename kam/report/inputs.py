"""The files and tables of databases that a run reads, held to what they were when it began."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kam.errors import RunError

if TYPE_CHECKING:
    from kam.dataset import Dataset

_State = tuple[int, int, int, int]
_CHANGED = "The data were changed while the run was at work, so that its numbers may not fit together."


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
    dataset : pathlib.Path, optional
        The ``dataset.yaml``, to open the tables of databases again.
    tables : dict of str to str
        Digest of each table that lies in a database, by its name in the dataset.
    """

    files: dict[Path, _State]
    digests: dict[Path, str]
    dataset: Path | None = None
    tables: dict[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """One digest for all of them."""
        lines = [f"{path.name} {digest}" for path, digest in sorted(self.digests.items())]
        lines += [f"{name} {digest}" for name, digest in sorted(self.tables.items())]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def require_unchanged(self, *, tables: bool = True) -> None:
        """Look at the files again, and at the tables of databases.

        Parameters
        ----------
        tables : bool
            Whether at those, too: each takes its database a scan.

        Raises
        ------
        RunError
            One is gone or has another content.
        DataError
            A database cannot be reached any more.
        """
        for path, state in self.files.items():
            try:
                same = _state(path) == state or _digest(path) == self.digests[path]
            except OSError:
                same = False
            if not same:
                raise RunError(
                    _CHANGED,
                    where=str(path),
                    hint="Run it again; replace files before a run, or write them beside and rename them.",
                )
        if not tables or not self.tables or self.dataset is None:
            return
        from kam.dataset import fingerprint_relations, open_dataset

        found = fingerprint_relations(open_dataset(self.dataset))
        for name, digest in self.tables.items():
            if found.get(name) != digest:
                hint = "Run it again when nothing is loaded, or on a copy that stands still (a materialized view)."
                raise RunError(_CHANGED, where=f"the table {name}, in its database", hint=hint)


def take_inputs(dataset: Dataset) -> Inputs:
    """The state of every file and of every table of a database that a dataset reads.

    Raises
    ------
    RunError
        A file cannot be read.
    DataError
        A database cannot.
    """
    from kam.dataset import fingerprint_relations, input_files

    files, digests = {}, {}
    for path in input_files(dataset):
        try:
            files[path] = _state(path)
            digests[path] = _digest(path)
        except OSError as error:
            raise RunError(f"A file of the dataset cannot be read: {error.strerror}.", where=str(path)) from error
    return Inputs(files, digests, dataset.path, fingerprint_relations(dataset))


def _state(path: Path) -> _State:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
