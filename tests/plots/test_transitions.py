import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from kam.plots import describe, plot_transitions, style
from tests.plots.chains import ABC, KOREAN, moves_of, of_counts, texts_of, ticks_of, title_of


def test_cells_are_counted_from_the_panel(panel, drawn):
    ax = drawn("four", plot_transitions)
    moves = moves_of(panel).dropna()
    table = pd.crosstab(moves["state"], moves["state_next"]).reindex(index=ABC, columns=ABC, fill_value=0).to_numpy()
    p = table / table.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.asarray(ax.collections[0].get_array()).reshape(4, 4), p)
    assert table.min() == 0
    shown = iter(texts_of(ax))
    for n, share in zip(table.ravel(), p.ravel(), strict=True):
        if n:
            assert next(shown) == f"{100 * share:.1f}%"
            assert next(shown) == f"{n:,}"
        else:
            assert next(shown) == "–"
    assert ticks_of(ax.xaxis) == ABC
    assert ticks_of(ax.yaxis) == [f"{name}\n{n:,} transitions" for name, n in zip(ABC, table.sum(axis=1), strict=True)]


def test_the_lost_state_is_marked(drawn):
    ax = drawn("four", plot_transitions)
    (frame,) = ax.patches
    assert (frame.get_x(), frame.get_y(), frame.get_width(), frame.get_height()) == (3, 0, 1, 4)
    assert mpl.colors.to_hex(frame.get_edgecolor()) == style.WARN
    assert "lost by the next month" in texts_of(ax)
    for axis in (ax.xaxis, ax.yaxis):
        assert [label.get_color() == style.WARN for label in axis.get_ticklabels()] == [False, False, False, True]
    first = plot_transitions(
        of_counts([("lost", "lost", 9), ("A", "A", 9), ("A", "lost", 1)], ["lost", "A"], lost="lost")
    )
    assert (first.patches[0].get_x(), first.patches[0].get_width()) == (0, 1)
    assert not drawn("no loss", plot_transitions).patches


@pytest.mark.parametrize(
    ("rows", "lost", "title"),
    [
        (
            [("A", "A", 98), ("A", "lost", 2), ("C", "C", 76), ("C", "lost", 24), ("lost", "lost", 5)],
            "lost",
            "Of 100 customers in A, 2 are lost by the next period; of 100 in C, 24",
        ),
        (
            [("A", "A", 997), ("A", "lost", 3), ("C", "C", 76), ("C", "lost", 24), ("lost", "lost", 5)],
            "lost",
            "Of 1,000 customers in A, 3 are lost by the next period; of 1,000 in C, 240",
        ),
        (
            [("A", "A", 50), ("A", "C", 50), ("C", "A", 70), ("C", "lost", 30), ("lost", "lost", 5)],
            "lost",
            "Of 100 customers in C, 30 are lost by the next period",
        ),
        (
            [("A", "A", 96), ("A", "lost", 4), ("C", "C", 480), ("C", "lost", 20), ("lost", "lost", 5)],
            "lost",
            "Of 100 customers in any state, 4 are lost by the next period",
        ),
        (
            [("A", "A", 88), ("A", "C", 12), ("C", "C", 45), ("C", "A", 55)],
            None,
            "Of 100 customers in A, 88 are still there in the next period; of 100 in C, 45",
        ),
    ],
    ids=["least and most", "a few of a thousand", "from one state only", "alike", "no lost state"],
)
def test_titles_say_who_is_lost(rows, lost, title):
    names = list(dict.fromkeys(row[0] for row in rows))
    assert title_of(plot_transitions(of_counts(rows, names, lost=lost))) == title


def test_shares_are_0_or_100_only_where_they_are():
    rows = [("A", "A", 99_999), ("A", "lost", 1), ("lost", "lost", 123_456)]
    ax = plot_transitions(of_counts(rows, ["A", "lost"]))
    assert texts_of(ax)[:-1] == [">99.9%", "100K", "<0.1%", "1", "–", "100%", "123K"]
    assert title_of(ax) == "Of 10,000 customers in A, 0 are lost by the next period"


def test_a_chain_in_use_that_is_another_is_named(results, drawn):
    ax, other = (drawn(name, plot_transitions) for name in ("quarters, cyclic", "four"))
    for words in ("all seasons together; the chain in use differs by season", "lost is the end: returns do not count"):
        assert words in ax.get_xlabel().replace("\n", " ")
        assert words[1:] in describe(ax)
        assert words not in other.get_xlabel().replace("\n", " ")
    table = results["quarters, cyclic"].transitions
    np.testing.assert_allclose(np.asarray(ax.collections[0].get_array()).ravel(), table["probability"])


def test_long_names_are_broken_turned_and_cut(drawn):
    ax = drawn("eight", plot_transitions)
    labels = ax.get_xticklabels()
    assert {label.get_rotation() for label in labels} == {90}
    assert labels[1].get_text() == "value class A,\nsilent"
    assert labels[2].get_text().startswith("Großkunden")
    assert labels[2].get_text().endswith("…")
    assert [label.get_color() == style.WARN for label in labels] == [False] * 7 + [True]
    upright = drawn("ko", plot_transitions).get_xticklabels()
    assert {label.get_rotation() for label in upright} == {0}
    assert ax.figure.get_figheight() > upright[0].figure.get_figheight()  # what is turned needs room
    assert [label.get_text().split() for label in upright] == [name.split() for name in KOREAN]
