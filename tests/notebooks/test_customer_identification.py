"""Notebook 10 through plain papermill, from a folder of its own, on the sample and on awkward parameters."""

from pathlib import Path

import numpy as np
import pandas as pd
import papermill
import pytest

import kam

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "10_customer_identification.ipynb"
SAMPLE = Path(__file__).parents[2] / "data" / "sample"

pytestmark = pytest.mark.filterwarnings("ignore:.*TCP without encryption.*")


def execute(folder, **parameters):
    folder.mkdir(exist_ok=True)
    parameters = {"results_dir": str(folder / "results"), "n_resamples": 100, **parameters}
    return papermill.execute_notebook(
        NOTEBOOK, folder / "out.ipynb", parameters=parameters, cwd=folder, progress_bar=False, log_output=False
    )


def outputs(notebook):
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ten")
    return execute(folder), kam.load_results(folder / "results")


def test_every_cell_completes_and_nothing_is_written_to_the_error_stream(sample_run):
    notebook, _ = sample_run
    assert not [output for output in outputs(notebook) if output.output_type in ("error", "stream")]
    assert all(c.metadata.papermill.status == "completed" for c in notebook.cells if c.cell_type == "code")


def test_every_figure_has_alternative_text(sample_run):
    notebook, _ = sample_run
    figures = [output for output in outputs(notebook) if "image/png" in output.get("data", {})]
    assert len(figures) == 6
    assert all(len(figure.metadata["image/png"]["alt"]) > 40 for figure in figures)


def test_the_results_are_those_of_plain_pandas(sample_run):
    _, results = sample_run
    assert list(results) == ["key_accounts", "concentration", "abc_xyz", "rfm"]
    lines = pd.read_parquet(SAMPLE / "ledger.parquet")
    lines["amount"] = lines["amount"].astype(float)
    lines = lines.drop_duplicates()
    lines = lines[lines["customer_id"].fillna("").str.strip() != ""]
    lines = lines[~lines["product_id"].isin(["BANK CHARGES", "MANUAL", "POSTAGE", "SAMPLES"])]
    revenue = lines.groupby("customer_id")["amount"].sum()  # an order and its cancellation add up to nothing
    curve = results["concentration"].curve.set_index("customer_id")["value"]
    assert curve.to_dict() == pytest.approx(revenue[curve.index].to_dict())
    assert set(curve.index) == set(revenue.index)
    ranked = revenue.sort_values(ascending=False)
    before = ranked.cumsum().shift(fill_value=0) / ranked.sum()
    classes = results["abc_xyz"].customers.set_index("customer_id")["abc_class"]
    assert (classes == "A").sum() == (before < 0.8).sum()
    assert set(results["key_accounts"].accounts["customer_id"]) == set(before.index[before < 0.8])


def test_profit_instead_of_revenue_and_the_net_base(tmp_path):
    execute(tmp_path / "margin", value="margin", base="net", min_certainty=0.5, seed=7)
    results = kam.load_results(tmp_path / "margin" / "results")
    assert "concentration_margin" in results
    assert results["concentration_margin"].base == "net"
    assert results["key_accounts"].min_certainty == 0.5


def test_a_small_ledger_with_nothing_but_what_is_required(tmp_path):
    rng = np.random.default_rng(3)
    names = ["007", "7", "<script>alert(1)</script>", "../../x", "=1+1", "한빛포장 유통", "a|b", "x" * 400, "مرحبا"]
    n = 300
    frame = pd.DataFrame(
        {
            "customer_id": rng.choice(names, n),
            "order_date": pd.Timestamp("2023-01-02") + pd.to_timedelta(rng.integers(0, 500, n), unit="D"),
            "amount": rng.normal(100, 80, n).round(2),
        }
    )
    frame.to_csv(tmp_path / "orders.csv", index=False)
    yaml = tmp_path / "dataset.yaml"
    yaml.write_text("name: small\ntables:\n  ledger: {source: orders.csv}\n", encoding="utf-8")
    notebook = execute(tmp_path / "run", dataset=str(yaml))
    results = kam.load_results(tmp_path / "run" / "results")
    assert set(results["concentration"].curve["customer_id"]) == set(names)
    html = "".join(output.data.get("text/html", "") for output in outputs(notebook) if "data" in output)
    assert "<script>alert" not in html
