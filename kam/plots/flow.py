"""Figure of the customers in each state, period by period, and of who came and who was lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.collections import PolyCollection
from matplotlib.font_manager import FontProperties

from kam.churn.periods import period_in_words
from kam.errors import EmptyDataError
from kam.plots import style
from kam.plots.fonts import one_line, width_in_points
from kam.plots.labels import (
    LABEL_POINTS,
    NAME_WIDTH,
    fit_lines,
    label_ends,
    label_periods,
    label_state,
    leave_room,
    share_text,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.markov import MarkovChurnResult
    from kam.wording import Wording

Floats = npt.NDArray[np.float64]


def plot_flow(result: MarkovChurnResult, *, ax: Axes | None = None) -> Axes:
    """How many customers there are in each state, period by period, and below it who came and who was lost.

    Bars of the customers who are not lost stand above bars of what changed their number: first seen and come back upwards, lost
    and no longer seen downwards. The two have scales of their own, as of a hundred customers a few move in a period. This was
    chosen over an alluvial diagram, which shows a handful of periods and has to be explained, and over a stack with the lost in
    it, who pile up and press the rest flat. So a manager reads how large the portfolio is, what it is made of and why it
    changed along one axis of time, and the changes add up: each stack is the one before it plus the bars below.

    Parameters
    ----------
    result : MarkovChurnResult
        From :func:`kam.churn.markov.fit_markov_churn`; ``mix`` and ``flows`` are drawn. Without a lost state nobody is lost,
        and all states are in the stack.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One stack per period, the first state at the bottom, labelled with the number in the last period; the flows are in its
        only child axes, each at the period in which customers arrive, labelled with their sum.

    Raises
    ------
    EmptyDataError
        There are fewer than two periods.
    """
    say = result.context.wording
    mix = result.mix.pivot(index="period", columns="state", values="n_customers")
    if len(mix) < 2:
        raise EmptyDataError("There is one period: nothing flows.", hint="Give counts with their period, or more data.")
    names = [name for name in result.names if name != result.lost]
    stock = mix[names].to_numpy(dtype=float).T
    flows = _flows(result, mix.index)
    n = max(len(mix), *(flow.size for flow in flows.values())) if flows else len(mix)
    with style.applied():
        ax = style.take_axes(ax, height=5.6 if flows else 4.4)
        base = np.zeros(len(mix))
        for row, shade in zip(stock, np.linspace(1, 0.22, len(names)), strict=True):
            _draw_columns(ax, row, base, color=style.RAMP(shade))
            base = base + row
        top = max(float(base.max()), 1.0)
        depth = 0.58 if flows else 0.0  # what the flows take below
        ax.set_ylim(-depth * top, 1.02 * top)
        words = {
            "back": say.sentence("{n} came back", n=_sum(flows, "back", say)),
            "came": say.sentence("{n} came", n=_sum(flows, "came", say)),
            "lost": say.sentence("{n} lost", n=_sum(flows, "lost", say)),
            "gone": say.sentence("{n} no longer seen", n=_sum(flows, "gone", say)),
        }
        labels = [label_state(say.state(name), say.count(size)) for name, size in zip(names, stock[:, -1], strict=True)]
        font = FontProperties(size=style.SIZE)
        totals = {key: "\n".join(fit_lines(words[key], font, LABEL_POINTS)) for key in flows}
        leave_room(ax, [*labels, *totals.values()], -0.6, n - 0.4)
        middles = np.cumsum(stock[:, -1]) - stock[:, -1] / 2
        label_ends(ax, len(mix) - 0.56, middles, labels, low=-0.12 * top, high=1.02 * top)
        style.set_ticks(ax.yaxis, 0, top, say.count)
        ax.spines["left"].set_bounds(0, 1.02 * top)
        ax.spines["bottom"].set_visible(False)
        ax.hlines(0, -0.6, n - 0.4, color=style.SOFT, lw=1)
        label_periods(ax, mix.index, result.freq, say)
        ax.set_ylabel(say.sentence("customers"), y=(depth + 0.5) / (depth + 1))
        changes = _changes(result, mix, flows)
        notes = [say.sentence("numbered periods")] if result.freq == "period" else []
        if changes["rest"]:
            notes.append(say.sentence("the bars below do not add up: not all beginnings and ends are in the counts"))
        ax.set_xlabel("\n".join(notes))
        if flows:
            _draw_flows(ax, flows, n, totals, result)
        return style.finish(
            ax,
            title=_title(result, mix, changes),
            description=_description(result, mix, flows),
            context=result.context,
        )


# -- inside ----------------------------------------------------------------------------------------------------------


def _flows(result: MarkovChurnResult, periods: pd.Index) -> dict[str, Floats]:
    """Customers who came back, came, were lost and were no longer seen, by position of the period in which they arrived.

    Only the kinds that occur. Who is there in the first period did not come, and who is there in the last is not gone.
    """
    flows = result.flows
    arrived = periods.get_indexer(pd.Index(flows["period"])) + 1
    origin, target = flows["from_state"], flows["to_state"]
    from_lost, to_lost = origin == result.lost, target == result.lost
    kinds = {
        "back": from_lost & ~to_lost & target.notna(),
        "came": origin.isna() & ~to_lost & (arrived > 0),
        "lost": to_lost & ~from_lost & origin.notna(),
        "gone": target.isna() & ~from_lost & (arrived < len(periods)),
    }
    n = flows["n_transitions"].to_numpy(dtype=float)
    found = {key: np.bincount(arrived[which], n[which], len(periods)).astype(float) for key, which in kinds.items()}
    return {key: size for key, size in found.items() if size.any()}


def _sum(flows: Mapping[str, Floats], kind: str, say: Wording) -> str:
    return say.count(flows[kind].sum()) if kind in flows else say.count(0)


def _changes(result: MarkovChurnResult, mix: pd.DataFrame, flows: Mapping[str, Floats]) -> dict[str, int]:
    """Customers not lost at first and at last, the sum of each flow between, and what these leave unexplained."""
    total = mix.drop(columns=result.lost or []).sum(axis=1)
    sums = {key: int(flows[key][: len(mix)].sum()) if key in flows else 0 for key in ("came", "back", "lost", "gone")}
    first, last = int(total.iloc[0]), int(total.iloc[-1])
    rest = last - (first + sums["came"] + sums["back"] - sums["lost"] - sums["gone"])
    return {"first": first, "last": last, "rest": rest} | sums


def _draw_columns(ax: Axes, sizes: Floats, base: Floats, *, color: Any) -> None:
    """One column per position, from ``base`` on; one artist for all, as thousands of rectangles take seconds."""
    at = np.flatnonzero(sizes)
    left, right, low = at - 0.44, at + 0.44, base[at]
    high = low + sizes[at]
    corners = np.array([[left, low], [left, high], [right, high], [right, low]]).transpose(2, 0, 1)
    ax.add_collection(
        PolyCollection(list(corners), facecolors=[color], edgecolors="white", linewidths=0.7), autolim=False
    )


def _draw_flows(
    ax: Axes, flows: Mapping[str, Floats], n: int, labels: Mapping[str, str], result: MarkovChurnResult
) -> None:
    """Bars up and down in axes of their own, in the lower part of the axes given."""
    say = result.context.wording
    colors = {"back": style.LINE, "came": style.SOFT, "lost": style.WARN, "gone": style.GREY}
    below = style.take_axes(ax.inset_axes((0, 0, 1, 0.3)), height=0)
    ends: dict[str, tuple[float, float]] = {}  # where each flow stands in the last period
    reach = {}
    for sign, keys in ((1, ("back", "came")), (-1, ("lost", "gone"))):
        base = np.zeros(n)
        for key in (key for key in keys if key in flows):
            flow = sign * np.pad(flows[key], (0, n - flows[key].size))
            _draw_columns(below, flow, base, color=colors[key])
            ends[key] = (float(base[-1] + flow[-1] / 2), sign)
            base = base + flow
        reach[sign] = sign * float(np.abs(base).max())
    pad = 0.03 * (reach[1] - reach[-1])
    below.set_ylim(reach[-1] - pad, reach[1] + pad)
    below.set_xlim(ax.get_xlim())
    below.set_xticks([])
    below.hlines(0, -0.6, n - 0.4, color=style.SOFT, lw=1)
    below.spines["bottom"].set_visible(False)
    style.set_ticks(below.yaxis, reach[-1], reach[1], lambda size: say.count(abs(size)), n=4)
    order = sorted(ends, key=lambda key: (ends[key][0], ("gone", "lost", "back", "came").index(key)))
    label_ends(
        below,
        n - 0.56,
        np.array([ends[key][0] for key in order]),
        [labels[key] for key in order],
        [style.WARN if key == "lost" else style.INK for key in order],
        low=reach[-1] - 4 * pad,
        high=reach[1] + 4 * pad,
    )
    words = {
        "month": say.sentence("per month"),
        "quarter": say.sentence("per quarter"),
        "year": say.sentence("per year"),
        "period": say.sentence("per period"),
    }
    below.set_ylabel(
        words[result.freq], labelpad=4 + _tick_width(ax) - _tick_width(below)
    )  # in line with the one above


def _tick_width(ax: Axes) -> float:
    return max(width_in_points(label.get_text(), label.get_fontproperties()) for label in ax.get_yticklabels())


def _title(result: MarkovChurnResult, mix: pd.DataFrame, changes: Mapping[str, int]) -> str:
    say = result.context.wording
    first, last = (period_in_words(say, mix.index[i], result.freq) for i in (0, -1))
    if not result.lost:
        share = mix.div(mix.sum(axis=1), axis=0).iloc[[0, -1]].fillna(0.0)
        state = (share.iloc[1] - share.iloc[0]).abs().idxmax()
        return say.sentence(
            "{share} of customers are in {state} in {last}, after {before} in {first}",
            share=share_text(share[state].iloc[1], say, 0),
            state=one_line(say.state(str(state)), width=NAME_WIDTH),
            last=last,
            before=share_text(share[state].iloc[0], say, 0),
            first=first,
        )
    parts = {
        "came": say.sentence("{n} came", n=say.count(changes["came"])),
        "back": say.sentence("{n} came back", n=say.count(changes["back"])),
        "lost": say.plural("{n} was lost", "{n} were lost", changes["lost"]),
        "gone": say.plural("{n} was no longer seen", "{n} were no longer seen", changes["gone"]),
    }
    return say.sentence(
        "Customers went from {begin} in {first} to {end} in {last}: {changes}",
        begin=say.count(changes["first"]),
        first=first,
        end=say.count(changes["last"]),
        last=last,
        changes=say.listing([text for key, text in parts.items() if changes[key]])
        or say.sentence("nobody came and nobody was lost"),
    )


def _description(result: MarkovChurnResult, mix: pd.DataFrame, flows: Mapping[str, Floats]) -> str:
    say = result.context.wording
    sizes = [
        say.sentence(
            "{state} {before}, then {after}",
            state=say.state(name),
            before=say.count(mix[name].iloc[0]),
            after=say.count(mix[name].iloc[-1]),
        )
        for name in result.names
    ]
    text = say.sentence(
        "Stacked columns of customers by state in {n} periods; in the first and the last: {sizes}.",
        n=say.count(len(mix)),
        sizes=say.join(sizes, ";"),
    )
    if "lost" not in flows:
        return text
    most = int(flows["lost"][: len(mix)].argmax())
    return say.join(
        [
            text,
            say.sentence(
                "Below, columns of who came and who was lost; most were lost in {period}: {n}.",
                period=period_in_words(say, mix.index[most], result.freq),
                n=say.count(flows["lost"][most]),
            ),
        ]
    )
