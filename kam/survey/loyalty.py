"""Satisfaction and loyalty: the curve over the five levels, whether it goes in steps, and what accounts then did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from kam.columns import GLOSSARY
from kam.disclosure import AS_IT_IS, RestsOn
from kam.errors import MissingColumnError
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import check_whole
from kam.survey.design import Design, one_phase_designs
from kam.survey.intervals import check_level
from kam.survey.later_behavior import later_behavior
from kam.survey.loyalty_checks import assumed_of_loyalty, check_loyalty
from kam.survey.loyalty_reading import CLAIMED_AT, Reading
from kam.survey.loyalty_rows import (
    ATTITUDES,
    LoyaltyRows,
    account_rows,
    account_scores,
    checked_behavior,
    respondent_rows,
    satisfaction_items,
)
from kam.survey.nonlinearity import FEW_ACCOUNTS, LINE_TEST
from kam.survey.questions import name_question
from kam.survey.responses import READING_NAMES, SCORES, Responses
from kam.survey.suppression import few_accounts
from kam.wording import Wording

FALLING = ("no_order", "churned")
"""Outcomes that are expected to fall with satisfaction."""
_TEST_COLUMNS = ("level_3", "test", "statistic", "df", "p_value")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class LoyaltyResult(Result):
    """Result of :func:`satisfaction_loyalty`.

    Every frame has a column ``level_3``: ``neutral`` or ``no opinion`` (then answers of level 3 are left out).

    Attributes
    ----------
    curve : pandas.DataFrame
        One row per reading and level: ``score``; ``n_respondents, n_accounts``; ``estimate``, mean loyalty, with ``std_error,
        ci_low, ci_high``, over accounts, within the scale of the question; ``line``, ``monotone``, ``steps``: the straight line,
        the fit that never turns and the best partition with two thresholds; ``why``, why there is no estimate (fewer than 5
        accounts).
    partitions : pandas.DataFrame
        One row per reading and partition of the levels: ``n_thresholds``; ``partition`` (``1 2 | 3 4 | 5``); ``share_explained``
        of the weighted sum of squares; ``share_resamples``, share of the resamples in which it fits best among those with as
        many thresholds; ``is_claimed``.
    steps : pandas.DataFrame
        One row per reading and band of the claimed partition, else of the best one with two thresholds (of three levels: one):
        ``score_from, score_to, estimate, ci_low, ci_high, n_accounts``; ``share_resamples`` of its partition; ``is_claimed``.
    tests : pandas.DataFrame
        One row per reading and test: ``test, statistic, df`` (missing: simulated), ``p_value`` (missing: not testable).
    readings : pandas.DataFrame
        One row per reading: ``shape`` (``two thresholds``, ``one threshold``, ``line``, ``curve``: no line and no thresholds that
        can be told), ``n_respondents, n_accounts``; ``estimate, ci_low, ci_high``: change of loyalty per level along the line;
        ``why``: where no threshold is claimed, the conditions that failed.
    bends : pandas.DataFrame
        With a score of several items, one row per reading and term of the continuous line with two bends: ``term``
        (``breakpoint 1``, ``slope 1`` …) ``, estimate, ci_low, ci_high``; else empty.
    later : pandas.DataFrame
        With a frame of behavior, one row per outcome and band of satisfaction (low below 2.5, high from 4.5): ``term``
        (``share_no_order``, ``share_lost``, ``share_revenue_change``) ``, group_name, n_accounts, estimate, ci_low, ci_high``,
        and ``adjusted, adjusted_low, adjusted_high`` for revenue and days since the last order; ``why`` one is missing (a band
        of fewer than ``min_n`` accounts has no figures). Read with level 3 as neutral. Else empty.
    outcome : str
        The loyalty.
    is_share : bool
        Whether the outcome is yes or no, so that its mean is a share.
    satisfaction : tuple of str
        The questions whose mean is the satisfaction.
    leading : str
        The reading that leads, as the dataset declares it.
    is_changed : bool
        Whether the other reading of level 3 comes to another conclusion.
    n_unknown, n_unobserved : int
        Account-waves with answers that the frame of behavior does not know; rows whose outcome is not known or that count for
        nothing.
    min_n : int
        Accounts that a band of ``later`` needs.
    level : float
        Level of the intervals.
    n_resamples, seed : int
        Resamples of the accounts and draws of the tests, and their seed.
    """

    main: ClassVar[str] = "curve"
    rests_on: ClassVar = {
        "curve": RestsOn(people=("n_respondents",), parts="score", labels=("score",)),
        "partitions": AS_IT_IS,
        "steps": RestsOn(people=("n_accounts",), labels=("score_from", "score_to")),
        "tests": AS_IT_IS,
        "readings": RestsOn(people=("n_respondents",)),
        "bends": AS_IT_IS,
        "later": RestsOn(people=("n_accounts",), parts="group_name"),
    }

    curve: pd.DataFrame
    partitions: pd.DataFrame
    steps: pd.DataFrame
    tests: pd.DataFrame
    readings: pd.DataFrame
    bends: pd.DataFrame
    later: pd.DataFrame
    outcome: str
    is_share: bool
    satisfaction: tuple[str, ...]
    leading: str
    is_changed: bool
    n_unknown: int
    n_unobserved: int
    min_n: int
    level: float
    n_resamples: int
    seed: int

    def of(self, frame: pd.DataFrame, level_3: str | None = None) -> pd.DataFrame:
        """The rows of a frame in one reading; by default the one that leads."""
        return frame[frame["level_3"] == (level_3 or self.leading)].reset_index(drop=True)

    @property
    def shape(self) -> str:
        """The conclusion in the leading reading."""
        return str(self.of(self.readings)["shape"].iloc[0])

    def said(self, value: float) -> str:
        """A value of the outcome with its unit."""
        say = self.context.wording
        if self.is_share:
            return say.share(value)
        if self.outcome == "revenue_next" or (self.outcome in GLOSSARY and GLOSSARY[self.outcome].format == "money"):
            return say.money(value)
        return say.number(value, 1)

    def _said_change(self, value: float) -> str:
        """A change of the outcome: of a share in points."""
        say = self.context.wording
        if not self.is_share:
            return self.said(value)
        return say.sentence("{n} points", n=say.number(100 * value, 1))

    def outcome_in_words(self) -> str:
        """What loyalty is here, with its scale."""
        return name_question(self.context.wording, self.outcome)

    def steps_in_words(self) -> str:
        """``2.2 up to level 2, 3.4 at levels 3 to 4 and 4.6 at level 5``."""
        say = self.context.wording
        steps = self.of(self.steps)
        lowest = steps["score_from"].min()
        parts = []
        columns = (steps[name] for name in ("estimate", "score_from", "score_to"))
        for estimate, start, end in zip(*columns, strict=True):
            value, first, last = self.said(estimate), say.count(start), say.count(end)
            if start == end:
                parts.append(say.sentence("{value} at level {level}", value=value, level=last))
            elif start == lowest:
                parts.append(say.sentence("{value} up to level {level}", value=value, level=last))
            else:
                parts.append(say.sentence("{value} at levels {first} to {last}", value=value, first=first, last=last))
        return say.listing(parts)

    def _sentence(self) -> str:
        say = self.context.wording
        outcome = self.outcome_in_words()
        if self.shape in ("one threshold", "two thresholds"):
            share = self.of(self.steps)["share_resamples"].iloc[0]
            first = say.sentence(
                "Loyalty moves with satisfaction in steps: {outcome} is {steps}; of all ways to cut the levels these steps fit "
                "best in {share} of the resamples, and a straight line does not fit.",
                outcome=outcome,
                steps=self.steps_in_words(),
                share=say.share(share, 0),
            )
        else:
            row = self.of(self.readings).iloc[0]
            changes = row["ci_low"] > 0 or row["ci_high"] < 0
            by = say.sentence(
                "{outcome} {moves} by {slope} per level of satisfaction ({interval})",
                outcome=outcome,
                moves=say.sentence("rises") if row["estimate"] > 0 else say.sentence("falls"),
                slope=self._said_change(abs(row["estimate"])),
                interval=self._slope_interval(row),
            )
            if not changes:
                first = say.sentence(
                    "No step and no slope can be told from chance: {by}, over {n} accounts.",
                    by=by,
                    n=say.count(row["n_accounts"]),
                )
            elif self.shape == "line":
                first = say.sentence("{by}, as along a straight line: no thresholds can be told.", by=by)
            else:
                first = say.sentence(
                    "{by} on average, but not along a straight line; where it would go in steps cannot be told.", by=by
                )
            first = first[0].upper() + first[1:]
        if not self.is_changed:
            return first
        other = next(name for name in self.readings["level_3"] if name != self.leading)
        shape = str(self.of(self.readings, other)["shape"].iloc[0])
        second = say.sentence(
            "With level 3 read as {other} the conclusion is another: {shape}.",
            other=say.sentence(other),
            shape=shape_in_words(say, shape),
        )
        return say.join([first, second])

    def _slope_interval(self, row: pd.Series) -> str:
        """Interval of the size of the slope, signed as it moves."""
        ends = [row["ci_low"], row["ci_high"]] if row["estimate"] > 0 else [-row["ci_high"], -row["ci_low"]]
        return self.context.wording.interval(self._said_change(ends[0]), self._said_change(ends[1]), self.level)

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        curve = self.of(self.curve).dropna(subset="estimate")
        steps, reading = self.of(self.steps), self.of(self.readings).iloc[0]
        shown = [curve.iloc[0], curve.iloc[-1]] if len(curve) > 1 else [row for _, row in curve.iterrows()]
        figures = [
            KeyFigure(
                value=self.said(row["estimate"]),
                label=say.sentence(
                    "{outcome} at level {level}", outcome=self.outcome_in_words(), level=say.count(row["score"])
                ),
                note=say.interval(self.said(row["ci_low"]), self.said(row["ci_high"]), self.level),
            )
            for row in shown
        ]
        tests = self.of(self.tests)
        p = float(tests.loc[tests["test"] == LINE_TEST, "p_value"].iloc[0])
        return (
            *figures,
            KeyFigure(
                value=shape_in_words(say, self.shape),
                label=say.sentence("shape of the curve"),
                note=say.sentence("straight line: not testable")
                if np.isnan(p)
                else say.sentence("all levels on a straight line: {p}", p=say.p_value(p)),
            ),
            KeyFigure(
                value=say.share(steps["share_resamples"].iloc[0], 0) if len(steps) else say.sentence("none"),
                label=say.sentence("of the resamples have these steps as the best"),
                note=say.sentence("not claimed: {why}", why=reading["why"])
                if reading["why"]
                else say.sentence("a threshold is claimed from {share} on", share=say.share(CLAIMED_AT, 0)),
            ),
            KeyFigure(
                value=say.count(reading["n_accounts"]),
                label=say.sentence("accounts are compared"),
                note=say.sentence("with {n} answers", n=say.count(reading["n_respondents"])),
            ),
        )


def shape_in_words(say: Wording, shape: str) -> str:
    """What a shape of the curve means."""
    names = {
        "two thresholds": say.sentence("two thresholds"),
        "one threshold": say.sentence("one threshold"),
        "line": say.sentence("a straight line fits"),
        "curve": say.sentence("neither a line nor clear steps"),
    }
    return names[shape]


def failed_in_words(say: Wording, failed: Sequence[str]) -> str:
    """Why no threshold is claimed: the conditions that failed; empty if one is."""
    names = {
        "second": say.sentence("a second threshold does not fit better than one"),
        "line": say.sentence("the best steps fit no better than a straight line"),
        "parabola": say.sentence("a smooth curve explains as much as they do"),
        "resamples": say.sentence(
            "they are the best in fewer than {share} of the resamples", share=say.share(CLAIMED_AT, 0)
        ),
        "flat": say.sentence("loyalty is not flat within the best steps"),
    }
    if tuple(failed[:1]) != ("second",):
        return say.join((names[name] for name in failed), ";")
    return say.sentence(
        "{second}, and of one: {rest}", second=names["second"], rest=say.join((names[f] for f in failed[1:]), ";")
    )


def satisfaction_loyalty(
    responses: Responses,
    behavior: pd.DataFrame | None,
    *,
    outcome: str = "repurchase",
    satisfaction: str | Sequence[str] = "overall",
    designs: Mapping[str, Design] | None = None,
    n_resamples: int = 1000,
    min_n: int = 10,
    level: float = 0.95,
    seed: int = 1,
    context: Context | None = None,
) -> LoyaltyResult:
    """Draw loyalty over satisfaction, and claim thresholds only where the data bear them.

    Two thresholds are claimed when all of this holds: one of the two-threshold partitions fits best in at least 80 % of the
    resamples; it fits better than a straight line and than one threshold (sup-LR, parametric bootstrap, 5 %) and, over five
    levels, explains more than a parabola, a smooth curve with as many numbers; and that loyalty is flat within its bands is not
    rejected (Wald, 1 %). One threshold likewise, where a second adds nothing. Both readings of level 3 are computed.

    Assumes (1) that accounts are independent of one another, their people need not be; (2) that the weights are right and known:
    their own error is not in the intervals; (3) that what is asked is how loyalty goes with satisfaction in accounts like these,
    so there is no finite population correction; (4) that levels are a scale with even steps, where a line is meant; (5) nothing
    about what makes what: attitudes of one and the same sheet hang together, later behavior has other reasons, too.

    Parameters
    ----------
    responses : Responses
        Answers of one or more waves.
    behavior : pandas.DataFrame or None
        One row per account and wave: ``wave, customer_id``, and what came after: ``no_order, churned, n_days_next, revenue_next``
        or any number; for the adjusted comparison ``revenue, days_since_last_order`` before (:func:`survey_frame`). Missing: not
        observed. None: attitudes only.
    outcome : str
        ``repurchase`` or ``recommend``: one row per respondent. Else a column of ``behavior``: one row per account and wave,
        whose satisfaction is the mean of its people, rounded for the levels (halves up).
    satisfaction : str or sequence of str
        A question on five levels, or several whose mean is the score; several are also fitted by a line with two bends.
    designs : mapping of str to Design, optional
        By wave; by default that of who answered.
    n_resamples : int
        Resamples of the accounts, and draws of each test.
    min_n : int
        Bands of ``later`` with fewer accounts have no figures; at least 1.
    level : float
        Level of the intervals.
    seed : int
        The same seed gives the same result.
    context : Context, optional
        Currency, language and dataset; by default that of the responses.

    Returns
    -------
    LoyaltyResult

    Raises
    ------
    MissingColumnError
        The outcome was not asked, or is not in ``behavior``.
    ColumnTypeError, DataError
        The outcome holds no numbers; an account stands twice in a wave of ``behavior``.
    EmptyDataError
        Fewer than 10 accounts, or none in both.
    UndefinedMeasureError
        All are equally satisfied, or equally loyal.
    ParameterError
        ``satisfaction`` is no question on five levels, or a number is out of range.

    References
    ----------
    Hansen, B. E. (1996). Inference when a nuisance parameter is not identified under the null. Econometrica 64.
    Efron, B. & Tibshirani, R. (1993). An Introduction to the Bootstrap, chapter 6.
    Rao, J. N. K. & Scott, A. J. (1984). On chi-squared tests for multiway contingency tables. Annals of Statistics 12.

    Examples
    --------
    >>> from kam.survey import collect_responses
    >>> overall = np.tile([1, 2, 3, 4, 5], 60)
    >>> noise = np.random.default_rng(1).integers(-1, 2, 300)
    >>> frame = pd.DataFrame({"respondent_id": range(300), "overall": overall, "repurchase": 2 + (overall > 2) + (overall > 4)})
    >>> frame["repurchase"] += noise
    >>> result = satisfaction_loyalty(collect_responses(frame), None, n_resamples=200)
    >>> result.shape, result.steps_in_words()
    ('two thresholds', '2.1 up to level 2, 3.0 at levels 3 to 4 and 4.2 at level 5')
    """
    check_whole("n_resamples", n_resamples, at_least=1)
    check_whole("seed", seed, at_least=0)
    check_whole("min_n", min_n, at_least=1)
    check_level(level)
    context = context or responses.context
    items = satisfaction_items(responses, satisfaction)
    designs = one_phase_designs(responses) if designs is None else designs
    if behavior is None and outcome not in ATTITUDES:
        raise MissingColumnError(
            f"The outcome {outcome!r} is behavior, and there is no frame of it.",
            hint=f"Give behavior, or take {' or '.join(ATTITUDES)}.",
        )
    if behavior is not None:
        behavior = checked_behavior(behavior, None if outcome in ATTITUDES else outcome)

    def rows_of(read: Responses) -> LoyaltyRows:
        if outcome in ATTITUDES:
            return respondent_rows(read, items, outcome, designs)
        assert behavior is not None
        return account_rows(read, items, outcome, behavior, designs)

    found = {}
    for reading in responses.readings:
        rows = rows_of(responses.read_level_3_as(reading))
        found[READING_NAMES[reading]] = Reading.of(
            rows,
            rising=outcome not in FALLING,
            limits=SCORES.get(outcome),
            is_scale=len(items) > 1,
            n_resamples=n_resamples,
            level=level,
            seed=seed,
        )
    leading = READING_NAMES[responses.leading_reading]
    is_changed = len({reading.conclusion for reading in found.values()}) > 1
    accounts = _accounts_of(responses, items, behavior, designs)
    later = later_behavior(accounts, context.wording, min_n=min_n, level=level)
    lead = found[leading]

    def frame_of(name: str) -> pd.DataFrame:
        return pd.concat([getattr(r, name).assign(level_3=label) for label, r in found.items()], ignore_index=True)

    return LoyaltyResult(
        context=context,
        checks=check_loyalty(
            context.wording,
            responses=responses,
            rows=lead.rows,
            tests={test.test: test for test in lead.loyalty_tests},
            shapes={label: r.shape for label, r in found.items()},
            leading=leading,
            is_changed=is_changed,
            is_behavior=outcome not in ATTITUDES,
        ),
        assumed=assumed_of_loyalty(context.wording, claimed_at=CLAIMED_AT, is_behavior=outcome not in ATTITUDES),
        curve=_with_why(frame_of("curve"), context.wording),
        partitions=frame_of("partitions"),
        steps=frame_of("steps"),
        tests=frame_of("tests")[list(_TEST_COLUMNS)],
        readings=pd.concat(
            [
                r.summary.assign(level_3=label, why=failed_in_words(context.wording, r.failed))
                for label, r in found.items()
            ],
            ignore_index=True,
        ),
        bends=frame_of("bends"),
        later=later,
        outcome=outcome,
        is_share=lead.is_share,
        satisfaction=tuple(items),
        leading=leading,
        is_changed=is_changed,
        n_unknown=lead.rows.n_unknown,
        n_unobserved=lead.rows.n_unobserved,
        min_n=min_n,
        level=level,
        n_resamples=n_resamples,
        seed=seed,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _with_why(curve: pd.DataFrame, say: Wording) -> pd.DataFrame:
    return curve.assign(why=np.where(curve["estimate"].isna(), few_accounts(say, FEW_ACCOUNTS), ""))


def _accounts_of(
    responses: Responses, items: Sequence[str], behavior: pd.DataFrame | None, designs: Mapping[str, Design]
) -> pd.DataFrame:
    """Account-waves with satisfaction and all that is known of their behavior; empty without any."""
    if behavior is None:
        return pd.DataFrame({"score": [], "weight": []})
    scores = account_scores(responses, items, designs).dropna(subset="score").assign(cluster=lambda f: f["customer_id"])
    return scores.merge(
        behavior.drop(columns=["weight", "score", "cluster"], errors="ignore"), on=["wave", "customer_id"]
    )
