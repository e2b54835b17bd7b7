"""Dependence: the accounts, and groups of accounts, that so much rests on that their leaving would hurt.

A breadwinner brings a tenth of the whole or more. Shares are of the sum of the values above zero, so that they are defined
whatever is lost elsewhere; what is left if one leaves is in money, of all the others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from kam.columns import read_ids, require_columns, require_distinct
from kam.dataset.names import name_accounts
from kam.dataset.parents import find_heads
from kam.errors import DataError, EmptyDataError, ParameterError, UndefinedMeasureError
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.wording import Wording

USUAL_KEY_SHARE = (0.30, 0.55)
"""The share of sales that key accounts are usually said to bring."""
N_LISTED = 20

_REVENUES = ("revenue", "share_revenue", "revenue_left", "is_breadwinner_revenue")
_PROFITS = ("profit", "share_profit", "profit_left", "is_breadwinner_profit")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DependenceResult(Result):
    """Result of :func:`assess_dependence`.

    Attributes
    ----------
    accounts : pandas.DataFrame
        The 20 largest by revenue and all breadwinners, by revenue: ``rank, customer_id, name, revenue`` (at risk if it leaves),
        ``share_revenue``, ``revenue_left`` (of all the others), ``is_breadwinner_revenue``; where contribution is known also
        ``profit, share_profit, profit_left, is_breadwinner_profit``.
    groups : pandas.DataFrame
        The same by group of parent and branches (an account without either is a group of its own), ``group_id`` (the head) in
        place of ``customer_id``, with ``n_customers``. Empty where no parents were given.
    has_profit, has_groups : bool
        Whether contribution, and parents, were given.
    n_customers, n_groups : int
        Accounts, and groups (0 without parents).
    n_breadwinners_revenue, n_breadwinners_profit : int
        Accounts that bring at least ``breadwinner`` of revenue, of contribution (0 where that is not known).
    revenue, profit : float
        Sums over accounts above zero, of which shares are; ``profit`` is 0 where contribution is not known.
    n_key_accounts : int
        Key accounts that were named, 0: none.
    share_key_revenue, share_key_profit : float or None
        What the key accounts bring of the sum of revenues above zero (each below zero counts as 0, as in the list of key
        accounts), and of the sum of contributions above zero; None where none were named, or nobody is above zero.
    breadwinner : float
        The parameter of the call.
    """

    main: ClassVar[str] = "accounts"

    accounts: pd.DataFrame
    groups: pd.DataFrame
    has_profit: bool
    has_groups: bool
    n_customers: int
    n_groups: int
    n_breadwinners_revenue: int
    n_breadwinners_profit: int
    revenue: float
    profit: float
    n_key_accounts: int
    share_key_revenue: float | None
    share_key_profit: float | None
    breadwinner: float

    def breadwinners(self) -> pd.DataFrame:
        """The rows of ``accounts`` that bring the share asked for, of revenue or of contribution."""
        return self.accounts[_is_any(self.accounts)].reset_index(drop=True)

    def _sentence(self) -> str:
        say = self.context.wording
        top, found = self.accounts.iloc[0], self.breadwinners()
        what = say.sentence("revenue or contribution") if self.has_profit else say.sentence("revenue")
        share = say.share(self.breadwinner, 0)
        first = (
            say.sentence(
                "None of {n} accounts brings {share} or more of {what}.",
                n=say.count(self.n_customers),
                share=share,
                what=what,
            )
            if found.empty
            else say.plural(
                "One of {n_all} accounts brings {share} or more of {what}.",
                "{n} of {n_all} accounts bring {share} or more of {what}.",
                len(found),
                n_all=say.count(self.n_customers),
                share=share,
                what=what,
            )
        )
        second = say.sentence(
            "The largest, {name}, brings {share} of revenue ({money}), counted over the time of the ledger.",
            name=top["name"],
            share=say.share(top["share_revenue"]),
            money=say.money(top["revenue"]),
        )
        if self.share_key_revenue is not None:
            third = say.plural(
                "The one key account brings {share} of revenue.",
                "The {n} key accounts bring {share} of revenue.",
                self.n_key_accounts,
                share=say.share(self.share_key_revenue),
            )
        elif self.has_groups:
            head = self.groups.iloc[0]
            third = say.sentence(
                "By group of companies, {name} brings most: {share}.",
                name=head["name"],
                share=say.share(head["share_revenue"]),
            )
        else:
            return say.join([first, second])
        return say.join([first, second, third])

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        top = self.accounts.iloc[0]
        figures = [
            KeyFigure(
                value=say.count(len(self.breadwinners())),
                label=say.sentence("breadwinners: {share} or more", share=say.share(self.breadwinner, 0)),
                note=say.sentence("counted, not estimated"),
            ),
            KeyFigure(
                value=say.share(top["share_revenue"]),
                label=say.sentence("of revenue rests on one account"),
                note=say.sentence("{name}; counted, not estimated", name=top["name"]),
            ),
            KeyFigure(
                value=say.money_short(top["revenue"]),
                label=say.sentence("at risk if it leaves"),
                note=say.sentence(
                    "revenue over the time of the ledger; {left} is left", left=say.money_short(top["revenue_left"])
                ),
            ),
        ]
        if self.has_groups:
            head = self.groups.iloc[0]
            figures.append(
                KeyFigure(
                    value=say.share(head["share_revenue"]),
                    label=say.sentence("of revenue rests on one group"),
                    note=say.sentence("{name}; counted, not estimated", name=head["name"]),
                )
            )
        if self.share_key_revenue is not None:
            figures.append(
                KeyFigure(
                    value=say.share(self.share_key_revenue),
                    label=say.sentence("of revenue from key accounts"),
                    note=say.sentence(
                        "usually {low} to {high}; counted, not estimated",
                        low=say.share(USUAL_KEY_SHARE[0], 0),
                        high=say.share(USUAL_KEY_SHARE[1], 0),
                    ),
                )
            )
        return tuple(figures)


def assess_dependence(
    values: pd.DataFrame,
    *,
    accounts: pd.DataFrame | None = None,
    parents: Mapping[str, str] | pd.Series | None = None,
    key_accounts: Collection[str] | None = None,
    breadwinner: float = 0.1,
    context: Context | None = None,
) -> DependenceResult:
    """Who so much of revenue and of contribution rests on, by account and by group, and what is left if they leave.

    Assumes (1) that accounts leave one at a time, or a group of parent and branches together; (2) that what an account brought
    over the time of the ledger is what goes with it: nothing is known of what others would take over.

    Parameters
    ----------
    values : pandas.DataFrame
        One row per account: ``customer_id, revenue`` and, where it is known, ``profit`` (the contribution), in money; from
        ``profitability(...).values()`` or :func:`kam.ledger.summarize_customers`.
    accounts : pandas.DataFrame, optional
        The account file, for names: ``customer_id, name``.
    parents : mapping or pandas.Series, optional
        Customer id → id of its parent, missing or itself: none. Parents of parents are followed to the head; a head need not be
        an account.
    key_accounts : collection of str, optional
        Customer ids of the key accounts, whose share is then told.
    breadwinner : float
        Share from which on an account is a breadwinner, in (0, 1).
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    DependenceResult

    Raises
    ------
    MissingColumnError
        ``values`` lacks ``customer_id`` or ``revenue``.
    EmptyDataError
        No account.
    DataError
        An account stands twice, a value is missing, parents go round in a circle, or a key account is not among the accounts.
    UndefinedMeasureError
        No revenue is above zero.
    ParameterError
        ``breadwinner`` is not between 0 and 1.

    Examples
    --------
    >>> values = pd.DataFrame({"customer_id": ["a", "b", "c"], "revenue": [60.0, 30.0, 10.0], "profit": [5.0, 9.0, -4.0]})
    >>> found = assess_dependence(values, parents={"b": "a"}, breadwinner=0.5)
    >>> found.accounts[["customer_id", "share_revenue", "is_breadwinner_profit"]].values.tolist()
    [['a', 0.6, False], ['b', 0.3, True], ['c', 0.1, False]]
    >>> found.groups[["group_id", "n_customers", "share_revenue", "revenue_left"]].values.tolist()
    [['a', 2, 0.9, 10.0], ['c', 1, 0.1, 90.0]]
    """
    context = context or Context()
    if not 0 < breadwinner < 1:
        raise ParameterError(f"breadwinner is {breadwinner}.", hint="Give a share between 0 and 1, such as 0.1.")
    frame = _read(values)
    has_profit = "profit" in frame
    listed = _rank(frame, "customer_id", breadwinner)
    heads = find_heads(frame["customer_id"], parents, refuse_circles=True) if parents is not None else None
    groups = listed.rename(columns={"customer_id": "group_id"}).head(0)
    groups.insert(2, "n_customers", 0)
    if heads is not None:
        amounts = ["revenue", "profit"] if has_profit else ["revenue"]
        by_head = frame[amounts].groupby(heads.to_numpy())
        sums = by_head.sum().assign(n_customers=by_head.size()).rename_axis("group_id").reset_index()
        groups = _rank(sums, "group_id", breadwinner)
    keys = _find_keys(frame, key_accounts)
    positive = frame["revenue"].clip(lower=0)
    earned = float(frame["profit"].clip(lower=0).sum()) if has_profit else 0.0
    share_key = float(positive[keys].sum() / positive.sum()) if keys.any() else None
    return DependenceResult(
        context=context,
        checks=_checks(context.wording, frame, heads, share_key),
        assumed=_assumed(context.wording, breadwinner, has_profit),
        accounts=_name(listed, accounts, "customer_id"),
        groups=_name(groups, accounts, "group_id"),
        has_profit=has_profit,
        has_groups=heads is not None,
        n_customers=len(frame),
        n_groups=int(heads.nunique()) if heads is not None else 0,
        n_breadwinners_revenue=int(listed["is_breadwinner_revenue"].sum()),
        n_breadwinners_profit=int(listed["is_breadwinner_profit"].sum()) if has_profit else 0,
        revenue=float(positive.sum()),
        profit=earned,
        n_key_accounts=int(keys.sum()),
        share_key_revenue=share_key,
        share_key_profit=float(frame.loc[keys, "profit"].sum() / earned) if keys.any() and earned > 0 else None,
        breadwinner=breadwinner,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _read(values: pd.DataFrame) -> pd.DataFrame:
    require_columns(
        values,
        ("customer_id", "revenue"),
        where="the values",
        hint="Give what profitability or summarize_customers returns.",
    )
    if values.empty:
        raise EmptyDataError("There is no account to depend on.", hint="Look at the audit of the ledger.")
    names = ["revenue", *(["profit"] if "profit" in values else [])]
    frame = values[names].astype(float).reset_index(drop=True)
    frame.insert(0, "customer_id", values["customer_id"].astype("str").reset_index(drop=True))
    require_distinct(frame["customer_id"], where="the values", hint="Sum per account first.")
    bad = ~np.isfinite(frame[names].to_numpy()).all(axis=1)
    if bad.any():
        where = frame.loc[bad, "customer_id"].head(3).tolist()
        raise DataError("A value is missing or not finite.", where=f"accounts {where}", hint="Mend or drop them.")
    if not (frame["revenue"] > 0).any():
        raise UndefinedMeasureError("No revenue is above zero.", hint="Check the sign of the amounts.")
    return frame


def _rank(frame: pd.DataFrame, unit: str, breadwinner: float) -> pd.DataFrame:
    """The largest units by revenue and all breadwinners: shares, what is left without each, and whether it is a breadwinner."""
    table = frame.sort_values(["revenue", unit], ascending=[False, True], ignore_index=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    columns = ["rank", unit, *(["n_customers"] if "n_customers" in table else [])]
    for amount, share, left, flag in (_REVENUES, _PROFITS):
        if amount not in table:
            continue
        positive = table[amount].clip(lower=0)
        table[share] = positive / positive.sum() if positive.sum() > 0 else np.nan
        table[left] = table[amount].sum() - table[amount]
        table[flag] = table[share] >= breadwinner * (1 - 1e-12)
        columns += [amount, share, left, flag]
    return table.loc[(table["rank"] <= N_LISTED) | _is_any(table), columns].reset_index(drop=True)


def _is_any(table: pd.DataFrame) -> pd.Series:
    return table[[flag for *_, flag in (_REVENUES, _PROFITS) if flag in table]].any(axis=1)


def _name(table: pd.DataFrame, accounts: pd.DataFrame | None, unit: str) -> pd.DataFrame:
    """Put names beside the units."""
    file = None
    if accounts is not None:
        file = accounts.assign(customer_id=accounts["customer_id"].astype("str")).drop_duplicates("customer_id")
    named = name_accounts(table.rename(columns={unit: "customer_id"}), file)
    return named.rename(columns={"customer_id": unit})


def _find_keys(frame: pd.DataFrame, key_accounts: Collection[str] | None) -> pd.Series:
    if key_accounts is None:
        return pd.Series(False, index=frame.index)
    keys = read_ids(key_accounts, "key_accounts")
    unknown = sorted(keys - set(frame["customer_id"]))
    if unknown:
        raise DataError(
            f"{len(unknown)} of the key accounts are not among the accounts.",
            where=f"accounts {unknown[:3]}",
            hint="Give the ids as the ledger has them.",
        )
    return frame["customer_id"].isin(keys)


def _checks(say: Wording, frame: pd.DataFrame, heads: pd.Series | None, share_key: float | None) -> tuple[Check, ...]:
    checks = [_check_sign(say, frame), _check_profit(say, frame), _check_groups(say, heads)]
    if share_key is not None:
        low, high = USUAL_KEY_SHARE
        checks.append(
            Check(
                assumption=say.sentence(
                    "key accounts bring {low} to {high} of revenue, as is usual",
                    low=say.share(low, 0),
                    high=say.share(high, 0),
                ),
                finding=say.sentence("they bring {share}", share=say.share(share_key)),
                verdict="holds" if low <= share_key <= high else "does not hold",
                statistic=share_key,
            )
        )
    return tuple(checks)


def _check_sign(say: Wording, frame: pd.DataFrame) -> Check:
    n_below = int((frame["revenue"] < 0).sum())
    return Check(
        assumption=say.sentence("no account is below zero"),
        finding=say.sentence("none is")
        if not n_below
        else say.plural(
            "one is; it counts as 0 in the shares of revenue",
            "{n} are; they count as 0 in the shares of revenue",
            n_below,
        ),
        verdict="handled" if n_below else "holds",
    )


def _check_profit(say: Wording, frame: pd.DataFrame) -> Check:
    assumption = say.sentence("shares of contribution have a meaning")
    if "profit" not in frame:
        return Check(
            assumption=assumption,
            finding=say.sentence("no contribution was given: dependence is by revenue alone"),
            verdict="not testable",
        )
    earned, net = float(frame["profit"].clip(lower=0).sum()), float(frame["profit"].sum())
    return Check(
        assumption=assumption,
        finding=say.sentence("no account earns anything: there are none")
        if earned <= 0
        else say.sentence(
            "they are of the {earned} that accounts above zero earn; all together leave {net}",
            earned=say.money(earned),
            net=say.money(net),
        ),
        verdict="does not hold" if earned <= 0 else "holds" if net > 0 else "handled",
    )


def _check_groups(say: Wording, heads: pd.Series | None) -> Check:
    assumption = say.sentence("accounts leave on their own")
    if heads is None:
        return Check(
            assumption=assumption,
            finding=say.sentence("no parents were given, so groups of companies cannot be told"),
            verdict="not testable",
        )
    n_grouped = int(heads.duplicated(keep=False).sum())
    return Check(
        assumption=assumption,
        finding=say.sentence("{n} accounts share a group with others; groups are listed apart", n=say.count(n_grouped))
        if n_grouped
        else say.sentence("none shares a group with another"),
        verdict="handled" if n_grouped else "holds",
    )


def _assumed(say: Wording, breadwinner: float, has_profit: bool) -> tuple[Assumed, ...]:
    return (
        Assumed(
            what=say.sentence("breadwinner"),
            value=say.sentence(
                "{share} or more of revenue or of contribution" if has_profit else "{share} or more of revenue",
                share=say.share(breadwinner, 0),
            ),
            would_change=say.sentence("a convention; the table lists the largest whatever it is"),
        ),
        Assumed(
            what=say.sentence("what goes if an account leaves"),
            value=say.sentence("all that it brought in the time of the ledger; nothing is taken over by others"),
            would_change=say.sentence("costs that stay when it leaves make the loss of contribution larger"),
        ),
    )
