"""The table of rules that says what to do for an account, and how a table of one's own is read in its place.

A rule is a name, what to do, the reason in words with the figure, and its conditions, one a row: the rows of one name must all
hold. ``action_list`` in :mod:`kam.programme.actions` applies them.
"""

from __future__ import annotations

import difflib
import os
import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.columns import GLOSSARY, require_columns
from kam.errors import EmptyDataError, MissingColumnError, ParameterError, UnreadableFileError
from kam.wording import N_

SERVICE, INTEREST, OURS = N_("quality of service"), N_("best interest of the customer"), N_("ours alone")
"""What an action warrants to the customer: one of two guarantees, or nothing."""
FLAG = "flag"
"""The field that holds where the account carries a flag of this name; then the reason may name the flag's ``{finding}``."""
OPERATORS = (">=", ">", "<=", "<", "is", "is not", "missing", "known")
DUE_DAYS = {1: 7, 2: 30, 3: 91}
"""Days within which an action is due, by its priority, where the table does not say; from the last on as the last."""

REQUIRED = ("rule", "field", "operator", "limit", "action", "reason", "priority")
OPTIONAL = ("due_days", "stake", "guarantee")
_NUMBERS = ("count", "money", "share", "number", "days")
_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")

FIELDS = (
    *("abc_class", "account_types", "ahead_low", "at_risk", "cost_to_serve", "customer_id", "days_since_last_order"),
    *("days_since_met", "elsewhere", "expected_loss", "expected_revenue", "gap_group", "gap_value", "industry"),
    *("is_key_account", "is_lost", "is_named", "list_part", "manager", "margin_year", "mean_gap_days", "n_allies"),
    *("n_complaints", "n_contacts", "n_deciders_not_met", "n_late", "n_orders", "n_respondents", "name"),
    *("p_become_a", "p_churn", "p_churn_high", "p_churn_low", "p_no_order", "p_return", "p_same_class", "p_tier_a"),
    *("parent_id", "potential", "profit", "quadrant", "region", "revenue", "revenue_target", "revenue_year"),
    *("revenue_year_before", "satisfaction", "segment", "share_late", "share_like", "share_of_target"),
    *("share_revenue_change", "share_value", "share_wallet", "silence_ratio", "sponsor", "state", "target_gap"),
    *("tier", "value_ahead", "value_if_returns", "weighted_score", "xyz_class"),
)
"""Facts of an account that a rule may look at or name; each stands in the glossary."""

_HERE = ("is_lost", "is not", "yes")
_FLAG_ACTIONS = (
    # flag, what to do, priority, guarantee; then what must hold besides
    (N_("overdue balance"), N_("Agree on a date of payment before the next delivery"), 1, OURS),
    (N_("returns"), N_("Find out why goods come back, and mend it"), 1, SERVICE, _HERE),
    (N_("below cost"), N_("Bring terms or service back above cost, and say why"), 2, OURS, _HERE),
    (N_("bargaining"), N_("Go through the terms: what do we get for them, and what do they"), 2, INTEREST, _HERE),
    (
        N_("concentration of buying"),
        N_("Talk about the plan of the year, so that single orders matter less"),
        2,
        INTEREST,
        _HERE,
    ),
    (N_("dependence"), N_("Plan what we do if the account leaves"), 2, OURS, _HERE),
    (N_("discount depth"), N_("Go through the discount: tie it to volume or service"), 2, INTEREST, _HERE),
    (N_("order spike"), N_("Ask what the large order is for before planning with it"), 2, INTEREST, _HERE),
    (
        N_("own brand"),
        N_("Ask whether they now make or label it themselves, and what we can supply then"),
        2,
        INTEREST,
        _HERE,
    ),
    (N_("period-end loading"), N_("Sell by what they need, not by the end of our quarter"), 2, INTEREST, _HERE),
    (N_("rising cost-to-serve"), N_("Agree on fewer, fuller deliveries"), 2, SERVICE, _HERE),
    (
        N_("shipping elsewhere"),
        N_("Ask where the goods go, and whether another branch should be served"),
        2,
        INTEREST,
        _HERE,
    ),
    (
        N_("stagnation"),
        N_("Look for what else they need: a visit with somebody from sales and from technics"),
        2,
        INTEREST,
        _HERE,
    ),
    (N_("over credit limit"), N_("Settle the limit: raise it or agree on payments"), 3, OURS),
    (N_("no sponsor"), N_("Name a sponsor among the executives"), 3, SERVICE, _HERE, ("is_key_account", "is", "yes")),
)


_CONDITIONS = (
    # rule, field, operator, limit; then, with the first condition: what to do, why, priority, stake, guarantee
    (
        *(N_("silent"), "silence_ratio", ">=", "3"),
        N_("Call, and ask what has changed"),
        N_("last order {days_since_last_order} days ago, usually every {mean_gap_days}"),
        *(1, "expected_loss", SERVICE),
    ),
    ("silent", "days_since_last_order", ">=", "30"),
    ("silent", "is_lost", "is not", "yes"),
    (
        *(N_("likely to leave"), "p_churn", ">=", "0.25"),
        N_("Visit with an offer made for the account"),
        N_("chance of loss {p_churn} ({p_churn_low} to {p_churn_high})"),
        *(1, "expected_loss", INTEREST),
    ),
    ("likely to leave", "silence_ratio", "<", "3"),
    ("likely to leave", "is_lost", "is not", "yes"),
    (
        *(N_("complaints"), "n_complaints", ">=", "2"),
        N_("Settle the complaints, and say in person what was done"),
        N_("complaints in the last 180 days: {n_complaints}"),
        *(1, "expected_loss", SERVICE),
    ),
    ("complaints", "is_lost", "is not", "yes"),
    (
        *(N_("dissatisfied"), "satisfaction", "<=", "2.5"),
        N_("Go through the answers with them, and agree on one thing to mend"),
        N_("satisfaction {satisfaction} of 5 in the last survey, people who answered: {n_respondents}"),
        *(1, "expected_loss", SERVICE),
    ),
    ("dissatisfied", "is_lost", "is not", "yes"),
    (
        *(N_("no manager"), "manager", "missing", ""),
        N_("Name an account manager"),
        N_("no manager in the account file"),
        *(1, "expected_loss", SERVICE),
    ),
    ("no manager", "is_key_account", "is", "yes"),
    (
        *(N_("lost"), "is_lost", "is", "yes"),
        N_("Ask for a talk about coming back, and bring what has been mended"),
        N_("no order for {days_since_last_order} days; {revenue} over the time of the ledger"),
        *(2, "value_if_returns", INTEREST),
    ),
    (
        *(N_("late deliveries"), "share_late", ">=", "0.2"),
        N_("Agree on delivery days, and report on them every month"),
        N_("{share_late} of the deliveries of the last 12 months came late"),
        *(2, "expected_loss", SERVICE),
    ),
    ("late deliveries", "n_late", ">=", "3"),
    ("late deliveries", "is_lost", "is not", "yes"),
    (
        *(N_("buys less"), "share_revenue_change", "<=", "-0.3"),
        N_("Find out what they now buy elsewhere, and why"),
        N_("{revenue_year} in the last 12 months, {revenue_year_before} in the 12 before"),
        *(2, "expected_loss", INTEREST),
    ),
    ("buys less", "silence_ratio", "<", "3"),
    ("buys less", "is_lost", "is not", "yes"),
    (
        *(N_("decider not met"), "n_deciders_not_met", ">=", "1"),
        N_("Ask for a meeting with those who decide"),
        N_("people who decide and whom nobody has met: {n_deciders_not_met}"),
        *(2, "expected_loss", INTEREST),
    ),
    ("decider not met", "is_lost", "is not", "yes"),
    (
        *(N_("not met for long"), "days_since_met", ">=", "180"),
        N_("Visit"),
        N_("nobody there was met for {days_since_met} days"),
        *(2, "expected_loss", SERVICE),
    ),
    ("not met for long", "is_key_account", "is", "yes"),
    ("not met for long", "is_lost", "is not", "yes"),
    (
        *(N_("behind target"), "share_of_target", "<=", "0.8"),
        N_("Agree on a plan for the rest of the target, or on another target"),
        N_("{share_of_target} of the target of {revenue_target} reached"),
        *(3, "expected_loss", INTEREST),
    ),
    ("behind target", "is_lost", "is not", "yes"),
    (
        *(N_("white space"), "gap_value", ">", "0"),
        N_("Offer {gap_group}"),
        N_("{share_like} of like accounts buy {gap_group}, this one does not: about {gap_value} a year"),
        *(3, "gap_value", INTEREST),
    ),
    ("white space", "silence_ratio", "<", "3"),
    ("white space", "is_lost", "is not", "yes"),
    (
        *(N_("could become large"), "is_named", "is", "yes"),
        N_("Make a growth plan with them"),
        N_("chance to become class A {p_become_a}"),
        *(3, "elsewhere", INTEREST),
    ),
    ("could become large", "is_lost", "is not", "yes"),
    (
        *(N_("small part of what they buy"), "share_wallet", "<=", "0.3"),
        N_("Ask what it takes to get a larger part of what they buy"),
        N_("{share_wallet} of what they buy comes from us; {elsewhere} a year goes elsewhere"),
        *(3, "elsewhere", INTEREST),
    ),
    ("small part of what they buy", "silence_ratio", "<", "3"),
    ("small part of what they buy", "is_lost", "is not", "yes"),
)


def _build() -> pd.DataFrame:
    columns = [*REQUIRED, "stake", "guarantee"]
    rows = [(*row, *("", "", None, "", "")) if len(row) == 4 else row for row in _CONDITIONS]
    for flag, do, priority, guarantee, *more in _FLAG_ACTIONS:
        rows.append((flag, FLAG, "is", flag, do, "{finding}", priority, "expected_loss", guarantee))
        rows += [(flag, *condition, *("", "", None, "", "")) for condition in more]
    table = pd.DataFrame(rows, columns=columns)
    table["priority"] = table["priority"].astype("Int64")
    return table


ACTION_RULES: pd.DataFrame = _build()
"""The rules of kam: one row per condition; what to do, why and how urgent it is stand with the first of a rule."""


_Flags = npt.NDArray[np.bool_]
_COMPARED = {">=": np.greater_equal, ">": np.greater, "<=": np.less_equal, "<": np.less}


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What must hold of an account: a fact, how it is compared, and with what."""

    field: str
    operator: str
    limit: float | bool | str | None

    def holds(self, facts: pd.DataFrame, flags: pd.DataFrame, known: Iterable[str]) -> tuple[_Flags, _Flags]:
        """Of which accounts it holds, and of which it can be told; both in the order of the facts.

        ``facts`` has an account per row, ``flags`` columns ``customer_id`` and ``flag``; ``known`` are the facts of which the
        dataset has any: of others nothing can be told, that they are missing neither. What is not known to be so counts as not
        so: where no analysis says who is lost, nobody is.
        """
        if self.field == FLAG:
            has = facts["customer_id"].isin(flags.loc[flags["flag"] == self.limit, "customer_id"]).to_numpy()
            return (has if self.operator == "is" else ~has), has | True
        if self.field not in facts or self.field not in known:
            so = np.full(len(facts), self.operator == "is not" and isinstance(self.limit, bool))
            return so, so
        values = facts[self.field]
        there = values.notna().to_numpy() & [not (isinstance(value, str) and value == "") for value in values]
        if self.operator in ("missing", "known"):
            return (there if self.operator == "known" else ~there), there | True
        if self.operator in ("is", "is not"):
            same = _same(values, self.limit).to_numpy() & there
            if self.operator == "is":
                return same, there
            return ~same, there | isinstance(
                self.limit, bool
            )  # what is not known to be so is not so: nobody is lost yet
        numbers = pd.to_numeric(values, errors="coerce").astype("float64").to_numpy()
        return _COMPARED[self.operator](numbers, float(self.limit or 0.0)) & there, there


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What to do where all conditions hold, and why, in words with ``{facts}``."""

    name: str
    conditions: tuple[Condition, ...]
    action: str
    reason: str
    priority: int
    due_days: int
    stake: str
    guarantee: str

    @property
    def flag(self) -> str | None:
        """The flag of which the reason may name the finding."""
        found = [c for c in self.conditions if c.field == FLAG and c.operator == "is"]
        return str(found[0].limit) if found else None

    @property
    def named(self) -> tuple[str, ...]:
        """Facts that the action and the reason name."""
        return tuple(dict.fromkeys([*_placeholders(self.action), *_placeholders(self.reason)]))


def read_action_rules(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a table of rules from a CSV file, in place of :data:`ACTION_RULES`.

    Parameters
    ----------
    path : path
        A CSV file in UTF-8 with the columns ``rule, field, operator, limit, action, reason, priority`` and, if wanted,
        ``due_days, stake, guarantee``; made for instance by ``ACTION_RULES.to_csv(path, index=False)``.

    Returns
    -------
    pandas.DataFrame
        The table, all texts; :func:`kam.programme.action_list` checks it.

    Raises
    ------
    UnreadableFileError
        There is no such file, or it is no CSV in UTF-8.
    """
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, UnicodeError, ValueError) as error:
        raise UnreadableFileError(
            "The rules cannot be read.", where=os.fspath(path), hint="Give a CSV file in UTF-8 with a head line."
        ) from error


def parse_rules(table: pd.DataFrame, *, more_fields: Iterable[str] = ()) -> tuple[Rule, ...]:
    """The rules of a table, in its order.

    Parameters
    ----------
    table : pandas.DataFrame
        As :data:`ACTION_RULES`; it is not changed.
    more_fields : iterable of str
        Facts that rules may name besides :data:`FIELDS`.

    Raises
    ------
    MissingColumnError
        The table lacks a column, or a rule names a fact that no account has; the nearest are given.
    ParameterError
        An operator, a limit, a priority or what stands in braces is wrong; the rule and its row are given.
    EmptyDataError
        There is no rule.

    Examples
    --------
    >>> [rule.name for rule in parse_rules(ACTION_RULES)][:2]
    ['silent', 'likely to leave']
    """
    require_columns(table, REQUIRED, where="the rules", hint="Begin with a copy of kam.programme.ACTION_RULES.")
    if table.empty:
        raise EmptyDataError("There is no rule.", where="the rules", hint="Give at least one row.")
    known = sorted({*FIELDS, *(name for name in more_fields if name in GLOSSARY)})
    rules: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for number, row in enumerate(table.to_dict("records"), start=1):
        texts = {str(name): _text(value) for name, value in row.items()}
        if not texts["rule"]:
            raise ParameterError("A rule has no name.", where=f"the rules, row {number}", hint="Fill in 'rule'.")
        rules.setdefault(texts["rule"], []).append((number, texts))
    return tuple(_parse_rule(name, rows, known) for name, rows in rules.items())


# -- inside ----------------------------------------------------------------------------------------------------------


def _parse_rule(name: str, rows: list[tuple[int, dict[str, str]]], known: list[str]) -> Rule:
    where = f"rule {name!r}, row {rows[0][0]}"
    said = {column: _one_value(name, rows, column) for column in (*REQUIRED[4:], *OPTIONAL)}
    for column in ("action", "reason"):
        if not said[column]:
            raise ParameterError(f"A rule has no {column}.", where=where, hint=f"Fill in {column!r} in its first row.")
    priority = _whole(said["priority"], "priority", where)
    conditions = tuple(_parse_condition(row, known, f"rule {name!r}, row {number}") for number, row in rows)
    rule = Rule(
        name=name,
        conditions=conditions,
        action=said["action"],
        reason=said["reason"],
        priority=priority,
        due_days=_whole(said["due_days"], "due_days", where) if said["due_days"] else DUE_DAYS[min(priority, 3)],
        stake=said["stake"] or "expected_loss",
        guarantee=said["guarantee"],
    )
    for column in ("action", "reason"):
        for field in _placeholders(said[column], where=where):
            if field == "finding" and rule.flag is not None:
                continue
            _require_field(field, known, where)
    _require_field(rule.stake, known, where)
    if GLOSSARY[rule.stake].format != "money":
        raise ParameterError(f"What is at stake is no money: {rule.stake!r}.", where=where, hint="Name a sum of money.")
    return rule


def _parse_condition(row: dict[str, str], known: list[str], where: str) -> Condition:
    field, operator, limit = row["field"], row["operator"], row["limit"]
    if operator not in OPERATORS:
        near = difflib.get_close_matches(operator, OPERATORS, n=1)
        raise ParameterError(
            f"There is no operator {operator!r}.",
            where=where,
            hint=f"Did you mean {near[0]!r}? " * bool(near) + f"Use one of {', '.join(OPERATORS)}.",
        )
    if field == FLAG:
        if operator not in ("is", "is not") or not limit:
            raise ParameterError("A flag is asked for by 'is' or 'is not', and its name as the limit.", where=where)
        return Condition(field=field, operator=operator, limit=limit)
    _require_field(field, known, where)
    form = GLOSSARY[field].format
    if operator in ("missing", "known"):
        return Condition(field=field, operator=operator, limit=None)
    if operator in ("is", "is not"):
        return Condition(field=field, operator=operator, limit=_parse_limit(limit, form, where))
    if form not in _NUMBERS:
        raise ParameterError(f"{field!r} is no number: {operator!r} does not fit.", where=where, hint="Use 'is'.")
    return Condition(field=field, operator=operator, limit=_number(limit, where))


def _parse_limit(limit: str, form: str, where: str) -> float | bool | str:
    if form == "flag":
        if limit.lower() not in (*_YES, *_NO):
            raise ParameterError(f"The limit {limit!r} is neither yes nor no.", where=where)
        return limit.lower() in _YES
    return _number(limit, where) if form in _NUMBERS else limit


def _number(limit: str, where: str) -> float:
    try:
        number = float(limit)
    except ValueError:
        number = float("nan")
    if not np.isfinite(number):
        raise ParameterError(f"The limit {limit!r} is no number.", where=where, hint="Write shares as 0.25, not 25%.")
    return number


def _whole(text: str, column: str, where: str) -> int:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not (np.isfinite(number) and number >= 1 and number == int(number)):
        raise ParameterError(f"{column} is {text!r}.", where=where, hint="Give a whole number from 1 on.")
    return int(number)


def _require_field(field: str, known: list[str], where: str) -> None:
    if field in known:
        return
    near = difflib.get_close_matches(field, known, n=3)
    raise MissingColumnError(
        f"No account has a fact {field!r}.",
        where=where,
        hint=f"Did you mean {' or '.join(map(repr, near))}?" if near else "kam.programme.FIELDS names them all.",
    )


def _placeholders(template: str, *, where: str = "") -> list[str]:
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ParameterError(f"A brace is not closed in {template!r}.", where=where) from error
    fields = [name for _, name, _, _ in parts if name is not None]
    wrong = [name for _, name, form, turn in parts if name is not None and (not name.isidentifier() or form or turn)]
    if wrong:
        raise ParameterError(
            f"What stands in braces in {template!r} is no fact.", where=where, hint="Write only its name: {p_churn}."
        )
    return fields


def _one_value(name: str, rows: list[tuple[int, dict[str, str]]], column: str) -> str:
    """What a rule says once: in its first row, and in the others the same or nothing."""
    values = [row.get(column, "") for _, row in rows]
    given = {value for value in values if value}
    if len(given) > 1:
        raise ParameterError(
            f"The rows of rule {name!r} differ in {column}.",
            where=f"rows {', '.join(str(number) for number, _ in rows)}",
            hint="Rows of one name are conditions of one rule: give the others names of their own.",
        )
    return next(iter(given), "")


def _text(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return str(value).strip()


def _same(values: pd.Series, limit: float | bool | str | None) -> pd.Series:
    if isinstance(limit, bool):
        return values.astype("boolean").fillna(not limit).astype(bool) == limit
    if isinstance(limit, float):
        return pd.to_numeric(values, errors="coerce").astype("float64") == limit
    return values.astype("object").map(lambda value: _text(value) == limit).astype(bool)
