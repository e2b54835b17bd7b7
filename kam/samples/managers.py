"""Account managers: who holds which portfolio when, and what difference it makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kam.errors import ParameterError
from kam.samples.months import Floats, Ints, Months
from kam.samples.names import name_people
from kam.samples.traits import REGIONS, Traits
from kam.samples.traps import draw_sizes

KEY_SHARE = 0.13
_KEY_PORTFOLIO, _AREA_PORTFOLIO = 10, 75
_UNASSIGNED = 0.08
HANDOVER_MONTHS = 6


@dataclass(frozen=True, eq=False, kw_only=True)
class Managers:
    """Portfolios of accounts and the people who hold them; ``joined`` is the month of an account's first order.

    1. The largest 13 % of the accounts are in portfolios of 10, the others in portfolios of about 75 within neighboring
       regions; 8 % of these others belong to nobody (``portfolio`` -1).
    2. A person shifts the log-odds of leaving of every account held by normal(0, 0.25), and the discount by −2, 0 or
       2 points.
    3. A handover gives a portfolio to a new person at the first day of a month, at most once per portfolio.
    """

    portfolio: Ints
    joined: Ints
    holder: Ints
    names: list[str]
    log_odds: Floats
    discount: Floats
    handover_portfolio: Ints
    handover_month: Ints
    handover_size: Floats

    def of_accounts(self) -> Ints:
        """The person (index into ``names``) of every account and month; -1 for nobody."""
        return np.where((self.portfolio >= 0)[:, None], self.holder[self.portfolio], -1)

    def of_people(self, values: Floats) -> Floats:
        """One value per person spread over accounts and months; 0 where nobody is responsible."""
        return np.append(values, 0.0)[self.of_accounts()]

    def handed_over(self, number: int) -> Ints:
        """The accounts that were in the portfolio of a handover before the month it happened in."""
        in_portfolio = self.portfolio == self.handover_portfolio[number]
        return np.flatnonzero(in_portfolio & (self.joined < self.handover_month[number]))

    def handover_doses(self) -> Floats:
        """Per account and month, the size of a handover in one of the six months before the month, else 0."""
        doses = np.zeros((len(self.portfolio), self.holder.shape[1]))
        for number, (month, size) in enumerate(zip(self.handover_month, self.handover_size, strict=True)):
            doses[self.handed_over(number), month + 1 : month + 1 + HANDOVER_MONTHS] = size
        return doses


def draw_managers(traits: Traits, months: Months, n_handovers: int, scale: float, rng: np.random.Generator) -> Managers:
    """Draw portfolios, people and handovers; see :class:`Managers` for how."""
    n = len(traits)
    order = np.argsort(-traits.size)
    n_key = max(1, round(KEY_SHARE * n))
    key, rest = order[:n_key], order[n_key:]
    rest = np.sort(rest[rng.random(len(rest)) >= _UNASSIGNED])
    rest = rest[np.argsort(traits.region[rest], kind="stable")]
    groups = [
        *np.array_split(key, max(1, round(n_key / _KEY_PORTFOLIO))),
        *np.array_split(rest, max(1, round(len(rest) / _AREA_PORTFOLIO))),
    ]
    portfolio = np.full(n, -1)
    for p, accounts in enumerate(groups):
        portfolio[accounts] = p
    if n_handovers > len(groups):
        raise ParameterError(
            f"There are {len(groups)} portfolios, too few for {n_handovers} handovers.",
            hint="Plant fewer, or take more accounts.",
        )
    scripts = [REGIONS[round(float(np.median(traits.region[accounts])))].script for accounts in groups]
    handed = np.sort(rng.choice(len(groups), n_handovers, replace=False))
    when = rng.integers(6, len(months) - 8, n_handovers)
    names: list[str] = []
    for name in name_people(scripts + [scripts[p] for p in handed], rng):
        names.append(name if name not in names else f"{name} {sum(name in other for other in names) + 1}")
    holder = np.repeat(np.arange(len(groups))[:, None], len(months), axis=1)
    for number, (p, month) in enumerate(zip(handed, when, strict=True)):
        holder[p, month:] = len(groups) + number
    return Managers(
        portfolio=portfolio,
        joined=months.of(traits.joined_day),
        holder=holder,
        names=names,
        log_odds=rng.normal(0.0, 0.25, len(names)),
        discount=rng.choice([-0.02, 0.0, 0.02], len(names)),
        handover_portfolio=handed,
        handover_month=when,
        handover_size=draw_sizes(n_handovers, scale, rng),
    )
