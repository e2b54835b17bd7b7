"""Figure of the response: which share of the accounts drawn has answered, by stratum, the waves side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.font_manager import FontProperties

from kam.plots import style
from kam.plots.fonts import one_line
from kam.plots.labels import fit_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.survey.tracking import TrackingResult

MOST = 3
"""More waves are not drawn: the last ones are."""
_ROOM = 150.0  # points for the name of a stratum
_STEP, _APART = 0.2, 0.42  # inches from one wave to the next within a stratum, and from one stratum to the next


def plot_response_rates(result: TrackingResult, *, ax: Axes | None = None) -> Axes:
    """Share of the accounts drawn that answered, with its interval, by stratum; the last wave in color, those before in grey.

    A small open diamond is what was expected of the last wave, where that was given; where nothing else was, the wave before is
    what was expected, and stands beside it.

    Parameters
    ----------
    result : TrackingResult
        From :func:`kam.survey.track_responses`; ``strata`` is drawn, at most the last three waves.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One group of dots with intervals per stratum, a dot per wave, the last on top; x from 0 to 1, labelled in percent.
    """
    say = result.context.wording
    waves = list(result.waves["wave"])[-MOST:]
    table = result.strata[result.strata["wave"].isin(waves)]
    names = list(dict.fromkeys([*table.loc[table["wave"] == waves[-1], "stratum"], *table["stratum"]]))
    height = _STEP * (len(waves) - 1) + _APART
    with style.applied():
        ax = style.take_axes(ax, height=1.7 + height * len(names))
        font = FontProperties(size=style.SIZE)
        ax.set_xlim(0, 1)
        for i, name in enumerate(names):
            rows = table[table["stratum"] == name].set_index("wave")
            for back, wave in enumerate(reversed(waves)):
                if wave in rows.index:
                    _draw(ax, result, rows.loc[wave], i * height + back * _STEP, wave, last=back == 0, first=i == 0)
        middle = _STEP * (len(waves) - 1) / 2
        labels = ["\n".join(fit_lines(one_line(str(name), width=60), font, _ROOM)) for name in names]
        ax.set_yticks(np.arange(len(names)) * height + middle, labels, color=style.INK, size=style.SIZE)
        ax.set_ylim((len(names) - 1) * height + 2 * middle + 0.25, -0.25)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        style.set_ticks(ax.xaxis, 0, 1, style.percent(say))
        legend = say.sentence("lines: {level} intervals", level=say.share(result.level, 0))
        if _given(result):
            legend = say.sentence("{legend}; open diamond: expected", legend=legend)
        ax.set_xlabel("\n".join([say.sentence("answered, of the accounts drawn (%)"), legend]))
        return style.finish(ax, title=_title(result), description=_description(result, table), context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _draw(
    ax: Axes, result: TrackingResult, row: pd.Series, place: float, wave: str, *, last: bool, first: bool
) -> None:
    say = result.context.wording
    color = (style.WARN if row["standing"] == "below" else style.ACCENT) if last else style.GREY
    text = style.SOFT if not last else color
    ax.plot([row["ci_low"], row["ci_high"]], [place, place], color=color, lw=3 if last else 2, solid_capstyle="round")
    ax.plot(row["share_answered"], place, "o", color=color, ms=9 if last else 6, zorder=3, clip_on=False)
    if last and _given(result):
        ax.plot(row["share_expected"], place, "D", ms=6, color=style.INK, markerfacecolor="none", zorder=4)
    counted = say.sentence("{n} of {n_all}", n=say.count(row["n_answered"]), n_all=say.count(row["n_drawn"]))
    shown = f"{say.share(row['share_answered'], 0)} ({counted})"
    if first and len(result.waves) > 1:
        shown = say.sentence("{wave}: {share}", wave=one_line(wave, width=14), share=shown)
    ax.text(
        1.02, place, shown, transform=ax.get_yaxis_transform(), va="center", size=style.SMALL, color=text,
        weight="bold" if last else "normal",
    )  # fmt: skip


def _given(result: TrackingResult) -> bool:
    """Whether what was expected is not simply the wave before."""
    first = result.strata[result.strata["wave"] == result.waves["wave"].iloc[0]]
    return bool(first["share_expected"].notna().any())


def _title(result: TrackingResult) -> str:
    say = result.context.wording
    total = result.waves.iloc[-1]
    strata = result.strata[result.strata["wave"] == result.wave]
    words = {
        "n": say.count(total["n_answered"]),
        "n_all": say.count(total["n_drawn"]),
        "share": say.share(total["share_answered"], 0),
    }
    if len(strata) < 2:
        return say.sentence("{n} of the {n_all} accounts drawn have answered ({share})", **words)
    least, most = strata["share_answered"].to_numpy().argmin(), strata["share_answered"].to_numpy().argmax()
    return say.sentence(
        "{n} of the {n_all} accounts drawn have answered: {most} in {first}, {least} in {last}",
        **words,
        most=say.share(strata["share_answered"].iloc[most], 0),
        first=one_line(str(strata["stratum"].iloc[most])),
        least=say.share(strata["share_answered"].iloc[least], 0),
        last=one_line(str(strata["stratum"].iloc[least])),
    )


def _description(result: TrackingResult, table: pd.DataFrame) -> str:
    say = result.context.wording
    parts = [
        say.sentence(
            "{stratum} in {wave} {share} ({interval})",
            stratum=row["stratum"],
            wave=row["wave"],
            share=say.share(row["share_answered"]),
            interval=say.interval(say.share(row["ci_low"]), say.share(row["ci_high"]), result.level),
        )
        for row in table.to_dict("records")
    ]
    return say.sentence("Dots with intervals, shares that answered: {list}.", list=say.join(parts, ";"))
