"""Figures of tier migration: who is in which tier now, by the tier before, and the bridge from the money then to now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kam.columns import GLOSSARY
from kam.plots import style
from kam.plots.fonts import width_in_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.identify.migration import TierMigrationResult

_TIERS = ("A", "B", "C", "none")


def plot_tier_migration(result: TierMigrationResult, *, ax: Axes | None = None) -> Axes:
    """Accounts by the tier before and the tier now, with the money they bring now.

    Parameters
    ----------
    result : TierMigrationResult
        From :func:`kam.identify.tier_migration`; ``matrix`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Four by four cells shaded by the number of accounts, those that kept their tier on the diagonal. Accounts without an
        order in either window are left out.
    """
    say = result.context.wording
    cells = result.matrix.set_index(["from_tier", "to_tier"])
    count = np.array([[cells.loc[(a, b), "n_customers"] for b in _TIERS] for a in _TIERS], dtype=np.int64)
    money = np.array([[cells.loc[(a, b), "value_after"] for b in _TIERS] for a in _TIERS], dtype=float)
    count[-1, -1] = 0
    form = style.short_money(say, float(np.abs(money).max()))
    names = [*(say.sentence("tier {name}", name=name) for name in _TIERS[:-1]), say.sentence("no order")]
    then, now = (say.period(day, result.freq) for day in (result.period_before, result.period_after))
    title = say.sentence(
        "Tier A: {entered} entered and {left} left, {n} accounts after {before}",
        entered=say.count(len(result.entrants)),
        left=say.count(len(result.leavers)),
        n=say.count(result.n_key),
        before=say.count(result.n_key_before),
    )
    with style.applied():
        ax = style.take_axes(ax, height=4.6)
        style.draw_cells(
            ax,
            count.astype(float),
            [[say.count(n) if n else "" for n in row] for row in count],
            [[form(x) for x in row] for row in money],
            rows=[
                say.plural("{name}\n{n} account", "{name}\n{n} accounts", int(n), name=name)
                for name, n in zip(names, count.sum(axis=1), strict=True)
            ],
            columns=[
                say.plural("{name}\n{n} account", "{name}\n{n} accounts", int(n), name=name)
                for name, n in zip(names, count.sum(axis=0), strict=True)
            ],
        )
        ax.set_ylabel(say.sentence("in the {span} to {period}", span=result.span(), period=then))
        ax.set_xlabel(
            say.sentence("in the {span} to {period}", span=result.span(), period=now)
            + "\n"
            + say.sentence("in each cell: accounts, and their {what} now", what=say.label(result.measure, like="money"))
        )
        stayed = int(np.trace(count[:3, :3]))
        description = say.sentence(
            "Table of accounts by tier before and now; {stayed} of {all} kept their tier, {gone} no longer order, {came} did not"
            " order before.",
            stayed=say.count(stayed),
            all=say.count(count[:3].sum()),
            gone=say.count(count[:3, 3].sum()),
            came=say.count(count[3, :3].sum()),
        )
        return style.finish(ax, title=title, description=description, context=result.context)


def plot_revenue_bridge(result: TierMigrationResult, *, ax: Axes | None = None) -> Axes:
    """From the money before to the money now: what new, lost, risen, fallen and steady accounts added and took (waterfall).

    Parameters
    ----------
    result : TierMigrationResult
        From :func:`kam.identify.tier_migration`; ``bridge`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        The money before on top, the money now at the bottom, and a bar from one sum to the next for each movement between; those
        that moved no money are left out.
    """
    say = result.context.wording
    steps = result.bridge[result.bridge["value_change"] != 0]
    change = steps["value_change"].to_numpy(dtype=float)
    reached = result.total_before + np.cumsum(np.append(0.0, change))
    starts = np.concatenate([[0.0], reached[:-1], [0.0]])
    ends = np.concatenate([[result.total_before], reached[1:], [result.total_after]])
    low, high = np.minimum(starts, ends), np.maximum(starts, ends)
    form = style.short_money(say, float(np.abs(ends).max()))
    plain = say.text(GLOSSARY[result.measure].label) if result.measure in GLOSSARY else result.measure
    then, now = (say.period(day, result.freq) for day in (result.period_before, result.period_after))
    labels = [
        say.sentence("to {period}", period=then),
        *(say.text(name) for name in steps["movement"]),
        say.sentence("to {period}", period=now),
    ]
    notes = [
        form(result.total_before),
        *(
            say.plural(
                "{change} · {n} account", "{change} · {n} accounts", int(n), change=("+" if x > 0 else "") + form(x)
            )
            for x, n in zip(change, steps["n_customers"], strict=True)
        ),
        form(result.total_after),
    ]
    colors = [style.GREY, *(style.ACCENT if x > 0 else style.WARN for x in change), style.GREY]
    rose = result.total_after >= result.total_before
    title = say.sentence(
        "{what} rose by {change} to {total}" if rose else "{what} fell by {change} to {total}",
        what=plain[:1].upper() + plain[1:],
        change=say.money_short(abs(result.total_after - result.total_before)),
        total=say.money_short(result.total_after),
    )
    with style.applied():
        ax = style.take_axes(ax, height=1.7 + 0.36 * len(labels))
        places = np.arange(len(labels))
        ax.barh(places, high - low, left=low, color=colors, height=0.68)
        ax.vlines(ends[:-1], places[:-1] + 0.34, places[1:] - 0.34, color=style.SOFT, lw=1)
        for place, right, note in zip(places, high, notes, strict=True):
            ax.annotate(
                note, (max(right, 0.0), place), (5, 0), textcoords="offset points", va="center", size=style.SMALL
            )
        floor, top = min(0.0, float(low.min())), max(0.0, float(high.max()))
        reach = (top - floor) or 1.0
        widest = max(width_in_points(note, ax.xaxis.label.get_fontproperties()) for note in notes)
        ax.set_xlim(floor - 0.02 * reach * (floor < 0), top + reach * (0.03 + widest / 340))
        ax.set_ylim(len(labels) - 0.4, -0.6)
        ax.set_yticks(places, labels, color=style.INK, size=style.SIZE)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(floor < 0)
        ax.axvline(0, color=style.SOFT, lw=1)
        style.set_ticks(ax.xaxis, floor, top, form)
        ax.set_xlabel(
            say.label(result.measure, like="money")
            + "\n"
            + say.sentence("each total is of {span}", span=say.periods(result.window, result.freq))
        )
        description = say.sentence(
            "Waterfall from {before} to {after}: {steps}.",
            before=say.money(result.total_before),
            after=say.money(result.total_after),
            steps=say.listing([f"{label} {note}" for label, note in zip(labels[1:-1], notes[1:-1], strict=True)]),
        )
        return style.finish(ax, title=title, description=description, context=result.context)
