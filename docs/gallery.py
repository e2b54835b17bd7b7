"""Draw the figures of the manual's gallery into ``build/gallery``: every ``plot_*`` of kam, on the sample.

Runs ``plans/monthly.yaml``, takes each figure out of the notebook that shows it, and draws those that no notebook shows from
the results of the same run. ``make docs`` runs it; ``docs/hooks/gallery.py`` makes the page.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from kam import plots
from kam.results import Result, load_result

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "gallery"
NOT_IN_A_NOTEBOOK = {
    "plot_flag_evidence": ("10_customer_identification", "risks"),
    "plot_growth_backtest": ("10_customer_identification", "growth"),
    "plot_key_accounts": ("10_customer_identification", "key_accounts"),
    "plot_largest": ("10_customer_identification", "concentration"),
    "plot_price_volume_mix": ("10_customer_identification", "price_volume_mix"),
    "plot_response_rates": ("40_satisfaction_survey", "tracking"),
}
"""The figure, and the step and the key of the result that it draws."""


def main(run: str = "") -> int:
    """Draw the figures; of a run that is there where its folder is given, else of one made now."""
    if run:
        FOLDER.mkdir(parents=True, exist_ok=True)
    elif status := run_notebooks():
        return status
    folder = Path(run) if run else next(path.parent for path in FOLDER.glob("reports/*/run.json"))
    figures = []
    for path in sorted(folder.glob("[1-9]*/notebook.ipynb")):
        figures += take_figures(path)
    figures += [draw_figure(name, load_result(folder / step, key)) for name, (step, key) in NOT_IN_A_NOTEBOOK.items()]
    if missing := {name for name in plots.__all__ if name.startswith("plot_")}.difference(
        *(f["names"] for f in figures)
    ):
        print(f"docs/gallery.py: no figure of {', '.join(sorted(missing))}", file=sys.stderr)
        return 1
    (FOLDER / "figures.json").write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")
    return 0


def run_notebooks() -> int:
    """Run every notebook on the sample."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    plan = ROOT / "plans" / "monthly.yaml"
    command = [sys.executable, "-m", "kam", "run", str(plan), "-p", "dataset=sample", "--out", str(FOLDER / "reports")]
    return subprocess.run(command, cwd=ROOT).returncode


def take_figures(path: Path) -> list[dict[str, object]]:
    """The figures of a notebook that ran; of several by one function in one section the first."""
    section, figures = "", []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^## (.+)$", cell.source, re.MULTILINE)
            section = headings[-1] if headings else section
            continue
        names = re.findall(r"\bplot_\w+", cell.source)
        if not names:
            continue
        pictures = [output for output in cell.outputs if "image/png" in output.get("data", {})]
        # Beside each other they are one picture.
        drawn = [names] if "draw_beside" in cell.source else [[name] for name in names]
        for together, picture in zip(drawn, pictures, strict=True):
            if any(figure["names"] == together for figure in figures):
                continue
            alt = picture.metadata["image/png"]["alt"]
            file = save(f"{path.parent.name}_{together[0]}", base64.b64decode(picture.data["image/png"]))
            found = {"names": together, "file": file, "alt": alt, "notebook": path.parent.name, "section": section}
            figures.append(found)
    return figures


def draw_figure(name: str, result: Result) -> dict[str, object]:
    """A figure that no notebook shows."""
    ax = getattr(plots, name)(result)
    file = save(name, plots.to_png(ax))
    return {"names": [name], "file": file, "alt": plots.describe(ax), "notebook": "", "section": ""}


def save(name: str, picture: bytes) -> str:
    """Write a figure; its file name."""
    (FOLDER / f"{name}.png").write_bytes(picture)
    return f"{name}.png"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
