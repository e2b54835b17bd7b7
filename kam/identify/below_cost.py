"""Volume that costs more than it brings: accounts on which the last twelve months were a loss."""

from __future__ import annotations

import numpy as np

from kam.identify.account_flags import Judgment, Unknown
from kam.identify.order_blocks import OrderBlocks
from kam.wording import Wording

DIRECT_COSTS = ("freight", "trade_terms")
"""What is taken off the margin beside the goods, where the ledger has it."""


def judge_below_cost(blocks: OrderBlocks, say: Wording) -> Judgment | Unknown:
    """Flag accounts whose net revenue of the last twelve months is less than goods, freight and trade terms cost.

    Counted, not tested: it is the money of the year. Over the whole ledger such an account may still look profitable, since
    the years before were; that is why it has a flag of its own.

    Parameters
    ----------
    blocks : OrderBlocks
        With ``margin``, net revenue less the cost of goods.
    say : Wording
    """
    if "margin" not in blocks:
        return Unknown("below cost", say.sentence("no cost in this ledger"))
    left = blocks.last_year("margin") - sum(blocks.last_year(name) for name in DIRECT_COSTS if name in blocks)
    revenue = blocks.last_year("gross") - blocks.last_year("returns")
    judged = blocks.last_year("gross") > 0
    share = np.divide(left, revenue, out=np.full(len(blocks), np.nan), where=judged & (revenue > 0))
    total = float(revenue.sum())
    usual = float(left.sum()) / total if total > 0 else np.nan

    def words(i: int) -> str:
        lost = say.money_short(-left[i])
        return (
            say.sentence(
                "{lost} lost in the last twelve months, {share} of its revenue, where the portfolio keeps {usual}",
                lost=lost,
                share=say.share(-share[i]),
                usual=say.share(usual),
            )
            if np.isfinite(share[i])
            else say.sentence("{lost} lost in the last twelve months, more sent back than bought", lost=lost)
        )

    return Judgment(
        flag="below cost",
        measure=say.sentence("net revenue of the last twelve months less goods, freight and trade terms, share of it"),
        judged=judged,
        matters=judged & (left < 0),
        figure=share,
        reference=np.where(judged, usual, np.nan),
        p_value=None,
        since=None,
        finding=words,
        not_judged=say.sentence("no order in the last twelve months"),
    )
