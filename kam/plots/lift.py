"""Figure of lift by money: which share of the money of accounts that leave is found by calling so many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kam.plots import style
from kam.plots.labels import label_ends, leave_room

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.comparison import ChurnComparisonResult
    from kam.wording import Wording

CALLED = 0.2
"""Where the title reads the lines."""
_LARGEST = "largest first"


def plot_lift_by_money(result: ChurnComparisonResult, *, ax: Axes | None = None) -> Axes:
    """Which share of the money at risk is found by calling so many accounts, in the order of each model.

    Accounts at risk are called in the order of probability × revenue of the last year. The reference is drawn beside the simplest
    orders: the days since the last order in place of a model, the largest accounts first, and by chance.

    Parameters
    ----------
    result : ChurnComparisonResult
        From :func:`kam.churn.comparison.score_forecasts`; ``lift`` is drawn, all origins together.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        x: share of the accounts called, y: share of the last year's revenue of accounts that then placed no order; both 0 to 0.5
        and 0 to 1, labelled in percent.
    """
    say = result.context.wording
    lift = result.lift[result.lift["population"] == "at risk"]
    best_peer = result.verdicts.loc[result.verdicts["standing"] != "not compared", "model"].head(1)
    names = list(dict.fromkeys([result.reference, *best_peer, "recency", _LARGEST]))
    lines = {name: lift[lift["model"] == name] for name in names if (lift["model"] == name).any()}
    lines = {name: line for name, line in lines.items() if line["share_money_found"].notna().all()}
    right = 0.5
    with style.applied():
        ax = style.take_axes(ax, height=5.2)
        ax.set_ylim(0, 1.02)
        at = {
            name: np.interp([CALLED, right], line["share_called"], line["share_money_found"])
            for name, line in lines.items()
        }
        labels = {name: f"{_name(name, say)} {say.share(value[0], 0)}" for name, value in at.items()}
        chance = say.sentence("by chance {share}", share=say.share(CALLED, 0))
        leave_room(ax, [*labels.values(), chance], 0, right)
        ax.plot([0, right], [0, right], color=style.GREY, lw=1.2, ls=(0, (4, 3)))
        ax.plot([CALLED, CALLED], [0, 1], color=style.LINE, lw=1, zorder=1)
        for name, line in reversed(lines.items()):
            own = name == result.reference
            shown = line[line["share_called"] <= right + 1e-9]
            color = style.ACCENT if own else style.WARN if name == _LARGEST else style.SOFT
            ax.plot(
                shown["share_called"],
                shown["share_money_found"],
                color=color,
                lw=2.6 if own else 1.4,
                zorder=3 if own else 2,
            )
            ax.plot([CALLED], [at[name][0]], "o", color=color, ms=6 if own else 4, zorder=4 if own else 2)
        ordered = sorted(at, key=lambda name: at[name][1])
        colors = [
            style.ACCENT if n == result.reference else style.WARN if n == _LARGEST else style.SOFT for n in ordered
        ]
        label_ends(
            ax,
            right,
            np.array([right, *(at[name][1] for name in ordered)]),
            [chance, *(labels[name] for name in ordered)],
            [style.SOFT, *colors],
            low=0,
            high=1.06,
        )
        style.set_ticks(ax.xaxis, 0, right, style.percent(say))
        style.set_ticks(ax.yaxis, 0, 1, style.percent(say))
        ax.spines["bottom"].set_bounds(0, right)
        ax.set_xlabel(
            say.sentence("accounts at risk called (%)")
            + "\n"
            + say.sentence("dots and figures: {share} called", share=say.share(CALLED, 0)),
            x=0.5 * right / ax.get_xlim()[1],
        )
        ax.set_ylabel(say.sentence("of the money lost, found (%)"))
        own, largest = at.get(result.reference), at.get(_LARGEST)
        title = say.sentence("Nothing was lost that calls could have found")
        if own is not None and largest is not None:
            title = say.sentence(
                "Calling {called} in the order of {reference} finds {found} of the money lost, the largest first {largest}",
                called=say.share(CALLED, 0),
                reference=say.text(result.reference),
                found=say.share(own[0], 0),
                largest=say.share(largest[0], 0),
            )
        description = say.sentence(
            "Share of the money lost that is found by calling {called} of the accounts at risk: {parts}.",
            called=say.share(CALLED, 0),
            parts=say.join((f"{_name(name, say)} {say.share(value[0])}" for name, value in at.items()), ";"),
        )
        return style.finish(ax, title=title, description=description, context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _name(name: str, say: Wording) -> str:
    return say.sentence("largest first") if name == _LARGEST else say.text(name)
