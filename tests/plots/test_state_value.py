import numpy as np
import pandas as pd
import pytest

from kam.churn.customer_value import customer_value
from kam.churn.markov import fit_markov_churn
from kam.plots import describe, to_png
from kam.plots.state_value import plot_state_value
from kam.plots.style import ACCENT, SOFT
from tests.churn.worlds import simulate
from tests.plots.conftest import CONTEXT


@pytest.fixture(scope="module")
def value():
    chain = fit_markov_churn(simulate(1), n_resamples=60, chain="pooled", context=CONTEXT)
    return customer_value(chain, None, discount_rate=0.1, horizon=12)


def _rows(ax):
    """Per state: the band, the interval, the dot, and the color of the dot."""
    bands = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
    lines = ax.lines[: 2 * len(bands)]
    intervals = [tuple(line.get_xdata()) for line in lines[::2]]
    return bands, intervals, [line.get_xdata()[0] for line in lines[1::2]], [line.get_color() for line in lines[1::2]]


def test_bands_intervals_and_dots_are_those_of_the_states(value):
    ax = plot_state_value(value)
    bands, intervals, dots, colors = _rows(ax)
    states = value.states
    np.testing.assert_allclose(bands, states[["pi_low", "pi_high"]].to_numpy())
    np.testing.assert_allclose(intervals, states[["ahead_low", "ahead_high"]].to_numpy())
    np.testing.assert_allclose(dots, states["value_ahead"])
    assert colors == [ACCENT, ACCENT, SOFT]  # the lost are grey
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == [f"{s}\n{n} customers" for s, n in zip(states["state"], states["n_customers"], strict=True)]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first state on top


def test_notes_say_value_and_interval(value):
    row = value.states.iloc[0]
    notes = [text.get_text() for text in plot_state_value(value).texts]
    assert notes[0] == f"{row['value_ahead']:,.0f} ({row['ahead_low']:,.0f}–{row['ahead_high']:,.0f})"
    assert len(notes) == 3


def test_title_says_what_a_customer_is_worth(value):
    a, b = value.states["value_ahead"][:2]
    title = plot_state_value(value).get_title(loc="left").replace("\n", " ")
    assert title == f"One customer in A is worth €{a:.2f} over the next 12 months, one in B €{b:.2f}"


def test_everything_lies_within_the_axes(value):
    ax = plot_state_value(value)
    ax.figure.draw_without_rendering()
    left, right = ax.get_xlim()
    assert left <= value.states["pi_low"].min() and right >= value.states["pi_high"].max()
    box = ax.get_window_extent()
    for text in ax.texts:
        assert text.get_window_extent().x1 <= box.x1 + 1
    assert to_png(ax).startswith(b"\x89PNG")


def test_a_note_has_room_where_single_customers_differ_little():
    counts = pd.DataFrame(
        {"from_state": ["buys", "buys", "lost"], "to_state": ["buys", "lost", "lost"], "n_transitions": [9990, 10, 10]}
    )
    chain = fit_markov_churn(counts, n_resamples=60, context=CONTEXT)
    ax = plot_state_value(customer_value(chain, {"buys": 123_456, "lost": 0}, discount_rate=0.1, horizon=12))
    ax.figure.draw_without_rendering()
    assert ax.texts[0].get_window_extent().x1 <= ax.get_window_extent().x1
    assert "one in" not in ax.get_title(loc="left").replace("\n", " ")


def test_values_below_zero():
    chain = fit_markov_churn(simulate(1), n_resamples=60, chain="pooled", context=CONTEXT)
    value = customer_value(chain, [10, -20, 0], discount_rate=0.1, horizon=6)
    ax = plot_state_value(value)
    assert ax.get_xlim()[0] < value.states["pi_low"].min() < 0
    assert "-€" in ax.get_title(loc="left").replace("\n", " ")


def test_described_in_words(value):
    text = describe(plot_state_value(value))
    row = value.states.iloc[1]
    assert text.startswith("One customer in A is worth")
    assert f"B: {row['value_ahead']:,.0f} ({row['ahead_low']:,.0f}–{row['ahead_high']:,.0f}), single customers" in text


def test_names_to_be_careful_with():
    panel = simulate(1).replace(
        {"state": {"A": "한빛포장 $x$ <b>", "B": "a state with a very long name that goes on and on"}}
    )
    chain = fit_markov_churn(panel, n_resamples=60, chain="pooled", context=CONTEXT)
    ax = plot_state_value(customer_value(chain, None, discount_rate=0.1, horizon=12))
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert any("한빛포장 $x$ <b>" in label for label in labels) and all(len(label) < 60 for label in labels)
    to_png(ax)


def test_nothing_that_was_given_is_changed(value):
    before = {name: frame.copy() for name, frame in value.tables().items()}
    plot_state_value(value)
    for name, frame in value.tables().items():
        pd.testing.assert_frame_equal(frame, before[name])


def test_on_axes_of_the_caller(value):
    import matplotlib.pyplot as plt

    ax = plt.subplots()[1]
    assert plot_state_value(value, ax=ax) is ax
