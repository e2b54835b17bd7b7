"""What a draw of accounts assumes, and whether the frame bears it out, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from kam.results import Assumed, Check
from kam.wording import Wording

_FORMULA = re.compile(r"[=+\-@\t\r＝＋－＠]")  # what a spreadsheet takes for a formula
_MAX_NAMED = 5


def check_draw(
    say: Wording,
    accounts: pd.DataFrame,
    taken: pd.DataFrame,
    table: pd.DataFrame,
    contacts: pd.DataFrame | None,
) -> tuple[Check, ...]:
    """Say of each assumption of a draw whether it holds; ``taken`` are the accounts drawn, ``table`` the strata."""
    alone = table[(table["n_drawn"] < 2) & (table["n_population"] > table["n_drawn"])]
    guarded = taken["customer_id"].map(lambda x: bool(_FORMULA.match(x)))
    checks = [
        Check(
            assumption=say.sentence("every account has one chance to be drawn, and it is known"),
            finding=say.sentence("{n} accounts stand in the frame once each", n=say.count(len(accounts))),
            verdict="holds",
        ),
        Check(
            assumption=say.sentence("the frame holds every account one wants to speak of"),
            finding=say.sentence("who is not in it cannot be drawn; compare it with the ledger"),
            verdict="not testable",
        ),
        Check(
            assumption=say.sentence("at least two accounts are drawn in every stratum that is not drawn whole"),
            finding=say.sentence("one only in {names}", names=say.listing(alone["stratum"].tolist()))
            if len(alone)
            else say.sentence("the fewest are {n}", n=say.count(table["n_drawn"].min())),
            verdict="does not hold" if len(alone) else "holds",
        ),
        Check(
            assumption=say.sentence("identifiers come back as they went out"),
            finding=say.plural(
                "one begins like a formula and gets an apostrophe in CSV files: {ids}",
                "{n} begin like a formula and get an apostrophe in CSV files: {ids}",
                int(guarded.sum()),
                ids=say.join(taken.loc[guarded, "customer_id"].head(_MAX_NAMED), ","),
            )
            if guarded.any()
            else say.sentence("none begins like a formula"),
            verdict="does not hold" if guarded.any() else "holds",
        ),
    ]
    if contacts is not None:
        without = ~taken["customer_id"].isin(set(contacts["customer_id"]))
        checks.append(
            Check(
                assumption=say.sentence("somebody can be called at every account drawn"),
                finding=say.plural(
                    "one account has no contact; find one before the field",
                    "{n} accounts have no contact; find one before the field",
                    int(without.sum()),
                )
                if without.any()
                else say.sentence("every account has a contact"),
                verdict="does not hold" if without.any() else "holds",
            )
        )
    return tuple(checks)


def assumed_of_draw(
    say: Wording,
    n: int,
    allocation: str,
    table: pd.DataFrame,
    certainty: int | float | None,
    certainty_from: float | None,
    min_per_stratum: int,
    response_rate: float | Mapping[str, float] | None,
) -> tuple[Assumed, ...]:
    """What a draw takes for given."""
    assumed = [
        Assumed(
            what=say.sentence("accounts to draw"),
            value=say.count(n),
            would_change=say.sentence("intervals narrow with the root of the number of answers"),
        ),
        Assumed(
            what=say.sentence("allocation to strata"),
            value=say.sentence("proportional to their accounts")
            if allocation == "proportional"
            else say.sentence("proportional to accounts times standard deviation (Neyman)"),
            would_change=say.sentence(
                "Neyman's gives the narrowest interval of the whole, proportional weighs all alike"
            ),
        ),
        Assumed(
            what=say.sentence("accounts drawn at least in each stratum"),
            value=say.count(min_per_stratum),
            would_change=say.sentence("more let one speak of small strata, and cost precision of the whole"),
        ),
    ]
    if certainty is not None or certainty_from is not None:
        rules = []
        if certainty is not None:
            rules.append(
                say.sentence("the largest that make {share} of the size", share=say.share(certainty))
                if isinstance(certainty, (float, np.floating))
                else say.sentence("the {n} largest", n=say.count(certainty))
            )
        if certainty_from is not None:
            rules.append(say.sentence("all of size {size} or more", size=say.money(certainty_from)))
        assumed.append(
            Assumed(
                what=say.sentence("accounts drawn for certain"),
                value=say.listing(rules),
                would_change=say.sentence(
                    "they stand for themselves alone; the fewer, the more of the others are asked"
                ),
            )
        )
    if response_rate is not None:
        expected = float(table["n_expected"].sum() / table["n_drawn"].sum())
        assumed.append(
            Assumed(
                what=say.sentence("share of the drawn that answers"),
                value=say.share(expected),
                would_change=say.sentence("answers are expected in proportion to it"),
            )
        )
    return tuple(assumed)
