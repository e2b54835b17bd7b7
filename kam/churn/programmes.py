"""What could be done about churn: what each programme is worth, how sure that is, and which of them each state should get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.markov import MarkovChurnResult
from kam.churn.policy import DO_NOTHING, DecisionProblem
from kam.churn.programme_checks import assumed_of_programmes, check_programmes
from kam.churn.programme_table import NO_RECOMMENDATION, NOTHING, SOURCES, check_possible, read_programmes
from kam.churn.worth import rate_per_period
from kam.errors import ParameterError
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import percentile_interval
from kam.wording import N_, Wording

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ProgrammeResult(Result):
    """Result of :func:`compare_programmes`.

    Attributes
    ----------
    programmes : pandas.DataFrame
        One row per programme and state, as given: ``programme, from_state, to_state, taken_from, source, effect, effect_sd,
        programme_cost, capacity`` (missing: no limit), ``n_customers`` (in the state now), ``n_treated`` (of them, as many as it
        can reach), ``n_planned`` (treated if the recommendation is followed), ``delta_value, delta_low, delta_high`` (gain per
        treated customer of this programme alone, net of its cost, present value; mean and interval over the draws),
        ``p_positive`` (draws in which that is above 0), ``p_best`` (draws whose best policy uses it in the state),
        ``break_even`` (effect at which it gains nothing; missing where none is possible) and the same in words, ``needed``,
        ``gain, gain_low, gain_high`` (of this programme alone on the ``n_treated``), ``share_clipped`` (draws whose effect was
        cut to what is possible), ``is_recommended``.
    states : pandas.DataFrame
        One row per state: ``state, recommended`` (a programme, ``nothing`` or ``no recommendation``), ``chosen`` (what the
        policy that is best at the estimates does), ``p_best`` (draws in which that is best), ``delta_value, delta_low,
        delta_high`` (gain of that whole policy per customer now in the state), ``regret`` (what the best policy of each draw
        gains above it, on average: the expected value of perfect information), ``n_customers``, ``n_treated`` (planned).
    not_used : pandas.DataFrame
        ``programme, from_state, reason``: programmes for states that the chain does not have.
    gain, gain_low, gain_high : float
        Gain of what is recommended, on the customers of today that it reaches: mean and interval over the draws; 0 if nothing
        is recommended.
    regret : float
        What choosing anew in each draw would gain above choosing once, on the customers of today that programmes reach: the
        expected value of perfect information.
    cost_now : float
        What is recommended costs so much in the first period.
    share_judged, share_assumed : float
        Share of ``gain`` that rests on judged, on assumed effects.
    discount_rate : float
        A year.
    horizon : int or None
        Periods after this one; None: without end.
    freq : str
        ``month``, ``quarter``, ``year`` or ``period``.
    min_p_best : float
        Draws in which a choice must be best to be recommended.
    n_draws, seed : int
    level : float
        Level of the intervals.
    """

    main: ClassVar[str] = "programmes"

    programmes: pd.DataFrame
    states: pd.DataFrame
    not_used: pd.DataFrame
    gain: float
    gain_low: float
    gain_high: float
    regret: float
    cost_now: float
    share_judged: float
    share_assumed: float
    discount_rate: float
    horizon: int | None
    freq: str
    min_p_best: float
    n_draws: int
    seed: int
    level: float

    def _best_of(self, states: pd.DataFrame) -> pd.Series:
        """The programme with the largest expected gain per customer among those of some states."""
        those = self.programmes[self.programmes["from_state"].isin(states["state"])]
        return those.iloc[int(those["delta_value"].to_numpy().argmax())]

    def _open(self, recommended: str) -> pd.DataFrame:
        """States that have a programme, and this recommendation."""
        with_one = self.states["state"].isin(self.programmes["from_state"])
        return self.states[with_one & (self.states["recommended"] == recommended)]

    def _sentence(self) -> str:
        say = self.context.wording
        nothing, unsure = self._open(NOTHING), self._open(NO_RECOMMENDATION)
        if self.programmes["is_recommended"].any():
            sentences = [self._recommended()]
        elif unsure.empty:
            return self._none_pays(nothing)
        else:
            best = self._best_of(unsure)
            sentences = [
                say.plural(
                    "The programme {programme} cannot be recommended for {state}: it is worth {delta} per account "
                    "({interval}) and best in {p_exact} of draws; {least} is asked for.",
                    "None of {n} programmes can be recommended: the best, {programme} for {state}, is worth {delta} per "
                    "account ({interval}) and best in {p_exact} of draws; {least} is asked for.",
                    self._n_programmes(),
                    **self._words(best),
                )
            ]
            unsure = unsure.iloc[:0]
        if len(nothing):
            row = self._best_of(nothing)
            message = (
                N_("For {states} nothing pays: {programme} costs too much for any effect that is possible.")
                if pd.isna(row["break_even"])
                else N_("For {states} nothing pays: {programme} needs a change of {needed}, {effect} {source}.")
            )
            sentences.append(
                say.sentence(
                    message, states=say.listing([say.state(name) for name in nothing["state"]]), **self._words(row)
                )
            )
        if len(unsure):
            those = self.programmes[self.programmes["from_state"].isin(unsure["state"])]
            surest = those.iloc[int(those["p_best"].to_numpy().argmax())]
            sentences.append(
                say.sentence(
                    "For {states} none can be recommended: the surest, {programme} for {state}, is best in {p_exact} of draws; "
                    "{least} is asked for.",
                    states=say.listing([say.state(name) for name in unsure["state"]]),
                    **self._words(surest),
                )
            )
        return say.join(sentences)

    def _recommended(self) -> str:
        say = self.context.wording
        rows = self.programmes[self.programmes["is_recommended"]]
        values = {
            "n_all": say.count(self._n_programmes()),
            "all": say.money(self.gain),
            "total": say.interval(say.money(self.gain_low), say.money(self.gain_high), self.level),
        }
        if len(rows) == 1:
            message = (
                N_(
                    "The programme {programme} can be recommended for {state}: it is worth {delta} per account and {all} in all "
                    "({total}), and it is best in {p} of draws."
                )
                if self._n_programmes() == 1
                else N_(
                    "Of {n_all} programmes one can be recommended: {programme} for {state}, worth {delta} per account and {all} "
                    "in all ({total}), best in {p} of draws."
                )
            )
            return say.sentence(message, **values, **self._words(rows.iloc[0]))
        chosen = dict(zip(self.states["state"], self.states["recommended"], strict=True))
        parts = [
            say.sentence(
                "{programme} for {state} ({delta} per account, best in {p} of draws)"
                if chosen[row["from_state"]] == row["programme"]
                else "{programme} for the rest of {state} ({delta} per account)",
                **self._words(row),
            )
            for _, row in rows.iterrows()
        ]
        return say.plural(
            "The programme can be recommended: {list}; in all it is worth {all} ({total})."
            if self._n_programmes() == 1
            else "Of {n_all} programmes one can be recommended: {list}; in all it is worth {all} ({total}).",
            "Of {n_all} programmes {n} can be recommended: {list}; in all they are worth {all} ({total}).",
            int(rows["programme"].nunique()),
            list=say.listing(parts),
            **values,
        )

    def _none_pays(self, nothing: pd.DataFrame) -> str:
        say = self.context.wording
        row = self._best_of(nothing)
        first = say.plural(
            "The programme {programme} does not pay for {state}: it would change the value of an account by {delta} "
            "({interval}).",
            "None of {n} programmes pays: the nearest, {programme} for {state}, would change the value of an account by "
            "{delta} ({interval}).",
            self._n_programmes(),
            **self._words(row),
        )
        message = (
            N_("It costs too much for any effect that is possible.")
            if pd.isna(row["break_even"])
            else N_("It needs a change of {needed}, {effect} {source}.")
        )
        return say.join([first, say.sentence(message, **self._words(row))])

    def _words(self, row: pd.Series) -> dict[str, str]:
        """One programme in the words of the answer."""
        say = self.context.wording
        source = {
            "experiment": say.sentence("was measured"),
            "judged": say.sentence("is judged"),
            "assumed": say.sentence("is assumed"),
        }
        return {
            "programme": str(row["programme"]),
            "state": say.state(str(row["from_state"])),
            "delta": say.money(row["delta_value"]),
            "interval": say.interval(say.money(row["delta_low"]), say.money(row["delta_high"]), self.level),
            "p": say.share(row["p_best"], 0),
            "p_exact": say.share(row["p_best"], 1),
            "least": say.share(self.min_p_best, 0),
            "needed": str(row["needed"]),
            "effect": _points(say, row["effect"]),
            "source": source[row["source"]],
        }

    def _n_programmes(self) -> int:
        return int(self.programmes["programme"].nunique())

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        n = int(self.programmes.loc[self.programmes["is_recommended"], "programme"].nunique())
        over_draws = say.sentence("mean over {n} draws", n=say.count(self.n_draws))
        figures = [
            KeyFigure(
                value=say.sentence("{n} of {n_all}", n=say.count(n), n_all=say.count(self._n_programmes())),
                label=say.sentence("programmes can be recommended"),
                note=say.sentence("best in at least {p} of draws", p=say.share(self.min_p_best, 0)),
            ),
            KeyFigure(
                value=say.money(self.gain),
                label=say.sentence("gain of what is recommended, net of its cost, in money of today"),
                note=say.interval(say.money(self.gain_low), say.money(self.gain_high), self.level)
                if n
                else say.sentence("nothing is recommended"),
            ),
            KeyFigure(
                value=say.money(self.regret),
                label=say.sentence("would be gained by knowing every effect exactly"),
                note=over_draws,
            ),
        ]
        if n:
            figures += [
                KeyFigure(
                    value=say.money(self.cost_now),
                    label=say.sentence("cost in the first {freq}", freq=say.text(self.freq)),
                    note=say.sentence("as given with the programmes"),
                ),
                KeyFigure(
                    value=say.share(self.share_judged + self.share_assumed, 0),
                    label=say.sentence("of the gain rests on judged or assumed effects"),
                    note=over_draws,
                ),
            ]
        return tuple(figures)


def compare_programmes(
    markov: MarkovChurnResult,
    programmes: pd.DataFrame,
    *,
    rewards: Mapping[str, float] | npt.ArrayLike | None = None,
    discount_rate: float,
    horizon: int | None = None,
    min_p_best: float = 0.8,
    n_draws: int = 1000,
    seed: int = 1,
    context: Context | None = None,
) -> ProgrammeResult:
    """Find which programme each state should get when their effects are uncertain, and what that is worth.

    Assumes (1) that the chain holds: the past of a customer beyond its state does not matter, and the future is like the past;
    (2) that a programme changes the probability of one transition by its effect, takes it from one other and leaves the rest and
    the money in each state as they are; (3) that its effect is the same in every period and season, for as long as a customer is
    in the state, and ends with it; (4) that effects are normal and independent of one another and of the chain; (5) that whoever
    is treated does not change what others do.

    A policy does nothing in a state or one programme, to every customer in it in every period from now on, in all seasons. Each
    draw has its own chain, money and effects; its best policy is found by policy iteration (Howard 1960) from doing nothing, one
    state after the other. A switch is kept if it raises the value of today's customers (each state counted with one customer more
    than it has). For a chain that is the same in all periods, without horizon, that is the policy that is best in every state;
    with seasons or a horizon no change of a single state improves it, and one of several might. With a horizon the cost of the
    last period is paid although its effect comes after it.

    The policy chosen is the best one at the estimates, and its gain is the mean over the draws of what *it* gains, not of what
    the best policy of each draw would have gained: that would be too high by the regret (the optimizer's curse). An effect that
    was put forward because it looked large is not mended by this.

    The gain in all counts the customers who are in the state now, as many as the programme reaches in a period, each with the
    gain of the programme alone; where the best reaches only some, the rest gets the next best if that, too, is sure enough among
    those left. Who comes into the state later is not counted, nor what programmes of different states do to one another. Gain per
    customer, break-even and the best policy know no limits of capacity.

    Parameters
    ----------
    markov : MarkovChurnResult
        From :func:`kam.churn.fit_markov_churn`; its resamples are the draws of the chain.
    programmes : pandas.DataFrame
        One row per programme and state: ``programme, from_state, to_state, effect`` (added to the probability of this transition
        in a period), ``effect_sd, source`` (``experiment``, ``judged`` or ``assumed``), ``cost`` (per treated customer and
        period); optional ``capacity`` (customers it can reach in a period; missing: no limit) and ``taken_from`` (state whose
        probability shrinks by the effect; missing: ``from_state``, that of staying).
    rewards : mapping or array_like, optional
        Money per period by state, or an array of shape (S,) or (C, S) in the order of the chain; then without uncertainty.
        Default: those of the chain.
    discount_rate : float
        A year.
    horizon : int, optional
        Periods after this one that count. Default: without end.
    min_p_best : float
        Draws in which a choice must be best to be recommended, from 0 to 1.
    n_draws, seed : int
        Draws; with more than the chain has resamples, these are used again in order.
    context : Context, optional
        Default: that of the chain.

    Returns
    -------
    ProgrammeResult

    Raises
    ------
    MissingColumnError, ColumnTypeError, EmptyDataError, DataError
        The table of programmes lacks columns, numbers, rows or values.
    ParameterError
        An effect pushes a probability below 0 or above 1 (at the estimates; with seasons, on average over them), a programme
        stands twice for a state or takes from where it gives, no programme is for states of the chain, rewards are missing or do
        not fit, or an argument is out of range.

    Notes
    -----
    Howard (1960), Dynamic Programming and Markov Processes, chapter 7; regret as the expected value of perfect information:
    Raiffa & Schlaifer (1961), section 4.5; optimizer's curse: Smith & Winkler (2006), Management Science 52(3). Without seasons
    and horizon the break-even is c (1 + d) / (V_to − V_taken_from), V the values without a programme, d the rate per period.

    Examples
    --------
    A call costs 20 and keeps four accounts in a hundred that would have been lost.

    >>> from kam.churn.markov import fit_markov_churn
    >>> moves = [("A", "A", 900), ("A", "lost", 100), ("lost", "lost", 500)]
    >>> counts = pd.DataFrame(moves, columns=["from_state", "to_state", "n_transitions"])
    >>> calls = pd.DataFrame({"programme": ["calls"], "from_state": ["A"], "to_state": ["lost"], "effect": [-0.04],
    ...                       "effect_sd": [0.01], "source": ["experiment"], "cost": [20.0]})
    >>> result = compare_programmes(
    ...     fit_markov_churn(counts, n_resamples=50), calls, rewards={"A": 1000, "lost": 0}, discount_rate=0.1, n_draws=50)
    >>> result.programmes["break_even"].round(6).tolist(), result.states["recommended"].tolist()
    ([-0.004], ['calls', 'nothing'])
    """
    context = context or markov.context
    say = context.wording
    _check_arguments(horizon, min_p_best, n_draws)
    discount = rate_per_period(discount_rate, markov.freq)
    if discount == 0 and horizon is None:
        raise ParameterError(
            "Without discount and without end the value has no limit.",
            hint="Give a discount rate above 0, or a horizon.",
        )
    table, not_used = read_programmes(programmes, markov.names, say)
    n_customers = markov.states["n_customers"].to_numpy(dtype=np.int64)
    problem, clipped = _problem(markov, table, rewards, discount, horizon, n_draws, seed)

    # Row 0 is the problem at the estimates, the others are the draws.
    nothing = problem.value(np.full((n_draws + 1, len(n_customers)), DO_NOTHING))
    alone = problem.gains_alone(nothing)
    weights = (n_customers + 1) / (n_customers + 1).sum()
    policy = problem.best_policy(weights, least=1e-10 * (1 + float(np.abs(nothing).max())))
    chosen = policy[0]
    value_chosen = problem.value(np.tile(chosen, (n_draws + 1, 1)))[:, 0]
    value_best = problem.value(policy)[:, 0]
    gains, behind = (value_chosen - nothing[:, 0])[1:], (value_best - value_chosen)[1:]
    alone, best = alone[1:], policy[1:]

    frame = _programme_frame(say, table, problem, alone, best, clipped, n_customers, markov)
    states = _state_frame(markov, frame, best, chosen, gains, behind, n_customers, min_p_best)
    planned = _plan(frame, states, alone, min_p_best)
    frame.insert(list(frame).index("n_treated") + 1, "n_planned", planned.n)
    frame["is_recommended"] = planned.used
    states["n_treated"] = (
        frame.groupby("from_state")["n_planned"].sum().reindex(states["state"], fill_value=0).to_numpy()
    )
    in_all = alone @ planned.n
    low, high = percentile_interval(in_all, markov.level)
    parts = pd.Series(np.maximum(alone.mean(axis=0), 0) * planned.n).groupby(frame["source"]).sum()
    total = float(parts.sum())
    at_estimates = _fill(frame, alone.mean(axis=0)[None])[0]
    regret = max(0.0, float((alone * (_fill(frame, alone) - at_estimates)).sum(axis=1).mean()))
    shares = {source: float(parts.get(source, 0.0)) / total if total else 0.0 for source in SOURCES}
    result = ProgrammeResult(
        context=context,
        programmes=frame,
        states=states,
        not_used=not_used,
        gain=float(in_all.mean()),
        gain_low=low,
        gain_high=high,
        regret=regret,
        cost_now=float(table["cost"] @ planned.n),
        share_judged=shares["judged"],
        share_assumed=shares["assumed"],
        discount_rate=float(discount_rate),
        horizon=horizon,
        freq=markov.freq,
        min_p_best=float(min_p_best),
        n_draws=n_draws,
        seed=seed,
        level=markov.level,
    )
    return replace(
        result,
        checks=check_programmes(result),
        assumed=assumed_of_programmes(result, given_rewards=rewards is not None),
    )


# -- what is read ----------------------------------------------------------------------------------------------------


def _check_arguments(horizon: int | None, min_p_best: float, n_draws: int) -> None:
    if horizon is not None and horizon < 1:
        raise ParameterError(f"The horizon is {horizon}.", hint="Give the number of periods, 1 or more, or None.")
    if not 0 <= min_p_best <= 1:
        raise ParameterError(f"min_p_best is {min_p_best}.", hint="Give a share of draws from 0 to 1, such as 0.8.")
    if n_draws < 1:
        raise ParameterError(f"n_draws is {n_draws}.", hint="Give the number of draws, such as 1000.")


def _read_rewards(rewards: Mapping[str, float] | npt.ArrayLike, names: tuple[str, ...], n_seasons: int) -> Floats:
    if isinstance(rewards, Mapping):
        if set(rewards) != set(names):
            wrong = sorted(set(rewards) ^ set(names))
            raise ParameterError(
                "The rewards do not fit the states.",
                where=f"state {wrong[0]!r}",
                hint=f"Give one for {', '.join(names)}.",
            )
        r = np.array([rewards[name] for name in names], dtype=np.float64)
    else:
        r = np.asarray(rewards, dtype=np.float64)
    if r.shape not in ((len(names),), (n_seasons, len(names))):
        raise ParameterError(
            f"The rewards have the shape {r.shape} for {len(names)} states.", hint="Give one reward per state."
        )
    if not np.isfinite(r).all():
        raise ParameterError(
            "A reward is not finite.", where=f"state {names[int(np.argwhere(~np.isfinite(r))[0][-1])]!r}"
        )
    return r


def _problem(
    markov: MarkovChurnResult,
    table: pd.DataFrame,
    rewards: Mapping[str, float] | npt.ArrayLike | None,
    discount: float,
    horizon: int | None,
    n_draws: int,
    seed: int,
) -> tuple[DecisionProblem, Floats]:
    """The problem at the estimates (row 0) and in every draw, and how often each effect was cut to what is possible."""
    names = markov.names
    mean, drawn = markov.matrix(), markov.draws()
    take = np.arange(n_draws) % len(drawn[0])
    p = np.concatenate([mean[None], drawn[0][take]])
    if rewards is None:
        if not markov.money:
            raise ParameterError("The chain knows no money.", hint="Give rewards: money per period by state.")
        r = np.concatenate([markov.rewards()[None], drawn[1][take]])
    else:
        r = np.broadcast_to(_read_rewards(rewards, names, len(mean)), p.shape[:-1])
    place = {name: i for i, name in enumerate(names)}
    origin, target, taken = (
        np.array([place[name] for name in table[column]]) for column in ("from_state", "to_state", "taken_from")
    )
    check_possible(table, pd.DataFrame(mean.mean(axis=0), index=list(names), columns=list(names)))
    noise = np.random.default_rng(seed).standard_normal((len(table), n_draws)).T
    effect = table["effect"].to_numpy()
    effects = np.concatenate([effect[None], effect + table["effect_sd"].to_numpy() * noise])
    wanted = np.broadcast_to(effects[:, None, :], (n_draws + 1, len(mean), len(table)))
    possible = np.clip(wanted, -p[:, :, origin, target], p[:, :, origin, taken])
    clipped = (np.abs(possible - wanted) > 1e-12)[1:].mean(axis=(0, 1))
    turn = -markov.season_now
    problem = DecisionProblem(
        p=np.roll(p, turn, axis=1),
        r=np.roll(r, turn, axis=1),
        effect=np.roll(possible, turn, axis=1),
        origin=origin,
        target=target,
        taken=taken,
        cost=table["cost"].to_numpy(),
        discount=discount,
        horizon=horizon,
    )
    return problem, clipped


# -- what comes out --------------------------------------------------------------------------------------------------


def _programme_frame(
    say: Wording,
    table: pd.DataFrame,
    problem: DecisionProblem,
    alone: Floats,
    best: Ints,
    clipped: Floats,
    n_customers: Ints,
    markov: MarkovChurnResult,
) -> pd.DataFrame:
    n = n_customers[problem.origin]
    reached = np.minimum(n, np.floor(table["capacity"].fillna(np.inf)))
    intervals = np.array([percentile_interval(draws, markov.level) for draws in alone.T])
    break_even = np.array([problem.break_even(k) for k in range(len(table))])
    frame = table[["programme", "from_state", "to_state", "taken_from", "source", "effect", "effect_sd"]].copy()
    return frame.assign(
        programme_cost=table["cost"],
        capacity=table["capacity"],
        n_customers=n,
        n_treated=reached.astype(np.int64),
        delta_value=alone.mean(axis=0),
        delta_low=intervals[:, 0],
        delta_high=intervals[:, 1],
        p_positive=(alone > 0).mean(axis=0),
        p_best=[float((best[:, s] == k).mean()) for k, s in enumerate(problem.origin)],
        break_even=break_even,
        needed=[_needed(say, x, c) for x, c in zip(break_even, table["cost"], strict=True)],
        gain=reached * alone.mean(axis=0),
        gain_low=reached * intervals[:, 0],
        gain_high=reached * intervals[:, 1],
        share_clipped=clipped,
    )


def _needed(say: Wording, break_even: float, cost: float) -> str:
    if cost == 0:
        return say.sentence("any: it costs nothing")
    return say.sentence("none within what is possible") if np.isnan(break_even) else _points(say, break_even)


def _points(say: Wording, change: float) -> str:
    """A change of a probability in points: ``1.9 points``."""
    return say.sentence("{x} points", x=say.number(100 * change, 1 if abs(change) >= 0.0095 else 2))


def _state_frame(
    markov: MarkovChurnResult,
    frame: pd.DataFrame,
    best: Ints,
    chosen: Ints,
    gains: Floats,
    behind: Floats,
    n_customers: Ints,
    min_p_best: float,
) -> pd.DataFrame:
    """One row per state; with seasons or a horizon what is best for all may be behind in one state: its regret is then 0."""
    names = np.array([*frame["programme"], NOTHING], dtype=object)[chosen]  # -1, nothing, is the last
    p_best = (best == chosen).mean(axis=0)
    intervals = np.array([percentile_interval(draws, markov.level) for draws in gains.T])
    return pd.DataFrame(
        {
            "state": markov.names,
            "recommended": np.where(p_best >= min_p_best, names, NO_RECOMMENDATION),
            "chosen": names,
            "p_best": p_best,
            "delta_value": gains.mean(axis=0),
            "delta_low": intervals[:, 0],
            "delta_high": intervals[:, 1],
            "regret": np.maximum(behind.mean(axis=0), 0.0),
            "n_customers": n_customers,
        }
    )


@dataclass(frozen=True, eq=False)
class _Plan:
    """Customers that each programme treats, and whether it is part of what is recommended."""

    n: Ints
    used: npt.NDArray[np.bool_]


def _plan(frame: pd.DataFrame, states: pd.DataFrame, alone: Floats, min_p_best: float) -> _Plan:
    """Who is treated if the recommendation is followed: first by the best, the rest by the next best that is sure enough."""
    n, used = np.zeros(len(frame), dtype=np.int64), np.zeros(len(frame), dtype=bool)
    for state, recommended, left in states[["state", "recommended", "n_customers"]].itertuples(index=False):
        open_ = np.flatnonzero(frame["from_state"] == state).tolist()
        k = next((k for k in open_ if frame["programme"][k] == recommended), None)
        while k is not None:
            n[k], used[k] = min(left, frame["n_treated"][k]), True
            left -= n[k]
            open_.remove(k)
            k = _next_best(alone, open_, min_p_best) if left and open_ else None
    return _Plan(n, used)


def _fill(frame: pd.DataFrame, gains: Floats) -> Floats:
    """Customers that each programme treats if in each row of gains (n, K) the best of a state come first; none below 0."""
    n = np.zeros(gains.shape)
    for _, rows in frame.groupby("from_state"):
        k = rows.index.to_numpy()
        order = np.argsort(-gains[:, k], axis=1)
        ranked = np.take_along_axis(gains[:, k], order, axis=1)
        reach = np.where(ranked > 0, rows["n_treated"].to_numpy()[order], 0)
        filled = np.minimum(reach.cumsum(axis=1), rows["n_customers"].iloc[0])
        n[np.arange(len(n))[:, None], k[order]] = np.diff(filled, axis=1, prepend=0)
    return n


def _next_best(alone: Floats, programmes: list[int], min_p_best: float) -> int | None:
    """The best of the programmes left for a state, if it is above 0 and surely the best of them."""
    k = programmes[int(alone[:, programmes].mean(axis=0).argmax())]
    surely = (alone[:, k] > 0) & (alone[:, k] >= alone[:, programmes].max(axis=1))
    return k if alone[:, k].mean() > 0 and surely.mean() >= min_p_best else None
