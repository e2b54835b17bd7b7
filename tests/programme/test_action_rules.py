"""The table of rules: read, checked, and refused by name where something in it is wrong."""

from pathlib import Path

import pandas as pd
import pytest

from kam.columns import GLOSSARY
from kam.errors import EmptyDataError, MissingColumnError, ParameterError, UnreadableFileError
from kam.programme import ACTION_RULES, FIELDS, read_action_rules
from kam.programme.action_rules import OPERATORS, parse_rules


def rule(**changed):
    usual = {"rule": "r", "field": "p_churn", "operator": ">=", "limit": 0.25, "action": "Call", "reason": "{p_churn}"}
    return pd.DataFrame([usual | {"priority": 1} | changed])


def test_every_fact_of_a_rule_stands_in_the_glossary():
    assert set(FIELDS) <= set(GLOSSARY)


def test_the_rules_of_kam_are_read_as_they_stand():
    rules = parse_rules(ACTION_RULES)
    assert [one.name for one in rules] == list(dict.fromkeys(ACTION_RULES["rule"]))
    assert sum(len(one.conditions) for one in rules) == len(ACTION_RULES)
    assert {one.priority: one.due_days for one in rules} == {1: 7, 2: 30, 3: 91}
    assert {one.guarantee for one in rules} == {"quality of service", "best interest of the customer", "ours alone"}


def test_every_flag_of_the_analyses_has_a_rule():
    from kam.identify import risks, sales_quality
    from kam.ledger import open_ledger

    lines = pd.DataFrame({"customer_id": ["a", "b", "c"], "order_date": "2024-01-31", "amount": [80, 15, 5]})
    orders = open_ledger(lines)
    flags = {*risks(orders).counts["flag"], *sales_quality(orders).counts["flag"]}
    assert len(flags) >= 14
    assert flags <= {one.flag for one in parse_rules(ACTION_RULES)}


def test_a_csv_file_gives_the_same_rules(tmp_path):
    ACTION_RULES.to_csv(tmp_path / "rules.csv", index=False)
    assert parse_rules(read_action_rules(tmp_path / "rules.csv")) == parse_rules(ACTION_RULES)


def test_rows_of_one_name_are_one_rule_and_say_the_rest_once():
    table = pd.concat([rule(), rule(field="tier", operator="is", limit="A", action=None, reason="", priority=None)])
    (one,) = parse_rules(table)
    assert [(c.field, c.operator, c.limit) for c in one.conditions] == [("p_churn", ">=", 0.25), ("tier", "is", "A")]
    with pytest.raises(ParameterError, match=r"differ in action\. Where: rows 1, 2"):
        parse_rules(pd.concat([rule(), rule(action="Visit")]))


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"field": "p_chrun"}, MissingColumnError, "no account has a fact 'p_chrun'.*rule 'r', row 1.*mean 'p_churn'"),
        ({"reason": "{p_chrun}"}, MissingColumnError, "'p_chrun'.*'p_churn'"),
        ({"reason": "{finding}"}, MissingColumnError, "'finding'"),
        ({"stake": "turnover"}, MissingColumnError, "'turnover'"),
        ({"stake": "tier"}, ParameterError, "at stake is no money"),
        ({"operator": "=>"}, ParameterError, "operator '=>'.*use one of >="),
        ({"field": "tier", "operator": ">=", "limit": 1}, ParameterError, "'tier' is no number"),
        ({"limit": "25%"}, ParameterError, "'25%' is no number.*0.25"),
        ({"limit": ""}, ParameterError, "no number"),
        ({"limit": "inf"}, ParameterError, "no number"),
        ({"field": "is_lost", "operator": "is", "limit": "maybe"}, ParameterError, "neither yes nor no"),
        ({"field": "flag", "operator": ">="}, ParameterError, "a flag is asked for"),
        ({"priority": 0}, ParameterError, "priority is '0'"),
        ({"priority": 1.5}, ParameterError, "priority is '1.5'"),
        ({"due_days": "soon"}, ParameterError, "due_days is 'soon'"),
        ({"action": ""}, ParameterError, "no action"),
        ({"rule": " "}, ParameterError, "no name"),
        ({"reason": "{p_churn.__class__}"}, ParameterError, "braces"),
        ({"reason": "{p_churn!r:>9}"}, ParameterError, "braces"),
        ({"reason": "{p_churn"}, ParameterError, "brace is not closed"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_rule_is_named(changed, error, message):
    with pytest.raises(error, match=f"(?i){message}"):
        parse_rules(rule(**changed))


def test_a_table_without_a_column_or_a_row_is_refused():
    with pytest.raises(MissingColumnError, match="'priority'"):
        parse_rules(rule().drop(columns="priority"))
    with pytest.raises(EmptyDataError, match="no rule"):
        parse_rules(rule().iloc[:0])


def test_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(UnreadableFileError, match="rules cannot be read"):
        read_action_rules(tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(UnreadableFileError):
        read_action_rules(tmp_path / "empty.csv")
    (tmp_path / "bytes.csv").write_bytes(b"rule\n\xff\xfe")
    with pytest.raises(UnreadableFileError):
        read_action_rules(tmp_path / "bytes.csv")


def test_the_manual_names_every_operator_rule_and_fact():
    repo_docs = (Path(__file__).parents[2] / "docs" / "programme.md").read_text(encoding="utf-8")
    for name in (*OPERATORS, *ACTION_RULES["rule"]):
        assert f"`{name}`" in repo_docs, name
    for field in FIELDS:
        assert f"`{field}`" in repo_docs, field
