"""What to do for which account, why, how urgent it is and by when: the rules of a table applied to the account files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.columns import GLOSSARY, require_columns, require_distinct
from kam.errors import ParameterError
from kam.programme.action_rules import ACTION_RULES, Rule, parse_rules
from kam.results import Assumed, Check, Context, KeyFigure, Result

if TYPE_CHECKING:
    from kam.programme.account_files import AccountFilesResult
    from kam.wording import Wording

MOST_ACTIONS = 3
COMPLAINT_DAYS = 180
"""Complaints count when they are not older."""
_STAKES = ("value_ahead", "margin_year", "revenue_year", "revenue")
"""Where what a rule puts at stake is not known, the first of these that is."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ActionListResult(Result):
    """Result of :func:`action_list`.

    Attributes
    ----------
    actions : pandas.DataFrame
        One row per account and action, the most urgent first and of these what has most at stake: ``rank, customer_id, name,
        manager`` (missing where there is none) ``, rule, action, reason`` (with the figure) ``, guarantee`` (quality of service,
        best interest of the customer, or ours alone) ``, priority`` (1 first) ``, at_stake, stake`` (what that money is)
        ``, due`` (missing without an as-of date).
    rules : pandas.DataFrame
        One row per condition of the rules that were applied: ``rule, field, operator, limit, action, reason, priority, due_days,
        stake, guarantee``, and, the same in all rows of a rule, ``n_accounts`` (at which it holds), ``n_listed`` (at which it is
        on the list) and ``n_unknown`` (at which a fact is not known).
    managers : pandas.DataFrame
        One row per manager, the most urgent actions first: ``manager, n_accounts`` (with an action) ``, n_actions, n_first``.
    n_accounts : int
        Accounts looked at.
    n_with_action : int
        Accounts with an action.
    n_first : int
        Actions of the first priority.
    n_left_out : int
        Actions that fell to the limit of so many per account.
    most : int
        Actions per account at most.
    stake_first : float or None
        Expected loss of the accounts with an action of the first priority, each counted once; None: not known of any.
    """

    main: ClassVar[str] = "actions"

    actions: pd.DataFrame
    rules: pd.DataFrame
    managers: pd.DataFrame
    n_accounts: int
    n_with_action: int
    n_first: int
    n_left_out: int
    most: int
    stake_first: float | None

    def of(self, manager: str) -> pd.DataFrame:
        """The actions of one manager."""
        return self.actions[self.actions["manager"] == manager].reset_index(drop=True)

    def _sentence(self) -> str:
        say = self.context.wording
        if self.actions.empty:
            return say.plural(
                "No rule holds for the one account looked at: {n} account, nothing to do.",
                "No rule holds for any of the {n} accounts looked at: there is nothing to do.",
                self.n_accounts,
            )
        first = say.plural(
            "One action for {some} of {all} accounts",
            "{n} actions for {some} of {all} accounts",
            len(self.actions),
            some=say.count(self.n_with_action),
            all=say.count(self.n_accounts),
        )
        if not self.n_first:
            return say.sentence("{first}; none is urgent.", first=first)
        top = self.actions.iloc[0]
        urgent = say.plural("one is urgent", "{n} are urgent", self.n_first)
        return say.sentence(
            "{first}, {urgent}. First of all {name}: {action} ({reason}).",
            first=first,
            urgent=urgent,
            name=top["name"],
            action=top["action"][0].lower() + top["action"][1:],
            reason=top["reason"],
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        counted = say.sentence("counted, not estimated")
        return (
            KeyFigure(
                value=say.count(len(self.actions)),
                label=say.sentence("actions"),
                note=say.plural("at most one for an account", "at most {n} for an account", self.most),
            ),
            KeyFigure(value=say.count(self.n_first), label=say.sentence("urgent actions"), note=counted),
            KeyFigure(value=say.count(self.n_with_action), label=say.sentence("accounts with an action"), note=counted),
            *(
                (
                    KeyFigure(
                        value=say.money_short(self.stake_first),
                        label=say.sentence("expected loss at the accounts with an urgent action"),
                        note=say.sentence("no interval: an expectation, not what will be lost"),
                    ),
                )
                if self.stake_first is not None
                else ()
            ),
        )


def action_list(
    files: AccountFilesResult,
    *,
    rules: pd.DataFrame | None = None,
    most: int = MOST_ACTIONS,
    context: Context | None = None,
) -> ActionListResult:
    """What to do for each account: the rules that hold for it, the most urgent first, with the figure that says why.

    Assumes (1) that what the rules ask for is what helps: they are practice, not estimates, and no effect of them was measured;
    (2) that actions of one priority are worth their time in the order of what is at stake, which is an expected loss for most
    rules and money to be won for others; (3) that a fact which is not known is no reason for anything.

    Where the sum at stake that a rule names is not known of an account, the value ahead stands for it, else the margin or the
    revenue of the last twelve months, else the revenue of all years. Rules whose facts nobody has are no error: how often a
    fact was not known stands in ``rules``.

    Parameters
    ----------
    files : AccountFilesResult
        From :func:`kam.programme.gather_accounts`; ``accounts``, ``flags``, ``events``, ``deliveries``, ``gaps`` and ``contacts``
        are read.
    rules : pandas.DataFrame, optional
        In place of :data:`ACTION_RULES`, which has the form: one row per condition, ``rule, field, operator`` (``>= > <= <``,
        ``is``, ``is not``, ``missing``, ``known``) ``, limit, action, reason`` (texts with ``{facts}``) ``, priority`` and, if
        wanted, ``due_days, stake`` (the money to order by) and ``guarantee``. All rows of one rule must hold.
    most : int
        Actions per account.
    context : Context, optional
        Currency, language and as-of date; by default those of the files.

    Returns
    -------
    ActionListResult

    Raises
    ------
    MissingColumnError
        The table lacks a column, or names a fact that no account has.
    ParameterError
        An operator, limit, priority or what stands in braces is wrong, or ``most`` is below 1.
    EmptyDataError
        There is no rule.
    DataError
        An account stands twice.
    """
    if most < 1:
        raise ParameterError(f"most is {most}.", hint="Give at least 1 action per account.")
    context = context or files.context
    say = context.wording
    facts = action_facts(files)
    parsed = parse_rules(ACTION_RULES if rules is None else rules, more_fields=[str(name) for name in facts])
    flags = files.flags if len(files.flags.columns) else pd.DataFrame(columns=["customer_id", "flag", "finding"])
    known = _known(files, facts)
    money = {name: _numbers(facts, name).to_numpy() for name in {*_STAKES, *(rule.stake for rule in parsed)}}
    found: list[pd.DataFrame] = []
    counts: dict[str, tuple[int, int]] = {}
    for place, rule in enumerate(parsed):
        told = [condition.holds(facts, flags, known) for condition in rule.conditions]
        holds = np.logical_and.reduce([one for one, _ in told])
        counts[rule.name] = int(holds.sum()), int((~np.logical_and.reduce([there for _, there in told])).sum())
        if holds.any() or (rule is parsed[-1] and not found):  # which has the columns where no rule holds
            found.append(_propose(rule, holds, facts, money, flags, say).assign(_place=place))
    every = _order(pd.concat(found, ignore_index=True))
    actions = every[every.groupby("customer_id").cumcount() < most]
    as_of = pd.Series(context.as_of, index=actions.index, dtype="datetime64[us]")
    due = as_of + pd.to_timedelta(actions["due_days"], unit="D")
    actions = actions.assign(due=due, rank=np.arange(1, len(actions) + 1)).reset_index(drop=True)
    shown = ["rank", "customer_id", "name", "manager", "rule", "action", "reason", "guarantee", "priority", "at_stake"]
    actions = actions[[*shown, "stake", "due"]]
    urgent = facts["customer_id"].isin(actions.loc[actions["priority"] == 1, "customer_id"])
    lost = facts.loc[urgent, "expected_loss"].dropna()
    return ActionListResult(
        context=context,
        checks=_check(parsed, counts, facts, len(every) - len(actions), most, say),
        assumed=_assume(say),
        actions=actions,
        rules=_tell_rules(parsed, counts, actions),
        managers=_by_manager(actions),
        n_accounts=len(facts),
        n_with_action=int(actions["customer_id"].nunique()),
        n_first=int((actions["priority"] == 1).sum()),
        n_left_out=len(every) - len(actions),
        most=most,
        stake_first=float(lost.sum()) if len(lost) else None,
    )


def action_facts(files: AccountFilesResult) -> pd.DataFrame:
    """The facts that rules may look at, one row per account: the columns of the files, and what is worked out from them.

    Worked out are ``silence_ratio`` (days since the last order over the usual gap), ``share_revenue_change`` (last twelve months
    against the twelve before), ``expected_loss`` (chance of loss times the value ahead, else the margin or revenue of the year),
    ``n_complaints`` (180 days), ``share_late, n_late`` (last twelve months), ``days_since_met`` (anybody of the account) and
    ``gap_group, gap_value, share_like`` (the product group worth most of those that only like accounts buy).

    Parameters
    ----------
    files : AccountFilesResult
        It is not changed.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    MissingColumnError
        ``accounts`` has no ``customer_id``.
    DataError
        An account stands twice.
    """
    require_columns(files.accounts, ["customer_id"], where="the account files")
    require_distinct(files.accounts["customer_id"], where="the account files")
    facts = files.accounts.reset_index(drop=True).copy()
    ids = facts["customer_id"]
    if "name" not in facts:
        facts["name"] = None
    facts["name"] = facts["name"].astype("object").where(facts["name"].notna(), ids)
    gap, silent = _numbers(facts, "mean_gap_days"), _numbers(facts, "days_since_last_order")
    facts["silence_ratio"] = silent / gap.where(gap > 0)
    before = _numbers(facts, "revenue_year_before")
    facts["share_revenue_change"] = _numbers(facts, "revenue_year") / before.where(before > 0) - 1
    worth = _first_known(facts, _STAKES[:3])
    facts["expected_loss"] = _numbers(facts, "expected_loss").fillna(_numbers(facts, "p_churn") * worth)
    gaps = files.gaps
    if len(gaps):
        top = gaps.sort_values(["value", "group_name"], ascending=[False, True], kind="stable")
        top = top.drop_duplicates("customer_id").set_index("customer_id")
        for name, column in (("gap_group", "group_name"), ("gap_value", "value"), ("share_like", "share_like")):
            facts[name] = ids.map(top[column])
    as_of = files.context.as_of
    if as_of is not None:
        for name, values in _recent(files, pd.Timestamp(as_of)).items():
            facts[name] = ids.map(values)
            if name == "n_complaints":
                facts[name] = facts[name].fillna(0)
    return facts


# -- inside ----------------------------------------------------------------------------------------------------------


def _recent(files: AccountFilesResult, as_of: pd.Timestamp) -> dict[str, pd.Series]:
    """What events, deliveries and meetings say of the time before the as-of date, by account."""
    facts: dict[str, pd.Series] = {}
    if len(files.events):
        days = (as_of - pd.to_datetime(files.events["event_date"])).dt.days
        recent = files.events[(files.events["event"] == "complaint") & days.between(0, COMPLAINT_DAYS)]
        facts["n_complaints"] = recent.groupby("customer_id").size()
    if len(files.deliveries):
        start = as_of.to_period("M").start_time - pd.DateOffset(months=11)
        year = files.deliveries[pd.to_datetime(files.deliveries["period"]) >= start]
        sums = year.groupby("customer_id")[["n_deliveries", "n_late"]].sum()
        facts["n_late"] = sums["n_late"]
        facts["share_late"] = sums["n_late"] / sums["n_deliveries"].where(sums["n_deliveries"] > 0)
    if len(files.contacts):
        met = pd.to_datetime(files.contacts["last_met"]).groupby(files.contacts["customer_id"]).max()
        facts["days_since_met"] = (as_of - met).dt.days
    return facts


def _known(files: AccountFilesResult, facts: pd.DataFrame) -> list[str]:
    """Facts of which the dataset has any: by what the files say, else by what stands in them."""
    said = getattr(files, "knows", None) or ()
    return [str(name) for name in facts if name in said or bool(facts[name].notna().any())]


def _propose(
    rule: Rule,
    holds: npt.NDArray[np.bool_],
    facts: pd.DataFrame,
    money: dict[str, npt.NDArray[np.float64]],
    flags: pd.DataFrame,
    say: Wording,
) -> pd.DataFrame:
    """One row per account at which the rule holds; ``money`` has the sums that may be at stake, by fact."""
    findings: dict[str, str] = {}
    if rule.flag is not None and len(flags):
        carried = flags[flags["flag"] == rule.flag].drop_duplicates("customer_id")
        findings = dict(zip(carried["customer_id"], carried["finding"].fillna(""), strict=True))
    texts = []
    named = [name for name in rule.named if name in facts]
    seen = [name for name in dict.fromkeys(["customer_id", "name", "manager", *named]) if name in facts]
    facts = facts.loc[holds, seen]
    for i, customer_id in enumerate(facts["customer_id"]):
        values = {name: _spell(facts[name].iloc[i], name, say) for name in named}
        values |= {name: say.sentence("not known") for name in rule.named if name not in values}
        values["finding"] = findings.get(customer_id) or rule.name
        texts.append((say.sentence(rule.action, **values), say.sentence(rule.reason, **values)))
    stakes = [rule.stake, *(name for name in _STAKES if name != rule.stake)]
    amounts = np.column_stack([money[name][holds] for name in stakes])
    there = ~np.isnan(amounts)
    first = there.argmax(axis=1)
    known = there[np.arange(len(facts)), first]
    manager = facts["manager"].astype("object") if "manager" in facts else pd.Series(None, index=facts.index)
    return pd.DataFrame(
        {
            "customer_id": facts["customer_id"].to_numpy(),
            "name": facts["name"].to_numpy(),
            "manager": manager.where(manager.notna(), None).to_numpy(dtype=object),
            "rule": rule.name,
            "action": [one for one, _ in texts],
            "reason": [one for _, one in texts],
            "guarantee": say.text(rule.guarantee),
            "priority": rule.priority,
            "at_stake": amounts[np.arange(len(facts)), first],
            "stake": [
                say.text(GLOSSARY[stakes[i]].label) if so else say.sentence("not known")
                for i, so in zip(first, known, strict=True)
            ],
            "due_days": rule.due_days,
        }
    )


def _order(every: pd.DataFrame) -> pd.DataFrame:
    return every.sort_values(
        ["priority", "at_stake", "customer_id", "_place"],
        ascending=[True, False, True, True],
        na_position="last",
        kind="stable",
        ignore_index=True,
    )


def _spell(value: object, name: str, say: Wording) -> str:
    if value is None or value is pd.NA or value != value:
        return say.sentence("not known")
    form = GLOSSARY[name].format
    if form == "money":
        return say.money_short(float(value))  # type: ignore[arg-type]
    if form == "share":
        return say.share(float(value), 0)  # type: ignore[arg-type]
    if form == "number":
        return say.number(float(value), 1)  # type: ignore[arg-type]
    return say.value(value, form)


def _numbers(facts: pd.DataFrame, name: str) -> pd.Series:
    if name not in facts:
        return pd.Series(np.nan, index=facts.index, dtype="float64")
    return pd.to_numeric(facts[name], errors="coerce").astype("float64")


def _first_known(facts: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    found = _numbers(facts, names[0])
    for name in names[1:]:
        found = found.fillna(_numbers(facts, name))
    return found


def _by_manager(actions: pd.DataFrame) -> pd.DataFrame:
    held = actions[actions["manager"].notna()]
    table = held.groupby("manager").agg(
        n_accounts=("customer_id", "nunique"),
        n_actions=("rank", "size"),
        n_first=("priority", lambda p: (p == 1).sum()),
    )
    table = table.astype("int64").reset_index().astype({"manager": object})
    return table.sort_values(
        ["n_first", "n_actions", "manager"], ascending=[False, False, True], ignore_index=True, kind="stable"
    )


def _tell_rules(rules: Sequence[Rule], counts: dict[str, tuple[int, int]], actions: pd.DataFrame) -> pd.DataFrame:
    listed = actions.groupby("rule").size()
    rows = [
        {
            "rule": rule.name,
            "field": condition.field,
            "operator": condition.operator,
            "limit": _limit_text(condition.limit),
            "action": rule.action,
            "reason": rule.reason,
            "priority": rule.priority,
            "due_days": rule.due_days,
            "stake": rule.stake,
            "guarantee": rule.guarantee,
            "n_accounts": counts[rule.name][0],
            "n_listed": int(listed.get(rule.name, 0)),
            "n_unknown": counts[rule.name][1],
        }
        for rule in rules
        for condition in rule.conditions
    ]
    return pd.DataFrame(rows)


def _limit_text(limit: float | bool | str | None) -> str:
    if isinstance(limit, bool):
        return "yes" if limit else "no"
    return f"{limit:g}" if isinstance(limit, float) else limit or ""


def _check(
    rules: Sequence[Rule],
    counts: dict[str, tuple[int, int]],
    facts: pd.DataFrame,
    n_left_out: int,
    most: int,
    say: Wording,
) -> tuple[Check, ...]:
    mute = [rule.name for rule in rules if len(facts) and counts[rule.name][1] == len(facts)]
    known = Check(
        assumption=say.sentence("the facts that the rules ask for are known"),
        finding=say.plural(
            "those of one rule are not known of any account: {names}",
            "those of {n} rules are not known of any account: {names}",
            len(mute),
            names=say.listing([say.text(name) for name in mute]),
        )
        if mute
        else say.sentence("every rule could be asked of some account"),
        verdict="not testable" if mute else "holds",
    )
    effect = Check(
        assumption=say.sentence("what the rules say to do helps"),
        finding=say.sentence("practice, not an estimate; the hold-out of the call list will tell of calls"),
        verdict="not testable",
    )
    few = Check(
        assumption=say.plural(
            "one action is as much as an account is told at once",
            "{n} actions are as much as an account is told at once",
            most,
        ),
        finding=say.plural("one more holds, and is left out", "{n} more hold, and are left out", n_left_out)
        if n_left_out
        else say.sentence("no account has more"),
        verdict="handled" if n_left_out else "holds",
    )
    return known, effect, few


def _assume(say: Wording) -> tuple[Assumed, ...]:
    return (
        Assumed(
            what=say.sentence("the rules and their limits"),
            value=say.sentence("a table, one row per condition"),
            would_change=say.sentence("a table of your own in its place: other accounts, other actions"),
        ),
        Assumed(
            what=say.sentence("what comes first"),
            value=say.sentence("the priority of the rule, then the money at stake"),
            would_change=say.sentence("sums of unlike kind, an expected loss and money to be won, stand in one order"),
        ),
    )
