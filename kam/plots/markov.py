"""Figures of the Markov chain of customers: the transition matrix, who came and who was lost, survival by state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.collections import PolyCollection
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from scipy.optimize import isotonic_regression

from kam.errors import EmptyDataError, NoAbsorbingStateError
from kam.plots import style
from kam.plots.fonts import one_line, set_fonts, width_in_points
from kam.wording import LANGUAGES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.markov import MarkovChurnResult
    from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_BASES = (100, 1000, 10_000)
_LABEL_POINTS = 104.0  # a longer label has two lines
_NAME = 44  # the longest name of a state, in columns
_STEPS = {"month": (1, 3, 6, 12, 24, 60), "quarter": (1, 2, 4, 8, 20)}  # between ticks; for other periods:
_ROUND_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_A_YEAR = {"month": 12, "quarter": 4}
_ROOM = 20.0  # points from a mark to its label


def plot_transitions(result: MarkovChurnResult, *, ax: Axes | None = None) -> Axes:
    """Where customers are one period later, by the state that they are in: probability, and transitions counted.

    Parameters
    ----------
    result : MarkovChurnResult
        From :func:`kam.churn.markov.fit_markov_churn`; ``transitions`` is drawn, the matrix of all periods together. Where the
        chain in use is another (a matrix per season, or returns of lost customers cut), the label below says so.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One row per state that is left and one column per state that is entered, in the order of ``states``, shaded by the
        probability; a dash where no transition was seen; framed: the loss.
    """
    say = result.context.wording
    names, freq = result.names, say.text(result.freq)
    p, count = _matrices(result)
    notes = _differences(result)
    with style.applied():
        own = ax is None
        ax = style.take_axes(ax, height=2.6 + 0.62 * len(names) + 0.2 * len(notes))
        short = style.short_money(
            say, float(count.sum(axis=1).max())
        )  # 12,345 or 123K: what it says of money without currency
        font = FontProperties(size=style.SMALL)
        style.draw_cells(
            ax,
            p,
            [[_percent(p[i, j], say) if n else "" for j, n in enumerate(row)] for i, row in enumerate(count)],
            [[short(n) for n in row] for row in count],
            rows=[
                "\n".join(_lines(one_line(name, width=_NAME), font, _LABEL_POINTS))
                + "\n"
                + say.sentence("{n} transition" if n == 1 else "{n} transitions", n=short(n))
                for name, n in zip(names, count.sum(axis=1), strict=True)
            ],
            columns=[one_line(name, width=_NAME) for name in names],
        )
        if result.lost:
            lost = names.index(result.lost)
            label = say.sentence("lost by the next {freq}", freq=freq)
            style.frame_cells(ax, (lost, 0), (1, len(names)), label, color=style.WARN)
            for axis in (ax.xaxis, ax.yaxis):
                axis.get_ticklabels()[lost].set(color=style.WARN, weight="bold")
        ax.set_ylabel(say.sentence("from: state in one {freq}", freq=freq))
        legend = say.sentence("in each cell: share of the customers in the row, and transitions")
        ax.set_xlabel("\n".join([say.sentence("to: state in the next {freq}", freq=freq), legend, *notes]))
        _fit_columns(ax, own=own, language=result.context.language)
        return style.finish(
            ax,
            title=_transitions_title(result, p, count),
            description=_transitions_description(result, p, count),
            context=result.context,
        )


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
        labels = [_label(name, say.count(size)) for name, size in zip(names, stock[:, -1], strict=True)]
        font = FontProperties(size=style.SIZE)
        totals = {key: "\n".join(_lines(words[key], font, _LABEL_POINTS)) for key in flows}
        _leave_room(ax, [*labels, *totals.values()], -0.6, n - 0.4)
        middles = np.cumsum(stock[:, -1]) - stock[:, -1] / 2
        _label_ends(ax, len(mix) - 0.56, middles, labels, low=-0.12 * top, high=1.02 * top)
        style.set_ticks(ax.yaxis, 0, top, say.count)
        ax.spines["left"].set_bounds(0, 1.02 * top)
        ax.spines["bottom"].set_visible(False)
        ax.hlines(0, -0.6, n - 0.4, color=style.SOFT, lw=1)
        _label_periods(ax, mix.index, result.freq, say)
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
            title=_flow_title(result, mix, changes),
            description=_flow_description(result, mix, flows),
            context=result.context,
        )


def plot_survival(result: MarkovChurnResult, *, ax: Axes | None = None) -> Axes:
    """Which share of the customers in each state is not yet lost, so many periods from now.

    In color: the state of which half are lost first (or, where none comes to half, fewest are left), and that of which most
    are left. A dot is where half are lost.

    Parameters
    ----------
    result : MarkovChurnResult
        From :func:`kam.churn.markov.fit_markov_churn`; ``survival`` is drawn with its intervals, ``half_life`` of ``states``
        is marked.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One line and band per state that is not lost, labelled with the share at the end; x in periods, y from 0 to 1, labelled
        in percent.

    Raises
    ------
    NoAbsorbingStateError
        The chain has no lost state.
    """
    if not result.lost:
        raise NoAbsorbingStateError(
            "There is no survival to draw: the chain has no lost state.",
            where=f"states {', '.join(result.names)}",
            hint="Name the lost state: fit_markov_churn(panel, absorbing=…).",
        )
    say = result.context.wording
    curves = _curves(result)
    worst, best = _worst_and_best(curves)
    horizon = int(result.survival["n_ahead"].max())
    colors = dict.fromkeys(curves, style.SOFT) | {best: style.ACCENT, worst: style.WARN}
    half_lives = result.states.set_index("state")["half_life"]
    ends = {name: float(curve["probability"].iloc[-1]) for name, curve in curves.items()}
    with style.applied():
        ax = style.take_axes(ax, height=4.8)
        ax.set_ylim(0, 1.02)
        labels = [_label(name, _percent(end, say, 0)) for name, end in ends.items()]
        _leave_room(ax, labels, 0, horizon)
        ax.plot([0, horizon], [0.5, 0.5], color=style.GREY, lw=1.2, ls=(0, (4, 3)))
        for name, curve in curves.items():
            x, y = curve["n_ahead"].to_numpy(dtype=float), curve["probability"].to_numpy(dtype=float)
            low, high = curve["ci_low"].to_numpy(dtype=float), curve["ci_high"].to_numpy(dtype=float)
            strong = name in (worst, best)
            color, layer = colors[name], 3 if strong else 2
            ax.fill_between(x, low, high, color=color, alpha=0.16 if strong else 0.1, linewidth=0)
            ax.plot(x, y, color=color, lw=2.6 if strong else 1.4, solid_capstyle="round", zorder=layer)
            if half_lives[name] <= horizon:
                ax.plot([half_lives[name]], [0.5], "o", color=color, ms=7 if strong else 5, zorder=layer)
        _label_ends(
            ax, horizon, np.array(list(ends.values())), labels, [colors[name] for name in curves], low=-0.06, high=1.04
        )
        style.set_ticks(ax.yaxis, 0, 1, style.percent(say))
        steps = _STEPS.get(result.freq, _ROUND_STEPS)
        ticks = list(range(0, horizon + 1, next((step for step in steps if horizon / step <= 8), steps[-1])))
        ax.set_xticks(ticks, [say.count(tick) for tick in ticks])
        ax.spines["bottom"].set_bounds(0, horizon)
        ahead = {
            "month": say.sentence("months from now"),
            "quarter": say.sentence("quarters from now"),
            "year": say.sentence("years from now"),
            "period": say.sentence("periods from now"),
        }
        legend = say.sentence("dot: half are lost; shaded: {level} interval", level=say.share(result.level, 0))
        ax.set_xlabel(f"{ahead[result.freq]}\n{legend}", x=0.5 * horizon / ax.get_xlim()[1])
        ax.set_ylabel(say.sentence("customers not yet lost (%)"))
        return style.finish(
            ax,
            title=_survival_title(result, curves, worst, best),
            description=_survival_description(result, curves),
            context=result.context,
        )


# -- transitions -----------------------------------------------------------------------------------------------------


def _matrices(result: MarkovChurnResult) -> tuple[Floats, Ints]:
    """Probabilities and counts of all periods together, shape (S, S), in the order of the states."""
    cells = pd.MultiIndex.from_product([result.names, result.names])
    table = result.transitions.set_index(["from_state", "to_state"]).reindex(cells)
    shape = (len(result.names), len(result.names))
    return (
        table["probability"].to_numpy(dtype=float).reshape(shape),
        table["n_transitions"].to_numpy(dtype=np.int64).reshape(shape),
    )


def _differences(result: MarkovChurnResult) -> list[str]:
    """In what the chain in use is another than the matrix drawn."""
    say = result.context.wording
    notes = []
    if result.chain == "cyclic":
        notes.append(say.sentence("all seasons together; the chain in use differs by season"))
    if result.returns == "cut" and result.n_returned:
        notes.append(say.sentence("in the chain in use, lost is the end: returns do not count"))
    return notes


def _percent(p: float, say: Wording, digits: int = 1) -> str:
    """A share in percent that says 0 and 100 only of 0 and 1."""
    least = 10.0 ** -(digits + 2)
    if 0 < p < least / 2:
        return "<" + say.share(least, digits)
    if 1 - least / 2 < p < 1:
        return ">" + say.share(1 - least, digits)
    return say.share(p, 0 if p in (0, 1) else digits)


def _fit_columns(ax: Axes, *, own: bool, language: str) -> None:
    """Break the names below the columns into lines that fit or, where a word is too long for that, turn them upright."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    set_fonts([text for text in ax.findobj(Text) if isinstance(text, Text)], language=language)
    figure.draw_without_rendering()  # the layout is known after this
    labels = ax.get_xticklabels()
    marks = [(label.get_color(), label.get_fontweight()) for label in labels]
    font = labels[0].get_fontproperties()
    room = ax.get_window_extent().width * 72 / figure.dpi / len(labels) - 6
    texts = [label.get_text() for label in labels]
    broken = [_lines(text, font, room, most=3) for text in texts]
    turned = any(lines[-1].endswith("…") and not text.endswith("…") for lines, text in zip(broken, texts, strict=True))
    if turned:
        broken = [_lines(text, font, _LABEL_POINTS) for text in texts]
        if own:
            figure.set_figheight(figure.get_figheight() + 1.0)
    ax.set_xticks(ax.get_xticks(), ["\n".join(lines) for lines in broken], rotation=90 if turned else 0)
    below = ax.xaxis.label
    width = (room + 6) * len(labels)
    lines = [style.break_lines(line, below.get_fontproperties(), width) for line in below.get_text().split("\n")]
    below.set_text("\n".join(line for part in lines for line in part))
    for label, (color, weight) in zip(ax.get_xticklabels(), marks, strict=True):
        label.set(color=color, weight=weight)


def _transitions_title(result: MarkovChurnResult, p: Floats, count: Ints) -> str:
    """The states that lose least and most; without a lost state, those that keep most and least."""
    say = result.context.wording
    names = [one_line(name, width=_NAME) for name in result.names]
    freq = say.text(result.freq)
    if not result.lost:
        seen = np.flatnonzero(count.sum(axis=1))
        stay = np.diag(p)
        high, low = seen[stay[seen].argmax()], seen[stay[seen].argmin()]
        return say.sentence(
            "Of 100 customers in {high}, {n_high} are still there in the next {freq}; of 100 in {low}, {n_low}",
            high=names[high],
            n_high=say.count(100 * stay[high]),
            freq=freq,
            low=names[low],
            n_low=say.count(100 * stay[low]),
        )
    lost = result.names.index(result.lost)
    risk = p[:, lost]
    risky = [int(i) for i in risk.argsort(kind="stable") if i != lost and count[i, lost]]
    if not risky:
        return say.sentence("No customer was seen to be lost by the next {freq}", freq=freq)
    least, most = risky[0], risky[-1]
    base = next((base for base in _BASES if base * risk[least] >= 1.5), _BASES[-1])
    if len(risky) == len(names) - 1 > 1 and round(base * risk[least]) == round(base * risk[most]):
        return say.sentence(
            "Of {base} customers in any state, {n} are lost by the next {freq}",
            base=say.count(base),
            n=say.count(base * risk[most]),
            freq=freq,
        )
    first = say.sentence(
        "Of {base} customers in {state}, {n} are lost by the next {freq}",
        base=say.count(base),
        state=names[least],
        n=say.count(base * risk[least]),
        freq=freq,
    )
    if least == most:
        return first
    return say.sentence(
        "{first}; of {base} in {state}, {n}",
        first=first,
        base=say.count(base),
        state=names[most],
        n=say.count(base * risk[most]),
    )


def _transitions_description(result: MarkovChurnResult, p: Floats, count: Ints) -> str:
    say = result.context.wording
    rows = []
    for i, name in enumerate(result.names):
        seen = say.plural("{state}: {n} transition", "{state}: {n} transitions", int(count[i].sum()), state=name)
        parts = [seen, say.sentence("{p} stay", p=_percent(p[i, i], say))]
        if result.lost and name != result.lost:
            lost = result.names.index(result.lost)
            parts.append(
                say.sentence("{p} are lost by the next {freq}", p=_percent(p[i, lost], say), freq=say.text(result.freq))
            )
        rows.append(", ".join(parts if count[i].any() else parts[:1]))
    text = say.sentence("Table of transition probabilities, rows from and columns to. {rows}.", rows="; ".join(rows))
    return " ".join([text, *(f"{note[0].upper()}{note[1:]}." for note in _differences(result))])


# -- flow ------------------------------------------------------------------------------------------------------------


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
    _label_ends(
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


def _label_periods(ax: Axes, periods: pd.Index, freq: str, say: Wording) -> None:
    """Dates below the columns, as many as fit; years where one in a year is enough."""
    slot = 1 / _x_per_point(ax)
    font = FontProperties(size=style.SMALL)
    year = _A_YEAR.get(freq, 1)
    if freq == "period":
        number = np.asarray(periods, dtype=np.int64)
    else:
        dates = pd.DatetimeIndex(periods)
        number = np.asarray(dates.year * year + (dates.month - 1) * year // 12, dtype=np.int64)
    for step in _STEPS.get(freq, _ROUND_STEPS):
        ticks = np.flatnonzero(number % step == 0)
        if ticks.size < 2:
            ticks = np.array([0, number.size - 1])
        length = "year" if freq != "period" and step % year == 0 and (number[ticks] % year == 0).all() else freq
        labels = [_short_period(periods[int(i)], length, say) for i in ticks]
        if max(width_in_points(label, font) for label in labels) <= slot * np.diff(ticks).min() - 8:
            break
    ax.set_xticks(ticks, labels, size=style.SMALL)


def _short_period(period: Any, freq: str, say: Wording) -> str:
    """A month with its name cut short, a quarter, a year, or the number of a period."""
    from babel.dates import format_skeleton

    if freq == "period":
        return str(period)
    if freq == "month":
        return str(format_skeleton("yMMM", period, locale=LANGUAGES[say.language]))
    return say.period(period, freq)


def _name_period(period: Any, freq: str, say: Wording) -> str:
    return say.sentence("period {n}", n=str(period)) if freq == "period" else say.period(period, freq)


def _flow_title(result: MarkovChurnResult, mix: pd.DataFrame, changes: Mapping[str, int]) -> str:
    say = result.context.wording
    first, last = (_name_period(mix.index[i], result.freq, say) for i in (0, -1))
    if not result.lost:
        share = mix.div(mix.sum(axis=1), axis=0).iloc[[0, -1]].fillna(0.0)
        state = (share.iloc[1] - share.iloc[0]).abs().idxmax()
        return say.sentence(
            "{share} of customers are in {state} in {last}, after {before} in {first}",
            share=_percent(share[state].iloc[1], say, 0),
            state=one_line(str(state), width=_NAME),
            last=last,
            before=_percent(share[state].iloc[0], say, 0),
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


def _flow_description(result: MarkovChurnResult, mix: pd.DataFrame, flows: Mapping[str, Floats]) -> str:
    say = result.context.wording
    sizes = [
        say.sentence(
            "{state} {before}, then {after}",
            state=name,
            before=say.count(mix[name].iloc[0]),
            after=say.count(mix[name].iloc[-1]),
        )
        for name in result.names
    ]
    text = say.sentence(
        "Stacked columns of customers by state in {n} periods; in the first and the last: {sizes}.",
        n=say.count(len(mix)),
        sizes="; ".join(sizes),
    )
    if "lost" not in flows:
        return text
    most = int(flows["lost"][: len(mix)].argmax())
    return f"{text} " + say.sentence(
        "Below, columns of who came and who was lost; most were lost in {period}: {n}.",
        period=_name_period(mix.index[most], result.freq, say),
        n=say.count(flows["lost"][most]),
    )


# -- survival --------------------------------------------------------------------------------------------------------


def _curves(result: MarkovChurnResult) -> dict[str, pd.DataFrame]:
    """Survival by state, the one that has least at the end first."""
    curves = {
        str(name): curve.sort_values("n_ahead")
        for name, curve in result.survival.groupby("state", sort=False, observed=True)
        if name != result.lost
    }
    return {name: curves[name] for name in sorted(curves, key=lambda name: curves[name]["probability"].iloc[-1])}


def _worst_and_best(curves: Mapping[str, pd.DataFrame]) -> tuple[str, str]:
    left = {name: float(curve["probability"].iloc[-1]) for name, curve in curves.items()}
    worst = min(curves, key=lambda name: (_half_lost_within(curves[name]), left[name]))
    best = max(curves, key=lambda name: (left[name], _half_lost_within(curves[name])))
    return worst, best


def _half_lost_within(curve: pd.DataFrame) -> float:
    """Whole periods until half or more are lost; infinite if not within the curve."""
    return (
        float(curve.loc[curve["probability"] <= 0.5, "n_ahead"].min()) if curve["probability"].min() <= 0.5 else np.inf
    )


def _survival_title(result: MarkovChurnResult, curves: Mapping[str, pd.DataFrame], worst: str, best: str) -> str:
    say = result.context.wording
    horizon = int(curves[best]["n_ahead"].iloc[-1])
    left = {name: _percent(float(curve["probability"].iloc[-1]), say, 0) for name, curve in curves.items()}
    within = _half_lost_within(curves[worst])
    if np.isfinite(within):
        first = say.sentence(
            "Half of the customers in {state} are lost within {time}",
            state=one_line(worst, width=_NAME),
            time=say.periods(within, result.freq),
        )
        if worst == best:
            return say.sentence(
                "{first}; {share} are still there after {n}", first=first, share=left[best], n=say.count(horizon)
            )
        return say.sentence(
            "{first}; of those in {state}, {share} are still there after {n}",
            first=first,
            state=one_line(best, width=_NAME),
            share=left[best],
            n=say.count(horizon),
        )
    first = say.sentence(
        "{share} of the customers in {state} are still there after {time}",
        share=left[worst],
        state=one_line(worst, width=_NAME),
        time=say.periods(horizon, result.freq),
    )
    if worst == best:
        return first
    return say.sentence(
        "{first}; of those in {state}, {share}", first=first, state=one_line(best, width=_NAME), share=left[best]
    )


def _survival_description(result: MarkovChurnResult, curves: Mapping[str, pd.DataFrame]) -> str:
    say = result.context.wording
    half_lives = result.states.set_index("state")["half_life"]
    parts = []
    for name, curve in curves.items():
        end = curve.iloc[-1]
        text = say.sentence(
            "{state}: {share} after {time} ({interval})",
            state=name,
            share=_percent(end["probability"], say),
            time=say.periods(end["n_ahead"], result.freq),
            interval=say.interval(_percent(end["ci_low"], say), _percent(end["ci_high"], say), result.level),
        )
        if half_lives[name] <= end["n_ahead"]:
            text += ", " + say.sentence("half are lost after {n}", n=say.number(half_lives[name], 1))
        parts.append(text)
    return say.sentence("Lines with bands, one per state, of the share not yet lost. {parts}.", parts="; ".join(parts))


# -- labels ----------------------------------------------------------------------------------------------------------


def _lines(text: str, font: FontProperties, room: float, *, most: int = 2) -> list[str]:
    """A few lines no wider than ``room`` points, broken between words, wide characters where they must; the rest is cut off."""
    lines: list[str] = []
    for word in text.split():
        if lines and width_in_points(f"{lines[-1]} {word}", font) <= room:
            lines[-1] += f" {word}"
        else:
            lines += style.break_lines(word, font, room)
    lines = [*lines[: most - 1], " ".join(lines[most - 1 :])] if len(lines) > most else lines
    return [_cut(line, font, room) for line in lines]


def _cut(line: str, font: FontProperties, room: float) -> str:
    if width_in_points(line, font) <= room:
        return line
    while line and width_in_points(f"{line}…", font) > room:
        line = line[:-1]
    return f"{line.rstrip()}…"


def _label(name: str, size: str) -> str:
    """The name of a state and a number, in lines that fit at the end of a mark."""
    font = FontProperties(size=style.SIZE)
    lines = _lines(one_line(name, width=_NAME), font, _LABEL_POINTS)
    joined = f"{lines[-1]} {size}"
    return "\n".join([*lines[:-1], joined] if width_in_points(joined, font) <= _LABEL_POINTS else [*lines, size])


def _x_per_point(ax: Axes) -> float:
    figure = ax.get_figure(root=True)
    assert figure is not None
    left, right = ax.get_xlim()
    return (right - left) / (ax.get_window_extent().width * 72 / figure.dpi)


def _y_per_point(ax: Axes) -> float:
    figure = ax.get_figure(root=True)
    assert figure is not None
    low, high = ax.get_ylim()
    return (high - low) / (ax.get_window_extent().height * 72 / figure.dpi)


def _leave_room(ax: Axes, labels: Sequence[str], left: float, right: float) -> None:
    """Set the limits of x so that labels fit between ``right`` and the end of the axes."""
    font = FontProperties(size=style.SIZE)
    widest = max(width_in_points(line, font) for label in labels for line in label.split("\n"))
    ax.set_xlim(0, 1)
    share = min((widest + _ROOM + 6) * _x_per_point(ax), 0.5)
    ax.set_xlim(left, left + (right - left) / (1 - share))


def _label_ends(
    ax: Axes,
    x: float,
    places: Floats,
    labels: Sequence[str],
    colors: Sequence[str] | None = None,
    *,
    low: float,
    high: float,
) -> None:
    """Labels to the right of marks that end at ``x``, in rising order of place, moved as little as needed to stand apart.

    The smallest sum of squared moves under distances is an isotonic regression of the places less the distances.
    """
    heights = np.array([1.35 * style.SIZE * (1 + label.count("\n")) for label in labels]) * _y_per_point(ax)
    distances = np.cumsum(np.append(0, (heights[1:] + heights[:-1]) / 2))
    lowest, highest = low + heights[0] / 2, high - heights[-1] / 2 - distances[-1]
    apart = isotonic_regression(places - distances).x
    apart = np.clip(apart, lowest, max(highest, lowest)) + distances
    beside = x + _ROOM * _x_per_point(ax)
    for place, at, label, color in zip(places, apart, labels, colors or [style.INK] * len(labels), strict=True):
        ax.annotate(
            label, (x, place), (beside, at), va="center", size=style.SIZE, linespacing=1.1, color=color,
            arrowprops={"arrowstyle": "-", "color": style.GREY, "lw": 1, "shrinkA": 3, "shrinkB": 3, "relpos": (0, 0.5)},
        )  # fmt: skip
