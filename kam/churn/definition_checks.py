"""What a churn definition assumes, and whether the data bear it out, in words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.periods import PERIODS_A_YEAR
from kam.churn.silence import MAX_UNDEFINED, MIN_CUSTOMERS, MIN_FOLLOWED
from kam.churn.waiting import MIN_GAPS, Activity, kaplan_meier, median_gaps
from kam.results import Assumed, Check, Verdict
from kam.stats.resampling import percentile_interval
from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def check_definition(
    say: Wording,
    activity: Activity,
    shares: pd.DataFrame,
    *,
    k: int,
    return_share: float | None,
    after: Ints,
    tables: Ints,
    draws: Ints,
    limit: float,
    gap_multiple: float | None,
    level: float,
) -> tuple[Check, ...]:
    """Say of each assumption of a churn definition whether the data bear it out.

    Parameters
    ----------
    say : Wording
    activity : Activity
    shares : pandas.DataFrame
        Return shares by silent periods.
    k : int
        Silent periods that mean lost.
    return_share : float or None
        Share of the lost who come back.
    after : numpy.ndarray
        Waits from the loss on, by open or ended, and length; shape (2, T).
    tables, draws : numpy.ndarray
        All waits by half of the data in which they began, shape (2, 2, T), and of resampled customers (B, 2, 2, T).
    limit : float
        Share of the lost that may come back.
    gap_multiple : float or None
        Own median gaps after which an account is lost.
    level : float
        Of intervals.
    """
    return (
        _check_follow_up(say, activity.freq, after, limit),
        _check_share(say, return_share, limit),
        *_check_last_return(say, activity.freq, after, limit),
        _check_alike(say, activity, tables, draws, k, level),
        _check_rhythm(say, activity, k, gap_multiple),
        _check_first(say, activity),
        _check_last(say, activity),
        _check_resamples(say, activity, shares),
        *_check_without_order(say, activity),
    )


def assumed_of_definition(
    say: Wording, freq: str, given: int | None, k_data: int | None, limit: float, gap_multiple: float | None
) -> tuple[Assumed, ...]:
    """What a churn definition takes for given; ``given``: the k that was given, if any."""
    if given is None:
        definition = Assumed(
            what=say.sentence("share of the lost that may come back"),
            value=say.share(limit),
            would_change=say.sentence("a smaller share asks for a longer silence: see the table of return shares"),
        )
    else:
        definition = Assumed(
            what=say.sentence("silence after which a customer is lost"),
            value=say.periods(given, freq),
            would_change=say.sentence("the data have no such number")
            if k_data is None
            else say.sentence("the data say {k}", k=say.periods(k_data, freq)),
        )
    period = Assumed(
        what=say.sentence("length of a period"),
        value=say.sentence(freq),
        would_change=say.sentence("shorter periods date a loss more finely, longer ones hide rhythm and season"),
    )
    if gap_multiple is None:
        return definition, period
    multiple = Assumed(
        what=say.sentence("own median gaps after which an account is lost"),
        value=say.number(gap_multiple, 1),
        would_change=say.sentence("with a larger multiple fewer accounts are lost, and later"),
    )
    return definition, period, multiple


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_follow_up(say: Wording, freq: str, after: Ints, limit: float) -> Check:
    """Whether the lost were followed long enough to see who comes back; ``after`` are the waits from the loss on."""
    assumption = say.sentence("the lost were followed long enough to see who comes back")
    _, at_risk = kaplan_meier(after[1], after[0])
    n, ahead, exposed = int(at_risk[1]), int(np.flatnonzero(at_risk).max(initial=0)), int(at_risk[1:].sum())
    if not exposed:
        return Check(
            assumption=assumption, finding=say.sentence("nobody was followed for longer"), verdict="not testable"
        )
    rate = float(after[1].sum() / exposed)
    within_a_year = 1 - (1 - rate) ** PERIODS_A_YEAR[freq]
    ends_too_soon = ahead < PERIODS_A_YEAR[freq] and within_a_year > limit
    return Check(
        assumption=assumption,
        finding=say.plural(
            "one silence was followed, for {ahead} more; {rate} of those still silent came back per {period}, which "
            "would make {share} in a year",
            "{n} silences were followed, for up to {ahead} more; {rate} of those still silent came back per {period}, which "
            "would make {share} in a year",
            n,
            ahead=say.periods(ahead, freq),
            rate=say.share(rate),
            period=say.sentence(freq),
            share=say.share(within_a_year),
        ),
        verdict="does not hold" if n < MIN_FOLLOWED or ends_too_soon else "holds",
        statistic=within_a_year,
    )


def _check_share(say: Wording, share: float | None, limit: float) -> Check:
    """Whether the rule in use, which may be given, keeps the limit."""
    verdict: Verdict = "not testable" if share is None else "holds" if share <= limit + 1e-12 else "does not hold"
    return Check(
        assumption=say.sentence("at most {limit} of the lost come back", limit=say.share(limit)),
        finding=say.sentence("nobody was followed for longer")
        if share is None
        else say.sentence("{share} do, as far as the data follow them", share=say.share(share)),
        verdict=verdict,
        statistic=share,
    )


def _check_last_return(say: Wording, freq: str, after: Ints, limit: float) -> tuple[Check, ...]:
    """Whether the latest return alone makes the return share what it is: at the end of the curve few are left."""
    if not after[1].any():
        return ()
    survival, at_risk = kaplan_meier(after[1], after[0])
    last = int(np.flatnonzero(after[1]).max())
    share, without = 1 - float(survival[last]), 1 - float(survival[last - 1])
    crosses = (share <= limit) != (without <= limit)
    return (
        Check(
            assumption=say.sentence("the latest return does not decide alone"),
            finding=say.sentence(
                "it came after {ahead} more, among {n} that were followed as long; before it {without} had come back",
                ahead=say.periods(last, freq),
                n=say.count(at_risk[last]),
                without=say.share(without),
            ),
            verdict="does not hold" if at_risk[last] < MIN_FOLLOWED and crosses else "holds",
            statistic=share - without,
        ),
    )


def _check_alike(say: Wording, activity: Activity, tables: Ints, draws: Ints, k: int, level: float) -> Check:
    """Whether silences that began in the first and in the second half of the data end alike, as far as both were followed."""
    assumption, freq = say.sentence("silences that began early and late end alike"), activity.freq
    common = activity.n_periods - 1 - activity.middle
    at = min(k, common // 2)
    share, followed = _returned_between(tables, at, common)
    drawn, drawn_followed = _returned_between(draws, at, common)
    defined = (drawn_followed > 0).all(axis=-1)
    if at < 1 or (followed < MIN_FOLLOWED).any() or not len(draws) or defined.mean() < 1 - MAX_UNDEFINED:
        return Check(
            assumption=assumption,
            finding=say.sentence("too few were followed in both halves of the data to compare them"),
            verdict="not testable",
        )
    low, high = percentile_interval((drawn[:, 1] - drawn[:, 0])[defined], level)
    difference = float(share[1] - share[0])
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "of the silences longer than {at}, {early} ended within {common} if they began in the first half of the data, "
            "{late} if in the second: {difference} points ({interval})",
            at=say.periods(at, freq),
            early=say.share(share[0]),
            late=say.share(share[1]),
            common=say.periods(common, freq),
            difference=say.number(100 * difference, 1),
            interval=say.interval(say.number(100 * low, 1), say.number(100 * high, 1), level),
        ),
        verdict="holds" if low <= 0 <= high else "does not hold",
        statistic=difference,
    )


def _returned_between(tables: Ints, at: int, until: int) -> tuple[Floats, Ints]:
    """Share of the waits longer than ``at`` that ended by ``until``, and how many were followed beyond ``at``."""
    survival, at_risk = kaplan_meier(tables[..., 1, :], tables[..., 0, :])
    before = survival[..., at]
    kept = np.divide(survival[..., until], before, out=np.ones(before.shape), where=before > 0)
    return 1 - kept, at_risk[..., at + 1]


def _check_rhythm(say: Wording, activity: Activity, k: int, gap_multiple: float | None) -> Check:
    """Whether k is long against the rhythm of the accounts that have one."""
    n_gaps, median = median_gaps(activity)
    own = median[n_gaps >= MIN_GAPS]
    slow = int((2 * own > k).sum())
    verdict: Verdict = "holds" if slow <= 0.05 * len(own) else "does not hold"
    if gap_multiple is not None:
        verdict = "handled"
    return Check(
        assumption=say.sentence("{k} are long against the rhythm of every account", k=say.periods(k, activity.freq)),
        finding=say.sentence(
            "of {n_all} accounts with at least {gaps} gaps, {n} usually wait longer than half of that",
            n_all=say.count(len(own)),
            gaps=say.count(MIN_GAPS),
            n=say.count(slow),
        ),
        verdict=verdict if len(own) else "not testable",
    )


def _check_first(say: Wording, activity: Activity) -> Check:
    return Check(
        assumption=say.sentence("what customers did before the data begin does not matter"),
        finding=say.plural(
            "one customer bought in the first period already, {period}; its waits count from there",
            "{n} customers bought in the first period already, {period}; their waits count from there",
            int((activity.waits.start == 0).sum()),
            period=say.period(activity.first, activity.freq),
        ),
        verdict="handled",
    )


def _check_last(say: Wording, activity: Activity) -> Check:
    last, n = say.period(activity.days[-1], activity.freq), activity.n_after
    verdict: Verdict
    if n is None:
        finding, verdict = (
            say.sentence("the panel ends with {last}, which counts as complete", last=last),
            "not testable",
        )
    elif n == 0:
        finding, verdict = say.sentence("nobody ordered after {last}, the last complete one", last=last), "holds"
    else:
        verdict = "handled"
        finding = say.plural(
            "one customer ordered after {last}, the last complete one; that is left out",
            "{n} customers ordered after {last}, the last complete one; that is left out",
            n,
            last=last,
        )
    return Check(assumption=say.sentence("every period is complete"), finding=finding, verdict=verdict)


def _check_resamples(say: Wording, activity: Activity, shares: pd.DataFrame) -> Check:
    n, without = len(activity.names), int(shares["ci_low"].isna().sum())
    verdict: Verdict = "holds"
    finding = say.plural("there is one customer", "there are {n} customers", n)
    if n < MIN_CUSTOMERS:
        finding, verdict = say.sentence("{finding}: no interval is given", finding=finding), "does not hold"
    elif without:
        verdict = "handled"
        finding = say.plural(
            "one return share has no interval, since too few resamples follow anybody that long",
            "{n} return shares have no interval, since too few resamples follow anybody that long",
            without,
        )
    return Check(assumption=say.sentence("there are enough customers to resample"), finding=finding, verdict=verdict)


def _check_without_order(say: Wording, activity: Activity) -> tuple[Check, ...]:
    if not activity.n_without_order:
        return ()
    finding = say.plural(
        "one has credit notes only, and is left out",
        "{n} have credit notes only, and are left out",
        activity.n_without_order,
    )
    return (Check(assumption=say.sentence("every customer has an order"), finding=finding, verdict="handled"),)
