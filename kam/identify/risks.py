"""Risks of big customers: one flag per risk that the data can show, with the figure behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.columns import read_ids
from kam.errors import ParameterError
from kam.identify.account_flags import (
    FALSE_ALARMS,
    Judgment,
    Unknown,
    base_facts,
    checked_accounts,
    checked_share,
    collect_flags,
    first_accounts,
    flag_assumed,
    flag_checks,
    flag_figures,
    flag_history,
    say_flags,
)
from kam.identify.buying_concentration import judge_buying
from kam.identify.dependence_flag import judge_dependence
from kam.identify.level_shift import MIN_ORDERS, mean_shift
from kam.identify.order_blocks import OrderBlocks, share_of
from kam.identify.overdue import judge_credit_limit, judge_overdue
from kam.identify.own_brand import find_dropped_groups
from kam.identify.stagnation import judge_stagnation
from kam.ledger import Ledger
from kam.ledger.mix import By, bought_groups
from kam.ledger.quality import quality_facts
from kam.results import Context, KeyFigure, Result
from kam.wording import N_, Wording

Floats = npt.NDArray[np.float64]

BARGAINING_POINTS = 0.05
SERVE_POINTS = 0.025
DROPPED_SHARE = 0.1
REST_HALVED = -0.5
SIGNIFICANT = 0.05


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RisksResult(Result):
    """Result of :func:`risks`.

    Attributes
    ----------
    flags : pandas.DataFrame
        One row per account and flag that it carries, largest accounts first: ``customer_id, name, flag, measure, figure,
        reference, finding`` (the words, with figure and unit) ``, since`` (missing where not dated) ``, p_value`` (missing where
        a figure is counted and there is nothing to test) ``, revenue, is_large``. The flags are *dependence*, *bargaining*,
        *own brand*, *rising cost-to-serve*, *overdue balance*, *over credit limit*, *stagnation*, *concentration of buying* and
        *no sponsor*.
    facts : pandas.DataFrame
        One row per account with any line, largest first: ``customer_id, name, revenue, n_orders, is_large`` (class A by
        revenue), and, over the last twelve months where the data show them, ``share_our_revenue``, ``share_our_margin``,
        ``share_group_revenue``, ``share_group_margin`` (with its parent group), ``share_terms`` (discount and trade terms, of
        the list price), ``share_serve`` (freight and trade terms, of net revenue), ``hhi_orders``, ``hhi_products``,
        ``overdue_days`` (days of sales), ``limit_used`` (receivable over credit limit), ``n_flags``.
    counts : pandas.DataFrame
        One row per flag: ``flag, n_flagged, n_flagged_large, n_judged, n_not_judged, is_tested`` (else counted), ``reason``
        (why not judged).
    history : pandas.DataFrame
        The evidence over time of the accounts that carry a flag that can be dated: ``customer_id, period`` (first day of three
        months), ``flag, figure``.
    false_alarms : float
        Of the accounts that carry a flag with a test, the share expected to carry it by chance.
    of_large_accounts : bool
        No key accounts were named, so that a sponsor was looked for at the large accounts (class A).
    """

    main: ClassVar[str] = "flags"

    flags: pd.DataFrame
    facts: pd.DataFrame
    counts: pd.DataFrame
    history: pd.DataFrame
    false_alarms: float
    of_large_accounts: bool

    def _sentence(self) -> str:
        say = self.context.wording
        named = self.flags[self.flags["flag"] != "no sponsor"]
        text = say_flags(
            say,
            named,
            self.facts,
            *N_(
                "One of {n_large} large accounts (class A), with {share} of revenue, carries a flag of risk.",
                "{n} of {n_large} large accounts (class A), with {share} of revenue, carry a flag of risk.",
            ),
            N_("None of {n_all} accounts, {n_large} of them large, carries a flag of risk."),
        )
        without = self.counts.loc[self.counts["flag"] == "no sponsor"]
        n_key, n_without = int(without["n_judged"].sum()), int(without["n_flagged"].sum())
        if not n_key:
            return text
        # Nobody named key accounts: those judged are the large ones, and other analyses may name other key accounts.
        who = N_("{n} of {n_all} key accounts have no sponsor.")
        if self.of_large_accounts:
            who = N_("{n} of {n_all} large accounts (class A) have no sponsor.")
        return say.join([text, say.sentence(who, n=say.count(n_without), n_all=say.count(n_key))])

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        named = self.flags[self.flags["flag"] != "no sponsor"]
        return flag_figures(self.context.wording, named, self.facts, self.counts, self.false_alarms)


def risks(
    ledger: Ledger,
    *,
    accounts: pd.DataFrame | None = None,
    key_accounts: Sequence[str] | None = None,
    dependence: float = 0.1,
    overdue_days: float = 30.0,
    false_alarms: float = FALSE_ALARMS,
    context: Context | None = None,
) -> RisksResult:
    """Flag the risks that come with big customers.

    Flags with a test are corrected for the many accounts (:mod:`kam.identify.account_flags`) and the many possible beginnings
    (:mod:`kam.identify.level_shift`), and need a size that matters; the others are counted:

    - *dependence* (counted): at least ``dependence`` of our revenue or margin of the last twelve months, the account alone or
      with its parent group; the margin's whole is the sum of the positive margins.
    - *bargaining*: discount and trade terms per order, share of the list price, rose (Welch's t on orders) by 5 points. Tested
      here and for the cost-to-serve are means of the rates of orders; shown is the share of the money (sum over sum, of lines
      bought and sent back), which has to be off by these points as well.
    - *own brand*: product groups that are no longer bought (:mod:`kam.identify.own_brand`), a tenth of the account's revenue or
      more, while the rest did not fall: not significantly at 5 %, and not by half.
    - *rising cost-to-serve*: freight and trade terms per order, share of the amount, rose by 2.5 points. The yearly service cost
      of the account file has no date and cannot rise.
    - *overdue balance* (:mod:`kam.identify.overdue`): overdue by at least ``overdue_days`` days of the account's sales, and
      more of what it owes than is usual; *over credit limit* (counted): a receivable above the limit.
    - *stagnation* (:mod:`kam.identify.stagnation`): no growth of its own, and 10 % a year behind the accounts that were there
      all the time and still buy.
    - *concentration of buying* (:mod:`kam.identify.buying_concentration`): the year hangs on fewer orders or products than with
      other accounts.
    - *no sponsor* (counted): a key account (without ``key_accounts`` a large one) for which the account file names none.

    Assumes (1) that orders of an account are independent given its level; (2) that most accounts are free of what is looked
    for; (3) that the account file is as of the end of the ledger.

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`.
    accounts : pandas.DataFrame, optional
        The account file: ``name, parent_id, overdue, receivable, credit_limit, payment_days, sponsor``, those that it has.
    key_accounts : sequence of str, optional
        Who needs a sponsor; by default class A by revenue.
    dependence : float
        Share of our revenue or margin from which on we depend on an account, in (0, 1).
    overdue_days : float
        Days of sales.
    false_alarms : float
        Of the accounts that carry a flag, the share that may carry it by chance, in (0, 1).
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    RisksResult

    Raises
    ------
    EmptyDataError
        No month of the ledger is complete.
    DataError
        An account stands twice in the account file.
    ParameterError
        ``false_alarms``, ``dependence`` or ``overdue_days`` is out of range.

    References
    ----------
    Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate. JRSS B 57. Welch, B. L. (1947). Biometrika 34.

    Examples
    --------
    >>> from kam.ledger import open_ledger
    >>> lines = pd.DataFrame({"customer_id": ["a", "b", "c"], "order_date": "2024-01-31", "amount": [80, 15, 5]})
    >>> risks(open_ledger(lines), dependence=0.2).flags[["customer_id", "flag", "finding"]].to_numpy().tolist()
    [['a', 'dependence', '80.0% of our revenue of the last twelve months']]
    """
    false_alarms, dependence = checked_share("false_alarms", false_alarms), checked_share("dependence", dependence)
    if not isinstance(overdue_days, Real) or not overdue_days > 0:
        raise ParameterError(f"overdue_days is {overdue_days!r}.", hint="Give a number of days above 0.")
    context = context or Context()
    say = context.wording
    blocks = OrderBlocks.of(quality_facts(ledger, accounts=accounts))  # as in sales_quality, so that it is done once
    file = checked_accounts(accounts, blocks.customers)
    kinds: tuple[By, ...] = ("product_group", "product_id")
    kind = next((one for one in kinds if one in ledger.columns), None)
    mix = bought_groups(ledger, kind) if kind else None
    facts = base_facts(blocks)
    depends, shares = judge_dependence(blocks, file, dependence, say)
    buying, hhis = judge_buying(blocks, mix, say)
    overdue, days = judge_overdue(blocks, file, overdue_days, say)
    limit, used = judge_credit_limit(file, say)
    judgments = [
        depends,
        _bargaining(blocks, say),
        _own_brand(blocks, mix if kind == "product_group" else None, say),
        _cost_to_serve(blocks, say),
        overdue,
        limit,
        judge_stagnation(blocks, say),
        buying,
        _no_sponsor(blocks, file, facts, key_accounts, say),
    ]
    facts = facts.assign(**shares, **_parts(blocks), **hhis, **days, **used)
    tables = collect_flags(judgments, facts, false_alarms=false_alarms, accounts=accounts)
    return RisksResult(
        context=context,
        checks=flag_checks(context, tables.counts, len(blocks)),
        assumed=flag_assumed(context, false_alarms, _sizes(say, dependence, overdue_days)),
        flags=tables.flags,
        facts=tables.facts,
        counts=tables.counts,
        history=_history(blocks, tables.flags),
        false_alarms=false_alarms,
        of_large_accounts=key_accounts is None,
    )


# -- one flag each ---------------------------------------------------------------------------------------------------


def _bargaining(blocks: OrderBlocks, say: Wording) -> Judgment | Unknown:
    missing = [name for name in ("discount", "trade_terms") if name not in blocks]
    if len(missing) == 2:
        return Unknown("bargaining", say.sentence("no discount and no trade_terms in this ledger"))
    return _risen(
        blocks,
        "bargaining",
        "price_rate",
        _terms(blocks),
        BARGAINING_POINTS,
        say.sentence("discount and trade terms, share of the list price"),
        N_("discount and trade terms {now} of the list price since {month}, {before} before"),
        say,
    )


def _cost_to_serve(blocks: OrderBlocks, say: Wording) -> Judgment | Unknown:
    if "freight" not in blocks and "trade_terms" not in blocks:
        return Unknown("rising cost-to-serve", say.sentence("no freight and no trade_terms in this ledger"))
    return _risen(
        blocks,
        "rising cost-to-serve",
        "serve_rate",
        _serve(blocks),
        SERVE_POINTS,
        say.sentence("freight and trade terms, share of the amount"),
        N_("freight and trade terms {now} of the amount since {month}, {before} before"),
        say,
    )


def _risen(
    blocks: OrderBlocks,
    flag: str,
    rate: str,
    money: tuple[Floats, Floats],
    points: float,
    measure: str,
    message: str,
    say: Wording,
) -> Judgment:
    """A rate per order that is higher than it was; shown as the share of the money (a part, and the whole)."""
    n, total, squares = (blocks.by_block(name) for name in ("n_orders", rate, f"{rate}_squares"))
    shift = mean_shift(n, total, squares)
    after, before = shift.money_shares(*money)
    since = blocks.dates(shift.start, shift.judged)

    def words(i: int) -> str:
        return say.sentence(message, now=say.share(after[i]), before=say.share(before[i]), month=say.period(since[i]))

    return Judgment(
        flag=flag,
        measure=measure,
        judged=shift.judged,
        matters=(after - before >= points) & (shift.after - shift.before >= points),
        figure=after,
        reference=before,
        p_value=shift.p_value,
        since=since,
        finding=words,
        not_judged=say.sentence("fewer than {n} orders before and after any change", n=say.count(MIN_ORDERS)),
    )


def _own_brand(blocks: OrderBlocks, mix: pd.DataFrame | None, say: Wording) -> Judgment | Unknown:
    if mix is None:
        return Unknown("own brand", say.sentence("no product_group in this ledger"))
    found = find_dropped_groups(blocks, mix, min_orders=MIN_ORDERS)
    since = pd.DatetimeIndex(blocks.months[np.clip(found.start, 0, len(blocks.months) - 1)].where(found.start >= 0))

    def words(i: int) -> str:
        return say.sentence(
            "no {groups} since {month}, {share} of its revenue before, the rest {change}",
            groups=say.listing(found.groups[i]),
            month=say.period(since[i]),
            share=say.share(found.share[i]),
            change=say.sentence("grew by {x}", x=say.share(found.growth[i]))
            if found.growth[i] >= 0
            else say.sentence("changed by {x}, within its usual swings", x=say.share(found.growth[i])),
        )

    with np.errstate(invalid="ignore"):
        holds = (found.p_fall >= SIGNIFICANT) & (found.growth >= REST_HALVED)
    return Judgment(
        flag="own brand",
        measure=say.sentence("share of revenue in product groups that are no longer bought"),
        judged=found.judged,
        matters=(found.share >= DROPPED_SHARE) & holds,
        figure=np.where(found.judged, found.share, np.nan),
        reference=np.where(found.judged, 0.0, np.nan),
        p_value=found.p_value,
        since=since,
        finding=words,
        not_judged=say.sentence("fewer than {n} orders", n=say.count(2 * MIN_ORDERS)),
    )


def _no_sponsor(
    blocks: OrderBlocks, file: pd.DataFrame, facts: pd.DataFrame, key_accounts: Sequence[str] | None, say: Wording
) -> Judgment | Unknown:
    if "sponsor" not in file:
        return Unknown("no sponsor", say.sentence("no sponsor in the account file"))
    key = (
        facts["is_large"].to_numpy(dtype=bool)
        if key_accounts is None
        else blocks.customers.isin(read_ids(key_accounts, "key_accounts"))
    )
    listed = file.notna().any(axis=1).to_numpy()
    lacks = file["sponsor"].isna().to_numpy() | file["sponsor"].astype("str").str.strip().eq("").to_numpy()
    judged = key & listed
    return Judgment(
        flag="no sponsor",
        measure=say.sentence("sponsors named for a key account")
        if key_accounts is not None
        else say.sentence("sponsors named for a large account"),
        judged=judged,
        matters=lacks,
        figure=np.where(judged, (~lacks).astype(np.float64), np.nan),
        reference=np.where(judged, 1.0, np.nan),
        p_value=None,
        since=None,
        finding=lambda i: say.sentence("no sponsor is named"),
        not_judged=say.sentence("no key account, or not in the account file")
        if key_accounts is not None
        else say.sentence("no large account, or not in the account file"),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _parts(blocks: OrderBlocks) -> dict[str, Floats]:
    """Terms and cost-to-serve of the last twelve months, those that the ledger shows."""
    parts = {}
    for name, rate, money in (("share_terms", "price_rate", _terms), ("share_serve", "serve_rate", _serve)):
        if rate in blocks:
            part, whole = (table[:, -4:].sum(axis=1) for table in money(blocks))
            parts[name] = share_of(part, whole)
    return parts


def _terms(blocks: OrderBlocks) -> tuple[Floats, Floats]:
    """Discount and trade terms, and the list price, of what was bought less what came back, by quarter."""
    discount = _money(blocks, "discount")
    net = blocks.by_block("gross") - blocks.by_block("returns")
    return discount + _money(blocks, "trade_terms"), net + discount


def _serve(blocks: OrderBlocks) -> tuple[Floats, Floats]:
    """Freight and trade terms, and the amount, of what was bought less what came back, by quarter."""
    net = blocks.by_block("gross") - blocks.by_block("returns")
    return _money(blocks, "freight") + _money(blocks, "trade_terms"), net


def _money(blocks: OrderBlocks, name: str) -> Floats:
    """Sums of a column that the ledger may lack."""
    return blocks.by_block(name) if name in blocks else np.zeros((len(blocks), blocks.n_blocks))


def _history(blocks: OrderBlocks, flags: pd.DataFrame) -> pd.DataFrame:
    """The figures of every three months of the largest 50 accounts that carry a dated flag."""
    shown = {"bargaining": _terms, "rising cost-to-serve": _serve}
    carried = flags.loc[flags["flag"].isin([*shown, "own brand", "stagnation"]), ["customer_id", "flag"]]
    chosen = first_accounts(carried)
    rows = blocks.customers.get_indexer(pd.Index(chosen))
    revenue = blocks.by_block("gross")[rows] - blocks.by_block("returns")[rows]
    figures = {"own brand": revenue, "stagnation": revenue}
    for flag, money in shown.items():
        part, whole = money(blocks)
        figures[flag] = share_of(part[rows], whole[rows])
    return flag_history(blocks, carried, chosen, figures)


def _sizes(say: Wording, dependence: float, overdue_days: float) -> list[tuple[str, str]]:
    return [
        (
            say.sentence("dependence that matters"),
            say.sentence("{x} of our revenue or margin", x=say.share(dependence, 0)),
        ),
        (
            say.sentence("a rise of discount and terms that matters"),
            say.sentence("{x} of the list price", x=say.share(BARGAINING_POINTS, 0)),
        ),
        (
            say.sentence("a rise of cost-to-serve that matters"),
            say.sentence("{x} of the amount", x=say.share(SERVE_POINTS)),
        ),
        (
            say.sentence("dropped product groups that matter"),
            say.sentence("{x} of the revenue of the account", x=say.share(DROPPED_SHARE, 0)),
        ),
        (
            say.sentence("an overdue balance that matters"),
            say.sentence("{n} days of sales", n=say.count(overdue_days)),
        ),
    ]
