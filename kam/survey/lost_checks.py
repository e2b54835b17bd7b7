"""What a comparison of the lost with the stayed assumes, and whether the data bear it out, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from kam.results import Assumed, Check
from kam.wording import Wording

SOURCE_RANGE = (0.66, 0.85)
"""Share of those who left that were satisfied, as the sources of the field have it."""
ALIKE_WITHIN = 0.05
"""The lost answered as often as the stayed if the interval of the difference lies within this margin."""


def check_lost(
    say: Wording,
    *,
    asked: pd.DataFrame,
    n_lost: int,
    left_out: pd.DataFrame,
    readings: Mapping[str, str],
    rules: Mapping[str, str],
) -> tuple[Check, ...]:
    """Say of each assumption whether the data bear it out.

    Parameters
    ----------
    say : Wording
    asked : pandas.DataFrame
        Of :func:`kam.survey.lost_shares.asked_shares`; empty where it is not known who was asked.
    n_lost : int
        Lost accounts that had answered.
    left_out : pandas.DataFrame
        ``why, n_accounts``.
    readings, rules : mapping of str to str
        Which way the lost differ, by reading of level 3, and by rule how an account with divided people counts.
    """
    return (
        _check_answering(say, asked),
        Check(
            assumption=say.sentence("the lost and the stayed could answer alike, and are followed alike"),
            finding=say.sentence(
                "they are compared within a wave that they all were there to answer, and followed for the same time"
            ),
            verdict="handled",
        ),
        Check(
            assumption=say.sentence("enough of the lost had answered"),
            finding=say.plural("one had", "{n} had", n_lost),
            verdict="holds" if n_lost >= 30 else "does not hold",
            statistic=float(n_lost),
        ),
        Check(
            assumption=say.sentence("the conclusion is the same whether level 3 means neutral or no opinion"),
            finding=say.join(
                (
                    say.sentence(
                        "as {reading}: {found}", reading=say.sentence(name), found=_difference_in_words(say, way)
                    )
                    for name, way in readings.items()
                ),
                ";",
            ),
            verdict="not testable"
            if len(readings) < 2
            else "holds"
            if len(set(readings.values())) == 1
            else "does not hold",
        ),
        _check_rules(say, rules),
        Check(
            assumption=say.sentence("every answer is compared"),
            finding=say.listing(
                [f"{say.count(n)}: {why}" for n, why in zip(left_out["n_accounts"], left_out["why"], strict=True)]
            )
            or say.sentence("it is"),
            verdict="handled" if len(left_out) else "holds",
        ),
    )


def assumed_of_lost(
    say: Wording, *, is_dated: bool, horizon_days: int, satisfied_from: int, followed_to: date
) -> tuple[Assumed, ...]:
    """What a comparison of the lost with the stayed takes for given."""
    return (
        Assumed(
            what=say.sentence("day of a loss"),
            value=say.sentence("as given")
            if is_dated
            else say.sentence("the last order of an account that is lost by now"),
            would_change=say.sentence(
                "dated when it was noticed, more answers would lie before a loss, some by accounts that had left already"
            ),
        ),
        Assumed(
            what=say.sentence("time in which a loss counts"),
            value=say.sentence(
                "{days} days after the last answer of a wave; losses are known to {end}",
                days=say.count(horizon_days),
                end=say.date(followed_to),
            ),
            would_change=say.sentence("a longer time counts losses that have less to do with the answer"),
        ),
        Assumed(
            what=say.sentence("who is satisfied"),
            value=say.sentence(
                "people who answer {level} or more; an account counts by the share of its people that do, and for the share lost "
                "by most of them: exactly half is neither",
                level=say.count(satisfied_from),
            ),
            would_change=say.sentence(
                "with a higher level fewer of the lost, and of the stayed, were satisfied; other rules stand beside it"
            ),
        ),
        Assumed(
            what=say.sentence("what the sources say of those who left"),
            value=say.sentence(
                "{low} to {high} were satisfied", low=say.share(SOURCE_RANGE[0], 0), high=say.share(SOURCE_RANGE[1], 0)
            ),
            would_change=say.sentence("it is context only; without the stayed beside it such a share says nothing"),
        ),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_answering(say: Wording, asked: pd.DataFrame) -> Check:
    assumption = say.sentence("the lost that were asked answered as often as those that stayed")
    if asked.empty:
        return Check(assumption=assumption, finding=say.sentence("who was asked is not known"), verdict="not testable")
    rows = {str(row["group_name"]): row for _, row in asked.iterrows()}
    difference, lost, stayed = rows["difference"], rows["lost"], rows["stayed"]
    counts = say.sentence(
        "{lost} of {n_lost} lost and {stayed} of {n_stayed} stayed that were asked had answered",
        lost=say.count(lost["n_answered"]),
        n_lost=say.count(lost["n_accounts"]),
        stayed=say.count(stayed["n_answered"]),
        n_stayed=say.count(stayed["n_accounts"]),
    )
    if np.isnan(difference["estimate"]):
        finding = say.sentence("{counts}: too few to compare", counts=counts)
        return Check(assumption=assumption, finding=finding, verdict="not testable")
    low, high = float(difference["ci_low"]), float(difference["ci_high"])
    is_alike = low >= -ALIKE_WITHIN and high <= ALIKE_WITHIN
    differs = low > 0 or high < 0
    finding = say.sentence(
        "{counts}: a difference of {points} points ({low} to {high}); alike would be within ±{margin} points",
        counts=counts,
        points=say.number(100 * difference["estimate"], 0),
        low=say.number(100 * low, 0),
        high=say.number(100 * high, 0),
        margin=say.number(100 * ALIKE_WITHIN, 0),
    )
    if not is_alike and not differs:
        finding = say.sentence("{finding}: too few to tell", finding=finding)
    return Check(
        assumption=assumption,
        finding=finding,
        verdict="holds" if is_alike else "does not hold" if differs else "not testable",
        statistic=float(difference["estimate"]),
    )


def _check_rules(say: Wording, rules: Mapping[str, str]) -> Check:
    """Whether the conclusion hangs on how an account with divided people counts."""
    return Check(
        assumption=say.sentence("the conclusion is the same whichever way an account with divided people counts"),
        finding=say.join(
            (
                say.sentence("{rule}: {found}", rule=say.sentence(rule), found=_difference_in_words(say, way))
                for rule, way in rules.items()
            ),
            ";",
        ),
        verdict="not testable"
        if "unknown" in rules.values()
        else "holds"
        if len(set(rules.values())) == 1
        else "does not hold",
    )


def _difference_in_words(say: Wording, way: str) -> str:
    return {
        "less": say.sentence("the lost were satisfied less often"),
        "more": say.sentence("the lost were satisfied more often"),
        "not": say.sentence("no difference beyond chance"),
        "unknown": say.sentence("too few to say"),
    }[way]
