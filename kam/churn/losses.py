"""The losses of a ledger: how many, rising or falling, how much money, and where to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.definition import ChurnDefinitionResult
from kam.churn.loss_groups import compare_groups, count_went_to, find_exposure, yearly
from kam.churn.loss_trend import assumed_of_losses, check_losses, fit_trend
from kam.churn.periods import PERIODS_A_YEAR
from kam.churn.waiting import Activity, read_activity
from kam.errors import NoEventError, ParameterError
from kam.ledger import Ledger
from kam.results import Context, KeyFigure, Result
from kam.stats.proportions import wilson_interval

if TYPE_CHECKING:
    pass

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class LossesResult(Result):
    """Result of :func:`describe_losses`.

    Attributes
    ----------
    periods : pandas.DataFrame
        One row per period in which a loss can be seen: ``period, n_at_risk, n_lost``; ``share_lost`` with ``ci_low, ci_high``
        (Wilson); ``fitted`` with ``fit_low, fit_high``, the trend without the season (missing: no trend was fitted);
        ``revenue_before`` (money; where revenue is known), what those lost brought in the year up to their last order.
    years : pandas.DataFrame
        One row per year (twelve months back from the last period, and so on): ``period``, its first; ``n_covered``, periods in
        which a loss can be seen; ``n_at_risk``, accounts at risk on average; ``n_lost``; ``share_year``, of those at
        risk lost within a year at that rate, with ``ci_low, ci_high``; ``revenue_before``.
    trend : pandas.DataFrame
        One row per term of the trend: ``term``; ``estimate`` with ``ci_low, ci_high``: the loss rate over that a year before
        (``rate ratio a year``), its dispersion (``dispersion``; no interval).
    groups : pandas.DataFrame
        One row per ``by`` (region, industry, manager, main product group) and ``group_name``, with a row
        for what is not known: ``n_customers``, accounts that were at risk; ``n_at_risk``, account-periods; ``n_lost``;
        ``share_year`` with ``ci_low,
        ci_high`` (Wilson on the share per period, brought to a year); ``share_rest``, the same of all other groups; ``p_value``
        (Fisher, group against the rest), ``p_holm`` over all rows that were tested; ``stands_out``; ``revenue_before``.
    went_to : pandas.DataFrame
        One row per ``by`` (competitor, logged reason) and ``group_name``: ``n_lost``, of the accounts that are lost today;
        ``share_lost``, of all these, with ``ci_low, ci_high``; ``revenue_before``. Empty without events.
    rate_first, rate_last : float or None
        Fitted share lost a year in the first and in the last period; None: no trend was fitted.
    ratio, ratio_low, ratio_high : float or None
        Loss rate over that a year before, with its interval; None: no trend was fitted.
    p_trend : float or None
        Of no trend.
    has_season : bool
        Whether the trend has the season taken out.
    n_lost, n_lost_year : int
        Losses in all periods, and in the last year of periods; an account that came back and was lost again counts twice.
    money_lost_year : float or None
        What those of the last year brought in the year up to their last order; None: revenue is not known.
    freq : str
        Length of a period.
    level : float
        Level of the intervals.
    """

    main: ClassVar[str] = "periods"

    periods: pd.DataFrame
    years: pd.DataFrame
    trend: pd.DataFrame
    groups: pd.DataFrame
    went_to: pd.DataFrame
    rate_first: float | None
    rate_last: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    p_trend: float | None
    has_season: bool
    n_lost: int
    n_lost_year: int
    money_lost_year: float | None
    freq: str
    level: float

    def _direction(self) -> str:
        say = self.context.wording
        if self.ratio is None or self.ratio_low is None or self.ratio_high is None:
            return say.sentence(
                "Whether the loss rate rises or falls cannot be told from {n} losses.", n=say.count(self.n_lost)
            )
        interval = say.interval(say.number(self.ratio_low), say.number(self.ratio_high), self.level)
        values = {
            "first": say.share(self.rate_first or 0.0),
            "last": say.share(self.rate_last or 0.0),
            "ratio": say.number(self.ratio),
            "interval": interval,
        }
        if self.ratio_low <= 1 <= self.ratio_high:
            return say.sentence(
                "The loss rate cannot be told from one that does not change: each year {ratio} times that of the year before "
                "({interval}).",
                **values,
            )
        if self.ratio > 1:
            return say.sentence(
                "The loss rate rose from {first} to {last} a year: each year {ratio} times that of the year before ({interval}).",
                **values,
            )
        return say.sentence(
            "The loss rate fell from {first} to {last} a year: each year {ratio} times that of the year before ({interval}).",
            **values,
        )

    def _sentence(self) -> str:
        say = self.context.wording
        last = self.years.iloc[-1]
        n = say.periods(int(last["n_covered"]), self.freq)
        first = say.plural(
            "In the last {periods} one account was lost, {share} a year of those at risk ({interval})",
            "In the last {periods} {n} accounts were lost, {share} a year of those at risk ({interval})",
            self.n_lost_year,
            periods=n,
            share=say.share(last["share_year"]),
            interval=say.interval(say.share(last["ci_low"]), say.share(last["ci_high"]), self.level),
        )
        if self.money_lost_year is not None:
            first += say.sentence(
                "; they had brought {money} in their last year", money=say.money(self.money_lost_year)
            )
        where = self.groups[self.groups["stands_out"] & (self.groups["share_year"] > self.groups["share_rest"])]
        text = say.join([say.close(first), self._direction()])
        if where.empty:
            return text
        row = where.sort_values("p_value").iloc[0]
        return say.join(
            [
                text,
                say.sentence(
                    "More are lost in {by} {group}: {share} a year, against {rest} elsewhere.",
                    by=say.text(str(row["by"])),
                    group=row["group_name"],
                    share=say.share(row["share_year"]),
                    rest=say.share(row["share_rest"]),
                ),
            ]
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        last = self.years.iloc[-1]
        money = say.sentence("not known") if self.money_lost_year is None else say.money_short(self.money_lost_year)
        figures = [
            KeyFigure(
                value=say.count(self.n_lost_year),
                label=say.sentence("accounts lost in the last {n}", n=say.periods(int(last["n_covered"]), self.freq)),
                note=say.sentence("of {n} at risk on average", n=say.count(last["n_at_risk"])),
            ),
            KeyFigure(
                value=say.share(last["share_year"]),
                label=say.sentence("lost a year"),
                note=say.interval(say.share(last["ci_low"]), say.share(last["ci_high"]), self.level),
            ),
            KeyFigure(
                value=money,
                label=say.sentence("they brought in their last year"),
                note=say.sentence("counted, not estimated"),
            ),
        ]
        if self.ratio is not None and self.ratio_low is not None and self.ratio_high is not None:
            figures.append(
                KeyFigure(
                    value=say.sentence("× {ratio}", ratio=say.number(self.ratio)),
                    label=say.sentence("loss rate over that a year before"),
                    note=say.interval(say.number(self.ratio_low), say.number(self.ratio_high), self.level),
                )
            )
        return tuple(figures)


def describe_losses(
    definition: ChurnDefinitionResult,
    ledger: Ledger | pd.DataFrame,
    *,
    accounts: pd.DataFrame | None = None,
    events: pd.DataFrame | None = None,
    level: float = 0.95,
    context: Context | None = None,
) -> LossesResult:
    """Count the losses, test their trend, and say where they are and where they went.

    A loss is dated to the k-th silent period. The trend is a Poisson regression of the losses of each period on time, with the
    number at risk as exposure, one yearly wave taken out where two years of periods were seen, and standard errors widened by the
    dispersion (never narrowed); its intervals are Student's t. Groups are compared by losses per account-period at risk, each
    with all others (Fisher's exact test), Holm's correction over all of them.

    Assumes (1) that each account at risk is lost independently of others, with the dispersion making up for shocks that hit many
    in one period; (2) that the logarithm of the loss rate moves along a line; (3) that regions, industries and product groups are
    those of today also in the past; a manager counts from ``manager_since`` on, before that nobody is known.

    Parameters
    ----------
    definition : ChurnDefinitionResult
        From :func:`kam.churn.churn_definition`, of the same ledger.
    ledger : Ledger or pandas.DataFrame
        The ledger, or the panel that the definition was made from (then without product groups).
    accounts : pandas.DataFrame, optional
        One row per account: ``customer_id`` and what is there of ``region, industry, manager, manager_since``.
    events : pandas.DataFrame, optional
        ``customer_id, date, kind`` and what is there of ``outcome, reason, competitor``; kinds ``lost`` and ``tender`` are used.
    level : float
        Level of the intervals, between 0 and 1; 1 − level is that of all tests.
    context : Context, optional
        Currency, language and dataset; by default those of the definition.

    Returns
    -------
    LossesResult

    Raises
    ------
    NoEventError
        Nobody was lost.
    ParameterError
        The definition is of other data; the level is not between 0 and 1.
    MissingColumnError, DataError
        Accounts or events lack a column, or an account stands twice.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, section 6.2.3 (dispersion); Holm (1979).

    Examples
    --------
    Every month forty customers buy for the first and only time; from the second year on, of forty more every tenth stays away.

    >>> from kam.churn import churn_definition
    >>> month = pd.date_range("2022-01-01", periods=36, freq="MS")
    >>> rows = [(f"{i}", month[t]) for i in range(400) for t in range(36) if i >= 360 or t <= i // 10]
    >>> panel = pd.DataFrame(rows, columns=["customer_id", "period"]).assign(n_orders=1, revenue=10.0)
    >>> result = describe_losses(churn_definition(panel, k=1, n_resamples=20), panel)
    >>> result.n_lost, result.n_lost_year
    (350, 120)
    """
    if not 0 < level < 1:
        raise ParameterError(f"level is {level}.", hint="Give the level as a share between 0 and 1.")
    context = context or definition.context
    say, freq = context.wording, definition.freq
    activity = read_activity(ledger, freq)  # type: ignore[arg-type]
    k = _check_same(activity, definition)
    counts = definition.losses.copy()
    if not counts["n_lost"].sum():
        raise NoEventError("Nobody was lost in the data.", hint="Give a smaller k, or more data.")
    trend = fit_trend(counts, freq, level)
    periods = trend.add_to(counts)
    risk = find_exposure(activity, k)
    groups = compare_groups(activity, risk, ledger, accounts, freq, level)
    years = _years(counts, freq, level)
    money = "revenue_before" in counts
    return LossesResult(
        context=context,
        checks=check_losses(say, counts, trend, freq, groups),
        assumed=assumed_of_losses(say, definition),
        periods=periods,
        years=years,
        trend=trend.frame(),
        groups=groups,
        went_to=count_went_to(activity, risk, events, definition, level),
        rate_first=trend.rate_first,
        rate_last=trend.rate_last,
        ratio=trend.ratio,
        ratio_low=trend.ratio_low,
        ratio_high=trend.ratio_high,
        p_trend=trend.p_value,
        has_season=trend.has_season,
        n_lost=int(counts["n_lost"].sum()),
        n_lost_year=int(years["n_lost"].iloc[-1]),
        money_lost_year=float(years["revenue_before"].iloc[-1]) if money else None,
        freq=freq,
        level=level,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_same(activity: Activity, definition: ChurnDefinitionResult) -> Ints:
    customers = definition.customers
    if len(customers) != len(activity.names) or (customers["customer_id"].to_numpy() != activity.names).any():
        raise ParameterError(
            "The definition is of other data than the ledger.",
            where=f"{len(customers):,} customers in the definition, {len(activity.names):,} in the ledger",
            hint="Give the ledger that churn_definition was made from.",
        )
    if "k_own" in customers:
        return customers["k_own"].to_numpy(dtype=np.int64)
    return np.full(len(customers), definition.k, dtype=np.int64)


def _years(counts: pd.DataFrame, freq: str, level: float) -> pd.DataFrame:
    """Twelve months back from the last period, and so on; the first may be shorter."""
    a_year = PERIODS_A_YEAR[freq]
    back = (len(counts) - 1 - np.arange(len(counts))) // a_year
    sums = {name: (name, "sum") for name in ("n_lost", "revenue_before") if name in counts}
    rows = counts.groupby(-back).agg(
        period=("period", "first"), n_covered=("period", "size"), risk=("n_at_risk", "sum"), **sums
    )
    rows = rows[rows["risk"] > 0].reset_index(drop=True)
    share = rows["n_lost"] / rows["risk"]
    low, high = wilson_interval(rows["n_lost"], rows["risk"], level)
    frame = rows.assign(
        n_at_risk=rows["risk"] / rows["n_covered"],
        share_year=yearly(share, freq),
        ci_low=yearly(low, freq),
        ci_high=yearly(high, freq),
    )
    columns = ["period", "n_covered", "n_at_risk", "n_lost", "share_year", "ci_low", "ci_high"]
    return frame[[*columns, *(["revenue_before"] if "revenue_before" in frame else [])]]
