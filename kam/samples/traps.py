"""Traps: accounts on which something is planted that an analysis has to find, each with a size and a first month.

=====================  ==============================================================================================
trap                   what happens from ``start`` on, at size ``s``
=====================  ==============================================================================================
negative_margin        volume × (1 + 0.5 s); every line costs 5 s % more than it brings
dumping                volume × (1 + 0.5 s); discount 15 s points deeper; a share 0.4 s of the orders ships to another
                       region
period_end_loading     a share 0.65 s of the orders moves to the last five days of its quarter, 1 + 0.3 s times as
                       large; of their lines a share 0.4 s is sent back by half in the next quarter
own_brand              the round(2 s) largest product groups (at least one) are no longer bought; what is spent on the
                       others grows within a year by 40 s %
rising_cost_to_serve   freight grows within 18 months by 8 s % and terms of trade by 5 s % of the amount
key_account_lost       in the last year: for four months promised days are missed (log-odds of a late delivery + 3 s)
                       and complaints are made (Poisson 0.8 s a month), then it leaves
small_becomes_large    spending grows within a year to 1 + 20 s times what it was
manager_handover       a whole portfolio gets a new manager; log-odds of leaving + 0.7 s for the six months after
=====================  ==============================================================================================

Sizes are drawn evenly from 0.6 to 1.4 and multiplied by ``trap_scale``. Shares are cut at 0.9, discounts at 60 %. An
account has one trap at most, beside a handover. Accounts with a trap buy at least every 24 days and more evenly than
irregular buyers, were there within the first six months, are never dormant, and, but for the lost one, do not leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from kam.errors import ParameterError
from kam.samples.months import NEVER, Flags, Floats, Ints, Months, Texts
from kam.samples.traits import Traits

TRAPS = {
    "negative_margin": 8,
    "dumping": 8,
    "period_end_loading": 8,
    "own_brand": 8,
    "rising_cost_to_serve": 8,
    "key_account_lost": 4,
    "small_becomes_large": 6,
    "manager_handover": 12,
}
"""Every trap and how many are planted in a company of 1,200 accounts."""

MONTHS_OF_DECLINE = 4
_LARGEST_GAP = 24.0
_POOLS = {"key_account_lost": (0.0, 0.04), "small_becomes_large": (0.35, 0.65)}  # ranks by size, from the largest
_ELSEWHERE = (0.0, 0.25)


@dataclass(frozen=True, eq=False)
class TrapPlan:
    """The trap of every account: ``kind`` (empty for none), ``size`` and first month ``start`` (:data:`NEVER` for
    none).
    """

    kind: Texts
    size: Floats
    start: Ints

    def is_on(self, kind: str, accounts: Ints, months: Ints) -> Flags:
        """Whether the trap is at work for each pair of account and month."""
        return (self.kind[accounts] == kind) & (months >= self.start[accounts])

    def doses(self, kind: str, accounts: Ints, months: Ints) -> Floats:
        """The size of the trap where it is at work, else 0."""
        return np.where(self.is_on(kind, accounts, months), self.size[accounts], 0.0)

    def ramps(self, kind: str, accounts: Ints, months: Ints, n_months: int) -> Floats:
        """As :meth:`doses`, growing evenly from 0 to the full size within `n_months`."""
        since = np.clip((months - self.start[accounts] + 1) / n_months, 0.0, 1.0)
        return self.doses(kind, accounts, months) * since


def count_traps(traps: Mapping[str, int] | None, n_accounts: int) -> dict[str, int]:
    """How many of each trap: as given (names left out: none), else :data:`TRAPS` in proportion to the number of
    accounts.
    """
    if traps is None:
        return {trap: max(1, round(n * min(1.0, n_accounts / 1200))) for trap, n in TRAPS.items()}
    for trap, n in traps.items():
        if trap not in TRAPS or n < 0:
            raise ParameterError(
                f"There is no trap {trap!r} to plant {n} times.",
                hint=f"Known traps, each 0 times or more: {', '.join(TRAPS)}.",
            )
    return {trap: traps.get(trap, 0) for trap in TRAPS}


def draw_sizes(n: int, scale: float, rng: np.random.Generator) -> Floats:
    """Sizes of `n` traps, even between 0.6 and 1.4, times `scale`."""
    return rng.uniform(0.6, 1.4, n) * scale


def plant_traps(
    traits: Traits, months: Months, counts: Mapping[str, int], scale: float, rng: np.random.Generator
) -> tuple[TrapPlan, Traits]:
    """Choose the accounts, sizes and first months; return them with the traits that fit (see the module's text)."""
    n = len(traits)
    kind = np.full(n, "", dtype="U24")
    size = np.zeros(n)
    start = np.full(n, NEVER)
    order = np.argsort(-traits.size)
    early = months.of(traits.joined_day) < 6
    # From the narrowest pool to the widest, so that the largest accounts are not gone when they are needed.
    for trap in sorted((t for t in counts if t != "manager_handover"), key=lambda t: t not in _POOLS):
        low, high = _POOLS.get(trap, _ELSEWHERE)
        pool = order[int(low * n) : max(int(high * n), 1)]
        pool = pool[early[pool] & (kind[pool] == "")]
        if counts[trap] > len(pool):
            raise ParameterError(
                f"There is room for {len(pool)} accounts with the trap {trap!r}, not for {counts[trap]}.",
                hint="Plant fewer, or take more accounts.",
            )
        chosen = rng.choice(pool, counts[trap], replace=False)
        kind[chosen] = trap
        size[chosen] = draw_sizes(len(chosen), scale, rng)
        last = len(months)
        first, end = (last - 11, last - 7) if trap == "key_account_lost" else (last // 3, last - 15)
        start[chosen] = rng.integers(first, end, len(chosen))

    planted = kind != ""
    gap_mean = np.where(planted, np.minimum(traits.gap_mean, _LARGEST_GAP), traits.gap_mean)
    weights = traits.group_weights.copy()
    own_brand = kind == "own_brand"
    weights[own_brand] = (weights[own_brand] + 0.25) / (weights[own_brand] + 0.25).sum(axis=1, keepdims=True)
    return TrapPlan(kind, size, start), replace(
        traits,
        gap_mean=gap_mean,
        gap_shape=np.where(planted, np.maximum(traits.gap_shape, 2.0), traits.gap_shape),
        rhythm=np.where(planted, np.minimum(traits.rhythm, 1), traits.rhythm),
        order_value=traits.order_value * gap_mean / traits.gap_mean,
        group_weights=weights,
    )
