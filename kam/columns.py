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
    "ahead_high": _column("to", "upper end of the interval of the value ahead", "currency", "money"),
    "ahead_low": _column("from", "lower end of the interval of the value ahead", "currency", "money"),
    "amount": _column("amount", "net revenue of the rows, credit notes negative", "currency", "money"),
    "assumption": _column("what is assumed", "an assumption that the result rests on", "text", "text"),
    "bias": _column(
        "too much", "sum of forecasts less what happened, over what happened; below 0: too little", "share", "share"
    ),
    "boot_high": _column(
        "to, over accounts", "upper end of the interval from resampled accounts", "as the estimate", "share"
    ),
    "boot_low": _column(
        "from, over accounts", "lower end of the interval from resampled accounts", "as the estimate", "share"
    ),
    "break_even": _column(
        "break-even", "effect at which a programme gains nothing", "change of a probability per period", "number"
    ),
    "capacity": _column(
        "reaches at most", "customers that a programme can reach in a period; missing: no limit", "customers", "count"
    ),
    "change": _column(
        "change",
        "by how much the answer changes without the assumption: value per account, periods to loss, or share",
        "as the answer",
        "number",
    ),
    "chosen": _column(
        "best at the estimates", "what the policy that is best at the estimates does in the state", "text", "text"
    ),
    "ci_high": _column("to", "upper end of the interval", "as the estimate", "number"),
    "ci_low": _column("from", "lower end of the interval", "as the estimate", "number"),
    "cost": _column("cost", "cost of goods sold", "currency", "money"),
    "coverage": _column(
        "within interval", "share of what happened that lay within the prediction interval", "share", "share"
    ),
    "credibility": _column(
        "own record believed", "how far the account's own record counts against that of its states", "share", "share"
    ),
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
    "delta_high": _column("gain to", "upper end of the interval of the gain per customer", "currency", "money"),
    "delta_low": _column("gain from", "lower end of the interval of the gain per customer", "currency", "money"),
    "delta_value": _column(
        "gain per account", "change of the present value of a customer, net of cost", "currency", "money"
    ),
    "demand_cv": _column(
        "variation of demand",
        "standard deviation (ddof 0) over mean of gross revenue per complete period",
        "ratio",
        "number",
    ),
    "df": _column("degrees of freedom", "degrees of freedom of the test; 0: not testable", "number", "count"),
    "discount": _column("discount", "discount given", "currency", "money"),
    "effect": _column("effect", "by how much something changes what it acts on", "as what it acts on", "number"),
    "effect_sd": _column(
        "effect, sd",
        "standard deviation of the effect: how unsure it is",
        "change of a probability per period",
        "number",
    ),
    "error": _column("missed by", "sum of absolute errors over the sum of what happened", "share", "share"),
    "error_naive": _column("without a model", "the same error of the forecast without a model", "share", "share"),
    "estimate": _column("estimate", "the estimated value", "as the term", "number"),
    "expected_squares": _column(
        "squared expectations", "squared expected money of each period, summed", "currency squared", "number"
    ),
    "f_max": _column("F to", "highest frequency score of the rule", "score 1 to 5", "count"),
    "f_min": _column("F from", "lowest frequency score of the rule", "score 1 to 5", "count"),
    "f_score": _column("F", "frequency score, 5 is most frequent", "score 1 to 5", "count"),
    "finding": _column("finding", "what the data say about an assumption", "text", "text"),
    "first_order": _column("first order", "day of the first order", "date", "date"),
    "freight": _column("freight", "freight paid by us", "currency", "money"),
    "from_state": _column("from", "state that is left", "name", "text"),
    "gain": _column("gain in all", "gain per customer times the customers treated", "currency", "money"),
    "gain_high": _column("in all, to", "upper end of the interval of the gain in all", "currency", "money"),
    "gain_low": _column("in all, from", "lower end of the interval of the gain in all", "currency", "money"),
    "gap_cv": _column(
        "variation of gaps",
        "standard deviation (ddof 0) over mean of the days between purchase days",
        "ratio",
        "number",
    ),
    "half_life": _column("half are lost after", "periods until half of the accounts are lost", "periods", "number"),
    "high": _column("highest", "highest value that got the score", "days, orders or money", "number"),
    "is_key_account": _column("key account", "meets every criterion", "yes or no", "flag"),
    "is_lost": _column("lost", "silent for as long as the rule says", "yes or no", "flag"),
    "is_lost_own": _column("lost by own rhythm", "silent for longer than the own rhythm allows", "yes or no", "flag"),
    "is_recommended": _column("recommended", "part of what is recommended", "yes or no", "flag"),
    "joint_high": _column(
        "to, jointly", "upper end of the interval that holds for all probabilities together", "probability", "share"
    ),
    "joint_low": _column(
        "from, jointly", "lower end of the interval that holds for all probabilities together", "probability", "share"
    ),
    "k": _column("silent periods", "periods without an order after which a customer is lost", "periods", "count"),
    "k_own": _column(
        "lost after", "silent periods after which this account is lost, by its own rhythm if known", "periods", "count"
    ),
    "last_active": _column("last period with an order", "first day of the last period with an order", "date", "period"),
    "last_order": _column("last order", "day of the last order", "date", "date"),
    "level_factor": _column(
        "own level",
        "money the account brings over what its states do, as far as its record is believed",
        "ratio",
        "number",
    ),
    "loss_high": _column("to", "upper end of the interval of the periods to loss", "periods", "number"),
    "loss_low": _column("from", "lower end of the interval of the periods to loss", "periods", "number"),
    "low": _column("lowest", "lowest value that got the score", "days, orders or money", "number"),
    "m_max": _column("M to", "highest monetary score of the rule", "score 1 to 5", "count"),
    "m_min": _column("M from", "lowest monetary score of the rule", "score 1 to 5", "count"),
    "m_score": _column("M", "monetary score, 5 is largest", "score 1 to 5", "count"),
    "margin": _column("margin", "amount minus cost", "currency", "money"),
    "meaning": _column("meaning", "what a segment, criterion or term stands for", "text", "text"),
    "median_gap": _column(
        "median gap in periods", "median of the periods from one with an order to the next", "periods", "number"
    ),
    "median_gap_days": _column("median gap", "median of the days between purchase days", "days", "days"),
    "mix_high": _column("to", "upper end of the interval of the periods to loss of all", "periods", "number"),
    "mix_low": _column("from", "lower end of the interval of the periods to loss of all", "periods", "number"),
    "mix_to_loss": _column(
        "periods to loss, all", "expected periods until a customer of today is lost", "periods", "number"
    ),
    "money_before": _column(
        "as before", "what the same customers brought in as many periods up to the origin", "currency", "money"
    ),
    "money_came": _column("came", "money that the customers of the origin then brought", "currency", "money"),
    "money_expected": _column(
        "expected so far", "money expected of the account from the states it was in", "currency", "money"
    ),
    "money_squares": _column(
        "squared deviations",
        "squared deviations of the money of each period from that of the state, summed",
        "currency squared",
        "number",
    ),
    "money_sum": _column("brought so far", "money the account brought in all periods seen", "currency", "money"),
    "n_active_periods": _column("active months", "complete months with at least one order", "months", "count"),
    "n_actual": _column("happened", "customers that were there when the time came", "customers", "count"),
    "n_ahead": _column("periods ahead", "periods from the last one seen", "periods", "count"),
    "n_all_so_far": _column("left", "customers that meet this criterion and all before it", "customers", "count"),
    "n_at_risk": _column("at risk", "customers or silences that were followed further", "number", "count"),
    "n_cases": _column("number", "number of cases", "cases", "count"),
    "n_customers": _column("customers", "number of customers", "customers", "count"),
    "n_expected": _column("expected", "number of customers expected", "customers", "count"),
    "n_gaps": _column("gaps", "waits from one period with an order to the next", "gaps", "count"),
    "n_high": _column("to", "upper end of the prediction interval of a number of customers", "customers", "count"),
    "n_lost": _column("lost", "customers who are lost, or were lost in the period", "customers", "count"),
    "n_low": _column("from", "lower end of the prediction interval of a number of customers", "customers", "count"),
    "n_orders": _column(
        "orders", "number of distinct orders with a positive line; credit notes are none", "orders", "count"
    ),
    "n_origins": _column("back-tests", "past periods from which was forecast", "periods", "count"),
    "n_periods": _column("months", "complete months from the month of the first order on", "months", "count"),
    "n_planned": _column("planned", "customers treated if the recommendation is followed", "customers", "count"),
    "n_purchase_days": _column("purchase days", "distinct days with an order", "days", "count"),
    "n_returned": _column("came back", "lost customers who bought again", "customers", "count"),
    "n_rows": _column("rows", "number of ledger rows", "rows", "count"),
    "n_silent": _column("silent for", "complete periods since the last one with an order", "periods", "count"),
    "n_sure": _column(
        "sure", "accounts that get their class again with at least 95 % probability", "accounts", "count"
    ),
    "n_transitions": _column("transitions", "transitions seen from one period to the next", "transitions", "count"),
    "n_treated": _column("treated", "customers in the state now that a programme reaches", "customers", "count"),
    "name": _column("name", "name of the account; the identifier where no name is known", "text", "text"),
    "needed": _column("needs", "effect that a programme needs to pay", "text", "text"),
    "orders_per_year": _column(
        "orders a year",
        "orders per year since the first order; the first year counts whole",
        "orders per year",
        "number",
    ),
    "origin": _column("forecast in", "period from which was forecast", "date", "period"),
    "own_high": _column("to", "upper end of the interval of the account's own value", "currency", "money"),
    "own_low": _column("from", "lower end of the interval of the account's own value", "currency", "money"),
    "own_value": _column(
        "own value",
        "value ahead of the account at its own level: that of its state times the level",
        "currency",
        "money",
    ),
    "p_best": _column("best in", "draws in which it is best", "share of draws", "share"),
    "p_class_a": _column("A again", "probability of class A if the same ordering ran again", "probability", "share"),
    "p_class_b": _column("B again", "probability of class B if the same ordering ran again", "probability", "share"),
    "p_class_c": _column("C again", "probability of class C if the same ordering ran again", "probability", "share"),
    "p_from": _column("p from", "how the p-value was found: chi-square, simulated, or not testable", "text", "text"),
    "p_high": _column("upper quartile", "upper quartile of the probability of the same class", "probability", "share"),
    "p_loss": _column("lost next period", "probability of being lost in the next period", "probability", "share"),
    "p_loss_high": _column("to", "upper end of the interval of the probability of loss", "probability", "share"),
    "p_loss_low": _column("from", "lower end of the interval of the probability of loss", "probability", "share"),
    "p_loss_seen": _column(
        "lost per period, counted", "lost over at risk in the periods in which a loss can be seen", "share", "share"
    ),
    "p_low": _column("lower quartile", "lower quartile of the probability of the same class", "probability", "share"),
    "p_median": _column("median", "median of the probability of the same class", "probability", "share"),
    "p_money": _column(
        "by money", "probability weighted by what each account brought in the year before", "share", "share"
    ),
    "p_positive": _column("pays in", "draws in which the gain is above 0", "share of draws", "share"),
    "p_raw": _column("of its own", "probability from the segment alone", "probability", "share"),
    "p_same_class": _column(
        "same class again", "probability of the same ABC class if the same ordering ran again", "probability", "share"
    ),
    "p_value": _column(
        "p", "probability of a statistic at least as extreme if the assumption held", "probability", "number"
    ),
    "pearson": _column("Pearson", "Pearson's X² statistic", "number", "number"),
    "period": _column("period", "start of the month, quarter or year", "date", "period"),
    "periods_to_loss": _column("periods to loss", "expected periods until the account is lost", "periods", "number"),
    "pi_high": _column("one account, to", "upper end of the range of what one account will bring", "currency", "money"),
    "pi_low": _column(
        "one account, from", "lower end of the range of what one account will bring", "currency", "money"
    ),
    "probability": _column(
        "probability", "probability of the transition, or of not being lost yet", "probability", "share"
    ),
    "programme": _column("programme", "what could be done", "name", "text"),
    "programme_cost": _column(
        "cost per account", "cost of a programme per treated customer and period", "currency", "money"
    ),
    "r_max": _column("R to", "highest recency score of the rule", "score 1 to 5", "count"),
    "r_min": _column("R from", "lowest recency score of the rule", "score 1 to 5", "count"),
    "r_score": _column("R", "recency score, 5 is most recent", "score 1 to 5", "count"),
    "rank": _column("rank", "1 is the largest", "rank", "count"),
    "ratio": _column("came of expected", "what came over what was expected", "share", "share"),
    "reason": _column("reason", "why it is so", "text", "text"),
    "recommended": _column("recommended", "programme for the state, nothing, or no recommendation", "text", "text"),
    "regret": _column(
        "value of certainty",
        "expected value of perfect information per customer: what the best policy of each draw gains above the one chosen",
        "currency",
        "money",
    ),
    "resample": _column("resample", "number of the bootstrap sample", "number", "count"),
    "return_share": _column(
        "come back", "share of the longer silences that end within what the data follow", "share", "share"
    ),
    "returns": _column("returns", "sum of the negative amounts, as a positive number", "currency", "money"),
    "revenue": _column("net revenue", "sum of amounts, credit notes deducted", "currency", "money"),
    "revenue_before": _column(
        "their last year", "net revenue of those lost in the year up to their last order", "currency", "money"
    ),
    "reward": _column("per period", "mean money per account and period in the state", "currency", "money"),
    "reward_high": _column("to", "upper end of the interval of the money per period", "currency", "money"),
    "reward_low": _column("from", "lower end of the interval of the money per period", "currency", "money"),
    "rule": _column("rule", "name of a cleaning rule", "text", "text"),
    "scope": _column(
        "whose", "all: with those who will be new; present: today's; active: today's who are not lost", "text", "text"
    ),
    "score": _column("score", "score from 1 to 5", "score 1 to 5", "count"),
    "season": _column(
        "season", "month or quarter of the year, 0 is the one that begins with January", "number", "count"
    ),
    "segment": _column("segment", "named group of RFM scores", "name", "text"),
    "share_change": _column("relative change", "change relative to the answer", "share", "share"),
    "share_clipped": _column(
        "cut", "share of draws whose effect was cut to what is possible", "share of draws", "share"
    ),
    "share_customers": _column("of customers", "share of all customers", "share", "share"),
    "share_heads": _column("accounts left", "share of the accounts that are not lost yet", "share", "share"),
    "share_high": _column("to", "upper end of the interval of the relative change", "share", "share"),
    "share_largest_month": _column(
        "largest month",
        "share of the positive revenue of the complete months that fell in the largest one",
        "share",
        "share",
    ),
    "share_lost": _column("share lost", "customers lost over customers at risk, or over all", "share", "share"),
    "share_low": _column("from", "lower end of the interval of the relative change", "share", "share"),
    "share_money": _column("money left", "share of the money whose accounts are not lost yet", "share", "share"),
    "share_naive": _column(
        "if silences were final", "return share if silences that still run counted as final: too low", "share", "share"
    ),
    "share_resamples": _column("chosen in", "share of the resamples", "share of resamples", "share"),
    "share_returns": _column("returns", "returns over gross revenue", "share", "share"),
    "share_same": _column(
        "same periods", "relative change if all are estimated from the same periods", "share", "share"
    ),
    "share_stationary": _column("in the long run", "share of time in the state in the long run", "share", "share"),
    "share_value": _column("share", "share of the base total", "share", "share"),
    "source": _column("known from", "where the effect is known from: experiment, judged, assumed", "text", "text"),
    "state": _column("state", "state of the chain", "name", "text"),
    "statistic": _column("statistic", "value of the test statistic", "number", "number"),
    "std_error": _column("standard error", "standard error of the estimate", "as the estimate", "number"),
    "survival": _column("last longer", "share of the waits that last longer", "share", "share"),
    "taken_from": _column("taken from", "state whose probability shrinks by the effect", "name", "text"),
    "tenure_days": _column("tenure", "days from the first order to the as-of date", "days", "days"),
    "term": _column("measure", "name of the measure or of the model term", "text", "text"),
    "test": _column("test", "what is tested", "name", "text"),
    "to_state": _column("to", "state that is entered", "name", "text"),
    "trade_terms": _column(
        "trade terms", "rebates, listing, advertising and shelf fees paid to the customer", "currency", "money"
    ),
    "value": _column("value", "the value that is ranked, by default net revenue", "currency", "money"),
    "value_ahead": _column("value ahead", "expected present value from the next period on", "currency", "money"),
    "value_change": _column("change of value", "change of the value against the one in use", "currency", "money"),
    "value_cut": _column("lost is the end", "value ahead if no lost account comes back", "currency", "money"),
    "value_infinite": _column("value without end", "expected present value over all time to come", "currency", "money"),
    "value_kept": _column("lost may return", "value ahead if lost accounts may come back", "currency", "money"),
    "verdict": _column("verdict", "holds, handled, does not hold, or not testable", "text", "text"),
    "visits": _column("periods in it", "expected periods in a state before the loss", "periods", "number"),
    "warning": _column("look at", "what to look at before the next visit", "text", "text"),
    "why": _column("why", "what speaks for the account or keeps it off the list", "text", "text"),
    "xyz_class": _column(
        "XYZ", "X regular, Y varying, Z irregular, new (too few orders), ended (silent)", "class", "text"
    ),
}
