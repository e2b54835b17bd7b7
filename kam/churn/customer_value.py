"""What customers are worth: discounted money by state, customer and portfolio, with the uncertainty of chain and money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from kam.churn.chain import discounted_value, survival
from kam.churn.markov import MarkovChurnResult
from kam.churn.sequences import PERIODS_A_YEAR
from kam.churn.worth import rate_per_period
from kam.columns import GLOSSARY
from kam.errors import KamError, ParameterError
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.stats.resampling import percentile_interval
from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIN_PATHS = 100
MAX_PERIODS = 1000
"""Without end, a path is followed until less than 0.1 % of the value is left, at most so long; the rest is its expectation."""

_REST, _TINY = 0.001, 1e-12
_STEADY, _ALIKE, _BEYOND, _ADDS_UP, _UNEVEN = 0.1, 0.1, 0.1, 0.05, 0.02


# -- the account's own level -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class Levels:
    """Lasting differences of money between customers of the same state, from :func:`customer_levels`.

    Attributes
    ----------
    between : float
        a, variance of the customers' lasting factors, whose mean is 1.
    within : float
        v, variance of the passing factor of one period, whose mean is 1.
    credibility : numpy.ndarray, shape (n_customers,)
        Z, how far a customer's own record is believed: 0 not at all, 1 wholly.
    factor : numpy.ndarray, shape (n_customers,)
        1 + Z (money / expected money − 1).
    variance : numpy.ndarray, shape (n_customers,)
        Of the lasting factor around ``factor``, given the record.
    """

    between: float
    within: float
    credibility: Floats
    factor: Floats
    variance: Floats


def customer_levels(
    money_sum: npt.ArrayLike,
    money_expected: npt.ArrayLike,
    money_squares: npt.ArrayLike,
    expected_squares: npt.ArrayLike,
) -> Levels | None:
    """How much more or less each customer brings than others who were in the same states (Bühlmann–Straub credibility).

    Money of customer i in a period in state s is r_s θ_i ε: the mean of the state, a lasting factor of the customer with mean 1
    and variance a, a passing factor with mean 1 and variance v. With the money S_i, the money expected M_i = Σ r_s, its squares
    E_i = Σ r_s² and Q_i = Σ (money − r_s)² over the customer's periods, the ratio X_i = S_i / M_i and the exposure
    k_i = M_i² / E_i (the number of periods with money, if all rewards are alike), where k_i > 1 for w:

        w = Σ k_i [Q_i / E_i − (X_i − 1)²] / Σ (k_i − 1)        a = (Σ k_i (X_i − 1)² − n w) / Σ k_i, at least 0
        v = w / (1 + a)        Z_i = k_i / (k_i + w / a)        f_i = 1 + Z_i (X_i − 1)
        variance_i = f_i² / (1 / a + k_i / v) + (f_i − X_i)²

    Z makes the best linear estimate whatever the distributions are. The first part of the variance is exact for gamma passing and
    inverse gamma lasting factors, under which Z is exact, too (the gamma–gamma model of Fader & Hardie 2013); the second is what
    pulling toward 1 may do to a customer who is far from it.

    Assumes (1) that passing factors of different periods are independent; (2) that the lasting factor says nothing about where
    the customer goes next; (3) that both variances are the same in all states.

    Parameters
    ----------
    money_sum, money_expected, money_squares, expected_squares : array_like, shape (n_customers,)
        S, M, Q and E, in money, money, money squared and money squared.

    Returns
    -------
    Levels or None
        None: no customer was seen in two periods with money, so that lasting and passing differences cannot be told apart.

    References
    ----------
    Bühlmann, H. and Straub, E. (1970). Glaubwürdigkeit für Schadensätze. Mitteilungen der VSVM 70.
    Jewell, W. S. (1974). Credible means are exact Bayesian for exponential families. ASTIN Bulletin 8.

    Examples
    --------
    Two customers, two periods each, 10 expected in each: one brings 14 and 16, one 4 and 6.

    >>> levels = customer_levels([30, 10], [20, 20], [16 + 36, 36 + 16], [200, 200])
    >>> round(levels.between, 4), round(levels.within, 4), levels.factor.round(3).tolist()
    (0.24, 0.0161, [1.48, 0.52])
    """
    s, m, q, e = (np.asarray(x, dtype=np.float64) for x in (money_sum, money_expected, money_squares, expected_squares))
    seen = (m > 0) & (e > 0)
    ratio = np.divide(s, m, out=np.ones(m.size), where=seen)
    k = np.divide(m**2, e, out=np.zeros(m.size), where=seen)
    squares = np.divide(q, e, out=np.zeros(m.size), where=seen)
    spare = np.maximum(k - 1, 0)
    if not spare.sum() > 1e-9:
        return None
    noise = max(float((k * (squares - (ratio - 1) ** 2))[spare > 0].sum() / spare.sum()), 0.0)
    between = max(float((k @ (ratio - 1) ** 2 - seen.sum() * noise) / k.sum()), 0.0)
    within = noise / (1 + between)
    believed, known = np.zeros(m.size), np.zeros(m.size)
    if between > 0:
        believed = np.divide(k, k + noise / between, out=believed, where=k > 0)
        known = np.divide(between * within, within + between * k, out=np.full(m.size, between), where=k > 0)
    factor = 1 + believed * (ratio - 1)
    return Levels(
        between=between,
        within=within,
        credibility=believed,
        factor=factor,
        variance=factor**2 * known + (believed > 0) * (factor - ratio) ** 2,
    )


# -- result ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class CustomerValueResult(Result):
    """Result of :func:`customer_value`.

    Attributes
    ----------
    states : pandas.DataFrame
        One row per state, in order: ``state, n_customers`` (in it now), ``reward`` (money per period), ``value`` (of one
        customer, this period included), ``ci_low, ci_high``; ``value_ahead`` (from the next period on), ``ahead_low,
        ahead_high``: intervals of the expectation; ``pi_low, pi_high``: between them lies what one customer will bring from the
        next period on; and ``value_infinite``, the value without end, unless it has no limit.
    customers : pandas.DataFrame
        One row per customer seen in the last period, largest first: ``customer_id, state``, ``value_ahead, ahead_low,
        ahead_high`` of its state; ``credibility`` and ``level_factor`` of its own record, ``own_value`` = factor × value ahead,
        ``own_low, own_high`` (of the expectation for this customer: chain, money and its own level).
    portfolio : pandas.DataFrame
        ``term, n_customers, value_ahead, ci_low, ci_high``: ``not_lost`` customers, ``lost`` ones (if there is a lost state),
        ``all``. The interval is of the expectation; the number of customers in each state is as it is now.
    treatments : pandas.DataFrame
        Lost customers may come back, or not: ``state, n_customers, value_kept, value_cut`` (from the next period on),
        ``delta_value``, ``delta_low, delta_high``. Empty without a lost state, or where a value has no limit.
    returns_value, returns_low, returns_high : float
        The same difference for the portfolio: what lost customers who come back add; 0 where ``treatments`` is empty.
    money_retention : pandas.DataFrame
        ``state, n_ahead, share_money`` (share of the money of a state's customers that is with customers not lost after so many
        periods: each moves with the weight of what it brought in the year before, ``p_money``) and ``share_heads`` (all weigh
        the same); both from the pooled chain, and lost once is lost. Empty without money or without a lost state.
    portfolio_retention : pandas.DataFrame
        ``n_ahead, share_money, share_heads`` of all who are not lost now; for money, each by what it brought per period.
    rewards : str
        ``estimated`` (with the chain, and resampled with it) or ``given`` (taken as known).
    money : str
        What the rewards are means of; empty when they were given.
    lost, returns : str
        The lost state (empty: none), and whether returns are ``kept`` or ``cut`` in all but ``treatments``.
    freq : str
        Length of a period.
    discount_rate : float
        A year.
    horizon : int or None
        Periods after this one; None: without end.
    between_variance, within_variance : float
        Of the customers' lasting factors and of the passing ones, see :func:`customer_levels`; 0 when rewards were given.
    share_width_transitions : float
        Width of the portfolio's interval if only the chain were unsure, over its width; 1 when rewards were given.
    level : float
        Level of all intervals.
    n_paths, seed : int
        Simulated futures per state, and the seed of their draws.
    """

    main: ClassVar[str] = "states"

    states: pd.DataFrame
    customers: pd.DataFrame
    portfolio: pd.DataFrame
    treatments: pd.DataFrame
    returns_value: float
    returns_low: float
    returns_high: float
    money_retention: pd.DataFrame
    portfolio_retention: pd.DataFrame
    rewards: str
    money: str
    lost: str
    returns: str
    freq: str
    discount_rate: float
    horizon: int | None
    between_variance: float
    within_variance: float
    share_width_transitions: float
    level: float
    n_paths: int
    seed: int

    def span(self) -> str:
        """The horizon in words: ``over the next 12 quarters``."""
        return _span(self.context.wording, self.horizon, self.freq)

    def money_name(self) -> str:
        """What the value is a sum of, in words; ``value`` when the rewards were given."""
        say = self.context.wording
        if not self.money:
            return say.sentence("value")
        return say.text(GLOSSARY[self.money].label) if self.money in GLOSSARY else self.money

    def shown(self, x: float) -> str:
        """A sum of money as it stands in sentences: in full, from 100,000 on shortened."""
        return _short(self.context.wording, x)

    def ends(self) -> tuple[pd.Series, pd.Series]:
        """The states, not lost, in which a customer is worth most and least; of those that somebody is in, if any."""
        alive = self.states[self.states["state"] != self.lost]
        seen = alive[alive["n_customers"] > 0] if (alive["n_customers"] > 0).any() else alive
        order = seen.sort_values("value_ahead", kind="stable")
        return order.iloc[-1], order.iloc[0]

    def _of(self, term: str) -> pd.Series:
        return self.portfolio[self.portfolio["term"] == term].iloc[0]

    def _interval(self, low: float, high: float) -> str:
        return self.context.wording.interval(self.shown(low), self.shown(high), self.level)

    def _sentence(self) -> str:
        say = self.context.wording
        now = self._of("not_lost")
        worth = self.shown(now["value_ahead"])
        best, worst = self.ends()
        first = say.plural(
            "The only customer of today is worth {value} {span} ({interval}), discounted at {rate}",
            "The {n} customers of today are worth {value} {span} ({interval}), discounted at {rate}",
            int(now["n_customers"]),
            value=say.sentence("{value} of {money}", value=worth, money=self.money_name()) if self.money else worth,
            span=self.span(),
            interval=self._interval(now["ci_low"], now["ci_high"]),
            rate=_rate(say, self.discount_rate, self.freq),
        )
        second = say.sentence(
            "one customer in {state} is worth {value}", state=best["state"], value=self.shown(best["value_ahead"])
        )
        if best["state"] != worst["state"]:
            second += say.sentence(
                ", one in {state} {value}", state=worst["state"], value=self.shown(worst["value_ahead"])
            )
        text = say.sentence("{first}; {second}.", first=first, second=second)
        if not (self.lost and self.returns == "kept" and self._of("lost")["value_ahead"] > 0):
            return text
        lost = self._of("lost")
        return f"{text} " + say.plural(
            "The only one that is lost is worth another {value}, since lost customers may come back.",
            "The {n} that are lost are worth another {value}, since lost customers may come back.",
            int(lost["n_customers"]),
            value=self.shown(lost["value_ahead"]),
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        now = self._of("not_lost")
        best, worst = self.ends()
        figures = [
            KeyFigure(
                value=self.shown(now["value_ahead"]),
                label=say.sentence(
                    "{money} from the customers of today, {span}", money=self.money_name(), span=self.span()
                ),
                note=self._interval(now["ci_low"], now["ci_high"]),
            ),
            *(
                KeyFigure(
                    value=self.shown(row["value_ahead"]),
                    label=say.sentence("one customer in {state}, on average", state=row["state"]),
                    note=self._interval(row["ahead_low"], row["ahead_high"]),
                )
                for row in ((best, worst) if best["state"] != worst["state"] else (best,))
            ),
        ]
        figures.append(
            KeyFigure(
                value=say.sentence("{low} to {high}", low=self.shown(best["pi_low"]), high=self.shown(best["pi_high"])),
                label=say.sentence("what one customer in {state} may bring", state=best["state"]),
                note=say.sentence("{level} of such customers lie within", level=say.share(self.level, 0)),
            )
        )
        if len(self.treatments):
            figures.append(
                KeyFigure(
                    value=self.shown(self.returns_value),
                    label=say.sentence("from lost customers who come back: in the value")
                    if self.returns == "kept"
                    else say.sentence("from lost customers who come back: not in the value"),
                    note=self._interval(self.returns_low, self.returns_high),
                )
            )
        elif len(figures) < 3:
            figures.append(
                KeyFigure(
                    value=say.share(self.discount_rate),
                    label=say.sentence("discount rate"),
                    note=say.sentence("assumed, not estimated"),
                )
            )
        return tuple(figures)


def customer_value(
    markov: MarkovChurnResult,
    rewards: Mapping[str, float] | Sequence[float] | pd.Series | None,
    *,
    discount_rate: float,
    horizon: int | None = None,
    level: float | None = None,
    n_paths: int = 2000,
    seed: int = 1,
    context: Context | None = None,
) -> CustomerValueResult:
    """Value of customers from their chain, per state, per customer and in all, with intervals that say what they cover.

    V = Σ_{t=0..T} [P / (1 + d)]^t R, without end (I − P / (1 + d))^{-1} R, with one P and R per season in a cyclic chain, begun
    in the season now. The value *ahead* leaves out t = 0, the period now, whose money is already there.

    *Interval of the expectation*: every resample of customers estimates P **and** R again; it says how well the mean over very
    many customers is known. *One customer* (``pi_low, pi_high``): simulated futures, each with P and R of one resample, states
    from the chain, money = reward of the state × lasting factor × passing factor of the period, both gamma; the lasting one is
    as open as the record of a customer drawn from those in the state now leaves it (:func:`customer_levels`). With rewards that
    are given only the states are random. A customer's *own value* is the value ahead of its state × its credible factor; its
    interval is that of a gamma distribution (a normal one where it is not above 0) with the variance of both. None covers a
    change of regime.

    Assumes (1) what the chain assumes; (2) that rewards and the discount rate stay as they are; (3) that the money a customer
    brings says nothing about where it goes next beyond its state (checked by the retention of money against that of heads);
    (4) with returns cut, that nothing flows after the loss.

    Parameters
    ----------
    markov : MarkovChurnResult
        From :func:`kam.churn.fit_markov_churn`.
    rewards : mapping, pandas.Series, sequence or None
        Money per period by state, or in the order of the states, taken as known. None: the means estimated with the chain.
    discount_rate : float
        A **year**, 0 or more; per period (1 + d)^(1 / periods a year) − 1. Of numbered periods: per period.
    horizon : int, optional
        Periods after this one. None: without end, which needs a rate above 0 or a loss without return.
    level : float, optional
        Of all intervals; default that of ``markov``.
    n_paths : int
        Simulated futures per state, at least 100.
    seed : int
        Of the simulated futures.
    context : Context, optional
        Default that of ``markov``.

    Returns
    -------
    CustomerValueResult

    Raises
    ------
    ParameterError
        Rewards do not fit the states or are not there, the rate or the horizon is negative, a value has no limit, or ``level`` or
        ``n_paths`` is out of range.

    References
    ----------
    Pfeifer, P. E. and Carraway, R. L. (2000). Modeling customer relationships as Markov chains. J. of Interactive Marketing
    14(2), equations 8 and 9.

    Examples
    --------
    >>> from kam.churn.markov import fit_markov_churn
    >>> counts = pd.DataFrame({"from_state": ["buys", "buys", "lost"], "to_state": ["buys", "lost", "lost"],
    ...     "n_transitions": [80, 20, 40]})
    >>> value = customer_value(fit_markov_churn(counts, n_resamples=100), {"buys": 100, "lost": 0}, discount_rate=0.1, horizon=2)
    >>> value.states["value"].round(2).tolist()  # 100 (1 + .8 / 1.1 + (.8 / 1.1)²)
    [225.62, 0.0]
    """
    context = context or markov.context
    level = markov.level if level is None else level
    discount = rate_per_period(discount_rate, markov.freq)
    if horizon is not None and (isinstance(horizon, bool) or not isinstance(horizon, (int, np.integer)) or horizon < 0):
        raise ParameterError(f"horizon is {horizon}.", hint="Give a whole number of periods, 0 or more, or None.")
    horizon = None if horizon is None else int(horizon)
    if n_paths < MIN_PATHS:
        raise ParameterError(f"n_paths is {n_paths}.", hint=f"Give at least {MIN_PATHS}.")
    known = _read_rewards(rewards, markov)
    chain = _chain(markov, known, markov.returns)
    price = _Price(discount=discount, horizon=horizon, season=markov.season_now)
    n_now = markov.states["n_customers"].to_numpy(dtype=np.int64)

    reward, reward_draws = chain.rewards[price.season], chain.reward_draws[:, price.season]
    ahead, ahead_draws = price.ahead(chain.p, chain.rewards), price.ahead(chain.p_draws, chain.reward_draws)
    levels = _levels(markov) if known is None else None
    place = pd.Index(markov.names).get_indexer(pd.Index(markov.customers["state"].astype(str))).astype(np.int64)
    states = pd.DataFrame(
        {
            "state": list(markov.names),
            "n_customers": n_now,
            "reward": reward,
            "value": ahead + reward,
            **_ends(ahead_draws + reward_draws, level, "ci"),
            "value_ahead": ahead,
            **_ends(ahead_draws, level, "ahead"),
            **_ends(_simulate(chain, price, levels, place, n_paths, seed), level, "pi"),
        }
    )
    endless = _endless(chain, price)
    if endless is not None:
        states["value_infinite"] = endless
    customers = _customers(markov, states, levels, place, ahead_draws.std(axis=0), level)
    treatments, returns_draws = _treatments(markov, known, price, n_now, level)
    returns = (0.0, 0.0, 0.0)
    if returns_draws is not None:
        returns = (float(treatments["delta_value"] @ n_now), *percentile_interval(returns_draws @ n_now, level))
    by_state, by_portfolio, uneven = _retention(markov, horizon)
    width_share = _share_of_width(ahead_draws @ n_now, price.ahead(chain.p_draws, chain.rewards) @ n_now, level)
    return CustomerValueResult(
        context=context,
        states=states,
        customers=customers,
        portfolio=_portfolio(markov, n_now, ahead, ahead_draws, level),
        treatments=treatments,
        returns_value=returns[0],
        returns_low=returns[1],
        returns_high=returns[2],
        money_retention=by_state,
        portfolio_retention=by_portfolio,
        rewards="estimated" if known is None else "given",
        money=markov.money if known is None else "",
        lost=markov.lost,
        returns=markov.returns,
        freq=markov.freq,
        discount_rate=float(discount_rate),
        horizon=horizon,
        between_variance=levels.between if levels else 0.0,
        within_variance=levels.within if levels else 0.0,
        share_width_transitions=width_share,
        level=level,
        n_paths=n_paths,
        seed=seed,
        checks=(
            _width_check(context, width_share, estimated=known is None),
            _steady_check(context, markov, estimated=known is None),
            *_level_checks(context, customers, levels),
            _evenness_check(context, markov, uneven),
            _horizon_check(context, markov, chain, price, n_now),
            _regime_check(context),
        ),
        assumed=_assumed(context, markov, discount_rate, horizon, estimated=known is None),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class _Chain:
    """Probabilities (C, S, S) and rewards (C, S), and their draws (B, …)."""

    p: Floats
    rewards: Floats
    p_draws: Floats
    reward_draws: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class _Price:
    """Discount per period, horizon, and the season now."""

    discount: float
    horizon: int | None
    season: int

    def ahead(self, p: Floats, rewards: Floats) -> Floats:
        """Value from the next period on, shape (..., S), for who is in the state now."""
        r = np.broadcast_to(rewards, p.shape[:-1])
        return np.asarray((discounted_value(p, r, self.discount, horizon=self.horizon) - r)[..., self.season, :])


def _read_rewards(
    rewards: Mapping[str, float] | Sequence[float] | pd.Series | None, markov: MarkovChurnResult
) -> Floats | None:
    names = markov.names
    if rewards is None:
        return None
    if isinstance(rewards, (Mapping, pd.Series)):
        given = {str(state): float(money) for state, money in rewards.items()}
        unknown = [state for state in given if state not in names]
        if unknown:
            raise ParameterError(
                f"There is a reward for {unknown[0]!r}, which is no state.", hint=f"The states are {', '.join(names)}."
            )
        missing = [state for state in names if state not in given]
        if missing:
            raise ParameterError(f"There is no reward for the state {missing[0]!r}.", hint="Give one for every state.")
        values = np.array([given[state] for state in names])
    else:
        values = np.asarray(rewards, dtype=np.float64)
        if values.shape != (len(names),):
            raise ParameterError(
                f"There are {values.size} rewards for {len(names)} states.",
                hint=f"Give one for each of {', '.join(names)}, in this order.",
            )
    if not np.isfinite(values).all():
        state = names[int(np.flatnonzero(~np.isfinite(values))[0])]
        raise ParameterError(f"The reward of the state {state!r} is no finite number.", hint="Give money per period.")
    return values


def _chain(markov: MarkovChurnResult, known: Floats | None, returns: str) -> _Chain:
    p = markov.matrix(returns=returns)
    p_draws, reward_draws = markov.draws(returns=returns)
    if known is not None:
        rewards, reward_draws = np.broadcast_to(known, p.shape[:-1]), np.broadcast_to(known, p_draws.shape[:-1])
    else:
        rewards = markov.rewards()
        if returns == "cut" and markov.lost:  # what came after a loss came with a return, or was a credit note
            alive = np.array([name != markov.lost for name in markov.names], dtype=float)
            rewards, reward_draws = rewards * alive, reward_draws * alive
    return _Chain(p=p, rewards=rewards, p_draws=p_draws, reward_draws=reward_draws)


def _endless(chain: _Chain, price: _Price) -> Floats | None:
    try:
        value = discounted_value(chain.p, chain.rewards, price.discount, horizon=None)
    except KamError:
        return None
    return np.asarray(value[price.season])


def _ends(draws: Floats, level: float, name: str) -> dict[str, list[float]]:
    ends = [percentile_interval(column, level) for column in draws.T]
    return {f"{name}_low": [low for low, _ in ends], f"{name}_high": [high for _, high in ends]}


def _share_of_width(both: Floats, chain_only: Floats, level: float) -> float:
    (low, high), (chain_low, chain_high) = percentile_interval(both, level), percentile_interval(chain_only, level)
    return (chain_high - chain_low) / (high - low) if high > low else 1.0


def _levels(markov: MarkovChurnResult) -> Levels | None:
    """The customers' own levels; None where only counts are known, or nobody was seen twice."""
    seen = markov.customers
    if seen.empty or "money_sum" not in seen.columns:
        return None
    squares = seen["expected_squares"] if "expected_squares" in seen.columns else _expected_squares(markov)
    return customer_levels(seen["money_sum"], seen["money_expected"], seen["money_squares"], squares)


def _expected_squares(markov: MarkovChurnResult) -> Floats:
    """Σ r² over each customer's periods, from their number and from Σ r.

    As if a customer had been in the states as often as all customers were, tilted by exp(λ r) until the rewards add up: exact
    when one state brings money, else rather too large for small customers, whose record then counts for less.
    """
    r = markov.states["reward"].to_numpy(dtype=float)
    n = markov.mix.groupby("state", observed=True)["n_customers"].sum().reindex(markov.names).to_numpy(dtype=float)
    grid = np.geomspace(1e-3, 400, 300) / (np.abs(r).max() or 1.0)
    weights = np.log(np.maximum(n, 1e-9)) + np.concatenate([-grid[::-1], [0.0], grid])[:, None] * r
    weights = np.exp(weights - weights.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    periods = markov.customers["n_periods"].to_numpy(dtype=float)
    mean = markov.customers["money_expected"].to_numpy(dtype=float) / periods
    return np.asarray(periods * np.interp(mean, weights @ r, weights @ r**2))


def _simulate(chain: _Chain, price: _Price, levels: Levels | None, place: Ints, n_paths: int, seed: int) -> Floats:
    """What one customer brings from the next period on, shape (n_paths, S) by state now; ``place``: state of each customer."""
    rng = np.random.default_rng(seed)
    n_draws, n_seasons, n_states = chain.reward_draws.shape
    draw = rng.integers(n_draws, size=(n_paths, n_states))
    state = np.broadcast_to(np.arange(n_states), draw.shape)
    steps = chain.p_draws.cumsum(axis=-1)[..., :-1]
    total, factor, season = np.zeros(draw.shape), 1.0, price.season
    rest: Floats | None = None
    if price.horizon is None:
        r = chain.reward_draws
        rest = discounted_value(chain.p_draws, r, price.discount, horizon=None) - r
    enough = _REST * np.abs(rest[draw, season, state]).mean(axis=0) if rest is not None else 0.0
    for _ in range(MAX_PERIODS if price.horizon is None else price.horizon):
        state = (rng.random(draw.shape)[..., None] >= steps[draw, season, state]).sum(axis=-1)
        season = (season + 1) % n_seasons
        factor /= 1 + price.discount
        money = factor * chain.reward_draws[draw, season, state]
        total += money * rng.gamma(1 / levels.within, levels.within, draw.shape) if levels and levels.within else money
        if rest is not None and (factor * np.abs(rest[draw, season, state]).mean(axis=0) <= enough).all():
            break
    if rest is not None:
        total += factor * rest[draw, season, state]
    if levels and levels.between:
        for s in range(n_states):
            there = np.flatnonzero(place == s)
            mean, variance = np.ones(n_paths), np.full(n_paths, levels.between)
            if there.size:
                who = rng.choice(there, n_paths)
                mean, variance = levels.factor[who], levels.variance[who]
            shape = np.maximum(mean**2, _TINY) / np.maximum(variance, _TINY)
            total[:, s] *= mean * rng.gamma(shape) / shape
    return total


def _customers(
    markov: MarkovChurnResult, states: pd.DataFrame, levels: Levels | None, place: Ints, spread: Floats, level: float
) -> pd.DataFrame:
    seen = markov.customers
    ahead, low, high = (states[name].to_numpy()[place] for name in ("value_ahead", "ahead_low", "ahead_high"))
    believed = levels.credibility if levels else np.zeros(len(seen))
    factor = levels.factor if levels else np.ones(len(seen))
    own_low, own_high = low, high
    if levels and levels.between:
        unsure = spread[place] ** 2
        own_low, own_high = _gamma_interval(
            factor * ahead, levels.variance * (ahead**2 + unsure) + factor**2 * unsure, level
        )
    frame = pd.DataFrame(
        {
            "customer_id": seen["customer_id"].astype(str),
            "state": seen["state"].astype(str),
            "value_ahead": ahead,
            "ahead_low": low,
            "ahead_high": high,
            "credibility": believed,
            "level_factor": factor,
            "own_value": factor * ahead,
            "own_low": own_low,
            "own_high": own_high,
        }
    )
    return frame.sort_values(["own_value", "customer_id"], ascending=[False, True], ignore_index=True)


def _gamma_interval(mean: Floats, variance: Floats, level: float) -> tuple[Floats, Floats]:
    """Between these ends lies a gamma distribution of this mean and variance; a normal one where the mean is not above 0."""
    fits = (mean > 0) & (variance > 0)
    shape = mean[fits] ** 2 / variance[fits]
    ends = []
    for q in ((1 - level) / 2, (1 + level) / 2):
        end = mean + special.ndtri(q) * np.sqrt(variance)
        end[fits] = special.gammaincinv(shape, q) * mean[fits] / shape
        ends.append(end)
    return ends[0], ends[1]


def _portfolio(
    markov: MarkovChurnResult, n_now: Ints, ahead: Floats, ahead_draws: Floats, level: float
) -> pd.DataFrame:
    is_lost = np.array([name == markov.lost for name in markov.names])
    parts = {"not_lost": ~is_lost, **({"lost": is_lost} if is_lost.any() else {}), "all": np.ones_like(is_lost)}
    rows = []
    for term, who in parts.items():
        low, high = percentile_interval(ahead_draws @ (n_now * who), level)
        rows.append((term, int(n_now[who].sum()), float(ahead[who] @ n_now[who]), low, high))
    return pd.DataFrame(rows, columns=["term", "n_customers", "value_ahead", "ci_low", "ci_high"])


def _treatments(
    markov: MarkovChurnResult, known: Floats | None, price: _Price, n_now: Ints, level: float
) -> tuple[pd.DataFrame, Floats | None]:
    """With lost customers coming back, and without; and the draws (B, S) of the difference."""
    names = ["state", "n_customers", "value_kept", "value_cut", "delta_value", "delta_low", "delta_high"]
    nothing = pd.DataFrame({name: pd.Series(dtype="str" if name == "state" else "float64") for name in names})
    if not markov.lost:
        return nothing, None
    kept, cut = (_chain(markov, known, returns) for returns in ("kept", "cut"))
    try:
        value_kept, draws_kept = price.ahead(kept.p, kept.rewards), price.ahead(kept.p_draws, kept.reward_draws)
        value_cut, draws_cut = price.ahead(cut.p, cut.rewards), price.ahead(cut.p_draws, cut.reward_draws)
    except KamError:  # no limit
        return nothing, None
    difference = draws_kept - draws_cut
    frame = pd.DataFrame(
        {
            "state": list(markov.names),
            "n_customers": n_now,
            "value_kept": value_kept,
            "value_cut": value_cut,
            "delta_value": value_kept - value_cut,
            **_ends(difference, level, "delta"),
        }
    )
    return frame, difference


def _retention(markov: MarkovChurnResult, horizon: int | None) -> tuple[pd.DataFrame, pd.DataFrame, float | None]:
    """Share of money, and of heads, not lost: by state, for the portfolio, and their difference after a year at equal weights."""
    columns = ["n_ahead", "share_money", "share_heads"]
    by_state = pd.DataFrame({"state": pd.Series(dtype="str"), **{name: pd.Series(dtype="float64") for name in columns}})
    by_portfolio = by_state[columns]
    if not (markov.lost and markov.money):
        return by_state, by_portfolio, None
    n_states, lost = len(markov.names), markov.names.index(markov.lost)
    seen = markov.customers
    per_period = (seen["money_sum"].clip(lower=0) / seen["n_periods"]).groupby(seen["state"].astype(str)).sum()
    alive = np.arange(n_states) != lost
    money = per_period.reindex(markov.names).fillna(0.0).to_numpy(dtype=float) * alive
    heads = markov.states["n_customers"].to_numpy(dtype=float) * alive
    if not money.sum() > 0:
        return by_state, by_portfolio, None
    n = int(markov.survival["n_ahead"].max()) if horizon is None else horizon
    p = markov.transitions["probability"].to_numpy().reshape(n_states, n_states)
    p_money = markov.transitions["p_money"].to_numpy().reshape(n_states, n_states)
    curve, heads_curve = survival(p_money[None], lost, n), survival(p[None], lost, n)
    shown = np.flatnonzero(alive)
    by_state = pd.DataFrame(
        {
            "state": np.repeat([markov.names[s] for s in shown], n + 1),
            "n_ahead": np.tile(np.arange(n + 1), len(shown)),
            "share_money": curve[:, shown].T.ravel(),
            "share_heads": heads_curve[:, shown].T.ravel(),
        }
    )
    by_portfolio = pd.DataFrame(
        {
            "n_ahead": np.arange(n + 1),
            "share_money": curve @ money / money.sum(),
            "share_heads": heads_curve @ heads / heads.sum(),
        }
    )
    year = min(PERIODS_A_YEAR[markov.freq], n)
    uneven = float((curve - heads_curve)[year] @ money / money.sum()) if year else None
    return by_state, by_portfolio, uneven


# -- checks ----------------------------------------------------------------------------------------------------------


def _width_check(context: Context, share: float, *, estimated: bool) -> Check:
    say = context.wording
    what = say.sentence("the interval covers the chain and the money together")
    if not estimated:
        return Check(
            assumption=what,
            finding=say.sentence("the money was given and taken as known: the interval covers the chain alone"),
            verdict="not testable",
        )
    return Check(
        assumption=what,
        finding=say.sentence(
            "both are estimated again in each resample; from transitions alone the interval would be {share} as wide",
            share=say.share(share, 0),
        ),
        verdict="handled",
        statistic=share,
    )


def _steady_check(context: Context, markov: MarkovChurnResult, *, estimated: bool) -> Check:
    say = context.wording
    what = say.sentence("the money of a state is steady over time")
    change = _change_of_rewards(markov) if estimated else None
    if change is None:
        return Check(
            assumption=what,
            finding=say.sentence("less than two years with money")
            if estimated
            else say.sentence("it was given, not estimated"),
            verdict="not testable",
        )
    return Check(
        assumption=what,
        finding=say.sentence(
            "in the last year a customer brings {change} than in the first, at the same mix of states",
            change=_more(say, say.share(abs(change)), change),
        ),
        verdict="holds" if abs(change) <= _STEADY else "does not hold",
        statistic=change,
    )


def _change_of_rewards(markov: MarkovChurnResult) -> float | None:
    """Relative change of the mean money from the first to the last year, at the mix of the last."""
    n, money = (
        markov.mix.pivot(index="period", columns="state", values=name).fillna(0).sort_index().to_numpy(dtype=float)
        for name in ("n_customers", "revenue")
    )
    year = PERIODS_A_YEAR[markov.freq] if markov.freq != "period" else len(n) // 2
    if year < 1 or len(n) < 2 * year:
        return None
    n_first, n_last, first, last = n[:year].sum(0), n[-year:].sum(0), money[:year].sum(0), money[-year:].sum(0)
    both = (n_first > 0) & (n_last > 0)
    before = float((first[both] / n_first[both]) @ n_last[both])
    return float(last[both].sum()) / before - 1 if before > 0 else None


def _level_checks(context: Context, customers: pd.DataFrame, levels: Levels | None) -> tuple[Check, ...]:
    say = context.wording
    what = say.sentence("customers in the same state bring alike")
    if levels is None:
        return (
            Check(
                assumption=what,
                finding=say.sentence(
                    "no record of single customers over several periods: all of a state get its value"
                ),
                verdict="not testable",
            ),
        )
    spread = levels.between**0.5
    total = levels.between + levels.within * (1 + levels.between)
    alike = Check(
        assumption=what,
        finding=say.sentence(
            "the lasting levels of accounts have a standard deviation of {spread} of their state's money, which is {share} of "
            "the variance within states; own values and the range of one customer take it in",
            spread=say.share(spread, 0),
            share=say.share(levels.between / total if total else 0.0, 0),
        ),
        verdict="holds" if spread <= _ALIKE else "handled",
        statistic=levels.between,
    )
    by_state, own = float(customers["value_ahead"].sum()), float(customers["own_value"].sum())
    if not (levels.between and by_state):
        return (alike,)
    gap = own / by_state - 1
    return (
        alike,
        Check(
            assumption=say.sentence("the accounts' own values add up to that of the portfolio"),
            finding=say.sentence("{own} against {by_state}", own=_short(say, own), by_state=_short(say, by_state)),
            verdict="holds" if abs(gap) <= _ADDS_UP else "does not hold",
            statistic=gap,
        ),
    )


def _evenness_check(context: Context, markov: MarkovChurnResult, uneven: float | None) -> Check:
    say = context.wording
    what = say.sentence("large and small accounts of a state leave alike")
    if uneven is None:
        return Check(
            assumption=what,
            finding=say.sentence("without a lost state and money it cannot be seen"),
            verdict="not testable",
        )
    return Check(
        assumption=what,
        finding=say.sentence(
            "a year on, {points} of today's money is still there when accounts count by their money than by heads",
            points=_more(say, say.sentence("{n} points", n=say.number(100 * abs(uneven), 1)), uneven),
        ),
        verdict="holds" if abs(uneven) <= _UNEVEN else "does not hold",
        statistic=uneven,
    )


def _horizon_check(context: Context, markov: MarkovChurnResult, chain: _Chain, price: _Price, n_now: Ints) -> Check:
    say = context.wording
    what = say.sentence("the value lies within a time as long as was seen")
    n_seen = int(markov.mix["period"].nunique())
    if n_seen < 2:
        return Check(assumption=what, finding=say.sentence("the time seen is not known"), verdict="not testable")
    seen = say.periods(n_seen, markov.freq)
    if price.horizon is not None and price.horizon <= n_seen:
        return Check(assumption=what, finding=say.sentence("{seen} were seen", seen=seen), verdict="holds")
    near = _Price(discount=price.discount, horizon=n_seen, season=price.season)
    total = float(price.ahead(chain.p, chain.rewards) @ n_now)
    if not total > 0:
        return Check(assumption=what, finding=say.sentence("{seen} were seen", seen=seen), verdict="does not hold")
    beyond = 1 - float(near.ahead(chain.p, chain.rewards) @ n_now) / total
    return Check(
        assumption=what,
        finding=say.sentence(
            "{seen} were seen; {share} of the value lies later than that", seen=seen, share=say.share(beyond)
        ),
        verdict="holds" if abs(beyond) <= _BEYOND else "does not hold",
        statistic=beyond,
    )


def _regime_check(context: Context) -> Check:
    say = context.wording
    return Check(
        assumption=say.sentence("the time ahead is like the time seen"),
        finding=say.sentence("no interval covers a change of regime: a crisis, a new competitor, another price"),
        verdict="not testable",
    )


def _assumed(
    context: Context, markov: MarkovChurnResult, discount_rate: float, horizon: int | None, *, estimated: bool
) -> tuple[Assumed, ...]:
    say = context.wording
    facts = [
        Assumed(
            what=say.sentence("discount rate"),
            value=_rate(say, discount_rate, markov.freq),
            would_change=say.sentence("a higher rate lowers every value, those of faithful customers most"),
        ),
        Assumed(
            what=say.sentence("horizon"),
            value=_span(say, horizon, markov.freq),
            would_change=say.sentence("a longer one adds what customers bring later"),
        ),
        Assumed(
            what=say.sentence("what the intervals cover"),
            value=say.sentence(
                "interval of the expectation: the mean over very many such customers; range of one customer: chance and "
                "the account's own level, too; neither covers a change of regime"
            ),
            would_change=say.sentence("more customers and periods narrow the first, not the second"),
        ),
        Assumed(
            what=say.sentence("customers counted"),
            value=say.sentence("those in each state now, as many as they are; customers to come are not in it"),
            would_change=say.sentence("the next period's customers"),
        ),
    ]
    if markov.money and markov.lost:
        facts.append(
            Assumed(
                what=say.sentence("retention of money"),
                value=say.sentence(
                    "no interval: the resamples hold the chain by heads; states without money move as heads do"
                ),
                would_change=say.sentence("nothing in the value: it is never multiplied by the money of a state"),
            )
        )
    if not estimated:
        facts.append(
            Assumed(
                what=say.sentence("money per period and state"),
                value=say.sentence("given by the user, taken as known"),
                would_change=say.sentence("values move with it in proportion"),
            )
        )
    return tuple(facts)


# -- words -----------------------------------------------------------------------------------------------------------


def _span(say: Wording, horizon: int | None, freq: str) -> str:
    if horizon is None:
        return say.sentence("over all time to come")
    return say.sentence("over the next {time}", time=say.periods(horizon, freq))


def _short(say: Wording, x: float) -> str:
    return say.money_short(x) if abs(x) >= 1e5 else say.money(x)


def _rate(say: Wording, rate: float, freq: str) -> str:
    return say.sentence("{rate} a period" if freq == "period" else "{rate} a year", rate=say.share(rate))


def _more(say: Wording, much: str, sign: float) -> str:
    return say.sentence("{much} more", much=much) if sign >= 0 else say.sentence("{much} less", much=much)
