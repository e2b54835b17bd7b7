"""Stagnation: an account that still buys, does not grow, and falls behind those that were there all the time and still buy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from kam.identify.account_flags import Judgment, Unknown
from kam.identify.order_blocks import OrderBlocks
from kam.wording import Wording

Floats = npt.NDArray[np.float64]

MIN_BLOCKS = 8
MIN_ORDERS = 8
BEHIND = 0.1
"""A year, relative to the accounts that were there all the time and still buy."""
SILENT_MONTHS = 6
SILENT_GAPS = 3
"""Months, and mean gaps between its own orders, without an order from which on an account has ended rather than stagnated."""
_MOST_CORRELATED = 0.9


def judge_stagnation(blocks: OrderBlocks, say: Wording) -> Judgment | Unknown:
    """Flag accounts with no growth of their own that fall behind the like-for-like portfolio by a tenth a year.

    Gross revenue of three months is divided by that of all accounts that ordered in both the first and the last year: season
    and demand cancel. Over its mean, this ratio is regressed on time. The standard error of the slope is enlarged for quarters
    that resemble the one before: n is replaced by ``n (1 - r) / (1 + r)``, r the lag-1 correlation of the residuals, cut at 0
    and 0.9 (Bartlett 1946). Growth of its own: revenue of the last four quarters against the four before. The portfolio it is
    compared with has lost nobody: its growth is that of survivors, and above that of all accounts.

    Assumes (1) that an account's share of the like-for-like portfolio moves along a line, (2) with deviations of order one.

    Judged are accounts that ordered in at least eight quarters' time, in the last year, and eight times or more, and that have
    not ended: silent for six whole months and three of its own mean gaps between orders, an account is lost, not stagnant.
    """
    flag = "stagnation"
    n_blocks = blocks.n_blocks
    if n_blocks < MIN_BLOCKS:
        return Unknown(
            flag,
            say.sentence("the ledger has {n} quarters, {m} are needed", n=say.count(n_blocks), m=say.count(MIN_BLOCKS)),
        )
    gross, orders = blocks.by_block("gross"), blocks.by_block("n_orders")
    stayed = (gross[:, :4].sum(axis=1) > 0) & (gross[:, -4:].sum(axis=1) > 0)
    index = gross[stayed].sum(axis=0)
    if not (index > 0).all():
        return Unknown(flag, say.sentence("no account ordered in both the first and the last year of this ledger"))
    first = (gross > 0).argmax(axis=1)
    use = np.arange(n_blocks) > first[:, None]  # the first quarter is not a whole one
    n = use.sum(axis=1)
    enough = (n >= MIN_BLOCKS) & (gross[:, -4:].sum(axis=1) > 0) & (orders.sum(axis=1) >= MIN_ORDERS)
    judged = enough & ~_has_ended(blocks)
    share = np.where(use, gross / index, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = share / (share.sum(axis=1) / n)[:, None]
        time = np.where(use, np.arange(n_blocks) - (np.arange(n_blocks) * use).sum(axis=1)[:, None] / n[:, None], 0.0)
        spread = (time**2).sum(axis=1)
        slope = (time * y).sum(axis=1) / spread
        rest = np.where(use, y - 1 - slope[:, None] * time, 0.0)
        r = np.clip((rest[:, 1:] * rest[:, :-1]).sum(axis=1) / (rest**2).sum(axis=1), 0.0, _MOST_CORRELATED)
        effective = np.maximum(n * (1 - np.nan_to_num(r)) / (1 + np.nan_to_num(r)), 3.0)
        error = np.sqrt((rest**2).sum(axis=1) / (n - 2) / spread * n / effective)
        t = slope / np.maximum(error, 1e-9)
        p_value = np.where(judged, stats.t.cdf(t, effective - 2), 1.0)
        last, before = gross[:, -4:].sum(axis=1), gross[:, -8:-4].sum(axis=1)
        growth = np.where(judged & (before > 0), last / before - 1, np.nan)
    usual = float(index[-4:].sum() / index[-8:-4].sum() - 1)
    behind = np.where(judged, 4 * slope, np.nan)
    with np.errstate(invalid="ignore"):
        matters = (growth <= 0) & (behind <= -BEHIND)

    def words(i: int) -> str:
        return say.sentence(
            "revenue {growth} in the last year, {usual} for the accounts that were there all the time and still buy",
            growth=_signed(say, growth[i]),
            usual=_signed(say, usual),
        )

    return Judgment(
        flag=flag,
        measure=say.sentence("growth of revenue in the last year"),
        judged=judged,
        matters=matters,
        figure=growth,
        reference=np.where(judged, usual, np.nan),
        p_value=p_value,
        since=None,
        finding=words,
        not_judged=say.sentence(
            "fewer than {n} quarters after the first, fewer than {m} orders, or ended: silent for a year, or for {k} months and"
            " {gaps} of its gaps between orders",
            k=say.count(SILENT_MONTHS),
            gaps=say.count(SILENT_GAPS),
            n=say.count(MIN_BLOCKS),
            m=say.count(MIN_ORDERS),
        ),
    )


def _has_ended(blocks: OrderBlocks) -> npt.NDArray[np.bool_]:
    """Who has been silent for half a year and three of its own gaps, in whole months."""
    orders = blocks.by_month("n_orders")
    n_months = orders.shape[1]
    first = (orders > 0).argmax(axis=1)
    last = n_months - 1 - (orders[:, ::-1] > 0).argmax(axis=1)
    silent = n_months - 1 - last
    gap = (last - first) / np.maximum(orders.sum(axis=1) - 1, 1)
    return np.asarray((silent >= SILENT_MONTHS) & (silent >= SILENT_GAPS * gap), dtype=np.bool_)


def _signed(say: Wording, x: float) -> str:
    return f"+{say.share(x)}" if x > 0 else say.share(x)
