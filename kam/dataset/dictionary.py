"""The data dictionary: every table a dataset can have, and every column of it.

One declaration serves the check of ``dataset.yaml``, the reading of tables, the drafting of a first ``dataset.yaml``
and the manual. Canonical names are the ones analyses use; ``columns:`` maps them to the names in the source.

>>> TABLES["ledger"].required
('customer_id', 'order_date')
>>> TABLES["contacts"].columns["influence"].domain
'1 to 5'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from kam.wording import N_

ColumnType = Literal["id", "date", "money", "number", "text", "flag", "period"]
Personal = Literal["", "colleague", "person", "private", "note"]


@dataclass(frozen=True, kw_only=True)
class ColumnSpec:
    """One column: its type, what it means, and what values it may have.

    ``id`` is text with leading zeros kept, ``date`` a day or a time, ``money`` exact to four decimals, ``number`` a
    float, ``flag`` yes or no, ``period`` a month, quarter or year, named (2025, 2025-Q1, 2025-01) or by its first day.
    ``low`` and ``high`` are inclusive, ``above`` is exclusive; ``allowed`` lists the only texts there may be.

    A required column is there and has a value in every row; a declared one (an item, a judged criterion) is there.

    ``personal`` says what becomes of it where a report is shared (:mod:`kam.dataset.audience`): names of a ``colleague`` and
    identifiers of a ``person`` outside get pseudonyms, what is ``private`` goes, and of a ``note``, which anything may have been
    written into, stays what many rows have in common.
    """

    type: ColumnType
    meaning: str
    required: bool = False
    declared: bool = False
    low: float | None = None
    high: float | None = None
    above: float | None = None
    allowed: tuple[str, ...] = ()
    personal: Personal = ""

    @property
    def domain(self) -> str:
        """The values there may be, in words; empty if any will do."""
        if self.allowed:
            return ", ".join(self.allowed)
        low = f"above {self.above:g}" if self.above is not None else f"{self.low:g}" if self.low is not None else ""
        high = f"{self.high:g}" if self.high is not None else ""
        if self.above is not None:
            return f"{low}, at most {high}" if high else low
        if low and high:
            return f"{low} to {high}"
        return f"at least {low}" if low else f"at most {high}" if high else ""


@dataclass(frozen=True, kw_only=True)
class TableSpec:
    """One table: what a row stands for, its columns, the columns that identify a row, and what is lost without it."""

    one_row_per: str
    columns: Mapping[str, ColumnSpec]
    key: tuple[str, ...] = ()
    without: str

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that have to be there."""
        return tuple(name for name, column in self.columns.items() if column.required)


def _id(meaning: str, *, required: bool = False, personal: Personal = "") -> ColumnSpec:
    return ColumnSpec(type="id", meaning=meaning, required=required, personal=personal)


def _text(
    meaning: str, *, required: bool = False, allowed: tuple[str, ...] = (), personal: Personal = ""
) -> ColumnSpec:
    return ColumnSpec(type="text", meaning=meaning, required=required, allowed=allowed, personal=personal)


def _date(meaning: str, *, required: bool = False) -> ColumnSpec:
    return ColumnSpec(type="date", meaning=meaning, required=required)


def _money(meaning: str, *, required: bool = False, low: float | None = None) -> ColumnSpec:
    return ColumnSpec(type="money", meaning=meaning, required=required, low=low)


def _number(
    meaning: str,
    *,
    required: bool = False,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
) -> ColumnSpec:
    return ColumnSpec(type="number", meaning=meaning, required=required, low=low, high=high, above=above)


def _flag(meaning: str) -> ColumnSpec:
    return ColumnSpec(type="flag", meaning=meaning)


def _period(meaning: str, *, required: bool = False) -> ColumnSpec:
    return ColumnSpec(type="period", meaning=meaning, required=required)


_CUSTOMER = _id("identifier of the customer, the same in every table; leading zeros are kept", required=True)

TABLES: dict[str, TableSpec] = {
    "ledger": TableSpec(
        one_row_per="order line, or order",
        without=N_("Without a ledger: nothing about revenue, classes, order rhythm or churn."),
        columns={
            "customer_id": _CUSTOMER,
            "order_date": _date("when it was ordered, day or time", required=True),
            "amount": _money("net revenue of the row, negative for a credit note; else quantity × unit_price"),
            "order_id": _id("identifier of the order; else customer and day make one order"),
            "cost": _money("cost of goods sold of the row, as a sum, not for one piece"),
            "quantity": _number("pieces, negative for returns"),
            "unit_price": _number("net price of one piece"),
            "product_id": _id("identifier of the product"),
            "product_group": _text("group of the product"),
            "discount": _money("discount given on the row, as a sum"),
            "freight": _money("freight paid by us for the row"),
            "currency": _text("currency of the row; more than one in a ledger is an error"),
            "trade_terms": _money("rebates, listing, advertising and shelf fees paid to the customer"),
            "region": _text("home region of the customer at the time"),
            "ship_region": _text("region the goods were sent to"),
            "channel": _text("sales channel"),
            "promised_date": _date("day the delivery was promised for"),
            "delivered_date": _date("day of the delivery"),
            "due_date": _date("day the payment was due"),
            "paid_date": _date("day it was paid"),
        },
    ),
    "accounts": TableSpec(
        one_row_per="customer",
        key=("customer_id",),
        without=N_(
            "Without accounts: no names, company groups, regions or managers, no potential, no judged criteria."
        ),
        columns={
            "customer_id": _CUSTOMER,
            "name": _text("name of the customer"),
            "parent_id": _id("customer_id of the group's parent"),
            "industry": _text("industry"),
            "region": _text("home region"),
            "since": _date("first day as a customer, also before the ledger begins"),
            "service_cost": _money("cost to serve, a year", low=0),
            "acquisition_cost": _money("what winning the customer cost", low=0),
            "credit_limit": _money("credit limit", low=0),
            "credit_rating": _text("credit rating"),
            "receivable": _money("open receivable"),
            "overdue": _money("part of the receivable that is overdue"),
            "payment_days": _number("days until the customer pays, on average"),
            "potential": _money("total demand of the customer a year, from whomever bought", low=0),
            "manager": _text("account manager", personal="colleague"),
            "manager_since": _date("day since when the manager has the account"),
            "sponsor": _text("executive who sponsors the account", personal="colleague"),
            "competitors": _text("competitors at this customer"),
        },
    ),
    "contacts": TableSpec(
        one_row_per="person at a customer",
        key=("customer_id", "contact_id"),
        without=N_("Without contacts: no picture of who decides, and no list of accounts without a supporter."),
        columns={
            "customer_id": _CUSTOMER,
            "contact_id": _id("identifier of the person", required=True, personal="person"),
            "name": _text("name of the person", personal="private"),
            "role": _text("role or position", personal="note"),
            "influence": _number("influence on the purchase", low=1, high=5),
            "support": _number("stands against us or for us", low=-2, high=2),
            "decides": _flag("has the power to decide"),
            "last_met": _date("day of the last meeting"),
        },
    ),
    "survey": TableSpec(
        one_row_per="respondent and wave (in long form: respondent, wave and item)",
        key=("respondent_id", "wave"),
        without=N_("Without a survey: nothing about satisfaction, recommendation and their drivers."),
        columns={
            "respondent_id": _id(
                "identifier of the respondent; without it each row is a respondent, but not in long form",
                personal="person",
            ),
            "wave": _id("name of the wave; without it all is one wave, named by the month of its first answer"),
            "customer_id": _id("the respondent's customer; without it each respondent is an account of its own"),
            "answered_on": _date("day of the answer"),
            "weight": _number("weight of the answer", above=0),
            "stratum": _text("stratum of the sample"),
            "psu": _id("primary sampling unit", personal="person"),
            "fpc": _number("size of the population in the stratum", above=0),
            "overall": _number("satisfaction overall, 5 is best", low=1, high=5),
            "recommend": _number("how likely to recommend us, 10 is most", low=0, high=10),
            "repurchase": _number("how likely to buy again, 5 is most", low=1, high=5),
            "comment": _text("what the respondent wrote", personal="private"),
        },
    ),
    "sample": TableSpec(
        one_row_per="drawn account and wave",
        key=("customer_id", "wave"),
        without=N_("Without the drawn sample: no response rate, no design weights, and no list of who stayed silent."),
        columns={
            "customer_id": _CUSTOMER,
            "wave": _id("name of the wave", required=True),
            "stratum": _text("stratum of the sample"),
            "probability": _number("probability of being drawn", above=0, high=1),
            "certainty": _flag("drawn for certain, as one of the largest"),
            "status": _text("what came of it: answered, refused, not reached, …", personal="note"),
        },
    ),
    "events": TableSpec(
        one_row_per="thing that happened",
        without=N_("Without events: no complaints, visits, tenders, offers, handovers or reasons of loss."),
        columns={
            "customer_id": _CUSTOMER,
            "date": _date("when it happened", required=True),
            "kind": _text(
                "what happened",
                required=True,
                allowed=("complaint", "contact", "visit", "tender", "offer", "handover", "lost"),
            ),
            "outcome": _text("what came of it; of a handover the new manager", personal="note"),
            "reason": _text("why", personal="note"),
            "competitor": _text("competitor who was involved"),
        },
    ),
    "targets": TableSpec(
        one_row_per="customer and period",
        key=("customer_id", "period"),
        without=N_("Without targets: no comparison of plan and actual."),
        columns={
            "customer_id": _CUSTOMER,
            "period": _period("month, quarter or year the target is for", required=True),
            "revenue_target": _money("net revenue aimed at", required=True),
            "margin_target": _money("margin aimed at"),
        },
    ),
    "overrides": TableSpec(
        one_row_per="tier set by hand",
        without=N_("Without overrides: every tier follows from the rules alone."),
        columns={
            "customer_id": _CUSTOMER,
            "tier": _text("the tier that was set", required=True),
            "reason": _text("why it was set", required=True, personal="note"),
            "set_on": _date("day it was set", required=True),
            "set_by": _text("who set it", personal="colleague"),
            "until": _date("last day it holds"),
        },
    ),
    "programmes": TableSpec(
        one_row_per="what could be done, and the change of state it may bring",
        key=("programme", "from_state", "to_state"),
        without=N_("Without programmes: no comparison of what could be done about churn."),
        columns={
            "programme": _text("name of the programme", required=True),
            "from_state": _text("state of the customers it is aimed at", required=True),
            "to_state": _text("state that becomes more likely", required=True),
            "taken_from": _text("state whose probability shrinks; empty: that of staying in from_state"),
            "effect": _number("change of the probability, in points from -1 to 1", required=True, low=-1, high=1),
            "effect_sd": _number("standard deviation of the effect: how unsure it is", required=True, low=0),
            "source": _text(
                "where the effect is known from", required=True, allowed=("experiment", "judged", "assumed")
            ),
            "cost": _money("cost per customer and period", required=True, low=0),
            "capacity": _number("customers it can reach in a period", low=0),
        },
    ),
    "external": TableSpec(
        one_row_per="series and month (and region or industry)",
        key=("series", "month", "region", "industry"),
        without=N_("Without external series: no relation of churn to the market around."),
        columns={
            "series": _text("name of the series", required=True),
            "month": _period("the month", required=True),
            "value": _number("value of the series in the month", required=True),
            "region": _text("region it holds for; empty: everywhere"),
            "industry": _text("industry it holds for; empty: all"),
            "known_on": _date("day from which the value was known"),
        },
    ),
}

LONG_SURVEY: dict[str, ColumnSpec] = {
    "item": _id("name of the item that is answered", required=True),
    "answer": ColumnSpec(type="number", meaning="the answer; empty where there is none", declared=True),
}
"""What a survey in long form has in place of a column per item."""

LEDGER_WITHOUT: dict[str, str] = {
    "cost": N_("Without cost in the ledger: no margin, no whale curve; value is net revenue."),
    "order_id": N_("Without order numbers in the ledger: a customer's rows of one day count as one order."),
    "product_id": N_("Without products in the ledger: no mix and no concentration of buying."),
    "discount": N_("Without discounts in the ledger: no depth of discount."),
    "delivered_date": N_("Without delivery dates in the ledger: no deliveries on time or late."),
}
"""Columns of the ledger whose absence a report mentions."""
