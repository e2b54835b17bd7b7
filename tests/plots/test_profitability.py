import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from kam.errors import UndefinedMeasureError
from kam.identify.profitability import profitability
from kam.plots import describe, plot_profit_quadrants, plot_whale_curve
from tests.plots.conftest import CONTEXT, NAMES


def _profit(profits, *, serve=0.1, names=None):
    """Accounts of 1,000 with these contributions, a share of cost to serve each."""
    n = len(profits)
    share = np.broadcast_to(np.asarray(serve, dtype=float), n)
    freight = 1000 * share
    summary = pd.DataFrame({"customer_id": [f"C{i:05d}" for i in range(n)], "revenue": 1000.0, "freight": freight})
    summary["cost"] = 1000 - freight - np.asarray(profits, dtype=float)
    accounts = None if names is None else pd.DataFrame({"customer_id": summary["customer_id"], "name": names})
    return profitability(summary, accounts, context=CONTEXT)


def _title(ax):
    return ax.get_title(loc="left").replace("\n", " ")


def test_the_whale_curve_is_the_one_of_the_result():
    ax = plot_whale_curve(_profit([60, 40, 0, -45]))
    lines = [line for line in ax.lines if len(line.get_xdata()) > 1 and line.get_xdata()[-1] > 1]
    drawn = {float(x): float(y) for line in lines for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)}
    assert drawn == {0: 0, 1: 60, 2: 100, 3: 100, 4: 55}
    assert _title(ax) == "One of 4 accounts loses money: €55.00 of the €100.00 earned is left"
    assert "climbs to €100.00 at account 2 of 4 and ends at €55.00" in describe(ax)
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["2 accounts above zero\n€100.00", "one account below zero\n-€45.00"]


def test_most_lost_is_said_in_the_title():
    assert _title(plot_whale_curve(_profit([60, -40, -45]))).endswith("more money than the €60.00 that the others earn")
    revenue = profitability(pd.DataFrame({"customer_id": ["a", "b"], "revenue": [5.0, -1.0]}), None)
    assert plot_whale_curve(revenue).get_xlabel() == "accounts, the largest by net revenue first"
    assert _title(plot_whale_curve(revenue)) == "One of 2 accounts is below zero in net revenue; no cost is known"
    assert _title(plot_whale_curve(_profit([60, 40]))) == "No account is below zero"


def test_many_accounts_are_thinned_out_but_the_ends_stay():
    profits = np.linspace(50, -40, 30_000)
    result = _profit(profits)
    ax = plot_whale_curve(result)
    x = np.concatenate([line.get_xdata() for line in ax.lines])
    assert len(x) < 10_000 and {0, result.n_at_peak, 30_000} <= set(x.tolist())


def test_quadrants_place_every_account_on_its_side():
    profits, serve = [200, 100, 50, -10, -300], [0.02, 0.3, 0.01, 0.4, 0.05]
    result = _profit(profits, serve=serve)
    ax = plot_profit_quadrants(result)
    marks = np.concatenate([np.asarray(one.get_offsets()) for one in ax.collections])
    high = (result.accounts["profit"] >= result.profit_cut).sum()
    cheap = (result.accounts["share_cost_to_serve"] <= result.serve_cut).sum()
    assert len(marks) == 5 and (np.abs(marks) < 1).all()
    assert ((marks[:, 1] >= 0).sum(), (marks[:, 0] <= 0).sum()) == (high, cheap)
    texts = [text.get_text() for text in ax.texts]
    assert texts[0].startswith("high profit, low cost to serve\n")
    assert "Cut at €50.00 and at 15.6% of revenue." in describe(ax)


def test_ticks_are_where_the_values_are():
    result = _profit([200, 100, 50, -10, -300], serve=[0.02, 0.3, 0.01, 0.4, 0.05])
    ax = plot_profit_quadrants(result)
    labels = {label.get_text(): place for label, place in zip(ax.get_yticklabels(), ax.get_yticks(), strict=True)}
    assert labels["50"] == 0  # the cut
    scale = np.median(np.abs(np.array([200, 100, -10, -300]) - 50.0))
    assert labels["100"] == pytest.approx(50 / (50 + scale)) if "100" in labels else labels["200"] > 0


def test_without_quadrants_there_is_no_map():
    result = profitability(pd.DataFrame({"customer_id": ["a"], "revenue": [5.0]}), None)
    with pytest.raises(UndefinedMeasureError, match="no quadrants"):
        plot_profit_quadrants(result)


def test_no_text_covers_another_with_long_names():
    rng = np.random.default_rng(2)
    n = len(NAMES)
    result = _profit(rng.normal(-20, 60, n), serve=rng.uniform(0.01, 0.4, n), names=NAMES)
    for plot in (plot_whale_curve, plot_profit_quadrants):
        ax = plot(result)
        ax.figure.draw_without_rendering()
        boxes = [Text.get_window_extent(text) for text in ax.texts]  # without the line to its mark
        assert len(boxes) > 1
        for i, one in enumerate(boxes):
            assert not any(one.padded(-2).overlaps(other.padded(-2)) for other in boxes[i + 1 :])


@pytest.mark.parametrize(
    "profits", [[-5.0], [1e6, *([0.0] * 30), -1e6], [100.0] + [-1.0] * 60], ids=["one losing", "giants", "one earns"]
)
def test_unusual_portfolios_are_drawn_inside_the_figure(profits):
    for plot in (plot_whale_curve, plot_profit_quadrants):
        ax = plot(_profit(profits, serve=np.linspace(0.01, 0.2, len(profits))))
        figure = ax.figure
        figure.draw_without_rendering()
        inside = figure.get_tightbbox()
        width, height = figure.get_size_inches()
        assert inside.x0 >= -0.01 and inside.y0 >= -0.01
        assert inside.x1 <= width + 0.01 and inside.y1 <= height + 0.01
