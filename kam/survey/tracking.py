"""How the field goes: who of those drawn has answered, refused or not been reached, and whom to remind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from kam.disclosure import AS_IT_IS
from kam.errors import ParameterError
from kam.results import Context, KeyFigure, Result
from kam.survey.response_counts import count_statuses, expect, find_short, read_drawn, sum_waves
from kam.survey.tracking_checks import assumed_of_tracking, check_tracking


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class TrackingResult(Result):
    """Result of :func:`track_responses`.

    Attributes
    ----------
    strata : pandas.DataFrame
        One row per wave and stratum, waves in the order given, the stratum drawn most fully first: ``wave, stratum``;
        ``n_population`` (missing: not known); ``n_drawn, n_answered, n_refused, n_not_reached``; ``n_open``, all others drawn;
        ``share_answered`` with ``ci_low, ci_high`` (Wilson); ``share_expected, n_expected`` (missing: nothing is expected);
        ``standing``: ``below``, ``as expected``, ``above`` or ``nothing expected``, with all strata of the wave counted;
        ``n_to_remind``, accounts that neither answered nor refused; ``n_short``, answers still needed (missing: nothing is
        planned, or not even all to remind are enough for the half width).
    waves : pandas.DataFrame
        One row per wave, with the same columns but ``stratum`` and ``standing`` (what one stratum has beyond what was expected
        makes up for another in ``n_short``); ``share_needed``, share of those to remind that
        has to answer (missing where ``n_short`` is, or nobody is left; above 1: more than there are); with a standard deviation
        also ``half_width`` of the mean over all accounts with the answers so far (missing: a stratum has none), and
        ``half_width_all``, if all to remind answered, too.
    wave : str
        The last wave, of which the answer speaks.
    half_width, std_dev : float or None
        What is planned, and the standard deviation it was computed with; None: not given.
    level : float
        Level of the intervals.
    """

    main: ClassVar[str] = "strata"
    rests_on: ClassVar = {
        "strata": AS_IT_IS,
        "waves": AS_IT_IS,
    }

    strata: pd.DataFrame
    waves: pd.DataFrame
    wave: str
    half_width: float | None
    std_dev: float | None
    level: float

    def _last(self) -> tuple[pd.Series, pd.DataFrame]:
        return self.waves.iloc[-1], self.strata[self.strata["wave"] == self.wave]

    def _sentence(self) -> str:
        say = self.context.wording
        total, strata = self._last()
        sentence = say.sentence(
            "Of {n_all} accounts drawn for wave {wave}, {n} have answered ({share}, {interval})",
            n_all=say.count(total["n_drawn"]),
            wave=self.wave,
            n=say.count(total["n_answered"]),
            share=say.share(total["share_answered"]),
            interval=self._interval(total),
        )
        if len(strata) > 1:
            least = strata.iloc[int(strata["share_answered"].to_numpy().argmin())]
            sentence += say.sentence(
                ", fewest in {stratum}: {n} of {n_all}",
                stratum=least["stratum"],
                n=say.count(least["n_answered"]),
                n_all=say.count(least["n_drawn"]),
            )
        return say.join([say.close(sentence), self._still_needed(total), self._too_few(strata)])

    def _interval(self, row: pd.Series) -> str:
        say = self.context.wording
        return say.interval(say.share(row["ci_low"]), say.share(row["ci_high"]), self.level)

    def _still_needed(self, total: pd.Series) -> str:
        say = self.context.wording
        words = {
            "n": "" if pd.isna(total["n_short"]) else say.count(total["n_short"]),
            "open": say.count(total["n_to_remind"]),
            "expected": "" if pd.isna(total["n_expected"]) else say.count(total["n_expected"]),
            "planned": "" if self.half_width is None else say.number(self.half_width, 3),
        }
        if self.half_width is not None and pd.isna(total["n_short"]):
            if pd.isna(total["half_width_all"]):
                return say.sentence(
                    "The half width of {planned} cannot be reached: a stratum has nobody left.", **words
                )
            return say.sentence(
                "Even if all {open} that neither answered nor refused still did, the half width would be {best}, not {planned}.",
                **words,
                best=say.number(total["half_width_all"], 3),
            )
        if pd.isna(total["n_short"]):
            return ""
        if total["n_short"] == 0:
            return (
                say.sentence("That is as many as expected ({expected}) or more.", **words)
                if self.half_width is None
                else say.sentence("The half width of {planned} is reached.", **words)
            )
        plan = (
            say.sentence("the {expected} that were expected", **words)
            if self.half_width is None
            else say.sentence("a half width of {planned}", **words)
        )
        if total["n_short"] > total["n_to_remind"]:
            return say.sentence("For {plan}, {n} are missing, and only {open} can be reminded.", **words, plan=plan)
        return say.sentence(
            "For {plan}, {n} more are needed of the {open} that neither answered nor refused.", **words, plan=plan
        )

    def _too_few(self, strata: pd.DataFrame) -> str:
        say = self.context.wording
        few = strata[(strata["n_answered"] < 2) & (strata["n_answered"] < strata["n_drawn"])]
        if few.empty:
            return ""
        return say.sentence(
            "Nobody or one only has answered in {names}: of that nothing can be said.",
            names=say.listing(few["stratum"].tolist()),
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        total, strata = self._last()
        least = strata.iloc[int(strata["share_answered"].to_numpy().argmin())]
        expected = total["n_expected"]
        return (
            KeyFigure(
                value=say.share(total["share_answered"]),
                label=say.sentence("of the accounts drawn have answered"),
                note=self._interval(total),
            ),
            KeyFigure(
                value=say.share(least["share_answered"]),
                label=say.sentence("have answered in {stratum}, the least", stratum=least["stratum"]),
                note=self._interval(least),
            ),
            KeyFigure(
                value=say.count(total["n_refused"]),
                label=say.sentence("have refused"),
                note=say.sentence("of {n}, counted", n=say.count(total["n_drawn"])),
            ),
            KeyFigure(
                value=say.count(total["n_to_remind"]),
                label=say.sentence("can still be reminded"),
                note=say.sentence("counted; no number of answers was expected")
                if pd.isna(expected)
                else say.sentence("counted; {n} answers were expected", n=say.count(expected)),
            ),
        )


def track_responses(
    frame: pd.DataFrame,
    *,
    expected_response: float | Mapping[str, float] | None = None,
    half_width: float | None = None,
    std_dev: float | None = None,
    level: float = 0.95,
    context: Context | None = None,
) -> TrackingResult:
    """Count by wave and stratum who has answered, against what was expected, and how many more are needed.

    Intervals are Wilson's, for the chance that an account answers. They are not narrowed where a stratum was drawn whole: who is
    drawn is then certain, who answers is not.

    Answers needed are those that are expected or, with ``half_width``, those that make the interval of the mean over all accounts
    as narrow, the same share of those to remind answering in each stratum; its variance is Σ W_h² S² (1 / n_h − 1 / N_h).

    Assumes (1) that accounts of a stratum answer independently of one another, with the same chance; (2) that a status says what
    became of an account (an account counts as having answered only if its answer is there).

    Parameters
    ----------
    frame : pandas.DataFrame
        As from :func:`kam.survey.survey_frame`, one row per wave and account: ``customer_id, wave, drawn`` and ``answered``
        (bool) and, as far as they are there, ``stratum, n_population`` or ``probability, status``. Waves in the order of rows;
        rows that were not drawn are not counted.
    expected_response : float or mapping of str to float, optional
        Share of the drawn that should answer, or by stratum, above 0 and at most 1. By default that of the wave before, in the
        same stratum.
    half_width : float, optional
        Planned half width of the interval of a mean over all accounts, in its unit; needs ``std_dev``.
    std_dev : float, optional
        Standard deviation of the accounts' values, above 0 (of a share p: the root of p (1 − p)).
    level : float
        Level of the intervals, between 0 and 1.
    context : Context, optional
        Language and dataset.

    Returns
    -------
    TrackingResult

    Raises
    ------
    MissingColumnError
        The frame lacks a column.
    EmptyDataError
        Of no wave it is known who was drawn.
    DataError
        An account was drawn twice in a wave, or the half width is planned and the population of a stratum is not known.
    ParameterError
        An argument is out of range or lacks a stratum.

    References
    ----------
    Wilson (1927); Newcombe (1998), Statistics in Medicine 17, method 10, for the difference from the wave before.

    Examples
    --------
    >>> frame = pd.DataFrame({"customer_id": list("abcd"), "wave": "2026", "drawn": True, "probability": 0.5,
    ...     "answered": [True, True, False, False], "status": ["answered", "answered", "refused", "not_reached"]})
    >>> result = track_responses(frame, expected_response=0.75)
    >>> result.strata[["n_answered", "n_refused", "n_expected", "n_short", "n_to_remind"]].to_numpy().tolist()
    [[2.0, 1.0, 3.0, 1.0, 1.0]]
    """
    context = context or Context()
    say = context.wording
    if half_width is not None and std_dev is None:
        raise ParameterError("A half width is planned, and std_dev is not given.", hint="Give both.")
    for name, x in (("half_width", half_width), ("std_dev", std_dev)):
        if x is not None and not 0 < x < np.inf:
            raise ParameterError(f"{name} is {x!r}.", hint="Give a number above 0.")
    drawn, unknown = read_drawn(frame)
    strata = expect(count_statuses(drawn, level), expected_response, level)
    strata["n_to_remind"] = strata["n_drawn"] - strata["n_answered"] - strata["n_refused"]
    strata["n_short"] = find_short(strata, half_width, std_dev, level)
    waves = sum_waves(strata, half_width, std_dev, level)
    return TrackingResult(
        context=context,
        checks=check_tracking(say, frame, drawn, strata, unknown),
        assumed=assumed_of_tracking(say, expected_response, strata, half_width, std_dev),
        strata=strata,
        waves=waves,
        wave=str(waves["wave"].iloc[-1]),
        half_width=half_width,
        std_dev=std_dev,
        level=level,
    )
