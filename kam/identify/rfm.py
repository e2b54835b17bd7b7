"""RFM: recency, frequency and monetary value, scored 1 to 5, read two at a time and gathered into segments.

Frequency with monetary value shows what a customer is worth, frequency with recency who is slipping away (Hughes 1994).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from kam.columns import require_columns
from kam.errors import DataError, EmptyDataError, ParameterError, UndefinedMeasureError
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.wording import N_

SCORES = 5
_DIMENSIONS = {"recency": "r_score", "frequency": "f_score", "monetary": "m_score"}
_RULE_COLUMNS = ["segment", "r_min", "r_max", "f_min", "f_max", "m_min", "m_max", "meaning", "advice"]

SEGMENTS = pd.DataFrame(
    [
        (
            "champions",
            4,
            5,
            4,
            5,
            4,
            5,
            N_("recent, frequent and large"),
            "keep close: service, agreements, a named sponsor",
        ),
        ("cannot lose", 1, 2, 4, 5, 4, 5, N_("frequent and large, but ordered longer ago than most"), "call this week"),
        ("loyal", 3, 5, 4, 5, 1, 5, N_("order often and recently"), "widen the range, ask for referrals"),
        ("slipping", 1, 2, 3, 5, 1, 5, N_("ordered often, but longer ago than most"), "ask why, before they are gone"),
        ("large but rare", 3, 5, 1, 3, 4, 5, N_("large orders, few of them"), "find out where they buy the rest"),
        ("growing", 4, 5, 2, 3, 1, 3, N_("recent, not yet frequent"), "develop: second order, second product"),
        ("new or occasional", 4, 5, 1, 1, 1, 3, N_("recent, a single order or few"), "welcome, learn the need"),
        ("cooling", 3, 3, 1, 3, 1, 3, N_("in the middle: neither recent nor long ago"), "remind"),
        ("large but lost", 1, 2, 1, 2, 4, 5, N_("large, few orders, long ago"), "win back where the value is worth it"),
        ("dormant", 1, 2, 1, 2, 1, 3, N_("small, few orders, long ago"), "no effort beyond mailings"),
    ],
    columns=_RULE_COLUMNS,
)
"""The segments, first match wins; ``score_rfm(segments=...)`` takes any table of this form."""


MIN_ACCOUNTS = 20
"""Accounts below which a fifth is three or fewer, so that one order moves a score."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RfmResult(Result):
    """Result of :func:`score_rfm`.

    Attributes
    ----------
    customers : pandas.DataFrame
        One row per customer with an order, largest value first: ``customer_id, days_since_last_order, n_orders, value,
        r_score, f_score, m_score, segment``. 5 is best: most recent, most frequent, largest.
    segments : pandas.DataFrame
        One row per segment, in the order of the rules: ``segment, meaning, advice, n_customers, value, share_customers,
        share_value``. Shares of value are of the sum of the positive values.
    fm_table, fr_table : pandas.DataFrame
        One row per pair of scores, also the empty ones: ``f_score``, ``m_score`` or ``r_score``, ``n_customers, value``.
    slipping : pandas.DataFrame
        Customers with frequency score >= 4 and recency score <= 2, by value: who is slipping away.
    cuts : pandas.DataFrame
        One row per dimension and score: ``term, score, low, high, n_customers``; the range of values that got the score.
    rules : pandas.DataFrame
        The segment table that was used.
    bins : str
        ``quantile`` or ``business``.
    monetary : str
        Which column the monetary value is.
    n_customers, n_without_order : int
        Customers scored, and left out because they never ordered (credit notes only).
    """

    main: ClassVar[str] = "segments"

    customers: pd.DataFrame
    segments: pd.DataFrame
    fm_table: pd.DataFrame
    fr_table: pd.DataFrame
    slipping: pd.DataFrame
    cuts: pd.DataFrame
    rules: pd.DataFrame
    bins: str
    monetary: str
    n_customers: int
    n_without_order: int

    def _best(self) -> pd.DataFrame:
        scores = self.customers[["r_score", "f_score", "m_score"]]
        return self.customers[(scores >= 4).all(axis=1)]

    def _share(self, frame: pd.DataFrame) -> float:
        return float(frame["value"].clip(lower=0).sum() / self.customers["value"].clip(lower=0).sum())

    def _sentence(self) -> str:
        say = self.context.wording
        best = self._best()
        first = say.plural(
            "One of {n_all} accounts is recent, frequent and large at once and brings {share} of the value.",
            "{n} of {n_all} accounts are recent, frequent and large at once and bring {share} of the value.",
            len(best),
            n_all=say.count(self.n_customers),
            share=say.share(self._share(best)),
        )
        if self.slipping.empty:
            return say.join([first, say.sentence("No frequent buyer is among those who ordered longest ago.")])
        second = say.plural(
            "One that used to order often has not ordered for {days} days; it was worth {value}.",
            "{n} that used to order often have not ordered for {days} days or more; they were worth {value}.",
            len(self.slipping),
            days=say.count(self.slipping["days_since_last_order"].min()),
            value=say.money(self.slipping["value"].sum()),
        )
        return say.join([first, second])

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        counted = say.sentence("counted, not estimated")
        best = self._best()
        return (
            KeyFigure(
                value=say.count(len(best)), label=say.sentence("accounts score 4 or 5 on all three"), note=counted
            ),
            KeyFigure(
                value=say.share(self._share(best)), label=say.sentence("of the value comes from them"), note=counted
            ),
            KeyFigure(
                value=say.count(len(self.slipping)),
                label=say.sentence("frequent buyers ordered longer ago than most"),
                note=say.sentence("worth {value} so far", value=say.money_short(self.slipping["value"].sum())),
            ),
        )


def score_rfm(
    summary: pd.DataFrame,
    *,
    bins: Literal["quantile"] | Mapping[str, Sequence[float]] = "quantile",
    segments: pd.DataFrame | None = None,
    monetary: str = "revenue",
    min_accounts: int = MIN_ACCOUNTS,
    context: Context | None = None,
) -> RfmResult:
    """Score every customer 1 to 5 on recency, frequency and monetary value, and name the segment.

    Assumes (1) that the window of the ledger is long enough for the frequencies to differ; (2) that the newest order is
    known, that is ``as_of`` is the end of the data; (3) with quantile bins, that fifths of *this* portfolio are meant: the
    scores are ranks within it and move when others move.

    A quantile cut is the inverted empirical distribution at 20, 40, 60 and 80 %; a value above a cut gets the next score,
    so equal values always share a score and some scores may stay empty.

    Parameters
    ----------
    summary : pandas.DataFrame
        One row per customer: ``customer_id``, ``days_since_last_order`` (days), ``n_orders`` and the monetary column (money).
    bins : "quantile" or mapping
        Or business cut points: ``{"recency": [30, 90, 180, 365], "frequency": [...], "monetary": [...]}``, four ascending
        numbers each, in days, orders and money; a value at a cut belongs to the lower side.
    segments : pandas.DataFrame, optional
        A table like :data:`SEGMENTS`: ``segment, r_min, r_max, f_min, f_max, m_min, m_max, meaning, advice``; the first
        matching row names the segment, and every customer must match one.
    monetary : str
        Column of ``summary`` that is the monetary value.
    min_accounts : int
        Fewest customers with an order for fifths; business cut points hold for any number.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    RfmResult

    Raises
    ------
    MissingColumnError
        ``summary`` or ``segments`` lacks a column.
    EmptyDataError
        No customer has an order.
    DataError
        A customer stands twice, or a value is missing.
    UndefinedMeasureError
        No customer has a positive monetary value, or fewer than ``min_accounts`` stand in line for fifths: then the stability
        of each class (:func:`kam.identify.classify_abc_xyz`) says how sure its place is.
    ParameterError
        Cut points are not four ascending numbers per dimension, or a combination of scores has no segment.

    References
    ----------
    Hughes, A. M. (1994). Strategic Database Marketing.

    Examples
    --------
    >>> summary = pd.DataFrame({"customer_id": list("abcde"), "days_since_last_order": [400, 200, 60, 20, 3],
    ...     "n_orders": [1, 2, 5, 20, 60], "revenue": [10., 90., 400., 2e3, 9e3]})
    >>> score_rfm(summary, min_accounts=5).customers[["customer_id", "r_score", "f_score", "m_score", "segment"]].head(2)
      customer_id  r_score  f_score  m_score    segment
    0           e        5        5        5  champions
    1           d        4        4        4  champions
    """
    context = context or Context()
    rules = _checked_rules(SEGMENTS if segments is None else segments)
    needed = ["customer_id", "days_since_last_order", "n_orders", monetary]
    require_columns(summary, needed, where="the summary", hint="Use summarize_customers.")
    twice = summary.loc[summary["customer_id"].duplicated(), "customer_id"]
    if len(twice):
        raise DataError("A customer stands twice in the summary.", where=f"customers {twice.head(3).tolist()}")
    if not np.isfinite(summary["n_orders"].to_numpy(dtype=float)).all():
        rows = summary.loc[~np.isfinite(summary["n_orders"].astype(float)), "customer_id"].head(3).tolist()
        raise DataError("n_orders is missing for some customers.", where=f"customers {rows}")
    frame = summary.loc[summary["n_orders"] > 0, needed].rename(columns={monetary: "value"})
    if frame.empty:
        raise EmptyDataError("No customer has an order.", hint="Look at the audit of the ledger.")
    frame = frame.replace([np.inf, -np.inf], np.nan)
    holes = frame.columns[frame.isna().any()].tolist()
    if holes:
        rows = frame.loc[frame.isna().any(axis=1), "customer_id"].head(3).tolist()
        raise DataError(f"{', '.join(holes)} is missing for some customers.", where=f"customers {rows}")
    if not (frame["value"] > 0).any():
        raise UndefinedMeasureError("No customer has a positive value.", hint="Check the sign of the amounts.")
    frame = frame.sort_values(["value", "customer_id"], ascending=[False, True], ignore_index=True)
    columns = {"recency": frame["days_since_last_order"], "frequency": frame["n_orders"], "monetary": frame["value"]}
    cut_points = _cut_points(columns, bins, min_accounts)
    for dimension, score in _DIMENSIONS.items():
        above = np.searchsorted(cut_points[dimension], columns[dimension].to_numpy(dtype=float), side="left")
        frame[score] = (SCORES - above if dimension == "recency" else above + 1).astype("int64")
    frame["segment"] = _segments_of(frame, rules)
    slipping = frame[(frame["f_score"] >= 4) & (frame["r_score"] <= 2)].reset_index(drop=True)
    n_without = int(len(summary) - len(frame))
    cuts = _ranges(columns, frame)
    return RfmResult(
        context=context,
        checks=_checks(context, frame, cuts, n_without),
        assumed=_assumed(context, bins, segments is None),
        customers=frame,
        segments=_by_segment(frame, rules),
        fm_table=_by_scores(frame, "f_score", "m_score"),
        fr_table=_by_scores(frame, "f_score", "r_score"),
        slipping=slipping,
        cuts=cuts,
        rules=rules,
        bins="quantile" if isinstance(bins, str) else "business",
        monetary=monetary,
        n_customers=len(frame),
        n_without_order=n_without,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _checked_rules(rules: pd.DataFrame) -> pd.DataFrame:
    require_columns(rules, _RULE_COLUMNS, where="the segment table", hint="See kam.identify.rfm.SEGMENTS.")
    return rules[_RULE_COLUMNS].reset_index(drop=True)


def _cut_points(
    columns: Mapping[str, pd.Series], bins: str | Mapping[str, Sequence[float]], min_accounts: int
) -> dict[str, np.ndarray]:
    if isinstance(bins, str):
        if bins != "quantile":
            raise ParameterError(f"bins is {bins!r}.", hint="Use 'quantile' or a mapping of cut points.")
        if (n := len(columns["recency"])) < min_accounts:
            raise UndefinedMeasureError(
                f"Fifths of {n} accounts are too few to a score; scores of five take {min_accounts}.",
                hint="Look at the stability of each class, or give business cut points as bins=.",
            )
        steps = np.arange(1, SCORES) / SCORES
        return {
            name: np.quantile(values.to_numpy(dtype=float), steps, method="inverted_cdf")
            for name, values in columns.items()
        }
    if set(bins) != set(columns):
        raise ParameterError(f"bins names {sorted(bins)}.", hint=f"Give cut points for {', '.join(columns)}.")
    cut_points = {name: np.asarray(bins[name], dtype=float) for name in columns}
    for name, cuts in cut_points.items():
        if cuts.shape != (SCORES - 1,) or not (np.diff(cuts) > 0).all():
            raise ParameterError(
                f"The cut points of {name} are {list(bins[name])}.", hint="Give four ascending numbers."
            )
    return cut_points


def _segments_of(frame: pd.DataFrame, rules: pd.DataFrame) -> pd.Series:
    segment = pd.Series(pd.NA, index=frame.index, dtype="string")
    for rule in rules.to_dict("records"):
        hit = segment.isna()
        for score in ("r", "f", "m"):
            hit &= (frame[f"{score}_score"] >= rule[f"{score}_min"]) & (frame[f"{score}_score"] <= rule[f"{score}_max"])
        segment = segment.mask(hit, rule["segment"])
    if segment.isna().any():
        scores = (
            frame.loc[segment.isna(), ["r_score", "f_score", "m_score"]].drop_duplicates().head(3).to_numpy().tolist()
        )
        raise ParameterError(
            "The segment table has no row for some scores.", where=f"R, F, M = {scores}", hint="Add a last row 1–5."
        )
    return segment.astype(str)


def _by_segment(frame: pd.DataFrame, rules: pd.DataFrame) -> pd.DataFrame:
    named = rules.drop_duplicates("segment")[["segment", "meaning", "advice"]]
    sums = frame.groupby("segment").agg(n_customers=("customer_id", "size"), value=("value", "sum"))
    positive = frame["value"].clip(lower=0).groupby(frame["segment"]).sum()
    table = named.join(sums, on="segment").fillna({"n_customers": 0, "value": 0.0})
    table["n_customers"] = table["n_customers"].astype("int64")
    table["share_customers"] = table["n_customers"] / len(frame)
    table["share_value"] = table["segment"].map(positive / positive.sum()).fillna(0.0)
    return table.reset_index(drop=True)


def _by_scores(frame: pd.DataFrame, rows: str, columns: str) -> pd.DataFrame:
    scores = pd.MultiIndex.from_product([range(1, SCORES + 1)] * 2, names=[rows, columns])
    sums = frame.groupby([rows, columns]).agg(n_customers=("customer_id", "size"), value=("value", "sum"))
    return sums.reindex(scores, fill_value=0).reset_index()


def _ranges(columns: Mapping[str, pd.Series], frame: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for dimension, score in _DIMENSIONS.items():
        grouped = columns[dimension].astype(float).groupby(frame[score])
        ranges = grouped.agg(low="min", high="max", n_customers="size").rename_axis("score").reset_index()
        parts.append(ranges.assign(term=dimension)[["term", "score", "low", "high", "n_customers"]])
    return pd.concat(parts, ignore_index=True)


def _checks(context: Context, frame: pd.DataFrame, cuts: pd.DataFrame, n_without: int) -> tuple[Check, ...]:
    say = context.wording
    names = {
        "recency": say.sentence("recency"),
        "frequency": say.sentence("frequency"),
        "monetary": say.sentence("monetary value"),
    }
    worst = cuts.sort_values("n_customers", kind="stable").iloc[-1]
    share = float(worst["n_customers"] / len(frame))
    spread = Check(
        assumption=say.sentence("the scores separate the accounts"),
        finding=say.sentence(
            "the fullest score is {score} of {dimension}: {share} of the accounts",
            score=say.count(worst["score"]),
            dimension=names[str(worst["term"])],
            share=say.share(share),
        ),
        verdict="holds" if share <= 0.5 else "does not hold",
        statistic=share,
    )
    without = Check(
        assumption=say.sentence("every account has an order"),
        finding=say.plural(
            "one has credit notes only and is left out", "{n} have credit notes only and are left out", n_without
        )
        if n_without
        else say.sentence("all have"),
        verdict="handled" if n_without else "holds",
    )
    if len(frame) < 3 or frame["n_orders"].nunique() < 2 or frame["value"].nunique() < 2:
        return (
            spread,
            without,
            Check(
                assumption=say.sentence("frequency and monetary value say different things"),
                finding=say.sentence("too few different values to tell"),
                verdict="not testable",
            ),
        )
    correlation = float(frame["n_orders"].rank().corr(frame["value"].rank()))
    return (
        spread,
        without,
        Check(
            assumption=say.sentence("frequency and monetary value say different things"),
            finding=say.sentence("their rank correlation is {r}", r=say.number(correlation)),
            verdict="holds" if abs(correlation) < 0.95 else "does not hold",
            statistic=correlation,
        ),
    )


def _assumed(context: Context, bins: object, own_segments: bool) -> tuple[Assumed, ...]:
    say = context.wording
    return (
        Assumed(
            what=say.sentence("cut points of the scores"),
            value=say.sentence("fifths of this portfolio")
            if isinstance(bins, str)
            else say.sentence("given by the user"),
            would_change=say.sentence("business cut points make scores comparable between years"),
        ),
        Assumed(
            what=say.sentence("segments"),
            value=say.sentence("the table that kam carries")
            if own_segments
            else say.sentence("a table given by the user"),
            would_change=say.sentence("another table renames and regroups; the scores stay"),
        ),
    )
