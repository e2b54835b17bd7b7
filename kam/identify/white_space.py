"""White space: product groups that like accounts buy and this one does not, with the money, back-tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from kam.columns import require_columns
from kam.errors import EmptyDataError, ParameterError, UndefinedMeasureError
from kam.identify.like_accounts import (
    MIN_BUYERS,
    LikeTable,
    Purchases,
    choose_pairs,
    compare_like_accounts,
    purchases_of_year,
)
from kam.identify.white_space_backtest import LISTED, MIN_ACCOUNTS, MOST_BOUGHT, OTHERS, backtest_list
from kam.identify.white_space_checks import backtest_checks, coverage_checks, lapsed_check, list_assumed
from kam.identify.yearly_mix import last_two_years
from kam.results import Context, KeyFigure, Result
from kam.stats.proportions import wilson_interval
from kam.stats.resampling import check_whole


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class WhiteSpaceResult(Result):
    """Result of :func:`white_space`. A pair is an account and a product group that it did not buy in the last year.

    Attributes
    ----------
    gaps : pandas.DataFrame
        One row per listed pair, the largest value first: ``customer_id, group_name, n_like, n_like_buy, share_like`` (of the like
        accounts that buy it) ``, ci_low, ci_high`` (Wilson) ``, share_all`` (of all accounts) ``, value`` (what like accounts
        that buy it spend on it in a year, at this account's size) ``, bought_before`` (in the year before; missing without one).
    accounts : pandas.DataFrame
        One row per account judged, the largest value first: ``customer_id, n_not_bought`` (listed groups) ``, value``.
    backtest : pandas.DataFrame
        How the list made from the year before fared in the last year: one row each for the pairs ``listed``, ``all others`` of
        the same accounts, and as many groups ``most bought`` by all accounts: ``pair_set, n_pairs, n_bought, share_bought,
        listed_less`` (share of the listed less this one) ``, ci_low, ci_high`` (over accounts). Empty where there was none.
    n_accounts, n_with_gaps, n_gaps, n_groups : int
        Accounts judged, those with something listed, pairs listed, groups judged.
    value : float
        Sum over the listed pairs.
    n_accounts_backtest : int
        Accounts on the list of the year before.
    better_than_chance : bool or None
        Whether the interval of ``listed_less`` for all others lies above 0; None: it could not be told. Groups that many accounts
        buy are listed more often, so this alone does not show that likeness matters.
    better_than_most_bought : bool or None
        The same for as many groups that most of all accounts buy: whether likeness adds to that.
    min_share : float
        The parameter of the call.
    """

    main: ClassVar[str] = "gaps"

    gaps: pd.DataFrame
    accounts: pd.DataFrame
    backtest: pd.DataFrame
    n_accounts: int
    n_with_gaps: int
    n_gaps: int
    n_groups: int
    value: float
    n_accounts_backtest: int
    better_than_chance: bool | None
    better_than_most_bought: bool | None
    min_share: float

    def _row(self, name: str) -> dict[str, Any]:
        return dict(self.backtest[self.backtest["pair_set"] == name].iloc[0])

    def _sentence(self) -> str:
        say = self.context.wording
        if self.n_gaps:
            first = say.plural(
                "Like accounts of their size spend {value} a year on what {with_gaps} of {n_accounts} accounts do not buy:"
                " one pair of account and product group.",
                "Like accounts of their size spend {value} a year on what {with_gaps} of {n_accounts} accounts do not buy:"
                " {n} pairs of account and product group.",
                self.n_gaps,
                value=say.money_short(self.value),
                with_gaps=say.count(self.n_with_gaps),
                n_accounts=say.count(self.n_accounts),
            )
        else:
            first = say.sentence(
                "No product group is missing at any of {n} accounts that at least {share} of like accounts buy.",
                n=say.count(self.n_accounts),
                share=say.share(self.min_share, 0),
            )
        return say.join([first, self._tested()])

    def _tested(self) -> str:
        say = self.context.wording
        if self.backtest.empty:
            return say.sentence("Whether such a list comes true could not be tried on the year before.")
        listed, others = self._row(LISTED), self._row(OTHERS)
        values = {
            "listed": say.share(listed["share_bought"], 0),
            "others": say.share(others["share_bought"], 0),
        }
        if self.better_than_chance is None:
            return say.sentence(
                "Of the same list made a year earlier {listed} was bought since, of all other pairs {others}: too few accounts to"
                " tell whether the list is better than chance.",
                **values,
            )
        values["interval"] = say.interval(say.number(100 * others["ci_low"], 1), say.number(100 * others["ci_high"], 1))
        values["points"] = say.number(100 * others["listed_less"], 1)
        if self.better_than_chance and not self.better_than_most_bought:
            return say.sentence(
                "Of the same list made a year earlier {listed} was bought since, of all other pairs {others}: better than chance"
                " by {points} points ({interval}), but not surely better than naming what most accounts buy.",
                **values,
            )
        if self.better_than_chance:
            return say.sentence(
                "Of the same list made a year earlier {listed} was bought since, of all other pairs {others}: better than chance"
                " by {points} points ({interval}).",
                **values,
            )
        return say.sentence(
            "Of the same list made a year earlier {listed} was bought since, of all other pairs {others}: not better than chance"
            " (difference {points} points, {interval}).",
            **values,
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        none = say.sentence("no back-test: see the checks")
        tested = not self.backtest.empty
        note = none
        if tested:
            note = say.sentence(
                "all other pairs: {others}; as many groups that most accounts buy: {popular}",
                others=say.share(self._row(OTHERS)["share_bought"]),
                popular=say.share(self._row(MOST_BOUGHT)["share_bought"]),
            )
        return (
            KeyFigure(
                value=say.money_short(self.value),
                label=say.sentence("a year is what like accounts spend on it"),
                note=say.sentence("no forecast: no interval"),
            ),
            KeyFigure(
                value=say.count(self.n_with_gaps),
                label=say.sentence("accounts with a product group that like accounts buy"),
                note=say.sentence("of {n} judged; counted", n=say.count(self.n_accounts)),
            ),
            KeyFigure(
                value=say.share(self._row(LISTED)["share_bought"]) if tested else "–",
                label=say.sentence("of the same list, made a year earlier, was bought since"),
                note=note,
            ),
        )


def white_space(
    mix: pd.DataFrame,
    *,
    n_accounts: int = 500,
    n_like: int = 30,
    min_share: float = 0.5,
    context: Context | None = None,
) -> WhiteSpaceResult:
    """List the product groups that like accounts buy and this one does not, and try the same list on the year before.

    Like accounts are those with the highest cosine of the square roots of the shares of spending over product groups, without the
    group in question, among the 5,000 largest. A pair is listed if at least ``min_share`` of them buy the group and the Wilson
    interval of that share lies above the share of all accounts. Judged are groups that at least 5 % of the accounts buy, at most
    the 200 with the largest revenue.

    Assumes (1) that accounts with like baskets have like needs; (2) for Wilson's interval, that like accounts are independent;
    (3) that buying in one year means a positive net revenue.

    Parameters
    ----------
    mix : pandas.DataFrame
        As from ``summarize_mix(ledger, by="product_group", freq="last_years")`` (or ``by="product_id"``): ``customer_id, period,
        group, revenue``; the last year is judged, the one before serves for the back-test.
    n_accounts : int
        How many of the largest accounts of the last year are judged.
    n_like : int
        With how many like accounts each is compared.
    min_share : float
        Smallest share of like accounts that buy, above 0, at most 1.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    WhiteSpaceResult

    Raises
    ------
    MissingColumnError
        The mix lacks a column.
    EmptyDataError
        Nobody bought any named group in the last year.
    UndefinedMeasureError
        There is one account or one group only, or no group that enough accounts buy.
    DataError
        A group of an account stands twice in a year, a revenue is missing, or the periods are no years.
    ParameterError
        ``n_accounts``, ``n_like`` or ``min_share`` is out of range.

    Notes
    -----
    Neighborhood-based collaborative filtering with the Bhattacharyya coefficient (1943) as likeness; see Sarwar et al. (2001).
    The interval of the back-test is that of a difference of two ratios, linearized, with accounts as clusters and Student's t.

    Examples
    --------
    Five accounts buy film and tape alike; four of them buy labels as well.

    >>> rows = [(c, g, 10.0) for c in "abcde" for g in ("film", "tape", "labels") if (c, g) != ("e", "labels")]
    >>> rows += [(c, "glue", 10.0) for c in "vwxyz"]
    >>> mix = pd.DataFrame(rows, columns=["customer_id", "group", "revenue"]).assign(period=pd.Timestamp("2024-01-01"))
    >>> found = white_space(mix, n_like=4, min_share=0.9).gaps
    >>> found[["customer_id", "group_name", "n_like_buy", "value"]].round(2).to_numpy().tolist()
    [['e', 'labels', 4, 6.67]]
    """
    context = context or Context()
    check_whole("n_accounts", n_accounts, at_least=1)
    check_whole("n_like", n_like, at_least=2)
    if not 0 < min_share <= 1:
        raise ParameterError(f"min_share is {min_share}.", hint="Give a share above 0, at most 1, such as 0.5.")
    needed = ["customer_id", "period", "group", "revenue"]
    require_columns(mix, needed, where="the mix", hint="See summarize_mix.")
    last, then, rows = last_two_years(mix[needed])
    rows = rows.assign(customer_id=rows["customer_id"].astype("str"))
    groups = pd.Index(rows["group"].dropna().unique()).sort_values()
    named = rows[rows["group"].notna()]
    now = purchases_of_year(named[named["period"] == last], groups)
    before = purchases_of_year(named[named["period"] == then], groups)
    _check_size(now)
    judged = now.choose_groups()
    if not judged.size:
        raise UndefinedMeasureError(
            f"No product group is bought by {MIN_BUYERS:.0%} of the accounts.",
            where=f"{len(groups)} groups, {len(now.customers)} accounts",
            hint="Use coarser groups, such as by='product_group'.",
        )
    table = compare_like_accounts(now, judged, n_accounts=n_accounts, n_like=n_like)
    customers = now.customers[: len(table.bought)]
    gaps = _gaps(now, table, before, min_share)
    accounts = (
        gaps.groupby("customer_id")
        .agg(n_not_bought=("value", "size"), value=("value", "sum"))
        .reindex(customers, fill_value=0)
        .reset_index()
        .sort_values(["value", "customer_id"], ascending=[False, True], ignore_index=True)
    )
    backtest, n_backtest = backtest_list(before, now, n_accounts, n_like, min_share)
    better: dict[str, bool | None] = {OTHERS: None, MOST_BOUGHT: None}
    if n_backtest >= MIN_ACCOUNTS and len(backtest):
        better = {name: bool((backtest.loc[backtest["pair_set"] == name, "ci_low"] > 0).all()) for name in better}
    say = context.wording
    return WhiteSpaceResult(
        context=context,
        checks=(
            *coverage_checks(say, rows[rows["period"] == last], now, table, n_like),
            *backtest_checks(say, backtest, n_backtest, then == mix["period"].min()),
            lapsed_check(say, gaps),
        ),
        assumed=list_assumed(say, n_like, min_share),
        gaps=gaps,
        accounts=accounts.astype({"n_not_bought": "int64", "value": "float64"}),
        backtest=backtest,
        n_accounts=len(customers),
        n_with_gaps=int(gaps["customer_id"].nunique()),
        n_gaps=len(gaps),
        n_groups=len(judged),
        value=float(gaps["value"].sum()),
        n_accounts_backtest=n_backtest,
        better_than_chance=better[OTHERS],
        better_than_most_bought=better[MOST_BOUGHT],
        min_share=min_share,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_size(now: Purchases) -> None:
    if not len(now.customers):
        raise EmptyDataError(
            "Nobody bought anything with a product group in the last year.", where="mix", hint="Look at column 'group'."
        )
    if len(now.groups) < 2:
        raise UndefinedMeasureError(
            f"There is only one product group, {now.groups[0]!r}: without it no account is like another.",
            where="mix, column 'group'",
            hint="Use finer groups, such as by='product_id'.",
        )
    if len(now.customers) < 2:
        raise UndefinedMeasureError(
            f"Only one account, {now.customers[0]}, bought in the last year: there is none to compare it with.",
            where="mix",
        )


def _gaps(now: Purchases, table: LikeTable, before: Purchases, min_share: float) -> pd.DataFrame:
    row, column = choose_pairs(now, table, min_share).nonzero()
    customers = now.customers[: len(table.bought)]
    n, n_buy = table.n_like[row, column], table.n_like_buy[row, column]
    low, high = wilson_interval(n_buy, n)
    lapsed = pd.array([pd.NA] * len(row), dtype="boolean")
    if len(before.customers):
        lapsed = pd.array(before.bought(customers, table.groups)[row, column], dtype="boolean")
    frame = pd.DataFrame(
        {
            "customer_id": customers[row].astype("str"),
            "group_name": now.groups[table.groups[column]].astype("str"),
            "n_like": n,
            "n_like_buy": n_buy,
            "share_like": n_buy / n,
            "ci_low": low,
            "ci_high": high,
            "share_all": now.count_buyers()[table.groups[column]] / len(now.customers),
            "value": table.share_spent[row, column] * now.totals[row],
            "bought_before": lapsed,
        }
    )
    return frame.sort_values(["value", "customer_id", "group_name"], ascending=[False, True, True], ignore_index=True)
