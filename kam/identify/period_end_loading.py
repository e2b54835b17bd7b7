"""Period-end loading: orders that are pulled into the last days of a quarter, and what of them comes back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kam.identify.account_flags import Judgment
from kam.identify.level_shift import MIN_ORDERS, excess
from kam.identify.order_blocks import OrderBlocks, share_of
from kam.wording import Wording

Floats = npt.NDArray[np.float64]

LAST_DAYS_POINTS = 0.1
ORDERS_A_QUARTER = 2
"""Who orders once a quarter does so at some point of it: a rhythm is no loading."""


def judge_period_end_loading(blocks: OrderBlocks, say: Wording, fiscal_year_start: int, last_days: int) -> Judgment:
    """Flag accounts that order in the last days of quarters far more often than even ordering would give.

    Exact binomial on orders (:func:`kam.identify.level_shift.excess`): expected is ``last_days`` over the days of the quarter,
    or the portfolio's own share if that is higher. It matters from 10 points of revenue above that on, and if orders are twice
    as frequent there as in the last days of the other months. The returns of the month after stand beside it.

    Assumes (1) that orders of an account fall independently on days; who orders less than twice in a quarter with orders has a
    rhythm, and is not judged.
    """
    ends = is_quarter_end(blocks, fiscal_year_start)
    n = blocks.by_block("n_orders")
    late, late_other = (blocks.by_block("n_last_days", where) for where in (ends, ~ends))
    month_days = blocks.months.days_in_month.to_numpy(dtype=np.float64)
    month_ends = (blocks.months.month.to_numpy() - fiscal_year_start) % 3 == 2
    block = blocks.of_blocks(np.arange(len(blocks.months)))
    days = np.bincount(block, month_days, minlength=blocks.n_blocks)
    even = np.bincount(block, last_days * month_ends, minlength=blocks.n_blocks) / days
    usual = late.sum() / max(n.sum(), 1)
    shift = excess(late, n, np.maximum(even, np.where(even > 0, usual, 0.0)))
    gross = blocks.by_block("gross")
    share = share_of(shift.since(blocks.by_block("last_days", ends)), shift.since(gross))
    other = share_of(shift.since(late_other), shift.since(n)) / 2  # two months of a quarter are not its last
    back = share_of(shift.since(_of_next_quarter(blocks, "returns", fiscal_year_start)), shift.since(gross))
    since = blocks.dates(shift.start, shift.judged)
    active = shift.since((n > 0).astype(np.float64))
    judged = shift.judged & (shift.n_after >= ORDERS_A_QUARTER * active)

    def words(i: int) -> str:
        return say.sentence(
            "{share} of revenue in the last {days} days of quarters since {month}, {even} expected, {back} came back in the "
            "month after",
            share=say.share(share[i]),
            days=say.count(last_days),
            month=say.period(since[i]),
            even=say.share(shift.before[i]),
            back=say.share(back[i]),
        )

    return Judgment(
        flag="period-end loading",
        measure=say.sentence("revenue in the last days of quarters, share of all"),
        judged=judged,
        matters=(share - shift.before >= LAST_DAYS_POINTS) & (shift.after >= 2 * other),
        figure=np.where(judged, share, np.nan),
        reference=shift.before,
        p_value=shift.p_value,
        since=since,
        finding=words,
        not_judged=say.sentence(
            "fewer than {n} orders, or fewer than {k} a quarter", n=say.count(MIN_ORDERS), k=say.count(ORDERS_A_QUARTER)
        ),
    )


def is_quarter_end(blocks: OrderBlocks, fiscal_year_start: int) -> npt.NDArray[np.bool_]:
    """Whether the month of each row of the facts is the last of its quarter."""
    ends = (blocks.months.month.to_numpy() - fiscal_year_start) % 3 == 2
    return np.asarray(ends[blocks.month], dtype=np.bool_)


def _of_next_quarter(blocks: OrderBlocks, name: str, fiscal_year_start: int) -> Floats:
    """A fact of the first month of the quarters, by block."""
    begins = (blocks.months.month.to_numpy() - fiscal_year_start) % 3 == 0
    return blocks.by_block(name, np.asarray(begins[blocks.month], dtype=np.bool_))
