"""What an assessment of non-response assumes, and what the data say about it, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from kam.results import Assumed, Check, Verdict
from kam.survey.design import Design
from kam.wording import N_, Wording

DEPENDS, REVERSED, NO_SIGN, NOT_TESTABLE = (
    "the less satisfied answer less",
    "the more satisfied answer less",
    "no sign of it",
    "not testable",
)
"""What the signs say of whether answering depends on satisfaction itself. None of them is a correction."""
LATE, EARLIER, COMPLAINTS = N_("late answers"), N_("earlier answers"), N_("complaints")
TOWARD_SILENCE = {LATE: -1.0, EARLIER: 1.0, COMPLAINTS: -1.0}
"""The sign of each effect if the less satisfied answer less."""
MARGIN = 0.05
"""Differences of shares within this are called none: an interval that holds 0 shows that only where all of it lies within."""


def judge_signs(signs: pd.DataFrame) -> str:
    """What the signs say together: one of the four words above.

    Parameters
    ----------
    signs : pandas.DataFrame
        ``term, estimate, stands_out``; those that could be tested.
    """
    if signs.empty:
        return NOT_TESTABLE
    out = signs[signs["stands_out"]]
    if out.empty:
        return NO_SIGN
    first = out.sort_values("p_holm", kind="stable").iloc[0]
    toward = TOWARD_SILENCE[str(first["term"])] * float(first["estimate"]) > 0
    return DEPENDS if toward else REVERSED


def check_nonresponse(
    say: Wording,
    *,
    signs: pd.DataFrame,
    verdict: str,
    afterwards: pd.DataFrame,
    response: tuple[float | None, int, int],
    designs: Mapping[str, Design],
    moves: Mapping[str, float],
    tipping: pd.DataFrame,
    without_silent: Sequence[str],
    n_not_drawn: int,
) -> tuple[Check, ...]:
    """Say of each assumption whether the data bear it out.

    Parameters
    ----------
    say : Wording
    signs : pandas.DataFrame
        Tests of whether answering depends on satisfaction itself.
    verdict : str
        From :func:`judge_signs`.
    afterwards : pandas.DataFrame
        What accounts did after the field.
    response : tuple
        p of the test against the facts, accounts, columns of facts.
    designs : mapping of str to Design
        By wave.
    moves : mapping of str to float
        By wave, points by which the weights move the mean.
    tipping : pandas.DataFrame
        Conclusions and what changes them.
    without_silent : sequence of str
        Waves of which no silent account is known.
    n_not_drawn : int
        Accounts that answered without having been drawn.
    """
    return (
        _check_facts(say, response, moves),
        _check_satisfaction(say, signs, verdict),
        _check_direction(say, verdict),
        *_check_afterwards(say, afterwards),
        _check_conclusions(say, tipping),
        _check_error(say, designs),
        *_check_waves(say, without_silent),
        *_check_drawn(say, n_not_drawn),
    )


def assumed_of_nonresponse(
    say: Wording, *, largest_delta: float, threshold: float | None, slope: float | None
) -> tuple[Assumed, ...]:
    """What an assessment of non-response takes for given."""
    made = [
        Assumed(
            what=say.sentence(
                "by how much less satisfied those who did not answer may be than comparable ones who did"
            ),
            value=say.sentence("0 to {delta} points", delta=say.number(largest_delta)),
            would_change=say.sentence(
                "the answers cannot tell; each tenth of a point widens the band by a tenth of the share that did not answer"
            ),
        )
    ]
    if threshold is not None:
        made.append(
            Assumed(
                what=say.sentence("mean from which customers count as satisfied on the whole"),
                value=say.number(threshold, 1),
                would_change=say.sentence("a higher one is missed at a smaller delta: see the tipping points"),
            )
        )
    if slope is not None:
        made.append(
            Assumed(
                what=say.sentence("points of recommendation that go with one point of the answer"),
                value=say.number(slope),
                would_change=say.sentence("as among those who answered; with fewer the NPS changes less"),
            )
        )
    return tuple(made)


def signed(say: Wording, x: float, digits: int = 2) -> str:
    """A change: with its sign, unless it is shown as 0."""
    rounded = round(float(x), digits) + 0.0  # no −0
    return ("+" if rounded > 0 else "") + say.number(rounded, digits)


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_facts(say: Wording, response: tuple[float | None, int, int], moves: Mapping[str, float]) -> Check:
    assumption = say.sentence("who answers is, as far as the ledger knows, like who was asked")
    p, n, k = response
    if p is None:
        return Check(
            assumption=assumption,
            finding=say.sentence("too few accounts or facts to tell"),
            verdict="not testable",
        )
    moved = say.listing([say.sentence("{x} in {wave}", x=signed(say, x), wave=wave) for wave, x in moves.items()])
    finding = say.sentence(
        "answering goes with facts of the ledger ({p}; {n} accounts, {k} columns of facts); the weights move the mean "
        "by {moved} points",
        p=say.p_value(p),
        n=say.count(n),
        k=say.count(k),
        moved=moved,
    )
    weighted = any(abs(x) > 1e-9 for x in moves.values())
    if p >= 0.05:
        finding = say.sentence(
            "answering does not go with facts of the ledger beyond chance ({p}; {n} accounts, {k} columns of facts), which "
            "is no proof",
            p=say.p_value(p),
            n=say.count(n),
            k=say.count(k),
        )
        return Check(
            assumption=assumption, finding=finding, verdict="handled" if weighted else "not testable", p_value=p
        )
    return Check(assumption=assumption, finding=finding, verdict="handled" if weighted else "does not hold", p_value=p)


def _check_satisfaction(say: Wording, signs: pd.DataFrame, verdict: str) -> Check:
    """Whether answering depends on satisfaction itself: this is never said to hold, since who is silent says nothing."""
    assumption = say.sentence("among accounts alike in the ledger, who answers does not depend on satisfaction")
    p = float(signs["p_holm"].min()) if len(signs) else None
    if verdict == NOT_TESTABLE:
        finding = say.sentence(
            "there are neither days of answers, nor earlier answers, nor complaints of enough accounts"
        )
    elif verdict == NO_SIGN:
        finding = say.plural(
            "the one sign that could be looked for does not stand out, which is no proof; weights cannot repair what "
            "it may miss",
            "none of {n} signs that could be looked for stands out, which is no proof; weights cannot repair what "
            "they may miss",
            len(signs),
        )
    else:
        out = signs[signs["stands_out"]]
        finding = say.sentence(
            "it does, by these signs: {signs}; no weight made of facts of the ledger repairs that, and none here claims to",
            signs=say.join(out["meaning"], ";"),
        )
    found: Verdict = "does not hold" if verdict in (DEPENDS, REVERSED) else "not testable"
    return Check(assumption=assumption, finding=finding, verdict=found, p_value=p)


def _check_direction(say: Wording, verdict: str) -> Check:
    reversed_ = verdict == REVERSED
    finding = say.sentence("no sign to the contrary, which is no proof")
    if reversed_:
        finding = say.sentence("the clearest sign points the other way: the band then lies on the wrong side")
    elif verdict == DEPENDS:
        finding = say.sentence("the clearest sign points this way")
    return Check(
        assumption=say.sentence("those who did not answer are no more satisfied than comparable ones who did"),
        finding=finding,
        verdict="does not hold" if reversed_ else "not testable",
    )


def _check_afterwards(say: Wording, afterwards: pd.DataFrame) -> tuple[Check, ...]:
    """Whether silent accounts stay as often: that an interval holds 0 shows nothing unless all of it lies near 0."""
    found = afterwards[(afterwards["term"] == "share_no_order") & afterwards["difference_alike"].notna()]
    if found.empty:
        return ()
    row = found.iloc[-1]
    low, high = float(row["alike_low"]), float(row["alike_high"])
    found_words = {
        "difference": signed(say, 100 * row["difference_alike"], 1),
        "low": signed(say, 100 * low, 1),
        "high": signed(say, 100 * high, 1),
        "margin": say.number(100 * MARGIN, 0),
    }
    verdict: Verdict
    if low > 0 or high < 0:
        verdict = "does not hold"
        finding = say.sentence(
            "{difference} points more of them then placed no order (from {low} to {high})", **found_words
        )
    elif low >= -MARGIN and high <= MARGIN:
        verdict = "holds"
        finding = say.sentence(
            "{difference} points more of them then placed no order (from {low} to {high}): within {margin} points either way",
            **found_words,
        )
    else:
        verdict = "not testable"
        finding = say.sentence(
            "too few to tell: {difference} points more of them then placed no order (from {low} to {high}), which is not "
            "within {margin} points either way",
            **found_words,
        )
    return (
        Check(
            assumption=say.sentence("silent accounts stay as often as those that answered and are alike in the ledger"),
            finding=finding,
            verdict=verdict,
            statistic=float(row["difference_alike"]),
            p_value=float(row["p_value"]),
        ),
    )


def _check_conclusions(say: Wording, tipping: pd.DataFrame) -> Check:
    """What is not beyond chance is no conclusion; one that is tested in several ways counts once."""
    sure = tipping[tipping["is_sure"]].groupby(["each", "term", "wave", "conclusion"], sort=False)["tips"].any()
    n, n_tip = len(sure), int(sure.sum())
    assumption = say.sentence("conclusions stand, whatever the silent think within the range")
    if len(tipping) and (tipping["why"] != "").all():
        return Check(
            assumption=assumption,
            finding=say.sentence("too few answered to conclude anything"),
            verdict="not testable",
        )
    if not n:
        return Check(
            assumption=assumption,
            finding=say.sentence("no conclusion is beyond chance, so there is none that lower answers could change"),
            verdict="not testable",
        )
    finding = say.plural(
        "{tip} of one conclusion that is beyond chance would change: see the tipping points",
        "{tip} of {n} conclusions that are beyond chance would change: see the tipping points",
        n,
        tip=say.count(n_tip),
    )
    return Check(assumption=assumption, finding=finding, verdict="does not hold" if n_tip else "holds")


def _check_error(say: Wording, designs: Mapping[str, Design]) -> Check:
    known = all(not design.units["answered"].all() for design in designs.values())
    finding = say.sentence("the design knows who did not answer; that share and its error are in the intervals")
    if not known:
        finding = say.sentence(
            "the design knows only who answered: the share that did not is taken as known, and intervals are too narrow"
        )
    return Check(
        assumption=say.sentence("the error of who happens to answer is in the intervals"),
        finding=finding,
        verdict="holds" if known else "does not hold",
    )


def _check_waves(say: Wording, without_silent: Sequence[str]) -> tuple[Check, ...]:
    if not without_silent:
        return ()
    return (
        Check(
            assumption=say.sentence("it is known of each wave who was asked and did not answer"),
            finding=say.sentence("not of {waves}: left out", waves=say.listing(list(without_silent))),
            verdict="handled",
        ),
    )


def _check_drawn(say: Wording, n: int) -> tuple[Check, ...]:
    if not n:
        return ()
    return (
        Check(
            assumption=say.sentence("who answered had been drawn"),
            finding=say.plural(
                "one account answered without; it is left out of the shares that answered",
                "{n} accounts answered without; they are left out of the shares that answered",
                n,
            ),
            verdict="handled",
        ),
    )
