"""What "lost" means: after how many silent periods a customer hardly ever comes back, and who is lost by that rule.

Waits from one purchase to the next are read as lifetimes, some of which still run. The return share after k silent periods is
the share of the waits longer than k that end within what the data follow. Counting a silence that still runs as final, as is
often done, makes it too low.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.definition_checks import assumed_of_definition, check_definition
from kam.churn.silence import (
    MIN_CUSTOMERS,
    MIN_FOLLOWED,
    count_with_resamples,
    find_k,
    interval_of_k,
    resampled_choices,
    return_share_frame,
)
from kam.churn.waiting import MIN_GAPS, Activity, count_losses, count_waits, median_gaps, read_activity
from kam.errors import ParameterError, UndefinedChurnError
from kam.results import Context, KeyFigure, Result
from kam.stats.proportions import wilson_interval

if TYPE_CHECKING:
    from kam.ledger import Ledger
    from kam.ledger.periods import Frequency

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RECENT = 3
"""How many of the last periods the answer counts losses in."""
_ESTIMATE = ("return_share", "ci_low", "ci_high")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ChurnDefinitionResult(Result):
    """Result of :func:`churn_definition`.

    Attributes
    ----------
    return_shares : pandas.DataFrame
        One row per number of silent periods beyond which somebody was followed: ``k``; ``n_at_risk``, silences seen to last
        longer; ``survival``, share of the waits that last longer (Kaplan–Meier); ``return_share`` with ``ci_low, ci_high``
        (missing where too few resamples follow anybody that long); ``share_naive``, for comparison: silences that still run
        counted as final.
    choices : pandas.DataFrame
        Which k resampled customers choose: ``k`` (missing: none qualifies), ``share_resamples``. Empty if there are too few
        customers to resample.
    losses : pandas.DataFrame
        One row per period in which a loss can be seen: ``period``; ``n_at_risk``, customers not lost before it; ``n_lost``,
        those whose k-th silent period it is; ``share_lost`` with ``ci_low, ci_high`` (Wilson; missing where nobody is at risk);
        ``n_returned``, lost ones who bought again in it; ``revenue_before`` (money; if revenue is known), what those lost
        brought, net, in the year up to their last order, or in as much of it as the data hold.
    customers : pandas.DataFrame
        One row per customer with an order: ``customer_id``; ``last_active``, period of the last order; ``n_silent``, complete
        periods since; ``is_lost``, by k. With ``gap_multiple`` also ``n_gaps``; ``median_gap`` (periods; missing without a gap);
        ``k_own``, by the own rhythm where it is known, else k; ``is_lost_own``.
    rule : str
        What decides ``losses`` and ``n_lost``: ``silent periods`` (k for all) or ``own rhythm`` (``k_own``).
    k : int
        Silent periods after which a customer is lost; with ``own rhythm``, one whose rhythm is not known.
    k_data : int or None
        The k of the data; None: there is none, and ``k`` was given.
    k_low, k_high : int or None
        Interval of the k of the data: the smallest k whose ``ci_low``, and whose ``ci_high``, is at most ``max_return_share``;
        ``k_high`` None: beyond what the data reach; both None: no interval.
    k_judged : int
        Largest k beyond which at least 30 silences were followed; 0: none.
    n_followed, n_ahead : int
        Silences that were followed beyond the loss, and for how many periods at most.
    return_share, return_low, return_high : float or None
        Share of those lost by the rule that come back within ``n_ahead`` periods, and its interval; None: nobody was followed, or
        there is no interval.
    longest_wait : int
        Longest wait that ended, in periods; 0: none did.
    freq : str
        ``month``, ``quarter`` or ``year``.
    first_period, last_period : datetime.date
        First day of the first period with an order, and of the last complete one.
    max_return_share : float
        At most this share of the lost may come back.
    gap_multiple : float or None
        Own median gaps after which an account is lost; None: k for all.
    n_customers, n_without_order : int
        Customers with an order in a complete period, and those left out without one.
    n_waits, n_open : int
        Waits, and those of them that still run in the last period: one per customer.
    n_lost : int
        Customers who are lost in the last period.
    level : float
        Level of the intervals.
    n_resamples, seed : int
        Resamples of the customers, and their seed.
    """

    main: ClassVar[str] = "return_shares"

    return_shares: pd.DataFrame
    choices: pd.DataFrame
    losses: pd.DataFrame
    customers: pd.DataFrame
    rule: str
    k: int
    k_data: int | None
    k_low: int | None
    k_high: int | None
    k_judged: int
    n_followed: int
    n_ahead: int
    return_share: float | None
    return_low: float | None
    return_high: float | None
    longest_wait: int
    freq: str
    first_period: date
    last_period: date
    max_return_share: float
    gap_multiple: float | None
    n_customers: int
    n_without_order: int
    n_waits: int
    n_open: int
    n_lost: int
    level: float
    n_resamples: int
    seed: int

    def _recent(self) -> pd.DataFrame:
        return self.losses.tail(RECENT)

    def _interval(self) -> str:
        say = self.context.wording
        if self.return_low is None or self.return_high is None:
            return say.sentence("no interval: too few customers")
        return say.interval(say.share(self.return_low), say.share(self.return_high), self.level)

    def _rule_in_words(self) -> str:
        say = self.context.wording
        silent = say.periods(self.k, self.freq)
        if self.gap_multiple is not None:
            return say.sentence(
                "A customer is lost after {multiple} times its own median gap without an order, or after {k} while fewer than "
                "{n} gaps are known",
                multiple=say.number(self.gap_multiple, 0 if self.gap_multiple == int(self.gap_multiple) else 1),
                k=silent,
                n=say.count(MIN_GAPS),
            )
        if self.k == self.k_data:
            return say.sentence("A customer who has been silent for {k} is lost", k=silent)
        return say.sentence("By the rule given, a customer who has been silent for {k} is lost", k=silent)

    def _sentence(self) -> str:
        say = self.context.wording
        recent, follow_up = self._recent(), self.checks[0]
        if self.return_share is None:
            back = say.sentence("how many such customers come back is not known, since nobody was followed for longer.")
        else:
            back = say.sentence(
                "{share} of such customers come back within {ahead} more, as far as the data follow them ({interval}).",
                share=say.share(self.return_share),
                ahead=say.periods(self.n_ahead, self.freq),
                interval=self._interval(),
            )
            if follow_up.verdict == "does not hold":
                back = say.join([back, self._caution(follow_up.statistic or 0.0)])
        last = say.sentence(
            "By that rule {n} of {n_all} customers are lost ({share}); in the {periods} to {last} {lost} were lost and {back} "
            "came back.",
            n=say.count(self.n_lost),
            n_all=say.count(self.n_customers),
            share=say.share(self.n_lost / self.n_customers),
            periods=say.periods(len(recent), self.freq),
            last=say.period(self.last_period, self.freq),
            lost=say.count(recent["n_lost"].sum()),
            back=say.count(recent["n_returned"].sum()),
        )
        return say.sentence("{term}: {finding}", term=self._rule_in_words(), finding=say.join([back, last]))

    def _caution(self, within_a_year: float) -> str:
        say = self.context.wording
        if self.n_followed < MIN_FOLLOWED:
            return say.plural(
                "Only one was followed, too few to rely on.",
                "Only {n} were followed, too few to rely on.",
                self.n_followed,
            )
        return say.sentence(
            "The data end too soon to be sure: at the same rate {share} would come back within a year.",
            share=say.share(within_a_year),
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        recent = self._recent()
        share = self.return_share
        return (
            KeyFigure(
                value=say.periods(self.k, self.freq),
                label=say.sentence("without an order, and a customer is lost")
                if self.gap_multiple is None
                else say.sentence("without an order, where the own rhythm is not known"),
                note=self._k_note(),
            ),
            KeyFigure(
                value=say.sentence("not known") if share is None else say.share(share),
                label=say.sentence("of the lost come back"),
                note=say.sentence("nobody was followed for longer") if share is None else self._interval(),
            ),
            KeyFigure(
                value=say.count(self.n_lost),
                label=say.sentence("customers are lost now"),
                note=say.sentence("of {n}, counted", n=say.count(self.n_customers)),
            ),
            KeyFigure(
                value=say.count(recent["n_lost"].sum()),
                label=say.sentence("were lost in the last {periods}", periods=say.periods(len(recent), self.freq)),
                note=say.sentence("{value} in their last year", value=say.money_short(recent["revenue_before"].sum()))
                if "revenue_before" in recent
                else say.sentence("counted, not estimated"),
            ),
        )

    def _k_note(self) -> str:
        say = self.context.wording
        if self.k_data is None:
            return say.sentence("given; the data have no such number")
        if self.k_data != self.k:
            return say.sentence("given; the data say {k}", k=say.periods(self.k_data, self.freq))
        if self.k_low is None:
            return say.sentence("no interval: too few customers")
        if self.k_high is None:
            level = say.share(self.level, 0)
            return say.sentence("{level} interval from {low} on", level=level, low=say.count(self.k_low))
        return say.interval(say.count(self.k_low), say.count(self.k_high), self.level)


def churn_definition(
    ledger: Ledger | pd.DataFrame,
    *,
    freq: Frequency = "month",
    k: int | None = None,
    max_return_share: float = 0.10,
    gap_multiple: float | None = None,
    n_resamples: int = 500,
    level: float = 0.95,
    seed: int = 1,
    context: Context | None = None,
) -> ChurnDefinitionResult:
    """Find after how many silent periods a customer hardly ever comes back, and who is lost by that rule.

    A period is active when the customer has an order in it. A wait runs from one active period to the next, or is still open in
    the last complete period. With S the Kaplan–Meier curve of the waits and t_max the longest wait that ended, the return share
    after k silent periods (a wait longer than k) is ``1 − S(t_max) / S(k)``. The k of the data is the smallest k >= 1 whose
    return share is at most ``max_return_share`` and beyond which somebody was followed.

    Assumes (1) that a wait which is still open would go on like others of its length, so that waits begun early and late are
    alike (a check compares them); (2) that customers are independent of one another; waits of one customer need not be; (3) that
    the data follow silences long enough: who comes back later than the longest wait is not seen, and return shares are lower
    bounds (a check says how far they would rise); (4) that one k suits all accounts (a check looks at their rhythm) or, with
    ``gap_multiple``, that rhythms last: the median is over all gaps known today, also where past losses are dated.

    Parameters
    ----------
    ledger : Ledger or pandas.DataFrame
        A ledger, or a panel as from :func:`kam.ledger.activity_panel`, one row per customer and period: ``customer_id``,
        ``period`` (its first day), ``n_orders`` and, if known, ``revenue`` (money). The last period of a panel counts as the last
        complete one.
    freq : {"month", "quarter", "year"}
        Length of a period.
    k : int, optional
        Silent periods after which a customer is lost. Default: the k of the data.
    max_return_share : float
        At most this share of the lost may come back, between 0 and 1.
    gap_multiple : float, optional
        An account with at least 3 gaps is lost after ``ceil(gap_multiple × its median gap)`` silent periods, at least 1; the
        others after k.
    n_resamples : int
        Resamples of the customers.
    level : float
        Level of the intervals, between 0 and 1.
    seed : int
        The same seed gives the same intervals.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    ChurnDefinitionResult

    Raises
    ------
    UndefinedChurnError
        ``k`` is not given and the data have none: no k qualifies (the message holds the table), nobody was ever silent, nobody
        ever came back, or there is only one customer.
    EmptyDataError
        Nobody has an order in a complete period, or there is one period.
    MissingColumnError, ColumnTypeError, DataError
        The panel lacks a column, its periods are not first days of such periods, a value is missing, or a customer stands
        twice in a period.
    ParameterError
        An argument is out of range; k is longer than the data.

    References
    ----------
    Kaplan, E. L. & Meier, P. (1958). Nonparametric estimation from incomplete observations. JASA 53, equation 2b.
    Efron, B. (1981). Censored data and the bootstrap. JASA 76.

    Examples
    --------
    Four customers buy for three months. One comes back after two and after one silent month, three are silent for the last five.

    >>> month = pd.date_range("2024-01-01", periods=8, freq="MS")
    >>> bought = [(name, month[t]) for name in "abcd" for t in range(3)] + [("a", month[5]), ("a", month[7])]
    >>> panel = pd.DataFrame(bought, columns=["customer_id", "period"]).assign(n_orders=1)
    >>> result = churn_definition(panel)
    >>> result.return_shares[["k", "n_at_risk", "return_share"]].round(4).to_numpy().tolist()
    [[1.0, 5.0, 0.4], [2.0, 4.0, 0.25], [3.0, 3.0, 0.0], [4.0, 3.0, 0.0]]
    >>> result.k, result.n_lost
    (3, 3)
    """
    for name, number in {"max_return_share": max_return_share, "level": level}.items():
        if not 0 < number < 1:
            raise ParameterError(f"{name} is {number}.", hint=f"Give {name} as a share between 0 and 1.")
    if gap_multiple is not None and not (math.isfinite(gap_multiple) and gap_multiple > 0):
        raise ParameterError(f"gap_multiple is {gap_multiple}.", hint="Give a number above 0, such as 3, or None.")
    if n_resamples < 1:
        raise ParameterError(f"n_resamples is {n_resamples}.", hint="Give at least 1; 500 is usual.")
    activity = read_activity(ledger, freq)
    if k is not None and not (isinstance(k, (int, np.integer)) and 1 <= k < activity.n_periods):
        raise ParameterError(
            f"k is {k!r}; the data have {activity.n_periods} {freq}s.",
            hint="Give a whole number of silent periods, at least 1 and less than the data have.",
        )
    if context is None:
        context = Context(currency=None if isinstance(ledger, pd.DataFrame) else ledger.currency)
    say = context.wording
    waits = activity.waits
    n = n_resamples if len(activity.names) >= MIN_CUSTOMERS else 0
    tables, draws = count_with_resamples(waits, activity, n, seed)
    curve, drawn_curves = tables.sum(axis=0), draws.sum(axis=1)
    shares = return_share_frame(curve, drawn_curves, level)

    k_data, reason = find_k(curve, max_return_share, activity, say)
    if k is None and k_data is None:
        raise UndefinedChurnError(reason, hint="Give k, the number of silent periods after which a customer is lost.")
    given, k = k, int(k if k is not None else k_data or 0)
    choices = resampled_choices(drawn_curves, max_return_share)
    k_low, k_high = interval_of_k(shares, max_return_share)

    customers, k_own = _customers(activity, k, gap_multiple)
    rest = waits.beyond(k_own)
    if gap_multiple is None:
        after, row = count_waits(rest, activity).sum(axis=0), shares[shares["k"] == k]
    else:
        at_risk = count_waits(rest, activity).sum(axis=(0, 1))[::-1].cumsum()[::-1]
        rest = rest.followed_for(int(np.flatnonzero(at_risk >= min(MIN_FOLLOWED, at_risk[1]))[-1]))
        after, drawn = (counts.sum(axis=-3) for counts in count_with_resamples(rest, activity, n, seed))
        row = return_share_frame(after, drawn, level, first=0).head(1)
    known = [None if row[name].isna().any() or row.empty else float(row[name].iloc[0]) for name in _ESTIMATE]
    judged = shares.loc[shares["n_at_risk"] >= MIN_FOLLOWED, "k"]
    return ChurnDefinitionResult(
        context=context,
        checks=check_definition(
            say,
            activity,
            shares,
            k=k,
            return_share=known[0],
            after=after,
            tables=tables,
            draws=draws,
            limit=max_return_share,
            gap_multiple=gap_multiple,
            level=level,
        ),
        assumed=assumed_of_definition(say, freq, given, k_data, max_return_share, gap_multiple),
        return_shares=shares,
        choices=choices,
        losses=_losses(activity, k_own, level),
        customers=customers,
        rule="silent periods" if gap_multiple is None else "own rhythm",
        k=k,
        k_data=k_data,
        k_low=k_low,
        k_high=k_high,
        k_judged=int(judged.max()) if len(judged) else 0,
        n_followed=len(rest.length),
        n_ahead=int(rest.length.max(initial=0)),
        return_share=known[0],
        return_low=known[1],
        return_high=known[2],
        longest_wait=int(waits.length[waits.ended].max(initial=0)),
        freq=freq,
        first_period=activity.days[0].date(),
        last_period=activity.days[-1].date(),
        max_return_share=max_return_share,
        gap_multiple=gap_multiple,
        n_customers=len(customers),
        n_without_order=activity.n_without_order,
        n_waits=len(waits.length),
        n_open=int((~waits.ended).sum()),
        n_lost=int(customers["is_lost" if gap_multiple is None else "is_lost_own"].sum()),
        level=level,
        n_resamples=n_resamples,
        seed=seed,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _customers(activity: Activity, k: int, gap_multiple: float | None) -> tuple[pd.DataFrame, Ints]:
    """One row per customer, and the k of each."""
    now = activity.waits.take(~activity.waits.ended)  # one per customer, in order
    frame = pd.DataFrame(
        {
            "customer_id": activity.names,
            "last_active": activity.days[now.start],
            "n_silent": now.length,
            "is_lost": now.length >= k,
        }
    )
    k_own = np.full(len(frame), k, dtype=np.int64)
    if gap_multiple is None:
        return frame, k_own
    n_gaps, median = median_gaps(activity)
    own = n_gaps >= MIN_GAPS
    k_own[own] = np.maximum(np.ceil(gap_multiple * median[own] - 1e-9), 1)
    return frame.assign(n_gaps=n_gaps, median_gap=median, k_own=k_own, is_lost_own=now.length >= k_own), k_own


def _losses(activity: Activity, k_own: Ints, level: float) -> pd.DataFrame:
    """What happened in each period, from the first in which a loss can be seen on."""
    losses = count_losses(activity, k_own)
    shown = np.arange(int(k_own.min()), activity.n_periods)
    n_lost, at_risk = losses.n_lost[shown], losses.n_at_risk[shown]
    some = at_risk > 0  # all may be lost, or nobody have bought yet: then there is no share
    share = np.full((3, len(shown)), np.nan)
    share[0, some] = n_lost[some] / at_risk[some]
    share[1:, some] = wilson_interval(n_lost[some], at_risk[some], level)
    columns = {
        "period": activity.days[shown],
        "n_at_risk": at_risk,
        "n_lost": n_lost,
        "share_lost": share[0],
        "ci_low": share[1],
        "ci_high": share[2],
        "n_returned": losses.n_returned[shown],
    }
    if losses.money_before is not None:
        columns["revenue_before"] = losses.money_before[shown]
    return pd.DataFrame(columns)
