"""Figures of a dossier: revenue with tier and events, what the account buys, and who decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from kam.errors import EmptyDataError, KamError
from kam.plots import style
from kam.plots.fonts import one_line
from kam.plots.labels import label_periods, x_per_point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.programme.dossier import DossierResult
    from kam.wording import Wording

FEW_MONTHS = 18
"""With more months than this a bar is a quarter."""
_TIER_COLORS = {"A": style.ACCENT, "B": "#7fb5cd"}
_LANE = 0.14  # of the height of the bars
_MOST_NAMES = 2  # lines beside one place of the map
_NAME = 18  # columns


def plot_account_timeline(dossier: DossierResult, *, ax: Axes | None = None) -> Axes:
    """Revenue of an account over time, in the color of its tier, with late deliveries and what happened above.

    Parameters
    ----------
    dossier : DossierResult
        From :func:`kam.programme.account_dossier`; ``months``, ``deliveries`` and ``events`` are drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        A bar per quarter (per month where there are few): tier A in blue, B in light blue, any other or none in grey. Above, a
        lane each for late deliveries (the larger the dot, the more), complaints, tenders won (filled) and lost (hollow),
        handovers and a logged loss, where there are any.

    Raises
    ------
    EmptyDataError
        The account has no complete month.
    """
    months, say = dossier.months, dossier.context.wording
    if months.empty:
        raise EmptyDataError(say.sentence("There is no complete month since the first order of the account."))
    by_month = len(months) <= FEW_MONTHS
    # three months each, counted back from the last, so that no bar is cut short
    back = np.arange(len(months))[::-1] // (1 if by_month else 3)
    grouped = months.assign(back=back).groupby("back")
    starts = grouped["period"].min().sort_index(ascending=False)
    revenue = grouped["revenue"].sum().loc[starts.index].to_numpy()
    tiers = grouped["tier"].last().loc[starts.index]
    places = {back: place for place, back in enumerate(starts.index)}
    low, high = min(0.0, float(revenue.min())), max(float(revenue.max()), 0.0) or 1.0
    lanes = _lanes(dossier, months["period"].max(), 1 if by_month else 3, places, say)
    with style.applied():
        ax = style.take_axes(ax, height=2.1 + 0.19 * len(lanes))
        colors = [_TIER_COLORS.get(str(tier), style.GREY) for tier in tiers]
        ax.bar(range(len(starts)), revenue, color=colors, width=0.78)
        ax.axhline(0, color=style.SOFT, lw=1)
        step = (high - low) * _LANE
        levels = [high + step * (lane + 0.9) for lane in range(len(lanes))]
        for level, (_, marks) in zip(levels, lanes, strict=True):
            x, sizes, filled, edges = zip(*marks, strict=True)
            faces = [edge if full else "white" for full, edge in zip(filled, edges, strict=True)]
            ax.scatter(
                x, [level] * len(x), s=sizes, facecolors=faces, edgecolors=edges, linewidths=1.2, zorder=3, clip_on=False
            )  # fmt: skip
        form = style.short_money(say, high)
        style.set_ticks(ax.yaxis, low, high, form, n=3)
        ticks, texts = list(ax.get_yticks()), [label.get_text() for label in ax.get_yticklabels()]
        ax.set_yticks([*ticks, *levels], [*texts, *(name for name, _ in lanes)], size=style.SMALL)
        ax.set_ylim(low - 0.03 * (high - low) * (low < 0), (levels[-1] if levels else high) + step * 0.7)
        ax.spines["left"].set_bounds(low, high)
        for tick in ax.yaxis.get_major_ticks()[len(ticks) :]:
            tick.tick1line.set_visible(False)
        ax.set_xlim(-0.6, len(starts) - 0.4)
        aligned = not by_month and months["period"].max().month % 3 == 0
        label_periods(ax, pd.Index(starts), "quarter" if aligned else "month", say)
        ax.set_xlabel(_key(say, tiers, by_month), size=style.SMALL)
        description = say.sentence(
            "Bars of net revenue from {first} on, the largest {most}; above: {lanes}.",
            first=say.period(starts.iloc[0]),
            most=say.money(high),
            lanes=say.listing([name for name, _ in lanes]) if lanes else say.sentence("nothing logged"),
        )
        return style.finish(ax, title=_say_course(dossier, say), description=description, context=dossier.context)


def plot_product_change(dossier: DossierResult, *, ax: Axes | None = None) -> Axes:
    """What the account buys: a bar for the last twelve months, a stroke for the twelve before.

    Parameters
    ----------
    dossier : DossierResult
        From :func:`kam.programme.account_dossier`; ``products`` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Raises
    ------
    EmptyDataError
        No product is known of the account in the last two years.
    """
    products, say = dossier.products, dossier.context.wording
    if products.empty:
        raise EmptyDataError(say.sentence("No product of the account is known in the last two years."))
    now, before = products["revenue_year"].to_numpy(dtype=float), products["revenue_year_before"].to_numpy(dtype=float)
    names = [one_line(str(name), width=_NAME) for name in products["group_name"]]
    form = style.short_money(say, float(np.abs(np.append(now, before)).max()))
    with style.applied():
        ax = style.take_axes(ax, height=1.3 + 0.24 * len(products))
        places = np.arange(len(products))
        ax.barh(places, now, color=style.ACCENT, height=0.62)
        ax.vlines(before, places - 0.42, places + 0.42, color=style.INK, lw=2.2, zorder=3)
        low, high = (
            min(0.0, float(np.minimum(now, before).min())),
            max(0.0, float(np.maximum(now, before).max())) or 1.0,
        )
        ax.set_xlim(low, low + (high - low) * 1.06)
        ax.set_ylim(len(products) - 0.4, -0.6)
        ax.set_yticks(places, names, color=style.INK, size=style.SMALL)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(low < 0)
        ax.axvline(0, color=style.SOFT, lw=1)
        style.set_ticks(ax.xaxis, low, high, form, n=3)
        ax.set_xlabel(say.sentence("{revenue}; stroke: year before", revenue=say.label("revenue")), size=style.SMALL)
        listed = [
            say.sentence("{name} {now} after {before}", name=name, now=say.money(a), before=say.money(b))
            for name, a, b in zip(names, now, before, strict=True)
        ]
        description = say.sentence("Bars by product: {list}.", list=say.join(listed, ";"))
        return style.finish(
            ax, title=_say_products(names, now, before, say), description=description, context=dossier.context
        )


def plot_contact_map(dossier: DossierResult, *, ax: Axes | None = None) -> Axes:
    """Contacts by support and influence: allies in blue, opponents in orange, hollow whom nobody has met, square who decides.

    Parameters
    ----------
    dossier : DossierResult
        From :func:`kam.programme.account_dossier`; ``contacts`` is drawn, those with influence and support.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Raises
    ------
    EmptyDataError
        No contact has influence and support.
    """
    say = dossier.context.wording
    people = dossier.contacts.dropna(subset=["influence", "support"])
    if people.empty:
        raise EmptyDataError(say.sentence("No contact of the account is known with influence and support."))
    with style.applied():
        ax = style.take_axes(ax, height=2.6)
        ax.axvline(0, color=style.LINE, lw=1, zorder=0)
        ax.set_xlim(-2.3, 2.3)
        apart = 11 * x_per_point(ax)
        for place, group in people.groupby(["support", "influence"]):
            support, influence = (float(str(x)) for x in place)
            count = len(group)
            for number, person in enumerate(group.itertuples()):
                color = style.ACCENT if person.is_ally else style.WARN if support < 0 else style.SOFT
                ax.scatter(
                    support + apart * (number - (count - 1) / 2), influence, s=70, linewidths=1.6, zorder=3, clip_on=False,
                    marker="s" if person.decides else "o", facecolors=color if person.is_met else "white", edgecolors=color,
                )  # fmt: skip
            right = support <= 0
            ax.annotate(
                _names(group, say), (support, influence), ((8 + 5 * (count - 1)) * (1 if right else -1), 0),
                textcoords="offset points", ha="left" if right else "right", va="center", size=style.SMALL - 1.5,
            )  # fmt: skip
        ax.set_ylim(0.5, 5.5)
        ax.set_xticks(
            [-2, 0, 2], [say.sentence("against us"), say.sentence("neutral"), say.sentence("for us")], size=style.SMALL
        )
        ax.set_yticks([1, 3, 5], [say.number(level, 0) for level in (1, 3, 5)], size=style.SMALL)
        ax.set_ylabel(say.label("influence"), size=style.SMALL)
        ax.set_xlabel(say.sentence("square: decides; hollow: not met"), size=style.SMALL)
        listed = [
            say.sentence(
                "{name}: support {support}, influence {influence}",
                name=one_line(str(one.person), fallback=str(one.contact_id)),
                support=say.number(float(str(one.support)), 0),
                influence=say.number(float(str(one.influence)), 0),
            )
            for one in people.itertuples()
        ]
        description = say.sentence("Map of contacts: {list}.", list=say.join(listed, ";"))
        return style.finish(ax, title=_say_contacts(dossier, say), description=description, context=dossier.context)


def draw_beside(dossier: Any, *plots: Callable[..., Axes]) -> None:
    """Show figures of one result side by side as one picture; those with nothing to draw are left out without a word.

    Parameters
    ----------
    dossier : Result
        What to draw.
    *plots : callable
        Plot functions of kam that take it.
    """
    drawable = list(plots)
    while drawable:
        with style.applied():
            height = 2.9 if len(drawable) > 1 else 2.7
            figure, axes = plt.subplots(
                1, len(drawable), figsize=(style.WIDTH, height), layout="constrained", squeeze=False
            )
        failed = []
        for plot, ax in zip(drawable, axes[0], strict=True):
            try:
                plot(dossier, ax=ax)
            except KamError:
                failed.append(plot)
        if not failed:
            style.show(axes[0][0])
            return
        plt.close(figure)
        drawable = [plot for plot in drawable if plot not in failed]


# -- inside ----------------------------------------------------------------------------------------------------------

_Mark = tuple[float, float, bool, str]  # place, size, whether filled, color


def _lanes(
    dossier: DossierResult, last: pd.Timestamp, width: int, places: dict[int, int], say: Wording
) -> list[tuple[str, list[_Mark]]]:
    """Lanes of marks above the bars, the lowest first; only those that have any."""

    def places_of(days: pd.Series) -> pd.Series:
        months = (last.year - days.dt.year) * 12 + last.month - days.dt.month
        return (months.clip(lower=0) // width).map(places)

    lanes: list[tuple[str, list[_Mark]]] = []
    late = dossier.deliveries[dossier.deliveries["n_late"] > 0]
    if len(late):
        counts = late.groupby(places_of(late["period"]))["n_late"].sum()
        marks = [(float(str(x)), min(18.0 + 14.0 * n, 110.0), True, style.WARN) for x, n in counts.items()]
        lanes.append((say.sentence("late deliveries"), marks))
    events = dossier.events.assign(place=places_of(dossier.events["event_date"])).dropna(subset=["place"])
    complaints = events[events["event"] == "complaint"].groupby("place").size()
    if len(complaints):
        marks = [(float(str(x)), min(18.0 + 14.0 * n, 110.0), True, style.WARN) for x, n in complaints.items()]
        lanes.append((say.sentence("complaints"), marks))
    tenders = events[events["event"].isin(["tender", "offer"])]
    if len(tenders):
        won = tenders["outcome"].isin(["won", "accepted"])
        marks = [(x, 42.0, bool(good), style.ACCENT) for x, good in zip(tenders["place"], won, strict=True)]
        lanes.append((say.sentence("tenders, offers"), marks))
    for kind, name, color in (
        ("handover", say.sentence("handover"), style.INK),
        ("lost", say.sentence("logged as lost"), style.WARN),
    ):
        own = events[events["event"] == kind]
        if len(own):
            lanes.append((name, [(x, 42.0, True, color) for x in own["place"]]))
    return lanes


def _key(say: Wording, tiers: pd.Series, by_month: bool) -> str:
    unit = say.sentence("by month") if by_month else say.sentence("by quarter")
    said = say.sentence("{revenue}, {unit}", revenue=say.label("revenue"), unit=unit)
    shown = set(tiers.dropna())
    if not shown & {"A", "B"}:
        return said
    return say.join([said, say.sentence("blue: tier A, light: B, grey: other")], ";")


def _say_course(dossier: DossierResult, say: Wording) -> str:
    months = dossier.months
    bought = months[months["n_orders"] > 0]
    if len(bought) and (months["period"].max() - bought["period"].max()).days > 91:
        return say.sentence("No order since {month}", month=say.period(bought["period"].max()))
    year = float(months["revenue"].tail(12).sum())
    if len(months) < 24:
        return say.sentence("{money} in the last twelve months", money=say.money_short(year))
    before = float(months["revenue"].iloc[-24:-12].sum())
    return say.sentence(
        "{money} in the last twelve months, after {before}", money=say.money_short(year), before=say.money_short(before)
    )


def _say_products(names: list[str], now: np.ndarray, before: np.ndarray, say: Wording) -> str:
    change = now - before
    size, is_rest = np.abs(change), np.array([name == say.sentence("all others") for name in names])
    # what is many products together is named only where it moved more than all that have a bar of their own
    place = int(np.where(is_rest & (size[is_rest].sum() <= size[~is_rest].sum()), -1.0, size).argmax())
    if not np.any(now > 0):
        return say.sentence("Nothing bought in the last twelve months")
    return say.sentence(
        "{name} moved most: {change}",
        name=names[place],
        change=("+" if change[place] > 0 else "") + say.money_short(float(change[place])),
    )


def _say_contacts(dossier: DossierResult, say: Wording) -> str:
    people = dossier.contacts
    allies, missing = int(people["is_ally"].sum()), int((people["decides"] & ~people["is_met"]).sum())
    said = say.plural(
        "{allies} of one contact is for us" if allies else "The one contact is not for us",
        "{allies} of {n} contacts are for us", len(people), allies=say.count(allies),
    )  # fmt: skip
    if not missing:
        return said
    return say.join([said, say.plural("one decider not met", "{n} deciders not met", missing)], ";")


def _names(group: pd.DataFrame, say: Wording) -> str:
    """As many names as there are lines; of more people the first, and how many more."""
    named = [one_line(str(one.person), fallback=str(one.contact_id), width=_NAME) for one in group.itertuples()]
    if len(named) > _MOST_NAMES:
        named = [*named[: _MOST_NAMES - 1], say.sentence("and {n} more", n=say.count(len(named) - _MOST_NAMES + 1))]
    return "\n".join(named)
