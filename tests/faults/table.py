# ruff: noqa: E501  (rows of a table)
"""Every fault that is tried on one run: what is done to it, how the run has to end, what the next run has to take over."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.company import Command, Company, Ended

KILL_RUNNER = "os.kill(int(os.environ['KAM_FAULT_RUNNER']), {0}); time.sleep(60)"
FILL = """
with open({0!r}, "wb", buffering=0) as filler:
    try:
        for size in (2**16, 2**12, 1):
            try:
                while filler.write(bytes(size)):
                    pass
            except OSError:
                pass
    except OSError:
        pass
"""
POINTS = {
    "between executed notebook and HTML": "kam.report.execution:_raise_for_fault:after",
    "between HTML and manifest": "kam.report.run:write_tables:before",
    "between manifest and rename": "kam.report.publish:write_manifest:after",
    "between rename and index": "kam.report.publish:write_index:before",
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One row.

    Attributes
    ----------
    name : str
        What goes wrong.
    promised : str
        How the run ends, for docs/reliability.md.
    first, second : str
        What the steps do, as Python.
    at : str
        A point of the run, as tests/faults/hook.py has it; ``code`` is what happens there.
    act : callable, optional
        Done to the run while its second step is at work.
    plan : str
        Further lines of the plan.
    status : tuple of int
        Exit statuses that the command may have.
    says : str
        What it says.
    published : str
        How the steps of the run that is published ended, by their first letters, such as ``sf``; empty where none is.
    adopted : str
        Which steps the next run takes over: ``""``, ``1`` or ``12``.
    disk : bool
        On a small disk of its own, mounted for it.
    """

    name: str
    promised: str
    first: str = ""
    second: str = ""
    at: str = ""
    code: str = ""
    act: Callable[[Company, Command], None] | None = None
    prepare: Callable[[], object] = lambda: None
    before: tuple[str, ...] = ()
    plan: str = ""
    status: tuple[int, ...] = (1,)
    says: str = ""
    published: str = "sf"
    adopted: str = ""
    disk: bool = False


def _kill(which: str) -> Callable[[Company, Command], None]:
    def act(company: Company, command: Command) -> None:
        kernel, worker = company.pids("second")
        os.kill({"kernel": kernel, "worker": worker, "runner": command.process.pid}[which], signal.SIGKILL)

    return act


def _signal(number: int) -> Callable[[Company, Command], None]:
    def act(company: Company, command: Command) -> None:
        company.pids("second")
        command.process.send_signal(number)

    return act


SLEEP = "time.sleep(300)"
BROKEN = {"published": "", "adopted": "1"}
ORDERS = "Path(scripts).parent / 'data' / 'tiny' / 'orders.csv'"
LIMIT_FILES = 60_000


def _limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_FILES, LIMIT_FILES))


FAULTS: tuple[Fault, ...] = (
    # -- processes that are killed
    Fault(
        name="kernel killed (-9) mid-cell", promised="its step fails, the others are published", second=SLEEP,
        act=_kill("kernel"), says="kernel ended before the notebook did",
    ),
    Fault(
        name="papermill's process killed (-9)", promised="its step fails, its kernel ends, the others are published",
        second=SLEEP, act=_kill("worker"), says=r"\(signal 9\)",
    ),
    Fault(
        name="runner killed (-9) mid-cell", promised="nothing is published; finished steps are taken over", second=SLEEP,
        act=_kill("runner"), status=(-9,), **BROKEN,
    ),
    Fault(
        name="runner ended (SIGTERM) mid-cell", promised="kernels end, nothing is published, finished steps are taken over",
        second=SLEEP, act=_signal(signal.SIGTERM), status=(2,), says=r"ended from outside \(SIGTERM\)", **BROKEN,
    ),
    Fault(
        name="runner interrupted (Ctrl-C) mid-cell", promised="kernels end, nothing is published, finished steps are taken over",
        second=SLEEP, act=_signal(signal.SIGINT), status=(1, 130, -2), **BROKEN,
    ),
    *(
        Fault(
            name=f"runner {told} {where}", promised="nothing is published; finished steps are taken over",
            at=at, code=KILL_RUNNER.format(number), status=status, published="",
            adopted="" if "HTML" in where.split(" and ")[1] else "12",
        )
        for where, at in POINTS.items()
        for told, number, status in (
            ("killed (-9)", 9, (-9,)), ("ended (SIGTERM)", 15, (2,)), ("interrupted (Ctrl-C)", 2, (1, 130, -2)),
        )
        if not (number == 9 and where == "between rename and index")
    ),
    Fault(
        name="runner killed (-9) between rename and index", promised="the run is whole; the next index leads to it",
        at=POINTS["between rename and index"], code=KILL_RUNNER.format(9), status=(-9,), published="ss",
    ),
    Fault(
        name="runner killed (-9) between index and the end", promised="the run is published", at="kam.report.publish:drop_records:before",
        code=KILL_RUNNER.format(9), status=(-9,), published="ss",
    ),
    Fault(
        name="runner killed (-9) during retention", promised="the new run is published; the next removes the rest", plan="keep: {runs: 1}\n",
        at="kam.report.retention:sweep_gone:before", code=KILL_RUNNER.format(9), status=(-9,), published="ss",
    ),
    # -- the disk
    *(
        Fault(
            name=f"disk full {where}", promised=promised, at=at, code="fill", second=second, disk=True, status=status,
            says="No space left on device", published="", adopted=adopted,
        )
        for where, promised, at, second, status, adopted in (
            ("while a notebook saves its results", "the run ends and says so; finished steps are taken over", "", "fill", (2,), "1"),
            ("at the report", "the run ends and says so; finished steps are taken over", "kam.report.render:render_report:after", "", (2,), ""),
            ("at the workbook", "the run ends and says so; finished steps are taken over", "kam.report.run:write_tables:before", "", (2,), "12"),
            ("at the manifest", "the run ends and says so; finished steps are taken over", "kam.report.publish:write_manifest:before", "", (2,), "12"),
            ("at the index", "the run ends and says so; finished steps are taken over", "kam.report.publish:write_index:before", "", (2,), "12"),
        )
    ),
    Fault(
        name="no file may be larger than 60 kB", promised="the step fails and says so", prepare=_limit_files,
        second="Path(results_dir, 'large').write_bytes(bytes(100_000))", says="File too large",
    ),
    Fault(
        name="reports folder read-only (mounted so)", promised="refused at once", code="remount", disk=True, status=(2,),
        says="Read-only file system", published="",
    ),
    Fault(
        name="reports folder read-only (permissions)", promised="refused at once", code="chmod", status=(2,), says="Permission denied",
        before=("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override") if os.geteuid() == 0 else (), published="",

    ),
    # -- time and memory
    Fault(
        name="time limit of a cell", promised="its step fails and says so, whatever papermill notes", second=SLEEP, plan="cell_minutes: 0.1\n",
        says="took longer than it may: 0.1 minutes",
    ),
    Fault(
        name="time limit of a cell that ignores interrupts", promised="as above", plan="cell_minutes: 0.1\n", says="took longer than it may",
        second="while True:\n    try:\n        time.sleep(300)\n    except BaseException:\n        pass",
    ),
    Fault(
        name="time limit of a cell that is busy in C", promised="as above", plan="cell_minutes: 0.1\n", says="took longer than it may",
        second="import re; re.match('(a+)+$', 'a' * 60 + 'b')",
    ),
    Fault(
        name="time limit of the run", promised="what is at work fails and says so; the rest is published", second=SLEEP, plan="run_minutes: 0.6\n",
        says="the run has taken the time it has: 0.6 minutes",
    ),
    Fault(
        name="memory limit, in Python", promised="its step fails and says so", second="x = bytearray(4 * 1024**3)", plan="memory_gb: 2\n",
        says="MemoryError.*gives each kernel 2 GB",
    ),
    Fault(
        name="memory limit, in C that aborts", promised="its step fails and says so", plan="memory_gb: 2\n", says="often run out of memory|kernel ended",
        second="import ctypes; libc = ctypes.CDLL(None); libc.malloc.restype = ctypes.c_void_p; libc.malloc(ctypes.c_size_t(2**33)) or libc.abort()",
    ),
    # -- what a cell does
    Fault(name="a notebook raises", promised="its step fails and says so", second="1 / 0", says="ZeroDivisionError"),
    Fault(name="sys.exit(0) in a cell", promised="its step fails", second="import sys; sys.exit(0)", says="SystemExit: 0"),
    Fault(name="os._exit(0) in a cell", promised="its step fails", second="os._exit(0)", says="kernel ended before the notebook did"),
    Fault(
        name="a cell leaves a process behind", promised="it ends with the kernel", published="ss", status=(0,),
        second="import subprocess; subprocess.Popen(['sleep', '300'])",
    ),
    # -- inputs
    Fault(
        name="input replaced during a step", promised="its step fails and says so", says="data were changed while the run was at work",
        second=f"({ORDERS}).write_text('customer_id,order_date,amount\\nz,2025-01-01,1\\n')",
    ),
    Fault(
        name="input replaced by as many bytes, its time set back", promised="its step fails and says so", says="data were changed",
        second=f"p = {ORDERS}; s = p.stat(); p.write_text(p.read_text().replace('a,2025', 'c,2025')); os.utime(p, ns=(s.st_atime_ns, s.st_mtime_ns))",
    ),
    Fault(
        name="input replaced before a later step", promised="the later step is not started and says why", says="second: FAILED.*data were changed",
        at="kam.report.run:keep_record:before", code="open(os.environ['KAM_ORDERS'], 'a').write('c,2025-03-01,1\\n')",
    ),
    Fault(name="input deleted during a step", promised="its step fails and says so", second=f"({ORDERS}).unlink()", says="data were changed"),
    Fault(
        name="input written anew with the same content", promised="nothing", second=f"p = {ORDERS}; t = p.read_text(); p.unlink(); p.write_text(t)",
        status=(0,), published="ss",
    ),
    # -- folders and others
    Fault(
        name="an old run deleted by hand while a run is at work", promised="the index no longer leads to it", code="delete",
        at="kam.report.run:write_tables:before", status=(0,), published="ss",
    ),
    Fault(
        name="reports folder removed while a run is at work", promised="the run ends and says so", at="kam.report.run:write_tables:before",
        code="delete all", status=(2,), says="No such file or directory", published="",
    ),
    Fault(
        name="nobody reads what the runner prints", promised="nothing", second="", act=lambda company, command: command.process.stdout.close(),
        status=(0, 1, 120), published="ss",
    ),
)  # fmt: skip
BY_NAME = {fault.name: fault for fault in FAULTS}


class NotHereError(Exception):
    """This fault cannot be tried here."""


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise NotHereError(f"this user may not mount: {done.stderr.strip()}")


def try_fault(fault: Fault, folder: Path) -> None:
    """A good run, the run with the fault, the next run; and all that must hold after each."""
    if fault.disk and os.geteuid() != 0:
        raise NotHereError("only root may mount a small disk")
    disk = folder / "disk"
    if fault.disk:
        disk.mkdir()
        _mount("-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk))
    company = Company(folder, root=(disk if fault.disk else folder) / "reports")
    try:
        _try_fault(fault, company, disk)
    finally:
        company.end()
        if fault.disk:
            subprocess.run(["umount", "-l", str(disk)], check=True)


def _try_fault(fault: Fault, company: Company, disk: Path) -> None:
    company.publish_first()
    (before,) = company.runs()
    company.reset()
    fill = FILL.format(str(disk / "filler"))
    for step, does in (("first", fault.first), ("second", fault.second)):
        (company.scripts / f"{step}.py").write_text(fill if does == "fill" else does)
    company.write_plan(extra=fault.plan)
    code, removed = fault.code, []
    if fault.code == "fill":
        code = fill
    elif fault.code == "delete":
        code, removed = f"import shutil; shutil.rmtree({str(company.root / before.run_id)!r})", [before.run_id]
    elif fault.code == "delete all":
        code, removed = f"import shutil; shutil.rmtree({str(company.root)!r})", [before.run_id, "index.html"]
    elif fault.code == "remount":
        _mount("-o", "remount,ro", str(disk))
    elif fault.code == "chmod":
        company.root.chmod(0o555)
    company.good = {
        path: content for path, content in company.good.items() if path.name != "index.html" or not fault.published
    }
    command = company.start(
        fault=(fault.at, code) if fault.at else None,
        prepare=fault.prepare,
        before=fault.before,
        KAM_ORDERS=str(company.orders),
    )
    if fault.act:
        fault.act(company, command)
    done = _outcome(command)
    _check_outcome(fault, company, done, n_before=0 if removed else 1)
    if "during retention" in fault.name:
        removed = [before.run_id]
    company.check(removed=removed, killed=done.status == -signal.SIGKILL)
    ran = company.ran()
    # the next run
    if fault.code == "remount":
        _mount("-o", "remount,rw", str(disk))
    elif fault.code == "chmod":
        company.root.chmod(0o755)
    (disk / "filler").unlink(missing_ok=True)
    company.reset()
    company.good = {path: content for path, content in company.good.items() if path.name != "index.html"}
    done = company.run()
    assert done.status == 0, done.output
    last = company.runs()[-1]
    adopted = "".join(str(n) for n, step in enumerate(last.steps, 1) if step.adopted_from)
    assert adopted == fault.adopted, f"taken over: {adopted!r}; the run with the fault said {ran}"
    assert company.ran() == [step.name for step in last.steps if not step.adopted_from], "a step was run again"
    assert last.status == "succeeded" and all(step.status == "succeeded" for step in last.steps)
    page = (company.root / "index.html").read_text(encoding="utf-8")
    assert f'href="{last.run_id}/second/report.html"' in page
    company.check(at_rest=True, removed=removed)


def _outcome(command: Command) -> Ended:
    if command.process.stdout and command.process.stdout.closed:
        command.process.stdout = None
    done = command.wait()
    return Ended(done.status, done.output or "", done.seconds)


def _check_outcome(fault: Fault, company: Company, done: Ended, *, n_before: int) -> None:
    told = f"{fault.name}: status {done.status}\n{done.output}"
    assert done.status in fault.status, told
    assert re.search(fault.says, done.output, re.DOTALL), told
    own = done.output.partition("Exception ignored in")[0]  # what Python says of a ZipFile that it cannot close
    assert "Traceback" not in own or done.status == -2, told
    runs = company.runs() if company.root.is_dir() else []
    if "during retention" in fault.name:
        n_before = 0
    assert len(runs) == n_before + bool(fault.published), told
    if fault.published:
        assert "".join(step.status[0] for step in runs[-1].steps) == fault.published, told
        for step in runs[-1].steps:
            assert bool(step.error) == (step.status != "succeeded")
