import itertools
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color
from matplotlib.text import Text

from kam.churn.forecast import forecast_mix
from kam.plots import describe, style, to_png
from kam.plots.mix_forecast import plot_mix_forecast
from kam.results import Context
from tests.churn.worlds import TRUTH, simulate

CONTEXT = Context(dataset="test", currency="EUR")


@pytest.fixture(scope="module")
def result():
    """300 customers, 24 months, every third new on the way."""
    panel = simulate(1)
    customer, period = panel["customer_id"].astype(int), panel.groupby("customer_id").cumcount()
    panel = panel[(customer % 3 > 0) | (period >= customer % 24)]
    return forecast_mix(panel, horizon=6, n_draws=200, context=CONTEXT)


def ladder(names, n_periods, context=CONTEXT, horizon=4, freq="QS"):
    """Customers of many states: neighbors are reached, the last state is reached from all."""
    n = len(names)
    p = 0.7 * np.eye(n) + 0.1 * (np.eye(n, k=1) + np.eye(n, k=-1))
    p[:, -1] += 0.03
    p /= p.sum(axis=1, keepdims=True)
    panel = simulate(2, p=p, n_customers=400, n_periods=n_periods, freq=freq, states=names, money=np.zeros(n))
    return forecast_mix(panel, horizon=horizon, lost=names[-1], n_draws=200, context=context)


def title(ax):
    return ax.get_title(loc="left").replace("\n", " ")


def line(ax, color, width):
    found = [one for one in ax.lines if same_color(one.get_color(), color) and one.get_linewidth() == width]
    assert len(found) == 1
    return found[0].get_xdata(), found[0].get_ydata()


def test_lines_are_what_was_and_what_is_expected(result):
    ax = plot_mix_forecast(result)
    last = result.forecast[(result.forecast["scope"] == "all") & (result.forecast["state"] != "lost")]
    was = result.history.pivot(index="period", columns="state", values="n_customers")
    change = last[last["n_ahead"] == 6].set_index("state")["n_expected"] - was.iloc[-1][["A", "B"]]
    colors = {change.idxmax(): style.ACCENT, change.idxmin(): style.WARN if change.min() < 0 else style.SOFT}
    for state, color in colors.items():
        strong = color != style.SOFT
        x, y = line(ax, color, 1.6 if strong else 1.1)
        np.testing.assert_allclose(y, was[state])
        assert x.tolist() == list(range(24))
        x, y = line(ax, color, 2.6 if strong else 1.6)
        np.testing.assert_allclose(y, [was[state].iloc[-1], *last.loc[last["state"] == state, "n_expected"]])
        assert x.tolist() == list(range(23, 30))


def test_bands_are_the_prediction_intervals(result):
    ax = plot_mix_forecast(result)
    rows = result.forecast[(result.forecast["scope"] == "all") & (result.forecast["state"] != "lost")]
    bands = [band.get_paths()[0].vertices for band in ax.collections if band.get_paths()[0].vertices.shape[0] > 4]
    assert len(bands) == 2
    ends = {(band[:, 1][band[:, 0] == 29].min(), band[:, 1][band[:, 0] == 29].max()) for band in bands}
    assert ends == set(rows.loc[rows["n_ahead"] == 6, ["n_low", "n_high"]].itertuples(index=False, name=None))
    assert ax.get_ylim()[0] == 0 and ax.get_ylim()[1] > rows["n_high"].max()


def test_bars_and_dots_are_the_back_test_one_period_ahead(result):
    ax = plot_mix_forecast(result)
    points = result.backtest_points
    points = points[(points["scope"] == "all") & (points["n_ahead"] == 1)]
    month = (points["period"].dt.year - 2022) * 12 + points["period"].dt.month - 1
    bars = {tuple(path.vertices.ravel()) for bar in ax.collections for path in bar.get_paths() if len(path) == 2}
    assert bars == {(m, low, m, high) for m, low, high in zip(month, points["n_low"], points["n_high"], strict=True)}
    inside = points["n_actual"].between(points["n_low"], points["n_high"])
    for hollow, expected in ((False, inside), (True, ~inside)):
        dots = [one for one in ax.lines if one.get_marker() == "o" and (one.get_markerfacecolor() == "white") == hollow]
        drawn = {(x, y) for one in dots for x, y in zip(one.get_xdata(), one.get_ydata(), strict=True)}
        assert drawn == set(zip(month[expected], points["n_actual"][expected], strict=True))


def test_the_title_is_the_answer_and_the_ends_have_numbers(result):
    ax = plot_mix_forecast(result)
    total = result.totals[(result.totals["scope"] == "all") & (result.totals["n_ahead"] == 6)].iloc[0]
    assert title(ax).startswith(
        f"{total['n_expected']:.0f} customers are expected in June 2024, not counting the lost, "
        f"{result.n_active} are there now"
    )
    last = result.forecast[(result.forecast["scope"] == "all") & (result.forecast["n_ahead"] == 6)]
    texts = [text.get_text() for text in ax.texts]
    for state, n in zip(last["state"], last["n_expected"], strict=True):
        assert (f"{state} {n:.0f}" in texts) == (state != "lost")
    assert ax.get_ylabel() == "customers"
    assert "bar: forecast 1 month before" in ax.get_xlabel().replace("\n", " ")


def test_described_in_words(result):
    text = describe(plot_mix_forecast(result))
    row = result.forecast[result.forecast["scope"] == "all"].set_index(["n_ahead", "state"]).loc[6, "A"]
    assert (
        f"{row['n_expected']:.0f} expected (95% prediction interval {row['n_low']:.0f} to {row['n_high']:.0f})" in text
    )
    points = result.backtest_points[
        (result.backtest_points["scope"] == "all") & (result.backtest_points["n_ahead"] == 1)
    ]
    n_inside = points["n_actual"].between(points["n_low"], points["n_high"]).sum()
    assert f"Of {len(points)} numbers forecast 1 month before, {n_inside} lay within the interval." in text


def test_without_a_back_test_the_figure_says_so():
    few = ladder(["A", "B", "lost"], 5)
    ax = plot_mix_forecast(few)
    assert "not back-tested: too few periods were seen to hold some out" in ax.get_xlabel().replace("\n", " ")
    assert "There is no back-test: too few periods were seen to hold some out." in describe(ax)


def test_labels_of_many_states_stand_apart_and_within_the_figure():
    names = [
        "champions",
        "cannot lose",
        "loyal",
        "slipping away, once frequent buyers",
        "_$hop $ale$",
        "大客户",
        "신규 고객",
    ]
    ax = plot_mix_forecast(ladder([*names, "lost"], 20))
    figure = ax.get_figure()
    figure.draw_without_rendering()
    boxes = sorted(
        (Text.get_window_extent(text) for text in ax.texts if text.get_text() != "now"), key=lambda box: box.y0
    )
    assert len(boxes) == 7
    for low, high in itertools.pairwise(boxes):
        assert low.y1 <= high.y0 + 2
    assert max(box.x1 for box in boxes) <= figure.bbox.width
    assert ax.xaxis.label.get_window_extent().x0 >= 0
    assert ax.title.get_window_extent().x0 >= 0
    assert to_png(ax).startswith(b"\x89PNG")


def test_one_state_numbered_periods_no_lost_state_and_a_long_past():
    one = plot_mix_forecast(ladder(["buys", "lost"], 70, freq="MS"))
    assert max(one.lines[1].get_xdata()) == 59  # the last 60 months
    panel = simulate(3, p=TRUTH, n_periods=12)
    panel["period"] = panel["period"].dt.month
    ax = plot_mix_forecast(forecast_mix(panel, lost=None, horizon=2, n_draws=200, context=Context(language="ko")))
    assert re.findall(r"\d+", title(ax))[:3] == ["14", "300", "300"]  # period, customers expected, customers now
    assert [label.get_text() for label in ax.get_xticklabels()][-1] == "14"


def test_drawn_in_axes_that_are_given_and_nothing_is_changed(result):
    import matplotlib.pyplot as plt

    before = {name: frame.copy() for name, frame in result.tables().items()}
    _, given = plt.subplots()
    assert plot_mix_forecast(result, ax=given) is given
    for name, frame in result.tables().items():
        pd.testing.assert_frame_equal(frame, before[name])
