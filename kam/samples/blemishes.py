"""What a ledger has that no analysis should see: rows that the cleaning rules remove, counted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kam.samples.catalogue import NON_PRODUCT_CODES

_SHARES = {
    "without customer": 0.004,
    "exact duplicates": 0.003,
    "zero amounts": 0.0015,
    "non-product codes": 0.008,
    "orders with their cancellation": 0.003,
}


def add_blemishes(ledger: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add rows to a clean ledger such that removing them gives it back, and say which.

    Missing customers are cash orders of the web shop, duplicates repeat a line in all columns, zero amounts are free
    samples on an order, non-product codes are postage and the like, and a cancellation is a line that is entered once
    more on the next working day and taken back one to four working days later.

    Returns
    -------
    ledger : pandas.DataFrame
        With the rows added, sorted by day and order.
    audit : pandas.DataFrame
        One row per rule: ``rule, n_rows, amount`` of what was added (a cancellation is two rows).
    """
    is_order = (ledger["amount"] > 0).to_numpy()
    last = ledger["order_date"].max()
    early = (ledger["order_date"] < last - pd.Timedelta(days=12)).to_numpy()
    shuffled = rng.permutation(np.flatnonzero(is_order & early))
    pool = shuffled[~ledger["order_id"].iloc[shuffled].duplicated().to_numpy()]  # one line of an order at most
    counts = {rule: round(share * len(ledger)) for rule, share in _SHARES.items()}
    places = dict(zip(counts, np.split(pool, np.cumsum(list(counts.values()))), strict=False))

    def copy(rule: str) -> pd.DataFrame:
        return ledger.iloc[np.sort(places[rule])].copy()

    cash = copy("without customer")
    cash["customer_id"] = None
    cash["channel"] = "web shop"
    cash["order_id"] = [f"WB{n:06d}" for n in range(1, len(cash) + 1)]

    doubled = copy("exact duplicates")

    free = copy("zero amounts")
    list_price = (free["amount"] + free["discount"]) / free["quantity"]
    free["cost"] = (5 * free["cost"] / free["quantity"]).round(4)
    free["discount"] = (5 * list_price).round(4)
    free["quantity"] = 5
    free[["unit_price", "amount", "freight", "trade_terms"]] = 0.0

    charges = copy("non-product codes")
    charges["product_id"] = rng.choice(NON_PRODUCT_CODES, len(charges), p=[0.15, 0.15, 0.6, 0.1])
    charges["product_group"] = None
    charges["quantity"] = 1
    charges["unit_price"] = np.round(rng.uniform(4.0, 25.0, len(charges)), 1)
    charges["amount"] = charges["unit_price"]
    charges[["discount", "cost", "freight", "trade_terms"]] = 0.0

    entered = copy("orders with their cancellation")
    entered["order_id"] = [f"SX{n:06d}" for n in range(1, len(entered) + 1)]
    entered[["freight", "trade_terms"]] = 0.0
    days = entered["order_date"].to_numpy().astype("datetime64[D]")
    entered["order_date"] = np.busday_offset(days, 1)
    taken_back = entered.copy()
    taken_back["order_id"] = [f"CX{n:06d}" for n in range(1, len(entered) + 1)]
    taken_back["order_date"] = np.busday_offset(days, 1 + rng.integers(1, 5, len(entered)))
    for column in ("quantity", "discount", "amount", "cost"):
        taken_back[column] = -taken_back[column]
    for column in ("promised_date", "delivered_date", "due_date", "paid_date"):
        entered[column] = taken_back[column] = entered[column].mask(entered[column].notna())

    added = {
        "without customer": cash,
        "exact duplicates": doubled,
        "zero amounts": free,
        "non-product codes": charges,
        "orders with their cancellation": pd.concat([entered, taken_back]),
    }
    audit = pd.DataFrame(
        {
            "rule": list(added),
            "n_rows": [len(rows) for rows in added.values()],
            "amount": [round(float(rows["amount"].sum()), 4) for rows in added.values()],
        }
    )
    whole = pd.concat([ledger, *added.values()], ignore_index=True)
    return whole.sort_values(["order_date", "order_id"], kind="stable", ignore_index=True), audit
