"""Figure of contribution against cost to serve: one mark per account, in four quadrants."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from kam.errors import UndefinedMeasureError
from kam.identify.profit_quadrants import HIGH_HIGH, HIGH_LOW, LOW_HIGH, LOW_LOW
from kam.identify.profitability import ProfitabilityResult
from kam.plots import style
from kam.plots.fonts import one_line, set_fonts, width_in_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]

MOST_LABELS = 5
"""Accounts that are named: the large ones that lose most."""
_CORNERS = {HIGH_LOW: (0, 1), HIGH_HIGH: (1, 1), LOW_LOW: (0, 0), LOW_HIGH: (1, 0)}
_APART = 0.16  # of the distance from the cut to infinity, between two ticks
_AWAY = 7.0  # points from a mark to its name


def plot_profit_quadrants(result: ProfitabilityResult, *, ax: Axes | None = None) -> Axes:
    """Accounts by cost to serve (x, share of revenue) and contribution (y, money), cut as the quadrants are.

    Both scales are stretched around the cut and squeezed far from it, so that small and giant accounts fit in one map: a value is
    drawn at d / (|d| + s), d its distance from the cut and s the usual distance.

    Parameters
    ----------
    result : ProfitabilityResult
        From :func:`kam.identify.profitability`; ``accounts`` is drawn, ``quadrants`` is named in the corners.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Orange: accounts that lose money; the largest of them by revenue with the largest loss have names. The axes run from below
        −1 to above 1, with labels in percent and money.

    Raises
    ------
    UndefinedMeasureError
        There are no quadrants: no account has both a revenue and a known cost to serve.
    """
    say = result.context.wording
    if result.profit_cut is None or result.serve_cut is None:
        raise UndefinedMeasureError(
            "There are no quadrants: no account has both a revenue and a known cost to serve.",
            hint="Give freight, trade terms, service costs or a rate of credit.",
        )
    shown = result.accounts[result.accounts["share_cost_to_serve"].notna()]
    share, profit = (shown[name].to_numpy(dtype=float) for name in ("share_cost_to_serve", "profit"))
    squeeze_x, squeeze_y = _squeeze(share, result.serve_cut), _squeeze(profit, result.profit_cut)
    x, y = squeeze_x(share), squeeze_y(profit)
    with style.applied():
        ax = style.take_axes(ax, height=5.6)
        ax.set_xlim(-1.04, 1.04)
        ax.set_ylim(-1.34, 1.34)
        ax.axvline(0, color=style.SOFT, lw=1.2, ls=(0, (5, 3)), zorder=1)
        ax.axhline(0, color=style.SOFT, lw=1.2, ls=(0, (5, 3)), zorder=1)
        losing = profit < 0
        many = len(x) > 200
        for part, color in ((~losing, style.ACCENT), (losing, style.WARN)):
            ax.scatter(
                x[part], y[part], s=14 if many else 36, color=color, alpha=0.5 if many else 0.9, linewidths=0, zorder=2
            )
        _set_ticks(ax, squeeze_x, squeeze_y, share, profit, result, say)
        corners = [_name_corner(ax, result, name, say) for name in _CORNERS]
        n_hidden = result.n_customers - len(shown)
        ax.set_xlabel("\n".join([say.label("share_cost_to_serve"), *_legend(n_hidden, say)]))
        ax.set_ylabel(say.label("profit"))
        title = ax.set_title(_title(result, say), loc="left").get_text()
        places = dict(zip(shown["customer_id"], np.column_stack([x, y]), strict=True))
        _name_losing(ax, result, places, corners)
        return style.finish(ax, title=title, description=_description(result, say), context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _squeeze(values: Floats, cut: float) -> Callable[[Floats], Floats]:
    """From values to places between −1 and 1; the cut is at 0, the usual distance from it half way out."""
    distance = np.abs(values - cut)
    usual = float(np.median(distance[distance > 0])) if (distance > 0).any() else abs(cut) or 1.0
    usual = max(usual, 0.02 * abs(cut))  # what is nearly equal stays near the cut
    return lambda v: (np.asarray(v, dtype=float) - cut) / (np.abs(np.asarray(v, dtype=float) - cut) + usual)


def _set_ticks(
    ax: Axes,
    squeeze_x: Callable[[Floats], Floats],
    squeeze_y: Callable[[Floats], Floats],
    share: Floats,
    profit: Floats,
    result: ProfitabilityResult,
    say: Wording,
) -> None:
    at, ticks = _choose_ticks(squeeze_x, share, result.serve_cut or 0.0)
    ax.set_xticks(
        at, [say.number(100 * tick, 0 if abs(100 * tick - round(100 * tick)) < 0.05 else 1) for tick in ticks]
    )
    at, ticks = _choose_ticks(squeeze_y, profit, result.profit_cut or 0.0)
    form = style.short_money(say, float(np.abs(profit).max(initial=1.0)))
    ax.set_yticks(at, [form(tick) for tick in ticks])


def _choose_ticks(squeeze: Callable[[Floats], Floats], values: Floats, cut: float) -> tuple[Floats, list[float]]:
    """The cut, and round values far enough apart where they are drawn, those with the fewest digits first."""
    largest = max(float(np.abs(values).max(initial=0.0)), abs(cut), 1e-6)
    powers = 10.0 ** np.arange(np.ceil(np.log10(largest)), np.ceil(np.log10(largest)) - 7, -1)
    tens, steps = powers, np.outer([5, 2], powers).ravel()
    low, high = float(values.min(initial=cut)), float(values.max(initial=cut))
    chosen = [cut]
    for tick in np.concatenate([[0.0], tens, -tens, steps, -steps]).tolist():
        inside = min(low, 0.0) <= tick <= max(high, 0.0)
        place = float(squeeze(np.array(tick)))
        if inside and all(abs(place - float(squeeze(np.array(other)))) >= _APART for other in chosen):
            chosen.append(float(tick))
    return np.array([float(squeeze(np.array(tick))) for tick in chosen]), chosen


def _quadrant(result: ProfitabilityResult, name: str) -> dict[str, Any]:
    rows = result.quadrants[result.quadrants["quadrant"] == name].to_dict("records")
    return {str(column): value for column, value in rows[0].items()}


def _name_corner(ax: Axes, result: ProfitabilityResult, name: str, say: Wording) -> Text:
    across, up = _CORNERS[name]
    row = _quadrant(result, name)
    words = {
        HIGH_LOW: say.sentence("high profit, low cost to serve"),
        HIGH_HIGH: say.sentence("high profit, high cost to serve"),
        LOW_LOW: say.sentence("low profit, low cost to serve"),
        LOW_HIGH: say.sentence("low profit, high cost to serve"),
    }
    text = words[name] + "\n"
    text += say.plural(
        "one account · {profit}", "{n} accounts · {profit}", row["n_customers"], profit=say.money_short(row["profit"])
    ) if row["n_customers"] else say.sentence("no account")  # fmt: skip
    return ax.annotate(
        text, (across, up), (-5 if across else 5, -4 if up else 4), xycoords="axes fraction",
        textcoords="offset points", ha="right" if across else "left", va="top" if up else "bottom", size=style.SMALL,
        color=style.INK, linespacing=1.25, zorder=5,
        path_effects=[withStroke(linewidth=3, foreground="white")],
    )  # fmt: skip


def _name_losing(ax: Axes, result: ProfitabilityResult, places: dict[str, Floats], corners: list[Text]) -> None:
    """Names beside the large accounts that lose most, each where it covers no other text."""
    named = result.large_losing[result.large_losing["customer_id"].isin(places.keys())].head(MOST_LABELS)
    if named.empty:
        return
    figure = ax.get_figure(root=True)
    assert figure is not None
    set_fonts([text for text in ax.findobj(Text) if isinstance(text, Text)], language=result.context.language)
    style.lay_out(figure)
    scale = 72 / figure.dpi
    window = ax.get_window_extent()
    taken: list[Box] = []
    for corner in corners:
        drawn = corner.get_window_extent()
        taken.append((drawn.x0 * scale, drawn.y0 * scale, drawn.x1 * scale, drawn.y1 * scale))
    for customer in named["customer_id"]:  # no name covers the mark of another
        across, up = ax.transData.transform(places[customer]) * scale
        taken.append((across - 3, up - 3, across + 3, up + 3))
    font, height = FontProperties(size=style.SMALL), 1.3 * style.SMALL
    for row in named.to_dict("records"):
        text = one_line(str(row["name"]), fallback=str(row["customer_id"]), width=26)
        width = width_in_points(text, font)
        place = places[str(row["customer_id"])]
        mark = ax.transData.transform(place) * scale
        best: tuple[float, float, float, Box] | None = None
        for right, up in product((1, -1), (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0)):
            dx, dy = _AWAY if right > 0 else -_AWAY - width, up * height
            left, low = mark[0] + dx, mark[1] + dy - height / 2
            box = (left, low, left + width, low + height)
            outside = left < window.x0 * scale or left + width > window.x1 * scale
            outside |= low < window.y0 * scale or low + height > window.y1 * scale
            cost = 50.0 * (outside + sum(_overlap(box, other) for other in taken)) + abs(up) + 0.1 * (right < 0)
            if best is None or cost < best[0]:
                best = (cost, dx, dy, box)
        assert best is not None
        cost, dx, dy, box = best
        ax.plot(*place, "o", ms=6, color=style.WARN, markeredgecolor="white", markeredgewidth=0.8, zorder=6)
        if cost >= 50:
            continue  # no room without covering a text: the table has it
        taken.append(box)
        ax.annotate(
            text, tuple(place), (dx, dy), textcoords="offset points", ha="left", va="center", size=style.SMALL,
            color=style.WARN, path_effects=[withStroke(linewidth=3, foreground="white")], zorder=7,
            arrowprops={"arrowstyle": "-", "color": style.WARN, "lw": 0.8, "shrinkA": 0, "shrinkB": 2, "relpos": (dx < 0, 0.5)}
            if dy
            else None,
        )  # fmt: skip


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _legend(n_hidden: int, say: Wording) -> list[str]:
    lines = [
        say.sentence("orange: loses money; names: large accounts that lose most"),
        say.sentence("both scales are squeezed far from the cuts"),
    ]
    if n_hidden:
        lines.append(
            say.plural(
                "one account without revenue or known cost to serve is not drawn",
                "{n} accounts without revenue or known cost to serve are not drawn",
                n_hidden,
            )
        )
    return lines


def _title(result: ProfitabilityResult, say: Wording) -> str:
    best = _quadrant(result, HIGH_LOW)
    if result.peak <= 0:
        return say.sentence("No account earns anything")
    return say.plural(
        "One account earns much at low cost to serve: {share} of all that is earned",
        "{n} accounts earn much at low cost to serve: {share} of all that is earned",
        best["n_customers"],
        share=say.share(max(float(best["profit"]), 0.0) / result.peak, 0),
    )


def _description(result: ProfitabilityResult, say: Wording) -> str:
    rows = [
        say.sentence(
            "{quadrant}: {n} accounts, contribution {profit}",
            quadrant=say.text(row["quadrant"]),
            n=say.count(row["n_customers"]),
            profit=say.money_short(row["profit"]),
        )
        for row in result.quadrants.to_dict("records")
    ]
    cuts = say.sentence(
        "Cut at {profit} and at {share} of revenue.",
        profit=say.money(result.profit_cut or 0.0),
        share=say.share(result.serve_cut or 0.0),
    )
    return say.join([say.sentence("Map of contribution and cost to serve. {list}.", list=say.join(rows, ";")), cuts])
