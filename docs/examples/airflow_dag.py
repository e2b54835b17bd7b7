"""One DAG per plan: Airflow 3 calls the ``kam`` command and goes by its status.

Copy this file into the folder of DAGs and set the three names in capitals. Airflow and kam each keep an environment of their own;
what a run does when a notebook fails, how often it tries again and how long it may take stand in the plan, so Airflow tries
nothing again. A run that failed has status 1, and so the task has failed; the reports are published all the same, as by hand.
"""

import os
import re
from datetime import datetime, timedelta
from pathlib import Path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, CronTriggerTimetable, literal

PROJECT = Path(os.environ.get("KAM_PROJECT", "/srv/kam"))
"""The folder with plans/, data/ and the environment .venv; reports/ is written there."""
SCHEDULES = {"monthly": "0 6 1 * *"}
"""When each plan runs, by the name of its file; one that is not here runs when somebody starts it."""
TIME_ZONE = "UTC"

for plan in sorted(PROJECT.glob("plans/*.yaml")):
    when = SCHEDULES.get(plan.stem)
    with DAG(
        dag_id="kam_" + re.sub(r"[^\w.-]+", "_", plan.stem),
        description=f"kam run {plan.name}",
        schedule=CronTriggerTimetable(when, timezone=TIME_ZONE) if when else None,
        start_date=datetime(2026, 1, 1),
        catchup=False,
        max_active_runs=1,
        tags=["kam"],
    ):
        BashOperator(
            task_id="run",
            # Paths go by the environment, and as they are: the shell would read blanks and quotes, Airflow {{ and {%.
            bash_command='exec "$KAM" run "$KAM_PLAN" --out "$KAM_REPORTS"',
            env={
                "KAM": literal(str(PROJECT / ".venv" / "bin" / "kam")),
                "KAM_PLAN": literal(str(plan)),
                "KAM_REPORTS": literal(str(PROJECT / "reports")),
            },
            append_env=True,  # passwords that dataset.yaml takes from the environment
            cwd=literal(str(PROJECT)),
            skip_on_exit_code=None,
            do_xcom_push=False,
            retries=0,
            execution_timeout=timedelta(hours=12),  # if all else fails; the plan's run_minutes comes first
        )
