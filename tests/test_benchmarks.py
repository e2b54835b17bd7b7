"""The environment of the benchmarks' peer, and the ledgers that are made up for them; nothing is timed here."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from packaging.requirements import Requirement

from benchmarks.unseen_ledgers import END, UNSEEN

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def requirements() -> dict[str, Requirement]:
    tree = ast.parse((FOLDER / "churn_models.py").read_text(encoding="utf-8"))
    given = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "REQUIREMENTS"
    )
    return {one.name: one for one in map(Requirement, given)}


def test_the_peer_gets_the_packages_that_it_can_run_with(requirements: dict[str, Requirement]) -> None:
    assert str(requirements["lifetimes"].specifier) == "==0.11.3"
    for name, good, bad in (
        ("pandas", "2.1.4", "2.2.0"),
        ("numpy", "1.26.4", "2.0.0"),
        ("pyarrow", "16.1.0", "17.0.0"),
    ):
        assert requirements[name].specifier.contains(good)
        assert not requirements[name].specifier.contains(bad)


def test_the_peer_imports_only_what_is_installed_for_it(requirements: dict[str, Requirement]) -> None:
    imported = set()
    for node in ast.walk(ast.parse((FOLDER / "lifetimes_peer.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.split(".")[0])
    assert {"lifetimes", "pandas"} <= imported
    assert imported - set(sys.stdlib_module_names) <= set(requirements)


def test_the_peer_ends_well_without_arguments() -> None:
    """`make bench` runs every file of the folder, also in an environment without lifetimes."""
    peer = [sys.executable, str(FOLDER / "lifetimes_peer.py")]
    done = subprocess.run(peer, capture_output=True, text=True, env=dict(os.environ, PYTHONWARNINGS="error"))
    assert done.returncode == 0
    assert "churn_models" in done.stdout


@pytest.mark.parametrize("name", UNSEEN)
def test_a_made_up_ledger_has_one_row_per_customer_and_day(name: str) -> None:
    orders = UNSEEN[name](1)
    pd.testing.assert_frame_equal(orders, UNSEEN[name](1))
    assert not orders.equals(UNSEEN[name](2))
    assert orders.columns.tolist() == ["customer_id", "order_date", "amount"]
    assert not orders.duplicated(["customer_id", "order_date"]).any()
    assert (orders["amount"] > 0).all()
    assert END - orders["order_date"].max() <= pd.Timedelta(days=3)
    assert (END - orders["order_date"].min()).days >= 400
