"""Partial churn: accounts that still order, but brought half or less of what they brought the year before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.definition import ChurnDefinitionResult
from kam.churn.waiting import read_activity
from kam.churn.year_pairs import (
    QUARTER,
    SWAPS,
    YEAR,
    early_signs,
    first_orders,
    lay_out,
    look_at,
    not_lost_at,
    quarter_frame,
    silent_months,
)
from kam.errors import EmptyDataError, ParameterError
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.stats.resampling import check_whole
from kam.wording import N_

if TYPE_CHECKING:
    from kam.ledger import Ledger
    from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class PartialChurnResult(Result):
    """Result of :func:`partial_churn`.

    Attributes
    ----------
    accounts : pandas.DataFrame
        One row per partial churner today, largest loss of money first: ``customer_id``; ``revenue_before`` and ``revenue``, net,
        in the year before the last and in the last; ``share_change`` (−1 to −drop, or below where credit notes prevail);
        ``money_drop``; ``p_chance``, how often so large a drop would come if the quarters of the two years had changed places at
        random.
    quarters : pandas.DataFrame
        One row per end of a quarter: ``period``, the month that ends it; ``n_customers``, accounts not lost with both years;
        ``n_partial``; ``share_partial`` with ``ci_low, ci_high`` (Wilson); ``n_chance``, how many would show such a drop by
        chance; ``n_rise``, accounts whose revenue rose as much; ``money_drop``.
    early_sign : pandas.DataFrame
        One row per ``scope`` (all accounts not lost; those that ordered in the last quarter): ``n_partial, n_others``,
        account-quarters of partial churners and others that were followed; ``share_partial_lost, share_others_lost``, lost within
        ``follow_months`` after; ``estimate``, the difference, with ``ci_low, ci_high`` (accounts resampled; missing: too few);
        the others are weighted to the quarters of the partial churners.
    n_customers, n_partial : int
        Accounts that are not lost and have both years, and the partial churners of them.
    n_short : int
        Accounts that are not lost, but have no two years yet, or brought nothing in the first of them.
    n_chance : float
        How many would show such a drop by chance.
    money_before, money_drop : float
        What the partial churners brought in the year before the last, and how much less in the last.
    drop : float
        Share of the revenue that must be gone.
    k : int
        Silent months after which an account is lost, or the definition's.
    follow_months : int
        How long partial churners and others are followed: a year, or k and half a year where that is longer, since who orders
        today cannot be lost before k months are over.
    min_revenue : float
        Revenue of the year before from which on an account counts.
    level : float
        Level of the intervals.
    n_resamples, seed : int
        Resamples of the accounts, and their seed.
    """

    main: ClassVar[str] = "accounts"

    accounts: pd.DataFrame
    quarters: pd.DataFrame
    early_sign: pd.DataFrame
    n_customers: int
    n_partial: int
    n_short: int
    n_chance: float
    money_before: float
    money_drop: float
    drop: float
    k: int
    follow_months: int
    min_revenue: float
    level: float
    n_resamples: int
    seed: int

    def _sentence(self) -> str:
        say = self.context.wording
        drop, n_all = say.share(self.drop, 0), say.count(self.n_customers)
        first = say.sentence(
            "None of {n_all} accounts that still order brought at least {drop} less in the last year than in the year before.",
            n_all=n_all,
            drop=drop,
        )
        if self.n_partial:
            first = say.plural(
                "One of {n_all} accounts that still order brought at least {drop} less in the last year than in the year before: "
                "{money} in all, of {before}; about {chance} would by chance.",
                "{n} of {n_all} accounts that still order brought at least {drop} less in the last year than in the year before: "
                "{money} in all, of {before}; about {chance} would by chance.",
                self.n_partial,
                n_all=n_all,
                drop=drop,
                money=say.money(self.money_drop),
                before=say.money(self.money_before),
                chance=say.count(self.n_chance),
            )
        row = self.early_sign.iloc[-1]
        if np.isnan(row["ci_low"]):
            return say.join(
                [first, say.sentence("Whether such a drop goes before a loss cannot be told: too few were followed.")]
            )
        shares = {
            "partial": say.share(row["share_partial_lost"]),
            "others": say.share(row["share_others_lost"]),
            "time": say.periods(self.follow_months, "month"),
            "interval": say.interval(
                say.number(100 * row["ci_low"], 1), say.number(100 * row["ci_high"], 1), self.level
            ),
        }
        message = (
            N_(
                "Such a drop goes before losses: of those that had ordered in the last quarter all the same {partial} were lost "
                "within {time}, of the others {others} ({interval} of the difference in points)."
            )
            if row["ci_low"] > 0
            else N_(
                "Such a drop is no sure early sign of a loss: of those that had ordered in the last quarter all the same "
                "{partial} were lost within {time}, of the others {others} ({interval} of the difference in points)."
            )
        )
        return say.join([first, say.sentence(message, **shares)])

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        last, sign = self.quarters.iloc[-1], self.early_sign.iloc[-1]
        known = not np.isnan(sign["ci_low"])
        return (
            KeyFigure(
                value=say.count(self.n_partial),
                label=say.sentence("accounts brought at least {drop} less", drop=say.share(self.drop, 0)),
                note=say.sentence("{n} by chance alone", n=say.count(self.n_chance)),
            ),
            KeyFigure(
                value=say.share(last["share_partial"]),
                label=say.sentence("of the accounts that still order"),
                note=say.interval(say.share(last["ci_low"]), say.share(last["ci_high"]), self.level),
            ),
            KeyFigure(
                value=say.money_short(self.money_drop),
                label=say.sentence("less than in the year before"),
                note=say.sentence("counted, not estimated"),
            ),
            KeyFigure(
                value=say.sentence("{points} points", points=say.number(100 * sign["estimate"], 1))
                if known
                else say.sentence("not known"),
                label=say.sentence("more of them lost within {time}", time=say.periods(self.follow_months, "month")),
                note=say.interval(say.number(100 * sign["ci_low"], 1), say.number(100 * sign["ci_high"], 1), self.level)
                if known
                else say.sentence("too few were followed"),
            ),
        )


def partial_churn(
    ledger: Ledger | pd.DataFrame,
    definition: ChurnDefinitionResult | int,
    *,
    drop: float = 0.5,
    min_revenue: float = 0.0,
    level: float = 0.95,
    n_resamples: int = 500,
    seed: int = 1,
    context: Context | None = None,
) -> PartialChurnResult:
    """Find the accounts that still order, but for half or less, and say whether that goes before a loss.

    At the end of every quarter, accounts that are not lost and that ordered before the year before last began (so that both years
    are complete) are compared: net revenue of the last twelve months with that of the twelve before. What chance alone does is
    found by letting the quarters of the two years change places, spring with spring, in all sixteen ways: an account whose level
    does not change would be as likely to show any of them.

    Assumes (1) that the quarters of an account with a steady level are exchangeable between two years, so that a habit which
    drifts for longer than a quarter makes more drops than "by chance" says; the rises as large (``n_rise``) show how many;
    (2) that accounts are independent of one another (the intervals of the early sign resample them).

    Parameters
    ----------
    ledger : Ledger or pandas.DataFrame
        A ledger, or a panel by month as from :func:`kam.ledger.activity_panel` with ``revenue``.
    definition : ChurnDefinitionResult or int
        Who is lost: a churn definition by month of the same ledger, or the number of silent months.
    drop : float
        Share of the revenue that must be gone, above 0 and at most 1.
    min_revenue : float
        Net revenue (money) of the year before from which on an account counts; it always must be above 0.
    level : float
        Level of the intervals, between 0 and 1.
    n_resamples : int
        Resamples of the accounts.
    seed : int
        The same seed gives the same intervals.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    PartialChurnResult

    Raises
    ------
    EmptyDataError
        There are no two complete years, or no account that is not lost has both.
    ParameterError
        An argument is out of range; the definition is of other data.
    MissingColumnError, ColumnTypeError, DataError
        The panel lacks a column, or is not one row per customer and month.

    Examples
    --------
    >>> month = pd.date_range("2023-01-01", periods=25, freq="MS")
    >>> rows = [(name, m, 100.0 if name == "a" or m < month[13] else 40.0) for name in "ab" for m in month]
    >>> panel = pd.DataFrame(rows, columns=["customer_id", "period", "revenue"]).assign(n_orders=1)
    >>> result = partial_churn(panel, 6)
    >>> result.accounts[["customer_id", "share_change", "p_chance"]].to_numpy().tolist()
    [['b', -0.6, 0.0625]]
    """
    if not 0 < drop <= 1:
        raise ParameterError(f"drop is {drop}.", hint="Give a share above 0 and at most 1; 0.5 is usual.")
    if not 0 < level < 1:
        raise ParameterError(f"level is {level}.", hint="Give the level as a share between 0 and 1.")
    if not np.isfinite(min_revenue):
        raise ParameterError(f"min_revenue is {min_revenue}.", hint="Give money a year.")
    check_whole("n_resamples", n_resamples, at_least=1)
    activity = read_activity(ledger, "month")
    k = silent_months(activity, definition)
    if context is None:
        context = definition.context if isinstance(definition, ChurnDefinitionResult) else None
    if context is None:
        context = Context(currency=None if isinstance(ledger, pd.DataFrame) else ledger.currency)
    say = context.wording
    if activity.money is None or activity.n_periods < 2 * YEAR:
        raise EmptyDataError(
            "There are no two complete years to compare."
            if activity.money is not None
            else "The panel has no revenue.",
            where=f"{activity.n_periods} complete months",
            hint="Partial churn needs revenue, and at least 24 complete months.",
        )
    revenue, last, lost_on = lay_out(activity, k)
    first = first_orders(activity)
    k_all = definition.k if isinstance(definition, ChurnDefinitionResult) else int(definition)
    follow = max(YEAR, k_all + YEAR // 2)
    ends = np.arange(activity.n_periods, 2 * YEAR - 1, -QUARTER)[::-1]
    seen = [look_at(revenue, first, last, lost_on, int(end), drop, min_revenue, follow) for end in ends]
    now = seen[-1]
    if not now.known.any():
        raise EmptyDataError(
            "No account that is not lost has two complete years with revenue.",
            hint="Give more data, or a smaller min_revenue.",
        )
    quarters = quarter_frame(seen, ends, activity, level)
    signs = early_signs(seen, ends, activity.n_periods, follow, level, n_resamples, seed)
    who = np.flatnonzero(now.partial)
    accounts = pd.DataFrame(
        {
            "customer_id": activity.names[who],
            "revenue_before": now.before[who],
            "revenue": now.after[who],
            "share_change": now.after[who] / now.before[who] - 1,
            "money_drop": now.before[who] - now.after[who],
            "p_chance": now.p_chance[who],
        }
    ).sort_values(["money_drop", "customer_id"], ascending=[False, True], ignore_index=True)
    n_chance = float(quarters["n_chance"].iloc[-1])
    not_lost = not_lost_at(first, last, lost_on, int(ends[-1]))
    return PartialChurnResult(
        context=context,
        checks=_checks(say, quarters, signs, accounts),
        assumed=_assumed(say, drop, min_revenue, k_all),
        accounts=accounts,
        quarters=quarters,
        early_sign=signs,
        n_customers=int(now.known.sum()),
        n_partial=len(who),
        n_short=int((not_lost & ~now.known).sum()),
        n_chance=n_chance,
        money_before=float(now.before[who].sum()),
        money_drop=float((now.before - now.after)[who].sum()),
        drop=drop,
        k=k_all,
        follow_months=follow,
        min_revenue=min_revenue,
        level=level,
        n_resamples=n_resamples,
        seed=seed,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _assumed(say: Wording, drop: float, min_revenue: float, k: int) -> tuple[Assumed, ...]:
    return (
        Assumed(
            what=say.sentence("share of the revenue that must be gone"),
            value=say.share(drop, 0),
            would_change=say.sentence("a smaller share finds more accounts, and more of them by chance"),
        ),
        Assumed(
            what=say.sentence("silence after which a customer is lost"),
            value=say.periods(k, "month"),
            would_change=say.sentence("after a shorter silence more are lost, and fewer partial churners are left"),
        ),
        Assumed(
            what=say.sentence("revenue of the year before from which on an account counts"),
            value=say.money(min_revenue),
            would_change=say.sentence("small accounts vary more, and show more drops by chance"),
        ),
    )


def _checks(say: Wording, quarters: pd.DataFrame, signs: pd.DataFrame, accounts: pd.DataFrame) -> tuple[Check, ...]:
    last = quarters.iloc[-1]
    n, chance, rise = int(last["n_partial"]), float(last["n_chance"]), int(last["n_rise"])
    sure = int((accounts["p_chance"] <= 1.5 / len(SWAPS)).sum())
    return (
        Check(
            assumption=say.sentence("such a drop is more than chance"),
            finding=say.sentence(
                "{n} drops, {chance} of which chance alone would make; {sure} are the largest that the account's own quarters "
                "allow",
                n=say.count(n),
                chance=say.number(chance, 1),
                sure=say.count(sure),
            ),
            verdict="not testable"
            if not n
            else "holds"
            if chance <= 0.1 * n
            else "handled"
            if chance <= 0.5 * n
            else "does not hold",
            statistic=chance,
        ),
        Check(
            assumption=say.sentence("drops are more than the ups and downs of accounts"),
            finding=say.sentence(
                "{n} accounts fell by as much, {rise} rose by as much", n=say.count(n), rise=say.count(rise)
            ),
            verdict="holds" if n > rise + 2 * np.sqrt(n + rise) else "does not hold",
            statistic=float(rise),
        ),
        Check(
            assumption=say.sentence("enough partial churners were followed to see what comes after"),
            finding=say.sentence(
                "{n} account-quarters of partial churners were followed long enough",
                n=say.count(signs["n_partial"].iloc[0]),
            ),
            verdict="holds" if signs["ci_low"].notna().all() else "does not hold",
        ),
    )
