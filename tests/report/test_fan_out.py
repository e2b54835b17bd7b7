"""A notebook that runs once per value that a step before it finds."""

from dataclasses import replace

import pandas as pd
import pytest

from kam.errors import PlanError
from kam.report.fan_out import spread_fan
from kam.report.plan import PlannedFan, Rows, read_plan
from kam.report.publish import write_folder_pages, write_tables
from kam.report.run import run_plan
from tests.report.pretended_runs import NOTEBOOK

STEPS = """
parameters: {{count: 3}}
steps:
  - {{notebook: {notebook}, name: finds, parameters: {{fail: {fail}}}}}
  - notebook: {notebook}
    name: each
    after: [finds]
    parameters: {{count: 1}}
    for_each: {{name: {{table: {table}, column: customer_id{where}}}}}
"""


@pytest.fixture
def plan(tmp_path):
    def read(table="size.sizes", where="", fail="false"):
        chosen = f", where: {where}" if where else ""
        text = STEPS.format(notebook=NOTEBOOK, table=table, where=chosen, fail=fail)
        (tmp_path / "fan.yaml").write_text(text, encoding="utf-8")
        return read_plan("fan.yaml", start=tmp_path)

    return read


def ended(run):
    return [(step.name, step.status) for step in run.manifest.steps]


def test_each_value_that_was_found_has_a_report_of_its_own(plan, tmp_path):
    run = run_plan(plan(where="\"customer_id != '001'\""), out=tmp_path / "reports")
    assert ended(run) == [(name, "succeeded") for name in ("finds", "000/each", "002/each")]
    assert [step.parameters["name"] for step in run.manifest.steps[1:]] == ["000", "002"]
    assert run.manifest.parameters == {"fail": False}  # the rest differs from step to step
    for folder in ("000", "002"):
        assert f"1 customers of {folder}" in (run.folder / folder / "each" / "report.html").read_text(encoding="utf-8")
    index = run.index.read_text(encoding="utf-8")
    assert f"{run.manifest.run_id}/000/each/report.html" in index
    folder = run.folder / "000"
    assert sorted(path.name for path in folder.iterdir()) == ["each", "index.html", "tables.xlsx"]
    for name in ("index.html", "tables.xlsx"):
        (folder / name).unlink()
    listed = tuple(replace(step, labels={"account": step.name}) for step in run.manifest.steps)
    write_tables(run.folder, listed)
    write_folder_pages(run.folder, listed, run.manifest.started)
    assert [path.name for path in folder.iterdir()] == ["each"]


def test_no_more_values_than_the_limit_the_first_of_those_that_are_left(plan, tmp_path):
    run = run_plan(plan(where="\"customer_id != '000'\", limit: 1"), out=tmp_path / "reports")
    assert ended(run) == [("finds", "succeeded"), ("001/each", "succeeded")]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"table": "size.nothing"}, "No step before 'each' has the table 'size.nothing'.*size.sizes"),
        ({"where": "tier == 1"}, "cannot be chosen by 'tier == 1'.*customer_id"),
    ],
)
def test_what_cannot_be_found_is_a_step_that_failed(plan, tmp_path, monkeypatch, asked, told):
    run = run_plan(plan(**asked), out=tmp_path / "reports")
    assert ended(run) == [("finds", "succeeded"), ("each", "failed")]
    with pytest.raises(AssertionError, match=told):
        raise AssertionError(run.manifest.steps[1].error)


def test_nobody_to_run_it_for_is_said(plan, tmp_path):
    run = run_plan(plan(where="customer_id > '9'"), out=tmp_path / "reports")
    assert ended(run) == [("finds", "succeeded")]
    assert run.manifest.warnings == ("each was run for nobody: no row of size.sizes is one to run it for.",)


def test_where_the_step_before_fails_it_is_not_run(plan, tmp_path):
    run = run_plan(plan(fail="true"), out=tmp_path / "reports")
    assert ended(run) == [("finds", "failed"), ("each", "skipped")]
    assert "it needs finds, which failed" in run.manifest.steps[1].error


def test_finished_values_of_a_run_that_was_cut_off_are_taken_over(plan, tmp_path, monkeypatch):
    from kam.report import run as run_module

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_module, "write_tables", stop)
        with pytest.raises(KeyboardInterrupt):
            run_plan(plan(), out=tmp_path / "reports")
    run = run_plan(plan(), out=tmp_path / "reports")
    assert [step.adopted_from is not None for step in run.manifest.steps] == [True] * 4
    assert not [path for path in (tmp_path / "reports").iterdir() if path.name.startswith(".part")]


IDS = ["../../x", "a/b", "CON", "x" * 300, "شركة", "007", "a/B", "<script>"]


def test_any_value_has_a_folder_of_its_own(tmp_path):
    tables = tmp_path / "finds" / "tables"
    tables.mkdir(parents=True)
    pd.DataFrame({"customer_id": [*IDS, "007", None]}).to_parquet(tables / "size.sizes.parquet")
    content = '{"schema_version": 1, "results": {"size": {"tables": {"sizes": "size.sizes.parquet"}}}}'
    (tmp_path / "finds" / "results.json").write_text(content, encoding="utf-8")
    fan = PlannedFan(
        name="each", notebook=None, parameters={}, parameter="customer_id", rows=Rows(table="size.sizes"), after=("finds",)
    )  # fmt: skip
    steps = spread_fan(fan, tmp_path, ["finds"])
    assert [step.parameters["customer_id"] for step in steps] == IDS
    folders = [step.name.rpartition("/")[0] for step in steps]
    assert len({folder.casefold() for folder in folders}) == len(IDS)
    for folder in folders:
        assert (tmp_path / folder).resolve().parent == tmp_path.resolve() and len(folder) < 100
        assert folder.upper() != "CON"


@pytest.mark.parametrize(
    ("for_each", "after", "told"),
    [
        ("key_accounts", "", "no step finds its values. Name one under after:"),
        ("{name: key_accounts, count: [1]}", "a", "goes with no other parameter"),
        ("{count: key_accounts}", "a", "count"),
        ("key_accounts", "a", "customer_id"),  # which the notebook does not have
        ("everybody", "a", "is nothing to run it for. Allowed: key_accounts"),
        ("{name: {table: sizes}}", "a", "is no table of a result"),
        ("{name: {table: size.sizes, limit: 0}}", "a", "Allowed: numbers from 1 on"),
        ("{name: {tables: a.b}}", "a", "has no key 'table'"),
    ],
)
def test_a_wrong_fan_is_refused_before_anything_runs(tmp_path, for_each, after, told):
    steps = f"[{{notebook: {NOTEBOOK}, name: a}}, {{notebook: {NOTEBOOK}, after: [{after}], for_each: {for_each}}}]"
    (tmp_path / "fan.yaml").write_text(f"steps: {steps}", encoding="utf-8")
    with pytest.raises(Exception, match=told) as caught:
        read_plan("fan.yaml", start=tmp_path)
    assert type(caught.value).__module__ == "kam.errors"


def test_no_step_waits_for_a_fan(tmp_path):
    steps = (
        f"[{{notebook: {NOTEBOOK}, name: a}}, {{notebook: {NOTEBOOK}, name: b, after: [a], for_each: {{name: key_accounts}}}}, "
        f"{{notebook: {NOTEBOOK}, name: c, after: [b]}}]"
    )
    (tmp_path / "fan.yaml").write_text(f"steps: {steps}", encoding="utf-8")
    with pytest.raises(PlanError, match="waits for 'b', of which it is known only later"):
        read_plan("fan.yaml", start=tmp_path)


SECOND = """
steps:
  - {{notebook: {notebook}, name: good}}
  - {{notebook: {notebook}, name: bad, parameters: {{fail: true}}}}
  - {{notebook: {notebook}, name: page, after: [good, bad], even_if_failed: {even}}}
  - notebook: {notebook}
    name: each
    after: [page]
    for_each: {{name: {{table: size.sizes, column: customer_id, where: "customer_id == '001'"}}}}
"""


@pytest.mark.parametrize(("even", "status"), [("true", "succeeded"), ("false", "skipped")])
def test_a_page_that_says_what_it_lacks_starts_although_a_step_before_it_failed(tmp_path, even, status):
    (tmp_path / "page.yaml").write_text(SECOND.format(notebook=NOTEBOOK, even=even), encoding="utf-8")
    run = run_plan(read_plan("page.yaml", start=tmp_path), out=tmp_path / "reports")
    last = "001/each" if status == "succeeded" else "each"
    assert ended(run) == [("good", "succeeded"), ("bad", "failed"), ("page", status), (last, status)]
