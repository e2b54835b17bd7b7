"""Figure of the five levels: how the answers spread around the middle, of each question or over the waves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle

from kam.errors import ParameterError
from kam.plots import style
from kam.plots.fonts import one_line, width_in_points
from kam.plots.labels import fit_lines, share_text, x_per_point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.survey.estimates import EstimatesResult
    from kam.wording import Wording

COLORS = (style.WARN, "#f0bd98", "#dfe3e8", "#8cc0d6", style.ACCENT)
"""Of the levels 1 to 5: in grey print both ends are dark, and their places tell them apart."""
_ROOM = 190.0  # points for the words at the left
_APART = 0.06  # between the bars and those without an opinion
_COLUMN = 48.0  # points from the axes to the end of a column of numbers
_NAME_WIDTH = 90


def plot_satisfaction_levels(
    result: EstimatesResult, *, bars: Literal["questions", "waves"] = "questions", ax: Axes | None = None
) -> Axes:
    """Shares of the five levels as bars around the middle, 1 and 2 to the left, 4 and 5 to the right.

    Where level 3 is neutral, it is grey and lies across the middle; where it is no opinion, it stands apart at the right.

    Parameters
    ----------
    result : EstimatesResult
        From :func:`kam.survey.estimate`; ``levels`` and ``questions`` are drawn, by ``lead_each``.
    bars : {"questions", "waves"}
        One bar per question in the last wave, the highest mean on top; or one per wave, of the question of the answer.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One bar per question or wave, its mean and the number of answers at the right; what has too few answers is named, without
        a bar. x is the share of the answers.

    Raises
    ------
    ParameterError
        No question has five levels; ``bars`` is neither of the two.
    """
    say = result.context.wording
    apart = result.lead_level_3 == "no opinion"
    rows = _rows(result, bars)
    shares = rows[[f"level_{k}" for k in range(1, 6)]].to_numpy(dtype=np.float64)
    left, low, high, x_apart = _places(shares, apart)
    with style.applied():
        ax = style.take_axes(ax, height=2.1 + 0.46 * len(rows))
        ax.set_xlim(low, high)
        ax.set_ylim(len(rows) - 0.4, -1.8)
        ax.plot([0, 0], [-0.5, len(rows) - 0.5], color=style.SOFT, lw=1, zorder=1)
        font = FontProperties(size=style.SMALL)
        names = ["\n".join(fit_lines(one_line(str(name), width=_NAME_WIDTH), font, _ROOM)) for name in rows["name"]]
        ax.set_yticks(range(len(rows)), names, size=style.SMALL, color=style.INK)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        _set_x(ax, say, low, high, x_apart)
        ax.set_xlabel(_below(result, say), size=style.SMALL)
        for place, row in enumerate(rows.to_dict("records")):
            numbers = (say.number(row["mean"]), say.count(row["n_answered"]))
            if row["why"] and np.isnan(shares[place]).any():
                ax.text(0, place, f"  {row['why']}", va="center", size=style.SMALL, color=style.SOFT)
                numbers = ("–", numbers[1])
            _draw_numbers(ax, place, numbers, style.INK)
        _draw_numbers(ax, -0.8, (say.sentence("mean"), say.sentence("answers")), style.SOFT)
        ax = style.finish(
            ax, title=_title(result, rows, bars), description=_describe(result, rows), context=result.context
        )
        _draw_bars(ax, say, shares, left, apart)  # the width of the axes is known now
        _draw_key(ax, say, low, high, apart)
    return ax


# -- inside ----------------------------------------------------------------------------------------------------------


def _rows(result: EstimatesResult, bars: str) -> pd.DataFrame:
    """One row per bar, the first on top: ``name, mean, n_answered, why, level_1, …, level_5``."""
    if bars not in ("questions", "waves"):
        raise ParameterError(f"bars is {bars!r}.", hint="Take 'questions' or 'waves'.")
    levels = result.levels[result.levels["each"] == result.lead_each]
    m = result.measures
    with_middle = m.loc[(m["measure"] == "mean") & (m["level_3"] == result.lead_level_3), "item"].unique()
    levels = levels[levels["item"].isin(with_middle)]
    asked = levels["wave"] == result.wave if bars == "questions" else levels["item"] == result.lead_item
    chosen = levels[asked]
    if chosen.empty:
        raise ParameterError(
            "There are no five levels to draw.", where=f"wave {result.wave}", hint="Estimate a question on 1 to 5."
        )
    wide = chosen.pivot(index=["wave", "item"], columns="answer_level", values="estimate")
    wide = wide.set_axis([f"level_{k}" for k in wide.columns], axis=1).reset_index()
    table = wide.merge(result.questions[["wave", "item", "text", "mean", "n_answered", "why"]], on=["wave", "item"])
    if bars == "questions":
        table = table[table["n_answered"] > 0]
        table["name"] = table["text"]
        return table.sort_values(["mean", "item"], ascending=[False, True], na_position="last", ignore_index=True)
    order = list(dict.fromkeys(result.levels["wave"]))
    table["name"] = table["wave"]
    return table.sort_values("wave", key=lambda w: w.map(order.index), ignore_index=True)


def _places(shares: np.ndarray, apart: bool) -> tuple[np.ndarray, float, float, float | None]:
    """Where each bar begins, the limits of x, and where those without an opinion begin."""
    known = np.nan_to_num(shares)
    middle = 0.0 if apart else 0.5 * known[:, 2]
    left = -(known[:, 0] + known[:, 1] + middle)
    right = known[:, 3] + known[:, 4] + middle
    low, high = min(float(left.min()) - 0.02, -0.05), max(float(right.max()) + 0.02, 0.05)
    if not apart:
        return left, low, high, None
    x_apart = high + _APART
    return left, low, x_apart + float(known[:, 2].max()) + 0.02, x_apart


def _set_x(ax: Axes, say: Wording, low: float, high: float, x_apart: float | None) -> None:
    end = high if x_apart is None else x_apart - _APART
    steps = [tick for tick in np.arange(-1, 1.01, 0.25) if low <= tick <= end]
    ax.set_xticks(steps, [say.number(100 * abs(tick), 0) for tick in steps], size=style.SMALL)
    ax.spines["bottom"].set_bounds(low, end)


def _draw_bars(ax: Axes, say: Wording, shares: np.ndarray, left: np.ndarray, apart: bool) -> None:
    unit = x_per_point(ax)
    font = FontProperties(size=style.SMALL)
    _, _, _, x_apart = _places(shares, apart)
    for place, (row, start) in enumerate(zip(shares, left, strict=True)):
        if np.isnan(row).any():
            continue
        at = start
        for k in (0, 1, 3, 4) if apart else range(5):
            _draw_part(ax, say, at, row[k], place, k, unit, font)
            at += row[k]
        if x_apart is not None:
            _draw_part(ax, say, x_apart, row[2], place, 2, unit, font)


def _draw_part(
    ax: Axes, say: Wording, at: float, share: float, place: int, k: int, unit: float, font: FontProperties
) -> None:
    """A part of a bar, with its share where that fits."""
    ax.add_patch(Rectangle((at, place - 0.36), share, 0.72, facecolor=COLORS[k], edgecolor="white", lw=0.8, zorder=2))
    text = say.number(100 * share, 0)
    if width_in_points(text, font) + 5 <= share / unit:
        dark = k in (0, 4)
        ax.text(
            at + share / 2, place, text, ha="center", va="center", size=style.SMALL, zorder=4,
            color="white" if dark else style.INK,
        )  # fmt: skip


def _draw_numbers(ax: Axes, place: float, numbers: tuple[str, str], color: str) -> None:
    """Mean and number of answers, right of the axes."""
    for offset, text in zip((_COLUMN, 2.1 * _COLUMN), numbers, strict=True):
        ax.annotate(
            text, (1, place), (offset, 0), xycoords=ax.get_yaxis_transform(), textcoords="offset points", ha="right",
            va="center", size=style.SMALL, color=color, annotation_clip=False,
        )  # fmt: skip


def _draw_key(ax: Axes, say: Wording, low: float, high: float, apart: bool) -> None:
    """What the colors mean, above the bars."""
    unit = x_per_point(ax)
    font = FontProperties(size=style.SMALL)
    words = [
        say.sentence("1 lowest"),
        "2",
        say.sentence("3 no opinion") if apart else say.sentence("3 neutral"),
        "4",
        say.sentence("5 highest"),
    ]
    order = (0, 1, 3, 4, 2) if apart else range(5)
    at = low
    for k in order:
        ax.add_patch(
            Rectangle((at, -1.68), 11 * unit, 0.36, facecolor=COLORS[k], edgecolor=style.GREY, lw=0.5, clip_on=False)
        )
        ax.text(at + 15 * unit, -1.5, words[k], va="center", size=style.SMALL, color=style.SOFT)
        at += (15 + width_in_points(words[k], font) + 13) * unit


def _below(result: EstimatesResult, say: Wording) -> str:
    words = {
        "account": say.sentence("share of the answers (%), each account counted alike"),
        "revenue": say.sentence("share of the answers (%), accounts counted by revenue"),
        "respondent": say.sentence("share of the answers (%), each respondent counted alike"),
    }
    return words[result.lead_each]


def _title(result: EstimatesResult, rows: pd.DataFrame, bars: str) -> str:
    say = result.context.wording
    known = rows.dropna(subset=["level_1"])
    if known.empty:
        return say.sentence("Too few answered to say how satisfied they are")
    if bars == "waves":
        tops = result.find(result.lead_item, "top two").set_index("wave")["estimate"]
        top = [float(tops[wave]) for wave in known["wave"]]  # as the answer has them
        values = {"share": share_text(top[-1], say, 0), "wave": known["wave"].iloc[-1]}
        among = result.lead_level_3 == "no opinion"
        if len(known) == 1:
            return say.sentence(
                "Of those with an opinion, {share} answer 4 or 5 in wave {wave}"
                if among
                else "{share} answer 4 or 5 in wave {wave}",
                **values,
            )
        return say.sentence(
            "Of those with an opinion, {share} answer 4 or 5 in wave {wave}, after {earlier} in wave {before}"
            if among
            else "{share} answer 4 or 5 in wave {wave}, after {earlier} in wave {before}",
            **values,
            earlier=share_text(top[-2], say, 0),
            before=known["wave"].iloc[-2],
        )
    if len(known) == 1:
        return say.sentence(
            "“{item}”: the mean is {mean}",
            item=one_line(str(known["name"].iloc[0]), width=44),
            mean=say.number(known["mean"].iloc[0]),
        )
    return say.sentence(
        "“{first}” has the highest mean, {high}, “{last}” the lowest, {low}",
        first=one_line(str(known["name"].iloc[0]).rstrip("."), width=44),
        high=say.number(known["mean"].iloc[0]),
        last=one_line(str(known["name"].iloc[-1]).rstrip("."), width=44),
        low=say.number(known["mean"].iloc[-1]),
    )


def _describe(result: EstimatesResult, rows: pd.DataFrame) -> str:
    say = result.context.wording
    parts = []
    for row in rows.to_dict("records"):
        if np.isnan(row["level_1"]):
            parts.append(say.sentence("{name}: {why}", name=row["name"], why=row["why"]))
            continue
        parts.append(
            say.sentence(
                "{name}: {levels}, mean {mean}",
                name=row["name"],
                levels=say.join((share_text(row[f"level_{k}"], say, 0) for k in range(1, 6)), ","),
                mean=say.number(row["mean"]),
            )
        )
    return say.sentence("Bars of the shares of levels 1 to 5. {parts}.", parts=say.join(parts, ";"))
