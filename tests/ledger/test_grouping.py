import ibis
import pandas as pd
import pytest

from kam.errors import ParameterError
from kam.ledger import activity_panel, open_ledger, snapshots, summarize_customers, summarize_mix
from kam.ledger.grouping import group_customers

GROUPS = {"b": "a", "c": "g", "nobody": "g"}


@pytest.fixture(scope="module")
def lines():
    days = [
        "2024-01-05",
        "2024-01-05",
        "2024-01-05",
        "2024-02-01",
        "2024-02-20",
        "2024-03-09",
        "2024-03-09",
        "2024-03-10",
    ]
    return pd.DataFrame(
        {
            "customer_id": ["a", "b", "b", "c", "d", "c", "c", None],
            "order_date": days,
            "amount": ["10.0001", "20.0002", "-3.3333", "7", "5", "1", "1", "9"],
            "order_id": ["1", "1", "2", "3", "4", "5", "5", "6"],
            "product_id": ["p", "p", "q", "p", "p", "q", "q", "q"],
            "quantity": 1,
        }
    )


@pytest.fixture(scope="module")
def ledger(lines):
    return open_ledger(lines, as_of="2024-03-31", currency="EUR")


@pytest.fixture(scope="module")
def grouped(ledger):
    return group_customers(ledger, GROUPS)


def test_the_sums_stay_to_the_last_decimal(ledger, grouped):
    assert grouped.table.amount.sum().execute() == ledger.table.amount.sum().execute()
    summary = summarize_customers(grouped).set_index("customer_id")
    assert summary.index.tolist() == ["a", "d", "g"]
    assert summary["revenue"].to_dict() == {"a": 26.667, "d": 5.0, "g": 8.0}
    assert summary["returns"].to_dict() == {"a": 3.3333, "d": 0.0, "g": 0.0}


def test_it_is_the_ledger_of_the_renamed_lines(lines, ledger, grouped):
    """The copy that cleaning removed apart: two equal rows of c."""
    renamed = lines.drop(index=6).assign(customer_id=lines["customer_id"].replace(GROUPS))
    expected = open_ledger(renamed, as_of="2024-03-31", currency="EUR")
    pd.testing.assert_frame_equal(summarize_customers(grouped), summarize_customers(expected))
    pd.testing.assert_frame_equal(activity_panel(grouped), activity_panel(expected))
    mixes = (summarize_mix(one, by="product_id") for one in (grouped, expected))
    pd.testing.assert_frame_equal(*mixes)
    rows = (snapshots(one, k=1, horizon_days=28, score=True).rows for one in (grouped, expected))
    pd.testing.assert_frame_equal(*rows)


def test_an_order_number_of_several_customers_is_one_order_of_the_group(ledger, grouped):
    orders = summarize_customers(ledger).set_index("customer_id")["n_orders"]
    assert orders[["a", "b"]].tolist() == [1, 1]
    assert summarize_customers(grouped).set_index("customer_id")["n_orders"]["a"] == 1


def test_the_audit_stays_true(ledger, grouped):
    audit, before = grouped.audit, ledger.audit
    assert audit.is_balanced and audit.counts == before.counts and audit.amount_kept == before.amount_kept
    assert (before.n_customers, audit.n_customers) == (4, 3)
    assert (before.n_customers_left_censored, audit.n_customers_left_censored) == (2, 1)
    assert audit.notes[-1] == "4 customers are counted by parent group: 3 groups and single accounts."
    kept = open_ledger(grouped.table.to_pandas().astype({"amount": str}), as_of="2024-03-31").audit
    assert kept.n_rows_kept == audit.n_rows_kept


def test_an_incomplete_month_is_counted_by_group(lines):
    ledger = open_ledger(lines, as_of="2024-02-10")
    assert ledger.audit.incomplete.n_customers_before == 2
    grouped = group_customers(ledger, GROUPS).audit.incomplete
    assert (grouped.n_customers, grouped.n_customers_before) == (1, 1)
    assert grouped.amount == ledger.audit.incomplete.amount


def test_fingerprints_follow_the_groups(ledger, grouped):
    again = group_customers(ledger, dict(reversed(GROUPS.items())) | {"a": "a"})
    other = group_customers(ledger, {"b": "a"})
    assert again.fingerprint == grouped.fingerprint
    assert len({ledger.fingerprint, grouped.fingerprint, other.fingerprint}) == 3


def test_nothing_is_created_in_a_users_database_and_the_first_ledger_can_be_closed(lines):
    con = ibis.duckdb.connect()
    ledger = open_ledger(con.create_table("orders", lines), as_of="2024-03-31")
    grouped = group_customers(ledger, GROUPS)
    ledger.close()
    assert con.raw_sql("SHOW TABLES").fetchall() == [("orders",)]
    con.disconnect()
    assert summarize_customers(grouped)["customer_id"].tolist() == ["a", "d", "g"]


def test_a_group_without_an_identifier(ledger):
    with pytest.raises(ParameterError, match="no identifier"):
        group_customers(ledger, {"a": " "})
