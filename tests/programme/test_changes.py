"""What changed between two runs: worked by hand, and what the customers did kept apart from what the method did."""

import json
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from kam.errors import DataError, ParameterError, ResultsError
from kam.identify import tier_migration
from kam.programme import changes, changes_since, find_previous_run, read_run
from kam.programme.saved_runs import SavedRun, StepMaking
from kam.results import attempt, save_results
from tests.programme import pretended_results as pretend
from tests.programme.pretended_results import DECEMBER, NAMES, SEPTEMBER

TOLD = ["customer_id", "measure", "told_before", "told_now", "cause"]
STEP = StepMaking(name="10_who", notebook_sha256="a" * 64, parameters={"dataset": "tiny"})


def rows(frame, measure=None):
    if measure:
        frame = frame[frame["measure"] == measure]
    return [tuple(None if value != value else value for value in row) for row in frame[TOLD].to_numpy()]


def run(results, *, parameters=None, sha="a" * 64, versions=None, name="r"):
    made = replace(STEP, parameters={"dataset": "tiny", **(parameters or {})}, notebook_sha256=sha)
    return SavedRun(run=name, results=results, steps=dict.fromkeys(results, made), versions=versions or {"kam": "1"})


# -- each kind, by hand ----------------------------------------------------------------------------------------------


def test_nothing_moved():
    found = changes(*pretend.both())
    assert found.moved.empty and found.recomputed.empty and found.accounts.empty and found.not_compared.empty
    assert found.n_tiers == 0 and found.n_entered is None and found.day_before == date(2025, 9, 30)
    assert list(found.conditions["setting"]) == ["as of", "fingerprint of the data"]
    assert str(found.answer()).startswith("Since 30 September 2025, 0 things have moved.")


def test_who_entered_the_list_and_who_left_it():
    later, earlier = pretend.both()
    later["key_accounts"] = pretend.key_accounts(DECEMBER, ["001", "003"])
    earlier["key_accounts"] = pretend.key_accounts(SEPTEMBER, ["001", "002"])
    found = changes(later, earlier)
    assert rows(found.moved) == [
        ("002", "key-account list", "on it", "not on it", "customers"),
        ("003", "key-account list", "not on it", "on it", "customers"),
    ]
    assert (found.n_entered, found.n_left) == (1, 1) and list(found.moved["name"]) == ["Bo GmbH", "Cid Ltd"]
    assert "one account has entered the key-account list and one has left it" in str(found.answer())


def test_who_is_new_in_the_ledger_enters_the_list_too_and_who_is_gone_leaves_it():
    later, earlier = pretend.both(["001", "002"], ["001", "003"])
    now, before = pretend.key_accounts(DECEMBER, ["002"]), pretend.key_accounts(SEPTEMBER, ["003"])
    later["key_accounts"] = replace(now, accounts=now.accounts[now.accounts["customer_id"].isin(["001", "002"])])
    earlier["key_accounts"] = replace(before, accounts=before.accounts[before.accounts["customer_id"] != "002"])
    earlier["tier_migration"] = pretend.tiers(
        SEPTEMBER, {"2025-09": {"003": ("A", 3.0, 9.0)}}
    )  # too few months to know
    found = changes(later, earlier)
    assert rows(found.moved, "key-account list") == [
        ("002", "key-account list", "not on it", "on it", "customers or data"),
        ("003", "key-account list", "on it", "not on it", "customers or data"),
    ]
    assert list(found.moved["why"][:2]) == ["orders every 9 days", "no longer in the ledger"]
    assert (found.n_entered, found.n_left) == (1, 1)


def test_a_tier_is_taken_apart_into_what_was_told_again_and_what_the_customer_did():
    told = {"2025-09": {"001": ("A", 5.0, 60.0)}}
    again = {"2025-09": {"001": ("B", 5.0, 60.0)}, "2025-12": {"001": ("C", 1.0, 20.0)}}
    found = changes(
        {"tier_migration": pretend.tiers(DECEMBER, again, hysteresis=0.2)},
        {"tier_migration": pretend.tiers(SEPTEMBER, told, hysteresis=0.1)},
    )
    assert rows(found.recomputed) == [("001", "tier", "A", "B", "method")]
    assert rows(found.moved, "tier") == [("001", "tier", "B", "C", "customers")] and found.n_tiers == 1
    assert list(found.conditions["setting"])[-1] == "hysteresis" and found.checks[0].verdict == "handled"


def test_money_that_the_past_brought_otherwise_is_no_movement_of_the_customer():
    told = {"2025-08": {"001": ("A", 50.0, 90.0)}, "2025-09": {"001": ("A", 50.0, 100.0)}}
    again = {**told, "2025-09": {"001": ("A", 20.0, 70.0)}, "2025-12": {"001": ("A", 20.0, 75.0)}}
    found = changes(
        {"tier_migration": pretend.tiers(DECEMBER, again)}, {"tier_migration": pretend.tiers(SEPTEMBER, told)}
    )
    assert rows(found.recomputed) == [("001", "twelve months", "€100.00", "€70.00", "data")]
    assert rows(found.moved) == [("001", "twelve months", "€70.00", "€75.00", "customers")]
    assert found.moved.loc[0, "why"] == "+€5.00" and found.checks[1].verdict == "handled"
    assert (found.moved.loc[0, ["figure_before", "figure_after"]] == [70.0, 75.0]).all()


def test_only_so_many_of_the_largest_changes_of_money_are_told():
    then = dict.fromkeys(NAMES, ("A", 1.0, 100.0))
    now = {one: ("A", 1.0, 100.0 + step) for one, step in zip(NAMES, (1, -40, 30, 0), strict=True)}
    later = {"tier_migration": pretend.tiers(DECEMBER, {"2025-09": then, "2025-12": now})}
    found = changes(later, {"tier_migration": pretend.tiers(SEPTEMBER, {"2025-09": then})}, n_movers=2)
    assert set(found.moved["customer_id"]) == {"002", "003"}
    with pytest.raises(ParameterError, match="n_movers"):
        changes(later, later, n_movers=0)


def test_a_chance_has_moved_where_the_intervals_do_not_touch():
    later, earlier = pretend.both()
    before = {"001": (0.1, 0.05, 0.2), "002": (0.1, 0.05, 0.2), "003": (0.1, 0.05, 0.2), "004": None}
    now = {"001": (0.5, 0.3, 0.7), "002": (0.19, 0.15, 0.3), "003": None, "004": (0.1, 0.0, 0.9)}
    later["churn_forecast"], earlier["churn_forecast"] = (
        pretend.forecast(DECEMBER, now),
        pretend.forecast(SEPTEMBER, before),
    )
    found = changes(later, earlier)
    assert rows(found.moved) == [
        ("001", "chance of loss", "10.0% (5.0% to 20.0%)", "50.0% (30.0% to 70.0%)", "customers"),
        ("003", "lost", "buying", "lost", "customers"),
        ("004", "lost", "lost", "buying", "customers"),
    ]
    assert found.n_risk == 3 and found.moved.loc[0, "why"] == "last order 74 days ago, usually every 21"


def test_chances_by_another_definition_of_loss_are_compared_as_chances_of_no_order():
    later, earlier = pretend.both()
    now, before = {"001": (0.5, 0.4, 0.6)}, {"001": (0.1, 0.05, 0.2)}
    later["churn_forecast"] = pretend.forecast(DECEMBER, now, k=6)
    earlier["churn_forecast"] = pretend.forecast(SEPTEMBER, before, k=4)
    found = changes(later, earlier)
    assert rows(found.moved) == [
        ("001", "chance of no order", "20.0% (15.0% to 30.0%)", "60.0% (50.0% to 70.0%)", "customers or method")
    ]
    assert "another time of silence" in found.not_compared.loc[0, "reason"]
    later["churn_forecast"] = pretend.forecast(DECEMBER, now, horizon_days=30)
    found = changes(later, earlier)
    assert found.moved.empty and found.n_risk is None
    assert "horizon_days is 91 in the earlier run and 30 in the later" in found.not_compared.loc[0, "reason"]


def test_values_flags_and_satisfaction():
    later, earlier = pretend.both()
    later["customer_value"] = pretend.values(DECEMBER, {"001": (50.0, 40.0, 60.0), "002": (95.0, 80.0, 120.0)})
    earlier["customer_value"] = pretend.values(SEPTEMBER, {"001": (100.0, 90.0, 110.0), "002": (100.0, 90.0, 110.0)})
    later["risks"] = pretend.flags(
        DECEMBER, [("001", "overdue"), ("002", "own brand")], judged=("overdue", "own brand")
    )
    earlier["risks"] = pretend.flags(SEPTEMBER, [("003", "overdue")], judged=("overdue",))
    later["estimates"] = pretend.satisfaction(
        DECEMBER,
        {"2024": {"all": (4.0, 3.9, 4.1)}, "2025": {"all": (3.0, 2.8, 3.2), "north": (4.0, 3.5, 4.5)}},
    )
    earlier["estimates"] = pretend.satisfaction(SEPTEMBER, {"2024": {"all": (4.0, 3.9, 4.1), "north": (3.9, 3.5, 4.2)}})
    found = changes(later, earlier)
    assert rows(found.moved) == [
        ("001", "value ahead", "€100.00 (€90.00 to €110.00)", "€50.00 (€40.00 to €60.00)", "customers"),
        ("001", "flag", "–", "overdue", "customers"),
        ("003", "flag", "overdue", "–", "customers"),
        (None, "satisfaction", "4.00 (3.90 to 4.10), wave 2024", "3.00 (2.80 to 3.20), wave 2025", "customers"),
    ]
    assert (found.n_raised, found.n_cleared) == (1, 1)
    assert list(found.moved["name"])[-1] == "all accounts"
    assert found.not_compared.to_numpy().tolist() == [["own brand", "only one of the runs looked for this flag"]]


def test_a_wave_that_is_told_again_says_nothing_of_the_customers():
    later, earlier = pretend.both()
    later["estimates"] = pretend.satisfaction(DECEMBER, {"2024": {"all": (3.0, 2.8, 3.2)}})
    earlier["estimates"] = pretend.satisfaction(SEPTEMBER, {"2024": {"all": (4.0, 3.9, 4.1)}})
    found = changes(later, earlier)
    assert found.moved.empty and list(found.recomputed["cause"]) == ["data"]


def test_groups_are_not_told_to_others_than_us():
    groups = {"all": (4.0, 3.9, 4.1), "north": (4.0, 3.9, 4.1)}, {"all": (3.0, 2.8, 3.2), "north": (3.0, 2.8, 3.2)}
    for audience, n in (("internal", 2), ("shared", 1)):
        contexts = [replace(one, audience=audience) for one in (SEPTEMBER, DECEMBER)]
        before, now = (
            # a result of a shared report is protected when it is made; here as it would be read
            pretend.satisfaction(replace(context, audience="internal"), {wave: told})
            for context, wave, told in zip(contexts, ("2024", "2025"), groups, strict=True)
        )
        for one, context in ((before, contexts[0]), (now, contexts[1])):
            object.__setattr__(one, "context", context)
        assert len(changes({"estimates": now}, {"estimates": before}).moved) == n


# -- the customers or the method -------------------------------------------------------------------------------------


def _with_list(context, results, on, **more):
    return {**results, "key_accounts": pretend.key_accounts(context, on, **more)}


def test_a_change_of_parameters_alone_is_not_told_as_one_of_the_customers():
    later, _ = pretend.both()
    on_same_data = {**later, "key_accounts": pretend.key_accounts(DECEMBER, ["001"])}
    looser = _with_list(DECEMBER, later, ["001", "002"], p=0.7, min_certainty=0.6)
    found = changes(run(looser, parameters={"min_certainty": 0.6}), run(on_same_data))
    assert found.moved.empty and found.n_entered == 0
    assert rows(found.recomputed) == [("002", "key-account list", "not on it", "on it", "method")]
    assert list(found.conditions["setting"]) == ["min_certainty"]
    assert "One more change says nothing of the customers" in str(found.answer())
    assert "of the same day" in str(found.answer())


def test_by_a_looser_limit_and_later_data_those_that_the_earlier_limit_kept_off_are_told_apart():
    later, earlier = pretend.both()
    now = _with_list(DECEMBER, later, ["001", "002", "003"], p=[0.9, 0.7, 0.9, 0.9], min_certainty=0.6)
    before = _with_list(SEPTEMBER, earlier, ["001"])
    found = changes(run(now, parameters={"min_certainty": 0.6}), run(before))
    assert rows(found.recomputed) == [("002", "key-account list", "not on it", "on it", "method")]
    assert rows(found.moved) == [("003", "key-account list", "not on it", "on it", "customers or method")]


@pytest.mark.parametrize(
    ("changed", "setting"),
    [
        ({"parameters": {"value": "margin"}}, "value"),
        ({"sha": "b" * 64}, "notebook"),
        ({"versions": {"kam": "2"}}, "kam"),
    ],
)
def test_parameters_notebook_and_versions_are_the_method(changed, setting):
    later, earlier = pretend.both()
    same_day = run(_with_list(DECEMBER, later, ["001", "002"]), **changed)
    found = changes(same_day, run(_with_list(DECEMBER, later, ["001"])))
    assert found.moved.empty and list(found.recomputed["cause"]) == ["method"]
    assert setting in set(found.conditions["setting"])
    found = changes(same_day, run(_with_list(SEPTEMBER, earlier, ["001"])))
    assert list(found.moved["cause"]) == ["customers or method"] and found.recomputed.empty
    assert found.answer().key_figures[0].note == "one may be of method or data"


def test_other_data_of_the_same_day_are_not_the_customers():
    later, _ = pretend.both()
    cleaned = {key: replace(one, context=replace(DECEMBER, fingerprint="other")) for key, one in later.items()}
    found = changes(
        run(_with_list(replace(DECEMBER, fingerprint="other"), cleaned, ["001"])), run(_with_list(DECEMBER, later, []))
    )
    assert found.moved.empty and list(found.recomputed["cause"]) == ["data"]


def test_what_nothing_explains_is_said_to_be_not_known():
    later, _ = pretend.both()
    found = changes(run(_with_list(DECEMBER, later, ["001"])), run(_with_list(DECEMBER, later, [])))
    assert found.moved.empty and list(found.recomputed["cause"]) == ["not known"]
    assert found.checks[0].verdict == "holds"
    assert changes(*pretend.both()).checks[0].verdict == "not testable"  # nobody says how they were made


# -- accounts --------------------------------------------------------------------------------------------------------


def test_accounts_that_are_new_gone_renamed_or_known_again():
    later, earlier = pretend.both(["001", "002", "0099", "005"], ["001", "002", "003", "004"])
    months = ("2025-07", "2025-08", "2025-09")
    usual = dict.fromkeys(("001", "002"), ("A", 10.0, 120.0))
    old = {month: {**usual, "003": ("B", 7.0 + n, 90.0), "004": ("C", 3.0, 9.0)} for n, month in enumerate(months)}
    new = {month: {**usual, "0099": ("B", 7.0 + n, 90.0)} for n, month in enumerate(months)}
    new["2025-12"] = {**usual, "0099": ("B", 9.0, 90.0), "005": ("C", 1.0, 1.0)}
    later["tier_migration"], earlier["tier_migration"] = pretend.tiers(DECEMBER, new), pretend.tiers(SEPTEMBER, old)
    renamed = pretend.flags(DECEMBER, [])
    renamed.facts.loc[renamed.facts["customer_id"] == "002", "name"] = "Bo Holding"
    later["risks"], earlier["risks"] = renamed, pretend.flags(SEPTEMBER, [])
    found = changes(later, earlier)
    assert {row[2]: (row[0], row[3], row[4]) for row in found.accounts.to_numpy().tolist()} == {
        "new": ("005", "", ""),
        "gone": ("004", "Dee SA", ""),
        "renamed": ("002", "Bo GmbH", "Bo Holding"),
        "other identifier": ("0099", "003", "0099"),
    }
    assert found.moved.empty and found.recomputed.empty  # an account with another number has not moved
    assert found.checks[2].verdict == "handled"


def test_a_new_account_with_old_orders_is_said_to_be_one():
    later, earlier = pretend.both(["001", "002"], ["001"])
    found = changes(later, earlier)
    assert found.accounts.loc[0, "why"] == "it has orders from before, which the earlier run did not have"


# -- what cannot be compared -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dataset": "other"}, "dataset is tiny in the earlier run and other in the later"),
        ({"audience": "shared"}, "audience is internal in the earlier run and shared"),
        ({"currency": "USD"}, "currency is EUR in the earlier run and USD"),
    ],
)
def test_runs_of_other_data_or_for_other_readers_are_refused(change, said):
    later, earlier = pretend.both()
    other = {key: replace(one, context=replace(one.context, **change)) for key, one in later.items()}
    with pytest.raises(DataError, match=said):
        changes(other, earlier)


def test_the_earlier_run_comes_second_and_empty_ones_are_refused():
    later, earlier = pretend.both()
    with pytest.raises(ParameterError, match="earlier one counts the data up to 2025-12-31"):
        changes(earlier, later)
    with pytest.raises(DataError, match="cannot be compared"):
        changes({}, {})


def test_what_only_one_run_has_is_said():
    later, earlier = pretend.both()
    later["risks"] = pretend.flags(DECEMBER, [])
    found = changes(later, earlier)
    assert found.not_compared.to_numpy().tolist() == [["flags of risk", "the earlier run does not have them"]]


# -- runs on disk ----------------------------------------------------------------------------------------------------


def write_run(root, name, results, *, parameters=None, status="succeeded", of=""):
    step = {"name": f"{of}10_who", "notebook_sha256": "a" * 64, "parameters": parameters or {}, "status": status}
    save_results(*results.values(), to=root / name / f"{of}10_who")
    content = {"schema_version": 1, "versions": {"kam": "1", "ipykernel": "7"}, "steps": [step]}
    (root / name / "run.json").write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def saved():
    """What two runs found that can be saved: tiers of a ledger up to September, and up to December."""
    panel = pd.DataFrame(
        [
            (one, month, 2, money * (1 + (month.month == 11)), 0.0)
            for one, money in (("001", 50.0), ("002", 30.0), ("003", 9.0))
            for month in pd.date_range("2023-01-01", "2025-12-01", freq="MS")
        ],
        columns=["customer_id", "period", "n_orders", "revenue", "returns"],
    )
    contexts = {"2025-12": DECEMBER, "2025-09": SEPTEMBER}
    return tuple(
        {"tier_migration": tier_migration(panel[panel["period"] <= month], freq="month", context=context)}
        for month, context in contexts.items()
    )


def test_a_run_is_read_with_how_it_was_made_and_compared_with_the_one_before(tmp_path, saved):
    later, earlier = saved
    write_run(tmp_path, "20250930T000000Z-p", earlier)
    write_run(
        tmp_path,
        "20251001T000000Z-p",
        {k: replace(r, context=replace(r.context, dataset="x")) for k, r in earlier.items()},
    )
    write_run(tmp_path, "20251230T000000Z-p", later)
    write_run(tmp_path, "20251231T000000Z-p", later, parameters={"seed": 2})
    now = read_run(tmp_path / "20251231T000000Z-p")
    assert now.steps["tier_migration"].parameters == {"seed": 2} and now.versions == {"kam": "1"}
    before = find_previous_run(tmp_path, now=now, context=DECEMBER)
    assert before.run == "20250930T000000Z-p"  # not that of the same day, nor of another dataset
    found = changes_since(tmp_path, tmp_path / "20251231T000000Z-p", context=DECEMBER)
    assert found.run_before == before.run and "seed" in set(found.conditions["setting"])
    one_step = read_run(tmp_path / "20251231T000000Z-p" / "10_who")
    assert one_step.versions == now.versions and set(one_step.results) == set(now.results)


def test_of_the_same_day_the_run_before_counts_where_there_is_no_earlier_day(tmp_path, saved):
    later, _ = saved
    write_run(tmp_path, "20251230T000000Z-p", later)
    write_run(tmp_path, "20251231T000000Z-p", later)
    assert changes_since(tmp_path, tmp_path / "20251231T000000Z-p", context=DECEMBER).run_before == "20251230T000000Z-p"
    earlier = attempt(changes_since, tmp_path, tmp_path / "20251231T000000Z-p", context=SEPTEMBER)
    assert not earlier  # its data count up to a later day


def test_a_portfolio_is_compared_with_the_same_manager_s_in_the_run_before(tmp_path, saved):
    for name, results in zip(("20251231T000000Z-p", "20250930T000000Z-p"), saved, strict=True):
        for manager in ("Bo", "Ada"):  # the record is of the last
            own = {k: replace(r, context=replace(r.context, dataset=f"d-{manager}")) for k, r in results.items()}
            write_run(tmp_path, name, own, parameters={"manager": manager}, of=f"{manager}/")
    context = replace(DECEMBER, dataset="d-Ada")
    found = changes_since(tmp_path, tmp_path / "20251231T000000Z-p", context=context)
    assert (found.context.dataset, found.run_before) == ("d-Ada", "20250930T000000Z-p")
    now = read_run(tmp_path / "20251231T000000Z-p", context=context)
    assert now.steps["tier_migration"].parameters == {"manager": "Ada"}
    assert not attempt(changes_since, tmp_path, tmp_path / "20251231T000000Z-p", context=DECEMBER)


def test_without_an_earlier_run_it_says_so(tmp_path, saved):
    for history, folder in (("", ""), (tmp_path, ""), (tmp_path, tmp_path / "r")):
        if folder:
            write_run(tmp_path, "r", saved[0])
        none = attempt(changes_since, history, folder, context=DECEMBER)
        assert not none and "This could not be said: " in none.answer()


@pytest.mark.parametrize("version", [0, 99])
def test_results_of_another_schema_version_are_refused_by_name(tmp_path, saved, version):
    write_run(tmp_path, "r", saved[0])
    file = tmp_path / "r" / "10_who" / "results.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"schema_version": 1', f'"schema_version": {version}'))
    with pytest.raises(ResultsError, match=f"schema version {version}; this kam reads version 1"):
        read_run(tmp_path / "r")
    (tmp_path / "r" / "20_why").mkdir()
    save_results(*saved[0].values(), to=tmp_path / "r" / "20_why")
    assert ("10_who", f"The results have schema version {version}; this kam reads version 1.") in read_run(
        tmp_path / "r"
    ).problems


def test_a_record_of_another_schema_version_is_named_and_the_results_are_read(tmp_path, saved):
    write_run(tmp_path, "r", saved[0])
    (tmp_path / "r" / "run.json").write_text('{"schema_version": 99}', encoding="utf-8")
    found = read_run(tmp_path / "r")
    assert found.problems == (("run.json", "It has schema version 99; this kam reads version 1."),)
    assert found.results and not found.versions
    (tmp_path / "r" / "run.json").write_text("{", encoding="utf-8")
    assert read_run(tmp_path / "r").problems == (("run.json", "The record of the run cannot be read."),)
    with pytest.raises(ResultsError, match="There are no results"):
        read_run(tmp_path / "nothing")


def test_results_that_were_saved_before_a_field_was_optional_are_read(tmp_path, saved):
    write_run(tmp_path, "r", saved[0])
    file = tmp_path / "r" / "10_who" / "results.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    for entry in content["results"].values():
        del entry["labels"], entry["context"]["audience"], entry["context"]["title"]
    file.write_text(json.dumps(content), encoding="utf-8")
    found = read_run(tmp_path / "r", context=DECEMBER)
    assert set(found.results) == set(saved[0]) and not found.problems
    del content["results"]["tier_migration"]["fields"]["freq"]
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ResultsError, match="fields differ: \\['freq'\\]"):
        read_run(tmp_path / "r")


def test_a_run_at_work_is_read_by_the_records_of_its_steps(tmp_path, saved):
    write_run(tmp_path, "20250930T000000Z-p", saved[1])
    write_run(tmp_path, ".part-20251231T000000Z-p", saved[0])
    part = tmp_path / ".part-20251231T000000Z-p"
    record = json.loads((part / "run.json").read_text(encoding="utf-8"))["steps"][0] | {"parameters": {"seed": 3}}
    (part / "run.json").unlink()
    (part / ".finished").mkdir()
    (part / ".finished" / "k.json").write_text(json.dumps(record), encoding="utf-8")
    now = read_run(part)
    assert now.steps["tier_migration"].parameters == {"seed": 3} and "pandas" in now.versions
    found = changes_since(tmp_path, part, context=DECEMBER)
    assert {"seed", "kam"} <= set(found.conditions["setting"])


def test_without_a_register_of_all_accounts_the_lists_are_compared_all_the_same():
    later, earlier = pretend.key_accounts(DECEMBER, ["001"]), pretend.key_accounts(SEPTEMBER, ["002"])
    later = replace(later, accounts=later.accounts[later.accounts["customer_id"] != "002"])
    found = changes({"key_accounts": later}, {"key_accounts": earlier})
    assert [row[0] for row in rows(found.moved)] == ["001", "002"] and found.accounts.empty
    assert found.moved.loc[1, "why"] == "no longer in class A"
