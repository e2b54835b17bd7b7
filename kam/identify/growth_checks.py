"""What a growth list rests on: checks of the assumptions, and what is assumed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from kam.identify.growth_backtest import Backtest
from kam.identify.growth_features import YEAR, History
from kam.results import Assumed, Check
from kam.wording import Wording

LEVEL_OFF = 0.25
"""From this relative error on the number of those that became class A is called missed."""


def list_checks(
    say: Wording,
    tested: Backtest,
    history: History,
    candidates: pd.DataFrame,
    outdated: pd.DataFrame,
    horizon: int,
    n_key_accounts: int | None,
    *,
    has_profit: bool,
) -> tuple[Check, ...]:
    """Every assumption of the chance and of the gap, with what the data say about it."""
    n = history.n_months
    length = Check(
        assumption=say.sentence("the history holds origins whose outcome was known before those that are tested"),
        finding=say.sentence(
            "{n} of history, {needed} are needed; ",
            n=say.periods(n, "month"),
            needed=say.periods(YEAR + 2 * horizon, "month"),
        )
        + {
            "later origins": say.plural("tested at one origin", "tested at {n} origins", len(tested.past)),
            "other accounts": say.sentence(
                "tested on accounts that were not learned from, at the origin that was: the level of that year was known"
            ),
            "none": say.sentence("not tested"),
        }[tested.tested_on],
        verdict={"later origins": "holds", "other accounts": "does not hold", "none": "not testable"}[  # type: ignore[arg-type]
            tested.tested_on
        ],
    )
    checks = [length]
    if tested.past:
        expected = sum(float(expit(one.log_odds).sum()) for one in tested.past)
        came = sum(int(one.event.sum()) for one in tested.past)
        ratio = came / expected
        checks.append(
            Check(
                assumption=say.sentence("as many became class A as the forecasts of the back-test said"),
                finding=say.sentence(
                    "{came} did where {expected} were expected by forecasts that had learned from fewer origins than today's",
                    came=say.count(came),
                    expected=say.count(expected),
                ),
                verdict="holds" if abs(np.log(ratio)) <= np.log(1 + LEVEL_OFF) else "does not hold",
                statistic=float(ratio),
            )
        )
    if tested.model is not None:
        n_origins = len(tested.past) if tested.tested_on == "later origins" else 0
        checks.append(
            Check(
                assumption=say.sentence("how much years differ is in the interval of the number expected"),
                finding=say.sentence("it is, from {n} origins that overlap", n=say.count(n_origins))
                if n_origins > 1
                else say.sentence("it is not: two tested origins are needed, so the interval is too narrow"),
                verdict="handled" if n_origins > 1 else "does not hold",
            )
        )
        n_terms = len(tested.model.coefficients) - 1
        per_term = tested.model.n_events / n_terms
        checks.append(
            Check(
                assumption=say.sentence("enough accounts became class A to learn from: ten for each feature"),
                finding=say.sentence(
                    "{n} did, {per} for each of {terms} features",
                    n=say.count(tested.model.n_events),
                    per=say.number(per_term, 1),
                    terms=say.count(n_terms),
                ),
                verdict="holds" if per_term >= 10 else "handled",
                statistic=per_term,
            )
        )
    if n_key_accounts is not None:
        checks.append(
            Check(
                assumption=say.sentence("no account on the list is a key account already"),
                finding=say.plural(
                    "one key account is below class A now and is left out",
                    "{n} key accounts are below class A now and are left out",
                    n_key_accounts,
                )
                if n_key_accounts
                else say.sentence("every key account is class A now"),
                verdict="handled" if n_key_accounts else "holds",
            )
        )
    else:
        checks.append(
            Check(
                assumption=say.sentence("no account on the list is a key account already"),
                finding=say.sentence("it is not known who is one: accounts may be named that are"),
                verdict="not testable",
            )
        )
    if has_profit:
        named = candidates.loc[candidates["is_named"], "profit"]
        n_losing, n_unknown = int((named < 0).sum()), int(named.isna().sum())
        finding = (
            say.plural("one of the named loses money", "{n} of the named lose money", n_losing)
            if n_losing
            else say.sentence("none of those of which it is known loses money")
        )
        if n_unknown:
            finding = say.join(
                [finding, say.plural("of one it is not known", "of {n} it is not known", n_unknown)], ";"
            )
        checks.append(
            Check(
                assumption=say.sentence("the accounts named earn money"),
                finding=finding,
                verdict="does not hold" if n_losing else "not testable" if n_unknown else "holds",
            )
        )
    unknown = int(candidates["elsewhere"].isna().sum())
    checks.append(
        Check(
            assumption=say.sentence("the demand of every candidate is known"),
            finding=say.sentence("it is")
            if not unknown
            else say.plural(
                "of one it is not, and no gap is given for it",
                "of {n} it is not, and no gap is given for them",
                unknown,
            ),
            verdict="handled" if unknown else "holds",
        )
    )
    checks.append(
        Check(
            assumption=say.sentence("nobody buys more than its demand is said to be"),
            finding=say.sentence("nobody does")
            if outdated.empty
            else say.plural(
                "one account does; its gap is taken as none",
                "{n} accounts do; their gap is taken as none",
                len(outdated),
            ),
            verdict="handled" if len(outdated) else "holds",
        )
    )
    return tuple(checks)


def list_assumed(
    say: Wording, horizon: int, cuts: tuple[float, float], n_named: int, potential: pd.Series
) -> tuple[Assumed, ...]:
    """What was assumed."""
    assumed = [
        Assumed(
            what=say.sentence("what class A means"),
            value=say.sentence(
                "the largest that bring {share} of twelve months' revenue, at the origin and at its horizon",
                share=say.share(cuts[0], 0),
            ),
            would_change=say.sentence("classes by margin, or other limits, name other accounts"),
        ),
        Assumed(
            what=say.sentence("horizon"),
            value=say.periods(horizon, "month"),
            would_change=say.sentence("a longer one lets more accounts rise, and leaves fewer origins to test"),
        ),
        Assumed(
            what=say.sentence("when the forecast leads the list"),
            value=say.sentence(
                "its list found surely more at later origins than that by revenue, or it ranked all accounts surely better"
            ),
            would_change=say.sentence("to ask for both names the largest by revenue more often"),
        ),
        Assumed(
            what=say.sentence("length of the list"),
            value=say.count(n_named),
            would_change=say.sentence("which way of naming is ahead may differ with the length"),
        ),
    ]
    if len(potential):
        assumed.append(
            Assumed(
                what=say.sentence("demand a year"),
                value=say.sentence("as the account file says, for {n} accounts", n=say.count(len(potential))),
                would_change=say.sentence("the gap moves with it one to one; no chance does"),
            )
        )
    return tuple(assumed)
