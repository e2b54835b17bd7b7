"""Figure of the satisfied among the lost and the stayed, and of those who had never answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kam.errors import EmptyDataError
from kam.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.survey.lost_satisfaction import LostSatisfactionResult


def plot_lost_satisfaction(result: LostSatisfactionResult, *, ax: Axes | None = None) -> Axes:
    """Share of the lost and of the stayed who had said they were satisfied, with intervals; below, the lost who said nothing.

    Parameters
    ----------
    result : LostSatisfactionResult
        From :func:`kam.survey.satisfaction_of_the_lost`; ``shares`` of all waves is drawn in the reading that leads.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Two points with error bars and one bar; x from 0 to 1, labelled in percent.

    Raises
    ------
    EmptyDataError
        Too few of the lost, or of the stayed, had answered.
    """
    say = result.context.wording
    rows = {group: result.share_of(group) for group in ("lost", "stayed")}
    if any(np.isnan(row["estimate"]) for row in rows.values()):
        raise EmptyDataError("Too few had answered to draw their shares.", hint="Take more waves or a longer horizon.")
    names = {
        "lost": say.sentence("the lost\nn = {n}", n=say.count(rows["lost"]["n_accounts"])),
        "stayed": say.sentence("those that stayed\nn = {n}", n=say.count(rows["stayed"]["n_accounts"])),
        "never": say.sentence("the lost that had\nnever answered"),
    }
    with style.applied():
        ax = style.take_axes(ax, height=3.8)
        for place, (group, color) in enumerate((("lost", style.WARN), ("stayed", style.ACCENT))):
            row = rows[group]
            value = float(row["estimate"])
            ends = [[value - row["ci_low"]], [row["ci_high"] - value]]
            ax.errorbar([value], [place], xerr=ends, fmt="o", color=color, ms=9, lw=2.4, zorder=3)
            ax.annotate(
                say.share(value, 0),
                (value, place),
                (0, 9),
                textcoords="offset points",
                ha="center",
                color=color,
                weight="bold",
            )
        ax.barh([2.2], [result.never_answered], height=0.42, color=style.GREY)
        ax.annotate(
            say.sentence("{share} of {n}", share=say.share(result.never_answered, 0), n=say.count(result.n_lost)),
            (result.never_answered, 2.2),
            (6, 0) if result.never_answered < 0.75 else (-6, 0),
            textcoords="offset points",
            ha="left" if result.never_answered < 0.75 else "right",
            va="center",
        )
        ax.set_yticks([0, 1, 2.2], list(names.values()), color=style.INK)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(2.6, -0.55)
        ax.set_xlim(0, 1)
        style.set_ticks(ax.xaxis, 0, 1, style.percent(say))
        ax.set_xlabel(
            say.sentence(
                "points: had said they were satisfied; bar: no answer (%)\nlines: {level} interval",
                level=say.share(result.level, 0),
            )
        )
        ax.spines["left"].set_visible(False)
        return style.finish(ax, title=_title(result), description=_describe(result), context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _title(result: LostSatisfactionResult) -> str:
    say = result.context.wording
    lost, stayed, difference = (result.share_of(group) for group in ("lost", "stayed", "difference"))
    first = say.sentence(
        "{lost} of the lost had said they were satisfied, {stayed} of those that stayed",
        lost=say.share(lost["estimate"], 0),
        stayed=say.share(stayed["estimate"], 0),
    )
    if difference["ci_low"] <= 0 <= difference["ci_high"]:
        return say.sentence("{first}; the difference may be chance", first=first)
    return first


def _describe(result: LostSatisfactionResult) -> str:
    say = result.context.wording
    parts = []
    for group, name in (("lost", say.sentence("the lost")), ("stayed", say.sentence("those that stayed"))):
        row = result.share_of(group)
        parts.append(
            say.sentence(
                "{name}: {share} ({interval}), {n} accounts",
                name=name,
                share=say.share(row["estimate"]),
                interval=say.interval(say.share(row["ci_low"]), say.share(row["ci_high"]), result.level),
                n=say.count(row["n_accounts"]),
            )
        )
    return say.sentence(
        "Two points with intervals, and a bar. {parts}; {never} of the lost had never answered.",
        parts="; ".join(parts),
        never=say.share(result.never_answered),
    )
