"""Tables in a real PostgreSQL: the numbers of files, a role that may only read, nothing created, an error for each thing that
can be wrong.
"""

from __future__ import annotations

import datetime as dt
import gc
import json
import os
import shutil
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import yaml

import kam
from kam.dataset import check_dataset, draft_dataset, open_dataset
from kam.errors import ColumnTypeError, DatabaseError, DatasetError, EmptyDataError, MissingColumnError
from kam.ledger import Relation, activity_panel, open_ledger, snapshots, summarize_customers
from kam.report.inputs import take_inputs
from tests.real.postgres_server import ANALYST_PASSWORD, PostgresServer

SAMPLE = Path(kam.__file__).parents[1] / "data" / "sample"
TYPES = {
    "customer_id": "text",
    "order_date": "timestamp",
    "amount": "numeric(12,4)",
    "order_id": "text",
    "quantity": "integer",
}
LINES = [
    ("007", dt.datetime(2024, 1, 31, 23, 59, 59), Decimal("10.0001"), "o1", 1),
    ("007", dt.datetime(2024, 1, 31, 23, 59, 59), Decimal("10.0001"), "o1", 1),  # an exact copy
    ("7", dt.datetime(2024, 2, 29), Decimal("20.5000"), "o2", 2),
    ("7", dt.datetime(2024, 3, 1), Decimal("-20.5000"), "o3", -2),  # its cancellation
    ("Å b", dt.datetime(2024, 3, 1, 12), Decimal("0.1000"), "o4", 1),
    ("Å b", dt.datetime(2024, 3, 15), Decimal("0.2000"), None, 1),
    ("z", dt.datetime(2024, 4, 30), None, "o5", 1),
    (None, dt.datetime(2024, 4, 30), Decimal("5.0000"), "o6", 1),
    ("z", dt.datetime(2024, 4, 30), Decimal("99999.9999"), "o7", 1),
    ("a_B", dt.datetime(2023, 2, 28), Decimal("3.3333"), "o8", 1),
]
FRAME = pd.DataFrame(LINES, columns=list(TYPES))
ODD = {  # types that a warehouse has, and a value and a missing one of each
    "id": ("numeric", "12345678901234567890", None),
    "share": ("numeric", "NaN", "1.5"),
    "kind": ("mood", "b", None),
    "until": ("date", "2024-01-01", None),
    "payload": ("jsonb", '{"a": 1}', None),
    "net": ("inet", "10.0.0.1", None),
    "tags": ("text[]", "{a,b}", None),
    "wait": ("interval", "1 day", None),
    "cost": ("money_amount", "2.50", None),
}


@pytest.fixture(scope="module")
def warehouse(postgres) -> PostgresServer:
    postgres.create_database("warehouse")
    postgres.load("sales.order_lines", TYPES, LINES, database="warehouse")
    return postgres


def lines(server: PostgresServer, name: str = "sales.order_lines", **options) -> Relation:
    return Relation(server.address("warehouse", **options), name)


# -- numbers ---------------------------------------------------------------------------------------------------------------


def test_numbers_are_those_of_duckdb_and_nothing_is_created(warehouse):
    before = warehouse.objects("warehouse")
    here, there = open_ledger(FRAME, currency="EUR"), open_ledger(lines(warehouse), currency="EUR")
    assert there.audit == here.audit
    assert there.description == f"sales.order_lines (PostgreSQL, warehouse on 127.0.0.1:{warehouse.port})"
    for compute in (
        summarize_customers,
        lambda ledger: activity_panel(ledger, freq="month"),
        lambda ledger: snapshots(ledger, origins=2, horizon_days=30, k=1).rows,
    ):
        pd.testing.assert_frame_equal(compute(there), compute(here))
    kept = ("10.0001", "10.0001", "0.1", "0.2", "99999.9999", "3.3333")
    assert there.table.amount.sum().execute() == sum(Decimal(text) for text in kept)
    assert warehouse.objects("warehouse") == before
    there.close()


def test_a_role_without_temp_is_enough(warehouse):
    with warehouse.connect("warehouse", user="analyst") as con:
        may = con.execute(
            "SELECT has_database_privilege('warehouse', 'TEMP'), has_database_privilege('warehouse', 'CREATE')"
        )
        assert may.fetchone() == (False, False)
    open_ledger(lines(warehouse)).close()


def test_the_session_can_only_read_whoever_the_user_is(warehouse):
    ledger = open_ledger(lines(warehouse, user="admin"))
    backend = ledger.table.get_backend()
    with pytest.raises(Exception, match="read-only transaction"):
        backend.raw_sql("CREATE TABLE sales.mine (a int)")
    with pytest.raises(Exception, match="read-only transaction"):
        backend.raw_sql("DELETE FROM sales.order_lines")
    zone = backend.raw_sql("SELECT current_setting('TimeZone'), current_setting('application_name')").fetchone()
    assert zone == ("UTC", "kam")
    backend.con.rollback()
    ledger.close()
    assert backend.con.closed


def test_closing_the_ledger_closes_its_connection(warehouse):
    gc.collect()
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kam'"
    wait_for(warehouse, count, 0)
    ledger = open_ledger(lines(warehouse))
    wait_for(warehouse, count, 1)
    ledger.close()
    wait_for(warehouse, count, 0)


def wait_for(server: PostgresServer, query: str, wanted: int, database: str = "postgres") -> None:
    """What a server counts comes a moment late."""
    deadline = time.monotonic() + 10
    while (found := server.run(query, database)[0][0]) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found == wanted


@pytest.mark.parametrize(("zone", "days"), [("UTC", {"2024-02-29"}), ("Asia/Seoul", {"2024-03-01"})])
def test_moments_with_a_zone_become_days_of_the_dataset(warehouse, zone, days):
    rows = [("a", "2024-03-01 00:30+09", 1), ("b", "2024-02-29 15:30+00", 2)]
    types = {"customer_id": "text", "order_date": "timestamptz", "amount": "numeric"}
    warehouse.load("sales.moments", types, rows, database="warehouse")
    ledger = open_ledger(lines(warehouse, "sales.moments"), time_zone=zone)
    assert set(ledger.table.order_day.cast("string").execute()) == days
    ledger.close()


def test_a_view_of_some_columns_and_columns_that_are_not_granted(warehouse):
    warehouse.run(
        """CREATE VIEW sales."Open Lines" AS SELECT customer_id AS "Customer", order_date, amount, 'x' AS secret
           FROM sales.order_lines;
           GRANT SELECT ("Customer", order_date, amount) ON sales."Open Lines" TO analyst""",
        "warehouse",
    )
    ledger = open_ledger(lines(warehouse, 'sales."Open Lines"'), columns={"customer_id": "Customer"})
    assert ledger.source_columns == ("Customer", "order_date", "amount")
    ledger.close()


def test_types_that_only_a_database_has(warehouse, tmp_path):
    warehouse.run("CREATE TYPE mood AS ENUM ('a', 'b'); CREATE DOMAIN money_amount AS numeric(10, 2)", "warehouse")
    types = {"customer_id": "text"} | {name: type_ for name, (type_, _, _) in ODD.items()}
    rows = [(str(i), *(values[i] for _, *values in ODD.values())) for i in range(2)]
    warehouse.load("sales.odd", types, rows, database="warehouse")
    path = write(
        tmp_path, {"ledger": {"relation": "sales.order_lines"}, "accounts": {"relation": "sales.odd"}}, warehouse
    )
    source = open_dataset(path).source("accounts")
    read = source.table.order_by("customer_id").to_pyarrow().to_pylist()
    assert read[0] == {
        "customer_id": "0",
        "id": Decimal("12345678901234567890"),
        "share": None,
        "kind": "b",
        "until": dt.date(2024, 1, 1),
        "payload": '{"a": 1}',
        "net": "10.0.0.1/32",
        "tags": "{a,b}",
        "wait": "1 day",
        "cost": Decimal("2.50"),
    }
    assert {name: value for name, value in read[1].items() if value is not None} == {
        "customer_id": "1",
        "share": Decimal("1.5"),
    }


# -- what can be wrong -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"password": "wr0ng-password"}, "does not accept the password of 'analyst'"),
        ({"password": ""}, "does not accept the password of 'analyst'"),
        ({"user": "nobody"}, "does not accept the password of 'nobody'"),  # PostgreSQL does not tell which
        ({"database": "warehose"}, "There is no database 'warehose' on 127.0.0.1"),
        ({"database": "locked"}, "'analyst' may not connect to the database 'locked'"),
    ],
)
def test_who_is_not_let_in(warehouse, monkeypatch, change, said):
    monkeypatch.delenv("PGPASSWORD", raising=False)
    warehouse.create_database("locked")
    warehouse.run("REVOKE CONNECT ON DATABASE locked FROM analyst")
    given = {"user": "analyst", "password": ANALYST_PASSWORD, "database": "warehouse"} | change
    relation = Relation(warehouse.address(given.pop("database"), **given), "sales.order_lines")
    with pytest.raises(DatabaseError) as error:
        open_ledger(relation)
    assert said in str(error.value) and error.value.hint
    for password in (ANALYST_PASSWORD, "wr0ng-password"):
        assert password not in str(error.value) and password not in repr(relation)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sales.order_line", "no table or view 'sales.order_line'.*Did you mean sales.order_lines"),
        ("sale.order_lines", "no table or view 'sale.order_lines'.*Did you mean sales.order_lines"),
        ("order_lins", "no table or view 'order_lins'.*Did you mean sales.order_lines"),
        ('sales."Order_Lines"', "no table or view"),
        ("sales..order_lines", "is no name of a table"),
        ("sales.order_lines; DROP TABLE x", "is no name of a table"),
        ("twice", "several tables 'twice': sales.twice, stock.twice"),
        ("hidden.lines", "may not read hidden.lines.*GRANT USAGE"),
        ("sales.not_granted", "may not read sales.not_granted.*GRANT SELECT"),
        ("sales.empty", "There are no rows"),
    ],
)
def test_relations_that_cannot_be_read(warehouse, name, said):
    for schema in ("sales", "stock"):
        warehouse.load(f"{schema}.twice", TYPES, LINES, database="warehouse")
    warehouse.load("sales.empty", TYPES, [], database="warehouse")
    warehouse.run(
        """CREATE SCHEMA IF NOT EXISTS hidden; CREATE TABLE IF NOT EXISTS hidden.lines (a int);
           CREATE TABLE IF NOT EXISTS sales.not_granted (a int)""",
        "warehouse",
    )
    with pytest.raises((DatabaseError, EmptyDataError), match=said):
        open_ledger(lines(warehouse, name))


@pytest.mark.parametrize(
    "name", ["order_lines", "SALES.Order_Lines", "warehouse.sales.order_lines", '"sales".order_lines']
)
def test_names_as_sql_has_them(warehouse, name):
    open_ledger(lines(warehouse, name)).close()


def test_a_view_whose_table_its_owner_may_not_read(warehouse):
    warehouse.load("sales.base", TYPES, LINES, database="warehouse")
    warehouse.run(
        """CREATE VIEW sales.broken WITH (security_invoker) AS SELECT * FROM sales.base;
           GRANT SELECT ON sales.broken TO analyst; REVOKE SELECT ON sales.base FROM analyst""",
        "warehouse",
    )
    with pytest.raises(DatabaseError, match="does not let this user read: permission denied for table base"):
        open_ledger(lines(warehouse, "sales.broken"))


def test_a_view_without_the_needed_column(warehouse):
    warehouse.run("CREATE VIEW sales.narrow AS SELECT customer_id, order_date FROM sales.order_lines", "warehouse")
    warehouse.run("GRANT SELECT ON sales.narrow TO analyst", "warehouse")
    with pytest.raises(MissingColumnError, match=r"amount.*sales\.narrow \(PostgreSQL"):
        open_ledger(lines(warehouse, "sales.narrow"))


@pytest.mark.parametrize(
    ("types", "row"),
    [
        ({"amount": "text", "order_date": "date"}, ("a", "12.50", "2024-01-31")),
        ({"amount": "numeric", "order_date": "text"}, ("a", 12.5, "31.01.2024")),
        ({"amount": "numeric", "order_date": "integer"}, ("a", 12.5, 20240131)),
        ({"amount": "money", "order_date": "date"}, ("a", "12.50", "2024-01-31")),
    ],
)
def test_numbers_and_dates_that_are_texts_are_refused_in_a_ledger(warehouse, types, row):
    warehouse.load("sales.texts", {"customer_id": "text"} | types, [row], database="warehouse")
    with pytest.raises(ColumnTypeError, match=r"which only DuckDB reads.*sales\.texts.*a view"):
        open_ledger(lines(warehouse, "sales.texts"))


def test_a_connection_that_is_lost_midway(warehouse):
    ledger = open_ledger(lines(warehouse))
    warehouse.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kam'")
    with pytest.raises(DatabaseError, match="The connection to the database was lost"):
        ledger.table.count().execute()
    ledger.close()


def test_a_query_that_is_broken_off(warehouse):
    warehouse.run("ALTER ROLE analyst SET statement_timeout = '300ms'")
    warehouse.run("CREATE VIEW sales.slow AS SELECT *, pg_sleep(1)::text AS pause FROM sales.order_lines", "warehouse")
    warehouse.run("GRANT SELECT ON sales.slow TO analyst", "warehouse")
    try:
        with pytest.raises(DatabaseError, match=r"broke a query off.*statement timeout"):
            open_ledger(lines(warehouse, "sales.slow"))
    finally:
        warehouse.run("ALTER ROLE analyst RESET statement_timeout")


def test_infinite_days(warehouse):
    rows = [("a", "infinity", 1), ("a", "2024-01-31", 2), ("b", "-infinity", 2)]
    types = {"customer_id": "text", "order_date": "timestamp", "amount": "double precision"}
    warehouse.load("sales.endless", types, rows, database="warehouse")
    ledger = open_ledger(lines(warehouse, "sales.endless"))
    assert ledger.audit.n_rows_kept == 1
    ledger.close()


# -- datasets --------------------------------------------------------------------------------------------------------------


def write(folder: Path, tables: dict[str, dict[str, object]], server: PostgresServer, **keys: object) -> Path:
    """A dataset.yaml whose tables lie in the database; the password is a reference."""
    os.environ["KAM_TEST_PGPASSWORD"] = ANALYST_PASSWORD
    address = server.address("warehouse", password="").replace("analyst@", "analyst:${env:KAM_TEST_PGPASSWORD}@")
    content = {"name": "there", **keys, "tables": {name: {"source": address} | table for name, table in tables.items()}}
    path = folder / "dataset.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def moved_sample(warehouse, tmp_path_factory) -> Path:
    """The sample company, every table of it in the database, with the types that a database would have."""
    content = yaml.safe_load((SAMPLE / "dataset.yaml").read_text(encoding="utf-8"))
    names = {"BIGINT": "bigint", "DOUBLE": "double precision", "VARCHAR": "text", "BOOLEAN": "boolean", "DATE": "date"}
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    for name, table in content["tables"].items():
        path = SAMPLE / table["source"]
        ids = "{'customer_id': 'VARCHAR', 'parent_id': 'VARCHAR', 'psu': 'VARCHAR'}"
        given = f"read_csv('{path}', types={ids})" if path.suffix == ".csv" else f"'{path}'"
        if path.suffix == ".csv":
            there = con.execute(f"SELECT column_name FROM (DESCRIBE SELECT * FROM read_csv('{path}'))").fetchall()
            types = {one: "VARCHAR" for (one,) in there if one in ("customer_id", "parent_id", "psu")}
            given = f"read_csv('{path}', types={types})" if types else f"read_csv('{path}')"
        columns = con.execute(f"DESCRIBE SELECT * FROM {given}").fetchall()
        types = {column: names.get(type_, type_.replace("DECIMAL", "numeric")) for column, type_, *_ in columns}
        rows = con.execute(f"SELECT * FROM {given}").fetchall()
        warehouse.load(f"moved.{name}", types, rows, database="warehouse")
        table.pop("encoding", None)
        table["relation"] = f"moved.{name}"
        del table["source"]
    con.close()
    folder = tmp_path_factory.mktemp("moved")
    return write(
        folder, content.pop("tables"), warehouse, **{key: value for key, value in content.items() if key != "name"}
    )


def test_check_says_of_the_database_what_it_says_of_the_files(moved_sample):
    there, here = check_dataset(moved_sample), check_dataset("sample")
    assert there.ok and there.audit == here.audit
    assert there.warnings == here.warnings
    assert any("moved.accounts (PostgreSQL, warehouse on" in line for line in there.lines)
    assert ANALYST_PASSWORD not in "\n".join(there.lines)


def test_every_table_of_the_database_is_that_of_the_files(moved_sample):
    there, here = open_dataset(moved_sample), open_dataset("sample")
    for name in here.tables:
        if name != "ledger":
            a, b = there.read(name).frame, here.read(name).frame
            keys = list(b.columns)
            a, b = (frame.sort_values(keys).reset_index(drop=True) for frame in (a, b))
            pd.testing.assert_frame_equal(a, b)
            assert there.read(name).problems == here.read(name).problems


def test_a_notebook_gives_the_same_numbers(moved_sample, warehouse, tmp_path):
    before = warehouse.objects("warehouse")
    files = Path(shutil.copytree(SAMPLE, tmp_path / "files"))
    # Draws go to programmes in the order of rows, which is that of values where the rows come from a database.
    programmes = pd.read_csv(files / "programmes.csv", dtype=str)
    programmes.sort_values(list(programmes)).to_csv(files / "programmes.csv", index=False)
    running = {}
    for which in (moved_sample, files / "dataset.yaml"):
        out = tmp_path / str(len(running))
        command = [sys.executable, "-m", "kam", "run", "30_churn_markov", "-p", f"dataset={which}", "--out", str(out)]
        running[out] = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    found = []
    for out, process in running.items():
        said, _ = process.communicate(timeout=900)
        assert process.returncode == 0, said
        (path,) = out.glob("*/*/results.json")
        found.append(json.loads(path.read_text(encoding="utf-8"))["results"])
        assert not any(ANALYST_PASSWORD.encode() in file.read_bytes() for file in out.rglob("*") if file.is_file())
    there, here = ({name: without_context(result) for name, result in results.items()} for results in found)
    assert there == here
    assert warehouse.objects("warehouse") == before


def without_context(result: dict[str, object]) -> dict[str, object]:
    """All but the dataset's name and fingerprint."""
    return {key: value for key, value in result.items() if key != "context"}


def test_rows_that_change_during_a_run_are_seen(warehouse, tmp_path):
    warehouse.load("sales.moving", TYPES, LINES, database="warehouse")
    path = write(tmp_path, {"ledger": {"relation": "sales.moving"}}, warehouse)
    inputs, fingerprint = take_inputs(open_dataset(path)), open_dataset(path).fingerprint
    inputs.require_unchanged()
    warehouse.run("UPDATE sales.moving SET amount = amount + 0.0001 WHERE order_id = 'o2'", "warehouse")
    with pytest.raises(
        kam.errors.RunError, match=r"changed while the run was at work.*the table ledger, in its database"
    ):
        inputs.require_unchanged()
    inputs.require_unchanged(tables=False)
    assert take_inputs(open_dataset(path)).sha256 != inputs.sha256
    assert open_dataset(path).fingerprint != fingerprint


def test_the_fingerprint_takes_one_scan(warehouse, tmp_path):
    from kam.dataset import fingerprint_relations

    warehouse.load("sales.counted", TYPES, LINES, database="warehouse")
    count = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'counted'"
    path = write(tmp_path, {"ledger": {"relation": "sales.counted"}}, warehouse)
    warehouse.run("SELECT pg_stat_force_next_flush()", "warehouse")
    before = warehouse.run(count, "warehouse")[0][0]
    fingerprint_relations(open_dataset(path))
    wait_for(warehouse, count, before + 1, "warehouse")


def test_a_first_dataset_of_a_table(moved_sample, warehouse, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    address = yaml.safe_load(moved_sample.read_text())["tables"]["ledger"]["source"]
    relations = [Relation(address, name) for name in ("moved.ledger", "moved.accounts")]
    draft = draft_dataset(*relations, name="new", folder=tmp_path)
    assert ANALYST_PASSWORD not in draft.text
    content = yaml.safe_load(draft.text)
    assert content["tables"]["ledger"] | {"columns": None} == {
        "source": address, "relation": "moved.ledger", "columns": None
    }  # fmt: skip
    draft.write()
    dataset = open_dataset(tmp_path / "dataset.yaml")
    assert dataset.ledger.audit.n_rows_in == open_dataset("sample").ledger.audit.n_rows_in
    assert len(dataset.accounts) == len(open_dataset("sample").accounts)


def test_kam_init_of_a_table(warehouse, tmp_path):
    os.environ["KAM_TEST_PGPASSWORD"] = ANALYST_PASSWORD
    address = warehouse.address("warehouse", password="").replace("analyst@", "analyst:${env:KAM_TEST_PGPASSWORD}@")
    command = [sys.executable, "-m", "kam", "init", address]
    asked = ["--relation", "sales.order_lines"]
    done = subprocess.run([*command, *asked], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "kam check order_lines" in done.stdout, done.stdout + done.stderr
    assert open_dataset(tmp_path / "data" / "order_lines").ledger.audit.n_rows_in == len(LINES)
    for given in ([], ["--relation", "x"]):
        bad = [*command, *given] if not given else [*command[:-1], warehouse.address("warehouse"), *given]
        done = subprocess.run(bad, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 2 and done.stderr.startswith("kam: "), done.stderr
        assert ("A password stands in the address" if given else "1 addresses of databases are given") in done.stderr


def test_a_reference_may_stand_for_a_whole_address(warehouse, tmp_path, monkeypatch):
    path = write(
        tmp_path, {"ledger": {"source": "${env:KAM_TEST_WAREHOUSE}", "relation": "sales.order_lines"}}, warehouse
    )
    monkeypatch.setenv("KAM_TEST_WAREHOUSE", warehouse.address("warehouse"))
    assert open_dataset(path).ledger.audit.n_rows_in == len(LINES)
    monkeypatch.setenv("KAM_TEST_WAREHOUSE", "orders.csv")
    with pytest.raises(DatasetError, match=r"stands for is no address"):
        _ = open_dataset(path).ledger
