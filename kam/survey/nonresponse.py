"""The honest limit of a survey: what no weight made of the ledger can repair.

Weights repair what the ledger knows. Where answering depends on satisfaction itself, nothing in the answers says by how much
the silent are less satisfied; so that is fixed beforehand, and the answer is a band.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from kam.disclosure import AS_IT_IS, OneByOne, RestsOn
from kam.errors import MissingColumnError, ParameterError
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import check_whole
from kam.survey.asked import drawn_accounts, moves_of_weights, with_revenue
from kam.survey.bands import NEUTRAL, delta_table, shift_all
from kam.survey.cells import scale_of
from kam.survey.delta_adjustment import deltas_up_to, points_of_recommendation
from kam.survey.design import Design
from kam.survey.intervals import check_level
from kam.survey.late_answers import PARTS, compare_early_late, trend_of_answers
from kam.survey.linearization import require_designs
from kam.survey.nonresponse_checks import (
    COMPLAINTS,
    DEPENDS,
    EARLIER,
    LATE,
    NO_SIGN,
    REVERSED,
    assumed_of_nonresponse,
    check_nonresponse,
    judge_signs,
    signed,
)
from kam.survey.questions import name_question
from kam.survey.response_signs import (
    answered_before,
    compare_afterwards,
    earlier_scores,
    effect_of_complaints,
    effect_of_earlier_answers,
    response_by_facts,
    signs_of_dependence,
)
from kam.survey.responses import READING_NAMES, Responses
from kam.survey.silent_accounts import list_silent, response_rates
from kam.survey.tipping import tipping_points


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class NonresponseResult(Result):
    """Result of :func:`assess_nonresponse`.

    Attributes
    ----------
    bands : pandas.DataFrame
        One row per wave, reading of level 3, what counts alike and measure: ``wave, level_3, each, term`` (``mean``,
        ``share satisfied``, ``NPS``); ``n_accounts``, ``n_respondents`` behind it, ``n_unanswered``; ``share_silent``,
        what the silent stand for by weight (a share of the accounts, or of revenue, not of those asked);
        ``estimate, ci_low, ci_high`` as if the silent thought as comparable respondents; ``band_low``, lowest end of the
        intervals, at the largest delta, and ``band_high``, highest end, at delta 0.
    deltas : pandas.DataFrame
        The same by ``delta``: ``wave, level_3, each, term, delta, estimate, ci_low, ci_high``.
    tipping : pandas.DataFrame
        One row per conclusion and whose silent are lower: ``level_3, each, term, wave, conclusion``; ``lower_in``;
        ``estimate, ci_low, ci_high`` at delta 0; ``is_sure``; ``delta_unsure``, ``delta_turned`` (points; missing: not within
        2), from which it is no longer beyond chance, and from which the estimate says otherwise; ``tips`` within the range of
        delta; ``why`` nothing is concluded, since too few answered (else empty).
    early_late : pandas.DataFrame
        Three rows per wave with days: ``wave, part, n_respondents, n_accounts, estimate, ci_low, ci_high``. Empty without days.
    signs : pandas.DataFrame
        Tests of whether answering depends on satisfaction itself, among accounts alike in the ledger: ``term``, ``meaning`` in
        words, ``unit``; ``n_accounts``; ``estimate, ci_low, ci_high``; ``p_value``, ``p_holm`` (over these tests),
        ``stands_out``.
    afterwards : pandas.DataFrame
        What silent accounts did after the field, and those that answered: ``term, wave, n_accounts, n_unanswered, of_answered,
        of_silent, difference_raw, ci_low, ci_high``; ``difference_alike, alike_low, alike_high, p_value`` among accounts alike
        in the ledger; ``why`` nothing is compared, since too few answered or stayed silent (else empty). Differences of shares
        lie within −1 and 1. Empty where nothing is known of it.
    rates : pandas.DataFrame
        Who answered: ``wave, by, group_name, n_drawn, n_answered, share_answered, ci_low, ci_high``, ``revenue_silent`` (money).
    silent : pandas.DataFrame
        The accounts drawn in the last wave that did not answer, largest revenue first: ``rank, customer_id, wave, stratum,
        status, revenue, days_since_last_order, last_score, scored_in, n_signs, why, no_order``.
    verdict : str
        What the signs say of whether answering depends on satisfaction itself: ``the less satisfied answer less``, ``the more
        satisfied answer less``, ``no sign of it``, ``not testable``. In no case is anything corrected for it.
    outcome : str
        Column of the mean.
    wave : str
        The last wave, of which the answer speaks.
    level_3 : str
        The reading of level 3 that leads: ``neutral`` or ``no opinion``.
    largest_delta : float
        Points by which the silent may be less satisfied, at most.
    threshold : float or None
        Of the mean; None: none.
    delta_hint : float or None
        Points by which late answers of the last wave are below all: a hint, no proof. None: days are not known.
    min_n : int
        With fewer answers, or accounts, nothing is concluded in ``tipping`` or compared in ``afterwards``.
    level : float
        Of the intervals.
    """

    main: ClassVar[str] = "bands"
    rests_on: ClassVar = {
        "bands": RestsOn(people=("n_respondents",)),
        "deltas": AS_IT_IS,
        "tipping": AS_IT_IS,
        "early_late": RestsOn(people=("n_respondents",), parts="part", contrasts=PARTS[2:]),
        "signs": RestsOn(people=("n_accounts",)),
        "afterwards": AS_IT_IS,
        "rates": AS_IT_IS,
        "silent": OneByOne(columns=("last_score", "scored_in", "n_signs", "why")),
    }

    bands: pd.DataFrame
    deltas: pd.DataFrame
    tipping: pd.DataFrame
    early_late: pd.DataFrame
    signs: pd.DataFrame
    afterwards: pd.DataFrame
    rates: pd.DataFrame
    silent: pd.DataFrame
    verdict: str
    outcome: str
    wave: str
    level_3: str
    largest_delta: float
    threshold: float | None
    delta_hint: float | None
    min_n: int
    level: float

    def band(self, *, wave: str | None = None, each: str = "account", term: str = "mean") -> pd.Series:
        """The row of ``bands`` in the leading reading, by default of the last wave's mean over accounts.

        Raises
        ------
        ParameterError
            There is no such row.
        """
        wave = self.wave if wave is None else wave
        table = self.bands
        here = table[(table["wave"] == wave) & (table["each"] == each) & (table["term"] == term)]
        here = here[here["level_3"] == self.level_3]
        if here.empty:
            raise ParameterError(
                f"There is no band of {term!r} by {each} in wave {wave!r}.", hint="See the rows of bands."
            )
        return here.iloc[0]

    def _sentence(self) -> str:
        say, row = self.context.wording, self.band()
        n_silent, n_asked = self._asked()
        band = say.sentence(
            "In {wave} {n} of {n_asked} accounts asked ({share}) stayed silent; they stand for {weighted} of the "
            "accounts. If they are 0 to {delta} points less satisfied than comparable accounts that answered, the mean "
            "of {outcome} lies between {low} and {high} (from the answers {estimate}, {interval}).",
            wave=self.wave,
            n=say.count(n_silent),
            n_asked=say.count(n_asked),
            share=say.share(n_silent / n_asked, 0),
            weighted=say.share(row["share_silent"], 0),
            delta=say.number(self.largest_delta),
            outcome=name_question(say, self.outcome),
            low=say.number(row["band_low"]),
            high=say.number(row["band_high"]),
            estimate=say.number(row["estimate"]),
            interval=say.interval(say.number(row["ci_low"]), say.number(row["ci_high"]), self.level),
        )
        verdicts = {
            DEPENDS: say.sentence(
                "There are signs that the less satisfied answer less: no weight repairs that, and nothing here is "
                "corrected for it."
            ),
            REVERSED: say.sentence(
                "There are signs that the more satisfied answer less: no weight repairs that, and the band lies on "
                "the wrong side."
            ),
            NO_SIGN: say.sentence(
                "No sign stands out that answering depends on satisfaction itself, which is no proof that it does not."
            ),
        }
        verdict = verdicts.get(
            self.verdict, say.sentence("Whether answering depends on satisfaction itself cannot be tested here.")
        )
        return say.join([band, verdict])

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say, row = self.context.wording, self.band()
        n_silent, n_asked = self._asked()
        figures = [
            KeyFigure(
                value=say.sentence(
                    "{low} to {high}", low=say.number(row["band_low"]), high=say.number(row["band_high"])
                ),
                label=say.sentence(
                    "mean of {outcome}, whatever the silent think within the range",
                    outcome=name_question(say, self.outcome),
                ),
                note=say.sentence(
                    "lowest to highest end of the {level} intervals for delta from 0 to {delta}",
                    level=say.share(self.level, 0),
                    delta=say.number(self.largest_delta),
                ),
            ),
            KeyFigure(
                value=say.share(n_silent / n_asked, 0),
                label=say.sentence("of the accounts asked stayed silent"),
                note=say.sentence(
                    "{n} of {n_asked}, counted, so without interval; they stand for {weighted} of the accounts",
                    n=say.count(n_silent),
                    n_asked=say.count(n_asked),
                    weighted=say.share(row["share_silent"], 0),
                ),
            ),
            self._silent_figure(),
        ]
        late = self.early_late[(self.early_late["wave"] == self.wave) & (self.early_late["part"] == "late less early")]
        if len(late):
            figures.append(
                KeyFigure(
                    value=signed(say, float(late["estimate"].iloc[0])),
                    label=say.sentence("points, late answers less early ones"),
                    note=say.interval(
                        say.number(late["ci_low"].iloc[0]), say.number(late["ci_high"].iloc[0]), self.level
                    ),
                )
            )
        after = self.afterwards[self.afterwards["term"] == "share_no_order"].dropna(subset=["difference_raw"])
        if len(after):
            last = after.iloc[-1]
            figures.append(
                KeyFigure(
                    value=signed(say, 100 * float(last["difference_raw"]), 1),
                    label=say.sentence("points more of the silent then placed no order"),
                    note=say.interval(
                        say.number(100 * last["ci_low"], 1), say.number(100 * last["ci_high"], 1), self.level
                    ),
                )
            )
        return tuple(figures)

    def _asked(self) -> tuple[int, int]:
        """Accounts of the last wave that stayed silent, and that were asked: counted, not weighted."""
        here = self.rates[(self.rates["wave"] == self.wave) & (self.rates["by"] == "all")].iloc[0]
        return int(here["n_drawn"] - here["n_answered"]), int(here["n_drawn"])

    def _silent_figure(self) -> KeyFigure:
        say = self.context.wording
        n = len(self.silent)
        if "revenue" in self.silent.columns:
            return KeyFigure(
                value=say.money_short(float(self.silent["revenue"].sum())),
                label=say.plural("revenue of one silent account", "revenue of {n} silent accounts", n),
                note=say.sentence("of the year before; added up, so without interval"),
            )
        return KeyFigure(
            value=say.count(n), label=say.sentence("silent accounts"), note=say.sentence("counted, so without interval")
        )


def assess_nonresponse(
    responses: Responses,
    frame: pd.DataFrame,
    *,
    designs: Mapping[str, Design] | None = None,
    outcome: str = "overall",
    largest_delta: float = 0.75,
    threshold: float | None = 3.5,
    min_n: int = 10,
    level: float = 0.95,
    context: Context | None = None,
) -> NonresponseResult:
    """Say what those who did not answer may hide, look for signs that they do, and list them.

    1. **Band** (pattern mixture): the silent are delta points less satisfied than comparable respondents, with delta fixed
       beforehand from 0 to ``largest_delta``; then the mean is θ̂ − φ delta, φ the weighted share of the silent (for the share
       satisfied and the NPS see :func:`kam.survey.delta_adjustment.measures`). Comparable is who the weights of the design make
       so. The band goes from the lowest end of the intervals to the highest. If the truth is θ̂'s expectation less φ delta for
       any delta of the range, the band covers it at least as often as an interval does.
    2. **Tipping points**: the delta from which a conclusion changes.
    3. **Signs** that answering depends on satisfaction itself, each among accounts alike in the ledger: late answers are lower;
       who was dissatisfied in an earlier wave answers less in the next; who complained answers less. Holm's correction over
       those that can be tested; one that stands out decides the verdict. Two-sided: the more satisfied may be the silent ones.
    4. **What came after**: orders of the silent against those of respondents, raw and among accounts alike in the ledger.

    Nothing is corrected for what the signs say. Late answers are a hint about delta at most.

    Assumes (1) that the silent are at most ``largest_delta`` less and no more satisfied than comparable respondents, which no
    answer can show; (2) that accounts answer independently; (3) that who answered but left the question out thinks as
    comparable respondents do; (4) the designs.

    Parameters
    ----------
    responses : Responses
        The answers.
    frame : pandas.DataFrame
        From :func:`kam.survey.survey_frame`: **wave, customer_id, drawn, answered**, and what is there of ``stratum,
        probability, status, revenue`` and other facts before the field, and ``no_order, churned, revenue_next`` after it.
    designs : mapping of str to Design, optional
        By wave, with who did not answer (:meth:`WeightsResult.designs`). By default those of who answered: nothing is then
        weighted for who did not, and φ comes from the frame as if it were known.
    outcome : str
        Column of the answers.
    largest_delta : float
        Points, above 0.
    threshold : float, optional
        Of the mean; None: none.
    min_n : int
        Nothing is concluded or compared with fewer answers, or accounts; at least 1.
    level : float
        Of the intervals, between 0 and 1.
    context : Context, optional
        By default that of the responses.

    Returns
    -------
    NonresponseResult

    Raises
    ------
    MissingColumnError
        The outcome was not asked, or the frame lacks a column.
    EmptyDataError
        No silent account is known, or nobody answered the question in a wave.
    ParameterError
        ``largest_delta`` is not above 0, ``min_n`` below 1, the level not between 0 and 1, or a wave has no design.

    References
    ----------
    Rubin, D. B. (1987). Multiple Imputation for Nonresponse in Surveys, section 6.2: fixed shifts of the silent. Little, R. J. A.
    (1993). Pattern-mixture models for multivariate incomplete data. JASA 88, 125–134. Lin, I.-F. & Schaeffer, N. C. (1995). Using
    survey participants to estimate the impact of nonparticipation. Public Opinion Quarterly 59, 236–258: late answers. Holm, S.
    (1979).

    Examples
    --------
    Half of the accounts are silent: with delta 0.5 the mean is a quarter lower.

    >>> from kam.survey.responses import collect_responses
    >>> ids = [str(i) for i in range(8)]
    >>> answers = collect_responses(
    ...     pd.DataFrame({"respondent_id": ids[:4], "customer_id": ids[:4], "overall": [5, 4, 4, 3]})
    ... )
    >>> asked = pd.DataFrame({"wave": "1", "customer_id": ids, "drawn": True, "answered": [True] * 4 + [False] * 4})
    >>> found = assess_nonresponse(answers, asked, largest_delta=0.5)
    >>> found.deltas.query("each == 'account' and level_3 == 'neutral' and term == 'mean'")["estimate"].iloc[[0, -1]].tolist()
    [4.0, 3.75]
    """
    context = context or responses.context
    say = context.wording
    _check(responses, frame, outcome, largest_delta, min_n, level)
    drawn, waves, without_silent, n_not_drawn = drawn_accounts(responses, frame)
    given = require_designs(responses, designs)
    designs = {wave: with_revenue(given[wave], drawn, wave) for wave in waves}
    deltas = deltas_up_to(largest_delta)
    shifted, bands = shift_all(responses, designs, drawn, outcome, deltas, largest_delta, level)
    scores = earlier_scores(designs, outcome)
    before = answered_before(drawn, scores, waves)
    early_late = compare_early_late(designs, outcome, level=level)
    signs = signs_of_dependence(
        say,
        {
            LATE: trend_of_answers(designs, outcome, drawn, level=level, beside_facts=True),
            EARLIER: effect_of_earlier_answers(before, level=level),
            COMPLAINTS: effect_of_complaints(drawn, level=level),
        },
        level,
    )
    verdict = judge_signs(signs)
    afterwards = compare_afterwards(say, drawn, min_n=min_n, level=level)
    tipping = tipping_points(
        say, shifted, waves=waves, threshold=threshold, largest_delta=largest_delta, min_n=min_n, level=level
    )
    last, middle = waves[-1], sum(scale_of(responses, outcome)) / 2
    leading = READING_NAMES[responses.leading_reading]
    leading = leading if leading in set(bands["level_3"]) else NEUTRAL
    return NonresponseResult(
        context=context,
        checks=check_nonresponse(
            say,
            signs=signs,
            verdict=verdict,
            afterwards=afterwards,
            response=response_by_facts(drawn),
            designs=designs,
            moves=moves_of_weights(designs, outcome),
            tipping=tipping[tipping["level_3"] == leading],
            without_silent=without_silent,
            n_not_drawn=n_not_drawn,
        ),
        assumed=assumed_of_nonresponse(
            say,
            largest_delta=largest_delta,
            threshold=threshold,
            slope=points_of_recommendation(designs[last].responses.rows, outcome),
        ),
        bands=bands,
        deltas=delta_table(shifted, largest_delta, level),
        tipping=tipping,
        early_late=early_late,
        signs=signs,
        afterwards=afterwards,
        rates=response_rates(say, drawn, level=level),
        silent=list_silent(say, before, wave=last, waves=waves, middle=middle),
        verdict=verdict,
        outcome=outcome,
        wave=last,
        level_3=leading,
        largest_delta=float(largest_delta),
        threshold=None if threshold is None else float(threshold),
        delta_hint=_hint(designs[last], outcome, early_late, last),
        min_n=min_n,
        level=level,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check(
    responses: Responses, frame: pd.DataFrame, outcome: str, largest_delta: float, min_n: int, level: float
) -> None:
    if outcome not in responses.answer_columns:
        raise MissingColumnError(
            f"There are no answers to {outcome!r}.",
            where="survey",
            hint=f"There are {', '.join(responses.answer_columns)}.",
        )
    for column in ("wave", "customer_id", "drawn", "answered"):
        if column not in frame.columns:
            raise MissingColumnError(
                f"The frame has no column {column!r}.", where="frame", hint="Make it by survey_frame(responses, …)."
            )
    if not 0 < largest_delta < np.inf:
        raise ParameterError(f"largest_delta is {largest_delta!r}.", hint="Give points above 0, such as 0.75.")
    check_whole("min_n", min_n, at_least=1)
    check_level(level)


def _hint(design: Design, outcome: str, early_late: pd.DataFrame, wave: str) -> float | None:
    late = early_late[(early_late["wave"] == wave) & (early_late["part"] == "late")]
    if late.empty:
        return None
    return design.mean(design.responses.rows[outcome]).estimate - float(late["estimate"].iloc[0])
