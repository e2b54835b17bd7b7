import dataclasses
from dataclasses import replace

import pandas as pd
import pytest

import kam
from kam.errors import ParameterError
from kam.programme import gather_accounts, open_account_files, read_account_files
from kam.programme.account_rows import choose_accounts
from kam.results import save_results
from tests.programme.account_by_hand import CONTEXT, by_hand, months, sample_files, sample_results
from tests.sample_company import open_sample


@pytest.fixture
def run_dir(tmp_path):
    files = by_hand(
        {"customer_id": "a1", "revenue": 5.0},
        {"customer_id": "b/2", "revenue": 9.0},
        {"customer_id": "c", "is_key_account": False, "revenue": 99.0},
        months=pd.concat([months("a1"), months("b/2", n=3)]),
    )
    save_results(files, to=tmp_path / "60_programme_overview")
    return tmp_path


def test_one_account_is_read_without_the_others(run_dir):
    files = read_account_files(run_dir, "b/2", dataset="test")
    assert files.accounts["customer_id"].tolist() == ["b/2"] and files.months["customer_id"].tolist() == ["b/2"] * 3
    assert files.n_key_accounts == 2 and files.context.as_of == CONTEXT.as_of


def test_an_empty_id_is_the_largest_key_account(run_dir):
    assert read_account_files(run_dir, "", dataset="test").accounts["customer_id"].tolist() == ["b/2"]


@pytest.mark.parametrize(
    ("folder", "customer_id", "said"),
    [("", "a1", {}), (".", "not there", {}), (".", "a1", {"audience": "shared"}), (".", "a1", {"dataset": "another"})],
)
def test_what_is_not_there_or_for_others_is_not_read(run_dir, folder, customer_id, said):
    assert read_account_files(folder and run_dir / folder, customer_id, **({"dataset": "test"} | said)) is None


def test_of_a_run_per_manager_only_the_folder_of_the_manager_is_read(tmp_path):
    for manager, name in (("Ada", "Alba Boxes"), ("Bo", "Bo's Boxes")):
        context = replace(CONTEXT, dataset=f"test-{manager}")
        files = by_hand({"name": name}, context=context)
        save_results(files, to=tmp_path / manager / "60_programme_overview")
    for manager, name in (("Ada", "Alba Boxes"), ("Bo", "Bo's Boxes")):
        found = read_account_files(tmp_path, "", dataset=f"test-{manager}")
        assert found.accounts["name"].tolist() == [name] and found.context.dataset == f"test-{manager}"
    assert read_account_files(tmp_path, "a1", dataset="test") is None


def test_an_account_in_the_run_opens_no_ledger(run_dir, monkeypatch):
    data = kam.open_dataset("sample")  # not the one whose ledger others have opened
    monkeypatch.setattr(type(data), "name", property(lambda self: "test"))
    monkeypatch.setattr(type(data), "ledger", property(lambda self: pytest.fail("the ledger was opened")))
    assert open_account_files(data, "a1", run_dir=run_dir).accounts["name"].tolist() == ["Alba Boxes"]


def test_frames_are_by_account_and_what_is_known_is_said():
    files = sample_files()
    for name, frame in files.tables().items():
        if "customer_id" in frame:
            assert frame["customer_id"].is_monotonic_increasing, name
    assert {"revenue", "manager", "n_complaints", "days_since_met"} <= set(files.knows)
    assert "p_churn" not in files.knows and "forecast" in set(files.lacks["part"])
    assert files.of("002046").accounts["customer_id"].tolist() == ["002046"]


def test_the_accounts_of_the_programme():
    results = sample_results()
    keys = results["key_accounts"].key_accounts()
    assert choose_accounts(results) == sorted(keys["customer_id"])
    assert choose_accounts({}) == []


def test_results_for_other_readers_are_left_out(monkeypatch):
    results = sample_results()
    shared = dataclasses.replace(results["profitability"], context=dataclasses.replace(CONTEXT, audience="shared"))
    files = gather_accounts(open_sample(), results | {"profitability": shared}, customers=["001073"])
    assert files.accounts["profit"].isna().all() and "profitability" not in files.sources
    assert [check.verdict for check in files.checks][-1] == "handled"


def test_an_unknown_account_names_the_nearest():
    with pytest.raises(ParameterError, match=r"no account '00107'.*001073 .Garthstead"):
        gather_accounts(open_sample(), sample_results(), customers=["00107"])
    with pytest.raises(ParameterError, match=r"001073 .Garthstead"):
        gather_accounts(open_sample(), sample_results(), customers=["garthstead mail"])


def test_a_ledger_alone(tmp_path):
    days = pd.date_range("2023-01-05", periods=60, freq="11D")
    orders = pd.DataFrame(
        {"customer_id": ["مرحبا", "../../x", "CON"] * 20, "order_date": days, "amount": [50.0, 30.0, 9.0] * 20}
    )
    once = pd.DataFrame({"customer_id": ["once"], "order_date": days[:1], "amount": [3.0]})
    pd.concat([orders, once]).to_csv(tmp_path / "orders.csv", index=False)
    (tmp_path / "dataset.yaml").write_text("name: small\ntables:\n  ledger: {source: orders.csv}\n", encoding="utf-8")
    data = kam.open_dataset(str(tmp_path / "dataset.yaml"))
    files = gather_accounts(data, {}, customers=["", "once", "../../x"])
    assert set(files.accounts["customer_id"]) == {"مرحبا", "once", "../../x"}
    assert files.sources == () and "from the dataset alone" in files.lines()[0]
    once = files.of("once").accounts.iloc[0]
    assert once["n_orders"] == 1 and pd.isna(once["mean_gap_days"]) and pd.isna(once["n_contacts"])
    assert {"accounts", "contacts", "events", "answers", "products", "forecast"} <= set(files.lacks["part"])
