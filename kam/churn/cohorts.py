"""Cohorts: of the accounts that began in one quarter, how many order again a quarter, a year, two years later."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from kam.churn.definition import ChurnDefinitionResult
from kam.churn.periods import PERIODS_A_YEAR
from kam.churn.waiting import Activity, read_activity
from kam.errors import EmptyDataError, ParameterError
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.stats.proportions import wilson_interval
from kam.wording import N_

if TYPE_CHECKING:
    from kam.ledger import Ledger
    from kam.wording import Wording

Ints = npt.NDArray[np.int64]

MIN_EXPECTED = 5
"""Accounts that order and that do not, expected in each cohort, from which on chi-square tells cohorts apart (Cochran 1954)."""

MIN_HALF = 10
"""Accounts that the older and the younger half should have where they are compared."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class CohortRetentionResult(Result):
    """Result of :func:`cohort_retention`.

    Attributes
    ----------
    cohorts : pandas.DataFrame
        One row per cohort and number of periods since the first order, from 0 on, as far as the data go: ``cohort``, its first
        day; ``n_since_first``, periods since; ``n_customers`` of the cohort; ``n_active``, those that ordered in that period;
        ``share_active`` with ``ci_low, ci_high`` (Wilson); ``revenue``, what the cohort brought in it (money; where known).
    ages : pandas.DataFrame
        The same over all cohorts that have come so far: ``n_since_first``; ``n_cohorts``; ``n_customers``; ``n_active``;
        ``share_active`` with ``ci_low, ci_high``.
    compared_at : int
        Periods since the first order at which cohorts are compared: a year, or as far as
        both halves have :data:`MIN_HALF` accounts; else as far as two cohorts, or one, have come.
    share_older, share_younger : float or None
        Share that ordered then, of the older and of the younger half of the cohorts; None: one cohort alone has come so far.
    difference, difference_low, difference_high : float or None
        Younger less older (Newcombe's interval).
    p_alike : float or None
        Of all cohorts having the same share (Pearson's chi-square); None: too few accounts to tell.
    n_customers : int
        Accounts of all cohorts.
    n_before : int
        Accounts left out, since they may have begun before the data do.
    freq : str
        Length of a period.
    level : float
        Level of the intervals.
    """

    main: ClassVar[str] = "ages"

    cohorts: pd.DataFrame
    ages: pd.DataFrame
    compared_at: int
    share_older: float | None
    share_younger: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    p_alike: float | None
    n_customers: int
    n_before: int
    freq: str
    level: float

    def _sentence(self) -> str:
        say = self.context.wording
        row = self.ages[self.ages["n_since_first"] == self.compared_at].iloc[0]
        first = say.sentence(
            "Of {n} accounts that began at least {time} ago, {share} ordered again in that {period} ({interval}).",
            n=say.count(row["n_customers"]),
            time=say.periods(self.compared_at, self.freq),
            share=say.share(row["share_active"]),
            period=say.text(self.freq),
            interval=say.interval(say.share(row["ci_low"]), say.share(row["ci_high"]), self.level),
        )
        return say.join([first, self._direction()])

    def _direction(self) -> str:
        say = self.context.wording
        if self.difference is None or self.difference_low is None or self.difference_high is None:
            return say.sentence("Whether younger accounts stay as long as older ones cannot be told from one cohort.")
        values = {
            "younger": say.share(self.share_younger or 0.0),
            "older": say.share(self.share_older or 0.0),
            "interval": say.interval(say.share(self.difference_low), say.share(self.difference_high), self.level),
        }
        if self.difference_low > 0:
            message = N_(
                "Younger accounts stay more often: {younger}, against {older} of the older ones (difference: {interval})."
            )
        elif self.difference_high < 0:
            message = N_(
                "Younger accounts stay less often: {younger}, against {older} of the older ones (difference: {interval})."
            )
        else:
            message = N_(
                "Younger accounts cannot be told from older ones: {younger} against {older} (difference: {interval})."
            )
        return say.sentence(message, **values)

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say, a_year = self.context.wording, PERIODS_A_YEAR[self.freq]
        figures = []
        for age in dict.fromkeys((1, a_year, 2 * a_year)):
            for _, row in self.ages[self.ages["n_since_first"] == age].iterrows():
                figures.append(
                    KeyFigure(
                        value=say.share(row["share_active"]),
                        label=say.sentence(
                            "order in the {period} that is {time} after the first",
                            period=say.text(self.freq),
                            time=say.periods(age, self.freq),
                        ),
                        note=say.interval(say.share(row["ci_low"]), say.share(row["ci_high"]), self.level),
                    )
                )
        if self.difference is not None and self.difference_low is not None and self.difference_high is not None:
            points = [say.number(100 * one, 1) for one in (self.difference, self.difference_low, self.difference_high)]
            figures.append(
                KeyFigure(
                    value=say.sentence("{x} points", x=points[0]),
                    label=say.sentence(
                        "younger less older accounts, {time} on", time=say.periods(self.compared_at, self.freq)
                    ),
                    note=say.interval(points[1], points[2], self.level),
                )
            )
        return tuple(figures)


def cohort_retention(
    ledger: Ledger | pd.DataFrame,
    definition: ChurnDefinitionResult,
    *,
    freq: Literal["month", "quarter", "year"] = "quarter",
    level: float = 0.95,
    context: Context | None = None,
) -> CohortRetentionResult:
    """Follow the accounts that placed their first order in the same period.

    An account is *active* ``t`` periods after its first if it orders in that very period; one that pauses and comes back is
    active again. Accounts that first appear within the silence that means lost (the ``k`` of the definition) from the start of
    the data are left out: they may have been there before. The older and the younger half of the cohorts are compared a
    year after the first order (or as late as the data allow, see ``compared_at``), by the number of accounts as even as it goes.

    Assumes (1) that accounts order independently of one another; (2) that an account that was silent from the start of the data
    for longer than the definition's silence is new, not one that came back.

    Parameters
    ----------
    ledger : Ledger or pandas.DataFrame
        The ledger, or a panel by this ``freq`` as from :func:`kam.ledger.activity_panel`.
    definition : ChurnDefinitionResult
        From :func:`kam.churn.churn_definition`.
    freq : {"month", "quarter", "year"}
        Length of the periods.
    level : float
        Level of the intervals, between 0 and 1.
    context : Context, optional
        Currency, language and dataset; by default those of the definition.

    Returns
    -------
    CohortRetentionResult

    Raises
    ------
    EmptyDataError
        No account began so late that it is surely new and so early that a later period is complete.
    ParameterError
        The frequency is not known; the level is not between 0 and 1.
    MissingColumnError, ColumnTypeError, DataError
        See :func:`kam.churn.churn_definition`.

    References
    ----------
    Wilson (1927); Newcombe (1998), Statistics in Medicine 17: 873-890, method 10; Fader & Hardie (2009), Journal of Interactive
    Marketing 23: 61-69 (retention by cohort).

    Examples
    --------
    Four accounts begin in the second year; three of them order a quarter later, two a year later.

    >>> from kam.churn import churn_definition
    >>> quarter = pd.date_range("2021-01-01", periods=12, freq="QS")
    >>> orders = {"old": range(12), "a": (5, 6, 9), "b": (5, 6, 7, 8, 9), "c": (5, 6), "d": (5,)}
    >>> rows = [(name, quarter[t]) for name, periods in orders.items() for t in periods]
    >>> panel = pd.DataFrame(rows, columns=["customer_id", "period"]).assign(n_orders=1, revenue=10.0)
    >>> result = cohort_retention(panel, churn_definition(panel, freq="quarter", k=3, n_resamples=20))
    >>> result.ages[["n_since_first", "n_customers", "n_active"]].head(5).to_numpy().tolist()
    [[0, 4, 4], [1, 4, 3], [2, 4, 1], [3, 4, 1], [4, 4, 2]]
    """
    if not 0 < level < 1:
        raise ParameterError(f"level is {level}.", hint="Give the level as a share between 0 and 1.")
    context = context or definition.context
    activity = read_activity(ledger, freq)
    silence = math.ceil(definition.k * PERIODS_A_YEAR[freq] / PERIODS_A_YEAR[definition.freq])
    begun = np.full(len(activity.names), activity.n_periods, dtype=np.int64)
    np.minimum.at(begun, activity.waits.customer, activity.waits.start)
    new = begun >= silence
    if not (new & (begun < activity.n_periods - 1)).any():
        raise EmptyDataError(
            "No account can be followed from its first order on.",
            where=f"{activity.n_periods} {freq}s, of which the first {silence} do not tell who is new",
            hint="Take more data, shorter periods or a shorter silence.",
        )
    cohorts = _follow(activity, begun, new, level)
    ages = _pool(cohorts, level)
    at = _compare_at(cohorts, PERIODS_A_YEAR[freq])
    then = cohorts[cohorts["n_since_first"] == at]
    halves = _compare_halves(then, level)
    p_alike = _test_alike(then)
    return CohortRetentionResult(
        context=context,
        checks=_checks(context.wording, then, p_alike, int((~new).sum()), at, freq),
        assumed=(
            Assumed(
                what=context.wording.sentence("silence at the start of the data after which an account is new"),
                value=context.wording.periods(silence, freq),
                would_change=context.wording.sentence(
                    "a longer silence leaves out more accounts, and is surer of the rest"
                ),
            ),
        ),
        cohorts=cohorts,
        ages=ages,
        compared_at=at,
        share_older=halves[0] if halves else None,
        share_younger=halves[1] if halves else None,
        difference=halves[1] - halves[0] if halves else None,
        difference_low=halves[2] if halves else None,
        difference_high=halves[3] if halves else None,
        p_alike=p_alike,
        n_customers=int(cohorts.loc[cohorts["n_since_first"] == 0, "n_customers"].sum()),
        n_before=int((~new).sum()),
        freq=freq,
        level=level,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _follow(activity: Activity, begun: Ints, new: npt.NDArray[np.bool_], level: float) -> pd.DataFrame:
    """Count each cohort's accounts, those that order and their revenue in every period since."""
    n = activity.n_periods
    size = np.bincount(begun[new], minlength=n)
    waits = activity.waits
    seen = new[waits.customer]
    cell = begun[waits.customer] * n + waits.start - begun[waits.customer]
    active = np.bincount(cell[seen], minlength=n * n).reshape(n, n)
    cohort, ahead = (where.ravel() for where in np.indices((n, n)))
    there = (cohort + ahead < n) & (size[cohort] > 0)
    cohort, ahead = cohort[there], ahead[there]
    counts = active[cohort, ahead]
    low, high = wilson_interval(counts, size[cohort], level)
    frame = pd.DataFrame(
        {
            "cohort": activity.days[cohort],
            "n_since_first": ahead,
            "n_customers": size[cohort],
            "n_active": counts,
            "share_active": counts / size[cohort],
            "ci_low": low,
            "ci_high": high,
        }
    )
    if activity.money is None:
        return frame
    who, when, amount = activity.money
    since = when - begun[who]
    known = new[who] & (since >= 0)
    brought = np.bincount((begun[who] * n + since)[known], amount[known], n * n).reshape(n, n)
    return frame.assign(revenue=brought[cohort, ahead])


def _pool(cohorts: pd.DataFrame, level: float) -> pd.DataFrame:
    """All cohorts that have come so far, together."""
    ages = cohorts.groupby("n_since_first", as_index=False).agg(
        n_cohorts=("cohort", "size"), n_customers=("n_customers", "sum"), n_active=("n_active", "sum")
    )
    low, high = wilson_interval(ages["n_active"], ages["n_customers"], level)
    return ages.assign(share_active=ages["n_active"] / ages["n_customers"], ci_low=low, ci_high=high)


def _compare_at(cohorts: pd.DataFrame, a_year: int) -> int:
    """A year after the first order, or as late as both halves have :data:`MIN_HALF` accounts, as two or one cohorts have come."""
    later = {at: cohorts[cohorts["n_since_first"] == at] for at in range(1, a_year + 1)}
    halves = {
        at: min(part["n_customers"].sum() for part in _halve(then)) for at, then in later.items() if len(then) > 1
    }
    large = [at for at, n in halves.items() if n >= MIN_HALF]
    return max(large or halves or [at for at, then in later.items() if len(then)])


def _halve(then: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The older and the younger cohorts, as even in accounts as it goes."""
    upto = then["n_customers"].cumsum().to_numpy()
    cut = int(np.abs(upto[:-1] - upto[-1] / 2).argmin()) + 1
    return then.iloc[:cut], then.iloc[cut:]


def _compare_halves(then: pd.DataFrame, level: float) -> tuple[float, float, float, float] | None:
    """Share of the older and of the younger half, and the interval of younger less older."""
    if len(then) < 2:
        return None
    (x0, n0), (x1, n1) = (part[["n_active", "n_customers"]].sum() for part in _halve(then))
    low, high = confint_proportions_2indep(x1, n1, x0, n0, method="newcomb", compare="diff", alpha=1 - level)
    return float(x0 / n0), float(x1 / n1), float(low), float(high)


def _test_alike(then: pd.DataFrame) -> float | None:
    """p-value of one share in all cohorts; neighbors are put together until each is large enough."""
    p = then["n_active"].sum() / then["n_customers"].sum()
    if len(then) < 2 or p in (0, 1):
        return None
    needed = MIN_EXPECTED / min(p, 1 - p)
    group, size, groups = 0, 0, []
    for n in then["n_customers"]:
        groups.append(group)
        size += n
        if size >= needed:
            group, size = group + 1, 0
    if size and group:
        groups = [min(one, group - 1) for one in groups]  # what is left over goes to the last
    table = then[["n_active", "n_customers"]].groupby(np.array(groups)).sum()
    if len(table) < 2:
        return None
    counts = np.column_stack([table["n_active"], table["n_customers"] - table["n_active"]])
    return float(stats.chi2_contingency(counts, correction=False).pvalue)


def _checks(
    say: Wording, then: pd.DataFrame, p_alike: float | None, n_before: int, at: int, freq: str
) -> tuple[Check, ...]:
    alike = Check(
        assumption=say.sentence("one curve stands for all cohorts"),
        finding=say.sentence(
            "{time} after the first order the share runs from {low} to {high} between {n} cohorts ({p})",
            time=say.periods(at, freq),
            low=say.share(then["share_active"].min()),
            high=say.share(then["share_active"].max()),
            n=say.count(len(then)),
            p=say.p_value(p_alike),
        )
        if p_alike is not None
        else say.sentence("too few accounts in the cohorts to tell"),
        verdict="not testable" if p_alike is None else "holds" if p_alike >= 0.05 else "does not hold",
        p_value=p_alike,
    )
    fresh = Check(
        assumption=say.sentence("every account of a cohort began with it"),
        finding=say.plural(
            "one account that appears early may have been there before the data begin: left out",
            "{n} accounts that appear early may have been there before the data begin: left out",
            n_before,
        )
        if n_before
        else say.sentence("no account appears too early to tell"),
        verdict="handled" if n_before else "holds",
    )
    return alike, fresh
