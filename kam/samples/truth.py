"""The truth behind a sample company: what was planted, as frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kam.samples.answers import ITEMS, REPURCHASE
from kam.samples.departures import BANDS, LEAVING, Departures, bands_of
from kam.samples.managers import Managers
from kam.samples.months import NEVER, Dates, Floats, Ints, Months
from kam.samples.orders import DEMAND_ELASTICITY, STATES, TRANSITIONS, OrderingProcess
from kam.samples.survey import RESPONSE, SurveyOutcome
from kam.samples.traits import CLASSES, REGIONS, RHYTHMS


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class SampleTruth:
    """What was planted in a :class:`SampleCompany`. Frames:

    - ``accounts``: ``customer_id, latent_class, rhythm, gap_mean_days, gap_shape, order_value, value_sigma, growth,
      joined, left`` (month from which nothing is ordered; missing for who stays) ``, satisfaction, band, n_dormant``
      (months).
    - ``states``: ``customer_id, month, state`` for every month from joining to leaving, of the accounts without a trap.
    - ``transitions``: ``from_state, to_state, probability``, monthly, while the account stays.
    - ``hazards``: one row per account and month at risk: ``customer_id, month, latent_class, late_share,
      n_complaints, handover, manager, band, hazard`` (the probability of leaving) ``, left`` (whether it did).
    - ``effects``: ``term, scale, estimate``: every planted coefficient and what it acts on.
    - ``drivers``: ``item, weight, reversed``: points of the overall judgment per point of the item.
    - ``loyalty``: ``band, overall_from, overall_to, log_odds_of_leaving, repurchase``: two thresholds, flat between
      them.
    - ``responses``: one row per account in the frame of a wave: ``customer_id, wave, stratum, p_drawn, p_ledger,
      p_satisfaction, mean_overall, revenue, days_since_last_order, region, drawn, answered``.
    - ``population``: one row per wave: the values that a census would give.
    - ``managers``: ``manager, log_odds`` (of leaving, of the accounts held) ``, discount`` (points added).
    - ``traps``: ``customer_id, trap, size, start``.
    - ``audit``: ``rule, n_rows, amount``: what cleaning has to find.
    - ``duplicates``: ``customer_id, duplicate_of``: one firm under two identifiers.

    ``process`` is what :func:`simulate_rerun` needs to let the same accounts order once more.
    """

    accounts: pd.DataFrame
    states: pd.DataFrame
    transitions: pd.DataFrame
    hazards: pd.DataFrame
    effects: pd.DataFrame
    drivers: pd.DataFrame
    loyalty: pd.DataFrame
    responses: pd.DataFrame
    population: pd.DataFrame
    managers: pd.DataFrame
    traps: pd.DataFrame
    audit: pd.DataFrame
    duplicates: pd.DataFrame
    process: OrderingProcess
    demand: Floats


def build_truth(
    process: OrderingProcess,
    managers: Managers,
    departures: Departures,
    states: Ints,
    demand: Floats,
    outcome: SurveyOutcome,
    audit: pd.DataFrame,
    duplicates: pd.DataFrame,
) -> SampleTruth:
    """Put together what was planted."""
    return SampleTruth(
        accounts=_accounts(process, departures, states),
        states=_states(process, departures, states),
        transitions=pd.DataFrame(
            [
                {"from_state": a, "to_state": b, "probability": float(TRANSITIONS[i, j])}
                for i, a in enumerate(STATES)
                for j, b in enumerate(STATES)
            ]
        ),
        hazards=_hazards(process, departures),
        effects=_effects(),
        drivers=pd.DataFrame([{"item": i.name, "weight": i.weight, "reversed": i.reversed} for i in ITEMS]),
        loyalty=pd.DataFrame(
            {
                "band": BANDS,
                "overall_from": [1, 3, 5],
                "overall_to": [2, 4, 5],
                "log_odds_of_leaving": [LEAVING[band] for band in BANDS],
                "repurchase": [REPURCHASE[0], REPURCHASE[2], REPURCHASE[4]],
            }
        ),
        responses=outcome.responses,
        population=outcome.population,
        managers=pd.DataFrame(
            {"manager": managers.names, "log_odds": managers.log_odds, "discount": managers.discount}
        ),
        traps=_traps(process, managers, departures),
        audit=audit,
        duplicates=duplicates,
        process=process,
        demand=demand,
    )


def _month_starts(months: Months, index: Ints) -> Dates:
    """The first day of each month, missing for months that do not come."""
    inside = index < len(months)
    return np.where(inside, months.starts[np.minimum(index, len(months) - 1)], np.datetime64("NaT"))


def _there(process: OrderingProcess, departures: Departures) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Accounts × months: from the month of the first order to the last before leaving."""
    every = np.arange(len(process.months))[None, :]
    joined = process.months.of(process.traits.joined_day)[:, None]
    return (every >= joined) & (every < departures.left[:, None])


def _accounts(process: OrderingProcess, departures: Departures, states: Ints) -> pd.DataFrame:
    traits, months = process.traits, process.months
    return pd.DataFrame(
        {
            "customer_id": traits.customer_id,
            "latent_class": np.array([c.name for c in CLASSES])[traits.latent_class],
            "rhythm": np.array(RHYTHMS)[traits.rhythm],
            "gap_mean_days": traits.gap_mean,
            "gap_shape": traits.gap_shape,
            "order_value": traits.order_value,
            "value_sigma": traits.value_sigma,
            "growth": traits.growth,
            "joined": months.starts[months.of(traits.joined_day)],
            "left": _month_starts(months, departures.left),
            "satisfaction": traits.satisfaction,
            "band": np.array(BANDS)[bands_of(traits.satisfaction)],
            "n_dormant": ((states == STATES.index("dormant")) & _there(process, departures)).sum(axis=1),
        }
    )


def _states(process: OrderingProcess, departures: Departures, states: Ints) -> pd.DataFrame:
    account, month = np.nonzero(_there(process, departures) & (process.plan.kind == "")[:, None])
    return pd.DataFrame(
        {
            "customer_id": process.traits.customer_id[account],
            "month": process.months.starts[month],
            "state": np.array(STATES)[states[account, month]],
        }
    )


def _hazards(process: OrderingProcess, departures: Departures) -> pd.DataFrame:
    traits = process.traits
    account, month = np.nonzero(departures.at_risk)
    return pd.DataFrame(
        {
            "customer_id": traits.customer_id[account],
            "month": process.months.starts[month],
            "latent_class": np.array([c.name for c in CLASSES])[traits.latent_class[account]],
            "late_share": departures.late_share[account, month],
            "n_complaints": departures.n_complaints[account, month],
            "handover": departures.handover[account, month],
            "manager": departures.manager[account, month],
            "band": np.array(BANDS)[bands_of(traits.satisfaction[account])],
            "hazard": departures.hazard[account, month],
            "left": departures.left[account] == month,
        }
    )


def _effects() -> pd.DataFrame:
    rows = [(f"class: {c.name}", "log-odds of leaving in a month", c.log_odds) for c in CLASSES]
    rows += [(term, "log-odds of leaving in a month", value) for term, value in LEAVING.items()]
    rows += [(term, "log-odds of answering", value) for term, value in RESPONSE.items()]
    rows += [(f"region: {r.name}", "log-odds of answering", r.response) for r in REGIONS]
    rows += [(f"region: {r.name}", "points of satisfaction", r.satisfaction) for r in REGIONS]
    rows.append(("industrial_production", "log of spending per log of the index a month before", DEMAND_ELASTICITY))
    return pd.DataFrame(rows, columns=["term", "scale", "estimate"])


def _traps(process: OrderingProcess, managers: Managers, departures: Departures) -> pd.DataFrame:
    plan, months, ids = process.plan, process.months, process.traits.customer_id
    planted = np.flatnonzero(plan.start < NEVER)
    parts = [(ids[planted], plan.kind[planted], plan.size[planted], months.starts[plan.start[planted]])]
    there = _there(process, departures)
    for number, (month, size) in enumerate(zip(managers.handover_month, managers.handover_size, strict=True)):
        handed = managers.handed_over(number)
        handed = handed[there[handed, month]]
        n = len(handed)
        parts.append((ids[handed], np.full(n, "manager_handover"), np.full(n, size), np.full(n, months.starts[month])))
    columns = ("customer_id", "trap", "size", "start")
    table = pd.DataFrame(
        {name: np.concatenate(values) for name, values in zip(columns, zip(*parts, strict=True), strict=True)}
    )
    return table.sort_values(["trap", "customer_id"], ignore_index=True)
