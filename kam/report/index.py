"""The index of a reports folder: every report, its answer, when, on what data, and what failed or was not run.

Reports of a plan that ran a notebook once per value stand under that value.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from kam.report.manifest import Manifest, Status, Step, read_runs
from kam.report.notebook import folder_name
from kam.report.page import HTML_LANGUAGE, POLICY
from kam.report.sanitize import settle_text
from kam.report.typesetting import close_up, hold_amounts, mark_languages
from kam.results import Context
from kam.wording import N_, Wording

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_TEMPLATE = Path(__file__).parent / "template"
_RUNS_SHOWN = 50
_LINKS = (N_("Report"), N_("Workbook"), N_("Notebook"), N_("succeeded"), N_("failed"))


@dataclass(frozen=True)
class _Entry:
    """One report: the newest good one, and the newest run that did not bring one if it came later."""

    step: Step
    good: Manifest | None
    later: Manifest | None = None
    outcome: Status = "succeeded"  # of the newest run
    error: str = ""
    links: dict[str, str] = field(default_factory=dict)
    failed_notebook: str = ""  # its link, if there is one

    @property
    def folder(self) -> str:
        return self.step.name.rpartition("/")[0]

    @property
    def language(self) -> str:
        return HTML_LANGUAGE[self.step.context.language if self.step.context else "en"]

    @property
    def wording(self) -> Wording:
        """How the report speaks."""
        return (self.step.context or Context()).wording

    def say(self, message: str, **values: object) -> Markup:
        """A message in the language of the report, for the template."""
        return _say(self.wording, message, **values)

    @property
    def made(self) -> list[str]:
        """How the report was made, besides when."""
        say = self.wording
        parts = [say.sentence("took {time}", time=say.duration(self.step.seconds))]
        if self.step.attempts > 1:
            parts.append(say.sentence("succeeded at attempt {n}", n=self.step.attempts))
        if self.step.adopted_from:
            run = self.step.adopted_from
            parts.append(say.sentence("taken over from the run {run}, which was cut off", run=run))
        return parts

    @property
    def meta(self) -> list[str]:
        context = self.step.context or Context(dataset=self.step.dataset, audience=self.step.audience)
        parts = [context.title or context.dataset, context.currency]
        if context.as_of:
            parts.append(context.wording.sentence("as of {date}", date=context.wording.date(context.as_of)))
        if context.audience == "shared":
            parts.append(context.wording.sentence("shared: nobody is named"))
        return [part for part in parts if part]


@dataclass(frozen=True)
class _Register:
    """Reports of one kind, found by name and by what groups them: dossiers by account, manager, tier and risk.

    Attributes
    ----------
    kind : str
        The notebook.
    title : str
        Their common question.
    name : str
        What names one.
    groups : dict
        By what groups them, in order: group → anchor and entries.
    entries : list
        All of them, by name.
    """

    kind: str
    title: str
    name: str
    groups: dict[str, dict[str, tuple[str, list[_Entry]]]]
    entries: list[_Entry]


def _register(entries: Iterable[_Entry]) -> list[_Register]:
    """Reports that carry labels, by kind."""
    kinds: dict[str, list[_Entry]] = {}
    for entry in entries:
        kinds.setdefault(entry.step.name.rpartition("/")[2], []).append(entry)
    registers = []
    for kind, own in kinds.items():
        name, *others = own[0].step.labels
        own = sorted(own, key=lambda entry: entry.step.labels.get(name, "").casefold())
        groups: dict[str, dict[str, tuple[str, list[_Entry]]]] = {}
        for other in others:
            values = sorted({entry.step.labels.get(other, "") for entry in own} - {""}, key=str.casefold)
            groups[other] = {
                value: (f"{kind}-{other}-{n}", [entry for entry in own if entry.step.labels.get(other, "") == value])
                for n, value in enumerate(values, start=1)
            }
        registers.append(
            _Register(kind, own[0].step.title, name, {key: found for key, found in groups.items() if found}, own)
        )
    return registers


def render_folder(folder: Path, steps: Sequence[Step], started: datetime) -> str:
    """The page for a folder of a run that is handed over by itself: its reports and its workbook, and nothing outside it.

    Parameters
    ----------
    folder : pathlib.Path
        Where the steps have their folders.
    steps : sequence of Step
        Those that succeeded.
    started : datetime.datetime
        When the run began, UTC.
    """
    entries = [_Entry(step, good=None, links={"Report": _link(step, "report.html")}) for step in steps]
    context = steps[0].context or Context(dataset=steps[0].dataset)
    say = context.wording
    page = (
        _templates()
        .get_template("index/folder.html.j2")
        .render(
            policy=POLICY,
            title=context.title or context.dataset or folder.name,
            label={
                "run": say.sentence("run {time} UTC", time=f"{started:%Y-%m-%d %H:%M}"),
                "workbook": say.sentence("All tables in one workbook"),
            },
            workbook="tables.xlsx" if (folder / "tables.xlsx").is_file() else "",
            entries=entries,
        )
    )
    return mark_languages(close_up(hold_amounts(settle_text(page)), context.language), context.language)


def _link(step: Step, file: str) -> str:
    """From the folder in which the step has its own."""
    return quote(f"{step.name.rpartition('/')[2]}/{file}")


def render_index(root: Path, *, without: Collection[str] = ()) -> str:
    """The page for a reports folder, from the manifests of its runs.

    Of each report (a notebook on a dataset, for an audience) it shows the newest that succeeded; where a later run of it failed
    or did not come to it, it says so, with the reason. Reports that carry labels stand in a register, by each of them. A run
    whose manifest cannot be read is named. The page holds no script and escapes all that came from data.

    Parameters
    ----------
    root : pathlib.Path
        The reports folder.
    without : collection of str
        Ids of runs that are about to be removed.
    """
    found, damaged = read_runs(root)
    runs = [run for run in found if run.run_id not in without]
    entries = _newest(root, runs)
    labeled = [entry for entry in entries if entry.step.labels and entry.good]
    single = [entry for entry in entries if not (entry.step.labels and entry.good)]
    say = _wording_of(runs)
    page = (
        _templates()
        .get_template("index/index.html.j2")
        .render(
            policy=POLICY,
            language=HTML_LANGUAGE[say.language],
            say=partial(_say, say),
            plural=say.plural,
            folders=[
                (_heading(own), own) for _, grouped in groupby(single, lambda e: e.folder) if (own := list(grouped))
            ],
            registers=_register(labeled),
            n_reports=len(entries),
            n_failed=sum(entry.outcome == "failed" for entry in entries),
            n_skipped=sum(entry.outcome == "skipped" for entry in entries),
            runs=runs[:_RUNS_SHOWN],
            older=len(runs[_RUNS_SHOWN:]),
            damaged=[f"{name}: {error.what}" for name, error in damaged.items()],
            duration=say.duration,
            count_outcomes=partial(_count_outcomes, say),
        )
    )
    return close_up(_typeset(page), say.language)


def _wording_of(runs: Sequence[Manifest]) -> Wording:
    """The language of the newest report."""
    spoken = (step.context.wording for run in runs for step in run.steps if step.context is not None)
    return next(spoken, Wording())


def _say(wording: Wording, message: str, **values: object) -> Markup:
    """A message as HTML: it is escaped, and so is each value that is no HTML itself."""
    from markupsafe import Markup, escape

    return Markup(escape(wording.text(message))).format(**values)


def _typeset(page: str) -> str:
    """Each article in the language of its report."""
    languages = {tag: language for language, tag in HTML_LANGUAGE.items()}

    def mark(article: re.Match[str]) -> str:
        return mark_languages(article[0], languages[article[1]])

    return re.sub(r'<article lang="([^"]*)".*?</article>', mark, hold_amounts(settle_text(page)), flags=re.DOTALL)


def _count_outcomes(say: Wording, run: Manifest) -> str:
    """How many steps ended how.

    >>> from types import SimpleNamespace as Some
    >>> _count_outcomes(Wording(), Some(steps=[Some(status="failed"), Some(status="succeeded"), Some(status="skipped")]))
    '1 of 3, 1 failed, 1 not run'
    """
    counts = Counter[str](step.status for step in run.steps)
    parts = [say.sentence("{n} of {n_all}", n=counts["succeeded"], n_all=len(run.steps))]
    if counts["failed"]:
        parts.append(say.sentence("{n} failed", n=counts["failed"]))
    if counts["skipped"]:
        parts.append(say.sentence("{n} not run", n=counts["skipped"]))
    return say.join(parts, ",")


def _heading(entries: Sequence[_Entry]) -> str:
    """What the reports of a folder have in common: the value for which they were made, as it was written in the plan."""
    folder = entries[0].folder
    asked = [str(value) for value in entries[0].step.parameters.values()]
    return next((value for value in asked if folder_name(value) == folder), folder.replace("_", " "))


def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _newest(root: Path, runs: list[Manifest]) -> list[_Entry]:
    found: dict[tuple[str, str | None, str], list[tuple[Manifest, Step]]] = {}
    for run in runs:
        for step in run.steps:
            found.setdefault(step.report, []).append((run, step))
    entries = []
    for key in sorted(found, key=lambda key: (*key[0].rpartition("/")[::2], key[1] or "", key[2])):
        newest_run, newest = found[key][0]
        good = next(((run, step) for run, step in found[key] if step.status == "succeeded"), None)
        run, step = good or (newest_run, newest)
        entries.append(
            _Entry(
                step=step,
                good=good[0] if good else None,
                later=newest_run if newest.status != "succeeded" else None,
                outcome=newest.status,
                error=newest.error or "",
                links=_links(root, run, step),
                failed_notebook=_links(root, newest_run, newest).get("Failed notebook", ""),
            )
        )
    return entries


def _links(root: Path, run: Manifest, step: Step) -> dict[str, str]:
    there = {
        "Report": f"{run.run_id}/{step.name}/report.html",
        "Workbook": f"{run.run_id}/{step.name.rpartition('/')[0]}/tables.xlsx".replace("//", "/"),
        "Notebook": f"{run.run_id}/{step.name}/notebook.ipynb",
        "Failed notebook": f"{run.run_id}/{step.name}/failed.ipynb",
    }
    lists = sorted((root / run.run_id / step.name).glob("lists/*.csv"))
    there |= {f"{path.stem.replace('_', ' ')} (CSV)": path.relative_to(root).as_posix() for path in lists}
    return {name: quote(path) for name, path in there.items() if (root / path).is_file()}
