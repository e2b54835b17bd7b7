"""Labels beside marks and below columns: what they say in the room that they have, and where they stand without overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from scipy.optimize import isotonic_regression

from kam.plots import style
from kam.plots.fonts import one_line, set_fonts, width_in_points
from kam.wording import LANGUAGES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.wording import Wording

Floats = npt.NDArray[np.float64]

LABEL_POINTS = 104.0
"""A longer label has two lines."""
NAME_WIDTH = 44
"""The longest name of a state, in columns."""
_ROOM = 20.0  # points from a mark to its label
_STEPS = {"month": (1, 3, 6, 12, 24, 60), "quarter": (1, 2, 4, 8, 20)}  # between ticks; for other periods:
_ROUND_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_A_YEAR = {"month": 12, "quarter": 4}


# -- what labels say -------------------------------------------------------------------------------------------------


def share_text(p: float, say: Wording, digits: int = 1) -> str:
    """A share in percent that says 0 and 100 only of 0 and 1."""
    least = 10.0 ** -(digits + 2)
    if 0 < p < least / 2:
        return "<" + say.share(least, digits)
    if 1 - least / 2 < p < 1:
        return ">" + say.share(1 - least, digits)
    return say.share(p, 0 if p in (0, 1) else digits)


def fit_lines(text: str, font: FontProperties, room: float, *, most: int = 2) -> list[str]:
    """A few lines no wider than ``room`` points, broken between words, wide characters where they must; the rest is cut off."""
    lines: list[str] = []
    for word in text.split():
        if lines and width_in_points(f"{lines[-1]} {word}", font) <= room:
            lines[-1] += f" {word}"
        else:
            lines += style.break_lines(word, font, room)
    lines = [*lines[: most - 1], " ".join(lines[most - 1 :])] if len(lines) > most else lines
    return [_cut(line, font, room) for line in lines]


def label_state(name: str, size: str) -> str:
    """The name of a state and a number, in lines that fit at the end of a mark."""
    font = FontProperties(size=style.SIZE)
    lines = fit_lines(one_line(name, width=NAME_WIDTH), font, LABEL_POINTS)
    joined = f"{lines[-1]} {size}"
    return "\n".join([*lines[:-1], joined] if width_in_points(joined, font) <= LABEL_POINTS else [*lines, size])


def round_steps(freq: str) -> tuple[int, ...]:
    """Periods between ticks that a reader finds round, the shortest step first."""
    return _STEPS.get(freq, _ROUND_STEPS)


# -- where labels stand ----------------------------------------------------------------------------------------------


def label_periods(ax: Axes, periods: pd.Index, freq: str, say: Wording) -> None:
    """Dates below the columns, as many as fit; years where one in a year is enough."""
    slot = 1 / x_per_point(ax)
    font = FontProperties(size=style.SMALL)
    year = _A_YEAR.get(freq, 1)
    if freq == "period":
        number = np.asarray(periods, dtype=np.int64)
    else:
        dates = pd.DatetimeIndex(periods)
        number = np.asarray(dates.year * year + (dates.month - 1) * year // 12, dtype=np.int64)
    for step in round_steps(freq):
        ticks = np.flatnonzero(number % step == 0)
        if ticks.size < 2:
            ticks = np.array([0, number.size - 1])
        length = "year" if freq != "period" and step % year == 0 and (number[ticks] % year == 0).all() else freq
        labels = [_short_period(periods[int(i)], length, say) for i in ticks]
        if max(width_in_points(label, font) for label in labels) <= slot * np.diff(ticks).min() - 8:
            break
    ax.set_xticks(ticks, labels, size=style.SMALL)


def leave_room(ax: Axes, labels: Sequence[str], left: float, right: float) -> None:
    """Set the limits of x so that labels fit between ``right`` and the end of the axes."""
    font = FontProperties(size=style.SIZE)
    widest = max(width_in_points(line, font) for label in labels for line in label.split("\n"))
    ax.set_xlim(0, 1)
    share = min((widest + _ROOM + 6) * x_per_point(ax), 0.5)
    ax.set_xlim(left, left + (right - left) / (1 - share))


def label_ends(
    ax: Axes,
    x: float,
    places: Floats,
    labels: Sequence[str],
    colors: Sequence[str] | None = None,
    *,
    low: float,
    high: float,
) -> None:
    """Labels to the right of marks that end at ``x``, in rising order of place, moved as little as needed to stand apart.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Its limits are set.
    x : float
        Where the marks end.
    places : array, shape (n_labels,)
        Where, on the y axis, the marks are.
    labels, colors : sequences of str
        Of the marks; default: ink.
    low, high : float
        Labels stand between these, on the y axis, if there is room.
    """
    heights = np.array([1.35 * style.SIZE * (1 + label.count("\n")) for label in labels]) * _y_per_point(ax)
    apart = spread(places, heights, low, high)
    beside = x + _ROOM * x_per_point(ax)
    for place, at, label, color in zip(places, apart, labels, colors or [style.INK] * len(labels), strict=True):
        ax.annotate(
            label, (x, place), (beside, at), va="center", size=style.SIZE, linespacing=1.1, color=color,
            arrowprops={"arrowstyle": "-", "color": style.GREY, "lw": 1, "shrinkA": 3, "shrinkB": 3, "relpos": (0, 0.5)},
        )  # fmt: skip


def spread(places: Floats, sizes: Floats, low: float, high: float) -> Floats:
    """Places, in rising order, for labels of these sizes between two ends, moved as little as needed to stand apart.

    The smallest sum of squared moves under distances is an isotonic regression of the places less the distances.
    """
    distances = np.cumsum(np.append(0, (sizes[1:] + sizes[:-1]) / 2))
    lowest, highest = low + sizes[0] / 2, high - sizes[-1] / 2 - distances[-1]
    apart = isotonic_regression(places - distances).x
    return np.asarray(np.clip(apart, lowest, max(highest, lowest)) + distances)


def x_per_point(ax: Axes) -> float:
    """Units of x in a point, by the limits of the axes."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    left, right = ax.get_xlim()
    return (right - left) / (ax.get_window_extent().width * 72 / figure.dpi)


_AWAY = 7.0  # points from a mark to its name
_SIDES = ((1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1), (1, 2), (-1, 2), (1, -2), (-1, -2))


def name_marks(
    ax: Axes,
    names: Sequence[str],
    points: Floats,
    colors: Sequence[str],
    obstacles: Floats,
    *,
    language: str,
) -> None:
    """Names beside marks, each where it covers least of the obstacles and of the names before it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Its limits, ticks and labels are set.
    names, colors : sequences of str
        Of the marks, the most important first.
    points : array, shape (n_names, 2)
        Where the marks are.
    obstacles : array, shape (n, 2)
        Points that a name should not cover.
    language : str
        Of the report, for the shapes of Chinese and Japanese characters.
    """
    figure = ax.get_figure(root=True)
    assert figure is not None
    set_fonts([text for text in ax.findobj(Text) if isinstance(text, Text)], language=language)
    style.lay_out(figure)
    scale = 72 / figure.dpi
    marks = ax.transData.transform(obstacles) * scale
    box = ax.get_window_extent()
    room = (box.x0 * scale, box.y0 * scale, box.x1 * scale, box.y1 * scale)
    font = FontProperties(size=style.SMALL)
    height = 1.25 * style.SMALL
    taken: list[tuple[float, float, float, float]] = []
    for name, (x, y), color in zip(names, points, colors, strict=True):
        text = one_line(name, width=26)
        width = width_in_points(text, font)
        at = ax.transData.transform((x, y)) * scale
        best: tuple[float, int, int, tuple[float, float, float, float]] | None = None
        for right, up in _SIDES:
            x0 = at[0] + _AWAY if right > 0 else at[0] - _AWAY - width
            y0 = at[1] + 0.75 * up * height - height / 2
            rectangle = (x0, y0, x0 + width, y0 + height)
            cost = 100.0 * (x0 < room[0] or x0 + width > room[2] or y0 < room[1] or y0 + height > room[3])
            cost += 10.0 * sum(_overlap(rectangle, other) for other in taken)
            cost += float(((marks > rectangle[:2]) & (marks < rectangle[2:])).all(axis=1).sum()) + 0.3 * abs(up)
            if best is None or cost < best[0]:
                best = (cost, right, up, rectangle)
        assert best is not None
        _, right, up, rectangle = best
        taken.append(rectangle)
        ax.annotate(
            text,
            (x, y),
            (_AWAY * right, 0.75 * up * height),
            textcoords="offset points",
            ha="left" if right > 0 else "right",
            va="center",
            size=style.SMALL,
            color=color,
            path_effects=[withStroke(linewidth=3, foreground="white")],
            arrowprops={"arrowstyle": "-", "color": style.SOFT, "lw": 0.8, "shrinkA": 0, "shrinkB": 3} if up else None,
            zorder=6,
        )


# -- inside ----------------------------------------------------------------------------------------------------------


def _y_per_point(ax: Axes) -> float:
    figure = ax.get_figure(root=True)
    assert figure is not None
    low, high = ax.get_ylim()
    return (high - low) / (ax.get_window_extent().height * 72 / figure.dpi)


def _cut(line: str, font: FontProperties, room: float) -> str:
    if width_in_points(line, font) <= room:
        return line
    while line and width_in_points(f"{line}…", font) > room:
        line = line[:-1]
    return f"{line.rstrip()}…"


def _short_period(period: Any, freq: str, say: Wording) -> str:
    """A month with its name cut short, a quarter, a year, or the number of a period."""
    from babel.dates import format_skeleton

    if freq == "period":
        return str(period)
    if freq == "month":
        return str(format_skeleton("yMMM", period, locale=LANGUAGES[say.language]))
    return say.period(period, freq)


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
