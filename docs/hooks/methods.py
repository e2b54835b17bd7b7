"""The pages under "Methods": one for each module in which public functions of the analyses stand, and the list of all.

What is public stands in the ``__all__`` of each package, which imports it from where it is written. The docstrings are
rendered by mkdocstrings; the numbers that the tests hold a method to come from ``docs/methods/checked.csv``,
formulas that are more than a line from ``docs/methods/formulas.yaml``.
"""

from __future__ import annotations

import ast
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
CHECKED = ROOT / "docs" / "methods" / "checked.csv"
FORMULAS = ROOT / "docs" / "methods" / "formulas.yaml"
PACKAGES = {
    "identify": "Identification",
    "churn": "Churn",
    "survey": "Survey",
    "programme": "Programme",
    "ledger": "Ledger",
}
TITLES = {
    "abc_xyz": "ABC-XYZ classes",
    "actions": "Action list",
    "bg_nbd": "BG/NBD",
    "changes": "Changes between runs",
    "cohorts": "Cohort retention",
    "comparison": "Comparison of churn models",
    "covariates": "Covariates of snapshots",
    "criteria": "Criteria of the scorecard",
    "customer_value": "Customer value",
    "definition": "Churn definition",
    "design": "Survey design",
    "dossier": "Account dossier",
    "drivers": "Drivers of satisfaction",
    "duplicates": "Likely duplicates",
    "estimates": "Survey estimates",
    "forecast": "Forecast of the mix",
    "frame": "Survey frame",
    "gamma_gamma": "Gamma-Gamma",
    "growth": "Growth candidates",
    "hazard": "Discrete-time hazard",
    "losses": "Losses of a ledger",
    "loyalty": "Satisfaction and loyalty",
    "lost_satisfaction": "Satisfaction of the lost",
    "markov": "Markov chain",
    "migration": "Tier migration",
    "mix": "Mix by product or region",
    "nonresponse": "Non-response",
    "nps": "Net promoter score",
    "opening": "Opening a ledger",
    "overview": "Programme overview",
    "pareto_nbd": "Pareto/NBD",
    "person_periods": "Person-periods",
    "plan": "Target against actual",
    "post_mortem": "Post-mortem",
    "prediction": "Churn forecast",
    "price_volume_mix": "Price, volume and mix",
    "profile": "Four-criterion profile",
    "programme_table": "Table of programmes",
    "programmes": "What programmes are worth",
    "prospects": "Screening of prospects",
    "regression": "Churn regression",
    "release": "Release of small accounts",
    "responses": "Survey responses",
    "retention_value": "Value of retention",
    "rfm": "RFM scores",
    "rhythm": "MBG/CNBD-k: buying in a rhythm",
    "risks": "Risks of big customers",
    "rolling": "Rolling origins",
    "run_results": "Results of a run",
    "sampling": "Drawing a sample",
    "saved_runs": "Saved runs",
    "sbg": "Shifted beta-geometric",
    "sensitivity": "Sensitivity to k",
    "snapshot_rows": "Snapshots",
    "states": "State panel",
    "summaries": "Summaries of customers",
    "survival": "Survival",
    "tracking": "Tracking of the field",
    "typology": "Types of accounts",
    "value_backtest": "Back-test of value",
    "wallet": "Share of wallet",
    "waves": "Changes between waves",
    "weighting": "Response weights",
    "win_back": "Win-back list",
}
"""Titles of modules whose name alone does not say it."""
TRIED = {
    "identify.abc_xyz": "class_stability",
    "identify.growth": "growth",
    "identify.manager_effect": "manager_effects",
    "identify.risks": "account_flags",
    "identify.sales_quality": "account_flags",
    "identify.scorecard": "scorecard",
    "churn.comparison": "churn_models",
    "churn.customer_value": "markov_coverage",
    "churn.hazard": "hazard_recovery",
    "churn.markov": "markov_coverage",
    "churn.prediction": "churn_models",
    "survey.drivers": "survey_drivers",
    "survey.loyalty": "survey_loyalty",
    "survey.nonresponse": "survey_nonresponse",
    "survey.weighting": "survey_weights",
}
"""Modules, and the page that says how their results were tried where the truth, or what then happened, is known."""


@dataclass(frozen=True)
class MethodPage:
    """A module and what of it is public."""

    package: str
    module: str
    names: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where the page lies in the manual."""
        return f"methods/{self.package}/{self.module}.md"

    @property
    def title(self) -> str:
        """What stands above it and in the navigation."""
        return TITLES.get(self.module, self.module.replace("_", " ").capitalize())

    @property
    def source(self) -> ast.Module:
        """The module, parsed."""
        return parse(f"kam/{self.package}/{self.module}.py")

    @property
    def home(self) -> str:
        """The module's full name."""
        return f"kam.{self.package}.{self.module}"

    @property
    def functions(self) -> dict[str, str]:
        """The public functions, and the first line of what each says of itself."""
        found = [node for node in self.source.body if isinstance(node, ast.FunctionDef) and node.name in self.names]
        return {node.name: (ast.get_docstring(node) or "").partition("\n\n")[0] for node in found}

    @property
    def members(self) -> list[str]:
        """What is public: functions first, for they are what is looked for."""
        return [*self.functions, *(name for name in self.names if name not in self.functions)]


@cache
def parse(path: str) -> ast.Module:
    """A file of the project, parsed."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def find_home(module: str, name: str) -> str:
    """The module in which a name is written that a module has, maybe from another."""
    for node in parse(f"{module.replace('.', '/')}.py").body:
        if isinstance(node, ast.ImportFrom) and name in {one.name for one in node.names}:
            return find_home(str(node.module), name)
    return module


@cache
def pages() -> tuple[MethodPage, ...]:
    """Every page, in the order of the packages and then of the titles."""
    found = []
    for package in PACKAGES:
        face = parse(f"kam/{package}/__init__.py")
        public = next(
            ast.literal_eval(node.value)
            for node in face.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        )
        modules: dict[str, list[str]] = {}
        for node in face.body:
            for name in node.names if isinstance(node, ast.ImportFrom) else ():
                if name.name in public:
                    modules.setdefault(find_home(str(node.module), name.name).rpartition(".")[2], []).append(name.name)
        of_package = [MethodPage(package, module, tuple(names)) for module, names in modules.items() if names]
        found += sorted(of_package, key=lambda page: page.title.lower())
    return tuple(found)


@cache
def documented() -> dict[str, str]:
    """Every name by which something that has a place in the manual can be called: its path there."""
    places = {}
    for page in pages():
        places[page.home] = page.home
        for name in page.names:
            places[f"{page.home}.{name}"] = places[f"kam.{page.package}.{name}"] = f"{page.home}.{name}"
    return places


@cache
def checked() -> dict[str, list[dict[str, str]]]:
    """The rows of ``checked.csv``, by method."""
    found: dict[str, list[dict[str, str]]] = {}
    with CHECKED.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["method"], []).append(row)
    return found


@cache
def formulas() -> dict[str, str]:
    """The central formulas, by ``package.module``."""
    return dict(yaml.safe_load(FORMULAS.read_text(encoding="utf-8")))


# -- what mkdocs calls -----------------------------------------------------------------------------------------------


def on_config(config: MkDocsConfig) -> None:
    """Put the pages in the place of ``methods/`` in the navigation, and those of a folder in the place of its name."""
    nested: list[Any] = ["methods/index.md"]
    for package, title in PACKAGES.items():
        nested.append({title: [{page.title: page.path} for page in pages() if page.package == package]})
    for entry in config.nav or []:
        for title, place in entry.items():
            if place == "methods/":
                entry[title] = nested
            elif isinstance(place, str) and place.endswith("/"):
                found = sorted(
                    Path(config.docs_dir, place).glob("*.md"), key=lambda path: (path.stem != "index", path.name)
                )
                entry[title] = [f"{place}{path.name}" for path in found]


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages."""
    for page in pages():
        files.append(File.generated(config, page.path, content="\n".join(write_page(page))))
    files.append(File.generated(config, "methods/index.md", content="\n".join(write_index())))


def write_page(page: MethodPage) -> Iterator[str]:
    """What the module says, what its names say, and the numbers that were checked."""
    yield f"# {page.title} {{ #{page.home} }}\n"
    yield f"::: {page.home}"
    yield f"    options:\n      members: [{', '.join(page.members)}]\n"
    if formula := formulas().get(f"{page.package}.{page.module}"):
        yield f"## Formula\n\n{formula}"
    if tried := TRIED.get(f"{page.package}.{page.module}"):
        heading = (ROOT / "docs" / f"{tried}.md").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        yield f"## How it was tried\n\n[{heading}](../../{tried}.md)\n"
    rows = [row for name in page.names for row in checked().get(f"kam.{page.package}.{name}", [])]
    yield "## Numbers checked\n"
    if not rows:
        yield "No test holds what is on this page to a published value or to one of another program."
        return
    yield "| function | what | value | source | test |\n|---|---|---:|---|---|"
    for row in rows:
        name = row["method"].rpartition(".")[2]
        test = row["test"].rpartition("/")[2].replace("::", "` `")
        yield f"| [`{name}`][{documented()[row['method']]}] | {row['what']} | {row['value']} | {row['source']} | `{test}` |"


def write_index() -> Iterator[str]:
    """Every public function with the first line of what it says, and how many of its numbers were checked."""
    from docs.hooks.roles import link_roles

    yield "# Methods\n"
    yield "Every public function of the analyses, with what it does, what it assumes, its formula or source, its columns and an"
    yield "example. *Checked* counts the published values, or values of another program, that a test holds it to; they stand at"
    yield "the end of its page.\n"
    for package, title in PACKAGES.items():
        yield f"## {title}\n\n| function | what it does | checked |\n|---|---|---:|"
        for page in pages():
            if page.package != package:
                continue
            for name, summary in page.functions.items():
                path = f"{page.home}.{name}"
                said = link_roles(" ".join(summary.split()), page.home).replace("|", "\\|")
                count = len(checked().get(f"kam.{package}.{name}", []))
                yield f"| [`{name}`][{path}] | {said} | {count or ''} |"
        yield ""
