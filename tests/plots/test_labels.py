import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from kam.plots import plot_flow, plot_survival, plot_transitions, style
from kam.plots.labels import spread
from tests.plots.chains import CHINESE, JAPANESE, KOREAN, fitted, texts_of, ticks_of

EVERY = [plot_transitions, plot_flow, plot_survival]


@pytest.mark.parametrize(
    ("name", "plots"),
    [
        ("two", EVERY),
        ("48 months", [plot_flow]),
        ("quarters, cyclic", EVERY),
        ("eight", EVERY),
        ("no loss", [plot_flow]),
        ("ko", [plot_transitions, plot_flow]),
    ],
)
def test_nothing_is_cut_off_overlaps_or_is_small(drawn, name, plots):
    for plot in plots:
        ax = drawn(name, plot)
        figure = ax.figure
        figure.set_dpi(style.DPI)
        figure.draw_without_rendering()  # a missing glyph warns, and so fails
        texts = [text for text in ax.findobj(mpl.text.Text) if text.get_text() and text.get_visible()]
        boxes = [(text.get_text(), mpl.text.Text.get_window_extent(text)) for text in texts]
        assert min(text.get_fontsize() for text in texts) >= 11
        for words, box in boxes:
            assert box.x0 >= 0 and box.y0 >= 0, (plot, words)
            assert box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height, (plot, words)
        for i, (words, box) in enumerate(boxes):
            for other, second in boxes[i + 1 :]:
                assert not box.overlaps(second), (plot, words, other)


@pytest.mark.parametrize("plot", EVERY)
def test_labels_of_states_that_end_alike_stand_apart(plot):
    names = [f"state {i}" for i in range(7)] + ["lost"]
    rows = [(t, name, name, 90) for t in range(1, 9) for name in names]
    rows += [(t, name, "lost", 10) for t in range(1, 9) for name in names[:-1]]
    result = fitted(pd.DataFrame(rows, columns=["period", "from_state", "to_state", "n_transitions"]), names)
    ax = plot(result)
    ax.figure.draw_without_rendering()
    boxes = [mpl.text.Text.get_window_extent(text) for text in ax.texts]
    assert not any(box.overlaps(other) for i, box in enumerate(boxes) for other in boxes[i + 1 :])


def test_names_in_any_script_are_drawn(drawn):
    for language, names in (("ko", KOREAN), ("zh", CHINESE), ("ja", JAPANESE)):
        assert [text.split("\n")[0] for text in ticks_of(drawn(language, plot_transitions).yaxis)] == names
        for plot in (plot_flow, plot_survival):
            shown = " ".join(texts_of(drawn(language, plot)))
            assert all(name in shown for name in names[:-1])


def test_labels_are_moved_as_little_as_needed():
    sizes = np.array([2.0, 2.0, 2.0])
    np.testing.assert_allclose(spread(np.array([1.0, 5.0, 9.0]), sizes, 0, 10), [1, 5, 9])
    np.testing.assert_allclose(spread(np.array([4.0, 5.0, 6.0]), sizes, 0, 10), [3, 5, 7])
    np.testing.assert_allclose(spread(np.array([0.0, 0.0, 9.9]), sizes, 0, 10), [1, 3, 9])
