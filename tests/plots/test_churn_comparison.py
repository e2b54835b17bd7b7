"""Figures of the comparison of churn models: they show its numbers, and say the point."""

import matplotlib as mpl
import numpy as np
import pytest

from kam.churn import score_forecasts
from kam.errors import ParameterError
from kam.plots import describe, plot_calibration, plot_lift_by_money, plot_model_scores, style, to_png
from kam.results import Context
from tests.churn.forecasts import some_forecasts
from tests.plots.chains import texts_of, title_of

CONTEXT = Context(currency="EUR")


@pytest.fixture(scope="module")
def data():
    return some_forecasts()


@pytest.fixture(scope="module")
def result(data):
    return score_forecasts(*data, n_resamples=50, context=CONTEXT)


def _curve(frame, model):
    return frame[(frame["model"] == model) & (frame["population"] == "at risk")]


def test_calibration_is_the_curve(result):
    ax = plot_calibration(result)
    curve = _curve(result.curves, "regression")
    thick = [line for line in ax.lines if line.get_color() == style.ACCENT and line.get_linestyle() == "-"]
    np.testing.assert_array_equal(thick[0].get_ydata(), curve["observed"])
    dots = next(line for line in ax.lines if line.get_marker() == "o")
    bins = _curve(result.calibration, "regression")
    assert list(dots.get_ydata()) == bins.loc[bins["n_customers"] >= 20, "observed"].tolist()
    assert len(ax.patches) == len(bins)
    assert set(texts_of(ax)) == {"regression", "twin", "BG/NBD"}  # and two peers, the best
    points = 100 * result.score("regression", "ICI")["estimate"]
    assert title_of(ax) == f"What regression says happens: on average {points:.1f} points off"
    assert "95% interval 52% to 83%) of 30 accounts" in describe(ax)


def test_calibration_says_what_is_wrong(data):
    forecasts, rows = data
    forecasts = forecasts[forecasts["model"].isin(["regression", "twin"])]
    odds = forecasts["p_no_order"] / (1 - forecasts["p_no_order"])
    for power, words in ((3, "too sure"), (0.4, "too timid")):
        said = forecasts.assign(p_no_order=odds**power / (1 + odds**power))
        assert words in title_of(plot_calibration(score_forecasts(said, rows, n_resamples=50)))


def test_lift_is_that_of_the_table(result):
    ax = plot_lift_by_money(result)
    at = result.lift[(result.lift["population"] == "at risk") & (result.lift["share_called"] == 0.2)]
    found = at.set_index("model")["share_money_found"]
    assert title_of(ax) == (
        f"Calling 20% in the order of regression finds {100 * found['regression']:.0f}% of the money lost, "
        f"the largest first {100 * found['largest first']:.0f}%"
    )
    heights = [line.get_ydata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert sorted(heights) == pytest.approx(sorted(found[["regression", "twin", "recency", "largest first"]]))
    assert f"recency {100 * found['recency']:.0f}%" in texts_of(ax)


@pytest.mark.parametrize("measure", ["log loss", "AUC"])
def test_model_scores_are_the_differences(result, measure):
    ax = plot_model_scores(result, measure=measure)
    rows = result.differences
    rows = rows[(rows["population"] == "at risk") & (rows["origin"] == "pooled") & (rows["measure"] == measure)]
    spans = [line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 2 and line.get_marker() != "o"]
    drawn = sorted(tuple(span) for span in spans if span[0] != span[1])
    np.testing.assert_allclose(drawn, sorted(zip(-rows["ci_high"], -rows["ci_low"], strict=True)))
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert {label.split("  ")[0] for label in labels} == {"regression", "twin", "BG/NBD", "recency"}
    assert labels[-1] == f"recency  {result.score('recency', measure)['estimate']:.3f}"
    assert "BG/NBD: " in describe(ax)


def test_model_scores_say_who_is_better(data, result):
    forecasts, rows = data
    assert title_of(plot_model_scores(result)) == "On this ledger nothing tells twin from regression"
    other = score_forecasts(forecasts, rows, reference="BG/NBD", n_resamples=50)
    assert title_of(plot_model_scores(other)).startswith("More accurate than BG/NBD: ")
    few = forecasts[forecasts["model"] != "twin"]
    best = score_forecasts(few, rows, n_resamples=50)
    assert title_of(plot_model_scores(best)) == "No other model did as well as regression"
    with pytest.raises(ParameterError, match="Brier"):
        plot_model_scores(result, measure="Brier")
    alone = score_forecasts(few[few["model"] == "regression"], rows, n_resamples=50)
    with pytest.raises(ParameterError, match="no other model"):
        plot_model_scores(alone)


@pytest.mark.parametrize("plot", [plot_calibration, plot_lift_by_money, plot_model_scores])
def test_figures_are_small_and_nothing_is_cut_off(result, plot):
    ax = plot(result)
    assert len(to_png(ax)) < 80_000
    figure = ax.figure
    figure.draw_without_rendering()
    for text in ax.findobj(mpl.text.Text):
        if text.get_text() and text.get_visible():
            box = text.get_window_extent()
            assert box.x0 >= 0 and box.y0 >= 0, text
            assert box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height, text
