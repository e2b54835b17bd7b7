"""What a share of wallet assumes, and whether the figures bear it out, in words."""

from __future__ import annotations

import pandas as pd

from kam.results import Assumed, Check
from kam.survey.shown_names import list_first
from kam.wording import Wording

_MANY = 0.2
"""Where more of the accounts, or of the revenue, are without a figure, the others do not speak for all."""


def check_wallet(
    say: Wording,
    known: pd.DataFrame,
    *,
    n_all: int,
    n_unknown: int,
    share_unknown: float,
    n_negative: int,
    n_nothing: int,
    n_elsewhere: int,
    has_satisfaction: bool,
) -> tuple[Check, ...]:
    """Say of each assumption of a share of wallet whether it holds; ``known`` are the accounts whose demand is known."""
    many = max(share_unknown, n_unknown / n_all) > _MANY
    checks = [
        Check(
            assumption=say.sentence("the demand of every account is known"),
            finding=say.sentence(
                "not that of {n} of {n_all} accounts with {share} of the revenue; nothing is said of them",
                n=say.count(n_unknown),
                n_all=say.count(n_all),
                share=say.share(share_unknown),
            )
            if n_unknown
            else say.sentence("it is, of {n_all}", n_all=say.count(n_all)),
            verdict="does not hold" if many else "handled" if n_unknown else "holds",
            statistic=share_unknown,
        ),
        _check_outdated(say, known),
        Check(
            assumption=say.sentence("the figures of demand are right"),
            finding=say.sentence("they are judged or asked for; the intervals do not know their error"),
            verdict="not testable",
        ),
    ]
    if n_negative or n_nothing:
        checks.append(
            Check(
                assumption=say.sentence("every account buys something"),
                finding=say.sentence(
                    "{negative} have a revenue below 0, which counts as 0; {nothing} buy nothing from anybody and are left out",
                    negative=say.count(n_negative),
                    nothing=say.count(n_nothing),
                ),
                verdict="handled",
            )
        )
    if n_elsewhere:
        checks.append(
            Check(
                assumption=say.sentence("the account file and the portfolio are the same accounts"),
                finding=say.plural(
                    "one account of the file is not in the portfolio, and does not count",
                    "{n} accounts of the file are not in the portfolio, and do not count",
                    n_elsewhere,
                ),
                verdict="handled",
            )
        )
    if has_satisfaction:
        n = int(known["satisfaction"].notna().sum())
        checks.append(
            Check(
                assumption=say.sentence("those whose satisfaction is known are like the others"),
                finding=say.sentence(
                    "it is known of {n} of {n_all}; they are not weighted", n=say.count(n), n_all=say.count(len(known))
                ),
                verdict="not testable",
            )
        )
    return tuple(checks)


def assumed_of_wallet(say: Wording, stated: str | None, min_accounts: int) -> tuple[Assumed, ...]:
    """What a share of wallet takes for given."""
    return (
        Assumed(
            what=say.sentence("demand of an account a year"),
            value=say.sentence("that of the account file")
            if stated is None
            else say.sentence("revenue over the share that the account says ({column})", column=stated),
            would_change=say.sentence(
                "if demand is larger by a tenth, the share is smaller by about a tenth of itself"
            ),
        ),
        Assumed(
            what=say.sentence("accounts that a group needs at least"),
            value=say.count(min_accounts),
            would_change=say.sentence("smaller groups would be shown, with wide intervals"),
        ),
    )


def _check_outdated(say: Wording, known: pd.DataFrame) -> Check:
    assumption = say.sentence("nobody buys more than its demand")
    outdated = known[known["is_outdated"]].sort_values("revenue", ascending=False)
    if outdated.empty:
        return Check(assumption=assumption, finding=say.sentence("nobody does"), verdict="holds")
    rest = known[~known["is_outdated"]]
    without = (
        say.sentence(
            "without them the share would be {share}", share=say.share(rest["revenue"].sum() / rest["potential"].sum())
        )
        if len(rest)
        else say.sentence("that are all")
    )
    names = outdated["name"].fillna(outdated["customer_id"]) if "name" in outdated.columns else outdated["customer_id"]
    return Check(
        assumption=assumption,
        finding=say.plural(
            "one does, so that its figure must be out of date: {names}; it counts with what it bought; {without}",
            "{n} do, so that their figures must be out of date (or revenue is that of more than a year): {names}; they count "
            "with what they bought; {without}",
            len(outdated),
            names=list_first(say, names.tolist()),
            without=without,
        ),
        verdict="handled" if len(outdated) <= _MANY * len(known) else "does not hold",
        statistic=float(len(outdated) / len(known)),
    )
