"""Memory: how much the engine may take, and what is refused rather than to die of."""

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from kam.churn.person_periods import person_periods
from kam.errors import ParameterError, TooLargeError
from kam.ledger import (
    Ledger,
    activity_panel,
    limits,
    open_ledger,
    quality,
    snapshots,
    state_panel,
    summarize_customers,
    summarize_deliveries,
    summarize_mix,
)
from kam.ledger.limits import memory_of_machine, require_memory
from kam.ledger.quality import quality_facts
from kam.ledger.sources import MEMORY_LIMIT, connect
from kam.samples import write_ledger


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    days = pd.date_range("2024-01-31", periods=3, freq="ME")
    return open_ledger(
        pd.DataFrame(
            {
                "customer_id": list("aab"),
                "order_date": days,
                "amount": 10.0,
                "promised_date": days,
                "delivered_date": days,
            }
        ),
        as_of="2024-03-31",
    )


STEPS: dict[str, tuple[Callable[[Ledger], object], int]] = {
    "summary": (summarize_customers, 2 * limits.SUMMARY_BYTES),
    "activity panel": (activity_panel, 3 * limits.ACTIVITY_BYTES),
    "snapshots": (
        lambda ledger: snapshots(ledger, origins=[date(2024, 3, 31)], horizon_days=1, k=2),
        2 * limits.SNAPSHOT_BYTES,
    ),
    "What customers bought": (lambda ledger: summarize_mix(ledger, by=None, freq="day"), 3 * limits.MIX_BYTES),
    "quality of sales": (quality_facts, 3 * limits.QUALITY_BYTES),
    "deliveries": (summarize_deliveries, 3 * limits.DELIVERY_BYTES),
    "state panel": (lambda ledger: state_panel(ledger, states="recency", k=2), 2 * 3 * limits.PANEL_BYTES),
}


@pytest.mark.parametrize("name", STEPS)
def test_what_would_not_fit_is_refused_and_says_what_would(
    ledger: Ledger, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    do, needed = STEPS[name]
    monkeypatch.setattr(limits, "SHARE", 1.0)
    monkeypatch.setattr(limits, "memory_of_machine", lambda: needed)
    quality._last.clear()
    do(ledger)
    quality._last.clear()
    monkeypatch.setattr(limits, "memory_of_machine", lambda: needed - 1)
    with pytest.raises(TooLargeError, match=rf"{name}.* rows .* up to \d+ rows are possible"):
        do(ledger)


def test_orders_that_do_not_fit_are_summed_up_in_the_engine(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    here = quality_facts(ledger)
    quality._last.clear()
    monkeypatch.setattr(quality, "ORDER_BYTES", 2**62)
    monkeypatch.setattr(quality, "_read_orders", None)  # it would bring them here
    pd.testing.assert_frame_equal(quality_facts(ledger), here, check_dtype=False)


def test_days_of_too_many_purchases(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kam.ledger.snapshot_rows.SNAPSHOT_DAY_BYTES", 2**62)
    with pytest.raises(TooLargeError, match=r"The days on which customers bought, .* would have 3 rows"):
        snapshots(ledger, origins=[date(2024, 3, 31)], horizon_days=1, k=2)


def test_days_of_too_many_deliveries(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    person_periods(ledger, k=1)
    monkeypatch.setattr(sys.modules["kam.churn.person_periods"], "DELIVERY_BYTES", 2**62)
    with pytest.raises(TooLargeError, match=r"deliveries came would have 3 rows"):
        person_periods(ledger, k=1)


def test_ten_million_customers_and_sixteen_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "memory_of_machine", lambda: 16 * 2**30)
    panel = {"bytes_per_row": limits.PANEL_BYTES, "what": "The panel", "where": "here", "hint": "Take fewer."}
    require_memory(10_000_000, bytes_per_row=limits.SUMMARY_BYTES, what="The summary", where="here", hint="")
    with pytest.raises(TooLargeError, match=r"360,000,000 rows"):
        require_memory(10_000_000 * 36, **panel)  # type: ignore[arg-type]


def test_a_container_counts() -> None:
    assert 2**28 < memory_of_machine() < 2**60


@pytest.mark.parametrize("limit", ["2", "many", "0GB", "-1GB", "80%"])
def test_a_limit_of_memory_that_is_none(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MEMORY_LIMIT, limit)
    with pytest.raises(ParameterError, match=MEMORY_LIMIT):
        connect()


def test_a_ledger_larger_than_the_memory_it_may_take_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_ledger(tmp_path / "ledger.parquet", n_rows=60_000, seed=3)
    free = open_ledger(path, today=pd.Timestamp("2026-01-01").date())
    monkeypatch.setenv(MEMORY_LIMIT, "24MB")
    tight = open_ledger(path, today=pd.Timestamp("2026-01-01").date())
    assert tight.con.raw_sql("SELECT current_setting('memory_limit')").fetchone() == ("22.8 MiB",)
    assert tight.audit == free.audit
    pd.testing.assert_frame_equal(summarize_customers(tight), summarize_customers(free))
