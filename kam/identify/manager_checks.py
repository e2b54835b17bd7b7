"""What the comparison of managers needs, what the data say about it, and what is assumed."""

from __future__ import annotations

import numpy as np

from kam.identify.manager_model import CHURN_SCALE, MIN_CASES, MOST_ROWS, NAMED_BELOW, ManagerFit, Outcome
from kam.identify.manager_rows import HANDOVER_MONTHS, TRIM, ManagerRows, Portfolio
from kam.results import Assumed, Check
from kam.wording import N_, Wording

FEW_MANAGERS = 8
MOST_RETURNED = 0.2

_TERMS = {
    "intercept": N_("intercept: the average account of the average manager"),
    "size": N_("size: log of the revenue a month"),
    "size_squared": N_("size, squared difference from the mean"),
    "frequency": N_("frequency of orders, log"),
    "size_account": N_("size, mean of the account's years"),
    "frequency_account": N_("frequency of orders, mean of the account's years"),
    "tenure": N_("tenure: log of the months"),
    "handover": N_("the six months after a handover"),
}


def name_term(say: Wording, term: str) -> str:
    """A term in words; that of a fact is its name and level."""
    return say.sentence(_TERMS[term]) if term in _TERMS else term


def list_checks(
    say: Wording, found: ManagerFit, portfolio: Portfolio, rows: ManagerRows, outcome: Outcome, k: int
) -> tuple[Check, ...]:
    """Every assumption of the comparison, with what the data say about it."""
    n_used = int(found.n_rows.sum())
    unknown = Check(
        assumption=say.sentence("the manager of the time is known"),
        finding=say.sentence("in all {n} rows", n=say.count(n_used))
        if not rows.n_unknown
        else say.sentence(
            "in {n} of {all} rows it is not (before manager_since): left out",
            n=say.count(rows.n_unknown),
            all=say.count(rows.n_unknown + n_used),
        ),
        verdict="handled" if rows.n_unknown else "holds",
        statistic=rows.n_unknown / (rows.n_unknown + n_used),
    )
    n_out = portfolio.n_without_manager + portfolio.n_undated
    assigned = Check(
        assumption=say.sentence("every account of the ledger has a manager on file"),
        finding=say.sentence("all have")
        if not n_out
        else say.sentence(
            "{n} have none, {undated} do not say since when: left out",
            n=say.count(portfolio.n_without_manager),
            undated=say.count(portfolio.n_undated),
        ),
        verdict="handled" if n_out else "holds",
    )
    given = Check(
        assumption=say.sentence("accounts are given to managers without regard to what the model does not know"),
        finding=say.sentence(
            "the data cannot say; accounts alike in {terms} are compared", terms=_said_terms(say, found)
        ),
        verdict="not testable",
    )
    m = len(found.codes)
    enough = Check(
        assumption=say.sentence("managers are enough to tell how much they differ"),
        finding=say.plural("one manager", "{n} managers", m),
        verdict="holds" if m >= FEW_MANAGERS else "does not hold",
        statistic=float(m),
    )
    differ = Check(
        assumption=say.sentence("managers differ at all"),
        finding=say.sentence("likelihood-ratio test against no difference: {p}", p=say.p_value(found.fit.p_value)),
        verdict="holds" if found.fit.p_value < 0.05 else "does not hold",
        statistic=found.fit.statistic,
        p_value=found.fit.p_value,
    )
    return unknown, assigned, given, enough, differ, *_outcome_checks(say, found, rows, outcome, k)


def list_assumed(
    say: Wording, found: ManagerFit, outcome: Outcome, k: int, static: tuple[str, ...], min_accounts: int
) -> tuple[Assumed, ...]:
    """Every number that was assumed rather than estimated, and what another one would do."""
    lost = Assumed(
        what=say.sentence("when an account is lost"),
        value=say.plural(
            "no order for one month; dated half a usual gap after the last order",
            "no order for {n} months; dated half a usual gap after the last order",
            k,
        ),
        would_change=say.sentence("fewer months take slow accounts for lost, which makes managers look alike"),
    )
    margin = Assumed(
        what=say.sentence("margins of an account-year that are no accident"),
        value=say.sentence("all but {p} at either end, which count as the limit", p=say.share(TRIM)),
        would_change=say.sentence("credit notes and small revenue make extreme margins; with them intervals are wider"),
    )
    spread = Assumed(
        what=say.sentence("how much managers may differ"),
        value=say.sentence(
            "a half-normal prior of the standard deviation, scale {x} log-odds (odds times {odds})",
            x=say.number(CHURN_SCALE, 1),
            odds=say.number(float(np.exp(CHURN_SCALE)), 1),
        )
        if outcome == "churn"
        else say.sentence("a half-normal prior of the standard deviation, scale that between accounts"),
        would_change=say.sentence(
            "a wider one matters where managers are few: effects are then drawn less to the mean"
        ),
    )
    handover = Assumed(
        what=say.sentence("how long a handover is recent"),
        value=say.plural("one month", "the {n} months that begin after it", HANDOVER_MONTHS),
        would_change=say.sentence("what comes later counts for the manager"),
    )
    named = Assumed(
        what=say.sentence("who is compared by name"),
        value=say.plural("managers with one account", "managers with {n} accounts or more", min_accounts),
        would_change=say.sentence(
            "of fewer accounts chance decides; they count in the model and are listed without figures"
        ),
    )
    beyond = Assumed(
        what=say.sentence("who stands out beyond chance"),
        value=say.sentence(
            "an adjusted p-value below {x}", x=say.number(NAMED_BELOW[outcome], 3 if NAMED_BELOW[outcome] < 0.01 else 2)
        ),
        would_change=say.sentence("a higher limit names more managers, and more often one who does not differ"),
    )
    facts = Assumed(
        what=say.sentence("facts that hold for all of the past"),
        value=say.listing([say.text(fact) for fact in static]) if static else say.sentence("none"),
        would_change=say.sentence("facts that changed over time compare unlike accounts"),
    )
    sampled = Assumed(
        what=say.sentence("rows that are fitted"),
        value=say.sentence("all losses, and {n} rows without one drawn at random", n=say.count(MOST_ROWS)),
        would_change=say.sentence("another seed moves the effects by less than their intervals"),
    )
    is_sampled = found.n_fitted < found.n_rows.sum()
    return (
        lost if outcome == "churn" else margin,
        spread,
        handover,
        named,
        beyond,
        facts,
        *((sampled,) if is_sampled else ()),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _said_terms(say: Wording, found: ManagerFit) -> str:
    names = {
        "size": N_("size"),
        "frequency": N_("frequency of orders"),
        "tenure": N_("tenure"),
        "handover": N_("recent handover"),
    }
    facts = dict.fromkeys(term.partition(": ")[0] for term in found.terms if term not in _TERMS)
    return (
        say.listing(
            [say.sentence(names[name]) for name in names if name in found.terms] + [say.text(fact) for fact in facts]
        )
        or "–"
    )


def _outcome_checks(say: Wording, found: ManagerFit, rows: ManagerRows, outcome: Outcome, k: int) -> tuple[Check, ...]:
    told = bool(len(found.compared.handover))
    handed = Check(
        assumption=say.sentence("handovers are enough to tell what goes with them"),
        finding=say.sentence(
            "{n} accounts in the six months after a handover; accounts handed over together are alike, and the interval does "
            "not know it",
            n=say.count(found.n_handover_accounts),
        )
        if told
        else say.sentence(
            "{n} accounts in the six months after a handover: too few, it is not in the model",
            n=say.count(found.n_handover_accounts),
        ),
        verdict="not testable" if told else "does not hold",
    )
    if outcome == "margin":
        return (handed,)
    n_events = int(found.compared.n_events.sum())
    per_term = n_events / len(found.terms)
    cases = Check(
        assumption=say.sentence("losses are enough for the covariates"),
        finding=say.sentence(
            "{n} accounts lost for {terms} terms; {few} of {m} managers lost fewer than {min}",
            n=say.count(n_events),
            terms=say.count(len(found.terms)),
            few=say.count((found.compared.n_events < MIN_CASES).sum()),
            m=say.count(len(found.codes)),
            min=say.count(MIN_CASES),
        ),
        verdict="holds" if per_term >= 2 * MIN_CASES else "does not hold",
        statistic=per_term,
    )
    returned = rows.n_returned / rows.n_lost if rows.n_lost else 0.0
    final = Check(
        assumption=say.plural("who is silent for a month is lost", "who is silent for {n} months is lost", k),
        finding=say.sentence(
            "{share} of {n} ordered again later, as far as the ledger reaches",
            share=say.share(returned),
            n=say.count(rows.n_lost),
        ),
        verdict="holds" if returned <= MOST_RETURNED else "does not hold",
        statistic=returned,
    )
    return handed, cases, final
