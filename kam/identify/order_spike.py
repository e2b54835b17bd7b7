"""Order spikes: a month far above the account's own months, that is no new level."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from kam.identify.account_flags import Judgment
from kam.identify.order_blocks import OrderBlocks
from kam.wording import Wording

Floats = npt.NDArray[np.float64]

SPIKE_TIMES = 3.0
MIN_ACTIVE_MONTHS = 12
_LEAST_SPREAD = 0.1
_MAD_EFFICIENCY = 0.37  # of the median absolute deviation against the standard deviation, normal data (Huber 1981)


def judge_order_spike(blocks: OrderBlocks, say: Wording) -> Judgment:
    """Flag accounts with a month, of the last twelve, that stands out of all their months (Iglewicz & Hoaglin 1993).

    On logs of gross revenue, of months with an order: ``z = (x - median) / (1.4826 MAD)``; the median is that of the last year
    if it is higher, so that a new level is no spike. Its p-value is that of t with 0.37 (m - 1) degrees of freedom, times the
    months looked at. It matters from three times the usual month on.

    Assumes (1) that the logs of an account's months are near to normal around one level.
    """
    gross = blocks.by_month("gross")
    logs = np.log(np.where(gross > 0, gross, np.nan))
    recent = logs[:, -12:]
    m = (~np.isnan(logs)).sum(axis=1)
    middle = _row_median(logs)
    spread = np.maximum(1.4826 * _row_median(np.abs(logs - middle[:, None])), _LEAST_SPREAD)
    usual = np.fmax(middle, _row_median(recent))
    n_recent = (~np.isnan(recent)).sum(axis=1)
    highest = np.where(np.isnan(recent), -np.inf, recent)
    at = highest.argmax(axis=1)
    top = highest[np.arange(len(blocks)), at]
    judged = (m >= MIN_ACTIVE_MONTHS) & (n_recent >= 3)
    with np.errstate(invalid="ignore"):
        z = np.where(judged, (top - usual) / spread, np.nan)
        p_value = np.where(judged, stats.t.sf(z, np.maximum(_MAD_EFFICIENCY * (m - 1), 1)) * n_recent, 1.0)
        times = np.where(judged, np.exp(top - usual), np.nan)
    when = blocks.months[np.maximum(len(blocks.months) - 12, 0) + at]

    def words(i: int) -> str:
        return say.sentence(
            "{month} brought {times} times the usual month ({value} against {usual})",
            month=say.period(when[i]),
            times=say.number(times[i], 1),
            value=say.money_short(float(np.exp(top[i]))),
            usual=say.money_short(float(np.exp(usual[i]))),
        )

    return Judgment(
        flag="order spike",
        measure=say.sentence("largest month of the last twelve, times the usual month"),
        judged=judged,
        matters=times >= SPIKE_TIMES,
        figure=times,
        reference=np.where(judged, 1.0, np.nan),
        p_value=np.minimum(p_value, 1.0),
        since=when,
        finding=words,
        not_judged=say.sentence("orders in fewer than {n} months", n=say.count(MIN_ACTIVE_MONTHS)),
    )


def _row_median(values: Floats) -> Floats:
    """Median of each row without its missing values."""
    ordered = np.sort(values, axis=1)  # missing ones come last
    n = (~np.isnan(ordered)).sum(axis=1)
    rows = np.arange(len(ordered))
    return np.asarray((ordered[rows, np.maximum(n - 1, 0) // 2] + ordered[rows, n // 2]) / 2, dtype=np.float64)
