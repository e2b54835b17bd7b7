from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kam.churn.markov import fit_markov_churn
from kam.churn.programmes import compare_programmes
from kam.plots import describe
from kam.plots.programmes import plot_programmes
from kam.plots.style import ACCENT, SOFT
from kam.results import Context

COLUMNS = ["programme", "from_state", "to_state", "effect", "effect_sd", "source", "cost", "capacity"]
GOOD = ("good", "A", "lost", -0.03, 0.005, "judged", 10.0, 60.0)
NEXT = ("second", "A", "lost", -0.02, 0.001, "experiment", 10.0, None)
DEAR = ("dear", "B", "A", 0.01, 0.005, "assumed", 400.0, None)
DOUBTFUL = ("doubtful", "lost", "A", 0.011, 0.03, "experiment", 10.0, None)


@pytest.fixture(scope="module")
def markov():
    p = np.array([[80, 15, 5], [10, 70, 20], [2, 3, 95]])
    names = ["A", "B", "lost"]
    moves = [(a, b, p[i, j]) for i, a in enumerate(names) for j, b in enumerate(names)]
    counts = pd.DataFrame(moves, columns=["from_state", "to_state", "n_transitions"])
    return fit_markov_churn(counts, n_resamples=100, context=Context(dataset="test", currency="EUR"))


def compared(markov, *rows):
    frame = pd.DataFrame(list(rows), columns=COLUMNS)
    rewards = {"A": 500, "B": 300, "lost": 0}
    return compare_programmes(markov, frame, rewards=rewards, discount_rate=0.2, n_draws=200)


@pytest.fixture(scope="module")
def result(markov):
    return compared(markov, DEAR, DOUBTFUL, NEXT, GOOD)


def _marks(ax):
    """The line and the point of each row, from the top."""
    lines = [line for line in ax.lines if len(line.get_xdata()) == 2 and len(set(line.get_ydata())) == 1]
    points = [line for line in ax.lines if line.get_marker() == "o"]
    return list(zip(lines, points, strict=True))


def test_points_and_lines_are_those_of_the_table(result):
    ax = plot_programmes(result)
    order = ["good", "second", "doubtful", "dear"]
    rows = result.programmes.set_index("programme").loc[order]
    marks = _marks(ax)
    assert len(marks) == 4
    for place, ((line, point), (_, row)) in enumerate(zip(marks, rows.iterrows(), strict=True)):
        assert list(line.get_xdata()) == [row["delta_low"], row["delta_high"]]
        assert [point.get_xdata()[0], point.get_ydata()[0]] == [row["delta_value"], place]
        color = ACCENT if row["is_recommended"] else SOFT
        assert (line.get_color(), point.get_markeredgecolor()) == (color, color)
        assert point.get_markerfacecolor() == (color if row["source"] == "experiment" else "white")
    assert rows["is_recommended"].tolist() == [True, True, False, False]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["good\nfor A", "second\nfor A", "doubtful\nfor lost", "dear\nfor B"]
    low, high = ax.get_xlim()
    assert low < min(0, rows["delta_low"].min())
    assert high > rows["delta_high"].max()


def test_notes_say_how_sure_and_what_it_rests_on(result):
    texts = [text.get_text() for text in plot_programmes(result).texts]
    p = result.programmes.set_index("programme")["p_best"]
    assert f"recommended: best in {p['good']:.0%}\neffect judged" in texts
    assert "recommended for the rest\neffect measured" in texts
    assert f"best in {p['doubtful']:.0%} of draws\neffect measured" in texts
    assert f"best in {p['dear']:.0%} of draws\neffect assumed" in texts


def test_titles_give_the_answer(markov, result):
    def title(one):
        return plot_programmes(one).get_title(loc="left").replace("\n", " ")

    assert title(result) == f"2 of 4 programmes can be recommended: worth €{result.gain:,.0f} in all"
    one = compared(markov, GOOD, DEAR)
    delta = one.programmes["delta_value"][0]
    assert title(one) == f"1 of 2 programmes can be recommended: good for A, worth €{delta:.2f} per account"
    none = compared(markov, DEAR, ("dear", "A", "B", 0.01, *DEAR[4:]))
    assert title(none).startswith("dear does not pay for")
    both = compared(markov, DEAR, ("dearer", *DEAR[1:6], 450.0, None))
    loss = -both.programmes["delta_value"][0]
    assert title(both) == f"None of 2 programmes pays: the nearest, dear for B, loses €{loss:,.0f} per account"
    unsure = compared(markov, DOUBTFUL, DEAR)
    assert title(unsure).startswith("None of 2 programmes can be recommended: the best, doubtful for lost, gains €")


def test_described_in_words(result):
    text = describe(plot_programmes(result))
    row = result.programmes.set_index("programme").loc["good"]
    assert f"good for A €{row['delta_value']:,.2f} (95% interval €{row['delta_low']:,.2f} to " in text
    assert "effect assumed" in text


def test_names_to_be_careful_with_and_more_than_fit(markov):
    names = ["한빛포장 유통", "_$hop $ale$", "<script>alert(1)</script>", "two\nlines\u202e", "x" * 400]
    rows = [(name, *DEAR[1:]) for name in names] + [(f"p{k}", *GOOD[1:]) for k in range(10)]
    ax = plot_programmes(compared(markov, *rows))
    assert len(_marks(ax)) == 12
    assert ax.get_xlabel().endswith("\n3 that gain less are not shown")
    ax = plot_programmes(compared(markov, *rows[:5]))
    assert "two lines\nfor B" in [label.get_text() for label in ax.get_yticklabels()]


def test_drawn_into_axes_that_are_given(result):
    import matplotlib.pyplot as plt

    _, (left, right) = plt.subplots(1, 2)
    assert plot_programmes(result, ax=right) is right
    assert not left.lines


def test_nothing_that_was_given_is_changed(result):
    before = {name: frame.copy() for name, frame in result.tables().items()}
    plot_programmes(result)
    plot_programmes(replace(result, context=Context(language="zh")))
    for name, frame in result.tables().items():
        pd.testing.assert_frame_equal(frame, before[name])
