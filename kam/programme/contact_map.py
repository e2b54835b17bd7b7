"""Who decides at an account, and who stands with us: contacts by influence and support, allies counted, deciders not met."""

from __future__ import annotations

import pandas as pd

from kam.columns import require_columns

ALLY_FROM = 1.0
"""Least support, from -2 (against us) to 2 (for us), that makes a contact an ally."""
COLUMNS = (
    "customer_id", "contact_id", "person", "role", "decides", "influence", "support", "last_met", "is_ally", "is_met",
)  # fmt: skip


def map_contacts(contacts: pd.DataFrame | None) -> pd.DataFrame:
    """Put the people of each account in order: who decides first, then by influence, and say who is an ally and who was met.

    Assumes (1) that a contact without a day of meeting was never met; (2) that a contact whose support is not known is no ally.

    Parameters
    ----------
    contacts : pandas.DataFrame or None
        ``customer_id, contact_id`` and what is known of ``name, role, influence`` (1 to 5) ``, support`` (-2 to 2) ``, decides,
        last_met``; it is not changed. None: no row.

    Returns
    -------
    pandas.DataFrame
        One row per person, by account: ``customer_id, contact_id, person`` (name, or the identifier where none is known)
        ``, role, decides, influence, support, last_met, is_ally`` (support of 1 or more) ``, is_met``.

    Raises
    ------
    MissingColumnError
        A column that identifies a person is not there.

    Examples
    --------
    >>> people = pd.DataFrame({"customer_id": "7", "contact_id": ["a", "b"], "support": [2, -1], "decides": [False, True]})
    >>> map_contacts(people)[["contact_id", "is_ally", "is_met"]].to_numpy().tolist()
    [['b', False, False], ['a', True, False]]
    """
    if contacts is None:
        contacts = pd.DataFrame({"customer_id": [], "contact_id": []}, dtype="str")
    require_columns(contacts, ("customer_id", "contact_id"), where="the contacts")
    people = contacts.reindex(columns=[*contacts.columns, *(c for c in _KNOWN if c not in contacts)])
    identifiers = people["contact_id"].astype("str")
    mapped = pd.DataFrame(
        {
            "customer_id": people["customer_id"].astype("str"),
            "contact_id": identifiers,
            "person": people["name"].astype("str").where(people["name"].notna(), identifiers),
            "role": people["role"].astype("str").where(people["role"].notna(), ""),
            "decides": people["decides"].astype("boolean").fillna(False).astype(bool),
            "influence": people["influence"].astype("float64"),
            "support": people["support"].astype("float64"),
            "last_met": pd.to_datetime(people["last_met"]),
        }
    )
    mapped["is_ally"] = mapped["support"] >= ALLY_FROM
    mapped["is_met"] = mapped["last_met"].notna()
    return mapped.sort_values(
        ["customer_id", "decides", "influence", "contact_id"], ascending=[True, False, False, True], ignore_index=True
    )


def count_contacts(mapped: pd.DataFrame) -> pd.DataFrame:
    """Per account: people, allies, deciders, and deciders whom nobody of us has met.

    Parameters
    ----------
    mapped : pandas.DataFrame
        As from :func:`map_contacts`.

    Returns
    -------
    pandas.DataFrame
        ``customer_id, n_contacts, n_allies, n_deciders, n_deciders_not_met``; accounts without contacts have no row.
    """
    marked = mapped.assign(not_met=mapped["decides"] & ~mapped["is_met"])
    counted = marked.groupby("customer_id").agg(
        n_contacts=("contact_id", "size"),
        n_allies=("is_ally", "sum"),
        n_deciders=("decides", "sum"),
        n_deciders_not_met=("not_met", "sum"),
    )
    return counted.astype("int64").reset_index()


_KNOWN = ("name", "role", "decides", "influence", "support", "last_met")
