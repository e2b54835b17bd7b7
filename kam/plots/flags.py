"""Figures of flags: which large accounts carry which, and the evidence of one over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from kam.errors import EmptyDataError, ParameterError
from kam.plots import style
from kam.plots.fonts import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.identify.risks import RisksResult
    from kam.identify.sales_quality import SalesQualityResult
    from kam.wording import Wording

_MOST_ACCOUNTS = 12
_TIMES = ("order spike",)
_DAYS = ("overdue balance",)
_NUMBERS = ("concentration of buying",)
_NOT_A_NUMBER = ("no sponsor",)
_MONEY = ("order spike", "own brand", "stagnation")  # drawn over time as revenue


def plot_flags(result: SalesQualityResult | RisksResult, *, ax: Axes | None = None) -> Axes:
    """The largest accounts that carry a flag, by flag, with the figure behind each.

    Parameters
    ----------
    result : SalesQualityResult or RisksResult
        ``flags`` are drawn: of the twelve largest accounts that carry one, the flags that any of them carries.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One row per account, the largest on top, one column per flag; a cell is filled where the account carries it.

    Raises
    ------
    EmptyDataError
        No account carries a flag.
    """
    say = result.context.wording
    flags = result.flags
    if flags.empty:
        raise EmptyDataError("No account carries a flag: there is nothing to draw.")
    telling = flags[~flags["flag"].isin(_NOT_A_NUMBER)]  # many lack a sponsor: that alone chooses nobody
    telling = telling if len(telling) else flags
    shown = telling["customer_id"].drop_duplicates().head(_MOST_ACCOUNTS).tolist()
    rows = flags[flags["customer_id"].isin(shown)]
    names = rows.drop_duplicates("customer_id").set_index("customer_id")["name"]
    kinds = [flag for flag in result.counts["flag"] if flag in set(rows["flag"])]
    labels = [one_line(str(names[one]), fallback=one, width=24) for one in shown]
    n_large = int(result.facts["is_large"].sum())
    flagged = int((result.facts["is_large"] & result.facts["customer_id"].isin(telling["customer_id"])).sum())
    title = say.plural(
        "One of {n_all} large accounts carries a flag",
        "{n} of {n_all} large accounts carry a flag",
        flagged,
        n_all=say.count(n_large),
    )
    texts = []
    with style.applied():
        ax = style.take_axes(ax, height=2.5 + 0.34 * len(shown))
        ax.pcolormesh(
            np.zeros((len(shown), len(kinds))), cmap=style.RAMP, vmin=0, vmax=1, edgecolors="white", linewidth=2.5
        )
        for row in rows.to_dict("records"):
            i, j = shown.index(row["customer_id"]), kinds.index(row["flag"])
            text = _figure(say, str(row["flag"]), float(row["figure"]))
            ax.add_patch(Rectangle((j + 0.03, i + 0.06), 0.94, 0.88, facecolor=style.ACCENT, edgecolor="none"))
            ax.text(j + 0.5, i + 0.52, text, ha="center", va="center", color="white", weight="bold", size=style.SMALL)
            texts.append(f"{labels[i]}: {row['finding']}")
        ax.set_ylim(len(shown), 0)
        ax.set_xlim(0, max(len(kinds), 4))
        ax.xaxis.tick_top()
        ax.set_xticks(
            np.arange(len(kinds)) + 0.3, [say.text(kind) for kind in kinds], size=style.SMALL, color=style.INK
        )
        for tick in ax.get_xticklabels():
            tick.set(rotation=28, ha="left", va="bottom", rotation_mode="anchor")
        ax.set_yticks(np.arange(len(shown)) + 0.5, labels, size=style.SMALL, color=style.INK)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        description = say.sentence(
            "Rows are the largest accounts that carry a flag, columns the flags: {list}.", list=say.join(texts, ";")
        )
        return style.finish(ax, title=title, description=description, context=result.context)


def plot_flag_evidence(
    result: SalesQualityResult | RisksResult,
    *,
    customer_id: str | None = None,
    flag: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The figure behind one flag of one account over time, with what it is held against and since when it holds.

    Parameters
    ----------
    result : SalesQualityResult or RisksResult
        ``history`` is drawn.
    customer_id, flag : str, optional
        Which; by default the flag with the smallest p-value among those of large accounts that have a history.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        A line over periods of three months.

    Raises
    ------
    EmptyDataError
        No flag of a large account has a history.
    ParameterError
        The account does not carry this flag, or it has no history.
    """
    say = result.context.wording
    dated = result.flags.merge(result.history[["customer_id", "flag"]].drop_duplicates(), on=["customer_id", "flag"])
    if dated.empty:
        raise EmptyDataError("No flag has a history: there is nothing to draw.")
    for name, wanted in (("customer_id", customer_id), ("flag", flag)):
        if wanted is not None:
            dated = dated[dated[name] == wanted]
    if dated.empty:
        raise ParameterError(
            f"Account {customer_id!r} carries no flag {flag!r} that has a history.",
            hint="Take a pair of result.history.",
        )
    row = dated.sort_values(["is_large", "p_value", "revenue"], ascending=[False, True, False], kind="stable").iloc[0]
    line = result.history[
        (result.history["customer_id"] == row["customer_id"]) & (result.history["flag"] == row["flag"])
    ]
    x, y = pd.DatetimeIndex(line["period"]), line["figure"].to_numpy(dtype=float)
    is_money = row["flag"] in _MONEY
    name = one_line(str(row["name"]), fallback=str(row["customer_id"]))
    with style.applied():
        ax = style.take_axes(ax, height=3.9)
        since = row["since"]
        recent = np.zeros(len(x), dtype=bool) if pd.isna(since) else np.asarray(x >= since)
        places = np.arange(len(x))
        ax.bar(places, y, width=0.72, color=[style.ACCENT if one else style.GREY for one in recent])
        top = max(float(y.max()), 1e-9)
        if not is_money:
            reference = float(row["reference"])
            ax.axhline(reference, color=style.SOFT, lw=1.2, ls=(0, (4, 3)))
            ax.annotate(
                say.sentence("held against {x}", x=say.share(reference)), (1, reference), (6, 0),
                xycoords=("axes fraction", "data"), textcoords="offset points", va="center", color=style.SOFT,
                size=style.SMALL, annotation_clip=False,
            )  # fmt: skip
            top = max(top, reference)
        ax.set_ylim(min(0.0, float(y.min())), top * 1.12)
        form = style.short_money(say, top) if is_money else style.percent(say)
        style.set_ticks(ax.yaxis, 0, top, form)
        step = max(1, -(-len(x) // 8))
        ax.set_xticks(
            places[::step], [say.value(day.date(), "period").replace(" ", "\n") for day in x[::step]], size=style.SMALL
        )
        ax.set_ylabel(say.label("revenue") if is_money else f"{one_line(say.text(str(row['flag'])), width=40)} (%)")
        ax.set_xlabel(say.sentence("three months from"))
        description = say.sentence(
            "Bars of three months each, from {first} to {last}; in color since the change.",
            first=form(float(y[0])),
            last=form(float(y[-1])),
        )
        return style.finish(ax, title=f"{name}: {row['finding']}", description=description, context=result.context)


def _figure(say: Wording, flag: str, figure: float) -> str:
    """A figure in the few characters of a cell."""
    if flag in _NOT_A_NUMBER or np.isnan(figure):
        return "●"
    if flag in _TIMES:
        return f"{say.number(figure, 0)}×"
    if flag in _DAYS:
        return say.sentence("{n} d", n=say.count(figure))
    if flag in _NUMBERS:
        return say.number(figure)
    return say.share(figure, 0)
