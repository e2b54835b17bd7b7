"""The list of key accounts: who is on it and why, who is not and why not, and what to look at.

Volume alone does not make a key account. An account is on the list when it meets *every* criterion of :data:`CRITERIA` that the
data allow; the large ones that miss one are listed with what they miss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from kam.dataset.checking import find_problems
from kam.errors import DataError, ParameterError
from kam.identify.abc_xyz import AbcXyzResult, classify_abc_xyz
from kam.identify.account_costs import piece_names
from kam.identify.account_facts import account_facts
from kam.identify.criteria import criteria_table
from kam.identify.key_account_facts import add_findings, collect_facts, judge, portfolio_returns
from kam.identify.key_account_words import describe_criteria, is_silent, name_misses, say_warning, say_why, shorten
from kam.identify.migration import TierMigrationResult, tier_migration
from kam.identify.profitability import ProfitabilityResult, profitability
from kam.identify.rfm import RfmResult, score_rfm
from kam.identify.risks import RisksResult, risks
from kam.identify.sales_quality import SalesQualityResult, sales_quality
from kam.identify.scorecard import ScorecardResult, score_accounts
from kam.ledger import activity_panel, summarize_customers
from kam.results import Assumed, Check, Context, KeyFigure, NotPossible, Result, attempt

if TYPE_CHECKING:
    from kam.dataset import Dataset

TEN = 10
"""How many of the largest the answer looks at."""
CRITERIA = ("large", "surely_large", "steady", "still_buying", "profitable")
"""The criteria in their order; ``profitable`` only where a cost is known."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class KeyAccountsResult(Result):
    """Result of :func:`identify_key_accounts`.

    Attributes
    ----------
    accounts : pandas.DataFrame
        One row per account that is a key account or of class A, key accounts first, then by value: ``rank, customer_id, name,
        is_key_account, tier`` (in force, after hysteresis and tiers set by hand) ``, value, share_value, profit`` (where a cost
        is known) ``, n_orders, days_since_last_order, share_returns, abc_class, xyz_class, segment, p_same_class`` (the same
        class again) ``, p_tier_a`` (tier A by the scorecard, over the weights) ``, is_silent`` (for more than three of its gaps
        and a month) ``, why, warning``. ``rank`` is by value; ``warning`` is empty where there is none.
    criteria : pandas.DataFrame
        One row per criterion in its order: ``criterion, meaning, n_customers`` that meet it,
        ``n_all_so_far`` that meet it and all before it.
    measure, base : str
        What accounts are ranked by (``revenue`` or ``margin``), and what shares are shares of (``positive`` or ``net``).
    n_customers : int
        Customers in the ledger.
    n_key_accounts, n_by_hand : int
        Accounts that are on the list: they meet every criterion, or tier A was set by hand and no other tier was; those of them
        that do not meet every criterion.
    n_removed : int
        Accounts that meet every criterion and are off the list, since another tier was set by hand.
    n_losing : int
        Accounts whose profit, after all costs that are known, is below zero; 0 where no cost is known.
    share_key_accounts : float
        Their share of the base total.
    largest_missing : tuple of str
        Those among the ten largest that are no key accounts: name and, in brackets, what they miss.
    problems : tuple of str
        Why the ledger cannot be trusted; then the answer begins with it.
    min_certainty, max_gap_cv, min_active_share : float
        The thresholds that were used.
    """

    main: ClassVar[str] = "accounts"

    accounts: pd.DataFrame
    criteria: pd.DataFrame
    measure: str
    base: str
    n_customers: int
    n_key_accounts: int
    n_by_hand: int
    n_removed: int
    n_losing: int
    share_key_accounts: float
    largest_missing: tuple[str, ...]
    problems: tuple[str, ...]
    min_certainty: float
    max_gap_cv: float
    min_active_share: float

    def key_accounts(self) -> pd.DataFrame:
        """The rows of ``accounts`` that are key accounts."""
        return self.accounts[self.accounts["is_key_account"]].reset_index(drop=True)

    def others(self) -> pd.DataFrame:
        """The rows of ``accounts`` that miss a criterion."""
        return self.accounts[~self.accounts["is_key_account"]].reset_index(drop=True)

    def _sentence(self) -> str:
        if not self.problems:
            return self._finding()
        return self.context.wording.sentence(
            "Not to be trusted: {problems} {finding}",
            problems=self.context.wording.join(self.problems),
            finding=self._finding(),
        )

    def _finding(self) -> str:
        say = self.context.wording
        if self.n_key_accounts == 0 and self.n_removed:
            return say.plural(
                "None of {n_all} accounts is a key account: one meets every criterion, but has another tier by hand.",
                "None of {n_all} accounts is a key account: {n} meet every criterion, but have another tier by hand.",
                self.n_removed,
                n_all=say.count(self.n_customers),
            )
        if self.n_key_accounts == 0:
            return say.plural(
                "No account is a key account: the only one does not meet every criterion.",
                "None of {n} accounts is a key account: none meets every criterion.",
                self.n_customers,
            )
        first = say.plural(
            "One of {n_all} accounts is a key account: {traits}. It brings {share} of {what} ({value}).",
            "{n} of {n_all} accounts are key accounts: {traits}. They bring {share} of {what} ({value}).",
            self.n_key_accounts,
            n_all=say.count(self.n_customers),
            traits=self._traits(),
            share=say.share(self.share_key_accounts),
            what=say.base(self.measure, self.base),
            value=say.money(self.key_accounts()["value"].sum()),
        )
        if self.n_losing > self.n_customers / 2:
            first = say.join(
                [
                    first,
                    say.sentence(
                        "Most accounts lose money: {n} of {n_all}.",
                        n=say.count(self.n_losing),
                        n_all=say.count(self.n_customers),
                    ),
                ]
            )
        silent = self._silent()
        if len(silent):
            first = say.join(
                [
                    first,
                    say.plural(
                        "One of them has been silent for more than three times its rhythm ({value}).",
                        "{n} of them have been silent for more than three times their rhythm ({value}).",
                        len(silent),
                        value=say.money_short(silent["value"].sum()),
                    ),
                ]
            )
        if not self.largest_missing:
            return first
        shown = list(self.largest_missing[:2])
        if len(self.largest_missing) > 2:
            shown.append(say.sentence("{n} more", n=say.count(len(self.largest_missing) - 2)))
        if len(self.largest_missing) == TEN:
            return say.join([first, say.sentence("None of the ten largest is: {names}.", names=say.listing(shown))])
        return say.join(
            [
                first,
                say.plural(
                    "One of the ten largest is not: {names}.",
                    "{n} of the ten largest are not: {names}.",
                    len(self.largest_missing),
                    names=say.listing(shown),
                ),
            ]
        )

    def _traits(self) -> str:
        """What the key accounts are, and how many of them are on the list by hand alone."""
        say = self.context.wording
        certainty = {"p": say.share(self.min_certainty, 0)}
        traits = (
            say.sentence("surely large ({p} or more), steady, still buying and profitable", **certainty)
            if "profitable" in set(self.criteria["criterion"])
            else say.sentence("surely large ({p} or more), steady and still buying", **certainty)
        )
        if not self.n_by_hand:
            return traits
        if self.n_by_hand == self.n_key_accounts:
            return say.sentence("set by hand")
        return say.plural(
            "{n_met} are {traits}, and one more was set by hand",
            "{n_met} are {traits}, and {n} more were set by hand",
            self.n_by_hand,
            n_met=say.count(self.n_key_accounts - self.n_by_hand),
            traits=traits,
        )

    def _silent(self) -> pd.DataFrame:
        """Key accounts that have not ordered for more than three times their rhythm, and a month."""
        keys = self.key_accounts()
        return keys[keys["is_silent"]]

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        keys = self.key_accounts()
        large = self.criteria.set_index("criterion")["n_all_so_far"]
        warned = keys[keys["warning"] != ""]
        return (
            KeyFigure(
                value=say.count(self.n_key_accounts),
                label=say.sentence("key accounts"),
                note=say.sentence("each at least {p} sure to be class A again", p=say.share(self.min_certainty, 0))
                if not self.n_by_hand
                else say.plural("one of them set by hand", "{n} of them set by hand", self.n_by_hand),
            ),
            KeyFigure(
                value=say.share(self.share_key_accounts),
                label=say.sentence("of {what} comes from them", what=say.base(self.measure, self.base)),
                note=say.sentence("counted, not estimated"),
            ),
            KeyFigure(
                value=say.count(len(self.others())),
                label=say.sentence("large accounts are not on the list"),
                note=say.sentence("of {n} in class A", n=say.count(large["large"])),
            ),
            KeyFigure(
                value=say.count(len(warned)),
                label=say.sentence("key accounts need a look"),
                note=say.sentence("worth {value} so far", value=say.money_short(warned["value"].sum())),
            ),
        )


def identify_key_accounts(
    dataset: Dataset,
    *,
    classes: AbcXyzResult | None = None,
    rfm: RfmResult | NotPossible | None = None,
    profit: ProfitabilityResult | None = None,
    scorecard: ScorecardResult | NotPossible | None = None,
    migration: TierMigrationResult | NotPossible | None = None,
    flags: Sequence[SalesQualityResult | RisksResult | NotPossible] | None = None,
    min_certainty: float = 0.8,
    max_gap_cv: float = 1.0,
    min_active_share: float = 0.5,
    seed: int = 1,
) -> KeyAccountsResult:
    """Rank the large accounts, say which are key accounts and why, and what to look at before the next visit.

    A key account is (1) in class A; (2) in class A again in at least ``min_certainty`` of the re-runs of its own ordering; (3)
    steady: it bought on at least four days, in at least ``min_active_share`` of its months or at gaps that vary by at most
    ``max_gap_cv`` (a buyer who orders every quarter is steady, too); (4) still buying, that is not of class "ended"; (5)
    profitable: what it leaves after all costs that are known is positive, and the goods of the last twelve months were not sold
    at a loss. All must hold: the conjunction is the point, since a
    large single order, an occasional giant or a loss-making volume buyer is large without being a key account. A tier set by
    hand that is in force goes before the criteria, and is said.

    Warnings name what :func:`kam.identify.sales_quality` and :func:`kam.identify.risks` flag (but not a missing sponsor, see
    :func:`kam.identify.staffing`), returns above three times the portfolio's and above 5 %, half of the revenue in one month, a
    silence of three times the account's own rhythm, and twelve months at least 30 % below the twelve before.

    Parameters
    ----------
    dataset : Dataset
        The ledger, and names from the account file where there is one.
    classes : AbcXyzResult, optional
        From :func:`kam.identify.classify_abc_xyz`; computed if not given.
    rfm : RfmResult or NotPossible, optional
        From :func:`kam.identify.score_rfm`; computed if not given.
    profit : ProfitabilityResult, optional
        From :func:`kam.identify.profitability`; likewise.
    scorecard : ScorecardResult or NotPossible, optional
        From :func:`kam.identify.score_accounts`; likewise.
    migration : TierMigrationResult or NotPossible, optional
        From :func:`kam.identify.tier_migration`; likewise.
    flags : sequence of SalesQualityResult, RisksResult or NotPossible, optional
        What to warn of; likewise.
    min_certainty : float
        Least probability of class A in a re-run, 0 to 1.
    max_gap_cv : float
        Largest variation of the gaps between orders (standard deviation over mean).
    min_active_share : float
        Least share of the months since the first order that have an order, 0 to 1.
    seed : int
        Seed of the class stability, where it is computed here.

    Returns
    -------
    KeyAccountsResult

    Raises
    ------
    ParameterError
        A threshold is out of range.
    DataError
        ``classes`` are not those of this ledger; or as :func:`kam.identify.classify_abc_xyz`.
    """
    if not 0 <= min_certainty <= 1:
        raise ParameterError(f"min_certainty is {min_certainty}.", hint="Give a probability between 0 and 1.")
    if not 0 <= min_active_share <= 1:
        raise ParameterError(f"min_active_share is {min_active_share}.", hint="Give a share between 0 and 1.")
    if not max_gap_cv > 0:
        raise ParameterError(f"max_gap_cv is {max_gap_cv}.", hint="Give a positive number, such as 1.0.")
    context = dataset.context
    problems = find_problems(dataset)
    summary = summarize_customers(dataset.ledger)
    panel = activity_panel(dataset.ledger, freq="month")
    classes = classes or classify_abc_xyz(summary, panel, seed=seed, context=context)
    if rfm is None:
        rfm = attempt(score_rfm, summary, context=context)
    if set(classes.customers["customer_id"]) != set(summary["customer_id"]):
        raise DataError(
            "The classes are not of this ledger: the customers differ.", hint="Classify this ledger's summary."
        )
    profit = profit or profitability(
        summary, dataset.accounts, credit_rate=dataset.assumptions.credit_rate, context=context
    )
    if scorecard is None:
        known = account_facts(summary, panel, accounts=dataset.accounts)
        scorecard = attempt(score_dataset, dataset, known, summary=summary, profit=profit, seed=seed)
    if migration is None:
        migration = attempt(
            tier_migration,
            panel,
            freq="month",
            value=classes.measure,
            base="net" if classes.base == "net" else "positive",
            overrides=dataset.overrides,
            context=context,
        )
    if flags is None:
        flags = [attempt(sales_quality, dataset.ledger, accounts=dataset.accounts, context=context),
                 attempt(risks, dataset.ledger, accounts=dataset.accounts, context=context)]  # fmt: skip
    last = pd.Timestamp(dataset.ledger.last_complete_month or dataset.ledger.as_of)
    frame = collect_facts(summary, panel, classes, rfm, dataset.accounts, last)
    frame = add_findings(frame, profit, scorecard, migration, flags)
    met = judge(frame, min_certainty, max_gap_cv, min_active_share)
    so_far = met.cummin(axis=1)
    by_hand = frame["set_by_hand"] != ""
    frame["is_key_account"] = so_far.iloc[:, -1].where(~by_hand, frame["tier"] == "A")
    kept = met["large"] | frame["is_key_account"]
    shown, verdicts = frame[kept].copy(), met[kept].to_dict("records")
    facts = shown.to_dict("records")
    misses = [name_misses(fact, verdict, context.wording) for fact, verdict in zip(facts, verdicts, strict=True)]
    shown["why"] = [say_why(fact, missed, context.wording) for fact, missed in zip(facts, misses, strict=True)]
    shown["is_silent"] = [is_silent(fact) for fact in facts]
    usual = portfolio_returns(summary)
    shown["warning"] = [say_warning(fact, usual, context.wording) for fact in facts]
    columns = ["rank", "customer_id", "name", "is_key_account", "tier", "value", "share_value"]
    columns += ["profit"] if "profit" in shown else []
    columns += [
        "n_orders",
        "days_since_last_order",
        "share_returns",
        "abc_class",
        "xyz_class",
        *(["segment"] if rfm else []),
        "p_same_class",
    ]
    columns += ["p_tier_a", "is_silent", "why", "warning"]
    accounts = shown.sort_values(["is_key_account", "rank"], ascending=[False, True], ignore_index=True)[columns]
    return KeyAccountsResult(
        context=context,
        checks=_checks(context, frame, profit, scorecard, migration, flags, dataset.accounts is not None, problems),
        assumed=_assumed(context, min_certainty, max_gap_cv, min_active_share),
        accounts=accounts,
        criteria=describe_criteria(met, so_far, context.wording, min_certainty, max_gap_cv, min_active_share),
        problems=problems,
        measure=classes.measure,
        base=classes.base,
        n_customers=len(frame),
        n_key_accounts=int(frame["is_key_account"].sum()),
        n_by_hand=int((frame["is_key_account"] & ~so_far.iloc[:, -1]).sum()),
        n_removed=int((~frame["is_key_account"] & so_far.iloc[:, -1]).sum()),
        n_losing=int((frame["profit"] < 0).sum()) if "profit" in frame else 0,
        share_key_accounts=float(frame.loc[frame["is_key_account"], "share_value"].sum()),
        largest_missing=tuple(
            f"{shorten(fact['name'])} ({context.wording.join(missed, ';') or fact['set_by_hand']})"
            for fact, missed in list(zip(facts, misses, strict=True))[:TEN]
            if not fact["is_key_account"]
        ),
        min_certainty=min_certainty,
        max_gap_cv=max_gap_cv,
        min_active_share=min_active_share,
    )


def score_dataset(
    dataset: Dataset,
    facts: pd.DataFrame,
    *,
    summary: pd.DataFrame,
    profit: ProfitabilityResult | None = None,
    n_rank_draws: int = 2000,
    seed: int = 1,
    context: Context | None = None,
) -> ScorecardResult:
    """Score the accounts by the criteria that the dataset declares, or by the usual ones where it declares none.

    Assumes (1) what :func:`kam.identify.criteria_table` and :func:`kam.identify.score_accounts` assume.

    Parameters
    ----------
    dataset : Dataset
        Its criteria and account file.
    facts : pandas.DataFrame
        As from :func:`kam.identify.account_facts`.
    summary : pandas.DataFrame
        As from :func:`kam.ledger.summarize_customers`.
    profit : ProfitabilityResult, optional
        What accounts leave, and what serving them costs.
    n_rank_draws : int
        Draws behind the ranks.
    seed : int
        Seed of the draws.
    context : Context, optional
        By default that of the dataset.

    Returns
    -------
    ScorecardResult

    Raises
    ------
    DatasetError
        A criterion is not known; and as :func:`kam.identify.criteria_table` and :func:`kam.identify.score_accounts`.
    """
    known = profit is not None and bool(profit.pieces)
    left = profit.accounts.rename(columns={"profit": "contribution"}) if profit is not None and known else None
    criteria = criteria_table(summary, dataset.accounts, declared=dataset.criteria, contribution=left, facts=facts)
    return score_accounts(
        criteria,
        profit=profit.contributions() if profit is not None and known else None,
        n_rank_draws=n_rank_draws,
        seed=seed,
        context=context or dataset.context,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _checks(
    context: Context,
    frame: pd.DataFrame,
    profit: ProfitabilityResult,
    scorecard: ScorecardResult | NotPossible,
    migration: TierMigrationResult | NotPossible,
    flags: Sequence[SalesQualityResult | RisksResult | NotPossible],
    named: bool,
    problems: tuple[str, ...],
) -> tuple[Check, ...]:
    say = context.wording
    cost = "profit" in frame
    gone = [part.error.what for part in (scorecard, migration, *flags) if isinstance(part, NotPossible)]
    unnamed = int((frame["name"] == frame["customer_id"]).sum())
    return (
        Check(
            assumption=say.sentence("the ledger can be trusted"),
            finding=say.join(problems) or say.sentence("no problem was found when it was read and cleaned"),
            verdict="does not hold" if problems else "holds",
        ),
        Check(
            assumption=say.sentence("cost is known"),
            finding=say.sentence(
                "accounts that lose money are kept off the list; profit is net revenue less {pieces}",
                pieces=say.listing([piece_names(say)[piece] for piece in profit.pieces]),
            )
            if cost
            else say.sentence("no cost in this ledger: judged on revenue, not on profit"),
            verdict="holds" if cost else "does not hold",
        ),
        Check(
            assumption=say.sentence("accounts have names"),
            finding=say.plural("one is shown by its number", "{n} are shown by their number", unnamed)
            if unnamed
            else say.sentence("all have"),
            verdict="holds" if named and not unnamed else "handled",
        ),
        Check(
            assumption=say.sentence("tiers, the scorecard and flags could be worked out"),
            finding=say.join(gone) or say.sentence("all of them"),
            verdict="does not hold" if gone else "holds",
        ),
    )


def _assumed(context: Context, min_certainty: float, max_gap_cv: float, min_active_share: float) -> tuple[Assumed, ...]:
    say = context.wording
    return (
        Assumed(
            what=say.sentence("certainty of class A"),
            value=say.share(min_certainty, 0),
            would_change=say.sentence("a lower bar lets accounts near the border of the class in"),
        ),
        Assumed(
            what=say.sentence("steady"),
            value=say.sentence(
                "orders in {share} of the months, or gaps that vary by at most {cv} of their mean",
                share=say.share(min_active_share, 0),
                cv=say.share(max_gap_cv, 0),
            ),
            would_change=say.sentence("a higher bar leaves only weekly and clockwork buyers"),
        ),
    )
