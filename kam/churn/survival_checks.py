"""What survival curves and a Cox regression assume, and whether the data bear it out, in words."""

from __future__ import annotations

import pandas as pd

from kam.churn.person_periods import PersonPeriods
from kam.churn.proportionality import Proportionality
from kam.results import Assumed, Check, Verdict
from kam.wording import Wording

ALPHA = 0.05
MIN_AT_RISK = 10
MIN_EVENTS = 10


def check_survival(
    say: Wording,
    accounts: pd.DataFrame,
    used: pd.DataFrame,
    curves: pd.DataFrame,
    terms: pd.DataFrame,
    test: Proportionality | None,
    made: PersonPeriods | None,
) -> tuple[Check, ...]:
    """Say of each assumption whether the data bear it out."""
    return (
        _check_start(say, accounts, used),
        _check_entry(say, used),
        _check_followed(say, used, curves),
        *_check_proportional(say, terms, test),
        *_check_events(say, used, terms),
        *_check_rule(say, made),
    )


def assumed_of_survival(say: Wording, made: PersonPeriods | None) -> tuple[Assumed, ...]:
    """What is taken for given."""
    if made is None:
        return (
            Assumed(
                what=say.sentence("who is lost, and when"),
                value=say.sentence("as given"),
                would_change=say.sentence("another rule for when an account is lost"),
            ),
        )
    return (
        Assumed(
            what=say.sentence("silence after which an account is lost"),
            value=say.periods(made.k, made.freq),
            would_change=say.sentence(
                "a longer silence takes fewer slow accounts for lost ones, and all times are longer"
            ),
        ),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_start(say: Wording, accounts: pd.DataFrame, used: pd.DataFrame) -> Check:
    unknown = int((~accounts["start_known"]).sum())
    return Check(
        assumption=say.sentence("it is known when each relationship began"),
        finding=say.sentence(
            "of {n_all} accounts {n} are left out, since they may have begun before the data; {n_short} more were not "
            "followed for a period",
            n_all=say.count(len(accounts)),
            n=say.count(unknown),
            n_short=say.count(len(accounts) - unknown - len(used)),
        ),
        verdict="holds" if not unknown else "handled" if unknown <= len(accounts) / 2 else "does not hold",
        statistic=unknown / len(accounts),
    )


def _check_entry(say: Wording, used: pd.DataFrame) -> Check:
    late = int((used["entry"] > 0).sum())
    return Check(
        assumption=say.sentence("accounts that were lost before the data begin do not matter"),
        finding=say.plural(
            "one account began before the data and counts from its first order in them",
            "{n} accounts began before the data and count from their first order in them",
            late,
        )
        if late
        else say.sentence("every account is followed from its beginning"),
        verdict="handled" if late else "holds",
    )


def _check_followed(say: Wording, used: pd.DataFrame, curves: pd.DataFrame) -> Check:
    whole = curves[curves["segment"] == "all"]
    thin = whole[(whole["n_lost"] > 0) & (whole["n_at_risk"] < MIN_AT_RISK)]
    lost = int(used["is_lost"].sum())
    finding = say.sentence("{n} of {n_all} accounts were lost", n=say.count(lost), n_all=say.count(len(used)))
    if len(thin):
        finding += say.sentence(
            "; from {tenure} periods on fewer than {n} are at risk, and the curve is not to be trusted",
            tenure=say.count(thin["tenure"].iloc[0]),
            n=say.count(MIN_AT_RISK),
        )
    verdict: Verdict = "does not hold" if lost < MIN_AT_RISK else "handled" if len(thin) else "holds"
    return Check(assumption=say.sentence("enough accounts are followed"), finding=finding, verdict=verdict)


def _check_proportional(say: Wording, terms: pd.DataFrame, test: Proportionality | None) -> tuple[Check, ...]:
    if test is None:
        return ()
    failing = terms[terms["time_p_value"] < ALPHA]
    assumption = say.sentence("ratios are the same at all times")
    if failing.empty and test.global_p_value >= ALPHA:
        finding = say.sentence("they change no more than by chance ({p})", p=say.p_value(test.global_p_value))
        verdict: Verdict = "holds"
    else:
        listed = say.listing([f"{row['term']} {row['level']}".strip() for _, row in failing.iterrows()])
        finding = (
            say.sentence(
                "those of {terms} change ({p}): one ratio before and one after half of the losses stand beside them",
                terms=listed,
                p=say.p_value(min(float(failing["time_p_value"].min()), test.global_p_value)),
            )
            if len(failing)
            else say.sentence("together they change ({p}), none clearly by itself", p=say.p_value(test.global_p_value))
        )
        verdict = "does not hold"
    return (
        Check(
            assumption=assumption,
            finding=finding,
            verdict=verdict,
            statistic=test.global_statistic,
            p_value=test.global_p_value,
        ),
    )


def _check_events(say: Wording, used: pd.DataFrame, terms: pd.DataFrame) -> tuple[Check, ...]:
    if terms.empty:
        return ()
    lost = int(used["is_lost"].sum())
    each = min(lost, len(used) - lost) / len(terms) if lost < len(used) else lost / len(terms)
    return (
        Check(
            assumption=say.sentence("there are enough losses for so many terms"),
            finding=say.sentence("there are {each} for each term", each=say.number(each, 1)),
            verdict="holds" if each >= MIN_EVENTS else "does not hold",
            statistic=each,
        ),
    )


def _check_rule(say: Wording, made: PersonPeriods | None) -> tuple[Check, ...]:
    if made is None:
        return ()
    ends = made.rows["n_silent"].to_numpy() >= made.k
    back = made.rows["ordered"].to_numpy(dtype=bool) & ends
    lost = int(made.customers["is_lost"].sum())
    returned = int(made.rows.loc[back, "customer_id"].nunique())
    share = returned / max(lost, 1)
    return (
        Check(
            assumption=say.sentence("who is silent for {k} is lost", k=say.periods(made.k, made.freq)),
            finding=say.sentence(
                "{n} of {n_lost} lost accounts came back", n=say.count(returned), n_lost=say.count(lost)
            ),
            verdict="holds" if share <= 0.1 else "does not hold",
            statistic=share,
        ),
    )
