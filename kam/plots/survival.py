"""Figure of survival: which share of the customers in each state is not yet lost, so many periods from now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kam.errors import NoAbsorbingStateError
from kam.plots import style
from kam.plots.fonts import one_line
from kam.plots.labels import NAME_WIDTH, label_ends, label_state, leave_room, round_steps, share_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.markov import MarkovChurnResult


def plot_survival(result: MarkovChurnResult, *, ax: Axes | None = None) -> Axes:
    """Which share of the customers in each state is not yet lost, so many periods from now.

    In color: the state of which half are lost first (or, where none comes to half, fewest are left), and that of which most
    are left. A dot is where half are lost.

    Parameters
    ----------
    result : MarkovChurnResult
        From :func:`kam.churn.markov.fit_markov_churn`; ``survival`` is drawn with its intervals, ``half_life`` of ``states``
        is marked.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One line and band per state that is not lost, labelled with the share at the end; x in periods, y from 0 to 1, labelled
        in percent.

    Raises
    ------
    NoAbsorbingStateError
        The chain has no lost state.
    """
    if not result.lost:
        raise NoAbsorbingStateError(
            "There is no survival to draw: the chain has no lost state.",
            where=f"states {', '.join(result.names)}",
            hint="Name the lost state: fit_markov_churn(panel, absorbing=…).",
        )
    say = result.context.wording
    curves = _curves(result)
    worst, best = _worst_and_best(curves)
    horizon = int(result.survival["n_ahead"].max())
    colors = dict.fromkeys(curves, style.SOFT) | {best: style.ACCENT, worst: style.WARN}
    half_lives = result.states.set_index("state")["half_life"]
    ends = {name: float(curve["probability"].iloc[-1]) for name, curve in curves.items()}
    with style.applied():
        ax = style.take_axes(ax, height=4.8)
        ax.set_ylim(0, 1.02)
        labels = [label_state(say.state(name), share_text(end, say, 0)) for name, end in ends.items()]
        leave_room(ax, labels, 0, horizon)
        ax.plot([0, horizon], [0.5, 0.5], color=style.GREY, lw=1.2, ls=(0, (4, 3)))
        for name, curve in curves.items():
            x, y = curve["n_ahead"].to_numpy(dtype=float), curve["probability"].to_numpy(dtype=float)
            low, high = curve["ci_low"].to_numpy(dtype=float), curve["ci_high"].to_numpy(dtype=float)
            strong = name in (worst, best)
            color, layer = colors[name], 3 if strong else 2
            ax.fill_between(x, low, high, color=color, alpha=0.16 if strong else 0.1, linewidth=0)
            ax.plot(x, y, color=color, lw=2.6 if strong else 1.4, solid_capstyle="round", zorder=layer)
            if half_lives[name] <= horizon:
                ax.plot([half_lives[name]], [0.5], "o", color=color, ms=7 if strong else 5, zorder=layer)
        label_ends(
            ax, horizon, np.array(list(ends.values())), labels, [colors[name] for name in curves], low=-0.06, high=1.04
        )
        style.set_ticks(ax.yaxis, 0, 1, style.percent(say))
        steps = round_steps(result.freq)
        ticks = list(range(0, horizon + 1, next((step for step in steps if horizon / step <= 8), steps[-1])))
        ax.set_xticks(ticks, [say.count(tick) for tick in ticks])
        ax.spines["bottom"].set_bounds(0, horizon)
        ahead = {
            "month": say.sentence("months from now"),
            "quarter": say.sentence("quarters from now"),
            "year": say.sentence("years from now"),
            "period": say.sentence("periods from now"),
        }
        legend = say.sentence("dot: half are lost; shaded: {level} interval", level=say.share(result.level, 0))
        ax.set_xlabel(f"{ahead[result.freq]}\n{legend}", x=0.5 * horizon / ax.get_xlim()[1])
        ax.set_ylabel(say.sentence("customers not yet lost (%)"))
        return style.finish(
            ax,
            title=_title(result, curves, worst, best),
            description=_description(result, curves),
            context=result.context,
        )


# -- inside ----------------------------------------------------------------------------------------------------------


def _curves(result: MarkovChurnResult) -> dict[str, pd.DataFrame]:
    """Survival by state, the one that has least at the end first."""
    curves = {
        str(name): curve.sort_values("n_ahead")
        for name, curve in result.survival.groupby("state", sort=False, observed=True)
        if name != result.lost
    }
    return {name: curves[name] for name in sorted(curves, key=lambda name: curves[name]["probability"].iloc[-1])}


def _worst_and_best(curves: Mapping[str, pd.DataFrame]) -> tuple[str, str]:
    left = {name: float(curve["probability"].iloc[-1]) for name, curve in curves.items()}
    worst = min(curves, key=lambda name: (_half_lost_within(curves[name]), left[name]))
    best = max(curves, key=lambda name: (left[name], _half_lost_within(curves[name])))
    return worst, best


def _half_lost_within(curve: pd.DataFrame) -> float:
    """Whole periods until half or more are lost; infinite if not within the curve."""
    return (
        float(curve.loc[curve["probability"] <= 0.5, "n_ahead"].min()) if curve["probability"].min() <= 0.5 else np.inf
    )


def _title(result: MarkovChurnResult, curves: Mapping[str, pd.DataFrame], worst: str, best: str) -> str:
    say = result.context.wording
    horizon = int(curves[best]["n_ahead"].iloc[-1])
    left = {name: share_text(float(curve["probability"].iloc[-1]), say, 0) for name, curve in curves.items()}
    within = _half_lost_within(curves[worst])
    if np.isfinite(within):
        first = say.sentence(
            "Half of the customers in {state} are lost within {time}",
            state=one_line(say.state(worst), width=NAME_WIDTH),
            time=say.periods(within, result.freq),
        )
        if worst == best:
            return say.sentence(
                "{first}; {share} are still there after {n}", first=first, share=left[best], n=say.count(horizon)
            )
        return say.sentence(
            "{first}; of those in {state}, {share} are still there after {n}",
            first=first,
            state=one_line(say.state(best), width=NAME_WIDTH),
            share=left[best],
            n=say.count(horizon),
        )
    first = say.sentence(
        "{share} of the customers in {state} are still there after {time}",
        share=left[worst],
        state=one_line(say.state(worst), width=NAME_WIDTH),
        time=say.periods(horizon, result.freq),
    )
    if worst == best:
        return first
    return say.sentence(
        "{first}; of those in {state}, {share}",
        first=first,
        state=one_line(say.state(best), width=NAME_WIDTH),
        share=left[best],
    )


def _description(result: MarkovChurnResult, curves: Mapping[str, pd.DataFrame]) -> str:
    say = result.context.wording
    half_lives = result.states.set_index("state")["half_life"]
    parts = []
    for name, curve in curves.items():
        end = curve.iloc[-1]
        text = say.sentence(
            "{state}: {share} after {time} ({interval})",
            state=say.state(name),
            share=share_text(end["probability"], say),
            time=say.periods(end["n_ahead"], result.freq),
            interval=say.interval(share_text(end["ci_low"], say), share_text(end["ci_high"], say), result.level),
        )
        if half_lives[name] <= end["n_ahead"]:
            text = say.join([text, say.sentence("half are lost after {n}", n=say.number(half_lives[name], 1))], ",")
        parts.append(text)
    return say.sentence(
        "Lines with bands, one per state, of the share not yet lost. {parts}.", parts=say.join(parts, ";")
    )
