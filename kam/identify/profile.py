"""The four-criterion profile: who orders often, buys much, earns well **and** is loyal, all four at once.

Loyalty is read from behavior: how long the account has been there, how evenly it buys, and how much of its demand it buys from
us. What it says of itself in a survey is satisfaction, which is another thing, and stays out of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.columns import require_columns
from kam.errors import EmptyDataError, ParameterError
from kam.identify.value_classes import class_limits
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.wording import Wording

CRITERIA = {"frequency": "orders_per_year", "volume": "revenue_year", "margin": "share_margin", "loyalty": "loyalty"}
"""The criteria in their order, and the fact by which each is judged."""
LOYALTY = {"tenure_years": 1, "gap_cv": -1, "share_wallet": 1}
"""Facts that make loyalty, and whether more (1) or less (−1) of it is better."""
SILENT_GAPS = 3.0
"""Accounts silent for more of their own gaps than this are not loyal, whatever they did before."""
ABC_CUTS = (0.80, 0.95)
MIN_ACCOUNTS = 20
SHARES = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Where else the border could have been drawn."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ProfileResult(Result):
    """Result of :func:`profile_accounts`.

    Attributes
    ----------
    accounts : pandas.DataFrame
        One row per account that bought within the year, those that meet most first, then by volume: ``customer_id,
        orders_per_year, revenue_year, share_margin`` (where profit is known) ``, loyalty`` (0 to 1) ``, n_met, profile`` (what it
        meets and what it misses).
    criteria : pandas.DataFrame
        One row per criterion: ``criterion, cut, n_customers`` that meet it, ``n_large`` of those with large volume that meet it.
    combinations : pandas.DataFrame
        One row per combination that occurs, the largest revenue first: ``profile, n_met, n_customers, value, share_value``.
    sensitivity : pandas.DataFrame
        One row per border: ``share_below`` (of the accounts that it leaves out), ``n_customers`` that meet all, ``share_value``.
    n_customers, n_all_met, n_large, n_large_missing : int
        Accounts judged; those that meet all criteria; the large ones, and those of them that miss another criterion.
    share_all_met : float
        Share of the year's revenue of the accounts judged that those who meet all bring.
    missed_most : str or None
        The criterion that large accounts miss most often; None where none is missed.
    share_below : float
        Share of the accounts that each border leaves out.
    """

    main: ClassVar[str] = "accounts"

    accounts: pd.DataFrame
    criteria: pd.DataFrame
    combinations: pd.DataFrame
    sensitivity: pd.DataFrame
    n_customers: int
    n_all_met: int
    n_large: int
    n_large_missing: int
    share_all_met: float
    missed_most: str | None
    share_below: float

    def _sentence(self) -> str:
        say = self.context.wording
        names = [_named(name, say) for name in self.criteria["criterion"]]
        first = say.plural(
            "One of {n_all} active accounts stands out in {criteria} at once, and brings {share} of the year's revenue.",
            "{n} of {n_all} active accounts stand out in {criteria} at once, and bring {share} of the year's revenue.",
            self.n_all_met,
            n_all=say.count(self.n_customers),
            criteria=say.listing(names),
            share=say.share(self.share_all_met),
        )
        if self.missed_most is None:
            return first
        return say.join(
            [
                first,
                say.sentence(
                    "{n} of the {n_large} large ones miss a criterion, most often {missed}.",
                    n=say.count(self.n_large_missing),
                    n_large=say.count(self.n_large),
                    missed=_named(self.missed_most, say),
                ),
            ]
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say, counted = self.context.wording, self.context.wording.sentence("counted, not estimated")
        fewest, most = self.sensitivity["n_customers"].min(), self.sensitivity["n_customers"].max()
        return (
            KeyFigure(
                value=say.count(self.n_all_met),
                label=say.sentence("accounts meet all {n} criteria", n=say.count(len(self.criteria))),
                note=say.sentence("{low} to {high} with other borders", low=say.count(fewest), high=say.count(most)),
            ),
            KeyFigure(
                value=say.share(self.share_all_met),
                label=say.sentence("of the year's revenue comes from them"),
                note=counted,
            ),
            KeyFigure(
                value=say.count(self.n_large_missing),
                label=say.sentence("large accounts miss a criterion"),
                note=say.sentence("of {n} large ones", n=say.count(self.n_large)),
            ),
        )


def profile_accounts(
    facts: pd.DataFrame,
    *,
    share_below: float = 0.5,
    cuts: Mapping[str, float] | None = None,
    context: Context | None = None,
) -> ProfileResult:
    """Judge accounts by frequency, volume, margin and loyalty, which must all be high at once.

    A criterion is met from a border on: volume from the smallest account of class A of the year on (80 % of its revenue), the
    others by default from what half of the active accounts stay below on; or from a number of the business. Loyalty is the mean
    of the ranks (0 to 1) of tenure, even ordering and share of wallet, as far as they are known; whoever is silent for more than
    three of its own gaps has loyalty 0.

    Assumes (1) that who stands out among these accounts stands out; (2) that tenure, rhythm and share of wallet count alike.

    Parameters
    ----------
    facts : pandas.DataFrame
        As from :func:`kam.identify.account_facts`.
    share_below : float
        Share of the accounts that a border leaves out, 0 to 1; not that of volume.
    cuts : mapping of str to float, optional
        Borders of the business, by criterion: orders a year, revenue a year, margin as a share, loyalty from 0 to 1.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    ProfileResult

    Raises
    ------
    EmptyDataError
        No account bought within the last twelve complete months.
    MissingColumnError
        The facts lack a column.
    ParameterError
        A border is out of range, or for an unknown criterion.

    Notes
    -----
    The sources ask for frequent flow, large purchases, high margin and comparatively high loyalty *together*; a sum of scores
    would let one pay for another. It is the conjunctive rule of multi-criteria decision (Hwang & Yoon 1981, section 3.1).

    Examples
    --------
    >>> facts = pd.DataFrame({"customer_id": ["a", "b"], "revenue_year": [900.0, 100.0], "orders_per_year": [20.0, 2.0],
    ...     "tenure_years": [5.0, 1.0], "gap_cv": [0.2, 1.0], "n_silent_gaps": [1.0, 1.0]})
    >>> profile_accounts(facts, share_below=0.5).accounts[["customer_id", "n_met"]].values.tolist()
    [['a', 3], ['b', 0]]
    """
    context = context or Context()
    say = context.wording
    if not 0 < share_below < 1:
        raise ParameterError(f"share_below is {share_below!r}.", hint="Give a share between 0 and 1.")
    needed = ("customer_id", "orders_per_year", "revenue_year", "tenure_years")
    require_columns(facts, needed, where="the facts", hint="Give what account_facts returns.")
    active = facts[facts["revenue_year"] > 0].reset_index(drop=True)
    if active.empty:
        raise EmptyDataError(
            "No account bought within the last twelve complete months.", hint="Look at the as-of date of the ledger."
        )
    active["loyalty"], used = _loyalty(active)
    criteria = {name: fact for name, fact in CRITERIA.items() if fact in active}
    unknown = [name for name in cuts or {} if name not in criteria]
    if unknown:
        raise ParameterError(f"There is no criterion {unknown[0]!r}.", hint=f"Criteria here: {', '.join(criteria)}.")
    values = {name: active[fact].fillna(-np.inf).to_numpy(dtype=np.float64) for name, fact in criteria.items()}
    borders = _borders(values, share_below) | dict(cuts or {})
    met = pd.DataFrame({name: of >= borders[name] for name, of in values.items()})
    revenue = active["revenue_year"]
    accounts = active[["customer_id", *criteria.values()]].assign(n_met=met.sum(axis=1), profile=_words(met, say))
    accounts = accounts.sort_values(
        ["n_met", "revenue_year", "customer_id"], ascending=[False, False, True], ignore_index=True
    )
    everything = met.all(axis=1)
    large = met["volume"]
    misses = (~met[large]).drop(columns="volume").sum()
    return ProfileResult(
        context=context,
        checks=_checks(say, active, met, values, used),
        assumed=_assumed(say, share_below, cuts, used),
        accounts=accounts,
        criteria=pd.DataFrame(
            {
                "criterion": list(criteria),
                "cut": [float(borders[name]) for name in criteria],
                "n_customers": [int(met[name].sum()) for name in criteria],
                "n_large": [int((met[name] & large).sum()) for name in criteria],
            }
        ),
        combinations=_combinations(met, revenue, say),
        sensitivity=_sensitivity(values, revenue),
        n_customers=len(active),
        n_all_met=int(everything.sum()),
        n_large=int(large.sum()),
        n_large_missing=int((large & ~everything).sum()),
        share_all_met=float(revenue[everything].sum() / revenue.sum()),
        missed_most=str(misses.idxmax()) if len(misses) and misses.max() > 0 else None,
        share_below=share_below,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _loyalty(active: pd.DataFrame) -> tuple[pd.Series, list[str]]:
    """Mean rank, 0 to 1, of the facts that make loyalty, and which of them are there; 0 for who is silent."""
    used = [name for name in LOYALTY if name in active and active[name].notna().any()]
    ranks = pd.DataFrame({name: (active[name] * LOYALTY[name]).rank(pct=True) for name in used})
    loyalty = ranks.mean(axis=1).fillna(0.0)
    if "n_silent_gaps" in active:
        loyalty = loyalty.where(~(active["n_silent_gaps"] > SILENT_GAPS), 0.0)
    return loyalty, used


def _borders(values: Mapping[str, npt.NDArray[np.float64]], share: float) -> dict[str, float]:
    """The smallest volume of class A; of the others the least value that ``share`` of the accounts stay below."""
    borders = {name: float(np.quantile(of, share, method="higher")) for name, of in values.items()}
    return borders | {"volume": float(class_limits(values["volume"][None], base="positive", cuts=ABC_CUTS)[0][0])}


def _sensitivity(values: Mapping[str, npt.NDArray[np.float64]], revenue: pd.Series) -> pd.DataFrame:
    rows = []
    for share in SHARES:
        borders = _borders(values, share)
        every = np.logical_and.reduce([of >= borders[name] for name, of in values.items()])
        rows.append((share, int(every.sum()), float(revenue[every].sum() / revenue.sum())))
    return pd.DataFrame(rows, columns=["share_below", "n_customers", "share_value"])


def _named(criterion: str, say: Wording) -> str:
    return {
        "frequency": say.sentence("frequency"),
        "volume": say.sentence("volume"),
        "margin": say.sentence("margin"),
        "loyalty": say.sentence("loyalty"),
    }[criterion]


def _words(met: pd.DataFrame, say: Wording) -> list[str]:
    """What each account meets, and what it misses."""
    said: dict[Sequence[bool], str] = {}
    for row in map(tuple, met.drop_duplicates().to_numpy()):
        high = [_named(name, say) for name, yes in zip(met.columns, row, strict=True) if yes]
        low = [_named(name, say) for name, yes in zip(met.columns, row, strict=True) if not yes]
        said[row] = (
            say.sentence("all: {high}", high=say.listing(high))
            if not low
            else say.sentence("none")
            if not high
            else say.sentence("{high}; not {low}", high=say.listing(high), low=say.join(low, ","))
        )
    return [said[tuple(row)] for row in met.to_numpy()]


def _combinations(met: pd.DataFrame, revenue: pd.Series, say: Wording) -> pd.DataFrame:
    frame = pd.DataFrame({"profile": _words(met, say), "n_met": met.sum(axis=1), "value": revenue})
    table = frame.groupby(["profile", "n_met"], as_index=False).agg(
        n_customers=("value", "size"), value=("value", "sum")
    )
    table["share_value"] = table["value"] / revenue.sum()
    table = table.sort_values(["value", "profile"], ascending=[False, True], ignore_index=True)
    return table[["profile", "n_met", "n_customers", "value", "share_value"]]


def _checks(
    say: Wording,
    active: pd.DataFrame,
    met: pd.DataFrame,
    values: Mapping[str, npt.NDArray[np.float64]],
    used: Sequence[str],
) -> tuple[Check, ...]:
    alike = [_named(name, say) for name, of in values.items() if np.unique(of).size == 1]
    lacking = [_loyalty_named(name, say) for name in LOYALTY if name not in used]
    n = len(active)
    return (
        Check(
            assumption=say.sentence("profit is known"),
            finding=say.sentence("margin is judged by profit over revenue")
            if "margin" in met
            else say.sentence("no cost in this ledger: margin is left out, and three criteria are judged"),
            verdict="holds" if "margin" in met else "does not hold",
        ),
        Check(
            assumption=say.sentence("loyalty can be read from behavior"),
            finding=say.sentence("tenure, even ordering and share of wallet are known")
            if not lacking
            else say.sentence("without {facts}", facts=say.listing(lacking)),
            verdict="holds" if not lacking else "handled",
        ),
        Check(
            assumption=say.sentence("accounts differ in every criterion"),
            finding=say.sentence("all equal in {names}: everybody meets it", names=say.listing(alike))
            if alike
            else say.sentence("they do"),
            verdict="does not hold" if alike else "holds",
        ),
        Check(
            assumption=say.sentence("there are enough accounts to say who stands out"),
            finding=say.plural("one active account", "{n} active accounts", n),
            verdict="holds" if n >= MIN_ACCOUNTS else "does not hold",
            statistic=float(n),
        ),
    )


def _loyalty_named(name: str, say: Wording) -> str:
    return {
        "tenure_years": say.sentence("tenure"),
        "gap_cv": say.sentence("evenness of ordering"),
        "share_wallet": say.sentence("share of wallet (no demand in the account file)"),
    }[name]


def _assumed(
    say: Wording, share_below: float, cuts: Mapping[str, float] | None, used: Sequence[str]
) -> tuple[Assumed, ...]:
    return (
        Assumed(
            what=say.sentence("where a criterion is met"),
            value=say.sentence(
                "volume: class A of the year; the others: what {share} of the active accounts stay below",
                share=say.share(share_below, 0),
            )
            + (
                say.sentence("; given for {names}", names=say.join((_named(n, say) for n in cuts), ",")) if cuts else ""
            ),
            would_change=say.sentence("see the table of other borders"),
        ),
        Assumed(
            what=say.sentence("what loyalty is"),
            value=say.sentence(
                "the mean rank of {facts}",
                facts=say.listing([re.split(r" ?[(（]", _loyalty_named(n, say))[0] for n in used]),
            ),
            would_change=say.sentence("satisfaction is not in it: the satisfied leave, too"),
        ),
    )
