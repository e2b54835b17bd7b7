"""Who is told how a run ended: a command of the user's, with the facts as JSON on its standard input (docs/runs.md).

The command is started as it is (references to secrets in it are resolved), without a shell, with the caller's environment, and
has a minute. What goes wrong with it changes nothing about the run: it becomes a note.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from kam.dataset.secrets import resolve
from kam.dataset.yaml_files import MAX_BYTES, Loader
from kam.errors import KamError, ParameterError, ResultsError, SecretError
from kam.redaction import redact, redact_all
from kam.report.console import write_json
from kam.report.history import Record, published_record
from kam.report.manifest import Step, read_manifest
from kam.report.notebook import folder_name
from kam.report.plan import Notification, is_plan

SCHEMA_VERSION = 1
SECONDS = 60.0
"""How long the command may take."""

UNTOLD = ".untold"
"""File in the folder of a run whose end nobody was told of yet."""

Event = Literal["finished", "not started", "broken off", "cut off"]


def parse_command(text: str) -> Notification:
    """The notification that a command on the command line means: words as a shell would split them, told of failures.

    >>> parse_command("mail -s 'kam failed' me").command
    ('mail', '-s', 'kam failed', 'me')

    Raises
    ------
    ParameterError
        It is empty, or a quote is not closed.
    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise ParameterError(f"The command {text!r} cannot be read: {str(error).lower()}.") from error
    if not words:
        raise ParameterError("There is no command to notify.", hint='Write it as --notify "mail-to kam@example.com".')
    return Notification(command=words)


@contextmanager
def tell_if_refused(
    what: Sequence[str], notification: Notification | None, *, root: Path, name: str | None = None
) -> Iterator[None]:
    """Tell of an error that comes before there is a plan: it cannot be read, or a parameter is wrong.

    Parameters
    ----------
    what : sequence of str
        What is to be run, as it was typed.
    notification : Notification, optional
        As it was typed; else what the plan says counts, as far as that can be read.
    root : pathlib.Path
        The reports folder.
    name : str, optional
        Name of the run, as it was typed.
    """
    try:
        yield
    except KamError as error:
        written, in_file = _glance(next(filter(is_plan, what), None))
        plan = name or written or (Path(what[0]).stem if len(what) == 1 else "adhoc")
        Notifier(notification or in_file, plan=folder_name(plan), root=root).tell_error(error)
        raise


class Notifier:
    """Tells of one run.

    Parameters
    ----------
    notification : Notification, optional
        The command and when it is called; without one nobody is told.
    plan : str
        Name of the plan.
    root : pathlib.Path
        The reports folder.
    """

    def __init__(self, notification: Notification | None, *, plan: str, root: Path) -> None:
        self._notification, self._plan, self._root = notification, plan, root
        self._begun = datetime.now(UTC).replace(microsecond=0)
        self.run_id: str | None = None
        """Set once the first step may start."""
        self.notes: list[str] = []
        """What went wrong with the command."""

    def prepare(self, folder: Path) -> None:
        """Mark a run, before it is published, as one that nobody was told of yet."""
        if self._notification:
            (folder / UNTOLD).touch()

    def tell_run(self, record: Record) -> None:
        """Of a run that is over and published, once: of two that would tell the one that takes the mark away does."""
        try:
            (record.folder / UNTOLD).unlink()
        except FileNotFoundError:
            return
        except OSError:  # better twice than never
            pass
        self._tell(self._facts("finished", record))

    def tell_earlier(self) -> None:
        """Of runs of the plan that were published, and killed before they could tell."""
        for mark in sorted(self._root.glob(f"[!.]*/{UNTOLD}")):
            with suppress(ResultsError):  # it is damaged, as the index says
                run = read_manifest(mark.parent)
                if run.plan == self._plan:
                    self.tell_run(published_record(run, self._root))

    def tell_cut_off(self, record: Record) -> None:
        """Of an earlier run that was cut off and could not tell."""
        why = "The run was cut off before it ended: its process was killed, or the machine went down."
        self._tell(self._facts("cut off", record, error=why))

    def tell_error(self, error: Exception) -> None:
        """Of what kept the run from starting, or ended it before it was published; what goes wrong is added to the error."""
        event: Event = "broken off" if self.run_id else "not started"
        said = str(error) if isinstance(error, KamError) else f"{type(error).__name__}: {error}"
        self._tell(self._facts(event, error=said))
        for note in self.notes:
            error.add_note(note)

    def _facts(self, event: Event, record: Record | None = None, *, error: str | None = None) -> dict[str, Any]:
        """What the command gets."""
        index = self._root / "index.html"
        steps = record.steps if record else ()
        context = record.dataset if record else None
        published = record is not None and event == "finished"
        failed = [step for step in steps if step.status != "succeeded"]
        finished = record.finished if record else datetime.now(UTC).replace(microsecond=0)
        started = record.started if record else self._begun
        return {
            "schema_version": SCHEMA_VERSION,
            "event": event,
            "summary": _sum_up(self._plan, event, steps, failed, error),
            "run_id": record.run_id if record else self.run_id,
            "plan": self._plan,
            "status": "succeeded" if record and record.state == "succeeded" else "failed",
            "started": started,
            "finished": finished,
            "seconds": (finished - started).total_seconds() if finished and started else None,
            "dataset": context and context.dataset,
            "as_of": context and context.as_of,
            "fingerprint": context and context.fingerprint,
            "steps": record.counts if record else None,
            "failed": [
                {"step": step.name, "title": step.title, "status": step.status, "error": step.error} for step in failed
            ],
            "error": error,
            "warnings": record.manifest.warnings if record and record.manifest else (),
            "folder": str(record.folder) if record and published else None,
            "index": str(index) if index.is_file() else None,
        }

    def _tell(self, facts: dict[str, Any]) -> None:
        notification = self._notification
        if notification and (notification.on == "always" or facts["status"] == "failed"):
            try:
                command = [resolve(word, where=f"notify.command of {self._plan}") for word in notification.command]
                content = write_json(redact_all(facts)) + "\n"
                problem = call_command(command, content.encode())
            except SecretError as error:
                problem = str(error)
            if problem:
                self.notes.append(f"Nobody was notified: {redact(problem)}")


def call_command(command: Sequence[str], content: bytes, *, seconds: float = SECONDS) -> str:
    """Start a command with this on its standard input, and wait for it.

    What it prints is dropped; of a command that fails the last line is told. One that takes too long is ended, with what it has
    started.

    Returns
    -------
    str
        What went wrong; empty if nothing did.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return f"{command[0]} could not be started: {getattr(error, 'strerror', None) or error}."
    with process:
        try:
            output, _ = process.communicate(content, timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            return f"{command[0]} took longer than it may: {seconds:g} seconds."
        except BaseException:
            _end(process)
            raise
    if process.returncode == 0:
        return ""
    lines = output.decode("utf-8", "replace").strip().splitlines()
    said = f": {lines[-1].strip()[:300]}" if lines else ""
    return f"{command[0]} ended with status {process.returncode}{said.rstrip('.')}."


def _glance(plan: str | None) -> tuple[str | None, Notification | None]:
    """Name and notification of a plan, also where it cannot be run for other reasons."""
    import yaml
    from pydantic import ValidationError

    try:
        with open(plan or "", encoding="utf-8-sig") as file:
            content = yaml.load(file.read(MAX_BYTES), Loader)  # a safe one, to which `on` is no truth value
        notification = Notification.model_validate(content["notify"]) if content.get("notify") else None
    except (OSError, ValueError, AttributeError, yaml.YAMLError, ValidationError, RecursionError):
        return None, None
    return (content["name"] if isinstance(content.get("name"), str) else None), notification


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and what it has started, so that nobody holds its output open."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _sum_up(plan: str, event: Event, steps: Sequence[Step], failed: Sequence[Step], error: str | None) -> str:
    """One sentence for the subject of a mail."""
    n = len(steps)
    if event == "finished":
        reports = f"the only report of {plan}" if n == 1 else f"{len(failed)} of {n} reports of {plan}"
        if failed:
            return f"kam: {reports} failed."
        return f"kam: {plan} succeeded, {n} {'report' if n == 1 else 'reports'}."
    if event == "cut off":
        return f"kam: a run of {plan} was cut off."
    return f"kam: {plan} {'was broken off' if event == 'broken off' else 'did not start'}: {error}"
