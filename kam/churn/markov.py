"""The Markov chain of customers: transition probabilities with their uncertainty, tests of what it assumes, what follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.assumptions import ALPHA, check_chain, run_tests
from kam.churn.chain import (
    can_reach,
    fundamental_matrix,
    half_life,
    loss_times,
    periods_to_loss,
    stationary_distribution,
    survival,
)
from kam.churn.estimation import bootstrap_cells, estimate, fill_empty
from kam.churn.forecast import choose_chain
from kam.churn.markov_frames import (
    customers_frame,
    draws_frame,
    flows_frame,
    mix_frame,
    pairs_frame,
    returned_frame,
    segments_frame,
    states_frame,
)
from kam.churn.observed import Observed, n_gaps, observe
from kam.churn.segments import shrink_to_pooled
from kam.churn.sequences import Sequences, seasons_of
from kam.churn.worth import Worth, rate_per_period
from kam.errors import EmptyStateError, NoAbsorbingStateError, ParameterError
from kam.results import Assumed, Context, KeyFigure, Result
from kam.stats.proportions import goodman_interval, jeffreys_interval, wilson_interval

if TYPE_CHECKING:
    from kam.ledger.states import StatePanel

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_INTERVALS = {"wilson": wilson_interval, "jeffreys": jeffreys_interval}
_FEW_MOVES = 3
_SEASONAL = 0.05
_AHEAD = {"month": 36, "quarter": 20, "year": 10, "period": 20}


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class MarkovChurnResult(Result):
    """Result of :func:`fit_markov_churn`.

    Attributes
    ----------
    transitions : pandas.DataFrame
        One row per pair of states, of the pooled chain: ``from_state, to_state, n_transitions, probability, std_error, ci_low,
        ci_high`` (pointwise), ``joint_low, joint_high`` (all of them together), ``boot_low, boot_high`` (pointwise, over
        customers), and with money ``p_money``: the same weighted by what each customer brought in the
        year before, for the retention of money.
    states : pandas.DataFrame
        One row per state: ``state, n_customers`` (in it in the last period), ``n_transitions`` (from it); with money ``reward,
        reward_low, reward_high`` per period; with a lost state ``p_loss`` (in the next period), ``periods_to_loss, loss_low,
        loss_high, half_life`` from the season now; where every state leads to every other ``share_stationary``.
    cycle : pandas.DataFrame
        ``season`` and the columns of ``transitions`` up to ``joint_high``: one matrix per season (0: January or the quarter that
        begins with it; the season is that of the period left) when every season was seen in two years; else empty.
    cycle_rewards : pandas.DataFrame
        ``season, state, reward`` of the same seasons.
    survival : pandas.DataFrame
        ``state, n_ahead, probability, ci_low, ci_high``: not lost within so many periods.
    visits : pandas.DataFrame
        ``from_state, to_state, visits``: the fundamental matrix of the pooled chain, periods in a state before the loss.
    tests : pandas.DataFrame
        ``test, statistic`` (G²), ``pearson`` (X²), ``df, p_value`` (of X²), ``p_from`` (how it was found), ``change`` (change of the value
        per account, of the periods to loss, or of the share in the first state after a year), ``share_change, verdict``.
    mix : pandas.DataFrame
        ``period, state, n_customers`` and, with money, ``revenue``: the money brought.
    flows : pandas.DataFrame
        ``period`` (the one left), ``from_state, to_state, n_transitions``; a missing ``from_state``: first seen in the next
        period; a missing ``to_state``: not seen in the next.
    returned : pandas.DataFrame
        Lost customers who came back: ``period`` (of the return), ``customer_id, to_state``.
    segment_matrices : pandas.DataFrame
        ``segment, from_state, to_state, n_transitions, p_raw, probability`` (shrunk to the pooled one).
    followed : pandas.DataFrame
        ``term, n_cases``: what was followed, and where sequences begin and break off.
    customers : pandas.DataFrame
        One row per customer seen in the last period: ``customer_id, state, n_periods``; with money ``money_sum``,
        ``money_expected`` (sum of the rewards of the states it was in), ``expected_squares`` (of those rewards) and
        ``money_squares`` (of its deviations from them).
    resamples, reward_resamples : pandas.DataFrame
        ``resample, season, from_state, to_state, probability`` and ``resample, season, state, reward``: the chain in use,
        estimated again from resampled customers.
    lost : str
        Name of the lost state; empty: none.
    returns : str
        ``kept``: lost customers may come back; ``cut``: to be lost is the end.
    chain : str
        ``pooled`` or ``cyclic``: which one is in use.
    freq : str
        ``month``, ``quarter``, ``year`` or ``period``.
    money : str
        The column that rewards are means of; empty: none.
    season_now : int
        Season of the last period in the chain in use.
    n_customers, n_transitions, n_returned : int
        Customers followed (0: only counts were given), transitions seen, returns of lost customers.
    p_loss, p_loss_low, p_loss_high : float
        Probability that an account of today that is not lost is lost in the next period, with interval over customers; 0 without
        a lost state.
    discount_rate : float
        A year; used for the effects of the tests.
    level : float
    n_resamples, seed : int
    """

    main: ClassVar[str] = "transitions"

    transitions: pd.DataFrame
    states: pd.DataFrame
    cycle: pd.DataFrame
    cycle_rewards: pd.DataFrame
    survival: pd.DataFrame
    visits: pd.DataFrame
    tests: pd.DataFrame
    mix: pd.DataFrame
    flows: pd.DataFrame
    returned: pd.DataFrame
    segment_matrices: pd.DataFrame
    followed: pd.DataFrame
    customers: pd.DataFrame
    resamples: pd.DataFrame
    reward_resamples: pd.DataFrame
    lost: str
    returns: str
    chain: str
    freq: str
    money: str
    season_now: int
    n_customers: int
    n_transitions: int
    n_returned: int
    p_loss: float
    p_loss_low: float
    p_loss_high: float
    discount_rate: float
    level: float
    n_resamples: int
    seed: int

    @property
    def names(self) -> tuple[str, ...]:
        """The states in order."""
        return tuple(self.states["state"])

    def matrix(self, *, returns: str | None = None) -> Floats:
        """Transition probabilities of the chain in use, shape (C, S, S) as in :mod:`kam.churn.chain`.

        ``returns``: ``"kept"`` or ``"cut"`` instead of the result's own treatment of lost customers who come back.
        """
        n = len(self.names)
        frame = self.cycle if self.chain == "cyclic" else self.transitions
        return self._treated(frame["probability"].to_numpy().reshape(-1, n, n), returns)

    def rewards(self) -> Floats:
        """Mean money per period in each state, shape (C, S).

        Raises
        ------
        ParameterError
            The panel had no money.
        """
        self._need_money()
        if self.chain == "cyclic":
            return self.cycle_rewards["reward"].to_numpy().reshape(-1, len(self.names))
        return self.states["reward"].to_numpy()[None]

    def draws(self, *, returns: str | None = None) -> tuple[Floats, Floats]:
        """Resampled probabilities (B, C, S, S) and rewards (B, C, S; zeros without money)."""
        n = len(self.names)
        n_seasons = len(self.matrix())
        p = self.resamples["probability"].to_numpy().reshape(-1, n_seasons, n, n)
        if not self.money:
            return self._treated(p, returns), np.zeros(p.shape[:-1])
        return self._treated(p, returns), self.reward_resamples["reward"].to_numpy().reshape(p.shape[:-1])

    def _treated(self, p: Floats, returns: str | None) -> Floats:
        if self.lost and (returns or self.returns) == "cut":
            p = p.copy()
            lost = self.names.index(self.lost)
            p[..., lost, :] = np.eye(p.shape[-1])[lost]
        return p

    def _need_money(self) -> None:
        if not self.money:
            raise ParameterError("The chain was fitted without money.", hint="Name a column of money, or give rewards.")

    def _sentence(self) -> str:
        say = self.context.wording
        if not self.lost:
            stay = self.transitions[self.transitions["from_state"] == self.transitions["to_state"]]
            surest = stay.nlargest(1, "probability").iloc[0]
            return say.sentence(
                "{p} of the accounts in {state} are still there a {freq} later ({interval}).",
                p=say.share(surest["probability"]),
                state=surest["from_state"],
                freq=say.text(self.freq),
                interval=say.interval(say.share(surest["ci_low"]), say.share(surest["ci_high"]), self.level),
            )
        first = say.sentence(
            "Of the accounts that still buy, {p} are lost per {freq} ({interval}).",
            p=say.share(self.p_loss),
            freq=say.text(self.freq),
            interval=say.interval(say.share(self.p_loss_low), say.share(self.p_loss_high), self.level),
        )
        alive = self.states[self.states["state"] != self.lost]
        best, worst = (
            ranked.iloc[0] for ranked in (alive.nlargest(1, "periods_to_loss"), alive.nsmallest(1, "periods_to_loss"))
        )
        if best["state"] == worst["state"]:
            second = self._stays("An account that is {state} today is lost after {time} on average ({interval}).", best)
        else:
            second = self._stays("An account that is {state} today is lost after {time} on average ({interval}),", best)
            second += " " + self._stays("one that is {state} after {time} ({interval}).", worst)
        return " ".join([first, second, *self._doubts()])

    def _doubts(self) -> list[str]:
        """What a reader of the answer alone has to know."""
        say = self.context.wording
        n_moves = self.mix["period"].nunique() - 1
        if n_moves < _FEW_MOVES:
            return [
                say.sentence(
                    "It rests on {time} of moves only: not enough to test.", time=say.periods(n_moves, self.freq)
                )
            ]
        season = self.tests[self.tests["test"] == "season"]
        if self.chain == "cyclic" or not (season["p_value"] < ALPHA).any():
            return []
        first, low, high = self._season_range()
        if high - low < _SEASONAL:
            return []
        return [
            say.sentence(
                "From season to season {low} to {high} of those that are {state} stay so, which this chain leaves out.",
                low=say.share(low),
                high=say.share(high),
                state=first,
            )
        ]

    def _season_range(self) -> tuple[str, float, float]:
        """The first state that is not lost, and the least and the largest share that stays in it in a season."""
        first = next(name for name in self.names if name != self.lost)
        left = self.flows[(self.flows["from_state"] == first) & self.flows["to_state"].notna()]
        season = seasons_of(pd.Index(left["period"]), self.freq)
        n = np.bincount(season, left["n_transitions"])
        stayed = np.bincount(season, left["n_transitions"].where(left["to_state"] == first, 0), len(n))
        share = stayed[n > 0] / n[n > 0]
        return first, float(share.min()), float(share.max())

    def _stays(self, message: str, row: pd.Series) -> str:
        say = self.context.wording
        return say.sentence(
            message,
            state=row["state"],
            time=say.periods(row["periods_to_loss"], self.freq, 1),
            interval=self._loss_interval(row),
        )

    def _loss_interval(self, row: pd.Series) -> str:
        say = self.context.wording
        if not np.isfinite(row["loss_high"]):
            return say.sentence("at least {low}", low=say.number(row["loss_low"], 1))
        return say.interval(say.number(row["loss_low"], 1), say.number(row["loss_high"], 1), self.level)

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        counted = say.sentence("counted, not estimated")
        figures = []
        if self.lost:
            alive = self.states[self.states["state"] != self.lost]
            best = alive.nlargest(1, "periods_to_loss").iloc[0]
            figures = [
                KeyFigure(
                    value=say.share(self.p_loss),
                    label=say.sentence("of the accounts that still buy are lost per {freq}", freq=say.text(self.freq)),
                    note=say.interval(say.share(self.p_loss_low), say.share(self.p_loss_high), self.level),
                ),
                KeyFigure(
                    value=say.periods(best["periods_to_loss"], self.freq, 1),
                    label=say.sentence(
                        "until an account that is {state} today is lost, on average", state=best["state"]
                    ),
                    note=self._loss_interval(best),
                ),
                KeyFigure(
                    value=say.count(self.n_returned), label=say.sentence("lost accounts came back"), note=counted
                ),
            ]
        figures += [
            KeyFigure(value=say.count(self.n_transitions), label=say.sentence("transitions seen"), note=counted),
            KeyFigure(
                value=say.count(self.states["n_customers"].sum()),
                label=say.sentence("accounts in the last period, lost ones included" if self.lost else "accounts now"),
                note=counted,
            ),
            KeyFigure(value=say.count(len(self.states)), label=say.sentence("states"), note=counted),
        ]
        return tuple(figures[:5])


def fit_markov_churn(
    panel: pd.DataFrame | StatePanel,
    *,
    absorbing: str | None = "lost",
    states: Sequence[str] | None = None,
    money: str | None = None,
    segments: Mapping[str, str] | None = None,
    returns: Literal["kept", "cut"] = "kept",
    prior: float = 0.0,
    structural_zeros: Iterable[tuple[str, str]] = (),
    intervals: Literal["wilson", "jeffreys"] = "wilson",
    chain: Literal["auto", "pooled", "cyclic"] = "auto",
    discount_rate: float = 0.1,
    n_resamples: int = 1000,
    level: float = 0.95,
    seed: int = 1,
    context: Context | None = None,
) -> MarkovChurnResult:
    """Estimate the Markov chain of customers' states, test what it assumes, and say what follows for their loss.

    Assumes (1) that where a customer goes depends on the state now, not on those before (tested: order); (2) that the
    probabilities are the same in all periods, or in the same season of all years (tested: time); (3) that they are the same for
    all customers in a state (tested: segments; design effect); (4) that customers are independent of one another; (5) that
    follow-up ends for reasons that have nothing to do with the state.

    p_ij = n_ij / n_i, standard error √(p(1−p)/n_i); the end of a sequence and what is next to a gap are no transitions. Pointwise
    intervals take transitions as independent; those over customers do not. With ``chain="auto"`` seasons get a matrix each when
    the test over time rejects at 5 %, every season was seen in two years, and the back-test of
    :func:`~kam.churn.forecast.choose_chain` misses less with them.

    Parameters
    ----------
    panel : pandas.DataFrame or StatePanel
        One row per customer and period, in any order: ``customer_id, period`` (first day, or a whole number), ``state`` and
        money; or counts ``from_state, to_state, n_transitions`` [, ``period``]; or from :func:`kam.ledger.state_panel`.
    absorbing : str or None
        The lost state; None: there is none, and nothing is said of loss.
    states : sequence of str, optional
        The states in order. Default: as the panel has them, the lost one last.
    money : str, optional
        Column of money. Default: ``margin``, else ``revenue``, where the panel has it.
    segments : mapping of str to str, optional
        Segment by customer.
    returns : {"kept", "cut"}
        Lost customers who come back: a transition, or none (to be lost is the end). Their number is reported either way.
    prior : float
        Pseudo-count of every transition that is allowed (Dirichlet).
    structural_zeros : iterable of (str, str)
        Transitions that cannot happen; those of a ``StatePanel`` are known.
    intervals : {"wilson", "jeffreys"}
        Kind of the pointwise intervals.
    chain : {"auto", "pooled", "cyclic"}
        One matrix for all periods, or one per season.
    discount_rate : float
        A year, for the effects of the tests on value.
    n_resamples, level, seed : int, float, int
        Bootstrap over customers.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    MarkovChurnResult

    Raises
    ------
    NoAbsorbingStateError
        The lost state never occurs, or some state never leads to it.
    EmptyStateError
        A state is never entered, or never left.
    EmptyDataError, MissingColumnError, ColumnTypeError, DataError
        The panel is empty, has one period, lacks a column, or has a customer twice in a period.
    ParameterError
        An argument is out of range, a state is unknown, a transition declared impossible was seen, or a cyclic chain is asked for
        and no season was seen in two years.

    References
    ----------
    Anderson, T. W. and Goodman, L. A. (1957). Statistical inference about Markov chains. Annals of Mathematical Statistics 28.
    Goodman, L. A. (1965). On simultaneous confidence intervals for multinomial proportions. Technometrics 7.
    Pfeifer, P. E. and Carraway, R. L. (2000). Modeling customer relationships as Markov chains. J. of Interactive Marketing 14.

    Examples
    --------
    >>> counts = pd.DataFrame({"from_state": ["buys", "buys", "lost"], "to_state": ["buys", "lost", "lost"],
    ...     "n_transitions": [80, 20, 40]})
    >>> result = fit_markov_churn(counts, n_resamples=100)
    >>> result.states.loc[[0], ["state", "p_loss", "periods_to_loss"]].round(2).to_dict("records")
    [{'state': 'buys', 'p_loss': 0.2, 'periods_to_loss': 5.0}]
    """
    context = context or Context()
    _check_arguments(returns, intervals, chain, prior, n_resamples, level)
    money = money or _money_column(panel)
    seen = observe(panel, states=states, money=money, segments=segments)
    if states is None and absorbing in seen.states[:-1]:
        seen = observe(
            panel,
            states=[*(name for name in seen.states if name != absorbing), absorbing],
            money=money,
            segments=segments,
        )
    lost = _lost_index(seen, absorbing)
    impossible = () if isinstance(panel, pd.DataFrame) else panel.impossible
    allowed = _allowed(seen.states, [*impossible, *structural_zeros])
    counts = seen.tables.sum(axis=0)
    p = _estimate(seen, counts, lost, prior, allowed)
    if lost is not None:
        _need_loss(seen.states, p, lost)
    rewards = _rewards(seen)
    segment_matrices, shrunk = _segment_frame(seen, p)
    worth = Worth(
        mix=seen.mix[-1].astype(float),
        rewards=rewards,
        lost=lost,
        discount=rate_per_period(discount_rate, seen.freq),
        n_seasons=seen.n_seasons,
    )
    tests = run_tests(seen, _cut(p, lost) if returns == "cut" else p, worth, segment_matrices=shrunk, seed=seed)

    cycle = _cycle(seen, p, rewards, prior, allowed)
    used = _chain_in_use(seen, chain, tests, absorbing)
    seasons = seen.season if used == "cyclic" else np.zeros(len(seen.periods), dtype=np.int64)
    in_use = cycle[0] if used == "cyclic" else p[None]
    means = np.zeros((1, len(p))) if rewards is None else cycle[2] if used == "cyclic" else rewards[None]
    draws, reward_draws, pooled = _resample(
        seen, seasons, in_use, means, np.where(allowed, prior, 0.0), n_resamples=n_resamples, seed=seed
    )
    transitions = _transitions(seen, p, allowed, pooled, intervals, level)
    season_now = int(seasons[-1])
    loss_columns, curves = _loss_frames(seen, in_use, draws, lost, season_now, level)
    state_columns = _states_columns(seen, counts, p, rewards, reward_draws.mean(axis=1), level)
    p_loss, p_loss_low, p_loss_high = _loss_now(seen, in_use, draws, lost, season_now, level)
    returned = returned_frame(seen, lost)
    n_returned = int(counts[lost].sum() - counts[lost, lost]) if lost is not None else 0
    return MarkovChurnResult(
        context=context,
        transitions=transitions,
        states=states_frame(seen.states, **state_columns, **loss_columns),
        cycle=pairs_frame(seen.states, **_estimates(cycle[1], cycle[0], allowed, intervals, level)),
        cycle_rewards=states_frame(seen.states, reward=cycle[2]),
        survival=curves,
        visits=_visits(seen.states, p, lost),
        tests=tests,
        mix=mix_frame(seen),
        flows=flows_frame(seen),
        returned=returned,
        segment_matrices=segment_matrices,
        followed=_followed(seen, lost, n_returned, context),
        customers=customers_frame(seen, rewards),
        resamples=draws_frame(seen.states, "probability", draws, pairs=True),
        reward_resamples=draws_frame(seen.states, "reward", reward_draws, pairs=False),
        lost=seen.states[lost] if lost is not None else "",
        returns=returns,
        chain=used,
        freq=seen.freq,
        money=money or "",
        season_now=season_now,
        n_customers=len(seen.sequences.customers) if seen.sequences else 0,
        n_transitions=int(counts.sum()),
        n_returned=n_returned,
        p_loss=p_loss,
        p_loss_low=p_loss_low,
        p_loss_high=p_loss_high,
        discount_rate=discount_rate,
        level=level,
        n_resamples=n_resamples,
        seed=seed,
        checks=check_chain(context, seen, tests, transitions, worth, lost=lost, n_returned=n_returned, used=used),
        assumed=_assumed(context, seen, returns, discount_rate, prior, lost, panel),
    )


def _chain_in_use(seen: Observed, chain: str, tests: pd.DataFrame, absorbing: str | None) -> str:
    if chain == "cyclic" and not seen.has_two_years:
        raise ParameterError(
            "A chain with seasons needs transitions of every season in at least two years.",
            where=f"{len(seen.periods)} periods, each a {seen.freq}",
            hint="Use chain='pooled', or more data.",
        )
    rejected = (tests.loc[tests["test"] == "time", "p_value"] < 0.05).any()
    if chain == "auto" and seen.has_two_years and rejected and seen.sequences is not None:
        return choose_chain(seen.sequences, lost=absorbing).chain
    return "cyclic" if chain == "cyclic" else "pooled"


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_arguments(returns: str, intervals: str, chain: str, prior: float, n_resamples: int, level: float) -> None:
    for name, value, known in (
        ("returns", returns, ("kept", "cut")),
        ("intervals", intervals, tuple(_INTERVALS)),
        ("chain", chain, ("auto", "pooled", "cyclic")),
    ):
        if value not in known:
            raise ParameterError(f"{name} is {value!r}.", hint=f"Use one of {', '.join(known)}.")
    if not (np.isfinite(prior) and prior >= 0):
        raise ParameterError(f"prior is {prior}.", hint="Give a pseudo-count of 0 or more.")
    if n_resamples < 1:
        raise ParameterError(f"n_resamples is {n_resamples}.", hint="Give at least 1, better 1000.")
    if not 0 < level < 1:
        raise ParameterError(f"level is {level}.", hint="Give a level between 0 and 1, such as 0.95.")


def _money_column(panel: pd.DataFrame | StatePanel) -> str | None:
    frame = panel if isinstance(panel, pd.DataFrame) else panel.rows
    return next((name for name in ("margin", "revenue") if {name, "state"} <= set(frame.columns)), None)


def _lost_index(seen: Observed, absorbing: str | None) -> int | None:
    if absorbing is None:
        return None
    if absorbing not in seen.states:
        raise NoAbsorbingStateError(
            f"No customer is ever in the state {absorbing!r}: nobody is lost.",
            where=f"states {', '.join(seen.states)}",
            hint="Name the lost state by absorbing=, use fewer silent periods, or absorbing=None.",
        )
    return seen.states.index(absorbing)


def _allowed(states: Sequence[str], structural_zeros: Iterable[tuple[str, str]]) -> Flags:
    allowed = np.ones((len(states), len(states)), dtype=bool)
    for pair in structural_zeros:
        unknown = [name for name in pair if name not in states]
        if unknown or len(pair) != 2:
            raise ParameterError(f"There is no state {unknown[0]!r}.", hint=f"The states are {', '.join(states)}.")
        allowed[states.index(pair[0]), states.index(pair[1])] = False
    return allowed


def _estimate(seen: Observed, counts: Ints, lost: int | None, prior: float, allowed: Flags) -> Floats:
    """Probabilities (S, S). A lost state that nobody was seen to leave or stay in is the end."""
    counts = counts.copy()
    pseudo: Floats = np.where(allowed, prior, 0.0)
    seen_but_impossible = np.argwhere((counts > 0) & ~allowed)
    if len(seen_but_impossible):
        i, j = (int(index) for index in seen_but_impossible[0])
        raise ParameterError(
            f"{counts[i, j]} transitions from {seen.states[i]!r} to {seen.states[j]!r} were seen.",
            hint="Do not declare this transition impossible.",
        )
    empty = (counts + pseudo).sum(axis=1) == 0
    if lost is not None and empty[lost]:
        counts[lost, lost] = 1
        empty[lost] = False
    if empty.any():
        names = [seen.states[i] for i in np.flatnonzero(empty)]
        raise EmptyStateError(
            f"No transition from the state {names[0]!r} was seen: nobody in it was followed into a next period.",
            where=f"states {', '.join(names)}",
            hint="Join the state with another, take more periods, or give a prior.",
        )
    return estimate(counts, prior=pseudo)


def _need_loss(states: Sequence[str], p: Floats, lost: int) -> None:
    safe = ~can_reach(p[None], lost)
    if safe.any():
        names = [name for name, never in zip(states, safe, strict=True) if never]
        raise NoAbsorbingStateError(
            f"From the state {names[0]!r} nobody was ever lost, not even by way of other states: "
            "the expected time to loss is infinite.",
            where=f"states {', '.join(names)}",
            hint="Join the state with another, give a prior, or use absorbing=None.",
        )


def _cut(p: Floats, lost: int | None) -> Floats:
    if lost is None:
        return p
    p = p.copy()
    p[..., lost, :] = np.eye(p.shape[-1])[lost]
    return p


def _rewards(seen: Observed) -> Floats | None:
    """Mean money per customer and period in each state, (S,)."""
    if seen.money is None:
        return None
    return np.asarray(seen.money.sum(axis=0) / seen.mix.sum(axis=0))


def _cycle(
    seen: Observed, p: Floats, rewards: Floats | None, prior: float, allowed: Flags
) -> tuple[Floats, Ints, Floats]:
    """One matrix and one row of rewards per season; what a season does not show is as in the pooled chain.

    None at all unless every season was seen in two years.
    """
    if not seen.has_two_years:
        none = np.zeros((0, *p.shape))
        return none, none.astype(np.int64), none[:, 0]
    season, n = seen.season, seen.n_seasons
    counts = np.array([seen.tables[season == c].sum(axis=0) for c in range(n)])
    pseudo: Floats = np.where(allowed, prior, 0.0)
    empty = (counts + pseudo).sum(axis=2, keepdims=True) == 0
    matrices = estimate(np.where(empty, p, counts), prior=pseudo)
    if seen.money is None or rewards is None:
        return matrices, counts, np.zeros((n, len(p)))
    customers = np.array([seen.mix[season == c].sum(axis=0) for c in range(n)])
    money = np.array([seen.money[season == c].sum(axis=0) for c in range(n)])
    mean = np.divide(money, customers, out=np.broadcast_to(rewards, money.shape).copy(), where=customers > 0)
    return matrices, counts, mean


def _resample(
    seen: Observed, seasons: Ints, p: Floats, rewards: Floats, prior: Floats, *, n_resamples: int, seed: int
) -> tuple[Floats, Floats, Floats]:
    """Probabilities (B, C, S, S) and rewards (B, C, S) of the chain in use, and the pooled probabilities (B, S, S).

    Over customers; without customers every row is drawn from its own multinomial.
    """
    if seen.sequences is None:
        rng = np.random.default_rng(seed)
        total = seen.tables.sum(axis=(0, 2))
        counts = rng.multinomial(total, p[0], size=(n_resamples, len(total))).astype(float)[:, None]
        draws = fill_empty(counts + prior, p)
        return draws, np.broadcast_to(rewards, draws.shape[:-1]).copy(), draws[:, 0]
    counts, n, money = bootstrap_cells(seen.sequences, n_resamples=n_resamples, seed=seed, seasons=seasons)
    mean = np.divide(money, n, out=np.broadcast_to(rewards, money.shape).copy(), where=n > 0)
    together = counts.sum(axis=1, keepdims=True)
    pooled = fill_empty(
        together + prior, estimate(seen.tables.sum(axis=0) + (seen.tables.sum(axis=(0, 2)) == 0)[:, None])[None]
    )
    return fill_empty(counts + prior, p), mean, pooled[:, 0]


def _estimates(counts: Ints, p: Floats, allowed: Flags, intervals: str, level: float) -> dict[str, Floats]:
    """Counts (..., S, S), probabilities, and their intervals: pointwise, and of all of them together."""
    rows, mask = (
        counts.reshape(-1, counts.shape[-1]),
        np.broadcast_to(allowed, counts.shape).reshape(-1, counts.shape[-1]),
    )
    n = rows.sum(axis=1, keepdims=True)
    left = n[:, 0] > 0  # a row that nobody left has the whole range as interval
    ends = [np.full(rows.shape, end) for end in (0.0, 1.0, 0.0, 1.0)]
    ends[0][left], ends[1][left] = _INTERVALS[intervals](rows[left], n[left], level)
    ends[2][left], ends[3][left] = goodman_interval(rows[left], level, allowed=mask[left])
    names = ("ci_low", "ci_high", "joint_low", "joint_high")
    columns = {
        "n_transitions": counts,
        "probability": p,
        "std_error": np.sqrt(p * (1 - p) / np.maximum(counts.sum(axis=-1, keepdims=True), 1)),
        **{name: np.where(mask, end, 0.0).reshape(counts.shape) for name, end in zip(names, ends, strict=True)},
    }
    return columns


def _transitions(
    seen: Observed, p: Floats, allowed: Flags, pooled: Floats, intervals: str, level: float
) -> pd.DataFrame:
    columns = _estimates(seen.tables.sum(axis=0), p, allowed, intervals, level)
    low, high = _interval(pooled, level)
    columns |= {"boot_low": low, "boot_high": high}
    if seen.money is not None:
        columns["p_money"] = _money_matrix(seen, p)
    return pairs_frame(seen.states, **columns)


def _money_matrix(seen: Observed, p: Floats) -> Floats:
    """Transitions weighted by what the customer brought in the year up to the period left; no money: as the heads do.

    The money of the period alone would not do: who is about to be lost has been silent.
    """
    sequences = seen.sequences
    if sequences is None or sequences.money is None:
        return p
    moves, n = sequences.moves, len(seen.states)
    cell = sequences.state[moves] * n + sequences.state[moves + 1]
    weight = np.clip(_money_of_a_year(sequences, sequences.money)[moves], 0, None)
    money = np.bincount(cell, weight, n * n).reshape(n, n)
    total = money.sum(axis=1, keepdims=True)
    return np.where(total > 0, np.divide(money, total, out=np.zeros_like(money), where=total > 0), p)


def _money_of_a_year(sequences: Sequences, money: Floats) -> Floats:
    """What each row's customer brought in the year that ends with the row's period."""
    rows = np.arange(len(sequences.customer))
    key = sequences.customer * (len(sequences.periods) + sequences.n_seasons) + sequences.period
    first = np.searchsorted(key, key - sequences.n_seasons + 1)
    starts = np.flatnonzero(np.diff(sequences.customer, prepend=-1))
    begin = np.repeat(starts, np.diff(np.append(starts, len(rows))))
    total = np.concatenate([[0.0], np.cumsum(money)])
    return np.asarray(total[rows + 1] - total[np.maximum(first, begin)])


def _interval(draws: Floats, level: float) -> tuple[Floats, Floats]:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0, method="inverted_cdf")
    return low, high


def _loss_frames(
    seen: Observed, p: Floats, draws: Floats, lost: int | None, season: int, level: float
) -> tuple[dict[str, Floats], pd.DataFrame]:
    """Columns of ``states`` on loss, and the survival curves, from the season now."""
    if lost is None:
        empty = pd.DataFrame({"state": pd.Series([], dtype="str"), "n_ahead": pd.Series([], dtype="int64")})
        return {}, empty.assign(probability=0.0, ci_low=0.0, ci_high=0.0)
    n = len(seen.states)
    times = loss_times(draws, lost)[:, season]
    low, high = _interval(times, level)
    ahead = _AHEAD[seen.freq]
    long_curve = survival(p, lost, 1000, season=season)
    columns = {
        "p_loss": p[season, :, lost],
        "periods_to_loss": periods_to_loss(p, lost)[season],
        "loss_low": low,
        "loss_high": high,
        "half_life": half_life(long_curve.T),
    }
    curve_low, curve_high = _interval(survival(draws, lost, ahead, season=season), level)
    alive = [i for i in range(n) if i != lost]
    columns["p_loss"] = np.where(np.arange(n) == lost, 0.0, columns["p_loss"])
    n_ahead, state = (index.ravel() for index in np.indices((ahead + 1, len(alive))))
    frame = pd.DataFrame(
        {
            "state": pd.Series(np.asarray(seen.states, object)[alive][state], dtype="str"),
            "n_ahead": n_ahead,
            "probability": long_curve[: ahead + 1][:, alive].ravel(),
            "ci_low": curve_low[:, alive].ravel(),
            "ci_high": curve_high[:, alive].ravel(),
        }
    )
    return columns, frame.sort_values(["state", "n_ahead"], ignore_index=True, key=_order_of(seen.states))


def _order_of(states: Sequence[str]) -> Callable[[pd.Series], pd.Series]:
    return lambda column: column.map({name: i for i, name in enumerate(states)}) if column.name == "state" else column


def _states_columns(
    seen: Observed, counts: Ints, p: Floats, rewards: Floats | None, draws: Floats, level: float
) -> dict[str, Floats]:
    columns: dict[str, Floats] = {"n_customers": seen.mix[-1], "n_transitions": counts.sum(axis=1)}
    if rewards is not None:
        low, high = _interval(draws, level)
        columns |= {"reward": rewards, "reward_low": low, "reward_high": high}
    if all(can_reach(p[None], state).all() for state in range(len(p))):
        columns["share_stationary"] = stationary_distribution(p)
    return columns


def _loss_now(
    seen: Observed, p: Floats, draws: Floats, lost: int | None, season: int, level: float
) -> tuple[float, float, float]:
    """Probability that a customer of today who is not lost is so in the next period; the mix is as it is now."""
    if lost is None:
        return 0.0, 0.0, 0.0
    mix = np.where(np.arange(len(seen.states)) == lost, 0, seen.mix[-1]).astype(float)
    if mix.sum() == 0:  # all are lost: as in all periods together
        mix = np.where(np.arange(len(seen.states)) == lost, 0, seen.mix.sum(axis=0)).astype(float)
    mix /= mix.sum()
    low, high = _interval(draws[:, season, :, lost] @ mix, level)
    return float(p[season, :, lost] @ mix), float(low), float(high)


def _visits(states: Sequence[str], p: Floats, lost: int | None) -> pd.DataFrame:
    if lost is None:
        return pairs_frame(states, visits=np.zeros((len(states), len(states)))).iloc[:0]
    frame = pairs_frame(states, visits=fundamental_matrix(p[None], lost))
    return frame[(frame[["from_state", "to_state"]] != states[lost]).all(axis=1)].reset_index(drop=True)


def _segment_frame(seen: Observed, p: Floats) -> tuple[pd.DataFrame, Floats | None]:
    """Matrices of the segments, and the shrunk ones as an array (G, S, S)."""
    sequences = seen.sequences
    names = sequences.segments if sequences is not None else ()
    n = len(seen.states)
    if sequences is None or sequences.segment is None:
        none = np.zeros((0, n, n))
        return segments_frame(seen.states, [], none.astype(np.int64), none, none), None
    moves = sequences.moves
    cell = (sequences.segment[sequences.customer[moves]] * n + sequences.state[moves]) * n + sequences.state[moves + 1]
    counts = np.bincount(cell, minlength=len(names) * n * n).reshape(-1, n, n)
    shrunk, _ = shrink_to_pooled(counts)
    shrunk = np.where(shrunk.sum(axis=2, keepdims=True) > 0, shrunk, p)
    total = counts.sum(axis=2, keepdims=True)
    raw = np.where(total > 0, counts / np.maximum(total, 1), np.nan)
    return segments_frame(seen.states, names, counts, raw, shrunk), shrunk


def _followed(seen: Observed, lost: int | None, n_returned: int, context: Context) -> pd.DataFrame:
    say = context.wording
    rows = {}
    if seen.sequences is not None:
        rows[say.sentence("accounts")] = len(seen.sequences.customers)
        rows[say.sentence("of these seen in one period only, which shows no transition")] = int(
            (np.bincount(seen.sequences.customer) == 1).sum()
        )
    rows |= {
        say.sentence("periods"): len(seen.periods),
        say.sentence("accounts in a period"): int(seen.mix.sum()),
        say.sentence("transitions"): int(seen.tables.sum()),
        say.sentence("accounts already there in the first period, since when is not known"): int(seen.entered[0].sum()),
        say.sentence("accounts that are followed up to the last period, where the next state is not known"): int(
            seen.ended[-1].sum()
        ),
        say.sentence("accounts that are no longer seen before the last period"): int(seen.ended[:-1].sum())
        - n_gaps(seen),
        say.sentence("gaps: an account not seen for some periods, no transition over it"): n_gaps(seen),
    }
    if lost is not None:
        rows[say.sentence("returns of lost accounts")] = n_returned
    return pd.DataFrame({"term": list(rows), "n_cases": list(rows.values())})


def _assumed(
    context: Context, seen: Observed, returns: str, discount_rate: float, prior: float, lost: int | None, panel: object
) -> tuple[Assumed, ...]:
    say = context.wording
    k = getattr(panel, "k", None)
    assumed = [
        Assumed(
            what=say.sentence("discount rate a year, where the effect of a test is in money"),
            value=say.share(discount_rate),
            would_change=say.sentence("a higher rate makes what happens late matter less"),
        )
    ]
    if lost is not None and k:
        assumed.append(
            Assumed(
                what=say.sentence("silence after which an account is lost"),
                value=say.periods(k, seen.freq),
                would_change=say.sentence("a shorter silence means more losses and more returns"),
            )
        )
    if lost is not None:
        assumed.append(
            Assumed(
                what=say.sentence("lost accounts that come back"),
                value=say.sentence("go on as before")
                if returns == "kept"
                else say.sentence("do not count: lost is the end"),
                would_change=say.sentence(
                    "the other treatment changes the value of accounts, not the time to their loss"
                ),
            )
        )
    if prior:
        assumed.append(
            Assumed(
                what=say.sentence("transitions added to every cell before anything was seen"),
                value=say.number(prior, 2),
                would_change=say.sentence("more of them pull all probabilities toward each other"),
            )
        )
    return tuple(assumed)
