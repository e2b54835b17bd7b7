"""The tables of a dataset by parent group: facts of the head or of the largest account, sums, and what they leave out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kam.dataset.frame_checks import MAX_NAMED, shorten
from kam.dataset.notes import name_some
from kam.wording import Wording

SUMMED = ("service_cost", "acquisition_cost", "credit_limit", "receivable", "overdue", "potential")
"""Money of the account file that is summed over a group."""

_NO_END = pd.Timestamp("9999-12-31").as_unit("us")


def group_accounts_file(
    frame: pd.DataFrame, own: pd.Series, revenue: pd.Series, say: Wording
) -> tuple[pd.DataFrame, list[str]]:
    """One row per group, and which sums are over a part of it.

    Parameters
    ----------
    frame : pandas.DataFrame
        The account file with the head of the group as ``customer_id``.
    own : pandas.Series
        The account's own identifier, by row.
    revenue : pandas.Series
        Net revenue by account; an account without counts as 0.
    say : Wording
        Language of the warnings.
    """
    weight = own.map(revenue).fillna(0.0).astype("float64")
    order = pd.DataFrame({"other": own != frame["customer_id"], "less": -weight, "id": own})
    ranked = frame.loc[order.sort_values(["other", "less", "id"], kind="stable").index]
    groups = ranked.groupby("customer_id", sort=False)
    grouped = groups.first()  # the first that is not missing: the head's, else that of the largest with one
    if {"manager", "manager_since"} <= set(frame):  # a day belongs to the manager that it is of
        named = ranked[ranked["manager"].notna()].drop_duplicates("customer_id").set_index("customer_id")
        grouped["manager_since"] = named["manager_since"].reindex(grouped.index)
    if "since" in frame:
        grouped["since"] = groups["since"].min()
    warnings = []
    size = groups.size()
    for column in [name for name in SUMMED if name in frame]:
        grouped[column] = groups[column].sum(min_count=1)
        known = groups[column].count()
        part = known.index[(known > 0) & (known < size)]
        if len(part):
            warnings.append(
                say.plural(
                    "{column} of one group is the sum of the accounts for which it is known ({named}).",
                    "{column} of {n} groups is the sum of the accounts for which it is known ({named}).",
                    len(part),
                    column=column,
                    named=name_some(sorted(part), say),
                )
            )
    if "payment_days" in frame:
        days = ranked["payment_days"].astype("float64")
        counts = weight.reindex(ranked.index).clip(lower=1e-9).where(days.notna())
        sums = pd.DataFrame({"days": days * counts, "counts": counts}).groupby(ranked["customer_id"]).sum(min_count=1)
        grouped["payment_days"] = (sums["days"] / sums["counts"]).reindex(grouped.index)
    if "parent_id" in frame:
        grouped["parent_id"] = pd.Series(np.nan, index=grouped.index, dtype="str")
    return grouped.reset_index().sort_values("customer_id", ignore_index=True)[list(frame.columns)], warnings


def group_contacts(frame: pd.DataFrame, own: pd.Series) -> pd.DataFrame:
    """The people under the head of the group; where two accounts use one id for theirs, the account stands before it."""
    shared = frame.duplicated(["customer_id", "contact_id"], keep=False)
    return frame.assign(contact_id=frame["contact_id"].where(~shared, own + "-" + frame["contact_id"]))


def group_targets(frame: pd.DataFrame) -> pd.DataFrame:
    """Targets summed by group and period."""
    sums = [name for name in ("revenue_target", "margin_target") if name in frame]
    keys = [name for name in frame if name not in sums]
    grouped = frame.groupby(keys, as_index=False, dropna=False)[sums].sum(min_count=1)
    return grouped.sort_values(["customer_id", "period"], ignore_index=True)[list(frame.columns)]


def group_overrides(frame: pd.DataFrame, own: pd.Series, say: Wording) -> tuple[pd.DataFrame, list[str]]:
    """Tiers set by hand for groups: of different ones at the same time that of the head, else the one set last."""
    until = frame["until"] if "until" in frame else pd.Series(pd.NaT, index=frame.index)
    last = pd.to_datetime(until).astype("datetime64[us]").fillna(_NO_END)
    order = pd.DataFrame({"other": own != frame["customer_id"], "set": frame["set_on"], "id": own})
    ranked = order.sort_values(["other", "set", "id"], ascending=[True, False, True], kind="stable").index
    heads, tiers = frame["customer_id"].to_numpy(), frame["tier"].to_numpy()
    names, starts, ends = own.to_numpy(), frame["set_on"].to_numpy(), last.to_numpy()
    kept: dict[object, list[int]] = {}
    dropped: list[int] = []
    for row in frame.index.get_indexer(ranked).tolist():
        others = kept.setdefault(heads[row], [])
        at_odds = any(
            names[row] != names[one]
            and tiers[row] != tiers[one]
            and starts[row] <= ends[one]
            and starts[one] <= ends[row]
            for one in others
        )
        (dropped if at_odds else others).append(row)
    if not dropped:
        return frame.reset_index(drop=True), []
    named = [
        say.sentence("{tier} of {customer}", tier=tiers[row], customer=shorten(names[row]))
        for row in dropped[:MAX_NAMED]
    ]
    warning = say.plural(
        "One tier set by hand is left out, because another of the same group holds: {named}.",
        "{n} tiers set by hand are left out, because others of the same group hold: {named}.",
        len(dropped),
        named=say.listing([*named, "…"] if len(dropped) > MAX_NAMED else named),
    )
    return frame.drop(index=frame.index[dropped]).reset_index(drop=True), [warning]


def group_sample(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per group and wave: drawn if an account of it was, as if accounts had been drawn independently."""
    answered = frame["status"].eq("answered") if "status" in frame else pd.Series(False, index=frame.index)
    ranked = frame.loc[(~answered).sort_values(kind="stable").index]  # a group has answered if an account of it has
    groups = ranked.groupby(["customer_id", "wave"], sort=False)
    grouped = groups.first()
    if "probability" in frame:
        missed = np.log1p(-ranked["probability"].clip(upper=1 - 1e-12))
        sums = missed.groupby([ranked["customer_id"], ranked["wave"]]).sum(min_count=1)
        grouped["probability"] = (-np.expm1(sums)).reindex(grouped.index)
    if "certainty" in frame:
        grouped["certainty"] = groups["certainty"].max()
    return grouped.reset_index()[list(frame.columns)]
