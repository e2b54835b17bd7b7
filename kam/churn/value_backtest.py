"""The value ahead found again at past periods from what was known there, beside the money that then came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from kam.churn.chain_estimates import cut_returns
from kam.churn.estimation import count_cells, count_states, customer_cells, fill_empty, ratio, sum_by, sum_money
from kam.churn.periods import PERIODS_A_YEAR, period_in_words
from kam.churn.sequences import Sequences, read_sequences
from kam.churn.valuation import Price
from kam.churn.value_backtest_checks import (
    BORNE_OUT,
    STATE_OFF,
    assumed_in_value_backtest,
    check_value_backtest,
)
from kam.churn.worth import rate_per_period
from kam.errors import NoAbsorbingStateError, ParameterError
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import bootstrap_weights, interval_among, percentile_interval
from kam.wording import N_

if TYPE_CHECKING:
    from kam.ledger.states import StatePanel
    from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NOT_LOST, LOST, ALL = "not_lost", "lost", "all"
MIN_KNOWN = 4
"""Periods up to an origin: fewer show too few moves for a chain."""
MAX_ORIGINS = 6
"""By default at most so many origins, the latest."""
MIN_SPREAD = 3
"""From so many origins on, none overlapping, their own differences make the interval of the ratio."""
MIN_RESAMPLES = 50


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ValueBacktestResult(Result):
    """Result of :func:`backtest_value`.

    Everything in money is discounted to the origin. Where nothing could be tested the frames are empty, and what would be an
    estimate is None.

    Attributes
    ----------
    origins : pandas.DataFrame
        One row per origin and whose money: ``origin`` (the last period known), ``term`` (``not_lost``, ``lost`` or ``all``
        customers of then), ``n_customers, value_ahead`` (expected), ``ci_low, ci_high`` (prediction interval of the total),
        ``money_came, ratio`` (came over expected; missing where nothing above 0 was expected), ``money_before`` (what the same
        customers brought in as many periods up to the origin: the forecast without a model).
    states : pandas.DataFrame
        One row per state at the origin, over all origins: ``state, n_customers, value_ahead, money_came, ratio, ci_low, ci_high``
        (of the ratio, over customers).
    ratio, ratio_low, ratio_high : float or None
        What came over what was expected, of customers not lost, over all origins, with interval.
    ratio_before : float or None
        The same of the forecast without a model; None, too, where it forecast nothing above 0.
    error, error_before : float or None
        Sum over the origins of the absolute errors, over the sum of what came (customers not lost), of the chain and of the
        forecast without a model.
    coverage : float or None
        Share of the origins whose money (customers not lost) lay within the prediction interval.
    spread_over : str
        ``origins`` or ``customers``: which of them the interval of the ratio takes as drawn at random; empty: none.
    untested : str
        Why nothing could be tested; empty if something was.
    n_origins, n_left_out : int
        Origins tested, and origins left out because a state somebody was in had not yet been seen to be left.
    n_periods : int
        Periods of the panel.
    n_followed : int
        Customers of the panel.
    n_missing : int
        Periods after an origin in which one of its customers has no row; they count as without money.
    horizon, horizon_wanted : int
        Periods after each origin: tested (0: none), and asked for.
    overlapping : bool
        The times after the origins overlap.
    chain : str
        ``pooled`` or ``cyclic``.
    returns : str
        ``kept``: lost customers may come back; ``cut``: they are not expected to. What came holds their money either way.
    lost : str
        Name of the lost state; empty: none.
    freq : str
        ``month``, ``quarter``, ``year`` or ``period``.
    money : str
        The column of money.
    discount_rate : float
        A year.
    level : float
    n_resamples, seed : int
    """

    main: ClassVar[str] = "origins"

    origins: pd.DataFrame
    states: pd.DataFrame
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    ratio_before: float | None
    error: float | None
    error_before: float | None
    coverage: float | None
    spread_over: str
    untested: str
    n_origins: int
    n_left_out: int
    n_periods: int
    n_followed: int
    n_missing: int
    horizon: int
    horizon_wanted: int
    overlapping: bool
    chain: str
    returns: str
    lost: str
    freq: str
    money: str
    discount_rate: float
    level: float
    n_resamples: int
    seed: int

    def _sentence(self) -> str:
        say = self.context.wording
        if self.ratio is None:
            return say.sentence(
                "Nothing says whether customers bring what their value says: {reason} ({time} of {n} customers).",
                reason=say.text(self.untested),
                time=say.periods(self.n_periods, self.freq),
                n=say.count(self.n_followed),
            )
        return say.join([self._what_came(self.ratio), *self._what_follows(self.ratio), *self._what_is_off()])

    def _what_came(self, came_over: float) -> str:
        say = self.context.wording
        rows = self._rows(NOT_LOST)
        values = {
            "expected": shown(say, rows["value_ahead"].sum()),
            "came": shown(say, rows["money_came"].sum()),
            "off": self._off(came_over),
            "interval": self._interval(),
            "time": say.periods(self.horizon, self.freq),
        }
        if self.n_origins == 1:
            return say.sentence(
                "At the end of {when} the chain expected {expected} over the next {time} from the customers of that time; "
                "{came} came, {off} ({interval}).",
                when=period_in_words(say, rows["origin"].iloc[0], self.freq),
                **values,
            )
        return say.sentence(
            "At the end of {n} past periods the chain expected {expected} in all from the customers of the time, each time over "
            "the next {time}; {came} came, {off} ({interval}).",
            n=say.count(self.n_origins),
            **values,
        )

    def _what_follows(self, came_over: float) -> list[str]:
        """What a reader has to know who takes the values of today for granted."""
        say = self.context.wording
        about = say.share(abs(came_over - 1), 0)
        if abs(came_over - 1) <= BORNE_OUT:
            return []
        if not self._sure():
            return [
                say.sentence(
                    "These are too few data to tell it from chance; until there are more, values of this report may be {off} by "
                    "about {about}.",
                    off=say.sentence("too high" if came_over < 1 else "too low"),
                    about=about,
                )
            ]
        values = {"about": about, "time": say.periods(self.horizon, self.freq)}
        if came_over < 1 and self.season_blurs:
            message = N_(
                "Values of this report are to be taken as too high: about {about} of what they say did not come, in part perhaps "
                "because of the season, since {time} are no whole year."
            )
        elif came_over < 1:
            message = N_(
                "Values of this report are to be taken as too high: about {about} of what they say did not come."
            )
        elif self.season_blurs:
            message = N_(
                "Values of this report are to be taken as too low: about {about} more than they say came, in part perhaps "
                "because of the season, since {time} are no whole year."
            )
        else:
            message = N_("Values of this report are to be taken as too low: about {about} more than they say came.")
        return [say.sentence(message, **values)]

    def _what_is_off(self) -> list[str]:
        """The state whose value says most wrongly what its customers bring."""
        say = self.context.wording
        row = self.worst_state()
        if row is None:
            return []
        return [
            say.sentence(
                "Single states differ: customers in {state} brought {off} than the chain expected of them.",
                state=say.state(row["state"]),
                off=self._off(row["ratio"]),
            )
        ]

    def worst_state(self) -> pd.Series | None:
        """The state, not lost, that missed by most money of those whose miss is large and no chance; None: there is none."""
        rows = self.states[self.states["state"] != self.lost]
        rows = rows[((rows["ratio"] - 1).abs() > STATE_OFF) & ((rows["ci_low"] > 1) | (rows["ci_high"] < 1))]
        if rows.empty:
            return None
        return rows.iloc[int((rows["money_came"] - rows["value_ahead"]).abs().to_numpy().argmax())]

    @property
    def season_blurs(self) -> bool:
        """The time tested is no whole year, and the chain knows no seasons."""
        return self.chain == "pooled" and self.horizon % PERIODS_A_YEAR[self.freq] != 0

    def _sure(self) -> bool:
        """Chance alone does not explain that another sum came than was expected."""
        low, high = self._ends()
        return not low <= 1 <= high

    def _ends(self) -> tuple[float, float]:
        if self.ratio_low is None or self.ratio_high is None:
            raise ParameterError("There is no interval: nothing could be tested.", hint=self.untested)
        return self.ratio_low, self.ratio_high

    def _rows(self, term: str) -> pd.DataFrame:
        return self.origins[self.origins["term"] == term]

    def _off(self, came_over: float) -> str:
        """``5.1% less``."""
        say = self.context.wording
        much = say.share(abs(came_over - 1))
        return say.sentence("{much} less", much=much) if came_over < 1 else say.sentence("{much} more", much=much)

    def _interval(self) -> str:
        low, high = self._ends()
        return self.context.wording.interval(self._off(low), self._off(high), self.level)

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        counted = say.sentence("counted, not estimated")
        if self.ratio is None:
            return (
                KeyFigure(value=say.count(0), label=say.sentence("back-tests"), note=say.text(self.untested)),
                KeyFigure(value=say.count(self.n_periods), label=say.sentence("periods seen"), note=counted),
                KeyFigure(value=say.count(self.n_followed), label=say.sentence("customers followed"), note=counted),
            )
        rows, (low, high) = self._rows(NOT_LOST), self._ends()
        inside = _inside(rows)
        figures = [
            KeyFigure(
                value=say.share(self.ratio),
                label=say.sentence("of what was expected came"),
                note=say.interval(say.share(low), say.share(high), self.level),
            ),
            KeyFigure(
                value=shown(say, rows["value_ahead"].sum()),
                label=say.sentence(
                    "was expected over {time}, in {n} back-tests",
                    time=say.periods(self.horizon, self.freq),
                    n=say.count(self.n_origins),
                )
                if self.n_origins > 1
                else say.sentence("was expected over {time}", time=say.periods(self.horizon, self.freq)),
                note=say.interval(shown(say, rows["ci_low"].iloc[0]), shown(say, rows["ci_high"].iloc[0]), self.level)
                if self.n_origins == 1
                else say.sentence("the interval of each is in the table"),
            ),
            KeyFigure(value=shown(say, rows["money_came"].sum()), label=say.sentence("came"), note=counted),
            KeyFigure(
                value=say.sentence("{inside} of {n}", inside=say.count(inside.sum()), n=say.count(self.n_origins)),
                label=say.sentence("sums that came lay within the prediction interval"),
                note=say.sentence("{level} were meant to", level=say.share(self.level, 0)),
            ),
        ]
        if self.error is not None and self.error_before is not None:
            figures.append(
                KeyFigure(
                    value=say.share(self.error),
                    label=say.sentence("is what the chain missed by"),
                    note=say.sentence("as much again as before: {naive}", naive=say.share(self.error_before)),
                )
            )
        return tuple(figures)


def backtest_value(
    panel: pd.DataFrame | StatePanel,
    *,
    discount_rate: float,
    horizon: int,
    n_origins: int | None = None,
    absorbing: str | None = "lost",
    money: str | None = None,
    returns: Literal["kept", "cut"] = "kept",
    chain: Literal["pooled", "cyclic"] = "pooled",
    n_resamples: int = 200,
    level: float = 0.95,
    seed: int = 1,
    context: Context | None = None,
) -> ValueBacktestResult:
    """Set the value ahead of customers, as it would have been found in the past, beside the money that they then brought.

    At each origin the chain and the money of its states are estimated from the rows up to it alone; the value of the customers in
    it is V = Σ_{t=1..h} [P / (1 + d)]^t R, as in :func:`~kam.churn.customer_value`; what came is their money of the h periods
    after it, discounted alike, whatever became of them. Customers who are new after the origin count on neither side.

    *Prediction interval of a total* (``ci_low, ci_high``), from what was known at the origin: each draw estimates the chain again
    from resampled customers, and adds the deviations of other resampled customers' own totals from the mean of those who began
    in the same state, as seen in the last h periods up to the origin (in fewer, scaled up, if there are no more). Lasting
    differences between customers are counted in both, so that it is rather too wide than too narrow; it does not hold what all
    customers share, such as a bad year.

    *Interval of the ratio*: from three origins on whose times do not overlap, the t interval of a ratio of sums over origins, on
    the scale of logarithms, which holds what customers share in a period; else over customers, each resampled with all it did
    before and after all origins, which does not.

    Assumes (1) that customers are independent of one another; (2) that a customer without a row after an origin brought nothing
    (checked); (3) that states were known when their period ended (cuts between classes that come from the whole ledger were not:
    checked).

    Parameters
    ----------
    panel : pandas.DataFrame or StatePanel
        One row per customer and period: ``customer_id, period, state`` and money, as for :func:`~kam.churn.fit_markov_churn`.
    discount_rate : float
        A **year**, 0 or more; of numbered periods: per period.
    horizon : int
        Periods after each origin, at least 1. Shortened to half of the periods, and so that at least 4 of them (a cyclic chain:
        two years and one) are known at an origin.
    n_origins : int, optional
        How many; default: all whose times do not overlap and before which as many periods are known as come after it, at most 6.
        More than fit without overlap are spread evenly.
    absorbing : str or None
        The lost state; None: there is none, and all customers are ``not_lost``.
    money : str, optional
        Column of money. Default: ``margin``, else ``revenue``.
    returns : {"kept", "cut"}
        Whether lost customers are expected to come back.
    chain : {"pooled", "cyclic"}
        One matrix for all periods, or one per season.
    n_resamples, level, seed : int, float, int
        Resamples of customers, at least 50; level of the intervals; seed.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    ValueBacktestResult
        With too few periods, or nothing to compare: one that says so.

    Raises
    ------
    ParameterError
        An argument is out of range, so many origins are not possible, seasons are asked for where a period has none, or there is
        no money.
    NoAbsorbingStateError
        The lost state never occurs.
    EmptyDataError, MissingColumnError, ColumnTypeError, DataError
        The panel is empty, has one period, lacks a column, or has a customer twice in a period.

    References
    ----------
    Pfeifer, P. E. and Carraway, R. L. (2000). Modeling customer relationships as Markov chains. J. of Interactive Marketing 14.
    Tashman, L. J. (2000). Out-of-sample tests of forecasting accuracy. International Journal of Forecasting 16.
    Cochran, W. G. (1977). Sampling Techniques, chapter 6 (variance of a ratio of sums).

    Examples
    --------
    Two faithful customers who bring 10 in each of eight periods.

    >>> panel = pd.DataFrame({"customer_id": ["a"] * 8 + ["b"] * 8, "period": 2 * list(range(8)), "state": "buys", "revenue": 10})
    >>> result = backtest_value(panel, discount_rate=0, horizon=2, absorbing=None)
    >>> result.origins.loc[0, ["origin", "value_ahead", "money_came"]].tolist(), result.ratio
    ([3.0, 40.0, 40.0], 1.0)
    """
    context = context or Context()
    _check_arguments(horizon, n_origins, returns, chain, n_resamples, level)
    sequences, money = _read(panel, absorbing, money)
    discount = rate_per_period(discount_rate, sequences.freq)
    if chain == "cyclic" and sequences.n_seasons == 1:
        raise ParameterError(f"A {sequences.freq} has no seasons.", hint="Use chain='pooled'.")
    lost = sequences.index(absorbing) if absorbing is not None else None
    steps, places = _origins(
        sequences, int(horizon), n_origins, 2 * sequences.n_seasons + 1 if chain == "cyclic" else MIN_KNOWN
    )
    seasons = sequences.season if chain == "cyclic" else np.zeros(len(sequences.periods), dtype=np.int64)
    tested = _test_all(
        sequences,
        places,
        _Setting(seasons=seasons, discount=discount, horizon=steps, lost=lost, cut=returns == "cut"),
        n_resamples=n_resamples,
        seed=seed,
    )
    origins = _origins_frame(sequences, tested, lost, level)
    overlapping = bool(len(places) > 1 and (np.diff(places) < steps).any())
    summary = _summarize(tested, lost, origins, overlapping, level)
    untested = _why_not(sequences, places, tested, summary, chain)
    result = ValueBacktestResult(
        context=context,
        origins=origins if not untested else origins.iloc[:0],
        states=_states_frame(sequences, tested if not untested else [], level),
        ratio=summary.ratio,
        ratio_low=summary.low,
        ratio_high=summary.high,
        ratio_before=summary.ratio_before,
        error=summary.error,
        error_before=summary.error_before,
        coverage=summary.coverage,
        spread_over=summary.spread_over,
        untested=untested,
        n_origins=len(tested) if not untested else 0,
        n_left_out=len(places) - len(tested),
        n_periods=len(sequences.periods),
        n_followed=len(sequences.customers),
        n_missing=sum(one.n_missing for one in tested),
        horizon=steps if not untested else 0,
        horizon_wanted=int(horizon),
        overlapping=overlapping,
        chain=chain,
        returns=returns,
        lost=absorbing or "",
        freq=sequences.freq,
        money=money,
        discount_rate=float(discount_rate),
        level=level,
        n_resamples=n_resamples,
        seed=seed,
    )
    cuts = None if isinstance(panel, pd.DataFrame) else panel.cuts is not None
    return replace(result, checks=check_value_backtest(result, cuts), assumed=assumed_in_value_backtest(result))


# -- one origin ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class _Setting:
    """What is the same at all origins: seasons of the periods, discount per period, periods ahead, the lost state."""

    seasons: Ints
    discount: float
    horizon: int
    lost: int | None
    cut: bool


@dataclass(frozen=True, eq=False, kw_only=True)
class _Tested:
    """One origin; sums of money by state at the origin, shape (S,), and draws of them (B, S).

    ``predicted``: draws of what will come, from what was known; ``expected_draws, came_draws``: both sides with resampled
    customers.
    """

    at: int
    n: Ints
    expected: Floats
    came: Floats
    before: Floats
    predicted: Floats
    expected_draws: Floats
    came_draws: Floats
    n_missing: int


@dataclass(frozen=True, eq=False, kw_only=True)
class _Grid:
    """Customers by periods (N, T): state (−1: no row) and money (0); the first period of each customer (N,)."""

    state: npt.NDArray[np.int16]
    money: Floats
    first: Ints
    n_states: int


def _spread_out(sequences: Sequences) -> _Grid:
    shape = (len(sequences.customers), len(sequences.periods))
    state, money = np.full(shape, -1, dtype=np.int16), np.zeros(shape)
    state[sequences.customer, sequences.period] = sequences.state
    money[sequences.customer, sequences.period] = sequences.money
    first = sequences.period[np.flatnonzero(np.diff(sequences.customer, prepend=-1))]
    return _Grid(state=state, money=money, first=first, n_states=len(sequences.states))


def _test_all(sequences: Sequences, places: Ints, setting: _Setting, *, n_resamples: int, seed: int) -> list[_Tested]:
    if not len(places):
        return []
    drawn = bootstrap_weights(len(sequences.customers), n_resamples, seed)
    weights = [chunk.astype(np.uint16) for chunk in drawn]  # kept for all origins: a customer is drawn with all it did
    grid = _spread_out(sequences)
    tested = (_test_origin(sequences, grid, int(o), setting, weights) for o in places)
    return [one for one in tested if one is not None]


def _test_origin(
    sequences: Sequences, grid: _Grid, o: int, setting: _Setting, weights: Sequence[npt.NDArray[np.uint16]]
) -> _Tested | None:
    """None: somebody is in a state that nobody had been seen to leave."""
    n_customers, n_states, h = len(sequences.customers), len(sequences.states), setting.horizon
    known, seasons = sequences.until(o), setting.seasons[: o + 1]
    price = Price(discount=setting.discount, horizon=h, season=int(setting.seasons[o]))
    fitted = _estimate(known, seasons, setting.lost)
    if fitted is None:
        return None
    p, rewards = fitted
    present = np.flatnonzero(grid.state[:, o] >= 0)
    state = grid.state[present, o]
    n = np.bincount(state, minlength=n_states)
    came_each, before_each = (_discounted(grid, begin, h, setting.discount)[present] for begin in (o, o - h))
    money_cells = np.zeros((n_customers, 2 * n_states), dtype=np.float32)
    money_cells[present, state] = 1
    money_cells[present, n_states + state] = came_each
    deviations, m, factor = _deviations(grid, o, setting)
    seen = grid.first <= o
    chain_cells = customer_cells(known, seasons=seasons)
    chain_sums, sums, spread = [], [], []
    for chunk in weights:
        w = chunk.astype(np.float32)
        chain_sums.append((w if seen.all() else w[:, seen]) @ chain_cells)
        sums.append(w @ money_cells)
        spread.append(w @ deviations)
    n_draws, came_draws = np.split(np.concatenate(sums).astype(np.float64), 2, axis=1)
    ahead_draws = _ahead_draws(np.concatenate(chain_sums).astype(np.float64), p, rewards, price, setting)
    ahead = price.ahead(*_treat(p, rewards, setting))
    noise = np.concatenate(spread).astype(np.float64)
    by_state = noise[:, :n_states] * np.sqrt(ratio(n, m)) * (m > 1)
    of_all = noise[:, n_states:] * np.sqrt(n / max(m.sum(), 1)) * (m <= 1)
    other = np.roll(factor * (by_state + of_all), 1, axis=0)  # other customers than those of the draw of the chain
    return _Tested(
        at=o,
        n=n,
        expected=ahead * n,
        came=_sum_money(state, came_each, n_states),
        before=_sum_money(state, before_each, n_states),
        predicted=ahead_draws * n + other,
        expected_draws=ahead_draws * n_draws,
        came_draws=came_draws,
        n_missing=int((grid.state[present, o + 1 : o + 1 + h] < 0).sum()),
    )


def _estimate(known: Sequences, seasons: Ints, lost: int | None) -> tuple[Floats, Floats] | None:
    """Probabilities (C, S, S) and money per period (C, S); what a season does not show is as in all of them.

    None: somebody was in a state that nobody was seen to leave, or a season was not seen in two years.
    """
    tables, mix, money = count_cells(known), count_states(known), sum_money(known)
    n_seasons, n_states = int(seasons.max()) + 1, len(known.states)
    years = np.bincount(seasons[tables.sum(axis=(1, 2)) > 0], minlength=n_seasons)
    if n_seasons > 1 and (years < 2).any():
        return None
    total = tables.sum(axis=0)
    never_left = total.sum(axis=1) == 0
    ends = never_left & (np.arange(n_states) != (-1 if lost is None else lost))
    if (ends & (mix.sum(axis=0) > 0)).any():
        return None
    pooled = np.where(never_left[:, None], np.eye(n_states), ratio(total, total.sum(axis=1, keepdims=True)))
    p = fill_empty(sum_by(tables, seasons, n_seasons).astype(np.float64), pooled[None])
    n = sum_by(mix, seasons, n_seasons)
    mean = ratio(money.sum(axis=0), mix.sum(axis=0))
    return p, np.where(n > 0, ratio(sum_by(money, seasons, n_seasons), n), mean)


def _treat(p: Floats, rewards: Floats, setting: _Setting) -> tuple[Floats, Floats]:
    """The chain with lost customers who come back, or, cut, without them and their money."""
    if not setting.cut or setting.lost is None:
        return p, rewards
    return cut_returns(p, setting.lost), rewards * (np.arange(p.shape[-1]) != setting.lost)


def _ahead_draws(sums: Floats, p: Floats, rewards: Floats, price: Price, setting: _Setting) -> Floats:
    """Value ahead of one customer of each state under resampled customers, (B, S); ``sums`` of their cells."""
    n_seasons, n_states = rewards.shape
    counts, n, money = np.split(sums, [n_seasons * n_states**2, n_seasons * (n_states**2 + n_states)], axis=1)
    shape = (len(sums), n_seasons, n_states)
    drawn = fill_empty(counts.reshape(*shape, n_states), p)
    mean = np.where(n.reshape(shape) > 0, ratio(money, n).reshape(shape), rewards)
    return price.ahead(*_treat(drawn, mean, setting))


def _deviations(grid: _Grid, o: int, setting: _Setting) -> tuple[npt.NDArray[np.float32], Ints, float]:
    """How customers' own totals up to an origin differed from the mean of those who began in the same state.

    Returns the deviations (N, S + 1) by the state in which the customer began, and in the last column from the mean of all; the
    customers who began in each state (S,); and by how much a total over the horizon is larger.
    """
    begin, n_states = max(o - setting.horizon, 0), grid.n_states
    there = np.flatnonzero(grid.state[:, begin] >= 0)
    state, total = grid.state[there, begin], _discounted(grid, begin, o - begin, setting.discount)[there]
    m = np.bincount(state, minlength=n_states)
    deviations = np.zeros((len(grid.state), n_states + 1), dtype=np.float32)
    deviations[there, state] = total - ratio(_sum_money(state, total, n_states), m)[state]
    deviations[there, n_states] = total - total.mean() if there.size else 0.0
    return deviations, m, setting.horizon / (o - begin)


def _discounted(grid: _Grid, begin: int, n: int, discount: float) -> Floats:
    """Money of each customer in the n periods after one, discounted to it, shape (N,)."""
    return np.asarray(grid.money[:, begin + 1 : begin + 1 + n] @ (1 + discount) ** -np.arange(1.0, n + 1))


def _sum_money(place: Ints, money: Floats, n: int) -> Floats:
    """Money by place, shape (n,)."""
    return np.bincount(place, money, n).astype(np.float64)


# -- over all origins ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class _Summary:
    """Scalars of the result; all None and empty where nothing above 0 was expected."""

    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    ratio_before: float | None = None
    error: float | None = None
    error_before: float | None = None
    coverage: float | None = None
    spread_over: str = ""


def _summarize(
    tested: Sequence[_Tested], lost: int | None, origins: pd.DataFrame, overlapping: bool, level: float
) -> _Summary:
    rows = origins[origins["term"] == NOT_LOST]
    expected, came, before = (rows[name].to_numpy() for name in ("value_ahead", "money_came", "money_before"))
    if not expected.sum() > 0:
        return _Summary()
    over = float(came.sum() / expected.sum())
    if len(tested) >= MIN_SPREAD and not overlapping and over > 0:
        low, high = _interval_of_ratio(came, expected, level)
        spread_over = "origins"
    else:
        alive = _who(lost, len(tested[0].n))[NOT_LOST]
        came_draws, expected_draws = (
            sum(getattr(one, name)[:, alive].sum(axis=1) for one in tested) for name in ("came_draws", "expected_draws")
        )
        there = expected_draws > 0
        if not there.any():
            return _Summary()
        low, high = percentile_interval(came_draws[there] / expected_draws[there], level)
        spread_over = "customers"
    error, error_before = (
        float(np.abs(forecast - came).sum() / came.sum()) if came.sum() > 0 else None for forecast in (expected, before)
    )
    return _Summary(
        ratio=over,
        low=low,
        high=high,
        ratio_before=float(came.sum() / before.sum()) if before.sum() > 0 else None,
        error=error,
        error_before=error_before,
        coverage=float(_inside(rows).mean()),
        spread_over=spread_over,
    )


def _interval_of_ratio(came: Floats, expected: Floats, level: float) -> tuple[float, float]:
    """t interval of Σ came / Σ expected over origins, on the scale of logarithms (Cochran 1977, section 6.4)."""
    n, over = len(came), came.sum() / expected.sum()
    std_error = np.sqrt(n / (n - 1) * ((came - over * expected) ** 2).sum()) / expected.sum()
    reach = np.exp(stats.t.ppf((1 + level) / 2, n - 1) * std_error / over)
    return float(over / reach), float(over * reach)


def _inside(rows: pd.DataFrame) -> pd.Series:
    """Whether what came lay within the prediction interval; draws are of single precision."""
    slack = 1e-5 * rows["value_ahead"].abs()
    return rows["money_came"].between(rows["ci_low"] - slack, rows["ci_high"] + slack)


def _who(lost: int | None, n_states: int) -> dict[str, npt.NDArray[np.bool_]]:
    """Which states at the origin make a term of the frame ``origins``."""
    gone = np.arange(n_states) == (-1 if lost is None else lost)
    groups = {NOT_LOST: ~gone, LOST: gone, ALL: np.ones(n_states, dtype=bool)}
    return groups if lost is not None else {NOT_LOST: ~gone, ALL: groups[ALL]}


def _origins_frame(sequences: Sequences, tested: Sequence[_Tested], lost: int | None, level: float) -> pd.DataFrame:
    rows = []
    for one in tested:
        for term, who in _who(lost, len(one.n)).items():
            low, high = interval_among(one.predicted[:, who].sum(axis=1), level)
            expected, came = float(one.expected[who].sum()), float(one.came[who].sum())
            rows.append(
                {
                    "origin": sequences.periods[one.at],
                    "term": term,
                    "n_customers": int(one.n[who].sum()),
                    "value_ahead": expected,
                    "ci_low": float(low),
                    "ci_high": float(high),
                    "money_came": came,
                    "ratio": came / expected if expected > 0 else np.nan,
                    "money_before": float(one.before[who].sum()),
                }
            )
    kinds = {"origin": sequences.periods.dtype, "term": object, "n_customers": np.int64}
    names = ("value_ahead", "ci_low", "ci_high", "money_came", "ratio", "money_before")
    columns = kinds | dict.fromkeys(names, np.float64)
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def _states_frame(sequences: Sequences, tested: Sequence[_Tested], level: float) -> pd.DataFrame:
    names = ("state", "n_customers", "value_ahead", "money_came", "ratio", "ci_low", "ci_high")
    if not tested:
        kinds = dict.fromkeys(names, np.dtype(np.float64)) | {
            "state": np.dtype(object),
            "n_customers": np.dtype(np.int64),
        }
        return pd.DataFrame({name: np.zeros(0, dtype=kind) for name, kind in kinds.items()})
    n, expected, came, expected_draws, came_draws = (
        np.sum([getattr(one, name) for one in tested], axis=0)
        for name in ("n", "expected", "came", "expected_draws", "came_draws")
    )
    known = expected > 0
    low, high = interval_among(ratio(came_draws, expected_draws), level)
    columns = (
        np.array(sequences.states, dtype=object),
        n,
        expected,
        came,
        *(np.where(known, x, np.nan) for x in (ratio(came, expected), low, high)),
    )
    return pd.DataFrame(dict(zip(names, columns, strict=True)))


def _why_not(sequences: Sequences, places: Ints, tested: Sequence[_Tested], summary: _Summary, chain: str) -> str:
    if summary.ratio is not None:
        return ""
    if not len(places):
        return N_("too few periods were seen to hold some out")
    if not tested:
        if chain == "cyclic":
            return N_("at the past origins not every season had been seen in two years, or some state not to be left")
        return N_("at the past origins some state had not yet been seen to be left")
    return N_("no money was expected of the customers who were not lost at the past origins")


# -- reading ---------------------------------------------------------------------------------------------------------


def _check_arguments(
    horizon: int, n_origins: int | None, returns: str, chain: str, n_resamples: int, level: float
) -> None:
    for name, number in (("horizon", horizon), ("n_origins", n_origins)):
        if number is None and name == "n_origins":
            continue
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
            raise ParameterError(f"{name} is {number}.", hint="Give a whole number, at least 1.")
    for name, value, known in (("returns", returns, ("kept", "cut")), ("chain", chain, ("pooled", "cyclic"))):
        if value not in known:
            raise ParameterError(f"{name} is {value!r}.", hint=f"Use one of {', '.join(known)}.")
    if n_resamples < MIN_RESAMPLES:
        raise ParameterError(f"n_resamples is {n_resamples}.", hint=f"Give at least {MIN_RESAMPLES}.")
    if not 0 < level < 1:
        raise ParameterError(f"level is {level}.", hint="Give a level between 0 and 1, such as 0.95.")


def _read(panel: pd.DataFrame | StatePanel, absorbing: str | None, money: str | None) -> tuple[Sequences, str]:
    rows = panel if isinstance(panel, pd.DataFrame) else panel.rows
    money = money or next((name for name in ("margin", "revenue") if name in rows.columns), None)
    if money is None:
        raise ParameterError(
            "The panel has no money.", where=f"columns {list(rows.columns)}", hint="Name a column of money."
        )
    sequences = read_sequences(rows, states=None if isinstance(panel, pd.DataFrame) else panel.states, money=money)
    if absorbing is not None and absorbing not in sequences.states:
        raise NoAbsorbingStateError(
            f"No customer is ever in the state {absorbing!r}: nobody is lost.",
            where=f"states {', '.join(sequences.states)}",
            hint="Name the lost state by absorbing=, or use absorbing=None.",
        )
    return sequences, money


def _origins(sequences: Sequences, horizon: int, n_origins: int | None, n_known: int) -> tuple[int, Ints]:
    """Periods ahead that can be tested, and the origins: indices of the last period known."""
    n_periods = len(sequences.periods)
    steps = min(horizon, n_periods // 2, n_periods - n_known)
    if steps < 1:
        return 0, np.zeros(0, dtype=np.int64)
    first, last = max(steps, n_known) - 1, n_periods - 1 - steps
    fit = (last - first) // steps + 1
    n = min(fit, MAX_ORIGINS) if n_origins is None else int(n_origins)
    if n > last - first + 1:
        raise ParameterError(
            f"A back-test from {n} origins was asked for.",
            where=f"{n_periods} periods, {steps} of them ahead of each origin",
            hint=f"At most {last - first + 1} are possible.",
        )
    gap = steps if n <= fit else (last - first) // (n - 1)
    return steps, last - gap * np.arange(n - 1, -1, -1)


def shown(say: Wording, x: float) -> str:
    """A sum of money as it stands in sentences: in full, from 100,000 on shortened."""
    return say.money_short(x) if abs(x) >= 1e5 else say.money(x)
