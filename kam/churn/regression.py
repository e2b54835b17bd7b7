"""Churn explained: which accounts go with a higher chance of no order, by logistic regression on snapshots."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import roc_auc_score

from kam.churn.design import build_design
from kam.churn.design_parts import formula_columns
from kam.churn.firth import MIN_PER_PARAMETER, fit_firth
from kam.churn.logit import LogitFit, fit_logit
from kam.churn.marginal_effects import marginal_effects
from kam.churn.regression_checks import calibration, check_regression, sure_rows, variance_inflation
from kam.churn.regression_rows import RegressionData, choose_rows, regression_data
from kam.churn.terms import refuse_outcomes, require_columns
from kam.churn.unadjusted_odds import turns, unadjusted_odds
from kam.errors import NotConvergedError, ParameterError
from kam.results import Assumed, Context, KeyFigure, Result
from kam.stats.resampling import check_whole

if TYPE_CHECKING:
    from kam.ledger import Snapshots
    from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Method = Literal["auto", "ml", "firth"]
Population = Literal["at risk", "all"]

N_NAMED = 3
"""How many covariates the answer names at most."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ChurnRegressionResult(Result):
    """Result of :func:`fit_churn_regression`.

    Attributes
    ----------
    coefficients : pandas.DataFrame
        One row per estimate, the intercept first: ``term, level`` (against the reference, or "not known"; empty for numbers and
        flags), ``group`` (what it tells about), ``unit`` (one step in words), ``step`` (what a row
        with one step more has), ``estimate`` (log-odds per step), ``std_error``
        (clustered by customer), ``statistic`` (their ratio), ``p_value, ci_low, ci_high``; ``odds_ratio, odds_low, odds_high``;
        ``odds_alone`` (odds ratio with this term and the origins alone; also missing for origins and where it is infinite);
        ``marginal_effect, effect_low, effect_high`` (change of the probability per step, averaged over the rows, with interval);
        ``p_without, p_with`` (mean probability of all rows without and with one step more); ``vif``. Missing for the intercept,
        and the effects of terms of a formula that share a variable with another.
    fit : pandas.DataFrame
        One row: ``method``; ``n_cases`` (rows), ``n_customers``, ``n_events`` (rows with the event), ``n_estimates``;
        ``log_likelihood`` (without penalty), ``log_likelihood_null`` (intercept only), ``pseudo_r2`` (McFadden's); ``auc`` and
        ``calibration_gap`` (mean difference between seen and fitted shares in tenths), both on the rows that were fitted.
    left_out : pandas.DataFrame
        ``term, level, reason``: columns of the design that say nothing, or nothing new.
    event : str
        The outcome: ``no_order``, ``churned``, or the column a formula names.
    population : str
        ``at risk`` (not yet churned at the origin) or ``all``.
    method : str
        ``ml`` (maximum likelihood) or ``firth``.
    formula : str or None
        As given.
    share : float
        Share of the rows with the event.
    intercept : float
        Intercept of predictions: the estimate, or with Firth's method that of FLIC, whose mean prediction is the share.
    per_parameter : float
        Distinct customers with the event, or without it if fewer, per estimate.
    horizon_days : int or None
        Days after an origin; None: a frame was given.
    n_cases, n_customers, n_origins : int
        Rows, customers and origins that were used.
    level : float
        Level of the intervals.
    n_resamples, seed : int
        Resamples of the customers with Firth's method, and their seed.
    """

    main: ClassVar[str] = "coefficients"

    coefficients: pd.DataFrame
    fit: pd.DataFrame
    left_out: pd.DataFrame
    event: str
    population: str
    method: str
    formula: str | None
    share: float
    intercept: float
    per_parameter: float
    horizon_days: int | None
    n_cases: int
    n_customers: int
    n_origins: int
    level: float
    n_resamples: int
    seed: int

    def named(self) -> pd.DataFrame:
        """Rows of ``coefficients`` that differ from nothing beyond chance by Holm's p-values, the surest first.

        No origins, and none whose ``odds_ratio`` and ``odds_alone`` lie on opposite sides of 1: what such a term says holds only
        at the same values of all others (suppression), and would be read as what it says on its own.
        """
        sure = sure_rows(self.context.wording, self.coefficients, self.level)
        return sure[~turns(sure)]

    def n_turned(self) -> int:
        """How many more differ beyond chance, but the other way than on their own."""
        return int(turns(sure_rows(self.context.wording, self.coefficients, self.level)).sum())

    def _sentence(self) -> str:
        say = self.context.wording
        first = say.sentence(
            "{who} {looked}: in {share} of the cases {happened}.",
            who=self._who(),
            looked=say.plural(
                "looked at once each",
                "looked at on {n} days, {rows} cases in all",
                self.n_origins,
                rows=say.count(self.n_cases),
            ),
            share=say.share(self.share),
            happened=self._happened(),
        )
        rows = self.named()
        if rows.empty and self.n_turned():
            return say.join(
                [
                    first,
                    say.plural(
                        "One covariate goes with that beyond chance, but the other way than on its own; it is not named.",
                        "{n} covariates go with that beyond chance, but the other way than on their own; they are not named.",
                        self.n_turned(),
                    ),
                ]
            )
        if rows.empty:
            return say.join(
                [
                    first,
                    say.plural(
                        "One covariate was looked at; it goes with that no more than chance would have it.",
                        "None of {n} covariates goes with that more than chance among so many would have it.",
                        len(self.coefficients) - 1,
                    ),
                ]
            )
        shown = [
            say.sentence(
                "{x} instead of {y} with {step} (odds ratio {ratio}, {interval})",
                x=x,
                y=y,
                step=row["step"],
                ratio=say.number(row["odds_ratio"]),
                interval=self._interval(row),
            )
            for row in rows.head(N_NAMED).to_dict("records")
            for x, y in [_of_100(say, row["p_with"], row["p_without"])]
        ]
        return say.join([first, self._of_100(say.listing(shown))])

    def _of_100(self, shown: str) -> str:
        say = self.context.wording
        if self.event == "no_order":
            return say.sentence("Of 100 accounts alike in all else, this many did not order: {list}.", list=shown)
        if self.event == "churned":
            return say.sentence("Of 100 accounts alike in all else, this many were lost: {list}.", list=shown)
        return say.sentence(
            "Of 100 accounts alike in all else, this many had {event}: {list}.", event=self.event, list=shown
        )

    def _who(self) -> str:
        say = self.context.wording
        if self.population == "at risk":
            return say.plural("One account at risk", "{n} accounts at risk", self.n_customers)
        return say.plural("One account", "{n} accounts", self.n_customers)

    def _happened(self) -> str:
        say = self.context.wording
        days = None if self.horizon_days is None else say.count(self.horizon_days)
        if self.event == "no_order":
            if days is None:
                return say.sentence("there was no order afterwards")
            return say.sentence("there was no order in the next {days} days", days=days)
        if self.event == "churned":
            if days is None:
                return say.sentence("the account was lost afterwards")
            return say.sentence("the account was lost in the next {days} days", days=days)
        return say.sentence("{event} was so", event=self.event)

    def _interval(self, row: Mapping[Hashable, Any]) -> str:
        say = self.context.wording
        return say.interval(say.number(row["odds_low"]), say.number(row["odds_high"]), self.level)

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        method = say.sentence("Firth's method") if self.method == "firth" else say.sentence("maximum likelihood")
        gap = float(self.fit["calibration_gap"].iloc[0])
        return (
            KeyFigure(value=say.share(self.share), label=self._happened(), note=say.sentence("counted, not estimated")),
            *(
                KeyFigure(
                    value=f"× {say.number(row['odds_ratio'])}",
                    label=say.sentence("odds with {step}", step=row["step"]),
                    note=self._interval(row),
                )
                for row in self.named().head(2).to_dict("records")
            ),
            KeyFigure(
                value=say.number(self.per_parameter, 1),
                label=say.sentence("customers per estimate"),
                note=say.sentence("{method}, counted", method=method),
            ),
            KeyFigure(
                value=say.sentence("{gap} points", gap=say.number(100 * gap, 1)),
                label=say.sentence("between fitted and seen, on average"),
                note=say.sentence("no interval: on the rows that were fitted"),
            ),
        )


def fit_churn_regression(
    snapshots: Snapshots | pd.DataFrame,
    *,
    formula: str | None = None,
    terms: Sequence[str] | None = None,
    event: str = "no_order",
    population: Population = "at risk",
    method: Method = "auto",
    level: float = 0.95,
    n_resamples: int = 200,
    seed: int = 1,
    context: Context | None = None,
) -> ChurnRegressionResult:
    """Fit a logistic regression of churn on what was known at the origins, with errors clustered by customer.

    With ``method="auto"`` it is maximum likelihood, as ``glm`` with ``sandwich::vcovCL(type = "HC1")`` in R, unless fewer than 10
    distinct customers with the event (or without it, if fewer) come on each estimate, or a covariate separates: then Firth's
    penalized likelihood, with profile intervals and, where customers stand in several rows, resampled customers; its predictions
    take the intercept of FLIC. Beside each odds ratio stands that of the term on its own, by maximum likelihood with an intercept
    for each origin; where the two lie on opposite sides of 1, the answer does not name the term.

    Assumes (1) that customers are independent of one another; rows of one customer need not be; (2) that log-odds are straight
    in each number and alike at all origins (checks test both); (3) that covariates were known before the origin: outcomes are
    refused by name. It shows what goes together, never what brings it about.

    Parameters
    ----------
    snapshots : Snapshots or pandas.DataFrame
        From :func:`kam.ledger.snapshots`; or any frame with ``customer_id``, ``origin``, the outcome (0 or 1, true or false) and
        the covariates, one row per customer and origin.
    formula : str, optional
        Wilkinson's notation, for research: ``GRADE ~ GPA + np.log(TUCE)``; without ``~`` the outcome is ``event``. Steps are
        units of the columns, levels are against the first of the alphabet, and rows that lack a value are left out.
    terms : sequence of str, optional
        Names of :data:`kam.churn.terms.TERMS` or of columns. Default: what the snapshots have of ``DEFAULT`` there, and the facts
        of accounts and external series that came with them; nothing is chosen by what it says of the outcome.
    event : str
        The outcome: ``no_order``, ``churned``, or another column of a frame. ``churned`` takes only origins at which it is known
        of all who were at risk.
    population : {"at risk", "all"}
        Rows not yet churned at their origin (a frame without ``at_risk`` has all), or all.
    method : {"auto", "ml", "firth"}
        ``ml`` and ``firth`` force one of them.
    level : float
        Level of the intervals, between 0 and 1.
    n_resamples : int
        Resamples of the customers with Firth's method.
    seed : int
        The same seed gives the same intervals.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    ChurnRegressionResult

    Raises
    ------
    NoEventError
        Nobody had the event, or everybody did, in every row.
    LeakageError
        A term is known only after the origin.
    MissingColumnError
        A column is not there; similar ones are named.
    EmptyDataError
        No row is left, or there is one customer.
    NotConvergedError
        With ``method="ml"``: a covariate separates (it is named); or estimates do not settle.
    ModelError
        No term is left, or there are as many estimates as rows or customers.
    ColumnTypeError, DataError
        The outcome is not 0 or 1; a key is missing or stands twice.
    ParameterError
        An argument is out of range, or a formula cannot be read.

    References
    ----------
    Liang, K.-Y. & Zeger, S. L. (1986). Longitudinal data analysis using generalized linear models. Biometrika 73.
    Heinze, G. & Schemper, M. (2002). A solution to the problem of separation in logistic regression. Statistics in Medicine 21.
    Puhr, R., Heinze, G., Nold, M., Lusa, L. & Geroldinger, A. (2017). Firth's logistic regression with rare events. Statistics in
    Medicine 36.

    Examples
    --------
    Of 40 accounts with a complaint 30 did not order again, of 60 without one 20: the odds are 6 times as high.

    >>> complaints, lost = [1] * 40 + [0] * 60, [1] * 30 + [0] * 10 + [1] * 20 + [0] * 40
    >>> rows = pd.DataFrame({"customer_id": range(100), "origin": 0, "n_complaints": complaints, "no_order": lost})
    >>> result = fit_churn_regression(rows, terms=["n_complaints"])
    >>> result.coefficients[["term", "odds_ratio", "p_without", "p_with"]].iloc[1].tolist()[0], result.method
    ('n_complaints', 'ml')
    >>> round(float(result.coefficients["odds_ratio"].iloc[1]), 6)
    6.0
    """
    _check_arguments(population, method, level, n_resamples, seed)
    context = context or Context()
    say = context.wording
    is_frame = isinstance(snapshots, pd.DataFrame)
    rows, horizon = (
        (snapshots, None) if isinstance(snapshots, pd.DataFrame) else (snapshots.rows, snapshots.horizon_days)
    )
    outcome, right, needed = (None, None, ()) if formula is None else formula_columns(formula)
    event = outcome or event
    if not is_frame and event not in ("no_order", "churned"):
        raise ParameterError(f"The event is {event!r}.", hint="Snapshots know no_order and churned.")
    refuse_outcomes(tuple(needed) + tuple(terms or ()), event)
    require_columns(rows, ("customer_id", "origin", event, *needed))
    chosen = choose_rows(rows, event, population, needed)
    used = chosen.rows
    declared = {} if isinstance(snapshots, pd.DataFrame) else _declared(snapshots.covariates)
    design = build_design(used, terms=terms, formula=right, declared=declared, say=say)
    data = regression_data(chosen, design)
    kind, fit = _fit(data, method, level, n_resamples, seed)
    vif = variance_inflation(data.matrix)
    at_risk = population == "at risk" and "at_risk" in rows.columns
    coefficients = _coefficients(say, data, fit, vif, level)
    return ChurnRegressionResult(
        context=context,
        checks=check_regression(say, data, fit, coefficients, kind, level),
        assumed=_assumed(say, horizon, at_risk, event),
        coefficients=coefficients,
        fit=_fit_frame(data, fit, kind),
        left_out=design.left_out,
        event=event,
        population="at risk" if at_risk else "all",
        method=kind,
        formula=formula,
        share=float(data.event.mean()),
        intercept=fit.intercept,
        per_parameter=data.per_parameter,
        horizon_days=horizon,
        n_cases=len(data.event),
        n_customers=len(data.customers),
        n_origins=int(data.origin.max()) + 1,
        level=level,
        n_resamples=n_resamples,
        seed=seed,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_arguments(population: str, method: str, level: float, n_resamples: int, seed: int) -> None:
    if population not in ("at risk", "all"):
        raise ParameterError(f"The population is {population!r}.", hint="Use 'at risk' or 'all'.")
    if method not in ("auto", "ml", "firth"):
        raise ParameterError(f"The method is {method!r}.", hint="Use 'auto', 'ml' or 'firth'.")
    if not 0 < level < 1:
        raise ParameterError(f"The level of an interval is {level}, which is not between 0 and 1.", hint="Use 0.95.")
    check_whole("n_resamples", n_resamples, at_least=1)
    check_whole("seed", seed, at_least=0)


def _declared(covariates: pd.DataFrame) -> dict[str, str]:
    """Columns that the user brought, static facts of accounts and external series, and what they tell about."""
    groups = {"accounts": "account", "external": "market"}
    return {
        str(term): groups[source]
        for term, source in zip(covariates["term"], covariates["source"], strict=True)
        if source in groups
    }


def _fit(data: RegressionData, method: str, level: float, n_resamples: int, seed: int) -> tuple[str, LogitFit]:
    if method == "auto":
        method = "firth" if data.separated or data.per_parameter < MIN_PER_PARAMETER else "ml"
    if method == "ml":
        if data.separated:
            raise NotConvergedError(
                f"The estimates of {', '.join(data.separated)} are infinite: they tell those with the event from the others "
                "without error (separation).",
                hint="Use method='firth', or leave them out.",
            )
        return method, fit_logit(data.matrix, data.event, data.cluster, level, data.start)
    fit = fit_firth(
        data.matrix,
        data.event,
        data.cluster,
        separated=[j for j, name in enumerate(data.design.names) if name in data.separated],
        level=level,
        n_resamples=n_resamples,
        seed=seed,
    )
    return method, fit


def _coefficients(say: Wording, data: RegressionData, fit: LogitFit, vif: Floats, level: float) -> pd.DataFrame:
    columns = data.design.columns
    effects = marginal_effects(fit, data.matrix, columns, level)
    missing = [math.nan]

    def below(values: npt.ArrayLike) -> Floats:
        return np.concatenate([missing, np.asarray(values, dtype=np.float64)])

    return pd.DataFrame(
        {
            "term": ["intercept", *(column.term for column in columns)],
            "level": ["", *(column.level for column in columns)],
            "group": ["", *(column.group for column in columns)],
            "unit": ["", *(column.unit for column in columns)],
            "step": ["", *(column.more for column in columns)],
            "estimate": fit.params,
            "std_error": fit.std_error,
            "statistic": fit.params / fit.std_error,
            "p_value": fit.p_value,
            "ci_low": fit.low,
            "ci_high": fit.high,
            "odds_ratio": below(np.exp(fit.params[1:])),
            "odds_low": below(np.exp(fit.low[1:])),
            "odds_high": below(np.exp(fit.high[1:])),
            "odds_alone": below(unadjusted_odds(data)),
            "marginal_effect": below(effects.effect),
            "effect_low": below(effects.low),
            "effect_high": below(effects.high),
            "p_without": below(effects.without),
            "p_with": below(effects.with_step),
            "vif": below(vif),
        }
    )


def _fit_frame(data: RegressionData, fit: LogitFit, method: str) -> pd.DataFrame:
    n, share = len(data.event), float(data.event.mean())
    null = n * (share * math.log(share) + (1 - share) * math.log(1 - share))
    gap, n_group = calibration(fit, data)
    return pd.DataFrame(
        {
            "method": [method],
            "n_cases": [n],
            "n_customers": [len(data.customers)],
            "n_events": [int(data.event.sum())],
            "n_estimates": [data.matrix.shape[1] + 1],
            "log_likelihood": [fit.log_likelihood],
            "log_likelihood_null": [null],
            "pseudo_r2": [1 - fit.log_likelihood / null],
            "auc": [float(roc_auc_score(data.event, fit.log_odds(data.matrix)))],
            "calibration_gap": [float(np.abs(gap) @ n_group / n)],
        }
    )


def _assumed(say: Wording, horizon: int | None, at_risk: bool, event: str) -> tuple[Assumed, ...]:
    window = Assumed(
        what=say.sentence("outcome to be explained"),
        value=say.sentence("{event}", event=event)
        if horizon is None
        else say.sentence("{event} within {days} days", event=event, days=say.count(horizon)),
        would_change=say.sentence("a longer window has fewer accounts without an order, and more that are lost"),
    )
    whose = Assumed(
        what=say.sentence("whose rows count"),
        value=say.sentence("accounts not yet lost at the origin") if at_risk else say.sentence("all rows"),
        would_change=say.sentence("with the long silent, silence itself would say nearly all"),
    )
    rule = Assumed(
        what=say.sentence("customers per estimate below which Firth's method is used"),
        value=say.count(MIN_PER_PARAMETER),
        would_change=say.sentence("Firth's estimates are nearer to no difference, the more so the fewer customers"),
    )
    return window, whose, rule


def _of_100(say: Wording, with_it: float, without: float) -> tuple[str, str]:
    """Two numbers of 100, with as many digits as tell them apart."""
    for digits in (0, 1):
        x, y = say.number(100 * with_it, digits), say.number(100 * without, digits)
        if x != y:
            return x, y
    return say.number(100 * with_it, 2), say.number(100 * without, 2)
