"""What the list of white space rests on: checks and assumptions, in words."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kam.identify.like_accounts import MIN_BUYERS, MOST_GROUPS, MOST_POOL, LikeTable, Purchases
from kam.identify.white_space_backtest import LISTED, MIN_ACCOUNTS, MOST_BOUGHT, OTHERS
from kam.results import Assumed, Check
from kam.wording import Wording


def coverage_checks(
    say: Wording, rows: pd.DataFrame, now: Purchases, table: LikeTable, n_like: int
) -> tuple[Check, ...]:
    """What is judged: groups, accounts, lines with a group, and whether there are enough accounts alike."""
    n_groups = int((now.count_buyers() > 0).sum())
    covered = float(now.revenue()[table.groups].sum() / now.totals.sum())
    spent = rows.loc[rows["revenue"] > 0]
    unnamed = float(spent.loc[spent["group"].isna(), "revenue"].sum() / spent["revenue"].sum())
    fewest = int(np.where(table.bought, n_like, table.n_like).min())
    return (
        Check(
            assumption=say.sentence("every product group is judged"),
            finding=say.sentence(
                "{n} of {all}: those that at least {share} of the accounts buy, at most {most}; {covered} of the revenue",
                n=say.count(len(table.groups)),
                all=say.count(n_groups),
                share=say.share(MIN_BUYERS, 0),
                most=say.count(MOST_GROUPS),
                covered=say.share(covered, 0),
            ),
            verdict="holds" if len(table.groups) == n_groups else "handled",
            statistic=covered,
        ),
        Check(
            assumption=say.sentence("every account is judged"),
            finding=say.sentence(
                "the {n} largest of {all}, each against the {pool} largest",
                n=say.count(len(table.bought)),
                all=say.count(len(now.customers)),
                pool=say.count(min(len(now.customers), MOST_POOL)),
            ),
            verdict="holds" if len(table.bought) == len(now.customers) else "handled",
        ),
        Check(
            assumption=say.sentence("every line names a product group"),
            finding=say.sentence("{share} of the revenue names none and is left out", share=say.share(unnamed))
            if unnamed
            else say.sentence("it does"),
            verdict="handled" if unnamed else "holds",
            statistic=unnamed,
        ),
        Check(
            assumption=say.sentence("every account has {n} accounts alike", n=say.count(n_like)),
            finding=say.sentence("one has {n}; its intervals are wider for that", n=say.count(fewest))
            if fewest < n_like
            else say.sentence("it has"),
            verdict="handled" if fewest < n_like else "holds",
        ),
    )


def backtest_checks(say: Wording, backtest: pd.DataFrame, n_accounts: int, from_first: bool) -> tuple[Check, ...]:
    """Whether the list made a year earlier came true more often than chance, and than naming what most accounts buy."""
    first = say.sentence("the list is better than chance")
    second = say.sentence("the list is better than naming what most accounts buy")
    if backtest.empty:
        why = say.sentence("there is no year before, or nothing was listed in it")
        return tuple(Check(assumption=one, finding=why, verdict="not testable") for one in (first, second))
    rows = backtest.set_index("pair_set").to_dict("index")
    listed = rows[LISTED]
    checks = []
    for assumption, name in ((first, OTHERS), (second, MOST_BOUGHT)):
        row = rows[name]
        finding = say.sentence(
            "list made a year earlier: {listed} of {n} pairs bought since, against {other}",
            listed=say.share(listed["share_bought"]),
            n=say.count(listed["n_pairs"]),
            other=say.share(row["share_bought"]),
        )
        told = n_accounts >= MIN_ACCOUNTS
        if not told:
            finding = say.join(
                [finding, say.plural("one account is too few", "{n} accounts are too few", n_accounts)], ";"
            )
        else:
            finding = say.join(
                [
                    finding,
                    say.sentence(
                        "difference {points} points, {interval} over accounts",
                        points=say.number(100 * row["listed_less"], 1),
                        interval=say.interval(say.number(100 * row["ci_low"], 1), say.number(100 * row["ci_high"], 1)),
                    ),
                ],
                ";",
            )
        if from_first:
            finding = say.join([finding, say.sentence("the ledger may begin within that year")], ";")
        checks.append(
            Check(
                assumption=assumption,
                finding=finding,
                verdict="not testable" if not told else "holds" if row["ci_low"] > 0 else "does not hold",
                statistic=float(row["listed_less"]),
            )
        )
    return tuple(checks)


def lapsed_check(say: Wording, gaps: pd.DataFrame) -> Check:
    """How much of what is listed was bought in the year before."""
    assumption = say.sentence("what is listed is new to the account")
    if gaps.empty or gaps["bought_before"].isna().all():
        finding = say.sentence("nothing is listed") if gaps.empty else say.sentence("there is no year before")
        return Check(assumption=assumption, finding=finding, verdict="holds" if gaps.empty else "not testable")
    n = int(gaps["bought_before"].sum())
    return Check(
        assumption=assumption,
        finding=say.plural(
            "one of {all} pairs was bought in the year before: to be won back, not to be introduced",
            "{n} of {all} pairs were bought in the year before: to be won back, not to be introduced",
            n,
            all=say.count(len(gaps)),
        ),
        verdict="handled" if n else "holds",
    )


def list_assumed(say: Wording, n_like: int, min_share: float) -> tuple[Assumed, ...]:
    """What was assumed rather than estimated."""
    return (
        Assumed(
            what=say.sentence("like accounts that an account is compared with"),
            value=say.count(n_like),
            would_change=say.sentence("more: closer to all accounts, and more certain; fewer: the other way"),
        ),
        Assumed(
            what=say.sentence("share of like accounts that buy, from which a group is listed"),
            value=say.share(min_share, 0),
            would_change=say.sentence("a lower one lists more, of which less comes true"),
        ),
        Assumed(
            what=say.sentence("what like accounts spend would be spent here as well"),
            value=say.sentence("median share of their purchases, at this account's size"),
            would_change=say.sentence(
                "no account buys all that is listed: the sum shows the size of the field and is no forecast"
            ),
        ),
    )
