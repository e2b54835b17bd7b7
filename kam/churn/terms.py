"""The terms that a churn regression can hold: which column of the snapshots, on which scale, and what one step means in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import LeakageError, MissingColumnError, ParameterError
from kam.wording import N_

Floats = npt.NDArray[np.float64]
Kind = Literal["number", "flag", "text"]

OUTCOMES = ("n_days_next", "revenue_next", "margin_next", "no_order", "churned")
"""What snapshots know only after the origin. Any other column that ends in ``_next`` is one, too."""
_KEYS = ("customer_id", "at_risk")
_LABELS = {
    "recency": N_("days from the first to the last order"),
    "tenure_days": N_("days as a customer"),
    "left_censored": N_("a customer before the ledger began"),
    "n_days_year_before": N_("purchase days in the year before the latest"),
    "revenue_recent": N_("revenue in the latest window"),
    "revenue_before": N_("revenue in the window before the latest"),
    "revenue_season": N_("revenue in the same season a year ago"),
    "revenue_year_before": N_("revenue in the year before the latest"),
    "margin_year": N_("margin of a year"),
    "n_deliveries": N_("deliveries due in the latest window"),
}
"""Columns of snapshots that are no terms of their own, in words; what the user brought is said without underscores."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """One term: how it is read from snapshots and how it is said.

    Attributes
    ----------
    name : str
        Its name in results: mostly that of its column.
    label : str
        What it is, for people.
    group : str
        What it tells about: ``rhythm``, ``money``, ``deliveries``, ``events``, ``survey``, ``account``, ``market``,
        ``origin``, ``other``.
    columns : tuple of str
        The columns it is made of.
    kind : {"number", "flag", "text"}
        A number, yes or no, or levels.
    read : callable or None
        From a frame to its values; None: the column as it is.
    step : float or None
        What one unit of the coefficient is, in the scale of ``read``; None: one standard deviation.
    unit, more : str
        The step in words: ``per 30 days``; and what a row with one step more has: ``30 days more since the last contact``.
    indicator : bool
        Whether that it is missing may say something of its own. Not where it knows of what came later, and not where it is
        missing only because nothing was ordered (no delivery was due, nothing was sold that could be discounted or sent back):
        that would be silence by another name, beside the terms of the silence.
    """

    name: str
    label: str
    group: str
    columns: tuple[str, ...]
    kind: Kind = "number"
    read: Callable[[pd.DataFrame], Floats] | None = None
    step: float | None = 1.0
    unit: str = ""
    more: str = ""
    indicator: bool = True

    def values(self, rows: pd.DataFrame) -> Floats:
        """Numbers and flags, before the step; missing and infinite ones are not a number."""
        values = to_floats(rows[self.columns[0]]) if self.read is None else self.read(rows)
        return np.where(np.isfinite(values), values, np.nan)

    def levels(self, rows: pd.DataFrame) -> pd.Series:
        """Levels as text; missing ones are missing."""
        column = rows[self.columns[0]]
        if pd.api.types.is_datetime64_any_dtype(column):
            return column.dt.strftime("%Y-%m-%d")
        return column.astype(object).where(column.notna()).map(str, na_action="ignore")


def _log2_of(column: str, plus: float = 0.0) -> Callable[[pd.DataFrame], Floats]:
    """Logarithm to base 2; missing where there is none."""

    def read(rows: pd.DataFrame) -> Floats:
        x = to_floats(rows[column]) + plus
        return np.log2(x, out=np.full(len(x), np.nan), where=x > 0)

    return read


def _trend(rows: pd.DataFrame) -> Floats:
    return np.log2((to_floats(rows["n_days_recent"]) + 1) / (to_floats(rows["n_days_before"]) + 1))


def _doubling(name: str, label: str, group: str, more: str, *, plus: float = 0.0) -> Term:
    read = _log2_of(name, plus)
    return Term(name=name, label=label, group=group, columns=(name,), read=read, unit=N_("per doubling"), more=more)


def _number(name: str, label: str, group: str, step: float, unit: str, more: str, *, indicator: bool = True) -> Term:
    return Term(
        name=name, label=label, group=group, columns=(name,), step=step, unit=unit, more=more, indicator=indicator
    )


def _text(name: str, label: str, group: str) -> Term:
    return Term(name=name, label=label, group=group, columns=(name,), kind="text")


_POINTS, _DAYS = (0.1, N_("per 10 points")), (30.0, N_("per 30 days"))

TERMS: dict[str, Term] = {
    term.name: term
    for term in (
        _text("origin", "origin", "origin"),
        _doubling(
            "gap_ratio",
            N_("silence so far in own gaps"),
            "rhythm",
            N_("a silence twice as long against the own rhythm"),
        ),
        _doubling("mean_gap_days", N_("own gap between purchase days"), "rhythm", N_("own gaps twice as long")),
        _number("gap_cv", N_("variation of the gaps"), "rhythm", 0.1, N_("per 0.1"), N_("gaps that vary by 0.1 more")),
        _doubling(
            "n_days_recent",
            N_("latest purchase days"),
            "rhythm",
            N_("twice as many purchase days in the latest window"),
            plus=1.0,
        ),
        _doubling(
            "n_days_season",
            N_("purchase days in this season a year ago"),
            "rhythm",
            N_("twice as many purchase days in the same season a year ago"),
            plus=1.0,
        ),
        _number(
            "T",
            N_("time since the first order"),
            "rhythm",
            365.0,
            N_("per year"),
            N_("a year more since the first order"),
        ),
        _doubling("monetary_value", N_("revenue per purchase day"), "money", N_("twice the revenue per purchase day")),
        # these three are missing where nothing was ordered: that is silence, not a covariate
        _number("discount_share", N_("discount"), "money", *_POINTS, N_("10 points more discount"), indicator=False),
        _number(
            "share_returned",
            N_("share returned"),
            "deliveries",
            *_POINTS,
            N_("10 points more returned"),
            indicator=False,
        ),
        _number(
            "share_late",
            N_("share delivered late"),
            "deliveries",
            *_POINTS,
            N_("10 points more delivered late"),
            indicator=False,
        ),
        _number("n_complaints", N_("complaints"), "events", 1.0, N_("per complaint"), N_("one complaint more")),
        _number(
            "days_since_contact",
            N_("time since the last contact"),
            "events",
            *_DAYS,
            N_("30 days more since the last contact"),
        ),
        Term(
            name="handover",
            label=N_("change of manager"),
            group="events",
            columns=("handover",),
            kind="flag",
            more=N_("a change of manager"),
        ),
        _number(
            N_("satisfaction"), N_("satisfaction"), "survey", 1.0, N_("per point"), N_("one point more satisfaction")
        ),
        _text(N_("industry"), N_("industry"), "account"),
        _text(N_("region"), N_("region"), "account"),
        # not by default
        Term(
            name="trend",
            label=N_("latest purchase days over those before"),
            group="rhythm",
            columns=("n_days_recent", "n_days_before"),
            read=_trend,
            unit=N_("per doubling"),
            more=N_("twice as many purchase days in the latest window against the one before"),
        ),
        _number(
            "days_since_last_order",
            N_("time since the last order"),
            "rhythm",
            *_DAYS,
            N_("30 days more since the last order"),
        ),
        _doubling(
            "frequency", N_("purchase days so far"), "rhythm", N_("twice as many purchase days so far"), plus=1.0
        ),
        _doubling(
            "n_days_before",
            N_("purchase days before the latest window"),
            "rhythm",
            N_("twice as many purchase days in the window before the latest"),
            plus=1.0,
        ),
        _doubling(
            "n_days_year",
            N_("purchase days of a year"),
            "rhythm",
            N_("twice as many purchase days in a year"),
            plus=1.0,
        ),
        _doubling("revenue_year", N_("revenue of a year"), "money", N_("twice the revenue in a year"), plus=1.0),
        _number("n_offers", N_("offers"), "events", 1.0, N_("per offer"), N_("one offer more")),
        _number(
            "days_since_survey",
            N_("time since the last answer"),
            "survey",
            *_DAYS,
            N_("30 days more since the last answer"),
        ),
        # a manager who came later is missing: that would know of a handover to come
        Term(
            name=N_("manager"),
            label=N_("manager"),
            group="account",
            columns=(N_("manager"),),
            kind="text",
            indicator=False,
        ),
    )
}
"""Terms that kam knows, by name."""

DEFAULT = tuple(list(TERMS)[: list(TERMS).index("trend")])
"""Those taken by default, where their columns are there. Rhythm is the own gap and the silence in own gaps: the number of
purchase days so far would say tenure and gap at once, and who ordered lately is less silent: beside the silence, a rising
trend can turn against what it is on its own (suppression)."""


def default_terms(rows: pd.DataFrame, declared: Mapping[str, str] | None = None) -> tuple[Term, ...]:
    """Take the terms of :data:`DEFAULT` whose columns are there, and columns that the user declared (name to group).

    The choice looks at which columns there are, never at what they say about the outcome.
    """
    known = [find_term(rows, name) for name in DEFAULT if set(TERMS[name].columns) <= set(rows.columns)]
    more = {name: group for name, group in (declared or {}).items() if name in rows.columns and name not in TERMS}
    return (*known, *(replace(find_term(rows, name), group=group) for name, group in more.items()))


def find_term(rows: pd.DataFrame, name: str) -> Term:
    """Find the term of a name: one that kam knows, or a column of the rows as it is.

    Raises
    ------
    LeakageError
        It is an outcome.
    MissingColumnError
        There is no such column; the message names similar ones.
    ParameterError
        It is the key of the customer or of the population.
    """
    refuse_outcomes([name])
    known = TERMS.get(name)
    if known is not None and set(known.columns) <= set(rows.columns):
        return known
    require_columns(rows, known.columns if known is not None else (name,))
    if name in _KEYS:
        raise ParameterError(f"{name!r} is no term of a regression.", hint="Leave it out.")
    column = rows[name]
    kind: Kind = "number"
    if pd.api.types.is_bool_dtype(column):
        kind = "flag"
    elif not pd.api.types.is_numeric_dtype(column):
        kind = "text"
    label = _LABELS.get(name, name.replace("_", " "))
    return Term(name=name, label=label, group="other", columns=(name,), kind=kind, step=None)


def refuse_outcomes(names: Sequence[str], outcome: str | None = None) -> None:
    """Raise :class:`~kam.errors.LeakageError` if a column is known only after the origin, or is what is to be explained."""
    leaking = [name for name in names if name in OUTCOMES or name == outcome or name.endswith("_next")]
    if leaking:
        raise LeakageError(
            f"{', '.join(map(repr, leaking))} is known only after the origin.",
            where="the terms of the regression",
            hint="Use what was known before: " + ", ".join(DEFAULT[1:5]) + ", ….",
        )


def require_columns(rows: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise :class:`~kam.errors.MissingColumnError` that names similar columns if one is not there."""
    for name in names:
        if name not in rows.columns:
            near = get_close_matches(name, [str(column) for column in rows.columns], n=3)
            raise MissingColumnError(
                f"There is no column {name!r} in the snapshots.",
                hint=f"Similar ones: {', '.join(near)}." if near else f"There are {', '.join(map(str, rows.columns))}.",
            )


def to_floats(column: pd.Series) -> Floats:
    """A column as floats, missing ones not a number."""
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
