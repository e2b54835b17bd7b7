"""Scorecard: accounts scored by weighted criteria and put into tiers, with how sure each tier is.

The score is the weighted mean of the levels (0 to 1) of the criteria that are known of an account; the accounts with the highest
scores make tier A, the next ones B, the rest C. How a tier stands when weights and levels are not known exactly is told by
drawing both (:mod:`kam.identify.smaa`) and by moving one weight at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from kam.columns import is_number
from kam.errors import EmptyDataError, ParameterError
from kam.identify.criteria import name_criterion
from kam.identify.criteria_matrix import choose_weights, money_left, to_matrix
from kam.identify.scorecard_checks import alike_criteria, list_assumed, list_checks
from kam.identify.scorecard_frames import (
    SURE,
    TIERS,
    add_unscored,
    describe_weights,
    frame_acceptability,
    frame_central_weights,
    frame_ranks,
    reasons_of,
    summarize_tiers,
)
from kam.identify.scorecard_tiers import SHIFT, order_by_score, shift_weights, tier_sizes, tiers_of
from kam.identify.smaa import (
    draw_weights,
    not_dominated,
    prepare,
    rank_acceptability,
    tier_acceptability,
    weighted_scores,
)
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import check_whole

MOST_RANKED = 2000
"""At most so many of the accounts that are not dominated are ranked."""
FIRST_RANKS = 10


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ScorecardResult(Result):
    """Result of :func:`score_accounts`.

    Attributes
    ----------
    accounts : pandas.DataFrame
        One row per account, highest score first, those without a score last: ``customer_id, name, rank, weighted_score``
        (0 to 1), ``tier``, ``p_tier`` (share of the draws with the same tier), ``p_tier_a, p_tier_b, p_tier_c``,
        ``p_tier_flat`` (the same tier when every set of weights is as likely), ``hangs_on_weights`` (another tier when one
        weight moves by 20 %), ``n_criteria_missing``, ``why``. Without any known criterion rank, score, tier and probabilities
        are missing.
    tiers : pandas.DataFrame
        One row per tier: ``tier, n_accounts, lowest_score, p_tier, p_tier_flat`` (means; missing for an empty tier),
        ``n_sure`` (same tier in at least 95 % of the draws), ``n_hanging`` (whose tier hangs on the weights).
    weights : pandas.DataFrame
        One row per criterion: ``criterion, criterion_kind, direction, scale, weight_given`` (of 1), ``weight`` (of 1, over the
        criteria of which any value is known), ``weight_low, weight_high`` (95 % of the draws), ``n_accounts`` (with a known
        value), ``level_error`` (standard deviation, mean over accounts), ``is_constant`` (the same for all).
    tornado : pandas.DataFrame
        One row per criterion with weight and change, most changes first: ``criterion, weight, weight_change`` (−0.2 or 0.2),
        ``n_tier_changes`` (accounts in another tier), ``n_left_a, n_entered_a``.
    tier_changes : pandas.DataFrame
        One row per account and change of a weight that gives it another tier: ``customer_id, name, criterion, weight_change,
        from_tier, to_tier``.
    ranks : pandas.DataFrame
        One row per account that is not dominated (no other is at least as good on every criterion and better on one), at most
        2,000: ``customer_id, name, rank`` (among all, by the given weights), ``p_first`` (share of the draws in which it is
        first), ``rank_low, rank_median, rank_high`` (95 % of the draws; ranks among the accounts of this frame). Without errors
        of the criteria no other account can be first, whatever the weights.
    rank_acceptability : pandas.DataFrame
        One row per account of ``ranks`` and rank from 1 to 10 that it takes in any draw: ``customer_id, name, rank, p_rank``.
    central_weights : pandas.DataFrame
        The ten accounts that are most often first: ``customer_id, name, p_first, criterion, weight``, the mean of the weights
        that make it first.
    alike : tuple of str
        Criteria that say nearly the same (rank correlation of their levels above 0.9), the most alike and whatever is as much
        like both of them; empty where there are none.
    concentration : float
        c of the Dirichlet distribution of the weights.
    n_accounts, n_scored, n_dominated : int
        Accounts; those with a score; those that another account dominates (of those examined; see ``all_examined``).
    all_examined : bool
        False where 2,000 accounts were found that are not dominated before all accounts were looked at.
    n_draws, n_rank_draws : int
        Draws behind the tiers, and behind the ranks.
    """

    main: ClassVar[str] = "accounts"

    accounts: pd.DataFrame
    tiers: pd.DataFrame
    weights: pd.DataFrame
    tornado: pd.DataFrame
    tier_changes: pd.DataFrame
    ranks: pd.DataFrame
    rank_acceptability: pd.DataFrame
    central_weights: pd.DataFrame
    alike: tuple[str, ...]
    concentration: float
    n_accounts: int
    n_scored: int
    n_dominated: int
    all_examined: bool
    n_draws: int
    n_rank_draws: int

    def hanging(self) -> pd.DataFrame:
        """The accounts whose tier changes when one weight moves by 20 %, highest score first."""
        return self.accounts[self.accounts["hangs_on_weights"]].reset_index(drop=True)

    def _n_may_leave(self) -> int:
        return int(self.tier_changes.loc[self.tier_changes["from_tier"] == "A", "customer_id"].nunique())

    def _sentence(self) -> str:
        say = self.context.wording
        if self.n_scored == 1:
            return say.sentence("The only account with a score makes score group A: 1 of 1 always does.")
        first_tier = self.tiers.iloc[0]
        n_criteria = int((self.weights["weight"] > 0).sum())
        first = say.plural(
            "One of {n_all} accounts makes score group A by {criteria} weighted criteria, the same group in {p} of the draws of "
            "weights and judgments.",
            "{n} of {n_all} accounts make score group A by {criteria} weighted criteria; {sure} of them are sure of it, in at "
            "least {p} of the draws of weights and judgments.",
            int(first_tier["n_accounts"]),
            n_all=say.count(self.n_scored),
            criteria=say.count(n_criteria),
            sure=say.count(first_tier["n_sure"]),
            p=say.share(SURE if first_tier["n_accounts"] > 1 else float(first_tier["p_tier"]), 0),
        )
        n_may_leave = self._n_may_leave()
        second = (
            say.plural(
                "One of group A hangs on the weights: it leaves when a single weight moves by {shift}.",
                "{n} of group A hang on the weights: they leave when a single weight moves by {shift}.",
                n_may_leave,
                shift=say.share(SHIFT, 0),
            )
            if n_may_leave
            else say.sentence("None of them leaves when a single weight moves by {shift}.", shift=say.share(SHIFT, 0))
        )
        return say.join(part for part in (first, second, self._say_alike()) if part)

    def _say_alike(self) -> str:
        """Which criteria count nearly the same twice, and how much weight they have together."""
        if not self.alike:
            return ""
        say = self.context.wording
        rows = self.weights.set_index("criterion").loc[list(self.alike)]
        names = [name_criterion(str(name), str(kind), say) for name, kind in rows["criterion_kind"].items()]
        return say.sentence(
            "Of the criteria, {list} are nearly the same here, and have {share} of the weight together.",
            list=say.listing(names),
            share=say.share(float(rows["weight"].sum()), 0),
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        first_tier = self.tiers.iloc[0]
        n_missing = int((self.accounts["n_criteria_missing"] > 0).sum())
        return (
            KeyFigure(
                value=say.count(first_tier["n_accounts"]),
                label=say.sentence("accounts in score group A"),
                note=say.sentence("by all criteria; as many as were to be named"),
            ),
            KeyFigure(
                value=say.count(first_tier["n_sure"]),
                label=say.sentence("of them are sure of it"),
                note=say.sentence(
                    "group A in at least {p} of {n} draws of weights and judgments",
                    p=say.share(SURE, 0),
                    n=say.count(self.n_draws),
                ),
            ),
            KeyFigure(
                value=say.count(self._n_may_leave()),
                label=say.sentence("of them hang on the weights"),
                note=say.sentence("counted: one weight {shift} lower or higher", shift=say.share(SHIFT, 0)),
            ),
            KeyFigure(
                value=say.share(float(first_tier["p_tier_flat"]), 0),
                label=say.sentence("chance that one of group A stays if nothing is known of the weights"),
                note=say.sentence("mean over group A, every set of weights as likely"),
            ),
            KeyFigure(
                value=say.count(n_missing),
                label=say.sentence("accounts lack a criterion"),
                note=say.sentence("scored by the others, re-weighted"),
            ),
        )


def score_accounts(
    criteria: pd.DataFrame,
    *,
    weights: Mapping[str, float] | None = None,
    concentration: float = 50.0,
    tiers: tuple[float, float] = (0.2, 0.3),
    n_draws: int = 1000,
    n_rank_draws: int = 10_000,
    profit: pd.Series | None = None,
    seed: int = 1,
    context: Context | None = None,
) -> ScorecardResult:
    """Score accounts by weighted criteria, put them into tiers, and tell how sure each tier is.

    The score is the weighted mean of the levels; where a level is missing, the other criteria of the account take its weight in
    proportion. The share of the draws in which an account has a tier tells how far the tier rests on weights and judgments
    that could as well be a little different; beside it, the same with all weights as likely (c → flat), and what changes when
    one weight is a fifth lower or higher and the others make up for it.

    Assumes (1) that a strength on one criterion makes up for a weakness on another, in proportion to the weights; (2) that the
    criteria tell different things; (3) that what is not known of an account is like what is known of it; (4) weights from a
    Dirichlet distribution with parameters ``concentration`` × weight; (5) errors of levels that are normal and independent, of
    the size that stands in the table.

    Parameters
    ----------
    criteria : pandas.DataFrame
        As from :func:`kam.identify.criteria.criteria_table`; needed are ``customer_id, criterion, weight, criterion_level``,
        one row per account and criterion.
    weights : mapping of str to float, optional
        Weights by criterion in place of those of the table; criteria that are not named keep theirs. They need not sum to 1.
    concentration : float
        c above 0: the larger, the nearer are the drawn weights to the given ones. With 50 a weight of 20 % lies between 10 %
        and 32 % in 95 of 100 draws.
    tiers : tuple of float or of int
        How much tiers A and B take: shares of the accounts with a score, rounded up; or whole numbers of accounts. As many as
        the ABC classes hold: ``(int((classes == "A").sum()), int((classes == "B").sum()))``. Accounts of equal score stand in
        the order of their id.
    n_draws : int
        Draws of weights and errors for the tiers.
    n_rank_draws : int
        Draws for the ranks of the accounts that are not dominated.
    profit : pandas.Series, optional
        What each account leaves, in money, by customer id, such as ``profitability(...).contributions()``: a check then tells
        how many of the best lose money. By default the criterion ``contribution``, else ``margin``, where it is measured.
    seed : int
        Seed of all draws.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    ScorecardResult

    Raises
    ------
    MissingColumnError
        The table lacks a column.
    EmptyDataError
        No criterion with a weight has a known value.
    DataError
        An account's criterion, or its profit, stands twice, a level is not between 0 and 1, an error is negative, or a criterion
        has two weights.
    ParameterError
        A weight is negative or of an unknown criterion, the weights sum to 0, or another parameter is out of range.

    References
    ----------
    Lahdelma & Salminen (2001), SMAA-2; Tervonen et al. (2009), SMAA-TRI: :mod:`kam.identify.smaa`.

    Examples
    --------
    >>> table = pd.DataFrame({"customer_id": ["a", "a", "b", "b", "c", "c"], "criterion": ["revenue", "margin"] * 3,
    ...     "weight": [0.6, 0.4] * 3, "criterion_level": [1.0, 0.8, 0.5, 1.0, 0.0, None]})
    >>> result = score_accounts(table, tiers=(1, 1))
    >>> result.accounts[["customer_id", "weighted_score", "tier"]].to_dict("list")
    {'customer_id': ['a', 'b', 'c'], 'weighted_score': [0.92, 0.7, 0.0], 'tier': ['A', 'B', 'C']}
    """
    context = context or Context()
    say = context.wording
    if not (is_number(concentration) and np.isfinite(concentration) and concentration > 0):
        raise ParameterError(f"concentration is {concentration}.", hint="Give a number above 0, such as 50.")
    check_whole("n_draws", n_draws, at_least=1)
    check_whole("n_rank_draws", n_rank_draws, at_least=1)
    check_whole("seed", seed, at_least=0)
    facts, ids, names, levels, errors = to_matrix(criteria)
    given = choose_weights(facts, weights)
    used = np.where((~np.isnan(levels)).any(axis=0), given, 0.0)
    if not used.sum() > 0:
        raise EmptyDataError("No criterion with a weight has a known value.", where="criteria", hint="Declare others.")
    given, used = given / given.sum(), used / used.sum()
    counted = np.flatnonzero(used)  # criteria
    scored = np.flatnonzero((~np.isnan(levels[:, counted])).any(axis=1))  # accounts
    u, s, w = levels[np.ix_(scored, counted)], errors[np.ix_(scored, counted)], used[counted]
    n_a, n_b = tier_sizes(tiers, len(scored))

    scores = weighted_scores(u, w)
    order = order_by_score(scores)
    own = tiers_of(order, n_a, n_b)
    rng = np.random.default_rng(seed)
    sets = [draw_weights(w, n_draws, rng, concentration=concentration), draw_weights(w, n_draws, rng)]
    near, flat = tier_acceptability(prepare(u, s), sets, (n_a, n_a + n_b), rng)
    tornado, changes = shift_weights(u, w, own, (n_a, n_b))

    front = not_dominated(u, scores, most=MOST_RANKED)
    drawn = draw_weights(w, n_rank_draws, rng, concentration=concentration)
    ranks = rank_acceptability(prepare(u[front], s[front]), drawn, n_first=FIRST_RANKS, rng=rng)

    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    hanging = np.zeros(len(scored), dtype=bool)
    hanging[changes["row"].to_numpy()] = True
    rows = np.arange(len(scored))
    shown = [name_criterion(facts["criterion"].iloc[j], facts["criterion_kind"].iloc[j], say) for j in counted]
    known = pd.DataFrame(
        {
            "customer_id": ids[scored],
            "name": names[scored],
            "rank": rank,
            "weighted_score": scores,
            "tier": np.array(TIERS)[own],
            "p_tier": near[rows, own],
            "p_tier_a": near[:, 0],
            "p_tier_b": near[:, 1],
            "p_tier_c": near[:, 2],
            "p_tier_flat": flat[rows, own],
            "hangs_on_weights": hanging,
            "n_criteria_missing": np.isnan(u).sum(axis=1),
            "why": reasons_of(u, w, shown, say),
        }
    )
    accounts = add_unscored(known, ids, names, scored, len(counted), say)
    labels = facts["criterion"].to_numpy()[counted]
    who = known[["customer_id", "name"]]
    n_front = len(front)
    return ScorecardResult(
        context=context,
        checks=list_checks(
            say, criteria, facts.iloc[counted], facts, u, known, len(ids), n_a, n_b, money_left(criteria, profit)
        ),
        assumed=list_assumed(say, facts.iloc[counted], w, s, concentration, tiers, n_draws),
        accounts=accounts,
        tiers=summarize_tiers(known),
        weights=describe_weights(facts, given, used, levels, errors, concentration),
        tornado=tornado.assign(criterion=labels[tornado["j"]], weight=w[tornado["j"]])[
            ["criterion", "weight", "weight_change", "n_tier_changes", "n_left_a", "n_entered_a"]
        ],
        tier_changes=pd.DataFrame(
            {
                "customer_id": who["customer_id"].to_numpy()[changes["row"]],
                "name": who["name"].to_numpy()[changes["row"]],
                "criterion": labels[changes["j"]],
                "weight_change": changes["weight_change"],
                "from_tier": changes["from_tier"],
                "to_tier": changes["to_tier"],
            }
        ),
        ranks=frame_ranks(who.iloc[front], rank[front], ranks),
        rank_acceptability=frame_acceptability(who.iloc[front], ranks),
        central_weights=frame_central_weights(who.iloc[front], ranks, labels),
        alike=tuple(str(labels[j]) for j in alike_criteria(u)),
        concentration=float(concentration),
        n_accounts=len(ids),
        n_scored=len(scored),
        n_dominated=len(scored) - n_front,
        all_examined=n_front < MOST_RANKED or n_front == len(scored),
        n_draws=int(n_draws),
        n_rank_draws=int(n_rank_draws),
    )
