"""Figure of drivers: how much of what is explained goes with each item, and how people rate it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.font_manager import FontProperties

from kam.plots import style
from kam.plots.fonts import one_line
from kam.plots.labels import fit_lines, share_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.survey.drivers import DriversResult

MOST = 16
"""More items are not drawn: the most important are."""
_ROOM = 230.0  # points for the texts at the left
_WIDTH = 120  # columns of a text, before it is broken into lines


def plot_drivers(result: DriversResult, *, ax: Axes | None = None) -> Axes:
    """Share of what is explained that goes with each item, with intervals, the most important on top; the mean answer beside.

    Orange: surely important and weak. Blue: among the first three in at least the share of resamples from which the map calls
    a quadrant. The dashed line is where all would lie if they were alike.

    Parameters
    ----------
    result : DriversResult
        From :func:`kam.survey.drivers`; ``items`` are drawn, the first sixteen if there are more.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One row per item, labelled with its text; x from 0, labelled in percent; at the right the share and the mean answer.
    """
    say = result.context.wording
    rows = result.items.head(MOST)
    weak = set(result.to_improve()["item"])
    font = FontProperties(size=style.SMALL)
    with style.applied():
        ax = style.take_axes(ax, height=1.9 + 0.46 * len(rows))
        right = 1.06 * float(rows["importance_high"].max())
        ax.set_xlim(0, right)
        ax.axvline(result.cut_share, color=style.GREY, lw=1.2, ls=(0, (4, 3)), zorder=1)
        labels = []
        for place, row in enumerate(rows.to_dict("records")):
            strong = row["item"] in weak or row["share_top_3"] >= result.min_certainty
            color = style.WARN if row["item"] in weak else style.ACCENT if strong else style.SOFT
            ax.plot(
                [row["importance_low"], row["importance_high"]],
                [place, place],
                color=color,
                lw=2.2,
                solid_capstyle="round",
            )
            ax.plot(row["share_importance"], place, "o", ms=8, color=color, zorder=3)
            share = share_text(row["share_importance"], say, 0)
            for at, text in ((1.09, share), (1.24, say.number(row["mean_answer"]))):
                ax.text(
                    at, place, text, transform=ax.get_yaxis_transform(), ha="right", va="center", size=style.SMALL,
                    color=color, weight="bold" if strong else "normal",
                )  # fmt: skip
            labels.append(
                "\n".join(fit_lines(one_line(row["question"], fallback=row["item"], width=_WIDTH), font, _ROOM))
            )
        for at, text in ((1.09, say.sentence("share")), (1.24, say.sentence("mean"))):
            ax.text(
                at, -0.85, text, transform=ax.get_yaxis_transform(), ha="right", va="center", size=style.SMALL,
                color=style.SOFT,
            )  # fmt: skip
        ax.set_yticks(range(len(rows)), labels, size=style.SMALL, color=style.INK, linespacing=1.05)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.spines["left"].set_visible(False)
        style.set_ticks(ax.xaxis, 0, right, style.percent(say))
        lines = [
            say.sentence("part of what all questions explain together (%)"),
            say.sentence("line: {level} interval; dashed: if all were alike", level=say.share(result.level, 0)),
        ]
        if weak & set(rows["item"]):
            lines.append(say.sentence("orange: important and rated below the average"))
        if len(rows) < len(result.items):
            lines.append(say.plural("one more is not drawn", "{n} more are not drawn", len(result.items) - len(rows)))
        ax.set_xlabel("\n".join(lines))
        return style.finish(ax, title=_title(result), description=_description(result), context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _title(result: DriversResult) -> str:
    say = result.context.wording
    first = result.items.iloc[0]
    values = {"item": one_line(str(first["question"]).rstrip(".。"), fallback=first["item"], width=60)}
    share = share_text(float(first["share_importance"]), say, 0)
    if result.share_first_held >= result.min_certainty:
        return say.sentence(
            "“{item}” goes with {share} of what is explained, more than any other", share=share, **values
        )
    return say.sentence(
        "“{item}” comes first with {share} of what is explained, but not surely ({held} of resamples)",
        share=share,
        held=say.share(result.share_first_held, 0),
        **values,
    )


def _description(result: DriversResult) -> str:
    say = result.context.wording
    parts = [
        say.sentence(
            "{item}: {share} ({interval}), mean answer {mean}",
            item=one_line(str(row["question"]), fallback=row["item"], width=60),
            share=say.share(row["share_importance"]),
            interval=say.interval(say.share(row["importance_low"]), say.share(row["importance_high"]), result.level),
            mean=say.number(row["mean_answer"]),
        )
        for row in result.items.head(MOST).to_dict("records")
    ]
    return say.sentence("Points with intervals, one per question: {list}.", list=say.join(parts, ";"))
