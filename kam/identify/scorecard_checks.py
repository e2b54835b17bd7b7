"""What is said about a scorecard: the checks of its assumptions, and what is assumed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import beta

from kam.identify.criteria import MEASURED, MIN_ACCOUNTS, name_criterion
from kam.results import Assumed, Check
from kam.wording import Wording

Floats = npt.NDArray[np.float64]

ALIKE = 0.8
"""From this rank correlation on, two criteria are called alike."""
NEARLY_SAME = 0.9
"""Above this rank correlation, they are called nearly the same, and the answer says so."""
LOW = 0.1
"""Up to this level an account is called weak on a criterion."""
MOST_CLIPPED = 0.05


def list_checks(
    say: Wording,
    table: pd.DataFrame,
    used: pd.DataFrame,
    declared: pd.DataFrame,
    levels: Floats,
    known: pd.DataFrame,
    n_accounts: int,
    n_a: int,
    n_b: int,
    profit: pd.Series | None,
) -> tuple[Check, ...]:
    """Every assumption of the scorecard with what the data say about it.

    Parameters
    ----------
    say : Wording
        Language.
    table : pandas.DataFrame
        The table of criteria.
    used, declared : pandas.DataFrame
        One row per criterion: those that count, and all.
    levels : numpy.ndarray
        Accounts with a score × criteria that count; missing where not known.
    known : pandas.DataFrame
        The same accounts: ``customer_id, weighted_score, tier``.
    n_accounts, n_a, n_b : int
        All accounts; those in score groups A and B.
    profit : pandas.Series or None
        What each account leaves in money, by customer id; None where it is not known.
    """
    labels = [_name(row, say) for _, row in used.iterrows()]
    checks = [
        _check_declared(say, table, used, declared),
        _check_missing(say, table, used, levels, n_accounts),
        _check_informative(say, levels, labels),
        _check_alike(say, levels, labels),
        _check_compensation(say, levels, known),
        _check_ties(say, known, n_a, n_b),
        _check_profit(say, known, profit),
    ]
    if (used["scale"] == "lowest to highest").any():
        checks.append(
            Check(
                assumption=say.sentence("accounts are enough for percentiles"),
                finding=say.sentence(
                    "{list}: fewer than {n} known values, taken between the lowest and the highest",
                    list=say.listing(
                        [x for x, k in zip(labels, used["scale"] == "lowest to highest", strict=True) if k]
                    ),
                    n=say.count(MIN_ACCOUNTS),
                ),
                verdict="handled",
            )
        )
    if "is_clipped" in table and (used["scale"] == "range").any():
        checks.append(_check_ranges(say, table, used))
    if any(row["criterion_kind"] == "measured" and row["criterion"] in MEASURED for _, row in used.iterrows()):
        checks.append(_check_directions(say, used))
    return tuple(checks)


def list_assumed(
    say: Wording,
    used: pd.DataFrame,
    weights: Floats,
    errors: Floats,
    concentration: float,
    tiers: tuple[float, float],
    n_draws: int,
) -> tuple[Assumed, ...]:
    """Every number that was assumed rather than estimated, and what another one would do."""
    labels = [_name(row, say) for _, row in used.iterrows()]
    weighed = [
        say.sentence("{name} {share}", name=name, share=say.share(w, 0))
        for name, w in zip(labels, weights, strict=True)
    ]
    j = int(np.argmax(weights))
    low, high = beta.ppf([0.025, 0.975], concentration * weights[j], max(concentration * (1 - weights[j]), 1e-9))
    judged = errors[:, (used["criterion_kind"] == "judged").to_numpy()]
    measured = errors[:, (used["criterion_kind"] != "judged").to_numpy()]
    points = 4 * float(np.nanmax(judged)) if judged.size else 0.0
    has_measured = bool(measured.size and (np.nan_to_num(measured) > 0).any())
    whole = all(isinstance(t, (int, np.integer)) for t in tiers)
    return (
        Assumed(
            what=say.sentence("criteria and weights")
            if used["is_declared"].all()
            else say.sentence("criteria and weights, none being declared"),
            value=say.listing(weighed),
            would_change=say.sentence(
                "others give other score groups: the tornado moves each weight, the flat weights know none"
            ),
        ),
        Assumed(
            what=say.sentence("how well the weights are known (concentration c)"),
            value=say.sentence(
                "c = {c}: the weight of {name} lies between {low} and {high} in {p} of the draws",
                c=say.number(concentration, 0 if concentration >= 10 else 2),
                name=labels[j],
                low=say.share(low, 0),
                high=say.share(high, 0),
                p=say.share(0.95, 0),
            ),
            would_change=say.sentence(
                "a smaller c makes score groups less sure; the extreme, flat weights, stands beside"
            ),
        ),
        Assumed(
            what=say.sentence("how many accounts a score group takes"),
            value=say.sentence("A {a} and B {b} accounts", a=say.count(tiers[0]), b=say.count(tiers[1]))
            if whole
            else say.sentence(
                "A {a} and B {b} of the accounts with a score, rounded up",
                a=say.share(tiers[0], 0),
                b=say.share(tiers[1], 0),
            ),
            would_change=say.sentence("a convention; it moves the borders, not the order"),
        ),
        Assumed(
            what=say.sentence("errors of the criteria"),
            value=say.join(
                [
                    say.sentence(
                        "judged: normal, ±{x} points of a scale from 1 to 5 (standard deviation)", x=say.number(points)
                    )
                    if judged.size
                    else say.sentence("nothing is judged"),
                    say.sentence("measured: the standard errors given")
                    if has_measured
                    else say.sentence("measured: taken as exact"),
                ],
                ";",
            ),
            would_change=say.sentence(
                "larger errors make score groups less sure; errors of one judge that go together are not in it"
            ),
        ),
        Assumed(
            what=say.sentence("draws"),
            value=say.sentence(
                "{n}: shares of draws are right to within {points} points",
                n=say.count(n_draws),
                points=say.number(100 * 1.96 * 0.5 / np.sqrt(n_draws), 1),
            ),
            would_change=say.sentence("more draws make them sharper, not others"),
        ),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _name(criterion: pd.Series, say: Wording) -> str:
    return name_criterion(str(criterion["criterion"]), str(criterion["criterion_kind"]), say)


def _check_declared(say: Wording, table: pd.DataFrame, used: pd.DataFrame, declared: pd.DataFrame) -> Check:
    lacking = declared[~declared["criterion"].isin(used["criterion"]) & (declared["weight"] > 0)]
    assumption = say.sentence("every criterion that counts is in the data")
    if lacking.empty:
        return Check(
            assumption=assumption,
            finding=say.plural("the one criterion is", "all {n} criteria are", len(used)),
            verdict="holds",
        )
    reasons = []
    for _, row in lacking.iterrows():
        why = table.loc[table["criterion"].astype("str") == row["criterion"]]
        first = str(why["why"].iloc[0]) if "why" in table else ""
        name = _name(row, say)
        reasons.append(say.sentence("{name} ({why})", name=name, why=say.text(first)) if first else name)
    return Check(
        assumption=assumption,
        finding=say.sentence("not there: {list}; the others take the weight", list=say.listing(reasons)),
        verdict="handled",
    )


def _check_missing(say: Wording, table: pd.DataFrame, used: pd.DataFrame, levels: Floats, n_accounts: int) -> Check:
    n_missing = int(np.isnan(levels).any(axis=1).sum())
    n_none = n_accounts - len(levels)
    assumption = say.sentence("every criterion is known of every account")
    if not n_missing + n_none:
        return Check(assumption=assumption, finding=say.sentence("all are known"), verdict="holds")
    parts = [
        say.plural(
            "one account lacks one or more; the others take their weight",
            "{n} accounts lack one or more; the others take their weight",
            n_missing,
        )
    ]
    if n_none:
        parts.append(say.plural("one has none and no score", "{n} have none and no score", n_none))
    if "why" in table:
        lacking = table[table["criterion_level"].isna() & table["criterion"].isin(used["criterion"])]
        why = lacking["why"].astype("str")
        n_by_reason = lacking.groupby(why)["customer_id"].nunique().sort_values(ascending=False)
        parts += [
            say.sentence("{reason}: {n}", reason=say.text(str(reason)), n=say.count(n))
            for reason, n in n_by_reason.items()
            if reason != ""
        ]
    return Check(
        assumption=assumption,
        finding=say.join(parts, ";"),
        verdict="handled",
        statistic=(n_missing + n_none) / n_accounts,
    )


def _check_informative(say: Wording, levels: Floats, labels: list[str]) -> Check:
    same = [
        name for name, column in zip(labels, levels.T, strict=True) if np.unique(column[~np.isnan(column)]).size == 1
    ]
    return Check(
        assumption=say.sentence("every criterion tells accounts apart"),
        finding=say.sentence("the same for all, so that it says nothing: {list}", list=say.listing(same))
        if same
        else say.sentence("all do"),
        verdict="handled" if same else "holds",
    )


def _check_alike(say: Wording, levels: Floats, labels: list[str]) -> Check:
    assumption = say.sentence("no two criteria say the same thing, which would count it twice")
    correlation = _correlate(levels)
    pairs = [
        (float(correlation[i, j]), labels[i], labels[j])
        for i, j in zip(*np.nonzero(np.isfinite(correlation)), strict=True)
    ]
    if not pairs:
        return Check(
            assumption=assumption, finding=say.sentence("no two criteria can be compared"), verdict="not testable"
        )
    r, one, other = max(pairs)
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "most alike: {one} and {other}, rank correlation {r}", one=one, other=other, r=say.number(r)
        ),
        verdict="does not hold" if r > ALIKE else "holds",
        statistic=r,
    )


def alike_criteria(levels: Floats) -> list[int]:
    """The two criteria that say most nearly the same, and all that say nearly the same as both; empty where none do.

    Parameters
    ----------
    levels : numpy.ndarray
        Accounts × criteria; missing where not known.
    """
    correlation = _correlate(levels)
    if not (correlation > NEARLY_SAME).any():
        return []
    i, j = np.unravel_index(np.nanargmax(correlation), correlation.shape)
    both = np.fmax(correlation, correlation.T)
    return [k for k in range(len(both)) if k in (i, j) or min(both[k, i], both[k, j]) > NEARLY_SAME]


def _correlate(levels: Floats) -> Floats:
    """Rank correlations of the criteria, each pair once, above the diagonal; elsewhere missing."""
    correlation = np.array(pd.DataFrame(levels).corr("spearman", min_periods=3), dtype=float)
    correlation[np.tril_indices_from(correlation)] = np.nan
    return correlation


def _check_profit(say: Wording, known: pd.DataFrame, profit: pd.Series | None) -> Check:
    assumption = say.sentence("accounts in score group A earn money")
    own = known.loc[known["tier"] == "A", "customer_id"].map(profit) if profit is not None else pd.Series(dtype=float)
    own = own.dropna()
    if own.empty:
        return Check(
            assumption=assumption,
            finding=say.sentence("neither contribution nor margin is known of them"),
            verdict="not testable",
        )
    losing = own[own < 0]
    return Check(
        assumption=assumption,
        finding=say.plural(
            "one of {n_all} loses money: {lost}",
            "{n} of {n_all} lose money: {lost} together",
            len(losing),
            n_all=say.count(len(own)),
            lost=say.money(-float(losing.sum())),
        )
        if len(losing)
        else say.sentence("none of {n_all} is below zero", n_all=say.count(len(own))),
        verdict="does not hold" if len(losing) else "holds",
        statistic=len(losing) / len(own),
    )


def _check_compensation(say: Wording, levels: Floats, known: pd.DataFrame) -> Check:
    in_a = (known["tier"] == "A").to_numpy()
    n_weak = int((levels[in_a] <= LOW).any(axis=1).sum())
    return Check(
        assumption=say.sentence("a strength makes up for a weakness"),
        finding=say.plural(
            "a matter of judgment: one of score group A is at {low} or below on some criterion",
            "a matter of judgment: {n} of score group A are at {low} or below on some criterion",
            n_weak,
            low=say.number(LOW, 1),
        ),
        verdict="not testable",
        statistic=n_weak / max(1, int(in_a.sum())),
    )


def _check_ties(say: Wording, known: pd.DataFrame, n_a: int, n_b: int) -> Check:
    scores = np.sort(np.round(known["weighted_score"].to_numpy(), 12))[::-1]
    borders = [k for k in (n_a, n_a + n_b) if 0 < k < scores.size and scores[k - 1] == scores[k]]
    n_tied = int(np.isin(scores, scores[borders]).sum()) if borders else 0
    return Check(
        assumption=say.sentence("no border between score groups runs through accounts of equal score"),
        finding=say.sentence(
            "{n} accounts of equal score stand on both sides; the order of their ids decides", n=say.count(n_tied)
        )
        if n_tied
        else say.sentence("none does"),
        verdict="handled" if n_tied else "holds",
    )


def _check_ranges(say: Wording, table: pd.DataFrame, used: pd.DataFrame) -> Check:
    inside = table[table["criterion"].isin(used.loc[used["scale"] == "range", "criterion"])]
    share = float(inside["is_clipped"].sum() / max(1, inside["criterion_level"].notna().sum()))
    return Check(
        assumption=say.sentence("values lie within the ranges given"),
        finding=say.sentence("{share} lie outside and count as the end of the range", share=say.share(share))
        if share
        else say.sentence("all do"),
        verdict="holds" if not share else "handled" if share <= MOST_CLIPPED else "does not hold",
        statistic=share,
    )


def _check_directions(say: Wording, used: pd.DataFrame) -> Check:
    against = [
        say.sentence(
            "{name}: here {direction} is better", name=_name(row, say), direction=say.text(str(row["direction"]))
        )
        for _, row in used.iterrows()
        if row["criterion_kind"] == "measured"
        and row["criterion"] in MEASURED
        and row["direction"] != MEASURED[row["criterion"]].direction
    ]
    return Check(
        assumption=say.sentence("what is measured is better in the usual direction"),
        finding=say.join(against, ";") if against else say.sentence("all is"),
        verdict="does not hold" if against else "holds",
    )
