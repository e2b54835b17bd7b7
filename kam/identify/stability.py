"""How sure a class is: the probability that an account would get its ABC class again if the same ordering ran again.

**The question.** The accounts stay as they are: how often and how much each buys on average, when it joined, whether it has
stopped. Chance is drawn anew: on which days the orders fall, how many fit into the window, how large each is. Then all
accounts are ranked again. ``p_same_class`` is the share of such re-runs in which an account gets the class that it has now.

**Why not the plain bootstrap.** Resampling an account's months around its own total x says how x scatters, as if x were what
the account buys on average. But x is itself off from that average, so that two runs differ by *twice* the variance; and
accounts that were lucky stand higher than they belong. The plain block bootstrap states a stability that is up to 20
points too high; this estimate is right to within 5 in every decile (``benchmarks/class_stability.py``: 13 processes, each
run again 20 times).

**The estimate**, for account i with N orders worth V since its first order L months ago, in three steps.

1. *Noise from blocks of periods.* The window of the account (from the month of its first order to the last complete month, or
   to that of its last order if it has ended) is cut into blocks of three months, or of as many as it needs for one order.
   The variances of the number of orders and of the revenue beyond number × mean size come from differences of neighboring
   blocks (:func:`kam.stats.resampling.block_variance`), as dispersions per order: ``f = variance / N`` and
   ``g = N × variance / V²``; f = 1 is Poisson, 0 a clock. Since V scatters too, a ratio c = variance / V² becomes c / (1 − c);
   since even a clock's count moves within a block, f is freed from the (1 − f) / 6 per block that counting adds (for gamma
   gaps nearly Cox's 1962 constant, (1 − f²) / 6). Each account's f and g are averaged with those of all accounts, weights
   degrees of freedom : ``PRIOR_DF``; an account with fewer than 4 orders has those of all (shrunken Poisson weights).
2. *How far to trust the account's own figures*: credibility (Bühlmann & Straub 1970). The N − 1 orders after the first
   give a rate, drawn to the rate of all accounts; the mean order size is drawn to that of all on a log scale. Z and B (0 to 1)
   are the weights of the account's own figures: between variance over between variance plus noise.
3. *The re-run*: number × mean size. The number is gamma with mean m = 1 + rate × L and variance ``f (1 + Z) rate L + f / 2``
   (as the cube of a normal, Wilson & Hilferty 1931, so that none at all is possible); the mean size is log-normal with log
   variance ``B log(1 + g / N) + log(1 + g / m)``. In both, Z and B add what is left unknown of the account to the noise of the
   re-run itself. All accounts are drawn together and classified anew, ``n_resamples`` times.

Where the value is zero, negative, or mostly offset by negative months, a logarithm has no meaning: the total itself is drawn
from a normal around it, with twice its variance. Accounts without any order, or without a positive month, keep their value.

**Assumptions.** (1) The re-run covers the same window, with the same first order, season and trend. (2) Accounts are independent
of one another. (3) The number of orders and their size are independent within an account. (4) An account that has ended would
end again: no chance of loss, and no recovery. (5) The level of an account does not itself wander by chance; slow moves over many
months count as the account's own. **Not covered**: a change of regime – next year's loss, a new buyer, a crisis. Where levels
wander or accounts leave by chance the stated stability is up to ten, or twenty, points too high; with less than a year of
months, with perfect clocks, or on margins, it is up to ten points too low.

References: Bühlmann, H. & Straub, E. (1970), Glaubwürdigkeit für Schadensätze; Cox, D. R. (1962), Renewal theory; Efron, B. &
Morris, C. (1975), Data analysis using Stein's estimator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.identify.account_facts import DAYS_PER_YEAR
from kam.identify.value_classes import Base, class_limits
from kam.stats.resampling import block_variance, chunk_sizes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

BLOCK_MONTHS = 3
"""Least length of a block."""

FEW_ORDERS = 4
"""Accounts with fewer orders have the dispersion of all accounts."""

PRIOR_DF = 4.0
"""Weight of the dispersion of all accounts, in degrees of freedom."""

MIN_DF = 10.0
"""With fewer degrees of freedom over all accounts their dispersions are not estimated but assumed to be 1."""

MIN_ACCOUNTS = 10
"""Fewer accounts say little about each other, and none is drawn to the average."""

_DAYS_PER_MONTH = DAYS_PER_YEAR / 12


@dataclass(frozen=True, eq=False, kw_only=True)
class Rerun:
    """What the re-runs say.

    Attributes
    ----------
    probabilities : numpy.ndarray, shape (n_accounts, 3)
        Probability of class A, B and C, accounts in the order given.
    n_few, n_additive, n_fixed : int
        Accounts judged by the dispersion of all, by a normal instead of a log-normal, and not drawn at all (no order).
    n_pooled : int
        Accounts that the dispersions of all come from; 0: assumed, not estimated.
    order_dispersion, size_dispersion : float
        Those dispersions, f and g.
    is_shrunk : bool
        Whether accounts were drawn to the average of all.
    """

    probabilities: Floats
    n_few: int
    n_additive: int
    n_fixed: int
    n_pooled: int
    order_dispersion: float
    size_dispersion: float
    is_shrunk: bool


def rerun_classes(
    accounts: pd.DataFrame,
    panel: pd.DataFrame,
    *,
    base: Base = "positive",
    cuts: tuple[float, float] = (0.80, 0.95),
    n_resamples: int = 500,
    seed: int = 1,
) -> Rerun:
    """Let the ordering run again ``n_resamples`` times and classify all accounts anew each time; see the module for how.

    Parameters
    ----------
    accounts : pandas.DataFrame
        One row per account, checked by the caller: ``customer_id, value, n_orders, first_order, last_order, tenure_days`` and
        ``ended`` (flag). The last four may be missing where there is no order.
    panel : pandas.DataFrame
        One row per account and active complete month: ``customer_id, period, value, n_orders``. What lies outside complete
        months counts in ``accounts`` and takes its noise from the panel.
    base, cuts
        As in :func:`kam.identify.classify_abc_xyz`.
    n_resamples : int
        Number of re-runs.
    seed : int
        Seed of the draws.

    Returns
    -------
    Rerun

    Examples
    --------
    Two accounts, far apart and both like a clock:

    >>> day = pd.Timestamp("2024-01-31")
    >>> accounts = pd.DataFrame({"customer_id": ["a", "b"], "value": [1200.0, 1.2], "n_orders": [12, 12],
    ...     "first_order": day, "last_order": pd.Timestamp("2024-12-31"), "tenure_days": [335.0, 335.0], "ended": [False, False]})
    >>> panel = pd.DataFrame({"customer_id": np.repeat(["a", "b"], 12), "n_orders": 1, "value": np.repeat([100.0, 0.1], 12),
    ...     "period": np.tile(pd.date_range("2024-01-01", periods=12, freq="MS"), 2)})
    >>> rerun_classes(accounts, panel, n_resamples=100).probabilities
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    value = accounts["value"].to_numpy(dtype=float)
    orders = accounts["n_orders"].to_numpy(dtype=float)
    noise = _noise(accounts, panel)
    drawn = orders > 0
    additive = drawn & ((value <= 0) | noise.is_offset)
    scaled = drawn & ~additive
    usable = scaled & (orders >= FEW_ORDERS) & (noise.df > 0)
    pooled = float(noise.df[usable].sum()) >= MIN_DF
    of_all = [
        float(np.average(d[usable], weights=noise.df[usable])) if pooled else 1.0 for d in (noise.orders, noise.sizes)
    ]
    weight = np.where(usable, noise.df / (noise.df + PRIOR_DF), 0.0)
    f, g = (
        weight * np.where(usable, own, 0.0) + (1 - weight) * every
        for own, every in zip((noise.orders, noise.sizes), of_all, strict=True)
    )

    center, spread, of_number = value.copy(), np.zeros(value.size), np.zeros(value.size)
    spread[additive] = np.sqrt(2 * noise.variance[additive])
    is_shrunk = int(scaled.sum()) >= MIN_ACCOUNTS
    days = np.maximum(accounts["tenure_days"].to_numpy(dtype=float)[scaled] + 1, 1)
    center[scaled], spread[scaled], of_number[scaled] = _predict(
        value[scaled], orders[scaled], days / _DAYS_PER_MONTH, f[scaled], g[scaled], is_shrunk
    )
    draws = _Draws(center, spread, of_number, scaled)
    return Rerun(
        probabilities=_classify(draws, base, cuts, n_resamples, np.random.default_rng(seed)),
        n_few=int((scaled & ~usable).sum()),
        n_additive=int(additive.sum()),
        n_fixed=int((~drawn).sum()),
        n_pooled=int(usable.sum()) if pooled else 0,
        order_dispersion=of_all[0],
        size_dispersion=of_all[1],
        is_shrunk=is_shrunk,
    )


# -- 1. noise --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Noise:
    orders: Floats  # dispersion of the number of orders, f
    sizes: Floats  # dispersion of their size, g
    df: Floats  # degrees of freedom; 0 where the panel says nothing
    variance: Floats  # of the total in money, for values without a logarithm; 0 where no month is positive
    is_offset: Flags  # whether negative months take back more than half of the positive ones


def _noise(accounts: pd.DataFrame, panel: pd.DataFrame) -> _Noise:
    n = len(accounts)
    if panel.empty:
        return _Noise(np.ones(n), np.ones(n), np.zeros(n), np.zeros(n), np.zeros(n, dtype=bool))
    row = pd.Index(accounts["customer_id"]).get_indexer(panel["customer_id"])
    origin = panel["period"].min()
    month = _months_since(panel["period"], origin)
    n_months = int(month.max()) + 1
    money, counts = np.zeros((n, n_months)), np.zeros((n, n_months))
    money[row, month] = panel["value"]
    counts[row, month] = panel["n_orders"]

    total, orders = money.sum(axis=1), counts.sum(axis=1)
    has_order = accounts["first_order"].notna().to_numpy()
    start = np.where(has_order, np.clip(_months_since(accounts["first_order"], origin), 0, n_months), n_months)
    ended = np.clip(_months_since(accounts["last_order"], origin) + 1, 0, n_months)
    stop = np.where(accounts["ended"].to_numpy(dtype=bool), ended, n_months)
    window = np.maximum(stop - start, 0)
    per_order = np.ceil(window / np.maximum(orders, 1)).astype(np.int64)
    length = np.clip(np.maximum(BLOCK_MONTHS, per_order), 1, np.maximum(window // 2, 1))

    size = total / np.maximum(orders, 1)
    of_orders, n_blocks = block_variance(counts, start, stop, length)
    of_sizes, _ = block_variance(money - size[:, None] * counts, start, stop, length)
    of_total, _ = block_variance(money, start, stop, length)
    known = np.isfinite(of_orders) & (orders > 0) & (total > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        f = np.where(known, _without_count_effect(orders * _ratio(of_orders / orders**2), n_blocks / (6 * orders)), 1.0)
        g = np.where(known, orders * _ratio(of_sizes / total**2), 1.0)
    negative, positive = np.minimum(money, 0).sum(axis=1), np.maximum(money, 0).sum(axis=1)
    # Poisson weights where there are no two blocks: every month might have come or not.
    in_money = np.where(np.isfinite(of_total) & (orders >= FEW_ORDERS), of_total, (money**2).sum(axis=1))
    return _Noise(
        orders=f,
        sizes=g,
        df=np.where(known, np.clip((n_blocks - 1) * 2 / 3, 0, np.maximum(orders - 1, 0)), 0.0),
        variance=np.where(positive > 0, in_money, 0.0),
        is_offset=-negative > positive / 2,
    )


def _months_since(days: pd.Series, origin: pd.Timestamp) -> Ints:
    """Whole calendar months from the origin; 0 for missing days."""
    months = (days.dt.year - origin.year) * 12 + days.dt.month - origin.month
    return months.fillna(0).to_numpy(dtype=np.int64)


def _ratio(c: Floats) -> Floats:
    """Variance over squared mean from variance over squared total: the square of the total holds the variance once more."""
    return c / (1 - np.minimum(c, 0.6))


def _without_count_effect(f: Floats, q: Floats) -> Floats:
    """Solve ``f = x + q (1 − x)`` for x: the dispersion without what counting in blocks adds."""
    q = np.minimum(q, 0.25)
    return np.maximum((f - q) / (1 - q), 0.01)


# -- 2. and 3. credibility and the re-run ----------------------------------------------------------------------------


def _predict(
    value: Floats, orders: Floats, months: Floats, f: Floats, g: Floats, is_shrunk: bool
) -> tuple[Floats, Floats, Floats]:
    """Log of the typical value in a re-run, standard deviation of the log mean size, relative variance of the number."""
    repeats = orders - 1
    rate, z = repeats / months, np.ones(value.size)
    size, of_size, b = np.log(value / orders), np.log1p(g / orders), np.ones(value.size)
    if is_shrunk:
        overall = repeats.sum() / months.sum()
        between = ((repeats - overall * months) ** 2 - f * overall * months).sum() / (months**2).sum()
        own = months * max(between, 0.0)
        z = np.divide(own, own + f * overall, out=np.zeros_like(own), where=own + f * overall > 0)
        rate = z * rate + (1 - z) * overall
        between, overall = _between(size, of_size)
        b = between / (between + of_size)
        size = overall + b * (size - overall)
    m = 1 + rate * months
    of_number = (f * (1 + z) * rate * months + f / 2) / m**2
    return np.log(m) + size, np.sqrt(b * of_size + np.log1p(g / m)), of_number


def _between(x: Floats, noise: Floats) -> tuple[float, float]:
    """Variance between accounts beside their noise, and their mean (moments, iterated; Efron & Morris 1975)."""
    between, mean = float(x.var()), float(x.mean())
    for _ in range(50):
        weights = 1 / (between + noise + 1e-12)
        mean = float(weights @ x / weights.sum())
        new = max(1e-6, float(weights @ ((x - mean) ** 2 - noise) / weights.sum()))
        if abs(new - between) < 1e-6 * new:
            break
        between = new
    return between, mean


@dataclass(frozen=True, eq=False)
class _Draws:
    center: Floats  # log of the value where ``scaled``, else the value
    spread: Floats  # standard deviation around it
    of_number: Floats  # relative variance of the number of orders
    scaled: Flags

    def take(self, rows: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Values of all accounts in so many re-runs."""
        shape = (rows, self.center.size)
        values = rng.standard_normal(shape, dtype=np.float32)
        values *= self.spread.astype(np.float32)
        values += self.center.astype(np.float32)
        np.exp(values, out=values, where=self.scaled)
        number = rng.standard_normal(shape, dtype=np.float32)
        number *= np.sqrt(self.of_number / 9).astype(np.float32)
        number += (1 - self.of_number / 9).astype(np.float32)
        np.maximum(number, 0, out=number)
        values *= number * number * number
        return values


def _classify(
    draws: _Draws, base: Base, cuts: tuple[float, float], n_resamples: int, rng: np.random.Generator
) -> Floats:
    """Share of the re-runs in which each account gets each class."""
    n = draws.center.size
    in_a, up_to_b = np.zeros(n), np.zeros(n)
    for rows in chunk_sizes(n_resamples, n):
        values = draws.take(rows, rng)
        limit_a, limit_b = class_limits(values, base=base, cuts=cuts)
        in_a += np.count_nonzero(values >= limit_a[:, None], axis=0)
        up_to_b += np.count_nonzero(values >= limit_b[:, None], axis=0)
    return np.column_stack([in_a, up_to_b - in_a, n_resamples - up_to_b]) / n_resamples
