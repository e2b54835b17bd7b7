"""Which accounts are on their way to class A: the chance within the horizon, what is left of their wallet, and a back-test.

Class A is by the revenue of twelve months: today's by the last twelve, that of an origin plus the horizon by the twelve
months that end there. The chance is a ridge logistic regression (:mod:`kam.identify.growth_model`) on what was known of
each account at past origins (:mod:`kam.identify.growth_features`), so that likeness to today's key accounts, at the
time when those were small, is what it measures. The list is led by this forecast only where, at origins that it was not
learned from, its list found surely more of those that became class A than the list by revenue, or it ranked all accounts
surely better (:func:`kam.identify.growth_backtest.decide_leader`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.columns import read_ids, read_numbers, require_columns, require_distinct
from kam.dataset.names import name_accounts
from kam.errors import ColumnTypeError, DataError
from kam.identify.growth_backtest import (
    Backtest,
    by_origin,
    calibrate_past,
    compare_lists,
    decide_leader,
    run_backtest,
    score_past,
)
from kam.identify.growth_candidates import count_interval, list_candidates, order_candidates
from kam.identify.growth_checks import list_assumed, list_checks
from kam.identify.growth_features import TERMS, YEAR, read_history, snapshot
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import check_whole
from kam.wording import N_

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class GrowthResult(Result):
    """Result of :func:`growth`.

    Attributes
    ----------
    candidates : pandas.DataFrame
        One row per account that is neither class A now nor a key account, the most promising first: ``customer_id, name,
        rank`` (by ``value``, over all customers), ``abc_class, value`` (net revenue of the last twelve months),
        ``share_limit`` (of what class A takes), ``share_limit_pace``
        (the same by the last three months alone), ``p_become_a, p_become_low, p_become_high`` (missing where ``why`` says
        so), ``likeness`` (share of those that became class A whose chance before was no higher), ``trend`` (last six
        months against the six before, relative to the portfolio; missing without revenue in the earlier),
        ``share_wallet, elsewhere`` (missing where no demand is known), ``profit`` (money; missing where it was not
        handed in), ``is_named, why``.
    lists : pandas.DataFrame
        One row per length of list: ``n_named, n_all_named`` (over all origins), ``n_by_model, n_by_revenue`` (of them
        became class A), ``n_became`` (all that did), ``difference, ci_low, ci_high`` (missing where both lists found the
        same).
    backtest : pandas.DataFrame
        One row per origin: ``origin, n_accounts, n_became, n_expected, n_named, n_by_model, n_by_revenue``.
    scores : pandas.DataFrame
        ``term, estimate, ci_low, ci_high, why`` (why no interval): AUC by forecast, by revenue and their difference, what
        came over what was expected, Brier score, calibration slope; intervals over accounts.
    calibration : pandas.DataFrame
        Groups of rising chance: ``predicted, observed, ci_low, ci_high, n_cases``.
    terms : pandas.DataFrame
        ``term, meaning, estimate, ci_low, ci_high``: log-odds per standard deviation.
    outdated : pandas.DataFrame
        Accounts that bought more in twelve months than their demand is said to be: ``customer_id, name, value, potential``.
    horizon : int
        Months ahead.
    n_named : int
        Length of the list.
    n_candidates, n_silent : int
        Accounts below class A with an order in the last twelve months, and without; no key accounts.
    n_key_accounts : int
        Key accounts below class A now, which are left out.
    named_by : str
        What leads the list: ``forecast`` or ``revenue``.
    named_since : str
        Why: ``list`` (the forecast's list found surely more) or ``ranking`` (it ranked all accounts surely better);
        ``not sure``, ``too few`` (became class A to trust the ranking), ``worse``, ``other accounts``, ``none`` (no test).
    tested_on : str
        ``later origins``, ``other accounts`` (a weaker test), or ``none``.
    n_expected, n_expected_low, n_expected_high : float or None
        Candidates expected to become class A, and 95 % interval of how many will; None without chances.
    n_learned, n_events : int
        Rows (account and origin) that the chance was learned from, and those that became class A.
    """

    main: ClassVar[str] = "candidates"

    candidates: pd.DataFrame
    lists: pd.DataFrame
    backtest: pd.DataFrame
    scores: pd.DataFrame
    calibration: pd.DataFrame
    terms: pd.DataFrame
    outdated: pd.DataFrame
    horizon: int
    n_named: int
    n_candidates: int
    n_silent: int
    n_key_accounts: int
    named_by: str
    named_since: str
    tested_on: str
    n_expected: float | None
    n_expected_low: float | None
    n_expected_high: float | None
    n_learned: int
    n_events: int

    @property
    def tested(self) -> dict[str, float]:
        """The row of ``lists`` of the length that was asked for.

        Raises
        ------
        DataError
            There was no back-test.
        """
        if self.lists.empty:
            raise DataError("The history is too short for a back-test.", hint="Take a shorter horizon.")
        row = self.lists[self.lists["n_named"] == self.n_named].iloc[0]
        return {str(name): float(x) for name, x in row.items()}

    def _interval(self) -> str:
        say, test = self.context.wording, self.tested
        if test["ci_low"] != test["ci_low"]:
            return say.sentence("both lists found the same accounts, so there is no interval")
        return say.interval(say.count(test["ci_low"]), say.count(test["ci_high"]))

    def _sentence(self) -> str:
        return self.context.wording.join([self._say_list(), self._say_losing()])

    def _say_losing(self) -> str:
        """How many of the named lose money; empty where none does, or it is not known of any."""
        named = self.candidates[self.candidates["is_named"]]
        n = int((named["profit"] < 0).sum())
        if not n:
            return ""
        return self.context.wording.plural(
            "One of the {all} named loses money.", "{n} of the {all} named lose money.", n, all=len(named)
        )

    def _say_list(self) -> str:
        say = self.context.wording
        named = self.candidates[self.candidates["is_named"]]
        if named.empty:
            return say.sentence(
                "None of the accounts that ordered in the last {n} months is below class A.", n=say.count(YEAR)
            )
        if self.n_expected is None or self.n_expected_low is None or self.n_expected_high is None:
            return say.plural(
                "The history is too short, or too few accounts rose, to tell how likely class A is; the largest account "
                "below class A brings {value} a year.",
                "The history is too short, or too few accounts rose, to tell how likely class A is; the {n} largest accounts "
                "below class A bring {value} a year.",
                len(named),
                value=say.money_short(named["value"].sum()),
            )
        first = say.sentence(
            "About {n} of {all} accounts below class A are expected to reach it within {months} ({interval})",
            n=say.count(self.n_expected),
            interval=say.interval(say.count(self.n_expected_low), say.count(self.n_expected_high))
            + ("" if len(self.backtest) > 1 else say.sentence(", without how much years differ")),
            all=say.count(self.n_candidates),
            months=say.periods(self.horizon, "month"),
        )
        if self.lists.empty:
            return say.join(
                [first, say.sentence("this could not be tested, so the list names the largest by revenue.")], ";"
            )
        test = self.tested
        if self.tested_on == "other accounts":
            return say.join(
                [
                    first,
                    say.sentence(
                        "among other accounts of the same time {found} of {named} named by this forecast became class A, "
                        "{plain} named by revenue, but how that year went was known there; the history is too short for "
                        "a test at a later time, so the list still names the largest by revenue.",
                        found=say.count(test["n_by_model"]),
                        named=say.count(test["n_all_named"]),
                        plain=say.count(test["n_by_revenue"]),
                    ),
                ],
                ";",
            )
        found = {
            "found": say.count(test["n_by_model"]),
            "named": say.count(test["n_all_named"]),
            "plain": say.count(test["n_by_revenue"]),
            "interval": self._interval(),
        }
        texts = {
            "list": N_(
                "in the back-test {found} of {named} accounts named by this forecast became class A, against {plain} named "
                "by revenue (difference: {interval})."
            ),
            "ranking": N_(
                "in the back-test {found} of {named} accounts named by this forecast became class A, against {plain} "
                "named by revenue (difference: {interval}); the forecast leads the list since it ranked all accounts surely "
                "better than revenue did."
            ),
            "worse": N_(
                "in the back-test the forecast found fewer than naming by revenue ({found} of {named} became class A "
                "against {plain}; difference: {interval}), so the list names the largest by revenue."
            ),
        }
        unsure = N_(
            "in the back-test the forecast was not surely better than naming by revenue ({found} of {named} became class A "
            "against {plain}; difference: {interval}), so the list names the largest by revenue."
        )
        return say.join([first, say.sentence(texts.get(self.named_since, unsure), **found)], ";")

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        named = self.candidates[self.candidates["is_named"]]
        counted = say.sentence("counted, not estimated")
        known = named["elsewhere"].notna()
        figures = [
            KeyFigure(
                value=say.count(len(named)),
                label=say.sentence("accounts named for growth"),
                note=say.sentence("by forecast of class A")
                if self.named_by == "forecast"
                else say.sentence("the largest below class A, by revenue"),
            ),
            KeyFigure(
                value=say.money_short(named["value"].sum()),
                label=say.sentence("they bring now, in twelve months"),
                note=counted,
            ),
            KeyFigure(
                value=say.money_short(named.loc[known, "elsewhere"].sum()) if known.any() else "–",
                label=say.sentence("they spend elsewhere, a year"),
                note=say.sentence("demand as the account file says, known of {n}", n=say.count(known.sum()))
                if known.any()
                else say.sentence("no demand is known of them"),
            ),
        ]
        if not self.lists.empty:
            test = self.tested
            figures.append(
                KeyFigure(
                    value=say.sentence(
                        "{model} against {plain}",
                        model=say.count(test["n_by_model"]),
                        plain=say.count(test["n_by_revenue"]),
                    ),
                    label=say.sentence(
                        "became class A of {n} named, by forecast and by revenue", n=say.count(test["n_all_named"])
                    ),
                    note=say.sentence("difference: {interval}, over accounts", interval=self._interval())
                    if self.tested_on == "later origins"
                    else say.sentence(
                        "among other accounts of the same time, so it does not decide; difference: {interval}",
                        interval=self._interval(),
                    ),
                )
            )
        return tuple(figures)


def growth(
    panel: pd.DataFrame,
    *,
    accounts: pd.DataFrame | None = None,
    mix: pd.DataFrame | None = None,
    key_accounts: Collection[str] | None = None,
    profit: pd.Series | None = None,
    horizon: int = 12,
    n_named: int = 20,
    cuts: tuple[float, float] = (0.80, 0.95),
    n_resamples: int = 2000,
    seed: int = 1,
    context: Context | None = None,
) -> GrowthResult:
    """Say how likely each account below class A is to reach it, what it spends elsewhere, and whether such lists were right.

    Assumes (1) that accounts which looked alike before rose alike, apart from a level that all share; (2) that the panel
    reaches to the end of the ledger and holds every customer; (3) that demand in the account file is of a year and of
    today: it is not dated, so it is shown and never a feature. Accounts without an order in twelve months get no chance:
    they are to be won back.

    The interval of a chance covers what the accounts learned from leave open and how far the level of past origins was
    missed; not a year unlike all before, and not whether this account does rise. That of the number expected covers the
    last too, so it is where the count will lie.

    The forecast leads the list where, at later origins, its list of ``n_named`` found surely more than that by revenue, or
    the interval of its AUC less that of revenue lies above 0 and its list did not find surely fewer.

    Parameters
    ----------
    panel : pandas.DataFrame
        As from :func:`kam.ledger.activity_panel` by month: ``customer_id, period, revenue, n_orders``.
    accounts : pandas.DataFrame, optional
        The account file: ``customer_id``, ``name``, ``potential`` (demand a year, money) where known.
    mix : pandas.DataFrame, optional
        As from :func:`kam.ledger.summarize_mix` by month and product group: ``customer_id, period, group, revenue``.
    key_accounts : collection of str, optional
        Identifiers of accounts that are key accounts already: they are no candidates, but the chance learns from them too.
    profit : pandas.Series, optional
        Contribution by ``customer_id``, of a year or of the whole ledger (money): who loses money is said.
    horizon : int
        Months ahead, at least 1.
    n_named : int
        Accounts that the list names.
    cuts : tuple of float
        Limits of class A and B, as cumulative shares of revenue before the customer.
    n_resamples : int
        Resamples of accounts behind the interval of the back-test.
    seed : int
        Seed of the draws.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    GrowthResult
        With less history than twelve months and a horizon, or too few accounts that rose, chances are missing and the list
        is by revenue; with less than two horizons beside the twelve months the test is on other accounts instead of later
        origins.

    Raises
    ------
    MissingColumnError, ColumnTypeError, EmptyDataError
        A column is missing, holds no dates, or there is no row.
    DataError
        Fewer than twelve months; a customer's month or an account stands twice; a value is missing; the panel is not by
        month; a contribution is no number.
    UndefinedMeasureError
        Nobody brought anything in twelve months.
    ParameterError
        A parameter is out of range.

    References
    ----------
    le Cessie, S. & van Houwelingen, J. C. (1992). Ridge estimators in logistic regression. Applied Statistics 41. White, H.
    (1982). Maximum likelihood estimation of misspecified models. Econometrica 50. AUC of clustered data: Obuchowski (1997),
    Biometrics 53.

    Examples
    --------
    >>> months = pd.date_range("2024-01-01", periods=12, freq="MS")
    >>> panel = pd.DataFrame({"customer_id": np.repeat(list("abc"), 12), "period": np.tile(months, 3), "n_orders": 1,
    ...     "revenue": np.repeat([90.0, 8.0, 2.0], 12)})
    >>> result = growth(panel, accounts=pd.DataFrame({"customer_id": ["b"], "potential": [200.0]}))
    >>> result.candidates[["customer_id", "abc_class", "elsewhere"]].to_dict("list")
    {'customer_id': ['b', 'c'], 'abc_class': ['B', 'C'], 'elsewhere': [104.0, nan]}
    """
    for name, value, least in (("horizon", horizon, 1), ("n_named", n_named, 1), ("n_resamples", n_resamples, 100)):
        check_whole(name, value, at_least=least)
    check_whole("seed", seed, at_least=0)
    context = context or Context()
    potential = _demand(accounts)
    keys = read_ids(() if key_accounts is None else key_accounts, "key_accounts")
    contribution = _contribution(profit)
    history = read_history(panel, mix, cuts)
    if history.n_months < YEAR:
        raise DataError(
            f"There are {history.n_months} months; class A is by the revenue of {YEAR}.",
            where="panel, column period",
            hint="Use a ledger that reaches further back.",
        )
    if history.n_months < YEAR + horizon:
        tested = Backtest([], "none", None, snapshot(history, history.n_months), 0.0, 0)
    else:
        tested = run_backtest(history, horizon=horizon, seed=seed)
    candidates, buys = list_candidates(history, tested, potential, keys, contribution, horizon, context.wording)
    n_candidates = int(buys.sum())
    shown = min(n_named, max(n_candidates, 1))
    past = tested.past
    lists = compare_lists(past, shown, n_accounts=len(history.customer_id), n_resamples=n_resamples, seed=seed)
    scores = score_past(past)
    since = decide_leader(past, tested.tested_on, lists, scores, shown)
    leads = since in ("list", "ranking")
    candidates = order_candidates(candidates, buys, "p_become_a" if leads else "value", shown)
    candidates = name_accounts(candidates, accounts)
    outdated = candidates.assign(potential=candidates["customer_id"].map(potential).astype(float))
    outdated = outdated[outdated["potential"] < outdated["value"]]
    p = candidates["p_become_a"]
    ends = count_interval(history, tested, keys) if p.notna().any() else (None, None)
    below = history.customer_id[~tested.now.is_a & (history.first < history.n_months)]
    n_left_out = int(np.isin(below.astype(str), list(keys)).sum())
    return GrowthResult(
        context=context,
        checks=list_checks(
            context.wording,
            tested,
            history,
            candidates,
            outdated,
            horizon,
            None if key_accounts is None else n_left_out,
            has_profit=profit is not None,
        ),
        assumed=list_assumed(context.wording, horizon, cuts, shown, potential),
        candidates=candidates,
        lists=lists,
        backtest=by_origin(past, history, shown),
        scores=scores,
        calibration=calibrate_past(past),
        terms=_terms(tested, mix is not None),
        outdated=outdated[["customer_id", "name", "value", "potential"]].reset_index(drop=True),
        horizon=horizon,
        n_named=shown,
        n_candidates=n_candidates,
        n_silent=len(candidates) - n_candidates,
        n_key_accounts=n_left_out,
        named_by="forecast" if leads else "revenue",
        named_since=since,
        tested_on=tested.tested_on,
        n_expected=float(p.sum()) if p.notna().any() else None,
        n_expected_low=ends[0],
        n_expected_high=ends[1],
        n_learned=tested.model.n_rows if tested.model else 0,
        n_events=tested.model.n_events if tested.model else 0,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _demand(accounts: pd.DataFrame | None) -> pd.Series:
    """Demand a year by customer, of those of whom it is known."""
    if accounts is None:
        return pd.Series(dtype=float)
    require_columns(accounts, ["customer_id"], where="the account file", hint="Map it under columns: of accounts.")
    ids = accounts["customer_id"].astype(str)
    require_distinct(ids, where="the account file")
    if "potential" not in accounts:
        return pd.Series(dtype=float)
    potential = pd.Series(read_numbers(accounts["potential"], "potential", where="the account file"), index=ids)
    negative = potential.index[potential < 0][:3].tolist()
    if negative:
        raise DataError("A demand is negative.", where=f"accounts, column potential, customers {negative}")
    return potential[np.isfinite(potential)]


def _contribution(profit: pd.Series | None) -> pd.Series:
    """Contribution by customer, of those of whom it is known."""
    if profit is None:
        return pd.Series(dtype=float)
    if not isinstance(profit, pd.Series):
        raise ColumnTypeError(f"The profit is a {type(profit).__name__}.", hint="Give a series by customer_id.")
    ids = profit.index.astype(str)
    require_distinct(ids, where="the profit")
    if profit.dtype.kind not in "iufO":
        raise ColumnTypeError("The profit holds no numbers.", where=f"profit, {profit.dtype}", hint="Give money.")
    values = pd.Series(pd.to_numeric(profit.to_numpy(), errors="coerce").astype(float), index=ids)
    wrong = ids[(values.isna() & profit.notna().to_numpy()) | np.isinf(values)][:3].tolist()
    if wrong:
        raise DataError("A contribution is not a finite number.", where=f"profit, customers {wrong}")
    return values


def _terms(tested: Backtest, with_breadth: bool) -> pd.DataFrame:
    if tested.model is None:
        return pd.DataFrame(columns=["term", "meaning", "estimate", "ci_low", "ci_high"], dtype=float)
    names = [name for name in TERMS if name != "breadth" or with_breadth]
    estimate = tested.model.coefficients[1:]
    error = 1.96 * np.sqrt(np.diag(tested.model.covariance)[1:])
    return pd.DataFrame(
        {
            "term": names,
            "meaning": [TERMS[name] for name in names],
            "estimate": estimate,
            "ci_low": estimate - error,
            "ci_high": estimate + error,
        }
    )
