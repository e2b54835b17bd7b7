"""Figure of the forecast of states: what was, what is expected and how far it may be off, and how earlier forecasts did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.font_manager import FontProperties

from kam.churn.forecast import prediction_interval
from kam.churn.periods import period_in_words
from kam.churn.projection import ALL
from kam.plots import style
from kam.plots.fonts import one_line
from kam.plots.labels import label_ends, label_periods, label_state, leave_room, x_per_point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.forecast import MixForecastResult

Floats = npt.NDArray[np.float64]

_MOST_PERIODS = 60  # of history; older ones are not drawn


@dataclass(frozen=True, kw_only=True)
class _Fan:
    """One state: what was, and what is expected, the last of what was included."""

    was: Floats
    expected: Floats
    low: Floats
    high: Floats
    tested: pd.DataFrame

    @property
    def change(self) -> float:
        return float(self.expected[-1] - self.expected[0])


def plot_mix_forecast(result: MixForecastResult, *, ax: Axes | None = None) -> Axes:
    """Number of customers in each state, so far and in the periods to come, new customers included.

    In color: the state that is expected to gain most customers, and the one that is expected to lose most.

    Parameters
    ----------
    result : MixForecastResult
        From :func:`kam.churn.forecast_mix`; the scope ``all`` of ``forecast`` is drawn beside ``history``, and of
        ``backtest_points`` what was forecast one period ahead.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One line per state that is not lost, its prediction interval shaded and its last number at the end; in the periods of the
        back-test a bar for the interval that was forecast one period ahead and a dot for what happened, hollow if it lay outside.
        The last 60 periods are drawn.
    """
    say = result.context.wording
    fans, periods = _read(result)
    n_was = len(next(iter(fans.values())).was)
    now, last = n_was - 1, n_was - 1 + result.horizon
    order = sorted(fans, key=lambda name: fans[name].expected[-1])
    colors = _colors(fans)
    with style.applied():
        ax = style.take_axes(ax, height=5.0)
        peak = max(max(fan.was.max(), fan.high.max(), fan.tested["n_high"].max()) for fan in fans.values())
        ax.set_ylim(0, 1.04 * max(float(peak), 1.0))
        labels = [label_state(say.state(name), say.count(fans[name].expected[-1])) for name in order]
        leave_room(ax, labels, 0, last)
        ax.axvline(now, color=style.GREY, lw=1.2, ls=(0, (4, 3)))
        ax.annotate(
            say.sentence("now"), (now, 1), (-4, -2), xycoords=("data", "axes fraction"), textcoords="offset points",
            ha="right", va="top", color=style.SOFT, size=style.SMALL,
        )  # fmt: skip
        for name in order:
            _draw(ax, fans[name], colors[name], now)
        label_ends(
            ax, last, np.array([fans[name].expected[-1] for name in order]), labels, [colors[name] for name in order],
            low=0.0, high=ax.get_ylim()[1],
        )  # fmt: skip
        style.set_ticks(ax.yaxis, 0, ax.get_ylim()[1], say.count)
        label_periods(ax, periods, result.freq, say)
        ax.spines["bottom"].set_bounds(0, last)
        font, room = FontProperties(size=style.SMALL), last / x_per_point(ax)
        lines = [part for line in _legend(result) for part in style.break_lines(line, font, room)]
        ax.set_xlabel("\n".join(lines), x=0.5 * last / ax.get_xlim()[1], size=style.SMALL)
        ax.set_ylabel(say.sentence("customers"))
        return style.finish(
            ax, title=_title(result, fans), description=_description(result, fans), context=result.context
        )


# -- inside ----------------------------------------------------------------------------------------------------------


def _read(result: MixForecastResult) -> tuple[dict[str, _Fan], pd.Index]:
    history = result.history.pivot(index="period", columns="state", values="n_customers").iloc[-_MOST_PERIODS:]
    ahead = result.forecast[result.forecast["scope"] == ALL]
    points = result.backtest_points
    points = points[(points["scope"] == ALL) & (points["n_ahead"] == 1)]
    points = points.assign(place=history.index.get_indexer(pd.Index(points["period"])))
    fans = {}
    for name in dict.fromkeys(ahead["state"]):
        if name == result.lost:
            continue
        was, mine = history[name].to_numpy(dtype=float), ahead[ahead["state"] == name]
        expected, low, high = (np.append(was[-1], mine[column]) for column in ("n_expected", "n_low", "n_high"))
        tested = points[(points["state"] == name) & (points["place"] >= 0)]
        fans[str(name)] = _Fan(was=was, expected=expected, low=low, high=high, tested=tested)
    future = pd.Index(ahead["period"].drop_duplicates())
    return fans, history.index.append(future)


def _colors(fans: dict[str, _Fan]) -> dict[str, str]:
    colors = dict.fromkeys(fans, style.SOFT)
    gains, loses = (pick(fans, key=lambda name: fans[name].change) for pick in (max, min))
    if fans[gains].change > 0 or len(fans) == 1:
        colors[gains] = style.ACCENT
    if fans[loses].change < 0 and loses != gains:
        colors[loses] = style.WARN
    return colors


def _draw(ax: Axes, fan: _Fan, color: str, now: int) -> None:
    strong = color != style.SOFT
    layer = 3 if strong else 2
    ahead = now + np.arange(len(fan.expected))
    ax.fill_between(ahead, fan.low, fan.high, color=color, alpha=0.16 if strong else 0.1, linewidth=0)
    ax.plot(np.arange(len(fan.was)), fan.was, color=color, lw=1.6 if strong else 1.1, zorder=layer)
    ax.plot(ahead, fan.expected, color=color, lw=2.6 if strong else 1.6, solid_capstyle="round", zorder=layer)
    place, tested = fan.tested["place"], fan.tested
    ax.vlines(
        place,
        tested["n_low"],
        tested["n_high"],
        color=color,
        alpha=0.3 if strong else 0.22,
        lw=4 if strong else 3,
        zorder=layer - 0.5,
    )
    inside = tested["n_actual"].between(tested["n_low"], tested["n_high"])
    ax.plot(place[inside], tested["n_actual"][inside], "o", color=color, ms=4, zorder=layer)
    ax.plot(place[~inside], tested["n_actual"][~inside], "o", mfc="white", mec=color, mew=1.4, ms=6, zorder=layer + 0.1)


def _legend(result: MixForecastResult) -> list[str]:
    say = result.context.wording
    shaded = say.sentence("shaded: {level} prediction interval", level=say.share(result.level, 0))
    if result.untested:
        return [shaded, say.sentence("not back-tested: {reason}", reason=say.text(result.untested))]
    return [
        shaded,
        say.sentence(
            "bar: forecast {time} before; dot: what happened, hollow outside the bar", time=say.periods(1, result.freq)
        ),
    ]


def _title(result: MixForecastResult, fans: dict[str, _Fan]) -> str:
    say = result.context.wording
    when = period_in_words(say, result.totals["period"].iloc[result.horizon - 1], result.freq)
    total = result.totals[(result.totals["scope"] == ALL) & (result.totals["n_ahead"] == result.horizon)].iloc[0]
    parts = [
        say.sentence(
            "{n} customers are expected in {when}, not counting the lost, {n_now} are there now"
            if result.lost
            else "{n} customers are expected in {when}, {n_now} are there now",
            n=say.count(total["n_expected"]),
            when=when,
            n_now=say.count(result.n_active),
        )
    ]
    name = max(fans, key=lambda name: abs(fans[name].change))
    if len(fans) > 1 and round(fans[name].change):
        parts.append(
            say.sentence(
                "{state} goes from {before} to {after}",
                state=one_line(say.state(name)),
                before=say.count(fans[name].expected[0]),
                after=say.count(fans[name].expected[-1]),
            )
        )
    return say.join(parts, ";")


def _description(result: MixForecastResult, fans: dict[str, _Fan]) -> str:
    say = result.context.wording
    states = [
        say.sentence(
            "{state} {before} now, {after} expected ({interval})",
            state=say.state(name),
            before=say.count(fan.expected[0]),
            after=say.count(fan.expected[-1]),
            interval=prediction_interval(say, fan.low[-1], fan.high[-1], result.level),
        )
        for name, fan in fans.items()
    ]
    text = say.sentence(
        "Lines with bands, one per state, of the number of customers, {time} ahead: {states}.",
        time=say.periods(result.horizon, result.freq),
        states=say.join(states, ";"),
    )
    if result.untested:
        return say.join([text, say.sentence("There is no back-test: {reason}.", reason=say.text(result.untested))])
    tested = pd.concat([fan.tested for fan in fans.values()])
    inside = int(tested["n_actual"].between(tested["n_low"], tested["n_high"]).sum())
    return say.join(
        [
            text,
            say.sentence(
                "Of {n} numbers forecast {before} before, {inside} lay within the interval.",
                n=say.count(len(tested)),
                before=say.periods(1, result.freq),
                inside=say.count(inside),
            ),
        ]
    )
