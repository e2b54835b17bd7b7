"""The action list: which rule holds where, with which figure, in which order; worked by hand on made accounts."""

import pandas as pd
import pytest

from kam.errors import DataError, MissingColumnError, ParameterError
from kam.programme import ACTION_RULES, action_list
from kam.results import Context
from tests.programme.some_files import CONTEXT, account, some_files


def actions_of(*accounts, **frames):
    return action_list(some_files(accounts, **frames)).actions


def rules_of(*accounts, **frames):
    return actions_of(*accounts, **frames)["rule"].tolist()


def test_an_account_that_gives_no_reason_gets_no_action():
    result = action_list(some_files([account()]))
    assert result.actions.empty and result.managers.empty
    assert "nothing to do" in result.answer()


# -- each rule, and what ends it ---------------------------------------------------------------------------------------

NEVER_MET = [{"customer_id": "007", "contact_id": "1", "last_met": pd.NaT}]
MET = [
    {"customer_id": "007", "contact_id": "1", "last_met": pd.Timestamp("2024-01-01")},
    {"customer_id": "007", "contact_id": "2", "last_met": pd.Timestamp("2025-06-01")},
]


def complaints(*days):
    return [{"customer_id": "007", "event_date": pd.Timestamp(day), "event": "complaint"} for day in days]


def deliveries(n_late, period="2025-11-01"):
    return [{"customer_id": "007", "period": pd.Timestamp(period), "n_deliveries": 10, "n_late": n_late}]


def flagged(flag):
    return [{"customer_id": "007", "flag": flag, "finding": "what was found"}]


GAPS = [
    {"customer_id": "007", "group_name": "Mailers", "value": 900.0, "share_like": 0.7},
    {"customer_id": "007", "group_name": "Void fill", "value": 2000.0, "share_like": 0.8},
]


@pytest.mark.parametrize(
    ("rule", "facts", "frames", "reason"),
    [
        ("silent", {"days_since_last_order": 74.0, "mean_gap_days": 21.0}, {}, "last order 74 days ago, usually every 21"),
        ("likely to leave", {"p_churn": 0.25}, {}, "chance of loss 25% (2% to 10%)"),
        ("complaints", {}, {"events": complaints("2025-12-01", "2025-07-05")}, "complaints in the last 180 days: 2"),
        ("dissatisfied", {"satisfaction": 2.5, "n_respondents": 3.0}, {},
         "satisfaction 2.5 of 5 in the last survey, people who answered: 3"),
        ("no manager", {"manager": None}, {"knows": ["manager"]}, "no manager in the account file"),
        ("lost", {"is_lost": True, "days_since_last_order": 400.0}, {},
         "no order for 400 days; €90K over the time of the ledger"),
        ("late deliveries", {}, {"deliveries": deliveries(3)}, "30% of the deliveries of the last 12 months came late"),
        ("buys less", {"revenue_year": 20_000.0}, {}, "€20K in the last 12 months, €30K in the 12 before"),
        ("decider not met", {"n_deciders_not_met": 2.0}, {}, "people who decide and whom nobody has met: 2"),
        ("not met for long", {}, {"contacts": MET}, "nobody there was met for 213 days"),
        ("behind target", {"share_of_target": 0.8, "revenue_target": 37_500.0}, {}, "80% of the target of €38K reached"),
        ("white space", {}, {"gaps": GAPS},
         "80% of like accounts buy Void fill, this one does not: about €2K a year"),
        ("could become large", {"is_named": True, "p_become_a": 0.4}, {}, "chance to become class A 40%"),
        ("small part of what they buy", {"share_wallet": 0.3, "elsewhere": 70_000.0}, {},
         "30% of what they buy comes from us; €70K a year goes elsewhere"),
        *((flag, {}, {"flags": flagged(flag)}, "what was found")
          for flag in dict.fromkeys(ACTION_RULES.loc[ACTION_RULES["field"] == "flag", "limit"])),
    ],
)  # fmt: skip
def test_a_rule_says_what_to_do_with_the_figure_that_calls_for_it(rule, facts, frames, reason):
    actions = actions_of(account(**facts), **frames)
    assert actions[["rule", "reason"]].to_numpy().tolist() == [[rule, reason]]


def test_each_rule_is_tried_above():
    (cases,) = test_a_rule_says_what_to_do_with_the_figure_that_calls_for_it.pytestmark
    assert {case[0] for case in cases.args[1]} == set(ACTION_RULES["rule"])


@pytest.mark.parametrize(
    ("facts", "frames"),
    [
        ({"days_since_last_order": 59.0}, {}),  # not three times its rhythm
        ({"days_since_last_order": 29.0, "mean_gap_days": 5.0}, {}),  # not a month
        ({"days_since_last_order": 400.0, "mean_gap_days": None}, {}),  # no rhythm known
        ({"p_churn": 0.249}, {}),
        ({}, {"events": complaints("2025-12-01", "2025-07-03")}),  # one of them is too old
        ({}, {"events": complaints("2025-12-01", "2026-01-02")}),  # one lies ahead
        ({"satisfaction": 2.51}, {}),
        ({"manager": None}, {}),  # no manager is known of anybody
        ({}, {"deliveries": deliveries(1)}),
        ({}, {"deliveries": deliveries(9, "2024-12-01")}),  # older than a year
        ({"revenue_year": 21_001.0}, {}),
        ({}, {"contacts": NEVER_MET}),
        ({"share_of_target": 0.81}, {}),
        ({"share_wallet": 0.31}, {}),
    ],
)  # fmt: skip
def test_a_rule_ends_where_its_limit_does(facts, frames):
    assert rules_of(account(**facts), **frames) == []


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"days_since_last_order": 60.0}, "silent"),
        ({"p_churn": 0.25}, "likely to leave"),
        ({"satisfaction": 2.5}, "dissatisfied"),
        ({"revenue_year": 21_000.0}, "buys less"),
        ({"share_of_target": 0.8}, "behind target"),
        ({"share_wallet": 0.3}, "small part of what they buy"),
    ],
)
def test_at_its_limit_a_rule_holds(facts, rule):
    assert rules_of(account(**facts)) == [rule]


def test_a_lost_account_is_asked_back_and_not_bothered_with_the_rest():
    facts = {"is_lost": True, "days_since_last_order": 400.0, "p_churn": 0.9, "satisfaction": 1.0, "share_wallet": 0.1}
    assert rules_of(account(**facts), flags=flagged("no sponsor"), gaps=GAPS, contacts=MET) == ["lost"]


def test_that_an_account_is_lost_need_not_be_known():
    assert rules_of(account(is_lost=None, days_since_last_order=74.0)) == ["silent"]
    assert rules_of(account(is_lost=pd.NA, days_since_last_order=74.0)) == ["silent"]


# -- order -------------------------------------------------------------------------------------------------------------


def test_the_urgent_come_first_and_of_them_what_has_most_at_stake():
    silent = {"days_since_last_order": 74.0}
    accounts = [
        account("a", p_churn=0.2, value_ahead=1000.0, **silent),  # 200 may be lost
        account("b", p_churn=0.1, value_ahead=9000.0, **silent),  # 900
        account("c", is_lost=True, value_ahead=90_000.0),
        account("d", expected_loss=5000.0, **silent),
    ]
    first = actions_of(*accounts)
    assert first["customer_id"].tolist() == ["d", "b", "a", "c"]
    assert first["at_stake"].tolist() == pytest.approx([5000, 900, 200, 90_000])
    assert first["rank"].tolist() == [1, 2, 3, 4]
    accounts[0]["value_ahead"] = 50_000.0  # now 10,000
    assert actions_of(*accounts)["customer_id"].tolist() == ["a", "d", "b", "c"]


def test_what_is_at_stake_falls_back_to_what_is_known_and_says_so():
    facts = {"days_since_last_order": 74.0, "p_churn": None}
    said = [("value_ahead", "value ahead"), ("revenue_year", "revenue, last year"), ("revenue", "net revenue")]
    accounts, expected = account(**facts), {"value_ahead": 40_000, "revenue_year": 30_000, "revenue": 90_000}
    for name, label in said:
        row = actions_of(accounts).iloc[0]
        assert (row["at_stake"], row["stake"]) == (expected[name], label)
        accounts[name] = None
    row = actions_of(accounts).iloc[0]
    assert pd.isna(row["at_stake"]) and row["stake"] == "not known"


def test_an_account_is_told_at_most_so_much():
    facts = {"days_since_last_order": 74.0, "satisfaction": 2.0, "share_of_target": 0.5, "revenue_year": 9000.0}
    files = some_files([account(**facts)], flags=flagged("returns"), events=complaints("2025-12-01", "2025-12-02"))
    every = action_list(files, most=99)
    assert every.actions["rule"].tolist() == ["silent", "complaints", "dissatisfied", "returns", "behind target"]
    three = action_list(files)
    assert three.actions["rule"].tolist() == ["silent", "complaints", "dissatisfied"]
    assert (three.n_left_out, three.n_first, three.n_with_action) == (2, 3, 1)
    listed = three.rules.drop_duplicates("rule").set_index("rule")
    assert listed.loc["returns", ["n_accounts", "n_listed"]].tolist() == [1, 0]
    with pytest.raises(ParameterError, match="most is 0"):
        action_list(files, most=0)


def test_when_it_is_due():
    actions = actions_of(account(days_since_last_order=74.0, share_of_target=0.5))
    assert actions["due"].dt.strftime("%Y-%m-%d").tolist() == ["2026-01-07", "2026-04-01"]
    undated = action_list(some_files([account(days_since_last_order=74.0)], context=Context()))
    assert undated.actions["due"].isna().all()


def test_managers_are_counted():
    silent = {"days_since_last_order": 74.0}
    accounts = [account("a", **silent), account("b", share_of_target=0.5), account("c", manager="Berg", **silent),
                account("d", manager="Berg", **silent), account("e", manager=None, **silent)]  # fmt: skip
    result = action_list(some_files(accounts, knows=["manager"]))
    expected = [["Berg", 2, 2, 2], ["Ito", 2, 2, 1]]
    assert result.managers[["manager", "n_accounts", "n_actions", "n_first"]].to_numpy().tolist() == expected
    assert result.of("Berg")["customer_id"].tolist() == ["c", "d"]


# -- rules of one's own ------------------------------------------------------------------------------------------------


def test_a_table_of_ones_own_takes_the_place_of_that_of_kam():
    table = pd.DataFrame(
        [
            ("small", "revenue_year", "<", 50_000, "Write to {name}", "{revenue_year} a year in tier {tier}", 2, 10),
            ("small", "tier", "is", "A", "", "", "", ""),
            ("unnamed", "sponsor", "missing", "", "Name one", "sponsor: {sponsor}", 1, ""),
            ("odd", "p_same_class", ">", 0.5, "Look", "{p_same_class}", 1, ""),
        ],
        columns=["rule", "field", "operator", "limit", "action", "reason", "priority", "due_days"],
    )
    before = table.copy()
    files = some_files([account("a"), account("b", tier="B", sponsor=None), account("c", revenue_year=60_000.0)])
    result = action_list(files, rules=table)
    expected = [
        ["b", "unnamed", "Name one", "sponsor: not known", "2026-01-07"],
        ["a", "small", "Write to Firm a", "€30K a year in tier A", "2026-01-10"],
    ]
    shown = result.actions.assign(due=result.actions["due"].dt.strftime("%Y-%m-%d"))
    assert shown[["customer_id", "rule", "action", "reason", "due"]].to_numpy().tolist() == expected
    assert result.rules.set_index("rule").loc["odd", "n_unknown"] == 3
    assert result.checks[0].verdict == "not testable" and "odd" in result.checks[0].finding
    pd.testing.assert_frame_equal(table, before)


def test_an_unknown_fact_is_an_error_and_a_column_of_the_files_is_none():
    table = pd.DataFrame([("r", "first_order", "known", "", "Call", "since {first_order}", 1)],
                         columns=["rule", "field", "operator", "limit", "action", "reason", "priority"])  # fmt: skip
    with pytest.raises(MissingColumnError, match="first_order"):
        action_list(some_files([account()]), rules=table)
    files = some_files([account(first_order=pd.Timestamp("2021-03-05"))])
    assert action_list(files, rules=table).actions["reason"].tolist() == ["since 5 Mar 2021"]


def test_braces_and_markup_in_names_stay_text():
    facts = account(name="{p_churn} <b>&", days_since_last_order=74.0)
    table = ACTION_RULES[ACTION_RULES["rule"] == "silent"].assign(action="Call {name}")
    assert action_list(some_files([facts]), rules=table).actions["action"].tolist() == ["Call {p_churn} <b>&"]


# -- bad input, and who reads it ---------------------------------------------------------------------------------------


def test_an_account_that_stands_twice_is_refused():
    with pytest.raises(DataError, match="stands twice"):
        action_list(some_files([account(), account()]))


def test_files_with_nothing_but_a_number_give_no_action():
    result = action_list(some_files([{"customer_id": "x" * 300}, {"customer_id": "../../x"}]))
    assert result.actions.empty and result.n_accounts == 2
    assert len(action_list(some_files({"customer_id": []})).actions) == 0


def test_a_shared_list_does_not_tell_what_fewer_than_five_said():
    shared = Context(**{**CONTEXT.__dict__, "audience": "shared"})
    for n, rules in ((4.0, []), (5.0, ["dissatisfied"])):
        files = some_files([account(satisfaction=2.0, n_respondents=n)], context=shared)
        assert action_list(files).actions["rule"].tolist() == rules


def test_inputs_are_not_changed():
    files = some_files([account(days_since_last_order=74.0)], gaps=GAPS, events=complaints("2025-12-01"))
    before = {name: frame.copy() for name, frame in files.tables().items()}
    action_list(files)
    for name, frame in files.tables().items():
        pd.testing.assert_frame_equal(frame, before[name])
