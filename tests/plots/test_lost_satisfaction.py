import numpy as np
import pandas as pd
import pytest

from kam.errors import EmptyDataError
from kam.plots import describe, plot_lost_satisfaction
from kam.survey import collect_responses, satisfaction_of_the_lost


def result_of(n_lost=12, n_silent=6, asked=None):
    n = 60
    frame = pd.DataFrame(
        {
            "respondent_id": range(n),
            "customer_id": [f"c{i}" for i in range(n)],
            "wave": "2024",
            "answered_on": pd.Timestamp("2024-01-10"),
            "overall": [4, 2] * (n // 2),
        }
    )
    losses = pd.DataFrame({"customer_id": [f"c{i}" for i in range(n + n_silent)]})
    is_lost = (losses.index < n_lost) | (losses.index >= n)
    losses["lost_on"] = pd.Series(pd.Timestamp("2024-12-01"), losses.index).where(is_lost)
    return satisfaction_of_the_lost(collect_responses(frame), losses, asked=asked)


def test_points_bars_and_title_are_the_result():
    result = result_of()
    ax = plot_lost_satisfaction(result)
    points = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(points, [0.5, 0.5])
    assert [patch.get_width() for patch in ax.patches] == pytest.approx([6 / 18, 12 / 18, 0, 1])
    assert ax.get_title(loc="left").replace("\n", " ") == (
        "50% of the people of the lost had said they were satisfied, 50% of those that stayed; the difference may be chance"
    )
    texts = [text.get_text() for text in ax.texts]
    assert "33%" in texts and "no answer, asked or not" in texts and "never asked" not in texts
    assert "no answer, asked or not: 33.3% of the lost, 0.0% of those that stayed" in describe(ax)


def test_who_was_never_asked_is_told_from_the_silent():
    """Of the 6 of 18 lost without an answer 4 were asked."""
    asked = pd.DataFrame({"wave": "2024", "customer_id": [f"c{i}" for i in range(64)]})
    ax = plot_lost_satisfaction(result_of(asked=asked))
    widths = [patch.get_width() for patch in ax.patches]
    assert widths == pytest.approx([2 / 18, 4 / 18, 12 / 18, 0, 0, 1])
    assert [patch.get_x() for patch in ax.patches][:3] == pytest.approx([0, 2 / 18, 6 / 18])
    texts = [text.get_text() for text in ax.texts]
    assert {"never asked", "asked, silent", "answered", "11%", "22%", "67%"} <= set(texts)
    assert "asked, silent: 22.2% of the lost, 0.0% of those that stayed" in describe(ax)


@pytest.mark.parametrize("n_asked", [None, 64])
def test_no_texts_overlap(n_asked):
    asked = pd.DataFrame({"wave": "2024", "customer_id": [f"c{i}" for i in range(n_asked)]}) if n_asked else None
    ax = plot_lost_satisfaction(result_of(asked=asked))
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_too_few_are_not_drawn():
    with pytest.raises(EmptyDataError, match="Too few"):
        plot_lost_satisfaction(result_of(n_lost=3))
