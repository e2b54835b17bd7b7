"""A folder to work in: the notebooks to change, the plans, the sample to try them on. ``kam new FOLDER`` makes one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import mkdtemp

from kam.errors import DataError, UnreadableFileError

PACKAGE = Path(__file__).resolve().parents[1]

README = """\
# Work on key accounts

```
kam run plans/monthly.yaml               # every report on the sample: then open reports/index.html
kam init FILE --name acme                # your data: CSV, Excel, Parquet; writes data/acme/dataset.yaml, each guess explained
kam check acme                           # what is removed and why
kam run 10 -p dataset=acme               # the first report
jupyter lab notebooks                    # the notebooks, to change: dataset = "acme" in the cell of parameters
```

`notebooks/` and `plans/` are yours: kam takes them from here before its own. `kam list` says what can be run.
"""
_IGNORED = "reports/\n.ipynb_checkpoints/\n"


def find_carried(name: str) -> Path:
    """A folder that kam brings along: in the package where it was installed, else in its checkout.

    >>> find_carried("notebooks").name in ("notebooks", "_notebooks")
    True
    """
    carried = PACKAGE / f"_{Path(name).name}"
    return carried if carried.is_dir() else PACKAGE.parent / name


def make_workspace(folder: Path) -> list[str]:
    """Make a folder with the notebooks, the plans and the sample.

    It is made beside its place and moved there in one step: it is whole or not there.

    Parameters
    ----------
    folder : pathlib.Path
        A folder that is not there yet, or is empty.

    Returns
    -------
    list of str
        What is in it: paths from the folder on, in order.

    Raises
    ------
    DataError
        Something is there already: nothing is overwritten.
    UnreadableFileError
        The folder cannot be written.
    """
    folder = Path(os.path.abspath(folder))
    if os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        raise DataError(
            "There is something already; nothing was written.",
            where=str(folder),
            hint="Name a new folder, or an empty one.",
        )
    beside = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(mkdtemp(prefix=f".{folder.name[:40]}-", dir=folder.parent))
        whole = beside / "whole"
        for place in ("notebooks", "plans", "data/sample"):
            ignored = shutil.ignore_patterns(".*", "__pycache__")
            shutil.copytree(find_carried(place), whole / place, ignore=ignored)
        (whole / "README.md").write_text(README, encoding="utf-8")
        (whole / ".gitignore").write_text(_IGNORED, encoding="utf-8")
        written = sorted(path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file())
        whole.rename(folder)  # over an empty folder, too
    except OSError as error:
        raise UnreadableFileError(
            f"The folder cannot be made: {error.strerror}.", where=str(folder), hint="Name one that you may write."
        ) from error
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)
    return written
