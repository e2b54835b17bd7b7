"""What "lost" means: after how many silent periods a customer hardly ever comes back, and who is lost by that rule.

Waits from one purchase to the next are read as lifetimes, some of which still run. The return share after k silent periods is
the share of the waits longer than k that end within what the data follow. Counting a silence that still runs as final, as is
often done, makes it too low.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from kam.churn.sequences import PERIODS_A_YEAR
from kam.churn.waiting import (
    Activity,
    Waits,
    count_losses,
    count_waits,
    kaplan_meier,
    median_gaps,
    read_activity,
    resample_waits,
    return_shares,
)
from kam.errors import ParameterError, UndefinedChurnError
from kam.results import Assumed, Check, Context, KeyFigure, Result, Verdict
from kam.stats.proportions import wilson_interval
from kam.stats.resampling import percentile_interval
from kam.wording import Wording

if TYPE_CHECKING:
    from kam.ledger import Ledger
    from kam.ledger.periods import Frequency

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIN_CUSTOMERS = 10
"""Below this many customers a bootstrap over customers says nothing, and no interval is given."""

MIN_FOLLOWED = 30
"""A return share that rests on fewer silences is not to be trusted."""

MIN_GAPS = 3
"""An account has a rhythm of its own from this many gaps on."""

MAX_UNDEFINED = 0.01
"""With more than this share of resamples in which nobody is followed beyond k, its return share has no interval."""

RECENT = 3
"""How many of the last periods the answer counts losses in."""


# -- result ----------------------------------------------------------------------------------------------------------


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
                back += " " + self._caution(follow_up.statistic or 0.0)
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
        return f"{self._rule_in_words()}: {back} {last}"

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


# -- analysis --------------------------------------------------------------------------------------------------------


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
    tables, draws = _count(waits, activity, n, seed)
    curve, drawn_curves = tables.sum(axis=0), draws.sum(axis=1)
    shares = _with_intervals(curve, drawn_curves, level)

    k_data, reason = _find_k(curve, max_return_share, activity, say)
    if k is None and k_data is None:
        raise UndefinedChurnError(reason, hint="Give k, the number of silent periods after which a customer is lost.")
    given, k = k, int(k if k is not None else k_data or 0)
    choices = _choices(drawn_curves, max_return_share)
    k_low, k_high = _interval_of_k(shares, max_return_share)

    customers, k_own = _customers(activity, k, gap_multiple)
    rest = waits.beyond(k_own)
    if gap_multiple is None:
        after, row = count_waits(rest, activity).sum(axis=0), shares[shares["k"] == k]
    else:
        at_risk = count_waits(rest, activity).sum(axis=(0, 1))[::-1].cumsum()[::-1]
        rest = rest.followed_for(int(np.flatnonzero(at_risk >= min(MIN_FOLLOWED, at_risk[1]))[-1]))
        after, drawn = (counts.sum(axis=-3) for counts in _count(rest, activity, n, seed))
        row = _with_intervals(after, drawn, level, first=0).head(1)
    known = [None if row[name].isna().any() or row.empty else float(row[name].iloc[0]) for name in _ESTIMATE]
    judged = shares.loc[shares["n_at_risk"] >= MIN_FOLLOWED, "k"]
    return ChurnDefinitionResult(
        context=context,
        checks=(
            _check_follow_up(say, freq, after, max_return_share),
            _check_share(say, known[0], max_return_share),
            *_check_last_return(say, freq, after, max_return_share),
            _check_alike(say, activity, tables, draws, k, level),
            _check_rhythm(say, activity, k, gap_multiple),
            _check_first(say, activity),
            _check_last(say, activity),
            _check_resamples(say, activity, shares),
            *_check_without_order(say, activity),
        ),
        assumed=_assumed(say, freq, given, k_data, max_return_share, gap_multiple),
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


# -- k ---------------------------------------------------------------------------------------------------------------

_ESTIMATE = ("return_share", "ci_low", "ci_high")


def _count(waits: Waits, activity: Activity, n_resamples: int, seed: int) -> tuple[Ints, Ints]:
    """Counts of the waits, shape (2, 2, T), and of those of resampled customers, shape (n_resamples, 2, 2, T)."""
    counts = count_waits(waits, activity)
    if not n_resamples:
        return counts, np.zeros((0, *counts.shape), dtype=np.int64)
    return counts, resample_waits(waits, activity, n_resamples=n_resamples, seed=seed)


def _with_intervals(curve: Ints, drawn: Ints, level: float, *, first: int = 1) -> pd.DataFrame:
    survival, share, followed = return_shares(curve)
    n_back = curve[1, ::-1].cumsum()[::-1][1:]  # waits that ended after k
    ks = np.flatnonzero(followed > 0)
    ks = ks[ks >= first]
    _, drawn_share, drawn_followed = return_shares(drawn)
    ends = [
        _interval(share[k], n_back[k], followed[k], drawn_share[drawn_followed[:, k] > 0, k], len(drawn), level)
        for k in ks
    ]
    low, high = np.array(ends).reshape(-1, 2).T
    return pd.DataFrame(
        {
            "k": ks,
            "n_at_risk": followed[ks],
            "survival": survival[ks],
            "return_share": share[ks],
            "ci_low": low,
            "ci_high": high,
            "share_naive": n_back[ks] / followed[ks],
        }
    )


def _interval(share: float, n_back: int, n: int, draws: Floats, n_resamples: int, level: float) -> tuple[float, float]:
    """Interval of a return share: normal on the scale of log odds, with the standard deviation of the resamples.

    Covers better than percentiles where few come back. Wilson's where none did, or all: then no resample varies.
    """
    if not n_resamples or len(draws) < (1 - MAX_UNDEFINED) * n_resamples:
        return math.nan, math.nan
    if n_back in (0, n):
        low, high = wilson_interval(n_back, n, level)
        return float(low), float(high)
    edge = 0.5 / n
    odds = logit(np.clip(np.append(share, draws), edge, 1 - edge))
    reach = NormalDist().inv_cdf((1 + level) / 2) * odds[1:].std()
    low, high = expit(odds[0] + np.array([-reach, reach]))
    return min(float(low), share), max(float(high), share)


def _choose(curves: Ints, limit: float) -> Ints:
    """The smallest k >= 1 that qualifies on each curve (..., 2, T); 0: none does."""
    _, share, followed = return_shares(curves)
    fits = (share <= limit + 1e-12) & (followed > 0) & curves[..., 1, :].any(axis=-1, keepdims=True)
    fits[..., 0] = False
    return np.where(fits.any(axis=-1), fits.argmax(axis=-1), 0)


def _find_k(curve: Ints, limit: float, activity: Activity, say: Wording) -> tuple[int | None, str]:
    """The k of the data; without one, why."""
    _, share, followed = return_shares(curve)
    ks = np.flatnonzero(followed[1:] > 0) + 1
    if len(activity.names) == 1:
        return None, "There is one customer, whose silences do not say when others are lost."
    if not curve[1].any():
        return None, f"Every customer has orders in one {activity.freq} only: no silence ever ended."
    if not len(ks):
        return None, f"Nobody was seen silent for longer than one {activity.freq}: no silence can be judged."
    k = int(_choose(curve, limit))
    if k:
        return k, ""
    listed = ks[np.unique(np.linspace(0, len(ks) - 1, 10).round().astype(int))]
    table = ", ".join(f"{i}: {say.share(share[i])}" for i in listed)
    _, at_risk = kaplan_meier(curve[1], curve[0])
    last = int(np.flatnonzero(curve[1]).max())
    return None, (
        f"No number of silent {activity.freq}s within the data has a return share of at most {say.share(limit)}. "
        f"Return share by silent {activity.freq}s: {table}. "
        f"The longest wait that ended, {say.periods(last, activity.freq)}, is one of {at_risk[last]} that lasted as long."
    )


def _choices(drawn: Ints, limit: float) -> pd.DataFrame:
    ks, n = np.unique(_choose(drawn, limit), return_counts=True)
    frame = pd.DataFrame({"k": pd.array(ks, dtype="Int64"), "share_resamples": n / max(len(drawn), 1)})
    frame["k"] = frame["k"].mask(frame["k"] == 0)
    return frame.sort_values("k", na_position="last", ignore_index=True)


def _interval_of_k(shares: pd.DataFrame, limit: float) -> tuple[int | None, int | None]:
    """From the first k whose return share may be within the limit to the first whose return share surely is."""
    ends = [shares.loc[shares[name] <= limit, "k"] for name in ("ci_low", "ci_high")]
    low, high = (None if end.empty else int(end.iloc[0]) for end in ends)
    return low, high


# -- who is lost -----------------------------------------------------------------------------------------------------


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


# -- what it rests on ------------------------------------------------------------------------------------------------


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


def _assumed(
    say: Wording, freq: str, given: int | None, k_data: int | None, limit: float, gap_multiple: float | None
) -> tuple[Assumed, ...]:
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
