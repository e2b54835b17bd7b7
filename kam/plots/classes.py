"""Figures of the ABC-XYZ classes: the matrix, and how sure each account's class is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kam.plots import style
from kam.plots.labels import spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.identify.abc_xyz import AbcXyzResult

_ABC = ["A", "B", "C"]
_MOST_POINTS = 2500
_XYZ = ["X", "Y", "Z", "new", "ended"]


def plot_abc_xyz(result: AbcXyzResult, *, ax: Axes | None = None) -> Axes:
    """Customers and their share of the value by class of value (ABC) and of regularity (XYZ).

    Parameters
    ----------
    result : AbcXyzResult
        From :func:`kam.identify.classify_abc_xyz`; ``matrix`` is drawn, ``classes`` label the rows.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Three by five cells shaded by share of value: A on top, X at the left.
    """
    say = result.context.wording
    cells = pd.MultiIndex.from_product([_ABC, _XYZ])
    matrix = result.matrix.set_index(["abc_class", "xyz_class"])[["n_customers", "share_value"]].reindex(
        cells, fill_value=0
    )
    count = matrix["n_customers"].to_numpy(dtype=int).reshape(3, 5)
    share = matrix["share_value"].to_numpy(dtype=float).reshape(3, 5)
    n_class = count.sum(axis=1)
    title = (
        say.plural(
            "One of {n_all} class A accounts orders regularly (X): {share} of the value",
            "{n} of {n_all} class A accounts order regularly (X): {share} of the value",
            int(count[0, 0]),
            n_all=say.count(n_class[0]),
            share=say.share(share[0, 0]),
        )
        if count[0, 0]
        else say.sentence("No class A account orders regularly (X)")
    )
    names = {
        "X": say.sentence("X\nregular"),
        "Y": say.sentence("Y\nvarying"),
        "Z": say.sentence("Z\nirregular"),
        "new": say.sentence("new\ntoo few orders"),
        "ended": say.sentence("ended\nsilent"),
    }
    with style.applied():
        ax = style.take_axes(ax, height=4.4)
        style.draw_cells(
            ax,
            share,
            [[say.count(n) if n else "" for n in row] for row in count],
            [[say.share(s) for s in row] for row in share],
            rows=[
                say.plural("{name}\n{n} account", "{name}\n{n} accounts", int(n), name=name)
                for name, n in zip(_ABC, n_class, strict=True)
            ],
            columns=[names[name] for name in _XYZ],
        )
        ax.set_ylabel(say.sentence("class by value"))
        ax.set_xlabel(
            say.sentence("class by regularity of orders")
            + "\n"
            + say.sentence("in each cell: accounts, and their share of the value")
        )
        largest = [
            say.sentence(
                "{cell}: {n} accounts, {share}",
                cell=say.join(cells[k]),
                n=say.count(count.flat[k]),
                share=say.share(share.flat[k]),
            )
            for k in np.argsort(-share, axis=None, kind="stable")[:3]
        ]
        description = say.sentence(
            "Table of ABC by XYZ classes; the cells worth most are {cells}.", cells=say.join(largest, ";")
        )
        return style.finish(ax, title=title, description=description, context=result.context)


def plot_class_stability(result: AbcXyzResult, *, sure: float = 0.8, ax: Axes | None = None) -> Axes:
    """How often each account would get its ABC class again, along the rank by value.

    Classes are sure in their middle and unsure at their borders: an account near a border is in its class by chance.

    Parameters
    ----------
    result : AbcXyzResult
        From :func:`kam.identify.classify_abc_xyz`; ``customers`` are drawn, ``classes`` are named.
    sure : float
        Share of re-runs from which on a class is called sure, 0 to 1; points below are in another color.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One point per account: rank by value, share of re-runs in which it keeps its class. Of many accounts, 2,500 are drawn,
        evenly along the rank.
    """
    say = result.context.wording
    customers = result.customers.sort_values("value", ascending=False, kind="stable")
    again = customers["p_same_class"].to_numpy(dtype=float)
    rank = np.arange(1, again.size + 1)
    classes = result.classes[result.classes["n_customers"] > 0].set_index("abc_class")
    n_a = int(classes["n_customers"].get("A", 0))
    n_sure = int(((customers["abc_class"] == "A") & (again >= sure)).sum())
    title = say.plural(
        "One of {n_all} class A accounts is sure of its class: A again in at least {p} of re-runs",
        "{n} of {n_all} class A accounts are sure of their class: A again in at least {p} of re-runs",
        n_sure,
        n_all=say.count(n_a),
        p=say.share(sure, 0),
    )
    with style.applied():
        ax = style.take_axes(ax, height=4.4)
        ax.axhline(sure, color=style.GREY, lw=1.2, ls=(0, (4, 3)))
        shown = np.unique(np.linspace(0, again.size - 1, _MOST_POINTS).astype(int))
        for part, color in ((shown[again[shown] >= sure], style.ACCENT), (shown[again[shown] < sure], style.WARN)):
            ax.scatter(rank[part], again[part], s=14, color=color, alpha=0.4, linewidths=0, clip_on=False)
        ends = classes["n_customers"].cumsum().to_numpy()
        ax.vlines(ends[:-1] + 0.5, 0, 1, color=style.SOFT, lw=1)
        middles = (ends - classes["n_customers"].to_numpy() / 2) / again.size
        kept = [say.sentence("{p} keep it", p=say.share(p, 0)) for p in classes["p_same_class"]]
        for name, words, place in zip(
            classes.index, kept, spread(middles, np.full(middles.size, 0.19), 0, 1), strict=True
        ):
            ax.text(
                place, 0.87, say.sentence("class {name}", name=name) + f"\n{words}", transform=ax.transAxes, ha="center",
                va="bottom", size=style.SMALL, linespacing=1.3,
            )  # fmt: skip
        ax.set_xlim(0.5, again.size + 0.5)
        low = min(0.4, np.floor(again.min() * 5) / 5)
        ax.set_ylim(low, 1 + (1 - low) * 0.22)
        style.set_ticks(ax.yaxis, low, 1, style.percent(say))
        style.set_ticks(ax.xaxis, 1, again.size, say.count)
        ax.set_xlabel(say.sentence("accounts by value, the largest is 1"))
        ax.set_ylabel(say.sentence("re-runs with the same class (%)"))
        description = say.sentence(
            "Points for accounts along the rank by value; on average, by class, {classes}; least sure are the accounts at the"
            " borders between classes.",
            classes=say.listing([f"{name}: {words}" for name, words in zip(classes.index, kept, strict=True)]),
        )
        return style.finish(ax, title=title, description=description, context=result.context)
