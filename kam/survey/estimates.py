"""What the answers of a survey say: levels, top two, mean and net promoter score by wave and group, with their intervals."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from kam.columns import GLOSSARY
from kam.disclosure import RestsOn
from kam.errors import ParameterError
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import check_whole
from kam.survey.cells import (
    ALL,
    EITHER,
    estimate_cells,
    in_percent,
    require_grouping,
    require_questions,
    ways_to_count,
)
from kam.survey.design import EACH, Design, Each
from kam.survey.estimate_checks import assumed_of_estimates, check_estimates
from kam.survey.intervals import check_level
from kam.survey.linearization import require_designs
from kam.survey.nps import points
from kam.survey.questions import name_question
from kam.survey.responses import READING_NAMES, Responses
from kam.wording import Wording

MEASURES = [
    "wave", "by", "group_name", "item", "measure", "each", "level_3", "estimate", "std_error", "ci_low", "ci_high", "df",
    "n_respondents", "n_accounts", "n_effective", "why",
]  # fmt: skip
_LEVELS = ["wave", "item", "each", "answer_level", *MEASURES[7:]]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class EstimatesResult(Result):
    """Result of :func:`estimate`.

    Attributes
    ----------
    measures : pandas.DataFrame
        One row per ``wave``, group (``by, group_name``; ``all`` together first), question (``item``), ``measure`` (``mean``;
        ``top two`` and, of all together, ``bottom two`` of five levels, shares; ``NPS``, points), ``each`` (what counts alike:
        ``account``, ``revenue``, ``respondent``) and reading ``level_3`` (``neutral``, ``no opinion``; ``either`` where a
        question has none in the middle): ``estimate, std_error, ci_low, ci_high``, ``df`` (primary sampling units less strata),
        ``n_respondents, n_accounts``, ``n_effective`` (answers of a simple random sample that would tell as much), ``why``
        (empty, or why the estimate, or its interval, is not given).
    levels : pandas.DataFrame
        The same of each level (``answer_level``, 1 to 5) of each question on five levels, of all together, as shares of those who
        answered; level 3 is one of them, whatever it means.
    questions : pandas.DataFrame
        One row per wave and question, of all together, by ``lead_each`` and ``lead_level_3``: ``item, text`` (says so where the
        item was turned), ``theme``; ``mean`` with ``ci_low, ci_high``; ``share_top_two, share_bottom_two`` (missing where there
        are not five levels); ``n_answered, n_not_applicable, n_no_answer, n_blank`` (respondents); ``why``.
    lead_each : str
        What counts alike in the answer and in ``questions``.
    lead_level_3 : str
        The reading of level 3 that the dataset declares: ``neutral`` or ``no opinion``.
    lead_item : str
        The question of the answer: ``overall``, or else the first.
    wave : str
        The last wave, that of the answer.
    min_n : int
        Cells with fewer respondents, or accounts, have no estimate.
    n_suppressed : int
        Cells of ``measures`` and ``levels`` without an estimate.
    level : float
        Level of the intervals.
    """

    main: ClassVar[str] = "questions"
    rests_on: ClassVar = {
        "measures": RestsOn(people=("n_respondents",), parts="group_name", whole=("by", ALL)),
        "levels": RestsOn(people=("n_respondents",)),
        "questions": RestsOn(people=("n_answered",)),
    }

    measures: pd.DataFrame
    levels: pd.DataFrame
    questions: pd.DataFrame
    lead_each: str
    lead_level_3: str
    lead_item: str
    wave: str
    min_n: int
    n_suppressed: int
    level: float

    def find(
        self, item: str, measure: str, *, wave: str | None = None, by: str = ALL, each: str | None = None
    ) -> pd.DataFrame:
        """The rows of ``measures`` of a question and measure as the dataset reads level 3, one per wave and group.

        Parameters
        ----------
        item, measure : str
            Question and measure.
        wave : str, optional
            One wave; by default all.
        by : str
            What groups are formed by.
        each : str, optional
            What counts alike; by default ``lead_each``.
        """
        m = self.measures
        chosen = (m["item"] == item) & (m["measure"] == measure) & (m["by"] == by)
        chosen &= (m["each"] == (each or self.lead_each)) & m["level_3"].isin([self.lead_level_3, EITHER])
        return m[chosen & (True if wave is None else m["wave"] == wave)].reset_index(drop=True)

    def overview(self) -> pd.DataFrame:
        """The last wave, all together, for a reader: by what counts alike and how level 3 is read; shares in percent.

        Returns
        -------
        pandas.DataFrame
            ``term`` in words, ``each, level_3, estimate, ci_low, ci_high, n_respondents, n_accounts, why``.
        """
        m = self.measures[(self.measures["wave"] == self.wave) & (self.measures["by"] == ALL)]
        lead = (m["item"] == self.lead_item) & m["measure"].isin(["top two", "mean"])
        score = (m["item"] == "recommend") & (m["measure"] == "NPS")
        shown = ["term", "each", "level_3", "estimate", "ci_low", "ci_high", "n_respondents", "n_accounts", "why"]
        return in_percent(self.context.wording, m[lead | score])[shown].reset_index(drop=True)

    def by_group(self) -> pd.DataFrame:
        """The last wave by group, for a reader, as it leads: the share of 4 or 5 in percent (or else the mean) of the question.

        Returns
        -------
        pandas.DataFrame
            ``by`` and ``term`` in words, ``group_name, estimate, ci_low, ci_high, n_respondents, n_accounts, why``.
        """
        say = self.context.wording
        m = self.measures[(self.measures["wave"] == self.wave) & (self.measures["item"] == self.lead_item)]
        m = m[(m["each"] == self.lead_each) & m["level_3"].isin([self.lead_level_3, EITHER])]
        measure = "top two" if (m["measure"] == "top two").any() else "mean"
        m = in_percent(say, m[(m["measure"] == measure) & (m["by"] != ALL)])
        m["by"] = [say.label(by) if by in GLOSSARY else by for by in m["by"]]
        shown = ["by", "group_name", "term", "estimate", "ci_low", "ci_high", "n_respondents", "n_accounts", "why"]
        return m[shown].reset_index(drop=True)

    def _row(self, item: str, measure: str, each: str | None = None) -> Mapping[Hashable, Any] | None:
        """The row of the last wave, all together; None where it is not there or has no estimate."""
        found = self.find(item, measure, wave=self.wave, each=each).dropna(subset=["estimate"])
        return None if found.empty else found.iloc[0].to_dict()

    def _sentence(self) -> str:
        say = self.context.wording
        parts = []
        top, mean, score = (
            self._row(self.lead_item, "top two"), self._row(self.lead_item, "mean"), self._row("recommend", "NPS"),
        )  # fmt: skip
        if top:
            parts.append(self._say_top_two(top))
        elif mean:
            parts.append(
                say.sentence(
                    "In wave {wave}, the mean answer to {item} is {mean} ({interval}), {counting}.",
                    wave=self.wave,
                    item=name_question(say, self.lead_item),
                    mean=say.number(mean["estimate"]),
                    interval=in_words(say, mean, self.level),
                    counting=counting(say, self.lead_each),
                )
            )
        by_revenue = self._row(self.lead_item, "top two", "revenue")
        if top and by_revenue and self.lead_each != "revenue":
            parts.append(
                say.sentence(
                    "Weighed by revenue it is {share} ({interval}).",
                    share=say.share(by_revenue["estimate"]),
                    interval=in_words(say, by_revenue, self.level),
                )
            )
        if score:
            parts.append(
                say.sentence(
                    "The net promoter score is {nps} points ({interval}).",
                    nps=points(say, score["estimate"]),
                    interval=in_words(say, score, self.level),
                )
            )
        gone = self._n_left_out()
        if parts and gone:
            parts.append(
                say.plural(
                    "One more answer is not counted: its account was not among those asked.",
                    "{n} more answers are not counted: their accounts were not among those asked.",
                    gone,
                )
            )
        return say.join(parts) or say.plural(
            "In wave {wave}, one person answered; to say more takes answers from at least {least} accounts.",
            "In wave {wave}, {n} people answered; to say more takes answers from at least {least} accounts.",
            self._n_answered(),
            wave=self.wave,
            least=say.count(self.min_n),
        )

    def _say_top_two(self, top: Mapping[Hashable, Any]) -> str:
        say = self.context.wording
        values = {
            "wave": self.wave,
            "share": say.share(top["estimate"]),
            "item": name_question(say, self.lead_item),
            "interval": in_words(say, top, self.level),
            "counting": counting(say, self.lead_each),
        }
        if self.lead_item == "overall" and self.lead_level_3 == "no opinion":
            return say.sentence(
                "In wave {wave}, {share} of those with an opinion are satisfied, 4 or 5 of five ({interval}), {counting}.",
                **values,
            )
        if self.lead_item == "overall":
            return say.sentence(
                "In wave {wave}, {share} are satisfied, 4 or 5 of five ({interval}), {counting}.", **values
            )
        return say.sentence("In wave {wave}, {share} answer 4 or 5 to {item} ({interval}), {counting}.", **values)

    def _n_answered(self) -> int:
        """Answers to the leading question of the last wave that are counted."""
        return int(self.find(self.lead_item, "mean", wave=self.wave)["n_respondents"].iloc[0])

    def _n_left_out(self) -> int:
        """Answers to it that are not counted, since the design of the wave does not know their accounts."""
        rows = self.questions[(self.questions["wave"] == self.wave) & (self.questions["item"] == self.lead_item)]
        return max(int(rows["n_answered"].iloc[0]) - self._n_answered(), 0)

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        wanted = [
            (self.lead_item, "top two", self.lead_each, say.sentence("answer 4 or 5 of five")),
            (self.lead_item, "top two", "revenue", say.sentence("of revenue comes from answers of 4 or 5")),
            (self.lead_item, "mean", self.lead_each, say.sentence("mean answer")),
            ("recommend", "NPS", self.lead_each, say.sentence("net promoter score")),
        ]
        figures = []
        for item, measure, each, label in dict.fromkeys(wanted):
            rows = self.find(item, measure, wave=self.wave, each=each)
            if rows.empty:
                continue
            row = rows.iloc[0].to_dict()
            missing = pd.isna(row["estimate"])
            value = say.sentence("not given") if missing else value_in_words(say, row)
            figures.append(KeyFigure(value=value, label=label, note=in_words(say, row, self.level)))
        last = self.questions[self.questions["wave"] == self.wave]
        answered = KeyFigure(
            value=say.count(self._n_answered()),
            label=say.sentence("answers to {question}", question=name_question(say, self.lead_item)),
            note=say.sentence("in wave {wave}, counted", wave=self.wave),
        )
        asked = KeyFigure(
            value=say.count(len(last)),
            label=say.sentence("questions with answers on a scale"),
            note=say.sentence("in wave {wave}, counted", wave=self.wave),
        )
        return (*figures, answered, asked)[:5]


def estimate(
    responses: Responses,
    *,
    designs: Mapping[str, Design] | None = None,
    by: Sequence[str] | str = (),
    accounts: pd.DataFrame | None = None,
    questions: Sequence[str] | None = None,
    each: Sequence[Each] | None = None,
    grouped: Sequence[str] | None = None,
    min_n: int = 10,
    level: float = 0.95,
    context: Context | None = None,
) -> EstimatesResult:
    """Estimate levels, top two, mean and net promoter score of every question, by wave and group, with intervals.

    Shares have Korn and Graubard's interval with the design's effective number and degrees of freedom, means a t interval with
    as many degrees of freedom as primary sampling units in the group less their strata, the net promoter score the adjusted Wald
    interval with its effective number. The variance is that of the design (:meth:`kam.survey.Design.variance`): accounts are
    the units, so people of one account need not be independent; a group is a domain, whose size is itself an estimate. Every
    question on five levels is read twice, with level 3 as neutral and as no opinion; the checks name each conclusion that
    changes. By account, by revenue and by respondent stand side by side.

    Assumes (1) that who answered would tell what those would who did not, as far as the weights do not mend it; (2) that
    accounts answer independently of one another; (3) that a stratum of which one account is there is like the others: its
    variance is taken about the mean of all (checked); (4) that the levels are equally far apart, for means.

    Parameters
    ----------
    responses : Responses
        One or more waves.
    designs : mapping of str to Design, optional
        By wave (:meth:`WeightsResult.designs`); by default those who answered are taken for the sample.
    by : sequence of str
        Ways to form groups: groups of the responses, ``stratum``, or columns of ``accounts``, one at a time.
    accounts : pandas.DataFrame, optional
        One row per account: ``customer_id`` and what groups may be formed by (region, ABC class).
    questions : sequence of str, optional
        Scores and items to read; by default all.
    each : sequence of {"account", "revenue", "respondent"}, optional
        What counts alike, the one to lead with first; by default all that is known, ``account`` first.
    grouped : sequence of str, optional
        Questions to read group by group; by default ``overall`` and ``recommend``, or else the first.
    min_n : int
        Cells with fewer respondents, or fewer accounts, have no estimate and say so; at least 1.
    level : float
        Level of the intervals, between 0 and 1.
    context : Context, optional
        Dataset, currency, language.

    Returns
    -------
    EstimatesResult

    Raises
    ------
    ParameterError
        A question or way to count is not known, a wave has no design, ``min_n`` is below 1 or the level not between 0 and 1.
    MissingColumnError
        There is nothing by that name to form groups by; revenue is to count and is not known.
    DataError
        An account stands twice in ``accounts``.

    References
    ----------
    Korn, E. L. & Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of positive counts
    estimated from survey data. Survey Methodology 24(2).
    Särndal, C.-E., Swensson, B. & Wretman, J. (1992). Model Assisted Survey Sampling, chapters 5 and 9.

    Examples
    --------
    >>> from kam.survey import collect_responses
    >>> frame = pd.DataFrame({"respondent_id": range(40), "overall": [5, 4, 4, 2] * 10})
    >>> result = estimate(collect_responses(frame))
    >>> result.find("overall", "top two")[["estimate", "ci_low", "ci_high"]].round(3).values.tolist()
    [[0.75, 0.586, 0.874]]
    """
    context = context or responses.context
    say = context.wording
    check_whole("min_n", min_n, at_least=1)
    check_level(level)
    chosen = require_designs(responses, designs)
    asked = require_questions(responses, questions)
    grouping = require_grouping(by, accounts)
    item = "overall" if "overall" in asked else asked[0]
    by_group = {item, *({"recommend"} & set(asked))} if grouped is None else set(require_questions(responses, grouped))
    ways = ways_to_count(responses, chosen) if each is None else _checked_ways(each)
    cells = estimate_cells(
        responses,
        chosen,
        questions=asked,
        grouping=grouping,
        grouped=by_group,
        each=ways,
        min_n=min_n,
        level=level,
        say=say,
    )
    reading = READING_NAMES[responses.leading_reading]
    is_level = cells["measure"] == "level"
    measures = cells.loc[~is_level, MEASURES].reset_index(drop=True)
    return EstimatesResult(
        context=context,
        checks=check_estimates(
            say, responses, chosen, cells, item=item, each=ways, lead_level_3=reading, min_n=min_n, level=level
        ),
        assumed=assumed_of_estimates(say, responses, reading, designs is None, ways, min_n),
        measures=measures,
        levels=cells.loc[is_level, _LEVELS].reset_index(drop=True),
        questions=_questions(say, responses, measures, ways[0], reading),
        lead_each=ways[0],
        lead_level_3=reading,
        lead_item=item,
        wave=responses.waves[-1],
        min_n=min_n,
        n_suppressed=int(cells["estimate"].isna().sum()),
        level=level,
    )


def counting(say: Wording, each: str) -> str:
    """What counts alike, in words."""
    words = {
        "account": say.sentence("each account counted alike"),
        "revenue": say.sentence("accounts counted by their revenue"),
        "respondent": say.sentence("each respondent counted alike"),
    }
    return words[each]


def in_words(say: Wording, row: Mapping[Hashable, Any], level: float) -> str:
    """The interval of a row of measures, or why it has none."""
    if pd.isna(row["ci_low"]):
        return str(row["why"])
    ends = [value_in_words(say, {**row, "estimate": row[end]}) for end in ("ci_low", "ci_high")]
    return say.interval(ends[0], ends[1], level)


def value_in_words(say: Wording, row: Mapping[Hashable, Any]) -> str:
    """The estimate of a row of measures: a share in percent, points, or a mean."""
    if row["measure"] == "NPS":
        return points(say, row["estimate"])
    return say.number(row["estimate"]) if row["measure"] == "mean" else say.share(row["estimate"])


# -- inside ----------------------------------------------------------------------------------------------------------


def _checked_ways(each: Sequence[Each]) -> tuple[Each, ...]:
    unknown = [way for way in each if way not in EACH]
    if unknown or not each:
        raise ParameterError(f"each is {list(each)}.", hint=f"Take some of {', '.join(EACH)}.")
    return tuple(dict.fromkeys(each))


def _questions(say: Wording, responses: Responses, measures: pd.DataFrame, each: str, reading: str) -> pd.DataFrame:
    m = measures[(measures["by"] == ALL) & (measures["each"] == each) & measures["level_3"].isin([reading, EITHER])]
    key = ["wave", "item"]
    table = m.loc[m["measure"] == "mean", [*key, "estimate", "ci_low", "ci_high", "why"]].rename(
        columns={"estimate": "mean"}
    )
    for measure, column in (("top two", "share_top_two"), ("bottom two", "share_bottom_two")):
        shares = m.loc[m["measure"] == measure, [*key, "estimate"]].rename(columns={"estimate": column})
        table = table.merge(shares, on=key, how="left")
    counts = responses.status.groupby([*key, "status"], observed=True).size().unstack(fill_value=0)
    names = {
        "answered": "n_answered",
        "not applicable": "n_not_applicable",
        "no answer": "n_no_answer",
        "blank": "n_blank",
    }
    counts = counts.reindex(columns=list(names), fill_value=0).rename(columns=names).reset_index()
    table = table.merge(counts, on=key, how="left")
    texts = {
        row["item"]: say.sentence("{text} (turned: high is good)", text=row["text"]) if row["reversed"] else row["text"]
        for row in responses.items.to_dict("records")
    }
    themes = dict(zip(responses.items["item"], responses.items["theme"], strict=True))
    table["text"] = [str(texts.get(item) or name_question(say, item)) for item in table["item"]]
    table["theme"] = [str(themes.get(item, "")) for item in table["item"]]
    table[list(names.values())] = table[list(names.values())].fillna(0).astype("int64")
    shown = ["text", "theme", "mean", "ci_low", "ci_high", "share_top_two", "share_bottom_two", *names.values(), "why"]
    return table[[*key, *shown]].reset_index(drop=True)
