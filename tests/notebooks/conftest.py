"""Notebooks through papermill within this process; tests/real has them in kernels."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nbformat
import pandas as pd
import papermill
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from traitlets.config import Config

import kam
from kam.dataset import Dataset, open_dataset
from kam.results import Result
from tests.sample_company import open_sample

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
WITHOUT_HISTORY = Config({"HistoryManager": {"enabled": False}})


class InProcess(Engine):
    """Runs the cells in a shell of this process, which takes half as long: no kernel starts, nothing is imported again.

    The sample is the one that other tests have opened.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, kernel_name: str, **_: Any) -> None:
        assert not InteractiveShell.initialized()
        shell = InteractiveShell.instance(config=WITHOUT_HISTORY)
        try:
            for index, cell in enumerate(nb_man.nb.cells):
                if cell.cell_type != "code":
                    continue
                nb_man.cell_start(cell, index)
                with (
                    shell.display_trap,
                    capture_output() as shown,
                    patch.object(kam, "open_dataset", _open),
                ):  # in this order, so that last lines are captured too
                    done = shell.run_cell(cell.source)
                done.raise_error()
                cell.outputs = [
                    nbformat.v4.new_output("display_data", data=output.data, metadata=output.metadata or {})
                    for output in shown.outputs
                ]
                cell.outputs += [
                    nbformat.v4.new_output("stream", name=name, text=text)
                    for name, text in (("stdout", shown.stdout), ("stderr", shown.stderr))
                    if text
                ]
                nb_man.cell_complete(cell, index)
        finally:
            shell.restore_sys_module_state()
            InteractiveShell.clear_instance()


def _open(name: str, *, audience: str, manager: str) -> Dataset:
    if name == "sample" and not manager:
        return open_sample(audience)
    return open_dataset(name, audience=audience, manager=manager)


papermill_engines.register("in process", InProcess)


class Run:
    """What an executed notebook shows, and the results that it saved."""

    def __init__(self, notebook: nbformat.NotebookNode, results: Path) -> None:
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        self.statuses = {cell.metadata.papermill.status for cell in cells}
        outputs = [output for cell in cells for output in cell.outputs]
        self.complaints = [output for output in outputs if output.output_type in ("error", "stream")]
        self.figures = [output for output in outputs if "image/png" in output.get("data", {})]
        self.html = "".join(output.data.get("text/html", "") for output in outputs if "data" in output)
        self.results: dict[str, Result] = kam.load_results(results)

    def check(self, *, n_figures: int) -> None:
        """Hold it to what every notebook is held to."""
        assert self.statuses == {"completed"}
        assert not self.complaints
        assert len(self.figures) == n_figures
        assert all(len(figure.metadata["image/png"]["alt"]) > 40 for figure in self.figures)


@pytest.fixture(scope="module")
def execute(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Runs the NOTEBOOK of the module that asks, from a folder of its own."""

    def run(**parameters: Any) -> Run:
        folder = tmp_path_factory.mktemp("notebook")
        results = folder / "results"
        notebook = papermill.execute_notebook(
            NOTEBOOKS / request.module.NOTEBOOK,
            folder / "out.ipynb",
            parameters={"results_dir": str(results), "n_resamples": 100, **parameters},
            engine_name="in process",
            request_save_on_cell_execute=False,  # nobody reads along
            cwd=folder,
            progress_bar=False,
            log_output=False,
        )
        return Run(notebook, results)

    return run


@pytest.fixture(scope="module")
def sample_run(request: pytest.FixtureRequest, execute: Callable[..., Run]) -> Run:
    """The sample, with the parameters SAMPLE of the module."""
    return execute(**request.module.SAMPLE)


@pytest.fixture(scope="session")
def sample_lines() -> pd.DataFrame:
    """See :func:`read_sample_lines`."""
    return read_sample_lines()


def read_sample_lines() -> pd.DataFrame:
    """The order lines of the sample as pandas reads them, without those of nobody and those of no product."""
    lines = pd.read_parquet(Path(__file__).parents[2] / "data" / "sample" / "ledger.parquet")
    lines["amount"] = lines["amount"].astype(float)
    lines["order_date"] = pd.to_datetime(lines["order_date"])
    lines = lines[lines["customer_id"].fillna("").str.strip() != ""]
    return lines[~lines["product_id"].isin(["BANK CHARGES", "MANUAL", "POSTAGE", "SAMPLES"])]


@pytest.fixture
def hostile_names() -> list[str]:
    """Nine names of customers to be careful with."""
    return ["007", "7", "<script>alert(1)</script>", "../../x", "=1+1", "한빛포장 유통", "a|b", "x" * 400, "مرحبا"]


@pytest.fixture
def write_dataset(tmp_path: Path) -> Callable[..., str]:
    """Writes orders and a dataset.yaml with nothing but what is required; the path of it."""

    def write(orders: pd.DataFrame, head: str = "") -> str:
        orders.to_csv(tmp_path / "orders.csv", index=False)
        yaml = tmp_path / "dataset.yaml"
        yaml.write_text(f"name: small\n{head}tables:\n  ledger: {{source: orders.csv}}\n", encoding="utf-8")
        return str(yaml)

    return write
