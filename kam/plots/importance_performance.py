"""Figure of the importance–performance map: what is important and weak lies in the lower right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from kam.plots import style
from kam.plots.fonts import one_line, set_fonts, width_in_points
from kam.plots.labels import fit_lines
from kam.survey.importance_performance import IMPROVE, KEEP, LESS, LOW

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.survey.drivers import DriversResult
    from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]

_ROOM = 130.0  # points a line of a label may take
_AWAY = 8.0  # points from a mark to its label
_LINE = 1.2 * style.SMALL
_CORNERS = {IMPROVE: (1, 0), KEEP: (1, 1), LOW: (0, 0), LESS: (0, 1)}


def plot_importance_performance(result: DriversResult, *, ax: Axes | None = None) -> Axes:
    """Items by the part of what is explained that goes with them (x) and by their mean answer (y), cut at the means.

    Full marks: their quadrant is sure (orange: improve first). Hollow: not sure, a label says how often the quadrant is theirs.

    Parameters
    ----------
    result : DriversResult
        From :func:`kam.survey.drivers`; ``quadrants`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One mark per item, labelled with its text; x in percent, y the mean answer; the quadrants are named in the corners.
    """
    say = result.context.wording
    table = result.quadrants
    x, y = (table[name].to_numpy(dtype=np.float64) for name in ("share_importance", "mean_answer"))
    with style.applied():
        ax = style.take_axes(ax, height=5.8)
        for values, set_limits in ((x, ax.set_xlim), (y, ax.set_ylim)):
            reach = max(float(np.ptp(values)), 0.02 * max(abs(float(values.mean())), 0.1))
            set_limits(values.min() - 0.28 * reach, values.max() + 0.28 * reach)
        ax.axvline(result.cut_share, color=style.GREY, lw=1.2, zorder=1)
        ax.axhline(result.cut_mean, color=style.GREY, lw=1.2, zorder=1)
        corners = [_name_corner(ax, name, say) for name in _CORNERS]
        for row in table.to_dict("records"):
            color = _color(row["quadrant"])
            ax.plot(
                row["share_importance"], row["mean_answer"], "o", ms=9, color=color, zorder=4, markeredgewidth=1.8,
                markerfacecolor=color if row["is_called"] else "white",
            )  # fmt: skip
        left, right = ax.get_xlim()
        low, high = ax.get_ylim()
        style.set_ticks(ax.xaxis, max(left, 0.0), right, style.percent(say))
        style.set_ticks(ax.yaxis, low, high, lambda mean: say.number(mean, 1 if high - low > 0.5 else 2))
        legend = say.sentence(
            "full: quadrant sure (at least {share} of resamples); hollow: not sure",
            share=say.share(result.min_certainty, 0),
        )
        ax.set_xlabel(say.sentence("part of what all questions explain together (%)") + "\n" + legend)
        ax.set_ylabel(
            say.sentence(
                "mean answer ({low} to {high})", low=say.number(result.low, 0), high=say.number(result.high, 0)
            )
        )
        title = ax.set_title(_title(result, say), loc="left").get_text()
        _name_items(ax, result, corners)
        return style.finish(ax, title=title, description=_description(result, say), context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _words(say: Wording) -> dict[str, str]:
    return {
        IMPROVE: say.sentence("improve first"),
        KEEP: say.sentence("keep up"),
        LOW: say.sentence("low priority"),
        LESS: say.sentence("possible overkill"),
    }


def _color(quadrant: str) -> str:
    return style.WARN if quadrant == IMPROVE else style.ACCENT if quadrant == KEEP else style.SOFT


def _name_corner(ax: Axes, name: str, say: Wording) -> Text:
    across, up = _CORNERS[name]
    return ax.annotate(
        _words(say)[name], (across, up), (-6 if across else 6, -6 if up else 6), xycoords="axes fraction",
        textcoords="offset points", ha="right" if across else "left", va="top" if up else "bottom", size=style.SIZE,
        color=style.WARN if name == IMPROVE else style.SOFT, weight="bold", zorder=2,
    )  # fmt: skip


def _name_items(ax: Axes, result: DriversResult, corners: list[Text]) -> None:
    """A label beside each mark, the surest first, where it covers least."""
    say, table = result.context.wording, result.quadrants
    figure = ax.get_figure(root=True)
    assert figure is not None
    set_fonts([text for text in ax.findobj(Text) if isinstance(text, Text)], language=result.context.language)
    figure.draw_without_rendering()  # the layout is known after this
    scale = 72 / figure.dpi
    marks = ax.transData.transform(table[["share_importance", "mean_answer"]].to_numpy(dtype=np.float64)) * scale
    window = ax.get_window_extent()
    room = (window.x0 * scale, window.y0 * scale, window.x1 * scale, window.y1 * scale)
    taken: list[Box] = [(x - 6, y - 6, x + 6, y + 6) for x, y in marks]
    for corner in corners:
        box = corner.get_window_extent()
        taken.append((box.x0 * scale, box.y0 * scale, box.x1 * scale, box.y1 * scale))
    font = FontProperties(size=style.SMALL)
    for at in np.lexsort((-table["p_quadrant"].to_numpy(), ~table["is_called"].to_numpy())):
        row = table.iloc[int(at)]
        text = one_line(str(row["question"]).rstrip(".。"), fallback=row["item"], width=80)
        lines = fit_lines(text, font, _ROOM)
        if not row["is_called"]:
            share = f"({say.share(row['p_quadrant'], 0)})"
            joined = f"{lines[-1]} {share}"
            lines = [*lines[:-1], joined] if width_in_points(joined, font) <= _ROOM else [*lines, share]
        size = (max(width_in_points(line, font) for line in lines), _LINE * len(lines))
        x0, y0 = _find_place(marks[at], size, room, taken)
        taken.append((x0, y0, x0 + size[0], y0 + size[1]))
        away = float(np.hypot(*(np.clip(marks[at], (x0, y0), (x0 + size[0], y0 + size[1])) - marks[at])))
        ax.annotate(
            "\n".join(lines), (row["share_importance"], row["mean_answer"]),
            (x0 - marks[at][0], y0 + size[1] / 2 - marks[at][1]), textcoords="offset points", ha="left", va="center",
            size=style.SMALL, linespacing=1.1, color=style.INK if row["is_called"] else style.SOFT,
            path_effects=[withStroke(linewidth=3, foreground="white")], zorder=6,
            arrowprops={"arrowstyle": "-", "color": style.GREY, "lw": 0.9, "shrinkA": 0, "shrinkB": 5,
                        "relpos": ((marks[at][0] > x0 + size[0] / 2) * 1.0, 0.5)} if away > 1.8 * _AWAY else None,
        )  # fmt: skip


def _find_place(mark: Floats, size: tuple[float, float], room: Box, taken: list[Box]) -> tuple[float, float]:
    """Lower left corner, in points, of a label near its mark: the nearest of a ring of places that covers nothing."""
    width, height = size
    best: tuple[float, float, float] | None = None
    for ring in range(8):
        for right in (1, -1, 0):
            for up in (0, 1, -1):
                reach = _AWAY + 0.9 * _LINE * ring
                x0 = mark[0] + (
                    _AWAY + 12 * ring if right > 0 else -_AWAY - 12 * ring - width if right < 0 else -width / 2
                )
                y0 = mark[1] - height / 2 + up * (reach + height / 2 if right == 0 else 0.9 * _LINE * (ring + 0.7))
                if right == 0 and up == 0:
                    continue
                box = (x0, y0, x0 + width, y0 + height)
                covered = sum(_overlap(box, other) for other in taken)
                outside = max(room[0] - box[0], box[2] - room[2], room[1] - box[1], box[3] - room[3], 0.0)
                cost = covered + 40 * outside + 6.0 * ring + 2.0 * abs(up) + 3.0 * (right == 0)
                if best is None or cost < best[0]:
                    best = (float(cost), float(x0), float(y0))
    assert best is not None
    return best[1], best[2]


def _overlap(one: Box, other: Box) -> float:
    """Area in common, in square points."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    up = min(one[3], other[3]) - max(one[1], other[1])
    return max(across, 0.0) * max(up, 0.0)


def _title(result: DriversResult, say: Wording) -> str:
    weak = result.to_improve()
    if weak.empty:
        return say.sentence("No question is surely both important and weak")
    return say.sentence(
        "Important and rated below the average: {items}",
        items=say.listing([f"“{one_line(str(text).rstrip('.。'), width=50)}”" for text in weak["question"][:2]]),
    )


def _description(result: DriversResult, say: Wording) -> str:
    words = _words(say)
    parts = [
        say.sentence(
            "{item}: {share} of what is explained, mean {mean}, {quadrant} in {p} of resamples",
            item=one_line(str(row["question"]), fallback=row["item"], width=60),
            share=say.share(row["share_importance"]),
            mean=say.number(row["mean_answer"]),
            quadrant=words[row["quadrant"]],
            p=say.share(row["p_quadrant"], 0),
        )
        for row in result.quadrants.to_dict("records")
    ]
    return say.sentence("Map of importance and mean answer. {list}.", list="; ".join(parts))
