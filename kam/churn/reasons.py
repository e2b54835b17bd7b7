"""Why an account stands where it does, in words: what a forecast saw in it that goes with a higher risk than usual."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from kam.errors import DataError, MissingColumnError
from kam.wording import Wording

MOST = 3
"""Reasons that are said of an account."""
LEAST = 0.1
"""A smaller sum of log-odds above the mean is no reason."""
STANDING = (
    *("T", "tenure_days", "left_censored", "gap_cv", "monetary_value", "margin_year"),
    *("revenue_year", "revenue_year_before", "n_days_season", "revenue_season"),
)
"""What describes an account rather than says that something changed: never said as a reason."""
_MISSING = "_missing"
_LONG_DECIMAL = re.compile(r"-?\d+\.\d{4,}(e-\d+)?")

Values = Mapping[str, Any]
Phrase = Callable[[Wording, Values, int], str | None]


def say_reasons(
    contributions: pd.DataFrame,
    customer_ids: Iterable[str],
    *,
    horizon_days: int,
    say: Wording,
    facts: pd.DataFrame | None = None,
) -> dict[str, str]:
    """Put into words what raises each account's risk above the mean of the portfolio, the most first.

    Terms that tell one story (days since the last order, usual gap, their ratio) are added up and said once. At most three
    stories whose sum is above 0.1 log-odds are said; what lowers the risk is not. A term that has no phrase of its own is
    said as "name: value".

    Parameters
    ----------
    contributions : pandas.DataFrame
        ``customer_id, term, seen, contribution`` (log-odds against the portfolio mean).
    customer_ids : iterable of str
        The accounts to speak of.
    horizon_days : int
        Length of the windows ``recent`` and ``before`` of snapshots, in days.
    say : Wording
    facts : pandas.DataFrame, optional
        One row per customer, with further columns that a phrase may name (the usual gap beside the days since the last
        order).

    Returns
    -------
    dict of str to str
        By customer: phrases with ``"; "`` between; empty where nothing raises the risk.

    Raises
    ------
    MissingColumnError
        A column is not there.
    DataError
        A contribution is no finite number.

    Examples
    --------
    >>> contributions = pd.DataFrame({"customer_id": "007", "term": ["days_since_last_order", "mean_gap_days", "share_late",
    ...     "n_deliveries"], "seen": [94, 21, 0.375, 8], "contribution": [1.1, 0.2, 0.4, 0.0]})
    >>> say_reasons(contributions, ["007"], horizon_days=91, say=Wording())["007"]
    'last order 94 days ago, usual gap 21 days; 3 of 8 deliveries late'
    """
    missing = [c for c in ("customer_id", "term", "seen", "contribution") if c not in contributions.columns]
    if missing:
        raise MissingColumnError(
            f"The contributions lack {', '.join(missing)}.", where=f"columns {list(contributions.columns)}"
        )
    wanted = list(customer_ids)
    rows = contributions[contributions["customer_id"].isin(wanted)]
    bad = ~np.isfinite(rows["contribution"].to_numpy(dtype=float, na_value=np.nan))
    if bad.any():
        raise DataError(
            "A contribution is no finite number.",
            where=", ".join(f"{c}: {t}" for c, t in rows.loc[bad, ["customer_id", "term"]].head(3).to_numpy()),
        )
    known: dict[str, Values] = {}
    if facts is not None:
        chosen = facts[facts["customer_id"].isin(wanted)]
        known = dict(zip(chosen["customer_id"], _records(chosen), strict=True))
    said = dict.fromkeys(wanted, "")
    for customer_id, own in rows.groupby("customer_id", sort=False):
        values = {**known.get(str(customer_id), {}), **dict(zip(own["term"], own["seen"], strict=True))}
        story = own["term"].map(lambda term: _STORY_OF.get(term, term))
        sums = own["contribution"].astype(float).groupby(story).sum()
        order = sorted((-x, str(name)) for name, x in sums.items() if x >= LEAST and name not in STANDING)
        phrases = (_say_story(name, values, horizon_days, say) for _, name in order)
        said[str(customer_id)] = say.join([phrase for phrase in phrases if phrase][:MOST], ";")
    return said


def _records(frame: pd.DataFrame) -> list[Values]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


# -- phrases ---------------------------------------------------------------------------------------------------------


def _number(values: Values, term: str) -> float | None:
    """The value of a term if there is one and it is a finite number."""
    value = values.get(term)
    try:
        x = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return x if np.isfinite(x) else None


def _silence(say: Wording, values: Values, horizon_days: int) -> str | None:
    days, gap, ratio = (_number(values, term) for term in ("days_since_last_order", "mean_gap_days", "gap_ratio"))
    if gap is None and days is not None and ratio:
        gap = days / ratio
    if days is None:
        if ratio is not None:
            return say.sentence("silent for {x} times the usual gap", x=say.number(ratio, 1))
        return None if gap is None else say.sentence("orders every {n} days on average", n=say.count(gap))
    if gap is not None and days <= gap:
        return None  # no longer than usual
    last = say.plural("last order one day ago", "last order {n} days ago", round(days))
    if gap is None:
        return last
    return say.sentence("{last}, usual gap {gap} days", last=last, gap=say.count(gap))


def _frequency(say: Wording, values: Values, horizon_days: int) -> str | None:
    year, ever = _number(values, "n_days_year"), _number(values, "frequency")
    if year is not None:
        before = _number(values, "n_days_year_before")
        if before is not None and year >= before:
            return None  # more than before is no reason
        now = say.plural(
            "one day with an order in the last year", "{n} days with an order in the last year", round(year)
        )
        if before is None:
            return now
        return say.sentence("{now}, {before} the year before", now=now, before=say.count(before))
    if ever is None:
        return None
    return say.plural("one repeat purchase so far", "{n} repeat purchases so far", round(ever)) if round(ever) else (
        say.plural("bought on one day only", "bought on {n} days only", 1)
    )  # fmt: skip


def _trend(say: Wording, values: Values, horizon_days: int) -> str | None:
    now, before = _number(values, "revenue_recent"), _number(values, "revenue_before")
    if now is not None and before is not None and now >= before:
        return None  # more than before is no reason; nothing and nothing, the silence says
    form = say.money_short
    if now is None and before is None:
        now, before = _number(values, "n_days_recent"), _number(values, "n_days_before")
        if now is None:
            return None
        if before is not None and now >= before:
            return None
        said = say.plural(
            "one day with an order in the last {days} days",
            "{n} days with an order in the last {days} days",
            round(now),
            days=say.count(horizon_days),
        )
        return said if before is None else say.sentence("{now}, {before} before", now=said, before=say.count(before))
    days = say.count(horizon_days)
    if now is None or before is None:
        amount = form(now if now is not None else before or 0.0)
        if now is not None:
            return say.sentence("{amount} in the last {days} days", amount=amount, days=days)
        return say.sentence("{amount} in the {days} days before the last {days}", amount=amount, days=days)
    return say.sentence("{now} in the last {days} days, {before} before", now=form(now), before=form(before), days=days)


def _returned(say: Wording, values: Values, horizon_days: int) -> str | None:
    x = _number(values, "share_returned")
    return None if x is None else say.sentence("{share} of the last year's revenue returned", share=say.share(x))


def _discount(say: Wording, values: Values, horizon_days: int) -> str | None:
    x = _number(values, "discount_share")
    return None if x is None else say.sentence("discount of {share}", share=say.share(x))


def _late(say: Wording, values: Values, horizon_days: int) -> str | None:
    share, n = _number(values, "share_late"), _number(values, "n_deliveries")
    if not share:
        return None
    if n is None or n < 1:
        return say.sentence("{share} of deliveries late", share=say.share(share, 0))
    return say.plural(
        "{late} of one delivery late", "{late} of {n} deliveries late", round(n), late=say.count(share * n)
    )


def _complaints(say: Wording, values: Values, horizon_days: int) -> str | None:
    n = _number(values, "n_complaints")
    if n is None:
        return None
    return say.plural("one complaint", "{n} complaints", round(n)) if round(n) else say.sentence("no complaint")


def _contact(say: Wording, values: Values, horizon_days: int) -> str | None:
    n = _number(values, "days_since_contact")
    return say.sentence("no contact on record") if n is None else (
        say.plural("no contact for one day", "no contact for {n} days", round(n))
    )  # fmt: skip


def _handover(say: Wording, values: Values, horizon_days: int) -> str | None:
    x = _number(values, "handover")
    return None if x is None else say.sentence("handed over to another manager" if x else "no handover")


def _offers(say: Wording, values: Values, horizon_days: int) -> str | None:
    n = _number(values, "n_offers")
    if n is None:
        return None
    return say.plural("one offer", "{n} offers", round(n)) if round(n) else say.sentence("no offer")


def _satisfaction(say: Wording, values: Values, horizon_days: int) -> str | None:
    x = _number(values, "satisfaction")
    return None if x is None else say.sentence("satisfaction {x} of 5 in the latest survey", x=say.number(x, 1))


def _survey(say: Wording, values: Values, horizon_days: int) -> str | None:
    n = _number(values, "days_since_survey")
    return say.sentence("no survey answer on record") if n is None else (
        say.plural("last survey answer one day ago", "last survey answer {n} days ago", round(n))
    )  # fmt: skip


STORIES: dict[str, tuple[Phrase, tuple[str, ...]]] = {
    "silence": (_silence, ("days_since_last_order", "mean_gap_days", "gap_ratio", "recency")),
    "frequency": (_frequency, ("frequency", "n_days_year", "n_days_year_before")),
    "trend": (_trend, ("n_days_recent", "n_days_before", "revenue_recent", "revenue_before")),
    "returned": (_returned, ("share_returned",)),
    "discount": (_discount, ("discount_share",)),
    "deliveries": (_late, ("share_late", "n_deliveries")),
    "complaints": (_complaints, ("n_complaints",)),
    "contact": (_contact, ("days_since_contact",)),
    "handover": (_handover, ("handover",)),
    "offers": (_offers, ("n_offers",)),
    "satisfaction": (_satisfaction, ("satisfaction",)),
    "survey": (_survey, ("days_since_survey",)),
}
"""Phrase of each story, and the columns of a snapshot that tell it."""

_STORY_OF = {term: story for story, (_, terms) in STORIES.items() for term in terms}


def _say_story(story: str, values: Values, horizon_days: int, say: Wording) -> str:
    if story in STORIES:
        phrase, _ = STORIES[story]
        return phrase(say, values, horizon_days) or ""
    if story.endswith(_MISSING):
        return say.sentence("{name}: not known", name=story.removesuffix(_MISSING).replace("_", " "))
    value = values.get(story)
    if value is None or (isinstance(value, float) and not np.isfinite(value)) or value is pd.NA:
        return say.sentence("{name}: not known", name=story)
    x = _number(values, story)
    is_code = isinstance(value, str) and not _LONG_DECIMAL.fullmatch(value)  # numbers come as text, too
    shown = str(value) if x is None or is_code else say.number(x, 0 if x == round(x) else 2)
    return say.sentence("{name}: {value}", name=story, value=shown)
