"""What differs between engines, as far as DuckDB shows it; all three are compared in tests/real/test_engines.py."""

import ibis
import pandas as pd
import pytest

from kam.errors import ParameterError
from kam.ledger import open_ledger, summarize_customers
from kam.ledger.engines import declare_instants, in_order, pull, table_of, text_literal
from kam.ledger.grouping import group_customers
from kam.ledger.selection import select_customers

ODD = ["007", "", "o'x", "a\\f", "\x1c\x1d", "\0nul\0", "\a\v\f\n", '𠮷 "q"', "%_"]


def test_a_table_within_the_statement_holds_any_text():
    table = table_of({"a": ODD, "b": ODD[::-1]})
    found = table.to_pyarrow().to_pylist()
    assert sorted((row["a"], row["b"]) for row in found) == sorted(zip(ODD, ODD[::-1], strict=True))
    assert table_of({"a": []}).to_pyarrow().num_rows == 0
    assert table_of({"a": [""]}).to_pyarrow().to_pylist() == [{"a": ""}]


def test_texts_that_hold_every_separator_are_refused():
    with pytest.raises(ParameterError, match="control characters"):
        table_of({"a": ["".join(map(chr, range(32)))]})


def test_what_spark_would_garble_is_not_in_a_literal():
    for text in ODD:
        assert text_literal(text).as_scalar().to_pyarrow().as_py() == text
        sql = str(ibis.to_sql(text_literal(text), dialect="pyspark"))
        assert not any(escape in sql.replace("\\\\", "") for escape in ("\\a", "\\v", "\\f"))


def test_only_postgres_is_told_how_to_order_texts():
    con = ibis.duckdb.connect()
    table = con.create_table("t", pd.DataFrame({"a": ["x", "B"], "n": [1, 2]}))
    assert declare_instants(table) is table
    assert [value.get_name() for value in in_order([table.a, table.n])] == ["a", "n"]
    assert pull(table.order_by(in_order([table.a])))["a"].to_pylist() == ["B", "x"]


def test_groups_and_selections_of_a_ledger_in_a_database_stay_there():
    con = ibis.duckdb.connect()
    orders = pd.DataFrame({"customer_id": list("abca"), "order_date": "2024-01-31", "amount": [1.0, 2.0, 4.0, 8.0]})
    ledger = open_ledger(con.create_table("orders", orders.astype({"order_date": "datetime64[us]"})))
    grouped = group_customers(ledger, {"a": "b"})
    some = select_customers(ledger, ["c", "nobody"])
    assert grouped.lines.get_backend() is con and some.lines.get_backend() is con
    assert summarize_customers(grouped)["revenue"].tolist() == [11.0, 4.0]
    assert summarize_customers(some)["customer_id"].tolist() == ["c"]
    assert con.raw_sql("SHOW TABLES").fetchall() == [("orders",)]
