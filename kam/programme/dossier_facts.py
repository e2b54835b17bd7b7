"""What a dossier says of an account, a row each: what it is about, what was found, and how sure that is or why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from kam.churn.reasons import say_reasons
from kam.identify.price_volume_mix import signed
from kam.wording import Wording

if TYPE_CHECKING:
    from kam.programme.account_files import AccountFilesResult

FACTS = ("section", "term", "finding", "reason")
Fact = tuple[str, str, str, str]
NO_SPONSOR = "no sponsor"
_MOST_FLAGS, _MOST_GAPS, _MOST_REASONS = 5, 3, 2


def tell_facts(own: AccountFilesResult, say: Wording) -> list[Fact]:
    """The facts of one account, in the order of the dossier; what is not known has no row.

    Parameters
    ----------
    own : AccountFilesResult
        Of one account.
    say : Wording
    """
    row = row_of(own.accounts)
    parts = {
        "who": _who(own, row, say),
        "history": _history(own, row, say),
        "standing": _standing(own, row, say),
        "heading": _heading(own, row, say),
    }
    return [(section, *fact) for section, facts in parts.items() for fact in facts]


def row_of(accounts: pd.DataFrame) -> dict[str, Any]:
    """The first row, by column."""
    return {str(name): value for name, value in accounts.iloc[0].items()}


def known(value: object) -> bool:
    """Whether there is a value; an empty text is none."""
    return not (value is None or value is pd.NA or value != value or value == "")


_Three = Iterator[tuple[str, str, str]]
_Row = dict[str, Any]


def _who(own: AccountFilesResult, row: _Row, say: Wording) -> _Three:
    about = [str(row["customer_id"])]
    about += [str(row[name]) for name in ("industry", "region") if known(row[name])]
    since = row["customer_since"] if known(row["customer_since"]) else None
    if since is not None:
        about.append(say.sentence("customer since {date}", date=say.date(since)))
    elif known(row["first_order"]):
        about.append(say.sentence("first order on {date}", date=say.date(row["first_order"])))
    yield say.sentence("Account"), say.join(about, ","), ""
    if known(row["parent_name"]) or (known(row["n_in_group"]) and row["n_in_group"] > 1):
        head = row["parent_name"] if known(row["parent_name"]) else row["name"]
        yield (
            say.sentence("Group"),
            str(head),
            say.plural("one account", "{n} accounts", int(row["n_in_group"])) if known(row["n_in_group"]) else "",
        )
    if known(row["manager"]):
        sponsor = (
            say.sentence("sponsor {name}", name=row["sponsor"]) if known(row["sponsor"]) else say.sentence("no sponsor")
        )
        yield say.sentence("Looked after by"), str(row["manager"]), sponsor
    if known(row["competitors"]):
        yield (
            say.sentence("Competitors there"),
            say.listing([one.strip() for one in str(row["competitors"]).split(";")]),
            "",
        )
    if known(row["account_types"]):
        yield say.sentence("Type"), say.join(map(say.text, str(row["account_types"]).split("; ")), ","), ""


def _history(own: AccountFilesResult, row: _Row, say: Wording) -> _Three:
    events = own.events
    tenders = events[(events["event"] == "tender") & events["outcome"].isin(["won", "lost"])]
    if len(tenders):
        gone = tenders[tenders["outcome"] == "lost"]
        yield (
            say.sentence("Tenders"),
            say.sentence(
                "{won} won, {lost} lost", won=say.count((tenders["outcome"] == "won").sum()), lost=say.count(len(gone))
            ),
            say_reasons_of(gone, say),
        )
    complaints = events[events["event"] == "complaint"]
    if len(complaints):
        open_ones = int((complaints["outcome"] == "open").sum())
        said = say.plural("one", "{n}", len(complaints))
        yield (
            say.sentence("Complaints"),
            say.join([said, say.plural("one open", "{n} open", open_ones) if open_ones else ""], ","),
            _most_common(complaints["reason"], say),
        )
    handovers = events[events["event"] == "handover"]
    if len(handovers):
        last = handovers.iloc[-1]
        to = say.sentence("to {name}", name=last["outcome"]) if known(last["outcome"]) else ""
        yield say.sentence("Last handover"), say.date(last["event_date"]), to
    lost = events[events["event"] == "lost"]
    if len(lost):
        last = lost.iloc[-1]
        yield say.sentence("Logged as lost"), say.date(last["event_date"]), say_reasons_of(lost.tail(1), say)


def _standing(own: AccountFilesResult, row: _Row, say: Wording) -> _Three:
    if known(row["revenue_year"]):
        change = ""
        if known(row["revenue_year_before"]) and row["revenue_year_before"] > 0:
            change = f" ({_percent(row['revenue_year'] / row['revenue_year_before'] - 1, say)})"
        share = (
            say.sentence("last twelve months; {share} of ours", share=say.share(row["share_our_revenue"]))
            if known(row["share_our_revenue"])
            else say.sentence("last twelve months")
        )
        yield say.sentence("Net revenue"), say.money(row["revenue_year"]) + change, share
    mix = own.mix[own.mix["revenue_change"].abs() > 0]
    if len(mix):
        largest = mix.loc[mix["revenue_change"].abs().sort_values(ascending=False).index[:3]]
        parts = [
            f"{say.text(part)} {signed(x, say)}" for part, x in largest[["revenue_part", "revenue_change"]].to_numpy()
        ]
        yield say.sentence("Why it changed"), say.join(parts, ";"), say.sentence("against the twelve months before")
    if known(row["profit"]):
        margin = say.money(row["profit"])
        if known(row["revenue"]) and row["revenue"] > 0:
            margin += f" ({say.share(row['profit'] / row['revenue'])})"
        why = [say.sentence("all years")]
        if known(row["cost_to_serve"]):
            why.append(say.sentence("after {money} cost to serve", money=say.money(row["cost_to_serve"])))
        if known(row["quadrant"]):
            why.append(say.text(str(row["quadrant"])))
        yield say.sentence("Contribution"), margin, say.join(why, ";")
    if known(row["share_of_target"]):
        yield (
            say.sentence("Target"),
            say.sentence("{share} reached", share=say.share(row["share_of_target"], 0)),
            say.sentence(
                "{gap} against {target}", gap=signed(row["target_gap"], say), target=say.money(row["revenue_target"])
            ),
        )
    if known(row["tier"]):
        since = (
            say.sentence(
                "{tier} since {month}", tier=say.word(row["tier"], "tier"), month=say.period(row["tier_since"])
            )
            if known(row["tier_since"])
            else say.word(str(row["tier"]), "tier")
        )
        yield say.sentence("Tier"), since, str(row["why"]) if known(row["why"]) else ""
    if known(row["abc_class"]):
        yield (
            say.sentence("Class"),
            _say_class(row, say),
            say.sentence("{abc} again in {p} of re-runs", abc=row["abc_class"], p=say.share(row["p_same_class"], 0))
            if known(row["p_same_class"])
            else "",
        )
    if known(row["weighted_score"]):
        yield (
            say.sentence("Scorecard"),
            say.sentence("{score} of 1", score=say.number(row["weighted_score"])),
            say.sentence("tier A in {p} of all weights tried", p=say.share(row["p_tier_a"], 0))
            if known(row["p_tier_a"])
            else "",
        )
    if known(row["segment"]):
        yield say.sentence("Segment"), say.word(str(row["segment"]), "segment"), _rhythm(row, say)
    elif known(row["days_since_last_order"]):
        yield say.sentence("Last order"), say.date(row["last_order"]), _rhythm(row, say)
    gaps = own.gaps.sort_values("value", ascending=False)
    if len(gaps):
        named = [
            say.sentence("{group} ({money} a year)", group=group, money=say.money_short(value))
            for group, value in gaps[["group_name", "value"]].head(_MOST_GAPS).to_numpy()
        ]
        yield (
            say.sentence("Does not buy from us"),
            say.join(named, ";"),
            say.sentence("{share} of like accounts do", share=say.share(float(gaps["share_like"].iloc[0]), 0)),
        )
    for _, flag in own.flags[own.flags["flag"] != NO_SPONSOR].head(_MOST_FLAGS).iterrows():
        since = say.sentence("since {month}", month=say.period(flag["since"])) if known(flag["since"]) else ""
        since = "" if since in str(flag["finding"]) else since
        yield say.sentence("Flag: {flag}", flag=say.text(flag["flag"])), str(flag["finding"]), since


def _heading(own: AccountFilesResult, row: _Row, say: Wording) -> _Three:
    days = say.count(own.horizon_days or 0)
    if known(row["p_churn"]) and known(row["p_churn_low"]):
        why = say_reasons(
            own.reasons, [row["customer_id"]], horizon_days=own.horizon_days or 0, say=say, facts=own.accounts
        )[row["customer_id"]]
        yield (
            say.sentence("Chance of loss"),
            _with_interval(row, "p_churn", days, say),
            why or say.sentence("nothing raises it above the mean of all accounts"),
        )
    if known(row["p_no_order"]) and known(row["p_no_order_low"]):
        yield (
            say.sentence("No order"),
            _with_interval(row, "p_no_order", days, say),
            say.sentence("revenue expected: {money}", money=say.money(row["expected_revenue"]))
            if known(row["expected_revenue"])
            else "",
        )
    if known(row["status"]) and known(row["reason"]):
        yield say.sentence("Before its silence"), str(row["reason"]), say.text(str(row["status"]))
    if known(row["p_return"]):
        yield (
            say.sentence("Return"),
            say.sentence("{p} within {n} days", p=say.share(row["p_return"]), n=days),
            say.sentence("then worth {money}", money=say.money(row["value_if_returns"]))
            if known(row["value_if_returns"])
            else "",
        )
    if known(row["value_ahead"]):
        interval = say.interval(say.money_short(row["ahead_low"]), say.money_short(row["ahead_high"]))
        yield (
            say.sentence("Value ahead"),
            say.sentence(
                "{money} over {periods}",
                money=say.money(row["value_ahead"]),
                periods=say.periods(own.value_periods or 0, own.value_freq or "quarter"),
            ),
            say.sentence("state {state}; {interval}", state=say.state(row["state"]), interval=interval)
            if known(row["state"])
            else interval,
        )
    elif known(row["state"]):
        yield say.sentence("State"), say.state(str(row["state"])), ""
    if known(row["share_wallet"]):
        yield (
            say.sentence("Share of wallet"),
            say.share(row["share_wallet"], 0),
            say.sentence(
                "{money} of {potential} a year go elsewhere",
                money=say.money(row["elsewhere"]),
                potential=say.money(row["potential"]),
            ),
        )
    if known(row["p_become_a"]) and known(row["is_named"]) and row["is_named"]:
        yield (
            say.sentence("Chance of class A"),
            say.sentence("{p} within {n} months", p=say.share(row["p_become_a"]), n=say.count(own.growth_months or 0)),
            say.sentence("on the list of accounts to grow"),
        )


def _say_class(row: _Row, say: Wording) -> str:
    regular = {
        "X": say.sentence("orders regularly (X)"), "Y": say.sentence("orders with variation (Y)"),
        "Z": say.sentence("orders irregularly (Z)"), "new": say.sentence("too new for a rhythm"),
        "ended": say.sentence("orders ended"),
    }.get(str(row["xyz_class"]), "")  # fmt: skip
    return say.join([say.sentence("{abc} by value", abc=row["abc_class"]), regular], ",")


def _with_interval(row: _Row, name: str, days: str, say: Wording) -> str:
    return say.sentence(
        "{p} within {n} days ({low} to {high})",
        n=days,
        p=say.share(row[name]),
        low=say.share(row[f"{name}_low"]),
        high=say.share(row[f"{name}_high"]),
    )


def _rhythm(row: _Row, say: Wording) -> str:
    days = round(row["days_since_last_order"])
    last = (
        say.plural("last order one day ago", "last order {n} days ago", days)
        if days
        else say.sentence("last order today")
    )
    if not known(row["mean_gap_days"]):
        return last
    return say.plural("{last}, usual gap one day", "{last}, usual gap {n} days", round(row["mean_gap_days"]), last=last)


def _percent(change: float, say: Wording) -> str:
    return f"{'+' if change > 0 else ''}{say.share(change, 0)}"


def say_reasons_of(events: pd.DataFrame, say: Wording) -> str:
    """Reasons of events, the last first, each with the competitor who was involved."""
    texts = [
        f"{reason} ({who})" if known(reason) and known(who) else str(reason if known(reason) else who)
        for reason, who in zip(events["reason"], events["competitor"], strict=True)
        if known(reason) or known(who)
    ]
    return say.join(list(dict.fromkeys(reversed(texts)))[:_MOST_REASONS], ";")


def _most_common(reasons: pd.Series, say: Wording) -> str:
    counted = reasons.dropna().value_counts().sort_index().sort_values(ascending=False, kind="stable")
    most = [say.sentence("{n} × {reason}", n=say.count(n), reason=reason) for reason, n in counted.head(2).items()]
    return say.join(most, ";")
