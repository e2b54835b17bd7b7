"""One try of a fault, or of a process killed at a random moment, by name: what the processes of ``make soak`` do."""

from __future__ import annotations

import random
import shutil
import signal
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path

import psutil

from tests.faults.company import Company
from tests.faults.table import BY_NAME, NotHereError, try_fault

RANDOM = "any process of a run killed (-9) or ended (SIGTERM) at a random moment"
LONGEST = 20.0


def try_random(folder: Path) -> None:
    """Kill or end one process of a run, whichever, whenever; then the next run."""
    chance, company = random.SystemRandom(), Company(folder)
    try:
        company.publish_first()
        command = company.start()
        time.sleep(chance.uniform(0, LONGEST))
        if processes := company.processes():
            with suppress(psutil.Error):
                chance.choice(processes).send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM]))
        command.wait()
        company.good = {path: content for path, content in company.good.items() if path.name != "index.html"}
        company.check(killed=True)
        done = company.run()
        assert done.status == 0, done.output
        company.check(at_rest=True)
    finally:
        company.end()


def attempt(name: str) -> str | None:
    """Try a fault once in a folder of its own: None where it cannot be tried here, else what did not end as promised, or ''."""
    folder = Path(tempfile.mkdtemp(prefix="kf-soak-"))
    try:
        if name == RANDOM:
            try_random(folder)
        else:
            try_fault(BY_NAME[name], folder)
    except NotHereError:
        return None
    except Exception:
        return traceback.format_exc()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ""
