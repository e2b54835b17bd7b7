"""Many runs one after the other in one process, as a service would do them: what grows from run to run is a leak."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
MEGABYTES = 30.0
"""How much a process may grow before it counts as a leak: caches fill, memory comes in pieces."""


@dataclass(frozen=True)
class Row:
    """What was counted after the second run and after the last.

    Attributes
    ----------
    succeeded : int
        Runs.
    before, after : dict of str to float
        Processes, threads, open files, sockets, megabytes, temporary files, and the same of the server that forks.
    """

    succeeded: int
    before: dict[str, float]
    after: dict[str, float]

    def leaks(self) -> list[str]:
        """What has grown."""
        return [
            f"{name}: {self.before[name]} → {self.after[name]}"
            for name in self.before
            if self.after[name] > self.before[name] + (MEGABYTES if "megabytes" in name else 0)
        ]


def run_in_a_row(n: int, folder: Path) -> Row:
    """Do so many runs of one small notebook in a process of their own."""
    with tempfile.TemporaryDirectory(prefix="kf-", dir="/tmp") as temporary:
        command = [sys.executable, "-m", "tests.faults.row", str(n), str(folder)]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "TMPDIR": temporary}, stdout=subprocess.PIPE, check=True
        )
        row = Row(**json.loads(done.stdout.splitlines()[-1]))
        assert not os.listdir(temporary), "temporary files are left at the end"
    return row


def _count() -> dict[str, float]:
    gc.collect()
    own = psutil.Process()
    children = own.children(recursive=True)
    servers = [child for child in children if "forkserver" in " ".join(child.cmdline())]
    return {
        "processes": len(children),
        "threads": own.num_threads(),
        "open files": own.num_fds(),
        "sockets": len(own.net_connections("all")),
        "megabytes": round(own.memory_info().rss / 1e6, 1),
        "temporary files": sum(1 for _ in Path(tempfile.gettempdir()).rglob("*")),
        "open files of the server": sum(server.num_fds() for server in servers),
        "megabytes of the server": round(sum(server.memory_info().rss for server in servers) / 1e6, 1),
        "zombies": sum(child.status() == psutil.STATUS_ZOMBIE for child in children),
    }


def _main(n: int, folder: Path) -> None:
    from kam.report import plan_notebooks, run_plan

    succeeded, before = 0, {}
    for i in range(n):
        plan = plan_notebooks([ROOT / "tests" / "notebooks" / "answers.ipynb"])
        succeeded += run_plan(plan, out=folder / "reports").manifest.status == "succeeded"
        if i == 1:
            before = _count()
    sys.stdout.write(json.dumps(asdict(Row(succeeded, before, _count()))) + "\n")


if __name__ == "__main__":
    _main(int(sys.argv[1]), Path(sys.argv[2]))
