"""A small company whose plan of two steps is run by the command, and what must hold after whatever has happened to it."""

from __future__ import annotations

import atexit
import html.parser
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import psutil

from kam.report.manifest import Manifest, read_manifest
from kam.report.scratch import PREFIX

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "tests" / "notebooks" / "obeys.ipynb"
STEPS = ("first", "second")
_first: Path | None = None
PATIENCE = 300.0
"""Seconds after which nothing happens any more."""


@dataclass(frozen=True)
class Ended:
    """A command that is over."""

    status: int
    output: str
    seconds: float


@dataclass
class Command:
    """A command at work."""

    process: subprocess.Popen[str]
    begun: float = field(default_factory=time.monotonic)

    def wait(self, seconds: float = PATIENCE) -> Ended:
        try:
            output, _ = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            output, _ = self.process.communicate()
            raise AssertionError(f"the command did not end:\n{output}") from None
        return Ended(self.process.returncode, output, time.monotonic() - self.begun)


class Company:
    """A plan ``night`` of two steps, the second after the first, each of which does what its script says.

    Its commands have a folder for temporary files of their own, and a token in their environment by which every process that they
    started is found.
    """

    def __init__(self, folder: Path, *, root: Path | None = None) -> None:
        self.folder, self.root = folder, root or folder / "reports"
        self.token = uuid.uuid4().hex
        self.temporary = Path(tempfile.mkdtemp(prefix="kf-", dir="/tmp"))  # short: a socket has its path in here
        self.scripts = folder / "scripts"
        self.orders = folder / "data" / "tiny" / "orders.csv"
        self.orders.parent.mkdir(parents=True)
        self.scripts.mkdir()
        (self.orders.parent / "dataset.yaml").write_text("name: tiny\ntables: {ledger: {source: orders.csv}}\n")
        self.reset()
        self.good: dict[Path, bytes] = {}

    def publish_first(self) -> None:
        """Have one good run published: made once per process, then copied."""
        global _first
        if _first is None:
            done = self.run()
            assert done.status == 0, done.output
            self.check(at_rest=True)
            _first = Path(tempfile.mkdtemp(prefix="kf-first-")) / "reports"
            atexit.register(shutil.rmtree, _first.parent, ignore_errors=True)
            shutil.copytree(self.root, _first)
        else:
            shutil.copytree(_first, self.root)
        self.good = {path: path.read_bytes() for path in self.root.glob("[!.]*/**/*") if path.is_file()}

    def reset(self) -> None:
        """Let both steps succeed, and forget that they ran."""
        self.orders.write_text("customer_id,order_date,amount\na,2025-01-01,1\nb,2025-02-01,2\n")
        for step in STEPS:
            (self.scripts / f"{step}.py").write_text("")
        (self.scripts / "log").write_text("")
        self.write_plan()

    def write_plan(self, name: str = "night", extra: str = "") -> Path:
        plan = self.folder / f"{name}.yaml"
        parameters = json.dumps({"dataset": str(self.orders.parent / "dataset.yaml"), "scripts": str(self.scripts)})
        notebook = json.dumps(str(NOTEBOOK))
        steps = (
            f"  - {{notebook: {notebook}, name: first}}\n  - {{notebook: {notebook}, name: second, after: [first]}}\n"
        )
        plan.write_text(f"parameters: {parameters}\nsteps:\n{steps}{extra}", encoding="utf-8")
        return plan

    def start(
        self,
        *arguments: str,
        plan: str = "night",
        fault: tuple[str, str] | None = None,
        before: Sequence[str] = (),
        prepare: Callable[[], object] = lambda: None,
        **settings: str,
    ) -> Command:
        """Start ``kam run`` on a plan, with something that happens at one point of it."""
        own = {"KAM_FAULT": fault[0], "KAM_FAULT_CODE": fault[1]} if fault else {}
        environment = {**os.environ, "TMPDIR": str(self.temporary), "KAM_TOKEN": self.token, **own, **settings}
        command = [*before, sys.executable, "-m", "tests.faults.runner", "run", str(self.folder / f"{plan}.yaml")]

        def heard() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a test run in the background has it ignored
            prepare()

        process = subprocess.Popen(
            [*command, "--out", str(self.root), *arguments], cwd=ROOT, env=environment, preexec_fn=heard, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return Command(process)

    def run(self, *arguments: str, **options: object) -> Ended:
        return self.start(*arguments, **options).wait()  # type: ignore[arg-type]

    def ran(self) -> list[str]:
        """The steps whose notebooks have begun, in order."""
        return [line.split()[0] for line in (self.scripts / "log").read_text().splitlines()]

    def pids(self, step: str) -> tuple[int, int]:
        """The kernel of a step and the process above it, once it has begun."""

        def find() -> list[str]:
            return [line for line in (self.scripts / "log").read_text().splitlines() if line.startswith(step)]

        wait_until(find)
        _, kernel, worker = find()[-1].split()
        return int(kernel), int(worker)

    def runs(self) -> list[Manifest]:
        """The published runs, oldest first."""
        return [read_manifest(path) for path in sorted(self.root.glob("[!.]*/"))]

    def processes(self) -> list[psutil.Process]:
        """Every process that has come of this company's commands."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("KAM_TOKEN") == self.token:
                    found.append(process)
        return found

    def end(self) -> None:
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()
        shutil.rmtree(self.temporary, ignore_errors=True)

    # -- what must hold ------------------------------------------------------------------------------------------------

    def check(self, *, at_rest: bool = False, removed: Sequence[str] = (), killed: bool = False) -> None:
        """What holds after every fault; at rest, after a run that ended well, nothing of an earlier one is left either.

        Parameters
        ----------
        at_rest : bool
            No run that was cut off may be left.
        removed : sequence of str
            Ids of runs that someone, or retention, has removed.
        killed : bool
            The runner had no time to remove its temporary folder: that is the next run's to do.
        """
        wait_until(lambda: not self.processes(), 20, lambda: f"left: {[p.cmdline() for p in self.processes()]}")
        sockets = [line for line in Path("/proc/net/unix").read_text().splitlines() if str(self.temporary) in line]
        assert not sockets
        left = [path.name for path in self.temporary.iterdir() if not (killed and path.name.startswith(PREFIX))]
        assert not left, "temporary files are left"
        if self.root.is_dir():
            self._check_folder(at_rest)
            self._check_index()
        for path, content in self.good.items():
            if path.relative_to(self.root).parts[0] not in removed:
                assert path.read_bytes() == content, f"{path} was changed"

    def _check_folder(self, at_rest: bool) -> None:
        hidden = r"\.locks" if at_rest else r"\.locks|\.(part|gone)-.*"
        for path in self.root.iterdir():
            if path.name.startswith("."):
                assert re.fullmatch(hidden, path.name), f"{path.name} is left"
            elif path.name != "index.html":
                manifest = read_manifest(path)
                for step in manifest.steps:
                    _check_step(path / step.name, step.status == "succeeded")
                if at_rest:
                    assert not list(path.rglob(".*")), "records are left"

    def _check_index(self) -> None:
        published = [path for path in self.root.iterdir() if (path / "run.json").is_file()]
        if not (self.root / "index.html").exists():
            assert not published
            return
        page = (self.root / "index.html").read_text(encoding="utf-8")
        assert page.rstrip().endswith("</html>")
        links = _Links()
        links.feed(page)
        links.close()
        assert links.open == [], "a tag is not closed"
        for link in links.found:
            assert (self.root / unquote(link)).is_file(), f"the index leads to {link}, which is not there"


class _Links(html.parser.HTMLParser):
    VOID = ("meta", "link", "br", "hr", "img", "input", "col", "wbr", "!doctype")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.found += [
            value for name, value in attrs if name == "href" and value and not value.startswith(("#", "http"))
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"{tag} is closed where it is not open"


def _check_step(folder: Path, succeeded: bool) -> None:
    if not succeeded:
        assert not (folder / "report.html").exists() and not (folder / "results.json").exists()
        return
    assert (folder / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    json.loads((folder / "notebook.ipynb").read_text(encoding="utf-8"))
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))["results"]
    for entry in results.values():
        for file in entry["tables"].values():
            assert (folder / "tables" / file).stat().st_size > 0


def wait_until(
    condition: Callable[[], object], seconds: float = 60, tell: Callable[[], str] = lambda: "waited in vain"
) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, tell()
        time.sleep(0.05)
