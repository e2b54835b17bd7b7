"""Figures of plan and mix: target against actual by account, and the bridge from last year's revenue to this year's."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kam.identify.price_volume_mix import name_part, signed
from kam.plots import style
from kam.plots.fonts import one_line, width_in_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.identify.plan import PlanResult
    from kam.identify.price_volume_mix import PriceVolumeMixResult

MOST = 6
"""At most this many accounts behind and as many ahead are drawn."""
_NAME_WIDTH = 30  # characters of a line of a part's name
_LABEL_GAP = 5.0  # points from the end of a bar to its note


def plot_plan(result: PlanResult, *, ax: Axes | None = None) -> Axes:
    """The accounts furthest behind and furthest ahead of plan: a bar for what was sold, a stroke for the target.

    Parameters
    ----------
    result : PlanResult
        From :func:`kam.identify.compare_plan`; ``accounts`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Up to six accounts behind in orange, the furthest behind on top, then up to six ahead in blue, the furthest ahead at the
        bottom; what is missing or more stands beside. Neither: those on their target to the cent, in grey.
    """
    say = result.context.wording
    ordered = result.accounts
    behind = ordered[ordered["target_gap"] < 0].head(MOST)
    ahead = ordered[ordered["target_gap"] > 0].tail(MOST)
    shown = pd.concat([behind, ahead], ignore_index=True) if len(behind) + len(ahead) else ordered.head(MOST)
    sold, aimed, gap = (shown[name].to_numpy(dtype=float) for name in ("revenue", "revenue_target", "target_gap"))
    labels = [one_line(str(n), fallback=str(i)) for n, i in zip(shown["name"], shown["customer_id"], strict=True)]
    form = style.short_money(say, float(np.abs(np.append(sold, aimed)).max()))
    notes = [("+" if x > 0 else "") + form(x) for x in gap]
    colors = [style.WARN if x < 0 else style.ACCENT if x > 0 else style.GREY for x in gap]
    places = np.arange(len(shown), dtype=float) + 0.6 * (np.arange(len(shown)) >= len(behind)) * bool(len(behind))
    n_behind = result.n_accounts - result.n_reached
    title = say.plural(
        "One of {n_all} accounts is behind its target", "{n} of {n_all} accounts are behind their target",
        n_behind, n_all=say.count(result.n_accounts),
    )  # fmt: skip
    if result.target > 0:
        title += ": " + say.sentence("{share} of the whole reached", share=say.share(result.actual / result.target, 0))
    with style.applied():
        ax = style.take_axes(ax, height=1.9 + 0.36 * len(shown))
        ax.barh(places, sold, color=colors, height=0.6)
        ax.vlines(aimed, places - 0.42, places + 0.42, color=style.INK, lw=2.4, zorder=3)
        low, high = min(0.0, float(np.append(sold, aimed).min())), max(0.0, float(np.append(sold, aimed).max()))
        for place, right, note, color in zip(places, np.maximum(sold, aimed), notes, colors, strict=True):
            ax.annotate(
                note, (max(right, 0.0), place), (_LABEL_GAP, 0), textcoords="offset points", va="center",
                size=style.SMALL, color=color,
            )  # fmt: skip
        _set_room(ax, low, high, labels, notes)
        ax.set_ylim(places[-1] + 0.6, -0.6)
        ax.set_yticks(places, labels, color=style.INK, size=style.SIZE)
        style.set_ticks(ax.xaxis, low, high, form, n=3)
        ax.set_xlabel(
            "\n".join(
                [
                    say.label("revenue"),
                    say.sentence(
                        "{period}; stroke: target; beside: what is missing or more",
                        period=say.period(pd.Timestamp(result.period), result.freq),
                    ),
                ]
            )
        )
        description = say.sentence(
            "Bars of what was sold, each with its target: {list}.",
            list=say.join(
                (
                    say.sentence("{name} {sold} of {target}", name=name, sold=say.money(a), target=say.money(b))
                    for name, a, b in zip(labels, sold, aimed, strict=True)
                ),
                ";",
            ),
        )
        return style.finish(ax, title=title, description=description, context=result.context)


def plot_price_volume_mix(result: PriceVolumeMixResult, *, ax: Axes | None = None) -> Axes:
    """From last year's revenue to this year's: what each part of the change added or took (waterfall).

    Parameters
    ----------
    result : PriceVolumeMixResult
        From :func:`kam.identify.price_volume_mix`; ``effects`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        The year before on top, the last year at the bottom, and a bar from one sum to the next for each part between; parts of
        nothing are left out. The money axis need not begin at 0 where all parts are small beside the sums: it says so then.
    """
    say = result.context.wording
    steps = result.effects[result.effects["revenue_change"] != 0]
    change = steps["revenue_change"].to_numpy(dtype=float)
    reached = result.revenue_before + np.cumsum(np.append(0.0, change))
    starts = np.concatenate([[0.0], reached[:-1], [0.0]])
    ends = np.concatenate([reached, [result.revenue]])
    left, right = np.minimum(starts, ends), np.maximum(starts, ends)
    form = style.short_money(say, float(np.abs(ends).max()))
    names = [name_part(part, say) for part in steps["revenue_part"]]
    wrapped = ["\n".join(wrap(name, _NAME_WIDTH)) for name in names]
    years = [
        say.sentence("year from {month}", month=say.period(pd.Timestamp(day)))
        for day in (result.year_before, result.year)
    ]
    notes = [
        form(result.revenue_before),
        *(
            say.plural(
                "{change} · {n} account", "{change} · {n} accounts", int(n), change=("+" if x > 0 else "") + form(x)
            )
            for x, n in zip(change, steps["n_customers"], strict=True)
        ),
        form(result.revenue),
    ]
    labels = [years[0], *wrapped, years[1]]
    colors = [style.GREY, *(style.ACCENT if x > 0 else style.WARN for x in change), style.GREY]
    title = say.sentence(
        "Revenue went from {before} to {after} ({change})",
        before=say.money_short(result.revenue_before),
        after=say.money_short(result.revenue),
        change=signed(result.change, say),
    )
    with style.applied():
        ax = style.take_axes(ax, height=1.9 + 0.4 * len(notes))
        places = np.arange(len(notes))
        low, high = min(0.0, float(left.min())), max(0.0, float(right.max()))
        cut = _cut(reached, low)
        ax.barh(
            places,
            right - np.maximum(left, cut),
            left=np.maximum(left, cut),
            color=colors,
            edgecolor=colors,
            linewidth=1,
            height=0.68,
        )
        ax.vlines(ends[:-1], places[:-1] + 0.34, places[1:] - 0.34, color=style.SOFT, lw=1)
        for place, end, note in zip(places, right, notes, strict=True):
            ax.annotate(
                note, (max(end, 0.0), place), (_LABEL_GAP, 0), textcoords="offset points", va="center", size=style.SMALL
            )
        _set_room(ax, cut, high, labels, notes)
        ax.set_ylim(len(notes) - 0.4, -0.6)
        ax.set_yticks(places, labels, color=style.INK, size=style.SMALL)
        style.set_ticks(ax.xaxis, cut, high, form, n=3)
        lines = [say.label("revenue")]
        if cut > 0:
            lines.append(say.sentence("the axis begins at {money}, not at 0", money=say.money_short(cut)))
        ax.set_xlabel("\n".join(lines))
        description = say.sentence(
            "Waterfall from {before} to {after}: {steps}.",
            before=say.money(result.revenue_before),
            after=say.money(result.revenue),
            steps=say.listing([f"{name} {note}" for name, note in zip(names, notes[1:-1], strict=True)]) or "–",
        )
        return style.finish(ax, title=title, description=description, context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _cut(reached: np.ndarray, low: float) -> float:
    """Where the axis begins: at 0, or, where all sums lie far above it and close together, a little below the lowest."""
    least, most = float(reached.min()), float(reached.max())
    if low < 0 or least <= 0 or most - least >= 0.25 * most:
        return low
    step = 10 ** np.floor(np.log10(max(most - least, 1e-9 * most)))
    return float(max(0.0, step * np.floor((least - 0.5 * (most - least)) / step)))


def _set_room(ax: Axes, low: float, high: float, labels: list[str], notes: list[str]) -> None:
    """Limits of the money axis with room for the notes at the right ends of the bars."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    font = ax.xaxis.label.get_fontproperties()
    lines = [line for text in labels for line in text.split("\n")]
    label, note = (max(width_in_points(text, font) for text in texts) for texts in (lines, notes))
    across = 72 * figure.get_size_inches()[0] - label - 30 if len(figure.axes) == 1 else 2 * note
    note += 2 * _LABEL_GAP
    reach = (high - low) or 1.0
    ax.set_xlim(low - 0.02 * reach * (low < 0), high + reach * note / max(across - note, note / 2))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(low != 0)
    if low <= 0:
        ax.axvline(0, color=style.SOFT, lw=1)
