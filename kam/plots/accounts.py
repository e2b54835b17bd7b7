"""Figure of the key accounts: how many large accounts each criterion leaves."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from matplotlib.font_manager import FontProperties

from kam.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.identify.key_accounts import KeyAccountsResult

_LABEL_POINTS = 200.0


def plot_key_accounts(result: KeyAccountsResult, *, ax: Axes | None = None) -> Axes:
    """How many accounts are left after each criterion, the last bar being the key accounts.

    Parameters
    ----------
    result : KeyAccountsResult
        From :func:`kam.identify.identify_key_accounts`; ``criteria`` are drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One bar per criterion, in their order: accounts that meet it and all before it.
    """
    say = result.context.wording
    left = [int(n) for n in result.criteria["n_all_so_far"]]
    meanings = [str(meaning) for meaning in result.criteria["meaning"]]
    title = (
        say.plural(
            "One of {n_all} large accounts meets every criterion: {share} of revenue",
            "{n} of {n_all} large accounts meet every criterion: {share} of revenue",
            left[-1],
            n_all=say.count(left[0]),
            share=say.share(result.share_key_accounts),
        )
        if left[-1]
        else say.sentence("No large account meets every criterion")
    )
    notes = [say.count(left[0])]
    for before, n in pairwise(left):
        notes.append(say.count(n) if n == before else f"{say.count(n)} (−{say.count(before - n)})")
    with style.applied():
        font = FontProperties(size=style.SIZE)
        broken = [style.break_lines(meaning, font, _LABEL_POINTS) for meaning in meanings]
        ax = style.take_axes(ax, height=1.5 + max(0.52, 0.24 * max(map(len, broken))) * len(left))
        labels = ["\n".join(lines) for lines in broken]
        colors = [style.GREY] * (len(left) - 1) + [style.ACCENT]
        style.draw_bars(ax, labels, [float(n) for n in left], notes, colors)
        style.set_ticks(ax.xaxis, *ax.get_xlim(), say.count)
        ax.set_xlabel(say.sentence("accounts that meet this criterion and all above"))
        steps = [f"{meaning} {note}" for meaning, note in zip(meanings, notes, strict=True)]
        description = say.sentence("Bars, one criterion after the other: {list}.", list=say.join(steps, ";"))
        return style.finish(ax, title=title, description=description, context=result.context)
