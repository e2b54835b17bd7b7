"""Customers who buy for a while and then stop, simulated purchase by purchase, and what the models say computed the long way."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import beta, gamma

Floats = npt.NDArray[np.float64]


class Buyers(NamedTuple):
    frequency: Floats
    recency: Floats
    T: Floats
    n_next: Floats

    @property
    def histories(self) -> tuple[Floats, Floats, Floats]:
        return self.frequency, self.recency, self.T


def simulate_rhythm(n, *, k, r, alpha, a, b, horizon, seed, after_first=True, longest=80.0):
    """Gaps Gamma(k, λ), λ ~ Gamma(r, alpha); after each purchase an end with probability p ~ Beta(a, b).

    With k = 1 and no end after the first purchase this is the BG/NBD model.
    """
    rng = np.random.default_rng(seed)
    rate, p = rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n)
    T = rng.uniform(longest / 4, longest, n).round(1)
    frequency, recency, n_next = np.zeros((3, n))
    now = np.zeros(n)
    goes_on = rng.random(n) > (p if after_first else 0)
    while goes_on.any():
        now = np.where(goes_on, now + rng.gamma(k, 1, n) / rate, np.inf)
        past = now <= T
        frequency[past] += 1
        recency[past] = now[past]
        n_next[(now > T) & (now <= T + horizon)] += 1
        goes_on &= (now <= T + horizon) & (rng.random(n) > p)
    return Buyers(frequency, recency, T, n_next)


def simulate_pareto_nbd(n, *, r, alpha, s, beta, horizon, seed, longest=80.0):
    rng = np.random.default_rng(seed)
    rate, life = rng.gamma(r, 1 / alpha, n), rng.exponential(1 / rng.gamma(s, 1 / beta, n))
    T = rng.uniform(longest / 4, longest, n).round(1)
    frequency, recency, n_next = np.zeros((3, n))
    now = np.zeros(n)
    goes_on = np.ones(n, dtype=bool)
    while goes_on.any():
        now = np.where(goes_on, now + rng.exponential(1 / rate), np.inf)
        goes_on &= (now <= life) & (now <= T + horizon)
        past = goes_on & (now <= T)
        frequency[past] += 1
        recency[past] = now[past]
        n_next[goes_on & (now > T)] += 1
    return Buyers(frequency, recency, T, n_next)


def gamma_points(shape: float, rate: float, n: int = 300) -> tuple[Floats, Floats]:
    """Points and weights for expectations over a gamma variable, by a sum in its logarithm, far into its tail."""
    low, high = gamma.ppf([1e-13, 1 - 1e-13], shape, scale=1 / rate)
    u = np.linspace(np.log(max(low, 1e-30)), np.log(high) + 5, n)
    x = np.exp(u)
    return x, gamma.pdf(x, shape, scale=1 / rate) * x * (u[1] - u[0])


def beta_points(a: float, b: float, n: int = 400) -> tuple[Floats, Floats]:
    """The same over a beta variable, in its log-odds."""
    u = np.linspace(-60, 60, n)
    x = 1 / (1 + np.exp(-u))
    return x, beta.pdf(x, a, b) * x * (1 - x) * (u[1] - u[0])


def by_difference(log_likelihood, values, histories):
    """Gradient by central differences."""
    step = 1e-5
    rows = []
    for i in range(len(values)):
        e = np.zeros(len(values))
        e[i] = step * values[i]
        up, down = log_likelihood(values + e, histories)[0], log_likelihood(values - e, histories)[0]
        rows.append((up - down) / (2 * step * values[i]))
    return np.array(rows)


def assert_calibrated(model, buyers: Buyers, horizon: float) -> None:
    """In groups by frequency and silence, as many order, and as often, as the model says; to within 4 standard errors."""
    p = model.p_no_order(horizon, *buyers.histories)
    expected = model.expected_purchases(horizon, *buyers.histories)
    silent = buyers.T - buyers.recency
    groups = np.minimum(buyers.frequency, 4) * 2 + (silent > np.median(silent))
    for group in np.unique(groups):
        of = groups == group
        n = of.sum()
        if n < 200:
            continue
        none = (buyers.n_next == 0)[of]
        assert abs(none.sum() - p[of].sum()) < 4 * np.sqrt((p * (1 - p))[of].sum()) + 1
        off = buyers.n_next[of] - expected[of]
        assert abs(off.sum()) < 4 * np.sqrt((off**2).sum()) + 1
