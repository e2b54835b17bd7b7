"""How often accounts leave, when in the relationship, and with what on record: a hazard in discrete time.

The probability of leaving in a period, given that the account is still there, is regressed on tenure (a restricted cubic spline)
and on what was known before the period, by a complementary log-log link: the grouped-data form of proportional hazards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd

from kam.churn.hazard_checks import assumed_of_hazard, check_hazard
from kam.churn.hazard_frames import by_tenure_frame, customers_frame, returns_frame, terms_frame
from kam.churn.hazard_model import QUANTILES, Departures, HazardModel, fit_model
from kam.churn.hidden_departures import Link
from kam.churn.person_periods import KEYS, PersonPeriods
from kam.errors import MissingColumnError, ModelError, ParameterError
from kam.results import Context, KeyFigure, Result
from kam.wording import N_

NOT_BY_DEFAULT = ("satisfaction", "days_since_survey", "days_since_contact", "n_offers", "manager")
"""Covariates that are no terms unless named: the score of which the band is taken; contacts and offers, which end when the
account does; and the manager, who is known only of accounts that were still there when the manager came.
"""
_SHOWN = 3


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class HazardResult(Result):
    """Result of :func:`fit_hazard`.

    Attributes
    ----------
    terms : pandas.DataFrame
        One row per term and level: ``term, level``; ``step``, what one step of it is, in words;
        ``estimate`` (log of the ratio for one step), ``std_error``, ``statistic``, ``p_value``; ``hazard_ratio`` with
        ``ci_low, ci_high``; ``hazard`` and ``hazard_with``, the share of accounts that leave in a period, averaged over accounts
        and periods: of levels in the reference and in this one, of numbers as they are and with one step more; with the interval
        of the second, ``hazard_low, hazard_high``.
    by_tenure : pandas.DataFrame
        The baseline: one row per ``tenure`` (periods since the relationship began) at which 30 accounts or more were at risk:
        ``n_at_risk``; ``n_left``, (expected) number of them that left; ``hazard``, of accounts with this tenure and the other
        terms as they are on average over all, with ``ci_low, ci_high``. Empty where the beginning is not known of anybody.
    returns : pandas.DataFrame
        With estimated departures, one row per ``n_silent``, periods of silence: ``n_at_risk``, silences of that length that
        were followed for a period; ``n_returned``, how many ended in it; ``n_expected``, by the fit. Else empty.
    customers : pandas.DataFrame
        One row per account: ``customer_id``; ``n_silent``, periods since the last order; ``p_left``, probability that it has left
        (with ``departures="silence"``: 1 or 0, by k).
    departures : str
        ``estimated`` or ``silence``.
    link : str
        ``cloglog`` or ``logit``.
    freq : str
        ``month``, ``quarter``, ``year`` or ``period``.
    k : int or None
        Silent periods that mean lost; None: the events were given.
    hazard, hazard_low, hazard_high : float
        Share of the accounts that leave in a period, averaged over accounts and periods, and its interval.
    riskiest_tenure : int or None
        Tenure at which the baseline is highest; None: no baseline.
    riskiest, riskiest_low, riskiest_high : float or None
        The hazard there, and its interval.
    knots : tuple of float
        Of the spline of tenure.
    n_customers, n_rows : int
        Accounts, and account-periods.
    n_left : float
        (Expected) number of accounts that left.
    n_lost : int or None
        Accounts that were lost by k; None: the events were given.
    n_parameters : int
    log_likelihood : float or None
        Of what was seen; None with ``departures="silence"``.
    level : float
        Level of the intervals.
    """

    main: ClassVar[str] = "terms"

    terms: pd.DataFrame
    by_tenure: pd.DataFrame
    returns: pd.DataFrame
    customers: pd.DataFrame
    departures: str
    link: str
    freq: str
    k: int | None
    hazard: float
    hazard_low: float
    hazard_high: float
    riskiest_tenure: int | None
    riskiest: float | None
    riskiest_low: float | None
    riskiest_high: float | None
    knots: tuple[float, ...]
    n_customers: int
    n_rows: int
    n_left: float
    n_lost: int | None
    n_parameters: int
    log_likelihood: float | None
    level: float

    def _of_100(self, share: float) -> str:
        return self.context.wording.number(100 * share, 1)

    def _interval_of_100(self, low: float, high: float) -> str:
        return self.context.wording.interval(self._of_100(low), self._of_100(high), self.level)

    def _period(self) -> str:
        say = self.context.wording
        return say.sentence(
            {"month": N_("a month"), "quarter": N_("a quarter"), "year": N_("a year")}.get(self.freq, N_("a period"))
        )

    def clear_terms(self) -> pd.DataFrame:
        """Terms whose interval does not contain a ratio of 1, strongest evidence first."""
        clear = self.terms[(self.terms["ci_low"] > 1) | (self.terms["ci_high"] < 1)]
        return clear.sort_values("statistic", key=np.abs, ascending=False, ignore_index=True)

    def _sentence(self) -> str:
        say = self.context.wording
        verb = say.sentence("leave") if self.departures == "estimated" else say.sentence("fall silent for good")
        text = say.sentence(
            "Of 100 accounts {n} {verb} {period} ({interval})",
            n=self._of_100(self.hazard),
            verb=verb,
            period=self._period(),
            interval=self._interval_of_100(self.hazard_low, self.hazard_high),
        )
        if self.riskiest_tenure is not None and self.riskiest is not None:
            text += (
                say.sentence(", about as often however long the relationship has lasted")
                if self.is_level()
                else say.sentence(
                    ", most often {tenure} into the relationship ({n})",
                    tenure=say.periods(self.riskiest_tenure, self.freq),
                    n=self._of_100(self.riskiest),
                )
            )
        text = say.close(text)
        clear = self.clear_terms().head(_SHOWN)
        if len(self.terms) and clear.empty:
            text = say.join([text, say.sentence("No term on record goes clearly with leaving more or less often.")])
        elif len(clear):
            listed = say.listing([self._said(row) for _, row in clear.iterrows()])
            text = say.join(
                [text, say.sentence("What goes with a difference, all else alike: {listed}.", listed=listed)]
            )
        return text

    def _said(self, row: pd.Series) -> str:
        say = self.context.wording
        return say.sentence(
            "{step}, {n} in place of {without} ({interval})",
            step=row["step"],
            n=self._of_100(row["hazard_with"]),
            without=self._of_100(row["hazard"]),
            interval=self._interval_of_100(row["hazard_low"], row["hazard_high"]),
        )

    def is_level(self) -> bool:
        """Whether one hazard lies in the intervals of all tenures."""
        return bool(self.by_tenure["ci_low"].max() <= self.by_tenure["ci_high"].min())

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        figures = [
            KeyFigure(
                value=say.sentence("{n} of 100", n=self._of_100(self.hazard)),
                label=say.sentence("accounts leave {period}", period=self._period()),
                note=self._interval_of_100(self.hazard_low, self.hazard_high),
            ),
            KeyFigure(
                value=say.count(self.n_left),
                label=say.sentence("accounts have left"),
                note=say.sentence("expected: nobody sees a departure")
                if self.departures == "estimated"
                else say.sentence("counted, not estimated"),
            ),
        ]
        low, high = self.riskiest_low, self.riskiest_high
        peak = None if self.riskiest_tenure is None or self.is_level() else self.riskiest_tenure
        if peak is not None and self.riskiest is not None and low is not None and high is not None:
            figures.append(
                KeyFigure(
                    value=say.periods(peak, self.freq),
                    label=say.sentence("into the relationship, {n} of 100 leave", n=self._of_100(self.riskiest)),
                    note=self._interval_of_100(low, high),
                )
            )
        for _, row in self.clear_terms().head(5 - len(figures)).iterrows():
            figures.append(
                KeyFigure(
                    value=say.sentence("× {ratio}", ratio=say.number(row["hazard_ratio"])),
                    label=say.sentence("the hazard, with {step}", step=row["step"]),
                    note=say.interval(say.number(row["ci_low"]), say.number(row["ci_high"]), self.level),
                )
            )
        if len(figures) < _SHOWN:
            figures.append(
                KeyFigure(
                    value=say.count(self.n_customers),
                    label=say.sentence("accounts"),
                    note=say.sentence("counted, not estimated"),
                )
            )
        return tuple(figures)


def fit_hazard(
    periods: PersonPeriods | pd.DataFrame,
    *,
    terms: Sequence[str] | None = None,
    departures: Departures | None = None,
    link: Link = "cloglog",
    n_knots: int = 4,
    calendar: bool = False,
    level: float = 0.95,
    context: Context | None = None,
) -> HazardResult:
    """Regress the hazard of leaving on tenure and on what was known before each period.

    With ``departures="estimated"`` nobody is declared lost: when an account left that has been silent since its last order, if it
    did, is estimated together with the hazard, from its own rhythm (:mod:`kam.churn.hidden_departures`). With ``"silence"`` the
    events are the first silences of k periods, dated at their beginning. That is what is usually done, and biased: slow accounts
    are taken for lost ones, departures are dated too early, and ratios come out too close to 1 (``docs/hazard_recovery.md``).

    Assumes (1) that ratios are the same at every tenure (a check tests it); (2) that accounts are independent of one another;
    (3) that what else makes accounts differ is unrelated to the terms; (4) with estimated departures: that who left orders no
    more, and that the own rhythm, the silence so far and the season say how likely an order is from who has not (a check
    compares how many silences ended with how many should have). Nothing is said about causes.

    Parameters
    ----------
    periods : PersonPeriods or pandas.DataFrame
        From :func:`kam.churn.person_periods`; or one row per account and period at risk: ``customer_id``, ``tenure`` (whole
        number), ``event`` (yes or no), terms, and ``period`` if needed; the events are then as given.
    terms : sequence of str, optional
        Columns to regress on. Default: every covariate but :data:`NOT_BY_DEFAULT`; of a frame, every other column.
    departures : {"estimated", "silence"}, optional
        Default: estimated; of a frame, as given.
    link : {"cloglog", "logit"}
        With cloglog ratios are of hazards, with logit of odds.
    n_knots : {0, 3, 4, 5}
        Knots of the spline of tenure, at quantiles of the tenures of events; 0: no tenure.
    calendar : bool
        A constant for each month of the year (or quarter), for leaving that has its season.
    level : float
        Level of the intervals, between 0 and 1.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    HazardResult

    Raises
    ------
    NoEventError
        Nobody left, or all did at once.
    NotConvergedError
        A coefficient has no finite estimate (nobody with a level was lost, say), or EM does not settle.
    ModelError
        There is one account, there are fewer losses than parameters, or a term that was named has one value only.
    MissingColumnError
        A column is not there.
    ParameterError
        An argument is out of range.

    References
    ----------
    Prentice, R. L. & Gloeckler, L. A. (1978). Regression analysis of grouped survival data. Biometrics 34, equation 5.

    Examples
    --------
    Of 60 accounts those with a complaint on record leave three times as often.

    >>> rows = [(f"{i}", t, i % 2, t == (3 if i % 2 else 9)) for i in range(60) for t in range(1, 4 if i % 2 else 10)]
    >>> frame = pd.DataFrame(rows, columns=["customer_id", "tenure", "n_complaints", "event"])
    >>> frame["event"] &= frame["customer_id"].astype(int) % 10 < 6
    >>> result = fit_hazard(frame, n_knots=0)
    >>> result.terms[["term", "hazard_ratio"]].round(1).to_numpy().tolist()
    [['n_complaints', 3.2]]
    """
    if not 0 < level < 1:
        raise ParameterError(f"level is {level}.", hint="Give a share between 0 and 1, such as 0.95.")
    if n_knots not in (0, *QUANTILES):
        raise ParameterError(f"n_knots is {n_knots}.", hint="Give 0, 3, 4 or 5.")
    if link not in ("cloglog", "logit"):
        raise ParameterError(f"There is no link {link!r}.", hint="Use 'cloglog' or 'logit'.")
    context = context or Context()
    say = context.wording
    rows = periods.rows if isinstance(periods, PersonPeriods) else _given(periods, calendar)
    chosen = _choose(periods, rows, terms)
    how: Departures = departures or ("estimated" if isinstance(periods, PersonPeriods) else "silence")
    if how not in ("estimated", "silence") or (how == "estimated" and not isinstance(periods, PersonPeriods)):
        raise ParameterError(
            f"departures is {how!r}.", hint="Use 'estimated' (with kam.churn.person_periods) or 'silence'."
        )
    fit = partial(fit_model, rows, terms=chosen, departures=how, link=link, n_knots=n_knots, calendar=calendar, say=say)
    model = fit()
    if terms is not None and model.design is not None:
        _require_all(terms, model)
    mean, low, high = model.average(level)
    by_tenure = by_tenure_frame(model, level)
    worst = by_tenure.iloc[int(by_tenure["hazard"].argmax())] if len(by_tenure) else None
    made = periods if isinstance(periods, PersonPeriods) else None
    returns, customers = returns_frame(rows, model), customers_frame(rows, model)
    return HazardResult(
        context=context,
        checks=check_hazard(say, model, returns, made, refit=fit),
        assumed=assumed_of_hazard(say, how, made, model),
        terms=terms_frame(model, level),
        by_tenure=by_tenure,
        returns=returns,
        customers=customers,
        departures=how,
        link=link,
        freq=made.freq if made else "period",
        k=made.k if made else None,
        hazard=mean,
        hazard_low=low,
        hazard_high=high,
        riskiest_tenure=None if worst is None else int(worst["tenure"]),
        riskiest=None if worst is None else float(worst["hazard"]),
        riskiest_low=None if worst is None else float(worst["ci_low"]),
        riskiest_high=None if worst is None else float(worst["ci_high"]),
        knots=model.spline.knots,
        n_customers=len(customers),
        n_rows=len(model.x),
        n_left=float(model.events.sum()),
        n_lost=int(rows["event"].sum()) if made else None,
        n_parameters=model.x.shape[1],
        log_likelihood=model.hidden.log_likelihood if model.hidden else None,
        level=level,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _given(frame: pd.DataFrame, calendar: bool) -> pd.DataFrame:
    """A frame of account-periods in the columns of person-periods, sorted."""
    for name in ("customer_id", "tenure", "event", *(["period"] if calendar else [])):
        if name not in frame.columns:
            raise MissingColumnError(f"There is no column {name!r}.", hint="Use kam.churn.person_periods.")
    rows = frame.sort_values(["customer_id", "tenure"], kind="stable", ignore_index=True)
    for name, value in {"start_known": True, "at_risk": True, "ordered": False, "n_silent": 0}.items():
        if name not in rows:
            rows[name] = value
    return rows.astype({"event": bool})


def _choose(periods: PersonPeriods | pd.DataFrame, rows: pd.DataFrame, terms: Sequence[str] | None) -> tuple[str, ...]:
    if terms is None:
        return tuple(name for name in rows.columns if name not in (*KEYS, *NOT_BY_DEFAULT))
    for name in terms:
        if name in KEYS:
            raise ParameterError(f"{name!r} is no term.", hint="Leave it out: tenure has its spline by n_knots.")
    return tuple(terms)


def _require_all(terms: Sequence[str], model: HazardModel) -> None:
    """Raise if a term that was asked for is constant, or says what others do."""
    assert model.design is not None
    there = {column.term for column in model.design.columns}
    for _, row in model.design.left_out.iterrows():
        if row["term"] in terms and row["term"] not in there:
            raise ModelError(f"The term {row['term']!r} cannot be used: {row['reason']}.", hint="Leave it out.")
