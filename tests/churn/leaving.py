"""Companies whose accounts leave by a known hazard: the steps of ``kam.samples`` that decide it, and no ledger table.

The streams are those of :func:`kam.samples.simulate_company`, so that the hazards are the same as its ``truth.hazards``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.hazard_model import HazardModel
from kam.samples.catalogue import build_catalogue
from kam.samples.company import _STEPS, LAST_DAY, _known_demand
from kam.samples.departures import (
    BANDS,
    LEAVING,
    Complaints,
    Deliveries,
    Departures,
    bands_of,
    draw_complaints,
    draw_deliveries,
    draw_departures,
)
from kam.samples.managers import Managers, draw_managers
from kam.samples.months import Months
from kam.samples.orders import (
    OrderingProcess,
    Orders,
    draw_demand,
    draw_orders,
    draw_states,
    set_discounts,
    set_levels,
)
from kam.samples.planning import MONTHS_BEFORE
from kam.samples.traits import CLASSES, draw_traits
from kam.samples.traps import count_traps, plant_traps

Floats = npt.NDArray[np.float64]

PLANTED = {
    "share_late": LEAVING["late_share"],
    "n_complaints": LEAVING["n_complaints"],
    "handover": LEAVING["handover"],
    "band: low": LEAVING["low"],
    "band: high": LEAVING["high"],
    "latent_class: partner": CLASSES[0].log_odds - CLASSES[1].log_odds,
    "latent_class: opportunist": CLASSES[2].log_odds - CLASSES[1].log_odds,
}
"""Log-odds of leaving in a month, by the name of the term."""
_STEPS_OF = {"share_late": 10.0}  # terms whose coefficient is for a tenth


@dataclass(frozen=True, eq=False, kw_only=True)
class Leaving:
    """What decides who leaves, and when; ``orders`` and the rest only until then."""

    process: OrderingProcess
    managers: Managers
    departures: Departures
    orders: Orders
    deliveries: Deliveries
    complaints: Complaints


def draw_company(seed: int, *, n_accounts: int = 1200, n_months: int = 48) -> Leaving:
    """The steps of ``simulate_company`` up to the departures."""
    counts = count_traps(None, n_accounts)
    children = np.random.SeedSequence(seed).spawn(len(_STEPS))
    rng = {step: np.random.default_rng(child) for step, child in zip(_STEPS, children, strict=True)}
    months, catalogue = Months.until(LAST_DAY, n_months), build_catalogue()
    traits = draw_traits(n_accounts, months, catalogue, rng["traits"])
    plan, traits = plant_traps(traits, months, counts, 1.0, rng["traps"])
    managers = draw_managers(traits, months, counts["manager_handover"], 1.0, rng["managers"])
    states = draw_states(traits, plan, months, rng["states"])
    demand = draw_demand(months, MONTHS_BEFORE, rng["demand"])
    process = OrderingProcess(
        traits=traits,
        plan=plan,
        months=months,
        catalogue=catalogue,
        level=set_levels(traits, plan, months, states, _known_demand(demand)),
        discount=set_discounts(traits, plan, months, managers),
        last_day=np.full(n_accounts, months.n_days),
    )
    orders = draw_orders(process, rng["orders"])
    deliveries = draw_deliveries(process, orders, rng["deliveries"])
    complaints = draw_complaints(process, orders, deliveries, rng["complaints"])
    departures = draw_departures(process, orders, deliveries, complaints, managers, rng["departures"])
    process = replace(process, last_day=months.first_day[np.minimum(departures.left, n_months)])
    made = orders.day < process.last_day[orders.account]
    return Leaving(
        process=process,
        managers=managers,
        departures=departures,
        orders=orders.where(made),
        deliveries=deliveries.where(made),
        complaints=complaints.where(made),
    )


def true_person_periods(company: Leaving) -> pd.DataFrame:
    """``truth.hazards`` in the columns of person-periods; ``manager_effect`` is the planted one, handover its size."""
    departures, traits = company.departures, company.process.traits
    account, month = np.nonzero(departures.at_risk)
    joined = company.process.months.of(traits.joined_day)
    return pd.DataFrame(
        {
            "customer_id": traits.customer_id[account],
            "period": company.process.months.starts[month].astype("datetime64[us]"),
            "tenure": month - joined[account],
            "entry": np.maximum(joined, 2)[account] + 1 - joined[account],
            "event": departures.left[account] == month,
            "late_share": departures.late_share[account, month],
            "n_complaints": departures.n_complaints[account, month],
            "handover": departures.handover[account, month],
            "manager_effect": departures.manager[account, month],
            "band": np.array(BANDS)[bands_of(traits.satisfaction[account])],
            "latent_class": np.array([c.name for c in CLASSES])[traits.latent_class[account]],
        }
    )


def seen_tables(company: Leaving) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What an analyst has of accounts without a trap: order lines, events, accounts (with class and band, which nobody sees)."""
    process, managers = company.process, company.managers
    traits, months, orders = process.traits, process.months, company.orders
    ledger = pd.DataFrame(
        {
            "customer_id": traits.customer_id[orders.account],
            "order_date": months.dates(orders.day),
            "amount": np.round(orders.value, 2) + 0.01,
            "promised_date": months.dates(company.deliveries.promised),
            "delivered_date": months.dates(company.deliveries.delivered),
        }
    )
    ends = np.datetime64(LAST_DAY)
    ledger["delivered_date"] = ledger["delivered_date"].where(ledger["delivered_date"] <= ends)
    happened = company.complaints.day < months.n_days
    parts = [
        pd.DataFrame(
            {
                "customer_id": traits.customer_id[company.complaints.account[happened]],
                "date": months.dates(company.complaints.day[happened]),
                "kind": "complaint",
            }
        )
    ]
    for number, month in enumerate(managers.handover_month):
        handed = managers.handed_over(number)
        handed = handed[company.departures.left[handed] > month]
        parts.append(
            pd.DataFrame({"customer_id": traits.customer_id[handed], "date": months.starts[month], "kind": "handover"})
        )
    plain = process.plan.kind == ""  # accounts with a trap leave by no hazard
    accounts = pd.DataFrame(
        {
            "customer_id": traits.customer_id,
            "latent_class": np.array([c.name for c in CLASSES])[traits.latent_class],
            "band": np.array(BANDS)[bands_of(traits.satisfaction)],
        }
    )
    chosen = traits.customer_id[plain]
    found = (ledger, pd.concat(parts, ignore_index=True), accounts)
    return tuple(frame[frame["customer_id"].isin(chosen)].reset_index(drop=True) for frame in found)  # type: ignore[return-value]


def fit_knowing(truth: pd.DataFrame) -> Floats:
    """Estimate and standard error of :data:`PLANTED` by who knows the model, departures, handovers' sizes and managers."""
    names = list(PLANTED)
    columns = [truth["late_share"], truth["n_complaints"], truth["handover"]]
    for name in names[3:]:
        term, level = name.split(": ")
        columns.append(truth[term] == level)
    x = np.column_stack([np.ones(len(truth)), *columns]).astype(np.float64)
    y, offset = truth["event"].to_numpy(dtype=np.float64), truth["manager_effect"].to_numpy()
    beta = np.zeros(x.shape[1])
    for _ in range(12):
        p = 1 / (1 + np.exp(-x @ beta - offset))
        inverse = np.linalg.inv((x * (p * (1 - p))[:, None]).T @ x)
        beta = beta + inverse @ (x.T @ (y - p))
    return np.column_stack([beta, np.sqrt(np.diag(inverse))])[1:]


def in_planted_units(model: HazardModel) -> Floats:
    """Estimate and standard error of :data:`PLANTED`; missing where the model lacks the term."""
    assert model.design is not None
    found = np.full((len(PLANTED), 2), np.nan)
    for i, name in enumerate(PLANTED):
        if name in model.design.names:
            at = model.first_term + model.design.names.index(name)
            found[i] = _STEPS_OF.get(name, 1.0) * np.array([model.beta[at], np.sqrt(model.cov[at, at])])
    return found
