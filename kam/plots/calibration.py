"""Figure of calibration: which share of the accounts placed no order, by the probability that was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kam.plots import style
from kam.plots.labels import label_ends, leave_room

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from kam.churn.comparison import ChurnComparisonResult

MAX_PEERS = 2
"""So many other models are drawn beside the reference: those with the smallest error."""
MIN_IN_BIN = 20
"""A bin with fewer accounts has no dot."""
_STRIP = 0.16  # height of the histogram below the axis of shares


def plot_calibration(result: ChurnComparisonResult, *, ax: Axes | None = None) -> Axes:
    """Which share of the accounts at risk placed no order, by the probability that the model said.

    On the diagonal as many place no order as was said. The reference is drawn with its interval, and dots for accounts whose
    probabilities lie close together; up to two other models, those with the smallest error, as thin lines.

    Parameters
    ----------
    result : ChurnComparisonResult
        From :func:`kam.churn.comparison.score_forecasts`; ``curves`` and ``calibration`` are drawn, all origins together.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        x: probability said, y: share that placed no order; both 0 to 1, labelled in percent. The bars below say how many accounts
        the reference gave such a probability.
    """
    say = result.context.wording
    curves = {
        str(name): curve
        for name, curve in result.curves[result.curves["population"] == "at risk"].groupby("model", sort=False)
    }
    peers = [name for name in result.verdicts["model"] if name in curves][:MAX_PEERS]
    bins = result.calibration
    bins = bins[(bins["model"] == result.reference) & (bins["population"] == "at risk")]
    with style.applied():
        ax = style.take_axes(ax, height=5.4)
        ax.set_ylim(-_STRIP - 0.03, 1.0)
        drawn = [name for name in (result.reference, *peers) if name in curves]
        ends = {name: float(curves[name]["observed"].iloc[-1]) for name in drawn}
        leave_room(ax, list(ends), 0, 1)
        ax.plot([0, 1], [0, 1], color=style.GREY, lw=1.2, ls=(0, (4, 3)))
        for name in reversed(drawn):
            own = name == result.reference
            curve = curves[name]
            color = style.ACCENT if own else style.SOFT
            x, y = curve["predicted"].to_numpy(dtype=float), curve["observed"].to_numpy(dtype=float)
            if own:
                low, high = curve["ci_low"].to_numpy(dtype=float), curve["ci_high"].to_numpy(dtype=float)
                ax.fill_between(x, low, high, color=color, alpha=0.16, linewidth=0)
            ax.plot([x[-1], 1], [y[-1], y[-1]], color=style.GREY, lw=1, zorder=1)  # to its label
            ax.plot(x, y, color=color, lw=2.6 if own else 1.3, solid_capstyle="round", zorder=3 if own else 2)
        dots = bins[bins["n_customers"] >= MIN_IN_BIN]
        ax.vlines(dots["predicted"], dots["ci_low"], dots["ci_high"], color=style.ACCENT, lw=1.2, alpha=0.7, zorder=3)
        ax.plot(dots["predicted"], dots["observed"], "o", color=style.ACCENT, ms=4.5, zorder=4)
        _draw_strip(ax, bins)
        _label(ax, result, curves, drawn)
        style.set_ticks(ax.xaxis, 0, 1, style.percent(say))
        style.set_ticks(ax.yaxis, 0, 1, style.percent(say))
        ax.spines["bottom"].set_bounds(0, 1)
        ax.spines["left"].set_bounds(0, 1)
        legend = say.sentence(
            "dashed: as said; shaded: {level} interval; bars: number of accounts", level=say.share(result.level, 0)
        )
        ax.set_xlabel(say.sentence("said: no order within the horizon (%)") + "\n" + legend, x=0.5 / ax.get_xlim()[1])
        ax.set_ylabel(say.sentence("placed no order (%)"), y=0.58)
        return style.finish(ax, title=_title(result), description=_description(result, dots), context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _draw_strip(ax: Axes, bins: pd.DataFrame) -> None:
    n = bins["n_customers"].to_numpy(dtype=float)
    left = np.floor(bins["predicted"].to_numpy(dtype=float) * 20 - 1e-9).clip(0, 19) / 20
    height = 0.9 * _STRIP * n / n.max()
    ax.bar(left, height, width=0.046, bottom=-_STRIP - 0.03, align="edge", color=style.GREY, linewidth=0)


def _label(ax: Axes, result: ChurnComparisonResult, curves: dict[str, pd.DataFrame], drawn: list[str]) -> None:
    """Names at the ends of the lines, in rising order."""
    ordered = sorted(drawn, key=lambda name: float(curves[name]["observed"].iloc[-1]))
    ends = np.array([float(curves[name]["observed"].iloc[-1]) for name in ordered])
    colors = [style.ACCENT if name == result.reference else style.SOFT for name in ordered]
    say = result.context.wording
    label_ends(ax, 1.0, ends, [say.text(name) for name in ordered], colors, low=-0.1, high=1.0)


def _title(result: ChurnComparisonResult) -> str:
    say = result.context.wording
    ratio = float(result.score(result.reference, "observed / expected")["estimate"])
    slope = result.score(result.reference, "calibration slope")
    index = float(result.score(result.reference, "ICI")["estimate"])
    values = {"reference": say.text(result.reference), "points": say.number(100 * index, 1)}
    if slope["ci_low"] > 1:
        return say.sentence("{reference} is too timid: extremes come more often than said", **values)
    if slope["ci_high"] < 1:
        return say.sentence("{reference} is too sure: extremes come less often than said", **values)
    if abs(ratio - 1) > 0.1:
        return say.sentence(
            "Accounts without an order: {ratio} of what {reference} expected",
            ratio=say.share(ratio, 0),
            **values,
        )
    if not np.isfinite(index):
        return say.sentence("What {reference} said, and what happened", **values)
    return say.sentence("What {reference} says happens: on average {points} points off", **values)


def _description(result: ChurnComparisonResult, dots: pd.DataFrame) -> str:
    say = result.context.wording
    parts = [
        say.sentence(
            "said {said}: {share} ({interval}) of {n} accounts",
            said=say.share(row["predicted"], 0),
            share=say.share(row["observed"], 0),
            interval=say.interval(say.share(row["ci_low"], 0), say.share(row["ci_high"], 0), result.level),
            n=say.count(row["n_customers"]),
        )
        for _, row in dots.iterrows()
    ]
    return say.sentence(
        "Share that placed no order by what {model} said. {parts}.",
        model=say.text(result.reference),
        parts=say.join(parts, ";"),
    )
