"""A runner that is killed or interrupted while a kernel is at work."""

import functools
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_a_runner_that_is_killed_leaves_no_process_and_no_half_report(tmp_path, kill):
    begun = tmp_path / "begun"
    command = [
        sys.executable,
        "-m",
        "kam",
        "run",
        NOTEBOOKS / "waits.ipynb",
        "-p",
        f"file={begun}",
        "--out",
        tmp_path / "reports",
    ]
    # a test run in the background has SIGINT ignored, and its children inherit that
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=heard) as runner:
        wait_until(begun.is_file)
        wait_until(begun.read_text)
        processes = psutil.Process(runner.pid).children(recursive=True)
        assert int(begun.read_text(encoding="utf-8")) in [process.pid for process in processes]
        runner.send_signal(kill)
        assert runner.wait(60) != 0
    gone, alive = psutil.wait_procs(processes, timeout=30)
    assert not alive and gone
    assert not (tmp_path / "reports" / "index.html").exists()
    assert not [path for path in (tmp_path / "reports").iterdir() if not path.name.startswith(".")]


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
