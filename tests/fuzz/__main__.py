"""Damaged files by the ten thousand: ``make fuzz``, ``make fuzz ARGS="20 'text files'"`` (minutes, then kinds).

Prints how many files were tried and how each ended; a file that made something else than a named error is printed, shrunk.
"""

from __future__ import annotations

import faulthandler
import gc
import itertools
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.readers import OUTCOMES, READERS, attempt

BATCH = 50
HANGING = 300
MINUTES = 20.0


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def fuzz(kinds: list[str], minutes: float) -> int:
    """Try batches of files, one kind after the other, until the time is up; the number of bugs found."""
    end, bugs = time.monotonic() + 60 * minutes, set()
    home = Path(tempfile.mkdtemp(prefix="kam-fuzz-"))
    tempfile.tempdir = str(home / "temporary")
    Path(tempfile.tempdir).mkdir()
    numbers = itertools.count()
    for kind in itertools.cycle(kinds):
        if time.monotonic() > end:
            break
        try:
            _make_batch(kind, home, numbers, end + 60)()
        except KeyboardInterrupt:
            break
        except BaseException:  # a panic of Rust is no Exception
            found = traceback.format_exc()
            where = found.strip().splitlines()[-3:]
            if str(where) not in bugs:
                bugs.add(str(where))
                say(f"\n== {kind}\n{found}")
        gc.collect()
        if left := os.listdir(tempfile.tempdir):
            bugs.add(f"{kind}: {left}")
            say(f"\n== {kind}: files are left: {left[:5]}")
            shutil.rmtree(tempfile.tempdir)
            os.mkdir(tempfile.tempdir)
    faulthandler.cancel_dump_traceback_later()
    shutil.rmtree(home)
    return len(bugs)


def _make_batch(kind: str, home: Path, numbers: Iterator[int], end: float) -> Callable[[], None]:
    @seed(random.SystemRandom().getrandbits(64))
    @settings(
        max_examples=BATCH,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(READERS[kind][1])
    def read(content: object) -> None:
        if time.monotonic() > end:
            raise KeyboardInterrupt
        faulthandler.dump_traceback_later(HANGING, exit=True)
        attempt(kind, home / f"file{next(numbers)}", content)

    return read


def main(minutes: str = str(MINUTES), *kinds: str) -> int:
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "Generating overly large repr")
    warnings.filterwarnings("ignore", "The 'future.infer_string' option is deprecated")
    n_bugs = fuzz(list(kinds) or list(READERS), float(minutes))
    for kind in kinds or READERS:
        ends = {outcome: n for (of, outcome), n in sorted(OUTCOMES.items()) if of == kind}
        say(f"{kind}: {sum(ends.values()):,} files; {', '.join(f'{name} {n:,}' for name, n in ends.items())}")
    say(f"{sum(OUTCOMES.values()):,} files, {n_bugs} bugs")
    return 1 if n_bugs else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
