"""Figure of the importance–performance map: what is important and weak lies in the lower right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.transforms import ScaledTranslation

from kam.plots import style
from kam.plots.fonts import one_line, set_fonts, width_in_points
from kam.plots.labels import fit_lines, share_text
from kam.survey.importance_performance import KEEP, LESS, LOOK, LOW

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kam.survey.drivers import DriversResult
    from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]

_MAP = 4.6  # inches, without the key
_MARK = 18.0  # points across a mark
_DOT = 4.5  # points across the dot that stands where a mark moved away from
_NUMBER = (9.5, 8.5)  # size, of one digit and of more
_ROW = 1.8 * style.SMALL  # points from one row of the key to the next
_INDENT = 24.0  # points from a mark of the key to its text
_LEAST_SHARE = 0.02  # the axis of importance spans at least this,
_LEAST_MEAN = 1 / 8  # and the axis of means this part of the scale: half a point of five levels
_CORNERS = {LOOK: (1, 0), KEEP: (1, 1), LOW: (0, 0), LESS: (0, 1)}


def plot_importance_performance(result: DriversResult, *, ax: Axes | None = None) -> Axes:
    """Items by the part of what is explained that goes with them (x) and by their mean answer (y), cut at the means.

    A mark carries the rank of its item; the key below the axes says which item that is, and how often its quadrant came out.
    Full marks: their quadrant is sure (orange: look at first). Hollow: not sure.

    Parameters
    ----------
    result : DriversResult
        From :func:`kam.survey.drivers`; ``quadrants`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw, with room for the key below; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One numbered mark per item, beside its place and tied to it by a line where marks would cover each other; x in percent,
        y the mean answer, over half a point of five levels or more; the quadrants are named in the corners.
    """
    say = result.context.wording
    points = result.quadrants[["share_importance", "mean_answer"]].to_numpy(dtype=np.float64)
    with style.applied():
        ax = style.take_axes(ax, height=_MAP + (len(points) + 1) * _ROW / 72)
        figure = ax.get_figure(root=True)
        assert figure is not None
        ax.axvline(result.cut_share, color=style.GREY, lw=1.2, zorder=1)
        ax.axhline(result.cut_mean, color=style.GREY, lw=1.2, zorder=1)
        corners = [_name_corner(ax, name, say) for name in _CORNERS]
        ax.set_xlabel(say.sentence("part of what all questions explain together (%)"))
        ax.set_ylabel(
            say.sentence(
                "mean answer ({low} to {high})", low=say.number(result.low, 0), high=say.number(result.high, 0)
            )
        )
        title = ax.set_title(_title(result, say), loc="left").get_text()
        _set_limits(ax, result, points)
        set_fonts([text for text in ax.findobj(Text) if isinstance(text, Text)], language=result.context.language)
        style.lay_out(figure)  # the room of the key is known after this
        _write_key(ax, figure, result)
        style.finish(ax, title=title, description=_description(result, say), context=result.context)
        style.lay_out(figure)  # the title has its lines
        _make_room_for_corners(ax, result, corners)
        _draw_marks(ax, figure, result, points, corners)
        return ax


# -- inside ----------------------------------------------------------------------------------------------------------


def _words(say: Wording) -> dict[str, str]:
    return {
        LOOK: say.sentence("look at first"),
        KEEP: say.sentence("keep up"),
        LOW: say.sentence("low priority"),
        LESS: say.sentence("possible overkill"),
    }


def _color(quadrant: str) -> str:
    return style.WARN if quadrant == LOOK else style.ACCENT if quadrant == KEEP else style.SOFT


def _name_corner(ax: Axes, name: str, say: Wording) -> Text:
    across, up = _CORNERS[name]
    return ax.annotate(
        _words(say)[name], (across, up), (-6 if across else 6, -6 if up else 6), xycoords="axes fraction",
        textcoords="offset points", ha="right" if across else "left", va="top" if up else "bottom", size=style.SIZE,
        color=style.WARN if name == LOOK else style.SOFT, weight="bold", zorder=2,
    )  # fmt: skip


def _set_limits(ax: Axes, result: DriversResult, points: Floats) -> None:
    """Limits with a margin around the points and the cut lines, wide enough that small differences look small; their ticks."""
    say, scale = result.context.wording, result.high - result.low
    least = (_LEAST_SHARE, _LEAST_MEAN * scale)
    for values, cut, short, margin, set_limits in (
        (points[:, 0], result.cut_share, least[0], 0.1, ax.set_xlim),
        (points[:, 1], result.cut_mean, least[1], 0.18, ax.set_ylim),
    ):
        low, high = min(values.min(), cut), max(values.max(), cut)
        half = max((0.5 + margin) * (high - low), short / 2)
        set_limits((low + high) / 2 - half, (low + high) / 2 + half)
    left, right = ax.get_xlim()
    low, high = ax.get_ylim()
    style.set_ticks(ax.xaxis, max(left, 0.0), right, lambda x: say.number(100 * x, 0 if right - left > 0.04 else 1))
    style.set_ticks(
        ax.yaxis,
        max(low, result.low),
        min(high, result.high),
        lambda mean: say.number(mean, 1 if high - low < 4 else 0),
    )


def _make_room_for_corners(ax: Axes, result: DriversResult, corners: list[Text]) -> None:
    """Move the limits out where a cut line would run through the name of a corner."""
    window = ax.get_window_extent()
    boxes = [corner.get_window_extent() for corner in corners]
    names = dict(zip(_CORNERS, boxes, strict=True))
    gap = 14.0
    for first, second, size, cut, get_limits, set_limits in (
        (
            max(names[name].width for name in (LOW, LESS)), max(names[name].width for name in (LOOK, KEEP)),
            window.width, result.cut_share, ax.get_xlim, ax.set_xlim,
        ),
        (
            max(box.height for box in boxes), max(box.height for box in boxes),
            window.height, result.cut_mean, ax.get_ylim, ax.set_ylim,
        ),
    ):  # fmt: skip
        low, high = get_limits()
        before, after = (min((room + gap) / size, 0.45) for room in (first, second))
        below, above = cut - low, high - cut
        below = max(below, above * before / (1 - before))
        above = max(above, below * after / (1 - after))
        set_limits(cut - below, cut + above)


def _write_key(ax: Axes, figure: Figure, result: DriversResult) -> None:
    """Below the axes, a row per item in order of importance: its mark, its text, how often its quadrant came out."""
    say = result.context.wording
    scale = 72 / figure.dpi
    window, tight = ax.get_window_extent(), ax.get_tightbbox()
    assert tight is not None
    alone = len(figure.axes) == 1
    left = (tight.x0 - window.x0) * scale if alone else 0.0  # alone, the key begins where the title does
    top = (tight.y0 - window.y0) * scale - 0.9 * _ROW
    room = window.width * scale - left - _INDENT - _MARK / 2
    font = FontProperties(size=style.SMALL)
    legend = say.sentence(
        "in brackets: share of resamples with this quadrant; full mark: at least {share}",
        share=say.share(result.min_certainty, 0),
    )
    for at, row in enumerate(result.quadrants.to_dict("records")):
        color, height = _color(row["quadrant"]), top - at * _ROW
        share = f" ({share_text(row['p_quadrant'], say, 0)})"
        text = one_line(str(row["question"]).rstrip(".。"), fallback=row["item"], width=200)
        [line] = fit_lines(text, font, room - width_in_points(share, font), most=1)
        _draw_mark(ax, figure, at + 1, (0, 0), (left + _MARK / 2, height), color, full=row["is_called"], in_key=True)
        ax.annotate(
            line + share, (0, 0), (left + _INDENT, height), xycoords="axes fraction", textcoords="offset points",
            va="center_baseline", size=style.SMALL, color=color, annotation_clip=False,
        )  # fmt: skip
    ax.annotate(
        fit_lines(legend, font, room + _INDENT, most=1)[0], (0, 0), (left, top - len(result.quadrants) * _ROW),
        xycoords="axes fraction", textcoords="offset points", va="center_baseline", size=style.SMALL, color=style.SOFT,
        annotation_clip=False,
    )  # fmt: skip


def _draw_mark(
    ax: Axes,
    figure: Figure,
    rank: int,
    point: tuple[float, float],
    offset: tuple[float, float],
    color: str,
    *,
    full: bool,
    in_key: bool = False,
) -> None:
    """A disk with a number, ``offset`` points from a point of the data or, in the key, from the corner of the axes."""
    base = ax.transAxes if in_key else ax.transData
    moved = base + ScaledTranslation(offset[0] / 72, offset[1] / 72, figure.dpi_scale_trans)
    ax.plot(
        [point[0]], [point[1]], "o", ms=_MARK - 1.6, color=color, markerfacecolor=color if full else "white",
        markeredgewidth=1.6, transform=moved, zorder=5, clip_on=False, scalex=False, scaley=False,
        label=f"{'key' if in_key else 'item'} {rank}",
    )  # fmt: skip
    ax.annotate(
        str(rank), point, offset, xycoords="axes fraction" if in_key else "data", textcoords="offset points", ha="center",
        va="center_baseline", size=_NUMBER[rank > 9], weight="bold", color="white" if full else color, zorder=6,
        annotation_clip=False,
    )  # fmt: skip


def _draw_marks(ax: Axes, figure: Figure, result: DriversResult, points: Floats, corners: list[Text]) -> None:
    scale = 72 / figure.dpi
    places = ax.transData.transform(points) * scale
    window = ax.get_window_extent()
    room = (window.x0 * scale, window.y0 * scale, window.x1 * scale, window.y1 * scale)
    names = [box.get_window_extent() for box in corners]
    cut = ax.transData.transform((result.cut_share, result.cut_mean)) * scale
    boxes = [(box.x0 * scale, box.y0 * scale, box.x1 * scale, box.y1 * scale) for box in names]
    for at, (row, offset) in enumerate(
        zip(result.quadrants.to_dict("records"), _nudge(places, cut, room, boxes) - places, strict=True)
    ):
        color, point = _color(row["quadrant"]), (row["share_importance"], row["mean_answer"])
        if np.hypot(*offset) > 0:
            ax.plot(*point, "o", ms=_DOT, color=color, zorder=4, label=f"place {at + 1}")
            ax.annotate(
                "", point, tuple(offset), textcoords="offset points", zorder=3, annotation_clip=False,
                arrowprops={"arrowstyle": "-", "color": color, "lw": 1, "shrinkA": 0, "shrinkB": 0},
            )  # fmt: skip
        _draw_mark(ax, figure, at + 1, point, (offset[0], offset[1]), color, full=row["is_called"])


def _nudge(places: Floats, cut: Floats, room: Box, boxes: list[Box]) -> Floats:
    """Centers of marks, in points: their places where these are free, else the nearest where a mark covers nothing.

    Those with the most room come first; a mark stays in the quadrant of its place wherever it can, and so does not mislead.
    """
    between = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    np.fill_diagonal(between, np.inf)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ways = np.column_stack([np.cos(angles), np.sin(angles)])
    offsets = np.vstack([[[0.0, 0.0]], *(reach * ways for reach in np.arange(15.0, 110.0, 5.0))])
    centers = places.copy()
    done: list[int] = []
    for at in np.argsort(-between.min(axis=1), kind="stable"):
        here, tried = places[at], places[at] + offsets
        others = np.delete(places, at, axis=0)
        cost = np.hypot(*offsets.T)
        cost += 60.0 * ((np.sign(tried - cut) != np.sign(here - cut)).any(axis=1) & (cost > 0))
        cost += 6.0 * ((np.abs(tried - cut) < _MARK / 2).any(axis=1) & (cost > 0))
        covers = (_distance(tried, others) < (_MARK + _DOT) / 2 + 1).sum(axis=1)
        covers += (_distance(tried, centers[done]) < _MARK + 1.5).sum(axis=1)
        for i, way in enumerate(tried):  # its line
            covers[i] += (_to_line(here, way, centers[done]) < _MARK / 2 + 1.5).sum() * (cost[i] > 0)
            covers[i] += (_to_line(here, way, others) < _DOT / 2 + 0.5).sum() * (cost[i] > 0)
            covers[i] += sum(
                _to_line(places[j], centers[j], way[None])[0] < _MARK / 2 + 1.5
                or _cross(here, way, places[j], centers[j])
                for j in done
                if (centers[j] != places[j]).any()
            )
        half = _MARK / 2 + 1
        for x0, y0, x1, y1 in boxes:
            covers += ((tried > (x0 - half, y0 - half)) & (tried < (x1 + half, y1 + half))).all(axis=1)
        covers += ((tried < np.add(room[:2], half)) | (tried > np.subtract(room[2:], half))).any(axis=1)
        centers[at] = tried[np.argmin(cost + 400.0 * covers)]
        done.append(int(at))
    return centers


def _distance(one: Floats, other: Floats) -> Floats:
    """Between each and each."""
    return np.asarray(np.hypot(*(one[:, None] - other[None]).transpose(2, 0, 1)))


def _to_line(start: Floats, end: Floats, points: Floats) -> Floats:
    """From points to the stretch between two places."""
    along = end - start
    part = np.clip((points - start) @ along / max(float(along @ along), 1e-12), 0, 1)
    return np.asarray(np.hypot(*(start + part[:, None] * along - points).T))


def _cross(a: Floats, b: Floats, c: Floats, d: Floats) -> bool:
    """Whether two stretches have a place in common."""

    def side(p: Floats, q: Floats, r: Floats) -> float:
        return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def _title(result: DriversResult, say: Wording) -> str:
    weak = result.to_improve()
    if weak.empty:
        return say.sentence("No question is surely both important and weak")
    return say.sentence(
        "Important and rated below the average: {items}",
        items=say.listing([say.quote(one_line(str(text).rstrip(".。"), width=50)) for text in weak["question"][:2]]),
    )


def _description(result: DriversResult, say: Wording) -> str:
    words = _words(say)
    parts = [
        say.sentence(
            "{item}: {share} of what is explained, mean {mean}, {quadrant} in {p} of resamples",
            item=one_line(str(row["question"]), fallback=row["item"], width=200),
            share=say.share(row["share_importance"]),
            mean=say.number(row["mean_answer"]),
            quadrant=words[row["quadrant"]],
            p=say.share(row["p_quadrant"], 0),
        )
        for row in result.quadrants.to_dict("records")
    ]
    return say.sentence("Map of importance and mean answer. {list}.", list=say.join(parts, ";"))
