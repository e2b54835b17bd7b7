"""Figures of concentration: the Lorenz curve, and the largest customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kam.columns import GLOSSARY
from kam.identify.concentration import ConcentrationResult
from kam.plots import style
from kam.plots.fonts import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.identify.key_accounts import KeyAccountsResult

_MOST_POINTS = 4000


def plot_lorenz(concentration: ConcentrationResult, *, ax: Axes | None = None) -> Axes:
    """Cumulative share of the value over customers, largest first (Pareto's reading of the Lorenz curve).

    The largest customers up to ``concentration.top`` are shaded; the dashed line is a portfolio of equals.

    Parameters
    ----------
    concentration : ConcentrationResult
        From :func:`kam.identify.concentration`; ``curve`` is drawn, ``measures`` are named.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Both axes run from 0 to 1 and are labelled in percent.
    """
    say = concentration.context.wording
    what = say.base(concentration.measure, concentration.base)
    curve = concentration.curve
    x = np.concatenate([[0.0], curve["cum_share_customers"].to_numpy()])
    y = np.concatenate([[0.0], curve["cum_share_value"].to_numpy()])
    at = int(np.searchsorted(x, concentration.top - 1e-9))
    measures = concentration.measures
    of_top = measures.loc[measures["term"] == "top_share", ["estimate", "ci_low", "ci_high"]]
    held, low, high = of_top.to_numpy(dtype=float)[0].tolist()
    n_for_share = round(concentration.estimate("n_customers_for_share"))
    title = say.plural(
        "One of {n_all} customers brings {share} of {what}",
        "{n} of {n_all} customers bring {share} of {what}",
        n_for_share,
        n_all=say.count(concentration.n_customers),
        share=say.share(concentration.share, 0),
        what=what,
    )
    point = say.sentence("{top} of customers", top=say.share(concentration.top, 0))
    point += "\n" + say.sentence("hold {share} of {what}", share=say.share(held, 0), what=what)
    if low == low:
        point += "\n" + say.interval(say.share(low), say.share(high))
    with style.applied():
        ax = style.take_axes(ax, height=4.5)
        shown = _thin_out(x.size, at)
        ax.fill_between(x[: at + 1], y[: at + 1], color=style.WASH, linewidth=0)
        ax.plot([x[at], x[at], 0], [0, y[at], y[at]], color=style.SOFT, lw=1)
        ax.plot([0, 1], [0, 1], color=style.GREY, lw=1.2, ls=(0, (4, 3)))
        ax.plot(x[shown], y[shown], color=style.ACCENT, lw=2.6, solid_capstyle="round", clip_on=False)
        ax.plot(x[at], y[at], "o", color=style.ACCENT, ms=7, clip_on=False)
        middle = 0.8 if y[at] < 0.8 else 0.4  # clear of the point's words
        ax.text(
            middle, middle - 0.025, say.sentence("if all were equal"), rotation=45, transform_rotates_text=True,
            rotation_mode="anchor", ha="center", va="top", color=style.SOFT, size=style.SMALL,
        )  # fmt: skip
        _name_point(ax, float(x[at]), float(y[at]), point)
        peak = max(1.0, float(y.max()))
        ax.set_xlim(0, 1)
        ax.set_ylim(min(0.0, float(y.min())), peak * 1.02)
        style.set_ticks(ax.xaxis, 0, 1, style.percent(say))
        style.set_ticks(ax.yaxis, 0, peak if peak > 1.2 else 1, style.percent(say))
        ax.set_xlabel(say.sentence("customers, largest first (%)"))
        ax.set_ylabel(say.sentence("cumulative {what} (%)", what=what))
        description = say.sentence(
            "Lorenz curve of {what}: the largest {top} of customers hold {held}, the largest half {half}; a straight line would "
            "mean that all were equal.",
            what=what,
            top=say.share(concentration.top, 0),
            held=say.share(held),
            half=say.share(y[np.searchsorted(x, 0.5 - 1e-9)]),
        )
        return style.finish(ax, title=title, description=description, context=concentration.context)


def _name_point(ax: Axes, x: float, y: float, text: str) -> None:
    """Say what the point on the curve means, where neither the curve nor the line of equals runs."""
    if y < 0.6:  # a flat curve: above it
        place, ha, va = (0.03, 0.97), "left", "top"
    elif x > 0.5:  # a handful of customers: to the left of the point, below
        place, ha, va = (x - 0.05, 0.35), "right", "top"
    else:
        place, ha, va = (x + 0.075, y - 0.07), "left", "top"
    ax.annotate(
        text, (x, y), place, ha=ha, va=va, size=style.SIZE, linespacing=1.35,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
        arrowprops={"arrowstyle": "-", "color": style.SOFT, "lw": 1, "shrinkA": 0, "shrinkB": 4},
    )  # fmt: skip


def _thin_out(n: int, keep: int) -> np.ndarray:
    """Which of n points to draw: all, or a few thousand that lie densest at the steep end."""
    if n <= _MOST_POINTS:
        return np.arange(n)
    steep = np.geomspace(1, n - 1, _MOST_POINTS // 2)
    even = np.linspace(0, n - 1, _MOST_POINTS // 2)
    return np.unique(np.concatenate([steep, even, [keep]]).astype(int))


def plot_largest(result: ConcentrationResult | KeyAccountsResult, *, ax: Axes | None = None) -> Axes:
    """Bars of the twelve largest customers, each with its value and its share of the whole.

    Parameters
    ----------
    result : ConcentrationResult or KeyAccountsResult
        Of a concentration, customers go by their id and all bars are alike. Of key accounts, they go by their name, and those
        are in color that would be in class A again in at least ``min_certainty`` of the re-runs.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        The largest on top; a name that no font here can draw is replaced by the id.
    """
    say = result.context.wording
    if isinstance(result, ConcentrationResult):
        largest = result.curve.head(12)
        labels = [one_line(customer) for customer in largest["customer_id"]]
        sure = np.ones(len(largest), dtype=bool)
        title = say.plural(
            "The largest customer holds {share} of {what}",
            "The {n} largest customers hold {share} of {what}",
            len(largest),
            share=say.share(largest["share_value"].sum()),
            what=say.base(result.measure, result.base),
        )
        axis = say.label(result.measure) if result.measure in GLOSSARY else result.measure
    else:
        largest = result.accounts.sort_values("rank").head(12)
        labels = [one_line(n, fallback=i) for n, i in zip(largest["name"], largest["customer_id"], strict=True)]
        sure = ((largest["abc_class"] == "A") & (largest["p_same_class"] >= result.min_certainty)).to_numpy()
        title = say.sentence(
            "{n} of the {n_all} largest accounts are surely class A",
            n=say.count(sure.sum()),
            n_all=say.count(len(largest)),
        )
        axis = say.label("value")
        axis += "\n" + say.sentence(
            "in color: class A again in at least {p} of re-runs", p=say.share(result.min_certainty, 0)
        )
    values = largest["value"].to_numpy(dtype=float)
    form = style.short_money(say, float(np.abs(values).max()))
    notes = [f"{form(v)} · {say.share(s)}" for v, s in zip(values, largest["share_value"], strict=True)]
    with style.applied():
        ax = style.take_axes(ax, height=1.55 + 0.3 * len(largest))
        style.draw_bars(ax, labels, list(values), notes, [style.ACCENT if one else style.GREY for one in sure])
        style.set_ticks(ax.xaxis, *ax.get_xlim(), form)
        ax.set_xlabel(axis)
        description = say.sentence(
            "Bars, largest first: {list}.",
            list=say.listing([f"{label} {note}" for label, note in zip(labels, notes, strict=True)]),
        )
        return style.finish(ax, title=title, description=description, context=result.context)
