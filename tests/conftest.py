"""What all tests share: a home of their own, pictures without a screen, the folder with real data."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from kam.dataset import Dataset
    from kam.ledger import Ledger

# Set before anything reads them. Workers of pytest-xdist inherit them: one home for all of a run.
if "PYTEST_XDIST_WORKER" not in os.environ:
    home = tempfile.mkdtemp(prefix="kam-test-")  # short: a kernel's socket has its path in here
    kept = Path(__file__).parent.parent / ".pytest_cache" / "d"  # fonts take seconds to prepare
    os.environ |= {
        "IPYTHONDIR": f"{home}/ipython",
        "JUPYTER_CONFIG_DIR": f"{home}/config",
        "JUPYTER_DATA_DIR": f"{home}/data",
        "JUPYTER_RUNTIME_DIR": f"{home}/runtime",
        "OMP_NUM_THREADS": "1",  # workers that fight over cores take many times as long
        "OPENBLAS_NUM_THREADS": "1",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(kept / "matplotlib"),
        "XDG_CACHE_HOME": str(kept / "cache"),
    }
    os.environ.pop("SOURCE_DATE_EPOCH", None)
    # Else every worker, kernel and command would compile all of kam again, and every worker rewrite all tests.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False

# A second of every worker, as in kam.report.warm: a grammar for a URI format that no notebook is checked against.
sys.modules.setdefault("rfc3987_syntax", None)

hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Hardly anything that collecting makes is garbage, and looking for it takes a second or two."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Leave the 700,000 objects that stay to the end out of every full garbage collection, else each takes half a second.

    What is made after that is looked through once in 20,000 objects, not in 700: expressions and figures are many small ones.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_unconfigure(config: pytest.Config) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """The path of a file of real data, by its name below the folder that KAM_REAL_DATA names; skips without it."""

    def find(name: str) -> Path:
        folder = os.environ.get("KAM_REAL_DATA")
        if not folder:
            pytest.skip("KAM_REAL_DATA names no folder with real data")
        path = Path(folder) / name
        if not path.exists():
            pytest.skip(f"KAM_REAL_DATA has no {name}")
        return path

    return find


@pytest.fixture(scope="session")
def sample_company() -> Dataset:
    """The dataset that comes with kam; do not change it."""
    from tests.sample_company import open_sample

    return open_sample()


@pytest.fixture(scope="session")
def online_retail_lines(real_data: Callable[[str], Path]) -> Ledger:
    """The million order lines of Online Retail II, cancelled orders left in; opened once, so do not change it."""
    from kam.ledger import Cleaning, open_ledger  # not above: kam is imported once all settings are made

    return open_ledger(
        real_data("online_retail_ii/lines_2009_2011.parquet"),
        columns={"order_id": "invoice", "order_date": "invoice_date", "product_id": "stock_code"},
        currency="GBP",
        cleaning=Cleaning(cancellations=False),
    )
