"""The ledger as a table: lines and credit notes with prices, costs, freight, terms and dates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kam.samples.departures import Deliveries
from kam.samples.months import Dates, Flags, Ints, Months, Texts
from kam.samples.orders import Lines, OrderingProcess, Orders
from kam.samples.traits import CHANNELS, REGIONS

MONEY = ("unit_price", "discount", "amount", "cost", "freight", "trade_terms")
"""The columns of money, DECIMAL(18,4) in a file."""


def euros(money: Ints) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Whole 10⁻⁴ EUR as EUR, exact to four decimals."""
    return money / 10_000


def dates_or_missing(days: Ints, known: Flags, months: Months) -> Dates:
    """Days as dates, missing where not known."""
    return np.where(known, months.dates(days), np.datetime64("NaT"))


def order_ids(orders: Orders) -> Texts:
    """One identifier per order, numbered by day."""
    number = np.empty(len(orders.day), dtype=np.int64)
    number[np.lexsort((orders.account, orders.day))] = np.arange(len(orders.day))
    return np.char.add("SO", (100_001 + number).astype(str))


def build_ledger(
    process: OrderingProcess,
    orders: Orders,
    deliveries: Deliveries,
    lines: Lines,
    returns: Lines,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Put the lines and what was sent back into one table, sorted by day and order.

    1. ``discount`` = quantity × (list − net price); ``amount`` = quantity × ``unit_price``, exactly, both in EUR.
    2. ``freight``, on the first line of an order: 9 EUR + the account's rate (1.5–4.5 %) of the order, and what
       rising cost-to-serve adds; ``trade_terms`` on every line: the account's rate (0.5–3 % for large accounts), and
       the like. Both in whole EUR.
    3. Shipped to the home region; elsewhere 2 % of the orders, and what dumping adds.
    4. Paid delay days after due: normal(account's mean, 5), the mean gamma(2, 5) − 4. What happens after the last day
       is not known yet: not delivered, not paid. A credit note has no delivery, is not due, and carries neither
       freight nor terms.
    """
    traits, months, plan, catalogue = process.traits, process.months, process.plan, process.catalogue
    n_orders = len(orders.day)
    month = months.of(orders.day)
    ids = order_ids(orders)

    elsewhere = rng.random(n_orders) < np.maximum(
        0.02, np.minimum(0.4 * plan.doses("dumping", orders.account, month), 0.9)
    )
    home = traits.region[orders.account]
    ship = np.where(elsewhere, (home + rng.integers(1, len(REGIONS), n_orders)) % len(REGIONS), home)
    other_channel = rng.random(n_orders) < 0.2
    channel = np.where(other_channel, rng.integers(0, len(CHANNELS), n_orders), traits.channel[orders.account])
    mean_delay = rng.gamma(2.0, 5.0, len(traits)) - 4
    due = deliveries.delivered + traits.payment_days[orders.account]
    paid = np.maximum(due + np.rint(rng.normal(mean_delay[orders.account], 5.0)).astype(np.int64), deliveries.delivered)

    amount = lines.amount
    rising = plan.ramps("rising_cost_to_serve", orders.account, month, 18)
    total = np.bincount(lines.order, amount, minlength=n_orders)
    freight_of_order = 9 + (traits.freight_rate[orders.account] + 0.08 * rising) * total / 10_000
    _, first = np.unique(lines.order, return_index=True)
    freight = np.zeros(len(amount))
    freight[first] = np.rint(freight_of_order[lines.order[first]])
    terms = np.rint((traits.terms_rate[lines.account] + 0.05 * rising[lines.order]) * amount / 10_000)

    both = Lines(*(np.concatenate([getattr(lines, f), getattr(returns, f)]) for f in lines.__dataclass_fields__))
    n_returns = len(returns.order)
    is_order = np.arange(len(both.order)) < len(amount)
    of_order = both.order
    credit_ids = np.char.add("CN", (500_001 + np.argsort(np.argsort(returns.day, kind="stable"))).astype(str))
    region_names = np.array([r.name for r in REGIONS])
    no = np.zeros(n_returns)
    table = pd.DataFrame(
        {
            "order_id": np.concatenate([ids[lines.order], credit_ids]),
            "order_date": months.dates(both.day),
            "customer_id": traits.customer_id[both.account],
            "product_id": catalogue.product_id[both.product],
            "product_group": catalogue.group_names[catalogue.group[both.product]],
            "quantity": both.quantity,
            "unit_price": euros(both.unit_price),
            "discount": euros(both.quantity * (both.unit_list - both.unit_price)),
            "amount": euros(both.amount),
            "cost": euros(both.quantity * both.unit_cost),
            "freight": np.concatenate([freight, no]),
            "trade_terms": np.concatenate([terms, no]),
            "currency": np.full(len(both.order), "EUR"),
            "region": region_names[traits.region[both.account]],
            "ship_region": region_names[ship[of_order]],
            "channel": np.array(CHANNELS)[channel[of_order]],
            "promised_date": dates_or_missing(deliveries.promised[of_order], is_order, months),
            "delivered_date": dates_or_missing(
                deliveries.delivered[of_order], is_order & (deliveries.delivered[of_order] < months.n_days), months
            ),
            "due_date": dates_or_missing(due[of_order], is_order, months),
            "paid_date": dates_or_missing(paid[of_order], is_order & (paid[of_order] < months.n_days), months),
        }
    )
    return table.iloc[np.lexsort((table["order_id"].to_numpy(), both.day))].reset_index(drop=True)
