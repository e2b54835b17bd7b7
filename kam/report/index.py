"""The index of a reports folder: every report, its answer, when, on what data, and what failed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from kam.errors import ResultsError
from kam.report.manifest import Manifest, Step, read_manifest
from kam.report.page import HTML_LANGUAGE, POLICY
from kam.results import Context

_TEMPLATE = Path(__file__).parent / "template"
_RUNS_SHOWN = 50


@dataclass(frozen=True)
class _Entry:
    """One report: the newest good one, and the newest failure if it came later."""

    step: Step
    good: Manifest | None
    failed: Manifest | None
    error: str
    links: dict[str, str]
    failed_notebook: str  # its link, if there is one

    @property
    def language(self) -> str:
        return HTML_LANGUAGE[self.step.context.language if self.step.context else "en"]

    @property
    def meta(self) -> list[str]:
        context = self.step.context or Context(dataset=self.step.dataset)
        parts = [context.title or context.dataset, context.currency]
        if context.as_of:
            parts.append(context.wording.sentence("as of {date}", date=context.wording.date(context.as_of)))
        return [part for part in parts if part]


def render_index(root: Path) -> str:
    """The page for a reports folder, from the manifests of its runs.

    Of each report (a notebook on a dataset) it shows the newest that succeeded; where a later run of it failed it says so,
    with the reason. A run whose manifest cannot be read is named. The page holds no script and escapes all that came from data.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    runs, damaged = _read_runs(root)
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("index/index.html.j2").render(
        policy=POLICY,
        entries=_newest(root, runs),
        runs=runs[:_RUNS_SHOWN],
        older=len(runs[_RUNS_SHOWN:]),
        damaged=damaged,
    )


def _read_runs(root: Path) -> tuple[list[Manifest], list[str]]:
    """The manifests, newest first, and what is wrong with those that cannot be read."""
    runs, damaged = [], []
    for folder in sorted((path.parent for path in root.glob("[!.]*/run.json")), reverse=True):
        try:
            runs.append(read_manifest(folder))
        except ResultsError as error:
            damaged.append(f"{folder.name}: {error.what}")
    return sorted(runs, key=lambda run: (run.started, run.run_id), reverse=True), damaged


def _newest(root: Path, runs: list[Manifest]) -> list[_Entry]:
    found: dict[tuple[str, str | None], list[tuple[Manifest, Step]]] = {}
    for run in runs:
        for step in run.steps:
            found.setdefault((step.name, step.dataset), []).append((run, step))
    entries = []
    for key in sorted(found, key=lambda key: (key[0], key[1] or "")):
        newest_run, newest = found[key][0]
        good = next(((run, step) for run, step in found[key] if step.status == "succeeded"), None)
        failed = newest_run if newest.status != "succeeded" else None
        run, step = good or (newest_run, newest)
        entries.append(
            _Entry(
                step=step,
                good=good[0] if good else None,
                failed=failed,
                error=newest.error or "",
                links=_links(root, run, step),
                failed_notebook=_links(root, newest_run, newest).get("Failed notebook", ""),
            )
        )
    return entries


def _links(root: Path, run: Manifest, step: Step) -> dict[str, str]:
    there = {
        "Report": f"{run.run_id}/{step.name}/report.html",
        "Workbook": f"{run.run_id}/tables.xlsx",
        "Notebook": f"{run.run_id}/{step.name}/notebook.ipynb",
        "Failed notebook": f"{run.run_id}/{step.name}/failed.ipynb",
    }
    return {name: quote(path) for name, path in there.items() if (root / path).is_file()}
