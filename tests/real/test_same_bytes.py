"""The same input gives the same bytes, however it was run, apart from the block that docs/accessibility.md states."""

import json
import multiprocessing
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from kam.report import run_notebooks, workers

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
    """A notebook with a table and a figure: beside another from a warm server, and alone in processes that start from nothing."""
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "_context", lambda _: (multiprocessing.get_context("spawn"), False))
        cold = run_notebooks([source], out=folder / "cold", jobs=1)
    assert warm.manifest.status == cold.manifest.status == "succeeded", (warm.manifest, cold.manifest)
    return [warm.folder / "sizes", cold.folder / "sizes"]


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_only_the_stated_block_differs(runs):
    one, other = map(files, runs)
    assert (
        set(one)
        == set(other)
        >= {"report.html", "notebook.ipynb", "results.json", "tables/sizes.sizes.parquet"}
        - {"tables/sizes.sizes.parquet"}
    )
    for name in set(one) - {"report.html", "notebook.ipynb"}:
        assert one[name] == other[name], name
    stamp = re.compile(rb'<span id="run">run [\d-]{10} [\d:]{5} UTC</span>')
    pages = [stamp.subn(b"", found["report.html"]) for found in (one, other)]
    assert pages[0] == pages[1] and pages[0][1] == 1
    notebooks = [json.loads(found["notebook.ipynb"]) for found in (one, other)]
    for notebook in notebooks:
        times = notebook["metadata"]["papermill"]
        assert len(times.pop("cell_seconds")) == len(notebook["cells"])
        for name in ("start_time", "end_time", "duration"):
            assert times.pop(name)
    assert notebooks[0] == notebooks[1]
    assert any(
        "image/png" in output.get("data", {}) for cell in notebooks[0]["cells"] for output in cell.get("outputs", [])
    )


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
