"""Which small accounts could be let go, if ever: only those that have shown no potential for quarters in a row.

A small account is not judged by one moment: at the end of each of the last quarters it has to be class C by the twelve months
before, and over these quarters its share of all revenue must not have grown. It is kept all the same where it earns its keep,
has demand worth having, may rise, belongs to a group with a key account, or is protected by hand. Letting go is indirect: no
visits, orders through the shop or a dealer, list prices; nobody is sent away (a new customer costs as much as keeping five).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.columns import read_ids, require_columns, require_distinct
from kam.dataset.names import name_accounts
from kam.dataset.parents import find_heads
from kam.errors import DataError, ParameterError
from kam.identify.growth_features import YEAR, Snapshot, read_history, snapshot
from kam.identify.release_checks import list_assumed, list_checks, say_left, say_money, say_quarters
from kam.identify.value_classes import class_limits
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import check_whole
from kam.wording import N_

Flags = npt.NDArray[np.bool_]

GROWING = 0.25
"""An account grows if its share of twelve months' revenue rises by more than this over the quarters that are judged."""
QUARTER = 3

CRITERIA = {
    "buys": N_("ordered in the last twelve months, so that there is something to let go"),
    "not_new": N_("first order before the quarters that are judged"),
    "small": N_("class C at the end of each of these quarters"),
    "not_growing": N_("its twelve months' revenue, relative to all, did not grow over these quarters"),
    "no_contribution": N_("after the cost to serve it leaves nothing"),
    "no_demand": N_("its whole demand would not make class B"),
    "low_chance": N_("is hardly going to be class A"),
    "no_key_group": N_("its group has no key account"),
    "not_protected": N_("has no tier set by hand"),
}
"""What a candidate has to meet, in the order in which it is asked."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ReleaseResult(Result):
    """Result of :func:`release`.

    Attributes
    ----------
    candidates : pandas.DataFrame
        One row per account that could be let go, the smallest first: ``customer_id, name, value`` (net revenue of twelve
        months), ``n_small`` (quarters in a row in class C, up to now), ``trend``, ``profit, keeping_cost`` (a year),
        ``replacement_cost`` (once), ``years_to_replace`` (replacement over what it loses a year; missing where it loses
        nothing), ``why``. Money that is not known is missing, and ``why`` says so.
    criteria : pandas.DataFrame
        One row per criterion that was asked: ``term, meaning, n_customers`` (meet it), ``n_all_so_far`` (and all before it).
    left_out : tuple of str
        Criteria that could not be asked.
    n_quarters, n_customers, n_candidates : int
        Quarters judged; customers who ever ordered; candidates.
    revenue_lost, share_lost : float
        Revenue of twelve months of all candidates together, and its share of all revenue.
    contribution_lost : float or None
        Their contribution a year together, after what serving them costs; None where none is known.
    keeping_cost, replacement_cost : float or None
        What serving them costs a year, and winning as many of the same size once; None where it is not known of all.
    """

    main: ClassVar[str] = "candidates"

    candidates: pd.DataFrame
    criteria: pd.DataFrame
    left_out: tuple[str, ...]
    n_quarters: int
    n_customers: int
    n_candidates: int
    revenue_lost: float
    share_lost: float
    contribution_lost: float | None
    keeping_cost: float | None
    replacement_cost: float | None

    def _sentence(self) -> str:
        say = self.context.wording
        if not self.n_candidates:
            return say.plural(
                "None of {all} accounts has been without potential for a quarter: none is to be let go.",
                "None of {all} accounts has been without potential for {n} quarters in a row: none is to be let go.",
                self.n_quarters,
                all=say.count(self.n_customers),
            )
        first = say.plural(
            "One of {all} accounts has shown no potential for {quarters} quarters in a row",
            "{n} of {all} accounts have shown no potential for {quarters} quarters in a row",
            self.n_candidates,
            all=say.count(self.n_customers),
            quarters=say.count(self.n_quarters),
        )
        bring = say.sentence(
            "they bring {revenue} of revenue a year ({share})",
            revenue=say.money_short(self.revenue_lost),
            share=say.share(self.share_lost),
        )
        parts = [say.join([first, f"{bring}{say_left(say, self.contribution_lost, self.keeping_cost)}"], ";")]
        if self.replacement_cost is not None:
            parts.append(
                say.sentence(
                    "To win as many new ones of that size would cost {replace} once.",
                    replace=say.money_short(self.replacement_cost),
                )
            )
        return say.join([*parts, say.sentence("Let go only indirectly: fewer visits, the shop, list prices.")])

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        counted = say.sentence("counted, not estimated")

        def money(x: float | None) -> str:
            return "–" if x is None else say.money_short(x)

        return (
            KeyFigure(
                value=say.count(self.n_candidates),
                label=say.sentence("accounts could be let go, indirectly"),
                note=say.plural("judged over one quarter", "judged over {n} quarters", self.n_quarters),
            ),
            KeyFigure(
                value=say.money_short(self.revenue_lost),
                label=say.sentence("revenue a year would be gone"),
                note=say.sentence("{share} of all; {counted}", share=say.share(self.share_lost), counted=counted),
            ),
            KeyFigure(
                value=money(None if self.contribution_lost is None else abs(self.contribution_lost)),
                label=say.sentence("leaving would save, a year")
                if self.contribution_lost is not None and self.contribution_lost < 0
                else say.sentence("contribution a year would be gone"),
                note=say.sentence("no contribution is known")
                if self.contribution_lost is None
                else counted
                if self.keeping_cost is None
                else say.sentence("after {keep} a year to serve them", keep=money(self.keeping_cost)),
            ),
            KeyFigure(
                value=money(self.replacement_cost),
                label=say.sentence("it would cost to win as many of their size"),
                note=say.sentence("once")
                if self.replacement_cost is not None
                else say.sentence("the cost of winning a customer is not known of all"),
            ),
        )


def release(
    panel: pd.DataFrame,
    *,
    accounts: pd.DataFrame | None = None,
    contribution: pd.DataFrame | None = None,
    growth_candidates: pd.DataFrame | None = None,
    overrides: pd.DataFrame | None = None,
    key_accounts: Sequence[str] | None = None,
    n_quarters: int = 4,
    max_p: float = 0.05,
    acquisition_cost: float | None = None,
    cuts: tuple[float, float] = (0.80, 0.95),
    context: Context | None = None,
) -> ReleaseResult:
    """Name the small accounts without potential for quarters in a row, and say what letting them go would cost.

    Assumes (1) that the panel reaches to the end of the ledger; (2) that contribution and costs handed in are of a year, and
    the contribution is what is left after the cost to serve, which is therefore never taken off again;
    (3) that who leaves takes its own revenue only: what groups buy together is guarded by ``parent_id`` alone.

    Parameters
    ----------
    panel : pandas.DataFrame
        As from :func:`kam.ledger.activity_panel` by month: ``customer_id, period, revenue, n_orders``.
    accounts : pandas.DataFrame, optional
        The account file: ``customer_id`` and, where known, ``name, parent_id, potential, acquisition_cost, service_cost``.
    contribution : pandas.DataFrame, optional
        ``customer_id``, ``profit`` or ``contribution`` (money a year, after the cost to serve) and, where known,
        ``cost_to_serve`` (money a year).
        Who is not in it is not judged, and so no candidate.
    growth_candidates : pandas.DataFrame, optional
        ``GrowthResult.candidates``: ``customer_id, p_become_a``.
    overrides : pandas.DataFrame, optional
        Tiers set by hand: ``customer_id`` and, where they end, ``until``.
    key_accounts : sequence of str, optional
        By default those that are class A now; their groups are never let go.
    n_quarters : int
        Quarters in a row without potential.
    max_p : float
        From this chance of class A on nobody is let go.
    acquisition_cost : float, optional
        Cost of winning a customer, where the account file does not say it.
    cuts : tuple of float
        Limits of class A and B, as cumulative shares of revenue before the customer.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    ReleaseResult

    Raises
    ------
    MissingColumnError, ColumnTypeError, EmptyDataError
        A column is missing, holds no dates, or there is no row.
    DataError
        The history is too short for so many quarters; an account stands twice; a value is missing; the panel is not by month.
    UndefinedMeasureError
        Nobody brought anything in twelve months.
    ParameterError
        A parameter is out of range.

    Examples
    --------
    >>> months = pd.date_range("2023-01-01", periods=24, freq="MS")
    >>> panel = pd.DataFrame({"customer_id": np.repeat(list("abc"), 24), "period": np.tile(months, 3), "n_orders": 1,
    ...     "revenue": np.repeat([90.0, 9.0, 1.0], 24)})
    >>> release(panel).candidates[["customer_id", "value", "n_small"]].to_dict("list")
    {'customer_id': ['c'], 'value': [12.0], 'n_small': [5]}
    """
    check_whole("n_quarters", n_quarters, at_least=1)
    if not 0 <= max_p <= 1:
        raise ParameterError(f"max_p is {max_p}.", hint="Give a probability, such as 0.05.")
    if acquisition_cost is not None and not acquisition_cost >= 0:
        raise ParameterError(f"acquisition_cost is {acquisition_cost}.", hint="Give money, 0 or more.")
    context = context or Context()
    say = context.wording
    history = read_history(panel, None, cuts)
    needed = YEAR + QUARTER * (n_quarters - 1)
    if history.n_months < needed:
        raise DataError(
            f"There are {history.n_months} months; {n_quarters} quarters of tracking need {needed}.",
            where="panel, column period",
            hint="Judge fewer quarters, or use a ledger that reaches further back.",
        )
    # Every quarter that the history holds, the latest first.
    ends = list(range(history.n_months, YEAR - 1, -QUARTER))
    at = [snapshot(history, end) for end in ends]
    now, ids = at[0], pd.Index(history.customer_id)
    first, ever = history.first, history.first < history.n_months
    small = np.array([~one.is_a & ~one.is_b & (first < end) for one, end in zip(at, ends, strict=True)])
    n_small = np.cumprod(small, axis=0).sum(axis=0)
    facts = _facts(ids, accounts, acquisition_cost)
    profit, serve = _contribution(ids, contribution)
    p = _column(ids, growth_candidates, "p_become_a", "the growth candidates")
    _, limit_b = class_limits(now.value[None], base="positive", cuts=cuts)
    keys = now.is_a if key_accounts is None else ids.isin(read_ids(key_accounts, "key_accounts"))
    protected = _protected(ids, overrides, history.month(history.n_months))
    asked: dict[str, Flags] = {
        "buys": now.ordered,
        "not_new": ever & (first < history.n_months - QUARTER * n_quarters),
        "small": np.asarray(small[:n_quarters].all(axis=0)),
        "not_growing": ~_growing(now, at[min(max(n_quarters - 1, 1), len(at) - 1)]),
    }
    if contribution is not None:
        asked["no_contribution"] = profit <= 0
    if np.isfinite(facts["potential"]).any():
        asked["no_demand"] = ~(facts["potential"] >= float(limit_b[0]))
    if growth_candidates is not None:
        asked["low_chance"] = ~(p >= max_p)
    if accounts is not None and "parent_id" in accounts:
        asked["no_key_group"] = ~_in_key_group(ids, accounts, keys)
    else:
        asked["no_key_group"] = ~keys
    if overrides is not None:
        asked["not_protected"] = ~protected
    meets = np.asarray(np.logical_and.reduce([ever, *asked.values()]))
    rows = np.flatnonzero(meets)
    keep = np.where(np.isfinite(serve), serve, facts["service_cost"])
    frame = pd.DataFrame(
        {
            "customer_id": ids[rows].astype(str),
            "value": now.value[rows],
            "n_small": n_small[rows].astype(np.int64),
            "trend": now.trend[rows],
            "profit": profit[rows],
            "keeping_cost": keep[rows],
            "replacement_cost": facts["acquisition_cost"][rows],
        }
    )
    frame["years_to_replace"] = frame["replacement_cost"] / -frame["profit"].where(frame["profit"] < 0)
    quarters = {n: say_quarters(say, int(n)) for n in frame["n_small"].unique()}
    frame["why"] = [
        say.join([quarters[n], say_money(say, *money)], ";")
        for n, money in zip(
            frame["n_small"],
            frame[["profit", "keeping_cost", "replacement_cost"]].itertuples(index=False, name=None),
            strict=True,
        )
    ]
    frame = frame.sort_values(["value", "customer_id"], ignore_index=True)
    left_out = tuple(name for name in CRITERIA if name not in asked)
    if accounts is None or "parent_id" not in accounts:
        left_out += ("no_key_group",)
    total = float(now.value.sum())
    return ReleaseResult(
        context=context,
        checks=list_checks(say, frame, meets, ever, left_out, asked, profit, facts["potential"]),
        assumed=list_assumed(say, asked, n_quarters, max_p, acquisition_cost, GROWING),
        candidates=name_accounts(frame, accounts),
        criteria=_criteria(asked, ever),
        left_out=left_out,
        n_quarters=n_quarters,
        n_customers=int(ever.sum()),
        n_candidates=len(frame),
        revenue_lost=float(frame["value"].sum()),
        share_lost=float(frame["value"].sum() / total) if total > 0 else 0.0,
        contribution_lost=_sum(frame["profit"]),
        keeping_cost=_sum(frame["keeping_cost"]),
        replacement_cost=_sum(frame["replacement_cost"]),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _sum(money: pd.Series) -> float | None:
    """The sum over all candidates; None where it is not known of one, so that sums of different accounts never meet."""
    return float(money.sum()) if len(money) and money.notna().all() else None


def _growing(now: Snapshot, before: Snapshot) -> Flags:
    """Whether the share of all revenue, by twelve months, has risen since."""
    share, earlier = (np.maximum(one.value, 0) / np.maximum(one.value, 0).sum() for one in (now, before))
    return np.asarray(share > (1 + GROWING) * earlier)


def _facts(
    ids: pd.Index, accounts: pd.DataFrame | None, acquisition_cost: float | None
) -> dict[str, npt.NDArray[np.float64]]:
    facts = {}
    for name in ("potential", "acquisition_cost", "service_cost"):
        facts[name] = _column(
            ids, accounts if accounts is not None and name in accounts else None, name, "the account file"
        )
        negative = ids[facts[name] < 0][:3].tolist()
        if negative:
            raise DataError(f"A value is negative: {name}.", where=f"accounts, customers {negative}")
    if acquisition_cost is not None:
        facts["acquisition_cost"] = np.where(
            np.isfinite(facts["acquisition_cost"]), facts["acquisition_cost"], acquisition_cost
        )
    return facts


def _contribution(ids: pd.Index, frame: pd.DataFrame | None) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Contribution and cost to serve by customer, missing where not known."""
    name = "contribution" if frame is not None and "profit" not in frame else "profit"
    profit = _column(ids, frame, name, "the contribution")
    serve = _column(
        ids, frame if frame is not None and "cost_to_serve" in frame else None, "cost_to_serve", "the contribution"
    )
    return profit, serve


def _column(ids: pd.Index, frame: pd.DataFrame | None, name: str, where: str) -> npt.NDArray[np.float64]:
    """A column of a frame by customer, missing where it is not known."""
    if frame is None:
        return np.full(len(ids), np.nan)
    require_columns(frame, ("customer_id", name), where=where)
    known = frame["customer_id"].astype(str)
    require_distinct(known, where=where)
    values = pd.Series(frame[name].to_numpy(dtype=float, na_value=np.nan), index=known)
    return values.reindex(ids).to_numpy(dtype=float)


def _protected(ids: pd.Index, overrides: pd.DataFrame | None, now: pd.Timestamp) -> Flags:
    if overrides is None:
        return np.zeros(len(ids), dtype=bool)
    require_columns(overrides, ["customer_id"], where="the tiers set by hand")
    valid = overrides
    if "until" in overrides:
        until = pd.to_datetime(overrides["until"])
        valid = overrides[until.isna() | (until >= now)]
    return np.asarray(ids.isin(valid["customer_id"].astype(str)))


def _in_key_group(ids: pd.Index, accounts: pd.DataFrame, keys: Flags) -> Flags:
    """Whether the account, or another of its group, is a key account."""
    heads = find_heads(ids.to_series(), accounts.set_index("customer_id")["parent_id"]).to_numpy()
    return np.isin(heads, heads[keys])


def _criteria(asked: dict[str, Flags], ever: Flags) -> pd.DataFrame:
    so_far, rows = ever, []
    for name, met in asked.items():
        so_far = so_far & met
        rows.append((name, CRITERIA[name], int((met & ever).sum()), int(so_far.sum())))
    return pd.DataFrame(rows, columns=["term", "meaning", "n_customers", "n_all_so_far"])
