"""The glossary: every column that a result of kam may carry.

Names follow the field: ``term estimate std_error statistic p_value ci_low ci_high``, counts begin with ``n_``, shares with
``share_`` (0 to 1), probabilities with ``p_``, money is in the currency of the dataset. What users name (criteria, items,
states) are values in tidy long frames, never columns. A test fails on any result column that is not listed here.

>>> GLOSSARY["revenue"].label
'net revenue'
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Literal, TypeGuard

from kam.errors import ColumnTypeError, DataError, DuplicateColumnError, MissingColumnError, ParameterError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

Format = Literal["text", "word", "count", "money", "share", "number", "days", "date", "period", "flag"]


@dataclass(frozen=True)
class Column:
    """One column: its label in a report's table head, what it means, its unit and how it is shown.

    ``format`` is one of ``text``, ``word`` (one of kam's own words, or several parted by ``"; "``: English in the frame, in the
    language of the report where it is shown), ``count`` (whole number), ``money`` (currency of the dataset), ``share`` (0 to 1,
    shown in percent), ``number``, ``days``, ``date``, ``period`` (the start of a month, quarter or year) and ``flag`` (true or
    false). ``words`` are kam's own words in it, as far as they are not marked where they are defined; in a column of ``text``
    they stand among what comes from the data, and only they are put into the language of the report.
    """

    label: str
    meaning: str
    unit: str
    format: Format
    words: tuple[str, ...] = ()


def require_columns(frame: pd.DataFrame, names: Iterable[str], *, where: str, hint: str | None = None) -> None:
    """Raise an error where a frame is none (:class:`~kam.errors.ColumnTypeError`), lacks a column
    (:class:`~kam.errors.MissingColumnError`) or has it twice (:class:`~kam.errors.DuplicateColumnError`); ``where`` says
    which frame it is.
    """
    if not hasattr(frame, "columns"):
        raise ColumnTypeError(f"A {type(frame).__name__} is no data frame.", where=where, hint=hint)
    names = list(names)
    missing = [name for name in names if name not in frame]
    if missing:
        has = ", ".join(map(str, frame.columns))
        raise MissingColumnError(f"There is no column {missing[0]!r}.", where=f"{where}, which has {has}", hint=hint)
    twice = [name for name in names if list(frame.columns).count(name) > 1]
    if twice:
        raise DuplicateColumnError(f"The column {twice[0]!r} stands twice.", where=where, hint="Keep one of them.")


def require_distinct(ids: pd.Series | pd.Index, *, where: str, hint: str = "Keep one row for each.") -> None:
    """Raise :class:`~kam.errors.DataError` where an account stands twice; ``where`` says in what."""
    twice = ids[ids.duplicated()][:3].tolist()
    if twice:
        raise DataError("An account stands twice.", where=f"{where}, accounts {twice}", hint=hint)


def read_numbers(values: pd.Series, name: str, *, where: str, hint: str = "Give numbers.") -> npt.NDArray[np.float64]:
    """The numbers of a column, missing ones as NaN.

    Raises
    ------
    ColumnTypeError
        They are texts (of digits, too), dates or flags: they are not guessed at.
    """
    kind = values.dtype.kind
    if kind in "iuf" or (kind == "O" and not any(isinstance(one, (str, bool)) for one in values)):
        try:
            return values.to_numpy(dtype="float64", na_value=float("nan"))
        except (TypeError, ValueError):
            pass
    shown = values.dropna()
    such = f", such as {shown.iloc[0]!r}" if len(shown) else ""
    raise ColumnTypeError(f"The column {name!r} holds no numbers.", where=f"{where}{such}", hint=hint)


def read_ids(given: Collection[object], name: str) -> frozenset[str]:
    """Identifiers that were given as a list, a series or a set.

    >>> sorted(read_ids(["0001", 2], "key_accounts"))
    ['0001', '2']

    Raises
    ------
    ParameterError
        They are one text, which would be taken letter by letter, a data frame, or nothing with several values.
    """
    hint = "Give a list of customer ids."
    if isinstance(given, (str, bytes)):
        raise ParameterError(f"{name} is the text {given!r}.", hint=hint)
    if hasattr(given, "columns") or not isinstance(given, Collection):
        raise ParameterError(f"{name} is a {type(given).__name__}.", hint=hint)
    return frozenset(str(one) for one in given)


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is one number; a text, a flag or a missing value is none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _column(label: str, meaning: str, unit: str, format: Format, words: tuple[str, ...] = ()) -> Column:
    return Column(label, meaning, unit, format, words)


GLOSSARY: dict[str, Column] = {
    "abc_class": _column("ABC", "class A, B or C by cumulative share of value", "class", "text"),
    "account_type": _column(
        "type",
        "type of the account, from the table of types",
        "name",
        "word",
        words=(
            "breadwinner",
            "expert",
            "image maker",
            "intensive",
            "monopoly",
            "ordinary",
            "partner",
            "prospect",
            "selective",
            "strategic",
        ),
    ),
    "account_types": _column("types", "all types of the account, from the table of types", "names", "word"),
    "accounts_high": _column(
        "to, over accounts", "upper end of the interval over accounts alone", "as the estimate", "number"
    ),
    "accounts_low": _column(
        "from, over accounts", "lower end of the interval over accounts alone", "as the estimate", "number"
    ),
    "action": _column(
        "action", "what is done: by a cleaning rule with the rows it names, or for an account", "text", "word"
    ),
    "adjusted": _column("adjusted", "the same with the other facts alike", "as the estimate", "number"),
    "adjusted_high": _column(
        "to, adjusted", "upper end of the interval of the adjusted value", "as the estimate", "number"
    ),
    "adjusted_low": _column(
        "from, adjusted", "lower end of the interval of the adjusted value", "as the estimate", "number"
    ),
    "advice": _column(
        "what to do",
        "what the segment asks for",
        "text",
        "word",
        words=(
            "ask soon after the sale whether it met what was expected",
            "sell, and encourage them to call with questions and complaints",
            "sell; no effort beyond that",
            "call from time to time with ideas for better use and new products",
            "work with them all the time to make their business better",
            "keep close: service, agreements, a named sponsor",
            "call this week",
            "widen the range, ask for referrals",
            "ask why, before they are gone",
            "find out where they buy the rest",
            "develop: second order, second product",
            "welcome, learn the need",
            "remind",
            "win back where the value is worth it",
            "no effort beyond mailings",
        ),
    ),
    "ahead_high": _column("to", "upper end of the interval of the value ahead", "currency", "money"),
    "ahead_low": _column("from", "lower end of the interval of the value ahead", "currency", "money"),
    "alike_high": _column(
        "to, alike",
        "upper end of the interval of the difference among accounts alike in the ledger",
        "as the term",
        "number",
    ),
    "alike_low": _column(
        "from, alike",
        "lower end of the interval of the difference among accounts alike in the ledger",
        "as the term",
        "number",
    ),
    "alpha_change": _column("change of alpha", "alpha without the question less alpha with it", "number", "number"),
    "alpha_if_dropped": _column("alpha without it", "alpha of the other questions of the set", "number", "number"),
    "alpha_if_turned": _column(
        "alpha if turned",
        "alpha if the question were reversed; only for those that run against the others",
        "number",
        "number",
    ),
    "amount": _column("amount", "net revenue of the rows, credit notes negative", "currency", "money"),
    "answer": _column("answer", "the answer that was given", "level of the scale", "number"),
    "answer_high": _column(
        "highest answer", "highest answer of the people of the account", "level of the scale", "number"
    ),
    "answer_level": _column("level", "level of the answer, 1 is lowest", "level", "count"),
    "answer_low": _column(
        "lowest answer", "lowest answer of the people of the account", "level of the scale", "number"
    ),
    "answer_mean": _column("mean", "mean of the answers, high is good", "level of the scale", "number"),
    "answer_sd": _column("standard deviation", "standard deviation of the answers", "levels", "number"),
    "answered": _column("answered", "somebody of the account answered", "yes or no", "flag"),
    "assumption": _column("what is assumed", "an assumption that the result rests on", "text", "text"),
    "asymmetry": _column(
        "adds less costs", "what a high answer adds less what a low one costs", "points of the outcome", "number"
    ),
    "asymmetry_high": _column(
        "to",
        "upper end of the interval of what a high answer adds less what a low one costs",
        "points of the outcome",
        "number",
    ),
    "asymmetry_low": _column(
        "from",
        "lower end of the interval of what a high answer adds less what a low one costs",
        "points of the outcome",
        "number",
    ),
    "at_least": _column("at least", "least value at which a condition holds; missing: none", "as the fact", "number"),
    "at_most": _column("at most", "largest value at which a condition holds; missing: none", "as the fact", "number"),
    "at_risk": _column("at risk", "not churned yet at the origin", "yes or no", "flag"),
    "at_stake": _column(
        "at stake",
        "what the account may lose, bring or spend elsewhere, as the column beside says",
        "currency",
        "money",
    ),
    "auc": _column(
        "AUC", "chance that a row with the event has a higher fitted probability than one without it", "share", "number"
    ),
    "auc_high": _column("to", "upper end of the interval of the AUC", "share", "number"),
    "auc_low": _column("from", "lower end of the interval of the AUC", "share", "number"),
    "band_high": _column(
        "band to", "highest end of the intervals over all deltas thought possible", "as the term", "number"
    ),
    "band_low": _column(
        "band from", "lowest end of the intervals over all deltas thought possible", "as the term", "number"
    ),
    "base_weight": _column(
        "design weight", "accounts of the population that a drawn account stands for", "accounts", "number"
    ),
    "basis": _column(
        "answers",
        "complete: of who answered every question; pairwise: each pair of questions over who answered both",
        "text",
        "word",
        words=("complete", "pairwise"),
    ),
    "before": _column("before", "in the window before the end", "as the measure", "number"),
    "beta": _column("beta", "standardized slope, the other items held", "standard deviations", "number"),
    "beta_high": _column("to", "upper end of the interval of the standardized slope", "standard deviations", "number"),
    "beta_low": _column("from", "lower end of the interval of the standardized slope", "standard deviations", "number"),
    "bias": _column(
        "too much", "sum of forecasts less what happened, over what happened; below 0: too little", "share", "share"
    ),
    "boot_high": _column(
        "to, over accounts", "upper end of the interval from resampled accounts", "as the estimate", "share"
    ),
    "boot_low": _column(
        "from, over accounts", "lower end of the interval from resampled accounts", "as the estimate", "share"
    ),
    "bought_before": _column("bought before", "whether the account bought it in the year before", "yes or no", "flag"),
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
    "by": _column(
        "by",
        "what groups are formed by",
        "text",
        "word",
        words=(
            "all",
            "competitor",
            "industry",
            "logged reason",
            "main product group",
            "manager",
            "region",
            "role",
            "stratum",
            "year of the last order",
        ),
    ),
    "calibration_gap": _column(
        "fitted and seen differ by",
        "mean difference between seen and fitted shares in tenths of the rows",
        "share",
        "share",
    ),
    "call_order": _column("call no.", "order of the calls, random within the stratum", "number", "count"),
    "called": _column("called", "mean over the accounts that were to be called", "as the term", "number"),
    "called_before": _column("called before", "an earlier list said to call it", "yes or no", "flag"),
    "can_pay": _column(
        "can pay", "whether the account is solvent", "yes, no or not known", "word", words=("yes", "no", "not known")
    ),
    "capacity": _column(
        "reaches at most", "customers that a programme can reach in a period; missing: no limit", "customers", "count"
    ),
    "cause": _column(
        "comes from",
        "what a change comes from, as far as it can be told: customers, method, data, or either",
        "text",
        "text",
    ),
    "certainty": _column("certain", "drawn for certain, as one of the largest", "yes or no", "flag"),
    "change": _column(
        "change",
        "by how much the answer changes without the assumption: value per account, periods to loss, or share",
        "as the answer",
        "number",
    ),
    "change_high": _column("to", "upper end of the interval of the change", "as the change", "number"),
    "change_low": _column("from", "lower end of the interval of the change", "as the change", "number"),
    "chosen": _column(
        "best at the estimates",
        "what the policy that is best at the estimates does in the state",
        "text",
        "text",
        words=("nothing",),
    ),
    "churned": _column(
        "churned", "a silence of k periods was completed, or began, within the horizon", "yes or no", "flag"
    ),
    "ci_high": _column("to", "upper end of the interval", "as the estimate", "number"),
    "ci_low": _column("from", "lower end of the interval", "as the estimate", "number"),
    "cohort": _column("first order in", "accounts that placed their first order in this period", "period", "period"),
    "compared": _column(
        "over",
        "all who answered, or the accounts in both waves: these alone, not weighed",
        "text",
        "word",
        words=("accounts in both", "all who answered"),
    ),
    "competitor": _column("competitor", "competitor logged with the loss", "name", "text", words=("not known",)),
    "competitors": _column("competitors", "competitors at the customer", "names", "text"),
    "conclusion": _column("conclusion", "what one would conclude from the answers", "text", "text"),
    "contact_id": _column("contact", "identifier of the person", "identifier", "text"),
    "contribution": _column(
        "adds", "what a term adds to the log-odds, against the mean of the accounts at risk", "log-odds", "number"
    ),
    "correlation": _column("correlation", "correlation with the outcome, nothing else held", "-1 to 1", "number"),
    "cost": _column("cost", "cost of goods sold", "currency", "money"),
    "cost_to_serve": _column(
        "cost to serve", "freight, trade terms, service and credit, those that are known", "currency", "money"
    ),
    "coverage": _column(
        "within interval", "share of what happened that lay within the prediction interval", "share", "share"
    ),
    "covers": _column(
        "interval covers", "as stated: by the forecast itself; chance: chance alone, so too narrow", "text", "text"
    ),
    "credibility": _column(
        "own record believed", "how far the account's own record counts against that of its states", "share", "share"
    ),
    "credit_cost": _column(
        "credit", "cost of the balance that is outstanding, over the time of the ledger", "currency", "money"
    ),
    "criterion": _column("criterion", "criterion that accounts are judged by, or must meet", "text", "text"),
    "criterion_kind": _column(
        "kind", "judged by people, or measured from the data", "text", "word", words=("measured", "judged")
    ),
    "criterion_level": _column(
        "level", "level of an account on a criterion, from 0 (worst) to 1 (best)", "0 to 1", "number"
    ),
    "criterion_value": _column("value", "value of an account on a criterion", "as the criterion", "number"),
    "cum_profit": _column("added up", "contributions added up, the most profitable account first", "currency", "money"),
    "cum_share_customers": _column(
        "customers, largest first", "share of customers up to and with this one", "share", "share"
    ),
    "cum_share_value": _column(
        "cumulative share", "share of the base total up to and with this customer", "share", "share"
    ),
    "customer_id": _column("account", "identifier of the customer, as text; leading zeros kept", "identifier", "text"),
    "customer_since": _column("customer since", "first day as a customer", "date", "date"),
    "customers_band": _column(
        "number", "few, medium or many customers", "text", "word", words=("few", "medium", "many")
    ),
    "cut": _column("met from", "value from which on a criterion is met", "as the criterion", "number"),
    "days_from": _column("silent from", "shortest silence of a band", "days", "days"),
    "days_since_last_order": _column(
        "days since last order", "days from the last order to the as-of date", "days", "days"
    ),
    "days_since_met": _column(
        "days since met", "days from the last meeting with anybody of the account to the as-of date", "days", "days"
    ),
    "days_to": _column("silent to", "longest silence of a band; missing: no end", "days", "days"),
    "decider_known": _column(
        "decider known",
        "whether we met somebody who decides and does not oppose us",
        "yes, no or not known",
        "word",
        words=("yes", "no", "not known"),
    ),
    "decides": _column("decides", "has the power to decide", "yes or no", "flag"),
    "delta": _column(
        "delta",
        "points by which the silent are less satisfied than comparable respondents, assumed",
        "points",
        "number",
    ),
    "delta_high": _column("gain to", "upper end of the interval of the gain per customer", "currency", "money"),
    "delta_low": _column("gain from", "lower end of the interval of the gain per customer", "currency", "money"),
    "delta_turned": _column(
        "says otherwise from",
        "delta from which the estimate says otherwise; missing: not within 2 points",
        "points",
        "number",
    ),
    "delta_unsure": _column(
        "unsure from",
        "delta from which a conclusion no longer holds beyond chance; missing: it never did, or not within 2 points",
        "points",
        "number",
    ),
    "delta_value": _column(
        "gain per account", "change of the present value of a customer, net of cost", "currency", "money"
    ),
    "demand_cv": _column(
        "variation of demand",
        "standard deviation (ddof 0) over mean of gross revenue per complete period",
        "ratio",
        "number",
    ),
    "design_effect": _column(
        "design effect", "variance of a mean over that of as many independent answers", "ratio", "number"
    ),
    "df": _column("degrees of freedom", "degrees of freedom of the test or interval; 0: none", "number", "count"),
    "did_order": _column("ordered", "placed an order within the horizon", "yes or no", "flag"),
    "difference": _column("difference", "called less held out", "as the term", "number"),
    "difference_after": _column(
        "after weighting", "difference from those drawn after weighting", "standard deviations", "number"
    ),
    "difference_alike": _column(
        "difference, alike", "silent less answered, among accounts alike in the ledger", "as the term", "number"
    ),
    "difference_before": _column(
        "before weighting", "difference from those drawn before weighting", "standard deviations", "number"
    ),
    "difference_raw": _column("difference", "silent less answered", "as the term", "number"),
    "direction": _column(
        "better is", "whether the higher or the lower value is better", "text", "word", words=("higher", "lower")
    ),
    "discount": _column("discount", "discount given", "currency", "money"),
    "dropped_products": _column(
        "products dropped", "change of revenue by products an account no longer bought", "currency", "money"
    ),
    "due": _column("due", "day by which it should be done", "date", "date"),
    "due_days": _column("due within", "days from the as-of date within which it should be done", "days", "days"),
    "duplicate_of": _column("likely the same as", "account that is likely the same firm", "identifier", "text"),
    "each": _column(
        "counts alike",
        "what counts alike: each account, each unit of revenue, each respondent",
        "text",
        "word",
        words=("account", "respondent"),
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
    "elsewhere": _column("elsewhere", "money a year that the account spends elsewhere", "currency", "money"),
    "error": _column("missed by", "sum of absolute errors over the sum of what happened", "share", "share"),
    "error_correlation": _column(
        "correlation of errors",
        "correlation of the errors of two estimates, from accounts in both",
        "-1 to 1",
        "number",
    ),
    "error_naive": _column("without a model", "the same error of the forecast without a model", "share", "share"),
    "estimate": _column("estimate", "the estimated value", "as the term", "number"),
    "estimate_from": _column("before", "the estimate in the earlier wave", "as the measure", "number"),
    "estimate_to": _column("after", "the estimate in the later wave", "as the measure", "number"),
    "event": _column("what", "what happened: complaint, contact, visit, tender, offer, handover, lost", "name", "text"),
    "event_date": _column("when", "day on which it happened", "date", "date"),
    "expected": _column("to be expected", "share that was to be expected with the average manager", "share", "share"),
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
    "fact": _column(
        "fact", "fact of an account that a condition looks at; empty: none of the other types", "name", "text"
    ),
    "feldt_high": _column(
        "to (Feldt)", "upper end of Feldt's interval of alpha: independent, normal answers", "number", "number"
    ),
    "feldt_low": _column(
        "from (Feldt)", "lower end of Feldt's interval of alpha: independent, normal answers", "number", "number"
    ),
    "field": _column("fact", "fact of an account that a rule looks at", "text", "text"),
    "figure": _column("figure", "what was measured, in the unit of its measure", "as the measure", "number"),
    "figure_after": _column(
        "figure now", "what the later run measured, in the unit of its measure", "as the measure", "number"
    ),
    "figure_before": _column(
        "figure before", "what the earlier run had measured, in the unit of its measure", "as the measure", "number"
    ),
    "finding": _column("finding", "what the data say about an assumption", "text", "text"),
    "first_order": _column("first order", "day of the first order", "date", "date"),
    "fit_high": _column("to, trend", "upper end of the interval of the fitted trend", "share", "share"),
    "fit_low": _column("from, trend", "lower end of the interval of the fitted trend", "share", "share"),
    "fitted": _column("trend", "value of the fitted trend, season taken out", "share", "share"),
    "flag": _column("flag", "what was found of the account", "text", "word"),
    "forecast": _column(
        "forecast from", "what a level is forecast from", "name", "word", words=("season", "structural", "year")
    ),
    "forecast_day": _column("forecast of", "day from which a forecast looks ahead", "date", "date"),
    "freight": _column("freight", "freight paid by us", "currency", "money"),
    "from_state": _column("from state", "state that is left", "name", "text", words=("lost",)),
    "from_tier": _column("from tier", "tier that is left", "tier", "text", words=("none",)),
    "from_wave": _column("from wave", "the earlier of two waves", "name", "text"),
    "funnel_size": _column(
        "width of chance",
        "what the limits of chance narrow with: expected losses, or accounts",
        "as measured",
        "number",
    ),
    "gain": _column("gain in all", "gain per customer times the customers treated", "currency", "money"),
    "gain_high": _column("in all, to", "upper end of the interval of the gain in all", "currency", "money"),
    "gain_low": _column("in all, from", "lower end of the interval of the gain in all", "currency", "money"),
    "gap": _column("apart", "the estimate of one group less that of another", "as the estimate", "number"),
    "gap_cv": _column(
        "variation of gaps",
        "standard deviation (ddof 0) over mean of the days between purchase days",
        "ratio",
        "number",
    ),
    "gap_group": _column(
        "not bought",
        "product group that like accounts buy and the account does not, the one worth most",
        "name",
        "text",
    ),
    "gap_high": _column("to", "upper end of the interval of how far groups are apart", "as the estimate", "number"),
    "gap_low": _column("from", "lower end of the interval of how far groups are apart", "as the estimate", "number"),
    "gap_value": _column(
        "worth a year", "what like accounts of that size spend a year on the product group", "currency", "money"
    ),
    "group": _column(
        "about",
        "what a covariate tells about",
        "text",
        "word",
        words=(
            "origin",
            "rhythm",
            "money",
            "deliveries",
            "events",
            "survey",
            "account",
            "market",
            "other",
            "recent",
            "lapsed",
        ),
    ),
    "group_id": _column("group", "account at the head of the group of parents and branches", "identifier", "text"),
    "group_name": _column(
        "group",
        "one of the groups that are compared",
        "name",
        "text",
        words=(
            "all",
            "all accounts",
            "answered again",
            "detractors",
            "passives",
            "promoters",
            "difference",
            "divided",
            "never answered",
            "no answer again",
            "not known",
            "not satisfied",
            "satisfied",
            "stayed",
            "lost",
        ),
    ),
    "guarantee": _column(
        "we warrant",
        "which of two guarantees an action keeps: quality of service, or the best interest of the customer",
        "text",
        "word",
    ),
    "half_life": _column("half are lost after", "periods until half of the accounts are lost", "periods", "number"),
    "half_width": _column("half width", "half the width of the interval", "as the estimate", "number"),
    "half_width_all": _column(
        "half width, if all answered",
        "half the width of the interval if all that can be reminded answered",
        "as the estimate",
        "number",
    ),
    "hangs_on_weights": _column(
        "hangs on the weights", "another tier when one weight moves by a fifth", "yes or no", "flag"
    ),
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
    "hhi_orders": _column(
        "HHI of orders", "sum of squared shares of the orders of the last twelve months", "number", "number"
    ),
    "hhi_products": _column(
        "HHI of products",
        "sum of squared shares of the product groups or products of the last twelve months",
        "number",
        "number",
    ),
    "high": _column("highest", "highest value that got the score", "days, orders or money", "number"),
    "ici": _column(
        "said and seen differ by",
        "mean difference between what was said and the calibration curve (ICI)",
        "share",
        "share",
    ),
    "importance_high": _column(
        "to", "upper end of the interval of the importance", "share of what is explained", "share"
    ),
    "importance_low": _column(
        "from", "lower end of the interval of the importance", "share of what is explained", "share"
    ),
    "in_points": _column("points", "difference in points of a share in percent", "points", "number"),
    "industry": _column("industry", "industry of the account", "name", "text", words=("not known",)),
    "industry_match": _column(
        "industries", "whether the industries are the same", "text", "word", words=("same", "differs", "not known")
    ),
    "influence": _column("influence", "influence on the purchase, 5 is most", "level 1 to 5", "number"),
    "is_above": _column("above capacity", "carries more than one manager can", "yes or no", "flag"),
    "is_ally": _column("ally", "stands for us: support of 1 or more", "yes or no", "flag"),
    "is_beside": _column("held beside", "in the regression, though too few answered to rank it", "yes or no", "flag"),
    "is_breadwinner_profit": _column(
        "breadwinner by contribution",
        "brings at least the share of contribution that was asked for",
        "yes or no",
        "flag",
    ),
    "is_breadwinner_revenue": _column(
        "breadwinner by revenue", "brings at least the share of revenue that was asked for", "yes or no", "flag"
    ),
    "is_called": _column("sure", "whether enough resamples agree to call it", "yes or no", "flag"),
    "is_claimed": _column("claimed", "the data bear the claim", "yes or no", "flag"),
    "is_clipped": _column(
        "outside range", "the value lies outside the range and counts as its end", "yes or no", "flag"
    ),
    "is_constant": _column("same for all", "the same for all accounts, so that it says nothing", "yes or no", "flag"),
    "is_declared": _column("declared", "declared by the user, not taken by default", "yes or no", "flag"),
    "is_key_account": _column("key account", "meets every criterion", "yes or no", "flag"),
    "is_large": _column("large", "brings part of the first 80 percent of the positive revenue", "yes or no", "flag"),
    "is_lost": _column("lost", "silent for as long as the rule says", "yes or no", "flag"),
    "is_lost_own": _column("lost by own rhythm", "silent for longer than the own rhythm allows", "yes or no", "flag"),
    "is_met": _column("met", "somebody of us has met the person", "yes or no", "flag"),
    "is_named": _column("named", "on the list", "yes or no", "flag"),
    "is_notable": _column(
        "stands out", "moved beyond chance and more than at most comparable accounts", "yes or no", "flag"
    ),
    "is_outdated": _column("demand out of date", "bought more than its demand was said to be", "yes or no", "flag"),
    "is_override": _column("set by hand", "the tier in force was set by hand", "yes or no", "flag"),
    "is_ranked": _column("compared", "has accounts enough to be compared by name", "yes or no", "flag"),
    "is_recommended": _column("recommended", "part of what is recommended", "yes or no", "flag"),
    "is_same_level": _column("sure", "the whole interval of the margin gives the same level", "yes or no", "flag"),
    "is_silent": _column("silent", "no order for more than three times its rhythm, and a month", "yes or no", "flag"),
    "is_sure": _column(
        "beyond chance", "holds beyond chance if the silent think as comparable respondents", "yes or no", "flag"
    ),
    "is_tested": _column("tested", "a test stands behind the flag; else it is counted", "yes or no", "flag"),
    "item": _column(
        "question",
        "a question of the survey",
        "name",
        "text",
        words=(
            "overall",
            "recommend",
            "repurchase",
        ),
    ),
    "item_total": _column(
        "with the others", "correlation of a question with the sum of the others of its set", "correlation", "number"
    ),
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
    "keeping_cost": _column(
        "keeping costs",
        "what serving the account costs a year; contribution is after it",
        "currency",
        "money",
    ),
    "kind": _column(
        "kind",
        "basic, performance, excitement or not clear: whether low answers cost more than high ones add",
        "text",
        "word",
    ),
    "last_active": _column("last period with an order", "first day of the last period with an order", "date", "period"),
    "last_met": _column("last met", "day of the last meeting", "date", "date"),
    "last_order": _column("last order", "day of the last order", "date", "date"),
    "last_outcome": _column(
        "last offer", "what came of the latest logged offer since the last order; empty: none", "text", "text"
    ),
    "last_score": _column(
        "last answer",
        "mean answer of the account in the last earlier wave in which it answered; missing: none",
        "points",
        "number",
    ),
    "level": _column("level", "level of a covariate, against the reference", "text", "text"),
    "level_3": _column(
        "level 3 as", "whether the third of five levels is read as neutral or as no opinion", "text", "word"
    ),
    "level_error": _column("error of the level", "standard deviation of the level on a criterion", "0 to 1", "number"),
    "level_factor": _column(
        "own level",
        "money the account brings over what its states do, as far as its record is believed",
        "ratio",
        "number",
    ),
    "likeness": _column(
        "like those that rose", "share of those that became class A whose chance before was no higher", "share", "share"
    ),
    "limit": _column("limit", "what a fact is held against", "as the fact", "text"),
    "limit_level": _column("limit", "share that lies within the limits by chance alone", "share", "share"),
    "limit_used": _column("credit limit used", "receivable over credit limit", "number", "number"),
    "line": _column("straight line", "value of the straight line", "as the estimate", "number"),
    "list_part": _column(
        "what to do",
        "call; hold-out: leave alone; waits: beyond the capacity; no gain: a call does not pay; excluded",
        "text",
        "word",
    ),
    "listed_less": _column(
        "listed less this",
        "share bought of the listed pairs less that of these",
        "share",
        "share",
    ),
    "lmg": _column(
        "LMG", "part of the explained variation by Lindeman, Merenda and Gold", "share of variance", "number"
    ),
    "load": _column("load", "key accounts, or hours or visits a year, that a manager carries", "as measured", "number"),
    "loading": _column(
        "loading", "correlation of a question with the one factor behind its set", "correlation", "number"
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
    "logged_reason": _column(
        "logged reason", "reason of the loss as somebody logged it", "text", "text", words=("not known",)
    ),
    "loss_after": _column(
        "lost a year, then", "yearly loss rate after the change, mean over accounts", "share", "share"
    ),
    "loss_before": _column("lost a year, now", "yearly loss rate of the accounts at risk", "share", "share"),
    "loss_high": _column("to", "upper end of the interval of the periods to loss", "periods", "number"),
    "loss_low": _column("from", "lower end of the interval of the periods to loss", "periods", "number"),
    "low": _column("lowest", "lowest value that got the score", "days, orders or money", "number"),
    "lower_in": _column("lower in", "the wave whose silent accounts are taken to be less satisfied", "text", "text"),
    "lowest_score": _column("lowest score", "lowest score of the accounts of a tier", "0 to 1", "number"),
    "loyalty": _column(
        "loyalty", "mean rank of tenure, even ordering and share of wallet, 1 is most loyal", "0 to 1", "number"
    ),
    "m_max": _column("M to", "highest monetary score of the rule", "score 1 to 5", "count"),
    "m_min": _column("M from", "lowest monetary score of the rule", "score 1 to 5", "count"),
    "m_score": _column("M", "monetary score, 5 is largest", "score 1 to 5", "count"),
    "main_group": _column(
        "buys most", "product group of which the account bought most", "name", "text", words=("not known",)
    ),
    "manager": _column(
        "manager", "who is responsible for the account, as known at the time", "name", "text", words=("not known",)
    ),
    "manager_capacity": _column("can carry", "what one manager can carry, as the load", "as the load", "number"),
    "margin": _column("margin", "amount minus cost", "currency", "money"),
    "margin_active": _column("margin a year, then", "margin a year while the account bought", "currency", "money"),
    "margin_band": _column(
        "margin is", "high, medium or low margin for each customer", "text", "word", words=("high", "medium", "low")
    ),
    "margin_each": _column("for each customer", "mean margin of a customer of the segment", "currency", "money"),
    "margin_each_high": _column(
        "to", "upper end of the interval of the mean margin of a customer", "currency", "money"
    ),
    "margin_each_low": _column(
        "from", "lower end of the interval of the mean margin of a customer", "currency", "money"
    ),
    "margin_target": _column("margin target", "margin aimed at in the period", "currency", "money"),
    "margin_year": _column("margin, last year", "margin of the year before the origin", "currency", "money"),
    "marginal_effect": _column(
        "difference of the chance",
        "change of the probability with one step, averaged over the rows",
        "change of a probability",
        "share",
    ),
    "mean": _column("mean", "mean of the answers", "as the scale", "number"),
    "mean_answer": _column("mean", "mean of the answers given", "points of the scale", "number"),
    "mean_answered": _column("answered", "mean of those that answered, by design weights", "as the term", "number"),
    "mean_drawn": _column("drawn", "mean of those drawn, by design weights", "as the term", "number"),
    "mean_gap_days": _column("usual gap", "mean days from one purchase day to the next", "days", "days"),
    "mean_high": _column("to", "upper end of the interval of the mean answer", "points of the scale", "number"),
    "mean_low": _column("from", "lower end of the interval of the mean answer", "points of the scale", "number"),
    "mean_others": _column(
        "all others",
        "mean of the people of all other accounts, by weights where there are any",
        "as the scale",
        "number",
    ),
    "mean_weighted": _column("weighted", "mean of those that answered, by final weights", "as the term", "number"),
    "meaning": _column("meaning", "what a segment, criterion or term stands for", "text", "word"),
    "measure": _column(
        "measure",
        "what is measured",
        "text",
        "word",
        words=(
            "mean",
            "top two",
            "bottom two",
            "NPS",
            "AUC",
            "Brier",
            "log loss",
            "mean correlation",
            "mean of the questions",
            "omega total",
            "alpha",
            "standardized alpha",
            "overall",
            "recommend",
            "repurchase",
            "top buyers named",
        ),
    ),
    "measured_in": _column("measured in", "unit of a measure", "text", "word"),
    "median_gap": _column(
        "median gap in periods", "median of the periods from one with an order to the next", "periods", "number"
    ),
    "median_gap_days": _column("median gap", "median of the days between purchase days", "days", "days"),
    "median_high": _column("to", "upper end of the interval of the median time", "periods", "number"),
    "median_low": _column("from", "lower end of the interval of the median time", "periods", "number"),
    "median_time": _column("half are lost after", "periods until half of the accounts are lost", "periods", "number"),
    "method": _column(
        "method",
        "how it was estimated",
        "text",
        "word",
        words=("adjusted Wald", "correlations", "covariances", "minimum residuals", "maximum likelihood"),
    ),
    "mix": _column(
        "mix",
        "change of revenue by the composition of the quantity, at the prices of the year before",
        "currency",
        "money",
    ),
    "mix_high": _column("to", "upper end of the interval of the periods to loss of all", "periods", "number"),
    "mix_low": _column("from", "lower end of the interval of the periods to loss of all", "periods", "number"),
    "mix_to_loss": _column(
        "periods to loss, all", "expected periods until a customer of today is lost", "periods", "number"
    ),
    "model": _column(
        "model",
        "name of the model that made the forecast",
        "text",
        "word",
        words=("logistic", "trees", "twin", "regression"),
    ),
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
    "money_year": _column(
        "money a year",
        "what the effect is on the revenue of a year; above zero: better than the average",
        "currency",
        "money",
    ),
    "monotone": _column("monotone", "value of the fit that never turns", "as the estimate", "number"),
    "movement": _column("movement", "what became of the accounts between two windows", "text", "word"),
    "n_accounts": _column("accounts", "number of accounts", "accounts", "count"),
    "n_accounts_from": _column("accounts before", "accounts with an answer in the earlier wave", "accounts", "count"),
    "n_accounts_to": _column("accounts after", "accounts with an answer in the later wave", "accounts", "count"),
    "n_actions": _column("actions", "actions on the list", "actions", "count"),
    "n_active": _column("ordering", "accounts that order in the period", "accounts", "count"),
    "n_active_periods": _column("active months", "complete months with at least one order", "months", "count"),
    "n_actual": _column("happened", "customers that were there when the time came", "customers", "count"),
    "n_ahead": _column("periods ahead", "periods from the last one seen", "periods", "count"),
    "n_all_named": _column("named in all", "accounts named, over all origins", "accounts", "count"),
    "n_all_so_far": _column("remain", "customers that meet this criterion and all before it", "customers", "count"),
    "n_allies": _column("allies", "contacts that stand for us", "people", "count"),
    "n_answered": _column("answered", "accounts, or people, that answered", "number", "count"),
    "n_at_risk": _column("at risk", "customers or silences that were followed further", "number", "count"),
    "n_became": _column("became class A", "accounts that became class A within the horizon", "accounts", "count"),
    "n_better": _column("better at", "origins at which the reference model erred less", "origins", "count"),
    "n_blank": _column("blank", "people who left the question blank", "people", "count"),
    "n_both": _column("in both", "accounts with an answer in both waves", "accounts", "count"),
    "n_bought": _column("bought", "pairs of account and product group that were bought since", "pairs", "count"),
    "n_by_model": _column("found by forecast", "accounts named by forecast that became class A", "accounts", "count"),
    "n_by_revenue": _column("found by revenue", "accounts named by revenue that became class A", "accounts", "count"),
    "n_calls": _column("calls", "accounts to call", "accounts", "count"),
    "n_cases": _column("number", "number of cases", "cases", "count"),
    "n_chance": _column("by chance", "number of accounts that chance alone would make", "accounts", "count"),
    "n_cohorts": _column("cohorts", "cohorts that have come so far", "cohorts", "count"),
    "n_complaints": _column("complaints", "complaints, of the last 180 days or of the period", "complaints", "count"),
    "n_contacts": _column("contacts", "people known at the account", "people", "count"),
    "n_covered": _column("periods", "periods that a row covers", "periods", "count"),
    "n_criteria_missing": _column(
        "criteria missing", "criteria that are not known of the account", "criteria", "count"
    ),
    "n_customers": _column("customers", "number of customers", "customers", "count"),
    "n_deciders": _column("deciders", "contacts with the power to decide", "people", "count"),
    "n_deciders_not_met": _column(
        "deciders not met", "contacts with the power to decide whom nobody of us has met", "people", "count"
    ),
    "n_deliveries": _column("deliveries", "deliveries that were due", "deliveries", "count"),
    "n_drawn": _column("drawn", "accounts drawn for the survey", "accounts", "count"),
    "n_effective": _column(
        "effective number", "answers of a simple random sample that would tell as much", "answers", "count"
    ),
    "n_entered_a": _column("enter A", "accounts that come into score group A", "accounts", "count"),
    "n_estimates": _column("estimates", "number of estimates, the intercept included", "number", "count"),
    "n_events": _column("events", "rows with the event", "rows", "count"),
    "n_evidence": _column("facts for it", "facts that speak for it beside the name", "facts", "count"),
    "n_expected": _column("expected", "number of customers expected", "customers", "count"),
    "n_first": _column("urgent", "actions of the first priority", "actions", "count"),
    "n_flagged": _column("accounts with it", "accounts that carry the flag", "accounts", "count"),
    "n_flagged_large": _column("large ones", "large accounts that carry the flag", "accounts", "count"),
    "n_flags": _column("flags", "flags that the account carries", "flags", "count"),
    "n_gaps": _column("gaps", "waits from one period with an order to the next", "gaps", "count"),
    "n_given": _column(
        "answers", "people who answered the question, among those who answered the outcome", "people", "count"
    ),
    "n_hanging": _column(
        "hang on the weights", "accounts whose tier changes when one weight moves by a fifth", "accounts", "count"
    ),
    "n_held_out": _column("held out", "accounts drawn to be left alone", "accounts", "count"),
    "n_high": _column("to", "upper end of the prediction interval of a number of customers", "customers", "count"),
    "n_high_answers": _column("high answers", "high answers to the question", "answers", "count"),
    "n_in_group": _column(
        "accounts in the group", "accounts of the group of parent and branches, itself counted", "accounts", "count"
    ),
    "n_items": _column("questions", "number of questions", "questions", "count"),
    "n_judged": _column("judged", "accounts that could be judged", "accounts", "count"),
    "n_kept": _column("kept a year", "accounts that are kept in a year and would else be lost", "accounts", "count"),
    "n_key_accounts": _column("key accounts", "number of key accounts", "accounts", "count"),
    "n_large": _column("large accounts", "large accounts that meet it", "accounts", "count"),
    "n_late": _column("late", "deliveries after the promised day", "deliveries", "count"),
    "n_left": _column("left", "accounts that left, counted or expected", "accounts", "count"),
    "n_left_a": _column("leave A", "accounts that leave score group A", "accounts", "count"),
    "n_like": _column("like accounts", "accounts with the most alike baskets", "accounts", "count"),
    "n_like_buy": _column("of these buy", "like accounts that buy the product group", "accounts", "count"),
    "n_listed": _column("on the list", "accounts at which the rule is among the actions listed", "accounts", "count"),
    "n_losing": _column("losing money", "accounts below zero", "accounts", "count"),
    "n_lost": _column("lost", "customers who are lost, or were lost in the period", "customers", "count"),
    "n_low": _column("from", "lower end of the prediction interval of a number of customers", "customers", "count"),
    "n_low_answers": _column("low answers", "low answers to the question", "answers", "count"),
    "n_met": _column("criteria met", "how many of the criteria the account meets", "criteria", "count"),
    "n_missing": _column("missing", "rows without a value", "rows", "count"),
    "n_named": _column("named", "accounts that a list names", "accounts", "count"),
    "n_no_answer": _column("no answer", "people who gave the code for no answer", "people", "count"),
    "n_not_applicable": _column("not applicable", "people to whom the question does not apply", "people", "count"),
    "n_not_bought": _column(
        "groups not bought", "product groups that like accounts buy and this one does not", "groups", "count"
    ),
    "n_not_judged": _column("not judged", "accounts that could not be judged", "accounts", "count"),
    "n_not_reached": _column("not reached", "accounts drawn that were not reached", "accounts", "count"),
    "n_not_won": _column("tenders lost", "tenders that somebody else won", "tenders", "count"),
    "n_notable": _column("stand out", "how many things, or accounts, stand out", "number", "count"),
    "n_offers": _column("offers", "logged offers", "offers", "count"),
    "n_open": _column("open", "accounts drawn of which nothing has come yet", "accounts", "count"),
    "n_orders": _column(
        "orders", "number of distinct orders with a positive line; credit notes are none", "orders", "count"
    ),
    "n_orders_after": _column("orders now", "orders in the later of two windows", "orders", "count"),
    "n_orders_before": _column("orders before", "orders in the earlier of two windows", "orders", "count"),
    "n_origins": _column("back-tests", "past periods from which was forecast", "periods", "count"),
    "n_other_people": _column("people elsewhere", "people of all other accounts who answered", "people", "count"),
    "n_others": _column("others", "account-quarters of the others that were followed", "account-quarters", "count"),
    "n_pairs": _column("pairs", "pairs of account and product group", "pairs", "count"),
    "n_partial": _column(
        "partial churners", "accounts, or account-quarters, with a drop as large as asked", "number", "count"
    ),
    "n_peers": _column("compared with", "comparable accounts that stayed", "accounts", "count"),
    "n_people": _column("people", "people of the account who could have answered", "people", "count"),
    "n_periods": _column("months", "complete months from the month of the first order on", "months", "count"),
    "n_planned": _column("planned", "customers treated if the recommendation is followed", "customers", "count"),
    "n_population": _column("population", "units in the population", "number", "count"),
    "n_purchase_days": _column("purchase days", "distinct days with an order", "days", "count"),
    "n_reached": _column("reached", "accounts at or above their target", "accounts", "count"),
    "n_refused": _column("refused", "accounts drawn that refused", "accounts", "count"),
    "n_respondents": _column("respondents", "people who answered", "people", "count"),
    "n_returned": _column("came back", "lost customers who bought again", "customers", "count"),
    "n_rise": _column("rose as much", "accounts whose revenue rose by as much", "accounts", "count"),
    "n_rows": _column("rows", "number of ledger rows", "rows", "count"),
    "n_shared": _column("with several", "accounts with two respondents or more", "accounts", "count"),
    "n_short": _column("still needed", "answers that are still needed", "answers", "count"),
    "n_signs": _column(
        "warning signs", "number of things known of a silent account that ask for a closer look", "number", "count"
    ),
    "n_silent": _column("silent for", "complete periods since the last one with an order", "periods", "count"),
    "n_since_first": _column(
        "periods since the first order", "periods since the one with the first order", "periods", "count"
    ),
    "n_small": _column("quarters in class C", "quarters in a row, up to now, in class C", "quarters", "count"),
    "n_sure": _column(
        "sure", "accounts that get their class again with at least 95 % probability", "accounts", "count"
    ),
    "n_thresholds": _column("thresholds", "how often the levels are cut", "number", "count"),
    "n_tier_changes": _column("change tier", "accounts that get another tier", "accounts", "count"),
    "n_to_remind": _column("to remind", "accounts drawn that neither answered nor refused", "accounts", "count"),
    "n_transitions": _column("transitions", "transitions seen from one period to the next", "transitions", "count"),
    "n_treated": _column("treated", "customers in the state now that a programme reaches", "customers", "count"),
    "n_trimmed": _column("trimmed", "weights that were held at the limit", "accounts", "count"),
    "n_unanswered": _column("silent", "accounts that were asked and did not answer", "accounts", "count"),
    "n_unknown": _column("not known", "accounts of which it is not known", "accounts", "count"),
    "n_visits": _column("visits", "visits of ours", "visits", "count"),
    "n_won": _column("tenders won", "tenders that we won", "tenders", "count"),
    "name": _column("name", "name of the account; the identifier where no name is known", "text", "text"),
    "name_match": _column("names", "how the names of two accounts are alike", "text", "word"),
    "needed": _column("needs", "effect that a programme needs to pay", "text", "text"),
    "new_products": _column(
        "new products", "change of revenue by products not bought in the year before", "currency", "money"
    ),
    "no_order": _column("no order", "no order within the horizon", "yes or no", "flag"),
    "not_known": _column("not known", "costs that are known of other accounts and not of this one", "text", "text"),
    "observed": _column("happened", "share of the accounts to which it happened", "share", "share"),
    "odds_alone": _column("odds ratio alone", "odds ratio with this term and the origins alone", "ratio", "number"),
    "odds_high": _column("to", "upper end of the interval of the odds ratio", "ratio", "number"),
    "odds_low": _column("from", "lower end of the interval of the odds ratio", "ratio", "number"),
    "odds_ratio": _column("odds ratio", "odds with one step more over odds without", "ratio", "number"),
    "of_answered": _column("of those that answered", "share among the accounts that answered", "share", "share"),
    "of_silent": _column("of the silent", "share among the accounts that did not answer", "share", "share"),
    "operator": _column(
        "compared by", "how a fact is compared with the limit: at least, below, is, is missing", "text", "text"
    ),
    "orders_per_year": _column(
        "orders a year",
        "orders per year since the first order; the first year counts whole",
        "orders per year",
        "number",
    ),
    "orders_ratio": _column("seen / said", "accounts with an order, observed over expected", "ratio", "number"),
    "origin": _column("forecast in", "period from which was forecast", "date", "period", words=("pooled",)),
    "other_item": _column("comes before", "the question that comes after", "name", "text"),
    "other_name": _column("name there", "name of the other account", "name", "text"),
    "other_value": _column("value there", "value of the other account", "currency", "money"),
    "outcome": _column("outcome", "what came of it", "text", "text"),
    "overdue_days": _column("overdue, days of sales", "overdue balance over the sales of a day", "days", "days"),
    "own_high": _column("to", "upper end of the interval of the account's own value", "currency", "money"),
    "own_low": _column("from", "lower end of the interval of the account's own value", "currency", "money"),
    "own_value": _column(
        "own value",
        "value ahead of the account at its own level: that of its state times the level",
        "currency",
        "money",
    ),
    "p_become_a": _column("chance of class A", "probability of class A within the horizon", "probability", "share"),
    "p_become_high": _column("to", "upper end of the interval of the chance of class A", "probability", "share"),
    "p_become_low": _column("from", "lower end of the interval of the chance of class A", "probability", "share"),
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
    "p_first": _column("first in", "share of the draws in which the account ranks first", "share of draws", "share"),
    "p_from": _column(
        "p from",
        "how the p-value was found: chi-square, simulated, or not testable",
        "text",
        "word",
        words=("chi-square", "simulated", "not testable"),
    ),
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
    "p_lowest": _column("least likely", "smallest probability of answering", "probability", "share"),
    "p_median": _column("median", "median of the probability of the same class", "probability", "share"),
    "p_money": _column(
        "by money", "probability weighted by what each account brought in the year before", "share", "share"
    ),
    "p_no_order": _column("chance of no order", "probability of no order within the horizon", "probability", "share"),
    "p_no_order_high": _column("to", "upper end of the interval of the chance of no order", "probability", "share"),
    "p_no_order_low": _column("from", "lower end of the interval of the chance of no order", "probability", "share"),
    "p_positive": _column("pays in", "draws in which the gain is above 0", "share of draws", "share"),
    "p_quadrant": _column("in", "share of the resamples with that quadrant", "probability", "share"),
    "p_rank": _column(
        "takes the rank in", "share of the draws in which the account takes the rank", "share of draws", "share"
    ),
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
    "p_tier": _column(
        "same tier in", "share of the draws of weights and judgments with the same tier", "share of draws", "share"
    ),
    "p_tier_a": _column("A in", "share of the draws with tier A", "share of draws", "share"),
    "p_tier_b": _column("B in", "share of the draws with tier B", "share of draws", "share"),
    "p_tier_c": _column("C in", "share of the draws with tier C", "share of draws", "share"),
    "p_tier_flat": _column(
        "same tier, any weights",
        "share of the draws with the same tier, all sets of weights as likely",
        "share of draws",
        "share",
    ),
    "p_value": _column(
        "p", "probability of a statistic at least as extreme if the assumption held", "probability", "number"
    ),
    "p_with": _column("with it", "mean probability of all rows with one step more", "probability", "share"),
    "p_without": _column("without", "mean probability of all rows without the step", "probability", "share"),
    "pair_set": _column("pairs", "which pairs of account and product group", "name", "word"),
    "parent_id": _column("parent", "account at the head of it", "identifier", "text"),
    "parent_name": _column("group of", "name of the parent", "name", "text"),
    "part": _column(
        "part", "early or late part of the time", "text", "word", words=("early", "late", "late less early")
    ),
    "partition": _column("steps", "levels that share a step, a bar where they are cut", "levels", "text"),
    "pearson": _column("Pearson", "Pearson's X² statistic", "number", "number"),
    "peers_notable": _column(
        "of those that stayed", "share of comparable accounts that stayed at which it stands out", "share", "share"
    ),
    "period": _column("period", "start of the month, quarter or year", "date", "period"),
    "periods_to_loss": _column("periods to loss", "expected periods until the account is lost", "periods", "number"),
    "person": _column("person", "name of the person to call", "name", "text"),
    "pi_high": _column("one account, to", "upper end of the range of what one account will bring", "currency", "money"),
    "pi_low": _column(
        "one account, from", "lower end of the range of what one account will bring", "currency", "money"
    ),
    "piece": _column(
        "adds or takes", "money that a piece of the bridge adds (revenue) or takes (costs)", "currency", "money"
    ),
    "plan": _column(
        "plan",
        "what a row plans: what was asked for, or asking everybody",
        "text",
        "word",
        words=("asked for", "everybody"),
    ),
    "points": _column(
        "points", "points of the outcome per point of the question, the others held", "points of the outcome", "number"
    ),
    "points_gained": _column(
        "a high one adds",
        "points of the outcome that a high answer adds, against the middle",
        "points of the outcome",
        "number",
    ),
    "points_gained_high": _column(
        "to", "upper end of the interval of what a high answer adds", "points of the outcome", "number"
    ),
    "points_gained_low": _column(
        "from", "lower end of the interval of what a high answer adds", "points of the outcome", "number"
    ),
    "points_high": _column("to", "upper end of the interval of the points", "points of the outcome", "number"),
    "points_lost": _column(
        "a low answer costs",
        "points of the outcome that a low answer costs, against the middle",
        "points of the outcome",
        "number",
    ),
    "points_lost_high": _column(
        "to", "upper end of the interval of what a low answer costs", "points of the outcome", "number"
    ),
    "points_lost_low": _column(
        "from", "lower end of the interval of what a low answer costs", "points of the outcome", "number"
    ),
    "points_low": _column("from", "lower end of the interval of the points", "points of the outcome", "number"),
    "population": _column("of", "whose forecasts are scored: accounts at risk, or all", "text", "word"),
    "potential": _column(
        "demand a year", "whole demand of the account a year, from whomever bought", "currency", "money"
    ),
    "predicted": _column("said", "probability that the model said", "share", "share"),
    "price": _column("price", "change of revenue by prices, at the new quantities", "currency", "money"),
    "priority": _column("priority", "how urgent: 1 first", "1, 2, 3 …", "count"),
    "probability": _column(
        "probability", "probability of the transition, or of not being lost yet", "probability", "share"
    ),
    "profile": _column("profile", "criteria that the account meets, and those that it misses", "text", "text"),
    "profit": _column(
        "contribution",
        "net revenue less the costs that are known: goods, freight, trade terms, service, credit",
        "currency",
        "money",
    ),
    "profit_high": _column("to", "upper end of the interval of the yearly profit", "currency", "money"),
    "profit_left": _column("contribution left", "contribution of all the others", "currency", "money"),
    "profit_low": _column("from", "lower end of the interval of the yearly profit", "currency", "money"),
    "profit_year": _column("profit a year", "even yearly profit with the same present value", "currency", "money"),
    "programme": _column("programme", "what could be done", "name", "text"),
    "programme_cost": _column(
        "cost per account", "cost of a programme per treated customer and period", "currency", "money"
    ),
    "pseudo_r2": _column("pseudo R²", "1 less the log-likelihood over that of the mean (McFadden)", "share", "number"),
    "psu": _column("drawn unit", "primary sampling unit: what was drawn, by default the account", "name", "text"),
    "quadrant": _column(
        "quadrant",
        "part of a map that is cut in two each way: importance and mean answer, or contribution and cost to serve",
        "text",
        "word",
    ),
    "question": _column(
        "asked",
        "the question as it was asked",
        "text",
        "text",
        words=(
            "overall",
            "recommend",
            "repurchase",
        ),
    ),
    "r_max": _column("R to", "highest recency score of the rule", "score 1 to 5", "count"),
    "r_min": _column("R from", "lowest recency score of the rule", "score 1 to 5", "count"),
    "r_score": _column("R", "recency score, 5 is most recent", "score 1 to 5", "count"),
    "rank": _column("rank", "1 is the largest", "rank", "count"),
    "rank_high": _column("rank to", "upper end of the range of ranks in 95 % of the draws", "rank", "count"),
    "rank_low": _column("rank from", "lower end of the range of ranks in 95 % of the draws", "rank", "count"),
    "rank_median": _column("median rank", "median of the ranks over the draws", "rank", "count"),
    "ratio": _column("came of expected", "what came over what was expected", "share", "share"),
    "reason": _column("reason", "why it is so", "text", "text", words=("too few answered", "all answers are equal")),
    "recommended": _column(
        "recommended",
        "programme for the state, nothing, or no recommendation",
        "text",
        "text",
        words=("nothing", "no recommendation"),
    ),
    "reference": _column("against", "what the figure is held against", "as the measure", "number"),
    "region": _column("region", "region of the account", "name", "text", words=("not known",)),
    "region_match": _column(
        "regions", "whether the regions are the same", "text", "word", words=("same", "differs", "not known")
    ),
    "regret": _column(
        "value of certainty",
        "expected value of perfect information per customer: what the best policy of each draw gains above the one chosen",
        "currency",
        "money",
    ),
    "relationship_level": _column(
        "relationship",
        "Kotler's level: basic, reactive, accountable, proactive or partnership",
        "text",
        "word",
        words=("basic", "reactive", "accountable", "proactive", "partnership"),
    ),
    "replacement_cost": _column(
        "winning one as large", "cost of winning a customer of the same size", "currency", "money"
    ),
    "resample": _column("resample", "number of the bootstrap sample", "number", "count"),
    "respondent_id": _column("respondent", "identifier of the respondent", "identifier", "text"),
    "response_class": _column(
        "response class",
        "class of accounts that are alike in how likely they answer",
        "name",
        "text",
        words=(
            "1 of 5",
            "2 of 5",
            "3 of 5",
            "4 of 5",
            "5 of 5",
        ),
    ),
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
    "revenue_change": _column("change", "net revenue less that of the year before", "currency", "money"),
    "revenue_left": _column("revenue left", "net revenue of all the others", "currency", "money"),
    "revenue_part": _column(
        "part",
        "part of the change of revenue: price, volume, mix, products and accounts that came or went",
        "name",
        "word",
        words=(
            "price",
            "volume",
            "mix",
            "new products",
            "dropped products",
            "without quantity",
            "not there before",
            "lost accounts",
        ),
    ),
    "revenue_peak": _column(
        "best of last two years", "larger net revenue of the last two years up to the last order", "currency", "money"
    ),
    "revenue_silent": _column(
        "revenue of the silent", "revenue of the accounts that were asked and did not answer", "currency", "money"
    ),
    "revenue_target": _column("target", "net revenue aimed at in the period", "currency", "money"),
    "revenue_year": _column(
        "revenue, last year",
        "revenue of the 364 days before the origin, or of the last twelve complete months",
        "currency",
        "money",
    ),
    "revenue_year_before": _column("year before", "net revenue of the year before", "currency", "money"),
    "reward": _column("per period", "mean money per account and period in the state", "currency", "money"),
    "reward_high": _column("to", "upper end of the interval of the money per period", "currency", "money"),
    "reward_low": _column("from", "lower end of the interval of the money per period", "currency", "money"),
    "role": _column("role", "role of the person, and other groups it belongs to", "text", "text"),
    "rule": _column(
        "rule",
        "name of a rule: of cleaning, or of how an account with divided people counts",
        "text",
        "word",
        words=("satisfied if its mean is 4 or more",),
    ),
    "run": _column("run", "folder of an earlier run, and of its step where a file cannot be read", "text", "text"),
    "runs_against": _column("runs against", "goes against the sum of the other questions", "yes or no", "flag"),
    "satisfaction": _column("satisfaction", "satisfaction of the account, 5 is best", "level 1 to 5", "number"),
    "saving_rate": _column("saving rate", "share of the accounts lost or leaving that a call keeps", "share", "share"),
    "scale": _column(
        "scale",
        "how values become levels: range, percentile, or lowest to highest",
        "text",
        "word",
        words=("range", "percentile"),
    ),
    "scheme": _column(
        "scheme", "what types are told apart by", "name", "word", words=("relationship", "supply", "role")
    ),
    "scope": _column(
        "whose",
        "all: with those who will be new; present: today's; active: today's who are not lost",
        "text",
        "word",
        words=("all that are not lost", "ordered in the last quarter"),
    ),
    "score": _column("score", "score from 1 to 5", "score 1 to 5", "count"),
    "score_from": _column("from level", "lowest level of a step", "score 1 to 5", "count"),
    "score_to": _column("to level", "highest level of a step", "score 1 to 5", "count"),
    "scored_in": _column(
        "answered in", "the last earlier wave in which the account answered; missing: none", "name", "text"
    ),
    "scored_on": _column("scored on", "first day on which the horizon of a forecast is over", "date", "date"),
    "season": _column(
        "season", "month or quarter of the year, 0 is the one that begins with January", "number", "count"
    ),
    "section": _column(
        "section",
        "section of a dossier",
        "name",
        "word",
        words=("who", "history", "products", "standing", "heading", "voice", "decides", "actions"),
    ),
    "seen": _column("known of it", "what the snapshot says of the account", "as the term", "text"),
    "segment": _column(
        "segment",
        "named group of RFM scores, or of customers as they were cut",
        "name",
        "text",
        words=(
            "all",
            "champions",
            "cannot lose",
            "loyal",
            "slipping",
            "large but rare",
            "growing",
            "new or occasional",
            "cooling",
            "large but lost",
            "dormant",
        ),
    ),
    "service_cost": _column(
        "service", "cost of serving the account, brought to the time of the ledger", "currency", "money"
    ),
    "set_by": _column("set by", "who set it", "name", "text"),
    "set_on": _column("set on", "day on which it was set", "date", "date"),
    "setting": _column("setting", "what was set otherwise in another run", "name", "text"),
    "shape": _column(
        "shape",
        "how loyalty moves with satisfaction: steps, a line or another curve",
        "text",
        "word",
        words=("line", "curve", "one threshold", "two thresholds"),
    ),
    "share_active": _column("ordering", "share of the accounts that order in the period", "share of accounts", "share"),
    "share_alike": _column(
        "same products", "share of what two accounts buy that is of the same products", "share", "share"
    ),
    "share_all": _column("of all", "share of all accounts that buy the product group", "share of accounts", "share"),
    "share_answered": _column("answered", "share of the drawn that answered", "share", "share"),
    "share_answered_weighted": _column(
        "would answer", "share of the population that would answer, by design weights", "share", "share"
    ),
    "share_answers": _column("of the answers", "share of the answers, weighted", "share of answers", "share"),
    "share_away": _column(
        "shipped elsewhere",
        "gross revenue shipped to another region than the home of the account, over all",
        "share",
        "share",
    ),
    "share_before": _column(
        "before it in",
        "share of the resamples in which the first question is more important",
        "share of resamples",
        "share",
    ),
    "share_below": _column("left out", "share of the accounts that a border leaves out", "share", "share"),
    "share_bottom_two": _column("1 or 2", "share of the answers that are 1 or 2 of five", "share of answers", "share"),
    "share_bought": _column(
        "bought since", "share of the pairs that were bought in the year after", "share of pairs", "share"
    ),
    "share_called": _column(
        "called", "share of the accounts called, the highest expected loss first", "share", "share"
    ),
    "share_capacity": _column("of capacity", "load over what one manager can carry", "share", "share"),
    "share_cases": _column("of cases", "share of all cases", "share", "share"),
    "share_change": _column("relative change", "change relative to the answer", "share", "share"),
    "share_clipped": _column(
        "cut", "share of draws whose effect was cut to what is possible", "share of draws", "share"
    ),
    "share_cost_to_serve": _column("cost to serve", "cost to serve over net revenue", "share", "share"),
    "share_customers": _column("of customers", "share of all customers", "share", "share"),
    "share_difference": _column(
        "of the difference", "part of what lies between gross margin and contribution", "share", "share"
    ),
    "share_discount": _column("discount", "discount over list price", "share", "share"),
    "share_expected": _column("expected", "share of the drawn that was expected to answer", "share", "share"),
    "share_explained": _column("explained", "share of the sum of squares that is explained", "share", "share"),
    "share_given": _column(
        "answered by", "share of those who answered the outcome that answered the question", "share", "share"
    ),
    "share_group_margin": _column(
        "of our margin, group", "margin of the account and its parent group, over ours", "share", "share"
    ),
    "share_group_revenue": _column(
        "of our revenue, group", "revenue of the account and its parent group, over ours", "share", "share"
    ),
    "share_heads": _column("accounts left", "share of the accounts that are not lost yet", "share", "share"),
    "share_high": _column("to", "upper end of the interval of the relative change", "share", "share"),
    "share_importance": _column(
        "importance",
        "part of what all questions explain together that falls to this one, by LMG",
        "share of what is explained",
        "share",
    ),
    "share_johnson": _column(
        "by relative weights", "the importance by Johnson's relative weights", "share of what is explained", "share"
    ),
    "share_largest_month": _column(
        "largest month",
        "share of the positive revenue of the complete months that fell in the largest one",
        "share",
        "share",
    ),
    "share_last_days": _column("last days", "gross revenue in the last days of quarters, over all", "share", "share"),
    "share_late": _column(
        "late", "share of the deliveries of the 91 days before the origin that were late", "share", "share"
    ),
    "share_left": _column("still there", "share of the accounts still there at the horizon", "share", "share"),
    "share_like": _column(
        "of like accounts", "share of the like accounts that buy the product group", "share of accounts", "share"
    ),
    "share_limit": _column("of class A", "revenue of twelve months over the smallest of class A", "share", "share"),
    "share_limit_pace": _column(
        "at this pace", "revenue of the last three months, as a year, over the smallest of class A", "share", "share"
    ),
    "share_lost": _column("share lost", "customers lost over customers at risk, or over all", "share", "share"),
    "share_lost_found": _column(
        "of the lost found", "share of the accounts that then placed no order", "share", "share"
    ),
    "share_lost_handover": _column(
        "lost after a handover", "share of the accounts handed over lost in the six months after it", "share", "share"
    ),
    "share_lost_without": _column(
        "lost without one", "share of the same accounts to be lost in six months without a handover", "share", "share"
    ),
    "share_low": _column("from", "lower end of the interval of the relative change", "share", "share"),
    "share_margin": _column("margin, of revenue", "profit over net revenue", "share", "share"),
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
    "share_needed": _column(
        "of those to remind", "share of the accounts to remind that has to answer", "share", "share"
    ),
    "share_no_order": _column("placed no order", "share of the accounts that placed no order", "share", "share"),
    "share_notable": _column("stands out at", "share of the accounts at which it stands out", "share", "share"),
    "share_of_revenue": _column("of revenue", "share of the net revenue of all", "share", "share"),
    "share_of_target": _column("of target", "net revenue as a share of the target", "share of target", "share"),
    "share_of_year_before": _column(
        "of year before", "change as a share of the revenue of the year before", "share of revenue", "share"
    ),
    "share_others_lost": _column("others lost", "share of the others that were then lost", "share", "share"),
    "share_our_margin": _column("of our margin", "margin of the account over ours", "share", "share"),
    "share_our_revenue": _column("of our revenue", "net revenue of the account over ours", "share", "share"),
    "share_partial": _column(
        "partial churners", "share of the accounts with a drop as large as asked", "share", "share"
    ),
    "share_partial_lost": _column(
        "partial churners lost", "share of the partial churners that were then lost", "share", "share"
    ),
    "share_peers": _column(
        "moved as much", "share of comparable accounts that stayed at which it moved as much or more", "share", "share"
    ),
    "share_price_change": _column(
        "price change",
        "change of the prices of what was bought in both years, at the new quantities",
        "share",
        "share",
    ),
    "share_profit": _column("of contribution", "share of the sum of the contributions above zero", "share", "share"),
    "share_rank_held": _column(
        "same rank in", "share of the resamples in which it has the same rank", "share of resamples", "share"
    ),
    "share_resamples": _column("chosen in", "share of the resamples", "share of resamples", "share"),
    "share_rest": _column("elsewhere", "share lost a year in all other groups", "share", "share"),
    "share_returns": _column("returns", "returns over gross revenue", "share", "share"),
    "share_revenue": _column("of revenue", "share of the sum of the net revenues above zero", "share", "share"),
    "share_revenue_change": _column(
        "revenue changed by", "change of revenue, relative to the year before", "share", "share"
    ),
    "share_revenue_kept": _column("revenue kept", "revenue after the field over revenue before", "share", "share"),
    "share_same": _column(
        "same periods", "relative change if all are estimated from the same periods", "share", "share"
    ),
    "share_serve": _column("freight and terms", "freight and trade terms over net revenue", "share", "share"),
    "share_silent": _column(
        "silent",
        "share of the accounts, or of revenue, that those who did not answer stand for by weight",
        "share",
        "share",
    ),
    "share_stationary": _column("in the long run", "share of time in the state in the long run", "share", "share"),
    "share_terms": _column("discount and terms", "discount and trade terms over list price", "share", "share"),
    "share_top_3": _column(
        "top three in", "share of the resamples in which it is among the first three", "share of resamples", "share"
    ),
    "share_top_two": _column("4 or 5", "share of the answers that are 4 or 5 of five", "share of answers", "share"),
    "share_value": _column("share", "share of the base total", "share", "share"),
    "share_wallet": _column("share of wallet", "what the account buys from us over all that it buys", "share", "share"),
    "share_year": _column("lost a year", "share of those at risk lost within a year at that rate", "share", "share"),
    "silence_ratio": _column(
        "silence against rhythm", "days since the last order over the usual gap", "ratio", "number"
    ),
    "since": _column("since", "first day of the period from which on it holds", "date", "date"),
    "slope": _column(
        "calibration slope", "1: neither too extreme nor too timid; below 1: too extreme", "number", "number"
    ),
    "slope_high": _column("to", "upper end of the interval of the calibration slope", "number", "number"),
    "slope_low": _column("from", "lower end of the interval of the calibration slope", "number", "number"),
    "source": _column(
        "known from",
        "where the effect is known from: experiment, judged, assumed",
        "text",
        "word",
        words=("experiment", "judged", "assumed"),
    ),
    "sponsor": _column("sponsor", "executive who sponsors the account", "name", "text"),
    "spread_over": _column(
        "interval over",
        "whether accounts or origins make the interval, the wider of the two",
        "text",
        "word",
        words=("accounts", "origins"),
    ),
    "stake": _column("which is", "what the money at stake is", "text", "text"),
    "standing": _column(
        "standing",
        "how the model stands against the reference",
        "text",
        "word",
        words=("as expected", "below", "above", "nothing expected"),
    ),
    "stands_out": _column("beyond chance", "differs beyond chance, with all comparisons counted", "yes or no", "flag"),
    "state": _column(
        "state", "state of the chain", "name", "text", words=("lost", "bought", "A silent", "B silent", "C silent")
    ),
    "statistic": _column("statistic", "value of the test statistic", "number", "number"),
    "status": _column(
        "status",
        "what became of it; of a prospect, when it bought",
        "text",
        "word",
        words=(
            "answered in the wave",
            "never answered",
            "buys",
            "silent for a year",
            "never bought",
            "unknown account",
            "no order so far",
            "holds",
            "not yet",
            "expired",
            "replaced",
            "answered",
            "not answered",
            "refused",
            "not applicable",
            "no answer",
        ),
    ),
    "std_error": _column("standard error", "standard error of the estimate", "as the estimate", "number"),
    "step": _column("with", "what a row with one step more has", "text", "text"),
    "steps": _column("in steps", "value of the step that fits best", "as the estimate", "number"),
    "stratum": _column("stratum", "stratum of the sample", "name", "text", words=("all", "all accounts", "largest")),
    "subtotal": _column("left so far", "money that is left after this piece of the bridge", "currency", "money"),
    "support": _column("support", "against us (-2) to for us (2)", "level -2 to 2", "number"),
    "survival": _column("last longer", "share of the waits that last longer", "share", "share"),
    "taken_from": _column(
        "taken from", "state whose probability shrinks by the effect", "name", "text", words=("lost",)
    ),
    "takes_over": _column("takes over", "one orders only after the other had stopped", "yes or no", "flag"),
    "target_gap": _column("against target", "net revenue less the target", "currency", "money"),
    "tenure": _column("tenure", "periods since the relationship began", "periods", "count"),
    "tenure_days": _column("tenure", "days from the first order to the as-of date", "days", "days"),
    "term": _column(
        "measure",
        "name of the measure or of the model term",
        "text",
        "text",
        words=(
            "gap ratio",
            "n days before",
            "n days recent",
            "n days season",
            "n days year",
            "n days year before",
            "revenue recent",
            "revenue season",
            "revenue before",
            "discount share",
            "industry",
            "region",
            "intercept",
            "stratum",
            "rate ratio a year",
            "dispersion",
            "late deliveries",
            "spend",
            "order interval",
            "product groups bought",
            "manager handover",
            "pooled chain",
            "cyclic chain",
            "no change",
            "same period a year ago",
            "1 point",
            "5 points",
            "5 % relative",
            "share satisfied",
            "late answers",
            "earlier answers",
            "all",
            "not lost",
            "slope",
            "observed over expected",
            "auc revenue",
            "auc difference",
            "size",
            "trend 6",
            "trend 3",
            "orders",
            "active months",
            "months silent",
            "largest month",
            "buys",
            "not new",
            "not growing",
            "no demand",
            "no key group",
            "not protected",
            "need",
            "solvency",
            "power",
            "large",
            "surely large",
            "steady",
            "still buying",
            "profitable",
            "loyalty",
            "volume",
        ),
    ),
    "term_value": _column("value of the term", "value that a term has for the account", "as the term", "number"),
    "test": _column(
        "test",
        "what is tested",
        "name",
        "word",
        words=(
            "order 0",
            "order 1",
            "time",
            "season",
            "flat within two steps",
            "flat within three steps",
            "never falls",
            "one threshold against a straight line",
            "two thresholds against a straight line",
            "two thresholds against one threshold",
        ),
    ),
    "text": _column("wording", "the question as it was asked", "text", "text"),
    "theme": _column("theme", "theme that a question belongs to", "name", "text"),
    "tier": _column("tier", "tier A, B or C of the account", "tier", "text", words=("none",)),
    "tier_computed": _column(
        "computed tier", "tier by the rules, before any set by hand", "class", "text", words=("none",)
    ),
    "tier_plain": _column(
        "class of the window",
        "class by value of the window alone, without hysteresis",
        "class",
        "text",
        words=("none",),
    ),
    "tier_set": _column("tier set", "tier that was set by hand", "class", "text"),
    "tier_since": _column("tier since", "month from which on the account has its tier", "date", "period"),
    "time_p_value": _column(
        "p, over time", "p-value of the test that a ratio is the same at all times", "probability", "number"
    ),
    "time_statistic": _column(
        "test over time", "statistic of the test that a ratio is the same at all times", "number", "number"
    ),
    "tips": _column("would change", "changes at a delta thought possible", "yes or no", "flag"),
    "to_state": _column("to state", "state that is entered", "name", "text", words=("lost",)),
    "to_tier": _column("to tier", "tier that is entered", "tier", "text", words=("none",)),
    "to_wave": _column("to wave", "the later of two waves", "name", "text"),
    "told_before": _column("before", "what the earlier run said", "text", "text"),
    "told_now": _column("now", "what the later run says", "text", "text"),
    "touches": _column("touches", "results that a setting can have changed", "text", "text"),
    "trade_terms": _column(
        "trade terms", "rebates, listing, advertising and shelf fees paid to the customer", "currency", "money"
    ),
    "trend": _column("trend", "last six months against the six before, relative to the portfolio", "share", "share"),
    "trimmed": _column("trimmed", "the weight was held at the limit", "yes or no", "flag"),
    "typical_change": _column(
        "typical change", "median change at comparable accounts that stayed", "as the measure", "number"
    ),
    "unit": _column("per", "one step of a covariate in words", "text", "text"),
    "unshrunken": _column(
        "before shrinking",
        "lost over expected, or points of difference, not drawn toward the mean",
        "as measured",
        "number",
    ),
    "until": _column("until", "last day on which it holds; missing: no end", "date", "date"),
    "usual": _column(
        "usual before",
        "what was usual before the window, counts and money brought to its length",
        "as the measure",
        "number",
    ),
    "value": _column("value", "the value that is ranked, by default net revenue", "currency", "money"),
    "value_after": _column("value now", "value in the later of two windows", "currency", "money"),
    "value_ahead": _column("value ahead", "expected present value from the next period on", "currency", "money"),
    "value_before": _column("value before", "value in the earlier of two windows", "currency", "money"),
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
    "verdict": _column(
        "verdict",
        "holds, handled, does not hold, or not testable",
        "text",
        "word",
        words=("holds", "handled", "does not hold", "not testable"),
    ),
    "vif": _column(
        "VIF", "variance inflation factor: how much the other covariates widen the estimate", "ratio", "number"
    ),
    "visit_cost": _column("cost of a visit", "cost of one visit or call", "currency", "money"),
    "visits": _column("periods in it", "expected periods in a state before the loss", "periods", "number"),
    "volume": _column(
        "volume",
        "change of revenue by the quantity, at the prices and composition of the year before",
        "currency",
        "money",
    ),
    "warning": _column("look at", "what to look at before the next visit", "text", "text"),
    "wave": _column("wave", "wave of the survey", "name", "text", words=("all",)),
    "weight": _column("weight", "how much a candidate, a forecast or a criterion counts", "number", "number"),
    "weight_change": _column(
        "weight moved by", "relative change of a weight; the others make up for it", "share", "share"
    ),
    "weight_given": _column("weight given", "weight as given, all together 1", "share of 1", "number"),
    "weight_high": _column("to", "upper end of 95 % of the drawn weights", "share of 1", "number"),
    "weight_low": _column("from", "lower end of 95 % of the drawn weights", "share of 1", "number"),
    "weight_ratio": _column(
        "largest to median", "largest weight over design weight, to the median one", "ratio", "number"
    ),
    "weighted_score": _column("score", "weighted mean of the levels on all known criteria, 0 to 1", "0 to 1", "number"),
    "why": _column(
        "why", "what speaks for the account or keeps it off the list; why a value is not given", "text", "word"
    ),
    "within_sd": _column("within accounts", "standard deviation of the people of one account", "levels", "number"),
    "without_quantity": _column(
        "without quantity",
        "change of revenue by what has no name, positive quantity or price in both years",
        "currency",
        "money",
    ),
    "xyz_class": _column(
        "XYZ",
        "X regular, Y varying, Z irregular, new (too few orders), ended (silent)",
        "class",
        "text",
        words=("new", "ended"),
    ),
    "year_from": _column("twelve months from", "first of twelve months", "date", "period"),
    "yearly_loss": _column("lost within a year", "yearly probability of loss", "probability", "share"),
    "years_to_replace": _column(
        "replacing pays after", "years of its loss that cost as much as winning another once", "years", "number"
    ),
}
