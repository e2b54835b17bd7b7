"""Concentration of buying: whether an account's year hangs on few orders, or on few products."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from kam.identify.account_flags import Judgment
from kam.identify.order_blocks import OrderBlocks
from kam.wording import Wording

Floats = npt.NDArray[np.float64]

MIN_ORDERS = 8
HHI_ORDERS = 0.25
HHI_PRODUCTS = 0.5
_LEAST_SPREAD = 0.1


def judge_buying(blocks: OrderBlocks, mix: pd.DataFrame | None, say: Wording) -> tuple[Judgment, dict[str, Floats]]:
    """Flag accounts whose buying of the last twelve months is more concentrated than that of comparable accounts.

    HHI = sum of squared shares, of orders and of product groups (products where the ledger has no groups). With n orders of
    equal size it is 1/n, so that ``ln(n HHI)`` is compared with the portfolio, as is ``ln HHI`` over products, by a robust z =
    (x - median) / (1.4826 MAD) and the normal distribution; of the two the smaller p-value counts twice. It matters from an HHI
    of 0.25 over orders (as if four equal ones) or 0.5 over products (two).

    Assumes (1) that among the accounts judged the logarithms are near to normal.

    Judged are accounts with at least eight orders in the year.
    """
    n = blocks.last_year("n_orders")
    gross = blocks.last_year("gross")
    with np.errstate(divide="ignore", invalid="ignore"):
        hhi_orders = np.where(gross > 0, blocks.last_year("order_squares") / gross**2, np.nan)
    judged = (n >= MIN_ORDERS) & (gross > 0)
    p_orders = _p_above(np.where(judged, n * hhi_orders, np.nan))
    hhis = {"hhi_orders": hhi_orders}
    p_products, hhi_products = np.ones(len(blocks)), np.full(len(blocks), np.nan)
    if mix is not None:
        hhi_products = _of_products(blocks, mix)
        hhis["hhi_products"] = hhi_products
        p_products = _p_above(np.where(judged, hhi_products, np.nan))
    by_orders = p_orders <= p_products
    # The flag goes by the smaller p-value, and that one has to matter.
    figure = np.where(by_orders, hhi_orders, hhi_products)
    limit = np.where(by_orders, HHI_ORDERS, HHI_PRODUCTS)
    with np.errstate(divide="ignore", invalid="ignore"):
        reference = np.where(
            by_orders, 1 / n, np.nanmedian(hhi_products[judged]) if judged.any() and mix is not None else np.nan
        )

    def words(i: int) -> str:
        if by_orders[i]:
            return say.sentence(
                "the {n} orders of the year are worth {k} equal ones (HHI {hhi})",
                n=say.count(n[i]),
                k=say.number(1 / hhi_orders[i], 1),
                hhi=say.number(hhi_orders[i]),
            )
        return say.sentence(
            "it buys as if {k} equal products or groups (HHI {hhi}, {usual} is usual)",
            k=say.number(1 / hhi_products[i], 1),
            hhi=say.number(hhi_products[i]),
            usual=say.number(reference[i]),
        )

    with np.errstate(invalid="ignore"):
        matters = figure >= limit
    judgment = Judgment(
        flag="concentration of buying",
        measure=say.sentence("HHI over the orders or products of a year"),
        judged=judged,
        matters=matters,
        figure=np.where(judged, figure, np.nan),
        reference=np.where(judged, reference, np.nan),
        p_value=np.where(judged, np.minimum(2 * np.minimum(p_orders, p_products), 1.0), 1.0),
        since=None,
        finding=words,
        not_judged=say.sentence("fewer than {n} orders in the last twelve months", n=say.count(MIN_ORDERS)),
    )
    return judgment, hhis


def _of_products(blocks: OrderBlocks, mix: pd.DataFrame) -> Floats:
    """HHI over groups or products of the last twelve months; only positive sums."""
    year = mix[(mix["period"] >= blocks.months[-12:][0]) & mix["group"].notna()]
    sums = year.groupby(["customer_id", "group"])["revenue"].sum().clip(lower=0).reset_index()
    account = blocks.customers.get_indexer(pd.Index(sums["customer_id"]))
    value = sums["revenue"].to_numpy(dtype=np.float64)
    total = np.bincount(account, value, minlength=len(blocks))
    squares = np.bincount(account, value**2, minlength=len(blocks))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > 0, squares / total**2, np.nan)


def _p_above(x: Floats) -> Floats:
    """One-sided p-value of each positive number among all of them, on the log scale; 1 where missing."""
    known = x > 0
    if not known.any():
        return np.ones(len(x))
    logs = np.log(x[known])
    middle = np.median(logs)
    spread = max(1.4826 * float(np.median(np.abs(logs - middle))), _LEAST_SPREAD)
    p = np.ones(len(x))
    p[known] = stats.norm.sf((logs - middle) / spread)
    return p
