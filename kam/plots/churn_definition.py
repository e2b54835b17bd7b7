"""Figure of the churn definition: how many come back after how long a silence, and where "lost" begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kam.plots import style
from kam.wording import N_

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.definition import ChurnDefinitionResult

_SILENT = {"month": N_("silent months"), "quarter": N_("silent quarters"), "year": N_("silent years")}


def plot_return_share(result: ChurnDefinitionResult, *, ax: Axes | None = None) -> Axes:
    """Share of silent customers who still come back, by how long they have been silent, with the k that means "lost".

    Parameters
    ----------
    result : ChurnDefinitionResult
        From :func:`kam.churn.churn_definition`; ``return_shares`` is drawn, ``k`` and ``max_return_share`` are marked.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        The curve with its interval; in grey what it would be if silences that still run were final. Shares run from 0 to 1 and
        are labelled in percent.
    """
    say = result.context.wording
    table = result.return_shares
    x, share = table["k"].to_numpy(), table["return_share"].to_numpy()
    row = table[table["k"] == result.k]
    silent = say.periods(result.k, result.freq)
    limit = say.share(result.max_return_share, 0)
    if row.empty:
        title = say.sentence("Silent for {k} means lost: nobody was followed for longer", k=silent)
        at = say.sentence("lost after {k}", k=silent)
    else:
        shown = say.share(row["return_share"].iloc[0])
        title = say.sentence("Silent for {k} means lost: {share} of them still come back", k=silent, share=shown)
        if result.gap_multiple is not None:
            title = say.sentence("Where no own rhythm is known: {title}", title=title[:1].lower() + title[1:])
        at = say.sentence("{k}: {share} come back", k=silent, share=shown)
        if row["ci_low"].notna().all():
            low, high = (say.share(row[name].iloc[0]) for name in ("ci_low", "ci_high"))
            at += "\n" + say.interval(low, high, result.level)
    with style.applied():
        ax = style.take_axes(ax, height=4.4)
        last = max(int(x.max(initial=1)), result.k)
        ax.set_xlim(min(1, last - 1), last + 0.02 * last)
        ax.set_ylim(0, 1.02)
        ax.axhline(result.max_return_share, color=style.WARN, lw=1.3, ls=(0, (4, 3)))
        ax.axvline(result.k, color=style.SOFT, lw=1)
        ax.fill_between(x, table["ci_low"], table["ci_high"], color=style.WASH, linewidth=0)
        ax.plot(x, table["share_naive"], color=style.GREY, lw=1.6)
        ax.plot(x, share, color=style.ACCENT, lw=2.6, solid_capstyle="round")
        _name_curves(ax, result)
        if not row.empty:
            ax.plot(result.k, row["return_share"].iloc[0], "o", color=style.ACCENT, ms=7, zorder=4, clip_on=False)
        right = result.k > 0.5 * last
        ax.annotate(
            at, (result.k, 0.97), (-6 if right else 6, 0), textcoords="offset points", ha="right" if right else "left", va="top",
            size=style.SIZE, linespacing=1.35, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip
        style.set_ticks(ax.xaxis, 1, last, say.count, n=8)
        style.set_ticks(ax.yaxis, 0, 1, style.percent(say))
        ax.set_xlabel(say.text(_SILENT[result.freq]))
        ax.set_ylabel(say.sentence("still come back (%)"))
        points = [
            say.sentence("{share} after {k}", share=say.share(share[i]), k=say.periods(int(x[i]), result.freq))
            for i in np.unique(np.linspace(0, len(x) - 1, 5).round().astype(int))
            if len(x)
        ]
        description = say.sentence(
            "Falling curve of the share of silent customers who come back: {points}. The dashed line is the limit, {limit}.",
            points=say.listing(points),
            limit=limit,
        )
        return style.finish(ax, title=title, description=description, context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _name_curves(ax: Axes, result: ChurnDefinitionResult) -> None:
    """Say beside each line what it is: the curve above itself, the grey one below, the limit where it leaves room."""
    say, table, limit = result.context.wording, result.return_shares, result.max_return_share
    left, right = ax.get_xlim()
    above = table[table["return_share"] <= 0.55].head(1)
    for x, y in zip(above["k"], above["return_share"], strict=True):
        _name(ax, (x, y), (8, 4), say.text("as far as the data follow them"), style.ACCENT)
    under = float(np.interp(left + 0.41 * (right - left), table["k"], table["share_naive"])) if len(table) else 0.0
    if under > limit + 0.06:
        _name(ax, (left, under), (6, -14), say.text("counting those silent now as gone"), style.SOFT)
    limit_name = say.sentence("at most {limit} may come back", limit=say.share(limit, 0))
    _name(ax, (right, limit), (-4, 5), limit_name, style.WARN, align="right")


def _name(
    ax: Axes, point: tuple[float, float], offset: tuple[int, int], text: str, color: str, align: str = "left"
) -> None:
    ax.annotate(
        text, point, offset, textcoords="offset points", color=color, size=style.SMALL, ha=align,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )  # fmt: skip
