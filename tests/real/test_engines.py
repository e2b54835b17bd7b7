"""The same numbers from DuckDB, PostgreSQL and Spark as from plain loops, and nothing large leaves the engine.

One awkward ledger is opened on each engine, and every function of ``kam.ledger`` is compared with a recomputation that knows
nothing of engines.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from kam.churn.person_periods import person_periods
from kam.dataset import open_dataset
from kam.dataset.checking import check_dataset
from kam.errors import DatabaseError
from kam.identify import SEGMENTS
from kam.ledger import (
    Cleaning,
    Ledger,
    activity_panel,
    open_ledger,
    snapshots,
    state_panel,
    summarize_customers,
    summarize_deliveries,
    summarize_mix,
    transition_counts,
    value_cuts,
)
from kam.ledger.databases import Relation
from kam.ledger.grouping import group_customers
from kam.ledger.mix import bought_groups
from kam.ledger.quality import quality_facts
from kam.ledger.selection import select_customers
from tests.ledger.test_snapshots import recompute
from tests.ledger.test_states import score_naively, walk
from tests.ledger.test_summaries import sum_up_naively, summarize_naively
from tests.ledger.test_transitions import as_dates, count_naively
from tests.real.awkward_orders import AS_OF, CUSTOMERS, POSTAGE, ZONE, awkward_orders, by_customer, clean_plainly

# PySpark leaves the sockets through which Arrow's tables come to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*<socket:pytest.PytestUnraisableExceptionWarning"),
]

CLEANING = Cleaning(non_product_codes=(POSTAGE,))
END = date(2024, 6, 1)
GROUPS = {"007": "7", "Ä": "7", "김철수": "all of 'them' \\ 𠮷", "nobody": "7"}
SOME = ["7", "_x", 'O\'Hara \\ "q"', "nobody"]
ORIGINS = (date(2023, 7, 1), date(2024, 2, 29))
HOME = {"007": "N", "a": "s", "Ä": "N", "x\x1fy": "N"}

POSTGRES_TYPES = {
    pa.string(): "text",
    pa.large_string(): "text",
    pa.timestamp("us", "UTC"): "timestamptz",
    pa.timestamp("us"): "timestamp",
    pa.decimal128(18, 4): "numeric(18, 4)",
    pa.float64(): "double precision",
    pa.int64(): "bigint",
    pa.date32(): "date",
}


# -- the engines ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Engine:
    """An engine with tables of the tests.

    Attributes
    ----------
    name : str
        Of the engine.
    load : callable
        Puts a table of Arrow there; its name is given.
    open : callable
        From the name of a table to what :func:`kam.open_ledger` takes.
    objects : callable
        All that somebody could have created there.
    """

    name: str
    load: Callable[[str, pa.Table], None]
    open: Callable[[str], Any]
    objects: Callable[[], Any]


def on_duckdb(folder: Path) -> Engine:
    con = ibis.duckdb.connect()

    def load(name: str, table: pa.Table) -> None:
        con.create_table(name, table)

    return Engine("duckdb", load, con.table, lambda: con.raw_sql("SELECT name, type FROM sqlite_master").fetchall())


def on_postgres(server: Any) -> Engine:
    # Its collation has "a" before "B" and "7" after "_x", as most databases in offices do.
    options = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
    database = server.create_database("engines", options=options)

    def load(name: str, table: pa.Table) -> None:
        types = {field.name: POSTGRES_TYPES[field.type] for field in table.schema}
        server.load(f"sales.{name}", types, (tuple(row.values()) for row in table.to_pylist()), database=database)

    return Engine(
        "postgres",
        load,
        lambda name: Relation(server.address(database), f"sales.{name}"),
        lambda: server.objects(database),
    )


def on_spark(folder: Path) -> Iterator[Engine]:
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # a session of minutes
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "Asia/Tokyo",  # the user's; kam must neither use nor change it
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master("local[2]").appName("kam tests")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()

    def load(name: str, table: pa.Table) -> None:
        path = folder / f"{name}.parquet"
        pq.write_table(table, path)
        session.read.parquet(str(path)).createOrReplaceTempView(f"view_of_{name}")

    def objects() -> Any:
        catalog = session.catalog
        return (
            sorted((one.name, one.tableType) for one in catalog.listTables()),
            len(catalog.listFunctions()),
            session.conf.get("spark.sql.session.timeZone"),
            sorted(path.name for path in folder.iterdir()),
        )

    try:
        yield Engine("spark", load, lambda name: Relation("spark://active", f"{name}.parquet", folder), objects)
    finally:
        session.stop()


@pytest.fixture(scope="module", params=["duckdb", "postgres", "spark"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("engine")
    if request.param == "duckdb":
        yield on_duckdb(folder)
    elif request.param == "postgres":
        yield on_postgres(request.getfixturevalue("postgres"))
    else:
        pytest.importorskip("pyspark", reason="PySpark is not installed")
        if shutil.which("java") is None:
            pytest.skip("Spark needs Java")
        yield from on_spark(folder)


# -- the ledger ----------------------------------------------------------------------------------------------------------

SOURCE = awkward_orders()
PLAIN = clean_plainly(SOURCE)


@pytest.fixture(scope="module")
def ledger(engine: Engine) -> Iterator[Ledger]:
    engine.load("orders", SOURCE)
    found = open_ledger(engine.open("orders"), as_of=AS_OF, time_zone=ZONE, cleaning=CLEANING)
    yield found
    found.close()


def frame_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Kept lines as the recomputations of the other tests take them."""
    columns = ("customer_id", "amount", "cost", "discount", "freight", "trade_terms", "quantity")
    frame = pd.DataFrame(
        {name: [row[name] if name == "customer_id" else to_float(row[name]) for row in rows] for name in columns}
    )
    frame["order_date"], frame["order_id"] = (
        pd.to_datetime([row["day"] for row in rows]).as_unit("us"),
        [row["number"] for row in rows],
    )
    return frame


def to_float(value: Any) -> float:
    return np.nan if value is None else float(value)


def same(found: pd.DataFrame, expected: pd.DataFrame, *, exact: tuple[str, ...] = ()) -> None:
    """Same rows in the same order; money to the last bit, other floats but for their rounding."""
    expected = expected[list(found)].reset_index(drop=True)
    for name in exact:
        pd.testing.assert_series_equal(found[name], expected[name], check_dtype=False, check_exact=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-12, atol=1e-9)


def test_every_row_is_accounted_for(ledger: Ledger) -> None:
    audit = ledger.audit
    assert {count.rule: (count.n_rows, count.amount) for count in audit.counts} == PLAIN.counts
    assert all(n for n, _ in PLAIN.counts.values())  # every rule removes something
    assert (audit.n_rows_in, audit.n_rows_kept) == (len(SOURCE), len(PLAIN.kept))
    assert audit.amount_in == sum(filter(None, SOURCE["amount"].to_pylist()), Decimal(0))
    assert audit.is_balanced and ledger.currency == "EUR" and ledger.last_complete_month == END
    first = min(row["day"] for row in PLAIN.kept).replace(day=1)
    censored = {row["customer_id"] for row in PLAIN.kept if row["day"].replace(day=1) == first and row["amount"] > 0}
    assert (audit.n_customers, audit.n_customers_left_censored) == (len(CUSTOMERS), len(censored))


def test_the_lines_kept_are_the_same(ledger: Ledger) -> None:
    columns = ["customer_id", "order_day", "amount", "order_id", "product_group", "delivered_date", "order_date"]
    found = ledger.table.select(columns).to_pandas()
    days = [row["delivered_date"] and row["delivered_date"].isoformat() for row in PLAIN.kept]
    expected = [
        (row["customer_id"], row["day"], row["amount"], row["number"], row["product_group"], day, row["order_date"])
        for row, day in zip(PLAIN.kept, days, strict=True)
    ]
    rows = [
        (
            row.customer_id,
            pd.Timestamp(row.order_day).date(),
            Decimal(row.amount),
            row.order_id,
            None if pd.isna(row.product_group) else row.product_group,
            None if pd.isna(row.delivered_date) else pd.Timestamp(row.delivered_date).date().isoformat(),
            row.order_date.to_pydatetime(),
        )
        for row in found.itertuples()
    ]
    assert sorted(map(repr, rows)) == sorted(map(repr, expected))


def test_customers(ledger: Ledger) -> None:
    expected = summarize_naively(frame_of(PLAIN.kept), pd.Timestamp(AS_OF), END)
    for name in ("freight", "trade_terms", "discount"):
        sums = {who: money(row[name] for row in rows) for who, rows in by_id(PLAIN.kept).items()}
        expected[name] = expected["customer_id"].map(sums)
    same(summarize_customers(ledger), expected, exact=("revenue", "returns", "cost", "margin", "freight"))


@pytest.mark.parametrize("freq", ["month", "quarter", "year"])
def test_panels(ledger: Ledger, freq: Any) -> None:
    expected = sum_up_naively(frame_of(PLAIN.kept), freq, 1, END)
    same(activity_panel(ledger, freq=freq), expected, exact=("revenue", "margin"))


def test_states_and_their_moves(ledger: Ledger) -> None:
    rows = [(row["customer_id"], str(row["day"]), row["amount"], row["number"], row["cost"]) for row in PLAIN.kept]
    cuts = value_cuts(ledger, window=2, value="margin")
    assert cuts == pytest.approx(cut_plainly(rows, window=2), abs=1e-5)
    for choice in (
        {"states": "recency", "k": 3, "freq": "month", "window": 1, "value": "revenue"},
        {"states": "value", "k": 2, "freq": "month", "window": 2, "value": "margin", "cuts": cuts},
        {"states": "value_activity", "k": 2, "freq": "quarter", "window": 1, "value": "revenue", "cuts": (300, 30)},
    ):
        panel = state_panel(ledger, **choice)
        expected = walk(rows, ledger, **({"cuts": (0, 0)} | choice))
        found = {
            (row.customer_id, row.period.date()): (row.state, row.revenue, row.n_orders)
            for row in panel.rows.itertuples()
        }
        assert found == expected and len(found) > 50
        counts = transition_counts(ledger, **choice)
        assert as_dates(counts) == count_naively(panel.rows, {"month": 1, "quarter": 3}[choice["freq"]])
    panel = state_panel(ledger, states="rfm", k=2, window=3, rules=SEGMENTS)
    found = panel.rows.set_index(["customer_id", "period"])["state"].astype(str).to_dict()
    assert found == score_naively(ledger, 2, 3)


def test_snapshots(ledger: Ledger) -> None:
    found = snapshots(ledger, origins=ORIGINS, horizon_days=60, k=2)
    for origin in ORIGINS:
        # What was cancelled only later was an order at the origin.
        pending = [row for row, day in PLAIN.undone if row["day"] < origin <= day]
        lines = [
            (
                row["customer_id"],
                str(row["day"]),
                row["amount"],
                row["amount"] if row["cost"] is None else row["cost"],
                row["discount"] or 0,
            )
            for row in [*PLAIN.kept, *pending]
        ]
        expected = recompute(lines, origin, as_of=AS_OF, horizon=60, k=2, freq="month")
        rows = found.rows[found.rows["origin"] == pd.Timestamp(origin)].set_index("customer_id")
        assert list(rows.index) == list(expected) and len(rows) > 5
        columns = [name for name in next(iter(expected.values())) if name in rows]
        for name in columns:
            values = [np.nan if pd.isna(row[name]) else float(row[name]) for row in expected.values()]
            np.testing.assert_allclose(
                rows[name].astype("Float64").to_numpy(float, np.nan), values, rtol=1e-12, err_msg=name
            )
        late = deliver_plainly([*PLAIN.kept, *pending], origin)
        assert rows["n_deliveries"].to_dict() == {who: len(late.get(who, {})) for who in rows.index}
        assert rows["share_late"].dropna().to_dict() == {
            who: pytest.approx(np.mean(list(flags.values())))
            for who, flags in late.items()
            if flags and who in rows.index
        }
    assert any(row["day"] < ORIGINS[1] <= day for row, day in PLAIN.undone)


@pytest.mark.parametrize(("by", "freq"), [("product_group", "month"), ("product_id", "last_years"), (None, "day")])
def test_mix(ledger: Ledger, by: Any, freq: Any) -> None:
    found = summarize_mix(ledger, by=by, freq=freq)
    cells: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in PLAIN.kept:
        month = row["day"].replace(day=1)
        last = date(row["day"].year - (row["day"].month < 7), 7, 1)  # the last complete month is June
        period = {"day": row["day"], "month": month, "last_years": last}[freq]
        group = (row[by] is None, row[by] or "") if by else ()
        cells.setdefault((row["customer_id"], period, group), []).append(row)
    expected = [
        {
            "customer_id": who,
            "period": pd.Timestamp(period),
            "group": group[1] or None if group else None,
            "revenue": money(row["amount"] for row in rows),
            "returns": -money(row["amount"] for row in rows if row["amount"] < 0) or 0.0,
            "n_orders": len({row["number"] for row in rows if row["amount"] > 0}),
            "quantity": sum(row["quantity"] for row in rows),
            "discount": money(row["discount"] for row in rows),
            "margin": money(row["amount"] - row["cost"] for row in rows if row["cost"] is not None),
        }
        for (who, period, group), rows in sorted(cells.items())
    ]
    same(found, pd.DataFrame(expected), exact=("revenue", "returns", "discount", "margin"))
    if (by, freq) == ("product_group", "month"):
        few = bought_groups(ledger, "product_group")
        same(few, pd.DataFrame(expected).assign(group=lambda frame: frame["group"]), exact=("revenue",))
        some = summarize_mix(ledger, by=by, freq=freq, customers=SOME)
        pd.testing.assert_frame_equal(some, found[found["customer_id"].isin(SOME)].reset_index(drop=True))


def test_deliveries(ledger: Ledger) -> None:
    orders: dict[tuple[Any, ...], list[bool]] = {}
    for row in PLAIN.kept:
        promised, delivered = row["promised_date"], row["delivered_date"]
        arrived = delivered is not None and delivered <= AS_OF
        if row["amount"] > 0 and promised is not None and (arrived or promised < AS_OF):
            key = (row["customer_id"], pd.Timestamp(row["day"].replace(day=1)), row["number"])
            orders.setdefault(key, []).append(not arrived or delivered > promised)
    cells: dict[tuple[Any, ...], list[bool]] = {}
    for (who, period, _), late in orders.items():
        cells.setdefault((who, period), []).append(any(late))
    expected = [(*key, len(late), sum(late)) for key, late in sorted(cells.items())]
    found = summarize_deliveries(ledger)
    same(found, pd.DataFrame(expected, columns=list(found)))


def test_quality(ledger: Ledger) -> None:
    accounts = pd.DataFrame({"customer_id": list(HOME), "region": list(HOME.values())})
    found = quality_facts(ledger, accounts=accounts)
    same(found, quality_plainly(PLAIN.kept))
    same(quality_facts(ledger).drop(columns=["n_located", "n_away", "away"]), quality_plainly(PLAIN.kept))


def test_a_ledger_by_group(ledger: Ledger) -> None:
    grouped = group_customers(ledger, GROUPS)
    rows = by_customer(PLAIN.kept, GROUPS)
    same(
        summarize_customers(grouped)[["customer_id", "revenue", "n_orders", "n_purchase_days", "gap_cv", "demand_cv"]],
        summarize_naively(frame_of(rows), pd.Timestamp(AS_OF), END),
        exact=("revenue",),
    )
    assert grouped.audit.counts == ledger.audit.counts
    assert grouped.audit.n_customers == len({row["customer_id"] for row in rows})
    taken = snapshots(grouped, origins=ORIGINS, horizon_days=60, k=2).rows
    assert set(taken["customer_id"]) == {row["customer_id"] for row in rows}


def test_a_ledger_of_some_customers(ledger: Ledger) -> None:
    some = select_customers(ledger, SOME)
    rows = [row for row in PLAIN.kept if row["customer_id"] in SOME]
    expected = summarize_naively(frame_of(rows), pd.Timestamp(AS_OF), END)
    same(
        summarize_customers(some)[["customer_id", "revenue", "n_orders", "median_gap_days"]],
        expected,
        exact=("revenue",),
    )
    assert some.audit.n_rows_kept == len(rows) and some.audit.is_balanced


def test_amounts_from_prices_and_no_zone(engine: Engine) -> None:
    """Binary numbers, NaN and infinity among them, and days that a clock showed; no order numbers, and copies that stay."""
    odd = [(None, 1.0), (float("nan"), 2.0), (float("inf"), 1.0), (2.0, float("nan"))]
    good = [(1.0, 0.0001), (3.0, 0.3333), (-2.0, 1.005), (2.5, 9.99), (1.0, 0.0001)]
    table = pa.table(
        {
            "customer_id": pa.array(["a"] * 5 + ["b"] * 4),
            "order_date": pa.array(
                [datetime(2024, 1, 31, 23, 59, 59)] * 5 + [datetime(2024, 2, 29)] * 4, pa.timestamp("us")
            ),
            "quantity": pa.array([quantity for quantity, _ in good + odd]),
            "unit_price": pa.array([price for _, price in good + odd]),
        }
    )
    engine.load("prices", table)
    ledger = open_ledger(engine.open("prices"), as_of="2024-02-29", time_zone="Asia/Seoul")
    amounts = [(Decimal(str(quantity)) * Decimal(str(price))).quantize(Decimal("0.0001")) for quantity, price in good]
    assert sorted(ledger.table.amount.to_pyarrow().to_pylist()) == sorted(amounts)
    found = {count.rule: count.n_rows for count in ledger.audit.counts if count.n_rows}
    assert found == {"without amount": 4, "exact duplicates": 1}
    assert ledger.audit.amount_kept == sum(amounts)
    panel = activity_panel(ledger)
    assert panel.to_dict("records") == [
        {"customer_id": "a", "period": pd.Timestamp("2024-01-01"), "revenue": float(sum(amounts)), "n_orders": 1}
    ]


@pytest.mark.parametrize("engine", ["spark"], indirect=True)
@pytest.mark.parametrize(
    ("address", "name", "message"),
    [
        ("spark://active", "default.order_lime", "Did you mean default.order_lines"),
        ("spark://active", "nowhere.orders", "There is no table or view 'nowhere.orders'"),
        ("spark://active", "missing/*.parquet", "There is no file"),
        ("spark://active", "orders; DROP TABLE order_lines", "is no name of a table|There is no table"),
        ("spark://host:7077", "orders", "is no address of Spark"),
    ],
)
def test_what_spark_does_not_have_is_named(
    engine: Engine, tmp_path: Path, address: str, name: str, message: str
) -> None:
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    session.sql("CREATE TABLE IF NOT EXISTS order_lines (customer_id STRING) USING parquet")
    with pytest.raises(DatabaseError, match=message):
        open_ledger(Relation(address, name, tmp_path))
    assert session.catalog.tableExists("order_lines")
    session.sql("DROP TABLE order_lines")


@pytest.mark.parametrize("engine", ["spark"], indirect=True)
@pytest.mark.parametrize("relation", ["lines/*.parquet", "kam_of_lines", "default.kam_lines_seen"])
def test_a_dataset_on_spark(engine: Engine, tmp_path: Path, relation: str) -> None:
    """Parquet files by a pattern, a table of the catalog and a view of it, with the accounts in a file."""
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    write_dataset(tmp_path, "spark://active", relation)
    session.sql(f"CREATE TABLE kam_of_lines USING parquet AS SELECT * FROM parquet.`{tmp_path}/lines/*.parquet`")
    session.sql("CREATE VIEW kam_lines_seen AS SELECT customer_id, order_date, amount FROM kam_of_lines")
    try:
        dataset = open_dataset(tmp_path)
        assert dataset.ledger.audit.n_rows_kept == 12 and dataset.ledger.lines.get_backend().name == "pyspark"
        assert summarize_customers(dataset.ledger)["revenue"].tolist() == [36.0, 42.0]
        assert sorted(dataset.read("accounts").frame["customer_id"]) == ["007", "7"]
        assert check_dataset(tmp_path).ok
    finally:
        session.sql("DROP VIEW kam_lines_seen")
        session.sql("DROP TABLE kam_of_lines")


def write_dataset(folder: Path, source: str, relation: str) -> None:
    """Twelve lines of two customers in two Parquet files, and the file of the accounts."""
    (folder / "lines").mkdir()
    for part in (0, 1):
        n = range(6 * part, 6 * part + 6)
        days = [date(2023 + i // 6, 1 + i % 6 * 2, 28) for i in n]
        lines = {
            "customer_id": ["7" if i % 2 else "007" for i in n],
            "order_date": days,
            "amount": [float(i + 1) for i in n],
        }
        pq.write_table(pa.table(lines), folder / "lines" / f"part-{part}.parquet")
    (folder / "accounts.csv").write_text("customer_id,name\n007,A\n7,B\n", encoding="utf-8")
    tables = {"ledger": {"source": source, "relation": relation}, "accounts": {"source": "accounts.csv"}}
    text = {"name": "lines", "currency": "EUR", "tables": tables}
    (folder / "dataset.yaml").write_text(yaml.safe_dump(text), encoding="utf-8")


STOPPING = """
import os, signal, sys
from datetime import date
import pyarrow as pa
import pyarrow.parquet as pq
from kam.dataset import open_dataset
from kam.errors import DatabaseError, TooLargeError
from kam.ledger import open_ledger, summarize_mix
from kam.ledger.databases import Relation
from pyspark.sql import SparkSession

dataset = open_dataset(sys.argv[1])
print(dataset.ledger.audit.n_rows_kept, dataset.ledger.description)
session = SparkSession.getActiveSession() or SparkSession._instantiatedSession
print(session.sparkContext.master.startswith("local["), session.conf.get("spark.sql.session.timeZone"))

def say(ledger):
    try:
        print(len(summarize_mix(ledger, by=None, freq="day")))
    except (DatabaseError, TooLargeError) as error:
        print(type(error).__name__, str(error))

say(dataset.ledger)
session.stop()
say(dataset.ledger)
SparkSession.builder.master("local[1]").config("spark.driver.maxResultSize", "20k").getOrCreate()
many = {"customer_id": [str(i) for i in range(9999)], "order_date": [date(2024, 1, 5)] * 9999, "amount": [1.0] * 9999}
pq.write_table(pa.table(many), sys.argv[1] + "/many.parquet")
try:
    open_ledger(Relation("spark://active", sys.argv[1] + "/many.parquet"))
except TooLargeError as error:
    print(type(error).__name__, str(error))
again = SparkSession.getActiveSession()
os.kill(again.sparkContext._gateway.proc.pid, signal.SIGKILL)
again.sparkContext._gateway.proc.wait()
try:
    open_ledger(Relation("spark://active", sys.argv[1] + "/lines/*.parquet"))
except DatabaseError as error:
    print(type(error).__name__, str(error))
"""


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")
def test_a_spark_of_its_own_that_is_stopped_midway(tmp_path: Path) -> None:
    """In a process of its own: ``spark://local``, stopped; one that may send next to nothing; one whose driver is killed."""
    pytest.importorskip("pyspark", reason="PySpark is not installed")
    write_dataset(tmp_path, "spark://local", "lines/*.parquet")
    (tmp_path / "stopping.py").write_text(STOPPING, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(tmp_path / "stopping.py"), str(tmp_path)], capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    opened, session, before, stopped, refused, killed = done.stdout.splitlines()
    assert opened.startswith("12 ") and "Spark" in opened and session == "True UTC" and before == "12"
    assert stopped.startswith("DatabaseError The Spark session ended on the way.")
    assert refused.startswith("TooLargeError What should come back is more than Spark's driver may take: ")
    assert "spark.driver.maxResultSize (20.0 KiB)" in refused
    assert killed.startswith("DatabaseError The Spark session ended on the way.")


# -- what leaves the engine, and what is left on it ----------------------------------------------------------------------


def many_lines() -> pa.Table:
    """21,000 lines of 3,000 orders, of 25 customers on 12 days each."""
    n = 21_000
    rng = np.random.default_rng(1)
    order = np.arange(n) // 7
    customer, month = order % 25, order // 25 % 12
    day = pd.Timestamp("2023-07-01") + pd.to_timedelta(30 * month, unit="D")
    money = [Decimal(int(cents)).scaleb(-4) for cents in rng.integers(1, 10**7, n)]
    frame = pd.DataFrame(
        {"customer_id": [f"c{i}" for i in customer], "order_date": day, "amount": money, "order_id": order}
    )
    lines = pa.Table.from_pandas(frame, preserve_index=False)
    lines = lines.set_column(1, "order_date", lines["order_date"].cast(pa.timestamp("us", "UTC")))
    lines = lines.set_column(2, "amount", lines["amount"].cast(pa.decimal128(18, 4)))
    extra = {
        "cost": pa.array(money[::-1], pa.decimal128(18, 4)),
        "quantity": pa.array(rng.integers(1, 9, n).astype(float)),
        "product_id": pa.array([f"p{i % 5}" for i in range(n)]),
        "product_group": pa.array([f"g{i % 3}" for i in range(n)]),
        "discount": pa.array(money, pa.decimal128(18, 4)),
        "promised_date": lines["order_date"].cast(pa.date32()),
        "delivered_date": lines["order_date"].cast(pa.date32()),
    }
    for name, values in extra.items():
        lines = lines.append_column(name, values)
    return lines


class Answers:
    """Rows and bytes of every answer of an engine, of those too that are taken bit by bit."""

    def __init__(self) -> None:
        self.sizes: list[list[int]] = []

    def count(self, back: Any, size: list[int] | None = None) -> Any:
        """Add what came back, or will when it is taken, to an answer, or to a new one; give it on."""
        if size is None:
            size = [0, 0]
            self.sizes.append(size)
        if isinstance(back, (pa.Table, pa.RecordBatch, pa.ChunkedArray, pa.Array)):
            size[0], size[1] = size[0] + len(back), size[1] + back.nbytes
        elif isinstance(back, (list, pd.DataFrame, pd.Series)):
            size[0], size[1] = size[0] + len(back), size[1] + 100 * len(back)
        elif isinstance(back, Iterator):  # readers of batches too
            return (self.count(one if isinstance(one, pa.RecordBatch) else [one], size) for one in back)
        else:
            size[0], size[1] = size[0] + 1, size[1] + 100
        return back


class Result:
    """What a statement of DuckDB gives, whose rows are counted as they are fetched."""

    def __init__(self, plain: Any, answers: Answers) -> None:
        self.plain, self.answers, self.size = plain, answers, [0, 0]
        answers.sizes.append(self.size)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.plain, name)
        if not name.startswith(("fetch", "df", "arrow", "to_", "pl")):
            return found
        return lambda *arguments, **options: self.answers.count(found(*arguments, **options), self.size)


def count_what_leaves(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """All that comes back from the engine from now on, by whatever way."""
    from ibis.backends import duckdb

    from kam.ledger.sources import TemporaryDuckDB

    answers = Answers()

    def watch(owner: type, *names: str, wrap: Callable[[Any, Any], Any]) -> None:
        def watched(plain: Any) -> Callable[..., Any]:
            def call(self: Any, *arguments: Any, **options: Any) -> Any:
                back = plain(self, *arguments, **options)
                return back if isinstance(self, TemporaryDuckDB) else wrap(self, back)

            return call

        for name in names:
            monkeypatch.setattr(owner, name, watched(getattr(owner, name)))

    if engine.name == "spark":
        from pyspark.sql.classic.dataframe import DataFrame

        watch(
            DataFrame, "toArrow", "toPandas", "collect", "toLocalIterator", wrap=lambda self, back: answers.count(back)
        )
    elif engine.name == "postgres":
        import psycopg

        of_cursor: dict[int, tuple[Any, list[int]]] = {}  # with the cursor, so that its number is not given again

        def fetched(self: Any, back: Any) -> Any:
            if id(self) not in of_cursor:
                of_cursor[id(self)] = (self, [0, 0])
                answers.sizes.append(of_cursor[id(self)][1])
            return back if back is None else answers.count(back, of_cursor[id(self)][1])

        for kind in (psycopg.Cursor, psycopg.ServerCursor):
            watch(kind, "fetchone", "fetchmany", "fetchall", "__iter__", wrap=fetched)
        monkeypatch.setattr(psycopg.Cursor, "copy", None)
        monkeypatch.setattr(psycopg.Cursor, "stream", None)
    else:
        watch(duckdb.Backend, "to_pyarrow", "execute", wrap=lambda self, back: answers.count(back))
        watch(duckdb.Backend, "raw_sql", wrap=lambda self, back: Result(back, answers))
    return answers


@pytest.mark.filterwarnings("ignore:fetch_record_batch")  # Ibis asks for batches so, which DuckDB calls outdated
def test_every_way_out_is_counted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The count of what leaves is worth nothing if there is a way past it."""
    engine.load(
        "ways", pa.table({"customer_id": ["a"] * 501, "order_date": [date(2024, 1, 5)] * 501, "amount": [1.0] * 501})
    )
    with closing(open_ledger(engine.open("ways"), cleaning=Cleaning(duplicates=False))) as ledger:
        table, backend = ledger.table, ledger.table.get_backend()
        ways: dict[str, Callable[[], object]] = {
            "to_pyarrow": table.to_pyarrow,
            "execute": table.execute,
            "raw_sql": lambda: take_all(backend.raw_sql(backend.compile(table))),
            **({} if engine.name == "spark" else {"batches": lambda: list(table.to_pyarrow_batches(chunk_size=100))}),
        }
        for name, take in ways.items():
            with monkeypatch.context() as patching:
                answers = count_what_leaves(engine, patching)
                take()
            assert max(rows for rows, _ in answers.sizes) == 501, name


def take_all(result: Any) -> object:
    """All rows of a statement, a piece at a time."""
    if hasattr(result, "toLocalIterator"):
        return list(result.toLocalIterator())
    return [row for _ in range(6) for row in result.fetchmany(100)]


def test_nothing_large_leaves_and_nothing_stays(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = many_lines()
    engine.load("many", lines)
    before = engine.objects()
    answers = count_what_leaves(engine, monkeypatch)
    ledger = open_ledger(engine.open("many"), as_of="2024-06-30")
    assert ledger.audit.n_rows_kept == len(lines)
    by_group = group_customers(ledger, {"c1": "c2", "c3": "c2"})
    for one in (ledger, by_group, select_customers(ledger, ["c1", "c4"])):
        summarize_customers(one)
        activity_panel(one)
        state_panel(one, states="value_activity", k=2)
        transition_counts(one, states="value", k=2)
    snapshots(by_group, origins=2, horizon_days=60, k=2)
    for by in ("product_group", None):
        summarize_mix(ledger, by=by)
    bought_groups(ledger, "product_group")
    summarize_deliveries(ledger)
    quality_facts(ledger, accounts=pd.DataFrame({"customer_id": ["c1"], "region": ["N"]}))
    rows = person_periods(ledger, k=2).rows
    assert rows["share_late"].eq(0).all()  # all came in time
    assert len(answers.sizes) > 20
    # A customer's months (of each of three product groups) at most: 25 customers, 12 months.
    assert max(rows for rows, _ in answers.sizes) <= 25 * 12 * 3 < len(lines) / 20
    assert max(size for _, size in answers.sizes) < lines.nbytes / 20
    ledger.close()
    assert engine.objects() == before


# -- plain loops ---------------------------------------------------------------------------------------------------------


def by_id(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["customer_id"], []).append(row)
    return found


def money(amounts: Any) -> float:
    return float(sum((amount for amount in amounts if amount is not None), Decimal(0)))


def cut_plainly(rows: list[tuple[Any, ...]], *, window: int) -> tuple[float, float]:
    """The cuts of the margin of all active months, from sums over dictionaries."""
    sums: dict[tuple[str, int], list[Any]] = {}
    for who, day, amount, order, cost in rows:
        cell = sums.setdefault((who, 12 * int(day[:4]) + int(day[5:7])), [Decimal(0), set()])
        cell[0] += amount - (amount if cost is None else cost)
        cell[1] |= {order} if amount > 0 else set()
    first = min(month for _, month in sums)
    begun: dict[str, int] = {}
    for (who, month), cell in sums.items():
        if cell[1]:
            begun[who] = min(month, begun.get(who, month))
    worths = []
    for (who, month), cell in sums.items():
        if not cell[1] or month - first < window - 1:
            continue
        total = sum(sums.get((who, month - back), [Decimal(0)])[0] for back in range(window))
        seen = min(window, month - begun[who] + 1)
        worths.append(float(total) * window / seen)
    worths.sort(reverse=True)
    whole, up_to, cuts = sum(max(worth, 0) for worth in worths), 0.0, []
    for share in (0.80, 0.95):
        inside, up_to = 0, 0.0
        for worth in worths:
            if worth <= 0 or up_to >= share * whole * (1 - 1e-10):
                break
            inside, up_to = inside + 1, up_to + worth
        smaller = [worth for worth in worths if worth < worths[inside - 1]]
        cuts.append((worths[inside - 1] + max(smaller[0] if smaller else 0.0, 0.0)) / 2)
    return cuts[0], cuts[1]


def deliver_plainly(rows: list[dict[str, Any]], origin: date) -> dict[str, dict[Any, bool]]:
    """By customer the deliveries that were due in the 91 days before the origin, and whether each was late."""
    found: dict[str, dict[Any, bool]] = {}
    for row in rows:
        promised = row["promised_date"]
        if row["amount"] <= 0 or promised is None or not 0 < (origin - promised).days <= 91 or row["day"] >= origin:
            continue
        key, own = (row["number"], promised), found.setdefault(row["customer_id"], {})
        own[key] = own.get(key, False) or row["delivered_date"] is None or row["delivered_date"] > promised
    return found


def quality_plainly(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Facts of the orders of each customer and month."""
    orders: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        orders.setdefault((row["customer_id"], row["day"].replace(day=1), row["number"]), []).append(row)
    cells: dict[tuple[Any, ...], dict[str, float]] = {}
    for (who, month, _), lines in sorted(orders.items()):
        cell = cells.setdefault((who, month), dict.fromkeys(QUALITY, 0.0))
        sold = [row for row in lines if row["amount"] > 0]
        gross, back = money(row["amount"] for row in sold), -money(row["amount"] for row in lines if row["amount"] < 0)
        given = {name: money(row[name] for row in sold) for name in ("discount", "trade_terms", "freight")}
        days_left = [(pd.Timestamp(row["day"]).days_in_month - row["day"].day) for row in sold]
        cell["n_orders"] += gross > 0
        cell["gross"] += gross
        cell["returns"] += back
        cell["n_returns"] += back > 0
        cell["n_last_days"] += any(days < 7 for days in days_left)
        cell["last_days"] += gross if any(days < 7 for days in days_left) else 0
        cell["order_squares"] += round(gross**2, 4)
        cell["margin"] += money(row["amount"] - row["cost"] for row in lines if row["cost"] is not None)
        for name in given:
            cell[name] += money(row[name] for row in lines)
        whole = gross + given["discount"]
        rates = {
            "discount_rate": (given["discount"], whole),
            "price_rate": (given["discount"] + given["trade_terms"], whole),
            "serve_rate": (given["freight"] + given["trade_terms"], gross),
        }
        for name, (part, of) in rates.items():
            rate = min(max(part / of, 0.0), 1.0) if gross > 0 and of > 0 else 0.0
            cell[name] += round(rate, 9)
            cell[f"{name}_squares"] += round(rate * rate, 9)
        homes = [(row, HOME.get(who, row["region"])) for row in sold if row["ship_region"] is not None]
        located = [(row, home) for row, home in homes if home is not None]
        away = any(row["ship_region"] != home for row, home in located)
        cell["n_located"] += bool(located)
        cell["n_away"] += away
        cell["away"] += gross if away else 0
    frame = pd.DataFrame([{"customer_id": who, "month": pd.Timestamp(m)} | cell for (who, m), cell in cells.items()])
    return frame.sort_values(["customer_id", "month"], ignore_index=True)


QUALITY = (
    "n_orders", "gross", "returns", "n_returns", "n_last_days", "last_days", "order_squares", "margin", "freight",
    "trade_terms", "discount", "discount_rate", "discount_rate_squares", "price_rate", "price_rate_squares", "serve_rate",
    "serve_rate_squares", "n_located", "n_away", "away",
)  # fmt: skip
