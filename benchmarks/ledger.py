"""How fast is a large ledger? ``python -m benchmarks.ledger [millions of rows | peer …]`` (default ``1 10 100``, all peers).

Work A (one row per customer with variation of monthly demand and ABC class) and B (monthly classes of value → transition
counts) by kam, beside the floor (DuckDB's own group-by of customers and months with the sum of the amounts and the number of
distinct orders), hand-written SQL on DuckDB, pandas, polars, and, on what they can do, lifetimes, pymc-marketing,
openretailscience and Spark. Each measurement is a process of its own, in turns, so that what else the machine does hits all
alike; medians of three and ratios to the floor. Every peer has an environment of its own, made once in ``build/peers``.
The table of ``docs/performance.md`` is written anew with all sizes measured so far (``build/ledger_benchmark.json``); the prose
around it is kept.

``make bench ARGS="ledger 10"``: one size; ``ARGS="ledger 100 floor kam 'kam, 2 GB'"``: one size, some of the peers.
"""
# ruff: noqa: T201

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from benchmarks.ledger_peers import PEERS, read_peak

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
CACHE = ROOT / "build" / "peers"
FOUND = ROOT / "build" / "ledger_benchmark.json"
PEER_FILE = Path(__file__).with_name("ledger_peers.py")
N_TIMES = 3
AIM = 1.5
SIZES = (1, 10, 100)
SMALL_MEMORY = "2GB"

REQUIREMENTS = {
    "pandas": ("pandas==3.1.1", "pyarrow==26.0.1"),
    "polars": ("polars==2.1.0",),
    "lifetimes": ("lifetimes==0.11.3", "pandas<2.2", "numpy<2", "scipy<1.14", "pyarrow<17", "scikit-learn"),
    "pymc-marketing": ("pymc-marketing==0.19.2", "pyarrow==26.0.1"),
    "openretailscience": ("openretailscience==0.48.1",),
    "spark": ("pyspark==4.0.5",),
}
"""What is installed for whom; the floor and the hand-written SQL run on kam's own DuckDB."""

WORK = {
    "floor": "the group-by alone",
    "kam": "opening with its audit, A and B",
    f"kam, {SMALL_MEMORY}": f"the same with KAM_MEMORY_LIMIT={SMALL_MEMORY}",
    "duckdb": "A and B, SQL by hand",
    "pandas": "A and B",
    "polars": "A and B",
    "lifetimes": "four columns per customer",
    "pymc-marketing": "four columns per customer",
    "openretailscience": "recency, frequency, monetary scores",
    "spark": "A, session started for it",
}
LARGEST = {"pandas": 10, "lifetimes": 10, "pymc-marketing": 10, "spark": 10}
"""Millions of rows up to which a peer is run: beyond, it does not fit in memory, or takes too long for three turns."""


# -- kam -------------------------------------------------------------------------------------------------------------


def run_kam(path: str) -> dict[str, Any]:
    """A and B by kam in this process."""
    from unittest.mock import patch

    from kam.identify.value_classes import abc_classes
    from kam.ledger import open_ledger, summarize_customers, transition_counts
    from kam.ledger.rollup import build_rollup

    spent = {}

    def build_timed(*arguments: Any, **options: Any) -> Any:
        begun = perf_counter()
        rollup = build_rollup(*arguments, **options)
        spent["rollup"] = perf_counter() - begun
        return rollup

    clock, threads = perf_counter(), process_time()
    with patch("kam.ledger.opening.build_rollup", build_timed):
        ledger = open_ledger(path, currency="EUR")
    opened = perf_counter()
    summary = summarize_customers(ledger)
    summary["class"] = abc_classes(summary.set_index("customer_id")["revenue"]).to_numpy()
    between = perf_counter()
    counts = transition_counts(ledger, states="value", k=3)
    end, n_threads = perf_counter(), process_time() - threads
    ledger.close()
    known = counts.dropna()
    moves = known.pivot_table(
        index="from_state", columns="to_state", values="n_transitions", aggfunc="sum", observed=False
    )
    figures = {
        "n_customers": len(summary),
        "revenue": float(summary["revenue"].sum()),
        "n_orders": int(summary["n_orders"].sum()),
        "n_days": int(summary["n_purchase_days"].sum()),
        "demand_cv": float(summary["demand_cv"].mean()),
        "n_class_a": int((summary["class"] == "A").sum()),
        "moves": moves.fillna(0).astype(int).to_numpy().tolist(),
    }
    steps = {"open": opened - clock - spent["rollup"], **spent, "A": between - opened, "B": end - between}
    return {"clock": end - clock, "threads": n_threads, "peak": read_peak(), "steps": steps, "figures": figures}


# -- processes -------------------------------------------------------------------------------------------------------


def find_python(peer: str) -> Path | str:
    """The Python of a peer's environment, made if it is not there; or what failed."""
    if peer not in REQUIREMENTS:
        return Path(sys.executable)
    folder = (
        ROOT / "build" / "lifetimes" if peer == "lifetimes" else CACHE / peer
    )  # shared with benchmarks.churn_models
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    made = folder / "made.json"  # written last
    wanted = list(REQUIREMENTS[peer])
    if made.exists() and json.loads(made.read_text()) == wanted:
        return python
    print(f"making an environment for {peer}, once ...", flush=True)
    install = [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", *wanted]
    for what, command in (
        ("python -m venv", [sys.executable, "-m", "venv", "--clear", folder]),
        (f"installing {', '.join(wanted)}", install),
        (f"importing {peer}", [python, PEER_FILE, "--check", peer]),
    ):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines()
            return f"{what} failed: {lines[-1] if lines else 'without a word'}"
    made.write_text(json.dumps(wanted))
    return python


def measure(peer: str, python: Path, path: Path) -> dict[str, Any] | str:
    """What one process printed; or how it ended."""
    command = [python, PEER_FILE, peer, path]
    settings = dict(os.environ)
    if peer.startswith("kam"):
        command = [python, "-m", "benchmarks.ledger", "--kam", path]
        settings |= {"KAM_MEMORY_LIMIT": SMALL_MEMORY} if peer != "kam" else {}
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, env=settings, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return f"ended with {done.returncode}: {lines[-1] if lines else 'without a word'}"
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def measure_size(millions: int, peers: list[str]) -> dict[str, Any]:
    """All turns of all peers on one ledger."""
    from kam.samples import write_ledger

    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / f"ledger_{millions}.parquet"
    if not path.exists():
        print(f"writing {millions} million rows ...", flush=True)
        write_ledger(path, n_rows=1_000_000 * millions, seed=1)
    pythons = {peer: find_python(peer) for peer in peers if millions <= LARGEST.get(peer, millions)}
    turns: dict[str, list[dict[str, Any]]] = {peer: [] for peer in pythons}
    failed = {peer: found for peer, found in pythons.items() if isinstance(found, str)}
    for turn in range(N_TIMES):
        for peer, python in pythons.items():
            if peer in failed or isinstance(python, str):
                continue
            found = measure(peer, python, path)
            if isinstance(found, str):
                failed[peer] = found
                print(f"{millions} M, {peer}: {found}", flush=True)
                continue
            turns[peer].append(found)
            said = f"{found['clock']:7.2f} s, {found['threads']:7.2f} s of all threads, {found['peak'] / 1e9:5.2f} GB"
            print(f"{millions} M, turn {turn + 1}, {peer:18s} {said}", flush=True)
    return {"turns": {peer: found for peer, found in turns.items() if found}, "failed": failed}


# -- the page --------------------------------------------------------------------------------------------------------


def compare(turns: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Where a peer's figures are not kam's."""
    if "kam" not in turns:
        return []
    own, differ = turns["kam"][0]["figures"], []
    for peer, found in turns.items():
        for name, value in found[0]["figures"].items():
            if peer == "floor" or name not in own:
                continue
            same = abs(value - own[name]) <= 1e-6 * abs(own[name]) if isinstance(value, float) else value == own[name]
            if not same:
                differ.append(f"{peer}: {name} is {value}, kam's {own[name]}")
    return differ


def describe_machine() -> str:
    """What it ran on."""
    about = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    named = re.search(r"^model name\s*: *(.+)$", about, re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{os.cpu_count()} cores ({named[1] if named else platform.machine()}), {memory:.0f} GB, {platform.system()}"


def write_table(sizes: dict[str, Any]) -> str:
    """The table of all sizes with what it shows."""
    versions: dict[str, str] = {"Python": platform.python_version()}
    versions |= {name: version(name) for name in ("duckdb", "ibis-framework", "pandas", "numpy", "pyarrow")}
    lines = []
    for millions, found in sorted(sizes.items(), key=lambda item: int(item[0])):
        turns = found["turns"]
        seconds = {peer: median(turn["clock"] for turn in those) for peer, those in turns.items()}
        floor = seconds.get("floor")
        lines += [
            f"### {millions} million rows ({found['day']})",
            "",
            "| | work | seconds | × floor | seconds of all threads | peak, GB |",
            "|---|---|---:|---:|---:|---:|",
        ]
        for peer, those in turns.items():
            ratio = f"{seconds[peer] / floor:.2f}" if floor else ""
            threads, peak = (median(turn[name] for turn in those) for name in ("threads", "peak"))
            # What Java does is not in the seconds of this process.
            cells = [f"{seconds[peer]:.2f}", ratio, "" if peer == "spark" else f"{threads:.2f}", f"{peak / 1e9:.2f}"]
            lines.append(f"| {peer} | {WORK[peer]} | {' | '.join(cells)} |")
            if peer != "spark" and peer not in ("floor", "kam"):
                theirs = (f"{name} {number}" for name, number in those[0].get("versions", {}).items())
                versions |= dict(text.rsplit(" ", 1) for text in theirs if not text.startswith(("Python", "duckdb")))
        lines.append("")
        for peer in (name for name in turns if name.startswith("kam")):
            steps = {name: median(turn["steps"][name] for turn in turns[peer]) for name in turns[peer][0]["steps"]}
            lines.append(f"{peer}: " + ", ".join(f"{name} {spent:.2f} s" for name, spent in steps.items()) + ".")
            without = steps["rollup"] + steps["A"] + steps["B"]
            if floor:
                verdict = "met" if without <= AIM * floor else "not met"
                lines.append(
                    f"Rollup, A and B: {without / floor:.2f} × the floor (aim: at most {AIM}: {verdict}); with the "
                    f"opening {seconds[peer] / floor:.2f} ×."
                )
        versions |= {f"{peer}'s environment": "failed" for peer in found["failed"]}
        lines += [f"{peer}: {what}" for peer, what in found["failed"].items()]
        differ = compare(turns)
        lines += ["", "All figures agree with kam's." if not differ else "\n".join(f"- {line}" for line in differ), ""]
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    return "\n".join([f"{describe_machine()}; {listed}. Medians of {N_TIMES}.", "", *lines])


START, END = "<!-- written by make bench ARGS=ledger -->", "<!-- end -->"
PROSE = f"""# Speed and size

{START}
{END}
"""


def main(*arguments: str) -> None:
    """Measure, and write the page."""
    sizes = [int(argument) for argument in arguments if argument.isdigit()] or list(SIZES)
    peers = [argument for argument in arguments if not argument.isdigit()] or list(WORK)
    for peer in peers:
        if peer not in WORK:
            raise SystemExit(f"There is no peer {peer!r}; there are {', '.join(WORK)}.")
    FOUND.parent.mkdir(exist_ok=True)
    for millions in sizes:
        here = [
            peer for peer in peers if millions == max(SIZES) or peer != f"kam, {SMALL_MEMORY}" or len(arguments) > 1
        ]
        found = measure_size(millions, here)
        known = json.loads(FOUND.read_text()) if FOUND.exists() else {}
        known[str(millions)] = found | {"day": str(date.today())}
        FOUND.write_text(json.dumps(known))
        page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else PROSE
        before, after = page.split(START)[0], page.split(END)[1]
        PAGE.write_text(f"{before}{START}\n{write_table(known)}\n{END}{after}", encoding="utf-8")
    print(write_table(json.loads(FOUND.read_text())))


assert set(WORK) - {"kam", f"kam, {SMALL_MEMORY}"} == set(PEERS)

if __name__ == "__main__":
    if sys.argv[1:2] == ["--kam"]:
        print(json.dumps(run_kam(sys.argv[2])))
    else:
        main(*sys.argv[1:])
