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
    "accounts_high": _column(
        "to, over accounts", "upper end of the interval over accounts alone", "as the estimate", "number"
    ),
    "accounts_low": _column(
        "from, over accounts", "lower end of the interval over accounts alone", "as the estimate", "number"
    ),
    "action": _column("action", "what a cleaning rule does with the rows it names", "text", "text"),
    "advice": _column("what to do", "what the segment asks for", "text", "text"),
    "ahead_high": _column("to", "upper end of the interval of the value ahead", "currency", "money"),
    "ahead_low": _column("from", "lower end of the interval of the value ahead", "currency", "money"),
    "amount": _column("amount", "net revenue of the rows, credit notes negative", "currency", "money"),
    "assumption": _column("what is assumed", "an assumption that the result rests on", "text", "text"),
    "at_risk": _column("at risk", "not churned yet at the origin", "yes or no", "flag"),
    "auc": _column(
        "AUC", "chance that a row with the event has a higher fitted probability than one without it", "share", "number"
    ),
    "auc_high": _column("to", "upper end of the interval of the AUC", "share", "number"),
    "auc_low": _column("from", "lower end of the interval of the AUC", "share", "number"),
    "base_weight": _column(
        "design weight", "accounts of the population that a drawn account stands for", "accounts", "number"
    ),
    "before": _column("before", "in the window before the end", "as the measure", "number"),
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
    "break_even_rate": _column("pays from", "saving rate from which a call pays", "share", "share"),
    "brier": _column("Brier", "mean squared error of the probabilities; 0 is best", "number", "number"),
    "brier_base": _column(
        "Brier, all alike", "the same if every account had the share that was observed", "number", "number"
    ),
    "brier_high": _column("to", "upper end of the interval of the Brier score", "number", "number"),
    "brier_low": _column("from", "lower end of the interval of the Brier score", "number", "number"),
    "by": _column("by", "what groups are formed by", "text", "text"),
    "calibration_gap": _column(
        "fitted and seen differ by",
        "mean difference between seen and fitted shares in tenths of the rows",
        "share",
        "share",
    ),
    "called": _column("called", "mean over the accounts that were to be called", "as the term", "number"),
    "called_before": _column("called before", "an earlier list said to call it", "yes or no", "flag"),
    "capacity": _column(
        "reaches at most", "customers that a programme can reach in a period; missing: no limit", "customers", "count"
    ),
    "certainty": _column("certain", "drawn for certain, as one of the largest", "yes or no", "flag"),
    "change": _column(
        "change",
        "by how much the answer changes without the assumption: value per account, periods to loss, or share",
        "as the answer",
        "number",
    ),
    "chosen": _column(
        "best at the estimates", "what the policy that is best at the estimates does in the state", "text", "text"
    ),
    "churned": _column(
        "churned", "a silence of k periods was completed, or began, within the horizon", "yes or no", "flag"
    ),
    "ci_high": _column("to", "upper end of the interval", "as the estimate", "number"),
    "ci_low": _column("from", "lower end of the interval", "as the estimate", "number"),
    "competitor": _column("competitor", "competitor logged with the loss", "name", "text"),
    "contribution": _column(
        "adds", "what a term adds to the log-odds, against the mean of the accounts at risk", "log-odds", "number"
    ),
    "cost": _column("cost", "cost of goods sold", "currency", "money"),
    "coverage": _column(
        "within interval", "share of what happened that lay within the prediction interval", "share", "share"
    ),
    "covers": _column(
        "interval covers", "as stated: by the forecast itself; chance: chance alone, so too narrow", "text", "text"
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
    "days_from": _column("silent from", "shortest silence of a band", "days", "days"),
    "days_since_last_order": _column(
        "days since last order", "days from the last order to the as-of date", "days", "days"
    ),
    "days_to": _column("silent to", "longest silence of a band; missing: no end", "days", "days"),
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
    "did_order": _column("ordered", "placed an order within the horizon", "yes or no", "flag"),
    "difference": _column("difference", "called less held out", "as the term", "number"),
    "discount": _column("discount", "discount given", "currency", "money"),
    "each": _column(
        "counts alike", "what counts alike: each account, each unit of revenue, each respondent", "text", "text"
    ),
    "effect": _column("effect", "by how much something changes what it acts on", "as what it acts on", "number"),
    "effect_high": _column(
        "to", "upper end of the interval of the marginal effect", "change of a probability", "share"
    ),
    "effect_low": _column(
        "from", "lower end of the interval of the marginal effect", "change of a probability", "share"
    ),
    "effect_sd": _column(
        "effect, sd",
        "standard deviation of the effect: how unsure it is",
        "change of a probability per period",
        "number",
    ),
    "error": _column("missed by", "sum of absolute errors over the sum of what happened", "share", "share"),
    "error_naive": _column("without a model", "the same error of the forecast without a model", "share", "share"),
    "estimate": _column("estimate", "the estimated value", "as the term", "number"),
    "expected_gain": _column(
        "expected gain", "expected loss times saving rate, less the cost of a visit", "currency", "money"
    ),
    "expected_loss": _column("expected loss", "probability of loss times the value if it stays", "currency", "money"),
    "expected_revenue": _column("revenue expected", "gross revenue expected within the horizon", "currency", "money"),
    "expected_squares": _column(
        "squared expectations", "squared expected money of each period, summed", "currency squared", "number"
    ),
    "expected_value": _column(
        "expected value", "value if it returns times the chance that it does", "currency", "money"
    ),
    "f_max": _column("F to", "highest frequency score of the rule", "score 1 to 5", "count"),
    "f_min": _column("F from", "lowest frequency score of the rule", "score 1 to 5", "count"),
    "f_score": _column("F", "frequency score, 5 is most frequent", "score 1 to 5", "count"),
    "finding": _column("finding", "what the data say about an assumption", "text", "text"),
    "first_order": _column("first order", "day of the first order", "date", "date"),
    "fit_high": _column("to, trend", "upper end of the interval of the fitted trend", "share", "share"),
    "fit_low": _column("from, trend", "lower end of the interval of the fitted trend", "share", "share"),
    "fitted": _column("trend", "value of the fitted trend, season taken out", "share", "share"),
    "forecast": _column("forecast from", "what a level is forecast from", "name", "text"),
    "forecast_day": _column("forecast of", "day from which a forecast looks ahead", "date", "date"),
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
    "group": _column("about", "what a covariate tells about", "text", "text"),
    "group_name": _column("group", "one of the groups that are compared", "name", "text"),
    "half_life": _column("half are lost after", "periods until half of the accounts are lost", "periods", "number"),
    "hazard": _column(
        "leave per period", "share of the accounts still there that leave in a period", "probability", "share"
    ),
    "hazard_high": _column("to", "upper end of the interval of the share that leaves", "probability", "share"),
    "hazard_low": _column("from", "lower end of the interval of the share that leaves", "probability", "share"),
    "hazard_ratio": _column(
        "ratio", "hazard with one step more over the hazard without; with a logit link: of odds", "ratio", "number"
    ),
    "hazard_with": _column(
        "with the step",
        "share of the accounts still there that leave, with one step more of the term",
        "probability",
        "share",
    ),
    "held_out": _column("held out", "mean over the accounts that were drawn to be left alone", "as the term", "number"),
    "high": _column("highest", "highest value that got the score", "days, orders or money", "number"),
    "ici": _column(
        "said and seen differ by",
        "mean difference between what was said and the calibration curve (ICI)",
        "share",
        "share",
    ),
    "is_key_account": _column("key account", "meets every criterion", "yes or no", "flag"),
    "is_lost": _column("lost", "silent for as long as the rule says", "yes or no", "flag"),
    "is_lost_own": _column("lost by own rhythm", "silent for longer than the own rhythm allows", "yes or no", "flag"),
    "is_notable": _column(
        "stands out", "moved beyond chance and more than at most comparable accounts", "yes or no", "flag"
    ),
    "is_recommended": _column("recommended", "part of what is recommended", "yes or no", "flag"),
    "item": _column("question", "a question of the survey", "name", "text"),
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
    "last_outcome": _column(
        "last offer", "what came of the latest logged offer since the last order; empty: none", "text", "text"
    ),
    "level": _column("level", "level of a covariate, against the reference", "text", "text"),
    "level_3": _column(
        "level 3 as", "whether the third of five levels is read as neutral or as no opinion", "text", "text"
    ),
    "level_factor": _column(
        "own level",
        "money the account brings over what its states do, as far as its record is believed",
        "ratio",
        "number",
    ),
    "list_part": _column(
        "what to do",
        "call; hold-out: leave alone; waits: beyond the capacity; no gain: a call does not pay; excluded",
        "text",
        "text",
    ),
    "log_likelihood": _column(
        "log-likelihood", "log-likelihood at the estimates, without a penalty", "number", "number"
    ),
    "log_likelihood_null": _column(
        "log-likelihood of the mean", "log-likelihood without covariates", "number", "number"
    ),
    "log_loss": _column(
        "log loss",
        "mean of minus the logarithm of the probability given to what happened; 0 is best",
        "number",
        "number",
    ),
    "log_odds": _column("log-odds", "level in log-odds", "log-odds", "number"),
    "logged_reason": _column("logged reason", "reason of the loss as somebody logged it", "text", "text"),
    "loss_after": _column(
        "lost a year, then", "yearly loss rate after the change, mean over accounts", "share", "share"
    ),
    "loss_before": _column("lost a year, now", "yearly loss rate of the accounts at risk", "share", "share"),
    "loss_high": _column("to", "upper end of the interval of the periods to loss", "periods", "number"),
    "loss_low": _column("from", "lower end of the interval of the periods to loss", "periods", "number"),
    "low": _column("lowest", "lowest value that got the score", "days, orders or money", "number"),
    "m_max": _column("M to", "highest monetary score of the rule", "score 1 to 5", "count"),
    "m_min": _column("M from", "lowest monetary score of the rule", "score 1 to 5", "count"),
    "m_score": _column("M", "monetary score, 5 is largest", "score 1 to 5", "count"),
    "main_group": _column("buys most", "product group of which the account bought most", "name", "text"),
    "manager": _column("manager", "who is responsible for the account, as known at the time", "name", "text"),
    "margin": _column("margin", "amount minus cost", "currency", "money"),
    "margin_active": _column("margin a year, then", "margin a year while the account bought", "currency", "money"),
    "margin_year": _column("margin, last year", "margin of the year before the origin", "currency", "money"),
    "marginal_effect": _column(
        "difference of the chance",
        "change of the probability with one step, averaged over the rows",
        "change of a probability",
        "share",
    ),
    "mean_gap_days": _column("usual gap", "mean days from one purchase day to the next", "days", "days"),
    "meaning": _column("meaning", "what a segment, criterion or term stands for", "text", "text"),
    "measure": _column("measure", "what is measured", "text", "text"),
    "measured_in": _column("measured in", "unit of a measure", "text", "text"),
    "median_gap": _column(
        "median gap in periods", "median of the periods from one with an order to the next", "periods", "number"
    ),
    "median_gap_days": _column("median gap", "median of the days between purchase days", "days", "days"),
    "median_high": _column("to", "upper end of the interval of the median time", "periods", "number"),
    "median_low": _column("from", "lower end of the interval of the median time", "periods", "number"),
    "median_time": _column("half are lost after", "periods until half of the accounts are lost", "periods", "number"),
    "method": _column("method", "how it was estimated", "text", "text"),
    "mix_high": _column("to", "upper end of the interval of the periods to loss of all", "periods", "number"),
    "mix_low": _column("from", "lower end of the interval of the periods to loss of all", "periods", "number"),
    "mix_to_loss": _column(
        "periods to loss, all", "expected periods until a customer of today is lost", "periods", "number"
    ),
    "model": _column("model", "name of the model that made the forecast", "text", "text"),
    "money_at_risk": _column(
        "money in danger", "probability of no order times the revenue of the last year", "currency", "money"
    ),
    "money_before": _column(
        "as before", "what the same customers brought in as many periods up to the origin", "currency", "money"
    ),
    "money_came": _column("came", "money that the customers of the origin then brought", "currency", "money"),
    "money_drop": _column(
        "less than before", "revenue of the year before less that of the last year", "currency", "money"
    ),
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
    "n_accounts": _column("accounts", "number of accounts", "accounts", "count"),
    "n_active_periods": _column("active months", "complete months with at least one order", "months", "count"),
    "n_actual": _column("happened", "customers that were there when the time came", "customers", "count"),
    "n_ahead": _column("periods ahead", "periods from the last one seen", "periods", "count"),
    "n_all_so_far": _column("left", "customers that meet this criterion and all before it", "customers", "count"),
    "n_answered": _column("answered", "accounts, or people, that answered", "number", "count"),
    "n_at_risk": _column("at risk", "customers or silences that were followed further", "number", "count"),
    "n_better": _column("better at", "origins at which the reference model erred less", "origins", "count"),
    "n_calls": _column("calls", "accounts to call", "accounts", "count"),
    "n_cases": _column("number", "number of cases", "cases", "count"),
    "n_chance": _column("by chance", "number of accounts that chance alone would make", "accounts", "count"),
    "n_covered": _column("periods", "periods that a row covers", "periods", "count"),
    "n_customers": _column("customers", "number of customers", "customers", "count"),
    "n_drawn": _column("drawn", "accounts drawn for the survey", "accounts", "count"),
    "n_effective": _column(
        "effective number", "answers of a simple random sample that would tell as much", "answers", "count"
    ),
    "n_estimates": _column("estimates", "number of estimates, the intercept included", "number", "count"),
    "n_events": _column("events", "rows with the event", "rows", "count"),
    "n_expected": _column("expected", "number of customers expected", "customers", "count"),
    "n_gaps": _column("gaps", "waits from one period with an order to the next", "gaps", "count"),
    "n_held_out": _column("held out", "accounts drawn to be left alone", "accounts", "count"),
    "n_high": _column("to", "upper end of the prediction interval of a number of customers", "customers", "count"),
    "n_kept": _column("kept a year", "accounts that are kept in a year and would else be lost", "accounts", "count"),
    "n_left": _column("left", "accounts that left, counted or expected", "accounts", "count"),
    "n_lost": _column("lost", "customers who are lost, or were lost in the period", "customers", "count"),
    "n_low": _column("from", "lower end of the prediction interval of a number of customers", "customers", "count"),
    "n_missing": _column("missing", "rows without a value", "rows", "count"),
    "n_notable": _column("stand out", "how many things, or accounts, stand out", "number", "count"),
    "n_offers": _column("offers", "logged offers", "offers", "count"),
    "n_orders": _column(
        "orders", "number of distinct orders with a positive line; credit notes are none", "orders", "count"
    ),
    "n_origins": _column("back-tests", "past periods from which was forecast", "periods", "count"),
    "n_others": _column("others", "account-quarters of the others that were followed", "account-quarters", "count"),
    "n_partial": _column(
        "partial churners", "accounts, or account-quarters, with a drop as large as asked", "number", "count"
    ),
    "n_peers": _column("compared with", "comparable accounts that stayed", "accounts", "count"),
    "n_people": _column("people", "people of the account who could have answered", "people", "count"),
    "n_periods": _column("months", "complete months from the month of the first order on", "months", "count"),
    "n_planned": _column("planned", "customers treated if the recommendation is followed", "customers", "count"),
    "n_purchase_days": _column("purchase days", "distinct days with an order", "days", "count"),
    "n_respondents": _column("respondents", "people who answered", "people", "count"),
    "n_returned": _column("came back", "lost customers who bought again", "customers", "count"),
    "n_rise": _column("rose as much", "accounts whose revenue rose by as much", "accounts", "count"),
    "n_rows": _column("rows", "number of ledger rows", "rows", "count"),
    "n_silent": _column("silent for", "complete periods since the last one with an order", "periods", "count"),
    "n_sure": _column(
        "sure", "accounts that get their class again with at least 95 % probability", "accounts", "count"
    ),
    "n_transitions": _column("transitions", "transitions seen from one period to the next", "transitions", "count"),
    "n_treated": _column("treated", "customers in the state now that a programme reaches", "customers", "count"),
    "name": _column("name", "name of the account; the identifier where no name is known", "text", "text"),
    "needed": _column("needs", "effect that a programme needs to pay", "text", "text"),
    "no_order": _column("no order", "no order within the horizon", "yes or no", "flag"),
    "observed": _column("happened", "share of the accounts to which it happened", "share", "share"),
    "odds_alone": _column("odds ratio alone", "odds ratio with this term and the origins alone", "ratio", "number"),
    "odds_high": _column("to", "upper end of the interval of the odds ratio", "ratio", "number"),
    "odds_low": _column("from", "lower end of the interval of the odds ratio", "ratio", "number"),
    "odds_ratio": _column("odds ratio", "odds with one step more over odds without", "ratio", "number"),
    "orders_per_year": _column(
        "orders a year",
        "orders per year since the first order; the first year counts whole",
        "orders per year",
        "number",
    ),
    "orders_ratio": _column("seen / said", "accounts with an order, observed over expected", "ratio", "number"),
    "origin": _column("forecast in", "period from which was forecast", "date", "period"),
    "outcome": _column("outcome", "what came of it", "text", "text"),
    "own_high": _column("to", "upper end of the interval of the account's own value", "currency", "money"),
    "own_low": _column("from", "lower end of the interval of the account's own value", "currency", "money"),
    "own_value": _column(
        "own value",
        "value ahead of the account at its own level: that of its state times the level",
        "currency",
        "money",
    ),
    "p_best": _column("best in", "draws in which it is best", "share of draws", "share"),
    "p_chance": _column("by chance", "probability of a change as large if nothing had changed", "probability", "share"),
    "p_churn": _column(
        "chance of loss",
        "probability that a silence of k periods runs today or begins within the horizon",
        "probability",
        "share",
    ),
    "p_churn_high": _column("to", "upper end of the interval of the chance of loss", "probability", "share"),
    "p_churn_low": _column("from", "lower end of the interval of the chance of loss", "probability", "share"),
    "p_class_a": _column("A again", "probability of class A if the same ordering ran again", "probability", "share"),
    "p_class_b": _column("B again", "probability of class B if the same ordering ran again", "probability", "share"),
    "p_class_c": _column("C again", "probability of class C if the same ordering ran again", "probability", "share"),
    "p_from": _column("p from", "how the p-value was found: chi-square, simulated, or not testable", "text", "text"),
    "p_high": _column("upper quartile", "upper quartile of the probability of the same class", "probability", "share"),
    "p_holm": _column("p, all", "p-value corrected for all that was compared (Holm)", "probability", "number"),
    "p_left": _column("has left", "probability that the account has left already", "probability", "share"),
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
    "p_no_order": _column("chance of no order", "probability of no order within the horizon", "probability", "share"),
    "p_no_order_high": _column("to", "upper end of the interval of the chance of no order", "probability", "share"),
    "p_no_order_low": _column("from", "lower end of the interval of the chance of no order", "probability", "share"),
    "p_positive": _column("pays in", "draws in which the gain is above 0", "share of draws", "share"),
    "p_raw": _column("of its own", "probability from the segment alone", "probability", "share"),
    "p_response": _column(
        "chance to answer", "estimated probability that a drawn account answers", "probability", "share"
    ),
    "p_return": _column(
        "chance to return", "share of accounts silent for as long that ordered within the horizon", "share", "share"
    ),
    "p_same_class": _column(
        "same class again", "probability of the same ABC class if the same ordering ran again", "probability", "share"
    ),
    "p_value": _column(
        "p", "probability of a statistic at least as extreme if the assumption held", "probability", "number"
    ),
    "p_with": _column("with it", "mean probability of all rows with one step more", "probability", "share"),
    "p_without": _column("without", "mean probability of all rows without the step", "probability", "share"),
    "part": _column("part", "early or late part of the time", "text", "text"),
    "pearson": _column("Pearson", "Pearson's X² statistic", "number", "number"),
    "peers_notable": _column(
        "of those that stayed", "share of comparable accounts that stayed at which it stands out", "share", "share"
    ),
    "period": _column("period", "start of the month, quarter or year", "date", "period"),
    "periods_to_loss": _column("periods to loss", "expected periods until the account is lost", "periods", "number"),
    "pi_high": _column("one account, to", "upper end of the range of what one account will bring", "currency", "money"),
    "pi_low": _column(
        "one account, from", "lower end of the range of what one account will bring", "currency", "money"
    ),
    "population": _column("of", "whose forecasts are scored: accounts at risk, or all", "text", "text"),
    "predicted": _column("said", "probability that the model said", "share", "share"),
    "probability": _column(
        "probability", "probability of the transition, or of not being lost yet", "probability", "share"
    ),
    "profit_high": _column("to", "upper end of the interval of the yearly profit", "currency", "money"),
    "profit_low": _column("from", "lower end of the interval of the yearly profit", "currency", "money"),
    "profit_year": _column("profit a year", "even yearly profit with the same present value", "currency", "money"),
    "programme": _column("programme", "what could be done", "name", "text"),
    "programme_cost": _column(
        "cost per account", "cost of a programme per treated customer and period", "currency", "money"
    ),
    "pseudo_r2": _column("pseudo R²", "1 less the log-likelihood over that of the mean (McFadden)", "share", "number"),
    "r_max": _column("R to", "highest recency score of the rule", "score 1 to 5", "count"),
    "r_min": _column("R from", "lowest recency score of the rule", "score 1 to 5", "count"),
    "r_score": _column("R", "recency score, 5 is most recent", "score 1 to 5", "count"),
    "rank": _column("rank", "1 is the largest", "rank", "count"),
    "ratio": _column("came of expected", "what came over what was expected", "share", "share"),
    "reason": _column("reason", "why it is so", "text", "text"),
    "recommended": _column("recommended", "programme for the state, nothing, or no recommendation", "text", "text"),
    "region": _column("region", "region of the account", "name", "text"),
    "regret": _column(
        "value of certainty",
        "expected value of perfect information per customer: what the best policy of each draw gains above the one chosen",
        "currency",
        "money",
    ),
    "resample": _column("resample", "number of the bootstrap sample", "number", "count"),
    "respondent_id": _column("respondent", "identifier of the respondent", "identifier", "text"),
    "return_high": _column("to", "upper end of the interval of the chance to return", "share", "share"),
    "return_low": _column("from", "lower end of the interval of the chance to return", "share", "share"),
    "return_share": _column(
        "come back", "share of the longer silences that end within what the data follow", "share", "share"
    ),
    "returns": _column("returns", "sum of the negative amounts, as a positive number", "currency", "money"),
    "revenue": _column("net revenue", "sum of amounts, credit notes deducted", "currency", "money"),
    "revenue_before": _column(
        "their last year", "net revenue of those lost in the year up to their last order", "currency", "money"
    ),
    "revenue_peak": _column(
        "best of last two years", "larger net revenue of the last two years up to the last order", "currency", "money"
    ),
    "revenue_year": _column(
        "revenue, last year",
        "revenue of the 364 days before the origin; in forecasts less returns",
        "currency",
        "money",
    ),
    "reward": _column("per period", "mean money per account and period in the state", "currency", "money"),
    "reward_high": _column("to", "upper end of the interval of the money per period", "currency", "money"),
    "reward_low": _column("from", "lower end of the interval of the money per period", "currency", "money"),
    "rule": _column("rule", "name of a cleaning rule", "text", "text"),
    "run": _column("run", "folder of an earlier run, and of its step where a file cannot be read", "text", "text"),
    "saving_rate": _column("saving rate", "share of the accounts lost or leaving that a call keeps", "share", "share"),
    "scope": _column(
        "whose", "all: with those who will be new; present: today's; active: today's who are not lost", "text", "text"
    ),
    "score": _column("score", "score from 1 to 5", "score 1 to 5", "count"),
    "scored_on": _column("scored on", "first day on which the horizon of a forecast is over", "date", "date"),
    "season": _column(
        "season", "month or quarter of the year, 0 is the one that begins with January", "number", "count"
    ),
    "seen": _column("known of it", "what the snapshot says of the account", "as the term", "text"),
    "segment": _column("segment", "named group of RFM scores", "name", "text"),
    "share_answered": _column("answered", "share of the drawn that answered", "share", "share"),
    "share_called": _column(
        "called", "share of the accounts called, the highest expected loss first", "share", "share"
    ),
    "share_cases": _column("of cases", "share of all cases", "share", "share"),
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
    "share_late": _column(
        "late", "share of the deliveries of the 91 days before the origin that were late", "share", "share"
    ),
    "share_left": _column("still there", "share of the accounts still there at the horizon", "share", "share"),
    "share_lost": _column("share lost", "customers lost over customers at risk, or over all", "share", "share"),
    "share_lost_found": _column(
        "of the lost found", "share of the accounts that then placed no order", "share", "share"
    ),
    "share_low": _column("from", "lower end of the interval of the relative change", "share", "share"),
    "share_money": _column("money left", "share of the money whose accounts are not lost yet", "share", "share"),
    "share_money_found": _column(
        "of the money lost found",
        "share of the last year's revenue of accounts that then placed no order",
        "share",
        "share",
    ),
    "share_naive": _column(
        "if silences were final", "return share if silences that still run counted as final: too low", "share", "share"
    ),
    "share_named": _column(
        "top buyers named", "share of the top fifth of the buyers that as many highest forecasts name", "share", "share"
    ),
    "share_notable": _column("stands out at", "share of the accounts at which it stands out", "share", "share"),
    "share_others_lost": _column("others lost", "share of the others that were then lost", "share", "share"),
    "share_partial": _column(
        "partial churners", "share of the accounts with a drop as large as asked", "share", "share"
    ),
    "share_partial_lost": _column(
        "partial churners lost", "share of the partial churners that were then lost", "share", "share"
    ),
    "share_peers": _column(
        "moved as much", "share of comparable accounts that stayed at which it moved as much or more", "share", "share"
    ),
    "share_resamples": _column("chosen in", "share of the resamples", "share of resamples", "share"),
    "share_rest": _column("elsewhere", "share lost a year in all other groups", "share", "share"),
    "share_returns": _column("returns", "returns over gross revenue", "share", "share"),
    "share_same": _column(
        "same periods", "relative change if all are estimated from the same periods", "share", "share"
    ),
    "share_stationary": _column("in the long run", "share of time in the state in the long run", "share", "share"),
    "share_value": _column("share", "share of the base total", "share", "share"),
    "share_year": _column("lost a year", "share of those at risk lost within a year at that rate", "share", "share"),
    "slope": _column(
        "calibration slope", "1: neither too extreme nor too timid; below 1: too extreme", "number", "number"
    ),
    "slope_high": _column("to", "upper end of the interval of the calibration slope", "number", "number"),
    "slope_low": _column("from", "lower end of the interval of the calibration slope", "number", "number"),
    "source": _column("known from", "where the effect is known from: experiment, judged, assumed", "text", "text"),
    "spread_over": _column(
        "interval over", "whether accounts or origins make the interval, the wider of the two", "text", "text"
    ),
    "standing": _column("standing", "how the model stands against the reference", "text", "text"),
    "stands_out": _column("beyond chance", "differs beyond chance, with all comparisons counted", "yes or no", "flag"),
    "state": _column("state", "state of the chain", "name", "text"),
    "statistic": _column("statistic", "value of the test statistic", "number", "number"),
    "status": _column("status", "what became of it", "text", "text"),
    "std_error": _column("standard error", "standard error of the estimate", "as the estimate", "number"),
    "step": _column("with", "what a row with one step more has", "text", "text"),
    "stratum": _column("stratum", "stratum of the sample", "name", "text"),
    "survival": _column("last longer", "share of the waits that last longer", "share", "share"),
    "taken_from": _column("taken from", "state whose probability shrinks by the effect", "name", "text"),
    "tenure": _column("tenure", "periods since the relationship began", "periods", "count"),
    "tenure_days": _column("tenure", "days from the first order to the as-of date", "days", "days"),
    "term": _column("measure", "name of the measure or of the model term", "text", "text"),
    "test": _column("test", "what is tested", "name", "text"),
    "theme": _column("theme", "theme that a question belongs to", "name", "text"),
    "time_p_value": _column(
        "p, over time", "p-value of the test that a ratio is the same at all times", "probability", "number"
    ),
    "time_statistic": _column(
        "test over time", "statistic of the test that a ratio is the same at all times", "number", "number"
    ),
    "to_state": _column("to", "state that is entered", "name", "text"),
    "trade_terms": _column(
        "trade terms", "rebates, listing, advertising and shelf fees paid to the customer", "currency", "money"
    ),
    "typical_change": _column(
        "typical change", "median change at comparable accounts that stayed", "as the measure", "number"
    ),
    "unit": _column("per", "one step of a covariate in words", "text", "text"),
    "usual": _column(
        "usual before",
        "what was usual before the window, counts and money brought to its length",
        "as the measure",
        "number",
    ),
    "value": _column("value", "the value that is ranked, by default net revenue", "currency", "money"),
    "value_ahead": _column("value ahead", "expected present value from the next period on", "currency", "money"),
    "value_change": _column("change of value", "change of the value against the one in use", "currency", "money"),
    "value_cut": _column("lost is the end", "value ahead if no lost account comes back", "currency", "money"),
    "value_if_returns": _column(
        "value if it returns", "discounted margin within the horizon of an account that buys again", "currency", "money"
    ),
    "value_if_stays": _column(
        "value if it stays",
        "discounted margin over the remaining life, within the horizon, if the account stays",
        "currency",
        "money",
    ),
    "value_infinite": _column("value without end", "expected present value over all time to come", "currency", "money"),
    "value_kept": _column("lost may return", "value ahead if lost accounts may come back", "currency", "money"),
    "verdict": _column("verdict", "holds, handled, does not hold, or not testable", "text", "text"),
    "vif": _column(
        "VIF", "variance inflation factor: how much the other covariates widen the estimate", "ratio", "number"
    ),
    "visit_cost": _column("cost of a visit", "cost of one visit or call", "currency", "money"),
    "visits": _column("periods in it", "expected periods in a state before the loss", "periods", "number"),
    "warning": _column("look at", "what to look at before the next visit", "text", "text"),
    "wave": _column("wave", "wave of the survey", "name", "text"),
    "weight": _column("weight", "how much a candidate, or a forecast, counts", "number", "number"),
    "why": _column("why", "what speaks for the account or keeps it off the list", "text", "text"),
    "xyz_class": _column(
        "XYZ", "X regular, Y varying, Z irregular, new (too few orders), ended (silent)", "class", "text"
    ),
    "yearly_loss": _column("lost within a year", "yearly probability of loss", "probability", "share"),
}
