"""Overdue balances and receivables above the credit limit, from the account file."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from kam.errors import ColumnTypeError
from kam.identify.account_flags import Judgment, Unknown
from kam.identify.order_blocks import OrderBlocks
from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def judge_overdue(
    blocks: OrderBlocks, file: pd.DataFrame, threshold: float, say: Wording
) -> tuple[Judgment | Unknown, dict[str, Floats]]:
    """Flag accounts that owe overdue money for many days of their sales.

    Days of sales = overdue / (gross revenue of the last twelve months / their days). One late order is chance: of the
    receivable, measured in orders of usual size, k of m are overdue, and the binomial tail ``P(K >= k | m, p)`` with p the
    overdue share of all receivables has to be small. Without receivables nothing is tested, and at least two usual orders must
    be overdue.

    Assumes (1) that orders are paid late independently of each other; (2) that balances are as of the end of the ledger.

    Parameters
    ----------
    blocks : OrderBlocks
    file : pandas.DataFrame
        The account file in the order of the accounts; money in the ledger's currency, ``payment_days`` in days.
    threshold : float
        Days of sales.
    say : Wording

    Returns
    -------
    tuple of Judgment (or Unknown) and dict
        The flag, and ``overdue_days``.
    """
    flag = "overdue balance"
    if "overdue" not in file:
        return Unknown(flag, say.sentence("no overdue balance in the account file")), {}
    overdue, owed, terms = (_numbers(file, name) for name in ("overdue", "receivable", "payment_days"))
    per_day = blocks.last_year("gross") / float(blocks.months[-12:].days_in_month.to_numpy().sum())
    orders = blocks.by_block("n_orders").sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        in_days = np.where(per_day > 0, overdue / per_day, np.where(overdue > 0, np.nan, overdue))
        usual_order = blocks.by_block("gross").sum(axis=1) / orders
        k, m = np.round(overdue / usual_order), np.round(np.fmax(owed, overdue) / usual_order)
    silent = (per_day <= 0) & (overdue > 0)
    judged: Flags = ~np.isnan(overdue) & (orders > 0)
    large: Flags = np.asarray((in_days >= threshold) | silent, dtype=np.bool_)
    p_value = None
    known = judged & ~np.isnan(owed)
    if known.any() and owed[known].sum() > 0:
        usual = min(float(overdue[known].sum() / owed[known].sum()), 1.0)
        judged = known
        p_value = np.where(judged & (k > 0), stats.binom.sf(np.nan_to_num(k) - 1, np.nan_to_num(m), usual), 1.0)
    else:
        large = np.asarray(large & (k >= 2), dtype=np.bool_)

    def words(i: int) -> str:
        money = say.money_short(overdue[i])
        text = (
            say.sentence("{money} overdue, and nothing bought for a year", money=money)
            if silent[i]
            else say.sentence("{money} overdue, {days} days of its sales", money=money, days=say.count(in_days[i]))
        )
        if np.isnan(terms[i]):
            return text
        return text + say.sentence(", to be paid within {n} days", n=say.count(terms[i]))

    judgment = Judgment(
        flag=flag,
        measure=say.sentence("overdue, days of sales"),
        judged=judged,
        matters=large,
        figure=np.where(judged, in_days, np.nan),
        reference=np.where(judged, threshold, np.nan),
        p_value=p_value,
        since=None,
        finding=words,
        not_judged=say.sentence("no balance in the account file, or no order"),
    )
    return judgment, {"overdue_days": in_days}


def judge_credit_limit(file: pd.DataFrame, say: Wording) -> tuple[Judgment | Unknown, dict[str, Floats]]:
    """Flag accounts that owe more than their credit limit; counted, for a limit is a rule and no estimate.

    Returns
    -------
    tuple of Judgment (or Unknown) and dict
        The flag, and ``limit_used`` (receivable over credit limit).
    """
    flag = "over credit limit"
    if "receivable" not in file or "credit_limit" not in file:
        return Unknown(flag, say.sentence("no receivable or no credit_limit in the account file")), {}
    owed, limit = _numbers(file, "receivable"), _numbers(file, "credit_limit")
    used = owed / np.where(limit > 0, limit, np.nan)
    judged: Flags = ~np.isnan(used)
    judgment = Judgment(
        flag=flag,
        measure=say.sentence("receivable over credit limit"),
        judged=judged,
        matters=np.nan_to_num(used) > 1,
        figure=used,
        reference=np.where(judged, 1.0, np.nan),
        p_value=None,
        since=None,
        finding=lambda i: say.sentence(
            "{owed} receivable, {x} of its credit limit", owed=say.money_short(owed[i]), x=say.share(used[i], 0)
        ),
        not_judged=say.sentence("no balance or no limit in the account file"),
    )
    return judgment, {"limit_used": used}


def _numbers(file: pd.DataFrame, name: str) -> Floats:
    if name not in file:
        return np.full(len(file), np.nan)
    try:
        return pd.to_numeric(file[name]).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        texts = file.loc[pd.to_numeric(file[name], errors="coerce").isna() & file[name].notna(), name]
        raise ColumnTypeError(
            f"The {name} of an account is no number.",
            where=f"account file, {texts.iloc[0]!r} of customer {texts.index[0]!r}" if len(texts) else f"column {name}",
            hint="Give numbers, without unit and thousands separator.",
        ) from None
