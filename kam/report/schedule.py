"""Plans by the clock: units for systemd, or a line for cron, that call ``kam run``.

:func:`write_units` and :func:`write_crontab` make texts; nothing on the machine is changed by them. Both name every path in full,
that of this environment's ``kam`` too, so that they mean the same at night as on the day they were made.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Literal, get_args

from kam.dataset.yaml_files import nearest
from kam.errors import ParameterError, RunError
from kam.report.plan import Plan

Every = Literal["day", "weekday", "week", "month"]
"""How often: every day, Monday to Friday, once a week, once a month."""

SECRETS = "kam/secrets.env"
"""Where the units look for passwords, in the user's folder of settings."""
MARGIN = 600
"""Seconds that a run may take beyond its own limit, to read the data and to write the tables, before systemd ends it."""

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LONGEST_LINE = 998  # what the cron of Debian takes, in bytes


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When a plan runs.

    Attributes
    ----------
    at : datetime.time
        Hour and minute.
    every : str
        ``day``, ``weekday``, ``week`` or ``month``.
    day : int, optional
        The day of the month (1 to 28) or of the week (1 is Monday); None where there is none to choose.
    time_zone : str, optional
        As ``Asia/Seoul``; None for that of the machine.
    """

    at: time
    every: Every
    day: int | None = None
    time_zone: str | None = None

    @property
    def calendar(self) -> str:
        """As systemd writes it.

        >>> read_timing(at="6:00", every="week", time_zone="Asia/Seoul").calendar
        'Mon *-*-* 06:00:00 Asia/Seoul'
        """
        day = self.day or 1
        match self.every:
            case "day":
                date = "*-*-*"
            case "weekday":
                date = "Mon..Fri *-*-*"
            case "week":
                date = f"{_WEEKDAYS[day - 1][:3]} *-*-*"
            case "month":
                date = f"*-*-{day:02d}"
        return " ".join(filter(None, (date, f"{self.at:%H:%M}:00", self.time_zone)))

    @property
    def crontab(self) -> str:
        """The five fields of a crontab; they do not hold the time zone.

        >>> read_timing(at="18:30", every="month", on="15").crontab
        '30 18 15 * *'
        """
        day = self.day or 1
        days = {"day": "* * *", "weekday": "* * 1-5", "week": f"* * {day % 7}", "month": f"{day} * *"}
        return f"{self.at.minute} {self.at.hour} {days[self.every]}"


def read_timing(*, at: str, every: str, on: str | None = None, time_zone: str | None = None) -> Timing:
    """Read and check when a plan is to run.

    Parameters
    ----------
    at : str
        Hour and minute, as ``06:00``.
    every : str
        ``day``, ``weekday`` (Monday to Friday), ``week`` or ``month``.
    on : str, optional
        With ``week`` the day's name in English, by default Monday; with ``month`` its number, by default 1.
    time_zone : str, optional
        A name of the IANA data base, as ``Europe/Berlin``; by default the machine's time.

    Returns
    -------
    Timing

    Raises
    ------
    ParameterError
        One of them is not of the kind described.
    """
    try:
        clock = datetime.strptime(at, "%H:%M").time()
    except ValueError:
        raise ParameterError(f"--at {at!r} is no time of the day.", hint="Write it as 06:00 or 18:30.") from None
    kinds = {kind: kind for kind in get_args(Every)}
    if every not in kinds:
        raise ParameterError(
            f"--every {every!r} is not known.", hint=f"{nearest(every, kinds)}Give one of {', '.join(kinds)}."
        )
    return Timing(at=clock, every=kinds[every], day=_read_day(every, on), time_zone=_read_zone(time_zone))


def write_units(
    plan: Plan, path: str | os.PathLike[str], timing: Timing, *, out: str | os.PathLike[str] = "reports"
) -> dict[str, str]:
    """A service and a timer for systemd, to be run as the user who installs them.

    Systemd ends the service only where the plan's own limit has not: ``MARGIN`` seconds after it, or after the time of two runs
    where the plan waits for another run of it. The timer makes up for a run that was missed while the machine was off.

    Parameters
    ----------
    plan : Plan
        The plan that stands in ``path``, read from the working folder.
    path, out : path
        The plan's file and the reports folder, seen from the working folder; the units run in that folder.
    timing : Timing
        From :func:`read_timing`.

    Returns
    -------
    dict
        Text by name of the file: first ``kam-<plan>.service``, then ``kam-<plan>.timer``.

    Raises
    ------
    ParameterError
        A path cannot be written down.
    """
    name = schedule_name(plan)
    program, *arguments = _command(path, out)
    if re.search(r"['\"\\]", program):  # systemd takes no such program, however it is written
        program, arguments = "/bin/sh", ["-c", 'exec "$0" "$@"', program, *arguments]
    words = [_unit_word(program), *(_unit_word(word).replace("$", "$$") for word in arguments)]
    limit = "infinity"
    if plan.run_seconds:
        limit = f"{(plan.run_seconds + MARGIN) * (2 if plan.wait else 1):.0f}"
    service = f"""\
[Unit]
Description=kam: plan {plan.name}

[Service]
Type=oneshot
WorkingDirectory={_folder().replace("%", "%%")}/
# Passwords that dataset.yaml takes from the environment, NAME=value, one a line; nobody else may read the file:
#   install -Dm600 /dev/null ~/.config/{SECRETS}
EnvironmentFile=-%E/{SECRETS}
ExecStart={" ".join(words)}
TimeoutStartSec={limit}
"""
    timer = f"""\
[Unit]
Description=kam: when plan {plan.name} runs

[Timer]
OnCalendar={timing.calendar}
Persistent=true

[Install]
WantedBy=timers.target
"""
    return {f"{name}.service": service, f"{name}.timer": timer}


def write_crontab(
    plan: Plan, path: str | os.PathLike[str], timing: Timing, *, out: str | os.PathLike[str] = "reports"
) -> dict[str, str]:
    """A line for cron, with a remark on what cron does not do by itself.

    What the run prints is added to ``kam-<plan>.log`` in the working folder; when it fails, the end of that is printed, and cron
    sends it by mail where the machine can send any.

    Parameters
    ----------
    plan, path, timing, out
        As for :func:`write_units`.

    Returns
    -------
    dict
        Text by name of the file: ``kam-<plan>.crontab``.

    Raises
    ------
    ParameterError
        A path cannot be written down, or the line becomes longer than cron takes.
    """
    name = schedule_name(plan)
    run = " ".join(_cron_word(word) for word in _command(path, out))
    line = f"{timing.crontab} cd {_cron_word(_folder())} && {{ {run} >> {name}.log 2>&1 || tail -n 20 {name}.log; }}"
    if len(line.encode()) > _LONGEST_LINE:
        raise ParameterError(
            f"The line for cron would be longer than the {_LONGEST_LINE} bytes that it takes.",
            hint="Use shorter paths, or --systemd.",
        )
    remarks = [f"# {name}: passwords that dataset.yaml takes from the environment go above the line, as NAME=value."]
    if timing.time_zone:
        remarks += [
            "# CRON_TZ holds for all lines below it. The cron of Debian and Ubuntu does not know it and goes by the machine's",
            f"# time (timedatectl): there the machine has to be in {timing.time_zone}, or take --systemd.",
            f"CRON_TZ={timing.time_zone}",
        ]
    return {f"{name}.crontab": "\n".join([*remarks, line, ""])}


def explain_enabling(files: Mapping[str, str], folder: Path | None = None) -> list[str]:
    """What to type so that the texts take effect.

    Parameters
    ----------
    files : mapping
        From :func:`write_units` or :func:`write_crontab`.
    folder : pathlib.Path, optional
        Where they were written; by default nowhere: then they have to be put where they belong first.
    """
    names = list(files)
    paths = [shlex.quote(os.path.join(os.path.abspath(folder), name)) for name in names] if folder else []
    if len(names) == 1:
        if not folder:
            return ["# To switch it on, add the lines with: crontab -e"]
        return ["# To switch it on:", f"(crontab -l 2>/dev/null; cat {paths[0]}) | crontab -"]
    service, timer = names
    lines = ["# To switch it on:"]
    if not folder:
        lines = ["# To switch it on, give --to ~/.config/systemd/user, then:"]
    elif not _is_unit_folder(folder):
        lines.append(f"systemctl --user link {' '.join(paths)}")
    return [
        *lines,
        "systemctl --user daemon-reload",
        f"systemctl --user enable --now {timer}",
        "# So that it runs while nobody is logged in:",
        "loginctl enable-linger",
        "# To try it now, and to read what it says:",
        f"systemctl --user start {service}",
        f"journalctl --user -u {service}",
    ]


def save_files(files: Mapping[str, str], folder: Path, *, force: bool = False) -> list[Path]:
    """Write texts into a folder, which is made if needed.

    Parameters
    ----------
    files : mapping
        Text by name.
    folder : pathlib.Path
        Where to.
    force : bool
        Whether files that are there are replaced. Without it, nothing is written if one of them is.

    Raises
    ------
    RunError
        A file is there already, or the folder cannot be written.
    """
    paths = [folder / name for name in files]
    there = [path for path in paths if os.path.lexists(path)]
    if there and not force:
        raise RunError(
            f"{there[0].name} is there already.",
            where=str(folder),
            hint="Give --force to replace it, or another folder; a plan of the same name needs another name: in its file.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, files.values(), strict=True):
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunError(f"The files cannot be written: {error.strerror}.", where=str(folder)) from error
    return paths


def schedule_name(plan: Plan) -> str:
    """The name of the units: the plan's, as far as systemd takes the letters; a mark tells apart what becomes the same.

    >>> schedule_name(Plan(name="monthly", steps=()))
    'kam-monthly'
    >>> schedule_name(Plan(name="월간", steps=()))
    'kam-_-52a46af1'
    """
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", plan.name)
    mark = "" if plain == plan.name else f"-{hashlib.sha256(plan.name.encode()).hexdigest()[:8]}"
    return f"kam-{plain}{mark}"


# -- inside ----------------------------------------------------------------------------------------------------------


def _read_day(every: str, on: str | None) -> int | None:
    if every == "week":
        asked = "monday" if on is None else on.strip().casefold()
        for number, name in enumerate(_WEEKDAYS, 1):
            if asked in (name.casefold(), name[:3].casefold()):
                return number
        raise ParameterError(f"--on {on!r} is no day of the week.", hint=f"Give one of {', '.join(_WEEKDAYS)}.")
    if every == "month":
        asked = "1" if on is None else on.strip()
        if re.fullmatch("0?[1-9]|1[0-9]|2[0-8]", asked):
            return int(asked)
        raise ParameterError(f"--on {on!r} is no day that every month has.", hint="Give a number from 1 to 28.")
    if on is not None:
        raise ParameterError(f"--on {on!r} has no meaning with --every {every}.", hint="Use --every week or month.")
    return None


def _read_zone(name: str | None) -> str | None:
    from zoneinfo import available_timezones

    if name is None or name in (known := available_timezones()):
        return name
    guess = nearest(name, sorted(known))
    raise ParameterError(f"There is no time zone {name!r}.", hint=f"{guess}Write it as Europe/Berlin or Asia/Seoul.")


def _folder() -> str:
    return _writable(os.getcwd())


def _command(path: str | os.PathLike[str], out: str | os.PathLike[str]) -> list[str]:
    """``kam run`` with every path in full."""
    program = shutil.which("kam", path=sysconfig.get_path("scripts"))
    start = [program] if program else [sys.executable, "-m", "kam"]
    return [_writable(word) for word in [*start, "run", os.path.abspath(path), "--out", os.path.abspath(out)]]


def _writable(path: str) -> str:
    """The path, if a text file can hold it."""
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", path):
        raise ParameterError("A path holds a control character or bytes that are no text.", where=repr(path))
    return path


def _unit_word(text: str) -> str:
    """A word of a command as systemd reads it: in quotes where needed, with nothing left that it would replace."""
    text = text.replace("%", "%%")
    if re.fullmatch(r"[\w%$@+=:,./-]+", text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _cron_word(text: str) -> str:
    r"""A word of a command as the shell reads it after cron, to which % is a line break and \% is %.

    >>> print(_cron_word("/a b/50% x"))
    '/a b/50'\%' x'
    """
    return r"\%".join(shlex.quote(part) if part else "" for part in text.split("%"))


def _is_unit_folder(folder: Path) -> bool:
    settings = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return os.path.realpath(folder) == os.path.realpath(os.path.join(settings, "systemd", "user"))
