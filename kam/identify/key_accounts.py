"""The list of key accounts: who is on it and why, who is not and why not, and what to look at.

Volume alone does not make a key account. An account is on the list when it meets *every* criterion of :data:`CRITERIA` that the
data allow; the large ones that miss one are listed with what they miss.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from kam.dataset.checking import find_problems
from kam.dataset.names import name_accounts
from kam.errors import DataError, ParameterError
from kam.identify.abc_xyz import AbcXyzResult, classify_abc_xyz
from kam.identify.rfm import RfmResult, score_rfm
from kam.ledger import activity_panel, summarize_customers
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.wording import Wording

if TYPE_CHECKING:
    from kam.dataset import Dataset

MIN_MONTHS = 6
"""In fewer months one month always weighs much, and no warning is given of it."""

Fact = Mapping[Hashable, Any]

CRITERIA = ("large", "surely_large", "steady", "still_buying", "profitable")
"""The criteria in their order; ``profitable`` only where the cost is known."""

MIN_PURCHASE_DAYS = 4
"""With fewer days of purchase nobody is steady: three gaps are the least that can be told from chance."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class KeyAccountsResult(Result):
    """Result of :func:`identify_key_accounts`.

    Attributes
    ----------
    accounts : pandas.DataFrame
        One row per account of class A, key accounts first, then by value: ``rank, customer_id, name, is_key_account, value,
        share_value, margin`` (where cost is known)``, n_orders, days_since_last_order, share_returns, abc_class, xyz_class,
        segment, p_same_class, why, warning``. ``rank`` is by value; ``warning`` is empty where there is none.
    criteria : pandas.DataFrame
        One row per criterion in its order: ``criterion, meaning, n_customers`` that meet it,
        ``n_all_so_far`` that meet it and all before it.
    measure, base : str
        What accounts are ranked by (``revenue`` or ``margin``), and what shares are shares of (``positive`` or ``net``).
    n_customers : int
        Customers in the ledger.
    n_key_accounts : int
        Accounts that meet every criterion.
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
            "Not to be trusted: {problems} {finding}", problems=" ".join(self.problems), finding=self._finding()
        )

    def _finding(self) -> str:
        say = self.context.wording
        if self.n_key_accounts == 0:
            return say.plural(
                "No account is a key account: the only one does not meet every criterion.",
                "None of {n} accounts is a key account: none meets every criterion.",
                self.n_customers,
            )
        profitable = "profitable" in set(self.criteria["criterion"])
        first = say.plural(
            "One of {n_all} accounts is a key account: {traits}. It brings {share} of {what} ({value}).",
            "{n} of {n_all} accounts are key accounts: {traits}. They bring {share} of {what} ({value}).",
            self.n_key_accounts,
            n_all=say.count(self.n_customers),
            traits=say.sentence("large beyond doubt, steady, still buying and profitable")
            if profitable
            else say.sentence("large beyond doubt, steady and still buying"),
            share=say.share(self.share_key_accounts),
            what=say.base(self.measure, self.base),
            value=say.money(self.key_accounts()["value"].sum()),
        )
        if not self.largest_missing:
            return first
        shown = list(self.largest_missing[:2])
        if len(self.largest_missing) > 2:
            shown.append(say.sentence("{n} more", n=say.count(len(self.largest_missing) - 2)))
        return (
            first
            + " "
            + say.plural(
                "One of the ten largest is not: {names}.",
                "{n} of the ten largest are not: {names}.",
                len(self.largest_missing),
                names=say.listing(shown),
            )
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        keys = self.key_accounts()
        large = self.criteria.set_index("criterion")["n_all_so_far"]
        warned = keys[keys["warning"] != ""]
        return (
            KeyFigure(
                value=say.count(self.n_key_accounts),
                label=say.sentence("key accounts"),
                note=say.sentence("each at least {p} sure to be class A again", p=say.share(self.min_certainty, 0)),
            ),
            KeyFigure(
                value=say.share(self.share_key_accounts),
                label=say.sentence("of {what} comes from them", what=say.base(self.measure, self.base)),
                note=say.sentence("counted, not estimated"),
            ),
            KeyFigure(
                value=say.count(large["large"] - self.n_key_accounts),
                label=say.sentence("large accounts miss a criterion"),
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
    rfm: RfmResult | None = None,
    min_certainty: float = 0.8,
    max_gap_cv: float = 1.0,
    min_active_share: float = 0.5,
    seed: int = 1,
) -> KeyAccountsResult:
    """Rank the large accounts, say which are key accounts and why, and what to look at before the next visit.

    A key account is (1) in class A; (2) in class A again in at least ``min_certainty`` of the re-runs of its own ordering; (3)
    steady: it bought on at least four days, in at least ``min_active_share`` of its months or at gaps that vary by at most
    ``max_gap_cv`` (a buyer who orders every quarter is steady, too); (4) still buying, that is not of class "ended"; (5)
    profitable: its margin is positive, where the cost is known. All must hold: the conjunction is the point, since a large
    single order, an occasional giant or a loss-making volume buyer is large without being a key account.

    Warnings name returns above three times the portfolio's and above 5 %, half of the revenue in one month, a silence of three
    times the account's own rhythm, and twelve months at least 30 % below the twelve before.

    Parameters
    ----------
    dataset : Dataset
        The ledger, and names from the account file where there is one.
    classes : AbcXyzResult, optional
        From :func:`kam.identify.classify_abc_xyz`; computed if not given.
    rfm : RfmResult, optional
        From :func:`kam.identify.score_rfm`; computed if not given.
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
        ``classes`` are not those of this ledger; or as :func:`kam.identify.classify_abc_xyz` and :func:`kam.identify.score_rfm`.
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
    rfm = rfm or score_rfm(summary, context=context)
    if set(classes.customers["customer_id"]) != set(summary["customer_id"]):
        raise DataError(
            "The classes are not of this ledger: the customers differ.", hint="Classify this ledger's summary."
        )
    last = pd.Timestamp(dataset.ledger.last_complete_month or dataset.ledger.as_of)
    frame = _facts(summary, panel, classes, rfm, dataset.accounts, last)
    met = _met(frame, min_certainty, max_gap_cv, min_active_share)
    so_far = met.cummin(axis=1)
    frame["is_key_account"] = so_far.iloc[:, -1]
    large = frame[met["large"]].copy()
    facts, verdicts = large.to_dict("records"), met[met["large"]].to_dict("records")
    misses = [_misses(fact, verdict, context.wording) for fact, verdict in zip(facts, verdicts, strict=True)]
    large["why"] = [_why(fact, missed, context.wording) for fact, missed in zip(facts, misses, strict=True)]
    large["warning"] = [_warning(fact, _portfolio_returns(summary), context.wording) for fact in facts]
    columns = ["rank", "customer_id", "name", "is_key_account", "value", "share_value"]
    columns += ["margin"] if "margin" in large else []
    columns += [
        "n_orders",
        "days_since_last_order",
        "share_returns",
        "abc_class",
        "xyz_class",
        "segment",
        "p_same_class",
    ]
    columns += ["why", "warning"]
    accounts = large.sort_values(["is_key_account", "rank"], ascending=[False, True], ignore_index=True)[columns]
    return KeyAccountsResult(
        context=context,
        checks=_checks(context, frame, dataset.accounts is not None, problems),
        assumed=_assumed(context, min_certainty, max_gap_cv, min_active_share),
        accounts=accounts,
        criteria=_criteria(met, so_far, context.wording, min_certainty, max_gap_cv, min_active_share),
        problems=problems,
        measure=classes.measure,
        base=classes.base,
        n_customers=len(frame),
        n_key_accounts=int(frame["is_key_account"].sum()),
        share_key_accounts=float(frame.loc[frame["is_key_account"], "share_value"].sum()),
        largest_missing=tuple(
            f"{_short(fact['name'])} ({'; '.join(missed)})"
            for fact, missed in zip(facts[:10], misses[:10], strict=True)
            if missed
        ),
        min_certainty=min_certainty,
        max_gap_cv=max_gap_cv,
        min_active_share=min_active_share,
    )


# -- facts -----------------------------------------------------------------------------------------------------------


def _facts(
    summary: pd.DataFrame,
    panel: pd.DataFrame,
    classes: AbcXyzResult,
    rfm: RfmResult,
    accounts: pd.DataFrame | None,
    last: pd.Timestamp,
) -> pd.DataFrame:
    """One row per customer, largest first, with everything that a criterion, a reason or a warning needs."""
    own = [
        "customer_id",
        "days_since_last_order",
        "n_purchase_days",
        "n_periods",
        "n_active_periods",
        "returns",
        "revenue",
        "median_gap_days",
    ]
    own += ["margin"] if "margin" in summary else []
    taken = ["customer_id", "value", "share_value", "abc_class", "xyz_class", "n_orders", "gap_cv", "p_same_class"]
    frame = classes.customers[taken].merge(summary[own], on="customer_id", validate="one_to_one")
    frame = frame.merge(rfm.customers[["customer_id", "segment"]], on="customer_id", how="left", validate="one_to_one")
    frame = frame.sort_values(["value", "customer_id"], ascending=[False, True], ignore_index=True)
    frame.insert(0, "rank", np.arange(1, len(frame) + 1))
    frame["segment"] = frame["segment"].fillna("")
    frame["active_share"] = frame["n_active_periods"] / frame["n_periods"].where(frame["n_periods"] > 0)
    gross = frame["revenue"] + frame["returns"]
    frame["share_returns"] = frame["returns"] / gross.where(gross > 0)
    by_month = panel[panel["revenue"] > 0].groupby("customer_id")["revenue"]
    frame["share_largest_month"] = frame["customer_id"].map(by_month.max() / by_month.sum())
    frame["change_year"] = frame["customer_id"].map(_change_over_a_year(panel, last))
    return name_accounts(frame, accounts)


def _change_over_a_year(panel: pd.DataFrame, last: pd.Timestamp) -> pd.Series:
    """Revenue of the last twelve complete months over the twelve before, minus 1, for who had revenue before."""
    if panel.empty:
        return pd.Series(dtype=float)
    year, before = last - pd.DateOffset(months=11), last - pd.DateOffset(months=23)
    if panel["period"].min() > before:
        return pd.Series(dtype=float)
    this = panel[panel["period"] >= year].groupby("customer_id")["revenue"].sum()
    previous = panel[panel["period"].between(before, year, inclusive="left")].groupby("customer_id")["revenue"].sum()
    return this.reindex(previous[previous > 0].index, fill_value=0.0) / previous[previous > 0] - 1


def _portfolio_returns(summary: pd.DataFrame) -> float:
    gross = float((summary["revenue"] + summary["returns"]).sum())
    return float(summary["returns"].sum()) / gross if gross > 0 else 0.0


def _met(frame: pd.DataFrame, min_certainty: float, max_gap_cv: float, min_active_share: float) -> pd.DataFrame:
    met = pd.DataFrame(
        {
            "large": frame["abc_class"] == "A",
            "surely_large": (frame["abc_class"] == "A") & (frame["p_same_class"] >= min_certainty),
            "steady": (frame["n_purchase_days"] >= MIN_PURCHASE_DAYS)
            & ((frame["active_share"] >= min_active_share) | (frame["gap_cv"] <= max_gap_cv)),
            "still_buying": ~frame["xyz_class"].isin(["ended"]) & (frame["n_orders"] > 0),
        }
    )
    if "margin" in frame:
        met["profitable"] = frame["margin"] > 0
    return met


# -- words -----------------------------------------------------------------------------------------------------------


def _short(name: str, length: int = 40) -> str:
    return name if len(name) <= length else name[: length - 1] + "…"


def _misses(fact: Fact, met: Fact, say: Wording) -> list[str]:
    """The criteria that an account of class A misses, each with the figure behind it."""
    if not fact["n_orders"]:
        return [say.sentence("no order, credit notes only")]
    misses = []
    if not met["surely_large"]:
        misses.append(say.sentence("class A again: only {p}", p=say.share(fact["p_same_class"])))
    if not met["steady"]:
        few = fact["n_purchase_days"] < MIN_PURCHASE_DAYS
        misses.append(
            say.plural("bought on one day only", "bought on {n} days only", fact["n_purchase_days"])
            if few or fact["active_share"] != fact["active_share"]
            else say.sentence("ordered in {share} of its months, at random gaps", share=say.share(fact["active_share"]))
        )
    if not met["still_buying"]:
        misses.append(say.sentence("silent for {days} days", days=say.count(fact["days_since_last_order"])))
    if not met.get("profitable", True):
        misses.append(say.sentence("margin is {margin}", margin=say.money(fact["margin"])))
    return misses


def _why(fact: Fact, misses: list[str], say: Wording) -> str:
    if misses:
        return "; ".join(misses)
    rhythm = say.sentence("orders every {days} days", days=say.count(max(1, fact["median_gap_days"])))
    sure = (
        say.sentence("class A again: over {p}", p=say.share(0.99, 0))
        if fact["p_same_class"] > 0.99
        else say.sentence("class A again: {p}", p=say.share(fact["p_same_class"], 0))
    )
    return f"{rhythm}; {sure}"


def _warning(fact: Fact, usual_returns: float, say: Wording) -> str:
    found = []
    if fact["share_returns"] > max(3 * usual_returns, 0.05):
        found.append(say.sentence("returns {share}", share=say.share(fact["share_returns"])))
    if fact["share_largest_month"] >= 0.5 and fact["n_periods"] >= MIN_MONTHS:
        found.append(say.sentence("{share} of revenue in one month", share=say.share(fact["share_largest_month"], 0)))
    gap, silence = fact["median_gap_days"], fact["days_since_last_order"]
    if fact["xyz_class"] != "ended" and gap == gap and silence > max(3 * gap, 30):
        found.append(
            say.sentence("silent {days} days, usually {gap}", days=say.count(silence), gap=say.count(max(1, gap)))
        )
    if fact["xyz_class"] != "ended" and fact["change_year"] <= -0.3:
        found.append(say.sentence("last 12 months {change}", change=say.share(fact["change_year"], 0)))
    return "; ".join(found)


def _criteria(
    met: pd.DataFrame,
    so_far: pd.DataFrame,
    say: Wording,
    min_certainty: float,
    max_gap_cv: float,
    min_active_share: float,
) -> pd.DataFrame:
    meanings = {
        "large": say.sentence("class A by value"),
        "surely_large": say.sentence(
            "at least {p} sure to be class A again, if the same ordering ran again", p=say.share(min_certainty, 0)
        ),
        "steady": say.sentence(
            "ordered in at least {share} of its months, or at gaps that vary by at most {cv} of their mean",
            share=say.share(min_active_share, 0),
            cv=say.share(max_gap_cv, 0),
        ),
        "still_buying": say.sentence("not silent far beyond its own rhythm"),
        "profitable": say.sentence("margin above zero"),
    }
    return pd.DataFrame(
        {
            "criterion": met.columns,
            "meaning": [meanings[name] for name in met.columns],
            "n_customers": met.sum().to_numpy(),
            "n_all_so_far": so_far.sum().to_numpy(),
        }
    )


def _checks(context: Context, frame: pd.DataFrame, named: bool, problems: tuple[str, ...]) -> tuple[Check, ...]:
    say = context.wording
    cost = "margin" in frame
    unnamed = int((frame["name"] == frame["customer_id"]).sum())
    return (
        Check(
            assumption=say.sentence("the ledger can be trusted"),
            finding=" ".join(problems) or say.sentence("no problem was found when it was read and cleaned"),
            verdict="does not hold" if problems else "holds",
        ),
        Check(
            assumption=say.sentence("cost is known"),
            finding=say.sentence(
                "accounts that lose money are kept off the list; margin is net revenue less cost, before freight and trade terms"
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
