"""What a call list assumes, and whether the data bear it out, in words."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from kam.churn.remaining_value import ValueTerms, assumed_of_terms
from kam.results import Assumed, Check

if TYPE_CHECKING:
    from kam.churn.call_list import CallListResult

_POWER = 2.8  # 1.96 + 0.84: standard errors that a difference needs to be found in 80 % of the cases at 95 %


def check_calls(result: CallListResult, *, has_reasons: bool) -> tuple[Check, ...]:
    """Say of each assumption of a call list whether the data bear it out."""
    say = result.context.wording
    calls = result.calls[result.calls["list_part"] == "call"]
    checks = [
        Check(
            assumption=say.sentence("the probabilities of loss are right"),
            finding=say.sentence(
                "the forecast expects {n} of {n_all} accounts at risk to be lost or leaving; how close the same forecast came "
                "before, its own checks say",
                n=say.number(float(result.accounts["p_churn"].sum()), 1),
                n_all=say.count(result.n_at_risk),
            ),
            verdict="not testable",
        ),
        Check(
            assumption=say.sentence("a call saves as many as is assumed"),
            finding=say.sentence("nobody knows until called and held-out accounts have been compared"),
            verdict="not testable",
        ),
        _check_holdout(result),
        _check_called_before(result),
        Check(
            assumption=say.sentence("only accounts that can still be lost are called"),
            finding=say.plural(
                "one is lost already and is left to the win-back list",
                "{n} are lost already and are left to the win-back list",
                result.n_lapsed,
            ),
            verdict="handled" if result.n_lapsed else "holds",
        ),
    ]
    if len(calls) > 1:
        largest = float(calls["expected_gain"].max() / calls["expected_gain"].sum())
        checks.append(
            Check(
                assumption=say.sentence("the gain does not rest on one account"),
                finding=say.sentence(
                    "{account} alone is expected to bring {share} of it",
                    account=str(calls["customer_id"].iloc[int(np.argmax(calls["expected_gain"]))]),
                    share=say.share(largest),
                ),
                verdict="holds" if largest <= 0.5 else "does not hold",
                statistic=largest,
            )
        )
    loses = int((result.accounts["value_if_stays"] <= 0).sum())
    if loses:
        checks.append(
            Check(
                assumption=say.sentence("it pays to keep every account"),
                finding=say.plural(
                    "one account at risk earned nothing in the last year, and is not called",
                    "{n} accounts at risk earned nothing in the last year, and are not called",
                    loses,
                ),
                verdict="handled",
            )
        )
    if result.unknown:
        checks.append(
            Check(
                assumption=say.sentence("accounts that were to be left out are in the forecast"),
                finding=say.plural(
                    "one is not: {names}",
                    "{n} are not, such as {names}",
                    len(result.unknown),
                    names=say.listing(result.unknown[:3]),
                ),
                verdict="does not hold",
            )
        )
    checks.append(
        Check(
            assumption=say.sentence("a reason is no proof of a cause"),
            finding=say.sentence("reasons name what goes with a higher risk than the mean of all accounts")
            if has_reasons
            else say.sentence("no contributions were given: only the last order is named"),
            verdict="handled" if has_reasons else "not testable",
        )
    )
    return tuple(checks)


def assumed_of_calls(result: CallListResult, terms: ValueTerms, columns: Collection[str]) -> tuple[Assumed, ...]:
    """What a call list takes for given."""
    say = result.context.wording
    rate = (
        say.sentence("at no rate would a call pay")
        if result.break_even is None
        else say.sentence("below {rate} the calls cost more than they save", rate=say.share(result.break_even))
    )
    return (
        Assumed(
            what=say.sentence("share of the accounts lost or leaving that a call saves"),
            value=say.share(result.saving_rate),
            would_change=rate,
        ),
        Assumed(
            what=say.sentence("cost of a visit or call"),
            value=say.money(result.cost_of_visit),
            would_change=say.sentence("a higher cost takes the smaller accounts off the list: see the table"),
        ),
        Assumed(
            what=say.sentence("calls at most"),
            value=say.count(result.capacity),
            would_change=say.plural(
                "a call would pay for one account", "a call would pay for {n} accounts", result.n_worth
            ),
        ),
        Assumed(
            what=say.sentence("share of the selected that is left alone"),
            value=say.share(result.holdout_share),
            would_change=say.sentence("a larger share shows sooner what calls save, and leaves more accounts uncalled"),
        ),
        *assumed_of_terms(say, terms, columns),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_holdout(result: CallListResult) -> Check:
    """Whether one list of this size could show that calls work."""
    say = result.context.wording
    assumption = say.sentence("the hold-out is large enough to show what the calls save")
    n, n_out = result.n_calls - result.n_called_before, result.n_held_out
    if not n_out or not n:
        finding = say.sentence("nobody is held out, so nothing will show whether calls work")
        return Check(
            assumption=assumption, finding=finding, verdict="does not hold" if result.n_calls else "not testable"
        )
    p = float(result.calls.loc[~result.calls["called_before"], "p_churn"].mean())
    least = _POWER * float(np.sqrt(p * (1 - p) * (1 / n + 1 / n_out)))
    found = p * result.saving_rate
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "with {n} called and {n_out} held out, one list shows {least} in accounts lost; {found} points are assumed; the "
            "track record pools lists, and compares orders and money",
            n=say.count(n),
            n_out=say.count(n_out),
            least=say.sentence("a difference of {points} points", points=say.number(100 * least, 0))
            if least <= 1
            else say.sentence("no difference, however large,"),
            found=say.number(100 * found, 0),
        ),
        verdict="holds" if found >= least else "does not hold",
        statistic=least,
    )


def _check_called_before(result: CallListResult) -> Check:
    """Whether the hold-out is free of accounts that another list said to call."""
    say = result.context.wording
    n = result.n_called_before
    return Check(
        assumption=say.sentence("nobody is held out who was to be called a short while ago"),
        finding=say.plural(
            "one account on the list was to be called by an earlier list: it is called again, never held out, and takes no "
            "part in the comparison",
            "{n} accounts on the list were to be called by an earlier list: they are called again, never held out, and take "
            "no part in the comparison",
            n,
        )
        if n
        else say.sentence("no account on the list was named as called by an earlier list"),
        verdict="handled" if n else "holds",
    )
