"""``kam diff``: which runs it takes, what it prints, and how it refuses."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from kam import cli
from kam.errors import ParameterError, ResultsError
from kam.identify import tier_migration
from kam.report.diff import choose_runs, compare_runs, print_changes
from kam.report.manifest import Step
from kam.results import save_results
from tests.programme.pretended_results import DECEMBER, SEPTEMBER
from tests.report.test_index import add_run
from tests.report.test_manifest import make

PANEL = pd.DataFrame(
    [
        (one, month, 2, money * (0 if one == "002" and month.month > 9 and month.year == 2025 else 1), 0.0)
        for one, money in (("001", 50.0), ("002", 30.0), ("=cmd|x", 9.0))
        for month in pd.date_range("2023-01-01", "2025-12-01", freq="MS")
    ],
    columns=["customer_id", "period", "n_orders", "revenue", "returns"],
)


def add(root, day, context, *, plan="night", status="succeeded"):
    name = add_run(root, day, plan=plan, steps=(replace(make(root).steps[0], name="10_who", status=status),))
    until = "2025-12" if context is DECEMBER else "2025-09"
    found = tier_migration(PANEL[PANEL["period"] <= until], freq="month", context=context)
    save_results(found, to=root / name / "10_who")
    return root / name


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three good runs of one plan, a failed one, and one of another plan."""
    root = tmp_path_factory.mktemp("reports")
    add(root, 1, SEPTEMBER)
    add(root, 2, SEPTEMBER)
    add(root, 3, DECEMBER)
    add(root, 4, DECEMBER, status="failed")
    add(root, 5, DECEMBER, plan="once")
    return root


def named(folders):
    return [folder.name[:8] for folder in folders]


def test_the_last_two_good_runs_of_the_last_plan_that_has_two(root):
    assert named(choose_runs([], root=root)) == ["20261102", "20261103"]
    assert named(choose_runs([], root=root, plan="night")) == ["20261102", "20261103"]
    assert named(choose_runs(["20261101", "latest"], root=root)) == ["20261101", "20261105"]
    folder = root / "20261101T070000Z-p"
    assert choose_runs([str(folder), str(folder / "10_who")], root=root) == (folder, folder / "10_who")


def test_what_cannot_be_chosen_is_said(root, tmp_path):
    with pytest.raises(ResultsError, match="no two runs of one plan"):
        choose_runs([], root=root, plan="once")
    with pytest.raises(ParameterError, match="takes two runs"):
        choose_runs(["20261101"], root=root)
    with pytest.raises(ParameterError, match="takes two runs"):
        choose_runs(["20261101", "20261102"], root=root, plan="night")
    with pytest.raises(ResultsError, match="no run 'x'"):
        choose_runs(["x", "20261101"], root=root)
    with pytest.raises(ResultsError, match="no reports folder"):
        choose_runs([], root=tmp_path / "none")


def test_it_prints_what_moved_and_json_has_all_of_it(root, capsys):
    before, now = choose_runs([], root=root)
    changes = compare_runs(before, now)
    print_changes(changes, before=before, now=now, newest=1)
    told = capsys.readouterr().out
    assert told.startswith("Since 30 September 2025") and f"{before.name}, data up to 2025-09-30" in told
    assert "€360.00  €270.00  −€90.00" in told and "In what the runs differ: 2" in told
    assert "What moved without the customers" not in told
    print_changes(changes, before=before, now=now, newest=1, json=True)
    content = json.loads(capsys.readouterr().out)
    assert content["before"]["as_of"] == "2025-09-30" and content["schema_version"] == 1
    money = [row for row in content["moved"] if row["measure"] == "twelve months"]
    assert [(row["customer_id"], row["figure_before"], row["figure_after"]) for row in money] == [("002", 360.0, 270.0)]
    assert content["checks"][0]["verdict"] == "holds"


def test_the_command(root, monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["kam", "diff", "--out", str(root), *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code

    assert call() == 0 and "002" in capsys.readouterr().out
    assert call("--json") == 0 and json.loads(capsys.readouterr().out)["moved"]
    assert call("20261103", "20261101") == 2
    assert capsys.readouterr().err.endswith("What to do: Give the earlier run first.\n")


@pytest.mark.parametrize("version", [0, 99])
def test_results_of_another_version_are_refused_by_name(tmp_path, version, monkeypatch, capsys):
    before, now = add(tmp_path, 1, SEPTEMBER), add(tmp_path, 2, DECEMBER)
    file = before / "10_who" / "results.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"schema_version": 1', f'"schema_version": {version}'))
    with pytest.raises(ResultsError, match=f"schema version {version}; this kam reads version 1.*{before.name}"):
        compare_runs(before, now)


def test_a_run_without_results_is_refused(tmp_path):
    bare = add_run(tmp_path, 1, steps=(Step(name="x", title="x", notebook_sha256="", status="succeeded"),))
    with pytest.raises(ResultsError, match="no results"):
        compare_runs(tmp_path / bare, tmp_path / bare)
