"""What the reliability of a questionnaire assumes, and whether the answers bear it out, in words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.results import Assumed, Check
from kam.survey.omega import OneFactor, fit_one_factor
from kam.wording import Wording

Floats = npt.NDArray[np.float64]

ENOUGH = 0.7
"""Alpha from which a sum of questions is usually taken to mean something about groups (Nunnally 1978)."""

LEVELS_APART = 3
"""Answers of one account so far apart are a disagreement."""

RISK = 0.05
"""A spread that is less likely than this, with all accounts of the wave counted, is beyond chance."""

MAX_RESIDUAL = 0.08
"""Root mean square of the residual correlations up to which one factor fits (Hu & Bentler 1999)."""

SAME = 0.95
"""Questions that correlate so highly say the same twice."""

NEAR = 0.02
"""Two reliabilities that differ by less say the same."""


def check_reliability(
    say: Wording,
    *,
    coefficients: pd.DataFrame,
    items: pd.DataFrame,
    agreement: pd.DataFrame,
    correlations: Floats,
    names: list[str],
    factor: OneFactor | None,
    ranges: set[tuple[float, float]],
    n_respondents: int,
    n_complete: int,
) -> tuple[Check, ...]:
    """Say of each assumption of reliability whether the answers bear it out.

    Parameters
    ----------
    say : Wording
    coefficients, items, agreement : pandas.DataFrame
        Of the result.
    correlations : numpy.ndarray
        Shape (items, items), of all questions.
    names : list of str
        Of the questions, in the order of the correlations.
    factor : OneFactor or None
        Behind all questions.
    ranges : set of tuple
        The scales that the questions are on, as far as they are declared.
    n_respondents, n_complete : int
        Who answered a question, and who answered all.
    """
    first = coefficients[coefficients["theme"] == coefficients["theme"].iloc[0]]
    return (
        _check_one_thing(say, factor),
        _check_alike(say, first, factor),
        _check_direction(say, items),
        _check_twice(say, correlations, names),
        _check_scale(say, ranges),
        _check_complete(say, first, n_respondents, n_complete),
        _check_independent(say, first, agreement),
    )


def assumed_of_reliability(say: Wording, level_3: str | None, *, has_weights: bool) -> tuple[Assumed, ...]:
    """What reliability takes for given."""
    found = [
        Assumed(
            what=say.sentence("reliability that is enough"),
            value=say.number(ENOUGH, 1),
            would_change=say.sentence("for decisions about a single account 0.9 is asked"),
        ),
        Assumed(
            what=say.sentence("an account disagrees with itself"),
            value=say.sentence(
                "answers {n} levels apart or more, or a spread with p < {risk} after correction for all accounts",
                n=say.count(LEVELS_APART),
                risk=say.number(RISK),
            ),
            would_change=say.sentence("with fewer levels more accounts are listed"),
        ),
    ]
    if level_3 is not None:
        found.append(
            Assumed(
                what=say.sentence("the third of five levels"),
                value=say.sentence("is neutral") if level_3 == "neutral" else say.sentence("is no opinion: no answer"),
                would_change=say.sentence("read the other way, other people answered everything"),
            )
        )
    if has_weights:
        found.append(
            Assumed(
                what=say.sentence("weights of answers"),
                value=say.sentence("not used: every respondent counts alike"),
                would_change=say.sentence("little, unless questions work differently for those who count for more"),
            )
        )
    return tuple(found)


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_one_thing(say: Wording, factor: OneFactor | None) -> Check:
    assumption = say.sentence("all questions measure one thing")
    if factor is None:
        return Check(
            assumption=assumption, finding=say.sentence("no factor could be fitted to them"), verdict="not testable"
        )
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "one factor leaves correlations of {rest} on average; up to {limit} it fits",
            rest=say.number(factor.rmsr, 3),
            limit=say.number(MAX_RESIDUAL, 2),
        ),
        verdict="holds" if factor.rmsr <= MAX_RESIDUAL else "does not hold",
        statistic=factor.rmsr,
    )


def _check_alike(say: Wording, first: pd.DataFrame, factor: OneFactor | None) -> Check:
    """Alpha is too low where questions measure unequally well; then omega is the number to read."""
    assumption = say.sentence("each question measures it as well as the others, as alpha takes for granted")
    if factor is None:
        return Check(assumption=assumption, finding=say.sentence("there is no omega"), verdict="not testable")
    other = fit_one_factor(factor.correlations, estimator="ml" if factor.estimator == "minres" else "minres")
    rows = first[first["estimate"].notna()].drop_duplicates("measure").set_index("measure")["estimate"]
    difference = float(rows["omega total"] - rows["standardized alpha"]) if "standardized alpha" in rows else np.inf
    omega = other.omega_implied if other.estimator == "ml" else other.omega
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "loadings from {low} to {high}; omega is {omega}, standardized alpha {alpha}; with {other} omega is {second}",
            low=say.number(factor.loadings.min()),
            high=say.number(factor.loadings.max()),
            omega=say.number(rows["omega total"], 3),
            alpha=say.number(rows["standardized alpha"], 3) if "standardized alpha" in rows else "–",
            other=other.estimator,
            second=say.number(omega, 3),
        ),
        verdict="holds" if abs(difference) <= NEAR else "handled",
        statistic=difference if np.isfinite(difference) else None,
    )


def _check_direction(say: Wording, items: pd.DataFrame) -> Check:
    against = items.loc[items["runs_against"] & (items["theme"] == items["theme"].iloc[0]), "item"].tolist()
    return Check(
        assumption=say.sentence("a high answer is the good one everywhere"),
        finding=say.sentence(
            "these run against the others, and may be reversed without being declared so: {names}",
            names=say.listing(against),
        )
        if against
        else say.sentence("every question goes with the sum of the others"),
        verdict="does not hold" if against else "holds",
        statistic=float(items["item_total"].min()) if items["item_total"].notna().any() else None,
    )


def _check_twice(say: Wording, correlations: Floats, names: list[str]) -> Check:
    below = np.tril(correlations, -1)
    first, second = np.unravel_index(int(np.abs(below).argmax()), below.shape)
    highest = float(below[first, second])
    return Check(
        assumption=say.sentence("no question asks the same as another, which makes alpha too high"),
        finding=say.sentence(
            "the highest correlation is {r}, of {first} and {second}",
            r=say.number(highest),
            first=names[int(second)],
            second=names[int(first)],
        ),
        verdict="holds" if abs(highest) < SAME else "does not hold",
        statistic=highest,
    )


def _check_scale(say: Wording, ranges: set[tuple[float, float]]) -> Check:
    assumption = say.sentence("all questions are on one scale")
    if not ranges:
        return Check(assumption=assumption, finding=say.sentence("scales are not declared"), verdict="not testable")
    if len(ranges) == 1:
        return Check(assumption=assumption, finding=say.sentence("they are"), verdict="holds")
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "there are {n}: wide scales count for more in alpha; in standardized alpha and omega they do not",
            n=say.count(len(ranges)),
        ),
        verdict="handled",
    )


def _check_complete(say: Wording, first: pd.DataFrame, n_respondents: int, n_complete: int) -> Check:
    assumption = say.sentence("who answered all questions stands for who answered some")
    share = n_complete / n_respondents
    if n_complete == n_respondents:
        return Check(assumption=assumption, finding=say.sentence("all answered all"), verdict="holds", statistic=share)
    alphas = first[first["measure"] == "alpha"].set_index("basis")["estimate"]
    counted = say.sentence(
        "{n} of {all} answered all ({share})",
        n=say.count(n_complete),
        all=say.count(n_respondents),
        share=say.share(share),
    )
    if alphas.isna().any():
        return Check(
            assumption=assumption,
            finding=say.sentence("{counted}; the two cannot be compared", counted=counted),
            verdict="not testable",
            statistic=share,
        )
    difference = float(alphas["pairwise"] - alphas["complete"])
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "{counted}; alpha is {complete} over them, and {pairwise} over each pair of questions",
            counted=counted,
            complete=say.number(alphas["complete"], 3),
            pairwise=say.number(alphas["pairwise"], 3),
        ),
        verdict="holds" if abs(difference) <= NEAR else "does not hold",
        statistic=difference,
    )


def _check_independent(say: Wording, first: pd.DataFrame, agreement: pd.DataFrame) -> Check:
    assumption = say.sentence("people answer independently of one another, as Feldt's interval takes for granted")
    row = first[first["estimate"].notna() & (first["measure"] == "alpha")].iloc[0]
    if row["n_accounts"] == row["n_respondents"] or row["basis"] == "pairwise":
        if row["basis"] == "complete":
            finding = say.sentence("each respondent is an account of one's own, as far as is known")
            return Check(assumption=assumption, finding=finding, verdict="not testable")
        finding = say.sentence("the interval is over accounts")
        return Check(assumption=assumption, finding=finding, verdict="handled")
    wider = (row["ci_high"] - row["ci_low"]) / (row["feldt_high"] - row["feldt_low"])
    known = agreement.loc[agreement["estimate"].notna() & (agreement["measure"] == "mean of the questions"), "estimate"]
    alike = (
        say.sentence("; ICC of the mean of the questions {icc}", icc=say.number(known.iloc[-1])) if len(known) else ""
    )
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "{n} people are of {accounts} accounts; the interval over accounts is {ratio} times as wide as Feldt's{alike}",
            n=say.count(row["n_respondents"]),
            accounts=say.count(row["n_accounts"]),
            ratio=say.number(wider),
            alike=alike,
        ),
        verdict="handled",
        statistic=float(wider),
    )
