"""Which accounts two runs have: those that both have, the new and the gone, the renamed, and those under another identifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from kam.programme.movements import CENT, Setting
from kam.results import Result
from kam.wording import N_

WITH_ALL = (
    ("abc_xyz", "customers"),
    ("rfm", "customers"),
    ("churn_forecast", "customers"),
    ("customer_value", "customers"),
)
"""Results and their frames that have every account of the ledger."""
_FEWEST_MONTHS = 3
"""Months with money by which an account is known again under another identifier."""


def account_ids(results: Mapping[str, Result]) -> set[str]:
    """All accounts of the ledger; none where no result says."""
    for key, table in WITH_ALL:
        if key in results:
            return set(results[key].tables()[table]["customer_id"])
    if "tier_migration" in results:
        return set(results["tier_migration"].tables()["tiers"]["customer_id"])
    return set()


def account_names(results: Mapping[str, Result]) -> dict[str, str]:
    """Name by account, where one is known."""
    names: dict[str, str] = {}
    for key, table in (("key_accounts", "accounts"), ("sales_quality", "facts"), ("risks", "facts")):
        frame = results[key].tables().get(table) if key in results else None
        if frame is not None and "name" in frame:
            known = frame[frame["name"].notna()]
            names |= dict(zip(known["customer_id"].astype(str), known["name"].astype(str), strict=True))
    return names


def find_renumbered(now: Mapping[str, Result], before: Mapping[str, Result]) -> dict[str, str]:
    """Accounts that are known again under another identifier: the new one, and the one before.

    The same money in the same months, at least three, or, where no months are known, the same name; and no other is like it.
    """
    ids, was = account_ids(now), account_ids(before)
    fresh, gone = ids - was, was - ids
    if not fresh or not gone:
        return {}
    if "tier_migration" in now:
        marks, marks_before = _histories(now, before, fresh), _histories(before, before, gone)
    else:
        names, names_before = account_names(now), account_names(before)
        marks = {one: names[one].casefold() for one in fresh if one in names}
        marks_before = {one: names_before[one].casefold() for one in gone if one in names_before}
    known = {mark: one for one, mark in marks_before.items() if list(marks_before.values()).count(mark) == 1}
    once = {one: mark for one, mark in marks.items() if list(marks.values()).count(mark) == 1}
    return {one: known[mark] for one, mark in once.items() if mark in known}


def _histories(run: Mapping[str, Result], before: Mapping[str, Result], ids: set[str]) -> dict[str, object]:
    """Months and money of accounts, of the months that the earlier run knows."""
    migration, then = run["tier_migration"], before["tier_migration"].tables()["tiers"]["period"].max()
    measure = str(getattr(migration, "measure", "revenue"))
    tiers = migration.tables()["tiers"]
    tiers = tiers[tiers["customer_id"].isin(ids) & (tiers["period"] <= then) & (tiers[measure].abs() > CENT)]
    found = {
        str(customer): tuple(zip(rows["period"], rows[measure].round(2), strict=True))
        for customer, rows in tiers.sort_values("period").groupby("customer_id")
    }
    return {customer: months for customer, months in found.items() if len(months) >= _FEWEST_MONTHS}


def rename(results: Mapping[str, Result], mapping: Mapping[str, str]) -> dict[str, Result]:
    """The results with other identifiers."""
    if not mapping:
        return dict(results)
    return {key: replace(one, **_renamed(one, mapping)) for key, one in results.items()}


def compare_accounts(
    ids: set[str],
    ids_before: set[str],
    names_before: Mapping[str, str],
    names_now: Mapping[str, str],
    renumbered: Mapping[str, str],
    now: Mapping[str, Result],
    before: Mapping[str, Result],
    setting: Setting,
) -> pd.DataFrame:
    """A row for each account that only one of the runs has, or has under another name or identifier."""
    say = setting.say
    backdated = _backdated(now, before, ids - ids_before)
    rows = []
    for customer in sorted(ids | ids_before):
        told = (
            names_before.get(customer, "") if customer in ids_before else "",
            names_now.get(customer, "") if customer in ids else "",
        )
        if customer in renumbered:
            why = (
                say.text("the same money in the same months") if "tier_migration" in now else say.text("the same name")
            )
            movement, told = N_("other identifier"), (renumbered[customer], customer)
        elif customer not in ids_before:
            late = say.text("it has orders from before, which the earlier run did not have")
            movement, why = N_("new"), late if customer in backdated else ""
        elif customer not in ids:
            movement, why = N_("gone"), say.text("the later run has no row of it")
        elif all(told) and told[0] != told[1]:
            movement, why = N_("renamed"), ""
        else:
            continue
        value = setting.values.get(customer, float("nan"))
        name = setting.names.get(customer, customer)
        rows.append((customer, name, say.text(movement), *told, why, value))
    frame = pd.DataFrame(rows, columns=["customer_id", "name", "movement", "told_before", "told_now", "why", "value"])
    frame = frame.astype({"value": "float64"} | dict.fromkeys(frame.columns[:-1], "object"))
    return frame.sort_values(["movement", "value"], ascending=[True, False], kind="stable", ignore_index=True)


def _backdated(now: Mapping[str, Result], before: Mapping[str, Result], fresh: set[str]) -> set[str]:
    """New accounts with orders in months that the earlier run knows."""
    if "tier_migration" not in now:
        return set()
    then = before["tier_migration"].tables()["tiers"]["period"].max()
    tiers = now["tier_migration"].tables()["tiers"]
    return set(
        tiers.loc[(tiers["period"] <= then) & tiers["customer_id"].isin(fresh) & (tiers["n_orders"] > 0), "customer_id"]
    )


def _renamed(result: Result, mapping: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: frame.assign(customer_id=frame["customer_id"].map(lambda one: mapping.get(one, one)))
        for name, frame in result.tables().items()
        if "customer_id" in frame
    }
