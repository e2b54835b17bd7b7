"""What an analysis of drivers assumes, and whether the data bear it out, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import ModelError
from kam.results import Assumed, Check, Verdict
from kam.survey.driver_frames import COMPLETE
from kam.survey.driver_waves import check_waves
from kam.survey.not_used import Drivers
from kam.survey.penalty_reward import UNCLEAR
from kam.wording import Wording

Floats = npt.NDArray[np.float64]

MIN_ACCOUNTS = 50
"""Accounts below which bootstrap intervals are too narrow to be relied on."""
LARGEST_VIF = 10.0
SURE_ORDER = 0.8
"""Share of resamples from which an order is called sure."""
_RISK = 0.05


def check_drivers(
    say: Wording,
    items: pd.DataFrame,
    given: Drivers,
    *,
    readings: pd.DataFrame,
    handlings: pd.DataFrame,
    by_wave: pd.DataFrame,
    waves: Sequence[str],
    level: float,
    ordinal: pd.DataFrame,
    ordinal_p: float | None,
    penalty_reward: pd.DataFrame,
    left_out: pd.DataFrame,
    share_three_held: float,
    r_squared_unused: float,
    r_squared_beside: float,
    failed: ModelError | None,
) -> tuple[Check, ...]:
    """Say of each assumption of an analysis of drivers whether the data bear it out.

    Parameters
    ----------
    say : Wording
    items : pandas.DataFrame
        The items, the most important first.
    given : Drivers
        What was analyzed.
    readings, handlings, by_wave, ordinal, penalty_reward, left_out : pandas.DataFrame
        As in :class:`~kam.survey.drivers.DriversResult`.
    waves : sequence of str
        Those with answers.
    level : float
        Of the intervals.
    ordinal_p : float or None
        That all items count alike at every cut point.
    share_three_held : float
        Resamples in which the first three are the same.
    r_squared_unused : float
        Share of the variation that goes with not using something.
    r_squared_beside : float
        Share of it that falls to items beside those that are ranked.
    failed : ModelError or None
        Why the other reading of level 3 could not be computed.
    """
    return (
        _check_halo(say),
        _check_order(say, items, share_three_held),
        *check_waves(say, items, by_wave, waves, level),
        _check_level_3(say, items, readings, failed),
        _check_complete(say, items, handlings, given),
        _check_unused(say, given, r_squared_unused),
        *_check_left_out(say, left_out, r_squared_beside),
        _check_johnson(say, items),
        _check_collinear(say, given),
        _check_signs(say, items),
        _check_ordinal(say, items, ordinal),
        _check_cuts(say, ordinal, ordinal_p),
        _check_straight(say, penalty_reward),
        _check_accounts(say, given),
    )


def assumed_of_drivers(say: Wording, *, min_share_answered: float, lead: str, one_scale: bool) -> tuple[Assumed, ...]:
    """What an analysis of drivers takes for given."""
    always = (
        Assumed(
            what=say.sentence(
                "what goes with the judgment would also move it, where a question is to be looked at first"
            ),
            value=say.sentence("not shown"),
            would_change=say.sentence(
                "where people answer well or badly throughout (halo), a better rating of a question moves the judgment less, "
                "or not at all"
            ),
        ),
        Assumed(
            what=say.sentence("least share that answered an item"),
            value=say.share(min_share_answered, 0),
            would_change=say.sentence(
                "items that fewer answered are not ranked; those that too few answered even to stand beside the others lend them "
                "what they explain"
            ),
        ),
        Assumed(
            what=say.sentence("what stands where an item was not answered"),
            value=say.sentence("what the person's other answers lead to expect, with an indicator of not using it"),
            would_change=say.sentence(
                "see the table of handlings; the error of filling in is in the intervals of importance"
            ),
        ),
        Assumed(
            what=say.sentence("level 3 of five"),
            value=say.sentence(lead),
            would_change=say.sentence("see the table of readings"),
        ),
        Assumed(
            what=say.sentence("one line for all waves and accounts"),
            value=say.sentence("yes"),
            would_change=say.sentence(
                "see the check of the waves; run it on a group to see whether the order stays there"
            ),
        ),
        Assumed(
            what=say.sentence("where important and weak begin"),
            value=say.sentence("at the means of the items"),
            would_change=say.sentence("with other cut lines items near them change their quadrant"),
        ),
    )
    if one_scale:
        return always
    return (
        *always,
        Assumed(
            what=say.sentence("items on different scales"),
            value=say.sentence("stretched to that of the first item for the map"),
            would_change=say.sentence("a shorter scale may be used differently"),
        ),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _quoted(say: Wording, texts: list[str]) -> str:
    return say.listing([say.quote(text) for text in texts])


def _first_three(items: pd.DataFrame, other: pd.DataFrame, say: Wording) -> tuple[bool, bool, str]:
    """Whether another analysis has the same first three, whether its shares lie in the intervals, and which it has first."""
    other = other.sort_values("rank")
    there = items[items["item"].isin(set(other["item"]))]
    same = list(there["item"][:3]) == list(other["item"][:3])
    share = other.set_index("item")["share_importance"].reindex(there["item"]).to_numpy()
    inside = (share >= there["importance_low"].to_numpy()) & (share <= there["importance_high"].to_numpy())
    texts = items.set_index("item")["question"]
    named = say.join((str(texts[name]).rstrip(".。") for name in other["item"][:3]), ",")
    return same, bool(inside[:3].all()), named


def _compared(same: bool, inside: bool) -> Verdict:
    return "holds" if same and inside else "handled" if same or inside else "does not hold"


def _check_order(say: Wording, items: pd.DataFrame, share: float) -> Check:
    return Check(
        assumption=say.sentence("the order of the first three is sure"),
        finding=say.sentence(
            "it is the same in {share} of resamples; the first keeps its place in {first}",
            share=say.share(share, 0),
            first=say.share(items["share_rank_held"].iloc[0], 0),
        ),
        verdict="holds" if share >= SURE_ORDER else "does not hold",
        statistic=share,
    )


def _check_halo(say: Wording) -> Check:
    return Check(
        assumption=say.sentence("what goes with the judgment would also move it"),
        finding=say.sentence(
            "each person gave all answers on one sheet, and people who are content answer well throughout (halo): no survey "
            "tells that from an effect"
        ),
        verdict="not testable",
    )


def _check_level_3(say: Wording, items: pd.DataFrame, readings: pd.DataFrame, failed: ModelError | None) -> Check:
    assumption = say.sentence("how level 3 is read does not change the first three")
    kinds = list(dict.fromkeys(readings["level_3"]))
    if len(kinds) < 2:
        finding = say.sentence("level 3 was taken out beforehand: there is nothing to compare")
        if failed is not None:
            finding = say.sentence("the other reading could not be computed: {why}", why=failed.what)
        return Check(assumption=assumption, finding=finding, verdict="not testable")
    other = readings[readings["level_3"] == kinds[1]]
    same, _, first = _first_three(items, other, say)
    n = say.count(other["n_respondents"].iloc[0])
    values = {"level_3": say.sentence(kinds[1]), "n": n, "first": first}
    if same:
        finding = say.sentence("as {level_3} ({n} people) the first three are the same", **values)
    else:
        finding = say.sentence("changed: as {level_3} ({n} people) the first three are {first}", **values)
    return Check(assumption=assumption, finding=finding, verdict="holds" if same else "does not hold")


def _check_complete(say: Wording, items: pd.DataFrame, handlings: pd.DataFrame, given: Drivers) -> Check:
    assumption = say.sentence("those who answered every item would say the same")
    n, n_all = int(given.complete.sum()), len(given.y)
    if n == n_all:
        return Check(assumption=assumption, finding=say.sentence("all {n} did", n=say.count(n)), verdict="holds")
    other = handlings[handlings["method"] == COMPLETE]
    values = {"n": say.count(n), "n_all": say.count(n_all)}
    if other.empty:
        return Check(
            assumption=assumption,
            finding=say.sentence("{n} of {n_all} did: too few to compare", **values),
            verdict="not testable",
        )
    same, inside, first = _first_three(items, other, say)
    if same and inside:
        finding = say.sentence("{n} of {n_all} did, and have the same first three", **values)
    elif same:
        finding = say.sentence(
            "{n} of {n_all} did; the first three are the same, but a share lies outside its interval", **values
        )
    elif inside:
        finding = say.sentence(
            "{n} of {n_all} did; their first three are {first}, within the intervals", first=first, **values
        )
    else:
        finding = say.sentence("changed: {n} of {n_all} did, and their first three are {first}", first=first, **values)
    return Check(assumption=assumption, finding=finding, verdict=_compared(same, inside))


def _check_unused(say: Wording, given: Drivers, r_squared_unused: float) -> Check:
    assumption = say.sentence("not using something says nothing about the judgment")
    if not given.n_unused:
        return Check(
            assumption=assumption,
            finding=say.sentence("every item was used by all; {n} answers are missing", n=say.count(given.n_no_answer)),
            verdict="holds",
        )
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "{n} answers are missing since not used; {k} indicators of that explain {share} of the variation, apart from the "
            "items; {blank} more are missing for no such reason",
            n=say.count(given.n_unused),
            k=say.count(len(given.unused_items)),
            share=say.share(r_squared_unused),
            blank=say.count(given.n_no_answer),
        ),
        verdict="handled",
        statistic=r_squared_unused,
    )


def _check_left_out(say: Wording, left_out: pd.DataFrame, r_squared_beside: float) -> tuple[Check, ...]:
    if left_out.empty:
        return ()
    there = left_out["is_beside"]
    beside = say.sentence(
        "not ranked, but held beside the others, since few answered: {items} ({share} of the variation falls to them)",
        items=_with_answers(say, left_out[there]),
        share=say.share(r_squared_beside),
    )
    gone = say.sentence(
        "not in: {items}; what they explain falls to the items they go together with",
        items=_with_answers(say, left_out[~there]),
    )
    return (
        Check(
            assumption=say.sentence("every item is in"),
            finding=say.join((text for text, said in ((beside, there.any()), (gone, not there.all())) if said), ";"),
            verdict="handled" if there.all() else "does not hold",
        ),
    )


def _with_answers(say: Wording, items: pd.DataFrame) -> str:
    """Items with the share that answered, and their correlation with the outcome."""
    return say.listing(
        [
            say.sentence(
                "“{item}” (answered by {share}, correlation {r})",
                item=str(text).rstrip(".。"),
                share=say.share(share, 0),
                r=say.number(r) if r == r else "–",
            )
            for text, share, r in zip(items["question"], items["share_given"], items["correlation"], strict=True)
        ]
    )


def _check_johnson(say: Wording, items: pd.DataFrame) -> Check:
    apart = float((items["share_importance"] - items["share_johnson"]).abs().max())
    order = items.sort_values("share_johnson", ascending=False, kind="stable")["item"][:3].tolist()
    same = order == items["item"][:3].tolist()
    return Check(
        assumption=say.sentence("the way of dividing what is explained does not matter"),
        finding=say.sentence(
            "by Johnson's relative weights no share differs by more than {points} points, and the first three are the same"
            if same
            else "by Johnson's relative weights no share differs by more than {points} points, but the first three do",
            points=say.number(100 * apart, 1),
        ),
        verdict="holds" if same else "does not hold",
        statistic=apart,
    )


def _check_collinear(say: Wording, given: Drivers) -> Check:
    assumption = say.sentence("items can be told apart")
    if given.filled.shape[1] == 1:
        return Check(assumption=assumption, finding=say.sentence("there is 1"), verdict="holds")
    names = (*given.items, *given.beside)
    correlation = np.asarray(np.corrcoef(given.filled.T), dtype=np.float64)
    vif = np.diagonal(np.linalg.inv(correlation))
    off: Floats = np.abs(correlation - np.eye(len(vif)))
    i, j = np.unravel_index(int(off.argmax()), off.shape)
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "the largest variance inflation factor is {vif}; closest are {first} and {second} (correlation {r})",
            vif=say.number(float(vif.max()), 1),
            first=names[i],
            second=names[j],
            r=say.number(float(correlation[i, j])),
        ),
        verdict="holds" if vif.max() < LARGEST_VIF else "does not hold",
        statistic=float(vif.max()),
    )


def _check_signs(say: Wording, items: pd.DataFrame) -> Check:
    """A negative slope: either an item that was not declared as reversed, or one that stands in for others."""
    negative = items[items["points_high"] < 0]
    return Check(
        assumption=say.sentence("a better answer to every item goes with a better judgment"),
        finding=say.sentence("no item surely goes the other way")
        if negative.empty
        else say.sentence(
            "{items} surely the other way: see whether it is worded in reverse and not declared so",
            items=_quoted(say, negative["question"][:3].tolist()),
        ),
        verdict="holds" if negative.empty else "does not hold",
        statistic=float(items["points"].min()),
    )


def _check_ordinal(say: Wording, items: pd.DataFrame, ordinal: pd.DataFrame) -> Check:
    assumption = say.sentence("levels may be taken for numbers")
    if ordinal.empty:
        return Check(
            assumption=assumption,
            finding=say.sentence("an ordinal logit could not be fitted to compare with"),
            verdict="not testable",
        )
    points = items.set_index("item")["points"]
    odds = ordinal.set_index("item")["odds_ratio"].reindex(points.index)
    sure = (items["points_low"] > 0) | (items["points_high"] < 0)
    turned = [name for name in items.loc[sure, "item"] if (points[name] > 0) != (odds[name] > 1)]
    by_beta = items.assign(size=items["beta"].abs()).sort_values("size", ascending=False, kind="stable")["item"]
    same = by_beta[:3].tolist() == ordinal["item"][:3].tolist()
    first = _quoted(say, ordinal["question"][:3].tolist())
    if turned:
        finding = say.sentence("an ordinal logit has another sign for {items}", items=say.listing(turned))
    elif same:
        finding = say.sentence("an ordinal logit has the same signs and the same three strongest: {first}", first=first)
    else:
        finding = say.sentence("an ordinal logit has the same signs, but its three strongest are {first}", first=first)
    return Check(
        assumption=assumption, finding=finding, verdict="does not hold" if turned else "holds" if same else "handled"
    )


def _check_cuts(say: Wording, ordinal: pd.DataFrame, p: float | None) -> Check:
    assumption = say.sentence("a better answer counts alike at every level of the judgment")
    if p is None:
        return Check(
            assumption=assumption,
            finding=say.sentence("too few people are at some levels to tell"),
            verdict="not testable",
        )
    tested = ordinal["p_value"].notna()
    apart = ordinal[tested & (ordinal["p_value"] < _RISK / max(int(tested.sum()), 1))]
    named = _quoted(say, apart["question"][:3].tolist())
    finding = (
        say.sentence("logits at the cut points agree ({p})", p=say.p_value(p))
        if p >= _RISK
        else say.sentence("logits at the cut points differ ({p})", p=say.p_value(p))
        if apart.empty
        else say.sentence("logits at the cut points differ ({p}), most for {items}", p=say.p_value(p), items=named)
    )
    return Check(assumption=assumption, finding=finding, verdict="holds" if p >= _RISK else "does not hold", p_value=p)


def _check_straight(say: Wording, table: pd.DataFrame) -> Check:
    assumption = say.sentence("a low answer costs as much as a high one adds")
    told = table[table["asymmetry"].notna()]
    if told.empty:
        return Check(
            assumption=assumption,
            finding=say.sentence("too few low or high answers to compare them"),
            verdict="not testable",
        )
    uneven = told[(told["asymmetry_low"] > 0) | (told["asymmetry_high"] < 0)]
    finding = (
        say.sentence("no item is surely uneven, of {n}", n=say.count(len(told)))
        if uneven.empty
        else say.sentence(
            "uneven for {items}: see penalty and reward", items=_quoted(say, uneven["question"][:4].tolist())
        )
    )
    unclear = int((told["kind"] == UNCLEAR).sum())
    return Check(
        assumption=assumption,
        finding=finding,
        verdict="holds" if uneven.empty else "does not hold",
        statistic=float(unclear),
    )


def _check_accounts(say: Wording, given: Drivers) -> Check:
    n = given.n_accounts
    return Check(
        assumption=say.sentence("there are enough accounts to resample"),
        finding=say.sentence(
            "{n} accounts for {p} items and {k} indicators",
            n=say.count(n),
            p=say.count(given.filled.shape[1]),
            k=say.count(len(given.unused_items)),
        ),
        verdict="holds"
        if n >= max(MIN_ACCOUNTS, 5 * (given.filled.shape[1] + len(given.unused_items)))
        else "does not hold",
        statistic=float(n),
    )
