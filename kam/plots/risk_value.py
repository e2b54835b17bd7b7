"""Figure of a call list: how likely each account is lost, how much it would still bring, and who is to be called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from kam.churn.call_list import CALL, HOLD_OUT
from kam.plots import style
from kam.plots.fonts import one_line, set_fonts, width_in_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.call_list import CallListResult
    from kam.wording import Wording

Floats = npt.NDArray[np.float64]

MOST_LABELS = 6
"""Accounts that are named."""
_AWAY = 7.0  # points from a mark to its label
_SIDES = ((1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1), (1, 2), (-1, 2), (1, -2), (-1, -2))


def plot_risk_value_map(result: CallListResult, *, ax: Axes | None = None) -> Axes:
    """Accounts at risk by their probability of loss and the money they bring if they stay; the call list stands out.

    Parameters
    ----------
    result : CallListResult
        From :func:`kam.churn.build_call_list`; ``accounts`` is drawn, the first of ``calls`` are named.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One mark per account: in color to be called, a ring held out, grey the others; x in percent, y money on a scale of
        factors. Above the line a call is expected to pay. Accounts that bring nothing are counted below, not drawn.
    """
    say = result.context.wording
    shown = result.accounts[result.accounts["value_if_stays"] > 0]
    n_hidden = len(result.accounts) - len(shown)
    p, value = (shown[name].to_numpy(dtype=float) for name in ("p_churn", "value_if_stays"))
    part = shown["list_part"].to_numpy()
    with style.applied():
        ax = style.take_axes(ax, height=5.6)
        _set_axes(ax, p, value, say)
        border = _draw_border(ax, result, say)
        rest = ~np.isin(part, (CALL, HOLD_OUT))
        ax.scatter(
            p[rest],
            value[rest],
            s=14 if len(p) > 200 else 36,
            color=style.GREY,
            alpha=0.55 if len(p) > 200 else 0.9,
            linewidths=0,
            zorder=2,
        )
        called, out = part == CALL, part == HOLD_OUT
        ax.scatter(p[called], value[called], s=42, color=style.ACCENT, edgecolors="white", linewidths=0.8, zorder=4)
        ax.scatter(p[out], value[out], s=42, facecolors="white", edgecolors=style.WARN, linewidths=2, zorder=4)
        ax.set_xlabel("\n".join([say.label("p_churn"), *_legend(n_hidden, say)]))
        ax.set_ylabel(say.label("value_if_stays"))
        title = ax.set_title(_title(result, say), loc="left").get_text()
        _name_largest(ax, result, np.vstack([np.column_stack([p, value])[called | out], border]))
        return style.finish(ax, title=title, description=_description(result, n_hidden, say), context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _set_axes(ax: Axes, p: Floats, value: Floats, say: Wording) -> None:
    """Limits and ticks: percent across, powers of ten upward, with steps between them where there are few."""
    right = float(p.max(initial=0.02))
    ax.set_xlim(-0.02 * right, min(1.08 * right, 1.02))
    style.set_ticks(ax.xaxis, 0, min(1.08 * right, 1.0), style.percent(say))
    low, high = (float(value.min()), float(value.max())) if value.size else (1.0, 10.0)
    ax.set_yscale("log")
    low, high = low / 1.6, high * 2.2
    ax.set_ylim(low, high)
    decades = np.log10(high / low)
    steps = (1.0,) if decades > 3 else (1.0, 3.0) if decades > 1.5 else (1.0, 2.0, 5.0)
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks = [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]
    form = style.short_money(say, high)
    ax.set_yticks(ticks, [form(tick) for tick in ticks])
    ax.set_yticks([], minor=True)


def _draw_border(ax: Axes, result: CallListResult, say: Wording) -> Floats:
    """The line above which a call is expected to pay, p × value × saving rate = cost; its points, shape (n, 2)."""
    if not (result.saving_rate > 0 and result.cost_of_visit > 0):
        return np.empty((0, 2))
    left, right = ax.get_xlim()
    low, high = ax.get_ylim()
    across = np.linspace(max(left, right / 1000), right, 400)
    border = result.cost_of_visit / (result.saving_rate * across)
    inside = (border > low) & (border < high)
    if not inside.any():
        return np.empty((0, 2))
    ax.plot(across[inside], border[inside], color=style.SOFT, lw=1.2, ls=(0, (5, 3)), zorder=3)
    ax.annotate(
        say.sentence("above the line a call pays"),
        (across[inside][-1], border[inside][-1]),
        (-4, -6),
        textcoords="offset points",
        ha="right",
        va="top",
        size=style.SMALL,
        color=style.SOFT,
        path_effects=[withStroke(linewidth=3, foreground="white")],
        zorder=5,
    )
    return np.column_stack([across[inside], border[inside]])


def _name_largest(ax: Axes, result: CallListResult, obstacles: Floats) -> None:
    """Names beside the accounts with the largest gain, each where it covers least of the obstacles, shape (n, 2)."""
    calls = result.calls.head(MOST_LABELS)
    if calls.empty:
        return
    figure = ax.get_figure(root=True)
    assert figure is not None
    set_fonts([text for text in ax.findobj(Text) if isinstance(text, Text)], language=result.context.language)
    style.lay_out(figure)
    scale = 72 / figure.dpi
    marks = ax.transData.transform(obstacles) * scale
    box = ax.get_window_extent()
    room = (box.x0 * scale, box.y0 * scale, box.x1 * scale, box.y1 * scale)
    font = FontProperties(size=style.SMALL)
    height = 1.25 * style.SMALL
    taken: list[tuple[float, float, float, float]] = []
    names = calls["name"] if "name" in calls.columns else calls["customer_id"]
    for name, x, y, part in zip(names, calls["p_churn"], calls["value_if_stays"], calls["list_part"], strict=True):
        text = one_line(str(name), width=26)
        width = width_in_points(text, font)
        at = ax.transData.transform((x, y)) * scale
        best: tuple[float, int, int, tuple[float, float, float, float]] | None = None
        for right, up in _SIDES:
            x0 = at[0] + _AWAY if right > 0 else at[0] - _AWAY - width
            y0 = at[1] + 0.75 * up * height - height / 2
            rectangle = (x0, y0, x0 + width, y0 + height)
            cost = 100.0 * (x0 < room[0] or x0 + width > room[2] or y0 < room[1] or y0 + height > room[3])
            cost += 10.0 * sum(_overlap(rectangle, other) for other in taken)
            cost += float(((marks > rectangle[:2]) & (marks < rectangle[2:])).all(axis=1).sum()) + 0.1 * abs(up)
            if best is None or cost < best[0]:
                best = (cost, right, up, rectangle)
        assert best is not None
        _, right, up, rectangle = best
        taken.append(rectangle)
        ax.annotate(
            text,
            (x, y),
            (_AWAY * right, 0.75 * up * height),
            textcoords="offset points",
            ha="left" if right > 0 else "right",
            va="center",
            size=style.SMALL,
            color=style.INK if part == CALL else style.WARN,
            path_effects=[withStroke(linewidth=3, foreground="white")],
            arrowprops={"arrowstyle": "-", "color": style.SOFT, "lw": 0.8, "shrinkA": 0, "shrinkB": 3}
            if abs(up) > 1
            else None,
            zorder=6,
        )


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _title(result: CallListResult, say: Wording) -> str:
    if not result.n_calls:
        return say.plural("No call pays: one account at risk", "No call pays: {n} accounts at risk", result.n_at_risk)
    calls = result.calls[result.calls["list_part"] == CALL]
    share = float(calls["expected_loss"].sum() / result.loss_at_risk)
    return say.plural(
        "One call of {all} at risk reaches {share} of the {loss} that may be lost",
        "{n} calls of {all} at risk reach {share} of the {loss} that may be lost",
        result.n_calls,
        all=say.count(result.n_at_risk),
        share=say.share(share, 0),
        loss=say.money_short(result.loss_at_risk),
    )


def _legend(n_hidden: int, say: Wording) -> list[str]:
    lines = [
        say.sentence("blue: call; orange ring: leave alone, to compare"),
        say.sentence("grey: the other accounts at risk"),
    ]
    if n_hidden:
        lines.append(
            say.plural(
                "one account that brings nothing is not drawn",
                "{n} accounts that bring nothing are not drawn",
                n_hidden,
            )
        )
    return lines


def _description(result: CallListResult, n_hidden: int, say: Wording) -> str:
    names = result.calls["name"] if "name" in result.calls.columns else result.calls["customer_id"]
    rows = [
        say.sentence(
            "{name}: {p}, {value}, {part}",
            name=one_line(str(name), width=40),
            p=say.share(p),
            value=say.money_short(value),
            part=part,
        )
        for name, p, value, part in zip(
            names, result.calls["p_churn"], result.calls["value_if_stays"], result.calls["list_part"], strict=True
        )
    ]
    rows = rows[:MOST_LABELS]
    said = say.sentence(
        "Map of {n} accounts at risk by chance of loss and value if they stay.",
        n=say.count(result.n_at_risk - n_hidden),
    )
    return f"{said} " + say.sentence("Largest expected gain: {list}.", list="; ".join(rows)) if rows else said
