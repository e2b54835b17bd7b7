"""The line for cron, run by Debian's cron itself: in a mount namespace of its own, so that no other job of the machine starts."""

from __future__ import annotations

import shutil
import subprocess
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kam.report import read_plan
from kam.report.schedule import read_timing, write_crontab

SUCCEEDS = Path(__file__).parents[1] / "notebooks" / "succeeds.ipynb"
CRON = shutil.which("cron") or shutil.which("cron", path="/usr/sbin")
# Nothing of the machine's own is left in sight: spool, tables, and the file that keeps a second cron from starting.
ALONE = """
set -e
mount --make-rprivate /
mount --bind "$1" /var/spool/cron/crontabs
mount -t tmpfs none /etc/cron.d
mount --bind /dev/null /etc/crontab
mount -t tmpfs none /run
exec "$2" -f
"""
NEEDS_CRON = pytest.mark.skipif(
    CRON is None or subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0,
    reason="cron is not installed, or this user may not give it tables of its own",
)


@NEEDS_CRON
def test_cron_runs_a_plan_from_a_folder_whose_name_asks_for_trouble(tmp_path, monkeypatch):
    project = tmp_path / r"Bob's 50% \% $HOME 고객"
    project.mkdir()
    monkeypatch.chdir(project)
    (project / '9 % of "all".yaml').write_text(f"name: night\nsteps: [{{notebook: '{SUCCEEDS}'}}]", encoding="utf-8")
    soon = datetime.now() + timedelta(seconds=70)  # cron looks at its table when a minute begins
    (text,) = write_crontab(
        read_plan('9 % of "all".yaml'),
        '9 % of "all".yaml',
        read_timing(at=f"{soon:%H:%M}", every="day"),
        out="reports 50%",
    ).values()
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "root").write_text(text, encoding="utf-8")
    (tables / "root").chmod(0o600)
    command = ["unshare", "--mount", "/bin/sh", "-c", ALONE, "sh", str(tables), str(CRON)]
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    index = project / "reports 50%" / "index.html"
    deadline = time.monotonic() + 180
    try:
        while not index.exists() and daemon.poll() is None and time.monotonic() < deadline:
            time.sleep(0.5)
        log = project / "kam-night.log"
        while log.exists() and "The reports: " not in log.read_text(encoding="utf-8") and time.monotonic() < deadline:
            time.sleep(0.2)
    finally:
        daemon.terminate()
        said, _ = daemon.communicate(timeout=30)
    assert index.is_file(), said
    assert [line.partition(":")[0] for line in log.read_text(encoding="utf-8").splitlines()] == [
        "succeeds",
        "succeeds",
        "The reports",
    ]
