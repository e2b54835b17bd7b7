"""Figure of balance: how who answered differs from who was asked, before and after weighting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.font_manager import FontProperties

from kam.errors import EmptyDataError
from kam.plots import style
from kam.plots.fonts import one_line
from kam.plots.labels import fit_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.survey.weighting import WeightsResult
    from kam.wording import Wording

MOST = 16
"""More rows are not drawn: the largest differences are."""
LIMIT = 0.1
"""Difference below which who answered is like who was asked."""
_ROOM = 205.0  # points for the words at the left


def plot_balance(result: WeightsResult, *, ax: Axes | None = None) -> Axes:
    """Difference of who answered from who was asked, in standard deviations, before and after weighting, in the last wave.

    An open dot is before, a full one after weighting; orange where a tenth of a standard deviation or more is left. Most
    different before on top.

    Parameters
    ----------
    result : WeightsResult
        From :func:`kam.survey.weigh_responses`; ``balance`` of the last wave is drawn, the sixteen largest if there are more.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One row per term or level; x is the difference in standard deviations.

    Raises
    ------
    EmptyDataError
        Nothing is known of those who did not answer.
    """
    say = result.context.wording
    rows, n_more = _rows(result)
    with style.applied():
        ax = style.take_axes(ax, height=1.9 + 0.36 * len(rows))
        far = max(0.3, float(rows[["difference_before", "difference_after"]].abs().to_numpy().max())) * 1.12
        ax.set_xlim(-far, far)
        ax.axvspan(-LIMIT, LIMIT, color=style.SOFT, alpha=0.12, lw=0)
        ax.axvline(0, color=style.SOFT, lw=1)
        font = FontProperties(size=style.SMALL)
        labels = []
        for place, row in enumerate(rows.to_dict("records")):
            before, after = float(row["difference_before"]), round(float(row["difference_after"]), 6) + 0.0
            color = style.WARN if abs(after) >= LIMIT else style.ACCENT
            ax.plot([before, after], [place, place], color=color, lw=1.6, alpha=0.6)
            ax.plot(before, place, "o", ms=7, color=style.SOFT, markerfacecolor="white", zorder=3)
            ax.plot(after, place, "o", ms=8, color=color, zorder=4)
            ax.text(
                1.02, place, say.number(after), transform=ax.get_yaxis_transform(), va="center", size=style.SMALL, color=color,
            )  # fmt: skip
            labels.append("\n".join(fit_lines(one_line(_name(say, row["term"], row["level"]), width=90), font, _ROOM)))
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.set_yticks(np.arange(len(rows)), labels, size=style.SMALL, color=style.INK)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ticks = [tick for tick in (-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0) if abs(tick) <= far]
        ax.set_xticks(ticks, [say.number(tick) for tick in ticks])
        below = [
            say.sentence("difference from who was asked, in standard deviations"),
            say.sentence("open: before weighting; full, and number: after"),
            say.sentence("shaded: balanced"),
        ]
        if n_more:
            below.append(
                say.plural("one that differed less is not shown", "{n} that differed less are not shown", n_more)
            )
        ax.set_xlabel("\n".join(below))
        return style.finish(ax, title=_title(result, rows), description=_description(say, rows), context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _rows(result: WeightsResult) -> tuple[pd.DataFrame, int]:
    """What is drawn, the most different before on top, and how many are not."""
    wave = result.waves["wave"].iloc[-1]
    table = result.balance[result.balance["wave"] == wave]
    if table.empty:
        raise EmptyDataError(
            "There is no balance to draw: nothing is known of those who did not answer.",
            where=f"wave {wave}",
            hint="Give survey_frame the sample and facts of the ledger.",
        )
    size = table[["difference_before", "difference_after"]].abs().max(axis=1)
    kept = table.loc[size.sort_values(ascending=False, kind="stable").index[:MOST]]
    order = kept["difference_before"].abs().sort_values(ascending=False, kind="stable").index
    return kept.loc[order].reset_index(drop=True), len(table) - len(kept)


def _name(say: Wording, term: object, level: object) -> str:
    words = {
        "log_revenue": say.sentence("revenue of the year before (log)"),
        "log_recency": say.sentence("days since the last order (log)"),
        "log_n_days": say.sentence("purchase days of the year before (log)"),
        "log_tenure": say.sentence("days as a customer (log)"),
        "share_late": say.sentence("late deliveries"),
        "n_complaints": say.sentence("complaints"),
        "stratum": say.sentence("stratum"),
        "region": say.sentence("region"),
        "industry": say.sentence("industry"),
    }
    name = words.get(str(term), str(term))
    return say.sentence("{name}: {level}", name=name, level=level) if level else name


def _title(result: WeightsResult, rows: pd.DataFrame) -> str:
    say = result.context.wording
    before, after = (float(rows[f"difference_{when}"].abs().max()) for when in ("before", "after"))
    if after < LIMIT:
        return say.sentence(
            "Weighted, who answered is like who was asked: no difference above {after}, before up to {before}",
            after=say.number(after),
            before=say.number(before),
        )
    n = int((rows["difference_after"].abs() >= LIMIT).sum())
    return say.plural(
        "Weighting leaves one difference of {limit} standard deviations or more, up to {after}; before up to {before}",
        "Weighting leaves {n} differences of {limit} standard deviations or more, up to {after}; before up to {before}",
        n,
        limit=say.number(LIMIT),
        after=say.number(after),
        before=say.number(before),
    )


def _description(say: Wording, rows: pd.DataFrame) -> str:
    parts = [
        say.sentence(
            "{name} {before} before, {after} after",
            name=_name(say, row["term"], row["level"]),
            before=say.number(float(row["difference_before"])),
            after=say.number(float(row["difference_after"])),
        )
        for row in rows.to_dict("records")
    ]
    return say.sentence("Dots, standardized differences: {list}.", list=say.join(parts, ";"))
