"""Notebook 30 through plain papermill, on the sample and on awkward parameters."""

from pathlib import Path

import numpy as np
import pandas as pd
import papermill
import pytest

import kam

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "30_churn_markov.ipynb"
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
    folder = tmp_path_factory.mktemp("thirty")
    return execute(folder, segment="industry"), kam.load_results(folder / "results")


def test_every_cell_completes_and_nothing_is_written_to_the_error_stream(sample_run):
    notebook, _ = sample_run
    assert not [output for output in outputs(notebook) if output.output_type in ("error", "stream")]
    assert all(c.metadata.papermill.status == "completed" for c in notebook.cells if c.cell_type == "code")


def test_every_figure_has_alternative_text(sample_run):
    notebook, _ = sample_run
    figures = [output for output in outputs(notebook) if "image/png" in output.get("data", {})]
    assert len(figures) == 7
    assert all(len(figure.metadata["image/png"]["alt"]) > 40 for figure in figures)


def test_losses_and_money_are_those_of_plain_pandas(sample_run):
    """Quarters by hand: silent for k of them is lost; the mean margin of the last quarter's customers by class."""
    _, results = sample_run
    definition, markov = results["churn_definition"], results["markov_churn"]
    lines = pd.read_parquet(SAMPLE / "ledger.parquet")
    lines["amount"] = lines["amount"].astype(float)
    lines["order_date"] = pd.to_datetime(lines["order_date"])
    lines = lines[(lines["customer_id"].fillna("").str.strip() != "") & (lines["amount"] > 0)]
    lines = lines[~lines["product_id"].isin(["BANK CHARGES", "MANUAL", "POSTAGE", "SAMPLES"])]
    last = lines.groupby("customer_id")["order_date"].max().dt.to_period("Q")
    silent = pd.Period("2025Q4").ordinal - last.map(lambda quarter: quarter.ordinal)
    now = markov.customers.set_index("customer_id")["state"]
    by_hand = silent.index[silent >= definition.k]
    assert abs(int((now == "lost").sum()) - len(by_hand)) <= 3, "orders that were cancelled in full are no orders"
    assert definition.n_lost == int((now == "lost").sum())
    assert results["customer_value"].states["n_customers"].sum() == len(now)


def test_the_value_of_the_portfolio_is_that_of_its_states(sample_run):
    _, results = sample_run
    value = results["customer_value"]
    states = value.states[value.states["state"] != "lost"]
    total = value.portfolio.set_index("term").loc["not_lost", "value_ahead"]
    assert total == pytest.approx((states["n_customers"] * states["value_ahead"]).sum())
    assert value.discount_rate == 0.08, "as the dataset says, not as the parameter does"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("months of recency", {"freq": "month", "states": "recency", "k": 6, "window": 1, "returns": "cut"}),
        (
            "years",
            {"freq": "year", "k": 1, "window": 1, "horizon": 2, "seed": 7, "states": "value", "discount_rate": 0.2},
        ),
    ],
)
def test_other_states_and_periods(tmp_path, name, parameters):
    execute(tmp_path / "run", **parameters)
    results = kam.load_results(tmp_path / "run" / "results")
    assert results["markov_churn"].freq == parameters.get("freq", "quarter")
    assert results["churn_definition"].k == parameters["k"]
    assert results["customer_value"].discount_rate == parameters.get("discount_rate", 0.08), "a given rate wins"


def test_a_small_ledger_with_hostile_names_and_nothing_but_what_is_required(tmp_path):
    rng = np.random.default_rng(3)
    names = ["007", "7", "<script>alert(1)</script>", "../../x", "=1+1", "한빛포장 유통", "a|b", "x" * 400, "مرحبا"]
    names += [f"c{i}" for i in range(60)]
    rows = []
    for name in names:
        day = pd.Timestamp("2021-01-04") + pd.Timedelta(days=int(rng.integers(0, 300)))
        while day < pd.Timestamp("2024-12-31") and rng.random() > 0.04:
            rows.append((name, day, round(float(rng.gamma(2, 100)), 2)))
            day += pd.Timedelta(days=int(rng.integers(10, 120)))
    pd.DataFrame(rows, columns=["customer_id", "order_date", "amount"]).to_csv(tmp_path / "orders.csv", index=False)
    yaml = tmp_path / "dataset.yaml"
    yaml.write_text("name: small\nas_of: 2024-12-31\ntables:\n  ledger: {source: orders.csv}\n", encoding="utf-8")
    notebook = execute(tmp_path / "run", dataset=str(yaml), k=2)
    html = "".join(output.data.get("text/html", "") for output in outputs(notebook) if "data" in output)
    assert "<script>alert" not in html
    results = kam.load_results(tmp_path / "run" / "results")
    assert results["markov_churn"].money == "revenue" and "programme" not in results
