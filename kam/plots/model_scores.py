"""Figure of model scores: the error of each model's probabilities against the reference, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from kam.errors import ParameterError
from kam.plots import style
from kam.plots.fonts import one_line

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from kam.churn.comparison import ChurnComparisonResult

_MEASURES = {"log loss": 3, "AUC": 3}


def plot_model_scores(
    result: ChurnComparisonResult, *, measure: Literal["log loss", "AUC"] = "log loss", ax: Axes | None = None
) -> Axes:
    """How far each model is from the reference: the difference on the same accounts and origins, with its interval.

    Parameters
    ----------
    result : ChurnComparisonResult
        From :func:`kam.churn.comparison.score_forecasts`; ``differences`` (at risk, pooled) are drawn, the other model less the
        reference.
    measure : {"log loss", "AUC"}
        The error of the probabilities (smaller is better), or the share of pairs ranked rightly (larger is better).
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        One row per model, the best first: a dot and a line for the difference, the score itself at the left; grey where the
        interval holds 0.

    Raises
    ------
    ParameterError
        The measure is not one of the two, or there is no other model to compare.
    """
    say = result.context.wording
    if measure not in _MEASURES:
        raise ParameterError(f"The measure is {measure!r}.", hint=f"Use one of {', '.join(_MEASURES)}.")
    rows = result.differences
    rows = rows[(rows["population"] == "at risk") & (rows["origin"] == "pooled") & (rows["measure"] == measure)]
    rows = rows[rows["ci_low"].notna()]
    if rows.empty:
        raise ParameterError("There is no other model to compare.", hint="Score more than one model.")
    sign = 1 if measure == "log loss" else -1  # where a bad model goes to the right
    rows = rows.assign(worse=-sign * rows["estimate"]).sort_values("worse", kind="stable")
    names = [result.reference, *rows["model"]]
    middle = np.array([0.0, *(-rows["estimate"])])
    low, high = np.array([0.0, *(-rows["ci_high"])]), np.array([0.0, *(-rows["ci_low"])])
    order = np.argsort([0.0, *rows["worse"]], kind="stable")
    digits = _MEASURES[measure]
    with style.applied():
        ax = style.take_axes(ax, height=2.0 + 0.52 * len(names))
        reach = max(float(np.abs([low, high]).max()), 1e-9)
        labels = []
        for place, i in enumerate(order):
            own = names[i] == result.reference
            sure = own or low[i] > 0 or high[i] < 0
            better = not own and sure and sign * middle[i] < 0
            color = style.ACCENT if own else style.WARN if better else style.INK if sure else style.SOFT
            if not own:
                ax.plot([low[i], high[i]], [place, place], color=color, lw=2.2, solid_capstyle="butt", alpha=0.75)
            ax.plot(middle[i], place, "o", color=color, ms=7.5, mfc=color if sure else "white", mew=1.8)
            note = say.sentence("reference") if own else _signed(middle[i], digits, result)
            if not own and not sure:
                note = say.join([note, say.sentence("(may be chance)")])
            end, side = (max(high[i], middle[i]), 1) if sign > 0 else (min(low[i], middle[i]), -1)
            ax.annotate(
                note,
                (end, place),
                (10 * side, 0),
                textcoords="offset points",
                ha="left" if side > 0 else "right",
                va="center",
                color=color,
                size=style.SMALL,
            )
            score = float(result.score(names[i], measure)["estimate"])
            labels.append(f"{one_line(say.text(names[i]), width=28)}  {say.number(score, digits)}")
        ax.axvline(0, color=style.GREY, lw=1.2, zorder=1)
        left, right = min(float(low.min()), 0.0), max(float(high.max()), 0.0)
        span = max(right - left, 0.2 * reach)
        room = 0.42 * span if sign > 0 else 0.06 * span
        ax.set_xlim(left - (0.48 * span - room), right + room)
        ax.set_ylim(len(names) - 0.45, -0.6)
        ax.set_yticks(np.arange(len(names)), labels, color=style.INK, size=style.SIZE)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        style.set_ticks(ax.xaxis, left, right, lambda x: _signed(x, 2 if reach >= 0.02 else 3, result))
        of, better_at = (
            (say.sentence("error of the probabilities (log loss)"), say.sentence("left is better"))
            if measure == "log loss"
            else (say.sentence("share of pairs ranked rightly (AUC)"), say.sentence("right is better"))
        )
        above = say.sentence(
            "{measure} above that of {model}", measure=of, model=one_line(say.text(result.reference), width=20)
        )
        line = say.sentence("line: {level} interval, paired", level=say.share(result.level, 0))
        ax.set_xlabel(f"{above}\n{better_at}; {line}")
        parts = [
            say.sentence(
                "{model}: {difference} ({interval})",
                model=say.text(names[i]),
                difference=_signed(middle[i], digits, result),
                interval=say.interval(_signed(low[i], digits, result), _signed(high[i], digits, result), result.level),
            )
            for i in order
            if names[i] != result.reference
        ]
        description = say.sentence(
            "Difference to {model} by model, accounts at risk. {parts}.",
            model=say.text(result.reference),
            parts=say.join(parts, ";"),
        )
        return style.finish(ax, title=_title(result, rows), description=description, context=result.context)


# -- inside ----------------------------------------------------------------------------------------------------------


def _signed(x: float, digits: int, result: ChurnComparisonResult) -> str:
    shown = result.context.wording.number(abs(x), digits)
    if float(f"{abs(x):.{digits}f}") == 0:
        return shown
    return ("+" if x > 0 else "−") + shown


def _title(result: ChurnComparisonResult, rows: pd.DataFrame) -> str:
    """Who is better, who is worse, and who cannot be told from the reference."""
    say = result.context.wording
    better, worse = (rows.loc[rows["standing"] == standing, "model"] for standing in ("more accurate", "less accurate"))
    same = [name for name in rows["model"] if name not in set(better) | set(worse)]
    if len(better):
        return say.sentence(
            "More accurate than {reference}: {models}",
            models=say.listing([say.text(name) for name in better]),
            reference=say.text(result.reference),
        )
    if same:
        return say.sentence(
            "On this ledger nothing tells {models} from {reference}",
            models=say.listing([say.text(name) for name in same]),
            reference=say.text(result.reference),
        )
    return say.sentence("No other model did as well as {reference}", reference=say.text(result.reference))
