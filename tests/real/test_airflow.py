"""The example for Airflow, read and run by Airflow itself.

KAM_AIRFLOW names the folder of an environment that holds Airflow 3, or is ``install``: then one is made for these tests and
removed again, as .ci/run does it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dev

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "airflow_dag.py"
ASKED = os.environ.get("KAM_AIRFLOW")
PACKAGES = ["apache-airflow-core==3.3.2", "apache-airflow-providers-standard==1.21.0"]
HOSTILE = "night's {{ ds }} 50% 한국"
PLANS = {HOSTILE: "succeeds", "monthly": "succeeds", "fails": "exits"}
LIST = """
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag()
dags = {
    name: [getattr(dag.timetable, "expression", None), len(dag.tasks), dag.tasks[0].retries]
    for name, dag in bag.dags.items()
}
print("FOUND" + json.dumps([bag.import_errors, dags]))
"""

pytestmark = pytest.mark.skipif(
    not ASKED, reason="KAM_AIRFLOW is not set: Airflow takes 220 MB, so it is installed only where asked"
)


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Iterator[Path]:
    """The folder with Airflow's programs."""
    if ASKED != "install":
        yield Path(str(ASKED)) / "bin"
        return
    folder = tmp_path_factory.mktemp("airflow") / "venv"
    uv = [sys.executable, "-m", "uv"]
    for command in (
        ["venv", str(folder)],
        ["pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *PACKAGES],
    ):
        subprocess.run([*uv, *command], check=True, env=dev.translate_settings(), timeout=600)
    yield folder / "bin"
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def airflow(environment, tmp_path_factory):
    """Call Airflow on a project with three plans in a folder whose name asks for trouble."""
    project = tmp_path_factory.mktemp("work") / "my 50% {{ ds }} project's"
    (project / "plans").mkdir(parents=True)
    (project / ".venv").symlink_to(sys.prefix)
    for name, notebook in PLANS.items():
        path = ROOT / "tests" / "notebooks" / f"{notebook}.ipynb"
        (project / "plans" / f"{name}.yaml").write_text(f"steps: [{{notebook: '{path}'}}]", encoding="utf-8")
    dags = project / "dags"
    dags.mkdir()
    shutil.copy(EXAMPLE, dags)
    env = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")} | {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("home")),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "KAM_PROJECT": str(project),
    }

    def call(program, *arguments):
        done = subprocess.run(
            [environment / program, *arguments], cwd="/", env=env, capture_output=True, text=True, timeout=300
        )
        return done.returncode, done.stdout + done.stderr

    call.project = project
    status, said = call("airflow", "db", "migrate")
    assert status == 0, said
    return call


def run_once(airflow, name):
    """Status, log, and the manifest of what kam ran."""
    status, said = airflow("airflow", "dags", "test", f"kam_{name}")
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in airflow.project.glob("reports/*/run.json")]
    return status, said, [run for run in runs if run["plan"].startswith(name[:5])]


def test_the_example_has_one_dag_per_plan(airflow):
    status, said = airflow("python", "-c", LIST)
    assert status == 0, said
    errors, dags = json.loads(said[said.index("FOUND") + 5 :].splitlines()[0])
    assert errors == {}
    one_task_without_retries = [1, 0]
    assert dags == {
        "kam_fails": [None, *one_task_without_retries],
        "kam_monthly": ["0 6 1 * *", *one_task_without_retries],
        "kam_night_s_ds_50_한국": [None, *one_task_without_retries],
    }


def test_a_run_succeeds_whatever_the_plan_is_called(airflow):
    status, said, (run,) = run_once(airflow, "night_s_ds_50_한국")
    assert status == 0, said
    assert "new_state=success" in said
    assert [step["status"] for step in run["steps"]] == ["succeeded"]
    assert (airflow.project / "reports" / run["run_id"] / "succeeds" / "report.html").is_file()


def test_a_report_that_fails_fails_the_task(airflow):
    _, said, (run,) = run_once(airflow, "fails")
    assert "new_state=failed" in said and "exit code 1" in said
    assert [step["status"] for step in run["steps"]] == ["failed"]
