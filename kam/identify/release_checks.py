"""What is said about accounts that could be let go: why, with the money; checks of the assumptions; what is assumed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.results import Assumed, Check
from kam.wording import N_, Wording

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_NEEDS = {
    "no_contribution": N_("contribution: no cost is known"),
    "no_demand": N_("demand: the account file does not say it"),
    "low_chance": N_("chance of class A: no growth list was handed in"),
    "no_key_group": N_("company groups: the account file does not name them; key accounts themselves are kept"),
    "not_protected": N_("tiers set by hand: there are none"),
}


def say_quarters(say: Wording, n: int) -> str:
    """How long an account has been small."""
    return say.plural("class C for one quarter", "class C for {n} quarters in a row, and not growing", n)


def say_money(say: Wording, profit: float, keep: float, replace: float) -> str:
    """What an account costs and leaves a year, and what replacing it costs."""
    if np.isnan(profit):
        left = say.sentence("contribution not known")
    elif profit < 0:
        left = say.sentence("loses {money} a year", money=say.money_short(-profit))
    else:
        left = say.sentence("leaves {money} a year, so replacing it saves no loss", money=say.money_short(profit))
    parts = [
        say.sentence("cost to serve not known")
        if np.isnan(keep)
        else say.sentence("costs {keep} a year to serve", keep=say.money_short(keep)),
        left,
        say.sentence("cost of replacing not known")
        if np.isnan(replace)
        else say.sentence("replacing costs {replace} once", replace=say.money_short(replace)),
        say.sentence("let go only indirectly"),
    ]
    return say.join(parts, ";")


def say_left(say: Wording, contribution: float | None, keep: float | None) -> str:
    """The end of the sentence: what serving the candidates costs, and what is left after it."""
    money = {
        "money": "" if contribution is None else say.money_short(abs(contribution)),
        "keep": "" if keep is None else say.money_short(keep),
    }
    if contribution is None:
        return say.sentence("." if keep is None else " and cost {keep} a year to serve.", **money)
    if contribution < 0:
        return say.sentence(
            " and lose {money} a year: leaving would save that."
            if keep is None
            else ", cost {keep} a year to serve and lose {money}: leaving would save {money} a year.",
            **money,
        )
    return say.sentence(
        " and leave {money} of contribution, which would be gone."
        if keep is None
        else ", cost {keep} a year to serve and leave {money}, which would be gone.",
        **money,
    )


def list_checks(
    say: Wording,
    candidates: pd.DataFrame,
    meets: Flags,
    ever: Flags,
    left_out: tuple[str, ...],
    asked: Mapping[str, Flags],
    profit: Floats,
    potential: Floats,
) -> tuple[Check, ...]:
    """Every assumption of the list, with what the data say about it."""
    missing = [say.sentence(_NEEDS[name]) for name in left_out]
    complete = Check(
        assumption=say.sentence("all that speaks for keeping an account is known"),
        finding=say.sentence("it is")
        if not missing
        else say.sentence("not asked: {list}", list=say.join(missing, ";")),
        verdict="does not hold" if missing else "holds",
    )
    at_once = asked["buys"] & ever & asked["small"] & ~asked["not_growing"]
    tracked = Check(
        assumption=say.sentence("accounts are judged over time and not at one moment"),
        finding=say.plural(
            "one small account grew over the quarters and is kept",
            "{n} small accounts grew over the quarters and are kept",
            int(at_once.sum()),
        ),
        verdict="handled",
    )
    checks = [complete, tracked]
    if "no_contribution" in asked:
        n = int((ever & np.isnan(profit)).sum())
        checks.append(
            Check(
                assumption=say.sentence("the contribution of every account is known"),
                finding=say.sentence("it is")
                if not n
                else say.plural("of one it is not; it is kept", "of {n} it is not; they are kept", n),
                verdict="handled" if n else "holds",
            )
        )
    if "no_demand" in asked:
        n = int(np.isnan(potential[meets]).sum())
        checks.append(
            Check(
                assumption=say.sentence("the demand of every candidate is known"),
                finding=say.sentence("it is")
                if not n
                else say.plural(
                    "of one it is not: ask before letting go", "of {n} it is not: ask before letting go", n
                ),
                verdict="does not hold" if n else "holds",
            )
        )
    unpriced = int(candidates["replacement_cost"].isna().sum())
    checks.append(
        Check(
            assumption=say.sentence("it is known what winning a customer costs"),
            finding=say.sentence("it is") if not unpriced else say.sentence("not for {n}", n=say.count(unpriced)),
            verdict="not testable" if unpriced else "holds",
        )
    )
    return tuple(checks)


def list_assumed(
    say: Wording,
    asked: Mapping[str, Flags],
    n_quarters: int,
    max_p: float,
    acquisition_cost: float | None,
    growing: float,
) -> tuple[Assumed, ...]:
    """What was assumed."""
    assumed = [
        Assumed(
            what=say.sentence("quarters in a row without potential"),
            value=say.count(n_quarters),
            would_change=say.sentence("more quarters name fewer accounts"),
        ),
        Assumed(
            what=say.sentence("what growing means"),
            value=say.sentence(
                "its share of twelve months' revenue rose by more than {share} over these quarters",
                share=say.share(growing, 0),
            ),
            would_change=say.sentence("a lower limit keeps more accounts"),
        ),
        Assumed(
            what=say.sentence("who leaves takes its own revenue only"),
            value=say.sentence("yes"),
            would_change=say.sentence("accounts that order for others, or speak of us, cost more than they bring"),
        ),
    ]
    if "no_contribution" in asked:
        assumed.append(
            Assumed(
                what=say.sentence("what the contribution is"),
                value=say.sentence("what is left a year after the cost to serve"),
                would_change=say.sentence("one before that cost makes accounts look worth keeping that are not"),
            )
        )
    if "low_chance" in asked:
        assumed.append(
            Assumed(
                what=say.sentence("chance of class A from which nobody is let go"),
                value=say.share(max_p),
                would_change=say.sentence("a lower one keeps more accounts"),
            )
        )
    if acquisition_cost is not None:
        assumed.append(
            Assumed(
                what=say.sentence("cost of winning a customer, where the account file does not say it"),
                value=say.money(acquisition_cost),
                would_change=say.sentence("what replacing costs moves with it one to one"),
            )
        )
    return tuple(assumed)
