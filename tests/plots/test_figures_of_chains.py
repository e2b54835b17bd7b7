import dataclasses

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from kam.plots import describe, plot_flow, plot_survival, plot_transitions, to_png
from tests.plots.chains import (
    ABC,
    title_of,
)

EVERY = [plot_transitions, plot_flow, plot_survival]


@pytest.mark.parametrize("plot", EVERY)
def test_the_same_figure_has_the_same_bytes(four, drawn, plot):
    png = to_png(drawn("four", plot))
    with plt.style.context("dark_background"), mpl.rc_context({"font.size": 31, "axes.grid": True}):
        assert to_png(plot(four)) == png
    assert len(png) < 60_000


@pytest.mark.parametrize("plot", EVERY)
def test_drawn_into_axes_that_are_given(four, drawn, plot):
    _, (left, right) = plt.subplots(1, 2, figsize=(16, 6), layout="constrained")
    assert plot(four, ax=right) is right
    assert title_of(right) == title_of(drawn("four", plot))
    assert not left.texts and not left.patches


def test_described_in_words(four, drawn):
    table = four.transitions.set_index(["from_state", "to_state"])
    n = four.states.set_index("state")["n_transitions"]
    text = describe(drawn("four", plot_transitions))
    for name in "ABC":
        stay, lost = table["probability"][name, name], table["probability"][name, "lost"]
        assert (
            f"{name}: {n[name]:,} transitions, {100 * stay:.1f}% stay, {100 * lost:.1f}% are lost by the next month"
            in text
        )
    mix = four.mix.pivot(index="period", columns="state", values="n_customers")
    text = describe(drawn("four", plot_flow))
    for name in ABC:
        assert f"{name} {mix[name].iloc[0]}, then {mix[name].iloc[-1]}" in text


@pytest.mark.parametrize("plot", EVERY)
def test_nothing_that_was_given_is_changed(four, plot):
    before = {name: frame.copy() for name, frame in four.tables().items()}
    scalars = {field.name: getattr(four, field.name) for field in dataclasses.fields(four) if field.name not in before}
    plot(four)
    for name, frame in four.tables().items():
        pd.testing.assert_frame_equal(frame, before[name])
    assert {name: getattr(four, name) for name in scalars} == scalars
