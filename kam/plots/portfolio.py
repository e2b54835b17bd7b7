"""Figures of a programme: the key accounts by risk and value, and what has entered and left the top tier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kam.errors import UndefinedMeasureError
from kam.plots import style
from kam.plots.fonts import one_line
from kam.plots.labels import name_marks
from kam.plots.risk_value import set_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.programme.overview import OverviewResult
    from kam.wording import Wording

MOST_NAMED = 6
MOST_MOVED = 7
"""Accounts drawn of those that entered the top tier, and of those that left it."""
_VALUES = ("value_if_stays", "value_ahead", "revenue_year", "revenue")


def plot_portfolio(result: OverviewResult, *, ax: Axes | None = None) -> Axes:
    """The key accounts by their chance of loss and what they are worth; named are those with the highest expected loss.

    Parameters
    ----------
    result : OverviewResult
        From :func:`kam.programme.programme_overview`; ``accounts`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One mark per key account whose chance of loss is known, in color with an urgent action; x in percent, y the value if it
        stays, or else the value ahead, the revenue of the last twelve months or of all years, on a scale of factors. What is
        above zero is drawn.

    Raises
    ------
    UndefinedMeasureError
        The chance of loss of no key account is known.
    """
    say = result.context.wording
    keys = result.accounts
    measure = next((name for name in _VALUES if keys[name].notna().any()), _VALUES[-1])
    shown = keys[keys["p_churn"].notna() & (keys[measure] > 0)]
    if shown.empty:
        raise UndefinedMeasureError(
            "How likely key accounts are lost is not known: it takes a run of notebook 20_churn_regression before this one."
        )
    worst = _worst(shown, measure)
    urgent = (shown["priority"] == 1).to_numpy()
    points = shown[["p_churn", measure]].to_numpy(dtype=float)
    with style.applied():
        ax = style.take_axes(ax, height=5.4)
        set_axes(ax, points[:, 0], points[:, 1], say)
        ax.set_ylim(top=2 * ax.get_ylim()[1])  # room for a name above the most valuable
        ax.scatter(points[~urgent, 0], points[~urgent, 1], s=30, color=style.GREY, alpha=0.85, linewidths=0, zorder=2)
        ax.scatter(
            points[urgent, 0], points[urgent, 1], s=46, color=style.WARN, edgecolors="white", linewidths=0.8, zorder=4
        )
        n_hidden = len(keys) - len(shown)
        below = [say.label("p_churn"), say.sentence("orange: with an urgent action; named: the highest expected loss")]
        if n_hidden:
            below.append(
                say.plural("one key account is not drawn", "{n} key accounts are not drawn", n_hidden)
                + say.sentence(": nothing ahead, or no chance known")
            )
        ax.set_xlabel("\n".join(below))
        ax.set_ylabel(say.label(measure))
        title = ax.set_title(_portfolio_title(result, worst, say), loc="left").get_text()
        name_marks(
            ax,
            [str(name) for name in worst["name"]],
            worst[["p_churn", measure]].to_numpy(dtype=float),
            [style.WARN if one == 1 else style.INK for one in worst["priority"]],
            points,
            language=result.context.language,
        )
        named = [
            say.sentence("{name}: {p}, {value}", name=one_line(str(name), width=40), p=say.share(p, 0),
                         value=say.money_short(value))
            for name, p, value in zip(worst["name"], worst["p_churn"], worst[measure], strict=True)
        ]  # fmt: skip
        description = say.sentence(
            "Map of {n} key accounts by chance of loss and value. Highest expected loss: {list}.",
            n=say.count(len(shown)),
            list=say.join(named, ";"),
        )
        return style.finish(ax, title=title, description=description, context=result.context)


def plot_movements(result: OverviewResult, *, ax: Axes | None = None) -> Axes:
    """Bars of the accounts that entered the top tier within a year and of those that left it, by the change of their value.

    Parameters
    ----------
    result : OverviewResult
        From :func:`kam.programme.programme_overview`; ``movements`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        At most seven of each, those that entered above; to the right what was gained.

    Raises
    ------
    UndefinedMeasureError
        Nothing has entered or left, or tiers over time are not known.
    """
    say = result.context.wording
    moved = result.movements
    if moved.empty:
        raise UndefinedMeasureError(
            "No account has entered the top tier or left it."
            if result.n_entered is not None
            else "Which accounts have entered and left the top tier is not known: it takes a run of notebook "
            "10_customer_identification before this one."
        )
    entered = moved["to_tier"] == "A"
    gained, gone = moved[entered], moved[~entered]
    shown = pd.concat([gained.head(MOST_MOVED), gone.head(MOST_MOVED).iloc[::-1]])
    title = say.sentence(
        "{n} entered the top tier ({gain}), {m} left it ({loss})",
        n=say.count(len(gained)),
        gain=_signed(float(gained["value_change"].sum()), say),
        m=say.count(len(gone)),
        loss=_signed(float(gone["value_change"].sum()), say),
    )
    form = style.short_money(say, float(shown["value_change"].abs().max()))
    notes = [("+" if x > 0 else "−" if x < 0 else "") + form(abs(x)) for x in shown["value_change"]]
    with style.applied():
        ax = style.take_axes(ax, height=1.5 + 0.32 * len(shown))
        labels = [one_line(str(name), width=30) for name in shown["name"]]
        colors = [style.ACCENT if tier == "A" else style.WARN for tier in shown["to_tier"]]
        style.draw_bars(ax, labels, shown["value_change"].tolist(), notes, colors)
        ax.spines["left"].set_visible(False)
        style.set_ticks(ax.xaxis, *ax.get_xlim(), form)
        where = say.sentence("blue: entered; orange: left; the largest of each")
        ax.set_xlabel(f"{say.label('value_change')}\n{where}")
        texts = [f"{label} {note}" for label, note in zip(labels, notes, strict=True)]
        description = say.sentence("Bars of the change of value: {list}.", list=say.listing(texts))
        return style.finish(ax, title=title, description=description, context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _worst(shown: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The accounts to name: those with the highest expected loss."""
    loss = shown["expected_loss"].fillna(shown["p_churn"] * shown[measure])
    order = np.argsort(-loss.to_numpy(dtype=float), kind="stable")[:MOST_NAMED]
    return shown.iloc[order].assign(expected_loss=loss.iloc[order])


def _portfolio_title(result: OverviewResult, worst: pd.DataFrame, say: Wording) -> str:
    total = float(result.accounts["expected_loss"].sum())
    if total <= 0:
        return say.plural(
            "One key account by risk and value", "{n} key accounts by risk and value", result.n_key_accounts
        )
    share = float(worst["expected_loss"].sum()) / total
    return say.plural(
        "One of {all} key accounts has {share} of the {loss} that may be lost",
        "{n} of {all} key accounts have {share} of the {loss} that may be lost",
        len(worst),
        all=say.count(result.n_key_accounts),
        share=say.share(share, 0),
        loss=say.money_short(total),
    )


def _signed(x: float, say: Wording) -> str:
    return ("+" if x > 0 else "−" if x < 0 else "") + say.money_short(abs(x))
