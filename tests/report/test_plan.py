import json
from pathlib import Path

import pytest

from kam.errors import ParameterError, PlanError, SecretError, UnreadableFileError
from kam.report.plan import plan_notebooks, read_plan

NOTEBOOK = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}}


@pytest.fixture
def folder(tmp_path):
    """Two notebooks: ``a`` knows n and region, ``b`` n and audience."""
    for name, source in (
        ("a", 'n: int = 1\nregion: str = ""\nmanager: str = ""\ndataset: str = "sample"'),
        ("b", 'n: int = 1\naudience: str = "internal"'),
    ):
        cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source, "outputs": []}
        content = json.dumps(NOTEBOOK | {"cells": [cell]})
        (tmp_path / f"{name}.ipynb").write_text(content, encoding="utf-8")
    return tmp_path


@pytest.fixture
def plan(folder):
    def read(text, **options):
        (folder / "night.yaml").write_text(text, encoding="utf-8")
        return read_plan("night.yaml", start=folder, **options)

    return read


def shape(found):
    return [(step.name, step.parameters, step.after) for step in found.steps]


def test_defaults_are_those_of_a_quiet_run(plan):
    found = plan("steps: [{notebook: a.ipynb}]")
    assert (found.name, found.jobs, found.retries, found.wait, found.stop_on_failure) == ("night", 2, 0, False, False)
    assert (found.run_seconds, found.cell_seconds, found.memory_bytes, found.notify) == (None, None, None, None)
    assert shape(found) == [("a", {}, ())]


def test_every_rule_is_read(plan):
    found = plan(
        "name: Q4 <report>\nsteps: [{notebook: a.ipynb}]\njobs: 3\nrun_minutes: 2\ncell_minutes: 0.5\nmemory_gb: 2\n"
        "on_failure: stop\nretries: 2\nif_running: wait\nkeep: {runs: 3, days: 90}\n"
        "notify: {command: [mail, me], on: always}\n"
    )
    assert (found.name, found.jobs, found.run_seconds, found.cell_seconds) == ("Q4_report", 3, 120, 30)
    assert (found.memory_bytes, found.stop_on_failure, found.retries, found.wait) == (2 * 1024**3, True, 2, True)
    assert (found.keep.runs, found.keep.days) == (3, 90)
    assert (found.notify.command, found.notify.on) == (("mail", "me"), "always")


def test_a_steps_value_goes_before_the_plans_and_a_typed_one_before_both(plan):
    text = "parameters: {n: 1}\nsteps: [{notebook: a.ipynb, parameters: {n: 2}}, {notebook: b.ipynb}]"
    assert shape(plan(text)) == [("a", {"n": 2}, ()), ("b", {"n": 1}, ())]
    assert shape(plan(text, texts={"n": "7", "region": "north"})) == [
        ("a", {"n": 7, "region": "north"}, ()),
        ("b", {"n": 7}, ()),
    ]
    assert plan(text, jobs=5).jobs == 5


def test_a_notebook_runs_once_per_combination_each_in_a_folder_of_its_own(plan):
    found = plan(
        "steps:\n- {notebook: a.ipynb, name: by, for_each: {region: [../../x, 'X', x, '한국'], n: [1, 2]}}\n"
        "- {notebook: b.ipynb, after: [by]}"
    )
    names = [step.name for step in found.steps]
    assert names == ["x-1/by", "x-2/by", "X-1.2/by", "X-2.2/by", "x-1.3/by", "x-2.3/by", "한국-1/by", "한국-2/by", "b"]
    assert found.steps[0].parameters == {"n": 1, "region": "../../x"}
    assert found.steps[-1].after == tuple(names[:-1])


def test_all_managers_of_the_account_file(plan):
    from kam.dataset import open_dataset

    managers = sorted(open_dataset("sample").accounts["manager"].dropna().unique())
    found = plan("steps: [{notebook: a.ipynb, for_each: {manager: all}}]")
    assert [step.parameters["manager"] for step in found.steps] == managers and len(managers) > 5


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("stepz: []", PlanError, "stepz .line 1. is no key. Did you mean 'steps'"),
        ("steps: []", PlanError, r"steps .line 1.. Allowed: a list of at least 1\."),
        ("steps: [{notebok: a.ipynb}]", PlanError, r"Allowed: notebook[^.]*\. Where"),
        ("steps: [{notebook: a.ipynb}]\nkeep: {runs: 0}", PlanError, "keep.runs .line 2. is '0'"),
        (
            "steps: [{notebook: a.ipynb}]\nretries: many",
            PlanError,
            "retries .line 2. is 'many'. Allowed: a whole number",
        ),
        ("steps: [{notebook: a.ipynb}]\non_failure: stap", PlanError, "Did you mean 'stop'"),
        ("steps: [{notebook: a.ipynb}]\nsteps: []", PlanError, "stands twice"),
        ("steps: [{notebook: a.ipynb}]\nnotify: {command: mail me}", PlanError, "a list"),
        ("steps: [{notebook: a.ipynb}]\npassword: x", PlanError, "secrets do not belong in plan"),
        ("steps: [{notebook: c.ipynb}]", UnreadableFileError, "no such notebook"),
        ("steps: [{notebook: a.ipynb}, {notebook: a.ipynb}]", PlanError, "Two steps are named 'a'"),
        ("parameters: {m: 1}\nsteps: [{notebook: a.ipynb}]", ParameterError, "no parameter 'm'"),
        ("steps: [{notebook: a.ipynb, parameters: {audience: shared}}]", ParameterError, "no parameter 'audience'"),
        ("steps: [{notebook: a.ipynb, parameters: {n: x}}]", ParameterError, "declared as int"),
        ("steps: [{notebook: a.ipynb, parameters: {results_dir: x}}]", ParameterError, "set by the run itself"),
        ("steps: [{notebook: a.ipynb, for_each: {n: all}}]", PlanError, "only manager can be all"),
        ("steps: [{notebook: a.ipynb, for_each: {n: []}}]", PlanError, "empty list"),
        ("steps: [{notebook: a.ipynb, for_each: {n: [1]}, parameters: {n: 1}}]", PlanError, "Keep one"),
        ("steps: [{notebook: a.ipynb, after: [c]}]", PlanError, "waits for 'c', which is no step"),
        (
            "steps: [{notebook: a.ipynb, after: [b]}, {notebook: b.ipynb, after: [a]}]",
            PlanError,
            "(a → b → a|b → a → b)",
        ),
        (
            "parameters: {audience: shared}\nsteps: [{notebook: a.ipynb}, {notebook: b.ipynb}]",
            ParameterError,
            "does not know 'audience', and would show what it must not",
        ),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(plan, text, error, said):
    with pytest.raises(error, match=said):
        plan(text)


def test_what_guards_a_report_has_to_be_known_by_all_notebooks(folder):
    with pytest.raises(ParameterError, match="does not know 'audience'"):
        plan_notebooks(["a.ipynb", "b.ipynb"], texts={"audience": "shared"}, start=folder)
    alone = plan_notebooks(["b.ipynb"], texts={"audience": "shared"}, start=folder)
    assert alone.steps[0].parameters == {"audience": "shared"}


def test_a_plan_that_is_not_there_names_those_that_are(plan, folder):
    plan("steps: [{notebook: a.ipynb}]")
    with pytest.raises(UnreadableFileError, match=r"Did you mean 'night\.yaml'"):
        read_plan("nigt.yaml", start=folder)


def test_the_plans_that_come_with_kam_can_run():
    from pathlib import Path

    root = Path(__file__).parents[2]
    for path in sorted((root / "plans").glob("*.yaml")):
        found = read_plan(path, start=root)
        assert found.steps and found.run_seconds


def test_a_secret_is_no_name(monkeypatch, folder, plan):
    monkeypatch.setenv("DB_PASSWORD", "hunter2hunter2")
    with pytest.raises(SecretError, match=r"'name' is the secret of.*DB_PASSWORD.*the plan"):
        plan_notebooks(["a.ipynb"], name="a hunter2hunter2", start=folder)
    with pytest.raises(SecretError, match=r"'name' is the secret of.*DB_PASSWORD.*a step") as refused:
        plan("steps: [{notebook: a.ipynb, name: hunter2hunter2}]")
    assert "hunter2" not in str(refused.value)


def test_a_plan_without_its_ending_is_guessed_at(folder):
    (folder / "night.yaml").write_text("steps: [{notebook: a.ipynb}]", encoding="utf-8")
    with pytest.raises(UnreadableFileError, match=r"Did you mean the plan night\.yaml"):
        plan_notebooks(["night"], start=folder)


@pytest.mark.parametrize("name", ["north", "North"])
def test_a_step_is_not_named_like_the_folder_of_a_value(plan, name):
    text = f"steps: [{{notebook: a.ipynb, for_each: {{region: [north, south]}}}}, {{notebook: b.ipynb, name: {name}}}]"
    with pytest.raises(PlanError, match=rf"Step '{name}' is named like a value of for_each of 'a'"):
        plan(text)


def test_the_monthly_plan_has_every_notebook_and_those_that_read_others_come_last():
    root = Path(__file__).parents[2]
    steps = {step.name: step.after for step in read_plan(root / "plans" / "monthly.yaml", start=root).steps}
    assert sorted(steps) == sorted(path.stem for path in (root / "notebooks").glob("*.ipynb"))
    assert steps["50_account_dossier"] == steps["60_programme_overview"]
    assert set(steps["60_programme_overview"]) == {name for name, after in steps.items() if not after}
    every = read_plan(root / "plans" / "programme.yaml", start=root)
    assert [(fan.name, fan.parameter, fan.rows.where) for fan in every.fans] == [
        ("50_account_dossier", "customer_id", "is_key_account")
    ]
