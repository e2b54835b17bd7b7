"""Say what takes long: a line when a step has taken ten seconds, and one when it is done."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

PATIENCE = 10.0
"""Seconds before anything is said."""

_LOG = logging.getLogger("kam.ledger")


@contextmanager
def step(what: str) -> Iterator[None]:
    """Do something that may take long.

    The lines go to the log ``kam.ledger`` where messages of level INFO are wanted, else to the standard error that the process
    began with: a terminal and a scheduler's log show them, and what a notebook shows, and so a report, is the same however long
    it took. Who wants them in a notebook: ``logging.basicConfig(level="INFO")``.

    Parameters
    ----------
    what : str
        What is done, such as "cleaning orders.parquet".

    Examples
    --------
    >>> with step("adding"):  # soon done: nothing is said
    ...     1 + 1
    2
    """
    begun, was_said = perf_counter(), threading.Event()

    def say_so() -> None:
        was_said.set()
        _say(f"{what} ...")

    timer = threading.Timer(PATIENCE, say_so)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if was_said.is_set():
            _say(f"{what}: {perf_counter() - begun:.0f} s")


def _say(line: str) -> None:
    if _LOG.isEnabledFor(logging.INFO):
        _LOG.info(line)
    elif sys.__stderr__ is not None:
        print(f"kam: {line}", file=sys.__stderr__, flush=True)
