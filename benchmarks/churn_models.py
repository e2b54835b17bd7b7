"""Does kam's forecast of churn beat that of ``lifetimes``? ``python -m benchmarks.churn_models [ledger …]``.

At the last four origins of each ledger (91 days apart, the last one 91 days before the day after the last order, none less than
182 days after the first) kam's regression is held against BG/NBD and Pareto/NBD of ``lifetimes`` and of kam: AUC, log loss,
Brier, top buyers named, observed over expected orders, calibration slope, for accounts at risk (an order in the 182 days before
the origin) and all, with paired intervals; and what each takes in time and memory. All see the same orders: amounts above zero,
not canceled, merged by customer and day, and nothing else of the dataset.

The ledgers: the sample; Online Retail II orders, AdventureWorks and the CDNOW sample, where the folder that KAM_REAL_DATA names
(or ``shared/data`` beside the project) holds them; six made up by :mod:`benchmarks.unseen_ledgers`. ``lifetimes`` needs older
packages and gets an environment of its own in ``build``; where that cannot be made, the rest goes on without it. A run over all
ledgers writes ``docs/churn_models.md``.
"""
# ruff: noqa: T201

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the same for both sides

import json
import multiprocessing
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np
import pandas as pd
import scipy
import sklearn

from benchmarks.lifetimes_peer import N_TIMES, read_peak
from benchmarks.unseen_ledgers import UNSEEN
from kam.churn import ChurnComparisonResult, roll_forecasts, rolling_snapshots, score_forecasts
from kam.churn.peers import forecast_purchases
from kam.errors import NotConvergedError
from kam.ledger import Cleaning, open_ledger

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "churn_models.md"
PEER = Path(__file__).with_name("lifetimes_peer.py")
ENVIRONMENT = ROOT / "build" / "lifetimes"
REQUIREMENTS = ("lifetimes==0.11.3", "pandas<2.2", "numpy<2", "scipy<1.14", "pyarrow<17", "scikit-learn")
NEWEST_PYTHON = (3, 12)
"""The newest Python for which NumPy 1 is built."""

HORIZON, N_ORIGINS, AT_RISK_DAYS, K, SEED = 91, 4, 182, 6, 2025
OURS = "regression"
OWN_FITS = ("BG/NBD", "Pareto/NBD")
THEIRS = tuple(f"lifetimes {name}" for name in OWN_FITS)
MODELS = (OURS, *THEIRS, *OWN_FITS)
MEASURES = ("AUC", "log loss", "Brier", "top buyers named")
POPULATIONS = ("at risk", "all")
CLOSE = (0.9, 1.1)
"""Observed over expected orders that are close."""
ORDERS, SLOPE = "observed / expected, orders", "calibration slope"
VERDICTS = {
    "less accurate": "better",
    "less accurate here": "better here",
    "no difference": "not worse",
    "more accurate here": "worse here",
    "more accurate": "worse",
    "not compared": "not compared",
}
"""What kam is, by how the other model stands against it."""
REAL = {
    "Online Retail II": ("online_retail_ii/orders_2009_2011.parquet", "date"),
    "AdventureWorks": ("adventureworks/aw_reseller_sales.parquet", "order_date"),
    "CDNOW sample": ("cdnow_sample/cdnow_sample_10pct.parquet", "date"),
}


@dataclass(frozen=True)
class Outcome:
    """What came out on one ledger: the comparison, and seconds (of all threads but for ``clock``) and bytes by side."""

    name: str
    size: str
    result: ChurnComparisonResult
    ours: dict[str, float]
    theirs: dict[str, float]
    versions: dict[str, str]
    penalized: tuple[str, ...] = ()


# ---- the environment of lifetimes ------------------------------------------------------------------------------------


def find_peer() -> tuple[Path | None, str]:
    """The Python of the environment of lifetimes, made if it is not there; or None, and what failed."""
    python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    made = ENVIRONMENT / "made.json"  # written last
    if made.exists() and json.loads(made.read_text()) == list(REQUIREMENTS):
        return python, ""
    base = sys.executable
    if sys.version_info[:2] > NEWEST_PYTHON:
        found = [shutil.which(f"python3.{minor}") for minor in range(NEWEST_PYTHON[1], 10, -1)]
        base = next((path for path in found if path), base)
    print("making an environment for lifetimes, once ...", flush=True)
    install = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet", *REQUIREMENTS]
    for what, command in (
        ("python -m venv", [base, "-m", "venv", "--clear", str(ENVIRONMENT)]),
        (f"installing {', '.join(REQUIREMENTS)}", install),
        ("importing lifetimes", [str(python), str(PEER), "--versions"]),
    ):
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            return None, f"{what} failed: {_reason(done.stderr or done.stdout)}"
    made.write_text(json.dumps(REQUIREMENTS))
    return python, ""


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"error\b", line, re.IGNORECASE)]
    return re.sub(r"\S+://\S+", "(address)", (errors or lines or ["no output"])[-1])


# ---- the ledgers -----------------------------------------------------------------------------------------------------


def list_ledgers() -> Iterator[tuple[str, pd.DataFrame]]:
    """Name and orders of each ledger that is there."""
    yield "sample", merge(pd.read_parquet(ROOT / "data" / "sample" / "ledger.parquet"), "order_date")
    folder = Path(os.environ.get("KAM_REAL_DATA") or ROOT.parent / "shared" / "data")
    for name, (file, day) in REAL.items():
        if (folder / file).exists():
            yield name, merge(pd.read_parquet(folder / file), day)
        else:
            print(f"{name}: not there (KAM_REAL_DATA)", flush=True)
    for name, make in UNSEEN.items():
        yield f"made up: {name}", make(SEED)


def merge(orders: pd.DataFrame, day: str) -> pd.DataFrame:
    """One row per customer and day, of orders above zero that were not canceled."""
    kept = orders["customer_id"].notna() & (orders["amount"] > 0)
    if "cancelled" in orders:
        kept &= ~orders["cancelled"]
    orders = orders[kept]
    merged = pd.DataFrame(
        {
            "customer_id": orders["customer_id"].astype(str),
            "order_date": pd.to_datetime(orders[day]).dt.normalize(),
            "amount": orders["amount"].astype(float),
        }
    )
    return merged.groupby(["customer_id", "order_date"], as_index=False)["amount"].sum()


def last_origins(orders: pd.DataFrame) -> list[pd.Timestamp]:
    """Ascending; the last one has the whole horizon after it, none less than two horizons before it."""
    first, after = orders["order_date"].min(), orders["order_date"].max() + pd.Timedelta(days=1)
    back = [after - pd.Timedelta(days=i * HORIZON) for i in range(N_ORIGINS, 0, -1)]
    return [origin for origin in back if (origin - first).days >= 2 * HORIZON]


# ---- both sides, each in a process of its own ------------------------------------------------------------------------


def run_kam(
    file: Path, origins: list[pd.Timestamp]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, float]]:
    """Forecasts, rows of the snapshots, what did not settle, and costs."""
    orders = pd.read_parquet(file)
    plain = Cleaning(non_product_codes=(), duplicates=False, zero_amounts=True, cancellations=False)
    seconds: dict[str, list[float]] = {name: [] for name in ("all", "clock", *OWN_FITS)}
    for _ in range(N_TIMES):
        begun, clock = process_time(), perf_counter()
        ledger = open_ledger(orders, cleaning=plain)
        taken = rolling_snapshots(ledger, k=K, horizon_days=HORIZON)
        rolled = roll_forecasts(taken)
        seconds["all"].append(process_time() - begun)
        seconds["clock"].append(perf_counter() - clock)
        ledger.close()
        rows = taken.rows
        for name in OWN_FITS:
            start = process_time()
            for origin in origins:
                try:
                    forecast_purchases(name, rows[rows["origin"] == origin], HORIZON)
                except NotConvergedError:
                    continue
            seconds[name].append(process_time() - start)
    costs = {name: median(times) for name, times in seconds.items()}
    costs |= {"peak": read_peak(), "windows": len(taken.origins), "forecasts": rolled.forecasts["origin"].nunique()}
    forecasts = rolled.forecasts[rolled.forecasts["origin"].isin(origins) & rolled.forecasts["model"].isin(MODELS)]
    failed = rolled.not_fitted[rolled.not_fitted["model"].isin(OWN_FITS)]
    return forecasts, rows[rows["origin"].isin(origins)], failed, costs


def run_lifetimes(
    python: Path, file: Path, origins: list[pd.Timestamp]
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, float], dict[str, str], tuple[str, ...]]:
    """Forecasts, what did not settle, costs, versions, and fits that needed a penalty."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(python), str(PEER), str(file), folder, str(HORIZON), *(str(day.date()) for day in origins)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise SystemExit(f"lifetimes failed: {_reason(done.stderr)}")
        said = json.loads((Path(folder) / "costs.json").read_text())
        forecasts = pd.read_parquet(Path(folder) / "forecasts.parquet")
    forecasts["model"] = "lifetimes " + forecasts["model"].astype(str)
    failed = pd.DataFrame(said["failed"], columns=["model", "origin"])
    failed = failed.assign(
        model="lifetimes " + failed["model"].astype(str),
        origin=pd.to_datetime(failed["origin"]),
        reason="no fit settles",
    )
    costs = {**said["seconds"], "peak": said["peak"]}
    penalized = tuple(f"{fit}, {penalty:g}" for fit, penalty in said["penalties"].items() if penalty)
    return forecasts, failed, costs, said["versions"], penalized


def compare(name: str, orders: pd.DataFrame, python: Path | None) -> Outcome:
    """Run both sides on one ledger and score them."""
    origins = last_origins(orders)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "orders.parquet"
        orders.to_parquet(file)
        fresh = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=fresh) as pool:
            forecasts, rows, failed, ours = pool.submit(run_kam, file, origins).result()
        theirs: dict[str, float] = {}
        versions: dict[str, str] = {}
        penalized: tuple[str, ...] = ()
        if python is not None:
            said, not_settled, theirs, versions, penalized = run_lifetimes(python, file, origins)
            said["as_of"] = said["origin"] - pd.Timedelta(days=1)
            forecasts = pd.concat([forecasts, said], ignore_index=True)
            failed = pd.concat([failed, not_settled], ignore_index=True)
    rows = rows.assign(at_risk=rows["days_since_last_order"] <= AT_RISK_DAYS)
    forecasts = forecasts.drop(columns=["level_error", "spread"], errors="ignore")
    failed = failed[failed["origin"].isin(origins) | ~failed["model"].isin(forecasts["model"])]
    result = score_forecasts(forecasts, rows, not_fitted=failed)
    size = f"{orders['customer_id'].nunique():,} customers, {len(orders):,} purchase days"
    return Outcome(name, size, result, ours, theirs, versions, penalized)


# ---- what came out ---------------------------------------------------------------------------------------------------


def find_score(outcome: Outcome, model: str, measure: str, population: str, origin: str = "pooled") -> pd.Series | None:
    """One row of the scores, or None."""
    scores = outcome.result.scores
    keys = {"model": model, "measure": measure, "population": population, "origin": origin}
    rows = scores[(scores[list(keys)] == pd.Series(keys)).all(axis=1)]
    return None if rows.empty or pd.isna(rows["estimate"].iloc[0]) else rows.iloc[0]


def show(outcome: Outcome, model: str, measure: str, population: str, origin: str = "pooled", digits: int = 3) -> str:
    """The estimate; of ratios and slopes with the interval."""
    row = find_score(outcome, model, measure, population, origin)
    if row is None:
        return "–"
    if measure not in (ORDERS, SLOPE):
        return f"{row['estimate']:.{digits}f}"
    return f"{row['estimate']:.2f} ({row['ci_low']:.2f} to {row['ci_high']:.2f})"


def list_differences(outcome: Outcome, *, single: bool = False) -> pd.DataFrame:
    """kam less the other model, with the verdict."""
    rows = outcome.result.differences
    rows = rows[rows["measure"].isin(MEASURES) & ((rows["origin"] != "pooled") == single)]
    return rows.assign(ledger=outcome.name, verdict=rows["standing"].map(VERDICTS))


def list_shortfalls(outcome: Outcome) -> Iterator[str]:
    """Every cell in which kam is worse, or off in number or slope; then the same at single origins."""
    for row in list_differences(outcome).itertuples():
        other = _call(str(row.model))
        gap = f"{row.estimate:+.4f} ({row.ci_low:+.4f} to {row.ci_high:+.4f})"
        if row.verdict.startswith("worse"):
            yield f"{row.population}, {row.measure}: {row.verdict} than {other}, {gap}"
        elif row.measure == "log loss" and row.estimate > 0:
            yield f"{row.population}, log loss: larger than that of {other} within the interval, {gap}"
    for origin in ("pooled", *sorted(set(outcome.result.scores["origin"]) - {"pooled"})):
        for population in POPULATIONS:
            row = find_score(outcome, OURS, ORDERS, population, origin)
            if row is not None and not CLOSE[0] <= row["estimate"] <= CLOSE[1]:
                said = show(outcome, OURS, ORDERS, population, origin)
                chance = ", within chance" if row["ci_low"] <= 1 <= row["ci_high"] else ""
                yield f"{population}, {origin}: observed over expected orders {said}{chance}"
            row = find_score(outcome, OURS, SLOPE, population, origin)
            if row is not None and not row["ci_low"] <= 1 <= row["ci_high"]:
                yield f"{population}, {origin}: calibration slope {show(outcome, OURS, SLOPE, population, origin)}"


def _call(model: str) -> str:
    return model if model in THEIRS else f"kam, {model}"


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def score_table(outcomes: list[Outcome], population: str) -> str:
    """Pooled scores, one row per ledger and model."""
    rows = [
        [
            outcome.name if model == OURS else "",
            f"**{_call(model)}**" if model == OURS else _call(model) + _fewer(outcome, model, population),
            *(show(outcome, model, measure, population) for measure in (*MEASURES, ORDERS, SLOPE)),
        ]
        for outcome in outcomes
        for model in MODELS
        if find_score(outcome, model, "AUC", population) is not None
    ]
    return table(["ledger", "model", *MEASURES, "observed / expected orders", SLOPE], rows)


def _fewer(outcome: Outcome, model: str, population: str) -> str:
    """That a model has no forecast at some origins, so that its mean is of other origins than that of the rest."""
    n, own = (find_score(outcome, name, "AUC", population) for name in (model, OURS))
    if n is None or own is None or n["n_origins"] == own["n_origins"]:
        return ""
    return f", {n['n_origins']} of {own['n_origins']} origins"


def verdict_table(outcomes: list[Outcome]) -> str:
    """kam's regression against each model of lifetimes, pooled."""
    rows = []
    for outcome in outcomes:
        for (population, model), group in list_differences(outcome).groupby(["population", "model"], sort=False):
            if model not in THEIRS:
                continue
            by = group.set_index("measure")
            cells = [
                f"{row.verdict}, {row.estimate:+.3f} ({row.ci_low:+.3f} to {row.ci_high:+.3f})"
                for row in by.loc[list(MEASURES)].itertuples()
            ]
            rows.append([outcome.name, str(population), str(model).removeprefix("lifetimes "), *cells])
    return table(["ledger", "accounts", "against lifetimes'", *MEASURES], rows)


def origin_table(outcomes: list[Outcome]) -> str:
    """Single origins."""
    rows = []
    for outcome in outcomes:
        single = list_differences(outcome, single=True)
        for origin in sorted(set(outcome.result.scores["origin"]) - {"pooled"}):
            for population in POPULATIONS:
                own = find_score(outcome, OURS, "AUC", population, origin)
                here = single[(single["origin"] == origin) & (single["population"] == population)]
                worse = here[here["verdict"].str.startswith("worse") & here["model"].isin(THEIRS)]
                both = [
                    " · ".join(show(outcome, model, measure, population, origin) for model in (OURS, *THEIRS))
                    for measure in MEASURES
                ]
                rows.append(
                    [
                        outcome.name,
                        origin,
                        population,
                        "–" if own is None else f"{own['n_customers']:,}",
                        *both,
                        *(show(outcome, OURS, measure, population, origin) for measure in (ORDERS, SLOPE)),
                        "; ".join(f"{r.measure} ({r.model.removeprefix('lifetimes ')})" for r in worse.itertuples())
                        or "–",
                    ]
                )
    header = ["ledger", "origin", "accounts", "n", *MEASURES, "kam: orders, o / e", f"kam: {SLOPE}", "kam worse in"]
    return table(header, rows)


def cost_table(outcomes: list[Outcome]) -> str:
    """Time and memory of both sides."""
    rows = []
    for outcome in outcomes:
        ours, theirs = outcome.ours, outcome.theirs
        seconds = [_ratio(ours[name], theirs.get(name), "s") for name in (*OWN_FITS, "all", "clock")]
        peaks = _ratio(ours["peak"] / 1e6, theirs["peak"] / 1e6 if theirs else None, "MB")
        rows.append(
            [outcome.name, outcome.size, *seconds, f"{ours['forecasts']:.0f}, from {ours['windows']:.0f}", peaks]
        )
    header = ["ledger", "size", "BG/NBD: kam · lifetimes", "Pareto/NBD: kam · lifetimes"]
    header += [
        "orders to forecasts: kam, pooled · lifetimes, both",
        "the same on the clock",
        "kam's origins",
        "peak memory: kam · lifetimes",
    ]
    return table(header, rows)


def _ratio(ours: float, theirs: float | None, unit: str) -> str:
    form = "{:.2f}" if unit == "s" else "{:.0f}"
    if theirs is None:
        return f"{form.format(ours)} {unit}"
    return f"{form.format(ours)} · {form.format(theirs)} {unit} ({ours / theirs:.2f})"


def count_verdicts(outcomes: list[Outcome]) -> str:
    """How many of the pooled cells against lifetimes have which verdict."""
    cells = pd.concat([list_differences(outcome) for outcome in outcomes])
    cells = cells[cells["model"].isin(THEIRS)]
    if cells.empty:
        return "There is no forecast of lifetimes to compare with."
    counts = cells["verdict"].value_counts()
    said = ", ".join(f"{word} in {counts[word]}" for word in VERDICTS.values() if word in counts)
    return (
        f"Of {len(cells)} pooled cells (ledger × accounts × model of lifetimes × measure) kam's regression is {said}."
    )


def level_table(outcomes: list[Outcome]) -> str:
    """How often each model is right in number, and calibrated in slope."""
    rows = []
    for model in MODELS:
        cells = [(outcome, population) for outcome in outcomes for population in POPULATIONS]
        ratios = [row["estimate"] for cell in cells if (row := find_score(cell[0], model, ORDERS, cell[1])) is not None]
        slopes = [row for cell in cells if (row := find_score(cell[0], model, SLOPE, cell[1])) is not None]
        close = sum(CLOSE[0] <= ratio <= CLOSE[1] for ratio in ratios)
        held = sum(row["ci_low"] <= 1 <= row["ci_high"] for row in slopes)
        rows.append([_call(model), f"{close} of {len(ratios)}", f"{held} of {len(slopes)}"])
    within = f"observed / expected orders within {CLOSE[0]} to {CLOSE[1]}, pooled"
    return table(["model", within, "interval of the calibration slope holds 1, pooled"], rows)


def describe_machine() -> str:
    """What it ran on."""
    versions = {"Python": platform.python_version()}
    versions |= {module.__name__: module.__version__ for module in (np, pd, scipy, sklearn)}
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    about = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    named = re.search(r"^model name\s*: *(.+)$", about, re.MULTILINE)
    kind = f"{named[1] if named else platform.machine()}, {platform.system()}"
    return f"{os.cpu_count()} cores ({kind}), one thread for linear algebra; kam with {listed}"


def write_page(outcomes: list[Outcome], failed: str) -> str:
    """The page, as text."""
    versions = next((outcome.versions for outcome in outcomes if outcome.versions), {})
    peer = ", ".join(f"{name} {version}" for name, version in versions.items()) or f"not there ({failed})"
    shortfalls = [(outcome.name, list(list_shortfalls(outcome))) for outcome in outcomes]
    listed = [
        f"- **{name}**\n" + "\n".join(f"  - {line}" for line in lines or ["nothing"]) for name, lines in shortfalls
    ]
    failures = [
        f"- {outcome.name}: {row.model}, {pd.Timestamp(row.origin):%Y-%m-%d}: {row.reason}"
        for outcome in outcomes
        for row in outcome.result.not_fitted.itertuples()
    ]
    failures += [
        f"- {outcome.name}: with a penalty, lifetimes {fit}" for outcome in outcomes for fit in outcome.penalized
    ]
    settled = (
        "\n".join(failures) if failures else "All models settled at all origins, those of lifetimes without a penalty."
    )
    return f"""# Does kam's forecast of churn beat the usual models of purchases?

Written by `make bench ARGS=churn_models`, {date.today():%Y-%m-%d}, on {describe_machine()}; lifetimes' environment: {peer}.

At the last {N_ORIGINS} origins that the history allows, {HORIZON} days apart, every model says of each account with which
probability it places no order in the next {HORIZON} days and what it will bring. All see the same: orders above zero, not
canceled, merged by customer and day. kam's regression (`roll_forecasts`) learns from windows that were over by the origin and
pools its own BG/NBD and Pareto/NBD with a logistic regression and trees; no dataset's complaints, deliveries or accounts are used
here. BG/NBD of lifetimes has its exact probability of an order, Pareto/NBD, the best of {N_TIMES} random starts, 1 −
exp(−expected); kam's own are exact. *At risk*: an order in the {AT_RISK_DAYS} days before the origin. The *made up* ledgers stand
in `benchmarks/unseen_ledgers.py`; nothing in kam was set by what comes out on them.

{count_verdicts(outcomes)}

{level_table(outcomes)}
Differences are paired, and their 95 % intervals the wider of two: over accounts, and over origins. *Better* and *worse*: beyond
that interval. *Better here* and *worse here*: beyond the interval over accounts, but origins differ too much to be sure of the
next. *Not worse*: within. AUC, log loss, Brier and top buyers named are means over the origins; observed over expected is a
ratio of sums.

## Where kam is worse, or off

Pooled cells against lifetimes and against kam's own fits that are *worse* or *worse here*, or a log loss that is larger at all;
then observed over expected orders outside {CLOSE[0]} to {CLOSE[1]} and intervals of the calibration slope without 1, pooled and
at single origins.

{chr(10).join(listed)}

## kam's regression against lifetimes

kam less the other, over the origins that both have, with the interval. A smaller log loss and Brier is better, a larger AUC and
share of top buyers named.

{verdict_table(outcomes)}
## Scores, accounts at risk

{score_table(outcomes, "at risk")}
## Scores, all accounts

{score_table(outcomes, "all")}
## Single origins

Each cell: kam's regression · lifetimes' BG/NBD · lifetimes' Pareto/NBD. The interval of one origin is over accounts alone.

{origin_table(outcomes)}
## Time and memory

Processor seconds of all threads, which other work on the machine hardly changes, and once on the clock; medians of {N_TIMES}
runs, in parentheses kam over lifetimes. The models alone: fits and predictions at the origins shown above,
from summaries that are there. From orders to forecasts the sides do not do the same: lifetimes makes summaries, two fits and
predictions at the origins shown; kam opens the ledger, takes snapshots at all the origins it learns from, fits its own two models
there, learns a logistic regression and trees anew at each origin that it forecasts, pools them, and adds the peers of the report.
Memory is the peak of a process that does this side and nothing else, packages included.

{cost_table(outcomes)}
## What did not settle, or not without a penalty

{settled}
"""


def main(names: list[str]) -> None:
    """Print what came out on each ledger; write the page after a run over all."""
    python, failed = find_peer()
    if python is None:
        print(f"lifetimes: {failed}; going on without it", flush=True)
    outcomes = []
    for name, orders in list_ledgers():
        if names and not any(part.lower() in name.lower() for part in names):
            continue
        print(f"\n== {name}", flush=True)
        outcome = compare(name, orders, python)
        outcomes.append(outcome)
        print(f"{outcome.size}\n")
        for population in POPULATIONS:
            print(f"{population}\n{score_table([outcome], population)}")
        print(verdict_table([outcome]), cost_table([outcome]), sep="\n")
        print("\n".join(list_shortfalls(outcome)), flush=True)
    if not names:
        PAGE.write_text(write_page(outcomes, failed), encoding="utf-8")
        print(f"\n{count_verdicts(outcomes)}\nwritten: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1:])
