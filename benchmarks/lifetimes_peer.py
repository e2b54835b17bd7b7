"""Forecasts of ``lifetimes`` 0.11.3, made in an environment of its own: pandas < 2.2, numpy < 2.

``python lifetimes_peer.py ORDERS.parquet FOLDER HORIZON ORIGIN …``; benchmarks.churn_models runs it. The orders are
``customer_id, order_date, amount``, one row per customer and day, amounts above zero. At each origin BG/NBD and Pareto/NBD are
fitted, in weeks, to the orders before it, with the first of four penalties that gives finite expectations. Pareto/NBD starts its
search at random: of three seeds, the fit of the best likelihood counts. Written to the folder:

- ``forecasts.parquet``: ``model, origin, customer_id, p_no_order, expected_revenue``;
- ``costs.json``: processor seconds by model of fits and predictions at all origins, and of all with the summaries, also on the
  clock, medians of three runs; the peak of memory, the versions, the penalties, and what did not settle.

BG/NBD's probability of an order is exact, P(alive) (1 − ((a + T) / (a + T + h))^(r + x)); Pareto/NBD's is 1 − exp(−expected).
Without arguments it says what it is for, and ends.
"""
# ruff: noqa: T201

from __future__ import annotations

import json
import platform
import resource
import sys
import warnings
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

MODELS = ("BG/NBD", "Pareto/NBD")
N_TIMES = 3
WEEK = 7.0
PENALTIES = (0.0, 0.001, 0.01, 0.1)


def summarize(orders, origin):
    """Repeat purchase days, recency and age in weeks, and the mean amount of a purchase day, per customer."""
    from lifetimes.utils import summary_data_from_transaction_data

    past = orders[orders["order_date"] < origin]
    summary = summary_data_from_transaction_data(
        past, "customer_id", "order_date", observation_period_end=origin, freq="D"
    )
    summary[["recency", "T"]] /= WEEK
    return summary.assign(value=past.groupby("customer_id")["amount"].mean())


def forecast(name, summary, weeks):
    """Penalty that it took, negative log-likelihood, probability of no order, expected purchases; None if nothing settles."""
    import numpy as np
    from lifetimes import BetaGeoFitter, ParetoNBDFitter

    history = summary["frequency"], summary["recency"], summary["T"]
    for penalty in PENALTIES:
        fitter = {"BG/NBD": BetaGeoFitter, "Pareto/NBD": ParetoNBDFitter}[name](penalizer_coef=penalty)
        try:
            fitter.fit(*history)
            ahead = fitter.conditional_expected_number_of_purchases_up_to_time(weeks, *history)
            expected = np.asarray(ahead, dtype=float)
            p_order = 1 - np.exp(-expected)
            if name == "BG/NBD":
                r, alpha = fitter.params_["r"], fitter.params_["alpha"]
                waits = ((alpha + history[2]) / (alpha + history[2] + weeks)) ** (r + history[0])
                p_order = np.asarray(fitter.conditional_probability_alive(*history), dtype=float) * (1 - waits)
        except Exception:  # whatever it is, the next penalty may do
            continue
        p_order = np.asarray(p_order, dtype=float)
        if np.isfinite(expected).all() and np.isfinite(p_order).all():
            return penalty, float(fitter._negative_log_likelihood_), np.clip(1 - p_order, 0, 1), expected
    return None


def read_peak():
    """The largest resident set of this process so far, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says may be that of the parent
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def list_versions():
    """Of Python and of what was installed."""
    from importlib.metadata import version

    packages = ("lifetimes", "pandas", "numpy", "scipy", "pyarrow")
    return {"Python": platform.python_version(), **{name: version(name) for name in packages}}


def main(orders_file, folder, horizon, *origins):
    """Fit, forecast and write."""
    import numpy as np
    import pandas as pd

    warnings.filterwarnings("ignore")
    orders = pd.read_parquet(orders_file)
    weeks = int(horizon) / WEEK
    days = [pd.Timestamp(origin) for origin in origins]
    seconds = {name: [] for name in ("all", *MODELS, "clock")}
    best = {}
    for seed in range(N_TIMES):
        np.random.seed(seed)  # noqa: NPY002
        begun, clock = process_time(), perf_counter()
        summaries = [summarize(orders, day) for day in days]
        for name in MODELS:
            start = process_time()
            for day, summary in zip(days, summaries):  # noqa: B905
                made = forecast(name, summary, weeks)
                if made is not None and ((name, day) not in best or made[:2] < best[name, day][:2]):
                    best[name, day] = made
            seconds[name].append(process_time() - start)
        seconds["all"].append(process_time() - begun)
        seconds["clock"].append(perf_counter() - clock)
    parts = []
    for (name, day), (_, _, p_no_order, expected) in best.items():
        summary = summaries[days.index(day)]
        frame = pd.DataFrame({"model": name, "origin": day, "customer_id": summary.index, "p_no_order": p_no_order})
        parts.append(frame.assign(expected_revenue=expected * summary["value"].to_numpy()))
    columns = ["model", "origin", "customer_id", "p_no_order", "expected_revenue"]
    forecasts = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    forecasts.to_parquet(Path(folder) / "forecasts.parquet")
    costs = {
        "seconds": {name: median(times) for name, times in seconds.items()},
        "peak": read_peak(),
        "versions": list_versions(),
        "penalties": {f"{name} {day.date()}": made[0] for (name, day), made in best.items()},
        "failed": [
            {"model": name, "origin": str(day.date())} for name in MODELS for day in days if (name, day) not in best
        ],
    }
    (Path(folder) / "costs.json").write_text(json.dumps(costs))


if __name__ == "__main__":
    if len(sys.argv) > 4:
        main(*sys.argv[1:])
    elif sys.argv[1:] == ["--versions"]:
        print(json.dumps(list_versions()))
    else:
        print("The half of benchmarks.churn_models that runs in the environment of lifetimes; it does nothing alone.")
