"""Deliveries, complaints, and whom they drive away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kam.samples.managers import Managers
from kam.samples.months import NEVER, Flags, Floats, Ints
from kam.samples.orders import OrderingProcess, Orders
from kam.samples.traits import CLASSES, REGIONS
from kam.samples.traps import MONTHS_OF_DECLINE

WINDOW = 3
THRESHOLDS = (2.5, 4.5)
BANDS = ("low", "middle", "high")
LEAVING = {"late_share": 2.0, "n_complaints": 0.8, "handover": 0.7, "low": 1.2, "middle": 0.0, "high": -0.9}
"""Effects on the log-odds of leaving in a month: of late deliveries, complaints, a handover, and the band of
satisfaction.
"""


@dataclass(frozen=True, eq=False)
class Deliveries:
    """One entry per order: promised and delivered day; late = delivered after the promised day."""

    promised: Ints
    delivered: Ints

    @property
    def late(self) -> Flags:
        """Whether the order came after the promised day."""
        return self.delivered > self.promised

    def where(self, chosen: Flags) -> Deliveries:
        """The deliveries of the orders chosen."""
        return Deliveries(self.promised[chosen], self.delivered[chosen])


@dataclass(frozen=True, eq=False)
class Complaints:
    """One entry per complaint: account, day, whether it is about a late delivery, and the order (-1 for none in
    particular).
    """

    account: Ints
    day: Ints
    about_delay: Flags
    order: Ints

    def where(self, chosen: Flags) -> Complaints:
        """The complaints about the orders chosen, and about none; their ``order`` counts the orders chosen."""
        kept = (self.order < 0) | chosen[self.order]
        number = np.where(self.order < 0, -1, np.cumsum(chosen)[self.order] - 1)
        return Complaints(self.account[kept], self.day[kept], self.about_delay[kept], number[kept])


@dataclass(frozen=True, eq=False)
class Departures:
    """Covariates, hazard and the month of leaving; all arrays but the last are accounts × months.

    ``left`` is the month from which an account orders no more, :data:`NEVER` for those who stay.
    """

    late_share: Floats
    n_complaints: Ints
    handover: Floats
    manager: Floats
    hazard: Floats
    at_risk: Flags
    left: Ints


def draw_deliveries(process: OrderingProcess, orders: Orders, rng: np.random.Generator) -> Deliveries:
    """Draw promised and delivered days.

    Promised 3 to 7 days after the order; late with log-odds −2.3 + region and month (AR(1), 0.8, shocks 0.25) + 2.6
    during a disturbance at the account (begins with probability 0.03 a month, lasts three), by 1 + geometric(0.3)
    days; else delivered on the day or one or two days before.
    """
    n, n_months = process.level.shape
    shock = rng.normal(0.0, 0.25, (len(REGIONS), n_months))
    regional = np.zeros_like(shock)
    for m in range(1, n_months):
        regional[:, m] = 0.8 * regional[:, m - 1] + shock[:, m]
    begins = rng.random((n, n_months)) < 0.03
    disturbed = begins.copy()
    disturbed[:, 1:] |= begins[:, :-1]
    disturbed[:, 2:] |= begins[:, :-2]
    month = process.months.of(orders.day)
    plan = process.plan
    decline = plan.doses("key_account_lost", orders.account, month)
    log_odds = -2.3 + regional[process.traits.region[orders.account], month] + 2.6 * disturbed[orders.account, month]
    late = rng.random(len(month)) < 1 / (1 + np.exp(-log_odds - 3.0 * decline))
    promised = process.months.workdays(orders.day + rng.integers(3, 8, len(month)))
    promised = np.maximum(promised, orders.day)
    delivered = np.where(
        late,
        promised + 1 + rng.geometric(0.3, len(month)),
        np.maximum(promised - rng.integers(0, 3, len(month)), orders.day),
    )
    return Deliveries(promised, delivered)


def draw_complaints(
    process: OrderingProcess, orders: Orders, deliveries: Deliveries, rng: np.random.Generator
) -> Complaints:
    """Draw complaints.

    One to seven days after a delivery with probability 0.03, or 0.38 if it was late, times min(1, mean gap / 30
    days), so that those who order daily do not complain daily; and, before a key account is lost, Poisson(0.8 size)
    more in each month.
    """
    late = deliveries.late
    rate = np.where(late, 0.38, 0.03) * np.minimum(1.0, process.traits.gap_mean / 30)[orders.account]
    complains = np.flatnonzero(rng.random(len(late)) < rate)
    plan, months = process.plan, process.months
    lost = np.flatnonzero(plan.kind == "key_account_lost")
    month = (plan.start[lost][:, None] + np.arange(MONTHS_OF_DECLINE)).ravel()
    lost = np.repeat(lost, MONTHS_OF_DECLINE)
    times = rng.poisson(0.8 * plan.size[lost])
    lost, month = np.repeat(lost, times), np.repeat(month, times)
    return Complaints(
        np.concatenate([orders.account[complains], lost]),
        np.concatenate(
            [
                deliveries.delivered[complains] + rng.integers(1, 8, len(complains)),
                months.first_day[month] + rng.integers(0, 28, len(month)),
            ]
        ),
        np.concatenate([late[complains], np.ones(len(lost), dtype=bool)]),
        np.concatenate([complains, np.full(len(lost), -1)]),
    )


def count_by_month(account: Ints, month: Ints, shape: tuple[int, int]) -> Ints:
    """Count entries per account and month; months outside are left out."""
    inside = (month >= 0) & (month < shape[1])
    flat = np.bincount(account[inside] * shape[1] + month[inside], minlength=shape[0] * shape[1])
    return flat.reshape(shape).astype(np.int64)


def sum_before(counts: Ints, window: int) -> Ints:
    """For every month, the sum over the `window` months before it (fewer at the beginning)."""
    total = np.zeros((counts.shape[0], counts.shape[1] + 1), dtype=np.int64)
    np.cumsum(counts, axis=1, out=total[:, 1:])
    ends = np.arange(counts.shape[1])
    return total[:, ends] - total[:, np.maximum(ends - window, 0)]


def late_shares(process: OrderingProcess, orders: Orders, deliveries: Deliveries, window: int) -> Floats:
    """Share of the orders delivered in the `window` months before each month that were late; 0 if none was."""
    month = process.months.of(deliveries.delivered)
    shape = (process.level.shape[0], process.level.shape[1])
    delivered = sum_before(count_by_month(orders.account, month, shape), window)
    late = deliveries.late
    n_late = sum_before(count_by_month(orders.account[late], month[late], shape), window)
    return n_late / np.maximum(delivered, 1)


def complaint_counts(process: OrderingProcess, complaints: Complaints, window: int) -> Ints:
    """Number of complaints in the `window` months before each month."""
    shape = (process.level.shape[0], process.level.shape[1])
    return sum_before(count_by_month(complaints.account, process.months.of(complaints.day), shape), window)


def bands_of(satisfaction: Floats) -> Ints:
    """Band (index into :data:`BANDS`) of satisfaction: below 2.5, from 2.5, from 4.5."""
    return np.digitize(satisfaction, THRESHOLDS).astype(np.int64)


def draw_departures(
    process: OrderingProcess,
    orders: Orders,
    deliveries: Deliveries,
    complaints: Complaints,
    managers: Managers,
    rng: np.random.Generator,
) -> Departures:
    """Draw the month in which each account leaves.

    In month t, from the second after its first order and from the fourth of all, an account leaves with probability h:

    logit h = class + 2.0 late_share + 0.8 n_complaints + 0.7 handover + manager + band

    where late_share is over the deliveries of the months t−3 … t−1, n_complaints counts the same months, handover is
    the size of one in the six months before t, and band is +1.2 for a satisfaction below 2.5, 0 between, −0.9 from
    4.5. All of it is recorded before t. Accounts with a trap are not at risk; a key account that is to be lost leaves
    in its fifth month.
    """
    traits, plan = process.traits, process.plan
    late_share = late_shares(process, orders, deliveries, WINDOW)
    n_complaints = complaint_counts(process, complaints, WINDOW)
    handover, manager = managers.handover_doses(), managers.of_people(managers.log_odds)
    log_odds = (
        np.array([c.log_odds for c in CLASSES])[traits.latent_class][:, None]
        + LEAVING["late_share"] * late_share
        + LEAVING["n_complaints"] * n_complaints
        + LEAVING["handover"] * handover
        + manager
        + np.array([LEAVING[band] for band in BANDS])[bands_of(traits.satisfaction)][:, None]
    )
    hazard = 1 / (1 + np.exp(-log_odds))
    every = np.arange(hazard.shape[1])[None, :]
    joined = process.months.of(traits.joined_day)[:, None]
    at_risk = (every > np.maximum(joined, WINDOW - 1)) & (plan.kind == "")[:, None]
    leaves = at_risk & (rng.random(hazard.shape) < hazard)
    left = np.where(leaves.any(axis=1), leaves.argmax(axis=1), NEVER)
    left = np.where(plan.kind == "key_account_lost", plan.start + MONTHS_OF_DECLINE, left)
    return Departures(late_share, n_complaints, handover, manager, hazard, at_risk & (every <= left[:, None]), left)
