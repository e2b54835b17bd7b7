"""Figure of the post-mortem: what stood out before large accounts were lost, beside accounts that stayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kam.churn.post_mortem_words import say_how_many
from kam.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.post_mortem import PostMortemResult


def plot_post_mortem(result: PostMortemResult, *, ax: Axes | None = None) -> Axes:
    """At which share of the large accounts that went each thing stood out before the end, beside comparable ones that stayed.

    Those that went are lost, or silent beyond their own rhythm.

    Parameters
    ----------
    result : PostMortemResult
        From :func:`kam.churn.post_mortem`; ``patterns`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One row per thing, the most frequent on top: a dot with its interval for these, a grey ring for those that stayed;
        shares from 0 on, labelled in percent.
    """
    say = result.context.wording
    table = result.patterns.sort_values(["share_notable", "peers_notable"], ascending=True, ignore_index=True)
    y = np.arange(len(table))
    more = table["stands_out"] & (table["share_notable"] > table["peers_notable"])
    colors = [style.WARN if one else style.ACCENT for one in more]
    with style.applied():
        ax = style.take_axes(ax, height=1.6 + 0.42 * len(table))
        share, low, high, peers = (
            table[name].to_numpy(dtype=float) for name in ("share_notable", "ci_low", "ci_high", "peers_notable")
        )
        for at, color in zip(y, colors, strict=True):
            ax.plot([low[at], high[at]], [at, at], color=color, lw=2.4, alpha=0.45, solid_capstyle="round")
            ax.plot(share[at], at, "o", color=color, ms=8, zorder=3, clip_on=False)
            ax.plot(peers[at], at, "o", color=style.SOFT, markerfacecolor="white", markeredgewidth=1.6, ms=7, zorder=4)
        ax.set_ylim(-0.6, len(table) - 0.4)
        top = min(1.0, float(high.max()) * 1.05)
        ax.set_xlim(0, top)
        ax.set_yticks(y, [say.text(str(term)) for term in table["term"]], color=style.INK)
        ax.tick_params(axis="y", length=0, pad=8)  # a dot at zero reaches over the axis
        style.set_ticks(ax.xaxis, 0, top, style.percent(say))
        legend = say.sentence(
            "dot: {these}, with {level} interval; ring: those that stayed",
            these=_these(result),
            level=say.share(result.level, 0),
        )
        ax.set_xlabel(f"{say.sentence('stood out at (% of accounts)')}\n{legend}", x=1, ha="right")
        parts = [
            say.sentence(
                "{term}: {share} of {n}, {peers} of those that stayed",
                term=say.text(str(row["term"])),
                share=say.share(row["share_notable"], 0),
                n=say.count(row["n_customers"]),
                peers=say.share(row["peers_notable"], 0) if row["peers_notable"] == row["peers_notable"] else "–",
            )
            for _, row in table[::-1].iterrows()
        ]
        description = say.sentence("One row for each thing looked at. {parts}.", parts=say.join(parts, ";"))
        title = _title(result)
        return style.finish(ax, title=title, description=description, context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _title(result: PostMortemResult) -> str:
    say = result.context.wording
    table = result.patterns
    more = table[table["stands_out"] & (table["share_notable"] > table["peers_notable"])].sort_values("p_value")
    who = say_how_many(say, result.n_lost, result.n_rhythm)
    if more.empty:
        return say.sentence("{who}; before, nothing stood out more often than at those that stayed", who=who)
    row = more.iloc[0]
    return say.sentence(
        "{who}; before, {term} stood out at {share} of these, at {peers} of those that stayed",
        who=who,
        share=say.share(row["share_notable"], 0),
        term=say.text(str(row["term"])),
        peers=say.share(row["peers_notable"], 0),
    )


def _these(result: PostMortemResult) -> str:
    say = result.context.wording
    if not result.n_rhythm:
        return say.sentence("lost")
    return (
        say.sentence("lost or silent beyond its rhythm") if result.n_lost else say.sentence("silent beyond its rhythm")
    )
