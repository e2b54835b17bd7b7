"""The sample company: all its tables, and the truth behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd

from kam.errors import ParameterError
from kam.samples.accounts import build_accounts, build_contacts
from kam.samples.blemishes import add_blemishes
from kam.samples.catalogue import build_catalogue
from kam.samples.departures import draw_complaints, draw_deliveries, draw_departures
from kam.samples.events import build_events
from kam.samples.ledger_table import build_ledger, euros, order_ids
from kam.samples.managers import draw_managers
from kam.samples.months import Floats, Months
from kam.samples.orders import (
    OrderingProcess,
    draw_demand,
    draw_lines,
    draw_orders,
    draw_returns,
    draw_states,
    set_discounts,
    set_levels,
)
from kam.samples.planning import MONTHS_BEFORE, build_external, build_overrides, build_programmes, build_targets
from kam.samples.survey import NonResponse, conduct_survey
from kam.samples.traits import draw_traits
from kam.samples.traps import count_traps, plant_traps
from kam.samples.truth import SampleTruth, build_truth

LAST_DAY = date(2025, 12, 31)
MIN_ACCOUNTS, MIN_MONTHS = 150, 36
TABLES = (
    *("ledger", "accounts", "contacts", "survey", "sample"),
    *("events", "targets", "overrides", "programmes", "external"),
)
_RERUN = 1_000_000  # far from the keys of a company's own streams
# Each step has a stream of its own, so that a change in one leaves the others as they were.
_STEPS = (
    *("traits", "traps", "managers", "states", "demand", "orders", "deliveries", "complaints", "departures", "lines"),
    *("returns", "ledger", "blemishes", "accounts", "contacts", "survey", "events", "targets", "overrides", "external"),
)


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class SampleCompany:
    """A fictional packaging wholesaler: the tables that a dataset may have, one frame each, and the ``truth``.

    Money is in EUR, exact to four decimals; ``as_of`` is the last day.
    """

    ledger: pd.DataFrame
    accounts: pd.DataFrame
    contacts: pd.DataFrame
    survey: pd.DataFrame
    sample: pd.DataFrame
    events: pd.DataFrame
    targets: pd.DataFrame
    overrides: pd.DataFrame
    programmes: pd.DataFrame
    external: pd.DataFrame
    as_of: date
    truth: SampleTruth

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name."""
        return {name: getattr(self, name) for name in TABLES}


def simulate_company(
    *,
    seed: int,
    n_accounts: int = 1200,
    n_months: int = 48,
    non_response: NonResponse = "ledger",
    traps: Mapping[str, int] | None = None,
    trap_scale: float = 1.0,
) -> SampleCompany:
    """Simulate a company of which everything is known.

    The process, each step documented where it is coded:

    1. Accounts have latent traits (:class:`kam.samples.traits.Traits`): class, size, rhythm of ordering,
       satisfaction, …
    2. Some get a trap (:mod:`kam.samples.traps`), portfolios get managers and handovers (:mod:`kam.samples.managers`).
    3. A latent state moves monthly by a Markov chain (:data:`kam.samples.orders.TRANSITIONS`) and, with season,
       growth, demand and traps, sets the level of spending (:func:`kam.samples.orders.set_levels`).
    4. Orders follow a renewal process with gamma gaps (:func:`kam.samples.orders.draw_orders`), as if nobody ever left.
    5. Deliveries come late or not, and some make the account complain (:mod:`kam.samples.departures`).
    6. Month by month accounts leave, with log-odds that are linear in what was recorded before
       (:func:`kam.samples.departures.draw_departures`); orders from that month on are struck out.
    7. Orders have lines, some of which come back (:func:`kam.samples.orders.draw_lines`).
    8. Two waves of a survey are drawn and answered (:func:`kam.samples.survey.conduct_survey`).
    9. The ledger gets the rows that cleaning has to remove (:func:`kam.samples.blemishes.add_blemishes`).

    Parameters
    ----------
    seed : int
        The same seed gives the same company.
    n_accounts : int, default 1200
        At least 150.
    n_months : int, default 48
        At least 36; the last ends on 2025-12-31.
    non_response : {"ledger", "satisfaction"}
        What answering the survey depends on: facts that the ledger knows (weights can repair the bias), or
        satisfaction itself (they cannot).
    traps : mapping of str to int, optional
        How many of each trap to plant; names left out are not planted. By default :data:`kam.samples.traps.TRAPS`, in
        proportion to the number of accounts, at least one of each.
    trap_scale : float, default 1
        Multiplies the sizes of all traps.

    Returns
    -------
    SampleCompany

    Raises
    ------
    ParameterError
        Too few accounts or months, an unknown trap or world, more traps than accounts.

    Examples
    --------
    >>> company = simulate_company(seed=1, n_accounts=150)
    >>> company.accounts["customer_id"].nunique(), str(company.ledger["order_date"].max().date()) <= "2025-12-31"
    (150, True)
    >>> company.truth.transitions.query("from_state == 'high' and to_state == 'high'")["probability"].item()
    0.86
    """
    if n_accounts < MIN_ACCOUNTS or n_months < MIN_MONTHS:
        raise ParameterError(
            f"A company of {n_accounts} accounts and {n_months} months is too small.",
            hint=f"Take at least {MIN_ACCOUNTS} accounts and {MIN_MONTHS} months.",
        )
    if non_response not in ("ledger", "satisfaction"):
        raise ParameterError(
            f"There is no world of non-response {non_response!r}.", hint="Take 'ledger' or 'satisfaction'."
        )
    if not 0 <= trap_scale < float("inf"):
        raise ParameterError(f"trap_scale is {trap_scale}.", hint="Take a number that is not negative.")
    counts = count_traps(traps, n_accounts)
    children = np.random.SeedSequence(seed).spawn(len(_STEPS))
    rng = {step: np.random.default_rng(child) for step, child in zip(_STEPS, children, strict=True)}
    months = Months.until(LAST_DAY, n_months)
    catalogue = build_catalogue()

    traits = draw_traits(n_accounts, months, catalogue, rng["traits"])
    plan, traits = plant_traps(traits, months, counts, trap_scale, rng["traps"])
    managers = draw_managers(traits, months, counts["manager_handover"], trap_scale, rng["managers"])
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
    orders, deliveries, complaints = orders.where(made), deliveries.where(made), complaints.where(made)
    lines = draw_lines(process, orders, rng["lines"])
    returns = draw_returns(process, orders, lines, rng["returns"])
    clean = build_ledger(process, orders, deliveries, lines, returns, rng["ledger"])
    ledger, audit = add_blemishes(clean, rng["blemishes"])

    accounts, duplicates = build_accounts(traits, plan, months, managers, clean, rng["accounts"])
    contacts = build_contacts(traits, months, departures, rng["contacts"])
    outcome = conduct_survey(
        process, orders, deliveries, complaints, departures, lines, contacts, non_response, rng["survey"]
    )
    return SampleCompany(
        ledger=_missing_as_nan(ledger),
        accounts=_missing_as_nan(accounts),
        contacts=contacts,
        survey=_missing_as_nan(outcome.survey),
        sample=outcome.sample,
        events=_missing_as_nan(build_events(traits, plan, months, managers, complaints, departures, rng["events"])),
        targets=build_targets(clean, months, rng["targets"]),
        overrides=build_overrides(accounts, months, rng["overrides"]),
        programmes=build_programmes(),
        external=_missing_as_nan(build_external(demand, months, rng["external"])),
        as_of=LAST_DAY,
        truth=build_truth(process, managers, departures, states, demand, outcome, audit, duplicates),
    )


def simulate_rerun(company: SampleCompany, *, seed: int, states: Literal["kept", "redrawn"] = "kept") -> pd.DataFrame:
    """Let the same process run again: the same accounts with the same latent traits, their orders drawn anew.

    Kept are traits, traps, season, growth, demand, joining and leaving; redrawn are the gaps between orders, the
    values, the lines and what is sent back. The months in which an account was dormant, low, normal or high are kept
    too, unless ``states="redrawn"``: then the Markov chain runs again as well.

    Parameters
    ----------
    company : SampleCompany
    seed : int
        Different seeds give independent runs, independent of the company's own ledger too.
    states : {"kept", "redrawn"}, default "kept"

    Returns
    -------
    pandas.DataFrame
        A ledger without blemishes: one row per order line or credit note, ``customer_id, order_id, order_date,
        amount, cost``.

    Examples
    --------
    >>> company = simulate_company(seed=1, n_accounts=150)
    >>> again = simulate_rerun(company, seed=2)
    >>> again["customer_id"].nunique() > 140
    True
    """
    process = company.truth.process
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_RERUN,)))
    if states == "redrawn":
        redrawn = draw_states(process.traits, process.plan, process.months, rng)
        level = set_levels(process.traits, process.plan, process.months, redrawn, _known_demand(company.truth.demand))
        process = replace(process, level=level)
    orders = draw_orders(process, rng)
    lines = draw_lines(process, orders, rng)
    returns = draw_returns(process, orders, lines, rng)
    ids = order_ids(orders)
    parts = [(lines, ids[lines.order]), (returns, np.char.add("CN", ids[returns.order]))]
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "customer_id": process.traits.customer_id[part.account],
                    "order_id": part_ids,
                    "order_date": process.months.dates(part.day),
                    "amount": euros(part.amount),
                    "cost": euros(part.quantity * part.unit_cost),
                }
            )
            for part, part_ids in parts
        ],
        ignore_index=True,
    )


def _missing_as_nan(table: pd.DataFrame) -> pd.DataFrame:
    """Text columns of one type, a missing text always NaN."""
    objects = [column for column in table.columns if table[column].dtype == object]
    return table.astype(dict.fromkeys(objects, "str"))


def _known_demand(demand: Floats) -> Floats:
    """The index of the month before each month of the simulation."""
    return demand[:, MONTHS_BEFORE - 1 : -1]
