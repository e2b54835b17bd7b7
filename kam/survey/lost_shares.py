"""Shares of the satisfied among the lost and the stayed, and of the lost among the satisfied and the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.survey.intervals import share_interval
from kam.survey.lost_accounts import ANSWERED, EARLIER, NEVER, NOT_ASKED, SILENT
from kam.wording import N_

Floats = npt.NDArray[np.float64]

FEW_ACCOUNTS = 5
"""A share of fewer accounts is suppressed."""
BY_PEOPLE = N_("the share of its people")
"""How an account with divided people counts: the rule that leads."""
_ASKED: Final = (ANSWERED, EARLIER, SILENT)
_HALF = 1e-9  # a share this near to a half is one


def satisfied_shares(rows: pd.DataFrame, level: float, few: str) -> pd.DataFrame:
    """Share of its people that were satisfied, over the accounts lost and stayed, in all waves and in each.

    The mean over accounts of a share of their people, as :func:`kam.survey.estimate` has it by account; with the variance over
    accounts.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row per wave and account: ``wave, customer_id, weight, is_lost, share_satisfied, n_people`` and perhaps ``revenue``.
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
            value = part["share_satisfied"].to_numpy(dtype=np.float64)
            records += [(wave, each, *record) for record in _compare(part, value, weight, level, of_people=True)]
    return _framed(records, ["wave", "each", "group_name", "estimate", "ci_low", "ci_high", "n_accounts"], few)


def rule_shares(rows: pd.DataFrame, satisfied_from: int, level: float, few: str) -> pd.DataFrame:
    """The same over all waves by account, whichever way an account with divided people counts.

    Returns
    -------
    pandas.DataFrame
        ``rule, group_name, estimate, ci_low, ci_high, n_accounts, why``.
    """
    share = rows["share_satisfied"].to_numpy(dtype=np.float64)
    weight = rows["weight"].to_numpy(dtype=np.float64)
    ways: dict[str, Floats] = {
        BY_PEOPLE: share,
        N_("satisfied if more than half of its people are"): (share > 0.5 + _HALF).astype(np.float64),
        N_("satisfied if half of its people or more are"): (share >= 0.5 - _HALF).astype(np.float64),
        f"satisfied if its mean is {satisfied_from} or more": (
            rows["score"].to_numpy(dtype=np.float64) >= satisfied_from - _HALF
        ).astype(np.float64),
    }
    records = [
        (name, *record)
        for name, value in ways.items()
        for record in _compare(rows, value, weight, level, of_people=name == BY_PEOPLE)
    ]
    return _framed(records, ["rule", "group_name", "estimate", "ci_low", "ci_high", "n_accounts"], few)


def loss_rates(answered: pd.DataFrame, at_risk: pd.DataFrame, level: float, few: str) -> pd.DataFrame:
    """Share lost of the accounts most of whose people were satisfied, and of the others; and, counted, of those who said nothing.

    Satisfied are accounts of whose people more than half are, not satisfied those of whose people fewer than half are; exactly
    half is neither (``divided``).

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
    share = answered["share_satisfied"].to_numpy(dtype=np.float64)
    satisfied, dissatisfied = share > 0.5 + _HALF, share < 0.5 - _HALF
    lost, weight = answered["is_lost"].to_numpy(dtype=bool), answered["weight"].to_numpy(dtype=np.float64)
    for name, chosen in (
        ("satisfied", satisfied),
        ("divided", ~satisfied & ~dissatisfied),
        ("not satisfied", dissatisfied),
    ):
        if name == "divided" and not chosen.any():
            continue
        found[name] = _share(lost[chosen], weight[chosen], answered.loc[chosen, "customer_id"], level)
        records.append((name, *found[name], int(lost[chosen].sum())))
    both = _difference(found["satisfied"], found["not satisfied"])
    sided = satisfied | dissatisfied
    records.append(("difference", *both, answered.loc[sided, "customer_id"].nunique(), int(lost[sided].sum())))
    for name in (EARLIER, SILENT, NOT_ASKED, NEVER):
        part = at_risk[at_risk["status"] == name]
        if len(part):
            yes = part["is_lost"].to_numpy(dtype=bool)
            records.append((name, *_share(yes, np.ones(len(part)), part["customer_id"], level), int(yes.sum())))
    return _framed(records, ["group_name", "estimate", "ci_low", "ci_high", "n_accounts", "n_lost"], few)


def answering_shares(at_risk: pd.DataFrame, level: float) -> pd.DataFrame:
    """What the lost and the stayed had said: ``group_name, status, n_accounts, estimate, ci_low, ci_high``; counted.

    An account that stayed counts in every wave.
    """
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
            records.append((name, status, int(yes.sum()), *share[:3]))
    columns = ["group_name", "status", "n_accounts", "estimate", "ci_low", "ci_high"]
    return pd.DataFrame(records, columns=columns)


def asked_shares(at_risk: pd.DataFrame, level: float, few: str) -> pd.DataFrame:
    """Of the lost and the stayed that had been asked, the share that had answered; counted, an account in every wave.

    Returns
    -------
    pandas.DataFrame
        ``group_name, n_accounts`` (asked) ``, n_answered, estimate, ci_low, ci_high, why``; the difference is of the lost less
        the stayed.
    """
    asked = at_risk[at_risk["status"].isin(_ASKED)]
    answered: Floats = np.asarray(asked["status"] != SILENT, dtype=np.float64)
    lost = asked["is_lost"].to_numpy(dtype=bool)
    counts = {"lost": lost, "stayed": ~lost, "difference": lost | ~lost}
    records = [
        (name, int(counts[name].sum()), int(answered[counts[name]].sum()), *share)
        for name, *share, _ in _compare(asked, answered, np.ones(len(asked)), level)
    ]
    return _framed(records, ["group_name", "n_accounts", "n_answered", "estimate", "ci_low", "ci_high"], few)


def differs(row: pd.Series) -> str:
    """Which way the lost differ from the stayed, of the row of a difference: ``less``, ``more``, ``not`` or ``unknown``."""
    if np.isnan(row["estimate"]):
        return "unknown"
    return "less" if row["ci_high"] < 0 else "more" if row["ci_low"] > 0 else "not"


# -- inside ----------------------------------------------------------------------------------------------------------


def _framed(records: Sequence[tuple[object, ...]], columns: Sequence[str], few: str) -> pd.DataFrame:
    """Records as a frame, with the reason why a share is not there."""
    frame = pd.DataFrame(records, columns=list(columns))
    return frame.assign(why=np.where(frame["estimate"].isna(), few, ""))


def _compare(
    rows: pd.DataFrame, value: Floats, weight: Floats, level: float, *, of_people: bool = False
) -> list[tuple[str, float, float, float, int]]:
    """Share of the lost, of the stayed, and the difference: name, estimate, interval and accounts."""
    lost = rows["is_lost"].to_numpy(dtype=bool)
    n_answers = rows["n_people"].to_numpy(dtype=np.int64) if of_people else None
    found = {}
    for name, chosen in (("lost", lost), ("stayed", ~lost)):
        n = None if n_answers is None else int(n_answers[chosen & (weight > 0)].sum())
        found[name] = _share(value[chosen], weight[chosen], rows.loc[chosen, "customer_id"], level, n)
    both = _difference(found["lost"], found["stayed"])
    return [*((name, *share) for name, share in found.items()), ("difference", *both, rows["customer_id"].nunique())]


def _share(
    value: npt.NDArray[np.bool_] | Floats,
    weight: Floats,
    customer: pd.Series,
    level: float,
    n_answers: int | None = None,
) -> tuple[float, float, float, int]:
    """Weighted mean of yes or no, or of shares of people, with its interval over accounts, and how many accounts there are.

    Korn and Graubard's: the effective number is p (1 − p) over the variance over accounts, at most the number of answers (of
    yes or no: of accounts). Missing for fewer than 5 accounts.
    """
    n = customer.nunique()
    if n < FEW_ACCOUNTS or not weight.sum() > 0:
        return np.nan, np.nan, np.nan, n
    cluster = pd.factorize(customer)[0]
    share = float((weight * value).sum() / weight.sum())
    share = min(max(share, 0.0), 1.0)
    scores = np.bincount(cluster, weight * (value - share)) / weight.sum()
    variance = float((scores**2).sum()) * n / (n - 1)
    sizes = np.bincount(cluster, weight).astype(np.float64)
    return share, *share_interval(share, variance, sizes[sizes > 0], level, n_answers=n_answers), n


def _difference(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float]:
    """Difference of two shares with Newcombe's interval from those of each."""
    (p, p_low, p_high), (q, q_low, q_high) = a[:3], b[:3]
    low = p - q - np.hypot(p - p_low, q_high - q)
    high = p - q + np.hypot(p_high - p, q - q_low)
    return p - q, float(low), float(high)
