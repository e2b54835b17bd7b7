"""Figure of the net promoter score: with its interval, by wave or by group."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.font_manager import FontProperties

from kam.errors import ParameterError
from kam.plots import style
from kam.plots.fonts import one_line
from kam.plots.labels import fit_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.survey.estimates import EstimatesResult
    from kam.wording import Wording

_ROOM = 170.0  # points for the names at the left


def plot_nps(result: EstimatesResult, *, by: str = "all", ax: Axes | None = None) -> Axes:
    """Net promoter score with its interval: over the waves, or of each group in the last of them.

    Parameters
    ----------
    result : EstimatesResult
        From :func:`kam.survey.estimate`; the rows of ``measures`` for ``recommend`` and ``NPS`` are drawn, by ``lead_each``.
    by : str
        ``all``: one row per wave; or what groups were formed by: one row per group, the highest score on top, those with too few
        answers last, named with the reason; a dashed line is the score of all.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One point and line per row, the number of answers beside its name; x is the score, in points.

    Raises
    ------
    ParameterError
        Nobody was asked whether they would recommend, or no groups were formed by that.
    """
    say = result.context.wording
    rows = _rows(result, by)
    known = rows.dropna(subset=["estimate"])
    whole = result.find("recommend", "NPS", wave=result.wave)["estimate"].iloc[0]
    with style.applied():
        ax = style.take_axes(ax, height=1.7 + 0.42 * len(rows))
        low, high = _limits(known)
        ax.set_xlim(low, high)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        if low < 0 < high:
            ax.axvline(0, color=style.LINE, lw=1, zorder=0)
        if by != "all" and not np.isnan(whole):
            ax.axvline(whole, color=style.GREY, lw=1.2, ls=(0, (4, 3)), zorder=1)
        font = FontProperties(size=style.SIZE)
        names = []
        for place, row in enumerate(rows.to_dict("records")):
            n = say.plural("one answer", "{n} answers", int(row["n_respondents"]))
            names.append("\n".join([*fit_lines(one_line(str(row["name"]), width=60), font, _ROOM), n]))
            if np.isnan(row["estimate"]):
                ax.text(low + 0.02 * (high - low), place, row["why"], va="center", size=style.SMALL, color=style.SOFT)
                continue
            strong = by != "all" or place == len(rows) - 1
            color = style.ACCENT if strong else style.SOFT
            ax.plot([row["ci_low"], row["ci_high"]], [place] * 2, color=color, lw=2.2, solid_capstyle="round")
            ax.plot(row["estimate"], place, "o", ms=8, color=color)
            ax.text(
                1.02, place, _in_words(say, row), transform=ax.get_yaxis_transform(), va="center", size=style.SMALL,
                color=color, weight="bold" if strong and by == "all" else "normal",
            )  # fmt: skip
        ax.set_yticks(range(len(rows)), names, size=style.SMALL, color=style.INK)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        style.set_ticks(ax.xaxis, low, high, lambda x: say.number(x, 0))
        below = [
            say.sentence("net promoter score, points"),
            say.sentence("lines: {level} interval", level=say.share(result.level, 0)),
        ]
        if by != "all" and not np.isnan(whole):
            below[1] += say.sentence("; dashed: all, {nps}", nps=say.number(whole, 1))
        ax.set_xlabel("\n".join(below))
        return style.finish(
            ax, title=_title(result, rows, by), description=_describe(result, rows), context=result.context
        )


# -- inside ----------------------------------------------------------------------------------------------------------


def _rows(result: EstimatesResult, by: str) -> pd.DataFrame:
    found = result.find("recommend", "NPS", wave=None if by == "all" else result.wave, by=by)
    if found.empty:
        there = [name for name in dict.fromkeys(result.measures["by"]) if name != "all"]
        raise ParameterError(
            "There is no net promoter score to draw."
            if by == "all" or by in there
            else f"No groups were formed by {by!r}.",
            where="plot_nps",
            hint="Ask whether they would recommend, 0 to 10, and estimate it"
            + (f"; groups were formed by {', '.join(there)}." if there else "."),
        )
    if by == "all":
        asked = found[found["n_respondents"] > 0]
        if asked.empty:
            raise ParameterError(
                "There is no net promoter score to draw.", where="plot_nps", hint="Nobody answered from 0 to 10."
            )
        return asked.assign(name=asked["wave"]).reset_index(drop=True)
    table = found.assign(name=found["group_name"])
    return table.sort_values(["estimate", "name"], ascending=[False, True], na_position="last", ignore_index=True)


def _limits(known: pd.DataFrame) -> tuple[float, float]:
    """Both ends of every interval, rounded to tens, within what the score can be."""
    if known.empty:
        return -100.0, 100.0
    low = float(np.nanmin(known[["ci_low", "estimate"]].to_numpy()))
    high = float(np.nanmax(known[["ci_high", "estimate"]].to_numpy()))
    return max(10 * np.floor(low / 10 - 0.1), -102.0), min(10 * np.ceil(high / 10 + 0.1), 102.0)


def _in_words(say: Wording, row: Mapping[Hashable, Any]) -> str:
    numbers = [say.number(round(float(row[name]), 1) + 0.0, 1) for name in ("estimate", "ci_low", "ci_high")]
    return say.sentence("{nps} ({low} to {high})", nps=numbers[0], low=numbers[1], high=numbers[2])


def _title(result: EstimatesResult, rows: pd.DataFrame, by: str) -> str:
    say = result.context.wording
    known = rows.dropna(subset=["estimate"])
    if known.empty:
        return say.sentence("Too few answered to give a net promoter score")
    first, last = known.iloc[0], known.iloc[-1]
    if by != "all":
        if len(known) == 1:
            return say.sentence(
                "The net promoter score is {nps} in {name}",
                nps=say.number(first["estimate"], 0),
                name=one_line(str(first["name"]), width=44),
            )
        values = {
            "low": say.number(last["estimate"], 0),
            "lowest": one_line(str(last["name"]), width=36),
            "high": say.number(first["estimate"], 0),
            "highest": one_line(str(first["name"]), width=36),
        }
        if first["ci_low"] <= last["ci_high"]:
            return say.sentence(
                "The net promoter score goes from {low} (“{lowest}”) to {high} (“{highest}”), but their intervals overlap",
                **values,
            )
        return say.sentence("The net promoter score goes from {low} (“{lowest}”) to {high} (“{highest}”)", **values)
    if len(known) == 1:
        return say.sentence(
            "The net promoter score is {nps} points in wave {wave}",
            nps=say.number(last["estimate"], 1),
            wave=last["name"],
        )
    before = known.iloc[-2]
    return say.sentence(
        "The net promoter score is {nps} points in wave {wave}, after {earlier} in wave {before}",
        nps=say.number(last["estimate"], 1),
        wave=last["name"],
        earlier=say.number(before["estimate"], 1),
        before=before["name"],
    )


def _describe(result: EstimatesResult, rows: pd.DataFrame) -> str:
    say = result.context.wording
    parts = []
    for row in rows.to_dict("records"):
        if np.isnan(row["estimate"]):
            parts.append(say.sentence("{name}: {why}", name=row["name"], why=row["why"]))
            continue
        interval = say.interval(say.number(row["ci_low"], 1), say.number(row["ci_high"], 1), result.level)
        parts.append(
            say.sentence(
                "{name}: {nps} ({interval})", name=row["name"], nps=say.number(row["estimate"], 1), interval=interval
            )
        )
    return say.sentence("Points with intervals of the net promoter score. {parts}.", parts=say.join(parts, ";"))
