import re

import numpy as np
import pytest

from kam.errors import NoAbsorbingStateError
from kam.plots import describe, plot_survival, style
from tests.plots.chains import of_counts, texts_of, title_of


@pytest.mark.parametrize("name", ["four", "quarters, cyclic", "two", "eight"])
def test_lines_and_bands_are_the_survival(results, drawn, name):
    result = results[name]
    ax = drawn(name, plot_survival)
    curves = dict(list(result.survival.groupby("state", sort=False)))
    lines = [line for line in ax.lines if line.get_linestyle() == "-" and len(line.get_xdata()) > 2]
    assert len(lines) == len(ax.collections) == len(curves) == len(result.names) - 1
    by_end = sorted(curves.values(), key=lambda curve: curve["probability"].iloc[-1])
    for line, band, curve in zip(lines, ax.collections, by_end, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), curve["n_ahead"])
        np.testing.assert_array_equal(line.get_ydata(), curve["probability"])
        vertices = band.get_paths()[0].vertices
        for low_or_high in ("ci_low", "ci_high"):
            points = curve[["n_ahead", low_or_high]].to_numpy()
            assert all(np.isclose(vertices, point).all(axis=1).any() for point in points)


def test_half_lives_are_marked_on_the_lines(results, drawn):
    for name in ("four", "quarters, cyclic"):
        result, ax = results[name], drawn(name, plot_survival)
        horizon = result.survival["n_ahead"].max()
        half = result.states.set_index("state")["half_life"].drop("lost")
        dots = sorted(line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o")
        assert dots == sorted(half[half <= horizon])
        assert dots
        for state, at in half[half <= horizon].items():
            curve = result.survival[result.survival["state"] == state]
            assert np.interp(at, curve["n_ahead"], curve["probability"]) == pytest.approx(0.5)


def test_survival_says_the_answer(four, drawn):
    survival = four.survival.pivot(index="n_ahead", columns="state", values="probability")
    ax = drawn("four", plot_survival)
    within = (survival["C"] <= 0.5).idxmax()
    left = survival.iloc[-1]
    assert title_of(ax) == (
        f"Half of the customers in C are lost within {within} months; "
        f"of those in A, {100 * left['A']:.0f}% are still there after 36"
    )
    assert texts_of(ax) == [f"{name} {100 * left[name]:.0f}%" for name in left.sort_values().index]
    assert [text.get_color() for text in ax.texts] == [style.WARN, style.SOFT, style.ACCENT]
    assert ax.get_xlabel() == "months from now\ndot: half are lost; shaded: 95% interval"
    assert drawn("quarters, cyclic", plot_survival).get_xlabel().startswith("quarters from now")
    assert re.fullmatch(
        r"Half of the customers in active are lost within \d+ months; \d+% are still there after 36",
        title_of(drawn("two", plot_survival)),
    )
    end = four.survival[four.survival["state"] == "C"].iloc[-1]
    half_life = four.states.set_index("state")["half_life"]["C"]
    assert (
        f"C: {100 * end['probability']:.1f}% after 36 months (95% interval {100 * end['ci_low']:.1f}% to "
        f"{100 * end['ci_high']:.1f}%), half are lost after {half_life:.1f}"
    ) in describe(ax)


@pytest.mark.parametrize(
    ("rows", "title"),
    [
        (
            [("A", "A", 99), ("A", "lost", 1), ("C", "C", 98), ("C", "lost", 2), ("lost", "lost", 5)],
            "67% of the customers in C are still there after 20 periods; of those in A, 82%",
        ),
        (
            [("A", "A", 99), ("A", "lost", 1), ("lost", "lost", 5)],
            "82% of the customers in A are still there after 20 periods",
        ),
    ],
    ids=["two", "one"],
)
def test_where_fewer_than_half_are_lost_the_title_says_how_many_are_left(rows, title):
    ax = plot_survival(of_counts(rows, list(dict.fromkeys(row[0] for row in rows))))  # .98^20 = .668, .99^20 = .818
    assert title_of(ax) == title
    assert not [line for line in ax.lines if line.get_marker() == "o"]


def test_without_a_lost_state_there_is_no_survival(results):
    with pytest.raises(NoAbsorbingStateError, match=r"no lost state.*A, B, C"):
        plot_survival(results["no loss"])
