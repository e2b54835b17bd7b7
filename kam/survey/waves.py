"""What changed from one wave to the next: over all who answered, over the accounts that answered twice, and who did not again."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import pandas as pd

from kam.disclosure import RestsOn
from kam.errors import UndefinedMeasureError
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import check_whole
from kam.survey.cells import EITHER, in_percent, require_questions, ways_to_count
from kam.survey.changes import BASES, GONE, SILENT, WaveAnswers, compare_pair, describe_dropouts
from kam.survey.design import Design, Each
from kam.survey.estimates import value_in_words
from kam.survey.intervals import check_level
from kam.survey.linearization import require_designs
from kam.survey.nps import points
from kam.survey.responses import READING_NAMES, Responses
from kam.survey.wave_checks import assumed_of_waves, check_waves
from kam.wording import Wording

_CHANGES = [
    "from_wave", "to_wave", "item", "measure", "compared", "each", "level_3", "estimate_from", "estimate_to", "estimate",
    "std_error", "ci_low", "ci_high", "df", "error_correlation", "n_accounts_from", "n_accounts_to", "n_both", "why",
]  # fmt: skip
_DROPOUTS = [
    "from_wave", "to_wave", "group_name", "item", "measure", "each", "level_3", "estimate", "std_error", "ci_low", "ci_high",
    "gap", "gap_low", "gap_high", "n_respondents", "n_accounts", "why",
]  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class WavesResult(Result):
    """Result of :func:`compare_waves`.

    Attributes
    ----------
    changes : pandas.DataFrame
        One row per pair of waves (``from_wave, to_wave``; one after the other, then first to last), question (``item``),
        ``measure`` (``mean``, ``top two``, ``NPS``), ``compared`` (``all who answered``, weighed; or ``accounts in both``, these
        accounts alone, not weighed), ``each`` (what counts alike) and reading ``level_3``: ``estimate_from, estimate_to``;
        ``estimate``, the change, with ``std_error, ci_low, ci_high, df``; ``error_correlation`` of the two estimates' errors (of
        all who answered); ``n_accounts_from, n_accounts_to, n_both``; ``why`` (empty, or why there is no estimate or interval).
        Shares are 0 to 1, ``NPS`` in points.
    dropouts : pandas.DataFrame
        One row per pair, ``group_name`` (``answered again``; ``asked, no answer``; ``not asked again``; where it is not known who
        was asked, ``no answer again``), question and measure, by ``lead_each``: what they said in ``from_wave``, ``estimate,
        std_error, ci_low, ci_high``; ``gap, gap_low, gap_high``, that less what those said who answered again; ``n_respondents,
        n_accounts, why``. Empty where accounts are not known.
    lead_each, lead_level_3, lead_item, lead_measure : str
        What counts alike, the reading of level 3, the question and the measure of the answer.
    from_wave, to_wave : str
        The last two waves, those of the answer.
    min_n : int
        With fewer accounts there is no estimate.
    level : float
        Level of the intervals.
    """

    main: ClassVar[str] = "changes"
    rests_on: ClassVar = {
        "changes": RestsOn(people=("n_accounts_from", "n_accounts_to"), both=("n_both", "compared", BASES[1])),
        "dropouts": RestsOn(people=("n_respondents",), parts="group_name"),
    }

    changes: pd.DataFrame
    dropouts: pd.DataFrame
    lead_each: str
    lead_level_3: str
    lead_item: str
    lead_measure: str
    from_wave: str
    to_wave: str
    min_n: int
    level: float

    def _lead(self, frame: pd.DataFrame, item: str, measure: str) -> pd.DataFrame:
        chosen = (frame["from_wave"] == self.from_wave) & (frame["to_wave"] == self.to_wave)
        chosen &= (frame["item"] == item) & (frame["measure"] == measure) & (frame["each"] == self.lead_each)
        return frame[chosen & frame["level_3"].isin([self.lead_level_3, EITHER])]

    def _change(self, item: str, measure: str, basis: str) -> Mapping[Hashable, Any] | None:
        rows = self._lead(self.changes, item, measure)
        rows = rows[rows["compared"] == basis]
        return None if rows.empty else rows.iloc[0].to_dict()

    def overview(self) -> pd.DataFrame:
        """The changes for a reader, as they lead: shares in percent, ``term`` in words.

        Returns
        -------
        pandas.DataFrame
            ``from_wave, to_wave, term, compared, estimate_from, estimate_to, estimate, ci_low, ci_high, n_both, why``.
        """
        c = self.changes
        lead = (c["item"] == self.lead_item) & c["measure"].isin(["top two", "mean"])
        score = (c["item"] == "recommend") & (c["measure"] == "NPS")
        c = c[(lead | score) & (c["each"] == self.lead_each) & c["level_3"].isin([self.lead_level_3, EITHER])]
        numbers = ["estimate_from", "estimate_to", "estimate", "ci_low", "ci_high"]
        shown = ["from_wave", "to_wave", "term", "compared", *numbers, "n_both", "why"]
        return in_percent(self.context.wording, c, numbers)[shown].reset_index(drop=True)

    def _sentence(self) -> str:
        say = self.context.wording
        full = self._change(self.lead_item, self.lead_measure, BASES[0])
        matched = self._change(self.lead_item, self.lead_measure, BASES[1])
        assert full is not None
        if pd.isna(full["estimate"]):
            return say.sentence(
                "From wave {first} to wave {second} nothing can be said of “{item}”: {why}.",
                first=self.from_wave,
                second=self.to_wave,
                item=self.lead_item,
                why=full["why"],
            )
        parts = [
            say.sentence(
                "From wave {first} to wave {second} {what} went from {before} to {after}, {change} ({interval}){chance}.",
                first=self.from_wave,
                second=self.to_wave,
                what=self._what(),
                before=value_in_words(say, {**full, "estimate": full["estimate_from"]}),
                after=value_in_words(say, {**full, "estimate": full["estimate_to"]}),
                change=change_in_words(say, full["measure"], full["estimate"]),
                interval=_interval(say, full, self.level),
                chance=self._chance(full),
            )
        ]
        if matched is not None and pd.notna(matched["estimate"]):
            parts.append(
                say.sentence(
                    "Over the {n} accounts that answered both times, these alone and {weighed}, it changed by {change} "
                    "({interval}).",
                    weighed=self._weighed(),
                    n=say.count(matched["n_both"]),
                    change=change_in_words(say, matched["measure"], matched["estimate"]),
                    interval=_interval(say, matched, self.level),
                )
            )
        gone = self._gone()
        if gone is not None and pd.notna(gone["gap"]):
            silent = gone["group_name"] == SILENT
            parts.append(
                say.sentence(
                    "{who} had been at {value}, {gap} against those who did ({interval}).",
                    who=say.sentence("Those who were asked again and did not answer")
                    if silent
                    else say.sentence("Those who did not answer again"),
                    value=value_in_words(say, gone),
                    gap=change_in_words(say, gone["measure"], gone["gap"]),
                    interval=_interval(
                        say, {**gone, "ci_low": gone["gap_low"], "ci_high": gone["gap_high"]}, self.level
                    ),
                )
            )
        return say.join(parts)

    def _what(self) -> str:
        say = self.context.wording
        if self.lead_measure == "NPS":
            return say.sentence("the net promoter score")
        if self.lead_measure == "mean":
            return say.sentence("the mean answer to “{item}”", item=self.lead_item)
        return (
            say.sentence("the share of the satisfied (4 or 5)")
            if self.lead_item == "overall"
            else say.sentence("the share that answers 4 or 5 to “{item}”", item=self.lead_item)
        )

    def _weighed(self) -> str:
        """What weighs the accounts in both."""
        say = self.context.wording
        return say.sentence("weighed by revenue only") if self.lead_each == "revenue" else say.sentence("not weighed")

    def _chance(self, row: Mapping[Hashable, Any]) -> str:
        say = self.context.wording
        may_be = pd.notna(row["ci_low"]) and row["ci_low"] <= 0 <= row["ci_high"]
        return say.sentence(", which may be chance") if may_be else ""

    def _gone(self) -> Mapping[Hashable, Any] | None:
        """Who was asked and did not answer again, as far as that is known."""
        rows = self._lead(self.dropouts, self.lead_item, self.lead_measure)
        rows = rows[rows["group_name"].isin([SILENT, GONE])]
        return None if rows.empty else rows.iloc[0].to_dict()

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        figures: list[KeyFigure] = []
        both_times = say.sentence("the same, accounts that answered both times, {weighed}", weighed=self._weighed())
        wanted = [
            (self.lead_item, self.lead_measure, BASES[0], say.sentence("{what}, all who answered", what=self._what())),
            (self.lead_item, self.lead_measure, BASES[1], both_times),
            (self.lead_item, "mean", BASES[0], say.sentence("mean answer, all who answered")),
            ("recommend", "NPS", BASES[0], say.sentence("net promoter score, all who answered")),
        ]
        shown = set()
        for item, measure, basis, label in wanted:
            row = self._change(item, measure, basis)
            if row is None or (item, measure, basis) in shown:
                continue
            shown.add((item, measure, basis))
            missing = pd.isna(row["estimate"])
            value = say.sentence("not given") if missing else change_in_words(say, measure, row["estimate"])
            figures.append(KeyFigure(value=value, label=label, note=_interval(say, row, self.level)))
        full = self._change(self.lead_item, self.lead_measure, BASES[0])
        assert full is not None
        both = KeyFigure(
            value=say.sentence("not known") if pd.isna(full["n_both"]) else say.count(full["n_both"]),
            label=say.sentence("accounts answered both times"),
            note=say.sentence(
                "of {first} and {second}",
                first=say.count(full["n_accounts_from"]),
                second=say.count(full["n_accounts_to"]),
            ),
        )
        return (*figures, both)[:5]


def compare_waves(
    responses: Responses,
    *,
    designs: Mapping[str, Design] | None = None,
    outcomes: Sequence[str] | None = None,
    each: Sequence[Each] | None = None,
    min_n: int = 10,
    level: float = 0.95,
    context: Context | None = None,
) -> WavesResult:
    """Compare each wave with the one before, and the last with the first.

    Over *all who answered* the change is the difference of two cross-sections, each with its own design; its variance is
    v₁ + v₂ − 2 cov, with the covariance that accounts in both give (:mod:`kam.survey.overlap`). Over the *accounts in both* it is
    the plain mean of what each account changed by, of these accounts alone, not weighed: the paired t, with n − 1 degrees of
    freedom and no correction for a finite population. By revenue w, which alone weighs there, the variance is
    Σ w² (D − D̄)² / (Σ w)² · n / (n − 1). The two differ where other accounts came in and went out, and where weights count some
    accounts for more than others: *dropouts* are those who answered in the earlier wave and not in the later, with
    what they had said then beside what those said who answered again.

    Assumes (1) that a question and its scale mean the same in both waves; (2) that an account keeps its number; (3) that who did
    not answer would answer as those who did, as far as the weights do not mend it; for the accounts in both, nothing is said of
    others. Where accounts are not known, waves are taken for independent samples.

    Parameters
    ----------
    responses : Responses
        Two waves or more.
    designs : mapping of str to Design, optional
        By wave; by default those who answered are taken for the sample.
    outcomes : sequence of str, optional
        Scores and items to compare, the one to lead with first; by default ``overall`` and ``recommend``, or all where neither is
        there.
    each : sequence of {"account", "revenue", "respondent"}, optional
        What counts alike, the one to lead with first; by default all that is known.
    min_n : int
        With fewer accounts in either wave, or in both, there is no estimate.
    level : float
        Level of the intervals, between 0 and 1.
    context : Context, optional
        Dataset, currency, language.

    Returns
    -------
    WavesResult

    Raises
    ------
    UndefinedMeasureError
        There is one wave.
    ParameterError
        An outcome is not known, a wave has no design, ``min_n`` is below 1 or the level not between 0 and 1.

    References
    ----------
    Tam, S. M. (1984). On covariances from overlapping samples. The American Statistician 38(4).

    Examples
    --------
    Forty accounts answer twice; thirty of them go up by one.

    >>> from kam.survey import collect_responses
    >>> frame = pd.DataFrame({"respondent_id": [*range(40)] * 2, "wave": ["2023"] * 40 + ["2024"] * 40})
    >>> frame["customer_id"] = frame["respondent_id"].astype(str)
    >>> frame["overall"] = [3, 4] * 20 + [4, 5] * 10 + [4, 5, 3, 4] * 5
    >>> result = compare_waves(collect_responses(frame))
    >>> rows = result.changes.query("measure == 'mean' and level_3 == 'neutral' and each == 'account'")
    >>> rows[["compared", "estimate", "n_both"]].values.tolist()
    [['all who answered', 0.75, 40], ['accounts in both', 0.75, 40]]
    """
    context = context or responses.context
    say = context.wording
    waves = responses.waves
    if len(waves) < 2:
        raise UndefinedMeasureError("There is one wave.", where=f"wave {waves[0]}", hint="Ask again, and compare then.")
    check_whole("min_n", min_n, at_least=1)
    check_level(level)
    chosen = require_designs(responses, designs)
    default = [name for name in ("overall", "recommend") if name in responses.answer_columns] or None
    asked = require_questions(responses, default if outcomes is None else outcomes)
    ways = ways_to_count(responses, chosen) if each is None else tuple(dict.fromkeys(each))
    pairs = list(pairwise(waves)) + ([(waves[0], waves[-1])] if len(waves) > 2 else [])
    answers = {wave: WaveAnswers(responses, chosen[wave], asked, ways) for wave in waves}
    known = responses.has_accounts
    changes, gone = [], [pd.DataFrame(columns=_DROPOUTS)]
    for first, second in pairs:
        pair = {"from_wave": first, "to_wave": second}
        a, b = answers[first], answers[second]
        changes.append(
            compare_pair(say, a, b, ways, has_accounts=known, min_n=min_n, level=level).assign(**pair)[_CHANGES]
        )
        if known:
            gone.append(describe_dropouts(say, a, b, ways[0], min_n=min_n, level=level).assign(**pair)[_DROPOUTS])
    table = pd.concat(changes, ignore_index=True)
    dropouts = pd.concat(gone[1:] or gone, ignore_index=True)
    numbers = [column for column in _DROPOUTS[7:] if column != "why"]
    dropouts[numbers] = dropouts[numbers].astype("float64")
    measures = set(table.loc[table["item"] == asked[0], "measure"])
    reading = READING_NAMES[responses.leading_reading]
    lead = (asked[0], next(m for m in ("top two", "NPS", "mean") if m in measures))
    return WavesResult(
        context=context,
        checks=check_waves(say, responses, table, dropouts, each=ways[0], lead=lead, level_3=reading, level=level),
        assumed=assumed_of_waves(say, reading, min_n, known),
        changes=table,
        dropouts=dropouts,
        lead_each=ways[0],
        lead_level_3=reading,
        lead_item=lead[0],
        lead_measure=lead[1],
        from_wave=waves[-2],
        to_wave=waves[-1],
        min_n=min_n,
        level=level,
    )


def change_in_words(say: Wording, measure: str, change: float) -> str:
    """A change with its sign: percentage points, points of the score, or of the scale."""
    sign = "+" if change > 0 else "−" if change < 0 else ""
    size = abs(change)
    if measure == "mean":
        return sign + say.number(size)
    if measure == "NPS":
        return say.sentence("{x} points", x=sign + points(say, size))
    return say.sentence("{x} percentage points", x=sign + say.number(100 * size, 1))


# -- inside ----------------------------------------------------------------------------------------------------------


def _interval(say: Wording, row: Mapping[Hashable, Any], level: float) -> str:
    if pd.isna(row["ci_low"]):
        return str(row["why"])
    digits = 2 if row["measure"] == "mean" else 1
    unit = 1 if row["measure"] in ("mean", "NPS") else 100
    low, high = (say.number(unit * row[end] + 0.0, digits) for end in ("ci_low", "ci_high"))
    return say.interval(low, high, level)
