"""Figures of the scorecard: the tiers of the accounts near the border, and what each weight changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import UndefinedMeasureError
from kam.identify.criteria import name_criterion
from kam.plots import style
from kam.plots.fonts import one_line
from kam.plots.labels import share_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.identify.scorecard import ScorecardResult
    from kam.wording import Wording

MOST = 12
"""More criteria are not drawn: those that change most are."""
BESIDE = 6
"""Accounts on each side of the border."""
Ints = npt.NDArray[np.int64]
_COLORS = {"A": style.ACCENT, "B": "#7fb5cd", "C": "#e3e7ec"}


def plot_tier_acceptability(result: ScorecardResult, *, ax: Axes | None = None) -> Axes:
    """In what share of the draws of weights and judgments accounts near the border of score group A fall into each group.

    Near is an account that is in group A in more than 5 % and less than 95 % of the draws.

    Parameters
    ----------
    result : ScorecardResult
        From :func:`kam.identify.score_accounts`; of the ``accounts`` near the border, six of tier A and six of the others are
        drawn, evenly along the rank.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One bar per account, highest score on top, cut into A, B and C; a line where tier A ends.
    """
    say = result.context.wording
    scored = result.accounts[result.accounts["tier"].notna()].reset_index(drop=True)
    in_a = (scored["tier"] == "A").to_numpy()
    unsure = scored["p_tier_a"].between(0.05, 0.95, inclusive="neither").to_numpy()
    chosen = [
        _along(np.flatnonzero(side & unsure), np.flatnonzero(side), last)
        for side, last in ((in_a, True), (~in_a, False))
    ]
    near, above = scored.iloc[np.concatenate(chosen)], len(chosen[0])
    n_unsure = int(unsure.sum())
    title = say.plural(
        "One of {n_all} accounts is near the border: weights and judgments decide whether it is in score group A",
        "{n} of {n_all} accounts are near the border: weights and judgments decide whether they are in score group A",
        n_unsure,
        n_all=say.count(len(scored)),
    )
    with style.applied():
        ax = style.take_axes(ax, height=1.7 + 0.36 * len(near))
        places = np.arange(len(near)) + 0.5 * (np.arange(len(near)) >= above)  # a gap at the border
        left = np.zeros(len(near))
        for tier in "ABC":
            p = near[f"p_tier_{tier.lower()}"].to_numpy(dtype=float)
            ax.barh(places, p, left=left, color=_COLORS[tier], height=0.74, edgecolor="white", linewidth=0.8)
            for place, start, size in zip(places, left, p, strict=True):
                if size >= 0.16:
                    ax.text(
                        start + size / 2, place, f"{tier} {share_text(size, say, 0)}", ha="center", va="center",
                        size=style.SMALL, color="white" if tier == "A" else style.INK,
                    )  # fmt: skip
            left += p
        if 0 < above < len(near):
            ax.axhline(above - 0.25, color=style.WARN, lw=1.6, ls=(0, (4, 3)))
            ax.text(
                1.02, above - 0.25, say.sentence("score group\nA ends here"), transform=ax.get_yaxis_transform(), ha="left",
                va="center", size=style.SMALL, color=style.WARN, linespacing=1.2,
            )  # fmt: skip
        labels = [
            one_line(name, fallback=customer) for name, customer in zip(near["name"], near["customer_id"], strict=True)
        ]
        ax.set_yticks(places, labels, size=style.SMALL, color=style.INK)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set_xlim(0, 1)
        ax.set_ylim(places[-1] + 0.6, -0.6)
        style.set_ticks(ax.xaxis, 0, 1, style.percent(say))
        lines = [say.sentence("share of {n} draws of weights and judgments (%)", n=say.count(result.n_draws))]
        if len(near) < n_unsure:
            lines.append(say.sentence("{n} of those near the border, evenly by rank", n=say.count(len(near))))
        ax.set_xlabel("\n".join(lines))
        description = say.sentence(
            "Bars by account, highest score first: {list}.",
            list=say.join(
                (
                    say.sentence(
                        "{name}: score group {tier} in {p}", name=label, tier=row["tier"], p=say.share(row["p_tier"], 0)
                    )
                    for label, row in zip(labels, near.to_dict("records"), strict=True)
                ),
                ";",
            ),
        )
        return style.finish(ax, title=title, description=description, context=result.context)


def plot_weight_tornado(result: ScorecardResult, *, ax: Axes | None = None) -> Axes:
    """How many accounts change score group when one weight is a fifth lower (left) or higher (right), the others in balance.

    Parameters
    ----------
    result : ScorecardResult
        From :func:`kam.identify.score_accounts`; ``tornado`` is drawn, the twelve criteria that change most.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One row per criterion, most changes on top; numbers are accounts, in brackets those of tier A that leave it.

    Raises
    ------
    UndefinedMeasureError
        There is one criterion only: its weight cannot move.
    """
    say = result.context.wording
    tornado = result.tornado
    names = list(dict.fromkeys(tornado["criterion"]))
    if len(names) < 2:
        raise UndefinedMeasureError(
            "There is one criterion only, so that no weight can move.", hint="Declare more criteria."
        )
    shown = names[:MOST]
    rows = tornado.set_index(["criterion", "weight_change"])
    down, up = sorted(tornado["weight_change"].unique())
    kinds = result.weights.set_index("criterion")["criterion_kind"]
    title = _tornado_title(result, say, kinds)
    with style.applied():
        ax = style.take_axes(ax, height=1.9 + 0.42 * len(shown))
        largest = max(1, int(tornado["n_tier_changes"].max()))
        said, longest = [], 0
        for place, name in enumerate(shown):
            for change, sign, color in ((down, -1, style.GREY), (up, 1, style.ACCENT)):
                row = rows.loc[(name, change)]
                n, n_left = int(row["n_tier_changes"]), int(row["n_left_a"])
                ax.barh(place, sign * n, color=color, height=0.66)
                words = f"{say.count(n)} ({say.count(n_left)})"
                longest = max(longest, len(words))
                ax.annotate(
                    words, (sign * n, place), (5 * sign, 0),
                    textcoords="offset points", ha="left" if sign > 0 else "right", va="center", size=style.SMALL,
                )  # fmt: skip
                said.append(
                    say.sentence(
                        "{name} {change}: {n}",
                        name=_label(name, str(kinds[name]), say),
                        change=say.share(change, 0),
                        n=say.count(n),
                    )
                )
        ax.axvline(0, color=style.SOFT, lw=1)
        reach = (1.15 + 0.05 * longest) * largest
        ax.set_xlim(-reach, reach)
        for x, text in (
            (-reach / 2, say.sentence("weight {change}", change=say.share(down, 0))),
            (reach / 2, say.sentence("weight +{change}", change=say.share(up, 0))),
        ):
            ax.text(
                x, len(shown) - 0.25, text, ha="center", va="center", size=style.SMALL, color=style.SOFT,
            )  # fmt: skip
        weights = tornado.drop_duplicates("criterion").set_index("criterion")["weight"]
        labels = [
            say.sentence(
                "{name}, {weight}", name=_label(name, str(kinds[name]), say), weight=share_text(weights[name], say, 0)
            )
            for name in shown
        ]
        ax.set_yticks(range(len(shown)), labels, size=style.SMALL, color=style.INK)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set_ylim(len(shown) + 0.1, -0.6)
        style.set_ticks(ax.xaxis, -reach, reach, lambda x: say.count(abs(x)))
        lines = [say.sentence("accounts that get another score group"), say.sentence("in brackets: that leave group A")]
        if len(shown) < len(names):
            lines.append(say.plural("one more is not drawn", "{n} more are not drawn", len(names) - len(shown)))
        ax.set_xlabel("\n".join(lines))
        description = say.sentence("Bars to both sides, one row per criterion: {list}.", list=say.join(said, ";"))
        return style.finish(ax, title=title, description=description, context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _along(unsure: Ints, side: Ints, last: bool) -> Ints:
    """Six of the unsure rows, evenly; where none is unsure, those of the side that are next to the border."""
    if not unsure.size:
        return side[-BESIDE:] if last else side[:BESIDE]
    return unsure[np.unique(np.linspace(0, unsure.size - 1, BESIDE).round().astype(int))]


def _label(name: str, kind: str, say: Wording, *, width: int = 28) -> str:
    return one_line(name_criterion(name, kind, say), width=width)


def _tornado_title(result: ScorecardResult, say: Wording, kinds: pd.Series) -> str:
    first = result.tornado.sort_values("n_tier_changes", ascending=False, kind="stable").iloc[0]
    return say.plural(
        "One account changes score group at most, when the weight of {name} moves by {change}",
        "At most {n} of {n_all} accounts change score group, when the weight of {name} moves by {change}",
        int(first["n_tier_changes"]),
        n_all=say.count(result.n_scored),
        name=_label(str(first["criterion"]), str(kinds[first["criterion"]]), say, width=60),
        change=say.share(abs(float(first["weight_change"])), 0),
    )
