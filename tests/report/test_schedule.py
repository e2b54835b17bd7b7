"""What systemd, cron and a shell make of the texts; systemd and Debian's cron are asked themselves (cron in tests/real)."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from kam import cli
from kam.errors import ParameterError, RunError
from kam.report import plan as plans
from kam.report import schedule
from kam.report.schedule import Timing, explain_enabling, read_timing, save_files, write_crontab, write_units

SUCCEEDS = Path(__file__).parents[1] / "notebooks" / "succeeds.ipynb"
SYSTEMD = Path("/lib/systemd/systemd")
NEEDS_SYSTEMD = pytest.mark.skipif(
    not shutil.which("systemd-analyze") or not SYSTEMD.exists(), reason="systemd is not installed"
)
HOSTILE = ["plain", "two words ", "50% of 100%", "Bob's", 'a "b"', "$HOME ${x} `id`", "고객 客户", r"a\%b\\%", ";# &&"]
# Systemd shows what it reads to anybody but root.
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []} if hasattr(os, "getuid") and os.getuid() == 0 else {}


@pytest.fixture(params=HOSTILE)
def project(request, tmp_path, monkeypatch):
    """A folder of that name with a plan of that name, and a ``kam`` beside it which says where it is and what it was given."""
    folder = tmp_path / request.param
    folder.mkdir()
    program = folder / "kam"
    program.write_text('#!/bin/sh\npwd\nprintf "%s\\n" "$@"\nexit ${KAM_STATUS:-0}\n', encoding="utf-8")
    program.chmod(0o755)
    (folder / f"{request.param}.yaml").write_text(f"steps: [{{notebook: '{SUCCEEDS}'}}]", encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(schedule.sysconfig, "get_path", lambda _: str(folder))
    return folder


def read_plan(project):
    path = f"{project.name}.yaml"
    return plans.read_plan(path), path


def tiny(**rules):
    return plans.Plan(name="night", steps=(), **rules)


# -- when ------------------------------------------------------------------------------------------------------------

TIMINGS = [
    (("06:00", "day", None), ["23 06:00", "24 06:00", "25 06:00"]),
    (("6:00", "weekday", None), ["23 06:00", "24 06:00", "25 06:00", "26 06:00", "27 06:00", "30 06:00"]),
    (("18:05", "week", None), ["23 18:05", "30 18:05"]),
    (("18:05", "week", "Sunday"), ["29 18:05"]),
    (("00:00", "week", "SAT"), ["28 00:00"]),
    (("23:59", "month", "28"), ["28 23:59"]),
]


@pytest.mark.parametrize(("asked", "runs"), TIMINGS, ids=lambda value: " ".join(map(str, value)))
def test_cron_runs_when_it_is_meant_to(asked, runs):
    at, every, on = asked
    timing = read_timing(at=at, every=every, on=on)
    found = islice(CronSim(timing.crontab, datetime(2026, 11, 22, 20)), len(runs))
    assert [f"{moment:%d %H:%M}" for moment in found] == runs


@NEEDS_SYSTEMD
@pytest.mark.parametrize(("asked", "runs"), TIMINGS, ids=lambda value: " ".join(map(str, value)))
def test_systemd_runs_when_it_is_meant_to(asked, runs):
    at, every, on = asked
    timing = read_timing(at=at, every=every, on=on, time_zone="Asia/Seoul")
    command = ["systemd-analyze", "calendar", timing.calendar, f"--iterations={len(runs)}"]
    command.append("--base-time=2026-11-22 11:00:00 UTC")
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"TZ": "Asia/Seoul"})
    moments = re.findall(r"(?:elapse|Iter\. #\d+): \w+ 2026-11-(\d\d \d\d:\d\d):00", said.stdout)
    assert moments == runs


def test_the_first_of_the_month_is_the_default():
    timing = read_timing(at="06:00", every="month")
    assert [moment.day for moment in islice(CronSim(timing.crontab, datetime(2026, 1, 2)), 12)] == [1] * 12
    assert timing.calendar == "*-*-01 06:00:00"


def test_an_hour_of_the_morning_stays_when_the_clocks_change():
    zone = ZoneInfo("Europe/Berlin")
    timing = read_timing(at="06:00", every="day", time_zone="Europe/Berlin")
    moments = list(islice(CronSim(timing.crontab, datetime(2026, 3, 27, 12, tzinfo=zone)), 3))
    assert [moment.hour for moment in moments] == [6, 6, 6]
    assert len({moment.utcoffset() for moment in moments}) == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"at": "24:00"}, "--at '24:00' is no time"),
        ({"at": "6"}, "Write it as 06:00"),
        ({"at": "06:00\nExecStart=/bin/sh"}, "is no time"),
        ({"every": "weekly"}, "Did you mean 'week'?"),
        ({"every": "month", "on": "31"}, "no day that every month has"),
        ({"every": "month", "on": "0"}, "no day that every month has"),
        ({"every": "month", "on": "monday"}, "Give a number from 1 to 28"),
        ({"every": "week", "on": "1"}, "no day of the week"),
        ({"every": "week", "on": "o"}, "no day of the week"),
        ({"every": "week", "on": ""}, "no day of the week"),
        ({"every": "day", "on": "monday"}, "has no meaning"),
        ({"time_zone": "Asia/Soul"}, "Did you mean 'Asia/Seoul'?"),
        ({"time_zone": "UTC\nX=1"}, "no time zone"),
    ],
)
def test_a_wrong_time_is_refused(wrong, said):
    with pytest.raises(ParameterError, match=re.escape(said)):
        read_timing(**{"at": "06:00", "every": "day"} | wrong)


# -- systemd ---------------------------------------------------------------------------------------------------------


def ask_systemd(files):
    """The units as systemd itself has read them: ``Name: value`` by unit."""
    shown = Path(tempfile.mkdtemp(dir="/tmp"))  # TMPDIR may lie where another user does not get in
    shown.chmod(0o755)
    try:
        units = shown / "systemd" / "user"
        save_files(files, units)
        for target, name in zip(("default", "timers"), files, strict=True):
            (units / f"{target}.target.wants").mkdir()
            (units / f"{target}.target.wants" / name).symlink_to(units / name)
        run = shown / "run"
        run.mkdir()
        run.chmod(0o777)
        env = {
            "PATH": os.environ["PATH"],
            "XDG_CONFIG_HOME": str(shown),
            "XDG_RUNTIME_DIR": str(run),
            "HOME": str(shown),
        }
        paths = [str(units / name) for name in files]
        verified = subprocess.run(
            ["systemd-analyze", "verify", "--user", *paths], env=env, capture_output=True, text=True, check=False
        )
        assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
        said = subprocess.run(
            [SYSTEMD, "--test", "--user"], env=env, capture_output=True, text=True, check=False, cwd="/", **NOBODY
        )
        assert said.returncode == 0, said.stderr
    finally:
        shutil.rmtree(shown)
    found = {}
    for block in said.stdout.split("-> Unit ")[1:]:
        name, _, rest = block.partition(":\n")
        found[name] = dict(re.findall(r"^\s+([A-Za-z ]+): (.*)$", rest, re.MULTILINE))
    return found


@NEEDS_SYSTEMD
def test_systemd_reads_what_was_meant(project):
    plan, path = read_plan(project)
    timing = read_timing(at="06:00", every="week", time_zone="Asia/Seoul")
    files = write_units(plan, path, timing, out="reports 50%")
    service, timer = (ask_systemd(files)[name] for name in files)
    shown = subprocess.check_output(["/bin/sh", "-c", rf"printf '%s\n' {service['Command Line']}"], text=True)
    command = shown.replace("$$", "$").splitlines()
    program = str(project / "kam")
    start = command.index(program)
    assert command[start:] == [program, "run", str(project / path), "--out", str(project / "reports 50%")]
    assert command[:start] in ([], ["/bin/sh", "-c", 'exec "$0" "$@"'])
    assert service["WorkingDirectory"] == str(project)
    assert service["Description"] == f"kam: plan {plan.name}"
    assert (service["Type"], service["TimeoutStartSec"], service["KillMode"]) == (
        "oneshot",
        "infinity",
        "control-group",
    )
    assert service["EnvironmentFile"].startswith("-/") and service["EnvironmentFile"].endswith("/kam/secrets.env")
    assert (timer["OnCalendar"], timer["Persistent"]) == ("Mon *-*-* 06:00:00 Asia/Seoul", "yes")
    assert timer["Unit"] == next(iter(files))


@pytest.mark.parametrize(
    ("rules", "seconds"),
    [({}, "infinity"), ({"run_seconds": 3600.0}, "4200"), ({"run_seconds": 3600.0, "wait": True}, "8400")],
)
def test_systemd_ends_a_run_after_its_own_limit(rules, seconds):
    service, _ = write_units(tiny(**rules), "night.yaml", read_timing(at="06:00", every="day")).values()
    assert f"\nTimeoutStartSec={seconds}\n" in service


def test_units_of_two_plans_have_two_names_that_systemd_takes():
    names = [
        schedule.schedule_name(plans.Plan(name=name, steps=())) for name in ("월간", "주간", "_", "a.b-c", "A" * 80)
    ]
    assert len(set(names)) == 5
    assert all(re.fullmatch(r"kam-[A-Za-z0-9_.-]{1,90}", name) for name in names)


# -- cron ------------------------------------------------------------------------------------------------------------


def as_cron_reads_it(files):
    """The command of the line, as crontab(5) says: % ends it, but for a backslash that goes away."""
    (text,) = files.values()
    *_, line = text.splitlines()
    command = line.split(" ", 5)[5]
    assert not re.search(r"(?<!\\)%", command)
    return command.replace(r"\%", "%")


def test_the_shell_runs_what_was_meant(project):
    plan, path = read_plan(project)
    files = write_crontab(plan, path, read_timing(at="06:00", every="day"), out="reports 50%")
    command = as_cron_reads_it(files)
    log = project / f"{schedule.schedule_name(plan)}.log"
    for status in (0, 1):
        env = {"PATH": "/usr/bin:/bin", "KAM_STATUS": str(status)}
        done = subprocess.run(["/bin/sh", "-c", command], cwd="/", env=env, capture_output=True, text=True, check=True)
        wanted = [str(project), "run", str(project / path), "--out", str(project / "reports 50%")]
        assert log.read_text(encoding="utf-8").splitlines() == wanted * (status + 1)
        assert done.stdout.splitlines() == wanted * (2 * status), "cron mails what is printed: nothing, or a failure"
        assert done.stderr == ""


def test_a_time_zone_stands_above_the_line_with_what_it_needs():
    (text,) = write_crontab(tiny(), "night.yaml", read_timing(at="06:00", every="day", time_zone="Asia/Seoul")).values()
    *remarks, zone, line = text.splitlines()
    assert zone == "CRON_TZ=Asia/Seoul" and line.startswith("0 6 * * * cd ")
    assert "Debian" in "".join(remarks) and all(remark.startswith("#") for remark in remarks)


def test_a_line_that_cron_would_cut_is_refused():
    with pytest.raises(ParameterError, match="longer than the 998 bytes"):
        write_crontab(tiny(), "n" * 900, read_timing(at="06:00", every="day"))


@pytest.mark.parametrize("write", [write_units, write_crontab])
@pytest.mark.parametrize("path", ["a\nExecStart=/bin/sh", "a\rb", "a\x85b", "a\udcffb"])
def test_a_path_that_would_break_a_line_is_refused(write, path):
    with pytest.raises(ParameterError, match="control character"):
        write(tiny(), path, read_timing(at="06:00", every="day"))


def test_without_a_script_python_itself_is_called(monkeypatch, tmp_path):
    monkeypatch.setattr(schedule.sysconfig, "get_path", lambda _: str(tmp_path))
    (line,) = write_crontab(tiny(), "night.yaml", Timing(at=datetime.min.time(), every="day")).values()
    assert f"{shlex.quote(sys.executable)} -m kam run " in line


# -- files and the command -------------------------------------------------------------------------------------------


def test_files_are_replaced_only_when_asked(tmp_path):
    save_files({"b": "kept"}, tmp_path / "new")
    with pytest.raises(RunError, match="b is there already"):
        save_files({"a": "1", "b": "2"}, tmp_path / "new")
    assert {path.name: path.read_text() for path in (tmp_path / "new").iterdir()} == {"b": "kept"}
    save_files({"a": "1", "b": "2"}, tmp_path / "new", force=True)
    assert {path.name: path.read_text() for path in (tmp_path / "new").iterdir()} == {"a": "1", "b": "2"}
    with pytest.raises(RunError, match="cannot be written"):
        save_files({"c": ""}, tmp_path / "new" / "a")


def test_units_elsewhere_are_linked_first(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    files = {"kam-x.service": "", "kam-x.timer": ""}
    there = explain_enabling(files, tmp_path / "systemd" / "user")
    elsewhere = explain_enabling(files, tmp_path / "my units")
    assert f"systemctl --user link '{tmp_path}/my units/kam-x.service' '{tmp_path}/my units/kam-x.timer'" in elsewhere
    assert "systemctl --user enable --now kam-x.timer" in there
    assert [line for line in elsewhere if line not in there] == elsewhere[1:2]


def call(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["kam", "schedule", *arguments])
    status = 0
    try:
        cli.main()
    except SystemExit as end:
        status = end.code or 0
    return status, capsys.readouterr()


@pytest.fixture
def night(tmp_path, monkeypatch):
    (tmp_path / "night.yaml").write_text(f"steps: [{{notebook: '{SUCCEEDS}'}}]\nrun_minutes: 1", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_prints_or_writes_the_same(night, monkeypatch, capsys):
    asked = ["night.yaml", "--at", "06:00", "--every", "week", "--on", "friday", "--out", "r"]
    status, printed = call(monkeypatch, capsys, *asked, "--systemd")
    assert status == 0 and not printed.err
    assert sorted(path.name for path in night.iterdir()) == ["night.yaml"], "printing writes nothing"
    assert call(monkeypatch, capsys, *asked, "--systemd", "--to", "units")[0] == 0
    for name in ("kam-night.service", "kam-night.timer"):
        assert (night / "units" / name).read_text(encoding="utf-8") in printed.out
    assert "OnCalendar=Fri *-*-* 06:00:00\n" in printed.out and f"--out {night}/r\n" in printed.out
    assert call(monkeypatch, capsys, *asked, "--systemd", "--to", "units")[0] == 2
    assert call(monkeypatch, capsys, *asked, "--systemd", "--to", "units", "--force")[0] == 0
    assert call(monkeypatch, capsys, *asked, "--cron", "--to", "units")[0] == 0
    assert "0 6 * * 5 cd " in (night / "units" / "kam-night.crontab").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("plan", "arguments", "said"),
    [
        ("steps: [{notebok: 10}]", ["--cron"], "notebok"),
        ("steps: [{notebook: no_such}]", ["--cron"], "There is no notebook 'no_such'"),
        (None, [], "Say what is to start it"),
        (None, ["--cron", "--on", "friday"], "has no meaning"),
    ],
)
def test_a_plan_that_would_fail_at_night_is_refused_by_day(night, monkeypatch, capsys, plan, arguments, said):
    if plan:
        (night / "night.yaml").write_text(plan, encoding="utf-8")
    status, out = call(monkeypatch, capsys, "night.yaml", "--at", "06:00", "--every", "day", *arguments, "--to", "x")
    assert status == 2 and said in out.err and out.err.count("\n") == 1 and out.out == ""
    assert not (night / "x").exists()
