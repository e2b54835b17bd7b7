"""The command: its arguments, its messages and its status; what it calls is tested elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

import kam
from kam import cli, dataset, report
from kam.errors import ParameterError
from kam.report.manifest import Manifest, Step
from tests.report.test_index import add_run

NOTEBOOKS = Path(__file__).parent / "notebooks"


def run_kam(*arguments, cwd=None, module="kam"):
    environment = os.environ | {"NO_COLOR": "1", "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )


def call(monkeypatch, *arguments):
    """The status of the command in this process."""
    monkeypatch.setattr(sys, "argv", ["kam", *arguments])
    try:
        cli.main()
    except SystemExit as end:
        return end.code or 0
    return 0


# -- the whole command -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["kam", "kam.cli"])
def test_help_names_every_command_and_is_quick(module):
    for _ in range(5):  # other tests are at work beside this one
        begun = time.perf_counter()
        done = run_kam("--help", module=module)
        if (seconds := time.perf_counter() - begun) < 0.5:
            break
    assert done.returncode == 0 and done.stderr == ""
    for command in ("run", "schedule", "init", "check", "list", "runs", "show", "--version"):
        assert re.search(rf"^  {command}\b", done.stdout, re.MULTILINE)
    assert seconds < 0.5


def test_help_loads_nothing_heavy():
    heavy = ("pandas", "numpy", "ibis", "nbconvert", "papermill", "pydantic", "jinja2", "yaml", "rich.progress")
    code = f"import sys\nimport kam.cli\nprint([name for name in {heavy!r} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_version():
    assert run_kam("--version").stdout == f"kam {kam.__version__}\n"


def test_without_a_command_there_is_help():
    done = run_kam()
    assert done.returncode == 2 and "Usage: kam" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nothing.ipynb"], "kam: There is no such notebook."),
        (["init", "no_such_file.csv"], "kam: "),
    ],
)
def test_an_error_is_one_line_and_status_2(tmp_path, arguments, said):
    done = run_kam(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(said) and done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("[!.]*"))


@pytest.mark.parametrize("arguments", [["run"], ["run", "x", "--jobs", "0"], ["run", "x", "--nonsense"], ["fly"]])
def test_wrong_usage_is_status_2(arguments):
    done = run_kam(*arguments)
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_a_run_from_another_folder_prints_plain_lines_and_where_the_index_lies(tmp_path):
    done = run_kam("run", os.path.relpath(NOTEBOOKS / "succeeds.ipynb", tmp_path), "-p", "size=5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    started, ended, reports = done.stdout.splitlines()
    assert started == "succeeds: started"
    assert re.fullmatch(r"succeeds: done in \d+ s → .*report\.html", ended)
    assert Path(ended.partition(" → ")[2]).is_file()
    assert reports == f"The reports: {tmp_path / 'reports' / 'index.html'}"


def test_a_terminal_that_cannot_show_a_letter_loses_no_run(tmp_path):
    command = [sys.executable, "-m", "kam", "run", "고객.ipynb"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 2 and done.stderr.startswith(b"kam: There is no such notebook.")


# -- arguments -------------------------------------------------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch):
    """What the command hands to the report layer."""
    heard = []

    def pretend(plan, **options):
        heard.append((plan, options))
        now = datetime(2026, 11, 21, tzinfo=UTC)
        warnings = ("There is no workbook.",) if plan.name == "warn" else ()
        failed = report.run.Step(name="x", title="x", notebook_sha256="", status="failed")
        manifest = Manifest(
            run_id="r", plan="p", started=now, finished=now, parameters={}, dataset=None, seed=None, versions={},
            steps=(failed,) if plan.name == "fail" else (), warnings=warnings,
        )  # fmt: skip
        return report.Run(manifest, Path("out/r"), Path("out/index.html"))

    monkeypatch.setattr(report, "run_plan", pretend)
    return heard


def test_arguments_are_handed_on_as_they_were_typed(monkeypatch, calls, tmp_path, capsys):
    (tmp_path / "p.yaml").write_text("count: 3\n", encoding="utf-8")
    notebooks = [str(NOTEBOOKS / "answers.ipynb"), str(NOTEBOOKS / "succeeds.ipynb")]
    arguments = [*notebooks, "-p", "name=007", "-p", "codes=[a=b]", "-f", str(tmp_path / "p.yaml"), "--jobs", "3"]
    assert call(monkeypatch, "run", *arguments, "--out", "o", "--plan-name", "night", "--wait", "--fresh") == 0
    plan, options = calls[0]
    assert [(step.name, step.parameters) for step in plan.steps] == [
        ("answers", {"name": "007", "count": 3}),
        ("succeeds", {"codes": ["a=b"]}),
    ]
    assert (plan.name, plan.jobs, plan.wait) == ("night", 3, True)
    assert (options["out"], options["adopt"]) == (Path("o"), False)
    assert capsys.readouterr().out == "The reports: out/index.html\n"


def test_defaults(monkeypatch, calls):
    assert call(monkeypatch, "run", "10") == 0
    plan, options = calls[0]
    assert (options["out"], options["adopt"], plan.jobs, plan.name) == (
        Path("reports"), True, 2, "10_customer_identification",
    )  # fmt: skip
    assert not plan.wait and plan.steps[0].parameters == {}


def test_a_plan_is_run_by_itself(monkeypatch, calls, tmp_path, capsys):
    (tmp_path / "night.yaml").write_text("jobs: 3\nsteps: [{notebook: 10}]\n", encoding="utf-8")
    plan = str(tmp_path / "night.yaml")
    assert call(monkeypatch, "run", plan, "-p", "seed=3") == 0
    assert (calls[0][0].name, calls[0][0].jobs, calls[0][0].steps[0].parameters) == ("night", 3, {"seed": 3})
    assert call(monkeypatch, "run", plan, "--jobs", "1") == 0 and calls[1][0].jobs == 1
    assert call(monkeypatch, "run", plan, "10") == 2
    assert "A plan is run by itself" in capsys.readouterr().err


def test_a_failed_step_is_status_1_and_a_warning_is_told(monkeypatch, calls, capsys):
    assert call(monkeypatch, "run", "10", "--plan-name", "fail") == 1
    assert call(monkeypatch, "run", "10", "--plan-name", "warn") == 0
    assert "Note: There is no workbook.\n" in capsys.readouterr().out


def test_a_command_to_notify_goes_into_the_plan_and_before_the_plans_own(monkeypatch, calls, tmp_path):
    (tmp_path / "night.yaml").write_text(
        "notify: {command: [mail, me], on: always}\nsteps: [{notebook: 10}]\n", encoding="utf-8"
    )
    assert call(monkeypatch, "run", "10", "--notify", "tell 'all of' us") == 0
    assert call(monkeypatch, "run", str(tmp_path / "night.yaml")) == 0
    assert call(monkeypatch, "run", str(tmp_path / "night.yaml"), "--notify", "tell us") == 0
    assert [(plan.notify.command, plan.notify.on) for plan, _ in calls] == [
        (("tell", "all of", "us"), "failure"),
        (("mail", "me"), "always"),
        (("tell", "us"), "failure"),
    ]


def test_a_wrong_parameter_is_notified_too(monkeypatch, calls, tmp_path, capsys):
    facts = tmp_path / "facts.json"
    command = f"{sys.executable} -S -c \"import sys; open('{facts}', 'w').write(sys.stdin.read())\""
    assert call(monkeypatch, "run", "10", "-p", "sed=1", "--notify", command, "--out", str(tmp_path)) == 2
    told = json.loads(facts.read_text(encoding="utf-8"))
    assert (told["event"], told["plan"]) == ("not started", "10") and "Did you mean 'seed'" in told["error"]
    assert capsys.readouterr().err.count("\n") == 1 and calls == []
    assert call(monkeypatch, "run", "10", "-p", "sed=1", "--notify", "no-such-program-anywhere") == 2
    error, note = capsys.readouterr().err.splitlines()
    assert error.startswith("kam: There is no parameter 'sed'.") and note.startswith(
        "Note: Nobody was notified: no-such"
    )


def test_what_went_wrong_after_the_run_is_a_note_on_stderr(monkeypatch, calls, capsys):
    whole = report.run_plan
    monkeypatch.setattr(report, "run_plan", lambda *a, **o: replace(whole(*a, **o), notes=("Nobody was notified.",)))
    assert call(monkeypatch, "run", "10") == 0
    told = capsys.readouterr()
    assert told.err == "Note: Nobody was notified.\n" and told.out == "The reports: out/index.html\n"


def test_a_parameter_given_twice_is_refused(monkeypatch, calls, capsys):
    assert call(monkeypatch, "run", "10", "-p", "a=1", "-p", "a=2") == 2
    assert "given twice" in capsys.readouterr().err and calls == []


def test_an_error_of_kam_is_told_and_another_is_not_hidden(monkeypatch, capsys):
    def fail(*_, **__):
        raise ParameterError("It is wrong.", hint="Mend it.")

    monkeypatch.setattr(report, "run_plan", fail)
    assert call(monkeypatch, "run", "10") == 2
    assert capsys.readouterr().err == "kam: It is wrong. What to do: Mend it.\n"
    monkeypatch.setattr(report, "run_plan", lambda *_, **__: 1 / 0)
    assert call(monkeypatch, "run", "10") == 1
    told = capsys.readouterr().err
    assert told.startswith("Traceback") and told.endswith("ZeroDivisionError: division by zero\n")


# -- history ---------------------------------------------------------------------------------------------------------


def test_runs_are_listed_and_shown(monkeypatch, tmp_path, capsys):
    good, failed = (
        add_run(tmp_path, 1),
        add_run(tmp_path, 2, steps=(Step(name="x", title="x", notebook_sha256="", status="failed"),)),
    )
    (tmp_path / ".part-20261103T000000Z-p").mkdir()
    out = ["--out", str(tmp_path)]
    assert call(monkeypatch, "runs", *out) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["20261103T000000Z-p", failed, good]
    assert call(monkeypatch, "runs", *out, "-n", "1", "--plan", "p", "--json") == 0
    assert [run["state"] for run in json.loads(capsys.readouterr().out)["runs"]] == ["cut off"]
    assert call(monkeypatch, "show", good, *out) == 0 and "Two." in capsys.readouterr().out
    assert call(monkeypatch, "show", "latest", *out) == 1 and capsys.readouterr().out.startswith(f"{failed}: failed")
    assert call(monkeypatch, "show", "20261103", *out, "--json") == 1
    assert json.loads(capsys.readouterr().out)["run_id"] == "20261103T000000Z-p"
    assert call(monkeypatch, "show", f"{good}x", *out) == 2 and f"Did you mean {good!r}" in capsys.readouterr().err
    assert call(monkeypatch, "runs", *out, "-n", "0") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["runs"], "There is no reports folder."),
        (["show", "latest"], "There is no reports folder."),
        (["show", "latest", "--out", "."], "There is no run that was published."),
        (["show", "x", "--out", "."], "There is no run 'x'."),
        (["runs", "--plan", "x", "--out", "."], "There is no run of plan 'x'."),
        (["run", "10", "--notify", ""], "There is no command to notify."),
        (["run", "no_such_name"], "There is no notebook 'no_such_name'."),
        (["run", str(NOTEBOOKS / "answers.ipynb"), "-p", "nmae=x"], "There is no parameter 'nmae'."),
        (["run", str(NOTEBOOKS / "answers.ipynb"), "-p", "count=two"], "Parameter 'count' cannot be 'two'"),
        (["run", str(NOTEBOOKS / "answers.ipynb"), "-p", "count"], "-p count is no name=value."),
        (["run", str(NOTEBOOKS / "answers.ipynb"), "-f", "none.yaml"], "The file of parameters cannot be read"),
        (["check", "no_such_dataset"], "There is no dataset 'no_such_dataset'."),
    ],
)
def test_what_is_not_there_is_one_line_and_status_2(monkeypatch, tmp_path, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, *arguments) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f"kam: {said}") and told.err.count("\n") == 1 and told.out == ""
    assert not list(tmp_path.glob("[!.]*"))


def test_what_can_be_run_is_listed(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, "list") == 0
    assert "10_customer_identification: Who are our key accounts?" in capsys.readouterr().out
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "bad.yaml").write_text("", encoding="utf-8")
    assert call(monkeypatch, "list", "--json") == 1
    content = json.loads(capsys.readouterr().out)
    names = [path.stem for path in (Path(__file__).parents[1] / "notebooks").glob("*.ipynb")]
    assert sorted(notebook["name"] for notebook in content["notebooks"]) == sorted(names)
    assert "bad.yaml: The file is empty." in content["problems"][0]


# -- datasets --------------------------------------------------------------------------------------------------------

ORDERS = "customer,date,amount\n" + "".join(
    f"{i % 9:03d},{2023 + i // 360}-{i // 30 % 12 + 1:02d}-{i % 27 + 1:02d},{i % 17 + 1}.50\n" for i in range(720)
)


def test_init_writes_a_dataset_that_check_can_read(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "My orders.csv").write_text(ORDERS, encoding="utf-8")
    assert call(monkeypatch, "init", "My orders.csv") == 0
    written = tmp_path / "data" / "My_orders" / "dataset.yaml"
    assert written.is_file()
    assert "kam check My_orders" in capsys.readouterr().out
    status = call(monkeypatch, "check", "My_orders")
    told = capsys.readouterr().out
    assert status == 0, told
    assert "720" in told


def test_init_writes_over_nothing(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.csv").write_text(ORDERS, encoding="utf-8")
    assert call(monkeypatch, "init", "orders.csv", "--name", "acme", "--out", "sets") == 0
    before = (tmp_path / "sets" / "acme" / "dataset.yaml").read_bytes()
    assert call(monkeypatch, "init", "orders.csv", "--name", "acme", "--out", "sets") == 2
    assert "dataset.yaml" in capsys.readouterr().err
    assert (tmp_path / "sets" / "acme" / "dataset.yaml").read_bytes() == before


def test_check_stops_with_status_1_where_a_report_could_not_be_trusted(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    broken = re.sub(r"(?m)^(\d{3}),\S+?,", r"\1,,", ORDERS, count=500)
    (tmp_path / "orders.csv").write_text(broken, encoding="utf-8")
    (tmp_path / "dataset.yaml").write_text(
        "name: broken\ntables:\n  ledger:\n    source: orders.csv\n    columns: {customer_id: customer, order_date: date}\n",
        encoding="utf-8",
    )
    assert call(monkeypatch, "check", "dataset.yaml") == 1
    assert "PROBLEM" in capsys.readouterr().out


@pytest.mark.parametrize("error", [ParameterError("It is \x1b]0;owned\x07 \x1b[2J."), ValueError("It is \x1b[2J.")])
def test_an_error_that_quotes_control_characters_moves_no_cursor(monkeypatch, capsys, error):
    def refuse(*args, **more):
        error.add_note("A note \x1b[2J.")
        raise error

    monkeypatch.setattr(report, "plan_notebooks", refuse)
    assert call(monkeypatch, "run", "10") != 0
    said = capsys.readouterr().err
    assert "It is" in said and "A note" in said and "\x1b" not in said and "\x07" not in said


def test_a_check_shows_no_control_characters_of_the_data_and_keeps_its_lines_apart(monkeypatch, capsys):
    found = SimpleNamespace(lines=("orders", "  A column \x1b[2J.", "An end."), ok=True)
    monkeypatch.setattr(dataset, "check_dataset", lambda name: found)
    call(monkeypatch, "check", "orders")
    assert capsys.readouterr().out == "orders\n  A column  [2J.\nAn end.\n"


def test_a_run_that_is_interrupted_says_so(monkeypatch, capsys, tmp_path):
    def interrupt(*args, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "run_plan", interrupt)
    status = call(monkeypatch, "run", str(NOTEBOOKS / "answers.ipynb"), "--out", str(tmp_path))
    assert status == 130 and capsys.readouterr().err.startswith("kam: The run was interrupted.")
