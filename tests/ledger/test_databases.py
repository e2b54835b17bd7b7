"""Addresses where no database is; with a real server: tests/real/test_postgres.py."""

from __future__ import annotations

import sys

import pytest

from kam.errors import DatabaseError, ParameterError
from kam.ledger import Relation, open_ledger


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://me@127.0.0.1:1/warehouse", "Nothing answers on 127.0.0.1:1"),
        ("postgresql://me@no-such-host.invalid/warehouse", "There is no machine called 'no-such-host.invalid'"),
        ("postgresql://me:hunter2-%zz@host/warehouse", "The address of the database cannot be read"),
        ("postgresql://me@host/warehouse?no_such_option=1", "The address of the database cannot be read"),
        ("mysql://me@host/warehouse", "begin with 'mysql://' cannot be read"),
    ],
)
def test_addresses_where_nothing_is(address, said):
    with pytest.raises(DatabaseError, match=said) as error:
        open_ledger(Relation(address, "sales.order_lines"))
    assert "hunter2" not in str(error.value)


def test_an_address_without_a_relation():
    with pytest.raises(ParameterError, match="no table of it is named"):
        open_ledger("postgresql://me@host/warehouse")


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DatabaseError, match=r"needs the package psycopg.*kam\[postgres\]"):
        open_ledger(Relation("postgresql://me@host/warehouse", "sales.order_lines"))
