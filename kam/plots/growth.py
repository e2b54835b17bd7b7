"""Figures of the growth list: who may become class A, and whether such lists were right before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.font_manager import FontProperties

from kam.errors import EmptyDataError
from kam.plots import style
from kam.plots.fonts import one_line
from kam.plots.labels import fit_lines, share_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.identify.growth import GrowthResult
    from kam.wording import Wording

MOST_NAMES = 10
"""Accounts that are drawn."""
NAME_POINTS = 170.0
"""A longer name is cut off."""


def plot_growth_candidates(result: GrowthResult, *, ax: Axes | None = None) -> Axes:
    """The first accounts of the growth list: the chance of class A with its interval, and what each spends elsewhere.

    Parameters
    ----------
    result : GrowthResult
        From :func:`kam.identify.growth`; the first ten of ``candidates`` that are named.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One line per account, the first on top, with what it brings and spends elsewhere beside it.

    Raises
    ------
    EmptyDataError
        No chance was estimated.
    """
    say = result.context.wording
    named = result.candidates[result.candidates["is_named"] & result.candidates["p_become_a"].notna()].head(MOST_NAMES)
    if named.empty:
        raise EmptyDataError(
            "There is no chance of class A to draw.", hint="Take a shorter horizon or a longer history."
        )
    font = FontProperties(size=style.SIZE)
    labels = [
        fit_lines(one_line(name, fallback=customer), font, NAME_POINTS, most=1)[0]
        for name, customer in zip(named["name"], named["customer_id"], strict=True)
    ]
    p, low, high = (named[name].to_numpy(dtype=float) for name in ("p_become_a", "p_become_low", "p_become_high"))
    form = style.short_money(say, float(named["value"].max()))
    notes = [
        form(value) if gap != gap else say.sentence("{value} + {gap}", value=form(value), gap=form(gap))
        for value, gap in zip(named["value"], named["elsewhere"], strict=True)
    ]
    title = say.sentence(
        "The first {n} on the growth list: {low} to {high} likely to be class A within {months}",
        n=say.count(len(named)),
        low=share_text(float(p.min()), say, 0),
        high=share_text(float(p.max()), say, 0),
        months=say.periods(result.horizon, "month"),
    )
    with style.applied():
        ax = style.take_axes(ax, height=1.9 + 0.34 * len(named))
        places = np.arange(len(named), dtype=float)
        ax.hlines(places, low, high, color=style.GREY, lw=5, capstyle="round", zorder=2)
        ax.plot(p, places, "o", color=style.ACCENT, ms=9, zorder=3)
        for place, note in zip(places.tolist(), notes, strict=True):
            ax.text(1.03, place, note, va="center", size=style.SIZE)
        ax.set_xlim(0, 1.4 if named["elsewhere"].notna().any() else 1.2)
        ax.set_ylim(len(named) - 0.4, -0.6)
        ax.set_yticks(places, labels, color=style.INK, size=style.SIZE)
        ax.tick_params(axis="y", length=0)
        style.set_ticks(ax.xaxis, 0, 1, style.percent(say))
        ax.spines["bottom"].set_bounds(0, 1)
        ax.set_xlabel(f"{say.label('p_become_a')}\n{_legend(result, say)}")
        description = say.sentence(
            "Chances with intervals: {list}.",
            list=say.join(
                (
                    say.sentence(
                        "{name} {p} ({low} to {high}), {note}",
                        name=label,
                        p=say.share(x, 0),
                        low=say.share(a, 0),
                        high=say.share(b, 0),
                        note=note,
                    )
                    for label, x, a, b, note in zip(labels, p, low, high, notes, strict=True)
                ),
                ";",
            ),
        )
        return style.finish(ax, title=title, description=description, context=result.context)


def plot_growth_backtest(result: GrowthResult, *, ax: Axes | None = None) -> Axes:
    """Of lists of several lengths: which share of the named became class A, named by forecast and by revenue.

    Parameters
    ----------
    result : GrowthResult
        From :func:`kam.identify.growth`; ``lists`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Two bars per length, with the counts.

    Raises
    ------
    EmptyDataError
        There was no back-test.
    """
    say = result.context.wording
    lists = result.lists
    if lists.empty:
        raise EmptyDataError("There was no back-test to draw.", hint="Take a shorter horizon or a longer history.")
    test = result.tested
    title = say.sentence(
        "Of {n} accounts named by forecast {model} became class A, of as many named by revenue {plain}",
        n=say.count(test["n_all_named"]),
        model=say.count(test["n_by_model"]),
        plain=say.count(test["n_by_revenue"]),
    )
    with style.applied():
        ax = style.take_axes(ax, height=2.1 + 0.6 * len(lists))
        places = np.arange(len(lists), dtype=float)
        every = lists["n_all_named"].to_numpy(dtype=float)
        for name, offset, color in (("n_by_model", -0.19, style.ACCENT), ("n_by_revenue", 0.19, style.GREY)):
            found = lists[name].to_numpy(dtype=float)
            ax.barh(places + offset, found / every, height=0.36, color=color)
            for place, n, all_named in zip(places + offset, found, every, strict=True):
                text = say.sentence("{found} of {named}", found=say.count(n), named=say.count(all_named))
                ax.annotate(
                    text, (n / all_named, place), (5, 0), textcoords="offset points", va="center", size=style.SMALL
                )
        ax.set_xlim(0, 1.2 * max(float((lists[["n_by_model", "n_by_revenue"]].max(axis=1) / every).max()), 0.05))
        ax.set_ylim(len(lists) - 0.4, -0.6)
        ax.set_yticks(places, [say.sentence("first {n}", n=say.count(n)) for n in lists["n_named"]], color=style.INK)
        ax.tick_params(axis="y", length=0)
        style.set_ticks(ax.xaxis, 0, ax.get_xlim()[1], style.percent(say))
        ax.set_xlabel(
            "\n".join(
                [
                    say.sentence(
                        "of those named, became class A within {m} (%)", m=say.periods(result.horizon, "month")
                    ),
                    say.sentence("blue: named by forecast; grey: the largest by revenue"),
                ]
            )
        )
        description = say.sentence(
            "Bars by length of list: {list}.",
            list=say.join(
                (
                    say.sentence(
                        "first {n}: {model} by forecast, {plain} by revenue, of {named}",
                        n=say.count(row["n_named"]),
                        model=say.count(row["n_by_model"]),
                        plain=say.count(row["n_by_revenue"]),
                        named=say.count(row["n_all_named"]),
                    )
                    for row in lists.to_dict("records")
                ),
                ";",
            ),
        )
        return style.finish(ax, title=title, description=description, context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _legend(result: GrowthResult, say: Wording) -> str:
    lines = [say.sentence("at the right: {value}, twelve months", value=say.label("revenue"))]
    if result.candidates["elsewhere"].notna().any():
        lines.append(say.sentence("+ what it spends elsewhere a year, where known"))
    return "\n".join(lines)
