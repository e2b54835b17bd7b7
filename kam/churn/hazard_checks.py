"""What a hazard of leaving assumes, and whether the data bear it out, in words."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from kam.churn.hazard_model import MIN_EVENTS, HazardModel
from kam.churn.periods import PERIODS_A_YEAR
from kam.churn.person_periods import PersonPeriods
from kam.errors import ModelError
from kam.results import Assumed, Check
from kam.wording import Wording

ALPHA = 0.05
OFF = 2.0
"""Silences of some length that end twice as often as the fit says, or half as often, speak against it."""
FEW = 30


class Refit(Protocol):
    """Fits the same hazard again, with interactions of the terms with tenure."""

    def __call__(self, *, interactions: bool) -> HazardModel:
        """Fit."""


def check_hazard(
    say: Wording, model: HazardModel, returns: pd.DataFrame, made: PersonPeriods | None, *, refit: Refit
) -> tuple[Check, ...]:
    """Say of each assumption of a hazard whether the data bear it out."""
    return (
        _check_events(say, model),
        *_check_returns(say, model, returns, made),
        _check_proportional(say, model, refit),
        *_check_dating(say, model, made),
        _check_start(say, model),
        *_check_design(say, model),
    )


def assumed_of_hazard(
    say: Wording, departures: str, made: PersonPeriods | None, model: HazardModel
) -> tuple[Assumed, ...]:
    """What a hazard takes for given."""
    knots = Assumed(
        what=say.sentence("shape of the hazard by tenure"),
        value=say.plural("a curve with one knot", "a curve with {n} knots", len(model.spline.knots))
        if model.spline.knots
        else say.sentence("the same at every tenure"),
        would_change=say.sentence("more knots follow the data more closely, and make wider intervals"),
    )
    if made is None:
        return (knots,)
    if departures == "estimated":
        rule = Assumed(
            what=say.sentence("who has left orders no more"),
            value=say.sentence("departures are estimated from the silence and the account's own rhythm"),
            would_change=say.sentence(
                "with departures='silence' an account is lost after {k} without an order: ratios are then closer to 1",
                k=say.periods(made.k, made.freq),
            ),
        )
    else:
        rule = Assumed(
            what=say.sentence("silence after which an account is lost"),
            value=say.periods(made.k, made.freq),
            would_change=say.sentence(
                "a longer silence takes fewer slow accounts for lost ones, and uses less of the data"
            ),
        )
    window = Assumed(
        what=say.sentence("how long what happened counts"),
        value=say.sentence("91 days; a handover half a year"),
        would_change=say.sentence("a shorter window shows what goes with leaving at once, a longer one what lasts"),
    )
    return rule, knots, window


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_events(say: Wording, model: HazardModel) -> Check:
    n_accounts = int(model.account[-1]) + 1
    left = float(model.events.sum())
    each = min(left, n_accounts - left) / model.x.shape[1]
    return Check(
        assumption=say.sentence("there are enough losses for so many terms"),
        finding=say.sentence(
            "{n} of {n_all} accounts left; that is {each} for each of {n_parameters} parameters",
            n=say.count(left),
            n_all=say.count(n_accounts),
            each=say.number(each, 1),
            n_parameters=say.count(model.x.shape[1]),
        ),
        verdict="holds" if each >= MIN_EVENTS else "does not hold",
        statistic=each,
    )


def _check_returns(
    say: Wording, model: HazardModel, returns: pd.DataFrame, made: PersonPeriods | None
) -> tuple[Check, ...]:
    """Whether silences end as often as the fit says, short and long ones: else departures are dated wrongly."""
    if model.hidden is None or made is None:
        return ()
    assumption = say.sentence("silent accounts come back as often as the fit says")
    year = PERIODS_A_YEAR[made.freq]
    lengths = np.digitize(returns["n_silent"], [max(year // 4, 2), max(year // 2, 3), max(year, 4)])
    by = returns.groupby(lengths).agg({"n_silent": "min", "n_returned": "sum", "n_expected": "sum"})
    by = by[by[["n_returned", "n_expected"]].max(axis=1) >= FEW]
    if by.empty:
        finding = say.sentence("too few silences were followed")
        return (Check(assumption=assumption, finding=finding, verdict="not testable"),)
    ratios = by["n_returned"] / by["n_expected"].clip(lower=0.5)
    worst = by.iloc[int(np.abs(np.log(ratios.clip(lower=0.01))).argmax())]
    ratio = float(worst["n_returned"] / max(worst["n_expected"], 0.5))
    return (
        Check(
            assumption=assumption,
            finding=say.sentence(
                "the fit is farthest off for silences from {periods} on: {came} ended in the next one, {expected} were expected",
                periods=say.periods(worst["n_silent"], made.freq),
                came=say.count(worst["n_returned"]),
                expected=say.count(worst["n_expected"]),
            ),
            verdict="holds" if 1 / OFF <= ratio <= OFF else "does not hold",
            statistic=ratio,
        ),
    )


def _check_proportional(say: Wording, model: HazardModel, refit: Refit) -> Check:
    """Wald test of interactions of all terms with the logarithm of tenure."""
    assumption = say.sentence("ratios are the same at every tenure")
    n = 0 if model.design is None else len(model.design.columns)
    if not n or not model.spline.knots:
        finding = say.sentence("there is no term, or no tenure, to test it with")
        return Check(assumption=assumption, finding=finding, verdict="not testable")
    try:
        wide = refit(interactions=True)
    except (ModelError, np.linalg.LinAlgError):
        finding = say.sentence("too few losses to let the ratios vary")
        return Check(assumption=assumption, finding=finding, verdict="not testable")
    added = wide.beta[-n:]
    statistic = float(added @ np.linalg.pinv(wide.cov[-n:, -n:]) @ added)
    p = float(chdtrc(n, statistic))
    assert model.design is not None
    strongest = int(np.argmax(np.abs(added) / np.sqrt(np.diag(wide.cov)[-n:])))
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "they vary with tenure no more than by chance ({p})"
            if p >= ALPHA
            else "they vary with tenure ({p}), that of {term} most: the ratio is an average over tenures",
            p=say.p_value(p),
            term=model.design.columns[strongest].name,
        ),
        verdict="holds" if p >= ALPHA else "does not hold",
        statistic=statistic,
        p_value=p,
    )


def _check_dating(say: Wording, model: HazardModel, made: PersonPeriods | None) -> tuple[Check, ...]:
    if made is None:
        return ()
    assumption = say.sentence("departures are dated right")
    if model.hidden is not None:
        by_k = int(made.rows["event"].sum())
        finding = say.sentence(
            "nobody sees a departure: by the rhythm of the accounts {n} have left, while {n_lost} fell silent for {k}",
            n=say.count(model.events.sum()),
            n_lost=say.count(by_k),
            k=say.periods(made.k, made.freq),
        )
        return (Check(assumption=assumption, finding=finding, verdict="handled"),)
    finding = say.sentence(
        "a silence of {k} is dated at its beginning: who left later, or is only slow, is dated wrongly; ratios are too near 1",
        k=say.periods(made.k, made.freq),
    )
    return (Check(assumption=assumption, finding=finding, verdict="does not hold"),)


def _check_start(say: Wording, model: HazardModel) -> Check:
    accounts = np.unique(model.account[~model.knows_start])
    n, n_all = len(accounts), int(model.account[-1]) + 1
    return Check(
        assumption=say.sentence("it is known when each relationship began"),
        finding=say.sentence("it is of all")
        if not n
        else say.plural(
            "not of one of {n_all} accounts, which has a constant in place of the curve by tenure",
            "not of {n} of {n_all} accounts, which have a constant in place of the curve by tenure",
            n,
            n_all=say.count(n_all),
        ),
        verdict="handled" if n else "holds",
    )


def _check_design(say: Wording, model: HazardModel) -> tuple[Check, ...]:
    if model.design is None:
        return ()
    design, checks = model.design, []
    if len(design.missing):
        filled = design.missing[design.missing["n_missing"] > 0]
        listed = say.listing([f"{row['term']} ({say.count(row['n_missing'])})" for _, row in filled.iterrows()])
        if len(filled):
            checks.append(
                Check(
                    assumption=say.sentence("every term is known"),
                    finding=say.sentence(
                        "the mean stands in, with a term of its own, in rows of {terms}", terms=listed
                    ),
                    verdict="handled",
                )
            )
    if len(design.left_out):
        listed = say.listing([f"{row['term']} {row['level']}".strip() for _, row in design.left_out.iterrows()])
        checks.append(
            Check(
                assumption=say.sentence("every term says something of its own"),
                finding=say.sentence("left out, since they do not vary or say what others do: {terms}", terms=listed),
                verdict="handled",
            )
        )
    if "manager" in {column.term for column in design.columns}:
        checks.append(
            Check(
                assumption=say.sentence("the manager is known at every time"),
                finding=say.sentence(
                    "only the last one is, of accounts that were still there: earlier periods without a name look safe"
                ),
                verdict="does not hold",
            )
        )
    return tuple(checks)
