"""Figure of the hazard: how many of 100 accounts leave in a period, by how long the relationship has lasted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kam.errors import UndefinedMeasureError
from kam.plots import style
from kam.plots.labels import round_steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.hazard import HazardResult


def plot_hazard_by_tenure(result: HazardResult, *, ax: Axes | None = None) -> Axes:
    """How many of 100 accounts leave in a period, by tenure, with a band; the mean of all as a broken line.

    Parameters
    ----------
    result : HazardResult
        From :func:`kam.churn.fit_hazard`; ``by_tenure`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One line with its band; a dot where the hazard is highest; x in periods, y from 0, labelled in percent.

    Raises
    ------
    UndefinedMeasureError
        There is no hazard by tenure: it is not known of anybody, or was not asked for.
    """
    say, curve = result.context.wording, result.by_tenure
    if curve.empty or result.riskiest_tenure is None or result.riskiest is None:
        raise UndefinedMeasureError(
            "There is no hazard by tenure to draw.",
            hint="Give `since` in the accounts, and fit with n_knots=4.",
        )
    x, y, low, high = (curve[name].to_numpy(dtype=float) for name in ("tenure", "hazard", "ci_low", "ci_high"))
    top = min(float(high.max()), 3 * float(y.max()), 1.0)
    with style.applied():
        ax = style.take_axes(ax, height=4.2)
        ax.fill_between(x, low, np.minimum(high, top * 1.1), color=style.ACCENT, alpha=0.16, linewidth=0)
        ax.plot(x, y, color=style.ACCENT, lw=2.6, solid_capstyle="round")
        ax.axhline(result.hazard, color=style.SOFT, lw=1.2, ls=(0, (4, 3)))
        ax.plot([result.riskiest_tenure], [result.riskiest], "o", color=style.WARN, ms=8, zorder=4)
        right = result.riskiest_tenure > (x[0] + x[-1]) / 2
        ax.annotate(
            say.share(result.riskiest),
            (result.riskiest_tenure, result.riskiest),
            (-9 if right else 9, 6),
            textcoords="offset points",
            ha="right" if right else "left",
            color=style.WARN,
            weight="bold",
            size=style.SIZE,
        )
        ax.annotate(
            say.sentence("all {share}", share=say.share(result.hazard)),
            (1, result.hazard),
            (4, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            color=style.SOFT,
            size=style.SIZE,
        )
        ax.set_xlim(x[0], x[-1])
        ax.set_ylim(0, top * 1.08)
        style.set_ticks(ax.yaxis, 0, top, lambda p: say.number(100 * p, 1 if top < 0.05 else 0))
        steps = round_steps(result.freq)
        step = next((step for step in steps if (x[-1] - x[0]) / step <= 8), steps[-1])
        ticks = [int(tick) for tick in np.arange(0, x[-1] + 1, step) if tick >= x[0]]
        ax.set_xticks(ticks, [say.count(tick) for tick in ticks])
        since = {
            "month": say.sentence("months since the relationship began"),
            "quarter": say.sentence("quarters since the relationship began"),
            "year": say.sentence("years since the relationship began"),
            "period": say.sentence("periods since the relationship began"),
        }
        legend = say.sentence("shaded: {level} interval", level=say.share(result.level, 0))
        ax.set_xlabel(f"{since[result.freq]}\n{legend}")
        ax.set_ylabel(say.sentence("leave in a {period} (%)", period=say.sentence(result.freq)))
        return style.finish(ax, title=_title(result), description=_description(result), context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _title(result: HazardResult) -> str:
    say = result.context.wording
    assert result.riskiest_tenure is not None and result.riskiest is not None
    if result.is_level():
        return say.sentence(
            "About {n} of 100 accounts leave in a {period}, however long the relationship has lasted",
            n=say.number(100 * result.hazard, 1),
            period=say.sentence(result.freq),
        )
    return say.sentence(
        "Accounts leave most often {time} into the relationship: {n} of 100 in a {period}, {mean} on average",
        time=say.periods(result.riskiest_tenure, result.freq),
        n=say.number(100 * result.riskiest, 1),
        period=say.sentence(result.freq),
        mean=say.number(100 * result.hazard, 1),
    )


def _description(result: HazardResult) -> str:
    say, curve = result.context.wording, result.by_tenure
    shown = curve.iloc[np.unique(np.linspace(0, len(curve) - 1, 5).round().astype(int))]
    parts = [
        say.sentence(
            "{tenure}: {hazard} ({interval})",
            tenure=say.periods(row["tenure"], result.freq),
            hazard=say.share(row["hazard"]),
            interval=say.interval(say.share(row["ci_low"]), say.share(row["ci_high"]), result.level),
        )
        for _, row in shown.iterrows()
    ]
    return say.sentence(
        "A line with a band: the share that leaves in a period, by tenure. {parts}.", parts=say.join(parts, ";")
    )
