"""Whether several questions measure one thing, and whether people of one account answer alike.

Cronbach's alpha and McDonald's omega say how much of the differences in the sum of the questions is not noise; the item–total
correlation says which question does not belong; the intraclass correlation says what a second respondent of an account adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.disclosure import OneByOne, RestsOn
from kam.errors import (
    ColumnTypeError,
    DataError,
    EmptyDataError,
    MissingColumnError,
    ParameterError,
    UndefinedMeasureError,
)
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import check_whole
from kam.survey.account_agreement import agree_by_wave
from kam.survey.intervals import check_level
from kam.survey.item_set import ItemSet
from kam.survey.omega import ESTIMATORS, Estimator
from kam.survey.reliability_checks import ENOUGH, assumed_of_reliability, check_reliability
from kam.survey.reliability_frames import AGREEMENT, COEFFICIENTS, DISAGREEING, ITEMS, PEOPLE, typed_frame
from kam.survey.responses import SCORES, Responses
from kam.wording import Wording

Ints = npt.NDArray[np.int64]

MIN_N = 20
"""Fewer respondents say nothing about how questions hang together."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ReliabilityResult(Result):
    """Result of :func:`reliability`.

    Attributes
    ----------
    coefficients : pandas.DataFrame
        One row per set of questions (all of them first, then each theme), basis and measure: ``theme, basis`` (``complete``: who
        answered every question of the set; ``pairwise``: each pair of questions over who answered both; there only where answers
        are missing) ``, measure`` (``alpha``, ``standardized alpha``, ``mean correlation``, ``omega total``) ``, method,
        estimate, ci_low, ci_high`` (over accounts) ``, feldt_low, feldt_high`` (of alpha on complete answers) ``, n_items,
        n_respondents`` (pairwise: of the pair with fewest) ``, n_accounts, reason`` (why there is no estimate; else empty).
    items : pandas.DataFrame
        One row per set and question: ``theme, item, question, basis, n_respondents, answer_mean, answer_sd``; ``item_total``,
        correlation with the sum of the others, with ``ci_low, ci_high`` over accounts; ``loading`` on the one factor;
        ``alpha_if_dropped``, its ``alpha_change`` with ``change_low, change_high`` over accounts; ``runs_against`` (the
        correlation is negative: the question may be reversed without being declared so), ``alpha_if_turned`` (alpha if it were,
        for these alone); ``reason`` (what is the matter; else empty).
    agreement : pandas.DataFrame
        One row per wave and score (and ``mean of the questions``): ``wave, measure``; ``estimate``, the intraclass correlation
        of people within accounts, with ``ci_low, ci_high``; ``design_effect, within_sd`` (levels) ``, n_respondents,
        n_accounts, n_shared`` (accounts with two respondents or more) ``, reason`` (why there is no estimate; else empty).
    disagreeing : pandas.DataFrame
        One row per wave and account that disagrees with itself about ``overall``, widest first: ``wave, customer_id,
        n_respondents, answer_low, answer_high, answer_sd, p_value`` (of a spread as large, corrected for the number of
        accounts) ``, reason`` (which part of the rule it meets).
    people : pandas.DataFrame
        One row per respondent of these accounts: ``wave, customer_id, respondent_id, role`` (the groups the person belongs to)
        ``, answer`` (to ``overall``; missing: none).
    estimator : str
        Of the factor behind omega: minres or ml.
    level : float
        Level of the intervals.
    min_n : int
        Respondents below which nothing is estimated.
    n_items, n_respondents, n_complete : int
        Questions used, respondents who answered one of them, and who answered all.
    n_shared : int
        Accounts (times waves) with two or more respondents who answered ``overall``: those that could disagree.
    """

    main: ClassVar[str] = "coefficients"
    rests_on: ClassVar = {
        "coefficients": RestsOn(people=("n_respondents",)),
        "items": RestsOn(people=("n_respondents",)),
        "agreement": RestsOn(people=("n_respondents",)),
        "disagreeing": OneByOne(),
        "people": OneByOne(),
    }

    coefficients: pd.DataFrame
    items: pd.DataFrame
    agreement: pd.DataFrame
    disagreeing: pd.DataFrame
    people: pd.DataFrame
    estimator: str
    level: float
    min_n: int
    n_items: int
    n_respondents: int
    n_complete: int
    n_shared: int

    def _overall(self, measure: str) -> pd.Series:
        """The row of all questions: on complete answers if there are enough of them, else pairwise."""
        rows = self.coefficients[self.coefficients["theme"] == self.coefficients["theme"].iloc[0]]
        rows = rows[rows["measure"] == measure]
        known = rows[rows["estimate"].notna()]
        return known.iloc[0] if len(known) else rows.iloc[0]

    def _alpha_interval(self) -> tuple[float, float, str]:
        """Over accounts where people share one, else Feldt's where it is known; and what it is."""
        say, row = self.context.wording, self._overall("alpha")
        feldt = row["n_accounts"] == row["n_respondents"] and row["feldt_low"] == row["feldt_low"]
        low, high = ("feldt_low", "feldt_high") if feldt else ("ci_low", "ci_high")
        text = say.interval(say.number(row[low]), say.number(row[high]), self.level)
        return float(row[low]), float(row[high]), f"{text} ({'Feldt' if feldt else say.sentence('over accounts')})"

    def _sentence(self) -> str:
        say, row = self.context.wording, self._overall("alpha")
        low, high, interval = self._alpha_interval()
        verdict = (
            say.sentence("hang together")
            if low >= ENOUGH
            else say.sentence("do not hang together")
            if high < ENOUGH
            else say.sentence("may or may not hang together")
        )
        people = (
            say.plural(
                "{n} sheet with an answer to all of them",
                "{n} sheets with an answer to all of them",
                row["n_respondents"],
            )
            if row["basis"] == "complete"
            else say.sentence("each pair of them, with {n} sheets or more", n=say.count(row["n_respondents"]))
        )
        text = say.sentence(
            "The {n} questions {verdict}: alpha is {alpha}, {interval}, over {people}; {enough} is usually asked.",
            n=say.count(self.n_items),
            verdict=verdict,
            alpha=say.number(row["estimate"]),
            interval=interval,
            people=people,
            enough=say.number(ENOUGH, 1),
        )
        against = self._against()
        if against:
            text = say.join(
                [
                    text,
                    say.plural(
                        "One question runs against the others and may be reversed: {names}.",
                        "{n} questions run against the others and may be reversed: {names}.",
                        len(against),
                        names=say.listing(against[:3] + ([say.sentence("others")] if len(against) > 3 else [])),
                    ),
                ]
            )
        if self.n_shared:
            text = say.join(
                [
                    text,
                    say.plural(
                        "Of {all} times that several people of an account answered in a wave, they disagree once.",
                        "Of {all} times that several people of an account answered in a wave, they disagree {n} times.",
                        len(self.disagreeing),
                        all=say.count(self.n_shared),
                    ),
                ]
            )
        return text

    def _against(self) -> list[str]:
        every = self.items[self.items["theme"] == self.coefficients["theme"].iloc[0]]
        return every.loc[every["runs_against"], "item"].tolist()

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say, alpha, omega = self.context.wording, self._overall("alpha"), self._overall("omega total")
        against = self._against()
        known = omega["estimate"] == omega["estimate"]
        figures = [
            KeyFigure(
                value=say.number(alpha["estimate"]),
                label=say.sentence("Cronbach's alpha of all questions"),
                note=self._alpha_interval()[2],
            ),
            KeyFigure(
                value=say.number(omega["estimate"]) if known else "–",
                label=say.sentence("McDonald's omega total ({estimator})", estimator=self.estimator),
                note=say.interval(say.number(omega["ci_low"]), say.number(omega["ci_high"]), self.level)
                if known and omega["ci_low"] == omega["ci_low"]
                else omega["reason"] or say.sentence("no interval: it is known for minres only"),
            ),
            KeyFigure(
                value=say.count(len(against)),
                label=say.sentence("questions run against the others"),
                note=say.listing(against[:3]) if against else say.sentence("counted, not estimated"),
            ),
        ]
        known_rows = self.agreement[self.agreement["estimate"].notna()]
        if len(known_rows):
            row = known_rows[known_rows["wave"] == known_rows["wave"].iloc[-1]].iloc[0]
            figures.append(
                KeyFigure(
                    value=say.number(row["estimate"]),
                    label=say.sentence(
                        "likeness of people of one account (ICC of {measure}, {wave})",
                        measure=say.text(row["measure"]),
                        wave=row["wave"],
                    ),
                    note=say.interval(say.number(row["ci_low"]), say.number(row["ci_high"]), self.level),
                )
            )
        if self.n_shared:
            figures.append(
                KeyFigure(
                    value=say.count(len(self.disagreeing)),
                    label=say.sentence("times that an account disagrees with itself"),
                    note=say.sentence(
                        "of {n} in which several of its people answered in a wave", n=say.count(self.n_shared)
                    ),
                )
            )
        return tuple(figures)


def reliability(
    responses: Responses | pd.DataFrame,
    *,
    items: Sequence[str] | None = None,
    level: float = 0.95,
    min_n: int = MIN_N,
    estimator: Estimator = "minres",
    context: Context | None = None,
) -> ReliabilityResult:
    """Say how well questions measure one thing, all together and theme by theme, and how alike people of one account answer.

    Assumes (1) that the questions of a set measure one thing, so that their sum means something; (2) that accounts are
    independent (people of one account need not be); (3) for Feldt's interval, that people are, too, and that answers are normal;
    (4) on pairwise answers, that who did not answer a question would have answered it like the others. Answers count alike:
    design weights belong to estimates of the population, not to those of the questionnaire.

    An account **disagrees with itself** if answers of its people to ``overall`` lie 3 levels apart or more, or if their variance
    is larger than the pooled one of all other accounts explains (F test, p < 0.05 after Bonferroni's correction within the wave).

    Parameters
    ----------
    responses : Responses or pandas.DataFrame
        Answers; or one row per respondent and one column per question, all numbers, missing where there is no answer.
    items : sequence of str, optional
        Questions to look at; by default all declared items (of a frame: all columns).
    level : float
        Level of the intervals, between 0 and 1.
    min_n : int
        Respondents below which nothing is estimated, at least 3.
    estimator : {"minres", "ml"}
        How the factor behind omega is fitted: minimum residuals with the variance of the sum that is seen, as R's psych does;
        or maximum likelihood with the variance that the model implies. The interval is known for minres only.
    context : Context, optional
        By default that of the responses.

    Returns
    -------
    ReliabilityResult

    Raises
    ------
    ParameterError
        The level, ``min_n`` or the estimator is out of range, or an item is named twice.
    MissingColumnError
        An item is not there.
    ColumnTypeError
        A column of the frame holds no numbers.
    DataError
        An answer is infinite.
    EmptyDataError
        There are no respondents.
    UndefinedMeasureError
        There are fewer than two items with different answers, or too few respondents have two of them in common.

    References
    ----------
    Cronbach (1951). Psychometrika 16(3), 297–334. Feldt (1965). Psychometrika 30(3), 357–370. McDonald (1999). Test Theory.

    Examples
    --------
    >>> answers = pd.DataFrame({"a": [1, 2, 3, 4, 5] * 6, "b": [2, 2, 3, 5, 5] * 6, "c": [1, 3, 3, 3, 5] * 6})
    >>> found = reliability(answers)
    >>> found.coefficients.loc[0, ["estimate", "feldt_low"]].astype(float).round(4).tolist()
    [0.9426, 0.8948]
    """
    check_level(level)
    check_whole("min_n", min_n, at_least=3)
    if estimator not in ESTIMATORS:
        raise ParameterError(f"The estimator is {estimator!r}.", hint=f"Take {' or '.join(ESTIMATORS)}.")
    data = _of_responses(responses, items) if isinstance(responses, Responses) else _of_frame(responses, items)
    context = context or (responses.context if isinstance(responses, Responses) else Context())
    say = context.wording
    usable, why_not = _usable(data, min_n, say)
    if len(usable) < 2:
        raise UndefinedMeasureError(
            f"Reliability needs two questions or more with different answers; there are {len(usable)}.",
            where="; ".join(f"{name}: {why}" for name, why in why_not.items()) or None,
            hint="Name more items, or look at their codes.",
        )
    every = say.sentence("all questions")
    sets = {every: usable} | _themes(data, usable)
    measured = [
        ItemSet(
            theme,
            data.values[members],
            data.account,
            data.texts,
            level=level,
            min_n=min_n,
            estimator=estimator,
            say=say,
        )
        for theme, members in sets.items()
    ]
    if not measured[0].known:
        raise UndefinedMeasureError(
            "Too few respondents have questions in common.",
            where=str(measured[0].rows[0]["reason"]),
            hint="Take out what hardly anybody answers, or lower min_n.",
        )
    left_out = [
        {"theme": every, "item": name, "question": data.texts[name], "basis": "", "runs_against": False, "reason": why}
        | {"n_respondents": int(data.values[name].notna().sum())}
        for name, why in why_not.items()
    ]
    item_rows = [row for one in measured for row in one.items()]
    if isinstance(responses, Responses):
        agreement, disagreeing, people, n_shared = agree_by_wave(responses, _scale(data, usable), level=level, say=say)
    else:
        agreement, disagreeing, people = (typed_frame([], columns) for columns in (AGREEMENT, DISAGREEING, PEOPLE))
        n_shared = 0
    coefficients = typed_frame([row for one in measured for row in one.rows], COEFFICIENTS)
    item_frame = typed_frame([*item_rows, *left_out], ITEMS)
    answered = data.values[usable].notna()
    n_respondents, n_complete = int(answered.any(axis=1).sum()), int(answered.all(axis=1).sum())
    best = measured[0].known[0]
    return ReliabilityResult(
        context=context,
        checks=check_reliability(
            say,
            coefficients=coefficients,
            items=item_frame,
            agreement=agreement,
            correlations=best.covariances.correlations,
            names=usable,
            factor=best.factor,
            ranges={data.ranges[name] for name in usable if name in data.ranges},
            n_respondents=n_respondents,
            n_complete=n_complete,
        ),
        assumed=assumed_of_reliability(say, data.level_3, has_weights=data.has_weights),
        coefficients=coefficients,
        items=item_frame,
        agreement=agreement,
        disagreeing=disagreeing,
        people=people,
        estimator=estimator,
        level=level,
        min_n=min_n,
        n_items=len(usable),
        n_respondents=n_respondents,
        n_complete=n_complete,
        n_shared=n_shared,
    )


# -- what is given ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class _Data:
    """Answers to the questions, row by row, and what is known of rows and questions."""

    values: pd.DataFrame
    account: Ints
    texts: dict[str, str]
    themes: dict[str, str]
    ranges: dict[str, tuple[float, float]]
    level_3: str | None
    has_weights: bool


def _of_responses(responses: Responses, items: Sequence[str] | None) -> _Data:
    declared = responses.items.set_index("item")
    names = [name for name in declared.index if name in responses.rows.columns] if items is None else list(items)
    _check_names(names, responses.rows.columns, set(responses.answer_columns))
    low_high = {name: (float(declared.loc[name, "low"]), float(declared.loc[name, "high"])) for name in declared.index}
    return _Data(
        values=responses.rows[names].astype("float64"),
        account=pd.factorize(responses.rows["customer_id"])[0].astype(np.int64),
        texts={name: str(declared["text"].get(name, name)) for name in names},
        themes={name: str(declared["theme"].get(name, "")) for name in names},
        ranges=SCORES | low_high,
        level_3=responses.level_3,
        has_weights=responses.has_weights,
    )


def _of_frame(frame: pd.DataFrame, items: Sequence[str] | None) -> _Data:
    names = list(frame.columns) if items is None else list(items)
    _check_names(names, frame.columns, set(frame.columns))
    if frame.empty:
        raise EmptyDataError("There are no respondents.", hint="Give one row per respondent.")
    for name in names:
        if not pd.api.types.is_numeric_dtype(frame[name]) or pd.api.types.is_bool_dtype(frame[name]):
            raise ColumnTypeError(f"The answers to {name!r} are not numbers.", hint="Give numbers, or other items.")
    values = frame[names].astype("float64").reset_index(drop=True)
    if np.isinf(values.to_numpy()).any():
        bad = values.columns[np.isinf(values.to_numpy()).any(axis=0)][0]
        raise DataError(f"An answer to {bad!r} is infinite.", where=f"row {int(np.isinf(values[bad]).argmax()) + 1}")
    plain = {str(name): str(name) for name in names}
    return _Data(
        values=values.set_axis(list(plain), axis=1),
        account=np.arange(len(values)),
        texts=plain,
        themes={},
        ranges={},
        level_3=None,
        has_weights=False,
    )


def _check_names(names: list[str], columns: pd.Index, allowed: set[str]) -> None:
    for name in names:
        if name not in allowed:
            there = ", ".join(str(column) for column in columns if column in allowed)
            raise MissingColumnError(f"There is no question {name!r}.", hint=f"There are {there or 'none'}.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ParameterError(f"The item {twice!r} is named twice.", hint="Name each item once.")


def _usable(data: _Data, min_n: int, say: Wording) -> tuple[list[str], dict[str, str]]:
    """Questions with enough and different answers; and why the others are left out."""
    why_not = {}
    for name in data.values.columns:
        answers = data.values[name].dropna()
        if len(answers) < min_n:
            why_not[name] = say.sentence(
                "only {n} answered it; {least} are needed", n=say.count(len(answers)), least=say.count(min_n)
            )
        elif answers.nunique() < 2:
            why_not[name] = say.sentence("all answers are equal, so that nothing can go with them")
    return [name for name in data.values.columns if name not in why_not], why_not


def _themes(data: _Data, usable: list[str]) -> dict[str, list[str]]:
    themes: dict[str, list[str]] = {}
    for name in usable:
        if data.themes.get(name):
            themes.setdefault(data.themes[name], []).append(name)
    return {} if any(len(members) == len(usable) for members in themes.values()) else themes


def _scale(data: _Data, usable: list[str]) -> pd.Series:
    """Mean of the questions of each respondent who answered half of them or more, from 0 (worst) to 1."""
    limits = np.array([data.ranges[name] for name in usable])
    shares = (data.values[usable] - limits[:, 0]) / (limits[:, 1] - limits[:, 0])
    return shares.mean(axis=1).where(shares.notna().sum(axis=1) * 2 >= len(usable))
