"""Figure of a call list: how likely each account is lost, how much it would still bring, and who is to be called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.patheffects import withStroke

from kam.churn.call_list import CALL, HOLD_OUT
from kam.plots import style
from kam.plots.fonts import one_line
from kam.plots.labels import name_marks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.call_list import CallListResult
    from kam.wording import Wording

Floats = npt.NDArray[np.float64]

MOST_LABELS = 6
"""Accounts that are named."""


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
        set_axes(ax, p, value, say)
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


def set_axes(ax: Axes, p: Floats, value: Floats, say: Wording) -> None:
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


# -- inside ----------------------------------------------------------------------------------------------------------


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
    names = calls["name"] if "name" in calls.columns else calls["customer_id"]
    name_marks(
        ax,
        [str(name) for name in names],
        calls[["p_churn", "value_if_stays"]].to_numpy(dtype=float),
        [style.INK if part == CALL else style.WARN for part in calls["list_part"]],
        obstacles,
        language=result.context.language,
    )


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
            part=say.text(part),
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
    return say.join([said, say.sentence("Largest expected gain: {list}.", list=say.join(rows, ";"))]) if rows else said
