"""Kotler's five levels of relationship, for each segment, by how many customers it has and what margin each of them brings.

The more customers and the less each of them brings, the less can be done for each of them; the fewer and the more, the more. What
a single account earns at what effort is another question: :mod:`kam.identify.profit_quadrants`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from kam.columns import require_columns, require_distinct
from kam.errors import DataError, EmptyDataError, ParameterError, UndefinedMeasureError
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.wording import N_, Wording

LEVELS = pd.DataFrame(
    [
        ("many", "high", "accountable", "ask soon after the sale whether it met what was expected"),
        ("many", "medium", "reactive", "sell, and encourage them to call with questions and complaints"),
        ("many", "low", "basic", "sell; no effort beyond that"),
        ("medium", "high", "proactive", "call from time to time with ideas for better use and new products"),
        ("medium", "medium", "accountable", "ask soon after the sale whether it met what was expected"),
        ("medium", "low", "reactive", "sell, and encourage them to call with questions and complaints"),
        ("few", "high", "partnership", "work with them all the time to make their business better"),
        ("few", "medium", "proactive", "call from time to time with ideas for better use and new products"),
        ("few", "low", "accountable", "ask soon after the sale whether it met what was expected"),
    ],
    columns=["customers_band", "margin_band", "relationship_level", "advice"],
)
"""Which level fits which segment; ``relationship_levels(levels=...)`` takes any table of this form, nine rows."""

MIN_CUSTOMERS = 10
"""A segment with fewer customers has no interval of its margin."""

_SEGMENTS = ("few", "medium", "many")
_MARGINS = ("low", "medium", "high")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RelationshipLevelsResult(Result):
    """Result of :func:`relationship_levels`.

    Attributes
    ----------
    segments : pandas.DataFrame
        One row per segment, the largest margin for each customer first: ``segment, n_customers, value`` (margin of all, money),
        ``share_value`` (of the sum over segments above zero; missing without any), ``margin_each`` (for each customer),
        ``margin_each_low, margin_each_high`` (95 % interval; missing under ten customers), ``customers_band, margin_band,
        relationship_level, advice`` (missing where the level cannot be told), ``is_same_level`` (the whole interval gives that
        level; false without an interval), ``why`` (why it cannot be told, else empty).
    levels : pandas.DataFrame
        The table that was used: ``customers_band, margin_band, relationship_level, advice``.
    by : str
        What the segments are.
    measure : str
        What the margin is: ``margin`` or ``profit``.
    customer_cuts, margin_cuts : tuple of float
        The largest number that is few, and medium; the largest margin for each customer that is low, and medium.
    n_customers, n_without_segment : int
        Customers in segments, and those left out because their segment is not known.
    """

    main: ClassVar[str] = "segments"

    segments: pd.DataFrame
    levels: pd.DataFrame
    by: str
    measure: str
    customer_cuts: tuple[float, float]
    margin_cuts: tuple[float, float]
    n_customers: int
    n_without_segment: int

    def _interval(self, row: pd.Series) -> str:
        say = self.context.wording
        if pd.isna(row["margin_each_low"]):
            return say.sentence("no interval: fewer than {n} customers", n=say.count(MIN_CUSTOMERS))
        return say.interval(say.money_short(row["margin_each_low"]), say.money_short(row["margin_each_high"]))

    def _sentence(self) -> str:
        say = self.context.wording
        n, sure = len(self.segments), self._n_sure()
        if sure:
            lead = say.plural(
                "The level of one of {all} segments is sure.",
                "The levels of {n} of {all} segments are sure.",
                sure,
                all=say.count(n),
            )
        else:
            lead = say.plural(
                "The level of the one segment cannot be told.", "The level of none of the {n} segments can be told.", n
            )
        if not sure and n > 1:
            first, last = self.segments.iloc[0], self.segments.iloc[-1]
            return say.join(
                [
                    lead,
                    say.sentence(
                        "Over the time of the ledger each customer brings {most} of {what} on average in {first} and {least} in "
                        "{last}, too uncertain to tell one level from the next.",
                        first=first["segment"],
                        last=last["segment"],
                        most=say.money(first["margin_each"]),
                        least=say.money(last["margin_each"]),
                        what=say.base(self.measure, "net"),
                    ),
                ]
            )
        told = [lead, self._one(self.segments.iloc[0])]
        if n > 1:
            told.append(say.sentence("At the other end of the margin: {told}", told=self._one(self.segments.iloc[-1])))
        return say.join(told)

    def _n_sure(self) -> int:
        return int(self.segments["is_same_level"].sum())

    def _one(self, row: pd.Series) -> str:
        say = self.context.wording
        message = (
            N_(
                "For {segment} it is “{level}”, with {n} customers and {money} of {what} each over the time of the "
                "ledger ({interval})."
            )
            if row["is_same_level"]
            else N_(
                "For {segment} it {why}, with {n} customers and {money} of {what} each over the time of the ledger ({interval})."
            )
            if not pd.isna(row["margin_each_low"])
            else N_(
                "For {segment} it {why}, with {n} customers and {money} of {what} each over the time of the ledger."
            )
        )
        return say.sentence(
            message,
            segment=row["segment"],
            level=say.text(str(row["relationship_level"])),
            why=row["why"],
            n=say.count(row["n_customers"]),
            money=say.money(row["margin_each"]),
            what=say.base(self.measure, "net"),
            interval=self._interval(row),
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        top = self.segments.iloc[0]
        return (
            KeyFigure(
                value=say.count(self._n_sure()),
                label=say.sentence("segments whose level is sure"),
                note=say.sentence(
                    "of {n}; the whole interval of their margin gives it", n=say.count(len(self.segments))
                ),
            ),
            KeyFigure(
                value=say.count(len(self.segments)),
                label=say.sentence("segments"),
                note=say.sentence("{n} customers; counted, not estimated", n=say.count(self.n_customers)),
            ),
            KeyFigure(
                value=say.money_short(top["margin_each"]),
                label=say.sentence(
                    "of {what} for each customer of {segment} over the time of the ledger, the most of all segments",
                    what=say.base(self.measure, "net"),
                    segment=top["segment"],
                )
                if top["margin_each"] > 0
                else say.sentence(
                    "of {what} for each customer of {segment} over the time of the ledger; no segment earns anything",
                    what=say.base(self.measure, "net"),
                    segment=top["segment"],
                ),
                note=self._interval(top),
            ),
        )


def relationship_levels(
    values: pd.Series,
    segments: Mapping[str, str] | pd.Series,
    *,
    by: str = "segment",
    measure: str = "margin",
    customer_cuts: tuple[float, float] | None = None,
    margin_cuts: tuple[float, float] | None = None,
    levels: pd.DataFrame | None = None,
    context: Context | None = None,
) -> RelationshipLevelsResult:
    """The level of relationship that fits each segment: number of customers × margin of each of them.

    Number and margin are each cut in three, by default at thirds of the segments, midway between the two that are next to the cut
    (equal segments share a band); a margin of zero or below is low whatever the cuts. The table says which level a pair of bands
    has; a segment that earns nothing has the level of many customers with a low margin, however few it has. The interval of the
    mean margin is Student's, over customers: for the mean of the process that made the segment. A level is only stated where
    all of the interval gives it.

    Assumes (1) that a segment is served in one way, so that its mean tells what can be done for each of its customers; (2) for
    the intervals, that customers are draws from the process that made the segment, and enough for their mean to be nearly normal.

    Parameters
    ----------
    values : pandas.Series, shape (n_customers,)
        Margin or contribution of each customer in money, over the time of the ledger; the index is the customer id.
    segments : mapping or pandas.Series
        Customer id → segment: a class, an industry, a region. Customers without one are left out and counted.
    by : str
        What the segments are, for the wording.
    measure : str
        What the values are: ``margin`` or ``profit`` (contribution).
    customer_cuts : tuple of float, optional
        The largest number of customers that is few, and medium.
    margin_cuts : tuple of float, optional
        The largest margin for each customer, in money, that is low, and medium.
    levels : pandas.DataFrame, optional
        A table like :data:`LEVELS`: a row for each pair of ``customers_band`` (few, medium, many) and ``margin_band`` (low,
        medium, high), with ``relationship_level`` and ``advice``.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    RelationshipLevelsResult

    Raises
    ------
    EmptyDataError
        No customer has a segment.
    DataError
        A value is missing, or a customer stands twice.
    UndefinedMeasureError
        Fewer than three segments, which have no thirds, and no cuts given.
    MissingColumnError
        ``levels`` lacks a column.
    ParameterError
        Cuts do not ascend, or ``levels`` has not one row for each pair of bands.

    References
    ----------
    Kotler, P. Marketing Management (levels of relationship marketing, by number of customers and margin). The corners of
    :data:`LEVELS` are his; the cells between rise with the margin and fall with the number, as the scheme is told.

    Examples
    --------
    >>> each = {"s": (60, 10.0), "m": (30, 50.0), "l": (10, 900.0)}
    >>> values = pd.Series({f"{name}{i}": value for name, (n, value) in each.items() for i in range(n)})
    >>> segments = {customer: {"s": "shops", "m": "makers", "l": "large"}[customer[0]] for customer in values.index}
    >>> relationship_levels(values, segments).segments[["segment", "n_customers", "relationship_level"]].values.tolist()
    [['large', 10, 'partnership'], ['makers', 30, 'accountable'], ['shops', 60, 'basic']]
    """
    context = context or Context()
    table = _checked_levels(LEVELS if levels is None else levels)
    frame, n_without = _by_segment(values, segments)
    n_cuts = _cuts(frame["n_customers"], customer_cuts, "customer_cuts")
    m_cuts = _cuts(frame["margin_each"].clip(lower=0), margin_cuts, "margin_cuts")
    frame["customers_band"] = np.array(_SEGMENTS)[_bands(frame["n_customers"].to_numpy(dtype=float), n_cuts)]
    own = _margin_bands(frame["margin_each"].to_numpy(), m_cuts)
    frame["margin_band"] = np.array(_MARGINS)[own]
    frame = _add_levels(frame, table, m_cuts, context.wording)
    return RelationshipLevelsResult(
        context=context,
        checks=_checks(context.wording, frame, n_without),
        assumed=_assumed(
            context.wording, n_cuts, m_cuts, customer_cuts is None and margin_cuts is None, levels is None
        ),
        segments=frame,
        levels=table,
        by=by,
        measure=measure,
        customer_cuts=n_cuts,
        margin_cuts=m_cuts,
        n_customers=int(frame["n_customers"].sum()),
        n_without_segment=n_without,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _checked_levels(levels: pd.DataFrame) -> pd.DataFrame:
    require_columns(
        levels, LEVELS.columns, where="the table of levels", hint="See kam.identify.relationship_levels.LEVELS."
    )
    pairs = levels[["customers_band", "margin_band"]]
    wanted = {(number, margin) for number in _SEGMENTS for margin in _MARGINS}
    if len(pairs) != len(wanted) or set(pairs.itertuples(index=False, name=None)) != wanted:
        raise ParameterError(
            "The table of levels has not one row for each pair of bands.",
            where=f"{len(pairs)} rows",
            hint="Give nine: few, medium and many by low, medium and high.",
        )
    return levels[list(LEVELS.columns)].reset_index(drop=True)


def _by_segment(values: pd.Series, segments: Mapping[str, str] | pd.Series) -> tuple[pd.DataFrame, int]:
    """Number, margin and its mean with the interval for each segment, and how many customers have none."""
    ids = values.index.astype(str)
    x = values.to_numpy(dtype=float)
    require_distinct(ids, where="the values", hint="Sum per customer first.")
    if not np.isfinite(x).all():
        where = ids[~np.isfinite(x)][:3].tolist()
        raise DataError("A value is missing or not finite.", where=f"customers {where}", hint="Mend or drop them.")
    known = segments if isinstance(segments, pd.Series) else pd.Series(segments, dtype=object)
    known = known.set_axis(known.index.astype(str))
    if known.index.has_duplicates:
        twice = known.index[known.index.duplicated()][:3].tolist()
        raise DataError("A customer has two segments.", where=f"customers {twice}", hint="Give one for each.")
    own = known.reindex(ids)
    inside = own.notna().to_numpy()
    if not inside.any():
        raise EmptyDataError("No customer has a segment.", hint="Are the segments named by the same customer ids?")
    grouped = pd.Series(x[inside]).groupby(own[inside].astype(str).to_numpy())
    frame = (
        grouped.agg(n_customers="size", value="sum", margin_each="mean", sd="std").rename_axis("segment").reset_index()
    )
    n = frame["n_customers"].to_numpy()
    enough = n >= MIN_CUSTOMERS
    half = stats.t.ppf(0.975, np.maximum(n - 1, 1)) * frame.pop("sd").to_numpy() / np.sqrt(n)
    frame["margin_each_low"] = np.where(enough, frame["margin_each"] - half, np.nan)
    frame["margin_each_high"] = np.where(enough, frame["margin_each"] + half, np.nan)
    positive = frame["value"].clip(lower=0)
    frame.insert(3, "share_value", positive / positive.sum() if positive.sum() > 0 else np.nan)
    frame = frame.sort_values(["margin_each", "segment"], ascending=[False, True], ignore_index=True)
    return frame, int((~inside).sum())


def _cuts(values: pd.Series, given: tuple[float, float] | None, name: str) -> tuple[float, float]:
    if given is None:
        if len(values) < 3:
            raise UndefinedMeasureError(
                f"{len(values)} segment{'s have' if len(values) > 1 else ' has'} no thirds.",
                hint="Give customer_cuts and margin_cuts, or a finer segmentation.",
            )
        ascending, n = np.sort(values.to_numpy(dtype=float)), len(values)
        low, high = (float(ascending[k - 1 : k + 1].mean()) for k in (round(n / 3), round(2 * n / 3)))
        return low, high
    if len(given) != 2 or not np.isfinite(given).all() or not given[0] < given[1]:
        raise ParameterError(f"{name} is {given}.", hint="Give two ascending numbers.")
    return float(given[0]), float(given[1])


def _bands(values: Floats, cuts: tuple[float, float]) -> npt.NDArray[np.int64]:
    """0, 1, 2: up to the first cut, up to the second, above."""
    return np.searchsorted(cuts, values, side="left").astype(np.int64)


def _margin_bands(values: Floats, cuts: tuple[float, float]) -> npt.NDArray[np.int64]:
    """As :func:`_bands`; a margin of zero or below is low."""
    return np.where(np.nan_to_num(values) <= 0, 0, _bands(values, cuts))


def _add_levels(frame: pd.DataFrame, table: pd.DataFrame, m_cuts: tuple[float, float], say: Wording) -> pd.DataFrame:
    """Level and advice of each segment where all of its interval gives one level; elsewhere why it cannot be told."""
    bands = zip(table["customers_band"], table["margin_band"], strict=True)
    rows = dict(zip(bands, zip(table["relationship_level"], table["advice"], strict=True), strict=True))

    def rung(margin: float) -> int:  # 0: earns nothing; 1, 2, 3: low, medium, high
        return 0 if margin <= 0 else 1 + int(_bands(np.array([margin]), m_cuts)[0])

    def at(band: str, rung: int) -> tuple[str, str]:
        return rows["many", "low"] if rung == 0 else rows[band, _MARGINS[rung - 1]]

    levels: list[tuple[str | None, str | None, bool, str]] = []
    for row in frame.to_dict("records"):
        if np.isnan(row["margin_each_low"]):
            why = say.sentence("cannot be told (fewer than {n} customers, no interval)", n=say.count(MIN_CUSTOMERS))
            levels.append((None, None, False, why))
            continue
        low, high = rung(row["margin_each_low"]), rung(row["margin_each_high"])
        reached = [at(row["customers_band"], one)[0] for one in range(low, high + 1)]
        if len(set(reached)) == 1:
            levels.append((*at(row["customers_band"], rung(row["margin_each"])), True, ""))
        else:
            why = say.sentence(
                "cannot be told (interval reaches {levels})",
                levels=say.listing([say.quote(say.text(one)) for one in dict.fromkeys(reached)]),
            )
            levels.append((None, None, False, why))
    named = pd.DataFrame(levels, columns=["relationship_level", "advice", "is_same_level", "why"], index=frame.index)
    for name in ("relationship_level", "advice"):
        named[name] = named[name].astype("str")
    return frame.join(named)


def _checks(say: Wording, frame: pd.DataFrame, n_without: int) -> tuple[Check, ...]:
    n = int(frame["n_customers"].sum()) + n_without
    known = Check(
        assumption=say.sentence("the segment of every customer is known"),
        finding=say.sentence("all {n} are", n=say.count(n))
        if not n_without
        else say.plural(
            "one of {all} is not, and is left out",
            "{n} of {all} are not, and are left out",
            n_without,
            all=say.count(n),
        ),
        verdict="handled" if n_without else "holds",
        statistic=n_without / n,
    )
    unsure = frame.loc[frame["margin_each_low"].notna() & ~frame["is_same_level"], "segment"].tolist()
    small = int(frame["margin_each_low"].isna().sum())
    finding = (
        say.sentence("all levels stay within the interval of the margin")
        if not unsure
        else say.sentence("another level is within the interval of {segments}", segments=say.listing(unsure))
    )
    if small:
        finding = say.join(
            [
                finding,
                say.plural(
                    "one segment has fewer than ten customers and no interval",
                    "{n} segments have fewer than ten customers and no interval",
                    small,
                ),
            ],
            ";",
        )
    sure = Check(
        assumption=say.sentence("chance does not decide the level"),
        finding=finding,
        verdict="does not hold" if unsure else "not testable" if small == len(frame) else "holds",
        statistic=float(len(unsure)),
    )
    n_levels = int(frame["relationship_level"].nunique())
    apart = Check(
        assumption=say.sentence("the segments differ in number and margin"),
        finding=say.plural("all that are sure have the same level", "those that are sure have {n} levels", n_levels)
        if n_levels
        else say.sentence("no level is sure"),
        verdict="holds" if n_levels > 1 else "does not hold" if n_levels else "not testable",
    )
    n_losing = int((frame["margin_each"] <= 0).sum())
    positive = Check(
        assumption=say.sentence("every segment earns something"),
        finding=say.sentence("all do")
        if not n_losing
        else say.plural("one does not; its margin counts as low", "{n} do not; their margins count as low", n_losing),
        verdict="handled" if n_losing else "holds",
    )
    return known, sure, apart, positive


def _assumed(
    say: Wording, n_cuts: tuple[float, float], m_cuts: tuple[float, float], is_thirds: bool, is_own_table: bool
) -> tuple[Assumed, ...]:
    return (
        Assumed(
            what=say.sentence("few, medium and many customers; low, medium and high margin"),
            value=say.sentence(
                "few up to {a}, medium up to {b}; low up to {c} for each, medium up to {d}",
                a=say.count(n_cuts[0]),
                b=say.count(n_cuts[1]),
                c=say.money(m_cuts[0]),
                d=say.money(m_cuts[1]),
            ),
            would_change=say.sentence(
                "thirds of these segments: with other segments the same one may have another level"
            )
            if is_thirds
            else say.sentence("other cuts move segments near them by one level"),
        ),
        Assumed(
            what=say.sentence("which level fits number and margin"),
            value=say.sentence("Kotler's scheme") if is_own_table else say.sentence("a table given by the user"),
            would_change=say.sentence("another table renames levels; numbers and margins stay"),
        ),
    )
