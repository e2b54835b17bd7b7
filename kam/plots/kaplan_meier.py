"""Figure of Kaplan–Meier curves: which share of the accounts is not yet lost, by how long the relationship has lasted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.plots import style
from kam.plots.fonts import one_line
from kam.plots.labels import NAME_WIDTH, label_ends, label_state, leave_room, round_steps, share_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.survival import SurvivalResult

Floats = npt.NDArray[np.float64]

_ALL = "all"
_CHANCE = 0.05
_BANDS = 3  # with more groups only the best and the worst have a band and a row of numbers


def plot_kaplan_meier(result: SurvivalResult, *, ax: Axes | None = None) -> Axes:
    """Which share of the accounts is not yet lost, by tenure: all of them, or each group, with the numbers at risk below.

    Of groups the one that keeps most and the one that keeps least, at the horizon of the result, are in color.

    Parameters
    ----------
    result : SurvivalResult
        From :func:`kam.churn.fit_survival`; ``curves`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One step line and band per group, labelled at its end; y from 0 to 1, labelled in percent; accounts at risk as a
        table below the axis.
    """
    say = result.context.wording
    curves = _curves(result)
    best, worst = _best_and_worst(result, curves)
    colors = dict.fromkeys(curves, style.SOFT) | {worst: style.WARN, best: style.ACCENT}
    first, last = result.first_tenure, result.last_tenure
    ends = {name: float(curve["survival"].iloc[-1]) for name, curve in curves.items()}
    labels = [label_state(_name(result, name), share_text(end, say, 0)) for name, end in ends.items()]
    rows = {name: curves[name] for name in curves if len(curves) <= _BANDS or name in (best, worst)}
    with style.applied():
        ax = style.take_axes(ax, height=4.4 + 0.26 * len(rows))
        ax.set_ylim(0, 1.02)
        leave_room(ax, labels, first, last)
        ax.plot([first, last], [0.5, 0.5], color=style.GREY, lw=1.2, ls=(0, (4, 3)))
        for name, curve in curves.items():
            strong = name in (best, worst)
            x, y, low, high = _steps(curve, last)
            if strong or len(curves) <= _BANDS:
                ax.fill_between(x, low, high, step="post", color=colors[name], alpha=0.14, linewidth=0)
            ax.step(x, y, where="post", color=colors[name], lw=2.4 if strong else 1.4, zorder=3 if strong else 2)
        label_ends(
            ax, last, np.array(list(ends.values())), labels, [colors[name] for name in curves], low=-0.04, high=1.04
        )
        style.set_ticks(ax.yaxis, 0, 1, style.percent(say))
        steps = round_steps(result.freq)
        step = next((step for step in steps if (last - first) / step <= 7), steps[-1])
        ticks = [int(tick) for tick in np.arange(0, last + 1, step) if tick >= first]
        ax.set_xticks(ticks, [say.count(tick) for tick in ticks])
        ax.spines["bottom"].set_bounds(first, last)
        ax.set_ylabel(say.sentence("accounts not yet lost (%)"))
        since = {
            "month": say.sentence("months since the relationship began"),
            "quarter": say.sentence("quarters since the relationship began"),
            "year": say.sentence("years since the relationship began"),
            "period": say.sentence("periods since the relationship began"),
        }
        lines = [
            since[result.freq],
            say.sentence("shaded: {level} interval; below: accounts followed", level=say.share(result.level, 0)),
        ]
        ax.set_xlabel("\n".join(lines) + "\n" * len(rows), x=0.5 * (last - first) / np.diff(ax.get_xlim())[0])
        _write_at_risk(ax, result, rows, ticks, colors)
        return style.finish(
            ax, title=_title(result, curves, best, worst), description=_describe(result), context=result.context
        )


# -- inside ----------------------------------------------------------------------------------------------------------


def _curves(result: SurvivalResult) -> dict[str, pd.DataFrame]:
    """The curves drawn, the one that ends lowest first: those of groups, or that of all."""
    found = {str(name): curve for name, curve in result.curves.groupby("segment", sort=False)}
    if len(found) > 1:
        found.pop(_ALL)
    return {name: found[name] for name in sorted(found, key=lambda name: float(found[name]["survival"].iloc[-1]))}


def _best_and_worst(result: SurvivalResult, curves: dict[str, pd.DataFrame]) -> tuple[str, str]:
    shares = result.groups.set_index("segment")["share_left"].reindex(list(curves)).dropna()
    if shares.empty:
        shares = pd.Series({name: curve["survival"].iloc[-1] for name, curve in curves.items()})
    return str(shares.idxmax()), str(shares.idxmin())


def _name(result: SurvivalResult, name: str) -> str:
    return result.context.wording.sentence("all accounts") if name == _ALL else one_line(name, width=NAME_WIDTH)


def _steps(curve: pd.DataFrame, last: int) -> tuple[Floats, ...]:
    """The curve as steps to the end of the data; the band closes where there is no interval."""
    x = np.append(curve["tenure"].to_numpy(dtype=float), float(last))
    y = curve["survival"].to_numpy(dtype=float)
    ends = [curve[name].fillna(curve["survival"]).to_numpy(dtype=float) for name in ("ci_low", "ci_high")]
    return x, *(np.append(values, values[-1]) for values in (y, *ends))


def _write_at_risk(
    ax: Axes, result: SurvivalResult, curves: dict[str, pd.DataFrame], ticks: list[int], colors: dict[str, str]
) -> None:
    """A row of numbers per curve, under the ticks."""
    say = result.context.wording
    for row, (name, curve) in enumerate(reversed(list(curves.items()))):
        ax.annotate(
            _name(result, name),
            (result.last_tenure, 0),
            (14, -58 - 15 * row),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            va="top",
            color=colors[name],
            size=style.SMALL,
        )
        tenures, at_risk = curve["tenure"].to_numpy(), curve["n_at_risk"].to_numpy()
        for tick in ticks:
            later = np.flatnonzero(tenures >= tick)
            if len(later):
                ax.annotate(
                    say.count(at_risk[later[0]]),
                    (tick, 0),
                    (0, -58 - 15 * row),
                    xycoords=("data", "axes fraction"),
                    textcoords="offset points",
                    ha="center",
                    va="top",
                    color=colors[name],
                    size=style.SMALL,
                )


def _title(result: SurvivalResult, curves: dict[str, pd.DataFrame], best: str, worst: str) -> str:
    say = result.context.wording
    shares = result.groups.set_index("segment")["share_left"]
    time = say.periods(result.horizon, result.freq)
    if best != worst and result.log_rank_p is not None and result.log_rank_p >= _CHANCE:
        return say.sentence(
            "After {time} {low} to {high} are left, by group: a difference that may be chance",
            time=time,
            low=share_text(shares[worst], say, 0),
            high=share_text(shares[best], say, 0),
        )
    if best != worst:
        return say.sentence(
            "After {time} {high} are left in {best}, {low} in {worst}",
            time=time,
            high=share_text(shares[best], say, 0),
            best=_name(result, best),
            low=share_text(shares[worst], say, 0),
            worst=_name(result, worst),
        )
    if result.median_time is not None:
        return say.sentence(
            "Half of the accounts are lost within {time}", time=say.periods(result.median_time, result.freq)
        )
    return say.sentence(
        "After {time} {share} of the accounts are still there", time=time, share=share_text(result.share_left, say, 0)
    )


def _describe(result: SurvivalResult) -> str:
    say = result.context.wording
    parts = []
    for _, row in result.groups.iterrows():
        text = say.sentence(
            "{name}: {lost} of {n} lost",
            name=say.sentence("all accounts") if row["segment"] == _ALL else row["segment"],
            lost=say.count(row["n_lost"]),
            n=say.count(row["n_customers"]),
        )
        if pd.notna(row["share_left"]):
            text += say.sentence(
                ", {share} left after {time} ({interval})",
                share=say.share(row["share_left"]),
                time=say.periods(result.horizon, result.freq),
                interval=say.interval(say.share(row["ci_low"]), say.share(row["ci_high"]), result.level),
            )
        parts.append(text)
    return say.sentence(
        "Step lines with bands of the share not yet lost, by tenure. {parts}.", parts=say.join(parts, ";")
    )
