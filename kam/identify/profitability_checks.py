"""What profitability rests on: checks of its assumptions, and what is assumed, with what would change the answer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kam.identify.account_costs import DAYS_PER_YEAR, PIECES, AccountCosts, Floats, piece_names
from kam.identify.profit_quadrants import NOT_KNOWN, QUADRANTS, SAME_SHARE
from kam.results import Assumed, Check
from kam.wording import Wording

MAX_SHARE = 0.8
"""A quadrant that holds more than this share of the accounts says little."""
BALANCE_RANGE = (0.5, 2.0)
"""Within these times what payment days imply, today's balances are taken to be usual ones."""


def list_checks(
    say: Wording, costs: AccountCosts, accounts: pd.DataFrame, profit_cut: float | None
) -> tuple[Check, ...]:
    """Every assumption of the contribution and of the quadrants, with what the data say about it."""
    checks = [_check_pieces(say, costs), _check_file(say, costs)]
    if "service_cost" in costs.frame:
        checks.append(_check_missing(say, costs, accounts, "service_cost"))
    if "credit_cost" in costs.frame:
        checks += [
            _check_missing(say, costs, accounts, "credit_cost"),
            _check_balance(say, costs),
            _check_silent(say, costs),
        ]
    checks.append(_check_days(say, costs))
    checks.append(_check_revenue(say, accounts))
    checks += [_check_key(say, accounts), _check_quadrants(say, accounts, profit_cut)]
    return tuple(checks)


def _check_pieces(say: Wording, costs: AccountCosts) -> Check:
    names = piece_names(say)
    unknown = [names[piece] for piece in PIECES if piece not in costs.known]
    return Check(
        assumption=say.sentence("every cost of an account is known"),
        finding=say.sentence("all five pieces are")
        if not unknown
        else say.sentence(
            "not known, and left out: {pieces}; contributions are too high by it", pieces=say.listing(unknown)
        ),
        verdict="does not hold" if unknown else "holds",
    )


def _check_file(say: Wording, costs: AccountCosts) -> Check:
    n = len(costs.frame)
    finding = (
        say.sentence("all {n} are", n=say.count(n))
        if not costs.n_not_in_file
        else say.plural(
            "one of {n_all} is not; it is kept",
            "{n} of {n_all} are not; they are kept",
            costs.n_not_in_file,
            n_all=say.count(n),
        )
    )
    if costs.n_without_order:
        finding = say.join(
            [
                finding,
                say.plural(
                    "one row of the file has no line in the ledger and is no customer",
                    "{n} rows of the file have no line in the ledger and are no customers",
                    costs.n_without_order,
                ),
            ],
            ";",
        )
    return Check(
        assumption=say.sentence("every account of the ledger is in the account file, where one is given"),
        finding=finding,
        verdict="handled" if costs.n_not_in_file else "holds",
    )


def _check_missing(say: Wording, costs: AccountCosts, accounts: pd.DataFrame, piece: str) -> Check:
    """A piece that is known of some: who lacks it, and how many more would lose money if it were what it is of the others."""
    name = piece_names(say)[piece]
    own = costs.frame[piece]
    missing = own.isna()
    assumption = say.sentence("the cost of {piece} is known of every account", piece=name)
    if not missing.any():
        return Check(assumption=assumption, finding=say.sentence("it is"), verdict="holds")
    revenue = costs.frame["revenue"].clip(lower=0)
    finding = say.plural(
        "not of one, with {share} of the revenue: nothing is counted for it, so its contribution is too high",
        "not of {n}, with {share} of the revenue: nothing is counted for them, so their contributions are too high",
        int(missing.sum()),
        share=say.share(float(revenue[missing].sum() / max(revenue.sum(), 1e-300))),
    )
    of_others = float(revenue[~missing].sum())
    n_more = 0
    if of_others > 0:
        rate = float(own.sum()) / of_others
        filled = accounts["profit"] - (rate * revenue).where(missing, 0.0)
        n_more = int((filled < 0).sum() - (accounts["profit"] < 0).sum())
        finding = say.join(
            [
                finding,
                say.sentence(
                    "at the {rate} of revenue of the others, {n} more would be below zero",
                    rate=say.share(rate),
                    n=say.count(n_more),
                ),
            ],
            ";",
        )
    return Check(
        assumption=assumption,
        finding=finding,
        verdict="does not hold" if n_more else "handled",
        statistic=float(missing.mean()),
    )


def _check_balance(say: Wording, costs: AccountCosts) -> Check:
    assumption = say.sentence("today's balances of active accounts are what usually is outstanding")
    active = ~costs.is_silent if costs.is_silent is not None else np.full(len(costs.balance), True)
    both = active & np.isfinite(costs.balance) & np.isfinite(costs.balance_by_days)
    expected = float(costs.balance_by_days[both].sum())
    notes = []
    if costs.n_by_payment_days:
        notes.append(
            say.plural(
                "of one account the balance is taken from its payment days",
                "of {n} accounts the balance is taken from their payment days",
                costs.n_by_payment_days,
            )
        )
    n_below = int((costs.balance[active] < 0).sum())
    if n_below:
        notes.append(
            say.plural(
                "one balance is in the customer's favor and counts as a gain",
                "{n} balances are in the customers' favor and count as gains",
                n_below,
            )
        )
    if expected <= 0:
        return Check(
            assumption=assumption,
            finding=say.join(
                [*notes, say.sentence("there are no payment days beside a balance to compare it with")], ";"
            ),
            verdict="not testable",
        )
    ratio = float(costs.balance[both].sum()) / expected
    n_empty = int(((costs.balance[both] == 0) & (costs.balance_by_days[both] > 0)).sum())
    notes.insert(
        0,
        say.sentence(
            "they are {ratio} times what payment days and revenue imply; {n} accounts owe nothing today",
            ratio=say.number(ratio),
            n=say.count(n_empty),
        ),
    )
    usual = BALANCE_RANGE[0] <= ratio <= BALANCE_RANGE[1]
    return Check(
        assumption=assumption,
        finding=say.join(notes, ";"),
        verdict="holds" if usual else "does not hold",
        statistic=ratio,
    )


def _check_silent(say: Wording, costs: AccountCosts) -> Check:
    """Who has left owes nothing today: what it owed in its years is told by its payment days, if by anything."""
    assumption = say.sentence("today's balances of accounts silent for more than a year are what was outstanding")
    if costs.is_silent is None:
        return Check(
            assumption=assumption, finding=say.sentence("the last orders are not known"), verdict="not testable"
        )
    silent = costs.is_silent & np.isfinite(costs.balance)
    if not silent.any():
        return Check(
            assumption=assumption, finding=say.sentence("no account is silent so long and has one"), verdict="holds"
        )
    by_days = silent & np.isfinite(costs.balance_by_days)
    n, n_without = int(silent.sum()), int((silent & ~np.isfinite(costs.balance_by_days)).sum())
    n_owing = int((costs.balance[silent] != 0).sum())
    parts = [say.plural("one account is", "{n} accounts are", n)]
    expected = float(costs.balance_by_days[by_days].sum())
    ratio = float(costs.balance[by_days].sum()) / expected if expected > 0 else None
    if by_days.any():
        times = "" if ratio is None else say.sentence(" ({ratio} times what they imply)", ratio=say.number(ratio))
        parts.append(
            say.plural(
                "one counts by payment days, not by today's balance{times}",
                "{n} count by payment days, not by today's balance{times}",
                int(by_days.sum()),
                times=times,
            )
        )
    if n_without:
        parts.append(
            say.plural(
                "one without payment days counts by today's balance, likely too low",
                "{n} without payment days count by today's balance, likely too low",
                n_without,
            )
        )
    if n_owing:
        owed = say.money(float(costs.balance[silent].sum()))
        parts.append(
            say.plural("one still has a balance: {owed}", "{n} still have a balance: {owed}", n_owing, owed=owed)
        )
    return Check(
        assumption=assumption,
        finding=say.join(parts, ";"),
        verdict="does not hold" if n_without else "handled",
        statistic=ratio,
    )


def _check_days(say: Wording, costs: AccountCosts) -> Check:
    assumption = say.sentence("how long each account has been served is known")
    if not np.isfinite(costs.days).all():
        return Check(assumption=assumption, finding=say.sentence("not needed: no cost is a year's"), verdict="holds")
    return Check(
        assumption=assumption,
        finding=say.sentence("it is")
        if not costs.n_undated
        else say.plural(
            "one has no order in the ledger (credit notes only) and counts for as long as the longest",
            "{n} have no order in the ledger (credit notes only) and count for as long as the longest",
            costs.n_undated,
        ),
        verdict="handled" if costs.n_undated else "holds",
    )


def _check_revenue(say: Wording, accounts: pd.DataFrame) -> Check:
    n_below = int((accounts["revenue"] <= 0).sum())
    return Check(
        assumption=say.sentence("every account has a net revenue above zero"),
        finding=say.sentence("all have")
        if not n_below
        else say.plural(
            "one has not: no share of its revenue exists, and it has no place among the quadrants",
            "{n} have not: no share of their revenue exists, and they have no place among the quadrants",
            n_below,
        ),
        verdict="handled" if n_below else "holds",
    )


def _check_key(say: Wording, accounts: pd.DataFrame) -> Check:
    assumption = say.sentence("cost to serve is booked where it arises, not spread over accounts by a key")
    shares = accounts["share_cost_to_serve"].dropna().to_numpy()
    if shares.size < 3:
        return Check(
            assumption=assumption,
            finding=say.plural("known of one account", "known of {n} accounts", int(shares.size)),
            verdict="not testable",
        )
    low, high = np.quantile(shares, [0.1, 0.9])
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "it is {low} to {high} of revenue in the middle eight tenths of the accounts",
            low=say.share(low),
            high=say.share(high),
        )
        if high - low > SAME_SHARE
        else say.sentence(
            "it is the same {share} of revenue at nearly all: it tells no accounts apart", share=say.share(low)
        ),
        verdict="holds" if high - low > SAME_SHARE else "does not hold",
        statistic=float(high - low),
    )


def _check_quadrants(say: Wording, accounts: pd.DataFrame, profit_cut: float | None) -> Check:
    assumption = say.sentence("the quadrants tell accounts apart")
    if profit_cut is None:
        return Check(
            assumption=assumption,
            finding=say.sentence("there are none: no account has both a revenue and a known cost to serve"),
            verdict="not testable",
        )
    shares = accounts["quadrant"].value_counts(normalize=True)
    within = shares[shares.index.isin(QUADRANTS)]
    finding = say.sentence(
        "the fullest, {name}, holds {share} of the accounts",
        name=say.text(str(within.index[0])),
        share=say.share(within.iloc[0]),
    )
    if NOT_KNOWN in shares:
        finding = say.join(
            [finding, say.sentence("of {share} the cost to serve is not known", share=say.share(shares[NOT_KNOWN]))],
            ";",
        )
    return Check(
        assumption=assumption,
        finding=finding,
        verdict="holds" if within.iloc[0] <= MAX_SHARE else "does not hold",
        statistic=float(within.iloc[0]),
    )


# -- what is assumed -------------------------------------------------------------------------------------------------


def list_assumed(
    say: Wording,
    costs: AccountCosts,
    accounts: pd.DataFrame,
    credit_rate: float | None,
    years: float | None,
    profit_cut: float | None,
    serve_cut: float | None,
) -> tuple[Assumed, ...]:
    """Every number that was assumed, and how many accounts would be below zero with another."""
    names = piece_names(say)
    assumed = [
        Assumed(
            what=say.sentence("what contribution is"),
            value=say.sentence("net revenue less {pieces}", pieces=say.listing([names[piece] for piece in costs.known]))
            if costs.known
            else say.sentence("net revenue: no cost is known"),
            would_change=say.sentence("every cost that is not counted lowers it; overheads are never counted"),
        )
    ]
    profit = accounts["profit"].to_numpy()
    if costs.a_day.any():
        assumed.append(_assume_days(say, costs, profit, years))
    if "credit_cost" in costs.frame and credit_rate is not None:
        doubled = profit - costs.frame["credit_cost"].fillna(0.0).to_numpy()
        assumed.append(
            Assumed(
                what=say.sentence("cost of credit"),
                value=say.sentence(
                    "{rate} a year on the balance of the as-of date; by payment days where an account has no balance or is "
                    "silent for more than a year",
                    rate=say.share(credit_rate),
                ),
                would_change=say.sentence(
                    "at twice the rate {n} accounts would be below zero, now {now}",
                    n=_losing(say, doubled),
                    now=_losing(say, profit),
                ),
            )
        )
    elif credit_rate is None:
        assumed.append(
            Assumed(
                what=say.sentence("cost of credit"),
                value=say.sentence("left out: no rate was given"),
                would_change=say.sentence("a rate lowers the contribution of those who pay late"),
            )
        )
    if profit_cut is not None and serve_cut is not None:
        assumed.append(
            Assumed(
                what=say.sentence("cut lines of the quadrants"),
                value=say.sentence(
                    "profit is high from {profit}, cost to serve low up to {share} of revenue",
                    profit=say.money(profit_cut),
                    share=say.share(serve_cut),
                ),
                would_change=say.sentence("other lines move accounts near them; contributions stay as they are"),
            )
        )
    assumed.append(
        Assumed(
            what=say.sentence("large"),
            value=say.sentence("class A by net revenue: the first 80% of it"),
            would_change=say.sentence(
                "another limit makes the list of large accounts that lose money longer or shorter"
                if costs.known
                else "another limit makes the list of large accounts below zero longer or shorter"
            ),
        )
    )
    return tuple(assumed)


def _assume_days(say: Wording, costs: AccountCosts, profit: Floats, years: float | None) -> Assumed:
    what = say.sentence("how long a year's costs are counted (service, and credit on a balance)")
    if years is not None:
        return Assumed(
            what=what,
            value=say.sentence("{years} years for every account", years=say.number(years, 1)),
            would_change=say.sentence("fewer years make them less; a cost that grew with time was lower before"),
        )
    average = say.number(float(costs.days.mean()) / DAYS_PER_YEAR, 1)
    if costs.is_silent is None:
        return Assumed(
            what=what,
            value=say.sentence(
                "from the first order in the ledger to the as-of date, {years} years on average", years=average
            ),
            would_change=say.sentence("it ends sooner for accounts that have left; the last orders are not known"),
        )
    return Assumed(
        what=what,
        value=say.sentence(
            "from the first order in the ledger to the as-of date, at most until half a year after the last order: {years} years "
            "on average",
            years=average,
        ),
        would_change=say.sentence(
            "if they ended with the last order, {ended} accounts would be below zero, if they went on to the as-of date "
            "{continued}, now {now}",
            ended=say.count(costs.n_losing(profit, costs.days_to_last_order)),
            continued=say.count(costs.n_losing(profit, costs.days_to_as_of)),
            now=_losing(say, profit),
        ),
    )


def _losing(say: Wording, profit: Floats) -> str:
    return say.count(int((profit.round(4) < 0).sum()))
