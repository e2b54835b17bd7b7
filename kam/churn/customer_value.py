"""What customers are worth: discounted money by state, customer and portfolio, with the uncertainty of chain and money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.credibility import Levels, gamma_interval, levels_of
from kam.churn.markov import MarkovChurnResult
from kam.churn.money_retention import retain_money
from kam.churn.valuation import Price, simulate_customers, value_chain
from kam.churn.value_checks import assumed_of_value, check_value
from kam.churn.worth import rate_per_period
from kam.columns import GLOSSARY
from kam.errors import KamError, ParameterError
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import percentile_interval
from kam.wording import N_

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIN_PATHS = 100


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
        Of the customers' lasting factors and of the passing ones, see :mod:`~kam.churn.credibility`; 0 when rewards were given.
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
        say = self.context.wording
        if self.horizon is None:
            return say.sentence("over all time to come")
        return say.sentence("over the next {time}", time=say.periods(self.horizon, self.freq))

    def rate(self) -> str:
        """The discount rate in words: ``10.0% a year``."""
        say = self.context.wording
        unit = N_("{rate} a period") if self.freq == "period" else N_("{rate} a year")
        return say.sentence(unit, rate=say.share(self.discount_rate))

    def money_name(self) -> str:
        """What the value is a sum of, in words; ``value`` when the rewards were given."""
        say = self.context.wording
        if not self.money:
            return say.sentence("value")
        return say.text(GLOSSARY[self.money].label) if self.money in GLOSSARY else self.money

    def shown(self, x: float) -> str:
        """A sum of money as it stands in sentences: in full, from 100,000 on shortened."""
        say = self.context.wording
        return say.money_short(x) if abs(x) >= 1e5 else say.money(x)

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
            rate=self.rate(),
        )
        second = say.sentence(
            "one customer in {state} is worth {value}",
            state=say.state(best["state"]),
            value=self.shown(best["value_ahead"]),
        )
        if best["state"] != worst["state"]:
            second += say.sentence(
                ", one in {state} {value}", state=say.state(worst["state"]), value=self.shown(worst["value_ahead"])
            )
        text = say.sentence("{first}; {second}.", first=first, second=second)
        if not (self.lost and self.returns == "kept" and self._of("lost")["value_ahead"] > 0):
            return text
        lost = self._of("lost")
        return say.join(
            [
                text,
                say.plural(
                    "The only one that is lost would add {value} if it came back as often as lost customers did on average.",
                    "The {n} that are lost would add {value} if they came back as often as lost customers did on average.",
                    int(lost["n_customers"]),
                    value=self.shown(lost["value_ahead"]),
                ),
            ]
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
                    label=say.sentence("one customer in {state}, on average", state=say.state(row["state"])),
                    note=self._interval(row["ahead_low"], row["ahead_high"]),
                )
                for row in ((best, worst) if best["state"] != worst["state"] else (best,))
            ),
        ]
        figures.append(
            KeyFigure(
                value=say.sentence("{low} to {high}", low=self.shown(best["pi_low"]), high=self.shown(best["pi_high"])),
                label=say.sentence("what one customer in {state} may bring", state=say.state(best["state"])),
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
    as open as the record of a customer drawn from those in the state now leaves it (:mod:`~kam.churn.credibility`). With rewards
    that are given only the states are random. A customer's *own value* is the value ahead of its state × its credible factor; its
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
    chain = value_chain(markov, known, markov.returns)
    price = Price(discount=discount, horizon=horizon, season=markov.season_now)
    n_now = markov.states["n_customers"].to_numpy(dtype=np.int64)

    reward, reward_draws = chain.rewards[price.season], chain.reward_draws[:, price.season]
    ahead, ahead_draws = price.ahead(chain.p, chain.rewards), price.ahead(chain.p_draws, chain.reward_draws)
    levels = levels_of(markov.customers) if known is None else None
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
            **_ends(simulate_customers(chain, price, levels, place, n_paths, seed), level, "pi"),
        }
    )
    endless = price.endless(chain.p, chain.rewards)
    if endless is not None:
        states["value_infinite"] = endless
    customers = _customers(markov, states, levels, place, ahead_draws.std(axis=0), level)
    treatments, returns_draws = _treatments(markov, known, price, n_now, level)
    returns = (0.0, 0.0, 0.0)
    if returns_draws is not None:
        returns = (float(treatments["delta_value"] @ n_now), *percentile_interval(returns_draws @ n_now, level))
    by_state, by_portfolio, uneven = retain_money(markov, horizon)
    width_share = _share_of_width(ahead_draws @ n_now, price.ahead(chain.p_draws, chain.rewards) @ n_now, level)
    result = CustomerValueResult(
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
    )
    return replace(
        result,
        checks=check_value(result, markov, chain, price, levels=levels, uneven=uneven),
        assumed=assumed_of_value(result, markov),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


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


def _ends(draws: Floats, level: float, name: str) -> dict[str, list[float]]:
    ends = [percentile_interval(column, level) for column in draws.T]
    return {f"{name}_low": [low for low, _ in ends], f"{name}_high": [high for _, high in ends]}


def _share_of_width(both: Floats, chain_only: Floats, level: float) -> float:
    (low, high), (chain_low, chain_high) = percentile_interval(both, level), percentile_interval(chain_only, level)
    return (chain_high - chain_low) / (high - low) if high > low else 1.0


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
        own_low, own_high = gamma_interval(
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
    markov: MarkovChurnResult, known: Floats | None, price: Price, n_now: Ints, level: float
) -> tuple[pd.DataFrame, Floats | None]:
    """With lost customers coming back, and without; and the draws (B, S) of the difference."""
    names = ["state", "n_customers", "value_kept", "value_cut", "delta_value", "delta_low", "delta_high"]
    nothing = pd.DataFrame({name: pd.Series(dtype="str" if name == "state" else "float64") for name in names})
    if not markov.lost:
        return nothing, None
    kept, cut = (value_chain(markov, known, returns) for returns in ("kept", "cut"))
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
