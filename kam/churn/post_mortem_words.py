"""What a post-mortem says: the reason of each account, what it assumes, and whether the data bear it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.movements import Measure
from kam.results import Assumed, Check
from kam.wording import Wording

MAX_NAMED = 3
"""Product groups that are named; the rest is counted."""


def say_how_many(say: Wording, n_lost: int, n_rhythm: int) -> str:
    """How many large accounts are lost, and how many are silent beyond their own rhythm, but not yet lost.

    >>> say_how_many(Wording(), 14, 9)
    '14 large accounts are lost and 9 more are silent beyond their own rhythm'
    """
    if not n_lost:
        return say.plural(
            "No large account is lost, but one is silent beyond its own rhythm",
            "No large account is lost, but {n} are silent beyond their own rhythm",
            n_rhythm,
        )
    lost = say.plural("One large account is lost", "{n} large accounts are lost", n_lost)
    if not n_rhythm:
        return lost
    return say.plural(
        "{lost} and one more is silent beyond its own rhythm",
        "{lost} and {n} more are silent beyond their own rhythm",
        n_rhythm,
        lost=lost,
    )


def say_reason(
    say: Wording, rows: Mapping[str, pd.Series], groups: Sequence[str], window_days: int, young: bool
) -> str:
    """What stands out at one account, the most surprising first."""
    notable = {term: row for term, row in rows.items() if row["is_notable"]}
    if not notable:
        if young:
            return say.sentence("too short a history to compare with")
        return say.sentence("nothing of what was looked at moved more than usual")
    order = sorted(notable, key=lambda term: (np.nan_to_num(notable[term]["p_value"], nan=0.0), list(rows).index(term)))
    return say.join((_say_movement(say, term, notable[term], groups, window_days) for term in order), ";")


def assumed_of_post_mortem(
    say: Wording,
    threshold: float,
    top_share: float | None,
    window_days: int,
    level_days: int,
    gap_multiple: float | None,
    n_peers: int,
    alpha: float,
    unusual: float,
) -> tuple[Assumed, ...]:
    """What a post-mortem takes for given."""
    large = say.sentence("{money} in the larger of its last two years", money=say.money(threshold))
    if top_share is not None:
        large = say.sentence("the largest {share}: {large}", share=say.share(top_share, 0), large=large)
    rows = [
        Assumed(
            what=say.sentence("what makes an account large"),
            value=large,
            would_change=say.sentence("with a lower limit more lost accounts are examined"),
        ),
        Assumed(
            what=say.sentence("days before the end, and days before these"),
            value=say.sentence("{window} and {level}", window=say.count(window_days), level=say.count(level_days)),
            would_change=say.sentence("a shorter window shows what came suddenly, and with fewer orders less surely"),
        ),
        Assumed(
            what=say.sentence("when a change stands out"),
            value=say.sentence(
                "p up to {alpha}, and at most {unusual} of up to {n} comparable accounts that stayed",
                alpha=say.number(alpha),
                unusual=say.share(unusual, 0),
                n=say.count(n_peers),
            ),
            would_change=say.sentence("stricter limits name fewer changes, and miss more of those that were there"),
        ),
    ]
    if gap_multiple is not None:
        rows.append(
            Assumed(
                what=say.sentence("own median gaps of silence after which an account is silent beyond its rhythm"),
                value=say.number(gap_multiple, 1),
                would_change=say.sentence("with a larger multiple fewer accounts are examined, and later"),
            )
        )
    return tuple(rows)


def check_post_mortem(
    say: Wording,
    accounts: pd.DataFrame,
    patterns: pd.DataFrame,
    *,
    peers_of: npt.NDArray[np.int64],
    young: npt.NDArray[np.bool_],
    missing: Sequence[Measure],
    min_peers: int,
    alpha: float,
) -> tuple[Check, ...]:
    """Say of each assumption of a post-mortem whether the data bear it out."""
    few, rhythm, n = int((peers_of < min_peers).sum()), int((~accounts["is_lost"]).sum()), len(accounts)
    tested = patterns[patterns["term"] != "manager handover"]
    chance = float(tested["peers_notable"].mean()) if tested["peers_notable"].notna().any() else float("nan")
    return (
        Check(
            assumption=say.sentence("there are comparable accounts that stayed"),
            finding=say.sentence(
                "for {few} of {n} accounts there are fewer than {min}; these are compared with their own past alone",
                few=say.count(few),
                n=say.count(n),
                min=say.count(min_peers),
            ),
            verdict="holds" if few == 0 else "handled" if few <= n / 2 else "does not hold",
            statistic=float(np.median(peers_of)),
        ),
        Check(
            assumption=say.sentence("the accounts were there long enough to know what was usual"),
            finding=say.sentence(
                "{n} of {n_all} have less history than the window; nothing is said of them but handovers",
                n=say.count(young.sum()),
                n_all=say.count(n),
            ),
            verdict="holds" if not young.any() else "handled",
        ),
        Check(
            assumption=say.sentence("at an unchanged habit hardly anything stands out"),
            finding=say.sentence("too few accounts that stayed to say")
            if np.isnan(chance)
            else say.sentence(
                "at accounts that stayed, one thing looked at stands out in {share} of the cases (up to {alpha} by chance); "
                "a single finding is a hint",
                share=say.share(chance),
                alpha=say.share(alpha, 0),
            ),
            verdict="not testable" if np.isnan(chance) else "holds" if chance <= alpha else "handled",
            statistic=None if np.isnan(chance) else chance,
        ),
        Check(
            assumption=say.sentence("those examined do not come back"),
            finding=say.sentence(
                "{n} of {n_all} are silent beyond their own rhythm, but not yet as long as the definition asks: some may return",
                n=say.count(rhythm),
                n_all=say.count(n),
            ),
            verdict="holds" if rhythm == 0 else "not testable",
        ),
        Check(
            assumption=say.sentence("everything that may have moved was looked at"),
            finding=say.sentence("of the things that kam looks at, all were there")
            if not missing
            else say.sentence(
                "not looked at: {missing}",
                missing=say.join(
                    (say.sentence("{term} ({why})", term=say.text(m.term), why=say.text(m.without)) for m in missing),
                    ";",
                ),
            ),
            verdict="holds" if not missing else "does not hold",
        ),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _say_movement(say: Wording, term: str, row: pd.Series, groups: Sequence[str], window_days: int) -> str:
    before, level = float(row["before"]), float(row["usual"])
    ends = {"level": say.share(level, 0), "before": say.share(before, 0)}
    if term == "late deliveries":
        return say.sentence("late deliveries rose from {level} to {before}", **ends)
    if term == "complaints":
        return say.plural(
            "one complaint within {days} days, where {usual} were usual",
            "{n} complaints within {days} days, where {usual} were usual",
            round(before),
            days=say.count(window_days),
            usual=say.number(level, 1),
        )
    if term == "spend":
        return say.sentence("spend fell by {share} against what was usual", share=say.share(1 - before / level, 0))
    if term == "order interval":
        return say.sentence(
            "from one order every {level} days to one every {before}", level=say.count(level), before=say.count(before)
        )
    if term == "returns":
        return say.sentence("returns rose from {level} to {before} of what was bought", **ends)
    if term == "product groups bought":
        named = [*groups[:MAX_NAMED], *([say.sentence("others")] if len(groups) > MAX_NAMED else [])]
        return say.sentence(
            "{n} of {n_all} product groups given up: {named}",
            n=say.count(level - before),
            n_all=say.count(level),
            named=say.listing(named),
        )
    if term == "discount":
        return say.sentence(
            "the discount fell from {level} to {before}", level=say.share(level), before=say.share(before)
        )
    if term == "manager handover":
        return say.sentence("a new manager within the half year before")
    return say.plural(
        "one contact or visit within {days} days, where {usual} were usual",
        "{n} contacts or visits within {days} days, where {usual} were usual",
        round(before),
        days=say.count(window_days),
        usual=say.number(level, 1),
    )
