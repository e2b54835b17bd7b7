import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from kam.errors import ParameterError
from kam.plots import describe, plot_delta, plot_silence, style
from kam.survey import assess_nonresponse, collect_responses
from tests.plots.chains import texts_of, title_of


def make(names=("key", "small"), scores=(5, 4, 4, 4), **options):
    """120 accounts of two strata in two waves; three of four of the first answer, and one of four of the second."""
    n = 60
    frame = pd.concat(
        pd.DataFrame(
            {
                "wave": wave, "customer_id": [f"{i}" for i in range(2 * n)], "drawn": True,
                "stratum": [names[0]] * n + [names[1]] * n, "revenue": np.arange(2 * n, 0, -1.0),
                "answered": [i % 4 != 3 for i in range(n)] + [i % 4 == 3 for i in range(n)],
            }
        )
        for wave in ("2023", "2024")
    ).reset_index(drop=True)  # fmt: skip
    rows = frame[frame["answered"]].assign(
        overall=lambda t: np.resize(scores, len(t)), respondent_id=lambda t: t["customer_id"]
    )
    return assess_nonresponse(
        collect_responses(rows[["respondent_id", "customer_id", "wave", "overall"]]), frame, **options
    )


@pytest.fixture(scope="module")
def result():
    return make()


def test_bars_are_the_rates_with_their_counts(result):
    ax = plot_silence(result)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[:2] == ["key", "small"]
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches][:2], [0.75, 0.25])
    assert texts_of(ax)[:2] == ["75% (45 of 60)", "25% (15 of 60)"]
    assert title_of(ax).endswith("answered, and 75% of 'key'")
    colors = [bar.get_facecolor() for bar in ax.patches]
    assert len(set(colors)) == 3, "least, most, and the others"
    assert "key: 75% (45 of 60), 95% interval 62.8% to 84.2%" in describe(ax)
    assert "dashed: 50% of all 120; 2024" in ax.get_xlabel()
    with pytest.raises(ParameterError, match="no wave '1999'"):
        plot_silence(result, wave="1999")


def test_lines_are_the_mean_by_delta_and_dots_the_tipping_points(result):
    ax = plot_delta(result)
    row = result.tipping.query("wave == '2024' and each == 'account' and term == 'mean' and level_3 == 'neutral'").iloc[
        0
    ]
    curve = result.deltas.query("wave == '2024' and each == 'account' and term == 'mean' and level_3 == 'neutral'")
    line = next(line for line in ax.lines if line.get_color() == style.ACCENT)
    np.testing.assert_allclose(line.get_ydata(), curve["estimate"])
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    expected = [row["delta_unsure"], row["delta_turned"]]
    assert dots == [x for x in expected if x <= 0.75]
    vertices = ax.collections[0].get_paths()[0].vertices
    assert np.isclose(vertices, curve[["delta", "ci_low"]].to_numpy()[-1]).all(axis=1).any()
    assert re.search(r"2024: 4\.25 \(95% interval", describe(ax))


@pytest.mark.parametrize(
    ("scores", "options", "title"),
    [
        (
            (4, 4, 3, 4),
            {"largest_delta": 0.75},
            "If the silent are 0.50 points less satisfied, the mean is no longer above 3.5",
        ),
        ((5, 4, 5, 4), {}, "Even if the silent are 0.75 points less satisfied, the mean is above 3.5"),
        ((3, 2, 3, 2), {}, "If the silent are up to 0.75 points less satisfied, the mean is as low as"),
        (
            (4, 4, 3, 4),
            {"threshold": None},
            "If the silent are up to 0.75 points less satisfied, the mean is as low as",
        ),
        ((4, 4, 3, 4), {"largest_delta": 0.4}, "it is no longer sure that the mean is above 3.5"),
    ],
    ids=["turned", "stands", "below", "no threshold", "unsure"],
)
def test_the_title_says_what_tips(scores, options, title):
    assert title in title_of(plot_delta(make(scores=scores, **options)))


def test_of_what_too_few_answered_nothing_tips():
    ax = plot_delta(make(min_n=1000))
    assert not [line for line in ax.lines if line.get_marker() == "o"]
    assert title_of(ax).startswith("If the silent are up to 0.75 points less satisfied, the mean is as low as")


def test_long_names_do_not_overlap():
    ax = plot_silence(make(names=("한빛포장 유통 " * 6, "x" * 200)))
    ax.figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    for one, next_ in pairwise(boxes):
        assert not one.overlaps(next_)
    notes = [text.get_window_extent() for text in ax.texts]
    assert all(note.x1 <= ax.figure.bbox.x1 + 1 for note in notes)
