"""The programme on one page: worked by hand on made accounts, and what is said where results are missing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kam.errors import ParameterError
from kam.identify import staffing, tier_migration
from kam.programme import action_list, load_run, programme_overview, result_of
from kam.results import Context, save_results
from tests.programme.some_files import CONTEXT, account, some_files

ACCOUNTS = [
    account("a", p_churn=0.5, value_ahead=1000.0, revenue=500.0, share_value=0.5, revenue_year=100.0),
    account("b", p_churn=0.1, value_ahead=4000.0, revenue=200.0, share_value=0.2, manager="Berg",
            days_since_last_order=74.0, satisfaction=4.5, n_respondents=2.0),
    account("c", p_churn=None, value_ahead=None, ahead_low=None, ahead_high=None, revenue=300.0, share_value=0.1,
            manager=None),
    account("d", is_key_account=False, revenue=9999.0, p_churn=0.9),
]  # fmt: skip
FLAGS = pd.DataFrame({"customer_id": ["a", "a", "d"], "flag": "stagnation", "finding": "revenue −8%"})


@pytest.fixture(scope="module")
def moved():
    """Of 20 accounts one has grown into the top tier, and one has left it."""
    months = pd.date_range("2022-01-01", "2024-12-01", freq="MS")
    rows = []
    for i in range(20):
        for month in months:
            late = month.year == 2024
            money = {0: 10_000.0, 1: 1.0 if late else 9_000.0, 2: 9_000.0 if late else 1.0}.get(i, 20.0)
            rows.append({"customer_id": f"k{i}", "period": month, "revenue": money, "n_orders": 1, "gross": money})
    return tier_migration(pd.DataFrame(rows), context=CONTEXT)


def by_term(result):
    return result.measures.set_index("term")


def test_the_key_accounts_stand_side_by_side_the_largest_first():
    result = programme_overview(some_files(ACCOUNTS, flags=FLAGS), {})
    rows = result.accounts.set_index("customer_id")
    assert rows.index.tolist() == ["a", "c", "b"], "d is no key account"
    assert rows["rank"].tolist() == [1, 2, 3] and result.n_key_accounts == 3
    assert rows["n_flags"].tolist() == [2, 0, 0]
    assert rows["expected_loss"].tolist()[::2] == pytest.approx([500, 400])
    assert rows["value_if_stays"].tolist()[::2] == pytest.approx([1000, 4000])
    assert pd.isna(rows.loc["c", "expected_loss"]) and pd.isna(rows.loc["c", "manager"])
    assert rows.loc["b", "action"] == "Call, and ask what has changed" and rows.loc["b", "priority"] == 1
    assert rows.loc["a", ["n_actions", "priority"]].tolist() == [3, 1]


def test_sums_and_expectations_are_those_of_plain_arithmetic():
    measures = by_term(programme_overview(some_files(ACCOUNTS), {}))
    assert measures.loc["share_value", "estimate"] == pytest.approx(0.8)
    assert measures.loc["revenue_year", "estimate"] == pytest.approx(60_100)
    assert measures.loc["value_ahead", ["estimate", "ci_low", "ci_high"]].tolist() == [5000, 40_000, 140_000]
    assert measures.loc["n_expected", "estimate"] == pytest.approx(0.6)
    assert measures.loc["expected_loss", "estimate"] == pytest.approx(900)


def test_the_interval_of_the_losses_is_that_of_independent_departures():
    """Forty accounts at 0.1 are a binomial: 95% of it lies between 1 and 8 (0.0148 below, 0.0155 above)."""
    accounts = [account(f"a{i:02d}", p_churn=0.1, value_ahead=100.0) for i in range(40)]
    measures = by_term(programme_overview(some_files(accounts), {}))
    assert measures.loc["n_expected", ["estimate", "ci_low", "ci_high"]].tolist() == pytest.approx([4, 1, 8])
    assert measures.loc["expected_loss", ["estimate", "ci_low", "ci_high"]].tolist() == pytest.approx([400, 100, 800])


def test_the_expected_loss_of_the_call_list_goes_before_chance_times_value():
    result = programme_overview(some_files([account(p_churn=0.5, expected_loss=800.0)]), {})
    row = result.accounts.iloc[0]
    assert (row["expected_loss"], row["value_if_stays"], row["value_ahead"]) == (800, 1600, 40_000)


def test_managers_answer_for_their_own_key_accounts():
    held = pd.DataFrame({"customer_id": ["a", "b", "c"], "manager": ["Ito", "Berg", None]})
    staff = staffing(held, held[["customer_id"]], accounts_per_manager=2, context=CONTEXT)
    table = programme_overview(some_files(ACCOUNTS), {"staffing": staff}).managers.set_index("manager")
    assert table["n_key_accounts"].to_dict() == {"Ito": 1, "Berg": 1, "no manager": 1}
    assert table.loc["Ito", "expected_loss"] == 500 and table.loc["Berg", "expected_loss"] == 400
    assert table.index.tolist() == ["Ito", "Berg", "no manager"]
    assert table.loc[["Ito", "Berg"], "share_capacity"].tolist() == [0.5, 0.5]
    assert table.loc["Berg", ["n_actions", "n_first"]].tolist() == [1, 1]


def test_movements_have_names_managers_and_the_largest_change_first(moved):
    file = pd.DataFrame({"customer_id": ["k1"], "name": ["Left & Co"], "manager": ["Berg"]})
    files = some_files([account("k2")])
    result = programme_overview(files, {"tier_migration": moved}, accounts=file)
    rows = result.movements.set_index("customer_id")
    assert (result.n_entered, result.n_left) == (len(moved.entrants), len(moved.leavers))
    assert {"k1", "k2"} <= set(rows.index)
    assert rows.loc["k1", ["name", "manager"]].tolist() == ["Left & Co", "Berg"]
    assert rows.loc["k2", "name"] == "Firm k2" and rows["is_key_account"].to_dict()["k2"]
    assert (rows["value_change"].abs().diff().dropna() <= 0).all()
    assert "entered the top tier" in result.answer()


def test_what_is_missing_is_missing_and_no_error():
    result = programme_overview(some_files([{"customer_id": "x", "is_key_account": True}]), {})
    assert result.movements.empty and result.win_back.empty and result.managers.empty
    assert (result.n_entered, result.horizon_days, result.n_at_risk) == (None, None, 0)
    assert by_term(result)["estimate"].drop("n_key_accounts").isna().all()
    assert "1" in result.answer().key_figures[0].value and len(result.answer().key_figures) >= 3
    assert [check.verdict for check in result.checks][1] == "not testable"


def test_without_a_key_account_it_says_so():
    result = programme_overview(some_files([account(is_key_account=False)]), {})
    assert "no account meets every criterion" in result.answer()
    assert 3 <= len(result.answer().key_figures) <= 5


def test_the_answer_says_how_many_within_what_time():
    """Of chances 0.5 and 0.1 both leave in 5%, more than the 2.5% above the interval."""
    files = some_files(ACCOUNTS)
    result = replace(programme_overview(files, {}), horizon_days=91)
    assert (
        "About one of them is lost, or will be, within 91 days (95% interval 0 to 2), an expected loss of €900.00."
        in (result.answer())
    )


def test_results_of_other_data_are_named(moved):
    other = replace(moved, context=replace(CONTEXT, fingerprint="g"))
    result = programme_overview(some_files(ACCOUNTS), {"tier_migration": other})
    assert result.checks[0].verdict == "does not hold" and "tier_migration" in result.checks[0].finding


def test_the_same_seed_gives_the_same_and_no_input_is_changed():
    files = some_files(ACCOUNTS, flags=FLAGS)
    before = files.accounts.copy()
    first, second = (programme_overview(files, {}, seed=3).measures for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    pd.testing.assert_frame_equal(files.accounts, before)
    with pytest.raises(ParameterError, match="n_draws is 1"):
        programme_overview(files, {}, n_draws=1)


def test_it_takes_the_actions_it_is_given():
    files = some_files(ACCOUNTS)
    one = programme_overview(files, {}, actions=action_list(files, most=1))
    assert one.accounts["n_actions"].max() == 1


def test_a_shared_page_does_not_tell_what_two_people_said():
    shared = replace(CONTEXT, audience="shared")
    result = programme_overview(some_files(ACCOUNTS, context=shared), {})
    assert result.accounts["satisfaction"].isna().all()


# -- what a run has left -----------------------------------------------------------------------------------------------


def test_results_of_a_run_are_those_of_this_dataset_and_these_readers(moved, tmp_path):
    save_results(moved, to=tmp_path / "10_customer_identification")
    assert set(load_run(tmp_path, context=CONTEXT)) == {"tier_migration"}
    assert load_run(tmp_path, context=replace(CONTEXT, dataset="other")) == {}
    assert load_run(tmp_path, context=replace(CONTEXT, audience="shared")) == {}
    assert load_run("", context=CONTEXT) == load_run(tmp_path / "10_none", context=Context()) == {}


def test_results_of_a_manager_are_those_in_the_folder_of_the_manager(moved, tmp_path):
    own = replace(moved, context=replace(CONTEXT, dataset="made-Ada"))
    others = replace(moved, context=replace(CONTEXT, dataset="made-Bo"))
    save_results(own, to=tmp_path / "Ada" / "10_customer_identification")
    save_results(others, to=tmp_path / "Bo" / "10_customer_identification")
    for dataset in ("made-Ada", "made-Bo"):
        found = load_run(tmp_path, context=replace(CONTEXT, dataset=dataset))
        assert {key: one.context.dataset for key, one in found.items()} == {"tier_migration": dataset}
    assert load_run(tmp_path, context=CONTEXT) == {}
    save_results(moved, to=tmp_path / "10_customer_identification")
    assert load_run(tmp_path, context=CONTEXT)["tier_migration"].context.dataset == CONTEXT.dataset


def test_what_is_missing_says_which_notebook_makes_it(moved):
    results = {"tier_migration": moved}
    assert result_of(results, "tier_migration") is moved
    missing = result_of(results, "win_back")
    assert not missing and "20_churn_regression" in missing.answer()
    assert "the data do not allow it; notebook 10_customer_identification" in result_of(results, "staffing").answer()


def test_every_result_that_the_page_shows_has_a_maker():
    import re
    from pathlib import Path

    from kam.programme.run_results import MADE_BY

    page = Path(__file__).parents[2] / "notebooks" / "60_programme_overview.ipynb"
    asked = re.findall(r'result_of\(results, \\"(\w+)\\"\)', page.read_text(encoding="utf-8"))
    assert len(asked) >= 6 and set(asked) <= set(MADE_BY)
    for maker in set(MADE_BY.values()):
        assert (page.parent / f"{maker}.ipynb").is_file()


def test_draws_are_numbers_even_where_nothing_can_be_lost():
    measures = by_term(programme_overview(some_files([account(p_churn=0.0)]), {}))
    assert np.isfinite(measures.loc["expected_loss", ["estimate", "ci_low", "ci_high"]].to_numpy(dtype=float)).all()
