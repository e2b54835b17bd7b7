"""Processes that do jobs side by side: one that dies takes only its own job with it."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from kam.report.execution import Job, begin_step, serve
from kam.report.manifest import Step

if TYPE_CHECKING:
    from types import TracebackType


class Workers:
    """Up to ``n`` processes, each of which imports what it needs once and then does one job after the other.

    They are started at once, so that their imports run while the caller still checks. Leaving the ``with`` ends them, and with
    them the kernels they have.
    """

    def __init__(self, n: int) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._idle = [self._start() for _ in range(n)]
        self._busy: dict[Connection, tuple[_Worker, Job, float]] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in [*self._idle, *(worker for worker, _, _ in self._busy.values())]:
            worker.end()

    def run(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, str, Any]]:
        """Do the jobs, in their order as processes become free.

        Yields
        ------
        tuple
            ``(job, "started", None)``, ``(job, "cell", (done, total))`` and at last ``(job, "step", Step)`` for each job.
        """
        waiting = list(jobs)
        while waiting or self._busy:
            while waiting and self._idle:
                job, worker = waiting.pop(0), self._idle.pop()
                if not worker.take(job):
                    worker.end()
                    worker = self._start()
                    worker.take(job)
                self._busy[worker.connection] = (worker, job, time.monotonic())
                yield job, "started", None
            for ready in wait(list(self._busy)):
                assert isinstance(ready, Connection)
                worker, job, begun = self._busy[ready]
                try:
                    kind, *content = ready.recv()
                except (EOFError, OSError):
                    del self._busy[ready]
                    worker.end()
                    self._idle.append(self._start())
                    yield job, "step", _died(job, time.monotonic() - begun, worker.process.exitcode)
                    continue
                if kind == "step":
                    del self._busy[ready]
                    self._idle.append(worker)
                    yield job, kind, content[0]
                else:
                    yield job, kind, tuple(content)

    def _start(self) -> _Worker:
        mine, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, mine)


class _Worker:
    def __init__(self, process: multiprocessing.context.SpawnProcess, connection: Connection) -> None:
        self.process, self.connection = process, connection

    def take(self, job: Job) -> bool:
        try:
            self.connection.send(job)
        except OSError:
            return False
        return True

    def end(self) -> None:
        """End the process, politely at first: on a SIGTERM it shuts its kernel down."""
        self.connection.close()
        self.process.terminate()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _died(job: Job, seconds: float, status: int | None) -> Step:
    how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
    error = f"The process that ran the notebook ended ({how}); it may have run out of memory. Run it again."
    return replace(begin_step(job), seconds=round(seconds, 2), error=error)
