"""What weights for non-response assume, and whether the data bear it out, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from kam.results import Assumed, Check
from kam.survey.frame import ANSWERS_ONLY, TAKEN_AS_ASKED
from kam.survey.response_model import ResponseModel
from kam.survey.shown_names import list_first
from kam.wording import Wording

BALANCED = 0.1
"""Standardized difference below which who answered is like who was drawn (Austin 2009)."""
LOWEST = 0.05
"""Probability of answering below which an account is as good as never heard."""
MOST_SPREAD = 2.0
"""Design effect of unequal weights up to which they are not too uneven."""


def check_weights(
    say: Wording,
    waves: pd.DataFrame,
    accounts: pd.DataFrame,
    balance: pd.DataFrame,
    left_out: pd.DataFrame,
    drawn: pd.DataFrame,
    *,
    given: Sequence[str],
    models: Mapping[str, ResponseModel],
    joined: Mapping[str, list[str]],
    settled: Mapping[str, bool],
    max_ratio: float,
    has_clusters: bool,
) -> tuple[Check, ...]:
    """Say of each assumption of weights whether the data bear it out.

    Parameters
    ----------
    say : Wording
    waves, accounts, balance, left_out : pandas.DataFrame
        Frames of :class:`kam.survey.weighting.WeightsResult`.
    drawn : pandas.DataFrame
        Rows of the frame that were drawn, of these waves.
    given : sequence of str
        Waves whose weights are those of the survey.
    models : mapping of str to ResponseModel
        By wave.
    joined : mapping of str to list of str
        By wave, the strata that were joined.
    settled : mapping of str to bool
        By wave, whether margins and limit are both kept.
    max_ratio : float
        Largest factor, in medians.
    has_clusters : bool
        Whether the survey names primary sampling units that are not its accounts.
    """
    weighed = accounts[~accounts["wave"].isin(given)]
    checks = [_check_balance(say, balance), *(_check_drawn(say, left_out) if len(weighed) else [])]
    checks += _check_known(say, drawn, given)
    if len(weighed) and has_clusters:
        checks.append(
            Check(
                assumption=say.sentence("accounts were drawn one by one"),
                finding=say.sentence(
                    "the survey names other sampling units (psu); the table of who was drawn does not, so they are not used"
                ),
                verdict="not testable",
            )
        )
    if len(weighed):
        modeled = {wave: model for wave, model in models.items() if wave not in given}
        checks += [
            _check_strata(say, weighed, joined),
            _check_positive(say, waves[~waves["wave"].isin(given)]),
            _check_model(say, modeled),
        ]
    checks += [_check_spread(say, waves), _check_limit(say, waves, settled, max_ratio), _check_unknown(say)]
    return tuple(checks)


def assumed_of_weights(
    say: Wording,
    frame: pd.DataFrame,
    *,
    method: str,
    given: Sequence[str],
    margins: pd.DataFrame | None,
    max_ratio: float,
) -> tuple[Assumed, ...]:
    """What weights take for given."""
    found = []
    is_modeled = bool(set(frame["wave"]) - set(given))
    taken = [w for w in frame.loc[frame["status"] == TAKEN_AS_ASKED, "wave"].unique() if w not in given]
    if given:
        alone = frame.loc[frame["wave"].isin(given), "status"].eq(ANSWERS_ONLY).any()
        found.append(
            Assumed(
                what=say.sentence("weights of wave {waves}", waves=say.listing(list(given))),
                value=say.sentence("those of the survey, or one for each where it has none"),
                would_change=say.sentence("a table of who was drawn shows who did not answer, and its error")
                if alone
                else say.sentence(
                    "a table of who was drawn lets answering be modeled; without it, its error is not in any interval"
                ),
            )
        )
    if taken:
        found.append(
            Assumed(
                what=say.sentence("who was asked in wave {waves}", waves=say.listing(taken)),
                value=say.sentence("every account with an order in the year before"),
                would_change=say.sentence("a table of who was drawn: accounts that were never asked did not refuse"),
            )
        )
    plain = frame[frame["drawn"] & frame["probability"].isna() & (frame["status"] != ANSWERS_ONLY)]
    if len(plain):
        found.append(
            Assumed(
                what=say.sentence("probability of being drawn"),
                value=say.sentence("the same for all, and small"),
                would_change=say.sentence("the probabilities in the sample: large accounts are often drawn more often"),
            )
        )
    if is_modeled:
        words = {
            "propensity": say.sentence("a logit on what the ledger knew before the wave"),
            "classes": say.sentence("the response rate of the class"),
            "none": say.sentence("the same for all"),
        }
        found.append(
            Assumed(
                what=say.sentence("probability of answering"),
                value=words[method],
                would_change=say.sentence(
                    "reasons not to answer that the ledger does not know, such as dissatisfaction"
                ),
            )
        )
    if not is_modeled and margins is None:
        return tuple(found)
    found.append(
        Assumed(
            what=say.sentence("sizes that the weights are brought to"),
            value=say.sentence("margins given by the user")
            if margins is not None
            else say.sentence("those of the strata, where they are known"),
            would_change=say.sentence("margins of what goes with the answers make estimates more exact"),
        )
    )
    if np.isfinite(max_ratio):
        found.append(
            Assumed(
                what=say.sentence("largest weight, over design weight"),
                value=say.sentence("{ratio} times the median", ratio=say.number(max_ratio, 1)),
                would_change=say.sentence("a lower limit narrows intervals and lets some bias back in"),
            )
        )
    return tuple(found)


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_balance(say: Wording, balance: pd.DataFrame) -> Check:
    assumption = say.sentence("weighted, who answered is like who was asked in what was known before")
    if balance.empty:
        return Check(
            assumption=assumption,
            finding=say.sentence("nothing is known of those who did not answer"),
            verdict="not testable",
        )
    after, before = balance["difference_after"].abs(), balance["difference_before"].abs()
    worst = balance.iloc[int(after.to_numpy().argmax())]
    term = say.text(str(worst["term"]))
    name = term if not worst["level"] else f"{term} {worst['level']}"
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "{n_off} of {n} differences are {limit} standard deviations or more, the largest {after} ({name}, wave {wave}); "
            "before weighting {n_before} were, the largest {before}",
            n_off=say.count((after >= BALANCED).sum()),
            n=say.count(len(balance)),
            limit=say.number(BALANCED),
            n_before=say.count((before >= BALANCED).sum()),
            after=say.number(float(after.max())),
            name=name,
            wave=worst["wave"],
            before=say.number(float(before.max())),
        ),
        verdict="holds" if after.max() < BALANCED else "does not hold",
        statistic=float(after.max()),
    )


def _check_drawn(say: Wording, left_out: pd.DataFrame) -> list[Check]:
    people = left_out[left_out["n_respondents"] > 0]
    assumption = say.sentence("every account that answered was drawn")
    checks = [Check(assumption=assumption, finding=say.sentence("all were"), verdict="holds")]
    if len(people):
        finding = say.plural(
            "one was not, and has no weight: {names}",
            "{n} were not, and have no weight: {names}",
            len(people),
            names=_accounts(say, people),
        )
        checks = [Check(assumption=assumption, finding=finding, verdict="handled")]
    waves = left_out[left_out["n_respondents"] == 0]
    if len(waves):
        checks.append(
            Check(
                assumption=say.sentence("every wave that was drawn has answers"),
                finding=say.sentence(
                    "nobody who was drawn answered in {names}", names=list_first(say, waves["wave"].tolist())
                ),
                verdict="handled",
            )
        )
    return checks


def _accounts(say: Wording, rows: pd.DataFrame) -> str:
    return list_first(say, [f"{c} ({w})" for c, w in zip(rows["customer_id"], rows["wave"], strict=True)])


def _check_known(say: Wording, drawn: pd.DataFrame, given: Sequence[str]) -> list[Check]:
    """Whether the ledger knows who was drawn."""
    rows = drawn[~drawn["wave"].isin(given)]
    if rows.empty or "in_ledger" not in rows.columns:
        return []
    assumption = say.sentence("the ledger knows every account that was drawn")
    known = rows.groupby("wave")["in_ledger"].any()
    without = known.index[~known].tolist()
    unknown = rows[~rows["in_ledger"] & ~rows["wave"].isin(without)]
    if without:
        return [
            Check(
                assumption=assumption,
                finding=say.sentence("it says nothing of wave {waves}", waves=say.listing(without)),
                verdict="not testable",
            )
        ]
    if unknown.empty:
        return [Check(assumption=assumption, finding=say.sentence("it does"), verdict="holds")]
    finding = say.plural(
        "it does not know one, which stands at the mean of the others: {names}",
        "it does not know {n}, which stand at the mean of the others: {names}",
        len(unknown),
        names=_accounts(say, unknown),
    )
    return [Check(assumption=assumption, finding=finding, verdict="handled", statistic=len(unknown) / len(rows))]


def _check_strata(say: Wording, accounts: pd.DataFrame, joined: Mapping[str, list[str]]) -> Check:
    by = accounts.groupby(["wave", "stratum"])["answered"].agg(["sum", "size"]).reset_index()
    name = [f"{s or say.sentence('all')} ({w})" for s, w in zip(by["stratum"], by["wave"], strict=True)]
    nobody = [n for n, found in zip(name, by["sum"] == 0, strict=True) if found]
    one = [n for n, found in zip(name, by["sum"] == 1, strict=True) if found]
    single = [n for n, found in zip(name, by["size"] == 1, strict=True) if found]
    parts = []
    if nobody:
        parts.append(say.sentence("nobody answered in {names}", names=list_first(say, nobody)))
    if one:
        parts.append(say.sentence("one account answered in {names}", names=list_first(say, one)))
    if single:
        parts.append(
            say.sentence(
                "one account was drawn in {names}: its variance is taken from the mean of all strata",
                names=list_first(say, single),
            )
        )
    together = [text for texts in joined.values() for text in texts]
    if together:
        parts.append(say.sentence("weighted together: {names}", names=list_first(say, list(dict.fromkeys(together)))))
    return Check(
        assumption=say.sentence("every stratum has answers enough to stand for itself"),
        finding=say.join(parts, ";") or say.sentence("the fewest are {n}", n=say.count(by["sum"].min())),
        verdict="handled" if parts else "holds",
        statistic=float(by["sum"].min()),
    )


def _check_positive(say: Wording, waves: pd.DataFrame) -> Check:
    lowest = float(waves["p_lowest"].min())
    return Check(
        assumption=say.sentence("every account could have answered"),
        finding=say.sentence("the least likely account answers with probability {p}", p=say.share(lowest)),
        verdict="holds" if lowest >= LOWEST else "does not hold",
        statistic=lowest,
    )


def _check_model(say: Wording, models: Mapping[str, ResponseModel]) -> Check:
    parts = []
    shrunk = [wave for wave, model in models.items() if model.shrunk]
    if shrunk:
        parts.append(
            say.sentence(
                "some accounts are told apart without error in wave {waves}: the estimates are shrunk",
                waves=say.listing(shrunk),
            )
        )
    without = list(dict.fromkeys(term for model in models.values() for term in model.without))
    if without:
        parts.append(say.sentence("too few answers to look at {terms} too", terms=say.listing(without)))
    merged = list(dict.fromkeys(name for model in models.values() for name in model.merged))
    if merged:
        parts.append(say.sentence("classes with too few answers were joined: {names}", names=list_first(say, merged)))
    if all(model.terms is None for model in models.values()):
        parts = []
    return Check(
        assumption=say.sentence("there are answers enough to estimate who answers"),
        finding=say.join(parts, ";") or say.sentence("there are"),
        verdict="handled" if parts else "holds",
    )


def _check_spread(say: Wording, waves: pd.DataFrame) -> Check:
    worst = waves.iloc[int(waves["design_effect"].to_numpy().argmax())]
    return Check(
        assumption=say.sentence("weights are not too uneven"),
        finding=say.sentence(
            "in wave {wave} they make variances {effect} times as large; {n} answers tell as much as {n_effective}",
            wave=worst["wave"],
            effect=say.number(worst["design_effect"]),
            n=say.count(worst["n_answered"]),
            n_effective=say.count(worst["n_effective"]),
        ),
        verdict="holds" if worst["design_effect"] <= MOST_SPREAD else "does not hold",
        statistic=float(worst["design_effect"]),
    )


def _check_limit(say: Wording, waves: pd.DataFrame, settled: Mapping[str, bool], max_ratio: float) -> Check:
    assumption = say.sentence("no account counts for too much")
    failed = [wave for wave, fine in settled.items() if not fine]
    ratio, n = float(waves["weight_ratio"].max()), int(waves["n_trimmed"].sum())
    if failed:
        finding = say.sentence(
            "the sizes and the limit cannot both be kept in wave {waves}: the largest weight is {ratio} times the median",
            waves=say.listing(failed),
            ratio=say.number(ratio, 1),
        )
        return Check(assumption=assumption, finding=finding, verdict="does not hold", statistic=ratio)
    finding = say.sentence(
        "the largest weight, over design weight, is {ratio} times the median", ratio=say.number(ratio, 1)
    )
    if n:
        finding = say.plural(
            "one weight was cut to {limit} times the median, and the others took what was cut off",
            "{n} weights were cut to {limit} times the median, and the others took what was cut off",
            n,
            limit=say.number(max_ratio, 1),
        )
    return Check(assumption=assumption, finding=finding, verdict="handled" if n else "holds", statistic=ratio)


def _check_unknown(say: Wording) -> Check:
    return Check(
        assumption=say.sentence("given what was known before, who answered thinks like who did not"),
        finding=say.sentence("no weight can tell: look at what the silent would have to think for another conclusion"),
        verdict="not testable",
    )
