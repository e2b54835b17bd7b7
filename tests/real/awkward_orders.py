"""Order lines with all that engines treat differently, and what plain loops make of them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from kam.ledger.cleaning import (
    AFTER_AS_OF,
    CANCELLATIONS,
    DUPLICATES,
    NO_AMOUNT,
    NO_CUSTOMER,
    NO_DATE,
    NON_PRODUCTS,
    RULES,
    ZERO_AMOUNTS,
)

ZONE = "America/New_York"
AS_OF = date(2024, 6, 30)
POSTAGE = "POST"

# Sorted in another way by every collation; with quotes, backslashes, blanks at the ends, letters of two code units.
CUSTOMERS = ("007", "7", "a", "B", "Ä", "_x", 'O\'Hara \\ "q"', "a b", "김철수", "𠮷野", "Zz", "ab%")
SPELT = {"007": (" 007 ", "007\t", "\u00a0007"), "a": ("a ", "\u3000a")}
NOBODY = (None, "", "  ", "N/A", "null")
PRODUCTS = ("p", "P", "p", "q'", "p", "P", POSTAGE, None)
GROUPS = ("film", "Tape", "éclair", None)
REGIONS = ("N", "s", None)

MONEY = pa.decimal128(18, 4)
SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("order_date", pa.timestamp("us", "UTC")),
        ("amount", MONEY),
        ("order_id", pa.string()),
        ("cost", MONEY),
        ("quantity", pa.float64()),
        ("product_id", pa.string()),
        ("product_group", pa.string()),
        ("discount", MONEY),
        ("freight", MONEY),
        ("trade_terms", MONEY),
        ("currency", pa.string()),
        ("region", pa.string()),
        ("ship_region", pa.string()),
        ("promised_date", pa.date32()),
        ("delivered_date", pa.date32()),
        ("note", pa.string()),
    ]
)
"""A source whose columns have the names of the ledger's, and ``note``, which the ledger does not know."""


def awkward_orders(seed: int = 1) -> pa.Table:
    """Some hundred lines: missing values, ties, copies, cancellations, moments on both sides of midnight, exact money."""
    draw = random.Random(seed)
    rows = [row for number in range(170) for row in _order(draw, number)]
    rows += [_cancel(draw, row) for row in draw.sample([row for row in rows if (row["amount"] or 0) > 0], 40)]
    rows += _ties()
    rows += [dict(row) for row in draw.sample(rows, 25)]
    odd = [{"customer_id": name} for name in NOBODY] + [
        {"order_date": None},
        {"order_date": _moment(date(2099, 1, 1), time(0))},
        {"order_date": _moment(AS_OF + timedelta(days=1), time(0))},
        {"amount": None},
        {"amount": Decimal(0)},
        {"amount": Decimal("12345678901.2345"), "product_id": "p"},
        {"amount": Decimal("-0.0001"), "product_id": "P"},
    ]
    sold = [row for row in rows if row["amount"] and row["order_date"] and row["customer_id"] in CUSTOMERS]
    rows += [draw.choice(sold) | change for change in odd]
    draw.shuffle(rows)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _order(draw: random.Random, number: int) -> Iterable[dict[str, Any]]:
    customer = draw.choice(CUSTOMERS)
    first = date(2023, 1, 1)
    day = draw.choice(
        [
            first + timedelta(days=draw.randrange((AS_OF - first).days + 1)),
            draw.choice(
                [date(2023, 1, 31), date(2024, 2, 29), date(2024, 3, 31), date(2023, 12, 31), date(2024, 2, 1)]
            ),
        ]
    )
    order_id = draw.choice([f"o{number}", f"O{number}", f"{number:03}", None, "shared"])
    promised = draw.choice([None, day + timedelta(days=draw.randrange(1, 20))])
    for _ in range(draw.choice([1, 1, 2, 3])):
        # A line of the same order may be of the next month.
        own = min(day + timedelta(days=draw.choice([0, 0, 0, 1])), AS_OF)
        amount = Decimal(draw.randrange(-20_000, 900_000)).scaleb(-4) * draw.choice([1, 1, 10])
        yield {
            "customer_id": draw.choice((customer, customer, *SPELT.get(customer, ()))),
            "order_date": _moment(own, draw.choice([time(0), time(23, 59, 59, 999_999), time(3, 30), time(12)])),
            "amount": amount,
            "order_id": order_id,
            "cost": draw.choice([None, (amount / 2).quantize(Decimal("0.0001")), Decimal("0.3333")]),
            "quantity": draw.choice([1.0, 2.5, 3.0]) * (1 if amount > 0 else -1),
            "product_id": draw.choice(PRODUCTS),
            "product_group": draw.choice(GROUPS),
            "discount": draw.choice([None, Decimal("0.0001"), Decimal("1.5")]),
            "freight": draw.choice([None, Decimal("2.2222")]),
            "trade_terms": draw.choice([None, Decimal("0.1")]),
            "currency": draw.choice(["eur", " EUR", "EUR", None]),
            "region": draw.choice(REGIONS),
            "ship_region": draw.choice(REGIONS),
            "promised_date": promised,
            "delivered_date": promised and draw.choice([None, promised + timedelta(days=draw.randrange(-3, 4))]),
            "note": draw.choice(["x", "", None]),
        }


def _cancel(draw: random.Random, sale: dict[str, Any]) -> dict[str, Any]:
    later = sale["order_date"] + timedelta(days=draw.choice([0, 0, 1, 5, 40]))
    return sale | {"order_date": later, "amount": -sale["amount"], "quantity": -sale["quantity"], "cost": None}


def _ties() -> list[dict[str, Any]]:
    """At one moment three orders of the same, which differ in their numbers only, and one cancellation of any of them."""
    sale = {
        "customer_id": "Zz",
        "order_date": _moment(date(2024, 5, 31), time(0)),
        "amount": Decimal("9.9999"),
        "quantity": 3.0,
        "product_id": "p",
        "currency": "EUR",
    }
    sales = [sale | {"order_id": name} for name in ("b1", "B2", "_3", "Ä4")]
    undone = {"order_date": _moment(date(2024, 6, 1), time(0)), "amount": -sale["amount"], "quantity": -3.0}
    return [*sales, sale | undone | {"order_id": "undone"}]


def _moment(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, ZoneInfo(ZONE)).astimezone(UTC)


# -- plain loops -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cleaned:
    """What plain loops make of the source.

    Attributes
    ----------
    kept : list of dict
        The lines that are kept.
    counts : dict of str to (int, decimal.Decimal)
        Rows and money by rule.
    undone : list of (dict, datetime.date)
        Sales that were netted, with the day of their cancellation.
    """

    kept: list[dict[str, Any]]
    counts: dict[str, tuple[int, Decimal]]
    undone: list[tuple[dict[str, Any], date]]


def clean_plainly(source: pa.Table) -> Cleaned:
    """The rules of :mod:`kam.ledger.cleaning`, one row after the other."""
    found: dict[str, list[dict[str, Any]]] = {rule: [] for rule in RULES}
    left: list[dict[str, Any]] = []
    seen: set[tuple[Any, ...]] = set()
    for raw in source.to_pylist():
        row = _typed(raw)
        key = tuple(raw.values())
        # A copy of a row is one whatever becomes of the row.
        is_copy = key in seen
        seen.add(key)
        checks = {
            NO_CUSTOMER: row["customer_id"] is None,
            NO_DATE: row["day"] is None,
            AFTER_AS_OF: row["day"] is not None and row["day"] > AS_OF,
            NO_AMOUNT: row["amount"] is None,
            DUPLICATES: is_copy,
            ZERO_AMOUNTS: row["amount"] == 0,
            NON_PRODUCTS: row["product_id"] == POSTAGE,
        }
        rule = next((rule for rule, is_broken in checks.items() if is_broken), None)
        (left if rule is None else found[rule]).append(row)
    pairs = _pairs(left)
    found[CANCELLATIONS] = [row for pair in pairs for row in pair]
    gone = {id(row) for row in found[CANCELLATIONS]}
    counts = {
        rule: (len(rows), sum((row["amount"] or Decimal(0) for row in rows), Decimal(0)))
        for rule, rows in found.items()
    }
    return Cleaned(
        kept=[row for row in left if id(row) not in gone],
        counts=counts,
        undone=[(sale, cancellation["day"]) for sale, cancellation in pairs],
    )


def _typed(raw: dict[str, Any]) -> dict[str, Any]:
    row = {name: (value.strip() or None) if isinstance(value, str) else value for name, value in raw.items()}
    if row["customer_id"] is not None and row["customer_id"].upper() in ("N/A", "NULL"):
        row["customer_id"] = None
    local = row["order_date"] and row["order_date"].astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)
    row |= {"order_date": local, "day": local and local.date(), "currency": row["currency"] and row["currency"].upper()}
    row["number"] = row["order_id"] or f"{row['customer_id']} {row['day']}"
    return row


def _pairs(rows: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Sales with their cancellations: the latest open one of the same customer, product, quantity and price."""
    columns = [name for name in SCHEMA.names if name not in ("order_date", "note")]

    def place(row: dict[str, Any]) -> tuple[Any, ...]:
        last = [(row[name] is None, row[name] if row[name] is not None else 0) for name in columns]
        return (row["order_date"], row["amount"] > 0, *last)

    stacks: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    pairs = []
    for row in sorted(rows, key=place):
        if row["product_id"] is None or (row["amount"] > 0) != (row["quantity"] > 0):
            continue
        stack = stacks[row["customer_id"], row["product_id"], abs(row["quantity"]), abs(row["amount"])]
        if row["amount"] > 0:
            stack.append(row)
        elif stack:
            pairs.append((stack.pop(), row))
    return pairs


def by_customer(rows: Sequence[dict[str, Any]], groups: dict[str, str]) -> list[dict[str, Any]]:
    """The same lines under the group of each customer."""
    return [row | {"customer_id": groups.get(row["customer_id"], row["customer_id"])} for row in rows]
