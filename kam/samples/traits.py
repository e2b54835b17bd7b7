"""What an account is: the latent traits that stay with it for the whole simulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kam.samples.catalogue import Catalogue
from kam.samples.months import Flags, Floats, Ints, Months, Texts
from kam.samples.names import INDUSTRIES


class Region(NamedTuple):
    """A region: share of the accounts, language of the names, effects on satisfaction (points) and on response
    (log-odds).
    """

    name: str
    share: float
    script: str
    satisfaction: float
    response: float


REGIONS = (
    Region("Britain & Ireland", 0.22, "en", 0.10, 0.2),
    Region("Central Europe", 0.26, "en", 0.00, 0.1),
    Region("Nordics", 0.10, "en", 0.25, 0.4),
    Region("Southern Europe", 0.10, "en", -0.10, -0.2),
    Region("China", 0.14, "zh", -0.20, -0.5),
    Region("Korea", 0.08, "ko", -0.10, -0.3),
    Region("Japan", 0.10, "ja", -0.30, -0.5),
)


class LatentClass(NamedTuple):
    """A latent class: share, log-odds of leaving in a month, shares of the rhythms regular, moderate, irregular."""

    name: str
    share: float
    log_odds: float
    rhythms: tuple[float, float, float]


CLASSES = (
    LatentClass("partner", 0.3, -5.7, (0.65, 0.30, 0.05)),
    LatentClass("ordinary", 0.5, -5.2, (0.35, 0.45, 0.20)),
    LatentClass("opportunist", 0.2, -4.5, (0.10, 0.40, 0.50)),
)
RHYTHMS = ("regular", "moderate", "irregular")
_SHAPES = np.array([[9.0, 30.0], [1.8, 4.0], [0.6, 1.0]])  # of the gamma gaps; the variation of gaps is shape ** -0.5
CHANNELS = ("field sales", "web shop", "EDI", "telephone")
PAYMENT_DAYS = np.array([14, 30, 45, 60])
JOINED_EARLIER = 0.55


@dataclass(frozen=True, eq=False, kw_only=True)
class Traits:
    """Latent traits, one entry per account (``n``).

    1. ``size`` is standard normal; what an account spends a year is ``7,500 exp(1.5 size)`` EUR, how often it orders is
       ``6 exp(0.35 size + 0.35 e)`` a year (between 1.5 and 60), e standard normal.
    2. Gaps between orders are gamma with mean ``gap_mean`` days and shape ``gap_shape``: 9–30 for regular buyers,
       1.8–4 for moderate, 0.6–1 for irregular ones. Which of the three depends on the latent class (:data:`CLASSES`).
    3. The value of an order is lognormal with mean ``order_value`` and log-standard deviation ``value_sigma``
       (0.25–0.7).
    4. 55 % were customers before the first month; the others join on a day drawn evenly up to six months before the
       end. ``joined_day`` is the day of the first order (of a renewal process in equilibrium for those who were there
       before).
    5. ``satisfaction`` = 3.65 + 0.45 size + effect of the region + normal (0.6), cut to 1–5: it is larger for the
       larger, and otherwise unrelated to what the ledger shows.
    6. ``group_weights`` (n × groups) is Dirichlet(0.8): which product groups an account buys.
    """

    customer_id: Texts
    region: Ints
    industry: Ints
    latent_class: Ints
    rhythm: Ints
    size: Floats
    gap_mean: Floats
    gap_shape: Floats
    order_value: Floats
    value_sigma: Floats
    lines_per_order: Floats
    growth: Floats
    joined_earlier: Flags
    joined_day: Ints
    satisfaction: Floats
    discount: Floats
    freight_rate: Floats
    terms_rate: Floats
    channel: Ints
    payment_days: Ints
    favorite: Ints
    group_weights: Floats

    def __len__(self) -> int:
        return len(self.customer_id)

    @property
    def yearly_value(self) -> Floats:
        """What an account spends in a year without season, growth, state or trap, EUR."""
        return self.order_value * 365.25 / self.gap_mean

    @property
    def scripts(self) -> list[str]:
        """The language of every account's name."""
        return [REGIONS[r].script for r in self.region]


def draw_traits(n: int, months: Months, catalogue: Catalogue, rng: np.random.Generator) -> Traits:
    """Draw the traits of `n` accounts; see :class:`Traits` for how."""
    region = rng.choice(len(REGIONS), n, p=[r.share for r in REGIONS])
    latent_class = rng.choice(len(CLASSES), n, p=[c.share for c in CLASSES])
    cumulative = np.cumsum([c.rhythms for c in CLASSES], axis=1)[latent_class]
    rhythm = (rng.random((n, 1)) > cumulative[:, :2]).sum(axis=1)
    size = rng.standard_normal(n)
    per_year = np.clip(6.0 * np.exp(0.35 * size + 0.35 * rng.standard_normal(n)), 1.5, 60.0)
    gap_mean = 365.25 / per_year
    low, high = _SHAPES[rhythm].T
    gap_shape = low * (high / low) ** rng.random(n)

    earlier = rng.random(n) < JOINED_EARLIER
    joined_day = np.where(
        earlier,
        np.floor(rng.random(n) * rng.gamma(gap_shape + 1, gap_mean / gap_shape)),  # equilibrium: a length-biased gap
        rng.integers(0, months.first_day[-7], n),
    ).astype(np.int64)

    spread = np.array([r.satisfaction for r in REGIONS])[region]
    key = size > 0.9
    width = max(6, len(str(100 + 7 * n)))
    return Traits(
        customer_id=np.array([f"{100 + 7 * i:0{width}d}" for i in range(n)]),
        region=region,
        industry=rng.integers(0, len(INDUSTRIES), n),
        latent_class=latent_class,
        rhythm=rhythm,
        size=size,
        gap_mean=gap_mean,
        gap_shape=gap_shape,
        order_value=7_500 * np.exp(1.5 * size) / per_year,
        value_sigma=rng.uniform(0.25, 0.7, n),
        lines_per_order=np.clip(2.35 + 0.8 * size, 1.2, 6.0),
        growth=rng.normal(0.02, 0.06, n),
        joined_earlier=earlier,
        joined_day=months.workdays(np.minimum(joined_day, months.first_day[-7])),
        satisfaction=np.clip(3.65 + 0.45 * size + spread + 0.6 * rng.standard_normal(n), 1.0, 5.0),
        discount=np.clip(0.04 + 0.02 * size + 0.02 * rng.standard_normal(n), 0.0, 0.15),
        freight_rate=np.round(rng.uniform(0.015, 0.045, n), 3),
        terms_rate=np.where(key, np.round(rng.uniform(0.005, 0.03, n), 3), 0.0),
        channel=rng.choice(len(CHANNELS), n, p=[0.3, 0.35, 0.15, 0.2]),
        payment_days=rng.choice(PAYMENT_DAYS, n, p=[0.15, 0.5, 0.2, 0.15]),
        favorite=rng.integers(0, catalogue.group_size, n),
        group_weights=rng.dirichlet(np.full(len(catalogue.group_names), 0.8), n),
    )
