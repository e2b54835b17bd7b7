"""Forty accounts that order evenly for three years, and what may be planted on some of them."""

from functools import cache

import numpy as np
import pandas as pd

from kam.ledger import Cleaning, Ledger, open_ledger

SIGNS = {
    "01": "discount depth",
    "02": "shipping elsewhere",
    "03": "period-end loading",
    "04": "returns",
    "05": "order spike",
    "06": "own brand",
    "07": "rising cost-to-serve",
    "08": "stagnation",
    "09": "concentration of buying",
    "10": "dependence",
}
AS_IS = Cleaning(duplicates=False, zero_amounts=False, cancellations=False)
END = "2024-12-31"


def even_orders() -> pd.DataFrame:
    """An order about every ten days, of one line in one of three groups, by each of forty accounts."""
    return _even_orders().copy()


@cache
def _even_orders() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    days = pd.date_range("2022-01-01", END)
    parts = []
    for number in range(1, 41):
        day = np.sort(rng.choice(len(days), 110, replace=False))
        parts.append(pd.DataFrame({"customer_id": f"{number:02d}", "order_date": days[day]}))
    lines = pd.concat(parts, ignore_index=True)
    n = len(lines)
    listed = 100 * rng.lognormal(0, 0.2, n)
    rate = rng.choice([0.08, 0.1, 0.12], n)
    return lines.assign(
        order_id=[f"O{i:05d}" for i in range(n)],
        discount=(listed * rate).round(2),
        amount=(listed * (1 - rate)).round(2),
        product_group=rng.choice(["film", "labels", "tape"], n),
        freight=(listed * rng.choice([0.03, 0.04, 0.05], n)).round(2),
        trade_terms=0.0,
        region="north",
        ship_region="north",
    )


def plant(lines: pd.DataFrame) -> pd.DataFrame:
    """What :data:`SIGNS` says, from 2024 on, one sign on each of ten accounts."""
    lines = lines.copy()
    recent = lines["order_date"] >= "2024-01-01"
    of = {number: recent & lines["customer_id"].eq(number) for number in SIGNS}
    third = np.arange(len(lines)) % 3 == 0
    whole = lines["amount"] + lines["discount"]
    lines.loc[of["01"], "discount"] = (0.3 * whole).round(2)
    lines.loc[of["01"], "amount"] = (0.7 * whole).round(2)
    lines.loc[of["02"] & third, "ship_region"] = "south"
    quarter_end = lines["order_date"].dt.to_period("Q").dt.end_time.dt.normalize()
    lines.loc[of["03"] & ~third, "order_date"] = quarter_end
    back = lines[of["04"] & third].assign(order_id=lambda f: "C" + f["order_id"])
    back = back.assign(amount=-0.5 * back["amount"].round(2), discount=0.0, freight=0.0)
    lines.loc[of["05"] & lines["order_date"].dt.month.eq(5), ["amount", "discount"]] *= 50
    lines.loc[of["06"] & lines["product_group"].eq("tape"), "product_group"] = "film"
    lines.loc[of["07"], "freight"] = (0.15 * lines["amount"]).round(2)
    years = (lines["order_date"] - pd.Timestamp("2022-01-01")).dt.days / 365
    eighth = lines["customer_id"].eq("08")
    lines.loc[eighth, ["amount", "discount", "freight"]] = (
        lines.loc[eighth, ["amount", "discount", "freight"]].mul((1 - 0.31 * years[eighth]), axis=0).round(2)
    )
    largest = of["09"] & lines["order_date"].eq(lines.loc[of["09"], "order_date"].max())
    lines.loc[largest, ["amount", "discount", "freight"]] *= 60
    tenth = lines["customer_id"].eq("10")
    lines.loc[tenth, ["amount", "discount", "freight"]] *= 8
    return pd.concat([lines, back], ignore_index=True)


def opened(lines: pd.DataFrame) -> Ledger:
    """The ledger of the lines as they are."""
    return open_ledger(lines, as_of=END, currency="EUR", cleaning=AS_IS)


@cache
def planted_ledger() -> Ledger:
    """The ledger of :func:`even_orders` with what :func:`plant` plants; opened once, so do not change it."""
    return opened(plant(even_orders()))


@cache
def clean_ledger() -> Ledger:
    """The ledger of :func:`even_orders`; opened once, so do not change it."""
    return opened(even_orders())
