"""Runs of plans whose notebooks are never started: reports in no time, failures as asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kam.report import run as run_module
from kam.report.execution import Job, begin_step
from kam.report.plan import Plan, plan_notebooks

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "answers.ipynb"


def pretend_workers(
    monkeypatch: pytest.MonkeyPatch, *, fails: Callable[[Job], bool] = lambda job: bool(job.parameters.get("fail"))
) -> None:
    """Let steps end at once: with a report, or failed."""

    class Pretending:
        def __init__(self, n: int, **_: Any) -> None:
            pass

        def __enter__(self) -> Pretending:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def run(
            self, jobs: Sequence[Job], *, before: Mapping[str, str] | None = None
        ) -> Iterator[tuple[Job, str, Any]]:
            for job in jobs:
                (job.folder / "notebook.ipynb").write_text(job.notebook.text, encoding="utf-8")
                (job.folder / "report.html").write_text("report", encoding="utf-8")
                change: dict[str, Any] = {"status": "failed", "error": "It was asked to."}
                yield job, "step", replace(begin_step(job), **(change if fails(job) else {"status": "succeeded"}))

    monkeypatch.setattr(run_module, "Workers", Pretending)


def plan_of(name: str = "night", **changes: Any) -> Plan:
    """A plan with one notebook; ``fail=True`` makes it fail."""
    parameters = {"fail": changes.pop("fail", False)}
    return replace(plan_notebooks([NOTEBOOK], parameters=parameters, name=name), **changes)
