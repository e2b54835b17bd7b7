"""Drivers of satisfaction: which items go with the overall judgment most, how sure their order is, and which to look at first.

The outcome is regressed on all items at once, from the weighted covariance matrix (:mod:`kam.survey.driver_draws`); what the
items explain is divided among them by LMG (:mod:`kam.survey.importance`); accounts are resampled. What stands where an item
was not answered is in :mod:`kam.survey.not_used`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.disclosure import AS_IT_IS, RestsOn
from kam.errors import ModelError, ParameterError
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import check_whole
from kam.survey.design import Design, answer_weights
from kam.survey.driver_checks import assumed_of_drivers, check_drivers
from kam.survey.driver_draws import Estimates, bias_corrected_interval, resample
from kam.survey.driver_frames import (
    compare_handlings,
    fit_ordinal_check,
    item_frame,
    order_frame,
    penalty_reward_frame,
    reading_frame,
    theme_frame,
)
from kam.survey.driver_waves import compare_waves
from kam.survey.importance_performance import LOOK, MIN_CERTAINTY, map_of
from kam.survey.not_used import Drivers, choose_items, collect_drivers
from kam.survey.questions import name_question
from kam.survey.responses import Level3, Responses
from kam.wording import N_

Floats = npt.NDArray[np.float64]

MOST_NAMED = 4
"""Of more waves only the first and the last are named in the answer."""
READINGS: dict[Level3, str] = {"neutral": N_("neutral"), "no_opinion": N_("no opinion")}
"""How the reading of level 3 is written in tables."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DriversResult(Result):
    """Result of :func:`drivers`.

    Attributes
    ----------
    items : pandas.DataFrame
        One row per item, the most important first: ``rank, item, question, theme, n_given, share_given, share_importance,
        importance_low, importance_high`` (part of what the ranked items explain, by LMG) ``, share_johnson`` (by relative
        weights) ``, lmg`` (part of R²) ``, beta, beta_low, beta_high`` (standard deviations) ``, points, points_low,
        points_high`` (points of the outcome per point of the item) ``, mean_answer, mean_low, mean_high, share_rank_held,
        share_top_3`` (of the resamples).
    orders : pandas.DataFrame
        One row per pair of items: ``item, other_item, share_before``, the resamples in which the first is before the other.
    quadrants : pandas.DataFrame
        The importance–performance map, in the order of ``items``: ``item, question, theme, share_importance, mean_answer,
        quadrant, p_quadrant, is_called``.
    themes : pandas.DataFrame
        The same for themes, the most important first: ``theme, n_items, share_importance, importance_low, importance_high,
        mean_answer, quadrant, p_quadrant, is_called``; empty where items have no themes, or all the same.
    penalty_reward : pandas.DataFrame
        One row per item: ``item, question, n_low_answers, n_high_answers, points_lost, points_lost_low, points_lost_high,
        points_gained, points_gained_low, points_gained_high, asymmetry, asymmetry_low, asymmetry_high, kind``: points that a
        low answer costs and a high one adds.
    ordinal : pandas.DataFrame
        The ordinal logit, one row per item: ``item, question, odds_ratio, odds_low, odds_high, rank, p_value`` (that its effect
        is the same at every cut point; missing where that could not be tested); empty where no model could be fitted.
    handlings : pandas.DataFrame
        What else could be done with missing answers: one row per handling and item: ``method, n_respondents, item, rank,
        share_importance, points``.
    readings : pandas.DataFrame
        Level 3 read both ways: ``level_3, n_respondents, rank, item, question, share_importance, importance_low, importance_high,
        mean_answer``; the reading that leads comes first.
    left_out : pandas.DataFrame
        Items that are not ranked: ``item, question, n_given, share_given, correlation, reason, is_beside``: whether they stand
        beside the others in the regression.
    waves : tuple of str
        Those with answers, earliest first; they are taken together.
    outcome : str
        What is explained.
    r_squared, r_squared_low, r_squared_high : float
        Share of its variation that goes with the items and with not using some, and its interval.
    r_squared_unused : float
        Part of it that goes with not using some: the indicators, entered first.
    r_squared_beside : float
        Part of it that falls to items too few answered to rank them.
    share_first_held, share_three_held : float
        Resamples in which the same item is first, and in which the first three (or fewer) are the same in the same order.
    n_items, n_respondents, n_accounts : int
        Items that are in, people who answered the outcome, their accounts.
    n_complete, n_complete_all : int
        People who answered the outcome and every item that is in, and every item there is.
    cut_share, cut_mean : float
        Cut lines of the map: mean share, mean answer.
    low, high : float
        The scale of ``mean_answer``.
    level_3 : str
        How level 3 is read in all frames but ``readings``.
    min_share_answered, min_certainty, level : float
        Least share that answered an item; certainty from which a quadrant is called; level of intervals.
    n_resamples, seed : int
        Bootstrap samples of accounts, and the seed.
    """

    main: ClassVar[str] = "items"
    rests_on: ClassVar = {
        "items": RestsOn(people=("n_given",)),
        "orders": AS_IT_IS,
        "quadrants": AS_IT_IS,
        "themes": AS_IT_IS,
        "penalty_reward": RestsOn(people=("n_low_answers", "n_high_answers")),
        "ordinal": AS_IT_IS,
        "handlings": RestsOn(people=("n_respondents",)),
        "readings": RestsOn(people=("n_respondents",)),
        "left_out": RestsOn(people=("n_given",)),
    }

    items: pd.DataFrame
    orders: pd.DataFrame
    quadrants: pd.DataFrame
    themes: pd.DataFrame
    penalty_reward: pd.DataFrame
    ordinal: pd.DataFrame
    handlings: pd.DataFrame
    readings: pd.DataFrame
    left_out: pd.DataFrame
    waves: tuple[str, ...]
    outcome: str
    r_squared: float
    r_squared_low: float
    r_squared_high: float
    r_squared_unused: float
    r_squared_beside: float
    share_first_held: float
    share_three_held: float
    n_items: int
    n_respondents: int
    n_accounts: int
    n_complete: int
    n_complete_all: int
    cut_share: float
    cut_mean: float
    low: float
    high: float
    level_3: str
    min_share_answered: float
    min_certainty: float
    level: float
    n_resamples: int
    seed: int

    def to_improve(self) -> pd.DataFrame:
        """Items that are surely both important and weak, the most important first."""
        wanted = (self.quadrants["quadrant"] == LOOK) & self.quadrants["is_called"]
        return self.quadrants[wanted].reset_index(drop=True)

    def _sentence(self) -> str:
        say = self.context.wording
        first = self.items.iloc[0]
        over = self._over()
        parts = [
            say.sentence(
                "“{item}” goes with {outcome} most{over}: {share} of what these {n} questions explain ({interval}), and first in "
                "{held} of resamples.",
                item=_inline(first["question"]),
                outcome=name_question(say, self.outcome),
                over=over,
                share=say.share(first["share_importance"]),
                n=say.count(self.n_items),
                interval=say.interval(
                    say.share(first["importance_low"]), say.share(first["importance_high"]), self.level
                ),
                held=say.share(self.share_first_held, 0),
            )
            if self.n_items > 1
            else say.sentence(
                "“{item}” explains {share} of the variation of {outcome}{over} ({interval}).",
                item=_inline(first["question"]),
                over=over,
                share=say.share(self.r_squared),
                outcome=name_question(say, self.outcome),
                interval=say.interval(say.share(self.r_squared_low), say.share(self.r_squared_high), self.level),
            )
        ]
        if self.n_items > 2:
            parts.append(
                say.sentence(
                    "Next come {others}; these three hold their order in {held}.",
                    others=say.listing(
                        [
                            say.sentence("“{item}” ({share})", item=_inline(text), share=say.share(share))
                            for text, share in zip(
                                self.items["question"][1:3], self.items["share_importance"][1:3], strict=True
                            )
                        ]
                    ),
                    held=say.share(self.share_three_held, 0),
                )
            )
        weak = self.to_improve()
        if self.n_items < 2:
            return parts[0]
        parts.append(
            say.sentence("None is surely both important and rated below the average of the questions.")
            if weak.empty
            else say.sentence(
                "Look at first {items}: important and rated below the average of the questions.",
                items=say.listing(
                    [
                        say.sentence("“{item}” (mean {mean})", item=_inline(text), mean=say.number(mean))
                        for text, mean in zip(weak["question"][:3], weak["mean_answer"][:3], strict=True)
                    ]
                ),
            )
        )
        return say.join(parts)

    def _over(self) -> str:
        """The waves that are taken together, as a part of a sentence; empty where there is one."""
        say, waves = self.context.wording, self.waves
        if len(waves) < 2:
            return ""
        if len(waves) > MOST_NAMED:
            return say.sentence(
                " over {n} waves from {first} to {last}", n=say.count(len(waves)), first=waves[0], last=waves[-1]
            )
        return say.sentence(" over the waves {waves}", waves=say.listing(waves))

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        first, weak = self.items.iloc[0], self.to_improve()
        resampled = say.sentence("share of {n} resamples of accounts", n=say.count(self.n_resamples))
        return (
            KeyFigure(
                value=say.share(first["share_importance"]),
                label=say.sentence("of what is explained falls to “{item}”", item=_inline(first["question"])),
                note=say.interval(say.share(first["importance_low"]), say.share(first["importance_high"]), self.level),
            ),
            KeyFigure(
                value=say.share(self.share_three_held, 0),
                label=say.sentence("sure of the order of the first three"),
                note=resampled,
            ),
            KeyFigure(
                value=say.share(self.r_squared),
                label=say.sentence("of the variation of the answers is explained"),
                note=say.interval(say.share(self.r_squared_low), say.share(self.r_squared_high), self.level),
            ),
            KeyFigure(
                value=say.count(len(weak)),
                label=say.sentence("questions are surely important and weak"),
                note=say.sentence("sure: in at least {share} of resamples", share=say.share(self.min_certainty, 0)),
            ),
        )


def drivers(
    responses: Responses,
    *,
    outcome: str = "overall",
    items: Sequence[str] | None = None,
    designs: Mapping[str, Design] | None = None,
    min_share_answered: float = 0.6,
    n_resamples: int = 1000,
    seed: int = 1,
    level: float = 0.95,
    context: Context | None = None,
) -> DriversResult:
    """Say which items go with the overall judgment most, how sure their order is, and which are important and weak.

    Assumes (1) that the judgment is described by a line in the items (checked by an ordinal logit and by penalty and reward);
    (2) that the same line holds in all waves, which are taken together (checked), and for all accounts; (3) that accounts are
    independent of one another; (4) that what is expected from a person's other answers may stand where an answer is missing;
    (5) nothing about what would happen if an item were improved: people who are content answer well throughout (halo), and no
    survey tells that from an effect.

    Parameters
    ----------
    responses : Responses
        The answers; reversed items are turned in them.
    outcome : str
        ``overall``, ``recommend``, ``repurchase`` or an item.
    items : sequence of str, optional
        By default all that are declared.
    designs : mapping of str to Design, optional
        By wave; by default everyone counts by the weight of the survey.
    min_share_answered : float
        Items that a smaller share of those who answered the outcome answered are not ranked and named; if enough did to go by,
        they stand beside the others, so that these do not take credit for them.
    n_resamples : int
        Bootstrap samples of accounts, at least 20.
    seed : int
        The same seed gives the same answer.
    level : float
        Level of intervals.
    context : Context, optional
        By default that of the responses.

    Returns
    -------
    DriversResult

    Raises
    ------
    MissingColumnError
        The outcome or an item is not there.
    ParameterError
        A level, share or number is out of range, or there are too many items for LMG.
    ModelError
        Nobody answered the outcome or all alike; no item is left; more items than answers; items that say the same, which are
        named; too few accounts to resample.

    Notes
    -----
    LMG: Lindeman, Merenda & Gold (1980); relative weights: Johnson (2000); importance–performance: Martilla & James (1977);
    penalty–reward: Brandt (1987); intervals: bias-corrected percentiles (Efron & Tibshirani 1993, section 14.3) of resampled
    accounts with their weights. Strata are not kept in resampling and there is no finite population correction: the line is
    meant for accounts like these, not for the list of accounts.

    Examples
    --------
    >>> from kam.survey import collect_responses
    >>> rng = np.random.default_rng(1)
    >>> a, b = rng.integers(1, 6, (2, 200))
    >>> frame = pd.DataFrame({"respondent_id": range(200), "a": a, "b": b, "overall": np.rint(0.8 * a + 0.2 * b).clip(1, 5)})
    >>> found = drivers(collect_responses(frame, items=["a", "b"]), n_resamples=100)
    >>> found.items[["item", "share_importance"]].round(2).values.tolist()
    [['a', 0.94], ['b', 0.06]]
    """
    context = context or responses.context
    check_whole("n_resamples", n_resamples, at_least=20)
    check_whole("seed", seed, at_least=0)
    for name, value in (("level", level), ("min_share_answered", min_share_answered)):
        if not 0 < value < 1:
            raise ParameterError(f"{name} is {value!r}.", hint="Give a number between 0 and 1.")
    say = context.wording
    weights = answer_weights(responses, designs)
    chosen, left_out = choose_items(responses, outcome=outcome, items=items, min_share_answered=min_share_answered)
    beside = left_out.loc[left_out["is_beside"], "item"].tolist()
    lead = responses.declared_level_3 if responses.level_3 == "neutral" else responses.level_3
    fits: dict[Level3, tuple[Drivers, Estimates, Estimates]] = {}
    failed: ModelError | None = None
    order: tuple[Level3, ...] = (lead, "no_opinion" if lead == "neutral" else "neutral")
    for reading in order:
        if reading == "neutral" and responses.level_3 == "no_opinion":
            continue
        read = responses.read_level_3_as(reading) if reading != responses.level_3 else responses
        try:
            rows = collect_drivers(read, weights, outcome=outcome, items=chosen, beside=beside)
            fits[reading] = rows, *resample(rows, n_resamples, seed)
        except ModelError as error:
            if reading == lead:
                raise
            failed = error
    given, estimate, draws = fits[lead]
    left_out["is_beside"] = left_out["item"].isin(given.beside)
    declared = responses.items.set_index("item").loc[list(given.items)]
    lowest, highest = declared["low"].to_numpy(dtype=np.float64), declared["high"].to_numpy(dtype=np.float64)
    frame = item_frame(given, estimate, draws, declared, level)
    at = np.argsort(frame["rank"].to_numpy(dtype=np.int64)).astype(np.int64)
    ranked = frame.iloc[at].reset_index(drop=True)
    performance, performance_draws = (
        lowest[0] + (means - lowest) / (highest - lowest) * (highest[0] - lowest[0])
        for means in (estimate.means[0], draws.means)
    )
    quadrants = map_of(estimate.shares[0], performance, (draws.shares, performance_draws)).iloc[at]
    quadrants = pd.concat([ranked[["item", "question", "theme"]], quadrants.reset_index(drop=True)], axis=1)
    r_low, r_high = bias_corrected_interval(draws.r_squared[:, None], estimate.r_squared, level)
    top = at[:3]
    held = draws.ranks[:, top] == np.arange(1, len(top) + 1)
    ordinal, ordinal_p = fit_ordinal_check(given, declared["text"], level)
    handlings = compare_handlings(given, estimate)
    readings = pd.concat(
        [reading_frame(READINGS[name], *fit, declared["text"], level) for name, fit in fits.items()], ignore_index=True
    )
    penalty_reward = (
        penalty_reward_frame(given, lowest, highest, declared["text"], level).iloc[at].reset_index(drop=True)
    )
    answered = responses.rows[responses.rows[outcome].notna()]
    every = [name for name in responses.items["item"] if name != outcome]
    counted = responses.rows[_counted(responses, lead, outcome, weights)]
    wave_of = counted["wave"].to_numpy(dtype=object)
    waves = tuple(wave for wave in responses.waves if (wave_of == wave).any())
    by_wave = compare_waves(given, waves, wave_of, ranked, draws.shares.std(axis=0), level)
    checks = check_drivers(
        say, ranked, given,
        readings=readings, handlings=handlings, by_wave=by_wave, waves=waves,
        level=level, ordinal=ordinal, ordinal_p=ordinal_p, penalty_reward=penalty_reward,
        left_out=left_out, share_three_held=float(held.all(axis=1).mean()),
        r_squared_unused=float(estimate.r_squared_unused[0]), r_squared_beside=float(estimate.r_squared_beside[0]),
        failed=failed,
    )  # fmt: skip
    return DriversResult(
        context=context,
        checks=checks,
        assumed=assumed_of_drivers(
            say,
            min_share_answered=min_share_answered,
            lead=READINGS[lead],
            one_scale=bool((lowest == lowest[0]).all() and (highest == highest[0]).all()),
        ),
        items=ranked,
        orders=order_frame(given, draws, at),
        quadrants=quadrants,
        themes=theme_frame(ranked["theme"], at, estimate, draws, performance, performance_draws, level),
        penalty_reward=penalty_reward,
        ordinal=ordinal,
        handlings=handlings,
        readings=readings,
        left_out=left_out,
        waves=waves,
        outcome=outcome,
        r_squared=float(estimate.r_squared[0]),
        r_squared_low=float(r_low[0]),
        r_squared_high=float(r_high[0]),
        r_squared_unused=float(estimate.r_squared_unused[0]),
        r_squared_beside=float(estimate.r_squared_beside[0]),
        share_first_held=float(held[:, 0].mean()),
        share_three_held=float(held.all(axis=1).mean()),
        n_items=len(given.items),
        n_respondents=len(given.y),
        n_accounts=given.n_accounts,
        n_complete=int(given.complete.sum()),
        n_complete_all=int(answered[every].notna().all(axis=1).sum()),
        cut_share=float(estimate.shares[0].mean()),
        cut_mean=float(performance.mean()),
        low=float(lowest[0]),
        high=float(highest[0]),
        level_3=READINGS[lead],
        min_share_answered=min_share_answered,
        min_certainty=MIN_CERTAINTY,
        level=level,
        n_resamples=n_resamples,
        seed=seed,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _counted(responses: Responses, reading: Level3, outcome: str, weights: Floats) -> npt.NDArray[np.bool_]:
    """Shape (n,): whose answers count under this reading of level 3, as :func:`collect_drivers` takes them."""
    read = responses.read_level_3_as(reading) if reading != responses.level_3 else responses
    return np.asarray(read.rows[outcome].notna().to_numpy() & (weights > 0))


def _inline(text: str) -> str:
    """The text of an item within a sentence: without the stop at its end."""
    return " ".join(str(text).split()).rstrip(".。")
