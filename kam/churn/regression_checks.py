"""What a churn regression assumes, and whether the snapshots bear it out, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.design_parts import MIN_LEVEL
from kam.churn.firth import MIN_PER_PARAMETER
from kam.churn.logit import LogitFit
from kam.churn.regression_rows import RegressionData
from kam.churn.score_tests import FittedRows, fitted_rows, score_of, score_test, scores_by_group
from kam.churn.unadjusted_odds import turns
from kam.results import Check
from kam.stats.multiplicity import holm
from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MAX_VIF = 10.0
"""Variance inflation above which a coefficient is hardly told from the others."""
MAX_SHIFT = 1.0
"""Standard errors by which one customer may move an estimate."""
N_GROUPS = 10
_ALPHA = 0.05


def variance_inflation(matrix: Floats) -> Floats:
    """Variance inflation factor of each column: 1 / (1 − R²) of its regression on the others.

    >>> variance_inflation(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])).tolist()
    [1.0, 1.0]
    """
    if matrix.shape[1] == 1:
        return np.ones(1)
    return np.asarray(np.diag(np.linalg.inv(np.corrcoef(matrix, rowvar=False))), dtype=np.float64)


def calibration(fit: LogitFit, data: RegressionData) -> tuple[Floats, Ints]:
    """Observed less fitted share of the event in tenths of the rows by fitted probability, and how many rows each has."""
    p = fit.predict(data.matrix)
    group = _tenths(p)
    n = np.bincount(group, minlength=N_GROUPS)
    gap = np.bincount(group, weights=data.event - p, minlength=N_GROUPS)
    return gap[n > 0] / n[n > 0], n[n > 0]


def sure_rows(say: Wording, coefficients: pd.DataFrame, level: float) -> pd.DataFrame:
    """Coefficients that differ from nothing beyond chance by Holm's p-values, the surest first; no origins, no indicators."""
    told = coefficients[
        coefficients["marginal_effect"].notna()
        & (coefficients["group"] != "origin")
        & (coefficients["level"] != say.sentence("not known"))
    ]
    if told.empty:
        return told
    sure = holm(told["p_value"].to_numpy(dtype=float)) < 1 - level
    order = told["statistic"].abs().sort_values(ascending=False, kind="stable").index
    return told.loc[[i for i in order if sure[told.index.get_loc(i)]]]


def check_regression(
    say: Wording, data: RegressionData, fit: LogitFit, coefficients: pd.DataFrame, method: str, level: float
) -> tuple[Check, ...]:
    """Say of each assumption of a churn regression whether the snapshots bear it out.

    Parameters
    ----------
    say : Wording
    data : RegressionData
    fit : LogitFit
    coefficients : pandas.DataFrame
        Of :class:`kam.churn.ChurnRegressionResult`.
    method : {"ml", "firth"}
        How it was fitted.
    level : float
        Level of the intervals.
    """
    rows = fitted_rows(fit, data.matrix, data.event, data.cluster)
    return (
        _check_separation(say, data),
        _check_enough(say, data, method),
        _check_customers(say, data),
        _check_vif(say, data, coefficients["vif"].to_numpy(dtype=float)[1:]),
        _check_alone(say, coefficients, level),
        _check_linear(say, data, rows),
        _check_calibration(say, data, fit, rows),
        _check_origins(say, data, rows),
        _check_influence(say, data, fit, rows),
        *_check_missing(say, data),
        *_check_pooled(say, data),
        *_check_left_out(say, data),
        *_check_rows(say, data),
        Check(
            assumption=say.sentence("what goes with the outcome also brings it about"),
            finding=say.sentence("nobody was assigned to anything by lot; the answer says what goes together, no more"),
            verdict="not testable",
        ),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_separation(say: Wording, data: RegressionData) -> Check:
    finding = say.sentence("no covariate does, nor several together")
    if data.separated:
        finding = say.sentence(
            "{terms} would have an infinite estimate; Firth's penalty keeps it finite",
            terms=say.listing(data.separated),
        )
    return Check(
        assumption=say.sentence("no covariate tells those with the outcome from the others without error"),
        finding=finding,
        verdict="handled" if data.separated else "holds",
    )


def _check_enough(say: Wording, data: RegressionData, method: str) -> Check:
    enough = data.per_parameter >= MIN_PER_PARAMETER
    return Check(
        assumption=say.sentence("there are at least {n} customers per estimate", n=say.count(MIN_PER_PARAMETER)),
        finding=say.sentence(
            "{n_with} customers had the outcome and {n_without} had not: {ratio} per estimate, for {k} estimates",
            n_with=say.count(data.n_with),
            n_without=say.count(data.n_without),
            ratio=say.number(data.per_parameter, 1),
            k=say.count(data.matrix.shape[1] + 1),
        ),
        verdict="holds" if enough else "handled" if method == "firth" else "does not hold",
        statistic=data.per_parameter,
    )


def _check_customers(say: Wording, data: RegressionData) -> Check:
    n, n_rows = len(data.customers), len(data.event)
    finding = say.sentence("each customer stands in one row")
    if n < n_rows:
        finding = say.sentence(
            "{n} customers stand in {rows} rows; errors are clustered by customer",
            n=say.count(n),
            rows=say.count(n_rows),
        )
    return Check(
        assumption=say.sentence("rows are independent"), finding=finding, verdict="handled" if n < n_rows else "holds"
    )


def _check_vif(say: Wording, data: RegressionData, vif: Floats) -> Check:
    worst = int(vif.argmax())
    return Check(
        assumption=say.sentence("covariates can be told apart"),
        finding=say.sentence(
            "the others inflate the variance of {term} most, by {vif} (above {limit} is too much)",
            term=data.design.columns[worst].name,
            vif=say.number(vif[worst], 1),
            limit=say.count(MAX_VIF),
        ),
        verdict="holds" if vif[worst] <= MAX_VIF else "does not hold",
        statistic=float(vif[worst]),
    )


def _check_alone(say: Wording, coefficients: pd.DataFrame, level: float) -> Check:
    """Whether each odds ratio lies on the same side of 1 as that of its term alone."""
    n_turned = int((turns(coefficients) & (coefficients["level"] != say.sentence("not known")).to_numpy()).sum())
    sure = sure_rows(say, coefficients, level)
    sure = sure[turns(sure)]
    named = [
        say.sentence(
            "{term} ({ratio}, alone {alone})",
            term=row["term"] if not row["level"] else f"{row['term']}: {row['level']}",
            ratio=say.number(row["odds_ratio"]),
            alone=say.number(row["odds_alone"]),
        )
        for row in sure.to_dict("records")
    ]
    n_others = n_turned - len(sure)
    others = say.plural("one that may be chance does not", "{n} that may be chance do not", n_others)
    finding = say.sentence("all that are beyond chance do")
    if named:
        finding = say.sentence(
            "not so for {terms}, which the answer does not name: it holds only at the same values of all others",
            terms=say.listing(named),
        )
    return Check(
        assumption=say.sentence("odds ratios point the same way as those of each covariate alone"),
        finding=say.join([finding, others], ";") if n_others else finding,
        verdict="handled" if named else "holds",
        statistic=float(len(sure)),
    )


def _check_linear(say: Wording, data: RegressionData, rows: FittedRows) -> Check:
    """Whether the square of a number would say more: a score test for each."""
    assumption = say.sentence("log-odds rise or fall in a straight line with each number")
    numbers = [
        j
        for j, column in enumerate(data.design.columns)
        if column.kind == "number" and len(np.unique(data.matrix[:1000, j])) > 2
    ]
    if not numbers or data.per_parameter < MIN_PER_PARAMETER:
        finding = say.sentence("too few customers to tell") if numbers else say.sentence("there is no number")
        return Check(assumption=assumption, finding=finding, verdict="not testable")
    values = data.matrix[:, numbers]
    squares = ((values - values.mean(axis=0)) / values.std(axis=0)) ** 2
    score, covariance = score_of(rows, squares)
    tests = [score_test(score[[i]], covariance[[i]][:, [i]]) for i in range(len(numbers))]
    p = holm(np.array([test[2] for test in tests]))
    worst = int(p.argmin())
    bent = [data.design.columns[numbers[i]].name for i in np.flatnonzero(p < _ALPHA)]
    if bent:
        finding = say.sentence(
            "not so for {terms}: what is said of it is an average slope ({p}, the smallest of {n})",
            terms=say.listing(bent),
            p=say.p_value(p[worst]),
            n=say.count(len(numbers)),
        )
    else:
        finding = say.sentence(
            "no square would say more ({p}, the smallest of {n})", p=say.p_value(p[worst]), n=say.count(len(numbers))
        )
    return Check(
        assumption=assumption,
        finding=finding,
        verdict="does not hold" if bent else "holds",
        statistic=tests[worst][0],
        p_value=float(p[worst]),
    )


def _check_calibration(say: Wording, data: RegressionData, fit: LogitFit, rows: FittedRows) -> Check:
    """Hosmer and Lemeshow's comparison in tenths, with a covariance clustered by customer and corrected for the estimates."""
    assumption = say.sentence("fitted shares are those that were seen")
    gap, n = calibration(fit, data)
    group = _tenths(rows.probability)
    statistic, df, p = score_test(*score_of(rows, (group[:, None] == np.unique(group)[None, :]).astype(np.float64)))
    if df < 1 or len(data.customers) < 10 * N_GROUPS:
        return Check(assumption=assumption, finding=say.sentence("too few customers to tell"), verdict="not testable")
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "in tenths by fitted probability the two differ by {mean} points on average, {most} at most ({p}), on the rows "
            "that were fitted",
            mean=say.number(100 * float(np.abs(gap) @ n / n.sum()), 1),
            most=say.number(100 * float(np.abs(gap).max()), 1),
            p=say.p_value(p),
        ),
        verdict="holds" if p >= _ALPHA else "does not hold",
        statistic=statistic,
        p_value=p,
    )


def _check_origins(say: Wording, data: RegressionData, rows: FittedRows) -> Check:
    """Whether each odds ratio is the same at all origins: a score test of its products with the origins."""
    assumption = say.sentence("odds ratios are the same at all origins")
    n_origins = int(data.origin.max()) + 1
    tested = [j for j, column in enumerate(data.design.columns) if column.group != "origin"]
    if n_origins < 2 or data.per_parameter < MIN_PER_PARAMETER or not tested:
        finding = say.sentence("too few customers to tell") if n_origins > 1 else say.sentence("there is one origin")
        return Check(assumption=assumption, finding=finding, verdict="not testable")
    every = [score_test(*found) for found in scores_by_group(rows, data.origin)]
    tests = [every[1 + j] for j in tested]
    p = holm(np.array([test[2] for test in tests]))
    worst = int(p.argmin())
    differ = [data.design.columns[tested[i]].name for i in np.flatnonzero(p < _ALPHA)]
    if differ:
        finding = say.sentence(
            "not so for {terms}: what is said of it is an average over origins ({p}, the smallest of {n})",
            terms=say.listing(differ),
            p=say.p_value(p[worst]),
            n=say.count(len(tests)),
        )
    else:
        finding = say.sentence(
            "none differs over {n_origins} origins ({p}, the smallest of {n})",
            n_origins=say.count(n_origins),
            p=say.p_value(p[worst]),
            n=say.count(len(tests)),
        )
    return Check(
        assumption=assumption,
        finding=finding,
        verdict="does not hold" if differ else "holds",
        statistic=tests[worst][0],
        p_value=float(p[worst]),
    )


def _check_influence(say: Wording, data: RegressionData, fit: LogitFit, rows: FittedRows) -> Check:
    """By how many standard errors the estimates move without each customer, in one step of Newton."""
    shift = np.abs(rows.scores @ rows.bread / fit.std_error)[:, 1:]
    who, what = np.unravel_index(int(shift.argmax()), shift.shape)
    largest = float(shift[who, what])
    return Check(
        assumption=say.sentence("no single customer decides"),
        finding=say.sentence(
            "without customer {customer} the estimate of {term} would move by {shift} standard errors, which is the most",
            customer=str(data.customers[who]),
            term=data.design.columns[int(what)].name,
            shift=say.number(largest, 2),
        ),
        verdict="holds" if largest <= MAX_SHIFT else "does not hold",
        statistic=largest,
    )


def _check_missing(say: Wording, data: RegressionData) -> tuple[Check, ...]:
    missing = data.design.missing
    if missing.empty:
        return ()
    n_rows = len(data.event)
    listed = [
        say.sentence("{term} in {n} of {n_all} rows", term=term, n=say.count(n), n_all=say.count(n_rows))
        for term, n in zip(missing["term"], missing["n_missing"], strict=True)
    ]
    return (
        Check(
            assumption=say.sentence("every covariate is known"),
            finding=say.sentence(
                "not known: {list}; there the mean stands for it, with an indicator where {n} customers or more lack it, but for "
                "what is not known only because nothing was ordered",
                list=say.join(listed, ";"),
                n=say.count(MIN_LEVEL),
            ),
            verdict="handled",
        ),
    )


def _check_pooled(say: Wording, data: RegressionData) -> tuple[Check, ...]:
    pooled = data.design.pooled
    if pooled.empty:
        return ()
    listed = [
        say.plural("one of {term}", "{n} of {term}", int(n), term=term)
        for term, n in zip(pooled["term"], pooled["n_levels"], strict=True)
    ]
    return (
        Check(
            assumption=say.sentence("every level has enough customers"),
            finding=say.sentence(
                "levels of fewer than {n} customers are pooled or stand midway between the others: {list}",
                n=say.count(MIN_LEVEL),
                list=say.listing(listed),
            ),
            verdict="handled",
        ),
    )


def _check_left_out(say: Wording, data: RegressionData) -> tuple[Check, ...]:
    out = data.design.left_out
    if out.empty:
        return ()
    return (
        Check(
            assumption=say.sentence("every covariate says something of its own"),
            finding=say.sentence("left out: {list}", list=say.join(_why(out), ";")),
            verdict="handled",
        ),
    )


def _why(out: pd.DataFrame) -> Sequence[str]:
    names = np.where(out["level"] == "", out["term"], out["term"] + ": " + out["level"])
    return [f"{name} ({reason})" for name, reason in zip(names, out["reason"], strict=True)]


def _check_rows(say: Wording, data: RegressionData) -> tuple[Check, ...]:
    findings = []
    if data.n_unknown:
        findings.append(
            say.plural(
                "the outcome of one row is not known yet", "the outcome of {n} rows is not known yet", data.n_unknown
            )
        )
    if data.n_incomplete:
        findings.append(
            say.plural(
                "one row is of an origin at which the outcome is known of some only, who are a selection",
                "{n} rows are of origins at which the outcome is known of some only, who are a selection",
                data.n_incomplete,
            )
        )
    if data.n_lacking:
        findings.append(
            say.plural("one row lacks a value of the formula", "{n} rows lack a value of the formula", data.n_lacking)
        )
    if not findings:
        return ()
    return (
        Check(
            assumption=say.sentence("every row can be used"),
            finding=say.sentence("left out: {list}", list=say.join(findings, ";")),
            verdict="handled",
        ),
    )


def _tenths(p: Floats) -> Ints:
    """Ten groups of rows by probability, as alike in size as ties allow."""
    edges = np.quantile(p, np.arange(1, N_GROUPS) / N_GROUPS)
    return np.searchsorted(edges, p, side="left")
