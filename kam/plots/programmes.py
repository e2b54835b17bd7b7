"""Figure of the programmes against churn: what each is worth per account, how sure that is, and what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kam.plots import style
from kam.plots.fonts import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.programmes import ProgrammeResult
    from kam.wording import Wording

MOST = 12


def plot_programmes(result: ProgrammeResult, *, ax: Axes | None = None) -> Axes:
    """Gain per treated account of each programme with its interval; in color: recommended; hollow: the effect is not measured.

    Parameters
    ----------
    result : ProgrammeResult
        From :func:`kam.churn.compare_programmes`; ``programmes`` are drawn, the twelve best if there are more.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One row per programme and state, recommended ones on top, then by gain.
    """
    say = result.context.wording
    rows = result.programmes.sort_values(["is_recommended", "delta_value"], ascending=False, kind="stable").head(MOST)
    places = range(len(rows))
    ends = rows[["delta_low", "delta_high"]].to_numpy()
    form = style.short_money(say, float(np.abs(ends).max()))
    with style.applied():
        ax = style.take_axes(ax, height=1.75 + 0.56 * len(rows))
        ax.axvline(0, color=style.SOFT, lw=1)
        for place, (_, row) in zip(places, rows.iterrows(), strict=True):
            color = style.ACCENT if row["is_recommended"] else style.SOFT
            ax.plot([row["delta_low"], row["delta_high"]], [place, place], color=color, lw=2.2, solid_capstyle="round")
            face = color if row["source"] == "experiment" else "white"
            ax.plot(row["delta_value"], place, "o", ms=9, mfc=face, mec=color, mew=2)
            ax.annotate(
                form(row["delta_value"]), (row["delta_value"], place), (0, 7), textcoords="offset points",
                ha="center", va="bottom", color=color, size=style.SMALL,
                weight="bold" if row["is_recommended"] else "normal",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )  # fmt: skip
            ax.text(
                1.02, place, _note(result, say, row), transform=ax.get_yaxis_transform(), va="center", size=style.SMALL,
                color=style.ACCENT if row["is_recommended"] else style.SOFT, linespacing=1.3,
            )  # fmt: skip
        reach = max(0.0, ends.max()) - min(0.0, ends.min()) or 1.0
        ax.set_xlim(min(0.0, ends.min()) - 0.04 * reach, max(0.0, ends.max()) + 0.04 * reach)
        ax.set_ylim(len(rows) - 0.45, -0.65)
        ax.set_yticks(list(places), [_label(say, row) for _, row in rows.iterrows()], color=style.INK, size=style.SMALL)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        style.set_ticks(ax.xaxis, *ax.get_xlim(), form)
        below = [
            say.label("delta_value"),
            say.sentence("lines: {p} of draws; hollow: the effect is not measured", p=say.share(result.level, 0)),
        ]
        if len(rows) < len(result.programmes):
            left_out = len(result.programmes) - len(rows)
            below.append(say.plural("one that gains less is not shown", "{n} that gain less are not shown", left_out))
        ax.set_xlabel("\n".join(below))
        return style.finish(
            ax, title=_title(result, say), description=_description(result, rows, say), context=result.context
        )


# -- inside ----------------------------------------------------------------------------------------------------------


def _label(say: Wording, row: pd.Series) -> str:
    return one_line(row["programme"]) + "\n" + say.sentence("for {state}", state=one_line(say.state(row["from_state"])))


def _source(say: Wording, row: pd.Series) -> str:
    words = {
        "experiment": say.sentence("effect measured"),
        "judged": say.sentence("effect judged"),
        "assumed": say.sentence("effect assumed"),
    }
    return words[row["source"]]


def _note(result: ProgrammeResult, say: Wording, row: pd.Series) -> str:
    first = (row["programme"] == result.states["recommended"]) & (row["from_state"] == result.states["state"])
    p = say.share(row["p_best"], 0)
    if not row["is_recommended"]:
        line = say.sentence("best in {p} of draws", p=p)
    elif first.any():
        line = say.sentence("recommended: best in {p}", p=p)
    else:
        line = say.sentence("recommended for the rest")
    return line + "\n" + _source(say, row)


def _title(result: ProgrammeResult, say: Wording) -> str:
    rows = result.programmes[result.programmes["is_recommended"]]
    n_all = result.programmes["programme"].nunique()
    if rows.empty:
        best = result.programmes.iloc[int(result.programmes["delta_value"].to_numpy().argmax())]
        gains = best["delta_value"] > 0
        return say.plural(
            "{programme} cannot be recommended for {state}: it gains {delta} per account"
            if gains
            else "{programme} does not pay for {state}: it loses {delta} per account",
            "None of {n} programmes can be recommended: the best, {programme} for {state}, gains {delta} per account"
            if gains
            else "None of {n} programmes pays: the nearest, {programme} for {state}, loses {delta} per account",
            n_all,
            programme=one_line(best["programme"]),
            state=one_line(say.state(best["from_state"])),
            delta=say.money(abs(best["delta_value"])),
        )
    if len(rows) == 1:
        row = rows.iloc[0]
        return say.sentence(
            "{n} of {n_all} programmes can be recommended: {programme} for {state}, worth {delta} per account",
            n=say.count(1),
            n_all=say.count(n_all),
            programme=one_line(row["programme"]),
            state=one_line(say.state(row["from_state"])),
            delta=say.money(row["delta_value"]),
        )
    return say.plural(
        "One of {n_all} programmes can be recommended: worth {all} in all",
        "{n} of {n_all} programmes can be recommended: worth {all} in all",
        int(rows["programme"].nunique()),
        n_all=say.count(n_all),
        all=say.money(result.gain),
    )


def _description(result: ProgrammeResult, rows: pd.DataFrame, say: Wording) -> str:
    parts = [
        say.sentence(
            "{programme} for {state} {delta} ({interval}), best in {p} of draws, {source}",
            programme=one_line(row["programme"]),
            state=one_line(say.state(row["from_state"])),
            delta=say.money(row["delta_value"]),
            interval=say.interval(say.money(row["delta_low"]), say.money(row["delta_high"]), result.level),
            p=say.share(row["p_best"], 0),
            source=_source(say, row),
        )
        for _, row in rows.iterrows()
    ]
    return say.sentence("Points with intervals, gain per treated account: {list}.", list=say.join(parts, ";"))
