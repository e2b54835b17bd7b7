"""What reads files, called as people call it: each function takes one damaged file and may only succeed or raise a KamError."""

from __future__ import annotations

import collections
import contextlib
import json
import shutil
import time
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from kam.dataset import check_dataset, draft_dataset, open_dataset
from kam.errors import KamError
from kam.ledger import open_ledger
from kam.ledger.description import describe_table
from kam.ledger.reading import connect, read_source
from kam.report.notebook import find_notebook, inject_parameters
from kam.report.parameters import bind_parameters, read_parameter_file
from kam.report.plan import plan_notebooks, read_plan
from tests.fuzz import damaged_files as files

LONGEST = 10.0
"""Seconds of processor time that one file may take."""
OUTCOMES: collections.Counter[tuple[str, str]] = collections.Counter()

_ORDERS = "customer_id;order_date;amount;product_id\n" + "".join(
    f"C{n % 7};2024-{n % 12 + 1:02}-{n % 28 + 1:02};{n}.50;P{n % 3}\n" for n in range(60)
)
_ACCOUNTS = "customer_id,name,parent_id,industry,manager,mood\n" + "".join(
    f"C{n},Name {n},C0,food,Ann,{n % 5 + 1}\n" for n in range(1, 7)
)
_SURVEY = "respondent_id,wave,customer_id,answered_on,overall,recommend,Q1,Q2,role,comment\n" + "".join(
    f"R{n},w1,C{n % 7},2024-05-{n % 28 + 1:02},{n % 5 + 1},{n % 11},{(n * 3) % 5 + 1},{n % 5 + 1},buyer,fine\n"
    for n in range(30)
)
_EVENTS = "customer_id,date,kind,reason\nC1,2024-03-01,complaint,late\nC2,2024-04-01,lost,price\n"
_TARGETS = "customer_id,period,revenue_target\nC1,2024,100\nC2,2024,50\n"
_DATASET = """\
name: fuzzed
title: A title
currency: EUR
language: en
time_zone: UTC
as_of: 2025-12-31
fiscal_year_start: 4
cleaning: {non_product_codes: [P9], duplicates: true, ledger_total: null}
criteria:
- {name: revenue, kind: measured, direction: higher, weight: 0.5}
- {name: mood, kind: judged, range: [1, 5], weight: 0.5}
assumptions: {discount_rate: 0.08}
tables:
  ledger: {source: orders.csv, delimiter: ";", columns: {product_group: null}, encoding: utf-8}
  accounts: {source: accounts.csv, static: [industry]}
  survey:
    source: survey.csv
    items: [{name: Q1, text: one, theme: t}, {name: Q2, text: two, theme: t, reversed: true, range: [1, 5]}]
    groups: [role]
    not_applicable: [8]
    levels: {rather good: 4}
  events: {source: events.csv}
  targets: {source: targets.csv, freq: year}
"""
_PLAN = """\
name: monthly
parameters: {dataset: sample, seed: 7}
steps:
- notebook: 10
- {notebook: 20_churn_regression, after: [10_customer_identification], parameters: {capacity: 5}}
- {notebook: 10, name: by_group, for_each: {by_group: [true, false], value: [revenue, margin]}}
jobs: 2
run_minutes: 60
cell_minutes: 10
memory_gb: 4
on_failure: stop
retries: 1
if_running: wait
keep: {runs: 12, days: 30}
notify: {command: [mail-to, x], on: always}
"""
_PARAMETERS = "dataset: sample\nhorizon: 12\nvalue: revenue\nby_group: false\nmin_certainty: 0.8\nn_named: 20\n"


def _write(folder: Path, **tables: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")


def _open_everything(path: Path, content: bytes) -> None:
    """Every table of a dataset, or the check, which reads them all too: which of them, the content decides."""
    dataset = open_dataset(path)
    if zlib.crc32(content) % 2:
        check_dataset(path)
        return
    for name in dataset.tables:
        with contextlib.suppress(KamError):
            dataset.ledger if name == "ledger" else dataset.read(name)
    for read in (lambda: dataset.answers, lambda: dataset.context):
        with contextlib.suppress(KamError):
            read()


def _table(folder: Path, ending: str, content: bytes) -> None:
    """As a ledger, by `kam init`, or only opened, which takes a tenth of the time: which of them, the content decides."""
    file = folder / f"orders{ending}"
    file.write_bytes(content)
    way = zlib.crc32(content) % 4
    if way == 0:
        open_ledger(file).close()
    elif way == 1:
        draft = draft_dataset(file, folder=folder)
        (folder / "dataset.yaml").write_text(draft.text, encoding="utf-8")
        check_dataset(folder / "dataset.yaml")
    else:
        con = connect()
        try:
            source = read_source(file, con)
            source.table.limit(50).to_pyarrow()
            if way == 2:
                describe_table(source)
        finally:
            con.disconnect()


def read_text(folder: Path, content: bytes) -> None:
    _table(folder, ".csv", content)


def read_workbook(folder: Path, file: tuple[str, bytes]) -> None:
    _table(folder, *file)


def read_parquet(folder: Path, content: bytes) -> None:
    _table(folder, ".parquet", content)


def read_dataset(folder: Path, content: bytes) -> None:
    _write(folder, orders=_ORDERS, accounts=_ACCOUNTS, survey=_SURVEY, events=_EVENTS, targets=_TARGETS)
    (folder / "dataset.yaml").write_bytes(content)
    _open_everything(folder / "dataset.yaml", content)


def read_tables(folder: Path, file: tuple[str, bytes]) -> None:
    """A sound ``dataset.yaml`` with one of its files damaged."""
    name, content = file
    _write(folder, orders=_ORDERS, accounts=_ACCOUNTS, survey=_SURVEY, events=_EVENTS, targets=_TARGETS)
    (folder / f"{name}.csv").write_bytes(content)
    (folder / "dataset.yaml").write_text(_DATASET, encoding="utf-8")
    _open_everything(folder / "dataset.yaml", content)


def read_a_plan(folder: Path, content: bytes) -> None:
    (folder / "plan.yaml").write_bytes(content)
    read_plan("plan.yaml", start=folder)


def read_notebook(folder: Path, content: bytes) -> None:
    (folder / "10_x.ipynb").write_bytes(content)
    notebook = find_notebook("10_x.ipynb", start=folder)
    assert notebook.title and notebook.step and len(notebook.sha256) == 64
    inject_parameters(json.loads(notebook.text), {"a": 1})
    plan_notebooks(["10_x.ipynb"], texts={"dataset": "sample"}, start=folder)


def read_parameters(folder: Path, content: bytes) -> None:
    (folder / "p.yaml").write_bytes(content)
    values = read_parameter_file(folder / "p.yaml")
    bind_parameters(_declared(), texts={}, values=values, where="10")


@cache
def _declared() -> Any:
    return find_notebook("10", start=files.ROOT).parameters


_NOTEBOOK = (files.ROOT / "notebooks" / "10_customer_identification.ipynb").read_text(encoding="utf-8")
_TABLES = {"accounts": _ACCOUNTS, "survey": _SURVEY, "events": _EVENTS, "targets": _TARGETS, "orders": _ORDERS}

READERS: dict[str, tuple[Callable[[Path, Any], None], st.SearchStrategy[Any]]] = {
    "text files": (read_text, files.text_files()),
    "workbooks": (read_workbook, files.workbooks()),
    "Parquet files": (read_parquet, files.parquet_files()),
    "dataset.yaml": (read_dataset, files.yaml_files(_DATASET)),
    "tables of a dataset": (
        read_tables,
        st.sampled_from(sorted(_TABLES)).flatmap(
            lambda name: st.tuples(st.just(name), files.damaged(_TABLES[name].encode()) | files.text_files())
        ),
    ),
    "plans": (read_a_plan, files.yaml_files(_PLAN)),
    "notebooks": (read_notebook, files.notebook_files(_NOTEBOOK)),
    "files of parameters": (read_parameters, files.yaml_files(_PARAMETERS)),
}
"""What is read → how, and the files to try it on."""


def attempt(kind: str, folder: Path, content: Any) -> None:
    """Read one file in an empty folder: it succeeds, or raises a KamError, within the time.

    Raises
    ------
    Exception
        Whatever else the reader raised.
    """
    folder.mkdir()
    started = time.process_time()
    try:
        READERS[kind][0](folder, content)
        outcome = "read"
    except KamError as error:
        outcome = type(error).__name__
    finally:
        shutil.rmtree(folder)
    OUTCOMES[kind, outcome] += 1
    assert time.process_time() - started < LONGEST, f"{time.process_time() - started:.0f} s"
