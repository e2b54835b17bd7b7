import numpy as np
import pandas as pd
import pytest

from kam.errors import EmptyDataError
from kam.plots import describe, plot_lost_satisfaction
from kam.survey import collect_responses, satisfaction_of_the_lost


def result_of(n_lost=12, n_silent=6):
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
    return satisfaction_of_the_lost(collect_responses(frame), losses)


def test_points_bar_and_title_are_the_result():
    result = result_of()
    ax = plot_lost_satisfaction(result)
    points = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(points, [0.5, 0.5])
    assert ax.patches[0].get_width() == pytest.approx(6 / 18)
    assert ax.get_title(loc="left").replace("\n", " ") == (
        "50% of the lost had said they were satisfied, 50% of those that stayed; the difference may be chance"
    )
    assert "33% of 18" in [text.get_text() for text in ax.texts]
    assert "33.3% of the lost had never answered" in describe(ax)


def test_too_few_are_not_drawn():
    with pytest.raises(EmptyDataError, match="Too few"):
        plot_lost_satisfaction(result_of(n_lost=3))
