"""Profitability: what is left of each account's revenue after goods, freight, trade terms, service and credit.

Volume alone says little: a large account may lose money, and a small one may cost more to serve than it earns. The whale curve
adds contributions up in money; quadrants set them against the cost to serve; the bridge says what each piece takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from kam.errors import ParameterError
from kam.identify.account_costs import DAYS_PER_YEAR, PIECES, TO_SERVE, AccountCosts, account_costs, piece_names
from kam.identify.profit_quadrants import choose_cuts, count_quadrants, place_accounts
from kam.identify.profitability_checks import list_assumed, list_checks
from kam.identify.value_classes import class_limits
from kam.identify.whale_curve import WhaleCurve, whale_curve
from kam.results import Context, KeyFigure, Result
from kam.wording import Wording

LARGE = 0.80
"""The accounts that bring the first 80 % of the positive revenue are large: class A, with all of equal revenue at the limit."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ProfitabilityResult(Result):
    """Result of :func:`profitability`.

    Attributes
    ----------
    accounts : pandas.DataFrame
        One row per account, the most profitable first: ``customer_id, name, revenue``, of ``cost, freight, trade_terms,
        service_cost, credit_cost`` those that are known of any account (missing where not of this one), ``profit`` (the
        contribution), ``cost_to_serve`` (money), ``share_cost_to_serve`` (of its revenue), ``is_large`` (class A by
        revenue), ``quadrant``, ``not_known`` (the pieces known of others and not of this one, in words; empty: none).
    curve : pandas.DataFrame
        The whale curve, one row per account in the same order: ``rank, customer_id, profit, cum_profit, cum_share_customers``.
    bridge : pandas.DataFrame
        From revenue to contribution, one row per piece: ``term``, ``piece`` (money, costs below zero), ``subtotal`` (what is left
        so far), ``share_of_revenue``, ``share_difference`` (part of all that lies between gross margin and contribution),
        ``n_losing`` (accounts below zero so far); the last row, ``profit``, is the contribution. Shares of a total that is not
        above zero are missing.
    quadrants : pandas.DataFrame
        One row per quadrant, and one for the accounts without a place: ``quadrant, n_customers, share_customers, revenue,
        profit, cost_to_serve, share_cost_to_serve, n_losing``. Empty where no cost to serve is known.
    large_losing : pandas.DataFrame
        Accounts of class A by revenue whose contribution is below zero, the largest loss first: ``customer_id, name, revenue,
        share_revenue, profit, cost_to_serve, share_cost_to_serve, reason`` (the piece furthest above that of all accounts).
    pieces : tuple of str
        The costs that are counted.
    n_customers, n_losing, n_at_peak, n_large : int
        Accounts; those below zero; those above zero, which make the peak of the whale curve; those of class A.
    n_losing_if_ended, n_losing_if_continued : int
        Accounts below zero if service and credit ended with the last order, and if they went on to the as-of date, however long
        an account has been silent; ``n_losing`` where nothing is counted by each account's own days.
    revenue, peak, lost, total : float
        Net revenue; the peak of the whale curve (the sum of the contributions above zero); what those below zero lose (0 or
        below); the contribution of all.
    share_left : float or None
        ``total`` over ``peak``; None where nobody earns anything.
    profit_cut, serve_cut : float or None
        Where the quadrants are cut: contribution in money, cost to serve as a share of revenue. None without quadrants.
    credit_rate, years : float or None
        The parameters of the call.
    """

    main: ClassVar[str] = "bridge"

    accounts: pd.DataFrame
    curve: pd.DataFrame
    bridge: pd.DataFrame
    quadrants: pd.DataFrame
    large_losing: pd.DataFrame
    pieces: tuple[str, ...]
    n_customers: int
    n_losing: int
    n_at_peak: int
    n_large: int
    n_losing_if_ended: int
    n_losing_if_continued: int
    revenue: float
    peak: float
    lost: float
    total: float
    share_left: float | None
    profit_cut: float | None
    serve_cut: float | None
    credit_rate: float | None
    years: float | None

    def contributions(self) -> pd.Series:
        """The contribution of each account in money, by customer id: what :func:`kam.identify.concentration` takes."""
        return self.accounts.set_index("customer_id")["profit"]

    def values(self) -> pd.DataFrame:
        """``customer_id, revenue`` and, where any cost is known, ``profit``: for :func:`kam.identify.assess_dependence`."""
        return self.accounts[["customer_id", "revenue", *(["profit"] if self.pieces else [])]].copy()

    def yearly(self, summary: pd.DataFrame) -> pd.DataFrame:
        """A year's ``profit`` and ``cost_to_serve`` by ``customer_id``: over the years since the first order, at least one.

        ``summary`` is that of which the result was made; its ``tenure_days`` say how long an account has been there.
        """
        days = summary.set_index(summary["customer_id"].astype("str"))["tenure_days"].astype(float)
        years = (self.accounts["customer_id"].map(days) / DAYS_PER_YEAR).clip(lower=1).fillna(1.0)
        money = self.accounts[["profit", "cost_to_serve"]].div(years, axis=0)
        return pd.concat([self.accounts["customer_id"], money], axis=1)

    def _counted(self) -> str:
        """What the contribution counts, and what it does not know."""
        say = self.context.wording
        names = piece_names(say)
        unknown = [names[piece] for piece in PIECES if piece not in self.pieces]
        if not self.pieces:
            return say.sentence("No cost is known, so this is net revenue, not profit.")
        known = say.listing([names[piece] for piece in self.pieces])
        if not unknown:
            return say.sentence("Counted: net revenue less {known}.", known=known)
        return say.sentence(
            "Counted: net revenue less {known}; not known: {unknown}.", known=known, unknown=say.listing(unknown)
        )

    def _by_days(self) -> str:
        """Service and credit, those that are counted."""
        names = piece_names(self.context.wording)
        return self.context.wording.listing(
            [names[piece] for piece in ("service_cost", "credit_cost") if piece in self.pieces]
        )

    def _range(self) -> str:
        """How many would be below zero with the shortest and the longest service, where that makes a difference."""
        if self.n_losing_if_ended == self.n_losing_if_continued == self.n_losing:
            return ""
        say = self.context.wording
        return say.sentence(
            "; {ended} if {pieces} ended with the last order, {continued} if counted to the as-of date",
            ended=say.count(self.n_losing_if_ended),
            continued=say.count(self.n_losing_if_continued),
            pieces=self._by_days(),
        )

    def _sentence(self) -> str:
        say = self.context.wording
        if self.n_losing == 0:
            first = say.plural(
                "The only account leaves {total}; it is not below zero{range}.",
                "None of {n} accounts is below zero; together they leave {total}{range}.",
                self.n_customers,
                total=say.money(self.total),
                range=self._range(),
            )
            return say.join([first, self._counted()])
        losing = say.sentence("lose money") if self.pieces else say.sentence("are below zero")
        opening = (
            say.sentence("Most accounts {losing}", losing=losing)
            if 2 * self.n_losing > self.n_customers
            else say.sentence("Some accounts {losing}", losing=losing)
        )
        first = say.sentence(
            "{opening}: {n} of {n_all} ({share}), {lost} together{range}.",
            opening=opening,
            n=say.count(self.n_losing),
            n_all=say.count(self.n_customers),
            share=say.share(self.n_losing / self.n_customers),
            lost=say.money(-self.lost if self.pieces else self.lost),
            range=self._range(),
        )
        if self.n_at_peak == 0:
            nobody = (
                say.sentence("No account earns anything.") if self.pieces else say.sentence("No account is above zero.")
            )
            return say.join([first, nobody, self._counted()])
        second = say.plural(
            "One account {brings} {peak}; {end}.",
            "{n} accounts {bring} {peak}; {end}.",
            self.n_at_peak,
            brings=say.sentence("earns") if self.pieces else say.sentence("brings"),
            bring=say.sentence("earn") if self.pieces else say.sentence("bring"),
            peak=say.money(self.peak),
            end=say.sentence("{total} is left", total=say.money(self.total))
            if self.total >= 0
            else say.sentence("that is {total} short of what is lost", total=say.money(-self.total)),
        )
        return say.join([first, second, self._counted()])

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        counted = say.sentence("counted, not estimated")
        ends = (self.n_losing_if_ended, self.n_losing_if_continued, self.n_losing)
        lost = say.money_short(self.large_losing["profit"].sum())
        of_large = {"n": say.count(self.n_large), "lost": lost}
        return (
            KeyFigure(
                value=say.share(self.n_losing / self.n_customers),
                label=say.sentence("of the accounts lose money") if self.pieces else say.sentence("are below zero"),
                note=say.sentence("{n} accounts; counted, not estimated", n=say.count(self.n_losing))
                if min(ends) == max(ends)
                else say.sentence(
                    "{n} accounts; {low} to {high} by how long {pieces} are counted",
                    n=say.count(self.n_losing),
                    low=say.count(min(ends)),
                    high=say.count(max(ends)),
                    pieces=self._by_days(),
                ),
            ),
            KeyFigure(
                value=say.money_short(self.peak),
                label=say.plural("from one account above zero", "from {n} accounts above zero", self.n_at_peak),
                note=say.sentence("peak of the whale curve; counted, not estimated"),
            ),
            KeyFigure(
                value=say.money_short(self.total),
                label=say.sentence("left when all accounts are added up"),
                note=counted
                if self.share_left is None
                else say.sentence(
                    "{share} of what was earned; counted, not estimated", share=say.share(self.share_left)
                )
                if self.pieces
                else say.sentence(
                    "{share} of what those above zero bring; counted, not estimated", share=say.share(self.share_left)
                ),
            ),
            KeyFigure(
                value=say.count(len(self.large_losing)),
                label=say.sentence("large accounts lose money")
                if self.pieces
                else say.sentence("large accounts are below zero"),
                note=say.sentence("of {n} in class A; {lost} together", **of_large)
                if self.pieces
                else say.sentence("of {n} in class A by net revenue", n=of_large["n"]),
            ),
        )


def profitability(
    summary: pd.DataFrame,
    accounts: pd.DataFrame | None,
    *,
    credit_rate: float | None = None,
    years: float | None = None,
    profit_cut: float | None = None,
    serve_cut: float | None = None,
    context: Context | None = None,
) -> ProfitabilityResult:
    """What each account leaves after its costs: contribution, whale curve, quadrants, bridge, and who is large and loses money.

    Contribution = amount − cost − freight − trade terms − service cost − cost of credit, of these whatever the data have; what
    they do not have is left out and named.

    *Service cost* is a year's in the account file and is multiplied by the account's days over 365. *Cost of credit* is
    receivable × rate × days / 365: the receivable is the balance that is outstanding, and the days are those during which it is
    outstanding in the time that is judged, so a year of it costs receivable × rate. Where an account has no receivable but
    ``payment_days``, the balance is the one these imply, revenue × payment days / days, and the cost comes to revenue × rate ×
    payment days / 365. (A balance times its *payment* days would be the cost of today's open invoices alone, a few weeks' credit
    set against years of revenue.) An account's days run from its first order in the ledger to the as-of date, or are ``years``
    for all. An account that has been silent for more than half a year is charged until half a year after its last order only:
    who has left is served no more; the answer tells how many would lose money at either end. Of accounts silent for more than
    a year the balance of today, usually nothing, does not tell what was outstanding: where payment days are known, they do.

    Assumes (1) that the service cost of a year holds for all the time, and ends half a year after the last order; (2) that the
    balance of the as-of date stood all the time (accounts silent for more than a year: the payment days); (3) that costs are
    booked where they arise: what is spread over accounts by a key shows the key.

    Parameters
    ----------
    summary : pandas.DataFrame
        One row per customer, from :func:`kam.ledger.summarize_customers`: ``customer_id, revenue``, of ``cost, freight,
        trade_terms`` those that the ledger has (money), ``tenure_days, days_since_last_order`` (days).
    accounts : pandas.DataFrame or None
        The account file: ``customer_id``, and of ``name, service_cost, receivable`` (money), ``payment_days`` (days) what is
        there. Accounts of the ledger that it lacks are kept; its rows that the ledger does not know are no customers.
    credit_rate : float, optional
        Cost of credit, a share a year; None leaves credit out.
    years : float, optional
        For how many years a year's costs count, the same for all accounts; by default, each account's own days.
    profit_cut : float, optional
        Contribution in money, 0 or above, from which on profit is high; by default the median account's, at least 0.
    serve_cut : float, optional
        Cost to serve as a share of revenue up to which it is low; by default that of all accounts together.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    ProfitabilityResult

    Raises
    ------
    MissingColumnError
        ``summary`` lacks ``customer_id`` or ``revenue``, or ``tenure_days`` where a year's cost has to be brought to it.
    EmptyDataError
        No customer.
    DataError
        A customer or an account stands twice, a value of the ledger is missing, a service cost or payment days are below zero.
    ColumnTypeError
        A column that should hold numbers does not.
    ParameterError
        ``credit_rate``, ``years``, ``profit_cut`` or ``serve_cut`` is out of range.

    References
    ----------
    Shapiro, B. P., Rangan, V. K., Moriarty, R. T. & Ross, E. B. (1987). Manage customers for profits (not just sales). Harvard
    Business Review 65(5). Kaplan, R. S. & Narayanan, V. G. (2001). Journal of Cost Management 15(5).

    Examples
    --------
    >>> summary = pd.DataFrame({"customer_id": ["a", "b"], "revenue": [1000.0, 400.0], "cost": [700.0, 350.0],
    ...     "freight": [20.0, 40.0], "tenure_days": [730.0, 365.0]})
    >>> accounts = pd.DataFrame({"customer_id": ["a", "b"], "service_cost": [30.0, 50.0], "receivable": [100.0, 50.0]})
    >>> found = profitability(summary, accounts, credit_rate=0.1)
    >>> found.accounts[["customer_id", "service_cost", "credit_cost", "profit"]].values.tolist()
    [['a', 60.0, 20.0, 200.0], ['b', 50.0, 5.0, -45.0]]
    >>> found.answer().partition(":")[0]
    'Some accounts lose money'
    """
    context = context or Context()
    if profit_cut is not None and not (np.isfinite(profit_cut) and profit_cut >= 0):
        raise ParameterError(f"profit_cut is {profit_cut}.", hint="Give an amount of money of 0 or above, or None.")
    if serve_cut is not None and not np.isfinite(serve_cut):
        raise ParameterError(f"serve_cut is {serve_cut}.", hint="Give a share of revenue, such as 0.1, or None.")
    costs = account_costs(summary, accounts, credit_rate=credit_rate, years=years)
    frame = _contributions(costs, context.wording)
    profit_cut, serve_cut = choose_cuts(frame, profit_cut=profit_cut, serve_cut=serve_cut)
    frame["quadrant"] = place_accounts(frame, profit_cut, serve_cut)
    whale = whale_curve(frame.set_index("customer_id")["profit"])
    profit = frame["profit"].to_numpy()
    ordered = frame.iloc[np.argsort(-frame["profit"].to_numpy(), kind="stable")].reset_index(drop=True)  # as the curve
    return ProfitabilityResult(
        context=context,
        checks=list_checks(context.wording, costs, frame, profit_cut),
        assumed=list_assumed(context.wording, costs, frame, credit_rate, years, profit_cut, serve_cut),
        accounts=ordered,
        curve=whale.curve,
        bridge=_bridge(costs, whale),
        quadrants=count_quadrants(frame) if serve_cut is not None else count_quadrants(frame).head(0),
        large_losing=_large_losing(ordered, costs, context.wording),
        pieces=costs.known,
        n_customers=len(frame),
        n_losing=whale.n_losing,
        n_at_peak=whale.n_at_peak,
        n_large=int(frame["is_large"].sum()),
        n_losing_if_ended=costs.n_losing(profit, costs.days_to_last_order),
        n_losing_if_continued=costs.n_losing(profit, costs.days_to_as_of),
        revenue=float(frame["revenue"].sum()),
        peak=whale.peak,
        lost=whale.lost,
        total=whale.total,
        share_left=whale.share_left,
        profit_cut=profit_cut,
        serve_cut=serve_cut,
        credit_rate=credit_rate,
        years=years,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _contributions(costs: AccountCosts, say: Wording) -> pd.DataFrame:
    """The frame of accounts without quadrants, by customer id."""
    frame = costs.frame.copy()
    known = list(costs.known)
    # Four decimals are what money has: what is left of a difference of floats beyond them is no money.
    frame["profit"] = (frame["revenue"] - frame[known].fillna(0.0).sum(axis=1)).round(4)
    serve = [piece for piece in known if piece in TO_SERVE]
    frame["cost_to_serve"] = frame[serve].sum(axis=1, skipna=False) if serve else np.nan
    frame["share_cost_to_serve"] = frame["cost_to_serve"] / frame["revenue"].where(frame["revenue"] > 0)
    smallest_large, _ = class_limits(frame[["revenue"]].to_numpy().T, base="positive", cuts=(LARGE, 0.95))
    frame["is_large"] = frame["revenue"] >= smallest_large[0]  # infinite where no revenue is above zero
    frame["not_known"] = _say_missing(frame[known], say)
    return frame


def _say_missing(known: pd.DataFrame, say: Wording) -> pd.Series:
    """Which pieces are missing, in words; few combinations, however many accounts."""
    names = piece_names(say)
    pieces = [str(piece) for piece in known]
    missing = known.isna().to_numpy()
    code, at = np.unique(missing @ (1 << np.arange(missing.shape[1])), return_inverse=True)
    words = [say.listing([names[piece] for i, piece in enumerate(pieces) if one >> i & 1]) for one in code.tolist()]
    return pd.Series(pd.array(words, dtype="str").take(at), index=known.index)


def _bridge(costs: AccountCosts, whale: WhaleCurve) -> pd.DataFrame:
    """Revenue, each piece and the contribution, with what is left after each."""
    frame = costs.frame
    left = frame["revenue"].to_numpy().copy()
    revenue = float(left.sum())
    rows = [("revenue", revenue, revenue, int((left < 0).sum()))]
    for piece in costs.known:
        own = frame[piece].fillna(0.0).to_numpy()
        left = left - own
        rows.append((piece, -float(own.sum()), float(left.sum()), int((left.round(4) < 0).sum())))
    rows.append(("profit", whale.total, whale.total, whale.n_losing))
    bridge = pd.DataFrame(rows, columns=["term", "piece", "subtotal", "n_losing"])
    serving = bridge["term"].isin(TO_SERVE)
    difference = -float(bridge.loc[serving, "piece"].sum())
    bridge.insert(3, "share_of_revenue", bridge["piece"] / revenue if revenue > 0 else np.nan)
    bridge.insert(4, "share_difference", (-bridge["piece"] / difference).where(serving) if difference > 0 else np.nan)
    return bridge


def _large_losing(accounts: pd.DataFrame, costs: AccountCosts, say: Wording) -> pd.DataFrame:
    """Accounts of class A below zero, the largest loss first, each with the piece furthest above that of all accounts."""
    known = list(costs.known)
    losing = accounts[accounts["is_large"] & (accounts["profit"] < 0)].iloc[::-1].reset_index(drop=True)
    table = losing[["customer_id", "name", "revenue"]].copy()
    table["share_revenue"] = losing["revenue"] / accounts["revenue"].clip(lower=0).sum()
    table[["profit", "cost_to_serve", "share_cost_to_serve"]] = losing[
        ["profit", "cost_to_serve", "share_cost_to_serve"]
    ]
    table["reason"] = pd.Series(dtype="str")
    total = float(accounts["revenue"].sum())
    if losing.empty:
        return table
    own = losing[known].fillna(0.0).to_numpy() / losing[["revenue"]].to_numpy()
    usual = accounts[known].sum().to_numpy() / total if total > 0 else np.zeros(len(known))
    names = [piece_names(say)[piece] for piece in known]
    worst = (own - usual).argmax(axis=1)
    shares = own[np.arange(len(own)), worst].round(3)
    words = {one: say.share(one) for one in np.unique(shares).tolist()}  # formatted once, however many accounts
    all_words = [say.share(share) for share in usual]
    table["reason"] = [
        say.sentence(
            "{piece} {own} of its revenue, {all} of that of all", piece=names[i], own=words[share], all=all_words[i]
        )
        if total > 0
        else say.sentence("{piece} {own} of its revenue", piece=names[i], own=words[share])
        for i, share in zip(worst.tolist(), shares.tolist(), strict=True)
    ]
    return table
