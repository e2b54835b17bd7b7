import numpy as np
import pytest

from kam.plots import describe, plot_loyalty_curve, style
from kam.survey import collect_responses, satisfaction_loyalty
from tests.survey.loyal_respondents import answers, respondents


def title_of(ax):
    return ax.get_title(loc="left").replace("\n", " ")


@pytest.fixture(scope="module")
def in_steps():
    return satisfaction_loyalty(answers((2.2, 2.2, 3.4, 3.4, 4.6)), None, n_resamples=100)


def test_points_are_the_means_and_steps_are_the_claimed_ones(in_steps):
    ax = plot_loyalty_curve(in_steps)
    curve = in_steps.of(in_steps.curve)
    points = next(line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_allclose(points.get_ydata(), curve["estimate"])
    bands = [c for c in ax.collections if len(c.get_segments()) == 3 and c.get_linewidth()[0] == 5]
    heights = [segment[0][1] for segment in bands[0].get_segments()]
    np.testing.assert_allclose(heights, in_steps.of(in_steps.steps)["estimate"])
    assert title_of(ax).startswith("Loyalty moves with satisfaction in steps: 2.3 up to level 2, 3.3 at levels 3 to 4")
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels == [f"{row.score}\nn = {row.n_accounts}" for row in curve.itertuples()]
    assert "level 5: " in describe(ax) and "95% interval" in describe(ax)


def test_without_a_claim_there_are_no_steps():
    ax = plot_loyalty_curve(satisfaction_loyalty(answers((1.8, 2.4, 3.0, 3.6, 4.2)), None, n_resamples=100))
    assert title_of(ax) == "Loyalty rises with satisfaction as along a straight line"
    assert not any(c.get_linewidth()[0] == 5 for c in ax.collections)
    assert next(line for line in ax.lines if line.get_marker() == "o").get_color() == style.ACCENT
    flat = plot_loyalty_curve(satisfaction_loyalty(answers((3, 3, 3, 3, 3)), None, n_resamples=100))
    assert "chance" in title_of(flat)


def test_a_level_of_few_has_no_point_but_its_number():
    frame = respondents((2.2, 2.2, 3.4, 3.4, 4.6), shares=(0.0, 0.2, 0.25, 0.3, 0.25))
    frame.loc[:2, "overall"] = 1
    ax = plot_loyalty_curve(satisfaction_loyalty(collect_responses(frame), None, n_resamples=50))
    assert len(next(line for line in ax.lines if line.get_marker() == "o").get_xdata()) == 4
    assert ax.get_xticklabels()[0].get_text() == "1\nn = 2"
