"""ABC by value, XYZ by regularity, and how sure each ABC class is.

ABC: customers in descending order of value; A while the cumulative share before a customer is below 80 %, B while it is below
95 %, else C. XYZ: how regularly a customer buys, against its own rhythm. Those with too few orders are "new", those silent for
far longer than their rhythm "ended": both are classes of their own, since no regularity can be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.identify.account_facts import DAYS_PER_YEAR
from kam.identify.class_checks import check_frames, check_parameters, list_assumed, list_checks
from kam.identify.stability import rerun_classes
from kam.identify.value_classes import ABC, Base, abc_classes, rank_by_value
from kam.results import Context, KeyFigure, Result

Regularity = Literal["gap_cv", "demand_cv"]

__all__ = ["AbcXyzResult", "abc_classes", "classify_abc_xyz"]

XYZ = ("X", "Y", "Z", "new", "ended")
SURE = 0.95
"""From this probability on an account is called sure of its class."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class AbcXyzResult(Result):
    """Result of :func:`classify_abc_xyz`.

    Attributes
    ----------
    customers : pandas.DataFrame
        One row per customer, largest first: ``customer_id, value, share_value, cum_share_value`` (of the base total; negative
        values count as 0), ``abc_class, xyz_class, n_orders, orders_per_year, gap_cv, demand_cv, p_same_class, p_class_a,
        p_class_b, p_class_c``. ``gap_cv`` and ``demand_cv`` are missing where there are too few orders or months.
    classes : pandas.DataFrame
        One row per class A, B, C: ``abc_class, n_customers, value, share_customers, share_value, p_same_class`` (its mean;
        missing for an empty class).
    matrix : pandas.DataFrame
        One row per ABC × XYZ class, empty ones too: ``abc_class, xyz_class, n_customers, value, share_customers, share_value``.
    stability : pandas.DataFrame
        One row per class that is not empty: ``abc_class, n_customers, p_same_class`` (mean), ``p_low, p_median, p_high``
        (quartiles), ``n_sure`` (accounts that get the class again with at least 95 % probability).
    base, measure, regularity : str
        ``positive`` or ``net``; what the value is; ``gap_cv`` or ``demand_cv``.
    abc_cuts, xyz_cuts : tuple of float
        The limits that were used.
    n_customers, n_not_positive, n_resamples : int
        Customers; those at or below zero; re-runs behind the probabilities.
    total : float
        Total of the base, in the currency of the context.
    """

    main: ClassVar[str] = "classes"

    customers: pd.DataFrame
    classes: pd.DataFrame
    matrix: pd.DataFrame
    stability: pd.DataFrame
    base: str
    measure: str
    regularity: str
    abc_cuts: tuple[float, float]
    xyz_cuts: tuple[float, float]
    n_customers: int
    n_not_positive: int
    n_resamples: int
    total: float

    @property
    def key(self) -> str:
        """``abc_xyz`` for revenue, ``abc_xyz_margin`` and so on for other values."""
        return "abc_xyz" if self.measure == "revenue" else f"abc_xyz_{self.measure}"

    def _sentence(self) -> str:
        say = self.context.wording
        if self.n_customers == 1:
            return say.sentence("The only account makes class A: one account always does.")
        n_a, n_sure = int(self.stability["n_customers"].iloc[0]), int(self.stability["n_sure"].iloc[0])
        first = say.plural(
            "One of {n_all} accounts makes class A ({share} of the {what})",
            "{n} of {n_all} accounts make class A ({share} of the {what})",
            n_a,
            n_all=say.count(self.n_customers),
            share=say.share(float(self.classes["share_value"].iloc[0]), 0),
            what=say.base(self.measure, self.base),
        )
        sure = (
            say.plural(
                "one of them would be class A again with at least {p} probability if the same period ran again.",
                "{n} of them would be class A again with at least {p} probability if the same period ran again.",
                n_sure,
                p=say.share(SURE, 0),
            )
            if n_sure
            else say.sentence(
                "none of them would be class A again with at least {p} probability if the same period ran again.",
                p=say.share(SURE, 0),
            )
        )
        return say.join([first, sure], ";")

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        again = self.stability.set_index("abc_class")["p_same_class"]
        others = [
            say.sentence("class {name}: {p}", name=name, p=say.share(p, 0)) for name, p in again.items() if name != "A"
        ]
        regular = self.matrix[(self.matrix["abc_class"] == "A") & (self.matrix["xyz_class"] == "X")]
        counted = say.sentence("counted, not estimated")
        off = 5 if self.measure == "revenue" else 10
        return (
            KeyFigure(
                value=say.count(int(self.stability["n_customers"].iloc[0])),
                label=say.sentence("accounts in class A"),
                note=counted,
            ),
            KeyFigure(
                value=say.count(int(self.stability["n_sure"].iloc[0])),
                label=say.sentence("of them are sure of class A"),
                note=say.sentence("A again with at least {p} probability", p=say.share(SURE, 0)),
            ),
            KeyFigure(
                value=say.share(again["A"], 0),
                label=say.sentence("of class A would be class A again"),
                note=say.join(
                    [*others, say.sentence("right to within {n} points in simulated re-runs", n=say.count(off))], ";"
                ),
            ),
            KeyFigure(
                value=say.share(float(regular["share_value"].iloc[0])),
                label=say.sentence("of value comes from class A accounts that order regularly (X)"),
                note=counted,
            ),
        )


def classify_abc_xyz(
    summary: pd.DataFrame,
    panel: pd.DataFrame,
    *,
    value: str = "revenue",
    base: Base = "positive",
    abc_cuts: tuple[float, float] = (0.80, 0.95),
    xyz: Regularity = "gap_cv",
    xyz_cuts: tuple[float, float] = (0.5, 1.0),
    min_orders: int = 4,
    ended_after: float | None = None,
    n_resamples: int = 500,
    seed: int = 1,
    context: Context | None = None,
) -> AbcXyzResult:
    """Classify customers by value (ABC) and by regularity (XYZ), with the probability that each would get its ABC class again.

    Assumes (1) one row per customer, its value over the whole ledger; (2) that ``panel`` holds the same orders by complete
    month; (3) for the probabilities, what :mod:`kam.identify.stability` lists: the same window, first orders, trend and season,
    and no change of regime.

    Parameters
    ----------
    summary : pandas.DataFrame
        As from :func:`kam.ledger.summarize_customers`: ``customer_id, n_orders, first_order, last_order, tenure_days,
        days_since_last_order, median_gap_days, gap_cv, demand_cv`` and the column that ``value`` names.
    panel : pandas.DataFrame
        As from :func:`kam.ledger.activity_panel` by month: ``customer_id, period, n_orders`` and the column that ``value`` names.
    value : str
        The column that is ranked, ``revenue`` or ``margin``.
    base : {"positive", "net"}
        Shares of the sum of the positive values, or of the sum of all, which must be positive.
    abc_cuts : tuple of float
        Upper limits of A and of B, as cumulative shares before the customer.
    xyz : {"gap_cv", "demand_cv"}
        Regularity: variation of the gaps between purchase days, or of demand per month (by which a clockwork quarterly buyer
        is irregular).
    xyz_cuts : tuple of float
        Upper limits of X and of Y, inclusive.
    min_orders : int
        With fewer orders, or where the variation is missing, a customer is "new".
    ended_after : float, optional
        Days of silence after which a customer has "ended". By default three times its own median gap (the median of all where
        it has none), and at least 180 days.
    n_resamples : int
        Re-runs behind the probabilities.
    seed : int
        Seed of the re-runs.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    AbcXyzResult

    Raises
    ------
    EmptyDataError
        No customer.
    MissingColumnError, ColumnTypeError
        A column is missing, or should hold dates and does not.
    DataError
        A customer or a customer's month stands twice, a value is missing or not finite, a customer of the panel is not in the
        summary, or the panel is not by month.
    UndefinedMeasureError
        No value is positive, or the total of the base is not.
    ParameterError
        A parameter is out of range.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-05", "2024-01-20"])
    >>> summary = pd.DataFrame({"customer_id": ["a", "b"], "revenue": [900.0, 100.0], "n_orders": [12, 1], "first_order": days,
    ...     "last_order": pd.to_datetime(["2024-12-05", "2024-01-20"]), "tenure_days": [361.0, 346.0],
    ...     "days_since_last_order": [26.0, 346.0], "median_gap_days": [30.0, None], "gap_cv": [0.1, None],
    ...     "demand_cv": [0.2, None]})
    >>> months = pd.date_range("2024-01-01", periods=12, freq="MS")
    >>> panel = pd.DataFrame({"customer_id": ["a"] * 12 + ["b"], "period": [*months, months[0]], "revenue": [75.0] * 12 + [100.0],
    ...     "n_orders": 1})
    >>> result = classify_abc_xyz(summary, panel, context=Context(currency="EUR"))
    >>> result.customers[["customer_id", "abc_class", "xyz_class", "share_value"]].to_dict("list")
    {'customer_id': ['a', 'b'], 'abc_class': ['A', 'B'], 'xyz_class': ['X', 'ended'], 'share_value': [0.9, 0.1]}

    References
    ----------
    Dickie, H. F. (1951). ABC inventory analysis shoots for dollars, not pennies. The stability: :mod:`kam.identify.stability`.
    """
    check_parameters(xyz, xyz_cuts, min_orders, ended_after, n_resamples)
    check_frames(summary, panel, value)
    context = context or Context()
    ids = summary["customer_id"].astype(str)
    ranked = rank_by_value(pd.Series(summary[value].to_numpy(dtype=float), index=ids), base, abc_cuts)
    facts = summary.assign(customer_id=ids).set_index("customer_id").loc[ranked.index].reset_index()
    facts = facts.assign(value=ranked["value"].to_numpy(), ended=_has_ended(facts, ended_after))
    months = panel.assign(customer_id=panel["customer_id"].astype(str), value=panel[value].to_numpy(dtype=float))
    rerun = rerun_classes(facts, months, base=base, cuts=abc_cuts, n_resamples=n_resamples, seed=seed)

    classes = ranked["abc_class"].to_numpy()
    own = np.array([ABC.index(name) for name in classes])
    years = np.maximum(facts["tenure_days"].to_numpy(dtype=float) / DAYS_PER_YEAR, 1)
    customers = pd.DataFrame(
        {
            "customer_id": facts["customer_id"],
            "value": facts["value"],
            "share_value": ranked["share_value"].to_numpy(),
            "cum_share_value": ranked["cum_share_value"].to_numpy(),
            "abc_class": classes,
            "xyz_class": _xyz_classes(facts, xyz, xyz_cuts, min_orders),
            "n_orders": facts["n_orders"].astype("int64"),
            "orders_per_year": np.where(facts["n_orders"] > 0, facts["n_orders"] / years, 0.0),
            "gap_cv": facts["gap_cv"].astype(float),
            "demand_cv": facts["demand_cv"].astype(float),
            "p_same_class": rerun.probabilities[np.arange(len(own)), own],
            "p_class_a": rerun.probabilities[:, 0],
            "p_class_b": rerun.probabilities[:, 1],
            "p_class_c": rerun.probabilities[:, 2],
        }
    )
    counted = facts["value"].clip(lower=0) if base == "positive" else facts["value"]
    return AbcXyzResult(
        context=context,
        checks=list_checks(context.wording, ranked, customers, rerun, months, base),
        assumed=list_assumed(
            context.wording, abc_cuts, xyz, xyz_cuts, min_orders, ended_after, base, n_resamples, rerun
        ),
        customers=customers,
        classes=_count(customers, ["abc_class"], [ABC]).merge(
            customers.groupby("abc_class", as_index=False)["p_same_class"].mean(), on="abc_class", how="left"
        ),
        matrix=_count(customers, ["abc_class", "xyz_class"], [ABC, XYZ]),
        stability=_summarize_stability(customers),
        base=base,
        measure=value,
        regularity=xyz,
        abc_cuts=abc_cuts,
        xyz_cuts=xyz_cuts,
        n_customers=len(customers),
        n_not_positive=int((customers["value"] <= 0).sum()),
        n_resamples=n_resamples,
        total=fsum(counted),
    )


# -- classes ---------------------------------------------------------------------------------------------------------


def _has_ended(facts: pd.DataFrame, ended_after: float | None) -> npt.NDArray[np.bool_]:
    """Whether a customer is silent beyond its own rhythm; who never ordered in this ledger has ended before it."""
    silent = facts["days_since_last_order"].astype(float)
    gaps = facts["median_gap_days"].astype(float)
    limit = (3 * gaps.fillna(gaps.median())).clip(lower=180).fillna(180.0) if ended_after is None else ended_after
    return np.asarray(silent > limit) | np.asarray(facts["n_orders"] == 0)


def _xyz_classes(
    facts: pd.DataFrame, regularity: Regularity, cuts: tuple[float, float], min_orders: int
) -> npt.NDArray[np.str_]:
    variation = facts[regularity].astype(float)
    too_few = (facts["n_orders"] < min_orders) | variation.isna()
    return np.select(
        [facts["ended"], too_few, variation <= cuts[0], variation <= cuts[1]], ["ended", "new", "X", "Y"], "Z"
    )


def _count(customers: pd.DataFrame, by: list[str], levels: list[tuple[str, ...]]) -> pd.DataFrame:
    """Customers and value by class, with a row for every class."""
    every = pd.MultiIndex.from_product(levels, names=by) if len(by) > 1 else pd.Index(levels[0], name=by[0])
    sums = customers.groupby(by).agg(
        n_customers=("value", "size"), value=("value", "sum"), share_value=("share_value", "sum")
    )
    frame = sums.reindex(every, fill_value=0).reset_index()
    frame["share_customers"] = frame["n_customers"] / len(customers)
    return frame[[*by, "n_customers", "value", "share_customers", "share_value"]]


def _summarize_stability(customers: pd.DataFrame) -> pd.DataFrame:
    again = customers.groupby("abc_class")["p_same_class"]
    frame = again.agg(n_customers="size", p_same_class="mean")
    frame["p_low"], frame["p_median"], frame["p_high"] = (again.quantile(q) for q in (0.25, 0.5, 0.75))
    frame["n_sure"] = (customers["p_same_class"] >= SURE).groupby(customers["abc_class"]).sum()
    return frame.reset_index()
