"""What a value of customers assumes, and whether the data bear it out, in words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kam.churn.credibility import Levels
from kam.churn.markov import MarkovChurnResult
from kam.churn.periods import PERIODS_A_YEAR
from kam.churn.valuation import Price, ValuedChain
from kam.results import Assumed, Check
from kam.wording import Wording

if TYPE_CHECKING:
    from kam.churn.customer_value import CustomerValueResult

_STEADY, _ALIKE, _BEYOND, _ADDS_UP, _UNEVEN = 0.1, 0.1, 0.1, 0.05, 0.02


def check_value(
    result: CustomerValueResult,
    markov: MarkovChurnResult,
    chain: ValuedChain,
    price: Price,
    *,
    levels: Levels | None,
    uneven: float | None,
) -> tuple[Check, ...]:
    """Say of each assumption of a value whether the data bear it out.

    ``levels``: those of the customers; ``uneven``: share of money less share of heads that is left after a year, if known.
    """
    return (
        _width_check(result),
        _steady_check(result, markov),
        *_level_checks(result, levels),
        _evenness_check(result, uneven),
        _horizon_check(result, markov, chain, price),
        _regime_check(result),
    )


def assumed_of_value(result: CustomerValueResult, markov: MarkovChurnResult) -> tuple[Assumed, ...]:
    """What a value takes for given."""
    say = result.context.wording
    facts = [
        Assumed(
            what=say.sentence("discount rate"),
            value=result.rate(),
            would_change=say.sentence("a higher rate lowers every value, those of faithful customers most"),
        ),
        Assumed(
            what=say.sentence("horizon"),
            value=result.span(),
            would_change=say.sentence("a longer one adds what customers bring later"),
        ),
        Assumed(
            what=say.sentence("what the intervals cover"),
            value=say.sentence(
                "interval of the expectation: the mean over very many such customers; range of one customer: chance and "
                "the account's own level, too; neither covers a change of regime"
            ),
            would_change=say.sentence("more customers and periods narrow the first, not the second"),
        ),
        Assumed(
            what=say.sentence("customers counted"),
            value=say.sentence("those in each state now, as many as they are; customers to come are not in it"),
            would_change=say.sentence("the next period's customers"),
        ),
    ]
    if markov.money and markov.lost:
        facts.append(
            Assumed(
                what=say.sentence("retention of money"),
                value=say.sentence(
                    "no interval: the resamples hold the chain by heads; states without money move as heads do"
                ),
                would_change=say.sentence("nothing in the value: it is never multiplied by the money of a state"),
            )
        )
    if result.rewards == "given":
        facts.append(
            Assumed(
                what=say.sentence("money per period and state"),
                value=say.sentence("given by the user, taken as known"),
                would_change=say.sentence("values move with it in proportion"),
            )
        )
    return tuple(facts)


# -- inside ----------------------------------------------------------------------------------------------------------


def _width_check(result: CustomerValueResult) -> Check:
    say, share = result.context.wording, result.share_width_transitions
    what = say.sentence("the interval covers the chain and the money together")
    if result.rewards == "given":
        return Check(
            assumption=what,
            finding=say.sentence("the money was given and taken as known: the interval covers the chain alone"),
            verdict="not testable",
        )
    return Check(
        assumption=what,
        finding=say.sentence(
            "both are estimated again in each resample; from transitions alone the interval would be {share} as wide",
            share=say.share(share, 0),
        ),
        verdict="handled",
        statistic=share,
    )


def _steady_check(result: CustomerValueResult, markov: MarkovChurnResult) -> Check:
    say, estimated = result.context.wording, result.rewards == "estimated"
    what = say.sentence("the money of a state is steady over time")
    change = _change_of_rewards(markov) if estimated else None
    if change is None:
        return Check(
            assumption=what,
            finding=say.sentence("less than two years with money")
            if estimated
            else say.sentence("it was given, not estimated"),
            verdict="not testable",
        )
    return Check(
        assumption=what,
        finding=say.sentence(
            "in the last year a customer brings {change} than in the first, at the same mix of states",
            change=_more(say, say.share(abs(change)), change),
        ),
        verdict="holds" if abs(change) <= _STEADY else "does not hold",
        statistic=change,
    )


def _change_of_rewards(markov: MarkovChurnResult) -> float | None:
    """Relative change of the mean money from the first to the last year, at the mix of the last."""
    n, money = (
        markov.mix.pivot(index="period", columns="state", values=name).fillna(0).sort_index().to_numpy(dtype=float)
        for name in ("n_customers", "revenue")
    )
    year = PERIODS_A_YEAR[markov.freq] if markov.freq != "period" else len(n) // 2
    if year < 1 or len(n) < 2 * year:
        return None
    n_first, n_last, first, last = n[:year].sum(0), n[-year:].sum(0), money[:year].sum(0), money[-year:].sum(0)
    both = (n_first > 0) & (n_last > 0)
    before = float((first[both] / n_first[both]) @ n_last[both])
    return float(last[both].sum()) / before - 1 if before > 0 else None


def _level_checks(result: CustomerValueResult, levels: Levels | None) -> tuple[Check, ...]:
    say, customers = result.context.wording, result.customers
    what = say.sentence("customers in the same state bring alike")
    if levels is None:
        return (
            Check(
                assumption=what,
                finding=say.sentence(
                    "no record of single customers over several periods: all of a state get its value"
                ),
                verdict="not testable",
            ),
        )
    spread = levels.between**0.5
    total = levels.between + levels.within * (1 + levels.between)
    alike = Check(
        assumption=what,
        finding=say.sentence(
            "the lasting levels of accounts have a standard deviation of {spread} of their state's money, which is {share} of "
            "the variance within states; own values and the range of one customer take it in",
            spread=say.share(spread, 0),
            share=say.share(levels.between / total if total else 0.0, 0),
        ),
        verdict="holds" if spread <= _ALIKE else "handled",
        statistic=levels.between,
    )
    by_state, own = float(customers["value_ahead"].sum()), float(customers["own_value"].sum())
    if not (levels.between and by_state):
        return (alike,)
    gap = own / by_state - 1
    return (
        alike,
        Check(
            assumption=say.sentence("the accounts' own values add up to that of the portfolio"),
            finding=say.sentence("{own} against {by_state}", own=result.shown(own), by_state=result.shown(by_state)),
            verdict="holds" if abs(gap) <= _ADDS_UP else "does not hold",
            statistic=gap,
        ),
    )


def _evenness_check(result: CustomerValueResult, uneven: float | None) -> Check:
    say = result.context.wording
    what = say.sentence("large and small accounts of a state leave alike")
    if uneven is None:
        return Check(
            assumption=what,
            finding=say.sentence("without a lost state and money it cannot be seen"),
            verdict="not testable",
        )
    return Check(
        assumption=what,
        finding=say.sentence(
            "a year on, {points} of today's money is still there when accounts count by their money than by heads",
            points=_more(say, say.sentence("{n} points", n=say.number(100 * abs(uneven), 1)), uneven),
        ),
        verdict="holds" if abs(uneven) <= _UNEVEN else "does not hold",
        statistic=uneven,
    )


def _horizon_check(result: CustomerValueResult, markov: MarkovChurnResult, chain: ValuedChain, price: Price) -> Check:
    say = result.context.wording
    what = say.sentence("the value lies within a time as long as was seen")
    n_seen = int(markov.mix["period"].nunique())
    if n_seen < 2:
        return Check(assumption=what, finding=say.sentence("the time seen is not known"), verdict="not testable")
    seen = say.periods(n_seen, markov.freq)
    if price.horizon is not None and price.horizon <= n_seen:
        return Check(assumption=what, finding=say.sentence("{seen} were seen", seen=seen), verdict="holds")
    n_now = result.states["n_customers"].to_numpy()
    total = float(price.ahead(chain.p, chain.rewards) @ n_now)
    if not total > 0:
        return Check(assumption=what, finding=say.sentence("{seen} were seen", seen=seen), verdict="does not hold")
    beyond = 1 - float(replace(price, horizon=n_seen).ahead(chain.p, chain.rewards) @ n_now) / total
    return Check(
        assumption=what,
        finding=say.sentence(
            "{seen} were seen; {share} of the value lies later than that", seen=seen, share=say.share(beyond)
        ),
        verdict="holds" if abs(beyond) <= _BEYOND else "does not hold",
        statistic=beyond,
    )


def _regime_check(result: CustomerValueResult) -> Check:
    say = result.context.wording
    return Check(
        assumption=say.sentence("the time ahead is like the time seen"),
        finding=say.sentence("no interval covers a change of regime: a crisis, a new competitor, another price"),
        verdict="not testable",
    )


def _more(say: Wording, much: str, sign: float) -> str:
    return say.sentence("{much} more", much=much) if sign >= 0 else say.sentence("{much} less", much=much)
