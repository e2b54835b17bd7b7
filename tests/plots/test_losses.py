from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from kam.churn import churn_definition, describe_losses
from kam.churn.loss_trend import fit_trend
from kam.plots import describe, plot_losses, style
from tests.churn.purchases import HAND, make_panel, simulate_panel


@pytest.fixture(scope="module")
def result():
    panel = simulate_panel(400, 1)
    return describe_losses(churn_definition(panel, k=3, n_resamples=5), panel)


def test_dots_and_band_are_the_periods(result):
    ax = plot_losses(result)
    dots, line = ax.lines
    np.testing.assert_array_equal(dots.get_ydata(), result.periods["share_lost"])
    np.testing.assert_array_equal(line.get_ydata(), result.periods["fitted"])
    assert line.get_color() == style.ACCENT
    assert "of the share lost in each of 21 months" in describe(ax)
    assert ax.get_xlabel().startswith("dots: counted, with 95% intervals; line")


def test_the_title_says_the_direction(result):
    from dataclasses import replace

    assert "no change can be told" in describe(plot_losses(replace(result, ratio_low=0.9, ratio_high=1.1)))
    assert "The loss rate rose from" in describe(plot_losses(replace(result, ratio_low=1.1, ratio_high=1.3)))
    assert "The loss rate fell from" in describe(plot_losses(replace(result, ratio_low=0.7, ratio_high=0.9)))
    panel = make_panel(HAND)
    few = plot_losses(describe_losses(churn_definition(panel, k=2), panel))
    assert describe(few).startswith("4 accounts were lost, too few to see a trend")
    assert len(few.lines) == 1
    assert fit_trend(pd.DataFrame({"n_at_risk": [5] * 3, "n_lost": [1] * 3}), "month", 0.95).ratio is None


def test_dates_below_the_dots_stand_apart_and_within_the_figure(result):
    ax = plot_losses(result)
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_xticklabels() if label.get_text()]
    assert len(boxes) >= 2
    assert all(left.x1 + 6 < right.x0 for left, right in pairwise(boxes))
    assert boxes[-1].x1 <= ax.figure.bbox.x1
