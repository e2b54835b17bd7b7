"""Figures of RFM: frequency with monetary value (what customers are worth), frequency with recency (who is slipping away)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kam.columns import GLOSSARY
from kam.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.identify.rfm import RfmResult
    from kam.wording import Wording

_SCORES = [1, 2, 3, 4, 5]


def plot_rfm_fm(result: RfmResult, *, ax: Axes | None = None) -> Axes:
    """Customers and their value by frequency and monetary score; framed: 4 or 5 on both.

    Parameters
    ----------
    result : RfmResult
        From :func:`kam.identify.score_rfm`; ``fm_table`` is drawn, ``cuts`` label the scores.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Five by five cells shaded by value: the most frequent on top, the largest at the right.
    """
    say = result.context.wording
    table = result.fm_table
    best = table[(table["f_score"] >= 4) & (table["m_score"] >= 4)]
    title = say.plural(
        "One account orders often and buys much: it brings {value} of {total} {what}",
        "{n} accounts order often and buy much: they bring {value} of {total} {what}",
        int(best["n_customers"].sum()),
        value=say.money_short(best["value"].sum()),
        total=say.money_short(table["value"].sum()),
        what=_monetary_name(result, say),
    )
    with style.applied():
        ax = style.take_axes(ax, height=5.4)
        _draw(ax, result, table, "m_score", "monetary")
        style.frame_cells(ax, (3, 0), (2, 2), say.sentence("often and much"), color=style.INK)
        return style.finish(ax, title=title, description=_description(table, "m_score", say), context=result.context)


def plot_rfm_fr(result: RfmResult, *, ax: Axes | None = None) -> Axes:
    """Customers and their value by frequency and recency score; framed: frequency 4 or 5, recency 1 or 2, who is slipping away.

    Parameters
    ----------
    result : RfmResult
        From :func:`kam.identify.score_rfm`; ``fr_table`` is drawn, ``cuts`` label the scores.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Five by five cells shaded by value: the most frequent on top, the longest silent at the left.
    """
    say = result.context.wording
    table = result.fr_table
    gone = table[(table["f_score"] >= 4) & (table["r_score"] <= 2)]
    n = int(gone["n_customers"].sum())
    title = (
        say.plural(
            "One frequent buyer ordered longer ago than most: {value} {what}",
            "{n} frequent buyers ordered longer ago than most: {value} {what}",
            n,
            value=say.money_short(gone["value"].sum()),
            what=_monetary_name(result, say),
        )
        if n
        else say.sentence("No frequent buyer ordered longer ago than most")
    )
    with style.applied():
        ax = style.take_axes(ax, height=5.4)
        _draw(ax, result, table, "r_score", "recency")
        style.frame_cells(ax, (0, 0), (2, 2), say.sentence("slipping away"), color=style.WARN)
        return style.finish(ax, title=title, description=_description(table, "r_score", say), context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _draw(ax: Axes, result: RfmResult, table: pd.DataFrame, across: str, dimension: str) -> None:
    say = result.context.wording
    heads = {
        "recency": say.sentence("recency score, by days since the last order"),
        "monetary": say.sentence("monetary score, by {what}", what=say.label(result.monetary))
        if result.monetary in GLOSSARY
        else say.sentence("monetary score"),
    }
    up = _SCORES[::-1]
    value = table.pivot(index="f_score", columns=across, values="value").loc[up, _SCORES]
    count = table.pivot(index="f_score", columns=across, values="n_customers").loc[up, _SCORES]
    style.draw_cells(
        ax,
        value.to_numpy(dtype=float),
        [[say.count(n) if n else "" for n in row] for row in count.to_numpy()],
        [[say.money_short(v) for v in row] for row in value.to_numpy()],
        rows=[_with_range(result, "frequency", score, say) for score in up],
        columns=[_with_range(result, dimension, score, say) for score in _SCORES],
    )
    ax.set_ylabel(say.sentence("frequency score"))
    ax.set_xlabel(heads[dimension] + "\n" + say.sentence("in each cell: accounts, and what they are worth"))


def _with_range(result: RfmResult, dimension: str, score: int, say: Wording) -> str:
    """A score and, below it, the values that got it."""
    cuts = result.cuts
    row = cuts[(cuts["term"] == dimension) & (cuts["score"] == score)]
    if row.empty:
        return say.count(score)
    low, high = float(row["low"].iloc[0]), float(row["high"].iloc[0])
    form = style.short_money(say, 1e5) if dimension == "monetary" else say.count
    shown = form(low) if form(low) == form(high) else f"{form(low)}–{form(high)}"
    if dimension == "frequency":
        shown = say.sentence("{range} orders", range=shown) if high > 1 else say.sentence("1 order")
    return f"{say.count(score)}\n{shown}"


def _monetary_name(result: RfmResult, say: Wording) -> str:
    return say.sentence(GLOSSARY[result.monetary].label) if result.monetary in GLOSSARY else result.monetary


def _description(table: pd.DataFrame, across: str, say: Wording) -> str:
    names = {"m_score": say.sentence("monetary"), "r_score": say.sentence("recency")}
    best = table.nlargest(3, "value")
    cells = [
        say.sentence(
            "frequency {f} and {name} {other}: {n} accounts, {value}",
            f=f,
            name=names[across],
            other=other,
            n=say.count(n),
            value=say.money_short(value),
        )
        for f, other, n, value in zip(best["f_score"], best[across], best["n_customers"], best["value"], strict=True)
    ]
    return say.sentence("Table of 25 cells by score; the cells worth most are {cells}.", cells=say.join(cells, ";"))
