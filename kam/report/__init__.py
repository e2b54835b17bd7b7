"""Notebooks into reports: run (papermill), render (nbconvert), publish.

``kam run`` is :func:`kam.report.run.run_plan`. A run leaves in the reports folder::

    index.html                                  every report, its answer, when, on what data, what failed
    <run-id>/run.json                           the manifest (kam.report.manifest)
    <run-id>/tables.xlsx                        every table of the run
    <run-id>/<step>/report.html                 the report; <step> is <values>/<notebook> where a plan varies a parameter
    <run-id>/<step>/notebook.ipynb              the executed notebook, with the parameters that were asked for
    <run-id>/<step>/results.json, tables/       what the notebook saved (kam.results)
    <run-id>/<step>/failed.ipynb, error.txt     of a step that failed: nothing else

A step succeeds only when papermill returned, every code cell was completed, no output is an error and the results are there.
"""

from kam.report.plan import Plan, is_plan, plan_notebooks, read_plan
from kam.report.run import Run, run_notebooks, run_plan

__all__ = ["Plan", "Run", "is_plan", "plan_notebooks", "read_plan", "run_notebooks", "run_plan"]
