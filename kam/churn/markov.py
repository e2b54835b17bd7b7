"""The Markov chain of customers: transition probabilities with their uncertainty, tests of what it assumes, what follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.assumptions import ALPHA, FEW_LOSSES, check_chain, run_tests
from kam.churn.chain import can_reach, stationary_distribution
from kam.churn.chain_choice import choose_chain
from kam.churn.chain_estimates import (
    allowed_transitions,
    cut_returns,
    estimate_cycle,
    estimate_matrix,
    estimate_segments,
    mean_rewards,
    money_matrix,
    resample_chain,
)
from kam.churn.loss import loss_frames, loss_now, need_loss
from kam.churn.markov_frames import (
    INTERVALS,
    customers_frame,
    draws_frame,
    flows_frame,
    followed_frame,
    mix_frame,
    pairs_frame,
    probability_columns,
    returned_frame,
    segments_frame,
    states_frame,
    visits_frame,
)
from kam.churn.observed import Observed, observe, until_lost
from kam.churn.periods import seasons_of
from kam.churn.worth import Worth, rate_per_period
from kam.errors import NoAbsorbingStateError, ParameterError
from kam.results import Assumed, Context, KeyFigure, Result
from kam.stats.resampling import check_whole, interval_among
from kam.wording import N_

if TYPE_CHECKING:
    from kam.ledger.states import StatePanel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_FEW_MOVES = 3
_SEASONAL = 0.05


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
        ``test, statistic`` (G²), ``pearson`` (X²), ``df, p_value`` (of X²), ``p_from`` (how it was found), ``change``
        (change of the value per account, of the periods to loss, or of the share in the first state after a year),
        ``share_change, verdict``.
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
            return cut_returns(p, self.names.index(self.lost))
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
                state=say.state(surest["from_state"]),
                freq=say.text(self.freq),
                interval=say.interval(say.share(surest["ci_low"]), say.share(surest["ci_high"]), self.level),
            )
        first = say.sentence(
            "Of the accounts that are not lost, {p} are lost per {freq} ({interval}).",
            p=say.share(self.p_loss),
            freq=say.text(self.freq),
            interval=say.interval(say.share(self.p_loss_low), say.share(self.p_loss_high), self.level),
        )
        alive = self.states[self.states["state"] != self.lost]
        best, worst = (
            ranked.iloc[0] for ranked in (alive.nlargest(1, "periods_to_loss"), alive.nsmallest(1, "periods_to_loss"))
        )
        if best["state"] == worst["state"]:
            second = self._stays(
                N_("An account that is {state} today is lost after {time} on average ({interval})."), best
            )
        else:
            second = self._stays(
                N_("An account that is {state} today is lost after {time} on average ({interval}),"), best
            )
            second = say.join([second, self._stays(N_("one that is {state} after {time} ({interval})."), worst)])
        return say.join([first, second, *self._doubts()])

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
        into = self.transitions[(self.transitions["to_state"] == self.lost)]
        n_losses = int(into.loc[into["from_state"] != self.lost, "n_transitions"].sum())
        if n_losses < FEW_LOSSES:
            return [
                say.plural(
                    "Only one loss was seen, too few to rely on.",
                    "Only {n} losses were seen, too few to rely on.",
                    n_losses,
                )
            ]
        doubts = []
        if self.states["periods_to_loss"].max() > n_moves:
            doubts.append(
                say.sentence(
                    "Only {time} were seen: longer times suppose that all goes on like this.",
                    time=say.periods(n_moves + 1, self.freq),
                )
            )
        return [*doubts, *self._seasonal()]

    def _seasonal(self) -> list[str]:
        say = self.context.wording
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
                state=say.state(first),
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
            state=say.state(row["state"]),
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
                    label=say.sentence("of the accounts not lost before are lost per {freq}", freq=say.text(self.freq)),
                    note=say.interval(say.share(self.p_loss_low), say.share(self.p_loss_high), self.level),
                ),
                KeyFigure(
                    value=say.periods(best["periods_to_loss"], self.freq, 1),
                    label=say.sentence(
                        "until an account that is {state} today is lost, on average", state=say.state(best["state"])
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
    :func:`~kam.churn.chain_choice.choose_chain` misses less with them.

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
    _check_arguments(returns, intervals, chain, prior, n_resamples, level, seed)
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
    allowed = allowed_transitions(seen.states, [*impossible, *structural_zeros])
    counts = seen.tables.sum(axis=0)
    p = estimate_matrix(seen, counts, lost, prior, allowed)
    if lost is not None:
        need_loss(seen.states, p, lost)
    rewards = mean_rewards(seen)
    segments_seen = estimate_segments(seen, p, seed=seed)
    worth = Worth(
        mix=seen.mix[-1].astype(float),
        rewards=rewards,
        lost=lost,
        discount=rate_per_period(discount_rate, seen.freq),
        n_seasons=seen.n_seasons,
    )
    is_cut = returns == "cut" and lost is not None
    tests = run_tests(
        seen,
        until_lost(seen, lost) if is_cut and lost is not None else seen,
        cut_returns(p, lost) if is_cut else p,
        worth,
        segments=segments_seen,
        seed=seed,
    )

    cycle = estimate_cycle(seen, p, rewards, prior, allowed)
    used = _chain_in_use(seen, chain, tests, absorbing)
    seasons = seen.season if used == "cyclic" else np.zeros(len(seen.periods), dtype=np.int64)
    in_use = cycle[0] if used == "cyclic" else p[None]
    means = np.zeros((1, len(p))) if rewards is None else cycle[2] if used == "cyclic" else rewards[None]
    draws, reward_draws, pooled = resample_chain(
        seen, seasons, in_use, means, np.where(allowed, prior, 0.0), n_resamples=n_resamples, seed=seed
    )
    transitions = _transitions(seen, p, allowed, pooled, intervals, level)
    season_now = int(seasons[-1])
    loss_columns, curves = loss_frames(seen, in_use, draws, lost, season_now, level)
    state_columns = _states_columns(seen, counts, p, rewards, reward_draws.mean(axis=1), level)
    p_loss, p_loss_low, p_loss_high = loss_now(seen, in_use, draws, lost, season_now, level)
    returned = returned_frame(seen, lost)
    n_returned = int(counts[lost].sum() - counts[lost, lost]) if lost is not None else 0
    return MarkovChurnResult(
        context=context,
        transitions=transitions,
        states=states_frame(seen.states, **state_columns, **loss_columns),
        cycle=pairs_frame(seen.states, **probability_columns(cycle[1], cycle[0], allowed, intervals, level)),
        cycle_rewards=states_frame(seen.states, reward=cycle[2]),
        survival=curves,
        visits=visits_frame(seen.states, p, lost),
        tests=tests,
        mix=mix_frame(seen),
        flows=flows_frame(seen),
        returned=returned,
        segment_matrices=segments_frame(seen, segments_seen),
        followed=followed_frame(seen, lost, n_returned, context),
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
        checks=check_chain(
            context, seen, tests, transitions, worth, in_use=in_use, lost=lost, used=used, is_cut=is_cut
        ),
        assumed=_assumed(context, seen, returns, discount_rate, prior, lost, panel),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_arguments(
    returns: str, intervals: str, chain: str, prior: float, n_resamples: int, level: float, seed: int
) -> None:
    for name, value, known in (
        ("returns", returns, ("kept", "cut")),
        ("intervals", intervals, tuple(INTERVALS)),
        ("chain", chain, ("auto", "pooled", "cyclic")),
    ):
        if value not in known:
            raise ParameterError(f"{name} is {value!r}.", hint=f"Use one of {', '.join(known)}.")
    if not (np.isfinite(prior) and prior >= 0):
        raise ParameterError(f"prior is {prior}.", hint="Give a pseudo-count of 0 or more.")
    check_whole("n_resamples", n_resamples, at_least=1)
    check_whole("seed", seed, at_least=0)
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
    if len(seen.states) == 1:
        raise NoAbsorbingStateError(
            f"All customers are in the state {absorbing!r} in all periods.", hint="Look at how the states were made."
        )
    return seen.states.index(absorbing)


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


def _transitions(
    seen: Observed, p: Floats, allowed: Flags, pooled: Floats, intervals: str, level: float
) -> pd.DataFrame:
    columns = probability_columns(seen.tables.sum(axis=0), p, allowed, intervals, level)
    low, high = interval_among(pooled, level)
    columns |= {"boot_low": low, "boot_high": high}
    if seen.money is not None:
        columns["p_money"] = money_matrix(seen, p)
    return pairs_frame(seen.states, **columns)


def _states_columns(
    seen: Observed, counts: Ints, p: Floats, rewards: Floats | None, draws: Floats, level: float
) -> dict[str, Floats]:
    columns: dict[str, Floats] = {"n_customers": seen.mix[-1], "n_transitions": counts.sum(axis=1)}
    if rewards is not None:
        low, high = interval_among(draws, level)
        columns |= {"reward": rewards, "reward_low": low, "reward_high": high}
    if all(can_reach(p[None], state).all() for state in range(len(p))):
        columns["share_stationary"] = stationary_distribution(p)
    return columns


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
