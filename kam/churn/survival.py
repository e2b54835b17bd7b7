"""How long relationships last: Kaplan–Meier curves by group, and a Cox regression on what was known at the start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import chdtrc
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from kam.churn.cox import fit_cox
from kam.churn.person_periods import PersonPeriods
from kam.churn.survival_checks import assumed_of_survival, check_survival
from kam.errors import MissingColumnError, ModelError, NoEventError, ParameterError
from kam.results import Context, KeyFigure, Result
from kam.wording import N_

Floats = npt.NDArray[np.float64]

ALL = N_("all")
MIN_GROUP = 10
"""Groups of fewer accounts are put together."""
MAX_GROUPS = 8
ALPHA = 0.05
_KEYS = ("customer_id", "start_known", "entry", "duration", "is_lost")
_CURVE = ("segment", "tenure", "n_at_risk", "n_lost", "survival", "ci_low", "ci_high")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class SurvivalResult(Result):
    """Result of :func:`fit_survival`.

    Attributes
    ----------
    curves : pandas.DataFrame
        One row per group and tenure at which somebody was lost, and at which the curve begins: ``segment`` (``all`` and, if asked
        for, each group); ``tenure``, periods since the relationship began; ``n_at_risk`` just before; ``n_lost``; ``survival``,
        the share not lost by then (Kaplan–Meier), with ``ci_low, ci_high`` (Greenwood, on the scale log(−log S); missing at 0
        and at 1).
    groups : pandas.DataFrame
        One row per group: ``segment, n_customers, n_lost``; ``median_time``, periods until half are lost, with ``median_low,
        median_high`` (missing: the curve or its band stays above a half); ``share_left``, the share still there at ``horizon``,
        with ``ci_low, ci_high`` (missing where nobody is followed so far).
    terms : pandas.DataFrame
        Cox regression, one row per term and level: ``term, level, step, estimate, std_error, statistic, p_value,
        hazard_ratio, ci_low, ci_high``; ``time_statistic, time_p_value``, the test that the ratio is the same at all times. Empty
        without terms.
    parts : pandas.DataFrame
        For terms that fail that test, one row per term, level and part of the time: ``term, level``; ``part``, ``early`` (up to
        ``split``) or ``late``; ``estimate, std_error, hazard_ratio, ci_low, ci_high``. Missing in a part where the ratio cannot
        be estimated.
    freq : str
        ``month``, ``quarter``, ``year`` or ``period``.
    k : int or None
        Silent periods that mean lost; None: the losses were given.
    grouped_by : str or None
        What groups the accounts.
    first_tenure, last_tenure : int
        Where the curve of all begins (earlier, fewer than 10 accounts are at risk), and the longest tenure seen.
    horizon : int
        Tenure at which groups are compared.
    median_time, median_low, median_high : float or None
        Periods until half of all accounts are lost, and its interval; None: not reached.
    share_left, share_low, share_high : float
        Share of all accounts still there at ``horizon``, and its interval.
    log_rank, log_rank_df, log_rank_p : float or None, int or None, float or None
        Log-rank test that groups lose accounts alike.
    global_time_statistic, global_time_p_value : float or None
        Test of all terms together that ratios are the same at all times.
    split : float or None
        Half of the losses were earlier; None: all ratios may be the same at all times.
    n_customers, n_lost : int
        Accounts used, and those lost.
    n_left_out : int
        Accounts left out: when they began is not known, or they were not followed for a period.
    level : float
        Level of the intervals.
    """

    main: ClassVar[str] = "groups"

    curves: pd.DataFrame
    groups: pd.DataFrame
    terms: pd.DataFrame
    parts: pd.DataFrame
    freq: str
    k: int | None
    grouped_by: str | None
    first_tenure: int
    last_tenure: int
    horizon: int
    median_time: float | None
    median_low: float | None
    median_high: float | None
    share_left: float
    share_low: float
    share_high: float
    log_rank: float | None
    log_rank_df: int | None
    log_rank_p: float | None
    global_time_statistic: float | None
    global_time_p_value: float | None
    split: float | None
    n_customers: int
    n_lost: int
    n_left_out: int
    level: float

    def median_interval(self) -> str:
        """The interval of the median, or from where on."""
        say = self.context.wording
        if self.median_low is None:
            return say.sentence("no interval: the band does not come down to a half")
        low = say.count(self.median_low)
        if self.median_high is None:
            return say.sentence("{level} interval from {low} on", level=say.share(self.level, 0), low=low)
        return say.interval(low, say.count(self.median_high), self.level)

    def _sentence(self) -> str:
        say = self.context.wording
        counted = say.sentence(", counting the {k} of silence", k=say.periods(self.k, self.freq)) if self.k else ""
        if self.median_time is not None:
            text = say.sentence(
                "Half of the accounts are lost within {time} of the beginning{counted} ({interval}).",
                time=say.periods(self.median_time, self.freq),
                counted=counted,
                interval=self.median_interval(),
            )
        else:
            text = say.sentence(
                "After {time} {share} of the accounts are still there{counted} ({interval}); half are not lost within the data.",
                time=say.periods(self.horizon, self.freq),
                share=say.share(self.share_left),
                counted=counted,
                interval=self._share_interval(),
            )
        if self.log_rank_p is not None:
            text += " " + self._groups_said()
        elif len(self.terms):
            row = self.terms.iloc[int(np.argmax(self.terms["statistic"].abs()))]
            text = say.join(
                [
                    text,
                    say.sentence(
                        "What goes with the clearest difference is {step}: losses are {ratio} times as frequent ({interval}).",
                        step=row["step"],
                        ratio=say.number(row["hazard_ratio"]),
                        interval=say.interval(say.number(row["ci_low"]), say.number(row["ci_high"]), self.level),
                    ),
                ]
            )
        return text

    def _share_interval(self) -> str:
        say = self.context.wording
        return say.interval(say.share(self.share_low), say.share(self.share_high), self.level)

    def _groups_said(self) -> str:
        say = self.context.wording
        groups = self.groups[(self.groups["segment"] != ALL) & self.groups["share_left"].notna()]
        if len(groups) < 2:
            return say.sentence("Too few accounts were followed to compare groups.")
        best, worst = (
            groups.iloc[int(getattr(groups["share_left"].to_numpy(), how)())] for how in ("argmax", "argmin")
        )
        assert self.log_rank_p is not None
        return say.sentence(
            "After {time} {high} are left in {best} and {low} in {worst}: a clear difference between groups ({p})."
            if self.log_rank_p < ALPHA
            else "After {time} {high} are left in {best} and {low} in {worst}, which may be chance ({p}).",
            time=say.periods(self.horizon, self.freq),
            high=say.share(best["share_left"], 0),
            best=best["segment"],
            low=say.share(worst["share_left"], 0),
            worst=worst["segment"],
            p=say.p_value(self.log_rank_p),
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        return (
            KeyFigure(
                value=say.sentence("not reached")
                if self.median_time is None
                else say.periods(self.median_time, self.freq),
                label=say.sentence("until half of the accounts are lost"),
                note=self.median_interval(),
            ),
            KeyFigure(
                value=say.share(self.share_left),
                label=say.sentence("still there after {time}", time=say.periods(self.horizon, self.freq)),
                note=self._share_interval(),
            ),
            KeyFigure(
                value=say.count(self.n_lost),
                label=say.sentence("accounts were lost"),
                note=say.sentence("of {n}, counted", n=say.count(self.n_customers)),
            ),
        )


def fit_survival(
    periods: PersonPeriods | pd.DataFrame,
    *,
    group: str | None = None,
    terms: Sequence[str] | None = None,
    level: float = 0.95,
    context: Context | None = None,
) -> SurvivalResult:
    """Estimate how long accounts stay: Kaplan–Meier of all and by group, log-rank test, Cox regression with its check.

    The time is the tenure at which an account is lost, that is its last order + k periods, or at which the data end. An account
    that began before the ledger is in it only since it was not lost earlier: it is at risk from k periods after its first order
    there on (delayed entry), before which nobody can be seen lost. Where the beginning is not known an account is left out.

    The Cox regression (Efron's ties) is on what was known at the first order. Its ratios are tested for being the same at all
    times (Grambsch & Therneau); for those that are not, ``parts`` has one ratio before and one after the time at which half of
    the losses have happened: read these, or use :func:`kam.churn.fit_hazard`, whose terms change with time.

    Assumes (1) that who is still there when the data end would go on like others of the same tenure; (2) that accounts are
    independent of one another; (3) for the regression, that ratios are the same at all times; (4) that k silent periods mean
    lost: slow accounts are counted as lost by it, which makes groups look more alike than they are.

    Parameters
    ----------
    periods : PersonPeriods or pandas.DataFrame
        From :func:`kam.churn.person_periods`; or one row per account: ``duration`` (whole number, above 0), ``is_lost``,
        perhaps ``entry`` (at risk from after it) and ``customer_id``, and what groups and terms need.
    group : str, optional
        Column by which curves are compared; groups of fewer than 10 accounts are put together.
    terms : sequence of str, optional
        Columns of the Cox regression. Default: facts of accounts that were declared static; of a frame, none.
    level : float
        Level of the intervals, between 0 and 1.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    SurvivalResult

    Raises
    ------
    NoEventError
        Nobody was lost.
    NotConvergedError
        A ratio has no finite estimate: nobody with a level was lost, say.
    ModelError
        There is one account or one group, there are fewer losses than terms, or a term that was named has one value only.
    MissingColumnError
        A column is not there.
    ParameterError
        The level is no share, or there are more than 8 groups.

    References
    ----------
    Kaplan & Meier (1958), JASA 53; Efron (1977), JASA 72; Grambsch & Therneau (1994), Biometrika 81.

    Examples
    --------
    >>> accounts = pd.DataFrame({"duration": [2, 3, 3, 5, 8, 8], "is_lost": [True, True, False, True, False, False]})
    >>> result = fit_survival(accounts)
    >>> result.curves[["tenure", "n_at_risk", "survival"]].round(3).to_numpy().tolist()
    [[0.0, 6.0, 1.0], [2.0, 6.0, 0.833], [3.0, 5.0, 0.667], [5.0, 3.0, 0.444]]
    >>> result.median_time
    5.0
    """
    if not 0 < level < 1:
        raise ParameterError(f"level is {level}.", hint="Give a share between 0 and 1, such as 0.95.")
    context = context or Context()
    made = periods if isinstance(periods, PersonPeriods) else None
    accounts = periods.customers if isinstance(periods, PersonPeriods) else _given(periods, group)
    used = accounts[accounts["start_known"] & (accounts["duration"] > accounts["entry"])].reset_index(drop=True)
    event = used["is_lost"].to_numpy(dtype=bool)
    if len(used) < 2:
        raise ModelError(
            f"Of {len(accounts):,} accounts {len(used)} can be followed from a known beginning.",
            hint="Give `since` in the accounts, or more data.",
        )
    if not event.any():
        raise NoEventError(f"None of {len(used):,} accounts was lost.", hint="Use a smaller k or more data.")
    entry, duration = (used[name].to_numpy(dtype=np.float64) for name in ("entry", "duration"))
    labels = _groups(used, group)
    every = {ALL: np.ones(len(used), dtype=bool)} | {name: labels == name for name in pd.unique(labels[labels != ALL])}
    every = {ALL: every.pop(ALL)} | dict(sorted(every.items()))
    curves = pd.concat([_curve(name, entry[i], duration[i], event[i], level) for name, i in every.items()])
    curves = curves.reset_index(drop=True)
    horizon = _horizon(curves, duration, made.freq if made else "period", made.k or 0 if made else 0)
    groups = pd.DataFrame([_summary(curves, name, i, event, duration, horizon) for name, i in every.items()])
    log_rank = _log_rank(labels, entry, duration, event) if group is not None else None
    chosen = _default_terms(made) if terms is None else tuple(terms)
    for name in chosen:
        if name in _KEYS:
            raise ParameterError(f"{name!r} is no term.", hint="Leave it out.")
    cox = fit_cox(used, chosen, named=terms is not None, level=level, say=context.wording)
    test = cox.test
    overall, whole = groups.iloc[0], curves[curves["segment"] == ALL]
    median = [None if pd.isna(overall[name]) else float(overall[name]) for name in ("median_time", "median_low")]
    high = overall["median_high"]
    return SurvivalResult(
        context=context,
        checks=check_survival(context.wording, accounts, used, curves, cox.terms, test, made),
        assumed=assumed_of_survival(context.wording, made),
        curves=curves,
        groups=groups,
        terms=cox.terms,
        parts=cox.parts,
        freq=made.freq if made else "period",
        k=made.k if made else None,
        grouped_by=group,
        first_tenure=int(whole["tenure"].iloc[0]),
        last_tenure=int(duration.max()),
        horizon=horizon,
        median_time=median[0],
        median_low=median[1],
        median_high=None if pd.isna(high) else float(high),
        share_left=float(overall["share_left"]),
        share_low=float(overall["ci_low"]),
        share_high=float(overall["ci_high"]),
        log_rank=log_rank[0] if log_rank else None,
        log_rank_df=log_rank[1] if log_rank else None,
        log_rank_p=log_rank[2] if log_rank else None,
        global_time_statistic=test.global_statistic if test else None,
        global_time_p_value=test.global_p_value if test else None,
        split=cox.split,
        n_customers=len(used),
        n_lost=int(event.sum()),
        n_left_out=len(accounts) - len(used),
        level=level,
    )


# -- inside -----------------------------------------------------------------------------------------------


def _given(frame: pd.DataFrame, group: str | None) -> pd.DataFrame:
    for name in ("duration", "is_lost", *([group] if group else [])):
        if name not in frame.columns:
            raise MissingColumnError(f"There is no column {name!r}.", where=f"columns {list(frame.columns)}")
    accounts = frame.reset_index(drop=True)
    defaults = pd.DataFrame({"entry": 0, "start_known": True, "customer_id": accounts.index.astype(str)})
    accounts = accounts.join(defaults[[name for name in defaults if name not in accounts]])
    return accounts.astype({"is_lost": bool, "start_known": bool})


def _groups(used: pd.DataFrame, group: str | None) -> npt.NDArray[np.object_]:
    if group is None:
        return np.full(len(used), ALL, dtype=object)
    if group not in used.columns or group in _KEYS:
        raise MissingColumnError(
            f"There is no column {group!r} to group by.", hint=f"There are {', '.join(used.columns[len(_KEYS) :])}."
        )
    labels = used[group].astype(object).where(used[group].notna(), "not known").astype(str)
    sizes = labels.value_counts()
    small = sizes.index[sizes < MIN_GROUP]
    labels = labels.mask(labels.isin(small), "other groups") if len(small) > 1 else labels
    n = labels.nunique()
    if n < 2:
        raise ModelError(f"All accounts have one value of {group!r}: there is nothing to compare.")
    if n > MAX_GROUPS:
        raise ParameterError(f"{group!r} has {n} groups of 10 accounts or more.", hint=f"Give at most {MAX_GROUPS}.")
    return labels.to_numpy(dtype=object)


def _curve(name: str, entry: Floats, duration: Floats, event: npt.NDArray[np.bool_], level: float) -> pd.DataFrame:
    """Kaplan–Meier of one group, from where enough accounts are at risk."""
    start = _start(entry, duration)
    late = duration > start
    entry, duration, event = np.maximum(entry, start)[late], duration[late], event[late]
    begin = pd.DataFrame([(name, start, float((entry <= start).sum()), 0.0, 1.0, np.nan, np.nan)], columns=list(_CURVE))
    if not event.any():
        return begin.astype({"tenure": "int64"})
    fit = SurvfuncRight(duration, event.astype(int), entry=entry)
    survival, error = fit.surv_prob, fit.surv_prob_se
    low, high = np.full(len(survival), np.nan), np.full(len(survival), np.nan)
    inside = (survival > 0) & (survival < 1)
    s = survival[inside]
    reach = NormalDist().inv_cdf((1 + level) / 2) * error[inside] / (s * np.abs(np.log(s)))
    low[inside], high[inside] = s ** np.exp(reach), s ** np.exp(-reach)
    columns = (name, fit.surv_times, fit.n_risk, fit.n_events, survival, low, high)
    curve = pd.DataFrame(dict(zip(_CURVE, columns, strict=True)))
    return pd.concat([begin, curve[curve["n_lost"] > 0]]).astype({"tenure": "int64"})


def _start(entry: Floats, duration: Floats) -> float:
    """The earliest tenure at which ten accounts (or all there are) are at risk."""
    tenures = np.unique(entry)
    at_risk = np.array([((entry <= at) & (duration > at)).sum() for at in tenures])
    return float(tenures[np.argmax(at_risk >= min(MIN_GROUP, at_risk.max()))])


def _horizon(curves: pd.DataFrame, duration: Floats, freq: str, k: int) -> int:
    """A round tenure at which a good part of the accounts can still be seen: whole years up to five, or the middle."""
    year = {"month": 12, "quarter": 4, "year": 1}.get(freq, 1)
    reached = float(np.quantile(duration, 0.75))
    start = max(int(curves["tenure"].iloc[0]), k)  # before k silent periods nobody can be lost
    whole = int(min(reached // year, 5)) * year
    return whole if whole > start else max(int(reached), min(2 * start, int(duration.max())), start + 1)


def _summary(
    curves: pd.DataFrame,
    name: str,
    chosen: npt.NDArray[np.bool_],
    event: npt.NDArray[np.bool_],
    duration: Floats,
    horizon: int,
) -> dict[str, object]:
    curve = curves[curves["segment"] == name]
    at = curve[curve["tenure"] <= horizon]
    known = len(at) > 0 and duration[chosen].max() >= horizon
    last = at.iloc[-1] if known else None

    def reaches(column: str) -> float:
        below = curve.loc[curve[column] <= 0.5 + 1e-12, "tenure"]
        return float(below.iloc[0]) if len(below) else math.nan

    return {
        "segment": name,
        "n_customers": int(chosen.sum()),
        "n_lost": int(event[chosen].sum()),
        "median_time": reaches("survival"),
        "median_low": reaches("ci_low"),
        "median_high": reaches("ci_high"),
        "share_left": math.nan if last is None else float(last["survival"]),
        "ci_low": math.nan if last is None else _or(last["ci_low"], last["survival"]),
        "ci_high": math.nan if last is None else _or(last["ci_high"], last["survival"]),
    }


def _or(value: float, instead: float) -> float:
    return float(instead if pd.isna(value) else value)


def _log_rank(
    labels: npt.NDArray[np.object_], entry: Floats, duration: Floats, event: npt.NDArray[np.bool_]
) -> tuple[float, int, float]:
    code = pd.factorize(labels, sort=True)[0]
    statistic, _ = survdiff(duration, event.astype(int), code, entry=entry if entry.any() else None)
    df = int(code.max())
    return float(statistic), df, float(chdtrc(df, statistic))


def _default_terms(made: PersonPeriods | None) -> tuple[str, ...]:
    if made is None:
        return ()
    facts = made.terms[(made.terms["source"] == "accounts") & ~made.terms["term"].isin(["manager", "handover"])]
    return tuple(facts["term"])
