"""Notebook 50 on the sample and on accounts of which little is known."""

import pandas as pd
import pytest

from kam.results import save_results
from tests.programme.account_by_hand import sample_files

NOTEBOOK = "50_account_dossier.ipynb"


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run in which notebook 60 has put together three accounts."""
    folder = tmp_path_factory.mktemp("run")
    save_results(sample_files(), to=folder / "60_programme_overview")
    return str(folder)


def test_the_lost_account_of_the_sample(execute, run_dir):
    run = execute(customer_id="002046", run_dir=run_dir)
    run.check(n_figures=2)
    assert list(run.results) == ["dossier"] and run.results["dossier"].customer_id == "002046"
    assert "Calderhurst Foods Group has not ordered for 196 days" in run.html
    assert "missed deliveries" in run.html and "Agree on delivery days" in run.html


def test_an_empty_id_is_the_largest_key_account(execute, run_dir):
    assert execute(run_dir=run_dir).results["dossier"].customer_id == "001073"


def test_by_itself_with_nothing_but_a_ledger(execute, hostile_names, write_dataset):
    rows = [
        (name, day)
        for i, name in enumerate(hostile_names)
        for day in pd.date_range("2023-01-02", periods=9 + i, freq="31D")
    ]
    orders = pd.DataFrame(rows, columns=["customer_id", "order_date"]).assign(amount=100.0)
    path = write_dataset(orders)
    run = execute(dataset=path, customer_id="<script>alert(1)</script>")
    assert "<script>alert" not in run.html and "Not said here: contacts (not in the dataset)." in run.html
    assert run.statuses == {"completed"} and not run.complaints and len(run.figures) == 1


def test_a_shared_dossier_names_no_contact(execute, run_dir):
    run = execute(customer_id="001073", run_dir=run_dir, audience="shared")
    assert "Grete Quill" not in run.html and "Maeve Sandoval" not in run.html and "colleague" in run.html
