"""The same input gives the same bytes, however it was run, apart from the block that docs/accessibility.md states."""

import json
import multiprocessing
import re
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from kam.report import run_notebooks, workers
from tests.real.conftest import NOTEBOOKS

NAMES = ["한빛포장 유통", "华远礼品商贸", "東和商事 ヤマダ", "Müller & Söhne 🎁", "שלום", "บริษัท"]
PARAMETERS = 'results_dir: str = ""\nrun_dir: str = ""'
RESULT = f"""
from dataclasses import dataclass
import pandas as pd
from kam.results import Context, KeyFigure, Result, save_results

@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class SizeResult(Result):
    main = "sizes"
    sizes: pd.DataFrame

    def _sentence(self):
        return f"{{len(self.sizes)}} customers, {{len(set(self.sizes['name']))}} names."

    def _key_figures(self):
        return (KeyFigure(value="6", label="customers", note="counted"),)

names = {NAMES!r}
context = Context(dataset="tiny", title="Tiny", currency="EUR")
sizes = pd.DataFrame({{"customer_id": [f"C{{i}}" for i in range(6)], "name": names, "n_orders": range(6)}})
result = SizeResult(context=context, sizes=sizes)
result.answer()
"""
STAMP = rb'<span id="run">run [\d-]{10} [\d:]{5} UTC</span>'
FIGURE = """
from kam.plots import style
from kam.plots.fonts import one_line
with style.applied():
    ax = style.take_axes(None, height=3)
    labels = [one_line(name, fallback=f"C{i}") for i, name in enumerate(names)]
    style.draw_bars(ax, labels, range(6), list("abcdef"), [style.ACCENT] * 6)
    style.show(style.finish(ax, title="Names", description="Bars.", context=context))
print(set(names))
from kam import tables
display(object(), pd.DataFrame([[10**9] * 16] * 3), tables.provenance_table(context))
sizes
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[Path]:
    """A notebook with a table and a figure: beside another from a warm server, and alone from nothing."""
    folder = tmp_path_factory.mktemp("same")
    cells = [
        new_markdown_cell("# How many?", id="a"),
        new_code_cell(PARAMETERS, id="b", metadata={"tags": ["parameters"]}),
        new_markdown_cell("## Answer", id="c"),
        new_code_cell(RESULT, id="d"),
        new_markdown_cell("## Figure", id="e"),
        new_code_cell(FIGURE.strip(), id="f"),
        new_code_cell("save_results(result, to=results_dir)", id="g"),
    ]
    notebook = new_notebook(cells=cells)
    nbformat.write(notebook, folder / "sizes.ipynb")
    nbformat.write(notebook, folder / "beside.ipynb")
    source = folder / "sizes.ipynb"
    warm = run_notebooks([source, folder / "beside.ipynb"], out=folder / "warm", jobs=2, parameters={})
    assert warm.manifest.status == "succeeded", warm.manifest
    return [warm.folder / "sizes", run_from_nothing([source], folder / "cold") / "sizes"]


@pytest.fixture(scope="module")
def cheapest(tmp_path_factory) -> Path:
    """The two cheapest notebooks on the sample, from nothing."""
    return run_from_nothing(NOTEBOOKS[2:4], tmp_path_factory.mktemp("again"))


def run_from_nothing(notebooks: list[Path] | tuple[str, ...], out: Path) -> Path:
    """One after the other, in processes and kernels of which none was forked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "_context", lambda _: (multiprocessing.get_context("spawn"), False))
        run = run_notebooks(notebooks, out=out, jobs=1)
    assert run.manifest.status == "succeeded", run.manifest
    return run.folder


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a step, without what docs/accessibility.md says may differ."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found["report.html"], n = re.subn(STAMP, b"", found["report.html"])
    assert n == 1
    notebook = json.loads(found["notebook.ipynb"])
    times = notebook["metadata"]["papermill"]
    assert len(times.pop("cell_seconds")) == len(notebook["cells"])
    for name in ("start_time", "end_time", "duration"):
        assert times.pop(name)
    found["notebook.ipynb"] = json.dumps(notebook).encode()
    return found


def test_only_the_stated_block_differs(runs):
    one, other = map(files, runs)
    assert set(one) == set(other) > {"report.html", "notebook.ipynb", "results.json"}
    for name in one:
        assert one[name] == other[name], name
    assert b"image/png" in one["notebook.ipynb"]


@pytest.mark.parametrize("name", NOTEBOOKS[2:4])
def test_only_the_stated_block_of_a_report_on_the_sample_differs(sample_reports, cheapest, name):
    (first,) = sample_reports.glob(f"*/{name}")
    one, other = files(first), files(cheapest / name)
    assert set(one) == set(other) and len(one) > 5
    for file in one:
        assert one[file] == other[file], file


def test_no_time_stands_outside_the_block(runs):
    for folder in runs:
        notebook = json.loads((folder / "notebook.ipynb").read_text(encoding="utf-8"))
        del notebook["metadata"]["papermill"]
        assert not re.search(r"20\d\d-\d\d-\d\dT", json.dumps(notebook))
        results = (folder / "results.json").read_text(encoding="utf-8")
        assert not re.search(r"20\d\d-\d\d-\d\dT", results)


def test_workbooks_are_the_same(tmp_path, runs):
    import pandas as pd

    from kam.results import Context
    from kam.tables import write_workbook

    table = pd.DataFrame({"name": NAMES, "n_orders": range(6)})
    for name in ("one.xlsx", "other.xlsx"):
        write_workbook({"sizes.sizes": table}, tmp_path / name, context=Context(dataset="tiny"))
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "other.xlsx").read_bytes()


def test_workbooks_carry_no_time_of_their_own(cheapest):
    with zipfile.ZipFile(cheapest / "tables.xlsx") as book:
        assert {member.date_time[0] for member in book.infolist()} == {1980}
        assert b"2025-12-31" in book.read("docProps/core.xml")
