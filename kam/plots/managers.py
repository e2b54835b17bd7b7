"""Figures of managers: what each carries against what one can carry, and the funnel of what chance would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kam.errors import UndefinedMeasureError
from kam.plots import style
from kam.plots.fonts import one_line
from kam.plots.labels import label_ends, leave_room
from kam.wording import N_

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from kam.identify.manager_effect import ManagerEffectResult
    from kam.identify.staffing import StaffingResult

_MOST_BARS = 15
_MOST_NAMED = 8


def plot_manager_load(result: StaffingResult, *, ax: Axes | None = None) -> Axes:
    """Bars of the managers with the highest load; in color those above what one manager can carry, the dashed line.

    Parameters
    ----------
    result : StaffingResult
        From :func:`kam.identify.staffing`; ``managers`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        The highest load on top, at most fifteen managers.

    Raises
    ------
    UndefinedMeasureError
        The account file names no manager.
    """
    say = result.context.wording
    shown = result.managers.head(_MOST_BARS)
    if shown.empty:
        raise UndefinedMeasureError("No account has a manager: there is no load to draw.")
    title = say.plural(
        "One of {all} managers carries more than one can",
        "{n} of {all} managers carry more than one can",
        result.n_above,
        all=say.count(result.n_managers),
    )
    units = {"accounts": N_("key accounts"), "hours": N_("hours a year"), "visits": N_("visits a year")}
    form = say.count if float(shown["load"].max()) >= 10 or result.measured_in == "accounts" else say.number
    notes = [
        say.sentence("{load} · {n} accounts in all", load=form(load), n=say.count(n))
        for load, n in zip(shown["load"], shown["n_accounts"], strict=True)
    ]
    with style.applied():
        ax = style.take_axes(ax, height=1.75 + 0.3 * len(shown))
        labels = [one_line(name, width=24) for name in shown["manager"]]
        colors = [style.WARN if above else style.GREY for above in shown["is_above"]]
        style.draw_bars(ax, labels, shown["load"].tolist(), notes, colors)
        ax.set_xlim(right=max(ax.get_xlim()[1], result.capacity * 1.1))
        for note in ax.texts:
            note.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})  # the line does not run through it
        ax.axvline(result.capacity, color=style.INK, lw=1.2, ls=(0, (4, 3)), zorder=0.5)
        style.set_ticks(ax.xaxis, *ax.get_xlim(), form)
        ax.set_xlabel(
            say.sentence(units[result.measured_in])
            + "\n"
            + say.sentence("dashed: what one manager can carry, {x}", x=form(result.capacity))
        )
        description = say.sentence(
            "Bars of the {n} managers with the highest load: {list}.",
            n=say.count(len(shown)),
            list=say.listing([f"{label} {form(load)}" for label, load in zip(labels, shown["load"], strict=True)]),
        )
        return style.finish(ax, title=title, description=description, context=result.context)


def plot_manager_funnel(result: ManagerEffectResult, *, ax: Axes | None = None) -> Axes:
    """Each manager against what the average manager would have seen, within the limits of chance (a funnel plot).

    Parameters
    ----------
    result : ManagerEffectResult
        From :func:`kam.identify.manager_effect`; the managers compared by name and ``funnel`` are drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Across, what the limits narrow with: expected losses, or accounts. Up, lost over expected, or points of margin.
        Named are those beyond the inner limits, those farthest out first.

    Raises
    ------
    UndefinedMeasureError
        No manager has accounts enough to be compared by name.
    """
    say = result.context.wording
    shown = result.managers[result.managers["is_ranked"].astype(bool)]
    if shown.empty:
        raise UndefinedMeasureError(
            f"No manager has {result.min_accounts} accounts or more, so that nobody is compared by name."
        )
    of_losses = result.outcome == "churn"
    x, y = shown["funnel_size"].to_numpy(dtype=float), shown["unshrunken"].to_numpy(dtype=float)
    middle = 1.0 if of_losses else 0.0
    title = say.plural(
        "One of {all} managers stands out beyond chance"
        if result.n_stand_out
        else "No manager stands out beyond chance",
        "{n} of {all} managers stand out beyond chance"
        if result.n_stand_out
        else "No manager stands out beyond chance",
        result.n_stand_out,
        all=say.count(result.n_ranked),
    )
    levels = sorted(float(level) for level in result.funnel["limit_level"].unique())
    inner = result.funnel[result.funnel["limit_level"] == levels[0]]
    above = np.interp(x, inner["funnel_size"], inner["ci_high"])
    below = np.interp(x, inner["funnel_size"], inner["ci_low"])
    distance = np.where(y >= middle, (y - middle) / np.maximum(above - middle, 1e-12),
                        (middle - y) / np.maximum(middle - below, 1e-12))  # fmt: skip
    out = shown["stands_out"].to_numpy(dtype=bool)
    named = np.flatnonzero((distance > 1) | out)
    named = named[np.argsort(-(distance[named] + 1e6 * out[named]), kind="stable")][:_MOST_NAMED]
    with style.applied():
        ax = style.take_axes(ax, height=4.8)
        names = [one_line(shown["manager"].iloc[i], width=22) for i in named]
        right = float(result.funnel["funnel_size"].max())
        reach = _limits(y, inner, float(x.min()), middle)
        ax.set_ylim(*reach)
        if names:
            leave_room(ax, names, 0.0, right)
        else:
            ax.set_xlim(0, right)
        for level in levels:
            limits, strong = result.funnel[result.funnel["limit_level"] == level], level == levels[0]
            for end in ("ci_low", "ci_high"):
                ax.plot(
                    limits["funnel_size"], limits[end], color=style.SOFT if strong else style.GREY, lw=1.2,
                    ls="-" if strong else (0, (4, 3)),
                )  # fmt: skip
        ax.plot([0, right], [middle, middle], color=style.LINE, lw=1, zorder=0)
        ax.scatter(x[~out], y[~out], s=34, color=style.ACCENT, zorder=3, clip_on=False)
        ax.scatter(x[out], y[out], s=52, color=style.WARN, zorder=4, clip_on=False)
        if len(named):
            order = named[np.argsort(y[named], kind="stable")]
            places = y[order]
            for i in order:
                ax.plot([x[i], right], [y[i], y[i]], color=style.LINE, lw=0.8, zorder=0)
            label_ends(
                ax, right, places, [one_line(shown["manager"].iloc[i], width=22) for i in order],
                [style.WARN if out[i] else style.SOFT for i in order], low=reach[0], high=reach[1],
            )  # fmt: skip
        style.set_ticks(ax.xaxis, 0, right, say.count)
        style.set_ticks(ax.yaxis, *reach, lambda v: say.number(v, 1))
        ax.set_xlabel(
            (say.sentence("losses to be expected") if of_losses else say.sentence("accounts, by how much they tell"))
            + "\n"
            + say.sentence(
                "by chance alone {a} lie within the full lines, {b} within the dashed",
                a=say.share(levels[0], 0),
                b=say.share(levels[-1]),
            )
        )
        ax.set_ylabel(
            say.sentence("lost over expected") if of_losses else say.sentence("margin against expected (points)")
        )
        description = say.sentence(
            "Funnel plot of {n} managers; {list}.",
            n=say.count(len(shown)),
            list=say.listing([f"{name} {say.number(y[i], 2)}" for name, i in zip(names, named, strict=True)])
            if names
            else say.sentence("all lie within the inner limits"),
        )
        return style.finish(ax, title=title, description=description, context=result.context)


def _limits(y: np.ndarray, inner: pd.DataFrame, smallest: float, middle: float) -> tuple[float, float]:
    """Ends of the upright axis: all managers, and the inner limits where the smallest of them stands."""
    low = np.interp(smallest, inner["funnel_size"], inner["ci_low"])
    high = np.interp(smallest, inner["funnel_size"], inner["ci_high"])
    ends = float(min(y.min(), low, middle)), float(max(y.max(), high, middle))
    room = 0.06 * (ends[1] - ends[0])
    return ends[0] - room, ends[1] + room
