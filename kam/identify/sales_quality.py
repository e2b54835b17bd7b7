"""Sales quality: volume that was bought with deep discounts, loaded into the end of a period, sent elsewhere, or comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

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
    too_few,
)
from kam.identify.below_cost import judge_below_cost
from kam.identify.level_shift import MIN_ORDERS, excess, mean_shift
from kam.identify.order_blocks import OrderBlocks, share_of
from kam.identify.order_spike import SPIKE_TIMES, judge_order_spike
from kam.identify.period_end_loading import LAST_DAYS_POINTS, is_quarter_end, judge_period_end_loading
from kam.ledger import Ledger
from kam.ledger.quality import LAST_DAYS, quality_facts
from kam.results import Context, KeyFigure, Result
from kam.wording import N_, Wording

Floats = npt.NDArray[np.float64]

DISCOUNT_POINTS = 0.05
RETURN_POINTS = 0.05
AWAY_POINTS = 0.1


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class SalesQualityResult(Result):
    """Result of :func:`sales_quality`.

    Attributes
    ----------
    flags : pandas.DataFrame
        One row per account and flag that it carries, largest accounts first: ``customer_id, name, flag, measure, figure,
        reference, finding`` (the words, with figure and unit) ``, since`` (first day of the period from which on; missing where
        not dated) ``, p_value, revenue, is_large``. The flags are *discount depth*, *returns*, *order spike*, *period-end
        loading* and *shipping elsewhere*.
    facts : pandas.DataFrame
        One row per account with any line, largest first: ``customer_id, name, revenue, n_orders, is_large`` (class A by
        revenue), and, over the last twelve months where the ledger shows them, ``share_discount`` (of the list price),
        ``share_returns`` (of gross revenue), ``share_last_days`` (of gross revenue, in the last days of the quarters),
        ``share_away`` (of gross revenue, shipped to another region) ``, n_flags``.
    counts : pandas.DataFrame
        One row per flag: ``flag, n_flagged, n_flagged_large, n_judged, n_not_judged, is_tested`` (else counted), ``reason``
        (why not judged).
    history : pandas.DataFrame
        The evidence over time of the large accounts that carry a flag: ``customer_id, period`` (first day of three months),
        ``flag, figure``.
    false_alarms : float
        Of the accounts that carry a flag, the share expected to carry it by chance.
    """

    main: ClassVar[str] = "flags"

    flags: pd.DataFrame
    facts: pd.DataFrame
    counts: pd.DataFrame
    history: pd.DataFrame
    false_alarms: float

    def _sentence(self) -> str:
        return say_flags(
            self.context.wording,
            self.flags,
            self.facts,
            *N_(
                "One of {n_large} large accounts (class A), with {share} of revenue, carries a flag for the quality "
                "of its sales.",
                "{n} of {n_large} large accounts (class A), with {share} of revenue, carry a flag for the quality of "
                "their sales.",
            ),
            N_("None of {n_all} accounts, {n_large} of them large, carries a flag for the quality of its sales."),
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        return flag_figures(self.context.wording, self.flags, self.facts, self.counts, self.false_alarms)


def sales_quality(
    ledger: Ledger,
    *,
    accounts: pd.DataFrame | None = None,
    false_alarms: float = FALSE_ALARMS,
    last_days: int = LAST_DAYS,
    context: Context | None = None,
) -> SalesQualityResult:
    """Flag accounts whose sales are of poor quality: bought with price, moved in time or space, sent back, or at a loss.

    A flag needs a test against the account's own past or the portfolio, corrected for the many accounts
    (:mod:`kam.identify.account_flags`) and for the many possible beginnings (:mod:`kam.identify.level_shift`), and a size that
    matters:

    - *discount depth*: the discount per order (share of the list price) rose, Welch's t on orders, by at least 5 points of the
      list price; or, without a past to compare with, lies that far above the portfolio's upper fence (upper quartile + 3
      interquartile ranges, Tukey 1977), one-sample t. Tested are means of the rates of orders; shown is the share of the money
      (discount over net list price, sum over sum), which has to be off by these 5 points as well.
    - *returns*: documents with negative lines per order, Poisson against the portfolio's rate, at least twice as many, and
      5 points of gross revenue more than the portfolio.
    - *order spike*: a month of the last twelve whose log of gross revenue lies above the account's own months by a robust
      z = (x - median) / (1.4826 MAD), t with 0.37 (m - 1) degrees of freedom (the efficiency of the MAD), times the months
      looked at; at least three times the usual month, also of the last year, so that a new level is no spike.
    - *period-end loading*: orders in the last days of a quarter, binomial against even ordering or, if higher, the portfolio's
      own share; at least 10 points of revenue above it, and twice as often as in the last days of the other months, so that
      who orders at every month's end is not flagged.
    - *below cost* (counted; :mod:`kam.identify.below_cost`): the last twelve months brought less than goods, freight and trade
      terms cost.
    - *shipping elsewhere*: orders to a region that is not the account's, binomial against the portfolio's share; at least 10
      points above it.

    Assumes (1) that orders of an account are independent given its level; (2) that most accounts are free of what is looked
    for, so that the portfolio is a fair reference; (3) that discounts are recorded on the line as money.

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`.
    accounts : pandas.DataFrame, optional
        The account file: ``name``; ``region``, the home of an account before the ledger's.
    false_alarms : float
        Of the accounts that carry a flag, the share that may carry it by chance, in (0, 1).
    last_days : int
        Days at the end of a quarter that are its last days.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    SalesQualityResult

    Raises
    ------
    EmptyDataError
        No month of the ledger is complete.
    DataError
        An account stands twice in the account file.
    ParameterError
        ``false_alarms`` or ``last_days`` is out of range.

    References
    ----------
    Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate. JRSS B 57. Welch, B. L. (1947). Biometrika 34.
    Iglewicz, B. & Hoaglin, D. C. (1993). How to detect and handle outliers. Tukey, J. W. (1977). Exploratory data analysis.

    Examples
    --------
    >>> from kam.ledger import open_ledger
    >>> days = pd.date_range("2022-01-03", "2023-12-31", freq="14D")
    >>> rate = np.where(days < "2023-01-01", 0.1, 0.3)
    >>> lines = pd.DataFrame({"customer_id": "a", "order_date": days, "amount": 100 * (1 - rate), "discount": 100 * rate})
    >>> sales_quality(open_ledger(lines, as_of="2023-12-31")).flags[["flag", "finding"]].to_numpy().tolist()
    [['discount depth', 'discount 30.0% of the list price since January 2023, 10.0% before']]
    """
    false_alarms = checked_share("false_alarms", false_alarms)
    context = context or Context()
    say = context.wording
    blocks = OrderBlocks.of(quality_facts(ledger, accounts=accounts, last_days=last_days))
    checked_accounts(accounts, blocks.customers)
    judgments = [
        _discount_depth(blocks, say),
        _returns(blocks, say),
        judge_order_spike(blocks, say),
        judge_period_end_loading(blocks, say, ledger.fiscal_year_start, last_days),
        judge_below_cost(blocks, say),
        _shipping_elsewhere(blocks, say),
    ]
    facts = base_facts(blocks)
    gross = blocks.last_year("gross")
    shares = {"share_returns": ("returns", gross), "share_away": ("away", gross)}
    if "discount" in blocks:
        shares = {
            "share_discount": ("discount", gross - blocks.last_year("returns") + blocks.last_year("discount")),
            **shares,
        }
    for name, (part, whole) in shares.items():
        if part in blocks:
            facts[name] = share_of(blocks.last_year(part), whole)
    ends = is_quarter_end(blocks, ledger.fiscal_year_start)
    year = blocks.month >= len(blocks.months) - 12
    at_end = blocks.by_block("last_days", ends & year).sum(axis=1)
    facts["share_last_days"] = share_of(at_end, gross)
    tables = collect_flags(judgments, facts, false_alarms=false_alarms, accounts=accounts)
    return SalesQualityResult(
        context=context,
        checks=flag_checks(context, tables.counts, len(blocks)),
        assumed=flag_assumed(context, false_alarms, _sizes(say, last_days)),
        flags=tables.flags,
        facts=tables.facts,
        counts=tables.counts,
        history=_history(blocks, tables.flags, ends),
        false_alarms=false_alarms,
    )


# -- one flag each ---------------------------------------------------------------------------------------------------


def _discount_depth(blocks: OrderBlocks, say: Wording) -> Judgment | Unknown:
    flag = "discount depth"
    if "discount" not in blocks:
        return Unknown(flag, say.sentence("no discount in this ledger"))
    n, total, squares = (blocks.by_block(name) for name in ("n_orders", "discount_rate", "discount_rate_squares"))
    shift = mean_shift(n, total, squares)
    orders = n.sum(axis=1)
    level = share_of(total.sum(axis=1), orders)
    known = level[orders >= MIN_ORDERS]
    low, high = np.quantile(known, [0.25, 0.75]) if len(known) else (0.0, 0.0)
    fence = high + 3 * (high - low)
    given, whole = blocks.by_block("discount"), _list_price(blocks)
    money = share_of(given.sum(axis=1), whole.sum(axis=1))
    known_money = money[(orders >= MIN_ORDERS) & ~np.isnan(money)]
    low, high = np.quantile(known_money, [0.25, 0.75]) if len(known_money) else (0.0, 0.0)
    money_fence = high + 3 * (high - low)
    deviation = np.sqrt(np.maximum(share_of(squares.sum(axis=1), orders) - level**2, 0.01**2))
    young = ~shift.judged & (orders >= MIN_ORDERS)
    t = (level - fence) * np.sqrt(np.maximum(orders - 1, 1)) / deviation
    p_value = np.where(young, stats.t.sf(t, np.maximum(orders - 1, 1)), shift.p_value)
    after, before = shift.money_shares(given, whole)
    figure, reference = np.where(young, money, after), np.where(young, money_fence, before)
    tested = np.where(young, level - fence, shift.after - shift.before)
    since = pd.DatetimeIndex(blocks.dates(shift.start, shift.judged).where(~young))

    def words(i: int) -> str:
        if young[i]:
            return say.sentence(
                "discount {now} of the list price, of the other accounts hardly any has more than {fence}",
                now=say.share(figure[i]),
                fence=say.share(money_fence),
            )
        return say.sentence(
            "discount {now} of the list price since {month}, {before} before",
            now=say.share(figure[i]),
            before=say.share(reference[i]),
            month=say.period(since[i]),
        )

    return Judgment(
        flag=flag,
        measure=say.sentence("discount, share of the list price"),
        judged=shift.judged | young,
        matters=(figure - reference >= DISCOUNT_POINTS) & (tested >= DISCOUNT_POINTS),
        figure=figure,
        reference=reference,
        p_value=p_value,
        since=since,
        finding=words,
        not_judged=too_few(say),
    )


def _returns(blocks: OrderBlocks, say: Wording) -> Judgment:
    n, back = blocks.by_block("n_orders"), blocks.by_block("n_returns")
    rate = back.sum() / max(n.sum(), 1)
    shift = excess(back, n, np.full(blocks.n_blocks, rate), distribution="poisson")
    gross, returns = blocks.by_block("gross"), blocks.by_block("returns")
    share = share_of(shift.since(returns), shift.since(gross))
    usual = float(returns.sum() / gross.sum()) if gross.sum() > 0 else 0.0
    since = blocks.dates(shift.start, shift.judged)

    def words(i: int) -> str:
        return say.sentence(
            "{share} of what was bought came back since {month}, {usual} in the portfolio",
            share=say.share(share[i]),
            usual=say.share(usual),
            month=say.period(since[i]),
        )

    return Judgment(
        flag="returns",
        measure=say.sentence("returns, share of gross revenue"),
        judged=shift.judged,
        matters=(share - usual >= RETURN_POINTS) & (shift.after >= 2 * rate),
        figure=np.where(shift.judged, share, np.nan),
        reference=np.where(shift.judged, usual, np.nan),
        p_value=shift.p_value,
        since=since,
        finding=words,
        not_judged=too_few(say),
    )


def _shipping_elsewhere(blocks: OrderBlocks, say: Wording) -> Judgment | Unknown:
    flag = "shipping elsewhere"
    if "n_away" not in blocks:
        return Unknown(flag, say.sentence("no ship_region, or no region of the accounts, in this ledger"))
    n, away = blocks.by_block("n_located"), blocks.by_block("n_away")
    usual = away.sum() / max(n.sum(), 1)
    shift = excess(away, n, np.full(blocks.n_blocks, usual))
    money = share_of(shift.since(blocks.by_block("away")), shift.since(blocks.by_block("gross")))
    since = blocks.dates(shift.start, shift.judged)

    def words(i: int) -> str:
        return say.sentence(
            "{share} of the orders, {money} of revenue, shipped to another region since {month}, {usual} in the portfolio",
            share=say.share(shift.after[i]),
            money=say.share(money[i]),
            usual=say.share(usual),
            month=say.period(since[i]),
        )

    return Judgment(
        flag=flag,
        measure=say.sentence("orders shipped to another region, share of all"),
        judged=shift.judged,
        matters=shift.after - shift.before >= AWAY_POINTS,
        figure=shift.after,
        reference=shift.before,
        p_value=shift.p_value,
        since=since,
        finding=words,
        not_judged=too_few(say),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _list_price(blocks: OrderBlocks) -> Floats:
    """What was bought less what came back, at list prices."""
    return blocks.by_block("gross") - blocks.by_block("returns") + blocks.by_block("discount")


def _history(blocks: OrderBlocks, flags: pd.DataFrame, ends: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """The figures of every quarter of the accounts that carry a flag, largest 50."""
    chosen = first_accounts(flags)
    rows = blocks.customers.get_indexer(pd.Index(chosen))
    gross = blocks.by_block("gross")[rows]
    figures = {
        "returns": share_of(blocks.by_block("returns")[rows], gross),
        "order spike": gross - blocks.by_block("returns")[rows],
        "period-end loading": share_of(blocks.by_block("last_days", ends)[rows], gross),
    }
    if "discount" in blocks:
        figures["discount depth"] = share_of(blocks.by_block("discount")[rows], _list_price(blocks)[rows])
    if "n_away" in blocks:
        figures["shipping elsewhere"] = share_of(blocks.by_block("n_away")[rows], blocks.by_block("n_located")[rows])
    return flag_history(blocks, flags, chosen, figures)


def _sizes(say: Wording, last_days: int) -> list[tuple[str, str]]:
    return [
        (
            say.sentence("a change of discount that matters"),
            say.sentence("{x} of the list price", x=say.share(DISCOUNT_POINTS, 0)),
        ),
        (
            say.sentence("returns that matter"),
            say.sentence("{x} of gross revenue above the portfolio", x=say.share(RETURN_POINTS, 0)),
        ),
        (say.sentence("a spike that matters"), say.sentence("{x} times the usual month", x=say.number(SPIKE_TIMES, 0))),
        (
            say.sentence("loading that matters"),
            say.sentence(
                "{x} of revenue above even, in the last {days} days",
                x=say.share(LAST_DAYS_POINTS, 0),
                days=say.count(last_days),
            ),
        ),
        (
            say.sentence("shipping elsewhere that matters"),
            say.sentence("{x} of the orders above the portfolio", x=say.share(AWAY_POINTS, 0)),
        ),
    ]
