"""What can be run: the notebooks and the plans that are found from a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kam.errors import KamError
from kam.report.notebook import SET_BY_RUNNER, Notebook, find_notebooks
from kam.report.parameters import Parameter
from kam.report.plan import Plan, read_plan


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """What can be run.

    Attributes
    ----------
    notebooks : tuple of Notebook
        By name.
    plans : dict of pathlib.Path to Plan
        By file, in the first folder ``plans`` from the working folder upwards.
    problems : tuple of str
        What is wrong with notebooks and plans that cannot be run.
    """

    notebooks: tuple[Notebook, ...]
    plans: dict[Path, Plan]
    problems: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """What ``kam list --json`` says."""
        return {
            "schema_version": 1,
            "notebooks": [
                {
                    "name": notebook.step,
                    "title": notebook.title,
                    "path": str(notebook.path),
                    "parameters": [
                        {
                            "name": parameter.name,
                            "type": parameter.annotation,
                            "default": parameter.default,
                            "required": parameter.default is None,
                            "help": parameter.help,
                        }
                        for parameter in own_parameters(notebook)
                    ],
                }
                for notebook in self.notebooks
            ],
            "plans": [
                {
                    "name": plan.name,
                    "path": str(path),
                    "steps": [
                        {
                            "name": step.name,
                            "notebook": step.notebook.step,
                            "parameters": step.parameters,
                            "after": step.after,
                        }
                        for step in plan.steps
                    ]
                    + [
                        {
                            "name": fan.name,
                            "notebook": fan.notebook.step,
                            "parameters": fan.parameters,
                            "for_each": {fan.parameter: fan.rows.model_dump()},
                            "after": fan.after,
                        }
                        for fan in plan.fans
                    ],
                }
                for path, plan in self.plans.items()
            ],
            "problems": self.problems,
        }


def read_catalog(*, start: Path | None = None) -> Catalog:
    """The notebooks and plans that are found from the working folder, or from another one."""
    start = (start or Path.cwd()).resolve()
    notebooks, found = find_notebooks(start=start)
    problems = [str(error) for error in found]
    plans: dict[Path, Plan] = {}
    folder = next((parent / "plans" for parent in (start, *start.parents) if (parent / "plans").is_dir()), None)
    for file in sorted(folder.glob("*.y*ml")) if folder else []:
        path = Path(os.path.relpath(file, start))
        try:
            plans[path] = read_plan(file, start=start)
        except KamError as error:
            problems.append(f"{path}: {error}")
    return Catalog(notebooks=tuple(notebooks), plans=plans, problems=tuple(problems))


def own_parameters(notebook: Notebook) -> list[Parameter]:
    """The parameters that a user may give."""
    return [parameter for parameter in notebook.parameters if parameter.name not in SET_BY_RUNNER]
