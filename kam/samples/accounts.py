"""The tables of accounts and of the people there."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kam.samples.departures import Departures
from kam.samples.managers import KEY_SHARE, Managers
from kam.samples.months import Floats, Ints, Months
from kam.samples.names import INDUSTRIES, name_companies, name_people
from kam.samples.traits import REGIONS, Traits
from kam.samples.traps import TrapPlan

COMPETITORS = ("Boxmere", "Kartona", "Packwell", "Tapestry Supplies", "Wrapio")
SPONSORS = ("Chief executive", "Head of finance", "Head of operations", "Head of sales")
JUDGED = ("management_philosophy", "partnership_wish", "financial_strength", "price_sensitivity", "reputation")
"""The judged criteria, 1 to 5; price sensitivity is the better the lower, the others the higher."""
ROLES = ("purchasing", "management", "operations", "quality", "warehouse", "finance")


def draw_groups(traits: Traits, rng: np.random.Generator) -> Ints:
    """Choose one account in eight as a branch of another of the same language; return the parent's index, -1 for
    none.
    """
    n = len(traits)
    parent = np.full(n, -1)
    shuffled = rng.permutation(n)
    branches, heads = shuffled[: n // 8], shuffled[n // 8 : n // 8 + max(1, n // 20)]
    scripts = np.array(traits.scripts)
    for branch in branches:
        fitting = heads[scripts[heads] == scripts[branch]]
        if len(fitting):
            parent[branch] = rng.choice(fitting)
    return parent


def levels(latent: Floats, n_levels: int = 5) -> Ints:
    """Cut standard normal values into 1 … `n_levels`, the middle level at 0, one level per unit."""
    return np.clip(np.rint(latent + (n_levels + 1) / 2), 1, n_levels).astype(np.int64)


def plant_duplicates(
    names: list[str], scripts: list[str], n_pairs: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Give accounts the name of another, written differently; return the pairs (account, the one it doubles)."""
    plain = [i for i, name in enumerate(names) if scripts[i] == "en" and name.endswith((" Ltd", " Co."))]
    chosen = rng.choice(plain, min(2 * n_pairs, len(plain) // 2 * 2), replace=False).tolist()
    pairs = list(zip(chosen[::2], chosen[1::2], strict=True))
    for number, (copy, original) in enumerate(pairs):
        spelled = names[original].replace(" Ltd", " Limited").replace(" Co.", " Company")
        names[copy] = spelled.upper() if number % 2 else spelled
    return pairs


def build_accounts(
    traits: Traits,
    plan: TrapPlan,
    months: Months,
    managers: Managers,
    ledger: pd.DataFrame,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build the accounts and the pairs of doubled accounts (``customer_id, duplicate_of``).

    1. ``since``: the day of the first order, or for those who came before the first month a day in the 14 years
       before, 3 % unknown. ``potential`` = yearly demand / beta(4, 3), to 100 EUR, 8 % unknown.
    2. ``service_cost`` = 150 EUR + 1.2 % of yearly demand, times lognormal(0, 0.4), times 1 + size where
       cost-to-serve rises.
    3. ``receivable`` is what is delivered and not paid on the last day, ``overdue`` the part that was due before it.
    4. Judged criteria follow size, satisfaction and payment loosely; one in twelve is not judged.
    """
    n, end = len(traits), months.dates(np.array([months.n_days - 1]))[0]
    scripts = traits.scripts
    parent = draw_groups(traits, rng)
    industry = traits.industry[np.where(parent >= 0, parent, np.arange(n))]
    names = name_companies(scripts, industry, parent, rng)
    pairs = plant_duplicates(names, scripts, max(1, round(n / 300)), rng)

    demand = traits.yearly_value * np.where(plan.kind == "small_becomes_large", 1 + 20 * plan.size, 1.0)
    before = months.start - rng.integers(1, 14 * 365, n).astype("timedelta64[D]")
    since = np.where(traits.joined_earlier, before, months.dates(traits.joined_day))
    since[rng.random(n) < 0.03] = np.datetime64("NaT")
    potential = np.round(demand / rng.beta(4, 3, n), -2)
    potential[rng.random(n) < 0.08] = np.nan
    service = (150 + 0.012 * demand) * rng.lognormal(0.0, 0.4, n)
    service *= 1 + np.where(plan.kind == "rising_cost_to_serve", plan.size, 0.0)

    unpaid = ledger[(ledger["amount"] > 0) & ledger["paid_date"].isna() & ledger["delivered_date"].notna()]
    owed = unpaid.groupby("customer_id")["amount"].sum().reindex(traits.customer_id).fillna(0.0)
    late = (
        unpaid[unpaid["due_date"] < end].groupby("customer_id")["amount"].sum().reindex(traits.customer_id).fillna(0.0)
    )

    person = managers.of_accounts()[:, -1]
    since_month = np.zeros(len(managers.holder), dtype=np.int64)
    since_month[managers.handover_portfolio] = managers.handover_month
    handed = np.append(since_month, 0)[managers.portfolio]
    first_days = months.start - rng.integers(30, 6 * 365, len(managers.holder) + 1).astype("timedelta64[D]")
    from_day = np.where(handed > 0, months.starts[handed], first_days[managers.portfolio])
    from_day = np.fmax(from_day, since)

    key = traits.size > np.quantile(traits.size, 1 - KEY_SHARE)
    rating = levels(0.5 * traits.size + 0.8 * rng.standard_normal(n))
    judged = {
        "management_philosophy": levels(0.3 * traits.size + 0.9 * rng.standard_normal(n)),
        "partnership_wish": levels(0.9 * (traits.satisfaction - 3.5) + 0.8 * rng.standard_normal(n)),
        "financial_strength": levels(0.8 * (rating - 3) + 0.5 * rng.standard_normal(n)),
        "price_sensitivity": levels(12 * (traits.discount - 0.05) + 0.9 * rng.standard_normal(n)),
        "reputation": levels(0.5 * traits.size + 0.9 * rng.standard_normal(n)),
    }
    n_competitors = rng.integers(0, 4, n)
    shuffled = rng.permuted(np.tile(np.array(COMPETITORS), (n, 1)), axis=1)
    table = pd.DataFrame(
        {
            "customer_id": traits.customer_id,
            "name": names,
            "parent_id": np.append(traits.customer_id, "")[parent],
            "industry": np.array(INDUSTRIES)[industry],
            "region": np.array([r.name for r in REGIONS])[traits.region],
            "since": since,
            "service_cost": np.round(service, 2),
            "acquisition_cost": np.round(300 + 6 * np.sqrt(demand) * rng.lognormal(0.0, 0.3, n), 0),
            "credit_limit": np.round(demand / 5 + 500, -2),
            "credit_rating": np.array(list("EDCBA"))[rating - 1],
            "receivable": owed.to_numpy().round(2),
            "overdue": late.to_numpy().round(2),
            "payment_days": traits.payment_days,
            "potential": potential,
            "manager": np.append(managers.names, "")[person],
            "manager_since": np.where(person >= 0, from_day, np.datetime64("NaT")),
            "sponsor": np.where(key & (rng.random(n) < 0.75), rng.choice(SPONSORS, n), ""),
            "competitors": ["; ".join(sorted(row[:k])) for row, k in zip(shuffled, n_competitors, strict=True)],
        }
    )
    for criterion, values in judged.items():
        table[criterion] = pd.array(np.where(rng.random(n) < 1 / 12, -1, values), dtype="Int64")
        table[criterion] = table[criterion].mask(table[criterion] < 0)
    texts = ["parent_id", "manager", "sponsor", "competitors"]
    table[texts] = table[texts].mask(table[texts] == "")
    doubled = pd.DataFrame(
        {
            "customer_id": traits.customer_id[[a for a, _ in pairs]],
            "duplicate_of": traits.customer_id[[b for _, b in pairs]],
        }
    )
    return table, doubled


def build_contacts(traits: Traits, months: Months, departures: Departures, rng: np.random.Generator) -> pd.DataFrame:
    """Build the people: 1 + Poisson(0.9, or 1.9 at large accounts) per account, six at most.

    The first is in purchasing; support (−2 … 2) follows the account's satisfaction.
    """
    n = len(traits)
    count = np.minimum(1 + rng.poisson(np.where(traits.size > 0.9, 1.9, 0.9)), 6)
    account = np.repeat(np.arange(n), count)
    number = np.arange(len(account)) - np.repeat(np.cumsum(count) - count, count)
    role = np.where(number == 0, 0, rng.integers(1, len(ROLES), len(account)))
    influence = np.clip(np.where(role <= 1, 4, 2) + rng.integers(-1, 2, len(account)), 1, 5)
    last = np.minimum(months.first_day[np.minimum(departures.left, len(months))], months.n_days)[account]
    met = np.maximum(last - 1 - rng.exponential(120, len(account)).astype(np.int64), traits.joined_day[account])
    scripts = traits.scripts
    return pd.DataFrame(
        {
            "customer_id": traits.customer_id[account],
            "contact_id": np.char.add(np.char.add(traits.customer_id[account], "-"), (number + 1).astype(str)),
            "name": name_people([scripts[a] for a in account], rng),
            "role": np.array(ROLES)[role],
            "influence": influence,
            "support": levels(0.9 * (traits.satisfaction[account] - 3.3) + 0.7 * rng.standard_normal(len(account))) - 3,
            "decides": (role == 1) | ((role == 0) & (rng.random(len(account)) < 0.4)),
            "last_met": np.where(
                rng.random(len(account)) < 0.2, np.datetime64("NaT"), months.dates(months.workdays(met))
            ),
        }
    )
