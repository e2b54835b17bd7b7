"""Figure of the satisfied among the lost and the stayed, and of who of them had been asked and had answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kam.errors import EmptyDataError
from kam.plots import style
from kam.survey.lost_accounts import ANSWERED, EARLIER, NEVER, NOT_ASKED, SILENT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.survey.lost_satisfaction import LostSatisfactionResult


def plot_lost_satisfaction(result: LostSatisfactionResult, *, ax: Axes | None = None) -> Axes:
    """Share of the lost and of the stayed who had said they were satisfied, with intervals; below, who had been asked.

    Parameters
    ----------
    result : LostSatisfactionResult
        From :func:`kam.survey.satisfaction_of_the_lost`; ``shares`` of all waves is drawn in the reading that leads.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Two points with error bars and two bars: never asked, asked and silent, answered (where it is not known who was asked: no
        answer, answered); x from 0 to 1, labelled in percent.

    Raises
    ------
    EmptyDataError
        Too few of the lost, or of the stayed, had answered.
    """
    say = result.context.wording
    rows = {group: result.share_of(group) for group in ("lost", "stayed")}
    if any(np.isnan(row["estimate"]) for row in rows.values()):
        raise EmptyDataError("Too few had answered to draw their shares.", hint="Take more waves or a longer horizon.")
    names = {
        "lost": say.sentence("lost, answered\nn = {n}", n=say.count(rows["lost"]["n_accounts"])),
        "stayed": say.sentence("stayed, answered\nn = {n}", n=say.count(rows["stayed"]["n_accounts"])),
        "all lost": say.sentence("all lost\nn = {n}", n=say.count(result.n_lost)),
        "all stayed": say.sentence("all that stayed\nn = {n}", n=say.count(result.n_stayed)),
    }
    with style.applied():
        ax = style.take_axes(ax, height=4.8)
        for place, (group, color) in enumerate((("lost", style.WARN), ("stayed", style.ACCENT))):
            row = rows[group]
            value = float(row["estimate"])
            ends = [[value - row["ci_low"]], [row["ci_high"] - value]]
            ax.errorbar([value], [place], xerr=ends, fmt="o", color=color, ms=9, lw=2.4, zorder=3)
            ax.annotate(
                say.share(value, 0),
                (value, place),
                (0, 9),
                textcoords="offset points",
                ha="center",
                color=color,
                weight="bold",
            )
        _draw_silence(ax, result)
        ax.set_yticks([0, 1, *_BARS.values()], list(names.values()), color=style.INK)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(4.3, -0.55)
        ax.set_xlim(0, 1)
        style.set_ticks(ax.xaxis, 0, 1, style.percent(say))
        ax.set_xlabel(
            say.sentence(
                "points: people who had said they were satisfied; bars: accounts (%)\nlines: {level} interval",
                level=say.share(result.level, 0),
            )
        )
        ax.spines["left"].set_visible(False)
        return style.finish(ax, title=_title(result), description=_describe(result), context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------

_BARS = {"lost": 2.75, "stayed": 3.75}
_NARROW = 0.07  # a part below this share has no room for its number


def _draw_silence(ax: Axes, result: LostSatisfactionResult) -> None:
    """Two bars of three parts, with a key above them."""
    parts = _parts(result)
    for group, place in _BARS.items():
        start = 0.0
        for (_, shares, color), ink in zip(parts, _inks(len(parts)), strict=True):
            value = shares[group]
            ax.barh([place], [value], left=start, height=0.5, color=color)
            if value >= _NARROW:
                text = result.context.wording.share(value, 0)
                ax.annotate(text, (start + value / 2, place), ha="center", va="center", color=ink)
            start += value
    place = 0.0
    for name, _, color in parts:
        ax.scatter([place + 0.012], [2.15], marker="s", s=70, color=color, clip_on=False)
        ax.annotate(name, (place + 0.035, 2.15), va="center", color=style.SOFT)
        place += 1 / len(parts)


def _inks(n: int) -> list[str]:
    """Colors of the numbers, readable on the parts."""
    return [style.INK] * (n - 1) + ["white"]


def _parts(result: LostSatisfactionResult) -> list[tuple[str, dict[str, float], str]]:
    """The parts of the bars: name, share by group, color."""
    say = result.context.wording
    if result.is_asked_known:
        named: list[tuple[str, tuple[str, ...], str]] = [
            (say.sentence("never asked"), (NOT_ASKED,), style.WASH),
            (say.sentence("asked, silent"), (SILENT,), style.GREY),
        ]
    else:
        named = [(say.sentence("no answer, asked or not"), (NEVER,), style.GREY)]
    named.append((say.sentence("answered"), (ANSWERED, EARLIER), style.ACCENT))
    return [
        (name, {group: sum(result.part_of(group, status) for status in statuses) for group in _BARS}, color)
        for name, statuses, color in named
    ]


def _title(result: LostSatisfactionResult) -> str:
    say = result.context.wording
    lost, stayed, difference = (result.share_of(group) for group in ("lost", "stayed", "difference"))
    first = say.sentence(
        "{lost} of the people of the lost had said they were satisfied, {stayed} of those that stayed",
        lost=say.share(lost["estimate"], 0),
        stayed=say.share(stayed["estimate"], 0),
    )
    if difference["ci_low"] <= 0 <= difference["ci_high"]:
        return say.sentence("{first}; the difference may be chance", first=first)
    return first


def _describe(result: LostSatisfactionResult) -> str:
    say = result.context.wording
    parts = []
    for group, name in (("lost", say.sentence("the lost")), ("stayed", say.sentence("those that stayed"))):
        row = result.share_of(group)
        parts.append(
            say.sentence(
                "{name}: {share} ({interval}), {n} accounts",
                name=name,
                share=say.share(row["estimate"]),
                interval=say.interval(say.share(row["ci_low"]), say.share(row["ci_high"]), result.level),
                n=say.count(row["n_accounts"]),
            )
        )
    bars = [
        say.sentence(
            "{name}: {lost} of the lost, {stayed} of those that stayed",
            name=name,
            lost=say.share(shares["lost"]),
            stayed=say.share(shares["stayed"]),
        )
        for name, shares, _ in _parts(result)
    ]
    return say.sentence(
        "Two points with intervals, and two bars. {parts}. {bars}.",
        parts=say.join(parts, ";"),
        bars=say.join(bars, ";"),
    )
