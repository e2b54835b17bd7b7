"""How every figure looks, and how a notebook shows one: one accent, grey for context, words in place of legends.

A plot function draws inside :func:`applied`, on :func:`take_axes`, and hands them to :func:`finish`,
which sets the title, the alternative text and the fonts. No setting outlives it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from html import escape
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageColor

from kam.errors import KamError
from kam.plots.fonts import BASE, set_fonts, width_in_points
from kam.wording import Wording

if TYPE_CHECKING:
    import numpy.typing as npt

    from kam.results import Context, NotPossible, Result

INK, SOFT, LINE = "#1f2328", "#59616c", "#c3c9d1"
GREY = "#b3bac4"
ACCENT, WARN = "#0b6e99", "#c2571a"
WASH = "#e1ecf2"  # the accent as a background
_COLORS = 64  # of a picture; these are among them however few marks have them, else a single orange dot turns brown:
_KEPT = ("white", INK, SOFT, LINE, GREY, ACCENT, WARN, WASH)
RAMP = LinearSegmentedColormap.from_list("kam", ["#f4f7f9", "#d3e5ee", "#7fb5cd", ACCENT])

DPI = 130
WIDTH = 7.5
TITLE_SIZE, SIZE, SMALL = 13.5, 12.0, 11.0

_SETTINGS = {
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.labelsize": SIZE,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlepad": 12.0,
    "axes.titlesize": TITLE_SIZE,
    "axes.titleweight": "bold",
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "font.family": [BASE],
    "font.size": SIZE,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
}
_WIDE = r"\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef"
_PIECES = re.compile(rf"[{_WIDE}][、。，．：；！？）」』】％]*\s*|[^\s{_WIDE}]+\s*")


# -- a figure --------------------------------------------------------------------------------------------------------


@contextmanager
def applied() -> Iterator[None]:
    """The settings of kam's figures, whatever the user's own are, until the block ends."""
    plt.draw_if_interactive()  # loads the backend; what a notebook's sets for itself would otherwise end with the block
    with matplotlib.style.context(["default", _SETTINGS]):
        yield


def take_axes(ax: Axes | None, *, height: float) -> Axes:
    """The axes given, dressed in the settings of kam; without any, axes in a figure of their own, ``height`` inches high."""
    if ax is None:
        return plt.subplots(figsize=(WIDTH, height), layout="constrained")[1]
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(SOFT)
    ax.tick_params(colors=SOFT, labelsize=SIZE)
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set(color=SOFT, size=SIZE)
    return ax


def finish(ax: Axes, *, title: str, description: str, context: Context) -> Axes:
    """Set the title, the alternative text and the fonts of axes on which everything else is drawn.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes, their tick labels set.
    title : str
        The point in words; broken into lines that fit.
    description : str
        What a reader who cannot see the figure should know besides the title.
    context : Context
        Its language decides the shapes of Chinese and Japanese characters.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.
    """
    say = context.wording
    ax.set_label(say.join([say.close(title), description]))
    heading = ax.set_title(title, loc="left")
    texts = [text for text in ax.findobj(Text) if isinstance(text, Text)]
    set_fonts(texts, language=context.language)
    for text in texts:
        text.set_parse_math(False)  # a dollar sign in a name is a dollar sign
    figure = ax.get_figure(root=True)
    assert figure is not None
    heading.set_text("")
    lay_out(figure)
    box = ax.get_window_extent()
    left = box.x0
    if len(figure.axes) == 1 and (tight := ax.get_tightbbox()):  # alone, the title begins where the figure does
        left = min(left, tight.x0)
        heading.set_x((left - box.x0) / box.width)
    room = 0.98 * (box.x1 - left) * 72 / figure.dpi  # letters are a little wider at some resolutions
    heading.set_text("\n".join(break_lines(title, heading.get_fontproperties(), room)))
    return ax


def lay_out(figure: Figure) -> None:
    """Give every axes the place that it will have; what a draw does besides takes longer, and settles no place."""
    engine = figure.get_layout_engine()
    if engine is None:  # of a user: his axes may have an aspect that the draw applies
        figure.draw_without_rendering()
        return
    with suppress(ValueError):  # as in a draw
        engine.execute(figure)


def break_lines(text: str, font: FontProperties, room: float) -> list[str]:
    """Lines no wider than ``room`` points, broken between words and between Chinese, Japanese and Korean characters."""
    lines = [""]
    for piece in _PIECES.findall(text):
        if lines[-1] and width_in_points(lines[-1] + piece.rstrip(), font) > room:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


# -- parts of a figure -----------------------------------------------------------------------------------------------


def set_ticks(axis: Axis, low: float, high: float, form: Callable[[float], str], *, n: int = 5) -> None:
    """About ``n`` round ticks between two values, with labels in the language of the report."""
    ticks = [tick for tick in MaxNLocator(n, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= tick <= high]
    axis.set_ticks(ticks, [form(float(tick)) for tick in ticks])


def percent(say: Wording) -> Callable[[float], str]:
    """How a share is written on an axis whose label has the percent sign."""
    return lambda share: say.number(100 * share, 0)


def short_money(say: Wording, largest: float) -> Callable[[float], str]:
    """How money is written beside a mark whose axis has the currency: in full if all of it is small, else shortened."""
    plain = Wording(say.language)
    if abs(largest) < 10:
        return plain.number
    return lambda x: plain.money_short(x) if abs(largest) >= 1e5 and abs(x) >= 1e4 else plain.count(x)


def draw_bars(
    ax: Axes, labels: Sequence[str], values: Sequence[float], notes: Sequence[str], colors: Sequence[str]
) -> None:
    """Horizontal bars, the first on top, each with its label at the left and its note at the end."""
    places = np.arange(len(values))
    ax.barh(places, values, color=list(colors), height=0.72)
    low, high = min(0.0, *values), max(0.0, *values)
    reach = (high - low) or 1.0
    for place, value, note in zip(places, values, notes, strict=True):
        ax.annotate(note, (max(value, 0.0), place), (5, 0), textcoords="offset points", va="center", size=SIZE)
    longest = max(len(note) for note in notes)
    ax.set_xlim(low - 0.02 * reach * (low < 0), high + reach * (0.03 + 0.018 * longest))
    ax.set_ylim(len(values) - 0.4, -0.6)
    ax.set_yticks(places, labels, color=INK, size=SIZE)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(low < 0)
    ax.axvline(0, color=SOFT, lw=1)


def draw_cells(
    ax: Axes,
    shade: npt.NDArray[np.float64],
    first: Sequence[Sequence[str]],
    second: Sequence[Sequence[str]],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
) -> None:
    """A table of shaded cells, the first row on top, with two lines of text in each that is not empty.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    shade : array, shape (n_rows, n_columns)
        What the shade stands for; zero and below are lightest, the largest is darkest, by the square root between.
    first, second : sequences, shape (n_rows, n_columns)
        The lines of text; a cell with an empty first line shows a dash.
    rows, columns : sequences of str
        The labels at the left and below.
    """
    n_rows, n_columns = shade.shape
    norm = PowerNorm(0.5, vmin=0, vmax=max(float(shade.max()), 1e-12), clip=True)
    ax.pcolormesh(shade, cmap=RAMP, norm=norm, edgecolors="white", linewidth=2.5)
    for i in range(n_rows):
        for j in range(n_columns):
            color = _readable_on(RAMP(float(norm(shade[i, j]))))
            if not first[i][j]:
                ax.text(j + 0.5, i + 0.5, "–", ha="center", va="center", color=SOFT)
                continue
            ax.text(j + 0.5, i + 0.48, first[i][j], ha="center", va="bottom", color=color, weight="bold", size=SIZE)
            ax.text(j + 0.5, i + 0.55, second[i][j], ha="center", va="top", color=color, size=SMALL)
    ax.set_ylim(n_rows, 0)
    ax.set_xticks(np.arange(n_columns) + 0.5, columns, size=SMALL, color=INK)
    ax.set_yticks(np.arange(n_rows) + 0.5, rows, size=SMALL, color=INK)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _readable_on(color: tuple[float, float, float, float]) -> str:
    """White or ink, whichever has the higher contrast (WCAG 2.2, relative luminance)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color[:3]]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "white" if 1.05 / (light + 0.05) > (light + 0.05) / 0.066 else INK


def frame_cells(ax: Axes, corner: tuple[float, float], size: tuple[float, float], label: str, *, color: str) -> None:
    """A border around a block of cells at the top, named above it: ``corner`` is its upper left, ``size`` columns and rows."""
    ax.add_patch(Rectangle(corner, *size, fill=False, edgecolor=color, linewidth=2.5, clip_on=False, zorder=3))
    right = corner[0] > 0
    ax.set_ylim(top=-0.34)  # room for the name
    ax.annotate(
        label,
        (corner[0] + size[0] * right, corner[1]),
        (0, 4),
        textcoords="offset points",
        ha="right" if right else "left",
        color=color,
        weight="bold",
        size=SMALL,
    )


# -- showing ---------------------------------------------------------------------------------------------------------


def describe(ax: Axes) -> str:
    """The alternative text of a figure that kam drew: the point, and what the marks say.

    Raises
    ------
    ParameterError
        The axes are not from a plot function of kam.
    """
    from kam.errors import ParameterError

    figure = ax.get_figure(root=True)
    texts = [str(one.get_label()) for one in figure.axes if one.get_label()] if figure else []
    if not texts:
        raise ParameterError(
            "These axes have no alternative text.", hint="Show the axes that a plot function of kam returned."
        )
    return " ".join(texts)


def to_png(ax: Axes) -> bytes:
    """The figure as a PNG: the same bytes whenever the same is drawn."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    image, content = _drawn(figure), io.BytesIO()
    # Few colors are in a figure: a palette makes it four times smaller, and no eye sees it.
    drawn_colors = image.convert("RGB")
    palette = Image.new("P", (1, 1))
    found = drawn_colors.quantize(_COLORS - len(_KEPT), dither=Image.Dither.NONE).getpalette() or []
    palette.putpalette([*(part for color in _KEPT for part in ImageColor.getrgb(color)), *found])
    drawn_colors.quantize(palette=palette, dither=Image.Dither.NONE).save(content, format="png", optimize=True)
    return content.getvalue()


def _drawn(figure: Figure) -> Image.Image:
    """The pixels: what ``savefig`` gives, which draws twice, once to give the axes their places; a draw does that anyway."""
    before = figure.canvas, figure.get_dpi(), figure.get_facecolor()
    canvas = FigureCanvasAgg(figure)
    try:
        with applied():
            figure.set_dpi(DPI)
            figure.set_facecolor("white")
            canvas.draw()
        return Image.fromarray(np.asarray(canvas.buffer_rgba()))
    finally:
        figure.set_dpi(before[1])
        figure.set_facecolor(before[2])
        figure.set_canvas(before[0])


def draw(plot: Callable[[Any], Axes], result: Result | NotPossible) -> None:
    """Show the figure of a result that a report can do without; say in a line why where there is nothing to draw.

    Parameters
    ----------
    plot : callable
        A plot function of kam that takes a result.
    result : Result or NotPossible
        What to draw; nothing is shown in the place of a result that could not be made.
    """
    from IPython import display

    if not result:
        return
    try:
        show(plot(result))
    except KamError as error:
        display.display(display.HTML(f"<p>{escape(error.what)}</p>"))


def show(ax: Axes) -> None:
    """Show a figure in a notebook, once, as a PNG with its alternative text, and close it.

    The text travels as the output's metadata (``image/png`` → ``alt``), where the report finds it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        What a plot function of kam returned.

    Raises
    ------
    ParameterError
        The axes are not from a plot function of kam.
    """
    from IPython import display

    text = describe(ax)
    display.display(display.Image(data=to_png(ax), format="png", alt=text))
    plt.close(ax.get_figure(root=True))
