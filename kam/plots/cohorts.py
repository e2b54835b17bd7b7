"""Figure of cohorts: which share of each orders again, period by period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kam.plots import style
from kam.plots.labels import share_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kam.churn.cohorts import CohortRetentionResult

LATEST = 12
"""Cohorts that are drawn at most: the youngest."""


def plot_cohorts(result: CohortRetentionResult, *, ax: Axes | None = None) -> Axes:
    """Which share of each cohort orders again, one row per cohort and one column per period since its first order.

    Parameters
    ----------
    result : CohortRetentionResult
        From :func:`kam.churn.cohort_retention`; the youngest :data:`LATEST` of ``cohorts`` are drawn, oldest first.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        A grid of cells, the share in percent in each, darker where it is larger; empty where the data end.
    """
    say = result.context.wording
    known = result.cohorts[result.cohorts["n_since_first"].between(1, LATEST)]
    names = list(known["cohort"].drop_duplicates().iloc[-LATEST:])
    ages = sorted(known.loc[known["cohort"].isin(names), "n_since_first"].unique())
    share = known.pivot(index="cohort", columns="n_since_first", values="share_active").reindex(
        index=names, columns=ages
    )
    active = known.pivot(index="cohort", columns="n_since_first", values="n_active").reindex(index=names, columns=ages)
    size = known.drop_duplicates("cohort").set_index("cohort")["n_customers"]
    values = share.to_numpy()
    shares = [["" if np.isnan(one) else say.number(100 * one, 0) for one in row] for row in values]
    counts = [["" if np.isnan(one) else say.count(one) for one in row] for row in active.to_numpy()]
    rows = [
        say.sentence("{period} ({n})", period=say.period(name, result.freq), n=say.count(size[name])) for name in names
    ]
    with style.applied():
        ax = style.take_axes(ax, height=1.2 + 0.42 * len(names))
        style.draw_cells(ax, np.nan_to_num(values), shares, counts, rows=rows, columns=[say.count(age) for age in ages])
        ahead = {
            "month": say.sentence("months since the first order"),
            "quarter": say.sentence("quarters since the first order"),
            "year": say.sentence("years since the first order"),
        }
        ax.set_xlabel(ahead[result.freq] + "\n" + say.sentence("in a cell: share that orders (%), and accounts"))
        ax.set_ylabel(say.sentence("first order in (accounts)"))
        then = result.ages[result.ages["n_since_first"] == result.compared_at].iloc[0]
        title = say.sentence(
            "{time} after the first order {share} still order",
            time=say.periods(result.compared_at, result.freq),
            share=share_text(then["share_active"], say, 0),
        )
        description = say.sentence(
            "A grid of shares, {n} cohorts by periods since the first order, from {low} to {high}.",
            n=say.count(len(names)),
            low=say.share(float(np.nanmin(values))),
            high=say.share(float(np.nanmax(values))),
        )
        return style.finish(ax, title=title, description=description, context=result.context)
