"""What moved between two runs, one kind of thing at a time: a row per account and thing, with what was told before and what now.

A movement has a *cause*, as far as it can be told. The customers can only have moved where the data count up to a later day. What
the later run says of a month that the earlier run knew, too, and says otherwise, is due to the method or to the data, and the
rest to the customers: so tiers and money are taken apart exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kam.results import Result
from kam.wording import N_

if TYPE_CHECKING:
    from kam.wording import Wording

COLUMNS = [
    *(
        "customer_id",
        "name",
        "measure",
        "told_before",
        "told_now",
        "figure_before",
        "figure_after",
        "why",
        "cause",
        "value",
    ),
]
"""Of a frame of movements."""

CUSTOMERS, METHOD, DATA, UNKNOWN = N_("customers"), N_("method"), N_("data"), N_("not known")
CUSTOMERS_OR_METHOD, CUSTOMERS_OR_DATA, METHOD_OR_DATA = (
    N_("customers or method"),
    N_("customers or data"),
    N_("method or data"),
)
LIST, TIER, LOSS, NO_ORDER, LOST = (
    N_("key-account list"),
    N_("tier"),
    N_("chance of loss"),
    N_("chance of no order"),
    N_("lost"),
)
FLAG, MONEY, AHEAD, SATISFACTION = N_("flag"), N_("twelve months"), N_("value ahead"), N_("satisfaction")
CENT = 0.005
"""Money below which two sums are the same."""

Movement = dict[str, Any]
Facts = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Setting:
    """What kinds of movement share.

    Attributes
    ----------
    names : mapping of str to str
        By account, where one is known.
    values : mapping of str to float
        Money of twelve months by account, now.
    common : frozenset of str
        Accounts that are in both runs.
    cause : callable
        The cause by the key of a result and an account (empty: none).
    again : callable
        The cause where the same month or wave is told otherwise, by the key of a result.
    say : Wording
        Language and currency.
    """

    names: Mapping[str, str]
    values: Mapping[str, float]
    common: frozenset[str]
    cause: Callable[[str, str], str]
    again: Callable[[str], str]
    say: Wording

    def row(
        self,
        customer_id: str,
        measure: str,
        told: tuple[str, str],
        cause: str,
        *,
        why: str = "",
        figures: tuple[float, float] = (np.nan, np.nan),
        name: str = "",
    ) -> Movement:
        """One movement; without an account it is of what ``name`` says."""
        return {
            "customer_id": customer_id or None,
            "name": name or self.names.get(customer_id, customer_id),
            "measure": self.say.text(measure),
            "told_before": told[0],
            "told_now": told[1],
            "figure_before": float(figures[0]),
            "figure_after": float(figures[1]),
            "why": why,
            "cause": cause,
            "value": self.values.get(customer_id, np.nan),
        }


def move_list(now: Result, before: Result, setting: Setting) -> list[Movement]:
    """Accounts that entered the list of key accounts, and accounts that left it."""
    say = setting.say
    new, old = (_by_account(one, "accounts") for one in (now, before))
    is_new, is_old = ({one for one, fact in facts.items() if fact["is_key_account"]} for facts in (new, old))
    limit_before, limit = (float(getattr(one, "min_certainty", np.nan)) for one in (before, now))
    told = (say.text("not on it"), say.text("on it"))
    rows = []
    for customer in sorted(is_new ^ is_old):  # also who is new in the ledger, or gone
        fact, entered = new.get(customer), customer in is_new
        cause = setting.cause("key_accounts", customer)
        if cause == CUSTOMERS_OR_METHOD and fact and entered and limit <= fact["p_same_class"] < limit_before:
            cause = METHOD  # by the earlier limit it would not be on the list
        gone = say.text("no longer in class A") if customer in setting.common else say.text("no longer in the ledger")
        why = str(fact["why"]) if fact else gone
        rows.append(setting.row(customer, LIST, told if entered else told[::-1], cause, why=why))
    return rows


def move_tiers(now: Result, before: Result, setting: Setting) -> list[Movement]:
    """Tiers: what the same month is told otherwise, and what changed after it."""
    then, old, again, new = _two_months(now, before)
    why = setting.say.sentence("the same month, {month}, told again", month=setting.say.period(then))
    rows = []
    for customer in sorted(setting.common & (set(old.index) | set(again.index) | set(new.index))):
        was, recounted, current = (str(one["tier"].get(customer, "none")) for one in (old, again, new))
        if was != recounted:
            cause = setting.again("tier_migration")
            rows.append(setting.row(customer, TIER, (was, recounted), cause, why=why))
        if recounted != current:
            rows.append(setting.row(customer, TIER, (recounted, current), CUSTOMERS))
    return rows


def move_money(now: Result, before: Result, setting: Setting, n_movers: int) -> list[Movement]:
    """The largest changes of the money of twelve months, and every change of what the same twelve months brought."""
    say = setting.say
    then, old, again, new = _two_months(now, before)
    ids = sorted(setting.common & (set(old.index) | set(again.index) | set(new.index)))
    was, recounted, current = (one["value"].reindex(ids).fillna(0.0).to_dict() for one in (old, again, new))
    rows = []
    why = say.sentence("months up to {month} that were over have other sums", month=say.period(then))
    for customer in ids:
        a, b = was[customer], recounted[customer]
        if abs(a - b) > CENT:
            rows.append(setting.row(customer, MONEY, (say.money(a), say.money(b)), DATA, why=why, figures=(a, b)))
    change = {customer: current[customer] - recounted[customer] for customer in ids}
    movers = sorted((one for one in ids if abs(change[one]) > CENT), key=lambda one: -abs(change[one]))
    for customer in movers[:n_movers]:
        a, b = recounted[customer], current[customer]
        more = f"{'+' if b > a else '−'}{say.money(abs(b - a))}"
        told = (say.money(a), say.money(b))
        rows.append(setting.row(customer, MONEY, told, CUSTOMERS, why=more, figures=(a, b)))
    return rows


def restated(now: Result, before: Result) -> set[str]:
    """Accounts of which a month that both runs know brought another sum."""
    measure = str(getattr(now, "measure", "revenue"))
    new, old = (
        one.tables()["tiers"]
        .assign(period=lambda frame: pd.to_datetime(frame["period"]))
        .set_index(["customer_id", "period"])[measure]
        for one in (now, before)
    )
    months = [one.index.get_level_values("period") for one in (new, old)]
    both = pd.DataFrame({"now": new, "before": old}).reset_index()
    both = both[both["period"].between(max(one.min() for one in months), min(one.max() for one in months))]
    change = both["now"].fillna(0.0) - both["before"].fillna(0.0)
    return set(both.loc[change.abs() > CENT, "customer_id"].astype(str))


def move_chances(now: Result, before: Result, setting: Setting, *, by_loss: bool) -> list[Movement]:
    """Chances whose intervals do not touch; and accounts that are lost now and were not, or the reverse."""
    say, name = setting.say, "p_churn" if by_loss else "p_no_order"
    new, old = (_by_account(one, "customers") for one in (now, before))
    states = {True: say.text("buying"), False: say.text("lost")}
    rows = []
    for customer in sorted(setting.common & new.keys() & old.keys()):
        a, b = old[customer], new[customer]
        cause = setting.cause("churn_forecast", customer)
        if by_loss and a["at_risk"] != b["at_risk"]:
            why = say.sentence("last order {days} days ago", days=say.count(b["days_since_last_order"]))
            told = (states[bool(a["at_risk"])], states[bool(b["at_risk"])])
            rows.append(setting.row(customer, LOST, told, cause, why=why))
        elif a["at_risk"] and b["at_risk"] and _are_apart(_interval(a, name), _interval(b, name)):
            ends = [(one[name], *_interval(one, name)) for one in (a, b)]
            told = (_spell(*ends[0], say, say.share), _spell(*ends[1], say, say.share))
            measure = LOSS if by_loss else NO_ORDER
            figures = (a[name], b[name])
            rows.append(setting.row(customer, measure, told, cause, why=_say_gap(b, say), figures=figures))
    return rows


def move_value(now: Result, before: Result, setting: Setting) -> list[Movement]:
    """Values ahead whose intervals do not touch."""
    say = setting.say
    new, old = (_by_account(one, "customers") for one in (now, before))
    rows = []
    for customer in sorted(setting.common & new.keys() & old.keys()):
        a, b = old[customer], new[customer]
        ends = [(one["own_value"], one["own_low"], one["own_high"]) for one in (a, b)]
        if not _are_apart(ends[0][1:], ends[1][1:]):
            continue
        told = (_spell(*ends[0], say, say.money), _spell(*ends[1], say, say.money))
        changed = a["state"] != b["state"]
        why = (
            say.sentence("state {before}, now {now}", before=say.state(str(a["state"])), now=say.state(str(b["state"])))
            if changed
            else ""
        )
        cause = setting.cause("customer_value", customer)
        rows.append(setting.row(customer, AHEAD, told, cause, why=why, figures=(ends[0][0], ends[1][0])))
    return rows


def move_flags(key: str, now: Result, before: Result, setting: Setting) -> tuple[list[Movement], list[str]]:
    """Flags that were raised and cleared; and the flags that only one of the runs looked for."""
    say = setting.say
    judged = [set(one.tables()["counts"]["flag"]) for one in (before, now)]
    frames = [one.tables()["flags"][["customer_id", "flag", "finding"]] for one in (before, now)]
    old, new = ({(str(one), str(flag)): str(text) for one, flag, text in frame.to_numpy()} for frame in frames)
    rows = []
    for customer, flag in sorted(old.keys() ^ new.keys()):
        if customer in setting.common and flag in judged[0] & judged[1]:
            raised = (customer, flag) in new
            found = (new if raised else old)[customer, flag]
            why = found if raised else say.sentence("before: {finding}", finding=found)
            named = say.text(str(flag))
            told = (NONE, named) if raised else (named, NONE)
            rows.append(setting.row(customer, FLAG, told, setting.cause(key, customer), why=why))
    return rows, sorted(judged[0] ^ judged[1])


def move_satisfaction(now: Result, before: Result, setting: Setting) -> list[Movement]:
    """Overall satisfaction of the last wave of each run, of all and by group, where the intervals do not touch."""
    say, cause = setting.say, setting.cause("estimates", "")
    of_new_wave = CUSTOMERS_OR_METHOD if METHOD in cause else CUSTOMERS
    new, old = (_last_means(one) for one in (now, before))
    rows = []
    for place in sorted(new.keys() & old.keys()):
        a, b = old[place], new[place]
        ends = [(one["estimate"], one["ci_low"], one["ci_high"]) for one in (a, b)]
        if not _are_apart(ends[0][1:], ends[1][1:]):
            continue
        told = tuple(
            say.sentence("{figure}, wave {wave}", figure=_spell(*end, say, say.number), wave=one["wave"])
            for end, one in zip(ends, (a, b), strict=True)
        )
        same_wave = a["wave"] == b["wave"]
        rows.append(
            setting.row(
                "",
                SATISFACTION,
                (told[0], told[1]),
                setting.again("estimates") if same_wave else of_new_wave,
                name=say.text("all accounts") if place[0] == "all" else f"{place[0]}: {place[1]}",
                why=say.text("the same wave, told again") if same_wave else "",
                figures=(ends[0][0], ends[1][0]),
            )
        )
    return rows


NONE = "–"
"""In the place of a flag that is not there."""


# -- inside ----------------------------------------------------------------------------------------------------------


def _by_account(result: Result, table: str) -> Facts:
    frame = result.tables()[table].drop_duplicates("customer_id").set_index("customer_id")
    return {
        str(one): {str(name): fact for name, fact in facts.items()} for one, facts in frame.to_dict("index").items()
    }


def _two_months(now: Result, before: Result) -> tuple[pd.Timestamp, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The earlier run's last month; the accounts in it by the earlier run, by the later, and those in the later's last month."""
    tiers = [one.tables()["tiers"] for one in (before, now)]
    months = [pd.to_datetime(one["period"]) for one in tiers]
    then, today = (one.max() for one in months)
    old, again, new = (
        frame[month == at].drop_duplicates("customer_id").set_index("customer_id")[["tier", "value"]]
        for frame, month, at in ((tiers[0], months[0], then), (tiers[1], months[1], then), (tiers[1], months[1], today))
    )
    return then, old, again, new


def _are_apart(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two intervals do not touch; where an end is missing nobody knows.

    >>> _are_apart((0.1, 0.2), (0.3, 0.4)), _are_apart((0.1, 0.3), (0.2, 0.4)), _are_apart((0.1, float("nan")), (0.3, 0.4))
    (True, False, False)
    """
    return bool(one[1] < other[0] or other[1] < one[0])


def _interval(fact: Mapping[str, Any], name: str) -> tuple[float, float]:
    return fact[f"{name}_low"], fact[f"{name}_high"]


def _spell(value: float, low: float, high: float, say: Wording, spell: Callable[[float], str]) -> str:
    return say.sentence("{value} ({low} to {high})", value=spell(value), low=spell(low), high=spell(high))


def _say_gap(fact: Mapping[str, Any], say: Wording) -> str:
    days, gap = say.count(fact["days_since_last_order"]), fact["mean_gap_days"]
    if gap != gap:
        return say.sentence("last order {days} days ago", days=days)
    return say.sentence("last order {days} days ago, usually every {gap}", days=days, gap=say.count(gap))


def _last_means(estimates: Result) -> dict[tuple[str, str], dict[str, Any]]:
    """Mean overall satisfaction in the last wave, every account counted alike, by group."""
    rows = estimates.tables()["measures"]
    rows = rows[(rows["item"] == "overall") & (rows["measure"] == "mean") & (rows["each"] == "account")]
    rows = rows[rows["estimate"].notna() & (rows["wave"] == rows["wave"].max())]
    rows = rows.sort_values("level_3", kind="stable").drop_duplicates(["by", "group_name"])
    if estimates.context.audience == "shared":
        rows = rows[rows["by"] == "all"]  # the change of a small group would tell who was new in it
    found = [{str(name): fact for name, fact in one.items()} for one in rows.to_dict("records")]
    return {(str(one["by"]), str(one["group_name"])): one for one in found}
