"""The peers of :mod:`benchmarks.ledger`, each run in an environment of its own: ``python ledger_peers.py PEER LEDGER.parquet``.

A, one row per customer: first and last order, orders, purchase days, active months, revenue, returns, variation of monthly
demand, ABC class. B, how many customers went from which class of monthly value (A, B, C; silent for three months: lost) to
which. Where a peer cannot do that, what it can: four columns (lifetimes, pymc-marketing), scores (openretailscience), A (Spark).
The process prints one line of JSON: seconds on the clock and of all threads, from the file to the answer with all imports done
(Spark with the start of its session), the peak of resident memory with that of children, versions, and figures to compare.
"""
# ruff: noqa: T201

from __future__ import annotations

import json
import os
import platform
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time

FLOOR = """
SELECT count(*), sum(amount), sum(n_orders) FROM (
    SELECT customer_id, date_trunc('month', order_date) AS month, sum(amount) AS amount, count(DISTINCT order_id) AS n_orders
    FROM read_parquet('{path}') GROUP BY ALL)
"""

ROLLUP = """
CREATE TEMP TABLE rollup AS
SELECT customer_id, 12 * year(order_date) + month(order_date) AS month, min(order_date) FILTER (amount > 0) AS first_order,
    max(order_date) FILTER (amount > 0) AS last_order, coalesce(sum(amount) FILTER (amount > 0), 0) AS gross, sum(amount) AS net,
    count(DISTINCT order_id) FILTER (amount > 0) AS n_orders,
    bit_count(bit_or(1 << day(order_date)) FILTER (amount > 0)) AS n_days
FROM read_parquet('{path}') GROUP BY ALL
"""

SUMMARY = """
SELECT *, CASE WHEN up_to - greatest(revenue, 0) < 0.8 * total THEN 'A' WHEN up_to - greatest(revenue, 0) < 0.95 * total
    THEN 'B' ELSE 'C' END AS class
FROM (SELECT *, sum(greatest(revenue, 0)) OVER (ORDER BY revenue DESC, customer_id ROWS UNBOUNDED PRECEDING) AS up_to,
        sum(greatest(revenue, 0)) OVER () AS total
    FROM (SELECT customer_id, min(first_order) AS first_order, max(last_order) AS last_order, sum(n_orders) AS n_orders,
            sum(n_days) AS n_days, count(*) FILTER (n_orders > 0) AS n_months, sum(net) AS revenue, sum(gross - net) AS returns,
            CASE WHEN min(month) FILTER (n_orders > 0) < {end}
                THEN sqrt(greatest(({end} - min(month) FILTER (n_orders > 0) + 1) * sum(gross::DOUBLE * gross::DOUBLE)
                / nullif(sum(gross), 0)::DOUBLE ** 2 - 1, 0)) END AS demand_cv
        FROM rollup GROUP BY customer_id))
"""

PAIRS = """
WITH active AS (SELECT customer_id, month, net FROM rollup WHERE n_orders > 0),
shares AS (SELECT net, sum(greatest(net, 0)) OVER (ORDER BY net DESC ROWS UNBOUNDED PRECEDING) - greatest(net, 0) AS before,
    sum(greatest(net, 0)) OVER () AS total FROM active),
cuts AS (SELECT min(net) FILTER (before < 0.8 * total) AS a, min(net) FILTER (before < 0.95 * total) AS b FROM shares
    WHERE net > 0),
steps AS (SELECT customer_id, month, CASE WHEN net >= a THEN 0 WHEN net >= b THEN 1 ELSE 2 END AS class FROM active, cuts),
pairs AS (SELECT month, class, lead(month) OVER next AS month_after, lead(class) OVER next AS class_after FROM steps
    WINDOW next AS (PARTITION BY customer_id ORDER BY month))
SELECT month, class, month_after, class_after, count(*) FROM pairs GROUP BY ALL
"""

LAST_MONTH = 12 * 2025 + 12
N_SILENT = 3
N_UNKNOWN = 2


def count_moves(pairs, first):
    """Moves between known states from counted pairs of active months, the silent months between them expanded."""
    moves = [[0] * 4 for _ in range(4)]
    for month, state, month_after, state_after, n in pairs:
        end = LAST_MONTH + 1 if month_after is None or month_after != month_after else int(month_after)
        for t in range(int(month), end):
            if t - first < N_UNKNOWN or t == LAST_MONTH:
                continue
            now = int(state) if t - month < N_SILENT else 3
            after = int(state_after) if t + 1 == end and end <= LAST_MONTH else int(state)
            if t + 1 < end or end > LAST_MONTH:
                after = int(state) if t + 1 - month < N_SILENT else 3
            moves[now][after] += int(n)
    return moves


def run_floor(path):
    """DuckDB's group-by of customers and months."""
    import duckdb

    n, revenue, n_orders = duckdb.connect().execute(FLOOR.format(path=path)).fetchone()
    return {"n_groups": n, "revenue": float(revenue), "n_orders": int(n_orders)}


def run_duckdb(path):
    """A and B by hand in SQL."""
    import duckdb

    con = duckdb.connect()
    con.execute(ROLLUP.format(path=path))
    begun = perf_counter()
    summary = con.execute(SUMMARY.format(end=LAST_MONTH)).df()
    first = con.execute("SELECT min(month) FROM rollup").fetchone()[0]
    between = perf_counter()
    moves = count_moves(con.execute(PAIRS).fetchall(), first)
    return {**_figures(summary), "moves": moves, "A": between - begun, "B": perf_counter() - between}


def _figures(summary):
    return {
        "n_customers": len(summary),
        "revenue": float(summary["revenue"].sum()),
        "n_orders": int(summary["n_orders"].sum()),
        "n_days": int(summary["n_days"].sum()),
        "demand_cv": float(summary["demand_cv"].mean()),
        "n_class_a": int((summary["class"] == "A").sum()),
    }


def run_pandas(path):
    """A and B by hand in pandas."""
    import numpy as np
    import pandas as pd

    columns = ["customer_id", "order_id", "order_date", "amount"]
    lines = pd.read_parquet(path, columns=columns, dtype_backend="pyarrow")
    lines["customer_id"] = lines["customer_id"].astype("category")
    lines["order_date"] = lines["order_date"].astype("datetime64[s]")
    lines["amount"] = lines["amount"].astype("float64")
    lines["order_id"] = lines["order_id"].astype("int64")
    lines["month"] = 12 * lines["order_date"].dt.year + lines["order_date"].dt.month
    first = lines["month"].min()
    lines["gross"] = lines["amount"].clip(lower=0)
    keys = ["customer_id", "month"]
    rollup = lines.groupby(keys, observed=True).agg(gross=("gross", "sum"), net=("amount", "sum"))
    rollup = rollup.round(4)  # the money has four places: sums of floats put some of those who stand at a cut below it
    bought = lines[lines["amount"] > 0]
    orders = bought.drop_duplicates(["customer_id", "month", "order_id"]).groupby(keys, observed=True).size()
    days = bought.drop_duplicates(["customer_id", "order_date"]).groupby(keys, observed=True).size()
    rollup = rollup.assign(n_orders=orders, n_days=days).fillna({"n_orders": 0, "n_days": 0}).reset_index()
    rollup["squares"] = rollup["gross"] ** 2
    rollup["n_months"] = rollup["n_orders"] > 0
    summary = rollup.groupby("customer_id", observed=True)[
        ["n_orders", "n_days", "n_months", "gross", "net", "squares"]
    ].sum()
    extremes = bought.groupby("customer_id", observed=True)["order_date"].agg(["min", "max"])
    summary = summary.join(extremes.set_axis(["first_order", "last_order"], axis=1))
    summary["revenue"], summary["returns"] = summary["net"], summary["gross"] - summary["net"]
    active = rollup[rollup["n_orders"] > 0]
    n = LAST_MONTH - active.groupby("customer_id", observed=True)["month"].min() + 1
    summary["demand_cv"] = np.sqrt((n * summary["squares"] / summary["gross"] ** 2 - 1).clip(lower=0)).where(n >= 2)
    summary = summary.sort_values("revenue", ascending=False)
    positive = summary["revenue"].clip(lower=0)
    share = (positive.cumsum() - positive) / positive.sum()
    summary["class"] = np.select([share < 0.8, share < 0.95], ["A", "B"], "C")

    descending = active["net"].sort_values(ascending=False)
    positive = descending.clip(lower=0)
    before = positive.cumsum() - positive
    cuts = [descending[(descending > 0) & (before < limit * positive.sum())].min() for limit in (0.8, 0.95)]
    active = active.assign(state=2 - (active["net"] >= cuts[0]).astype(int) - (active["net"] >= cuts[1]).astype(int))
    after = active.groupby("customer_id", observed=True)[["month", "state"]].shift(-1)
    pairs = active.assign(month_after=after["month"], state_after=after["state"])
    counted = pairs.groupby(["month", "state", "month_after", "state_after"], dropna=False).size().reset_index()
    return {**_figures(summary), "moves": count_moves(counted.itertuples(index=False), first)}


def run_polars(path):
    """A and B by hand in polars, the scan streamed."""
    import polars as pl

    amount, bought = pl.col("amount"), pl.col("amount") > 0
    month = 12 * pl.col("order_date").dt.year() + pl.col("order_date").dt.month().cast(pl.Int32)
    lines = pl.scan_parquet(path).with_columns(month=month)
    rollup = (
        lines.group_by("customer_id", "month")
        .agg(
            first_order=pl.col("order_date").filter(bought).min(),
            last_order=pl.col("order_date").filter(bought).max(),
            # Summed as decimals: sums of floats put some of those who stand exactly at a cut below it.
            gross=amount.filter(bought).sum().cast(pl.Float64),
            net=amount.sum().cast(pl.Float64),
            n_orders=pl.col("order_id").filter(bought).n_unique(),
            n_days=pl.col("order_date").filter(bought).n_unique(),
        )
        .collect(engine="streaming")
    )
    first = rollup["month"].min()
    is_active = pl.col("n_orders") > 0
    n = LAST_MONTH - pl.col("month").filter(is_active).min() + 1
    summary = rollup.group_by("customer_id").agg(
        pl.col("first_order").min(),
        pl.col("last_order").max(),
        pl.col("n_orders", "n_days").sum(),
        n_months=is_active.sum(),
        revenue=pl.col("net").sum(),
        returns=(pl.col("gross") - pl.col("net")).sum(),
        demand_cv=pl.when(n >= 2).then(
            (n * (pl.col("gross") ** 2).sum() / pl.col("gross").sum() ** 2 - 1).clip(lower_bound=0).sqrt()
        ),
    )
    positive = pl.col("revenue").clip(lower_bound=0)
    summary = summary.sort("revenue", descending=True).with_columns(
        share=(positive.cum_sum() - positive) / positive.sum()
    )
    grade = pl.when(pl.col("share") < 0.8).then(pl.lit("A")).when(pl.col("share") < 0.95).then(pl.lit("B"))
    summary = summary.with_columns(grade.otherwise(pl.lit("C")).alias("class"))

    active = rollup.filter(is_active).select("customer_id", "month", "net").sort("net", descending=True)
    positive = pl.col("net").clip(lower_bound=0)
    before = positive.cum_sum() - positive
    cuts = [
        active.filter((pl.col("net") > 0) & (before < limit * positive.sum()))["net"].min() for limit in (0.8, 0.95)
    ]
    state = 2 - (pl.col("net") >= cuts[0]).cast(pl.Int32) - (pl.col("net") >= cuts[1]).cast(pl.Int32)
    steps = active.with_columns(state=state).sort("customer_id", "month")
    same = pl.col("customer_id") == pl.col("customer_id").shift(-1)
    after = [pl.when(same).then(pl.col(name).shift(-1)).alias(f"{name}_after") for name in ("month", "state")]
    counted = steps.with_columns(after).group_by("month", "state", "month_after", "state_after").len()
    figures = {
        "n_customers": len(summary),
        "revenue": summary["revenue"].sum(),
        "n_orders": summary["n_orders"].sum(),
        "n_days": summary["n_days"].sum(),
        "demand_cv": summary["demand_cv"].fill_nan(None).mean(),
        "n_class_a": (summary["class"] == "A").sum(),
    }
    return {**figures, "moves": count_moves(counted.rows(), first)}


def _read_for_lifetimes(path):
    import pandas as pd

    lines = pd.read_parquet(path, columns=["customer_id", "order_date", "amount"])
    lines["order_date"] = pd.to_datetime(lines["order_date"])
    lines["amount"] = lines["amount"].astype("float64")
    return lines[lines["amount"] > 0]


def run_lifetimes(path):
    """Repeat days, recency, age and mean value."""
    from lifetimes.utils import summary_data_from_transaction_data

    lines = _read_for_lifetimes(path)
    summary = summary_data_from_transaction_data(lines, "customer_id", "order_date", "amount", freq="D")
    return {"n_customers": len(summary), "n_days": int(summary["frequency"].sum() + len(summary))}


def run_pymc_marketing(path):
    """The same four columns."""
    from pymc_marketing.clv.utils import rfm_summary

    summary = rfm_summary(_read_for_lifetimes(path), "customer_id", "order_date", "amount", time_unit="D")
    return {"n_customers": len(summary), "n_days": int(summary["frequency"].sum() + len(summary))}


def run_openretailscience(path):
    """Scores of recency, frequency and money, on DuckDB."""
    import ibis
    from openretailscience.segmentation.rfm import RFMSegmentation

    names = {"unit_spend": "amount", "transaction_id": "order_id", "transaction_date": "order_date"}
    lines = ibis.duckdb.connect().read_parquet(path).rename(names)
    summary = RFMSegmentation(lines, current_date="2025-12-31").table.to_pandas()
    return {"n_customers": len(summary), "revenue": float(summary["monetary"].sum())}


def run_spark(path):
    """A by hand in SQL, in a session of its own on this machine."""
    import shutil
    import tempfile

    from pyspark.sql import SparkSession

    folder = tempfile.mkdtemp(prefix="spark-")
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "8g",
        "spark.local.dir": folder,
        "spark.sql.warehouse.dir": folder + "/warehouse",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "8",
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master("local[*]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.read.parquet(path).createOrReplaceTempView("lines")
    spark.sql(
        """SELECT customer_id, 12 * year(order_date) + month(order_date) AS month,
        min(order_date) FILTER (WHERE amount > 0) AS first_order, max(order_date) FILTER (WHERE amount > 0) AS last_order,
        coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS gross, sum(amount) AS net,
        count(DISTINCT order_id) FILTER (WHERE amount > 0) AS n_orders,
        bit_count(bit_or(shiftleft(1, day(order_date) - 1)) FILTER (WHERE amount > 0)) AS n_days
        FROM lines GROUP BY 1, 2"""
    ).createOrReplaceTempView("rollup")
    summary = spark.sql(
        f"""SELECT *, CASE WHEN up_to - greatest(revenue, 0) < 0.8 * total THEN 'A'
        WHEN up_to - greatest(revenue, 0) < 0.95 * total THEN 'B' ELSE 'C' END AS class
        FROM (SELECT *, sum(greatest(revenue, 0)) OVER (ORDER BY revenue DESC, customer_id ROWS UNBOUNDED PRECEDING) AS up_to,
            sum(greatest(revenue, 0)) OVER () AS total
        FROM (SELECT customer_id, min(first_order) AS first_order, max(last_order) AS last_order, sum(n_orders) AS n_orders,
            sum(n_days) AS n_days, count_if(n_orders > 0) AS n_months, cast(sum(net) AS double) AS revenue,
            sum(gross - net) AS returns, CASE WHEN min(month) FILTER (WHERE n_orders > 0) < {LAST_MONTH}
            THEN sqrt(greatest(({LAST_MONTH} - min(month) FILTER (WHERE n_orders > 0) + 1)
                * sum(cast(gross AS double) * cast(gross AS double)) / pow(nullif(cast(sum(gross) AS double), 0), 2) - 1, 0)) END
                AS demand_cv
            FROM rollup GROUP BY customer_id))"""
    )
    row = summary.selectExpr(
        "count(*)", "sum(revenue)", "sum(n_orders)", "sum(n_days)", "avg(demand_cv)", "count_if(class = 'A')"
    ).first()
    names = ("n_customers", "revenue", "n_orders", "n_days", "demand_cv", "n_class_a")
    figures = {name: float(value) for name, value in zip(names, row)}  # noqa: B905
    peak = read_peak()  # while the other process is there
    spark.stop()
    shutil.rmtree(folder, ignore_errors=True)
    return figures | {"peak": peak}


def read_peak():
    """The largest resident sets of this process and of its children so far, in bytes; Linux."""
    parents, peaks = {}, {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            entries = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:
            continue
        pid = int(entries["Pid"])
        parents[pid], peaks[pid] = int(entries["PPid"]), int(entries.get("VmHWM", "0").split()[0]) * 1024

    def is_mine(pid):
        return pid == os.getpid() or (pid in parents and is_mine(parents[pid]))

    return sum(peak for pid, peak in peaks.items() if is_mine(pid))


PEERS = {
    "floor": (run_floor, "duckdb"),
    "duckdb": (run_duckdb, "duckdb"),
    "pandas": (run_pandas, "pandas"),
    "polars": (run_polars, "polars"),
    "lifetimes": (run_lifetimes, "lifetimes"),
    "pymc-marketing": (run_pymc_marketing, "pymc-marketing"),
    "openretailscience": (run_openretailscience, "openretailscience"),
    "spark": (run_spark, "pyspark"),
}
IMPORTS = {
    "floor": "duckdb",
    "duckdb": "duckdb, pandas",
    "pandas": "pandas, pyarrow.parquet, numpy",
    "polars": "polars",
    "lifetimes": "lifetimes.utils, pyarrow.parquet",
    "pymc-marketing": "pymc_marketing.clv.utils, pyarrow.parquet",
    "openretailscience": "openretailscience.segmentation.rfm, ibis",
    "spark": "pyspark.sql",
}


def main(name, path):
    """Run one peer and print what was found."""
    warnings.filterwarnings("ignore")
    work, package = PEERS[name]
    exec(f"import {IMPORTS[name]}")
    clock, threads = perf_counter(), process_time()
    figures = work(path)
    measured = {"clock": perf_counter() - clock, "threads": process_time() - threads}
    peak = figures.pop("peak", None) or read_peak()
    versions = {"Python": platform.python_version(), package: version(package)}
    print(json.dumps({**measured, "peak": peak, "versions": versions, "figures": figures}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        exec(f"import {IMPORTS[sys.argv[2]]}")
    elif len(sys.argv) == 3:
        main(*sys.argv[1:])
    else:
        print("The half of benchmarks.ledger that runs in the environments of the peers; it does nothing alone.")
