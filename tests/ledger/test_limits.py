"""Memory: how much the engine may take, and what is refused rather than to die of."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from kam.errors import ParameterError, TooLargeError
from kam.ledger import Ledger, activity_panel, limits, open_ledger, state_panel, summarize_customers
from kam.ledger.limits import memory_of_machine, require_memory
from kam.ledger.sources import MEMORY_LIMIT, connect
from kam.samples import write_ledger


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    days = pd.date_range("2024-01-31", periods=3, freq="ME")
    return open_ledger(
        pd.DataFrame({"customer_id": list("aab"), "order_date": days, "amount": 10.0}), as_of="2024-03-31"
    )


STEPS: dict[str, tuple[Callable[[Ledger], object], int]] = {
    "summary": (summarize_customers, 2 * limits.SUMMARY_BYTES),
    "activity panel": (activity_panel, 3 * limits.ACTIVITY_BYTES),
    "state panel": (lambda ledger: state_panel(ledger, states="recency", k=2), 2 * 3 * limits.PANEL_BYTES),
}


@pytest.mark.parametrize("name", STEPS)
def test_what_would_not_fit_is_refused_and_says_what_would(
    ledger: Ledger, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    do, needed = STEPS[name]
    monkeypatch.setattr(limits, "SHARE", 1.0)
    monkeypatch.setattr(limits, "memory_of_machine", lambda: needed)
    do(ledger)
    monkeypatch.setattr(limits, "memory_of_machine", lambda: needed - 1)
    with pytest.raises(TooLargeError, match=rf"{name}.* rows .* up to \d+ rows are possible"):
        do(ledger)


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
