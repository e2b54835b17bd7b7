"""Figure of odds ratios: which accounts go with a higher chance of the outcome, by what the covariates tell about."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.font_manager import FontProperties

from kam.errors import ParameterError
from kam.plots import style
from kam.plots.fonts import one_line
from kam.plots.labels import fit_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.regression import ChurnRegressionResult
    from kam.wording import Wording

MOST = 16
"""More rows are not drawn: the surest are."""
REACH = 32.0
"""The axis ends at this ratio and at one over it; a line that goes on has an arrow."""
_ROOM = 205.0  # points for the words at the left
_GROUPS = ("rhythm", "money", "deliveries", "events", "survey", "account", "market", "other")
_TICKS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16, 32)


def plot_odds_ratios(result: ChurnRegressionResult, *, ax: Axes | None = None) -> Axes:
    """Odds ratio of each covariate with its interval on a log axis, grouped by what the covariates tell about.

    Orange goes with a higher chance, blue with a lower one, both sure also where so many are looked at (``named`` of the result);
    the rest is grey, also what points the other way on its own. A small open diamond is the odds ratio of the covariate on its
    own, where the axis reaches it. Origins and indicators of what is not known are not drawn.

    Parameters
    ----------
    result : ChurnRegressionResult
        From :func:`kam.churn.fit_churn_regression`; ``coefficients`` are drawn, the sixteen surest if there are more.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One row per covariate or level under the name of its group, within a group the largest ratio on top; x is the odds ratio.

    Raises
    ------
    ParameterError
        There is nothing but origins and indicators.
    """
    say = result.context.wording
    rows, n_more = _rows(result)
    sure = set(result.named()[["term", "level"]].itertuples(index=False, name=None))
    with style.applied():
        n_groups = rows["group"].nunique()
        headed = n_groups > 1
        ax = style.take_axes(ax, height=1.7 + 0.47 * len(rows) + 0.36 * n_groups * headed)
        ax.set_xscale("log")
        low, high = _limits(rows)
        ax.set_xlim(low, high)
        ax.axvline(1, color=style.SOFT, lw=1)
        places, labels, place = [], [], 0.0
        font = FontProperties(size=style.SMALL)
        for group in dict.fromkeys(rows["group"]):
            if headed:
                ax.text(
                    0, place, say.text(_group(say, group)), transform=ax.get_yaxis_transform(), va="center", ha="right",
                    size=style.SMALL, weight="bold", color=style.SOFT, clip_on=False,
                )  # fmt: skip
                place += 0.82
            for row in rows[rows["group"] == group].to_dict("records"):
                _draw(ax, say, row, place, low, high, sure=(row["term"], row["level"]) in sure)
                places.append(place)
                labels.append("\n".join(fit_lines(one_line(str(row["step"]), width=90), font, _ROOM)))
                place += 1.0
            place += 0.1
        ax.set_ylim(place - 0.45, -0.6)
        ax.set_yticks(places, labels, size=style.SMALL, color=style.INK)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ticks = [tick for tick in _TICKS if low <= tick <= high]
        ax.set_xticks(ticks, [_tick(say, tick) for tick in ticks])
        ax.set_xticks([], minor=True)
        below = [
            say.sentence("odds ratio, log scale; right of 1: a higher chance"),
            say.sentence(
                "lines: {level} interval; open diamond: the covariate alone", level=say.share(result.level, 0)
            ),
            say.sentence("grey: may be chance among so many, or the other way alone")
            if result.n_turned()
            else say.sentence("grey: may be chance among so many"),
        ]
        if n_more:
            below.append(
                say.plural("one that is less sure is not shown", "{n} that are less sure are not shown", n_more)
            )
        ax.set_xlabel("\n".join(below))
        return style.finish(
            ax, title=_title(result, rows, n_more), description=_description(result, rows), context=result.context
        )


# -- inside ----------------------------------------------------------------------------------------------------------


def _rows(result: ChurnRegressionResult) -> tuple[pd.DataFrame, int]:
    """What is drawn, by group and ratio, and how many are not."""
    table = result.coefficients
    unknown = result.context.wording.sentence("not known")
    told = table[table["odds_ratio"].notna() & (table["group"] != "origin") & (table["level"] != unknown)]
    if told.empty:
        raise ParameterError(
            "There is no odds ratio to draw: the regression has origins and indicators only.",
            hint="Fit it with covariates.",
        )
    surest = told.loc[told["statistic"].abs().sort_values(ascending=False, kind="stable").index[:MOST]]
    order = surest.assign(at=surest["group"].map(lambda name: _GROUPS.index(name)))
    order = order.sort_values(["at", "odds_ratio"], ascending=[True, False], kind="stable")
    return order.drop(columns="at").reset_index(drop=True), len(told) - len(surest)


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    low = min(0.5, max(1 / REACH, float(rows["odds_low"].min())))
    high = max(2.0, min(REACH, float(rows["odds_high"].max())))
    return low / 1.12, high * 1.12


def _draw(
    ax: Axes, say: Wording, row: Mapping[Hashable, Any], place: float, low: float, high: float, *, sure: bool
) -> None:
    color = style.SOFT if not sure else style.WARN if row["odds_ratio"] > 1 else style.ACCENT
    start, end = max(row["odds_low"], low), min(row["odds_high"], high)
    ax.plot([start, end], [place, place], color=color, lw=2.2, solid_capstyle="round")
    for cut, at, marker in ((row["odds_low"] < low, low, "<"), (row["odds_high"] > high, high, ">")):
        if cut:
            ax.plot(at, place, marker, color=color, ms=7, clip_on=False)
    if low <= row["odds_alone"] <= high:
        ax.plot(row["odds_alone"], place, "D", ms=5, color=style.SOFT, markerfacecolor="none", zorder=3)
    if low <= row["odds_ratio"] <= high:
        ax.plot(row["odds_ratio"], place, "o", ms=8, color=color)
    ax.text(
        1.02, place, f"{_ratio(say, row['odds_ratio'])} ({_ratio(say, row['odds_low'])}–{_ratio(say, row['odds_high'])})",
        transform=ax.get_yaxis_transform(), va="center", size=style.SMALL, color=color,
        weight="normal" if color == style.SOFT else "bold",
    )  # fmt: skip


def _ratio(say: Wording, x: float) -> str:
    """A ratio with three digits; beyond a thousand, and below a hundredth, that it is."""
    if x >= 1000:
        return ">" + say.count(1000)
    if x < 0.01:
        return "<" + say.number(0.01)
    return say.number(x, 2 if x < 10 else 1 if x < 100 else 0)


def _tick(say: Wording, x: float) -> str:
    return say.count(x) if x >= 1 else f"1/{round(1 / x)}"


def _group(say: Wording, group: str) -> str:
    words = {
        "rhythm": say.sentence("rhythm"),
        "money": say.sentence("money"),
        "deliveries": say.sentence("deliveries"),
        "events": say.sentence("events"),
        "survey": say.sentence("survey"),
        "account": say.sentence("account"),
        "market": say.sentence("market"),
        "other": say.sentence("other"),
    }
    return words[group]


def _title(result: ChurnRegressionResult, rows: pd.DataFrame, n_more: int) -> str:
    say = result.context.wording
    named = result.named()
    if named.empty and result.n_turned():
        return say.sentence(
            "What goes with {event} beyond chance points the other way on its own", event=_event(result)
        )
    if named.empty:
        return say.plural(
            "The one covariate goes with {event} no more than chance would have it",
            "None of {n} covariates goes with {event} more than chance among so many would have it",
            len(rows) + n_more,
            event=_event(result),
        )
    first = named.iloc[0]
    return say.sentence(
        "{step}: the odds of {event} are {ratio} times as high",
        step=str(first["step"])[:1].upper() + str(first["step"])[1:],
        event=_event(result),
        ratio=_ratio(say, float(first["odds_ratio"])),
    )


def _event(result: ChurnRegressionResult) -> str:
    say = result.context.wording
    words = {"no_order": say.sentence("no order"), "churned": say.sentence("a loss")}
    return words.get(result.event, result.event)


def _description(result: ChurnRegressionResult, rows: pd.DataFrame) -> str:
    say = result.context.wording
    parts = [
        say.sentence(
            "{step} {ratio} ({interval}), alone {alone}",
            step=row["step"],
            ratio=_ratio(say, row["odds_ratio"]),
            alone=_ratio(say, row["odds_alone"]) if row["odds_alone"] == row["odds_alone"] else "–",
            interval=say.interval(_ratio(say, row["odds_low"]), _ratio(say, row["odds_high"]), result.level),
        )
        for row in rows.to_dict("records")
    ]
    return say.sentence("Points with intervals, odds ratios: {list}.", list=say.join(parts, ";"))
