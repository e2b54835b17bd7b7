"""The ordering process: when an account orders, for how much, and which lines an order has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kam.samples.catalogue import PRICE_RISE, Catalogue
from kam.samples.managers import Managers
from kam.samples.months import Flags, Floats, Ints, Months
from kam.samples.traits import REGIONS, Traits
from kam.samples.traps import TrapPlan

STATES = ("dormant", "low", "normal", "high")
STATE_LEVELS = np.array([0.0, 0.5, 1.0, 2.0])
TRANSITIONS = np.array(
    [
        [0.700, 0.180, 0.110, 0.010],
        [0.030, 0.800, 0.150, 0.020],
        [0.012, 0.060, 0.880, 0.048],
        [0.004, 0.020, 0.116, 0.860],
    ]
)
"""Monthly transition probabilities between :data:`STATES`, rows from, columns to, while the account stays."""

SEASON = 1 + 0.12 * np.array([-0.8, -0.6, -0.1, 0.0, 0.1, -0.1, -0.5, -0.7, 0.2, 0.7, 1.2, 0.6])
DEMAND_ELASTICITY = 0.6
_ROUND = np.array([1, 2, 3, 4, 6, 8] + [k * 10**e for e in range(5) for k in (10, 15, 20, 30, 40, 60, 80)])


@dataclass(frozen=True, eq=False, kw_only=True)
class OrderingProcess:
    """All that the orders of a company depend on, but for chance.

    ``level`` (accounts × months) multiplies the value of orders; 0 in a dormant month. ``discount`` (accounts ×
    months) is the account's discount as a share of the list price. ``last_day`` is the day from which an account
    orders no more.
    """

    traits: Traits
    plan: TrapPlan
    months: Months
    catalogue: Catalogue
    level: Floats
    discount: Floats
    last_day: Ints


@dataclass(frozen=True, eq=False)
class Orders:
    """One entry per order: account, day, value in EUR, and whether it was moved to the end of a quarter."""

    account: Ints
    day: Ints
    value: Floats
    moved: Floats  # size of the trap, 0 if not moved

    def where(self, chosen: Flags) -> Orders:
        """The orders chosen."""
        return Orders(self.account[chosen], self.day[chosen], self.value[chosen], self.moved[chosen])


@dataclass(frozen=True, eq=False)
class Lines:
    """One entry per order line or line sent back; money in whole 10⁻⁴ EUR, ``order`` is the index of the order."""

    order: Ints
    account: Ints
    day: Ints
    product: Ints
    quantity: Ints
    unit_price: Ints
    unit_list: Ints
    unit_cost: Ints

    @property
    def amount(self) -> Ints:
        """Quantity times net price."""
        return self.quantity * self.unit_price

    def take(self, index: Ints) -> Lines:
        """The lines at `index`."""
        return Lines(*(getattr(self, name)[index] for name in self.__dataclass_fields__))


def draw_states(traits: Traits, plan: TrapPlan, months: Months, rng: np.random.Generator) -> Ints:
    """Draw the latent state (index into :data:`STATES`) of every account and month.

    A Markov chain with :data:`TRANSITIONS`, started as *normal* in the month of the first order, -1 before it.
    Accounts with a trap are low where the chain says dormant, so that the trap can be seen.
    """
    cumulative = TRANSITIONS.cumsum(axis=1)[:, :-1]
    joined = months.of(traits.joined_day)
    draws = rng.random((len(months), len(traits)))
    states = np.full((len(traits), len(months)), -1)
    now = np.full(len(traits), STATES.index("normal"))
    for m in range(len(months)):
        moved = (draws[m][:, None] > cumulative[now]).sum(axis=1)
        now = np.where(m <= joined, STATES.index("normal"), moved)
        states[:, m] = np.where(m < joined, -1, now)
    dormant = states == STATES.index("dormant")
    return np.where(dormant & (plan.kind != "")[:, None], STATES.index("low"), states)


def draw_demand(months: Months, n_before: int, rng: np.random.Generator) -> Floats:
    """Draw the index of industrial production, regions × (`n_before` + months): AR(1), 0.9 a month, shocks of 1.5 %,
    mean 100.
    """
    shocks = rng.normal(0.0, 0.015, (len(REGIONS), n_before + len(months)))
    logs = np.zeros_like(shocks)
    for m in range(1, shocks.shape[1]):
        logs[:, m] = 0.9 * logs[:, m - 1] + shocks[:, m]
    return np.round(100 * np.exp(logs), 1)


def set_levels(traits: Traits, plan: TrapPlan, months: Months, states: Ints, demand: Floats) -> Floats:
    """Level of spending per account and month.

    level = state level × season × (1 + growth)^years × (index of the month before / 100)^0.6 × traps, where the state
    level is 0, 0.5, 1, 2 and the traps act as the module :mod:`kam.samples.traps` says. `demand` is regions × months,
    lagged.
    """
    accounts = np.arange(len(traits))[:, None]
    every = np.arange(len(months))[None, :]
    month_of_year = months.starts.astype("datetime64[M]").astype(np.int64) % 12
    level = np.where(states < 0, 0.0, STATE_LEVELS[states]) * SEASON[month_of_year]
    level = level * (1 + traits.growth[:, None]) ** (every / 12)
    level = level * (demand[traits.region] / 100) ** DEMAND_ELASTICITY
    for trap in ("negative_margin", "dumping"):
        level *= 1 + 0.5 * plan.doses(trap, accounts, every)
    level *= 1 + 20 * plan.ramps("small_becomes_large", accounts, every, 12)
    dropped = dropped_groups(traits, plan)
    kept_share = 1 - np.where(dropped, traits.group_weights, 0.0).sum(axis=1)[:, None]
    growth = 1 + 0.4 * plan.ramps("own_brand", accounts, every, 12)
    return np.where(plan.is_on("own_brand", accounts, every), level * kept_share * growth, level)


def dropped_groups(traits: Traits, plan: TrapPlan) -> Ints:
    """Accounts × groups: 1 for the largest groups of an account with its own brand, dropped from ``start`` on."""
    n_groups = traits.group_weights.shape[1]
    rank = np.argsort(np.argsort(-traits.group_weights, axis=1), axis=1)
    n_dropped = np.clip(np.rint(2 * plan.size), 1, n_groups - 2)
    return ((plan.kind == "own_brand")[:, None] & (rank < n_dropped[:, None])).astype(np.int64)


def set_discounts(traits: Traits, plan: TrapPlan, months: Months, managers: Managers) -> Floats:
    """Discount per account and month: the account's own, plus its manager's, plus dumping; in steps of two points,
    from 0 to 60.
    """
    dumping = plan.doses("dumping", np.arange(len(traits))[:, None], np.arange(len(months))[None, :])
    discount = traits.discount[:, None] + managers.of_people(managers.discount) + 0.15 * dumping
    return np.rint(np.clip(discount, 0.0, 0.6) / 0.02) * 0.02


def draw_orders(process: OrderingProcess, rng: np.random.Generator) -> Orders:
    """Draw the orders, sorted by account and day.

    1. Day of the first order = ``joined_day``; the gaps after it are independent, gamma(shape k, mean μ days).
    2. Orders in dormant months and from ``last_day`` on are left out; a day of the weekend becomes the Friday before.
    3. Value = order_value × level × exp(σ e − σ² / 2), e standard normal.
    4. Period-end loading moves orders to the end of the quarter (:mod:`kam.samples.traps`).
    """
    traits, months, plan = process.traits, process.months, process.plan
    spread = traits.gap_shape**-0.5
    expected = months.n_days / traits.gap_mean
    # As many gaps as reach the end with four standard deviations of their sum to spare.
    n_gaps = np.ceil((2 * spread + np.sqrt(4 * spread**2 + expected)) ** 2).astype(np.int64) + 1
    account = np.repeat(np.arange(len(traits)), n_gaps)
    gaps = rng.standard_gamma(traits.gap_shape[account]) * (traits.gap_mean / traits.gap_shape)[account]
    first = np.cumsum(n_gaps) - n_gaps
    gaps[first] = 0.0
    total = np.cumsum(gaps)
    day = np.floor(traits.joined_day[account] + total - total[first][account]).astype(np.int64)

    keep = day < process.last_day[account]
    account, day = account[keep], day[keep]
    day = months.workdays(day)
    month = months.of(day)
    keep = process.level[account, month] > 0
    account, day, month = account[keep], day[keep], month[keep]

    sigma = traits.value_sigma[account]
    value = traits.order_value[account] * process.level[account, month]
    value = value * np.exp(sigma * rng.standard_normal(len(account)) - sigma**2 / 2)

    loading = plan.doses("period_end_loading", account, month)
    moves = rng.random(len(account)) < np.minimum(0.65 * loading, 0.9)
    target = months.workdays(months.quarter_ends()[month] - rng.integers(0, 5, len(account)))
    moves &= target < process.last_day[account]
    day = np.where(moves, np.maximum(day, target), day)
    value = np.where(moves, value * (1 + 0.3 * loading), value)
    order = np.lexsort((day, account))
    return Orders(account[order], day[order], value[order], np.where(moves, loading, 0.0)[order])


def draw_lines(process: OrderingProcess, orders: Orders, rng: np.random.Generator) -> Lines:
    """Draw the lines of the orders, sorted by order.

    1. An order has 1 + Poisson(lines_per_order − 1) lines, less those that name a product twice; its value is divided
       over them by gamma(2) shares.
    2. The group of a line is drawn by the account's ``group_weights`` (without the groups that an own brand has
       replaced), the product within the group close to the account's favorite.
    3. Net price = list price of the year × (1 − discount), 4 points more discount on one line in twenty. The quantity
       is the line's value / net price in packs, rounded at random to one of the two round numbers beside it so that
       the mean is kept (1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 40, 60, …), at least one pack.
    4. Cost = cost of the year; at negative margin net price × (1 + 0.05 size).
    """
    traits, months, catalogue, plan = process.traits, process.months, process.catalogue, process.plan
    n_lines = 1 + rng.poisson(traits.lines_per_order[orders.account] - 1)
    order = np.repeat(np.arange(len(n_lines)), n_lines)
    account, day = orders.account[order], orders.day[order]
    month = months.of(day)

    kept = np.where(dropped_groups(traits, plan) == 1, 0.0, traits.group_weights)
    own_brand = plan.is_on("own_brand", account, month)
    weights = np.vstack([traits.group_weights, kept])
    cumulative = weights.cumsum(axis=1) / weights.sum(axis=1, keepdims=True)
    row = np.where(own_brand, account + len(traits), account)
    group = (rng.random((len(order), 1)) > cumulative[row, :-1]).sum(axis=1)
    step = np.floor(catalogue.group_size * rng.random(len(order)) ** 2.5).astype(np.int64)
    product = group * catalogue.group_size + (traits.favorite[account] + step) % catalogue.group_size

    _, unique = np.unique(order * len(catalogue.product_id) + product, return_index=True)
    order, account, day, month, product = order[unique], account[unique], day[unique], month[unique], product[unique]
    share = rng.standard_gamma(2.0, len(order))
    value = orders.value[order] * share / np.bincount(order, share)[order]

    rises = catalogue.count_rises(months.starts, product, month)
    unit_list = np.rint(catalogue.list_price[product] * PRICE_RISE**rises).astype(np.int64)
    discount = process.discount[account, month] + 0.04 * (rng.random(len(order)) < 0.05)
    unit_price = np.rint(unit_list * (1 - discount)).astype(np.int64)
    packs = value * 10_000 / (unit_price * catalogue.pack[product])
    above = np.clip(np.searchsorted(_ROUND, packs), 1, len(_ROUND) - 1)
    low, high = _ROUND[above - 1], _ROUND[above]
    quantity = catalogue.pack[product] * np.where(rng.random(len(order)) < (packs - low) / (high - low), high, low)
    dose = plan.doses("negative_margin", account, month)
    unit_cost = np.where(
        plan.is_on("negative_margin", account, month),
        np.rint(unit_price * (1 + 0.05 * dose)),
        np.rint(catalogue.unit_cost[product] * PRICE_RISE**rises),
    ).astype(np.int64)
    return Lines(order, account, day, product, quantity, unit_price, unit_list, unit_cost)


def draw_returns(process: OrderingProcess, orders: Orders, lines: Lines, rng: np.random.Generator) -> Lines:
    """Draw the lines sent back (negative quantities), at the price and cost of their order line.

    Of all lines 2.5 % come back 5 to 25 days later, by 10 to 60 %. What loading had moved to the end of a quarter
    comes back 5 to 25 days into the next one, with probability 0.4 size, by half. Nothing comes back after the last
    month. The quantity is never a multiple of a pack, so that no return looks like the cancellation of an order.
    """
    months = process.months
    moved = orders.moved[lines.order]
    loaded = moved > 0
    back = rng.random(len(lines.order)) < np.where(loaded, np.minimum(0.4 * moved, 0.9), 0.025)
    share = np.where(loaded, 0.5, rng.uniform(0.1, 0.6, len(back)))
    late = rng.integers(5, 26, len(back))
    day = months.workdays(np.where(loaded, months.quarter_ends()[months.of(lines.day)], lines.day) + late)
    quantity = 5 * np.floor(lines.quantity * share / 5).astype(np.int64) + rng.integers(1, 5, len(back))
    chosen = np.flatnonzero(back & (day < months.n_days))
    found = lines.take(chosen)
    return Lines(
        found.order,
        found.account,
        day[chosen],
        found.product,
        -quantity[chosen],
        found.unit_price,
        found.unit_list,
        found.unit_cost,
    )
