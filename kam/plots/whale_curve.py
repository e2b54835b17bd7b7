"""Figure of the whale curve: contribution added up, the most profitable account first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kam.identify.profitability import ProfitabilityResult
from kam.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.wording import Wording

_MOST_POINTS = 4000


def plot_whale_curve(result: ProfitabilityResult, *, ax: Axes | None = None) -> Axes:
    """Contribution added up over accounts in money: it climbs while accounts earn, and comes down where they lose.

    Parameters
    ----------
    result : ProfitabilityResult
        From :func:`kam.identify.profitability`; ``curve`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        x counts accounts, y is money; blue up to the peak, orange where accounts lose money; peak and end are named.
    """
    say = result.context.wording
    n, n_up, n_down = result.n_customers, result.n_at_peak, result.n_customers - result.n_losing
    y = np.concatenate([[0.0], result.curve["cum_profit"].to_numpy()])
    form = style.short_money(say, float(np.abs(y).max()))
    with style.applied():
        ax = style.take_axes(ax, height=4.5)
        for start, stop, color in ((0, n_up, style.ACCENT), (n_up, n_down, style.GREY), (n_down, n, style.WARN)):
            if stop > start:
                shown = start + _thin_out(stop - start + 1)
                ax.fill_between(shown, y[shown], color=color, alpha=0.12, linewidth=0)
                ax.plot(shown, y[shown], color=color, lw=2.6, solid_capstyle="round", clip_on=False)
        ax.axhline(0, color=style.SOFT, lw=1)
        reach = float(y.max() - y.min()) or 1.0
        ax.set_xlim(0, n)
        ax.set_ylim(float(y.min()) - 0.06 * reach * (y.min() < 0), float(y.max()) + 0.06 * reach)
        style.set_ticks(ax.xaxis, 0, n, say.count)
        style.set_ticks(ax.yaxis, *ax.get_ylim(), form)
        _name_points(ax, result, reach, say)
        ax.set_xlabel(
            say.sentence("accounts, the most profitable first")
            if result.pieces
            else say.sentence("accounts, the largest by net revenue first")
        )
        what = say.label("profit") if result.pieces else say.label("revenue")
        ax.set_ylabel(say.sentence("{what}, added up", what=what))
        return style.finish(
            ax, title=_title(result, say), description=_description(result, say), context=result.context
        )


# -- inside ----------------------------------------------------------------------------------------------------------


def _thin_out(n: int) -> np.ndarray:
    """Which of n points to draw: all, or a few thousand that lie densest at both ends, where the curve is steep."""
    if n <= _MOST_POINTS:
        return np.arange(n)
    steep = np.concatenate([[0], np.geomspace(1, n - 1, _MOST_POINTS // 3)])
    return np.unique(np.concatenate([steep, n - 1 - steep, np.linspace(0, n - 1, _MOST_POINTS // 3)]).astype(int))


def _name_points(ax: Axes, result: ProfitabilityResult, reach: float, say: Wording) -> None:
    """Say what the peak and the end are, inside the curve, where it leaves room."""
    n, at, peak, end = result.n_customers, result.n_at_peak, result.peak, result.total
    if at:
        earned = say.plural("one account above zero", "{n} accounts above zero", at) + f"\n{say.money_short(peak)}"
        to_right = at < 0.5 * n
        _name(ax, (at, peak), (at + 0.03 * n * (1 if to_right else -1), 0.6 * peak), earned, "left" if to_right else "right",
              style.ACCENT)  # fmt: skip
    if result.n_losing:
        lost = say.plural("one account below zero", "{n} accounts below zero", result.n_losing)
        lost += f"\n{say.money_short(result.lost)}"
        low = end < 0.45 * peak
        place = (0.93 * n, end + 0.04 * reach) if low and end < 0 else (0.9 * n, 0.36 * peak if peak > 0 else 0.5 * end)
        if low and end >= 0:
            place = (0.75 * n, 0.12 * peak)
        _name(ax, (n, end), place, lost, "right", style.WARN)


def _name(ax: Axes, point: tuple[float, float], place: tuple[float, float], text: str, ha: str, color: str) -> None:
    ax.plot(*point, "o", color=color, ms=7, clip_on=False, zorder=4)
    corner = (ha == "right", 1 if point[1] > place[1] else 0.5)  # where the line to the point begins
    ax.annotate(
        text, point, place, ha=ha, va="center", size=style.SIZE, color=color, linespacing=1.35,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.7},
        arrowprops={"arrowstyle": "-", "color": style.SOFT, "lw": 1, "shrinkA": 0, "shrinkB": 5, "relpos": corner}, zorder=5,
    )  # fmt: skip


def _title(result: ProfitabilityResult, say: Wording) -> str:
    if not result.n_losing:
        return say.sentence("No account is below zero")
    shown = {
        "n_all": say.count(result.n_customers),
        "total": say.money_short(result.total),
        "peak": say.money_short(result.peak),
    }
    if not result.pieces:
        return say.plural(
            "One of {n_all} accounts is below zero in net revenue; no cost is known",
            "{n} of {n_all} accounts are below zero in net revenue; no cost is known",
            result.n_losing,
            **shown,
        )
    if result.total < 0:
        return say.plural(
            "One of {n_all} accounts loses more money than the {peak} that all others earn",
            "{n} of {n_all} accounts lose more money than the {peak} that the others earn",
            result.n_losing,
            **shown,
        )
    return say.plural(
        "One of {n_all} accounts loses money: {total} of the {peak} earned is left",
        "{n} of {n_all} accounts lose money: {total} of the {peak} earned is left",
        result.n_losing,
        **shown,
    )


def _description(result: ProfitabilityResult, say: Wording) -> str:
    return say.sentence(
        "Whale curve in money: it climbs to {peak} at account {at} of {n} and ends at {total}.",
        peak=say.money(result.peak),
        at=say.count(result.n_at_peak),
        n=say.count(result.n_customers),
        total=say.money(result.total),
    )
