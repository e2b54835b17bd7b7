"""Why an account is on the list of key accounts or not, and what to look at, in words with the figure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from kam.identify.key_account_facts import MIN_PURCHASE_DAYS
from kam.wording import Wording

MIN_MONTHS = 6
"""In fewer months one month always weighs much, and no warning is given of it."""

Fact = Mapping[Hashable, Any]


def shorten(name: str, length: int = 40) -> str:
    """A name of at most so many characters."""
    return name if len(name) <= length else name[: length - 1] + "…"


def name_misses(fact: Fact, met: Fact, say: Wording) -> list[str]:
    """The criteria that an account misses, each with the figure behind it."""
    if not fact["n_orders"]:
        return [say.sentence("no order, credit notes only")]
    misses = []
    if not met["large"]:
        misses.append(say.sentence("class {abc_class} by value", abc_class=fact["abc_class"]))
    elif not met["surely_large"]:
        misses.append(say.sentence("class A again: only {p}", p=say.share(fact["p_same_class"])))
    if not met["steady"]:
        few = fact["n_purchase_days"] < MIN_PURCHASE_DAYS
        misses.append(
            say.plural("bought on one day only", "bought on {n} days only", fact["n_purchase_days"])
            if few or fact["active_share"] != fact["active_share"]
            else say.sentence("ordered in {share} of its months, at random gaps", share=say.share(fact["active_share"]))
        )
    if not met["still_buying"]:
        misses.append(say.sentence("silent for {days} days", days=say.count(fact["days_since_last_order"])))
    if not met.get("profitable", True) and fact["profit"] > 0:
        misses.append(say.sentence("margin of the last 12 months is {x}", x=say.money(fact["margin_year"])))
    elif not met.get("profitable", True):
        misses.append(say.sentence("profit is {profit}", profit=say.money(fact["profit"])))
    return misses


def say_why(fact: Fact, misses: list[str], say: Wording) -> str:
    """What it misses; else its rhythm and how sure its class is. A tier set by hand comes first."""
    by_hand = (
        say.sentence("tier {tier} set by hand: {reason}", tier=fact["tier"], reason=fact["set_by_hand"])
        if fact["set_by_hand"]
        else ""
    )
    if misses:
        return say.join([*filter(None, [by_hand]), *misses], ";")
    rhythm = say.sentence("orders every {days} days", days=say.count(max(1, fact["median_gap_days"])))
    sure = (
        say.sentence("class A again: over {p}", p=say.share(0.99, 0))
        if fact["p_same_class"] > 0.99
        else say.sentence("class A again: {p}", p=say.share(fact["p_same_class"], 0))
    )
    criteria = (
        ""
        if fact["p_tier_a"] != fact["p_tier_a"]
        else say.sentence("A by all criteria: {p}, hangs on their weights", p=say.share(fact["p_tier_a"], 0))
        if fact["hangs_on_weights"]
        else say.sentence("A by all criteria: {p}", p=say.share(fact["p_tier_a"], 0))
    )
    return say.join(filter(None, [by_hand, rhythm, sure, criteria]), ";")


def is_silent(fact: Fact) -> bool:
    """Whether an account that has not ended is silent for more than three times its rhythm, and a month."""
    gap = fact["median_gap_days"]
    return bool(fact["xyz_class"] != "ended" and gap == gap and fact["days_since_last_order"] > max(3 * gap, 30))


def say_warning(fact: Fact, usual_returns: float, say: Wording) -> str:
    """What to look at before the next visit; empty where there is nothing."""
    found = []
    if fact["share_returns"] > max(3 * usual_returns, 0.05):
        found.append(say.sentence("returns {share}", share=say.share(fact["share_returns"])))
    if fact["share_largest_month"] >= 0.5 and fact["n_periods"] >= MIN_MONTHS:
        found.append(say.sentence("{share} of revenue in one month", share=say.share(fact["share_largest_month"], 0)))
    if is_silent(fact):
        days, gap = say.count(fact["days_since_last_order"]), say.count(max(1, fact["median_gap_days"]))
        found.append(say.sentence("silent {days} days, usually {gap}", days=days, gap=gap))
    if fact["xyz_class"] != "ended" and fact["change_year"] <= -0.3:
        found.append(say.sentence("last 12 months {change}", change=say.share(fact["change_year"], 0)))
    if fact["flags"]:
        found.append(fact["flags"])
    return say.join(found, ";")


def describe_criteria(
    met: pd.DataFrame,
    so_far: pd.DataFrame,
    say: Wording,
    min_certainty: float,
    max_gap_cv: float,
    min_active_share: float,
) -> pd.DataFrame:
    """One row per criterion: what it means, and how many accounts meet it and all before it."""
    meanings = {
        "large": say.sentence("class A by value"),
        "surely_large": say.sentence(
            "at least {p} sure to be class A again, if the same ordering ran again", p=say.share(min_certainty, 0)
        ),
        "steady": say.sentence(
            "ordered in at least {share} of its months, or at gaps that vary by at most {cv} of their mean",
            share=say.share(min_active_share, 0),
            cv=say.share(max_gap_cv, 0),
        ),
        "still_buying": say.sentence("not silent for more than 180 days and three times its own rhythm"),
        "profitable": say.sentence(
            "profit above zero, after all costs that are known, and no loss on the goods of the last twelve months"
        ),
    }
    return pd.DataFrame(
        {
            "criterion": met.columns,
            "meaning": [meanings[name] for name in met.columns],
            "n_customers": met.sum().to_numpy(),
            "n_all_so_far": so_far.sum().to_numpy(),
        }
    )
