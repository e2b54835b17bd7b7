import numpy as np
import pandas as pd
import pytest

from kam.plots import describe, plot_response_rates, style
from kam.results import Context
from kam.survey import track_responses
from tests.plots.chains import texts_of, title_of

NAMES = ["key", "_$hop $ale$", "한빛포장 유통 주식회사 서울 지점", "Harrington Wholesale and Distribution of the North"]


def make_frame(waves, names=NAMES):
    rows = [
        (f"{name}{i}", wave, True, i % 10 < 3 + j, 0.5, name)
        for k, wave in enumerate(waves)
        for j, name in enumerate(names)
        for i in range(40 + k)
    ]
    return pd.DataFrame(rows, columns=["customer_id", "wave", "drawn", "answered", "probability", "stratum"])


@pytest.fixture(scope="module")
def result():
    return track_responses(make_frame(["2024", "2025"]), expected_response=0.6, context=Context(dataset="test"))


def marks(ax, marker):
    return np.array([(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines if line.get_marker() == marker])


def test_dots_and_lines_are_the_rates(result):
    ax = plot_response_rates(result)
    dots, lines = marks(ax, "o"), [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert len(dots) == len(lines) == 8
    table = result.strata.set_index(["stratum", "wave"])
    order = [(name, wave) for name in result.strata["stratum"].unique() for wave in ("2025", "2024")]
    np.testing.assert_allclose(dots[:, 0], table.loc[order, "share_answered"])
    np.testing.assert_allclose([line.get_xdata() for line in lines], table.loc[order, ["ci_low", "ci_high"]])
    assert (np.diff(dots[:, 1]) > 0).all()  # from top to bottom, none on another
    diamonds = marks(ax, "D")
    np.testing.assert_allclose(diamonds[:, 0], 0.6)
    np.testing.assert_allclose(diamonds[:, 1], dots[::2, 1])
    assert ax.get_xlim() == (0, 1)


def test_the_last_wave_is_in_color_and_what_is_below_warns(result):
    ax = plot_response_rates(result)
    colors = [line.get_color() for line in ax.lines if line.get_marker() == "o"]
    standing = result.strata[result.strata["wave"] == "2025"]["standing"]
    assert colors[::2] == [style.WARN if s == "below" else style.ACCENT for s in standing]
    assert "below" in set(standing)
    assert set(colors[1::2]) == {style.GREY}


def test_words(result):
    ax = plot_response_rates(result)
    last = result.strata[result.strata["wave"] == "2025"]
    title = title_of(ax)
    assert title.startswith(f"{result.waves['n_answered'].iloc[-1]} of the 164 accounts drawn have answered: ")
    first = last.iloc[0]
    assert texts_of(ax)[0] == f"2025: {100 * first['share_answered']:.0f}% ({first['n_answered']} of 41)"
    assert ax.get_xlabel() == "answered, of the accounts drawn (%)\nlines: 95% intervals; open diamond: expected"
    assert f"{100 * first['ci_low']:.1f}% to {100 * first['ci_high']:.1f}%" in describe(ax)


def test_the_wave_before_needs_no_diamond():
    ax = plot_response_rates(track_responses(make_frame(["2024", "2025"])))
    assert not len(marks(ax, "D"))
    assert ax.get_xlabel().endswith("lines: 95% intervals")


def test_one_stratum_and_many_waves():
    one = make_frame(["2025"], names=[""])
    ax = plot_response_rates(track_responses(one))
    assert title_of(ax) == "12 of the 40 accounts drawn have answered (30%)"
    assert texts_of(ax) == ["30% (12 of 40)"]
    many = plot_response_rates(track_responses(make_frame(["2021", "2022", "2023", "2024", "2025"])))
    assert len(marks(many, "o")) == 3 * 4
    assert [text.partition(":")[0] for text in texts_of(many)[:3]] == ["2025", "2024", "2023"]


def test_ten_long_names_do_not_overlap():
    names = [f"stratum with a rather long name, number {i}" for i in range(7)] + NAMES[1:]
    ax = plot_response_rates(track_responses(make_frame(["2023", "2024", "2025-11 main field"], names)))
    figure = ax.get_figure(root=True)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in [*ax.texts, *ax.get_yticklabels()]]
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[i + 1 :])
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 + 1
