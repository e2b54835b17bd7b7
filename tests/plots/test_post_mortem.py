from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kam.plots import describe, plot_post_mortem, style
from tests.churn.test_post_mortem import examine, orders


@pytest.fixture(scope="module")
def result():
    return examine(orders())


def test_dots_intervals_and_rings_are_the_patterns(result):
    ax = plot_post_mortem(result)
    table = result.patterns.sort_values(["share_notable", "peers_notable"], ignore_index=True)
    lines = np.array(ax.lines, dtype=object).reshape(len(table), 3)
    for (interval, dot, ring), row in zip(lines, table.itertuples(), strict=True):
        assert list(interval.get_xdata()) == [row.ci_low, row.ci_high]
        assert dot.get_xdata()[0] == row.share_notable and ring.get_xdata()[0] == row.peers_notable
    assert [label.get_text() for label in ax.get_yticklabels()] == table["term"].tolist()
    assert "nothing stood out more often than at those that stayed" in describe(ax)


def test_what_stands_out_is_in_color_and_in_the_title(result):
    patterns = result.patterns.assign(stands_out=result.patterns["term"] == "late deliveries")
    ax = plot_post_mortem(replace(result, patterns=patterns))
    title = "5 large accounts are lost; before, late deliveries stood out at 20% of these, at 0% of those that stayed"
    assert describe(ax).startswith(title)
    colors = pd.Series([line.get_color() for line in ax.lines[1::3]])
    assert (colors == style.WARN).sum() == 1
    ax = plot_post_mortem(replace(result, patterns=patterns, n_lost=3, n_rhythm=2))
    assert describe(ax).startswith(
        "3 large accounts are lost and 2 more are silent beyond their own rhythm; before, late"
    )
    assert "dot: lost or silent beyond its rhythm, with 95% interval" in ax.get_xlabel()
