"""The glossary: every column that a result of kam may carry.

Names follow the field: ``term estimate std_error statistic p_value ci_low ci_high``, counts begin with ``n_``, shares with
``share_`` (0 to 1), probabilities with ``p_``, money is in the currency of the dataset. What users name (criteria, items,
states) are values in tidy long frames, never columns. A test fails on any result column that is not listed here.

>>> GLOSSARY["revenue"].label
'net revenue'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Format = Literal["text", "count", "money", "share", "number", "days", "date", "period", "flag"]


@dataclass(frozen=True)
class Column:
    """One column: its label in a report's table head, what it means, its unit and how it is shown.

    ``format`` is one of ``text``, ``count`` (whole number), ``money`` (currency of the dataset), ``share`` (0 to 1, shown in
    percent), ``number``, ``days``, ``date``, ``period`` (the start of a month, quarter or year) and ``flag`` (true or false).
    """

    label: str
    meaning: str
    unit: str
    format: Format


def _column(label: str, meaning: str, unit: str, format: Format) -> Column:
    return Column(label, meaning, unit, format)


GLOSSARY: dict[str, Column] = {
    "abc_class": _column("ABC", "class A, B or C by cumulative share of value", "class", "text"),
    "action": _column("action", "what a cleaning rule does with the rows it names", "text", "text"),
    "advice": _column("what to do", "what the segment asks for", "text", "text"),
    "amount": _column("amount", "net revenue of the rows, credit notes negative", "currency", "money"),
    "assumption": _column("what is assumed", "an assumption that the result rests on", "text", "text"),
    "ci_high": _column("to", "upper end of the interval", "as the estimate", "number"),
    "ci_low": _column("from", "lower end of the interval", "as the estimate", "number"),
    "cost": _column("cost", "cost of goods sold", "currency", "money"),
    "criterion": _column("criterion", "name of a criterion that a key account must meet", "text", "text"),
    "cum_share_customers": _column(
        "customers, largest first", "share of customers up to and with this one", "share", "share"
    ),
    "cum_share_value": _column(
        "cumulative share", "share of the base total up to and with this customer", "share", "share"
    ),
    "customer_id": _column("account", "identifier of the customer, as text; leading zeros kept", "identifier", "text"),
    "days_since_last_order": _column(
        "days since last order", "days from the last order to the as-of date", "days", "days"
    ),
    "demand_cv": _column(
        "variation of demand",
        "standard deviation (ddof 0) over mean of gross revenue per complete period",
        "ratio",
        "number",
    ),
    "discount": _column("discount", "discount given", "currency", "money"),
    "estimate": _column("estimate", "the estimated value", "as the term", "number"),
    "f_max": _column("F to", "highest frequency score of the rule", "score 1 to 5", "count"),
    "f_min": _column("F from", "lowest frequency score of the rule", "score 1 to 5", "count"),
    "f_score": _column("F", "frequency score, 5 is most frequent", "score 1 to 5", "count"),
    "finding": _column("finding", "what the data say about an assumption", "text", "text"),
    "first_order": _column("first order", "day of the first order", "date", "date"),
    "freight": _column("freight", "freight paid by us", "currency", "money"),
    "gap_cv": _column(
        "variation of gaps",
        "standard deviation (ddof 0) over mean of the days between purchase days",
        "ratio",
        "number",
    ),
    "high": _column("highest", "highest value that got the score", "days, orders or money", "number"),
    "is_key_account": _column("key account", "meets every criterion", "yes or no", "flag"),
    "last_order": _column("last order", "day of the last order", "date", "date"),
    "low": _column("lowest", "lowest value that got the score", "days, orders or money", "number"),
    "m_max": _column("M to", "highest monetary score of the rule", "score 1 to 5", "count"),
    "m_min": _column("M from", "lowest monetary score of the rule", "score 1 to 5", "count"),
    "m_score": _column("M", "monetary score, 5 is largest", "score 1 to 5", "count"),
    "margin": _column("margin", "amount minus cost", "currency", "money"),
    "meaning": _column("meaning", "what a segment, criterion or term stands for", "text", "text"),
    "median_gap_days": _column("median gap", "median of the days between purchase days", "days", "days"),
    "n_active_periods": _column("active months", "complete months with at least one order", "months", "count"),
    "n_all_so_far": _column("left", "customers that meet this criterion and all before it", "customers", "count"),
    "n_customers": _column("customers", "number of customers", "customers", "count"),
    "n_orders": _column(
        "orders", "number of distinct orders with a positive line; credit notes are none", "orders", "count"
    ),
    "n_periods": _column("months", "complete months from the month of the first order on", "months", "count"),
    "n_purchase_days": _column("purchase days", "distinct days with an order", "days", "count"),
    "n_rows": _column("rows", "number of ledger rows", "rows", "count"),
    "n_sure": _column(
        "sure", "accounts that get their class again with at least 95 % probability", "accounts", "count"
    ),
    "name": _column("name", "name of the account; the identifier where no name is known", "text", "text"),
    "orders_per_year": _column(
        "orders a year",
        "orders per year since the first order; the first year counts whole",
        "orders per year",
        "number",
    ),
    "p_class_a": _column("A again", "probability of class A if the same ordering ran again", "probability", "share"),
    "p_class_b": _column("B again", "probability of class B if the same ordering ran again", "probability", "share"),
    "p_class_c": _column("C again", "probability of class C if the same ordering ran again", "probability", "share"),
    "p_high": _column("upper quartile", "upper quartile of the probability of the same class", "probability", "share"),
    "p_low": _column("lower quartile", "lower quartile of the probability of the same class", "probability", "share"),
    "p_median": _column("median", "median of the probability of the same class", "probability", "share"),
    "p_same_class": _column(
        "same class again", "probability of the same ABC class if the same ordering ran again", "probability", "share"
    ),
    "p_value": _column(
        "p", "probability of a statistic at least as extreme if the assumption held", "probability", "number"
    ),
    "period": _column("period", "start of the month, quarter or year", "date", "period"),
    "r_max": _column("R to", "highest recency score of the rule", "score 1 to 5", "count"),
    "r_min": _column("R from", "lowest recency score of the rule", "score 1 to 5", "count"),
    "r_score": _column("R", "recency score, 5 is most recent", "score 1 to 5", "count"),
    "rank": _column("rank", "1 is the largest", "rank", "count"),
    "returns": _column("returns", "sum of the negative amounts, as a positive number", "currency", "money"),
    "revenue": _column("net revenue", "sum of amounts, credit notes deducted", "currency", "money"),
    "rule": _column("rule", "name of a cleaning rule", "text", "text"),
    "score": _column("score", "score from 1 to 5", "score 1 to 5", "count"),
    "segment": _column("segment", "named group of RFM scores", "name", "text"),
    "share_customers": _column("of customers", "share of all customers", "share", "share"),
    "share_largest_month": _column(
        "largest month",
        "share of the positive revenue of the complete months that fell in the largest one",
        "share",
        "share",
    ),
    "share_returns": _column("returns", "returns over gross revenue", "share", "share"),
    "share_value": _column("share", "share of the base total", "share", "share"),
    "statistic": _column("statistic", "value of the test statistic", "number", "number"),
    "std_error": _column("standard error", "standard error of the estimate", "as the estimate", "number"),
    "tenure_days": _column("tenure", "days from the first order to the as-of date", "days", "days"),
    "term": _column("measure", "name of the measure or of the model term", "text", "text"),
    "trade_terms": _column(
        "trade terms", "rebates, listing, advertising and shelf fees paid to the customer", "currency", "money"
    ),
    "value": _column("value", "the value that is ranked, by default net revenue", "currency", "money"),
    "verdict": _column("verdict", "holds, handled, does not hold, or not testable", "text", "text"),
    "warning": _column("look at", "what to look at before the next visit", "text", "text"),
    "why": _column("why", "what speaks for the account or keeps it off the list", "text", "text"),
    "xyz_class": _column(
        "XYZ", "X regular, Y varying, Z irregular, new (too few orders), ended (silent)", "class", "text"
    ),
}
