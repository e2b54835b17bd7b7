"""Figures of non-response: who did not answer, and what the mean would be if they were less satisfied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.font_manager import FontProperties

from kam.errors import ParameterError
from kam.plots import style
from kam.plots.fonts import one_line
from kam.plots.labels import NAME_WIDTH, fit_lines, label_ends, leave_room
from kam.survey.questions import name_question

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.survey.nonresponse import NonresponseResult
    from kam.wording import Wording

MOST = 6
"""At most so many strata are drawn: the largest."""
_GROUPED_BY = ("stratum", "revenue", "days_since_last_order")
_NAME_POINTS = 170.0


def plot_silence(result: NonresponseResult, *, wave: str | None = None, ax: Axes | None = None) -> Axes:
    """Which share of the accounts asked answered, by stratum, revenue and the time since the last order.

    In color: the group that answered least, and the one that answered most.

    Parameters
    ----------
    result : NonresponseResult
        From :func:`kam.survey.assess_nonresponse`; ``rates`` is drawn, of strata the six largest.
    wave : str, optional
        By default the last.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One bar per group, labelled with the share and the counts; x from 0 to 1, labelled in percent.

    Raises
    ------
    ParameterError
        There is no such wave.
    """
    say = result.context.wording
    wave = result.wave if wave is None else wave
    here = result.rates[result.rates["wave"] == wave]
    if here.empty:
        raise ParameterError(
            f"There is no wave {wave!r}.", hint=f"Waves there: {', '.join(result.rates['wave'].unique())}."
        )
    all_of_them = here[here["by"] == "all"].iloc[0]
    rows = _groups(here)
    rows = rows if len(rows) else here[here["by"] == "all"].reset_index(drop=True)
    share = rows["share_answered"].to_numpy()
    least, most = int(share.argmin()), int(share.argmax())
    colors = [style.GREY] * len(rows)
    if share[least] < share[most]:
        colors[most], colors[least] = style.ACCENT, style.WARN
    with style.applied():
        ax = style.take_axes(ax, height=1.6 + 0.46 * len(rows))
        font = FontProperties(size=style.SIZE)
        names = [
            "\n".join(fit_lines(one_line(say.word(str(name), "group_name"), width=NAME_WIDTH), font, _NAME_POINTS))
            for name in rows["group_name"]
        ]
        notes = [
            say.sentence(
                "{share} ({n} of {n_all})",
                share=say.share(row["share_answered"], 0),
                n=say.count(row["n_answered"]),
                n_all=say.count(row["n_drawn"]),
            )
            for row in rows.to_dict("records")
        ]
        style.draw_bars(ax, names, list(share), notes, colors)
        overall = float(all_of_them["share_answered"])
        ax.axvline(overall, color=style.SOFT, lw=1.2, ls=(0, (4, 3)), zorder=0.5)
        ax.set_xlim(right=ax.get_xlim()[1] * 1.05)
        for note in ax.texts:
            note.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})
        for place in _between(rows):
            ax.axhline(place, color=style.LINE, lw=1)
        style.set_ticks(ax.xaxis, 0, min(1.0, float(share.max()) * 1.02), style.percent(say))
        ax.set_xlabel(
            say.sentence("accounts asked that answered (%)")
            + "\n"
            + say.sentence(
                "dashed: {share} of all {n}; {wave}",
                share=say.share(overall, 0),
                n=say.count(all_of_them["n_drawn"]),
                wave=one_line(wave, width=NAME_WIDTH),
            )
        )
        title = say.sentence("{share} of the accounts asked answered", share=say.share(overall, 0))
        if share[least] < share[most]:
            title = say.sentence(
                "{least} of '{group}' answered, and {most} of '{other}'",
                least=say.share(share[least], 0),
                group=one_line(say.word(str(rows["group_name"].iloc[least]), "group_name")),
                most=say.share(share[most], 0),
                other=one_line(say.word(str(rows["group_name"].iloc[most]), "group_name")),
            )
        parts = [
            say.sentence(
                "{group}: {note}, {interval}",
                group=say.word(str(row["group_name"]), "group_name"),
                note=note,
                interval=say.interval(say.share(row["ci_low"]), say.share(row["ci_high"]), result.level),
            )
            for row, note in zip(rows.to_dict("records"), notes, strict=True)
        ]
        description = say.sentence(
            "Bars of the share of the accounts asked that answered. {parts}.", parts=say.join(parts, ";")
        )
        return style.finish(ax, title=title, description=description, context=result.context)


def plot_delta(result: NonresponseResult, *, ax: Axes | None = None) -> Axes:
    """The mean by how much less satisfied the silent are, with its interval, and where conclusions change.

    In color: the last wave, with its band; earlier waves in grey. On the line of the threshold a ring marks from where the mean
    is no longer above it beyond chance, a dot from where it is below.

    Parameters
    ----------
    result : NonresponseResult
        From :func:`kam.survey.assess_nonresponse`; ``deltas`` of the mean over accounts are drawn, ``tipping`` is marked.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        x: delta in points, from 0 to the largest; y: the mean, in points of the scale.
    """
    say = result.context.wording
    shown = result.deltas[
        (result.deltas["each"] == "account")
        & (result.deltas["term"] == "mean")
        & (result.deltas["level_3"] == result.level_3)
    ]
    curves = {str(wave): curve for wave, curve in shown.groupby("wave", sort=False)}
    tips = _tips(result)
    right = result.largest_delta
    low, high = float(shown["ci_low"].min()), float(shown["ci_high"].max())
    threshold = result.threshold if tips is not None else None
    if threshold is not None:
        low, high = min(low, threshold), max(high, threshold)
    pad = 0.08 * (high - low)
    with style.applied():
        ax = style.take_axes(ax, height=4.6)
        ax.set_ylim(low - pad, high + pad)
        ends = {wave: float(curve["estimate"].iloc[-1]) for wave, curve in curves.items()}
        ordered = sorted(ends, key=lambda wave: ends[wave])
        labels = [f"{one_line(wave, width=NAME_WIDTH)} {say.number(ends[wave])}" for wave in ordered]
        leave_room(ax, labels, 0, right)
        for wave, curve in curves.items():
            last = wave == result.wave
            color = style.ACCENT if last else style.SOFT
            x, y = curve["delta"].to_numpy(), curve["estimate"].to_numpy()
            if last:
                ax.fill_between(x, curve["ci_low"], curve["ci_high"], color=color, alpha=0.16, linewidth=0)
            ax.plot(x, y, color=color, lw=2.6 if last else 1.4, zorder=3 if last else 2)
        legend = say.sentence("shaded: {level} interval", level=say.share(result.level, 0))
        if threshold is not None and tips is not None:
            ax.plot([0, right], [threshold, threshold], color=style.GREY, lw=1.2, ls=(0, (4, 3)), zorder=1)
            for column, face in (("delta_unsure", "white"), ("delta_turned", style.WARN)):
                at = float(tips[column])
                if at <= right + 1e-9:
                    ax.plot(
                        [at],
                        [threshold],
                        "o",
                        ms=8,
                        color=style.WARN,
                        markerfacecolor=face,
                        markeredgewidth=2,
                        zorder=4,
                    )
                    ax.annotate(
                        say.number(at), (at, threshold), (0, -9), textcoords="offset points", ha="center", va="top",
                        size=style.SMALL, color=style.WARN, weight="bold", zorder=5,
                    )  # fmt: skip
            legend = say.sentence(
                "{shaded}; dashed: {threshold}\nring: no longer above it beyond chance; dot: below it",
                shaded=legend,
                threshold=say.number(threshold, 1),
            )
        label_ends(
            ax,
            right,
            np.array([ends[wave] for wave in ordered]),
            labels,
            [style.ACCENT if wave == result.wave else style.SOFT for wave in ordered],
            low=low - pad,
            high=high + pad,
        )
        style.set_ticks(ax.xaxis, 0, right, lambda x: say.number(x, 1 if right > 0.5 else 2))
        style.set_ticks(ax.yaxis, low - pad, high + pad, lambda x: say.number(x, 1))
        ax.spines["bottom"].set_bounds(0, right)
        x_label = say.sentence("points by which the silent are less satisfied (delta, assumed)")
        ax.set_xlabel(f"{x_label}\n{legend}", x=0.5 * right / ax.get_xlim()[1])
        ax.set_ylabel(
            say.sentence("mean of {outcome}", outcome=one_line(name_question(say, result.outcome), width=NAME_WIDTH))
        )
        return style.finish(
            ax, title=_title(result, tips), description=_description(say, result, curves), context=result.context
        )


# -- inside ----------------------------------------------------------------------------------------------------------


def _groups(here: pd.DataFrame) -> pd.DataFrame:
    """The groups that are drawn: strata, the largest first to be kept, then thirds, each block by the share that answered."""
    parts = []
    for by in _GROUPED_BY:
        block = here[here["by"] == by]
        block = block.loc[block["n_drawn"].sort_values(ascending=False, kind="stable").index[:MOST]]
        parts.append(block.sort_values(["share_answered", "group_name"], ascending=[False, True]))
    return pd.concat(parts, ignore_index=True)


def _between(rows: pd.DataFrame) -> list[float]:
    by = rows["by"].to_numpy()
    return [i + 0.5 for i in range(len(by) - 1) if by[i] != by[i + 1]]


def _tips(result: NonresponseResult) -> pd.Series | None:
    """What changes the conclusion that the last wave's mean is above the threshold; None: it is not, or nothing is concluded."""
    table = result.tipping
    here = table[
        (table["wave"] == result.wave)
        & (table["each"] == "account")
        & (table["term"] == "mean")
        & (table["level_3"] == result.level_3)
    ]
    changes = result.context.wording.sentence("this wave")
    here = here[(here["lower_in"] == changes) & (here["why"] == "")]
    return None if here.empty else here.iloc[0]


def _title(result: NonresponseResult, tips: pd.Series | None) -> str:
    say, band = result.context.wording, result.band()
    if tips is None or result.threshold is None or not (tips["is_sure"] or tips["tips"]):
        return say.sentence(
            "If the silent are up to {delta} points less satisfied, the mean is as low as {low}",
            delta=say.number(result.largest_delta),
            low=say.number(band["band_low"]),
        )
    if not bool(tips["tips"]):
        return say.sentence(
            "Even if the silent are {delta} points less satisfied, the mean is above {threshold}",
            delta=say.number(result.largest_delta),
            threshold=say.number(result.threshold, 1),
        )
    at = float(tips["delta_turned"])
    if at <= result.largest_delta + 1e-9:
        return say.sentence(
            "If the silent are {delta} points less satisfied, the mean is no longer above {threshold}",
            delta=say.number(at),
            threshold=say.number(result.threshold, 1),
        )
    return say.sentence(
        "If the silent are {delta} points less satisfied, it is no longer sure that the mean is above {threshold}",
        delta=say.number(float(tips["delta_unsure"])),
        threshold=say.number(result.threshold, 1),
    )


def _description(say: Wording, result: NonresponseResult, curves: dict[str, pd.DataFrame]) -> str:
    parts = []
    for wave, curve in curves.items():
        first, last = curve.iloc[0], curve.iloc[-1]
        parts.append(
            say.sentence(
                "{wave}: {first} ({first_interval}) at 0, {last} ({last_interval}) at {delta}",
                wave=wave,
                first=say.number(first["estimate"]),
                first_interval=say.interval(say.number(first["ci_low"]), say.number(first["ci_high"]), result.level),
                last=say.number(last["estimate"]),
                last_interval=say.interval(say.number(last["ci_low"]), say.number(last["ci_high"]), result.level),
                delta=say.number(float(last["delta"])),
            )
        )
    return say.sentence("Lines of the mean by delta, one per wave. {parts}.", parts=say.join(parts, ";"))
