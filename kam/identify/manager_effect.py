"""Does the manager matter? Effects of managers on losing accounts and on margin, fairly adjusted, drawn toward the mean.

Some managers look good because of what they were given, or by luck. So a manager is compared with what the average manager would
have seen in the same portfolio, and the difference is drawn toward 0 by as much as it can be chance.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.stats import norm

from kam.errors import ParameterError
from kam.identify.manager_checks import list_assumed, list_checks, name_term
from kam.identify.manager_model import NAMED_BELOW, Floats, ManagerFit, Outcome, fit_managers, funnel_limits
from kam.identify.manager_rows import YEAR, Portfolio, loss_rows, margin_rows, read_portfolio
from kam.identify.staffing import check_accounts
from kam.ledger import Ledger, activity_panel
from kam.results import Context, KeyFigure, Result
from kam.stats.multiplicity import holm
from kam.stats.resampling import check_whole
from kam.wording import N_, Wording

MIN_ACCOUNTS = 5
"""Managers with fewer accounts are never compared by name."""
LEVELS = (0.95, 0.998)
_POINTS = 60


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ManagerEffectResult(Result):
    """Result of :func:`manager_effect`.

    Attributes
    ----------
    managers : pandas.DataFrame
        One row per manager, those with ``min_accounts`` accounts or more first, best first: ``manager, n_accounts, n_rows,
        n_events, n_expected`` (losses, only for churn)``, observed, expected, effect, ci_low, ci_high, in_points,
        points_low, points_high, money_year, unshrunken, funnel_size, p_value, is_ranked, stands_out, why``.
        ``observed`` and ``expected`` are yearly shares of accounts lost, or margins; ``expected`` is with the average
        manager. ``effect`` is the shrunken estimate with its 95 % interval, in log-odds of being lost in a month, or
        points of margin; ``in_points`` the same in points a year; ``money_year`` what that is on the revenue of the
        last year of the accounts held, positive: better than the average manager. Of managers with too few accounts
        everything but counts is missing, and ``why`` says so.
    fit : pandas.DataFrame
        One row per term: ``term, estimate, ci_low, ci_high``, on the scale of ``effect``; the first is the standard deviation
        between managers, with its profile interval.
    handover : pandas.DataFrame
        What goes with the six months after a handover: ``estimate, ci_low, ci_high`` on the scale of ``effect``, ``in_points,
        points_low, points_high, n_accounts, n_rows``, and for churn ``n_events, share_lost_without, share_lost_handover``; no
        row where there were too few. The points of churn are of the accounts handed over, in these six months together and not a
        year; the shares are those of them that the model has lost in six months without a handover and with it.
    funnel : pandas.DataFrame
        The limits of chance: ``funnel_size, limit_level`` (0.95, 0.998)``, ci_low, ci_high`` of ``unshrunken``.
    outcome : str
        ``churn`` or ``margin``.
    k : int
        Silent months after which an account is lost.
    min_accounts : int
        Accounts from which on a manager is compared by name.
    n_managers, n_ranked, n_stand_out : int
        Managers with a row, those compared by name, and those of them who differ beyond chance.
    n_accounts, n_rows : int
        Accounts and rows (account-months at risk, or account-years) under a known manager.
    n_events : int or None
        Accounts lost under a known manager; None for the margin.
    n_unknown : int
        Rows left out because the manager of the time is not on file.
    n_without_manager, n_undated : int
        Accounts of the ledger without a manager, and with one who does not say since when.
    base : float
        Share of the accounts lost a year, or the margin in the average account-year as a share: each year of each account counts
        alike, extremes cut, so that it is not margin over revenue of them all.
    sigma, sigma_low, sigma_high : float
        Standard deviation between managers, on the scale of ``effect``, with its 95 % profile interval.
    swing, swing_low, swing_high : float
        Points a year between a manager one standard deviation worse than the mean and one as much better; one in six managers is
        worse than the first, one in six better than the other.
    swing_money, swing_money_low, swing_money_high : float
        These points of ``revenue_held``, in money a year; no forecast, and not shown where ``p_value`` is 0.05 or more.
    revenue_held : float
        Revenue of the last twelve complete months of the accounts that the managers hold.
    statistic, p_value : float
        Likelihood-ratio test that managers do not differ at all (even mixture of 0 and chi-square with 1 degree of freedom).
    """

    main: ClassVar[str] = "managers"

    managers: pd.DataFrame
    fit: pd.DataFrame
    handover: pd.DataFrame
    funnel: pd.DataFrame
    outcome: str
    k: int
    min_accounts: int
    n_managers: int
    n_ranked: int
    n_stand_out: int
    n_accounts: int
    n_rows: int
    n_events: int | None
    n_unknown: int
    n_without_manager: int
    n_undated: int
    base: float
    sigma: float
    sigma_low: float
    sigma_high: float
    swing: float
    swing_low: float
    swing_high: float
    swing_money: float
    swing_money_low: float
    swing_money_high: float
    revenue_held: float
    statistic: float
    p_value: float

    @property
    def key(self) -> str:
        """``manager_effect`` for churn, ``manager_effect_margin`` for the margin."""
        return "manager_effect" if self.outcome == "churn" else "manager_effect_margin"

    def _sentence(self) -> str:
        say = self.context.wording
        number = say.number
        shown = {
            "n": say.count(self.n_managers),
            "points": number(self.swing, 1),
            "interval": say.interval(number(self.swing_low, 1), number(self.swing_high, 1)),
            "high": number(self.swing_high, 1),
            "base": say.share(self.base),
            "money": say.money_short(self.swing_money),
            "money_interval": self._money_interval(),
            "revenue": say.money_short(self.revenue_held),
            "p": say.p_value(self.p_value),
        }
        if self.p_value < 0.05:
            message = (
                N_(
                    "It differs by manager how many accounts are lost: {points} points of the accounts a year ({interval}) lie "
                    "between a manager whom one in six does worse than and one whom one in six does better than, around {base} a "
                    "year; on {revenue} of revenue that is {money} a year ({money_interval}), no forecast."
                )
                if self.outcome == "churn"
                else N_(
                    "The margin differs by manager: {points} points ({interval}) lie between a manager whom one in six does "
                    "worse than and one whom one in six does better than, around {base} in the average account-year; on "
                    "{revenue} of revenue that is {money} a year ({money_interval}), no forecast."
                )
            )
        else:
            message = (
                N_(
                    "Whether the {n} managers differ in how many accounts they lose cannot be told from chance ({p}): {base} of "
                    "the accounts are lost a year, and better and worse managers (one in six on each side) are at most {high} "
                    "points apart (upper end of the 95% interval)."
                )
                if self.outcome == "churn"
                else N_(
                    "Whether the margin differs between the {n} managers cannot be told from chance ({p}): it is {base} in "
                    "the average account-year, and better and worse managers (one in six on each side) are at most {high} points "
                    "apart (upper end of the 95% interval)."
                )
            )
        return say.join([say.sentence(message, **shown), self._outstanding(), self._warning()])

    def _money_interval(self) -> str:
        say = self.context.wording
        return say.interval(say.money_short(self.swing_money_low), say.money_short(self.swing_money_high))

    def _outstanding(self) -> str:
        say = self.context.wording
        out = self.managers[self.managers["stands_out"].astype(bool)]
        if not self.n_ranked:
            return say.sentence(
                "No manager has {min} accounts or more to be compared by.", min=say.count(self.min_accounts)
            )
        if out.empty:
            return say.plural(
                "The one manager with {min} accounts or more does not stand out beyond chance.",
                "None of the {n} managers with {min} accounts or more stands out beyond chance.",
                self.n_ranked,
                min=say.count(self.min_accounts),
            )
        unit = say.sentence("points a year") if self.outcome == "churn" else say.sentence("points of margin")
        names = [
            say.sentence("{name} ({points} {unit})", name=name, points=_signed(say, points), unit=unit)
            for name, points in zip(out["manager"].head(4), out["in_points"].head(4), strict=True)
        ]
        if len(out) > 4:
            names.append(say.sentence("{n} more", n=say.count(len(out) - 4)))
        return say.sentence("Beyond chance stand out {names}.", names=say.listing(names))

    def _warning(self) -> str:
        return self.context.wording.sentence(
            "Accounts are not given to managers at random, so look at what else is special about theirs first."
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        is_told = self.p_value < 0.05
        figures = [
            KeyFigure(
                value=say.sentence("{x} points", x=say.number(self.swing, 1)),
                label=say.sentence("between worse and better managers, one in six beyond each")
                if self.outcome == "churn"
                else say.sentence(
                    "of margin between worse and better managers, one in six beyond each; around {base} in the average "
                    "account-year",
                    base=say.share(self.base),
                ),
                note=say.interval(say.number(self.swing_low, 1), say.number(self.swing_high, 1)),
            ),
            KeyFigure(
                value=say.money_short(self.swing_money) if is_told else "–",
                label=say.sentence("a year, that difference on all revenue held"),
                note=say.sentence(
                    "{interval}; on {revenue}, no forecast",
                    interval=self._money_interval(),
                    revenue=say.money_short(self.revenue_held),
                )
                if is_told
                else say.sentence(
                    "whether managers differ cannot be told from chance ({p})", p=say.p_value(self.p_value)
                ),
            ),
            KeyFigure(
                value=say.count(self.n_stand_out),
                label=say.sentence("managers stand out beyond chance"),
                note=say.sentence("of {n} compared, all comparisons counted", n=say.count(self.n_ranked)),
            ),
        ]
        if len(self.handover):
            row = self.handover.iloc[0]
            interval = say.interval(say.number(row["points_low"], 1), say.number(row["points_high"], 1))
            figures.append(
                KeyFigure(
                    value=say.sentence("{x} points", x=_signed(say, row["in_points"])),
                    label=say.sentence("of the accounts handed over lost in the six months after")
                    if self.outcome == "churn"
                    else say.sentence("of margin, in the six months after a handover"),
                    note=say.sentence(
                        "{interval}; {without} in six months without a handover, {after} after one",
                        interval=interval,
                        without=say.share(row["share_lost_without"]),
                        after=say.share(row["share_lost_handover"]),
                    )
                    if self.outcome == "churn"
                    else interval,
                )
            )
        return tuple(figures)


def manager_effect(
    ledger: Ledger,
    accounts: pd.DataFrame,
    *,
    outcome: Outcome = "churn",
    handovers: pd.DataFrame | None = None,
    k: int = 12,
    static: tuple[str, ...] | None = None,
    min_accounts: int = MIN_ACCOUNTS,
    seed: int = 1,
    context: Context | None = None,
) -> ManagerEffectResult:
    """The effect of managers on losing accounts or on the margin: shrunken, adjusted for the portfolio, with a funnel.

    Assumes (1) that managers are draws from one normal distribution, unrelated to what the portfolio does not show: accounts
    are not given at random, and what is not in the model counts for the manager; (2) for churn, that an account silent for ``k``
    months is lost, and was lost about half a usual gap after its last order; (3) that a manager's effect is the same over
    time and accounts; (4) that rows of one manager are independent given the effect (of one account, for the margin, given a
    second effect).

    Rows are account-months at risk (churn: not yet lost, ``k`` more months known) or account-years with revenue (margin:
    margin over revenue). Only those from ``manager_since`` on have a known manager; others are left out and counted.
    The model has a normal random intercept per manager and as covariates size, frequency of orders, tenure, the six
    months after a handover, and the facts named in ``static``; for churn a logit. For the margin the account's own means of
    size and frequency stand beside those of the year (Mundlak 1978), since one year says imperfectly what an account is. See
    :mod:`kam.identify.random_intercept` for the estimation: intervals cover managers *drawn from the distribution*, in
    95 of 100 on average over managers, not each manager at any effect whatever.

    A manager stands out whose p-value, adjusted by Holm for all comparisons, is below 0.05 for churn and below 0.005 for the
    margin (:data:`~kam.identify.manager_model.NAMED_BELOW`). At 0.05 the margin named somebody in 29 of 200 simulated companies
    in which nobody differs, at 0.01 in 15, at 0.005 in 11; see docs/manager_effects.md.

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`; for the margin with a cost.
    accounts : pandas.DataFrame
        The account file, one row per account: ``customer_id, manager, manager_since``, and the facts of ``static``.
    outcome : {"churn", "margin"}
        What managers are compared by.
    handovers : pandas.DataFrame, optional
        Events with ``customer_id, date``; where there is a column ``kind``, those that are ``handover``. A manager's first day at
        an account that had ordered before counts as a handover, too.
    k : int
        Silent months after which an account is lost, 1 or more.
    static : tuple of str, optional
        Facts of the account file that hold for all of the past; by default of ``region`` and ``industry`` what it has.
    min_accounts : int
        Managers with fewer accounts are not compared by name; at least 5.
    seed : int
        Seed of the sample of rows without a loss, taken where there are more than 100,000.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    ManagerEffectResult

    Raises
    ------
    MissingColumnError
        No column ``manager``, ``manager_since`` or a fact; no cost in the ledger.
    ColumnTypeError
        ``manager_since`` or the days of handovers are no dates.
    DataError
        An account stands twice.
    EmptyDataError
        No manager, or no row under a known one; too few months for ``k``.
    NoEventError
        No account was lost under a known manager.
    UndefinedMeasureError
        There is one manager only.
    NotConvergedError
        The fit does not settle.
    ParameterError
        ``ledger`` is none; ``outcome``, ``static``, ``k``, ``min_accounts`` or ``seed`` is out of range.

    References
    ----------
    Breslow, N. E. & Clayton, D. G. (1993). Approximate inference in generalized linear mixed models. Spiegelhalter, D. J.
    (2005). Funnel plots for comparing institutional performance. Goldstein, H. & Spiegelhalter, D. J. (1996). League tables and
    their limitations. Stram, D. O. & Lee, J. W. (1994). Variance components testing in the longitudinal mixed effects model.
    Mundlak, Y. (1978). On the pooling of time series and cross section data.

    Examples
    --------
    >>> from kam import ledger, samples
    >>> company = samples.simulate_company(seed=1, n_accounts=300)
    >>> orders = ledger.open_ledger(company.ledger, as_of="2025-12-31")
    >>> result = manager_effect(orders, company.accounts, outcome="margin")
    >>> result.n_managers > 5, bool(result.managers.query("n_accounts < 5")["effect"].isna().all())
    (True, True)
    """
    context = context or Context()
    if outcome not in ("churn", "margin"):
        raise ParameterError(f"outcome is {outcome!r}.", hint="Use 'churn' or 'margin'.")
    check_whole("k", k, at_least=1)
    check_whole("min_accounts", min_accounts, at_least=MIN_ACCOUNTS)
    check_whole("seed", seed, at_least=0)
    if not isinstance(ledger, Ledger):
        raise ParameterError(f"ledger is a {type(ledger).__name__}.", hint="Open it with kam.open_ledger.")
    check_accounts(accounts)
    static = _check_static(static, accounts)
    portfolio = read_portfolio(activity_panel(ledger, freq="month"), accounts, handovers, static)
    rows = loss_rows(portfolio, k) if outcome == "churn" else margin_rows(portfolio)
    found = fit_managers(rows, portfolio, outcome, seed)
    say = context.wording
    held = _revenue_held(portfolio, found)
    managers = _managers(found, portfolio, held, outcome, min_accounts, say)
    swing = found.compared.swing
    money = swing / 100 * held.sum()
    return ManagerEffectResult(
        context=context,
        checks=list_checks(say, found, portfolio, rows, outcome, k),
        assumed=list_assumed(say, found, outcome, k, static, min_accounts),
        managers=managers,
        fit=_fit(found, say),
        handover=_handover(found, outcome),
        funnel=_funnel(found, outcome),
        outcome=outcome,
        k=k,
        min_accounts=min_accounts,
        n_managers=len(managers),
        n_ranked=int(managers["is_ranked"].sum()),
        n_stand_out=int(managers["stands_out"].sum()),
        n_accounts=int(found.n_accounts.sum()),
        n_rows=int(found.n_rows.sum()),
        n_events=int(found.compared.n_events.sum()) if outcome == "churn" else None,
        n_unknown=rows.n_unknown,
        n_without_manager=portfolio.n_without_manager,
        n_undated=portfolio.n_undated,
        base=found.compared.base,
        sigma=found.fit.sigma,
        sigma_low=found.fit.sigma_low,
        sigma_high=found.fit.sigma_high,
        swing=float(swing[0]),
        swing_low=float(swing[1]),
        swing_high=float(swing[2]),
        swing_money=float(money[0]),
        swing_money_low=float(money[1]),
        swing_money_high=float(money[2]),
        revenue_held=float(held.sum()),
        statistic=found.fit.statistic,
        p_value=found.fit.p_value,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_static(static: Collection[str] | None, accounts: pd.DataFrame) -> tuple[str, ...]:
    if static is None:
        return tuple(name for name in ("region", "industry") if name in accounts)
    is_list = isinstance(static, Collection) and not isinstance(static, str)
    names = list(static) if is_list else []
    if (
        not is_list
        or not all(isinstance(name, str) for name in names)
        or len(set(names)) < len(names)
        or not {"customer_id", "manager", "manager_since"}.isdisjoint(names)
    ):
        raise ParameterError(f"static is {static!r}.", hint="Give facts of the account file, such as ('region',).")
    return tuple(names)


def _signed(say: Wording, x: float) -> str:
    x = round(x, 1) + 0.0  # no −0.0
    return ("+" if x > 0 else "") + say.number(x, 1)


def _revenue_held(portfolio: Portfolio, found: ManagerFit) -> Floats:
    """Revenue of the last year of the accounts that each manager holds."""
    has = portfolio.manager >= 0
    last_year = portfolio.revenue[has, -YEAR:].sum(axis=1)
    return np.asarray(
        np.bincount(portfolio.manager[has], last_year, len(portfolio.names))[found.codes], dtype=np.float64
    )


def _managers(
    found: ManagerFit, portfolio: Portfolio, held: Floats, outcome: Outcome, min_accounts: int, say: Wording
) -> pd.DataFrame:
    compared, fit = found.compared, found.fit
    worse = 1.0 if outcome == "churn" else -1.0
    columns: dict[str, object] = {
        "manager": [portfolio.names[code] for code in found.codes],
        "n_accounts": found.n_accounts,
        "n_rows": found.n_rows,
    }
    if outcome == "churn":
        columns |= {"n_events": compared.n_events, "n_expected": compared.n_expected}
    table = pd.DataFrame(
        columns
        | {
            "observed": compared.observed,
            "expected": compared.expected,
            "effect": fit.effect,
            "ci_low": fit.low,
            "ci_high": fit.high,
            "in_points": compared.points,
            "points_low": compared.points_low,
            "points_high": compared.points_high,
            "money_year": -worse * compared.points / 100 * held,
            "unshrunken": compared.raw,
            "funnel_size": compared.size,
            "p_value": compared.p_value,
        }
    )
    table["is_ranked"] = table["n_accounts"] >= min_accounts
    adjusted = holm(table["p_value"].where(table["is_ranked"]).to_numpy(dtype=float))
    table["stands_out"] = table["is_ranked"] & (adjusted < NAMED_BELOW[outcome])
    few = say.plural("fewer than one account", "fewer than {n} accounts: not compared by name", min_accounts)
    table["why"] = np.where(table["is_ranked"], "", few)
    told = [name for name in table.columns[:-3] if name not in ("manager", "n_accounts", "n_rows", "n_events")]
    table.loc[~table["is_ranked"], told] = np.nan
    table["worse"] = worse * table["effect"]
    return table.sort_values(["is_ranked", "worse", "manager"], ascending=[False, True, True], ignore_index=True).drop(
        columns="worse"
    )


def _fit(found: ManagerFit, say: Wording) -> pd.DataFrame:
    fit, half = found.fit, norm.isf(0.025) * found.fit.beta_error
    names = [name_term(say, term) for term in found.terms]
    return pd.DataFrame(
        {
            "term": [say.sentence("standard deviation between managers"), *names],
            "estimate": np.append(fit.sigma, fit.beta),
            "ci_low": np.append(fit.sigma_low, fit.beta - half),
            "ci_high": np.append(fit.sigma_high, fit.beta + half),
        }
    )


def _handover(found: ManagerFit, outcome: Outcome) -> pd.DataFrame:
    names = ["estimate", "ci_low", "ci_high", "in_points", "points_low", "points_high"]
    counts = {"n_accounts": found.n_handover_accounts, "n_rows": found.n_handover_rows}
    shares: dict[str, float] = {}
    if outcome == "churn":
        counts["n_events"] = found.n_handover_events
        shares = dict.fromkeys(("share_lost_without", "share_lost_handover"), np.nan)
    if not len(found.compared.handover):
        empty = dict.fromkeys(names, "float64") | dict.fromkeys(counts, "int64") | dict.fromkeys(shares, "float64")
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in empty.items()})
    at = found.terms.index("handover")
    ends = found.fit.beta[at] + np.array([0.0, -1.0, 1.0]) * norm.isf(0.025) * found.fit.beta_error[at]
    values = dict(zip(names, [*ends.tolist(), *found.compared.handover.tolist()], strict=True))
    shares = dict(zip(shares, found.compared.handover_shares.tolist(), strict=True))
    return pd.DataFrame([values | counts | shares])


def _funnel(found: ManagerFit, outcome: Outcome) -> pd.DataFrame:
    sizes = found.compared.size[found.compared.size > 0]
    grid = np.geomspace(max(0.8 * sizes.min(), 0.25), 1.1 * sizes.max(), _POINTS)
    parts = []
    for level in LEVELS:
        low, high = funnel_limits(outcome, grid, found.compared.account_error, level)
        parts.append(pd.DataFrame({"funnel_size": grid, "limit_level": level, "ci_low": low, "ci_high": high}))
    return pd.concat(parts, ignore_index=True)
