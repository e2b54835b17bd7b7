"""Figure of the losses: the share lost in each period, and whether it rises or falls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kam.plots import style
from kam.plots.labels import label_periods
from kam.wording import N_

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.losses import LossesResult


def plot_losses(result: LossesResult, *, ax: Axes | None = None) -> Axes:
    """Share of the accounts at risk that were lost in each period, with the fitted trend and its band.

    Parameters
    ----------
    result : LossesResult
        From :func:`kam.churn.describe_losses`; ``periods`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One dot and interval per period, and the trend without the season where one was fitted; shares from 0 on, labelled in
        percent.
    """
    say = result.context.wording
    table = result.periods[result.periods["share_lost"].notna()].reset_index(drop=True)
    x, share = np.arange(len(table)), table["share_lost"].to_numpy()
    low, high = table["ci_low"].to_numpy(), table["ci_high"].to_numpy()
    fitted = bool(table["fitted"].notna().any())
    with style.applied():
        ax = style.take_axes(ax, height=4.2)
        ax.vlines(x, low, high, color=style.LINE, lw=1.6)
        ax.plot(x, share, "o", color=style.SOFT, ms=4.5, zorder=3)
        if fitted:
            ax.fill_between(x, table["fit_low"], table["fit_high"], color=style.WASH, linewidth=0, zorder=0)
            ax.plot(x, table["fitted"], color=style.ACCENT, lw=2.6, solid_capstyle="round", zorder=4)
        # Of few accounts an interval may reach far above all else: it may leave the figure, which is of the shares.
        reach = min(high.max(), 2.5 * share.max()) if share.max() > 0 else high.max()
        top = float(max(reach, table["fit_high"].max() if fitted else 0.0)) * 1.04
        ax.set_ylim(0, top)
        ax.set_xlim(-0.6, len(x) - 0.4)
        label_periods(ax, pd.Index(table["period"]), result.freq, say)
        style.set_ticks(ax.yaxis, 0, top, lambda value: say.number(100 * value, 1 if top < 0.05 else 0))
        ax.set_ylabel(say.sentence("lost of those at risk, each {freq} (%)", freq=say.text(result.freq)))
        legend = N_("dots: counted, with {level} intervals")
        if fitted:
            legend = N_("dots: counted, with {level} intervals; line: trend without the season")
        ax.set_xlabel(say.sentence(legend, level=say.share(result.level, 0)))
        description = say.sentence(
            "Dots of the share lost in each of {n}, from {low} to {high}.",
            n=say.periods(len(x), result.freq),
            low=say.share(share.min()),
            high=say.share(share.max()),
        )
        return style.finish(ax, title=_title(result), description=description, context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _title(result: LossesResult) -> str:
    say = result.context.wording
    if result.rate_first is None or result.rate_last is None or result.ratio_low is None or result.ratio_high is None:
        return say.sentence("{n} accounts were lost, too few to see a trend", n=say.count(result.n_lost))
    ends = {"first": say.share(result.rate_first), "last": say.share(result.rate_last)}
    if result.ratio_low > 1:
        return say.sentence("The loss rate rose from {first} to {last} a year", **ends)
    if result.ratio_high < 1:
        return say.sentence("The loss rate fell from {first} to {last} a year", **ends)
    return say.sentence("About {last} are lost a year: no change can be told", **ends)
