"""Shares of the satisfied among the lost and the stayed, and of the lost among the satisfied and the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.survey.later_behavior import share_interval
from kam.survey.lost_accounts import ANSWERED, EARLIER, NEVER, NOT_ASKED, SILENT

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FEW_ACCOUNTS = 5
"""A share of fewer accounts is suppressed."""


def satisfied_shares(rows: pd.DataFrame, level: float, few: str) -> pd.DataFrame:
    """Share of the satisfied among the lost and the stayed who answered, in all waves and in each.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row per wave and account: ``wave, customer_id, weight, is_lost, is_satisfied`` and perhaps ``revenue``.
    level : float
        Of the intervals.
    few : str
        What is said of a suppressed share.

    Returns
    -------
    pandas.DataFrame
        ``wave, each, group_name, estimate, ci_low, ci_high, n_accounts, why``.
    """
    records: list[tuple[object, ...]] = []
    waves = ["all", *rows["wave"].unique()]
    for each in ("account", "revenue") if "revenue" in rows.columns else ("account",):
        for wave in waves:
            part = rows if wave == "all" else rows[rows["wave"] == wave]
            weight = part["weight"].to_numpy(dtype=np.float64)
            if each == "revenue":
                weight = weight * part["revenue"].fillna(0.0).clip(lower=0).to_numpy(dtype=np.float64)
            found = {}
            for name, group in (("lost", part["is_lost"]), ("stayed", ~part["is_lost"])):
                chosen = group.to_numpy(dtype=bool)
                yes = part["is_satisfied"].to_numpy(dtype=bool)[chosen]
                found[name] = _share(yes, weight[chosen], part.loc[chosen, "customer_id"], level)
                records.append((wave, each, name, *found[name]))
            both = _difference(found["lost"], found["stayed"])
            records.append((wave, each, "difference", *both, part["customer_id"].nunique()))
    columns = ["wave", "each", "group_name", "estimate", "ci_low", "ci_high", "n_accounts"]
    frame = pd.DataFrame(records, columns=columns)
    return frame.assign(why=np.where(frame["estimate"].isna(), few, ""))


def loss_rates(answered: pd.DataFrame, at_risk: pd.DataFrame, level: float, few: str) -> pd.DataFrame:
    """Share lost of those who said they were satisfied and of the others who answered; and, counted, of those who said nothing.

    Parameters
    ----------
    answered : pandas.DataFrame
        As for :func:`satisfied_shares`.
    at_risk : pandas.DataFrame
        One row per wave and account that was there: ``customer_id, is_lost, status``.
    level : float
    few : str

    Returns
    -------
    pandas.DataFrame
        ``group_name, estimate, ci_low, ci_high, n_accounts, n_lost, why``.
    """
    records: list[tuple[object, ...]] = []
    found = {}
    satisfied = answered["is_satisfied"].to_numpy(dtype=bool)
    lost, weight = answered["is_lost"].to_numpy(dtype=bool), answered["weight"].to_numpy(dtype=np.float64)
    for name, chosen in (("satisfied", satisfied), ("not satisfied", ~satisfied)):
        found[name] = _share(lost[chosen], weight[chosen], answered.loc[chosen, "customer_id"], level)
        records.append((name, *found[name], int(lost[chosen].sum())))
    both = _difference(found["satisfied"], found["not satisfied"])
    records.append(("difference", *both, answered["customer_id"].nunique(), int(lost.sum())))
    for name in (EARLIER, SILENT, NOT_ASKED, NEVER):
        part = at_risk[at_risk["status"] == name]
        if len(part):
            yes = part["is_lost"].to_numpy(dtype=bool)
            records.append((name, *_share(yes, np.ones(len(part)), part["customer_id"], level), int(yes.sum())))
    columns = ["group_name", "estimate", "ci_low", "ci_high", "n_accounts", "n_lost"]
    frame = pd.DataFrame(records, columns=columns)
    return frame.assign(why=np.where(frame["estimate"].isna(), few, ""))


def answering_shares(at_risk: pd.DataFrame, level: float) -> pd.DataFrame:
    """What the lost and the stayed had said: ``group_name, status, n_accounts, estimate, ci_low, ci_high``; counted."""
    records: list[tuple[object, ...]] = []
    for name, group in (("lost", at_risk["is_lost"]), ("stayed", ~at_risk["is_lost"])):
        part = at_risk[group]
        for status in (ANSWERED, EARLIER, SILENT, NOT_ASKED, NEVER):
            if not (at_risk["status"] == status).any():
                continue
            yes = (part["status"] == status).to_numpy()
            share = _share(yes, np.ones(len(part)), part["customer_id"], level)
            if np.isnan(share[0]):  # too few for an interval; a count is no estimate
                share = (float(yes.mean()), np.nan, np.nan, share[3])
            records.append((name, status, part.loc[yes, "customer_id"].nunique(), *share[:3]))
    columns = ["group_name", "status", "n_accounts", "estimate", "ci_low", "ci_high"]
    return pd.DataFrame(records, columns=columns)


def differs(shares: pd.DataFrame) -> str:
    """Which way the lost differ from the stayed, over all waves by account: ``less``, ``more``, ``not`` or ``unknown``."""
    chosen = (shares["wave"] == "all") & (shares["each"] == "account") & (shares["group_name"] == "difference")
    row = shares[chosen].iloc[0]
    if np.isnan(row["estimate"]):
        return "unknown"
    return "less" if row["ci_high"] < 0 else "more" if row["ci_low"] > 0 else "not"


# -- inside ----------------------------------------------------------------------------------------------------------


def _share(yes: Flags, weight: Floats, customer: pd.Series, level: float) -> tuple[float, float, float, int]:
    """Weighted share with its interval over accounts, and how many there are; missing for fewer than 5."""
    n = customer.nunique()
    if n < FEW_ACCOUNTS or not weight.sum() > 0:
        return np.nan, np.nan, np.nan, n
    cluster = pd.factorize(customer)[0]
    share = float((weight * yes).sum() / weight.sum())
    scores = np.bincount(cluster, weight * (yes - share)) / weight.sum()
    sizes = np.bincount(cluster, weight).astype(np.float64)
    variance = float((scores**2).sum()) * n / (n - 1)
    return share, *share_interval(share, variance, sizes[sizes > 0], level), n


def _difference(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float]:
    """Difference of two shares with Newcombe's interval from those of each."""
    (p, p_low, p_high), (q, q_low, q_high) = a[:3], b[:3]
    low = p - q - np.hypot(p - p_low, q_high - q)
    high = p - q + np.hypot(p_high - p, q - q_low)
    return p - q, float(low), float(high)
