"""Figure of customer value: what one customer in each state is worth, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kam.plots import style
from kam.plots.fonts import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.customer_value import CustomerValueResult


def plot_state_value(result: CustomerValueResult, *, ax: Axes | None = None) -> Axes:
    """Value ahead of one customer by state: the mean with its interval, and the range in which single customers lie.

    Parameters
    ----------
    result : CustomerValueResult
        From :func:`kam.churn.customer_value`; ``states`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One row per state, in their order: a dot at ``value_ahead`` with its interval as a line, on a band from ``pi_low`` to
        ``pi_high``. The lost state is grey.
    """
    say = result.context.wording
    states = result.states
    mean, low, high, band_low, band_high = (
        states[name].to_numpy(dtype=float) for name in ("value_ahead", "ahead_low", "ahead_high", "pi_low", "pi_high")
    )
    names = [one_line(say.state(name), width=32) for name in states["state"]]
    labels = [
        name + "\n" + say.plural("{n} customer", "{n} customers", int(n))
        for name, n in zip(names, states["n_customers"], strict=True)
    ]
    is_lost = (states["state"] == result.lost).to_numpy()
    largest = float(np.abs(np.concatenate([band_low, band_high, low, high])).max())
    form = style.short_money(say, largest)
    notes = [f"{form(x)} ({form(a)}–{form(b)})" for x, a, b in zip(mean, low, high, strict=True)]
    best, worst = (int(np.flatnonzero(states["state"] == row["state"])[0]) for row in result.ends())
    title = say.sentence(
        "One customer in {state} is worth {value} {span}",
        state=names[best],
        value=result.shown(mean[best]),
        span=result.span(),
    )
    if best != worst:
        title += say.sentence(", one in {state} {value}", state=names[worst], value=result.shown(mean[worst]))
    with style.applied():
        ax = style.take_axes(ax, height=1.9 + 0.62 * len(names))
        places = np.arange(len(names))
        ax.barh(places, band_high - band_low, left=band_low, color=style.WASH, height=0.78)
        for place, color in zip(places, np.where(is_lost, style.SOFT, style.ACCENT), strict=True):
            ax.plot([low[place], high[place]], [place, place], color=color, lw=5, alpha=0.55, solid_capstyle="butt")
            ax.plot(mean[place], place, "o", color=color, ms=7)
            ax.annotate(
                notes[place], (high[place], place), (9, 0), textcoords="offset points", va="center", size=style.SMALL
            )
        left, right = min(0.0, float(min(band_low.min(), low.min()))), float(max(band_high.max(), high.max()))
        taken = np.array([0.03 + 0.0165 * len(note) for note in notes])  # of the width, by the note
        right = max(right, float(((high - taken * left) / (1 - taken)).max()))
        reach = (right - left) or 1.0
        ax.set_xlim(left - 0.02 * reach, right + 0.02 * reach)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.set_yticks(places, labels, color=style.INK, size=style.SIZE)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.axvline(0, color=style.SOFT, lw=1)
        style.set_ticks(ax.xaxis, *ax.get_xlim(), form)
        level = say.share(result.level, 0)
        ax.set_xlabel(
            say.label("value_ahead")
            + "\n"
            + say.sentence("dot and line: mean of such customers, {level} interval", level=level)
            + "\n"
            + say.sentence("band: {level} of single customers lie within", level=level)
        )
        rows = [
            say.sentence(
                "{state}: {note}, single customers {low} to {high}", state=name, note=note, low=form(a), high=form(b)
            )
            for name, note, a, b in zip(names, notes, band_low, band_high, strict=True)
        ]
        description = say.sentence(
            "Value ahead of one customer, with interval, by state: {list}.", list=say.join(rows, ";")
        )
        return style.finish(ax, title=title, description=description, context=result.context)
