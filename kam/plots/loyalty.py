"""Figure of loyalty over satisfaction: the mean of each level with its interval, a straight line, and steps if claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kam.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from kam.survey.loyalty import LoyaltyResult


def plot_loyalty_curve(result: LoyaltyResult, *, ax: Axes | None = None) -> Axes:
    """Loyalty at each level of satisfaction, with interval and number of accounts; the straight line thin, claimed steps strong.

    Parameters
    ----------
    result : LoyaltyResult
        From :func:`kam.survey.satisfaction_loyalty`; ``curve`` is drawn in the reading of level 3 that leads.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One point with an error bar per level that has an estimate; x are the levels, y the outcome in its unit.
    """
    say = result.context.wording
    curve, steps = result.of(result.curve), result.of(result.steps)
    shown = curve.dropna(subset="estimate")
    claimed = bool(steps["is_claimed"].any())
    x, y = (shown[name].to_numpy(dtype=float) for name in ("score", "estimate"))
    low, high = (shown[name].to_numpy(dtype=float) for name in ("ci_low", "ci_high"))
    with style.applied():
        ax = style.take_axes(ax, height=4.8)
        levels = curve["score"].to_numpy(dtype=float)
        ax.plot(levels, curve["line"].to_numpy(dtype=float), color=style.GREY, lw=1.2, zorder=1)
        if claimed:
            _draw_steps(ax, steps)
        color = style.SOFT if claimed else style.ACCENT
        ax.errorbar(x, y, yerr=[y - low, high - y], fmt="o", color=color, ms=7, lw=1.8, capsize=0, zorder=3)
        for place, value, end in zip(x, y, high, strict=True):
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
            ax.annotate(result.said(value), (place, end), (0, 5), textcoords="offset points", ha="center", bbox=box)
        drawn = [low, high, curve.loc[curve["estimate"].notna(), "line"].to_numpy(dtype=float)]
        bottom, top = min(values.min() for values in drawn), max(values.max() for values in drawn)
        room = 0.1 * (top - bottom or 1.0)
        ax.set_ylim(bottom - room, top + 1.5 * room)
        ax.set_xlim(levels.min() - 0.4, levels.max() + 0.4)
        labels = [
            say.sentence("{level}\nn = {n}", level=say.count(score), n=say.count(n))
            for score, n in zip(curve["score"], curve["n_accounts"], strict=True)
        ]
        ax.set_xticks(levels, labels)
        form = style.percent(say) if result.is_share else (lambda value: result.said(value))
        style.set_ticks(ax.yaxis, bottom - room, top + room, form)
        ax.set_xlabel(
            say.sentence(
                "level of satisfaction, 5 is best; n: accounts\nbars: {level} interval; thin: straight line",
                level=say.share(result.level, 0),
            )
        )
        unit = " (%)" if result.is_share else ""
        ax.set_ylabel(_short_name(result) + unit)
        return style.finish(ax, title=_title(result), description=_describe(result, shown), context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _draw_steps(ax: Axes, steps: pd.DataFrame) -> None:
    """Claimed steps, from half a level before the lowest to half a level after the highest, joined by thin risers."""
    starts = steps["score_from"].to_numpy(dtype=float)
    ends = steps["score_to"].to_numpy(dtype=float)
    borders = np.append((ends[:-1] + starts[1:]) / 2, ends[-1] + 0.3)
    left = np.append(starts[0] - 0.3, borders[:-1])
    values = steps["estimate"].to_numpy(dtype=float)
    ax.hlines(values, left, borders, color=style.ACCENT, lw=5, alpha=0.45, zorder=2)
    ax.vlines(borders[:-1], values[:-1], values[1:], color=style.ACCENT, lw=1.2, ls=(0, (2, 2)), zorder=2)


def _short_name(result: LoyaltyResult) -> str:
    say = result.context.wording
    names = {
        "repurchase": say.sentence("intention to buy again (1 to 5)"),
        "recommend": say.sentence("readiness to recommend (0 to 10)"),
        "no_order": say.sentence("accounts without an order in the time after"),
        "churned": say.sentence("accounts lost in the time after"),
        "n_days_next": say.sentence("days with an order in the time after"),
        "revenue_next": say.sentence("revenue of the time after"),
    }
    return names.get(result.outcome, result.outcome)


def _title(result: LoyaltyResult) -> str:
    say = result.context.wording
    if result.shape in ("one threshold", "two thresholds"):
        return say.sentence("Loyalty moves with satisfaction in steps: {steps}", steps=result.steps_in_words())
    slope = result.of(result.readings).iloc[0]
    if slope["ci_low"] <= 0 <= slope["ci_high"]:
        return say.sentence("No link between satisfaction and loyalty can be told from chance")
    if result.shape == "line" and slope["estimate"] > 0:
        return say.sentence("Loyalty rises with satisfaction as along a straight line")
    if result.shape == "line":
        return say.sentence(
            "The more satisfied, the lower: {outcome} as along a straight line", outcome=result.outcome_in_words()
        )
    return say.sentence("Loyalty changes with satisfaction, but not along a straight line and not in clear steps")


def _describe(result: LoyaltyResult, shown: pd.DataFrame) -> str:
    say = result.context.wording
    columns = (shown[name] for name in ("score", "estimate", "ci_low", "ci_high", "n_accounts"))
    parts = [
        say.sentence(
            "level {level}: {value} ({interval}), {n} accounts",
            level=say.count(score),
            value=result.said(value),
            interval=say.interval(result.said(low), result.said(high), result.level),
            n=say.count(n),
        )
        for score, value, low, high, n in zip(*columns, strict=True)
    ]
    return say.sentence(
        "Points with intervals of {outcome} by level of satisfaction. {parts}.",
        outcome=result.outcome_in_words(),
        parts=say.join(parts, ";"),
    )
