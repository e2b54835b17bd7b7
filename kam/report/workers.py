"""Processes that run notebooks side by side, one each: one that dies takes only its own notebook with it."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any

from kam.report.execution import Job, begin_step, serve
from kam.report.manifest import Step
from kam.report.scratch import scratch_folder, sweep_scratch

if TYPE_CHECKING:
    from types import TracebackType

Event = tuple[Job, str, Any]


class Workers:
    """Up to ``n`` processes at a time, each of which runs one notebook.

    They, or the server that forks them, are started ahead, so that their imports run while the caller still checks. Leaving
    the ``with`` ends them, and with them the kernels they have.

    Parameters
    ----------
    n : int
        How many at a time.
    stop_on_failure : bool
        Start nothing more once a notebook has failed.
    retries : int
        How often a notebook that failed is tried again.
    seconds : float, optional
        Limit of all of it, from now on.
    warm : bool
        Start a server from which processes are forked with everything imported; it pays from the second notebook on.
    """

    def __init__(
        self,
        n: int,
        *,
        stop_on_failure: bool = False,
        retries: int = 0,
        seconds: float | None = None,
        warm: bool = True,
    ) -> None:
        self._context, self._warm = _context(warm)
        self._n, self._stop_on_failure, self._retries, self._seconds = n, stop_on_failure, retries, seconds
        self._deadline = time.monotonic() + seconds if seconds else None
        self._stopped = ""
        # A server takes the first order once it has imported everything; until then the caller shall not wait, but check.
        self._ready = [] if self._warm else [self._start() for _ in range(n)]
        self._busy: dict[Connection, tuple[_Worker, Job, float]] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in [*self._ready, *(worker for worker, _, _ in self._busy.values())]:
            worker.end()
        sweep_scratch()

    def run(self, jobs: Sequence[Job], *, before: Mapping[str, str] | None = None) -> Iterator[Event]:
        """Do the jobs, each once those that it waits for have succeeded, else in their order.

        Parameters
        ----------
        jobs : sequence of Job
            What to do.
        before : mapping of str to str
            How earlier steps have ended, by name.

        Yields
        ------
        tuple
            ``(job, "started", None)``, ``(job, "cell", (done, total))`` and at last ``(job, "step", Step)`` for each job;
            a job that is not started only the last.
        """
        waiting, outcome = list(jobs), dict(before or {})
        attempts = {job.name: 0 for job in jobs}
        while waiting or self._busy:
            for job in list(waiting):
                if why := self._stopped or _hindrance(job, outcome):
                    waiting.remove(job)
                    outcome[job.name] = "skipped"
                    yield job, "step", replace(begin_step(job), status="skipped", error=why, attempts=0)
            while len(self._busy) < self._n and (ready := _next(waiting, outcome)):
                waiting.remove(ready)
                attempts[ready.name] += 1
                yield from self._begin(ready, first=attempts[ready.name] == 1)
            for job, kind, content in self._hear():
                if kind != "step":
                    yield job, kind, content
                    continue
                step = replace(content, attempts=attempts[job.name])
                if step.status == "failed" and attempts[job.name] <= self._retries and not self._is_late():
                    _empty(job)
                    waiting.insert(0, job)
                    continue
                outcome[job.name] = step.status
                if step.status == "failed" and self._stop_on_failure:
                    why = f"It was not started, for {job.name} failed and the plan stops at a failure."
                    self._stopped = self._stopped or why
                yield job, "step", step
            if self._is_late() and not self._stopped:
                self._stopped = f"It was not started in the time that the run has: {_minutes(self._seconds)}."

    def beside(self, work: Callable[..., None], *arguments: Any) -> BaseProcess | None:
        """A process beside the last job at work, whose end is the caller's; None where there is no slot, or it does not pay."""
        if not self._warm or self._n < 2 or len(self._busy) != 1:
            return None
        process: BaseProcess = self._context.Process(target=work, args=arguments)
        try:
            process.start()
        except (OSError, EOFError):  # the machine takes no more: the work is done later
            return None
        return process

    def _begin(self, job: Job, *, first: bool) -> Iterator[Event]:
        worker = self._ready.pop() if self._ready else self._start()
        if not worker.take(job):
            worker.end()
            worker = self._start()
            worker.take(job)
        self._busy[worker.connection] = (worker, job, time.monotonic())
        if first:
            yield job, "started", None

    def _hear(self) -> Iterator[Event]:
        """What the processes say, waiting for at least one of them or for the end of the time."""
        left = None if self._deadline is None else max(self._deadline - time.monotonic(), 0.0)
        heard = wait(list(self._busy), left) if self._busy else []
        for ready in heard:
            assert isinstance(ready, Connection)
            worker, job, begun = self._busy[ready]
            try:
                kind, *content = ready.recv()
            except (EOFError, OSError):
                del self._busy[ready]
                worker.end()
                yield job, "step", _died(job, time.monotonic() - begun, worker.process.exitcode)
                continue
            if kind == "step":
                del self._busy[ready]
                worker.end()
                yield job, kind, content[0]
            else:
                yield job, kind, tuple(content)
        if not heard and self._is_late():
            for worker, job, begun in list(self._busy.values()):
                del self._busy[worker.connection]
                worker.end()
                error = f"It was ended, for the run has taken the time it has: {_minutes(self._seconds)}."
                seconds = round(time.monotonic() - begun, 2)
                yield job, "step", replace(begin_step(job), error=error, seconds=seconds)

    def _is_late(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _start(self) -> _Worker:
        mine, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, self._warm))
        process.start()
        theirs.close()
        return _Worker(process, mine)


class _Worker:
    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self.process, self.connection = process, connection

    def take(self, job: Job) -> bool:
        try:
            self.connection.send((job, dict(os.environ)))
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


def _context(warm: bool) -> tuple[Any, bool]:
    """How processes are started, and whether they begin with everything imported.

    On Linux a server is started once that imports what notebooks and reports need, and forks; elsewhere forking is not safe, or
    not there. What a server was started with is not taken over: each job brings its environment.
    """
    if sys.platform != "linux" or not (warm or _folder_of_server.cache_info().currsize):
        return multiprocessing.get_context("spawn"), False
    from kam.report.kernel import fixed_environment

    before, temporary = {name: os.environ.get(name) for name in fixed_environment()}, tempfile.tempdir
    multiprocessing.set_forkserver_preload(["kam.report.warm"])
    os.environ.update(fixed_environment())  # what an interpreter or a library reads when it starts
    try:
        tempfile.tempdir = _folder_of_server()  # its socket: swept if this process is killed
        forkserver.ensure_running()
    finally:
        tempfile.tempdir = temporary
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return multiprocessing.get_context("forkserver"), True


@cache
def _folder_of_server() -> str:
    """A folder of this process, there until it ends."""
    stack = ExitStack()
    folder = stack.enter_context(scratch_folder())
    Finalize(None, stack.close, exitpriority=-200)  # after what multiprocessing has put there
    return folder


def _next(waiting: Sequence[Job], outcome: dict[str, str]) -> Job | None:
    """The first job that waits for nothing more."""
    return next((job for job in waiting if all(name in outcome for name in job.after)), None)


def _hindrance(job: Job, outcome: dict[str, str]) -> str:
    """Why a job will never be started, if so."""
    lost = [name for name in job.after if outcome.get(name) in ("failed", "skipped") and not job.even_if_failed]
    return f"It was not started, for it needs {lost[0]}, which {_TELL[outcome[lost[0]]]}." if lost else ""


_TELL = {"failed": "failed", "skipped": "was not started either"}


def _empty(job: Job) -> None:
    for path in job.folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _minutes(seconds: float | None) -> str:
    return f"{(seconds or 0) / 60:g} minutes"


def _died(job: Job, seconds: float, status: int | None) -> Step:
    how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
    error = f"The process that ran the notebook ended ({how}); it may have run out of memory. Run it again."
    return replace(begin_step(job), seconds=round(seconds, 2), error=error)
